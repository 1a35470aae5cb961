"""NumPy beside tensors: operators with arrays and numbers on either side, shared memory, indices and sizes."""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any

import ml_dtypes
import numpy as np
import pytest

import curta
from curta.errors import ArgumentError, ArgumentTypeError, AutogradError, DTypeError, IndexRangeError

F, INTEGERS, TRUTHS = [1.0, 1.0, 1.0], [0, 1, 2], [True, False, True]

# what PyTorch 2.13 gives: operator, left, right, format, values
MIXED: list[tuple[str, Any, Any, str, Any]] = [
    ("add", F, np.float32(2), "float32", [3.0, 3.0, 3.0]),
    ("add", F, np.float64(2.5), "float32", [3.5, 3.5, 3.5]),
    ("add", INTEGERS, np.float64(2.5), "float32", [2.5, 3.5, 4.5]),
    ("add", INTEGERS, np.int8(2), "int64", [2, 3, 4]),
    ("add", TRUTHS, np.int64(2), "int64", [3, 2, 3]),
    ("add", F, np.float16(2), "float32", [3.0, 3.0, 3.0]),
    ("sub", np.float64(2.5), F, "float32", [1.5, 1.5, 1.5]),
    ("mul", np.float64(2.5), INTEGERS, "float32", [0.0, 2.5, 5.0]),
    ("truediv", np.int64(2), F, "float32", [2.0, 2.0, 2.0]),
    ("pow", INTEGERS, np.int64(2), "int64", [0, 1, 4]),
    ("lt", np.float32(1.5), INTEGERS, "bool", [False, False, True]),
    ("eq", INTEGERS, np.int64(1), "bool", [False, True, False]),
    ("add", INTEGERS, np.ones(3), "float64", [1.0, 2.0, 3.0]),
    ("add", INTEGERS, np.ones(3, np.float32), "float64", [1.0, 2.0, 3.0]),
    ("add", F, np.ones(3, np.float32), "float32", [2.0, 2.0, 2.0]),
    ("add", F, np.arange(3), "float64", [1.0, 2.0, 3.0]),
    ("sub", F, np.array(2.5), "float64", [-1.5, -1.5, -1.5]),
    ("mul", TRUTHS, np.arange(3), "int64", [0, 0, 2]),
    ("add", F, np.ones((2, 3)), "float64", [[2.0, 2.0, 2.0], [2.0, 2.0, 2.0]]),
    ("matmul", F, np.arange(3, dtype="f4"), "float32", 3.0),
    ("truediv", np.array([2.0, 4.0, 8.0]), F, "float64", [2.0, 4.0, 8.0]),
    ("truediv", np.ones(3, np.float32), INTEGERS, "float32", [float("inf"), 1.0, 0.5]),
    ("and_", INTEGERS, np.arange(3), "int64", [0, 1, 2]),
    ("iadd", F, np.ones(3), "float64", [2.0, 2.0, 2.0]),
    ("imul", INTEGERS, np.arange(3), "int64", [0, 1, 4]),
    ("imul", INTEGERS, np.int8(2), "int64", [0, 2, 4]),
    ("eq", INTEGERS, np.ones(3), "bool", [False, True, False]),
    ("eq", np.ones((2, 3)), INTEGERS, "bool", [[False, True, False], [False, True, False]]),
]


@pytest.mark.parametrize(("name", "left", "right", "dtype", "values"), MIXED)
def test_operators_with_numpy(name: str, left: Any, right: Any, dtype: str, values: Any) -> None:
    left, right = (curta.tensor(one) if isinstance(one, list) else one for one in (left, right))
    made = getattr(operator, name)(left, right)
    assert type(made) is curta.Tensor
    assert made.dtype is getattr(curta, dtype)
    assert made.tolist() == values


@pytest.mark.parametrize("name", ["add", "sub", "mul", "pow", "matmul", "and_", "floordiv", "mod", "lt", "ge"])
def test_arrays_leave_their_operators_to_the_tensor_which_has_none(name: str) -> None:
    call = getattr(operator, name)
    if name == "mul":  # as sequences of a sequence: PyTorch's too
        assert call(np.float32(2), curta.ones(2)).tolist() == [2.0, 2.0]
        return
    with pytest.raises(TypeError, match=r"unsupported operand|not supported between|Concatenation operation"):
        call(np.ones(3), curta.ones(3))


def test_unequal_to_an_array_is_element_by_element_too() -> None:
    assert (curta.tensor(INTEGERS) != np.ones(3)).tolist() == [True, False, True]
    assert (curta.tensor(INTEGERS) == np.array(["a", "b", "c"])) is False
    assert (curta.tensor(INTEGERS) == np.array([None, 1, 2], object)) is False


