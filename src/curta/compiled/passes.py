"""Passes over a recorded program; each gives a new graph, which is checked."""

from __future__ import annotations

from curta.compiled.graph import Buffer, Node, ProgramGraph


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
