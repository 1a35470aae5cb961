"""The processes that make batches, seen from both sides.

Workers are forked unless the caller names another method: a dataset of any size is there at once and need not be
picklable, functions may be local, and scripts need no `if __name__ == "__main__"`. Forking is safe with Curta's own
threads, which hold no lock that a child needs: the pool starts again from nothing in the child, and the compiler's lock
is taken across the fork (`runtime/native.py`, `runtime/jit.py`; tests/runtime forks while other threads run kernels).

Every worker has a socket of its own, so none can die with a lock that others wait for, and batches are read from the
worker whose turn it is, so they need no sorting. When the main process ends, in whatever way, the sockets close, and
that ends the workers.
"""

from __future__ import annotations

import multiprocessing
import os
import pickle
import random
import select
import signal
import socket
import threading
import time
import traceback
import warnings
import weakref
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from multiprocessing.process import BaseProcess
from typing import Any, NamedTuple

from curta.autograd.state import STATE
from curta.errors import DataError
from curta.memory.storage import MAKERS, WATCHERS
from curta.random import manual_seed
from curta.runtime.native import set_num_threads
from curta.utils.data.channel import Channel, pack
from curta.utils.data.fetch import End, Recipe, WorkerInfo, set_worker_info

#: how long a worker may go on with what it is doing when nobody wants it any more, in seconds
PATIENCE = 2.0
#: how often somebody who waits looks whether the others are still there
_STEP = 0.25


class _Readable(str):
    """A message that a KeyError shows as it is."""

    def __repr__(self) -> str:
        return str(self)


class Failure(NamedTuple):
    """An exception of a worker: its type, pickled by name if it has one that others can find, and what to say."""

    kind: bytes | None
    message: str

    @staticmethod
    def of(error: Exception, worker: int) -> Failure:
        """The exception that is being handled, with its traceback as text."""
        try:
            kind = pickle.dumps(type(error))
        except Exception:
            kind = None
        text = "".join(traceback.format_exception(error))
        return Failure(kind, f"Caught {type(error).__name__} in DataLoader worker process {worker}.\nOriginal {text}")

    def rebuilt(self) -> Exception:
        """An exception of the same type, DataError where it cannot be made from a message."""
        try:
            made = pickle.loads(self.kind)(_Readable(self.message)) if self.kind is not None else None
        except Exception:
            made = None
        return made if isinstance(made, Exception) else DataError(self.message)


# in the worker


@dataclass(frozen=True)
class Duty:
    """What a worker is started with."""

    recipe: Recipe
    number: int
    workers: int
    base_seed: int
    begin: Callable[[int], Any] | None


def serve(connected: socket.socket, duty: Duty) -> None:
    """A worker's life: (pass, indices) comes in, (pass, batch or End or Failure) goes out, until the socket closes.

    Each pass over the data begins when its first indices come. After the end of a stream it gives no more answers in
    that pass.
    """
    for inherited in tuple(Channel.OPEN):  # a copy of the main process's end would hide its death from the others
        inherited.close()
    channel = Channel(connected)
    threading.Thread(target=_leave_with, args=(channel.fileno(), os.getppid()), daemon=True).start()
    _settle(duty)
    try:
        problem = _begun(duty)
        present, fetch, ended = -1, None, False
        while True:
            turn, index = channel.receive()
            if turn != present:
                present, fetch, ended = turn, None, False
            if ended:
                continue
            try:
                if problem is not None:
                    raise problem
                fetch = fetch or duty.recipe.open()
                answer = fetch(index)
                ended = answer is End
                packet = pack((turn, answer))
            except Exception as error:
                packet = pack((turn, Failure.of(error, duty.number)))
            answer = None  # its memory, while the next one is made
            channel.transmit(packet)
    except EOFError:
        return


def _settle(duty: Duty) -> None:
    """Signals, modes and random streams of a new worker."""
    # Ctrl-C reaches the whole group of processes: what becomes of it is the main process's business
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    grad_enabled = STATE.grad_enabled
    STATE.__dict__.clear()  # accounts and recordings that were open where the worker was forked are not its own
    STATE.grad_enabled = grad_enabled
    MAKERS.clear()
    WATCHERS.clear()
    set_num_threads(1)
    seed = duty.base_seed + duty.number
    random.seed(seed)
    manual_seed(seed)
    import numpy as np

    np.random.seed(np.random.SeedSequence([duty.number, duty.base_seed]).generate_state(4))
    set_worker_info(WorkerInfo(duty.number, duty.workers, seed, duty.recipe.dataset))


