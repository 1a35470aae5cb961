"""The mathematical functions as LLVM code: branch-free, of any number of lanes, without a call into libm.

Each takes and returns a `curta.compiler.code.Value` of type "float" or "double"; only sin, cos and tan (and what is
made of them) and `exact_rest` have a branch, for huge arguments and quotients. Results do not depend on the number of
lanes. Where the processor has no fma, LLVM makes `fma` a call: right, but slow.

>>> from curta.compiler.code import Code, Value
>>> x = Value(Code(), "%x", "float", 8)
>>> exp(x).full_type
'<8 x float>'
"""

from curta.compiler.mathlib.airy import airy_ai, airy_slope
from curta.compiler.mathlib.bessel import (
    bessel_j0,
    bessel_j1,
    bessel_k0,
    bessel_k0e,
    bessel_k1,
    bessel_k1e,
    bessel_y0,
    bessel_y1,
    i0,
    i0e,
    i1,
    i1e,
)  # fmt: skip
from curta.compiler.mathlib.division import exact_rest, whole_quotient
from curta.compiler.mathlib.error_function import erf, erfc
from curta.compiler.mathlib.exponential import exp, exp2, expm1, sigmoid
from curta.compiler.mathlib.gamma import digamma, lgamma, trigamma, zeta
from curta.compiler.mathlib.hyperbolic import cosh, sinh, tanh
from curta.compiler.mathlib.incomplete_gamma import igamma, igammac
from curta.compiler.mathlib.inverse import acos, asin, atan, atan2
from curta.compiler.mathlib.inverse_error import erfcx, erfinv, ndtri
from curta.compiler.mathlib.logarithm import log, log1p, log2, log10
from curta.compiler.mathlib.power import pow
from curta.compiler.mathlib.trigonometric import cos, sin, tan

__all__ = [
    "acos",
    "airy_ai",
    "airy_slope",
    "asin",
    "atan",
    "atan2",
    "bessel_j0",
    "bessel_j1",
    "bessel_k0",
    "bessel_k0e",
    "bessel_k1",
    "bessel_k1e",
    "bessel_y0",
    "bessel_y1",
    "cos",
    "cosh",
    "digamma",
    "erf",
    "erfc",
    "erfcx",
    "erfinv",
    "exact_rest",
    "exp",
    "exp2",
    "expm1",
    "i0",
    "i0e",
    "i1",
    "i1e",
    "igamma",
    "igammac",
    "lgamma",
    "log",
    "log1p",
    "log2",
    "log10",
    "ndtri",
    "pow",
    "sigmoid",
    "sin",
    "sinh",
    "tan",
    "tanh",
    "trigamma",
    "whole_quotient",
    "zeta",
]

#: the functions of one argument, by the names that loop expressions call them
_OTHERS = ("atan2", "exact_rest", "igamma", "igammac", "pow", "whole_quotient", "zeta")
FUNCTIONS = tuple(name for name in __all__ if name not in _OTHERS)
