"""The processor that kernels are compiled for: its features, its level and the width of its vectors.

LLVM's name for the host is wrong on many virtual machines, its list of features is right: everything here goes by
the features. `CURTA_CPU` set to a lower level than the host's makes Curta compile as if on a lesser machine.
"""

from __future__ import annotations

import ctypes
import hashlib
import os
import sys
from functools import cache
from pathlib import Path

from curta.errors import ArgumentError

#: from the least to the most; each can run what those before it can
LEVELS = ("portable", "avx2", "avx512", "avx512bf16", "amx", "amxfp16")
#: the formats that processors of a level multiply in tiles, if the system lets them
TILED = {"amx": ("bfloat16",), "amxfp16": ("bfloat16", "float16")}

_NEEDED = {
    "portable": frozenset[str](),
    "avx2": frozenset({"avx", "avx2", "fma", "f16c", "bmi", "bmi2", "lzcnt", "movbe", "popcnt"}),
    "avx512": frozenset({"avx512f", "avx512bw", "avx512cd", "avx512dq", "avx512vl"}),
    "avx512bf16": frozenset({"avx512bf16"}),
    "amx": frozenset({"amx-tile", "amx-bf16"}),
    "amxfp16": frozenset({"amx-fp16"}),
}
#: features above a level, by how their names begin
_ABOVE = {
    "amxfp16": (), "amx": ("amx-fp16",), "avx512bf16": ("amx",), "avx512": ("amx", "avx512bf16"),
    "avx2": ("amx", "avx512", "avx10"),
}  # fmt: skip
#: what every x86-64 processor has
_BASELINE = frozenset({"64bit", "cmov", "cx8", "fxsr", "mmx", "sse", "sse2"})
#: what Linux says of the first processor's second-level cache, as "512K"
_SECOND_CACHE = Path("/sys/devices/system/cpu/cpu0/cache/index2/size")
_UNITS = {"K": 10, "M": 20}
_VECTOR_BYTES = {level: {"portable": 16, "avx2": 32}.get(level, 64) for level in LEVELS}
_CPU_NAME = {level: {"portable": "x86-64", "avx2": "x86-64-v3"}.get(level, "x86-64-v4") for level in LEVELS}


def is_x86() -> bool:
    """Whether this is a 64-bit x86 processor; others run at the level `portable`."""
    return os.uname().machine.lower() in ("x86_64", "amd64")


@cache
def host_features() -> dict[str, bool]:
    """What LLVM finds on this processor: each feature's name, and whether it is there."""
    import llvmlite.binding as llvm

    return dict(llvm.get_host_cpu_features())


@cache
def _tiles_are_granted() -> bool:
    """Ask Linux, once, to let this process use the AMX tiles: without its grant the first tile instruction is fatal."""
    if not (sys.platform.startswith("linux") and is_x86()):
        return False
    arch_prctl, request_permission, tile_data = 158, 0x1023, 18
    return bool(ctypes.CDLL(None).syscall(arch_prctl, request_permission, tile_data) == 0)


def _host_levels() -> list[str]:
    """The levels that this processor reaches, without asking for the tiles."""
    if not is_x86():
        return ["portable"]
    present = {name for name, there in host_features().items() if there}
    reached = []
    for name in LEVELS:
        if not _NEEDED[name] <= present:
            break
        reached.append(name)
    return reached


@cache
def level() -> str:
    """The level that kernels are compiled for, one of `LEVELS`.

    `CURTA_CPU` forces one at or below the host's; any other value is an `ArgumentError`. Read once per process.

    >>> level() in LEVELS
    True
    """
    reached = _host_levels()
    wanted = os.environ.get("CURTA_CPU")
    if wanted:
        if wanted not in LEVELS:
            raise ArgumentError(f"CURTA_CPU: expected one of {', '.join(LEVELS)}, got {wanted!r}")
        if wanted not in reached or (wanted in TILED and not _tiles_are_granted()):
            raise ArgumentError(f"CURTA_CPU: {wanted} is above what this machine can run ({reached[-1]})")
        return wanted
    if reached[-1] in TILED and not _tiles_are_granted():
        return next(name for name in reversed(reached) if name not in TILED)
    return reached[-1]


def highest_level() -> str:
    """The level that this processor has, whatever `CURTA_CPU` and the system say to using it.

    >>> LEVELS.index(highest_level()) >= LEVELS.index(level())
    True
    """
    return _host_levels()[-1]


def vector_bytes() -> int:
    """The bytes of one vector register at this level: 64, 32 or 16.

    >>> vector_bytes() in (16, 32, 64)
    True
    """
    return _VECTOR_BYTES[level()]


@cache
def processors() -> int:
    """The threads that kernels are cut for, and run on at first: `CURTA_NUM_THREADS`, else all this process may use.

    >>> processors() >= 1
    True
    """
    text = os.environ.get("CURTA_NUM_THREADS")
    if text is None or not text.strip():
        return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    try:
        count = int(text)
    except ValueError:
        count = 0
    if count < 1:
        raise ArgumentError(f"CURTA_NUM_THREADS: expected a positive integer, got {text!r}")
    return count


@cache
def second_cache_bytes() -> int:
    """The size of one processor's second-level cache; 512 KB, the least that is common, where the system does not say.

    >>> second_cache_bytes() >= 1 << 16
    True
    """
    try:
        text = _SECOND_CACHE.read_text().strip()
    except OSError:
        text = ""
    number, unit = text[:-1], text[-1:]
    known = number.isdecimal() and int(number) > 0 and unit in _UNITS
    return int(number) << _UNITS[unit] if known else 512 << 10


@cache
def features() -> str:
    """LLVM's feature string for this level: the host's features, those above the level switched off.

    >>> features() == "" or features()[0] in "+-"
    True
    """
    chosen = level()
    if not is_x86():
        allowed = {name for name, there in host_features().items() if there}
    elif chosen == "portable":
        allowed = set(_BASELINE)
    else:
        above = _ABOVE[chosen]
        allowed = {n for n, there in host_features().items() if there and not (above and n.startswith(above))}
    return ",".join(f"{'+' if name in allowed else '-'}{name}" for name in sorted(host_features()))


def has(feature: str) -> bool:
    """Whether kernels may use one of LLVM's features, by its name.

    >>> has("avx512bf16") if level() == "portable" else False
    False
    """
    return f"+{feature}" in features().split(",")


def name() -> str:
    """The name given to LLVM: the generic processor of the level, never the host's (which may be wrong)."""
    return _CPU_NAME[level()] if is_x86() else "generic"


@cache
def fingerprint() -> str:
    """Sixteen hexadecimal digits that differ where machine code may differ: features, LLVM's version, level.

    >>> len(fingerprint())
    16
    """
    import llvmlite.binding as llvm

    version = ".".join(str(part) for part in llvm.llvm_version_info)
    text = "|".join((sys.platform, os.uname().machine, level(), name(), features(), version))
    return hashlib.sha256(text.encode()).hexdigest()[:16]
