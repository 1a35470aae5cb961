"""An account's memory as figures: now, at the fullest moment, and all the way."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import cache
from itertools import starmap
from typing import Any, NamedTuple

from curta.costs.tables import text_table
from curta.errors import ArgumentError
from curta.memory.ledger import CATEGORIES, Event, Holding, Ledger


class Held(NamedTuple):
    """One block of memory: its bytes, what it is for, the operator, module and phase that asked for it.

    The operator is None for what no operator made: parameters, data, and what was there before.
    """

    nbytes: int
    category: str
    operator: str | None
    module: str
    phase: str


class Change(NamedTuple):
    """A moment at which memory changed: the bytes of all categories after it, and where the program was.

    `begun` is how many operators had begun by then; the first operator of another phase is a moment too.
    """

    totals: dict[str, int]
    operator: str | None
    module: str
    phase: str
    begun: int

    @property
    def nbytes(self) -> int:
        """All bytes together."""
        return sum(self.totals.values())


class MemoryBooks:
    """Who held how many bytes: see `curta.memory.ledger` for the categories."""

    def __init__(self, ledger: Ledger, name: Callable[..., str]) -> None:
        self._ledger = ledger
        self._name = name

    @property
    def current_bytes(self) -> int:
        """The bytes that are in use, or were when the account was closed."""
        return self._ledger.current

    @property
    def peak_bytes(self) -> int:
        """The most bytes that were in use at one moment while the account was open."""
        return self._ledger.peak

    @property
    def elsewhere_bytes(self) -> int:
        """Bytes in use now that the account does not know of: those that other threads made since it was opened."""
        return self._ledger.elsewhere

    def by_category(self) -> dict[str, int]:
        """The bytes in use by what they are for."""
        return dict(self._ledger.totals)

    def peak_by_category(self) -> dict[str, int]:
        """The same at the fullest moment."""
        return dict(self._ledger.peak_totals)

    def at_peak(self) -> list[Held]:
        """Everything that was in use at the fullest moment, the largest first."""
        name = cache(self._name)  # which looks through the whole account
        return [
            Held(one.nbytes, one.category, one.operator, name(one.module), one.phase) for one in self._ledger.at_peak()
        ]

    def peak_by_module(self, depth: int | None = None) -> dict[str, int]:
        """The bytes at the fullest moment by the module whose they are, the largest first; "-" outside of all."""
        return self._summed(self._ledger.at_peak(), depth)

    def by_module(self, depth: int | None = None) -> dict[str, int]:
        """The bytes in use by module."""
        return self._summed(self._ledger.now(), depth)

    @property
    def timeline(self) -> list[Change]:
        """Memory after every change, from the opening on; ArgumentError unless opened with `timeline=True`."""
        if self._ledger.events is None:
            raise ArgumentError("account: the changes of memory were not kept: open it with timeline=True")
        totals, name = dict(self._ledger.first_totals), cache(self._name)
        changes = [Change(dict(totals), None, "-", "", 0)]
        for event in starmap(Event, self._ledger.events):
            totals[event.category] += event.nbytes
            changes.append(Change(dict(totals), event.operator, name(event.module), event.phase, event.begun))
        return changes

    def _summed(self, holdings: Iterable[Holding], depth: int | None) -> dict[str, int]:
        found: dict[str, int] = {}
        name = cache(self._name)
        for one in holdings:
            module = name(one.module, depth)
            found[module] = found.get(module, 0) + one.nbytes
        return dict(sorted(found.items(), key=lambda item: (-item[1], item[0])))

    def to_dict(self) -> dict[str, Any]:
        """The figures as plain numbers and dictionaries."""
        return {
            "current_bytes": self.current_bytes,
            "peak_bytes": self.peak_bytes,
            "by_category": self.by_category(),
            "peak_by_category": self.peak_by_category(),
            "peak_by_module": self.peak_by_module(),
        }

    def table(self) -> str:
        """Bytes by category, now and at the fullest moment, as text in columns."""
        now, peak = self.by_category(), self.peak_by_category()
        rows = {kind: (now[kind], peak[kind]) for kind in CATEGORIES if now[kind] or peak[kind]}
        return text_table(
            "memory", rows, (self.current_bytes, self.peak_bytes),
            [("bytes", lambda row: f"{row[0]:,}"), ("at the peak", lambda row: f"{row[1]:,}")],
        )  # fmt: skip

    def __repr__(self) -> str:
        return f"<Memory: {self.current_bytes:,} bytes, at most {self.peak_bytes:,}>"
