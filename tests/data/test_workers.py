"""Worker processes: the same batches as without them, in the same order, in memory that both processes see."""

from __future__ import annotations

import gc
import multiprocessing
import os
import random
import threading
import time

import numpy as np
import pytest

import curta
from curta import nn
from curta.errors import AutogradError, DataError, DataWarning, UnsupportedError
from curta.memory.storage import BorrowedStorage
from curta.utils.data import DataLoader, Dataset, IterableDataset, TensorDataset, get_worker_info


class Shares(IterableDataset[int]):
    """The numbers below `end`, each in the share of one worker."""

    def __init__(self, end: int) -> None:
        self.end = end

    def __iter__(self):
        info = get_worker_info()
        if info is None:
            return iter(range(self.end))
        each = -(-self.end // info.num_workers)
        return iter(range(info.id * each, min(self.end, (info.id + 1) * each)))


class Calls(Dataset[object]):
    """What `function(index)` gives, in the process that fetches it."""

    def __init__(self, function, length: int = 4) -> None:
        self.function = function
        self.length = length

    def __len__(self) -> int:
        return self.length

    def __getitem__(self, index: int) -> object:
        return self.function(index)


def seeded(seed: int = 0) -> curta.Generator:
    return curta.Generator().manual_seed(seed)


def lists(loader: DataLoader) -> list[object]:
    return [batch.tolist() if isinstance(batch, curta.Tensor) else batch for batch in loader]


def raw(function, length: int = 4, **options: object) -> DataLoader:
    """Samples as they are."""
    return DataLoader(Calls(function, length), None, collate_fn=lambda sample: sample, num_workers=1, **options)


# order


@pytest.mark.parametrize("options", [{}, {"prefetch_factor": 1}, {"persistent_workers": True}])
def test_the_order_does_not_depend_on_workers(options: dict[str, object]) -> None:
    passes = []
    for workers in (0, 1, 2):
        more = options if workers else {}
        loader = DataLoader(range(23), 3, shuffle=True, generator=seeded(3), num_workers=workers, **more)
        passes.append([lists(loader), lists(loader)])
    assert passes[0] == passes[1] == passes[2]
    assert passes[0][0] != passes[0][1]


def test_the_order_is_kept_where_workers_are_not_equally_fast() -> None:
    def slow(index: int) -> int:
        time.sleep(0.05 * (index % 2 == 0))
        return index

    assert lists(DataLoader(Calls(slow, 8), num_workers=2)) == [[index] for index in range(8)]


def test_they_work_side_by_side_and_in_advance() -> None:
    loader = DataLoader(Calls(lambda index: os.getpid()), None, num_workers=2, prefetch_factor=3)
    first, second, *rest = list(loader)
    assert first != second
    assert os.getpid() not in (first, second)
    assert rest == [first, second]


@pytest.mark.parametrize(
    ("end", "batch_size", "expected"),
    [(4, 1, [[0], [2], [1], [3]]), (5, 2, [[0, 1], [3, 4], [2]]), (2, None, [0, 1]), (1, 1, [[0]]), (0, 2, [])],
)
def test_streams_in_shares(end: int, batch_size: int | None, expected: list[object]) -> None:
    assert lists(DataLoader(Shares(end), batch_size, num_workers=2)) == expected


def test_a_stream_that_is_not_shared_comes_from_each() -> None:
    class Same(Shares):
        def __iter__(self):
            return iter(range(self.end))

        def __len__(self) -> int:
            return self.end

    loader = DataLoader(Same(2), num_workers=2)
    assert lists(loader) == [[0], [0], [1], [1]]
    assert len(loader) == 2
    with pytest.warns(DataWarning) as caught:
        list(loader)
    assert [str(one.message) for one in caught] == [
        "Length of Same was 2 batches, but there are more; does each worker yield a share of its own (get_worker_info)?"
    ]


def test_empty_datasets() -> None:
    assert lists(DataLoader([], 2, num_workers=2)) == []
    assert lists(DataLoader(range(1), 2, drop_last=True, num_workers=1)) == []


# what a worker is


def test_worker_info_and_seeds() -> None:
    def look(index: int) -> tuple[object, ...]:
        info = get_worker_info()
        drawn = random.random(), float(np.random.rand()), curta.rand(1).item()
        return info.id, info.num_workers, info.seed, info.dataset.mark, *drawn

    def begin(number: int) -> None:
        get_worker_info().dataset.mark = f"mine {number}"

    def run() -> list[tuple[object, ...]]:
        loader = DataLoader(
            Calls(look), None, collate_fn=tuple, num_workers=2, worker_init_fn=begin, generator=seeded(1)
        )
        return list(loader)

    found = run()
    assert [one[:2] for one in found] == [(0, 2), (1, 2), (0, 2), (1, 2)]
    assert found[1][2] == found[0][2] + 1
    assert [one[3] for one in found] == ["mine 0", "mine 1"] * 2
    assert len({number for one in found for number in one[4:]}) == 12
    assert run() == found
    assert get_worker_info() is None


def test_a_worker_runs_kernels_on_one_thread() -> None:
    def work(index: int) -> curta.Tensor:
        assert curta.get_num_threads() == 1
        return curta.ones(100_000).sum().reshape(1)

    assert curta.ones(100_000).sum().item() == 100_000  # the pool's threads are there when the worker is forked
    assert [batch.item() for batch in raw(work)] == [100_000.0] * 4


def test_accounts_and_modes_where_it_is_forked_are_not_its_own() -> None:
    def work(index: int) -> tuple[bool, curta.Tensor]:
        return curta.is_grad_enabled(), curta.ones(3).exp()

    with curta.account() as books, curta.no_grad():
        found = list(raw(work, 1))
    assert found[0][0] is False
    assert found[0][1].tolist() == pytest.approx([2.718281828] * 3)
    assert "exp" not in books.by_op()


def test_workers_cannot_have_workers() -> None:
    def nested(index: int) -> list[int]:
        return [int(value) for value in DataLoader(range(2), num_workers=index)]

    loader = raw(nested, 2)
    batches = iter(loader)
    assert next(batches) == [0, 1]
    message = "DataLoader: a worker cannot have workers of its own: use num_workers=0 in it"
    with pytest.raises(UnsupportedError, match=message):
        next(batches)


# memory


def test_tensors_of_all_kinds_arrive() -> None:
    parameter = nn.Parameter(curta.ones(2))
    sent = {
        "half": curta.tensor([1.5, -2.0], dtype=curta.bfloat16),
        "truth": curta.tensor([True, False]),
        "scalar": curta.tensor(7, dtype=curta.int8),
        "empty": curta.empty(0, 3),
        "meta": curta.empty(2, 5, device="meta"),
        "transposed": curta.arange(6).reshape(2, 3).T,
        "sliced": curta.arange(10)[::3],
        "expanded": curta.tensor([4]).expand(3),
        "wants": curta.ones(1, requires_grad=True),
        "parameter": parameter,
        "array": np.arange(4.0),
        "strided": np.arange(9).reshape(3, 3)[:, 1],
        "large": b"x" * 100_000,
    }
    (got,) = raw(lambda index: sent, 1)
    for name, value in sent.items():
        if name not in ("meta", "array", "strided", "large"):
            assert got[name].dtype is value.dtype, name
            assert got[name].tolist() == value.tolist(), name
    assert got["meta"].device.type == "meta"
    assert got["meta"].shape == (2, 5)
    assert got["transposed"].stride() == (1, 3)
    assert (got["sliced"].stride(), got["expanded"].stride()) == ((1,), (1,))
    assert got["wants"].requires_grad
    assert type(got["parameter"]) is nn.Parameter
    assert got["array"].tolist() == [0.0, 1.0, 2.0, 3.0]
    assert got["strided"].tolist() == [1, 4, 7]
    assert got["large"] == sent["large"]
    got["half"] += 1
    got["array"][0] = 5
    assert got["half"].tolist() == [2.5, -1.0]


def test_tensors_lie_in_shared_memory_until_the_last_is_gone(mapped) -> None:
    batch = next(iter(DataLoader(TensorDataset(curta.ones(4, 1000), curta.arange(4)), 4, num_workers=1)))
    assert isinstance(batch[0].storage, BorrowedStorage)
    assert batch[0].data_ptr() % 64 == 0
    assert mapped() == 1  # of both tensors; the pass and its workers are gone
    row = batch[0][2]
    array = batch[1].numpy()
    batch = None
    gc.collect()
    assert mapped() == 1
    assert row.sum().item() == 1000.0
    row = None
    assert mapped() == 1
    assert array.tolist() == [0, 1, 2, 3]
    array = None
    assert mapped() == 0


def test_all_batches_at_once_need_no_descriptors(mapped) -> None:
    before = len(os.listdir("/proc/self/fd"))
    batches = list(DataLoader(TensorDataset(curta.arange(300)), 1, num_workers=2))
    assert len(os.listdir("/proc/self/fd")) <= before
    assert mapped() == 300
    assert [batch[0].item() for batch in batches] == list(range(300))


def test_gradients_reach_a_batch() -> None:
    (batch,) = DataLoader(TensorDataset(curta.arange(3.0)), 3, num_workers=1)
    x = batch[0].requires_grad_()
    (x**2).sum().backward()
    assert x.grad.tolist() == [0.0, 2.0, 4.0]


def test_a_tensor_with_a_history_is_refused() -> None:
    message = "cannot hand over a tensor that is not a leaf to another process: call detach\\(\\) first"
    with pytest.raises(AutogradError, match=message):
        list(raw(lambda index: curta.ones(1, requires_grad=True) * 2))


# passes


def test_half_a_pass() -> None:
    loader = DataLoader(range(100), num_workers=2)
    for batch in loader:
        if batch.item() == 3:
            break
    assert multiprocessing.active_children() == []
    assert len(list(loader)) == 100


def test_persistent_workers_stay() -> None:
    loader = raw(lambda index: os.getpid(), 40, persistent_workers=True)
    (worker,) = set(loader)
    assert set(loader) == {worker}
    for _ in loader:
        break
    assert list(loader) == [worker] * 40  # nothing is left over from the pass before
    (process,) = multiprocessing.active_children()
    assert process.pid == worker
    del loader
    gc.collect()
    assert multiprocessing.active_children() == []


def test_persistent_workers_begin_a_stream_again() -> None:
    loader = DataLoader(Shares(5), 2, num_workers=2, persistent_workers=True)
    assert next(iter(loader)).tolist() == [0, 1]
    assert [lists(loader), lists(loader)] == [[[0, 1], [3, 4], [2]]] * 2


@pytest.mark.parametrize("persistent", [False, True])
def test_passes_in_one_another_are_independent(persistent: bool) -> None:
    loader = DataLoader(range(3), num_workers=1, persistent_workers=persistent)
    assert [(a.item(), b.item()) for a in loader for b in loader] == [(a, b) for a in range(3) for b in range(3)]
    two = DataLoader(range(5, 8), num_workers=1)
    assert [(a.item(), b.item()) for a, b in zip(loader, two, strict=True)] == [(0, 5), (1, 6), (2, 7)]


def test_a_pass_in_another_thread() -> None:
    found: list[object] = []
    thread = threading.Thread(target=lambda: found.extend(lists(DataLoader(range(3), num_workers=1))))
    thread.start()
    thread.join()
    assert found == [[0], [1], [2]]


def test_after_the_end_comes_nothing() -> None:
    batches = iter(DataLoader(range(2), num_workers=1))
    assert [batch.item() for batch in batches] == [0, 1]
    assert list(batches) == []
    assert multiprocessing.active_children() == []


def test_a_context_may_be_given() -> None:
    loader = DataLoader(range(3), num_workers=1, multiprocessing_context=multiprocessing.get_context("fork"))
    assert lists(loader) == [[0], [1], [2]]


# exceptions


class OddError(Exception):
    """Cannot be made from a message alone."""

    def __init__(self, one: int, two: int) -> None:
        super().__init__(one, two)


def test_an_exception_has_its_type_and_the_workers_traceback() -> None:
    def unlucky_function(index: int) -> int:
        if index == 1:
            raise IndexError("no such sample")
        return index

    batches = iter(raw(unlucky_function, 3))
    assert next(batches) == 0
    with pytest.raises(IndexError) as caught:
        next(batches)
    lines = str(caught.value).splitlines()
    assert lines[0] == "Caught IndexError in DataLoader worker process 0."
    assert lines[1] == "Original Traceback (most recent call last):"
    assert any("in unlucky_function" in line for line in lines)
    assert lines[-1] == "IndexError: no such sample"
    assert next(batches) == 2  # as in PyTorch, the rest can still be had


def test_an_exception_that_nobody_holds_ends_the_workers() -> None:
    def fail(index: int) -> int:
        raise KeyError(f"sample {index}")

    with pytest.raises(KeyError) as caught:
        for _ in raw(fail):
            pass
    assert multiprocessing.active_children() == []
    assert str(caught.value).startswith("Caught KeyError in DataLoader worker process 0.\nOriginal Traceback")


def test_exceptions_that_cannot_be_made_again() -> None:
    class LocalError(Exception):
        pass

    def fail(index: int) -> int:
        raise LocalError("here") if index else OddError(1, 2)

    batches = iter(raw(fail, 2))
    with pytest.raises(DataError, match=r"^Caught OddError in DataLoader worker process 0\.\n"):
        next(batches)
    with pytest.raises(DataError, match=r"^Caught LocalError in DataLoader worker process 0\.\n"):
        next(batches)


def test_an_exception_where_a_worker_begins() -> None:
    def begin(number: int) -> None:
        raise ValueError("not today")

    batches = iter(DataLoader(range(3), num_workers=1, worker_init_fn=begin))
    for _ in range(3):
        with pytest.raises(ValueError, match=r"^Caught ValueError in DataLoader worker process 0\.[^$]*not today"):
            next(batches)

    class Broken(IterableDataset[int]):
        def __iter__(self):
            raise OSError("no stream")

    with pytest.raises(OSError, match="no stream"):
        list(DataLoader(Broken(), num_workers=1))


def test_what_cannot_be_pickled() -> None:
    with pytest.raises((AttributeError, TypeError, RuntimeError), match="in DataLoader worker process 0"):
        list(raw(lambda index: lambda: None))


def test_a_samplers_exception_ends_the_workers() -> None:
    def indices():
        yield from range(3)
        raise ValueError("lost")

    batches = iter(DataLoader(range(9), sampler=indices(), num_workers=1, prefetch_factor=2))
    assert next(batches).item() == 0
    with pytest.raises(ValueError, match=r"^lost$"):
        next(batches)
    with pytest.raises(
        DataError, match=r"^DataLoader: the workers of this pass have ended: begin another one with iter"
    ):
        next(batches)
    with pytest.raises(ValueError, match=r"^lost$"):
        iter(DataLoader(range(9), sampler=indices(), num_workers=1, prefetch_factor=5))
