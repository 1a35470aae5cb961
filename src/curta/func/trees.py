"""Nested containers of tensors: tuples, lists, dictionaries, named tuples; anything else is a leaf."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from curta.return_types import Named, rebuilt

#: what a container was made of: gives it back from as many leaves
Build = Callable[[list[Any]], Any]


def flatten(tree: Any) -> tuple[list[Any], Build]:
    """The leaves from left to right, and what makes the same containers of others.

    >>> leaves, build = flatten({"a": (1, [2]), "b": 3})
    >>> leaves, build([10, 20, 30])
    ([1, 2, 3], {'a': (10, [20]), 'b': 30})
    """
    if isinstance(tree, dict):
        keys = list(tree)
        kind = type(tree)
        return _joined([tree[key] for key in keys], lambda parts: _dictionary(kind, keys, parts, tree))
    if isinstance(tree, tuple) and (hasattr(tree, "_fields") or isinstance(tree, Named)):
        return _joined(list(tree), lambda parts: rebuilt(tree, parts))
    if type(tree) in (tuple, list):
        sequence = type(tree)
        return _joined(list(tree), lambda parts: sequence(parts))
    return [tree], lambda leaves: leaves[0]


def _dictionary(kind: type, keys: list[Any], parts: list[Any], like: Any) -> Any:
    made = like.copy() if hasattr(like, "default_factory") else kind()
    made.update(zip(keys, parts, strict=True))
    return made


def _joined(parts: list[Any], make: Build) -> tuple[list[Any], Build]:
    flat = [flatten(part) for part in parts]
    counts = [len(leaves) for leaves, _ in flat]

    def build(leaves: list[Any]) -> Any:
        made, start = [], 0
        for count, (_, again) in zip(counts, flat, strict=True):
            made.append(again(leaves[start : start + count]))
            start += count
        return make(made)

    return [leaf for leaves, _ in flat for leaf in leaves], build


def spread(prefix: Any, tree: Any) -> list[Any] | None:
    """For every leaf of `tree` the leaf of `prefix` that stands at or above it; None where the two do not fit.

    >>> spread((0, None), [1, 2]), spread((0, None), ((1, 2), 3)), spread(0, [1, 2])
    (None, [0, 0, None], [0, 0])
    """
    if isinstance(prefix, dict):
        if not isinstance(tree, dict) or set(prefix) != set(tree):
            return None
        return _beside([prefix[key] for key in tree], list(tree.values()))
    if isinstance(prefix, (tuple, list)):
        if type(prefix) is not type(tree) or len(prefix) != len(tree):
            return None
        return _beside(list(prefix), list(tree))
    return [prefix] * len(flatten(tree)[0])


def _beside(prefixes: list[Any], parts: list[Any]) -> list[Any] | None:
    found: list[Any] = []
    for prefix, part in zip(prefixes, parts, strict=True):
        below = spread(prefix, part)
        if below is None:
            return None
        found += below
    return found
