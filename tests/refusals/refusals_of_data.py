"""What is refused, in which words: datasets, samplers and the loader."""

from __future__ import annotations

from typing import Any

from refusal import Refusal

from curta.errors import ArgumentError, ArgumentTypeError, DataError, ShapeError, UnsupportedError


def data(c: Any) -> Any:
    return c.utils.data


def loader(c: Any, *arguments: Any, **options: Any) -> Any:
    return data(c).DataLoader(range(4), *arguments, **options)


def stream(c: Any) -> Any:
    class Stream(data(c).IterableDataset):
        def __iter__(self) -> Any:
            return iter(range(4))

    return Stream()


def own_subset(c: Any) -> Any:
    class Own(data(c).Subset):
        def __getitem__(self, index: Any) -> Any:
            return index

    return Own(range(3), [0])


DATASETS = (
    Refusal(lambda c: data(c).Dataset()[0], UnsupportedError, "Subclasses of Dataset should implement __getitem__."),
    Refusal(
        lambda c: iter(data(c).IterableDataset()),
        UnsupportedError,
        "Subclasses of IterableDataset should implement __iter__.",
        only_curta=True,
    ),
    Refusal(
        lambda c: data(c).TensorDataset(),
        ArgumentError,
        "TensorDataset: requires at least one tensor",
        only_curta=True,
    ),
    Refusal(
        lambda c: data(c).TensorDataset(c.zeros(3, 2), c.zeros(4)),
        ArgumentError,
        "Size mismatch between tensors: [3, 2], [4]",
        only_curta=True,
    ),
    Refusal(
        lambda c: data(c).StackDataset([1], a=[1]),
        ArgumentError,
        "StackDataset: requires datasets without names or with names, got both",
    ),
    Refusal(lambda c: data(c).StackDataset(), ArgumentError, "At least one dataset should be passed"),
    Refusal(lambda c: data(c).StackDataset([1], [1, 2]), ArgumentError, "Size mismatch between datasets: 1, 2"),
    Refusal(lambda c: data(c).StackDataset(a=[1], b=[]), ArgumentError, "Size mismatch between datasets: 1, 0"),
    Refusal(
        lambda c: data(c).ConcatDataset([]),
        ArgumentError,
        "datasets should not be an empty iterable",
        only_curta=True,
    ),
    Refusal(
        lambda c: data(c).ConcatDataset([stream(c)]),
        ArgumentError,
        "ConcatDataset does not support IterableDataset",
        only_curta=True,
    ),
    Refusal(
        lambda c: data(c).ConcatDataset([[1, 2], [3]])[-4],
        ArgumentError,
        "absolute value of index should not exceed dataset length: index -4, length 3",
    ),
    Refusal(
        lambda c: list(data(c).ChainDataset([[1]])),
        ArgumentError,
        "ChainDataset only supports IterableDataset, got list",
        only_curta=True,
    ),
    Refusal(
        own_subset,
        UnsupportedError,
        "Own overrides __getitem__ but not __getitems__, which a DataLoader takes batches from",
    ),
    Refusal(
        lambda c: data(c).random_split(range(4), [1, 2]),
        ArgumentError,
        "Sum of input lengths does not equal the length of the input dataset! 3 and 4",
    ),
    Refusal(
        lambda c: data(c).random_split(range(4), [1.5, -0.5]),
        ArgumentError,
        "Fraction at index 0 is not between 0 and 1, got 1.5",
    ),
    Refusal(
        lambda c: data(c).default_collate([c]),
        ArgumentTypeError,
        "default_collate: batch must contain tensors, numpy arrays, numbers, dicts or lists; found <class 'module'>",
    ),
    Refusal(
        lambda c: data(c).default_collate([[1], [1, 2]]),
        ShapeError,
        "each element in list of batch should be of equal size, got sizes [1, 2]",
    ),
)

SAMPLERS = (
    Refusal(lambda c: iter(data(c).Sampler()), UnsupportedError, "Subclasses of Sampler should implement __iter__."),
    Refusal(
        lambda c: data(c).RandomSampler([1], replacement=2),
        ArgumentTypeError,
        "replacement should be a boolean value, but got replacement=2",
    ),
    Refusal(
        lambda c: data(c).RandomSampler([1], num_samples=0),
        ArgumentError,
        "num_samples should be a positive integer value, but got num_samples=0",
    ),
    Refusal(
        lambda c: data(c).RandomSampler([]),
        ArgumentError,
        "num_samples should be a positive integer value, but got num_samples=0",
    ),
    Refusal(
        lambda c: data(c).WeightedRandomSampler([1.0], True),
        ArgumentError,
        "num_samples should be a positive integer value, but got num_samples=True",
    ),
    Refusal(
        lambda c: data(c).WeightedRandomSampler([1.0], 1, replacement=1),
        ArgumentError,
        "replacement should be a boolean value, but got replacement=1",
    ),
    Refusal(
        lambda c: data(c).WeightedRandomSampler([[1.0, 2.0]], 1),
        ArgumentError,
        "weights should be a 1d sequence but given weights have shape (1, 2)",
    ),
    Refusal(
        lambda c: list(data(c).WeightedRandomSampler([1.0, -2.0], 1)),
        DataError,
        "probability tensor contains either `inf`, `nan` or element < 0",
    ),
    Refusal(
        lambda c: list(data(c).WeightedRandomSampler([0.0], 1)),
        DataError,
        "invalid multinomial distribution (sum of probabilities <= 0)",
    ),
    Refusal(
        lambda c: list(data(c).WeightedRandomSampler([1.0], 2, replacement=False)),
        DataError,
        "cannot sample 2 of 1 indices with a weight without replacement",
    ),
    Refusal(
        lambda c: data(c).BatchSampler([1], 0, False),
        ArgumentError,
        "batch_size should be a positive integer value, but got batch_size=0",
    ),
    Refusal(
        lambda c: data(c).BatchSampler([1], 1, None),
        ArgumentError,
        "drop_last should be a boolean value, but got drop_last=None",
    ),
)

