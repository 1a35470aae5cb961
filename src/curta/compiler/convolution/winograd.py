"""Convolutions of 3 x 3 taps by Winograd's products: 16 multiplications for 4 results where there are 36 by definition.

The sums are those of the definition in another order, with other roundings. Where they are not finite, they are made by
definition: infinities and NaN are where they would be.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from math import prod

from curta.compiler.convolution.geometry import Axis, Geometry, Pair, make_axis, pixel_step
from curta.compiler.convolution.program import Planes, Program, Source
from curta.compiler.convolution.winograd_slopes import (
    make_slopes_kernel,
    product_spec,
    slopes_key,
    slopes_parts,
)  # fmt: skip
from curta.compiler.convolution.winograd_steps import PARTS, PER_WEIGHT, RESULTS, TAPS, TILE
from curta.compiler.convolution.winograd_sums import SumsSpec, make_sums_kernel, sums_parts
from curta.compiler.convolution.winograd_weights import make_gradient_kernel, make_parts_kernel, weight_key
from curta.compiler.matmul import MatmulPlan
from curta.compiler.matmul.block import scratch_layout
from curta.compiler.matmul.ending import Ending
from curta.compiler.matmul.plan import Operands, make_plan
from curta.compiler.matmul.spec import K_BLOCK, Meta, Spec
from curta.compiler.matmul.tiles import Tiles, even_blocks, round_up
from curta.dtypes import DType, compute_dtype, float32
from curta.memory.layout import Layout
from curta.runtime import cpu

#: channels, filters and tiles that are worth the transforms
FEWEST_CHANNELS, FEWEST_TILES = 32, 64
#: the least that is to be saved: multiplications by definition over those here
LEAST_GAIN = 1.4
#: the part of a second-level cache that the parts of a unit's tiles, and their sums, may fill
SHARE = 0.6
#: filters whose sums are made at a time, of a unit's tiles
FILTER_BLOCK = 48
#: a piece of tiles costs as much as so many tiles, and has at most so many times the tiles that fit
PIECE_COST, MOST_TIMES = 4, 4
#: what the transforms of a tile take of the time of its products, in a weight's gradient
TRANSFORM_COST = 0.3
#: filters and channels in a unit of a weight's gradient, at most and at least
BLOCK, LEAST_BLOCK = 128, 32
#: units for each thread: so many, that none waits long for others
UNITS_EACH = 2
#: parts begin so many bytes behind a multiple of a first-level cache's way: none of the sixteen displaces another
APART, WAY = 320, 4096
_SIZE = float32.itemsize


def pays(geometry: Geometry, dtype: DType) -> bool:
    """Whether a convolution and its gradients are made this way."""
    fits = geometry.kernel == (TAPS, TAPS) and geometry.stride == geometry.dilation == (1, 1) and geometry.groups == 1
    if not fits or compute_dtype(dtype) is not float32 or max((*geometry.before, *geometry.after)) >= TAPS:
        return False
    tiles = prod(_tiles(geometry.counts))
    saved = PER_WEIGHT * geometry.pixels >= LEAST_GAIN * PARTS * tiles
    wide = min(geometry.channels, geometry.filters) >= FEWEST_CHANNELS
    return saved and wide and geometry.images * tiles >= FEWEST_TILES


def _tiles(counts: Pair) -> Pair:
    """Tiles down and across."""
    return -(-counts[0] // RESULTS), -(-counts[1] // RESULTS)


def _apart(elements: int, lanes: int) -> int:
    """The distance of parts of so many elements, behind each of which is room for a vector."""
    size = (elements + lanes) * _SIZE
    return (size + (APART - size) % WAY) // _SIZE


@dataclass(frozen=True)
class _Images:
    """Tensors [N, channels, H, W] in planes of every second pixel, and their tiles."""

    planes: Planes
    images: int
    tiles: Pair

    @property
    def numbers(self) -> tuple[int, ...]:
        """Where the first element is; how far apart images, channels and rows lie, and planes."""
        return self.planes[1:]


def _axes(layout: Layout, before: Pair, tiles: Pair, behind: Pair) -> tuple[Axis, Axis]:
    """The planes of images with so many zeros above and left: as long as the tiles are, and so much longer."""
    rows, columns = (
        make_axis(size, zeros, 2, count + more, (0, 1))
        for size, zeros, count, more in zip(layout.shape[2:], before, tiles, behind, strict=True)
    )
    return rows, columns


@dataclass(frozen=True)
class _Cut:
    """How tiles are cut: images and lines of tiles at a time, either whole images or lines of one of them."""

    images: int
    lines: int
    columns: int

    def units(self, images: _Images) -> Pair:
        """How many such pieces: along images, along lines."""
        return -(-images.images // self.images), -(-images.tiles[0] // self.lines)


def _cut(images: _Images, most: int, step: int, least: int) -> _Cut:
    """The pieces that take the least time, were each a multiple of `step` tiles and `PIECE_COST` tiles more.

    A tenth more beyond `most` tiles, and as much more as there are fewer than `least` pieces.
    """
    lines, across = images.tiles
    found = [_Cut(1, count, count * across) for count in range(1, lines + 1)]
    found += [_Cut(count, lines, count * lines * across) for count in range(2, images.images + 1)]
    found = [cut for cut in found if cut.columns <= MOST_TIMES * most] or found[:1]

    def time(cut: _Cut) -> float:
        pieces = max(least, prod(cut.units(images)))
        return pieces * (PIECE_COST + round_up(cut.columns, step)) * (1.0 if cut.columns <= most else 1.1)

    return min(found, key=time)


def _slopes_cut(images: _Images, most: int, lanes: int) -> _Cut:
    """As `_cut`, of lines of images side by side, which are transformed in vectors."""
    lines, across = images.tiles
    found = [
        _Cut(count, high, count * high * across)
        for count in range(1, images.images + 1)
        for high in range(1, lines + 1)
        if count * high * across <= MOST_TIMES * most or count == high == 1
    ]

    def time(cut: _Cut) -> float:
        transformed = cut.lines * round_up(cut.images * across, lanes)
        whole = PIECE_COST + cut.columns + TRANSFORM_COST * transformed
        return prod(cut.units(images)) * whole * (1.0 if cut.columns <= most else 1.1)

    return min(found, key=time)


def _inner_meta(numbers: Mapping[Meta, int]) -> tuple[int, ...]:
    return tuple(numbers.get(Meta(place), 0) for place in range(Meta.ENDING))


def _scratch(spec: Spec, rows: int, columns: int) -> int:
    return sum(scratch_layout(spec, rows, columns))


def plan_sums(
    geometry: Geometry, x: Layout, weight: Layout, out: Layout, program: Program, ending: Ending | None,
    results: Sequence[Source], *, backward: bool,
) -> bool:  # fmt: skip
    """Append the launches of a convolution's sums, or with `backward` of the gradient of its input from x, that of its
    result. False, and nothing done, where the ending's operands do not lie as the pixels of an image.
    """
    counts = geometry.size if backward else geometry.counts
    steps = [pixel_step(strides[2:], counts) for strides in (() if ending is None else ending.strides)]
    known = [step for step in steps if step is not None]
    if len(known) < len(steps):
        return False
    before = (TAPS - 1 - geometry.before[0], TAPS - 1 - geometry.before[1]) if backward else geometry.before
    taken = _weight(program, geometry, weight, turned=backward)
    tiles = _tiles(counts)
    planes = program.planes(x, ("input", 0), _axes(x, before, tiles, (1, 1)), float32)
    images = _Images(planes, geometry.images, tiles)
    spec = SumsSpec(
        "winograd", float32, out.dtype, "k", "column", "column", False, program.level, program.vector_bytes,
        None if ending is None else _placed(ending, known), turned=backward, weight_dtype=weight.dtype,
    )  # fmt: skip
    plan = _sums_plan(spec, images, taken, counts, tuple(known))
    program.launch(plan, taken.parts, images.planes.source, *results, taken.source, ending=spec.ending)
    return True


def _placed(ending: Ending, pixel_steps: Sequence[int]) -> Ending:
    """The ending over images, filters and pixels."""
    places = zip(ending.strides, pixel_steps, strict=True)
    return replace(ending, strides=tuple((image, o, pixel) for (image, o, *_), pixel in places), in_place=False)


@dataclass(frozen=True)
class _Weight:
    """A weight of `filters` and the `channels` that are summed over, and its parts: both in elements.

    `apart` is how far filters and channels lie apart in it; rows of its parts are filters.
    """

    source: Source
    parts: Source
    filters: int
    channels: int
    apart: Pair
    row: int
    part: int


def _weight(program: Program, geometry: Geometry, weight: Layout, *, turned: bool) -> _Weight:
    """Append the launches that make the parts of a weight; `turned` of one whose filters are the channels, and whose
    taps go backwards."""
    lanes = program.vector_bytes // _SIZE
    apart = PER_WEIGHT * geometry.channels, PER_WEIGHT
    filters, channels = geometry.filters, geometry.channels
    if turned:
        apart, filters, channels = apart[::-1], channels, filters
    # a vector more: rows do not displace each other in a first-level cache
    row = round_up(channels, lanes) + lanes
    part = _apart(filters * row, lanes)
    source, parts = program.contiguous(weight, ("input", 1)), program.temporary(PARTS * part, float32)
    arguments = "turned" if turned else "parts", weight.dtype, program.vector_bytes, program.level
    key, meta = weight_key(*arguments), (channels, *apart, row, part)
    program.launch(MatmulPlan(key, lambda: make_parts_kernel(*arguments), key, meta, filters, 1, 0), source, parts)
    return _Weight(source, parts, filters, channels, apart, row, part)


def _sums_plan(
    spec: SumsSpec, images: _Images, weight: _Weight, counts: Pair, pixel_steps: tuple[int, ...]
) -> MatmulPlan:
    """The launch that makes results of images and the parts of a weight."""
    inner, (M, K), pixels = spec.inner, (weight.filters, weight.channels), prod(counts)
    block = min(FILTER_BLOCK, round_up(M, inner.tile_rows))
    most = int(SHARE * cpu.second_cache_bytes()) // (PARTS * _SIZE * (K + block))
    fewest = -(-cpu.processors() // -(-M // block)) if M else 1
    cut = _cut(images, max(inner.tile_columns, most), inner.tile_columns, fewest)
    pieces = prod(cut.units(images))
    # filters are shared out where there are too few tiles for all threads
    shares = max(1, min(-(-M // block), -(-UNITS_EACH * cpu.processors() // max(1, pieces))))
    each = round_up(-(-M // shares), inner.tile_rows)
    shares, columns = -(-M // each), round_up(cut.columns, inner.tile_columns)
    image_part, sum_part = _apart(K * columns, spec.lanes), _apart(block * columns, spec.lanes)
    stage_row = RESULTS * cut.lines * counts[1] + 2 * spec.lanes
    sizes = (
        images.images, *images.tiles, *counts, cut.images, cut.lines, cut.units(images)[1], each, shares, block,
        *images.numbers, K, *weight.apart, weight.part, weight.row, columns, image_part, sum_part, stage_row,
    )  # fmt: skip
    products = _inner_meta({
        Meta.K: K, Meta.A_ROW: weight.row, Meta.A_K: 1, Meta.B_K: columns, Meta.B_COLUMN: 1, Meta.C_ROW: columns,
        Meta.C_COLUMN: 1, Meta.UNIT_ROWS: block, Meta.UNIT_COLUMNS: columns, Meta.B_IN_PLACE: 1,
        Meta.K_BLOCK: even_blocks(K, inner.k_block),
    })  # fmt: skip
    scratch = _SIZE * (PARTS * (image_part + sum_part) + block * stage_row) + _scratch(inner, block, columns)
    slots = () if spec.ending is None else spec.ending.strides
    batch = ((images.images, 0, 0, M * pixels, *(image for image, *_ in slots)),)
    along = tuple((o, pixel) for (_, o, _), pixel in zip(slots, pixel_steps, strict=True))
    operands = Operands(M, pixels, K, (weight.row, 1), (columns, 1), (pixels, 1), batch, along)
    tiles = Tiles(block, pixels, shares, 1, 1, pieces * shares if M and pixels else 0)

    def make_kernel(_: Spec) -> str:
        return make_sums_kernel(spec)

    plan = make_plan(spec, operands, tiles, make_kernel, scratch, sums_parts(spec))
    return replace(plan, meta=(*plan.meta, *sizes, *products))


def _shared_out(M: int, N: int, filters: int, channels: int) -> Pair:
    """Filters and channels in a unit: halves of these, where there would be too few units for all threads."""
    while TILE * -(-M // filters) * -(-N // channels) < UNITS_EACH * cpu.processors():
        larger = max(filters, channels)
        if larger <= LEAST_BLOCK:
            break
        half = -(-larger // 2)
        filters, channels = (half, channels) if filters == larger else (filters, half)
    return filters, channels


def plan_weight_sums(geometry: Geometry, x: Layout, g: Layout, out: Layout, program: Program) -> None:
    """Append the launches of the gradient of a weight: the sums of the parts over all tiles, transformed back."""
    lanes, (M, N) = program.vector_bytes // _SIZE, (geometry.filters, geometry.channels)
    filters, channels = (-(-count // -(-count // BLOCK)) for count in (M, N))
    most = max(lanes, int(SHARE * cpu.second_cache_bytes()) // (TILE * _SIZE * (filters + channels)))
    # where images have few tiles they lie side by side: each has one more in a line, whose gradient is 0
    tiles = _tiles(geometry.counts)
    few = prod(tiles) < most
    lines, place = (tiles[0], tiles[1] + few), program.lines if few else program.planes
    axes = _axes(x, geometry.before, tiles, (1, 1)), _axes(g, (0, 0), tiles, (0, int(few)))
    images, gradients = (
        _Images(place(layout, ("input", number), along, float32), geometry.images if few else 1, lines)
        for number, (layout, along) in enumerate(zip((x, g), axes, strict=True))
    )
    cut = _slopes_cut(images, most, lanes)
    row = round_up(N, lanes) + lanes
    part = _apart(M * row, lanes)
    sums = program.temporary(PARTS * part, float32)
    arguments = program.vector_bytes, program.level
    spec, key = product_spec(*arguments), slopes_key(*arguments)
    filters, channels = _shared_out(M, N, filters, channels)
    columns = round_up(cut.columns, lanes) + lanes
    x_part, g_part = _apart(channels * columns, lanes), _apart(filters * columns, lanes)
    units = -(-N // channels), -(-M // filters)
    meta = (
        geometry.images, *lines, int(few), M, N, filters, channels, *units, cut.images, cut.lines, *images.numbers,
        *gradients.numbers, columns, x_part, g_part, row, part,
        *_inner_meta({
            Meta.A_ROW: columns, Meta.A_K: 1, Meta.B_K: 1, Meta.B_COLUMN: columns, Meta.C_ROW: row, Meta.C_COLUMN: 1,
            Meta.UNIT_ROWS: filters, Meta.UNIT_COLUMNS: channels, Meta.K_BLOCK: K_BLOCK,
        }),
    )  # fmt: skip
    scratch = _SIZE * TILE * (x_part + g_part) + _scratch(spec, filters, channels)
    plan = MatmulPlan(
        key, lambda: make_slopes_kernel(*arguments), key, meta, TILE * prod(units), 1, scratch,
        requires=slopes_parts(*arguments),
    )  # fmt: skip
    program.launch(plan, images.planes.source, gradients.planes.source, sums)
    of_weight = out.dtype, *arguments
    key = weight_key("gradient", *of_weight)
    meta = (N, row, part, geometry.images, *tiles, *geometry.counts, *images.numbers, *gradients.numbers)
    plan = MatmulPlan(key, lambda: make_gradient_kernel(*of_weight), key, meta, M, 1, 0)
    program.launch(plan, sums, ("output", 0), images.planes.source, gradients.planes.source)
