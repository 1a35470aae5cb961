"""Files of tensors in the safetensors format, read where they lie."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from typing import Any, Self

from curta.device import META, Device, resolve
from curta.errors import ArgumentError, ArgumentTypeError, UnsupportedError
from curta.files import header
from curta.files.atomic import replaced
from curta.files.content import Content, shown
from curta.functions import creation
from curta.host import raw_bytes
from curta.memory.layout import contiguous
from curta.tensor import Tensor

Path = str | os.PathLike[str]

#: the first tensor lies at a multiple of this many bytes, as vectors are loaded fastest
_ALIGNMENT = 64
_NAMES = {dtype: name for name, dtype in header.FORMATS.items()}


class SafeFile:
    """An open safetensors file, whose tensors are read one at a time; made by `safe_open`."""

    def __init__(self, path: Path, device: Device) -> None:
        name = os.fspath(path)
        with open(path, "rb") as file:
            self._content = Content.of(file, name)
        self._device = device
        self._header = header.read(self._content)

    def keys(self) -> list[str]:
        """The names of the tensors, in the order of the header."""
        return list(self._header.entries)

    def metadata(self) -> dict[str, str]:
        """The text that was saved beside the tensors."""
        return dict(self._header.metadata)

    def get_shape(self, name: str) -> tuple[int, ...]:
        """The shape of a tensor, without looking at it."""
        return self._entry(name).shape

    def get_tensor(self, name: str) -> Tensor:
        """One tensor; it outlives the open file. ArgumentError for a name that the file does not have."""
        entry = self._entry(name)
        dtype = entry.dtype(self._content.name, name)
        if self._device is META:
            return creation.empty(*entry.shape, dtype=dtype, device=META)
        nbytes = entry.stop - entry.start
        if dtype.category == 0:
            self._content.check_truth(entry.start, nbytes, f"tensor {shown(name)}")
        # a storage for each: a write into one tensor must not look to autograd like one into all
        storage = self._content.storage(entry.start, nbytes, dtype.itemsize)
        return Tensor._make(storage, contiguous(entry.shape, dtype), 0)

    def _entry(self, name: str) -> header.Entry:
        if name not in self._header.entries:
            raise ArgumentError(f"{self._content.name}: has no tensor {shown(name)}")
        return self._header.entries[name]

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        """Nothing to close: the file's memory goes with the last tensor that looks into it."""


def safe_open(filename: Path, framework: str = "pt", device: str | Device = "cpu") -> SafeFile:
    """A safetensors file of which single tensors can be read, by `get_tensor(name)`; its `keys()` and `metadata()`.

    What is said of `load_file` holds for each tensor. `framework` may be "pt" or "curta", which is the same.

    >>> import curta, tempfile
    >>> with tempfile.NamedTemporaryFile() as place:
    ...     curta.save_file({"weight": curta.ones(2), "bias": curta.zeros(1)}, place.name)
    ...     with safe_open(place.name, framework="pt") as file:
    ...         print(file.keys(), file.get_tensor("weight"))
    ['weight', 'bias'] tensor([1., 1.])
    """
    if framework not in ("pt", "curta"):
        raise UnsupportedError(f"safe_open: framework {framework!r} is not supported, 'pt' and 'curta' are")
    return SafeFile(filename, resolve(device))


