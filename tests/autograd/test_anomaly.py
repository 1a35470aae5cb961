"""Anomaly detection: NaN of a backward function is an error that shows the forward line, as in PyTorch 2.13."""

from __future__ import annotations

import threading
import warnings
from collections.abc import Iterator
from typing import Any

import pytest

import curta
from curta.errors import AutogradError, CurtaWarning


@pytest.fixture(autouse=True)
def mode_is_restored() -> Iterator[None]:
    yield
    assert not curta.is_anomaly_enabled()
    assert curta.is_anomaly_check_nan_enabled()


def root_of_negative() -> Any:
    x = curta.tensor([1.0, -1.0], requires_grad=True)
    return x.sqrt().sum()  # here


def caught(loss: Any) -> tuple[Exception, str]:
    with pytest.raises((AutogradError, KeyError)) as error, warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        loss.backward()
    assert [one.category for one in told] == [CurtaWarning]
    assert told[0].filename == __file__
    assert error.value.__notes__ == [str(told[0].message)]
    return error.value, str(told[0].message)


def test_the_forward_line_is_shown() -> None:
    with curta.autograd.set_detect_anomaly(True):
        error, told = caught(root_of_negative())
    assert type(error) is AutogradError
    assert str(error) == "Function 'SqrtBackward0' returned nan values in its 0th output."
    assert told.startswith("Error detected in SqrtBackward0. Traceback of forward call that caused the error:\n")
    assert f'File "{__file__}"' in told
    assert told.rstrip().endswith("return x.sqrt().sum()  # here")
    assert "src/curta" not in told


def test_nodes_made_before_say_nothing() -> None:
    loss = root_of_negative()
    with curta.autograd.set_detect_anomaly(True):
        error, told = caught(loss)
    assert "0th output" in str(error)
    assert told == (
        "Error detected in SqrtBackward0. No forward pass information available. Enable detect anomaly during forward "
        "pass for more information."
    )


class Both(curta.autograd.Function):
    @staticmethod
    def forward(ctx: Any, a: Any, b: Any, problem: Any) -> Any:
        ctx.problem = problem
        return a * 1, b * 1

    @staticmethod
    def backward(ctx: Any, g: Any, h: Any) -> Any:
        if ctx.problem is not None:
            raise ctx.problem
        return g, h * float("nan"), None


def test_functions_of_others() -> None:
    with curta.autograd.set_detect_anomaly(True):
        a, b = curta.ones(2, requires_grad=True), curta.ones(2, requires_grad=True)
        left, right = Both.apply(a, b, None)
        error, _ = caught((left + right).sum())
        assert str(error) == "Function 'BothBackward' returned nan values in its 1th output."
        left, right = Both.apply(a, b, KeyError("mine"))
        error, told = caught((left + right).sum())
        assert type(error) is KeyError
        assert 'KeyError("mine")' in told


def test_second_derivatives_show_both_calls() -> None:
    with curta.autograd.set_detect_anomaly(True):
        x = curta.zeros(1, requires_grad=True)
        y = x.abs().pow(1.5)
        (g,) = curta.autograd.grad(y.sum(), x, create_graph=True)
        _, told = caught(g.sum())
    assert "g,) = curta.autograd.grad" in told
    assert "\nPrevious calculation was induced by PowBackward0. Traceback of forward call that induced the" in told
    assert told.rstrip().endswith("y = x.abs().pow(1.5)")


def test_without_looking_for_nan() -> None:
    with pytest.warns(CurtaWarning, match=r"^Anomaly Detection has been enabled\. This mode will increase the runtime"):
        mode = curta.autograd.detect_anomaly(check_nan=False)
    assert not curta.is_anomaly_enabled()
    with mode:
        assert curta.is_anomaly_enabled()
        assert not curta.is_anomaly_check_nan_enabled()
        root_of_negative().backward()


def test_infinities_integers_and_absent_gradients_are_no_anomaly() -> None:
    with curta.autograd.set_detect_anomaly(True):
        x = curta.zeros(2, requires_grad=True)
        (x.sqrt().sum() + x[curta.tensor([0])].sum()).backward()
        assert x.grad.tolist() == [float("inf")] * 2
        x = curta.ones(2, requires_grad=True, device="meta")
        x.sqrt().sum().backward()
        x = curta.ones(3, 2, requires_grad=True)
        slopes = curta.func.vmap(curta.func.grad(lambda v: curta.nn.functional.softmax(v, 0).var()))(x)
        assert slopes.shape == (3, 2)


def test_a_mode_of_one_thread_that_is_set_at_once() -> None:
    seen: list[bool] = []
    with curta.autograd.set_detect_anomaly(True):
        thread = threading.Thread(target=lambda: seen.append(curta.is_anomaly_enabled()))
        thread.start()
        thread.join()
        with curta.autograd.set_detect_anomaly(False):
            assert not curta.is_anomaly_enabled()
            root_of_negative().backward()
        assert curta.is_anomaly_enabled()
    assert seen == [False]
    curta.autograd.set_detect_anomaly(True)
    assert curta.is_anomaly_enabled()
    curta.set_anomaly_enabled(False)


def test_with_compiled_functions_and_accounts() -> None:
    step = curta.compile(lambda x: (x.exp() * 2).sum())
    x = curta.ones(3, requires_grad=True)
    with curta.autograd.set_detect_anomaly(True), curta.account():
        step(x).backward()
        (x.exp().sum()).backward()
    step(x).backward()
    assert x.grad.sum().item() == pytest.approx(3 * 5 * 2.718281828, rel=1e-5)
