"""Rotary positions (Su et al. 2021): each pair of a head's numbers is turned by an angle that grows with the position.

The numbers of a pair are half a head apart, as in the checkpoints of Hugging Face.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import curta
from curta import Tensor
from curta.device import Device
from curta.errors import ArgumentError


@dataclass(frozen=True)
class LinearScaling:
    """Positions `factor` times closer together. Raises `ArgumentError` for a factor that is not positive."""

    factor: float

    def __post_init__(self) -> None:
        if not self.factor > 0:
            raise ArgumentError(f"LinearScaling: factor must be positive, got {self.factor}")

    def __call__(self, frequency: float) -> float:
        """The frequency in place of `frequency`.

        >>> LinearScaling(4.0)(1.0)
        0.25
        """
        return frequency / self.factor


@dataclass(frozen=True)
class Llama3Scaling:
    """Frequencies of Llama 3.1: slow ones `factor` times slower, fast ones as they are, a gentle change in between.

    A wave is slow if it is longer than `context / low` positions, fast if it is shorter than `context / high`;
    `context` is that of the first training. Raises `ArgumentError` unless all are positive and `low` is below `high`.
    """

    factor: float
    low: float
    high: float
    context: int

    def __post_init__(self) -> None:
        if not min(self.factor, self.low, self.context) > 0:
            raise ArgumentError(f"Llama3Scaling: all numbers must be positive, got {self}")
        if not self.low < self.high:
            raise ArgumentError(f"Llama3Scaling: low must be below high, got {self.low} and {self.high}")

    def __call__(self, frequency: float) -> float:
        """The frequency in place of `frequency`.

        >>> scaling = Llama3Scaling(8.0, 1.0, 4.0, 8192)
        >>> scaling(1.0), scaling(0.0001)
        (1.0, 1.25e-05)
        """
        waves = self.context * frequency / (2 * math.pi)  # how many of them the first context held
        kept = min(1.0, max(0.0, (waves - self.low) / (self.high - self.low)))
        return kept * frequency + (1 - kept) * frequency / self.factor


RotaryScaling = LinearScaling | Llama3Scaling


def frequencies(width: int, base: float, scaling: RotaryScaling | None = None) -> list[float]:
    """Radians a position for each of the `width / 2` pairs of a head, worked out in double precision.

    >>> frequencies(4, 10000.0)
    [1.0, 0.01]
    """
    plain = [base ** (-2 * pair / width) for pair in range(width // 2)]
    return plain if scaling is None else [scaling(frequency) for frequency in plain]


def rotations(positions: int, by: list[float], device: Device) -> tuple[Tensor, Tensor]:
    """The cosines and sines of all angles, each float32 [positions, 1, pairs]; `by` is what `frequencies` gives."""
    angles = curta.arange(positions, dtype=curta.float32, device=device).unsqueeze(1) * curta.tensor(by, device=device)
    return angles.cos().unsqueeze(1), angles.sin().unsqueeze(1)


def rotated(x: Tensor, turns: tuple[Tensor, Tensor]) -> Tensor:
    """Heads [B, T, H, D] with each pair turned by its angle, in the format of `x`.

    >>> import curta
    >>> turns = rotations(2, frequencies(2, 10000.0), curta.device("cpu"))
    >>> rotated(curta.tensor([1.0, 0.0]).expand(1, 2, 1, 2), turns)[0, 1, 0]  # a turn by one radian
    tensor([0.5403, 0.8415])
    """
    cosines, sines = (turn.to(x.dtype) for turn in turns)
    first, second = x.unflatten(-1, (2, -1)).unbind(-2)
    return curta.cat([first * cosines - second * sines, second * cosines + first * sines], dim=-1)
