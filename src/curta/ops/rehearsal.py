"""Running a function without carrying out its operators: what it does in Python is taken back afterwards."""

from __future__ import annotations

import sys
import weakref
from abc import ABC, abstractmethod
from collections.abc import Callable
from functools import cache
from pathlib import Path
from threading import get_ident
from typing import Any, Self

from curta.autograd.state import STATE
from curta.device import META, Device
from curta.memory.layout import strided
from curta.memory.storage import MAKERS, Storage, TracedStorage
from curta.tensor import Tensor

_PACKAGE = str(Path(__file__).parent.parent)


def user_line() -> str:
    """`file:line` of the nearest frame outside Curta."""
    frame = sys._getframe(1)
    while frame.f_back is not None and frame.f_code.co_filename.startswith(_PACKAGE):
        frame = frame.f_back
    return f"{_file_name(frame.f_code.co_filename)}:{frame.f_lineno}"


@cache
def _file_name(path: str) -> str:
    return Path(path).name


class Leaf:
    """A tensor whose `grad` the function reads or sets, and what that was before."""

    def __init__(self, tensor: Tensor) -> None:
        self.tensor = tensor
        self.original: Tensor | None = tensor._grad
        self.left: Tensor | None = None  # what the function left, once it has run


class Rehearsal(ABC):
    """What `STATE.recorder` is while a function is recorded or planned: a context manager.

    Operators come to `add` and `add_into`, storages from `make_storage`. Gradients are put back at the end.
    """

    def __init__(self) -> None:
        self.leaves: dict[int, Leaf] = {}
        #: what takes back what was done in Python, the last first
        self.undo: list[Callable[[], Any]] = []
        self._storages: list[weakref.ref[TracedStorage]] = []
        self._maker_before: Any = None

    def __enter__(self) -> Self:
        self._maker_before = MAKERS.get(get_ident())
        MAKERS[get_ident()] = self.make_storage
        STATE.watch(recorder=self)
        return self

    def __exit__(self, *exception: object) -> None:
        self._restore_maker()
        STATE.watch(recorder=None)
        for leaf in self.leaves.values():
            leaf.left, leaf.tensor._grad = leaf.tensor._grad, leaf.original

    def _restore_maker(self) -> None:
        if self._maker_before is None:
            del MAKERS[get_ident()]
        else:
            MAKERS[get_ident()] = self._maker_before

    def note_storage(self, storage: TracedStorage) -> None:
        """A storage without memory was made: its tensors are not to be read later, either."""
        self._storages.append(weakref.ref(storage))

    def take_back(self) -> None:
        """Undo what was done in Python."""
        for step_back in reversed(self.undo):
            step_back()

    def forget(self) -> None:
        """Tensors that outlive this have no values: from here on they are of the meta device."""
        for known in self._storages:
            storage = known()
            for tensor in [one() for one in storage.tensors] if storage is not None else ():
                if tensor is not None:
                    layout = tensor.layout
                    tensor.layout = strided(layout.shape, layout.strides, layout.dtype, META)

    def paused(self, make: Callable[[], Any]) -> Any:
        """Run `make` for real."""
        self._restore_maker()
        STATE.watch(recorder=None)
        try:
            return make()
        finally:
            MAKERS[get_ident()] = self.make_storage
            STATE.watch(recorder=self)

    def note_leaf(self, tensor: Tensor) -> None:
        """The function looks at or changes this tensor's `grad`."""
        if id(tensor) in self.leaves or isinstance(tensor.storage, TracedStorage):
            return
        self.leaves[id(tensor)] = Leaf(tensor)

    # what operators, optimizers and the rest of the library ask

    #: whether each operator is carried out by itself, as it is without a recording
    eager: bool

    @abstractmethod
    def make_storage(self, nbytes: int, device: Device) -> Storage:
        """A storage without memory."""

    @abstractmethod
    def add(self, call: Any, inputs: tuple[Any, ...], params: dict[str, Any]) -> Any:
        """One operator; its results are tensors without values."""

    @abstractmethod
    def note_view(self, call: Any) -> None:
        """One operator that computes nothing."""

    @abstractmethod
    def add_into(self, call: Any, inputs: tuple[Any, ...], outputs: tuple[Tensor, ...], params: dict[str, Any]) -> None:
        """One operator that writes into tensors that exist."""

    @abstractmethod
    def refuse_value(self, tensor: Tensor) -> None:
        """Raise: the values of a tensor are not known."""

    @abstractmethod
    def refuse_rebinding(self) -> None:
        """Raise: a tensor cannot be given other memory."""

    @abstractmethod
    def constant(self, make: Callable[[], Tensor]) -> Tensor:
        """A tensor made from Python's numbers."""

    @abstractmethod
    def numbers_from(self, again: Callable[[], Any]) -> Any:
        """Numbers that `again` gives, and that may be others at every run."""

    @abstractmethod
    def effect(self, again: Callable[[], Any], restore: Callable[[], Any]) -> None:
        """What Python does at every run; `restore` takes it back."""

    @abstractmethod
    def update(self, optimizer: Any, parameter: Tensor, gradient: Tensor, plan: Any, group: Any) -> None:
        """An optimizer's update of one parameter."""

    @abstractmethod
    def indices(
        self, index: Tensor, low: int, high: int, error: Callable[[int], Exception], ignore: int | None = None
    ) -> Tensor:
        """`index` made sure to lie in [low, high), but for entries that are `ignore`."""

    @abstractmethod
    def note_owner(self, tensor: Tensor) -> Tensor:
        """The function looks at this tensor from outside, or at a view of it: gives the one that owns the memory."""

    @abstractmethod
    def note_module(self, module: Any) -> None:
        """The function calls this module."""

    @abstractmethod
    def enter(self, module: Any, root: Any, tokens: int) -> None:
        """The function calls this module by itself, with so many tokens; see nn/modules/places.py."""
