"""DLPack: what NumPy and capsules made by hand see of a tensor, what a tensor sees of them, and who frees what when."""

from __future__ import annotations

import ctypes
import gc
import struct
import subprocess
import sys
import threading
import weakref
from pathlib import Path
from typing import Any

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parent))
from forged import DELETER, Producer, fields, name_of

import curta
from curta.errors import ArgumentError, DTypeError, ExchangeError

NUMPY_DTYPES = ("bool", "uint8", "int8", "int16", "int32", "int64", "float16", "float32", "float64")
#: by the DLPack specification: code, bits, lanes
FORMATS = {
    "bool": (6, 8, 1), "uint8": (1, 8, 1), "int8": (0, 8, 1), "int16": (0, 16, 1), "int32": (0, 32, 1),
    "int64": (0, 64, 1), "float16": (2, 16, 1), "bfloat16": (4, 16, 1), "float32": (2, 32, 1), "float64": (2, 64, 1),
}  # fmt: skip


class OldProducer:
    """A framework that knows only what DLPack's protocol had at first."""

    def __init__(self, producer: Producer) -> None:
        self.producer = producer

    def __dlpack__(self, stream: Any = None) -> Any:
        return self.producer.capsule()

    def __dlpack_device__(self) -> tuple[int, int]:
        return 1, 0


@pytest.mark.parametrize("name", NUMPY_DTYPES)
def test_numpy_and_a_tensor_look_at_the_same_memory(name: str) -> None:
    tensor = curta.tensor([[0, 1, 1], [1, 0, 1]], dtype=getattr(curta, name))
    array = np.from_dlpack(tensor)
    assert array.dtype == name
    assert array.tolist() == [[0, 1, 1], [1, 0, 1]]
    array[0, 0] = 1
    assert tensor[0, 0].item() == 1
    back = curta.from_dlpack(array)
    assert back.dtype is tensor.dtype
    assert back.data_ptr() == tensor.data_ptr()
    back[1, 1] = 1
    assert array[1].tolist() == [1, 1, 1]


@pytest.mark.parametrize("name", FORMATS)
@pytest.mark.parametrize("version", [None, (0, 8), (1, 0), (1, 3)])
def test_capsules_say_what_the_protocol_asks_for(name: str, version: tuple[int, int] | None) -> None:
    base = curta.zeros(4, 6, dtype=getattr(curta, name))
    tensor = base[1:, ::2].T
    found = fields(tensor.__dlpack__(max_version=version))
    assert found["format"] == FORMATS[name]
    assert (found["shape"], found["strides"]) == ((3, 3), (2, 6))
    assert found["data"] + found["byte_offset"] == base.data_ptr() + 6 * base.itemsize
    assert found["device"] == (1, 0)
    assert found.get("version") == (None if version is None or version[0] < 1 else (1, 0))
    assert not found.get("flags")


@pytest.mark.parametrize("name", FORMATS)
def test_every_format_comes_back(name: str) -> None:
    tensor = curta.tensor([1, 0, 1], dtype=getattr(curta, name))
    for again in (curta.from_dlpack(tensor), curta.from_dlpack(curta.to_dlpack(tensor))):
        assert again.dtype is tensor.dtype
        assert again.data_ptr() == tensor.data_ptr()
        assert again.tolist() == [1, 0, 1]


def test_the_names_of_pytorchs_module() -> None:
    assert curta.utils.dlpack.from_dlpack is curta.from_dlpack
    assert curta.utils.dlpack.to_dlpack is curta.to_dlpack
    kind, index = curta.zeros(1).__dlpack_device__()
    assert kind is curta.utils.dlpack.DLDeviceType["kDLCPU"]
    assert (int(kind), index) == (1, 0)


@pytest.mark.parametrize("shape", [(), (0,), (2, 0, 3), (1, 1)])
def test_tensors_of_one_element_and_of_none(shape: tuple[int, ...]) -> None:
    tensor = curta.full(shape, 3.0)
    array = np.from_dlpack(tensor)
    assert array.shape == shape
    assert array.tolist() == np.full(shape, 3.0).tolist()
    assert curta.from_dlpack(np.full(shape, 3.0)).shape == shape
    assert curta.from_dlpack(np.full(shape, 3.0)).tolist() == np.full(shape, 3.0).tolist()


def test_strides_of_numpy_arrays_are_kept() -> None:
    array = np.arange(24.0).reshape(2, 3, 4)[:, ::2, 1::2].transpose(2, 0, 1)
    tensor = curta.from_dlpack(array)
    assert tensor.stride() == (2, 12, 8)
    assert tensor.tolist() == array.tolist()
    wide = curta.from_dlpack(curta.ones(3, 1).expand(3, 4))
    assert wide.stride() == (1, 0)
    assert wide.tolist() == [[1.0] * 4] * 3


