"""Sequences, copies of views, views in place, results that go somewhere, memory formats: against NumPy and by hand."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import curta
from curta.autograd import gradcheck, gradgradcheck
from curta.errors import AutogradError
from curta.nn import functional as F

X = np.arange(12.0).reshape(3, 4)

#: (function of a tensor [3, 4], what NumPy says)
COPIES: dict[str, tuple[Any, Any]] = {
    "alias_copy": (lambda x: curta.alias_copy(x), X),
    "as_strided_copy": (lambda x: curta.as_strided_copy(x, (2, 2), (3, 1), 1), np.array([[1.0, 2], [4, 5]])),
    "diagonal_copy": (lambda x: curta.diagonal_copy(x, 1), np.diagonal(X, 1)),
    "expand_copy": (lambda x: curta.expand_copy(x, (2, 3, 4)), np.broadcast_to(X, (2, 3, 4))),
    "narrow_copy": (lambda x: x.narrow_copy(1, 1, 2), X[:, 1:3]),
    "permute_copy": (lambda x: curta.permute_copy(x, (1, 0)), X.T),
    "select_copy": (lambda x: curta.select_copy(x, 1, 2), X[:, 2]),
    "slice_copy": (lambda x: curta.slice_copy(x, 1, 0, 4, 2), X[:, ::2]),
    "split_copy": (lambda x: curta.split_copy(x, 2)[1], X[2:]),
    "split_with_sizes_copy": (lambda x: curta.split_with_sizes_copy(x, [1, 2])[1], X[1:]),
    "squeeze_copy": (lambda x: curta.squeeze_copy(x.unsqueeze(1)), X),
    "t_copy": (lambda x: curta.t_copy(x), X.T),
    "transpose_copy": (lambda x: curta.transpose_copy(x, 0, 1), X.T),
    "unbind_copy": (lambda x: curta.unbind_copy(x, 1)[3], X[:, 3]),
    "unfold_copy": (lambda x: curta.unfold_copy(x, 1, 2, 2), X.reshape(3, 2, 2)),
    "unsqueeze_copy": (lambda x: curta.unsqueeze_copy(x, 0), X[None]),
    "view_copy": (lambda x: curta.view_copy(x, (4, 3)), X.reshape(4, 3)),
    "fill": (lambda x: curta.fill(x, 3), np.full_like(X, 3)),
    "vander": (lambda x: curta.vander(x[1], 3), np.vander(X[1], 3)),
    "vander up": (lambda x: curta.vander(x[1], 2, increasing=True), np.vander(X[1], 2, increasing=True)),
    "flip": (lambda x: curta.flip(x, dims=(0, 1)), X[::-1, ::-1]),
    "nextafter": (lambda x: curta.nextafter(x, x.detach() * 0 + 50), np.nextafter(X, 50)),
    "squeeze_": (lambda x: (x[:1] * 2).squeeze_(), X[0] * 2),
    "unsqueeze_": (lambda x: (x * 2).unsqueeze_(1), X[:, None] * 2),
    "transpose_": (lambda x: (x * 2).transpose_(0, 1), X.T * 2),
    "swapaxes_": (lambda x: (x * 2).swapaxes_(0, 1), X.T * 2),
    "t_ then mul_": (lambda x: (x * 2).t_().mul_(3), X.T * 6),
    "as_strided_": (lambda x: (x * 2).as_strided_((3,), (4,)), X[:, 0] * 2),
    "channels_last": (
        lambda x: x.view(1, 3, 2, 2).contiguous(memory_format=curta.channels_last).clone(), X.reshape(1, 3, 2, 2)
    ),
    "H": (lambda x: x.H * 2, X.T * 2),
    "real": (lambda x: curta.real(x).conj().resolve_conj().resolve_neg() * 2, X * 2),
    "softmax": (lambda x: x.softmax(1), np.exp(X - 11) / np.exp(X - 11).sum(1, keepdims=True)),
    "log_softmax": (lambda x: x.log_softmax(1), X - 11 - np.log(np.exp(X - 11).sum(1, keepdims=True))),
    "constant_pad_nd": (lambda x: curta.constant_pad_nd(x, (1, 0), 5), np.pad(X, ((0, 0), (1, 0)), constant_values=5)),
    "nonzero_static": (lambda x: curta.nonzero_static(x.detach() > 9, size=3), np.array([[2, 2], [2, 3], [-1, -1]])),
}  # fmt: skip


@pytest.mark.parametrize("name", list(COPIES))
def test_values_gradients_compiled_and_without_data(name: str) -> None:
    function, expected = COPIES[name]
    x = curta.tensor(X)
    made = function(x)
    assert made.shape == expected.shape
    assert np.allclose(made.numpy(), expected, 1e-15)
    if name.endswith("_copy"):
        assert made.untyped_storage() is not x.untyped_storage()
    assert np.allclose(curta.compile(function)(x).numpy(), expected, 1e-15)
    hollow = function(x.to("meta"))
    assert (hollow.shape, hollow.dtype, hollow.device.type) == (made.shape, made.dtype, "meta")
    if made.dtype.is_floating_point and name != "nextafter":
        assert gradcheck(function, (curta.tensor(X, requires_grad=True),))
        assert gradgradcheck(lambda one: function(one * one), (curta.tensor(X / 4, requires_grad=True),))


def test_sequences_and_indices() -> None:
    assert np.allclose(curta.logspace(0.5, 2, 4, 2.0, dtype=curta.float64).numpy(), np.logspace(0.5, 2, 4, base=2))
    assert curta.logspace(0, 2.7, 4, dtype=curta.int16).tolist() == [1, 4, 21, 100]  # as PyTorch counts
    assert curta.linspace(curta.tensor(1), curta.tensor(2.0), 3).tolist() == [1.0, 1.5, 2.0]
    assert curta.linspace(4.3, 0, 9, dtype=curta.uint8).tolist() == [4, 3, 3, 2, 2, 1, 1, 0, 0]
    with pytest.warns(UserWarning, match="range is deprecated"):
        assert curta.range(1, 4, 0.5).tolist() == [1.0, 1.5, 2.0, 2.5, 3.0, 3.5, 4.0]
    with pytest.warns(UserWarning, match="range is deprecated"):
        assert curta.range(0, 4, dtype=curta.int64).tolist() == [0, 1, 2, 3, 4]
    for offset in (-1, 0, 2):
        assert np.array_equal(curta.tril_indices(3, 4, offset).numpy(), np.stack(np.tril_indices(3, offset, 4)))
        assert np.array_equal(curta.triu_indices(3, 4, offset).numpy(), np.stack(np.triu_indices(3, offset, 4)))
    assert curta.tril_indices(3, 2, device="meta").shape == (2, 5)
    places = curta.unravel_index(curta.tensor([7, 11]), (2, 3, 2))
    assert [one.tolist() for one in places] == [list(one) for one in np.unravel_index([7, 11], (2, 3, 2))]
    assert curta.unravel_index(curta.tensor(3), 4)[0].item() == 3
    assert curta.nonzero_static(curta.tensor(3), size=2).shape == (2, 0)
    assert curta.nonzero_static(curta.tensor([0, 5, 0, 6]), size=1, fill_value=9).tolist() == [[1]]
    assert (curta.scalar_tensor(3).dtype, curta.scalar_tensor(True, dtype=curta.int32).item()) == (curta.float32, 1)
    assert curta.empty_permuted((2, 3, 4), (2, 0, 1)).stride() == (3, 1, 6)
    assert curta.zeros(2).new_empty_strided((2, 2), (1, 2)).stride() == (1, 2)


def test_sizes_and_memory_in_place() -> None:
    x = curta.arange(6)
    part = x[2:]
    assert part.resize_(2, 2).tolist() == [[2, 3], [4, 5]]
    assert part.untyped_storage() is x.untyped_storage()
    assert part.resize_(8)[:4].tolist() == [2, 3, 4, 5]
    assert x.tolist() == [0, 1, 2, 3, 4, 5]
    assert curta.zeros(3).resize_as_(curta.zeros(1, 2)).shape == (1, 2)
    y = curta.zeros(0, dtype=curta.int64).set_(x)
    assert y.is_set_to(x)
    assert y.set_(x.untyped_storage(), 1, (2,), (2,)).tolist() == [1, 3]
    assert y.set_().shape == (0,)
    tall = curta.zeros(7, 3).fill_diagonal_(5, wrap=True)
    expected = np.zeros((7, 3))
    np.fill_diagonal(expected, 5, wrap=True)
    assert tall.tolist() == expected.tolist()
    assert curta.zeros(2, 2, 2).fill_diagonal_(1).sum() == 2
    base = curta.ones(2, 2, requires_grad=True)
    (whole := base * 1).fill_diagonal_(9)
    whole.sum().backward()
    assert base.grad is not None
    assert base.grad.tolist() == [[0, 1], [1, 0]]
    leaf = base.detach_()
    assert leaf is base
    assert not base.requires_grad


def test_a_view_in_place_keeps_its_base_and_takes_gradients() -> None:
    base = curta.tensor(X, requires_grad=True)
    whole = base * 1
    row = whole[1]
    row.unsqueeze_(0).mul_(5)
    assert row.shape == (1, 4)
    (whole * whole).sum().backward()
    assert base.grad is not None
    scale = np.array([[1.0], [25.0], [1.0]])
    assert np.allclose(base.grad.numpy(), 2 * X * scale)
    assert curta.plan(lambda one: (one * 2).t_().add_(1), curta.tensor(X)).flops == 24


@pytest.mark.parametrize(
    "change", [lambda y: y.t_(), lambda y: y.resize_(1), lambda y: y.resize_(3, 3), lambda y: y.set_(curta.zeros(2, 3))]
)
def test_a_tensor_that_is_saved_for_gradients_must_stay_as_it_is(change: Any) -> None:
    x, y = curta.ones(2, 3, requires_grad=True), curta.ones(2, 3)
    made = (x * y).sum()
    change(y)
    with pytest.raises(AutogradError, match="modified by an inplace operation"):
        made.backward()


def test_results_go_where_the_caller_says() -> None:
    target = curta.empty(0)
    assert curta.exp(curta.zeros(2), out=target) is target
    assert target.tolist() == [1.0, 1.0]
    with pytest.warns(UserWarning, match="An output with one or more elements was resized"):
        curta.arange(3.0, out=target)
    assert target.tolist() == [0.0, 1.0, 2.0]
    assert curta.cat([curta.zeros(1), curta.ones(1)], out=curta.empty(2, dtype=curta.float64)).dtype is curta.float64
    whole = curta.zeros(2, 2)
    curta.add(curta.ones(2), 1, out=whole[1])
    assert whole.tolist() == [[0, 0], [2, 2]]
    for call in (
        lambda out: curta.index_copy(curta.zeros(2), 0, curta.tensor([1]), curta.ones(1), out=out),
        lambda out: curta.take(curta.tensor([[0.0], [1.0]]), curta.tensor([0, 1]), out=out),
        lambda out: curta.diag(curta.tensor([[0.0, 5.0], [5.0, 1.0]]), out=out),
        lambda out: curta.gather(curta.tensor([1.0, 0.0]), 0, curta.tensor([1, 0]), out=out),
        lambda out: curta.t_copy(curta.tensor([0.0, 1.0]), out=out),
        lambda out: curta.column_stack([curta.tensor([[0.0, 1.0]])], out=out.resize_(1, 2)),
    ):
        assert call(curta.empty(2)).reshape(-1).tolist() == [0, 1]
    first, second = curta.empty(1), curta.empty(1)
    curta.split_copy(curta.tensor([1.0, 2.0]), 1, out=(first, second))
    assert (first.item(), second.item()) == (1, 2)


def test_memory_formats_and_conversions() -> None:
    x = curta.arange(24.0).view(1, 2, 3, 4)
    last = x.contiguous(memory_format=curta.channels_last)
    assert last.stride() == (24, 1, 8, 2)
    assert last.is_contiguous(memory_format=curta.channels_last)
    assert not last.is_contiguous()
    assert not curta.zeros(2).is_contiguous(memory_format=curta.channels_last)
    assert last.contiguous(memory_format=curta.channels_last) is last
    assert last.clone().stride() == last.stride()
    assert last.clone(memory_format=curta.contiguous_format).is_contiguous()
    assert curta.empty(1, 2, 3, 4, memory_format=curta.channels_last).stride() == last.stride()
    assert curta.zeros_like(x, memory_format=curta.channels_last).stride() == last.stride()
    assert x.double(memory_format=curta.channels_last).stride() == last.stride()
    assert x.to(curta.float32, copy=True) is not x
    assert x.to("cpu", curta.float64, False, True).dtype is curta.float64
    assert (repr(curta.channels_last_3d), repr(curta.strided)) == ("curta.channels_last_3d", "curta.strided")
    assert x.to("meta", curta.int8).dtype is curta.int8


def test_questions_and_numbers_that_are_real() -> None:
    x = curta.tensor([-2.0, 0.0, float("nan")])
    assert curta.angle(x)[:2].tolist() == [float(np.float32(np.pi)), 0.0]
    assert curta.angle(x)[2].isnan()
    assert curta.isreal(x).all()
    assert curta.conj_physical(x) is x
    assert not any((curta.is_complex(x), curta.is_conj(x), curta.is_neg(x), curta.is_inference(x), curta.is_storage(x)))
    assert all((curta.is_floating_point(x), curta.is_signed(x), curta.is_tensor(x), curta.is_nonzero(x[0])))
    assert curta.is_same_size(x, x + 1)
    assert (curta.numel(x), curta.get_device(x)) == (3, -1)
    assert curta.result_type(curta.tensor([1]), 1.0) is curta.float32


def test_other_names_and_forms() -> None:
    x = curta.tensor([-1.5, 0.5])
    assert curta.abs_(x.clone()).tolist() == [1.5, 0.5]
    assert x.multiply(2).divide(2, rounding_mode="floor").tolist() == [-2.0, 0.0]
    assert x.clone().subtract_(1).negative_().tolist() == [2.5, 0.5]
    assert x.clone().gt_(0).tolist() == [0.0, 1.0]
    assert x.greater(0).tolist() == [False, True]
    assert (x.fix().tolist(), x.arcsinh().equal(x.asinh())) == ([-1.0, 0.0], True)
    grown = curta.ones(2, requires_grad=True)
    made = (grown * 2).zero_()
    made.sum().backward()
    assert grown.grad is not None
    assert (made.tolist(), grown.grad.tolist()) == ([0, 0], [0, 0])


def test_functions_of_networks_in_their_other_forms() -> None:
    x, weight = curta.tensor(X, dtype=curta.float32), curta.ones(4)
    made, mean, rstd = curta.native_layer_norm(x, (4,), weight, None, 0.0)
    assert made.equal(curta.layer_norm(x, (4,), weight, eps=0.0))
    assert np.allclose(mean.numpy(), X.mean(1, keepdims=True))
    assert np.allclose(rstd.numpy(), 1 / X.std(1, keepdims=True))
    _, mean, rstd = curta.native_group_norm(x, None, None, 3, 4, 1, 2, 0.0)
    assert np.allclose(mean.numpy(), X.reshape(3, 2, 2).mean(2))
    assert np.allclose(rstd.numpy(), 1 / X.reshape(3, 2, 2).std(2))
    made, mean, _ = curta.native_batch_norm(x, None, None, None, None, True, 0.1, 0.0)
    assert np.allclose(mean.numpy(), X.mean(0))
    assert made.equal(curta.batch_norm(x, None, None, None, None, True, 0.1, 0.0, False))
    assert curta.native_batch_norm(x, None, None, mean, mean, False, 0.1, 0.0)[1].shape == (0,)
    assert curta.embedding(x, curta.tensor([1])).tolist() == X[1:2].tolist()
    assert curta.dropout(x, 0.5, False).equal(x)
    assert curta.group_norm(x, 2).equal(F.group_norm(x, 2))
    image = x.view(1, 3, 4)
    assert curta.instance_norm(image, None, None, None, None, True, 0.1, 1e-5, False).equal(F.instance_norm(image))
    for number, reduction in enumerate(("none", "mean", "sum")):
        assert curta.kl_div(x, x, number).equal(F.kl_div(x, x, reduction=reduction))
        assert curta.hinge_embedding_loss(x, x, 1.0, number).equal(F.hinge_embedding_loss(x, x, reduction=reduction))
    for module, function in ((curta.nn.LSTM, curta.lstm), (curta.nn.GRU, curta.gru), (curta.nn.RNN, curta.rnn_tanh)):
        layer = module(4, 2, num_layers=2, bidirectional=True)
        states = curta.ones(4, 3, 2)
        hx = (states, states) if function is curta.lstm else states
        out, *ends = function(x.view(1, 3, 4), hx, list(layer.parameters()), True, 2, 0.0, False, True, False)
        expected, last = layer(x.view(1, 3, 4), hx)
        assert out.equal(expected)
        assert ends[0].equal(last[0] if function is curta.lstm else last)
    cell = curta.nn.GRUCell(4, 2)
    assert curta.gru_cell(x, curta.ones(3, 2), *cell.parameters()).equal(cell(x, curta.ones(3, 2)))


@pytest.mark.parametrize(
    ("shape", "strides", "dim", "expected"),
    [
        ((2, 3, 4, 5), (60, 1, 15, 3), 0, (60, 1, 15, 3)), ((2, 3, 4, 5), (60, 1, 15, 3), 1, (120, 1, 30, 6)),
        ((2, 3, 4, 5), (60, 1, 15, 3), 3, (120, 1, 30, 3)), ((2, 1, 4, 5), (20, 1, 5, 1), 2, (40, 1, 5, 1)),
        ((2, 3, 1, 1), (3, 1, 3, 3), 1, (6, 1, 6, 6)), ((1, 1, 1, 1), (1, 1, 1, 1), 0, (1, 1, 1, 1)),
        ((2, 3, 2, 4, 5), (120, 1, 60, 15, 3), 2, (240, 1, 60, 15, 3)),
        ((0, 3, 4, 5), (60, 1, 15, 3), 0, (60, 20, 5, 1)),
        ((2, 3, 4, 5), (1, 2, 6, 24), 0, (60, 20, 5, 1)),
    ],
)  # fmt: skip
def test_what_has_channels_last_is_joined_so(shape, strides, dim, expected):
    """The strides that torch 2.13 gives."""
    one = curta.zeros(400).as_strided(shape, strides)
    assert curta.cat([one, one], dim).stride() == expected
    row_major = curta.zeros(shape)
    assert curta.cat([one, row_major], dim).is_contiguous()
