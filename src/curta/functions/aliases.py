"""Other names that PyTorch has for the same functions."""

from __future__ import annotations

from curta.functions.arithmetic import abs, div, mul, neg, sub
from curta.functions.choice import clamp
from curta.functions.comparison import ge, gt, le, lt, ne
from curta.functions.joining import cat
from curta.functions.mathematics import acos, asin, atan, atan2, trunc
from curta.functions.movement import movedim, transpose
from curta.functions.special import acosh, asinh, atanh

absolute = abs
arccos = acos
arccosh = acosh
arcsin = asin
arcsinh = asinh
arctan = atan
arctan2 = atan2
arctanh = atanh
clip = clamp
concat = concatenate = cat
divide = true_divide = div
fix = trunc
greater = gt
greater_equal = ge
less = lt
less_equal = le
moveaxis = movedim
multiply = mul
negative = neg
not_equal = ne
subtract = sub
swapaxes = swapdims = transpose
