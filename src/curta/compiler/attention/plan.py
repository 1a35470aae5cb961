"""Choosing the blocks and the units of work of one attention, and writing down its run-time numbers."""

from __future__ import annotations

import struct
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import prod

from curta.compiler.attention.backward import make_backward_kernel
from curta.compiler.attention.forward import make_forward_kernel
from curta.compiler.attention.products import attention_parts
from curta.compiler.attention.spec import Dropout, Meta, Spec
from curta.compiler.matmul import MatmulPlan
from curta.compiler.matmul.spec import K_BLOCK
from curta.compiler.matmul.tiles import even_blocks, round_up
from curta.dtypes import bool_
from curta.errors import CompilerError
from curta.memory.layout import Layout
from curta.shapes import broadcast_strides

#: units that there should be at least, to keep many threads busy; a unit of fewer queries packs too much for them
UNITS = 16
LEAST_UNIT_ROWS = 96
LEAST_UNIT_KEYS = 128
#: so many queries are few
SHORT = 512
#: the widest a query, key or value may be: a row of a packed operand holds no more
WIDEST = 256


@dataclass(frozen=True)
class Sizes:
    """The sizes of an attention: `batch` dimensions, queries, keys, their width and that of the values."""

    batch: tuple[int, ...]
    queries: int
    keys: int
    width: int
    value_width: int


