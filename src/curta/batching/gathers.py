"""Reading and writing at computed places, in all slices: the slice's number is one more index."""

from __future__ import annotations

from typing import Any

from curta.batching.calls import Call, lengthened
from curta.batching.values import repeated
from curta.methods import late
from curta.ops.dispatch import bind
from curta.ops.indexing import MOST_INDICES, TAKES
from curta.tensor import Tensor


def _numbers(call: Call, rank: int) -> Tensor:
    """The number of each slice, as the first of `rank` dimensions."""
    made: Tensor = late.functions.arange(0, call.size, device=call.values[0].layout.device)
    return made.view((call.size,) + (1,) * (rank - 1))


def embed(call: Call) -> Any:
    """Among zeros."""
    shape, region = call.params["shape"], call.params["region"]
    return bind(call.op, call.values, shape=(call.size, *shape), region=((0, call.size, 1), *region))


def embedding(call: Call) -> Any:
    """Rows by number: of one table as they are, of a table for each slice from all tables in one."""
    if not call.mapped[0]:
        return bind(call.op, call.values)
    tables, rows = call.every()
    _, count, width = tables.layout.shape
    rows = rows.long() + _numbers(call, rows.layout.rank) * count
    return bind(call.op, (tables.reshape(call.size * count, width), rows))


def take(call: Call) -> Any:
    """Elements at the places that indices name."""
    from curta.batching.rules import looped

    sources, axes, paired = (call.params[name] for name in ("sources", "axes", "paired"))
    further = tuple(one + 1 if one >= 0 else -1 for one in sources)
    later = tuple(axis + 1 for axis in axes)
    if paired:
        return bind(call.op, call.every(), sources=(0, *further), axes=later, paired=True)
    rank = len(sources)
    if not any(call.mapped[1:]):
        return bind(call.op, call.values, sources=(0, *further), axes=later, paired=False)
    indices = tuple(
        lengthened(one, rank - call.rank(place)) if call.mapped[place] else one
        for place, one in enumerate(call.values[1:], 1)
    )
    if not call.mapped[0]:
        return bind(call.op, (call.values[0], *indices), sources=(-1, *sources), axes=axes, paired=False)
    if len(axes) == MOST_INDICES:
        return looped(call)
    operands = (call.values[0], _numbers(call, rank + 1), *indices)
    return bind(TAKES[len(axes)], operands, sources=(-1, *further), axes=(0, *later), paired=False)


def rows(call: Call) -> Any:
    """One element of each row along a dimension."""
    return bind(call.op, call.every(), dim=call.params["dim"] + 1, ignore=call.params["ignore"])


def resampled(call: Call) -> Any:
    """Sums along a dimension of elements that no slice chooses."""
    return bind(call.op, call.values, **{**call.params, "dim": call.params["dim"] + 1})


def scatter(call: Call) -> Any:
    """Rows added to (or put over) those that places name: the slices beside each other where all have the same places,
    else one under the other."""
    count = call.params["count"]
    if not call.mapped[1]:
        source, places = call.values
        size, number, width = source.layout.shape
        beside = source.transpose(0, 1).reshape(number, size * width)
        made = bind(call.op, (beside.contiguous(), places), **call.params)
        return made.view(count, size, width).transpose(0, 1).contiguous()
    source, places = call.every()
    size, number, width = source.layout.shape
    below = source.reshape(size * number, width).contiguous()
    moved = (places + _numbers(call, 2) * count).reshape(size * number).contiguous()
    made = bind(call.op, (below, moved), **{**call.params, "count": size * count})
    return made.view(size, count, width)


def scatter_lines(call: Call) -> Any:
    """Elements put or added along a dimension."""
    return bind(call.op, call.every(), **{**call.params, "dim": call.params["dim"] + 1})


def search(call: Call) -> Any:
    """Places in sorted sequences."""
    sequence, values, count = call.values
    if not call.mapped[0]:
        if call.rank(0) > 1:
            sequence = repeated(sequence, call.size)
        return bind(call.op, (sequence, values, count), **call.params)
    sequence, values, count = call.every()
    if call.rank(0) == 1:
        length = sequence.layout.shape[-1]
        sequence = lengthened(sequence, call.rank(1) - 1)
        if not call.rank(1):
            answer = bind(call.op, (sequence, values.unsqueeze(1), count), **call.params)
            return answer.squeeze(1)
        sequence = sequence.expand((*values.layout.shape[:-1], length))
    return bind(call.op, (sequence, values, count), **call.params)
