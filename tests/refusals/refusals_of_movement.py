"""What is refused, in which words: views, joining, splitting, copying."""

from __future__ import annotations

from refusal import Refusal

from curta.errors import ArgumentTypeError, IndexRangeError, ShapeError, UnsupportedError

REFUSALS = (
    Refusal(
        lambda c: c.zeros(4).view(c.int32),
        UnsupportedError,
        "view(): a view as another dtype is not supported",
        only_curta=True,
    ),
    Refusal(
        lambda c: c.zeros(2).contiguous(memory_format="channels_last"),
        UnsupportedError,
        "contiguous(): the argument 'memory_format' is not supported",
        only_curta=True,
    ),
    Refusal(lambda c: c.zeros(2, 2, 2).t(), ShapeError, "t() expects a tensor with <= 2 dimensions, but self is 3D"),
    Refusal(
        lambda c: c.zeros(2).mT,
        ShapeError,
        "tensor.mT is only supported on matrices or batches of matrices. Got 1-D tensor.",
    ),
    Refusal(
        lambda c: c.zeros(2, 2).movedim((0, 1), (0,)),
        ShapeError,
        "movedim: Invalid source or destination dims: source ([0, 1] dims) should contain the same number of dims as destination ([0] dims)",
    ),
    Refusal(lambda c: c.zeros(2, 2).movedim((0, 0), (0, 1)), ShapeError, "movedim: repeated dim in `source` ([0, 0])"),
    Refusal(
        lambda c: c.zeros(2, 2).movedim((0, 1), (1, 1)), ShapeError, "movedim: repeated dim in `destination` ([1, 1])"
    ),
    Refusal(
        lambda c: c.zeros(2, 2).flatten(1, 0),
        ShapeError,
        "flatten() has invalid args: start_dim cannot come after end_dim",
    ),
    Refusal(lambda c: c.zeros(4).unflatten(0, ()), ShapeError, "unflatten: sizes must be non-empty"),
    Refusal(
        lambda c: c.zeros(4).unflatten(0, (3, 2)),
        ShapeError,
        "unflatten: Provided sizes [3, 2] don't multiply up to the size of dim 0 (4) in the input tensor",
    ),
    Refusal(lambda c: c.zeros(4).as_strided((2, 2), (1,)), ShapeError, "mismatch in length of strides and shape"),
    Refusal(
        lambda c: c.zeros(4).as_strided((2,), (-1,)),
        ShapeError,
        "as_strided: Negative strides are not supported at the moment, got strides: [-1]",
    ),
    Refusal(lambda c: c.zeros(4).as_strided((2,), (1,), -1), ShapeError, "Tensor: invalid storage offset -1"),
    Refusal(
        lambda c: c.zeros(4).as_strided((-1,), (1,)),
        ShapeError,
        "Storage size calculation overflowed with sizes=[-1] and strides=[1]",
    ),
    Refusal(
        lambda c: c.zeros(2, 3)[:: 1 << 62],
        ShapeError,
        "sizes and strides must be numbers of int64, got [1, 3] and [13835058055282163712, 1]",
        only_curta=True,
    ),
    Refusal(
        lambda c: c.zeros(4)[1.0:],
        ArgumentTypeError,
        "slice indices must be integers or None or have an __index__ method",
    ),
    Refusal(
        lambda c: c.zeros(4).as_strided((5,), (1,)),
        ShapeError,
        "setStorage: sizes [5], strides [1], storage offset 0, and itemsize 4 requiring a storage size of 20 are out of bounds for storage of size 16",
    ),
    Refusal(lambda c: c.zeros(()).select(0, 0), IndexRangeError, "select() cannot be applied to a 0-dim tensor."),
    Refusal(
        lambda c: c.zeros(2).select(0, 2),
        IndexRangeError,
        "select(): index 2 out of range for tensor of size [2] at dimension 0",
    ),
    Refusal(
        lambda c: c.zeros(2, 3).select(1, -4),
        IndexRangeError,
        "select(): index -4 out of range for tensor of size [2, 3] at dimension 1",
    ),
    Refusal(lambda c: c.zeros(()).narrow(0, 0, 1), ShapeError, "narrow() cannot be applied to a 0-dim tensor."),
    Refusal(
        lambda c: c.zeros(3).narrow(0, 0, 1.0), ArgumentTypeError, "narrow(): argument 'length' must be int, not float"
    ),
    Refusal(lambda c: c.zeros(3).narrow(0, 0, -1), ShapeError, "narrow(): length must be non-negative."),
    Refusal(
        lambda c: c.zeros(3).narrow(0, 4, 0),
        IndexRangeError,
        "start out of range (expected to be in range of [-3, 3], but got 4)",
    ),
    Refusal(lambda c: c.zeros(3).narrow(0, 2, 2), ShapeError, "start (2) + length (2) exceeds dimension size (3)."),
    Refusal(lambda c: c.zeros(3).chunk(0), ShapeError, "chunk expects `chunks` to be greater than 0, got: 0"),
    Refusal(lambda c: c.zeros(()).chunk(2), ShapeError, "chunk expects at least a 1-dimensional tensor"),
    Refusal(lambda c: c.zeros(()).unbind(), IndexRangeError, "Dimension specified as 0 but tensor has no dimensions"),
    Refusal(
        lambda c: c.zeros(2, 2).diagonal(dim1=1, dim2=1), ShapeError, "diagonal dimensions cannot be identical 1, 1"
    ),
    Refusal(
        lambda c: c.zeros(2, 2).repeat(2),
        ShapeError,
        "Number of dimensions of repeat dims can not be smaller than number of dimensions of tensor",
    ),
    Refusal(lambda c: c.zeros(2).repeat(-1), ShapeError, "repeat: counts must not be negative, got [-1]"),
    Refusal(
        lambda c: c.zeros(3).narrow(0, 1.5, 1), ArgumentTypeError, "narrow(): argument 'start' must be int, not float"
    ),
    Refusal(
        lambda c: c.zeros(3).narrow(0, "one", 1), ArgumentTypeError, "narrow(): argument 'start' must be int, not str"
    ),
    Refusal(
        lambda c: c.zeros(3).unsqueeze("one"), ArgumentTypeError, "unsqueeze(): argument 'dim' must be int, not str"
    ),
    Refusal(
        lambda c: c.zeros(3).split(-1), ShapeError, "split expects split_size be non-negative, but got split_size=-1"
    ),
    Refusal(
        lambda c: c.zeros(3).split(0),
        ShapeError,
        "split_size can only be 0 if dimension size is 0, but got dimension size of 3",
    ),
    Refusal(
        lambda c: c.zeros(3).split([1, 1]),
        ShapeError,
        "split_with_sizes expects split_sizes to sum exactly to 3 (input tensor's size at dimension 0), but got split_sizes=[1, 1]",
    ),
    Refusal(lambda c: c.zeros(2, 3).sum_to_size(2, 2), ShapeError, "size {[2, 2]} is not expandable to size {[2, 3]}."),
    Refusal(lambda c: c.zeros(3).sum_to_size(1, 3), ShapeError, "size {[1, 3]} is not expandable to size {[3]}."),
    Refusal(
        lambda c: c.cat(c.zeros(2)),
        ArgumentTypeError,
        "cat(): argument 'tensors' (position 1) must be tuple of Tensors, not Tensor",
    ),
    Refusal(
        lambda c: c.cat([c.zeros(2), 3.0]),
        ArgumentTypeError,
        "expected Tensor as element 1 in argument 0, but got float",
    ),
    Refusal(
        lambda c: c.cat([c.zeros(()), c.zeros(2)]),
        ShapeError,
        "zero-dimensional tensor (at position 0) cannot be concatenated",
    ),
    Refusal(
        lambda c: c.cat([c.zeros(2, 2), c.zeros(2)]),
        ShapeError,
        "Tensors must have same number of dimensions: got 2 and 1",
    ),
    Refusal(
        lambda c: c.stack(c.zeros(2)[0]),
        ArgumentTypeError,
        "stack(): argument 'tensors' (position 1) must be tuple of Tensors, not Tensor",
    ),
    Refusal(lambda c: c.tril(c.zeros(3)), ShapeError, "tril: input tensor must have at least 2 dimensions"),
    Refusal(lambda c: c.triu(c.zeros(3)), ShapeError, "triu: input tensor must have at least 2 dimensions"),
    Refusal(lambda c: c.zeros(3).roll((1, 2), (0,)), ShapeError, "shifts and dimensions must align. shifts: 2, dims:1"),
    Refusal(
        lambda c: c.zeros(2).to(memory_format="channels_last"),
        UnsupportedError,
        "to(): the argument 'memory_format' is not supported",
        only_curta=True,
    ),
    Refusal(
        lambda c: c.zeros(2).copy_([1.0, 2.0]),
        ArgumentTypeError,
        "copy_(): argument 'src' (position 1) must be Tensor, not list",
    ),
    Refusal(
        lambda c: c.zeros(2).copy_(c.zeros(3, 2)),
        ShapeError,
        "output with shape [2] doesn't match the broadcast shape [3, 2]",
    ),
)
