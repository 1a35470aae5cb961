"""The one door between an optimizer and the tensors it changes."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from curta.autograd import no_grad
from curta.autograd.state import STATE, phase
from curta.compiler.graph import LiveNumber
from curta.functions.creation import full, full_like
from curta.memory.layout import contiguous
from curta.memory.ledger import STATE as OPTIMIZER_STATE
from curta.memory.storage import zeros_from_system
from curta.ops.composition import composition
from curta.ops.dispatch import bind, bind_into
from curta.ops.record import NO_GRADIENT, Op
from curta.ops.together import Alike, bind_together
from curta.tensor import Tensor

#: a pure function: (parameter, gradient, *state, *scalars, **flags) -> new (parameter, *state)
Update = Callable[..., tuple[Tensor, ...]]


#: each update function as an operator: one kernel reads everything and writes parameter and state in place
_OPERATORS: dict[tuple[Callable[..., Any], bool], Op] = {}
_STAGED: set[Callable[..., Any]] = set()


def apply_update(
    function: Update,
    tensors: Sequence[Tensor],
    scalars: Sequence[float | LiveNumber],
    flags: Mapping[str, Any] | None = None,
    still: bool = False,
) -> None:
    """Replace a parameter and its state, in place, by what `function` makes of them.

    `tensors` is (parameter, gradient, *state): every tensor but the gradient is written. `scalars` may differ at every
    step, `flags` are fixed for an optimizer: a kernel is compiled once for each set of flags and never for a scalar.
    `still` is an `UpdatePlan`'s. That is one kernel, whatever the update's length; a `staged` update has one a stage.
    """
    parameter, _gradient, *state = tensors
    numbers = tuple(map(_number, scalars))
    with phase("optimizer", parameter.place):
        if function in _STAGED:
            function(*tensors, *numbers, **(flags or {}))
        else:
            bind_into(_operator(function, still), (*tensors, *numbers), (parameter, *state), **(flags or {}))


def apply_to_all(planned: Iterable[tuple[UpdatePlan, list[list[Tensor]]]]) -> None:
    """`apply_update` to many parameters, each with its gradient and its state, as one launch where nobody watches.

    Staged updates have launches of their own.
    """
    together = []
    for plan, members in planned:
        if plan.function in _STAGED:
            for tensors in members:
                apply_update(plan.function, tensors, plan.scalars, plan.flags, plan.still)
        else:
            numbers = tuple(map(float, plan.scalars))
            together.append(Alike(_operator(plan.function, plan.still), members, numbers, dict(plan.flags)))
    if together:
        bind_together(together)


def stage(function: Callable[..., Any], operands: Sequence[Any], into: Sequence[Tensor] = (), **flags: Any) -> Any:
    """Inside a staged update: one fused operator over tensors and scalars, which makes new tensors or fills `into`."""
    with no_grad():
        if into:
            return bind_into(_operator(function), tuple(operands), tuple(into), **flags)
        return bind(_operator(function), tuple(operands), **flags)


def staged(function: Callable[..., None]) -> Callable[..., Any]:
    """Mark an update that cannot be one kernel: `function` takes what an update takes and writes in place itself."""
    _STAGED.add(function)
    return function


def _operator(function: Callable[..., Any], still: bool = False) -> Op:
    operator = _OPERATORS.get((function, still))
    if operator is None:
        operator = _OPERATORS[function, still] = composition(function.__name__, function, NO_GRADIENT, still)
    return operator


def _number(value: Any) -> Any:
    return value if isinstance(value, LiveNumber) else float(value)


class UpdatePlan(NamedTuple):
    """One update: its function, the names of its state tensors, its scalars and flags, and the counts it sets.

    `counts` are the entries of the state that are numbers; `starts` what a state tensor is full of at first, if not 0.
    `still` says that elements whose gradient is 0 stay as they are, and so does their state: a compiled program may
    then update the rows of an embedding that were looked up, and no others.
    """

    function: Update
    names: tuple[str, ...]
    scalars: tuple[float, ...]
    flags: Mapping[str, Any]
    counts: dict[str, float] = {}  # noqa: RUF012 - never written to
    starts: dict[str, float] = {}  # noqa: RUF012 - never written to
    still: bool = False


def new_state(parameter: Tensor, fill: float = 0.0, shape: tuple[int, ...] | None = None) -> Tensor:
    """A tensor of optimizer state: the parameter's shape (or `shape`), dtype and device, every element `fill`."""
    layout = parameter.layout
    if shape is not None and shape != layout.shape:
        layout = contiguous(shape, layout.dtype, layout.device)
    if fill == 0.0 and layout.is_contiguous:
        storage = zeros_from_system(layout.nbytes, layout.device)
        if storage is not None:
            return Tensor._make(storage, layout, 0)
    with no_grad(), phase("optimizer", parameter.place):
        if layout is parameter.layout:
            made = full_like(parameter, fill)
        else:
            made = full(layout.shape, fill, dtype=layout.dtype, device=layout.device)
    for book in STATE.books:
        book.assign(made.storage, OPTIMIZER_STATE)
    return made


def flags_of(group: Mapping[str, Any]) -> dict[str, bool]:
    """The flags that updates share: whether weights decay through the gradient, whether to go uphill."""
    return {"decay": group["weight_decay"] != 0, "maximize": group["maximize"]}


def directed(gradient: Tensor, parameter: Tensor, weight_decay: float, *, decay: bool, maximize: bool) -> Tensor:
    """Inside an update: the gradient to go down, with the weight decay that enters through it."""
    gradient = -gradient if maximize else gradient
    return gradient + weight_decay * parameter if decay else gradient


def decay_flags(group: Mapping[str, Any]) -> tuple[dict[str, bool], float]:
    """`flags_of` where weights may also decay by themselves; and the scalar for `decayed`."""
    weight_decay, decoupled = group["weight_decay"], bool(group["decoupled_weight_decay"])
    flags = {
        "coupled": weight_decay != 0 and not decoupled,
        "decoupled": weight_decay != 0 and decoupled,
        "maximize": group["maximize"],
    }
    return flags, 1 - group["lr"] * weight_decay if decoupled else weight_decay


def decayed(
    parameter: Tensor, gradient: Tensor, decay: float, *, coupled: bool, decoupled: bool, maximize: bool
) -> tuple[Tensor, Tensor]:
    """Inside an update: (parameter, gradient) after a weight decay through the gradient, or of the weight itself."""
    gradient = directed(gradient, parameter, decay, decay=coupled, maximize=maximize)
    return decay * parameter if decoupled else parameter, gradient
