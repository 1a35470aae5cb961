"""What the system says of the machine, from files as Linux writes them, and the FLOPs a cycle worked out by hand."""

from __future__ import annotations

from pathlib import Path

import pytest

from curta.runtime import cpu, machine

CPUINFO = """processor\t: 0
vendor_id\t: AuthenticAMD
cpu family\t: 25
model name\t: AMD EPYC 7763 64-Core Processor

processor\t: 1
model name\t: another
"""


@pytest.fixture
def system(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(machine, "CPUINFO", tmp_path / "cpuinfo")
    monkeypatch.setattr(machine, "SYSTEM", tmp_path)
    return tmp_path


def write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def test_the_first_processor_is_named(system, monkeypatch):
    write(system / "cpuinfo", CPUINFO)
    monkeypatch.setattr(machine, "processor", machine.processor.__wrapped__)
    assert machine.processor()["cpu family"] == "25"
    assert machine.model() == "AMD EPYC 7763 64-Core Processor"


def test_a_system_that_says_nothing(system, monkeypatch):
    monkeypatch.setattr(machine, "processor", machine.processor.__wrapped__)
    monkeypatch.setattr(machine, "allowed_processors", lambda: (0, 1, 2))
    assert machine.processor() == {}
    assert machine.model() != ""
    assert machine.caches.__wrapped__() == ()
    assert machine.cores.__wrapped__() == 3


def test_processors_that_share_a_core_are_one(system, monkeypatch):
    monkeypatch.setattr(machine, "allowed_processors", lambda: (0, 1, 2, 3))
    for number, siblings in enumerate(("0,2", "1,3", "0,2", "1,3")):
        write(system / f"cpu{number}/topology/thread_siblings_list", siblings + "\n")
    assert machine.cores.__wrapped__() == 2


def test_caches_are_in_order(system):
    for index, level, kind, size in ((3, "3", "Unified", "32M"), (0, "1", "Data", "48K"), (1, "2", "Unified", "x")):
        for name, text in (("level", level), ("type", kind), ("size", size)):
            write(system / f"cpu0/cache/index{index}/{name}", text + "\n")
    assert machine.caches.__wrapped__() == ((1, "data", 48 << 10), (3, "unified", 32 << 20))


@pytest.mark.parametrize(
    ("level", "nbytes", "family", "expected"),
    [
        # vectors × lanes × 2 for a multiply-add: Haswell and Zen 3 do 32 in float32, Skylake server 64, Zen 4 32
        ("avx2", 32, ("GenuineIntel", "6"), {"float32": 32, "float64": 16, "bfloat16": 32, "float16": 32}),
        ("avx2", 32, ("AuthenticAMD", "25"), {"float32": 32, "float64": 16}),
        ("avx512", 64, ("GenuineIntel", "6"), {"float32": 64, "float64": 32, "bfloat16": 64}),
        ("avx512", 64, ("AuthenticAMD", "25"), {"float32": 32, "float64": 16}),
        ("avx512", 64, ("AuthenticAMD", "26"), {"float32": 64, "float64": 32}),
        # pairs of bfloat16: twice float32's on Zen 4 and 5, as much as float32's in Intel's one unit
        ("avx512bf16", 64, ("AuthenticAMD", "25"), {"float32": 32, "bfloat16": 64, "float16": 32}),
        ("avx512bf16", 64, ("AuthenticAMD", "26"), {"float32": 64, "bfloat16": 128}),
        ("avx512bf16", 64, ("GenuineIntel", "6"), {"float32": 64, "bfloat16": 64}),
        ("amx", 64, ("GenuineIntel", "6"), {"float32": 64, "bfloat16": 1024, "float16": 64}),
        ("amxfp16", 64, ("GenuineIntel", "6"), {"float32": 64, "bfloat16": 1024, "float16": 1024}),
        ("portable", 16, ("GenuineIntel", "6"), {"float32": None, "bfloat16": None}),
        ("avx2", 32, ("GenuineIntel", "6"), {"int8": None, "tf32": None}),
    ],
)
def test_flops_a_cycle_by_hand(level, nbytes, family, expected, monkeypatch):
    monkeypatch.setattr(cpu, "level", lambda: level)
    monkeypatch.setattr(cpu, "vector_bytes", lambda: nbytes)
    monkeypatch.setattr(machine, "processor", lambda: dict(zip(("vendor_id", "cpu family"), family, strict=True)))
    assert {dtype: machine.flops_a_cycle(dtype) for dtype in expected} == expected


def test_the_clock_is_that_of_a_processor():
    assert 5e8 < machine.clock_hertz() < 8e9


def test_memory_and_features():
    assert machine.memory_bytes() > 1 << 28
    assert all(cpu.host_features()[name] for name in machine.found_features())
