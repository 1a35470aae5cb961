"""The operations of `curta.einops` as layers, and a linear layer over named axes."""

from __future__ import annotations

from math import prod, sqrt
from typing import Any

from curta import einops
from curta.einops.mixing import Mixing, mixing
from curta.einops.plan import given
from curta.einops.problems import Call, require_text
from curta.einops.reductions import Reduction, check_reduction
from curta.einops.rules import checked
from curta.functions import creation
from curta.nn import init
from curta.nn.modules.module import Module
from curta.nn.parameter import Parameter
from curta.tensor import Tensor


def _check(operation: str, pattern: str, sizes: dict[str, int]) -> None:
    """What is wrong whatever the shape is said when the layer is made."""
    require_text(operation, "pattern", pattern)
    left, right = checked(operation, pattern)
    listed = tuple(sizes.items())
    given(Call(operation, pattern, (), listed), (*left.axes, *right.axes), listed)


def _shown(*words: Any, **sizes: int) -> str:
    return ", ".join([*map(repr, words), *(f"{name}={size}" for name, size in sizes.items())])


class Rearrange(Module):
    """`curta.einops.rearrange` as a layer; EinopsError for a pattern that is none.

    >>> import curta
    >>> Rearrange("b c h w -> b (c h w)")(curta.zeros(2, 3, 4, 5)).shape
    torch.Size([2, 60])
    """

    def __init__(self, pattern: str, **axes_lengths: int) -> None:
        super().__init__()
        _check("rearrange", pattern, axes_lengths)
        self.pattern = pattern
        self.axes_lengths = axes_lengths

    def forward(self, input: Tensor) -> Tensor:
        return einops.rearrange(input, self.pattern, **self.axes_lengths)

    def extra_repr(self) -> str:
        return _shown(self.pattern, **self.axes_lengths)


class Reduce(Module):
    """`curta.einops.reduce` as a layer; EinopsError for a pattern that is none.

    >>> import curta
    >>> Reduce("b c (h 2) (w 2) -> b c h w", "max")(curta.zeros(2, 3, 4, 6)).shape
    torch.Size([2, 3, 2, 3])
    """

    def __init__(self, pattern: str, reduction: Reduction, **axes_lengths: int) -> None:
        super().__init__()
        check_reduction(pattern, reduction)
        _check("reduce", pattern, axes_lengths)
        self.pattern = pattern
        self.reduction = reduction
        self.axes_lengths = axes_lengths

    def forward(self, input: Tensor) -> Tensor:
        return einops.reduce(input, self.pattern, self.reduction, **self.axes_lengths)

    def extra_repr(self) -> str:
        return _shown(self.pattern, self.reduction, **self.axes_lengths)


class EinMix(Module):
    """A linear layer over named axes: an einsum with a weight, and a bias if `bias_shape` is given.

    `pattern` says what becomes of the input, in parentheses too; `weight_shape` and `bias_shape` are axes, whose sizes
    are passed by name. What the result lacks is summed. The weight starts uniform in ±sqrt(3 / n) and the bias in
    ±sqrt(1 / n), where n is how many weights go into one element of the result. The bias has size 1 along the result's
    other axes. EinopsError where pattern, shapes and sizes do not fit.

    >>> import curta
    >>> heads = EinMix("b t (h c) -> b h t d", weight_shape="h c d", bias_shape="h d", h=4, c=8, d=16)
    >>> heads(curta.zeros(2, 5, 32)).shape, heads.weight.shape, heads.bias.shape
    (torch.Size([2, 4, 5, 16]), torch.Size([4, 8, 16]), torch.Size([1, 4, 1, 16]))
    """

    weight: Parameter
    bias: Parameter | None

    def __init__(self, pattern: str, weight_shape: str, bias_shape: str | None = None, **axes_lengths: int) -> None:
        super().__init__()
        shapes = {"weight_shape": weight_shape, "bias_shape": "" if bias_shape is None else bias_shape}
        for place, text in {"pattern": pattern, **shapes}.items():
            require_text("EinMix", place, text)
        self.pattern = pattern
        self.weight_shape = weight_shape
        self.bias_shape = bias_shape
        self.axes_lengths = axes_lengths
        made = self._mixing()
        self.weight = Parameter(creation.empty(made.weight))
        self.register_parameter("bias", None if made.bias is None else Parameter(creation.empty(made.bias)))
        self.reset_parameters()

    def _mixing(self) -> Mixing:
        return mixing(self.pattern, self.weight_shape, self.bias_shape, tuple(self.axes_lengths.items()))

    def reset_parameters(self) -> None:
        """Draw the weights anew."""
        count = prod(self._mixing().summed) or 1
        init.uniform_(self.weight, -sqrt(3 / count), sqrt(3 / count))
        if self.bias is not None:
            init.uniform_(self.bias, -sqrt(1 / count), sqrt(1 / count))

    def forward(self, input: Tensor) -> Tensor:
        made = self._mixing()
        if made.before is not None:
            input = einops.rearrange(input, made.before, **dict(made.sizes))
        result = einops.einsum(input, self.weight, made.product)
        if self.bias is not None:
            result = result + self.bias
        return result if made.after is None else einops.rearrange(result, made.after)

    def extra_repr(self) -> str:
        shapes = [self.weight_shape] if self.bias_shape is None else [self.weight_shape, self.bias_shape]
        return _shown(self.pattern, *shapes, **self.axes_lengths)
