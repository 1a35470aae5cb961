"""safetensors files: against the format's own package, byte by byte, and against files that are not what they say."""

from __future__ import annotations

import gc
import json
import os
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import ml_dtypes
import numpy as np
import pytest
import safetensors
import safetensors.numpy
from hypothesis import given, settings
from hypothesis import strategies as st

import curta
from curta.errors import ArgumentError, ArgumentTypeError, CurtaError, FileFormatError, NoDataError, UnsupportedError

DTYPES = [curta.bool, curta.uint8, curta.int8, curta.int16, curta.int32, curta.int64, curta.float16, curta.bfloat16,
          curta.float32, curta.float64, curta.uint16, curta.uint32, curta.uint64]  # fmt: skip


def bits(tensor: Any) -> Any:
    """A tensor as an array; bfloat16 as float32, which holds the same numbers."""
    return tensor.float().numpy().astype(ml_dtypes.bfloat16) if tensor.dtype is curta.bfloat16 else tensor.numpy()


def arrays() -> dict[str, Any]:
    random = np.random.default_rng(0)
    found: dict[str, Any] = {}
    for dtype in DTYPES:
        values = random.integers(0, 2, (3, 5)) if dtype is curta.bool else random.integers(0, 100, (3, 5))
        found[dtype.name] = values.astype(ml_dtypes.bfloat16 if dtype is curta.bfloat16 else dtype.name)
    return found | {
        "scalar": np.array(1.5, np.float32),
        "empty": np.zeros((0, 4), np.float32),
        "ünï.çode\n": np.ones(1),
    }


def file_of(path: Path, header: Any, data: bytes = b"", length: int | None = None) -> Path:
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    path.write_bytes(struct.pack("<Q", len(text) if length is None else length) + text + data)
    return path


def entry(dtype: Any = "F32", shape: Any = (2,), places: Any = (0, 8), **more: Any) -> dict[str, Any]:
    return {"dtype": dtype, "shape": shape, "data_offsets": places, **more}


def test_files_of_the_formats_own_package_load_here(tmp_path: Path) -> None:
    path = tmp_path / "theirs.safetensors"
    wanted = arrays()
    safetensors.numpy.save_file(wanted, path, metadata={"who": "them"})
    found = curta.load_file(path)
    assert found.keys() == wanted.keys()
    for name, tensor in found.items():
        array = wanted[name]
        assert tuple(tensor.shape) == array.shape
        assert tensor.dtype.numpy == array.dtype
        assert bits(tensor).tobytes() == array.tobytes()
    assert curta.load_metadata(path) == {"who": "them"}


def test_our_files_load_in_the_formats_own_package(tmp_path: Path) -> None:
    path = tmp_path / "ours.safetensors"
    wanted = arrays()
    tensors = {name: curta.from_numpy(array) for name, array in wanted.items()}
    curta.save_file(tensors, path, metadata={"who": "we"})
    found = safetensors.numpy.load_file(path)
    assert found.keys() == wanted.keys()
    for name, array in wanted.items():
        assert found[name].dtype == array.dtype
        assert found[name].shape == array.shape
        assert found[name].tobytes() == array.tobytes()
    with safetensors.safe_open(path, framework="numpy") as file:
        assert file.metadata() == {"who": "we"}
    assert list(curta.load_file(path)) == list(wanted)  # in the order that they were given in


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
def test_strided_tensors_are_written_row_by_row(tmp_path: Path, dtype: Any) -> None:
    whole = curta.arange(24).remainder(2).to(dtype).view(4, 6)
    views = {"turned": whole.t(), "part": whole[1:, ::2], "wide": whole[:1].expand(3, 6)}
    curta.save_file(views, tmp_path / "a")
    for name, tensor in curta.load_file(tmp_path / "a").items():
        assert tensor.dtype is dtype
        assert tensor.is_contiguous()
        assert curta.equal(tensor, views[name])


def test_parameters_and_no_tensors_at_all(tmp_path: Path) -> None:
    curta.save_file(curta.nn.Linear(2, 3).state_dict(keep_vars=True), tmp_path / "a")
    assert [tuple(one.shape) for one in curta.load_file(tmp_path / "a").values()] == [(3, 2), (3,)]
    curta.save_file({}, tmp_path / "b")
    assert (curta.load_file(tmp_path / "b"), curta.load_metadata(tmp_path / "b")) == ({}, {})
    assert safetensors.numpy.load_file(tmp_path / "b") == {}


