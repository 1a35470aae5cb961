"""Pooling layers, and those that undo pooling."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from operator import index
from typing import Any

from curta.errors import ArgumentError
from curta.nn import functional as F
from curta.nn.modules.module import Module
from curta.tensor import Tensor

Numbers = int | Sequence[int]
Sizes = int | Sequence[int | None] | None


class _MaxPool(Module):
    _function: Callable[..., Any]

    def __init__(
        self,
        kernel_size: Numbers,
        stride: Numbers | None = None,
        padding: Numbers = 0,
        dilation: Numbers = 1,
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
        return type(self)._function(input, *windows, self.ceil_mode, self.return_indices)

    def extra_repr(self) -> str:
        return (
            f"kernel_size={self.kernel_size}, stride={self.stride}, padding={self.padding}, dilation={self.dilation}, "
            f"ceil_mode={self.ceil_mode}"
        )


class MaxPool1d(_MaxPool):
    """The largest element of every window of [N, C, L]; `stride` is `kernel_size` unless given.

    >>> import curta
    >>> MaxPool1d(2)(curta.ones(1, 2, 8)).shape
    torch.Size([1, 2, 4])
    """

    _function = staticmethod(F.max_pool1d)


class MaxPool2d(_MaxPool):
    """The largest element of every window of [N, C, H, W]; `stride` is `kernel_size` unless given.

    >>> import curta
    >>> MaxPool2d(3, stride=2, padding=1)(curta.ones(1, 2, 8, 8)).shape
    torch.Size([1, 2, 4, 4])
    """

    _function = staticmethod(F.max_pool2d)


class MaxPool3d(_MaxPool):
    """The largest element of every window of [N, C, D, H, W]; `stride` is `kernel_size` unless given.

    >>> import curta
    >>> MaxPool3d(2)(curta.ones(1, 2, 4, 8, 8)).shape
    torch.Size([1, 2, 2, 4, 4])
    """

    _function = staticmethod(F.max_pool3d)


class AvgPool1d(Module):
    """The mean of every window of [N, C, L]; `stride` is `kernel_size` unless given.

    >>> import curta
    >>> AvgPool1d(2)(curta.ones(1, 2, 8)).shape
    torch.Size([1, 2, 4])
    """

    def __init__(
        self,
        kernel_size: Numbers,
        stride: Numbers | None = None,
        padding: Numbers = 0,
        ceil_mode: bool = False,
        count_include_pad: bool = True,
    ) -> None:
        super().__init__()
        self.kernel_size = _alone(kernel_size)
        self.stride = self.kernel_size if stride is None else _alone(stride)
        self.padding = _alone(padding)
        self.ceil_mode, self.count_include_pad = ceil_mode, count_include_pad

    def forward(self, input: Tensor) -> Tensor:
        windows = (self.kernel_size, self.stride, self.padding, self.ceil_mode)
        return F.avg_pool1d(input, *windows, self.count_include_pad)

    def extra_repr(self) -> str:
        return f"kernel_size={self.kernel_size}, stride={self.stride}, padding={self.padding}"


def _alone(value: Numbers) -> tuple[int, ...]:
    return (index(value),) if hasattr(value, "__index__") else tuple(value)


class _AvgPool(Module):
    _function: Callable[..., Tensor]

    def __init__(
        self,
        kernel_size: Numbers,
        stride: Numbers | None = None,
        padding: Numbers = 0,
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
        return type(self)._function(input, *windows, self.count_include_pad, self.divisor_override)

    def extra_repr(self) -> str:
        return f"kernel_size={self.kernel_size}, stride={self.stride}, padding={self.padding}"


class AvgPool2d(_AvgPool):
    """The mean of every window of [N, C, H, W]; `stride` is `kernel_size` unless given.

    >>> import curta
    >>> AvgPool2d(2)(curta.ones(1, 2, 8, 8)).shape
    torch.Size([1, 2, 4, 4])
    """

    _function = staticmethod(F.avg_pool2d)


class AvgPool3d(_AvgPool):
    """The mean of every window of [N, C, D, H, W]; `stride` is `kernel_size` unless given.

    >>> import curta
    >>> AvgPool3d(2)(curta.ones(1, 2, 4, 8, 8)).shape
    torch.Size([1, 2, 2, 4, 4])
    """

    _function = staticmethod(F.avg_pool3d)


class _LPPool(Module):
    _function: Callable[..., Tensor]

    def __init__(
        self, norm_type: float, kernel_size: Numbers, stride: Numbers | None = None, ceil_mode: bool = False
    ) -> None:
        super().__init__()
        self.norm_type, self.kernel_size, self.stride, self.ceil_mode = norm_type, kernel_size, stride, ceil_mode

    def forward(self, input: Tensor) -> Tensor:
        windows = (float(self.norm_type), self.kernel_size, self.stride, self.ceil_mode)
        return type(self)._function(input, *windows)

    def extra_repr(self) -> str:
        return (
            f"norm_type={self.norm_type}, kernel_size={self.kernel_size}, stride={self.stride}, "
            f"ceil_mode={self.ceil_mode}"
        )


class LPPool1d(_LPPool):
    """The `norm_type`-th root of the sum of every window's powers, of [N, C, L].

    >>> import curta
    >>> LPPool1d(2, 2)(curta.ones(1, 2, 4)).shape
    torch.Size([1, 2, 2])
    """

    _function = staticmethod(F.lp_pool1d)


class LPPool2d(_LPPool):
    """The `norm_type`-th root of the sum of every window's powers, of [N, C, H, W].

    >>> import curta
    >>> LPPool2d(2, 2)(curta.ones(1, 2, 4, 4)).shape
    torch.Size([1, 2, 2, 2])
    """

    _function = staticmethod(F.lp_pool2d)


class LPPool3d(_LPPool):
    """The `norm_type`-th root of the sum of every window's powers, of [N, C, D, H, W].

    >>> import curta
    >>> LPPool3d(2, 2)(curta.ones(1, 2, 4, 4, 4)).shape
    torch.Size([1, 2, 2, 2, 2])
    """

    _function = staticmethod(F.lp_pool3d)


class _AdaptiveAvgPool(Module):
    _function: Callable[..., Tensor]

    def __init__(self, output_size: Sizes) -> None:
        super().__init__()
        self.output_size = output_size

    def forward(self, input: Tensor) -> Tensor:
        return type(self)._function(input, self.output_size)

    def extra_repr(self) -> str:
        return f"output_size={self.output_size}"


class AdaptiveAvgPool1d(_AdaptiveAvgPool):
    """The means of `output_size` windows (None: as the input's size) that cover [N, C, L].

    >>> import curta
    >>> AdaptiveAvgPool1d(3)(curta.ones(1, 2, 4)).shape
    torch.Size([1, 2, 3])
    """

    _function = staticmethod(F.adaptive_avg_pool1d)


class AdaptiveAvgPool2d(_AdaptiveAvgPool):
    """The means of `output_size` windows (None: as the input's size) that cover [N, C, H, W].

    >>> import curta
    >>> AdaptiveAvgPool2d((1, None))(curta.ones(1, 2, 4, 4)).shape
    torch.Size([1, 2, 1, 4])
    """

    _function = staticmethod(F.adaptive_avg_pool2d)


class AdaptiveAvgPool3d(_AdaptiveAvgPool):
    """The means of `output_size` windows (None: as the input's size) that cover [N, C, D, H, W].

    >>> import curta
    >>> AdaptiveAvgPool3d((1, None, 2))(curta.ones(1, 2, 4, 4, 4)).shape
    torch.Size([1, 2, 1, 4, 2])
    """

    _function = staticmethod(F.adaptive_avg_pool3d)


class _AdaptiveMaxPool(Module):
    _function: Callable[..., Any]

    def __init__(self, output_size: Sizes, return_indices: bool = False) -> None:
        super().__init__()
        self.output_size, self.return_indices = output_size, return_indices

    def forward(self, input: Tensor) -> Any:
        return type(self)._function(input, self.output_size, self.return_indices)

    def extra_repr(self) -> str:
        return f"output_size={self.output_size}"


class AdaptiveMaxPool1d(_AdaptiveMaxPool):
    """The largest elements of `output_size` windows (None: as the input's size) that cover [N, C, L].

    >>> import curta
    >>> AdaptiveMaxPool1d(3)(curta.ones(1, 2, 4)).shape
    torch.Size([1, 2, 3])
    """

    _function = staticmethod(F.adaptive_max_pool1d)


class AdaptiveMaxPool2d(_AdaptiveMaxPool):
    """The largest elements of `output_size` windows (None: as the input's size) that cover [N, C, H, W].

    >>> import curta
    >>> AdaptiveMaxPool2d((1, None))(curta.ones(1, 2, 4, 4)).shape
    torch.Size([1, 2, 1, 4])
    """

    _function = staticmethod(F.adaptive_max_pool2d)


class AdaptiveMaxPool3d(_AdaptiveMaxPool):
    """The largest elements of `output_size` windows (None: as the input's size) that cover [N, C, D, H, W].

    >>> import curta
    >>> AdaptiveMaxPool3d((1, None, 2))(curta.ones(1, 2, 4, 4, 4)).shape
    torch.Size([1, 2, 1, 4, 2])
    """

    _function = staticmethod(F.adaptive_max_pool3d)


class _MaxUnpool(Module):
    _axes: int
    _function: Callable[..., Tensor]

    def __init__(self, kernel_size: Numbers, stride: Numbers | None = None, padding: Numbers = 0) -> None:
        super().__init__()
        self.kernel_size = self._each(kernel_size)
        self.stride = self.kernel_size if stride is None else self._each(stride)
        self.padding = self._each(padding)

    def _each(self, value: Numbers) -> tuple[int, ...]:
        return (index(value),) * self._axes if hasattr(value, "__index__") else tuple(value)

    def forward(self, input: Tensor, indices: Tensor, output_size: Sequence[int] | None = None) -> Tensor:
        windows = (self.kernel_size, self.stride, self.padding)
        return type(self)._function(input, indices, *windows, output_size)

    def extra_repr(self) -> str:
        return f"kernel_size={self.kernel_size}, stride={self.stride}, padding={self.padding}"


class MaxUnpool1d(_MaxUnpool):
    """The elements of [N, C, L] where MaxPool1d found them, among zeros.

    >>> import curta
    >>> values, places = F.max_pool1d(curta.ones(1, 2, 4), 2, return_indices=True)
    >>> MaxUnpool1d(2)(values, places).shape
    torch.Size([1, 2, 4])
    """

    _axes = 1
    _function = staticmethod(F.max_unpool1d)


class MaxUnpool2d(_MaxUnpool):
    """The elements of [N, C, H, W] where MaxPool2d found them, among zeros.

    >>> import curta
    >>> values, places = F.max_pool2d(curta.ones(1, 2, 4, 4), 2, return_indices=True)
    >>> MaxUnpool2d(2)(values, places).shape
    torch.Size([1, 2, 4, 4])
    """

    _axes = 2
    _function = staticmethod(F.max_unpool2d)


class MaxUnpool3d(_MaxUnpool):
    """The elements of [N, C, D, H, W] where MaxPool3d found them, among zeros.

    >>> import curta
    >>> values, places = F.max_pool3d(curta.ones(1, 2, 4, 4, 4), 2, return_indices=True)
    >>> MaxUnpool3d(2)(values, places).shape
    torch.Size([1, 2, 4, 4, 4])
    """

    _axes = 3
    _function = staticmethod(F.max_unpool3d)


class _FractionalMaxPool(Module):
    _function: Callable[..., Any]

    def __init__(
        self,
        kernel_size: Numbers,
        output_size: Numbers | None = None,
        output_ratio: float | Sequence[float] | None = None,
        return_indices: bool = False,
        _random_samples: Tensor | None = None,
    ) -> None:
        super().__init__()
        name = type(self).__name__
        if output_size is None and output_ratio is None:
            raise ArgumentError(f"{name} requires specifying either an output size, or a pooling ratio")
        if output_size is not None and output_ratio is not None:
            raise ArgumentError("only one of output_size and output_ratio may be specified")
        ratios: Any = output_ratio if isinstance(output_ratio, (tuple, list)) else (output_ratio,)
        if output_ratio is not None and not all(0 < ratio < 1 for ratio in ratios):
            raise ArgumentError(f"output_ratio must be between 0 and 1 (got {output_ratio})")
        self.kernel_size, self.output_size, self.output_ratio = kernel_size, output_size, output_ratio
        self.return_indices = return_indices
        self.register_buffer("_random_samples", _random_samples)

    def forward(self, input: Tensor) -> Any:
        options = (self.kernel_size, self.output_size, self.output_ratio, self.return_indices, self._random_samples)
        return type(self)._function(input, *options)


class FractionalMaxPool2d(_FractionalMaxPool):
    """The largest elements of windows at random distances in [N, C, H, W] (Graham 2014).

    >>> import curta
    >>> FractionalMaxPool2d(2, output_ratio=0.5)(curta.ones(1, 2, 9, 9)).shape
    torch.Size([1, 2, 4, 4])
    """

    _function = staticmethod(F.fractional_max_pool2d)


class FractionalMaxPool3d(_FractionalMaxPool):
    """The largest elements of windows at random distances in [N, C, D, H, W].

    >>> import curta
    >>> FractionalMaxPool3d(2, output_size=(2, 3, 3))(curta.ones(1, 2, 5, 9, 9)).shape
    torch.Size([1, 2, 2, 3, 3])
    """

    _function = staticmethod(F.fractional_max_pool3d)
