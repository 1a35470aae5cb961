"""Tensors and plain containers as a pickle that PyTorch reads, its restricted reader included."""

from __future__ import annotations

import struct
from collections import OrderedDict
from typing import Any

from curta.device import Device
from curta.dtypes import DType
from curta.errors import ArgumentError, ArgumentTypeError, DTypeError
from curta.files.plain import STORAGES, UNTYPED, UNTYPED_FORMATS, is_key
from curta.host import raw_bytes
from curta.memory.storage import Storage
from curta.nn.modules.module import Module
from curta.nn.parameter import Parameter
from curta.size import Size
from curta.tensor import Tensor

_CLASSES = {dtype: name.removeprefix("torch.") for name, dtype in STORAGES.items()}
_MOST_BYTES = 255  # of an int: the operation that PyTorch's restricted reader knows has one byte for its length


class Pickler:
    """Writes one object; `storages` then are the tensors' storages, each once, in the order of their numbers."""

    def __init__(self) -> None:
        self._out = bytearray(b"\x80\x02")
        self._memo: dict[int, int] = {}
        self._kept: list[Any] = []  # so that no other object gets the identity of one that is written
        self._numbers: dict[int, tuple[int, DType]] = {}
        self.storages: list[tuple[Storage, memoryview]] = []

    def dump(self, value: Any) -> bytes:
        """The pickle. ArgumentTypeError for what is neither a tensor nor plain, by its type."""
        try:
            self._save(value)
        except RecursionError:
            raise ArgumentError("save: containers are nested too deeply") from None
        return bytes(self._out + b".")

    def _save(self, value: Any) -> None:
        known = self._memo.get(id(value))
        if known is not None:
            self._out += b"h" + bytes([known]) if known < 256 else b"j" + struct.pack("<I", known)
            return
        write = _WRITERS.get(type(value))
        if write is not None:
            write(self, value)
        elif isinstance(value, Tensor):
            self._tensor(value)
        else:
            hint = ", whose state_dict() is" if isinstance(value, Module) else ""
            raise ArgumentTypeError(f"save: neither a tensor nor a plain container: {type(value).__name__}{hint}")

    def _remember(self, value: Any) -> None:
        number = self._memo[id(value)] = len(self._memo)
        self._kept.append(value)
        self._out += b"q" + bytes([number]) if number < 256 else b"r" + struct.pack("<I", number)

    def _name(self, module: str, name: str) -> None:
        self._out += f"c{module}\n{name}\n".encode()

    # numbers and text

    def _none(self, value: None) -> None:
        self._out += b"N"

    def _truth(self, value: bool) -> None:
        self._out += b"\x88" if value else b"\x89"

    def _integer(self, value: int) -> None:
        if 0 <= value < 256:
            self._out += b"K" + bytes([value])
        elif -(2**31) <= value < 2**31:
            self._out += b"J" + struct.pack("<i", value)
        else:
            length = value.bit_length() // 8 + 1
            if length > _MOST_BYTES:
                raise ArgumentError(f"save: a whole number of {length} bytes is too large, {_MOST_BYTES} are the most")
            self._out += b"\x8a" + bytes([length]) + value.to_bytes(length, "little", signed=True)

    def _real(self, value: float) -> None:
        self._out += b"G" + struct.pack(">d", value)

    def _text(self, value: str) -> None:
        text = value.encode("utf-8", "surrogatepass")
        self._out += b"X" + struct.pack("<I", len(text)) + text

    def _bytes(self, value: bytes) -> None:
        self._name("_codecs", "encode")
        self._text(value.decode("latin1"))
        self._text("latin1")
        self._out += b"\x86R"

    # containers

    def _tuple(self, value: tuple[Any, ...]) -> None:
        self._plain_tuple(value)
        if value:
            self._remember(value)

    def _plain_tuple(self, value: tuple[Any, ...]) -> None:
        self._out += b"("
        for one in value:
            self._save(one)
        self._out += b"t"

    def _list(self, value: list[Any]) -> None:
        self._out += b"]"
        self._remember(value)
        self._out += b"("
        for one in value:
            self._save(one)
        self._out += b"e"

    def _set(self, value: set[Any]) -> None:
        self._check_keys(value)
        self._name("__builtin__", "set")
        self._out += b"]("
        for one in value:
            self._save(one)
        self._out += b"e\x85R"
        self._remember(value)

    def _dict(self, value: dict[Any, Any]) -> None:
        if type(value) is OrderedDict:
            self._name("collections", "OrderedDict")
            self._out += b")R"
        else:
            self._out += b"}"
        self._remember(value)
        self._check_keys(value)
        self._out += b"("
        for key, one in value.items():
            self._save(key)
            self._save(one)
        self._out += b"u"

    def _check_keys(self, keys: Any) -> None:
        for key in keys:
            if not is_key(key):
                kind = type(key).__name__
                raise ArgumentTypeError(
                    f"save: neither a number nor text, as keys and elements of sets must be: {kind}"
                )

    # what PyTorch has

    def _size(self, value: Size) -> None:
        self._name("torch", "Size")
        self._plain_tuple(tuple(value))
        self._out += b"\x85R"

    def _dtype(self, value: DType) -> None:
        self._name("torch", value.name)

    def _device(self, value: Device) -> None:
        self._name("torch", "device")
        self._plain_tuple((value.type,) if value.index is None else (value.type, value.index))
        self._out += b"R"

    def _parameter(self, value: Parameter) -> None:
        self._name("torch._utils", "_rebuild_parameter")
        self._out += b"("
        self._tensor_itself(value, False)
        self._truth(value._requires_grad)
        self._dict(OrderedDict())
        self._out += b"tR"
        self._remember(value)

    def _tensor(self, value: Tensor) -> None:
        self._tensor_itself(value, value.requires_grad)
        self._remember(value)

    def _tensor_itself(self, value: Tensor, grad: bool) -> None:
        untyped = value.layout.dtype in UNTYPED_FORMATS
        self._name("torch._utils", "_rebuild_tensor_v3" if untyped else "_rebuild_tensor_v2")
        self._out += b"("
        self._storage(value)
        self._integer(value.offset)
        self._plain_tuple(value.layout.shape)
        self._plain_tuple(value.layout.strides)
        self._truth(grad)
        self._dict(OrderedDict())
        if untyped:
            self._dtype(value.layout.dtype)
        self._out += b"tR"

    def _storage(self, tensor: Tensor) -> None:
        block = raw_bytes(tensor, 0, 0)  # which refuses a tensor without data
        storage, dtype = tensor.untyped_storage(), tensor.layout.dtype
        number, first = self._numbers.setdefault(id(storage), (len(self._numbers), dtype))
        if first is not dtype:
            raise DTypeError("Cannot save multiple tensors or storages that view the same data as different types")
        count = storage.nbytes // dtype.itemsize
        if number == len(self.storages):
            block = raw_bytes(tensor, 0, count * dtype.itemsize)
            self.storages.append((storage, block))
        self._out += b"("
        self._text("storage")
        untyped = dtype in UNTYPED_FORMATS
        self._name(*UNTYPED.rsplit(".", 1) if untyped else ("torch", _CLASSES[dtype]))
        self._text(str(number))
        self._text("cpu")
        self._integer(storage.nbytes if untyped else count)
        self._out += b"tQ"


_WRITERS: dict[type, Any] = {
    type(None): Pickler._none, bool: Pickler._truth, int: Pickler._integer, float: Pickler._real, str: Pickler._text,
    bytes: Pickler._bytes, tuple: Pickler._tuple, list: Pickler._list, set: Pickler._set, dict: Pickler._dict,
    OrderedDict: Pickler._dict, Size: Pickler._size, DType: Pickler._dtype, Device: Pickler._device,
    Parameter: Pickler._parameter,
}  # fmt: skip
