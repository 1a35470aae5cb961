"""LLVM text to machine code in this process, and a cache of the machine code on disk.

LLVM is loaded at the first use, not when Curta is imported. Code, once loaded, stays as long as the process: threads
may be inside it at any time, also while the interpreter shuts down.
"""

from __future__ import annotations

import hashlib
import os
import re
import struct
import threading
from collections.abc import Callable
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Any

from curta.errors import CompilerError
from curta.runtime import cpu

#: raise it when the same key would give other code: a change of passes, options or of the file's layout
FORMAT = 1
_MAGIC = b"CURTAOBJ"
_HEADER = struct.Struct("<8sIQ32s")  # magic, format, length of the object code, its SHA-256
_DEFINE = re.compile(r"^(define\b[^\n]*?)[ \t]*\{[ \t]*$", re.MULTILINE)

#: held while LLVM works, while a module is made, and across a fork
_lock = threading.RLock()
os.register_at_fork(before=_lock.acquire, after_in_parent=_lock.release, after_in_child=_lock.release)


@cache
def target_machine() -> Any:
    """LLVM's code generator for this processor and level (a `llvmlite.binding.TargetMachine`), made once."""
    import llvmlite.binding as llvm

    llvm.initialize_native_target()
    llvm.initialize_native_asmprinter()
    target = llvm.Target.from_triple(llvm.get_process_triple())
    return target.create_target_machine(
        cpu=cpu.name(), features=cpu.features(), opt=2, reloc="pic", codemodel="small", jit=True
    )


@cache
def _linker() -> Any:
    import llvmlite.binding as llvm

    # the newer of LLVM's two linkers: it puts a module's code and constants side by side, where the other may put
    # them too far apart for 32-bit offsets
    linker = llvm.create_lljit_compiler(target_machine(), use_jit_link=True, suppress_errors=True)
    linker._owned = True  # by nobody: llvmlite is not to unmap code that threads may be inside at exit
    return linker


def _with_attributes(ir_text: str) -> str:
    """Every function defined in the text, told the width of vector that it may use."""
    wanted = f'"prefer-vector-width"="{cpu.vector_bytes() * 8}"'

    def add(match: re.Match[str]) -> str:
        head = match.group(1)
        return match.group(0) if "prefer-vector-width" in head else f"{head} {wanted} {{"

    return _DEFINE.sub(add, ir_text)


def _optimise(module: Any) -> None:
    """The clean-up that hand-vectorised text profits from, in about a millisecond; no vectoriser, no unrolling."""
    import llvmlite.binding as llvm

    builder = llvm.create_pass_builder(target_machine(), llvm.create_pipeline_tuning_options(2))
    passes = llvm.create_new_module_pass_manager()
    passes.add_always_inliner_pass()
    passes.add_simplify_cfg_pass()
    passes.add_sroa_pass()
    passes.add_instruction_combine_pass()
    passes.add_new_gvn_pass()
    passes.add_loop_rotate_pass()
    passes.add_instruction_combine_pass()
    passes.add_simplify_cfg_pass()
    passes.run(module, builder)


def compile(ir_text: str, *, passes: bool = True) -> bytes:
    """Machine code, as a relocatable object file, for a module of LLVM text.

    With `passes` the text is cleaned up first. Raises `CompilerError` where LLVM rejects the text.

    >>> compile("define i64 @one() { ret i64 1 }", passes=False)[:4]
    b'\\x7fELF'
    """
    with _lock:
        return bytes(target_machine().emit_object(_module(ir_text, passes)))


def assembly(ir_text: str, *, passes: bool = True) -> str:
    """The processor's instructions for a module of LLVM text, as an assembler would read them.

    >>> "ret" in assembly("define i64 @one() { ret i64 1 }")
    True
    """
    with _lock:
        return str(target_machine().emit_assembly(_module(ir_text, passes)))


def _module(ir_text: str, passes: bool) -> Any:
    import llvmlite.binding as llvm

    target_machine()  # LLVM knows the processor before it reads the text
    try:
        module = llvm.parse_assembly(_with_attributes(ir_text))
        module.verify()
    except RuntimeError as error:
        raise CompilerError(f"compile: LLVM rejects the text: {str(error).strip()}") from None
    if passes:
        _optimise(module)
    return module


