"""From a graph of operators to as few loop programs as its reductions allow.

Every reduction belongs to a kernel; reductions over the same dimensions of the same space share one (softmax's maximum
and sum). Element-wise work is evaluated inside the kernels that need it. What crosses from kernel to kernel is the
result of a reduction, so that only small tensors are written in between.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from math import prod
from typing import Any

from curta import dtypes
from curta.compiler.expression import Expression, constant, index
from curta.compiler.graph import Graph, GraphNode, GraphNumber, GraphValue
from curta.compiler.loops import Reducing, Slot, Stage, walk
from curta.compiler.reductions import TABLE, Reduction
from curta.default_dtype import get_default_dtype
from curta.dtypes import DType, compute_dtype
from curta.errors import CompilerError
from curta.memory.layout import Layout, Shape, strided
from curta.ops.record import Pointwise, Reduce
from curta.promotion import result_type
from curta.shapes import contiguous_strides

#: rows are gone through side by side where they are this close, and there is this much of them together
_NEIGHBOURS, _FEW_ELEMENTS = 16, 1 << 12
#: what a slot stands for: ("input", position), ("value", GraphValue); and how many bytes further it begins
Source = tuple[Any, ...]


@dataclass(slots=True)
class Kernel:
    """One kernel before its operands' strides are looked at: its space, what is reduced, its slots and stages.

    `layouts` says how each slot lies over the space (it broadcasts to it); scalars have none. `gather_strides` are the
    bytes a computed coordinate moves along, by (slot, axis).
    """

    space: Shape
    axes: tuple[int, ...]
    slots: list[Slot] = field(default_factory=list)
    layouts: list[Layout | None] = field(default_factory=list)
    sources: list[Source] = field(default_factory=list)
    stages: list[Stage] = field(default_factory=list)
    row_stores: list[tuple[int, Expression]] = field(default_factory=list)
    indexed: bool = False
    gather_strides: dict[tuple[int, int], int] = field(default_factory=dict)


class Builder:
    """Builds one kernel: turns graph values into expressions over its space.

    `inside` are the reductions that this kernel computes itself, in the order in which its stages have them.
    """

    def __init__(self, kernel: Kernel, inside: list[GraphNode]) -> None:
        self.kernel = kernel
        self.inside = inside
        self.memo: dict[tuple[int, int], Expression] = {}
        self.slot_of: dict[Any, int] = {}

    def slot(self, source: Source, dtype: DType, role: str, layout: Layout | None) -> int:
        """The number of the slot for a source, made at its first use."""
        identity = source[1] if isinstance(source[1], int) else id(source[1])
        key = (role, source[0], identity, dtype, id(layout))
        found = self.slot_of.get(key)
        if found is None:
            found = self.slot_of[key] = len(self.kernel.slots)
            self.kernel.slots.append(Slot(dtype, role))
            self.kernel.layouts.append(layout)
            self.kernel.sources.append(source)
        return found

    def expression(self, value: GraphValue) -> Expression:
        """The value's element at the current place."""
        key = (id(value), -1) if value.node is None else (id(value.node), value.output)
        found = self.memo.get(key)
        if found is None:
            found = self.memo[key] = self._build(value)
        return found

    def _build(self, value: GraphValue) -> Expression:
        node = value.node
        if node is not None and isinstance(node.op.lower, Pointwise):
            return self._pointwise(node, node.op.lower)[value.output]
        if node is not None and any(node is mine for mine in self.inside):
            number = next(place for place, mine in enumerate(self.inside) if mine is node)
            record = reduction_of(node)
            kind = record.initial(element_dtype(node))[record.result][0]
            return Expression("reduced", kind, (), (number, record.result)).to(value.layout.dtype)
        if node is not None and not isinstance(node.op.lower, Reduce):
            raise CompilerError(f"{node.op.name}: cannot be part of a fused composition")
        slot = self.slot(source_of(value), value.layout.dtype, "input", value.layout)
        return Expression("input", compute_dtype(value.layout.dtype), (), slot)

    def operand(self, operand: Any, dtype: DType | None) -> Expression:
        """One operand as an expression of `dtype`'s compute format (None: of its own)."""
        if isinstance(operand, GraphValue):
            found = self.expression(operand)
            return found if dtype is None else found.to(dtype)
        kind = compute_dtype(dtype or number_dtype(operand_type(operand)))
        if isinstance(operand, GraphNumber):
            carrier = dtypes.float64 if kind.is_floating_point else dtypes.int64
            slot = self.slot(("input", operand.position), carrier, "scalar", None)
            return Expression("scalar", kind, (), slot)
        return constant(operand, kind)

    def _pointwise(self, node: GraphNode, lower: Pointwise) -> tuple[Expression, ...]:
        self.kernel.indexed |= lower.indexed
        formats = operand_dtypes(node, lower)
        operands: list[Any] = []
        for place, (operand, dtype) in enumerate(zip(node.operands, formats, strict=True)):
            if lower.gathered is not None and place in lower.gathers:
                operands.append(self._reader(node, place, lower.gathered))
            else:
                operands.append(self.operand(operand, dtype))
        result = lower.element(*operands, **node.params)
        results = result if isinstance(result, tuple) else (result,)
        if lower.indexed:
            results = _over_space(results, node.outputs[0].layout.shape, self.kernel)
        converted = tuple(e.to(made.layout.dtype) for e, made in zip(results, node.outputs, strict=True))
        for number, expression in enumerate(converted):
            self.memo[id(node), number] = expression
        return converted

    def _reader(self, node: GraphNode, place: int, gathered: Callable[..., Any]) -> Callable[..., Expression]:
        """For gathers: a function that reads the operand at `place` at computed coordinates."""
        value: GraphValue = node.operands[place]
        if value.node is not None and isinstance(value.node.op.lower, Pointwise):
            raise CompilerError(f"{node.op.name}: a fused kernel can gather only from memory")
        layout, shape = value.layout, node.outputs[0].layout.shape
        strides, axes = gathered(layout, shape, **node.params)
        slot = self.slot(source_of(value), layout.dtype, "input", strided(shape, strides, layout.dtype, layout.device))
        for axis in axes:
            self.kernel.gather_strides[slot, axis] = layout.strides[axis] * layout.dtype.itemsize

        def read(*coordinates: Expression, guard: Expression | None = None) -> Expression:
            operands = coordinates if guard is None else (*coordinates, guard)
            return Expression("load", compute_dtype(layout.dtype), operands, (slot, axes, guard is not None))

        return read


