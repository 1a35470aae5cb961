"""Samplers: which indices, how often, and what they follow from."""

from __future__ import annotations

import pytest

import curta
from curta.errors import DataError, UnsupportedError
from curta.utils.data import (
    BatchSampler,
    RandomSampler,
    Sampler,
    SequentialSampler,
    SubsetRandomSampler,
    WeightedRandomSampler,
)


def seeded(seed: int = 0) -> curta.Generator:
    return curta.Generator().manual_seed(seed)


def test_a_sampler_without_iter() -> None:
    with pytest.raises(UnsupportedError, match=r"^Subclasses of Sampler should implement __iter__\.$"):
        iter(Sampler())


def test_sequential() -> None:
    assert list(SequentialSampler("abc")) == [0, 1, 2]
    assert len(SequentialSampler([])) == 0


@pytest.mark.parametrize("count", [1, 2, 7])
@pytest.mark.parametrize("number", [None, 3, 20])
def test_random_takes_all_before_it_takes_one_again(count: int, number: int | None) -> None:
    sampler = RandomSampler(range(count), num_samples=number, generator=seeded())
    found = list(sampler)
    assert len(found) == len(sampler) == (number or count)
    for start in range(0, len(found), count):
        part = found[start : start + count]
        assert len(set(part)) == len(part)
        assert set(part) <= set(range(count))


def test_random_with_replacement() -> None:
    found = list(RandomSampler(range(3), replacement=True, num_samples=9000, generator=seeded()))
    assert len(found) == 9000
    assert all(2700 < found.count(index) < 3300 for index in range(3))  # 3000, deviation 45


def test_random_follows_from_the_generator_which_moves_on() -> None:
    one, other = seeded(5), seeded(5)
    first = list(RandomSampler(range(20), generator=one))
    assert first == list(RandomSampler(range(20), generator=other))
    assert first != list(RandomSampler(range(20), generator=one))
    assert first != list(RandomSampler(range(20), generator=seeded(6)))


def test_random_without_a_generator_follows_from_the_default_one() -> None:
    sampler = RandomSampler(range(20))
    curta.manual_seed(4)
    first, second = list(sampler), list(sampler)
    curta.manual_seed(4)
    assert [list(sampler), list(sampler)] == [first, second]
    assert first != second


def test_on_the_meta_device_indices_are_still_there() -> None:
    with curta.device("meta"):
        assert sorted(RandomSampler(range(4))) == [0, 1, 2, 3]
        assert list(RandomSampler(range(1), replacement=True, num_samples=2)) == [0, 0]
        assert list(WeightedRandomSampler([0, 1], 2)) == [1, 1]
        assert list(SubsetRandomSampler([8])) == [8]


def test_subset_random() -> None:
    sampler = SubsetRandomSampler([4, 9, 1, 7], generator=seeded())
    found = list(sampler)
    assert sorted(found) == [1, 4, 7, 9]
    assert len(sampler) == 4
    assert found == list(SubsetRandomSampler([4, 9, 1, 7], generator=seeded()))


def test_weighted_with_replacement() -> None:
    found = list(WeightedRandomSampler([1.0, 0.0, 3.0, 0.0], 8000, generator=seeded()))
    assert len(found) == 8000
    assert set(found) == {0, 2}
    assert 1850 < found.count(0) < 2150  # 2000, deviation 39


def test_weighted_without_replacement() -> None:
    generator, firsts, pairs = seeded(), [], set()
    for _ in range(600):
        found = list(WeightedRandomSampler([1.0, 0.0, 3.0, 2.0], 2, replacement=False, generator=generator))
        assert len(set(found)) == 2
        assert 1 not in found
        firsts.append(found[0])
        pairs.add(tuple(found))
    assert len(pairs) == 6
    # the first is drawn as with replacement: 1/6, 1/2, 1/3 of 600; deviations 9.1, 12.2, 11.5
    assert abs(firsts.count(0) - 100) < 40
    assert abs(firsts.count(2) - 300) < 50
    assert abs(firsts.count(3) - 200) < 46


def test_weights_may_be_a_tensor_of_any_format() -> None:
    assert list(WeightedRandomSampler(curta.tensor([0, 0, 1]), 2)) == [2, 2]
    assert len(WeightedRandomSampler(curta.tensor([0.5, 1.0], dtype=curta.bfloat16), 3)) == 3


@pytest.mark.parametrize(
    ("weights", "replacement", "message"),
    [
        ([1.0, -1.0], True, "probability tensor contains either `inf`, `nan` or element < 0"),
        ([1.0, float("nan")], True, "probability tensor contains either `inf`, `nan` or element < 0"),
        ([1.0, float("inf")], False, "probability tensor contains either `inf`, `nan` or element < 0"),
        ([0.0, 0.0], True, "invalid multinomial distribution (sum of probabilities <= 0)"),
        ([0.0, 2.0], False, "cannot sample 2 of 1 indices with a weight without replacement"),
    ],
)
def test_weights_that_give_no_sample(weights: list[float], replacement: bool, message: str) -> None:
    sampler = WeightedRandomSampler(weights, 2, replacement)
    with pytest.raises(DataError) as caught:
        list(sampler)
    assert str(caught.value) == message


def test_batches() -> None:
    assert list(BatchSampler(range(5), 2, False)) == [[0, 1], [2, 3], [4]]
    assert list(BatchSampler(range(5), 2, True)) == [[0, 1], [2, 3]]
    assert list(BatchSampler(range(4), 2, True)) == [[0, 1], [2, 3]]
    assert list(BatchSampler([], 2, False)) == []
    assert [len(BatchSampler(range(count), 2, False)) for count in range(4)] == [0, 1, 1, 2]
    assert [len(BatchSampler(range(count), 2, True)) for count in range(4)] == [0, 0, 1, 1]
    assert list(BatchSampler(iter("abc"), 2, False)) == [["a", "b"], ["c"]]
