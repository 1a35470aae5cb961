"""What follows a product, done to each block of sums while it is in the cache: bias, activation, residual, update.

An ending is an element-wise loop program over C. The kernel of the product runs it over every block of rows whose sums
are complete.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from functools import cached_property

from curta.compiler.expression import Expression
from curta.compiler.loops import CONTIGUOUS, STRIDED, UNIFORM, LoopProgram, Slot, Stage


@dataclass(frozen=True)
class Ending:
    """Slots, stores, and for each slot its strides in bytes over (*batch, M, N); scalars have zeros.

    Slot number `sums` stands for the sums of the product. With `in_place` they are kept where an output will be:
    that slot's operand is the output's address.
    """

    slots: tuple[Slot, ...]
    stores: tuple[tuple[int, Expression], ...]
    sums: int
    strides: tuple[tuple[int, ...], ...]
    in_place: bool

    def turned(self) -> Ending:
        """The same over C turned over."""
        return replace(self, strides=tuple((*each[:-2], each[-1], each[-2]) for each in self.strides))

    @cached_property
    def program(self) -> LoopProgram:
        """Rows of C, each a pass over its columns."""
        slots = tuple(replace(slot, inner=self._inner(number)) for number, slot in enumerate(self.slots))
        return LoopProgram(slots, 1, (Stage((), self.stores),))

    def _inner(self, number: int) -> int:
        step = self.strides[number][-1]
        if number == self.sums:
            return CONTIGUOUS
        if step == 0:
            return UNIFORM
        return CONTIGUOUS if step == self.slots[number].dtype.itemsize else STRIDED

    def read_along_rows(self) -> list[tuple[int, int]]:
        """The slots, and the bytes of their elements, of which neighbours in a row of C read neighbours."""
        return [
            (number, slot.dtype.itemsize)
            for number, slot in enumerate(self.slots)
            if slot.role == "input" and number != self.sums and self._inner(number) == CONTIGUOUS
        ]

    @property
    def digest(self) -> str:
        """Names the program, the sums' slot, and nothing of its strides but which are those of neighbours."""
        return hashlib.sha256(f"{self.sums} {self.program.describe()}".encode()).hexdigest()[:16]