def plan_forward(
    sizes: Sizes,
    operands: Sequence[Layout],
    *,
    scale: float,
    causal: bool,
    window: int = 0,
    dropout: Dropout | None = None,
    level: str,
    vector_bytes: int,
) -> MatmulPlan:
    """The plan for query, key, value, a mask if there is one, and out and the logarithms of the sums of exponentials.

    Columns of all but these two results are neighbours in memory. A mask is of the queries' format, and added to the
    scores, or of truth values; its sizes are the scores' or 1, but for its columns, which are as many as keys. A causal
    query sees as many keys as the `window` says at most, all where that is 0.
    """
    near, mask = _near(operands[-2:-1]), _mask(operands[3:-2])
    spec = Spec("forward", operands[0].dtype, near, mask, False, window > 0, dropout, level, vector_bytes)
    row_block, key_block = _blocks(spec, sizes, sizes.keys)
    wanted = -(-UNITS // max(1, prod(sizes.batch)))
    unit_rows = max(-(-sizes.queries // wanted), LEAST_UNIT_ROWS)
    unit_rows = min(round_up(unit_rows, row_block), round_up(max(1, sizes.queries), row_block))
    panel = spec.product().tile_columns
    value_row = round_up(sizes.value_width, panel)
    keys = round_up(sizes.keys, panel)
    regions = {
        "rows": _packed_rows(spec, row_block), "keys": keys * sizes.width, "values": sizes.keys * value_row,
        "scores": _packed_rows(spec, row_block), "sums": round_up(row_block, spec.product().tile_rows) * value_row,
        "state": 2 * row_block, "tile": spec.product().tile_rows * panel,
    }  # fmt: skip
    return _plan(
        spec, sizes, operands, regions, (row_block, key_block, unit_rows), (scale, causal, window), make_forward_kernel
    )


def plan_backward(
    sizes: Sizes,
    operands: Sequence[Layout],
    *,
    scale: float,
    causal: bool,
    window: int = 0,
    dropout: Dropout | None = None,
    level: str,
    vector_bytes: int,
) -> MatmulPlan:
    """The plan for g, query, key, value, out, the logarithms, a mask if there is one, and three gradients.

    These are query's, key's and value's; the columns of all others are neighbours in memory. Where there are several
    `query_parts`, so many of the query's gradient lie one behind the other, in the sums' format.
    """
    near, mask, parts = _near(operands[-3:]), _mask(operands[6:-3]), query_parts(sizes)
    spec = Spec("backward", operands[0].dtype, near, mask, parts > 1, window > 0, dropout, level, vector_bytes)
    unit_keys = _unit_keys(sizes)
    row_block, key_block = _blocks(spec, sizes, min(unit_keys, sizes.keys))
    panel, tile = spec.product().tile_columns, spec.product().tile_rows
    row, value_row = (round_up(width, panel) for width in (sizes.width, sizes.value_width))
    block, keys = round_up(key_block, panel), round_up(key_block, tile)
    scores = _packed_rows(spec, row_block)
    regions = {
        "rows": scores, "g_rows": scores, "keys": block * sizes.width, "values": block * sizes.value_width,
        "key_rows": key_block * row, "query_rows": row_block * row, "gradient_rows": row_block * value_row,
        "scores": scores, "slopes": scores, "slope_rows": scores if spec.paired else 0,
        "to_query": round_up(sizes.queries, tile) * row, "to_key": keys * row,
        "to_value": keys * value_row, "deltas": sizes.queries, "tile": tile * panel,
    }  # fmt: skip
    blocks = row_block, key_block, unit_keys
    return _plan(spec, sizes, operands, regions, blocks, (scale, causal, window), make_backward_kernel)


def query_parts(sizes: Sizes) -> int:
    """In how many parts, to be added up, the backward kernel makes the gradient of the queries."""
    return max(1, -(-sizes.keys // _unit_keys(sizes)))


def _unit_keys(sizes: Sizes) -> int:
    """The keys of one unit of the backward kernel: all, unless there are few batches."""
    wanted = -(-UNITS // max(1, prod(sizes.batch)))
    if wanted == 1:
        return max(1, sizes.keys)
    return round_up(max(1, -(-sizes.keys // wanted)), LEAST_UNIT_KEYS)


def _blocks(spec: Spec, sizes: Sizes, keys: int) -> tuple[int, int]:
    """Queries and keys in a block of scores."""
    product = spec.product()
    # a causal block of few queries makes fewer scores that do not count
    rows = product.a_block_rows // (2 if sizes.queries <= SHORT else 1)
    return rows, round_up(even_blocks(keys, K_BLOCK), product.tile_columns)


def _mask(found: Sequence[Layout]) -> str:
    """What kind of mask there is."""
    if not found:
        return "none"
    return "bool" if found[0].dtype is bool_ else "add"


def _near(results: Sequence[Layout]) -> bool:
    return all(layout.strides[-1] == 1 or layout.shape[-1] == 1 for layout in results)


def _packed_rows(spec: Spec, rows: int) -> int:
    """Elements of so many rows of a packed A, and of a block of scores."""
    product = spec.product()
    return round_up(rows, product.tile_rows) * product.a_row_step


def _plan(
    spec: Spec, sizes: Sizes, operands: Sequence[Layout], regions: dict[str, int], blocks: tuple[int, int, int],
    settings: tuple[float, bool, int], make: Callable[[Spec], str],
) -> MatmulPlan:  # fmt: skip
    if max(sizes.width, sizes.value_width) > WIDEST:
        raise CompilerError(f"attention: heads are at most {WIDEST} wide, got {sizes.width} and {sizes.value_width}")
    row_block, key_block, unit_rows = blocks
    scale, causal, window = settings
    units = query_parts(sizes) if spec.family == "backward" else -(-max(1, sizes.queries) // unit_rows)
    part = prod(sizes.batch) * sizes.queries * sizes.width * spec.size if spec.parts else 0
    meta = {
        Meta.QUERIES: sizes.queries, Meta.KEYS: sizes.keys, Meta.WIDTH: sizes.width,
        Meta.VALUE_WIDTH: sizes.value_width, Meta.CAUSAL: int(causal), Meta.SCALE: _bits(scale),
        Meta.UNIT_ROWS: unit_rows, Meta.UNITS: units, Meta.ROW_BLOCK: row_block, Meta.KEY_BLOCK: key_block,
        Meta.BATCH_DIMS: len(sizes.batch), Meta.PART: part, Meta.WINDOW: window,
    }  # fmt: skip
    numbers = [meta[Meta(index)] for index in range(Meta.OPERANDS)]
    over: list[tuple[int, ...]] = []
    for name, layout in zip(spec.operands, operands, strict=True):
        own = 1 if name == "log_sum" else 2
        sizes_and_strides = zip(layout.shape, layout.strides, strict=True)
        steps = tuple(0 if size == 1 else stride * layout.dtype.itemsize for size, stride in sizes_and_strides)
        numbers += [steps[-own], steps[-1]]
        over.append(broadcast_strides(layout.shape[:-own], steps[:-own], sizes.batch))
    scratch = 0
    for name in spec.regions:
        numbers.append(scratch)
        scratch += round_up(regions[name] * spec.size, 64)
    for dim in reversed(range(len(sizes.batch))):
        numbers += [sizes.batch[dim], *(strides[dim] for strides in over)]
    count = prod(sizes.batch) * units
    parts = attention_parts(spec)
    return MatmulPlan(spec.key, lambda: make(spec), spec.key, tuple(numbers), count, 1, scratch, True, parts)


def _bits(number: float) -> int:
    """A double's bits as an integer."""
    (bits,) = struct.unpack("<q", struct.pack("<d", number))
    return int(bits)
