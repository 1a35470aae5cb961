"""Compositions: inferred layouts, costs from their parts, and derivatives of any order worked out by tracing."""

import numpy as np
import pytest

import curta
from curta.ops.composition import composition, derived
from curta.ops.dispatch import bind
from curta.ops.embedding import EMBEDDING

WAVE = derived("wave", lambda x, y: (x * y).exp() * x)
X, Y = np.array([0.3, 0.4, 0.7]), np.array([0.1, -0.4, 1.7])


def _gradients(value, *wanted):
    return curta.autograd.grad(value.sum(), wanted, create_graph=True)


def test_three_derivatives():
    x, y = curta.from_numpy(X.copy()).requires_grad_(), curta.from_numpy(Y.copy()).requires_grad_()
    wave = np.exp(X * Y)
    first_x, first_y = _gradients(bind(WAVE, (x, y)), x, y)
    np.testing.assert_allclose(first_x.detach().numpy(), wave * (1 + X * Y), rtol=1e-14)
    np.testing.assert_allclose(first_y.detach().numpy(), wave * X * X, rtol=1e-14)
    second_x, second_y = _gradients(first_x, x, y)
    np.testing.assert_allclose(second_x.detach().numpy(), wave * (Y * (1 + X * Y) + Y), rtol=1e-14)
    np.testing.assert_allclose(second_y.detach().numpy(), wave * (X * (1 + X * Y) + X), rtol=1e-14)
    (third,) = _gradients(second_x, x)
    np.testing.assert_allclose(third.detach().numpy(), wave * (Y * Y * (2 + X * Y) + Y * Y), rtol=1e-14)


def test_cost_is_that_of_the_parts_but_memory_is_touched_once():
    x = curta.ones(3, dtype=curta.float64)
    out = WAVE.infer(x.layout, x.layout)
    assert (out.shape, out.dtype) == ((3,), curta.float64)
    cost = WAVE.cost((x.layout, x.layout), (out,))
    assert cost[:4] == (2 * 3, 3, 2 * 24, 24)  # two products and one exp an element; two inputs of 24 bytes, one output


def test_several_results():
    both = composition("both", lambda x: (x + 1, x * 2), None)
    more, twice = bind(both, (curta.arange(3),))
    assert (more.tolist(), twice.tolist()) == ([1, 2, 3], [0, 2, 4])


@pytest.mark.parametrize(
    ("parts", "message"),
    [
        (lambda x: x.t().exp(), "permute: cannot be part of a fused composition"),
        (lambda x: bind(EMBEDDING, (x.exp(), x.to(curta.int64))), "embedding: a fused kernel can gather only from mem"),
        (lambda x: x.add_(1), "add: in-place writes cannot be traced here"),
        (lambda x: x.untyped_storage(), "untyped_storage: a tensor that is being traced has no memory"),
    ],
)
def test_what_cannot_be_a_part(parts, message):
    with pytest.raises(RuntimeError, match=message):
        bind(composition("refused", parts, None), (curta.ones(3, 3),))
