"""Laws that hold for any pattern: there and back, by one way or in two steps; against NumPy built from the parts."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

import curta
from curta.einops import einsum, pack, rearrange, reduce, repeat, unpack

LETTERS = "abcde"


class Drawn(NamedTuple):
    """Axes with their sizes, in groups before and after."""

    sizes: dict[str, int]
    left: list[list[str]]
    right: list[list[str]]

    @property
    def array(self) -> Any:
        return np.arange(float(np.prod([*self.sizes.values()]))).reshape(shape_of(self.left, self.sizes))


def shape_of(groups: list[list[str]], sizes: dict[str, int]) -> tuple[int, ...]:
    return tuple(int(np.prod([sizes[name] for name in group])) for group in groups)


def text(groups: list[list[str]]) -> str:
    return " ".join(group[0] if len(group) == 1 else f"({' '.join(group)})" for group in groups)


@st.composite
def grouped(draw: Any, names: list[str]) -> list[list[str]]:
    groups: list[list[str]] = []
    for name in names:
        if groups and draw(st.booleans()):
            groups[-1].append(name)
        else:
            groups.append([name])
            if draw(st.integers(0, 5)) == 0:
                groups.append([])  # an axis of size 1
    return groups


@st.composite
def drawn(draw: Any, smallest: int = 0) -> Drawn:
    names = list(LETTERS[: draw(st.integers(0, len(LETTERS)))])
    sizes = {name: draw(st.integers(smallest, 4)) for name in names}
    return Drawn(sizes, draw(grouped(names)), draw(grouped(draw(st.permutations(names)))))


def oracle(of: Drawn) -> Any:
    before = [name for group in of.left for name in group]
    after = [name for group in of.right for name in group]
    elementary = of.array.reshape([of.sizes[name] for name in before])
    return elementary.transpose([before.index(name) for name in after]).reshape(shape_of(of.right, of.sizes))


@settings(deadline=None)
@given(drawn())
def test_rearrange_is_reshape_transpose_reshape(of: Drawn) -> None:
    x = curta.tensor(of.array)
    found = rearrange(x, f"{text(of.left)} -> {text(of.right)}", **of.sizes)
    np.testing.assert_array_equal(found.numpy(), oracle(of))
    np.testing.assert_array_equal(rearrange(of.array, f"{text(of.left)} -> {text(of.right)}", **of.sizes), oracle(of))


@settings(deadline=None)
@given(drawn())
def test_back_again(of: Drawn) -> None:
    x = curta.tensor(of.array)
    there, back = f"{text(of.left)} -> {text(of.right)}", f"{text(of.right)} -> {text(of.left)}"
    np.testing.assert_array_equal(rearrange(rearrange(x, there, **of.sizes), back, **of.sizes).numpy(), of.array)


@settings(deadline=None)
@given(drawn())
def test_the_gradient_of_a_rearrangement_is_the_way_back(of: Drawn) -> None:
    x = curta.tensor(of.array, requires_grad=True)
    found = rearrange(x, f"{text(of.left)} -> {text(of.right)}", **of.sizes)
    weights = curta.tensor(np.random.default_rng(1).standard_normal(tuple(found.shape)))
    (found * weights).sum().backward()
    back = rearrange(weights, f"{text(of.right)} -> {text(of.left)}", **of.sizes)
    np.testing.assert_array_equal(x.grad.numpy(), back.numpy())


@settings(deadline=None)
@given(drawn(smallest=1), st.sampled_from(["sum", "max", "min", "mean", "prod"]), st.data())
def test_reduce_is_a_reduction_of_what_was_rearranged(of: Drawn, name: str, data: Any) -> None:
    kept = [[axis for axis in group if data.draw(st.booleans())] for group in of.right]
    kept = [group for group, before in zip(kept, of.right, strict=True) if group or not before]
    # the product of a thousand such numbers, of both signs, is finite in any order
    array = (np.cos(of.array) + 1.5) * np.where(of.array % 3 == 1, -1, 1)
    found = reduce(curta.tensor(array), f"{text(of.left)} -> {text(kept)}", name, **of.sizes)
    before = [axis for group in of.left for axis in group]
    after = [axis for group in kept for axis in group]
    gone = tuple(place for place, axis in enumerate(before) if axis not in after)
    reduced = getattr(np, name)(array.reshape([of.sizes[axis] for axis in before]), axis=gone)
    rest = [axis for axis in before if axis in after]
    wanted = reduced.transpose([rest.index(axis) for axis in after]).reshape(shape_of(kept, of.sizes))
    np.testing.assert_allclose(found.numpy(), wanted, rtol=1e-12, atol=1e-12)


@settings(deadline=None)
@given(drawn(), st.integers(0, 3), st.data())
def test_what_was_repeated_is_reduced_to_what_it_was(of: Drawn, times: int, data: Any) -> None:
    right = [list(group) for group in of.right]
    right.insert(data.draw(st.integers(0, len(right))), ["n"])
    if len(right) > 1 and data.draw(st.booleans()):
        place = right.index(["n"])
        first = max(place - 1, 0)  # merged with the group before it, or as the first one with the next
        right[first : first + 2] = [[*right[first], *right[first + 1]]]
    there = f"{text(of.left)} -> {text(right)}"
    x = curta.tensor(of.array)
    repeated = repeat(x, there, n=times, **of.sizes)
    back = reduce(repeated, f"{text(right)} -> {text(of.left)}", "sum", n=times, **of.sizes)
    np.testing.assert_array_equal(back.numpy(), of.array * times)
    np.testing.assert_array_equal(repeat(of.array, there, n=times, **of.sizes), repeated.numpy())


@settings(deadline=None)
@given(st.lists(st.lists(st.integers(0, 3), max_size=3), min_size=1, max_size=4), st.integers(0, 2), st.integers(0, 2))
def test_unpack_undoes_pack(inner: list[list[int]], before: int, after: int) -> None:
    lead, tail = (2, 3)[:before], (4, 2)[:after]
    arrays = [np.random.default_rng(2).standard_normal((*lead, *one, *tail)) for one in inner]
    pattern = " ".join([*"ab"[:before], "*", *"cd"[:after]])
    packed, shapes = pack([curta.tensor(one) for one in arrays], pattern)
    assert shapes == [tuple(one) for one in inner]
    for part, array in zip(unpack(packed, shapes, pattern), arrays, strict=True):
        np.testing.assert_array_equal(part.numpy(), array)


@settings(deadline=None)
@given(st.data())
def test_einsum_is_numpys(data: Any) -> None:
    count = data.draw(st.integers(1, 3))
    inputs = [data.draw(st.lists(st.sampled_from(LETTERS[:4]), max_size=3)) for _ in range(count)]
    there = sorted({name for one in inputs for name in one})
    output = data.draw(st.permutations(there))[: data.draw(st.integers(0, len(there)))]
    sizes = {name: data.draw(st.integers(0, 3)) for name in there}
    random = np.random.default_rng(3)
    arrays = [random.standard_normal([sizes[name] for name in one]) for one in inputs]
    pattern = ", ".join(map(" ".join, inputs)) + " -> " + " ".join(output)
    wanted = np.einsum(",".join(map("".join, inputs)) + "->" + "".join(output), *arrays)
    found = einsum(*map(curta.tensor, arrays), pattern)
    assert tuple(found.shape) == wanted.shape
    np.testing.assert_allclose(found.numpy(), wanted, rtol=1e-10, atol=1e-10)
