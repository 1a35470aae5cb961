"""The fields of a `config.json`, each checked as it is read; what is wrong is said with the field's name."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from curta.errors import ArgumentError, ArgumentTypeError, UnsupportedError

_MISSING: Any = object()


class Fields:
    """A JSON object; `place` is its own name in the file, with a dot behind, for one inside of another.

    >>> Fields({"n_head": 0}).size("n_head")
    Traceback (most recent call last):
    curta.errors.ArgumentError: config.json: n_head must be positive, got 0
    """

    def __init__(self, given: Mapping[str, Any], place: str = "") -> None:
        self._given = given
        self._place = place

    def name(self, name: str) -> str:
        """A field's name as messages begin with it."""
        return f"config.json: {self._place}{name}"

    def has(self, name: str) -> bool:
        """Whether there is such a field."""
        return name in self._given

    def _get(self, name: str, default: Any) -> Any:
        value = self._given.get(name, default)
        if value is _MISSING:
            raise ArgumentError(f"{self.name(name)} is missing")
        return value

    def _typed(self, name: str, default: Any, kinds: tuple[type, ...], wanted: str) -> Any:
        value = self._get(name, default)
        if not isinstance(value, kinds) or (isinstance(value, bool) and bool not in kinds):
            raise ArgumentTypeError(f"{self.name(name)} must be {wanted}, got {_kind(value)}")
        return value

    def size(self, name: str, default: Any = _MISSING) -> int:
        """A positive whole number; null counts as left out where there is a default."""
        if default is not _MISSING and self._given.get(name) is None:
            return int(default)
        value: int = self._typed(name, default, (int,), "a whole number")
        if value <= 0:
            raise ArgumentError(f"{self.name(name)} must be positive, got {value}")
        return value

    def token(self, name: str, default: int) -> int:
        """A whole number from 0 on."""
        value: int = self._typed(name, default, (int,), "a whole number")
        if value < 0:
            raise ArgumentError(f"{self.name(name)} must not be negative, got {value}")
        return value

    def optional_size(self, name: str, default: int | None = None) -> int | None:
        """A positive whole number, or None for null."""
        return None if self._given.get(name, default) is None else self.size(name, default)

    def number(self, name: str, default: Any = _MISSING) -> float:
        """A positive, finite number."""
        value = float(self._typed(name, default, (int, float), "a number"))
        if not 0 < value < math.inf:
            raise ArgumentError(f"{self.name(name)} must be positive, got {value:g}")
        return value

    def flag(self, name: str, default: bool) -> bool:
        """True or false."""
        return bool(self._typed(name, default, (bool,), "true or false"))

    def text(self, name: str, default: Any = _MISSING) -> str:
        """A string."""
        return str(self._typed(name, default, (str,), "a string"))

    def inner(self, name: str) -> Fields | None:
        """An object in this one; None for null and where it is left out."""
        value = self._given.get(name)
        if value is None:
            return None
        if not isinstance(value, Mapping):
            raise ArgumentTypeError(f"{self.name(name)} must be an object, got {_kind(value)}")
        return Fields(value, f"{self._place}{name}.")

    def four_sizes(self, name: str) -> tuple[int, ...]:
        """A list of four positive whole numbers."""
        values = self._typed(name, _MISSING, (list, tuple), "a list of four whole numbers")
        if len(values) != 4 or not all(isinstance(value, int) and value > 0 for value in values):
            raise ArgumentError(f"{self.name(name)} must be a list of four positive whole numbers, got {list(values)}")
        return tuple(values)

    def classes(self) -> int:
        """How many classes there are: the names in `id2label`, or `num_labels`."""
        labels = self.inner("id2label")
        if labels is None:
            if not self.has("num_labels"):
                raise ArgumentError(f"{self.name('id2label')} is missing: it says how many classes there are")
            return self.size("num_labels")
        if not labels._given:
            raise ArgumentError(f"{self.name('id2label')} must name at least one class")
        return len(labels._given)

    def only(self, name: str, *allowed: Any) -> None:
        """UnsupportedError for a field that is there and not one of `allowed`."""
        value = self._given.get(name, allowed[0])
        if value not in allowed:
            known = " and ".join(_shown(one) for one in allowed)
            verb = "is" if len(allowed) == 1 else "are"
            raise UnsupportedError(f"{self.name(name)} {_shown(value)} is not supported, {known} {verb}")

    def check_divides(self, whole: str, part: str) -> None:
        """ArgumentError unless field `whole` is divisible by field `part`."""
        if self.size(whole) % self.size(part):
            sizes = f"{self.size(whole)} and {self.size(part)}"
            raise ArgumentError(f"{self.name(whole)} must be divisible by {part}, got {sizes}")


def _kind(value: Any) -> str:
    """The type of a value in JSON's words."""
    kinds = {bool: "true or false", int: "a number", float: "a number", str: "a string", list: "a list"}
    return "null" if value is None else kinds.get(type(value), "an object")


def _shown(value: Any) -> str:
    """A value as it stands in the file, what is inside of objects left out."""
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    return "{...}" if isinstance(value, Mapping) else repr(value)
