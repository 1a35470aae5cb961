"""Views and indexing against NumPy, by random programs; what each error says."""

import re

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given, settings

import curta

QUICK = settings(max_examples=60, deadline=None)


def both(shape):
    values = np.arange(np.prod(shape), dtype=np.int64).reshape(shape)
    return curta.tensor(values), values


def same(tensor, values):
    assert tuple(tensor.shape) == values.shape
    assert tensor.tolist() == values.tolist()


shapes = st.lists(st.integers(1, 4), min_size=1, max_size=4).map(tuple)


@st.composite
def basic_index(draw, shape):
    items = []
    for size in shape[: draw(st.integers(0, len(shape)))]:
        kind = draw(st.sampled_from(["int", "slice", "none"] if size else ["slice"]))
        if kind == "none":
            items.append(None)
        if kind == "int":
            items.append(draw(st.integers(-size, size - 1)))
        else:
            ends = st.none() | st.integers(-size - 1, size + 1)
            items.append(slice(draw(ends), draw(ends), draw(st.none() | st.integers(1, 3))))
    if draw(st.booleans()):
        items.append(...)
    return tuple(items)


@QUICK
@given(st.data())
def test_chains_of_views(data):
    shape = data.draw(shapes)
    tensor, values = both(shape)
    for _ in range(data.draw(st.integers(1, 4))):
        step = data.draw(st.sampled_from(["index", "permute", "reshape", "unsqueeze", "squeeze", "expand", "flip"]))
        if step == "index":
            index = data.draw(basic_index(values.shape))
            tensor, values = tensor[index], np.asarray(values[index])
        elif step == "permute":
            order = data.draw(st.permutations(range(values.ndim)))
            tensor, values = tensor.permute(*order), values.transpose(order)
        elif step == "reshape":
            tensor, values = tensor.reshape(-1), values.reshape(-1)
        elif step == "unsqueeze":
            dim = data.draw(st.integers(0, values.ndim))
            tensor, values = tensor.unsqueeze(dim), np.expand_dims(values, dim)
        elif step == "squeeze":
            tensor, values = tensor.squeeze(), values.squeeze()
        elif step == "expand":
            tensor, values = tensor.expand(2, *values.shape), np.broadcast_to(values, (2, *values.shape))
        elif values.ndim:
            tensor, values = tensor.flip(0), values[::-1]
    same(tensor, values)
    same(tensor.contiguous(), values)


@QUICK
@given(st.data())
def test_integer_arrays(data):
    shape = data.draw(shapes)
    tensor, values = both(shape)
    count = data.draw(st.integers(1, 3))
    items = []
    for size in shape:
        if data.draw(st.booleans()):
            items.append(np.array(data.draw(st.lists(st.integers(-size, size - 1), min_size=count, max_size=count))))
        else:
            items.append(slice(None, None, data.draw(st.integers(1, 2))))
    index = tuple(items)
    mine = tuple(curta.tensor(i) if isinstance(i, np.ndarray) else i for i in index)
    same(tensor[mine], values[index])
    written, wanted = tensor.clone(), values.copy()
    written[mine] = -1
    wanted[index] = -1
    same(written, wanted)


@QUICK
@given(st.data())
def test_masks(data):
    shape = data.draw(shapes)
    tensor, values = both(shape)
    covered = shape[: data.draw(st.integers(1, len(shape)))]
    bits = data.draw(st.lists(st.booleans(), min_size=int(np.prod(covered)), max_size=int(np.prod(covered))))
    mask = np.array(bits).reshape(covered)
    same(tensor[curta.tensor(mask)], values[mask])
    written, wanted = tensor.clone(), values.copy()
    written[curta.tensor(mask)] = 5
    wanted[mask] = 5
    same(written, wanted)


@pytest.mark.parametrize("dtype", [d for d in curta.dtypes.ALL if d.category])
def test_gathers_and_scatters_in_every_format(dtype):
    x = curta.arange(6).reshape(3, 2).to(dtype)
    index = curta.tensor([2, 0, 2])
    assert x[index].tolist() == [[4, 5], [0, 1], [4, 5]]
    x.index_add_(0, index, curta.ones(3, 2).to(dtype))
    assert x.tolist() == [[1, 2], [2, 3], [6, 7]]
    x[curta.tensor([0])] = curta.tensor([[9, 8]]).to(dtype)
    assert x.dtype is dtype
    assert x.tolist() == [[9, 8], [2, 3], [6, 7]]


def test_vectors_of_nothing_are_skipped_but_for_their_format():
    """Recorded from PyTorch 2.13."""
    for other, wanted in ((curta.int64, curta.float32), (curta.float64, curta.float64)):
        made = curta.cat([curta.zeros(0), curta.tensor([[1]], dtype=other)])
        assert (made.dtype, made.tolist()) == (wanted, [[1.0]])


