"""Pickles that hold tensors and plain containers, read by a machine of our own, which can make nothing else."""

from __future__ import annotations

import pickletools
import warnings
from collections import OrderedDict
from collections.abc import Callable, Mapping
from math import prod
from pickle import UnpicklingError
from typing import Any, NamedTuple, NoReturn

from curta import dtypes
from curta.device import META, Device, resolve
from curta.dtypes import DType
from curta.errors import DeviceError, FileFormatError, UnsupportedError
from curta.files.archive import Archive, Record
from curta.files.content import shown
from curta.files.plain import STORAGES, UNTYPED, UNTYPED_FORMATS, is_key
from curta.memory.layout import strided
from curta.memory.storage import Storage, own_storage
from curta.nn.parameter import Parameter
from curta.shapes import storage_extent
from curta.size import Size
from curta.tensor import Tensor

_LARGEST = 2**63 - 1
_MOST_DIMS = 64
_WIDEST = 8  # bytes of the largest element: one storage may be looked at in several formats


#: the device for all storages; one by the name of where they were; what a function makes of a storage and that name
Where = str | Device | Mapping[str, str | Device] | Callable[[Storage, str], Any] | None


class RefusedPickleError(FileFormatError, UnpicklingError):
    """A pickle that asks for anything but tensors and plain containers; what it asks for is named, and not run."""


class _Named(NamedTuple):
    """Something that a pickle calls by its name."""

    name: str


class _Stored(NamedTuple):
    """A storage as a pickle names it."""

    dtype: DType
    storage: Storage


#: operations that put a value of their own on the stack
_VALUES = {
    "BININT", "BININT1", "BININT2", "LONG1", "BINFLOAT", "BINUNICODE", "SHORT_BINUNICODE", "BINUNICODE8", "BINBYTES",
    "SHORT_BINBYTES", "BINBYTES8",
}  # fmt: skip
_CONSTANTS: dict[str, Callable[[], Any]] = {
    "NONE": lambda: None, "NEWTRUE": lambda: True, "NEWFALSE": lambda: False, "EMPTY_TUPLE": tuple,
    "EMPTY_LIST": list, "EMPTY_DICT": dict, "EMPTY_SET": set,
}  # fmt: skip
_TUPLES = {"TUPLE1": 1, "TUPLE2": 2, "TUPLE3": 3}
_IGNORED = {"PROTO", "FRAME"}
_FORMATS = {f"torch.{dtype.name}": dtype for dtype in dtypes.ALL}


