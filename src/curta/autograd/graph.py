"""What becomes of the tensors that nodes keep for the backward pass: packed when saved, unpacked when read.

Also where gradients go, and hooks on several of them: PyTorch's `torch.autograd.graph`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any, NamedTuple
from weakref import WeakKeyDictionary, ref

from curta.autograd.hooks import Handle
from curta.autograd.modes import no_grad
from curta.autograd.node import Accumulate, Later, Node, edge_of, saved_now
from curta.autograd.state import STATE
from curta.errors import ArgumentError, ArgumentTypeError, AutogradError

if TYPE_CHECKING:
    from curta.tensor import Tensor

Pack = Callable[[Any], Any]


class _Packed:
    """One saved tensor: what `pack` made of it, and where its gradient goes."""

    def __init__(self, value: Tensor, pack: Pack, unpack: Pack) -> None:
        self._edge = edge_of(value)
        self._unpack = unpack
        shown = value if isinstance(self._end, Accumulate) else self._connected(value)
        before = _version(shown)
        with no_grad():
            self._packed = pack(shown)
        if _version(shown) != before:
            raise AutogradError(
                "A saved tensor pack hook is modifying its input in place. Tensors provided as input to pack hook "
                "cannot be modified by in-place operations as this can lead to unexpected side-effects. Please open "
                "an issue if you need to perform in-place operations on the input to a pack hook."
            )

    @property
    def _end(self) -> Any:
        return None if self._edge is None else self._edge[0]

    def _connected(self, value: Any) -> Any:
        """The values of a tensor with the history of what was saved."""
        made = value.same()
        if self._edge is not None:
            end, made.output_index = self._edge
            made._requires_grad = True
            if isinstance(end, Accumulate):
                made.accumulator = ref(end)
            else:
                made.grad_fn = end
        return made

    def take(self, number: int) -> tuple[Any, int]:
        """The tensor as it is unpacked, with the history that it had."""
        with no_grad():
            found = self._unpack(self._packed)
        if not hasattr(found, "layout"):
            raise ArgumentTypeError(
                "Output of saved tensor unpack_hook expected to be a Tensor but got result of type "
                f"{type(found).__name__}"
            )
        return saved_now(self._connected(found))


def _version(tensor: Any) -> int:
    return 0 if tensor.storage is None else int(tensor.storage.version)


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

    Both run without gradients being remembered; leaves, such as parameters, are handed over themselves. The innermost
    pair counts; a tensor that is written to afterwards is not noticed, since what is kept is whatever `pack` made.
    AutogradError where `pack` writes to what it gets.

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
    """Inside, `saved_tensors_hooks` is an AutogradError of these words, as it is inside of those; also a decorator.

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
        if isinstance(STATE.saver, _Packing):
            raise AutogradError(self.error_message)
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


class GradientEdge(NamedTuple):
    """Output `output_nr` of a node: what a gradient can be asked of, or by, without keeping a tensor.

    `curta.autograd.grad` and `backward` take it in place of a tensor.
    """

    node: Any
    output_nr: int


def get_gradient_edge(tensor: Tensor) -> GradientEdge:
    """Where the gradient of a tensor goes; AutogradError for one that wants none.

    >>> import curta
    >>> x = curta.tensor([3.0], requires_grad=True)
    >>> curta.autograd.grad(x * x, get_gradient_edge(x))
    (tensor([6.]),)
    """
    edge = edge_of(tensor)
    if edge is None:
        raise AutogradError("It is not possible to get the gradient edge for a Tensor that does not require gradients")
    return GradientEdge(*edge)


def register_multi_grad_hook(tensors: Iterable[Tensor], fn: Callable[..., Any], *, mode: str = "all") -> Handles:
    """Call `fn` in each backward pass that comes by several tensors.

    With mode "all" once it has the gradients of all that it comes by, `fn(gradients)`, None for the others; with "any"
    at the first, `fn(gradient)`.

    >>> import curta
    >>> x, y = (curta.ones(1, requires_grad=True) for _ in range(2))
    >>> handle = register_multi_grad_hook((x, y), lambda gradients: print(gradients))
    >>> (x * 2 + y * 3).backward()
    (tensor([2.]), tensor([3.]))
    """
    if mode not in ("all", "any"):
        raise ArgumentError(f"Expects mode to be one of ('all', 'any') but got {mode}")
    gathered = _Gathered(tuple(tensors), fn, mode == "all")
    return Handles([one.register_hook(gathered.hook(place)) for place, one in enumerate(gathered.tensors)])


class Handles:
    """Takes several hooks away again; also a context manager that does so at its end."""

    def __init__(self, handles: list[Handle]) -> None:
        self._handles = handles

    def remove(self) -> None:
        """Forget the hooks."""
        for handle in self._handles:
            handle.remove()

    def __enter__(self) -> Handles:
        return self

    def __exit__(self, *exception: object) -> None:
        self.remove()


class _Gathered:
    """The gradients of some tensors in each of the backward passes that run."""

    def __init__(self, tensors: tuple[Tensor, ...], function: Callable[..., Any], wants_all: bool) -> None:
        self.tensors, self.function, self.wants_all = tensors, function, wants_all
        #: of each pass how many are still to come, and those that are there
        self._of: WeakKeyDictionary[Any, tuple[list[int], list[Any]]] = WeakKeyDictionary()

    def hook(self, place: int) -> Callable[[Any], None]:
        def received(gradient: Any) -> None:
            first = STATE.backward not in self._of
            if first:
                self._of[STATE.backward] = [self._expected()], [None] * len(self.tensors)
            missing, gradients = self._of[STATE.backward]
            missing[0] -= 1
            gradients[place] = gradient
            if self.wants_all and not missing[0]:
                self.function(tuple(gradients))
            elif first and not self.wants_all:
                self.function(gradient)

        return received

    def _expected(self) -> int:
        if not self.wants_all:
            return 0
        reached = STATE.backward.reached()
        edges = [edge_of(one) for one in self.tensors]
        return sum(1 for edge in edges if edge is not None and (edge[0].sequence, edge[1]) in reached)


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
    "GradientEdge",
    "Node",
    "disable_saved_tensors_hooks",
    "get_gradient_edge",
    "increment_version",
    "register_multi_grad_hook",
    "save_on_cpu",
    "saved_tensors_hooks",
]
