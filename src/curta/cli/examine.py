"""What `curta doctor` finds out: the machine, what it can do, what Curta runs on, and what is wrong with that."""

from __future__ import annotations

import os
import platform
from collections.abc import Callable, Iterator
from importlib import metadata
from pathlib import Path
from typing import Any

from curta.compiler.matmul import choice
from curta.costs import processor
from curta.memory.free import available_bytes
from curta.runtime import blas, cpu, disk, machine

LIBRARIES = ("numpy", "llvmlite", "ml_dtypes", "safetensors", "rich", "matplotlib")
#: less free memory than this is told of
LITTLE_MEMORY = 1 << 30
#: a quiet machine's matmul in float32 reaches more of what its clock and its instructions allow
LITTLE_SHARE = 0.5


def examine(remeasure: bool = False, report: Callable[[str], object] = lambda text: None) -> dict[str, Any]:
    """Everything that `curta doctor` says, as plain numbers, strings, lists and dictionaries.

    Sizes are in bytes, rates a second, shares from 0 to 1. Peaks are the kept ones, measured where there are none, and
    all of them if `remeasure`; `report` is told what is measured. ArgumentError for a `CURTA_…` variable that is wrong.
    """
    found: dict[str, Any] = {
        "versions": versions(),
        "processor": _processor(),
        "memory": {"total": machine.memory_bytes() or None, "available": available_bytes()},
        "peaks": _peaks(remeasure, report),
        "bandwidth": _bandwidth(remeasure, report),
        "products": _products(),
        "cache": _cache(),
    }
    found["problems"] = list(problems(found, dict(os.environ)))
    return found


def versions() -> dict[str, str]:
    """The versions of Curta and of what it runs on, by name.

    >>> list(versions())[:2]
    ['curta', 'python']
    """
    import llvmlite.binding as llvm

    import curta

    return {
        "curta": curta.__version__,
        "python": platform.python_version(),
        "system": f"{platform.system()} {platform.machine()}",
        **{name: metadata.version(name) for name in LIBRARIES},
        "llvm": ".".join(str(part) for part in llvm.llvm_version_info),
    }


def _processor() -> dict[str, Any]:
    import curta

    return {
        "model": machine.model(),
        "processors": os.cpu_count() or len(machine.allowed_processors()),
        "allowed_processors": len(machine.allowed_processors()),
        "cores": machine.cores(),
        "threads": curta.get_num_threads(),
        "is_x86": cpu.is_x86(),
        "level": cpu.level(),
        "highest_level": cpu.highest_level(),
        "vector_bytes": cpu.vector_bytes(),
        "instruction_sets": list(machine.found_features()),
        "clock_hertz": machine.clock_hertz(),
        "caches": [one._asdict() for one in machine.caches()],
    }


def _peaks(remeasure: bool, report: Callable[[str], object]) -> dict[str, dict[str, Any]]:
    found = {}
    for dtype in processor.FORMATS:
        report(f"measuring the machine: matmul in {dtype} …")
        figure, limit = processor.matmul(dtype, remeasure), processor.theoretical(dtype)
        found[dtype] = {
            "flops_per_second": figure.rate,
            "theoretical_flops_per_second": limit,
            "share": None if limit is None else figure.rate / limit,
            "of": figure.what,
            "day": figure.day,
            "quiet": figure.quiet,
        }
    return found


def _bandwidth(remeasure: bool, report: Callable[[str], object]) -> dict[str, Any]:
    report("measuring the machine: memory …")
    figure = processor.copy(remeasure)
    return {"bytes_per_second": figure.rate, "of": figure.what, "day": figure.day, "quiet": figure.quiet}


def _products() -> dict[str, Any]:
    library, table = blas.library(), choice.kept()
    return {
        "setting": blas.setting(),
        "library": None if library is None else library.name,
        "measured": None if table is None else table.day,
    }


