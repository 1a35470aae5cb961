"""Inside `curta.compile` and on the meta device: the same results, and none of the views is a copy."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from families import REARRANGE, REDUCE, REPEAT, Family

import curta
from curta import nn
from curta.einops import einsum, pack, rearrange, reduce, repeat, unpack
from curta.nn import functional as F

SOME = [family for family in (*REARRANGE[3:16:2], *REPEAT[1:9:2]) if all(family.shape)]


def named(family: Family) -> str:
    return family.pattern


@pytest.mark.parametrize("family", SOME, ids=named)
def test_compiled(family: Family) -> None:
    operation = rearrange if family in REARRANGE else repeat

    def function(x: Any) -> Any:
        return operation(x * 2, family.pattern, **family.sizes) + 1

    x = curta.randn(family.shape)
    assert curta.compile(function)(x).tolist() == function(x).tolist()


@pytest.mark.parametrize("name", ["sum", "mean", "max", "prod", "any"])
@pytest.mark.parametrize("family", [family for family in REDUCE[2:12:3] if all(family.shape)], ids=named)
def test_reductions_compiled(family: Family, name: str) -> None:
    def function(x: Any) -> Any:
        return reduce(x * 2, family.pattern, name, **family.sizes)

    x = curta.randn(family.shape)
    assert curta.compile(function)(x).tolist() == function(x).tolist()


def test_a_step_of_attention_compiles_with_its_gradients() -> None:
    curta.manual_seed(1)
    inputs = curta.randn(2, 5, 24)
    weights = [curta.randn(24, 24, requires_grad=True) for _ in range(3)]

    def step(x: Any) -> Any:
        q, k, v = (rearrange(x @ one, "b t (h d) -> b h t d", h=4) for one in weights)
        seen = F.softmax(einsum(q, k, "b h i d, b h j d -> b h i j") / 8, -1)
        merged = rearrange(einsum(seen, v, "b h i j, b h j d -> b h i d"), "b h t d -> b t (h d)")
        packed, shapes = pack([merged, x], "b t *")
        loss = reduce(unpack(packed, shapes, "b t *")[0] ** 2, "b t c -> ", "mean")
        loss.backward()
        return loss

    wanted = step(inputs).item()
    gradients = [one.grad.numpy().copy() for one in weights]
    for one in weights:
        one.grad = None
    assert curta.compile(step)(inputs).item() == wanted
    for one, gradient in zip(weights, gradients, strict=True):
        np.testing.assert_array_equal(one.grad.numpy(), gradient)


def test_layers_compile() -> None:
    curta.manual_seed(2)
    model = nn.Sequential(
        nn.Rearrange("b (h p) (w q) -> b (h w) (p q)", p=2, q=2), nn.EinMix("b n c -> b n d", "c d", "d", c=4, d=3),
        nn.Reduce("b n d -> b d", "max"),
    )  # fmt: skip
    x = curta.randn(2, 4, 6)
    assert curta.compile(model)(x).tolist() == model(x).tolist()


@pytest.mark.parametrize("family", [*REARRANGE, *REPEAT, *REDUCE], ids=named)
def test_on_the_meta_device_there_are_only_shapes(family: Family) -> None:
    x = curta.zeros(family.shape, device="meta")
    if family in REDUCE:
        found = reduce(x, family.pattern, "sum", **family.sizes)
        wanted = family.oracle(np.zeros(family.shape), lambda array, axis: np.sum(array, axis=axis))
    else:
        found = (rearrange if family in REARRANGE else repeat)(x, family.pattern, **family.sizes)
        wanted = family.oracle(np.zeros(family.shape))
    assert found.is_meta
    assert tuple(found.shape) == np.shape(wanted)


def test_einsum_and_pack_on_the_meta_device() -> None:
    a, b = curta.zeros(1000, 2000, 3, device="meta"), curta.zeros(3, 4, 2000, device="meta")
    assert einsum(a, b, "i k b, b j k -> b i j").shape == (3, 1000, 4)
    packed, shapes = pack([a, a[:, 0]], "i * b")
    assert packed.shape == (1000, 2001, 3)
    assert [part.shape for part in unpack(packed, shapes, "i * b")] == [(1000, 2000, 3), (1000, 3)]
