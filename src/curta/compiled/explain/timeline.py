"""Charts over time: the arena's buffers, and the threads."""

from __future__ import annotations

from curta.compiled.explain.scale import TimeAxis, rectangle, svg
from curta.compiled.native import Placement
from curta.compiled.profile import Profile
from curta.costs.units import quantity, seconds
from curta.report.colours import phase_colour

ARENA_HEIGHT, LANE = 360, 34


def arena_chart(profile: Profile, placements: list[Placement], nbytes: int) -> str:
    """Buffers as rectangles: from left to right while they live, from bottom to top where they lie."""
    axis, timings = TimeAxis.of(profile), profile.timings
    parts = [axis.ticks(ARENA_HEIGHT)]
    for one in sorted(placements, key=lambda placement: -placement.nbytes):
        left, right = axis.x(timings[one.first].spans[0].start), axis.x(timings[one.last].spans[0].stop)
        height = ARENA_HEIGHT * one.nbytes / nbytes
        top = ARENA_HEIGHT * (1 - one.offset / nbytes) - height
        born, last = timings[one.first].node, timings[one.last].node
        title = (
            f"{one.name}: {quantity(one.nbytes, 'B')} at {one.offset:,}\nfrom {born.call.op.name} ({born.phase} "
            f"{born.line})\nto {last.call.op.name} ({last.phase} {last.line})"
        )
        parts.append(rectangle(left, top, right - left, height, phase_colour(born.phase), title, 'class="buffer"'))
    return svg(ARENA_HEIGHT, "".join(parts), "arena: buffers over time")


def thread_chart(profile: Profile) -> str:
    """One lane a thread; a rectangle for each operator that it worked on."""
    axis = TimeAxis.of(profile)
    threads = sorted({span.thread for timing in profile.timings for span in timing.spans})
    height = LANE * len(threads)
    parts = [axis.ticks(height)]
    for timing in profile.timings:
        node = timing.node
        for span in timing.spans:
            took = seconds(span.stop - span.start)
            title = f"{node.call.op.name}, {node.phase} {node.line}\nthread {span.thread}: {took}"
            left, right = axis.x(span.start), axis.x(span.stop)
            top = LANE * threads.index(span.thread) + 3
            parts.append(rectangle(left, top, right - left, LANE - 6, phase_colour(node.phase), title, 'class="span"'))
    return svg(height, "".join(parts), "threads: operators over time")


def busy_share(profile: Profile) -> float:
    """The share of all the threads' time, from the first launch to the last end, in which they worked."""
    axis = TimeAxis.of(profile)
    threads = {span.thread for timing in profile.timings for span in timing.spans}
    worked = sum(span.stop - span.start for timing in profile.timings for span in timing.spans)
    return worked / max((axis.stop - axis.start) * len(threads), 1e-12)
