"""The writer of LLVM text: what it writes for numbers, and what it refuses to write."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from curta.compiler.code import Code, literal
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
