"""Switches that PyTorch has, backends that Curta has not, numbers by name, and the older name of tensors."""

from __future__ import annotations

import importlib
import math
from collections.abc import Iterator
from typing import Any

import pytest

import curta
from curta.errors import ArgumentError, ArgumentTypeError, AutogradError, CurtaWarning, UnsupportedError


@pytest.fixture(autouse=True)
def as_before() -> Iterator[None]:
    yield
    curta.set_float32_matmul_precision("highest")
    curta.set_deterministic_debug_mode(0)
    curta.set_num_interop_threads(1)


def test_precision_of_products() -> None:
    assert curta.get_float32_matmul_precision() == "highest"
    curta.set_float32_matmul_precision("medium")
    with pytest.warns(
        CurtaWarning, match=r"^foo is not one of 'highest', 'high', or 'medium'; the current call has no"
    ):
        curta.set_float32_matmul_precision("foo")
    assert curta.get_float32_matmul_precision() == "medium"


def test_deterministic_algorithms() -> None:
    def state() -> tuple[bool, bool, int]:
        return (
            curta.are_deterministic_algorithms_enabled(),
            curta.is_deterministic_algorithms_warn_only_enabled(),
            curta.get_deterministic_debug_mode(),
        )

    assert state() == (False, False, 0)
    curta.use_deterministic_algorithms(True)
    assert state() == (True, False, 2)
    curta.use_deterministic_algorithms(True, warn_only=True)
    assert state() == (True, True, 1)
    curta.set_deterministic_debug_mode("error")
    assert state() == (True, False, 2)
    for wrong, message in (
        ("foo", "expected one of `default`, `warn`, `error`, but got foo"), (3, "expected 0, 1, or 2, but got 3"),
    ):  # fmt: skip
        with pytest.raises(ArgumentError) as caught:
            curta.set_deterministic_debug_mode(wrong)
        assert str(caught.value) == f"invalid value of debug_mode, {message}"


def test_threads_and_small_numbers() -> None:
    assert curta.get_num_interop_threads() == 1
    curta.set_num_interop_threads(3)
    assert curta.get_num_interop_threads() == 3
    with pytest.raises(ArgumentError, match=r"^set_num_interop_threads expects a positive integer$"):
        curta.set_num_interop_threads(0)
    with pytest.raises(ArgumentTypeError, match=r"^set_num_interop_threads expects an int, but got float$"):
        curta.set_num_interop_threads(1.0)  # type: ignore[arg-type]
    assert curta.set_flush_denormal(False)
    assert not curta.set_flush_denormal(True)
    assert (curta.tensor(1e-39) * 1).item() == curta.tensor(1e-39).item() != 0


@pytest.mark.parametrize("name", ["cudnn", "mkl", "mkldnn", "mps", "openmp"])
def test_backends(name: str) -> None:
    backend = importlib.import_module(f"curta.backends.{name}")
    assert backend is getattr(curta.backends, name)
    assert not backend.is_available()


def test_further_questions() -> None:
    assert curta.backends.cudnn.enabled
    assert not curta.backends.cudnn.benchmark
    assert curta.backends.cudnn.version() is None
    assert not curta.backends.cuda.is_built()
    assert not curta.backends.mps.is_built()
    assert not curta.backends.cuda.matmul.allow_tf32
    assert curta.backends.cpu.get_cpu_capability() in ("DEFAULT", "AVX2", "AVX512")
    curta.cuda.manual_seed(1)
    curta.cuda.manual_seed_all(1)
    curta.cuda.empty_cache()
    assert not curta.cuda.is_initialized()
    assert [one.is_available() for one in (curta.accelerator, curta.mps, curta.xpu)] == [False] * 3
    assert [one.device_count() for one in (curta.accelerator, curta.mps, curta.xpu)] == [0] * 3
    assert curta.accelerator.current_accelerator() is None
    assert curta.GradScaler is curta.amp.GradScaler
    with pytest.raises(AssertionError, match=r"^Torch not compiled with CUDA enabled"):
        curta.nn.Linear(1, 1).cuda()


def test_switches_that_are_remembered() -> None:
    """As PyTorch's: what `flags` does not say is its default inside, and as before afterwards."""
    cudnn, mkldnn, cuda, mha = (getattr(curta.backends, name) for name in ("cudnn", "mkldnn", "cuda", "mha"))
    cudnn.benchmark = True
    with cudnn.flags(deterministic=True):
        assert (cudnn.enabled, cudnn.benchmark, cudnn.deterministic) == (False, False, True)
    assert (cudnn.enabled, cudnn.benchmark, cudnn.deterministic) == (True, True, False)
    assert cudnn.set_flags(_benchmark=False) == (True, True, 10, False, True)
    assert not cudnn.benchmark
    assert not cudnn.is_acceptable(curta.ones(1))
    with mkldnn.flags():
        assert not mkldnn.enabled
    assert mkldnn.set_flags() == (True, False)
    for name in ("flash", "math", "mem_efficient", "cudnn"):
        asked, told = getattr(cuda, f"{name}_sdp_enabled"), getattr(cuda, f"enable_{name}_sdp")
        assert asked()
        with cuda.sdp_kernel(**{f"enable_{name}": False}):
            assert not asked()
        assert asked()
        told(False)
        assert not asked()
        told(True)
    cuda.matmul.allow_tf32 = True
    cuda.matmul.allow_tf32 = False
    with pytest.raises(AttributeError):
        cuda.matmul.foo = 1
    mha.set_fastpath_enabled(False)
    assert not mha.get_fastpath_enabled()
    mha.set_fastpath_enabled(True)


def test_numbers() -> None:
    assert (curta.pi, curta.e, curta.inf) == (math.pi, math.e, math.inf)
    assert math.isnan(curta.nan)
    assert curta.ones(2)[:, curta.newaxis].shape == (2, 1)


def test_forked_streams() -> None:
    curta.manual_seed(1)
    with curta.random.fork_rng():
        first = curta.rand(2)
        curta.manual_seed(5)
    assert curta.rand(2).equal(first)
    curta.manual_seed(1)
    with curta.random.fork_rng(enabled=False):
        curta.rand(2)
    assert not curta.rand(2).equal(first)

    @curta.compile
    def inside(x: Any) -> Any:
        with curta.random.fork_rng():
            return x + curta.rand(2)

    with pytest.raises(UnsupportedError, match=r"^fork_rng\(\) is not supported in functions that are compiled or pla"):
        inside(first)


def test_variables() -> None:
    x = curta.ones(2, requires_grad=True)
    made = curta.autograd.Variable(x * 2, requires_grad=True)
    assert made.is_leaf
    assert isinstance(made, curta.autograd.Variable)
    assert isinstance(x, curta.autograd.Variable)
    assert not isinstance(2, curta.autograd.Variable)
    assert curta.autograd.Variable(x).data_ptr() == x.data_ptr()
    assert curta.autograd.Variable().shape == (0,)
    made.sum().backward()
    assert (made.grad.tolist(), x.grad) == ([1, 1], None)
    with pytest.raises(ArgumentTypeError, match=r"^Variable data has to be a tensor, but got list$"):
        curta.autograd.Variable([1])
    with pytest.raises(AutogradError, match=r"^Only Tensors of floating point and complex dtype can require gradients"):
        curta.autograd.Variable(curta.ones(1).long(), True)
