"""Methods of a tensor that are functions of the same name with the tensor as their first argument."""

from __future__ import annotations

from typing import Any

from curta.methods import late

#: functions that are methods too
NAMES = (
    "acosh",
    "addbmm",
    "addmv",
    "addr",
    "aminmax",
    "argsort",
    "argwhere",
    "as_strided_scatter",
    "asinh",
    "atanh",
    "baddbmm",
    "bernoulli",
    "bincount",
    "clamp_max",
    "clamp_min",
    "copysign",
    "corrcoef",
    "cov",
    "cross",
    "cummax",
    "cummin",
    "cumprod",
    "cumsum",
    "deg2rad",
    "diag",
    "diag_embed",
    "diagflat",
    "diagonal_scatter",
    "diff",
    "digamma",
    "dist",
    "dsplit",
    "erfinv",
    "fliplr",
    "flipud",
    "float_power",
    "fmax",
    "fmin",
    "gcd",
    "ger",
    "heaviside",
    "histc",
    "hsplit",
    "hypot",
    "i0",
    "index_copy",
    "index_fill",
    "index_reduce",
    "index_reduce_",
    "inner",
    "isneginf",
    "isposinf",
    "kron",
    "kthvalue",
    "lcm",
    "ldexp",
    "lgamma",
    "logaddexp",
    "logaddexp2",
    "logcumsumexp",
    "logit",
    "masked_scatter",
    "matrix_power",
    "median",
    "mode",
    "msort",
    "multinomial",
    "mvlgamma",
    "nanmean",
    "nanmedian",
    "nanquantile",
    "nansum",
    "nextafter",
    "positive",
    "put",
    "put_",
    "quantile",
    "rad2deg",
    "repeat_interleave",
    "rot90",
    "scatter_reduce",
    "scatter_reduce_",
    "select_scatter",
    "sgn",
    "signbit",
    "sinc",
    "slice_scatter",
    "sort",
    "split_with_sizes",
    "take",
    "tensor_split",
    "topk",
    "trace",
    "unfold",
    "unique",
    "unique_consecutive",
    "unsafe_chunk",
    "unsafe_split",
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


def _method(name: str) -> Any:
    def method(self: Any, *arguments: Any, **options: Any) -> Any:
        return getattr(late.functions, name)(self, *arguments, **options)

    method.__name__ = method.__qualname__ = name
    method.__doc__ = f"See `curta.{name}`."
    return method


for _name in NAMES:
    setattr(NamedMethods, _name, _method(_name))
