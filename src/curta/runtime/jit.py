"""LLVM text to machine code in this process; what was made before is found on disk (`disk.py`).

LLVM is loaded at the first use, not when Curta is imported. Code, once loaded, stays as long as the process: threads
may be inside it at any time, also while the interpreter shuts down.
"""

from __future__ import annotations

import ctypes
import os
import re
import threading
from collections.abc import Callable, Iterable
from functools import cache
from typing import Any, NamedTuple

from curta.errors import CompilerError
from curta.runtime import cpu, disk

_DEFINE = re.compile(r"^(define\b[^\n]*?)[ \t]*\{[ \t]*$", re.MULTILINE)

#: held while LLVM works, while a module is made, and across a fork
_lock = threading.RLock()
os.register_at_fork(before=_lock.acquire, after_in_parent=_lock.release, after_in_child=_lock.release)


@cache
def target_machine() -> Any:
    """LLVM's code generator for this processor and level (a `llvmlite.binding.TargetMachine`), made once."""
    return _new_machine()


def _new_machine() -> Any:
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


def _optimise(module: Any, machine: Any) -> None:
    """The clean-up that hand-vectorised text profits from, in about a millisecond; no vectoriser, no unrolling.

    Nothing comes behind the turning of loops: combining instructions once more takes long and changes little.
    """
    import llvmlite.binding as llvm

    builder = llvm.create_pass_builder(machine, llvm.create_pipeline_tuning_options(2))
    passes = llvm.create_new_module_pass_manager()
    passes.add_always_inliner_pass()
    passes.add_simplify_cfg_pass()
    passes.add_sroa_pass()
    passes.add_instruction_combine_pass()
    passes.add_new_gvn_pass()
    passes.add_loop_rotate_pass()
    passes.run(module, builder)


def compile(ir_text: str, *, passes: bool = True) -> bytes:
    """Machine code, as a relocatable object file, for a module of LLVM text.

    With `passes` the text is cleaned up first. Raises `CompilerError` where LLVM rejects the text.

    >>> compile("define i64 @one() { ret i64 1 }", passes=False)[:4]
    b'\\x7fELF'
    """
    with _lock:
        machine = target_machine()
        return bytes(machine.emit_object(_module(ir_text, passes, machine)))


def assembly(ir_text: str, *, passes: bool = True) -> str:
    """The processor's instructions for a module of LLVM text, as an assembler would read them.

    >>> "ret" in assembly("define i64 @one() { ret i64 1 }")
    True
    """
    with _lock:
        machine = target_machine()
        return str(machine.emit_assembly(_module(ir_text, passes, machine)))


def _module(ir_text: str, passes: bool, machine: Any, context: Any = None) -> Any:
    """The module of a text; the machine is there first, so that LLVM knows the processor before it reads the text."""
    import llvmlite.binding as llvm

    try:
        module = llvm.parse_assembly(_with_attributes(ir_text), context)
        module.verify()
    except RuntimeError as error:
        raise CompilerError(f"compile: LLVM rejects the text: {str(error).strip()}") from None
    if passes:
        _optimise(module, machine)
    return module


class Module:
    """Machine code loaded into this process; it stays as long as the process does."""

    __slots__ = ("_addresses", "library")

    def __init__(self, library: str) -> None:
        #: what the linker knows it by
        self.library = library
        self._addresses: dict[str, int] = {}

    def address(self, name: str) -> int:
        """Where the function or variable called `name` is; `CompilerError` where there is none."""
        found = self._addresses.get(name)
        if found is None:
            try:
                with _lock:
                    tracker = _linker().lookup(self.library, name)
            except RuntimeError as error:
                raise CompilerError(f"load: no symbol {name!r} in the module: {error}") from None
            found = int(tracker[name])
            tracker.detach()  # never unloaded
            self._addresses[name] = found
        return found


_loaded = 0


