"""Dropout for `curta.nn.functional`."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from math import sqrt
from typing import Any

from curta import functions
from curta.autograd.state import STATE
from curta.batching import randomness
from curta.errors import ArgumentError, CurtaWarning, ShapeError
from curta.functions.inplace import rewritten
from curta.functions.operands import tensor as check
from curta.ops.dispatch import bind
from curta.ops.dropout import DROPOUT
from curta.random import default_generator
from curta.tensor import Tensor

#: minus the least value of `selu`: its scale times its alpha
LEAST = 1.7580993408473766


def check_probability(p: float) -> None:
    """ArgumentError for what is no probability."""
    if not 0.0 <= p <= 1.0:
        raise ArgumentError(f"dropout probability has to be between 0 and 1, but got {p}")


def dropout(input: Tensor, p: float = 0.5, training: bool = True, inplace: bool = False) -> Tensor:
    """Zeroes each element with probability `p` and scales the others by 1 / (1 - p); does nothing outside training."""
    return _changed("dropout", input, p, training, inplace, lambda x: _thinned(x, p))


def dropout1d(input: Tensor, p: float = 0.5, training: bool = True, inplace: bool = False) -> Tensor:
    """Zeroes whole channels of [N, C, L] (or [C, L]) with probability `p`, and scales the others by 1 / (1 - p)."""
    x = check("dropout1d", input)
    if x.layout.rank not in (2, 3):
        raise ShapeError(
            f"dropout1d: Expected 2D or 3D input, but received a {x.layout.rank}D input. Note that dropout1d exists to "
            "provide channel-wise dropout on inputs with 1 spatial dimension, a channel dimension, and an optional "
            "batch dimension (i.e. 2D or 3D inputs)."
        )
    return _of_channels("dropout1d", x, p, training, inplace, batched=x.layout.rank == 3)


def dropout2d(input: Tensor, p: float = 0.5, training: bool = True, inplace: bool = False) -> Tensor:
    """Zeroes whole channels of [N, C, H, W] with probability `p`, and scales the others by 1 / (1 - p).

    The second dimension is the one of channels whatever the number of dimensions; a warning says so if it is not 4.

    >>> import curta
    >>> set(dropout2d(curta.ones(1, 5, 2, 2)).mean((2, 3)).flatten().tolist()) <= {0.0, 2.0}
    True
    """
    x = check("dropout2d", input)
    if x.layout.rank != 4:
        _warn_of_rank("dropout2d", x, "4D input [N, C, H, W]", "its second dimension is taken for the channels")
    return _of_channels("dropout2d", x, p, training, inplace, batched=True)


def feature_dropout(input: Tensor, p: float = 0.5, training: bool = True, inplace: bool = False) -> Tensor:
    """Zeroes whole channels of [N, C, ...] with probability `p`, and scales the others by 1 / (1 - p)."""
    return _of_channels("feature_dropout", check("feature_dropout", input), p, training, inplace, batched=True)


def dropout3d(input: Tensor, p: float = 0.5, training: bool = True, inplace: bool = False) -> Tensor:
    """Zeroes whole channels of [N, C, D, H, W] (or [C, D, H, W]) with probability `p`, and scales the others."""
    x = check("dropout3d", input)
    if x.layout.rank not in (4, 5):
        _warn_of_rank("dropout3d", x, "5D or 4D input ([N,] C, D, H, W)", "it is taken for one sample")
    return _of_channels("dropout3d", x, p, training, inplace, batched=x.layout.rank == 5)


def alpha_dropout(input: Tensor, p: float = 0.5, training: bool = False, inplace: bool = False) -> Tensor:
    """Puts the least value of `selu` in place of each element with probability `p`, then scales and shifts all.

    Mean 0 and variance 1 stay as they are (Klambauer et al. 2017).
    """
    return _changed("alpha_dropout", input, p, training, inplace, lambda x: _saturated(x, x.layout.shape, p))


def feature_alpha_dropout(input: Tensor, p: float = 0.5, training: bool = False, inplace: bool = False) -> Tensor:
    """`alpha_dropout` of whole channels of [N, C, ...]."""

    def change(x: Any) -> Any:
        return _saturated(x, _channels("feature_alpha_dropout", x), p)

    return _changed("feature_alpha_dropout", input, p, training, inplace, change)


def _changed(name: str, input: Any, p: float, training: bool, inplace: bool, change: Callable[[Any], Any]) -> Tensor:
    """`change` applied where something is to be dropped, everything dropped where `p` is 1."""
    x = check(name, input)
    check_probability(p)
    if not training or p == 0.0 or not x.layout.numel:
        return x
    made = change if p < 1.0 else lambda old: old * 0.0
    result: Tensor = rewritten(x, made) if inplace else made(x)
    return result


def _of_channels(name: str, x: Any, p: float, training: bool, inplace: bool, batched: bool) -> Tensor:
    def change(old: Any) -> Any:
        shape = _channels(name, old) if batched else (old.layout.shape[0], *(1,) * (old.layout.rank - 1))
        return old * _thinned(old.new_ones(shape), p)

    return _changed(name, x, p, training, inplace, change)


def _channels(name: str, x: Any) -> tuple[int, ...]:
    """The shape with one element for each channel of [N, C, ...]."""
    if x.layout.rank < 2:
        raise ShapeError(f"{name}: Feature dropout requires at least 2 dimensions in the input, got {x.layout}")
    return (*x.layout.shape[:2], *(1,) * (x.layout.rank - 2))


def _warn_of_rank(name: str, x: Any, wanted: str, then: str) -> None:
    warnings.warn(f"{name}: Received a {x.layout.rank}-D input, not a {wanted}: {then}", CurtaWarning, stacklevel=3)


def _thinned(x: Any, p: float) -> Any:
    if STATE.levels:
        x = randomness.apart(x)
    count = x.layout.numel * randomness.repeats()
    return bind(DROPOUT, (x, *default_generator.take(count, x.layout.device)), p=float(p))


def _saturated(x: Any, shape: tuple[int, ...], p: float) -> Any:
    scale = 1.0 / sqrt((LEAST * LEAST * p + 1.0) * (1.0 - p))
    kept = _thinned(x.detach().new_ones(shape), p) != 0
    return functions.where(kept, x, -LEAST) * scale + LEAST * scale * p
