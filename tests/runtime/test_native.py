"""launch and the thread pool: conversions, errors, and the same results however many threads there are."""

import ctypes
import gc
import struct
import sys
import threading
import time

import numpy as np
import pytest

from curta.errors import ArgumentError, ArgumentTypeError, CompilerError
from curta.runtime import native, pool_state


def echo(kernels, arguments, float_mask=0):
    """What the kernel received for `arguments`: the bits of each, as int64."""
    out = np.zeros(len(arguments) + 1, np.int64)
    count = len(arguments) + 1
    plan = native.make_plan(kernels["echo"], [count], 1, 1, 0, count, float_mask << 1, True)
    assert native.launch(plan.address, out.ctypes.data, *arguments) is None
    return out[1:].tolist()


def bits(value: float) -> int:
    return struct.unpack("<q", struct.pack("<d", value))[0]


def test_integers_arrive_as_they_are(kernels):
    values = [0, 1, -1, 2**63 - 1, -(2**63), True, 10**12]
    assert echo(kernels, values) == [0, 1, -1, 2**63 - 1, -(2**63), 1, 10**12]


def test_floats_arrive_as_double_bits(kernels):
    values = [0.1, -1.0, 3, float("inf"), -0.0, np.float64(2.5), True]
    assert echo(kernels, values, 0b1111111) == [bits(value) for value in (0.1, -1.0, 3.0, float("inf"), -0.0, 2.5, 1.0)]


def test_the_mask_tells_floats_from_integers(kernels):
    assert echo(kernels, [5, 5, 5], 0b010) == [5, bits(5.0), 5]


def test_many_arguments(kernels):
    assert echo(kernels, list(range(255))) == list(range(255))


def test_objects_with_index_are_integers(kernels):
    assert echo(kernels, [np.int32(-7)]) == [-7]


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ((1,), TypeError, r"takes 2 argument\(s\), but got 1"),
        ((1, 2, 3), TypeError, r"takes 2 argument\(s\), but got 3"),
        ((1, "x"), TypeError, "must be real number, not str"),
        ((1.5, 2.0), TypeError, "'float' object cannot be interpreted as an integer"),
        ((2**63, 2.0), OverflowError, "too (big|large)"),
        ((-(2**63) - 1, 2.0), OverflowError, "too (big|large)"),
        ((1, 10**400), OverflowError, "too large"),
        ((None, 2.0), TypeError, "integer"),
    ],
)
def test_wrong_arguments(kernels, arguments, error, message):
    plan = native.make_plan(kernels["fill"], [], 0, 1, 0, 2, 0b10, True)
    with pytest.raises(error, match=message):
        native.launch(plan.address, *arguments)


def test_a_plans_own_run_keeps_the_plan(kernels):
    run = native.make_plan(kernels["echo"], [4], 1, 1, 0, 4, 0b0100, True).run
    gc.collect()
    others = [native.make_plan(kernels["echo"], [9], 1, 1, 0, 9, 0, True) for _ in range(100)]
    out = np.zeros(4, np.int64)
    assert run(out.ctypes.data, 7, 0.5, 9) is None
    assert out.tolist() == [0, 7, bits(0.5), 9]
    with pytest.raises(TypeError, match=r"takes 4 argument\(s\), but got 0"):
        run()
    assert len(others) == 100


def test_a_plan_in_memory():
    plan = native.make_plan(4096, [11, -12], 100, 7, 0, 3, 0b101, False)
    words = (ctypes.c_int64 * 10).from_address(plan.address)
    assert list(words) == [4096, plan.address + 64, 100, 7, 0, 3, 5, 0, 11, -12]
    assert plan.meta_address == plan.address + 64


def test_wrong_plans():
    with pytest.raises(TypeError, match="must be the address of a plan"):
        native.launch()
    with pytest.raises(ValueError, match="address of the plan is 0"):
        native.launch(0)
    with pytest.raises(TypeError):
        native.launch("plan")