LOADER = (
    Refusal(
        lambda c: loader(c, pin_memory=True),
        UnsupportedError,
        "DataLoader: pin_memory=True is not supported: there is no device to copy to",
        only_curta=True,
    ),
    Refusal(
        lambda c: loader(c, pin_memory_device="cuda"),
        UnsupportedError,
        "DataLoader: pin_memory=True is not supported: there is no device to copy to",
        only_curta=True,
    ),
    Refusal(
        lambda c: loader(c, in_order=False),
        UnsupportedError,
        "DataLoader: in_order=False is not supported: batches come in the sampler's order",
        only_curta=True,
    ),
    Refusal(lambda c: loader(c, num_workers="2"), ArgumentTypeError, "num_workers option should be an int, got str"),
    Refusal(
        lambda c: loader(c, num_workers=-1),
        ArgumentError,
        "num_workers option should be non-negative, got -1; use num_workers=0 to disable multiprocessing.",
    ),
    Refusal(lambda c: loader(c, timeout=-1), ArgumentError, "timeout option should be non-negative, got -1"),
    Refusal(
        lambda c: loader(c, num_workers=1, prefetch_factor=0),
        ArgumentError,
        "prefetch_factor option should be positive, got 0",
        only_curta=True,
    ),
    Refusal(
        lambda c: loader(c, timeout=5),
        ArgumentError,
        "timeout option needs num_workers > 0, got timeout=5",
        only_curta=True,
    ),
    Refusal(
        lambda c: loader(c, prefetch_factor=2),
        ArgumentError,
        "prefetch_factor option needs num_workers > 0, got prefetch_factor=2",
    ),
    Refusal(
        lambda c: loader(c, persistent_workers=True),
        ArgumentError,
        "persistent_workers option needs num_workers > 0, got persistent_workers=True",
    ),
    Refusal(
        lambda c: loader(c, multiprocessing_context="fork"),
        ArgumentError,
        "multiprocessing_context option needs num_workers > 0, got multiprocessing_context='fork'",
    ),
    Refusal(
        lambda c: loader(c, num_workers=1, multiprocessing_context="thread"),
        ArgumentError,
        "multiprocessing_context option should specify a valid start method in ['fork', 'spawn', 'forkserver'], but got multiprocessing_context='thread'",
    ),
    Refusal(
        lambda c: loader(c, num_workers=1, multiprocessing_context=3),
        ArgumentTypeError,
        "multiprocessing_context option should be a valid context object or a string specifying the start method, but got multiprocessing_context=3",
    ),
    Refusal(
        lambda c: data(c).DataLoader(stream(c), shuffle=True),
        ArgumentError,
        "DataLoader with IterableDataset: expected unspecified shuffle option, but got shuffle=True",
    ),
    Refusal(
        lambda c: data(c).DataLoader(stream(c), sampler=[1]),
        ArgumentError,
        "DataLoader with IterableDataset: expected unspecified sampler option, but got sampler=[1]",
    ),
    Refusal(
        lambda c: data(c).DataLoader(stream(c), batch_sampler=[[1]]),
        ArgumentError,
        "DataLoader with IterableDataset: expected unspecified batch_sampler option, but got batch_sampler=[[1]]",
    ),
    Refusal(
        lambda c: loader(c, shuffle=True, sampler=[1]),
        ArgumentError,
        "sampler option is mutually exclusive with shuffle",
    ),
    Refusal(
        lambda c: loader(c, 2, batch_sampler=[[1]]),
        ArgumentError,
        "batch_sampler option is mutually exclusive with batch_size, shuffle, sampler, and drop_last",
    ),
    Refusal(
        lambda c: loader(c, drop_last=True, batch_sampler=[[1]]),
        ArgumentError,
        "batch_sampler option is mutually exclusive with batch_size, shuffle, sampler, and drop_last",
    ),
    Refusal(
        lambda c: loader(c, None, drop_last=True),
        ArgumentError,
        "batch_size=None option disables auto-batching and is mutually exclusive with drop_last",
    ),
    Refusal(
        lambda c: setattr(loader(c), "batch_size", 3),
        ArgumentError,
        "batch_size attribute should not be set after DataLoader is initialized",
    ),
)

REFUSALS = (*DATASETS, *SAMPLERS, *LOADER)
