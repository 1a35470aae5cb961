"""The launches of a convolution as they are put together, and the copies that come before the sums."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from curta.compiler.convolution.copies import (
    ROWS_TOGETHER,
    VECTOR_STEPS,
    make_planes_kernel,
    make_turn_kernel,
    planes_key,
    turn_key,
)  # fmt: skip
from curta.compiler.convolution.geometry import Axis, Geometry, Pair, make_axis
from curta.compiler.matmul.ending import Ending
from curta.compiler.matmul.finish import LINE_BYTES
from curta.compiler.matmul.plan import MatmulPlan
from curta.dtypes import DType, compute_dtype
from curta.memory.layout import Layout, contiguous

#: bytes around planes: a vector that is read for some of its lanes may begin before them, or end behind them
MARGIN = 64
#: elements copied in one task
COPY_ELEMENTS = 16384

#: where an operand is: ("input", n), ("output", n) or ("partial", n)
Source = tuple[str, int]


class Launch(NamedTuple):
    """A kernel with its numbers, and where each of its operands is: two, and the result or the slots of an ending."""

    plan: MatmulPlan
    sources: tuple[Source, ...]
    ending: Ending | None = None


class Planes(NamedTuple):
    """Images copied into planes: how far images, channels, rows and planes lie apart, in elements; `start` is the
    first."""

    source: Source
    start: int
    image: int
    channel: int
    row: int
    area: int

    def runs(self, images: int, counts: Pair) -> tuple[int, int]:
        """How long the runs of neighbours are that pixels of so many images lie in, and how many there are."""
        high, wide = counts
        if high > 1 and self.row != wide:
            return wide, high * images
        return (images * high * wide, 1) if self.image == high * wide else (high * wide, images)


@dataclass
class Program:
    """Launches in order, and the layouts of the temporaries between them, for one processor."""

    level: str
    vector_bytes: int
    launches: list[Launch] = field(default_factory=list)
    temporaries: list[Layout] = field(default_factory=list)

    def lanes(self, dtype: DType) -> int:
        """Elements of a vector."""
        return self.vector_bytes // dtype.itemsize

    def launch(self, plan: MatmulPlan, *sources: Source, ending: Ending | None = None) -> None:
        """Append a launch."""
        self.launches.append(Launch(plan, sources, ending))

    def temporary(self, elements: int, dtype: DType) -> Source:
        """Room for so many elements."""
        self.temporaries.append(contiguous((elements,), dtype))
        return "partial", len(self.temporaries) - 1

    def contiguous(self, layout: Layout, source: Source) -> Source:
        """A tensor of rank 4 without gaps: itself, or a copy."""
        if layout.is_contiguous:
            return source
        return self.planes(layout, source, whole_axes(layout.shape), layout.dtype, margin=0).source

    def planes(
        self, layout: Layout, source: Source, axes: tuple[Axis, Axis], dtype: DType, *, margin: int = MARGIN,
        channels_first: bool = False,
    ) -> Planes:  # fmt: skip
        """Images [N, C, H, W] of any strides copied into planes [N, C, plane, rows, columns], or [C, N, ...]: there the
        channels begin a whole number of cache lines apart, an odd one so that they do not displace each other."""
        images, channels = layout.shape[:2]
        rows, columns = axes
        channel = len(rows.spans) * len(columns.spans) * rows.length * columns.length
        line = LINE_BYTES // dtype.itemsize
        apart = (-(-images * channel // line) | 1) * line if channels_first else channel
        steps = (channel, apart) if channels_first else (channels * channel, channel)
        start, room = margin // dtype.itemsize, channels * apart if channels_first else images * channels * channel
        target = self.temporary(room + 2 * start, dtype)
        planes = Planes(target, start, *steps, columns.length, rows.length * columns.length)
        self._copy_images(layout, source, axes, dtype, planes, images_first=True)
        return planes

    def lines(self, layout: Layout, source: Source, axes: tuple[Axis, Axis], dtype: DType) -> Planes:
        """As `planes`, all images side by side: [C, plane, rows, N, columns]."""
        images, channels = layout.shape[:2]
        rows, columns = axes
        row = images * columns.length
        channel = len(rows.spans) * len(columns.spans) * rows.length * row
        start = MARGIN // dtype.itemsize
        target = self.temporary(channels * channel + 2 * start, dtype)
        planes = Planes(target, start, columns.length, channel, row, rows.length * row)
        self._copy_images(layout, source, axes, dtype, planes, images_first=False)
        return planes

    def _copy_images(
        self, layout: Layout, source: Source, axes: tuple[Axis, Axis], dtype: DType, planes: Planes, *,
        images_first: bool,
    ) -> None:  # fmt: skip
        """Append the copy into planes; unit by unit goes from image to image, or from channel to channel, so that what
        is written lies in order."""
        rows, columns = axes
        images, channels = layout.shape[:2]
        row, column = layout.strides[2] * rows.step, layout.strides[3] * columns.step
        parts = [
            (
                (number * len(columns.spans) + other) * planes.area,
                down.source * layout.strides[2] + across.source * layout.strides[3],
                *(down.extent, across.extent, down.first, rows.length - down.first - down.extent),
                *(across.first, columns.length - across.first - across.extent),
            )
            for number, down in enumerate(rows.spans)
            for other, across in enumerate(columns.spans)
        ]
        unbroken = planes.row == columns.length and row == columns.length * column
        if unbroken and len(parts) == 1 and not any(parts[0][4:]):
            parts = [(0, parts[0][1], 1, rows.length * columns.length, 0, 0, 0, 0)]
        steps = [(layout.strides[0], planes.image), (layout.strides[1], planes.channel)]
        (from_outer, to_outer), (from_inner, to_inner) = steps if images_first else steps[::-1]
        meta = (
            channels if images_first else images, from_outer, from_inner, row, column, planes.start, to_outer, to_inner,
            planes.row, len(parts), *(number for part in parts for number in part),
        )  # fmt: skip
        arguments = layout.dtype, dtype, column if column in VECTOR_STEPS else 0, self.level, self.vector_bytes
        elements, places = len(parts) * rows.length * columns.length, (source, planes.source)
        self._copy(planes_key(*arguments), make_planes_kernel, arguments, meta, images * channels, elements, places)

    def turned(self, geometry: Geometry, layout: Layout, source: Source, orders: Sequence[Sequence[Pair]]) -> Source:
        """A weight with channels and filters changed over, in the sums' format: [group][c] from [group, o][c][tap].

        For each channel, one behind the other, the taps of each of the `orders`: [o][tap].
        """
        groups, channels, filters = geometry.groups, geometry.channels, geometry.filters
        per_filter, per_channel, per_row, per_column = layout.strides
        row, dtype = sum(map(len, orders)) * filters, compute_dtype(layout.dtype)
        runs: list[tuple[int, int, int, int]] = []
        begin = 0
        for order in orders:
            places = [down * per_row + across * per_column for down, across in order]
            for number, place in enumerate(places):
                if number and place == places[number - 1] + 1:
                    at, to, length, step = runs.pop()
                    runs.append((at, to, length + 1, step))
                else:
                    runs.append((place, begin + number, 1, len(order)))
            begin += len(order) * filters
        meta = (
            groups, channels, filters, filters * per_filter, per_channel, per_filter, channels * row, row, len(runs),
            *(word for run in runs for word in run),
        )  # fmt: skip
        target = self.temporary(groups * channels * row, dtype)
        arguments = layout.dtype, dtype, self.level, self.vector_bytes
        units, elements = groups * -(-channels // ROWS_TOGETHER), ROWS_TOGETHER * row
        self._copy(turn_key(*arguments), make_turn_kernel, arguments, meta, units, elements, (source, target))
        return target

    def _copy(
        self, key: str, make: Callable[..., str], arguments: tuple[Any, ...], meta: tuple[int, ...], units: int,
        elements: int, sources: tuple[Source, Source],
    ) -> None:  # fmt: skip
        """Append a copy of `elements` in each unit."""
        grain = max(1, COPY_ELEMENTS // max(1, elements))
        self.launch(MatmulPlan(key, lambda: make(*arguments), key, meta, units, grain, 0), *sources)


def whole_axes(shape: tuple[int, ...]) -> tuple[Axis, Axis]:
    """Images of this shape as planes without zeros."""
    rows, columns = (make_axis(size, 0, 1, size, (0,)) for size in shape[2:])
    return rows, columns
