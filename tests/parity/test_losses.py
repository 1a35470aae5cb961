"""Losses and distances against an installed PyTorch: values and gradients, through functions and layers."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parent.parent / "nn"))
from loss_cases import LOSSES, X, Y, tensors

import curta

torch = pytest.importorskip("torch")
pytestmark = [pytest.mark.parity, pytest.mark.filterwarnings("ignore")]


def results(framework: Any, name: str, arrays: tuple[Any, ...], options: dict[str, Any]) -> list[Any]:
    given = {k: framework.from_numpy(v) if isinstance(v, np.ndarray) else v for k, v in options.items()}
    layer = getattr(framework.nn, name)(**given)
    inputs = tensors(framework, arrays)
    loss = layer(*inputs)
    (loss * loss).sum().backward()
    return [repr(layer), loss.detach(), *(one.grad for one in inputs if one.requires_grad)]


@pytest.mark.parametrize("reduction", ["mean", "sum", "none", "batchmean"])
@pytest.mark.parametrize(
    ("name", "arrays", "options"), LOSSES, ids=[f"{one[0]} {number}" for number, one in enumerate(LOSSES)]
)
def test_losses(name: str, arrays: tuple[Any, ...], options: dict[str, Any], reduction: str) -> None:
    if reduction == "batchmean" and name != "KLDivLoss":
        return
    given = options | {"reduction": reduction}
    (mine, *found), (theirs, *wanted) = (results(framework, name, arrays, given) for framework in (curta, torch))
    assert mine == theirs
    for one, other in zip(found, wanted, strict=True):
        assert tuple(one.shape) == tuple(other.shape)
        np.testing.assert_allclose(one.numpy(), other.numpy(), rtol=1e-8, atol=1e-12)


@pytest.mark.parametrize("dim", [0, 1, -1])
@pytest.mark.parametrize("name", ["cosine_similarity", "pairwise_distance", "normalize"])
def test_distances(name: str, dim: int) -> None:
    zeros = X.copy()
    zeros[1] = 0.0
    found = []
    for framework in (curta, torch):
        inputs = tensors(framework, (zeros, Y))
        function = getattr(framework.nn.functional, name)
        if name == "normalize":
            made = function(inputs[0], 3.0, dim)
        elif name == "cosine_similarity":
            made = function(*inputs, dim)
        else:
            made = function(*inputs, 1.0 if dim else 2.0, keepdim=dim > 0)
        made.sin().sum().backward()
        found.append([made.detach(), *(one.grad for one in inputs[: 1 if name == "normalize" else 2])])
    for one, other in zip(*found, strict=True):
        assert tuple(one.shape) == tuple(other.shape)
        rows = [0, 2, 3] if name != "pairwise_distance" and one.ndim == 2 else slice(None)  # slopes at 0 are a choice
        np.testing.assert_allclose(one.numpy()[rows], other.numpy()[rows], rtol=1e-9, atol=1e-12)


CTC: tuple[tuple[Any, tuple[int, ...], tuple[int, ...]], ...] = (
    ([[1, 2, 2], [3, 1, 0], [2, 9, 9]], (7, 6, 5), (3, 2, 1)),
    ([1, 2, 2, 3, 1, 2], (7, 7, 7), (3, 2, 1)),
    ([[1, 1, 1], [3, 1, 0], [2, 0, 0]], (4, 6, 5), (3, 2, 0)),
)


@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
@pytest.mark.parametrize("zero", [True, False])
@pytest.mark.parametrize(("targets", "times", "lengths"), CTC, ids=str)
def test_ctc(targets: Any, times: tuple[int, ...], lengths: tuple[int, ...], zero: bool, reduction: str) -> None:
    scores = np.random.default_rng(1).standard_normal((7, 3, 4))
    found = []
    for framework in (curta, torch):
        x = framework.from_numpy(scores.copy()).requires_grad_()
        loss = framework.nn.CTCLoss(reduction=reduction, zero_infinity=zero)(
            framework.nn.functional.log_softmax(x, -1), framework.tensor(targets), times, lengths
        )
        loss.sum().backward()
        found.append((loss.detach().numpy(), x.grad.numpy()))
    np.testing.assert_allclose(found[0][0], found[1][0], rtol=1e-9)
    finite = np.isfinite(found[1][1])
    np.testing.assert_allclose(found[0][1][finite], found[1][1][finite], rtol=1e-8, atol=1e-12)