def _over_space(results: tuple[Expression, ...], shape: Shape, kernel: Kernel) -> tuple[Expression, ...]:
    """Expressions of indices into `shape`, in terms of the kernel's own axes: there may be more, in another order."""
    if shape == kernel.space and not kernel.axes:
        return results
    kept = [axis for axis in range(len(kernel.space)) if axis not in kernel.axes]
    order = [*kept, *kernel.axes[-1:], *kernel.axes[:-1]]  # as loop programs number them
    ahead = len(kernel.space) - len(shape)
    zero = constant(0, dtypes.int64)
    places = [zero if size == 1 else index(order.index(ahead + axis)) for axis, size in enumerate(shape)]
    flat = zero
    for place, step in zip(places, contiguous_strides(shape), strict=True):
        flat = flat + place * step
    moved: dict[int, Expression] = {}
    for node in walk(list(results)):
        if node.kind == "index":
            moved[id(node)] = places[node.attribute]
        elif node.kind == "flat_index":
            moved[id(node)] = flat
        elif any(moved[id(operand)] is not operand for operand in node.operands):
            moved[id(node)] = replace(node, operands=tuple(moved[id(operand)] for operand in node.operands))
        else:
            moved[id(node)] = node
    return tuple(moved[id(one)] for one in results)


def number_dtype(kind: type) -> DType:
    """The format of a Python number of this type."""
    if kind is bool:
        return dtypes.bool_
    return dtypes.int64 if kind is int else get_default_dtype()


