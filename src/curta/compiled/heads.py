"""A classifier's last projection, its cross-entropy and their gradients as one operator, which holds few scores.

The forward pass of `linear_cross_entropy` is dropped where the backward pass follows, which makes the losses too. And
where a program makes all the scores itself for a loss alone, it may as well make them some rows at a time: the numbers
are the same, to the bit.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from curta.compiled.graph import Node, ProgramGraph, Ref
from curta.compiled.units import Unit, Users, key_of
from curta.compiler.matmul.spec import in_tiles
from curta.memory.layout import Layout, contiguous
from curta.ops.linear_cross_entropy import (
    BIASED_LINEAR_CROSS_ENTROPY,
    BIASED_LINEAR_CROSS_ENTROPY_BOTH,
    LINEAR_CROSS_ENTROPY,
    LINEAR_CROSS_ENTROPY_BACKWARD,
    LINEAR_CROSS_ENTROPY_BOTH,
    block_rows,
)  # fmt: skip
from curta.ops.loss import CROSS_ENTROPY, CROSS_ENTROPY_BACKWARD
from curta.ops.matmul import LINEAR, MATMUL, PROJECTION
from curta.ops.program import executable
from curta.ops.record import Op
from curta.runtime import cpu


def make_scores_once(graph: ProgramGraph) -> ProgramGraph:
    """Without the forward pass of `linear_cross_entropy` where the backward pass can run in its place."""
    nodes = list(graph.nodes)
    for backward in [node for node in nodes if node.call.op is LINEAR_CROSS_ENTROPY_BACKWARD]:
        forward = next((node for node in nodes if _same_losses(node, backward)), None)
        if forward is None:
            continue
        op = LINEAR_CROSS_ENTROPY_BOTH if len(backward.operands) == 4 else BIASED_LINEAR_CROSS_ENTROPY_BOTH
        call = executable(op, tuple(ref.layout for ref in backward.reads()), backward.params)
        one = Node(
            call, backward.operands, (forward.results[0], *backward.results[1:]), backward.params, backward.phase,
            backward.line, module=backward.module,
        )  # fmt: skip
        nodes = _gathered(nodes, (forward, backward), backward, one) or nodes
    return ProgramGraph(tuple(nodes), graph.outputs)


def _same_losses(forward: Node, backward: Node) -> bool:
    if forward.call.op not in (LINEAR_CROSS_ENTROPY, BIASED_LINEAR_CROSS_ENTROPY):
        return False
    params = {name: value for name, value in backward.params.items() if name != "wanted"}
    given = [key_of(ref) for ref in backward.reads()][1:]
    return forward.params == params and [key_of(ref) for ref in forward.reads()] == given


def hold_few_scores(graph: ProgramGraph) -> ProgramGraph:
    """With projections whose scores only a cross-entropy needs made some rows at a time; `graph` if there are none."""
    nodes = list(graph.nodes)
    for loss in [node for node in nodes if node.call.op is CROSS_ENTROPY]:
        head = _head(Users(nodes, graph.outputs), loss)
        if head is not None:
            nodes = _gathered(nodes, head.nodes, head.place, head.one()) or nodes
    return graph if len(nodes) == len(graph.nodes) else ProgramGraph(tuple(nodes), graph.outputs)


class _Head(NamedTuple):
    """The nodes of one projection and loss: `slopes` is the gradient of the scores, the others what comes from it."""

    projection: Node
    loss: Node
    slopes: Node | None
    to_x: Node | None
    to_weight: Node | None

    @property
    def nodes(self) -> tuple[Node, ...]:
        return tuple(node for node in self if node is not None)

    @property
    def place(self) -> Node:
        """The node at whose place all of them can have their operands."""
        return self.slopes or self.loss

    def one(self) -> Node:
        """All of them as one node."""
        x, weight, *bias = self.projection.operands
        given = (_rows_of(x), weight, self.loss.operands[1], *bias)
        params = {name: value for name, value in self.loss.params.items() if name != "dim"}
        if self.slopes is None:
            alone = BIASED_LINEAR_CROSS_ENTROPY if bias else LINEAR_CROSS_ENTROPY
            return self._node(alone, given, (self.loss.results[0],), params)
        made = [_rows_of(node.results[0]) for node in (self.to_x, self.to_weight) if node is not None]
        params["wanted"] = (self.to_x is not None, self.to_weight is not None, *(False for _ in bias))
        given = (self.slopes.operands[0], *given)
        op = BIASED_LINEAR_CROSS_ENTROPY_BOTH if bias else LINEAR_CROSS_ENTROPY_BOTH
        return self._node(op, given, (self.loss.results[0], *made), params)

    def _node(self, op: Op, given: tuple[Ref, ...], results: tuple[Ref, ...], params: dict[str, Any]) -> Node:
        call = executable(op, tuple(ref.layout for ref in given), params)
        return Node(call, given, results, params, self.place.phase, self.place.line, self.nodes)


def _rows_of(ref: Ref) -> Ref:
    """A tensor without gaps as a matrix."""
    layout = ref.layout
    if layout.rank == 2:
        return ref
    shape = (layout.numel // layout.shape[-1], layout.shape[-1])
    return Ref(ref.buffer, contiguous(shape, layout.dtype, layout.device), ref.offset)


def _head(users: Users, loss: Node) -> _Head | None:
    """The head that ends in `loss`, if nothing else needs its scores and its numbers stay the same."""
    scores = loss.operands[0]
    projection = users.maker(scores)
    if projection is None or projection.call.op not in (PROJECTION, LINEAR) or not _stays(projection, scores):
        return None
    others = [node for node in users.readers(scores) if node is not loss]
    seen = users.readers(loss.results[1])
    if not others and not seen and users.maker(loss.results[1]) is loss:
        return _Head(projection, loss, None, None, None)
    if len(others) != 1 or seen != others or users.maker(loss.results[1]) is not loss:
        return None
    slopes = others[0]
    if slopes.call.op is not CROSS_ENTROPY_BACKWARD or slopes.params != loss.params:
        return None
    if [key_of(ref) for ref in slopes.operands[1:]] != [
        key_of(ref) for ref in (scores, loss.operands[1], loss.results[1])
    ]:
        return None
    return _with_products(users, projection, loss, slopes)


def _with_products(users: Users, projection: Node, loss: Node, slopes: Node) -> _Head | None:
    """With the gradients of x and of the weight, which must be all that comes from the scores' gradient."""
    x, weight = projection.operands[:2]
    made = slopes.results[0]
    found: dict[str, Node] = {}
    if users.maker(made) is not slopes or not users.readers(made):
        return None
    for node in users.readers(made):
        if node.call.op is not MATMUL or not node.results[0].layout.is_contiguous:
            return None
        left, right = node.operands
        if _is_whole(left, made) and key_of(right) == key_of(weight):
            found["to_x"] = node
        elif _is_turned(left, made) and key_of(right) == key_of(_rows_of(x)):
            found["to_weight"] = node
        else:
            return None
    if len(found) != len(users.readers(made)):
        return None
    return _Head(projection, loss, slopes, found.get("to_x"), found.get("to_weight"))