def _begun(duty: Duty) -> Exception | None:
    """Run `worker_init_fn`; what it raised."""
    try:
        if duty.begin is not None:
            duty.begin(duty.number)
    except Exception as error:
        return error
    return None


def _leave_with(descriptor: int, parent: int) -> None:
    """End this worker soon after the main process has closed the socket or is gone, whatever the dataset is doing."""
    poll = select.poll()
    poll.register(descriptor, select.POLLRDHUP)
    while not poll.poll(1000) and os.getppid() == parent:
        pass
    time.sleep(PATIENCE)
    os._exit(1)


# in the main process


class _Member(NamedTuple):
    process: BaseProcess
    channel: Channel


def _shut_down(owner: int, members: list[_Member]) -> None:
    """End the workers: each finishes what it does, if that is soon."""
    for member in members:
        member.channel.close()
    if os.getpid() != owner:  # forked from the process that the workers belong to
        return
    deadline = time.monotonic() + PATIENCE + 1
    for member in members:
        member.process.join(max(0.0, deadline - time.monotonic()))
        if member.process.exitcode is None:
            member.process.kill()
            member.process.join()
    members.clear()


class Crew:
    """The workers of one loader. They end with `shut_down`, with this object, or with the process."""

    def __init__(self, duties: Iterable[Duty], context: Any) -> None:
        self._members: list[_Member] = []
        self._pids: list[int | None] = []
        self.turn = 0
        #: the iteration that uses it
        self.user: Callable[[], Any] = lambda: None
        self.shut_down = weakref.finalize(self, _shut_down, os.getpid(), self._members)
        method = context if not isinstance(context, (str, type(None))) else multiprocessing.get_context(context)
        try:
            for duty in duties:
                self._start(duty, method)
        except BaseException:
            self.shut_down()
            raise

    def _start(self, duty: Duty, context: Any) -> None:
        ours, theirs = Channel.pair()
        channel = Channel(ours)
        try:
            name = f"curta-data-{duty.number}"
            process = context.Process(target=serve, args=(theirs, duty), name=name, daemon=True)
            with warnings.catch_warnings():
                # Python warns of forks with threads around; see above for why these do no harm
                warnings.filterwarnings("ignore", ".*multi-threaded.*fork", DeprecationWarning)
                process.start()
        except BaseException:
            channel.close()
            raise
        finally:
            theirs.close()
        self._members.append(_Member(process, channel))
        self._pids.append(process.pid)

    def send(self, number: int, message: tuple[int, Any]) -> None:
        """Hand a worker a message; DataError if it is dead."""
        try:
            self._members[number].channel.send(message)
        except EOFError:
            raise self._lost(number) from None

    def receive(self, number: int, needed: Iterable[int], timeout: float) -> Any:
        """A worker's next answer; DataError if it or another that is needed dies, or after `timeout` seconds."""
        channel = self._members[number].channel
        deadline = time.monotonic() + timeout if timeout else float("inf")
        while not channel.ready(min(_STEP, max(0.0, deadline - time.monotonic()))):
            for other in {number, *needed}:
                if not self._members[other].process.is_alive() and not channel.ready(0):
                    raise self._lost(other)
            if time.monotonic() >= deadline:
                raise DataError(f"DataLoader timed out after {timeout} seconds")
        try:
            return channel.receive()
        except EOFError:
            raise self._lost(number) from None

    def _lost(self, number: int) -> DataError:
        """The error of a worker that is dead."""
        process = self._members[number].process
        process.join(1.0)
        code = process.exitcode
        if code is None:
            end = "it closed its socket"
        elif code < 0:
            end = f"killed by signal {signal.Signals(-code).name}"
            if code == -signal.SIGKILL:
                end += ", as the system does when memory runs out"
        else:
            end = f"exit code {code}"
        return DataError(f"DataLoader worker (pid(s) {self._pids[number]}) exited unexpectedly: {end}")

    @property
    def alive(self) -> bool:
        """Whether all workers are there."""
        return self.shut_down.alive and all(member.process.is_alive() for member in self._members)
