"""The operations of einops on tensors of PyTorch and arrays of JAX: their own kind comes back, with their gradients."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import curta
from curta import nn
from curta.einops import asnumpy, einsum, pack, parse_shape, rearrange, reduce, repeat, unpack
from curta.errors import DTypeError

sys.path.insert(0, str(Path(__file__).parent.parent / "einops"))
from families import REARRANGE, REDUCE, REPEAT, Family

pytestmark = pytest.mark.parity

NAMES = ("sum", "mean", "max", "min", "prod", "any", "all")
MOVES = [*REARRANGE, *REPEAT]


class Other:
    """A framework beside Curta: how arrays become its tensors, and how it differentiates."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.module: Any = pytest.importorskip(name)
        if name == "jax":
            self.module.config.update("jax_enable_x64", True)

    def tensor(self, array: Any) -> Any:
        return self.module.tensor(array) if self.name == "torch" else self.module.numpy.asarray(array)

    @property
    def kind(self) -> type:
        return self.module.Tensor if self.name == "torch" else self.module.Array

    def gradient(self, function: Any, array: Any) -> Any:
        """The gradient of the sum of `function(x) ** 2`."""
        if self.name == "jax":
            return np.asarray(self.module.grad(lambda x: (function(x) ** 2).sum())(self.tensor(array)))
        x = self.tensor(array).requires_grad_()
        (function(x) ** 2).sum().backward()
        return x.grad.numpy()


@pytest.fixture(params=["torch", "jax"])
def other(request: pytest.FixtureRequest) -> Other:
    return Other(request.param)


def named(family: Family) -> str:
    return family.pattern


def numbers(shape: tuple[int, ...]) -> Any:
    return np.asarray(np.random.default_rng(3).permutation(int(np.prod(shape))).reshape(shape) * 0.25 - 1)


def operation_of(family: Family) -> Any:
    return rearrange if family in REARRANGE else repeat


@pytest.mark.parametrize("family", MOVES, ids=named)
def test_rearrange_and_repeat(other: Other, family: Family) -> None:
    operation, array = operation_of(family), numbers(family.shape)
    found = operation(other.tensor(array), family.pattern, **family.sizes)
    assert isinstance(found, other.kind)
    np.testing.assert_array_equal(asnumpy(found), family.oracle(array))


@pytest.mark.parametrize("family", MOVES, ids=named)
def test_their_gradients(other: Other, family: Family) -> None:
    operation, array = operation_of(family), numbers(family.shape)

    def function(x: Any) -> Any:
        return operation(x, family.pattern, **family.sizes)

    x = curta.tensor(array, requires_grad=True)
    (function(x) ** 2).sum().backward()
    np.testing.assert_array_equal(other.gradient(function, array), x.grad.numpy())


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("family", REDUCE, ids=named)
def test_reduce(other: Other, family: Family, name: str) -> None:
    array = numbers(family.shape)
    found = reduce(other.tensor(array), family.pattern, name, **family.sizes)
    assert isinstance(found, other.kind)
    wanted = family.oracle(array, lambda x, axis: getattr(np, name)(x, axis=axis))
    np.testing.assert_allclose(asnumpy(found), wanted, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("name", NAMES[:5])
@pytest.mark.parametrize("family", REDUCE[3:12], ids=named)
def test_gradients_of_reduce(other: Other, family: Family, name: str) -> None:
    array = numbers(family.shape)

    def function(x: Any) -> Any:
        return reduce(x, family.pattern, name, **family.sizes)

    x = curta.tensor(array, requires_grad=True)
    (function(x) ** 2).sum().backward()
    np.testing.assert_allclose(other.gradient(function, array), x.grad.numpy(), rtol=1e-10, atol=1e-10)


def test_the_mean_of_whole_numbers_is_refused(other: Other) -> None:
    with pytest.raises(DTypeError, match="reduce: the mean of whole numbers"):
        reduce(other.tensor(np.arange(4)), "a ->", "mean")


@pytest.mark.parametrize(("pattern", "shapes"), [
    ("a b, b c -> c a", [(2, 3), (3, 4)]), ("b i h d, b j h d -> b h i j", [(2, 4, 3, 5), (2, 6, 3, 5)]),
    ("... a, a b -> ... b", [(2, 3, 4), (4, 5)]), ("i i -> i", [(3, 3)]), ("... a -> a", [(2, 3, 4)]),
    ("a b, b c, c d -> a d", [(2, 3), (3, 4), (4, 5)]),
])  # fmt: skip
def test_einsum(other: Other, pattern: str, shapes: list[tuple[int, ...]]) -> None:
    arrays = [numbers(shape) for shape in shapes]
    found = einsum(*map(other.tensor, arrays), pattern)
    assert isinstance(found, other.kind)
    np.testing.assert_allclose(asnumpy(found), einsum(*map(curta.tensor, arrays), pattern).numpy(), rtol=1e-12)


def test_the_others(other: Other) -> None:
    arrays = [numbers((2, 3, 4)), numbers((2, 4))]
    tensors = [other.tensor(one) for one in arrays]
    packed, shapes = pack(tensors, "a * c")
    assert isinstance(packed, other.kind)
    assert shapes == [(3,), ()]
    for part, array in zip(unpack(packed, shapes, "a * c"), arrays, strict=True):
        np.testing.assert_array_equal(asnumpy(part), array)
    assert parse_shape(tensors[0], "a _ c") == {"a": 2, "c": 4}
    stacked = rearrange([tensors[1], tensors[1]], "n a b -> (a n) b")
    np.testing.assert_array_equal(asnumpy(stacked), np.repeat(arrays[1], 2, 0))


def test_inside_jit() -> None:
    jax = pytest.importorskip("jax")
    function = jax.jit(lambda x: reduce(rearrange(x, "a (b c) -> c (a b)", c=2), "c d -> d", "max"))
    array = numbers((3, 4)).astype("float32")
    np.testing.assert_array_equal(np.asarray(function(array)), array.reshape(3, 2, 2).max(2).reshape(6))


def test_pytorchs_views_share_memory() -> None:
    torch = pytest.importorskip("torch")
    x = torch.zeros(2, 6)
    assert rearrange(x, "a (b c) -> c b a", b=2).data_ptr() == x.data_ptr()
    assert repeat(x, "a b -> a b c", c=3).data_ptr() == x.data_ptr()


def test_parameters_of_the_originals_layers_are_ours() -> None:
    pytest.importorskip("torch")
    layers = pytest.importorskip("einops.layers.torch")
    import torch

    for pattern, weight, bias, sizes in (
        ("b t (h c) -> b t (h d)", "h c d", "h d", {"h": 2, "c": 3, "d": 4}),
        ("... c -> ... d", "d c", "d", {"c": 6, "d": 4}),
        ("b t c -> b (t d)", "c d t", None, {"c": 6, "d": 4, "t": 5}),
    ):
        theirs = layers.EinMix(pattern, weight_shape=weight, bias_shape=bias, **sizes)
        ours = nn.EinMix(pattern, weight, bias, **sizes)
        ours.load_state_dict({name: curta.tensor(value.numpy()) for name, value in theirs.state_dict().items()})
        x = np.random.default_rng(4).standard_normal((2, 5, 6)).astype("float32")
        wanted = theirs(torch.tensor(x)).detach().numpy()
        np.testing.assert_allclose(ours(curta.tensor(x)).detach().numpy(), wanted, rtol=1e-5, atol=1e-5)
