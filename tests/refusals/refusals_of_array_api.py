"""What is refused, in which words: the array API standard's namespace, which PyTorch has not."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from refusal import Refusal

from curta import array_api as xp
from curta.errors import ArgumentError, ArgumentTypeError, IndexRangeError, ShapeError, UnsupportedError

KINDS = "bool, signed integer, unsigned integer, integral, real floating, complex floating, numeric"


def refused(call: Callable[[Any], Any], error: type[Exception], message: str) -> Refusal:
    """A call with a tensor of 2 x 3 numbers."""
    return Refusal(lambda c: call(c.ones(2, 3, dtype=c.float64)), error, message, only_curta=True)


REFUSALS = (
    refused(
        lambda x: xp.add(1, 2.0),
        ArgumentTypeError,
        "add(): one of the two operands must be a tensor, got int and float",
    ),
    refused(lambda x: xp.sign(1.0), ArgumentTypeError, "sign(): expected a tensor, got float"),
    refused(lambda x: xp.can_cast(1, xp.int8), ArgumentTypeError, "can_cast(): expected a dtype or a tensor, got int"),
    refused(
        lambda x: xp.isdtype(xp.int8, "whole"),
        ArgumentError,
        f"isdtype(): unknown kind 'whole': expected one of {KINDS}",
    ),
    refused(lambda x: xp.result_type(1), ArgumentError, "result_type(): requires at least one tensor or dtype"),
    refused(
        lambda x: xp.meshgrid(x, indexing="yx"), ArgumentError, "meshgrid(): indexing must be 'xy' or 'ij', got 'yx'"
    ),
    refused(
        lambda x: xp.asarray([1], copy=False),
        ArgumentError,
        "asarray(): a list cannot share memory with i64[1]: use copy=None",
    ),
    refused(
        lambda x: xp.cumulative_sum(x),
        ArgumentError,
        "cumulative_sum(): axis must be given for a tensor of 2 dimensions",
    ),
    refused(
        lambda x: xp.cumulative_prod(xp.sum(x), axis=0),
        ShapeError,
        "cumulative_prod(): requires a tensor of at least one dimension",
    ),
    refused(lambda x: xp.nonzero(xp.sum(x)), ArgumentError, "nonzero(): requires a tensor of at least one dimension"),
    refused(
        lambda x: xp.take(x, xp.arange(1)), ArgumentError, "take(): axis must be given for a tensor of 2 dimensions"
    ),
    refused(
        lambda x: xp.take(xp.sum(x), xp.arange(1), axis=0),
        IndexRangeError,
        "Dimension specified as 0 but tensor has no dimensions",
    ),
    refused(
        lambda x: xp.repeat(x, xp.arange(2), axis=1),
        ShapeError,
        "repeats must have the same size as input along dim, but got repeats.size(0) = 2 and input.size(1) = 3",
    ),
    refused(
        lambda x: xp.reshape(x.T, (6,), copy=False),
        ArgumentError,
        "reshape(): strides (1, 3) do not allow [6] without a copy",
    ),
    refused(lambda x: xp.squeeze(x, 1), ArgumentError, "squeeze(): dimension 1 has size 3, not 1"),
    refused(
        lambda x: xp.expand_dims(x, axis=4),
        IndexRangeError,
        "Dimension out of range (expected to be in range of [-3, 2], but got 4)",
    ),
    refused(
        lambda x: xp.matrix_transpose(x[0]),
        ShapeError,
        "matrix_transpose(): requires a tensor of at least two dimensions, got 1",
    ),
    refused(
        lambda x: xp.tensordot(x, x, axes=1),
        ShapeError,
        "contracted dimensions need to match, but first has size 3 in dim -1 and second has size 2 in dim 0",
    ),
    refused(lambda x: xp.vecdot(x, x[:, :2]), ShapeError, "vecdot(): vectors of 3 and 2 elements have no product"),
    refused(
        lambda x: xp.__array_namespace_info__().dtypes(kind="whole"),
        ArgumentError,
        f"dtypes(): unknown kind 'whole': expected one of {KINDS}",
    ),
    refused(
        lambda x: x.__array_namespace__(api_version="2020.01"),
        ArgumentError,
        "__array_namespace__(): version '2020.01' is not supported: 2021.12, 2022.12, 2023.12, 2024.12 are",
    ),
    refused(
        lambda x: x.to_device("cpu", stream=1), UnsupportedError, "to_device(): the argument 'stream' is not supported"
    ),
    refused(
        lambda x: xp.asarray(1j), ArgumentTypeError, "complex numbers are not supported: Curta has no complex dtypes"
    ),
)
