"""The bytes of a file as memory that tensors look into."""

from __future__ import annotations

import mmap
import os
import sys
from ctypes import addressof, c_char, memmove, string_at
from typing import IO, Any

from curta.errors import FileFormatError
from curta.memory.storage import BorrowedStorage, Storage, own_storage

#: a file larger than the memory can be mapped: its pages are the file's own until somebody writes into them
_UNRESERVED = getattr(mmap, "MAP_NORESERVE", 0x4000 if sys.platform == "linux" else 0)
_CHUNK = 1 << 20
_SHOWN = 80


def shown(value: Any) -> str:
    """What a file says, made fit for a message of one line: text quoted, and everything cut where it is long.

    Of what is neither a number, text nor a flat list of these only the type is said: files may nest without end.

    >>> shown("a\\nb"), shown([1, "x"]), shown([[1]]), len(shown("x" * 1000))
    ("'a\\\\nb'", "[1, 'x']", '[a list]', 85)
    """
    if isinstance(value, str):
        return ascii(value) if len(value) <= _SHOWN else ascii(value[:_SHOWN]) + "..."
    if value is None or isinstance(value, (bool, int, float)):
        return repr(value)
    if isinstance(value, (list, tuple)):
        parts = [f"a {type(one).__name__}" if isinstance(one, (list, tuple)) else shown(one) for one in value[:_SHOWN]]
        return f"[{', '.join(parts)}{', ...' if len(value) > _SHOWN else ''}]"
    return f"a {type(value).__name__}"


class Content:
    """All the bytes of a file: `nbytes` at an address, which stay there as long as a tensor looks into them.

    A file is mapped copy-on-write: nothing is read before it is used, what is written into it is this process's own,
    and the file stays as it is. `name` is what messages call it.
    """

    def __init__(self, name: str, memory: mmap.mmap | bytearray) -> None:
        self.name = name
        self.nbytes = len(memory)
        # it holds on to the memory, and forbids to close or to resize it
        self._owner = (c_char * self.nbytes).from_buffer(memory)
        self._address = addressof(self._owner)

    @staticmethod
    def of(file: IO[bytes], name: str) -> Content:
        """An open file's bytes."""
        nbytes = os.fstat(file.fileno()).st_size
        if nbytes == 0:  # which no system maps
            return Content(name, bytearray())
        flags, access = mmap.MAP_PRIVATE | _UNRESERVED, mmap.PROT_READ | mmap.PROT_WRITE
        return Content(name, mmap.mmap(file.fileno(), nbytes, flags, access))

    def read(self, start: int, nbytes: int) -> bytes:
        """A copy of some bytes; FileFormatError where there are not so many."""
        if start < 0 or nbytes < 0 or start + nbytes > self.nbytes:
            raise FileFormatError(f"{self.name}: ends before byte {start + nbytes}: it is damaged or was cut short")
        return string_at(self._address + start, nbytes)

    def storage(self, start: int, nbytes: int, itemsize: int, copy: bool = False) -> Storage:
        """The bytes from `start` on as a storage, over a copy if asked for, or if elements would lie askew."""
        address = self._address + start
        if not copy and address % itemsize == 0:
            return BorrowedStorage(nbytes, address, self._owner)
        storage = own_storage(nbytes)
        memmove(storage.address, address, nbytes)
        return storage

    def check_truth(self, start: int, nbytes: int, what: str) -> None:
        """FileFormatError for a byte that is neither 0 nor 1: kernels rely on truth values being nothing else."""
        for place in range(start, start + nbytes, _CHUNK):
            part = self.read(place, min(_CHUNK, start + nbytes - place))
            if part.translate(None, b"\0\1"):
                raise FileFormatError(f"{self.name}: {what} holds truth values that are neither 0 nor 1")
