"""Methods of a tensor that are functions of the same name with the tensor as their first argument."""

from __future__ import annotations

from typing import Any

from curta.methods import late

#: functions that are methods too
NAMES = (
    "acosh", "addbmm", "addmv", "addr", "aminmax", "argsort", "asinh", "atanh", "baddbmm", "bincount", "clamp_max",
    "clamp_min", "copysign", "corrcoef", "cov", "cross", "cummax", "cummin", "cumprod", "cumsum", "deg2rad", "diff",
    "dist", "float_power", "fmax", "fmin", "gcd", "ger", "heaviside", "histc", "hypot", "inner", "isneginf",
    "isposinf", "kron", "kthvalue", "lcm", "ldexp", "logaddexp", "logaddexp2", "logcumsumexp", "logit",
    "matrix_power", "median", "mode", "msort", "nanmean", "nanmedian", "nanquantile", "nansum", "positive",
    "quantile", "rad2deg", "sgn", "signbit", "sinc", "sort", "topk", "trace", "unique", "unique_consecutive", "vdot",
    "xlogy",
)  # fmt: skip


class NamedMethods:
    """Methods that pass everything on."""


def _method(name: str) -> Any:
    def method(self: Any, *arguments: Any, **options: Any) -> Any:
        return getattr(late.functions, name)(self, *arguments, **options)

    method.__name__ = method.__qualname__ = name
    method.__doc__ = f"See `curta.{name}`."
    return method


for _name in NAMES:
    setattr(NamedMethods, _name, _method(_name))
