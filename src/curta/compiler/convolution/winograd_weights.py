"""The kernels that make parts of weights, and the gradient of weights of its parts."""

from __future__ import annotations

from collections.abc import Iterator
from functools import reduce
from itertools import product
from operator import or_

from curta.compiler.code import Code, Value
from curta.compiler.convolution.winograd_steps import (
    PER_WEIGHT,
    RESULTS,
    REVISION,
    SIZE,
    TAPS,
    TILE,
    both_ways,
    fields,
    in_planes,
    not_finite,
    of_weight,
    operands,
    to_weight,
)  # fmt: skip
from curta.compiler.lanes import store_apart, together
from curta.compiler.matmul.convert import load_wide, narrow
from curta.compiler.matmul.emit import KERNEL_SIGNATURE, Module, call, masked_load, parameter, signature, transpose
from curta.dtypes import DType, float32

#: int64s of `meta` of the kernel that makes parts: how many weights in a row, how far rows and weights lie apart, and
#: how far apart rows of parts and the parts are; in elements
PARTS_FIELDS = ("columns", "from_row", "from_column", "row", "part")
#: and of the one that makes a weight's gradient, with how images and gradients lie in planes
GRADIENT_FIELDS = (
    "channels", "row", "part", "images", "lines", "tiles", "high", "wide", "x_start", "x_image", "x_channel", "x_row",
    "x_area", "g_start", "g_image", "g_channel", "g_row", "g_area",
)  # fmt: skip


def weight_key(form: str, dtype: DType, vector_bytes: int, level: str) -> str:
    """Names the kernel of a form: "parts", "turned" (of weights whose taps go backwards) or "gradient"."""
    return f"winograd_{form}_{dtype.short}_{level}_{vector_bytes}_r{REVISION}"


def make_parts_kernel(form: str, dtype: DType, vector_bytes: int, level: str) -> str:
    """Unit r: the parts of the weights of a row, 3 x 3 taps each."""
    module, code, lanes = Module(vector_bytes), Code(), vector_bytes // SIZE
    meta, (source, made) = fields(code, PARTS_FIELDS), operands(code, 2)
    with code.loop(parameter(code, "start"), parameter(code, "stop")) as unit:
        row = code.offset(source, unit.index * meta["from_row"] * dtype.itemsize)
        for count, column in _vectors(code, meta["columns"], lanes):
            first = code.offset(row, column * meta["from_column"] * dtype.itemsize)
            taps = _taps(code, dtype, first, meta["from_column"] * dtype.itemsize, count, level)
            taps = taps[::-1] if form == "turned" else taps
            square = [taps[TAPS * i : TAPS * (i + 1)] for i in range(TAPS)]
            target = code.offset(made, (unit.index * meta["row"] + column) * SIZE)
            for number, value in enumerate(value for line in both_ways(of_weight, square) for value in line):
                code.store(value, code.offset(target, meta["part"] * (number * SIZE)))
    module.add(weight_key(form, dtype, vector_bytes, level), code, KERNEL_SIGNATURE, private=False)
    return module.text()


def _vectors(code: Code, count: Value, lanes: int) -> Iterator[tuple[int, Value]]:
    """Loops over so many in vectors, and over what is left: how many at a time, and the number of the first."""
    whole = count & -lanes
    with code.loop(0, whole, lanes) as vector:
        yield lanes, vector.index
    with code.loop(whole, count) as single:
        yield 1, single.index


def _taps(code: Code, dtype: DType, first: Value, step: Value, lanes: int, level: str) -> list[Value]:
    """The taps of so many weights, `step` bytes apart: a vector of weights for each.

    Those of one weight are neighbours: squares of vectors are turned in registers, and what is left is put together.
    """
    places = [code.offset(first, step * lane) for lane in range(lanes)]
    taps: list[Value] = []
    while len(taps) < PER_WEIGHT:
        done, left = len(taps), PER_WEIGHT - len(taps)
        here = [code.offset(place, done * dtype.itemsize) for place in places]
        if lanes > 1 and left >= lanes:
            taps += transpose(code, [_load(code, dtype, place, lanes, level) for place in here])
        elif lanes > PER_WEIGHT and dtype is float32:
            mask = code.iota("i32", lanes).lt(left)
            taps += transpose(code, [masked_load(code, place, mask, "float") for place in here])[:left]
        else:
            singles = [_load(code, dtype, place, 1, level) for place in here]
            taps.append(together(code, singles) if lanes > 1 else singles[0])
    return taps


def _load(code: Code, dtype: DType, place: Value, lanes: int, level: str) -> Value:
    return load_wide(code, place, dtype, lanes, native_half=level != "portable")


