"""CUDA as programs ask after it: there is none yet."""

from __future__ import annotations


def is_available() -> bool:
    """Whether tensors can be put on a CUDA device.

    >>> is_available()
    False
    """
    return False


def device_count() -> int:
    """The number of CUDA devices.

    >>> device_count()
    0
    """
    return 0


def is_initialized() -> bool:
    """Whether CUDA is in use.

    >>> is_initialized()
    False
    """
    return False


def manual_seed(seed: int) -> None:
    """Seed the generator of the current CUDA device: of none."""
    int(seed)


def manual_seed_all(seed: int) -> None:
    """Seed the generators of all CUDA devices, of which there are none."""
    int(seed)


def empty_cache() -> None:
    """Give memory of CUDA devices back that is not in use: there is none."""
