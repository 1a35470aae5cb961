"""Where samples come from: datasets with an index or a stream, and datasets made of others."""

from __future__ import annotations

import bisect
import itertools
import math
import warnings
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Generic, TypeVar

from curta.errors import ArgumentError, DataWarning, UnsupportedError
from curta.functions.random import randperm
from curta.random import Generator
from curta.tensor import Tensor

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)


class Dataset(Generic[T_co]):
    """Samples by index: a subclass has `__getitem__`, and `__len__` where a sampler or `len` asks for it.

    `__getitems__(indices)`, if there is one, gives the samples of a whole batch as a list. UnsupportedError (a
    NotImplementedError) where a subclass has no `__getitem__`.

    >>> class Squares(Dataset[int]):
    ...     def __len__(self):
    ...         return 3
    ...     def __getitem__(self, index):
    ...         return index**2
    >>> (Squares() + Squares())[4]
    1
    """

    def __getitem__(self, index: Any) -> T_co:
        raise UnsupportedError("Subclasses of Dataset should implement __getitem__.")

    def __add__(self, other: Dataset[Any]) -> Dataset[Any]:
        return ConcatDataset([self, other])


class IterableDataset(Dataset[T_co]):
    """Samples as they come: a subclass has `__iter__`.

    Each worker of a `DataLoader` has a copy of it and yields all of it, unless `__iter__` or `worker_init_fn` takes a
    share by `get_worker_info()`. UnsupportedError where a subclass has no `__iter__`.

    >>> class Count(IterableDataset[int]):
    ...     def __iter__(self):
    ...         return iter(range(2))
    >>> list(Count() + Count())
    [0, 1, 0, 1]
    """

    def __iter__(self) -> Iterator[T_co]:
        raise UnsupportedError("Subclasses of IterableDataset should implement __iter__.")

    def __add__(self, other: Dataset[Any]) -> Dataset[Any]:
        return ChainDataset([self, other])


class TensorDataset(Dataset[tuple[Tensor, ...]]):
    """The rows of tensors of any dtypes, which have the same size of their first dimension.

    ArgumentError where they have not, or where there is no tensor.

    >>> import curta
    >>> data = TensorDataset(curta.arange(6).reshape(3, 2), curta.tensor([7, 8, 9]))
    >>> len(data), data[1]
    (3, (tensor([2, 3]), tensor(8)))
    """

    def __init__(self, *tensors: Tensor) -> None:
        if not tensors:
            raise ArgumentError("TensorDataset: requires at least one tensor")
        if any(tensor.size(0) != tensors[0].size(0) for tensor in tensors):
            found = ", ".join(str(list(tensor.shape)) for tensor in tensors)
            raise ArgumentError(f"Size mismatch between tensors: {found}")
        self.tensors = tensors

    def __getitem__(self, index: Any) -> tuple[Tensor, ...]:
        return tuple(tensor[index] for tensor in self.tensors)

    def __len__(self) -> int:
        return int(self.tensors[0].size(0))


def _samples(dataset: Any, indices: list[Any]) -> list[Any]:
    """The samples of a batch, all at once where the dataset can do that."""
    together = getattr(dataset, "__getitems__", None)
    if not callable(together):
        return [dataset[index] for index in indices]
    found: list[Any] = together(indices)
    return found


