"""`curta.array_api` against NumPy, whose own namespace is the standard's, and against the standard's rules."""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable
from itertools import product
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import curta
from curta import array_api as xp

#: the main namespace of version 2024.12, by the standard's own families; complex numbers are the only
#: names that Curta has not
STANDARD = [
    "e", "inf", "nan", "newaxis", "pi", "__array_api_version__", "__array_namespace_info__", "linalg", "bool", "int8",
    "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64", "float32", "float64", "arange", "asarray",
    "empty", "empty_like", "eye", "from_dlpack", "full",
    "full_like", "linspace", "meshgrid", "ones", "ones_like", "tril", "triu", "zeros", "zeros_like", "astype",
    "can_cast", "finfo", "iinfo", "isdtype", "result_type", "abs", "acos", "acosh", "add", "asin", "asinh", "atan",
    "atan2", "atanh", "bitwise_and", "bitwise_left_shift", "bitwise_invert", "bitwise_or", "bitwise_right_shift",
    "bitwise_xor", "ceil", "clip", "conj", "copysign", "cos", "cosh", "divide", "equal", "exp", "expm1", "floor",
    "floor_divide", "greater", "greater_equal", "hypot", "imag", "isfinite", "isinf", "isnan", "less", "less_equal",
    "log", "log1p", "log2", "log10", "logaddexp", "logical_and", "logical_not", "logical_or", "logical_xor", "maximum",
    "minimum", "multiply", "negative", "nextafter", "not_equal", "positive", "pow", "real", "reciprocal", "remainder",
    "round", "sign", "signbit", "sin", "sinh", "square", "sqrt", "subtract", "tan", "tanh", "trunc", "take",
    "take_along_axis", "matmul", "matrix_transpose", "tensordot", "vecdot", "broadcast_arrays", "broadcast_to",
    "concat", "expand_dims", "flip", "moveaxis", "permute_dims", "repeat", "reshape", "roll", "squeeze", "stack",
    "tile", "unstack", "argmax", "argmin", "count_nonzero", "nonzero", "searchsorted", "where", "unique_all",
    "unique_counts", "unique_inverse", "unique_values", "argsort", "sort", "cumulative_prod", "cumulative_sum", "max",
    "mean", "min", "prod", "std", "sum", "var", "all", "any", "diff",
]  # fmt: skip

FLOATS = np.array([0.0, -0.0, 0.5, -2.5, 1.5, 3.0, -1.0, math.inf, -math.inf, math.nan])
WHOLE = np.array([0, 1, -2, 5, -7, 3, 3, 0, -1, 6])
X = np.array([[0.5, -1.5, 2.0], [3.0, 0.25, -4.0]])  # 2 x 3
CUBE = np.arange(24.0).reshape(2, 3, 4) % 7 - 3
Call = Callable[[Any, Any], Any]


def test_the_namespace_has_the_standards_names() -> None:
    assert set(xp.__all__) == set(STANDARD)
    assert all(hasattr(xp, name) for name in STANDARD)
    assert xp.__array_api_version__ == "2024.12"
    assert (xp.e, xp.pi, xp.inf, xp.newaxis) == (math.e, math.pi, math.inf, None)
    assert math.isnan(xp.nan)


def plain(made: Any) -> list[Any]:
    """What a call gave, as NumPy's arrays and Python's values."""
    several = made if isinstance(made, (tuple, list)) else (made,)
    return [one.numpy() if isinstance(one, curta.Tensor) else one for one in several]


def agree(call: Call) -> None:
    """`call(namespace, make)` gives the same from tensors as from arrays."""
    with np.errstate(all="ignore"):
        wanted = plain(call(np, np.asarray))
    found = plain(call(xp, lambda array: xp.asarray(array.copy())))
    for ours, theirs in zip(found, wanted, strict=True):
        if not isinstance(theirs, (np.ndarray, np.generic)):
            assert ours == theirs
            continue
        assert (ours.dtype, ours.shape) == (theirs.dtype, theirs.shape)
        if ours.dtype.kind != "f":
            np.testing.assert_array_equal(ours, theirs)
            continue
        np.testing.assert_allclose(ours, theirs, rtol=3e-15 if ours.dtype == np.float64 else 1e-6, atol=1e-15)
        signs = ~np.isnan(theirs)
        np.testing.assert_array_equal(np.signbit(ours)[signs], np.signbit(theirs)[signs])


