"""What is refused, in which words: numerical derivatives and norms with a limit."""

from __future__ import annotations

from typing import Any

from refusal import Refusal

from curta.errors import ArgumentTypeError, ShapeError, UnsupportedDTypeError


def ours(call: Any, error: type[Exception], message: str) -> Refusal:
    return Refusal(call, error, message, only_curta=True)


REFUSALS = (
    Refusal(
        lambda c: c.gradient(c.ones(3), edge_order=3),
        ShapeError,
        "torch.gradient only supports edge_order=1 and edge_order=2.",
    ),
    Refusal(
        lambda c: c.gradient(c.ones(1)),
        ShapeError,
        "torch.gradient expected each dimension size to be at least edge_order+1",
    ),
    ours(
        lambda c: c.gradient(c.ones(3, 3), dim=(0, 0)), ShapeError, "dim 0 appears multiple times in the list of dims"
    ),
    ours(
        lambda c: c.gradient(c.ones(3, 3), spacing=(1, 2, 3)),
        ShapeError,
        "torch.gradient expected spacing to be unspecified, a scalar, or a list of length equal to 'self.dim() = 2', but "
        "got a list of length 3",
    ),
    ours(
        lambda c: c.gradient(c.ones(3), spacing=c.ones(3)),
        ArgumentTypeError,
        "gradient(): spacing must be a number, or a sequence of numbers or tensors",
    ),
    ours(
        lambda c: c.gradient(c.ones(3), spacing=(c.ones(2),)),
        ShapeError,
        "torch.gradient expected each tensor to have one dimension and as many elements as the dimension, got [2] for a "
        "dimension of size 3",
    ),
    Refusal(lambda c: c.renorm(c.ones(2, 2), 0, 0, 1), ShapeError, "renorm: non-positive-norm not supported"),
    Refusal(lambda c: c.renorm(c.ones(2, 2), 2, 0, -1), ShapeError, "renorm: expected maxnorm to be >= 0 but got -1"),
    Refusal(
        lambda c: c.renorm(c.ones(2), 2, 0, 1),
        ShapeError,
        "renorm: input needs at least 2 dimensions, got 1 dimensions",
    ),
    ours(
        lambda c: c.renorm(c.ones(2, 2, dtype=c.int64), 2, 0, 1),
        UnsupportedDTypeError,
        "\"renorm\" not implemented for 'int64'",
    ),
    ours(
        lambda c: c.frexp(c.ones(2, dtype=c.int64)),
        UnsupportedDTypeError,
        "torch.frexp() only supports floating-point dtypes",
    ),
)
