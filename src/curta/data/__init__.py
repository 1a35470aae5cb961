"""The text that `curta train` trains on, as NumPy arrays. Datasets and loaders are in `curta.utils.data`."""

from curta.data.text import Corpus, default_text, fixed_windows, random_windows, read_bytes

__all__ = ["Corpus", "default_text", "fixed_windows", "random_windows", "read_bytes"]
