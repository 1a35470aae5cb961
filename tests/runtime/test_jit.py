"""Compiling, loading and the disk cache: whole files only, and never a wrong one."""

import ctypes
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from curta.errors import CompilerError
from curta.runtime import cpu, disk, jit


def text_of(value: int) -> str:
    return f"define i64 @answer() {{\n ret i64 {value}\n}}"


def call(address: int) -> int:
    return ctypes.CFUNCTYPE(ctypes.c_int64)(address)()


@pytest.fixture
def cache(tmp_path, monkeypatch):
    """An empty disk cache and an empty memory cache."""
    monkeypatch.setenv("CURTA_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.delenv("CURTA_CACHE", raising=False)
    monkeypatch.setattr(jit, "_modules", {})
    return tmp_path / "cache"


def answer(value: int, made: list[int] | None = None) -> int:
    """The answer of a cached function under a fixed key, noting in `made` that its text was asked for."""

    def make() -> str:
        if made is not None:
            made.append(value)
        return text_of(value)

    return call(jit.cached("answer", make, "answer"))


def forget() -> None:
    """As a new process would: nothing in memory."""
    jit._modules.clear()


def test_compiled_code_runs_and_calls_the_c_library():
    text = "declare i64 @labs(i64)\ndefine i64 @f() {\n %r = call i64 @labs(i64 -5)\n ret i64 %r\n}"
    assert call(jit.load(jit.compile(text)).address("f")) == 5


def test_modules_with_the_same_names_stay_apart():
    first, second = (jit.load(jit.compile(text_of(value))) for value in (1, 2))
    assert (call(first.address("answer")), call(second.address("answer"))) == (1, 2)


def test_text_that_llvm_rejects():
    with pytest.raises(CompilerError, match="LLVM rejects the text"):
        jit.compile("define i64 @f() {\n ret i32 1\n}")
    with pytest.raises(CompilerError, match="LLVM rejects the text"):
        jit.compile("not LLVM at all")


def test_a_missing_symbol_is_an_error():
    with pytest.raises(CompilerError, match="no symbol 'other'"):
        jit.load(jit.compile(text_of(1))).address("other")


def test_what_is_no_object_code_is_an_error():
    with pytest.raises(CompilerError):
        jit.load(b"not an object file").address("answer")


@pytest.mark.skipif(cpu.vector_bytes() != 64, reason="needs 512-bit registers")
def test_wide_registers_are_used():
    body = "%v = load <16 x float>, ptr %p, align 4\n %w = fadd <16 x float> %v, %v\n store <16 x float> %w, ptr %p"
    import llvmlite.binding as llvm

    text = jit._with_attributes(f"define void @twice(ptr %p) {{\n {body}\n ret void\n}}")
    assert '"prefer-vector-width"="512"' in text
    assert "zmm" in jit.target_machine().emit_assembly(llvm.parse_assembly(text))


def test_the_second_process_does_not_compile(cache):
    made: list[int] = []
    assert answer(7, made) == 7
    forget()
    assert answer(8, made) == 7  # the key is the same, so the kept code answers
    assert made == [7]
    assert [path.suffix for path in cache.iterdir()] == [".o"]


@pytest.mark.parametrize("damage", ["truncate", "header", "flip", "empty", "longer", "format"])
def test_a_damaged_file_is_made_again(cache, damage):
    answer(7)
    (path,) = cache.iterdir()
    data = bytearray(path.read_bytes())
    if damage == "truncate":
        data = data[:-1]
    elif damage == "header":
        data = data[:20]
    elif damage == "flip":
        data[-5] ^= 1
    elif damage == "empty":
        data = bytearray()
    elif damage == "longer":
        data += b"\0"
    else:
        data[8] ^= 1
    path.write_bytes(data)
    forget()
    assert answer(8) == 8
    forget()
    assert answer(9) == 8  # and the file is whole again


def test_another_version_has_other_files(cache, monkeypatch):
    answer(7)
    forget()
    monkeypatch.setattr(disk, "version", lambda: "another")
    assert answer(8) == 8
    forget()
    monkeypatch.setattr(jit.cpu, "fingerprint", lambda: "another processor")
    assert answer(9) == 9
    assert len(list(cache.iterdir())) == 3


def test_the_version_is_that_of_the_sources_that_were_imported(tmp_path):
    """Not of a source that was edited since: its code would be taken for the new one's."""
    copy = tmp_path / "curta"
    shutil.copytree(Path(jit.__file__).parent.parent, copy, ignore=shutil.ignore_patterns("__pycache__"))
    show = "from curta.runtime import disk; print(disk.version())"
    edit = f"import pathlib; file = pathlib.Path({str(copy / 'compiler' / 'nest.py')!r}); file.write_text('# edited')"
    found = [
        subprocess.run(
            [sys.executable, "-c", text], env={**os.environ, "PYTHONPATH": str(tmp_path)}, capture_output=True,
            text=True, check=True,
        ).stdout
        for text in (show, f"import curta; {edit}; {show}")
    ]  # fmt: skip
    assert found[0] == found[1] != ""


@pytest.mark.parametrize("part", ["compiler/nest.py", "compiler/convolution/window.py", "ops/matmul.py", "tensor.py"])
def test_the_version_is_another_once_a_source_is(part, tmp_path, monkeypatch):
    copy = tmp_path / "curta"
    shutil.copytree(Path(jit.__file__).parent.parent, copy, ignore=shutil.ignore_patterns("__pycache__"))
    monkeypatch.setattr(disk, "__file__", str(copy / "runtime" / "disk.py"))
    before = disk.version.__wrapped__()
    (copy / part).write_text("# edited")
    assert disk.version.__wrapped__() != before


def test_a_directory_that_cannot_be_written_is_no_cache(cache, tmp_path, monkeypatch):
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setenv("CURTA_CACHE_DIR", str(tmp_path / "file" / "below"))
    assert answer(7) == 7
    forget()
    assert answer(8) == 8


def test_the_disk_cache_can_be_switched_off(cache, monkeypatch):
    monkeypatch.setenv("CURTA_CACHE", "0")
    assert answer(7) == 7
    assert not cache.exists()


def test_where_the_cache_is(monkeypatch):
    for name in ("CURTA_CACHE", "CURTA_CACHE_DIR", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", "/home/someone")
    assert disk.cache_directory() == Path("/home/someone/.cache/curta")
    monkeypatch.setenv("XDG_CACHE_HOME", "/caches")
    assert disk.cache_directory() == Path("/caches/curta")
    monkeypatch.setenv("CURTA_CACHE_DIR", "/own")
    assert disk.cache_directory() == Path("/own")


def test_two_processes_at_once(tmp_path):
    script = """
import ctypes
from curta.runtime import jit
total = 0
for value in range(20):
    text = f"define i64 @answer() {{\\n ret i64 {value}\\n}}"
    total += ctypes.CFUNCTYPE(ctypes.c_int64)(jit.cached(text, lambda: text, "answer"))()
print(total)
"""
    source = str(Path(jit.__file__).parents[2])
    variables = os.environ | {"PYTHONPATH": source, "CURTA_CACHE_DIR": str(tmp_path)}
    command = [sys.executable, "-c", script]
    processes = [subprocess.Popen(command, env=variables, stdout=subprocess.PIPE, text=True) for _ in range(2)]
    assert [process.communicate(timeout=60)[0].strip() for process in processes] == ["190", "190"]
    kept = list(tmp_path.iterdir())
    assert len(kept) == 20
    assert all(disk.read(path) is not None for path in kept)


def test_importing_does_not_load_llvm(run_script):
    assert run_script("import sys, curta.runtime.native; print('llvmlite' in sys.modules)") == "False"


def calling(text, value, *, made=None):
    """A function `answer` that adds a value to what the function `shared`, which it requires, returns."""

    def write():
        if made is not None:
            made.append("shared")
        return text

    shared = jit.Code(f"test shared {text}", write, "shared", False)
    body = f"%r = call i64 @shared()\n %s = add i64 %r, {value}\n ret i64 %s"
    calls = f"declare i64 @shared()\ndefine i64 @answer() {{\n {body}\n}}"
    return jit.Code(f"test calling {value} {text}", lambda: calls, "answer", requires=(shared,))


def test_what_several_modules_require_is_made_and_loaded_once(cache):
    made: list[str] = []
    text = "define i64 @shared() {\n ret i64 40\n}"
    codes = [calling(text, value, made=made) for value in (1, 2, 3)]
    assert call(codes[0].address()) == 41
    jit.load_all(codes)
    assert [call(code.address()) for code in codes] == [41, 42, 43]
    assert made == ["shared"]
    assert len([key for key in jit._modules if key.startswith("test shared")]) == 1


def test_what_is_required_is_found_on_disk_too(cache):
    made: list[str] = []
    text = "define i64 @shared() {\n ret i64 50\n}"
    assert call(calling(text, 1, made=made).address()) == 51
    forget()
    assert call(calling(text, 1, made=made).address()) == 51
    forget()
    jit.load_all([calling(text, 1, made=made), calling(text, 2, made=made)])
    forget()
    for path in cache.iterdir():
        if path.suffix == disk.OBJECT:
            path.unlink()
    jit.load_all([calling(text, 1, made=made), calling(text, 2, made=made)])  # from their one file
    assert made == ["shared"]


def test_functions_of_the_same_name_are_each_module_s_own(cache):
    codes = [calling(f"define i64 @shared() {{\n ret i64 {value}\n}}", 1) for value in (60, 70)]
    jit.load_all(codes)
    assert [call(code.address()) for code in codes] == [61, 71]


def test_what_is_required_may_require_others_itself(cache):
    inner = jit.Code("test inner", lambda: "define i64 @inner() {\n ret i64 7\n}", "inner")
    text = "declare i64 @inner()\ndefine i64 @outer() {\n %r = call i64 @inner()\n ret i64 %r\n}"
    outer = jit.Code("test outer", lambda: text, "outer", requires=(inner,))
    assert list(jit.with_required([outer, inner])) == ["test inner", "test outer"]
    assert call(outer.address()) == 7
