"""`save` and `load`: a file that PyTorch 2.13 wrote, our own there and back, and files that mean harm."""

from __future__ import annotations

import gc
import io
import os
import pickle
import struct
import zipfile
from collections import OrderedDict
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import curta
from curta import nn
from curta.errors import (
    ArgumentError,
    ArgumentTypeError,
    CurtaError,
    DeviceError,
    DTypeError,
    FileFormatError,
    NoDataError,
    UnsupportedError,
)

THEIRS = Path(__file__).parent / "torch-2.13.pt"


def test_a_file_of_pytorchs() -> None:
    found = curta.load(THEIRS)
    for name, tensor in found["kinds"].items():
        assert tensor.dtype is getattr(curta, name)
        assert tensor.tolist() == [0, 1, 1]
    base = np.arange(12.0).reshape(3, 4)
    for name, wanted in (("base", base), ("turned", base.T), ("part", base[1:, ::2])):
        np.testing.assert_array_equal(found[name].numpy(), wanted)
    assert found["turned"].stride() == (1, 4)
    assert (found["wide"].stride(), found["wide"].tolist()) == ((0, 1), [[0, 1, 2, 3]] * 3)
    assert (found["scalar"].item(), tuple(found["empty"].shape)) == (7, (0, 3))
    assert isinstance(found["parameter"], nn.Parameter)
    assert (found["parameter"].tolist(), found["parameter"].requires_grad) == ([1.5, -2.5], True)
    assert found["again"] is found["parameter"]
    assert (found["grad"].requires_grad, found["base"].requires_grad) == (True, False)
    plain = [None, True, 1, -1, 2**40, 2.5, "ü", b"\xff", (1, (2,)), {1, 2}, (2, 3), curta.bfloat16]
    assert found["plain"] == [*plain, curta.device("cpu")]
    assert repr(found["plain"][10]) == "torch.Size([2, 3])"


def test_views_of_a_file_of_pytorchs_share_memory() -> None:
    before = THEIRS.read_bytes()
    found = curta.load(THEIRS)
    found["base"][1, 2] = 100.0
    assert (found["turned"][2, 1].item(), found["part"][0, 1].item()) == (100.0, 100.0)
    assert THEIRS.read_bytes() == before


def test_states_of_pytorchs_modules_and_optimizers() -> None:
    found = curta.load(THEIRS)
    layer = nn.BatchNorm1d(2)
    assert repr(layer.load_state_dict(found["state"])) == "<All keys matched successfully>"
    assert found["state"]._metadata == {"": {"version": 2}}
    optimizer = curta.optim.AdamW(nn.Linear(2, 1).parameters())
    optimizer.load_state_dict(found["optimizer"])
    assert optimizer.state_dict()["state"][0]["step"] == 1


def saved(value: Any) -> io.BytesIO:
    file = io.BytesIO()
    curta.save(value, file)
    return file


def test_there_and_back(tmp_path: Path) -> None:
    base = curta.arange(6.0).view(2, 3)
    parameter = nn.Parameter(curta.ones(2, dtype=curta.bfloat16), requires_grad=False)
    value: dict[Any, Any] = {
        "a": base, "b": base.t(), "p": parameter, "o": OrderedDict(x=[1, -1, 300, 2**70, -(2**31)]), ("k", 1): {2.5},
        "e": curta.zeros(0), "n": (None, False, "\ud800é", b"\0\xff", ()), "s": base.shape, "d": curta.int8,
        "w": base[:1].expand(4, 3), "m": curta.device("meta"), "long": "x" * 70000, "g": curta.ones(1).requires_grad_(),
    }  # fmt: skip
    value["self"] = value["o"]["loop"] = [value["o"]]
    curta.save(value, tmp_path / "a.pt")
    found = curta.load(tmp_path / "a.pt")
    assert list(found) == list(value)
    for name in ("n", ("k", 1), "s", "d", "m", "long"):
        assert found[name] == value[name]
    assert found["o"]["x"] == value["o"]["x"]
    assert found["self"] is found["o"]["loop"]
    assert found["self"][0] is found["o"]
    for name in ("a", "b", "p", "e", "w", "g"):
        assert curta.equal(found[name], value[name])
        assert found[name].stride() == value[name].stride()
        assert found[name].requires_grad == value[name].requires_grad
    assert found["a"].untyped_storage() is found["b"].untyped_storage()
    assert isinstance(found["p"], nn.Parameter)


