"""This processor's peak: measured once, kept for the same processor, threads and sources, and by nothing disturbed."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest

import curta
from curta.costs import measure, processor
from curta.errors import DTypeError
from curta.runtime import disk, machine


@pytest.fixture
def measured(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What was measured, with figures in place of measurements, a machine that is quiet, and an empty cache."""
    names: list[str] = []

    def matmul(dtype: curta.dtype) -> measure.MatmulPeak:
        names.append(dtype.name)
        curta.rand(2)  # as the real one
        return measure.MatmulPeak(1e9 * len(names), 1024, dtype, curta.get_num_threads())

    def copy(nbytes: int) -> float:
        names.append(f"copy of {nbytes}")
        return 1e8 * len(names)

    monkeypatch.setattr(measure, "matmul_peak", matmul)
    monkeypatch.setattr(measure, "copy_peak", copy)
    monkeypatch.setattr(processor, "_measured", {})
    monkeypatch.setattr(processor, "QUIET", 0.0)
    monkeypatch.setattr(machine, "last_cache_bytes", lambda: 1 << 20)
    monkeypatch.setenv("CURTA_CACHE_DIR", str(tmp_path))
    monkeypatch.delenv("CURTA_CACHE", raising=False)
    return names


@pytest.fixture
def threads() -> Iterator[None]:
    before = curta.get_num_threads()
    yield
    curta.set_num_threads(before)


def forget(monkeypatch: pytest.MonkeyPatch) -> None:
    """As a new process would begin."""
    monkeypatch.setattr(processor, "_measured", {})


COPY = "copy of 67108864"


def test_it_is_measured_once_and_kept(measured, monkeypatch):
    first = curta.peak("cpu", curta.float32)
    assert measured == ["float32", COPY]
    assert (first.flops_per_second, first.bytes_per_second) == (1e9, 2e8)
    forget(monkeypatch)
    assert curta.peak(curta.device("cpu"), "float32") == first
    assert curta.peak("CPU:0", "float32") == first
    assert measured == ["float32", COPY]
    assert curta.peak("cpu", curta.bfloat16).flops_per_second == 3e9
    assert measured == ["float32", COPY, "bfloat16"]


def test_it_is_measured_again_when_asked(measured, monkeypatch):
    curta.peak("cpu", curta.float32)
    again = curta.peak("cpu", curta.float32, remeasure=True)
    assert (again.flops_per_second, again.bytes_per_second) == (3e9, 4e8)
    forget(monkeypatch)
    assert curta.peak("cpu", curta.float32) == again


def test_other_threads_processors_and_sources_are_measured_by_themselves(measured, monkeypatch, threads):
    curta.set_num_threads(2)
    curta.peak("cpu", curta.float32)
    curta.set_num_threads(1)
    curta.peak("cpu", curta.float32)
    assert len(measured) == 4
    monkeypatch.setattr(machine, "model", lambda: "another processor")
    assert curta.peak("cpu", curta.float32).name == "another processor"
    assert len(measured) == 6
    forget(monkeypatch)
    monkeypatch.setattr(disk, "version", lambda: "another version")
    curta.peak("cpu", curta.float32)
    assert len(measured) == 8


def test_a_figure_from_a_busy_machine_is_for_this_process_only(measured, monkeypatch, tmp_path):
    monkeypatch.setattr(processor, "QUIET", 1e9)
    found = curta.peak("cpu", curta.float32)
    assert found.notes == ("measured while other programs ran, so it may be too low, and is not kept",)
    assert not [path for path in tmp_path.iterdir() if path.suffix == disk.FIGURE]
    assert curta.peak("cpu", curta.float32) == found
    forget(monkeypatch)
    curta.peak("cpu", curta.float32)
    assert measured == ["float32", COPY] * 2


def test_without_a_cache_it_is_measured_by_each_process(measured, monkeypatch):
    monkeypatch.setenv("CURTA_CACHE", "0")
    curta.peak("cpu", curta.float32)
    forget(monkeypatch)
    curta.peak("cpu", curta.float32)
    assert measured == ["float32", COPY] * 2