def operand_type(operand: Any) -> type:
    """Python's type of a number operand, given now or at run time."""
    return operand.type if isinstance(operand, GraphNumber) else type(operand)


def operand_dtypes(node: GraphNode, lower: Pointwise) -> list[DType | None]:
    """The format each operand is converted to (None: its own)."""
    count = len(node.operands)
    words = (lower.operands,) * count if isinstance(lower.operands, str) else lower.operands
    table: dict[str, DType | None] = {"result": node.outputs[0].layout.dtype, "raw": None}
    if "promoted" in words:  # uint64 and the int64 of places, which are raw, have no format in common
        table["promoted"] = result_type(
            *(
                (o.layout.dtype, o.layout.rank) if isinstance(o, GraphValue) else (number_dtype(operand_type(o)), None)
                for o in node.operands
            )
        )
    wide = {float: dtypes.float64, int: dtypes.int64, bool: dtypes.bool_}
    return [
        wide[operand_type(operand)] if word == "exact" else table[word]
        for operand, word in zip(node.operands, words, strict=True)
    ]


def source_of(value: GraphValue) -> Source:
    return ("input", value.position) if value.node is None else ("value", value)


def reduction_of(node: GraphNode) -> Reduction:
    """The reduction record of a graph node."""
    if not isinstance(node.op.lower, Reduce):
        raise CompilerError(f"{node.op.name}: is not a reduction")
    return TABLE[node.op.lower.reduction]


def element_dtype(node: GraphNode) -> DType:
    """The compute format in which a reduction sees its elements."""
    name = reduction_of(node).name
    if name in ("sum", "prod"):
        return compute_dtype(node.outputs[0].layout.dtype)
    return dtypes.bool_ if name in ("all", "any") else compute_dtype(node.operands[0].layout.dtype)


@dataclass(slots=True, eq=False)
class Group:
    """Reductions that share a kernel, by level: those of level n need results of level n - 1.

    Where neighbours in memory belong to different rows (`columns`) there is one level, and results that need more than
    one element have a kernel of their own: such a kernel goes through memory once, many rows at a time.
    """

    space: Shape
    axes: tuple[int, ...]
    columns: bool = False
    levels: list[list[GraphNode]] = field(default_factory=list)
    waits: list[Group] = field(default_factory=list)  # the groups whose results this one reads

    def nodes(self) -> list[GraphNode]:
        return [node for level in self.levels for node in level]

    def behind(self) -> list[Group]:
        """All the groups that must run before this one."""
        found: dict[int, Group] = {}
        stack = list(self.waits)
        while stack:
            group = stack.pop()
            if id(group) not in found:
                found[id(group)] = group
                stack += group.waits
        return list(found.values())


def groups_of(graph: Graph) -> list[Group]:
    """The reductions that a graph's outputs need, gathered into kernels, in the order to run them."""
    groups: list[Group] = []
    home: dict[int, tuple[Group, int]] = {}
    wanted = {id(node) for value in graph.outputs for node in _reductions_below(value)}
    for node in graph.nodes:
        if id(node) not in wanted:
            continue
        space, axes = node.operands[0].layout.shape, node.params["dims"]
        needs = [home[id(n)] for n in _reductions_below(node.operands[0])]
        dropped = [home[id(n)][0] for n in _nearest(node.operands[0]) if _drops_axes(n)]
        columns = _by_columns(graph, space, axes)
        alone = [group for group, _ in needs] if columns else dropped
        chosen = next(
            (g for g in groups if (g.space, g.axes) == (space, axes) and _may_join(g, [n for n, _ in needs], alone)),
            None,
        )
        if chosen is None:
            chosen = Group(space, axes, columns)
            groups.append(chosen)
        level = max((level + 1 for group, level in needs if group is chosen), default=0)
        while len(chosen.levels) <= level:
            chosen.levels.append([])
        chosen.levels[level].append(node)
        home[id(node)] = (chosen, level)
        chosen.waits += [group for group, _ in needs if group is not chosen]
    return sorted(groups, key=lambda group: len(group.behind()))


