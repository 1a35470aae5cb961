"""What is refused, in which words: making tensors from shapes, numbers and arrays."""

from __future__ import annotations

import numpy as np
from refusal import Refusal, endless

from curta.errors import (
    ArgumentError,
    ArgumentTypeError,
    AutogradError,
    DeviceError,
    DTypeError,
    ShapeError,
    UnsupportedDTypeError,
    UnsupportedError,
)

REFUSALS = (
    Refusal(lambda c: c.zeros(2, -1), ShapeError, "Trying to create tensor with negative dimension -1: [2, -1]"),
    Refusal(lambda c: c.full((2, -1), 0.0), ShapeError, "Trying to create tensor with negative dimension -1: [2, -1]"),
    Refusal(
        lambda c: c.zeros(2, layout="curta.sparse_coo"),
        UnsupportedError,
        "zeros(): layout=curta.sparse_coo is not supported: only strided tensors",
        only_curta=True,
    ),
    Refusal(
        lambda c: c.zeros(2, pin_memory=True),
        UnsupportedError,
        "zeros(): pin_memory=True is not supported: there is no device to copy to",
        only_curta=True,
    ),
    Refusal(
        lambda c: c.full((2,), 1.0, names=["rows"]),
        UnsupportedError,
        "full(): the argument 'names' is not supported",
        only_curta=True,
    ),
    Refusal(
        lambda c: c.zeros(2, names=["rows"]),
        UnsupportedError,
        "zeros(): the argument 'names' is not supported",
        only_curta=True,
    ),
    Refusal(
        lambda c: c.ones(2, names=["rows"]),
        UnsupportedError,
        "ones(): the argument 'names' is not supported",
        only_curta=True,
    ),
    Refusal(
        lambda c: c.full((2,), 1.0, dtype=c.float16, out=c.empty(2)),
        ShapeError,
        "dtype curta.float16 does not match dtype of out parameter (curta.float32)",
    ),
    Refusal(
        lambda c: c.empty(2, memory_format="channels_last"),
        UnsupportedError,
        "empty(): the argument 'memory_format' is not supported",
        only_curta=True,
    ),
    Refusal(
        lambda c: c.zeros_like(c.zeros(2), memory_format="channels_last"),
        UnsupportedError,
        "zeros_like(): the argument 'memory_format' is not supported",
        only_curta=True,
    ),
    Refusal(
        lambda c: c.zeros_like([1.0, 2.0]),
        ArgumentTypeError,
        "zeros_like(): argument 'input' (position 1) must be Tensor, not list",
    ),
    Refusal(
        lambda c: c.ones_like(3),
        ArgumentTypeError,
        "ones_like(): argument 'input' (position 1) must be Tensor, not int",
    ),
    Refusal(
        lambda c: c.zeros_like(c.zeros(2), colour="red"),
        ArgumentTypeError,
        "zeros_like() got an unexpected keyword argument 'colour'",
    ),
    Refusal(lambda c: c.arange("3"), ArgumentTypeError, "arange(): argument must be Number, not str"),
    Refusal(lambda c: c.arange(0, 3, 0), ShapeError, "step must be nonzero"),
    Refusal(lambda c: c.arange(0.0, 1.0, 0.25, dtype=c.int64), ArgumentError, "step must be nonzero"),
    Refusal(lambda c: c.arange(0, float("inf")), ShapeError, "unsupported range: 0 -> inf"),
    Refusal(lambda c: c.arange(float("nan"), 1), ShapeError, "unsupported range: nan -> 1"),
    Refusal(lambda c: c.linspace(0, 1, -1), ShapeError, "number of steps must be non-negative"),
    Refusal(lambda c: c.eye(-1), ShapeError, "n must be greater or equal to 0, got -1"),
    Refusal(lambda c: c.eye(2, -3), ShapeError, "m must be greater or equal to 0, got -3"),
    Refusal(
        lambda c: c.zeros(2, dtype=c.int64, requires_grad=True),
        AutogradError,
        "Only Tensors of floating point and complex dtype can require gradients",
    ),
    Refusal(
        lambda c: c.tensor([1, 2], requires_grad=True),
        AutogradError,
        "Only Tensors of floating point and complex dtype can require gradients",
    ),
    Refusal(lambda c: c.tensor(b"ab"), ArgumentTypeError, "new(): invalid data type 'bytes'"),
    Refusal(lambda c: c.tensor(endless()), ArgumentError, "too many dimensions 'list'"),
    Refusal(
        lambda c: c.asarray(bytearray(6), dtype=c.float32),
        ArgumentError,
        "asarray(): 6 bytes of a bytearray are no whole number of elements of curta.float32, which take 4 each",
    ),
    Refusal(lambda c: c.tensor(None), DTypeError, "Could not infer dtype of NoneType"),
    Refusal(lambda c: c.tensor([None]), DTypeError, "Could not infer dtype of NoneType"),
    Refusal(lambda c: c.tensor([object()]), DTypeError, "Could not infer dtype of object"),
    Refusal(
        lambda c: c.tensor([[1.0, 2.0], 3.0]),
        ArgumentTypeError,
        "expected sequence of length 2 at dim 1 (got a number)",
    ),
    Refusal(
        lambda c: c.tensor([1.0, [2.0, 3.0]]),
        ArgumentTypeError,
        "not a sequence: nested sequences of different depths at dim 1",
        only_curta=True,
    ),
    Refusal(lambda c: c.tensor([[1.0], [2.0, 3.0]]), ArgumentError, "expected sequence of length 1 at dim 1 (got 2)"),
    Refusal(
        lambda c: c.tensor(1 + 2j),
        ArgumentTypeError,
        "complex numbers are not supported: Curta has no complex dtypes",
        only_curta=True,
    ),
    Refusal(
        lambda c: c.tensor([300], dtype=c.uint8), DTypeError, "value cannot be converted to type uint8 without overflow"
    ),
    Refusal(
        lambda c: c.tensor([1 << 40], dtype=c.int32),
        DTypeError,
        "value cannot be converted to type int32 without overflow",
    ),
    Refusal(lambda c: c.tensor(["one"]), ArgumentTypeError, "new(): invalid data type 'str'", only_curta=True),
    Refusal(lambda c: c.tensor("one"), ArgumentTypeError, "new(): invalid data type 'str'"),
    Refusal(lambda c: c.from_numpy([1.0]), ArgumentTypeError, "expected np.ndarray (got list)"),
    Refusal(
        lambda c: c.from_numpy(np.zeros(2, dtype=">f4")),
        ArgumentError,
        "given numpy array has byte order different from the native byte order. Conversion between byte orders is currently not supported.",
    ),
    Refusal(
        lambda c: c.from_numpy(np.zeros(2, dtype="f4,f8")["f1"]),
        ArgumentError,
        "given numpy array strides not a multiple of the element byte size. Copy the numpy array to reallocate the memory.",
    ),
    Refusal(
        lambda c: c.from_numpy(np.zeros(3, dtype=[("a", "u1"), ("b", "f4")])["b"]),
        ArgumentError,
        "given numpy array strides not a multiple of the element byte size. Copy the numpy array to reallocate the memory.",
    ),
    Refusal(
        lambda c: c.from_numpy(np.zeros(2)[::-1]),
        ArgumentError,
        "At least one stride in the given numpy array is negative, and tensors with negative strides are not currently supported. (You can probably work around this by making a copy of your array with array.copy().)",
    ),
    Refusal(
        lambda c: c.from_numpy(np.array(["text"])),
        ArgumentTypeError,
        "can't convert np.ndarray of type numpy.str_. The only supported types are: bool, uint8, int8, int16, int32, int64, float16, bfloat16, float32, float64, uint16, uint32, uint64",
    ),
    Refusal(
        lambda c: c.from_numpy(np.zeros(2, dtype="datetime64[s]")),
        ArgumentTypeError,
        "can't convert np.ndarray of type numpy.datetime64. The only supported types are: bool, uint8, int8, int16, int32, int64, float16, bfloat16, float32, float64, uint16, uint32, uint64",
    ),
    Refusal(lambda c: c.device(3.5), ArgumentTypeError, "device: requires a string or a device, got float"),
    Refusal(lambda c: c.device("cpu:one"), DeviceError, "Invalid device string: 'cpu:one'"),
    Refusal(lambda c: c.device("cpu:0", 1), DeviceError, "Invalid device string: 'cpu:0'"),
    Refusal(
        lambda c: c.device("abacus"),
        DeviceError,
        "Expected one of cpu, cuda, meta device type at start of device string: abacus",
        only_curta=True,
    ),
    Refusal(lambda c: c.randperm(-1), ShapeError, "n must be non-negative, got -1"),
    Refusal(lambda c: c.rand(2, dtype=c.int64), UnsupportedDTypeError, "\"rand\" not implemented for 'int64'"),
    Refusal(lambda c: c.randn(2, dtype=c.int32), UnsupportedDTypeError, "\"randn\" not implemented for 'int32'"),
    Refusal(lambda c: c.zeros(2).normal_(std=-1.0), ShapeError, "normal expects std >= 0.0, but found std -1.0"),
    Refusal(
        lambda c: c.zeros(2).uniform_(2.0, 1.0),
        ShapeError,
        "uniform_ expects to return a [from, to) range, but found from=2.0 > to=1.0",
    ),
    Refusal(lambda c: c.manual_seed(1 << 65), ArgumentError, "Overflow when unpacking long: 36893488147419103232"),
    Refusal(
        lambda c: c.full((2,), 1 << 40, dtype=c.int32),
        DTypeError,
        "value cannot be converted to type int32 without overflow",
    ),
    Refusal(
        lambda c: c.full((2,), float("nan"), dtype=c.int64),
        DTypeError,
        "value cannot be converted to type int64 without overflow",
    ),
    Refusal(
        lambda c: c.full((2,), float("inf"), dtype=c.int64),
        DTypeError,
        "value cannot be converted to type int64 without overflow",
    ),
    Refusal(
        lambda c: c.full((2,), 1e39, dtype=c.float32),
        DTypeError,
        "value cannot be converted to type float32 without overflow",
    ),
    Refusal(lambda c: c.arange(2, dtype=c.bool), UnsupportedDTypeError, "\"arange\" not implemented for 'bool'"),
    Refusal(
        lambda c: c.zeros(2, dtype=c.int64).normal_(), UnsupportedDTypeError, "\"normal_\" not implemented for 'int64'"
    ),
    Refusal(
        lambda c: c.zeros(2, dtype=c.int64).uniform_(),
        UnsupportedDTypeError,
        "\"uniform_\" not implemented for 'int64'",
    ),
    Refusal(
        lambda c: c.bernoulli(c.zeros(2, dtype=c.int64)),
        UnsupportedDTypeError,
        "\"bernoulli\" not implemented for 'int64'",
    ),
    Refusal(
        lambda c: c.zeros(2, dtype=c.uint8).fill_(300),
        DTypeError,
        "value cannot be converted to type uint8 without overflow",
    ),
)
