"""Neighbouring operators made into one kernel, so that what lies between them never reaches memory.

An operator joins the one whose result it reads if both can run at one place of the program and one loop nest holds
them. The values are those of the operators by themselves, to the bit: what is handed over is rounded as memory would.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from curta.compiled.graph import Node, ProgramGraph, Ref, all_described
from curta.compiled.units import Arguments, Order, Unit, arguments_of, key_of, may_join, writers_of
from curta.dtypes import DType
from curta.errors import CompilerError
from curta.memory.layout import Layout
from curta.ops.composition import STORED, composition
from curta.ops.dispatch import bind, described
from curta.ops.elementwise import CAST
from curta.ops.inference import bytes_read
from curta.ops.program import Executable, executable
from curta.ops.record import NO_GRADIENT, Convolution, Cost, Op, Product
from curta.runtime import native

#: more operators than these in one kernel make its code long, and gain nothing
LONGEST = 12

#: a unit's kernel, by what the unit does; None where it would be more than one
Known = dict[Any, Executable | None]


def fuse(graph: ProgramGraph, known: Known | None = None) -> ProgramGraph:
    """The same program with as few kernels as its data flow allows.

    `known` are the kernels that were tried for a program much like it; what is tried here is added.
    """
    fusing = _Fusing(graph, {} if known is None else known)
    place = 0
    while place < len(fusing.order.units):
        place += 1 - fusing.join(place)
    return ProgramGraph(tuple(map(fusing.node, fusing.order)), graph.outputs)


class _Fusing:
    """One program on its way: its units in order, and the kernels that were tried."""

    def __init__(self, graph: ProgramGraph, known: Known) -> None:
        self.order = Order(graph.outputs)
        self._writers = writers_of(graph.nodes)
        self._known = known
        for node in graph.nodes:
            self.order.insert(len(self.order.units), Unit([node]))

    def join(self, place: int) -> int:
        """Merge the unit at `place` into those that make what it reads; by how many units there are fewer then."""
        order, before = self.order, len(self.order.units)
        tried: set[int] = set()
        found: int | None = place
        while found is not None:
            place, found = found, None
            for key in reversed(order.units[place].reads):
                at = order.producer(place, key)
                if at is not None and id(order.units[at]) not in tried:
                    tried.add(id(order.units[at]))
                    found = self._merge(at, place)
                    if found is not None:
                        break
        return before - len(order.units)

    def _merge(self, first: int, second: int) -> int | None:
        """Make one of two units; the place where it is now, or None where it cannot be."""
        order = self.order
        one, two = order.units[first], order.units[second]
        fitting = one.fusible and two.fusible and len(one.nodes) + len(two.nodes) <= LONGEST
        if not fitting or (one.product and two.product) or not may_join(one, two, self._writers):
            return None
        if one.is_copyable and order.results_of(one, (two,)):
            # nothing may change in between what the conversion reads
            if any(one.read_buffers & unit.written for unit in order.units[first + 1 : second]):
                return None
            both, target = two.with_copy(one), second
            if not both.fusible or self._executable(both, (two,)) is None:
                return None
        else:
            both, place = one.joined(two), order.place_for(first, second)
            if place is None or not both.fusible or self._executable(both, (one, two)) is None:
                return None
            target = place
        order.remove(second)
        if target != second:
            order.remove(first)
        order.insert(target, both)
        return target

    def _executable(self, unit: Unit, without: tuple[Unit, ...]) -> Executable | None:
        """The kernel of a unit that is to take the place of others; None where it would be more than one."""
        outputs = self.order.results_of(unit, without)
        signature = _signature(unit, outputs)
        if signature not in self._known:
            self._known[signature] = _build(unit, outputs)
        return self._known[signature]

    def node(self, unit: Unit) -> Node:
        """The unit as a node of the program."""
        if len(unit.nodes) == 1:
            return unit.nodes[0]
        call = self._executable(unit, ())
        if call is None:
            raise CompilerError("fuse: what was one kernel before is no longer one")
        last = unit.nodes[-1]
        operands, results = tuple(arguments_of(unit).operands), tuple(self.order.results_of(unit))
        return Node(call, operands, results, {}, last.phase, last.line, tuple(unit.nodes))


def _signature(unit: Unit, outputs: list[Ref]) -> tuple[Any, ...]:
    """Equal for units that do the same to tensors of the same layouts."""
    numbers: dict[Any, int] = {}
    words: list[Any] = []
    for node in unit.nodes:
        words.append(node.call.op)
        for ref in (*node.operands, *node.results):
            if isinstance(ref, Ref):
                words += [numbers.setdefault(key_of(ref), len(numbers)), ref.layout]
            else:
                words.append(described(ref))
        words += native.parameter_key(node.params)
    shared = (id(ref.buffer) in unit.read_buffers for ref in outputs)
    return (*words, *(numbers[key_of(ref)] for ref in outputs), *shared)


def _build(unit: Unit, outputs: list[Ref]) -> Executable | None:
    arguments, product = arguments_of(unit), unit.product
    params = {} if product is None else product.params
    name = "+".join(node.call.op.name for node in unit.nodes)
    if product is None:
        op = composition(name, lambda *given: _computed(unit, arguments, given, outputs), None)
    else:
        op = _with_ending(name, product, unit, arguments, outputs)
    given = all_described(arguments.operands)
    fresh = frozenset(n for n, ref in enumerate(outputs) if id(ref.buffer) not in unit.read_buffers)
    try:
        call = executable(op, given, params, tuple(ref.layout for ref in outputs), whole=True, fresh=fresh)
    except CompilerError:  # a gather of what is not in memory, a result that no loop has
        return None
    return call if _keeps_order(unit, call) else None


def _with_ending(name: str, product: Node, unit: Unit, arguments: Arguments, outputs: list[Ref]) -> Op:
    """A product with the unit's other operators as its ending; it does the arithmetic of all of them."""
    lower: Any = product.call.op.lower

    def ending(sums: Any, *others: Any, **params: Any) -> tuple[Any, ...]:
        return _computed(unit, arguments, (None, None, *others), outputs, sums)

    def cost(inputs: tuple[Any, ...], made: tuple[Layout, ...], **params: Any) -> Cost:
        parts = [node.call.cost for node in unit.nodes]
        read = bytes_read(inputs)
        written = sum(layout.nbytes for layout in made)
        return Cost(
            sum(part.flops for part in parts),
            sum(part.transcendentals for part in parts),
            read,
            written,
            sum(part.model_flops for part in parts),
            sum(part.again_flops for part in parts),
        )

    results = tuple(ref.layout for ref in outputs)
    infer = (lambda *_, **params: results) if len(results) > 1 else (lambda *_, **params: results[0])
    return Op(name, infer, replace(lower, ending=ending), NO_GRADIENT, cost)


