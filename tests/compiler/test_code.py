"""The writer of LLVM text: what it writes for numbers, and what it refuses to write."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from curta.compiler.code import Code, Value, literal
from curta.compiler.mathlib.arithmetic import format_of
from curta.errors import CompilerError


def test_literals_are_exact() -> None:
    assert literal("float", 0.1) == "0x3FB99999A0000000"  # the double nearest to float32's 0.1
    assert literal("double", 0.1) == "0x3FB999999999999A"
    assert literal("float", 1e300) == literal("double", float("inf"))
    assert literal("float", -1e300) == literal("double", float("-inf"))
    assert literal("i8", -3.0) == "-3"


@pytest.mark.parametrize(
    ("write", "message"),
    [
        (lambda code: literal("half", 1.0), "literal: no literals of type half"),
        (lambda code: code.constant(1, "float") + code.constant(1, "double"), "operands must have one type"),
        (lambda code: code.constant(1, "float") & 1, "no such operation on float: and"),
        (lambda code: code.spread(code.constant(1, "float", 4), 8), "cannot spread 4 lanes over 8"),
        (lambda code: code.constant(1, "i1").select(1, 2), "select: at least one choice must be a Value"),
        (lambda code: format_of(code.constant(1, "i32")), "mathlib: expected float or double lanes, got i32"),
    ],
)
def test_refused(write: Callable[[Code], object], message: str) -> None:
    with pytest.raises(CompilerError, match=message):
        write(Code())


def _written(body: Callable[..., tuple[Value, ...]]) -> list[str]:
    """The floating-point instructions that `body` writes for four floats."""
    code = Code()
    body(*(Value(code, f"%{name}", "float") for name in "abcd"))
    return [line.split("= ")[1].split("(")[0].split(" float")[0] for line in code.lines]


def test_a_sum_takes_its_left_product_whatever_else_is_done_with_the_products() -> None:
    alone = _written(lambda a, b, c, d: (a * b + c * d,))
    assert alone == [
        "fmul",
        "fmul",
        "call",
    ]
    used_again = _written(lambda a, b, c, d: ((left := a * b) + c * d, left * c))
    assert used_again == ["fmul", "fmul", "call", "fmul"]
    assert _written(lambda a, b, c, d: (a + b * c, a * b - c, a - b * c, 1 - a * b)) == [
        "fmul", "call", "fmul", "fneg", "call", "fmul", "fneg", "call", "fmul", "fneg", "call",
    ]  # fmt: skip
    assert _written(lambda a, b, c, d: ((a * b).apart() + c, a + b)) == ["fmul", "fadd", "fadd"]


def test_nothing_is_left_to_llvm_to_contract() -> None:
    code = Code()
    a, b = (Value(code, ref, "double", 4) for ref in ("%a", "%b"))
    a * b + a / b - (b - a)
    assert code.lines
    assert not any("contract" in line or "fast" in line for line in code.lines)
