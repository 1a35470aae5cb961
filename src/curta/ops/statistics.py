"""Statistics: reductions composed of sums and extremes, each compiled into one kernel where it can be.

Counts come as run-time numbers, so that a kernel serves every size.
"""

from __future__ import annotations

from typing import Any

from curta import dtypes
from curta.dtypes import DType
from curta.methods import late
from curta.ops.composition import composition, derived
from curta.ops.dispatch import bind
from curta.ops.elementwise import CAST, no_slope
from curta.ops.record import NO_GRADIENT, Gradient
from curta.ops.reduce import AMAX, SUM, Dims, over_rows

# mean


def _mean(x: Any, count: Any, dims: Dims, keepdim: bool, dtype: DType | None) -> Any:
    wide = x if dtype is None or dtype is x.layout.dtype else bind(CAST, (x,), dtype=dtype)
    return bind(SUM, (wide,), dims=dims, keepdim=keepdim, dtype=None) / count


def _mean_rule(node: Any, g: Any) -> tuple[Any, ...]:
    return (over_rows(node, g / node.input(1)).expand(node.input_layouts[0].shape), None)


#: inputs: the tensor, and how many elements go into one result
MEAN = composition("mean", _mean, Gradient(_mean_rule, inputs=(1,)))


# where the middle is


def _middle_rank(x: Any, *numbers: Any, dim: int) -> Any:
    """Of the numbers that are not NaN; or, with how many elements and what rank is given then, of the first NaN."""
    count = (x == x).sum((dim,), keepdim=True)
    if not numbers:
        return (count - 1).clamp(min=0) // 2
    elements, middle = numbers
    return late.functions.where(count < elements, count, middle)


#: the rank of the median along a dimension, which stays with size 1
MIDDLE_RANK = composition("middle_rank", _middle_rank, NO_GRADIENT)


# variance


def _var(x: Any, count: Any, divisor: Any, dims: Dims, keepdim: bool) -> Any:
    from_mean = x - bind(SUM, (x,), dims=dims, keepdim=True, dtype=None) / count
    return bind(SUM, (from_mean * from_mean,), dims=dims, keepdim=keepdim, dtype=None) / divisor


def _std(x: Any, count: Any, divisor: Any, dims: Dims, keepdim: bool) -> Any:
    return _var(x, count, divisor, dims, keepdim).sqrt()


def _var_slopes(g: Any, x: Any, count: Any, divisor: Any, *, dims: Dims) -> Any:
    from_mean = x - bind(SUM, (x,), dims=dims, keepdim=True, dtype=None) / count
    return from_mean * (g * 2 / divisor)


def _std_slopes(g: Any, x: Any, y: Any, count: Any, divisor: Any, *, dims: Dims) -> Any:
    return _var_slopes((g / (y * 2)).masked_fill(y == 0, 0), x, count, divisor, dims=dims)


_VAR_BACKWARD = derived("var_backward", _var_slopes)
_STD_BACKWARD = derived("std_backward", _std_slopes)


def _var_rule(node: Any, g: Any) -> tuple[Any, ...]:
    saved = (over_rows(node, g), node.input(0), node.input(1), node.input(2))
    return (bind(_VAR_BACKWARD, saved, dims=node.params["dims"]), None, None)


def _std_rule(node: Any, g: Any) -> tuple[Any, ...]:
    saved = (over_rows(node, g), node.input(0), over_rows(node, node.output(0)), node.input(1), node.input(2))
    return (bind(_STD_BACKWARD, saved, dims=node.params["dims"]), None, None)


#: inputs: the tensor, the number of elements, and that number less the correction
VAR = composition("var", _var, Gradient(_var_rule, inputs=(0, 1, 2)))
STD = composition("std", _std, Gradient(_std_rule, inputs=(0, 1, 2), outputs=(0,)))


# logarithm of a sum of exponentials


def _logsumexp(x: Any, dims: Dims, keepdim: bool) -> Any:
    largest = bind(AMAX, (x,), dims=dims, keepdim=True)
    largest = largest.masked_fill(largest.isinf(), 0)
    total = bind(SUM, ((x - largest).exp(),), dims=dims, keepdim=True, dtype=None)
    return total.log() + largest


