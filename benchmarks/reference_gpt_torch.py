"""The model and recipe of `curta train` in PyTorch, for comparing losses step by step.

It shares with Curta only what has to be the same: the batches (NumPy on both sides) and, unless `--init torch` is
given, the initial weights, which Curta's own model draws. The model, the loss and the optimizer are PyTorch's.

    python benchmarks/reference_gpt_torch.py --steps 200 --dtype float32
    curta train --steps 200 --dtype float32

Both print loss (mean since the last report) and validation loss at the same steps.
"""

from __future__ import annotations

import argparse
import math
import time
from pathlib import Path

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

from curta.data import Corpus, default_text, fixed_windows, random_windows, read_bytes


class Layer(nn.Module):
    """One pre-norm layer; the attribute names are those of Curta's GPT, so that weights carry over by name."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.attention_norm = nn.LayerNorm(width)
        self.attention = nn.ModuleDict({"qkv": nn.Linear(width, 3 * width), "projection": nn.Linear(width, width)})
        self.feed_forward_norm = nn.LayerNorm(width)
        self.feed_forward = nn.ModuleDict(
            {"expand": nn.Linear(width, 4 * width), "projection": nn.Linear(4 * width, width)}
        )

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        B, T, C = x.shape
        qkv = self.attention["qkv"](self.attention_norm(x)).view(B, T, 3, self.heads, C // self.heads)
        query, key, value = qkv.permute(2, 0, 3, 1, 4).unbind(0)
        mixed = F.scaled_dot_product_attention(query, key, value, is_causal=True)
        x = x + self.attention["projection"](mixed.transpose(1, 2).reshape(B, T, C))
        hidden = F.gelu(self.feed_forward["expand"](self.feed_forward_norm(x)), approximate="tanh")
        return x + self.feed_forward["projection"](hidden)


class ReferenceGPT(nn.Module):
    """GPT-2 with tied input and output embeddings: int64 [B, T] to logits [B, T, vocabulary]."""

    def __init__(self, width: int, layers: int, heads: int, context: int, vocabulary: int = 256) -> None:
        super().__init__()
        self.token_embedding = nn.Embedding(vocabulary, width)
        self.position_embedding = nn.Embedding(context, width)
        self.blocks = nn.ModuleList([Layer(width, heads) for _ in range(layers)])
        self.final_norm = nn.LayerNorm(width)
        for name, parameter in self.named_parameters():
            if name.endswith("projection.weight"):
                nn.init.normal_(parameter, std=0.02 / math.sqrt(2 * layers))
            elif parameter.ndim >= 2:
                nn.init.normal_(parameter, std=0.02)
            elif name.endswith("bias"):
                nn.init.zeros_(parameter)

    def forward(self, tokens: torch.Tensor) -> torch.Tensor:
        x = self.token_embedding(tokens) + self.position_embedding(torch.arange(tokens.shape[1]))
        for block in self.blocks:
            x = block(x)
        return F.linear(self.final_norm(x), self.token_embedding.weight)


def curta_weights(options: argparse.Namespace) -> dict[str, torch.Tensor]:
    """The initial weights that `curta train` draws for these options."""
    import curta
    from curta.models import GPT, GPTConfig

    curta.manual_seed(options.seed)
    config = GPTConfig(width=options.width, layers=options.layers, heads=options.heads, context=options.context)
    model = GPT(config)
    return {name: torch.from_numpy(np.array(p.detach().numpy())) for name, p in model.named_parameters()}


def learning_rate_at(step: int, steps: int, highest: float) -> float:
    """Linear warm-up over a tenth of the steps (100 at most), then a cosine down to a tenth."""
    warm_up = min(100, max(1, steps // 10))
    if step < warm_up:
        return highest * (step + 1) / warm_up
    progress = (step - warm_up) / max(1, steps - 1 - warm_up)
    return highest * (0.1 + 0.45 * (1.0 + math.cos(math.pi * progress)))


def parse() -> argparse.Namespace:
    """The options that the two programs share, with the same defaults."""
    from curta.cli.options import TrainOptions

    default = TrainOptions()
    parser = argparse.ArgumentParser(description="The model and recipe of `curta train` in PyTorch.")
    for name in ("width", "layers", "heads", "context", "batch", "steps", "seed", "report_every"):
        parser.add_argument("--" + name.replace("_", "-"), type=int, default=getattr(default, name))
    parser.add_argument("--learning-rate", type=float, default=default.learning_rate)
    parser.add_argument("--dtype", choices=("float32", "bfloat16"), default=default.dtype)
    parser.add_argument("--data", type=Path)
    parser.add_argument("--threads", type=int)
    parser.add_argument("--init", choices=("curta", "torch"), default="curta", help="who draws the initial weights")
    return parser.parse_args()


class Masters:
    """Float32 copies of bfloat16 weights, as `curta.amp.MasterWeights`; float32 weights are their own copies."""

    def __init__(self, model: nn.Module) -> None:
        self.weights = list(model.parameters())
        self.copies = [w if w.dtype == torch.float32 else w.detach().float().requires_grad_() for w in self.weights]

    def gather(self) -> None:
        for weight, copy in zip(self.weights, self.copies, strict=True):
            if copy is not weight and weight.grad is not None:
                copy.grad, weight.grad = weight.grad.float(), None

    @torch.no_grad()
    def scatter(self) -> None:
        for weight, copy in zip(self.weights, self.copies, strict=True):
            if copy is not weight:
                weight.copy_(copy)


def loss_of(model: nn.Module, batch: tuple[np.ndarray, np.ndarray]) -> torch.Tensor:
    """Mean cross entropy in nats a byte."""
    logits = model(torch.from_numpy(batch[0]))
    return F.cross_entropy(logits.float().view(-1, 256), torch.from_numpy(batch[1]).view(-1))


def build(options: argparse.Namespace) -> tuple[ReferenceGPT, Masters, torch.optim.Optimizer]:
    """The model with its initial weights, its float32 copies, and AdamW on them."""
    torch.manual_seed(options.seed)
    model = ReferenceGPT(options.width, options.layers, options.heads, options.context)
    if options.init == "curta":
        model.load_state_dict(curta_weights(options))
    model.to(getattr(torch, options.dtype))
    masters = Masters(model)
    groups = [
        {"params": [p for p in masters.copies if p.ndim >= 2], "weight_decay": 0.1},
        {"params": [p for p in masters.copies if p.ndim < 2], "weight_decay": 0.0},
    ]
    return model, masters, torch.optim.AdamW(groups, lr=options.learning_rate, betas=(0.9, 0.95))


def main() -> None:
    """Train, printing one line per report."""
    options = parse()
    if options.threads:
        torch.set_num_threads(options.threads)
    corpus = Corpus.split(read_bytes(options.data) if options.data else default_text())
    model, masters, optimizer = build(options)
    generator = np.random.default_rng(options.seed)
    validation = fixed_windows(corpus.validation, 8, options.batch, options.context, options.seed)
    losses: list[float] = []
    seconds = 0.0
    for step in range(options.steps + 1):
        if step % options.report_every == 0 or step == options.steps:
            with torch.no_grad():
                value = sum(loss_of(model, batch).item() for batch in validation) / len(validation)
            mean = f"{sum(losses) / len(losses):.4f}" if losses else "-"
            print(f"step {step}/{options.steps}  loss {mean}  validation {value:.4f}  {seconds:.1f} s", flush=True)
            losses = []
        if step == options.steps:
            break
        start = time.perf_counter()
        for group in optimizer.param_groups:
            group["lr"] = learning_rate_at(step, options.steps, options.learning_rate)
        loss = loss_of(model, random_windows(corpus.training, options.batch, options.context, generator))
        loss.backward()
        masters.gather()
        nn.utils.clip_grad_norm_(masters.copies, 1.0)
        optimizer.step()
        masters.scatter()
        optimizer.zero_grad()
        model.zero_grad()
        losses.append(loss.item())
        seconds += time.perf_counter() - start


if __name__ == "__main__":
    main()
