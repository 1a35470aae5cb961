"""The transforms around Winograd's products: weights, images and gradients into sixteen parts, and sums out of these.

Lavin and Gray 2015, F(2x2, 3x3): with a tile d of 4 x 4 pixels and a weight g of 3 x 3 the 2 x 2 results are
A'[(G g G') * (B' d B)]A. Part number 4 i + j of a tensor is element (i, j) of all its transformed tiles, or weights.

Differences of infinities, or of numbers near to them, are no numbers: a result that is not finite is made once more, by
definition.
"""

from __future__ import annotations

import enum
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import product

from curta.compiler.code import Code, Value
from curta.compiler.lanes import store_apart, together
from curta.compiler.matmul.block import Tile, each_tile
from curta.compiler.matmul.convert import load_wide, narrow
from curta.compiler.matmul.emit import KERNEL_SIGNATURE, Module, call, parameter, read_meta, shuffle, signature
from curta.compiler.matmul.finish import finish_tile
from curta.compiler.matmul.spec import Meta, Spec
from curta.dtypes import DType, float32

#: a change of the texts below changes their keys
REVISION = 1
#: pixels of a result's tile along either axis, of an image's tile, and taps of a weight
RESULTS, TILE, TAPS = 2, 4, 3
PARTS = TILE * TILE
_SIZE = float32.itemsize

Vectors = Sequence[Value]
Square = list[list[Value]]


def order(turned: bool) -> list[list[int]]:
    """The number of part (i, j); `turned` that of the same part of a weight whose taps go backwards: its first and last
    row, and column, change places."""
    places = (3, 1, 2, 0) if turned else (0, 1, 2, 3)
    return [[TILE * i + j for j in places] for i in places]


def image_key(form: str, turned: bool, vector_bytes: int, level: str) -> str:
    return f"winograd_{form}{'_turned' if turned else ''}_{level}_{vector_bytes}_r{REVISION}"


def weight_key(form: str, dtype: DType, vector_bytes: int, level: str) -> str:
    return f"winograd_{form}_{dtype.short}_{level}_{vector_bytes}_r{REVISION}"


# along one axis: what becomes of one column of a tile


def _of_image(d: Vectors) -> Vectors:
    return d[0] - d[2], d[1] + d[2], d[2] - d[1], d[1] - d[3]


def _of_gradient(g: Vectors) -> Vectors:
    return g[0], g[0] + g[1], g[0] - g[1], -g[1]


def _of_weight(g: Vectors) -> Vectors:
    outer, inner = (g[0] + g[2]) * 0.5, g[1] * 0.5
    return g[0], outer + inner, outer - inner, g[2]


def _to_weight(u: Vectors) -> Vectors:
    total, rest = (u[1] + u[2]) * 0.5, (u[1] - u[2]) * 0.5
    return u[0] + total, rest, total + u[3]


def _both_ways(step: Callable[[Vectors], Vectors], square: Square) -> Square:
    """`step` of all columns, then of all rows."""
    columns = [step(column) for column in zip(*square, strict=True)]
    return [list(step(row)) for row in zip(*columns, strict=True)]


#: int64s of `meta` of the kernels over images: places in planes and parts in elements
IMAGE_FIELDS = (
    "images", "lines", "tiles", "start", "plane_image", "plane_channel", "plane_row", "area", "row", "part",
)  # fmt: skip
#: of the one that makes parts of weights
WEIGHT_FIELDS = ("channels", "part")
#: and of the one that makes a weight's gradient of its parts, with how images and gradients lie in planes
SUM_FIELDS = (
    "channels", "part", "images", "lines", "tiles", "high", "wide", "x_start", "x_image", "x_channel", "x_row",
    "x_area", "g_start", "g_image", "g_channel", "g_row", "g_area",
)  # fmt: skip


