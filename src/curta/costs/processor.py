"""What this processor can do: measured once, and kept on disk for as long as it is the same processor and Curta.

A figure is kept under the processor's name, its level and features, the number of threads, and the version of Curta's
sources. One that was measured while other programs had a part of the processor is too low, and would make every MFU
after it too high: it serves this process only, and is measured again by the next.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

from curta.dtypes import by_name
from curta.errors import DTypeError
from curta.runtime import blas, cpu, disk, machine

#: the formats whose matmul is measured
FORMATS = ("float64", "float32", "float16", "bfloat16")
#: the least share of its processors that a measurement must have had, for its figure to be kept
QUIET = 0.85
#: bytes copied at least, and at most, for the bandwidth of memory: more than caches hold, less than machines have
_LEAST_COPIED, _MOST_COPIED = 1 << 26, 1 << 29


@dataclass(frozen=True)
class Figure:
    """One measured rate, of what, when, and whether the machine was quiet enough for it to be kept."""

    rate: float
    what: str
    day: str
    quiet: bool


#: the figures of this process, also those that are not kept
_measured: dict[str, Figure] = {}


def matmul(dtype: str, remeasure: bool = False) -> Figure:
    """The highest rate of a matmul in `dtype` here, in FLOP/s: as kept, else measured in about half a second.

    DTypeError for a format whose matmul is not measured.

    >>> matmul("int8")
    Traceback (most recent call last):
    curta.errors.DTypeError: peak: this processor's matmul is measured in ..., not in int8
    """
    if dtype not in FORMATS:
        raise DTypeError(f"peak: this processor's matmul is measured in {', '.join(FORMATS)}, not in {dtype}")
    return _figure(f"matmul in {dtype}", lambda: _matmul(dtype), remeasure)


def copy(remeasure: bool = False) -> Figure:
    """The highest rate of copying memory here, in bytes read and written a second: as kept, else measured."""
    return _figure("copy", _copy, remeasure)


def kept(what: str) -> Figure | None:
    """The figure "copy" or "matmul in float32" if it has been measured, here or by another process.

    >>> kept("matmul in no format") is None
    True
    """
    return _measured.get(_key(what)) or _read(_key(what))


def theoretical(dtype: str) -> float | None:
    """The FLOP/s that the clock and the instructions allow in `dtype` on these threads; None where not known.

    Source: clock × cores in use × FLOPs a cycle, as `runtime.machine` knows them.

    >>> theoretical("int8") is None
    True
    """
    from curta.runtime.native import get_num_threads

    a_cycle = machine.flops_a_cycle(dtype)
    return None if a_cycle is None else machine.clock_hertz() * min(get_num_threads(), machine.cores()) * a_cycle


def figures(dtype: str, remeasure: bool) -> dict[str, Any]:
    """The fields of this processor's `Peak` in `dtype`."""
    rate, bandwidth = matmul(dtype, remeasure), copy(remeasure)
    notes = () if rate.quiet else (BUSY,)
    return {
        "flops_per_second": rate.rate,
        "dtype": dtype,
        "bytes_per_second": bandwidth.rate,
        "memory_bytes": machine.memory_bytes() or None,
        "name": machine.model(),
        "scope": "machine",
        "memory": f"{machine.memory_bytes() / 2**30:.1f} GiB" if machine.memory_bytes() else "",
        "source": f"measured on {rate.day}: {rate.what}",
        "notes": notes,
        "theoretical_flops_per_second": theoretical(dtype),
    }


#: what is said of a figure that is not kept
BUSY = "measured while other programs ran, so it may be too low, and is not kept"


def _key(what: str) -> str:
    from curta.runtime.native import get_num_threads

    # another kernel has another peak
    calling = "" if blas.setting() == "0" else f" with CURTA_BLAS={blas.setting()}"
    return f"peak: {what} on {get_num_threads()} threads of {machine.model()}{calling}"


def _figure(what: str, measure: Callable[[], tuple[float, str]], remeasure: bool) -> Figure:
    import json
    from concurrent.futures import ThreadPoolExecutor  # these are slow to import, and few programs get here

    key = _key(what)
    found = None if remeasure else kept(what)
    if found is None:
        # in a thread of its own: the caller's autocast, accounts and recordings are none of this one's business
        with ThreadPoolExecutor(1, "curta-peak") as own:
            found = own.submit(_timed, measure).result()
        if found.quiet:
            disk.write(disk.path_of(key, disk.FIGURE), json.dumps(asdict(found)).encode())
    _measured[key] = found
    return found


def _read(key: str) -> Figure | None:
    import json

    content = disk.read(disk.path_of(key, disk.FIGURE))
    return None if content is None else Figure(**json.loads(content))


def _timed(measure: Callable[[], tuple[float, str]]) -> Figure:
    """What `measure` finds, and whether this process had its processors to itself meanwhile."""
    from datetime import date

    from curta.random import get_rng_state, set_rng_state
    from curta.runtime.native import get_num_threads

    before = get_rng_state()
    start, worked = time.perf_counter(), time.process_time()
    try:
        rate, what = measure()
    finally:
        set_rng_state(before)
    elapsed, worked = time.perf_counter() - start, time.process_time() - worked
    threads = min(get_num_threads(), len(machine.allowed_processors()))
    return Figure(rate, what, date.today().isoformat(), worked >= QUIET * threads * elapsed)


def _matmul(dtype: str) -> tuple[float, str]:
    from curta.costs.measure import matmul_peak

    found = matmul_peak(by_name(dtype))
    threads = f"{found.threads} thread{'s' if found.threads > 1 else ''}"
    return found.flops_per_second, f"a matmul of {found.size}³ on {threads} at the level {cpu.level()}"


def _copy() -> tuple[float, str]:
    from curta.costs.measure import copy_peak

    nbytes = min(max(_LEAST_COPIED, 2 * machine.last_cache_bytes()), _MOST_COPIED)
    return copy_peak(nbytes), f"a copy of {nbytes >> 20} MiB"