UNARY = [
    "abs", "acos", "acosh", "asin", "asinh", "atan", "atanh", "ceil", "cos", "cosh", "exp", "expm1", "floor",
    "isfinite", "isinf", "isnan", "log", "log1p", "log2", "log10", "negative", "positive", "reciprocal", "round",
    "sign", "signbit", "sin", "sinh", "square", "sqrt", "tan", "tanh", "trunc", "conj", "real", "imag",
]  # fmt: skip


@pytest.mark.parametrize("name", UNARY)
def test_elements(name: str) -> None:
    agree(lambda ns, make: getattr(ns, name)(make(FLOATS)))


@pytest.mark.parametrize(
    "name", ["abs", "ceil", "floor", "isnan", "round", "sign", "square", "trunc", "bitwise_invert"]
)
def test_whole_elements(name: str) -> None:
    agree(lambda ns, make: getattr(ns, name)(make(WHOLE)))


PAIRS = [
    "add", "atan2", "copysign", "divide", "equal", "floor_divide", "greater", "greater_equal", "hypot", "less",
    "less_equal", "logaddexp", "maximum", "minimum", "multiply", "nextafter", "not_equal", "pow", "remainder",
    "subtract",
]  # fmt: skip
WHOLE_PAIRS = [
    "add", "bitwise_and", "bitwise_left_shift", "bitwise_or", "bitwise_right_shift", "bitwise_xor", "equal",
    "floor_divide", "maximum", "multiply", "pow", "remainder", "subtract", "less",
]  # fmt: skip


@pytest.mark.parametrize("name", PAIRS)
def test_pairs(name: str) -> None:
    values = FLOATS[~np.isinf(FLOATS)] if name == "floor_divide" else FLOATS  # there NumPy is not the standard's
    left, right = np.repeat(values, len(values)), np.tile(values, len(values))
    agree(lambda ns, make: getattr(ns, name)(make(left), make(right)))
    # a tensor without dimensions counts as much as any
    single = left.astype(np.float32)
    agree(lambda ns, make: getattr(ns, name)(make(np.array(1.5)), make(single)))
    agree(lambda ns, make: getattr(ns, name)(make(single), 2.0))
    agree(lambda ns, make: getattr(ns, name)(2, make(single)))


@pytest.mark.parametrize("name", WHOLE_PAIRS)
def test_whole_pairs(name: str) -> None:
    right = np.abs(WHOLE) + 1
    agree(lambda ns, make: getattr(ns, name)(make(WHOLE), make(right)))
    agree(lambda ns, make: getattr(ns, name)(make(WHOLE), make(np.array(3, np.int32))))
    agree(lambda ns, make: getattr(ns, name)(make(WHOLE), 3))


@pytest.mark.parametrize("name", ["logical_and", "logical_or", "logical_xor", "bitwise_or", "equal"])
def test_truths(name: str) -> None:
    left, right = np.array([True, True, False, False]), np.array([True, False, True, False])
    agree(lambda ns, make: getattr(ns, name)(make(left), make(right)))
    agree(lambda ns, make: getattr(ns, name)(make(left), True))


@pytest.mark.parametrize("bounds", [(None, None), (-1, 2), (None, 0.5), (-300, None), ("X", None), ("X", "X")])
def test_clip(bounds: Any) -> None:
    for values in (X, np.arange(3, dtype=np.uint8)) if "X" not in bounds else (X,):
        if 0.5 in bounds and values is not X:
            continue
        agree(lambda ns, make, v=values: ns.clip(make(v), *(make(v[0] - 1) if b == "X" else b for b in bounds)))
    assert xp.clip(xp.ones(2), xp.asarray([2.0, 3.0], dtype=xp.float64)).dtype is xp.float32


@pytest.mark.parametrize("name", ["sum", "prod", "max", "min", "mean", "std", "var", "all", "any", "count_nonzero"])
def test_reductions(name: str) -> None:
    for axis, keepdims in product((None, 0, -1, (0, 2), ()), (False, True)):
        agree(lambda ns, make, a=axis, k=keepdims: getattr(ns, name)(make(CUBE), axis=a, keepdims=k))


