"""Last layers with their losses, and the gradients of convolutions by name."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import curta
from curta import nn
from curta.nn import functional as F

CUTOFFS = [3, 5, 9]


def adaptive() -> Any:
    curta.manual_seed(4)
    return nn.AdaptiveLogSoftmaxWithLoss(8, 12, CUTOFFS, 2.0, head_bias=True, dtype=curta.float64)


def log_softmax(scores: Any) -> Any:
    return scores - np.log(np.exp(scores).sum(1, keepdims=True))


def probabilities(layer: Any, x: Any) -> Any:
    """The logarithms, worked out in NumPy."""
    weights = {name: one.detach().numpy() for name, one in layer.named_parameters()}
    head = log_softmax(x @ weights["head.weight"].T + weights["head.bias"])
    parts = [head[:, :3]]
    for place in range(3):
        inner = x @ weights[f"tail.{place}.0.weight"].T @ weights[f"tail.{place}.1.weight"].T
        parts.append(log_softmax(inner) + head[:, 3 + place : 4 + place])
    return np.concatenate(parts, 1)


def test_adaptive_softmax() -> None:
    layer, x = adaptive(), np.random.default_rng(0).standard_normal((6, 8))
    assert [tuple(one.shape) for one in layer.parameters()][2:] == [(4, 8), (2, 4), (2, 8), (4, 2), (1, 8), (3, 1)]
    wanted = probabilities(layer, x)
    np.testing.assert_allclose(np.exp(wanted).sum(1), 1.0)
    given = curta.from_numpy(x)
    np.testing.assert_allclose(layer.log_prob(given).detach().numpy(), wanted, rtol=1e-9)
    assert layer.predict(given).tolist() == wanted.argmax(1).tolist()
    classes = [0, 4, 11, 5, 2, 8]
    picked = wanted[np.arange(6), classes]
    made = layer(given, curta.tensor(classes))
    np.testing.assert_allclose(made.output.detach().numpy(), picked, rtol=1e-9)
    np.testing.assert_allclose(made.loss.item(), -picked.mean())
    one = layer(given[2], curta.tensor(11))
    np.testing.assert_allclose([one.output.item(), one.loss.item()], [picked[2], -picked[2]])
    # what cannot look at the targets goes through all clusters, and finds the same
    compiled = curta.compile(lambda rows, targets: layer(rows, targets).loss)
    np.testing.assert_allclose(compiled(given, curta.tensor(classes)).item(), -picked.mean())
    assert curta.plan(lambda rows, targets: layer(rows, targets).loss, given, curta.tensor(classes)).flops > 0


def test_gradients_of_adaptive_softmax() -> None:
    layer, x = adaptive(), np.random.default_rng(1).standard_normal((4, 8))
    target = curta.tensor([1, 3, 10, 6])
    inputs = (curta.from_numpy(x).requires_grad_(),)
    assert curta.autograd.gradcheck(lambda rows: layer(rows, target).output, inputs)
    layer.reset_parameters()
    layer(inputs[0][:2], target[:2]).loss.backward()
    assert layer.tail[0][1].weight.grad is not None
    assert layer.tail[2][1].weight.grad is None  # nobody asked for its classes


def test_a_projection_with_its_loss() -> None:
    layer = nn.LinearCrossEntropyLoss(3, 4, out_features=(2,), bias=True, weight=curta.tensor([1.0, 2.0, 1.0, 0.5]))
    x, target = curta.randn(5, 3), curta.tensor([[0, 1], [3, 3], [2, 0], [1, 1], [0, 2]])
    scores = layer.linear(x).reshape(5, 4, 2)
    np.testing.assert_allclose(
        layer(x, target).item(), F.cross_entropy(scores, target, weight=layer.weight).item(), rtol=1e-5
    )
    assert list(layer.state_dict()) == ["weight", "linear.weight", "linear.bias"]
    assert layer.extra_repr() == (
        "in_features=3, num_classes=4, out_features=(2,), bias=True, reduction=mean, ignore_index=None, "
        "label_smoothing=0.0, options=None"
    )


@pytest.mark.parametrize("count", [1, 2, 3])
@pytest.mark.parametrize(("stride", "padding", "dilation", "groups"), [(2, 1, 1, 2), (1, 2, 2, 1)])
def test_gradients_of_convolutions(count: int, stride: int, padding: int, dilation: int, groups: int) -> None:
    generator = np.random.default_rng(count)
    x = curta.from_numpy(generator.standard_normal((2, 2, *(6, 5, 4)[:count]))).requires_grad_()
    weight = curta.from_numpy(generator.standard_normal((4, 2 // groups, *(3, 2, 2)[:count]))).requires_grad_()
    options = (stride, padding, dilation, groups)
    made = getattr(F, f"conv{count}d")(x, weight, None, *options)
    g = curta.from_numpy(generator.standard_normal(tuple(made.shape)))
    made.backward(g)
    of_input = getattr(nn.grad, f"conv{count}d_input")(x.shape, weight.detach(), g, *options)
    of_weight = getattr(nn.grad, f"conv{count}d_weight")(x.detach(), weight.shape, g, *options)
    np.testing.assert_allclose(of_input.numpy(), x.grad.numpy(), rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(of_weight.numpy(), weight.grad.numpy(), rtol=1e-9, atol=1e-12)
