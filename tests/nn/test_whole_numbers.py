"""Integers, bytes, and tensors without dimensions or elements in functions of neural networks; PyTorch's numbers."""

from __future__ import annotations

import numpy as np
import pytest

import curta
from curta.nn import functional as F


def test_means_of_integers_are_cut_off_towards_zero() -> None:
    x = curta.arange(16).reshape(1, 1, 4, 4) * 3 - 20
    assert F.avg_pool2d(x, (2, 3), 1, 1).tolist() == [
        [[[-6, -8, -7, -4], [-8, -11, -8, -4], [0, 1, 4, 3], [7, 13, 16, 11], [5, 9, 11, 7]]]
    ]
    assert F.avg_pool1d(x[0], 3, 2, 1, count_include_pad=False).tolist() == [[[-18, -14], [-6, -2], [5, 10], [17, 22]]]
    volumes = x[None, 0].transpose(1, 2)
    assert F.avg_pool3d(volumes, (2, 1, 2), divisor_override=-4).tolist() == [[[[12, 6]], [[-11, -17]]]]
    assert F.avg_pool2d(x, 2, ()).tolist() == F.avg_pool2d(x, 2).tolist()


def test_transposed_convolutions_of_integers() -> None:
    weight = curta.arange(8).reshape(2, 1, 2, 2) - 3
    images = curta.arange(8).reshape(1, 2, 2, 2)
    made = F.conv_transpose2d(images, weight, curta.tensor([1, 2]), 2, 1, 1, groups=2)
    assert made.tolist() == [[[[1, 0, 1], [-3, -8, -5], [1, -2, 1]], [[18, 17, 22], [14, 9, 16], [26, 23, 30]]]]
    made = F.conv_transpose3d(curta.arange(4).reshape(1, 1, 2, 1, 2), weight.reshape(1, 2, 2, 2, 1))
    first = [[[0, -3], [0, -2]], [[-6, -10], [-4, -6]], [[-2, -3], [0, 0]]]
    assert made.tolist() == [[first, [[[0, 1], [0, 2]], [[2, 6], [4, 10]], [[6, 9], [8, 12]]]]]


def test_images_of_bytes() -> None:
    image = curta.tensor([[[[0, 255, 3], [200, 7, 90]]]], dtype=curta.uint8)
    wanted = {
        ("bilinear", False): [[64, 66], [108, 68], [152, 69]],
        ("bilinear", True): [[96, 98], [112, 79], [128, 59]],
        ("bicubic", False): [[60, 69], [110, 67], [160, 64]],
        ("bicubic", True): [[97, 104], [114, 77], [131, 50]],
    }
    for (mode, smooth), numbers in wanted.items():
        made = F.interpolate(image, (3, 2), mode=mode, antialias=smooth)
        assert (made.dtype, made[0, 0].tolist()) == (curta.uint8, numbers), mode


def test_losses_of_integers_are_floating_point_numbers() -> None:
    x, signs = curta.tensor([3, 0, 2]), curta.tensor([1, -1, 1])
    assert F.margin_ranking_loss(x, x.flip(0), signs, margin=2).item() == 2.0
    made = F.poisson_nll_loss(x, x.flip(0), full=True, reduction="none")
    assert made.tolist() == pytest.approx([14.7373, 1.0, 3.1531], abs=1e-4)


def test_a_projection_onto_several_places_and_its_loss() -> None:
    x = curta.tensor([[1.0, 2.0], [3.0, 5.0]])
    weight = curta.tensor([[[1.0, 0.0], [0.0, 1.0]], [[2.0, 1.0], [0.0, 0.0]], [[0.0, 0.0], [1.0, -1.0]]])
    bias = curta.tensor([[0.0, 1.0], [1.0, 0.0], [0.5, 0.5]])
    options = curta.nn.LinearCrossEntropyOptions(batch_chunk_size=1)
    target, shares = curta.tensor([[0, 1], [2, 0]]), curta.tensor([1.0, 2.0, 0.5])
    made = F.linear_cross_entropy(x, weight, target, weight=shares, linear_bias=bias, options=options)
    assert made.item() == pytest.approx(3.5413, abs=1e-4)
    probabilities = curta.tensor([[0.5, 0.25, 0.25], [0.0, 1.0, 0.0]])
    made = F.linear_cross_entropy(x, weight[:, 0], probabilities, reduction="none")
    assert made.tolist() == pytest.approx([2.5659, 3.5208e-4], rel=1e-3)


def test_without_dimensions_or_elements() -> None:
    one = curta.tensor(-3.0, requires_grad=True)
    assert F.cosine_similarity(one, curta.tensor(2.0), 0).item() == -1.0
    assert F.multilabel_margin_loss(one, curta.tensor(0)).item() == 0.0
    assert F.batch_norm(curta.zeros(0), None, None, training=True).shape == (0,)
    assert F.avg_pool3d(curta.zeros(0, 1, 4, 5, 4), 2).shape == (0, 1, 2, 2, 2)
    assert F.adaptive_avg_pool3d(curta.zeros(0, 2, 4, 4, 4), (3, 1, 2)).shape == (0, 2, 3, 1, 2)


def test_volumes_of_halves_are_rounded_once() -> None:
    generator = np.random.default_rng(3)
    x, weight = (generator.integers(-9, 9, shape) / 8 for shape in ((1, 2, 3, 2, 2), (2, 1, 3, 2, 2)))
    exact = F.conv_transpose3d(curta.from_numpy(x), curta.from_numpy(weight))
    made = F.conv_transpose3d(curta.from_numpy(x).bfloat16(), curta.from_numpy(weight).bfloat16())
    assert made.dtype is curta.bfloat16
    assert made.tolist() == exact.bfloat16().tolist()


def test_how_many_differ_has_a_history() -> None:
    x = curta.tensor([[0.0, 1.0], [0.0, 2.0]], requires_grad=True)
    made = F.pdist(x, 0)
    made.sum().backward()
    assert made.tolist() == [1.0]
    assert x.grad.tolist() == [[0.0, 0.0], [0.0, 0.0]]
