"""Vision transformers (Dosovitskiy et al. 2020): an encoder over the patches of an image."""

from __future__ import annotations

from dataclasses import dataclass

import curta
from curta import Tensor, nn
from curta.errors import ArgumentError, ShapeError
from curta.models.checks import check_heads, check_sizes
from curta.models.encoder import FeedForward, SelfAttention, initialise


@dataclass(frozen=True, kw_only=True)
class ViTConfig:
    """The sizes of a vision transformer; the defaults are those of ViT-B/16. Images and patches are squares.

    Raises `ArgumentTypeError` for a size that is no int, `ArgumentError` for one that is not positive or does not fit.

    >>> ViTConfig(image=100)
    Traceback (most recent call last):
    curta.errors.ArgumentError: image must be divisible by patch, got 100 and 16
    """

    image: int = 224
    patch: int = 16
    channels: int = 3
    width: int = 768
    layers: int = 12
    heads: int = 12
    feed_forward_width: int = 3072
    classes: int = 1000
    norm_epsilon: float = 1e-6
    attention_bias: bool = True

    def __post_init__(self) -> None:
        sizes = ("image", "patch", "channels", "width", "layers", "heads", "feed_forward_width", "classes")
        check_sizes(self, *sizes)
        check_heads(self.width, self.heads)
        if self.image % self.patch:
            raise ArgumentError(f"image must be divisible by patch, got {self.image} and {self.patch}")


class Block(nn.Module):
    """One pre-norm layer: [B, T, C] to [B, T, C]."""

    def __init__(self, config: ViTConfig) -> None:
        super().__init__()
        self.attention_norm = nn.LayerNorm(config.width, config.norm_epsilon)
        self.attention = SelfAttention(config.width, config.heads, config.attention_bias)
        self.feed_forward_norm = nn.LayerNorm(config.width, config.norm_epsilon)
        self.feed_forward = FeedForward(config.width, config.feed_forward_width)

    def forward(self, x: Tensor) -> Tensor:
        """Add to `x` what attention and the feed-forward layers make of it."""
        x = x + self.attention(self.attention_norm(x))
        return x + self.feed_forward(self.feed_forward_norm(x))


class ViT(nn.Module):
    """A vision transformer: images [B, channels, image, image] to scores [B, classes], read off the class token.

    Raises `ShapeError` for images of another size.

    >>> import curta
    >>> sizes = {"width": 8, "layers": 1, "heads": 2, "feed_forward_width": 16, "classes": 5}
    >>> ViT(ViTConfig(image=8, patch=4, **sizes))(curta.zeros(2, 3, 8, 8)).shape
    torch.Size([2, 5])
    """

    def __init__(self, config: ViTConfig) -> None:
        super().__init__()
        self.config = config
        patches = (config.image // config.patch) ** 2
        self.patch_projection = nn.Conv2d(config.channels, config.width, config.patch, stride=config.patch)
        self.class_token = nn.Parameter(curta.empty(1, 1, config.width))
        self.position_embedding = nn.Parameter(curta.empty(1, patches + 1, config.width))
        self.blocks = nn.ModuleList([Block(config) for _ in range(config.layers)])
        self.final_norm = nn.LayerNorm(config.width, config.norm_epsilon)
        self.head = nn.Linear(config.width, config.classes)
        initialise(self)

    def forward(self, images: Tensor) -> Tensor:
        """The scores of every class."""
        expected = (self.config.channels, self.config.image, self.config.image)
        if images.ndim != 4 or images.shape[1:] != expected:
            raise ShapeError(f"ViT: expected images [B, {', '.join(map(str, expected))}], got {list(images.shape)}")
        patches = self.patch_projection(images).flatten(2).transpose(1, 2)  # [B, patches, C]
        first = self.class_token.to(patches.dtype).expand(images.shape[0], 1, -1)
        x = curta.cat([first, patches], dim=1) + self.position_embedding
        for block in self.blocks:
            x = block(x)
        return self.head(self.final_norm(x[:, 0]))
