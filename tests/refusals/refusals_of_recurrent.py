"""What is refused, in which words: recurrent networks, and sequences packed and padded."""

from __future__ import annotations

from typing import Any

from refusal import Refusal

from curta.errors import ArgumentError, ArgumentTypeError, ShapeError


def lstm(c: Any, x: tuple[int, ...], *states: tuple[int, ...]) -> Any:
    return c.nn.LSTM(2, 3)(c.zeros(*x), tuple(c.zeros(*one) for one in states) or None)


def gru(c: Any, x: tuple[int, ...], *states: tuple[int, ...]) -> Any:
    return c.nn.GRU(2, 3)(c.zeros(*x), *(c.zeros(*one) for one in states))


def lstm_cell(c: Any, x: tuple[int, ...], *states: tuple[int, ...]) -> Any:
    return c.nn.LSTMCell(2, 3)(c.zeros(*x), tuple(c.zeros(*one) for one in states) or None)


def pack(c: Any, lengths: list[int], **options: Any) -> Any:
    return c.nn.utils.rnn.pack_padded_sequence(c.zeros(3, 2, 1), lengths, **options)


UNSORTED = (
    "`lengths` array must be sorted in decreasing order when `enforce_sorted` is True. You can pass "
    "`enforce_sorted=False` to pack_padded_sequence and/or pack_sequence to sidestep this requirement."
)

REFUSALS = (
    Refusal(
        lambda c: c.nn.LSTM(2, 3, dropout=True),
        ArgumentError,
        "dropout should be a number in range [0, 1] representing the probability of an element being zeroed",
    ),
    Refusal(lambda c: c.nn.LSTM(2, 3.0), ArgumentTypeError, "hidden_size should be of type int, got: float"),
    Refusal(lambda c: c.nn.LSTM(2, 0), ArgumentError, "hidden_size must be greater than zero"),
    Refusal(lambda c: c.nn.LSTM(2, 3, 0), ArgumentError, "num_layers must be greater than zero"),
    Refusal(
        lambda c: c.nn.LSTM(2, 3, proj_size=-1),
        ArgumentError,
        "proj_size should be a positive integer or zero to disable projections",
    ),
    Refusal(lambda c: c.nn.LSTM(2, 3, proj_size=3), ArgumentError, "proj_size has to be smaller than hidden_size"),
    Refusal(
        lambda c: c.nn.GRU(2, 3, proj_size=2),
        ArgumentError,
        "proj_size argument is only supported for LSTM, not RNN or GRU",
    ),
    Refusal(
        lambda c: c.nn.RNN(2, 3, nonlinearity="x"),
        ArgumentError,
        "Unknown nonlinearity 'x'. Select from 'tanh' or 'relu'.",
    ),
    Refusal(lambda c: c.nn.RNNCell(2, 3, nonlinearity="x")(c.zeros(1, 2)), ShapeError, "Unknown nonlinearity: x"),
    Refusal(lambda c: gru(c, (2,)), ArgumentError, "GRU: Expected input to be 2D or 3D, got 1D tensor instead"),
    Refusal(
        lambda c: gru(c, (4, 5, 3)),
        ShapeError,
        "input.size(-1) must be equal to input_size. Expected 2, got 3",
    ),
    Refusal(lambda c: gru(c, (0, 5, 2)), ShapeError, "Expected sequence length to be larger than 0 in RNN"),
    Refusal(
        lambda c: c.nn.LSTM(2, 3)(c.zeros(4, 5, 2, dtype=c.float64)),
        ArgumentError,
        "RNN input dtype (curta.float64) does not match weight dtype (curta.float32). Convert input: "
        "input.to(curta.float32), or convert model: model.to(curta.float64)",
    ),
    Refusal(lambda c: gru(c, (4, 5, 2), (1, 5, 2)), ShapeError, "Expected hidden size (1, 5, 3), got [1, 5, 2]"),
    Refusal(
        lambda c: gru(c, (4, 5, 2), (5, 3)),
        ShapeError,
        "For batched 3-D input, hx should also be 3-D but got 2-D tensor",
    ),
    Refusal(
        lambda c: gru(c, (4, 2), (1, 1, 3)),
        ShapeError,
        "For unbatched 2-D input, hx should also be 2-D but got 3-D tensor",
    ),
    Refusal(
        lambda c: lstm(c, (4, 5, 2), (1, 5, 3), (1, 4, 3)),
        ShapeError,
        "Expected hidden[1] size (1, 5, 3), got [1, 4, 3]",
    ),
    Refusal(
        lambda c: lstm(c, (4, 2), (1, 1, 3), (1, 3)),
        ShapeError,
        "For unbatched 2-D input, hx and cx should also be 2-D but got (3-D, 2-D) tensors",
    ),
    Refusal(
        lambda c: lstm_cell(c, (1, 2, 3)), ArgumentError, "LSTMCell: Expected input to be 1D or 2D, got 3D instead"
    ),
    Refusal(
        lambda c: lstm_cell(c, (4, 2), (1, 4, 3), (4, 3)),
        ArgumentError,
        "LSTMCell: Expected hx[0] to be 1D or 2D, got 3D instead",
    ),
    Refusal(lambda c: lstm_cell(c, (4, 3)), ShapeError, "input has inconsistent input_size: got 3 expected 2"),
    Refusal(
        lambda c: lstm_cell(c, (4, 2), (3, 3), (4, 3)),
        ShapeError,
        "Input batch size 4 doesn't match hidden0 batch size 3",
    ),
    Refusal(
        lambda c: lstm_cell(c, (4, 2), (4, 3), (4, 2)),
        ShapeError,
        "hidden1 has inconsistent hidden_size: got 2, expected 3",
    ),
    Refusal(lambda c: pack(c, [2, 3]), ShapeError, UNSORTED),
    Refusal(
        lambda c: pack(c, [3, 2, 1]),
        ShapeError,
        "Expected `len(lengths)` to be equal to batch_size, but got 3 (batch_size=2)",
    ),
    Refusal(
        lambda c: pack(c, [3, 0]),
        ShapeError,
        "Length of all samples has to be greater than 0, but found an element in 'lengths' that is <= 0",
    ),
    Refusal(
        lambda c: pack(c, [4, 3]),
        ShapeError,
        "pack_padded_sequence: a sequence of 4 steps in an input of 3",
        only_curta=True,
    ),
    Refusal(
        lambda c: c.nn.utils.rnn.pad_packed_sequence(pack(c, [3, 2]), total_length=2),
        ArgumentError,
        "Expected total_length to be at least the length of the longest sequence in input, but got total_length=2 "
        "and max sequence length being 3",
    ),
    Refusal(
        lambda c: c.nn.RNN(1, 2)(c.nn.utils.rnn.pack_sequence([c.zeros(2), c.zeros(1)])),
        ShapeError,
        "input must have 2 dimensions, got 1",
    ),
    Refusal(lambda c: c.nn.utils.rnn.pad_sequence([]), ShapeError, "received an empty list of sequences"),
    Refusal(
        lambda c: c.nn.utils.rnn.pad_sequence(3),
        ShapeError,
        "pad_sequence: Expected iterable for input sequences, but got arg of type: <class 'int'>",
    ),
    Refusal(
        lambda c: c.nn.utils.rnn.pad_sequence([c.zeros(2)], padding_side="x"),
        ShapeError,
        "Expected padding_side to be one of left or right, but got x.",
    ),
)
