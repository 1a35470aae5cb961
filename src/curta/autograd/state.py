"""What changes how operators run, for one thread: gradients on or off, and the graph being traced, if any."""

from __future__ import annotations

import threading
from typing import Any


class State(threading.local):
    """The modes of the current thread."""

    grad_enabled: bool = True
    inference: bool = False
    #: the graph that operators are added to in place of running; see compiler/trace.py
    graph: Any = None
    #: accounts that every operator is charged to; see costs/account.py
    books: tuple[Any, ...] = ()


STATE = State()
