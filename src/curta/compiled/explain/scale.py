"""What the charts share: the time axis, colours, and rectangles with a title."""

from __future__ import annotations

from dataclasses import dataclass
from html import escape
from typing import Any

from curta.compiled.profile import Profile
from curta.costs.units import seconds

WIDTH = 1160


@dataclass(frozen=True, slots=True)
class TimeAxis:
    """Places on the axis for the seconds of a profile: its operators one after the other, as they ran."""

    start: float
    stop: float

    @staticmethod
    def of(profile: Profile) -> TimeAxis:
        """From the first launch of a profile to its last end."""
        return TimeAxis(profile.timings[0].spans[0].start, profile.timings[-1].spans[0].stop)

    def x(self, time: float) -> float:
        """Pixels from the left."""
        return WIDTH * (time - self.start) / max(self.stop - self.start, 1e-12)

    def ticks(self, height: float) -> str:
        """Five marks with their times, below a chart of this height."""
        parts = []
        for fifth in range(6):
            x = WIDTH * fifth / 5
            anchor = "start" if fifth == 0 else "end" if fifth == 5 else "middle"
            time = seconds((self.stop - self.start) * fifth / 5) if fifth else "0"
            parts.append(f'<line x1="{x:.1f}" y1="0" x2="{x:.1f}" y2="{height:.1f}" class="tick"/>')
            parts.append(f'<text x="{x:.1f}" y="{height + 14:.1f}" text-anchor="{anchor}">{time}</text>')
        return "".join(parts)


def rectangle(x: float, y: float, width: float, height: float, fill: str, title: str, extra: Any = "") -> str:
    """An SVG rectangle that says what it is when pointed at."""
    return (
        f'<rect x="{x:.2f}" y="{y:.2f}" width="{max(width, 0.4):.2f}" height="{max(height, 0.4):.2f}" fill="{fill}" '
        f"{extra}><title>{escape(title)}</title></rect>"
    )


def svg(height: float, content: str, label: str) -> str:
    """A chart as wide as the page."""
    return (
        f'<svg viewBox="0 -4 {WIDTH} {height + 24:.0f}" role="img" aria-label="{escape(label)}" '
        f'preserveAspectRatio="none">{content}</svg>'
    )