@pytest.mark.parametrize(
    "changed",
    [
        {"units": -1},
        {"grain": 0},
        {"scratch_bytes": -1},
        {"argument_count": 257},
        {"float_mask": 4},
        {"float_mask": -1},
    ],
)
def test_what_is_no_plan(changed):
    good = {"units": 1, "grain": 1, "scratch_bytes": 0, "argument_count": 2, "float_mask": 0, "inline": True}
    with pytest.raises(CompilerError, match="make_plan"):
        native.make_plan(4096, [], **(good | changed))


@pytest.mark.parametrize("count", [1, 2, 4])
@pytest.mark.parametrize(("units", "grain"), [(0, 1), (1, 1), (10, 3), (1000, 1), (1000, 999), (12, 4)])
def test_tasks_are_cut_by_grain_alone(kernels, threads, count, units, grain):
    threads(count)
    out = np.full(2 * units + 2, -1)
    plan = native.make_plan(kernels["bounds"], [], units, grain, 0, 1, 0, False)
    native.launch(plan.address, out.ctypes.data)
    expected = [[i // grain * grain, min((i // grain + 1) * grain, units)] for i in range(units)]
    assert out.reshape(-1, 2).tolist() == [*expected, [-1, -1]]


def test_an_inline_plan_is_one_call(kernels):
    out = np.zeros(20, np.int64)
    native.make_plan(kernels["bounds"], [], 10, 3, 0, 1, 0, True).run(out.ctypes.data)
    assert out.reshape(-1, 2).tolist() == [[0, 10]] * 10


@pytest.mark.parametrize("count", [1, 2, 4])
@pytest.mark.parametrize("inline", [False, True])
def test_scratch_is_each_threads_own(kernels, threads, count, inline):
    threads(count)
    size = 500
    units = 1 if inline else 400
    out = np.zeros(units, np.int64)
    plan = native.make_plan(kernels["scratch"], [size], units, 1, size * 8, 1, 0, inline)
    for _ in range(5):
        native.launch(plan.address, out.ctypes.data)
        assert (out == np.arange(units) * size + size * (size - 1) // 2).all()


def test_scratch_grows_with_threads_and_is_given_back(threads):
    blocks = {}

    def allocate(size):
        memory = ctypes.create_string_buffer(size + 64)
        address = (ctypes.addressof(memory) + 63) // 64 * 64
        blocks[address] = (memory, size)
        return address

    native.set_scratch_allocator(allocate, blocks.pop)
    try:
        threads(2)
        stride = native.scratch_bytes() + 64_000
        native.reserve_scratch(stride)
        native.reserve_scratch(1)
        threads(3)
        assert len(blocks) == 1
        ((_, size),) = blocks.values()
        assert size == native.scratch_bytes() >= 3 * stride
    finally:
        native.set_scratch_allocator(native._aligned_memory, native._free_memory)
        native.reserve_scratch(2 * stride)
    assert not blocks


@pytest.mark.parametrize("count", [2, 4])
def test_launches_from_many_python_threads(kernels, threads, count):
    threads(count)
    wrong = []

    def work():
        out = np.zeros(300)
        sums = np.zeros(30, np.int64)
        fill = native.make_plan(kernels["fill"], [], 300, 7, 0, 2, 0b10, False)
        add = native.make_plan(kernels["scratch"], [50], 30, 1, 400, 1, 0, False)
        for turn in range(300):
            native.launch(fill.address, out.ctypes.data, turn)
            native.launch(add.address, sums.ctypes.data)
            if not ((out == np.arange(300) + turn).all() and (sums == np.arange(30) * 50 + 1225).all()):
                wrong.append(turn)

    workers = [threading.Thread(target=work) for _ in range(4)]
    for worker in workers:
        worker.start()
    for turn in range(20):
        native.set_num_threads(1 + turn % 4)
    for worker in workers:
        worker.join()
    assert wrong == []


def test_sleeping_workers_wake(kernels, threads):
    threads(3)
    out = np.zeros(100)
    plan = native.make_plan(kernels["fill"], [], 100, 1, 0, 2, 0b10, False)
    for turn in range(30):
        native.launch(plan.address, out.ctypes.data, turn)
        assert (out == np.arange(100) + turn).all()
        time.sleep(0.0015)
    runtime = native._runtime()
    deadline = time.monotonic() + 5
    while runtime.word(pool_state.SLEEPERS) != 2 and time.monotonic() < deadline:
        time.sleep(0.001)
    assert runtime.word(pool_state.SLEEPERS) == runtime.word(pool_state.ALIVE) == 2


def test_thread_counts(threads):
    threads(3)
    assert native.get_num_threads() == 3
    for wrong, error in ((0, ArgumentError), (-1, ArgumentError), (1.0, ArgumentTypeError), (True, ArgumentTypeError)):
        with pytest.raises(error, match="set_num_threads expects"):
            native.set_num_threads(wrong)
    assert native.get_num_threads() == 3


def test_the_environment_sets_the_threads(run_script):
    script = "from curta.runtime import native; print(native.get_num_threads())"
    assert run_script(script, CURTA_NUM_THREADS="5") == "5"
    catching = f"""
try:
    {script}
except ValueError as error:
    print(type(error).__name__, error)
"""
    expected = "ArgumentError CURTA_NUM_THREADS: expected a positive integer, got "
    assert run_script(catching, CURTA_NUM_THREADS="0") == expected + "'0'"
    assert run_script(catching, CURTA_NUM_THREADS="many") == expected + "'many'"


SET_UP = """
import os, signal, sys, threading, time, warnings
import numpy as np
from curta.runtime import jit, native
warnings.simplefilter("ignore", DeprecationWarning)
TEXT = '''%s'''
kernel = jit.cached(TEXT, lambda: TEXT, "kernel")
out = np.zeros(%d)
plan = native.make_plan(kernel, [], len(out), %d, 0, 2, 2, False)
def run(x):
    native.launch(plan.address, out.ctypes.data, x)
    return bool((out == np.arange(len(out)) + x).all())
"""


def set_up(fill_text: str, size: int = 1000, grain: int = 10) -> str:
    return SET_UP % (fill_text, size, grain)


@pytest.fixture
def fill_text(kernel_texts):
    return kernel_texts["fill"]


def test_the_number_of_threads_may_be_said_before_llvm_is_loaded(run_script):
    script = """
import sys, curta
before = curta.get_num_threads()
curta.set_num_threads(before + 1)
assert curta.get_num_threads() == before + 1 and "llvmlite" not in sys.modules
assert curta.ones(100_000).sum().item() == 100_000 and curta.get_num_threads() == before + 1
curta.set_num_threads(1)
print(curta.get_num_threads())
"""
    assert run_script(script) == "1"


def test_a_forked_child_has_a_pool_of_its_own(run_script, fill_text):
    script = (
        set_up(fill_text)
        + """
native.set_num_threads(3)
assert run(1.0)
for turn in range(10):
    child = os.fork()
    if child == 0:
        good = run(2.0) and run(3.0) and native.get_num_threads() == 3
        native.set_num_threads(2)
        os._exit(0 if good and run(4.0) else 1)
    assert os.waitpid(child, 0)[1] == 0
    assert run(5.0)
print("done")
"""
    )
    assert run_script(script) == "done"


def test_forks_while_other_threads_launch(run_script, fill_text):
    script = (
        set_up(fill_text)
        + """
native.set_num_threads(2)
busy = True
def work():
    mine = np.zeros(1000)
    while busy:
        native.launch(plan.address, mine.ctypes.data, 1.0)
workers = [threading.Thread(target=work) for _ in range(2)]
for worker in workers: worker.start()
for turn in range(10):
    child = os.fork()
    if child == 0:
        os._exit(0 if run(2.0) else 1)
    assert os.waitpid(child, 0)[1] == 0
busy = False
for worker in workers: worker.join()
print("done")
"""
    )
    assert run_script(script) == "done"


def test_the_process_ends_while_threads_are_inside_kernels(run_script, fill_text):
    script = (
        set_up(fill_text, 100_000, 100)
        + """
native.set_num_threads(3)
def work():
    mine = np.zeros(len(out))
    while True:
        native.launch(plan.address, mine.ctypes.data, 1.0)
for _ in range(2):
    threading.Thread(target=work, daemon=True).start()
time.sleep(0.05)
print("done")
"""
    )
    for _ in range(3):
        assert run_script(script) == "done"


def test_signals_go_to_python(run_script, fill_text):
    script = (
        set_up(fill_text)
        + """
native.set_num_threads(3)
assert run(1.0)
# a handler that raises nothing: Python drops what is raised inside a __del__, where a signal may well come
seen = []
signal.signal(signal.SIGINT, lambda *arguments: seen.append(True))
threading.Timer(0.1, os.kill, (os.getpid(), signal.SIGINT)).start()
while not seen:
    run(2.0)
print("interrupted", run(3.0))
signal.signal(signal.SIGINT, signal.default_int_handler)
threading.Timer(0.1, os.kill, (os.getpid(), signal.SIGINT)).start()
try:
    time.sleep(20)
except KeyboardInterrupt:
    print("woken", run(4.0))
"""
    )
    assert run_script(script) == "interrupted True\nwoken True"


def test_generated_programs_can_use_the_pool(kernels, threads):
    threads(2)
    out = np.zeros(100)
    arguments = (ctypes.c_int64 * 2)(out.ctypes.data, bits(0.5))
    signature = ctypes.CFUNCTYPE(None, *[ctypes.c_int64] * 6)
    signature(native.parallel_for_address())(kernels["fill"], ctypes.addressof(arguments), 0, 100, 7, 0)
    assert (out == np.arange(100) + 0.5).all()


def test_scratch_of_impossible_sizes():
    with pytest.raises(ValueError, match="reserve_scratch: expected a size of 0 or more bytes, got -1"):
        native.reserve_scratch(-1)
    with pytest.raises(MemoryError, match="reserve_scratch: cannot allocate"):
        native.reserve_scratch(1 << 55)


@pytest.mark.parametrize("count", ["0", "-2", "many"])
def test_a_thread_count_that_is_none(count, run_script):
    script = """
import curta
try:
    curta.ones(2) + 1
except ValueError as problem:
    print(problem)
"""
    assert (
        run_script(script, CURTA_NUM_THREADS=count) == f"CURTA_NUM_THREADS: expected a positive integer, got {count!r}"
    )


def test_the_key_of_parameters_tells_apart_what_equals():
    key = native.parameter_key
    same = [{"a": 1}, {"a": 1.0}, {"a": True}, {"b": 1}, {"a": 0.0}, {"a": -0.0}, {"a": 0}, {"a": None}, {"a": (1,)}]
    assert len({key(one) for one in same}) == len(same)
    assert key({"a": float("nan")}) == key({"a": float("nan")})
    assert key({}) == ()
    assert key({"dims": (0, 1), "eps": 1.5}) == ("dims", "eps", tuple, float, (0, 1), bits(1.5))


def test_the_key_of_parameters_keeps_and_drops_references():
    value = object()
    before = sys.getrefcount(value)
    kept = native.parameter_key({"a": value})
    assert sys.getrefcount(value) == before + 1
    for _ in range(100):
        native.parameter_key({"a": value, "b": 2.5})
    del kept
    assert sys.getrefcount(value) == before


@pytest.mark.parametrize("arguments", [(), (1,), ({}, {}), (dict,), (None,)])
def test_the_key_of_parameters_wants_one_dictionary(arguments):
    with pytest.raises(TypeError, match=r"^parameter_key: takes one dictionary$"):
        native.parameter_key(*arguments)
