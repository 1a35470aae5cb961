"""Memory for tensors, and the figures about it."""

from curta.memory.statistics import (
    empty_cache,
    max_memory_allocated,
    memory_allocated,
    memory_reserved,
    reset_peak,
    reset_peak_memory_stats,
    saved_for_backward,
    stats,
)

__all__ = [
    "empty_cache",
    "max_memory_allocated",
    "memory_allocated",
    "memory_reserved",
    "reset_peak",
    "reset_peak_memory_stats",
    "saved_for_backward",
    "stats",
]