def make_image_kernel(form: str, turned: bool, vector_bytes: int, level: str) -> str:
    """Unit c: channel c of all images, which lie in planes of every second pixel, transformed tile by tile.

    `form` "image" reads tiles of 4 x 4 pixels, two apart, "gradient" 2 x 2. A line's last vector goes on behind it:
    what it makes there is written over by the next line's, and a row of the parts has room behind its last tile.
    """
    module, code, lanes = Module(vector_bytes), Code(), vector_bytes // _SIZE
    meta, size = _fields(code, IMAGE_FIELDS), TILE if form == "image" else RESULTS
    step, numbers = (_of_image if form == "image" else _of_gradient), order(turned)
    source, made = _operands(code, 2)
    with code.loop(parameter(code, "start"), parameter(code, "stop")) as unit:
        plane = code.offset(source, (meta["start"] + unit.index * meta["plane_channel"]) * _SIZE)
        target = code.offset(made, unit.index * meta["row"] * _SIZE)
        with code.loop(0, meta["images"]) as image, code.loop(0, meta["lines"]) as line:
            first = (image.index * meta["lines"] + line.index) * meta["tiles"]
            corner = image.index * meta["plane_image"] + line.index * meta["plane_row"]
            with code.loop(0, meta["tiles"], lanes) as tile:
                at = corner + tile.index
                pixels = [
                    [
                        code.load(
                            code.offset(plane, (at + _in_planes(meta["plane_row"], meta["area"], i, j)) * _SIZE),
                            "float",
                            lanes,
                        )
                        for j in range(size)
                    ]
                    for i in range(size)
                ]
                for row, places in zip(_both_ways(step, pixels), numbers, strict=True):
                    for value, number in zip(row, places, strict=True):
                        place = first + tile.index + meta["part"] * number
                        code.store(value, code.offset(target, place * _SIZE))
    module.add(image_key(form, turned, vector_bytes, level), code, KERNEL_SIGNATURE, private=False)
    return module.text()


