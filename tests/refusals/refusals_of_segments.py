"""What is refused, in which words: histograms and reductions of segments."""

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


def segments(c: Any, **options: Any) -> Any:
    return c.segment_reduce(c.ones(4, 2), "sum", **options)


REFUSALS = (
    Refusal(
        lambda c: c.histogram(c.ones(2), 0),
        ShapeError,
        "torch.histogram(): bins must be > 0, but got 0 for dimension 0",
    ),
    Refusal(
        lambda c: c.histogram(c.tensor([1]), 2), UnsupportedDTypeError, "\"histogramdd\" not implemented for 'Long'"
    ),
    Refusal(
        lambda c: c.histogram(c.ones(2), 2, range=(3.0, 1.0)),
        ShapeError,
        "torch.histogramdd: min should not exceed max, but got min 3 max 1 for dimension 0",
    ),
    Refusal(
        lambda c: c.histogram(c.tensor([1.0, float("inf")]), 2),
        ShapeError,
        "torch.histogramdd: dimension 0's range [1, inf] is not finite",
    ),
    Refusal(
        lambda c: c.histogram(c.ones(2), 2, range=(1.0,)),
        ShapeError,
        "torch.histogramdd: for a 1-dimensional histogram range should have 2 elements, but got 1",
    ),
    Refusal(
        lambda c: c.histogram(c.ones(3), 2, weight=c.ones(2)),
        ShapeError,
        "torch.histogramdd: if weight tensor is provided it should have the same shape as the input tensor excluding "
        "its innermost dimension, but got input with shape [3, 1] and weight with shape [2]",
    ),
    Refusal(
        lambda c: c.histogram(c.ones(3), 2, weight=c.ones(3, dtype=c.float64)),
        DTypeError,
        "torch.histogramdd: if weight tensor is provided, input tensor and weight tensor should have the same dtype, "
        "but got input(float), and weight(double)",
    ),
    Refusal(
        lambda c: c.histogram(c.ones(3), c.tensor([0, 1])),
        DTypeError,
        "torch.histogramdd: input tensor and bins tensors should have the same dtype, but got input with dtype float "
        "and bins for dimension 0 with dtype long int",
    ),
    Refusal(
        lambda c: c.histogram(c.ones(3), c.ones(1, 2)),
        ShapeError,
        "torch.histogramdd: bins tensor should have one dimension, but got 2 dimensions in the bins tensor for "
        "dimension 0",
    ),
    Refusal(
        lambda c: c.histogram(c.ones(3), c.ones(0)),
        ShapeError,
        "torch.histogramdd: bins tensor should have at least 1 element, but got 0 elements in the bins tensor for "
        "dimension 0",
    ),
    Refusal(
        lambda c: c.histogram(c.ones(3), 2, out=(c.ones(0, dtype=c.float64), c.ones(0))),
        DTypeError,
        "torch.histogram: input tensor and hist tensor should have the same dtype, but got input float and hist double",
    ),
    Refusal(
        lambda c: c.histogram(c.ones(3), 2, out=(c.ones(0), c.ones(0, dtype=c.float64))),
        DTypeError,
        "torch.histogram: input tensor and bin_edges tensor should have the same dtype, but got input float and "
        "bin_edges double for dimension 0",
    ),
    # PyTorch lists its overloads
    Refusal(
        lambda c: c.histogram(c.ones(3), 2.5),
        ArgumentTypeError,
        "histogram(): argument 'bins' must be int, not float",
        only_curta=True,
    ),
    Refusal(
        lambda c: c.histogram(c.ones(3), c.ones(2), range=(0.0, 1.0)),
        ArgumentTypeError,
        "histogram(): the argument 'range' does not go with a tensor of edges",
        only_curta=True,
    ),
    Refusal(
        lambda c: c.histogramdd(c.ones(3, 2), c.ones(2)),
        ArgumentTypeError,
        "histogramdd(): argument 'bins' (position 2) must be int, ints or Tensors, not Tensor",
        only_curta=True,
    ),
    Refusal(
        lambda c: c.histogramdd(c.ones(3, 2), [c.ones(2), 2]),
        ArgumentTypeError,
        "expected Tensor as element 1 in argument 1, but got int",
    ),
    Refusal(
        lambda c: c.histogramdd(c.ones(3, 2), [2, 3, 4]),
        ShapeError,
        "histogramdd: The size of bins must be equal to the innermost dimension of the input.",
    ),
    Refusal(
        lambda c: c.histogramdd(c.ones(2), [2, 2]),
        ShapeError,
        "torch.histogramdd: input tensor should have at least 2 dimensions",
    ),
    Refusal(
        lambda c: c.histogramdd(c.tensor(1.0), 2),
        IndexRangeError,
        "Dimension specified as -1 but tensor has no dimensions",
    ),
    Refusal(
        lambda c: c.segment_reduce(c.ones(4), "bad", lengths=c.tensor([4])),
        ShapeError,
        "reduce argument must be either sum, prod, mean, amax or amin, got bad",
    ),
    Refusal(
        lambda c: c.segment_reduce(c.ones(4), 3, lengths=c.tensor([4])),
        ArgumentTypeError,
        "segment_reduce(): argument 'reduce' (position 2) must be str, not int",
    ),
    Refusal(
        lambda c: c.segment_reduce(3, "sum", lengths=c.tensor([4])),
        ArgumentTypeError,
        "segment_reduce(): argument 'data' (position 1) must be Tensor, not int",
    ),
    Refusal(lambda c: segments(c), ShapeError, "segment_reduce(): Either lengths or offsets must be defined."),
    Refusal(
        lambda c: segments(c, indices=c.tensor([4])),
        UnsupportedError,
        "segment_reduce(): indices based reduction is not supported yet.",
    ),
    Refusal(
        lambda c: segments(c, lengths=c.tensor([1, 2])),
        ShapeError,
        "segment_reduce(): Expected all rows of lengths along axis to sum to data.size(lengths.dim()-1) when !unsafe.",
    ),
    Refusal(lambda c: segments(c, lengths=c.tensor([-1, 5])), ShapeError, "lengths contains negative value!"),
    Refusal(
        lambda c: segments(c, lengths=c.tensor([2]), axis=1),
        ShapeError,
        "segment_reduce(): Expected axis to be the last dimension of lengths but got 1.",
    ),
    Refusal(
        lambda c: segments(c, lengths=c.tensor([1.0, 3.0])),
        UnsupportedDTypeError,
        "\"_segment_reduce_lengths_cpu_kernel1\" not implemented for 'Float'",
    ),
    Refusal(
        lambda c: segments(c, offsets=c.tensor([0.0, 3.0])),
        UnsupportedDTypeError,
        "\"_segment_reduce_offsets_cpu_kernel1\" not implemented for 'Float'",
    ),
    Refusal(
        lambda c: c.segment_reduce(c.tensor([1, 2]), "sum", lengths=c.tensor([2])),
        UnsupportedDTypeError,
        "\"_segment_reduce_cpu\" not implemented for 'Long'",
    ),
    Refusal(
        lambda c: segments(c, lengths=[4]),
        ArgumentTypeError,
        "segment_reduce(): argument 'lengths' must be Tensor, not list",
    ),
    # PyTorch reads beside its memory
    Refusal(
        lambda c: segments(c, lengths=c.tensor([[1, 1]]), axis=1),
        ShapeError,
        "segment_reduce(): lengths must have data's sizes in front of the axis, got [1, 2] for data of [4, 2]",
        only_curta=True,
    ),
    Refusal(
        lambda c: segments(c, offsets=c.tensor([0, 5])),
        ShapeError,
        "segment_reduce(): offsets must rise from 0 on to at most 4, the size of the axis",
        only_curta=True,
    ),
    Refusal(
        lambda c: segments(c, offsets=c.zeros(0, dtype=c.int64)),
        ShapeError,
        "segment_reduce(): offsets must have at least one element along the axis, got 0",
        only_curta=True,
    ),
)
