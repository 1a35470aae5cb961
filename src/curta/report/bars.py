"""Bars: shares of a whole, each written beside its bar."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import NamedTuple

from curta.report.frame import label

#: the longest bar, as a share of the width: its text has the rest
LONGEST = 66.0
NAME, BAR, GAP = 17, 9, 5


class Bar(NamedTuple):
    """A share of a whole in a colour, and the text beside it."""

    share: float
    text: str
    colour: str


def bar_chart(
    name: str, title: str, rows: Sequence[tuple[str, Sequence[Bar]]], level: tuple[float, str] | None = None
) -> str:
    """Rows of a name with its bars below it, the longest of all as long as there is room; `level` is marked in all.

    >>> rows = [("forward", [Bar(0.5, "50%", "red")]), ("backward", [Bar(0.25, "25%", "red")])]
    >>> chart = bar_chart("time", "Time", rows)
    >>> 'width="66.00%"' in chart, 'width="33.00%"' in chart
    (True, True)
    """
    longest = max([bar.share for _, bars in rows for bar in bars] + ([level[0]] if level else []), default=0.0) or 1.0
    parts, top = [], NAME if level else 0
    texts = [f"{name}: {', '.join(bar.text for bar in bars)}" for name, bars in rows]
    for text, bars in rows:
        parts.append(label(0, top + 13, text))
        top += NAME
        for bar in bars:
            width = LONGEST * bar.share / longest
            parts.append(
                f'<rect x="0" y="{top}" width="{width:.2f}%" height="{BAR}" rx="1.5" fill="{bar.colour}"/>'
                + label(f"{width:.2f}%", top + BAR - 0.5, bar.text, look="faint", shift=6)
            )
            top += BAR + 3
        top += GAP
    if level:
        left = LONGEST * level[0] / longest
        parts.append(
            f'<line x1="{left:.2f}%" y1="{NAME - 2}" x2="{left:.2f}%" y2="{top}" stroke="var(--ink)" '
            f'stroke-dasharray="2 3"/>' + label(f"{left:.2f}%", 12, level[1], "middle", "faint")
        )
    return (
        f'<svg class="bars" height="{top}" role="img" aria-labelledby="{name}-title {name}-text">'
        f'<title id="{name}-title">{escape(title)}</title><desc id="{name}-text">{escape("; ".join(texts))}</desc>'
        f"{''.join(parts)}</svg>"
    )