def _computed(unit: Unit, arguments: Arguments, given: Any, outputs: list[Ref], sums: Any = None) -> tuple[Any, ...]:
    """The results of a unit's operators, traced; `sums` are those of its product."""
    values = {key: given[place] for key, place in arguments.places.items()}
    handed_over = {key_of(ref) for node in unit.nodes for ref in node.reads()}
    for node in unit.nodes:
        inputs = []
        for place, operand in enumerate(node.operands):
            if isinstance(operand, Ref):
                inputs.append(values.get(key_of(operand)))  # a product's matrices have none here
            else:
                inputs.append(given[arguments.numbers[id(node), place]])
        lower: Any = node.call.op.lower
        if not isinstance(lower, (Product, Convolution)):
            made = bind(node.call.op, tuple(inputs), **node.params)
        else:
            made = sums if lower.ending is None else lower.ending(sums, *inputs[2:], **node.params)
        for ref, value in zip(node.results, made if isinstance(made, tuple) else (made,), strict=True):
            values[key_of(ref)] = _stored(value, ref.layout.dtype) if key_of(ref) in handed_over else value
    return tuple(values[key_of(ref)] for ref in outputs)


def _stored(value: Any, dtype: DType) -> Any:
    """A value as it is after its way through memory, which may be of another format."""
    value = value if value.layout.dtype is dtype else bind(CAST, (value,), dtype=dtype)
    return bind(STORED, (value,), dtype=dtype)


def _keeps_order(unit: Unit, call: Executable) -> bool:
    """Whether every reduction goes through its elements as it does by itself: sums are the same to the bit."""
    alone = [arrangement for node in unit.nodes for arrangement in node.call.arrangements]
    together = call.arrangements
    return all(one in alone for one in together) and all(one in together for one in alone)