class Module:
    """Machine code loaded into this process; it stays as long as the process does."""

    __slots__ = ("_addresses", "_library")

    def __init__(self, library: str) -> None:
        self._library = library
        self._addresses: dict[str, int] = {}

    def address(self, name: str) -> int:
        """Where the function or variable called `name` is; `CompilerError` where there is none."""
        found = self._addresses.get(name)
        if found is None:
            try:
                with _lock:
                    tracker = _linker().lookup(self._library, name)
            except RuntimeError as error:
                raise CompilerError(f"load: no symbol {name!r} in the module: {error}") from None
            found = int(tracker[name])
            tracker.detach()  # never unloaded
            self._addresses[name] = found
        return found


_loaded = 0


def load(object_code: bytes) -> Module:
    """Link object code into this process; what it calls by name is looked up among the process's own symbols.

    >>> module = load(compile("define i64 @seven() { ret i64 7 }"))
    >>> import ctypes
    >>> ctypes.CFUNCTYPE(ctypes.c_int64)(module.address("seven"))()
    7
    """
    import llvmlite.binding as llvm

    global _loaded
    with _lock:
        _loaded += 1
        library = f"curta{_loaded}"
        builder = llvm.JITLibraryBuilder().add_object_img(object_code).add_current_process()
        try:
            tracker = builder.link(_linker(), library)
        except RuntimeError as error:
            raise CompilerError(f"load: LLVM cannot link the object code: {error}") from None
        tracker.detach()  # never unloaded: a worker thread may be inside at any time, at exit too
        return Module(library)


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


@cache
def _version() -> str:
    """This Curta: names, sizes and times of its sources, so that an edited compiler never finds old code."""
    package = Path(__file__).parent.parent
    found = []
    for folder in (
        package,
        *(package / part for part in ("compiler", "compiler/mathlib", "compiler/matmul", "ops", "runtime")),
    ):
        with suppress(OSError), os.scandir(folder) as entries:
            for entry in entries:
                if entry.name.endswith(".py"):
                    status = entry.stat()
                    found.append(f"{folder.name}/{entry.name} {status.st_size} {status.st_mtime_ns}")
    return hashlib.sha256("\n".join(sorted(found)).encode()).hexdigest()


# taken now, while these sources are being imported: taken at the first compilation, it would be that of a source edited
# meanwhile, and the code of the old one would be found under it from then on
_version()


def _file_of(key_text: str) -> Path | None:
    directory = cache_directory()
    if directory is None:
        return None
    key = "\0".join((str(FORMAT), _version(), cpu.fingerprint(), key_text))
    return directory / f"{hashlib.sha256(key.encode()).hexdigest()}.o"


def _read(path: Path) -> bytes | None:
    """The object code in a cache file; None where there is none, or the file is not whole and of this format."""
    try:
        data = path.read_bytes()
    except OSError:
        return None
    if len(data) < _HEADER.size:
        return None
    magic, version, length, digest = _HEADER.unpack_from(data)
    code = data[_HEADER.size :]
    if magic != _MAGIC or version != FORMAT or length != len(code) or hashlib.sha256(code).digest() != digest:
        return None
    return code


def _write(path: Path, code: bytes) -> None:
    """Put object code in a cache file, whole or not at all; a directory that cannot be written is no cache."""
    with suppress(OSError):
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        temporary = path.parent / f".{path.name}.{os.getpid()}.{threading.get_ident()}"
        handle = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(_HEADER.pack(_MAGIC, FORMAT, len(code), hashlib.sha256(code).digest()) + code)
            os.replace(temporary, path)
        except OSError:
            with suppress(OSError):
                os.unlink(temporary)


_modules: dict[str, Module] = {}


def cached_module(key_text: str, make_ir: Callable[[], str], *, passes: bool = True) -> Module:
    """The loaded module for a key: from memory, else from the disk, else compiled from what `make_ir` writes.

    The key must say everything that the text depends on; processor, level and versions are added to it here.
    """
    module = _modules.get(key_text)
    if module is not None:
        return module
    with _lock:
        module = _modules.get(key_text)
        if module is not None:
            return module
        path = _file_of(key_text)
        code = _read(path) if path is not None else None
        if code is None:
            code = compile(make_ir(), passes=passes)
            if path is not None:
                _write(path, code)
        module = _modules[key_text] = load(code)
        return module


def cached(key_text: str, make_ir: Callable[[], str], name: str) -> int:
    """The address of the function `name` in the module for a key; see `cached_module`.

    >>> import ctypes
    >>> address = cached("doctest: two", lambda: "define i64 @two() { ret i64 2 }", "two")
    >>> ctypes.CFUNCTYPE(ctypes.c_int64)(address)()
    2
    """
    return cached_module(key_text, make_ir).address(name)
