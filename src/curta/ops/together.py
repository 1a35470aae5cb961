"""One launch for a group: operators on many tensors, alike or not, as one job of the threads.

A tensor's update is small work where there are many tensors. Together they are one wave (see runtime/replay.py): its
tasks are dealt to the threads at once, and Python pays for one launch. Operators of several kernels are as many waves.
"""

from __future__ import annotations

import ctypes
import struct
from array import array
from collections.abc import Iterable, Sequence
from itertools import chain, pairwise
from operator import itemgetter
from typing import Any, NamedTuple

from curta.default_dtype import ON_CHANGE
from curta.memory.layout import Layout
from curta.memory.storage import HostStorage, Storage, allocate
from curta.ops.dispatch import bind, bind_into, prepared
from curta.ops.program import Executable
from curta.ops.record import Op
from curta.runtime import jit, native
from curta.runtime.replay import Launch, Replay
from curta.tensor import Tensor


class Alike(NamedTuple):
    """What one operator is to do for each member: its inputs are the member's tensors and then the `numbers`.

    What is written to are the member's tensors at the places `written`; if that names none, the result is a new tensor.
    """

    op: Op
    members: Sequence[Sequence[Tensor]]
    numbers: tuple[float, ...]
    params: dict[str, Any]
    written: tuple[int, ...]


def bind_together(updates: Sequence[Alike]) -> list[list[Tensor]]:
    """`bind` or `bind_into` for all members of all updates, in one launch, where nothing is hooked.

    Gives the new tensors of each update. All run one after the other where one of them writes what another one touches.
    The operators are kernels: neither views nor NumPy's.
    """
    key: list[Any] = []
    words: list[int] = []
    written: list[Storage | None] = []
    looked_at: list[Storage | None] = []
    for op, members, numbers, params, places in updates:
        tensors = list(chain.from_iterable(members))
        key += (op, len(members), places)
        key += native.parameter_key(params)
        key += [tensor.layout for tensor in tensors]
        words += struct.unpack(f"={len(numbers)}q", struct.pack(f"={len(numbers)}d", *numbers))
        words += [tensor.pointer for tensor in tensors]
        _sort_out(tensors, len(members[0]), places, written, looked_at)
    if not _apart(written, looked_at):
        return [_one_by_one(update) for update in updates]
    signature = tuple(key)
    # taken out while it runs: its words belong to one thread
    group = _GROUPS.pop(signature, None) or _Group(updates)
    made = group.run(words)
    for storage in written:
        if storage is not None and storage.version >= 0:  # an inference tensor stays one
            storage.version += 1
    if len(_GROUPS) >= _LIMIT:
        _GROUPS.clear()
    _GROUPS[signature] = group
    return made


def apart(members: Iterable[Sequence[Tensor]], only_read: int) -> bool:
    """Whether each member may go its own way: nothing that it touches is written by another.

    A member's tensor at the place `only_read` is not written, all others are.
    """
    written: list[Storage | None] = []
    looked_at: list[Storage | None] = []
    for tensors in members:
        places = [place for place in range(len(tensors)) if place != only_read]
        _sort_out(tensors, len(tensors), places, written, looked_at)
    return _apart(written, looked_at)


