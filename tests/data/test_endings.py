"""However a pass ends, nobody waits long and nothing is left: dead workers, timeouts, Ctrl-C, a dead main process."""

from __future__ import annotations

import contextlib
import ctypes
import gc
import multiprocessing
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

import curta
from curta.errors import DataError
from curta.utils.data import DataLoader, Dataset, workers


class Calls(Dataset[object]):
    def __init__(self, function: Callable[[int], object], length: int = 4) -> None:
        self.function = function
        self.length = length

    def __len__(self) -> int:
        return self.length

    def __getitem__(self, index: int) -> object:
        return self.function(index)


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(workers, "PATIENCE", 0.1)


# workers that end


@pytest.mark.parametrize(
    ("end", "words"),
    [
        (
            lambda: os.kill(os.getpid(), signal.SIGKILL),
            "killed by signal SIGKILL, as the system does when memory runs out",
        ),
        (lambda: os.kill(os.getpid(), signal.SIGTERM), "killed by signal SIGTERM"),
        (lambda: os._exit(3), "exit code 3"),
        (lambda: sys.exit(5), "exit code 5"),
    ],
    ids=["SIGKILL", "SIGTERM", "_exit", "exit"],
)
def test_a_worker_that_ends(end: Callable[[], None], words: str) -> None:
    def sample(index: int) -> int:
        if index == 1:
            end()
        return index

    batches = iter(DataLoader(Calls(sample), num_workers=1))
    pid = multiprocessing.active_children()[0].pid
    with pytest.raises(DataError) as caught:
        list(batches)
    assert str(caught.value) == f"DataLoader worker (pid(s) {pid}) exited unexpectedly: {words}"
    assert multiprocessing.active_children() == []
    with pytest.raises(DataError, match="the workers of this pass have ended"):
        next(batches)


def test_a_dead_worker_is_noticed_while_another_is_waited_for(impatient: None) -> None:
    def sample(index: int) -> int:
        if index == 1:
            os._exit(1)
        time.sleep(60)
        return index

    start = time.monotonic()
    with pytest.raises(DataError, match="exited unexpectedly: exit code 1"):
        list(DataLoader(Calls(sample), num_workers=2))
    assert time.monotonic() - start < 3


def test_a_worker_that_closes_its_socket(impatient: None) -> None:
    def sample(index: int) -> int:
        os.closerange(3, 1000)
        time.sleep(60)
        return index

    with pytest.raises(DataError, match=r"exited unexpectedly: (it closed its socket|exit code)"):
        list(DataLoader(Calls(sample), num_workers=1))


def test_idle_workers_that_die_are_replaced() -> None:
    loader = DataLoader(Calls(lambda index: os.getpid()), None, num_workers=2, persistent_workers=True)
    first = set(loader)
    os.kill(min(first), signal.SIGKILL)
    deadline = time.monotonic() + 5
    while len(multiprocessing.active_children()) == 2 and time.monotonic() < deadline:
        time.sleep(0.01)
    second = set(loader)
    assert len(second) == 2
    assert not first & second


def test_timeout(impatient: None) -> None:
    def sample(index: int) -> int:
        time.sleep(60 * index)
        return index

    batches = iter(DataLoader(Calls(sample), num_workers=1, timeout=0.3))
    assert next(batches).item() == 0
    start = time.monotonic()
    with pytest.raises(DataError, match=r"^DataLoader timed out after 0\.3 seconds$"):
        next(batches)
    assert 0.3 <= time.monotonic() - start < 3
    assert multiprocessing.active_children() == []


def test_a_busy_worker_is_not_waited_for(impatient: None) -> None:
    def sample(index: int) -> int:
        time.sleep(60 * index)
        return index

    start = time.monotonic()
    for batch in DataLoader(Calls(sample), num_workers=1):
        assert batch.item() == 0
        break
    assert multiprocessing.active_children() == []
    assert time.monotonic() - start < 3


