"""The text that `curta train` trains on, as NumPy arrays; datasets and loaders are those of `curta.utils.data`."""

from curta.data.text import Corpus, default_text, fixed_windows, random_windows, read_bytes
from curta.utils import data

__all__ = ["Corpus", "default_text", "fixed_windows", "random_windows", "read_bytes"]


def __getattr__(name: str) -> object:
    """A name of `curta.utils.data`."""
    if name in data.__all__:
        return getattr(data, name)
    raise AttributeError(f"module 'curta.data' has no attribute {name!r}")