def test_equal_values_make_equal_files_with_aligned_storages() -> None:
    value = {"a": curta.ones(3), "b": curta.zeros(5, dtype=curta.int8)}
    assert saved(value).getvalue() == saved(value).getvalue()
    with zipfile.ZipFile(saved(value)) as archive:
        assert archive.testzip() is None
        content = saved(value).getvalue()
        for info in archive.infolist():
            name, more = struct.unpack("<HH", content[info.header_offset + 26 : info.header_offset + 30])
            assert (info.header_offset + 30 + name + more) % 64 == 0


def test_more_than_a_byte_of_things(tmp_path: Path) -> None:
    value = [[number] for number in range(300)]
    assert curta.load(saved([value, value[299], value[3]])) == [value, value[299], value[3]]


def test_a_model_and_its_optimizer_go_on(tmp_path: Path) -> None:
    def made() -> tuple[Any, Any]:
        model = nn.Linear(2, 1)
        return model, curta.optim.AdamW(model.parameters(), lr=0.1)

    def step(model: Any, optimizer: Any) -> None:
        optimizer.zero_grad()
        model(curta.ones(1, 2)).sum().backward()
        optimizer.step()

    model, optimizer = made()
    step(model, optimizer)
    curta.save({"model": model.state_dict(), "optimizer": optimizer.state_dict()}, tmp_path / "a")
    other, other_optimizer = made()
    found = curta.load(tmp_path / "a")
    other.load_state_dict(found["model"])
    other_optimizer.load_state_dict(found["optimizer"])
    step(model, optimizer)
    step(other, other_optimizer)
    assert curta.equal(model.weight, other.weight)


def test_where_tensors_go(tmp_path: Path) -> None:
    curta.save({"a": curta.ones(2, 3), "b": curta.ones(2)}, tmp_path / "a")
    gc.collect()
    allocated = curta.memory.memory_allocated()
    mapped = curta.load(tmp_path / "a", map_location="cpu")
    assert curta.memory.memory_allocated() == allocated
    copied = curta.load(tmp_path / "a", mmap=False)
    assert curta.memory.memory_allocated() == allocated + 32
    assert curta.equal(mapped["a"], copied["a"])
    shapes = curta.load(tmp_path / "a", map_location=curta.device("meta"))
    assert (shapes["a"].is_meta, tuple(shapes["a"].shape)) == (True, (2, 3))
    with pytest.raises(AssertionError, match="not compiled with CUDA"):
        curta.load(tmp_path / "a", map_location="cuda")


# what is refused

GLOBALS = {"tensor": "torch._utils\n_rebuild_tensor_v2", "float": "torch\nFloatStorage", "bool": "torch\nBoolStorage"}


def archive_of(data: bytes, storage: bytes = bytes(16), more: dict[str, bytes] | None = None, kind: int = 0) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", kind) as archive:
        for name, content in {"data.pkl": data, "data/0": storage, **(more or {})}.items():
            archive.writestr(f"archive/{name}", content)
    return file.getvalue()


def stored(count: int = 4, key: str = "0", place: str = "cpu", kind: str = "torch\nFloatStorage") -> bytes:
    """The operations that leave a storage on the stack."""
    texts = [b"X" + struct.pack("<I", len(text)) + text.encode() for text in ("storage", key, place)]
    number = b"\x8a\x08" + struct.pack("<q", count)
    return b"(" + texts[0] + b"c" + kind.encode() + b"\n" + texts[1] + texts[2] + number + b"tQ"


def whole(number: int) -> bytes:
    return b"\x8a\x09" + number.to_bytes(9, "little", signed=True)


def tensor_of(
    storage: bytes = b"", offset: int = 0, size: tuple[int, ...] = (4,), stride: tuple[int, ...] = (1,),
    grad: bytes = b"\x89", hooks: bytes = b"ccollections\nOrderedDict\n)R", more: bytes = b"",
) -> bytes:  # fmt: skip
    """A pickle of one tensor."""
    sizes, strides = (b"(" + b"".join(map(whole, one)) + b"t" for one in (size, stride))
    parts = (storage or stored(), whole(offset), sizes, strides, grad, hooks, more)
    return b"\x80\x02ctorch._utils\n_rebuild_tensor_v2\n(" + b"".join(parts) + b"tR."


def untyped_of(kind: bytes) -> bytes:
    """A pickle of four numbers in a storage that says nothing of their format."""
    storage = stored(16, kind="torch.storage\nUntypedStorage")
    return tensor_of(storage, more=kind).replace(b"tensor_v2", b"tensor_v3")


