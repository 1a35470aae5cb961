"""Views of all slices: the first dimension stays in front of those that an operator names."""

from __future__ import annotations

from typing import Any

from curta.batching.calls import Call
from curta.ops.dispatch import bind


def _behind(size: tuple[int, ...] | None, first: int) -> tuple[int, ...] | None:
    return None if size is None else (first, *size)


def _moved(dims: tuple[int, ...]) -> tuple[int, ...]:
    return (0, *(dim + 1 for dim in dims))


def permute(call: Call) -> Any:
    """Dimensions in another order."""
    return bind(call.op, call.values, dims=_moved(call.params["dims"]))


def expand(call: Call) -> Any:
    """Dimensions repeated, and new ones in front of a slice."""
    size = call.params["size"]
    return bind(call.op, call.aligned(len(size)), size=(call.size, *size))


def view(call: Call) -> Any:
    """Another shape."""
    return bind(call.op, call.values, size=(call.size, *call.params["size"]))


def region(call: Call) -> Any:
    """A part."""
    return bind(call.op, call.values, region=((0, call.size, 1), *call.params["region"]))


def as_strided(call: Call) -> Any:
    """Any strides, from the first element of each slice on."""
    (value,) = call.values
    size, stride = call.params["size"], call.params["stride"]
    whole = {"size": (call.size, *size), "stride": (value.layout.strides[0], *stride)}
    return bind(call.op, (value,), **{**call.params, **whole})


def rearrange(call: Call) -> Any:
    """Axes split, put in order, repeated and merged."""
    given, first = call.params, call.size
    return bind(
        call.op, call.values, split=(first, *given["split"]), order=_moved(given["order"]),
        spread=_behind(given["spread"], first), merged=_behind(given["merged"], first),
    )  # fmt: skip
