"""Which products a BLAS does: none, all it can, or those that it was measured to do faster, by a table that is kept."""

from __future__ import annotations

import math
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, NamedTuple

from curta.compiler.matmul.blas import Blas, Shape
from curta.errors import CurtaWarning
from curta.runtime import blas, cpu, disk, machine

#: how much shorter the BLAS must take to be chosen: what does not gain leaves results as they are everywhere
MARGIN = 1.05
NO_TABLE = (
    "CURTA_BLAS=auto: no measured table is kept for this processor, BLAS and Curta, so Curta's own kernels are used; "
    "measure one with: curta doctor --products"
)


class Timing(NamedTuple):
    """The shortest seconds of one product by Curta's own kernel and by the BLAS."""

    shape: Shape
    own: float
    blas: float

    @property
    def ratio(self) -> float:
        """How many times the BLAS's time Curta's own kernel takes."""
        return self.own / self.blas

    @property
    def faster(self) -> bool:
        """Whether the BLAS is chosen."""
        return self.ratio >= MARGIN


@dataclass(frozen=True)
class Table:
    """What was measured, of which BLAS, when, and on how many threads."""

    library: str
    day: str
    threads: int
    timings: tuple[Timing, ...]

    def wants_blas(self, shape: Shape) -> bool:
        """Whether the BLAS was faster at the nearest product that was measured: of its format, and by sizes' ratios.

        >>> near, far = Shape("float32", "k", "column", 1, 64, 64), Shape("float32", "k", "column", 64, 64, 64)
        >>> table = Table("", "", 1, (Timing(near, 1.0, 2.0), Timing(far, 2.0, 1.0)))
        >>> [table.wants_blas(near._replace(M=M)) for M in (2, 20)]
        [False, True]
        """
        alike = [one for one in self.timings if one.shape.dtype == shape.dtype]
        return bool(alike) and min(alike, key=lambda one: _distance(one.shape, shape)).faster


def _distance(one: Shape, other: Shape) -> tuple[int, float]:
    """First by how they lie, then by their sizes."""
    turned = (one.a_order != other.a_order) + (one.b_order != other.b_order)
    return turned, sum(abs(math.log2(size / wanted)) for size, wanted in zip(one[3:], other[3:], strict=True))


def current() -> Blas | None:
    """What `CURTA_BLAS` says; None where it is Curta's own kernels that are wanted, always.

    ArgumentError where a BLAS is wanted, and there is none.
    """
    setting = blas.setting()
    if setting == "0":
        return None
    if setting == "1":
        return Blas(blas.usable(), _always)
    table = _used_table()
    return None if table is None else Blas(blas.usable(), table.wants_blas)


def _always(shape: Shape) -> bool:
    return True


@cache
def _used_table() -> Table | None:
    """The table that this process goes by; said once where there is none."""
    found = kept()
    if found is None:
        warnings.warn(NO_TABLE, CurtaWarning, stacklevel=2)
    return found


def kept() -> Table | None:
    """The table in the cache for this processor, its threads, this BLAS and this Curta; None where there is none."""
    import json  # slow to import, and most programs ask for no table

    library = blas.library()
    content = None if library is None else disk.read(disk.path_of(_key(library.name), disk.FIGURE))
    return None if content is None else _from_lists(json.loads(content))


def keep(table: Table) -> bool:
    """Put a table into the cache; whether it can be found there."""
    import json

    words = [table.library, table.day, table.threads, [[*one.shape, one.own, one.blas] for one in table.timings]]
    disk.write(disk.path_of(_key(table.library), disk.FIGURE), json.dumps(words).encode())
    return kept() == table


def _from_lists(words: Sequence[Any]) -> Table:
    library, day, threads, rows = words
    return Table(library, day, threads, tuple(Timing(Shape(*row[:-2]), *row[-2:]) for row in rows))


def _key(library: str) -> str:
    return f"products: {library} on {cpu.processors()} threads of {machine.model()}"