def refused(content: bytes, error: type[CurtaError] = FileFormatError) -> str:
    with pytest.raises(error) as caught:
        curta.load(io.BytesIO(content))
    text = str(caught.value)
    assert "\n" not in text
    return text


def test_the_forged_tensor_is_one() -> None:
    assert curta.load(io.BytesIO(archive_of(tensor_of()))).tolist() == [0.0] * 4
    assert tuple(curta.load(io.BytesIO(archive_of(tensor_of(size=(0, 2), stride=(2, 1))))).shape) == (0, 2)


class Runs:
    def __init__(self, function: Any, *arguments: Any) -> None:
        self.call = function, arguments

    def __reduce__(self) -> Any:
        return self.call


@pytest.mark.parametrize("protocol", [2, 3, 4, 5])
@pytest.mark.parametrize(
    ("value", "name"),
    [
        (Runs(os.system, "echo run"), f"{os.system.__module__}.system"),
        (Runs(eval, "1"), "builtins.eval"),
        (Runs(getattr, "a", "b"), "builtins.getattr"),
        (io.BytesIO(b"x"), "_io.BytesIO"),
        (Path("a"), "pathlib"),
        (curta.Generator, "curta.random.Generator"),
    ],
    ids=lambda one: one if isinstance(one, str) else "",
)
def test_whatever_else_a_pickle_asks_for_is_named(
    value: Any, name: str, protocol: int, capfd: pytest.CaptureFixture[str]
) -> None:
    text = refused(archive_of(pickle.dumps({"a": value}, protocol)))
    assert text.startswith(f"the file: its pickle asks for {name}")
    assert text.endswith(": only tensors and plain containers are read")
    with pytest.raises(pickle.UnpicklingError):  # as PyTorch's own
        curta.load(io.BytesIO(archive_of(pickle.dumps(value, protocol))))
    assert capfd.readouterr().out == ""