def test_formats_of_sums() -> None:
    for dtype in (np.int8, np.int32, np.float32, np.uint8, np.uint64):
        agree(lambda ns, make, d=dtype: (ns.sum(make(CUBE.astype(d))), ns.prod(make(X.astype(d)), axis=0)))
    agree(lambda ns, make: ns.sum(make(X), dtype=ns.int32))
    agree(lambda ns, make: (ns.std(make(X), correction=1), ns.var(make(X), axis=1, correction=0.5)))
    agree(lambda ns, make: (ns.any(make(WHOLE.astype(np.uint8))), ns.all(make(WHOLE.astype(np.uint8)))))
    agree(lambda ns, make: (ns.cumulative_sum(make(WHOLE.astype(np.uint16))), ns.sum(make(WHOLE.astype(np.uint32)))))


@pytest.mark.parametrize("name", ["argmax", "argmin"])
def test_places_of_extremes(name: str) -> None:
    for axis, keepdims in product((None, 0, -1), (False, True)):
        agree(lambda ns, make, a=axis, k=keepdims: getattr(ns, name)(make(CUBE), axis=a, keepdims=k))


CALLS: dict[str, Call] = {
    "cumulative_sum": lambda ns, make: ns.cumulative_sum(make(WHOLE)),
    "cumulative_sum with 0": lambda ns, make: ns.cumulative_sum(make(X), axis=1, include_initial=True),
    "cumulative_prod": lambda ns, make: ns.cumulative_prod(make(WHOLE[1:6]), include_initial=True, dtype=ns.float64),
    "diff": lambda ns, make: ns.diff(make(CUBE), axis=1, n=2, prepend=make(CUBE), append=make(CUBE)),
    "nonzero": lambda ns, make: ns.nonzero(make(CUBE)),
    "searchsorted": lambda ns, make: ns.searchsorted(make(np.sort(WHOLE)), make(WHOLE.reshape(2, 5)), side="right"),
    "searchsorted by sorter": lambda ns, make: ns.searchsorted(
        make(WHOLE), make(WHOLE), sorter=make(np.argsort(WHOLE))
    ),
    "where": lambda ns, make: ns.where(make(X > 0), make(X.astype(np.float32)), make(np.array(2.0))),
    "where numbers": lambda ns, make: (ns.where(make(X > 0), make(X), 0), ns.where(make(X > 0), 1.0, make(X))),
    "sort": lambda ns, make: (ns.sort(make(X)), ns.sort(make(WHOLE), axis=0)),
    "argsort": lambda ns, make: ns.argsort(make(WHOLE), stable=True),
    "unique_all": lambda ns, make: ns.unique_all(make(WHOLE.reshape(2, 5))),
    "unique_counts": lambda ns, make: ns.unique_counts(make(WHOLE)),
    "unique_inverse": lambda ns, make: ns.unique_inverse(make(WHOLE.reshape(5, 2))),
    "unique_values": lambda ns, make: ns.sort(ns.unique_values(make(WHOLE))),
    "unique of nothing": lambda ns, make: ns.unique_all(make(WHOLE[:0])),
    "take": lambda ns, make: ns.take(make(CUBE), make(np.array([2, 0, -1])), axis=1),
    "take of a row": lambda ns, make: ns.take(make(X[0]), make(WHOLE[:2])),
    "take_along_axis": lambda ns, make: ns.take_along_axis(make(X), make(np.array([[2, 1], [0, 0]]))),
    "arange": lambda ns, make: (ns.arange(4), ns.arange(5, 1), ns.arange(5, 0, -2)),
    "arange of fractions": lambda ns, make: ns.arange(0.0, 1.0, 0.25, dtype=ns.float64),
    "arange of another kind": lambda ns, make: ns.arange(0.5, 3.7, 1, dtype=ns.int32),
    "eye": lambda ns, make: (ns.eye(3, dtype=ns.int32), ns.eye(2, 4, k=1, dtype=ns.int32)),
    "eye below": lambda ns, make: ns.eye(4, k=-2, dtype=ns.int32),
    "full": lambda ns, make: (ns.full((2, 3), 7), ns.full(2, True), ns.full_like(make(X), 3)),
    "filled": lambda ns, make: (ns.zeros((2, 1), dtype=ns.int32), ns.ones(2, dtype=ns.int32), ns.ones_like(make(X))),
    "zeros_like": lambda ns, make: ns.zeros_like(make(X), dtype=ns.int32),
    "linspace": lambda ns, make: ns.linspace(1, 3, 5, dtype=ns.float64),
    "half-open linspace": lambda ns, make: ns.linspace(1.0, 3.0, 4, dtype=ns.float64, endpoint=False),
    "meshgrid": lambda ns, make: ns.meshgrid(make(WHOLE[:2]), make(WHOLE[:3]), make(WHOLE[:4])),
    "meshgrid of rows": lambda ns, make: ns.meshgrid(make(WHOLE[:2]), make(WHOLE[:3]), indexing="ij"),
    "meshgrid of nothing": lambda ns, make: ns.meshgrid(),
    "triangles": lambda ns, make: (ns.tril(make(X), k=1), ns.triu(make(X), k=-1)),
    "astype": lambda ns, make: (ns.astype(make(X), ns.int32), ns.astype(make(X), ns.bool)),
    "broadcast_arrays": lambda ns, make: ns.broadcast_arrays(make(X), make(X[0]), make(X[:, :1])),
    "broadcast_to": lambda ns, make: ns.broadcast_to(make(X), shape=(2, 2, 3)),
    "concat": lambda ns, make: (ns.concat([make(X), make(X[:1])]), ns.concat([make(X), make(X[:, 0])], axis=None)),
    "concat of formats": lambda ns, make: ns.concat([make(X.astype(np.float32)), make(X)], axis=1),
    "stack": lambda ns, make: ns.stack([make(X), make(X.astype(np.float32))], axis=-1),
    "expand_dims": lambda ns, make: (ns.expand_dims(make(X), axis=0), ns.expand_dims(make(X), axis=-1)),
    "flip": lambda ns, make: (ns.flip(make(X)), ns.flip(make(X), axis=(0,)), ns.flip(make(X), axis=-1)),
    "moveaxis": lambda ns, make: (ns.moveaxis(make(CUBE), 0, -1), ns.moveaxis(make(CUBE), (0, 1), (2, 0))),
    "permute_dims": lambda ns, make: ns.permute_dims(make(CUBE), axes=(2, 0, 1)),
    "repeat": lambda ns, make: (ns.repeat(make(X), 2), ns.repeat(make(X), 2, axis=1), ns.repeat(make(X), 0, axis=0)),
    "repeat each": lambda ns, make: ns.repeat(make(X), make(np.array([2, 0, 1])), axis=1),
    "repeat by one": lambda ns, make: ns.repeat(make(X), make(np.array([2])), axis=0),
    "reshape": lambda ns, make: (ns.reshape(make(X), (3, -1)), ns.reshape(make(X), (6,), copy=False)),
    "roll": lambda ns, make: (ns.roll(make(X), 1), ns.roll(make(X), -1, axis=1), ns.roll(make(X), 1, axis=(0, 1))),
    "squeeze": lambda ns, make: ns.squeeze(make(X.reshape(1, 2, 1, 3)), (0, -2)),
    "tile": lambda ns, make: (ns.tile(make(X), (2,)), ns.tile(make(X), (2, 1, 2))),
    "unstack": lambda ns, make: ns.unstack(make(X), axis=1),
    "matmul": lambda ns, make: (ns.matmul(make(X), make(CUBE)), ns.matmul(make(X), make(X[0].astype(np.float32)))),
    "matrix_transpose": lambda ns, make: ns.matrix_transpose(make(CUBE)),
    "tensordot": lambda ns, make: (ns.tensordot(make(X), make(X.T), axes=1), ns.tensordot(make(X), make(X))),
    "tensordot of pairs": lambda ns, make: ns.tensordot(make(CUBE), make(CUBE), axes=((1, -1), (1, 2))),
    "outer product": lambda ns, make: ns.tensordot(make(X[0]), make(X[1]), axes=0),
    "vecdot": lambda ns, make: (ns.vecdot(make(X), make(X[0])), ns.vecdot(make(CUBE), make(CUBE), axis=-2)),
    "vecdot of whole numbers": lambda ns, make: ns.vecdot(make(WHOLE), make(WHOLE)),
}  # fmt: skip


