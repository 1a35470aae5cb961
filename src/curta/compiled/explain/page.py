"""The page: figures, a table of kernels beside their limits, and the charts; one file that needs nothing else."""

from __future__ import annotations

from html import escape

from curta.compiled.explain.boxes import graph_chart
from curta.compiled.explain.machine import Machine
from curta.compiled.explain.scale import COLOURS
from curta.compiled.explain.timeline import arena_chart, busy_share, thread_chart
from curta.compiled.native import NativeProgram
from curta.compiled.profile import Profile
from curta.compiled.program import Program
from curta.costs.units import quantity, seconds
from curta.ops.record import NO_COST

STYLE = """
body{font:14px/1.5 system-ui,sans-serif;color:#22252b;background:#fff;max-width:1160px;margin:2rem auto;padding:0 1rem}
h1{font-size:1.5rem;margin:0 0 .2rem}
h2{font-size:1.3rem;margin:3rem 0 .3rem;padding-top:1rem;border-top:2px solid #22252b}
h3{font-size:1.1rem;margin:2rem 0 .3rem}p{margin:.2rem 0 .6rem;color:#5c626b}
.figures{display:flex;flex-wrap:wrap;gap:.6rem 1.6rem;margin:1rem 0}.figures div{min-width:5rem}
.figures b{display:block;font-size:1.25rem;font-weight:600}.figures span{color:#5c626b;font-size:.85rem}
table{border-collapse:collapse;width:100%;font-variant-numeric:tabular-nums}
th,td{text-align:right;padding:.15rem .5rem;border-bottom:1px solid #e4e6ea}th{color:#5c626b;font-weight:500}
td:first-child,th:first-child,td:nth-child(2),th:nth-child(2){text-align:left}
svg{width:100%;height:auto;display:block}svg text{font:11px system-ui,sans-serif;fill:#22252b}svg .faint{fill:#5c626b}
.tick{stroke:#e4e6ea}.buffer{opacity:.55;stroke:#fff;stroke-width:.5}.span{opacity:.85}
.buffer:hover,.span:hover{opacity:1;stroke:#22252b}
.scroll{max-height:34rem;overflow:auto;border:1px solid #e4e6ea;border-radius:6px}
.arc{fill:none;stroke:#b9bec6;stroke-width:.8;opacity:.6}.arc.lit{stroke:#22252b;stroke-width:1.8;opacity:1}
.single{fill:#fff;stroke-width:1.2}.fused{fill:#f1f3f6;stroke-width:2.2}.chip{fill:#e9ecf1}
.node:hover .single,.node:hover .fused{fill:#fff6d6}
.key i{display:inline-block;width:.8em;height:.8em;border-radius:2px;margin:0 .35em 0 1em;vertical-align:-.05em}
"""
SCRIPT = """
for (const node of document.querySelectorAll('.node')) {
  const row = node.dataset.row, arcs = node.closest('svg').querySelectorAll(`.from${row},.to${row}`);
  node.onmouseenter = () => arcs.forEach(arc => arc.classList.add('lit'));
  node.onmouseleave = () => arcs.forEach(arc => arc.classList.remove('lit'));
}
"""


def page(program: Program, profiles: list[Profile], machine: Machine, title: str) -> str:
    """The HTML text of a program that was profiled on a machine, a profile for each of its parts.

    Times are those of operators launched one by one.
    """
    parts = program.parts()
    least = [[machine.least_seconds(timing.node) for timing in profile.timings] for profile in profiles]
    whole = _figures(list(parts.values()), profiles, sum(map(sum, least)), program.account().peak_bytes)
    key = "".join(f'<i style="background:{colour}"></i>{name}' for name, colour in COLOURS.items())
    sections = []
    for (name, native), profile, bounds in zip(parts.items(), profiles, least, strict=True):
        if len(parts) > 1:
            sections.append(f"<h2>The {name} program</h2>{_figures([native], [profile], sum(bounds))}")
        sections.append(_section(native, profile, bounds) if profile.timings else "<p>There is nothing to run.</p>")
    return f"""<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><title>{escape(title)}</title><style>{STYLE}</style></head><body>
<h1>{escape(title)}</h1><p class="key">A compiled program, each operator launched by itself.{key}</p>
{whole}
{"".join(sections)}
<script>{SCRIPT}</script></body></html>
"""


