"""Waves of launches: every task of every launch runs once, one wave after the other, however many threads there are."""

import ctypes
import random
import threading

import numpy as np
import pytest

from curta.runtime import native
from curta.runtime.replay import Launch, Replay


class Arguments:
    """The arguments of a launch in memory, as a kernel takes them."""

    def __init__(self, plan, *values):
        self.plan = plan
        self.words = (ctypes.c_int64 * len(values))(*values)

    @property
    def launch(self):
        return Launch(self.plan.address, ctypes.addressof(self.words))


def bounds_of(units, grain):
    return [[i // grain * grain, min((i // grain + 1) * grain, units)] for i in range(units)]


def some_launch(kernels, dice):
    """A launch of a random kernel, with what it must have written."""
    units, grain, inline = dice.choice([0, 1, 2, 7, 40, 300]), dice.choice([1, 2, 5, 100]), dice.random() < 0.3
    if dice.random() < 0.5:
        out = np.full(2 * units + 2, -1)
        plan = native.make_plan(kernels["bounds"], [], units, grain, 0, 1, 0, inline)
        expected = [*bounds_of(units, max(units, 1) if inline else grain), [-1, -1]]
        return Arguments(plan, out.ctypes.data), out.reshape(-1, 2), np.array(expected)
    size = dice.choice([1, 10, 200])
    units = min(units, 1) if inline else units
    out = np.full(units, -1)
    plan = native.make_plan(kernels["scratch"], [size], units, 1, size * 8, 1, 0, inline)
    return Arguments(plan, out.ctypes.data), out, np.arange(units) * size + size * (size - 1) // 2


@pytest.mark.parametrize("count", [1, 2, 3])
@pytest.mark.parametrize("seed", range(8))
def test_random_waves(kernels, threads, count, seed):
    threads(count)
    dice = random.Random(seed)
    waves = [[some_launch(kernels, dice) for _ in range(dice.choice([0, 1, 1, 2, 5, 60]))] for _ in range(12)]
    replay = Replay([[arguments.launch for arguments, _, _ in wave] for wave in waves])
    for _ in range(30):
        for wave in waves:
            for _, out, _ in wave:
                out[...] = -1
        replay.run()
        for wave in waves:
            for _, out, expected in wave:
                assert (out == expected).all()


@pytest.mark.parametrize("count", [1, 2, 3])
def test_a_wave_begins_when_the_one_before_has_ended(kernels, threads, count):
    """Kernels that write into the same memory, wave after wave: the last one's numbers are left."""
    threads(count)
    fill = native.make_plan(kernels["fill"], [], 500, 7, 0, 2, 0b10, False)
    outs = [np.zeros(500) for _ in range(6)]
    waves, kept = [], []
    for turn in range(40):
        bits = np.float64(turn).view(np.int64)
        kept += [Arguments(fill, out.ctypes.data, bits) for out in outs]
        waves.append([one.launch for one in kept[-6:]])
        # one that reads nothing, on the calling thread alone
        tiny = native.make_plan(kernels["fill"], [], 3, 1, 0, 2, 0b10, True)
        kept.append(Arguments(tiny, outs[turn % 6].ctypes.data, np.float64(-1.0).view(np.int64)))
        waves.append([kept[-1].launch])
    replay = Replay(waves)
    for _ in range(50):
        replay.run()
        for number, out in enumerate(outs):
            expected = np.arange(500) + 39.0
            expected[:3] = np.arange(3) - (1.0 if number == 39 % 6 else -39.0)
            assert (out == expected).all()


def test_from_several_python_threads_while_their_number_changes(kernels, threads):
    threads(2)
    wrong = []

    def work(seed):
        dice = random.Random(seed)
        waves = [[some_launch(kernels, dice) for _ in range(4)] for _ in range(5)]
        replay = Replay([[arguments.launch for arguments, _, _ in wave] for wave in waves])
        for turn in range(100):
            replay.run()
            wrong.extend(turn for wave in waves for _, out, expected in wave if not (out == expected).all())

    workers = [threading.Thread(target=work, args=(seed,)) for seed in range(4)]
    for worker in workers:
        worker.start()
    for turn in range(20):
        native.set_num_threads(1 + turn % 4)
    for worker in workers:
        worker.join()
    assert wrong == []


def test_small_launches_come_last_and_alone_they_stay_with_the_caller(kernels, threads):
    threads(2)
    large = native.make_plan(kernels["fill"], [], 500, 7, 0, 2, 0b10, False)
    small = native.make_plan(kernels["fill"], [], 3, 6, 0, 2, 0b10, True)
    out = np.zeros(500)
    one, other = Arguments(small, out.ctypes.data, 0), Arguments(large, out.ctypes.data, 0)
    wave = Replay([[one.launch, other.launch]])
    # by part: kernel, arguments, meta, units, grain, first task, next part's first task
    assert [list(wave._parts[at + 3 : at + 7]) for at in (0, 8)] == [[500, 7, 0, 72], [3, 3, 72, 73]]
    # a count; by wave: parts, tasks, scratch, alone
    assert list(wave._table)[:1] + list(wave._table)[2:] == [1, 73, 0, 0]
    assert list(Replay([[one.launch] * 4])._table)[2:] == [4, 0, 1]
    assert list(Replay([[one.launch] * 5])._table)[2:] == [5, 0, 0]
    assert list(Replay([])._table) == [0]


FORKING = """
import ctypes, os, warnings
import numpy as np
from curta.runtime import jit, native
from curta.runtime.replay import Launch, Replay
warnings.simplefilter("ignore", DeprecationWarning)
plan = native.make_plan(jit.cached(TEXT, lambda: TEXT, "kernel"), [], 1000, 10, 0, 2, 2, False)
outs = [np.zeros(1000) for _ in range(5)]
words = [(ctypes.c_int64 * 2)(out.ctypes.data, 0) for out in outs]
replay = Replay([[Launch(plan.address, ctypes.addressof(one)) for one in words]])
def run(x):
    for one in words:
        one[1] = int(np.float64(x).view(np.int64))
    replay.run()
    return all((out == np.arange(1000) + x).all() for out in outs)
native.set_num_threads(3)
assert run(1.0)
for turn in range(10):
    child = os.fork()
    if child == 0:
        good = run(2.0) and run(3.0)
        native.set_num_threads(2)
        os._exit(0 if good and run(4.0) else 1)
    assert os.waitpid(child, 0)[1] == 0
    assert run(5.0)
print("done")
"""


def test_a_forked_child_replays(run_script, kernel_texts):
    assert run_script(f"TEXT = {kernel_texts['fill']!r}\n{FORKING}") == "done"
