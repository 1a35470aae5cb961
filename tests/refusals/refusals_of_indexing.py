"""What is refused, in which words: reading and writing through indices and masks."""

from __future__ import annotations

import numpy as np
from refusal import Refusal

from curta.errors import ArgumentTypeError, DTypeError, IndexRangeError, ShapeError

REFUSALS = (
    Refusal(
        lambda c: c.zeros(2, dtype=c.uint8).masked_fill(c.tensor([True, False]), 300),
        DTypeError,
        "value cannot be converted to type uint8 without overflow",
    ),
    Refusal(
        lambda c: c.zeros(2, dtype=c.float16).masked_fill(c.tensor([True, False]), -1e9),
        DTypeError,
        "value cannot be converted to type float16 without overflow",
    ),
    Refusal(
        lambda c: c.zeros(2, dtype=c.int8).clamp(min=1000),
        DTypeError,
        "value cannot be converted to type int8 without overflow",
    ),
    Refusal(
        lambda c: c.where(c.tensor([True, False]), c.zeros(2, dtype=c.uint8), 300),
        DTypeError,
        "value cannot be converted to type uint8 without overflow",
    ),
    Refusal(
        lambda c: c.zeros(2, dtype=c.uint8).index_fill_(0, c.tensor([0]), 300),
        DTypeError,
        "value cannot be converted to type uint8 without overflow",
    ),
    Refusal(
        lambda c: c.zeros(2, dtype=c.uint8).__setitem__(0, 300),
        DTypeError,
        "value cannot be converted to type uint8 without overflow",
    ),
    Refusal(
        lambda c: c.zeros(3).index_select(0, c.zeros(1)),
        ShapeError,
        "index_select(): Expected dtype int32/int64 for index",
    ),
    Refusal(
        lambda c: c.zeros(3).index_select(0, c.zeros(1, 1, dtype=c.int64)),
        IndexRangeError,
        "index_select(): Index is supposed to be a vector",
    ),
    Refusal(
        lambda c: c.take_along_dim(c.zeros(2, 2), c.zeros(2, dtype=c.int64), 0),
        ShapeError,
        "torch.take_along_dim(): input and indices should have the same number of dimensions, but got 2 dimensions for input, and 1 dimensions for indices",
    ),
    Refusal(lambda c: c.zeros(2).masked_select(c.zeros(2)), ShapeError, "masked_select: expected BoolTensor for mask"),
    Refusal(lambda c: c.zeros(2).__setitem__(0, "text"), ArgumentTypeError, "can't assign a str to a f32[2] tensor"),
    Refusal(
        lambda c: c.zeros(2)[np.zeros(1)],
        IndexRangeError,
        "tensors used as indices must be long, int, byte or bool tensors",
        only_curta=True,
    ),
    Refusal(
        lambda c: c.zeros(2)[c.zeros(1)],
        IndexRangeError,
        "tensors used as indices must be long, int, byte or bool tensors",
    ),
    Refusal(
        lambda c: c.zeros(2, 2).gather(0, c.zeros(1, 3, dtype=c.int64)),
        ShapeError,
        "Size does not match at dimension 1 expected index [1, 3] to be no larger than self [2, 2] apart from dimension 0",
    ),
    Refusal(
        lambda c: c.zeros(3).index_add_(0, c.zeros(1, 1, dtype=c.int64), c.zeros(1)),
        IndexRangeError,
        "index_add_(): Index is supposed to be a vector, but got dim: 2",
    ),
    Refusal(
        lambda c: c.zeros(3).index_add_(0, c.zeros(1, dtype=c.int64), c.zeros(1, dtype=c.float64)),
        DTypeError,
        "index_add_(): self (Float) and source (Double) must have the same scalar type",
    ),
    Refusal(
        lambda c: c.zeros(3, 2).index_add_(0, c.zeros(1, dtype=c.int64), c.zeros(1, 3)),
        ShapeError,
        "source tensor shape must match self tensor shape, excluding the specified dimension. Got self.shape = [3, 2] source.shape = [1, 3]",
    ),
    Refusal(
        lambda c: c.zeros(3).index_add_(0, c.tensor([3]), c.zeros(1)),
        IndexRangeError,
        "index 3 is out of bounds for dimension 0 with size 3",
    ),
    Refusal(
        lambda c: c.zeros(3).index_put_((c.tensor([0]),), c.zeros(1, dtype=c.float64)),
        ShapeError,
        "Index put requires the source and destination dtypes match, got Float for the destination and Double for the source.",
    ),
    Refusal(
        lambda c: c.zeros(3).index_put_((c.tensor([0]), c.tensor([0])), c.zeros(1)),
        IndexRangeError,
        "too many indices for tensor of dimension 1",
    ),
    Refusal(
        lambda c: c.zeros(2, 2).scatter_(0, c.zeros(3, 3, dtype=c.int64), 1.0),
        ShapeError,
        "Expected index [3, 3] to be no larger than self [2, 2] apart from dimension 0",
    ),
    Refusal(
        lambda c: c.zeros(2, 2).scatter_(0, c.zeros(1, 2, dtype=c.int64), c.zeros(1, 1)),
        ShapeError,
        "Expected index [1, 2] to be no larger than self [2, 2] apart from dimension 0 and to be no larger than src [1, 1]",
    ),
    Refusal(
        lambda c: c.zeros(2).scatter_(0, c.zeros(1, dtype=c.int64), c.zeros(1, dtype=c.float64)),
        DTypeError,
        "scatter(): Expected self.dtype to be equal to src.dtype",
    ),
    Refusal(
        lambda c: c.zeros(2).scatter_(0, c.tensor([2]), 1.0),
        ShapeError,
        "index 2 is out of bounds for dimension 0 with size 2",
    ),
    Refusal(
        lambda c: c.zeros(2).masked_fill(c.tensor([True, False]), c.zeros(2)),
        ShapeError,
        "masked_fill_ only supports a 0-dimensional value tensor, but got tensor with 1 dimension(s).",
    ),
)
