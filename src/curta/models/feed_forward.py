"""Feed-forward layers of the Llama family: SwiGLU, and a mixture of such experts."""

from __future__ import annotations

import numpy as np

import curta
from curta import Tensor, nn
from curta.autograd.state import STATE
from curta.nn import functional as F


class GatedFeedForward(nn.Module):
    """SwiGLU (Shazeer 2020): one layer, gated by the SiLU of another, and a projection back: [..., C] to [..., C]."""

    def __init__(self, width: int, hidden: int, bias: bool = False) -> None:
        super().__init__()
        self.gate = nn.Linear(width, hidden, bias)
        self.expand = nn.Linear(width, hidden, bias)
        self.projection = nn.Linear(hidden, width, bias)

    def forward(self, x: Tensor) -> Tensor:
        """Transform each position by itself."""
        return self.projection(F.silu(self.gate(x)) * self.expand(x))


class Experts(nn.Module):
    """A mixture of experts: each position goes through the `chosen` likeliest of `experts`: [B, T, C] to [B, T, C].

    The results are weighted by the router's probabilities, which sum to 1 over the experts chosen. Each expert gets the
    positions that chose it. On the meta device, where nobody knows which these are, all experts get equally many; FLOPs
    do not depend on it. A compiled program, whose shapes are fixed, sends all positions through all experts, and
    weights by 0 what was not chosen.

    >>> import curta
    >>> layer = Experts(width=4, hidden=8, experts=3, chosen=2)
    >>> layer(curta.ones(1, 5, 4)).shape
    torch.Size([1, 5, 4])
    """

    def __init__(self, width: int, hidden: int, experts: int, chosen: int) -> None:
        super().__init__()
        self.chosen = chosen
        self.router = nn.Linear(width, experts, bias=False)
        self.experts = nn.ModuleList([GatedFeedForward(width, hidden) for _ in range(experts)])

    def forward(self, x: Tensor) -> Tensor:
        """Send each position to its experts, and add up what they make of it."""
        rows = x.flatten(0, -2)  # [N, C]
        probabilities = F.softmax(self.router(rows).float(), dim=-1)  # [N, experts]
        chosen = self._likeliest(probabilities.detach())
        weights = probabilities.masked_fill(chosen.logical_not(), 0.0)
        weights = (weights / weights.sum(dim=-1, keepdim=True)).to(x.dtype)
        mixed = self._all(rows, weights) if STATE.recorder is not None else self._chosen(rows, weights, chosen)
        return mixed.to(x.dtype).reshape(x.shape)

    def _all(self, rows: Tensor, weights: Tensor) -> Tensor:
        made = [expert(rows) * weights.narrow(1, number, 1) for number, expert in enumerate(self.experts)]
        return sum(made[1:], start=made[0])

    def _chosen(self, rows: Tensor, weights: Tensor, chosen: Tensor) -> Tensor:
        made, places = [], []
        for number, expert in enumerate(self.experts):
            own = self._places(chosen, number)
            share = weights.narrow(1, number, 1).index_select(0, own)  # [n, 1]
            made.append(expert(rows.index_select(0, own)) * share)
            places.append(own)
        # every row is there as often as it chose an expert: brought together, it is added up in one go
        back = _order(curta.cat(places))
        return curta.cat(made).index_select(0, back).unflatten(0, (-1, self.chosen)).sum(dim=1)

    def _likeliest(self, probabilities: Tensor) -> Tensor:
        """Which experts each row chose, as truth values [N, experts]; the first of equally likely ones."""
        numbers = curta.arange(len(self.experts), device=probabilities.device)
        chosen = curta.zeros_like(probabilities, dtype=curta.bool)
        for _ in range(self.chosen):
            best = probabilities.argmax(dim=-1, keepdim=True) == numbers
            chosen = chosen.logical_or(best)
            probabilities = probabilities.masked_fill(best, -1.0)
        return chosen

    def _places(self, chosen: Tensor, number: int) -> Tensor:
        """The rows that go to expert `number`, as int64."""
        if not chosen.is_meta:
            return chosen.select(1, number).nonzero().squeeze(1)
        each, over = divmod(chosen.shape[0] * self.chosen, len(self.experts))
        return curta.empty(each + (number < over), dtype=curta.int64, device=chosen.device)


def _order(numbers: Tensor) -> Tensor:
    """Where the numbers are, the smallest first."""
    if numbers.is_meta:
        return curta.empty_like(numbers)
    return curta.from_numpy(np.argsort(numbers.numpy(), kind="stable"))
