"""What the cells of recurrent networks do with the sums of their products, each one fused composition."""

from __future__ import annotations

from typing import Any

from curta.ops.composition import derived
from curta.ops.rows import cast, wide


def _lstm_body(i: Any, f: Any, g: Any, o: Any, c: Any) -> tuple[Any, Any]:
    """The next hidden state and the next cell from the four gates before their activations, and the cell."""
    dtype = c.layout.dtype
    cell = wide(f).sigmoid() * wide(c) + wide(i).sigmoid() * wide(g).tanh()
    return cast(wide(o).sigmoid() * cell.tanh(), dtype), cast(cell, dtype)


def _gru_body(x_r: Any, x_z: Any, x_n: Any, h_r: Any, h_z: Any, h_n: Any, h: Any) -> Any:
    """The next hidden state from the three gates' sums over the input and over the hidden state, and that state."""
    reset, update = (wide(x_r) + wide(h_r)).sigmoid(), (wide(x_z) + wide(h_z)).sigmoid()
    new = (wide(x_n) + reset * wide(h_n)).tanh()
    return cast(new + update * (wide(h) - new), h.layout.dtype)


LSTM_CELL = derived("lstm_cell", _lstm_body)
GRU_CELL = derived("gru_cell", _gru_body)
