"""`Function`: an operator that people write themselves, with its own backward."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any

from curta.autograd.counted import as_one
from curta.autograd.hooks import Hooks
from curta.autograd.modes import no_grad
from curta.autograd.node import (
    FREED,
    Later,
    Node,
    changed,
    connected,
    edges_of,
    fill_zeros,
    next_sequence,
    note_node,
    save,
)
from curta.autograd.saving import TOKEN
from curta.autograd.state import STATE
from curta.errors import ArgumentTypeError, AutogradError, UnsupportedError

if TYPE_CHECKING:
    from curta.tensor import Tensor


class FunctionNode(Node):
    """The node of a `Function`, which is also the `ctx` that its forward and backward receive.

    Anything may be stored on it as an attribute; tensors belong in `save_for_backward`.
    """

    needs_input_grad: tuple[bool, ...] = ()
    _function: type[Function]

    def __init__(self, function: type[Function], inputs: tuple[Any, ...]) -> None:
        self._function = function
        self.freed = False
        self.hooks: Hooks | None = None
        self.only = None
        self.edges, self.input_layouts = edges_of(inputs)
        self.needs_input_grad = tuple(edge is not None and STATE.grad_enabled for edge in self.edges)
        self.output_layouts = []
        self._inputs = self._outputs = self.saving = None
        self._kept: tuple[Any, ...] = ()
        #: (value, version, which output it is or -1) of what was saved
        self._saved: list[tuple[Any, int, int]] = []
        self._constant: tuple[int, ...] = ()
        self._constant_tensors: tuple[Any, ...] = ()
        self._materialize = True
        self._mark: Any = None

    # what forward calls

    def save_for_backward(self, *tensors: Any) -> None:
        """Keep tensors (or None) for backward, where they are `ctx.saved_tensors`."""
        for place, value in enumerate(tensors):
            if value is not None and not hasattr(value, "layout"):
                raise ArgumentTypeError(
                    f"save_for_backward can only save variables, but argument {place} is of type {type(value).__name__}"
                )
        self._kept = tensors

    def mark_non_differentiable(self, *outputs: Any) -> None:
        """Say which outputs have no gradient."""
        self._constant_tensors = outputs

    def set_materialize_grads(self, value: bool) -> None:
        """Whether backward gets zeros (the default) or None for outputs that nobody used."""
        self._materialize = value

    def mark_dirty(self, *inputs: Any) -> None:
        """Not supported: a Function cannot change its inputs in place."""
        raise UnsupportedError("Function: ctx.mark_dirty is not supported; return a new tensor")

    def save_for_forward(self, *tensors: Any) -> None:
        """Not supported: there is no forward-mode differentiation."""
        raise UnsupportedError("Function: ctx.save_for_forward is not supported (no forward-mode differentiation)")

    # what backward reads

    @property
    def saved_tensors(self) -> tuple[Any, ...]:
        """What `save_for_backward` was given; AutogradError if it was changed or freed since."""
        if self.freed:
            raise AutogradError(FREED)
        if not self._saved:
            return self._kept  # still inside forward, or nothing was saved
        return tuple(self._unpacked(*saved, place) for place, saved in enumerate(self._saved))

    def _unpacked(self, value: Any, version: int, output: int, place: int) -> Any:
        if value is None:
            return None
        if type(value) is Later:
            value, version = value.made()
            self._saved[place] = (value, version, output)
        if value.storage is not None and value.storage.version != version:
            made_by = self if output >= 0 else value.grad_fn
            raise changed(self._function.__name__, "tensor", place, value, made_by, version)
        return connected(value, self, output) if output >= 0 and STATE.grad_enabled else value

    # what the engine calls

    def name(self) -> str:
        """As PyTorch prints it."""
        return self._function.__name__ + "Backward"

    def apply(self, gradients: list[Any]) -> tuple[Any, ...]:
        """The gradients of the inputs, by the function's `backward`."""
        if self._materialize:
            fill_zeros(gradients, self.output_layouts)
        if STATE.books:
            made: list[Any] = []
            with as_one(self.name(), self._function.backward_cost, gradients, made):
                results = self._function.backward(self, *gradients)
                made += _several(results)
        else:
            results = self._function.backward(self, *gradients)
        found = results if isinstance(results, tuple) else (results,)
        wanted = len(self.edges)
        while len(found) > wanted and found[-1] is None:
            found = found[:-1]
        for edge, result in zip(self.edges, found, strict=False):
            if edge is not None and result is not None and not hasattr(result, "layout"):
                raise AutogradError(f"expected Variable or None (got {type(result).__name__})")
        return found

    def free(self) -> None:
        """Let go of what was saved."""
        if self._saved:
            self.freed = True
            self._saved = []
        self._kept = ()
        self._mark = self.saving = None

    def keep(self, mark: Any) -> None:
        """Hold `mark` for as long as what is saved."""
        self._mark = mark

    def saved_tensors_of_forward(self) -> list[Any]:
        """The tensors that are kept for the backward pass."""
        return [value for value, _, _ in self._saved if hasattr(value, "layout")]

    def seal(self, outputs: tuple[Any, ...]) -> None:
        """After forward: note what was saved, and connect the outputs."""
        self.sequence = next_sequence()
        self.output_layouts = [getattr(out, "layout", None) for out in outputs]  # type: ignore[misc]
        places = {id(out): place for place, out in enumerate(outputs)}
        for value in self._kept:
            place = places.get(id(value), -1)
            self._saved.append((*save(value.same() if place >= 0 else value), place))
        self.saving = TOKEN[0] if self._saved else None
        self._kept = ()
        if STATE.hooked:
            note_node(self)
        constant = {id(out) for out in self._constant_tensors}
        self._constant_tensors = ()
        for place, out in enumerate(outputs):
            if hasattr(out, "layout") and id(out) not in constant and out.layout.dtype.is_floating_point:
                out.grad_fn = self
                out.output_index = place
                out._requires_grad = True


