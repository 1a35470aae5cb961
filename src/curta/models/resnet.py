"""Residual networks for images (He et al. 2015), with the parameter names of torchvision."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from curta import Tensor, nn
from curta.errors import ArgumentError
from curta.nn import functional as F


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
        self.downsample: nn.Sequential | None = None
        if stride != 1 or in_channels != channels:
            self.downsample = nn.Sequential(
                nn.Conv2d(in_channels, channels, 1, stride, bias=False), nn.BatchNorm2d(channels)
            )

    def forward(self, x: Tensor) -> Tensor:
        """What the convolutions make of `x`, added to it (or to its projection, where the shape changes)."""
        shortcut = x if self.downsample is None else self.downsample(x)
        x = F.relu(self.bn1(self.conv1(x)))
        return F.relu(self.bn2(self.conv2(x)) + shortcut)


class ResNet(nn.Module):
    """A residual network of basic blocks: [N, 3, H, W] to scores [N, num_classes].

    `blocks` is how many blocks each of the four stages has; the first has `width` channels and every other one twice
    as many as the one before, at half the size. Images first pass a 7x7 convolution with stride 2 and a max-pool, or
    with `small_images` (32x32, say) a single 3x3 convolution. Raises `ArgumentError` unless there are four stages.

    >>> import curta
    >>> ResNet((1, 1, 1, 1), num_classes=10, width=4, small_images=True)(curta.ones(2, 3, 32, 32)).shape
    torch.Size([2, 10])
    """

    def __init__(
        self, blocks: Sequence[int], num_classes: int = 1000, width: int = 64, small_images: bool = False
    ) -> None:
        super().__init__()
        if len(blocks) != 4 or min(blocks) < 1:
            raise ArgumentError(f"ResNet: blocks must be four positive numbers, got {tuple(blocks)}")
        if small_images:
            self.conv1 = nn.Conv2d(3, width, 3, padding=1, bias=False)
        else:
            self.conv1 = nn.Conv2d(3, width, 7, stride=2, padding=3, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.maxpool = nn.Identity() if small_images else nn.MaxPool2d(3, stride=2, padding=1)
        widths = [width, *(width << stage for stage in range(4))]
        stages = [
            _stage(before, channels, count, stride=1 if channels == width else 2)
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


def _stage(in_channels: int, channels: int, count: int, stride: int) -> nn.Sequential:
    first = BasicBlock(in_channels, channels, stride)
    return nn.Sequential(first, *(BasicBlock(channels, channels) for _ in range(count - 1)))


def resnet18(num_classes: int = 1000, small_images: bool = False) -> ResNet:
    """ResNet-18: four stages of two blocks, of 64, 128, 256 and 512 channels.

    >>> resnet18().num_parameters()
    11689512
    """
    return ResNet((2, 2, 2, 2), num_classes, small_images=small_images)
