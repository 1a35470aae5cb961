"""Pooling layers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from curta.nn import functional as F
from curta.nn.modules.module import Module
from curta.tensor import Tensor

Pair = int | Sequence[int]


class MaxPool2d(Module):
    """The largest element of every window of [N, C, H, W]; `stride` is `kernel_size` unless given.

    >>> import curta
    >>> MaxPool2d(3, stride=2, padding=1)(curta.ones(1, 2, 8, 8)).shape
    torch.Size([1, 2, 4, 4])
    """

    def __init__(
        self,
        kernel_size: Pair,
        stride: Pair | None = None,
        padding: Pair = 0,
        dilation: Pair = 1,
        return_indices: bool = False,
        ceil_mode: bool = False,
    ) -> None:
        super().__init__()
        self.kernel_size = kernel_size
        self.stride = kernel_size if stride is None else stride
        self.padding, self.dilation = padding, dilation
        self.return_indices, self.ceil_mode = return_indices, ceil_mode

    def forward(self, input: Tensor) -> Any:
        windows = (self.kernel_size, self.stride, self.padding, self.dilation)
        return F.max_pool2d(input, *windows, self.ceil_mode, self.return_indices)

    def extra_repr(self) -> str:
        return (
            f"kernel_size={self.kernel_size}, stride={self.stride}, padding={self.padding}, dilation={self.dilation}, "
            f"ceil_mode={self.ceil_mode}"
        )


class AvgPool2d(Module):
    """The mean of every window of [N, C, H, W]; `stride` is `kernel_size` unless given.

    >>> import curta
    >>> AvgPool2d(2)(curta.ones(1, 2, 8, 8)).shape
    torch.Size([1, 2, 4, 4])
    """

    def __init__(
        self,
        kernel_size: Pair,
        stride: Pair | None = None,
        padding: Pair = 0,
        ceil_mode: bool = False,
        count_include_pad: bool = True,
        divisor_override: int | None = None,
    ) -> None:
        super().__init__()
        self.kernel_size = kernel_size
        self.stride = kernel_size if stride is None else stride
        self.padding, self.ceil_mode = padding, ceil_mode
        self.count_include_pad, self.divisor_override = count_include_pad, divisor_override

    def forward(self, input: Tensor) -> Tensor:
        windows = (self.kernel_size, self.stride, self.padding, self.ceil_mode)
        return F.avg_pool2d(input, *windows, self.count_include_pad, self.divisor_override)

    def extra_repr(self) -> str:
        return f"kernel_size={self.kernel_size}, stride={self.stride}, padding={self.padding}"


class AdaptiveAvgPool2d(Module):
    """The means of `output_size` (height, width; None: as the input's) windows that cover [N, C, H, W].

    >>> import curta
    >>> AdaptiveAvgPool2d((1, None))(curta.ones(1, 2, 8, 8)).shape
    torch.Size([1, 2, 1, 8])
    """

    def __init__(self, output_size: int | Sequence[int | None] | None) -> None:
        super().__init__()
        self.output_size = output_size

    def forward(self, input: Tensor) -> Tensor:
        return F.adaptive_avg_pool2d(input, self.output_size)

    def extra_repr(self) -> str:
        return f"output_size={self.output_size}"
