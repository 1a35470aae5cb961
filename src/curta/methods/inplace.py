"""Methods of a tensor that write into it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from curta.methods import late

if TYPE_CHECKING:
    from curta.tensor import Tensor


class InplaceMethods:
    """In-place operators; each gives the tensor itself."""

    def copy_(self: Any, src: Any, non_blocking: bool = False) -> Tensor:
        """Copy `src` (broadcast, converted) into the tensor."""
        return late.functions.copy_(self, src, non_blocking)

    def fill_(self: Any, value: Any) -> Tensor:
        """Set every element to `value`."""
        return late.functions.fill_(self, value)

    def zero_(self: Any) -> Tensor:
        """Set every element to 0."""
        return late.functions.fill_(self, 0)

    def add_(self: Any, other: Any, *, alpha: Any = 1) -> Tensor:
        """Add `alpha * other`."""
        return late.functions.add_(self, other, alpha=alpha)

    def sub_(self: Any, other: Any, *, alpha: Any = 1) -> Tensor:
        """Subtract `alpha * other`."""
        return late.functions.sub_(self, other, alpha=alpha)

    def mul_(self: Any, other: Any) -> Tensor:
        """Multiply by `other`."""
        return late.functions.mul_(self, other)

    def div_(self: Any, other: Any, *, rounding_mode: str | None = None) -> Tensor:
        """Divide by `other`."""
        return late.functions.div_(self, other, rounding_mode=rounding_mode)

    def float_power_(self: Any, exponent: Any) -> Tensor:
        """The in-place form of `curta.float_power`, of a float64 tensor."""
        return late.functions.float_power_(self, exponent)

    def normal_(self: Any, mean: float = 0.0, std: float = 1.0, *, generator: Any = None) -> Tensor:
        """Fill with numbers from a normal distribution."""
        return late.functions.normal_(self, mean, std, generator=generator)

    def uniform_(self: Any, a: float = 0.0, b: float = 1.0, *, generator: Any = None) -> Tensor:
        """Fill with numbers in [a, b)."""
        return late.functions.uniform_(self, a, b, generator=generator)

    def bernoulli_(self: Any, p: Any = 0.5, *, generator: Any = None) -> Tensor:
        """Fill with ones with probability `p`, else zeros."""
        return late.functions.bernoulli_(self, p, generator=generator)

    def random_(self: Any, *limits: int | None, generator: Any = None) -> Tensor:
        """Fill with whole numbers: `random_(to)`, `random_(first, to)`, or all that the format has."""
        return late.functions.random_(self, *limits, generator=generator)

    def exponential_(self: Any, lambd: float = 1.0, *, generator: Any = None) -> Tensor:
        """Fill with numbers of an exponential distribution."""
        return late.functions.exponential_(self, lambd, generator=generator)

    def geometric_(self: Any, p: float, *, generator: Any = None) -> Tensor:
        """Fill with how many trials it takes until one succeeds."""
        return late.functions.geometric_(self, p, generator=generator)

    def cauchy_(self: Any, median: float = 0.0, sigma: float = 1.0, *, generator: Any = None) -> Tensor:
        """Fill with numbers of a Cauchy distribution."""
        return late.functions.cauchy_(self, median, sigma, generator=generator)

    def log_normal_(self: Any, mean: float = 1.0, std: float = 2.0, *, generator: Any = None) -> Tensor:
        """Fill with numbers whose logarithms are normally distributed."""
        return late.functions.log_normal_(self, mean, std, generator=generator)

    def __iadd__(self: Any, other: Any) -> Any:
        return late.functions.add_(self, other) if late.takes(other) else NotImplemented

    def __isub__(self: Any, other: Any) -> Any:
        return late.functions.sub_(self, other) if late.takes(other) else NotImplemented

    def __imul__(self: Any, other: Any) -> Any:
        return late.functions.mul_(self, other) if late.takes(other) else NotImplemented

    def __itruediv__(self: Any, other: Any) -> Any:
        return late.functions.div_(self, other) if late.takes(other) else NotImplemented

    def __ifloordiv__(self: Any, other: Any) -> Any:
        return late.functions.in_place("floor_divide", self, other) if late.takes(other) else NotImplemented

    def __imod__(self: Any, other: Any) -> Any:
        return late.functions.in_place("remainder", self, other) if late.takes(other) else NotImplemented

    def __ipow__(self: Any, other: Any) -> Any:
        return late.functions.in_place("pow", self, other) if late.takes(other) else NotImplemented

    def __iand__(self: Any, other: Any) -> Any:
        return late.functions.in_place("bitwise_and", self, other) if late.takes(other) else NotImplemented

    def __ior__(self: Any, other: Any) -> Any:
        return late.functions.in_place("bitwise_or", self, other) if late.takes(other) else NotImplemented

    def __ixor__(self: Any, other: Any) -> Any:
        return late.functions.in_place("bitwise_xor", self, other) if late.takes(other) else NotImplemented

    def __ilshift__(self: Any, other: Any) -> Any:
        return late.functions.in_place("bitwise_left_shift", self, other) if late.takes(other) else NotImplemented

    def __irshift__(self: Any, other: Any) -> Any:
        return late.functions.in_place("bitwise_right_shift", self, other) if late.takes(other) else NotImplemented


#: functions whose in-place form is: compute, check, store
NAMES = (
    "abs",
    "absolute",
    "acos",
    "acosh",
    "addbmm",
    "addcdiv",
    "addcmul",
    "addmm",
    "addmv",
    "addr",
    "arccos",
    "arccosh",
    "arcsin",
    "arcsinh",
    "arctan",
    "arctan2",
    "arctanh",
    "asin",
    "asinh",
    "atan",
    "atan2",
    "atanh",
    "baddbmm",
    "bitwise_and",
    "bitwise_left_shift",
    "bitwise_not",
    "bitwise_or",
    "bitwise_right_shift",
    "bitwise_xor",
    "ceil",
    "clamp",
    "clamp_max",
    "clamp_min",
    "clip",
    "copysign",
    "cos",
    "cosh",
    "cumprod",
    "cumsum",
    "deg2rad",
    "digamma",
    "divide",
    "eq",
    "erf",
    "erfc",
    "erfinv",
    "exp",
    "exp2",
    "expm1",
    "fix",
    "floor",
    "floor_divide",
    "fmod",
    "frac",
    "gcd",
    "ge",
    "greater",
    "greater_equal",
    "gt",
    "heaviside",
    "hypot",
    "i0",
    "igamma",
    "igammac",
    "lcm",
    "ldexp",
    "le",
    "lerp",
    "less",
    "less_equal",
    "lgamma",
    "log",
    "log10",
    "log1p",
    "log2",
    "logical_and",
    "logical_not",
    "logical_or",
    "logical_xor",
    "logit",
    "lt",
    "masked_fill",
    "masked_scatter",
    "multiply",
    "mvlgamma",
    "nan_to_num",
    "ne",
    "neg",
    "negative",
    "nextafter",
    "not_equal",
    "pow",
    "rad2deg",
    "reciprocal",
    "relu",
    "remainder",
    "renorm",
    "round",
    "rsqrt",
    "sgn",
    "sigmoid",
    "sign",
    "sin",
    "sinc",
    "sinh",
    "sqrt",
    "square",
    "subtract",
    "tan",
    "tanh",
    "tril",
    "triu",
    "true_divide",
    "trunc",
    "xlogy",
)


def _method(name: str) -> Any:
    def method(self: Any, *arguments: Any, **options: Any) -> Any:
        return late.functions.in_place(name, self, *arguments, **options)

    method.__name__ = method.__qualname__ = f"{name}_"
    method.__doc__ = f"The in-place form of `curta.{name}`."
    return method


for _name in NAMES:
    setattr(InplaceMethods, f"{_name}_", _method(_name))
