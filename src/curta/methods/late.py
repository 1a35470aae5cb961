"""Where methods find the functions they call.

Functions are written with tensors and tensors' methods call functions; one of the two must come later. `curta/__init__`
sets `functions` once everything is loaded.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import curta.functions as functions
else:
    functions: Any = None
