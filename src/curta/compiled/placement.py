"""Results written where they are wanted: an operator whose result is only copied elsewhere writes there itself."""

from __future__ import annotations

from dataclasses import replace

from curta.compiled.graph import Buffer, Node, ProgramGraph, Ref, all_described
from curta.compiled.units import writers_of
from curta.memory.layout import Layout, strided
from curta.ops.program import executable
from curta.ops.record import Generated, Pointwise, Product


def place(graph: ProgramGraph) -> ProgramGraph:
    """Without the copies that only bring a result into another order or another buffer."""
    nodes: list[Node | None] = list(graph.nodes)
    writers, readers = writers_of(graph.nodes), _readers_of(graph.nodes)
    touched: dict[int, int] = {}  # the last node so far that reads or writes a buffer
    makers: dict[int, int] = {}
    for number, node in enumerate(graph.nodes):
        copied = _copied(node)
        if copied is not None and writers.get(id(copied.buffer)) == readers.get(id(copied.buffer)) == 1:
            at = makers[id(copied.buffer)]
            made, target = nodes[at], node.results[0]
            moved = None if made is None or touched.get(id(target.buffer), -1) > at else _moved(made, copied, target)
            if moved is not None:
                nodes[at], nodes[number] = moved, None
                touched[id(target.buffer)] = max(at, touched.get(id(target.buffer), -1))
                makers[id(target.buffer)] = at
                continue
        for ref in (*node.reads(), *node.results):
            touched[id(ref.buffer)] = number
        for ref in node.results:
            makers[id(ref.buffer)] = number
    return ProgramGraph(tuple(node for node in nodes if node is not None), graph.outputs)


def _readers_of(nodes: tuple[Node, ...]) -> dict[int, int]:
    """How many operands look into each buffer, by its identity."""
    found: dict[int, int] = {}
    for node in nodes:
        for ref in node.reads():
            found[id(ref.buffer)] = found.get(id(ref.buffer), 0) + 1
    return found


def _copied(node: Node) -> Ref | None:
    """What a plain copy reads, if it lies in the arena."""
    if node.call.op.name != "copy":
        return None
    (source,) = node.reads()
    same = source.layout.dtype is node.results[0].layout.dtype and source.layout.shape == node.results[0].layout.shape
    return source if same and source.buffer.kind == "internal" else None


def _moved(made: Node, copied: Ref, target: Ref) -> Node | None:
    """`made`, writing where the copy of one of its results goes; None where it cannot."""
    number = next((place for place, ref in enumerate(made.results) if ref.buffer is copied.buffer), None)
    if number is None or not _writes_anywhere(made):
        return None
    result = made.results[number]
    layout = _reordered(result.layout, copied.layout, target.layout) if result.offset == copied.offset else None
    if layout is None or _reads(made, target.buffer) or _is_row(made, layout):
        return None
    results = list(made.results)
    results[number] = replace(target, layout=layout)
    layouts = tuple(ref.layout for ref in results)
    if all(one is other for one, other in zip(layouts, made.call.outputs, strict=True)):
        return replace(made, results=tuple(results))
    fresh = frozenset(range(len(results)))
    call = executable(made.call.op, all_described(made.operands), made.params, layouts, fresh=fresh)
    return replace(made, call=call, results=tuple(results))


def _writes_anywhere(made: Node) -> bool:
    """Whether an operator's results may have any strides."""
    lower = made.call.op.lower
    if isinstance(lower, Generated):
        return lower.strided
    return len(made.results) == 1 and isinstance(lower, (Pointwise, Product))


def _reads(node: Node, buffer: Buffer) -> bool:
    return any(ref.buffer is buffer for ref in node.reads())


def _is_row(made: Node, layout: Layout) -> bool:
    """Whether `made` is a row times a matrix that would be stored as a column: other kernels make those."""
    return isinstance(made.call.op.lower, Product) and layout.shape[-2] == 1 and layout.strides[-1] != 1


def _reordered(result: Layout, copied: Layout, target: Layout) -> Layout | None:
    """How `result` lies where the elements of `copied`, which has the same in another order, lie as `target`."""
    steps: dict[tuple[int, int], int] = {}
    for size, before, after in zip(copied.shape, copied.strides, target.strides, strict=True):
        if size > 1:
            steps[size, before] = after
    moving = [pair for pair in zip(result.shape, result.strides, strict=True) if pair[0] > 1]
    if result.numel != copied.numel or len(set(moving)) != len(moving) or set(moving) != set(steps):
        return None
    strides = tuple(steps.get(pair, 0) for pair in zip(result.shape, result.strides, strict=True))
    return strided(result.shape, strides, result.dtype, result.device)
