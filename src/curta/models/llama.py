"""Decoders of the Llama family: Llama itself, Mistral with its sliding window, Mixtral with its experts."""

from __future__ import annotations

from dataclasses import dataclass

from curta import Tensor, nn
from curta.errors import ArgumentError
from curta.models.checks import check_sizes
from curta.models.feed_forward import Experts, GatedFeedForward
from curta.models.rotary import RotaryScaling, frequencies, rotated, rotations
from curta.nn import functional as F


@dataclass(frozen=True, kw_only=True)
class LlamaConfig:
    """The sizes of a decoder of the Llama family.

    `head_width` is that of one head; `key_value_heads` are shared by equally many heads each. `window` is how many
    positions one sees, itself included (None: all before it). With `experts`, each position goes through
    `experts_per_token` of them, and `feed_forward_width` is that of one. `context` is the length that the model was
    made for; rotary positions set no limit. `tied` lets the head share its weight with the token embedding.

    Raises `ArgumentTypeError` for a size that is no int, `ArgumentError` for one that is not positive or does not fit.

    >>> LlamaConfig(vocabulary=9, width=8, layers=1, heads=4, key_value_heads=3, head_width=2, feed_forward_width=8)
    Traceback (most recent call last):
    curta.errors.ArgumentError: heads must be divisible by key_value_heads, got 4 and 3
    """

    vocabulary: int
    width: int
    layers: int
    heads: int
    key_value_heads: int
    head_width: int
    feed_forward_width: int
    context: int = 4096
    norm_epsilon: float = 1e-5
    rotary_base: float = 10000.0
    rotary_scaling: RotaryScaling | None = None
    window: int | None = None
    experts: int | None = None
    experts_per_token: int | None = None
    attention_bias: bool = False
    feed_forward_bias: bool = False
    tied: bool = False

    def __post_init__(self) -> None:
        sizes = ["vocabulary", "width", "layers", "heads", "key_value_heads", "head_width", "feed_forward_width"]
        optional = [name for name in ("window", "experts", "experts_per_token") if getattr(self, name) is not None]
        check_sizes(self, *sizes, "context", *optional)
        if self.heads % self.key_value_heads:
            raise ArgumentError(
                f"heads must be divisible by key_value_heads, got {self.heads} and {self.key_value_heads}"
            )
        if self.head_width % 2:
            raise ArgumentError(f"head_width must be even, since rotary positions turn pairs, got {self.head_width}")
        if (self.experts or 0) < (self.experts_per_token or 0) or (self.experts is None) is not (
            self.experts_per_token is None
        ):
            raise ArgumentError(
                f"experts_per_token must be one of 1 to experts, got {self.experts_per_token} of {self.experts}"
            )
        if self.experts is not None and self.feed_forward_bias:
            raise ArgumentError("feed_forward_bias: experts have no bias")


class Attention(nn.Module):
    """Causal self-attention with rotary positions; several heads share keys and values: [B, T, C] to [B, T, C]."""

    def __init__(self, config: LlamaConfig) -> None:
        super().__init__()
        self.heads, self.key_value_heads = config.heads, config.key_value_heads
        self.head_width, self.window = config.head_width, config.window
        wide, narrow = config.heads * config.head_width, config.key_value_heads * config.head_width
        self.query = nn.Linear(config.width, wide, config.attention_bias)
        self.key = nn.Linear(config.width, narrow, config.attention_bias)
        self.value = nn.Linear(config.width, narrow, config.attention_bias)
        self.projection = nn.Linear(wide, config.width, config.attention_bias)

    def forward(self, x: Tensor, turns: tuple[Tensor, Tensor]) -> Tensor:
        """Mix each position with the ones before it that it sees; `turns` are the rotations of all positions."""
        B, T, _ = x.shape
        query = rotated(self.query(x).view(B, T, self.heads, self.head_width), turns)
        key = rotated(self.key(x).view(B, T, self.key_value_heads, self.head_width), turns)
        value = self.value(x).view(B, T, self.key_value_heads, self.head_width)
        mixed = F.scaled_dot_product_attention(
            query.transpose(1, 2), key.transpose(1, 2), value.transpose(1, 2), is_causal=True,
            enable_gqa=self.key_value_heads < self.heads, window=self.window,
        )  # [B, H, T, D]  # fmt: skip
        return self.projection(mixed.transpose(1, 2).flatten(2))


class Block(nn.Module):
    """One pre-norm layer: [B, T, C] to [B, T, C]."""

    feed_forward: GatedFeedForward | Experts

    def __init__(self, config: LlamaConfig) -> None:
        super().__init__()
        self.attention_norm = nn.RMSNorm(config.width, config.norm_epsilon)
        self.attention = Attention(config)
        self.feed_forward_norm = nn.RMSNorm(config.width, config.norm_epsilon)
        width, hidden = config.width, config.feed_forward_width
        if config.experts is None or config.experts_per_token is None:
            self.feed_forward = GatedFeedForward(width, hidden, config.feed_forward_bias)
        else:
            self.feed_forward = Experts(width, hidden, config.experts, config.experts_per_token)

    def forward(self, x: Tensor, turns: tuple[Tensor, Tensor]) -> Tensor:
        """Add to `x` what attention and the feed-forward layer make of it."""
        x = x + self.attention(self.attention_norm(x), turns)
        return x + self.feed_forward(self.feed_forward_norm(x))


class Llama(nn.Module):
    """A decoder of the Llama family: int64 [B, T] to logits [B, T, vocabulary].

    >>> import curta
    >>> sizes = {"heads": 4, "key_value_heads": 2, "head_width": 4, "feed_forward_width": 24}
    >>> model = Llama(LlamaConfig(vocabulary=50, width=16, layers=2, **sizes))
    >>> model(curta.zeros(2, 5, dtype=curta.int64)).shape
    torch.Size([2, 5, 50])
    """

    def __init__(self, config: LlamaConfig) -> None:
        super().__init__()
        self.config = config
        self.token_embedding = nn.Embedding(config.vocabulary, config.width)
        self.blocks = nn.ModuleList([Block(config) for _ in range(config.layers)])
        self.final_norm = nn.RMSNorm(config.width, config.norm_epsilon)
        self.head = None if config.tied else nn.Linear(config.width, config.vocabulary, bias=False)
        self._frequencies = frequencies(config.head_width, config.rotary_base, config.rotary_scaling)
        for name, parameter in self.named_parameters():
            if parameter.ndim >= 2:
                nn.init.normal_(parameter, mean=0.0, std=0.02)
            elif name.endswith("bias"):
                nn.init.zeros_(parameter)

    def forward(self, tokens: Tensor) -> Tensor:
        """The logits of the token that follows each position."""
        turns = rotations(tokens.shape[1], self._frequencies, tokens.device)
        x = self.token_embedding(tokens)  # [B, T, C]
        for block in self.blocks:
            x = block(x, turns)
        x = self.final_norm(x)
        return F.linear(x, self.token_embedding.weight) if self.head is None else self.head(x)
