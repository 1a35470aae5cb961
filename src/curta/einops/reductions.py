"""The reductions there are, by name, and plans that know which one they are for."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Any

from curta.einops.parse import CACHE_SIZE
from curta.einops.plan import Plan, plan
from curta.einops.problems import Call, Shape, Sizes
from curta.errors import ArgumentTypeError

#: a name of `NAMES`, or f(tensor, dimensions)
Reduction = str | Callable[..., Any]
NAMES = ("sum", "mean", "max", "min", "prod", "any", "all")


def check_reduction(pattern: str, reduction: Any) -> None:
    """EinopsError for a name that stands for no reduction, ArgumentTypeError for what is no name."""
    if callable(reduction):
        return
    if not isinstance(reduction, str):
        raise ArgumentTypeError(
            f"reduce(): argument 'reduction' must be a name or a function, not {type(reduction).__name__}"
        )
    if reduction not in NAMES:
        names = ", ".join(f"'{name}'" for name in NAMES)
        raise Call("reduce", pattern).error(
            f"'{reduction}' is no reduction: there are {names}, and functions f(tensor, dimensions)"
        )


@lru_cache(maxsize=CACHE_SIZE)
def planned(operation: str, reduction: str | None, pattern: str, shape: Shape, sizes: Sizes) -> Plan:
    """The plan, if `reduction` can be done: there is no largest or smallest of nothing."""
    made = plan(operation, pattern, shape, sizes)
    if reduction in ("max", "min"):
        order = made.order or range(len(made.split))
        empty = [span for dim, span in zip(made.reduced, made.gone, strict=True) if made.split[order[dim]] == 0]
        if empty:
            call = Call(operation, pattern, (shape,), sizes)
            raise call.error(f"there is no {reduction} of 0 elements", *empty)
    return made
