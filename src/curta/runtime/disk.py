"""The cache of machine code on disk: whole files of this version and processor, together below a limit.

A file that is damaged, or a directory that cannot be read or written, is as good as none. Files are put in place whole,
under names that say all that they depend on, so any number of processes may share a directory.
"""

from __future__ import annotations

import hashlib
import os
import struct
import threading
from collections.abc import Mapping
from contextlib import suppress
from functools import cache
from pathlib import Path

from curta.errors import ArgumentError
from curta.runtime import cpu

#: raise it when the same key would give other code: a change of passes, options or of a file's layout
FORMAT = 3
#: bytes that all files together may take, where `$CURTA_CACHE_LIMIT` does not say otherwise
LIMIT = 1 << 30
_MAGIC = b"CURTAOBJ"
_HEADER = struct.Struct("<8sIQ32s")  # magic, format, length of what follows, its SHA-256
_ENTRY = struct.Struct("<32sQ")  # in a bundle before each object: the SHA-256 of its key, its length
#: the code of one kernel, and that of all kernels of a program
OBJECT, BUNDLE = ".o", ".bundle"
#: a measured figure of this processor (`costs/processor.py`)
FIGURE = ".figure"


def cache_directory() -> Path | None:
    """Where object code is kept: `$CURTA_CACHE_DIR`, else `$XDG_CACHE_HOME/curta`, else `~/.cache/curta`.

    None where there is no disk cache: `CURTA_CACHE=0`, or no home directory.
    """
    if os.environ.get("CURTA_CACHE") == "0":
        return None
    chosen = os.environ.get("CURTA_CACHE_DIR")
    if chosen:
        return Path(chosen)
    base = os.environ.get("XDG_CACHE_HOME")
    if base:
        return Path(base) / "curta"
    try:
        return Path.home() / ".cache" / "curta"
    except RuntimeError:
        return None


def cache_limit() -> int:
    """The bytes that the cache may take: `$CURTA_CACHE_LIMIT`, else 1 GiB; `ArgumentError` for what is no size."""
    given = os.environ.get("CURTA_CACHE_LIMIT")
    if not given:
        return LIMIT
    if not given.isdecimal():
        raise ArgumentError(f"CURTA_CACHE_LIMIT: expected a number of bytes, got {given!r}")
    return int(given)


def cache_bytes() -> int:
    """The bytes that the cache takes now."""
    directory = cache_directory()
    return 0 if directory is None else sum(size for _, size, _ in _files(directory))


@cache
def version() -> str:
    """This Curta: names, sizes and times of its sources, so that an edited compiler never finds old code."""
    package = Path(__file__).parent.parent
    found = []
    folders = [package, *(package / part for part in ("compiler", "ops", "runtime"))]
    for folder in folders:  # grows
        with suppress(OSError), os.scandir(folder) as entries:
            for entry in entries:
                if entry.name.endswith(".py"):
                    status = entry.stat()
                    found.append(f"{entry.path[len(str(package)) :]} {status.st_size} {status.st_mtime_ns}")
                elif folder is not package and entry.name != "__pycache__" and entry.is_dir():
                    folders.append(Path(entry.path))
    return hashlib.sha256("\n".join(sorted(found)).encode()).hexdigest()


# taken now, while these sources are being imported: taken at the first compilation, it would be that of a source edited
# meanwhile, and the code of the old one would be found under it from then on
version()


def path_of(key_text: str, kind: str = OBJECT) -> Path | None:
    """The file for a key, of this version and processor; None where there is no disk cache."""
    directory = cache_directory()
    if directory is None:
        return None
    key = "\0".join((str(FORMAT), version(), cpu.fingerprint(), key_text))
    return directory / f"{hashlib.sha256(key.encode()).hexdigest()}{kind}"


def read(path: Path | None) -> bytes | None:
    """What was written to a file; None where there is none, or the file is not whole and of this format."""
    if path is None:
        return None
    try:
        data = path.read_bytes()
    except OSError:
        return None
    if len(data) < _HEADER.size:
        return None
    magic, form, length, digest = _HEADER.unpack_from(data)
    content = data[_HEADER.size :]
    if magic != _MAGIC or form != FORMAT or length != len(content) or hashlib.sha256(content).digest() != digest:
        return None
    with suppress(OSError):
        os.utime(path)  # the files used least recently go first
    return content


def write(path: Path | None, content: bytes) -> None:
    """Put content in a file, whole or not at all; a directory that cannot be written is no cache."""
    if path is None or _HEADER.size + len(content) > cache_limit():
        return
    with suppress(OSError):
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        temporary = path.parent / f".{path.name}.{os.getpid()}.{threading.get_ident()}"
        handle = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(_HEADER.pack(_MAGIC, FORMAT, len(content), hashlib.sha256(content).digest()) + content)
            os.replace(temporary, path)
        except OSError:
            with suppress(OSError):
                os.unlink(temporary)
            return
        _keep_below_limit(path.parent, _HEADER.size + len(content))


def pack(objects: Mapping[str, bytes]) -> bytes:
    """Objects by their keys, as the content of one file.

    >>> unpack(pack({"one": b"1", "two": b""}), ["two", "one", "three"])
    {'two': b'', 'one': b'1'}
    """
    return b"".join(part for key, code in objects.items() for part in (_ENTRY.pack(_digest(key), len(code)), code))


def unpack(content: bytes, keys: list[str]) -> dict[str, bytes]:
    """Those objects of a packed content that have one of these keys."""
    found: dict[bytes, bytes] = {}
    place = 0
    while place < len(content):
        digest, length = _ENTRY.unpack_from(content, place)
        place += _ENTRY.size
        found[digest] = content[place : place + length]
        place += length
    return {key: found[_digest(key)] for key in keys if _digest(key) in found}


def _digest(key: str) -> bytes:
    return hashlib.sha256(key.encode()).digest()


#: bytes in each directory that this process writes to, as far as it knows: looked at once, then counted
_known: dict[Path, int] = {}


def _keep_below_limit(directory: Path, added: int) -> None:
    """After a write: remove the files used least recently, until a tenth of the limit is free again."""
    limit = cache_limit()
    known = _known.get(directory)
    _known[directory] = sum(size for _, size, _ in _files(directory)) if known is None else known + added
    if _known[directory] <= limit:
        return
    files = sorted(_files(directory))  # other processes write too
    total = sum(size for _, size, _ in files)
    for _, size, path in files:
        if total <= limit - limit // 10:
            break
        with suppress(OSError):
            os.unlink(path)
            total -= size
    _known[directory] = total


def _files(directory: Path) -> list[tuple[int, int, str]]:
    """The cache's files: when each was last used, in nanoseconds, its size, and its path."""
    found = []
    with suppress(OSError), os.scandir(directory) as entries:
        for entry in entries:
            if entry.name.endswith((OBJECT, BUNDLE, FIGURE)):
                with suppress(OSError):  # another process has removed it
                    status = entry.stat()
                    found.append((status.st_mtime_ns, status.st_size, entry.path))
    return found
