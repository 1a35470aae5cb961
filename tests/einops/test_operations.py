"""`rearrange`, `reduce` and `repeat` against NumPy, for every family of patterns, on Curta's tensors and NumPy's."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from families import REARRANGE, REDUCE, REPEAT, Family

import curta
from curta.einops import rearrange, reduce, repeat
from curta.errors import DTypeError

NAMES = {
    "sum": np.sum, "mean": np.mean, "max": np.max, "min": np.min, "prod": np.prod, "any": np.any, "all": np.all,
}  # fmt: skip
FORMATS = ("float16", "bfloat16", "float32", "float64", "uint8", "int8", "int16", "int32", "int64", "bool")


def named(family: Family) -> str:
    return family.pattern


def numbers(shape: tuple[int, ...], dtype: str = "float64") -> Any:
    return np.random.default_rng(3).permutation(int(np.prod(shape))).reshape(shape).astype(dtype)


def layouts(array: Any) -> list[Any]:
    """The same elements as tensors that lie in memory in several ways."""
    plain = curta.tensor(array)
    turned = plain.permute(*range(array.ndim)[::-1]).contiguous().permute(*range(array.ndim)[::-1])
    wide = curta.stack([plain, plain * 0 - 1], -1)[..., 0]
    return [plain, turned, wide]


def same(found: Any, wanted: Any) -> None:
    assert isinstance(found, curta.Tensor)
    assert tuple(found.shape) == np.shape(wanted)
    np.testing.assert_array_equal(found.double().numpy(), np.asarray(wanted, np.float64))


@pytest.mark.parametrize("family", REARRANGE, ids=named)
def test_rearrange(family: Family) -> None:
    array = numbers(family.shape)
    for x in layouts(array):
        same(rearrange(x, family.pattern, **family.sizes), family.oracle(array))


@pytest.mark.parametrize("family", REPEAT, ids=named)
def test_repeat(family: Family) -> None:
    array = numbers(family.shape)
    for x in layouts(array):
        same(repeat(x, family.pattern, **family.sizes), family.oracle(array))


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("family", REDUCE, ids=named)
def test_reduce(family: Family, name: str) -> None:
    array = numbers(family.shape) * 0.25 - 1
    wanted = family.oracle(array, lambda x, axis: NAMES[name](x, axis=axis))
    for x in layouts(array):
        found = reduce(x, family.pattern, name, **family.sizes)
        assert tuple(found.shape) == np.shape(wanted)
        np.testing.assert_allclose(found.double().numpy(), np.asarray(wanted, np.float64), rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("family", [*REARRANGE, *REPEAT], ids=named)
def test_numpy_arrays_stay_numpy_arrays(family: Family) -> None:
    array = numbers(family.shape)
    operation = rearrange if family in REARRANGE else repeat
    found = operation(array, family.pattern, **family.sizes)
    assert type(found) is np.ndarray
    assert found.flags.writeable
    np.testing.assert_array_equal(found, family.oracle(array))


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("family", REDUCE, ids=named)
def test_numpy_arrays_are_reduced_by_numpy(family: Family, name: str) -> None:
    array = numbers(family.shape)
    found = reduce(array, family.pattern, name, **family.sizes)
    assert isinstance(found, np.ndarray | np.generic)
    np.testing.assert_allclose(found, family.oracle(array, lambda x, axis: NAMES[name](x, axis=axis)))


@pytest.mark.parametrize("dtype", FORMATS)
def test_every_format(dtype: str) -> None:
    kind = getattr(curta, dtype)
    array = numbers((4, 6)) % 2
    x = curta.tensor(array).to(kind)
    for found, wanted in (
        (rearrange(x, "(a b) c -> (c b) a", a=2), array.reshape(2, 2, 6).transpose(2, 1, 0).reshape(12, 2)),
        (repeat(x, "a b -> (a 2) b"), np.repeat(array, 2, 0)),
        (reduce(x, "a (b 2) -> b a", "max"), array.reshape(4, 3, 2).max(2).T),
    ):
        assert found.dtype is kind
        same(found, wanted)


@pytest.mark.parametrize("dtype", FORMATS)
@pytest.mark.parametrize("name", NAMES)
def test_a_reduction_has_the_format_that_the_function_of_its_name_gives(dtype: str, name: str) -> None:
    x = curta.tensor(numbers((4, 6)) % 3).to(getattr(curta, dtype))
    if name == "mean" and not x.is_floating_point():
        with pytest.raises(
            DTypeError, match=r"reduce: the mean of whole numbers \(curta\.\w+\) is not defined: convert"
        ):
            reduce(x, "a b -> a", "mean")
        return
    function = getattr(curta, {"max": "amax", "min": "amin"}.get(name, name))
    found, wanted = reduce(x, "a b -> a", name), function(x, 1)
    assert found.dtype is wanted.dtype
    assert found.tolist() == wanted.tolist()


def test_the_mean_of_numpys_integers_is_refused_too() -> None:
    with pytest.raises(DTypeError) as caught:
        reduce(np.arange(4), "a -> ", "mean")
    assert str(caught.value) == "reduce: the mean of whole numbers (int64) is not defined: convert the tensor first"


@pytest.mark.parametrize("kind", [list, tuple])
def test_several_tensors_are_one_with_a_new_first_axis(kind: Any) -> None:
    arrays = [numbers((2, 3)) + number for number in range(4)]
    tensors = kind(curta.tensor(one) for one in arrays)
    same(rearrange(tensors, "n a b -> (n a) b"), np.concatenate(arrays))
    same(rearrange(tensors, "n a b -> a (n b)"), np.concatenate(arrays, 1))
    same(reduce(tensors, "n a b -> b a", "sum"), np.sum(arrays, 0).T)
    same(repeat(tensors, "n a b -> n a b 2"), np.repeat(np.stack(arrays)[..., None], 2, -1))
    np.testing.assert_array_equal(rearrange(kind(arrays), "n a b -> b n a"), np.stack(arrays).transpose(2, 0, 1))


def test_a_function_is_given_the_tensor_and_the_dimensions() -> None:
    array = numbers((2, 3, 4))
    seen: list[Any] = []

    def spread(x: Any, dims: tuple[int, ...]) -> Any:
        seen.append((type(x), tuple(x.shape), dims))
        return x.max(axis=dims) - x.min(axis=dims) if isinstance(x, np.ndarray) else x.amax(dims) - x.amin(dims)

    same(reduce(curta.tensor(array), "a b c -> c 1", spread), np.ptp(array, axis=(0, 1))[:, None])
    np.testing.assert_array_equal(reduce(array, "a b c -> c a", spread), np.ptp(array, axis=1).T)
    assert seen == [(curta.Tensor, (2, 3, 4), (0, 1)), (np.ndarray, (4, 2, 3), (2,))]


def test_sizes_may_be_numpys_integers() -> None:
    assert rearrange(curta.zeros(6), "(a b) -> a b", a=np.int64(2)).shape == (2, 3)
    assert repeat(curta.zeros(2), "a -> a b", b=curta.tensor(3)).shape == (2, 3)


def test_a_numpy_view_shares_memory() -> None:
    array = np.zeros((4, 6))
    assert np.shares_memory(rearrange(array, "(a b) c -> c a b", a=2), array)
