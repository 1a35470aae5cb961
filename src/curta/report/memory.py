"""The memory of a step over its operators: what is for what, on top of each other."""

from __future__ import annotations

from collections.abc import Sequence

from curta.costs.units import exact, quantity
from curta.memory.ledger import CATEGORIES
from curta.report.axes import MARKS, Axis, round_values
from curta.report.colours import CATEGORY_COLOURS, phase_colour
from curta.report.frame import ACROSS, Frame, label, point
from curta.report.page import key, swatch
from curta.report.step import OTHER, Column, Step, Stretch

HEIGHT = 320
#: more columns than this cannot be told apart
COLUMNS = 480
#: the least height of a band that has its name in it, in pixels
NAMED = 11
#: the width of a phone's plot, in pixels, and of a letter: names are set so that they have room there
NARROW, LETTER = 240, 6.3
#: what is neither a pass nor an optimizer's step
OTHERS = ": outside of passes and of the optimizer's step"
#: the height of the strips that show the parts of the step, and their distance from the axis
STRIP, BELOW = 6, 26


def memory_chart(step: Step) -> str:
    """Bytes by what they are for, from the bottom up in the order of `CATEGORIES`, with the fullest moment marked."""
    columns = fewer(step.columns, COLUMNS)
    end = columns[-1].stop
    frame = Frame(Axis(0, end), Axis(0, max(step.peak_bytes, 1) * 1.1), HEIGHT)
    shown = [kind for kind in CATEGORIES if any(column.totals[kind] for column in columns)]
    marks = [(value, exact(value, "B")) for value in frame.y.marks()]
    parts = [
        frame.grid([(value, f"{value:,.0f}") for value in round_values(0, end, MARKS, whole=True)], marks),
        frame.stretched(_areas(frame, columns, shown, step)),
        _peak(frame, columns, step.peak_bytes),
        _names(frame, columns, shown),
        _strips(frame, step.stretches),
    ]
    text = f"At most {step.peak_bytes:,} bytes: " + ", ".join(
        f"{kind} {step.peak_by_category[kind]:,}" for kind in shown
    )
    picture = frame.chart("memory", "Memory over one step", text, "".join(parts), ("", "bytes in use"))
    phases = dict.fromkeys(stretch.phase for stretch in step.stretches)
    return (
        key((swatch(CATEGORY_COLOURS[kind]), _meaning(kind, step)) for kind in reversed(shown))
        + f'<div class="over">{picture}</div>'
        + f"<p>From left to right: the {step.calls:,} operators of the step, in the order in which they ran.</p>"
        + key((swatch(phase_colour(phase)), f"{phase}{OTHERS if phase == OTHER else ''}") for phase in phases)
    )


def _meaning(kind: str, step: Step) -> str:
    return f"{kind}, {quantity(step.peak_by_category[kind], 'B')} at the peak"


