"""Weights that are worked out from others: lengths and directions, singular values, functions of one's own."""

from __future__ import annotations

import copy
from typing import Any

import numpy as np
import pytest

import curta
from curta import nn
from curta.errors import ArgumentError, CurtaError, NoSuchAttributeError, ShapeError
from curta.nn import utils
from curta.nn.utils import parametrizations, parametrize


def directed(weight: Any, length: Any, axes: tuple[int, ...]) -> Any:
    return weight * length / np.sqrt((weight**2).sum(axes, keepdims=True))


@pytest.mark.parametrize(("dim", "axes"), [(0, (1, 2)), (1, (0, 2)), (None, (0, 1, 2))])
def test_length_and_direction(dim: int | None, axes: tuple[int, ...]) -> None:
    new, old = nn.Conv1d(2, 3, 4), nn.Conv1d(2, 3, 4)
    before = new.weight.detach().numpy().copy()
    parametrizations.weight_norm(new, dim=dim)
    np.testing.assert_allclose(new.weight.detach().numpy(), before, rtol=1e-5)
    utils.weight_norm(old, dim=dim)
    new.load_state_dict(old.state_dict())  # by the older names
    functions: Any = new.parametrizations
    with curta.no_grad():
        functions.weight.original0.mul_(3.0)
        old.weight_g.mul_(3.0)
    lengths, directions = (one.detach().numpy() for one in (old.weight_g, old.weight_v))
    wanted = directed(directions, lengths, axes)
    x = curta.ones(1, 2, 4)
    np.testing.assert_allclose(new.weight.detach().numpy(), wanted, rtol=1e-5)
    assert new(x).tolist() == old(x).tolist()
    np.testing.assert_allclose(old.weight.detach().numpy(), wanted, rtol=1e-5)
    assert type(new).__name__ == "ParametrizedConv1d"
    utils.remove_weight_norm(old)
    parametrize.remove_parametrizations(new, "weight")
    assert type(new) is nn.Conv1d
    for layer in (old, new):
        assert sorted(layer.state_dict()) == ["bias", "weight"]
        np.testing.assert_allclose(layer.weight.detach().numpy(), wanted, rtol=1e-5)


def test_gradients_reach_lengths_and_directions() -> None:
    layer = parametrizations.weight_norm(nn.Linear(3, 2, bias=False).double())
    length, direction = layer.parametrizations.weight.original0, layer.parametrizations.weight.original1
    x = curta.tensor([[1.0, -2.0, 0.5]], dtype=curta.float64)

    def output(g: Any, v: Any) -> Any:
        names = ("parametrizations.weight.original0", "parametrizations.weight.original1")
        return curta.func.functional_call(layer, dict(zip(names, (g, v), strict=True)), x)

    assert curta.autograd.gradcheck(output, (length.detach().requires_grad_(), direction.detach().requires_grad_()))


@pytest.mark.parametrize("kind", ["new", "old"])
def test_the_largest_singular_value_is_1(kind: str) -> None:
    layer = nn.ConvTranspose1d(3, 2, 2)
    before = layer.weight.detach().numpy().copy()
    (parametrizations if kind == "new" else utils).spectral_norm(layer, n_power_iterations=40)
    layer(curta.ones(1, 3, 2)).sum().backward()
    matrix = np.moveaxis(layer.weight.detach().numpy(), 1, 0).reshape(2, -1)
    np.testing.assert_allclose(np.linalg.svd(matrix)[1][0], 1.0, rtol=1e-4)
    # the estimate stands still in evaluation
    vectors = {name: one.tolist() for name, one in layer.named_buffers()}
    layer.eval()(curta.ones(1, 3, 2))
    assert {name: one.tolist() for name, one in layer.named_buffers()} == vectors
    if kind == "old":
        utils.remove_spectral_norm(layer)
    else:
        parametrize.remove_parametrizations(layer, "weight", leave_parametrized=False)
        np.testing.assert_array_equal(layer.weight.detach().numpy(), before)
    assert sorted(layer.state_dict()) == ["bias", "weight"]


def test_a_vector_is_divided_by_its_length() -> None:
    layer = parametrizations.spectral_norm(nn.BatchNorm1d(4))
    np.testing.assert_allclose(layer.weight.tolist(), [0.5] * 4, rtol=1e-6)


class Even(nn.Module):
    """Symmetric, from what stands above the diagonal."""

    def forward(self, x: Any) -> Any:
        return x.triu() + x.triu(1).T

    def right_inverse(self, x: Any) -> Any:
        return x.triu()


class Doubled(nn.Module):
    """Twice as large, and nothing that undoes it."""

    def forward(self, x: Any) -> Any:
        return x * 2


def test_functions_of_ones_own() -> None:
    layer: Any = parametrize.register_parametrization(nn.Linear(3, 3), "weight", Even())
    wanted = curta.arange(9.0).reshape(3, 3)
    layer.weight = wanted + wanted.T
    assert layer.weight.tolist() == (wanted + wanted.T).tolist()
    parametrize.register_parametrization(layer, "weight", Doubled())
    assert layer.weight.tolist() == (2 * (wanted + wanted.T)).tolist()
    assert parametrize.is_parametrized(layer)
    assert not parametrize.is_parametrized(layer, "bias")
    assert parametrize.type_before_parametrizations(layer) is nn.Linear
    with parametrize.cached():
        assert layer.weight is layer.weight
    assert layer.weight is not layer.weight
    other = copy.deepcopy(layer)
    other.load_state_dict(layer.state_dict())
    x = curta.ones(2, 3)
    assert curta.compile(lambda given: other(given))(x).tolist() == layer(x).tolist()
    layer(x).sum().backward()
    assert layer.parametrizations.weight.original.grad is not None
    kept: Any = parametrize.register_parametrization(nn.BatchNorm1d(2), "running_mean", Doubled())
    assert [name for name, _ in kept.named_buffers()][-1] == "parametrizations.running_mean.original"
    assert parametrize.remove_parametrizations(kept, "running_mean").running_mean.tolist() == [0.0, 0.0]


