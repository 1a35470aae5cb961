"""How samples become a batch."""

from __future__ import annotations

import copy
import sys
from collections.abc import Callable, Iterable, Mapping, MutableMapping, MutableSequence, Sequence
from typing import Any

from curta.dtypes import float64
from curta.errors import ArgumentTypeError, ShapeError
from curta.functions.creation import as_tensor, tensor
from curta.functions.joining import stack
from curta.nested import is_foreign
from curta.tensor import Tensor

_REFUSED = "default_collate: batch must contain tensors, numpy arrays, numbers, dicts or lists; found {}"


def _of_mapping(like: Mapping[Any, Any], pairs: dict[Any, Any]) -> Any:
    """A mapping of the same kind; a dict where the kind cannot be made."""
    try:
        if isinstance(like, MutableMapping):  # it may have more to it than its keys
            clone = copy.copy(like)
            clone.update(pairs)
            return clone
        return type(like)(pairs)  # type: ignore[call-arg]
    except TypeError:
        return pairs


def _of_sequence(like: Sequence[Any], values: list[Any]) -> Any:
    """A sequence of the same kind; a list for a tuple, as in PyTorch, and where the kind cannot be made."""
    if isinstance(like, tuple):
        return type(like)(*values) if hasattr(like, "_fields") else values
    try:
        if isinstance(like, MutableSequence):
            clone = copy.copy(like)
            for place, value in enumerate(values):
                clone[place] = value
            return clone
        return type(like)(values)  # type: ignore[call-arg]
    except TypeError:
        return values


def _inside(like: Any, of_pair: Callable[[Any], Any], of_values: Callable[[], Iterable[Any]]) -> Any:
    """A container like this one, with what `of_pair` gives for a key, or `of_values` for all that is in a sequence."""
    if isinstance(like, Mapping):
        return _of_mapping(like, {key: of_pair(key) for key in like})
    return _of_sequence(like, list(of_values()))


def _columns(batch: Sequence[Any]) -> list[tuple[Any, ...]]:
    lengths = {len(sample) for sample in batch}
    if len(lengths) > 1:
        raise ShapeError(f"each element in list of batch should be of equal size, got sizes {sorted(lengths)}")
    return list(zip(*batch, strict=True))


def default_collate(batch: Sequence[Any]) -> Any:
    """Samples as one batch: tensors stacked, numbers as a tensor, and what is inside of dicts, tuples and lists.

    Arrays, also those of other frameworks that speak DLPack, become tensors; floats are float64; strings and bytes stay
    as they are; a tuple gives a list, a named tuple one of its kind. ArgumentTypeError for anything else, ShapeError
    for samples of different lengths.

    >>> default_collate([(0, 1.5), (2, 2.5)])
    [tensor([0, 2]), tensor([1.5000, 2.5000], dtype=curta.float64)]
    >>> default_collate([{"word": "a", "place": 3}, {"word": "b", "place": 4}])
    {'word': ['a', 'b'], 'place': tensor([3, 4])}
    """
    first = batch[0]
    if isinstance(first, Tensor):
        return stack(list(batch), 0)
    numpy = sys.modules.get("numpy")  # where it is not loaded there are no arrays
    if numpy is not None and isinstance(first, numpy.ndarray):
        if first.dtype.kind not in "biufV" or first.dtype.names:
            raise ArgumentTypeError(_REFUSED.format(first.dtype))
        return default_collate([as_tensor(sample) for sample in batch])
    if numpy is not None and isinstance(first, (numpy.bool_, numpy.number)):
        return as_tensor(numpy.array(batch))
    if isinstance(first, float):
        return tensor(list(batch), dtype=float64)
    if isinstance(first, int):
        return tensor(list(batch))
    if isinstance(first, (str, bytes)):
        return batch
    if isinstance(first, (Mapping, Sequence)):
        return _inside(
            first,
            lambda key: default_collate([sample[key] for sample in batch]),
            lambda: map(default_collate, _columns(batch)),
        )
    if is_foreign(first):
        return stack([as_tensor(sample) for sample in batch], 0)
    raise ArgumentTypeError(_REFUSED.format(type(first)))


def default_convert(data: Any) -> Any:
    """A sample by itself: arrays in it become tensors that share their memory, all else stays as it is.

    >>> import numpy
    >>> default_convert({"x": numpy.array([1, 2]), "name": "one"})
    {'x': tensor([1, 2]), 'name': 'one'}
    """
    if isinstance(data, (Tensor, str, bytes)):
        return data
    numpy = sys.modules.get("numpy")
    if numpy is not None and isinstance(data, (numpy.ndarray, numpy.generic)):
        return data if data.dtype.kind in "SUO" else as_tensor(data)
    if isinstance(data, (Mapping, Sequence)):
        return _inside(data, lambda key: default_convert(data[key]), lambda: map(default_convert, data))
    return data
