"""The kernel that makes a convolution's results by Winograd's products, some tiles in one go from images to results.

A unit of work transforms its tiles for all channels, multiplies them by the weights' parts for some filters after the
other, and transforms the sums back: all that is in between stays in the thread's own memory.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass
from functools import partial
from itertools import product

from curta.compiler.code import Code, Value
from curta.compiler.convolution.winograd_steps import (
    PARTS,
    PER_WEIGHT,
    RESULTS,
    REVISION,
    SIZE,
    TAPS,
    TILE,
    both_ways,
    in_planes,
    not_finite,
    of_image,
)  # fmt: skip
from curta.compiler.matmul.block import Tile, place_slots, sum_blocks
from curta.compiler.matmul.convert import load_wide
from curta.compiler.matmul.emit import (
    KERNEL_SIGNATURE,
    Module,
    call,
    null,
    parameter,
    read_meta,
    shuffle,
    signature,
    smaller,
)  # fmt: skip
from curta.compiler.matmul.finish import finish, finish_tile
from curta.compiler.matmul.spec import Meta, Spec
from curta.dtypes import DType, float32
from curta.runtime import jit


class Sizes(enum.IntEnum):
    """Place of the int64s behind those of a matmul's `meta`, whose rows are filters and whose columns pixels.

    Tiles and lines of an image, rows and columns of a result; how units are cut, how many filters at a time; how images
    lie in planes; the channels, and how far filters and channels lie apart in the weight; how far apart parts, and rows
    of those of images, lie: all in elements. Behind them comes the `meta` of the products of parts.
    """

    IMAGES = 0
    LINES = 1
    TILES = 2
    HIGH = 3
    WIDE = 4
    IMAGES_EACH = 5
    LINES_EACH = 6
    LINE_UNITS = 7
    FILTERS_EACH = 8
    FILTER_UNITS = 9
    FILTER_BLOCK = 10
    START = 11
    PLANE_IMAGE = 12
    PLANE_CHANNEL = 13
    PLANE_ROW = 14
    AREA = 15
    CHANNELS = 16
    WEIGHT_FILTER = 17
    WEIGHT_CHANNEL = 18
    WEIGHT_PART = 19
    WEIGHT_ROW = 20
    COLUMNS = 21
    IMAGE_PART = 22
    SUM_PART = 23
    STAGE_ROW = 24


@dataclass(frozen=True)
class SumsSpec(Spec):
    """What the kernel's text depends on beside a matmul's; with `turned` the weight's taps go backwards.

    Operands are the weight's parts, the images in planes, C or the slots of the ending, and the weight.
    """

    turned: bool = False
    weight_dtype: DType = float32

    @property
    def key(self) -> str:
        return f"{super().key}{'_turned' if self.turned else ''}_{self.weight_dtype.short}_r{REVISION}"

    @property
    def staged(self) -> bool:
        return True

    @property
    def sizes(self) -> int:
        """Where in `meta` `Sizes` are: behind one batch dimension."""
        return self.batch_table + 4 + self.ending_slots

    @property
    def inner(self) -> Spec:
        """That of the products of parts."""
        return Spec("block", float32, float32, "k", "column", "column", False, self.level, self.vector_bytes)


def sums_parts(spec: SumsSpec) -> tuple[jit.Code, ...]:
    """What the kernel requires."""
    return sum_blocks(spec.inner), finish(spec)


def make_sums_kernel(spec: SumsSpec) -> str:
    """The LLVM text of the kernel."""
    module, code = Module(spec.vector_bytes), Code()
    _add_image_parts(module, spec)
    _add_lines(module, spec)
    size = {item: _read(code, spec, item) for item in Sizes}
    corner = code.emit(f"alloca [{max(1, spec.ending_slots)} x i64], align 8", "ptr")
    weights, planes = (code.load(code.offset(parameter(code, "args", "ptr"), 8 * n), "ptr", align=8) for n in (0, 1))
    parts = parameter(code, "scratch", "ptr")
    sums = code.offset(parts, size[Sizes.IMAGE_PART] * (PARTS * SIZE))
    stage = code.offset(sums, size[Sizes.SUM_PART] * (PARTS * SIZE))
    inner = code.offset(stage, size[Sizes.FILTER_BLOCK] * size[Sizes.STAGE_ROW] * SIZE)
    with code.loop(parameter(code, "start"), parameter(code, "stop")) as unit:
        group = unit.index.unsigned_divide(size[Sizes.FILTER_UNITS])
        low = (unit.index - group * size[Sizes.FILTER_UNITS]) * size[Sizes.FILTERS_EACH]
        high = smaller(low + size[Sizes.FILTERS_EACH], read_meta(code, Meta.M))
        image = group.unsigned_divide(size[Sizes.LINE_UNITS])
        line = (group - image * size[Sizes.LINE_UNITS]) * size[Sizes.LINES_EACH]
        image = image * size[Sizes.IMAGES_EACH]
        images = smaller(size[Sizes.IMAGES] - image, size[Sizes.IMAGES_EACH])
        lines = smaller(size[Sizes.LINES] - line, size[Sizes.LINES_EACH])
        place = size[Sizes.START] + image * size[Sizes.PLANE_IMAGE] + line * size[Sizes.PLANE_ROW]
        meta = parameter(code, "meta", "ptr")
        call(code, "image_parts", [meta, code.offset(planes, place * SIZE), images, lines, parts])
        with code.loop(low, high, size[Sizes.FILTER_BLOCK]) as first:
            rows = smaller(high - first.index, size[Sizes.FILTER_BLOCK])
            _multiply(code, spec, size, weights, first.index, rows, (parts, sums, inner))
            with code.loop(0, images) as number:
                tile = _tile(code, spec, size, corner, (image + number.index, line, lines), first.index, rows)
                places = number.index * lines * size[Sizes.TILES], image + number.index, line, lines
                call(
                    code,
                    "result_lines",
                    [meta, parameter(code, "args", "ptr"), sums, *places, first.index, rows, stage],
                )
                finish_tile(code, spec, tile, stage, size[Sizes.STAGE_ROW] * SIZE, code.constant(0, "i64"), rows)
    module.add(spec.key, code, KERNEL_SIGNATURE, private=False)
    return module.text()


def _read(code: Code, spec: SumsSpec, item: Sizes) -> Value:
    return read_meta(code, spec.sizes + int(item))


def _multiply(
    code: Code, spec: SumsSpec, size: dict[Sizes, Value], weights: Value, first: Value, rows: Value,
    areas: tuple[Value, Value, Value],
) -> None:  # fmt: skip
    """All parts of the sums of some filters, `rows` from number `first` on."""
    parts, sums, scratch = areas
    inner = code.offset(parameter(code, "meta", "ptr"), 8 * (spec.sizes + len(Sizes)))
    with code.loop(0, PARTS) as part:
        weight = size[Sizes.WEIGHT_PART] * part.index + first * size[Sizes.WEIGHT_ROW]
        a = code.offset(weights, weight * SIZE)
        b = code.offset(parts, size[Sizes.IMAGE_PART] * part.index * SIZE)
        c = code.offset(sums, size[Sizes.SUM_PART] * part.index * SIZE)
        call(code, sum_blocks(spec.inner), [
            inner, scratch, a, b, c, rows, size[Sizes.COLUMNS], 0, null(code),
        ])  # fmt: skip


def _tile(
    code: Code, spec: SumsSpec, size: dict[Sizes, Value], corner: Value, place: tuple[Value, Value, Value],
    first: Value, rows: Value,
) -> Tile:  # fmt: skip
    """The block of C that is made of some filters and of some lines of an image."""
    image, line, lines = place
    pixel = line * RESULTS * size[Sizes.WIDE]
    behind = smaller((line + lines) * RESULTS, size[Sizes.HIGH]) * size[Sizes.WIDE]
    steps = [read_meta(code, spec.batch_table + number) for number in range(3, 4 + spec.ending_slots)]
    slots = None
    c = code.load(code.offset(parameter(code, "args", "ptr"), 8 * spec.c_slot), "ptr", align=8)
    if spec.ending is not None:
        place_slots(code, spec, corner, [image * step for step in steps[1:]], first, pixel)
        slots = corner
    else:
        at = image * steps[0] + first * read_meta(code, Meta.C_ROW) + pixel
        c = code.offset(c, at * spec.out_dtype.itemsize)
    return Tile(c, c, c, rows, behind - pixel, first, pixel, slots=slots)


def _add_image_parts(module: Module, spec: SumsSpec) -> None:
    """`image_parts`: the parts of some lines of tiles of some images, for all channels.

    A line's last vector goes on behind it: what it makes there is written over by the next line's, or channel's.
    """
    code = Code()
    names = {"meta": "ptr", "source": "ptr", "images": "i64", "lines": "i64", "target": "ptr"}
    _, source, images, lines, target = (parameter(code, name, kind) for name, kind in names.items())
    size = {item: _read(code, spec, item) for item in Sizes}
    with code.loop(0, size[Sizes.CHANNELS]) as channel:
        plane = code.offset(source, channel.index * size[Sizes.PLANE_CHANNEL] * SIZE)
        made = code.offset(target, channel.index * size[Sizes.COLUMNS] * SIZE)
        with code.loop(0, images) as image, code.loop(0, lines) as line:
            corner = image.index * size[Sizes.PLANE_IMAGE] + line.index * size[Sizes.PLANE_ROW]
            first = (image.index * lines + line.index) * size[Sizes.TILES]
            with code.loop(0, size[Sizes.TILES], spec.lanes) as tile:
                at = code.offset(plane, (corner + tile.index) * SIZE)
                pixels = [[_pixel(code, size, at, i, j, spec.lanes) for j in range(TILE)] for i in range(TILE)]
                to = code.offset(made, (first + tile.index) * SIZE)
                for number, value in enumerate(value for row in both_ways(of_image, pixels) for value in row):
                    code.store(value, code.offset(to, size[Sizes.IMAGE_PART] * (number * SIZE)))
    module.add("image_parts", code, signature(**names))


def _pixel(code: Code, size: dict[Sizes, Value], corner: Value, i: int, j: int, lanes: int) -> Value:
    """Pixel (i, j) of a vector of tiles, the first of which begins at `corner`."""
    distance = in_planes(size[Sizes.PLANE_ROW], size[Sizes.AREA], i, j)
    return code.load(code.offset(corner, distance * SIZE), "float", lanes)


def _add_lines(module: Module, spec: SumsSpec) -> None:
    """`result_lines`: results of some lines of tiles of an image, for some filters, into rows of `target`.

    The sums are those from `column` on. A line's last vectors are written over by the next line's.
    """
    code = Code()
    names = {
        "meta": "ptr", "args": "ptr", "sums": "ptr", "column": "i64", "image": "i64", "first_line": "i64",
        "lines": "i64", "first": "i64", "rows": "i64", "target": "ptr",
    }  # fmt: skip
    _, _, sums, column, image, first_line, lines, first, rows, target = (
        parameter(code, name, kind) for name, kind in names.items()
    )
    size, lanes = {item: _read(code, spec, item) for item in Sizes}, spec.lanes
    with code.loop(0, rows) as row, code.loop(0, lines) as line:
        source = code.offset(sums, (row.index * size[Sizes.COLUMNS] + column + line.index * size[Sizes.TILES]) * SIZE)
        made = code.offset(target, (row.index * size[Sizes.STAGE_ROW]) * SIZE)
        for a in range(RESULTS):
            number = line.index * RESULTS + a
            inside = (first_line * RESULTS + number).lt(size[Sizes.HIGH])
            with code.when(inside), code.loop(0, size[Sizes.TILES], lanes) as tile:
                pixels = _result(code, spec, size, a, code.offset(source, tile.index * SIZE))
                there = code.iota("i64", lanes).lt(code.spread(size[Sizes.TILES] - tile.index, lanes))
                place = first + row.index, image, first_line + line.index, tile.index
                again = partial(_by_definition, code, spec, size, a, place, pixels, there)
                pixels = code.unless_any(not_finite(pixels) & there, pixels, again)
                to = code.offset(made, (number * size[Sizes.WIDE] + tile.index * RESULTS) * SIZE)
                for half in range(2):
                    woven = [lane // 2 + lanes * (lane % 2) for lane in range(half * lanes, (half + 1) * lanes)]
                    code.store(shuffle(code, pixels[0], pixels[1], woven), code.offset(to, half * spec.vector_bytes))
    module.add("result_lines", code, signature(**names))


def _result(code: Code, spec: SumsSpec, size: dict[Sizes, Value], a: int, source: Value) -> list[Value]:
    """Row `a` of the results of a vector of tiles: the left pixels, and the right ones."""
    sums = []
    for j in range(TILE):
        one, two, three = (
            code.load(code.offset(source, size[Sizes.SUM_PART] * ((TILE * i + j) * SIZE)), "float", spec.lanes)
            for i in range(a, a + TAPS)
        )
        sums.append(one + two + three if a == 0 else one - two - three)
    return [sums[0] + sums[1] + sums[2], sums[1] - sums[2] - sums[3]]


def _by_definition(
    code: Code, spec: SumsSpec, size: dict[Sizes, Value], a: int, place: tuple[Value, ...], pixels: list[Value],
    there: Value,
) -> list[Value]:  # fmt: skip
    """The same pixels, those that are not finite made tap by tap; no further where all of them are NaN."""
    row, image, line, tile = place
    slots = 1, 2 + max(1, spec.ending_slots)
    planes, weight = (code.load(code.offset(parameter(code, "args", "ptr"), 8 * n), "ptr", align=8) for n in slots)
    weight = code.offset(weight, row * size[Sizes.WEIGHT_FILTER] * spec.weight_dtype.itemsize)
    corner = size[Sizes.START] + image * size[Sizes.PLANE_IMAGE] + line * size[Sizes.PLANE_ROW] + tile
    zero = code.constant(0.0, "float", spec.lanes)
    odd = [not_finite([old]) & there for old in pixels]
    with code.repeat([zero, zero]) as channel:
        at = code.offset(planes, (corner + channel.index * size[Sizes.PLANE_CHANNEL]) * SIZE)
        taps = code.offset(weight, channel.index * size[Sizes.WEIGHT_CHANNEL] * spec.weight_dtype.itemsize)
        sums = list(channel.carried)
        for i, j in product(range(TAPS), repeat=2):
            number = PER_WEIGHT - 1 - (TAPS * i + j) if spec.turned else TAPS * i + j
            address = code.offset(taps, number * spec.weight_dtype.itemsize)
            tap = load_wide(code, address, spec.weight_dtype, 1, native_half=spec.fused)
            for b in range(RESULTS):
                pixel = _pixel(code, size, at, a + i, b + j, spec.lanes)
                sums[b] = sums[b] + pixel * code.spread(tap, spec.lanes)
        channel.carried_out = sums
        left, right = (one & ~made.is_nan() for one, made in zip(odd, sums, strict=True))
        channel.again = (channel.index + 1).lt(size[Sizes.CHANNELS]) & code.any_lane(left | right)
    return [one.select(new, old) for one, new, old in zip(odd, channel.results, pixels, strict=True)]
