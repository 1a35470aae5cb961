"""The loader in one process: batches, their order, lengths; what it shares with workers is in test_workers.py."""

from __future__ import annotations

import numpy as np
import pytest

import curta
from curta.errors import ArgumentError, DataError, DataWarning
from curta.utils.data import (
    BatchSampler,
    DataLoader,
    Dataset,
    IterableDataset,
    RandomSampler,
    SequentialSampler,
    Subset,
    TensorDataset,
    get_worker_info,
)


class Stream(IterableDataset[int]):
    def __init__(self, end: int, told: int | None = None) -> None:
        self.end = end
        self.told = end if told is None else told

    def __iter__(self):
        return iter(range(self.end))

    def __len__(self) -> int:
        return self.told


def seeded(seed: int = 0) -> curta.Generator:
    return curta.Generator().manual_seed(seed)


def lists(loader: DataLoader) -> list[object]:
    return [batch.tolist() if isinstance(batch, curta.Tensor) else batch for batch in loader]


def test_batches_in_order() -> None:
    assert lists(DataLoader(range(5), 2)) == [[0, 1], [2, 3], [4]]
    assert lists(DataLoader(range(5), 2, drop_last=True)) == [[0, 1], [2, 3]]
    assert lists(DataLoader(range(2))) == [[0], [1]]
    assert lists(DataLoader(range(3), None)) == [0, 1, 2]
    assert lists(DataLoader([], 2)) == []


def test_samples_by_themselves_are_converted() -> None:
    (first, second) = DataLoader([np.array([1, 2]), (np.array([3]), "a")], batch_size=None)
    assert first.tolist() == [1, 2]
    assert second[0].tolist() == [3]
    assert second[1] == "a"


def test_collate_fn_and_samplers() -> None:
    assert lists(DataLoader(range(4), 2, collate_fn=sum)) == [1, 5]
    assert lists(DataLoader(range(4), 2, collate_fn=list)) == [[0, 1], [2, 3]]
    assert lists(DataLoader("abc", None, sampler=[2, 0])) == ["c", "a"]
    assert lists(DataLoader("abc", 2, sampler=[2, 0, 1])) == [["c", "a"], ["b"]]
    assert lists(DataLoader({"x": 1, "y": 2}, batch_sampler=[["y"], ["x", "y"]])) == [[2], [1, 2]]


def test_batches_are_fetched_at_once_where_the_dataset_can() -> None:
    class Whole(Dataset[int]):
        def __getitems__(self, indices: list[int]) -> list[int]:
            return [10 * index for index in indices]

    assert lists(DataLoader(Whole(), 2, sampler=range(3))) == [[0, 10], [20]]


def test_shuffling_follows_from_the_generator() -> None:
    loader = DataLoader(range(50), 7, shuffle=True, generator=seeded(1))
    first, second = lists(loader), lists(loader)
    again = DataLoader(range(50), 7, shuffle=True, generator=seeded(1))
    assert [lists(again), lists(again)] == [first, second]
    assert sorted(index for batch in first for index in batch) == list(range(50))
    assert first != second
    curta.manual_seed(7)
    third = lists(DataLoader(range(50), 7, shuffle=True))
    curta.manual_seed(7)
    assert lists(DataLoader(range(50), 7, shuffle=True)) == third


def test_every_pass_draws_one_number_even_in_order() -> None:
    one, other = seeded(), seeded()
    iter(DataLoader(range(3), generator=one))
    curta.randint(0, 2, (), generator=other)
    assert one.offset == other.offset


def test_lengths() -> None:
    assert [len(DataLoader(range(5), 2, drop_last=drop)) for drop in (False, True)] == [3, 2]
    assert len(DataLoader(range(5), None)) == 5
    assert len(DataLoader(range(5), batch_sampler=[[1], [2]])) == 2
    assert len(iter(DataLoader(range(5), 2))) == 3
    assert [len(DataLoader(Stream(5), 2, drop_last=drop)) for drop in (False, True)] == [3, 2]
    assert len(DataLoader(Stream(5), None)) == 5
    with pytest.raises(TypeError, match="has no len"):
        len(DataLoader(range(5), sampler=iter([1])))


def test_what_it_has() -> None:
    loader = DataLoader(range(4), 2)
    assert (loader.batch_size, loader.drop_last, loader.num_workers, loader.prefetch_factor) == (2, False, 0, None)
    assert isinstance(loader.sampler, SequentialSampler)
    assert isinstance(loader.batch_sampler, BatchSampler)
    assert isinstance(DataLoader(range(4), shuffle=True).sampler, RandomSampler)
    assert DataLoader(range(4), batch_sampler=[[0]]).batch_size is None
    assert DataLoader(range(4), None).batch_sampler is None
    assert DataLoader(range(4), num_workers=1).prefetch_factor == 2


