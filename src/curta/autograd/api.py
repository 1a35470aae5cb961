"""What people call of automatic differentiation: `backward` and `grad`."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any

from curta.autograd.engine import run_backward
from curta.autograd.graph import GradientEdge
from curta.autograd.node import Accumulate
from curta.autograd.state import STATE
from curta.errors import ArgumentError, ArgumentTypeError, AutogradError, UnsupportedError

if TYPE_CHECKING:
    from curta.tensor import Tensor


class _End:
    """An output of a node in place of the tensor that it was: as much of that as a backward pass looks at."""

    base = batch = None
    requires_grad = _requires_grad = True

    def __init__(self, edge: GradientEdge) -> None:
        self.grad_fn, self.output_index = edge
        self.layout = edge.node.output_layouts[edge.output_nr]


def _end(value: Any) -> Any:
    if not isinstance(value, GradientEdge):
        return value
    return value.node.tensor if isinstance(value.node, Accumulate) else _End(value)


def _many(value: Any) -> tuple[Any, ...]:
    if value is None:
        return ()
    if isinstance(value, GradientEdge):
        return (_end(value),)
    if not hasattr(value, "layout") and not isinstance(value, Iterable):
        raise ArgumentTypeError(f"expected a tensor or a sequence of tensors, got {type(value).__name__}")
    return (value,) if hasattr(value, "layout") else tuple(map(_end, value))


def _first_gradients(roots: Sequence[Any], given: Any) -> list[Tensor]:
    from curta.ops.creation import ones_of

    gradients: tuple[Any, ...] = (None,) * len(roots) if given is None else _many(given)
    if len(gradients) != len(roots):
        raise AutogradError(f"got {len(roots)} tensors and {len(gradients)} gradients")
    first: list[Tensor] = []
    for place, (root, gradient) in enumerate(zip(roots, gradients, strict=True)):
        if not root.requires_grad:
            raise AutogradError(f"element {place} of tensors does not require grad and does not have a grad_fn")
        if gradient is None:
            if root.layout.numel != 1:
                raise AutogradError("grad can be implicitly created only for scalar outputs")
            first.append(ones_of(root.layout))
        elif not hasattr(gradient, "layout"):
            raise ArgumentTypeError(f"gradients can be either Tensors or None, but got {type(gradient).__name__}")
        elif gradient.layout.shape != root.layout.shape:
            raise AutogradError(
                f"Mismatch in shape: grad_output[{place}] has a shape of {_size(gradient)} and output[{place}] has a "
                f"shape of {_size(root)}."
            )
        else:
            first.append(gradient)
    return first


def _of_each_slice(back: Callable[[Any], list[Tensor | None]], given: Any) -> list[Tensor | None]:
    """The gradients for every slice of `given` along its first dimension, one behind the other."""
    from curta.func.mapping import vmap

    gradients = _many(given)
    if not gradients:
        raise AutogradError("grad can be implicitly created only for scalar outputs")
    there: list[bool] = []

    def row(*slices: Any) -> tuple[Tensor, ...]:
        found = back(slices)
        there[:] = [one is not None for one in found]
        return tuple(one for one in found if one is not None)

    made = iter(vmap(row)(*gradients))
    return [next(made) if one else None for one in there]


def _size(tensor: Tensor) -> str:
    return f"curta.Size({list(tensor.layout.shape)})"


def backward(
    tensors: Any,
    grad_tensors: Any = None,
    retain_graph: bool | None = None,
    create_graph: bool = False,
    grad_variables: Any = None,
    inputs: Any = None,
) -> None:
    """Add the gradients of `tensors` to the `grad` of the leaves they were made from (of `inputs` only, if given).

    `grad_tensors` weigh outputs that are not scalars. Raises AutogradError for a graph that was freed, for outputs
    without one, and for a saved tensor that was changed in place.

    >>> import curta
    >>> x = curta.tensor([1.0, 2.0], requires_grad=True)
    >>> curta.autograd.backward(x * x, curta.tensor([1.0, 10.0]))
    >>> x.grad
    tensor([ 2., 40.])
    """
    if grad_variables is not None:
        raise UnsupportedError("backward: grad_variables is not supported; use grad_tensors")
    roots = _many(tensors)
    if STATE.levels and any(getattr(one, "batch", None) is not None for one in roots):
        raise AutogradError(
            "backward() called inside a functorch transform. This is not supported, please use curta.func.grad or "
            "curta.func.vjp instead or call backward() outside of functorch transforms."
        )
    chosen = _many(inputs)
    if inputs is not None and not chosen:
        raise AutogradError("`inputs` argument to `backward()` cannot be empty.")
    run_backward(
        roots,
        _first_gradients(roots, grad_tensors),
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
    only_inputs: bool = True,
    allow_unused: bool | None = None,
    is_grads_batched: bool = False,
    materialize_grads: bool = False,
) -> tuple[Tensor | None, ...]:
    """The gradients of `outputs` with respect to `inputs`, leaving every `grad` alone.

    One for each input, with its shape and dtype; None (with `allow_unused`) or zeros (with `materialize_grads`) for
    an input that the outputs do not depend on, which is an AutogradError otherwise. With `is_grads_batched` each of
    `grad_outputs` has several along a new first dimension, and so has each result.

    >>> import curta
    >>> x = curta.tensor(3.0, requires_grad=True)
    >>> curta.autograd.grad(x * x, x)
    (tensor(6.),)
    """
    from curta.ops.creation import zeros_of

    if not only_inputs:
        raise UnsupportedError("grad: only_inputs=False is not supported")
    if allow_unused is False and materialize_grads:
        raise ArgumentError("Expected allow_unused to be True or not passed when materialize_grads=True")
    roots, wanted = _many(outputs), _many(inputs)
    if not wanted:
        raise AutogradError("`inputs` argument to `grad()` cannot be empty.")

    def back(given: Any) -> list[Tensor | None]:
        return run_backward(
            roots,
            _first_gradients(roots, given),
            retain_graph=create_graph if retain_graph is None else retain_graph,
            create_graph=create_graph,
            inputs=wanted,
            into_grad=False,
        )

    found = _of_each_slice(back, grad_outputs) if is_grads_batched else back(grad_outputs)
    if materialize_grads:
        return tuple(zeros_of(w.layout) if g is None else g for g, w in zip(found, wanted, strict=True))
    for place, gradient in enumerate(found):
        if gradient is None and not allow_unused:
            raise AutogradError(
                f"The differentiated Tensor at index {place} appears to not have been used in the graph. Set "
                "allow_unused=True if this is the desired behavior."
            )
    return tuple(found)