def test_many_repetitions_add_up_in_any_width():
    for width in (1, 3, 64, 70, 129):
        source = np.random.default_rng(0).standard_normal((500, width))
        rows = np.random.default_rng(1).integers(0, 7, 500)
        wanted = np.zeros((7, width))
        np.add.at(wanted, rows, source)
        found = curta.zeros(7, width, dtype=curta.float64).index_add(0, curta.tensor(rows), curta.tensor(source))
        assert np.allclose(found.numpy(), wanted, rtol=1e-12)


@pytest.mark.parametrize("dtype", ["float64", "float32", "int16", "bool"])
def test_many_wide_rows(dtype):
    """Rows of 256 elements and more are shared out one by one."""
    random = np.random.default_rng(2)
    into = random.integers(0, 2 if dtype == "bool" else 9, (97, 301)).astype(dtype)
    source = random.integers(0, 2 if dtype == "bool" else 9, (400, 301)).astype(dtype)
    rows = random.integers(0, 97, 400)
    rows[::3] = 5
    x, y, where = curta.tensor(into), curta.tensor(source), curta.tensor(rows)
    added, put, filled = into.copy(), into.copy(), into.copy()
    np.add.at(added, rows, source)
    put[rows], filled[rows] = source, 1
    assert np.array_equal(x.index_add(0, where, y).numpy(), added)
    assert np.array_equal(x.index_copy(0, where, y).numpy(), put)
    assert np.array_equal(x.index_fill(0, where, 1).numpy(), filled)
    assert np.array_equal(
        x.index_put((where,), y[0]).numpy(), np.where(np.isin(range(97), rows)[:, None], source[0], into)
    )
    if dtype.startswith("float"):
        table = curta.tensor(into, requires_grad=True)
        table[where].backward(y)
        assert np.array_equal(table.grad.numpy(), added - into)
        largest = into.copy()
        largest[rows] = -1
        np.maximum.at(largest, rows, source)
        assert np.array_equal(x.index_reduce(0, where, y, "amax", include_self=False).numpy(), largest)


@pytest.mark.parametrize("shape", [(3, 7), (4, 6, 2), (2, 5, 30), (2, 3, 1, 9)])
def test_slices_along_further_dimensions(shape):
    random = np.random.default_rng(4)
    for dim in range(1, len(shape)):
        rows = random.integers(0, shape[dim], 11)
        given = (*shape[:dim], 11, *shape[dim + 1 :])
        into, source = random.standard_normal(shape), random.standard_normal(given)
        at = (slice(None),) * dim
        added, put, filled = into.copy(), into.copy(), into.copy()
        np.add.at(added, (*at, rows), source)
        put[(*at, rows)], filled[(*at, rows)] = source, 2.0
        x, y, where = curta.tensor(into), curta.tensor(source, requires_grad=True), curta.tensor(rows)
        made = x.index_add(dim, where, y)
        assert np.allclose(made.detach().numpy(), added)
        made.backward(x)
        assert np.array_equal(y.grad.numpy(), into[(*at, rows)])
        assert np.array_equal(x.index_copy(dim, where, y.detach()).numpy(), put)
        assert np.array_equal(x.index_fill(dim, where - shape[dim], 2.0).numpy(), filled)


def test_a_write_through_a_view_shows_in_the_other():
    x = curta.zeros(2, 3)
    x.T[1] = 4.0
    x[1, 2:].fill_(9)
    x.view(6)[0] = 1
    assert x.tolist() == [[1, 4, 0], [0, 4, 9]]