def test_a_damaged_file_is_measured_again(measured, monkeypatch, tmp_path):
    curta.peak("cpu", curta.float32)
    for path in tmp_path.iterdir():
        if path.suffix == disk.FIGURE:
            path.write_bytes(path.read_bytes()[:-1])
    forget(monkeypatch)
    curta.peak("cpu", curta.float32)
    assert measured == ["float32", COPY] * 2


def test_kept_figures_count_as_the_caches(measured):
    curta.peak("cpu", curta.float32)
    assert disk.cache_bytes() > 0


def test_measuring_disturbs_nothing(measured):
    curta.manual_seed(1)
    expected = curta.rand(3).tolist()
    curta.manual_seed(1)
    with curta.account() as books, curta.autocast("cpu"):
        curta.peak("cpu", curta.float64)
        assert curta.rand(3).tolist() == expected
        curta.peak("cpu", curta.float64)
    assert books.by_op().keys() <= {"rand", "uniform"}


def test_other_formats_are_refused(measured):
    with pytest.raises(DTypeError) as caught:
        curta.peak("cpu", "tf32")
    assert str(caught.value) == (
        "peak: this processor's matmul is measured in float64, float32, float16, bfloat16, not in tf32"
    )
    with pytest.raises(DTypeError, match="not in int8"):
        curta.peak("cpu", curta.int8)


def test_more_is_copied_than_caches_hold(measured, monkeypatch):
    for cache, copied in ((100 << 20, 200 << 20), (1 << 30, 512 << 20)):
        monkeypatch.setattr(machine, "last_cache_bytes", lambda cache=cache: cache)
        processor.copy(remeasure=True)
        assert measured[-1] == f"copy of {copied}"


def test_what_clock_and_instructions_allow(measured, monkeypatch, threads):
    curta.set_num_threads(2)
    monkeypatch.setattr(machine, "clock_hertz", lambda: 3e9)
    monkeypatch.setattr(machine, "cores", lambda: 2)
    monkeypatch.setattr(machine, "flops_a_cycle", lambda dtype: {"float32": 32}.get(dtype))
    assert curta.peak("cpu", "float32").theoretical_flops_per_second == 2 * 3e9 * 32
    assert curta.peak("cpu", "float64").theoretical_flops_per_second is None
    monkeypatch.setattr(machine, "cores", lambda: 1)  # two threads on one core share its units
    assert curta.peak("cpu", "float32").theoretical_flops_per_second == 3e9 * 32


def test_a_real_measurement(tmp_path, monkeypatch):
    monkeypatch.setattr(processor, "_measured", {})
    monkeypatch.setenv("CURTA_CACHE_DIR", str(tmp_path))
    real = measure.matmul_peak
    monkeypatch.setattr(measure, "matmul_peak", lambda dtype: real(dtype, sizes=(64,), seconds=0.01))
    monkeypatch.setattr(measure, "copy_peak", lambda nbytes: 1e9)
    found = curta.peak("cpu", curta.float32)
    assert found.flops_per_second > 1e6
    assert found.source.startswith("measured on 20")
    assert "a matmul of 64³ on " in found.source
    assert found.scope == "machine"


def test_a_quiet_machine_is_told_from_a_busy_one(monkeypatch):
    times = SimpleNamespace(perf_counter=iter([0.0, 10.0]).__next__, process_time=iter([0.0, 0.0]).__next__)
    for worked, quiet in ((20.0, True), (17.1, True), (16.9, False)):
        times.perf_counter, times.process_time = iter([0.0, 10.0]).__next__, iter([0.0, worked]).__next__
        monkeypatch.setattr(processor, "time", times)
        monkeypatch.setattr(machine, "allowed_processors", lambda: (0, 1))
        monkeypatch.setattr("curta.runtime.native.get_num_threads", lambda: 2)
        assert processor._timed(lambda: (1.0, "nothing")).quiet is quiet