def load(object_code: bytes, required: Iterable[Module] = ()) -> Module:
    """Link object code into this process.

    What it calls by name is looked up in the modules that are `required`, then among the process's own symbols.

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
        builder = llvm.JITLibraryBuilder().add_object_img(object_code)
        for module in required:
            builder.add_jit_library(module.library)
        builder.add_current_process()
        try:
            tracker = builder.link(_linker(), library)
        except RuntimeError as error:
            raise CompilerError(f"load: LLVM cannot link the object code: {error}") from None
        tracker.detach()  # never unloaded: a worker thread may be inside at any time, at exit too
        return Module(library)


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
        path = disk.path_of(key_text)
        code = disk.read(path)
        if code is None:
            code = compile(make_ir(), passes=passes)
            disk.write(path, code)
        module = _modules[key_text] = load(code)
        return module


class Code(NamedTuple):
    """The function `name` of a module that is compiled when it is first needed; `key` as in `cached_module`.

    The module may call the functions that it `requires` by their names: they are in modules of their own, each of which
    is compiled and loaded once, however many require it.
    """

    key: str
    write: Callable[[], str]
    name: str
    passes: bool = True
    requires: tuple[Code, ...] = ()

    def address(self) -> int:
        """Where the function is, once it is compiled and loaded."""
        if self.key not in _modules:
            with _lock:
                wanted = {key: code for key, code in with_required([self]).items() if key not in _modules}
                _load(list(wanted.values()), _objects_of(wanted, list(wanted)))
        return _modules[self.key].address(self.name)


def with_required(codes: Iterable[Code]) -> dict[str, Code]:
    """These and all that they require by their keys, what is required before what requires it."""
    found: dict[str, Code] = {}
    for code in codes:
        if code.key not in found:
            found |= with_required(code.requires)
            found[code.key] = code
    return found


def load_all(codes: Iterable[Code]) -> None:
    """Load the modules of all these functions, such as a program's; what is new is compiled side by side.

    All of them lie in one file, which the next process reads; kernels that another program has made are used, too.
    """
    wanted = with_required(codes)
    with _lock:
        missing = [key for key in wanted if key not in _modules]
        if not missing:
            return
        bundle = disk.path_of("\0".join(sorted(wanted)), disk.BUNDLE)
        objects = disk.unpack(disk.read(bundle) or b"", missing)
        if len(objects) < len(missing):
            objects = _objects_of(wanted, missing)
            if len(objects) == len(wanted):
                disk.write(bundle, disk.pack(objects))
        _load([wanted[key] for key in missing], objects)


def _load(codes: Iterable[Code], objects: dict[str, bytes]) -> None:
    """Load modules, those that others require before these."""
    for code in codes:
        _modules[code.key] = load(objects[code.key], [_modules[one.key] for one in code.requires])


def _objects_of(wanted: dict[str, Code], missing: list[str]) -> dict[str, bytes]:
    """The object code of all that is missing, from files of its own or compiled, and of all else that has a file."""
    paths = {key: disk.path_of(key) for key in wanted}
    objects = {key: code for key, code in ((key, disk.read(path)) for key, path in paths.items()) if code is not None}
    new = [wanted[key] for key in missing if key not in objects]
    for code, made in zip(new, _compiled(new), strict=True):
        objects[code.key] = made
        disk.write(paths[code.key], made)
    return objects


def _compiled(codes: list[Code]) -> list[bytes]:
    """The object code of modules, made by as many threads as there are processors; this one writes the texts."""
    count = min(len(codes), cpu.processors())
    if count < 2:
        return [compile(code.write(), passes=code.passes) for code in codes]
    from queue import SimpleQueue  # a pool of threads would take longer to import than many a module to compile

    texts: SimpleQueue[tuple[int, str, bool] | None] = SimpleQueue()
    made: dict[int, bytes] = {}
    errors: list[Exception] = []

    def work() -> None:
        try:
            machine = _new_machine()
            while text := texts.get():
                number, ir_text, passes = text
                made[number] = _compile_apart(machine, ir_text, passes)
        except Exception as error:  # whatever it is, the thread that waits raises it
            errors.append(error)

    threads = [threading.Thread(target=work) for _ in range(count)]
    for thread in threads:
        thread.start()
    try:
        for number, code in enumerate(codes):
            texts.put((number, code.write(), code.passes))
    finally:
        for _ in threads:
            texts.put(None)
        for thread in threads:
            thread.join()
    if errors:
        raise errors[0]
    return [made[number] for number in range(len(codes))]


def _compile_apart(machine: Any, ir_text: str, passes: bool) -> bytes:
    """`compile` with nothing that other threads share."""
    import llvmlite.binding as llvm

    return _emit_beside(machine, _module(ir_text, passes, machine, llvm.create_context()))


def _emit_beside(machine: Any, module: Any) -> bytes:
    """Object code, made outside the lock that llvmlite holds in every call: this is what takes the time."""
    from llvmlite.binding import ffi

    emit = ffi.lib.LLVMPY_TargetMachineEmitToMemory
    emit = getattr(emit, "_cfn", emit)
    with ffi.OutputString() as error:
        memory = emit(machine, module, 1, error)
        if not memory:
            raise CompilerError(f"compile: LLVM makes no code of the text: {error}")
    try:
        return ctypes.string_at(ffi.lib.LLVMPY_GetBufferStart(memory), ffi.lib.LLVMPY_GetBufferSize(memory))
    finally:
        ffi.lib.LLVMPY_DisposeMemoryBuffer(memory)


def cached(key_text: str, make_ir: Callable[[], str], name: str) -> int:
    """The address of the function `name` in the module for a key; see `cached_module`.

    >>> import ctypes
    >>> address = cached("doctest: two", lambda: "define i64 @two() { ret i64 2 }", "two")
    >>> ctypes.CFUNCTYPE(ctypes.c_int64)(address)()
    2
    """
    return cached_module(key_text, make_ir).address(name)
