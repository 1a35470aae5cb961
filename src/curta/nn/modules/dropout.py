"""Dropout as layers: of elements, or of whole channels."""

from __future__ import annotations

from curta.nn import functional as F
from curta.nn.dropout import check_probability
from curta.nn.modules.module import Module
from curta.tensor import Tensor


class _Dropping(Module):
    """What all have in common: a probability, and whether the input is overwritten."""

    def __init__(self, p: float = 0.5, inplace: bool = False) -> None:
        super().__init__()
        check_probability(p)
        self.p = p
        self.inplace = inplace

    def extra_repr(self) -> str:
        return f"p={self.p}, inplace={self.inplace}"


class Dropout(_Dropping):
    """In training, zeroes each element with probability `p` and scales the others by 1 / (1 - p).

    >>> import curta
    >>> Dropout(1.0)(curta.ones(3))
    tensor([0., 0., 0.])
    """

    def forward(self, input: Tensor) -> Tensor:
        return F.dropout(input, self.p, self.training, self.inplace)


class Dropout1d(_Dropping):
    """In training, zeroes whole channels of [N, C, L] (or [C, L]) with probability `p`, and scales the others."""

    def forward(self, input: Tensor) -> Tensor:
        return F.dropout1d(input, self.p, self.training, self.inplace)


class Dropout2d(_Dropping):
    """In training, zeroes whole channels of [N, C, H, W] with probability `p`, and scales the others."""

    def forward(self, input: Tensor) -> Tensor:
        return F.dropout2d(input, self.p, self.training, self.inplace)


class Dropout3d(_Dropping):
    """In training, zeroes whole channels of [N, C, D, H, W] (or [C, D, H, W]) with probability `p`."""

    def forward(self, input: Tensor) -> Tensor:
        return F.dropout3d(input, self.p, self.training, self.inplace)


class AlphaDropout(_Dropping):
    """In training, `alpha_dropout`: mean 0 and variance 1 stay as they are."""

    def forward(self, input: Tensor) -> Tensor:
        return F.alpha_dropout(input, self.p, self.training, self.inplace)


class FeatureAlphaDropout(_Dropping):
    """In training, `alpha_dropout` of whole channels of [N, C, ...]."""

    def forward(self, input: Tensor) -> Tensor:
        return F.feature_alpha_dropout(input, self.p, self.training, self.inplace)
