"""Tensors by the names of their formats, and Python functions of their elements: as PyTorch 2.13 has them."""

from __future__ import annotations

import copy
import pickle
from typing import Any

import numpy as np
import pytest

import curta
from curta.device import CudaAssertionError
from curta.errors import ArgumentError, ArgumentTypeError, AutogradError, CurtaWarning, DeviceError, DTypeError

NAMES = {
    "float32": "Float", "float64": "Double", "float16": "Half", "bfloat16": "BFloat16", "uint8": "Byte", "int8": "Char",
    "int16": "Short", "int32": "Int", "int64": "Long", "bool": "Bool",
}  # fmt: skip


class Mine(curta.Tensor):
    """A class of somebody's own."""


@pytest.mark.parametrize("dtype", NAMES)
def test_types_by_name(dtype: str) -> None:
    x, kind = curta.ones(2, dtype=getattr(curta, dtype)), getattr(curta, f"{NAMES[dtype]}Tensor")
    assert x.type() == f"torch.{NAMES[dtype]}Tensor"
    assert isinstance(x, kind)
    assert not isinstance(x, curta.DoubleTensor if dtype != "float64" else curta.FloatTensor)
    assert curta.ones(2, dtype=curta.int32 if dtype == "uint8" else curta.uint8).type(kind).dtype is kind.dtype
    made = kind([1, 0])
    assert (made.dtype, made.tolist()) == (x.dtype, [1, 0])
    assert kind(2, 3).shape == kind(curta.Size((2, 3))).shape == (2, 3)
    assert kind().shape == (0,)
    assert repr(kind) == f"<class 'curta.{NAMES[dtype]}Tensor'>"


def test_conversions_by_name() -> None:
    x = curta.tensor([1.5, -2.0])
    assert x.type("torch.LongTensor").tolist() == x.type("curta.LongTensor").tolist() == [1, -2]
    assert x.type(curta.float64).dtype is x.type(dtype=curta.float64, non_blocking=True).dtype is curta.float64
    assert x.type(curta.float32) is x
    assert x.long().type(curta.Tensor).dtype is x.long().type("torch.Tensor").dtype is curta.float32
    assert curta.ones(1, device="meta").type() == "torch.meta.FloatTensor"
    assert not isinstance(curta.ones(1, device="meta"), curta.FloatTensor)
    assert curta.nn.Parameter(x).type() == "torch.FloatTensor"
    assert curta.nn.Linear(1, 1).type(curta.float64).weight.dtype is curta.float64


def test_the_older_constructor() -> None:
    assert curta.Tensor(2, 3).shape == (2, 3)
    assert curta.Tensor((2, 3)).tolist() == [2, 3]
    assert curta.Tensor(np.ones(2)).dtype is curta.float32
    assert curta.LongTensor([1.7, 2]).tolist() == [1, 2]
    assert curta.FloatTensor(range(3)).tolist() == [0, 1, 2]
    assert curta.FloatTensor(size=(2,)).shape == (2,)
    assert curta.FloatTensor(2, device="meta").is_meta
    x = curta.ones(2)
    assert curta.Tensor(x).data_ptr() == x.data_ptr()
    assert curta.Tensor(x.double()).dtype is curta.float64
    assert x.new(2, 3).shape == (2, 3)
    assert x.long().new([1, 2]).dtype is curta.int64
    assert x.new().shape == (0,)
    curta.set_default_dtype(curta.float64)
    try:
        assert curta.Tensor([1]).dtype is curta.float64
    finally:
        curta.set_default_dtype(curta.float32)


def test_classes_of_others() -> None:
    made = Mine([1, 2])
    assert type(made) is Mine
    assert type(made + 1) is curta.Tensor
    x = curta.ones(2, requires_grad=True)
    mine = (x * 2).as_subclass(Mine)
    mine.sum().backward()
    assert type(mine) is Mine
    assert x.grad.tolist() == [2, 2]
    for again in (copy.copy(made), copy.deepcopy(made), pickle.loads(pickle.dumps(made))):
        assert type(again) is Mine
        assert again.tolist() == [1, 2]


