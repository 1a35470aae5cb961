"""Random numbers inside of `vmap`: other ones for each slice, the same, or none."""

from __future__ import annotations

from math import prod
from typing import Any

from curta.autograd.state import STATE
from curta.batching.values import is_mapped, unwrapped
from curta.errors import MappingError
from curta.tensor import Tensor


def sizes() -> tuple[int, ...]:
    """The sizes of the levels that want other numbers for each slice; MappingError if any forbids random numbers."""
    if any(level.randomness == "error" for level in STATE.levels):
        raise MappingError(
            "vmap: called random operation while in randomness error mode. Please either use the 'same' or 'different' "
            "randomness flags on vmap or perform the randomness operation out of vmap"
        )
    return tuple(level.size for level in STATE.levels if level.randomness == "different")


def repeats() -> int:
    """How many times as many random numbers are drawn as one slice takes."""
    return prod(sizes()) if STATE.levels else 1


def apart(tensor: Tensor) -> Tensor:
    """A tensor that has a part for each slice, where each slice wants random numbers of its own."""
    level = STATE.levels[-1]
    if not different() or is_mapped(tensor):
        return tensor
    return level.wrap(unwrapped(level, tensor), mapped=True)


def different() -> bool:
    """Whether the innermost level wants other numbers for each slice."""
    return bool(STATE.levels) and STATE.levels[-1].randomness == "different"


def seen_by_slices(numbers: Tensor) -> Any:
    """Numbers drawn with the sizes of `sizes` in front, as the mapped function sees them."""
    for level in STATE.levels:
        if level.randomness == "different":
            numbers = level.wrap(numbers, mapped=True)
    return numbers