def fewer(columns: Sequence[Column], most: int) -> list[Column]:
    """At most `most` columns that are as high: of those that become one, the highest.

    >>> fewer([Column(0, 1, {"a": 1}), Column(1, 2, {"a": 5}), Column(2, 4, {"a": 2})], 2)
    [Column(start=0, stop=2, totals={'a': 5}), Column(start=2, stop=4, totals={'a': 2})]
    """
    found: list[Column] = []
    width = -(-columns[-1].stop // most)
    for column in columns:
        same = found and column.start // width == found[-1].start // width
        if not same:
            found.append(column)
        else:
            higher = column if column.nbytes > found[-1].nbytes else found[-1]
            found[-1] = Column(found[-1].start, column.stop, higher.totals)
    return found


def _areas(frame: Frame, columns: Sequence[Column], shown: Sequence[str], step: Step) -> str:
    """A band for each category, from the top of those below it to its own."""
    below = [0] * len(columns)
    parts = []
    for kind in shown:
        above = [under + column.totals[kind] for under, column in zip(below, columns, strict=True)]
        path = f"{_steps(frame, columns, above)}{_steps(frame, columns, below, backwards=True)}Z"
        title = f"<title>{_meaning(kind, step)}</title>"
        parts.append(f'<path d="{path}" fill="{CATEGORY_COLOURS[kind]}" class="band">{title}</path>')
        below = above
    return "".join(parts)


def _steps(frame: Frame, columns: Sequence[Column], tops: Sequence[int], backwards: bool = False) -> str:
    """Along the tops of columns, from left to right or back."""
    places = [(column.start, column.stop, top) for column, top in zip(columns, tops, strict=True)]
    if backwards:
        places = [(stop, start, top) for start, stop, top in reversed(places)]
    parts = []
    for number, (start, stop, top) in enumerate(places):
        if not number:
            parts.append(f"{'L' if backwards else 'M'}{ACROSS * frame.x.share(start):.4g} {frame.top(top):g}")
        elif top != places[number - 1][2]:
            parts.append(f"V{frame.top(top):g}")
        parts.append(f"H{ACROSS * frame.x.share(stop):.4g}")
    return "".join(parts)


def _names(frame: Frame, columns: Sequence[Column], shown: Sequence[str]) -> str:
    """Each band's name where the band is thickest, if it is thick enough there."""
    parts = []
    below = [0] * len(columns)
    for number, kind in enumerate(shown, 1):
        sizes = [column.totals[kind] for column in columns]
        thickest = max(sizes)
        # where it is as thick as that for long, names stand beside each other rather than on top of each other
        places = [place for place, size in enumerate(sizes) if size >= 0.98 * thickest]
        place = places[len(places) * number // (len(shown) + 1)]
        middle = below[place] + sizes[place] / 2
        if frame.top(0) - frame.top(sizes[place]) >= NAMED:
            value = (columns[place].start + columns[place].stop) / 2
            anchor = _anchor(frame, value, kind)
            parts.append(label(frame.left(value), frame.top(middle) + 4, kind, anchor, "halo"))
        below = [under + size for under, size in zip(below, sizes, strict=True)]
    return "".join(parts)


def _anchor(frame: Frame, value: float, text: str) -> str:
    """How a text is set so that it stays within the narrowest plot."""
    half = LETTER * (len(text) + 2) / 2 / NARROW
    share = frame.x.share(value)
    return "start" if share < half else "end" if share > 1 - half else "middle"


def _peak(frame: Frame, columns: Sequence[Column], peak: int) -> str:
    fullest = max(columns, key=lambda column: column.nbytes)
    value = (fullest.start + fullest.stop) / 2
    left, top = frame.left(value), frame.top(peak)
    text = f"peak: {quantity(peak, 'B')}"
    return (
        f'<line x1="{left}" y1="{top:g}" x2="{left}" y2="{frame.height}" stroke="var(--ink)" stroke-dasharray="2 3"/>'
        + point(left, top, 4, "var(--ink)", f"the fullest moment: {peak:,} bytes")
        + label(left, top - 9, text, _anchor(frame, value, text), "halo strong")
    )


def _strips(frame: Frame, stretches: Sequence[Stretch]) -> str:
    """The parts of the step along the axis, and where each begins."""
    parts = []
    taken = [-1.0, -1.0]
    top = frame.height + BELOW
    for one in stretches:
        left, width = 100 * frame.x.share(one.start), 100 * (one.stop - one.start) / (frame.x.high - frame.x.low)
        title = f"{one.phase}: operators {one.start + 1:,} to {one.stop:,}"
        parts.append(
            f'<rect x="{left:.2f}%" y="{top}" width="{width:.2f}%" height="{STRIP}" fill="{phase_colour(one.phase)}">'
            f"<title>{title}</title></rect>"
        )
        parts.append(f'<line x1="{left:.2f}%" y1="0" x2="{left:.2f}%" y2="{top + STRIP}" class="part"/>')
        middle, half = left + width / 2, 100 * LETTER * (len(one.phase) + 1) / 2 / NARROW
        start = min(max(middle - half, 0.0), 100 - 2 * half)
        row = next((number for number, until in enumerate(taken) if start >= until), None)
        if row is not None and width > 3:
            taken[row] = start + 2 * half
            place, anchor = f"{middle:.2f}%", "middle"
            if start != middle - half:
                place, anchor = ("0", "start") if start == 0 else ("100%", "end")
            parts.append(label(place, top + 20 + 15 * row, one.phase, anchor))
    return "".join(parts)
