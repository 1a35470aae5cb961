"""Memory for tensors: a caching allocator that keeps freed blocks and counts every byte."""

from __future__ import annotations

import ctypes
import mmap
from collections import defaultdict

from curta.errors import CurtaError

ALIGNMENT = 64
#: blocks this large come page-aligned and ask for huge pages: fewer page faults, fewer TLB misses
LARGE = 1 << 21
#: unused blocks are kept up to this many bytes, or as many as tensors use, before new large ones are asked for
CACHE_FLOOR = 1 << 30
_MADV_HUGEPAGE = getattr(mmap, "MADV_HUGEPAGE", None)


class OutOfMemoryError(CurtaError, RuntimeError, MemoryError):
    """The machine did not give the memory asked for."""


def size_class(nbytes: int) -> int:
    """The size of the block that serves `nbytes`: at most an eighth larger, in steps that freed blocks can share.

    >>> size_class(1), size_class(65), size_class(5000)
    (64, 128, 5120)
    """
    if nbytes <= 512:
        return (nbytes + 63) & ~63 or 64
    step = 1 << ((nbytes - 1).bit_length() - 4)
    step = max(step, 64)
    return (nbytes + step - 1) // step * step


class HostAllocator:
    """Host memory in blocks of a few size classes; freed blocks are kept for the next tensor of their class.

    `current` and `peak` are the bytes that live storages asked for; `reserved` is what the process holds.
    """

    def __init__(self) -> None:
        self.current = 0
        self.peak = 0
        self.reserved = 0
        self.allocations = 0
        #: how many accounts have looked at memory: what was made before one was opened has a lower number
        self.epoch = 0
        self._free: defaultdict[int, list[int]] = defaultdict(list)
        self._libc = ctypes.CDLL(None, use_errno=True)
        self._libc.mmap.restype = ctypes.c_void_p

    def free_blocks(self, nbytes: int) -> list[int]:
        """The addresses that may serve the next tensor of `nbytes` bytes: taken and given back by `HostStorage`."""
        return self._free[size_class(nbytes)]

    def allocate(self, nbytes: int) -> int:
        """The address of at least `nbytes` bytes, aligned to 64; contents undefined."""
        free = self.free_blocks(nbytes)
        address = free.pop() if free else self.fresh(nbytes)
        self.current += nbytes
        if self.current > self.peak:
            self.peak = self.current
        return address

    def release(self, address: int, nbytes: int) -> None:
        """Give back what `allocate(nbytes)` gave."""
        self.current -= nbytes
        self.free_blocks(nbytes).append(address)

    def empty_cache(self) -> None:
        """Give all unused blocks back to the system."""
        for block, addresses in tuple(self._free.items()):
            while addresses:  # one at a time: a tensor of another thread may come or go meanwhile
                try:
                    address = addresses.pop()
                except IndexError:
                    break
                self._give_back(address, block)
                self.reserved -= block

    def cached_bytes(self) -> int:
        """Bytes of the blocks that no tensor uses now."""
        return sum(block * len(addresses) for block, addresses in tuple(self._free.items()))

    def reset_peak(self) -> None:
        """Start the peak again from what is in use now."""
        self.peak = self.current

    def fresh(self, nbytes: int) -> int:
        """A block from the system, for when no freed one fits."""
        block = size_class(nbytes)
        self.allocations += 1
        if block >= LARGE and self.cached_bytes() > max(CACHE_FLOOR, self.current):
            self.empty_cache()  # sizes that nobody asks for any more would pile up
        address = self._system(block)
        if address is None:
            self.empty_cache()
            address = self._system(block)
        if address is None:
            raise OutOfMemoryError(
                f"cannot allocate {block} bytes: {self.current} bytes are in use by tensors, the system gave no more"
            )
        self.reserved += block
        return address

    def fresh_zeros(self, nbytes: int) -> int | None:
        """A block of zeros, where the system gives one as cheaply as any other: None where it does not."""
        if size_class(nbytes) < LARGE or self.free_blocks(nbytes):
            return None
        return self.fresh(nbytes)

    def _system(self, block: int) -> int | None:
        if block >= LARGE:
            return self._map(block)
        pointer = ctypes.c_void_p()
        if self._libc.posix_memalign(ctypes.byref(pointer), ctypes.c_size_t(ALIGNMENT), ctypes.c_size_t(block)):
            return None
        return pointer.value

    def _map(self, block: int) -> int | None:
        """Pages of their own, all zeros, beginning where a huge page can."""
        protection, kind = mmap.PROT_READ | mmap.PROT_WRITE, mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS
        start = self._libc.mmap(None, ctypes.c_size_t(block + LARGE), protection, kind, -1, ctypes.c_long(0))
        if start in (None, ctypes.c_void_p(-1).value):
            return None
        address = -(-start // LARGE) * LARGE
        for begin, end in ((start, address), (address + block, start + block + LARGE)):
            if end > begin:
                self._unmap(begin, end - begin)
        if _MADV_HUGEPAGE is not None:
            self._libc.madvise(ctypes.c_void_p(address), ctypes.c_size_t(block), _MADV_HUGEPAGE)
        return int(address)

    def _unmap(self, address: int, nbytes: int) -> None:
        self._libc.munmap(ctypes.c_void_p(address), ctypes.c_size_t(nbytes))

    def _give_back(self, address: int, block: int) -> None:
        if block >= LARGE:
            self._unmap(address, block)
        else:
            self._libc.free(ctypes.c_void_p(address))


HOST = HostAllocator()
