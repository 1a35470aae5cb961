"""The BLAS that NumPy has loaded, and the setting that lets Curta's products call it.

`CURTA_BLAS` is 0 (Curta's own kernels, which is the default), 1 (the BLAS wherever it can do the work) or auto
(whichever was measured to be faster, see `compiler/matmul/choice.py`).

Curta calls it with one thread, from as many of its own as there are: two sets of threads that spin beside each other
take each other's processors, and how a BLAS cuts sums may depend on how many threads it has.
"""

from __future__ import annotations

import ctypes
import os
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from typing import Any

from curta.errors import ArgumentError

SETTINGS = ("0", "1", "auto")
#: what builds of OpenBLAS put before and behind the names of their functions; NumPy's own is the first
_NAMES = (("scipy_", "64_"), ("scipy_", ""), ("", "64_"), ("", ""))


@dataclass(frozen=True)
class Library:
    """A BLAS: what it says it is, the bits of its integers, and by format the address of its product of matrices."""

    name: str
    integer_bits: int
    functions: tuple[tuple[str, int], ...]

    def function(self, dtype: str) -> int | None:
        """The address of the product in a format; None where there is none."""
        return dict(self.functions).get(dtype)


@cache
def setting() -> str:
    """What `CURTA_BLAS` says: "0", "1" or "auto"; any other value is an `ArgumentError`. Read once per process.

    >>> setting() in SETTINGS
    True
    """
    wanted = os.environ.get("CURTA_BLAS") or "0"
    if wanted not in SETTINGS:
        raise ArgumentError(f"CURTA_BLAS: expected one of {', '.join(SETTINGS)}, got {wanted!r}")
    return wanted


@cache
def library() -> Library | None:
    """The OpenBLAS that NumPy calls; None where it has another BLAS, or none."""
    loaded = _loaded()
    for prefix, suffix in _NAMES:
        addresses = {
            dtype: _address(loaded, f"{prefix}cblas_{letter}gemm{suffix}")
            for dtype, letter in (("float32", "s"), ("float64", "d"))
        }
        config = getattr(loaded, f"{prefix}openblas_get_config{suffix}", None)
        if config is not None and all(addresses.values()):
            config.restype = ctypes.c_char_p
            name = " ".join(config().decode().split())
            functions = tuple((dtype, address) for dtype, address in addresses.items() if address)
            return Library(name, 64 if "USE64BITINT" in name else 32, functions)
    return None


@cache
def usable() -> Library:
    """The library, told to run each call on the thread that makes it; `ArgumentError` where there is none."""
    found = library()
    if found is None:
        raise ArgumentError(
            "CURTA_BLAS: NumPy has no OpenBLAS here that Curta could call; CURTA_BLAS=0 uses Curta's own kernels"
        )
    for prefix, suffix in _NAMES:
        set_threads = getattr(_loaded(), f"{prefix}openblas_set_num_threads{suffix}", None)
        if set_threads is not None:
            set_threads(ctypes.c_int(1))
            break
    return found


def _loaded() -> Any:
    """NumPy's part that multiplies matrices: names are looked up in it and in all that it was linked with."""
    return ctypes.CDLL(import_module("numpy._core._multiarray_umath").__file__)


def _address(loaded: Any, name: str) -> int | None:
    function = getattr(loaded, name, None)
    return None if function is None else ctypes.cast(function, ctypes.c_void_p).value
