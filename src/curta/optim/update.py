"""The one door between an optimizer and the tensors it changes."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Mapping, Sequence
from itertools import chain
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
from curta.ops.together import Alike, apart, bind_together
from curta.tensor import Tensor

#: a pure function: (parameter, gradient, *state, *scalars, **flags) -> new (parameter, *state); or one that is `staged`
Update = Callable[..., Any]


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
            waves = function([tensors], *numbers, **(flags or {}))
            _run_through(waves, lambda stages: [_by_itself(one) for one in stages])
        else:
            bind_into(_operator(function, still), (*tensors, *numbers), (parameter, *state), **(flags or {}))


def apply_to_all(planned: Iterable[tuple[UpdatePlan, list[list[Tensor]]]]) -> None:
    """`apply_update` to many parameters, each with its gradient and its state, where nobody watches.

    That is one launch, and for staged updates one for each of their waves.
    """
    together = []
    in_stages = []
    for plan, members in planned:
        numbers = tuple(map(float, plan.scalars))
        if plan.function in _STAGED:
            in_stages.append((plan, members, numbers))
            continue
        written = (0, *range(2, len(members[0])))
        together.append(Alike(_operator(plan.function, plan.still), members, numbers, dict(plan.flags), written))
    if together:
        bind_together(together)
    if in_stages:
        _apply_in_stages(in_stages)


def _apply_in_stages(planned: list[tuple[UpdatePlan, list[list[Tensor]], tuple[float, ...]]]) -> None:
    """All members of all plans, wave by wave, if none of them writes what another one touches."""
    if not apart((tensors for _, members, _ in planned for tensors in members), only_read=1):
        for plan, members, numbers in planned:
            for tensors in members:
                apply_update(plan.function, tensors, numbers, plan.flags)
        return
    updates = [plan.function(members, *numbers, **plan.flags) for plan, members, numbers in planned]
    _run_through(_side_by_side(updates), lambda stages: bind_together([_alike(one) for one in stages]))


class Stage(NamedTuple):
    """One fused operator of a staged update, on each member's tensors and then the numbers.

    `function` is a pure function, or an operator. It fills the tensors at the places `written` of each member; if that
    names none, its result is a new tensor.
    """

    function: Callable[..., Any] | Op
    members: Sequence[Sequence[Tensor]]
    numbers: tuple[Any, ...] = ()
    written: tuple[int, ...] = ()
    flags: Mapping[str, Any] = {}


#: the stages that do not depend on each other; what is sent back are the new tensors of each stage, one for each member
Waves = Generator[list[Stage], list[list[Tensor]], None]
_Run = Callable[[list[Stage]], list[list[Tensor]]]


def staged(function: Callable[..., Waves]) -> Callable[..., Any]:
    """Mark an update that cannot be one kernel, but is waves of stages.

    `function` takes lists of what an update takes, (parameter, gradient, *state), then scalars and flags.
    """
    _STAGED.add(function)
    return function


def run_wave(stages: list[Stage], places: Sequence[Any]) -> list[list[Tensor]]:
    """Run stages that do not depend on each other; each member belongs to the parameter at one of the `places`.

    Gives the new tensors of each stage. That is one launch where nobody watches.
    """
    with no_grad():
        if not STATE.hooked:
            return bind_together([_alike(one) for one in stages])
        made: list[list[Tensor]] = [[] for _ in stages]
        for number, place in enumerate(places):
            with phase("optimizer", place):
                for stage, results in zip(stages, made, strict=True):
                    results += _by_itself(stage._replace(members=stage.members[number : number + 1]))
        return made


def _run_through(waves: Waves, run: _Run) -> None:
    """Send to `waves` what `run` makes of each of them."""
    with no_grad():
        stages = next(waves, None)
        while stages is not None:
            try:
                stages = waves.send(run(stages))
            except StopIteration:
                return


def _side_by_side(updates: list[Waves]) -> Waves:
    """The waves of several updates as one: the first of each, then the second of each."""
    going = [(one, next(one)) for one in updates]
    while going:
        made = yield list(chain.from_iterable(stages for _, stages in going))
        following = []
        for waves, stages in going:
            answers, made = made[: len(stages)], made[len(stages) :]
            try:
                following.append((waves, waves.send(answers)))
            except StopIteration:
                continue
        going = following


def _by_itself(stage: Stage) -> list[Tensor]:
    """The results of a stage, member after member, seen by whoever watches."""
    operator, made = _of_stage(stage), []
    for tensors in stage.members:
        operands = (*tensors, *stage.numbers)
        if stage.written:
            bind_into(operator, operands, tuple([tensors[place] for place in stage.written]), **stage.flags)
        else:
            made.append(bind(operator, operands, **stage.flags))
    return made


def _alike(stage: Stage) -> Alike:
    return Alike(_of_stage(stage), stage.members, stage.numbers, dict(stage.flags), stage.written)


def _of_stage(stage: Stage) -> Op:
    return stage.function if isinstance(stage.function, Op) else _operator(stage.function)


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
