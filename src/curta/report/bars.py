"""Bars: shares of a whole, each written beside its bar."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from curta.report.frame import label, picture

#: the longest bar, as a share of the width: its text has the rest
LONGEST = 66.0
NAME, BAR, BETWEEN, GAP = 17, 10, 4, 5


class Bar(NamedTuple):
    """A share of a whole in a colour, and the text beside it."""

    share: float
    text: str
    colour: str


def bar_chart(
    name: str, title: str, rows: Sequence[tuple[str, Sequence[Bar]]], level: tuple[float, str] | None = None
) -> str:
    """Rows of a name with its bars below it, the longest of all as long as there is room.

    With a `level`, which is marked in all of them, that is the whole, unless a bar is longer still.

    >>> rows = [("forward", [Bar(0.5, "50%", "red")]), ("backward", [Bar(0.25, "25%", "red")])]
    >>> chart = bar_chart("time", "Time", rows)
    >>> 'width="66.00%"' in chart, 'width="33.00%"' in chart
    (True, True)
    """
    longest = max([bar.share for _, bars in rows for bar in bars] + ([1.0] if level else []), default=0.0) or 1.0
    shapes: list[str] = []
    texts: list[str] = []
    top = NAME if level else 0
    for text, bars in rows:
        texts.append(label(0, top + 13, text, look="halo"))
        top += NAME
        for bar in bars:
            width = LONGEST * bar.share / longest
            if level:
                shapes.append(_rectangle(LONGEST / longest, top, 'class="track"'))
            shapes.append(_rectangle(width, top, f'fill="{bar.colour}"'))
            texts.append(label(f"{width:.2f}%", top + BAR - 0.5, bar.text, look="halo", shift=6))
            top += BAR + BETWEEN
        top += GAP
    if level:
        left = f"{LONGEST * level[0] / longest:.2f}%"
        shapes.append(f'<line x1="{left}" y1="{NAME}" x2="{left}" y2="{top}" class="level"/>')
        texts.append(label(left, 12, level[1], "middle", "faint"))
    words = "; ".join(f"{text}: {', '.join(bar.text for bar in bars)}" for text, bars in rows)
    return picture(name, title, words, top, "".join([*shapes, *texts]), "bars")


def _rectangle(width: float, top: int, look: str) -> str:
    return f'<rect x="0" y="{top}" width="{width:.2f}%" height="{BAR}" rx="1.5" {look}/>'
