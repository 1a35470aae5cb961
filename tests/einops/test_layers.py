"""`nn.Rearrange`, `nn.Reduce` and `nn.EinMix`."""

from __future__ import annotations

import copy
import pickle
from math import sqrt
from typing import Any, NamedTuple

import numpy as np
import pytest

import curta
from curta import nn
from curta.einops import rearrange, reduce


class Mix(NamedTuple):
    """`oracle(x, weight, bias)` in NumPy; the bias is None where there is none."""

    pattern: str
    weight: str
    bias: str | None
    sizes: dict[str, int]
    shape: tuple[int, ...]
    weight_shape: tuple[int, ...]
    bias_shape: tuple[int, ...] | None
    oracle: Any


MIXES = (
    Mix("t b c -> t b d", "c d", "d", {"c": 3, "d": 4}, (2, 5, 3), (3, 4), (1, 1, 4), lambda x, w, b: x @ w + b),
    Mix("t b c -> t b d", "d c", None, {"c": 3, "d": 4}, (2, 5, 3), (4, 3), None, lambda x, w, b: x @ w.T),
    Mix("h w c -> g w c", "h g", "g", {"h": 3, "g": 4}, (3, 5, 2), (3, 4), (4, 1, 1),
        lambda x, w, b: np.einsum("hwc,hg->gwc", x, w) + b),
    Mix("t b c -> t b c", "c", "c", {"c": 3}, (2, 5, 3), (3,), (1, 1, 3), lambda x, w, b: x * w + b),
    Mix("b t (h c) -> b t (h d)", "h c d", "h d", {"h": 2, "c": 3, "d": 4}, (2, 5, 6), (2, 3, 4), (1, 1, 2, 4),
        lambda x, w, b: (np.einsum("bthc,hcd->bthd", x.reshape(2, 5, 2, 3), w) + b).reshape(2, 5, 8)),
    Mix("b c (h p) (w q) -> b (h w) d", "c p q d", "d", {"c": 3, "p": 2, "q": 2, "d": 5}, (2, 3, 4, 6), (3, 2, 2, 5),
        (1, 1, 1, 5), lambda x, w, b: (np.einsum("bchpwq,cpqd->bhwd", x.reshape(2, 3, 2, 2, 3, 2), w) + b)
        .reshape(2, 6, 5)),
    Mix("... c -> ... d", "c d", "d", {"c": 3, "d": 4}, (2, 5, 3), (3, 4), (4,), lambda x, w, b: x @ w + b),
    Mix("b ... c -> (b ...) d", "c d", "d", {"c": 3, "d": 4}, (2, 5, 3), (3, 4), (1, 4),
        lambda x, w, b: (x @ w + b).reshape(10, 4)),
    Mix("b 1 c -> 1 b d", "c d", None, {"c": 3, "d": 4}, (2, 1, 3), (3, 4), None, lambda x, w, b: (x[:, 0] @ w)[None]),
    Mix("b c -> b", "c", None, {"c": 3}, (2, 3), (3,), None, lambda x, w, b: x @ w),
    Mix("b c -> b", "", None, {}, (2, 3), (), None, lambda x, w, b: x.sum(1) * w),
)  # fmt: skip


@pytest.mark.parametrize("mix", MIXES, ids=lambda mix: f"{mix.pattern}, {mix.weight}")
def test_einmix(mix: Mix) -> None:
    curta.manual_seed(3)
    layer = nn.EinMix(mix.pattern, mix.weight, mix.bias, **mix.sizes).double()
    assert tuple(layer.weight.shape) == mix.weight_shape
    assert (layer.bias is None) is (mix.bias_shape is None)
    names = ["weight"] if layer.bias is None else ["weight", "bias"]
    assert [name for name, _ in layer.named_parameters()] == names
    x = np.random.default_rng(4).standard_normal(mix.shape)
    bias = None if layer.bias is None else layer.bias.detach().numpy()
    if bias is not None:
        assert bias.shape == mix.bias_shape
    wanted = mix.oracle(x, layer.weight.detach().numpy(), bias)
    np.testing.assert_allclose(layer(curta.tensor(x)).detach().numpy(), wanted, rtol=1e-12, atol=1e-12)


