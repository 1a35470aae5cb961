"""Choosing kernels, tiles and tables for a convolution and its two gradients.

Each is one or more products of which one operand is made of windows: the result's columns are pixels, or (in the
weight's gradient) its rows are channels and taps. Images are first copied into planes with zeros around, one for each
residue of the stride that a tap reads, so that all windows are read at stride 1.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass, replace

from curta.compiler.convolution.geometry import (
    Geometry,
    Pair,
    Phase,
    gradient_axis,
    gradient_phases,
    pixel_step,
    pixel_table,
    vectors,
    window_axis,
)  # fmt: skip
from curta.compiler.convolution.program import Planes, Program, Source, whole_axes
from curta.compiler.convolution.window import WindowSpec, make_window_kernel, window_costs, window_parts
from curta.compiler.convolution.winograd import pays, plan_sums, plan_weight_sums
from curta.compiler.matmul import MatmulPlan, plan_matmul
from curta.compiler.matmul.block import scratch_layout
from curta.compiler.matmul.ending import Ending
from curta.compiler.matmul.plan import Operands, make_plan, packed_where_needed
from curta.compiler.matmul.spec import Spec
from curta.compiler.matmul.tiles import choose_tiles, round_up
from curta.dtypes import DType, compute_dtype
from curta.errors import CompilerError
from curta.memory.layout import Layout

#: images with fewer windows than this are put together into the columns of one product
FEW_PIXELS = 256
#: the gradients of one tap's weight are summed image by image where these have so many windows
MANY_PIXELS = 128
#: so many channels are worth a copy of images that are put together
MANY_CHANNELS = 128


def plan_forward(
    geometry: Geometry, x: Layout, weight: Layout, out: Layout, program: Program, ending: Ending | None = None,
    results: Sequence[Source] = (("output", 0),),
) -> Program:  # fmt: skip
    """The launches of inputs (x, weight) that make `out`, which is contiguous.

    With an `ending`, its strides over images, filters, rows and columns, `out` is what goes through it, in the sums'
    format, and `results` are the operands of its slots. CompilerError where these do not lie as a product's pixels.

    >>> from curta.dtypes import float32
    >>> from curta.memory.layout import contiguous
    >>> geometry = Geometry(1, 1, 2, 3, (5, 5), (3, 3), (1, 1), (0, 0), (0, 0), (1, 1))
    >>> layouts = [contiguous(shape, float32) for shape in ((1, 2, 5, 5), (3, 2, 3, 3), (1, 3, 3, 3))]
    >>> [launch.sources for launch in plan_forward(geometry, *layouts, Program("avx2", 32)).launches]
    [(('input', 0), ('partial', 0)), (('input', 1), ('partial', 0), ('output', 0))]
    """
    if pays(geometry, x.dtype) and plan_sums(geometry, x, weight, out, program, ending, results, backward=False):
        return program
    w = program.contiguous(weight, ("input", 1))
    if geometry.is_pointwise and not leaves_columns_empty(geometry, geometry.channels, x.dtype, program):
        images = _pointwise_images(geometry, x, program)
        a = _Matrix(w, weight.dtype, geometry.filters, geometry.channels, (geometry.channels, 1))
        _plan_pointwise(geometry, a, images, out.dtype, program, ending, results)
        return program
    planes, taps = _windows(geometry, x, program, pixels_lie_together(geometry))
    groups, filters, pixels, K = geometry.groups, geometry.filters, geometry.pixels, geometry.channels * geometry.taps
    place = groups * filters * pixels, geometry.counts[1], 1
    columns = _Columns(geometry.images, geometry.counts, planes, place)
    a = _Matrix(w, weight.dtype, filters, K, (K, 1))
    steps = filters * K, geometry.channels * planes.channel, filters * pixels
    plan = columns.plan(a, taps, steps, out.dtype, pixels, groups, program, ending)
    program.launch(plan, w, planes.source, *results, ending=ending)
    return program


def leaves_columns_empty(geometry: Geometry, K: int, dtype: DType, program: Program) -> bool:
    """Whether images have so few pixels that tiles of each by itself would be a fifth empty, and K, their channels, is
    long enough to make up for copying them."""
    tile = 2 * program.vector_bytes // compute_dtype(dtype).itemsize
    few = geometry.images > 1 and geometry.pixels < FEW_PIXELS and K >= MANY_CHANNELS
    return few and 4 * round_up(geometry.pixels, tile) > 5 * geometry.pixels


def pixels_lie_together(geometry: Geometry) -> bool:
    """Whether images that are put together into one product's columns can be copied so that a channel's pixels of all
    of them are neighbours: then no vector of them has to be put together."""
    return geometry.is_pointwise and geometry.pixels < FEW_PIXELS


def _pointwise_images(geometry: Geometry, x: Layout, program: Program) -> Source:
    """The pixels that a convolution of one tap reads, without gaps."""
    if geometry.stride == (1, 1) and x.is_contiguous:
        return "input", 0
    axes = window_axis(geometry, 0)[0], window_axis(geometry, 1)[0]
    return program.planes(x, ("input", 0), axes, x.dtype, margin=0).source


def _plan_pointwise(
    geometry: Geometry, a: _Matrix, images: Source, out_dtype: DType, program: Program, ending: Ending | None,
    results: Sequence[Source],
) -> None:  # fmt: skip
    """A plain product over the channels of images without gaps, of as many pixels as the result has."""
    groups, pixels = geometry.groups, geometry.pixels
    if ending is not None:
        pixel_steps = _pixel_steps(ending.strides, geometry.counts)
        if pixel_steps is None:
            raise CompilerError("conv2d: what follows it does not lie as the pixels of an image")
        ending = _placed(ending, a.rows, pixel_steps, ending.in_place)
    plan = plan_matmul(
        a.dtype, (geometry.images, groups), a.rows, pixels, a.K, (0, a.rows * a.K, *a.steps),
        (groups * a.K * pixels, a.K * pixels, pixels, 1),
        (groups * a.rows * pixels, a.rows * pixels, pixels, 1), level=program.level,
        vector_bytes=program.vector_bytes, out_dtype=out_dtype, ending=ending,
    )  # fmt: skip
    program.launch(plan, a.source, images, *results, ending=ending)


def plan_input_gradient(
    geometry: Geometry, g: Layout, weight: Layout, out: Layout, program: Program, ending: Ending | None = None,
    results: Sequence[Source] = (("output", 0),),
) -> Program:  # fmt: skip
    """The launches of inputs (output gradient, weight): for each residue of the stride a convolution of stride 1.

    An `ending` as in `plan_forward`; CompilerError where there are several such convolutions, each of which makes
    pixels that are no neighbours.
    """
    if ending is not None and geometry.stride != (1, 1):
        raise CompilerError("conv2d_backward_input: nothing can follow its sums where the stride is not 1")
    if pays(geometry, g.dtype) and plan_sums(geometry, g, weight, out, program, ending, results, backward=True):
        return program
    groups, channels, filters = geometry.groups, geometry.channels, geometry.filters
    unmoved = geometry.is_pointwise and geometry.stride == (1, 1)
    in_lines = ending is not None and _pixel_steps(ending.strides, geometry.counts) is None
    if unmoved and not in_lines and not leaves_columns_empty(geometry, filters, g.dtype, program):
        w, images = program.contiguous(weight, ("input", 1)), program.contiguous(g, ("input", 0))
        a = _Matrix(w, weight.dtype, channels, filters, (1, channels))
        _plan_pointwise(geometry, a, images, out.dtype, program, ending, results)
        return program
    down, across = (gradient_phases(geometry, axis) for axis in (0, 1))
    (rows, above), (columns, left) = gradient_axis(geometry, 0, down), gradient_axis(geometry, 1, across)
    wide = compute_dtype(g.dtype)
    planes = program.planes(g, ("input", 0), (rows, columns), wide, channels_first=pixels_lie_together(geometry))
    phases = [(one, other) for one in down for other in across]
    parts = _weight_parts(geometry, weight, phases, program)
    high, width = geometry.size
    place = groups * channels * high * width, geometry.stride[0] * width, geometry.stride[1]
    steps = channels * sum(a.K for a in parts), filters * planes.channel, channels * high * width
    for (one, other), a in zip(phases, parts, strict=True):
        taps = [
            planes.start + o * planes.channel + (above + row) * planes.row + left + column
            for o in range(filters) for _, row in one.taps for _, column in other.taps
        ]  # fmt: skip
        part = _Columns(geometry.images, (one.extent, other.extent), planes, place, one.first * width + other.first)
        plan = part.plan(a, taps, steps, out.dtype, high * width, groups, program, ending)
        program.launch(plan, a.source, planes.source, *results, ending=ending)
    return program


def _weight_parts(
    geometry: Geometry, weight: Layout, phases: Sequence[tuple[Phase, Phase]], program: Program
) -> list[_Matrix]:
    """The weight turned over, channels by filters and taps, for the taps of each phase: read so where it has one."""
    channels, filters = geometry.channels, geometry.filters
    orders = [[(row, column) for row, _ in one.taps for column, _ in other.taps] for one, other in phases]
    if geometry.is_pointwise:
        w = program.contiguous(weight, ("input", 1))
        return [_Matrix(w, weight.dtype, channels, len(order) * filters, (1, channels)) for order in orders]
    turned = program.turned(geometry, weight, ("input", 1), orders)
    lengths = [len(order) * filters for order in orders]
    starts = itertools.accumulate(lengths, initial=0)
    wide, steps = compute_dtype(weight.dtype), (sum(lengths), 1)
    return [_Matrix(turned, wide, channels, K, steps, start) for K, start in zip(lengths, starts, strict=False)]


def plan_weight_gradient(geometry: Geometry, x: Layout, g: Layout, out: Layout, program: Program) -> Program:
    """The launches of inputs (x, output gradient): one sum over images and pixels."""
    if pays(geometry, x.dtype):
        plan_weight_sums(geometry, x, g, out, program)
        return program
    wide = compute_dtype(g.dtype)
    if geometry.is_pointwise and geometry.images and geometry.pixels >= MANY_PIXELS and out.dtype is x.dtype is wide:
        _plan_pointwise_sum(geometry, x, g, program)
        return program
    planes, taps = _windows(geometry, x, program)
    groups, filters, pixels = geometry.groups, geometry.filters, geometry.pixels
    gradients = program.planes(g, ("input", 1), whole_axes(g.shape), wide, margin=0, channels_first=True)
    M, K = len(taps), geometry.images * pixels
    together = max(1, min(geometry.images, 256 // max(1, pixels)))
    lanes = program.vector_bytes // wide.itemsize
    found = vectors(_lines(planes, together, geometry.counts), geometry.counts[1], lanes)
    pieces, whole = _pieces(found), together * pixels % lanes == 0 and K % lanes == 0
    spec = WindowSpec(
        "window", wide, out.dtype, "k", "k", "any", False, program.level, program.vector_bytes, windows="rows",
        pieces=pieces, in_place=pieces == 1 and whole,
    )  # fmt: skip
    batch = (1, 0, 0, 0), (groups, geometry.channels * planes.channel, filters * gradients.channel, filters * M)
    operands = Operands(M, filters, K, (0, 1), (1, gradients.channel), (1, M), batch)
    padding = taps[-1:] * (-M % spec.tile_rows)
    period_bytes = together * planes.image * wide.itemsize
    tables = _Tables([*taps, *padding], found, max(1, together * pixels), period_bytes)
    program.launch(tables.plan(spec, operands), planes.source, gradients.source, ("output", 0))
    return program


def _plan_pointwise_sum(geometry: Geometry, x: Layout, g: Layout, program: Program) -> None:
    """The sum of plain products over the pixels of each image."""
    images, groups, filters, channels, pixels = (
        geometry.images, geometry.groups, geometry.filters, geometry.channels, geometry.pixels
    )  # fmt: skip
    plan = plan_matmul(
        x.dtype, (groups, images), filters, channels, pixels,
        (filters * pixels, groups * filters * pixels, pixels, 1),
        (channels * pixels, groups * channels * pixels, 1, pixels),
        (filters * channels, 0, channels, 1), level=program.level, vector_bytes=program.vector_bytes, summed=True,
    )  # fmt: skip
    program.launch(plan, program.contiguous(g, ("input", 1)), _pointwise_images(geometry, x, program), ("output", 0))


def _windows(geometry: Geometry, x: Layout, program: Program, channels_first: bool = False) -> tuple[Planes, list[int]]:
    """The planes that the windows read, and where in them each channel and tap of a group is."""
    (rows, down), (columns, across) = window_axis(geometry, 0), window_axis(geometry, 1)
    wide = compute_dtype(x.dtype)
    planes = program.planes(x, ("input", 0), (rows, columns), wide, channels_first=channels_first)
    area = rows.length * columns.length
    places = [
        (row * len(columns.spans) + column) * area + low * planes.row + right
        for row, low in down for column, right in across
    ]  # fmt: skip
    return planes, [planes.start + c * planes.channel + place for c in range(geometry.channels) for place in places]


def _lines(planes: Planes, images: int, counts: Pair) -> list[int]:
    """Where the pixels' lines begin."""
    return [image * planes.image + line * planes.row for image in range(images) for line in range(counts[0])]


