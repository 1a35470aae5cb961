"""Making batches in one process, whether it is a worker or the main one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from curta.errors import DataError
from curta.utils.data.collate import default_collate
from curta.utils.data.dataset import IterableDataset, _samples, rows


class End:
    """What a fetch gives when a stream has ended; the class itself stands for it, since it pickles by name."""


@dataclass(frozen=True)
class Recipe:
    """What making a batch needs beside its indices."""

    dataset: Any
    #: whether samples are put together; otherwise each one is handed over by itself
    batched: bool
    collate: Callable[[Any], Any]
    drop_last: bool

    def open(self) -> Callable[[Any], Any]:
        """A function of a batch's indices (of one index, if not batched), for one pass."""
        if isinstance(self.dataset, IterableDataset):
            return _Stream(self).fetch
        return self._fetch

    def _fetch(self, index: Any) -> Any:
        if self.batched and self.collate is default_collate and (whole := rows(self.dataset, index)) is not None:
            return whole
        try:
            return self.collate(_samples(self.dataset, index) if self.batched else self.dataset[index])
        except StopIteration as error:  # it would end the caller's loop as if there were no more batches
            raise DataError(f"DataLoader: the dataset or collate_fn raised StopIteration for index {index}") from error


class _Stream:
    """One pass over an `IterableDataset`."""

    def __init__(self, recipe: Recipe) -> None:
        self._recipe = recipe
        self._samples = iter(recipe.dataset)
        self._ended = False

    def _next(self) -> Any:
        found = End if self._ended else next(self._samples, End)
        self._ended = found is End
        return found

    def fetch(self, places: Any) -> Any:
        """The next sample, or a batch of as many as there are places."""
        recipe = self._recipe
        if not recipe.batched:
            sample = self._next()
            return End if sample is End else self._collated(sample)
        batch: list[Any] = []
        while len(batch) < len(places) and (sample := self._next()) is not End:
            batch.append(sample)
        if not batch or (recipe.drop_last and len(batch) < len(places)):
            return End
        return self._collated(batch)

    def _collated(self, samples: Any) -> Any:
        try:
            return self._recipe.collate(samples)
        except StopIteration as error:
            raise DataError("DataLoader: collate_fn raised StopIteration") from error


@dataclass(frozen=True)
class WorkerInfo:
    """Which worker this process is: its number, how many there are, its seed, and its own copy of the dataset."""

    id: int
    num_workers: int
    seed: int
    dataset: Any


_info: WorkerInfo | None = None


def get_worker_info() -> WorkerInfo | None:
    """In a worker of a `DataLoader` what it is, in the main process None.

    >>> get_worker_info()
    """
    return _info


def set_worker_info(info: WorkerInfo) -> None:
    """Say what this process is."""
    global _info
    _info = info
