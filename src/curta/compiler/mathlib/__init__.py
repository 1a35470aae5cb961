"""The mathematical functions as LLVM code: branch-free, of any number of lanes, without a call into libm.

Each takes and returns a `curta.compiler.code.Value` of type "float" or "double"; only sin, cos and tan have a branch,
for huge arguments. Where the processor has no fma, LLVM makes `fma` a call: right, but slow.
"""

from curta.compiler.mathlib.error_function import erf, erfc
from curta.compiler.mathlib.exponential import exp, exp2, expm1, sigmoid
from curta.compiler.mathlib.hyperbolic import cosh, sinh, tanh
from curta.compiler.mathlib.inverse import acos, asin, atan, atan2
from curta.compiler.mathlib.logarithm import log, log1p, log2, log10
from curta.compiler.mathlib.power import pow  # noqa: A004 - the function's name everywhere
from curta.compiler.mathlib.trigonometric import cos, sin, tan

__all__ = [
    "acos",
    "asin",
    "atan",
    "atan2",
    "cos",
    "cosh",
    "erf",
    "erfc",
    "exp",
    "exp2",
    "expm1",
    "log",
    "log1p",
    "log2",
    "log10",
    "pow",
    "sigmoid",
    "sin",
    "sinh",
    "tan",
    "tanh",
]
