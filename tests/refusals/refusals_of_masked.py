"""What is refused, in which words: masked reductions."""

from __future__ import annotations

from refusal import Refusal

from curta.errors import ArgumentError, ArgumentTypeError, IndexRangeError, UnsupportedDTypeError

REFUSALS = (
    Refusal(
        lambda c: c.masked.sum(c.zeros(2), mask=c.ones(1, 2)),
        IndexRangeError,
        "masked.sum: the mask has 2 dimensions, more than the input's 1",
        only_curta=True,  # PyTorch names its own helper
    ),
    Refusal(
        lambda c: c.masked.sum(c.zeros(2), mask=[True, False]),
        ArgumentTypeError,
        "sum(): argument 'mask' (position 1) must be Tensor, not list",
        only_curta=True,
    ),
    Refusal(
        lambda c: c.masked.amax(c.ones(2, dtype=c.bool), mask=c.ones(2)),
        UnsupportedDTypeError,
        "\"masked.amax\" not implemented for 'Bool'",
        only_curta=True,
    ),
    Refusal(
        lambda c: c.masked.mean(c.zeros(2, dtype=c.int64)),
        ArgumentError,
        "mean(): Could not infer output dtype. Input dtype must be either a floating point or complex dtype. "
        "Got: curta.int64",
        only_curta=True,  # PyTorch's says torch.int64
    ),
    Refusal(
        lambda c: c.masked.median(c.zeros(1, 2, dtype=c.int64), mask=c.zeros(2)),
        ArgumentError,
        "masked median expects no fully masked out rows if dtype is not floating point",
    ),
    Refusal(
        lambda c: c.masked.var(c.zeros(2), unbiased=True, correction=1),
        ArgumentError,
        "masked.var: takes either unbiased or correction, got both",
        only_curta=True,
    ),
)