@pytest.mark.parametrize("name", CALLS)
def test_values(name: str) -> None:
    agree(CALLS[name])


@pytest.mark.parametrize("dtype", [xp.int8, xp.int16, xp.int32, xp.uint8, xp.uint32])
def test_repeats_are_of_any_integer_format(dtype: Any) -> None:
    assert xp.repeat(xp.asarray([1, 2, 3]), xp.asarray([0, 2, 1], dtype=dtype)).tolist() == [2, 2, 3]
    assert xp.repeat(xp.ones(0), xp.zeros(0, dtype=dtype)).shape == (0,)


#: x1, x2 and what the standard says of x1 // x2
DIVIDED = [
    (math.inf, 2.0, math.inf), (math.inf, -2.0, -math.inf), (-math.inf, 2.0, -math.inf), (-math.inf, -2.0, math.inf),
    (math.inf, math.inf, math.nan), (-math.inf, math.inf, math.nan), (3.0, math.inf, 0.0), (-3.0, -math.inf, 0.0),
    (3.0, -math.inf, -0.0), (-3.0, math.inf, -0.0), (math.nan, 2.0, math.nan), (0.0, 0.0, math.nan),
    (5.0, 0.0, math.inf), (5.0, -0.0, -math.inf), (7.0, -2.0, -4.0), (-0.0, 2.0, -0.0), (math.inf, 0.0, math.inf),
]  # fmt: skip


