"""Writes down what a function does in place of doing it: operators, tensors from outside, numbers that change."""

from __future__ import annotations

import sys
import weakref
from collections.abc import Callable
from functools import cache
from pathlib import Path
from threading import get_ident
from typing import Any, NamedTuple, Self

from curta.autograd.node import next_sequence
from curta.autograd.state import STATE
from curta.compiled.graph import Buffer, Node, Ref
from curta.compiler.graph import LiveNumber
from curta.device import META
from curta.errors import CompileError, UnsupportedError
from curta.memory.layout import strided
from curta.memory.storage import RECORDING, Storage, TracedStorage
from curta.ops.program import Executable
from curta.tensor import Tensor

_PACKAGE = str(Path(__file__).parent.parent)


def user_line() -> str:
    """`file:line` of the nearest frame outside Curta."""
    frame = sys._getframe(1)
    while frame.f_back is not None and frame.f_code.co_filename.startswith(_PACKAGE):
        frame = frame.f_back
    return f"{_file_name(frame.f_code.co_filename)}:{frame.f_lineno}"


@cache
def _file_name(path: str) -> str:
    return Path(path).name


class Feed:
    """Numbers that are worked out anew at every run but the first: `again()` gives them."""

    def __init__(self, again: Callable[[], Any], numbers: list[LiveNumber]) -> None:
        self.again = again
        self.numbers = numbers


class Leaf:
    """A tensor whose `grad` the function reads or sets, and what that was before."""

    def __init__(self, tensor: Tensor) -> None:
        self.tensor = tensor
        self.original: Tensor | None = tensor._grad
        self.left: Tensor | None = None  # what the function left, once it is recorded


class Flag(NamedTuple):
    """The extremes of indices that the program works out, and what they must lie in."""

    lowest: Tensor
    highest: Tensor
    low: int
    high: int
    error: Callable[[int], Exception]


class ModuleState(NamedTuple):
    """A module that the function calls: its mode, and its parameters, buffers and parts."""

    module: Any
    training: bool
    parts: tuple[Any, ...]

    @classmethod
    def of(cls, module: Any) -> Self:
        """As it is now."""
        tables = (module._parameters, module._buffers, module._modules)
        return cls(module, module.training, tuple([part for table in tables for part in table.values()]))


