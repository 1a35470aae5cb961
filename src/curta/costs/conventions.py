"""The ways in which the literature counts a model's FLOPs, side by side: MFU differs by them, up to 70 %."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from curta.autograd.state import RECOMPUTATION
from curta.costs.lines import Line
from curta.errors import ArgumentError

EXECUTED = "executed"
CAUSAL = "causal attention"
FULL = "full attention"
ALL_PARAMETERS = "N·D, all parameters"
WITHOUT_EMBEDDINGS = "N·D, without embeddings"


class Conventions:
    """Model FLOPs by convention.

    - executed: what products did, with what is done a second time to save memory (the numerator of HFU)
    - causal attention: without that; attention counts the pairs that may see each other (`model_flops`)
    - full attention: as if every query had seen every key, as PaLM's appendix B and most tables of MFU count
    - 6·N·D, all parameters: 2 for the forward and 4 for the backward pass, for each token and parameter (Kaplan et al.
      2020); 2·N·D where nothing ran backward, and 4 where nothing ran forward
    - the same without the parameters of embeddings, as Kaplan et al. do themselves
    """

    def __init__(self, lines: Sequence[Line], entered: Mapping[Any, int], tokens: int | None) -> None:
        if tokens is not None and (type(tokens) is not int or tokens < 0):
            raise ArgumentError(f"flops_by_convention: tokens must be a number of tokens, got {tokens!r}")
        self._lines = lines
        self._entered = entered
        self._tokens = tokens

    def all(self) -> dict[str, int]:
        """Every convention that can be told, by its name."""
        once = [line for line in self._lines if line.phase != RECOMPUTATION]
        found = {
            EXECUTED: sum(line.cost.model_flops + line.cost.again_flops for line in self._lines),
            CAUSAL: sum(line.cost.model_flops for line in once),
            FULL: sum(line.whole for line in once),
        }
        pairs = self._parameters_and_tokens()
        factor = 2 * self._ran("forward") + 4 * self._ran("backward")
        if pairs and factor:
            found[f"{factor}·{ALL_PARAMETERS}"] = factor * sum(root.parameters * count for root, count in pairs)
            found[f"{factor}·{WITHOUT_EMBEDDINGS}"] = factor * sum(
                (root.parameters - root.embedded) * count for root, count in pairs
            )
        return found

    def _ran(self, phase: str) -> bool:
        return any(line.phase == phase and line.cost.model_flops for line in self._lines)

    def _parameters_and_tokens(self) -> list[tuple[Any, int]]:
        """The outermost modules, and the tokens that each was given."""
        if self._tokens is None:
            return [(root, count) for root, count in self._entered.items() if count]
        return [(root, self._tokens) for root in list(self._entered)[:1]]
