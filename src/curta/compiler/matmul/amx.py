"""Products of half formats on AMX: eight tile registers of 16 rows by 64 bytes, four of them sums of 32 x 32 of C.

A and B are packed as tiles of 1 KB: a row of A's tile is 32 elements along K; a row of B's is the elements 2p and
2p + 1 along K of 16 columns. Two tiles side by side make a panel, 32 rows of A or 32 columns of B. The sums are kept
in float32 in scratch and rounded once. The unit takes subnormal elements of bfloat16 as zeros, those of float16 as they
are. A process must have asked the system for leave to use the tiles before it calls these kernels.
"""

from __future__ import annotations

from curta.compiler.code import Code, Value
from curta.compiler.matmul.block import Tile, each_tile
from curta.compiler.matmul.emit import (
    KERNEL_SIGNATURE,
    Module,
    blocks,
    call,
    in_words,
    larger,
    parameter,
    read_meta,
    signature,
    smaller,
    transpose,
)  # fmt: skip
from curta.compiler.matmul.finish import finish_tile
from curta.compiler.matmul.spec import Meta, Spec
from curta.compiler.matmul.tiles import Costs, round_up

#: rows of C in a panel of A, columns in one of B
PANEL = 32
#: elements along K in a tile, and a tile's rows and bytes
TILE_K = 32
TILE = 16
TILE_BYTES = 1024
#: most of K packed at a time: a panel of B then takes two thirds of a 48 KB first cache
K_BLOCK = 512
#: rows of A packed at a time: they are read again for every panel of B, from the second cache
A_BLOCK_ROWS = 128
CONFIG_BYTES = 64
#: the instruction that multiplies pairs of a format
PRODUCTS = {"bfloat16": "tdpbf16ps", "float16": "tdpfp16ps"}


def make_amx_kernel(spec: Spec) -> str:
    """The LLVM text of the kernel for operands of a half format."""
    module = Module(spec.vector_bytes)
    _add_pack(module, "pack_a", near={"k": "k", "row": "outer"}.get(spec.a_order, "any"), pairs=False)
    _add_pack(module, "pack_b", near={"k": "k", "column": "outer"}.get(spec.b_order, "any"), pairs=True)
    _add_panels(module, PRODUCTS[spec.dtype.name])
    code = Code()
    config = parameter(code, "scratch", "ptr")
    # palette 1; at byte 16 the bytes in a row of each tile, at byte 48 their rows
    settings = [1, *[0] * 15, *[64, 0] * 8, *[0] * 16, *[TILE] * 8, *[0] * 8]
    code.store(Value(code, f"<{', '.join(f'i8 {value}' for value in settings)}>", "i8", 64), config)
    code.call_void("llvm.x86.ldtilecfg", [config])
    with each_tile(code, spec) as tile:
        _sum_blocks(code, spec, tile)
    code.call_void("llvm.x86.tilerelease", [])
    module.add(spec.key, code, KERNEL_SIGNATURE, private=False)
    return module.text()


def amx_scratch(unit_rows: int, unit_columns: int, k_block: int) -> int:
    """Bytes of scratch: the tiles' configuration, packed A and B, the sums."""
    rows, columns = round_up(unit_rows, PANEL), round_up(unit_columns, PANEL)
    return CONFIG_BYTES + (A_BLOCK_ROWS + columns) * k_block * 2 + rows * columns * 4


