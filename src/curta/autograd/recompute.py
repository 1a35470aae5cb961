"""Parts of the forward pass that keep what they were given in place of what they made, and make that again."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from curta.autograd import node as nodes
from curta.autograd.node import Later
from curta.autograd.state import RECOMPUTATION, STATE, phase
from curta.errors import AutogradError
from curta.memory.layout import Layout


class _Enough(BaseException):
    """Everything that is needed has been made again: nothing of the user's is to catch it."""


class Region:
    """One part: `function(*args)`, whose nodes keep nothing. What saves tensors and draws random numbers asks it."""

    def __init__(self, function: Callable[..., Any], args: Sequence[Any], same_numbers: bool) -> None:
        self._function = function
        #: as `save` gives them (a part that this one lies in may keep them for later), others behind None
        self._args = [(nodes.save(one), None) if hasattr(one, "layout") else (None, one) for one in args]
        self._same_numbers = same_numbers
        self._numbers: list[Any] = []
        self._layouts: list[Layout] = []
        self._made: dict[int, tuple[Any, int, Any]] = {}
        self._autocast = STATE.autocast
        self._module, self._places = STATE.module, STATE.places
        self._mark: Any = None

    # in the forward pass

    def run(self, *args: Any) -> Any:
        """The function's result, with nothing kept but its arguments."""
        for book in STATE.books:
            book.keep(self)
        with _saver(self):
            return self._function(*args)

    def save(self, value: Any) -> tuple[Any, int]:
        """What a node has in place of a tensor."""
        self._layouts.append(value.layout)
        return Later(self, len(self._layouts) - 1), 0

    def numbers(self, draw: Callable[[], Any]) -> Any:
        """Random numbers, to be the same when they are drawn again."""
        found = draw()
        self._numbers.append(found)
        return found

    # for accounts, as a node

    def saved_tensors_of_forward(self) -> list[Any]:
        """The arguments that are kept."""
        return [saved[0] for saved, _ in self._args if saved is not None and hasattr(saved[0], "layout")]

    def keep(self, mark: Any) -> None:
        """Hold `mark` for as long as the arguments."""
        self._mark = mark

    # in the backward pass

    def take(self, number: int) -> tuple[Any, int]:
        """Tensor `number` of those saved in the forward pass, and its version; it is whoever asks who keeps it now."""
        if number not in self._made:
            self._make_again()
        value, version, _ = self._made.pop(number)
        return value, version

    def _make_again(self) -> None:
        args = [
            one if saved is None else nodes.loaded(saved, "checkpoint", place)
            for place, (saved, one) in enumerate(self._args)
        ]
        again = _Again(self._layouts, iter(self._numbers) if self._same_numbers else None, not STATE.grad_enabled)
        before = STATE.grad_enabled, STATE.autocast, STATE.places
        STATE.grad_enabled, STATE.autocast, STATE.places = True, self._autocast, self._places
        try:
            with phase(RECOMPUTATION, self._module), _saver(again):
                self._function(*args)
        except _Enough:
            pass
        finally:
            STATE.grad_enabled, STATE.autocast, STATE.places = before
        if len(again.found) < len(self._layouts):
            raise AutogradError(
                f"checkpoint: {len(self._layouts)} tensors were saved in the forward pass, and {len(again.found)} when "
                "it was run again: the function must do the same each time"
            )
        self._made = dict(enumerate(again.found))


class _Again:
    """What saves tensors while a part is run again: all those that its nodes had saved."""

    def __init__(self, layouts: list[Layout], numbers: Iterator[Any] | None, detached: bool) -> None:
        self._layouts = layouts
        self._numbers = numbers
        self._detached = detached
        self.found: list[tuple[Any, int, Any]] = []

    def save(self, value: Any) -> tuple[Any, int]:
        """Keep a tensor that the forward pass had saved at this point."""
        place = len(self.found)
        if place < len(self._layouts):
            wanted = self._layouts[place]
            if value.layout is not wanted and (value.layout.shape, value.layout.dtype) != (wanted.shape, wanted.dtype):
                raise AutogradError(
                    f"checkpoint: tensor {place} was {wanted} in the forward pass, and {value.layout} when it was run "
                    "again: the function must do the same each time"
                )
            kept, version = nodes.saved_now(value.detach() if self._detached else value)
            self.found.append((kept, version, tuple(book.mark([kept]) for book in STATE.books)))
            if len(self.found) == len(self._layouts):
                raise _Enough
        return value, value.storage.version

    def numbers(self, draw: Callable[[], Any]) -> Any:
        """The random numbers of the forward pass."""
        return draw() if self._numbers is None else next(self._numbers)


@contextmanager
def _saver(saver: Any) -> Iterator[None]:
    before = STATE.saver
    STATE.saver = saver
    try:
        yield
    finally:
        STATE.saver = before
