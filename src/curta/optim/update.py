"""The one door between an optimizer and the tensors it changes."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from curta.autograd import no_grad
from curta.tensor import Tensor

#: a pure function: (parameter, gradient, *state, *scalars, **flags) -> new (parameter, *state)
Update = Callable[..., tuple[Tensor, ...]]


def apply_update(
    function: Update, tensors: Sequence[Tensor], scalars: Sequence[float], flags: Mapping[str, bool] | None = None
) -> None:
    """Replace a parameter and its state, in place, by what `function` makes of them.

    `tensors` is (parameter, gradient, *state): every tensor but the gradient is written. `scalars` may differ at every
    step, `flags` are fixed for an optimizer: a kernel is compiled once for each set of flags and never for a scalar.
    """
    parameter, _gradient, *state = tensors
    with no_grad():
        results = function(*tensors, *scalars, **(flags or {}))
        for target, value in zip((parameter, *state), results, strict=True):
            target.copy_(value)


def new_state(parameter: Tensor, fill: float = 0.0) -> Tensor:
    """A tensor of optimizer state: the parameter's shape, dtype and device, every element `fill`."""
    with no_grad():
        state = parameter.detach().clone()
        state.fill_(fill)
    return state