def test_tensors_look_into_the_file_and_writes_stay_here(tmp_path: Path) -> None:
    path = tmp_path / "a"
    curta.save_file({"a": curta.ones(1 << 16), "b": curta.zeros(3)}, path)
    before = path.read_bytes()
    gc.collect()
    allocated = curta.memory.memory_allocated()
    first, second = curta.load_file(path), curta.load_file(path)
    assert curta.memory.memory_allocated() == allocated
    first["a"].mul_(2.0)
    first["b"][1] = 5.0
    assert first["a"].sum().item() == 2 << 16
    assert first["b"].tolist() == [0.0, 5.0, 0.0]
    assert second["a"].sum().item() == 1 << 16
    assert path.read_bytes() == before


def test_the_map_lives_as_long_as_a_tensor(tmp_path: Path) -> None:
    path = tmp_path / "a"
    curta.save_file({"a": curta.arange(5000.0), "b": curta.ones(2)}, path)
    tail = curta.load_file(path)["a"][4998:]
    gc.collect()
    curta.save_file({"other": curta.zeros(10000)}, path)  # replaced, not overwritten
    assert tail.tolist() == [4998.0, 4999.0]
    path.unlink()
    assert (tail + 1).tolist() == [4999.0, 5000.0]


def test_a_write_into_one_tensor_is_none_into_another(tmp_path: Path) -> None:
    curta.save_file({"a": curta.ones(2), "b": curta.full((2,), 3.0)}, tmp_path / "a")
    loaded = curta.load_file(tmp_path / "a")
    a, b = loaded["a"].requires_grad_(), loaded["b"]
    product = a * b
    with curta.no_grad():
        loaded["a"].detach().add_(1.0)
    assert b.untyped_storage().size() == 8
    product.sum().backward()  # which reads b alone
    assert a.grad is not None
    assert a.grad.tolist() == [3.0, 3.0]


def test_single_tensors(tmp_path: Path) -> None:
    curta.save_file({"a": curta.ones(2, 3), "b": curta.zeros(1)}, tmp_path / "a", metadata={"x": "y"})
    with curta.safe_open(tmp_path / "a", framework="pt", device="cpu") as file:
        assert file.keys() == ["a", "b"]
        assert file.metadata() == {"x": "y"}
        assert file.get_shape("a") == (2, 3)
        a = file.get_tensor("a")
        with pytest.raises(ArgumentError, match="a: has no tensor 'c'"):
            file.get_tensor("c")
    assert a.sum().item() == 6
    with pytest.raises(UnsupportedError, match="framework 'tf' is not supported, 'pt' and 'curta' are"):
        curta.safe_open(tmp_path / "a", "tf")


def test_on_the_meta_device_there_are_shapes_alone(tmp_path: Path) -> None:
    curta.save_file({"a": curta.ones(2, 3, dtype=curta.bfloat16)}, tmp_path / "a")
    found = curta.load_file(tmp_path / "a", device="meta")["a"]
    assert (found.is_meta, tuple(found.shape), found.dtype) == (True, (2, 3), curta.bfloat16)


def test_tensors_that_lie_askew_are_copied(tmp_path: Path) -> None:
    data = b"\1" + struct.pack("<2f", 1.5, 2.5)
    path = file_of(tmp_path / "a", {"a": entry("U8", [1], [0, 1]), "b": entry("F32", [2], [1, 9])}, data)
    found = curta.load_file(path)
    assert found["b"].data_ptr() % 4 == 0
    assert found["b"].tolist() == [1.5, 2.5]


