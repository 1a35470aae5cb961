"""Convolutions, and the transposed ones."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import prod, sqrt
from operator import index
from typing import Any

from curta.errors import ArgumentError
from curta.functions import creation
from curta.nn import functional as F
from curta.nn import init
from curta.nn.modules.module import Module
from curta.nn.parameter import Parameter
from curta.tensor import Tensor

Numbers = int | Sequence[int]


def _each(value: Numbers, count: int) -> tuple[int, ...]:
    return (index(value),) * count if hasattr(value, "__index__") else tuple(index(one) for one in value)


class _Convolution(Module):
    """What convolutions share; each says its number of axes and its function."""

    _axes: int
    _function: Callable[..., Tensor]
    _transposed = False

    def __init__(
        self, in_channels: int, out_channels: int, kernel_size: Numbers, stride: Numbers, padding: Numbers | str,
        dilation: Numbers, groups: int, bias: bool, padding_mode: str, device: Any, dtype: Any,
        output_padding: Numbers = 0,
    ) -> None:  # fmt: skip
        super().__init__()
        if groups <= 0:
            raise ArgumentError("groups must be a positive integer")
        if in_channels % groups:
            raise ArgumentError("in_channels must be divisible by groups")
        if out_channels % groups:
            raise ArgumentError("out_channels must be divisible by groups")
        count = self._axes
        self.in_channels, self.out_channels, self.groups = in_channels, out_channels, groups
        self.kernel_size, self.stride = _each(kernel_size, count), _each(stride, count)
        self.dilation, self.output_padding = _each(dilation, count), _each(output_padding, count)
        self.padding = padding if isinstance(padding, str) else _each(padding, count)
        self.padding_mode = padding_mode
        self._check_padding()
        channels = (in_channels, out_channels // groups) if self._transposed else (out_channels, in_channels // groups)
        self.weight = Parameter(creation.empty(*channels, *self.kernel_size, device=device, dtype=dtype))
        new = Parameter(creation.empty(out_channels, device=device, dtype=dtype)) if bias else None
        self.register_parameter("bias", new)
        self.reset_parameters()

    def _check_padding(self) -> None:
        modes = ("zeros", "reflect", "replicate", "circular")
        if self.padding_mode not in modes:
            raise ArgumentError(f"padding_mode must be one of {modes}, but got padding_mode={self.padding_mode!r}")
        if not isinstance(self.padding, str):
            return
        if self.padding not in ("same", "valid"):
            raise ArgumentError(f"Invalid padding string {self.padding!r}, should be one of 'valid', 'same'")
        if self.padding == "same" and any(step != 1 for step in self.stride):
            raise ArgumentError("padding='same' is not supported for strided convolutions")

    def reset_parameters(self) -> None:
        """Draw the kernels anew."""
        init.kaiming_uniform_(self.weight, a=sqrt(5))
        fan_in = prod(self.weight.layout.shape[1:])
        if self.bias is not None and fan_in:
            init.uniform_(self.bias, -1 / sqrt(fan_in), 1 / sqrt(fan_in))

    def forward(self, input: Tensor) -> Tensor:
        padding: Any = self.padding
        if self.padding_mode != "zeros":
            input = F.pad(input, self._around(), self.padding_mode)
            padding = 0
        options = (self.stride, padding, self.dilation, self.groups)
        return type(self)._function(input, self.weight, self.bias, *options)

    def _around(self) -> list[int]:
        """The padding as `F.pad` takes it: of the last axis first."""
        sides = []
        for axis in reversed(range(self._axes)):
            if isinstance(self.padding, str):
                total = self.dilation[axis] * (self.kernel_size[axis] - 1) if self.padding == "same" else 0
                sides += [total // 2, total - total // 2]
            else:
                sides += [self.padding[axis]] * 2
        return sides

    def extra_repr(self) -> str:
        parts = [f"{self.in_channels}, {self.out_channels}, kernel_size={self.kernel_size}, stride={self.stride}"]
        none, ones = (0,) * self._axes, (1,) * self._axes
        if self.padding != none:
            parts.append(f"padding={self.padding}")
        if self.dilation != ones:
            parts.append(f"dilation={self.dilation}")
        if self.output_padding != none:
            parts.append(f"output_padding={self.output_padding}")
        if self.groups != 1:
            parts.append(f"groups={self.groups}")
        if self.bias is None:
            parts.append("bias=False")
        if self.padding_mode != "zeros":
            parts.append(f"padding_mode={self.padding_mode}")
        return ", ".join(parts)


class _Forward(_Convolution):
    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: Numbers,
        stride: Numbers = 1,
        padding: Numbers | str = 0,
        dilation: Numbers = 1,
        groups: int = 1,
        bias: bool = True,
        padding_mode: str = "zeros",
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__(
            in_channels, out_channels, kernel_size, stride, padding, dilation, groups, bias, padding_mode, device, dtype
        )


class Conv1d(_Forward):
    """Convolution of [N, C, L] (or [C, L]) with [out_channels, in_channels / groups, k] kernels.

    What lies outside is zeros, or by `padding_mode` "reflect", "replicate" or "circular".

    >>> import curta
    >>> Conv1d(2, 3, 3, padding="same")(curta.ones(1, 2, 8)).shape
    torch.Size([1, 3, 8])
    """

    _axes = 1
    _function = staticmethod(F.conv1d)


class Conv2d(_Forward):
    """Convolution of [N, C, H, W] (or [C, H, W]) with [out_channels, in_channels / groups, kH, kW] kernels.

    What lies outside is zeros, or by `padding_mode` "reflect", "replicate" or "circular".

    >>> import curta
    >>> Conv2d(2, 3, 3, stride=2, padding=1)(curta.ones(1, 2, 8, 8)).shape
    torch.Size([1, 3, 4, 4])
    """

    _axes = 2
    _function = staticmethod(F.conv2d)


class Conv3d(_Forward):
    """Convolution of [N, C, D, H, W] (or [C, D, H, W]) with [out_channels, in_channels / groups, kD, kH, kW] kernels.

    What lies outside is zeros, or by `padding_mode` "reflect", "replicate" or "circular".

    >>> import curta
    >>> Conv3d(2, 3, (1, 3, 3))(curta.ones(1, 2, 4, 8, 8)).shape
    torch.Size([1, 3, 4, 6, 6])
    """

    _axes = 3
    _function = staticmethod(F.conv3d)


class _Transposed(_Convolution):
    _transposed = True

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: Numbers,
        stride: Numbers = 1,
        padding: Numbers = 0,
        output_padding: Numbers = 0,
        groups: int = 1,
        bias: bool = True,
        dilation: Numbers = 1,
        padding_mode: str = "zeros",
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        if padding_mode != "zeros":
            raise ArgumentError(f'Only "zeros" padding mode is supported for {type(self).__name__}')
        super().__init__(
            in_channels, out_channels, kernel_size, stride, padding, dilation, groups, bias, padding_mode, device,
            dtype, output_padding,
        )  # fmt: skip

    def forward(self, input: Tensor, output_size: Sequence[int] | None = None) -> Tensor:
        more = self.output_padding if output_size is None else self._more(input, list(output_size))
        options = (self.stride, self.padding, more, self.groups, self.dilation)
        return type(self)._function(input, self.weight, self.bias, *options)

    def _more(self, input: Tensor, wanted: list[int]) -> tuple[int, ...]:
        """The output padding that gives the wanted sizes."""
        count = self._axes
        batched = input.layout.rank == count + 2
        if len(wanted) == count + 1 + batched:
            wanted = wanted[1 + batched :]
        if len(wanted) != count:
            raise ArgumentError(
                f"ConvTranspose{count}D: for {input.layout.rank}D input, output_size must have {count} or "
                f"{count + 1 + batched} elements (got {len(wanted)})"
            )
        sizes: Any = input.layout.shape[-count:]
        around: Any = self.padding
        numbers = zip(sizes, self.stride, around, self.dilation, self.kernel_size, strict=True)
        least = [(size - 1) * s - 2 * p + d * (k - 1) + 1 for size, s, p, d, k in numbers]
        most = [size + step - 1 for size, step in zip(least, self.stride, strict=True)]
        if any(not low <= size <= high for low, size, high in zip(least, wanted, most, strict=True)):
            raise ArgumentError(
                f"requested an output size of {tuple(wanted)}, but valid sizes range from {least} to {most} (for an "
                f"input of {input.shape[-count:]})"
            )
        return tuple(size - low for size, low in zip(wanted, least, strict=True))


class ConvTranspose1d(_Transposed):
    """Transposed convolution of [N, C, L] (or [C, L]) with [in_channels, out_channels / groups, k] kernels.

    >>> import curta
    >>> ConvTranspose1d(2, 3, 4, stride=2, padding=1)(curta.ones(1, 2, 8)).shape
    torch.Size([1, 3, 16])
    """

    _axes = 1
    _function = staticmethod(F.conv_transpose1d)


class ConvTranspose2d(_Transposed):
    """Transposed convolution of [N, C, H, W] (or [C, H, W]) with [in_channels, out_channels / groups, kH, kW] kernels.

    `forward` takes an `output_size` where several are possible.

    >>> import curta
    >>> ConvTranspose2d(2, 3, 3, stride=2, padding=1)(curta.ones(1, 2, 8, 8), output_size=(16, 16)).shape
    torch.Size([1, 3, 16, 16])
    """

    _axes = 2
    _function = staticmethod(F.conv_transpose2d)


class ConvTranspose3d(_Transposed):
    """Transposed convolution of [N, C, D, H, W] with [in_channels, out_channels / groups, kD, kH, kW] kernels.

    >>> import curta
    >>> ConvTranspose3d(2, 3, 2, stride=2)(curta.ones(1, 2, 2, 4, 4)).shape
    torch.Size([1, 3, 4, 8, 8])
    """

    _axes = 3
    _function = staticmethod(F.conv_transpose3d)
