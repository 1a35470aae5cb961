"""Whole models, ready to train."""

from curta.models.gpt import GPT, GPTConfig

__all__ = ["GPT", "GPTConfig"]
