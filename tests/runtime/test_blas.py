"""The BLAS that NumPy has loaded, the setting, and what both say where something is wrong."""

from __future__ import annotations

import ctypes
import re
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from curta.compiler.matmul import choice
from curta.compiler.matmul.blas import Shape
from curta.compiler.matmul.choice import Table, Timing
from curta.errors import ArgumentError, CurtaWarning
from curta.runtime import blas


@pytest.fixture(autouse=True)
def looked_for_again(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    """Nothing is remembered of before, and the cache is the test's own."""
    monkeypatch.setenv("CURTA_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.delenv("CURTA_CACHE", raising=False)
    every = (blas.setting, blas.library, blas.usable, choice._used_table)
    for function in every:
        function.cache_clear()
    yield
    for function in every:
        function.cache_clear()


def test_the_setting(monkeypatch: pytest.MonkeyPatch) -> None:
    for given, wanted in ((None, "0"), ("", "0"), ("0", "0"), ("1", "1"), ("auto", "auto")):
        monkeypatch.delenv("CURTA_BLAS", raising=False)
        if given is not None:
            monkeypatch.setenv("CURTA_BLAS", given)
        blas.setting.cache_clear()
        assert blas.setting() == wanted
    monkeypatch.setenv("CURTA_BLAS", "yes")
    blas.setting.cache_clear()
    with pytest.raises(ArgumentError, match=r"^CURTA_BLAS: expected one of 0, 1, auto, got 'yes'$"):
        choice.current()


@pytest.mark.skipif(blas.library() is None, reason="NumPy has no OpenBLAS here")
def test_numpys_own_is_found() -> None:
    loaded = blas._loaded()
    for before, behind in blas._NAMES:
        getattr(loaded, f"{before}openblas_set_num_threads{behind}", lambda count: None)(2)
    blas.usable.cache_clear()
    found = blas.usable()
    assert re.match(r"OpenBLAS \d", found.name)
    assert found.integer_bits in (32, 64)
    assert found.function("float64")
    assert found.function("bfloat16") is None
    counts = [
        getattr(loaded, f"{before}openblas_get_num_threads{behind}", lambda: None)() for before, behind in blas._NAMES
    ]
    assert [count for count in counts if count is not None] == [1]
    before = np.ones((300, 200)) @ np.ones((200, 100))
    assert (before == 200).all()


class Loaded:
    """What a library exports: functions by name; each is asked for by attribute, as ctypes does."""

    def __init__(self, names: list[str], config: bytes) -> None:
        self.threads: list[int] = []
        self._keep: dict[str, Any] = {}
        for name in names:
            if "get_config" in name:
                self._keep[name] = ctypes.CFUNCTYPE(ctypes.c_char_p)(lambda: ctypes.addressof(self._config))
                self._config = ctypes.create_string_buffer(config)
            elif "set_num_threads" in name:
                self._keep[name] = lambda count: self.threads.append(count.value)
            else:
                self._keep[name] = ctypes.CFUNCTYPE(None)(lambda: None)

    def __getattr__(self, name: str) -> Any:
        try:
            return self.__dict__["_keep"][name]
        except KeyError:
            raise AttributeError(name) from None


@pytest.mark.parametrize("names", blas._NAMES, ids=str)
def test_any_build_of_openblas(names: tuple[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    before, behind = names
    words = [
        "cblas_sgemm", "cblas_dgemm", "openblas_get_config", "openblas_set_num_threads"
    ]  # fmt: skip
    config = b"OpenBLAS 0.3.30  USE64BITINT DYNAMIC_ARCH " if behind else b"OpenBLAS 0.3.30 DYNAMIC_ARCH"
    loaded = Loaded([f"{before}{word}{behind}" for word in words], config)
    monkeypatch.setattr(blas, "_loaded", lambda: loaded)
    found = blas.usable()
    assert found.integer_bits == (64 if behind else 32)
    assert found.name.startswith("OpenBLAS 0.3.30 ")
    assert "  " not in found.name
    assert all(found.function(name) for name in ("float32", "float64"))
    assert loaded.threads == [1]


@pytest.mark.parametrize("setting", ["1", "auto"])
def test_no_blas(setting: str, monkeypatch: pytest.MonkeyPatch) -> None:
    # another BLAS, or half of one
    loaded = Loaded(["cblas_sgemm", "cblas_dgemm", "scipy_cblas_sgemm64_", "scipy_openblas_get_config64_"], b"OpenBLAS")
    monkeypatch.setattr(blas, "_loaded", lambda: loaded)
    monkeypatch.setenv("CURTA_BLAS", setting)
    assert blas.library() is None
    if setting == "auto":  # there can be no table
        with pytest.warns(CurtaWarning, match="no measured table is kept"):
            assert choice.current() is None
        return
    expected = "CURTA_BLAS: NumPy has no OpenBLAS here that Curta could call; CURTA_BLAS=0 uses Curta's own kernels"
    with pytest.raises(ArgumentError, match=f"^{expected}$"):
        choice.current()


@pytest.mark.skipif(blas.library() is None, reason="NumPy has no OpenBLAS here")
def test_auto_without_a_table_and_with_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CURTA_BLAS", "auto")
    expected = (
        "CURTA_BLAS=auto: no measured table is kept for this processor, BLAS and Curta, so Curta's own kernels are "
        "used; measure one with: curta doctor --products"
    )
    with pytest.warns(CurtaWarning, match=f"^{expected}$"):
        assert choice.current() is None
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # said once
        assert choice.current() is None
    wide, narrow = Shape("float32", "k", "column", 64, 1024, 64), Shape("float32", "k", "column", 64, 16, 64)
    table = Table(blas.usable().name, "2026-01-31", 2, (Timing(wide, 2e-3, 1e-3), Timing(narrow, 1e-3, 1e-3)))
    assert choice.keep(table)
    choice._used_table.cache_clear()
    used = choice.current()
    assert used is not None
    assert used.library == blas.usable()
    assert [used.wanted(wide._replace(N=N)) for N in (100, 200)] == [False, True]


def test_a_table_is_not_kept_without_a_cache(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CURTA_CACHE", "0")
    library = blas.library()
    assert not choice.keep(Table("" if library is None else library.name, "2026-01-31", 2, ()))


def test_the_nearest_product_decides() -> None:
    def timing(ratio: float, *shape: Any) -> Timing:
        return Timing(Shape(*shape), ratio, 1.0)

    table = Table("", "", 2, (
        timing(1.0, "float32", "k", "column", 16, 16, 16), timing(2.0, "float32", "k", "column", 256, 16, 16),
        timing(2.0, "float32", "k", "k", 16, 16, 16), timing(1.04, "float32", "k", "k", 16, 256, 16),
        timing(1.05, "float32", "k", "k", 16, 16, 256),
    ))  # fmt: skip
    wanted = {
        ("float32", "k", "column", 60, 16, 16): False, ("float32", "k", "column", 70, 16, 16): True,
        ("float32", "k", "column", 9000, 3, 3): True, ("float32", "k", "k", 1, 1, 1): True,
        ("float32", "k", "k", 16, 200, 20): False, ("float32", "k", "k", 20, 20, 200): True,
        # how the operands lie counts before their sizes
        ("float32", "row", "k", 16, 300, 16): False, ("float32", "row", "column", 16, 16, 300): False,
        ("float64", "k", "k", 16, 16, 16): False,
    }  # fmt: skip
    assert {shape: table.wants_blas(Shape(*shape)) for shape in wanted} == wanted
