"""Signals, as `torch.signal`: their windows."""

from curta.signal import windows

__all__ = ["windows"]
