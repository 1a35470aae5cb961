"""Lists and dictionaries of parameters."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from operator import index as whole
from typing import Any, Self

from curta.errors import (
    ArgumentError,
    ArgumentTypeError,
    IndexRangeError,
    NameTakenError,
    NoSuchAttributeError,
    OrderError,
)
from curta.nn.modules.module import Module
from curta.nn.parameter import Buffer, Parameter
from curta.tensor import Tensor


def _kept(value: Any) -> Any:
    """What a container keeps: tensors as parameters, everything else as it is."""
    return Parameter(value) if isinstance(value, Tensor) and not isinstance(value, Parameter | Buffer) else value


def _told(key: Any, value: Any) -> str:
    """A line of the printed form."""
    if not isinstance(value, Tensor):
        return f"  ({key}): Object of type: {type(value).__name__}"
    kind = "Parameter" if isinstance(value, Parameter) else "Tensor"
    device = "" if value.device.type == "cpu" else f" ({value.device})"
    return f"  ({key}): {kind} containing: [{value.dtype} of size {'x'.join(map(str, value.shape))}{device}]"


class ParameterList(Module):
    """A list whose tensors are parameters of the module that it is in; it may have other things among them.

    >>> import curta
    >>> weights = ParameterList([curta.zeros(2), curta.ones(3)])
    >>> [tuple(one.shape) for one in weights], list(weights.state_dict())
    ([(2,), (3,)], ['0', '1'])
    """

    def __init__(self, values: Iterable[Any] | None = None) -> None:
        super().__init__()
        self._size = 0
        if values is not None:
            self.extend(values)

    def _place(self, index: Any) -> str:
        place = whole(index)
        if not -self._size <= place < self._size:
            raise IndexRangeError(f"index {place} is out of range")
        return str(place % self._size)

    def __getitem__(self, index: Any) -> Any:
        if isinstance(index, slice):
            return type(self)([self[place] for place in range(*index.indices(self._size))])
        return getattr(self, self._place(index))

    def __setitem__(self, index: Any, value: Any) -> None:
        setattr(self, self._place(index), _kept(value))

    def __len__(self) -> int:
        return self._size

    def __iter__(self) -> Iterator[Any]:
        return (self[place] for place in range(self._size))

    def __iadd__(self, values: Iterable[Any]) -> Self:
        return self.extend(values)

    def append(self, value: Any) -> Self:
        """Add a value at the end."""
        self._size += 1
        self[self._size - 1] = value
        return self

    def extend(self, values: Iterable[Any]) -> Self:
        """Add several values at the end."""
        if not isinstance(values, Iterable) or isinstance(values, Tensor):
            raise ArgumentTypeError(
                f"ParameterList.extend should be called with an iterable, but got {type(values).__name__}"
            )
        for value in values:
            self.append(value)
        return self

    def pop(self, index: int = -1) -> Any:
        """Take a value out."""
        values = list(self)
        found = values.pop(int(self._place(index)))
        delattr(self, str(self._size - 1))
        self._size -= 1
        for place, value in enumerate(values):
            self[place] = value
        return found

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        raise OrderError("ParameterList should not be called.")

    def extra_repr(self) -> str:
        return "\n".join(_told(place, value) for place, value in enumerate(self))


class ParameterDict(Module):
    """A dictionary whose tensors are parameters of the module that it is in; it may have other things among them.

    >>> import curta
    >>> weights = ParameterDict({"left": curta.zeros(2), "right": curta.ones(3)})
    >>> list(weights.state_dict())
    ['left', 'right']
    """

    def __init__(self, parameters: Any = None) -> None:
        super().__init__()
        self._keys: dict[str, None] = {}
        if parameters is not None:
            self.update(parameters)

    def __getitem__(self, key: str) -> Any:
        if key not in self._keys:
            raise NoSuchAttributeError(f"'{type(self).__name__}' object has no attribute '{key}'")
        return getattr(self, key)

    def __setitem__(self, key: str, value: Any) -> None:
        if not isinstance(key, str):
            raise ArgumentTypeError(
                "Index given to ParameterDict cannot be used as a key as it is not a string (type is "
                f"'{type(key).__name__}')"
            )
        self._keys[key] = None
        setattr(self, key, _kept(value))

    def __delitem__(self, key: str) -> None:
        self.pop(key)

    def __len__(self) -> int:
        return len(self._keys)

    def __iter__(self) -> Iterator[str]:
        return iter(self._keys)

    def __reversed__(self) -> Iterator[str]:
        return reversed(self._keys)

    def __contains__(self, key: str) -> bool:
        return key in self._keys

    def __or__(self, other: Any) -> Self:
        made = type(self)(self)
        made.update(other)
        return made

    def __ior__(self, other: Any) -> Self:
        self.update(other)
        return self

    def copy(self) -> ParameterDict:
        """Another dictionary of the same values."""
        return ParameterDict(dict(self.items()))

    def get(self, key: str, default: Any = None) -> Any:
        """The value of a key, or `default`."""
        return getattr(self, key) if key in self._keys else default

    def setdefault(self, key: str, default: Any = None) -> Any:
        """The value of a key, which is `default` from now on if there was none."""
        if key not in self:
            self[key] = default
        return self[key]

    def fromkeys(self, keys: Iterable[str], default: Any = None) -> ParameterDict:
        """A new dictionary with one value for all keys."""
        return ParameterDict(dict.fromkeys(keys, default))

    def pop(self, key: str) -> Any:
        """Take a value out."""
        found = self[key]
        del self._keys[key]
        delattr(self, key)
        return found

    def popitem(self) -> tuple[str, Any]:
        """Take the last key and its value out."""
        if not self._keys:
            raise NameTakenError("popitem(): dictionary is empty")
        key = next(reversed(self._keys))
        return key, self.pop(key)

    def clear(self) -> None:
        """Forget everything."""
        for key in list(self._keys):
            self.pop(key)

    def keys(self) -> Iterable[str]:
        """The names."""
        return self._keys.keys()

    def values(self) -> Iterable[Any]:
        """The values."""
        return [self[key] for key in self._keys]

    def items(self) -> Iterable[tuple[str, Any]]:
        """Names and values."""
        return [(key, self[key]) for key in self._keys]

    def update(self, parameters: Any) -> None:
        """Take over all of a mapping, or of an iterable of keys and values."""
        if isinstance(parameters, ParameterDict | Mapping):
            pairs: Iterable[Any] = parameters.items()
        elif isinstance(parameters, Iterable):
            pairs = list(parameters)
        else:
            raise ArgumentTypeError(
                "ParametersDict.update should be called with an iterable of key/value pairs, but got "
                f"{type(parameters).__name__}"
            )
        for place, pair in enumerate(pairs):
            if len(pair) != 2:
                raise ArgumentError(
                    f"ParameterDict update sequence element #{place} has length {len(pair)}; 2 is required"
                )
            self[pair[0]] = pair[1]

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        raise OrderError("ParameterDict should not be called.")

    def extra_repr(self) -> str:
        return "\n".join(_told(key, value) for key, value in self.items())
