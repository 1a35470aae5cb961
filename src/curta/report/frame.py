"""A chart's frame: what is as wide as the page stretches, and what is written stays as large as it is.

Places from left to right are percentages of the plot's width, from top to bottom they are pixels. Curves lie in an
inner picture that is 1000 wide and stretched to fit; texts, points and marks do not, so that they are as legible in a
narrow window as in a wide one.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from html import escape

from curta.report.axes import Axis

#: the width of the inner picture
ACROSS = 1000
#: a text nearer to an edge than this, in percent, is written away from it
EDGE = 6.0
#: a number of so many digits has room at the right end of an axis
SHORT = 4

Mark = tuple[float, str]


@dataclass(frozen=True)
class Frame:
    """Two axes and a height in pixels.

    >>> frame = Frame(Axis(0, 10), Axis(0, 4), height=200)
    >>> frame.left(2.5), frame.top(1), frame.curve([(0, 0), (10, 4)])
    ('25.00%', 150.0, 'M0 200L1000 0')
    """

    x: Axis
    y: Axis
    height: int

    def left(self, value: float) -> str:
        """From the left, as a share of the width."""
        return f"{100 * self.x.share(value):.2f}%"

    def top(self, value: float) -> float:
        """Pixels from the top."""
        return round(self.height * (1 - self.y.share(value)), 1)

    def curve(self, points: Iterable[tuple[float, float]]) -> str:
        """The path through some points, in the inner picture."""
        return "M" + "L".join(f"{ACROSS * self.x.share(x):.4g} {self.top(y):g}" for x, y in points)

    def stretched(self, content: str) -> str:
        """The inner picture, which curves are drawn in."""
        return (
            f'<svg viewBox="0 0 {ACROSS} {self.height}" preserveAspectRatio="none" width="100%" '
            f'height="{self.height}">{content}</svg>'
        )

    def grid(self, across: Sequence[Mark], up: Sequence[Mark]) -> str:
        """Lines and numbers at the marks of both axes."""
        parts = []
        for value, text in up:
            top = self.top(value)
            parts.append(f'<line x1="0" y1="{top:g}" x2="100%" y2="{top:g}" class="grid"/>')
            parts.append(label(-8, top + 4, text, "end", "faint"))
        for value, text in across:
            left = self.left(value)
            parts.append(f'<line x1="{left}" y1="{self.height}" x2="{left}" y2="{self.height + 5}" class="rule"/>')
            # to the left there is room for the other axis's numbers, to the right there is less
            anchor = self.anchor(value) if self.x.share(value) > 0.5 and len(text) > SHORT else "middle"
            parts.append(label(left, self.height + 19, text, anchor, "faint"))
        parts.append(f'<line x1="0" y1="{self.height}" x2="100%" y2="{self.height}" class="rule"/>')
        return "".join(parts)

    def anchor(self, value: float) -> str:
        """How a text at a place is set so that it stays within the plot."""
        percent = 100 * self.x.share(value)
        return "start" if percent < EDGE else "end" if percent > 100 - EDGE else "middle"

    def chart(self, name: str, title: str, description: str, content: str, names: tuple[str, str]) -> str:
        """The whole chart with the names of its axes; `name` is one that no other picture of the page has."""
        across, up = names
        parts = [label(-8, -12, up, look="faint"), content]
        if across:
            parts.append(label("100%", self.height + 36, across, "end", "faint"))
        return f'<div class="plot">{picture(name, title, description, self.height, "".join(parts), "chart")}</div>'


def picture(name: str, title: str, description: str, height: float, content: str, look: str) -> str:
    """A picture that says what it shows to those who do not see it; `name` is one that no other of the page has."""
    return (
        f'<svg class="{look}" height="{height:g}" role="img" aria-labelledby="{name}-title {name}-text">'
        f'<title id="{name}-title">{escape(title)}</title><desc id="{name}-text">{escape(description)}</desc>'
        f"{content}</svg>"
    )


def point(left: str, top: float, radius: float, colour: str, title: str, extra: str = "") -> str:
    """A point that says what it is when pointed at."""
    place = f'cx="{left}" cy="{top:g}" r="{radius:g}"'
    return f'<circle {place} fill="{colour}"{extra}><title>{escape(title)}</title></circle>'


def label(left: str | float, top: float, text: str, anchor: str = "start", look: str = "", shift: float = 0) -> str:
    """A text; `anchor` says which end of it is at the place, `shift` moves it by so many pixels to the right.

    >>> label("50%", 12, "a < b", "middle", "faint")
    '<text x="50%" y="12" text-anchor="middle" class="faint">a &lt; b</text>'
    """
    parts = [f'x="{left}"', f'dx="{shift:g}"' if shift else "", f'y="{top:g}"']
    parts += [f'text-anchor="{anchor}"' if anchor != "start" else "", f'class="{look}"' if look else ""]
    return f"<text {' '.join(part for part in parts if part)}>{escape(text)}</text>"
