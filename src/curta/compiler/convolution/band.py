"""Planes of a few channels at a time, in scratch memory: the unit that packs windows makes them, for its pixels alone.

What is copied is read while the first cache has it, and no copy of all images goes to memory and back.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass
from functools import partial

from curta.compiler.code import Code, Value
from curta.compiler.convolution.copies import VECTOR_STEPS, Copy, add_rows
from curta.compiler.convolution.geometry import Axis, Pair
from curta.compiler.convolution.program import MARGIN, Planes
from curta.compiler.matmul.emit import Module, call, larger, parameter, prefetch, signature, smaller
from curta.compiler.matmul.finish import LINE_BYTES
from curta.compiler.matmul.part import part
from curta.compiler.matmul.spec import Spec
from curta.memory.layout import Layout
from curta.runtime import jit

#: taps that are packed of all pixels, before the next ones: those of two channels, whose lines are then in the caches
TAPS_TOGETHER = 18


class Field(enum.IntEnum):
    """Place of the int64s of a band in a kernel's `meta`; behind them `PLANE_WORDS` for each plane.

    Steps of the band and places in it are in bytes, those of the images in elements.
    """

    #: where in the scratch memory it begins
    SCRATCH = 0
    #: taps of a channel, and channels at once
    TAPS = 1
    CHANNELS = 2
    CHANNEL_BYTES = 3
    IMAGE_BYTES = 4
    ROW_BYTES = 5
    #: 1: it begins with the first of the lines, 0: with the first of their image
    SHIFTED = 6
    #: rows below a line that its windows reach
    BELOW = 7
    SOURCE_IMAGE = 8
    SOURCE_CHANNEL = 9
    SOURCE_ROW = 10
    SOURCE_COLUMN = 11
    #: bytes to be fetched for a row; 0 where rows do not lie one behind the other
    ROW_FETCHED = 12
    #: lines of an image, and pixels of a line
    HIGH = 13
    WIDE = 14
    PLANES = 15


#: where a plane begins in the band and its first element in the image; the first of its rows that is the image's and
#: how many are; how many of its columns are, and columns of zeros on either side
PLANE_WORDS = 7


@dataclass(frozen=True)
class Band:
    """The planes along both axes of images `x`, cut for the lines of a unit's pixels; a group has so many `channels`,
    each with so many `taps`."""

    x: Layout
    axes: tuple[Axis, Axis]
    counts: Pair
    channels: int
    taps: int

    @property
    def step(self) -> int:
        """How far elements of a plane's row lie apart in the image; 0 where they are not copied in vectors."""
        step = self.x.strides[3] * self.axes[1].step
        return step if step in VECTOR_STEPS else 0

    @property
    def _dense(self) -> bool:
        """Rows of an image lie one behind the other."""
        return self.x.strides[3] == 1 and self.x.strides[2] == self.x.shape[3]

    @property
    def channels_at_once(self) -> int:
        """Channels whose planes are made at once."""
        return max(1, min(self.channels, TAPS_TOGETHER // self.taps))

    def planes(self, unit_columns: int, together: bool) -> Planes:
        """Where a unit of so many pixels, of one image or of some `together`, finds images, channels and rows.

        Of 400 x 40 pixels, 200 x 20 windows of 3 x 3 at stride 2, 64 pixels read at most 5 lines, and one row below:

        >>> from curta.compiler.convolution.geometry import Geometry, window_axis
        >>> from curta.dtypes import float32
        >>> from curta.memory.layout import contiguous
        >>> geometry = Geometry(1, 1, 8, 8, (400, 40), (3, 3), (2, 2), (1, 1), (1, 1), (1, 1))
        >>> axes = window_axis(geometry, 0)[0], window_axis(geometry, 1)[0]
        >>> band = Band(contiguous((1, 8, 400, 40), float32), axes, geometry.counts, 8, 9)
        >>> band.planes(64, together=False).area == (5 + 1) * (20 + 1)
        True
        """
        (rows, columns), (high, wide) = self.axes, self.counts
        lines = min(high, (unit_columns + wide - 2) // wide + 1)
        images = min(self.x.shape[0], (unit_columns + high * wide - 2) // (high * wide) + 1) if together else 1
        area = (rows.length if together else rows.length - high + lines) * columns.length
        image = len(rows.spans) * len(columns.spans) * area
        return Planes(("input", 0), 0, image, images * image, columns.length, area)

    def nbytes(self, planes: Planes, itemsize: int) -> int:
        """Scratch for it, and for what a vector may read before and behind it."""
        return self.channels_at_once * planes.channel * itemsize + 2 * MARGIN

    def meta(self, planes: Planes, scratch: int, together: bool, itemsize: int) -> list[int]:
        """The int64s of `Field`, and of the planes."""
        (rows, columns), strides = self.axes, self.x.strides
        fields = {
            Field.SCRATCH: scratch + MARGIN, Field.TAPS: self.taps, Field.CHANNELS: self.channels_at_once,
            Field.CHANNEL_BYTES: planes.channel * itemsize, Field.IMAGE_BYTES: planes.image * itemsize,
            Field.ROW_BYTES: planes.row * itemsize, Field.SHIFTED: int(not together),
            Field.BELOW: rows.length - self.counts[0], Field.SOURCE_IMAGE: strides[0], Field.SOURCE_CHANNEL: strides[1],
            Field.SOURCE_ROW: strides[2] * rows.step, Field.SOURCE_COLUMN: strides[3] * columns.step,
            Field.ROW_FETCHED: strides[2] * rows.step * self.x.dtype.itemsize if self._dense else 0,
            Field.HIGH: self.counts[0], Field.WIDE: self.counts[1],
            Field.PLANES: len(rows.spans) * len(columns.spans),
        }  # fmt: skip
        words = [fields[field] for field in Field]
        for number, down in enumerate(rows.spans):
            for other, across in enumerate(columns.spans):
                words += [
                    (number * len(columns.spans) + other) * planes.area * itemsize,
                    down.source * strides[2] + across.source * strides[3], down.first, down.extent,
                    across.extent, across.first, columns.length - across.first - across.extent,
                ]  # fmt: skip
        return words


def copy_band(spec: Spec, step: int) -> jit.Code:
    """So many channels of images, for pixels `first` to `last`, into the band at `target`."""
    return part("copy_band", (spec.dtype.short, str(step or "any")), spec, partial(_add_copy_band, step=step))


def band_number(code: Code, fields: Value, item: Field) -> Value:
    """One of a band's numbers."""
    return code.load(code.offset(fields, int(item), "i64"), "i64", align=8)


def first_line(code: Code, fields: Value, pixel: Value) -> tuple[Value, Value]:
    """The image and the line, counted over all images, of a pixel."""
    line = pixel.unsigned_divide(band_number(code, fields, Field.WIDE))
    return line.unsigned_divide(band_number(code, fields, Field.HIGH)), line


def band_corner(code: Code, fields: Value, first: Value, channel: Value) -> Value:
    """How far before the band channel, image and line 0 would lie, if it went back to these; `first` is a pixel."""
    image, line = first_line(code, fields, first)
    return (
        channel * band_number(code, fields, Field.CHANNEL_BYTES) + image * band_number(code, fields, Field.IMAGE_BYTES)
        + band_number(code, fields, Field.SHIFTED) * line * band_number(code, fields, Field.ROW_BYTES)
    )  # fmt: skip


def _add_copy_band(module: Module, spec: Spec, name: str, *, step: int) -> None:
    add_rows(module, spec.dtype, spec.compute, step, spec.level, spec.lanes)
    code = Code()
    names = {"fields": "ptr", "source": "ptr", "target": "ptr", "channels": "i64", "first": "i64", "last": "i64"}
    get = {name: parameter(code, name, type_name) for name, type_name in names.items()}
    fields, copy = get["fields"], Copy(code, spec.dtype, spec.compute, spec.level)
    high, below, row_bytes = (band_number(code, fields, item) for item in (Field.HIGH, Field.BELOW, Field.ROW_BYTES))
    (first_image, begin_line), (last_image, last_line) = (
        first_line(code, fields, pixel) for pixel in (get["first"], get["last"] - 1)
    )
    shift, fetched = (band_number(code, fields, item) for item in (Field.SHIFTED, Field.ROW_FETCHED))
    shift = shift * begin_line
    source_steps = Field.SOURCE_CHANNEL, Field.SOURCE_IMAGE, Field.SOURCE_ROW, Field.SOURCE_COLUMN
    steps = [band_number(code, fields, item) for item in source_steps]
    with code.loop(0, get["channels"]) as channel, code.loop(first_image, last_image + 1) as image:
        # rows of this image's planes
        start = image.index * high
        begin, end = larger(begin_line - start, 0), smaller(last_line + 1 - start, high) + below
        from_image = copy.from_place(get["source"], channel.index * steps[0] + image.index * steps[1])
        place = channel.index * band_number(code, fields, Field.CHANNEL_BYTES) + (begin - shift) * row_bytes
        place = place + (image.index - first_image) * band_number(code, fields, Field.IMAGE_BYTES)
        following = code.offset(from_image, get["channels"] * steps[0] * spec.dtype.itemsize + begin * fetched)
        with code.loop(0, (end - begin) * fetched, LINE_BYTES) as line:
            prefetch(code, code.offset(following, line.index))
        with code.loop(0, band_number(code, fields, Field.PLANES)) as plane:
            entry = code.offset(fields, plane.index * PLANE_WORDS + len(Field), "i64")
            to, at, first, extent, columns, left, right = (
                code.load(code.offset(entry, word, "i64"), "i64", align=8) for word in range(PLANE_WORDS)
            )
            above, stop = (_clamped(edge - begin, end - begin) for edge in (first, first + extent))
            skipped = larger(begin - first, 0)
            source = copy.from_place(from_image, at + skipped * steps[2])
            call(code, "rows", [
                source, *steps[2:], code.offset(get["target"], place + to),
                row_bytes.unsigned_divide(spec.compute.itemsize), stop - above, columns, above, end - begin - stop,
                left, right,
            ])  # fmt: skip
    module.add(name, code, signature(**names), private=False)


def _clamped(value: Value, most: Value) -> Value:
    return smaller(larger(value, 0), most)
