"""What sampling and counting ask of all their elements at once."""

from __future__ import annotations

from typing import Any

from curta.dtypes import int64
from curta.methods import late
from curta.ops.composition import composition
from curta.ops.record import NO_GRADIENT
from curta.ops.rows import cast, total

#: what `WEIGHTS_FAULT` gives beside 0
BAD_WEIGHT, NO_WEIGHT = 1, 2


def _weights_fault(weights: Any) -> Any:
    dims = tuple(range(weights.layout.rank))
    good = ((weights >= 0) & weights.isfinite()).all(dims, keepdim=True)
    some = (total(weights, dims[-1:]) > 0).all(dims, keepdim=True)
    where = late.functions.where
    return where(good, where(some, 0, NO_WEIGHT), BAD_WEIGHT)


def _arrivals(weights: Any, uniform: Any, *, least: float) -> Any:
    """How soon each category is met that arrives at the rate of its weight."""
    return weights / (-(-uniform).log1p()).clamp(min=least)


def _parts(x: Any, low: Any, high: Any, span: Any, bins: Any, last: Any) -> Any:
    """The part of a range that each element lies in, their number for one outside."""
    part = cast(((x - low) * bins / span).clamp(0, last), int64)
    return late.functions.where((x >= low) & (x <= high), part, bins)


#: of rows of weights: whether one is no weight, or a row has none
WEIGHTS_FAULT = composition("weights_fault", _weights_fault, NO_GRADIENT)
ARRIVALS = composition("arrivals", _arrivals, NO_GRADIENT)
HISTOGRAM_PARTS = composition("histogram_parts", _parts, NO_GRADIENT)
