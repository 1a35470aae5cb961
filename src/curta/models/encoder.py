"""What encoders are made of, of text and of images: attention to all positions, and feed-forward layers."""

from __future__ import annotations

from collections.abc import Callable

from curta import Tensor, nn
from curta.nn import functional as F


def _tanh_gelu(x: Tensor) -> Tensor:
    return F.gelu(x, approximate="tanh")


#: by the names that Hugging Face's configurations have for them
ACTIVATIONS: dict[str, Callable[[Tensor], Tensor]] = {
    "gelu": F.gelu, "gelu_new": _tanh_gelu, "gelu_pytorch_tanh": _tanh_gelu, "relu": F.relu, "silu": F.silu,
}  # fmt: skip


class SelfAttention(nn.Module):
    """Attention of every position to every other: [B, T, C] to [B, T, C]."""

    def __init__(self, width: int, heads: int, bias: bool = True) -> None:
        super().__init__()
        self.heads = heads
        self.query = nn.Linear(width, width, bias)
        self.key = nn.Linear(width, width, bias)
        self.value = nn.Linear(width, width, bias)
        self.projection = nn.Linear(width, width)

    def forward(self, x: Tensor, mask: Tensor | None = None) -> Tensor:
        """Mix each position with all those that `mask`, bool [B, 1, 1, T], lets take part."""
        query, key, value = (
            projection(x).unflatten(-1, (self.heads, -1)).transpose(1, 2)  # [B, H, T, C/H]
            for projection in (self.query, self.key, self.value)
        )
        mixed = F.scaled_dot_product_attention(query, key, value, mask)
        return self.projection(mixed.transpose(1, 2).flatten(2))


class FeedForward(nn.Module):
    """Two layers with an activation between: [B, T, C] to [B, T, C]."""

    def __init__(self, width: int, hidden: int, activation: str = "gelu") -> None:
        super().__init__()
        self._activation = ACTIVATIONS[activation]
        self.expand = nn.Linear(width, hidden)
        self.projection = nn.Linear(hidden, width)

    def forward(self, x: Tensor) -> Tensor:
        """Transform each position by itself."""
        return self.projection(self._activation(self.expand(x)))


def initialise(model: nn.Module) -> None:
    """Start as BERT and ViT do: weights normal(0, 0.02), biases 0; normalizations stay as they are."""
    for name, parameter in model.named_parameters():
        if parameter.ndim >= 2:
            nn.init.normal_(parameter, mean=0.0, std=0.02)
        elif name.endswith("bias"):
            nn.init.zeros_(parameter)
