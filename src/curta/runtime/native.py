"""Calling kernels from Python: plans, `launch`, and the threads and scratch memory that kernels run with.

`launch` is a builtin made while Curta runs: LLVM writes its body, CPython calls it like any function written in C.
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys
import threading
from array import array
from collections.abc import Callable, Sequence
from typing import Any

from curta.errors import ArgumentError, ArgumentTypeError, CompilerError
from curta.runtime import cpu, entry, jit, pool, pool_state

Launch = Callable[..., None]
ParameterKey = Callable[[dict[str, Any]], tuple[Any, ...]]
#: takes a number of bytes, returns the address of as many, a multiple of 64
Allocate = Callable[[int], int]

_METH_FASTCALL = 0x80
_ALIGNMENT = 64


class _MethodDefinition(ctypes.Structure):
    """CPython's PyMethodDef."""

    _fields_ = (
        ("name", ctypes.c_char_p),
        ("function", ctypes.c_void_p),
        ("flags", ctypes.c_int),
        ("doc", ctypes.c_char_p),
    )


def _aligned_memory(size: int) -> int:
    """`size` bytes from the C library, aligned to 64 bytes."""
    pointer = ctypes.c_void_p()
    if ctypes.CDLL(None).posix_memalign(ctypes.byref(pointer), ctypes.c_size_t(_ALIGNMENT), ctypes.c_size_t(size)):
        raise MemoryError(f"reserve_scratch: cannot allocate {size} bytes")
    return int(pointer.value or 0)


def _free_memory(address: int) -> None:
    ctypes.CDLL(None).free(ctypes.c_void_p(address))


def _pool_key() -> str:
    """What the pool's text depends on beside Curta's version and the processor: this Python."""
    return f"pool and entries for {sys.implementation.cache_tag}, bytes at {entry.BYTES_DATA}"


class _Runtime:
    """The loaded pool of this process; made at the first use, under `_lock`."""

    def __init__(self) -> None:
        module = jit.cached_module(_pool_key(), lambda: pool.ir_text() + entry.ir_text())
        self.threads = _wanted or cpu.processors()
        self.scratch_stride = 0
        self.scratch_slots = 0
        self.scratch_base = 0
        self.allocate: Allocate = _aligned_memory
        self.release: Callable[[int], object] = _free_memory
        self._release_held: Callable[[int], object] = _free_memory
        self.state = module.address("state")
        self.parallel_for = module.address("parallel_for")
        one_integer = ctypes.CFUNCTYPE(None, ctypes.c_int64)
        self.initialise = one_integer(module.address("initialise"))
        self.set_threads = one_integer(module.address("set_threads"))
        self.set_scratch = ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_int64)(module.address("set_scratch"))
        self.set_watch = ctypes.CFUNCTYPE(None, ctypes.c_void_p)(module.address("set_watch"))
        self._block_signals()
        self.initialise(self.threads)
        make = ctypes.pythonapi["PyCFunction_NewEx"]
        make.restype = ctypes.py_object
        make.argtypes = (ctypes.c_void_p, ctypes.py_object, ctypes.c_void_p)
        text = b"launch(plan_address, *args)\n--\n\nRun a plan's kernel on these operands."
        self._launch = _MethodDefinition(b"launch", module.address("launch"), _METH_FASTCALL, text)
        text = b"run(*args)\n--\n\nRun the plan's kernel on these operands."
        self._run = _MethodDefinition(b"run", module.address("run"), _METH_FASTCALL, text)
        text = b"replay(table_address)\n--\n\nRun the waves of a table one after the other."
        self._replay = _MethodDefinition(b"replay", module.address("replay"), _METH_FASTCALL, text)
        self.replay: Launch = make(ctypes.addressof(self._replay), None, None)
        text = b"parameter_key(dictionary)\n--\n\nIts names, its values' types, and its values with the bits of floats."
        self._parameter_key = _MethodDefinition(b"parameter_key", module.address("parameter_key"), _METH_FASTCALL, text)
        self.parameter_key: ParameterKey = make(ctypes.addressof(self._parameter_key), None, None)
        self._make = make
        self.launch: Launch = make(ctypes.addressof(self._launch), None, None)
        self._run_address = ctypes.addressof(self._run)

    def bind(self, memory: bytes) -> Launch:
        """The builtin `run` of the plan in `memory`."""
        bound: Launch = self._make(self._run_address, memory, None)
        return bound

    def _block_signals(self) -> None:
        """Write the set of signals that workers block: all but those that a fault in the worker itself raises."""
        library = ctypes.CDLL(None)
        signals = ctypes.c_void_p(self.state + pool_state.SIGNALS)
        library.sigfillset(signals)
        for fault in (signal.SIGSEGV, signal.SIGBUS, signal.SIGFPE, signal.SIGILL):
            library.sigdelset(signals, ctypes.c_int(int(fault)))

    def word(self, offset: int) -> int:
        """One word of the pool's state."""
        return int(ctypes.c_int64.from_address(self.state + offset).value)

    def grow_scratch(self, stride: int, slots: int) -> None:
        """Give every thread at least `stride` bytes; waits for the running job."""
        stride = max(stride, self.scratch_stride)
        slots = max(slots, self.scratch_slots)
        if stride == 0 or (stride == self.scratch_stride and slots == self.scratch_slots):
            return
        base, old = self.allocate(stride * slots), self.scratch_base
        self.set_scratch(base, stride)
        self.scratch_base, self.scratch_stride, self.scratch_slots = base, stride, slots
        release_old, self._release_held = self._release_held, self.release
        if old:
            release_old(old)


