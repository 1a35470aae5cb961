"""What becomes of the tensors that nodes keep for the backward pass: packed when saved, unpacked when read.

PyTorch's `torch.autograd.graph`, as far as it concerns saved tensors.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any
from weakref import ref

from curta.autograd.modes import no_grad
from curta.autograd.node import Accumulate, Later, Node, edge_of, saved_now
from curta.autograd.state import STATE
from curta.errors import ArgumentTypeError, AutogradError

if TYPE_CHECKING:
    from curta.tensor import Tensor

Pack = Callable[[Any], Any]


class _Packed:
    """One saved tensor: what `pack` made of it, and where its gradient goes."""

    def __init__(self, value: Tensor, pack: Pack, unpack: Pack) -> None:
        self._edge = edge_of(value)
        self._unpack = unpack
        with no_grad():
            self._packed = pack(value.same())

    def take(self, number: int) -> tuple[Any, int]:
        """The tensor as it is unpacked, with the history that it had."""
        with no_grad():
            found = self._unpack(self._packed)
        if not hasattr(found, "layout"):
            raise ArgumentTypeError(
                "Output of saved tensor unpack_hook expected to be a Tensor but got result of type "
                f"{type(found).__name__}"
            )
        made = found.same()
        if self._edge is not None:
            end, made.output_index = self._edge
            made._requires_grad = True
            if isinstance(end, Accumulate):
                made.accumulator = ref(end)
            else:
                made.grad_fn = end
        return saved_now(made)


class _Packing:
    """What the thread's nodes ask instead of keeping a tensor."""

    def __init__(self, pack: Pack, unpack: Pack, outer: Any) -> None:
        self.pack, self.unpack, self.outer = pack, unpack, outer

    def save(self, value: Any) -> tuple[Any, int]:
        """What a node has in place of a tensor."""
        STATE.saver, before = None, STATE.saver
        try:
            return Later(_Packed(value, self.pack, self.unpack), 0), 0
        finally:
            STATE.saver = before

    def numbers(self, draw: Callable[[], Any]) -> Any:
        """Random numbers, which a checkpoint around this wants to know."""
        return draw() if self.outer is None else self.outer.numbers(draw)


class saved_tensors_hooks:  # noqa: N801 - PyTorch's name
    """Inside, `pack(tensor)` is kept in place of each tensor that is saved, and `unpack(packed)` gives it back.

    Both run without gradients being remembered. The innermost pair counts; a tensor that is written to afterwards is
    not noticed, since what is kept is whatever `pack` made.

    >>> import curta
    >>> x = curta.tensor([3.0], requires_grad=True)
    >>> with curta.autograd.graph.saved_tensors_hooks(lambda t: t.tolist(), curta.tensor):
    ...     y = x * x
    >>> curta.autograd.grad(y, x)
    (tensor([6.]),)
    """

    def __init__(self, pack_hook: Pack, unpack_hook: Pack) -> None:
        self.pack_hook, self.unpack_hook = pack_hook, unpack_hook
        self._before: list[Any] = []

    def __enter__(self) -> None:
        if STATE.no_packing is not None:
            raise AutogradError(STATE.no_packing)
        self._before.append(STATE.saver)
        STATE.saver = _Packing(self.pack_hook, self.unpack_hook, STATE.saver)

    def __exit__(self, *exception: object) -> None:
        STATE.saver = self._before.pop()


class save_on_cpu(saved_tensors_hooks):  # noqa: N801 - PyTorch's name
    """Inside, saved tensors are kept in the host's memory, where those of the CPU are already.

    `pin_memory` says nothing here: it is for copies to devices that Curta does not have.

    >>> import curta
    >>> x = curta.ones(2, requires_grad=True)
    >>> with save_on_cpu():
    ...     y = x.exp().sum()
    >>> y.backward()
    """

    def __init__(self, pin_memory: bool = False, device_type: str = "cuda") -> None:
        def pack(tensor: Any) -> tuple[Any, Any]:
            return tensor.device, tensor if tensor.is_meta else tensor.cpu()

        def unpack(packed: tuple[Any, Any]) -> Any:
            device, tensor = packed
            return tensor.to(device)

        super().__init__(pack, unpack)


class disable_saved_tensors_hooks:  # noqa: N801 - PyTorch's name
    """Inside, `saved_tensors_hooks` is an AutogradError of these words; also a decorator.

    >>> import curta
    >>> with disable_saved_tensors_hooks("not here"), save_on_cpu():
    ...     pass
    Traceback (most recent call last):
    curta.errors.AutogradError: not here
    """

    def __init__(self, error_message: str) -> None:
        self.error_message = error_message
        self._before: list[str | None] = []

    def __enter__(self) -> None:
        self._before.append(STATE.no_packing)
        STATE.no_packing = self.error_message

    def __exit__(self, *exception: object) -> None:
        STATE.no_packing = self._before.pop()

    def __call__(self, function: Callable[..., Any]) -> Callable[..., Any]:
        from functools import wraps

        @wraps(function)
        def inside(*args: Any, **kwargs: Any) -> Any:
            with disable_saved_tensors_hooks(self.error_message):
                return function(*args, **kwargs)

        return inside


def increment_version(tensor: Tensor | Iterable[Tensor]) -> None:
    """Let autograd know that tensors were written to by somebody it cannot see.

    >>> import curta
    >>> x = curta.ones(2)
    >>> increment_version(x)
    >>> x._version
    1
    """
    several: Any = (tensor,) if hasattr(tensor, "layout") else tensor
    for one in several:
        if one.is_inference():
            raise AutogradError("increment_version: tensors made in inference mode do not count their writes")
        if one.storage is not None:
            one.storage.version += 1


__all__ = [
    "Node",
    "disable_saved_tensors_hooks",
    "increment_version",
    "save_on_cpu",
    "saved_tensors_hooks",
]