class StackDataset(Dataset[Any]):
    """Datasets of the same length side by side: a sample is a tuple of theirs, or a dict if they are named.

    ArgumentError for none, for some of both kinds, for different lengths, and where one gives too few for a batch.

    >>> StackDataset(range(3), "abc")[1], StackDataset(number=range(3), letter="abc")[2]
    ((1, 'b'), {'number': 2, 'letter': 'c'})
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        if args and kwargs:
            raise ArgumentError("StackDataset: requires datasets without names or with names, got both")
        if not args and not kwargs:
            raise ArgumentError("At least one dataset should be passed")
        self.datasets: tuple[Any, ...] | dict[str, Any] = args or kwargs
        lengths = [len(dataset) for dataset in self._all()]
        if len(set(lengths)) > 1:
            raise ArgumentError(f"Size mismatch between datasets: {', '.join(map(str, lengths))}")
        self._length = lengths[0]

    def _all(self) -> Iterable[Any]:
        return self.datasets.values() if isinstance(self.datasets, dict) else self.datasets

    def _named(self, values: Iterable[Any]) -> Any:
        """One sample of the values that the datasets gave."""
        return dict(zip(self.datasets, values, strict=True)) if isinstance(self.datasets, dict) else tuple(values)

    def __getitem__(self, index: Any) -> Any:
        return self._named(dataset[index] for dataset in self._all())

    def __getitems__(self, indices: list[Any]) -> list[Any]:
        columns = [_samples(dataset, indices) for dataset in self._all()]
        for column in columns:
            if len(column) != len(indices):
                expected = f"Expected {len(indices)}, got {len(column)}"
                raise ArgumentError(f"Nested dataset's output size mismatch. {expected}")
        return [self._named(values) for values in zip(*columns, strict=True)]

    def __len__(self) -> int:
        return self._length


class ConcatDataset(Dataset[T_co]):
    """Datasets one after the other.

    ArgumentError for none, for one without an index, and for an index before the first sample.

    >>> both = ConcatDataset([range(3), range(10, 12)])
    >>> len(both), both[3], both[-1]
    (5, 10, 11)
    """

    def __init__(self, datasets: Iterable[Any]) -> None:
        self.datasets = list(datasets)
        if not self.datasets:
            raise ArgumentError("datasets should not be an empty iterable")
        if any(isinstance(dataset, IterableDataset) for dataset in self.datasets):
            raise ArgumentError("ConcatDataset does not support IterableDataset")
        self.cumulative_sizes = list(itertools.accumulate(len(dataset) for dataset in self.datasets))

    def __len__(self) -> int:
        return self.cumulative_sizes[-1]

    def __getitem__(self, index: Any) -> T_co:
        if index < 0:
            if -index > len(self):
                raise ArgumentError(
                    f"absolute value of index should not exceed dataset length: index {index}, length {len(self)}"
                )
            index += len(self)
        place = min(bisect.bisect_right(self.cumulative_sizes, index), len(self.datasets) - 1)
        before = self.cumulative_sizes[place - 1] if place else 0
        found: T_co = self.datasets[place][index - before]  # beyond the end: the last one's own IndexError
        return found


class ChainDataset(IterableDataset[T_co]):
    """Streams one after the other; ArgumentError, when it comes to it, for what is no `IterableDataset`."""

    def __init__(self, datasets: Iterable[Any]) -> None:
        self.datasets = datasets

    def _checked(self) -> Iterator[Any]:
        for dataset in self.datasets:
            if not isinstance(dataset, IterableDataset):
                raise ArgumentError(f"ChainDataset only supports IterableDataset, got {type(dataset).__name__}")
            yield dataset

    def __iter__(self) -> Iterator[T_co]:
        return itertools.chain.from_iterable(self._checked())

    def __len__(self) -> int:
        return sum(len(dataset) for dataset in self._checked())


class Subset(Dataset[T_co]):
    """The samples of a dataset at some indices.

    UnsupportedError for a subclass with a `__getitem__` of its own but no `__getitems__`, which batches would pass by.

    >>> part = Subset("abcdef", [4, 0])
    >>> len(part), part[0]
    (2, 'e')
    """

    def __init__(self, dataset: Any, indices: Sequence[Any]) -> None:
        kind = type(self)
        if kind.__getitem__ is not Subset.__getitem__ and kind.__getitems__ is Subset.__getitems__:
            raise UnsupportedError(
                f"{kind.__name__} overrides __getitem__ but not __getitems__, which a DataLoader takes batches from"
            )
        self.dataset = dataset
        self.indices = indices

    def __getitem__(self, index: Any) -> T_co:
        if isinstance(index, list):
            several: T_co = self.dataset[[self.indices[one] for one in index]]
            return several
        found: T_co = self.dataset[self.indices[index]]
        return found

    def __getitems__(self, indices: list[Any]) -> list[T_co]:
        return _samples(self.dataset, [self.indices[one] for one in indices])

    def __len__(self) -> int:
        return len(self.indices)


def rows(dataset: Any, indices: Any) -> list[Tensor] | None:
    """What `default_collate` makes of a `TensorDataset`'s samples, or of a part's, without a tensor for each of them.

    None for other datasets, and for indices other than a list of ints.

    >>> import curta
    >>> rows(TensorDataset(curta.arange(6).reshape(3, 2), curta.tensor([7, 8, 9])), [2, 0])
    [tensor([[4, 5],
            [0, 1]]), tensor([9, 7])]
    """
    while type(dataset) is Subset and all(type(one) is int for one in indices):
        dataset, indices = dataset.dataset, [dataset.indices[one] for one in indices]
    if type(dataset) is not TensorDataset or not indices or not all(type(one) is int for one in indices):
        return None
    return [tensor[indices] for tensor in dataset.tensors]


def _shares(count: int, fractions: Sequence[float]) -> list[int]:
    """How many of `count` samples each fraction gets; what rounding leaves over goes to the first ones."""
    for place, fraction in enumerate(fractions):
        if not 0 <= fraction <= 1:
            raise ArgumentError(f"Fraction at index {place} is not between 0 and 1, got {fraction}")
    shares = [math.floor(count * fraction) for fraction in fractions]
    for place in range(count - sum(shares)):
        shares[place % len(shares)] += 1
    for place, share in enumerate(shares):
        if share == 0:
            message = f"Length of split at index {place} is 0. This might result in an empty dataset."
            warnings.warn(message, DataWarning, stacklevel=3)
    return shares


def random_split(dataset: Any, lengths: Sequence[float], generator: Generator | None = None) -> list[Subset[Any]]:
    """Random parts of a dataset without common samples, of these lengths, or fractions of it that add up to 1.

    ArgumentError where the lengths do not add up to the dataset's, or a fraction is not between 0 and 1; DataWarning
    for a fraction of nothing.

    >>> import curta
    >>> parts = random_split(range(10), [0.75, 0.25], generator=curta.Generator().manual_seed(0))
    >>> [len(part) for part in parts], sorted(index for part in parts for index in part.indices)
    ([8, 2], [0, 1, 2, 3, 4, 5, 6, 7, 8, 9])
    """
    count, total = len(dataset), sum(lengths)
    if math.isclose(total, 1) and total <= 1:
        lengths = _shares(count, lengths)
    if sum(lengths) != count:
        raise ArgumentError(
            f"Sum of input lengths does not equal the length of the input dataset! {sum(lengths)} and {count}"
        )
    order = randperm(count, generator=generator, device="cpu").tolist()
    ends = itertools.accumulate(lengths)
    return [Subset(dataset, order[end - length : end]) for end, length in zip(ends, lengths, strict=True)]
