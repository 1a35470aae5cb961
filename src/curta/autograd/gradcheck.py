"""Compares gradients with finite differences."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeAlias

from curta.autograd.api import _many, grad
from curta.errors import ArgumentError, CurtaError, UnsupportedError
from curta.lazy import LazyModule

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt
else:
    np = LazyModule("numpy")

Matrix: TypeAlias = "npt.NDArray[np.float64]"


class GradcheckError(CurtaError, RuntimeError):
    """A gradient differs from the finite difference."""


def _refuse(name: str, **options: Any) -> None:
    for option, value in options.items():
        if value:
            raise UnsupportedError(f"{name}: {option}={value!r} is not supported")


def _outputs(function: Callable[..., Any], inputs: tuple[Any, ...]) -> list[Any]:
    return [out for out in _many(function(*inputs)) if out.layout.dtype.is_floating_point]


def _values(tensor: Any) -> Matrix:
    return np.asarray(tensor.detach().numpy(), dtype=np.float64).reshape(-1)


def _numerical(function: Callable[..., Any], inputs: tuple[Any, ...], which: int, eps: float) -> list[Matrix]:
    """For each output the Jacobian [input elements, output elements] by central differences."""
    from curta import no_grad, tensor

    value = inputs[which]
    start = np.array(value.detach().numpy())
    flat = start.reshape(-1)
    rows: list[list[Matrix]] = []
    for element in range(flat.size):
        sides = []
        for step in (eps, -eps):
            moved = start.copy()
            moved.reshape(-1)[element] += step
            changed = tensor(moved, dtype=value.layout.dtype)
            with no_grad():
                sides.append(
                    [_values(out) for out in _outputs(function, (*inputs[:which], changed, *inputs[which + 1 :]))]
                )
        rows.append([(up - down) / (2 * eps) for up, down in zip(*sides, strict=True)])
    return [np.stack(column) for column in zip(*rows, strict=True)]


def _analytical(output: Any, value: Any) -> Matrix:
    """The same Jacobian by one backward pass for each output element."""
    from curta import tensor

    count = output.layout.numel
    columns = []
    for element in range(count):
        seed = np.zeros(count, dtype=output.layout.dtype.numpy)
        seed[element] = 1
        weights = tensor(seed.reshape(output.layout.shape), dtype=output.layout.dtype)
        (found,) = grad(output, value, weights, retain_graph=True, allow_unused=True)
        columns.append(np.zeros(value.layout.numel) if found is None else _values(found))
    return np.stack(columns, axis=1) if columns else np.zeros((value.layout.numel, 0))


def _checked_inputs(name: str, inputs: Any) -> tuple[tuple[Any, ...], list[int]]:
    given = _many(inputs)
    differentiable = [
        place for place, value in enumerate(given) if hasattr(value, "layout") and value._requires_grad
    ]  # fmt: skip
    if not differentiable:
        raise ArgumentError(
            f"{name} expects at least one input tensor to require gradient, but none of them have requires_grad=True."
        )
    for place in differentiable:
        if given[place].layout.dtype.itemsize != 8:
            warnings.warn(
                f"Input #{place} requires gradient and is not a double precision floating point. This check will "
                "likely fail if all the inputs are not of double precision floating point.",
                stacklevel=3,
            )
    return given, differentiable


def gradcheck(
    func: Callable[..., Any],
    inputs: Any,
    *,
    eps: float = 1e-6,
    atol: float = 1e-5,
    rtol: float = 1e-3,
    raise_exception: bool = True,
    nondet_tol: float = 0.0,
    check_undefined_grad: bool = True,
    check_grad_dtypes: bool = False,
    check_batched_grad: bool = False,
    check_batched_forward_grad: bool = False,
    check_forward_ad: bool = False,
    check_backward_ad: bool = True,
    fast_mode: bool = False,
    masked: bool | None = None,
) -> bool:
    """Whether the gradients of `func` agree with finite differences of step `eps`; inputs should be float64.

    Raises GradcheckError where they do not, or returns False without `raise_exception`. `check_undefined_grad` is
    met by the engine itself, which puts zeros for missing gradients; a second pass always checks `nondet_tol`.

    >>> import curta
    >>> x = curta.tensor([0.5, 2.0], dtype=curta.float64, requires_grad=True)
    >>> gradcheck(lambda x: x * x, (x,))
    True
    """
    _refuse(
        "gradcheck", check_batched_grad=check_batched_grad, check_batched_forward_grad=check_batched_forward_grad,
        check_forward_ad=check_forward_ad, fast_mode=fast_mode, masked=masked, check_grad_dtypes=check_grad_dtypes,
    )  # fmt: skip
    if not check_backward_ad:
        raise UnsupportedError("gradcheck: check_backward_ad=False is not supported")
    given, differentiable = _checked_inputs("gradcheck", inputs)
    try:
        for place in differentiable:
            numerical = _numerical(func, given, place, eps)
            for number, output in enumerate(_outputs(func, given)):
                if output._requires_grad or np.any(numerical[number]):
                    _compare(output, number, given[place], place, numerical[number], atol, rtol, nondet_tol)
    except GradcheckError:
        if raise_exception:
            raise
        return False
    return True


def _compare(
    output: Any, number: int, value: Any, place: int, numerical: Matrix, atol: float, rtol: float, nondet_tol: float
) -> None:
    if not output._requires_grad:
        raise GradcheckError(f"output {number} does not require grad, but depends on input {place}")
    first, again = _analytical(output, value), _analytical(output, value)
    if not np.allclose(first, again, rtol=0.0, atol=nondet_tol):
        raise GradcheckError(
            f"Backward is not reentrant, i.e., running backward with same input and grad_output multiple times gives "
            f"different values (output {number}, input {place}; the tolerance is {nondet_tol})"
        )
    if not np.allclose(first, numerical, rtol=rtol, atol=atol):
        raise GradcheckError(
            f"Jacobian mismatch for output {number} with respect to input {place},\n"
            f"numerical:{numerical}\nanalytical:{first}\n"
        )


def gradgradcheck(
    func: Callable[..., Any],
    inputs: Any,
    grad_outputs: Any = None,
    *,
    eps: float = 1e-6,
    atol: float = 1e-5,
    rtol: float = 1e-3,
    raise_exception: bool = True,
    nondet_tol: float = 0.0,
) -> bool:
    """Whether the second derivatives of `func` agree with finite differences of its first; see `gradcheck`."""
    from curta import tensor

    given, differentiable = _checked_inputs("gradgradcheck", inputs)
    weights: tuple[Any, ...]
    if grad_outputs is None:
        generator = np.random.default_rng(0)
        weights = tuple(
            tensor(generator.standard_normal(out.layout.shape), dtype=out.layout.dtype, requires_grad=True)
            for out in _outputs(func, given)
        )
    else:
        weights = _many(grad_outputs)
    count = len(given)

    def first_derivatives(*arguments: Any) -> tuple[Any, ...]:
        from curta import enable_grad

        with enable_grad():
            values = tuple(
                value if place not in differentiable or value._requires_grad else value.detach().requires_grad_()
                for place, value in enumerate(arguments[:count])
            )
            found = grad(
                _outputs(func, values),
                [values[place] for place in differentiable],
                arguments[count:],
                create_graph=True,
                allow_unused=True,
                materialize_grads=True,
            )
        return tuple(gradient for gradient in found if gradient is not None)

    return gradcheck(
        first_derivatives, (*given, *weights), eps=eps, atol=atol, rtol=rtol, raise_exception=raise_exception,
        nondet_tol=nondet_tol,
    )  # fmt: skip
