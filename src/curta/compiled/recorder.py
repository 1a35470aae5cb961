"""Writes down what a function does in place of doing it: operators, tensors from outside, numbers that change."""

from __future__ import annotations

import weakref
from collections.abc import Callable
from typing import Any, NamedTuple, Self

from curta.autograd.node import next_sequence
from curta.autograd.state import STATE
from curta.compiled.graph import Buffer, Node, Ref
from curta.compiler.graph import LiveNumber
from curta.device import CPU, META, Device
from curta.errors import CompileError, UnsupportedError
from curta.memory.storage import Storage, TracedStorage, own_storage
from curta.ops.program import Executable
from curta.ops.record import Host
from curta.ops.rehearsal import Rehearsal, user_line
from curta.tensor import Tensor


class Feed:
    """Numbers that are worked out anew at every run but the first: `again()` gives them."""

    def __init__(self, again: Callable[[], Any], numbers: list[LiveNumber]) -> None:
        self.again = again
        self.numbers = numbers


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


class Recorder(Rehearsal):
    """What one run of a function did. Use it as a context manager; on an error everything outside is as it was."""

    eager = False

    def __init__(self) -> None:
        super().__init__()
        self.nodes: list[Node] = []
        #: tensors from outside by the identity of their storage, each with its buffer; kept alive here
        self.externals: dict[int, tuple[Tensor, Storage, Buffer]] = {}
        self.feeds: list[Feed] = []
        #: what must hold for the program to fit again, and what Python does after every run but the first
        self.guards: list[Callable[[], bool]] = []
        self.effects: list[Callable[[], Any]] = []
        #: checks of arguments before a run: (tensor of the program, check); and flags to look at after it
        self.checks: list[tuple[Ref, Callable[[Tensor], Any]]] = []
        self.flags: list[Flag] = []
        #: what optimizers note of their updates, by the optimizer's identity
        self.updates: dict[int, Any] = {}
        self.modules: dict[int, ModuleState] = {}
        #: the modules that were called by themselves, for accounts
        self.entered: list[tuple[Any, Any, int]] = []
        #: every tensor from outside: those that nobody else holds by the end may go
        self._owners: dict[int, weakref.ref[Tensor]] = {}
        self._start = next_sequence()
        self._buffers = 0

    def __exit__(self, *exception: object) -> None:
        super().__exit__(*exception)
        if exception[0] is not None:
            self.take_back()
            self.forget()

    # memory

    def buffer(self, kind: str, nbytes: int) -> Buffer:
        """A new buffer, numbered."""
        self._buffers += 1
        return Buffer(kind, nbytes, self._buffers - 1)

    def make_storage(self, nbytes: int, device: Device = CPU) -> Storage:
        """What tensors made by the program look into."""
        return self.storage(self.buffer("internal", nbytes)) if device is CPU else own_storage(nbytes, device)

    def storage(self, buffer: Buffer) -> TracedStorage:
        """What tensors of the program look into, for a buffer of it."""
        made = TracedStorage(buffer.nbytes, buffer)
        self.note_storage(made)
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
        if isinstance(call.op.lower, Host):
            raise UnsupportedError(
                f"compile: {call.op.name} runs in LAPACK, outside of any compiled program ({user_line()})"
            )
        made = tuple(Tensor._make(self.make_storage(layout.nbytes), layout, 0) for layout in call.outputs)
        self.add_into(call, inputs, made, params)
        return made if call.several else made[0]

    def note_view(self, call: Executable) -> None:
        """Views are no nodes: what reads one knows how it lies."""

    def add_into(
        self, call: Executable, inputs: tuple[Any, ...], outputs: tuple[Tensor, ...], params: dict[str, Any]
    ) -> None:
        """Write down one operator that writes into tensors that exist."""
        operands = tuple(self.ref(value) if isinstance(value, Tensor) else value for value in inputs)
        results = tuple(self.ref(out) for out in outputs)
        self.nodes.append(Node(call, operands, results, params, STATE.phase, user_line(), module=STATE.module))

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

    def update(self, optimizer: Any, parameter: Tensor, gradient: Tensor, plan: Any, group: Any) -> None:
        """Write down an update of one parameter; its numbers are worked out anew at every run."""
        known = self.updates.get(id(optimizer))
        if known is None:
            known = self.updates[id(optimizer)] = optimizer.recorded_updates(self)
        place = next(number for number, one in enumerate(optimizer.param_groups) if one is group)
        known.add(parameter, gradient, plan, place)

    def enter(self, module: Any, root: Any, tokens: int) -> None:
        """The function calls this module by itself: accounts hear of it at every run."""
        self.entered.append((module, root, tokens))

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
