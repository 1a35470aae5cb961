"""An optimizer's updates in a program that is being recorded: their numbers are worked out anew at every run.

Parameters of a group that are updated by equal plans share them: one plan a run for all, not one for each.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from operator import is_
from typing import TYPE_CHECKING, Any

from curta.compiler.graph import LiveNumber
from curta.optim.update import UpdatePlan, apply_update
from curta.tensor import Tensor

if TYPE_CHECKING:
    from curta.optim.optimizer import Optimizer, State


class _Shared:
    """Parameters of group `number` with one plan. `coming` is the next run's, `held` their states as they are now.

    `before` is what updates the same parameters before this in the program, and `after` their state behind this.
    """

    def __init__(self, number: int, plan: UpdatePlan, before: _Shared | None) -> None:
        self.number = number
        self.plan = self.coming = plan
        self.before = before
        self.after: State = {}
        self.parameters: list[Tensor] = []
        #: the state tensors that the program works on, by name, in the order of the parameters
        self.tensors: dict[str, list[Tensor]] = {name: [] for name in plan.names}
        self.held: list[State] = []
        self.live: Sequence[LiveNumber] = ()


class RecordedUpdates:
    """All the updates of one optimizer in one program, in order."""

    def __init__(self, optimizer: Optimizer, recorder: Any) -> None:
        self._optimizer = optimizer
        self._recorder = recorder
        self._shared: list[_Shared] = []
        #: the last update of each parameter so far, by its identity
        self._last: dict[int, _Shared] = {}
        #: the optimizer's states as `held` was taken from them
        self._states: tuple[Any, list[Tensor], list[State]] = (None, [], [])
        recorder.guards.append(self._fits)

    def add(self, parameter: Tensor, gradient: Tensor, plan: UpdatePlan, number: int) -> None:
        """Write down one update of a parameter of group `number`."""
        state = self._optimizer.state[parameter]
        if id(parameter) not in self._last:
            before = dict(state)

            def restore() -> None:
                state.clear()
                state.update(before)

            self._recorder.undo.append(restore)
        tensors = self._recorder.paused(lambda: self._optimizer.state_tensors(plan, state, parameter))
        shared = self._shared_by(number, plan, self._last.get(id(parameter)))
        self._last[id(parameter)] = shared
        shared.parameters.append(parameter)
        for name, tensor in zip(plan.names, tensors, strict=True):
            shared.tensors[name].append(tensor)
        state.update(plan.counts)
        if not shared.live:
            shared.live = self._recorder.numbers_from(lambda: self._numbers(shared))
        apply_update(plan.function, (parameter, gradient, *tensors), shared.live, plan.flags, plan.still)

    def _shared_by(self, number: int, plan: UpdatePlan, before: _Shared | None) -> _Shared:
        """The last one, where it is the same: what comes between two of them must stay between them."""
        last = self._shared[-1] if self._shared else None
        if last is None or last.number != number or last.plan != plan or last.before is not before:
            last = _Shared(number, plan, before)
            self._shared.append(last)
        return last

    def _fits(self) -> bool:
        """Whether the next run does the same with other numbers; asked right before each run but the first."""
        states = self._optimizer.state
        known, parameters, values = self._states
        if states is not known or not (_same(states, parameters) and _same(states.values(), values)):
            for shared in self._shared:
                shared.held = [states[parameter] for parameter in shared.parameters]
            self._states = (states, list(states), list(states.values()))
        return all(map(self._shared_fits, self._shared))

    def _shared_fits(self, shared: _Shared) -> bool:
        held = shared.held
        for name, tensors in shared.tensors.items():
            for state, tensor in zip(held, tensors, strict=True):
                if state.get(name) is not tensor:
                    return False
        first = held[0] if shared.before is None else shared.before.after
        group = self._optimizer.param_groups[shared.number]
        shared.coming = coming = self._optimizer.plan(first, group, shared.parameters[0])
        shared.after = {**first, **coming.counts}
        plan = shared.plan
        if coming.function is not plan.function or coming.flags != plan.flags or coming.still != plan.still:
            return False
        for name in coming.counts:
            counts = [state.get(name) for state in held]
            if counts.count(counts[0]) != len(counts):
                return False
        # with the tensors and the counts, these are all the keys there are
        sizes = set(map(len, held))
        return sizes == {len(shared.tensors) + len(coming.counts)} or all(one.keys() == held[0].keys() for one in held)

    def _numbers(self, shared: _Shared) -> list[float]:
        for name, count in shared.coming.counts.items():
            for state in shared.held:
                state[name] = count
        return [float(scalar) for scalar in shared.coming.scalars]


def _same(these: Collection[Any], those: Collection[Any]) -> bool:
    """Whether the same objects come in the same order."""
    return len(these) == len(those) and all(map(is_, these, those))
