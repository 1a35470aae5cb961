"""Layers that rearrange or resize images: shuffles of pixels and channels, windows as columns, other sizes."""

from __future__ import annotations

from collections.abc import Sequence

from curta.nn import functional as F
from curta.nn.modules.module import Module
from curta.tensor import Tensor

Numbers = int | Sequence[int]
Factors = float | Sequence[float]


class PixelShuffle(Module):
    """[..., C * r * r, H, W] as [..., C, H * r, W * r] for `upscale_factor` r.

    >>> import curta
    >>> PixelShuffle(2)(curta.ones(1, 8, 3, 3)).shape
    torch.Size([1, 2, 6, 6])
    """

    def __init__(self, upscale_factor: int) -> None:
        super().__init__()
        self.upscale_factor = upscale_factor

    def forward(self, input: Tensor) -> Tensor:
        return F.pixel_shuffle(input, self.upscale_factor)

    def extra_repr(self) -> str:
        return f"upscale_factor={self.upscale_factor}"


class PixelUnshuffle(Module):
    """[..., C, H * r, W * r] as [..., C * r * r, H, W] for `downscale_factor` r.

    >>> import curta
    >>> PixelUnshuffle(2)(curta.ones(1, 2, 6, 6)).shape
    torch.Size([1, 8, 3, 3])
    """

    def __init__(self, downscale_factor: int) -> None:
        super().__init__()
        self.downscale_factor = downscale_factor

    def forward(self, input: Tensor) -> Tensor:
        return F.pixel_unshuffle(input, self.downscale_factor)

    def extra_repr(self) -> str:
        return f"downscale_factor={self.downscale_factor}"


class ChannelShuffle(Module):
    """The channels of [N, C, ...] dealt out anew, one of each of `groups` after the other.

    >>> import curta
    >>> ChannelShuffle(2)(curta.arange(4).reshape(1, 4, 1)).flatten()
    tensor([0, 2, 1, 3])
    """

    def __init__(self, groups: int) -> None:
        super().__init__()
        self.groups = groups

    def forward(self, input: Tensor) -> Tensor:
        return F.channel_shuffle(input, self.groups)

    def extra_repr(self) -> str:
        return f"groups={self.groups}"


class Unfold(Module):
    """The windows of [N, C, H, W] as columns: [N, C * kH * kW, windows].

    >>> import curta
    >>> Unfold(2)(curta.ones(1, 2, 3, 4)).shape
    torch.Size([1, 8, 6])
    """

    def __init__(self, kernel_size: Numbers, dilation: Numbers = 1, padding: Numbers = 0, stride: Numbers = 1) -> None:
        super().__init__()
        self.kernel_size, self.dilation, self.padding, self.stride = kernel_size, dilation, padding, stride

    def forward(self, input: Tensor) -> Tensor:
        return F.unfold(input, self.kernel_size, self.dilation, self.padding, self.stride)

    def extra_repr(self) -> str:
        return f"kernel_size={self.kernel_size}, dilation={self.dilation}, padding={self.padding}, stride={self.stride}"


class Fold(Module):
    """Columns [N, C * kH * kW, windows] added up where the windows lie in [N, C, *output_size].

    >>> import curta
    >>> Fold((3, 4), 2)(curta.ones(1, 8, 6)).shape
    torch.Size([1, 2, 3, 4])
    """

    def __init__(
        self,
        output_size: Numbers,
        kernel_size: Numbers,
        dilation: Numbers = 1,
        padding: Numbers = 0,
        stride: Numbers = 1,
    ) -> None:
        super().__init__()
        self.output_size = output_size
        self.kernel_size, self.dilation, self.padding, self.stride = kernel_size, dilation, padding, stride

    def forward(self, input: Tensor) -> Tensor:
        return F.fold(input, self.output_size, self.kernel_size, self.dilation, self.padding, self.stride)

    def extra_repr(self) -> str:
        return (
            f"output_size={self.output_size}, kernel_size={self.kernel_size}, dilation={self.dilation}, "
            f"padding={self.padding}, stride={self.stride}"
        )


class Upsample(Module):
    """[N, C, ...] with other sizes, as `F.interpolate`.

    >>> import curta
    >>> Upsample(scale_factor=2, mode="bilinear")(curta.ones(1, 2, 3, 4)).shape
    torch.Size([1, 2, 6, 8])
    """

    def __init__(
        self,
        size: Numbers | None = None,
        scale_factor: Factors | None = None,
        mode: str = "nearest",
        align_corners: bool | None = None,
        recompute_scale_factor: bool | None = None,
    ) -> None:
        super().__init__()
        self.size = size
        several = isinstance(scale_factor, (tuple, list))
        self.scale_factor: float | tuple[float, ...] | None = (
            tuple(float(factor) for factor in scale_factor)  # type: ignore[union-attr]
            if several
            else None
            if scale_factor is None
            else float(scale_factor)  # type: ignore[arg-type]
        )
        self.mode, self.align_corners = mode, align_corners
        self.recompute_scale_factor = recompute_scale_factor

    def forward(self, input: Tensor) -> Tensor:
        options = (self.size, self.scale_factor, self.mode, self.align_corners, self.recompute_scale_factor)
        return F.interpolate(input, *options)

    def extra_repr(self) -> str:
        what = f"size={self.size}" if self.scale_factor is None else f"scale_factor={self.scale_factor}"
        return f"{what}, mode={self.mode!r}"


class UpsamplingNearest2d(Upsample):
    """[N, C, H, W] with other sizes, each element the nearest one.

    >>> import curta
    >>> UpsamplingNearest2d(scale_factor=2)(curta.ones(1, 2, 3, 4)).shape
    torch.Size([1, 2, 6, 8])
    """

    def __init__(self, size: Numbers | None = None, scale_factor: Factors | None = None) -> None:
        super().__init__(size, scale_factor, mode="nearest")


class UpsamplingBilinear2d(Upsample):
    """[N, C, H, W] with other sizes, interpolated with aligned corners.

    >>> import curta
    >>> UpsamplingBilinear2d(scale_factor=2)(curta.ones(1, 2, 3, 4)).shape
    torch.Size([1, 2, 6, 8])
    """

    def __init__(self, size: Numbers | None = None, scale_factor: Factors | None = None) -> None:
        super().__init__(size, scale_factor, mode="bilinear", align_corners=True)