def test_a_worker_that_holds_the_interpreter_is_killed(impatient: None) -> None:
    def sample(index: int) -> int:
        ctypes.PyDLL(None).sleep(60 * index)  # no other thread of the worker runs meanwhile
        return index

    start = time.monotonic()
    assert next(iter(DataLoader(Calls(sample), num_workers=1))).item() == 0
    gc.collect()
    assert multiprocessing.active_children() == []
    assert time.monotonic() - start < 5


# the main process, in a session of its own

HEAD = """
import os, signal, sys, time
signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell in the background passes on that it is ignored
import curta
from curta.utils.data import DataLoader, Dataset, TensorDataset, workers

workers.PATIENCE = 0.2

class Slow(Dataset):
    def __init__(self, seconds): self.seconds = seconds
    def __len__(self): return 1000
    def __getitem__(self, index):
        time.sleep(self.seconds if index > 1 else 0)
        return curta.ones(1000)
"""


class Session:
    """A script in a session of its own."""

    def __init__(self, script: str) -> None:
        source = str(Path(curta.__file__).parents[1])
        self.files = set(os.listdir("/dev/shm"))
        self.process = subprocess.Popen(
            [sys.executable, "-c", HEAD + script],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
            env=os.environ | {"PYTHONPATH": source},
        )

    def line(self) -> str:
        assert self.process.stdout is not None
        return self.process.stdout.readline().strip()

    def end(self, seconds: float) -> tuple[int, str, str]:
        """How the script ended, once all its processes are gone."""
        out, err = self.process.communicate(timeout=20)
        deadline = time.monotonic() + seconds
        while self._alive() and time.monotonic() < deadline:
            time.sleep(0.02)
        assert not self._alive()
        assert set(os.listdir("/dev/shm")) <= self.files
        return self.process.returncode, out, err

    def _alive(self) -> bool:
        """Whether a process of the session runs; one that has ended may wait for the system to collect it."""
        for path in Path("/proc").glob("[0-9]*/stat"):
            with contextlib.suppress(OSError):
                state, _, group = path.read_text().rpartition(")")[2].split()[:3]
                if int(group) == self.process.pid and state != "Z":
                    return True
        return False


@pytest.fixture
def session():
    opened: list[Session] = []

    def start(script: str) -> Session:
        opened.append(Session(script))
        return opened[-1]

    yield start
    for one in opened:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(one.process.pid, signal.SIGKILL)
        one.process.communicate()


LOOP = """
batches = iter(DataLoader(Slow({seconds}), num_workers=2))
kept = [next(batches)]
print("ready", flush=True)
for batch in batches:
    kept.append(batch)
"""


@pytest.mark.parametrize("seconds", [0.01, 60])
@pytest.mark.parametrize("group", [True, False], ids=["group", "process"])
def test_control_c(session: Callable[[str], Session], seconds: float, group: bool) -> None:
    one = session(LOOP.format(seconds=seconds))
    assert one.line() == "ready"
    time.sleep(0.1)
    (os.killpg if group else os.kill)(one.process.pid, signal.SIGINT)
    code, _, err = one.end(1)
    assert code == -signal.SIGINT
    assert err.strip().endswith("KeyboardInterrupt")
    assert err.count("Traceback") == 1  # the workers say nothing


def test_control_c_is_the_main_process_own_business(session: Callable[[str], Session]) -> None:
    script = """
seen = []
signal.signal(signal.SIGINT, lambda *arguments: seen.append(True))
for number, batch in enumerate(DataLoader(Slow(0.0), batch_size=100, num_workers=2)):
    if number == 2:
        print("ready", flush=True)
        while not seen:
            time.sleep(0.01)
print(number + 1)
"""
    one = session(script)
    assert one.line() == "ready"
    os.killpg(one.process.pid, signal.SIGINT)
    assert one.end(1) == (0, "10\n", "")


