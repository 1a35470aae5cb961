"""Training in half precision."""

from curta.amp.master import MasterWeights

__all__ = ["MasterWeights"]
