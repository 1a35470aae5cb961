"""Tables, bags of their rows, and bilinear maps: PyTorch's numbers, NumPy's, and finite differences."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import curta
from curta import nn
from curta.autograd import gradcheck, gradgradcheck
from curta.nn import functional as F

INDICES, OFFSETS = [0, 2, 2, 3, 1, 3], [0, 2, 2, 5]
#: plain, without row 3, in two bags whose end is told, in three bags of two
BAGS = {
    "sum": (
        [[-4.0, 2.0, 0.0], [0.0, 0.0, 0.0], [3.0, -6.0, 4.5], [4.0, -5.0, 3.0]],
        [[-4.0, 2.0, 0.0], [0.0, 0.0, 0.0], [-1.0, -1.0, 1.5], [0.0, 0.0, 0.0]],
        [[1.0, -5.0, 4.5], [2.0, -4.0, 3.0]],
        [[-4.0, 2.0, 0.0], [5.0, -7.0, 4.5], [2.0, -4.0, 3.0]],
    ),
    "mean": (
        [[-2.0, 1.0, 0.0], [0.0, 0.0, 0.0], [1.0, -2.0, 1.5], [4.0, -5.0, 3.0]],
        [[-2.0, 1.0, 0.0], [0.0, 0.0, 0.0], [-0.5, -0.5, 0.75], [0.0, 0.0, 0.0]],
        [[0.25, -1.25, 1.125], [1.0, -2.0, 1.5]],
        [[-2.0, 1.0, 0.0], [2.5, -3.5, 2.25], [1.0, -2.0, 1.5]],
    ),
    "max": (
        [[1.0, 4.0, 1.5], [0.0, 0.0, 0.0], [4.0, 1.0, 3.0], [4.0, -5.0, 3.0]],
        [[1.0, 4.0, 1.5], [0.0, 0.0, 0.0], [1.0, 1.0, 1.5], [0.0, 0.0, 0.0]],
        [[4.0, 4.0, 3.0], [4.0, 1.0, 3.0]],
        [[1.0, 4.0, 1.5], [4.0, -2.0, 3.0], [4.0, 1.0, 3.0]],
    ),
}  # fmt: skip


def table(**options: Any) -> Any:
    return ((curta.arange(12.0).reshape(4, 3) - 5) * curta.tensor([1.0, -1.0, 0.5])).requires_grad_(**options)


@pytest.mark.parametrize("mode", BAGS)
def test_bags(mode: str) -> None:
    indices, offsets, weight = curta.tensor(INDICES), curta.tensor(OFFSETS), table()
    plain, padded, ended, even = BAGS[mode]
    assert F.embedding_bag(indices, weight, offsets, mode=mode).tolist() == plain
    assert F.embedding_bag(indices, weight, offsets, mode=mode, padding_idx=-1).tolist() == padded
    made = F.embedding_bag(indices, weight, curta.tensor([0, 4, 6]), mode=mode, include_last_offset=True)
    assert made.tolist() == ended
    assert F.embedding_bag(indices.reshape(3, 2), weight, mode=mode).tolist() == even
    layer = nn.EmbeddingBag.from_pretrained(weight.detach(), mode=mode, padding_idx=-1)
    assert layer(indices, offsets).tolist() == padded
    # what cannot look at offsets goes through all rows, and finds the same
    compiled = curta.compile(lambda rows, starts: layer(rows, starts))
    assert compiled(indices, offsets).tolist() == padded
    assert curta.plan(layer, indices, offsets).flops > 0


@pytest.mark.parametrize("mode", BAGS)
def test_gradients_of_bags(mode: str) -> None:
    weight = table().detach().double().requires_grad_()
    shares = curta.tensor([0.5, -1.0, 2.0, 1.0, 3.0, -0.5], dtype=curta.float64, requires_grad=True)
    indices, offsets = curta.tensor(INDICES), curta.tensor(OFFSETS)

    def bags(*given: Any) -> Any:
        options = {"per_sample_weights": given[1]} if len(given) > 1 else {}
        return F.embedding_bag(indices, given[0], offsets, mode=mode, padding_idx=1, **options)

    inputs = (weight, shares) if mode == "sum" else (weight,)
    assert gradcheck(bags, inputs)
    assert gradgradcheck(bags, inputs)


def test_bags_without_rows() -> None:
    weight = table()
    for mode in BAGS:
        nothing = curta.zeros(0, dtype=curta.int64)
        assert F.embedding_bag(nothing, weight, curta.tensor([0, 0]), mode=mode).tolist() == [[0.0] * 3] * 2
        assert F.embedding_bag(nothing, weight, nothing, mode=mode).shape == (0, 3)
        assert F.embedding_bag(nothing.reshape(2, 0), weight, mode=mode).tolist() == [[0.0] * 3] * 2


def test_rows_that_are_too_long_are_made_shorter_in_place() -> None:
    weight = table().detach()
    made = F.embedding_bag(curta.tensor([0, 2, 2]), weight, curta.tensor([0]), max_norm=2.0, mode="sum")
    np.testing.assert_allclose(made.tolist(), [[-0.0350091, -1.7546679, 1.7721725]], rtol=1e-5)
    short = [[-1.5205718, 1.2164575, -0.4561716], [0.7427813, -1.4855627, 1.114172]]
    np.testing.assert_allclose(weight[::2].tolist(), short, rtol=1e-5)
    assert weight[1::2].tolist() == table()[1::2].tolist()
    layer = nn.Embedding(4, 3, max_norm=1.0, norm_type=1.0)
    assert layer(curta.tensor([1, 2])).abs().sum(-1).max().item() <= 1.00001


def test_gradients_by_frequency() -> None:
    weight = table()
    made = F.embedding(curta.tensor([[0, 2], [2, 3]]), weight, padding_idx=3, scale_grad_by_freq=True)
    (made * curta.tensor([1.0, 2.0, 4.0])).sum().backward()
    assert weight.grad.tolist() == [[1.0, 2.0, 4.0], [0.0, 0.0, 0.0], [1.0, 2.0, 4.0], [0.0, 0.0, 0.0]]


def test_tables_are_printed_as_in_pytorch() -> None:
    assert repr(nn.Embedding(3, 2, padding_idx=-1, max_norm=1.0)) == "Embedding(3, 2, padding_idx=2, max_norm=1.0)"
    assert repr(nn.EmbeddingBag(3, 2, mode="sum")) == "EmbeddingBag(3, 2, mode='sum')"


def test_bilinear_maps() -> None:
    generator = np.random.default_rng(0)
    x, y, weight, bias = (generator.standard_normal(shape) for shape in ((2, 3, 4), (2, 3, 5), (6, 4, 5), (6,)))
    given = [curta.from_numpy(one).requires_grad_() for one in (x, y, weight, bias)]
    wanted = np.einsum("abk,nkm,abm->abn", x, weight, y) + bias
    np.testing.assert_allclose(F.bilinear(*given).detach().numpy(), wanted, rtol=1e-12)
    assert gradcheck(F.bilinear, given)
    assert gradgradcheck(F.bilinear, given)
    layer = nn.Bilinear(4, 5, 6, dtype=curta.float64)
    layer.load_state_dict({"weight": given[2].detach(), "bias": given[3].detach()})
    np.testing.assert_allclose(layer(given[0][0], given[1][0]).detach().numpy(), wanted[0], rtol=1e-12)
    assert repr(layer) == "Bilinear(in1_features=4, in2_features=5, out_features=6, bias=True)"


def test_by_the_dispatchers_names() -> None:
    image, grid = curta.arange(4.0).reshape(1, 1, 2, 2), curta.tensor([[[[-1.0, 0.5], [0.2, -2.0]]]])
    np.testing.assert_allclose(curta.grid_sampler_2d(image, grid, 0, 2, True).flatten().tolist(), [1.5, 1.6], rtol=1e-6)
    assert curta.grid_sampler_3d(image[None], curta.zeros(1, 1, 1, 1, 3), 0, 0, False).item() == 1.5
    y = F.softmax(curta.tensor([[1.0, 2.0, 3.0]]), 1)
    made = curta._softmax_backward_data(curta.tensor([[1.0, 0.0, 2.0]]), y, 1, curta.float32)
    np.testing.assert_allclose(made.tolist(), [[-0.0379, -0.3476, 0.3855]], atol=1e-4)
    made = curta._upsample_bilinear2d_aa(curta.arange(6.0).reshape(1, 1, 2, 3), [1, 2], False, 1.5, 0.7)
    np.testing.assert_allclose(made.flatten().tolist(), [0.3462, 1.5769], atol=1e-4)
    mask = curta.tensor([True, False])
    assert curta.native_dropout_backward(curta.tensor([3.0, 4.0]), mask, 2.0).tolist() == [6.0, 0.0]
    values, places = F.max_pool2d_with_indices(image, 2)
    made = curta.max_pool2d_with_indices_backward(values * 2, image, 2, 2, 0, 1, False, places)
    assert made.tolist() == [[[[0.0, 0.0], [0.0, 6.0]]]]
    assert F.adaptive_max_pool1d_with_indices(image[0], 1)[1].tolist() == [[[1], [1]]]
