"""Memory: storages, layouts, the allocator, and how much is in use."""

from curta.memory.statistics import (
    empty_cache,
    max_memory_allocated,
    memory_allocated,
    reset_peak_memory_stats,
    stats,
)

__all__ = ["empty_cache", "max_memory_allocated", "memory_allocated", "reset_peak_memory_stats", "stats"]