def _by_columns(graph: Graph, space: Shape, axes: tuple[int, ...]) -> bool:
    """Whether the largest tensor that is read runs fastest, and far enough, along dimensions that are kept."""
    layouts = [one.layout for one in graph.inputs if isinstance(one, GraphValue) and one.layout.shape == space]
    if not layouts or prod(space) < _FEW_ELEMENTS:
        return False
    strides = max(layouts, key=lambda layout: layout.nbytes).strides
    near = [axis for axis, stride in enumerate(strides) if 0 < stride < _NEIGHBOURS and space[axis] > 1]
    return bool(near) and not any(axis in axes for axis in near)


def _may_join(group: Group, needs: list[Group], alone: list[Group]) -> bool:
    """Whether a reduction that needs results of these groups can be a part of `group`: nothing may wait for itself.

    It cannot where it needs results of `alone` that are this one's.
    """
    if any(other is group for other in alone):
        return False
    return not any(before is group for other in needs if other is not group for before in other.behind())


def _drops_axes(node: GraphNode) -> bool:
    """Whether a reduction's result no longer lines up with its operand's dimensions."""
    return bool(node.outputs[0].layout.rank) and node.outputs[0].layout.rank < node.operands[0].layout.rank


def _reductions_below(value: GraphValue) -> list[GraphNode]:
    """All reductions that `value` depends on, directly or through others."""
    found: dict[int, GraphNode] = {}
    seen: set[int] = set()
    stack = [value]
    while stack:
        node = stack.pop().node
        if node is None or id(node) in seen:
            continue
        seen.add(id(node))
        if isinstance(node.op.lower, Reduce):
            found[id(node)] = node
        stack += [operand for operand in node.operands if isinstance(operand, GraphValue)]
    return list(found.values())


def fuse(graph: Graph) -> list[Kernel]:
    """The kernels that compute the graph's outputs, in the order to run them.

    Outputs are slots with the source ("output", number); a reduction's result that another kernel reads is stored in a
    slot with the source ("value", value).
    """
    groups = groups_of(graph)
    pending = dict(enumerate(graph.outputs))
    kernels = []
    for group in groups:
        kernels.append(_group_kernel(graph, group, groups, pending))
    spaces: dict[Shape, list[int]] = {}
    for number, value in pending.items():
        spaces.setdefault(value.layout.shape, []).append(number)
    for space, numbers in spaces.items():
        kernel = Kernel(space, ())
        builder = Builder(kernel, [])
        kernel.stages.append(Stage((), tuple(_store(builder, number, graph.outputs[number]) for number in numbers)))
        kernels.append(kernel)
    return kernels


def _store(builder: Builder, number: int, value: GraphValue) -> tuple[int, Expression]:
    expression = builder.expression(value)
    return builder.slot(("output", number), value.layout.dtype, "output", value.layout), expression


def _row_shape(group: Group) -> Shape:
    return tuple(1 if axis in group.axes else size for axis, size in enumerate(group.space))