class Recorder:
    """What one run of a function did. Use it as a context manager; on an error everything outside is as it was."""

    def __init__(self) -> None:
        self.nodes: list[Node] = []
        #: tensors from outside by the identity of their storage, each with its buffer; kept alive here
        self.externals: dict[int, tuple[Tensor, Storage, Buffer]] = {}
        self.leaves: dict[int, Leaf] = {}
        self.feeds: list[Feed] = []
        #: what must hold for the program to fit again, and what Python does after every run but the first
        self.guards: list[Callable[[], bool]] = []
        self.effects: list[Callable[[], Any]] = []
        #: checks of arguments before a run: (tensor of the program, check); and flags to look at after it
        self.checks: list[tuple[Ref, Callable[[Tensor], Any]]] = []
        self.flags: list[Flag] = []
        self.undo: list[Callable[[], Any]] = []
        #: what optimizers note of their updates, by the optimizer's identity
        self.updates: dict[int, Any] = {}
        self.modules: dict[int, ModuleState] = {}
        #: every tensor from outside: those that nobody else holds by the end may go
        self._owners: dict[int, weakref.ref[Tensor]] = {}
        self._storages: list[weakref.ref[TracedStorage]] = []
        self._start = next_sequence()
        self._buffers = 0

    def __enter__(self) -> Recorder:
        RECORDING[get_ident()] = self._storage
        STATE.watch(recorder=self)
        return self

    def __exit__(self, *exception: object) -> None:
        del RECORDING[get_ident()]
        STATE.watch(recorder=None)
        for leaf in self.leaves.values():
            leaf.left, leaf.tensor._grad = leaf.tensor._grad, leaf.original
        if exception[0] is not None:
            for step_back in reversed(self.undo):
                step_back()
            self.forget()

    def forget(self) -> None:
        """Tensors that outlive the recording have no values: from here on they are of the meta device."""
        for known in self._storages:
            storage = known()
            for tensor in [one() for one in storage.tensors] if storage is not None else ():
                if tensor is not None:
                    layout = tensor.layout
                    tensor.layout = strided(layout.shape, layout.strides, layout.dtype, META)

    def paused(self, make: Callable[[], Any]) -> Any:
        """Run `make` for real: what it makes is there before the program runs."""
        del RECORDING[get_ident()]
        STATE.watch(recorder=None)
        try:
            return make()
        finally:
            RECORDING[get_ident()] = self._storage
            STATE.watch(recorder=self)

    # memory

    def buffer(self, kind: str, nbytes: int) -> Buffer:
        """A new buffer, numbered."""
        self._buffers += 1
        return Buffer(kind, nbytes, self._buffers - 1)

    def _storage(self, nbytes: int) -> TracedStorage:
        return self.storage(self.buffer("internal", nbytes))

    def storage(self, buffer: Buffer) -> TracedStorage:
        """What tensors of the program look into, for a buffer of it."""
        made = TracedStorage(buffer.nbytes, buffer)
        self._storages.append(weakref.ref(made))
        return made

    def ref(self, tensor: Tensor) -> Ref:
        """The program's name for a tensor; one from outside is noted."""
        storage = tensor.storage
        if isinstance(storage, TracedStorage):
            return Ref(storage.buffer, tensor.layout, tensor.offset)  # type: ignore[arg-type]
        if storage is None or tensor.layout.device is META:
            raise UnsupportedError(f"compile: tensors on the meta device are not supported ({user_line()})")
        if STATE.grad_enabled and tensor.grad_fn is not None and tensor.grad_fn.sequence < self._start:
            raise UnsupportedError(
                f"compile: {user_line()} uses a tensor from outside that has a gradient history: make it an argument, "
                "or detach it"
            )
        owner = self.note_owner(tensor)
        known = self.externals.get(id(storage))
        if known is None:
            known = (owner, storage, self.buffer("external", storage.nbytes))
            self.externals[id(storage)] = known
        return Ref(known[2], tensor.layout, tensor.offset)

    def note_owner(self, tensor: Tensor) -> Tensor:
        """The program looks at this tensor from outside, or at a view of it: gives the one that owns the memory."""
        owner = tensor if tensor.base is None else tensor.base  # it may be given other memory, a view of it not
        seen = self._owners.get(id(owner))
        if seen is None or seen() is not owner:
            self._owners[id(owner)] = weakref.ref(owner)
        return owner

    def owners(self) -> list[Tensor]:
        """The tensors from outside that still exist."""
        return [owner for owner in (one() for one in self._owners.values()) if owner is not None]

    # operators

    def add(self, call: Executable, inputs: tuple[Any, ...], params: dict[str, Any]) -> Any:
        """Write down one operator; its results are tensors without values."""
        if call.outputs[0].device is META:
            raise UnsupportedError(f"compile: tensors on the meta device are not supported ({user_line()})")
        made = tuple(Tensor._make(self._storage(layout.nbytes), layout, 0) for layout in call.outputs)
        self.add_into(call, inputs, made, params)
        return made if call.several else made[0]

    def add_into(
        self, call: Executable, inputs: tuple[Any, ...], outputs: tuple[Tensor, ...], params: dict[str, Any]
    ) -> None:
        """Write down one operator that writes into tensors that exist."""
        operands = tuple(self.ref(value) if isinstance(value, Tensor) else value for value in inputs)
        results = tuple(self.ref(out) for out in outputs)
        self.nodes.append(Node(call, operands, results, params, STATE.phase, user_line()))

    # values and numbers

    def refuse_value(self, tensor: Tensor) -> None:
        """CompileError: what a compiled function works out is known only when it runs."""
        raise CompileError(
            f"compile: the values of {tensor.layout!r} are read at {user_line()}, but they are known only when the "
            "compiled function runs: return the tensor and read it outside, or keep this part eager"
        )

    def refuse_rebinding(self) -> None:
        """CompileError: a program works on tensors where they lie; it cannot give them other memory."""
        raise CompileError(f"compile: {user_line()} gives a tensor other memory: use copy_, or do it outside")

    def constant(self, make: Callable[[], Tensor]) -> Tensor:
        """A tensor made from Python's numbers: a fresh copy of it at every run."""
        from curta.ops.dispatch import bind
        from curta.ops.elementwise import COPY

        made: Tensor = bind(COPY, (self.paused(make),))
        return made

    def numbers_from(self, again: Callable[[], Any]) -> tuple[LiveNumber, ...]:
        """Numbers that `again` gives, at every run anew."""
        numbers = [LiveNumber(type(value), value) for value in self.paused(again)]
        self.feeds.append(Feed(again, numbers))
        return tuple(numbers)

    def effect(self, again: Callable[[], Any], restore: Callable[[], Any]) -> None:
        """What Python does at every run: now, and after every run but the first; `restore` takes it back."""
        self.undo.append(restore)
        self.paused(again)
        self.effects.append(again)

    def note_leaf(self, tensor: Tensor) -> None:
        """The function looks at or changes this tensor's `grad`."""
        if id(tensor) in self.leaves or isinstance(tensor.storage, TracedStorage):
            return
        self.leaves[id(tensor)] = Leaf(tensor)

    def note_module(self, module: Any) -> None:
        """The function calls this module: the program is for it as it is now."""
        if id(module) not in self.modules:
            self.modules[id(module)] = ModuleState.of(module)

    def indices(
        self, index: Tensor, low: int, high: int, error: Callable[[int], Exception], ignore: int | None = None
    ) -> Tensor:
        """`index` made sure to lie in [low, high), but for entries that are `ignore`.

        An argument is looked at before every run; what the program works out itself is clamped, and looked at after.
        """
        from curta import functions

        ref = self.ref(index)
        if ref.buffer.kind == "internal" or self._is_written(ref):
            if self._is_range(ref, low, high):
                return index
            inside = functions.clamp(index, low, high - 1)
            seen = index
            if ignore is not None:
                inside, seen = functions.where(index == ignore, index, inside), index.masked_fill(index == ignore, low)
            self.flags.append(Flag(seen.amin(), seen.amax(), low, high, error))
            return inside

        def check(tensor: Tensor) -> None:
            from curta.host import bounds

            lowest, highest = bounds(tensor)
            if low <= lowest and highest < high:
                return
            for wrong in tensor.reshape(-1).tolist():
                if wrong != ignore and not low <= wrong < high:
                    raise error(wrong)

        self.checks.append((ref, check))
        return index

    def _is_written(self, ref: Ref) -> bool:
        return any(made.buffer is ref.buffer for node in self.nodes for made in node.results)

    def _is_range(self, ref: Ref, low: int, high: int) -> bool:
        """Whether a buffer holds an `arange` within the bounds and nothing else."""
        writers = [node for node in self.nodes if any(made.buffer is ref.buffer for made in node.results)]
        if len(writers) != 1 or writers[0].call.op.name != "arange":
            return False
        start, step = writers[0].operands
        last = start + step * (writers[0].results[0].layout.numel - 1)
        return low <= min(start, last) and max(start, last) < high
