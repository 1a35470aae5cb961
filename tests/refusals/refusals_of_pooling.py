"""What is refused, in which words: pooling."""

from __future__ import annotations

from refusal import F, Refusal

from curta.errors import ArgumentError, ShapeError, UnsupportedDTypeError


def of_any_pooling(name: str) -> tuple[Refusal, ...]:
    """What is refused for the windows of `max_pool2d` and `avg_pool2d` alike."""
    return (
        Refusal(
            lambda c: getattr(F(c), name)(c.zeros(1, 1, 4, 4), 2, padding=2),
            ShapeError,
            "pad should be at most half of effective kernel size, but got pad=2, kernel_size=2 and dilation=1",
        ),
        Refusal(
            lambda c: getattr(F(c), name)(c.zeros(1, 1, 4, 4), 2, padding=-1),
            ShapeError,
            "pad must be non-negative, but got pad: -1",
        ),
        Refusal(
            lambda c: getattr(F(c), name)(c.zeros(1, 1, 4, 4), (2, 2, 2)),
            ShapeError,
            f"{name}: kernel_size must either be a single int, or a tuple of two ints",
        ),
        Refusal(
            lambda c: getattr(F(c), name)(c.zeros(1, 1, 4, 4), 2, stride=(1, 1, 1)),
            ShapeError,
            f"{name}: stride must either be omitted, a single int, or a tuple of two ints",
        ),
        Refusal(
            lambda c: getattr(F(c), name)(c.zeros(1, 1, 4, 4), 2, padding=(1, 1, 1)),
            ShapeError,
            f"{name}: padding must either be a single int, or a tuple of two ints",
        ),
        Refusal(
            lambda c: getattr(F(c), name)(c.zeros(1, 1, 4, 4), 2, stride=0),
            ShapeError,
            "stride should not be zero",
        ),
        Refusal(
            lambda c: getattr(F(c), name)(c.zeros(1, 1, 4, 4), 0, stride=1),
            ShapeError,
            "kernel size should be greater than zero, but got kH: 0 kW: 0",
        ),
        Refusal(
            lambda c: getattr(F(c), name)(c.zeros(1, 1, 4, 4), 5),
            ShapeError,
            "Given input size: (1x4x4). Calculated output size: (1x0x0). Output size is too small",
        ),
        Refusal(
            lambda c: getattr(F(c), name)(c.zeros(1, 0, 4, 4), 2),
            ShapeError,
            "Expected 3D or 4D (batch mode) tensor with optional 0 dim batch size for input, but got:[1, 0, 4, 4]",
        ),
    )


REFUSALS = (
    *of_any_pooling("max_pool2d"),
    *of_any_pooling("avg_pool2d"),
    Refusal(
        lambda c: F(c).max_pool2d(c.zeros(4, 4), 2),
        ShapeError,
        "non-empty 3D or 4D (batch mode) tensor expected for input",
    ),
    Refusal(
        lambda c: F(c).max_pool2d(c.zeros(1, 1, 4, 4), 2, dilation=0),
        ShapeError,
        "dilation should be greater than zero, but got dilationH: 0 dilationW: 0",
    ),
    Refusal(
        lambda c: F(c).max_pool2d(c.zeros(1, 1, 4, 4), 2, dilation=(1, 1, 1)),
        ShapeError,
        "max_pool2d: dilation must be either a single int, or a tuple of two ints",
    ),
    Refusal(
        lambda c: F(c).max_pool2d(c.zeros(1, 1, 4, 4, dtype=c.bool), 2),
        UnsupportedDTypeError,
        "\"max_pool2d\" not implemented for 'bool'",
    ),
    Refusal(
        lambda c: F(c).avg_pool2d(c.zeros(1, 1, 4, 4), 2, divisor_override=0),
        ShapeError,
        "divisor must be not zero",
    ),
    Refusal(
        lambda c: F(c).avg_pool2d(c.zeros(1, 1, 4, 4, dtype=c.int32), 2),
        UnsupportedDTypeError,
        "\"avg_pool2d\" not implemented for 'int32'",
    ),
    Refusal(
        lambda c: F(c).avg_pool2d(c.zeros(1, 1, 1, 4, 4), 2),
        ShapeError,
        "avg_pool2d(): Expected 3D or 4D tensor, but got [1, 1, 1, 4, 4]",
    ),
    Refusal(
        lambda c: F(c).adaptive_avg_pool2d(c.zeros(4, 4), (2, 2)),
        ArgumentError,
        "Input dimension should be at least 3, got [4, 4]",
    ),
    Refusal(
        lambda c: F(c).adaptive_avg_pool2d(c.zeros(4, 4), 2),
        ShapeError,
        "adaptive_avg_pool2d(): Expected 3D or 4D tensor, but got [4, 4]",
    ),
    Refusal(
        lambda c: F(c).adaptive_avg_pool2d(c.zeros(1, 1, 4, 4), (2, 2, 2)),
        ShapeError,
        "adaptive_avg_pool2d: output_size must be 2",
    ),
    Refusal(
        lambda c: F(c).adaptive_avg_pool2d(c.zeros(1, 1, 4, 4), -1),
        ShapeError,
        "adaptive_avg_pool2d: elements of output_size must be greater than or equal to 0 but received {-1, -1}",
    ),
    Refusal(
        lambda c: F(c).adaptive_avg_pool2d(c.zeros(1, 1, 0, 4), 2),
        ShapeError,
        "adaptive_avg_pool2d(): Expected input to have non-zero size for non-batch dimensions, but input has sizes [1, 1, 0, 4] with dimension 2 being empty",
    ),
    Refusal(
        lambda c: F(c).adaptive_avg_pool2d(c.zeros(1, 1, 4, 4, dtype=c.int64), 2),
        UnsupportedDTypeError,
        "\"adaptive_avg_pool2d\" not implemented for 'int64'",
    ),
)
