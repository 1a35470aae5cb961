"""Sums of products of Curta's tensors as matrix products, planned once for each pattern and shapes.

Two tensors at a time: what both have and the result needs is a batch, what both have and nobody else needs is summed
by a matrix product; tensors without anything to sum are multiplied element by element.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache
from itertools import combinations
from math import prod
from typing import Any

from curta import functions, shapes
from curta.einops.formula import Terms, terms
from curta.einops.parse import CACHE_SIZE
from curta.einops.problems import Shape
from curta.ops.dispatch import bind
from curta.ops.inference import promoted
from curta.ops.rearrange import rearranged
from curta.ops.reduce import SUM

Names = tuple[str, ...]
#: changes the list of tensors
Step = Callable[[list[Any]], None]


def contract(pattern: str, tensors: Sequence[Any], broadcast: bool = False) -> Any:
    """The sum of products that an einsum pattern says; with `broadcast`, sizes of 1 fit any other."""
    values = list(tensors)
    for step in _program(pattern, tuple([value.layout.shape for value in values]), broadcast):
        step(values)
    return values[0]


@lru_cache(maxsize=CACHE_SIZE)
def _program(pattern: str, given: tuple[Shape, ...], broadcast: bool) -> tuple[Step, ...]:
    return tuple(_Writer(terms(pattern, given, broadcast), given).steps)


def _of_integers(one: Any, other: Any) -> tuple[Any, Any]:
    """Two tensors of integers in their common format: sums of one are int64, what they are multiplied by may not be."""
    kind = promoted((one.layout, other.layout))
    return (one, other) if kind.is_floating_point else (one.to(kind), other.to(kind))


class _Writer:
    """Writes the steps down. `names` are the axes that each tensor has by then; the result ends up as tensor 0."""

    def __init__(self, known: Terms, given: tuple[Shape, ...]) -> None:
        self.steps: list[Step] = []
        #: those that hold sums of their own elements, which of integers are int64 as `sum`'s are
        self.summed: set[int] = set()
        self.names: list[Names] = list(known.inputs)
        self.output = known.output
        self.sizes = known.sizes
        for place, shape in enumerate(given):
            self._plain(place, shape)
        live = list(range(len(given)))
        while len(live) > 1:
            first, second = min(combinations(live, 2), key=lambda pair: self._work(*pair))
            live.remove(second)
            needed = {*self.output, *(name for place in live if place != first for name in self.names[place])}
            self._pair(first, second, needed)
        self._sum(0, set(self.output), alone=True)
        self._move(0, self.names[0], self.output, tuple(self.sizes[name] for name in self.output))

    def _work(self, first: int, second: int) -> int:
        """How many products of numbers a pair takes."""
        return prod(self.sizes[name] for name in {*self.names[first], *self.names[second]})

    def _shape(self, names: Names) -> Shape:
        return tuple(self.sizes[name] for name in names)

    def _move(self, place: int, names: Names, wanted: Names, merged: Shape) -> None:
        """Put the axes `names` in the order `wanted` and merge them to a shape."""
        split, order = self._shape(names), tuple(names.index(name) for name in wanted)
        if order == tuple(range(len(order))) and split == merged:
            return

        def step(values: list[Any]) -> None:
            values[place] = rearranged(values[place], split, order, None, merged)

        self.steps.append(step)

    def _plain(self, place: int, shape: Shape) -> None:
        """Each axis once: the diagonal where one stands twice; without those of size 1 that others repeat."""
        names = self.names[place]
        kept = tuple(dim for dim, name in enumerate(names) if shape[dim] == self.sizes[name])
        if len(kept) < len(names):
            names, shape = tuple(names[dim] for dim in kept), tuple(shape[dim] for dim in kept)

            def squeeze(values: list[Any]) -> None:
                values[place] = functions.reshape(values[place], shape)

            self.steps.append(squeeze)
        while twice := next((name for name in names if names.count(name) > 1), None):
            first = names.index(twice)
            second = names.index(twice, first + 1)
            names = (*(name for dim, name in enumerate(names) if dim not in (first, second)), twice)
            self._diagonal(place, first, second)
        self.names[place] = names

    def _diagonal(self, place: int, first: int, second: int) -> None:
        def step(values: list[Any]) -> None:
            x = values[place]
            if not shapes.is_dense(x.layout.shape, x.layout.strides):
                x = functions.contiguous(x)  # the gradient of a view with any strides needs an input without gaps
            values[place] = functions.diagonal(x, 0, first, second)

        self.steps.append(step)

    def _sum(self, place: int, needed: set[str], alone: bool) -> None:
        """Add up over the axes that nobody needs; in `sum`'s format if `alone`, not on the way to sums of products."""
        names = self.names[place]
        dims = tuple(dim for dim, name in enumerate(names) if name not in needed)
        if not dims:
            return
        alone = alone and (len(self.names) == 1 or any(self.sizes[names[dim]] > 1 for dim in dims))
        if alone:
            self.summed.add(place)

        def step(values: list[Any]) -> None:
            x = values[place]
            values[place] = bind(SUM, (x,), dims=dims, keepdim=False, dtype=None if alone else x.layout.dtype)

        self.steps.append(step)
        self.names[place] = tuple(name for name in names if name in needed)

    def _pair(self, first: int, second: int, needed: set[str]) -> None:
        """Make one tensor, in the place of the first, of two."""
        alone = all(name in needed for name in self.names[first] if name in self.names[second])
        self._sum(first, needed | set(self.names[second]), alone)
        self._sum(second, needed | set(self.names[first]), alone)
        if alone:
            self._multiply(first, second)
        else:
            self._product(first, second, needed)
        if second in self.summed:
            self.summed.add(first)

    def _multiply(self, first: int, second: int) -> None:
        """Element by element, where nothing is summed."""
        one, other = self.names[first], self.names[second]
        both = (*one, *(name for name in other if name not in one))
        if set(both) == set(self.output):
            both = self.output
        for place in (first, second):
            own = self.names[place]
            ordered = tuple(name for name in both if name in own)
            self._move(place, own, ordered, tuple(self.sizes[name] if name in own else 1 for name in both))

        def step(values: list[Any]) -> None:
            values[first] = functions.mul(values[first], values[second])

        self.steps.append(step)
        self.names[first] = both

    def _product(self, first: int, second: int, needed: set[str]) -> None:
        """[batch, M, K] @ [batch, K, N]."""
        one, other = self.names[first], self.names[second]
        batch = sorted((name for name in one if name in other and name in needed), key=self._place_in_result)
        left = [name for name in one if name not in other]
        right = [name for name in other if name not in one]
        larger = one if prod(self._shape(one)) >= prod(self._shape(other)) else other
        summed = [name for name in larger if name in one and name in other and name not in needed]
        # what comes last in the result comes last in the product: the result then lies in memory in its own order
        turned = bool(self.output) and self.output[-1] in left
        rows, columns = (right, left) if turned else (left, right)
        a, b = (second, first) if turned else (first, second)
        lead = self._shape((*batch,))
        M, K, N = (prod(self._shape((*names,))) for names in (rows, summed, columns))
        self._move(a, self.names[a], (*batch, *rows, *summed), (*lead, M, K))
        self._move(b, self.names[b], (*batch, *summed, *columns), (*lead, K, N))

        mixed = (first in self.summed) is not (second in self.summed)

        def step(values: list[Any]) -> None:
            one, other = values[a], values[b]
            if mixed:
                one, other = _of_integers(one, other)
            values[first] = functions.matmul(one, other)

        self.steps.append(step)
        self.names[first] = (*batch, *rows, *columns)
        split = self._shape(self.names[first])

        def apart(values: list[Any]) -> None:
            values[first] = functions.view(values[first], split)

        if split != (*lead, M, N):
            self.steps.append(apart)

    def _place_in_result(self, name: str) -> int:
        return self.output.index(name) if name in self.output else len(self.output)
