"""Lists and dictionaries of modules and parameters, and buffers."""

from __future__ import annotations

import copy
from typing import Any

import pytest

import curta
from curta import nn
from curta.errors import CurtaError


def test_part_of_a_sequence_keeps_names_and_kind() -> None:
    class Stack(nn.Sequential):
        pass

    whole = Stack(nn.ReLU(), nn.Linear(2, 3), nn.Tanh())
    part = whole[1:]
    assert type(part) is Stack
    assert list(part.state_dict()) == ["1.weight", "1.bias"]
    assert part[0] is whole[1]
    part.append(nn.Sigmoid())
    assert [type(one).__name__ for one in part] == ["Linear", "Tanh", "Sigmoid"]
    assert [name for name, _ in nn.Sequential({"a": nn.ReLU(), "b": nn.Tanh()})[1:].named_children()] == ["b"]


def test_lists_of_parameters() -> None:
    weights = nn.ParameterList([curta.ones(2, 3), nn.Parameter(curta.ones(2)), 5])
    assert repr(weights) == (
        "ParameterList(\n    (0): Parameter containing: [curta.float32 of size 2x3]\n"
        "    (1): Parameter containing: [curta.float32 of size 2]\n    (2): Object of type: int\n)"
    )
    assert weights.pop(0).shape == (2, 3)
    weights += [curta.zeros(1)]
    weights[-2] = curta.ones(4)
    assert [tuple(one.shape) for one in weights] == [(2,), (4,), (1,)]
    assert list(weights.state_dict()) == ["0", "1", "2"]
    assert [tuple(one.shape) for one in weights[1:]] == [(4,), (1,)]
    model = nn.Module()
    model.weights = copy.deepcopy(weights)
    assert [name for name, _ in model.named_parameters()] == ["weights.0", "weights.1", "weights.2"]
    model.load_state_dict({f"weights.{place}": one.detach() + 1 for place, one in enumerate(weights)})
    assert model.weights[2].tolist() == [1.0]


def test_dictionaries_of_parameters() -> None:
    weights = nn.ParameterDict({"a": curta.ones(2), "b": "text"})
    more = weights | {"c": curta.ones(1)}
    assert list(more.keys()) == ["a", "b", "c"]
    assert repr(more).split("\n")[1:3] == [
        "    (a): Parameter containing: [curta.float32 of size 2]", "    (b): Object of type: str",
    ]  # fmt: skip
    weights |= {"d": curta.zeros(3)}
    assert list(weights.state_dict()) == ["a", "d"]
    del weights["a"]
    assert weights.popitem()[0] == "d"
    assert (weights.get("a", 3), weights.get("b"), len(weights), "a" in weights) == (3, "text", 1, False)
    assert weights.setdefault("e", curta.ones(1)).requires_grad
    assert list(reversed(weights)) == ["e", "b"]
    assert dict(weights.fromkeys(["x"], 1).items()) == {"x": 1}
    weights.clear()
    assert list(weights.values()) == []


def test_lists_of_modules_keep_their_order() -> None:
    model = nn.Sequential(nn.ReLU(), nn.Tanh())
    model.insert(0, nn.GELU())
    del model[1]
    model += [nn.SiLU()]
    model[0] = nn.Sigmoid()
    assert [type(one).__name__ for one in model] == ["Sigmoid", "Tanh", "SiLU"]
    assert list(model._modules) == ["0", "1", "2"]
    assert type(model.pop(1)) is nn.Tanh
    assert [type(one).__name__ for one in model + nn.Sequential(nn.Mish())] == ["Sigmoid", "SiLU", "Mish"]
    listed = nn.ModuleList([nn.ReLU(), nn.Tanh(), nn.GELU()])
    listed[0] = nn.Mish()
    del listed[1:]
    assert [type(one).__name__ for one in listed.extend([nn.ReLU()])] == ["Mish", "ReLU"]
    named = nn.ModuleDict([("a", nn.ReLU()), ("b", nn.Tanh())])
    named["a"] = nn.GELU()
    named.update({"c": nn.Mish()})
    assert list(named) == ["a", "b", "c"]
    del named["b"]
    assert type(named.pop("a")) is nn.GELU
    named.clear()
    assert len(named) == 0


