"""The loader: which batches there are, in which order, and who makes them."""

from __future__ import annotations

import warnings
import weakref
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from curta.errors import ArgumentError, ArgumentTypeError, DataError, DataWarning, UnsupportedError
from curta.random import Generator
from curta.utils.data.collate import default_collate, default_convert
from curta.utils.data.dataset import IterableDataset
from curta.utils.data.fetch import End, Recipe, get_worker_info
from curta.utils.data.sampler import BatchSampler, EndlessSampler, RandomSampler, SequentialSampler, drawn_seed

if TYPE_CHECKING:
    from curta.utils.data.workers import Crew

T_co = TypeVar("T_co", covariant=True)

#: what cannot be changed once a loader is made
_FIXED = frozenset(("batch_size", "batch_sampler", "sampler", "drop_last", "dataset", "persistent_workers"))
_PREFETCHED = 2
_NOTHING = object()


class DataLoader(Generic[T_co]):
    """Batches of a dataset's samples; every `iter` is one pass.

    Batches are `batch_size` samples put together by `collate_fn` (`default_collate`), or samples by themselves if it is
    None. Their order is the sampler's: from 0 on, random with `shuffle`, or that of `sampler` or `batch_sampler`. It
    follows from the seed of `generator` (the default one, if None), not from the number of workers.

    With `num_workers` processes make them, `prefetch_factor` (2) each in advance, and hand them over in shared memory,
    which is freed with the last tensor that looks into it. An exception in a worker is raised here, as one of the same
    type, with the worker's traceback in its message. See docs/data.md.

    Raises ArgumentError for options that contradict each other, UnsupportedError for `pin_memory` and `in_order=False`,
    and while it is iterated DataError where a worker ends, or gives no batch for `timeout` seconds.

    >>> import curta
    >>> from curta.utils.data import TensorDataset
    >>> for (x,) in DataLoader(TensorDataset(curta.arange(5)), batch_size=2):
    ...     print(x)
    tensor([0, 1])
    tensor([2, 3])
    tensor([4])
    """

    _made = False

    def __init__(
        self,
        dataset: Any,
        batch_size: int | None = 1,
        shuffle: bool | None = None,
        sampler: Iterable[Any] | None = None,
        batch_sampler: Iterable[Any] | None = None,
        num_workers: int = 0,
        collate_fn: Callable[[Any], Any] | None = None,
        pin_memory: bool = False,
        drop_last: bool = False,
        timeout: float = 0,
        worker_init_fn: Callable[[int], Any] | None = None,
        multiprocessing_context: Any = None,
        generator: Generator | None = None,
        *,
        prefetch_factor: int | None = None,
        persistent_workers: bool = False,
        pin_memory_device: str = "",
        in_order: bool = True,
    ) -> None:
        if pin_memory or pin_memory_device:
            raise UnsupportedError("DataLoader: pin_memory=True is not supported: there is no device to copy to")
        if not in_order:
            raise UnsupportedError("DataLoader: in_order=False is not supported: batches come in the sampler's order")
        _check_workers(num_workers, timeout, prefetch_factor, persistent_workers, multiprocessing_context)
        self._stream = isinstance(dataset, IterableDataset)
        _check_order(self._stream, batch_size, shuffle, sampler, batch_sampler, drop_last)
        if sampler is None:
            if self._stream:
                sampler = EndlessSampler()
            else:
                sampler = RandomSampler(dataset, generator=generator) if shuffle else SequentialSampler(dataset)
        if batch_sampler is not None:
            batch_size = None
        elif batch_size is not None:
            batch_sampler = BatchSampler(sampler, batch_size, drop_last)
        self.dataset = dataset
        self.batch_size = batch_size
        self.sampler = sampler
        self.batch_sampler = batch_sampler
        self.num_workers = num_workers
        self.collate_fn = collate_fn or (default_convert if batch_sampler is None else default_collate)
        self.pin_memory = pin_memory
        self.drop_last = drop_last
        self.timeout = timeout
        self.worker_init_fn = worker_init_fn
        self.multiprocessing_context = multiprocessing_context
        self.generator = generator
        self.prefetch_factor = _PREFETCHED if num_workers and prefetch_factor is None else prefetch_factor
        self.persistent_workers = persistent_workers
        #: workers that wait for the next pass, and the length that was told of a stream
        self._crew: Crew | None = None
        self._told: int | None = None
        self._made = True

    def __setattr__(self, name: str, value: Any) -> None:
        if self._made and name in _FIXED:
            raise ArgumentError(f"{name} attribute should not be set after {type(self).__name__} is initialized")
        super().__setattr__(name, value)

    def __iter__(self) -> Iterator[T_co]:
        if not self.num_workers:
            return _Here(self)
        if get_worker_info() is not None:
            raise UnsupportedError("DataLoader: a worker cannot have workers of its own: use num_workers=0 in it")
        return _ByWorkers(self)

    def __len__(self) -> int:
        if not self._stream:
            return len(self._order())  # type: ignore[arg-type]
        length = len(self.dataset)
        if self.batch_size is not None:
            length = length // self.batch_size if self.drop_last else -(-length // self.batch_size)
        self._told = length
        return length

    def _order(self) -> Iterable[Any]:
        """The indices of batches, or of samples if there are no batches."""
        return self.sampler if self.batch_sampler is None else self.batch_sampler

    def _recipe(self) -> Recipe:
        return Recipe(self.dataset, self.batch_sampler is not None, self.collate_fn, self.drop_last)

    def _hire(self, seed: int) -> Crew:
        """Workers for a pass: those that wait, if they are all there and nobody uses them, else new ones."""
        from curta.utils.data.workers import Crew, Duty  # multiprocessing is not imported before somebody needs it

        waiting = self._crew
        if waiting is not None and waiting.alive and waiting.user() is None:
            waiting.turn += 1
            return waiting
        numbers, recipe = range(self.num_workers), self._recipe()
        duties = (Duty(recipe, one, self.num_workers, seed, self.worker_init_fn) for one in numbers)
        crew = Crew(duties, self.multiprocessing_context)
        if self.persistent_workers and (waiting is None or not waiting.alive):
            self._crew = crew
        return crew


