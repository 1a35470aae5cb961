"""The graph as a column of boxes in the order in which they run, with an arc for everything that is handed on."""

from __future__ import annotations

from html import escape

from curta.compiled.explain.scale import WIDTH
from curta.compiled.graph import Node
from curta.compiled.profile import Profile
from curta.costs.units import quantity, seconds
from curta.report.colours import phase_colour

ROW, ARCS, PARTS = 22, 210, 560


def graph_chart(profile: Profile, least: list[float]) -> str:
    """One box a kernel, fused operators inside it; `least` are the seconds that each one needs on this machine."""
    timings = profile.timings
    longest = max(timing.seconds for timing in timings)
    parts = [_arcs([timing.node for timing in timings])]
    for row, (timing, bound) in enumerate(zip(timings, least, strict=True)):
        parts.append(_box(row, timing.node, timing.seconds, bound, longest))
    height = ROW * len(timings) + 4
    return (
        f'<svg viewBox="0 0 {WIDTH} {height}" width="{WIDTH}" height="{height}" role="img" aria-label="graph">'
        f"{''.join(parts)}</svg>"
    )


def _arcs(nodes: list[Node]) -> str:
    made: dict[int, int] = {}
    parts = []
    for row, node in enumerate(nodes):
        for source in sorted({made[id(ref.buffer)] for ref in node.reads() if id(ref.buffer) in made}):
            top, bottom = ROW * source + ROW / 2, ROW * row + ROW / 2
            reach = ARCS - 12 - min(ARCS - 20, 6 + 9 * (row - source) ** 0.55)
            parts.append(
                f'<path class="arc from{source} to{row}" d="M{ARCS} {top} C{reach:.0f} {top} {reach:.0f} {bottom} '
                f'{ARCS} {bottom}"/>'
            )
        for ref in node.results:
            made[id(ref.buffer)] = row
    return "".join(parts)


def _box(row: int, node: Node, took: float, bound: float, longest: float) -> str:
    top = ROW * row
    names = [part.call.op.name for part in node.parts] or [node.call.op.name]
    shown = [(name, min(len(name) * 6.3 + 10, PARTS - 10)) for name in names]
    scale = min(1.0, (PARTS - 8) / (sum(width for _, width in shown) + 4 * len(shown)))
    chips, x = [], ARCS + 5.0
    for name, width in shown:
        chips.append(
            f'<rect x="{x:.1f}" y="{top + 4}" width="{width * scale:.1f}" height="{ROW - 8}" rx="3" class="chip"/>'
            f'<text x="{x + 5 * scale:.1f}" y="{top + 15}" textLength="{(width - 10) * scale:.1f}" '
            f'lengthAdjust="spacingAndGlyphs">{escape(name)}</text>'
        )
        x += (width + 4) * scale
    cost = node.call.cost
    results = ", ".join(repr(ref.layout) for ref in node.results)
    title = (
        f"{node}\n\n{seconds(took)}; the machine needs {seconds(bound)}\n{quantity(cost.flops, 'FLOP')}, reads "
        f"{quantity(cost.bytes_read, 'B')}, writes {quantity(cost.bytes_written, 'B')}"
    )
    bars = ARCS + PARTS + 150
    room, fill = WIDTH - bars - 60, phase_colour(node.phase)
    return (
        f'<g class="node" data-row="{row}"><title>{escape(title)}</title>'
        f'<rect x="{ARCS}" y="{top + 1}" width="{x - ARCS + 2:.1f}" height="{ROW - 2}" rx="4" '
        f'style="stroke:{fill}" class="{"fused" if node.parts else "single"}"/>{"".join(chips)}'
        f'<text x="{ARCS + PARTS}" y="{top + 15}" class="faint">{escape(_short(results))}</text>'
        f'<rect x="{bars}" y="{top + 5}" width="{max(room * took / longest, 0.5):.1f}" height="{ROW - 10}" '
        f'fill="{fill}" opacity="0.45"/>'
        f'<rect x="{bars}" y="{top + 5}" width="{max(room * bound / longest, 0.5):.1f}" height="{ROW - 10}" '
        f'fill="{fill}"/><text x="{WIDTH}" y="{top + 15}" text-anchor="end">{seconds(took)}</text></g>'
    )


def _short(text: str) -> str:
    return text if len(text) <= 25 else text[:24] + "…"
