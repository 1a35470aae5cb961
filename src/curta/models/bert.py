"""BERT (Devlin et al. 2018): an encoder of text."""

from __future__ import annotations

from dataclasses import dataclass

import curta
from curta import Tensor, nn
from curta.errors import ArgumentError
from curta.models.checks import check_heads, check_sizes
from curta.models.encoder import FeedForward, SelfAttention, initialise


@dataclass(frozen=True, kw_only=True)
class BERTConfig:
    """The sizes of a BERT; the defaults are those of BERT-base. `types` is how many kinds of segment there are.

    Raises `ArgumentTypeError` for a size that is no int, `ArgumentError` for one that is not positive or does not fit.

    >>> BERTConfig(heads=0)
    Traceback (most recent call last):
    curta.errors.ArgumentError: heads must be positive, got 0
    """

    vocabulary: int = 30522
    width: int = 768
    layers: int = 12
    heads: int = 12
    feed_forward_width: int = 3072
    context: int = 512
    types: int = 2
    norm_epsilon: float = 1e-12

    def __post_init__(self) -> None:
        check_sizes(self, "vocabulary", "width", "layers", "heads", "feed_forward_width", "context", "types")
        check_heads(self.width, self.heads)


class Block(nn.Module):
    """One post-norm layer: [B, T, C] to [B, T, C]."""

    def __init__(self, config: BERTConfig) -> None:
        super().__init__()
        self.attention = SelfAttention(config.width, config.heads)
        self.attention_norm = nn.LayerNorm(config.width, config.norm_epsilon)
        self.feed_forward = FeedForward(config.width, config.feed_forward_width)
        self.feed_forward_norm = nn.LayerNorm(config.width, config.norm_epsilon)

    def forward(self, x: Tensor, mask: Tensor | None) -> Tensor:
        """Add to `x` what each part makes of it, and normalise the sum."""
        x = self.attention_norm(x + self.attention(x, mask))
        return self.feed_forward_norm(x + self.feed_forward(x))


class BERT(nn.Module):
    """An encoder of text: int64 [B, T] to states [B, T, width], and [B, width] for the whole text.

    Raises `ArgumentError` for more than `config.context` tokens.

    >>> import curta
    >>> model = BERT(BERTConfig(vocabulary=9, width=8, layers=1, heads=2, feed_forward_width=16, context=4))
    >>> states, pooled = model(curta.zeros(2, 3, dtype=curta.int64))
    >>> states.shape, pooled.shape
    (torch.Size([2, 3, 8]), torch.Size([2, 8]))
    """

    def __init__(self, config: BERTConfig) -> None:
        super().__init__()
        self.config = config
        self.token_embedding = nn.Embedding(config.vocabulary, config.width)
        self.position_embedding = nn.Embedding(config.context, config.width)
        self.type_embedding = nn.Embedding(config.types, config.width)
        self.embedding_norm = nn.LayerNorm(config.width, config.norm_epsilon)
        self.blocks = nn.ModuleList([Block(config) for _ in range(config.layers)])
        self.pooler = nn.Linear(config.width, config.width)
        initialise(self)

    def forward(self, tokens: Tensor, types: Tensor | None = None, mask: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """The states of all positions, and the first one's through the pooler, all of shape [B, T] given.

        `types` are the tokens' segments (int64; all 0 if left out); `mask` is true, or 1, for those that take part.
        """
        B, T = tokens.shape
        if self.config.context < T:
            raise ArgumentError(f"BERT: the context holds {self.config.context} tokens, got {T}")
        types = curta.zeros_like(tokens) if types is None else types
        positions = curta.arange(T, device=tokens.device)
        x = self.token_embedding(tokens) + self.type_embedding(types) + self.position_embedding(positions)
        x = self.embedding_norm(x)  # [B, T, C]
        shown = None if mask is None else mask.bool().view(B, 1, 1, T)
        for block in self.blocks:
            x = block(x, shown)
        return x, self.pooler(x[:, 0]).tanh()