@pytest.mark.parametrize("seconds", [0.01, 60])
def test_the_main_process_is_killed(session: Callable[[str], Session], seconds: float) -> None:
    one = session(LOOP.format(seconds=seconds))
    assert one.line() == "ready"
    one.process.kill()
    assert one.end(5)[0] == -signal.SIGKILL


def test_the_main_process_is_killed_while_a_child_of_its_own_holds_the_sockets(
    session: Callable[[str], Session],
) -> None:
    script = """
batches = iter(DataLoader(Slow(60), num_workers=1))
next(batches)
if os.fork() == 0:
    os.close(1); os.close(2)
    time.sleep(3)
    os._exit(0)
import multiprocessing
print(multiprocessing.active_children()[0].pid, flush=True)
time.sleep(60)
"""
    one = session(script)
    worker = int(one.line())
    one.process.kill()
    one.process.communicate()
    deadline = time.monotonic() + 3
    state = "S"
    while state != "Z" and time.monotonic() < deadline:
        time.sleep(0.02)
        try:
            state = Path(f"/proc/{worker}/stat").read_text().rpartition(")")[2].split()[0]
        except OSError:
            state = "Z"
    assert state == "Z"
    os.killpg(one.process.pid, signal.SIGKILL)


@pytest.mark.parametrize(
    ("end", "code"),
    [("sys.exit(4)", 4), ("raise ValueError('loss is nan')", 1), ("pass", 0), ("keep = batches", 0)],
)
def test_the_main_process_ends_within_a_pass(session: Callable[[str], Session], end: str, code: int) -> None:
    script = f"""
batches = iter(DataLoader(Slow(0.01), num_workers=2, persistent_workers=True))
kept = [next(batches) for _ in range(3)]
for batch in batches:
    {end}
    break
"""
    found, _, err = session(script).end(1)
    assert found == code
    assert err.count("Traceback") == (code == 1)


def test_a_fork_of_the_main_process_leaves_the_workers_alone(session: Callable[[str], Session]) -> None:
    script = """
batches = iter(DataLoader(TensorDataset(curta.arange(20)), num_workers=2))
first = next(batches)
child = os.fork()
if child == 0:
    del batches
    os._exit(first[0].item())
assert os.waitpid(child, 0)[1] == 0
print(sum(batch[0].item() for batch in batches))
"""
    assert session(script).end(1) == (0, "190\n", "")


def test_workers_that_are_not_forked(session: Callable[[str], Session]) -> None:
    script = """
if __name__ == "__main__":
    data = TensorDataset(curta.arange(5))
    loader = DataLoader(data, 2, num_workers=1, multiprocessing_context="spawn")
    print([batch[0].tolist() for batch in loader])
    try:
        iter(DataLoader(data, num_workers=1, collate_fn=lambda batch: batch, multiprocessing_context="spawn"))
    except Exception as error:
        print("pickle" in str(error))
"""
    assert session(script).end(2) == (0, "[[0, 1], [2, 3], [4]]\nTrue\n", "")


def test_threads_do_not_matter_to_forks(session: Callable[[str], Session]) -> None:
    script = """
import threading, warnings
warnings.simplefilter("error")  # newer Pythons warn of forks with threads around
busy = True
def work():
    while busy:
        curta.ones(200, 200) @ curta.ones(200, 200)
threads = [threading.Thread(target=work) for _ in range(2)]
for thread in threads: thread.start()
class Kernels(Dataset):
    def __len__(self): return 4
    def __getitem__(self, index): return (curta.ones(50, 50) @ curta.ones(50, 50)).exp().sum() * 0 + index
for turn in range(3):
    print([batch.item() for batch in DataLoader(Kernels(), num_workers=2)])
busy = False
for thread in threads: thread.join()
"""
    assert session(script).end(1) == (0, "[0.0, 1.0, 2.0, 3.0]\n" * 3, "")


def test_multiprocessing_is_imported_when_somebody_wants_workers() -> None:
    program = "import sys, curta; list(curta.utils.data.DataLoader(range(3))); print('multiprocessing' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"
