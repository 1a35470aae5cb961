"""What is refused, in which words: diagonals, splits, grids, repetitions, and elements chosen by number."""

from __future__ import annotations

from typing import Any

from refusal import Refusal

from curta.errors import (
    ArgumentTypeError,
    DTypeError,
    IndexRangeError,
    ShapeError,
    UnsupportedDTypeError,
    UnsupportedError,
)


def long(c: Any, *values: Any) -> Any:
    return c.tensor(values, dtype=c.int64)


REFUSALS = (
    Refusal(
        lambda c: c.zeros(3, 2).index_copy(0, long(c, [0]), c.ones(1, 2)),
        IndexRangeError,
        "index_copy_(): Index should have dimension 1 or 0 (got 2)",
    ),
    Refusal(
        lambda c: c.zeros(3).index_copy(0, c.zeros(1, dtype=c.int32), c.ones(1)),
        DTypeError,
        "index_copy_(): Expected a long tensor for index, but got Int",
    ),
    Refusal(
        lambda c: c.zeros(3).index_copy(0, long(c, 0), c.ones(1, dtype=c.float64)),
        DTypeError,
        "index_copy_(): self and source expected to have the same dtype, but got (self) Float and (source) Double",
    ),
    Refusal(
        lambda c: c.zeros(3, 2).index_copy(0, long(c, 0), c.ones(1, 3)),
        ShapeError,
        "index_copy_(): Source/destination tensor must have same slice shapes. Destination slice shape: 2 at dimension 0 and source slice shape: 3 at dimension 0.",
    ),
    Refusal(
        lambda c: c.zeros(3, 2).index_copy(0, long(c, 0, 1), c.ones(1, 2)),
        IndexRangeError,
        "index_copy_(): Number of indices (2) should be equal to source.size(dim) (1)",
    ),
    Refusal(
        lambda c: c.zeros(3, 2).index_copy(0, long(c, 0), c.ones(2)),
        IndexRangeError,
        "index_copy_(): When source and destination are not scalars, their dimensionality must match. Source dimensionality (1), destination dimensionality (2)",
    ),
    Refusal(
        lambda c: c.zeros(3).index_copy(0, long(c, 0, 1), c.tensor(2.0)),
        IndexRangeError,
        "index_copy_(): When source is scalar, index should have one element (got 2)",
    ),
    Refusal(
        lambda c: c.zeros(3).index_copy(0, long(c, -1), c.ones(1)),
        IndexRangeError,
        "index_copy_(): index -1 is out of bounds for dimension 0 with size 3",
    ),
    Refusal(lambda c: c.zeros(3).index_fill(0, long(c, [0]), 1), ShapeError, "Index has to be a vector/scalar"),
    Refusal(
        lambda c: c.zeros(3).index_fill(0, c.zeros(1), 1),
        IndexRangeError,
        "index_fill_(): Expected dtype int64 for index.",
    ),
    Refusal(
        lambda c: c.zeros(3).index_fill(0, long(c, 5), 1),
        IndexRangeError,
        "index 5 is out of bounds for dimension 0 with size 3",
    ),
    Refusal(
        lambda c: c.zeros(3).index_fill(0, long(c, 0), c.ones(2)),
        ShapeError,
        "index_fill_ only supports a 0-dimensional value tensor, but got tensor with 1 dimension(s).",
    ),
    Refusal(
        lambda c: c.zeros(3).take(c.ones(1)), DTypeError, "take(): Expected a long tensor for index, but got Float"
    ),
    Refusal(
        lambda c: c.zeros(3).take(long(c, 6)),
        IndexRangeError,
        "out of range: tried to access index 6 on a tensor of 3 elements.",
    ),
    Refusal(lambda c: c.zeros(0).take(long(c, 0)), IndexRangeError, "take(): tried to take from an empty tensor"),
    Refusal(
        lambda c: c.zeros(3).put(long(c, 0), c.ones(2)),
        IndexRangeError,
        "put_(): Expected source and index to have the same number of elements, but got source.numel() = 2, index.numel() = 1",
    ),
    Refusal(
        lambda c: c.zeros(3).put(long(c, 0), long(c, 1)),
        DTypeError,
        "put_(): self and source expected to have the same dtype, but got self.dtype = Float and source.dtype = Long",
    ),
    Refusal(
        lambda c: c.zeros(0).put(long(c, 0), c.ones(1)),
        IndexRangeError,
        "put_(): Tried to put elements into an empty tensor",
    ),
    Refusal(
        lambda c: c.zeros(2).masked_scatter(c.ones(2) > 0, c.ones(1)),
        ShapeError,
        "Number of elements of source < number of ones in mask",
    ),
    Refusal(
        lambda c: c.zeros(2).masked_scatter(c.ones(2) > 0, c.ones(0)),
        ShapeError,
        "Number of elements of source < number of ones in mask",
    ),
    Refusal(
        lambda c: c.zeros(2).masked_scatter(c.ones(2) > 0, long(c, 1, 2)),
        DTypeError,
        "masked_scatter: expected self and source to have same dtypes but gotFloat and Long",
    ),
    Refusal(
        lambda c: c.zeros(2).masked_scatter(c.ones(2), c.ones(2)),
        ShapeError,
        "masked_scatter_ only supports boolean masks, but got mask with dtype Float",
    ),
    Refusal(lambda c: c.zeros(7).tensor_split(0), ShapeError, "number of sections must be larger than 0, got 0"),
    Refusal(
        lambda c: c.tensor(1.0).tensor_split(1),
        ShapeError,
        "tensor_split expected at least a 1-dimensional tensor, but got a tensor with 0 dims",
    ),
    Refusal(
        lambda c: c.zeros(7).tensor_split(c.tensor([2.0])),
        ShapeError,
        "tensor_split expected tensor_indices_or_sections to have dtype of long, but got Float",
    ),
    Refusal(
        lambda c: c.zeros(7).tensor_split(long(c, [2])),
        ShapeError,
        "tensor_split expected tensor_indices_or_sections to be a zero-dimensional or one-dimensional tensor, but got a tensor with 2 dims",
    ),
    Refusal(
        lambda c: c.zeros(4, 4).vsplit(3),
        ShapeError,
        "torch.vsplit attempted to split along dimension 0, but the size of the dimension 4 is not divisible by the split_size 3!",
    ),
    Refusal(
        lambda c: c.zeros(4, 4).dsplit(2),
        ShapeError,
        "torch.dsplit requires a tensor with at least 3 dimension, but got a tensor with 2 dimensions!",
    ),
    Refusal(lambda c: c.split(c.tensor(1), 1), ShapeError, "split expects at least a 1-dimensional tensor"),
    Refusal(
        lambda c: c.arange(5).unfold(0, 6, 2), ShapeError, "maximum size for tensor at dimension 0 is 5 but size is 6"
    ),
    Refusal(lambda c: c.arange(5).unfold(0, -2, 2), ShapeError, "size is -2 but must be >= 0"),
    Refusal(lambda c: c.arange(5).unfold(0, 2, 0), ShapeError, "step is 0 but must be > 0"),
    Refusal(lambda c: c.diag(c.zeros(2, 2, 2)), ShapeError, "diag(): Supports 1D or 2D tensors. Got 3D"),
    Refusal(lambda c: c.diag_embed(c.ones(2), 0, 1, 1), ShapeError, "diagonal dimensions cannot be identical 1, 1"),
    Refusal(
        lambda c: c.block_diag(c.zeros(2, 2, 2)),
        ShapeError,
        "torch.block_diag: Input tensors must have 2 or fewer dimensions. Input 0 has 3 dimensions",
    ),
    Refusal(
        lambda c: c.block_diag(1),
        ArgumentTypeError,
        "expected Tensor as element 0 in argument 0, but got int",
        only_curta=True,
    ),
    Refusal(
        lambda c: c.select_scatter(c.zeros(3, 2), c.ones(3), 0, 0),
        ShapeError,
        "expected src to have a size equal to the slice of self. src size = [3], slice size = [2]",
    ),
    Refusal(lambda c: c.slice_scatter(c.zeros(3), c.ones(3), 0, 0, None, 0), ShapeError, "slice step must be positive"),
    Refusal(
        lambda c: c.slice_scatter(c.tensor(1.0), c.ones(3)),
        IndexRangeError,
        "slice() cannot be applied to a 0-dim tensor.",
    ),
    Refusal(lambda c: c.rot90(c.zeros(2), 1, [0, 1]), ShapeError, "expected total dims >= 2, but got total dims = 1"),
    Refusal(
        lambda c: c.rot90(c.zeros(2, 2), 1, [0]), ShapeError, "expected total rotation dims == 2, but got dims = 1"
    ),
    Refusal(
        lambda c: c.rot90(c.zeros(2, 2), 1, [0, 0]),
        ShapeError,
        "expected rotation dims to be different, but got dim0 = 0 and dim1 = 0",
    ),
    Refusal(lambda c: c.fliplr(c.zeros(2)), ShapeError, "Input must be >= 2-d."),
    Refusal(lambda c: c.flipud(c.tensor(2)), ShapeError, "Input must be >= 1-d."),
    Refusal(lambda c: c.meshgrid([]), ShapeError, "meshgrid expects a non-empty TensorList"),
    Refusal(
        lambda c: c.meshgrid(c.zeros(1), c.zeros(1), indexing="ji"),
        ShapeError,
        'torch.meshgrid: indexing must be one of "xy" or "ij", but received: ji',
    ),
    Refusal(
        lambda c: c.meshgrid(c.zeros(1), c.zeros(1, 2), indexing="ij"),
        ShapeError,
        "torch.meshgrid: Expected 0D or 1D tensor in the tensor list but got: [1, 2]",
        only_curta=True,
    ),
    Refusal(
        lambda c: c.meshgrid(c.zeros(1), long(c, 1), indexing="ij"),
        ShapeError,
        "meshgrid expects all tensors to have the same dtype",
        only_curta=True,
    ),
    Refusal(
        lambda c: c.atleast_1d([c.zeros(1), 2]),
        ArgumentTypeError,
        "atleast_1d(): expected Tensor as element 1 in argument 0, but got int",
        only_curta=True,
    ),
    Refusal(lambda c: c.cartesian_prod(c.zeros(1, 2)), ShapeError, "Expect a 1D vector, but got shape [1, 2]"),
    Refusal(lambda c: c.combinations(c.zeros(1, 2)), ShapeError, "Expect a 1D vector, but got shape [1, 2]"),
    Refusal(lambda c: c.combinations(c.zeros(2), -1), ShapeError, "Expect a non-negative number, but got -1"),
    Refusal(lambda c: c.zeros(2).repeat_interleave(-1), ShapeError, "Repeats must be non-negative"),
    Refusal(lambda c: c.zeros(2).repeat_interleave(long(c, -1, 2)), ShapeError, "repeats can not be negative"),
    Refusal(
        lambda c: c.zeros(2).repeat_interleave(long(c, [1, 2])), ShapeError, "repeats must be 0-dim or 1-dim tensor"
    ),
    Refusal(
        lambda c: c.zeros(2).repeat_interleave(c.ones(2)),
        UnsupportedDTypeError,
        "\"repeat_interleave_cpu\" not implemented for 'Float'",
    ),
    Refusal(
        lambda c: c.zeros(6).repeat_interleave(long(c, 1, 2)),
        ShapeError,
        "repeats must have the same size as input along dim, but got repeats.size(0) = 2 and input.size(0) = 6",
    ),
    Refusal(
        lambda c: c.repeat_interleave(c.tensor(2)), ShapeError, "repeat_interleave only accept 1D vector as repeat"
    ),
    Refusal(
        lambda c: c.zeros(2).repeat_interleave(2, output_size=3),
        ShapeError,
        "repeat_interleave: Invalid output_size, expected 4 but got 3",
    ),
    Refusal(
        lambda c: c.zeros(2).repeat_interleave(c.ones(2, dtype=c.int64, device="meta")),
        UnsupportedError,
        "repeat_interleave(): repeats on the meta device are not supported: they have no values",
        only_curta=True,
    ),
)
