"""Methods of a tensor that are functions of the same name with the tensor as their first argument."""

from __future__ import annotations

from typing import Any

from curta.methods import late

#: functions that are methods too
NAMES = (
    "acosh", "aminmax", "argsort", "asinh", "atanh", "bernoulli", "bincount", "clamp_max", "clamp_min", "copysign",
    "cummax", "cummin", "cumprod", "cumsum", "deg2rad", "diff", "dist", "float_power", "fmax", "fmin", "gcd",
    "heaviside", "histc", "hypot", "isneginf", "isposinf", "kthvalue", "lcm", "ldexp", "logaddexp", "logaddexp2",
    "logcumsumexp", "logit", "median", "mode", "msort", "multinomial", "nanmean", "nanmedian", "nanquantile", "nansum",
    "nextafter", "positive", "quantile", "rad2deg", "sgn", "signbit", "sinc", "sort", "topk", "unique",
    "unique_consecutive", "xlogy",
    "argwhere", "as_strided_scatter", "diag", "diag_embed", "diagflat", "diagonal_scatter", "dsplit", "fliplr",
    "flipud", "hsplit", "index_copy", "index_fill", "masked_scatter", "put", "put_", "repeat_interleave", "rot90",
    "select_scatter", "slice_scatter", "split_with_sizes", "take", "tensor_split", "unfold", "unsafe_chunk",
    "unsafe_split", "vsplit",
    "digamma", "erfinv", "i0", "lgamma", "mvlgamma",
)  # fmt: skip


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
