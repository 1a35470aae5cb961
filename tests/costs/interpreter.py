"""What an operator does, counted by doing it: a loop over the elements of its result, and never its own cost rule.

Element-wise operators are counted by the instructions of their expression, for every element anew: where an element
lies decides what there is to do (a window ends at the border of an image). Compositions are counted operator by
operator, of those that their results need. `loops` has the scalar loops of the others.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterator
from itertools import product
from typing import Any, NamedTuple
from unittest.mock import patch

from tests.costs import loops
from tests.costs.tally import Tally

from curta import dtypes
from curta.compiler.expression import Expression, constant
from curta.compiler.fuse import number_dtype, operand_dtypes, operand_type
from curta.compiler.graph import Graph, GraphNode, GraphNumber, GraphValue
from curta.compiler.trace import trace
from curta.dtypes import compute_dtype
from curta.memory.layout import Layout
from curta.ops import dropout, random
from curta.ops.program import _graph_of
from curta.ops.record import Convolution, Cost, Generated, Pointwise, Product, Reduce, View

# 1 FLOP each
ARITHMETIC = frozenset({
    "add", "subtract", "multiply", "divide", "negate", "absolute", "square_root", "floor", "ceil", "trunc", "round",
    "floor_divide", "truncated_divide", "remainder", "fmod", "product_high", "greatest_divisor",
})  # fmt: skip
# one transcendental each
TRANSCENDENTAL = frozenset({
    "exp", "exp2", "expm1", "log", "log2", "log10", "log1p", "sin", "cos", "tan", "asin", "acos", "atan", "sinh",
    "cosh", "tanh", "sigmoid", "erf", "erfc", "atan2", "power", "bessel_j0", "bessel_j1", "bessel_k0", "bessel_k0e",
    "bessel_k1", "bessel_k1e", "bessel_y0", "bessel_y1", "digamma", "erfcx", "erfinv", "i0", "i0e", "i1", "i1e",
    "lgamma", "ndtri", "trigamma", "zeta", "igamma", "igammac", "airy_ai", "airy_slope",
})  # fmt: skip
# comparisons, choices, bits, conversions
FREE = frozenset({
    "less", "less_equal", "greater", "greater_equal", "equal", "not_equal", "next_after", "next_after_bfloat16",
    "next_after_float16",
    "is_nan", "maximum", "minimum", "sign", "copy_sign",
    "bit_and", "bit_or", "bit_xor", "bit_not", "shift_left", "shift_right", "shift_right_logical", "apart",
    "round_to_float16", "round_to_bfloat16",
})  # fmt: skip

#: instructions that an operator's code has and its mathematics has not
BEYOND = {
    "isinf": ("absolute", "whether a number is infinite is two comparisons"),
    "isfinite": ("absolute", "the same"),
    "lerp": ("absolute", "only chooses the form, see FIRST_FORM"),
    "bitwise_right_shift": ("subtract", "writes the numbers 0 and -1 that are left of all bits"),
}
#: operators whose code has two ways of writing one number, for the sake of rounding or of range: the first counts
FIRST_FORM = {
    "lerp": "start + weight * (end - start); near the end from there",
    "linspace": "start + place * step; in the second half from the end",
    "randint": "low + the upper half of a product; for large spans a remainder",
}


class Known(NamedTuple):
    """A number that follows from an element's place (or a constant): arithmetic on these alone is addressing."""

    number: Any
    of_place: bool


#: what else a value can be: from memory; read outside of an image, so nothing; from numbers alone; random bits
DATA, ABSENT, NUMBER, DRAWN = "data", "absent", "number", "drawn"

OF_KNOWN: dict[str, Callable[..., Any]] = {
    "add": operator.add, "subtract": operator.sub, "multiply": operator.mul, "divide": operator.truediv,
    "truncated_divide": lambda a, b: int(a / b), "less": operator.lt, "less_equal": operator.le,
    "greater": operator.gt, "greater_equal": operator.ge, "equal": operator.eq, "not_equal": operator.ne,
    "bit_and": operator.and_, "bit_or": operator.or_, "bit_xor": operator.xor, "shift_right_logical": operator.rshift,
    "negate": operator.neg,
}  # fmt: skip