def _is_whole(ref: Ref, made: Ref) -> bool:
    return ref.buffer is made.buffer and ref.layout.is_contiguous and ref.layout.shape[-1] == made.layout.shape[-1]


def _is_turned(ref: Ref, made: Ref) -> bool:
    layout: Layout = made.layout
    return (
        ref.buffer is made.buffer
        and ref.layout.shape == layout.shape[::-1]
        and ref.layout.strides == layout.strides[::-1]
    )


def _stays(projection: Node, scores: Ref) -> bool:
    """Whether several blocks of rows give the numbers of one: the same kernels see the same sums."""
    x, weight = projection.operands[:2]
    made, layout = projection.results[0].layout, scores.layout
    if layout.rank != 2 or not layout.is_contiguous or made.numel != layout.numel or made.shape[-1] != layout.shape[1]:
        return False
    if not made.is_contiguous or not (x.layout.rank == 2 or x.layout.is_contiguous):
        return False
    rows, classes = layout.shape
    size = block_rows(rows, classes, layout.dtype)
    # one block saves nothing; vectors, and the tiles of some processors, have kernels with sums of their own
    one_by_one = 1 in (rows % size, classes, weight.layout.shape[1])
    return rows > size and not one_by_one and not in_tiles(layout.dtype, cpu.level())


def _gathered(nodes: list[Node], group: tuple[Node, ...], place: Node, one: Node) -> list[Node] | None:
    """The nodes with `one` in place of a group, where the group's `place` is; None where that changes what is read.

    What stands between and needs one of the group comes after it.
    """
    chosen = {id(node) for node in group}
    before: list[Node] = []
    late: list[Unit] = []
    after: list[Unit] = []
    gone: list[Unit] = []
    passed = False
    for node in nodes:
        unit = Unit([node])
        if id(node) in chosen:
            if any(unit.conflicts(other) for other in (*late, *after)):
                return None
            gone.append(unit)
            passed = passed or node is place
        elif passed:
            after.append(unit)
        elif any(unit.conflicts(other) for other in (*gone, *late)):
            late.append(unit)
        else:
            before.append(node)
    return [*before, one, *(unit.nodes[0] for unit in (*late, *after))]
