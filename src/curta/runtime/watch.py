"""Watching the pool's threads: when each of them worked."""

from __future__ import annotations

import ctypes
from typing import NamedTuple

from curta.runtime import native, pool_state

_WORDS = pool_state.WATCH_STRIDE // 8


class Span(NamedTuple):
    """When a thread began its first task and ended its last one, in seconds of `time.monotonic`; 0 is the caller's."""

    thread: int
    start: float
    stop: float


class Watch:
    """A context manager in which threads note when they work on jobs that several threads share.

    >>> with Watch() as watch:
    ...     watch.take()
    []
    """

    def __init__(self) -> None:
        self._threads = native.get_num_threads()
        self._times = (ctypes.c_int64 * (_WORDS * self._threads))()

    def __enter__(self) -> Watch:
        native._runtime().set_watch(ctypes.addressof(self._times))
        return self

    def __exit__(self, *exception: object) -> None:
        native._runtime().set_watch(None)

    def take(self) -> list[Span]:
        """What the threads did since the last call."""
        found = []
        for thread in range(self._threads):
            start, stop = self._times[thread * _WORDS], self._times[thread * _WORDS + 1]
            if start:
                found.append(Span(thread, start / 1e9, stop / 1e9))
            self._times[thread * _WORDS] = 0
        return found
