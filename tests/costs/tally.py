"""What is counted while an operator is worked through."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


@dataclass
class Tally:
    """FLOPs and what they belong to, and which inputs were read, by position."""

    flops: int = 0
    transcendentals: int = 0
    model_flops: int = 0
    again_flops: int = 0
    read: set[int] = field(default_factory=set)
    #: how many elements of an input were asked for at places that are not known before
    looked_up: dict[int, int] = field(default_factory=dict)
    #: bytes read of what an operator writes to, beside its inputs
    read_back: int = 0
    #: the operators that took part
    met: set[Any] = field(default_factory=set)

    def look_up(self, position: int) -> None:
        """One element is read at a place that is in the data."""
        self.looked_up[position] = self.looked_up.get(position, 0) + 1

    def multiply_add(self, again: bool = False) -> None:
        """Of a product that belongs to the model; or of one that was made before."""
        self.flops += 2
        if again:
            self.again_flops += 2
        else:
            self.model_flops += 2