def test_arrays_and_tensors_that_require_grad_do_not_mix() -> None:
    with pytest.raises(AutogradError, match=r"Can't call numpy\(\) on Tensor that requires grad"):
        curta.ones(3, requires_grad=True) + np.ones(3)
    assert (curta.ones(3, requires_grad=True) == np.ones(3)).tolist() == [True, True, True]


def test_numpys_functions_give_tensors() -> None:
    found = np.sin(curta.tensor([0.0, 1.0]))
    assert (type(found), found.dtype) == (curta.Tensor, curta.float32)
    np.testing.assert_array_equal(found.numpy(), np.sin(np.array([0, 1], "f4")))
    truths = np.isfinite(curta.tensor([1.0, float("inf")]))
    assert (truths.dtype, truths.tolist()) == (curta.uint8, [1, 0])
    total = np.add.reduce(curta.ones(3))
    assert (total.shape, total.item()) == ((), 3.0)
    assert np.concatenate([curta.ones(2), curta.zeros(1)]).tolist() == [1.0, 1.0, 0.0]


def test_numbers_of_bfloat16() -> None:
    two = ml_dtypes.bfloat16(2)
    assert (curta.ones(2, dtype=curta.bfloat16) + two).tolist() == [3.0, 3.0]
    found = two * curta.ones(2)
    assert (found.dtype, found.tolist()) == (curta.float32, [2.0, 2.0])
    assert curta.tensor([two, two]).dtype is curta.bfloat16
    assert curta.full((2,), two).tolist() == [2.0, 2.0]


# memory


@pytest.mark.parametrize("dtype", ["float32", "float64", "float16", "bfloat16", "int64", "int8", "uint8", "bool"])
def test_memory_is_shared_both_ways(dtype: str) -> None:
    kind = getattr(curta, dtype)
    array = np.array([[0, 1, 0], [1, 0, 0]]).astype(kind.numpy)
    tensor = curta.from_numpy(array.T[1:])
    assert (tensor.dtype, tensor.stride()) == (kind, (1, 3))
    tensor[1, 0] = 1
    assert array[0, 2] == 1
    back = tensor.numpy()
    assert back.dtype == array.dtype
    assert back.strides == array.T.strides
    back[0, 0] = 0
    assert array[0, 1] == 0
    assert np.asarray(tensor).ctypes.data == tensor.data_ptr()
    assert np.array(tensor).ctypes.data != tensor.data_ptr()


def test_arrays_made_with_a_format_and_without_copies() -> None:
    tensor = curta.tensor([1.5, 2.5])
    assert np.asarray(tensor, dtype=np.float64).tolist() == [1.5, 2.5]
    assert np.array(tensor, copy=False).ctypes.data == tensor.data_ptr()
    with pytest.raises(ArgumentError, match="Unable to avoid copy while creating an array of float64 from float32"):
        np.array(tensor, dtype=np.float64, copy=False)


def test_asarray_without_copies_refuses_to_make_one() -> None:
    array, tensor = np.ones(2, "f4"), curta.ones(2)
    assert curta.asarray(array, copy=False).data_ptr() == array.ctypes.data
    assert curta.asarray(tensor, copy=False).data_ptr() == tensor.data_ptr()
    read_only = np.frombuffer(b"1234", "f4")
    for source, dtype in ((read_only, None), (array, curta.float64), (tensor, curta.int64), ([1], None)):
        with pytest.raises(ArgumentError, match=r"asarray\(\): a \w+ cannot share memory with \w+\[\d\]: use copy"):
            curta.asarray(source, dtype=dtype, copy=False)


def test_shifts_in_place_change_the_tensor() -> None:
    tensor = curta.tensor([1, 2])
    same = tensor
    tensor <<= np.int64(3)
    tensor >>= 1
    assert tensor is same
    assert same.bitwise_left_shift_(1).tolist() == [8, 16]


@pytest.mark.parametrize("dim", [1.5, (None,), "a", np.float64(1)])
def test_dimensions_are_integers(dim: Any) -> None:
    with pytest.raises(ArgumentTypeError, match="dim must be int or tuple of ints, not "):
        curta.ones(2, 3).sum(dim)
    with pytest.raises(ArgumentTypeError, match="dim must be int or tuple of ints, not "):
        curta.ones(0, 3).amax(dim)