def test_einmix_has_gradients() -> None:
    layer = nn.EinMix("b t (h c) -> b (t h) d", "h c d", "h d", h=2, c=3, d=4).double()
    x = curta.randn(2, 3, 6, dtype=curta.float64, requires_grad=True)
    slopes = np.random.default_rng(9).standard_normal((2, 6, 4))
    (layer(x) * curta.tensor(slopes)).sum().backward()
    parts, apart = x.detach().numpy().reshape(2, 3, 2, 3), slopes.reshape(2, 3, 2, 4)
    weight = layer.weight.detach().numpy()
    for parameter, wanted in (
        (layer.weight, np.einsum("bthc,bthd->hcd", parts, apart)), (layer.bias, apart.sum((0, 1), keepdims=True)),
        (x, np.einsum("bthd,hcd->bthc", apart, weight).reshape(2, 3, 6)),
    ):  # fmt: skip
        np.testing.assert_allclose(parameter.grad.numpy(), wanted, rtol=1e-12)


def test_einmix_starts_uniform() -> None:
    curta.manual_seed(5)
    layer = nn.EinMix("a b c -> a d", "b c d", "d", b=10, c=10, d=500)
    for values, bound in ((layer.weight, sqrt(3 / 100)), (layer.bias, sqrt(1 / 100))):
        largest = values.abs().max().item()
        assert 0.97 * bound < largest <= bound


def test_layers_are_the_operations() -> None:
    x = curta.randn(2, 4, 6)
    assert (
        nn.Rearrange("a (b p) c -> p (a b c)", p=2)(x).tolist() == rearrange(x, "a (b p) c -> p (a b c)", p=2).tolist()
    )
    assert nn.Reduce("a (b p) c -> a b", "max", p=2)(x).tolist() == reduce(x, "a (b p) c -> a b", "max", p=2).tolist()
    assert nn.Reduce("a b c -> a", lambda x, dims: x.amax(dims))(x).tolist() == x.amax((1, 2)).tolist()


def test_a_layer_with_dots_takes_any_rank() -> None:
    layer = nn.Rearrange("a ... -> (a ...)")
    assert [layer(curta.zeros(shape)).numel() for shape in ((2,), (2, 3), (2, 3, 4))] == [2, 6, 24]


@pytest.mark.parametrize("layer", [
    nn.Rearrange("a (b p) c -> p (a b c)", p=2), nn.Reduce("a b c -> c", "mean"),
    nn.EinMix("a b c -> a b d", "c d", "d", c=6, d=2),
])  # fmt: skip
@pytest.mark.parametrize("again", [copy.deepcopy, lambda layer: pickle.loads(pickle.dumps(layer))])
def test_layers_are_copied_and_pickled(layer: Any, again: Any) -> None:
    x = curta.randn(2, 4, 6)
    assert again(layer)(x).tolist() == layer(x).tolist()


def test_how_layers_print() -> None:
    assert repr(nn.Rearrange("a (b p) -> a b p", p=2)) == "Rearrange('a (b p) -> a b p', p=2)"
    assert repr(nn.Reduce("a b -> a", "max")) == "Reduce('a b -> a', 'max')"
    assert repr(nn.EinMix("a b -> a c", "b c", b=2, c=3)) == "EinMix('a b -> a c', 'b c', b=2, c=3)"
    assert repr(nn.EinMix("a b -> a c", "b c", "c", b=2, c=3)) == "EinMix('a b -> a c', 'b c', 'c', b=2, c=3)"


def test_weights_come_back_from_a_state_dict() -> None:
    first, second = (nn.EinMix("a b -> a c", "b c", "c", b=2, c=3) for _ in range(2))
    second.load_state_dict(first.state_dict())
    x = curta.randn(4, 2)
    assert first(x).tolist() == second(x).tolist()
