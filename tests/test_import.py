"""`import curta` is cheap: it leaves the large packages until something of theirs is used."""

from __future__ import annotations

import subprocess
import sys
from importlib import import_module

import pytest

from curta.lazy import LazyModule

HEAVY = ("numpy", "ml_dtypes", "llvmlite", "matplotlib", "rich", "safetensors")


def _run(program: str) -> str:
    return subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout.strip()


def test_importing_curta_loads_no_large_package() -> None:
    assert _run(f"import sys, curta; print([name for name in {HEAVY} if name in sys.modules])") == "[]"


def test_comparing_with_what_is_no_number_works_before_numpy_is_loaded() -> None:
    assert _run("import curta; print(curta.ones(2) == 'x', curta.ones(2) == 1)") == "False tensor([True, True])"


def test_numpy_numbers_are_operands() -> None:
    program = "import curta, numpy; print(curta.ones(2) + numpy.float64(1), curta.ones(2) * numpy.int64(3))"
    assert _run(program) == "tensor([2., 2.]) tensor([3., 3.])"


def test_a_lazy_module_gives_what_the_module_has() -> None:
    assert LazyModule("math").pi == 3.141592653589793
    assert repr(LazyModule("math")) == "<lazy math>"
    with pytest.raises(AttributeError, match="module 'math' has no attribute 'nothing'"):
        _ = LazyModule("math").nothing


def test_models_and_data_are_there_when_they_are_asked_for() -> None:
    program = "import curta; print(curta.models.GPT.__name__, curta.data.DataLoader is curta.utils.data.DataLoader)"
    assert _run(program) == "GPT True"
    program = "import sys, curta; before = 'curta.models' in sys.modules; print(before, curta.report.__name__)"
    assert _run(program) == "False curta.report"


@pytest.mark.parametrize("name", ["curta", "curta.data"])
def test_a_module_does_not_have_what_it_does_not_have(name: str) -> None:
    with pytest.raises(AttributeError, match=f"module '{name}' has no attribute 'nothing'"):
        _ = import_module(name).nothing


@pytest.mark.parametrize("name", ["complex64", "fft", "view_as_complex"])
def test_what_is_left_out_says_so(name: str) -> None:
    message = f"module 'curta' has no attribute '{name}': Curta has no complex numbers and no Fourier transforms"
    with pytest.raises(AttributeError, match=message):
        getattr(import_module("curta"), name)
