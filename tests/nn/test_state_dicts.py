"""`load_state_dict`: what is copied, what is taken over, what stays."""

from __future__ import annotations

from typing import Any

import pytest

import curta
from curta import nn
from curta.errors import ShapeError


class Tied(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.first, self.second = nn.Linear(2, 2, bias=False), nn.Linear(2, 2, bias=False)
        self.second.weight = self.first.weight
        self.register_buffer("kept", curta.zeros(2))
        self.register_buffer("passing", curta.zeros(1), persistent=False)


def test_a_state_dict_shares_the_modules_memory() -> None:
    model = Tied()
    state = model.state_dict(prefix="model.")
    assert list(state) == ["model.kept", "model.first.weight", "model.second.weight"]
    assert state["model.first.weight"].untyped_storage() is state["model.second.weight"].untyped_storage()
    state["model.second.weight"].fill_(3.0)
    assert model.first.weight.tolist() == [[3.0, 3.0], [3.0, 3.0]]
    assert not state["model.first.weight"].requires_grad
    assert model.state_dict(keep_vars=True)["first.weight"] is model.first.weight


def test_values_are_copied_into_the_format_that_is_there() -> None:
    layer = nn.Linear(2, 1).bfloat16()
    weight = layer.weight
    layer.load_state_dict({"weight": curta.tensor([[1.0, 2.0]], dtype=curta.float64), "bias": curta.tensor([3])})
    assert layer.weight is weight
    assert (weight.dtype, weight.tolist(), layer.bias.tolist()) == (curta.bfloat16, [[1.0, 2.0]], [3.0])


def test_what_does_not_fit_changes_nothing() -> None:
    layer = nn.Linear(2, 1)
    before = layer.bias.tolist()
    with pytest.raises(ShapeError):
        layer.load_state_dict({"bias": curta.ones(1), "weight": curta.ones(1)}, strict=False)
    assert layer.bias.tolist() == before


def test_the_result_without_strictness() -> None:
    model = nn.ModuleDict({"a": nn.BatchNorm1d(1), "b": nn.Linear(1, 1)})
    found = model.load_state_dict({"a.running_mean": curta.ones(1), "b.c.weight": 3}, strict=False)
    assert found.missing_keys == ["a.weight", "a.bias", "a.running_var", "b.weight", "b.bias"]
    assert found.unexpected_keys == ["b.c.weight"]
    assert model["a"].running_mean.tolist() == [1.0]


def test_a_vector_where_there_is_a_number_now() -> None:
    layer = nn.BatchNorm1d(1)
    state: dict[str, Any] = {**layer.state_dict(), "num_batches_tracked": curta.tensor([7])}
    layer.load_state_dict(state)
    assert layer.num_batches_tracked.item() == 7


def test_assigned_tensors_are_the_modules_own() -> None:
    with curta.device("meta"):
        model = nn.Sequential(nn.Linear(2, 3), nn.BatchNorm1d(3))
    model[0].bias.requires_grad_(False)
    names = list(model.state_dict())
    with curta.device("cpu"):
        given = nn.Sequential(nn.Linear(2, 3), nn.BatchNorm1d(3)).bfloat16().state_dict()
    given["0.weight"] = curta.ones(2, 3).t()
    given["1.weight"] = parameter = nn.Parameter(curta.ones(3), requires_grad=False)
    assert repr(model.load_state_dict(given, assign=True)) == "<All keys matched successfully>"
    assert list(model.state_dict()) == names
    assert model[1].weight is parameter
    assert parameter.requires_grad
    for name, tensor in model.state_dict().items():
        assert tensor.untyped_storage() is given[name].untyped_storage()
        assert (tensor.dtype, tensor.stride()) == (given[name].dtype, given[name].stride())
    assert [one.requires_grad for one in model.parameters()] == [True, False, True, True]
    assert isinstance(model[0].weight, nn.Parameter)
    assert not isinstance(model[1].running_mean, nn.Parameter)


def test_assigned_weights_are_seen_by_programs_and_buffers_stay_buffers() -> None:
    layer = nn.Linear(2, 1, bias=False)
    run = curta.compile(layer)
    x = curta.ones(1, 2)
    layer.load_state_dict({"weight": curta.ones(1, 2)}, assign=True)
    assert run(x).item() == 2.0
    layer.load_state_dict({"weight": curta.full((1, 2), 2.0)}, assign=True)
    assert run(x).item() == 4.0
    norm = nn.BatchNorm1d(1)
    norm.load_state_dict({**norm.state_dict(), "running_mean": nn.Parameter(curta.ones(1))}, assign=True)
    assert [name for name, _ in norm.named_buffers()] == ["running_mean", "running_var", "num_batches_tracked"]


def test_assigning_takes_tied_weights_apart_as_pytorch_does() -> None:
    model = Tied()
    one, two = curta.ones(2, 2), curta.zeros(2, 2)
    model.load_state_dict({"kept": curta.ones(2), "first.weight": one, "second.weight": two}, assign=True)
    assert model.first.weight is not model.second.weight


def test_a_copy_into_nothing_is_said() -> None:
    with curta.device("meta"):
        layer = nn.Linear(1, 1, bias=False)
    with pytest.warns(UserWarning, match="for weight: copying from a non-meta parameter in the checkpoint to a meta"):
        layer.load_state_dict({"weight": curta.ones(1, 1)})
    assert layer.weight.is_meta
