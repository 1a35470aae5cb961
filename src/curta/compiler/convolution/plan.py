"""Choosing kernels, tiles and tables for a convolution and its two gradients.

Each is one or more products of which one operand is made of windows: the result's columns are pixels, or (in the
weight's gradient) its rows are channels and taps. Images are copied into planes with zeros around, one for each residue
of the stride that a tap reads, so that all windows are read at stride 1: all beforehand, or a few channels at a time by
the unit that packs their windows (`band.py`).
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import replace

from curta.compiler.convolution.band import Band
from curta.compiler.convolution.columns import (
    FEW_PIXELS,
    Columns,
    MadeBand,
    Matrix,
    Tables,
    Windows,
    lines,
    pixel_steps,
    placed,
)
from curta.compiler.convolution.geometry import (
    Geometry,
    Phase,
    gradient_axis,
    gradient_phases,
    most_pieces,
    vectors,
    window_axis,
)  # fmt: skip
from curta.compiler.convolution.program import Planes, Program, Source, whole_axes
from curta.compiler.convolution.window import WindowSpec, window_costs
from curta.compiler.convolution.winograd import pays, plan_sums, plan_weight_sums
from curta.compiler.matmul import plan_matmul
from curta.compiler.matmul.ending import Ending
from curta.compiler.matmul.plan import Operands
from curta.compiler.matmul.spec import K_BLOCK
from curta.compiler.matmul.tiles import choose_tiles, round_up
from curta.dtypes import DType, compute_dtype
from curta.errors import CompilerError
from curta.memory.layout import Layout

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
    [(('input', 1), ('input', 0), ('output', 0))]
    """
    if pays(geometry, x.dtype) and plan_sums(geometry, x, weight, out, program, ending, results, backward=False):
        return program
    w = program.contiguous(weight, ("input", 1))
    if geometry.is_pointwise and not leaves_columns_empty(geometry, geometry.channels, x.dtype, program):
        images = _pointwise_images(geometry, x, program)
        a = Matrix(w, weight.dtype, geometry.filters, geometry.channels, (geometry.channels, 1))
        _plan_pointwise(geometry, a, images, out.dtype, program, ending, results)
        return program
    groups, pixels, K = geometry.groups, geometry.pixels, geometry.channels * geometry.taps
    a = Matrix(w, weight.dtype, geometry.filters, K, (K, 1))
    place = groups * a.rows * pixels, geometry.counts[1], 1
    windows, band = _windows(geometry, x)
    columns = Columns(geometry.images, geometry.counts, windows, place)
    neighbours = pixels_lie_together(geometry)
    if neighbours or not columns.band_pays(a, out.dtype, groups, program):
        columns = replace(columns, windows=_copied(windows, band, program, neighbours))
    plan = columns.plan(a, (a.rows * K, a.rows * pixels), out.dtype, pixels, groups, program, ending)
    program.launch(plan, w, columns.windows.planes.source, *results, ending=ending)
    return program


def leaves_columns_empty(geometry: Geometry, K: int, dtype: DType, program: Program) -> bool:
    """Whether images have so few pixels that tiles of each by itself would be a fifth empty, and K, their channels, is
    long enough to make up for copying them."""
    tile = 2 * program.lanes(compute_dtype(dtype))
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
    geometry: Geometry, a: Matrix, images: Source, out_dtype: DType, program: Program, ending: Ending | None,
    results: Sequence[Source],
) -> None:  # fmt: skip
    """A plain product over the channels of images without gaps, of as many pixels as the result has."""
    groups, pixels = geometry.groups, geometry.pixels
    if ending is not None:
        along_pixels = pixel_steps(ending.strides, geometry.counts)
        if along_pixels is None:
            raise CompilerError("conv2d: what follows it does not lie as the pixels of an image")
        ending = placed(ending, a.rows, along_pixels, ending.in_place)
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
    in_lines = ending is not None and pixel_steps(ending.strides, geometry.counts) is None
    if unmoved and not in_lines and not leaves_columns_empty(geometry, filters, g.dtype, program):
        w, images = program.contiguous(weight, ("input", 1)), program.contiguous(g, ("input", 0))
        a = Matrix(w, weight.dtype, channels, filters, (1, channels))
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
    steps = channels * sum(a.K for a in parts), channels * high * width
    for (one, other), a in zip(phases, parts, strict=True):
        taps = tuple((0, above + row, left + column) for _, row in one.taps for _, column in other.taps)
        counts, start = (one.extent, other.extent), one.first * width + other.first
        part = Columns(geometry.images, counts, Windows(planes, filters, taps), place, start)
        plan = part.plan(a, steps, out.dtype, high * width, groups, program, ending)
        program.launch(plan, a.source, planes.source, *results, ending=ending)
    return program


