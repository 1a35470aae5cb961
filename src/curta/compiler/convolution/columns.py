"""Pixels as the columns of a product whose other operand is a weight, and what a window kernel reads of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

from curta.compiler.convolution.band import Band
from curta.compiler.convolution.geometry import Pair, most_pieces, pixel_step, pixel_table, vectors
from curta.compiler.convolution.program import MARGIN, Planes, Program, Source
from curta.compiler.convolution.window import WindowSpec, make_window_kernel, window_costs, window_parts
from curta.compiler.matmul import MatmulPlan
from curta.compiler.matmul.block import scratch_layout
from curta.compiler.matmul.ending import Ending
from curta.compiler.matmul.plan import Operands, make_plan, packed_where_needed
from curta.compiler.matmul.spec import Spec
from curta.compiler.matmul.tiles import Tiles, choose_tiles, round_up
from curta.dtypes import DType, compute_dtype

#: images with fewer windows than this are put together into the columns of one product
FEW_PIXELS = 256
#: with so many filters windows are packed where they could be read in place: then they lie side by side, and are read
#: again for every few filters
MANY_FILTERS = 128


@dataclass(frozen=True)
class Matrix:
    """A: `rows` of `K` elements, from element `start` of a tensor on; `steps` between rows and along K."""

    source: Source
    dtype: DType
    rows: int
    K: int
    steps: Pair
    start: int = 0


@dataclass(frozen=True)
class Windows:
    """What a pixel's window reads: for each of a group's channels the elements at `taps`, a plane's number, a row and a
    column in it.

    With a `band` the planes are those that units make for themselves.
    """

    planes: Planes
    channels: int
    taps: tuple[tuple[int, int, int], ...]
    band: Band | None = None

    @property
    def offsets(self) -> list[int]:
        """How far behind a pixel each channel and tap lies."""
        planes = self.planes
        places = [plane * planes.area + row * planes.row + column for plane, row, column in self.taps]
        return [planes.start + channel * planes.channel + place for channel in range(self.channels) for place in places]

    @property
    def steps(self) -> Pair:
        """How far images and groups lie apart, in the planes or in what bands are made of."""
        if self.band is None:
            return self.planes.image, self.channels * self.planes.channel
        image, channel, *_ = self.band.x.strides
        return image, self.channels * channel


@dataclass(frozen=True)
class Columns:
    """Pixels as the columns of a product: of each image by itself, or of all images where they have few.

    `place` is how far images, lines and pixels of the result lie apart, `start` where its first one is.
    """

    images: int
    counts: Pair
    windows: Windows
    place: tuple[int, int, int]
    start: int = 0

    @property
    def together(self) -> bool:
        """The pixels of all images are columns of one product."""
        return self.images > 1 and self.counts[0] * self.counts[1] < FEW_PIXELS

    def plan(
        self, a: Matrix, steps: Pair, out_dtype: DType, c_row: int, groups: int, program: Program,
        ending: Ending | None = None,
    ) -> MatmulPlan:  # fmt: skip
        """The product's plan; `steps` are between the groups of A and of C."""
        (high, wide), (c_image, c_line, c_pixel) = self.counts, self.place
        pixels, windows, together = high * wide, self.windows, self.together
        unbroken = c_pixel == 1 and (c_line == wide or high == 1)
        slots = () if ending is None else ending.strides
        along_pixels = pixel_steps(slots, self.counts) if unbroken else None
        unbroken = along_pixels is not None
        runs = together or not unbroken
        if along_pixels is None:
            along_pixels = [pixel for *_, pixel in slots]
        if ending is not None:
            ending = placed(ending, a.rows, along_pixels, ending.in_place and not runs)
        spec = self._spec(a, out_dtype, program, ending, runs)
        tiles = self._tiles(spec, a, groups)
        if windows.band is not None:
            windows = replace(windows, planes=windows.band.planes(tiles.unit_columns, together))
        # planes are of the sums' format, strides counted in elements of A's
        factor = 1 if windows.band else spec.compute.itemsize // a.dtype.itemsize
        image, group = (factor * step for step in windows.steps)
        batch = (
            (*((1, 0, 0, 0) if together else (self.images, 0, image, c_image)), *(n for n, *_ in slots)),
            (groups, steps[0], group, steps[1], *(a.rows * o for _, o, *_ in slots)),
        )
        along = tuple((o, pixel) for (_, o, *_), pixel in zip(slots, along_pixels, strict=True))
        c = c_row, 0 if runs else c_pixel
        columns = pixels * self.images if together else pixels
        operands = Operands(a.rows, columns, a.K, a.steps, (0, 0), c, batch, along)
        cut = (pixels, 1, c_image, 0, c_pixel) if unbroken else (wide, high, c_image, c_line, c_pixel)
        places = tuple(step for n, _, h, _ in slots for step in (n, h))
        found = vectors(lines(windows.planes, self.images if together else 1, self.counts), wide, spec.lanes)
        made = None if windows.band is None else MadeBand(windows.band, windows.planes, together)
        # whole channels, with a band or without one: how sums are cut does not follow from tiles
        step = len(windows.taps) if 0 < len(windows.taps) <= spec.k_block else 2 * spec.lanes
        tables = Tables(windows.offsets, found, max(1, a.K), 0, step, cut, (a.start, self.start), places, made)
        return tables.plan(spec, operands, tiles)

    def band_pays(self, a: Matrix, out_dtype: DType, groups: int, program: Program) -> bool:
        """Whether units make the planes for themselves: where each does for all of A, and windows have to be packed."""
        spec = self._spec(a, out_dtype, program, None, self.together)
        fits = len(self.windows.taps) <= spec.k_block
        return fits and not spec.in_place and self._tiles(spec, a, groups).row_tiles == 1

    def _tiles(self, spec: WindowSpec, a: Matrix, groups: int) -> Tiles:
        columns, images = self.counts[0] * self.counts[1], self.images
        if self.together:
            columns, images = columns * images, 1
        return choose_tiles(window_costs(spec, a.K), a.rows, columns, images * groups)

    def _spec(self, a: Matrix, out_dtype: DType, program: Program, ending: Ending | None, runs: bool) -> WindowSpec:
        band, lanes = self.windows.band, program.lanes(compute_dtype(a.dtype))
        images = self.images if self.together else 1
        pieces = most_pieces(*self.windows.planes.runs(images, self.counts), lanes)
        in_place = pieces == 1 and (band is None or a.rows < MANY_FILTERS)
        spec = WindowSpec(
            "window", a.dtype, out_dtype, "k" if a.steps[1] == 1 else "row", "any",
            "column" if self.place[2] == 1 else "any", False, program.level, program.vector_bytes, ending,
            pieces=pieces, in_place=in_place, runs=runs, band=None if band is None else band.step,
        )  # fmt: skip
        return packed_where_needed(replace(spec, low=3 * a.rows <= spec.tile_rows), a.steps[0], a.K)


