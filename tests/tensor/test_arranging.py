"""Diagonals, splits, grids, repetitions and chosen elements: against NumPy, with gradients, compiled, without data."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest

import curta
from curta.autograd import gradcheck, gradgradcheck
from curta.functions import dividing, indexing, movement

X = np.arange(12.0).reshape(3, 4)
PLACES = np.array([2, 0])
MASK = np.array([[True, False, True, True], [False] * 4, [True, True, False, False]])


def written(values: Any, place: Any, by: Any, add: bool = False) -> Any:
    made = values.copy()
    if add:
        np.add.at(made, place, by)
    else:
        made[place] = by
    return made


def hollow_like(tensor: Any) -> Any:
    return curta.empty_like(tensor, device="meta")


#: (name, function of the module's tensor and of a maker of tensors, what NumPy says)
CASES: tuple[tuple[str, Any, Any], ...] = (
    ("index_copy", lambda x, t: x.index_copy(0, t(PLACES), x[:2] * 3), written(X, PLACES, X[:2] * 3)),
    ("index_copy columns", lambda x, t: x.index_copy(-1, t(PLACES), x[:, :2] * 3),
     written(X, (slice(None), PLACES), X[:, :2] * 3)),
    ("index_fill", lambda x, t: x.index_fill(1, t(PLACES), 7), written(X, (slice(None), PLACES), 7)),
    ("index_put_", lambda x, t: curta.index_put_(x.clone(), (t(PLACES), t(PLACES)), x[0, :2] * 2),
     written(X, (PLACES, PLACES), X[0, :2] * 2)),
    ("take", lambda x, t: x.take(t(np.array([[0, -1], [5, 5]]))), X.take([[0, -1], [5, 5]])),
    ("put", lambda x, t: x.put(t(np.array([-1, 4])), x[0, :2] * 2), written(X.ravel(), [11, 4], X[0, :2] * 2)),
    ("put adding", lambda x, t: x.put(t(np.array([4, 4])), x[0, 1:3] * 2, accumulate=True),
     written(X.ravel(), [4, 4], X[0, 1:3] * 2, add=True)),
    ("masked_scatter", lambda x, t: x.masked_scatter(t(MASK), -x.T), written(X, MASK, -X.T.ravel()[:5])),
    ("diag of a matrix", lambda x, t: x.diag(1), np.diag(X, 1)),
    ("diag of a vector", lambda x, t: x[0].diag(-1), np.diag(X[0], -1)),
    ("diag_embed", lambda x, t: x.diag_embed(), np.stack([np.diag(row) for row in X])),
    ("diag_embed in front", lambda x, t: curta.diag_embed(x, 1, 0, 2),
     np.stack([np.diag(row, 1) for row in X], 1)),
    ("diagflat", lambda x, t: x[:2, :2].diagflat(), np.diagflat(X[:2, :2])),
    ("block_diag", lambda x, t: curta.block_diag(x, x[0], x[1, 1]),
     np.block([[X, np.zeros((3, 5))], [np.zeros((1, 4)), X[:1], np.zeros((1, 1))], [np.zeros((1, 8)), X[1:2, 1:2]]])),
    ("select_scatter", lambda x, t: x.select_scatter(x[0] * 2, 0, 1), written(X, 1, X[0] * 2)),
    ("slice_scatter", lambda x, t: x.slice_scatter(x[:, :2] * 2, 1, 1, None, 2),
     written(X, (slice(None), slice(1, None, 2)), X[:, :2] * 2)),
    ("diagonal_scatter", lambda x, t: x.diagonal_scatter(x[0, :3] * 2, 1),
     written(X, ([0, 1, 2], [1, 2, 3]), X[0, :3] * 2)),
    ("as_strided_scatter", lambda x, t: x.as_strided_scatter(x[0, :2] * 2, (2,), (3,), 1),
     written(X.ravel(), [1, 4], X[0, :2] * 2)),
    ("tensor_split", lambda x, t: x.tensor_split(3, 1)[0] * 2, np.array_split(X, 3, 1)[0] * 2),
    ("tensor_split at places", lambda x, t: x.tensor_split([1, 3], 1)[1] * 2, X[:, 1:3] * 2),
    ("hsplit", lambda x, t: x.hsplit(2)[1] * 2, np.hsplit(X, 2)[1] * 2),
    ("vsplit", lambda x, t: x.vsplit(3)[1] * 2, np.vsplit(X, 3)[1] * 2),
    ("dsplit", lambda x, t: x.reshape(1, 3, 4).dsplit(2)[1] * 2, X.reshape(1, 3, 4)[..., 2:] * 2),
    ("split_with_sizes", lambda x, t: x.split_with_sizes([1, 2])[1] * 2, X[1:] * 2),
    ("unsafe_split", lambda x, t: x.unsafe_split(2)[0] * 2, X[:2] * 2),
    ("unsafe_chunk", lambda x, t: x.unsafe_chunk(2)[0] * 2, X[:2] * 2),
    ("unfold", lambda x, t: x.unfold(1, 2, 1) * 2, np.lib.stride_tricks.sliding_window_view(X, 2, 1) * 2),
    ("meshgrid", lambda x, t: curta.meshgrid(x[0], x[1, :2])[1] * 2, np.meshgrid(X[0], X[1, :2], indexing="ij")[1] * 2),
    ("meshgrid by columns", lambda x, t: curta.meshgrid(x[0], x[1, :2], x[2, :3], indexing="xy")[0] * 2,
     np.meshgrid(X[0], X[1, :2], X[2, :3])[0] * 2),
    ("cartesian_prod", lambda x, t: curta.cartesian_prod(x[0], x[1, :2]),
     np.array(list(itertools.product(X[0], X[1, :2])))),
    ("combinations", lambda x, t: curta.combinations(x[1], 3), np.array(list(itertools.combinations(X[1], 3)))),
    ("combinations again", lambda x, t: curta.combinations(x[1], 2, with_replacement=True),
     np.array(list(itertools.combinations_with_replacement(X[1], 2)))),
    ("atleast_2d", lambda x, t: curta.atleast_2d(x[0]) * 2, np.atleast_2d(X[0]) * 2),
    ("atleast_3d", lambda x, t: curta.atleast_3d(x[0]) * 2, np.atleast_3d(X[0]) * 2),
    ("atleast_3d of a matrix", lambda x, t: curta.atleast_3d(x) * 2, np.atleast_3d(X) * 2),
    ("column_stack", lambda x, t: curta.column_stack([x, x[:, 0]]), np.column_stack([X, X[:, 0]])),
    ("dstack", lambda x, t: curta.dstack([x, x * 2]), np.dstack([X, X * 2])),
    ("row_stack", lambda x, t: curta.row_stack([x, x[0]]), np.vstack([X, X[0]])),
    ("fliplr", lambda x, t: x.fliplr(), np.fliplr(X)),
    ("flipud", lambda x, t: x.flipud(), np.flipud(X)),
    *((f"rot90 {k}", lambda x, t, k=k: x.rot90(k) * 2, np.rot90(X, k) * 2) for k in (-1, 0, 1, 2)),
    ("repeat_interleave", lambda x, t: x.repeat_interleave(2), X.repeat(2)),
)  # fmt: skip


@pytest.mark.parametrize(("function", "expected"), [one[1:] for one in CASES], ids=[one[0] for one in CASES])
def test_values_gradients_compiled_and_without_data(function: Any, expected: Any) -> None:
    x = curta.tensor(X)
    for given in (x, curta.tensor(X.T.copy()).T):
        if given.is_contiguous() or "as_strided_scatter" not in function.__code__.co_names:
            made = function(given, curta.from_numpy)
            assert made.reshape(expected.shape).tolist() == expected.tolist()
    fresh = x.clone().requires_grad_()
    assert gradcheck(lambda one: function(one, curta.from_numpy), (fresh,))
    assert gradgradcheck(lambda one: function(one * one, curta.from_numpy), (fresh,))
    compiled = curta.compile(lambda one: function(one, curta.from_numpy))
    assert compiled(x).tolist() == made.tolist()
    hollow = function(hollow_like(x), lambda one: hollow_like(curta.from_numpy(one)))
    assert (hollow.shape, hollow.dtype, hollow.device.type) == (made.shape, made.dtype, "meta")


def test_splits_are_views() -> None:
    x = curta.zeros(4, 4)
    for part in (x.tensor_split(2)[1], x.hsplit(2)[1], x.unsafe_chunk(2)[1], x.unfold(0, 2, 1)[1]):
        assert part.untyped_storage() is x.untyped_storage()
    x.hsplit(2)[1].fill_(1)
    assert x.sum() == 8


def test_only_divisions_into_few_parts_are_kept() -> None:
    x = curta.arange(3000)
    for kept, few, many in (
        (dividing._kept_steps, lambda: x.split(1500), lambda: x.split(1)),
        (dividing._kept_sections, lambda: x.split([1, 2999]), lambda: x.split([1] * 3000)),
        (indexing._entry, lambda: x[:1000][999], lambda: x[2999]),
        (movement._kept_selection, lambda: x[:1000].select(0, 999), lambda: x.select(0, 2999)),
    ):
        kept.cache_clear()
        assert int(many()[-1] if isinstance(many(), tuple) else many()) == 2999
        assert kept.cache_info().currsize == 0
        few()
        assert kept.cache_info().currsize == 1
    parts = x.split([1] * 3000)
    assert [int(part) for part in parts[::500]] == list(range(0, 3000, 500))


@pytest.mark.parametrize(
    "call",
    [
        lambda x: x.split(True),
        lambda x: x.unflatten(True, (1, 3)),
        lambda x: x.movedim(0, True),
        lambda x: x.as_strided((1,), (1,), 1.0),
        lambda x: x.as_strided((1,), (1,), True),
        lambda x: x[:1.5],
        lambda x: x[0, "a":],
    ],
)
def test_integers_are_asked_for(call: Any) -> None:
    with pytest.raises(TypeError):
        call(curta.zeros(2, 3))


def test_in_place_forms_write_through_views_and_keep_gradients() -> None:
    base = curta.tensor(X, requires_grad=True)
    whole = base * 1
    column = whole[:, 1]
    assert column.put_(curta.tensor([0]), curta.tensor([50.0], dtype=curta.float64)) is column
    column.masked_scatter_(curta.tensor([False, True, False]), curta.tensor([60.0], dtype=curta.float64))
    column.index_fill_(0, curta.tensor([2]), 70)
    assert whole.tolist() == written(X, (slice(None), 1), [50, 60, 70]).tolist()
    whole.sum().backward()
    assert base.grad is not None
    assert base.grad.tolist() == written(np.ones_like(X), (slice(None), 1), 0).tolist()


def test_numbers_and_empty_tensors() -> None:
    one = curta.tensor(1.0)
    assert one.index_copy(0, curta.tensor([0]), curta.tensor([5.0])).tolist() == 5.0
    assert one.index_fill(0, curta.tensor(0), 3).tolist() == 3.0
    assert one.unfold(0, 1, 1).tolist() == [1.0]
    assert one.repeat_interleave(2).tolist() == [1.0, 1.0]
    assert curta.block_diag().shape == (1, 0)
    assert curta.zeros(0, 3).diag_embed().shape == (0, 3, 3)
    assert curta.zeros(0).masked_scatter(curta.zeros(0) > 0, curta.zeros(0)).shape == (0,)
    assert curta.ones(2).masked_scatter(curta.zeros(2) > 0, curta.zeros(0)).tolist() == [1.0, 1.0]
    assert curta.zeros(0).take(curta.zeros(0, dtype=curta.int64)).shape == (0,)
    assert curta.combinations(curta.ones(2), 0).shape == (0,)
    assert curta.combinations(curta.ones(2), 3).shape == (0, 3)
    assert [one.shape[0] for one in curta.zeros(2).tensor_split(4)] == [1, 1, 0, 0]
    assert curta.repeat_interleave(curta.tensor([1, 0, 2])).tolist() == [0, 2, 2]
    assert curta.argwhere(curta.tensor([[0, 1], [2, 0]])).tolist() == [[0, 1], [1, 0]]
    assert [one.shape for one in curta.atleast_1d(one, curta.ones(2))] == [(1,), (2,)]


@pytest.mark.parametrize("wide", [1, 20])
def test_a_place_filled_twice_counts_once_for_the_value(wide: int) -> None:
    x, value = curta.ones(2, 3, wide, requires_grad=True), curta.tensor(2.0, requires_grad=True)
    made = x.index_fill(1, curta.tensor([0, -3, 1]), value)
    made.sum().backward()
    assert (made[0, :, 0].tolist(), value.grad.item()) == ([2.0, 2.0, 1.0], 4 * wide)
    assert x.grad[1, :, 0].tolist() == [0.0, 0.0, 1.0]
    one, value = curta.tensor(3.0, requires_grad=True), curta.tensor(2.0, requires_grad=True)
    one.index_fill(0, curta.tensor([0, 0]), value).backward()
    assert (one.grad.item(), value.grad.item()) == (0.0, 1.0)


@pytest.mark.parametrize("dtype", ["bool", "uint8", "float16", "bfloat16"])
def test_formats_stay(dtype: str) -> None:
    x = curta.tensor([0, 1, 1], dtype=getattr(curta, dtype))
    places = curta.tensor([2, 0])
    for made, values in (
        (x.index_copy(0, places, x[:2]), [1, 1, 0]),
        (x.index_fill(0, places, 1), [1, 1, 1]),
        (x.put(places, x[:2]), [1, 1, 0]),
        (x.masked_scatter(x.bool(), x), [0, 0, 1]),
        (x.repeat_interleave(places[:1], 0), [0, 0, 1, 1, 1, 1]),
        (x.diag().diag(), [0, 1, 1]),
    ):
        assert made.dtype is x.dtype
        assert made.tolist() == values


def test_compiled_programs_refuse_indices_in_the_same_words() -> None:
    compiled = curta.compile(lambda x, places: x.take(places))
    assert compiled(curta.arange(3.0), curta.tensor([1, -1])).tolist() == [1.0, 2.0]
    with pytest.raises(IndexError, match=r"^out of range: tried to access index 7 on a tensor of 3 elements\.$"):
        compiled(curta.arange(3.0), curta.tensor([1, 7]))


def test_counts_and_places_in_tensors() -> None:
    x = curta.tensor(X, requires_grad=True)
    made = x.repeat_interleave(curta.tensor([2, 0, 1]), 0)
    assert made.tolist() == X.repeat([2, 0, 1], 0).tolist()
    assert gradcheck(lambda one: one.repeat_interleave(curta.tensor([2, 0, 1]), 0), (x,))
    assert x.repeat_interleave(curta.tensor(2), 1).shape == (3, 8)
    assert hollow_like(x).repeat_interleave(curta.tensor([2, 0, 1]), 0).shape == (3, 4)
    assert x.tensor_split(curta.tensor([1, 3]), 1)[1].tolist() == X[:, 1:3].tolist()
    assert len(x.tensor_split(curta.tensor(3))) == 3
