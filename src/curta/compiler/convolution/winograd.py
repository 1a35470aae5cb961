"""Convolutions of 3 x 3 taps by Winograd's products: 16 multiplications for 4 results where there are 36 by definition.

Tiles, 2 x 2 results each, are the columns of sixteen products of channels; so many images at a time that what is made
of them stays in a cache. The sums are those of the definition in another order, with other roundings.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import prod

from curta.compiler.convolution.geometry import Axis, Geometry, Pair, make_axis, pixel_step
from curta.compiler.convolution.program import Planes, Program, Source
from curta.compiler.convolution.winograd_kernels import (
    PARTS,
    PER_WEIGHT,
    RESULTS,
    TAPS,
    ResultSpec,
    image_key,
    make_image_kernel,
    make_result_kernel,
    make_sum_kernel,
    make_weight_kernel,
    result_row,
    weight_key,
)  # fmt: skip
from curta.compiler.matmul import MatmulPlan, plan_matmul
from curta.compiler.matmul.ending import Ending
from curta.compiler.matmul.finish import finish
from curta.compiler.matmul.plan import Operands, make_plan
from curta.compiler.matmul.spec import Spec
from curta.compiler.matmul.tiles import Tiles, round_up
from curta.dtypes import DType, compute_dtype, float32
from curta.memory.layout import Layout

#: channels, filters and tiles that are worth the transforms
FEWEST_CHANNELS, FEWEST_TILES = 32, 64
#: the least that is to be saved: multiplications by definition over those here
LEAST_GAIN = 1.4
#: bytes of the parts of some images, and of their sums, that are made at a time
AT_A_TIME = 4 << 20
#: bytes of one image's that are too many for any
MOST_BYTES = 32 << 20
#: parts lie so many bytes further apart than a multiple of `WAY`, in different places of a first-level cache
APART, WAY = 320, 4096
#: elements of results in a unit of work
UNIT_ELEMENTS = 4096


def pays(geometry: Geometry, dtype: DType) -> bool:
    """Whether a convolution and its gradients are made this way."""
    fits = geometry.kernel == (TAPS, TAPS) and geometry.stride == geometry.dilation == (1, 1) and geometry.groups == 1
    if not fits or compute_dtype(dtype) is not float32 or max((*geometry.before, *geometry.after)) >= TAPS:
        return False
    tiles = prod(_tiles(geometry.counts))
    saved = PER_WEIGHT * geometry.pixels >= LEAST_GAIN * PARTS * tiles
    wide = min(geometry.channels, geometry.filters) >= FEWEST_CHANNELS
    made = _bytes(max(tiles, prod(_tiles(geometry.size))), geometry)
    return saved and wide and geometry.images * tiles >= FEWEST_TILES and made <= MOST_BYTES


def _bytes(tiles: int, geometry: Geometry) -> int:
    """What is made of the tiles of an image and of its result."""
    return PARTS * float32.itemsize * tiles * (geometry.channels + geometry.filters)


def _tiles(counts: Pair) -> Pair:
    """Tiles down and across."""
    return -(-counts[0] // RESULTS), -(-counts[1] // RESULTS)


@dataclass(frozen=True)
class _Parts:
    """Sixteen matrices of so many rows: elements between these, and between the matrices."""

    source: Source
    row: int
    part: int


def _room(program: Program, rows: int, columns: int) -> _Parts:
    """Parts of `rows` by `columns`, each row with room for a vector behind it."""
    row = round_up(columns, program.vector_bytes // float32.itemsize) + program.vector_bytes // float32.itemsize
    return _Parts(*_spread(program, rows, row))


def _spread(program: Program, rows: int, row: int) -> tuple[Source, int, int]:
    size = float32.itemsize
    part = rows * row + (APART - rows * row * size) % WAY // size
    return program.temporary(PARTS * part, float32), row, part


@dataclass(frozen=True)
class _Images:
    """Tensors [N, channels, H, W] whose tiles are transformed: in planes of every second pixel."""

    planes: Planes
    channels: int
    tiles: Pair
    form: str
    turned: bool

    @property
    def per_image(self) -> int:
        return self.tiles[0] * self.tiles[1]

    def transform(self, program: Program, first: int, count: int, parts: _Parts) -> None:
        """Append the launch for images number `first` and so many."""
        planes = self.planes
        meta = (
            count, *self.tiles, planes.start + first * planes.image, *planes[2:], planes.channel // 4, parts.row,
            parts.part,
        )  # fmt: skip
        arguments = self.form, self.turned, program.vector_bytes, program.level
        key = image_key(*arguments)
        units = self.channels if count * self.per_image else 0
        plan = MatmulPlan(key, lambda: make_image_kernel(*arguments), key, meta, units, 1, 0)
        program.launch(plan, planes.source, parts.source)


def _images(
    program: Program, layout: Layout, source: Source, before: Pair, counts: Pair, form: str, turned: bool = False
) -> _Images:
    """The images in planes, for results of these counts, with so many zeros above and left."""
    tiles = _tiles(counts)
    more = 1 if form == "image" else 0
    axes: list[Axis] = [
        make_axis(size, zeros, 2, count + more, (0, 1))
        for size, zeros, count in zip(layout.shape[2:], before, tiles, strict=True)
    ]
    planes = program.planes(layout, source, (axes[0], axes[1]), float32)
    return _Images(planes, layout.shape[1], tiles, form, turned)


def _weights(program: Program, weight: Layout, source: Source) -> _Parts:
    """Append the launches that make the parts of a weight [F, C, 3, 3]."""
    filters, channels = weight.shape[:2]
    parts = _Parts(*_spread(program, filters, channels))
    arguments = weight.dtype, program.vector_bytes, program.level
    key = weight_key("weight", *arguments)
    plan = MatmulPlan(key, lambda: make_weight_kernel(*arguments), key, (channels, parts.part), filters, 1, 0)
    program.launch(plan, source, parts.source)
    return parts


def _at_a_time(images: int, bytes_each: int) -> int:
    """Images in one go: as many as fit, all goes about as large as each other."""
    most = max(1, AT_A_TIME // max(1, bytes_each))
    goes = -(-images // most)
    return -(-images // max(1, goes))


def plan_sums(
    geometry: Geometry, x: Layout, weight: Layout, out: Layout, program: Program, ending: Ending | None,
    results: Sequence[Source], *, backward: bool,
) -> bool:  # fmt: skip
    """Append the launches of a convolution's sums, or with `backward` of the gradient of its input from x, that of its
    result. False, and nothing done, where the ending's operands do not lie as the pixels of an image.
    """
    slots = () if ending is None else ending.strides
    counts = geometry.size if backward else geometry.counts
    steps = [pixel_step(strides[2:], counts) for strides in slots]
    known = [step for step in steps if step is not None]
    if len(known) < len(steps):
        return False
    before = (TAPS - 1 - geometry.before[0], TAPS - 1 - geometry.before[1]) if backward else geometry.before
    straight = program.contiguous(weight, ("input", 1))
    weights = _weights(program, weight, straight)
    images = _images(program, x, ("input", 0), before, counts, "image", turned=backward)
    K, M = (geometry.filters, geometry.channels) if backward else (geometry.channels, geometry.filters)
    count = _at_a_time(geometry.images, _bytes(images.per_image, geometry))
    columns = count * images.per_image
    parts, sums = _room(program, K, columns), _room(program, M, columns)
    a_strides = (1, weights.row) if backward else (weights.row, 1)
    apart = PER_WEIGHT, PER_WEIGHT * geometry.channels
    taken = _Weight(straight, weight.dtype, K, apart if backward else apart[::-1])
    made = _Result(images, taken, M, counts, out, ending, tuple(known), sums)
    for first in range(0, geometry.images, count):
        now = min(count, geometry.images - first)
        images.transform(program, first, now, parts)
        plan = plan_matmul(
            float32, (PARTS,), M, now * images.per_image, K, (weights.part, *a_strides), (parts.part, parts.row, 1),
            (sums.part, sums.row, 1), level=program.level, vector_bytes=program.vector_bytes,
        )  # fmt: skip
        program.launch(plan, weights.source, parts.source, sums.source)
        made.launch(program, first, now, results)
    return True


@dataclass(frozen=True)
class _Weight:
    """A weight as it is: the channels that are summed over, and how far filters of the result and these lie apart."""

    source: Source
    dtype: DType
    channels: int
    apart: Pair


@dataclass(frozen=True)
class _Result:
    """Where the sums of some images go: into `out`, or through an ending."""

    images: _Images
    weight: _Weight
    filters: int
    counts: Pair
    out: Layout
    ending: Ending | None
    pixel_steps: tuple[int, ...]
    sums: _Parts

    def launch(self, program: Program, first: int, count: int, results: Sequence[Source]) -> None:
        """Append the launch for images number `first` and so many."""
        pixels, slots = self.counts[0] * self.counts[1], () if self.ending is None else self.ending.strides
        ending = None if self.ending is None else self._placed(self.ending)
        spec = ResultSpec(
            "winograd", float32, self.out.dtype, "k", "any", "column", False, program.level, program.vector_bytes,
            ending, turned=self.images.turned, weight_dtype=self.weight.dtype,
        )  # fmt: skip
        planes = self.images.planes
        rows = min(self.filters, max(1, UNIT_ELEMENTS // max(1, pixels)))
        row_tiles = -(-self.filters // rows)
        tiles = Tiles(rows, pixels, row_tiles, 1, 1, count * row_tiles if pixels else 0)
        size = self.filters * pixels
        batch = ((count, self.images.per_image, planes.image, size, *(image for image, *_ in slots)),)
        along = tuple((o, pixel) for (_, o, *_), pixel in zip(slots, self.pixel_steps, strict=True))
        operands = Operands(self.filters, pixels, 1, (self.sums.row, self.sums.part), (0, 0), (pixels, 1), batch, along)

        def make_kernel(_: Spec) -> str:
            return make_result_kernel(spec)

        scratch = rows * result_row(pixels, spec.lanes) * float32.itemsize
        plan = make_plan(spec, operands, tiles, make_kernel, scratch, (finish(spec),))
        start = planes.start + first * planes.image
        behind = (
            *self.images.tiles, *self.counts, start, planes.channel, planes.row, planes.channel // 4,
            self.weight.channels, *self.weight.apart,
        )  # fmt: skip
        distances = [image * first for image, *_ in slots] or [size * self.out.dtype.itemsize * first]
        targets = [(*source, distance) for source, distance in zip(results, distances, strict=True)]
        sources = self.sums.source, planes.source, *targets, self.weight.source
        program.launch(replace(plan, meta=(*plan.meta, *behind)), *sources, ending=ending)

    def _placed(self, ending: Ending) -> Ending:
        """The ending over images, filters and pixels."""
        places = zip(ending.strides, self.pixel_steps, strict=True)
        strides = tuple((image, o, pixel) for (image, o, *_), pixel in places)
        return Ending(ending.slots, ending.stores, ending.sums, strides, False)


def plan_weight_sums(geometry: Geometry, x: Layout, g: Layout, out: Layout, program: Program) -> None:
    """Append the launches of the gradient of a weight: the sums of the parts over all images, transformed back."""
    images = _images(program, x, ("input", 0), geometry.before, geometry.counts, "image")
    gradients = _images(program, g, ("input", 1), (0, 0), geometry.counts, "gradient")
    M, N = geometry.filters, geometry.channels
    count = _at_a_time(geometry.images, _bytes(images.per_image, geometry))
    columns = count * images.per_image
    parts, of_gradients = _room(program, N, columns), _room(program, M, columns)
    sums = _Parts(*_spread(program, M, N))
    for first in range(0, geometry.images, count):
        now = min(count, geometry.images - first)
        images.transform(program, first, now, parts)
        gradients.transform(program, first, now, of_gradients)
        plan = plan_matmul(
            float32, (PARTS,), M, N, now * images.per_image, (of_gradients.part, of_gradients.row, 1),
            (parts.part, 1, parts.row), (sums.part, N, 1), level=program.level, vector_bytes=program.vector_bytes,
            accumulate=first > 0,
        )  # fmt: skip
        program.launch(plan, of_gradients.source, parts.source, sums.source)
    arguments = out.dtype, program.vector_bytes, program.level
    key = weight_key("sum", *arguments)
    meta = (
        N, sums.part, geometry.images, *images.tiles, *geometry.counts,
        *(number for one in (images.planes, gradients.planes) for number in (*one[1:], one.channel // 4)),
    )  # fmt: skip
    plan = MatmulPlan(key, lambda: make_sum_kernel(*arguments), key, meta, M, 1, 0)
    program.launch(plan, sums.source, ("output", 0), images.planes.source, gradients.planes.source)
