"""Recurrent networks against NumPy in float64, step by step; gradients by finite differences; packed against alone."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import curta
from curta import nn
from curta.errors import CurtaWarning
from curta.nn.utils import rnn

RNG = np.random.default_rng(5)
KINDS = {
    "RNN": nn.RNN, "relu": lambda *a, **k: nn.RNN(*a, nonlinearity="relu", **k), "LSTM": nn.LSTM, "GRU": nn.GRU,
}  # fmt: skip
OPTIONS: tuple[dict[str, Any], ...] = (
    {}, {"num_layers": 2, "bidirectional": True}, {"bias": False, "batch_first": True},
)  # fmt: skip
C, H, T, B = 3, 4, 5, 2


def sigmoid(x: Any) -> Any:
    return 1 / (1 + np.exp(-x))


def one_step(kind: str, x: Any, state: tuple[Any, ...], w: dict[str, Any]) -> tuple[Any, ...]:
    """The equations, one sequence and one step at a time."""
    bias_x, bias_h = w.get("bias_ih", 0), w.get("bias_hh", 0)
    from_x, from_h = w["weight_ih"] @ x + bias_x, w["weight_hh"] @ state[0] + bias_h
    if kind == "GRU":
        (xr, xz, xn), (hr, hz, hn) = np.split(from_x, 3), np.split(from_h, 3)
        z = sigmoid(xz + hz)
        return ((1 - z) * np.tanh(xn + sigmoid(xr + hr) * hn) + z * state[0],)
    if kind != "LSTM":
        return (np.tanh(from_x + from_h) if kind == "RNN" else np.maximum(from_x + from_h, 0),)
    i, f, g, o = np.split(from_x + from_h, 4)
    cell = sigmoid(f) * state[1] + sigmoid(i) * np.tanh(g)
    hidden = sigmoid(o) * np.tanh(cell)
    return (w["weight_hr"] @ hidden if "weight_hr" in w else hidden, cell)


def oracle(kind: str, layer: Any, x: Any, states: list[Any]) -> tuple[Any, list[Any]]:
    """x [T, C] of one sequence, states [layers * directions, H] each."""
    weights = {name: value.detach().numpy() for name, value in layer.state_dict().items()}
    ends = []
    for number in range(layer.num_layers):
        both = []
        for way, ending in enumerate(("", "_reverse")[: 2 if layer.bidirectional else 1]):
            tail = f"_l{number}{ending}"
            own = {name.removesuffix(tail): value for name, value in weights.items() if name.endswith(tail)}
            state = tuple(one[len(ends)] for one in states)
            made = []
            for row in x[::-1] if way else x:
                state = one_step(kind, row, state, own)
                made.append(state[0])
            both.append(np.array(made[::-1] if way else made))
            ends.append(state)
        x = np.concatenate(both, 1)
    return x, [np.array(parts) for parts in zip(*ends, strict=True)]


def start(kind: str, layer: Any, batch: int = B) -> list[Any]:
    count = layer.num_layers * (2 if layer.bidirectional else 1)
    widths = [layer.proj_size or H, H] if kind == "LSTM" else [H]
    return [RNG.standard_normal((count, batch, width)) for width in widths]


def called(kind: str, layer: Any, x: Any, states: list[Any] | None) -> tuple[Any, tuple[Any, ...]]:
    given = None if states is None else tuple(map(curta.from_numpy, states))
    out, end = layer(x, given if given is None or kind == "LSTM" else given[0])
    return out, end if kind == "LSTM" else (end,)


CASES = [(kind, options) for kind in KINDS for options in OPTIONS]
CASES.append(("LSTM", {"proj_size": 2, "num_layers": 2, "bidirectional": True}))


@pytest.mark.parametrize(("kind", "options"), CASES, ids=str)
def test_values_states_and_unbatched(kind: str, options: dict[str, Any]) -> None:
    layer = KINDS[kind](C, H, dtype=curta.float64, **options)
    x, states = RNG.standard_normal((T, B, C)), start(kind, layer)
    first = layer.batch_first
    out, ends = called(kind, layer, curta.from_numpy(x.swapaxes(0, 1).copy() if first else x), states)
    for b in range(B):
        wanted, last = oracle(kind, layer, x[:, b], [one[:, b] for one in states])
        np.testing.assert_allclose((out[b] if first else out[:, b]).detach().numpy(), wanted, rtol=1e-11, atol=1e-12)
        for found, end in zip(ends, last, strict=True):
            np.testing.assert_allclose(found[:, b].detach().numpy(), end, rtol=1e-11, atol=1e-12)
    alone, _ = called(kind, layer, curta.from_numpy(x[:, 0].copy()), None)
    wanted, _ = oracle(kind, layer, x[:, 0], [np.zeros_like(one[:, 0]) for one in states])
    np.testing.assert_allclose(alone.detach().numpy(), wanted, rtol=1e-11, atol=1e-12)


@pytest.mark.parametrize("lengths", [[5, 3, 3, 1], [2, 5, 1, 4]], ids=str)
@pytest.mark.parametrize(("kind", "options"), [CASES[7], CASES[10]], ids=str)
def test_packed_sequences_are_those_alone(kind: str, options: dict[str, Any], lengths: list[int]) -> None:
    layer = KINDS[kind](C, H, dtype=curta.float64, **options)
    sequences = [RNG.standard_normal((length, C)) for length in lengths]
    states = start(kind, layer, len(lengths))
    tensors = [curta.from_numpy(one).requires_grad_() for one in sequences]
    ordered = lengths == sorted(lengths, reverse=True)
    out, ends = called(kind, layer, rnn.pack_sequence(tensors, enforce_sorted=ordered), states)
    (out.data.sin().sum() + sum(end.cos().sum() for end in ends)).backward()
    packed_gradient = layer.weight_hh_l0.grad.clone()
    layer.zero_grad()
    padded, found_lengths = rnn.pad_packed_sequence(out)
    assert found_lengths.tolist() == lengths
    for b, length in enumerate(lengths):
        alone = curta.from_numpy(sequences[b]).requires_grad_()
        own, last = called(kind, layer, alone.unsqueeze(1), [one[:, b : b + 1].copy() for one in states])
        (own.sin().sum() + sum(end.cos().sum() for end in last)).backward()
        np.testing.assert_allclose(padded[:length, b].detach().numpy(), own[:, 0].detach().numpy(), 1e-12, 1e-14)
        np.testing.assert_allclose(tensors[b].grad.numpy(), alone.grad.numpy(), rtol=1e-10, atol=1e-13)
        assert padded[length:, b].detach().abs().sum().item() == 0.0
        for found, end in zip(ends, last, strict=True):
            np.testing.assert_allclose(found[:, b].detach().numpy(), end[:, 0].detach().numpy(), 1e-12, 1e-14)
    np.testing.assert_allclose(packed_gradient.numpy(), layer.weight_hh_l0.grad.numpy(), rtol=1e-10, atol=1e-13)


@pytest.mark.parametrize("kind", KINDS)
def test_first_and_second_gradients(kind: str) -> None:
    layer = KINDS[kind](2, 2, dtype=curta.float64)
    names = [name for name, _ in layer.named_parameters()]
    x = curta.from_numpy(RNG.standard_normal((2, 1, 2))).requires_grad_()

    def function(x: Any, *weights: Any) -> Any:
        copy = KINDS[kind](2, 2, dtype=curta.float64)
        copy._parameters.update(zip(names, weights, strict=True))
        out, end = copy(x)
        return out + end[1] if kind == "LSTM" else out

    given = (x, *(one.detach().clone().requires_grad_() for one in layer.parameters()))
    assert curta.autograd.gradcheck(function, given)
    assert curta.autograd.gradgradcheck(function, given)


@pytest.mark.parametrize("kind", ["RNN", "LSTM", "GRU"])
def test_a_cell_is_one_step(kind: str) -> None:
    cell = getattr(nn, f"{kind}Cell")(C, H, dtype=curta.float64)
    weights = {name: value.detach().numpy() for name, value in cell.named_parameters()}
    x, states = RNG.standard_normal((B, C)), [RNG.standard_normal((B, H)) for _ in range(2 if kind == "LSTM" else 1)]
    given = tuple(map(curta.from_numpy, states))
    made = cell(curta.from_numpy(x), given if kind == "LSTM" else given[0])
    for b in range(B):
        wanted = one_step(kind, x[b], tuple(one[b] for one in states), weights)
        for found, value in zip(made if kind == "LSTM" else (made,), wanted, strict=True):
            np.testing.assert_allclose(found[b].detach().numpy(), value, rtol=1e-12)
    alone = cell(curta.from_numpy(x[0].copy()))
    wanted = one_step(kind, x[0], (np.zeros(H), np.zeros(H)), weights)[0]
    np.testing.assert_allclose((alone[0] if kind == "LSTM" else alone).detach().numpy(), wanted, rtol=1e-12)


def test_products_of_an_lstm_are_counted_exactly() -> None:
    """T B (128 * 512 + 128 * 512) multiply-adds, on the meta device and off it."""
    for device in ("meta", "cpu"):
        layer = nn.LSTM(128, 128, device=device)
        with curta.account() as books, curta.no_grad():
            layer(curta.zeros(10, 4, 128, device=device))
        assert books.model_flops == 10_485_760
    projected = [node for node, cost in books.by_op().items() if cost.model_flops]
    assert projected == ["linear"]


def test_cells_are_one_kernel_of_known_cost() -> None:
    with curta.account() as books, curta.no_grad():
        nn.LSTMCell(C, H)(curta.zeros(B, C))
        nn.GRUCell(C, H)(curta.zeros(B, C))
    costs = books.by_op()
    # f c + i g, o tanh(c); three sigmoids and two tanhs
    assert costs["lstm_cell"][:2] == (4 * B * H, 5 * B * H)
    # two sums, r h + x, n + z (h - n); two sigmoids and a tanh
    assert costs["gru_cell"][:2] == (7 * B * H, 3 * B * H)


@pytest.mark.parametrize("kind", ["RNN", "LSTM", "GRU"])
def test_compiled_and_planned(kind: str) -> None:
    curta.manual_seed(0)
    layer = KINDS[kind](C, H, num_layers=2, bidirectional=True, dropout=0.3)
    x = curta.randn(T, 3, C)

    def step(x: Any) -> Any:
        layer.zero_grad()
        packed = rnn.pack_padded_sequence(x, [2, 5, 3], enforce_sorted=False)
        out, end = layer(packed)
        padded, _ = rnn.pad_packed_sequence(out)
        plain, _ = layer(x)
        ((padded * padded).sum() + plain.sum() + (end[0] if kind == "LSTM" else end).sum()).backward()
        return padded, [one.grad for one in layer.parameters()]

    planned = curta.plan(step, x)
    with curta.account() as books:
        curta.manual_seed(1)
        wanted, gradients = step(x)
    gradients = [one.clone() for one in gradients]
    for figure in ("flops", "model_flops", "transcendentals", "bytes_read", "bytes_written", "calls"):
        assert getattr(planned, figure) == getattr(books, figure), figure
    curta.manual_seed(1)
    found, compiled = curta.compile(step)(x)
    assert found.tolist() == wanted.tolist()
    for one, other in zip(compiled, gradients, strict=True):
        np.testing.assert_allclose(one.numpy(), other.numpy(), rtol=2e-5, atol=2e-6)


def test_half_formats_and_autocast() -> None:
    layer, x = nn.LSTM(C, H), curta.from_numpy(RNG.standard_normal((T, B, C))).float()
    exact = layer(x)[0].detach().numpy()
    with curta.autocast("cpu", dtype=curta.bfloat16):
        out = layer(x)[0]
    assert out.dtype is curta.bfloat16
    np.testing.assert_allclose(out.float().detach().numpy(), exact, atol=0.02)
    half = layer.bfloat16()(x.bfloat16())[0]
    assert half.dtype is curta.bfloat16
    np.testing.assert_allclose(half.float().detach().numpy(), exact, atol=0.03)


def test_parameters_are_named_and_printed_as_pytorch_does() -> None:
    layer = nn.LSTM(3, 4, 2, bidirectional=True, proj_size=2)
    names = ["weight_ih", "weight_hh", "bias_ih", "bias_hh", "weight_hr"]
    ends = ["_l0", "_l0_reverse", "_l1", "_l1_reverse"]
    assert list(layer.state_dict()) == [name + end for end in ends for name in names]
    assert tuple(layer.weight_ih_l1.shape) == (16, 4)
    assert repr(layer) == "LSTM(3, 4, proj_size=2, num_layers=2, bidirectional=True)"
    assert repr(nn.GRUCell(2, 3, bias=False)) == "GRUCell(2, 3, bias=False)"
    assert repr(nn.RNNCell(2, 3, nonlinearity="relu")) == "RNNCell(2, 3, nonlinearity=relu)"
    assert [len(weights) for weights in layer.all_weights] == [5] * 4
    layer.flatten_parameters()
    assert max(one.abs().max().item() for one in layer.parameters()) <= 0.5
    with pytest.warns(CurtaWarning, match="dropout option adds dropout after all but last recurrent layer"):
        nn.LSTM(2, 3, dropout=0.5)


def test_empty_batches() -> None:
    assert tuple(nn.LSTM(C, H)(curta.zeros(T, 0, C))[0].shape) == (T, 0, H)
    assert tuple(nn.GRUCell(C, H)(curta.zeros(0, C)).shape) == (0, H)


def test_sequences_in_and_out() -> None:
    rows = [curta.tensor([1.0, 2.0]), curta.tensor([3.0, 4.0, 5.0]), curta.tensor([6.0])]
    assert rnn.pad_sequence(rows, padding_value=9.0).tolist() == [[1.0, 3.0, 6.0], [2.0, 4.0, 9.0], [9.0, 5.0, 9.0]]
    left = rnn.pad_sequence(rows, batch_first=True, padding_side="left")
    assert left.tolist() == [[0.0, 1.0, 2.0], [3.0, 4.0, 5.0], [0.0, 0.0, 6.0]]
    packed = rnn.pack_sequence(rows, enforce_sorted=False)
    assert packed.data.tolist() == [3.0, 1.0, 6.0, 4.0, 2.0, 5.0]
    assert packed.batch_sizes.tolist() == [3, 2, 1]
    assert packed.sorted_indices.tolist() == [1, 0, 2]
    assert packed.unsorted_indices.tolist() == [1, 0, 2]
    assert [one.tolist() for one in rnn.unpack_sequence(packed)] == [one.tolist() for one in rows]
    padded, lengths = rnn.pad_packed_sequence(packed.double(), True, -1.0, 4)
    assert padded.tolist() == [[1.0, 2.0, -1.0, -1.0], [3.0, 4.0, 5.0, -1.0], [6.0, -1.0, -1.0, -1.0]]
    assert [one.tolist() for one in rnn.unpad_sequence(padded, lengths, True)] == [one.tolist() for one in rows]
    other = rnn.PackedSequence(packed.data, packed.batch_sizes, curta.tensor([2, 0, 1]))
    assert other.unsorted_indices.tolist() == [1, 2, 0]
    assert rnn.pad_packed_sequence(other)[0][0].tolist() == [1.0, 6.0, 3.0]
    assert packed.to(curta.float16).float().data.dtype is curta.float32
