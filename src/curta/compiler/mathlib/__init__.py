"""The mathematical functions as LLVM code: branch-free, of any number of lanes, without a call into libm.

Each takes and returns a `curta.compiler.code.Value` of type "float" or "double".
"""

from curta.compiler.mathlib.error_function import erf
from curta.compiler.mathlib.exponential import exp, exp2, expm1, sigmoid
from curta.compiler.mathlib.hyperbolic import cosh, sinh, tanh
from curta.compiler.mathlib.logarithm import log, log1p, log2, log10
from curta.compiler.mathlib.trigonometric import cos, sin, tan

__all__ = ["cos", "cosh", "erf", "exp", "exp2", "expm1", "log", "log1p", "log2", "log10", "sigmoid", "sin", "sinh", "tan", "tanh"]
