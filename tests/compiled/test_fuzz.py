"""Random programs of operators, views and in-place writes through them: compiled and eager agree to the bit."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from hypothesis import example, given, settings
from hypothesis import strategies as st

import curta
from curta.errors import CurtaError
from curta.nn import functional as F

#: what makes a new tensor of one, or of two that broadcast
UNARY: list[Callable[[Any], Any]] = [
    lambda x: x * 2 + 1,
    lambda x: x.exp().clamp(max=100),
    lambda x: x.tanh(),
    lambda x: x.sum(-1, keepdim=True) if x.ndim else x,
    lambda x: x.mean(),
    lambda x: F.softmax(x, -1) if x.ndim else x.sigmoid(),
    lambda x: x.clone(),
    lambda x: x.reshape(-1),
    lambda x: x.mT.contiguous() if x.ndim > 1 else x.abs(),
    lambda x: (x @ x.mT).relu() if x.ndim > 1 else x,
    lambda x: x.to(curta.float64).to(curta.float32),
    lambda x: x.bfloat16().float(),
    lambda x: curta.where(x > 0, x, -x),
    lambda x: x.detach() + x,
]
BINARY: list[Callable[[Any, Any], Any]] = [
    lambda a, b: a + b,
    lambda a, b: a * b,
    lambda a, b: a.maximum(b),
    lambda a, b: curta.stack([a, b]) if a.shape == b.shape else a - b,
    lambda a, b: a @ b.mT if a.ndim == b.ndim == 2 and a.shape[1] == b.shape[1] else a - b,
    lambda a, b: F.linear(a, b, b[:, 0]) if a.ndim > 1 and b.ndim == 2 and 0 < b.shape[1] == a.shape[-1] else a / 2,
]
VIEWS: list[Callable[[Any], Any]] = [
    lambda x: x.T if x.ndim == 2 else x,
    lambda x: x[1:] if x.ndim and x.shape[0] > 1 else x,
    lambda x: x[..., ::2] if x.ndim else x,
    lambda x: x[0] if x.ndim and x.shape[0] else x,
    lambda x: x.unsqueeze(0),
    lambda x: x.expand(2, *x.shape) if x.ndim < 3 else x,
    lambda x: x.flatten() if x.is_contiguous() and x.ndim else x,
]
IN_PLACE: list[Callable[[Any, Any], Any]] = [
    lambda x, y: x.add_(1),
    lambda x, y: x.mul_(0.5),
    lambda x, y: x.copy_(y) if _fits(x, y) else x.zero_(),
    lambda x, y: x.sub_(y) if _fits(x, y) else x.fill_(3),
    lambda x, y: x.exp_().clamp_(max=50),
]
STEP = st.tuples(st.sampled_from("ubvi"), st.integers(0, 13), st.integers(0, 50), st.integers(0, 50))
SHAPES = st.lists(st.integers(0, 4), max_size=3)


def _fits(x: Any, y: Any) -> bool:
    lead = x.ndim - y.ndim
    return lead >= 0 and all(mine in (1, own) for mine, own in zip(y.shape, x.shape[lead:], strict=True))


def _writable(x: Any) -> bool:
    return all(stride or size == 1 for size, stride in zip(x.shape, x.stride(), strict=True))


def program(steps: list[tuple[str, int, int, int]]) -> Callable[..., Any]:
    def run(*arguments: Any) -> Any:
        pool = list(arguments)
        for kind, which, first, second in steps:
            a, b = pool[first % len(pool)], pool[second % len(pool)]
            if kind == "u":
                pool.append(UNARY[which % len(UNARY)](a))
            elif kind == "b":
                broadcast = _fits(a, b) or _fits(b, a)
                pool.append(BINARY[which % len(BINARY)](a, b) if broadcast else a + 1)
            elif kind == "v":
                pool.append(VIEWS[which % len(VIEWS)](a))
            elif _writable(a):
                IN_PLACE[which % len(IN_PLACE)](a, b)
        return [one for one in pool[len(arguments) :] if one.numel() < 5000]

    return run


def arrays(shapes: list[list[int]], seed: int) -> list[Any]:
    random = np.random.default_rng(seed)
    return [random.normal(size=shape).astype(np.float32) for shape in shapes]


def outcome(call: Callable[..., Any], arguments: list[Any]) -> Any:
    """The values that a call gives and leaves in its arguments; or what it raises."""
    try:
        results = call(*arguments)
    except CurtaError as error:
        return type(error), str(error)
    return values(results), values(arguments)


def values(tensors: Any) -> list[Any]:
    return [(tuple(one.shape), one.dtype, _bits(one.detach().numpy())) for one in tensors]


def _bits(array: Any) -> bytes:
    """The bytes, every NaN as the same one: whether 0/0 has a sign depends on who works it out."""
    if array.dtype.kind == "f":
        array = np.where(np.isnan(array), np.array(np.nan, array.dtype), array)
    return bytes(array.tobytes())


@settings(max_examples=60, deadline=None)
@given(st.lists(STEP, min_size=1, max_size=12), st.lists(SHAPES, min_size=1, max_size=3), st.booleans())
def test_any_program(steps: list[tuple[str, int, int, int]], shapes: list[list[int]], transposed: bool) -> None:
    function = program(steps)
    compiled = curta.compile(function)
    for seed in (1, 2):
        made: list[Any] = []
        for call in (function, compiled):
            arguments = [curta.tensor(array) for array in arrays(shapes, seed)]
            if transposed:
                arguments = [one.T if one.ndim == 2 else one for one in arguments]
            with curta.no_grad():
                made.append(outcome(call, arguments))
        assert made[0] == made[1]
    assert len(compiled.programs) <= 1


@settings(max_examples=40, deadline=None)
@given(
    st.lists(STEP.filter(lambda step: step[0] != "i"), min_size=1, max_size=10),
    st.lists(SHAPES, min_size=1, max_size=2),
)
@example([("u", 0, 0, 0)] * 3 + [("u", 4, 0, 0), ("u", 1, 0, 0), ("u", 8, 40, 0)], [[0]])
@example(
    [("u", 0, 0, 0), ("v", 12, 0, 0), ("u", 0, 50, 0)], [[3]]
)  # two sums in one kernel, each in an order of its own
def test_gradients_of_any_program(steps: list[tuple[str, int, int, int]], shapes: list[list[int]]) -> None:
    function = program(steps)

    def loss(*arguments: Any) -> Any:
        return sum((one.sum() for one in function(*arguments)), curta.zeros(()))

    compiled = curta.compile(loss)
    made: list[Any] = []
    for call in (loss, compiled, compiled):
        arguments = [curta.tensor(array, requires_grad=True) for array in arrays(shapes, 3)]
        value = call(*arguments)
        if value.requires_grad:
            value.backward()
        made.append((values([value]), values([one.grad for one in arguments if one.grad is not None])))
    assert made[0] == made[1] == made[2]
