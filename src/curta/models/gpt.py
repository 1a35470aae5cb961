"""A GPT: the decoder-only transformer of GPT-2, small enough to read in one sitting."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import asdict, dataclass

import numpy as np
import numpy.typing as npt

import curta
from curta import Tensor, nn
from curta.errors import ArgumentError
from curta.models.checks import check_heads, check_sizes
from curta.nn import functional as F


@dataclass(frozen=True)
class GPTConfig:
    """The sizes of a GPT; the defaults are those of `curta train`.

    Raises `ArgumentError` for a size that is not positive or a width that the heads do not divide.

    >>> GPTConfig(width=128, heads=3)
    Traceback (most recent call last):
    curta.errors.ArgumentError: width must be divisible by heads, got a width of 128 and 3 heads
    """

    vocabulary: int = 256
    width: int = 128
    layers: int = 4
    heads: int = 4
    context: int = 128

    def __post_init__(self) -> None:
        check_sizes(self, *asdict(self))
        check_heads(self.width, self.heads)


class Attention(nn.Module):
    """Causal self-attention with one fused projection to queries, keys and values: [B, T, C] to [B, T, C]."""

    def __init__(self, config: GPTConfig) -> None:
        super().__init__()
        self.heads = config.heads
        self.qkv = nn.Linear(config.width, 3 * config.width)
        self.projection = nn.Linear(config.width, config.width)

    def forward(self, x: Tensor) -> Tensor:
        """Mix each position with the ones before it."""
        B, T, C = x.shape
        heads = self.qkv(x).view(B, T, 3, self.heads, C // self.heads).permute(2, 0, 3, 1, 4)  # [3, B, H, T, C/H]
        query, key, value = heads.unbind(0)
        mixed = F.scaled_dot_product_attention(query, key, value, is_causal=True)  # [B, H, T, C/H]
        return self.projection(mixed.transpose(1, 2).reshape(B, T, C))


class FeedForward(nn.Module):
    """Two layers, four times as wide between them, with tanh-GELU: [B, T, C] to [B, T, C]."""

    def __init__(self, config: GPTConfig) -> None:
        super().__init__()
        self.expand = nn.Linear(config.width, 4 * config.width)
        self.projection = nn.Linear(4 * config.width, config.width)

    def forward(self, x: Tensor) -> Tensor:
        """Transform each position by itself."""
        return self.projection(F.gelu(self.expand(x), approximate="tanh"))


class Block(nn.Module):
    """One pre-norm transformer layer: [B, T, C] to [B, T, C]."""

    def __init__(self, config: GPTConfig) -> None:
        super().__init__()
        self.attention_norm = nn.LayerNorm(config.width)
        self.attention = Attention(config)
        self.feed_forward_norm = nn.LayerNorm(config.width)
        self.feed_forward = FeedForward(config)

    def forward(self, x: Tensor) -> Tensor:
        """Add to `x` what attention and the feed-forward layers make of it."""
        x = x + self.attention(self.attention_norm(x))
        return x + self.feed_forward(self.feed_forward_norm(x))


class GPT(nn.Module):
    """A GPT-2 over `config.vocabulary` tokens: int64 [B, T] to logits [B, T, vocabulary].

    Positions are learned. The output projection shares its weight with the token embedding, as in GPT-2.
    Raises `ArgumentError` for more than `config.context` tokens.

    >>> import curta
    >>> model = GPT(GPTConfig(width=8, layers=1, heads=2, context=16))
    >>> tuple(model(curta.zeros(2, 5, dtype=curta.int64)).shape)
    (2, 5, 256)
    """

    def __init__(self, config: GPTConfig) -> None:
        super().__init__()
        self.config = config
        self.token_embedding = nn.Embedding(config.vocabulary, config.width)
        self.position_embedding = nn.Embedding(config.context, config.width)
        self.blocks = nn.ModuleList([Block(config) for _ in range(config.layers)])
        self.final_norm = nn.LayerNorm(config.width)
        self._initialise()

    def _initialise(self) -> None:
        """GPT-2's: normal(0, 0.02) weights, zero biases, the residual branches' last weights smaller with depth."""
        residual_deviation = 0.02 / math.sqrt(2 * self.config.layers)
        for name, parameter in self.named_parameters():
            if name.endswith("projection.weight"):
                nn.init.normal_(parameter, mean=0.0, std=residual_deviation)
            elif parameter.ndim >= 2:
                nn.init.normal_(parameter, mean=0.0, std=0.02)
            elif name.endswith("bias"):
                nn.init.zeros_(parameter)

    def forward(self, tokens: Tensor) -> Tensor:
        """The logits of the token that follows each position."""
        T = tokens.shape[1]
        if self.config.context < T:
            raise ArgumentError(f"GPT: the context holds {self.config.context} tokens, got {T}")
        positions = curta.arange(T, device=tokens.device)
        x = self.token_embedding(tokens) + self.position_embedding(positions)  # [B, T, C]
        for block in self.blocks:
            x = block(x)
        return F.linear(self.final_norm(x), self.token_embedding.weight)

    def generate(
        self,
        prompt: bytes,
        tokens: int,
        temperature: float = 0.8,
        top_k: int | None = None,
        seed: int = 0,
        on_token: Callable[[int], object] | None = None,
    ) -> bytes:
        """Continue `prompt` by `tokens` tokens drawn from the model, and return the prompt and what follows.

        Tokens are drawn on the host by a generator seeded with `seed`, so the same seed gives the same text whatever
        the number of threads. A temperature of 0 takes the likeliest token. `on_token` is called with each one.
        Raises `ArgumentError` for a vocabulary over 256, a negative temperature or a `top_k` below 1.

        >>> model = GPT(GPTConfig(width=8, layers=1, heads=2, context=16))
        >>> text = model.generate(b"ab", 20, seed=1)
        >>> len(text), text == model.generate(b"ab", 20, seed=1)
        (22, True)
        """
        if self.config.vocabulary > 256:
            raise ArgumentError(f"generate: needs a byte vocabulary (at most 256), got {self.config.vocabulary}")
        generator = np.random.default_rng(seed)
        # A model reads something before it writes: an empty prompt starts as after a line's end.
        sequence = list(prompt) or [ord("\n") % self.config.vocabulary]
        written = len(sequence) - len(prompt)
        with curta.no_grad():
            for _ in range(tokens):
                window = np.array([sequence[-self.config.context :]], dtype=np.int64)  # [1, T]
                logits = self(curta.from_numpy(window))[0, -1].float().numpy()
                token = choose(logits, temperature, top_k, generator)
                sequence.append(token)
                if on_token is not None:
                    on_token(token)
        return bytes(sequence[written:])


def choose(
    logits: npt.NDArray[np.float32], temperature: float, top_k: int | None, generator: np.random.Generator
) -> int:
    """Draw one token from float32 `logits` [vocabulary], of the `top_k` likeliest only if that is given.

    Raises `ArgumentError` for a negative temperature or a `top_k` below 1.

    >>> choose(np.array([0.0, 3.0, 1.0], dtype=np.float32), 0.0, None, np.random.default_rng(0))
    1
    """
    if temperature < 0.0 or not math.isfinite(temperature):
        raise ArgumentError(f"temperature must be zero or positive, got {temperature}")
    if top_k is not None and top_k < 1:
        raise ArgumentError(f"top_k must be at least 1, got {top_k}")
    if temperature == 0.0:
        return int(logits.argmax())
    scores = logits.astype(np.float64)
    # Shifted before the division, so that a tiny temperature gives zeros and minus infinities, not an overflow.
    with np.errstate(over="ignore"):
        scores = (scores - scores.max()) / temperature
    if top_k is not None and top_k < scores.size:
        scores[np.argsort(-scores, kind="stable")[top_k:]] = -np.inf
    probabilities = np.exp(scores)
    return int(generator.choice(scores.size, p=probabilities / probabilities.sum()))
