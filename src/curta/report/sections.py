"""What one training step did, as parts of a page: its memory, its work by module and phase, and its roofline."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from html import escape
from typing import TypeVar

from curta.costs.roofline import Point, Roofline
from curta.costs.units import quantity, seconds
from curta.dtypes import by_name
from curta.memory.ledger import CATEGORIES
from curta.report.bars import Bar, bar_chart
from curta.report.colours import AMBER, BLUE
from curta.report.memory import memory_chart
from curta.report.page import figures, key, swatch, table
from curta.report.roofline import below, placed, roofline_chart
from curta.report.step import (
    BARS,
    OUTSIDE,
    Holder,
    Step,
    Work,
    depth_for,
    holders_by,
    kind_of,
    shortened,
    summed,
)

STYLE = """
.over .plot{padding-bottom:4.4rem}
.band{stroke:var(--paper);stroke-width:1;vector-effect:non-scaling-stroke}.band:hover{opacity:.8}
.part{stroke:var(--ink);stroke-opacity:.35;stroke-dasharray:1 3}
"""
#: tables end with one row for all that follow these
ROWS = 16

Row = TypeVar("Row")


def memory_section(step: Step) -> str:
    """The memory over the step, and who held what at the fullest moment."""
    depth = depth_for([one.module for one in step.holders])
    holders = holders_by(step.holders, lambda name: shortened(name, depth))
    rows = [_holder_row(one, step.peak_bytes) for one in _first(holders, ROWS, _rest_of_holders)]
    return (
        figures(
            [
                (quantity(step.peak_bytes, "B"), f"at the fullest moment: {step.peak_bytes:,} bytes"),
                *(
                    (quantity(nbytes, "B"), f"{kind}, {_percent(nbytes, step.peak_bytes)}")
                    for kind, nbytes in _largest(step.peak_by_category, 3)
                ),
            ]
        )
        + memory_chart(step)
        + "<h3>Who held what at the fullest moment</h3>"
        + table(("module", "bytes", "share", "for what"), rows, "Memory at the fullest moment, by module", words=(0, 3))
    )


def _largest(found: Mapping[str, int], count: int) -> list[tuple[str, int]]:
    return [pair for pair in sorted(found.items(), key=lambda pair: -pair[1])[:count] if pair[1]]


def _holder_row(one: Holder, whole: int) -> tuple[str, ...]:
    kinds = [kind for kind in CATEGORIES if one.by_category.get(kind)]
    kinds.sort(key=lambda kind: -one.by_category[kind])
    text = ", ".join(f"{kind} {quantity(one.by_category[kind], 'B')}" for kind in kinds)
    return _named(one.module), f"{one.nbytes:,}", _percent(one.nbytes, whole), text


def _rest_of_holders(rest: Sequence[Holder]) -> Holder:
    (one,) = holders_by(tuple(rest), lambda name: f"{len(rest)} others")
    return one


def work_section(step: Step) -> str:
    """FLOPs and time by part of the step, by module, and by modules that do the same in every layer."""
    depth = depth_for(list(step.by_module))
    by_module = summed(step.by_module, lambda name: shortened(name, depth))
    by_kind = summed(step.by_module, kind_of)
    parts = [
        key([(swatch(BLUE), "FLOPs"), *([(swatch(AMBER), "time")] if step.seconds is not None else [])]),
        "<h3>By part of the step</h3>",
        _beside("phase", "phase", step.by_phase, step),
        "<h3>By module</h3>",
        _beside("module", "module", by_module, step),
    ]
    if set(by_kind) != set(by_module):
        parts += [
            "<h3>By what modules do</h3>",
            "<p>Modules with the same place in every layer together: <b>*</b> stands for a layer's number.</p>",
            _beside("kind", "modules", dict(sorted(by_kind.items(), key=lambda pair: -_size(pair[1]))), step),
        ]
    return "".join(parts)


def _size(work: Work) -> float:
    return work.flops if work.seconds is None else work.seconds


def _beside(name: str, head: str, works: Mapping[str, Work], step: Step) -> str:
    """Bars, and the table of the same beside them."""
    shown = _first(list(works.items()), BARS, _rest_of_works)
    whole = sum(work.seconds or 0.0 for work in works.values())
    bars = [(_named(module), _bars(work, step.flops, whole)) for module, work in shown]
    heads = [head, "FLOPs", "bytes moved"]
    timed = step.seconds is not None
    rows = [_work_row(module, work, timed) for module, work in shown]
    title = f"FLOPs {'and time ' if timed else ''}by {head}"
    heads += ["time", "FLOP/s"] if timed else []
    return f'<div class="pair uneven"><div>{bar_chart(name, title, bars)}</div>{table(heads, rows, title)}</div>'


def _bars(work: Work, flops: int, whole: float) -> list[Bar]:
    share = work.flops / flops if flops else 0.0
    found = [Bar(share, f"{_percent(work.flops, flops)} of FLOPs", BLUE)]
    if work.seconds is not None and whole:
        found.append(Bar(work.seconds / whole, f"{_percent(work.seconds, whole)} of time", AMBER))
    return found


def _work_row(module: str, work: Work, timed: bool) -> tuple[str, ...]:
    row = (_named(module), f"{work.flops:,}", quantity(work.nbytes, "B"))
    if not timed:
        return row
    return (*row, seconds(work.seconds or 0.0), quantity(work.flops / work.seconds, "") if work.seconds else "-")


def _rest_of_works(rest: Sequence[tuple[str, Work]]) -> tuple[str, Work]:
    (pair,) = summed(dict(rest), lambda name: f"{len(rest)} others").items()
    return pair


def roofline_section(step: Step) -> str:
    """The chart of operators under the machine's roofs, and the table of those that take most time."""
    found = step.roofline
    by_time = sorted(found.points, key=lambda one: -(one.best_seconds if one.seconds is None else one.seconds))
    whole = found.seconds if found.seconds is not None else found.best_seconds
    heads = ["operator", "in", "calls", "FLOP/byte", "bound by", "at best"]
    heads += ["took", "share of time", "FLOP/s", "share of the roof"] if found.seconds is not None else []
    rows = [_point_row(one, whole) for one in by_time[:ROWS]]
    rest = by_time[ROWS:]
    if rest:
        rows.append(_rest_of_points(rest, whole))
    return (
        roofline_chart(found)
        + _without_place(step)
        + "<h3>Operators that take most time</h3>"
        + table(heads, rows, "Operators beside what the machine could do", words=(0, 1, 4))
    )


