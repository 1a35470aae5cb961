"""The zip archives that PyTorch's `save` writes: nothing in them is compressed, so their bytes can be mapped."""

from __future__ import annotations

import struct
import zipfile
import zlib
from collections.abc import Iterator
from typing import IO, NamedTuple

from curta.errors import FileFormatError, UnsupportedError
from curta.files.content import Content, shown

#: what PyTorch wrote until version 1.5 begins with: a pickle of this number
_OLDER = b"\x80\x02\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19"
_PICKLE = "/data.pkl"
_LOCAL = struct.Struct("<4s22xHH")  # a signature, and the lengths of a name and of what follows it
_ALIGNMENT = 64
#: how many bytes zipfile adds to a local header for an entry too large for 32 bits
_LARGE = 20
_PADDING = b"FB"  # PyTorch's own name for the field that moves an entry's bytes to a multiple of 64
_ERRORS = (zipfile.BadZipFile, NotImplementedError, RuntimeError, OSError, ValueError, EOFError, struct.error,
           OverflowError, IndexError, KeyError)  # fmt: skip


class Record(NamedTuple):
    """One entry of an archive: its bytes as a place in the file."""

    start: int
    nbytes: int
    crc: int


class Archive:
    """An archive's entries, by their names below its directory; FileFormatError for what PyTorch never writes.

    Compressed entries are refused, so that a small file cannot become large; so are entries that overlap.
    """

    def __init__(self, file: IO[bytes], content: Content) -> None:
        self.content = content
        self.name = content.name
        found = self._directory(file)
        roots = [name.removesuffix(_PICKLE) for name in found if name.endswith(_PICKLE)]
        if len(roots) != 1:
            raise FileFormatError(f"{self.name}: is no file of PyTorch's: the archive has {len(roots)} data.pkl")
        start = roots[0] + "/"
        self._records = {name.removeprefix(start): one for name, one in found.items() if name.startswith(start)}
        order = self.read("byteorder") if "byteorder" in self._records else b"little"
        if order != b"little":
            raise UnsupportedError(f"{self.name}: numbers are stored {shown(order)} end first, which is not supported")

    def _directory(self, file: IO[bytes]) -> dict[str, Record]:
        """Every entry by its full name, where it says that it lies."""
        if self.content.nbytes >= len(_OLDER) and self.content.read(0, len(_OLDER)) == _OLDER:
            raise UnsupportedError(
                f"{self.name}: is in the format of PyTorch before 1.6: load it there, and save it again"
            )
        try:
            with zipfile.ZipFile(file) as archive:
                infos = archive.infolist()
        except _ERRORS as error:
            raise FileFormatError(f"{self.name}: is no zip archive, or was cut short ({shown(str(error))})") from None
        found: dict[str, Record] = {}
        end = 0
        for info in sorted(infos, key=lambda info: info.header_offset):
            record = self._record(info)
            if info.filename in found or info.header_offset < end:
                raise FileFormatError(f"{self.name}: entry {shown(info.filename)} is there twice or overlaps another")
            found[info.filename], end = record, record.start + record.nbytes
        return found

    def _record(self, info: zipfile.ZipInfo) -> Record:
        if info.compress_type != zipfile.ZIP_STORED or info.compress_size != info.file_size or info.flag_bits & 1:
            raise FileFormatError(
                f"{self.name}: entry {shown(info.filename)} is compressed or encrypted, which PyTorch's never are"
            )
        signature, name, more = _LOCAL.unpack(self.content.read(info.header_offset, _LOCAL.size))
        start = info.header_offset + _LOCAL.size + name + more
        if signature != b"PK\3\4" or start + info.file_size > self.content.nbytes:
            raise FileFormatError(f"{self.name}: entry {shown(info.filename)} is not where the archive says it is")
        return Record(start, info.file_size, info.CRC)

    def record(self, name: str) -> Record:
        """An entry; FileFormatError where there is none."""
        if name not in self._records:
            raise FileFormatError(f"{self.name}: has no entry {shown(name)}")
        return self._records[name]

    def read(self, name: str) -> bytes:
        """A copy of an entry's bytes, held against its checksum."""
        record = self.record(name)
        found = self.content.read(record.start, record.nbytes)
        if zlib.crc32(found) != record.crc:
            raise FileFormatError(f"{self.name}: entry {shown(name)} is damaged: its checksum is another")
        return found


def write(file: IO[bytes], pickle: bytes, storages: Iterator[memoryview]) -> None:
    """An archive as PyTorch lays it out, of a pickle and the storages that it names by their numbers."""
    with zipfile.ZipFile(file, "w", zipfile.ZIP_STORED) as archive:
        _add(archive, "data.pkl", memoryview(pickle))
        _add(archive, "byteorder", memoryview(b"little"))
        for number, block in enumerate(storages):
            _add(archive, f"data/{number}", block)
        _add(archive, "version", memoryview(b"3\n"))


def _add(archive: zipfile.ZipFile, name: str, block: memoryview) -> None:
    info = zipfile.ZipInfo(f"archive/{name}")  # of 1980: equal contents make equal files
    info.file_size = block.nbytes
    large = info.file_size * 1.05 > zipfile.ZIP64_LIMIT  # as zipfile itself decides
    before = archive.start_dir + 30 + len(info.filename) + (_LARGE if large else 0) + 4
    padding = -before % _ALIGNMENT
    info.extra = _PADDING + struct.pack("<H", padding) + b"Z" * padding
    with archive.open(info, "w") as entry:
        entry.write(block)
