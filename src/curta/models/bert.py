"""BERT (Devlin et al. 2018), an encoder of text, with RoBERTa (Liu et al. 2019) and DistilBERT (Sanh et al. 2019)."""

from __future__ import annotations

from dataclasses import dataclass

import curta
from curta import Tensor, nn
from curta.errors import ArgumentError
from curta.models.checks import check_heads, check_sizes
from curta.models.encoder import ACTIVATIONS, FeedForward, SelfAttention, initialise


@dataclass(frozen=True, kw_only=True)
class BERTConfig:
    """The sizes of a BERT; the defaults are those of BERT-base. `types` is how many kinds of segment there are, or 0.

    `padding` is RoBERTa's: the number of the token that fills up texts, which has no position, and behind which those
    of the others begin. Without `pooled` no layer makes one vector of a text.

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
    activation: str = "gelu"
    padding: int | None = None
    pooled: bool = True

    def __post_init__(self) -> None:
        check_sizes(self, "vocabulary", "width", "layers", "heads", "feed_forward_width", "context")
        if self.types != 0:
            check_sizes(self, "types")
        check_heads(self.width, self.heads)
        if self.activation not in ACTIVATIONS:
            raise ArgumentError(f"activation must be one of {', '.join(ACTIVATIONS)}, got {self.activation!r}")
        if self.padding is not None and not 0 <= self.padding < min(self.vocabulary, self.context - 1):
            raise ArgumentError(
                f"padding must be a token with room for positions behind it, got {self.padding} with a vocabulary of "
                f"{self.vocabulary} and a context of {self.context}"
            )

    @property
    def longest(self) -> int:
        """How many tokens a text may have.

        >>> BERTConfig().longest, BERTConfig(context=514, padding=1).longest
        (512, 512)
        """
        return self.context if self.padding is None else self.context - self.padding - 1


class Block(nn.Module):
    """One post-norm layer: [B, T, C] to [B, T, C]."""

    def __init__(self, config: BERTConfig) -> None:
        super().__init__()
        self.attention = SelfAttention(config.width, config.heads)
        self.attention_norm = nn.LayerNorm(config.width, config.norm_epsilon)
        self.feed_forward = FeedForward(config.width, config.feed_forward_width, config.activation)
        self.feed_forward_norm = nn.LayerNorm(config.width, config.norm_epsilon)

    def forward(self, x: Tensor, mask: Tensor | None) -> Tensor:
        """Add to `x` what each part makes of it, and normalise the sum."""
        x = self.attention_norm(x + self.attention(x, mask))
        return self.feed_forward_norm(x + self.feed_forward(x))


class BERT(nn.Module):
    """An encoder of text: int64 [B, T] to states [B, T, width], and [B, width] for the whole text.

    Without `config.pooled` there is None for the whole text. Raises `ArgumentError` for more than `config.longest`
    tokens, and for types of segments where `config.types` is 0.

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
        self.type_embedding = nn.Embedding(config.types, config.width) if config.types else None
        self.embedding_norm = nn.LayerNorm(config.width, config.norm_epsilon)
        self.blocks = nn.ModuleList([Block(config) for _ in range(config.layers)])
        self.pooler = nn.Linear(config.width, config.width) if config.pooled else None
        initialise(self)

    def _positions(self, tokens: Tensor) -> Tensor:
        """Each token's row of the position embedding: counted from 0, or behind that of the padding token."""
        padding = self.config.padding
        if padding is None:
            return curta.arange(tokens.shape[1], device=tokens.device)
        there = (tokens != padding).long()
        return there.cumsum(1) * there + padding

    def forward(
        self, tokens: Tensor, types: Tensor | None = None, mask: Tensor | None = None
    ) -> tuple[Tensor, Tensor | None]:
        """The states of all positions, and the first one's through the pooler, all of shape [B, T] given.

        `types` are the tokens' segments (int64; all 0 if left out); `mask` is true, or 1, for those that take part.
        """
        B, T = tokens.shape
        if self.config.longest < T:
            raise ArgumentError(f"BERT: the context holds {self.config.longest} tokens, got {T}")
        x = self.token_embedding(tokens)
        if self.type_embedding is not None:
            x = x + self.type_embedding(curta.zeros_like(tokens) if types is None else types)
        elif types is not None:
            raise ArgumentError("BERT: this model has no types of segments")
        x = self.embedding_norm(x + self.position_embedding(self._positions(tokens)))  # [B, T, C]
        shown = None if mask is None else mask.bool().view(B, 1, 1, T)
        for block in self.blocks:
            x = block(x, shown)
        return x, None if self.pooler is None else self.pooler(x[:, 0]).tanh()
