"""Helpers around training, and memory shared with other frameworks."""

from curta.utils import data, dlpack
from curta.utils.checkpoint import checkpoint

__all__ = ["checkpoint", "data", "dlpack"]
