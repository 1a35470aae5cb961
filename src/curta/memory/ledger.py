"""Who holds the memory: every storage with what it is for, the operator and the module that asked for it, and when."""

from __future__ import annotations

from collections.abc import Iterable
from copy import copy
from typing import Any, NamedTuple, Protocol

from curta.memory.allocator import HOST
from curta.memory.storage import (
    WATCHERS,
    HostStorage,
    MetaStorage,
    PlannedStorage,
    Storage,
    WatchedMetaStorage,
)

#: what memory is for, in the order in which pages and tables show it:
#: - parameters: what a module or an optimizer trains, and other leaves that want a gradient
#: - buffers: what a module keeps beside them (running statistics)
#: - gradients: the `grad` of a leaf
#: - optimizer state: moments and the like
#: - inputs: data from outside, and what was there before and is none of the others
#: - activations: what an operator made and a backward pass will read
#: - temporaries: everything else that an operator made, and what it needs only while it runs
#: - arenas: the memory of compiled programs, which holds their activations, gradients and temporaries
CATEGORIES = (
    "parameters", "buffers", "gradients", "optimizer state", "inputs", "activations", "temporaries", "arenas",
)  # fmt: skip
PARAMETERS, BUFFERS, GRADIENTS, STATE, INPUTS, ACTIVATIONS, TEMPORARIES, ARENAS = CATEGORIES

Totals = dict[str, int]


class Where(Protocol):
    """What knows the module and the part of a training step that the program is in."""

    module: Any
    phase: str


def watch(storage: Storage) -> None:
    """From now on the end of a storage is told to the watchers, as that of a `HostStorage` always is."""
    if type(storage) is MetaStorage:
        storage.__class__ = WatchedMetaStorage


class Holding:
    """One storage that is alive: its bytes, what it is for, and who asked for it (None: it was there before)."""

    __slots__ = ("key", "kind", "module", "nbytes", "number", "operator", "phase", "saves", "watched")

    def __init__(
        self, key: int, nbytes: int, number: int, kind: str,
        operator: str | None = None, module: Any = None, phase: str = "", watched: bool = True,
    ) -> None:  # fmt: skip
        #: the storage's identity (0 when it has gone), and how many were known before it
        self.key = key
        self.number = number
        self.nbytes = nbytes
        self.kind = kind
        self.operator = operator
        self.module = module
        self.phase = phase
        #: whether the storage is on the device that the account is of
        self.watched = watched
        #: how many operators keep it for their backward pass
        self.saves = 0

    @property
    def category(self) -> str:
        """What it is for; a temporary that a backward pass will read is an activation."""
        return ACTIVATIONS if self.saves and self.kind == TEMPORARIES else self.kind


class Event(NamedTuple):
    """A change of memory: so many more (or fewer) bytes of a category; and the operator, module and phase it was in.

    `begun` is how many operators had begun by then. The first operator of another phase is an event too, of no bytes.
    """

    category: str
    nbytes: int
    operator: str | None
    module: Any
    phase: str
    begun: int


