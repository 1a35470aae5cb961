"""The kernel that sums the parts of a weight's gradient over all tiles.

A unit of work owns one row of parts, 4 i to 4 i + 3, for some filters and channels. It transforms the tiles of both, as
many at a time as stay in the thread's own memory, and adds the products of their parts.
"""

from __future__ import annotations

from collections.abc import Sequence

from curta.compiler.code import Code, Value
from curta.compiler.convolution.winograd_steps import (
    RESULTS,
    REVISION,
    SIZE,
    TILE,
    fields,
    of_gradient,
    of_image,
    operands,
)  # fmt: skip
from curta.compiler.matmul.block import sum_blocks
from curta.compiler.matmul.emit import KERNEL_SIGNATURE, Module, call, null, parameter, signature, smaller
from curta.compiler.matmul.spec import Meta, Spec
from curta.dtypes import float32
from curta.runtime import jit

#: int64s of `meta`: sizes, with how many tiles at the end of an image's lines are none; filters and channels of a unit
#: and how many such blocks there are; images and lines of tiles at a time; how images and gradients lie in planes; how
#: far apart lie the rows and the parts of tiles in scratch, and those of the result. Behind them comes the `meta` of
#: the products of parts.
SLOPES_FIELDS = (
    "images", "lines", "tiles", "empty", "filters", "channels", "filters_each", "channels_each", "channel_units",
    "filter_units", "images_each", "lines_each", "x_start", "x_image", "x_channel", "x_row", "x_area", "g_start",
    "g_image", "g_channel", "g_row", "g_area", "columns", "x_part", "g_part", "row", "part",
)  # fmt: skip
_META_WORDS = int(Meta.ENDING)


def slopes_key(vector_bytes: int, level: str) -> str:
    """Names the kernel."""
    return f"winograd_slopes_{level}_{vector_bytes}_r{REVISION}"


def product_spec(vector_bytes: int, level: str) -> Spec:
    """That of the products of parts: filters by tiles, times tiles by channels."""
    return Spec("block", float32, float32, "k", "k", "column", False, level, vector_bytes)


def slopes_parts(vector_bytes: int, level: str) -> tuple[jit.Code, ...]:
    """What the kernel requires."""
    return (sum_blocks(product_spec(vector_bytes, level)),)


