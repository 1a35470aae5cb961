"""A block of bytes on a device, shared by all the tensors that look into it."""

from __future__ import annotations

from collections.abc import Callable
from threading import get_ident
from typing import Any
from weakref import ref

from curta.device import CPU, Device
from curta.memory.allocator import HOST, HostAllocator, OutOfMemoryError

#: threads inside `inference_mode`; what they make starts at a negative version and stays there
INFERENCE_THREADS: set[int] = set()
_INFERENCE_VERSION = -(1 << 62)

#: threads in which something else makes the storages: a recording, an account
MAKERS: dict[int, Callable[[int, Device], Storage]] = {}

#: what looks at memory as it comes and goes, in all threads; see memory/ledger.py
WATCHERS: list[Any] = []


def _first_version() -> int:
    return _INFERENCE_VERSION if get_ident() in INFERENCE_THREADS else 0


class Storage:
    """`nbytes` bytes at `address`, freed with the last tensor that uses them.

    `version` counts in-place writes: autograd compares it to find saved tensors that were changed.
    """

    __slots__ = ("__weakref__", "address", "nbytes", "version")

    address: int
    nbytes: int
    version: int
    device: Device = CPU

    def size(self) -> int:
        """Bytes, under the name PyTorch uses."""
        return self.nbytes

    def data_ptr(self) -> int:
        """The address of the first byte."""
        return self.address

    def __len__(self) -> int:
        return self.nbytes

    def __reduce_ex__(self, protocol: Any) -> tuple[Any, ...]:
        from curta.pickling import reduced_storage

        return reduced_storage(self)

    def __repr__(self) -> str:
        return f"<Storage of {self.nbytes} bytes on {self.device}>"


class HostStorage(Storage):
    """Memory from Curta's own allocator, by `host_storage`.

    `free` is where its block goes back to (see `HostAllocator.free_blocks`), `epoch` how many accounts had looked at
    memory when it was made; its end is told to those that are open.
    """

    __slots__ = ("epoch", "free")

    epoch: int
    free: list[int]

    def __del__(self, host: HostAllocator = HOST, watchers: list[Any] = WATCHERS) -> None:
        # the globals are bound as defaults: they may be gone when the interpreter ends
        host.current -= self.nbytes
        self.free.append(self.address)
        if watchers:
            for watcher in watchers:
                watcher.died(self)


def host_storage(nbytes: int, free: list[int], host: HostAllocator = HOST) -> HostStorage:
    """Fresh memory of so many bytes, from and back to `free`; a function, which costs less than an `__init__`.

    >>> host_storage(100, HOST.free_blocks(100)).nbytes
    100
    """
    made = HostStorage()
    made.nbytes = nbytes
    made.free = free
    made.epoch = host.epoch
    made.version = _first_version() if INFERENCE_THREADS else 0
    if free:
        made.address = free.pop()
    else:
        try:
            made.address = host.fresh(nbytes)
        except OutOfMemoryError:  # this object goes too, and has nothing to give back
            made.nbytes, made.address, made.free = 0, 0, []
            raise
    current = host.current = host.current + nbytes
    if current > host.peak:
        host.peak = current
    return made


class BorrowedStorage(Storage):
    """Memory that belongs to somebody else, `owner` (a NumPy array): kept alive, never freed here."""

    __slots__ = ("owner",)

    def __init__(self, nbytes: int, address: int, owner: object) -> None:
        self.nbytes = nbytes
        self.address = address
        self.owner = owner
        self.version = _first_version() if INFERENCE_THREADS else 0


class TracedStorage(Storage):
    """Memory that a program being recorded will have when it runs; `buffer` is what the recorder knows of it.

    `tensors` are those that look into it: what outlives the recording must not be read.
    """

    __slots__ = ("buffer", "tensors")

    def __init__(self, nbytes: int, buffer: object) -> None:
        self.nbytes = nbytes
        self.address = 0
        self.version = _first_version() if INFERENCE_THREADS else 0
        self.buffer = buffer
        self.tensors: list[ref[Any]] = []


class PlannedStorage(TracedStorage):
    """Memory that a function which is only planned would take; it comes and goes as the function's own would."""

    __slots__ = ("device",)

    def __init__(self, nbytes: int, device: Device) -> None:
        super().__init__(nbytes, None)
        self.device = device

    def __del__(self, watchers: list[Any] = WATCHERS) -> None:
        for watcher in watchers:
            watcher.died(self)


class MetaStorage(Storage):
    """No memory at all: what a tensor on the meta device has."""

    __slots__ = ("device",)

    def __init__(self, nbytes: int, device: Device) -> None:
        self.nbytes = nbytes
        self.address = 0
        self.device = device
        self.version = _first_version() if INFERENCE_THREADS else 0


class WatchedMetaStorage(MetaStorage):
    """What a `MetaStorage` becomes while a plan knows it."""

    __slots__ = ()

    def __del__(self, watchers: list[Any] = WATCHERS) -> None:
        for watcher in watchers:
            watcher.died(self)


def allocate(nbytes: int, device: Device = CPU) -> Storage:
    """Fresh storage on a device; contents undefined.

    >>> allocate(100).nbytes
    100
    """
    if MAKERS:
        make = MAKERS.get(get_ident())
        if make is not None:
            return make(nbytes, device)
    return own_storage(nbytes, device)


def own_storage(nbytes: int, device: Device = CPU) -> Storage:
    """Fresh storage that nobody else makes: contents undefined."""
    return host_storage(nbytes, HOST.free_blocks(nbytes)) if device is CPU else MetaStorage(nbytes, device)


def zeros_from_system(nbytes: int, device: Device = CPU) -> Storage | None:
    """Fresh storage whose bytes are zeros without anybody writing them; None where there is none."""
    if device is not CPU or get_ident() in MAKERS:
        return None
    address = HOST.fresh_zeros(nbytes)
    if address is None:
        return None
    storage = host_storage(nbytes, [address])
    storage.free = HOST.free_blocks(nbytes)
    return storage
