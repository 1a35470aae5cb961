"""Layers that wait for their first input: what they become, and what their state dicts do."""

from __future__ import annotations

import copy
from typing import Any

import pytest

import curta
from curta import nn
from curta.errors import ShapeError, UnsupportedError

CASES = [
    ("Linear", (3,), (2, 5), 5),
    ("Conv1d", (4, 2), (2, 3, 6), 3),
    ("Conv2d", (4, 2, 1, 1, 1, 2), (2, 6, 3, 3), 6),
    ("Conv3d", (4, 2), (2, 3, 2, 2, 2), 3),
    ("ConvTranspose1d", (4, 2), (2, 3, 6), 3),
    ("ConvTranspose2d", (4, 2), (3, 3, 3), 3),
    ("ConvTranspose3d", (4, 2), (2, 3, 2, 2, 2), 3),
    ("BatchNorm1d", (), (4, 3), 3),
    ("BatchNorm2d", (), (4, 3, 2, 2), 3),
    ("BatchNorm3d", (), (4, 3, 1, 2, 2), 3),
    ("InstanceNorm1d", (), (4, 3, 5), 3),
    ("InstanceNorm2d", (), (3, 5, 2), 3),
    ("InstanceNorm3d", (), (4, 3, 2, 2, 2), 3),
]


@pytest.mark.parametrize(("kind", "given", "shape", "count"), CASES)
def test_what_lazy_layers_become(kind: str, given: Any, shape: Any, count: int) -> None:
    usual = getattr(nn, kind)
    options = {"affine": True, "track_running_stats": True} if "Norm" in kind else {}
    layer, x = getattr(nn, f"Lazy{kind}")(*given), curta.randn(shape)
    names = list(layer.state_dict())
    assert layer.has_uninitialized_params()
    waiting, kept = copy.deepcopy(layer), list(layer.parameters())
    curta.manual_seed(2)
    made = layer(x)
    assert type(layer) is usual
    assert [id(one) for one in layer.parameters()] == [id(one) for one in kept]  # as an optimizer knows them
    assert names == list(layer.state_dict())
    curta.manual_seed(2)
    wanted = usual(count, *given, **options)
    assert repr(layer) == repr(wanted)
    assert made.tolist() == wanted(x).tolist()
    waiting.load_state_dict(layer.state_dict())
    assert not waiting.has_uninitialized_params()
    layer.eval(), waiting.eval()
    assert waiting(x).tolist() == layer(x).tolist()
    assert repr(waiting) == repr(layer)


def test_tensors_without_a_shape() -> None:
    layer = nn.LazyLinear(3, dtype=curta.float64)
    assert repr(layer.weight) == "<UninitializedParameter>"
    with pytest.raises(ShapeError, match="Can't access the shape of an uninitialized parameter or buffer"):
        _ = layer.weight.shape
    layer(curta.ones(1, 2, dtype=curta.float64))
    assert (layer.weight.dtype, layer.weight.requires_grad) == (curta.float64, True)
    buffer = copy.deepcopy(nn.UninitializedBuffer(persistent=False))
    buffer.materialize((2,))
    assert type(buffer) is nn.Buffer
    assert (tuple(buffer.shape), buffer.persistent) == ((2,), False)


def test_refused() -> None:
    message = "LazyLinear: a layer that waits for its first input cannot be compiled or planned: call it once before"
    for run in (lambda layer, x: curta.compile(layer)(x), curta.plan):
        with pytest.raises(UnsupportedError) as caught:
            run(nn.LazyLinear(3), curta.ones(2, 2))
        assert str(caught.value) == message
    with pytest.raises(ShapeError, match=r"LazyConv2d: expected more dimensions, got f32\[3\]"):
        nn.LazyConv2d(3, 3)(curta.ones(3))