class Ledger:
    """The storages of one device that are alive, and what was at the fullest moment; a watcher of `WATCHERS`.

    `operator` is the one that runs, as whoever runs it says with `begin`, and None when it has ended; `where` has
    the `module` and the `phase` that the program is in. With `timeline`, every change is an event in `events`.

    An account must not slow a program down: what happens many times a step is written out in one function.
    """

    #: the kinds of storage that are memory which this ledger counts
    counted: tuple[type[Storage], ...] = (HostStorage,)

    def __init__(self, where: Where, timeline: bool) -> None:
        self.operator: str | None = None
        #: how many operators have begun
        self.begun = 0
        self._where = where
        # the phase of the last event
        self._phase = ""
        self.totals: Totals = dict.fromkeys(CATEGORIES, 0)
        self.current = 0
        self.peak = 0
        #: as plain tuples, which are made faster
        self.events: list[tuple[str, int, str | None, Any, str, int]] | None = [] if timeline else None
        #: the totals and the number of live storages when the ledger was opened
        self.first_totals: Totals = {}
        self.live: dict[int, Holding] = {}
        #: what was made before this epoch was there when the ledger was opened
        self._epoch = 0
        # bytes that were there before and are nobody's in particular: now, and at the fullest moment
        self._rest = 0
        self._peak_rest = 0
        self._known = 0
        # whether now is the fullest moment; when it is over: the totals and how many storages were known then, those
        # of them that have gone since, and those that have another category now, as they were
        self._full = True
        self._peak_totals: Totals = {}
        self._peak_known = 0
        self._gone: list[Holding] = []
        self._changed: dict[Holding, Holding] = {}

    # opening and closing

    def open(self, found: Iterable[tuple[Storage, str]]) -> None:
        """Begin with the storages that are there, each with what it is for; what was known before may have gone.

        All other memory that the allocator counts is inputs: nobody looks for it until it comes up.
        """
        self._begin_with(found)
        HOST.epoch += 1
        self._epoch = HOST.epoch
        self._rest = HOST.current - self.current
        self.totals[INPUTS] += self._rest
        self.peak = self.current = HOST.current
        self._watch()

    def _begin_with(self, found: Iterable[tuple[Storage, str]]) -> None:
        self.live, self._known, self._full = {}, 0, True
        self.totals, self.current, self.peak = dict.fromkeys(CATEGORIES, 0), 0, 0
        self.begun, self._phase, self.events = 0, "", None if self.events is None else []
        for storage, kind in found:
            if id(storage) in self.live:
                continue
            watch(storage)
            self._add(storage, kind)

    def _watch(self) -> None:
        self.first_totals = dict(self.totals)
        WATCHERS.append(self)

    def close(self) -> None:
        """Hear of nothing more."""
        WATCHERS.remove(self)

    # what runs

    def begin(self, operator: str) -> None:
        """An operator begins."""
        self.operator = operator
        self.begun += 1
        if self.events is not None and self._where.phase != self._phase:
            self._note(TEMPORARIES, 0)

    # what comes and goes

    def born(self, storage: Storage) -> None:
        """A storage was made: for something that does not last, until somebody says otherwise."""
        where, operator = self._where, self.operator
        module, phase = where.module, where.phase
        if self._add(storage, TEMPORARIES, operator, module, phase) and self.events is not None:
            self._phase = phase
            self.events.append((TEMPORARIES, storage.nbytes, operator, module, phase, self.begun))

    def _add(
        self, storage: Storage, kind: str, operator: str | None = None, module: Any = None, phase: str = ""
    ) -> bool:
        """Know of a storage from now on; whether it counts."""
        key, nbytes, watched = id(storage), storage.nbytes, isinstance(storage, self.counted)
        number = self._known = self._known + 1
        self.live[key] = Holding(key, nbytes, number, kind, operator, module, phase, watched)
        if watched:
            self.totals[kind] += nbytes
            current = self.current = self.current + nbytes
            if current > self.peak:
                self.peak, self._full = current, True
        return watched

    def holding(self, storage: Storage | None) -> Holding | None:
        """What is known of a storage; one that was there before and was not looked for is an input from now on."""
        known = self.live.get(id(storage))
        if known is None and isinstance(storage, HostStorage) and storage.epoch < self._epoch:
            self._known += 1
            known = self.live[id(storage)] = Holding(id(storage), storage.nbytes, self._known, INPUTS)
            self._rest -= storage.nbytes
        return known

    def transfer(self, old: Storage, new: Storage) -> None:
        """Another storage stands for one from now on."""
        holding = self.holding(old)
        if holding is None:
            return
        del self.live[holding.key]
        holding.key = id(new)
        self.live[id(new)] = holding

    def died(self, storage: Storage) -> None:
        """A storage went away."""
        known, rest = self._known, self._rest
        holding = self.live.pop(id(storage), None)
        if holding is None:
            if self.holding(storage) is None:
                return
            holding = self.live.pop(id(storage))
        holding.key = 0
        if holding.watched:
            if self._full:
                self._pass(known, rest)
            if holding.number <= self._peak_known:
                self._gone.append(holding)
            category, nbytes = holding.kind, holding.nbytes
            if holding.saves and category == TEMPORARIES:
                category = ACTIVATIONS
            self.totals[category] -= nbytes
            self.current -= nbytes
            if self.events is not None:
                self._note(category, -nbytes)

    def _pass(self, known: int, rest: int) -> None:
        """The fullest moment is over, when so many storages were known and so many bytes nobody's: remember it."""
        self._full, self._peak_known, self._peak_rest = False, known, rest
        self._peak_totals = dict(self.totals)
        self._gone.clear()
        self._changed.clear()

    def _note(self, category: str, nbytes: int) -> None:
        if self.events is not None:
            where = self._where
            phase = self._phase = where.phase
            self.events.append((category, nbytes, self.operator, where.module, phase, self.begun))

    # what it is for

    def assign(self, storage: Storage | None, kind: str) -> None:
        """Say what a storage is for from now on; one that is not known is somebody else's memory."""
        holding = self.holding(storage)
        if holding is not None and holding.kind != kind:
            self._change(holding, kind, holding.saves)

    def save(self, held: list[Holding], count: int) -> None:
        """So many more nodes keep each storage for their backward pass (fewer, if the count is negative)."""
        for holding in held:
            if holding.key:  # else it is gone
                before = holding.saves
                saves = before + count
                if (before and saves) or holding.kind != TEMPORARIES:
                    holding.saves = saves
                else:
                    self._change(holding, TEMPORARIES, saves)

    def _change(self, holding: Holding, kind: str, saves: int) -> None:
        before = holding.category
        if not self._full and holding.number <= self._peak_known and holding not in self._changed:
            self._changed[holding] = copy(holding)
        holding.kind, holding.saves = kind, saves
        after, nbytes = holding.category, holding.nbytes
        if before == after or not holding.watched:
            return
        self.totals[before] -= nbytes
        self.totals[after] += nbytes
        if self.events is not None:
            self._note(before, -nbytes)
            self._note(after, nbytes)

    def at_peak(self) -> list[Holding]:
        """What was alive at the fullest moment, the largest first; what nobody named that was there before as one."""
        found, rest = [one for one in self.live.values() if one.watched], self._rest
        if not self._full:
            found = [self._changed.get(one, one) for one in (*found, *self._gone) if one.number <= self._peak_known]
            rest = self._peak_rest
        return sorted((*found, *_rest(rest)), key=lambda one: (-one.nbytes, one.number))

    def now(self) -> list[Holding]:
        """What is alive, in the order in which it came up; what nobody named that was there before as one."""
        return [*_rest(self._rest), *(one for one in self.live.values() if one.watched)]

    @property
    def peak_totals(self) -> Totals:
        """The bytes of each category at the fullest moment."""
        return self.totals if self._full else self._peak_totals

    @property
    def elsewhere(self) -> int:
        """Bytes that the allocator counts and this ledger does not: of other threads."""
        return HOST.current - self.current


def _rest(nbytes: int) -> list[Holding]:
    """Memory that was there before, as if it were one storage."""
    return [Holding(0, nbytes, 0, INPUTS)] if nbytes else []


class PlanLedger(Ledger):
    """The ledger of a function that is only planned: of the memory that it would take on the processor.

    For one of the `meta` device its storages count as if they were there, and those that the processor has do not.
    """

    def __init__(self, where: Where, meta: bool) -> None:
        super().__init__(where, timeline=True)
        self.meta = meta
        self.counted = (PlannedStorage, MetaStorage if meta else HostStorage)

    def open(self, found: Iterable[tuple[Storage, str]]) -> None:
        """As ever; for one of the `meta` device with all the storages there are of that."""
        if not self.meta:
            super().open(found)
            return
        self._begin_with(found)
        self._watch()

    @property
    def elsewhere(self) -> int:
        """Nothing runs, here or elsewhere."""
        return 0