def _without_place(step: Step) -> str:
    """What is said of the operators that the chart has no place for."""
    found = step.roofline
    if found.seconds is None:
        return "<p>Times were not measured, so operators have no place under the roof.</p>"
    there = placed(found)
    others = [one for one in found.points if one not in there]
    took = sum(one.seconds or 0.0 for one in others)
    every = (one.operator if _floats(one) else f"{one.operator} in {one.dtype}" for one in others)
    names = ", ".join(dict.fromkeys(every))
    return (
        f"<p>Without floating-point arithmetic, so without a place here: {escape(names)}; together {seconds(took)}, "
        f"{_percent(took, found.seconds)} of the time.{_too_low(found)}</p>"
    )


def _floats(one: Point) -> bool:
    return by_name(one.dtype).is_floating_point


def _too_low(found: Roofline) -> str:
    low = below(found)
    if not low:
        return ""
    names = ", ".join(dict.fromkeys(one.operator for one in low))
    return f" On the lower edge, below the scale: {escape(names)}."


def _point_row(one: Point, whole: float) -> tuple[str, ...]:
    row = (
        one.operator, one.dtype, f"{one.calls:,}", f"{one.intensity:.3g}", one.bound, seconds(one.best_seconds),
    )  # fmt: skip
    if one.seconds is None:
        return row
    rate = quantity(one.cost.flops / one.seconds, "") if one.seconds and one.cost.flops else "-"
    share = "-" if one.share is None else f"{100 * one.share:.0f}%"
    return (*row, seconds(one.seconds), _percent(one.seconds, whole), rate, share)


def _rest_of_points(rest: Sequence[Point], whole: float) -> tuple[str, ...]:
    best = sum(one.best_seconds for one in rest)
    row = (f"{len(rest)} others", "", f"{sum(one.calls for one in rest):,}", "", "", seconds(best))
    if rest[0].seconds is None:
        return row
    took = sum(one.seconds or 0.0 for one in rest)
    return (
        *row,
        seconds(took),
        _percent(took, whole),
        "",
        f"{100 * best / took:.0f}%" if took else "-",
    )


def _named(module: str) -> str:
    return "outside of all modules" if module == OUTSIDE else module


def _percent(part: float, whole: float) -> str:
    share = 100 * part / whole if whole else 0.0
    return f"{share:.1f}%" if share >= 0.05 or not share else "< 0.1%"


def _first(found: Sequence[Row], most: int, rest: Callable[[Sequence[Row]], Row]) -> list[Row]:
    """The first `most`, and what `rest` makes of all others together."""
    return list(found) if len(found) <= most + 1 else [*found[:most], rest(found[most:])]
