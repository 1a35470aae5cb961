"""Residual networks for images (He et al. 2015), with the parameter names of torchvision."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from curta import Tensor, nn
from curta.errors import ArgumentError
from curta.models.checks import check_sizes
from curta.nn import functional as F

#: how many times as many channels a bottleneck block has as its 3x3 convolution
EXPANSION = 4


@dataclass(frozen=True, kw_only=True)
class ResNetConfig:
    """The sizes of a residual network: see `ResNet`; the defaults are those of ResNet-50.

    Raises `ArgumentTypeError` for a size that is no int, `ArgumentError` for one that is not positive and unless there
    are four stages.

    >>> ResNetConfig(blocks=(3, 4, 6))
    Traceback (most recent call last):
    curta.errors.ArgumentError: ResNet: blocks must be four positive numbers, got (3, 4, 6)
    """

    blocks: tuple[int, ...] = (3, 4, 6, 3)
    classes: int = 1000
    width: int = 64
    bottleneck: bool = True
    small_images: bool = False

    def __post_init__(self) -> None:
        check_sizes(self, "classes", "width")
        if len(self.blocks) != 4 or min(self.blocks) < 1:
            raise ArgumentError(f"ResNet: blocks must be four positive numbers, got {tuple(self.blocks)}")


class BasicBlock(nn.Module):
    """Two 3x3 convolutions beside a shortcut: [N, in_channels, H, W] to [N, channels, H / stride, W / stride].

    >>> import curta
    >>> BasicBlock(2, 4, stride=2)(curta.ones(1, 2, 8, 8)).shape
    torch.Size([1, 4, 4, 4])
    """

    def __init__(self, in_channels: int, channels: int, stride: int = 1) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(in_channels, channels, 3, stride, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(channels)
        self.conv2 = nn.Conv2d(channels, channels, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(channels)
        self.downsample = _shortcut(in_channels, channels, stride)

    def forward(self, x: Tensor) -> Tensor:
        """What the convolutions make of `x`, added to it (or to its projection, where the shape changes)."""
        shortcut = x if self.downsample is None else self.downsample(x)
        x = F.relu(self.bn1(self.conv1(x)))
        return F.relu(self.bn2(self.conv2(x)) + shortcut)


class Bottleneck(nn.Module):
    """A 3x3 convolution in a quarter of the channels, beside a shortcut: as `BasicBlock`, which takes fewer channels.

    The stride is that of the 3x3 convolution.

    >>> import curta
    >>> Bottleneck(2, 8, stride=2)(curta.ones(1, 2, 8, 8)).shape
    torch.Size([1, 8, 4, 4])
    """

    def __init__(self, in_channels: int, channels: int, stride: int = 1) -> None:
        super().__init__()
        narrow = channels // EXPANSION
        self.conv1 = nn.Conv2d(in_channels, narrow, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(narrow)
        self.conv2 = nn.Conv2d(narrow, narrow, 3, stride, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(narrow)
        self.conv3 = nn.Conv2d(narrow, channels, 1, bias=False)
        self.bn3 = nn.BatchNorm2d(channels)
        self.downsample = _shortcut(in_channels, channels, stride)

    def forward(self, x: Tensor) -> Tensor:
        """What the convolutions make of `x`, added to it (or to its projection, where the shape changes)."""
        shortcut = x if self.downsample is None else self.downsample(x)
        x = F.relu(self.bn1(self.conv1(x)))
        x = F.relu(self.bn2(self.conv2(x)))
        return F.relu(self.bn3(self.conv3(x)) + shortcut)


def _shortcut(in_channels: int, channels: int, stride: int) -> nn.Sequential | None:
    """A projection where the shape changes."""
    if stride == 1 and in_channels == channels:
        return None
    return nn.Sequential(nn.Conv2d(in_channels, channels, 1, stride, bias=False), nn.BatchNorm2d(channels))


class ResNet(nn.Module):
    """A residual network: [N, 3, H, W] to scores [N, num_classes].

    `blocks` is how many blocks each of the four stages has; the first has `width` channels (four times as many with
    `bottleneck` blocks) and every other one twice as many as the one before, at half the size. Images first pass a 7x7
    convolution with stride 2 and a max-pool, or with `small_images` (32x32, say) a single 3x3 convolution. Raises
    `ArgumentError` unless there are four stages.

    >>> import curta
    >>> ResNet((1, 1, 1, 1), num_classes=10, width=4, small_images=True)(curta.ones(2, 3, 32, 32)).shape
    torch.Size([2, 10])
    """

    def __init__(
        self,
        blocks: Sequence[int],
        num_classes: int = 1000,
        width: int = 64,
        small_images: bool = False,
        bottleneck: bool = False,
    ) -> None:
        super().__init__()
        self.config = ResNetConfig(
            blocks=tuple(blocks), classes=num_classes, width=width, bottleneck=bottleneck, small_images=small_images
        )
        if small_images:
            self.conv1 = nn.Conv2d(3, width, 3, padding=1, bias=False)
        else:
            self.conv1 = nn.Conv2d(3, width, 7, stride=2, padding=3, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.maxpool = nn.Identity() if small_images else nn.MaxPool2d(3, stride=2, padding=1)
        first = width * EXPANSION if bottleneck else width
        widths = [width, *(first << stage for stage in range(4))]
        kind = Bottleneck if bottleneck else BasicBlock
        stages = [
            _stage(kind, before, channels, count, stride=1 if channels == first else 2)
            for (before, channels), count in zip(pairwise(widths), blocks, strict=True)
        ]
        self.layer1, self.layer2, self.layer3, self.layer4 = stages
        self.avgpool = nn.AdaptiveAvgPool2d(1)
        self.fc = nn.Linear(widths[-1], num_classes)
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")

    def forward(self, x: Tensor) -> Tensor:
        """The scores of every class."""
        x = self.maxpool(F.relu(self.bn1(self.conv1(x))))
        for stage in (self.layer1, self.layer2, self.layer3, self.layer4):
            x = stage(x)
        return self.fc(self.avgpool(x).flatten(1))


def _stage(
    kind: type[BasicBlock] | type[Bottleneck], in_channels: int, channels: int, count: int, stride: int
) -> nn.Sequential:
    first = kind(in_channels, channels, stride)
    return nn.Sequential(first, *(kind(channels, channels) for _ in range(count - 1)))


def resnet18(num_classes: int = 1000, small_images: bool = False) -> ResNet:
    """ResNet-18: four stages of two blocks, of 64, 128, 256 and 512 channels.

    >>> resnet18().num_parameters()
    11689512
    """
    return ResNet((2, 2, 2, 2), num_classes, small_images=small_images)


def resnet50(num_classes: int = 1000, small_images: bool = False) -> ResNet:
    """ResNet-50: four stages of 3, 4, 6 and 3 bottleneck blocks, of 256, 512, 1024 and 2048 channels.

    >>> resnet50().num_parameters()
    25557032
    """
    return ResNet((3, 4, 6, 3), num_classes, small_images=small_images, bottleneck=True)
