"""What is refused, in which words: element by element, products, reductions, statistics."""

from __future__ import annotations

from refusal import Refusal

from curta.errors import (
    ArgumentTypeError,
    DeviceError,
    DTypeError,
    IndexRangeError,
    NoDataError,
    ShapeError,
    UnsupportedDTypeError,
    UnsupportedError,
)

REFUSALS = (
    Refusal(
        lambda c: c.equal(c.zeros(2, device="meta"), c.zeros(2)),
        DeviceError,
        "Expected all tensors to be on the same device, but found at least two devices, cpu and meta! (eq)",
        only_curta=True,
    ),
    Refusal(
        lambda c: c.allclose(c.zeros(2, device="meta"), c.zeros(2, device="meta")),
        NoDataError,
        "allclose(): needs the data of its arguments, which tensors on the meta device do not have",
    ),
    Refusal(lambda c: c.isclose(c.zeros(2), c.zeros(2, dtype=c.float64)), DTypeError, "float32 did not match float64"),
    Refusal(
        lambda c: c.isclose(c.zeros(2), c.zeros(2), rtol=-1.0),
        DTypeError,
        "rtol must be greater than or equal to zero, but got -1.0",
    ),
    Refusal(
        lambda c: c.isclose(c.zeros(2), c.zeros(2), atol=-1.0),
        DTypeError,
        "atol must be greater than or equal to zero, but got -1.0",
    ),
    Refusal(lambda c: c.dot(c.zeros(2, 2), c.zeros(2)), ShapeError, "1D tensors expected, but got 2D and 1D tensors"),
    Refusal(
        lambda c: c.dot(c.zeros(2), c.zeros(2, dtype=c.float64)),
        DTypeError,
        "dot : expected both vectors to have same dtype, but found float32 and float64",
    ),
    Refusal(lambda c: c.mm(c.zeros(2), c.zeros(2, 2)), ShapeError, "self must be a matrix"),
    Refusal(lambda c: c.mm(c.zeros(2, 2), c.zeros(2)), ShapeError, "mat2 must be a matrix"),
    Refusal(
        lambda c: c.bmm(c.zeros(2, 2), c.zeros(2, 2, 2)),
        ShapeError,
        "batch1 must be a 3D tensor, got f32[2,2] and f32[2,2,2]",
    ),
    Refusal(lambda c: c.mv(c.zeros(2), c.zeros(2)), ShapeError, "vector + matrix @ vector expected, got 1, 1, 1"),
    Refusal(lambda c: c.mv(c.zeros(2, 2), c.zeros(2, 2)), ShapeError, "vector + matrix @ vector expected, got 1, 2, 2"),
    Refusal(lambda c: c.addmm(c.zeros(2, 2), c.zeros(2), c.zeros(2, 2)), ShapeError, "self must be a matrix"),
    Refusal(lambda c: c.outer(c.zeros(2, 2), c.zeros(2)), ShapeError, "outer: Expected 1-D argument self, but got 2-D"),
    Refusal(
        lambda c: c.zeros(2, dtype=c.bool) @ c.zeros(2, dtype=c.bool),
        UnsupportedDTypeError,
        "\"matmul\" not implemented for 'bool'",
    ),
    Refusal(
        lambda c: c.zeros(2, 2, dtype=c.bool) @ c.zeros(2, 2, dtype=c.bool),
        UnsupportedDTypeError,
        "\"matmul\" not implemented for 'bool'",
    ),
    Refusal(
        lambda c: c.round(c.zeros(2, dtype=c.int64), decimals=1),
        UnsupportedDTypeError,
        "\"round_decimals\" not implemented for 'int64'",
    ),
    Refusal(
        lambda c: c.add("text", c.zeros(2)),
        ArgumentTypeError,
        "add(): argument 'input' must be Tensor or Number, not str",
    ),
    Refusal(
        lambda c: c.maximum(c.zeros(2), "text"),
        ArgumentTypeError,
        "maximum(): argument 'other' (position 1) must be Tensor, not str",
    ),
    Refusal(
        lambda c: c.maximum(c.zeros(2), 1.0),
        ArgumentTypeError,
        "maximum(): argument 'other' (position 1) must be Tensor, not float",
    ),
    Refusal(
        lambda c: c.zeros(0).amax(),
        ShapeError,
        "amax(): Expected reduction dim to be specified for input.numel() == 0. Specify the reduction dim with the 'dim' argument.",
    ),
    Refusal(
        lambda c: c.addcmul(c.ones(2, dtype=c.bool), c.ones(2, dtype=c.bool), c.ones(2, dtype=c.bool)),
        UnsupportedDTypeError,
        "\"addcmul\" not implemented for 'bool'",
    ),
    Refusal(lambda c: c.sin("text"), ArgumentTypeError, "sin(): argument 'input' (position 1) must be Tensor, not str"),
    Refusal(
        lambda c: c.zeros(0, 2).argmax(0), IndexRangeError, "argmax(): Expected reduction dim 0 to have non-zero size."
    ),
    Refusal(
        lambda c: c.zeros(0).max(),
        ShapeError,
        "max(): Expected reduction dim to be specified for input.numel() == 0. Specify the reduction dim with the 'dim' argument.",
    ),
    Refusal(
        lambda c: c.zeros(2, 0).amax(1), IndexRangeError, "amax(): Expected reduction dim 1 to have non-zero size."
    ),
    Refusal(
        lambda c: c.zeros(0).argmin(),
        IndexRangeError,
        "argmin(): Expected reduction dim to be specified for input.numel() == 0. Specify the reduction dim with the 'dim' argument.",
    ),
    Refusal(
        lambda c: c.std(c.zeros(2, dtype=c.int64)), DTypeError, "std only support floating point and complex dtypes"
    ),
    Refusal(
        lambda c: c.var(c.zeros(2, dtype=c.int64)), DTypeError, "var only support floating point and complex dtypes"
    ),
    Refusal(
        lambda c: c.norm(c.zeros(2, dtype=c.int64)),
        DTypeError,
        "linalg.vector_norm: Expected a floating point or complex tensor as input. Got int64",
    ),
    Refusal(
        lambda c: c.norm(c.zeros(2, 2), p="x"),
        UnsupportedError,
        "norm(): p = 'x' is not supported",
        only_curta=True,
    ),
    Refusal(
        lambda c: c.lerp(c.zeros(2), c.zeros(2, dtype=c.float64), 0.5),
        DTypeError,
        "expected dtype float32 for `end` but got dtype float64",
    ),
    Refusal(
        lambda c: c.lerp(c.zeros(2), c.zeros(2), c.zeros(2, dtype=c.float64)),
        DTypeError,
        "expected dtype float32 for `weight` but got dtype float64",
    ),
    Refusal(
        lambda c: c.lerp(c.zeros(2, dtype=c.int64), c.zeros(2, dtype=c.int64), 0.5),
        UnsupportedDTypeError,
        "\"lerp\" not implemented for 'int64'",
    ),
    Refusal(
        lambda c: c.addcdiv(c.zeros(2, dtype=c.int64), c.zeros(2, dtype=c.int64), c.zeros(2, dtype=c.int64)),
        DTypeError,
        "Integer division with addcdiv is no longer supported.",
    ),
    Refusal(
        lambda c: c.zeros(2, dtype=c.bool) // c.ones(2, dtype=c.bool),
        UnsupportedDTypeError,
        "\"div_floor\" not implemented for 'bool'",
    ),
    Refusal(
        lambda c: c.add(c.zeros(2), c.zeros(2), alpha=True),
        DTypeError,
        "Boolean alpha only supported for Boolean results.",
    ),
    Refusal(
        lambda c: c.sub(c.zeros(2), c.zeros(2), alpha=True),
        DTypeError,
        "Boolean alpha only supported for Boolean results.",
    ),
    Refusal(
        lambda c: c.zeros(2, dtype=c.bool) ** c.zeros(2, dtype=c.bool),
        UnsupportedDTypeError,
        "\"pow\" not implemented for 'bool'",
    ),
    Refusal(
        lambda c: c.zeros(2, dtype=c.int64) ** -1, DTypeError, "Integers to negative integer powers are not allowed."
    ),
    Refusal(lambda c: c.ones((1,) * 65).amax(0), ShapeError, "only tensors with up to 64 dims are supported"),
)
