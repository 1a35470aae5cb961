"""Where methods find the functions they call.

Functions are written with tensors and tensors' methods call functions; one of the two must come later. `curta/__init__`
sets `functions` once everything is loaded.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from curta.compiler.graph import GraphNumber

if TYPE_CHECKING:
    from curta import functions as functions
else:
    functions: Any = None

_EXTRA = (np.number, np.bool_, GraphNumber)


def takes(other: object) -> bool:
    """Whether an operator such as + can have this on its other side: a tensor or a number, of NumPy or a trace too."""
    return isinstance(other, int | float) or hasattr(other, "layout") or isinstance(other, _EXTRA)


__all__ = ["functions"]
