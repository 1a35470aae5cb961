"""What people call of automatic differentiation: `backward`, `grad`, and the modes that turn it on and off."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

from curta.autograd.engine import run_backward
from curta.autograd.state import STATE
from curta.errors import ArgumentTypeError, AutogradError

if TYPE_CHECKING:
    from curta.tensor import Tensor

F = TypeVar("F", bound=Callable[..., Any])


class _Mode:
    """A mode for the current thread: a context manager, and a decorator."""

    def __init__(self) -> None:
        self._before: list[tuple[bool, bool]] = []

    def _values(self) -> tuple[bool, bool]:
        """(gradients on, inference) inside the mode."""
        raise NotImplementedError

    def __enter__(self) -> None:
        self._before.append((STATE.grad_enabled, STATE.inference))
        STATE.grad_enabled, STATE.inference = self._values()

    def __exit__(self, *exception: object) -> None:
        STATE.grad_enabled, STATE.inference = self._before.pop()

    def __call__(self, function: F) -> F:
        @functools.wraps(function)
        def inside(*args: Any, **kwargs: Any) -> Any:
            with self._fresh():
                return function(*args, **kwargs)

        return inside  # type: ignore[return-value]

    def _fresh(self) -> _Mode:
        return type(self)()


class no_grad(_Mode):  # noqa: N801 - PyTorch's name
    """Inside, operators are not remembered for backward.

    >>> import curta
    >>> x = curta.ones(2, requires_grad=True)
    >>> with curta.no_grad():
    ...     (x * 2).requires_grad
    False
    """

    def _values(self) -> tuple[bool, bool]:
        return (False, STATE.inference)


class enable_grad(_Mode):  # noqa: N801 - PyTorch's name
    """Inside, operators are remembered again, within `no_grad`."""

    def _values(self) -> tuple[bool, bool]:
        return (not STATE.inference, STATE.inference)


class inference_mode(_Mode):  # noqa: N801 - PyTorch's name
    """Like `no_grad`; tensors made inside can never be saved for backward."""

    def __init__(self, mode: bool = True) -> None:
        super().__init__()
        self.mode = mode

    def _values(self) -> tuple[bool, bool]:
        return (False, True) if self.mode else (True, False)

    def _fresh(self) -> _Mode:
        return inference_mode(self.mode)


class set_grad_enabled(_Mode):  # noqa: N801 - PyTorch's name
    """Turns remembering on or off: at once when called, and until the end when used with `with`."""

    def __init__(self, mode: bool) -> None:
        super().__init__()
        self.mode = mode
        self._at_call = STATE.grad_enabled
        STATE.grad_enabled = mode

    def _values(self) -> tuple[bool, bool]:
        return (self.mode, STATE.inference)

    def __enter__(self) -> None:
        self._before.append((self._at_call, STATE.inference))
        STATE.grad_enabled = self.mode

    def _fresh(self) -> _Mode:
        return set_grad_enabled(self.mode)


def is_grad_enabled() -> bool:
    """Whether operators are remembered for backward on this thread."""
    return STATE.grad_enabled


def is_inference_mode_enabled() -> bool:
    """Whether this thread is inside `inference_mode`."""
    return STATE.inference


def _many(value: Any) -> tuple[Any, ...]:
    if value is None:
        return ()
    return tuple(value) if isinstance(value, (list, tuple)) else (value,)


def _first_gradients(roots: Sequence[Tensor], gradients: Sequence[Tensor | None]) -> list[Tensor]:
    from curta.ops.creation import ones_of

    if len(gradients) != len(roots):
        raise AutogradError(f"got {len(roots)} tensors and {len(gradients)} gradients")
    given = []
    for root, gradient in zip(roots, gradients, strict=True):
        if gradient is None:
            if root._requires_grad and root.layout.numel != 1:
                raise AutogradError("grad can be implicitly created only for scalar outputs")
            given.append(ones_of(root.layout))
        elif gradient.layout.shape != root.layout.shape:
            raise AutogradError(
                f"Mismatch in shape: grad_output[0] has a shape of {list(gradient.layout.shape)} and output[0] has a "
                f"shape of {list(root.layout.shape)}."
            )
        else:
            given.append(gradient)
    return given


def backward(
    tensors: Any,
    grad_tensors: Any = None,
    retain_graph: bool | None = None,
    create_graph: bool = False,
    inputs: Any = None,
) -> None:
    """Add the gradients of `tensors` to the `grad` of the leaves they were made from (of `inputs` only, if given).

    `grad_tensors` weigh non-scalar outputs. Raises AutogradError for a graph that was freed, or outputs without one.
    """
    roots = _many(tensors)
    gradients = _many(grad_tensors) or (None,) * len(roots)
    chosen = _many(inputs)
    if inputs is not None and not chosen:
        raise AutogradError("`inputs` argument to `backward()` cannot be empty.")
    run_backward(
        roots,
        _first_gradients(roots, gradients),
        retain_graph=create_graph if retain_graph is None else retain_graph,
        create_graph=create_graph,
        inputs=chosen or None,
    )


def grad(
    outputs: Any,
    inputs: Any,
    grad_outputs: Any = None,
    retain_graph: bool | None = None,
    create_graph: bool = False,
    allow_unused: bool | None = None,
    is_grads_batched: bool = False,
    materialize_grads: bool = False,
) -> tuple[Tensor | None, ...]:
    """The gradients of `outputs` with respect to `inputs`, leaving every `grad` alone.

    >>> import curta
    >>> x = curta.tensor(3.0, requires_grad=True)
    >>> curta.autograd.grad(x * x, x)
    (tensor(6.),)
    """
    from curta.errors import UnsupportedError
    from curta.ops.creation import zeros_of

    if is_grads_batched:
        raise UnsupportedError("grad: is_grads_batched is not supported")
    if allow_unused is False and materialize_grads:
        raise ArgumentTypeError("Expected allow_unused to be True or not passed when materialize_grads=True")
    roots, wanted = _many(outputs), _many(inputs)
    gradients = _many(grad_outputs) or (None,) * len(roots)
    found = run_backward(
        roots,
        _first_gradients(roots, gradients),
        retain_graph=create_graph if retain_graph is None else retain_graph,
        create_graph=create_graph,
        inputs=wanted,
        accumulate=False,
    )
    if materialize_grads:
        found = [zeros_of(w.layout) if g is None else g for g, w in zip(found, wanted, strict=True)]
    if not allow_unused and any(gradient is None for gradient in found):
        raise AutogradError(
            "One of the differentiated Tensors appears to not have been used in the graph. Set allow_unused=True if "
            "this is the desired behavior."
        )
    return tuple(found)
