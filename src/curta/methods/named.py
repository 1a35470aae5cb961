"""Methods of a tensor that are functions of the same name with the tensor as their first argument."""

from __future__ import annotations

from typing import Any

from curta.lazy import LazyModule
from curta.methods import late

networks: Any = LazyModule("curta.nn.native")

#: functions that are methods too
NAMES = (
    "absolute",
    "acosh",
    "addbmm",
    "addmv",
    "addr",
    "aminmax",
    "angle",
    "arccos",
    "arccosh",
    "arcsin",
    "arcsinh",
    "arctan",
    "arctan2",
    "arctanh",
    "argsort",
    "argwhere",
    "as_strided_",
    "as_strided_scatter",
    "asinh",
    "atanh",
    "baddbmm",
    "bernoulli",
    "bincount",
    "cholesky",
    "cholesky_inverse",
    "cholesky_solve",
    "clamp_max",
    "clamp_min",
    "conj",
    "conj_physical",
    "conj_physical_",
    "copysign",
    "corrcoef",
    "cov",
    "cross",
    "cummax",
    "cummin",
    "cumprod",
    "cumsum",
    "deg2rad",
    "det",
    "detach_",
    "diag",
    "diag_embed",
    "diagflat",
    "diagonal_scatter",
    "diff",
    "digamma",
    "dist",
    "divide",
    "dsplit",
    "erfinv",
    "fill_diagonal_",
    "fix",
    "fliplr",
    "flipud",
    "float_power",
    "fmax",
    "fmin",
    "frexp",
    "gcd",
    "geqrf",
    "ger",
    "get_device",
    "greater",
    "greater_equal",
    "heaviside",
    "histc",
    "histogram",
    "hsplit",
    "hypot",
    "i0",
    "igamma",
    "igammac",
    "index_copy",
    "index_fill",
    "index_reduce",
    "index_reduce_",
    "inner",
    "inverse",
    "is_conj",
    "is_neg",
    "is_nonzero",
    "is_same_size",
    "is_set_to",
    "isneginf",
    "isposinf",
    "isreal",
    "kron",
    "kthvalue",
    "lcm",
    "ldexp",
    "less",
    "less_equal",
    "lgamma",
    "logaddexp",
    "logaddexp2",
    "logcumsumexp",
    "logdet",
    "logit",
    "lu",
    "lu_solve",
    "masked_scatter",
    "matrix_exp",
    "matrix_power",
    "median",
    "mode",
    "msort",
    "multinomial",
    "multiply",
    "mvlgamma",
    "nanmean",
    "nanmedian",
    "nanquantile",
    "nansum",
    "narrow_copy",
    "negative",
    "nextafter",
    "nonzero_static",
    "not_equal",
    "orgqr",
    "ormqr",
    "pinverse",
    "positive",
    "put",
    "put_",
    "qr",
    "quantile",
    "rad2deg",
    "renorm",
    "repeat_interleave",
    "resize_",
    "resize_as_",
    "resolve_conj",
    "resolve_neg",
    "rot90",
    "scatter_reduce",
    "scatter_reduce_",
    "select_scatter",
    "set_",
    "sgn",
    "signbit",
    "sinc",
    "slice_scatter",
    "slogdet",
    "sort",
    "split_with_sizes",
    "squeeze_",
    "subtract",
    "svd",
    "swapaxes_",
    "swapdims_",
    "t_",
    "take",
    "tensor_split",
    "topk",
    "trace",
    "transpose_",
    "triangular_solve",
    "true_divide",
    "unfold",
    "unique",
    "unique_consecutive",
    "unsafe_chunk",
    "unsafe_split",
    "unsafe_split_with_sizes",
    "unsqueeze_",
    "vdot",
    "vsplit",
    "xlogy",
)


class NamedMethods:
    """Methods that pass everything on."""

    def polygamma(self: Any, n: int) -> Any:
        """See `curta.polygamma`."""
        return late.functions.polygamma(n, self)

    def polygamma_(self: Any, n: int) -> Any:
        """The in-place form of `curta.polygamma`."""
        return late.functions.polygamma_(self, n)

    def softmax(self: Any, dim: int, dtype: Any = None) -> Any:
        """See `curta.softmax`."""
        return networks.softmax(self, dim, dtype)

    def log_softmax(self: Any, dim: int, dtype: Any = None) -> Any:
        """See `curta.log_softmax`."""
        return networks.log_softmax(self, dim, dtype)

    def prelu(self: Any, weight: Any) -> Any:
        """See `curta.prelu`."""
        return networks.F.prelu(self, weight)

    def hardshrink(self: Any, lambd: float = 0.5) -> Any:
        """See `curta.hardshrink`."""
        return networks.F.hardshrink(self, lambd)


def _method(name: str) -> Any:
    def method(self: Any, *arguments: Any, **options: Any) -> Any:
        return getattr(late.functions, name)(self, *arguments, **options)

    method.__name__ = method.__qualname__ = name
    method.__doc__ = f"See `curta.{name}`."
    return method


for _name in NAMES:
    setattr(NamedMethods, _name, _method(_name))
