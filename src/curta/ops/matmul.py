"""Matrix multiplication: one record over batches of matrices, which every form of product goes through."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from curta.errors import DTypeError, ShapeError, UnsupportedDTypeError
from curta.lazy import LazyModule
from curta.memory.layout import Layout, contiguous, strided
from curta.ops.inference import bytes_read
from curta.ops.record import Cost, Gradient, Op, Product
from curta.shapes import broadcast_shapes

if TYPE_CHECKING:
    from curta.autograd.node import Node
    from curta.ops import dispatch
else:
    dispatch = LazyModule("curta.ops.dispatch")


def _infer(a: Layout, b: Layout) -> Layout:
    """[..., M, K] @ [..., K, N]; the dimensions before the last two broadcast."""
    if a.dtype is not b.dtype:
        raise DTypeError(
            f"expected m1 and m2 to have the same dtype, but got: {_c_name(a)} != {_c_name(b)} (matmul: {a} @ {b})"
        )
    if a.dtype.category == 0:
        raise UnsupportedDTypeError("\"matmul\" not implemented for 'bool'")
    if a.shape[-1] != b.shape[-2]:
        raise ShapeError(
            f"mat1 and mat2 shapes cannot be multiplied ({a.shape[-2]}x{a.shape[-1]} and {b.shape[-2]}x{b.shape[-1]}); "
            f"matmul: inner sizes must match, got {a} @ {b}"
        )
    batch = broadcast_shapes(a.shape[:-2], b.shape[:-2])
    return contiguous((*batch, a.shape[-2], b.shape[-1]), a.dtype, a.device)


_C_NAMES = {
    "float32": "float", "float64": "double", "float16": "c10::Half", "bfloat16": "c10::BFloat16",
    "int64": "long", "int32": "int", "int16": "short", "int8": "signed char", "uint8": "unsigned char",
    "uint16": "unsigned short", "uint32": "unsigned int", "uint64": "unsigned long",
}  # fmt: skip


def _c_name(layout: Layout) -> str:
    """The format under the name that PyTorch's message uses."""
    return _C_NAMES.get(layout.dtype.name, layout.dtype.name)


def _cost(inputs: tuple[Layout, Layout], outputs: tuple[Layout, ...]) -> Cost:
    """A multiply and an add for each of the B M N K products."""
    flops = 2 * outputs[0].numel * inputs[0].shape[-1]
    return Cost(flops, 0, bytes_read(inputs), outputs[0].nbytes, flops)


def _rule(node: Node, g: Any) -> tuple[Any, Any]:
    """dA = G Bᵀ and dB = Aᵀ G, read through transposed views; a broadcast operand sums over its copies."""
    left = right = None
    if node.needs[0]:
        left = multiply(g, node.input(1).transpose(-2, -1))
    if node.needs[1]:
        right = _weight_gradient(node.input(0), g, node.input_layouts[1])
    return left, right


def _weight_gradient(a: Any, g: Any, layout: Layout) -> Any:
    """Aᵀ G; for one matrix shared by a whole batch the batch's rows count as one long sum."""
    if layout.rank == 2 and a.layout.rank > 2 and a.layout.shape[:-2] == g.layout.shape[:-2]:
        a, g = _as_matrix(a), _as_matrix(g)
    return multiply(a.transpose(-2, -1), g)


#: [..., M, K] @ [..., K, N] of one format; both of rank 2 or more
MATMUL = Op("matmul", _infer, Product(lambda a, b: (a, b)), Gradient(_rule, inputs=(0, 1)), _cost)


def multiply(a: Any, b: Any) -> Any:
    """Two tensors of rank 2 or more, multiplied."""
    return dispatch.bind(MATMUL, (a, b))


def _as_matrix(x: Any) -> Any:
    """All rows of the last dimension."""
    return x.reshape(math.prod(x.layout.shape[:-1]), x.layout.shape[-1])


def _bias_rule(node: Node, g: Any) -> tuple[Any, Any, Any]:
    x, weight = node.input(0), node.input(1)
    to_x = multiply(g, weight) if node.needs[0] else None
    to_weight = to_bias = None
    rows = _as_matrix(g)
    if node.needs[1]:
        to_weight = multiply(rows.transpose(0, 1), _as_matrix(x))
    if node.needs[2]:
        to_bias = rows.sum(0) if node.input_layouts[2].rank < 2 else g
    return to_x, to_weight, to_bias


def turned(matrix: Layout) -> Layout:
    """A matrix with rows and columns changed over, as it lies."""
    return strided(matrix.shape[::-1], matrix.strides[::-1], matrix.dtype, matrix.device)


def _with_turned(x: Layout, weight: Layout) -> tuple[Layout, Layout]:
    return x, turned(weight)


def _projection_rule(node: Node, g: Any) -> tuple[Any, Any]:
    """As the rule of a product, but the weight's gradient comes out in the weight's own order, not transposed."""
    x, weight = node.input(0), node.input(1)
    to_x = multiply(g, weight) if node.needs[0] else None
    to_weight = None
    if node.needs[1]:
        rows = _as_matrix(g)
        to_weight = multiply(rows.transpose(0, 1), _as_matrix(x))
    return to_x, to_weight


#: x[..., K] @ weight[N, K] transposed; x of rank 2 or more
PROJECTION = Op(
    "linear",
    lambda x, weight: _infer(x, turned(weight)),
    Product(_with_turned),
    Gradient(_projection_rule, inputs=(0, 1)),
    _cost,
)


def _infer_linear(x: Layout, weight: Layout, bias: Layout) -> Layout:
    made = _infer(x, turned(weight))
    if bias.dtype is not made.dtype:
        raise DTypeError(f"self and mat2 must have the same dtype, but got {bias.dtype.name} and {made.dtype.name}")
    broadcast_shapes(made.shape, bias.shape)
    return made


def _cost_linear(inputs: tuple[Layout, Layout, Layout], outputs: tuple[Layout, ...]) -> Cost:
    count = outputs[0].numel
    flops = 2 * count * inputs[0].shape[-1]
    return Cost(flops + count, 0, bytes_read(inputs), outputs[0].nbytes, flops)


#: x[..., K] @ weight[N, K] transposed + bias, [N] or all that is to be added; x of rank 2 or more
LINEAR = Op(
    "linear",
    _infer_linear,
    Product(_with_turned, lambda sums, bias: sums + bias),
    Gradient(_bias_rule, inputs=(0, 1)),
    _cost_linear,
)
