"""Helpers around training."""

from curta.utils import data
from curta.utils.checkpoint import checkpoint

__all__ = ["checkpoint", "data"]
