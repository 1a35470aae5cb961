"""Element-wise operators."""

from __future__ import annotations
from typing import Any
from curta import dtypes
from curta.compiler.expression import Expression, call
from curta.dtypes import DType
from curta.memory.layout import Layout, contiguous, strided
from curta.ops.record import Cost, Gradient, Op, Pointwise
from curta.promotion import result_type
from curta.shapes import broadcast_shapes

NUMBER = {
    bool: dtypes.bool_,
    int: dtypes.int64,
    float: dtypes.get_default_dtype() if hasattr(dtypes, "get_default_dtype") else dtypes.float32,
}


def infer_arithmetic(*operands: Any) -> Layout:
    dtype = result_type(*((o.dtype, o.rank) if isinstance(o, Layout) else (NUMBER[o], None) for o in operands))
    shape = broadcast_shapes(*(o.shape for o in operands if isinstance(o, Layout)))
    return contiguous(shape, dtype)


ADD = Op(
    "add",
    infer_arithmetic,
    Pointwise(lambda a, b: a + b),
    Gradient(lambda node, g: (g, g)),
    lambda i, o: Cost(o[0].numel, 0, 0, 0),
)
EXP = Op(
    "exp",
    infer_arithmetic,
    Pointwise(lambda a: call("exp", a)),
    Gradient(lambda node, g: (g, g)),
    lambda i, o: Cost(o[0].numel, 0, 0, 0),
)
CAST = Op(
    "cast",
    lambda x, dtype: contiguous(x.shape, dtype),
    Pointwise(lambda a, dtype: a, "raw"),
    Gradient(lambda node, g: (g,)),
    lambda i, o, dtype: Cost(0, 0, 0, 0),
)