def _pieces(found: list[list[Pair]]) -> int:
    return max((len(vector) for vector in found), default=1)


def _pixel_steps(slots: Sequence[Sequence[int]], counts: Pair) -> list[int] | None:
    """How far pixels lie apart in each slot of an ending; None where in one of them lines do not go on."""
    found = [pixel_step(strides[2:], counts) for strides in slots]
    known = [step for step in found if step is not None]
    return known if len(known) == len(found) else None


def _placed(ending: Ending, filters: int, pixel_steps: list[int], in_place: bool) -> Ending:
    """An ending over images, filters, rows and columns as one over images, groups, a group's filters, and pixels."""
    places = zip(ending.strides, pixel_steps, strict=True)
    strides = tuple((image, filters * o, o, pixel) for (image, o, *_), pixel in places)
    return replace(ending, strides=strides, in_place=in_place)


@dataclass(frozen=True)
class _Matrix:
    """A: `rows` of `K` elements, from element `start` of a tensor on; `steps` between rows and along K."""

    source: Source
    dtype: DType
    rows: int
    K: int
    steps: Pair
    start: int = 0


@dataclass(frozen=True)
class _Columns:
    """Pixels as the columns of a product: of each image by itself, or of all images where they have few.

    `place` is how far images, lines and pixels of the result lie apart, `start` where its first one is.
    """

    images: int
    counts: Pair
    planes: Planes
    place: tuple[int, int, int]
    start: int = 0

    def plan(
        self, a: _Matrix, taps: list[int], steps: tuple[int, int, int], out_dtype: DType, c_row: int, groups: int,
        program: Program, ending: Ending | None = None,
    ) -> MatmulPlan:  # fmt: skip
        """The product's plan; `steps` are between the groups of A, of the planes and of C."""
        (high, wide), (c_image, c_line, c_pixel) = self.counts, self.place
        pixels, compute = high * wide, compute_dtype(a.dtype)
        together = pixels < FEW_PIXELS and self.images > 1
        unbroken = c_pixel == 1 and (c_line == wide or high == 1)
        slots = () if ending is None else ending.strides
        pixel_steps = _pixel_steps(slots, self.counts) if unbroken else None
        unbroken = pixel_steps is not None
        runs = together or not unbroken
        if pixel_steps is None:
            pixel_steps = [pixel for *_, pixel in slots]
        if ending is not None:
            ending = _placed(ending, a.rows, pixel_steps, ending.in_place and not runs)
        lines = _lines(self.planes, self.images if together else 1, self.counts)
        found = vectors(lines, wide, program.vector_bytes // compute.itemsize)
        pieces = _pieces(found)
        spec = WindowSpec(
            "window", a.dtype, out_dtype, "k" if a.steps[1] == 1 else "row", "any",
            "column" if c_pixel == 1 else "any", False, program.level, program.vector_bytes, ending, pieces=pieces,
            in_place=pieces == 1, runs=runs,
        )  # fmt: skip
        spec = packed_where_needed(spec, a.steps[0], a.K)
        # the planes are of the sums' format, their strides counted in elements of A's
        factor = compute.itemsize // a.dtype.itemsize
        images = (1, 0, 0, 0) if together else (self.images, 0, self.planes.image * factor, c_image)
        batch = (
            (*images, *(n for n, *_ in slots)),
            (groups, steps[0], steps[1] * factor, steps[2], *(a.rows * o for _, o, *_ in slots)),
        )
        columns = pixels * self.images if together else pixels
        c = c_row, 0 if runs else c_pixel
        along = tuple((o, pixel) for (_, o, *_), pixel in zip(slots, pixel_steps, strict=True))
        operands = Operands(a.rows, columns, a.K, a.steps, (0, 0), c, batch, along)
        cut = (pixels, 1, c_image, 0, c_pixel) if unbroken else (wide, high, c_image, c_line, c_pixel)
        places = tuple(step for n, _, h, _ in slots for step in (n, h))
        return _Tables(taps, found, max(1, a.K), 0, cut, (a.start, self.start), places).plan(spec, operands)


@dataclass(frozen=True)
class _Tables:
    """What a window kernel reads beside a matmul's numbers, see `WindowMeta`; offsets in elements of the planes."""

    taps: list[int]
    vectors: list[list[Pair]]
    period: int
    period_bytes: int
    runs: tuple[int, int, int, int, int] = (1, 1, 0, 0, 0)
    starts: Pair = (0, 0)
    #: for each slot of an ending how far images and lines lie apart, in bytes
    slot_places: tuple[int, ...] = ()

    def plan(self, spec: WindowSpec, operands: Operands) -> MatmulPlan:
        """The plan with the tables behind a matmul's numbers."""
        tiles = choose_tiles(window_costs(spec, operands.K), operands.M, operands.N, operands.batches)
        k_blocks = -(-self.period // spec.k_block)
        k_block = round_up(-(-self.period // k_blocks), 2 * spec.lanes)
        a_bytes, b_bytes, c_bytes = scratch_layout(spec, tiles.unit_rows, tiles.unit_columns)
        scratch = a_bytes + (0 if spec.b_in_place else b_bytes) + c_bytes

        def make_kernel(_: Spec) -> str:
            return make_window_kernel(spec)

        plan = make_plan(spec, operands, tiles, make_kernel, scratch, window_parts(spec), k_block=k_block)
        size = spec.compute.itemsize
        numbers = (*plan.meta, *self.runs, self.period, self.period_bytes, *self.starts)
        pixels = len(numbers) + 1 + len(self.slot_places) + len(self.taps)
        offsets = [offset * size for offset in self.taps]
        table = pixel_table(self.vectors, spec.pieces, spec.lanes, size)
        return replace(plan, meta=(*numbers, pixels, *self.slot_places, *offsets, *table))