def header_cases() -> list[tuple[bytes, str]]:
    def packed(header: Any, data: bytes = b"", length: int | None = None) -> bytes:
        text = header if isinstance(header, bytes) else json.dumps(header).encode()
        return struct.pack("<Q", len(text) if length is None else length) + text + data

    eight, one = bytes(8), json.dumps(entry()).encode()
    large, many = 2**62, [1] * 65
    return [
        (b"", "is no safetensors file: it has only 0 bytes"),
        (b"\0" * 7, "is no safetensors file: it has only 7 bytes"),
        (packed(b"{}", length=100_000_001),
         "is no safetensors file: its header would have 100000001 bytes, above the limit of 100000000"),
        (b"\xff" * 8, f"is no safetensors file: its header would have {2**64 - 1} bytes, above the limit of 100000000"),
        (packed(b"{}", length=3), "was cut short: its header has 3 bytes, the whole file 10"),
        (packed(b""), "is no safetensors file: its header does not begin with a brace"),
        (packed(b"[]"), "is no safetensors file: its header does not begin with a brace"),
        (packed(b"{"), "its header is not valid JSON (Expecting property name enclosed in double quotes: line 1 colu"),
        (packed(b"{}\0\0"), "its header is not valid JSON (Extra data: line 1 column 3 (char 2))"),
        (packed(b'{"\xff": 1}'), "its header is not valid JSON ('utf-8' codec can't decode byte 0xff in position 2"),
        (packed(b'{"a": NaN}'), "its header is not valid JSON (NaN is no JSON)"),
        (packed(b'{"a": ' + b"9" * 5000 + b"}"), "its header is not valid JSON (Exceeds the limit"),
        (packed(b'{"a":' * 100_000 + b"1" + b"}" * 100_000), "its header is nested too deeply"),
        (packed(b'{"a":' + one + b',"a":' + one + b"}", eight), "its header has the name 'a' twice"),
        (packed(b'{"a":{"dtype":"F32","dtype":"F32"}}'), "its header has the name 'dtype' twice"),
        (packed({"a\0": entry()}, eight), "its header has the name 'a\\x00', which is no text"),
        (packed(b'{"\\ud800": 1}'), "its header has the name '\\ud800', which is no text"),
        (packed({"__metadata__": []}), "the metadata in its header is not an object of strings"),
        (packed({"__metadata__": {"a": 1}}), "the metadata in its header is not an object of strings"),
        (packed({"a": 1}), "tensor 'a': is not described by dtype, shape and data_offsets alone"),
        (packed({"a": {"dtype": "F32", "shape": []}}),
         "tensor 'a': is not described by dtype, shape and data_offsets alone"),
        (packed({"a": entry(more=1)}, eight), "tensor 'a': is not described by dtype, shape and data_offsets alone"),
        (packed({"a": entry("F31")}, eight), "tensor 'a': has the unknown dtype 'F31'"),
        (packed({"a": entry(["F32"])}, eight), "tensor 'a': has the unknown dtype ['F32']"),
        (packed({"a": entry("F" * 100)}, eight), f"tensor 'a': has the unknown dtype '{'F' * 80}'..."),
        (packed({"a": entry(shape=[-2])}, eight), "tensor 'a': has the shape [-2], which no tensor can have"),
        (packed({"a": entry(shape=[2.0])}, eight), "tensor 'a': has the shape [2.0], which no tensor can have"),
        (packed({"a": entry(shape=[True])}, eight), "tensor 'a': has the shape [True], which no tensor can have"),
        (packed({"a": entry(shape=2)}, eight), "tensor 'a': has the shape 2, which no tensor can have"),
        (packed({"a": entry(shape=[0, large, 2], places=[0, 0])}),
         f"tensor 'a': has the shape [0, {large}, 2], which no tensor can have"),
        (packed({"a": entry(shape=[2**64], places=[0, 0])}),
         f"tensor 'a': has the shape [{2**64}], which no tensor can have"),
        (packed({"a": entry(shape=many)}, eight), f"tensor 'a': has the shape {many}, which no tensor can have"),
        (packed({"a": entry(places=[8, 0])}, eight),
         "tensor 'a': has the data_offsets [8, 0], which are no beginning and end"),
        (packed({"a": entry(places=[0, 8, 8])}, eight),
         "tensor 'a': has the data_offsets [0, 8, 8], which are no beginning and end"),
        (packed({"a": entry(places=[-8, 0])}, eight),
         "tensor 'a': has the data_offsets [-8, 0], which are no beginning and end"),
        (packed({"a": entry(places=[0, 4])}, eight), "tensor 'a': F32[2] takes 8 bytes, its data_offsets hold 4"),
        (packed({"a": entry(shape=[large])}, eight),
         f"tensor 'a': F32[{large}] takes {4 * large} bytes, its data_offsets hold 8"),
        (packed({"a": entry("F4", [3], [0, 1])}, eight), "tensor 'a': F4[3] takes 2 bytes, its data_offsets hold 1"),
        (packed({"a": entry()}, bytes(7)), "was cut short: tensor 'a' ends at byte "),
        (packed({"a": entry(shape=[2**60], places=[0, 2**62])}), "was cut short: tensor 'a' ends at byte "),
        (packed({"a": entry(), "b": entry(places=[4, 12])}, bytes(12)), "tensor 'b' overlaps the one before it"),
        (packed({"a": entry(), "b": entry()}, eight), "tensor 'b' overlaps the one before it"),
        (packed({"a": entry(), "b": entry(places=[12, 20])}, bytes(20)), "tensor 'b' leaves a hole before it"),
        (packed({"a": entry(places=[8, 16])}, bytes(16)), "tensor 'a' leaves a hole before it"),
        (packed({"a": entry()}, bytes(9)), "has 1 bytes that belong to no tensor"),
        (packed({"a": entry("BOOL", [3], [0, 3])}, b"\1\2\0"),
         "tensor 'a' holds truth values that are neither 0 nor 1"),
    ]  # fmt: skip


