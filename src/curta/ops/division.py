"""Divisions that give whole numbers or remainders, element by element."""

from __future__ import annotations

from typing import Any

from curta import dtypes
from curta.compiler.expression import Expression, call
from curta.errors import UnsupportedDTypeError
from curta.memory.layout import Layout
from curta.ops.composition import derived
from curta.ops.dispatch import bind
from curta.ops.elementwise import no_slope
from curta.ops.inference import each, infer_promoted, promoted
from curta.ops.record import NO_GRADIENT, Gradient, Op, Operand, Pointwise


def _floor_quotient(a: Expression, b: Expression) -> Expression:
    return call("floor_divide", a, b)


def _infer_quotient(*operands: Operand) -> Layout:
    if promoted(operands) is dtypes.bool_:
        raise UnsupportedDTypeError("\"div_floor\" not implemented for 'bool'")
    return infer_promoted(*operands)


_REMAINDER_BACKWARD = derived("remainder_backward", lambda g, a, b: -g * bind(DIV_FLOOR, (a, b)))
_FMOD_BACKWARD = derived("fmod_backward", lambda g, a, b: -g * bind(DIV_TRUNC, (a, b)))


def _gradient(backward: Op) -> Gradient:
    """The rule of a remainder: slope 1 in the dividend, `backward` for the divisor."""

    def rule(node: Any, g: Any) -> tuple[Any, ...]:
        other = bind(backward, (g, node.input(0), node.input(1))) if node.needs[1] else None
        return (g if node.needs[0] else None), other

    return Gradient(rule, inputs=(0, 1))


FLOOR_DIVIDE = Op("floor_divide", _infer_quotient, Pointwise(_floor_quotient), NO_GRADIENT, each(1))
DIV_FLOOR: Op = Op("div_floor", _infer_quotient, Pointwise(_floor_quotient), Gradient(no_slope), each(1))
DIV_TRUNC: Op = Op(
    "div_trunc",
    _infer_quotient,
    Pointwise(lambda a, b: call("truncated_divide", a, b)),
    Gradient(no_slope),
    each(1),
)
REMAINDER = Op(
    "remainder",
    _infer_quotient,
    Pointwise(lambda a, b: call("remainder", a, b)),
    _gradient(_REMAINDER_BACKWARD),
    each(1),
)
FMOD = Op(
    "fmod",
    _infer_quotient,
    Pointwise(lambda a, b: call("fmod", a, b)),
    _gradient(_FMOD_BACKWARD),
    each(1),
)
