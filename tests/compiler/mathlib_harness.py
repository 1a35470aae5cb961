"""Compiles functions of the mathematical library into kernels over NumPy arrays, and measures errors in ulp."""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from functools import cache

import llvmlite.binding as llvm
import mpmath
import numpy as np

from curta.compiler import mathlib
from curta.compiler.code import Code, Value, function

#: the processor as it is, an AVX2 machine, and one without fma or SSE4
TARGETS = ("host", "avx2", "sse2")
DTYPES = {"float": np.float32, "double": np.float64}


@cache
def initialise() -> None:
    llvm.initialize_native_target()
    llvm.initialize_native_asmprinter()


def target_features(target: str) -> str:
    if target == "host":
        return str(llvm.get_host_cpu_features().flatten())
    return {"avx2": "+avx2,+fma,+f16c,+bmi,+bmi2", "sse2": "+sse2"}[target]


def text_of(name: str, scalar: str, lanes: int, features: str = "") -> str:
    """A kernel `void kernel(in, in2, out, count)`; count is a multiple of the lanes."""
    code = Code()
    setattr(code, "features", features)  # noqa: B010 - what lets the library use AVX-512's scalef
    first, second, out = (Value(code, ref, "ptr") for ref in ("%first", "%second", "%out"))
    emitter: Callable[..., Value] = getattr(mathlib, name)
    with code.loop(0, Value(code, "%count", "i64"), lanes) as loop:
        operands = [code.load(code.offset(first, loop.index, scalar), scalar, lanes)]
        if name in ("pow", "atan2", "zeta", "igamma", "igammac"):
            operands.append(code.load(code.offset(second, loop.index, scalar), scalar, lanes))
        code.store(emitter(*operands), code.offset(out, loop.index, scalar))
    code.effect("ret void")
    attributes = 'nounwind "prefer-vector-width"="512"'
    return function(code, "kernel", "ptr noalias %first, ptr noalias %second, ptr noalias %out, i64 %count", attributes)


class Kernel:
    """One function of the library, compiled."""

    def __init__(self, name: str, scalar: str, lanes: int = 16, target: str = "host") -> None:
        initialise()
        triple = llvm.get_process_triple()
        cpu = "x86-64" if "x86_64" in triple else ""
        features = target_features(target) if cpu else ""
        self.machine = llvm.Target.from_triple(triple).create_target_machine(cpu=cpu, features=features, opt=2)
        module = llvm.parse_assembly(text_of(name, scalar, lanes, features))
        module.verify()
        options = llvm.create_pipeline_tuning_options(speed_level=2)
        builder = llvm.create_pass_builder(self.machine, options)
        builder.getModulePassManager().run(module, builder)
        self.assembly = self.machine.emit_assembly(module)
        self.engine = llvm.create_mcjit_compiler(module, self.machine)
        self.engine.finalize_object()
        prototype = ctypes.CFUNCTYPE(None, *[ctypes.c_void_p] * 3, ctypes.c_int64)
        self.entry = prototype(self.engine.get_function_address("kernel"))
        self.lanes, self.dtype = lanes, np.dtype(DTYPES[scalar])

    def __call__(self, x: np.ndarray, y: np.ndarray | None = None) -> np.ndarray:
        count = -(-x.size // self.lanes) * self.lanes
        padded = [np.resize(np.ascontiguousarray(a, self.dtype), count) for a in (x, x if y is None else y)]
        out = np.empty(count, self.dtype)
        self.entry(padded[0].ctypes.data, padded[1].ctypes.data, out.ctypes.data, count)
        return out[: x.size]


@cache
def kernel(name: str, scalar: str, lanes: int = 16, target: str = "host") -> Kernel:
    return Kernel(name, scalar, lanes, target)


def every_exponent(dtype: type, count: int, seed: int = 0) -> np.ndarray:
    """Random bit patterns (every exponent, both signs, NaN), special values and their neighbours."""
    generator = np.random.default_rng(seed)
    integer = np.uint32 if dtype == np.float32 else np.uint64
    patterns = generator.integers(0, np.iinfo(integer).max, count, dtype=integer, endpoint=True).view(dtype)
    moderate = (generator.standard_normal(count) * 10.0 ** generator.uniform(-3, 2.2, count)).astype(dtype)
    info = np.finfo(dtype)
    marks = [0.0, 0.25, 0.29289323, 0.41421356, 0.5, 0.70710678, 1, 1.125, 1.41421356, 1.5, 2, np.e, np.pi, np.pi / 2]
    marks += [np.pi / 4, 4, 6, 9, 9.0109, 10.05, 10.2, 13, 16.6, 17.3, 20, 26.5, 27.2, 36.7, 64, 87.33, 88.02, 88.72]
    marks += [103.28, 103.97, 104, 126, 127, 128, 149, 150, 708.39, 709.78, 710, 744.44, 745.13, 746, 1022, 1024, 1074]
    marks += [1075, 1e5, 2.0**20, 2.0**30, info.max, info.tiny, info.smallest_subnormal, info.eps, np.inf, np.nan]
    near = [np.array(marks, dtype)]
    for _ in range(8):
        with np.errstate(all="ignore"):
            near = [np.nextafter(near[0], dtype(-np.inf)), *near, np.nextafter(near[-1], dtype(np.inf))]
    positive = np.concatenate(near)
    return np.concatenate([patterns, moderate, positive, -positive])


def _spacing(numbers: np.ndarray) -> np.ndarray:
    """The distance from each number to the next; the largest finite numbers stand for infinity."""
    largest = np.finfo(numbers.dtype).max
    return np.spacing(np.minimum(np.abs(numbers), np.nextafter(largest, numbers.dtype.type(0))))


def ulp_errors(result: np.ndarray, oracle: np.ndarray | list[mpmath.mpf]) -> np.ndarray:
    """|result - oracle| in units of the result's format at the oracle; infinite where one is NaN or a zero's sign,
    an infinity or an overflow differs. The oracle is float64 or wider for float32 results, mpf for float64 ones."""
    dtype = result.dtype.type
    if isinstance(oracle, list):
        # mpmath has no -0: take the result's sign
        rounded = np.array([float(v) for v in oracle], dtype)
        rounded = np.where(rounded == 0, np.copysign(rounded, result), rounded)
        with np.errstate(all="ignore"):
            unit = _spacing(rounded)
        finite = np.isfinite(rounded) & np.isfinite(result)
        error = np.array(
            [
                float(abs(mpmath.mpf(float(r)) - v) / mpmath.mpf(float(u))) if ok else 0.0
                for r, v, u, ok in zip(result, oracle, unit, finite, strict=True)
            ]
        )
    else:
        with np.errstate(all="ignore"):
            rounded = oracle.astype(dtype)
            unit = _spacing(rounded).astype(oracle.dtype)
            finite = np.isfinite(rounded) & np.isfinite(result)
            error = np.where(finite, np.abs(result.astype(oracle.dtype) - oracle) / unit, 0.0)
    same = np.where(np.isnan(rounded), np.isnan(result), finite | (result == rounded))
    # one step past the largest number is within an ulp of it
    limit = np.finfo(dtype).max
    same |= (np.abs(rounded) == limit) & (np.abs(result) == np.inf) & (np.sign(rounded) == np.sign(result))
    same |= (np.abs(result) == limit) & (np.abs(rounded) == np.inf) & (np.sign(rounded) == np.sign(result))
    zero_sign = (rounded == 0) & (result == 0) & (np.signbit(rounded) != np.signbit(result))
    return np.where(same & ~zero_sign, error, np.inf).astype(float)