class _Group:
    """The kernels of a group as waves: the first ones of all members, then the second ones."""

    def __init__(self, updates: Sequence[Alike]) -> None:
        self._count = 0
        #: the layouts of the new tensors, for each update
        self._made: list[list[Layout]] = []
        self._temporaries: list[int] = []
        #: what begins inside of something: its word, and how many bytes further
        self._parts: list[tuple[int, int]] = []
        calls: list[tuple[Executable, list[int]]] = []
        for update in updates:
            numbers = self._words(len(update.numbers))
            calls += [(_call_of(update, tensors), [*self._words(len(tensors)), *numbers]) for tensors in update.members]
        self._add_results(updates, calls)
        for call, table in calls:
            table += self._words(len(call.temporaries))
            self._temporaries += [layout.nbytes for layout in call.temporaries]
        for call, table in calls:
            self._parts += [(table[place], distance) for place, distance in call.parts]
            table += self._words(len(call.parts))
        self._ready([(call, table) for call, table in calls if call.launches])

    def _words(self, count: int) -> range:
        """The numbers of the next words."""
        first = self._count
        self._count += count
        return range(first, self._count)

    def _add_results(self, updates: Sequence[Alike], calls: list[tuple[Executable, list[int]]]) -> None:
        of_members = iter(calls)
        for update in updates:
            made = []
            for _, (call, table) in zip(update.members, of_members, strict=False):
                if update.written:
                    table += [table[place] for place in update.written]
                else:
                    table += self._words(1)
                    made.append(call.outputs[0])
            self._made.append(made)

    def _ready(self, calls: list[tuple[Executable, list[int]]]) -> None:
        """Have the kernels compiled, and a table of waves that takes its arguments out of the words."""
        self._keep = [call for call, _ in calls]
        jit.load_all(code for call in self._keep for code in call.codes)
        for call in self._keep:
            call.place()
        waves: list[list[tuple[int, int]]] = [
            [] for _ in range(max((len(one.launches) for one in self._keep), default=0))
        ]
        taken: list[int] = []
        for call, table in calls:
            for wave, (plan, places) in zip(waves, call.launches, strict=False):
                wave.append((plan, len(taken)))
                taken += [table[place] for place in places]
        # two more than there are: of fewer than two, `itemgetter` makes no tuple
        self._take = itemgetter(*taken, 0, 0)
        self._arguments = (ctypes.c_int64 * (len(taken) + 2))()
        self._view = memoryview(self._arguments).cast("B").cast("q")
        base = ctypes.addressof(self._arguments)
        self._replay = Replay([[Launch(plan, base + 8 * start) for plan, start in wave] for wave in waves])

    def run(self, words: list[int]) -> list[list[Tensor]]:
        """Run the waves with these words: for each update its numbers and then its members' pointers."""
        made = [[Tensor._make(allocate(one.nbytes, one.device), one, 0) for one in layouts] for layouts in self._made]
        words += [tensor.pointer for tensors in made for tensor in tensors]
        held = [allocate(nbytes) for nbytes in self._temporaries]
        words += [storage.address for storage in held]
        words += [words[word] + distance for word, distance in self._parts]
        self._view[:] = array("q", self._take(words))
        self._replay.run()
        return made


_GROUPS: dict[Any, _Group] = {}
_LIMIT = 1000
ON_CHANGE.append(_GROUPS.clear)


def _call_of(update: Alike, tensors: Sequence[Tensor]) -> Executable:
    written = tuple([tensors[place].layout for place in update.written]) or None
    return prepared(update.op, (*tensors, *update.numbers), update.params, written)


def _one_by_one(update: Alike) -> list[Tensor]:
    inputs: list[tuple[Any, ...]] = [(*tensors, *update.numbers) for tensors in update.members]
    if not update.written:
        return [bind(update.op, one, **update.params) for one in inputs]
    for one in inputs:
        bind_into(update.op, one, tuple([one[place] for place in update.written]), **update.params)
    return []


def _sort_out(
    tensors: Sequence[Tensor], each: int, places: Sequence[int], written: list[Storage | None],
    looked_at: list[Storage | None],
) -> None:  # fmt: skip
    """Add the storages of members of `each` tensors to one of the lists: those at `places` are written."""
    storages = [tensor.storage for tensor in tensors]
    for place in range(each):
        (written if place in places else looked_at).extend(storages[place::each])


def _apart(written: list[Storage | None], looked_at: list[Storage | None]) -> bool:
    """Whether nothing is written twice, nor by one member and read by another."""
    found = set(map(id, written))
    if len(found) < len(written) or not found.isdisjoint(map(id, looked_at)):
        return False
    if set(map(type, written)) == set(map(type, looked_at)) == {HostStorage}:
        return True  # each has its own memory
    everything = {id(one): one for one in (*written, *looked_at) if one is not None}.values()
    spans = sorted((one.address, one.address + one.nbytes) for one in everything)
    return all(before[1] <= after[0] for before, after in pairwise(spans))
