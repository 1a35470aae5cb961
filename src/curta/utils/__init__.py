"""Helpers around training."""

from curta.utils.checkpoint import checkpoint

__all__ = ["checkpoint"]
