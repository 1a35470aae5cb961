"""What a kernel is handed: pointers to its operands, and the numbers that it depends on."""

from __future__ import annotations

from curta.compiler.code import Code, Value


def pointers(code: Code, count: int) -> list[Value]:
    """The first `count` operands."""
    arguments = Value(code, "%args", "ptr")
    return [code.load(code.offset(arguments, 8 * place), "ptr", align=8) for place in range(count)]


def numbers(code: Code, count: int) -> list[Value]:
    """The first `count` numbers of the plan, int64."""
    meta = Value(code, "%meta", "ptr")
    return [code.load(code.offset(meta, 8 * place), "i64", align=8) for place in range(count)]


def units(code: Code) -> tuple[Value, Value]:
    """The first unit of this task and the one behind its last."""
    return Value(code, "%start", "i64"), Value(code, "%stop", "i64")