def test_a_read_only_array_is_copied() -> None:
    array = np.frombuffer(np.array([1.0, 2.0]).tobytes())
    for make in (curta.from_numpy, curta.as_tensor, curta.asarray):
        tensor = make(array)
        tensor.add_(1)
        assert tensor.tolist() == [2.0, 3.0]
    assert array.tolist() == [1.0, 2.0]


@pytest.mark.parametrize("make", [curta.from_numpy, curta.tensor, curta.as_tensor])
@pytest.mark.parametrize(
    ("array", "name"),
    [(np.array([None]), "numpy.object_"), (np.array(["a"]), "numpy.str_"), (np.array([b"a"]), "numpy.bytes_"),
     (np.ones(2, complex), "numpy.complex128"), (np.zeros(2, [("a", "i4")]), "numpy.void")],
)  # fmt: skip
def test_arrays_of_other_things_are_refused(make: Callable[..., Any], array: Any, name: str) -> None:
    with pytest.raises(ArgumentTypeError, match=f"can't convert np.ndarray of type {name}. The only supported types"):
        make(array)


# numbers of NumPy where Python's would do

T24 = np.arange(24.0, dtype="f4").reshape(2, 3, 4)
ONE, TWO = np.int64(1), np.int32(2)

SIZES: list[tuple[Callable[[Any], Any], tuple[int, ...]]] = [
    (lambda x: curta.zeros(TWO, ONE), (2, 1)),
    (lambda x: curta.ones([TWO, np.uint8(3)]), (2, 3)),
    (lambda x: curta.rand((TWO,)), (2,)),
    (lambda x: curta.full((TWO,), np.float32(2)), (2,)),
    (lambda x: curta.arange(np.int16(3)), (3,)),
    (lambda x: curta.eye(TWO), (2, 2)),
    (lambda x: x[ONE], (3, 4)),
    (lambda x: x[ONE, ..., np.uint8(1)], (3,)),
    (lambda x: x[np.int8(0) :, :: np.int64(2)], (2, 2, 4)),
    (lambda x: x[np.array([0, 1, 1])], (3, 3, 4)),
    (lambda x: x[np.array([True, False])], (1, 3, 4)),
    (lambda x: x[np.array([1, 0], np.uint8)], (1, 3, 4)),
    (lambda x: x[np.array(1)], (3, 4)),
    (lambda x: x.reshape(np.int64(6), -1), (6, 4)),
    (lambda x: x.view((np.int64(6), np.int64(4))), (6, 4)),
    (lambda x: x[:, :1].expand(-1, np.int64(5), -1), (2, 5, 4)),
    (lambda x: x.permute(np.int64(2), 0, 1), (4, 2, 3)),
    (lambda x: x.transpose(np.int64(0), ONE), (3, 2, 4)),
    (lambda x: x.unsqueeze(ONE), (2, 1, 3, 4)),
    (lambda x: x[:1].squeeze(np.int64(0)), (3, 4)),
    (lambda x: x.flatten(ONE), (2, 12)),
    (lambda x: x.sum(ONE), (2, 4)),
    (lambda x: x.sum((np.int64(0), ONE)), (4,)),
    (lambda x: x.mean(dim=np.int64(-1), keepdim=True), (2, 3, 1)),
    (lambda x: x.var(np.int64(0)), (3, 4)),
    (lambda x: x.argmax(ONE), (2, 4)),
    (lambda x: x.amax(ONE), (2, 4)),
    (lambda x: curta.cat([x, x], dim=ONE), (2, 6, 4)),
    (lambda x: x.chunk(TWO)[0], (1, 3, 4)),
    (lambda x: x.split(ONE)[1], (1, 3, 4)),
    (lambda x: x.split([ONE, ONE])[1], (1, 3, 4)),
    (lambda x: x.roll(ONE, np.int64(0)), (2, 3, 4)),
    (lambda x: x.flip(ONE), (2, 3, 4)),
    (lambda x: x.movedim(np.int64(0), TWO), (3, 4, 2)),
    (lambda x: x.diagonal(np.int64(0), ONE, TWO), (2, 3)),
    (lambda x: x.diagonal(ONE).contiguous(), (4, 2)),
    (lambda x: curta.nn.LayerNorm(np.int64(4))(x), (2, 3, 4)),
    (lambda x: curta.nn.RMSNorm(np.int64(4))(x), (2, 3, 4)),
    (lambda x: curta.nn.Conv2d(TWO, ONE, ONE, stride=ONE, padding=np.int64(0))(x[None]), (1, 1, 3, 4)),
    (lambda x: curta.nn.functional.avg_pool2d(x, ONE), (2, 3, 4)),
    (lambda x: curta.nn.functional.adaptive_avg_pool2d(x, ONE), (2, 1, 1)),
    (lambda x: curta.nn.Linear(np.int64(2), TWO).weight, (2, 2)),
]