def _check_workers(workers: int, timeout: float, prefetch: int | None, persistent: bool, context: Any) -> None:
    """Refuse what says nothing about workers that there are, or contradicts itself."""
    if isinstance(workers, bool) or not isinstance(workers, int):
        raise ArgumentTypeError(f"num_workers option should be an int, got {type(workers).__name__}")
    if workers < 0:
        raise ArgumentError(
            f"num_workers option should be non-negative, got {workers}; use num_workers=0 to disable multiprocessing."
        )
    if timeout < 0:
        raise ArgumentError(f"timeout option should be non-negative, got {timeout}")
    if prefetch is not None and prefetch < 1:
        raise ArgumentError(f"prefetch_factor option should be positive, got {prefetch}")
    if workers:
        _check_context(context)
        return
    given = {
        "timeout": timeout or None,
        "prefetch_factor": prefetch,
        "persistent_workers": persistent or None,
        "multiprocessing_context": context,
    }
    for name, value in given.items():
        if value is not None:
            raise ArgumentError(f"{name} option needs num_workers > 0, got {name}={value!r}")


def _check_context(context: Any) -> None:
    from multiprocessing import get_all_start_methods
    from multiprocessing.context import BaseContext

    if isinstance(context, str):
        if context not in get_all_start_methods():
            raise ArgumentError(
                "multiprocessing_context option should specify a valid start method in "
                f"{get_all_start_methods()!r}, but got multiprocessing_context={context!r}"
            )
    elif context is not None and not isinstance(context, BaseContext):
        raise ArgumentTypeError(
            "multiprocessing_context option should be a valid context object or a string specifying the start "
            f"method, but got multiprocessing_context={context}"
        )


