"""How a product is cut into units of work: a fixed function of the sizes, never of the number of threads."""

from __future__ import annotations

from dataclasses import dataclass

from curta.compiler.matmul.spec import Spec

#: most bytes of packed A and B together: they share a second-level cache of 2 MB with C
PACKED_BYTES = 1_200_000
#: cycles to hand a unit to a thread and start it
UNIT_COST = 2000.0
#: numbers of threads that should all be kept busy
THREADS = (1, 2, 4, 8)


@dataclass(frozen=True)
class Tiles:
    """Rows and columns of C in a unit, the number of tiles each way, and the whole batches in a unit."""

    unit_rows: int
    unit_columns: int
    row_tiles: int
    column_tiles: int
    batches_per_unit: int
    units: int


def choose_tiles(spec: Spec, M: int, N: int, K: int, batches: int) -> Tiles:
    """The cut with the least modelled time, summed over several numbers of threads."""
    if M == 0 or N == 0 or batches == 0:
        return Tiles(1, 1, 1, 1, 1, 0)
    size = spec.compute.itemsize
    best: tuple[float, Tiles] | None = None
    for row_tiles in _counts(M, spec.tile_rows):
        unit_rows = _round_up(-(-M // row_tiles), spec.tile_rows if M >= 24 * row_tiles * spec.edge_rows else spec.edge_rows)
        row_tiles = -(-M // unit_rows)
        for column_tiles in _counts(N, spec.tile_columns):
            unit_columns = _round_up(-(-N // column_tiles), spec.tile_columns)
            packed = (unit_rows + unit_columns) * spec.k_block * size
            staged = unit_rows * unit_columns * size // 2 if spec.staged else 0
            if packed + staged > PACKED_BYTES and (row_tiles < M // spec.tile_rows or column_tiles < N // spec.tile_columns):
                continue
            per_batch = row_tiles * -(-N // unit_columns)
            cycles = _unit_cycles(spec, min(unit_rows, M), min(unit_columns, N), K)
            together = 1 if per_batch > 1 else max(1, min(-(-batches // 16), int(40_000 // cycles)))
            units = per_batch * -(-batches // together)
            time = sum(-(-units // threads) * threads for threads in THREADS) * (cycles * together + UNIT_COST)
            if best is None or time < best[0]:
                best = (time, Tiles(unit_rows, unit_columns, row_tiles, -(-N // unit_columns), together, units))
    if best is None:
        raise AssertionError("the smallest tile always fits")
    return best[1]


def _counts(length: int, step: int) -> list[int]:
    """Numbers of tiles to try along a side: at least `step` long each, in ever larger jumps."""
    most = max(1, length // step)
    counts, count = [], 1
    while count < most:
        counts.append(count)
        count = max(count + 1, count * 5 // 4)
    return [*counts, most]


def _round_up(value: int, step: int) -> int:
    return -(-value // step) * step


def _unit_cycles(spec: Spec, rows: int, columns: int, K: int) -> float:
    """A rough time of one unit: multiply-adds, packing of both operands, loads and stores of C."""
    lanes = spec.lanes
    full = (rows + spec.edge_rows - 1) // spec.tile_rows * spec.tile_rows
    # the small micro-kernel keeps the multipliers two thirds busy
    slots = full + 1.5 * _round_up(max(rows - full, 0), spec.edge_rows)
    arithmetic = slots * _round_up(columns, lanes) * K / (2 * lanes)
    packing = K * (rows * (2 / lanes) + columns * ((4 if spec.b_order == "k" else 2) / lanes))
    passes = max(1, -(-K // spec.k_block))
    return arithmetic + packing + rows * columns * (passes + spec.staged) * (2 / lanes)
