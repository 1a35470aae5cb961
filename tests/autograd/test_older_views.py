"""Views made before their base came to want a gradient; writes to inference tensors. What PyTorch 2.13 does."""

from __future__ import annotations

import pytest

import curta
from curta.errors import AutogradError


def test_a_view_from_before_requires_grad_wants_a_gradient_too() -> None:
    base = curta.zeros(4)
    view = base[:2]
    base.requires_grad_()
    assert view.requires_grad
    assert not view.is_leaf
    (view * curta.tensor([2.0, 3.0])).sum().backward()
    assert base.grad.tolist() == [2.0, 3.0, 0.0, 0.0]


def test_a_view_of_an_older_view_is_followed_too() -> None:
    base = curta.zeros(2, 2)
    column = base.T[1]
    base.requires_grad_()
    curta.cat([column, column[:1]]).sum().backward()
    assert base.grad.tolist() == [[0.0, 2.0], [0.0, 1.0]]


def test_a_view_from_before_a_write_with_history_follows_it() -> None:
    base, factor = curta.ones(4), curta.ones(4, requires_grad=True)
    view = base[:2]
    base.mul_(factor)
    assert view.requires_grad
    (view * 3).sum().backward()
    assert factor.grad.tolist() == [3.0, 3.0, 0.0, 0.0]


def test_a_detached_tensor_and_a_view_made_without_grad_do_not_follow() -> None:
    base = curta.zeros(4)
    apart = base.detach()
    base.requires_grad_()
    with curta.no_grad():
        later = base[:2]
    assert not apart.requires_grad
    assert not later.requires_grad


def test_writing_to_an_inference_tensor() -> None:
    with curta.inference_mode():
        x = curta.ones(3)
        x.add_(1)
        x[0] = 5
        assert x.is_inference()
    assert x.tolist() == [5.0, 2.0, 2.0]
    for write in (lambda: x.add_(1), lambda: x.fill_(0), lambda: x.copy_(curta.ones(3)), lambda: x.zero_()):
        with pytest.raises(AutogradError, match="Inplace update to inference tensor outside InferenceMode"):
            write()
    assert x.is_inference()
    assert x.tolist() == [5.0, 2.0, 2.0]


def test_masked_fill_of_integers_drops_the_fraction() -> None:
    assert curta.tensor([1, 2]).masked_fill(curta.tensor([True, False]), -1.5).tolist() == [-1, 2]
