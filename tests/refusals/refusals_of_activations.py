"""What is refused, in which words: activations and their layers."""

from __future__ import annotations

from refusal import F, Refusal

from curta.errors import (
    ArgumentError,
    ArgumentTypeError,
    AutogradError,
    DivisionByZeroError,
    ShapeError,
    UnsupportedDTypeError,
)

REFUSALS = (
    Refusal(lambda c: F(c).elu(c.tensor([1])), UnsupportedDTypeError, "\"elu\" not implemented for 'int64'"),
    Refusal(
        lambda c: F(c).logsigmoid(c.tensor([1])), UnsupportedDTypeError, "\"logsigmoid\" not implemented for 'int64'"
    ),
    Refusal(
        lambda c: F(c).softsign(1.0),
        ArgumentTypeError,
        "softsign(): argument 'input' (position 1) must be Tensor, not float",
        only_curta=True,
    ),
    Refusal(
        lambda c: F(c).relu_(c.zeros(2, requires_grad=True)),
        AutogradError,
        "a leaf Variable that requires grad is being used in an in-place operation.",
    ),
    Refusal(lambda c: F(c).celu(c.zeros(2), 0.0), DivisionByZeroError, "ZeroDivisionError: alpha cannot be 0 for CELU"),
    Refusal(lambda c: F(c).hardtanh(c.zeros(2), 2.0, 1.0), ArgumentError, "min_val cannot be greater than max_val"),
    Refusal(
        lambda c: c.nn.Hardtanh(2.0, 1.0),
        ArgumentError,
        "max_val (1.0) must be greater than min_val (2.0)",
        only_curta=True,
    ),
    Refusal(
        lambda c: F(c).softshrink(c.zeros(2), -1.0),
        ShapeError,
        "softshrink: lambda must be at least 0, but found -1.0",
    ),
    Refusal(
        lambda c: F(c).rrelu(c.zeros(2), 0.5, 0.1, training=True),
        ShapeError,
        "Lower bound should be less than or equal to the upper bound",
    ),
    Refusal(lambda c: F(c).glu(c.zeros(3)), ShapeError, "Halving dimension must be even, but dimension 0 is size 3"),
    Refusal(
        lambda c: F(c).glu(c.zeros(())),
        ShapeError,
        "glu does not support scalars because halving size must be even",
    ),
    Refusal(
        lambda c: F(c).prelu(c.zeros(2, 3), c.zeros(2)),
        ShapeError,
        "Mismatch of parameter numbers and input channel size. Found parameter numbers = 2 and channel size = 3.",
    ),
    Refusal(lambda c: F(c).prelu(c.zeros(()), c.zeros(2)), ShapeError, "Not allow zero-dim input tensor."),
    Refusal(
        lambda c: F(c).prelu(c.zeros(2), c.zeros(1, dtype=c.float64)),
        ShapeError,
        "prelu: Type promoting not supported. Got float32 and float64",
    ),
    Refusal(
        lambda c: c.nn.Softmax2d()(c.zeros(2, 2)),
        ArgumentError,
        "Softmax2d: expected input to be 3D or 4D, got 2D instead",
    ),
)
