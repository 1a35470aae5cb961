"""Loop expressions: how one element of a result is computed from elements of the inputs.

An operator's lowering builds these; the compiler evaluates them inside a loop. They form a graph: an expression used
twice is computed once. Arithmetic is on compute formats only (half formats are widened when they are read).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from curta import dtypes
from curta.dtypes import DType, compute_dtype
from curta.errors import CompilerError

Number = bool | int | float


@dataclass(frozen=True, slots=True, eq=False)
class Expression:
    """One value in a loop.

    `kind` is one of:

    - `input`: the element of slot `attribute` at the current place
    - `scalar`: the run-time number in slot `attribute`
    - `constant`: the number `attribute`
    - `index`: the logical index along axis `attribute`; `flat_index`: the row-major number of the element
    - `reduce_index`: the place within the reduced dimensions
    - `load`: slot `attribute[0]` at an offset: operands are the coordinates along the axes `attribute[1]`, followed by
      a condition (False gives 0) when `attribute[2]`
    - `cast`: conversion to `dtype`; `attribute` "half" where a half format comes next
    - `call`: instruction `attribute` of the operands
    - `reduced`: accumulator `attribute[1]` of the program's reduction `attribute[0]`
    """

    kind: str
    dtype: DType
    operands: tuple[Expression, ...] = ()
    attribute: Any = None

    def _with(self, name: str, other: Expression | Number, swap: bool = False) -> Expression:
        right = lift(other, self.dtype)
        return call(name, right, self) if swap else call(name, self, right)

    def __add__(self, other: Expression | Number) -> Expression:
        return self._with("add", other)

    def __radd__(self, other: Number) -> Expression:
        return self._with("add", other, swap=True)

    def __sub__(self, other: Expression | Number) -> Expression:
        return self._with("subtract", other)

    def __rsub__(self, other: Number) -> Expression:
        return self._with("subtract", other, swap=True)

    def __mul__(self, other: Expression | Number) -> Expression:
        return self._with("multiply", other)

    def __rmul__(self, other: Number) -> Expression:
        return self._with("multiply", other, swap=True)

    def __truediv__(self, other: Expression | Number) -> Expression:
        return self._with("divide", other)

    def __rtruediv__(self, other: Number) -> Expression:
        return self._with("divide", other, swap=True)

    def __neg__(self) -> Expression:
        return call("negate", self)

    def lt(self, other: Expression | Number) -> Expression:
        return self._with("less", other)

    def le(self, other: Expression | Number) -> Expression:
        return self._with("less_equal", other)

    def gt(self, other: Expression | Number) -> Expression:
        return self._with("greater", other)

    def ge(self, other: Expression | Number) -> Expression:
        return self._with("greater_equal", other)

    def eq(self, other: Expression | Number) -> Expression:
        return self._with("equal", other)

    def ne(self, other: Expression | Number) -> Expression:
        return self._with("not_equal", other)

    def __and__(self, other: Expression | Number) -> Expression:
        return self._with("bit_and", other)

    def __or__(self, other: Expression | Number) -> Expression:
        return self._with("bit_or", other)

    def __xor__(self, other: Expression | Number) -> Expression:
        return self._with("bit_xor", other)

    def __invert__(self) -> Expression:
        return call("bit_not", self)

    def to(self, dtype: DType) -> Expression:
        """Converted to `dtype`'s compute format."""
        target = compute_dtype(dtype)
        if target is self.dtype:
            return self
        # so that double to a half format rounds once, not twice
        to_half = target is not dtype and self.dtype is dtypes.float64
        return Expression("cast", target, (self,), "half" if to_half else None)

    def rounded(self, dtype: DType) -> Expression:
        """Rounded to what `dtype` can hold, in its compute format: what storing and loading again would give."""
        if compute_dtype(dtype) is dtype:
            return self.to(dtype)
        return Expression("call", dtypes.float32, (self.to(dtype),), f"round_to_{dtype.name}")

    def apart(self) -> Expression:
        """The same, but rounded before anything else is done with it: no multiply-add over this border."""
        return Expression("call", self.dtype, (self,), "apart") if self.dtype.is_floating_point else self

    def select(self, if_true: Expression | Number, if_false: Expression | Number) -> Expression:
        """Where this (bool) holds `if_true`, else `if_false`."""
        if isinstance(if_true, Expression):
            yes, no = if_true, lift(if_false, if_true.dtype)
        elif isinstance(if_false, Expression):
            yes, no = lift(if_true, if_false.dtype), if_false
        else:
            raise CompilerError("select: requires an expression for at least one choice")
        return Expression("call", yes.dtype, (self, yes, no), "select")


COMPARISONS = frozenset({"less", "less_equal", "greater", "greater_equal", "equal", "not_equal", "is_nan"})


def lift(value: Expression | Number, dtype: DType) -> Expression:
    """A Python number as a constant of `dtype`; an expression as it is."""
    return value if isinstance(value, Expression) else constant(value, dtype)


def constant(value: Number, dtype: DType) -> Expression:
    return Expression("constant", compute_dtype(dtype), (), value)


def call(name: str, *operands: Expression) -> Expression:
    """Instruction `name` of operands of one format; comparisons give bool, all else the operands' format."""
    first = operands[0].dtype
    if any(operand.dtype is not first for operand in operands):
        raise CompilerError(f"{name}: requires one format, got {', '.join(o.dtype.short for o in operands)}")
    return Expression("call", dtypes.bool_ if name in COMPARISONS else first, operands, name)


def index(axis: int) -> Expression:
    """The logical index along `axis` of the result, as int64."""
    return Expression("index", dtypes.int64, (), axis)


FLAT_INDEX = Expression("flat_index", dtypes.int64)


def describe(roots: list[Expression], names: dict[int, str] | None = None) -> tuple[list[str], list[str]]:
    """The expressions as numbered lines, one a node, and the name of each root: stable text, fit for a cache key."""
    names = {} if names is None else names
    lines: list[str] = []

    def visit(node: Expression) -> str:
        known = names.get(id(node))
        if known is not None:
            return known
        operands = [visit(operand) for operand in node.operands]
        name = names[id(node)] = f"%{len(names)}"
        attribute = "" if node.attribute is None else f" {node.attribute!r}"
        lines.append(f"{name}: {node.dtype.short} = {node.kind}{attribute}({', '.join(operands)})")
        return name

    return lines, [visit(root) for root in roots]
