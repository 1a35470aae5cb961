"""The cache on disk: its limit, what goes first, and the files that hold all kernels of a program."""

import ctypes
import os
import subprocess
import sys
from pathlib import Path

import pytest

import curta
from curta.errors import ArgumentError
from curta.runtime import disk, jit

SOURCE = str(Path(jit.__file__).parents[2])


@pytest.fixture
def cache(tmp_path, monkeypatch):
    """An empty disk cache and an empty memory cache."""
    monkeypatch.setenv("CURTA_CACHE_DIR", str(tmp_path / "cache"))
    for name in ("CURTA_CACHE", "CURTA_CACHE_LIMIT"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(jit, "_modules", {})
    monkeypatch.setattr(disk, "_known", {})
    return tmp_path / "cache"


@pytest.fixture
def made(monkeypatch):
    """The texts that LLVM was given."""
    texts = []
    module = jit._module

    def noting(text, *others):
        texts.append(text)
        return module(text, *others)

    monkeypatch.setattr(jit, "_module", noting)
    return texts


def codes(count=3):
    """Functions `answer` that return 0, 1, …, each in a module of its own."""

    def code(value):
        return jit.Code(f"test {value}", lambda: f"define i64 @answer() {{\n ret i64 {value}\n}}", "answer")

    return [code(value) for value in range(count)]


def answers(count=3):
    """What the functions return, loaded together."""
    jit.load_all(codes(count))
    return [ctypes.CFUNCTYPE(ctypes.c_int64)(code.address())() for code in codes(count)]


def bundles(cache):
    return [path for path in cache.iterdir() if path.suffix == disk.BUNDLE]


def test_a_program_has_one_file_that_is_enough(cache, made):
    assert answers() == [0, 1, 2]
    assert len(made) == 3
    for path in cache.iterdir():
        if path.suffix == disk.OBJECT:
            path.unlink()
    jit._modules.clear()
    assert answers() == [0, 1, 2]
    assert len(made) == 3


def test_kernels_of_another_program_are_used(cache, made):
    answers(3)
    jit._modules.clear()
    assert answers(4) == [0, 1, 2, 3]
    assert len(made) == 4
    assert len(bundles(cache)) == 2


def test_a_program_of_which_a_part_is_loaded_reads_the_same_file(cache, made):
    answers(3)
    jit._modules.clear()
    codes()[1].address()
    assert answers() == [0, 1, 2]
    assert len(bundles(cache)) == 1
    assert len(made) == 3


@pytest.mark.parametrize("damage", ["truncate", "header", "flip", "empty", "longer", "format"])
def test_a_damaged_bundle_is_made_again(cache, made, damage):
    answers()
    (path,) = bundles(cache)
    whole = path.read_bytes()
    data = bytearray(whole)
    if damage == "truncate":
        del data[-100:]
    elif damage == "header":
        del data[20:]
    elif damage == "flip":
        data[len(data) // 2] ^= 1
    elif damage == "empty":
        data.clear()
    elif damage == "longer":
        data += b"\0"
    else:
        data[8] ^= 1
    for other in cache.iterdir():
        other.unlink()
    path.write_bytes(data)
    jit._modules.clear()
    assert answers() == [0, 1, 2]
    assert len(made) == 6
    assert path.read_bytes() == whole


def test_a_bundle_of_another_version_or_processor_is_not_read(cache, made, monkeypatch):
    answers()
    for owner, name in ((disk, "version"), (disk.cpu, "fingerprint")):
        monkeypatch.setattr(owner, name, lambda: "another")
        jit._modules.clear()
        assert answers() == [0, 1, 2]
    assert len(made) == 9
    assert len(bundles(cache)) == 3


def test_threads_make_the_code_that_one_thread_makes(cache, monkeypatch):
    monkeypatch.setattr(jit.cpu, "processors", lambda: 1)
    alone = jit._compiled(codes(8))
    monkeypatch.setattr(jit.cpu, "processors", lambda: 4)
    assert jit._compiled(codes(8)) == alone


def test_an_error_of_a_thread_is_raised(cache, monkeypatch):
    monkeypatch.setattr(jit.cpu, "processors", lambda: 2)
    wrong = jit.Code("test wrong", lambda: "not LLVM at all", "answer")
    with pytest.raises(curta.errors.CompilerError, match="LLVM rejects the text"):
        jit.load_all([*codes(1), wrong])
    assert answers() == [0, 1, 2]


def test_only_kernels_that_run_are_compiled(cache, made):
    """Neither operators that were fused nor attempts at fusing them."""
    function = curta.compile(lambda x: ((x * 2 + 1).exp().sum(1) / 3).tanh())
    x = curta.ones(7, 1031)
    made.clear()
    function(x)
    assert len(made) == len({code.key for node in function.program.graph.nodes for code in node.call.codes})


def test_a_full_disk_is_no_cache(cache, monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "replace", full)
    assert answers() == [0, 1, 2]
    assert list(cache.iterdir()) == []


def test_a_directory_that_cannot_be_made_is_no_cache(cache, tmp_path, monkeypatch):
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setenv("CURTA_CACHE_DIR", str(tmp_path / "file" / "below"))
    assert answers() == [0, 1, 2]


def keep(name, size, used):
    """A file of the cache with so many bytes of content, last used at second `used`."""
    path = disk.path_of(name)
    disk.write(path, bytes(size))
    os.utime(path, (used, used))
    return path


def test_what_was_used_least_recently_goes_first(cache, monkeypatch):
    monkeypatch.setenv("CURTA_CACHE_LIMIT", "4000")
    first, second, third = (keep(name, 1000, used) for used, name in enumerate(("a", "b", "c"), 1))
    assert disk.read(first) is not None  # now it is the newest
    fourth = keep("d", 1000, 4)
    assert not second.exists()  # 4 files and their headers are more than the limit; 3 leave a tenth free
    assert all(path.exists() for path in (first, third, fourth))
    assert disk.cache_bytes() <= 3600


def test_the_directory_is_looked_through_only_when_it_must_be(cache, monkeypatch):
    looked = []
    files = disk._files
    monkeypatch.setattr(disk, "_files", lambda directory: looked.append(directory) or files(directory))
    for number in range(10):
        keep(str(number), 10, number)
    assert len(looked) == 1


def test_files_that_are_not_the_cache_s_stay(cache, monkeypatch):
    monkeypatch.setenv("CURTA_CACHE_LIMIT", "1500")
    keep("a", 1000, 1)
    (cache / "notes.txt").write_text("mine" * 1000)
    keep("b", 1000, 2)
    assert (cache / "notes.txt").exists()
    assert not disk.path_of("a").exists()


def test_what_is_larger_than_the_limit_is_not_written(cache, monkeypatch):
    monkeypatch.setenv("CURTA_CACHE_LIMIT", "100")
    disk.write(disk.path_of("a"), bytes(101))
    assert not cache.exists()
    assert answers() == [0, 1, 2]


def test_the_limit_must_be_a_number_of_bytes(monkeypatch):
    monkeypatch.delenv("CURTA_CACHE_LIMIT", raising=False)
    assert disk.cache_limit() == 1 << 30
    monkeypatch.setenv("CURTA_CACHE_LIMIT", "2G")
    with pytest.raises(ArgumentError, match=r"CURTA_CACHE_LIMIT: expected a number of bytes, got '2G'"):
        disk.cache_limit()


STEP = """
import curta
from curta.runtime import jit
made = []
module = jit._module
jit._module = lambda *given: made.append(1) or module(*given)
curta.manual_seed(1)
model = curta.nn.Sequential(curta.nn.Linear(20, 30), curta.nn.GELU(), curta.nn.Linear(30, 5))
optimizer = curta.optim.AdamW(model.parameters())
@curta.compile
def step(x):
    optimizer.zero_grad()
    loss = model(x).square().mean()
    loss.backward()
    optimizer.step()
    return loss
x = curta.randn(6, 20)
print([float(step(x)).hex() for _ in range(3)], len(made))
"""


def started(directory, threads="2"):
    variables = os.environ | {"PYTHONPATH": SOURCE, "CURTA_CACHE_DIR": str(directory), "CURTA_NUM_THREADS": threads}
    for name in ("CURTA_CACHE", "CURTA_CACHE_LIMIT"):
        variables.pop(name, None)
    return subprocess.Popen([sys.executable, "-c", STEP], env=variables, stdout=subprocess.PIPE, text=True)


def finished(process):
    losses, _, made = process.communicate(timeout=120)[0].strip().rpartition(" ")
    assert process.returncode == 0
    return losses, int(made)


def test_a_second_process_compiles_nothing_and_computes_the_same(tmp_path):
    cold, compiled = finished(started(tmp_path))
    assert compiled > 0
    assert finished(started(tmp_path)) == (cold, 0)
    assert finished(started(tmp_path, threads="1")) == (cold, 0)


def test_processes_that_write_at_once(tmp_path):
    found = [finished(process)[0] for process in [started(tmp_path) for _ in range(3)]]
    assert found == [found[0]] * 3
    assert all(disk.read(path) is not None for path in tmp_path.iterdir())
    assert finished(started(tmp_path)) == (found[0], 0)
