"""`curta.roofline`: for every operator what bounds it, and the time that the machine needs at best."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from curta.costs import units
from curta.costs.lines import Group, grouped
from curta.costs.peak import Peak, peak
from curta.costs.tables import text_table
from curta.device import Device
from curta.dtypes import by_name
from curta.errors import ArgumentError, ArgumentTypeError
from curta.ops.record import Cost

ARITHMETIC, MEMORY = "arithmetic", "memory"


class Point(NamedTuple):
    """An operator in one number format: its work, the least time for it, what that is bound by, and the time it took.

    `seconds` is None where it was not measured; `peak` is the device's.
    """

    operator: str
    dtype: str
    calls: int
    cost: Cost
    peak: Peak
    arithmetic_seconds: float
    memory_seconds: float
    seconds: float | None

    @property
    def best_seconds(self) -> float:
        """The longer of the two: Williams, Waterman and Patterson, "Roofline" (2009)."""
        return max(self.arithmetic_seconds, self.memory_seconds)

    @property
    def bound(self) -> str:
        """ "arithmetic" or "memory", whichever takes longer."""
        return ARITHMETIC if self.arithmetic_seconds > self.memory_seconds else MEMORY

    @property
    def intensity(self) -> float:
        """FLOPs per byte; 0 where nothing is moved."""
        moved = self.cost.bytes_read + self.cost.bytes_written
        return self.cost.flops / moved if moved else 0.0

    @property
    def share(self) -> float | None:
        """The least time over the time it took; None where that was not measured."""
        return self.best_seconds / self.seconds if self.seconds else None


@dataclass(frozen=True)
class Roofline:
    """The points of all operators that do something, the one that needs most time first; printed, it is a table."""

    points: tuple[Point, ...]

    @property
    def best_seconds(self) -> float:
        """The least time for one operator after the other."""
        return sum(point.best_seconds for point in self.points)

    @property
    def seconds(self) -> float | None:
        """The time they took; None where it was not measured."""
        measured = [point.seconds for point in self.points if point.seconds is not None]
        return sum(measured) if measured else None

    def to_dict(self) -> dict[str, Any]:
        """Everything, as plain numbers and strings."""
        return {
            "best_seconds": self.best_seconds,
            "seconds": self.seconds,
            "points": [
                {
                    "operator": point.operator,
                    "dtype": point.dtype,
                    "calls": point.calls,
                    **point.cost._asdict(),
                    "intensity": point.intensity,
                    "bound": point.bound,
                    "best_seconds": point.best_seconds,
                    "seconds": point.seconds,
                    "share": point.share,
                }
                for point in self.points
            ],
        }

    def __str__(self) -> str:
        rows = {f"{point.operator} {point.dtype}": point for point in self.points}
        columns: list[tuple[str, Callable[[Any], str]]] = [
            ("calls", lambda row: f"{row.calls:,}"),
            ("FLOP/byte", lambda row: f"{row.intensity:.3g}"),
            ("bound by", lambda row: getattr(row, "bound", "")),
            ("at best", lambda row: units.seconds(row.best_seconds)),
        ]
        if self.seconds is not None:
            columns += [
                ("took", lambda row: "" if row.seconds is None else units.seconds(row.seconds)),
                ("share", lambda row: "" if row.share is None else f"{row.share:.2f}"),
            ]
        return text_table("operator", rows, _Whole(self), columns)


class _Whole:
    """The line of totals."""

    def __init__(self, roofline: Roofline) -> None:
        costs = [point.cost for point in roofline.points]
        moved = sum(cost.bytes_read + cost.bytes_written for cost in costs)
        self.calls = sum(point.calls for point in roofline.points)
        self.intensity = sum(cost.flops for cost in costs) / moved if moved else 0.0
        self.best_seconds = roofline.best_seconds
        self.seconds = roofline.seconds
        self.share = self.best_seconds / self.seconds if self.seconds else None


Peaks = str | Device | Peak | Mapping[str, Peak]


def roofline(books: Any, device: Peaks = "cpu") -> Roofline:
    """What bounds each operator of an account or a plan, and the time that a device needs for it at best.

    `device` is a name for `curta.peak`, which is asked for each number format; or a `Peak` with a bandwidth, or one for
    each format by its name. The times that operators took are there if the account was opened with `timing=True`.
    Formats of integers have no peak: their operators are bound by memory. ArgumentError for a format without a `Peak`,
    and for one without a bandwidth.

    >>> import curta
    >>> x = curta.empty(512, 512, device="meta")
    >>> books = curta.plan(lambda x: (x @ x).exp(), x)
    >>> found = roofline(books, curta.Peak(1e12, "float32", bytes_per_second=1e11))
    >>> [(point.operator, point.bound) for point in found.points]
    [('matmul', 'arithmetic'), ('exp', 'memory')]
    >>> found.points[0].best_seconds
    0.000268435456
    """
    if not isinstance(device, str | Device | Peak | Mapping):
        raise ArgumentTypeError(f"roofline: device must be a name, a Peak or Peaks, got {type(device).__name__}")
    groups = grouped(books.lines, lambda line: f"{line.operator}\n{line.dtype.name}")
    peaks: dict[str, Peak] = {}
    points = [_point(name, group, device, peaks) for name, group in groups.items() if any(group.cost)]
    return Roofline(tuple(sorted(points, key=lambda point: -point.best_seconds)))


def _point(name: str, group: Group, device: Peaks, peaks: dict[str, Peak]) -> Point:
    operator, dtype = name.split("\n")
    floating = by_name(dtype).is_floating_point
    known = peaks.get(dtype)
    if known is None:
        known = peaks[dtype] = _peak(device, dtype if floating else "float32")
    moved = group.cost.bytes_read + group.cost.bytes_written
    arithmetic = group.cost.flops / known.flops_per_second if floating else 0.0
    bandwidth = known.bytes_per_second or 1.0
    return Point(operator, dtype, group.calls, group.cost, known, arithmetic, moved / bandwidth, group.seconds)


def _peak(device: Peaks, dtype: str) -> Peak:
    """The peak in a format, with a bandwidth."""
    if isinstance(device, str | Device):
        found = peak(device, dtype)
    elif isinstance(device, Peak):
        if device.dtype not in ("", dtype):
            raise ArgumentError(
                f"roofline: there is a peak in {device.dtype}, and operators in {dtype}: give a dictionary with a Peak "
                "for each format"
            )
        found = device
    else:
        known = device.get(dtype)
        if known is None:
            raise ArgumentError(f"roofline: there are operators in {dtype}, and no Peak for that")
        found = known
    if found.bytes_per_second is None:
        raise ArgumentError(f"roofline: the peak of {found.name} has no bytes_per_second")
    return found
