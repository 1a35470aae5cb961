"""How much memory tensors take."""

from __future__ import annotations

from curta.memory.allocator import HOST


def stats() -> dict[str, int]:
    """Bytes that live tensors asked for now and at most, bytes the allocator holds, and blocks it got from the system.

    >>> sorted(stats())
    ['current_bytes', 'peak_bytes', 'reserved_bytes', 'system_allocations']
    """
    return {
        "current_bytes": HOST.current,
        "peak_bytes": HOST.peak,
        "reserved_bytes": HOST.reserved,
        "system_allocations": HOST.allocations,
    }


def memory_allocated() -> int:
    """Bytes that live tensors asked for."""
    return HOST.current


def max_memory_allocated() -> int:
    """The most bytes that live tensors ever asked for, since the last reset."""
    return HOST.peak


def reset_peak_memory_stats() -> None:
    """Start the peak again from what is in use now."""
    HOST.reset_peak()


def empty_cache() -> None:
    """Give blocks that no tensor uses back to the system."""
    HOST.empty_cache()