ORDERED = b"ccollections\nOrderedDict\n)R"
DAMAGED: list[tuple[bytes, str]] = [
    (b"", "is damaged ('pickle exhausted before seeing STOP')"),
    (b"\x80\x02}", "is damaged ('pickle exhausted before seeing STOP')"),
    (b"\x80\x02.", "is damaged"),
    (b"NN.", "is damaged"),
    (b"(N.", "is damaged"),
    (b"\xff.", "is damaged (\"at position 0, opcode b'\\\\xff' unknown\")"),
    (b"a.", "is damaged: it takes more than it has made"),
    (b"N(a.", "is damaged: it takes more than it has made"),
    (b"t.", "is damaged: it takes more than it has made"),
    (b"q\0.", "is damaged: it takes more than it has made"),
    (b"h\0.", "is damaged: it looks for what it has not kept"),
    (b"j\xff\xff\xff\x7f.", "is damaged: it looks for what it has not kept"),
    (b"NNa.", "is damaged: it fills a NoneType where a list should be"),
    (b"](K", "is damaged ("),
    (b"}(Nu.", "has a key that is neither a number nor text"),
    (b"}](Nu.", "is damaged: it fills a list where a dict should be"),
    (b"}]Ns.", "has a key that is neither a number nor text"),
    (b"})\x85\x85Ns.", "has a key that is neither a number nor text"),
    (b"\x8f(]\x90.", "has an element of a set that is neither a number nor text"),
    (b"c__builtin__\nset\nN\x85R.", "has an element of a set that is neither a number nor text"),
    (b"NNR.", "is damaged: it calls what is no function"),
    (b"ctorch\nfloat32\n)R.", "is damaged: it calls what is no function"),
    (b"ctorch\nFloatStorage\n)R.", "is damaged: it calls what is no function"),
    (b"ctorch\nSize\n)R.", "is damaged: it calls torch.Size with 0 arguments"),
    (b"ctorch\nSize\nN\x85R.", "is damaged: a shape is no tuple of sizes"),
    (b"ctorch\ndevice\nN\x85R.", "is damaged: a device is no name"),
    (b"c_codecs\nencode\nNN\x86R.", "is damaged: bytes are no latin1"),
    (b"\x8c\x01aN\x93.", "is damaged: a name is no text"),
    (b"NQ.", "names no storage where one should be"),
    (stored(kind="torch\nSize") + b".", "names no storage where one should be"),
    (stored(count=-1) + b".", "names no storage where one should be"),
    (b"ctorch._utils\n_rebuild_tensor_v2\n(NNNNN" + ORDERED + b"tR.",
     "is damaged: a tensor is not made of a storage, a shape and strides"),
    (untyped_of(b"ctorch\nuint64\n"), "has a tensor that ends at byte 32 of a storage of 16"),
    (untyped_of(b"N"), "is damaged: a tensor is not made of a storage and a format without a storage of its own"),
    (untyped_of(b"ctorch\nfloat32\n"),
     "is damaged: a tensor is not made of a storage and a format without a storage of its own"),
    (tensor_of(size=(-4,)), "has a tensor of shape [-4] and strides [1], which none can have"),
    (tensor_of(size=(4, 1)), "has a tensor of shape [4, 1] and strides [1], which none can have"),
    (tensor_of(stride=(-1,)), "has a tensor of shape [4] and strides [-1], which none can have"),
    (tensor_of(offset=-1), "has a tensor of shape [4] and strides [1], which none can have"),
    (tensor_of(size=(2**63,), stride=(0,)), f"has a tensor of shape [{2**63}] and strides [0], which none can have"),
    (tensor_of(size=(1,) * 65, stride=(1,) * 65), "has a tensor of shape [1, 1, 1, 1,"),
    (tensor_of(offset=1), "has a tensor that ends at byte 20 of a storage of 16"),
    (tensor_of(offset=5, size=(0,)), "has a tensor that ends at byte 20 of a storage of 16"),
    (tensor_of(size=(2, 2), stride=(2**62, 1)), f"has a tensor that ends at byte {4 * (2**62 + 2)} of a storage of 16"),
    (tensor_of(size=(2**40, 2**40), stride=(0, 0)), "has a tensor that ends at byte 4 of a storage of 16"),
    (tensor_of(storage=stored(count=8)), "asks for 32 bytes of storage '0', which has 16"),
    (tensor_of(storage=stored(count=2**60)), f"asks for {2**62} bytes of storage '0', which has 16"),
    (tensor_of(storage=stored(16, kind="torch\nLongStorage")), "asks for 128 bytes of storage '0', which has 16"),
    (tensor_of(stored(2, kind="torch\nLongStorage"), size=(2,), grad=b"\x88"),
     "is damaged: a tensor of int64 cannot want a gradient"),
    (tensor_of(grad=b"N"), "is damaged: a tensor of float32 cannot want a gradient"),
    (tensor_of(hooks=b"}"), "asks for a tensor's hooks or metadata: only tensors and plain containers are read"),
    (tensor_of(hooks=stored()), "asks for a tensor's hooks or metadata: only tensors and plain containers are read"),
    (tensor_of(more=b"}(NNu"), "asks for a tensor's hooks or metadata: only tensors and plain containers are read"),
    (b"ctorch._utils\n_rebuild_parameter\nN\x89" + ORDERED + b"\x87R.",
     "is damaged: a parameter is no tensor, or has hooks"),
    (b"]" + stored() + b"a.", "asks for a storage by itself: only tensors and plain containers are read"),
    (b"ctorch\nSize\n.", "asks for torch.Size: only tensors and plain containers are read"),
    (tensor_of()[:-1] + b"}b.", "is damaged: it fills a Tensor where a OrderedDict should be"),
    (ORDERED + b"}X\x06\0\0\0__and_Nsb.", "asks for attributes: only tensors and plain containers are read"),
    (b"ccollections\nOrderedDict\n)\x81.",
     "asks for the operation NEWOBJ: only tensors and plain containers are read"),
    (b"ctorch\nfloat8_e5m2\n.", "asks for torch.float8_e5m2: only tensors and plain containers are read"),
    (b"c" + b"a" * 200 + b"\nb\n.", f"asks for {'a' * 80}'.."),
]  # fmt: skip


@pytest.mark.parametrize(("data", "message"), DAMAGED, ids=[str(number) for number in range(len(DAMAGED))])
def test_forged_pickles(data: bytes, message: str) -> None:
    assert refused(archive_of(data)).startswith(f"the file: its pickle {message}")


def test_deep_and_shared_nests_end() -> None:
    deep = b"\x80\x02N" + b"\x85" * 200_000
    assert curta.load(io.BytesIO(archive_of(deep + b"."))) is not None
    refused(archive_of(b"}" + deep[2:] + b"Ns."))
    doubled = b"N" + b"q\0h\0\x86" * 64
    refused(archive_of(b"}" + doubled + b"Ns."))
    refused(
        archive_of(b"ctorch._utils\n_rebuild_tensor_v2\n(" + stored() + b"K\0" + doubled + b")\x89" + ORDERED + b"tR.")
    )


