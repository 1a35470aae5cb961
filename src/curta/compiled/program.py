"""A recorded function made ready to run: its arena, its table of launches, and what Python does around them."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, Self

from curta.autograd.state import STATE
from curta.compiled import stages
from curta.compiled.graph import Buffer, Node, Ref
from curta.compiled.guards import Guards
from curta.compiled.native import NativeProgram, take_arenas
from curta.compiled.profile import Profile, Timing
from curta.compiled.recorder import Recorder
from curta.errors import CompileError
from curta.memory.ledger import GRADIENTS
from curta.memory.storage import Storage
from curta.ops.record import Cost
from curta.tensor import Tensor


@dataclass(frozen=True, slots=True)
class ProgramAccount:
    """What one run of a program does and takes, in exact integers, known before it runs.

    `peak_bytes` is the arena, and the parameters, state, arguments and results that it works on. `unfused_cost` is
    that of the operators one by one, as the function would run without compilation. `waves` counts the groups of
    launches that the threads run side by side.
    """

    cost: Cost
    unfused_cost: Cost
    launches: int
    waves: int
    arena_bytes: int
    live_bytes: int
    external_bytes: int
    argument_bytes: int
    output_bytes: int

    @property
    def flops(self) -> int:
        """Floating-point operations; a multiply-add is 2."""
        return self.cost.flops

    @property
    def peak_bytes(self) -> int:
        """All the tensor memory that is in use while the program runs."""
        return self.arena_bytes + self.external_bytes + self.argument_bytes + self.output_bytes


class Program:
    """One function for one kind of arguments. `rebuild` makes its result from the outputs of a run."""

    def __init__(
        self, recorder: Recorder, arguments: list[Tensor], results: list[Tensor], rebuild: Callable[..., Any],
        nodes: tuple[Node, ...] | None = None, kept: Sequence[Buffer] = (), live: Sequence[int] = (),
    ) -> None:  # fmt: skip
        self._recorder = recorder
        self._rebuild = rebuild
        self._lock = threading.Lock()
        self._first = True
        self._arguments = [recorder.ref(placeholder).buffer for placeholder in arguments]
        places = {id(buffer): place for place, buffer in enumerate(self._arguments)}
        self._results = [
            # each run has its own history of what gradients flow back from
            _Result.of(recorder.ref(one), places, (None, False) if place in live else (one.grad_fn, one._requires_grad))
            for place, one in enumerate(results)
        ]
        self._checks = [(ref, places.get(id(ref.buffer)), check) for ref, check in recorder.checks]
        self._grads = _left_gradients(recorder, arguments)
        self._flags = [(recorder.ref(flag.lowest), recorder.ref(flag.highest), flag) for flag in recorder.flags]
        #: the numbers of the last run, by the live number's identity
        self.values = {id(number): number.value for feed in recorder.feeds for number in feed.numbers}
        self.native = NativeProgram(tuple(recorder.nodes) if nodes is None else nodes, self._name_outputs(kept))
        self.graph = self.native.graph
        self._find_outside()

    def _name_outputs(self, kept: Sequence[Buffer]) -> tuple[Buffer, ...]:
        """What lives on after a run lies outside the arena."""
        found: dict[int, Buffer] = {}
        gradients = [ref for _, ref in self._grads if ref is not None]
        extremes = [ref for lowest, highest, _ in self._flags for ref in (lowest, highest)]
        refs = (*(result.ref for result in self._results), *gradients, *extremes)
        for buffer in (*(ref.buffer for ref in refs), *kept):
            if buffer.kind == "internal":
                buffer.kind = "output"
            if buffer.kind == "output":
                found[id(buffer)] = buffer
        return tuple(found.values())

    def _find_outside(self) -> None:
        used = {id(buffer) for buffer in self.graph.buffers()}
        written, table = self.native.written, self.native.table
        owners = {
            id(leaf.original.storage): leaf.tensor
            for leaf in self._recorder.leaves.values()
            if leaf.original is not None
        }
        self._guards = Guards(self._recorder, set(owners))
        fixed: list[Storage] = []
        #: gradients that the program adds to, by the tensor that has them
        self._held: list[tuple[Tensor, Buffer]] = []
        self._written: list[Storage] = []
        for _, storage, buffer in self._recorder.externals.values():
            if id(buffer) not in used:
                continue
            owner = owners.get(id(storage))
            if owner is not None:
                self._held.append((owner, buffer))
                continue
            fixed.append(storage)
            table.point(buffer, storage.address)
            if id(buffer) in written:
                self._written.append(storage)
        self._forget_gradients(owners)
        self._fixed_ids = {id(storage) for storage in fixed}
        self._written_ids = {id(storage) for storage in self._written}
        #: where each argument's address goes
        self._moves = [table.moves.get(id(buffer), ()) for buffer in self._arguments]
        self._changed = [place for place, buffer in enumerate(self._arguments) if id(buffer) in written]
        self._external_bytes = sum({id(storage): storage.nbytes for storage in fixed}.values()) + sum(
            buffer.nbytes for _, buffer in self._held
        )

    def _forget_gradients(self, owners: dict[int, Tensor]) -> None:
        """Gradients come and go: those of the recording are not kept alive."""
        for identity in owners:
            self._recorder.externals.pop(identity, None)
        for leaf in self._recorder.leaves.values():
            leaf.original = leaf.left = None

    def account(self) -> ProgramAccount:
        """What a run costs and how much memory it takes.

        The arena is what lies between; nothing else is allocated but the results.
        """
        return ProgramAccount(
            self.native.cost,
            self.native.unfused_cost,
            self.native.table.launches,
            self.native.table.waves,
            self.native.arena.nbytes,
            self.native.arena.live_bytes,
            self._external_bytes,
            sum(buffer.nbytes for buffer in self._arguments),
            sum(buffer.nbytes for buffer in self.native.outputs),
        )

    # the stages, as text

    @property
    def loops(self) -> str:
        """The loop program of each different kernel."""
        return stages.loops(self.graph)

    @property
    def llvm(self) -> str:
        """The LLVM text of each different kernel."""
        return stages.llvm(self.graph)

    @property
    def asm(self) -> str:
        """The machine instructions of each different kernel."""
        return stages.asm(self.graph)

    # running

    def fits(self) -> bool:
        """Whether everything that the program was recorded with is as it was."""
        # what a recording changes itself is not looked at before the first run
        return self._guards.tensors_hold() if self._first else self._guards.hold()

    def profile(self, arguments: list[Tensor]) -> Profile:
        """Run once, with all its effects, timing each operator by itself."""
        timings: list[Timing] = []
        self.native.watching = timings
        try:
            self.run(arguments)
        finally:
            self.native.watching = None
        return Profile(tuple(timings))

    def parts(self) -> dict[str, NativeProgram]:
        """Its native programs in the order in which they run, by what a reader calls them."""
        return {"program": self.native}

    def profile_parts(self, arguments: list[Tensor]) -> list[Profile]:
        """Run each of the parts once, timing each operator by itself."""
        return [self.profile(arguments)]

    def run(self, arguments: list[Tensor]) -> Any:
        """The function's result on these arguments."""
        return self._rebuild(self.execute(arguments)[0])

    def withdraw(self) -> None:
        """Take back what recording did in Python, for a program whose first run failed."""
        for step_back in reversed(self._recorder.undo):
            step_back()

    def execute(self, arguments: list[Tensor]) -> tuple[list[Tensor], dict[int, Storage], dict[int, Any]]:
        """Run once; gives the tensors of the result, the storages that live on, and the numbers it ran with."""
        for entered in self._recorder.entered if STATE.books else ():
            for book in STATE.books:
                book.enter(*entered)
        with self._lock:
            if self._first:
                take_arenas(self.parts().values())
            self._prepare(arguments)
            storages, values = self.native.run(), dict(self.values) if self.values else self.values
        for storage in self._written:
            storage.version += 1
        if self._flags:
            self._look_at_flags(storages)
        if self._grads:
            self._set_gradients(arguments, storages)
        if self._first:
            self._first = False
        else:
            for effect in self._recorder.effects:
                effect()
        return self._present_results(arguments, storages), storages, values

    def _present_results(self, arguments: list[Tensor], storages: dict[int, Storage]) -> list[Tensor]:
        found = []
        for key, ref, place, history in self._results:
            storage = storages.get(key)
            if storage is not None:
                made = Tensor._make(storage, ref.layout, ref.offset)
            elif place is not None and ref.layout is arguments[place].layout and not ref.offset:
                found.append(arguments[place])
                continue
            else:
                made = self._present(ref, place, arguments)
            if history is not None:
                made.grad_fn, made._requires_grad = history
            found.append(made)
        return found

    def _prepare(self, arguments: list[Tensor]) -> None:
        for ref, place, check in self._checks:
            check(self._present(ref, place, arguments))
        if self._changed or self._written:
            self._check_sharing(arguments)
        words = self.native.table.words
        for moves, argument in zip(self._moves, arguments, strict=True):
            pointer = argument.pointer
            for word, distance in moves:
                words[word] = pointer + distance
        for leaf, buffer in self._held:
            held: Any = leaf._grad
            self.native.table.point(buffer, held.storage.address)
            held.storage.version += 1
        if not self._first and self.values:
            self._feed()

    def _feed(self) -> None:
        """Give the program this run's numbers."""
        values, put = self.values, self.native.table.put
        for feed in self._recorder.feeds:
            for number, value in zip(feed.numbers, feed.again(), strict=True):
                if value != values[id(number)] or not value:  # 0 and -0 are equal, but not the same
                    values[id(number)] = value
                    put(number, value)

    def _check_sharing(self, arguments: list[Tensor]) -> None:
        """CompileError where what is changed is looked at by another name; counts the changes of arguments."""
        for place in self._changed:
            mine = arguments[place].storage
            others = (one.storage for number, one in enumerate(arguments) if number != place)
            if id(mine) in self._fixed_ids or any(one is mine for one in others):
                raise CompileError("compile: an argument that the function changes shares memory with another tensor")
        for argument in arguments:
            if id(argument.storage) in self._written_ids:
                raise CompileError("compile: an argument shares memory with a tensor that the function changes")
        for place in self._changed:
            arguments[place].storage.version += 1  # type: ignore[union-attr]

    def _present(self, ref: Ref, place: int | None, arguments: list[Tensor]) -> Tensor:
        """A tensor of the program as it is now: of the argument at a place, or from outside."""
        if place is not None:
            argument = arguments[place]
            return Tensor._make(argument.storage, ref.layout, argument.offset + ref.offset)
        storage = next(storage for _, storage, buffer in self._recorder.externals.values() if buffer is ref.buffer)
        return Tensor._make(storage, ref.layout, ref.offset)

    def _look_at_flags(self, storages: dict[int, Storage]) -> None:
        for *extremes, flag in self._flags:
            for ref in extremes:
                found = int(Tensor._make(storages[id(ref.buffer)], ref.layout, ref.offset).item())
                if not flag.low <= found < flag.high:
                    raise flag.error(found)

    def _set_gradients(self, arguments: list[Tensor], storages: dict[int, Storage]) -> None:
        for owner, ref in self._grads:
            tensor = arguments[owner] if isinstance(owner, int) else owner
            if ref is None:
                tensor._grad = None
            elif ref.buffer.kind == "output":
                made = Tensor._make(storages[id(ref.buffer)], ref.layout, ref.offset)
                held = tensor._grad if isinstance(owner, int) else None
                tensor._grad = made if held is None else held.detach().add_(made)
                for book in STATE.books:
                    book.assign(tensor._grad.storage, GRADIENTS)


class _Result(NamedTuple):
    """A tensor of the result: the buffer's identity, the argument that it may look into, and its history if any."""

    key: int
    ref: Ref
    place: int | None
    history: tuple[Any, bool] | None

    @classmethod
    def of(cls, ref: Ref, places: dict[int, int], history: tuple[Any, bool]) -> Self:
        """For a tensor of the program; `places` are those of the arguments' buffers."""
        key = id(ref.buffer)
        return cls(key, ref, places.get(key), history if history[1] or history[0] is not None else None)


def _left_gradients(recorder: Recorder, arguments: list[Tensor]) -> list[tuple[Any, Ref | None]]:
    """The gradients as the function left them, by tensor (an argument by its position); None where it cleared them."""
    found: list[tuple[Any, Ref | None]] = []
    for leaf in recorder.leaves.values():
        if leaf.left is not leaf.original:
            found.append((leaf.tensor, None if leaf.left is None else recorder.ref(leaf.left)))
    for place, placeholder in enumerate(arguments):
        if placeholder._grad is not None:
            found.append((place, recorder.ref(placeholder._grad)))
    return found