def _in_planes(row: Value, area: Value, i: int, j: int) -> Value:
    """Where pixel (i, j) of a tile lies, seen from where pixel (0, 0) does."""
    return area * (i % 2 * 2 + j % 2) + row * (i // 2) + j // 2


def make_weight_kernel(dtype: DType, vector_bytes: int, level: str) -> str:
    """Unit f: the parts of filter f of a weight [F, C, 3, 3]."""
    module, code, lanes = Module(vector_bytes), Code(), vector_bytes // _SIZE
    meta = _fields(code, WEIGHT_FIELDS)
    source, made = _operands(code, 2)
    with code.loop(parameter(code, "start"), parameter(code, "stop")) as unit:
        for count, place in _channels(code, unit.index, meta["channels"], lanes):
            taps = [
                [_tap(code, dtype, source, place, TAPS * i + j, count, level) for j in range(TAPS)] for i in range(TAPS)
            ]
            for row, numbers in zip(_both_ways(_of_weight, taps), order(False), strict=True):
                for value, number in zip(row, numbers, strict=True):
                    code.store(value, code.offset(made, (place + meta["part"] * number) * _SIZE))
    module.add(weight_key("weight", dtype, vector_bytes, level), code, KERNEL_SIGNATURE, private=False)
    return module.text()


def _channels(code: Code, filter_: Value, channels: Value, lanes: int) -> Iterator[tuple[int, Value]]:
    """Loops over the channels of a filter in vectors, and over what is left: how many, and the number of the first
    weight."""
    first, whole = filter_ * channels, channels & -lanes
    with code.loop(0, whole, lanes) as channel:
        yield lanes, first + channel.index
    with code.loop(whole, channels) as channel:
        yield 1, first + channel.index


def _tap(code: Code, dtype: DType, source: Value, place: Value, number: int, lanes: int, level: str) -> Value:
    """One tap of so many weights that are neighbours."""
    elements = [
        load_wide(
            code, code.offset(source, (place * PER_WEIGHT + (lane * PER_WEIGHT + number)) * dtype.itemsize), dtype, 1,
            native_half=level != "portable",
        )
        for lane in range(lanes)
    ]  # fmt: skip
    return together(code, elements) if lanes > 1 else elements[0]


def make_sum_kernel(dtype: DType, vector_bytes: int, level: str) -> str:
    """Unit f: the gradient of filter f of a weight, of its parts; operands are these, it, and images and gradients."""
    module, code, lanes = Module(vector_bytes), Code(), vector_bytes // _SIZE
    _add_by_definition(module, dtype, lanes, level)
    meta = _fields(code, SUM_FIELDS)
    source, made, images, gradients = _operands(code, 4)
    with code.loop(parameter(code, "start"), parameter(code, "stop")) as unit:
        for count, place in _channels(code, unit.index, meta["channels"], lanes):
            parts = [
                [
                    code.load(code.offset(source, (place + meta["part"] * number) * _SIZE), "float", count)
                    for number in numbers
                ]
                for numbers in order(False)
            ]
            taps = [value for row in _both_ways(_to_weight, parts) for value in row]
            for number, value in enumerate(taps):
                stored = narrow(value, dtype, native_half=level != "portable")
                addresses = [
                    code.offset(made, ((place + n) * PER_WEIGHT + number) * dtype.itemsize) for n in range(count)
                ]
                if count > 1:
                    store_apart(code, stored, addresses)
                else:
                    code.store(stored, addresses[0])
            with code.when(code.any_lane(_not_finite(taps))), code.loop(place, place + count) as weight:
                channel = weight.index - unit.index * meta["channels"]
                arguments = [parameter(code, "meta", "ptr"), images, gradients, unit.index, channel]
                call(
                    code, "by_definition", [*arguments, code.offset(made, weight.index * (PER_WEIGHT * dtype.itemsize))]
                )
    module.add(weight_key("sum", dtype, vector_bytes, level), code, KERNEL_SIGNATURE, private=False)
    return module.text()


def _not_finite(values: Vectors) -> Value:
    """In which lanes one of the values is infinite or NaN."""
    total = values[0] * 0.0
    for value in values[1:]:
        total = total + value * 0.0
    return total.is_nan()


def _add_by_definition(module: Module, dtype: DType, lanes: int, level: str) -> None:
    """`by_definition`: the nine taps of one filter and channel, over all pixels."""
    code = Code()
    names = {"meta": "ptr", "images": "ptr", "gradients": "ptr", "filter": "i64", "channel": "i64", "target": "ptr"}
    get = {name: parameter(code, name, type_name) for name, type_name in names.items()}
    meta = _fields(code, SUM_FIELDS)
    planes = code.offset(get["images"], (meta["x_start"] + get["channel"] * meta["x_channel"]) * _SIZE)
    slopes = code.offset(get["gradients"], (meta["g_start"] + get["filter"] * meta["g_channel"]) * _SIZE)
    zero = code.constant(0.0, "float", lanes)
    places = list(product(range(TAPS), repeat=2))
    with code.loop(0, meta["images"], carried=[zero] * PER_WEIGHT) as image:
        with code.loop(0, meta["lines"], carried=image.carried) as line:
            with code.loop(0, meta["tiles"], lanes, carried=line.carried) as tile:
                x_at = image.index * meta["x_image"] + line.index * meta["x_row"] + tile.index
                g_at = image.index * meta["g_image"] + line.index * meta["g_row"] + tile.index
                column = (code.iota("i64", lanes) + code.spread(tile.index, lanes)) * RESULTS
                sums = list(tile.carried)
                for a, b in product(range(RESULTS), repeat=2):
                    inside = (column + b).lt(code.spread(meta["wide"], lanes))
                    inside = inside & code.spread((line.index * RESULTS + a).lt(meta["high"]), lanes)
                    at = g_at + _in_planes(meta["g_row"], meta["g_area"], a, b)
                    slope = code.load(code.offset(slopes, at * _SIZE), "float", lanes)
                    for number, (i, j) in enumerate(places):
                        at = x_at + _in_planes(meta["x_row"], meta["x_area"], a + i, b + j)
                        pixel = code.load(code.offset(planes, at * _SIZE), "float", lanes)
                        sums[number] = inside.select(sums[number] + slope * pixel, sums[number])
                tile.carried_out = sums
            line.carried_out = tile.results
        image.carried_out = line.results
    for number, value in enumerate(image.results):
        kind = f"llvm.vector.reduce.fadd.v{lanes}f32"
        total = code.call(kind, "float", 1, [code.constant(-0.0, "float"), value])
        stored = narrow(total, dtype, native_half=level != "portable")
        code.store(stored, code.offset(get["target"], number * dtype.itemsize))
    module.add("by_definition", code, signature(**names))


PER_WEIGHT = TAPS * TAPS


class ResultMeta(enum.IntEnum):
    """Place of the int64s behind those of a matmul's `meta`.

    Lines and tiles of an image, rows and columns of a result; and for results that are made by definition, how images
    lie in planes, their channels, and how far in the weight filters and channels lie apart.
    """

    LINES = 0
    TILES = 1
    HIGH = 2
    WIDE = 3
    START = 4
    PLANE_CHANNEL = 5
    PLANE_ROW = 6
    AREA = 7
    CHANNELS = 8
    WEIGHT_FILTER = 9
    WEIGHT_CHANNEL = 10


@dataclass(frozen=True)
class ResultSpec(Spec):
    """What the text of the kernel that makes results depends on, as a matmul whose A are the parts of its sums.

    C's rows are filters, its columns the pixels of an image, which is the one batch dimension; A_K is the distance of
    two parts. B are the images in planes, and behind all operands of a matmul comes the weight.
    """

    turned: bool = False
    weight_dtype: DType = float32

    @property
    def key(self) -> str:
        return f"{super().key}{'_turned' if self.turned else ''}_{self.weight_dtype.short}_r{REVISION}"

    @property
    def weight_slot(self) -> int:
        """The kernel's operand that is the weight."""
        return 2 + max(1, self.ending_slots)

    @property
    def staged(self) -> bool:
        return True


def make_result_kernel(spec: ResultSpec) -> str:
    """The LLVM text of the kernel: sums of a tile of filters in scratch, from there into C or through the ending."""
    module, code = Module(spec.vector_bytes), Code()
    scratch = parameter(code, "scratch", "ptr")
    with each_tile(code, spec) as tile:
        step = _row_bytes(code, spec)
        with code.loop(0, tile.rows) as row:
            _add_image(code, spec, tile, row.index, code.offset(scratch, row.index * step))
        finish_tile(code, spec, tile, scratch, step, code.constant(0, "i64"), tile.rows)
    module.add(spec.key, code, KERNEL_SIGNATURE, private=False)
    return module.text()


def result_row(pixels: int, lanes: int) -> int:
    """Elements between rows of sums in scratch: a line's last vectors go on behind it."""
    return pixels + 2 * lanes


def _row_bytes(code: Code, spec: ResultSpec) -> Value:
    return (read_meta(code, Meta.N) + 2 * spec.lanes) * _SIZE


def _read(code: Code, spec: ResultSpec, item: ResultMeta) -> Value:
    return read_meta(code, spec.batch_table + 4 + spec.ending_slots + int(item))


def _add_image(code: Code, spec: ResultSpec, tile: Tile, row: Value, target: Value) -> None:
    """The pixels of one filter in one image, line by line: each line's last vectors are written over by the next."""
    tiles, high, wide = (_read(code, spec, item) for item in (ResultMeta.TILES, ResultMeta.HIGH, ResultMeta.WIDE))
    source = code.offset(tile.a, row * read_meta(code, Meta.A_ROW) * _SIZE)
    with code.loop(0, _read(code, spec, ResultMeta.LINES)) as line:
        for a in range(RESULTS):
            number = line.index * RESULTS + a
            with code.when(number.lt(high)), code.loop(0, tiles, spec.lanes) as column:
                pixels = _result(code, spec, a, source, line.index * tiles + column.index)
                inside = code.iota("i64", spec.lanes).lt(code.spread(tiles - column.index, spec.lanes))
                place = line.index, column.index
                again = partial(_by_definition, code, spec, tile, a, row, place, pixels)
                pixels = code.unless_any(_not_finite(pixels) & inside, pixels, again)
                made = code.offset(target, (number * wide + column.index * RESULTS) * _SIZE)
                for half in range(2):
                    lanes = range(half * spec.lanes, (half + 1) * spec.lanes)
                    woven = [lane // 2 + spec.lanes * (lane % 2) for lane in lanes]
                    code.store(shuffle(code, pixels[0], pixels[1], woven), code.offset(made, half * spec.vector_bytes))


def _result(code: Code, spec: ResultSpec, a: int, source: Value, place: Value) -> list[Value]:
    """Row `a` of the results of a vector of tiles: the left pixels, and the right ones."""
    numbers, part = order(spec.turned), read_meta(code, Meta.A_K)
    sums = []
    for j in range(TILE):
        one, two, three = (
            code.load(code.offset(source, (place + part * numbers[i][j]) * _SIZE), "float", spec.lanes)
            for i in ((0, 1, 2) if a == 0 else (1, 2, 3))
        )
        sums.append(one + two + three if a == 0 else one - two - three)
    return [sums[0] + sums[1] + sums[2], sums[1] - sums[2] - sums[3]]


def _by_definition(
    code: Code, spec: ResultSpec, tile: Tile, a: int, row: Value, place: tuple[Value, Value], pixels: list[Value]
) -> list[Value]:
    """The same pixels, those that are not finite made tap by tap."""
    line, column = place
    read = {item: _read(code, spec, item) for item in ResultMeta}
    weight = code.load(code.offset(parameter(code, "args", "ptr"), 8 * spec.weight_slot), "ptr", align=8)
    weight = code.offset(weight, (tile.first_row + row) * read[ResultMeta.WEIGHT_FILTER] * spec.weight_dtype.itemsize)
    corner = read[ResultMeta.START] + line * read[ResultMeta.PLANE_ROW] + column
    zero = code.constant(0.0, "float", spec.lanes)
    with code.loop(0, read[ResultMeta.CHANNELS], carried=[zero, zero]) as channel:
        plane = code.offset(tile.b, (corner + channel.index * read[ResultMeta.PLANE_CHANNEL]) * _SIZE)
        taps = code.offset(weight, channel.index * read[ResultMeta.WEIGHT_CHANNEL] * spec.weight_dtype.itemsize)
        sums = list(channel.carried)
        for i, j in product(range(TAPS), repeat=2):
            number = PER_WEIGHT - 1 - (TAPS * i + j) if spec.turned else TAPS * i + j
            tap = load_wide(
                code,
                code.offset(taps, number * spec.weight_dtype.itemsize),
                spec.weight_dtype,
                1,
                native_half=spec.fused,
            )
            for b in range(RESULTS):
                at = _in_planes(read[ResultMeta.PLANE_ROW], read[ResultMeta.AREA], a + i, b + j)
                pixel = code.load(code.offset(plane, at * _SIZE), "float", spec.lanes)
                sums[b] = sums[b] + pixel * code.spread(tap, spec.lanes)
        channel.carried_out = sums
    return [_not_finite([old]).select(new, old) for new, old in zip(channel.results, pixels, strict=True)]


def _fields(code: Code, names: tuple[str, ...]) -> dict[str, Value]:
    meta = parameter(code, "meta", "ptr")
    return {name: code.load(code.offset(meta, 8 * place), "i64", align=8) for place, name in enumerate(names)}


def _operands(code: Code, count: int) -> list[Value]:
    arguments = parameter(code, "args", "ptr")
    return [code.load(code.offset(arguments, 8 * place), "ptr", align=8) for place in range(count)]