class Element:
    """One element of a result: evaluates its expressions as far as its place says, and counts the rest."""

    def __init__(self, tally: Tally, name: str, place: tuple[int, ...], shape: tuple[int, ...]) -> None:
        self.tally = tally
        self.place, self.shape = place, shape
        self.ignored = BEYOND.get(name, ("", ""))[0]
        self.first_form = name in FIRST_FORM
        self.values: dict[int, Any] = {}

    def value(self, node: Expression) -> Any:
        """What a node gives; a node that is used twice is worked out once."""
        if id(node) not in self.values:
            self.values[id(node)] = self._value(node)
        return self.values[id(node)]

    def _value(self, node: Expression) -> Any:
        match node.kind:
            case "constant":
                return Known(node.attribute, False)
            case "index":
                return Known(self.place[node.attribute], True)
            case "flat_index":
                number = 0
                for size, at in zip(self.shape, self.place, strict=True):
                    number = number * size + at
                return Known(number, True)
            case "input" | "scalar" | "drawn":
                return {"input": DATA, "scalar": NUMBER, "drawn": DRAWN}[node.kind]
            case "load":
                return self._load(node)
            case "cast":
                return self.value(node.operands[0])
        return self._select(node) if node.attribute == "select" else self._called(node)

    def _load(self, node: Expression) -> Any:
        """An element read at a computed place; one whose place is not known is looked up."""
        slot, axes, guarded = node.attribute
        values = [self.value(operand) for operand in node.operands]
        if guarded and isinstance(values[-1], Known) and not values[-1].number:
            return ABSENT
        if any(value is DATA for value in values[: len(axes)]):
            self.tally.look_up(slot)
        return DATA

    def _select(self, node: Expression) -> Any:
        condition, *choices = node.operands
        chosen = self.value(condition)
        if isinstance(chosen, Known):
            return self.value(choices[0 if chosen.number else 1])
        if self.first_form:
            return self.value(choices[0])
        return self._mixed([self.value(one) for one in choices])

    def _called(self, node: Expression) -> Any:
        name, values = node.attribute, [self.value(operand) for operand in node.operands]
        if all(isinstance(value, Known) for value in values):
            return Known(OF_KNOWN[name](*(value.number for value in values)), any(value.of_place for value in values))
        if name == "bit_and" and any(isinstance(value, Known) and not value.number for value in values):
            return Known(False, True)
        if all(value is NUMBER or (isinstance(value, Known) and not value.of_place) for value in values):
            return NUMBER  # the same for all elements
        if name == "add" and any(map(_is_nothing, values)):
            return values[1] if _is_nothing(values[0]) else values[0]
        if self._reads_bits(node, values):
            return DRAWN
        if name == self.ignored or name in FREE:
            return self._mixed(values)
        if name in TRANSCENDENTAL:
            self.tally.transcendentals += 1
        elif name in ARITHMETIC:
            self.tally.flops += 1
        else:
            raise AssertionError(f"what does {name} cost?")
        return DATA

    def _reads_bits(self, node: Expression, values: list[Any]) -> bool:
        """Whether this only looks at random bits in another way: as another whole number, or as a fraction."""
        if not all(value is DRAWN or isinstance(value, Known) for value in values):
            return False
        if not node.dtype.is_floating_point:
            return True
        factor = next((value.number for value in values if isinstance(value, Known)), 0)
        return node.attribute == "multiply" and factor > 0 and (1 / factor).is_integer()

    def _mixed(self, values: list[Any]) -> Any:
        drawn = DRAWN in values and all(value is DRAWN or isinstance(value, Known) for value in values)
        return DRAWN if drawn else DATA


def _is_nothing(value: Any) -> bool:
    """What lies outside of an image: adding it is no addition."""
    return value is ABSENT or (isinstance(value, Known) and value.number == 0)


def places(shape: tuple[int, ...]) -> Iterator[tuple[int, ...]]:
    """All the places in an array of this shape, row-major."""
    return product(*map(range, shape))


def addresses(layout: Any) -> set[int]:
    """Where the elements of a layout lie, in elements from the first."""
    return {sum(at * step for at, step in zip(place, layout.strides, strict=True)) for place in places(layout.shape)}


def distinct_bytes(layout: Any) -> int:
    """The bytes that a layout's elements take together."""
    return len(addresses(layout)) * layout.dtype.itemsize


def interpreted(call: Any) -> tuple[Cost, set[Any]]:
    """What one executed operator does, and the operators that it is made of, itself included."""
    lower, tally = call.op.lower, Tally()
    tally.met.add(call.op)
    if isinstance(lower, View):
        return Cost(0, 0, 0, 0), tally.met
    if isinstance(lower, Generated):
        loops.GENERATED[call.op.name](tally, call)
    elif isinstance(lower, Product | Convolution):
        count_with_ending(tally, call, lower)
    else:
        count_graph(tally, _graph_of(call.op, call.operands, call.params))
    read = tally.read_back
    for position in tally.read:
        layout = call.operands[position]
        if position in tally.looked_up:
            read += tally.looked_up[position] * layout.dtype.itemsize
        elif isinstance(layout, Layout):
            read += distinct_bytes(layout)
    moved = call.op.name in ("scatter_into", "scatter_lines_into")
    given = call.operands[0]
    written = given.numel * given.dtype.itemsize if moved else sum(map(distinct_bytes, call.outputs))
    counts = (tally.flops, tally.transcendentals, read, written, tally.model_flops, tally.again_flops)
    return Cost(*counts), tally.met


