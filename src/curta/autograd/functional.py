"""Jacobians, Hessians and products with them, of functions of a tensor or of a tuple of tensors."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from curta.autograd.modes import no_grad
from curta.autograd.state import STATE
from curta.errors import ArgumentError, ArgumentTypeError, AutogradError, UnsupportedError

if TYPE_CHECKING:
    from curta.func.gradients import Run

__all__ = ["hessian", "hvp", "jacobian", "jvp", "vhp", "vjp"]


def jacobian(
    func: Callable[..., Any],
    inputs: Any,
    create_graph: bool = False,
    strict: bool = False,
    vectorize: bool = False,
    strategy: str = "reverse-mode",
) -> Any:
    """The Jacobian [*output, *input]; a tuple for each of several outputs, inside of it for each of several inputs.

    Always made by one pass over all rows, with `vectorize` or without. `strict`: an output that does not depend on an
    input is an AutogradError.

    >>> import curta
    >>> curta.autograd.functional.jacobian(lambda x: x * x, curta.tensor([1.0, 2.0]))
    tensor([[2., 0.],
            [0., 4.]])
    """
    from curta.func.jacobians import columns_of, rows_of

    forward = _is_forward(strategy, vectorize, strict)
    run = _run("jacobian", func, inputs, create_graph, strict)
    places = range(len(run.graph.inputs if forward else run.outputs))
    made = [(columns_of if forward else rows_of)(run, place) for place in places]
    if forward:
        made = [list(parts) for parts in zip(*made, strict=True)]
    return _kept(run.like_outputs([run.like_inputs(parts) for parts in made]), create_graph)


def _is_forward(strategy: str, vectorize: bool, strict: bool) -> bool:
    if strategy not in ("forward-mode", "reverse-mode"):
        raise ArgumentError(f'Expected strategy to be either "forward-mode" or "reverse-mode", got {strategy!r}')
    if strategy == "reverse-mode":
        return False
    if strict:
        raise UnsupportedError('jacobian: strict=True and `strategy="forward-mode"` are not supported together')
    if not vectorize:
        raise UnsupportedError("jacobian: forward mode is only implemented for `vectorize=True`")
    return True


def hessian(
    func: Callable[..., Any],
    inputs: Any,
    create_graph: bool = False,
    strict: bool = False,
    vectorize: bool = False,
    outer_jacobian_strategy: str = "reverse-mode",
) -> Any:
    """The second derivatives of a function that gives a single element: [*input, *input], for each two inputs.

    >>> import curta
    >>> curta.autograd.functional.hessian(lambda x: (x**3).sum(), curta.tensor([1.0, 2.0]))
    tensor([[ 6.,  0.],
            [ 0., 12.]])
    """

    def gradient(*values: Any) -> Any:
        run = _run("hessian", func, values, True, strict)
        found = tuple(_single("hessian", run))
        return found if isinstance(inputs, tuple) else found[0]

    made = jacobian(gradient, inputs, create_graph, strict, vectorize, outer_jacobian_strategy)
    return made


def vjp(
    func: Callable[..., Any], inputs: Any, v: Any = None, create_graph: bool = False, strict: bool = False
) -> tuple[Any, Any]:
    """(output, v times the Jacobian); `v` is like the output, and may be left out for a single element.

    >>> import curta
    >>> curta.autograd.functional.vjp(lambda x: (x * x).sum(), curta.tensor([1.0, 2.0]))
    (tensor(5.), tensor([2., 4.]))
    """
    run = _run("vjp", func, inputs, create_graph, strict)
    vectors = _vectors(v, run.outputs, "user-provided function returns")
    (found,) = run.gradients([vectors], keep=create_graph)
    return _kept(run.value(), create_graph), _kept(found, create_graph)


def jvp(
    func: Callable[..., Any], inputs: Any, v: Any = None, create_graph: bool = False, strict: bool = False
) -> tuple[Any, Any]:
    """(output, the Jacobian times v); `v` is like the inputs, and may be left out for a single element.

    >>> import curta
    >>> curta.autograd.functional.jvp(lambda x: x * x, curta.tensor([1.0, 2.0]), curta.tensor([1.0, 10.0]))
    (tensor([1., 4.]), tensor([ 2., 40.]))
    """
    from curta.func.gradients import Forward

    run = _run("jvp", func, inputs, create_graph, strict)
    vectors = _vectors(v, run.graph.inputs, "input to the user-provided function is")
    return _kept(run.value(), create_graph), _kept(Forward(run).along(vectors, keep=False), create_graph)


def vhp(
    func: Callable[..., Any], inputs: Any, v: Any = None, create_graph: bool = False, strict: bool = False
) -> tuple[Any, Any]:
    """(output, v times the Hessian) of a function that gives a single element.

    >>> import curta
    >>> x = curta.tensor([1.0, 2.0])
    >>> curta.autograd.functional.vhp(lambda x: (x**3).sum(), x, curta.ones(2))
    (tensor(9.), tensor([ 6., 12.]))
    """
    return _with_hessian("vhp", func, inputs, v, create_graph, strict)


def hvp(
    func: Callable[..., Any], inputs: Any, v: Any = None, create_graph: bool = False, strict: bool = False
) -> tuple[Any, Any]:
    """(output, the Hessian times v) of a function that gives a single element; the Hessian is symmetric, so as `vhp`.

    >>> import curta
    >>> x = curta.tensor([1.0, 2.0])
    >>> curta.autograd.functional.hvp(lambda x: (x**3).sum(), x, curta.ones(2))
    (tensor(9.), tensor([ 6., 12.]))
    """
    return _with_hessian("hvp", func, inputs, v, create_graph, strict)


def _with_hessian(name: str, func: Any, inputs: Any, v: Any, create_graph: bool, strict: bool) -> tuple[Any, Any]:
    kept: list[Any] = []

    def gradient(*values: Any) -> tuple[Any, ...]:
        run = _run(name, func, values, True, strict)
        kept[:] = [run.value()]
        return tuple(_single(name, run))

    outer = _run(name, gradient, inputs, create_graph, strict)
    vectors = _vectors(v, outer.graph.inputs, "input to the user-provided function is")
    (found,) = outer.gradients([vectors], keep=create_graph)
    (value,) = kept
    return _kept(outer.graph.released(value), create_graph), _kept(found, create_graph)


def _single(name: str, run: Run) -> list[Any]:
    """The gradients of the only output, which has a single element."""
    from curta.ops.creation import ones_of

    if len(run.outputs) > 1 or run.outputs[0].layout.numel != 1:
        raise AutogradError(f"The Tensor returned by the function given to {name} should contain a single element")
    return run.graph.inward(run.graph.back([ones_of(run.outputs[0].layout)], keep=False))


def _run(name: str, func: Any, inputs: Any, create_graph: bool, strict: bool) -> Run:
    from curta.func.gradients import Run

    several = isinstance(inputs, tuple)
    for place, one in enumerate(inputs if several else (inputs,)):
        if not hasattr(one, "layout"):
            raise ArgumentTypeError(
                f"The inputs given to {name} must be either a Tensor or a tuple of Tensors but the value at index "
                f"{place} has type {type(one)}."
            )

    def checked(*values: Any) -> Any:
        made = func(*values)
        if not hasattr(made, "layout") and not (isinstance(made, tuple) and all(hasattr(o, "layout") for o in made)):
            raise ArgumentTypeError(
                f"The outputs of the user-provided function given to {name} must be either a Tensor or a tuple of "
                f"Tensors but the given outputs of the user-provided function has type {type(made)}."
            )
        return made

    def arguments(given: Any) -> tuple[Any, dict[str, Any]]:
        return given if several else (given,), {}

    if create_graph and STATE.grad_enabled:
        run = Run(name, checked, inputs, arguments, False)
    else:
        with no_grad():
            run = Run(name, checked, inputs, arguments, False)
    if strict:
        _check_dependence(run)
    return run


def _check_dependence(run: Run) -> None:
    """AutogradError where an output does not depend on an input."""
    from curta.ops.creation import zeros_of

    for place, one in enumerate(run.outputs):
        if not one.requires_grad:
            raise AutogradError(
                f"Output {place} of the user-provided function does not require gradients. The outputs must be "
                "computed in a differentiable manner from the input when running in strict mode."
            )
        alone = run.graph.only(place)
        for number, gradient in enumerate(alone.back([zeros_of(one.layout)], keep=True)):
            if gradient is None:
                raise AutogradError(
                    f"Output {place} of the user-provided function is independent of input {number}. This is not "
                    "allowed in strict mode."
                )


def _vectors(v: Any, like: list[Any], what: str) -> list[Any]:
    """The vectors to multiply with, checked against what they have to be like."""
    from curta.ops.creation import ones_of

    if v is None:
        if len(like) > 1 or like[0].layout.numel != 1:
            raise AutogradError(f"The vector v can only be None if the {what} a single Tensor with a single element.")
        return [ones_of(like[0].layout)]
    given = list(v) if isinstance(v, tuple) else [v]
    if len(given) != len(like):
        raise AutogradError(f"v is a tuple of invalid length: should be {len(like)} but got {len(given)}.")
    for one, other in zip(given, like, strict=True):
        if not hasattr(one, "layout"):
            raise ArgumentTypeError(f"v must be either a Tensor or a tuple of Tensors but has type {type(one)}.")
        if one.layout.shape != other.layout.shape:
            raise AutogradError(
                f"v has invalid size: should be curta.Size({list(other.layout.shape)}) but got "
                f"curta.Size({list(one.layout.shape)})."
            )
    return given


def _kept(made: Any, create_graph: bool) -> Any:
    """Results, without a history unless it was asked for."""
    if create_graph:
        return made
    if isinstance(made, tuple):
        return tuple(_kept(one, create_graph) for one in made)
    return made.detach()
