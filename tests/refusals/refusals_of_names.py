"""What is refused, in which words: sequences and indices, views and sizes in place, results that go somewhere."""

from __future__ import annotations

from typing import Any

from refusal import Refusal

from curta.errors import (
    ArgumentError,
    ArgumentTypeError,
    AutogradError,
    DTypeError,
    IndexRangeError,
    MappingError,
    ShapeError,
    UnsupportedDTypeError,
    UnsupportedError,
)


def longs(c: Any, *values: int) -> Any:
    return c.tensor(values, dtype=c.int64)


def mapped(c: Any) -> Any:
    return c.func.vmap(lambda x: x.resize_(1))(c.zeros(2, 2))


REFUSALS = (
    Refusal(lambda c: c.tril_indices(-1, 2), ShapeError, "row must be non-negative, got-1"),
    Refusal(
        lambda c: c.triu_indices(3, 3, dtype=c.float32),
        UnsupportedDTypeError,
        "\"triu_indices\" not implemented for 'Float'",
    ),
    Refusal(
        lambda c: c.unravel_index(c.zeros(1), (2, 2)),
        ArgumentTypeError,
        "expected 'indices' to be integer dtype, but got curta.float32",
    ),
    Refusal(
        lambda c: c.unravel_index(longs(c, 3), 2.0),
        ArgumentTypeError,
        "expected 'shape' to be int or sequence of ints, but got <class 'float'>",
    ),
    Refusal(
        lambda c: c.unravel_index(longs(c, 3), (-2, 2)),
        ArgumentError,
        "'shape' cannot have negative values, but got (-2, 2)",
    ),
    Refusal(
        lambda c: c.nonzero_static(c.zeros(1), size=-3),
        ShapeError,
        "nonzero_static: 'size' must be an non-negative integer",
    ),
    Refusal(lambda c: c.vander(c.zeros(1, 2)), ShapeError, "x must be a one-dimensional tensor."),
    Refusal(lambda c: c.vander(c.zeros(2), -1), ShapeError, "N must be non-negative."),
    Refusal(
        lambda c: c.linspace(c.zeros(1), 2, 3),
        ShapeError,
        "linspace only supports 0-dimensional start and end tensors, but got start with 1 dimension(s).",
    ),
    Refusal(
        lambda c: c.scalar_tensor([1]),
        ArgumentTypeError,
        "scalar_tensor(): argument 's' (position 1) must be Number, not list",
    ),
    Refusal(lambda c: c.empty_permuted((2, 3), (1, 1)), ShapeError, "Duplicate dim not allowed"),
    Refusal(
        lambda c: c.empty_permuted((2, 3), (1, 2)),
        ShapeError,
        "Dimension out of range (expected to be between 0 and 1, but got 2 at index 1).  NB: negative dims not currently "
        "supported; file an issue if you want it.",
    ),
    Refusal(
        lambda c: c.empty_permuted((2, 3), (0,)),
        ShapeError,
        "Number of dimensions in size does not match the length of the physical_layout; i.e. len(size) = 2 is not equal "
        "to len(physical_layout) = 1",
    ),
    Refusal(
        lambda c: c.zeros(2).scatter_reduce(0, longs(c, 0), c.zeros(1), "most"),
        ShapeError,
        "reduce argument must be either sum, prod, mean, amax or amin, got most",
    ),
    Refusal(
        lambda c: c.zeros(2, dtype=c.bool).scatter_reduce(0, longs(c, 0), c.zeros(1, dtype=c.bool), "mean"),
        DTypeError,
        "scatter_reduce(): a mean of truth values is not defined",
        only_curta=True,
    ),
    Refusal(
        lambda c: c.zeros(2).scatter_(0, longs(c, 0), c.zeros(1), reduce="max"),
        ShapeError,
        "reduce argument must be either add or multiply.",
    ),
    Refusal(
        lambda c: c.zeros(2).index_reduce(0, longs(c, 0), c.zeros(1), "sum"),
        ShapeError,
        "index_reduce(): Expected reduce to be one of prod, mean, amax or amin but got sum.",
    ),
    Refusal(
        lambda c: c.zeros(2).index_reduce(0, longs(c, 0).unsqueeze(0), c.zeros(1), "prod"),
        IndexRangeError,
        "index_reduce(): Index is supposed to be a vector, but got dim: 2",
        only_curta=True,
    ),
    Refusal(
        lambda c: c.zeros(2).index_reduce(0, c.zeros(1), c.zeros(1), "prod"),
        DTypeError,
        "index_reduce(): Expected dtype int32/int64 for index",
    ),
    Refusal(
        lambda c: c.zeros(2).index_reduce(0, longs(c, 0), longs(c, 0), "prod"),
        DTypeError,
        "index_reduce(): self (Float) and source (Long) must have the same scalar type",
        only_curta=True,
    ),
    Refusal(
        lambda c: c.zeros(2).index_reduce(0, longs(c, 0), c.zeros(2), "prod"),
        ShapeError,
        "index_reduce(): Number of indices (1) should be equal to source.size(dim)",
        only_curta=True,
    ),
    Refusal(
        lambda c: c.zeros(2, 3).index_reduce(0, longs(c, 0), c.zeros(1, 2), "prod"),
        ShapeError,
        "index_reduce(): source's slices must have the shape of self's, got self.shape = [2, 3] source.shape = [1, 2]",
        only_curta=True,
    ),
    Refusal(
        lambda c: c.zeros(2, requires_grad=True).resize_(3), AutogradError, "cannot resize variables that require grad"
    ),
    Refusal(
        lambda c: c.zeros(2).resize_(-1),
        ShapeError,
        "Trying to create tensor with negative dimension -1: [-1]",
        only_curta=True,
    ),
    Refusal(
        lambda c: c.zeros(2).resize_(1, 1, 1, 2, memory_format=c.channels_last),
        UnsupportedError,
        "resize_(): memory_format=curta.channels_last is not supported",
        only_curta=True,
    ),
    Refusal(
        mapped,
        MappingError,
        "vmap: resize_ of a mapped tensor is not supported: use the form without an underscore",
        only_curta=True,
    ),
    Refusal(
        lambda c: c.add(c.zeros(1), 1, out="x"),
        ArgumentTypeError,
        "add(): argument 'out' must be Tensor, not str",
    ),
    Refusal(
        lambda c: c.add(c.zeros(1, requires_grad=True), 1, out=c.zeros(1)),
        AutogradError,
        "add(): functions with out=... arguments don't support automatic differentiation, but one of the arguments "
        "requires grad.",
    ),
    Refusal(
        lambda c: c.add(c.zeros(1), 1, out=longs(c, 0)),
        DTypeError,
        "result type Float can't be cast to the desired output type Long",
    ),
    Refusal(
        lambda c: c.nonzero_static(c.zeros(1), size=1, out=c.zeros(1, 1)),
        DTypeError,
        "nonzero_static: Expected out tensor to have scalar type Long but got scalar type Float",
        only_curta=True,
    ),
    Refusal(
        lambda c: (lambda x: c.index_select(x, 0, longs(c, 0), out=x[:1]))(c.zeros(2)),
        ShapeError,
        "unsupported operation: some elements of the input tensor and the written-to tensor refer to a single memory "
        "location. Please clone() the tensor before performing the operation.",
    ),
    Refusal(
        lambda c: c.zeros(2)[:1].detach_(),
        AutogradError,
        "Can't detach views in-place. Use detach() instead. If you are using DistributedDataParallel (DDP) for training, "
        "and gradient_as_bucket_view is set as True, gradients are views of DDP buckets, and hence detach_() cannot be "
        "called on these gradients. To fix this error, please refer to the Optimizer.zero_grad() function in "
        "torch/optim/optimizer.py as the solution.",
    ),
    Refusal(
        lambda c: c.zeros(2, requires_grad=True).unsqueeze_(0),
        AutogradError,
        "a leaf Variable that requires grad is being used in an in-place operation.",
    ),
    Refusal(
        lambda c: c.zeros(2).set_(longs(c, 1)),
        DTypeError,
        "Could not set tensor of type int64 to a tensor of type float32",
        only_curta=True,
    ),
    Refusal(
        lambda c: c.zeros(2).set_(3),
        ArgumentTypeError,
        "set_(): argument 'source' must be Tensor or Storage, not int",
        only_curta=True,
    ),
    Refusal(
        lambda c: c.zeros(2).set_(c.zeros(2), 1, (2,)),
        ShapeError,
        "setStorage: sizes [2], strides [1], storage offset 1, and itemsize 4 are out of bounds for storage of size 8",
        only_curta=True,
    ),
    Refusal(lambda c: c.zeros(2).fill_diagonal_(1), ShapeError, "dimensions must larger than 1"),
    Refusal(
        lambda c: c.zeros(2, 2, 3).fill_diagonal_(1), ShapeError, "all dimensions of input must be of equal length"
    ),
    Refusal(
        lambda c: c.narrow_copy(c.zeros(2), 1, 0, 1),
        ShapeError,
        "narrow_copy(): dim 1 is out of range for a tensor of 1 dimensions",
        only_curta=True,
    ),
    Refusal(lambda c: c.narrow(c.zeros(2), 0, longs(c, 0), 1), ShapeError, "start must be an 0-dim integral Tensor."),
    Refusal(lambda c: c.hstack([]), ShapeError, "hstack expects a non-empty TensorList"),
    Refusal(lambda c: c.dstack([]), ShapeError, "dstack expects a non-empty TensorList"),
    Refusal(
        lambda c: c.zeros(2).masked_fill(c.tensor(True), 1j),
        DTypeError,
        "value cannot be converted to type float32 without overflow",
        only_curta=True,
    ),
    Refusal(lambda c: c.imag(c.zeros(2)), DTypeError, "imag is not implemented for tensors with non-complex dtypes."),
    Refusal(
        lambda c: c.zeros(2).H,
        ShapeError,
        "tensor.H is only supported on matrices (2-D tensors). Got 1-D tensor. For batches of matrices, consider using "
        "tensor.mH",
    ),
    Refusal(
        lambda c: c.zeros(2).mH,
        ShapeError,
        "tensor.mH is only supported on matrices or batches of matrices. Got 1-D tensor.",
    ),
    Refusal(
        lambda c: c.result_type("a", 1),
        ArgumentTypeError,
        "result_type(): expected Tensor or Number, not str",
        only_curta=True,
    ),
    Refusal(
        lambda c: c.zeros(2).contiguous(memory_format=c.channels_last),
        ShapeError,
        "required rank 4 tensor to use channels_last format",
    ),
    Refusal(
        lambda c: c.zeros(2, 2).T.contiguous(memory_format=c.preserve_format),
        ShapeError,
        "preserve memory format is unsupported by the contiguous operator",
    ),
    Refusal(
        lambda c: c.zeros(2).clone(memory_format="channels_last"),
        UnsupportedError,
        "clone(): the argument 'memory_format' is not supported",
        only_curta=True,
    ),
    Refusal(lambda c: c.eq(2, 3), ArgumentTypeError, "eq(): argument 'input' (position 1) must be Tensor, not int"),
    Refusal(
        lambda c: c.bitwise_and(2, 3),
        ArgumentTypeError,
        "bitwise_and(): argument 'input' (position 1) must be Tensor, not int",
        only_curta=True,
    ),
    Refusal(
        lambda c: c.kl_div(c.zeros(1), c.zeros(1), 3),
        ArgumentError,
        "3 is not a valid value for reduction: 0 is none, 1 the mean, 2 the sum",
        only_curta=True,
    ),
    Refusal(
        lambda c: c.gru(c.zeros(1, 2), c.zeros(1, 1, 2), [], True, 1, 0.0, False, False, False),
        ShapeError,
        "gru(): input must have 3 dimensions and params the weights of 1 layers and directions, got f32[1,2] and 0 tensors",
        only_curta=True,
    ),
)