@pytest.mark.parametrize("dtype", [xp.float32, xp.float64])
def test_whole_quotients_with_infinity(dtype: Any) -> None:
    left, right, wanted = (xp.asarray(list(column), dtype=dtype) for column in zip(*DIVIDED, strict=True))
    found = xp.floor_divide(left, right)
    assert found.dtype is dtype
    np.testing.assert_array_equal(found.numpy(), wanted.numpy())
    numbers = xp.signbit(found).numpy()[~np.isnan(found.numpy())]
    assert numbers.tolist() == np.signbit(wanted.numpy())[~np.isnan(wanted.numpy())].tolist()
    assert xp.floor_divide(left, -math.inf).tolist()[4:7] == [pytest.approx(math.nan, nan_ok=True)] * 2 + [-0.0]
    assert not xp.floor_divide(curta.ones(2, requires_grad=True), 2.0).requires_grad
    assert xp.floor_divide(math.inf, xp.asarray([2.0, -2.0], dtype=dtype)).tolist() == [math.inf, -math.inf]


def test_ends_of_integers_that_no_float64_holds() -> None:
    end = 2**53 + 1
    for dtype in (xp.int64, xp.uint64):
        assert xp.linspace(end, end, 1, dtype=dtype, endpoint=False).tolist() == [end]
        assert xp.linspace(0, end, 2, dtype=dtype).tolist() == [0, end]
        assert xp.linspace(1, 3, 2, dtype=dtype, endpoint=False).tolist() == [1, 2]
        assert xp.linspace(1, 3, 0, dtype=dtype).tolist() == []


@pytest.mark.parametrize("k", [2, 10**30, -3, -(10**30)])
def test_a_diagonal_outside_the_matrix(k: int) -> None:
    assert not xp.any(xp.eye(3, 2, k=k))


def test_descending_order_keeps_the_order_of_equals() -> None:
    assert xp.sort(xp.asarray([1, 3, 2]), descending=True).tolist() == [3, 2, 1]
    assert xp.argsort(xp.asarray([1, 3, 1, 3]), descending=True).tolist() == [1, 3, 0, 2]


def test_every_nan_is_a_value_of_its_own() -> None:
    found = xp.unique_all(xp.asarray([math.nan, 1.0, math.nan, 0.0, -0.0]))
    assert found.values.tolist()[:2] == [0.0, 1.0]
    assert found.counts.tolist() == [2, 1, 1, 1]
    assert found.indices.tolist() == [3, 1, 0, 2]
    assert found.inverse_indices.tolist() == [2, 1, 3, 0, 0]
    assert xp.unique_values(xp.asarray([math.nan, math.nan])).shape == (2,)


# memory


