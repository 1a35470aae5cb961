"""The one door between an optimizer and the tensors it changes."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from curta.autograd import no_grad
from curta.autograd.state import STATE, phase
from curta.compiler.graph import LiveNumber
from curta.functions.creation import full_like
from curta.memory.ledger import STATE as OPTIMIZER_STATE
from curta.memory.storage import zeros_from_system
from curta.ops.composition import composition
from curta.ops.dispatch import bind_into
from curta.ops.record import NO_GRADIENT, Op
from curta.tensor import Tensor

#: a pure function: (parameter, gradient, *state, *scalars, **flags) -> new (parameter, *state)
Update = Callable[..., tuple[Tensor, ...]]


#: each update function as an operator: one kernel reads everything and writes parameter and state in place
_OPERATORS: dict[Update, Op] = {}


def apply_update(
    function: Update,
    tensors: Sequence[Tensor],
    scalars: Sequence[float | LiveNumber],
    flags: Mapping[str, bool] | None = None,
) -> None:
    """Replace a parameter and its state, in place, by what `function` makes of them.

    `tensors` is (parameter, gradient, *state): every tensor but the gradient is written. `scalars` may differ at every
    step, `flags` are fixed for an optimizer: a kernel is compiled once for each set of flags and never for a scalar.
    """
    operator = _OPERATORS.get(function)
    if operator is None:
        operator = _OPERATORS[function] = composition(function.__name__, function, NO_GRADIENT)
    parameter, _gradient, *state = tensors
    with phase("optimizer", parameter.place):
        bind_into(operator, (*tensors, *map(_number, scalars)), (parameter, *state), **(flags or {}))


def _number(value: Any) -> Any:
    return value if isinstance(value, LiveNumber) else float(value)


class UpdatePlan(NamedTuple):
    """One update: its function, the names of its state tensors, its scalars and flags, and the counts it sets."""

    function: Update
    names: tuple[str, ...]
    scalars: tuple[float, ...]
    flags: dict[str, bool]
    counts: dict[str, int] = {}  # noqa: RUF012 - never written to


def new_state(parameter: Tensor, fill: float = 0.0) -> Tensor:
    """A tensor of optimizer state: the parameter's shape, dtype and device, every element `fill`."""
    layout = parameter.layout
    if fill == 0.0 and layout.is_contiguous:
        storage = zeros_from_system(layout.nbytes, layout.device)
        if storage is not None:
            return Tensor._make(storage, layout, 0)
    with no_grad(), phase("optimizer", parameter.place):
        made = full_like(parameter, fill)
    for book in STATE.books:
        book.assign(made.storage, OPTIMIZER_STATE)
    return made


def state_tensors(state: dict[str, Any], names: Sequence[str], parameter: Tensor) -> list[Tensor]:
    """The tensors of a parameter's state by name; those that are not there yet start at zero."""
    for name in names:
        if state.get(name) is None:
            state[name] = new_state(parameter)
    return [state[name] for name in names]


def flags_of(group: Mapping[str, Any]) -> dict[str, bool]:
    """The flags that updates share: whether weights decay through the gradient, whether to go uphill."""
    return {"decay": group["weight_decay"] != 0, "maximize": group["maximize"]}


def directed(gradient: Tensor, parameter: Tensor, weight_decay: float, *, decay: bool, maximize: bool) -> Tensor:
    """Inside an update: the gradient to go down, with the weight decay that enters through it."""
    gradient = -gradient if maximize else gradient
    return gradient + weight_decay * parameter if decay else gradient