def test_default_type() -> None:
    try:
        with pytest.warns(
            CurtaWarning, match=r"^set_default_tensor_type\(\) is deprecated as of PyTorch 2\.1, please "
        ):
            curta.set_default_tensor_type("torch.DoubleTensor")
        assert curta.ones(1).dtype is curta.float64
        with pytest.warns(CurtaWarning):
            curta.set_default_tensor_type(curta.FloatTensor)
        assert curta.ones(1).dtype is curta.float32
    finally:
        curta.set_default_dtype(curta.float32)
    for wrong in ("torch.FooTensor", 3, curta.float32, curta.Tensor):
        with (
            pytest.warns(CurtaWarning),
            pytest.raises(ArgumentTypeError, match=r"^invalid type object: only floating-point types are supported"),
        ):
            curta.set_default_tensor_type(wrong)
    with pytest.warns(CurtaWarning), pytest.raises(ArgumentTypeError, match=r"^only floating-point types are suppor"):
        curta.set_default_tensor_type(curta.LongTensor)


def test_names_of_types() -> None:
    assert curta.typename(curta.ones(1)) == "torch.FloatTensor"
    assert curta.typename(3) == "int"
    assert curta.typename(np.ones(1)) == "numpy.ndarray"
    assert curta.typename(curta.nn.Linear(1, 1)) == "curta.nn.modules.linear.Linear"
    assert curta.typename(Mine) == f"{__name__}.Mine"


ONE = curta.tensor([1.0])


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: ONE.type("Foo"), ArgumentError, "invalid type: 'Foo'"),
        (lambda: ONE.type("torch.FooTensor"), ArgumentError, "invalid type: 'torch.FooTensor'"),
        (lambda: ONE.type("torch.mps.FloatTensor"), ArgumentError, "invalid type: 'torch.mps.FloatTensor'"),
        (lambda: ONE.type(float), ArgumentError, "invalid type: 'float'"),
        (lambda: ONE.type(3), ArgumentTypeError, "dtype must be a type, str, or dtype object"),
        (lambda: ONE.type(curta.int8, foo=1), ArgumentTypeError, "type() got an unexpected keyword argument 'foo'"),
        (lambda: ONE.new(curta.tensor([1])), ArgumentTypeError, "expected Float (got Long)"),
        (lambda: curta.FloatTensor(2.5), ArgumentTypeError, "new(): data must be a sequence (got float)"),
        (lambda: curta.Tensor(None), ArgumentTypeError, "new(): data must be a sequence (got NoneType)"),
        (lambda: curta.FloatTensor("a"), ArgumentTypeError, "new(): invalid data type 'str'"),
        (
            lambda: curta.FloatTensor([1], [2]),
            ArgumentTypeError,
            "new() received an invalid combination of arguments - got (list, list); it takes sizes, or one sequence or "
            "tensor, and a device",
        ),
        (
            lambda: curta.Tensor([1], dtype=curta.int8),
            ArgumentTypeError,
            "new() received an invalid combination of arguments - got (list, dtype=DType); it takes sizes, or one "
            "sequence or tensor, and a device",
        ),
        (
            lambda: ONE.as_subclass(int),
            ArgumentTypeError,
            "Creating a Tensor subclass from a class that does not inherit from Tensor is not possible. Make sure your "
            "class inherits from Tensor.",
        ),
        (lambda: ONE.pin_memory(), DeviceError, "Cannot access accelerator device when none is available."),
        (lambda: ONE.__delitem__(0), ArgumentTypeError, "Tensor does not support deleting items"),
    ],
)
def test_refused(call: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error) as caught:
        call()
    assert str(caught.value) == message


def test_cuda_is_refused_as_elsewhere() -> None:
    with pytest.raises(CudaAssertionError, match=r"^Torch not compiled with CUDA enabled"):
        ONE.type("torch.cuda.FloatTensor")


