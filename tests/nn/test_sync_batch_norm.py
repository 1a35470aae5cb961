"""`SyncBatchNorm` in one process: numbers worked out with NumPy, conversion of whole networks, refusals."""

from __future__ import annotations

import numpy as np
import pytest

import curta
from curta import nn
from curta.errors import ArgumentError


@pytest.mark.parametrize("shape", [(4, 3), (4, 3, 5), (2, 3, 4, 5), (2, 3, 2, 2, 2), (2, 3, 1, 2, 2, 2)])
def test_values_of_every_rank(shape: tuple[int, ...]) -> None:
    x = np.random.default_rng(0).standard_normal(shape)
    layer = nn.SyncBatchNorm(3, dtype=curta.float64)
    made = layer(curta.from_numpy(x)).detach().numpy()
    dims = tuple(axis for axis in range(len(shape)) if axis != 1)
    mean, var = x.mean(dims, keepdims=True), x.var(dims, keepdims=True)
    np.testing.assert_allclose(made, (x - mean) / np.sqrt(var + 1e-5), atol=1e-12)
    np.testing.assert_allclose(layer.running_mean.numpy(), 0.1 * mean.reshape(-1), atol=1e-12)


def test_conversion_keeps_the_tensors() -> None:
    net = nn.Sequential(nn.Linear(2, 3), nn.BatchNorm1d(3), nn.Sequential(nn.BatchNorm2d(4, affine=False)))
    net.eval()
    before = dict(net.state_dict())
    weight = net[1].weight
    made = nn.SyncBatchNorm.convert_sync_batchnorm(net)
    assert made is net
    assert [type(made[1]), type(made[2][0])] == [nn.SyncBatchNorm] * 2
    assert made[1].weight is weight
    assert not made[1].training
    assert list(made.state_dict()) == list(before)
    assert isinstance(nn.SyncBatchNorm.convert_sync_batchnorm(nn.BatchNorm3d(2)), nn.SyncBatchNorm)


def test_refused() -> None:
    with pytest.raises(ArgumentError, match=r"expected at least 2D input \(got 1D input\)"):
        nn.SyncBatchNorm(2)(curta.ones(2))
    with pytest.raises(ArgumentError, match="number of input channels should be non-zero"):
        nn.SyncBatchNorm(0)(curta.ones(2, 0))