def load_file(filename: Path, device: str | Device = "cpu") -> dict[str, Tensor]:
    """All tensors of a safetensors file by name; on "meta" their shapes and dtypes alone.

    The file is mapped, not read: tensors look into it, and take memory of their own only where they are written to.
    Writes stay in this process, the file does not change. It must not be shortened while a tensor is alive; to replace
    it, as `save_file` does, is harmless. A tensor that lies askew in the file is copied.

    Raises `FileFormatError` for a file that is not exactly as the format has it, `UnsupportedError` for formats of
    numbers that Curta does not have, OSError for a file that cannot be opened.

    >>> import curta, tempfile
    >>> with tempfile.NamedTemporaryFile() as place:
    ...     curta.save_file({"weight": curta.ones(2)}, place.name)
    ...     load_file(place.name)
    {'weight': tensor([1., 1.])}
    """
    file = SafeFile(filename, resolve(device))
    return {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - a file, not a dict


def load_metadata(filename: Path) -> dict[str, str]:
    """The text that a safetensors file holds beside its tensors; raises what `load_file` raises for its header.

    >>> import curta, tempfile
    >>> with tempfile.NamedTemporaryFile() as place:
    ...     curta.save_file({}, place.name, metadata={"licence": "MIT"})
    ...     load_metadata(place.name)
    {'licence': 'MIT'}
    """
    return SafeFile(filename, META).metadata()


def save_file(tensors: Mapping[str, Tensor], filename: Path, metadata: Mapping[str, str] | None = None) -> None:
    """Write tensors by name, and text beside them, as a safetensors file, which appears when it is complete.

    Elements are written in row-major order, whatever the strides; tensors that share memory are written once each.

    Raises `ArgumentTypeError` for what is no tensor or no text, `ArgumentError` for a name that the format does not
    allow, `NoDataError` for a tensor on the meta device, OSError where nothing can be written.

    >>> import curta, tempfile
    >>> with tempfile.NamedTemporaryFile() as place:
    ...     save_file({"weight": curta.ones(2, 3, dtype=curta.bfloat16)}, place.name)
    ...     curta.load_file(place.name)["weight"].dtype
    curta.bfloat16
    """
    _check_tensors(tensors)
    # wide elements first: then none lies askew
    order = sorted(tensors, key=lambda name: -tensors[name].layout.dtype.itemsize)
    places, end = {}, 0
    for name in order:
        places[name] = [end, end + tensors[name].layout.nbytes]
        end = places[name][1]
    described: dict[str, Any] = {} if metadata is None else {header.METADATA: _checked_metadata(metadata)}
    for name, tensor in tensors.items():
        layout = tensor.layout
        entry = {"dtype": _NAMES[layout.dtype], "shape": list(layout.shape), "data_offsets": places[name]}
        described[name] = entry
    text = json.dumps(described, ensure_ascii=False, separators=(",", ":")).encode()
    text += b" " * (-(8 + len(text)) % _ALIGNMENT)
    if len(text) > header.LIMIT:
        raise ArgumentError(f"save_file: the header has {len(text)} bytes, above the format's limit of {header.LIMIT}")
    with replaced(filename) as file:
        file.write(len(text).to_bytes(8, "little") + text)
        for name in order:
            whole = tensors[name].detach().contiguous()
            file.write(raw_bytes(whole, whole.offset * whole.layout.dtype.itemsize, whole.layout.nbytes))


def _check_tensors(tensors: Mapping[str, Tensor]) -> None:
    if not isinstance(tensors, Mapping):
        raise ArgumentTypeError(f"save_file: expected a dict of tensors, got {type(tensors).__name__}")
    for name, tensor in tensors.items():
        if not isinstance(name, str):
            raise ArgumentTypeError(f"save_file: names must be strings, got {type(name).__name__}")
        if name == header.METADATA or not _is_text(name):
            raise ArgumentError(f"save_file: no tensor can have the name {shown(name)}")
        if not isinstance(tensor, Tensor):
            raise ArgumentTypeError(f"save_file: {shown(name)} must be a tensor, got {type(tensor).__name__}")
        raw_bytes(tensor, 0, 0)  # what has no data is refused before anything is written


def _is_text(name: str) -> bool:
    return "\0" not in name and not any("\ud800" <= letter <= "\udfff" for letter in name)


def _checked_metadata(metadata: Mapping[str, str]) -> dict[str, str]:
    if not isinstance(metadata, Mapping):
        raise ArgumentTypeError(f"save_file: metadata must be a dict of strings, got {type(metadata).__name__}")
    for name, value in metadata.items():
        if not isinstance(name, str) or not isinstance(value, str):
            raise ArgumentTypeError(f"save_file: metadata must be strings by name, got {shown(name)}: {shown(value)}")
        if not _is_text(name) or any("\ud800" <= letter <= "\udfff" for letter in value):
            raise ArgumentError(f"save_file: metadata {shown(name)} is no text")
    return dict(metadata)
