"""Where methods find the functions they call.

Functions are written with tensors and tensors' methods call functions; one of the two must come later: the functions
are imported when a method is first called.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from curta.compiler.graph import GraphNumber
from curta.lazy import LazyModule

if TYPE_CHECKING:
    import numpy as np

    from curta import functions as functions
    from curta import host as host
else:
    np = LazyModule("numpy")
    host = LazyModule("curta.host")
    functions = LazyModule("curta.functions")


def takes(other: object) -> bool:
    """Whether an operator such as + can have this on its other side: a tensor or a number, of NumPy or a trace too."""
    kind = type(other)
    if kind is float or kind is int or hasattr(other, "layout"):
        return True
    if isinstance(other, (int, float, GraphNumber)):
        return True
    return isinstance(other, (np.number, np.bool_)) or is_bfloat16(other)


def is_bfloat16(other: object) -> bool:
    """Whether this is a number of ml_dtypes' format, which NumPy does not count among its own."""
    return isinstance(other, np.generic) and type(other).__name__ == "bfloat16"


def is_array(other: object) -> bool:
    """Whether this is an array of NumPy's with numbers or truth values in it."""
    return isinstance(other, np.ndarray) and other.dtype.kind in "biufV" and other.dtype.names is None


__all__ = ["functions", "host"]