def _section(native: NativeProgram, profile: Profile, least: list[float]) -> str:
    """The table and the charts of one native program."""
    return f"""
<h3>Where the time goes</h3>
<p>Beside each group the least time that its arithmetic and its bytes need on this machine (its roofline).</p>
{_table(profile, least)}
<h3>Threads</h3>
<p>{busy_share(profile):.0%} of the threads' time is work. Point at a rectangle to see what it is.</p>
{thread_chart(profile)}
<h3>Arena</h3>
{_arena(native, profile)}
<h3>Graph</h3>
<p>In the order in which it runs. A box is one kernel, with the operators that were fused into it; an arc is a tensor
that goes from one to another. Bars: time taken, and within it the least time.</p>
<div class="scroll">{graph_chart(profile, least)}</div>
"""


def _arena(native: NativeProgram, profile: Profile) -> str:
    arena = native.arena
    if not arena.nbytes:
        return "<p>Nothing lies between: every kernel reads what is given and writes what lives on.</p>"
    return f"""<p>{quantity(arena.nbytes, "B")} in one block, planned before the first run; the most that is needed at a
time is {arena.live_bytes / arena.nbytes:.1%} of it. A rectangle is a buffer: its life from left to right, its place
from bottom to top, coloured by the part of the step that writes it.</p>
{arena_chart(profile, native.placements(), arena.nbytes)}"""


def _figures(natives: list[NativeProgram], profiles: list[Profile], least: float, peak: int | None = None) -> str:
    """What native programs did together; `peak` is all the tensor memory in use."""
    took = max(sum(profile.seconds for profile in profiles), 1e-12)
    cost = sum((native.cost for native in natives), NO_COST)
    before = sum((native.unfused_cost for native in natives), NO_COST)
    moved, moved_before = cost.bytes_read + cost.bytes_written, before.bytes_read + before.bytes_written
    kernels = sum(len(native.graph.nodes) for native in natives)
    rows = [
        (seconds(took), "a run"),
        (f"{least / took:.0%}", f"of the limit ({seconds(least)})"),
        (quantity(cost.flops, "FLOP"), f"at {quantity(cost.flops / took, 'FLOP/s')}"),
        (quantity(moved, "B"), f"moved ({quantity(moved_before, 'B')} before fusion)"),
        (f"{kernels}", f"kernels, {sum(native.table.launches for native in natives)} launches"),
        (quantity(sum(native.arena.nbytes for native in natives), "B"), "arena"),
    ]
    if peak is not None:
        rows.append((quantity(peak, "B"), "tensor memory in all"))
    return f'<div class="figures">{"".join(f"<div><b>{a}</b><span>{b}</span></div>" for a, b in rows)}</div>'


def _table(profile: Profile, least: list[float]) -> str:
    bounds: dict[tuple[str, str], float] = {}
    for timing, bound in zip(profile.timings, least, strict=True):
        key = (timing.node.phase, timing.node.call.op.name)
        bounds[key] = bounds.get(key, 0.0) + bound
    rows = []
    for group in profile.groups():
        bound, took = bounds[group.phase, group.name], max(group.seconds, 1e-12)
        moved = group.cost.bytes_read + group.cost.bytes_written
        rows.append(
            f"<tr><td>{escape(group.phase)}</td><td>{escape(group.name)}</td><td>{group.calls}</td>"
            f"<td>{seconds(took)}</td><td>{seconds(bound)}</td><td>{bound / took:.0%}</td>"
            f"<td>{took / profile.seconds:.1%}</td><td>{group.cost.flops / took / 1e9:.1f}</td>"
            f"<td>{moved / took / 1e9:.1f}</td></tr>"
        )
    heads = ("part", "kernel", "calls", "time", "least", "of the limit", "share", "GFLOP/s", "GB/s")
    return f"<table><tr>{''.join(f'<th>{head}</th>' for head in heads)}</tr>{''.join(rows)}</table>"