class MadeBand(NamedTuple):
    """A band, where it has everything, and whether it is of images `together`, or else of a unit's lines."""

    band: Band
    planes: Planes
    together: bool


@dataclass(frozen=True)
class Tables:
    """What a window kernel reads beside a matmul's numbers, see `WindowMeta`; offsets in elements of the planes."""

    taps: list[int]
    vectors: list[list[Pair]]
    period: int
    period_bytes: int
    #: K is cut into blocks of a multiple of so many
    k_step: int
    runs: tuple[int, int, int, int, int] = (1, 1, 0, 0, 0)
    starts: Pair = (0, 0)
    #: for each slot of an ending how far images and lines lie apart, in bytes
    slot_places: tuple[int, ...] = ()
    made: MadeBand | None = None

    def plan(self, spec: WindowSpec, operands: Operands, tiles: Tiles) -> MatmulPlan:
        """The plan with the tables behind a matmul's numbers."""
        a_bytes, b_bytes, c_bytes = scratch_layout(spec, tiles.unit_rows, tiles.unit_columns)
        scratch = a_bytes + (0 if spec.b_in_place else b_bytes) + c_bytes
        size, words = spec.compute.itemsize, list[int]()
        if self.made is not None:
            band, planes, together = self.made
            begin = round_up(scratch, MARGIN)
            words = band.meta(planes, begin, together, size)
            scratch = begin + band.nbytes(planes, size)

        def make_kernel(_: Spec) -> str:
            return make_window_kernel(spec)

        parts = window_parts(spec)
        plan = make_plan(spec, operands, tiles, make_kernel, scratch, parts, k_block=self._k_block(spec))
        numbers = (*plan.meta, *self.runs, self.period, self.period_bytes, *self.starts)
        pixels = len(numbers) + 2 + len(self.slot_places) + len(self.taps)
        offsets = [offset * size for offset in self.taps]
        table = pixel_table(self.vectors, spec.pieces, spec.lanes, size)
        places = pixels, pixels + len(table)
        return replace(plan, meta=(*numbers, *places, *self.slot_places, *offsets, *table, *words))

    def _k_block(self, spec: WindowSpec) -> int:
        """How much of K is packed at a time: even blocks."""
        count = -(-self.period // (spec.k_block - spec.k_block % self.k_step))
        return round_up(-(-self.period // count), self.k_step)


def lines(planes: Planes, images: int, counts: Pair) -> list[int]:
    """Where the pixels' lines begin."""
    return [image * planes.image + line * planes.row for image in range(images) for line in range(counts[0])]


def pixel_steps(slots: Sequence[Sequence[int]], counts: Pair) -> list[int] | None:
    """How far pixels lie apart in each slot of an ending; None where in one of them lines do not go on."""
    found = [pixel_step(strides[2:], counts) for strides in slots]
    known = [step for step in found if step is not None]
    return known if len(known) == len(found) else None


def placed(ending: Ending, filters: int, along_pixels: Sequence[int], in_place: bool) -> Ending:
    """An ending over images, filters, rows and columns as one over images, groups, a group's filters, and pixels."""
    places = zip(ending.strides, along_pixels, strict=True)
    strides = tuple((image, filters * o, o, pixel) for (image, o, *_), pixel in places)
    return replace(ending, strides=strides, in_place=in_place)
