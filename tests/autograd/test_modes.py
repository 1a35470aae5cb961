"""Gradient and inference modes."""

import threading

import pytest

import curta
from curta.errors import AutogradError


def test_no_grad_as_context_and_decorators() -> None:
    x = curta.ones(1, requires_grad=True)
    with curta.no_grad():
        assert not (x * 2).requires_grad
        with curta.enable_grad():
            assert (x * 2).requires_grad

    @curta.no_grad()
    def inside() -> bool:
        return (x * 2).requires_grad

    @curta.no_grad
    def bare() -> bool:
        return (x * 2).requires_grad

    assert not inside()
    assert not bare()
    assert (x * 2).requires_grad


def test_decorated_generator_leaves_the_caller_alone() -> None:
    @curta.no_grad()
    def values():
        for _ in range(2):
            yield curta.is_grad_enabled()

    for value in values():
        assert not value
        assert curta.is_grad_enabled()


def test_set_grad_enabled() -> None:
    curta.set_grad_enabled(False)
    try:
        assert not curta.is_grad_enabled()
        with curta.set_grad_enabled(True):
            assert curta.is_grad_enabled()
        assert not curta.is_grad_enabled()
    finally:
        curta.set_grad_enabled(True)


def test_threads_have_their_own_mode() -> None:
    seen = []
    with curta.no_grad():
        thread = threading.Thread(target=lambda: seen.append(curta.is_grad_enabled()))
        thread.start()
        thread.join()
    assert seen == [True]


def test_inference_tensors_are_not_saved_for_backward() -> None:
    x = curta.ones(2, requires_grad=True)
    with curta.inference_mode():
        t = curta.ones(2)
        assert not (x * t).requires_grad
    assert t.is_inference()
    assert (x + t).requires_grad  # addition saves nothing
    with pytest.raises(AutogradError, match="Inference tensors cannot be saved for backward"):
        x * t
    with pytest.raises(AutogradError, match="Setting requires_grad=True on inference tensor outside InferenceMode"):
        t.requires_grad = True
    assert not t.clone().is_inference()
    assert not curta.ones(1).is_inference()


def test_a_decorated_generator_can_be_closed_and_thrown_into() -> None:
    seen = []

    @curta.no_grad()
    def values():
        try:
            yield 1
        except ValueError as problem:
            seen.append((str(problem), curta.is_grad_enabled()))
            yield 2
        finally:
            seen.append(("closed", curta.is_grad_enabled()))

    running = values()
    assert next(running) == 1
    assert running.throw(ValueError("thrown")) == 2
    running.close()
    assert seen == [("thrown", False), ("closed", False)]
    assert curta.is_grad_enabled()
