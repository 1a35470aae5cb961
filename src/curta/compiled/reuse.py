"""Results that take the place of an operand: which buffers of a program are one block of memory."""

from __future__ import annotations

from collections.abc import Iterator

from curta.compiled.graph import Buffer, Node, Ref
from curta.compiled.units import key_of


def takeovers(node: Node) -> Iterator[tuple[Buffer, Buffer]]:
    """The (operand, result) buffers of which the second may lie where the first does, if nothing reads that later.

    Both start at the same distance and are of one size, and the operator reads all of the operand only where it writes.
    """
    if not node.call.in_place:
        return
    touched: dict[int, list[tuple[int | None, Ref]]] = {}
    for place, operand in enumerate(node.operands):
        if isinstance(operand, Ref):
            touched.setdefault(id(operand.buffer), []).append((place, operand))
    for ref in node.results:
        touched.setdefault(id(ref.buffer), []).append((None, ref))
    for number, result in enumerate(node.results):
        if result.buffer.kind != "internal" or len(touched[id(result.buffer)]) != 1:
            continue
        for uses in touched.values():
            buffer, distance = uses[0][1].buffer, uses[0][1].distance
            fitting = (buffer.kind, buffer.nbytes, distance) == ("internal", result.buffer.nbytes, result.distance)
            if (
                fitting
                and buffer is not result.buffer
                and all((place, number) in node.call.in_place for place, _ in uses)
                and len({key_of(ref) for _, ref in uses}) == 1
            ):
                yield buffer, result.buffer


def merged(nodes: tuple[Node, ...], lives: dict[int, tuple[Buffer, int, int]]) -> list[list[Buffer]]:
    """The buffers that lie in one place one after the other; `lives` has the first and last step of each.

    A result takes an operand's place where the one begins as the other ends.
    """
    blocks = {identity: [buffer] for identity, (buffer, _, _) in lives.items()}
    for step, node in enumerate(nodes):
        taken: set[int] = set()
        for operand, result in takeovers(node):
            ends, begins = lives[id(operand)][2] == step, lives[id(result)][1] == step
            if ends and begins and not taken & {id(operand), id(result)}:
                taken |= {id(operand), id(result)}
                blocks[id(operand)].append(result)
                blocks[id(result)] = blocks[id(operand)]
    return list({id(block): block for block in blocks.values()}.values())
