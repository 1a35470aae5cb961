"""Methods of a tensor that concern its gradient."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from curta.autograd.hooks import Handle
from curta.autograd.state import STATE
from curta.errors import ArgumentTypeError, AutogradError
from curta.memory.changes import CHANGES
from curta.memory.ledger import GRADIENTS
from curta.memory.living import LEAVES

if TYPE_CHECKING:
    from curta.tensor import Tensor

__all__ = ["AutogradMethods", "Handle"]


class AutogradMethods:
    """`backward`, `grad`, `requires_grad`, hooks."""

    #: hooks on a leaf's gradient, and hooks that run when it has been added to `grad`
    hooks: dict[int, Any] | None = None
    post_hooks: dict[int, Any] | None = None

    if TYPE_CHECKING:
        layout: Any
        base: Any
        generation: int
        grad_fn: Any
        storage: Any
        output_index: int
        _grad: Any
        _requires_grad: bool

    def backward(
        self: Any,
        gradient: Any = None,
        retain_graph: bool | None = None,
        create_graph: bool = False,
        inputs: Any = None,
    ) -> None:
        """Add this tensor's gradients to the leaves' `grad`; see `curta.autograd.backward`.

        >>> import curta
        >>> x = curta.tensor([1.0, 2.0], requires_grad=True)
        >>> (x * x).sum().backward()
        >>> x.grad
        tensor([2., 4.])
        """
        from curta.autograd.api import backward

        backward((self,), (gradient,), retain_graph, create_graph, inputs=inputs)

    @property
    def grad(self) -> Tensor | None:
        """The gradient gathered so far; None before the first backward."""
        if STATE.recorder is not None:
            STATE.recorder.note_leaf(self)
        return self._grad

    @grad.setter
    def grad(self, value: Any) -> None:
        if value is not None:
            self._check_assigned_grad(value)
        if STATE.recorder is not None:
            STATE.recorder.note_leaf(self)
        self._grad = value
        if value is not None:
            LEAVES.add(self)
            for book in STATE.books:
                book.assign(value.storage, GRADIENTS)

    @grad.deleter
    def grad(self) -> None:
        self.grad = None

    def _check_assigned_grad(self, value: Any) -> None:
        if not hasattr(value, "layout"):
            raise ArgumentTypeError(
                f"assigned grad expected to be a Tensor or None but got grad of type {type(value).__name__}"
            )
        if value is self:
            raise AutogradError("can't assign Variable as its own grad")
        if value.layout.shape != self.layout.shape:
            raise AutogradError(
                f"attempting to assign a gradient of size '{list(value.layout.shape)}' to a tensor of size "
                f"'{list(self.layout.shape)}'. Please ensure that the gradient and the tensor are the same size"
            )
        if value.layout.dtype is not self.layout.dtype:
            raise AutogradError(
                f"attempting to assign a gradient with dtype '{value.layout.dtype.name}' to a tensor with dtype "
                f"'{self.layout.dtype.name}'. The gradient must match the tensor's dtype"
            )
        if value.layout.device != self.layout.device:
            raise AutogradError(
                f"attempting to assign a gradient with device type '{value.layout.device}' to a tensor with device "
                f"type '{self.layout.device}'. Please ensure that the gradient and the tensor are on the same device"
            )

    @property
    def requires_grad(self: Any) -> bool:
        """Whether operators on this tensor are remembered for backward."""
        if not self._requires_grad:
            base = self.base
            # a view made before its base came to want a gradient wants one too
            if base is not None and base.generation != self.generation and base._requires_grad:
                from curta.functions.inplace import refresh

                refresh(self)
        return self._requires_grad

    @requires_grad.setter
    def requires_grad(self, value: bool) -> None:

        if self.grad_fn is not None:
            if not value:
                raise AutogradError(
                    "you can only change requires_grad flags of leaf variables. If you want to use a computed "
                    "variable in a subgraph that doesn't require differentiation use var_no_grad = var.detach()."
                )
            return
        if value and not self.layout.dtype.is_floating_point:
            raise AutogradError("only Tensors of floating point dtype can require gradients")
        if value and self.is_inference() and not STATE.inference:
            raise AutogradError("Setting requires_grad=True on inference tensor outside InferenceMode is not allowed.")
        if value and not self._requires_grad:
            self.generation += 1  # views that exist already find out
            LEAVES.add(self)
        self._requires_grad = bool(value)
        CHANGES.note()

    def requires_grad_(self: Any, requires_grad: bool = True) -> Any:
        """Set `requires_grad` and return the tensor."""
        self.requires_grad = requires_grad
        return self

    def is_inference(self) -> bool:
        """Whether the memory was made inside `inference_mode`: such tensors are never saved for backward."""
        return self.storage is not None and self.storage.version < 0

    @property
    def is_leaf(self) -> bool:
        """Whether no operator that is remembered made this tensor."""
        return not self.requires_grad or self.grad_fn is None

    @property
    def retains_grad(self) -> bool:
        """Whether the tensor is not a leaf and keeps its gradient all the same: see `retain_grad`."""
        hooks = None if self.grad_fn is None else self.grad_fn.hooks
        return hooks is not None and self.output_index in hooks.retained

    def retain_grad(self: Any) -> None:
        """Keep the gradient of a tensor that is not a leaf in `grad` too."""
        if not self._requires_grad:
            raise AutogradError("can't retain_grad on Tensor that has requires_grad=False")
        if self.grad_fn is not None:
            self.grad_fn.retain(self.output_index, self)

    def register_hook(self: Any, hook: Callable[[Any], Any]) -> Handle:
        """Call `hook(gradient)` when this tensor's gradient is known; what it returns (if anything) takes its place.

        >>> import curta
        >>> x = curta.tensor(1.0, requires_grad=True)
        >>> handle = x.register_hook(lambda gradient: gradient * 2)
        >>> (x * 3).backward()
        >>> x.grad
        tensor(6.)
        """
        if not self._requires_grad:
            raise AutogradError("cannot register a hook on a tensor that doesn't require gradient")
        if self.grad_fn is not None:
            return Handle(self.grad_fn.hooks_of(self.output_index), hook)
        if self.hooks is None:
            self.hooks = {}
        return Handle(self.hooks, hook)

    def register_post_accumulate_grad_hook(self: Any, hook: Callable[[Any], None]) -> Handle:
        """Call `hook(tensor)` each time backward has added to a leaf's `grad`."""
        if not self._requires_grad:
            raise AutogradError("cannot register a hook on a tensor that doesn't require gradient")
        if self.grad_fn is not None:
            raise AutogradError("post accumulate grad hooks cannot be registered on non-leaf tensors")
        if self.post_hooks is None:
            self.post_hooks = {}
        return Handle(self.post_hooks, hook)

    def accumulate_grad(self: Any, gradient: Any, create_graph: bool = False) -> None:
        """Add to `grad`, as the end of a backward pass does; `gradient` is copied."""
        from curta.autograd.accumulate import accumulate

        accumulate(self, [None, gradient], create_graph)
