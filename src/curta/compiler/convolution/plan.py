"""Choosing kernels, tiles and tables for a convolution and its two gradients.

Each is one or more products of which one operand is made of windows: the result's columns are pixels, or (in the
weight's gradient) its rows are channels and taps. Images are first copied into planes with zeros around, one for each
residue of the stride that a tap reads, so that all windows are read at stride 1.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from curta.compiler.convolution.geometry import (
    Geometry,
    Pair,
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
from curta.compiler.matmul.plan import Operands, make_plan
from curta.compiler.matmul.spec import Spec
from curta.compiler.matmul.tiles import choose_tiles, round_up
from curta.dtypes import DType, compute_dtype
from curta.errors import CompilerError
from curta.memory.layout import Layout

#: images with fewer windows than this are put together into the columns of one product
FEW_PIXELS = 256
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
    if geometry.is_pointwise and not leaves_columns_empty(geometry, x.dtype, program):
        _plan_pointwise(geometry, x, w, out.dtype, program, ending, results)
        return program
    planes, taps = _windows(geometry, x, program)
    groups, filters, pixels, K = geometry.groups, geometry.filters, geometry.pixels, geometry.channels * geometry.taps
    place = groups * filters * pixels, geometry.counts[1], 1
    columns = _Columns(geometry.images, geometry.counts, planes, place)
    a = _Matrix(w, weight.dtype, filters, K, K)
    steps = filters * K, geometry.channels * planes.channel, filters * pixels
    plan = columns.plan(a, taps, steps, out.dtype, pixels, groups, program, ending)
    program.launch(plan, w, planes.source, *results, ending=ending)
    return program


def leaves_columns_empty(geometry: Geometry, dtype: DType, program: Program) -> bool:
    """Whether images have so few pixels that tiles of each by itself would be a fifth empty, and channels enough to
    make up for copying them."""
    tile = 2 * program.vector_bytes // compute_dtype(dtype).itemsize
    few = geometry.images > 1 and geometry.pixels < FEW_PIXELS and geometry.channels >= MANY_CHANNELS
    return few and 4 * round_up(geometry.pixels, tile) > 5 * geometry.pixels


def _plan_pointwise(
    geometry: Geometry, x: Layout, w: Source, out_dtype: DType, program: Program, ending: Ending | None,
    results: Sequence[Source],
) -> None:  # fmt: skip
    """A plain product over the channels, of the image itself where it lies well."""
    groups, channels, filters, pixels = geometry.groups, geometry.channels, geometry.filters, geometry.pixels
    source: Source = ("input", 0)
    if geometry.stride != (1, 1) or not x.is_contiguous:
        axes = window_axis(geometry, 0)[0], window_axis(geometry, 1)[0]
        source = program.planes(x, source, axes, x.dtype, margin=0).source
    if ending is not None:
        pixel_steps = _pixel_steps(ending.strides, geometry.counts)
        if pixel_steps is None:
            raise CompilerError("conv2d: what follows it does not lie as the pixels of an image")
        ending = _placed(ending, filters, pixel_steps, ending.in_place)
    plan = plan_matmul(
        x.dtype, (geometry.images, groups), filters, pixels, channels, (0, filters * channels, channels, 1),
        (groups * channels * pixels, channels * pixels, pixels, 1),
        (groups * filters * pixels, filters * pixels, pixels, 1), level=program.level,
        vector_bytes=program.vector_bytes, out_dtype=out_dtype, ending=ending,
    )  # fmt: skip
    program.launch(plan, w, source, *results, ending=ending)


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
    down, across = (gradient_phases(geometry, axis) for axis in (0, 1))
    (rows, above), (columns, left) = gradient_axis(geometry, 0, down), gradient_axis(geometry, 1, across)
    wide = compute_dtype(g.dtype)
    planes = program.planes(g, ("input", 0), (rows, columns), wide)
    phases = [(one, other) for one in down for other in across]
    orders = [[(row, column) for row, _ in one.taps for column, _ in other.taps] for one, other in phases]
    turned = program.turned(geometry, weight, ("input", 1), orders)
    K = sum(map(len, orders)) * filters
    high, width = geometry.size
    place = groups * channels * high * width, geometry.stride[0] * width, geometry.stride[1]
    steps = channels * K, filters * planes.channel, channels * high * width
    done = 0
    for one, other in phases:
        taps = [
            planes.start + o * planes.channel + (above + row) * planes.row + left + column
            for o in range(filters) for _, row in one.taps for _, column in other.taps
        ]  # fmt: skip
        a = _Matrix(turned, wide, channels, len(taps), K, done)
        part = _Columns(geometry.images, (one.extent, other.extent), planes, place, one.first * width + other.first)
        plan = part.plan(a, taps, steps, out.dtype, high * width, groups, program, ending)
        program.launch(plan, turned, planes.source, *results, ending=ending)
        done += len(taps)
    return program


def plan_weight_gradient(geometry: Geometry, x: Layout, g: Layout, out: Layout, program: Program) -> Program:
    """The launches of inputs (x, output gradient): one sum over images and pixels."""
    if pays(geometry, x.dtype):
        plan_weight_sums(geometry, x, g, out, program)
        return program
    planes, taps = _windows(geometry, x, program)
    groups, filters, pixels, wide = geometry.groups, geometry.filters, geometry.pixels, compute_dtype(g.dtype)
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
    batch = (1, 0, 0, 0), (groups, geometry.channels * planes.channel, filters * K, filters * M)
    operands = Operands(M, filters, K, (0, 1), (1, K), (1, M), batch)
    padding = taps[-1:] * (-M % spec.tile_rows)
    period_bytes = together * planes.image * wide.itemsize
    tables = _Tables([*taps, *padding], found, max(1, together * pixels), period_bytes)
    program.launch(tables.plan(spec, operands), planes.source, gradients.source, ("output", 0))
    return program


def _windows(geometry: Geometry, x: Layout, program: Program) -> tuple[Planes, list[int]]:
    """The planes that the windows read, and where in them each channel and tap of a group is."""
    (rows, down), (columns, across) = window_axis(geometry, 0), window_axis(geometry, 1)
    planes = program.planes(x, ("input", 0), (rows, columns), compute_dtype(x.dtype))
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
    """A: `rows` of `K` elements, `row_step` apart, from element `start` of a tensor on."""

    source: Source
    dtype: DType
    rows: int
    K: int
    row_step: int
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
            "window", a.dtype, out_dtype, "k", "any", "column" if c_pixel == 1 else "any", False, program.level,
            program.vector_bytes, ending, pieces=pieces, in_place=pieces == 1, runs=runs,
        )  # fmt: skip
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
        operands = Operands(a.rows, columns, a.K, (a.row_step, 1), (0, 0), c, batch, along)
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