def test_streams() -> None:
    assert lists(DataLoader(Stream(5), 2)) == [[0, 1], [2, 3], [4]]
    assert lists(DataLoader(Stream(5), 2, drop_last=True)) == [[0, 1], [2, 3]]
    assert lists(DataLoader(Stream(3), None)) == [0, 1, 2]
    assert lists(DataLoader(Stream(0), 2)) == []
    loader = DataLoader(Stream(2), 1)
    assert [lists(loader), lists(loader)] == [[[0], [1]]] * 2


def test_after_the_end_comes_nothing() -> None:
    for dataset in (range(2), Stream(2)):
        batches = iter(DataLoader(dataset))
        assert [batch.item() for batch in batches] == [0, 1]
        assert list(batches) == []


def test_a_stream_longer_than_it_says_warns_once() -> None:
    loader = DataLoader(Stream(4, told=2), 1)
    assert lists(loader) == [[0], [1], [2], [3]]
    assert len(loader) == 2
    with pytest.warns(DataWarning) as caught:
        assert len(list(loader)) == 4
    assert [str(one.message) for one in caught] == ["Length of Stream was 2 batches, but there are more"]


def test_passes_in_one_another_are_independent() -> None:
    loader = DataLoader(range(3), 1)
    assert [(a.item(), b.item()) for a in loader for b in loader] == [(a, b) for a in range(3) for b in range(3)]


def test_an_exception_leaves_the_rest() -> None:
    class Hole(Dataset[int]):
        def __len__(self) -> int:
            return 3

        def __getitem__(self, index: int) -> int:
            if index == 1:
                raise KeyError("hole")
            return index

    batches = iter(DataLoader(Hole()))
    assert next(batches).item() == 0
    with pytest.raises(KeyError, match="hole"):
        next(batches)
    assert next(batches).item() == 2


def test_stop_iteration_does_not_pass_for_the_end() -> None:
    def stop(batch: object) -> object:
        raise StopIteration

    message = r"^DataLoader: the dataset or collate_fn raised StopIteration for index \[0\]$"
    with pytest.raises(DataError, match=message):
        list(DataLoader(range(2), collate_fn=stop))
    with pytest.raises(DataError, match=r"^DataLoader: collate_fn raised StopIteration$"):
        list(DataLoader(Stream(2), collate_fn=stop))


@pytest.mark.parametrize(
    "name", ["batch_size", "batch_sampler", "sampler", "drop_last", "dataset", "persistent_workers"]
)
def test_what_cannot_be_changed(name: str) -> None:
    with pytest.raises(ArgumentError) as caught:
        setattr(DataLoader(range(2)), name, None)
    assert str(caught.value) == f"{name} attribute should not be set after DataLoader is initialized"


def test_no_worker_here() -> None:
    assert get_worker_info() is None


def test_it_feeds_a_compiled_step() -> None:
    @curta.compile
    def step(x: curta.Tensor, y: curta.Tensor) -> curta.Tensor:
        return (x * y).sum()

    data = TensorDataset(curta.arange(6.0), curta.ones(6))
    assert [step(x, y).item() for x, y in DataLoader(data, 3)] == [3.0, 12.0]


class Spelled(TensorDataset):
    """Whose samples are made one by one, since it says itself how."""

    def __getitem__(self, index: object) -> tuple[curta.Tensor, ...]:
        return super().__getitem__(index)


def test_rows_of_tensors_are_batches_at_once_and_the_same() -> None:
    columns = (curta.arange(24.0).reshape(8, 3).t().contiguous().t(), curta.arange(8), curta.ones(8, 0).bfloat16())
    for wrap in (lambda data: data, lambda data: Subset(Subset(data, [7, 1, 3, 0, 2]), [4, 0, 0, 3])):
        quick, slow = (
            list(DataLoader(wrap(kind(*columns)), 3, shuffle=True, generator=seeded(1)))
            for kind in (TensorDataset, Spelled)
        )
        assert len(quick) == len(slow)
        for batch, expected in zip(quick, slow, strict=True):
            assert type(batch) is list
            for one, other in zip(batch, expected, strict=True):
                assert (one.dtype, one.shape, one.stride()) == (other.dtype, other.shape, other.stride())
                assert one.tolist() == other.tolist()
    wanted = curta.ones(4, 2, requires_grad=True)
    (batch,) = next(iter(DataLoader(TensorDataset(wanted), 2)))
    batch.sum().backward()
    assert wanted.grad.tolist() == [[1.0, 1.0], [1.0, 1.0], [0.0, 0.0], [0.0, 0.0]]
    for kind in (TensorDataset, Spelled):
        with pytest.raises(IndexError, match="index 9 is out of bounds for dimension 0 with size 8"):
            list(DataLoader(kind(*columns), 2, sampler=[1, 9]))
        with pytest.raises(IndexError):
            list(DataLoader(kind(*columns), batch_sampler=[[]]))
    assert lists(DataLoader(TensorDataset(columns[1]), 2, collate_fn=len)) == [2, 2, 2, 2]