def _group_kernel(graph: Graph, group: Group, groups: list[Group], pending: dict[int, GraphValue]) -> Kernel:
    kernel = Kernel(group.space, group.axes)
    inside = group.nodes()
    builder = Builder(kernel, inside)
    mine = {id(node) for node in inside}
    row_shape, kept_shape = _row_shape(group), _kept_shape(group)
    for level in group.levels:
        reducings = tuple(
            Reducing(reduction_of(node).name, builder.operand(node.operands[0], None).to(element_dtype(node)))
            for node in level
        )
        kernel.stages.append(Stage(reducings, ()))
    if not group.columns:
        _store_on_the_way(builder, group, pending)
    before = {id(other) for other in group.behind()}
    stores = []
    for number, value in list(pending.items()):
        needs = {id(node) for node in _reductions_below(value)}
        ready = all(id(g) in before or g is group for g in groups if needs & {id(n) for n in g.nodes()})
        if not ready or not needs & mine or not _lines_up(value, mine, kept_shape):
            continue
        if value.layout.shape == group.space and group.space != row_shape:
            if group.columns:
                continue
            stores.append(_store(builder, number, value))
            del pending[number]
        elif value.layout.shape in (row_shape, kept_shape):
            kernel.row_stores.append(_store(builder, number, value))
            del pending[number]
    if stores:  # a last stage of their own: they need what the stages before gathered
        kernel.stages.append(Stage((), tuple(stores)))
    for node in inside:
        if _read_elsewhere(graph, node, group, pending):
            made = node.outputs[0]
            slot = builder.slot(("value", made), made.layout.dtype, "output", made.layout)
            kernel.row_stores.append((slot, builder.expression(made)))
    return kernel


def _store_on_the_way(builder: Builder, group: Group, pending: dict[int, GraphValue]) -> None:
    """Results without a reduction of this group that its first pass works out anyway are written there."""
    kernel = builder.kernel
    first = kernel.stages[0]
    passed = {id(node) for node in walk(first.roots())}
    stores = []
    for number, value in list(pending.items()):
        known = None if value.node is None else builder.memo.get((id(value.node), value.output))
        if known is not None and id(known) in passed and value.layout.shape == group.space:
            stores.append(_store(builder, number, value))
            del pending[number]
    kernel.stages[0] = replace(first, stores=tuple(stores))


def _lines_up(value: GraphValue, mine: set[int], kept_shape: Shape) -> bool:
    """Whether `value` can be computed beside the reductions `mine`.

    Results that lost dimensions line up only with each other and with numbers.
    """
    dropped = any(_drops_axes(node) and id(node) in mine for node in _nearest(value))
    if not dropped:
        return len(value.layout.shape) >= len(kept_shape) or not value.layout.rank
    stack, seen = [value], set[int]()
    while stack:
        one = stack.pop()
        node = one.node
        if id(one) in seen or not one.layout.rank:
            continue
        seen.add(id(one))
        ours = node is not None and id(node) in mine
        if one.layout.shape != kept_shape or node is None or (ours and not _drops_axes(node)):
            return False
        if isinstance(node.op.lower, Reduce) and not ours:
            return False
        if not ours:
            stack += [operand for operand in node.operands if isinstance(operand, GraphValue)]
    return True


def _kept_shape(group: Group) -> Shape:
    return tuple(size for axis, size in enumerate(group.space) if axis not in group.axes)


def _read_elsewhere(graph: Graph, node: GraphNode, group: Group, pending: dict[int, GraphValue]) -> bool:
    """Whether another kernel reads the result of this reduction."""
    mine = {id(n) for n in group.nodes()}
    for other in graph.nodes:
        if isinstance(other.op.lower, Reduce) and id(other) not in mine and node in _nearest(other.operands[0]):
            return True
    return any(node in _nearest(value) for value in pending.values())


def _nearest(value: GraphValue) -> list[GraphNode]:
    """The reductions whose results `value` reads without another reduction in between."""
    found: list[GraphNode] = []
    seen: set[int] = set()
    stack = [value]
    while stack:
        node = stack.pop().node
        if node is None or id(node) in seen:
            continue
        seen.add(id(node))
        if isinstance(node.op.lower, Reduce):
            found.append(node)
        else:
            stack += [operand for operand in node.operands if isinstance(operand, GraphValue)]
    return found