def count_with_ending(tally: Tally, call: Any, lower: Product | Convolution) -> None:
    """A product or a convolution, and what is done with its sums."""
    if isinstance(lower, Product):
        first, second = lower.matrices(*call.operands[:2])
        loops.matrices(tally, first, second, call.outputs[0].shape[:-2])
    else:
        loops.CONVOLUTIONS[call.op.name](tally, call)
    if lower.ending is not None:
        ending = Tally()
        count_graph(ending, trace(lower.ending, (call.outputs[0], *call.operands[2:]), call.params))
        tally.flops += ending.flops
        tally.transcendentals += ending.transcendentals
        tally.read |= {position + 1 for position in ending.read if position}
    tally.read |= {0, 1}


# graphs of operators


def count_graph(tally: Tally, graph: Graph) -> None:
    """Every operator that the results need, once."""
    done: set[int] = set()
    waiting = list(graph.outputs)
    while waiting:
        value = waiting.pop()
        if value.node is None:
            tally.read.add(value.position)
        elif id(value.node) not in done:
            done.add(id(value.node))
            tally.met.add(value.node.op)
            waiting += count_node(tally, value.node)


def count_node(tally: Tally, node: GraphNode) -> list[GraphValue]:
    """One operator; the values that it reads."""
    if isinstance(node.op.lower, Pointwise):
        return count_pointwise(tally, node, node.op.lower)
    assert isinstance(node.op.lower, Reduce), node.op
    count_reduction(tally, node, node.op.lower)
    return [node.operands[0]]


def count_reduction(tally: Tally, node: GraphNode, lower: Reduce) -> None:
    """Elements are merged into the first of those that have the same place in the result."""
    begun: set[tuple[int, ...]] = set()
    for place in places(node.operands[0].layout.shape):
        kept = tuple(at for axis, at in enumerate(place) if axis not in node.params["dims"])
        if kept in begun and lower.reduction in ("sum", "prod"):
            tally.flops += 1
        begun.add(kept)


def count_pointwise(tally: Tally, node: GraphNode, lower: Pointwise) -> list[GraphValue]:
    """Each element of the results; operands whose elements none of them needs are not read."""
    formats = operand_dtypes(node, lower)
    given = [
        _reader(place, operand.layout)
        if lower.gathered is not None and place in lower.gathers
        else _leaf(place, operand, formats[place])
        for place, operand in enumerate(node.operands)
    ]
    with patch.object(random, "random_words", _drawn), patch.object(dropout, "random_words", _drawn):
        made = lower.element(*given, **node.params)
    results = made if isinstance(made, tuple) else (made,)
    shape = node.outputs[0].layout.shape
    looked_up: dict[int, int] = {}
    for place in places(shape):
        inner = Tally()
        element = Element(inner, node.op.name, place, shape)
        for result in results:
            element.value(result)
        tally.flops += inner.flops
        tally.transcendentals += inner.transcendentals
        for slot, count in inner.looked_up.items():
            looked_up[slot] = looked_up.get(slot, 0) + count
    for slot, count in looked_up.items():
        source = node.operands[slot]
        assert source.node is None, "looks up what it has made itself"
        tally.looked_up[source.position] = tally.looked_up.get(source.position, 0) + count
    return [node.operands[place] for place in sorted(_slots(results)) if isinstance(node.operands[place], GraphValue)]


def _leaf(place: int, operand: Any, dtype: Any) -> Expression:
    if isinstance(operand, GraphValue):
        own = operand.layout.dtype
        return Expression("input", compute_dtype(own), (), place).to(own if dtype is None else dtype)
    kind = compute_dtype(dtype or number_dtype(operand_type(operand)))
    return Expression("scalar", kind, (), place) if isinstance(operand, GraphNumber) else constant(operand, kind)


def _reader(place: int, layout: Layout) -> Callable[..., Expression]:
    """Reads an operand at computed coordinates."""

    def read(*coordinates: Expression, guard: Expression | None = None) -> Expression:
        operands = coordinates if guard is None else (*coordinates, guard)
        attribute = (place, range(len(coordinates)), guard is not None)
        return Expression("load", compute_dtype(layout.dtype), operands, attribute)

    return read


def _drawn(*stream: Expression) -> tuple[Expression, ...]:
    """Random bits, whatever generator draws them."""
    return (Expression("drawn", dtypes.int64),) * 4


def _slots(results: tuple[Expression, ...]) -> set[int]:
    """The operands that expressions read."""
    found: set[int] = set()
    seen: set[int] = set()
    waiting = list(results)
    while waiting:
        node = waiting.pop()
        if id(node) in seen:
            continue
        seen.add(id(node))
        waiting += node.operands
        if node.kind == "input":
            found.add(node.attribute)
        elif node.kind == "load":
            found.add(node.attribute[0])
    return found