X = curta.arange(12.0).reshape(3, 4)
ERRORS = [
    (lambda: X[1.0], IndexError, "only integers, slices (`:`), ellipsis (`...`), None and long or byte Variables are "
     "valid indices (got float)"),
    (lambda: X[curta.tensor([0.5])], IndexError, "tensors used as indices must be long, int, byte or bool tensors"),
    (lambda: X[[0, 5]], IndexError, "index 5 is out of bounds for dimension 0 with size 3"),
    (lambda: X[-4], IndexError, "index -4 is out of bounds for dimension 0 with size 3"),
    (lambda: X[curta.tensor([True, False])], IndexError, "The shape of the mask [2] at index 0 does not match the shape "  # noqa: E501
     "of the indexed tensor [3, 4] at index 0"),
    (lambda: X[0, 0, 0], IndexError, "too many indices for tensor of dimension 2"),
    (lambda: curta.tensor(1.0)[0], IndexError, "invalid index of a 0-dim tensor. Use `tensor.item()` in Python or "
     "`tensor.item<T>()` in C++ to convert a 0-dim tensor to a number"),
    (lambda: X[[0, 1], [0, 1, 2]], IndexError, "shape mismatch: indexing tensors could not be broadcast together with "
     "shapes [2], [3]"),
    (lambda: X[::-1], ValueError, "step must be greater than zero"),
    (lambda: X.__setitem__(slice(None), curta.zeros(3)), RuntimeError, "The expanded size of the tensor (4) must match "
     "the existing size (3) at non-singleton dimension 1.  Target sizes: [3, 4].  Tensor sizes: [3]"),
    (lambda: X.__setitem__([0, 1], curta.zeros(3)), RuntimeError, "shape mismatch: value tensor of shape [3] cannot be "
     "broadcast to indexing result of shape [2, 4]"),
    (lambda: curta.gather(X, 0, curta.tensor([[5]])), RuntimeError, "index 5 is out of bounds for dimension 0 with size 3"),  # noqa: E501
    (lambda: curta.gather(X, 0, curta.tensor([0])), RuntimeError, "Index tensor must have the same number of dimensions "  # noqa: E501
     "as input tensor"),
    (lambda: X.index_select(0, curta.tensor([3])), IndexError, "index out of range in self"),
    (lambda: curta.cat([X, curta.zeros(2, 2)]), RuntimeError, "Sizes of tensors must match except in dimension 0. "
     "Expected size 4 but got size 2 for tensor number 1 in the list."),
    (lambda: curta.cat([]), ValueError, "torch.cat(): expected a non-empty list of Tensors"),
    (lambda: curta.stack([X, curta.zeros(2)]), RuntimeError, "stack expects each tensor to be equal size, but got [3, 4] "  # noqa: E501
     "at entry 0 and [2] at entry 1"),
    (lambda: X.unsqueeze(4), IndexError, "Dimension out of range (expected to be in range of [-3, 2], but got 4)"),
    (lambda: X.expand(2), RuntimeError, "expand: the number of sizes provided (1) must be greater or equal to the number "  # noqa: E501
     "of dimensions in the tensor (2)"),
    (lambda: X.view(5), RuntimeError, "shape '[5]' is invalid for input of size 12"),
]  # fmt: skip


@pytest.mark.parametrize(("call", "kind", "text"), ERRORS, ids=[text[:40] for _, _, text in ERRORS])
def test_errors(call, kind, text):
    with pytest.raises(kind, match="^" + re.escape(text)):
        call()


#: recorded from PyTorch 2.13, of `arange(12).reshape(3, 4)`
LISTS = (
    ([[1, 0], [0, 1]], [4, 1]),
    ([[1, 0]], [[4, 5, 6, 7], [0, 1, 2, 3]]),
    ([[1, 0], [1]], [5, 1]),
    ([[1, 0], 1], [5, 1]),
    ([(1, 0), (0, 1)], [4, 1]),
    ([np.array([1, 0])], [[4, 5, 6, 7], [0, 1, 2, 3]]),
    ([np.array([1, 0]), np.array([1, 2])], [5, 2]),
    ([np.array(1), 2], 6),
    ([slice(0, 1), 1], [1]),
    ([[True, False, True]], [[0, 1, 2, 3], [8, 9, 10, 11]]),
    ([None, 1], [[4, 5, 6, 7]]),
    ([..., 1], [1, 5, 9]),
    ([[[1, 0], [0, 1]]], [[[4, 5, 6, 7], [0, 1, 2, 3]], [[0, 1, 2, 3], [4, 5, 6, 7]]]),
    ([range(2)], [[0, 1, 2, 3], [4, 5, 6, 7]]),
    ([[], []], []),
)


@pytest.mark.parametrize(("index", "expected"), LISTS, ids=str)
def test_a_short_list_of_more_than_numbers_is_a_tuple(index, expected):
    x = curta.arange(12).reshape(3, 4)
    with pytest.warns(UserWarning, match="^Using a non-tuple sequence for multidimensional indexing is deprecated"):
        assert x[index].tolist() == expected
    with pytest.warns(UserWarning, match="non-tuple sequence") as caught:
        x[index] = -1
    assert caught[0].filename == __file__
    assert x[tuple(index)].eq(-1).all()


def test_lists_that_are_one_index():
    x = curta.arange(12).reshape(3, 4)
    assert x[[1, 0]].tolist() == [[4, 5, 6, 7], [0, 1, 2, 3]]
    assert x[[[0]] * 32].shape == (32, 1, 4)
    assert x[[np.int64(1), 2]].tolist() == [[4, 5, 6, 7], [8, 9, 10, 11]]
    assert x[range(2)].tolist() == [[0, 1, 2, 3], [4, 5, 6, 7]]


def test_a_list_of_tensors_is_a_tuple():
    x = curta.arange(12).reshape(3, 4)
    with pytest.warns(UserWarning, match="non-tuple sequence"):
        assert x[[curta.tensor([1, 0]), curta.tensor([1, 2])]].tolist() == [5, 2]