_lock = threading.RLock()
_made: _Runtime | None = None
#: how many threads were asked for before there was a pool: saying so does not load LLVM
_wanted = 0


def _runtime() -> _Runtime:
    global _made
    if _made is None:
        with _lock:
            if _made is None:
                _made = _Runtime()
    return _made


def _after_fork_in_child() -> None:
    """The child has none of its parent's workers: the pool starts again from nothing at its next job."""
    if _made is not None:
        _made.initialise(_made.threads)
    _lock.release()


os.register_at_fork(before=_lock.acquire, after_in_parent=_lock.release, after_in_child=_after_fork_in_child)


def __getattr__(name: str) -> Any:
    # the builtins exist once LLVM has made them; after the first look they are plain globals
    if name in ("launch", "parameter_key"):
        found = globals()[name] = getattr(_runtime(), name)
        return found
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def launcher() -> Launch:
    """The builtin `launch(plan_address, *args)`: run a living plan's kernel on these operands and return None.

    Each argument is an int (a pointer, or an integer scalar of 64 bits) or, where the plan says so, a float. Raises
    TypeError for a wrong number or kind of arguments and OverflowError for an integer beyond 64 bits. The GIL is
    released unless the plan is inline. Also found as `native.launch`.

    >>> launcher().__name__
    'launch'
    """
    return _runtime().launch


def replayer() -> Launch:
    """The builtin `replay(table_address)`: run a table of waves without the GIL; `Replay` makes such tables.

    >>> replayer().__name__
    'replay'
    """
    return _runtime().replay


def parameter_key_maker() -> ParameterKey:
    """The builtin `parameter_key(dictionary)`: a tuple of its names, its values' types, and its values.

    What 1, 1.0 and True have in common is not in it, and a float is there as its bits: 0.0 and -0.0 differ, and NaN
    equals itself. Raises TypeError for anything but one dictionary. Also found as `native.parameter_key`.

    >>> parameter_key_maker()({"dim": 1, "eps": 0.0})
    ('dim', 'eps', <class 'int'>, <class 'float'>, 1, 0)
    """
    return _runtime().parameter_key


def parallel_for_address() -> int:
    """Address of `void parallel_for(kernel, args, meta, units, grain, scratch_bytes)`, for generated programs.

    It is `launch` without Python: call it without the GIL, and never from inside a kernel that has scratch.

    >>> parallel_for_address() > 0
    True
    """
    return _runtime().parallel_for


class Plan:
    """A kernel with all that does not change from call to call, in native memory.

    `run(*args)` is a builtin that runs it and keeps the memory alive by itself; `address` is for `launch` and lasts
    as long as this object. A plan of no `units` needs no kernel.
    """

    __slots__ = ("_memory", "address", "run", "units")

    def __init__(self, words: list[int], meta: Sequence[int]) -> None:
        self.units = words[2]
        numbers = array("q", [*words, *meta])
        # made here and shown to nobody else, so writing into this bytes object is safe
        self._memory = numbers.tobytes()
        self.address: int = id(self._memory) + entry.BYTES_DATA
        ctypes.c_int64.from_address(self.address + 8).value = self.meta_address
        self.run: Launch = _runtime().bind(self._memory)

    def place(self, kernel_address: int) -> None:
        """Say where the kernel is, in a plan that was made before its code was."""
        ctypes.c_int64.from_address(self.address).value = kernel_address

    @property
    def meta_address(self) -> int:
        """Where the kernel's integers are: behind the plan's own words."""
        return self.address + 8 * entry.PLAN_WORDS


