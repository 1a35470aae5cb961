"""Gradients of gradients around compiled functions and inside of them."""

from __future__ import annotations

import pytest

import curta
from curta.errors import UnsupportedError


def test_second_derivatives_through_a_compiled_function_are_refused_and_not_lost() -> None:
    x = curta.tensor([1.0, 2.0], requires_grad=True)
    (first,) = curta.autograd.grad(curta.compile(lambda x: (x**3).sum())(x), x, create_graph=True)
    assert first.tolist() == [3.0, 12.0]
    with pytest.raises(UnsupportedError, match="a compiled function's gradient cannot be differentiated again"):
        curta.autograd.grad(first.sum(), x)
    whole = curta.compile(lambda x: curta.autograd.grad((x**3).sum(), x, create_graph=True)[0].sum())
    (second,) = curta.autograd.grad(whole(x), x)
    assert second.tolist() == [6.0, 12.0]
    (slope,) = curta.autograd.grad(curta.compile(lambda x: (2 * x).sum())(x), x, create_graph=True)
    assert slope.tolist() == [2.0, 2.0]
