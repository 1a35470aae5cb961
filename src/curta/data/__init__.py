"""Data for training, as NumPy arrays on the host."""

from curta.data.text import Corpus, default_text, fixed_windows, random_windows, read_bytes

__all__ = ["Corpus", "default_text", "fixed_windows", "random_windows", "read_bytes"]
