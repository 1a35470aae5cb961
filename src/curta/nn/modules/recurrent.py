"""Recurrent networks: their cells, and layers of them over sequences."""

from __future__ import annotations

import warnings
from math import sqrt
from typing import Any

from curta.autograd.state import STATE
from curta.errors import ArgumentError, ArgumentTypeError, CurtaWarning, ShapeError
from curta.functions import creation
from curta.nn import init, recurrent
from curta.nn.modules.module import Module
from curta.nn.parameter import Parameter
from curta.nn.utils.rnn import PackedSequence
from curta.tensor import Tensor

_NAMES = ("weight_ih", "weight_hh", "bias_ih", "bias_hh", "weight_hr")


def fill(module: Module, hidden: int) -> None:
    """Every parameter uniform in ±1/sqrt(hidden)."""
    bound = 1.0 / sqrt(hidden) if hidden > 0 else 0.0
    for parameter in module.parameters():
        init.uniform_(parameter, -bound, bound)


# layers over sequences


class RNNBase(Module):
    """What RNN, LSTM and GRU share: layers and directions of one kind of cell (`mode`) over sequences."""

    def __init__(
        self,
        mode: str,
        input_size: int,
        hidden_size: int,
        num_layers: int = 1,
        bias: bool = True,
        batch_first: bool = False,
        dropout: float = 0.0,
        bidirectional: bool = False,
        proj_size: int = 0,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__()
        self.mode, self.input_size, self.hidden_size, self.num_layers = mode, input_size, hidden_size, num_layers
        self.bias, self.batch_first, self.dropout = bias, batch_first, float(dropout)
        self.bidirectional, self.proj_size = bidirectional, proj_size
        _check_sizes(dropout, hidden_size, num_layers, proj_size)
        if mode not in recurrent.STEPS:
            raise ArgumentError(f"Unrecognized RNN mode: {mode}")
        if dropout and num_layers == 1:
            warnings.warn(
                "dropout option adds dropout after all but last recurrent layer, so non-zero dropout expects "
                f"num_layers greater than 1, but got dropout={dropout} and num_layers={num_layers}",
                CurtaWarning,
                stacklevel=3,
            )
        rows = recurrent.STEPS[mode][1] * hidden_size
        state, directions = proj_size or hidden_size, 2 if bidirectional else 1
        for layer, ending in self._endings():
            width = state * directions if layer else input_size
            shapes = [(rows, width), (rows, state), *([(rows,), (rows,)] if bias else [None, None])]
            for name, shape in zip(_NAMES, (*shapes, (proj_size, hidden_size) if proj_size else None), strict=True):
                if shape is not None:
                    parameter = Parameter(creation.empty(*shape, device=device, dtype=dtype))
                    self.register_parameter(name + ending, parameter)
        self.reset_parameters()

    def _endings(self) -> list[tuple[int, str]]:
        """The layer, and how its weights' names end, of every direction."""
        ways = ("", "_reverse") if self.bidirectional else ("",)
        return [(layer, f"_l{layer}{way}") for layer in range(self.num_layers) for way in ways]

    def reset_parameters(self) -> None:
        """Draw the weights anew, uniform in ±1/sqrt(hidden_size)."""
        fill(self, self.hidden_size)

    def flatten_parameters(self) -> None:
        """Nothing: the weights need not lie next to each other."""

    @property
    def all_weights(self) -> list[list[Parameter]]:
        """The weights of every layer and direction."""
        return [
            [self._parameters[name + ending] for name in _NAMES if name + ending in self._parameters]  # type: ignore[misc]
            for _, ending in self._endings()
        ]

    def _run(self, input: Any, states: tuple[Any, ...] | None) -> tuple[Any, tuple[Any, ...]]:
        """What `forward` gives, the last states always as a tuple; `states` None for zeros."""
        if isinstance(input, PackedSequence):
            return self._run_packed(input, states)
        self._check_input(input)
        batched = input.layout.rank == 3
        if states is not None:
            self._check_ranks(states, batched)
        time = 1 if self.batch_first and batched else 0
        if not batched:
            input = input.unsqueeze(1)
            states = None if states is None else tuple(one.unsqueeze(1) for one in states)
        if not input.layout.shape[time]:
            raise ShapeError("Expected sequence length to be larger than 0 in RNN")
        out, ends = self._layers(input, states, input.layout.shape[1 - time], time, None)
        return (out, ends) if batched else (out.squeeze(1), tuple(one.squeeze(1) for one in ends))

    def _run_packed(self, packed: PackedSequence, states: tuple[Any, ...] | None) -> tuple[Any, tuple[Any, ...]]:
        data, sizes = packed.data, packed.rows()
        if data.layout.rank != 2:
            raise ShapeError(f"input must have 2 dimensions, got {data.layout.rank}")
        self._check_width(data)
        if states is not None and packed.sorted_indices is not None:
            self._check_states(states, sizes[0])
            states = tuple(one.index_select(1, packed.sorted_indices) for one in states)
        out, ends = self._layers(data, states, sizes[0], 0, sizes)
        if packed.unsorted_indices is not None:
            ends = tuple(one.index_select(1, packed.unsorted_indices) for one in ends)
        return packed.with_data(out), ends

    def _layers(self, x: Any, states: Any, batch: int, time: int, sizes: Any) -> tuple[Any, tuple[Any, ...]]:
        if states is None:
            like = {"dtype": x.layout.dtype, "device": x.layout.device}
            states = tuple(creation.zeros(*shape, **like) for _, shape in self._state_shapes(batch))
        else:
            self._check_states(states, batch)
        weights = [[self._parameters.get(name + ending) for name in _NAMES] for _, ending in self._endings()]
        p = self.dropout if self.training else 0.0
        return recurrent.layers(self.mode, x, states, weights, time, sizes, self.bidirectional, p)

    def _state_shapes(self, batch: int) -> list[tuple[str, tuple[int, int, int]]]:
        """What each initial state is called, and its shape."""
        count = self.num_layers * (2 if self.bidirectional else 1)
        hidden = (count, batch, self.proj_size or self.hidden_size)
        if self.mode != "LSTM":
            return [("hidden size", hidden)]
        return [("hidden[0] size", hidden), ("hidden[1] size", (count, batch, self.hidden_size))]

    # checks

    def _check_input(self, x: Tensor) -> None:
        if x.layout.rank not in (2, 3):
            raise ArgumentError(
                f"{type(self).__name__}: Expected input to be 2D or 3D, got {x.layout.rank}D tensor instead"
            )
        self._check_width(x)

    def _check_width(self, x: Tensor) -> None:
        kind, own = x.layout.dtype, next(self.parameters()).layout.dtype
        if kind is not own and STATE.autocast is None:
            raise ArgumentError(
                f"RNN input dtype ({kind}) does not match weight dtype ({own}). "
                f"Convert input: input.to({own}), or convert model: model.to({kind})"
            )
        if x.layout.shape[-1] != self.input_size:
            raise ShapeError(
                f"input.size(-1) must be equal to input_size. Expected {self.input_size}, got {x.layout.shape[-1]}"
            )

    def _check_ranks(self, states: tuple[Any, ...], batched: bool) -> None:
        rank, word = (3, "batched") if batched else (2, "unbatched")
        if all(one.layout.rank == rank for one in states):
            return
        start = f"For {word} {rank}-D input, "
        if len(states) == 1:
            raise ShapeError(f"{start}hx should also be {rank}-D but got {states[0].layout.rank}-D tensor")
        given = ", ".join(f"{one.layout.rank}-D" for one in states)
        raise ShapeError(f"{start}hx and cx should also be {rank}-D but got ({given}) tensors")

    def _check_states(self, states: tuple[Any, ...], batch: int) -> None:
        for one, (word, shape) in zip(states, self._state_shapes(batch), strict=True):
            if one.layout.shape != shape:
                raise ShapeError(f"Expected {word} {shape}, got {list(one.layout.shape)}")

    def extra_repr(self) -> str:
        options: list[tuple[str, Any, Any]] = [
            ("proj_size", self.proj_size, 0), ("num_layers", self.num_layers, 1), ("bias", self.bias, True),
            ("batch_first", self.batch_first, False), ("dropout", self.dropout, 0.0),
            ("bidirectional", self.bidirectional, False),
        ]  # fmt: skip
        words = [f"{name}={value}" for name, value, usual in options if value != usual]
        return ", ".join([f"{self.input_size}, {self.hidden_size}", *words])


def _check_sizes(dropout: Any, hidden_size: Any, num_layers: int, proj_size: int) -> None:
    if isinstance(dropout, bool) or not isinstance(dropout, int | float) or not 0 <= dropout <= 1:
        raise ArgumentError(
            "dropout should be a number in range [0, 1] representing the probability of an element being zeroed"
        )
    if not isinstance(hidden_size, int):
        raise ArgumentTypeError(f"hidden_size should be of type int, got: {type(hidden_size).__name__}")
    if hidden_size <= 0:
        raise ArgumentError("hidden_size must be greater than zero")
    if num_layers <= 0:
        raise ArgumentError("num_layers must be greater than zero")
    if proj_size < 0:
        raise ArgumentError("proj_size should be a positive integer or zero to disable projections")
    if proj_size >= hidden_size:
        raise ArgumentError("proj_size has to be smaller than hidden_size")


class _OneState(RNNBase):
    def __init__(self, mode: str, *args: Any, **kwargs: Any) -> None:
        if "proj_size" in kwargs or len(args) > 7:
            raise ArgumentError("proj_size argument is only supported for LSTM, not RNN or GRU")
        super().__init__(mode, *args, **kwargs)

    def forward(self, input: Any, hx: Tensor | None = None) -> tuple[Any, Tensor]:
        out, (end,) = self._run(input, None if hx is None else (hx,))
        return out, end


class RNN(_OneState):
    """h' = tanh(W_ih x + b_ih + W_hh h + b_hh) over sequences x [T, B, C], or [B, T, C] with `batch_first`, or [T, C].

    Gives the hidden states of the last layer at every step, and those of all layers at the last step
    [layers * directions, B, H]. `nonlinearity` may be "relu". Takes a `PackedSequence` as well.

    >>> import curta
    >>> out, last = RNN(3, 5, bidirectional=True)(curta.zeros(7, 2, 3))
    >>> tuple(out.shape), tuple(last.shape)
    ((7, 2, 10), (2, 2, 5))
    """

    def __init__(
        self, input_size: int, hidden_size: int, num_layers: int = 1, nonlinearity: str = "tanh", *args: Any,
        **kwargs: Any,
    ) -> None:  # fmt: skip
        if nonlinearity not in ("tanh", "relu"):
            raise ArgumentError(f"Unknown nonlinearity '{nonlinearity}'. Select from 'tanh' or 'relu'.")
        super().__init__(f"RNN_{nonlinearity.upper()}", input_size, hidden_size, num_layers, *args, **kwargs)
        self.nonlinearity = nonlinearity


class GRU(_OneState):
    """Gated recurrent units (Cho et al. 2014) over sequences x [T, B, C]; the results are those of `RNN`.

    The reset gate multiplies W_hn h + b_hn, as in PyTorch.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__("GRU", *args, **kwargs)


class LSTM(RNNBase):
    """Long short-term memory (Hochreiter and Schmidhuber 1997) over sequences x [T, B, C]; states are (hidden, cell).

    With `proj_size` P the hidden state is W_hr of what the cell gives, P numbers.

    >>> import curta
    >>> out, (hidden, cell) = LSTM(3, 5, proj_size=2, batch_first=True)(curta.zeros(4, 7, 3))
    >>> tuple(out.shape), tuple(hidden.shape), tuple(cell.shape)
    ((4, 7, 2), (1, 4, 2), (1, 4, 5))
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__("LSTM", *args, **kwargs)

    def forward(self, input: Any, hx: tuple[Tensor, Tensor] | None = None) -> tuple[Any, tuple[Tensor, Tensor]]:
        out, (hidden, cell) = self._run(input, None if hx is None else tuple(hx))
        return out, (hidden, cell)