def test_copies_on_request() -> None:
    tensor = curta.tensor([1.0, 2.0])
    capsule = tensor.__dlpack__(max_version=(1, 0), copy=True)
    found = fields(capsule)
    assert found["flags"] == 2  # copied
    assert found["data"] != tensor.data_ptr()
    array = np.array([1.0, 2.0])
    assert curta.from_dlpack(array, copy=True).data_ptr() != array.ctypes.data
    assert curta.from_dlpack(array, copy=False).data_ptr() == array.ctypes.data
    assert curta.from_dlpack(array, device="cpu").data_ptr() == array.ctypes.data
    again = curta.from_dlpack(OldProducer(Producer(struct.pack("2f", 1, 2), [2])), copy=True)
    assert again.tolist() == [1.0, 2.0]


def test_read_only_memory_is_copied() -> None:
    array = np.array([1.0, 2.0])
    array.flags.writeable = False
    tensor = curta.from_dlpack(array)
    tensor.add_(1)
    assert (tensor.tolist(), array.tolist()) == ([2.0, 3.0], [1.0, 2.0])
    producer = Producer(struct.pack("2f", 1, 2), [2], version=(1, 0), flags=1)
    tensor = curta.from_dlpack(producer.capsule())
    assert tensor.data_ptr() != ctypes.addressof(producer.memory)
    assert producer.deleted == 1  # nothing of it is needed any more
    with pytest.raises(ExchangeError, match="from_dlpack: read-only memory cannot be shared: a tensor can be written"):
        curta.from_dlpack(array, copy=False)


# capsules made by hand


@pytest.mark.parametrize("version", [None, (1, 0), (1, 7)])
def test_a_capsule_is_consumed_and_its_deleter_called_once(version: tuple[int, int] | None) -> None:
    producer = Producer(struct.pack("6f", *range(6)), [2, 2], [3, 1], byte_offset=4, version=version)
    capsule = producer.capsule()
    tensor = curta.from_dlpack(capsule)
    assert name_of(capsule) == "used_" + producer.name.decode()
    assert tensor.tolist() == [[1.0, 2.0], [4.0, 5.0]]
    assert tensor.data_ptr() == ctypes.addressof(producer.memory) + 4
    view = tensor[1]
    del tensor, capsule
    assert producer.deleted == 0
    view[0] = 9.0
    assert struct.unpack("6f", producer.memory.raw) == (0, 1, 2, 3, 9, 5)
    del view
    assert producer.deleted == 1


def test_a_structure_without_strides_or_deleter() -> None:
    producer = Producer(struct.pack("6f", *range(6)), [3, 2], None, with_deleter=False)
    tensor = curta.from_dlpack(OldProducer(producer))
    assert tensor.stride() == (2, 1)
    assert tensor.tolist() == [[0.0, 1.0], [2.0, 3.0], [4.0, 5.0]]
    del tensor
    assert producer.deleted == 0


BAD: list[tuple[dict[str, Any], type[Exception], str]] = [
    ({"form": (5, 64, 1)}, DTypeError, "from_dlpack: Curta has no format for DLPack's complex64"),
    ({"form": (1, 128, 1)}, DTypeError, "from_dlpack: Curta has no format for DLPack's uint128"),
    ({"form": (2, 32, 4)}, DTypeError, "from_dlpack: Curta has no format for DLPack's float32x4"),
    ({"form": (77, 8, 1)}, DTypeError, "from_dlpack: Curta has no format for DLPack's kind 77 of 8"),
    ({"device": (2, 1)}, ExchangeError, "from_dlpack: kDLCUDA:1 is not the CPU's memory"),
    ({"device": (99, 0)}, ExchangeError, "from_dlpack: device type 99:0 is not the CPU's memory"),
    ({"version": (2, 0)}, ExchangeError, "from_dlpack: DLPack 2.0 is newer than version 1, spoken here"),
    ({"rank": -1}, ArgumentError, "from_dlpack: a tensor of -1 dimensions is not possible"),
    ({"rank": 1000}, ArgumentError, "from_dlpack: a tensor of 1000 dimensions is not possible"),
    ({"shape": [-2]}, ArgumentError, r"from_dlpack: a size is negative: \[-2\]"),
    ({"shape": [2], "with_data": False}, ArgumentError, r"from_dlpack: a tensor of shape \[2\] has no memory"),
    ({"strides": [-1]}, ArgumentError, "At least one stride in the given DLPack tensor is negative, and tensors with"),
]


@pytest.mark.parametrize(("options", "error", "message"), BAD)
def test_refused_capsules_stay_their_producers(options: dict[str, Any], error: type[Exception], message: str) -> None:
    producer = Producer(b"\0" * 32, **{"shape": [2], **options})
    capsule = producer.capsule()
    with pytest.raises(error, match=message):
        curta.from_dlpack(capsule)
    assert name_of(capsule) == producer.name.decode()  # not consumed: its own destructor will free it
    assert producer.deleted == 0


