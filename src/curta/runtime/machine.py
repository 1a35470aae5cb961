"""What the system says of this machine: its processor, cores, caches and memory; and the clock, which is counted.

Nothing here is needed to run a kernel (`cpu.py` has that): it is what a person, or an account of rates, asks after.
"""

from __future__ import annotations

import ctypes
import os
import time
from functools import cache
from pathlib import Path
from typing import NamedTuple

from curta.runtime import cpu

#: where Linux shows what it knows of the processor and of the system
CPUINFO, SYSTEM = Path("/proc/cpuinfo"), Path("/sys/devices/system/cpu")
_UNITS = {"K": 10, "M": 20, "G": 30}
#: LLVM's names of the features that decide how fast Curta is, from the least to the most
FEATURES = (
    "sse2", "avx", "f16c", "fma", "avx2", "avx512f", "avx512bw", "avx512vl", "avx512bf16", "avx512fp16", "avxvnni",
    "amx-tile", "amx-bf16", "amx-fp16", "amx-int8", "neon", "fullfp16", "bf16", "sve", "sve2",
)  # fmt: skip
#: FLOPs a cycle of a core's AMX unit in bfloat16: a tile product of 16 x 16 x 32 multiply-adds takes 16 cycles
#: (Intel 64 and IA-32 Architectures Optimization Reference Manual, chapter on AMX)
AMX_FLOPS_A_CYCLE = 1024


class Cache(NamedTuple):
    """One cache of the first processor: its level, what it holds ("data", "instruction", "unified"), its bytes."""

    level: int
    kind: str
    nbytes: int


@cache
def processor() -> dict[str, str]:
    """What the system says of the first processor, by Linux's names; empty where it does not say.

    >>> isinstance(processor(), dict)
    True
    """
    found: dict[str, str] = {}
    for line in _text(CPUINFO).splitlines():
        name, colon, value = line.partition(":")
        if not colon:
            break  # an empty line ends the first processor
        found[name.strip()] = value.strip()
    return found


def model() -> str:
    """The processor's name, as "AMD EPYC 7763 64-Core Processor"; its architecture where there is no name.

    >>> model() != ""
    True
    """
    import platform  # slow to import

    return processor().get("model name") or platform.processor() or platform.machine() or "unknown"


@cache
def allowed_processors() -> tuple[int, ...]:
    """The numbers of the processors that this process may run on.

    >>> len(allowed_processors()) >= 1
    True
    """
    if hasattr(os, "sched_getaffinity"):
        return tuple(sorted(os.sched_getaffinity(0)))
    return tuple(range(os.cpu_count() or 1))


@cache
def cores() -> int:
    """How many cores those are: processors that share one (hyper-threads) are one, as far as the system tells.

    A virtual machine may hide it.

    >>> 1 <= cores() <= len(allowed_processors())
    True
    """
    siblings = {
        _text(SYSTEM / f"cpu{number}/topology/thread_siblings_list").strip() or str(number)
        for number in allowed_processors()
    }
    return len(siblings)


@cache
def caches() -> tuple[Cache, ...]:
    """The caches of the first processor, the nearest first; none where the system does not say.

    >>> all(cache.nbytes > 0 for cache in caches())
    True
    """
    found = []
    for folder in sorted((SYSTEM / "cpu0/cache").glob("index*")):
        level, kind, size = (_text(folder / name).strip() for name in ("level", "type", "size"))
        number, unit = size[:-1], size[-1:]
        if level.isdecimal() and number.isdecimal() and unit in _UNITS:
            found.append(Cache(int(level), kind.lower(), int(number) << _UNITS[unit]))
    return tuple(sorted(found))


def last_cache_bytes() -> int:
    """The bytes of the largest cache; 0 where the system does not say.

    >>> last_cache_bytes() >= 0
    True
    """
    return max((one.nbytes for one in caches()), default=0)


def memory_bytes() -> int:
    """The bytes of the machine's memory; 0 where the system does not say.

    >>> memory_bytes() >= 0
    True
    """
    try:
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (ValueError, OSError):
        return 0


def found_features() -> tuple[str, ...]:
    """Those of the instruction sets that decide how fast Curta is that this processor has, by LLVM's names.

    >>> set(found_features()) <= set(FEATURES)
    True
    """
    present = cpu.host_features()
    return tuple(name for name in FEATURES if present.get(name))


@cache
def clock_hertz() -> float:
    """The clock of a busy core, in Hz: counted, since what a system says of it is often the rated one, or nothing.

    A chain of additions and exclusive ors, each of which needs the one before, takes one cycle a link on every
    processor that LLVM's targets x86 and Arm are made as; the shortest of twenty runs of some 100 µs counts.

    >>> 1e8 < clock_hertz() < 1e10
    True
    """
    from curta.runtime import jit

    turns = 8192
    address = jit.cached("a chain of dependent instructions", _chain, "chain")
    chain = ctypes.CFUNCTYPE(ctypes.c_int64, ctypes.c_int64, ctypes.c_int64, ctypes.c_int64)(address)
    shortest = float("inf")
    for _ in range(20):
        start = time.perf_counter()
        chain(turns, 0x1234567, 0x7654321)
        shortest = min(shortest, time.perf_counter() - start)
    return turns * 2 * _LINKS / shortest


#: pairs of instructions in the chain before its loop turns
_LINKS = 32


def _chain() -> str:
    links = "".join(
        f"  %sum{number} = add i64 %x{number}, %a\n  %x{number + 1} = xor i64 %sum{number}, %b\n"
        for number in range(_LINKS)
    )
    return f"""define i64 @chain(i64 %turns, i64 %a, i64 %b) {{
entry:
  br label %loop
loop:
  %turn = phi i64 [ 0, %entry ], [ %next, %loop ]
  %x0 = phi i64 [ %a, %entry ], [ %x{_LINKS}, %loop ]
{links}  %next = add i64 %turn, 1
  %more = icmp slt i64 %next, %turns
  br i1 %more, label %loop, label %end
end:
  ret i64 %x{_LINKS}
}}"""


def flops_a_cycle(dtype_name: str) -> int | None:
    """The FLOPs that a core can do in a cycle, in a format, with the instructions that Curta uses at this level.

    Of vectors of multiply-adds there are two units a core, as in Intel's server processors since Haswell and AMD's
    since Zen 2; on Zen 3 and 4, which do 512 bits in two halves, what is one unit. Half formats are widened to float32,
    but for those in tiles, and bfloat16 in pairs, for which Intel's have one unit. None where the units are not known:
    at the level `portable`, and for other formats.

    >>> flops_a_cycle("int8") is None
    True
    """
    widths = {"float64": 8, "float32": 4, "float16": 4, "bfloat16": 4}
    level = cpu.level()
    if level == "portable" or dtype_name not in widths:
        return None
    if dtype_name in cpu.TILED.get(level, ()):
        return AMX_FLOPS_A_CYCLE
    vendor, family = processor().get("vendor_id"), processor().get("cpu family")
    pairs = level == "avx512bf16" and dtype_name == "bfloat16"
    halves = cpu.vector_bytes() == 64 and (vendor, family) == ("AuthenticAMD", "25")
    units = 1 if halves or (pairs and vendor == "GenuineIntel") else 2
    return units * (4 if pairs else 2) * cpu.vector_bytes() // widths[dtype_name]


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except OSError:  # another system
        return ""
