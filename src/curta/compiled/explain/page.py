"""The page: figures, a table of kernels beside their limits, and the charts; one file that needs nothing else."""

from __future__ import annotations

from curta.compiled.explain.boxes import graph_chart
from curta.compiled.explain.machine import Machine
from curta.compiled.explain.timeline import arena_chart, busy_share, thread_chart
from curta.compiled.native import NativeProgram
from curta.compiled.profile import Profile
from curta.compiled.program import Program
from curta.costs.units import quantity, seconds
from curta.ops.record import NO_COST
from curta.report.colours import PHASES
from curta.report.page import document, figures, key, swatch, table

STYLE = """
body{font-size:14px}svg{width:100%;height:auto;display:block}svg text{font-size:11px}
.tick{stroke:var(--line)}.buffer{opacity:.55;stroke:var(--paper);stroke-width:.5}.span{opacity:.85}
.buffer:hover,.span:hover{opacity:1;stroke:var(--ink)}
.scroll svg{min-width:60rem}.scroll{max-height:34rem;overflow:auto;border:1px solid var(--line);border-radius:6px}
.arc{fill:none;stroke:var(--arc);stroke-width:.8;opacity:.6}.arc.lit{stroke:var(--ink);stroke-width:1.8;opacity:1}
.single{fill:var(--paper);stroke-width:1.2}.fused{fill:var(--panel);stroke-width:2.2}.chip{fill:var(--raised)}
.node:hover .single,.node:hover .fused{fill:var(--lit)}
.key svg{width:12px;height:12px;display:inline}
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
    signs = key((swatch(colour), name) for name, colour in PHASES.items())
    sections = []
    for (name, native), profile, bounds in zip(parts.items(), profiles, least, strict=True):
        if len(parts) > 1:
            sections.append(f"<h2>The {name} program</h2>{_figures([native], [profile], sum(bounds))}")
        sections.append(_section(native, profile, bounds) if profile.timings else "<p>There is nothing to run.</p>")
    body = f"<p>A compiled program, each operator launched by itself.</p>{signs}{whole}{''.join(sections)}"
    return document(title, body, STYLE, SCRIPT)


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
    return figures(rows)


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
            (
                group.phase, group.name, f"{group.calls}", seconds(took), seconds(bound), f"{bound / took:.0%}",
                f"{took / profile.seconds:.1%}", f"{group.cost.flops / took / 1e9:.1f}", f"{moved / took / 1e9:.1f}",
            )
        )  # fmt: skip
    heads = ("part", "kernel", "calls", "time", "least", "of the limit", "share", "GFLOP/s", "GB/s")
    return table(heads, rows, "Kernels beside what the machine could do", words=(0, 1))