def test_truth_values_of_other_bytes() -> None:
    data = tensor_of(stored(16, kind="torch\nBoolStorage"))
    assert refused(archive_of(data, b"\2" * 16)) == (
        "the file: storage '0' holds truth values that are neither 0 nor 1"
    )


def test_forged_archives() -> None:
    good = archive_of(tensor_of())
    assert refused(b"") == "the file: is no zip archive, or was cut short ('File is not a zip file')"
    assert refused(b"PK") == "the file: is no zip archive, or was cut short ('File is not a zip file')"
    bomb = archive_of(b"N" * 10_000_000, kind=zipfile.ZIP_DEFLATED)
    assert refused(bomb) == ("the file: entry 'archive/data.pkl' is compressed or encrypted, which PyTorch's never are")
    assert refused(archive_of(tensor_of(stored(key="1")))) == "the file: has no entry 'data/1'"
    assert refused(archive_of(b"N.", more={"x/data.pkl": b""})).endswith("the archive has 2 data.pkl")
    text = refused(archive_of(b"N.", more={"byteorder": b"big"}), UnsupportedError)
    assert text == "the file: numbers are stored a bytes end first, which is not supported"
    older = b"\x80\x02\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19.\x80\x02M\xe9\x03."
    assert refused(older, UnsupportedError) == (
        "the file: is in the format of PyTorch before 1.6: load it there, and save it again"
    )
    flipped = bytearray(good)
    flipped[good.index(b"_rebuild")] ^= 1
    assert refused(bytes(flipped)) == "the file: entry 'data.pkl' is damaged: its checksum is another"
    for at, value in ((26, 0xFFFF), (0, 0)):  # the length of the first entry's name; its signature
        moved = bytearray(good)
        struct.pack_into("<H", moved, at, value)
        assert refused(bytes(moved)) == "the file: entry 'archive/data.pkl' is not where the archive says it is"


def test_entries_that_overlap() -> None:
    good = bytearray(archive_of(b"N.", storage=bytes(200)))
    second = good.rindex(b"PK\1\2")
    struct.pack_into("<I", good, second + 42, 0)  # the second entry begins where the first does
    assert "is there twice or overlaps another" in refused(bytes(good))


def test_devices_that_are_not_there() -> None:
    content = archive_of(tensor_of(stored(place="cuda:0")))
    name = b"X" + struct.pack("<I", 300) + b"c\n" * 150
    message = refused(archive_of(b"ctorch\ndevice\n" + name + b"\x85R."), DeviceError)
    assert message.startswith("the file: names a device 'c\\nc\\n")
    assert message.endswith("..., which Curta does not know")
    assert "\n" not in message
    text = 'the file: has tensors on cuda:0, which is not there: give map_location="cpu"'
    assert refused(content, DeviceError) == text
    seen = []

    def keep(storage: Any, place: str) -> Any:
        seen.append((storage.nbytes, place))
        return storage

    for wanted in ("cpu", {"cuda:0": "cpu"}, keep):
        assert curta.load(io.BytesIO(content), map_location=wanted).tolist() == [0.0] * 4
    assert seen == [(16, "cuda:0")]
    assert curta.load(io.BytesIO(content), map_location={"cuda:0": "meta"}).is_meta
    for unhelpful in ({}, {"cuda:1": "cpu"}, lambda storage, place: None):
        with pytest.raises(DeviceError, match=text):
            curta.load(io.BytesIO(content), map_location=unhelpful)  # type: ignore[arg-type]


UNSAVED: list[tuple[Any, type[CurtaError], str]] = [
    (object(), ArgumentTypeError, "save: neither a tensor nor a plain container: object"),
    (nn.Linear(1, 1), ArgumentTypeError,
     "save: neither a tensor nor a plain container: Linear, whose state_dict() is"),
    ([np.ones(1)], ArgumentTypeError, "save: neither a tensor nor a plain container: ndarray"),
    ({((1,),): 1}, ArgumentTypeError, "save: neither a number nor text, as keys and elements of sets must be: tuple"),
    ({curta.bool}, ArgumentTypeError, "save: neither a number nor text, as keys and elements of sets must be: DType"),
    (2**2040, ArgumentError, "save: a whole number of 256 bytes is too large, 255 are the most"),
    (curta.ones(1, device="meta"), NoDataError, "Cannot copy out of meta tensor; no data!"),
]  # fmt: skip