@pytest.mark.parametrize("transposed", [False, True])
def test_batch_normalization_as_part_of_a_convolution(transposed: bool) -> None:
    kind = nn.ConvTranspose1d if transposed else nn.Conv1d
    first, bn = kind(2, 3, 2, bias=False).eval(), nn.BatchNorm1d(3)
    bn(curta.randn(5, 3, 4))
    x = curta.randn(2, 2, 5)
    fused = utils.fuse_conv_bn_eval(first, bn.eval(), transposed)
    np.testing.assert_allclose(fused(x).detach().numpy(), bn(first(x)).detach().numpy(), atol=1e-5)
    linear = nn.Linear(4, 3).eval()
    fused = utils.fuse_linear_bn_eval(linear, bn)
    x = curta.randn(6, 4)
    np.testing.assert_allclose(fused(x).detach().numpy(), bn(linear(x)).detach().numpy(), atol=1e-5)


def test_memory_that_nothing_was_written_to() -> None:
    layer = utils.skip_init(nn.Linear, 3, 4, dtype=curta.float64)
    assert (tuple(layer.weight.shape), layer.weight.dtype, layer.weight.is_meta) == ((4, 3), curta.float64, False)


class Scalar(nn.Module):
    """A module with a weight of one number."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(curta.tensor(1.0))


def normed(kind: str) -> Any:
    return getattr(utils, f"{kind}_norm")(nn.Linear(2, 2))


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: utils.weight_norm(normed("weight")), ShapeError,
         "Cannot register two WeightNorm hooks on the same parameter weight"),
        (lambda: utils.remove_weight_norm(nn.ReLU()), ArgumentError, "weight_norm of 'weight' not found in ReLU()"),
        (lambda: utils.remove_spectral_norm(nn.ReLU()), ArgumentError, "spectral_norm of 'weight' not found in ReLU()"),
        (lambda: utils.weight_norm(nn.ReLU()), NoSuchAttributeError, "'ReLU' object has no parameter 'weight'"),
        (lambda: utils.spectral_norm(nn.Linear(2, 2), n_power_iterations=0), ArgumentError,
         "Expected n_power_iterations to be positive, but got n_power_iterations=0"),
        (lambda: parametrizations.spectral_norm(nn.ReLU()), NoSuchAttributeError,
         "Module 'ReLU' has no parameter or buffer with name 'weight'"),
        (lambda: parametrize.register_parametrization(nn.ReLU(), "weight", Doubled()), ArgumentError,
         "Module 'ReLU' does not have a parameter, a buffer, or a parametrized element with name 'weight'"),
        (lambda: parametrize.register_parametrization(nn.Linear(2, 3), "weight", nn.Flatten(0)), ArgumentError,
         "Registering a parametrization may not change the shape of the tensor, unless `unsafe` flag is enabled. "
         "Flatten made torch.Size([6]) of torch.Size([3, 2])"),
        (lambda: parametrize.register_parametrization(nn.Linear(2, 3), "weight", nn.LSTM(2, 3)), ArgumentError,
         "A parametrization must return a tensor. LSTM gave tuple"),
        (lambda: parametrizations.spectral_norm(Scalar()), ArgumentError, "spectral_norm: 'weight' has no dimensions"),
        (lambda: parametrize.remove_parametrizations(nn.ReLU(), "weight"), ArgumentError,
         "Module ReLU does not have a parametrization on weight"),
        (lambda: parametrize.remove_parametrizations(
            parametrizations.weight_norm(nn.Linear(2, 2)), "weight", leave_parametrized=False), ArgumentError,
         "Cannot leave unparametrized (`leave_parametrized=False`) a tensor that is parametrized in terms of a "
         "sequence of tensors."),
        (lambda: setattr(parametrize.register_parametrization(nn.Linear(2, 2), "weight", Doubled()), "weight",
                         curta.ones(2, 2)), ShapeError,
         "parametrization Doubled does not implement right_inverse: its tensor cannot be assigned"),
        (lambda: utils.fuse_conv_bn_eval(nn.Conv1d(1, 1, 1), nn.BatchNorm1d(1)), ShapeError, "Fusion only for eval!"),
        (lambda: utils.fuse_conv_bn_eval(nn.Conv1d(1, 1, 1).eval(),
                                         nn.BatchNorm1d(1, track_running_stats=False).eval()), ShapeError,
         "fusion: the batch normalization keeps no running statistics"),
        (lambda: utils.fuse_linear_bn_eval(nn.Linear(2, 3).eval(), nn.BatchNorm1d(2).eval()), ShapeError,
         "To fuse, linear.out_features == bn.num_features or bn.num_features == 1, got 3 and 2"),
        (lambda: utils.skip_init(int), ShapeError, "Expected a Module; got <class 'int'>"),
        (lambda: utils.skip_init(nn.ReLU), ShapeError,
         "Module must support a 'device' arg to skip initialization, got ReLU"),
    ],
)  # fmt: skip
def test_refused(call: Any, error: type[CurtaError], message: str) -> None:
    with pytest.raises(error) as caught:
        call()
    assert str(caught.value) == message