def _weight_parts(
    geometry: Geometry, weight: Layout, phases: Sequence[tuple[Phase, Phase]], program: Program
) -> list[Matrix]:
    """The weight turned over, channels by filters and taps, for the taps of each phase: read so where it has one."""
    channels, filters = geometry.channels, geometry.filters
    orders = [[(row, column) for row, _ in one.taps for column, _ in other.taps] for one, other in phases]
    if geometry.is_pointwise:
        w = program.contiguous(weight, ("input", 1))
        return [Matrix(w, weight.dtype, channels, len(order) * filters, (1, channels)) for order in orders]
    turned = program.turned(geometry, weight, ("input", 1), orders)
    lengths = [len(order) * filters for order in orders]
    starts = itertools.accumulate(lengths, initial=0)
    wide, steps = compute_dtype(weight.dtype), (sum(lengths), 1)
    return [Matrix(turned, wide, channels, K, steps, start) for K, start in zip(lengths, starts, strict=False)]


def plan_weight_gradient(geometry: Geometry, x: Layout, g: Layout, out: Layout, program: Program) -> Program:
    """The launches of inputs (x, output gradient): one sum over images and pixels."""
    if pays(geometry, x.dtype):
        plan_weight_sums(geometry, x, g, out, program)
        return program
    wide = compute_dtype(g.dtype)
    if geometry.is_pointwise and geometry.images and geometry.pixels >= MANY_PIXELS and out.dtype is x.dtype is wide:
        _plan_pointwise_sum(geometry, x, g, program)
        return program
    gradients = program.planes(g, ("input", 1), whole_axes(g.shape), wide, margin=0, channels_first=True)
    _plan_weight_sum(geometry, x, gradients, out, program)
    return program


def _plan_weight_sum(geometry: Geometry, x: Layout, gradients: Planes, out: Layout, program: Program) -> None:
    """The product of windows as rows and the gradients of results, [filter, image, pixel]."""
    wide, counts, (windows, band) = compute_dtype(x.dtype), geometry.counts, _windows(geometry, x)
    groups, filters, pixels = geometry.groups, geometry.filters, geometry.pixels
    M, K = geometry.channels * geometry.taps, geometry.images * pixels
    together = max(1, min(geometry.images, K_BLOCK // max(1, pixels)))
    period = max(1, together * pixels)
    lanes, whole_vectors = program.lanes(wide), K % program.lanes(wide) == period % program.lanes(wide) == 0

    def spec_of(planes: Planes) -> WindowSpec:
        pieces = most_pieces(*planes.runs(together, counts), lanes)
        return WindowSpec(
            "window", wide, out.dtype, "k", "k", "any", False, program.level, program.vector_bytes, windows="rows",
            pieces=pieces, in_place=pieces == 1 and whole_vectors,
        )  # fmt: skip

    spec, made = spec_of(windows.planes), None
    tiles = choose_tiles(window_costs(spec, K), M, filters, groups)
    if not spec.in_place and x.dtype is wide and tiles.column_tiles == 1:
        windows = replace(windows, planes=band.planes(min(period, K_BLOCK), together > 1))
        made, spec = MadeBand(band, windows.planes, together > 1), replace(spec, band=band.step)
    else:
        windows = _copied(windows, band, program)
        spec = spec_of(windows.planes)
        tiles = choose_tiles(window_costs(spec, K), M, filters, groups)
    image, group = windows.steps
    batch = (1, 0, 0, 0), (groups, group, filters * gradients.channel, filters * M)
    operands = Operands(M, filters, K, (0, 1), (1, gradients.channel), (1, M), batch)
    taps = windows.offsets
    padded = [*taps, *taps[-1:] * (-M % spec.tile_rows)]
    found = vectors(lines(windows.planes, together, counts), counts[1], lanes)
    tables = Tables(padded, found, period, together * image * wide.itemsize, 2 * lanes, made=made)
    program.launch(tables.plan(spec, operands, tiles), windows.planes.source, gradients.source, ("output", 0))


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


def _windows(geometry: Geometry, x: Layout) -> tuple[Windows, Band]:
    """What the windows read in planes that units make, here of whole images, and what these are made of."""
    (rows, down), (columns, across) = window_axis(geometry, 0), window_axis(geometry, 1)
    band = Band(x, (rows, columns), geometry.counts, geometry.channels, geometry.taps)
    taps = tuple((row * len(columns.spans) + column, low, right) for row, low in down for column, right in across)
    return Windows(band.planes(geometry.pixels, together=True), geometry.channels, taps, band), band


def _copied(windows: Windows, band: Band, program: Program, channels_first: bool = False) -> Windows:
    """The same in planes of all images, made beforehand."""
    x = band.x
    planes = program.planes(x, ("input", 0), band.axes, compute_dtype(x.dtype), channels_first=channels_first)
    return replace(windows, planes=planes, band=None)
