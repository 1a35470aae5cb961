"""What changes how operators run, for one thread: gradients on or off, and the graph being traced, if any."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

#: the phase of what is done a second time to save memory; see autograd/recompute.py
RECOMPUTATION = "recomputation"


class State(threading.local):
    """The modes of the current thread."""

    grad_enabled: bool = True
    inference: bool = False
    #: whether an operator must look at `levels`, `graph`, `books` and `anomaly` before it runs; kept by `watch`
    hooked: bool = False
    #: the half format that products take float32 tensors in; see amp/autocast.py
    autocast: Any = None
    #: the graph that operators are added to in place of running; see compiler/trace.py
    graph: Any = None
    #: the program that operators are written down for in place of running; see compiled/recorder.py
    recorder: Any = None
    #: accounts that every operator is charged to; see costs/account.py
    books: tuple[Any, ...] = ()
    #: the place of the module that runs, and the places of all in the outermost one; see nn/modules/places.py
    module: Any = None
    places: Any = None
    #: what keeps the tensors of the backward pass instead of the graph; see autograd/recompute.py
    saver: Any = None
    #: what is said where somebody wants to keep them otherwise; see autograd/graph.py
    no_packing: str | None = None
    #: the user's function that runs and does not say what it costs, while an account is open
    opaque: str | None = None
    #: the `vmap` calls that run, the innermost last; see batching/values.py
    levels: tuple[Any, ...] = ()
    #: how many transforms of `curta.func` run, inside of one another
    transforms: int = 0
    #: what looks for NaN in backward passes, and whether it raises at one; see autograd/anomaly.py
    anomaly: Any = None
    check_nan: bool = True
    #: the backward pass that runs, the innermost; see autograd/engine.py
    backward: Any = None
    #: the part of a training step that operators are charged to: "forward", "backward" or "optimizer"
    phase: str = "forward"

    def watch(
        self, *, graph: Any = ..., books: Any = ..., recorder: Any = ..., levels: Any = ..., anomaly: Any = ...
    ) -> None:
        """Set the graph being traced, the accounts, the program being recorded, the maps, or what looks for NaN."""
        if graph is not ...:
            self.graph = graph
        if books is not ...:
            self.books = books
        if recorder is not ...:
            self.recorder = recorder
        if levels is not ...:
            self.levels = levels
        if anomaly is not ...:
            self.anomaly = anomaly
        watched = self.graph is not None or self.recorder is not None or self.anomaly is not None
        self.hooked = watched or bool(self.books) or bool(self.levels)


STATE = State()


@contextmanager
def phase(name: str, module: Any = None) -> Iterator[None]:
    """Inside, operators are charged to the part `name` of a training step, and to a module's place.

    >>> with phase("optimizer"):
    ...     STATE.phase
    'optimizer'
    """
    before = STATE.phase, STATE.module
    STATE.phase, STATE.module = name, module
    try:
        yield
    finally:
        STATE.phase, STATE.module = before