def _check_order(
    stream: bool, batch_size: int | None, shuffle: bool | None, sampler: Any, batch_sampler: Any, drop_last: bool
) -> None:
    """Refuse orders for what has none, and two orders at once."""
    if stream:
        given = {"shuffle": shuffle or None, "sampler": sampler, "batch_sampler": batch_sampler}
        for name, value in given.items():
            if value is not None:
                raise ArgumentError(
                    f"DataLoader with IterableDataset: expected unspecified {name} option, but got {name}={value}"
                )
    if sampler is not None and shuffle:
        raise ArgumentError("sampler option is mutually exclusive with shuffle")
    if batch_sampler is not None:
        if batch_size != 1 or shuffle or sampler is not None or drop_last:
            raise ArgumentError(
                "batch_sampler option is mutually exclusive with batch_size, shuffle, sampler, and drop_last"
            )
    elif batch_size is None and drop_last:
        raise ArgumentError("batch_size=None option disables auto-batching and is mutually exclusive with drop_last")


class _Pass(Iterator[Any]):
    """One pass over a loader's batches."""

    def __init__(self, loader: DataLoader[Any]) -> None:
        self._loader = loader
        # drawn without workers too, so that the order does not depend on how many there are
        self._seed = drawn_seed(loader.generator)
        self._indices = iter(loader._order())
        self._count = 0

    def __len__(self) -> int:
        return len(self._loader._order())  # type: ignore[arg-type]

    def _counted(self) -> None:
        """One more batch; DataWarning at the first one that a stream should not have."""
        self._count += 1
        told = self._loader._told
        if told is not None and self._count == told + 1:
            hint = "; does each worker yield a share of its own (get_worker_info)?" if self._loader.num_workers else ""
            message = f"Length of {type(self._loader.dataset).__name__} was {told} batches, but there are more{hint}"
            warnings.warn(message, DataWarning, stacklevel=3)


class _Here(_Pass):
    """A pass in this process."""

    def __init__(self, loader: DataLoader[Any]) -> None:
        super().__init__(loader)
        self._fetch = loader._recipe().open()

    def __next__(self) -> Any:
        batch = self._fetch(next(self._indices))
        if batch is End:
            self._indices = iter(())
            raise StopIteration
        self._counted()
        return batch


class _ByWorkers(_Pass):
    """A pass by worker processes: they take turns, and each is always `prefetch_factor` batches ahead."""

    def __init__(self, loader: DataLoader[Any]) -> None:
        super().__init__(loader)
        #: the worker of each batch that is being made, in the order of the batches
        self._tasks: deque[int] = deque()
        self._failed = False
        self._crew: Crew | None = loader._hire(self._seed)
        self._crew.user = weakref.ref(self)
        try:
            for _ in range(loader.prefetch_factor or _PREFETCHED):
                for number in range(loader.num_workers):
                    self._assign(self._crew, number)
        except BaseException:
            self._crew.shut_down()
            raise

    def _assign(self, crew: Crew, number: int) -> None:
        """Let a worker make one more batch, if there is one."""
        index = next(self._indices, _NOTHING)
        if index is not _NOTHING:
            crew.send(number, (crew.turn, index))
            self._tasks.append(number)

    def _answer(self, crew: Crew, number: int) -> Any:
        while True:
            turn, answer = crew.receive(number, self._tasks, self._loader.timeout)
            if turn == crew.turn:  # else of a pass that was left half-way
                return answer

    def _take(self, crew: Crew) -> Any:
        """The next batch, a worker's failure in its place, or `End`."""
        while self._tasks:
            number = self._tasks.popleft()
            answer = self._answer(crew, number)
            if answer is not End:
                self._assign(crew, number)
                return answer
            self._tasks = deque(other for other in self._tasks if other != number)
        return End

    def __next__(self) -> Any:
        crew = self._crew
        if crew is None:
            if self._failed:
                raise DataError("DataLoader: the workers of this pass have ended: begin another one with iter()")
            raise StopIteration
        try:
            answer = self._take(crew)
        except BaseException:  # a dead worker, Ctrl-C, a sampler's own error
            self._failed, self._crew = True, None
            crew.shut_down()
            raise
        if answer is End:
            self._crew = None
            crew.user = _nobody
            if crew is not self._loader._crew:
                crew.shut_down()
            raise StopIteration
        if isinstance(answer, _failure()):
            del self, crew  # or the error's traceback would keep the workers alive
            raise answer.rebuilt()
        self._counted()
        return answer


def _nobody() -> None:
    """The user of workers that wait."""


def _failure() -> type[Any]:
    from curta.utils.data.workers import Failure

    return Failure