def _logsumexp_slopes(g: Any, x: Any, y: Any) -> Any:
    return g * (x - y.masked_fill(y == float("-inf"), 0)).exp()


_LOGSUMEXP_BACKWARD = derived("logsumexp_backward", _logsumexp_slopes)


def _logsumexp_rule(node: Any, g: Any) -> tuple[Any, ...]:
    return (bind(_LOGSUMEXP_BACKWARD, (over_rows(node, g), node.input(0), over_rows(node, node.output(0)))),)


#: the reduced dimensions stay at size 1
LOGSUMEXP = composition("logsumexp", _logsumexp, Gradient(_logsumexp_rule, inputs=(0,), outputs=(0,)))


# norms


def _norm_1(x: Any, dims: Dims, keepdim: bool) -> Any:
    return bind(SUM, (x.abs(),), dims=dims, keepdim=keepdim, dtype=None)


def _norm_2(x: Any, dims: Dims, keepdim: bool) -> Any:
    return bind(SUM, (x * x,), dims=dims, keepdim=keepdim, dtype=None).sqrt()


def _norm_2_slopes(g: Any, x: Any, y: Any) -> Any:
    return x * (g / y).masked_fill(y == 0, 0)


_NORM_1_BACKWARD = derived("norm_1_backward", lambda g, x: x.sign() * g)
_NORM_2_BACKWARD = derived("norm_2_backward", _norm_2_slopes)


def _norm_1_rule(node: Any, g: Any) -> tuple[Any, ...]:
    return (bind(_NORM_1_BACKWARD, (over_rows(node, g), node.input(0))),)


def _norm_2_rule(node: Any, g: Any) -> tuple[Any, ...]:
    return (bind(_NORM_2_BACKWARD, (over_rows(node, g), node.input(0), over_rows(node, node.output(0)))),)


def _norm_0(x: Any, dims: Dims, keepdim: bool) -> Any:
    return bind(SUM, (bind(CAST, (x != 0,), dtype=x.layout.dtype),), dims=dims, keepdim=keepdim, dtype=None)


def _norm_0_rule(node: Any, g: Any) -> tuple[Any, ...]:
    """A count does not change with the size of what it counts."""
    return no_slope(node, over_rows(node, g).expand(node.input_layouts[0].shape))


NORM_0 = composition("norm_0", _norm_0, Gradient(_norm_0_rule))
NORM_1 = composition("norm_1", _norm_1, Gradient(_norm_1_rule, inputs=(0,)))
NORM_2 = composition("norm_2", _norm_2, Gradient(_norm_2_rule, inputs=(0,), outputs=(0,)))


# sums without what is no number


def _nansum(x: Any, dims: Dims) -> Any:
    return bind(SUM, (x.masked_fill(x.isnan(), 0),), dims=dims, keepdim=True, dtype=None)


_NANSUM_BACKWARD = derived("nansum_backward", lambda g, x: g * (x == x))


def _nansum_rule(node: Any, g: Any) -> tuple[Any, ...]:
    """Times 0 at a NaN, as in PyTorch: the mean of no numbers at all has no slope either."""
    return (bind(_NANSUM_BACKWARD, (g, node.input(0))),)


#: the reduced dimensions stay at size 1
NANSUM = composition("nansum", _nansum, Gradient(_nansum_rule, inputs=(0,)))


# counting and closeness


def _count_nonzero(x: Any, dims: Dims, keepdim: bool) -> Any:
    return bind(SUM, (x != 0,), dims=dims, keepdim=keepdim, dtype=dtypes.int64)


COUNT_NONZERO = composition("count_nonzero", _count_nonzero, NO_GRADIENT)


def _isclose(x: Any, other: Any, relative: Any, absolute: Any, equal_nan: bool) -> Any:
    close = x == other
    if equal_nan:
        close = close.logical_or(x.isnan().logical_and(other.isnan()))
    allowed = (other * relative).abs() + absolute
    apart = (x - other).abs()
    near = (apart <= allowed).logical_and(late.functions.isfinite(apart))
    return close.logical_or(near)


ISCLOSE = composition("isclose", _isclose, NO_GRADIENT)