def test_kinds() -> None:
    for name in ("is_quantized", "is_mkldnn", "is_mps", "is_xla", "is_xpu", "is_nested", "is_sparse_csr"):
        assert getattr(ONE, name) is False
    assert [ONE.is_shared(), ONE.is_pinned(), ONE.is_distributed()] == [False] * 3
    assert ONE.to_dense() is ONE
    assert ONE.to_dense(curta.int8).dtype is curta.int8
    assert ONE.name is None
    x = curta.ones(2, 3, requires_grad=True)
    assert [part.output_nr for part in x.unbind(0)] == [0, 1]
    assert curta.ones(2, 3, 4).dim_order() == (0, 1, 2)
    assert curta.ones(2, 3, 4, 5).to(memory_format=curta.channels_last).dim_order() == (0, 2, 3, 1)
    with pytest.raises(NotImplementedError, match=r"^dim_order\(\): the argument 'ambiguity_check' is not supported$"):
        ONE.dim_order(ambiguity_check=True)


# Python functions of elements


def test_functions_of_elements() -> None:
    x = curta.tensor([1.0, -2.0, 3.0])
    seen: list[Any] = []
    assert x.clone().apply_(lambda v: seen.append(v) or v * 2).tolist() == [2, -4, 6]
    assert [type(v) for v in seen] == [float] * 3
    assert curta.tensor([1, 5]).apply_(lambda v: v / 2).tolist() == [0, 2]
    assert curta.tensor([True, False]).apply_(lambda v: not v).tolist() == [False, True]
    assert curta.ones(1, dtype=curta.bfloat16).apply_(lambda v: v / 3).item() == curta.tensor(1 / 3).bfloat16().item()
    turned = curta.arange(6.0).reshape(2, 3).T
    assert turned.apply_(lambda v: v + 1) is turned
    assert turned.tolist() == [[1, 4], [2, 5], [3, 6]]
    assert curta.ones(2, device="meta").apply_(lambda v: v + 1).is_meta
    assert x.clone().map_(curta.tensor([10.0]), lambda a, b: a + b).tolist() == [11, 8, 13]
    assert x.clone().map2_(x, curta.tensor([10.0, 20.0, 30.0]), lambda a, b, c: a + b + c).tolist() == [12, 16, 36]
    y = curta.ones(2)
    version = y._version
    assert y.apply_(lambda v: curta.tensor(v + 1))._version == version + 1
    assert y.tolist() == [2, 2]
    assert curta.tensor([[3.0, 4.0], [0.3, 0.4]]).renorm_(2, 0, 1.0).tolist()[0] == pytest.approx([0.6, 0.8])


LEAF = curta.ones(1, requires_grad=True)


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: curta.ones(1).apply_(lambda v: "a"), ArgumentTypeError, "must be real number, not str"),
        (lambda: curta.ones(1).apply_(lambda v: None), ArgumentTypeError, "must be real number, not NoneType"),
        (lambda: curta.ones(1).apply_(3), ArgumentTypeError, "'int' object is not callable"),
        (
            lambda: curta.ones(1, dtype=curta.uint8).apply_(lambda v: 300),
            DTypeError,
            "value cannot be converted to type uint8 without overflow",
        ),
        (
            lambda: curta.ones(1, dtype=curta.int64).apply_(lambda v: float("nan")),
            DTypeError,
            "value cannot be converted to type int64 without overflow",
        ),
        (
            lambda: LEAF.apply_(abs),
            AutogradError,
            "Can't call apply_() on Variable that requires grad. Use var.detach().apply_() instead.",
        ),
        (
            lambda: curta.ones(1).map_(LEAF, max),
            AutogradError,
            "Can't call map_() on Variable that requires grad. Use var.detach().map_() instead.",
        ),
        (
            lambda: curta.ones(1).map_(curta.ones(1).long(), max),
            ArgumentTypeError,
            "map_: expected torch.FloatTensor for 'other' (got torch.LongTensor)",
        ),
        (
            lambda: curta.ones(1).map2_(ONE, ONE.long(), max),
            ArgumentTypeError,
            "map2_: expected torch.FloatTensor for argument 'y' (got torch.LongTensor)",
        ),
        (
            lambda: curta.ones(1).map_(3, max),
            ArgumentTypeError,
            "map_(): argument 'other' (position 1) must be Tensor, not int",
        ),
    ],
)
def test_functions_of_elements_are_refused(call: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error) as caught:
        call()
    assert str(caught.value) == message
