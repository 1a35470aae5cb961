"""The native form of a program: its launches with their arguments, in memory that the replay reads."""

from __future__ import annotations

import ctypes
import struct
from array import array
from itertools import pairwise
from time import monotonic
from typing import Any

from curta.compiled.graph import Buffer, Node, Ref
from curta.compiler.graph import LiveNumber
from curta.runtime import entry
from curta.runtime.replay import Launch, Replay
from curta.runtime.watch import Span, Watch


class Table:
    """Launches and their arguments. `moves` are the words that hold a place in a buffer, `lives` those of numbers.

    Words of buffers are filled in by `point`, those of numbers by `put`; the rest is fixed. `waves` are the launches by
    number, those together that may run side by side.
    """

    def __init__(self, nodes: tuple[Node, ...], temporaries: dict[tuple[int, int], Buffer], waves: list[range]) -> None:
        self._plans: list[int] = []
        self._words: list[int] = []
        self._starts: list[int] = []
        self.moves: dict[int, list[tuple[int, int]]] = {}
        self.lives: dict[int, list[tuple[int, bool]]] = {}
        self._keep = nodes
        self._bounds: list[int] = []
        for number, node in enumerate(nodes):
            self._bounds.append(len(self._plans))
            self._add(number, node, temporaries)
        self._bounds.append(len(self._plans))
        self._places = {key: _runs(words) for key, words in self.lives.items()}
        self.words = (ctypes.c_int64 * max(len(self._words), 1))(*self._words)
        self._integers = memoryview(self.words).cast("B").cast("q")
        self._doubles = memoryview(self.words).cast("B").cast("d")
        base = ctypes.addressof(self.words)
        self._launches = [Launch(plan, base + 8 * start) for plan, start in zip(self._plans, self._starts, strict=True)]
        #: how many jobs of the threads one run is
        self.waves = len(waves)
        self._replay = Replay([[self._launches[number] for number in wave] for wave in waves])

    def _add(self, number: int, node: Node, temporaries: dict[tuple[int, int], Buffer]) -> None:
        call = node.call
        held = [Ref(temporaries[number, n], layout) for n, layout in enumerate(call.temporaries)]
        table = [*node.operands, *node.results, *held]
        whole = len(table)
        for plan, places in call.launches:
            mask = ctypes.c_uint64.from_address(plan + 8 * (entry.PLAN_WORDS - 2)).value
            self._plans.append(plan)
            self._starts.append(len(self._words))
            for argument, where in enumerate(places):
                place, further = (where, 0) if where < whole else call.parts[where - whole]
                self._word(table[place], bool(mask >> argument & 1) if argument < 64 else False, further)

    def _word(self, operand: Any, is_float: bool, further: int) -> None:
        word = len(self._words)
        if isinstance(operand, Ref):
            self.moves.setdefault(id(operand.buffer), []).append((word, operand.distance + further))
            self._words.append(0)
            return
        if isinstance(operand, LiveNumber):
            self.lives.setdefault(id(operand), []).append((word, is_float))
            operand = operand.value
        self._words.append(_bits(operand) if is_float else _signed(int(operand)))

    def point(self, buffer: Buffer, address: int) -> None:
        """Let everything that is in `buffer` be found from `address` on."""
        words = self.words
        for word, distance in self.moves.get(id(buffer), ()):
            words[word] = address + distance

    def put(self, number: LiveNumber, value: Any) -> None:
        """Give a live number its value for the next run."""
        for place, count, is_float in self._places.get(id(number), ()):
            words = self._doubles if is_float else self._integers
            given = float(value) if is_float else _signed(int(value))
            words[place] = array(words.format, (given,)) * count

    @property
    def launches(self) -> int:
        """How many kernels one run launches."""
        return len(self._plans)

    def run(self) -> None:
        """Run all waves in order."""
        self._replay.run()

    def run_timed(self) -> list[list[Span]]:
        """Run all launches in order, one operator at a time; for each when the threads worked, the caller's first."""
        found = []
        with Watch() as watch:
            for first, last in pairwise(self._bounds):
                alone = Replay([[launch] for launch in self._launches[first:last]])
                start = monotonic()
                alone.run()
                found.append([Span(0, start, monotonic()), *(span for span in watch.take() if span.thread)])
        return found


def _runs(words: list[tuple[int, bool]]) -> list[tuple[slice, int, bool]]:
    """The same words as evenly spaced runs, which are written at once: many updates take one learning rate."""
    runs: list[tuple[slice, int, bool]] = []
    for word, is_float in words:
        if runs:
            place, count, same = runs[-1]
            step = word - place.start if count == 1 else place.step
            if is_float is same and word == place.start + count * step:
                runs[-1] = (slice(place.start, word + 1, step), count + 1, same)
                continue
        runs.append((slice(word, word + 1, 1), 1, is_float))
    return runs


def _bits(value: float) -> int:
    found: int = struct.unpack("<q", struct.pack("<d", float(value)))[0]
    return found


def _signed(value: int) -> int:
    return value - (1 << 64) if value >> 63 == 1 else value
