"""What is refused, in which words: products of vectors and matrices, contractions, norms, covariances, distances."""

from __future__ import annotations

from typing import Any

from refusal import Refusal

from curta.errors import (
    ArgumentError,
    ArgumentTypeError,
    AutogradError,
    DTypeError,
    ShapeError,
    UnsupportedDTypeError,
)


def ours(call: Any, error: type[Exception], message: str) -> Refusal:
    return Refusal(call, error, message, only_curta=True)


REFUSALS = (
    ours(
        lambda c: c.inner(c.ones(2, requires_grad=True), c.ones(2), out=c.empty(())),
        AutogradError,
        "inner(): functions with out=... arguments don't support automatic differentiation, but one of the arguments "
        "requires grad.",
    ),
    ours(
        lambda c: c.inner(c.ones(2), c.ones(2), out=c.empty((), dtype=c.float64)),
        DTypeError,
        "tensordot: Expected the output tensor to have dtype Float, but got an output tensor with dtype Double",
    ),
    ours(
        lambda c: c.inner(c.ones(2), c.ones(2, dtype=c.float64)),
        DTypeError,
        "inner(): both inputs should have same dtype, got f32[2] and f64[2]",
    ),
    Refusal(
        lambda c: c.inner(c.ones(2), c.ones(3)),
        ShapeError,
        "inner() the last dimension must match on both input tensors but got shapes [2] and [3]",
    ),
    Refusal(
        lambda c: c.addmv(c.ones(2), c.ones(2), c.ones(3)), ShapeError, "vector + matrix @ vector expected, got 1, 1, 1"
    ),
    Refusal(
        lambda c: c.addmv(c.ones(2), c.ones(2, 3), c.ones(2)),
        ShapeError,
        "size mismatch, got input (2), mat (2x3), vec (2)",
    ),
    ours(
        lambda c: c.addmv(c.ones(2), c.ones(2, 3, dtype=c.float64), c.ones(3)),
        DTypeError,
        "addmv input tensors must have the same dtype, but got Float, Double, and Float",
    ),
    ours(
        lambda c: c.addmm(c.ones(2, dtype=c.float64), c.ones(2, 3), c.ones(3, 2)),
        DTypeError,
        "addmm: self and mat2 must have the same dtype, but got float64 and float32",
    ),
    Refusal(
        lambda c: c.addr(c.ones(2, 2), c.ones(2, 1), c.ones(2)),
        ShapeError,
        "addr: Expected 1-D argument vec1, but got 2-D",
    ),
    Refusal(
        lambda c: c.addr(c.ones(2, 2, dtype=c.int64), c.ones(2, dtype=c.int64), c.ones(2, dtype=c.int64), beta=0.5),
        DTypeError,
        "For integral input tensors, argument beta must not be a floating point number.",
    ),
    Refusal(lambda c: c.addbmm(c.ones(2, 2), c.ones(2, 2), c.ones(2, 2, 2)), ShapeError, "batch1 must be a 3D tensor"),
    ours(
        lambda c: c.baddbmm(c.ones(1, 2, 2), c.ones(1, 2, 2, dtype=c.float64), c.ones(1, 2, 2)),
        DTypeError,
        "baddbmm: Input dtypes must be the same, got: input float32, batch1: float64, batch2: float32",
    ),
    Refusal(
        lambda c: c.addbmm(c.ones(2, 2), c.ones(2, 2, 2), c.ones(3, 2, 2)),
        ShapeError,
        "batch1 and batch2 must have same number of batches, got 2 and 3",
    ),
    Refusal(
        lambda c: c.addbmm(c.ones(2, 2), c.ones(2, 2, 3), c.ones(2, 2, 2)),
        ShapeError,
        "Incompatible matrix sizes for bmm (2x3 and 2x2)",
    ),
    Refusal(lambda c: c.trace(c.ones(2)), ShapeError, "trace: expected a matrix, but got tensor with dim 1"),
    ours(lambda c: c.trace(c.ones(2, 2, dtype=c.bool)), UnsupportedDTypeError, "\"trace\" not implemented for 'Bool'"),
    Refusal(lambda c: c.cross(c.ones(2), c.ones(2)), ShapeError, "no dimension of size 3 in input"),
    Refusal(
        lambda c: c.linalg.cross(c.ones(3), c.ones(1, 3)),
        ShapeError,
        "linalg.cross: inputs must have the same number of dimensions.",
    ),
    Refusal(
        lambda c: c.linalg.cross(c.ones(2), c.ones(3)),
        ShapeError,
        "linalg.cross: inputs dimension -1 must have length 3. Got 2 and 3",
    ),
    Refusal(
        lambda c: c.linalg.cross(c.ones(3), c.ones(3, dtype=c.float64)),
        DTypeError,
        "expected scalar type Float but found Double",
    ),
    ours(
        lambda c: c.linalg.cross(c.ones(3, dtype=c.bool), c.ones(3, dtype=c.bool)),
        UnsupportedDTypeError,
        "\"cross\" not implemented for 'Bool'",
    ),
    Refusal(
        lambda c: c.tensordot(c.ones(2), c.ones(2), ([0], [0, 0])),
        ShapeError,
        "both dimension lists should have same length",
    ),
    ours(
        lambda c: c.tensordot(c.ones(2), c.ones(2, dtype=c.float64), 1),
        DTypeError,
        "tensordot(): both inputs should have same dtype, got f32[2] and f64[2]",
    ),
    ours(
        lambda c: c.tensordot(c.ones(2), c.ones(2), [0]),
        ArgumentTypeError,
        "tensordot(): 'dims' must be a number or two lists of dimensions, not [0]",
    ),
    ours(
        lambda c: c.tensordot(c.ones(2), c.ones(2), "1"),
        ArgumentTypeError,
        "tensordot(): 'dims' must be a number or two lists of dimensions, not str",
    ),
    Refusal(
        lambda c: c.tensordot(c.ones(2), c.ones(2), -1), ShapeError, "tensordot expects dims >= 0, but got dims=-1"
    ),
    Refusal(
        lambda c: c.tensordot(c.ones(2), c.ones(2), 2),
        ShapeError,
        "tensordot expects dims < ndim_a or ndim_b, but got dims=2",
    ),
    Refusal(
        lambda c: c.tensordot(c.ones(2, 2), c.ones(2, 2), ([0, 0], [0, 1])),
        ShapeError,
        "dim 0 appears multiple times in the list of dims",
    ),
    Refusal(
        lambda c: c.tensordot(c.ones(2, 3), c.ones(2, 3), ([1], [0])),
        ShapeError,
        "contracted dimensions need to match, but first has size 3 in dim 1 and second has size 2 in dim 0",
    ),
    ours(lambda c: c.chain_matmul(), ShapeError, "chain_matmul(): Expected one or more matrices"),
    Refusal(lambda c: c.chain_matmul(c.ones(2), c.ones(2)), ShapeError, "Tensor dimension is 1, expected 2 instead."),
    Refusal(
        lambda c: c.linalg.multi_dot([c.ones(2)]), ShapeError, "multi_dot(): expected at least 2 tensors but got 1"
    ),
    Refusal(
        lambda c: c.linalg.multi_dot([c.ones(2, 2, 2), c.ones(2)]),
        ShapeError,
        "multi_dot(): the first tensor must be 1D or 2D but got 3D",
    ),
    Refusal(
        lambda c: c.linalg.multi_dot([c.ones(2), c.ones(2), c.ones(2)]),
        ShapeError,
        "multi_dot(): tensor 1 must be 2D but got 1D",
    ),
    ours(
        lambda c: c.linalg.multi_dot([c.ones(2, 2), c.ones(2, 2, dtype=c.float64)]),
        DTypeError,
        "multi_dot(): all tensors must have be the same dtype but tensor 0 is float32 and tensor 1 float64",
    ),
    Refusal(
        lambda c: c.linalg.multi_dot([c.ones(2, 3), c.ones(2, 3), c.ones(3, 2)]),
        ShapeError,
        "multi_dot(): tensors 0 and 1 with shapes [2, 3] and [2, 3] cannot be multiplied",
    ),
    ours(
        lambda c: c.matrix_power(c.ones(2, 2), 1.5),
        ArgumentTypeError,
        "matrix_power(): argument 'n' (position 2) must be int, not float",
    ),
    Refusal(
        lambda c: c.matrix_power(c.ones(2), 2),
        ShapeError,
        "linalg.matrix_power: The input tensor A must have at least 2 dimensions.",
    ),
    Refusal(
        lambda c: c.matrix_power(c.ones(2, 3), 2),
        ShapeError,
        "linalg.matrix_power: A must be batches of square matrices, but they are 2 by 3 matrices",
    ),
    Refusal(
        lambda c: c.cov(c.ones(1, 1, 1)),
        ShapeError,
        "cov(): expected input to have two or fewer dimensions but got an input with 3 dimensions",
    ),
    Refusal(lambda c: c.cov(c.ones(2, dtype=c.bool)), DTypeError, "cov(): bool dtype is not supported for input"),
    Refusal(
        lambda c: c.cov(c.ones(2), fweights=c.ones(1, 2, dtype=c.int64)),
        ShapeError,
        "cov(): expected fweights to have one or fewer dimensions but got fweights with 2 dimensions",
    ),
    Refusal(
        lambda c: c.cov(c.ones(2), fweights=c.ones(2)),
        DTypeError,
        "cov(): expected fweights to have integral dtype but got fweights with Float dtype",
    ),
    Refusal(
        lambda c: c.cov(c.ones(2), aweights=c.ones(3)),
        ShapeError,
        "cov(): expected aweights to have the same numel as there are observations in the input but got 3 != 2",
    ),
    Refusal(lambda c: c.cov(c.ones(2), aweights=-c.ones(2)), ShapeError, "cov(): aweights cannot be negative"),
    Refusal(
        lambda c: c.cov(c.ones(2), aweights=c.zeros(2)),
        ShapeError,
        "cov(): weights sum to zero, can't be normalized",
    ),
    Refusal(
        lambda c: c.corrcoef(c.ones(1, 1, 1)),
        ShapeError,
        "corrcoef(): expected input to have two or fewer dimensions but got an input with 3 dimensions",
    ),
    Refusal(
        lambda c: c.cdist(c.ones(2), c.ones(2, 2)), ShapeError, "cdist only supports at least 2D tensors, X1 got: 1D"
    ),
    ours(
        lambda c: c.cdist(c.ones(2, 2), c.ones(2, 2, dtype=c.int64)),
        DTypeError,
        "cdist only supports floating-point dtypes, X2 got: Long",
    ),
    Refusal(
        lambda c: c.cdist(c.ones(2, 2), c.ones(2, 3)),
        ShapeError,
        "X1 and X2 must have the same number of columns. X1: 2 X2: 3",
    ),
    Refusal(
        lambda c: c.cdist(c.ones(2, 2), c.ones(2, 2), compute_mode="fast"),
        ArgumentError,
        "fast is not a valid value for compute_mode",
    ),
    ours(
        lambda c: c.cdist(c.ones(2, 2), c.ones(2, 2, dtype=c.float64)),
        DTypeError,
        "expected scalar type Float but found Double",
    ),
    Refusal(
        lambda c: c.cdist(c.ones(2, 2), c.ones(2, 2), p=-1.0), ShapeError, "cdist only supports non-negative p values"
    ),
    ours(
        lambda c: c.cdist(c.ones(2, 2, dtype=c.float16), c.ones(2, 2, dtype=c.float16)),
        UnsupportedDTypeError,
        "\"cdist\" not implemented for 'Half'",
    ),
    Refusal(lambda c: c.nn.functional.pdist(c.ones(2)), ShapeError, "pdist only supports 2D tensors, got: 1D"),
    Refusal(
        lambda c: c.nn.functional.pdist(c.ones(2, 2, dtype=c.int64)),
        DTypeError,
        "pdist only supports floating-point dtypes",
    ),
    Refusal(
        lambda c: c.linalg.vecdot(c.ones(2, dtype=c.int64), c.ones(2, dtype=c.int64)),
        DTypeError,
        "linalg.vecdot: Expected a floating point or complex tensor as input. Got Long",
    ),
    Refusal(
        lambda c: c.linalg.vecdot(c.ones(2), c.ones(2, dtype=c.float64)),
        DTypeError,
        "linalg.vecdot: Expected x and y to have the same dtype, but found x of type Float and y of type Double instead",
    ),
    Refusal(
        lambda c: c.linalg.vecdot(c.ones(2), c.ones(3)),
        ShapeError,
        "inconsistent tensor size, expected tensor [2] and src [3] to have the same number of elements, but got 2 and 3 "
        "elements respectively",
    ),
    ours(
        lambda c: c.linalg.vector_norm(c.ones(2), "fro"),
        ArgumentTypeError,
        "linalg_vector_norm(): argument 'ord' (position 2) must be Number, not str",
    ),
    Refusal(
        lambda c: c.linalg.vector_norm(c.ones(2, dtype=c.int64)),
        DTypeError,
        "linalg.vector_norm: Expected a floating point or complex tensor as input. Got Long",
    ),
    Refusal(
        lambda c: c.linalg.matrix_norm(c.ones(2)),
        ShapeError,
        "linalg.matrix_norm: The input tensor A must have at least 2 dimensions.",
    ),
    Refusal(
        lambda c: c.linalg.matrix_norm(c.ones(2, 2), dim=(0,)),
        ShapeError,
        "linalg.matrix_norm: dim must be a 2-tuple. Got 0",
    ),
    Refusal(
        lambda c: c.linalg.matrix_norm(c.ones(2, 2), dim=(0, -2)),
        ShapeError,
        "linalg.matrix_norm: dims must be different. Got (0, -2)",
    ),
    Refusal(lambda c: c.linalg.matrix_norm(c.ones(2, 2), 3), ShapeError, "linalg.matrix_norm: Order 3 not supported."),
    ours(
        lambda c: c.einsum("i"),
        ArgumentError,
        "einsum(): must specify the equation string and at least one operand, or at least one operand and its "
        "subscripts list",
    ),
    ours(
        lambda c: c.einsum(3, c.ones(2)),
        ArgumentTypeError,
        "einsum(): argument 'equation' (position 1) must be str, not int",
    ),
    ours(
        lambda c: c.einsum("i,i", c.ones(2), c.ones(2, dtype=c.float64)),
        DTypeError,
        "einsum(): operands must have the same dtype, got f32[2] and f64[2]",
    ),
    ours(
        lambda c: c.einsum(c.ones(2), 3),
        ArgumentTypeError,
        "einsum(): a list of dimensions must follow each operand, not int",
    ),
    ours(
        lambda c: c.einsum(c.ones(2), [52]),
        ArgumentError,
        "einsum(): subscript in subscript list is not within the valid range [0, 52)",
    ),
    Refusal(
        lambda c: c.einsum("i,i", c.ones(2)),
        ShapeError,
        "einsum(): fewer operands were provided than specified in the equation",
    ),
    ours(
        lambda c: c.einsum("1", c.ones(2)),
        ShapeError,
        "einsum(): invalid subscript given: '1', subscripts must be in [a-zA-Z]",
    ),
)
