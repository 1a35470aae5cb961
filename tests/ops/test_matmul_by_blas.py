"""Programs whose products a BLAS does: values, gradients, threads, compiled programs, accounts and plans."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.costs.models import MODELS, step_of
from tests.costs.test_plan import same

import curta
from curta.nn import functional as F
from curta.ops import dispatch
from curta.runtime import blas

pytestmark = pytest.mark.skipif(blas.library() is None, reason="NumPy has no OpenBLAS here")
RNG = np.random.default_rng(3)


@pytest.fixture
def by_blas(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """`CURTA_BLAS=1` for one test."""
    monkeypatch.setattr(blas, "setting", lambda: "1")
    dispatch._CALLS.clear()
    yield
    dispatch._CALLS.clear()


@pytest.fixture(autouse=True)
def same_threads_after() -> Iterator[None]:
    before = curta.get_num_threads()
    yield
    curta.set_num_threads(before)


def kernels() -> list[str]:
    """The product kernels of all operators that are ready."""
    texts = [text.loops.split(",")[0] for call in dispatch._CALLS.values() for text in call.texts]
    return [text for text in texts if text.startswith("matmul")]


def layer(x: Any, weight: Any, bias: Any) -> Any:
    return F.gelu(F.linear(x, weight, bias)).square()


def reference(x: Any, weight: Any, bias: Any) -> Any:
    from math import erf, sqrt

    sums = x @ weight.T + bias
    return (sums * 0.5 * (1 + np.vectorize(erf)(sums / sqrt(2)))) ** 2


def operands(dtype: str) -> tuple[Any, Any, Any]:
    return tuple(RNG.standard_normal(shape).astype(dtype) for shape in ((3, 50, 40), (70, 40), (70,)))


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("compiled", [False, True])
def test_a_layer_and_its_gradients(dtype: str, compiled: bool, by_blas: None) -> None:
    arrays = operands(dtype)
    wide = [array.astype(np.float64) for array in arrays]
    inputs = [curta.from_numpy(array.copy()).requires_grad_() for array in arrays]
    function = curta.compile(layer) if compiled else layer
    for _ in range(2):
        made = function(*inputs)
        found = curta.autograd.grad(made.sum(), inputs)
    tolerance = {"float32": 2e-4, "float64": 1e-12}[dtype]
    np.testing.assert_allclose(made.detach().numpy(), reference(*wide), rtol=tolerance, atol=tolerance)
    for place, gradient in enumerate(found):
        direction = RNG.standard_normal(arrays[place].shape)
        moved = [
            [array + sign * 1e-6 * direction if n == place else array for n, array in enumerate(wide)]
            for sign in (1, -1)
        ]
        slope = (reference(*moved[0]).sum() - reference(*moved[1]).sum()) / 2e-6
        mine = (gradient.numpy().astype(np.float64) * direction).sum()
        assert abs(mine - slope) <= (1e-3 if dtype == "float32" else 1e-6) * np.abs(gradient.numpy()).sum()
    if compiled:
        loops = function.program.loops
        assert "matmul_blas" in loops
        assert "matmul_block" not in loops
    else:
        assert kernels()
        assert all(text.startswith("matmul_blas") for text in kernels())


def test_bits_on_1_2_and_3_threads(by_blas: None) -> None:
    a, b = (curta.from_numpy(RNG.standard_normal(shape).astype(np.float32)) for shape in ((500, 300), (300, 400)))
    found = []
    for count in (1, 2, 3):
        curta.set_num_threads(count)
        found.append([(a @ b).numpy().tobytes(), (a[:1] @ b).numpy().tobytes(), (b.T @ a.T).numpy().tobytes()])
    assert found[0] == found[1] == found[2]


def test_what_it_cannot_read_is_left_to_curta(by_blas: None) -> None:
    a = curta.from_numpy(RNG.standard_normal((30, 40)))
    b = curta.from_numpy(RNG.standard_normal((20, 60)))[:, ::2]
    np.testing.assert_allclose((b @ a).numpy(), b.numpy() @ a.numpy(), rtol=1e-12)
    assert kernels() == ["matmul_block_f64_f64_aany_bcolumn_ccolumn_set_e_" + kernels()[0].split("_set_e_")[1]]
    assert (a.bfloat16() @ a.bfloat16().T).dtype is curta.bfloat16


def test_accounts_are_the_same(by_blas: None, monkeypatch: pytest.MonkeyPatch) -> None:
    inputs = [curta.from_numpy(array).requires_grad_() for array in operands("float32")]

    def books() -> dict[str, Any]:
        with curta.account() as made:
            curta.autograd.grad(layer(*inputs).sum(), inputs)
        return {name: (one.flops, one.bytes_read, one.bytes_written) for name, one in made.by_op().items()}

    by_the_blas = books()
    assert any(text.startswith("matmul_blas") for text in kernels())
    monkeypatch.setattr(blas, "setting", lambda: "0")
    dispatch._CALLS.clear()
    assert books() == by_the_blas
    assert by_the_blas["linear"][0] == 3 * 50 * 70 * (2 * 40 + 1)


@pytest.mark.parametrize("model", MODELS)
def test_a_plan_is_the_run(model: str, by_blas: None) -> None:
    step, data, _ = step_of(model, "adamw", False)
    for _ in range(2):
        planned = curta.plan(step, *data)
        with curta.account(timeline=True) as books:
            step(*data)
        same(planned, books)


SCRIPT = """
import curta
a = curta.arange(12.0).reshape(3, 4)
print((a @ a.T).tolist())
print(curta.compile(lambda x: curta.relu(x @ x.T - 100))(a).tolist())
import os
if os.fork() == 0:  # a child has none of its parent's threads
    print((a @ a.T).sum().item(), flush=True)
    os._exit(0)
os.wait()
"""


@pytest.mark.parametrize("setting", ["0", "1"])
def test_the_variable(setting: str, tmp_path: Path) -> None:
    source = str(Path(curta.__file__).parents[1])
    variables = os.environ | {"PYTHONPATH": source, "CURTA_CACHE_DIR": str(tmp_path), "CURTA_BLAS": setting}
    command = [sys.executable, "-u", "-W", "error", "-c", SCRIPT]
    done = subprocess.run(command, env=variables, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == [
        "[[14.0, 38.0, 62.0], [38.0, 126.0, 214.0], [62.0, 214.0, 366.0]]",
        "[[0.0, 0.0, 0.0], [0.0, 26.0, 114.0], [0.0, 114.0, 266.0]]",
        "1134.0",
    ]
