"""Datasets against literals worked out by hand."""

from __future__ import annotations

import pytest

import curta
from curta.errors import ArgumentError, DataWarning, IndexRangeError, UnsupportedError
from curta.utils.data import (
    ChainDataset,
    ConcatDataset,
    Dataset,
    IterableDataset,
    StackDataset,
    Subset,
    TensorDataset,
    random_split,
)


class Letters(Dataset[str]):
    def __len__(self) -> int:
        return 3

    def __getitem__(self, index: int) -> str:
        return "abc"[index]


class Twice(Letters):
    """Gives whole batches."""

    def __getitems__(self, indices: list[int]) -> list[str]:
        return [2 * "abc"[index] for index in indices]


class Short(Letters):
    def __getitems__(self, indices: list[int]) -> list[str]:
        return ["a"]


class Stream(IterableDataset[int]):
    def __init__(self, end: int) -> None:
        self.end = end

    def __iter__(self):
        return iter(range(self.end))

    def __len__(self) -> int:
        return self.end


def test_a_dataset_is_iterated_until_it_raises_index_error() -> None:
    assert list(Letters()) == ["a", "b", "c"]
    rows = list(TensorDataset(curta.arange(3), curta.ones(3, 2)))
    assert [row[0].item() for row in rows] == [0, 1, 2]
    assert rows[0][1].shape == (2,)


def test_datasets_without_their_methods() -> None:
    with pytest.raises(UnsupportedError, match=r"^Subclasses of Dataset should implement __getitem__\.$"):
        Dataset()[0]
    with pytest.raises(UnsupportedError, match=r"^Subclasses of IterableDataset should implement __iter__\.$"):
        iter(IterableDataset())


def test_tensor_dataset() -> None:
    data = TensorDataset(curta.arange(6).reshape(3, 2), curta.tensor([5, 6, 7]))
    assert len(data) == 3
    assert [part.tolist() for part in data[-1]] == [[4, 5], 7]
    assert [part.tolist() for part in data[[0, 2]]] == [[[0, 1], [4, 5]], [5, 7]]
    with pytest.raises(IndexRangeError):
        data[3]


def test_stack_dataset() -> None:
    assert StackDataset(range(3), Letters())[2] == (2, "c")
    assert StackDataset(range(3), Twice()).__getitems__([2, 0]) == [(2, "cc"), (0, "aa")]
    named = StackDataset(n=range(3), s=Letters())
    assert len(named) == 3
    assert named.__getitems__([1]) == [{"n": 1, "s": "b"}]
    with pytest.raises(ArgumentError, match=r"^Nested dataset's output size mismatch\. Expected 2, got 1$"):
        StackDataset(Short(), Letters()).__getitems__([0, 1])


def test_concat_dataset() -> None:
    both = Letters() + Subset(range(10), [9, 8])
    assert isinstance(both, ConcatDataset)
    assert (len(both), both.cumulative_sizes) == (5, [3, 5])
    assert list(both) == ["a", "b", "c", 9, 8]
    assert [both[-1], both[-5]] == [8, "a"]
    with pytest.raises(IndexError):
        both[5]
    message = r"^absolute value of index should not exceed dataset length: index -6, length 5$"
    with pytest.raises(ArgumentError, match=message):
        both[-6]
    assert list(ConcatDataset([[], [1], [], [2]])) == [1, 2]


def test_chain_dataset() -> None:
    both = Stream(2) + Stream(3)
    assert isinstance(both, ChainDataset)
    assert list(both) == [0, 1, 0, 1, 2]
    assert len(both) == 5
    with pytest.raises(ArgumentError, match=r"^ChainDataset only supports IterableDataset, got list$"):
        list(ChainDataset([Stream(1), [1]]))


def test_subset() -> None:
    part = Subset(Letters(), [2, 0])
    assert (len(part), part[0], list(part)) == (2, "c", ["c", "a"])
    assert part.__getitems__([1, 0]) == ["a", "c"]
    assert Subset(Twice(), [2, 0]).__getitems__([1, 0]) == ["aa", "cc"]
    tensors = Subset(TensorDataset(curta.arange(5)), [4, 2, 0])
    assert tensors[[0, 2]][0].tolist() == [4, 0]

    class Own(Subset[str]):
        def __getitem__(self, index: int) -> str:
            return "own"

    message = r"^Own overrides __getitem__ but not __getitems__, which a DataLoader takes batches from$"
    with pytest.raises(UnsupportedError, match=message):
        Own(Letters(), [0])


def test_random_split() -> None:
    parts = random_split(range(10, 20), [7, 3], generator=curta.Generator().manual_seed(1))
    assert [len(part) for part in parts] == [7, 3]
    assert sorted(value for part in parts for value in part) == list(range(10, 20))
    again = random_split(range(10, 20), [7, 3], generator=curta.Generator().manual_seed(1))
    assert [part.indices for part in parts] == [part.indices for part in again]
    other = random_split(range(10, 20), [7, 3], generator=curta.Generator().manual_seed(2))
    assert [part.indices for part in parts] != [part.indices for part in other]
    curta.manual_seed(3)
    first = random_split(range(10), [5, 5])[0].indices
    curta.manual_seed(3)
    assert random_split(range(10), [5, 5])[0].indices == first


@pytest.mark.parametrize(
    ("count", "fractions", "lengths"),
    [(10, [0.5, 0.5], [5, 5]), (10, [1 / 3, 1 / 3, 1 / 3], [4, 3, 3]), (9, [0.25] * 4, [3, 2, 2, 2]), (4, [1], [4])],
)
def test_random_split_by_fractions(count: int, fractions: list[float], lengths: list[int]) -> None:
    assert [len(part) for part in random_split(range(count), fractions)] == lengths


def test_random_split_of_nothing_warns() -> None:
    message = r"^Length of split at index 1 is 0\. This might result in an empty dataset\.$"
    with pytest.warns(DataWarning, match=message):
        assert [len(part) for part in random_split(range(1), [0.5, 0.5])] == [1, 0]