@pytest.mark.parametrize(("content", "message"), header_cases(), ids=[one[1][:60] for one in header_cases()])
def test_what_is_no_such_file_is_refused_in_one_line(tmp_path: Path, content: bytes, message: str) -> None:
    path = tmp_path / "a"
    path.write_bytes(content)
    with pytest.raises(FileFormatError) as caught:
        curta.load_file(path)
    assert isinstance(caught.value, ValueError)
    assert str(caught.value).startswith(f"{path}: {message}")
    assert "\n" not in str(caught.value)


def test_formats_that_curta_lacks_spare_the_other_tensors(tmp_path: Path) -> None:
    header = {"a": entry("F8_E4M3", [8], [0, 8]), "b": entry("F32", [2], [8, 16])}
    path = file_of(tmp_path / "a", header, bytes(16))
    with curta.safe_open(path) as file:
        assert file.get_tensor("b").tolist() == [0.0, 0.0]
    with pytest.raises(UnsupportedError, match="tensor 'a' is F8_E4M3, a format that Curta does not have"):
        curta.load_file(path)


def test_no_file_and_no_place(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        curta.load_file(tmp_path / "none")
    with pytest.raises(FileNotFoundError):
        curta.save_file({}, tmp_path / "none" / "a")
    with pytest.raises(ArgumentError, match="is no regular file"):
        curta.save_file({}, tmp_path)
    with pytest.raises(ArgumentError, match="/dev/null: is no regular file"):
        curta.save_file({}, "/dev/null")


META = curta.ones(2, device="meta")
UNSAVED: list[tuple[Callable[[Path], Any], type[CurtaError], str]] = [
    (lambda path: curta.save_file([curta.ones(1)], path), ArgumentTypeError,  # type: ignore[arg-type]
     "save_file: expected a dict of tensors, got list"),
    (lambda path: curta.save_file({1: curta.ones(1)}, path), ArgumentTypeError,  # type: ignore[dict-item]
     "save_file: names must be strings, got int"),
    (lambda path: curta.save_file({"a": 1.0}, path), ArgumentTypeError,  # type: ignore[dict-item]
     "save_file: 'a' must be a tensor, got float"),
    (lambda path: curta.save_file({"__metadata__": curta.ones(1)}, path), ArgumentError,
     "save_file: no tensor can have the name '__metadata__'"),
    (lambda path: curta.save_file({"a\0": curta.ones(1)}, path), ArgumentError,
     "save_file: no tensor can have the name 'a\\x00'"),
    (lambda path: curta.save_file({"\ud800": curta.ones(1)}, path), ArgumentError,
     "save_file: no tensor can have the name '\\ud800'"),
    (lambda path: curta.save_file({"a": META}, path), NoDataError, "Cannot copy out of meta tensor; no data!"),
    (lambda path: curta.save_file({}, path, metadata=["x"]), ArgumentTypeError,  # type: ignore[arg-type]
     "save_file: metadata must be a dict of strings, got list"),
    (lambda path: curta.save_file({}, path, metadata={"a": 1}), ArgumentTypeError,  # type: ignore[dict-item]
     "save_file: metadata must be strings by name, got 'a': 1"),
    (lambda path: curta.save_file({}, path, metadata={"a": "\ud800"}), ArgumentError,
     "save_file: metadata 'a' is no text"),
]  # fmt: skip


@pytest.mark.parametrize(("call", "error", "message"), UNSAVED, ids=[one[2] for one in UNSAVED])
def test_what_is_not_saved(tmp_path: Path, call: Any, error: type[CurtaError], message: str) -> None:
    path = tmp_path / "a"
    path.write_bytes(b"old")
    with pytest.raises(error) as caught:
        call(path)
    assert type(caught.value) is error
    assert str(caught.value) == message
    assert path.read_bytes() == b"old"
    assert os.listdir(tmp_path) == ["a"]


def test_a_header_above_the_limit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("curta.files.header.LIMIT", 100)
    curta.save_file({}, tmp_path / "a", metadata={"a": "x" * 10})
    with pytest.raises(ArgumentError, match="save_file: the header has 120 bytes, above the format's limit of 100"):
        curta.save_file({}, tmp_path / "a", metadata={"a": "x" * 70})


def test_a_write_that_fails_leaves_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a"
    curta.save_file({"a": curta.ones(1)}, path)

    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space left"):
        curta.save_file({"a": curta.zeros(1)}, path)
    assert curta.load_file(path)["a"].item() == 1.0
    assert os.listdir(tmp_path) == ["a"]


def test_a_link_stays_one(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(tmp_path / "target")
    curta.save_file({"a": curta.ones(1)}, tmp_path / "link")
    assert (tmp_path / "link").is_symlink()
    assert curta.load_file(tmp_path / "target")["a"].item() == 1.0


SAMPLE = safetensors.numpy.save(
    {"weight": np.arange(6, dtype=np.float32).reshape(2, 3), "mask": np.ones(3, np.bool_), "n": np.zeros((), np.int64)},
    metadata={"a": "b"},
)


def loads_as_the_package_does_or_is_refused(path: Path, content: bytes) -> None:
    path.write_bytes(content)
    try:
        found = curta.load_file(path)
    except (FileFormatError, UnsupportedError):
        return
    theirs = safetensors.numpy.load(content)
    assert found.keys() == theirs.keys()
    for name, tensor in found.items():
        assert bits(tensor).tobytes() == theirs[name].tobytes()


@settings(max_examples=150, deadline=None)
@given(
    place=st.integers(0, len(SAMPLE) - 1), value=st.binary(max_size=3), cut=st.integers(0, 3), seed=st.integers(0, 9)
)
def test_mutated_files(tmp_path_factory: pytest.TempPathFactory, place: int, value: bytes, cut: int, seed: int) -> None:
    path = tmp_path_factory.getbasetemp() / f"fuzz-{os.getpid()}"
    place = place if seed else place % 300  # most of what matters is in the header
    loads_as_the_package_does_or_is_refused(path, SAMPLE[:place] + value + SAMPLE[place + cut :])


def test_every_truncation_is_refused(tmp_path: Path) -> None:
    for length in range(len(SAMPLE)):
        (tmp_path / "a").write_bytes(SAMPLE[:length])
        with pytest.raises(FileFormatError):
            curta.load_file(tmp_path / "a")


FIELD = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.floats() | st.text(max_size=4),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=6,
)
SIZES = st.lists(st.sampled_from([0, 1, 2, 3, 4, 8, 2**33, 2**63]), max_size=3)
NAMES = st.sampled_from(["F32", "I64", "U8", "BOOL", "BF16", "F8_E5M2", "F4", "X", ""])
ENTRIES = st.fixed_dictionaries({"dtype": NAMES | FIELD, "shape": SIZES | FIELD, "data_offsets": SIZES | FIELD}) | FIELD


@settings(max_examples=150, deadline=None)
@given(header=st.dictionaries(st.sampled_from(["a", "b", "__metadata__"]), ENTRIES), data=st.binary(max_size=16))
def test_invented_headers(tmp_path_factory: pytest.TempPathFactory, header: Any, data: bytes) -> None:
    path = tmp_path_factory.getbasetemp() / f"fuzz-{os.getpid()}"
    text = json.dumps(header).encode()
    loads_as_the_package_does_or_is_refused(path, struct.pack("<Q", len(text)) + text + data)


def test_the_file_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    wanted = tmp_path / "none" / "weights"
    for write in (lambda: curta.save_file({}, wanted), lambda: curta.save({}, wanted)):
        with pytest.raises(FileNotFoundError) as caught:
            write()
        assert caught.value.filename == str(wanted)
