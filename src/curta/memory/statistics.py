"""What memory is in use, under PyTorch's names, and what a graph keeps for its backward pass."""

from __future__ import annotations

from typing import Any

from curta.memory.allocator import HOST


def stats() -> dict[str, int]:
    """Bytes that tensors use now and at most since the last reset, and what the process holds for them.

    >>> sorted(stats())
    ['cached_bytes', 'current_bytes', 'peak_bytes', 'reserved_bytes', 'system_allocations']
    """
    cached = HOST.cached_bytes()
    return {
        "current_bytes": HOST.current,
        "peak_bytes": HOST.peak,
        "reserved_bytes": HOST.reserved,
        "cached_bytes": cached,
        "system_allocations": HOST.allocations,
    }


def memory_allocated(device: Any = None) -> int:
    """Bytes that live tensors asked for."""
    return HOST.current


def max_memory_allocated(device: Any = None) -> int:
    """The most bytes that live tensors asked for at one time since the last `reset_peak_memory_stats`."""
    return HOST.peak


def memory_reserved(device: Any = None) -> int:
    """Bytes that the process holds for tensors: in use, and kept for the next ones."""
    return HOST.reserved


def reset_peak_memory_stats(device: Any = None) -> None:
    """Start the peak again from what is in use now.

    >>> reset_peak_memory_stats()
    >>> max_memory_allocated() == memory_allocated()
    True
    """
    HOST.reset_peak()


reset_peak = reset_peak_memory_stats


def empty_cache() -> None:
    """Give the blocks that no tensor uses back to the system."""
    HOST.empty_cache()


def saved_for_backward(*outputs: Any) -> int:
    """Bytes of storage that the graphs behind `outputs` keep for their backward pass; shared storage counts once.

    Leaves (parameters, inputs that require grad) are not counted: they would be there anyway.

    >>> import curta
    >>> x = curta.ones(4, requires_grad=True)
    >>> saved_for_backward((x * 2).exp())
    16
    """
    storages: dict[int, int] = {}
    leaves: set[int] = set()
    seen: set[int] = set()
    stack = [output.grad_fn for output in outputs if output.grad_fn is not None]
    while stack:
        node = stack.pop()
        if node.sequence in seen:
            continue
        seen.add(node.sequence)
        if not hasattr(node, "saved_tensors_of_forward"):
            leaves.add(id(node.tensor.storage))
            continue
        for tensor in node.saved_tensors_of_forward():
            if tensor.storage is not None:
                storages[id(tensor.storage)] = tensor.storage.nbytes
        stack += [edge[0] for edge in node.edges if edge is not None]
    return sum(nbytes for key, nbytes in storages.items() if key not in leaves)
