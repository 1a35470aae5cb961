"""Methods of a tensor that concern its gradient."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from curta.errors import AutogradError

if TYPE_CHECKING:
    from curta.tensor import Tensor


class Handle:
    """Takes a hook away again."""

    def __init__(self, hooks: list[Any], hook: Any) -> None:
        self._hooks, self._hook = hooks, hook

    def remove(self) -> None:
        """Forget the hook; harmless when it is gone already."""
        if self._hook in self._hooks:
            self._hooks.remove(self._hook)


class AutogradMethods:
    """`backward`, `grad`, `requires_grad`, hooks."""

    if TYPE_CHECKING:
        layout: Any
        grad_fn: Any
        output_index: int
        hooks: Any
        _grad: Any
        _requires_grad: bool

    def backward(
        self: Any, gradient: Any = None, retain_graph: bool | None = None, create_graph: bool = False, inputs: Any = None
    ) -> None:
        """Add this tensor's gradients to the leaves' `grad`; see `curta.autograd.backward`."""
        from curta.autograd.api import backward

        if not self._requires_grad:
            raise AutogradError("element 0 of tensors does not require grad and does not have a grad_fn")
        backward(self, gradient, retain_graph, create_graph, inputs)

    @property
    def grad(self) -> Tensor | None:
        """The gradient gathered so far; None before the first backward."""
        return self._grad

    @grad.setter
    def grad(self, value: Any) -> None:
        if value is not None:
            if value.layout.shape != self.layout.shape:
                raise AutogradError(
                    f"assigned grad has data of a different size: requires {self.layout}, got {value.layout}"
                )
            if value.layout.dtype is not self.layout.dtype:
                raise AutogradError(
                    f"assigned grad has data of a different type: requires {self.layout}, got {value.layout}"
                )
        self._grad = value

    @property
    def requires_grad(self) -> bool:
        """Whether operators on this tensor are remembered for backward."""
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
        self._requires_grad = bool(value)

    def requires_grad_(self: Any, requires_grad: bool = True) -> Any:
        """Set `requires_grad` and return the tensor."""
        self.requires_grad = requires_grad
        return self

    @property
    def is_leaf(self) -> bool:
        """Whether no operator that is remembered made this tensor."""
        return self.grad_fn is None

    def retain_grad(self: Any) -> None:
        """Keep the gradient of a tensor that is not a leaf in `grad` too."""
        if self.is_leaf:
            return

        def keep(gradient: Any) -> None:
            self._grad = gradient if self._grad is None else self._grad + gradient

        self.register_hook(keep)

    def register_hook(self: Any, hook: Callable[[Any], Any]) -> Handle:
        """Call `hook(gradient)` when this tensor's gradient is known; what it returns (if anything) takes its place."""
        if not self._requires_grad:
            raise AutogradError("cannot register a hook on a tensor that doesn't require gradient")
        if self.grad_fn is None:
            if self.hooks is None:
                self.hooks = []
            self.hooks.append(hook)
            return Handle(self.hooks, hook)
        found = self.grad_fn.hooks_of(self.output_index)
        found.append(hook)
        return Handle(found, hook)

    def accumulate_grad(self: Any, gradient: Any, create_graph: bool) -> None:
        """Add to `grad`, as the end of a backward pass does."""
        if self._grad is None:
            self._grad = gradient if create_graph else gradient.detach().clone() if _shared(gradient) else gradient
        elif create_graph:
            self._grad = self._grad + gradient
        else:
            self._grad.add_(gradient)


def _shared(gradient: Any) -> bool:
    """Whether somebody else may hold the gradient's memory, or it does not lie as a gradient should."""
    from sys import getrefcount

    storage = gradient.storage
    own = 3  # the tensor's attribute, the local name, and getrefcount's argument
    return not gradient.layout.is_contiguous or gradient.base is not None or getrefcount(storage) > own
