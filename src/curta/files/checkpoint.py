"""`save` and `load` for tensors in plain containers: PyTorch's files, without running anything that they hold."""

from __future__ import annotations

import io
import os
from collections.abc import Callable, Mapping
from typing import IO, Any

from curta.device import Device, resolve
from curta.errors import ArgumentTypeError, UnsupportedError
from curta.files.atomic import replaced
from curta.files.content import Content
from curta.files.safetensors import Path


def save(obj: Any, f: Path | IO[bytes], pickle_module: Any = None, pickle_protocol: int = 2) -> None:
    """Write tensors, numbers, text and plain containers of them to a file that `load`, and PyTorch's, read.

    Tensors that share memory do so in the file, which holds each storage once and whole. A path gets its file when
    that is complete; `f` may also be a file that is open for writing.

    Raises `ArgumentTypeError` for anything else by its type, `DTypeError` for one storage in two formats, `NoDataError`
    for a tensor on the meta device, OSError where nothing can be written.

    >>> import curta, tempfile
    >>> with tempfile.NamedTemporaryFile() as place:
    ...     save({"weights": [curta.ones(2)], "step": 3}, place.name)
    ...     curta.load(place.name)
    {'weights': [tensor([1., 1.])], 'step': 3}
    """
    if pickle_module is not None or pickle_protocol != 2:
        raise UnsupportedError("save: pickle_module and other protocols than 2 are not supported")
    from curta.files import archive, pickling

    pickler = pickling.Pickler()
    pickle = pickler.dump(obj)
    blocks = (block for _, block in pickler.storages)
    if isinstance(f, (str, os.PathLike)):
        with replaced(f) as file:
            archive.write(file, pickle, blocks)
    elif hasattr(f, "write"):
        archive.write(f, pickle, blocks)
    else:
        raise ArgumentTypeError(f"save: expected a path or an open file, got {type(f).__name__}")


def load(
    f: Path | IO[bytes],
    map_location: str | Device | Mapping[str, str | Device] | Callable[[Any, str], Any] | None = None,
    pickle_module: Any = None,
    *,
    weights_only: bool = True,
    mmap: bool | None = None,
) -> Any:
    """What `save`, or PyTorch's, wrote: tensors, their views of shared storages, parameters, and plain containers.

    Nothing that the file holds is run: a pickle that asks for anything else is refused by its name, as is one whose
    tensors do not fit their storages. The file of a path is mapped as that of `load_file`, unless `mmap` is False.
    `map_location` is where the tensors will be; "meta" gives their shapes alone. It may also be a dict from where they
    were ("cuda:0"), or a function of a storage and that name, which gives the storage back or None. `f` may also be a
    file that is open.

    Raises `FileFormatError` for a file that is damaged or asks for more, `UnsupportedError` for `weights_only=False`
    and files of PyTorch before 1.6, `DeviceError` for tensors on a device that is not there.

    >>> import curta, io
    >>> file = io.BytesIO()
    >>> curta.save(curta.nn.Linear(2, 1).state_dict(), file)
    >>> [(name, tuple(weight.shape)) for name, weight in load(file).items()]
    [('weight', (1, 2)), ('bias', (1,))]
    """
    if pickle_module is not None or weights_only is not True:
        raise UnsupportedError("load: only weights_only=True is supported: nothing that a file holds is run")
    if isinstance(map_location, (str, Device)):
        map_location = resolve(map_location)
    elif not (map_location is None or isinstance(map_location, Mapping) or callable(map_location)):
        kind = type(map_location).__name__
        raise ArgumentTypeError(f"load: map_location must be a device, a dict or a function, got {kind}")
    if isinstance(f, (str, os.PathLike)):
        with open(f, "rb") as file:
            return _read(file, Content.of(file, os.fspath(f)), map_location, copy=mmap is False)
    if not hasattr(f, "read"):
        raise ArgumentTypeError(f"load: expected a path or an open file, got {type(f).__name__}")
    if mmap:
        raise ArgumentTypeError("load: f must be a path where mmap=True is asked for")
    if hasattr(f, "seek"):
        f.seek(0)
    content = f.read()
    return _read(io.BytesIO(content), Content("the file", bytearray(content)), map_location, copy=False)


def _read(file: IO[bytes], content: Content, where: Any, copy: bool) -> Any:
    from curta.files.archive import Archive
    from curta.files.unpickle import Unpickler

    archive = Archive(file, content)
    return Unpickler(archive, where, copy).load(archive.read("data.pkl"))
