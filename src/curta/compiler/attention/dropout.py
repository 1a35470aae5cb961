"""Which weights stay under dropout: an expression of the weight's number, worked out where it is needed."""

from __future__ import annotations

from collections.abc import Sequence

from curta.compiler import casts
from curta.compiler.code import Value
from curta.compiler.expression import Expression
from curta.compiler.instructions import TABLE
from curta.errors import CompilerError


def evaluate(expression: Expression, numbers: Value, scalars: Sequence[Value]) -> Value:
    """An expression over the elements' `numbers`, in as many lanes, and run-time numbers."""
    code, known = numbers.code, {}

    def value(node: Expression) -> Value:
        if id(node) not in known:
            known[id(node)] = made(node)
        return known[id(node)]

    def made(node: Expression) -> Value:
        if node.kind == "flat_index":
            return numbers
        if node.kind == "scalar":
            return scalars[int(node.attribute)]
        if node.kind == "constant":
            return code.constant(node.attribute, casts.llvm_type(node.dtype))
        operands = [value(operand) for operand in node.operands]
        if node.kind == "cast":
            return casts.convert(operands[0], node.operands[0].dtype, node.dtype)
        if node.kind != "call":
            raise CompilerError(f"attention: a dropout cannot depend on {node.kind}")
        lanes = max(operand.lanes for operand in operands)
        return TABLE[node.attribute](node.operands[0].dtype, *(code.spread(one, lanes) for one in operands))

    return value(expression)