class Unpickler:
    """Runs the pickle of an archive on a stack; every operation, and every name, is one of those written here."""

    def __init__(self, archive: Archive, where: Where, copy: bool) -> None:
        self._archive = archive
        self._where = where
        self._copy = copy
        self._stack: list[Any] = []
        self._marks: list[int] = []
        self._memo: dict[int, Any] = {}
        self._storages: dict[str, Storage] = {}
        self._truths: set[str] = set()
        #: with the numbers of arguments that each takes
        self._calls: dict[str, tuple[Callable[..., Any], tuple[int, ...]]] = {
            "collections.OrderedDict": (OrderedDict, (0,)),
            "builtins.set": (self._set, (1,)),
            "_codecs.encode": (self._bytes, (2,)),
            "torch.Size": (self._size, (1,)),
            "torch.device": (self._device_of, (1, 2)),
            "torch._utils._rebuild_tensor_v2": (self._tensor, (6, 7)),
            "torch._utils._rebuild_tensor_v3": (self._untyped_tensor, (7,)),
            "torch._utils._rebuild_parameter": (self._parameter, (3,)),
        }

    def load(self, pickle: bytes) -> Any:
        """What the pickle describes; FileFormatError for a damaged one."""
        try:
            with warnings.catch_warnings():
                # of escapes in texts of the oldest protocol, which are refused right after they are decoded
                warnings.simplefilter("ignore", DeprecationWarning)
                for operation, argument, _ in pickletools.genops(pickle):
                    self._run(operation.name, argument)
        except FileFormatError:
            raise
        except (ValueError, OverflowError) as error:
            self._fail(f"is damaged ({shown(str(error))})")
        if len(self._stack) != 1 or self._marks:
            self._fail("is damaged")
        self._check_whole(self._stack[0])
        return self._stack[0]

    def _fail(self, problem: str) -> NoReturn:
        raise FileFormatError(f"{self._archive.name}: its pickle {problem}")

    def _refuse(self, name: str) -> NoReturn:
        raise RefusedPickleError(
            f"{self._archive.name}: its pickle asks for {shown(name)[1:-1]}: only tensors and plain containers are read"
        )

    # the stack

    def _run(self, operation: str, argument: Any) -> None:
        if operation in _VALUES:
            self._stack.append(argument)
        elif operation in _CONSTANTS:
            self._stack.append(_CONSTANTS[operation]())
        elif operation in _TUPLES:
            self._stack.append(tuple(self._pop_many(_TUPLES[operation])))
        elif operation in _STEPS:
            _STEPS[operation](self, argument)
        elif operation != "STOP" and operation not in _IGNORED:
            self._refuse(f"the operation {operation}")

    def _pop_many(self, count: int) -> list[Any]:
        floor = self._marks[-1] if self._marks else 0
        if len(self._stack) - count < floor:
            self._fail("is damaged: it takes more than it has made")
        found = self._stack[len(self._stack) - count :]
        del self._stack[len(self._stack) - count :]
        return found

    def _pop(self) -> Any:
        return self._pop_many(1)[0]

    def _pop_mark(self) -> list[Any]:
        if not self._marks:
            self._fail("is damaged: it takes more than it has made")
        start = self._marks.pop()
        found = self._stack[start:]
        del self._stack[start:]
        return found

    def _top(self, kind: type) -> Any:
        found = self._pop()
        if not isinstance(found, kind):
            self._fail(f"is damaged: it fills a {type(found).__name__} where a {kind.__name__} should be")
        self._stack.append(found)
        return found

    # what operations do

    def _mark(self, argument: Any) -> None:
        self._marks.append(len(self._stack))

    def _make_tuple(self, argument: Any) -> None:
        self._stack.append(tuple(self._pop_mark()))

    def _append(self, argument: Any) -> None:
        value = self._pop()
        self._top(list).append(value)

    def _extend(self, argument: Any) -> None:
        values = self._pop_mark()
        self._top(list).extend(values)

    def _set_item(self, argument: Any) -> None:
        self._fill(self._pop_many(2))

    def _set_items(self, argument: Any) -> None:
        self._fill(self._pop_mark())

    def _fill(self, flat: list[Any]) -> None:
        target = self._top(dict)
        if len(flat) % 2 or not all(map(is_key, flat[::2])):
            self._fail("has a key that is neither a number nor text")
        target.update(zip(flat[::2], flat[1::2], strict=True))

    def _add_items(self, argument: Any) -> None:
        values = self._pop_mark()
        self._top(set).update(self._set(values))

    def _put(self, argument: Any) -> None:
        if not self._stack:
            self._fail("is damaged: it takes more than it has made")
        self._memo[len(self._memo) if argument is None else argument] = self._stack[-1]

    def _get(self, argument: Any) -> None:
        if argument not in self._memo:
            self._fail("is damaged: it looks for what it has not kept")
        self._stack.append(self._memo[argument])

    def _global(self, argument: Any) -> None:
        self._push_named(argument.replace(" ", ".", 1).replace("__builtin__.", "builtins."))

    def _stack_global(self, argument: Any) -> None:
        names = self._pop_many(2)
        if not all(isinstance(name, str) for name in names):
            self._fail("is damaged: a name is no text")
        self._push_named(".".join(names))

    def _push_named(self, name: str) -> None:
        if name in _FORMATS:
            self._stack.append(_FORMATS[name])
        elif name in self._calls or name in STORAGES or name == UNTYPED:
            self._stack.append(_Named(name))
        else:
            self._refuse(name)

    def _reduce(self, argument: Any) -> None:
        function, arguments = self._pop_many(2)
        if not isinstance(function, _Named) or function.name not in self._calls or type(arguments) is not tuple:
            self._fail("is damaged: it calls what is no function")
        call, counts = self._calls[function.name]
        if len(arguments) not in counts:
            self._fail(f"is damaged: it calls {function.name} with {len(arguments)} arguments")
        self._stack.append(call(*arguments))

    def _build(self, argument: Any) -> None:
        """Attributes: only a state dict has one, the versions of its modules."""
        state = self._pop()
        target = self._top(OrderedDict)
        if type(state) is not dict or state.keys() - {"_metadata"}:
            self._refuse("attributes")
        target.__dict__.update(state)

    def _persistent(self, argument: Any) -> None:
        parts = self._pop()
        if type(parts) is not tuple or tuple(map(type, parts)) != (str, _Named, str, str, int):
            self._fail("names no storage where one should be")
        word, kind, key, place, count = parts
        if word != "storage" or not (kind.name in STORAGES or kind.name == UNTYPED) or count < 0:
            self._fail("names no storage where one should be")
        dtype = STORAGES.get(kind.name, dtypes.uint8)
        self._stack.append(_Stored(dtype, self._storage(key, place, count * dtype.itemsize, dtype)))

    # what may be called

    def _set(self, values: Any) -> set[Any]:
        if type(values) is not list or not all(map(is_key, values)):
            self._fail("has an element of a set that is neither a number nor text")
        return set(values)

    def _bytes(self, text: Any, encoding: Any) -> bytes:
        if not isinstance(text, str) or not isinstance(encoding, str) or encoding != "latin1":
            self._fail("is damaged: bytes are no latin1")
        return text.encode("latin1")

    def _size(self, sizes: Any) -> Size:
        if type(sizes) is not tuple or not _whole(sizes):
            self._fail("is damaged: a shape is no tuple of sizes")
        return Size(sizes)

    def _device_of(self, kind: Any, index: Any = None) -> Device:
        if not isinstance(kind, str) or (index is not None and not _whole([index])):
            self._fail("is damaged: a device is no name")
        return self._known_device(kind, index)

    def _known_device(self, kind: str, index: int | None = None) -> Device:
        try:
            return Device(kind, index)
        except DeviceError:
            where = self._archive.name
            raise DeviceError(f"{where}: names a device {shown(kind)}, which Curta does not know") from None

    def _tensor(
        self, stored: Any, offset: Any, size: Any, stride: Any, grad: Any, hooks: Any, metadata: Any = None
    ) -> Tensor:
        if not isinstance(stored, _Stored) or type(size) is not tuple or type(stride) is not tuple:
            self._fail("is damaged: a tensor is not made of a storage, a shape and strides")
        if not _whole([offset, *size, *stride]) or len(size) != len(stride) or len(size) > _MOST_DIMS:
            self._fail(f"has a tensor of shape {shown(size)} and strides {shown(stride)}, which none can have")
        if (
            type(hooks) is not OrderedDict
            or hooks
            or not (metadata is None or (type(metadata) is dict and not metadata))
        ):
            self._refuse("a tensor's hooks or metadata")
        extent = max(offset, storage_extent(size, stride, offset)) * stored.dtype.itemsize
        if extent > stored.storage.nbytes or prod(max(one, 1) for one in size) > _LARGEST:
            self._fail(f"has a tensor that ends at byte {extent} of a storage of {stored.storage.nbytes}")
        self._check_grad(grad, stored.dtype)
        layout = strided(size, stride, stored.dtype, stored.storage.device)
        made = Tensor._make(stored.storage, layout, offset)
        if grad:
            made.requires_grad_(True)
        return made

    def _untyped_tensor(
        self, stored: Any, offset: Any, size: Any, stride: Any, grad: Any, hooks: Any, dtype: Any
    ) -> Tensor:
        if not isinstance(stored, _Stored) or not any(dtype is one for one in UNTYPED_FORMATS):
            self._fail("is damaged: a tensor is not made of a storage and a format without a storage of its own")
        return self._tensor(_Stored(dtype, stored.storage), offset, size, stride, grad, hooks)

    def _check_grad(self, grad: Any, dtype: DType) -> None:
        if type(grad) is not bool or (grad and not dtype.is_floating_point):
            self._fail(f"is damaged: a tensor of {dtype.name} cannot want a gradient")

    def _parameter(self, data: Any, grad: Any, hooks: Any) -> Parameter:
        if not isinstance(data, Tensor) or type(hooks) is not OrderedDict or hooks:
            self._fail("is damaged: a parameter is no tensor, or has hooks")
        self._check_grad(grad, data.layout.dtype)
        return Parameter(data, grad)

    def _storage(self, key: str, place: str, nbytes: int, dtype: DType) -> Storage:
        record = self._archive.record(f"data/{key}")
        if record.nbytes != nbytes:
            self._fail(f"asks for {nbytes} bytes of storage {shown(key)}, which has {record.nbytes}")
        content = self._archive.content
        if dtype is dtypes.bool_ and key not in self._truths:
            self._truths.add(key)
            content.check_truth(record.start, nbytes, f"storage {shown(key)}")
        if key not in self._storages:
            self._storages[key] = self._placed(place, record, nbytes)
        return self._storages[key]

    def _placed(self, place: str, record: Record, nbytes: int) -> Storage:
        """A storage that was at `place`, where the caller wants it."""
        wanted = self._where
        if isinstance(wanted, Mapping):
            wanted = wanted.get(place)
        made = None
        if wanted is not None and not isinstance(wanted, (str, Device)):
            made = self._archive.content.storage(record.start, nbytes, _WIDEST, self._copy)
            kept = wanted(made, place)
            if kept is made:
                return made
            if kept is not None:
                raise UnsupportedError(
                    f"load: map_location may give back the storage that it is given, or None, got {type(kept).__name__}"
                )
            wanted = None
        if wanted is None and place not in ("cpu", "meta"):
            raise DeviceError(
                f"{self._archive.name}: has tensors on {shown(place)[1:-1]}, which is not there: give "
                'map_location="cpu"'
            )
        if resolve(place if wanted is None else wanted) is META:
            return own_storage(nbytes, META)
        return made or self._archive.content.storage(record.start, nbytes, _WIDEST, self._copy)

    def _check_whole(self, result: Any) -> None:
        """Names and storages may be used, not kept."""
        seen: set[int] = set()
        stack = [result]
        while stack:
            value = stack.pop()
            if isinstance(value, _Named | _Stored):
                self._refuse(value.name if isinstance(value, _Named) else "a storage by itself")
            if isinstance(value, dict | list | tuple) and id(value) not in seen:
                seen.add(id(value))
                stack += value.values() if isinstance(value, dict) else value


_STEPS: dict[str, Callable[[Unpickler, Any], None]] = {
    "MARK": Unpickler._mark,
    "TUPLE": Unpickler._make_tuple,
    "APPEND": Unpickler._append,
    "APPENDS": Unpickler._extend,
    "SETITEM": Unpickler._set_item,
    "SETITEMS": Unpickler._set_items,
    "ADDITEMS": Unpickler._add_items,
    "BINPUT": Unpickler._put,
    "LONG_BINPUT": Unpickler._put,
    "MEMOIZE": Unpickler._put,
    "BINGET": Unpickler._get,
    "LONG_BINGET": Unpickler._get,
    "GLOBAL": Unpickler._global,
    "STACK_GLOBAL": Unpickler._stack_global,
    "REDUCE": Unpickler._reduce,
    "BUILD": Unpickler._build,
    "BINPERSID": Unpickler._persistent,
}


def _whole(values: Any) -> bool:
    """Whether they are whole numbers from 0 to the largest of 64 bits."""
    return all(type(value) is int and 0 <= value <= _LARGEST for value in values)
