"""Messages between processes, with tensors and arrays in memory that both of them see.

A message is one packet of a socket, so that a process which is killed leaves no half of one and no lock behind. What is
large is not in the packet: it lies in a file without a name, in memory (`memfd_create`), whose descriptor travels along
and is closed as soon as the file is mapped. So nothing of it ever stands in /dev/shm, containers' limits on /dev/shm do
not matter, and the system frees it with the last mapping, however the processes end.
"""

from __future__ import annotations

import ctypes
import mmap
import os
import pickle
import socket
import struct
from array import array
from functools import cache
from io import BytesIO
from multiprocessing.connection import wait
from typing import Any, ClassVar, NamedTuple
from weakref import WeakSet

from curta import host
from curta.device import META
from curta.errors import AutogradError, DataError, UnsupportedError
from curta.functions.creation import empty_of
from curta.memory.allocator import ALIGNMENT, OutOfMemoryError
from curta.memory.layout import Layout, contiguous, strided
from curta.memory.living import LEAVES
from curta.memory.storage import BorrowedStorage
from curta.shapes import is_dense
from curta.tensor import Tensor

#: messages of at most so many bytes and without tensors travel in the packet itself
_INLINE = 16 << 10
#: a packet that comes with a file: the file's bytes, and how many buffers there are in it
_HEAD = struct.Struct("<QQ")
#: the system writes at most 2 GB at a time
_PIECE = 1 << 30


@cache
def _library() -> Any:
    library = ctypes.CDLL(None, use_errno=True)
    library.mmap.restype = ctypes.c_void_p
    return library


class Block:
    """A file's memory in this process; it goes with the last tensor or array that looks into it."""

    def __init__(self, descriptor: int, nbytes: int) -> None:
        protection = mmap.PROT_READ | mmap.PROT_WRITE
        # not Python's own mmap, which keeps a descriptor for each: a list of all batches would need thousands
        found = _library().mmap(
            None, ctypes.c_size_t(nbytes), protection, mmap.MAP_SHARED, descriptor, ctypes.c_long(0)
        )
        self.address, self.nbytes = 0, nbytes
        if found in (None, ctypes.c_void_p(-1).value):
            raise OutOfMemoryError(f"cannot map a batch of {nbytes} bytes: {os.strerror(ctypes.get_errno())}")
        self.address = int(found)
        self._unmap = _library().munmap  # here, since module globals may be gone when the interpreter ends

    def part(self, offset: int, nbytes: int) -> Any:
        """Bytes of it as a buffer, which keeps the block alive."""
        buffer: Any = (ctypes.c_char * nbytes).from_address(self.address + offset)
        buffer.block = self
        return buffer

    def __del__(self) -> None:
        if self.address:
            self._unmap(ctypes.c_void_p(self.address), ctypes.c_size_t(self.nbytes))


def _over(buffer: Any, layout: Layout, requires_grad: bool, kind: type[Tensor]) -> Tensor:
    """A tensor over a buffer of a message (None: one without memory)."""
    if buffer is None:
        made = empty_of(layout)
    else:
        made = Tensor._make(BorrowedStorage(layout.nbytes, ctypes.addressof(buffer), buffer), layout, 0)
    made._requires_grad = requires_grad
    if requires_grad:
        LEAVES.add(made)
    made.__class__ = kind
    return made


class _Pickler(pickle.Pickler):
    """Pickles with the bytes of tensors and arrays beside the stream."""

    def __init__(self, stream: BytesIO, buffers: list[pickle.PickleBuffer]) -> None:
        super().__init__(stream, protocol=5, buffer_callback=buffers.append)
        self.kept: list[Tensor] = []

    def reducer_override(self, value: Any) -> Any:
        if not isinstance(value, Tensor):
            return NotImplemented
        if value.grad_fn is not None:
            raise AutogradError("cannot hand over a tensor that is not a leaf to another process: call detach() first")
        layout, buffer = value.layout, None
        if layout.device is not META:
            host.known(value)
            if not is_dense(layout.shape, layout.strides):  # only what the tensor shows, not all of its storage
                value, layout = value.detach().contiguous(), contiguous(layout.shape, layout.dtype)
            if layout.nbytes:
                self.kept.append(value)
                memory = (ctypes.c_char * layout.nbytes).from_address(value.pointer)
                buffer = pickle.PickleBuffer(memory)
        plain = (layout.shape, layout.strides, layout.dtype, layout.device)
        return _rebuilt, (buffer, plain, value._requires_grad, type(value))