@pytest.mark.parametrize("place", range(len(SIZES)))
def test_numbers_of_numpy_are_sizes_dimensions_and_indices(place: int) -> None:
    call, shape = SIZES[place]
    assert call(curta.from_numpy(T24.copy())).shape == shape


def test_bytes_are_masks_as_in_pytorch() -> None:
    x = curta.from_numpy(T24.copy())
    one = curta.tensor(1, dtype=curta.uint8)
    for mask in (np.array([1, 0], np.uint8), [np.uint8(1), np.uint8(0)], curta.tensor([1, 0], dtype=curta.uint8)):
        assert x[mask].tolist() == T24[:1].tolist()
    for mask, shape in ((np.array(1, np.uint8), (1, 2, 3, 4)), (one, (1, 2, 3, 4)), (1 - one, (0, 2, 3, 4))):
        assert x[mask].shape == shape
    assert x[np.uint8(1)].tolist() == T24[1].tolist()  # a number is one
    x[np.array([0, 1], np.uint8)] = 5.0
    assert x.tolist() == [T24[0].tolist(), np.full((3, 4), 5.0).tolist()]


def test_values_behind_indices_of_numpy() -> None:
    x = curta.from_numpy(T24.copy())
    for index in (np.uint16(1), np.array(1, np.uint32), curta.tensor(1, dtype=curta.int8)):
        assert x[index].tolist() == T24[1].tolist()
    assert x[np.array([1, 0, 1], np.uint16)].tolist() == T24[[1, 0, 1]].tolist()
    with pytest.raises(IndexRangeError, match="index 9223372036854775807 is out of bounds for dimension 0 with size 2"):
        _ = x[np.array([2**64 - 1], np.uint64)]
    assert x.roll(ONE, np.int64(0)).tolist() == np.roll(T24, 1, 0).tolist()
    assert x.sum((np.int64(0), ONE)).tolist() == T24.sum((0, 1)).tolist()
    x[ONE] = np.float32(2)
    assert x[1].tolist() == np.full((3, 4), 2.0).tolist()


# what PyTorch 2.13 gives
@pytest.mark.parametrize(
    ("data", "dtype"),
    [
        (np.float32(2), "float32"), (np.float64(2), "float64"), (np.int32(2), "int32"), (np.bool_(1), "bool"),
        ([np.float64(2)], "float64"), ([np.float32(2)], "float32"), ([np.float16(2)], "float16"),
        ([1, np.float64(2)], "float64"), ([1.5, np.float64(2)], "float64"), ([1, np.float16(2)], "float16"),
        ([1.5, np.float16(2)], "float32"), ([np.int32(2)], "int32"), ([1, np.int32(2)], "int64"),
        ([1.5, np.int32(2)], "float32"), ([np.bool_(1)], "bool"), ([np.ones(2), np.zeros(2)], "float64"),
        ([np.ones(2, np.int32)], "int32"), ([[1, 2], np.ones(2, np.int8)], "int64"), ([1, 2.5], "float32"),
    ],
)  # fmt: skip
def test_the_format_of_a_tensor_from_numpys_numbers(data: Any, dtype: str) -> None:
    made = curta.tensor(data)
    assert made.dtype is getattr(curta, dtype)
    assert made.tolist() == np.array(data).tolist()
    assert curta.as_tensor(data).dtype is made.dtype


def test_what_python_asks_of_tensors() -> None:
    assert np.float32(2) in curta.tensor([2.0, 3.0])
    with pytest.raises(DTypeError, match="only supports Tensor or scalar"):
        _ = np.ones(1) in curta.tensor([2.0])
    assert (
        f"{curta.tensor(1.5):.3f} {curta.tensor(3):5d} {curta.tensor(True)} {curta.tensor(1.5)}"
        == "1.500     3 True 1.5"
    )
    assert format(curta.tensor([1.5]), "") == "tensor([1.5000])"
    assert f"{curta.ones(2, requires_grad=True).sum():.2f}" == "2.00"
    assert format(curta.tensor(1.5, device="meta"), "") == "tensor(..., device='meta', size=())"
    with pytest.raises(TypeError, match="unsupported format string"):
        format(curta.tensor([1.5]), ".3f")
    assert [1, 2][curta.tensor([1])] == 2
    assert np.arange(5)[curta.tensor([1, 2])].tolist() == [1, 2]
    assert np.float64(curta.tensor(2.5)) == 2.5