def amx_k_block(K: int) -> int:
    """How much of K to pack at a time: equal parts."""
    return round_up(-(-K // max(1, -(-K // K_BLOCK))), TILE_K) or TILE_K


def amx_costs(spec: Spec, K: int) -> Costs:
    """Cycles for the tiles' products, packing, and the sums' way through memory."""
    k_block = amx_k_block(K)

    def cycles(rows: int, columns: int) -> float:
        tall, wide = round_up(rows, PANEL), round_up(columns, PANEL)
        products = tall * wide * round_up(K, TILE_K) / 512
        packing = K * (tall * (12 if spec.a_order == "row" else 6) + wide * (12 if spec.b_order == "k" else 6)) / 64
        return products + packing + tall * wide * (-(-K // k_block) / 8 + 1 / 4)

    def fits(rows: int, columns: int) -> bool:
        return amx_scratch(rows, columns, k_block) <= 1_250_000

    return Costs(PANEL, PANEL, cycles, fits)


def _sum_blocks(code: Code, spec: Spec, tile: Tile) -> None:
    scratch, k_block = parameter(code, "scratch", "ptr"), read_meta(code, Meta.K_BLOCK)
    columns = blocks(read_meta(code, Meta.UNIT_COLUMNS), PANEL) * PANEL
    packed_a = code.offset(scratch, CONFIG_BYTES)
    packed_b = code.offset(packed_a, k_block * (A_BLOCK_ROWS * 2))
    sums = code.offset(packed_b, columns * k_block * 2)
    k_all = read_meta(code, Meta.K)
    steps = [read_meta(code, item) for item in (Meta.A_ROW, Meta.A_K, Meta.B_COLUMN, Meta.B_K)]
    a_row, a_k, b_column, b_k = (step * spec.dtype.itemsize for step in steps)
    # one turn even where K is 0: it stores the empty sum
    with code.loop(0, larger(k_all, 1), k_block) as k:
        k_count = smaller(k_all - k.index, k_block)
        call(code, "pack_b", [code.offset(tile.b, k.index * b_k), b_column, b_k, tile.columns, k_count, packed_b])
        add = k.index.gt(0).convert("zext", "i64")
        with code.loop(0, tile.rows, A_BLOCK_ROWS) as row:
            rows = smaller(tile.rows - row.index, A_BLOCK_ROWS)
            source = code.offset(tile.a, k.index * a_k + row.index * a_row)
            call(code, "pack_a", [source, a_row, a_k, rows, k_count, packed_a])
            target = code.offset(sums, row.index * columns * 4)
            panels = [blocks(rows, PANEL), blocks(tile.columns, PANEL)]
            call(code, "panels", [packed_a, packed_b, target, columns * 4, blocks(k_count, TILE_K), *panels, add])
    finish_tile(code, spec, tile, sums, columns * 4, code.constant(0, "i64"), tile.rows)


def _add_panels(module: Module, product: str) -> None:
    """All blocks of 32 x 32 sums, by this instruction: B's panel outermost, so that it stays in the first cache."""
    code = Code()
    names = {
        "a": "ptr", "b": "ptr", "c": "ptr", "c_step": "i64", "k_tiles": "i64", "a_panels": "i64", "b_panels": "i64",
        "add": "i64",
    }  # fmt: skip
    get = {name: parameter(code, name, type_name) for name, type_name in names.items()}
    panel_bytes = get["k_tiles"] * (2 * TILE_BYTES)
    with code.loop(0, get["b_panels"]) as column, code.loop(0, get["a_panels"]) as row:
        a, b = code.offset(get["a"], row.index * panel_bytes), code.offset(get["b"], column.index * panel_bytes)
        c = code.offset(code.offset(get["c"], row.index * get["c_step"] * PANEL), column.index * (PANEL * 4))
        below = code.offset(c, get["c_step"] * TILE)
        corners = [c, code.offset(c, TILE * 4), below, code.offset(below, TILE * 4)]
        with code.when(get["add"].eq(0)):
            for number in range(4):
                _tile(code, "tilezero", number)
        with code.when(get["add"].ne(0)):
            for number, corner in enumerate(corners):
                _tile(code, "tileloadd64", number, corner, get["c_step"])
        with code.loop(0, get["k_tiles"]) as k:
            offset, row_bytes = k.index * (2 * TILE_BYTES), code.constant(TILE_K * 2, "i64")
            upper, left = code.offset(a, offset), code.offset(b, offset)
            _tile(code, "tileloadd64", 4, upper, row_bytes)
            _tile(code, "tileloadd64", 6, left, row_bytes)
            _tile(code, product, 0, 4, 6)
            _tile(code, "tileloadd64", 7, code.offset(left, TILE_BYTES), row_bytes)
            _tile(code, product, 1, 4, 7)
            _tile(code, "tileloadd64", 5, code.offset(upper, TILE_BYTES), row_bytes)
            _tile(code, product, 2, 5, 6)
            _tile(code, product, 3, 5, 7)
        for number, corner in enumerate(corners):
            _tile(code, "tilestored64", number, corner, get["c_step"])
    module.add("panels", code, signature(**names))


def _tile(code: Code, name: str, *operands: Value | int) -> None:
    """One tile instruction; integers are tile numbers."""
    texts = [f"i8 {item}" if isinstance(item, int) else f"{item.type} {item.ref}" for item in operands]
    types = ", ".join(text.split()[0] for text in texts)
    code.declarations[f"llvm.x86.{name}"] = f"declare void @llvm.x86.{name}({types})"
    code.effect(f"call void @llvm.x86.{name}({', '.join(texts)})")


def _add_pack(module: Module, name: str, *, near: str, pairs: bool) -> None:
    """`name(source, outer step, k step, outer count, k count, target)`, steps in bytes: tiles of 16 x 32 elements.

    `near` is the direction of neighbours, "k", "outer" (rows of A, columns of B) or "any"; with `pairs` a tile's
    rows are pairs along K, without them they are the outer direction. What a last panel lacks is zeros.
    """
    _add_slow_tile(module, f"{name}_slow", pairs=pairs)
    code = Code()
    source, target = parameter(code, "source", "ptr"), parameter(code, "target", "ptr")
    outer_step, k_step = parameter(code, "outer_step"), parameter(code, "k_step")
    outer_count, k_count = parameter(code, "outer_count"), parameter(code, "k_count")
    outer_tiles, k_tiles = blocks(outer_count, PANEL) * 2, blocks(k_count, TILE_K)
    # along the near direction innermost
    counts = (k_tiles, outer_tiles) if near == "outer" else (outer_tiles, k_tiles)
    with code.loop(0, counts[0]) as first, code.loop(0, counts[1]) as second:
        outer, k = (second.index, first.index) if near == "outer" else (first.index, second.index)
        corner = code.offset(source, outer * TILE * outer_step + k * TILE_K * k_step)
        panel = outer.logical_shift_right(1)
        tile = code.offset(target, ((panel * k_tiles + k) * 2 + (outer & 1)) * TILE_BYTES)
        outer_left, k_left = outer_count - outer * TILE, k_count - k * TILE_K
        whole = outer_left.ge(TILE) & k_left.ge(TILE_K)
        if near == "any":
            whole = code.constant(0, "i1")
        else:
            with code.when(whole):
                _fast_tile(code, corner, outer_step, k_step, tile, near_k=near == "k", pairs=pairs)
        with code.when(~whole):
            present = [smaller(outer_left, TILE), smaller(k_left, TILE_K)]
            call(code, f"{name}_slow", [corner, outer_step, k_step, *present, tile])
    module.add(name, code, signature(
        source="ptr", outer_step="i64", k_step="i64", outer_count="i64", k_count="i64", target="ptr",
    ))  # fmt: skip


def _fast_tile(
    code: Code, corner: Value, outer_step: Value, k_step: Value, tile: Value, *, near_k: bool, pairs: bool
) -> None:
    """A whole tile through registers: 16 vectors of 16 pairs along K."""
    vectors = []
    for _ in range(TILE):
        if near_k:
            vectors.append(code.load(corner, "i32", TILE))
            corner = code.offset(corner, outer_step)
        else:
            following = code.offset(corner, k_step)
            even, odd = code.load(corner, "i16", TILE), code.load(following, "i16", TILE)
            vectors.append(in_words(code, even, odd))
            corner = code.offset(following, k_step)
    if near_k == pairs:
        vectors = transpose(code, vectors)
    for index, vector in enumerate(vectors):
        code.store(vector, code.offset(tile, index * 64), align=64)


def _add_slow_tile(module: Module, name: str, *, pairs: bool) -> None:
    """A tile one element at a time, zeros where there are none."""
    code = Code()
    tile = parameter(code, "tile", "ptr")
    with code.loop(0, TILE_BYTES, 64) as line:
        code.store(code.constant(0, "i32", 16), code.offset(tile, line.index), align=64)
    with code.loop(0, parameter(code, "outer_count")) as outer:
        row = code.offset(parameter(code, "source", "ptr"), outer.index * parameter(code, "outer_step"))
        with code.loop(0, parameter(code, "k_count")) as k:
            value = code.load(code.offset(row, k.index * parameter(code, "k_step")), "i16")
            if pairs:
                place = k.index.logical_shift_right(1) * 64 + outer.index * 4 + (k.index & 1) * 2
            else:
                place = outer.index * 64 + k.index * 2
            code.store(value, code.offset(tile, place))
    module.add(name, code, signature(
        source="ptr", outer_step="i64", k_step="i64", outer_count="i64", k_count="i64", tile="ptr",
    ))  # fmt: skip
