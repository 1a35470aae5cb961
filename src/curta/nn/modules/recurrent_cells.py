"""The cells of recurrent networks: one step at a time."""

from __future__ import annotations

from typing import Any

from curta.errors import ArgumentError, ShapeError
from curta.functions import creation
from curta.nn import recurrent
from curta.nn.modules.module import Module
from curta.nn.modules.recurrent import fill
from curta.nn.parameter import Parameter
from curta.tensor import Tensor

_NAMES = ("weight_ih", "weight_hh", "bias_ih", "bias_hh")


class RNNCellBase(Module):
    """What the cells share: their weights, and what they take."""

    def __init__(
        self, input_size: int, hidden_size: int, bias: bool, num_chunks: int, device: Any = None, dtype: Any = None
    ) -> None:
        super().__init__()
        self.input_size, self.hidden_size, self.bias = input_size, hidden_size, bias
        rows = num_chunks * hidden_size
        for name, shape in zip(_NAMES, ((rows, input_size), (rows, hidden_size), (rows,), (rows,)), strict=True):
            there = bias or name.startswith("weight")
            made = Parameter(creation.empty(*shape, device=device, dtype=dtype)) if there else None
            self.register_parameter(name, made)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draw the weights anew, uniform in ±1/sqrt(hidden_size)."""
        fill(self, self.hidden_size)

    def _run(self, mode: str, x: Tensor, states: tuple[Any, ...] | None, names: tuple[str, ...]) -> tuple[Any, ...]:
        self._check_ranks(x, states or (), names)
        batched = x.layout.rank == 2
        rows = x if batched else x.unsqueeze(0)
        if states is None:
            empty = creation.zeros(rows.layout.shape[0], self.hidden_size, dtype=x.layout.dtype, device=x.layout.device)
            states = (empty,) * len(names)
        else:
            states = tuple(one if one.layout.rank == 2 else one.unsqueeze(0) for one in states)
        self._check(rows, states)
        made = recurrent.cell(mode, rows, states, [*(self._parameters[name] for name in _NAMES), None])
        return made if batched else tuple(one.squeeze(0) for one in made)

    def _check_ranks(self, x: Tensor, states: tuple[Any, ...], names: tuple[str, ...]) -> None:
        for word, one in (("input", x), *zip(names, states, strict=False)):
            if one.layout.rank not in (1, 2):
                raise ArgumentError(
                    f"{type(self).__name__}: Expected {word} to be 1D or 2D, got {one.layout.rank}D instead"
                )

    def _check(self, x: Tensor, states: tuple[Any, ...]) -> None:
        if x.layout.shape[1] != self.input_size:
            raise ShapeError(f"input has inconsistent input_size: got {x.layout.shape[1]} expected {self.input_size}")
        for number, state in enumerate(states):
            batch, width = state.layout.shape
            if batch != x.layout.shape[0]:
                raise ShapeError(
                    f"Input batch size {x.layout.shape[0]} doesn't match hidden{number} batch size {batch}"
                )
            if width != self.hidden_size:
                raise ShapeError(
                    f"hidden{number} has inconsistent hidden_size: got {width}, expected {self.hidden_size}"
                )

    def extra_repr(self) -> str:
        bias = "" if self.bias else f", bias={self.bias}"
        nonlinearity = getattr(self, "nonlinearity", "tanh")
        return f"{self.input_size}, {self.hidden_size}{bias}" + (
            "" if nonlinearity == "tanh" else f", nonlinearity={nonlinearity}"
        )


class RNNCell(RNNCellBase):
    """One step of `RNN`: x [B, C] or [C] and h [B, H] or [H] to the next h; `nonlinearity` is "tanh" or "relu".

    >>> import curta
    >>> tuple(RNNCell(3, 5)(curta.zeros(2, 3)).shape)
    (2, 5)
    """

    def __init__(
        self, input_size: int, hidden_size: int, bias: bool = True, nonlinearity: str = "tanh", device: Any = None,
        dtype: Any = None,
    ) -> None:  # fmt: skip
        super().__init__(input_size, hidden_size, bias, 1, device, dtype)
        self.nonlinearity = nonlinearity

    def forward(self, input: Tensor, hx: Tensor | None = None) -> Tensor:
        if self.nonlinearity not in ("tanh", "relu"):
            raise ShapeError(f"Unknown nonlinearity: {self.nonlinearity}")
        mode = f"RNN_{self.nonlinearity.upper()}"
        made: Tensor = self._run(mode, input, None if hx is None else (hx,), ("hidden",))[0]
        return made


class LSTMCell(RNNCellBase):
    """One step of `LSTM`: x [B, C] or [C] and (h, c) to the next (h, c)."""

    def __init__(
        self, input_size: int, hidden_size: int, bias: bool = True, device: Any = None, dtype: Any = None
    ) -> None:
        super().__init__(input_size, hidden_size, bias, 4, device, dtype)

    def forward(self, input: Tensor, hx: tuple[Tensor, Tensor] | None = None) -> tuple[Tensor, Tensor]:
        hidden, cell = self._run("LSTM", input, None if hx is None else tuple(hx), ("hx[0]", "hx[1]"))
        return hidden, cell


class GRUCell(RNNCellBase):
    """One step of `GRU`: x [B, C] or [C] and h [B, H] or [H] to the next h."""

    def __init__(
        self, input_size: int, hidden_size: int, bias: bool = True, device: Any = None, dtype: Any = None
    ) -> None:
        super().__init__(input_size, hidden_size, bias, 3, device, dtype)

    def forward(self, input: Tensor, hx: Tensor | None = None) -> Tensor:
        made: Tensor = self._run("GRU", input, None if hx is None else (hx,), ("hidden",))[0]
        return made