def test_copies_are_made_where_they_are_asked_for() -> None:
    x = xp.arange(6)
    assert xp.astype(x, xp.int64) is not x
    assert xp.astype(x, xp.int64).data_ptr() != x.data_ptr()
    assert xp.astype(x, xp.int64, copy=False) is x
    assert xp.reshape(x, (2, 3)).data_ptr() == x.data_ptr()
    assert xp.reshape(x, (2, 3), copy=True).data_ptr() != x.data_ptr()
    assert xp.asarray(x, copy=True).data_ptr() != x.data_ptr()
    assert xp.asarray(x).data_ptr() == x.data_ptr()
    assert xp.astype(x, xp.float32, device="cpu").dtype is xp.float32


def test_copies_of_tensors_keep_their_history() -> None:
    """Recorded from PyTorch 2.13."""
    x = curta.ones(2, requires_grad=True)
    for made in (x, x * 2):
        for options in ({}, {"copy": True}, {"dtype": xp.float64}, {"requires_grad": True, "copy": True}):
            assert curta.asarray(made, **options).requires_grad
        assert not curta.asarray(made, requires_grad=False).requires_grad
        assert not curta.asarray(made, requires_grad=False, copy=True).requires_grad
    (slope,) = curta.autograd.grad(curta.asarray(x * 2, copy=True).sum(), [x])
    assert slope.tolist() == [2.0, 2.0]


class Speaker:
    """An array of a framework that is neither Curta nor NumPy."""

    def __init__(self, array: Any) -> None:
        self.__dlpack__ = array.__dlpack__
        self.__dlpack_device__ = array.__dlpack_device__


def test_whoever_speaks_dlpack_is_an_array() -> None:
    array = np.arange(3.0)
    made = xp.asarray(Speaker(array))
    array[0] = 5.0
    assert made.tolist() == [5.0, 1.0, 2.0]
    assert xp.asarray(Speaker(array), dtype=xp.float32).dtype is xp.float32
    assert xp.empty((2, 0)).shape == (2, 0)
    assert xp.empty_like(made, dtype=xp.int32).dtype is xp.int32


# formats

DTYPES = [getattr(xp, name) for name in ("bool", "int8", "int16", "int32", "int64", "uint8", "float32", "float64")]
UNSIGNED = [xp.uint16, xp.uint32, xp.uint64]
one_dtype = st.sampled_from(DTYPES)
KINDS = ("bool", "signed integer", "unsigned integer", "integral", "real floating", "complex floating", "numeric")


@given(one_dtype, one_dtype, one_dtype)
def test_promotion_is_commutative_and_associative(a: Any, b: Any, c: Any) -> None:
    assert xp.result_type(a, b) is xp.result_type(b, a)
    assert xp.result_type(xp.result_type(a, b), c) is xp.result_type(a, xp.result_type(b, c))
    assert xp.result_type(a, a) is a
    assert xp.can_cast(a, b) == (a.category == b.category and xp.result_type(a, b) is b)


@given(st.lists(st.tuples(one_dtype, st.sampled_from([(), (1,), (2, 3)])), min_size=1, max_size=4))
def test_the_rank_has_no_say_in_promotion(operands: Any) -> None:
    kinds = [dtype for dtype, _ in operands]
    tensors = [curta.empty(shape, dtype=dtype, device="meta") for dtype, shape in operands]
    assert xp.result_type(*tensors) is xp.result_type(*kinds)


@given(one_dtype, one_dtype)
def test_promotion_is_numpys_within_a_kind(a: Any, b: Any) -> None:
    if a.category == b.category:
        assert xp.result_type(a, b).numpy == np.result_type(a.numpy, b.numpy)
        assert xp.can_cast(a, b) == np.can_cast(a.numpy, b.numpy)


@given(one_dtype, st.sampled_from([True, 3, 2.5]))
def test_a_number_takes_the_tensors_format(dtype: Any, number: Any) -> None:
    category = {bool: 0, int: 1, float: 2}[type(number)]
    wanted = dtype if category <= dtype.category else (xp.int64, xp.float32)[category - 1]
    assert xp.result_type(dtype, number) is wanted
    assert xp.result_type(number, curta.empty((), dtype=dtype, device="meta")) is wanted


