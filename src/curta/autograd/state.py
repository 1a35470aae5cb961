"""What changes how operators run, for one thread: gradients on or off, and the graph being traced, if any."""

from __future__ import annotations

import threading
from typing import Any


class State(threading.local):
    """The modes of the current thread."""

    grad_enabled: bool = True
    inference: bool = False
    #: whether an operator must look at `graph` and `books` before it runs; kept by `watch`
    hooked: bool = False
    #: the graph that operators are added to in place of running; see compiler/trace.py
    graph: Any = None
    #: accounts that every operator is charged to; see costs/account.py
    books: tuple[Any, ...] = ()

    def watch(self, *, graph: Any = ..., books: Any = ...) -> None:
        """Set the graph being traced, or the open accounts."""
        if graph is not ...:
            self.graph = graph
        if books is not ...:
            self.books = books
        self.hooked = self.graph is not None or bool(self.books)


STATE = State()
