"""One call of an operator on mapped tensors, and what rules need to run it on all slices."""

from __future__ import annotations

from typing import Any

from curta.autograd.state import STATE
from curta.batching.values import repeated
from curta.ops.record import Op
from curta.tensor import Tensor


class Call:
    """`op` on `inputs`, tensors of one level and numbers.

    `values` are the tensors with all slices, `mapped` says which differ from slice to slice: those have the slices
    along their first dimension, of `size`.
    """

    def __init__(self, op: Op, inputs: tuple[Any, ...], params: dict[str, Any], size: int) -> None:
        self.op = op
        self.inputs = inputs
        self.params = params
        self.size = size
        self.values = tuple(one.batch.tensor if isinstance(one, Tensor) else one for one in inputs)
        self.mapped = tuple(isinstance(one, Tensor) and one.batch.mapped for one in inputs)

    def rank(self, place: int) -> int:
        """The rank of one slice of an input; 0 for a number."""
        one = self.inputs[place]
        return int(one.layout.rank) if isinstance(one, Tensor) else 0

    def shape(self, place: int) -> tuple[int, ...]:
        """The shape of one slice of an input."""
        found: tuple[int, ...] = self.inputs[place].layout.shape
        return found

    def aligned(self, rank: int | None = None) -> tuple[Any, ...]:
        """The values, whose slices have `rank` dimensions (the most that any has): they broadcast as the slices do."""
        wanted = max(map(self.rank, range(len(self.inputs)))) if rank is None else rank
        return tuple(
            lengthened(value, wanted - self.rank(place)) if mapped else value
            for place, (value, mapped) in enumerate(zip(self.values, self.mapped, strict=True))
        )

    def every(self, *places: int) -> tuple[Any, ...]:
        """The values, those at `places` (all tensors by default) with all slices: what is the same is repeated."""
        return tuple(
            repeated(value, self.size)
            if isinstance(value, Tensor) and not mapped and (not places or place in places)
            else value
            for place, (value, mapped) in enumerate(zip(self.values, self.mapped, strict=True))
        )


def lengthened(value: Tensor, count: int) -> Tensor:
    """`count` dimensions of size 1 behind the first."""
    from curta.ops.dispatch import bind
    from curta.ops.movement import EMBED, REGION, Region

    if count <= 0:
        return value
    size, *rest = value.layout.shape
    if STATE.graph is None:
        region: Region = ((0, size, 1), *(None for _ in range(count)))
        return bind(REGION, (value,), region=region)
    region = ((0, size, 1), *(0 for _ in range(count)))  # inside a composition there are no views
    return bind(EMBED, (value,), shape=(size, *(1,) * count, *rest), region=region)
