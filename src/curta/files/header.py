"""The header of a safetensors file: names, formats, shapes and places of its tensors, all held against the file.

The format (https://github.com/huggingface/safetensors): the header's length as 8 bytes, little end first; the header,
JSON; the tensors' bytes one after the other, without holes.
"""

from __future__ import annotations

import json
from math import prod
from typing import Any, NamedTuple

from curta import dtypes
from curta.dtypes import DType
from curta.errors import FileFormatError, UnsupportedError
from curta.files.content import Content, shown

#: bytes; what is longer is refused before it is read
LIMIT = 100_000_000
METADATA = "__metadata__"

FORMATS: dict[str, DType] = {
    "BOOL": dtypes.bool_, "U8": dtypes.uint8, "I8": dtypes.int8, "I16": dtypes.int16, "I32": dtypes.int32,
    "I64": dtypes.int64, "F16": dtypes.float16, "BF16": dtypes.bfloat16, "F32": dtypes.float32, "F64": dtypes.float64,
    "U16": dtypes.uint16, "U32": dtypes.uint32, "U64": dtypes.uint64,
}  # fmt: skip
#: bits of one element of the formats that Curta does not have; a file's other tensors can be read
_OTHERS = {
    "C64": 64, "F8_E4M3": 8, "F8_E5M2": 8, "F8_E8M0": 8, "F8_E4M3FNUZ": 8,
    "F8_E5M2FNUZ": 8, "F6_E2M3": 6, "F6_E3M2": 6, "F4": 4,
}  # fmt: skip
_BITS = {name: dtype.itemsize * 8 for name, dtype in FORMATS.items()} | _OTHERS
_LARGEST = 2**63 - 1
_MOST_DIMS = 64
_FIELDS = {"dtype", "shape", "data_offsets"}


class Entry(NamedTuple):
    """One tensor: the name of its format in the file, its shape, and its bytes as places in the file."""

    format: str
    shape: tuple[int, ...]
    start: int
    stop: int

    def dtype(self, file: str, name: str) -> DType:
        """The format; UnsupportedError for one that Curta does not have."""
        if self.format not in FORMATS:
            raise UnsupportedError(f"{file}: tensor {shown(name)} is {self.format}, a format that Curta does not have")
        return FORMATS[self.format]


class Header(NamedTuple):
    """The tensors in the order in which the header names them, and the text beside them."""

    entries: dict[str, Entry]
    metadata: dict[str, str]


def read(content: Content) -> Header:
    """The header of a file; FileFormatError, in one line, for anything that is not as the format has it."""
    data_start, text = _text(content)
    fields = _parsed(content.name, text)
    metadata = fields.pop(METADATA, {})
    if not isinstance(metadata, dict) or not all(isinstance(value, str) for value in metadata.values()):
        raise FileFormatError(f"{content.name}: the metadata in its header is not an object of strings")
    entries = {name: _entry(content.name, name, found, data_start) for name, found in fields.items()}
    _check_places(content, entries, data_start)
    return Header(entries, metadata)


def _text(content: Content) -> tuple[int, bytes]:
    """Where the tensors begin, and the header's bytes."""
    if content.nbytes < 8:
        raise FileFormatError(f"{content.name}: is no safetensors file: it has only {content.nbytes} bytes")
    length = int.from_bytes(content.read(0, 8), "little")
    if length > LIMIT:
        raise FileFormatError(
            f"{content.name}: is no safetensors file: its header would have {length} bytes, above the limit of {LIMIT}"
        )
    if 8 + length > content.nbytes:
        raise FileFormatError(
            f"{content.name}: was cut short: its header has {length} bytes, the whole file {content.nbytes}"
        )
    return 8 + length, content.read(8, length)


def _parsed(file: str, text: bytes) -> dict[str, Any]:
    def unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for name, value in pairs:
            if name in found:
                raise FileFormatError(f"{file}: its header has the name {shown(name)} twice")
            if "\0" in name or any("\ud800" <= letter <= "\udfff" for letter in name):
                raise FileFormatError(f"{file}: its header has the name {shown(name)}, which is no text")
            found[name] = value
        return found

    def constant(name: str) -> Any:
        raise ValueError(f"{name} is no JSON")

    if not text.startswith(b"{"):
        raise FileFormatError(f"{file}: is no safetensors file: its header does not begin with a brace")
    try:
        # what begins with a brace is an object, or no JSON
        found: dict[str, Any] = json.loads(text.decode(), object_pairs_hook=unique, parse_constant=constant)
    except FileFormatError:
        raise
    except RecursionError:
        raise FileFormatError(f"{file}: its header is nested too deeply") from None
    except ValueError as error:  # also UnicodeDecodeError, and numbers of thousands of digits
        raise FileFormatError(f"{file}: its header is not valid JSON ({error})") from None
    return found


def _entry(file: str, name: str, found: Any, data_start: int) -> Entry:
    where = f"{file}: tensor {shown(name)}"
    if not isinstance(found, dict) or found.keys() != _FIELDS:
        raise FileFormatError(f"{where}: is not described by dtype, shape and data_offsets alone")
    form, shape, places = found["dtype"], found["shape"], found["data_offsets"]
    if not isinstance(form, str) or form not in _BITS:
        raise FileFormatError(f"{where}: has the unknown dtype {shown(form)}")
    if not _whole(shape) or len(shape) > _MOST_DIMS or prod(max(size, 1) for size in shape) > _LARGEST:
        raise FileFormatError(f"{where}: has the shape {shown(shape)}, which no tensor can have")
    if not _whole(places) or len(places) != 2 or places[0] > places[1]:
        raise FileFormatError(f"{where}: has the data_offsets {shown(places)}, which are no beginning and end")
    bits, (start, stop) = prod(shape) * _BITS[form], places
    if bits != 8 * (stop - start):
        raise FileFormatError(
            f"{where}: {form}{shown(shape)} takes {-(-bits // 8)} bytes, its data_offsets hold {stop - start}"
        )
    return Entry(form, tuple(shape), data_start + start, data_start + stop)


def _whole(values: Any) -> bool:
    """Whether it is a list of whole numbers from 0 to the largest of 64 bits."""
    return isinstance(values, list) and all(type(value) is int and 0 <= value <= _LARGEST for value in values)


def _check_places(content: Content, entries: dict[str, Entry], data_start: int) -> None:
    """The tensors fill the rest of the file, each byte once."""
    end = data_start
    for name, entry in sorted(entries.items(), key=lambda pair: (pair[1].start, pair[1].stop)):
        if entry.start != end:
            problem = "overlaps the one before it" if entry.start < end else "leaves a hole before it"
            raise FileFormatError(f"{content.name}: tensor {shown(name)} {problem}")
        end = entry.stop
        if end > content.nbytes:
            raise FileFormatError(
                f"{content.name}: was cut short: tensor {shown(name)} ends at byte {end}, the file at {content.nbytes}"
            )
    if end != content.nbytes:
        raise FileFormatError(f"{content.name}: has {content.nbytes - end} bytes that belong to no tensor")
