"""Dropout of elements and of whole channels: what is kept, how it is scaled, and what its gradient is."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import curta
from curta import nn
from curta.errors import CurtaWarning
from curta.nn import functional as F

# scale and shift for a chance of 0.25, worked out from alpha = 1.7580993408473766
ALPHA = 1.7580993408473766
SCALE = ((1 - 0.25) * (1 + 0.25 * ALPHA**2)) ** -0.5

CHANNELS = {
    "dropout1d": (50, 40, 3),
    "dropout2d": (50, 40, 2, 2),
    "dropout3d": (50, 40, 1, 2, 2),
    "feature_alpha_dropout": (50, 40, 3),
}


def thinned(name: str, x: Any, p: float = 0.25) -> Any:
    curta.manual_seed(7)
    return getattr(F, name)(x, p, True)


@pytest.mark.parametrize("name", CHANNELS)
def test_whole_channels_are_dropped(name: str) -> None:
    x = curta.full(CHANNELS[name], 2.0, requires_grad=True)
    y = thinned(name, x)
    made = y.detach().numpy().reshape(50, 40, -1)
    assert (made == made[..., :1]).all()
    kept = made[..., 0] > 0
    assert abs(kept.mean() - 0.75) < 0.04  # about 4 deviations
    alpha = name.startswith("feature")
    np.testing.assert_allclose(made[kept], 2 * SCALE + 0.25 * ALPHA * SCALE if alpha else 2 / 0.75, rtol=1e-6)
    np.testing.assert_allclose(made[~kept], -0.75 * ALPHA * SCALE if alpha else 0.0, rtol=1e-6)
    y.sum().backward()
    slopes = np.where(kept[..., None], SCALE if alpha else 1 / 0.75, 0.0)
    np.testing.assert_allclose(x.grad.numpy().reshape(made.shape), np.broadcast_to(slopes, made.shape), rtol=1e-6)


def test_alpha_dropout_keeps_mean_and_variance() -> None:
    x = curta.from_numpy(np.random.default_rng(0).standard_normal(100_000))
    y = thinned("alpha_dropout", x)
    assert abs(y.mean().item()) < 0.02
    assert abs(y.var().item() - 1.0) < 0.02
    dropped = (y + 0.75 * ALPHA * SCALE).abs() < 1e-9
    assert abs(dropped.double().mean().item() - 0.25) < 0.01


@pytest.mark.parametrize("name", ["dropout", "alpha_dropout", *CHANNELS])
def test_nothing_or_everything(name: str) -> None:
    x = curta.ones(CHANNELS.get(name, (5, 4)))
    function = getattr(F, name)
    assert function(x, 0.5, False) is x
    assert function(x, 0.0, True) is x
    assert function(x, 1.0, True).abs().max().item() == 0.0
    empty = x[:0]
    assert function(empty, 0.5, True) is empty
    changed = x.clone()
    assert function(changed, 0.5, True, True) is changed
    assert (changed != 1).any()


def test_one_sample_without_a_batch() -> None:
    made = thinned("dropout1d", curta.ones(40, 3), 0.5)
    assert {tuple(row) for row in made.tolist()} == {(0.0, 0.0, 0.0), (2.0, 2.0, 2.0)}
    made = thinned("dropout3d", curta.ones(40, 1, 1, 2), 0.5)
    assert {tuple(row) for row in made.flatten(1).tolist()} == {(0.0, 0.0), (2.0, 2.0)}


@pytest.mark.parametrize(("name", "shape"), [("dropout2d", (30, 4, 3)), ("dropout3d", (30, 4))])
def test_other_ranks_warn(name: str, shape: tuple[int, ...]) -> None:
    with pytest.warns(CurtaWarning, match=rf"{name}: Received a {len(shape)}-D input"):
        getattr(F, name)(curta.ones(shape), 0.5)


def test_layers() -> None:
    kinds = [nn.Dropout, nn.Dropout1d, nn.Dropout2d, nn.Dropout3d, nn.AlphaDropout, nn.FeatureAlphaDropout]
    shapes = [(40,), (5, 8, 1), (5, 8, 1, 1), (5, 8, 1, 1, 1), (40,), (5, 8, 1)]
    for kind, shape in zip(kinds, shapes, strict=True):
        layer, x = kind(0.5, inplace=True), curta.ones(shape)
        assert layer(x) is x
        assert (x != 1).any()
        assert layer.eval()(x) is x
        assert repr(layer) == f"{kind.__name__}(p=0.5, inplace=True)"


@pytest.mark.parametrize("kind", [nn.Dropout2d, nn.FeatureAlphaDropout])
def test_compiled_and_mapped(kind: Any) -> None:
    layer, x = kind(0.5), curta.ones(4, 8, 1, 1)
    curta.manual_seed(1)
    eager = layer(x)
    curta.manual_seed(1)
    assert curta.compile(layer)(x).tolist() == eager.tolist()
    different = curta.func.vmap(layer, randomness="different")(curta.ones(2, 4, 8, 1, 1))
    assert different[0].tolist() != different[1].tolist()
    same = curta.func.vmap(layer, randomness="same")(curta.ones(2, 4, 8, 1, 1))
    assert same[0].tolist() == same[1].tolist()
