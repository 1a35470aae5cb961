"""In which order samples are taken."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Sequence, Sized
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from curta import host
from curta.dtypes import float64
from curta.errors import ArgumentError, ArgumentTypeError, DataError, UnsupportedError
from curta.functions.creation import as_tensor
from curta.functions.random import rand, randint, randperm
from curta.lazy import LazyModule
from curta.random import Generator

if TYPE_CHECKING:
    import numpy as np
else:
    np = LazyModule("numpy")

T_co = TypeVar("T_co", covariant=True)

#: with replacement, so many indices are drawn at a time
_DRAWN = 4096


def drawn_seed(generator: Generator | None) -> int:
    """A seed for another stream, drawn from this one, on whatever device tensors are made now.

    >>> drawn_seed(Generator().manual_seed(1)) == drawn_seed(Generator().manual_seed(1))
    True
    """
    return int(randint(0, 1 << 62, (), generator=generator, device="cpu").item())


def _check_positive(name: str, value: Any) -> None:
    if not isinstance(value, int) or isinstance(value, bool) or value <= 0:
        raise ArgumentError(f"{name} should be a positive integer value, but got {name}={value}")


class Sampler(Generic[T_co]):
    """An order of indices, or of lists of them: a subclass has `__iter__`, and `__len__` where one asks for it.

    UnsupportedError (a NotImplementedError) where a subclass has no `__iter__`.

    >>> class Backwards(Sampler[int]):
    ...     def __iter__(self):
    ...         return iter([2, 1, 0])
    >>> list(Backwards())
    [2, 1, 0]
    """

    def __iter__(self) -> Iterator[T_co]:
        raise UnsupportedError("Subclasses of Sampler should implement __iter__.")


class SequentialSampler(Sampler[int]):
    """All indices from 0 on.

    >>> list(SequentialSampler("abc"))
    [0, 1, 2]
    """

    def __init__(self, data_source: Sized) -> None:
        self.data_source = data_source

    def __iter__(self) -> Iterator[int]:
        return iter(range(len(self.data_source)))

    def __len__(self) -> int:
        return len(self.data_source)


class RandomSampler(Sampler[int]):
    """Indices in random order: each once, or `num_samples` of them, with `replacement` each drawn anew.

    From `generator`, or a stream that the default one seeds at every pass. ArgumentError if `num_samples` (or the
    length, where it is left out) is not positive, ArgumentTypeError if `replacement` is no bool.

    >>> sorted(RandomSampler(range(5)))
    [0, 1, 2, 3, 4]
    >>> len(list(RandomSampler("ab", num_samples=5)))
    5
    """

    def __init__(
        self,
        data_source: Sized,
        replacement: bool = False,
        num_samples: int | None = None,
        generator: Generator | None = None,
    ) -> None:
        self.data_source = data_source
        self.replacement = replacement
        self._num_samples = num_samples
        self.generator = generator
        if not isinstance(replacement, bool):
            raise ArgumentTypeError(f"replacement should be a boolean value, but got replacement={replacement}")
        _check_positive("num_samples", self.num_samples)

    @property
    def num_samples(self) -> int:
        """How many indices a pass gives."""
        return len(self.data_source) if self._num_samples is None else self._num_samples

    def __iter__(self) -> Iterator[int]:
        generator = self.generator
        if generator is None:
            generator = Generator().manual_seed(drawn_seed(None))
        count, left = len(self.data_source), self.num_samples
        while left > 0:
            if self.replacement:
                part = randint(0, count, (min(left, _DRAWN),), generator=generator, device="cpu").tolist()
            else:
                part = randperm(count, generator=generator, device="cpu").tolist()[:left]
            yield from part
            left -= len(part)

    def __len__(self) -> int:
        return self.num_samples


class SubsetRandomSampler(Sampler[int]):
    """The given indices in random order.

    >>> sorted(SubsetRandomSampler([3, 5, 8]))
    [3, 5, 8]
    """

    def __init__(self, indices: Sequence[int], generator: Generator | None = None) -> None:
        self.indices = indices
        self.generator = generator

    def __iter__(self) -> Iterator[int]:
        for place in randperm(len(self.indices), generator=self.generator, device="cpu").tolist():
            yield self.indices[place]

    def __len__(self) -> int:
        return len(self.indices)


class WeightedRandomSampler(Sampler[int]):
    """`num_samples` indices, each as often as its weight says; the weights need not add up to 1.

    ArgumentError for weights of other than one dimension, a `num_samples` that is not positive and a `replacement`
    that is no bool; DataError (a RuntimeError), at each pass, where the weights give no such sample.

    >>> list(WeightedRandomSampler([0.0, 2.0, 0.0], 4))
    [1, 1, 1, 1]
    >>> sorted(WeightedRandomSampler([0.1, 0.0, 7.0], 2, replacement=False))
    [0, 2]
    """

    def __init__(
        self,
        weights: Any,
        num_samples: int,
        replacement: bool = True,
        generator: Generator | None = None,
    ) -> None:
        _check_positive("num_samples", num_samples)
        if not isinstance(replacement, bool):
            raise ArgumentError(f"replacement should be a boolean value, but got replacement={replacement}")
        self.weights = as_tensor(weights, dtype=float64, device="cpu")
        if self.weights.dim() != 1:
            raise ArgumentError(
                f"weights should be a 1d sequence but given weights have shape {tuple(self.weights.shape)}"
            )
        self.num_samples = num_samples
        self.replacement = replacement
        self.generator = generator

    def __iter__(self) -> Iterator[int]:
        weights = host.array(self.weights.detach())
        if not (np.isfinite(weights) & (weights >= 0)).all():
            raise DataError("probability tensor contains either `inf`, `nan` or element < 0")
        if not weights.any():
            raise DataError("invalid multinomial distribution (sum of probabilities <= 0)")
        if self.replacement:
            sums = weights.cumsum()
            uniform = self._uniform(self.num_samples) * sums[-1]
            # the last index that has a weight, should rounding go beyond it
            return iter(np.minimum(np.searchsorted(sums, uniform, "right"), weights.nonzero()[0][-1]).tolist())
        possible = weights.nonzero()[0]
        if self.num_samples > len(possible):
            raise DataError(
                f"cannot sample {self.num_samples} of {len(possible)} indices with a weight without replacement"
            )
        # the time of the first event of a Poisson process for each: the order of a draw without replacement
        times = -np.log1p(-self._uniform(len(possible))) / weights[possible]
        return iter(possible[np.argsort(times, kind="stable")[: self.num_samples]].tolist())

    def _uniform(self, count: int) -> Any:
        return host.array(rand(count, dtype=float64, generator=self.generator, device="cpu"))

    def __len__(self) -> int:
        return self.num_samples


class BatchSampler(Sampler[list[int]]):
    """The indices of another sampler in lists of `batch_size`; `drop_last` leaves out a shorter one at the end.

    ArgumentError for a `batch_size` that is not positive and a `drop_last` that is no bool.

    >>> list(BatchSampler(range(5), 2, drop_last=False))
    [[0, 1], [2, 3], [4]]
    >>> len(BatchSampler(range(5), 2, drop_last=True))
    2
    """

    def __init__(self, sampler: Iterable[Any], batch_size: int, drop_last: bool) -> None:
        _check_positive("batch_size", batch_size)
        if not isinstance(drop_last, bool):
            raise ArgumentError(f"drop_last should be a boolean value, but got drop_last={drop_last}")
        self.sampler = sampler
        self.batch_size = batch_size
        self.drop_last = drop_last

    def __iter__(self) -> Iterator[list[int]]:
        indices = iter(self.sampler)
        while batch := list(itertools.islice(indices, self.batch_size)):
            if self.drop_last and len(batch) < self.batch_size:
                return
            yield batch

    def __len__(self) -> int:
        count = len(self.sampler)  # type: ignore[arg-type]
        return count // self.batch_size if self.drop_last else -(-count // self.batch_size)


class EndlessSampler(Sampler[None]):
    """What stands for the indices of a stream: it goes on until the stream ends."""

    def __iter__(self) -> Iterator[None]:
        return itertools.repeat(None)
