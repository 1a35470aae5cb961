"""How a product is cut into units of work: by its sizes and the processor. Results do not depend on it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, lru_cache
from math import gcd
from typing import NamedTuple

from curta.runtime import cpu

#: cycles to begin a unit, and to wake other threads where there is more than one
UNIT_COST = 500.0
WAKE_COST = 8000.0
#: the bytes after which lines come to lie in the same place of a first-level cache, and how many of them it holds
CACHE_WAY, CACHE_LINES = 4096, 8
#: a matrix of so many bytes comes from memory: what it takes to read it is then what counts. Measured on a Zen 4
BEYOND_CACHES = 16 << 20
#: batches are put together up to about this many cycles
SMALL_UNIT = 40_000


@dataclass(frozen=True)
class Tiles:
    """Rows and columns of C in a unit, the number of tiles each way, and the whole batches in a unit."""

    unit_rows: int
    unit_columns: int
    row_tiles: int
    column_tiles: int
    batches_per_unit: int
    units: int


@dataclass(frozen=True)
class Costs:
    """A kernel's steps and modelled cost: `cycles(rows, columns)` of a unit, and whether the unit `fits` the cache."""

    row_step: int
    column_step: int
    cycles: Callable[[int, int], float]
    fits: Callable[[int, int], bool]


@cache
def _thread_counts() -> tuple[int, ...]:
    """Numbers of threads that should all be kept busy; up to twice what there are, for when one is held up."""
    return tuple(1 << power for power in range((2 * cpu.processors() - 1).bit_length() + 1))


class _Side(NamedTuple):
    """A side cut into `tiles` tiles of `unit` at most: `whole` ones have `size`, the last `rest` if that is not 0."""

    unit: int
    size: int
    whole: int
    rest: int
    tiles: int


@lru_cache(maxsize=4096)
def choose_tiles(costs: Costs, M: int, N: int, batches: int) -> Tiles:
    """The cut with the least modelled time, summed over several numbers of threads."""
    if M == 0 or N == 0 or batches == 0:
        return Tiles(1, 1, 1, 1, 1, 0)
    best_time, best = float("inf"), Tiles(M, N, 1, 1, 1, batches)
    all_columns = _sides(N, costs.column_step)
    for rows in _sides(M, costs.row_step):
        for columns in all_columns:
            smallest = rows.unit <= costs.row_step and columns.unit <= costs.column_step
            if not smallest and not costs.fits(rows.unit, columns.unit):
                continue
            found = _timed(costs, rows, columns, batches, best_time)
            if found is not None:
                (best_time, together), cut = found, rows.tiles * columns.tiles
                units = cut * -(-batches // together)
                best = Tiles(rows.unit, columns.unit, rows.tiles, columns.tiles, together, units)
    return best


def _timed(costs: Costs, rows: _Side, columns: _Side, batches: int, limit: float) -> tuple[float, int] | None:
    """The modelled time of a cut, if it is less than `limit`, and how many small batches are put together."""
    _, high, whole_rows, last_high, row_tiles = rows
    _, wide, whole_columns, last_wide, column_tiles = columns
    cycles, together, groups = max(1.0, costs.cycles(high, wide)), 1, batches
    if row_tiles * column_tiles == 1:
        together = max(1, min(-(-batches // 16), int(SMALL_UNIT // cycles)))
        groups = -(-batches // together)
    unit, short = cycles * together + UNIT_COST, UNIT_COST
    whole, units = whole_rows * whole_columns * groups, row_tiles * column_tiles * groups
    shorter = units - whole
    rounds = [(threads, -(-whole // threads)) for threads in _thread_counts()]
    # on each number of threads, as a multiple of what it would be if all were busy
    time = unit * sum(threads * number for threads, number in rounds)
    time += WAKE_COST * sum(_thread_counts()) if units > 1 else 0.0
    if shorter and time < limit:
        rest = whole_rows * costs.cycles(high, last_wide) if last_wide else 0.0
        rest += whole_columns * costs.cycles(last_high, wide) if last_high else 0.0
        rest += costs.cycles(last_high, last_wide) if last_high and last_wide else 0.0
        short += rest * groups / shorter
        for threads, number in rounds:
            # threads that have no whole unit in the last round do shorter ones
            left = shorter - (number * threads - whole) * int(unit // short)
            time += threads * -(-max(0, left) // threads) * short
    return (time, together) if time < limit else None


@cache
def _sides(length: int, step: int) -> list[_Side]:
    """The cuts to try along a side.

    Multiples of `step`, by numbers of tiles in ever larger jumps, and powers of two.
    """
    most = max(1, length // step)
    counts, count = {most}, 1
    while count < most:
        counts |= {count, 1 << (count.bit_length() - 1)}
        count = max(count + 1, count * 5 // 4)
    units = dict.fromkeys(round_up(-(-length // count), step) for count in sorted(counts))
    sizes = [(unit, min(unit, length)) for unit in units]
    return [_Side(unit, size, length // size, length % size, -(-length // size)) for unit, size in sizes]


def even_blocks(length: int, most: int) -> int:
    """The size of as few even blocks of K as can be, none longer than `most` (a multiple of 16).

    >>> even_blocks(300, 256)
    160
    """
    count = max(1, -(-length // most))
    return round_up(-(-length // count), 16) or 16


def rows_alike(rows: int, row_bytes: int) -> int:
    """How many of so many rows displace each other in a first-level cache.

    >>> rows_alike(12, 4096), rows_alike(12, 2048), rows_alike(12, 1000)
    (12, 6, 0)
    """
    return rows * gcd(CACHE_WAY, row_bytes) // CACHE_WAY


def round_up(value: int, step: int) -> int:
    """The next multiple of `step`.

    >>> round_up(13, 4)
    16
    """
    return -(-value // step) * step