def make_gradient_kernel(dtype: DType, vector_bytes: int, level: str) -> str:
    """Unit f: filter f of a weight's gradient [F, C, 3, 3], of its parts.

    Operands are these, it, and images and gradients in planes.
    """
    module, code, lanes = Module(vector_bytes), Code(), vector_bytes // SIZE
    _add_by_definition(module, dtype, lanes, level)
    meta, (source, made, images, gradients) = fields(code, GRADIENT_FIELDS), operands(code, 4)
    with code.loop(parameter(code, "start"), parameter(code, "stop")) as unit:
        for count, channel in _vectors(code, meta["channels"], lanes):
            here = code.offset(source, (unit.index * meta["row"] + channel) * SIZE)
            parts = [
                [
                    code.load(code.offset(here, meta["part"] * (TILE * i + j) * SIZE), "float", count)
                    for j in range(TILE)
                ]
                for i in range(TILE)
            ]
            taps = [value for row in both_ways(to_weight, parts) for value in row]
            first = unit.index * meta["channels"] + channel
            for number, value in enumerate(taps):
                stored = narrow(value, dtype, native_half=level != "portable")
                places = [((first + lane) * PER_WEIGHT + number) * dtype.itemsize for lane in range(count)]
                addresses = [code.offset(made, place) for place in places]
                if count > 1:
                    store_apart(code, stored, addresses)
                else:
                    code.store(stored, addresses[0])
            with code.when(code.any_lane(not_finite(taps))), code.loop(channel, channel + count) as one:
                place = (unit.index * meta["channels"] + one.index) * (PER_WEIGHT * dtype.itemsize)
                planes = parameter(code, "meta", "ptr"), images, gradients
                call(code, "by_definition", [*planes, unit.index, one.index, code.offset(made, place)])
    module.add(weight_key("gradient", dtype, vector_bytes, level), code, KERNEL_SIGNATURE, private=False)
    return module.text()


def _add_by_definition(module: Module, dtype: DType, lanes: int, level: str) -> None:
    """`by_definition`: the nine taps of one filter and channel, over all pixels, or until all of them are NaN."""
    code = Code()
    names = {"meta": "ptr", "images": "ptr", "gradients": "ptr", "filter": "i64", "channel": "i64", "target": "ptr"}
    get = {name: parameter(code, name, type_name) for name, type_name in names.items()}
    meta = fields(code, GRADIENT_FIELDS)
    planes = code.offset(get["images"], (meta["x_start"] + get["channel"] * meta["x_channel"]) * SIZE)
    slopes = code.offset(get["gradients"], (meta["g_start"] + get["filter"] * meta["g_channel"]) * SIZE)
    zero = code.constant(0.0, "float", lanes)
    with code.repeat([zero] * PER_WEIGHT) as image:
        with code.loop(0, meta["lines"], carried=image.carried) as line:
            with code.loop(0, meta["tiles"], lanes, carried=line.carried) as tile:
                place = image.index, line.index, tile.index
                tile.carried_out = _add_tiles(code, meta, planes, slopes, place, tile.carried)
            line.carried_out = tile.results
        image.carried_out = line.results
        numbers = [~code.any_lane(value.is_nan()) for value in line.results]
        image.again = (image.index + 1).lt(meta["images"]) & reduce(or_, numbers)
    for number, value in enumerate(image.results):
        kind = f"llvm.vector.reduce.fadd.v{lanes}f32"
        total = code.call(kind, "float", 1, [code.constant(-0.0, "float"), value])
        stored = narrow(total, dtype, native_half=level != "portable")
        code.store(stored, code.offset(get["target"], number * dtype.itemsize))
    module.add("by_definition", code, signature(**names))


def _add_tiles(
    code: Code, meta: dict[str, Value], planes: Value, slopes: Value, place: tuple[Value, Value, Value],
    sums: list[Value],
) -> list[Value]:  # fmt: skip
    """The sums of all taps and what the pixels of a vector of tiles add to them."""
    (image, line, tile), lanes, sums = place, sums[0].lanes, list(sums)
    x_at, g_at = (image * meta[f"{one}_image"] + line * meta[f"{one}_row"] + tile for one in "xg")
    column = (code.iota("i64", lanes) + code.spread(tile, lanes)) * RESULTS
    for a, b in product(range(RESULTS), repeat=2):
        inside = (column + b).lt(code.spread(meta["wide"], lanes))
        inside = inside & code.spread((line * RESULTS + a).lt(meta["high"]), lanes)
        at = g_at + in_planes(meta["g_row"], meta["g_area"], a, b)
        slope = code.load(code.offset(slopes, at * SIZE), "float", lanes)
        for number, (i, j) in enumerate(product(range(TAPS), repeat=2)):
            at = x_at + in_planes(meta["x_row"], meta["x_area"], a + i, b + j)
            pixel = code.load(code.offset(planes, at * SIZE), "float", lanes)
            sums[number] = inside.select(sums[number] + slope * pixel, sums[number])
    return sums