def test_kinds_and_limits() -> None:
    for dtype in DTYPES:
        for kind in KINDS:
            assert xp.isdtype(dtype, kind) == np.isdtype(dtype.numpy, kind)
        assert xp.isdtype(dtype, ("bool", dtype))
        assert xp.isdtype(dtype, xp.int8) == (dtype is xp.int8)
        if xp.isdtype(dtype, "integral"):
            ours, theirs = xp.iinfo(curta.empty(1, dtype=dtype, device="meta")), np.iinfo(dtype.numpy)
            assert (ours.bits, ours.min, ours.max, ours.dtype) == (theirs.bits, theirs.min, theirs.max, dtype)
        if xp.isdtype(dtype, "real floating"):
            one, other = xp.finfo(dtype), np.finfo(dtype.numpy)
            assert (one.bits, one.eps, one.min, one.max) == (other.bits, other.eps, other.min, other.max)
            assert (one.smallest_normal, one.dtype) == (other.smallest_normal, dtype)


# the array object and inspection


def test_the_array_object() -> None:
    x = xp.ones((2, 3))
    assert x.__array_namespace__() is xp
    for version in ("2021.12", "2022.12", "2023.12", "2024.12"):
        assert x.__array_namespace__(api_version=version) is xp
    assert x.to_device(x.device) is x
    assert x.to_device("cpu") is x
    assert x.mT.shape == (3, 2)
    assert not hasattr(x, "__cuda_array_interface__")
    assert [1, 2, 3][xp.asarray(1)] == 2


def test_inspection() -> None:
    info = xp.__array_namespace_info__()
    assert info.capabilities() == {"boolean indexing": True, "data-dependent shapes": True, "max dimensions": None}
    assert info.default_device() == curta.device("cpu")
    assert info.devices() == [curta.device("cpu")]
    assert info.default_dtypes(device="cpu") == {
        "real floating": xp.float32,
        "integral": xp.int64,
        "indexing": xp.int64,
    }
    assert list(info.dtypes().values()) == [*DTYPES[:6], *UNSIGNED, *DTYPES[6:]]
    assert list(info.dtypes(kind=("bool", "unsigned integer"))) == ["bool", "uint8", "uint16", "uint32", "uint64"]
    assert info.dtypes(kind="complex floating") == {}
    assert not hasattr(xp, "fft")


#: what NumPy's namespace names its arguments, where it follows the standard to the letter
KEYWORDS = {
    "sum": "axis dtype keepdims",
    "std": "axis correction keepdims",
    "sort": "axis descending stable",
    "cumulative_sum": "axis dtype include_initial",
    "searchsorted": "side sorter",
    "reshape": "shape copy",
    "eye": "k dtype device",
    "linspace": "num dtype device endpoint",
    "asarray": "dtype device copy",
    "clip": "min max",
    "diff": "axis n prepend append",
    "astype": "copy device",
    "meshgrid": "indexing",
    "take": "axis",
    "vecdot": "axis",
    "tensordot": "axes",
    "squeeze": "axis",
    "permute_dims": "axes",
}


@pytest.mark.parametrize("name", KEYWORDS)
def test_signatures(name: str) -> None:
    parameters = inspect.signature(getattr(xp, name)).parameters.values()
    named = [one.name for one in parameters if one.kind in (one.POSITIONAL_OR_KEYWORD, one.KEYWORD_ONLY)]
    assert " ".join(named) == KEYWORDS[name]


# together with the rest of Curta


def _program(x: Any) -> Any:
    order = xp.sort(xp.multiply(x, 2.0), axis=1)
    return xp.sum(xp.vecdot(order, xp.remainder(x, 3.0))) + xp.max(xp.where(x > 0, x, 0.0))


def test_gradients_compilation_accounts_and_the_meta_device() -> None:
    x = curta.tensor(X + 0.125, requires_grad=True)
    assert curta.autograd.gradcheck(_program, (x,))
    assert curta.compile(_program)(x.detach()).item() == _program(x.detach()).item()
    assert _program(curta.empty(2, 3, dtype=xp.float64, device="meta")).shape == ()
    with curta.account() as run:
        _program(x.detach())
    assert run.flops == curta.plan(_program, x.detach()).flops > 0