class Function:
    """An operator with a backward of its own: subclass with static `forward(ctx, ...)` and `backward(ctx, *grads)`.

    `backward` gives one gradient (or None) for each argument of `forward`; written with differentiable operators, it
    can be differentiated again.

    >>> import curta
    >>> class Cube(curta.autograd.Function):
    ...     @staticmethod
    ...     def forward(ctx, x):
    ...         ctx.save_for_backward(x)
    ...         return x * x * x
    ...
    ...     @staticmethod
    ...     def backward(ctx, gradient):
    ...         (x,) = ctx.saved_tensors
    ...         return gradient * 3 * x * x
    >>> x = curta.tensor(2.0, requires_grad=True)
    >>> Cube.apply(x).backward()
    >>> x.grad
    tensor(12.)
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        raise ArgumentTypeError(
            f"{type(self).__name__} should not be instantiated. Methods on autograd functions are all static, so you "
            "should invoke them on the class itself."
        )

    @staticmethod
    def forward(*args: Any, **kwargs: Any) -> Any:
        """Compute the result: `forward(ctx, *inputs)`, or `forward(*inputs)` beside a `setup_context`."""
        raise UnsupportedError("You must implement the forward function for custom autograd.Function.")

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: Any) -> None:
        """Save what backward needs, for a `forward` without `ctx`."""
        raise UnsupportedError("setup_context is not implemented.")

    @staticmethod
    def backward(ctx: Any, *grad_outputs: Any) -> Any:
        """The gradient of each input, from those of the outputs."""
        raise UnsupportedError(
            "You must implement either the backward or vjp method for your custom autograd.Function to use it with "
            "backward mode AD."
        )

    #: `cost(inputs, outputs)` gives the `curta.Cost` of `forward` from its tensors' layouts (shape, dtype, nbytes), and
    #: `backward_cost(gradients, results)` that of `backward`; without them, accounts count the operators that are used
    cost: Any = None
    backward_cost: Any = None

    @classmethod
    def apply(cls, *args: Any, **kwargs: Any) -> Any:
        """Run the function; its result remembers how to go back."""
        if STATE.levels and STATE.grad_enabled:
            cls._check_mapped(args)
        node = FunctionNode(cls, args)
        if any(getattr(value, "_requires_grad", False) for value in kwargs.values()):
            raise UnsupportedError(f"{cls.__name__}: tensors that require grad must be positional arguments")
        with no_grad():
            if STATE.books:
                result = cls._counted(node, args, kwargs)
            else:
                result = cls._run(node, args, kwargs)
        if not any(node.needs_input_grad):
            return result
        several = isinstance(result, (tuple, list))
        outputs = tuple(_own(out, args) for out in (result if several else (result,)))
        node.seal(outputs)
        return outputs if several else outputs[0]

    @classmethod
    def _check_mapped(cls, args: tuple[Any, ...]) -> None:
        """UnsupportedError where a gradient is wanted outside of the `vmap` that runs: it would not pass through."""
        from curta.batching.values import level_of, wanted_outside

        here = level_of(args)
        for one in args:
            if hasattr(one, "layout") and (wanted_outside(one) or (one._requires_grad and level_of((one,)) < here)):
                raise UnsupportedError(
                    f"{cls.__name__}: inside vmap a Function has gradients only where they are taken inside too: put "
                    "curta.func.grad into the mapped function, or call the Function outside"
                )

    @classmethod
    def _run(cls, node: FunctionNode, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        if cls.setup_context is Function.setup_context:
            return cls.forward(node, *args, **kwargs)
        result = cls.forward(*args, **kwargs)
        cls.setup_context(node, args, result)
        return result

    @classmethod
    def _counted(cls, node: FunctionNode, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        made: list[Any] = []
        with as_one(cls.__name__, cls.cost, (*args, *kwargs.values()), made):
            result = cls._run(node, args, kwargs)
            made += _several(result)
        return result


def _several(result: Any) -> list[Any]:
    return list(result) if isinstance(result, (tuple, list)) else [result]


def _own(output: Any, inputs: tuple[Any, ...]) -> Any:
    """An output that is one of the inputs becomes a view of it: the input keeps its own history."""
    if not any(output is value for value in inputs) or not hasattr(output, "layout"):
        return output
    view: Tensor = output.same()
    view.base = output if output.base is None else output.base
    return view


def once_differentiable(function: Any) -> Any:
    """Decorates a `backward` that cannot be differentiated again: it runs without being remembered."""

    @functools.wraps(function)
    def inside(ctx: Any, *gradients: Any) -> Any:
        with no_grad():
            results = function(ctx, *gradients)
        if not any(getattr(gradient, "_requires_grad", False) for gradient in gradients):
            return results
        raise AutogradError("trying to differentiate twice a function that was marked with @once_differentiable")

    return inside
