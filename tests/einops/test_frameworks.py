"""Arrays of other frameworks: found without importing them, by the array API standard where they follow it."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import numpy as np
import pytest
from families import REARRANGE, REDUCE, REPEAT, Family

from curta.einops import asnumpy, einsum, pack, parse_shape, rearrange, reduce, repeat, unpack
from curta.errors import DTypeError


class Namespace:
    """The functions of the standard that may be asked for; each says what the standard says, no more."""

    def __init__(self) -> None:
        self.reshape = lambda x, shape: Array(np.reshape(x.values, shape))
        self.permute_dims = lambda x, axes: Array(np.transpose(x.values, axes))
        self.broadcast_to = lambda x, shape: Array(np.broadcast_to(x.values, shape))
        self.stack = lambda arrays: Array(np.stack([one.values for one in arrays]))
        self.concat = lambda arrays, axis: Array(np.concatenate([one.values for one in arrays], axis))
        self.isdtype = lambda dtype, kinds: dtype.kind in "iub"
        self.einsum = lambda letters, *arrays: Array(np.einsum(letters, *(one.values for one in arrays)))

    def __getattr__(self, name: str) -> Any:
        if name not in ("sum", "mean", "max", "min", "prod", "any", "all"):
            raise AttributeError(name)
        return lambda x, axis: Array(getattr(np, name)(x.values, axis=axis))


class Array:
    """An array of the standard that has nothing else."""

    def __init__(self, values: Any) -> None:
        self.values = np.asarray(values)
        self.shape = self.values.shape
        self.dtype = self.values.dtype

    def __array_namespace__(self, api_version: str | None = None) -> Any:
        return Namespace()

    def __getitem__(self, places: Any) -> Array:
        return Array(self.values[places])

    def __array__(self, dtype: Any = None, copy: Any = None) -> Any:
        return self.values


def numbers(shape: tuple[int, ...]) -> Any:
    return np.arange(float(np.prod(shape))).reshape(shape)


@pytest.mark.parametrize("family", [*REARRANGE, *REPEAT], ids=lambda family: family.pattern)
def test_an_array_of_the_standard_stays_one(family: Family) -> None:
    operation = rearrange if family in REARRANGE else repeat
    found = operation(Array(numbers(family.shape)), family.pattern, **family.sizes)
    assert type(found) is Array
    np.testing.assert_array_equal(found.values, family.oracle(numbers(family.shape)))


@pytest.mark.parametrize("name", ["sum", "mean", "max", "min", "prod", "any", "all"])
@pytest.mark.parametrize("family", REDUCE, ids=lambda family: family.pattern)
def test_an_array_of_the_standard_is_reduced(family: Family, name: str) -> None:
    found = reduce(Array(numbers(family.shape)), family.pattern, name, **family.sizes)
    assert type(found) is Array
    wanted = family.oracle(numbers(family.shape), lambda x, axis: getattr(np, name)(x, axis=axis))
    np.testing.assert_allclose(found.values, wanted)


def test_the_others_on_an_array_of_the_standard() -> None:
    a, b = numbers((2, 3)), numbers((3, 4))
    np.testing.assert_array_equal(einsum(Array(a), Array(b), "a b, b c -> c a").values, (a @ b).T)
    packed, shapes = pack([Array(a), Array(b)], "* c" if a.shape[1] == b.shape[1] else "*")
    assert shapes == [(2, 3), (3, 4)]
    np.testing.assert_array_equal(packed.values, [*a.reshape(-1), *b.reshape(-1)])
    np.testing.assert_array_equal(unpack(packed, shapes, "*")[1].values, b)
    assert parse_shape(Array(a), "a _") == {"a": 2}
    np.testing.assert_array_equal(asnumpy(Array(a)), a)
    np.testing.assert_array_equal(rearrange([Array(a), Array(a)], "n a b -> (n b) a").values, np.tile(a.T, (2, 1)))
    with pytest.raises(DTypeError, match="reduce: the mean of whole numbers"):
        reduce(Array(np.arange(3)), "a ->", "mean")


def test_no_framework_is_imported_for_curtas_own_tensors() -> None:
    program = """
import sys
import curta
from curta.einops import *
x = curta.zeros(4, 6)
rearrange(x, "(a b) c -> c (b a)", a=2), reduce(x, "a b -> b", "max"), repeat(x, "a b -> a b 2")
einsum(x, x, "a b, c b -> a c"), unpack(*pack([x], "a *"), "a *"), parse_shape(x, "a _")
curta.nn.EinMix("a b -> a c", "b c", b=6, c=2)(x)
print([name for name in ("numpy", "torch", "jax", "einops") if name in sys.modules])
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