def _rebuilt(buffer: Any, plain: Any, requires_grad: bool, kind: type[Tensor]) -> Tensor:
    return _over(buffer, strided(*plain), requires_grad, kind)


class Packet(NamedTuple):
    """A message ready to be sent; `descriptor` is of the file that goes with it, or -1."""

    data: bytes
    descriptor: int

    def close(self) -> None:
        """Drop this process's hold on the file."""
        if self.descriptor >= 0:
            os.close(self.descriptor)


def pack(value: Any) -> Packet:
    """A message of any picklable value, its large parts copied once, into shared memory.

    Raises what pickling raises, and OSError where the system gives no memory or no descriptor.
    """
    stream, buffers = BytesIO(), list[pickle.PickleBuffer]()
    pickler = _Pickler(stream, buffers)
    pickler.dump(value)
    data = stream.getvalue()
    if not buffers and len(data) <= _INLINE:
        return Packet(data, -1)
    parts = [memoryview(data), *(buffer.raw() for buffer in buffers)]
    table = array("Q", [len(part) for part in parts])
    descriptor = os.memfd_create("curta-batch", os.MFD_CLOEXEC)
    try:
        offset = _write(descriptor, memoryview(table).cast("B"), 0)
        for part in parts:
            offset = _write(descriptor, part, _aligned(offset))
        return Packet(_HEAD.pack(offset, len(buffers)), descriptor)
    except BaseException:
        os.close(descriptor)
        raise


def _aligned(offset: int) -> int:
    return -(-offset // ALIGNMENT) * ALIGNMENT


def _write(descriptor: int, part: memoryview, offset: int) -> int:
    """Write it all; where it ends. Writing costs no page faults, which storing through a mapping would."""
    done = 0
    while done < len(part):
        done += os.pwrite(descriptor, part[done : done + _PIECE], offset + done)
    return offset + done


def _unpack(head: bytes, descriptor: int) -> Any:
    try:
        nbytes, count = _HEAD.unpack(head)
        block = Block(descriptor, nbytes)
    finally:
        os.close(descriptor)
    sizes = (ctypes.c_uint64 * (count + 1)).from_address(block.address)
    offset, parts = 8 * len(sizes), []
    for size in sizes:
        parts.append(block.part(_aligned(offset), size))
        offset = _aligned(offset) + size
    return pickle.loads(memoryview(parts[0]), buffers=parts[1:])


class Channel:
    """One end of a socket pair; `pair` makes both. EOFError from either end where the other is gone."""

    #: those that are open in this process: what a child forked from it has no business with
    OPEN: ClassVar[WeakSet[Channel]] = WeakSet()

    def __init__(self, connected: socket.socket) -> None:
        self._socket = connected
        self.OPEN.add(self)

    @staticmethod
    def pair() -> tuple[socket.socket, socket.socket]:
        """Two sockets whose packets arrive whole; UnsupportedError where the system has no unnamed shared memory."""
        if not hasattr(os, "memfd_create"):
            raise UnsupportedError("DataLoader: workers need Linux's memfd_create: use num_workers=0")
        return socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)

    def fileno(self) -> int:
        """The socket's descriptor."""
        return self._socket.fileno()

    def transmit(self, packet: Packet) -> None:
        """Send a packet, and drop this process's hold on its file."""
        try:
            descriptors = [packet.descriptor] if packet.descriptor >= 0 else []
            socket.send_fds(self._socket, [packet.data], descriptors)
        except ConnectionError:
            raise EOFError from None
        finally:
            packet.close()

    def send(self, value: Any) -> None:
        """Send any picklable value."""
        self.transmit(pack(value))

    def ready(self, seconds: float) -> bool:
        """Whether something arrives, or the other end goes, within so many seconds."""
        return bool(wait([self._socket], seconds))

    def receive(self) -> Any:
        """The next value; its tensors and arrays lie in shared memory."""
        try:
            data, descriptors, flags, _ = socket.recv_fds(self._socket, _INLINE, 1, socket.MSG_CMSG_CLOEXEC)
        except ConnectionError:
            raise EOFError from None
        if flags & socket.MSG_CTRUNC:
            raise DataError("too many open files: a batch's memory could not be received; see `ulimit -n`")
        if not data:
            raise EOFError
        return _unpack(data, descriptors[0]) if descriptors else pickle.loads(data)

    def close(self) -> None:
        """Close this end; the other one sees it."""
        self._socket.close()
        self.OPEN.discard(self)
