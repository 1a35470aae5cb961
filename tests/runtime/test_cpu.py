"""The processor's level: what it reports, and how CURTA_CPU lowers it."""

import pytest

from curta.runtime import cpu

REPORT = """
from curta.runtime import cpu
print(cpu.level(), cpu.vector_bytes(), cpu.fingerprint(), *(name for name in {names} if cpu.has(name)))
"""
NAMES = ["sse2", "avx2", "fma", "avx512f", "avx512vl", "avx512bf16", "amx-tile", "amx-bf16", "amx-fp16"]
#: what each level may at most have of NAMES, written down by hand
ALLOWED = {
    "portable": {"sse2"},
    "avx2": {"sse2", "avx2", "fma"},
    "avx512": {"sse2", "avx2", "fma", "avx512f", "avx512vl"},
    "avx512bf16": {"sse2", "avx2", "fma", "avx512f", "avx512vl", "avx512bf16"},
    "amx": set(NAMES) - {"amx-fp16"},
    "amxfp16": set(NAMES),
}
VECTOR_BYTES = {"portable": 16, "avx2": 32, "avx512": 64, "avx512bf16": 64, "amx": 64, "amxfp16": 64}

x86_only = pytest.mark.skipif(not cpu.is_x86(), reason="levels above portable are of x86-64 only")


def reachable() -> list[str]:
    return list(cpu.LEVELS[: cpu.LEVELS.index(cpu._host_levels()[-1]) + 1])


@x86_only
@pytest.mark.parametrize("level", cpu.LEVELS)
def test_a_forced_level_switches_off_what_is_above(level, run_script):
    if level not in reachable() or (level in ("amx", "amxfp16") and not cpu._tiles_are_granted()):
        pytest.skip(f"this machine does not reach {level}")
    found, width, _, *features = run_script(REPORT.format(names=NAMES), CURTA_CPU=level).split()
    assert found == level
    assert int(width) == VECTOR_BYTES[level]
    assert set(features) <= ALLOWED[level]


@x86_only
def test_levels_differ_in_their_fingerprints(run_script):
    levels = [level for level in reachable() if level not in ("amx", "amxfp16")]
    prints = {run_script(REPORT.format(names=NAMES), CURTA_CPU=level).split()[2] for level in levels}
    assert len(prints) == len(levels)


def test_an_unknown_level_is_an_error(run_script):
    script = """
from curta.errors import ArgumentError
from curta.runtime import cpu
try:
    cpu.level()
except ArgumentError as error:
    print(error)
"""
    expected = "CURTA_CPU: expected one of portable, avx2, avx512, avx512bf16, amx, amxfp16, got 'sse9'"
    assert run_script(script, CURTA_CPU="sse9") == expected


def test_a_level_above_the_machine_is_an_error(monkeypatch):
    monkeypatch.setattr(cpu, "_host_levels", lambda: ["portable", "avx2"])
    monkeypatch.setenv("CURTA_CPU", "avx512")
    cpu.level.cache_clear()
    with pytest.raises(ValueError, match="CURTA_CPU: avx512 is above what this machine can run"):
        cpu.level()
    monkeypatch.undo()
    cpu.level.cache_clear()


@x86_only
def test_code_of_a_lower_level_runs(run_script):
    script = """
import ctypes
from curta.runtime import jit
text = '''define double @sum(ptr %p) {
  %v = load <8 x double>, ptr %p, align 8
  %s = call double @llvm.vector.reduce.fadd.v8f64(double 0.0, <8 x double> %v)
  ret double %s
}
declare double @llvm.vector.reduce.fadd.v8f64(double, <8 x double>)'''
sum8 = ctypes.CFUNCTYPE(ctypes.c_double, ctypes.c_void_p)(jit.cached(text, lambda: text, "sum"))
data = (ctypes.c_double * 8)(1, 2, 3, 4, 5, 6, 7, 8)
print(sum8(ctypes.addressof(data)))
"""
    assert run_script(script, CURTA_CPU="portable") == "36.0"
    assert run_script(script, CURTA_CPU=reachable()[-1]) == "36.0"


@pytest.mark.parametrize(
    ("text", "expected"), [("1024K\n", 1 << 20), ("2M", 2 << 20), ("", 512 << 10), ("0K", 512 << 10), ("12", 512 << 10)]
)
def test_the_second_cache_is_what_the_system_says(text, expected, tmp_path, monkeypatch):
    (tmp_path / "size").write_text(text)
    monkeypatch.setattr(cpu, "_SECOND_CACHE", tmp_path / "size")
    assert cpu.second_cache_bytes.__wrapped__() == expected


def test_the_second_cache_where_the_system_says_nothing(tmp_path, monkeypatch):
    monkeypatch.setattr(cpu, "_SECOND_CACHE", tmp_path / "absent")
    assert cpu.second_cache_bytes.__wrapped__() == 512 << 10


def test_results_do_not_depend_on_how_many_processors_a_product_is_cut_for(run_script):
    script = """
import hashlib
import curta
curta.manual_seed(0)
made = [curta.randn(150, 600) @ curta.randn(600, 200), curta.randn(600, 150).T @ curta.randn(200, 600).T]
print(hashlib.sha256(b"".join(one.numpy().tobytes() for one in made)).hexdigest())
"""
    assert run_script(script, CURTA_NUM_THREADS="1") == run_script(script, CURTA_NUM_THREADS="11")
