"""Recurrent networks as functions: one step of a cell, one direction of one layer, all layers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from curta import functions
from curta.autograd.state import STATE
from curta.functions.operands import lowered
from curta.nn.dropout import dropout
from curta.ops.dispatch import bind, remember
from curta.ops.joining import SPLIT
from curta.ops.matmul import LINEAR, PROJECTION
from curta.ops.recurrent import GRU_CELL, LSTM_CELL
from curta.tensor import Tensor

#: one state for RNN and GRU, (hidden, cell) for LSTM
State = tuple[Any, ...]
#: weight_ih, weight_hh, bias_ih, bias_hh, weight_hr; None where there is none
Weights = Sequence[Any]
#: what the input adds at one step, the state before it, the weights; the state after it
Step = Callable[[Any, State, Weights], State]


def project(mode: str, x: Any, weights: Weights) -> Any:
    """All that the input adds to the gates: x [..., C] for any number of steps at once, one product."""
    weight_ih, _, bias_ih, bias_hh, _ = weights
    if bias_ih is None:
        return bind(PROJECTION, (x, weight_ih))
    # a GRU multiplies by its reset gate what the hidden state adds, the bias included
    return bind(LINEAR, (x, weight_ih, bias_ih if mode == "GRU" else bias_ih + bias_hh))


def _gates(sums: Any, count: int) -> tuple[Any, ...]:
    B, width = sums.layout.shape
    return functions.unbind(sums.reshape(B, count, width // count), 1)


def _simple(added: Any, state: State, weights: Weights) -> Any:
    return bind(LINEAR, (state[0], weights[1], added))


def _tanh(added: Any, state: State, weights: Weights) -> State:
    return (_simple(added, state, weights).tanh(),)


def _relu(added: Any, state: State, weights: Weights) -> State:
    return (_simple(added, state, weights).relu(),)


def _lstm(added: Any, state: State, weights: Weights) -> State:
    hidden, cell = bind(LSTM_CELL, (*_gates(_simple(added, state, weights), 4), state[1]))
    weight_hr = weights[4]
    return (hidden if weight_hr is None else bind(PROJECTION, (hidden, weight_hr)), cell)


def _gru(added: Any, state: State, weights: Weights) -> State:
    _, weight_hh, _, bias_hh, _ = weights
    pair = (state[0], weight_hh)
    recurrent = bind(PROJECTION, pair) if bias_hh is None else bind(LINEAR, (*pair, bias_hh))
    return (bind(GRU_CELL, (*_gates(added, 3), *_gates(recurrent, 3), state[0])),)


#: by mode: the step, and how many rows of the weights there are for each hidden unit
STEPS: dict[str, tuple[Step, int]] = {
    "RNN_TANH": (_tanh, 1), "RNN_RELU": (_relu, 1), "LSTM": (_lstm, 4), "GRU": (_gru, 3),
}  # fmt: skip


def cell(mode: str, x: Any, state: State, weights: Weights) -> State:
    """One step of a cell for x [B, C], to the next state."""
    x, *state_and_weights = lowered(x, *state, *weights)
    state, weights = tuple(state_and_weights[: len(state)]), state_and_weights[len(state) :]
    return STEPS[mode][0](project(mode, x, weights), state, weights)


def apart(x: Any, lengths: tuple[int, ...]) -> tuple[Any, ...]:
    """Views of consecutive rows, whose gradients are put together once and not added up part by part."""
    if len(lengths) < 2 or x.batch is not None or not (STATE.grad_enabled and x.requires_grad):
        return functions.split(x, lengths)
    STATE.grad_enabled = False
    try:
        parts = functions.split(x, lengths)
    finally:
        STATE.grad_enabled = True
    remember(SPLIT, (x,), parts, {"dim": 0, "lengths": lengths})
    return parts


def _direction(mode: str, x: Any, state: State, weights: Weights, time: int, backwards: bool) -> tuple[Any, State]:
    """One direction of one layer over x, whose dimension `time` is the steps: all results, and the last state."""
    step, made = STEPS[mode][0], []
    added = functions.unbind(project(mode, x, weights), time)
    for now in reversed(added) if backwards else added:
        state = step(now, state, weights)
        made.append(state[0])
    return functions.stack(made[::-1] if backwards else made, time), state


def _packed_direction(
    mode: str, x: Any, state: State, weights: Weights, sizes: tuple[int, ...], backwards: bool
) -> tuple[Any, State]:
    """As `_direction` over packed rows: `sizes[t]` sequences, the longest first, are still there at step t."""
    step, made, first, finished = STEPS[mode][0], [], state, []
    added = apart(project(mode, x, weights), sizes)
    order = range(len(sizes))[::-1] if backwards else range(len(sizes))
    count = sizes[order[0]]
    state = tuple(one[:count] for one in first)
    for place in order:
        size = sizes[place]
        if size < count:
            finished.append(tuple(one[size:count] for one in state))
            state = tuple(one[:size] for one in state)
        elif size > count:
            state = tuple(functions.cat([one, start[count:size]]) for one, start in zip(state, first, strict=True))
        count = size
        state = step(added[place], state, weights)
        made.append(state[0])
    last = [state, *finished[::-1]]
    ends = tuple(functions.cat(parts) if len(parts) > 1 else parts[0] for parts in zip(*last, strict=True))
    return functions.cat(made[::-1] if backwards else made), ends


def layers(
    mode: str, x: Tensor, state: State, weights: Sequence[Weights], time: int, sizes: tuple[int, ...] | None,
    bidirectional: bool, p: float,
) -> tuple[Any, State]:  # fmt: skip
    """All layers over x, its steps along dimension `time`, or rows packed with `sizes`; `p` is dropout between layers.

    `state` and what is given back have the layers and directions as their first dimension, `weights` one entry for
    each of these.
    """
    x, *state = lowered(x, *state)
    directions, ends = 2 if bidirectional else 1, []
    starts = list(zip(*(functions.unbind(one, 0) for one in state), strict=True))
    for layer in range(len(weights) // directions):
        if layer and p:
            x = dropout(x, p)
        results = []
        for number in range(directions):
            place = layer * directions + number
            given = lowered(*weights[place])
            if sizes is None:
                made, end = _direction(mode, x, starts[place], given, time, bool(number))
            else:
                made, end = _packed_direction(mode, x, starts[place], given, sizes, bool(number))
            results.append(made)
            ends.append(end)
        x = functions.cat(results, -1) if bidirectional else results[0]
    return x, tuple(functions.stack(parts) for parts in zip(*ends, strict=True))