def test_a_parameter_that_is_replaced_keeps_its_place() -> None:
    model = nn.Linear(2, 3)
    model.weight = nn.Parameter(curta.zeros(3, 2))
    assert list(model.state_dict()) == ["weight", "bias"]


def test_plain_attributes_can_be_deleted() -> None:
    model = nn.Module()
    model.width = 3
    del model.width
    assert not hasattr(model, "width")


def test_buffers_that_are_assigned() -> None:
    model: Any = nn.Module()
    model.kept = nn.Buffer(curta.ones(1))
    model.passing = nn.Buffer(curta.ones(1), persistent=False)
    assert list(model.state_dict()) == ["kept"]
    assert [name for name, _ in model.named_buffers()] == ["kept", "passing"]
    model.kept = curta.zeros(2)
    assert model.state_dict()["kept"].tolist() == [0.0, 0.0]
    other = copy.deepcopy(model)
    assert isinstance(other.passing, nn.Buffer)
    assert not other.passing.persistent
    assert list(other.state_dict()) == ["kept"]


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: nn.ParameterList()(1), RuntimeError, "ParameterList should not be called."),
        (lambda: nn.ParameterList()[7], IndexError, "index 7 is out of range"),
        (lambda: nn.ParameterList(3), TypeError, "ParameterList.extend should be called with an iterable, but got int"),
        (lambda: nn.ParameterDict()(1), RuntimeError, "ParameterDict should not be called."),
        (lambda: nn.ParameterDict()["z"], AttributeError, "'ParameterDict' object has no attribute 'z'"),
        (lambda: nn.ParameterDict().popitem(), KeyError, "popitem(): dictionary is empty"),
        (lambda: nn.ParameterDict({1: 2}), TypeError,
         "Index given to ParameterDict cannot be used as a key as it is not a string (type is 'int')"),
        (lambda: nn.ParameterDict(3), TypeError,
         "ParametersDict.update should be called with an iterable of key/value pairs, but got int"),
        (lambda: nn.ParameterDict([(1, 2, 3)]), ValueError,
         "ParameterDict update sequence element #0 has length 3; 2 is required"),
        (lambda: nn.ModuleDict([("a",)]), ValueError,
         "ModuleDict update sequence element #0 has length 1; 2 is required"),
        (lambda: nn.ModuleDict().update(3), TypeError,
         "ModuleDict.update should be called with an iterable of key/value pairs, but got int"),
        (lambda: nn.ModuleList().extend(3), TypeError,
         "ModuleList.extend should be called with an iterable, but got int"),
        (lambda: nn.ModuleList([nn.ReLU()]).pop(4), IndexError, "index 4 is out of range"),
        (lambda: nn.Sequential() + 3, ValueError,
         "add operator supports only iterables of modules, but <class 'int'> is given."),
        (lambda: nn.Buffer(3), TypeError, "Buffer(): argument 'data' must be Tensor, not int"),
    ],
)  # fmt: skip
def test_refused(call: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error) as caught:
        call()
    assert isinstance(caught.value, CurtaError)
    assert caught.value.args[0] == message


def test_one_parameter_is_printed_on_one_line() -> None:
    text = "(  (0): Parameter containing: [curta.float32 of size 2])"
    assert repr(nn.ParameterList([curta.zeros(2)])) == f"ParameterList{text}"
    assert repr(nn.ParameterDict({"0": curta.zeros(2)})) == f"ParameterDict{text}"
    assert repr(nn.ParameterList()) == "ParameterList()"
    assert repr(nn.ParameterList([curta.zeros(2), 3])).splitlines()[1:] == [
        "    (0): Parameter containing: [curta.float32 of size 2]", "    (1): Object of type: int", ")",
    ]  # fmt: skip
