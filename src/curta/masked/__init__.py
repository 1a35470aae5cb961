"""Reductions and normalizations of the elements that a mask of truth values lets through, as `torch.masked`.

Masks broadcast to their input and may have fewer dimensions; without one all elements take part.
"""

from curta.masked.normalizations import cumprod, cumsum, log_softmax, normalize, softmax, softmin
from curta.masked.reductions import (
    amax,
    amin,
    argmax,
    argmin,
    logaddexp,
    logsumexp,
    mean,
    median,
    norm,
    prod,
    std,
    sum,
    var,
)  # fmt: skip

__all__ = [
    "amax",
    "amin",
    "argmax",
    "argmin",
    "cumprod",
    "cumsum",
    "log_softmax",
    "logaddexp",
    "logsumexp",
    "mean",
    "median",
    "norm",
    "normalize",
    "prod",
    "softmax",
    "softmin",
    "std",
    "sum",
    "var",
]