def _cache() -> dict[str, Any]:
    directory = disk.cache_directory()
    return {
        "directory": None if directory is None else str(directory),
        "writable": directory is not None and _may_write(directory),
        "nbytes": disk.cache_bytes(),
        "limit": disk.cache_limit(),
    }


def _may_write(directory: Path) -> bool:
    """Whether files can be put there: in the directory, or in one that it can be made in."""
    nearest = next((place for place in (directory, *directory.parents) if place.exists()), None)
    return nearest is not None and nearest.is_dir() and os.access(nearest, os.W_OK | os.X_OK)


def problems(found: dict[str, Any], environment: dict[str, str]) -> Iterator[str]:
    """What is wrong, or not as good as it could be, each as a sentence with its cure."""
    yield from _problems_of_cache(found["cache"], environment)
    yield from _problems_of_level(found["processor"], environment)
    yield from _problems_of_threads(found["processor"], environment)
    yield from _problems_of_products(found["products"])
    left = found["memory"]["available"]
    if left is not None and left < LITTLE_MEMORY:
        yield f"only {left >> 20} MiB of memory are free: large programs will be refused, or the system will swap"
    rates = [*found["peaks"].values(), found["bandwidth"]]
    if not all(rate["quiet"] for rate in rates):
        yield (
            "other programs ran while the peaks were measured: they are too low, and not kept. Measure again when "
            "nothing else runs: curta doctor --measure"
        )
        return
    single = found["peaks"]["float32"]
    if single["share"] is not None and single["share"] < LITTLE_SHARE:
        yield (
            f"a matmul in float32 reaches {100 * single['share']:.0f}% of what the clock and the instructions allow: "
            "the clock falls under load, or other machines share the cores (curta doctor --measure)"
        )


def _problems_of_cache(cache: dict[str, Any], environment: dict[str, str]) -> Iterator[str]:
    lost = "so every process compiles its kernels again, and measures the machine again"
    if environment.get("CURTA_CACHE") == "0":
        yield f"CURTA_CACHE=0: nothing is kept on disk, {lost}"
    elif cache["directory"] is None:
        yield f"there is no home directory to keep a cache in, {lost}: set CURTA_CACHE_DIR to a directory"
    elif not cache["writable"]:
        yield f"{cache['directory']} cannot be written, {lost}: set CURTA_CACHE_DIR to a directory that can"


def _problems_of_level(facts: dict[str, Any], environment: dict[str, str]) -> Iterator[str]:
    level, highest = facts["level"], facts["highest_level"]
    if environment.get("CURTA_CPU") and level != highest:
        yield f"CURTA_CPU={level} holds Curta below {highest}, which this processor has: kernels are slower for it"
    elif level != highest:
        yield f"the system does not let this process use the AMX tiles that the processor has: the level is {level}"
    elif not facts["is_x86"]:
        yield "this is no x86-64 processor: kernels use vectors of 16 bytes, and nothing that is special to it"
    elif level == "portable":
        yield "this processor has no AVX2: kernels use vectors of 16 bytes, and are slow"


def _problems_of_products(facts: dict[str, Any]) -> Iterator[str]:
    if facts["setting"] != "0" and facts["library"] is None:
        yield f"CURTA_BLAS={facts['setting']}, but NumPy has no OpenBLAS here that Curta could call"
    elif facts["setting"] == "auto" and facts["measured"] is None:
        yield choice.NO_TABLE


def _problems_of_threads(facts: dict[str, Any], environment: dict[str, str]) -> Iterator[str]:
    threads, allowed, there = facts["threads"], facts["allowed_processors"], facts["processors"]
    asked = environment.get("CURTA_NUM_THREADS")
    said = f" (CURTA_NUM_THREADS={asked})" if asked else ""
    if threads < facts["cores"]:
        yield f"Curta runs on {threads} of the {facts['cores']} cores that it may use{said}"
    elif threads > allowed:
        yield f"Curta runs on {threads} threads of {allowed} processors{said}: they get in each other's way"
    if allowed < there:
        yield f"this process may use {allowed} of the machine's {there} processors: an affinity or a container says so"
