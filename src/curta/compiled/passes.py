"""Passes over a recorded program; each gives a new graph, which is checked."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

from curta.autograd.state import RECOMPUTATION
from curta.compiled.fusion import Known, fuse
from curta.compiled.graph import Buffer, Node, ProgramGraph, Ref
from curta.compiled.heads import hold_few_scores, make_scores_once
from curta.compiled.order import least_memory, peak_bytes
from curta.compiled.placement import place
from curta.compiled.touched_rows import update_touched_rows
from curta.compiled.units import key_of, writers_of
from curta.compiler.graph import LiveNumber


def simplified(graph: ProgramGraph) -> ProgramGraph:
    """What runs: without dead ends, repetitions and copies, neighbours fused, in the order that takes least memory."""
    graph = _through(graph, drop_dead, share_equal, make_scores_once, update_touched_rows)
    other = _through(graph, hold_few_scores)
    known: Known = {}
    plain = _fused(graph, known)
    if other is graph:
        return plain
    # the weight's gradient is held in place of the scores: which is less depends on what follows
    few = _fused(other, known)
    return few if peak_bytes(few) < peak_bytes(plain) else plain


def _fused(graph: ProgramGraph, known: Known) -> ProgramGraph:
    return _through(graph, place, partial(fuse, known=known), drop_dead, least_memory)


def _through(graph: ProgramGraph, *passes: Callable[[ProgramGraph], ProgramGraph]) -> ProgramGraph:
    for one in passes:
        graph = one(graph)
        graph.check()
    return graph


def share_equal(graph: ProgramGraph) -> ProgramGraph:
    """Without operators that do again what one before did: their readers read that one's results."""
    writers = writers_of(graph.nodes)
    known: dict[Any, Node] = {}
    instead: dict[int, Buffer] = {}
    kept: list[Node] = []
    for node in graph.nodes:
        operands = tuple(_redirected(operand, instead) for operand in node.operands)
        now = replace(node, operands=operands)
        alone = all(ref.buffer.kind == "internal" and writers[id(ref.buffer)] == 1 for ref in node.results)
        steady = all(writers.get(id(ref.buffer), 0) <= (ref.buffer.kind == "internal") for ref in now.reads())
        if alone and steady:
            first = known.setdefault(_meaning(now), now)
            if first is not now:
                instead |= {id(mine.buffer): its.buffer for mine, its in zip(node.results, first.results, strict=True)}
                continue
        kept.append(now)
    return ProgramGraph(tuple(kept), graph.outputs)


def _redirected(operand: Any, instead: dict[int, Buffer]) -> Any:
    if isinstance(operand, Ref) and id(operand.buffer) in instead:
        return replace(operand, buffer=instead[id(operand.buffer)])
    return operand


def _meaning(node: Node) -> tuple[Any, ...]:
    """Equal for operators that make the same: live numbers are known by who they are, others by their value."""
    # what is made again to save memory is not to be kept for it
    words: list[Any] = [node.call, node.phase == RECOMPUTATION]
    for operand in node.operands:
        if isinstance(operand, Ref):
            words.append(key_of(operand))
        elif isinstance(operand, LiveNumber):
            words.append(id(operand))
        else:
            words += [type(operand), operand.hex() if isinstance(operand, float) else operand]
    return tuple(words)


def drop_dead(graph: ProgramGraph) -> ProgramGraph:
    """Without the operators whose results nothing reads: what lives on is what was there before, and the outputs."""
    live = {id(buffer) for buffer in graph.outputs}
    kept: list[Node] = []
    for node in reversed(graph.nodes):
        if any(ref.buffer.kind in ("argument", "external") or id(ref.buffer) in live for ref in node.results):
            kept.append(node)
            live.update(id(ref.buffer) for ref in node.reads())
    return ProgramGraph(tuple(reversed(kept)), graph.outputs)


def lifetimes(graph: ProgramGraph) -> dict[int, tuple[Buffer, int, int]]:
    """For each internal buffer the first and the last step that uses it, by the buffer's identity."""
    found: dict[int, tuple[Buffer, int, int]] = {}
    for step, node in enumerate(graph.nodes):
        for ref in (*node.reads(), *node.results):
            buffer = ref.buffer
            if buffer.kind == "internal":
                first = found[id(buffer)][1] if id(buffer) in found else step
                found[id(buffer)] = (buffer, first, step)
    return found
