"""Whole models, ready to train, and the configurations of well-known ones."""

from curta.models.bert import BERT, BERTConfig
from curta.models.checkpoints import translate_state_dict
from curta.models.gpt import GPT, GPTConfig
from curta.models.hugging_face import from_config
from curta.models.llama import Llama, LlamaConfig
from curta.models.presets import PRESETS, build, embedding_parameters, example_inputs, preset
from curta.models.pretrained import from_pretrained
from curta.models.resnet import ResNet, ResNetConfig, resnet18, resnet50
from curta.models.vit import ViT, ViTConfig

__all__ = [
    "BERT",
    "GPT",
    "PRESETS",
    "BERTConfig",
    "GPTConfig",
    "Llama",
    "LlamaConfig",
    "ResNet",
    "ResNetConfig",
    "ViT",
    "ViTConfig",
    "build",
    "embedding_parameters",
    "example_inputs",
    "from_config",
    "from_pretrained",
    "preset",
    "resnet18",
    "resnet50",
    "translate_state_dict",
]
