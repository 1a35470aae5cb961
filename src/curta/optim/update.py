"""The one door between an optimizer and the tensors it changes."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import Any

from curta.autograd import no_grad
from curta.ops.composition import composition
from curta.ops.dispatch import bind_into
from curta.ops.record import NO_GRADIENT, Op
from curta.tensor import Tensor

#: a pure function: (parameter, gradient, *state, *scalars, **flags) -> new (parameter, *state)
Update = Callable[..., tuple[Tensor, ...]]


@lru_cache(maxsize=256)
def _operator(function: Update) -> Op:
    """The update as an operator: one fused kernel that reads each tensor once and writes it once."""
    return composition(function.__name__, function, NO_GRADIENT)


def apply_update(
    function: Update, tensors: Sequence[Tensor], scalars: Sequence[float], flags: Mapping[str, bool] | None = None
) -> None:
    """Replace a parameter and its state, in place, by what `function` makes of them.

    `tensors` is (parameter, gradient, *state): every tensor but the gradient is written. `scalars` may differ at every
    step, `flags` are fixed for an optimizer: a kernel is compiled once for each set of flags and never for a scalar.
    """
    parameter, _gradient, *state = tensors
    numbers = [float(scalar) for scalar in scalars]
    params: dict[str, Any] = dict(flags or {})
    with no_grad():
        bind_into(_operator(function), (*tensors, *numbers), (parameter, *state), **params)


def new_state(parameter: Tensor, fill: float = 0.0) -> Tensor:
    """A tensor of optimizer state: the parameter's shape, dtype and device, every element `fill`."""
    with no_grad():
        state = parameter.detach().clone()
        state.fill_(fill)
    return state