def test_devices_are_asked_first() -> None:
    class Elsewhere(OldProducer):
        def __dlpack_device__(self) -> tuple[int, int]:
            return 2, 3

    with pytest.raises(ExchangeError, match="from_dlpack: kDLCUDA:3 is not the CPU's memory"):
        curta.from_dlpack(Elsewhere(Producer(b"\0" * 8, [2])))


# who keeps what alive


def test_memory_lives_as_long_as_either_side_needs_it() -> None:
    before = curta.memory.memory_allocated()
    tensor = curta.full((1000,), 2.0)
    storage = weakref.ref(tensor.storage)
    array = np.from_dlpack(tensor)
    part = array[10:20]
    del tensor, array
    assert curta.memory.memory_allocated() == before + 4000
    assert part.tolist() == [2.0] * 10
    del part
    assert storage() is None
    assert curta.memory.memory_allocated() == before


def test_a_capsule_that_nobody_takes_frees_what_it_holds() -> None:
    before = curta.memory.memory_allocated()
    for version in (None, (1, 0)):
        capsule = curta.ones(1000).__dlpack__(max_version=version)
        assert curta.memory.memory_allocated() == before + 4000
        del capsule
        assert curta.memory.memory_allocated() == before


def test_an_array_is_kept_and_let_go() -> None:
    class Array(np.ndarray[Any, Any]):
        pass

    array = np.arange(5.0).view(Array)
    owner = weakref.ref(array)
    tensor = curta.from_dlpack(array)
    del array
    gc.collect()
    assert owner() is not None
    assert tensor.tolist() == [0.0, 1.0, 2.0, 3.0, 4.0]
    del tensor
    gc.collect()
    assert owner() is None


def test_ten_thousand_round_trips_leave_nothing() -> None:
    def trips(count: int) -> None:
        for _ in range(count):
            curta.from_dlpack(np.from_dlpack(tensor)).__dlpack__(max_version=(1, 0))
            curta.from_dlpack(curta.to_dlpack(tensor))

    tensor = curta.ones(64)
    trips(10)
    gc.collect()
    bytes_before, objects, references = curta.memory.memory_allocated(), len(gc.get_objects()), sys.getrefcount(tensor)
    blocks = sys.getallocatedblocks()
    trips(5000)
    gc.collect()
    assert curta.memory.memory_allocated() == bytes_before
    assert abs(len(gc.get_objects()) - objects) < 50
    assert sys.getrefcount(tensor) == references
    # a block for each trip would be 10,000; other tests' threads and caches move some hundred
    assert abs(sys.getallocatedblocks() - blocks) < 2500


def test_the_deleter_may_be_called_without_the_gil_by_any_thread() -> None:
    before = curta.memory.memory_allocated()
    taken = []
    for _ in range(40):
        capsule = curta.ones(100).__dlpack__(max_version=(1, 0))
        found = fields(capsule)
        name = ctypes.create_string_buffer(b"used_dltensor_versioned")
        ctypes.pythonapi.PyCapsule_SetName(ctypes.py_object(capsule), name)
        taken.append((found, capsule, name))  # the name must outlive the capsule
    assert curta.memory.memory_allocated() == before + 40 * 400

    def delete(part: list[Any]) -> None:
        for found, _, _ in part:
            DELETER(found["deleter"])(found["managed"])  # such a call gives the GIL up

    threads = [threading.Thread(target=delete, args=(taken[first::4],)) for first in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert curta.memory.memory_allocated() == before


AT_EXIT = """
import ctypes, curta, numpy as np
shared = np.from_dlpack(curta.ones(1000))
borrowed = curta.from_dlpack(np.ones(1000))
unused = curta.ones(10).__dlpack__()
capsule = curta.ones(1000).__dlpack__(max_version=(1, 0))
pointer = ctypes.pythonapi.PyCapsule_GetPointer
pointer.restype, pointer.argtypes = ctypes.c_void_p, (ctypes.py_object, ctypes.c_char_p)
managed = pointer(capsule, b"dltensor_versioned")
name = ctypes.create_string_buffer(b"used")
ctypes.pythonapi.Py_IncRef(ctypes.py_object(name))
ctypes.pythonapi.PyCapsule_SetName(ctypes.py_object(capsule), name)
deleter = ctypes.c_void_p.from_address(managed + 16)
# a library's own clean-up, which runs when the interpreter is gone
assert ctypes.CDLL(None).__cxa_atexit(deleter, ctypes.c_void_p(managed), None) == 0
class Last:
    def __init__(self): self.kept = (shared, borrowed, unused)
curta.last = Last()
print("done")
"""


def test_the_interpreter_may_end_while_memory_is_shared() -> None:
    ended = subprocess.run([sys.executable, "-c", AT_EXIT], capture_output=True, text=True, check=False)
    assert (ended.returncode, ended.stdout, ended.stderr) == (0, "done\n", "")