@pytest.mark.parametrize(("value", "error", "message"), UNSAVED, ids=[one[2] for one in UNSAVED])
def test_what_is_not_saved(tmp_path: Path, value: Any, error: type[CurtaError], message: str) -> None:
    with pytest.raises(error) as caught:
        curta.save(value, tmp_path / "a")
    assert type(caught.value) is error
    assert str(caught.value) == message
    assert list(tmp_path.iterdir()) == []


def test_nests_without_end_are_not_saved() -> None:
    value: Any = []
    for _ in range(100_000):
        value = [value]
    with pytest.raises(ArgumentError, match="save: containers are nested too deeply"):
        saved(value)


def test_one_storage_in_two_formats_is_not_saved() -> None:
    a = curta.ones(4)
    b = curta.ones(1, dtype=curta.int32)
    b.storage = a.storage
    with pytest.raises(DTypeError, match="Cannot save multiple tensors or storages that view the same data as differ"):
        saved([a, b])


def test_arguments(tmp_path: Path) -> None:
    with pytest.raises(UnsupportedError, match="save: pickle_module and other protocols than 2 are not supported"):
        curta.save(1, tmp_path / "a", pickle_protocol=4)
    with pytest.raises(ArgumentTypeError, match="save: expected a path or an open file, got int"):
        curta.save(1, 3)  # type: ignore[arg-type]
    with pytest.raises(ArgumentTypeError, match="load: expected a path or an open file, got int"):
        curta.load(3)  # type: ignore[arg-type]
    with pytest.raises(UnsupportedError, match="load: only weights_only=True is supported: nothing that a file holds"):
        curta.load(THEIRS, weights_only=False)
    with pytest.raises(ArgumentTypeError, match="load: map_location must be a device, a dict or a function, got int"):
        curta.load(THEIRS, map_location=3)  # type: ignore[arg-type]
    with pytest.raises(UnsupportedError, match="may give back the storage that it is given, or None, got str"):
        curta.load(THEIRS, map_location=lambda storage, place: place)
    with pytest.raises(ArgumentTypeError, match="load: f must be a path where mmap=True is asked for"):
        curta.load(saved(1), mmap=True)
    with pytest.raises(FileNotFoundError):
        curta.load(tmp_path / "none")


SAMPLE = THEIRS.read_bytes()
OURS = saved({"a": curta.arange(6.0).view(2, 3).t(), "b": [curta.ones(2, dtype=curta.bool), "x", {1: 2.5}]}).getvalue()
PICKLED = archive_of(b"")


def test_every_truncation_is_refused() -> None:
    for content in (OURS, SAMPLE):
        for length in range(0, len(content), max(1, len(content) // 300)):
            refused(content[:length], CurtaError)


@settings(max_examples=150, deadline=None)
@given(place=st.integers(0, len(OURS) - 1), value=st.binary(max_size=3), cut=st.integers(0, 3))
def test_mutated_archives(place: int, value: bytes, cut: int) -> None:
    try:
        found = curta.load(io.BytesIO(OURS[:place] + value + OURS[place + cut :]))
    except CurtaError as error:
        refusal = str(error)
    else:
        repr(found)
        return
    assert "\n" not in refusal


with zipfile.ZipFile(io.BytesIO(SAMPLE)) as sample:
    SAMPLE_PICKLE = sample.read("torch-2.13/data.pkl")
    STORAGES = {name.removeprefix("torch-2.13/"): sample.read(name) for name in sample.namelist() if "/data/" in name}


def test_texts_of_the_oldest_protocol_are_refused_without_a_warning() -> None:
    with pytest.raises(pickle.UnpicklingError, match="asks for the operation STRING"):
        curta.load(io.BytesIO(archive_of(b"S'\\o'\n.", STORAGES["data/0"], STORAGES)))


@settings(max_examples=200, deadline=None)
@given(changes=st.lists(st.tuples(st.integers(0, len(SAMPLE_PICKLE) - 1), st.integers(0, 255)), min_size=1, max_size=3))
def test_mutated_pickles(changes: list[tuple[int, int]]) -> None:
    data = bytearray(SAMPLE_PICKLE)
    for place, value in changes:
        data[place] = value
    try:
        found = curta.load(io.BytesIO(archive_of(bytes(data), STORAGES["data/0"], STORAGES)))
    except CurtaError as error:
        refusal = str(error)
    else:
        assert found is not None
        return
    assert "\n" not in refusal
