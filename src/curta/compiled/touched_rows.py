"""Updates of the rows of an embedding that were looked up alone, without a gradient of the whole table's size.

Where a gradient that is mostly zeros is made for one update alone, and that leaves elements of gradient 0 as they are
(`Composition.still`), the rows named by the batch are all there is to do: their gradients are added up, their
parameters and states gathered, updated and put back. A row named twice is worked out twice, to the same numbers, which
are those of the whole update to the bit.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from curta.compiled.graph import Buffer, Node, ProgramGraph, Ref, all_described
from curta.compiled.units import Users
from curta.memory.layout import Layout, contiguous
from curta.ops.elementwise import CAST
from curta.ops.embedding import EMBEDDING
from curta.ops.indexing import ROW_TOTALS, SCATTER, SCATTER_INTO
from curta.ops.program import executable
from curta.ops.record import Composition, Op


def update_touched_rows(graph: ProgramGraph) -> ProgramGraph:
    """With such updates of rows alone where that moves fewer bytes; `graph` itself where there are none."""
    if not any(node.call.op is SCATTER for node in graph.nodes):
        return graph
    users, fresh = Users(graph.nodes, graph.outputs), _Fresh(graph)
    instead: dict[int, list[Node]] = {}
    for place, node in enumerate(graph.nodes):
        if node.call.op is not SCATTER or not node.params["accumulate"]:
            continue
        chain = _chain(node, users)
        if chain is not None and _stays(graph.nodes, place, chain):
            made = _by_rows(chain, fresh)
            if _bytes(made) < _bytes(chain):
                instead |= {id(one): [] for one in chain[:-1]}
                instead[id(chain[-1])] = made
    if not instead:
        return graph
    nodes = [one for node in graph.nodes for one in instead.get(id(node), [node])]
    return ProgramGraph(tuple(nodes), graph.outputs)


class _Fresh:
    """Buffers that the program did not have before."""

    def __init__(self, graph: ProgramGraph) -> None:
        self._number = max((buffer.number for buffer in graph.buffers()), default=-1)

    def ref(self, layout: Layout) -> Ref:
        self._number += 1
        return Ref(Buffer("internal", layout.nbytes, self._number), layout)


def _chain(scatter: Node, users: Users) -> list[Node] | None:
    """The scatter, its update, and a change of format between them if there is one; None where it is something else."""
    chain = [scatter]
    while True:
        (made,) = chain[-1].results
        following = users.readers(made)
        if users.maker(made) is not chain[-1] or len(following) != 1:
            return None
        chain.append(following[0])
        op = following[0].call.op
        if op is CAST and following[0].operands[0] == made and len(chain) == 2:
            continue
        still = isinstance(op.lower, Composition) and op.lower.still
        return chain if still and _updates_rows(following[0], made) else None


def _updates_rows(update: Node, gradient: Ref) -> bool:
    """Whether a gradient goes as it is into an update, in place, of tensors of the same shape with whole rows."""
    parameter, given, *others = update.operands
    written = [parameter, *(one for one in others if isinstance(one, Ref))]
    if given != gradient or len(written) != len(update.results):
        return False
    return all(
        one == result and one.layout.shape == gradient.layout.shape and one.layout.strides[1] == 1
        for one, result in zip(written, update.results, strict=True)
    )


def _stays(nodes: tuple[Node, ...], place: int, chain: list[Node]) -> bool:
    """Whether nothing changes, before the update, what the scatter reads."""
    read = {id(ref.buffer) for ref in chain[0].reads()}
    for node in nodes[place + 1 :]:
        if node is chain[-1]:
            return True
        if any(id(ref.buffer) in read for ref in node.results):
            return False
    return False


def _bytes(nodes: list[Node]) -> int:
    return sum(node.call.cost.bytes_read + node.call.cost.bytes_written for node in nodes)


def _by_rows(chain: list[Node], fresh: _Fresh) -> list[Node]:
    """What does the same to the rows that are named, and to no others."""
    scatter, *casts, update = chain
    source, places = scatter.reads()
    nodes: list[Node] = []

    def add(like: Node, op: Op, operands: tuple[Any, ...], params: dict[str, Any]) -> Ref:
        call = executable(op, all_described(operands), params)
        result = fresh.ref(call.outputs[0])
        nodes.append(replace(like, call=call, operands=operands, results=(result,), params=params))
        return result

    gradient = add(scatter, ROW_TOTALS, (source, places), {"count": scatter.params["count"]})
    for cast in casts:
        gradient = add(cast, CAST, (gradient,), cast.params)
    parameter, _, *others = update.operands
    column = contiguous((*places.layout.shape, 1), places.layout.dtype, places.layout.device)
    rows = replace(places, layout=column)

    def gathered(one: Any) -> Any:
        return add(update, EMBEDDING, (one, rows), {}) if isinstance(one, Ref) else one

    given = (gathered(parameter), gradient, *map(gathered, others))
    call = executable(update.call.op, all_described(given), update.params)
    results = tuple(map(fresh.ref, call.outputs))
    nodes.append(replace(update, call=call, operands=given, results=results))
    for made, target in zip(results, update.results, strict=True):
        params = {"step": target.layout.strides[0], "accumulate": False}
        put = executable(SCATTER_INTO, all_described((made, places)), params, (target.layout,))
        nodes.append(replace(update, call=put, operands=(made, places), results=(target,), params=params))
    return nodes
