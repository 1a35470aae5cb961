"""One launch for a group: many updates in place whose operators are alike or not, as one job of the threads.

A tensor's update is small work where there are many tensors. Together they are one wave (see runtime/replay.py): its
tasks are dealt to the threads at once, and Python pays for one launch.
"""

from __future__ import annotations

import ctypes
import struct
from array import array
from collections.abc import Sequence
from itertools import chain, pairwise
from operator import itemgetter
from typing import Any, NamedTuple

from curta.default_dtype import ON_CHANGE
from curta.memory.storage import HostStorage, Storage
from curta.ops.dispatch import bind_into, prepared
from curta.ops.program import Executable
from curta.ops.record import Op
from curta.runtime import jit, native
from curta.runtime.replay import Launch, Replay
from curta.tensor import Tensor


class Alike(NamedTuple):
    """What one operator is to do: for each member its tensors and then the `numbers` are the inputs, and what is
    written to are all of its tensors but the second."""

    op: Op
    members: list[list[Tensor]]
    numbers: tuple[float, ...]
    params: dict[str, Any]


def bind_together(updates: Sequence[Alike]) -> None:
    """`bind_into` for all members of all updates, in one launch, where nothing is hooked.

    Those that are not one kernel follow by themselves; all run one after the other where one of them writes what
    another one touches.
    """
    key: list[Any] = []
    words: list[int] = []
    written: list[Storage | None] = []
    looked_at: list[Storage | None] = []
    for op, members, numbers, params in updates:
        tensors = list(chain.from_iterable(members))
        key += (op, len(members))
        key += native.parameter_key(params)
        key += [tensor.layout for tensor in tensors]
        words += struct.unpack(f"={len(numbers)}q", struct.pack(f"={len(numbers)}d", *numbers))
        words += [tensor.pointer for tensor in tensors]
        storages = [tensor.storage for tensor in tensors]
        each = len(members[0])
        looked_at += storages[1::each]
        del storages[1::each]
        written += storages
    if not _apart(written, looked_at):
        for update in updates:
            for member in update.members:
                _bind(update, member)
        return
    signature = tuple(key)
    # taken out while it runs: its words belong to one thread
    group = _GROUPS.pop(signature, None) or _Group(updates)
    group.run(words)
    for storage in written:
        if storage is not None and storage.version >= 0:  # an inference tensor stays one
            storage.version += 1
    for place, number in group.others:
        _bind(updates[place], updates[place].members[number])
    if len(_GROUPS) >= _LIMIT:
        _GROUPS.clear()
    _GROUPS[signature] = group


class _Group:
    """The kernels of a group as a wave; `others` are the updates and the members that are not one kernel."""

    def __init__(self, updates: Sequence[Alike]) -> None:
        self.others: list[tuple[int, int]] = []
        self._keep: list[Executable] = []
        #: for each argument of each kernel its word among those of the group
        places: list[int] = []
        starts: list[int] = []
        word = 0
        for place, update in enumerate(updates):
            numbers = range(word, word + len(update.numbers))
            word += len(numbers)
            for number, tensors in enumerate(update.members):
                pointers = range(word, word + len(tensors))
                word += len(tensors)
                call = _call_of(update, tensors)
                if len(call.launches) != 1 or call.temporaries or call.parts:
                    self.others.append((place, number))
                    continue
                table = [*pointers, *numbers, pointers[0], *pointers[2:]]
                self._keep.append(call)
                starts.append(len(places))
                places += [table[argument] for argument in call.launches[0][1]]
        # two more than there are: of fewer than two, `itemgetter` makes no tuple
        self._take = itemgetter(*places, 0, 0)
        self._arguments = (ctypes.c_int64 * (len(places) + 2))()
        self._view = memoryview(self._arguments).cast("B").cast("q")
        jit.load_all(code for call in self._keep for code in call.codes)
        for call in self._keep:
            call.place()
        base = ctypes.addressof(self._arguments)
        pairs = zip(self._keep, starts, strict=True)
        self._replay = Replay([[Launch(call.launches[0][0], base + 8 * start) for call, start in pairs]])

    def run(self, words: list[int]) -> None:
        """Run the wave with these words: for each update its numbers and then its members' pointers."""
        self._view[:] = array("q", self._take(words))
        self._replay.run()


_GROUPS: dict[Any, _Group] = {}
_LIMIT = 1000
ON_CHANGE.append(_GROUPS.clear)


def _call_of(update: Alike, tensors: list[Tensor]) -> Executable:
    written = tuple([tensor.layout for tensor in _written_by(tensors)])
    return prepared(update.op, (*tensors, *update.numbers), update.params, written)


def _written_by(tensors: list[Tensor]) -> tuple[Tensor, ...]:
    return (tensors[0], *tensors[2:])


def _bind(update: Alike, tensors: list[Tensor]) -> None:
    bind_into(update.op, (*tensors, *update.numbers), _written_by(tensors), **update.params)


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
