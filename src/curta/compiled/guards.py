"""What must be as it was when a function was recorded, for its program to be the right one again."""

from __future__ import annotations

from operator import is_
from typing import Any

from curta.compiled.recorder import ModuleState, Recorder
from curta.memory.changes import CHANGES
from curta.memory.layout import Layout
from curta.memory.storage import Storage
from curta.tensor import Tensor


class Guards:
    """Everything that a recording found outside, as it was; `gradients` are the storages of those, by identity."""

    def __init__(self, recorder: Recorder, gradients: set[int]) -> None:
        self._others = recorder.guards
        self._modules = list(recorder.modules.values())
        #: tensors lie where they lay; gradients may come and go
        self._tensors: list[tuple[Tensor, Storage | None, Layout, bool]] = [
            (owner, owner.storage, owner.layout, owner._requires_grad)
            for owner in recorder.owners()
            if id(owner.storage) not in gradients
        ]
        leaves = recorder.leaves.values()
        self._bare = [leaf.tensor for leaf in leaves if leaf.original is None]
        self._graded: list[tuple[Tensor, Layout, int]] = [
            (leaf.tensor, leaf.original.layout, leaf.original.offset) for leaf in leaves if leaf.original is not None
        ]
        self._seen: object = None

    def hold(self) -> bool:
        """Whether all is as it was."""
        last = CHANGES.last
        if last is not self._seen:
            if not (self.tensors_hold() and all(map(_holds, self._modules))):
                return False
            self._seen = last
        for tensor in self._bare:
            if tensor._grad is not None:
                return False
        for tensor, layout, offset in self._graded:
            held: Any = tensor._grad
            if held is None or held.layout is not layout or held.offset != offset:
                return False
        return all(guard() for guard in self._others)

    def tensors_hold(self) -> bool:
        """Whether the tensors from outside lie where they lay, and want gradients as they did."""
        return all(
            owner.storage is storage and owner.layout is layout and owner._requires_grad is wants
            for owner, storage, layout, wants in self._tensors
        )


def _holds(state: ModuleState) -> bool:
    now = ModuleState.of(state.module)
    same = len(now.parts) == len(state.parts) and all(map(is_, now.parts, state.parts))
    return same and now.training is state.training
