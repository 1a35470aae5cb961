"""A block of bytes on a device, shared by all the tensors that look into it."""

from __future__ import annotations

from curta.device import CPU, Device
from curta.memory.allocator import HOST


class Storage:
    """`nbytes` bytes at `address`; freed with the last tensor that uses them.

    `version` counts in-place writes: autograd compares it to find saved tensors that were changed. `owner` keeps
    memory alive that is not Curta's own (a NumPy array's); such memory is never freed here.
    """

    __slots__ = ("__weakref__", "address", "device", "nbytes", "owner", "version")

    def __init__(self, nbytes: int, device: Device = CPU, address: int | None = None, owner: object = None) -> None:
        self.nbytes = nbytes
        self.device = device
        self.owner = owner
        self.version = 0
        if address is not None:
            self.address = address
        elif device is CPU:
            self.address = HOST.allocate(nbytes)
        else:
            self.address = 0

    def __del__(self, release=HOST.release, cpu=CPU) -> None:  # type: ignore[no-untyped-def]
        # bound as defaults: module globals may be gone when the interpreter ends
        if self.owner is None and self.device is cpu and hasattr(self, "address"):
            release(self.address, self.nbytes)

    def size(self) -> int:
        """Bytes, under the name PyTorch uses."""
        return self.nbytes

    def data_ptr(self) -> int:
        """The address of the first byte."""
        return self.address

    def __len__(self) -> int:
        return self.nbytes

    def __repr__(self) -> str:
        return f"<Storage of {self.nbytes} bytes on {self.device}>"
