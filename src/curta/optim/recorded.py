"""An optimizer's updates in a program that is being recorded: their numbers are worked out anew at every run.

Parameters of a group that are updated by equal plans share them: one plan a run for all, not one for each.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from curta.compiler.graph import LiveNumber
from curta.optim.update import UpdatePlan, apply_update, state_tensors
from curta.tensor import Tensor

if TYPE_CHECKING:
    from curta.optim.optimizer import Optimizer, State


class _Shared:
    """Parameters of group `number` with one plan: each with its state tensors by name; `coming` is the next run's."""

    def __init__(self, number: int, plan: UpdatePlan) -> None:
        self.number = number
        self.plan = self.coming = plan
        self.members: list[tuple[Tensor, list[tuple[str, Tensor]]]] = []
        self.live: Sequence[LiveNumber] = ()
        #: parameters that the program updates once more after this
        self.again: set[int] = set()


class RecordedUpdates:
    """All the updates of one optimizer in one program, in order."""

    def __init__(self, optimizer: Optimizer, recorder: Any) -> None:
        self._optimizer = optimizer
        self._recorder = recorder
        self._shared: list[_Shared] = []
        self._before: dict[int, State] = {}
        recorder.guards.append(self._fits)

    def add(self, parameter: Tensor, gradient: Tensor, plan: UpdatePlan, number: int) -> None:
        """Write down one update of a parameter of group `number`."""
        state = self._optimizer.state[parameter]
        if id(parameter) not in self._before:
            before = self._before[id(parameter)] = dict(state)

            def restore() -> None:
                state.clear()
                state.update(before)

            self._recorder.undo.append(restore)
        tensors = self._recorder.paused(lambda: state_tensors(state, plan.names, parameter))
        for one in self._shared:
            if any(member is parameter for member, _ in one.members):
                one.again.add(id(parameter))
        shared = self._shared_by(number, plan)
        shared.members.append((parameter, list(zip(plan.names, tensors, strict=True))))
        state.update(plan.counts)
        if not shared.live:
            shared.live = self._recorder.numbers_from(lambda: self._numbers(shared))
        apply_update(plan.function, (parameter, gradient, *tensors), shared.live, plan.flags)

    def _shared_by(self, number: int, plan: UpdatePlan) -> _Shared:
        """The last one, where it is the same: what comes between two of them must stay between them."""
        last = self._shared[-1] if self._shared else None
        if last is None or last.number != number or last.plan != plan:
            last = _Shared(number, plan)
            self._shared.append(last)
        return last

    def _fits(self) -> bool:
        """Whether the next run does the same with other numbers; asked right before each run but the first."""
        later: dict[int, State] = {}
        for shared in self._shared:
            first: State | None = None
            for parameter, tensors in shared.members:
                held = self._optimizer.state[parameter]
                for name, tensor in tensors:
                    if held.get(name) is not tensor:
                        return False
                state = later.get(id(parameter), held)
                if first is None:
                    first = state
                    shared.coming = coming = self._optimizer.plan(state, self._optimizer.param_groups[shared.number])
                    if coming.function is not shared.plan.function or coming.flags != shared.plan.flags:
                        return False
                elif state.keys() != first.keys() or any(state[name] != first[name] for name in coming.counts):
                    return False
                if id(parameter) in shared.again:
                    later[id(parameter)] = {**state, **coming.counts}
        return True

    def _numbers(self, shared: _Shared) -> list[float]:
        for parameter, _ in shared.members:
            self._optimizer.state[parameter].update(shared.coming.counts)
        return [float(scalar) for scalar in shared.coming.scalars]
