"""Compiling a matmul plan for any level of processor and running it on NumPy arrays, without Curta's own runtime."""

from __future__ import annotations

import ctypes
import itertools
import sys
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any
from unittest import mock

import llvmlite.binding as llvm
import numpy as np

from curta import dtypes
from curta.compiler.matmul import MatmulPlan, plan_matmul
from curta.runtime import cpu, jit

sys.path.insert(0, str(Path(__file__).parent))
import tile_unit

Array = np.ndarray[Any, Any]
VECTOR_BYTES = {"portable": 16, "avx2": 32, "avx512": 64, "avx512bf16": 64, "amx": 64, "amxfp16": 64}
_CPU = {"portable": "x86-64", "avx2": "x86-64-v3"}
_FEATURES = {"avx512bf16": "+avx512bf16", "amx": "+avx512bf16,+amx-tile,+amx-bf16"}
_FEATURES["amxfp16"] = _FEATURES["amx"] + ",+amx-fp16"
#: features that a lower level must do without, by how their names begin
_ABOVE = {
    "portable": ("avx512", "amx"),
    "avx2": ("avx512", "amx"),
    "avx512": ("avx512bf16", "amx"),
    "amx": ("amx-fp16",),
}
_KERNEL = ctypes.CFUNCTYPE(None, *[ctypes.c_void_p] * 3, ctypes.c_int64, ctypes.c_int64)
_NEEDED = {
    "portable": (), "avx2": ("avx2", "fma", "f16c"), "avx512": ("avx512bw", "avx512vl"), "avx512bf16": ("avx512bf16",),
    "amx": ("amx-bf16",), "amxfp16": ("amx-fp16",),
}  # fmt: skip


@cache
def levels() -> list[str]:
    """The levels that this machine can run."""
    present = {name for name, there in llvm.get_host_cpu_features().items() if there}
    found = [level for level, needed in _NEEDED.items() if set(needed) <= present]
    # the system's leave to use tile registers: arch_prctl(ARCH_REQ_XCOMP_PERM, XTILEDATA)
    if "amx" in found and ctypes.CDLL(None).syscall(158, 0x1023, 18) != 0:
        found = [level for level in found if level not in ("amx", "amxfp16")]
    return found


@cache
def _machine(level: str) -> Any:
    llvm.initialize_native_target()
    llvm.initialize_native_asmprinter()
    target, name = llvm.Target.from_default_triple(), _CPU.get(level, "x86-64-v4")
    return target.create_target_machine(cpu=name, features=_FEATURES.get(level, ""), opt=2, jit=True)


def modules(plan: MatmulPlan) -> list[Any]:
    """The plan's kernel and all that it requires, verified."""
    texts = [*(code.write() for code in jit.with_required(plan.requires).values()), plan.make_ir()]
    found = [llvm.parse_assembly(text) for text in texts]
    for module in found:
        module.verify()
    return found


_loaded: dict[tuple[str, str], tuple[Any, Any]] = {}
#: machine code by key and level: what many plans require is compiled once
_objects: dict[tuple[str, str], bytes] = {}


def _level_here(level: str) -> str:
    """The level that one is compiled for: this machine's highest, where it is above that."""
    return level if level in levels() else levels()[-1]


def _written(level: str, write: Callable[[], str]) -> str:
    """The text for a level, which may be below this machine's: without the instructions above it."""
    above = _ABOVE.get(level, ())
    names = [name for name in cpu.features().split(",") if not name[1:].startswith(above)]
    with mock.patch.object(cpu, "features", return_value=",".join(names)):
        return write()


def _object(key: str, level: str, write: Callable[[], str]) -> Any:
    if (key, level) not in _objects:
        text = _written(_level_here(level), write)
        module = llvm.parse_assembly(text if level in levels() else tile_unit.with_calls(text))
        module.verify()
        _objects[key, level] = _machine(_level_here(level)).emit_object(module)
    return llvm.ObjectFileRef.from_data(_objects[key, level])


def assembly(plan: MatmulPlan, level: str) -> str:
    """What LLVM makes of the plan's kernel for a processor of this level, whether or not this machine is one."""
    text: str = _machine(level).emit_assembly(llvm.parse_assembly(plan.make_ir()))
    return text


def load(plan: MatmulPlan, level: str) -> Any:
    """The plan's kernel as a function of addresses and a range of units.

    A level above this machine's is compiled for what it has: vectors in parts, tiles in software.
    """
    if (plan.key, level) not in _loaded:
        if level not in levels():
            tile_unit.installed()
        engine = llvm.create_mcjit_compiler(llvm.parse_assembly(""), _machine(_level_here(level)))
        for code in jit.with_required(plan.requires).values():
            engine.add_object_file(_object(code.key, level, code.write))
        engine.add_object_file(_object(plan.key, level, plan.make_ir))
        engine.finalize_object()
        _loaded[plan.key, level] = (engine, _KERNEL(engine.get_function_address(plan.function_name)))
    return _loaded[plan.key, level][1]


def plan_for(a: Array, b: Array, c: Array, level: str, *, accumulate: bool = False, summed: bool = False) -> MatmulPlan:
    """The plan for arrays that broadcast over batch dimensions as `@` does."""
    batch = c.shape[:-2]
    a, b = np.broadcast_to(a, batch + a.shape[-2:]), np.broadcast_to(b, batch + b.shape[-2:])
    strides = [[step // array.itemsize for step in array.strides] for array in (a, b, c)]
    return plan_matmul(
        dtypes.from_numpy(a.dtype), batch, c.shape[-2], c.shape[-1], a.shape[-1], *strides, level=level,
        vector_bytes=VECTOR_BYTES[level], out_dtype=dtypes.from_numpy(c.dtype), accumulate=accumulate, summed=summed,
    )  # fmt: skip


def run(
    a: Array, b: Array, c: Array, level: str, *, accumulate: bool = False, cuts: list[int] | None = None
) -> MatmulPlan:
    """C = A @ B in place; `cuts` are unit numbers at which the work is cut into separate calls, done last to first."""
    plan = plan_for(a, b, c, level, accumulate=accumulate)
    launch(plan, [a, b, c], level, cuts)
    return plan


def launch(plan: MatmulPlan, arrays: list[Array], level: str, cuts: list[int] | None = None) -> None:
    """Run a plan's kernel over arrays."""
    kernel = load(plan, level)
    arguments = np.array([array.ctypes.data for array in arrays], np.int64)
    meta = np.array(plan.meta, np.int64)
    edges = sorted({0, plan.units, *(cut for cut in cuts or [] if cut <= plan.units)})
    for start, stop in reversed(list(itertools.pairwise(edges))):
        # NaN in every byte pattern of scratch: what a kernel reads before writing would show; and a guard behind it
        room = np.full(plan.scratch_bytes + 192, 0xFF, np.uint8)
        address = room.ctypes.data + -room.ctypes.data % 64
        kernel(arguments.ctypes.data, meta.ctypes.data, address, start, stop)
        end = address - room.ctypes.data + plan.scratch_bytes
        assert (room[end:] == 0xFF).all(), "the kernel wrote behind its scratch"
