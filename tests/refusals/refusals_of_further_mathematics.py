"""What is refused, in which words: further element-wise functions and reductions."""

from __future__ import annotations

from refusal import Refusal

from curta.errors import (
    ArgumentTypeError,
    DTypeError,
    IndexRangeError,
    ShapeError,
    UnsupportedDTypeError,
    UnsupportedError,
)

REFUSALS = (
    Refusal(
        lambda c: c.hypot(c.tensor([3]), c.tensor([4])),
        UnsupportedDTypeError,
        "\"hypot_cpu\" not implemented for 'Long'",
    ),
    Refusal(
        lambda c: c.logaddexp(c.tensor([3]), c.tensor([4])),
        UnsupportedDTypeError,
        "\"logaddexp_cpu\" not implemented for 'Long'",
    ),
    Refusal(
        lambda c: c.nextafter(c.tensor([1], dtype=c.int32), c.tensor([2], dtype=c.int32)),
        UnsupportedDTypeError,
        "\"nextafter_cpu\" not implemented for 'Int'",
    ),
    Refusal(
        lambda c: c.igamma(c.tensor([1]), c.tensor([2])),
        UnsupportedDTypeError,
        "\"igamma_cpu\" not implemented for 'Long'",
    ),
    Refusal(
        lambda c: c.igammac(c.ones(1, requires_grad=True), c.ones(1)).backward(),
        UnsupportedError,
        "the derivative for 'igammac: input' is not implemented.",
    ),
    Refusal(
        lambda c: c.igamma(c.ones(1), 1.0),
        ArgumentTypeError,
        "igamma(): argument 'other' (position 2) must be Tensor, not float",
    ),
    Refusal(lambda c: c.gcd(c.ones(1), c.ones(1)), UnsupportedDTypeError, "\"gcd_cpu\" not implemented for 'Float'"),
    Refusal(
        lambda c: c.heaviside(c.tensor([1]), c.zeros(1)),
        DTypeError,
        "heaviside is not yet implemented for tensors with different dtypes.",
    ),
    Refusal(lambda c: c.positive(c.tensor([True])), DTypeError, "The `+` operator, on a bool tensor is not supported."),
    Refusal(
        lambda c: c.nanmean(c.tensor([1])),
        DTypeError,
        "nanmean(): expected input to have floating point or complex dtype but got Long",
    ),
    Refusal(
        lambda c: c.aminmax(c.zeros(0)),
        ShapeError,
        "aminmax(): cannot compute aminmax over an empty dimension as the operation has no identity.",
    ),
    Refusal(
        lambda c: c.aminmax(c.zeros(0, 2), dim=0),
        IndexRangeError,
        "aminmax: Expected reduction dim 0 to have non-zero size.",
    ),
    Refusal(
        lambda c: c.var_mean(c.tensor([1, 2])),
        DTypeError,
        "var_mean only support floating point and complex dtypes",
    ),
    Refusal(
        lambda c: c.dist(c.tensor([1]), c.tensor([2])),
        DTypeError,
        "norm(): input dtype should be either floating point or complex. Got Long instead.",
    ),
    Refusal(
        lambda c: c.float_power(2, 3),
        ArgumentTypeError,
        "float_power(): argument 'input' (position 1) must be Tensor, not int",
        only_curta=True,  # PyTorch's lists its overloads
    ),
    Refusal(
        lambda c: c.zeros(2).float_power_(2),
        DTypeError,
        "the base given to float_power_ has dtype Float but the operation's result requires dtype Double",
    ),
)
