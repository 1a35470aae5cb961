"""Batches, their order and how samples are put together, as PyTorch does; only random numbers differ."""

from __future__ import annotations

from collections import OrderedDict, namedtuple
from types import MappingProxyType
from typing import Any

import numpy as np
import pytest

import curta

torch = pytest.importorskip("torch")
pytestmark = [pytest.mark.parity, pytest.mark.filterwarnings("ignore")]

Point = namedtuple("Point", ["x", "y"])


def plain(value: Any) -> Any:
    """Containers as they are, tensors as their format and values."""
    if isinstance(value, (curta.Tensor, torch.Tensor)):
        return str(value.dtype).rpartition(".")[2], value.tolist()
    if isinstance(value, (dict, MappingProxyType)):
        return type(value).__name__, [(key, plain(one)) for key, one in value.items()]
    if isinstance(value, (list, tuple)):
        return type(value).__name__, [plain(one) for one in value]
    return type(value).__name__, str(value)


SAMPLES = {
    "int": lambda c: [1, 2],
    "bool": lambda c: [True, False],
    "float": lambda c: [1, 2.5][::-1],
    "tensor": lambda c: [c.ones(2, 3), c.zeros(2, 3)],
    "half": lambda c: [c.ones(2, dtype=c.bfloat16)] * 3,
    "string": lambda c: ["a", "b"],
    "bytes": lambda c: (b"a", b"b"),
    "tuple": lambda c: [(1, c.ones(1)), (2, c.zeros(1))],
    "list": lambda c: [[1, "a"], [2, "b"]],
    "named tuple": lambda c: [Point(1, 2.0), Point(3, 4.0)],
    "dict": lambda c: [{"a": 1, "b": [2]}, {"b": [3], "a": 4}],
    "ordered": lambda c: [OrderedDict(b=1, a=2)],
    "frozen": lambda c: [MappingProxyType({"a": 1})],
    "range": lambda c: [range(2), range(2)],
    "array": lambda c: [np.arange(3, dtype=np.int16)] * 2,
    "array of no dimensions": lambda c: [np.array(2.5, np.float32)] * 2,
    "float32": lambda c: [np.float32(1.5), np.float32(2)],
    "float64": lambda c: [np.float64(1.5), np.float64(2)],
    "int8": lambda c: [np.int8(1), np.int8(2)],
    "bool_": lambda c: [np.bool_(True), np.bool_(False)],
}


@pytest.mark.parametrize("name", SAMPLES)
def test_collation(name: str) -> None:
    ours, theirs = (plain(c.utils.data.default_collate(SAMPLES[name](c))) for c in (curta, torch))
    assert ours == theirs


@pytest.mark.parametrize("name", SAMPLES)
def test_conversion(name: str) -> None:
    ours, theirs = (plain(c.utils.data.default_convert(SAMPLES[name](c))) for c in (curta, torch))
    assert ours == theirs


def stream(c: Any, end: int) -> Any:
    class Stream(c.utils.data.IterableDataset):
        def __iter__(self) -> Any:
            info = c.utils.data.get_worker_info()
            count, number = (1, 0) if info is None else (info.num_workers, info.id)
            return iter(range(end * number // count, end * (number + 1) // count))

        def __len__(self) -> int:
            return end

    return Stream()


@pytest.mark.parametrize("workers", [0, 2])
@pytest.mark.parametrize("end", [0, 1, 5, 8])
@pytest.mark.parametrize(
    "options", [{}, {"batch_size": 2}, {"batch_size": 3, "drop_last": True}, {"batch_size": None}], ids=str
)
@pytest.mark.parametrize("kind", ["index", "stream"])
def test_order(kind: str, options: dict[str, Any], end: int, workers: int) -> None:
    found = []
    for c in (curta, torch):
        dataset = list(range(end)) if kind == "index" else stream(c, end)
        loader = c.utils.data.DataLoader(dataset, num_workers=workers, **options)
        length = len(loader)
        found.append((length, [plain(batch) for batch in loader], [plain(batch) for batch in loader]))
    assert found[0] == found[1]


@pytest.mark.parametrize("lengths", [[3, 7], [0.5, 0.5], [1 / 3, 1 / 3, 1 / 3], [0.25, 0.25, 0.5]])
def test_lengths_of_random_parts(lengths: list[float]) -> None:
    ours, theirs = ([len(part) for part in c.utils.data.random_split(range(10), lengths)] for c in (curta, torch))
    assert ours == theirs


@pytest.mark.parametrize("workers", [0, 1])
def test_after_an_exception(workers: int) -> None:
    """The type is the same, the message begins and ends the same, and the rest can still be had."""

    class Hole:
        def __len__(self) -> int:
            return 4

        def __getitem__(self, index: int) -> int:
            if index == 1:
                raise KeyError("hole")
            return index

    found = []
    for c in (curta, torch):
        batches, seen = iter(c.utils.data.DataLoader(Hole(), num_workers=workers)), []
        for _ in range(4):
            try:
                seen.append(next(batches).tolist())
            except Exception as error:
                lines = str(error).splitlines()
                seen.append((type(error), lines[0], lines[-1]))
        found.append(seen)
    assert found[0] == found[1]


def test_names() -> None:
    theirs = {name for name in torch.utils.data.__all__ if name[0] != "_"}
    pipes = {
        "DFIterDataPipe", "DataChunk", "IterDataPipe", "MapDataPipe", "argument_validation", "functional_datapipe",
        "guaranteed_datapipes_determinism", "non_deterministic", "runtime_validation", "runtime_validation_disabled",
    }  # fmt: skip
    assert set(curta.utils.data.__all__) == theirs - pipes - {"DistributedSampler"}