def _check_plan(units: int, grain: int, scratch_bytes: int, argument_count: int, float_mask: int) -> None:
    if units < 0 or grain < 1 or scratch_bytes < 0:
        raise CompilerError(f"make_plan: no such plan: units {units}, grain {grain}, scratch_bytes {scratch_bytes}")
    if not 0 <= argument_count <= entry.MAXIMUM_ARGUMENTS:
        raise CompilerError(f"make_plan: at most {entry.MAXIMUM_ARGUMENTS} arguments, got {argument_count}")
    if float_mask < 0 or float_mask >> min(argument_count, 64):
        raise CompilerError(
            f"make_plan: float_mask {float_mask:#x} names arguments beyond {min(argument_count, 64)}; "
            "floats must be among the first 64 arguments"
        )


def make_plan(
    kernel_address: int,
    meta: Sequence[int],
    units: int,
    grain: int,
    scratch_bytes: int,
    argument_count: int,
    float_mask: int,
    inline: bool,
) -> Plan:
    """A plan: the kernel at `kernel_address` over [0, units), in tasks of `grain` units, for `launch`.

    `meta` are the kernel's integers; `scratch_bytes` is per thread; bit i of `float_mask` says that argument i is a
    float; an `inline` plan is one call over all units on the calling thread, which keeps the GIL. A plan of no units
    calls nothing. The address may be 0 until the plan's `place` says it, which must be before the plan runs. Raises
    `CompilerError` for what cannot be a plan.

    >>> plan = make_plan(4096, [2, 3], 6, grain=4, scratch_bytes=0, argument_count=2, float_mask=0, inline=True)
    >>> plan.address > 0
    True
    """
    _check_plan(units, grain, scratch_bytes, argument_count, float_mask)
    if scratch_bytes:
        reserve_scratch(scratch_bytes)
    signed_mask = float_mask - (1 << 64) if float_mask >> 63 else float_mask
    flags = entry.INLINE if inline else 0
    words = [kernel_address, 0, units, grain, scratch_bytes, argument_count, signed_mask, flags]
    return Plan(words, meta)


def reserve_scratch(bytes_per_thread: int) -> None:
    """Give every thread of the pool at least so many bytes of scratch, aligned to 64; it never shrinks.

    >>> reserve_scratch(1024)
    """
    if bytes_per_thread < 0:
        raise ArgumentError(f"reserve_scratch: expected a size of 0 or more bytes, got {bytes_per_thread}")
    runtime = _runtime()
    stride = (bytes_per_thread + _ALIGNMENT - 1) // _ALIGNMENT * _ALIGNMENT
    if stride > runtime.scratch_stride:
        with _lock:
            runtime.grow_scratch(stride, runtime.threads)


def scratch_bytes() -> int:
    """The bytes of scratch held for all threads together.

    >>> scratch_bytes() >= 0
    True
    """
    return _made.scratch_stride * _made.scratch_slots if _made is not None else 0


def set_scratch_allocator(allocate: Allocate, release: Callable[[int], object]) -> None:
    """Take scratch from `allocate(size) -> address` from now on; `release(address)` takes back what was replaced.

    Addresses must be multiples of 64. Scratch held already is kept until it has to grow, and then goes back to where
    it came from.

    >>> set_scratch_allocator(_aligned_memory, _free_memory)
    """
    runtime = _runtime()
    with _lock:
        runtime.allocate, runtime.release = allocate, release


def get_num_threads() -> int:
    """The number of threads that run kernels, the calling one included.

    >>> get_num_threads() >= 1
    True
    """
    return _made.threads if _made is not None else _wanted or cpu.processors()


def set_num_threads(count: int) -> None:
    """Run kernels on `count` threads from now on, the calling one included; results do not depend on it.

    Waits for the running job. Raises `ArgumentTypeError` or `ArgumentError` for what is not a positive integer.

    >>> before = get_num_threads()
    >>> set_num_threads(1); get_num_threads()
    1
    >>> set_num_threads(before)
    """
    if isinstance(count, bool) or not isinstance(count, int):
        raise ArgumentTypeError(f"set_num_threads expects an int, but got {type(count).__name__}")
    if count < 1:
        raise ArgumentError(f"set_num_threads expects a positive integer, got {count}")
    global _wanted
    with _lock:
        if _made is None:
            _wanted = count
            return
        runtime = _made
        if count == runtime.threads:
            return
        runtime.grow_scratch(runtime.scratch_stride, count)
        runtime.set_threads(count)
        runtime.threads = count
