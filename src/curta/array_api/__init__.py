"""The Python array API standard, version 2024.12: Curta's functions under the standard's names and rules.

`Tensor.__array_namespace__()` gives this module, and so libraries that ask for it work with tensors. What PyTorch does
as the standard says is the same function here; one that differs is written down in this package. There are no complex
formats, and of the extensions `linalg`, but not `fft`.

>>> from curta import array_api as xp
>>> x = xp.asarray([3.0, 1.0, 2.0])
>>> x.__array_namespace__() is xp, xp.sort(x, descending=True)
(True, tensor([3., 2., 1.]))
"""

from math import e, inf, nan, pi

from curta.array_api import linalg
from curta.dtypes import bool_ as bool
from curta.dtypes import float32, float64, int8, int16, int32, int64, uint8, uint16, uint32, uint64

# isort: off
from curta.array_api.creation import (
    arange, asarray, empty, empty_like, eye, full, full_like, linspace, meshgrid, ones, ones_like, tril, triu, zeros,
    zeros_like,
)  # fmt: skip
from curta.array_api.data_types import astype, can_cast, finfo, iinfo, isdtype, result_type
from curta.array_api.elementwise import (
    add, atan2, bitwise_and, bitwise_left_shift, bitwise_or, bitwise_right_shift, bitwise_xor, clip, conj, copysign,
    divide, equal, floor_divide, greater, greater_equal, hypot, imag, less, less_equal, logaddexp, logical_and,
    logical_or, logical_xor, maximum, minimum, multiply, nextafter, not_equal, pow, real, remainder, sign, subtract,
)  # fmt: skip
from curta.array_api.inspection import __array_namespace_info__
from curta.array_api.linear_algebra import matmul, matrix_transpose, tensordot, vecdot
from curta.array_api.manipulation import (
    broadcast_arrays, broadcast_to, concat, expand_dims, flip, moveaxis, permute_dims, repeat, reshape, roll, squeeze,
    stack, tile, unstack,
)  # fmt: skip
from curta.array_api.searching import (
    argmax, argmin, argsort, count_nonzero, nonzero, searchsorted, sort, take, take_along_axis, unique_all,
    unique_counts, unique_inverse, unique_values, where,
)  # fmt: skip
from curta.array_api.statistical import (
    all, any, cumulative_prod, cumulative_sum, diff, max, mean, min, prod, std, sum, var,
)  # fmt: skip

# the same in PyTorch and in the standard
from curta.functions import (
    abs, acos, acosh, asin, asinh, atan, atanh, ceil, cos, cosh, exp, expm1, floor, from_dlpack, isfinite,
    isinf, isnan, log, log10, log1p, log2, logical_not, negative, positive, reciprocal, round, signbit, sin, sinh, sqrt,
    square, tan, tanh, trunc,
)  # fmt: skip
from curta.functions import bitwise_not as bitwise_invert
# isort: on

__array_api_version__ = "2024.12"
#: the versions that this one is compatible with
VERSIONS = ("2021.12", "2022.12", "2023.12", "2024.12")
newaxis = None

__all__ = [  # noqa: RUF022 (by family)
    "__array_api_version__", "__array_namespace_info__", "linalg",
    # constants and formats
    "e", "inf", "nan", "newaxis", "pi", "bool", "float32", "float64", "int16", "int32", "int64", "int8", "uint16",
    "uint32", "uint64", "uint8",
    # creation
    "arange", "asarray", "empty", "empty_like", "eye", "from_dlpack", "full", "full_like", "linspace", "meshgrid",
    "ones", "ones_like", "tril", "triu", "zeros", "zeros_like",
    # formats
    "astype", "can_cast", "finfo", "iinfo", "isdtype", "result_type",
    # elements
    "abs", "acos", "acosh", "add", "asin", "asinh", "atan", "atan2", "atanh", "bitwise_and", "bitwise_invert",
    "bitwise_left_shift", "bitwise_or", "bitwise_right_shift", "bitwise_xor", "ceil", "clip", "conj", "copysign",
    "cos", "cosh", "divide", "equal", "exp", "expm1", "floor", "floor_divide", "greater", "greater_equal", "hypot",
    "imag", "isfinite", "isinf", "isnan", "less", "less_equal", "log", "log10", "log1p", "log2", "logaddexp",
    "logical_and", "logical_not", "logical_or", "logical_xor", "maximum", "minimum", "multiply", "negative",
    "nextafter", "not_equal", "positive", "pow", "real", "reciprocal", "remainder", "round", "sign", "signbit", "sin",
    "sinh", "sqrt", "square", "subtract", "tan", "tanh", "trunc",
    # statistics
    "cumulative_prod", "cumulative_sum", "max", "mean", "min", "prod", "std", "sum", "var", "all", "any", "diff",
    # searching, sorting, sets, indexing
    "argmax", "argmin", "count_nonzero", "nonzero", "searchsorted", "where", "argsort", "sort", "unique_all",
    "unique_counts", "unique_inverse", "unique_values", "take", "take_along_axis",
    # arrangement
    "broadcast_arrays", "broadcast_to", "concat", "expand_dims", "flip", "moveaxis", "permute_dims", "repeat",
    "reshape", "roll", "squeeze", "stack", "tile", "unstack",
    # products
    "matmul", "matrix_transpose", "tensordot", "vecdot",
]  # fmt: skip
