"""Whole models, ready to train."""

from curta.models.gpt import GPT, GPTConfig
from curta.models.llama import Llama, LlamaConfig
from curta.models.resnet import ResNet, resnet18

__all__ = ["GPT", "GPTConfig", "Llama", "LlamaConfig", "ResNet", "resnet18"]