def make_slopes_kernel(vector_bytes: int, level: str) -> str:
    """The LLVM text of the kernel; operands are images and gradients in planes, and the result's parts."""
    module, code = Module(vector_bytes), Code()
    _add_tile_parts(module, vector_bytes // SIZE)
    size, (images, gradients, made) = fields(code, SLOPES_FIELDS), operands(code, 3)
    meta, x_parts = parameter(code, "meta", "ptr"), parameter(code, "scratch", "ptr")
    g_parts = code.offset(x_parts, size["x_part"] * (TILE * SIZE))
    scratch = code.offset(g_parts, size["g_part"] * (TILE * SIZE))
    # K is what some tiles are, and differs from time to time
    inner = code.emit(f"alloca [{_META_WORDS} x i64], align 8", "ptr")
    for word in range(_META_WORDS):
        number = code.load(code.offset(meta, 8 * (len(SLOPES_FIELDS) + word)), "i64", align=8)
        code.store(number, code.offset(inner, 8 * word), align=8)
    with code.loop(parameter(code, "start"), parameter(code, "stop")) as unit:
        rest = unit.index.unsigned_divide(size["channel_units"])
        channel = (unit.index - rest * size["channel_units"]) * size["channels_each"]
        i = rest.unsigned_divide(size["filter_units"])
        filter_ = (rest - i * size["filter_units"]) * size["filters_each"]
        filters = smaller(size["filters"] - filter_, size["filters_each"])
        channels = smaller(size["channels"] - channel, size["channels_each"])
        place = i * TILE * size["part"] + filter_ * size["row"] + channel
        target = code.offset(made, place * SIZE)
        with (
            code.loop(0, size["images"], size["images_each"]) as image,
            code.loop(0, size["lines"], size["lines_each"]) as line,
        ):
            now = smaller(size["images"] - image.index, size["images_each"])
            lines = smaller(size["lines"] - line.index, size["lines_each"])
            for name, source, first, count, to in (
                ("x", images, channel, channels, x_parts),
                ("g", gradients, filter_, filters, g_parts),
            ):
                at = size[f"{name}_start"] + first * size[f"{name}_channel"]
                at = at + image.index * size[f"{name}_image"] + line.index * size[f"{name}_row"]
                call(code, f"{name}_parts", [meta, code.offset(source, at * SIZE), count, now, lines, i, to])
            # without the last tile where that is none: it may lie behind the last image
            code.store(now * lines * size["tiles"] - size["empty"], code.offset(inner, 8 * int(Meta.K)), align=8)
            add = (image.index + line.index).gt(0).convert("zext", "i64")
            with code.loop(0, TILE) as j:
                a = code.offset(g_parts, j.index * size["g_part"] * SIZE)
                b = code.offset(x_parts, j.index * size["x_part"] * SIZE)
                c = code.offset(target, j.index * size["part"] * SIZE)
                call(code, sum_blocks(product_spec(vector_bytes, level)), [
                    inner, scratch, a, b, c, filters, channels, add, null(code),
                ])  # fmt: skip
    module.add(slopes_key(vector_bytes, level), code, KERNEL_SIGNATURE, private=False)
    return module.text()


def _add_tile_parts(module: Module, lanes: int) -> None:
    """`x_parts` and `g_parts`: row `i` of the parts of tiles of images, and of gradients, for some channels.

    Such a row is one row of a tile, or two of them added or subtracted, transformed along the other axis.
    """
    for name, count, across in (("x", TILE, of_image), ("g", RESULTS, of_gradient)):
        code = Code()
        names = {
            "meta": "ptr", "source": "ptr", "channels": "i64", "images": "i64", "lines": "i64", "i": "i64",
            "target": "ptr",
        }  # fmt: skip
        _, source, channels, images, lines, i, target = (parameter(code, one, kind) for one, kind in names.items())
        size = fields(code, SLOPES_FIELDS)
        row, area, part = size[f"{name}_row"], size[f"{name}_area"], size[f"{name}_part"]
        down = _image_rows(i, row, area) if name == "x" else _gradient_rows(i, area)
        with code.loop(0, channels) as channel:
            plane = code.offset(source, channel.index * size[f"{name}_channel"] * SIZE)
            made = code.offset(target, channel.index * size["columns"] * SIZE)
            wide = images * size["tiles"]
            with code.loop(0, lines) as line:
                corner, first = line.index * row, line.index * wide
                with code.loop(0, wide, lanes) as tile:
                    at = code.offset(plane, (corner + tile.index) * SIZE)
                    pixels = [_joined(code, at, area * (j % 2) + j // 2, down, lanes) for j in range(count)]
                    to = code.offset(made, (first + tile.index) * SIZE)
                    for j, value in enumerate(across(pixels)):
                        code.store(value, code.offset(to, part * (j * SIZE)))
        module.add(f"{name}_parts", code, signature(**names))


#: where two rows of a tile lie, and what each counts
Rows = Sequence[tuple[Value, Value]]


def _image_rows(i: Value, row: Value, area: Value) -> Rows:
    """The two rows of a tile whose sum, or difference, is row i of B' d: 0 - 2, 1 + 2, 2 - 1 or 1 - 3."""
    places = [area * (number % 2 * 2) + row * (number // 2) for number in range(TILE)]
    first = i.eq(0).select(places[0], i.eq(2).select(places[2], places[1]))
    second = i.eq(2).select(places[1], i.eq(3).select(places[3], places[2]))
    return (first, i.eq(0).select(1.0, _as_float(i, 1.0))), (second, i.eq(1).select(_as_float(i, 1.0), -1.0))


def _gradient_rows(i: Value, area: Value) -> Rows:
    """The two rows of a tile, and what each counts in row i of A g: 0, 0 + 1, 0 - 1 or -1."""
    zero, one = _as_float(i, 0.0), _as_float(i, 1.0)
    second = i.eq(1).select(one, i.eq(0).select(zero, -1.0))
    return (area * 0, i.eq(3).select(zero, one)), (area * 2, second)


def _as_float(like: Value, number: float) -> Value:
    return like.code.constant(number, "float")


def _joined(code: Code, corner: Value, column: Value, rows: Rows, lanes: int) -> Value:
    """The sum of the two rows of a vector of tiles, in one column of each."""
    (first, times), (second, times_second) = rows
    one, other = (code.load(code.offset(corner, (place + column) * SIZE), "float", lanes) for place in (first, second))
    return one * code.spread(times, lanes) + other * code.spread(times_second, lanes)
