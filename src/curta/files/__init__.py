"""Tensors in files: safetensors, and what PyTorch's `save` writes."""

from curta.files.checkpoint import load, save
from curta.files.safetensors import SafeFile, load_file, load_metadata, safe_open, save_file

__all__ = ["SafeFile", "load", "load_file", "load_metadata", "safe_open", "save", "save_file"]
