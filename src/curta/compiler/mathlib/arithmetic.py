"""What every function of the mathematical library is made of: formats, polynomials, exact sums, scaling by 2**n."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from curta.compiler.code import Value
from curta.compiler.lanes import joined, parts
from curta.errors import CompilerError


@dataclass(frozen=True)
class Format:
    """The layout of one floating-point format, and what the functions need to know of it."""

    #: the integer type of the same width
    integer: str
    mantissa_bits: int
    bias: int
    #: adding and subtracting it rounds to an integer, whose two's complement stands in the sum's low bits
    rounder: float
    smallest_normal: float

    @property
    def width(self) -> int:
        return 32 if self.integer == "i32" else 64


SINGLE = Format("i32", 23, 127, 1.5 * 2.0**23, 2.0**-126)
DOUBLE = Format("i64", 52, 1023, 1.5 * 2.0**52, 2.0**-1022)


def format_of(x: Value) -> Format:
    """The format of a value's lanes; only float and double have functions of their own."""
    if x.type == "float":
        return SINGLE
    if x.type == "double":
        return DOUBLE
    raise CompilerError(f"mathlib: expected float or double lanes, got {x.type}")


def fadd(left: Value, right: Value | float) -> Value:
    """A sum that LLVM must not contract: each of these three rounds once, where `+ - *` may become an fma."""
    return _exact("fadd", left, right)


def fsub(left: Value, right: Value | float) -> Value:
    """A difference that LLVM must not contract."""
    return _exact("fsub", left, right)


def fmul(left: Value, right: Value | float) -> Value:
    """A product that LLVM must not contract."""
    return _exact("fmul", left, right)


def _exact(instruction: str, left: Value, right: Value | float) -> Value:
    left, right = left.code.unify(left, right)
    return left.code.emit(f"{instruction} {left.full_type} {left.ref}, {right.ref}", left.type, left.lanes)


def constant(x: Value, value: float) -> Value:
    """`value` in the type and lanes of `x`."""
    return x.code.constant(value, x.type, x.lanes)


def muladd(a: Value, b: Value | float, c: Value | float) -> Value:
    """a * b + c with one rounding where the processor has fma, else with two: for where both are good enough."""
    return a.intrinsic("fmuladd", b, c)


def polynomial(x: Value, coefficients: Sequence[float]) -> Value:
    """The polynomial with these coefficients, lowest order first, by Horner's rule: the fewest instructions."""
    result = constant(x, coefficients[-1])
    for coefficient in coefficients[-2::-1]:
        result = muladd(result, x, coefficient)
    return result


def minimum(x: Value, bound: Value | float) -> Value:
    """The smaller one; NaN stays NaN, which LLVM's `minnum` would drop. One instruction on x86."""
    bound = bound if isinstance(bound, Value) else constant(x, bound)
    return bound.lt(x).select(bound, x)


def maximum(x: Value, bound: Value | float) -> Value:
    """The larger one; NaN stays NaN."""
    bound = bound if isinstance(bound, Value) else constant(x, bound)
    return bound.gt(x).select(bound, x)


def absolute(x: Value) -> Value:
    """|x|."""
    return x.intrinsic("fabs")


def copysign(magnitude: Value, sign: Value) -> Value:
    """The magnitude of one with the sign of another, zeros and NaN included."""
    return magnitude.intrinsic("copysign", sign)


def two_sum(a: Value, b: Value) -> tuple[Value, Value]:
    """a + b exactly, as its rounded value and the error of that (Knuth)."""
    total = fadd(a, b)
    b_part = fsub(total, a)
    return total, fadd(fsub(a, fsub(total, b_part)), fsub(b, b_part))


def fast_two_sum(a: Value, b: Value) -> tuple[Value, Value]:
    """As `two_sum` for |a| >= |b| (Dekker)."""
    total = fadd(a, b)
    return total, fsub(b, fsub(total, a))


def two_product(a: Value, b: Value | float) -> tuple[Value, Value]:
    """a * b exactly, as its rounded value and the error of that."""
    product = fmul(a, b)
    return product, a.fma(b, -product)


def power_of_two(bits: Value, offset: int, form: Format, like: Value) -> Value:
    """2**(n + offset) where n stands in the low bits of an integer, whatever its upper bits hold."""
    return ((bits + (form.bias + offset)) << form.mantissa_bits).bitcast(like.type)


def scale(mantissa: Value, bits: Value) -> Value:
    """mantissa * 2**n, n in the low bits of `bits`, right for subnormal results and for overflow.

    `bits` must be those of n + the format's rounder. It multiplies by 2**floor(n/2), which is exact for a mantissa
    near 1, then by the rest, which rounds once.
    """
    form = format_of(mantissa)
    if "+avx512f" in getattr(mantissa.code, "features", "") and _whole_registers(mantissa):
        return _scalef(mantissa, fsub(bits.bitcast(mantissa.type), form.rounder))
    one = form.bias << form.mantissa_bits
    half = (bits << (form.mantissa_bits - 1)) & -(1 << form.mantissa_bits)
    rest = (bits << form.mantissa_bits) - half
    # by multiplications, not by adding to the exponent, so that NaN stays NaN
    return fmul(fmul(mantissa, (half + one).bitcast(mantissa.type)), (rest + one).bitcast(mantissa.type))


def _whole_registers(value: Value) -> bool:
    """Whether the lanes fill 1, 2, 4, … registers of 512 bits."""
    count, rest = divmod(value.lanes * format_of(value).width, 512)
    return rest == 0 and count > 0 and count & (count - 1) == 0


def _scalef(mantissa: Value, n: Value) -> Value:
    """mantissa * 2**n by AVX-512's instruction for it, a whole register at a time; the same bits as without it.

    Used where the `Code` has an attribute `features` (LLVM's feature string) that says that the processor can.
    """
    code, form = mantissa.code, format_of(mantissa)
    lanes = 512 // form.width
    name = f"llvm.x86.avx512.mask.scalef.{'ps' if form is SINGLE else 'pd'}.512"
    mask, part_type = f"i{lanes}", f"<{lanes} x {mantissa.type}>"
    code.declarations[name] = f"declare {part_type} @{name}({part_type}, {part_type}, {part_type}, {mask}, i32)"
    made = []
    for low, high in zip(parts(code, mantissa, lanes), parts(code, n, lanes), strict=True):
        call = f"call {part_type} @{name}({part_type} {low.ref}, {part_type} {high.ref}"
        # every lane, in the current rounding mode
        made.append(code.emit(f"{call}, {part_type} zeroinitializer, {mask} -1, i32 4)", mantissa.type, lanes))
    return joined(code, made)
