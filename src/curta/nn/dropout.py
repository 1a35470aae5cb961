"""Dropout for `curta.nn.functional`."""

from __future__ import annotations

from curta.autograd.state import STATE
from curta.batching import randomness
from curta.errors import ArgumentError
from curta.functions.operands import not_in_place
from curta.functions.operands import tensor as check
from curta.ops.dispatch import bind
from curta.ops.dropout import DROPOUT
from curta.random import default_generator
from curta.tensor import Tensor


def check_probability(p: float) -> None:
    """ArgumentError for what is no probability."""
    if not 0.0 <= p <= 1.0:
        raise ArgumentError(f"dropout probability has to be between 0 and 1, but got {p}")


def dropout(input: Tensor, p: float = 0.5, training: bool = True, inplace: bool = False) -> Tensor:
    """Zeroes each element with probability `p` and scales the others by 1 / (1 - p); does nothing outside training."""
    x = check("dropout", input)
    not_in_place("dropout", inplace)
    check_probability(p)
    if not training or p == 0.0:
        return x
    if p == 1.0:
        return x * 0.0
    if STATE.levels:
        x = randomness.apart(x)
    count = x.layout.numel * randomness.repeats()
    result: Tensor = bind(DROPOUT, (x, *default_generator.take(count, x.layout.device)), p=float(p))
    return result
