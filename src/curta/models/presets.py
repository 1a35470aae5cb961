"""Configurations of well-known models by name, and what to do with any configuration."""

from __future__ import annotations

from math import prod
from typing import NamedTuple

import curta
from curta import Tensor, nn
from curta.errors import ArgumentError, ArgumentTypeError
from curta.models.bert import BERT, BERTConfig
from curta.models.gpt import GPT, GPTConfig
from curta.models.llama import Llama, LlamaConfig
from curta.models.resnet import ResNet, ResNetConfig
from curta.models.vit import ViT, ViTConfig

Config = GPTConfig | LlamaConfig | BERTConfig | ViTConfig | ResNetConfig
Model = GPT | Llama | BERT | ViT | ResNet


class Preset(NamedTuple):
    """A configuration, and where its numbers are published."""

    config: Config
    source: str


PRESETS: dict[str, Preset] = {
    "gpt2": Preset(
        GPTConfig(vocabulary=50257, width=768, layers=12, heads=12, context=1024),
        "https://huggingface.co/openai-community/gpt2/blob/main/config.json",
    ),
    "gpt2-xl": Preset(
        GPTConfig(vocabulary=50257, width=1600, layers=48, heads=25, context=1024),
        "https://huggingface.co/openai-community/gpt2-xl/blob/main/config.json",
    ),
    "llama-2-7b": Preset(
        LlamaConfig(
            vocabulary=32000, width=4096, layers=32, heads=32, key_value_heads=32, head_width=128,
            feed_forward_width=11008, context=4096, norm_epsilon=1e-5, rotary_base=10000.0,
        ),
        "https://huggingface.co/meta-llama/Llama-2-7b-hf/blob/main/config.json",
    ),
    "llama-3-8b": Preset(
        LlamaConfig(
            vocabulary=128256, width=4096, layers=32, heads=32, key_value_heads=8, head_width=128,
            feed_forward_width=14336, context=8192, norm_epsilon=1e-5, rotary_base=500000.0,
        ),
        "https://huggingface.co/meta-llama/Meta-Llama-3-8B/blob/main/config.json",
    ),
    "llama-3-70b": Preset(
        LlamaConfig(
            vocabulary=128256, width=8192, layers=80, heads=64, key_value_heads=8, head_width=128,
            feed_forward_width=28672, context=8192, norm_epsilon=1e-5, rotary_base=500000.0,
        ),
        "https://huggingface.co/meta-llama/Meta-Llama-3-70B/blob/main/config.json",
    ),
    "mistral-7b": Preset(
        LlamaConfig(
            vocabulary=32000, width=4096, layers=32, heads=32, key_value_heads=8, head_width=128,
            feed_forward_width=14336, context=32768, norm_epsilon=1e-5, rotary_base=10000.0, window=4096,
        ),
        "https://huggingface.co/mistralai/Mistral-7B-v0.1/blob/main/config.json",
    ),
    "mixtral-8x7b": Preset(
        LlamaConfig(
            vocabulary=32000, width=4096, layers=32, heads=32, key_value_heads=8, head_width=128,
            feed_forward_width=14336, context=32768, norm_epsilon=1e-5, rotary_base=1000000.0, experts=8,
            experts_per_token=2,
        ),
        "https://huggingface.co/mistralai/Mixtral-8x7B-v0.1/blob/main/config.json",
    ),
    "resnet50": Preset(
        ResNetConfig(blocks=(3, 4, 6, 3), classes=1000, width=64, bottleneck=True),
        "https://huggingface.co/microsoft/resnet-50/blob/main/config.json",
    ),
    "vit-b-16": Preset(
        ViTConfig(
            image=224, patch=16, channels=3, width=768, layers=12, heads=12, feed_forward_width=3072, classes=1000,
            norm_epsilon=1e-6,
        ),
        "https://docs.pytorch.org/vision/stable/models/generated/torchvision.models.vit_b_16.html",
    ),
    "bert-base": Preset(
        BERTConfig(
            vocabulary=30522, width=768, layers=12, heads=12, feed_forward_width=3072, context=512, types=2,
            norm_epsilon=1e-12,
        ),
        "https://huggingface.co/google-bert/bert-base-uncased/blob/main/config.json",
    ),
}  # fmt: skip


def preset(name: str) -> Config:
    """The configuration of a well-known model; ArgumentError for a name that is not in `PRESETS`.

    >>> preset("llama-3-8b").vocabulary
    128256
    """
    if name not in PRESETS:
        raise ArgumentError(f"unknown preset {name!r}, there are {', '.join(PRESETS)}")
    return PRESETS[name].config


def build(config: Config) -> Model:
    """A model of this configuration, newly initialised, on the default device; ArgumentTypeError for anything else.

    >>> import curta
    >>> with curta.device("meta"):
    ...     model = build(preset("llama-3-70b"))
    >>> f"{model.num_parameters():,}"
    '70,553,706,496'
    """
    if isinstance(config, ResNetConfig):
        return ResNet(config.blocks, config.classes, config.width, config.small_images, config.bottleneck)
    if isinstance(config, GPTConfig):
        return GPT(config)
    if isinstance(config, LlamaConfig):
        return Llama(config)
    if isinstance(config, BERTConfig):
        return BERT(config)
    if isinstance(config, ViTConfig):
        return ViT(config)
    raise ArgumentTypeError(f"build: expected the configuration of a model, got {type(config).__name__}")


def example_inputs(config: Config, batch: int = 1, context: int | None = None) -> tuple[Tensor, ...]:
    """What a model of this configuration is called with, on the default device: numbers that differ, always the same.

    For text tokens, int64 [batch, context]; the context is the configuration's if left out. For images float32
    [batch, channels, size, size], 224 x 224 for a residual network. Raises `ArgumentError` where batch or context is
    not positive, for a context that the model cannot hold, and for one of images.

    >>> import curta
    >>> with curta.device("meta"):
    ...     (tokens,) = example_inputs(preset("gpt2"), batch=2)
    >>> tokens.shape
    torch.Size([2, 1024])
    """
    for name, size in (("batch", batch), ("context", context)):
        if size is not None and size <= 0:
            raise ArgumentError(f"example_inputs: {name} must be positive, got {size}")
    if isinstance(config, ViTConfig | ResNetConfig):
        if context is not None:
            raise ArgumentError(f"example_inputs: images have no context, got {context}")
        side, channels = (config.image, config.channels) if isinstance(config, ViTConfig) else (224, 3)
        return (_counted(batch, channels, side, side).remainder(255).float() / 127 - 1,)
    longest = config.longest if isinstance(config, BERTConfig) else config.context
    length = longest if context is None else context
    if isinstance(config, GPTConfig | BERTConfig) and length > longest:
        raise ArgumentError(f"example_inputs: the context holds {longest} tokens, got {length}")
    return (_counted(batch, length).remainder(config.vocabulary),)


def _counted(*shape: int) -> Tensor:
    return curta.arange(prod(shape)).view(*shape)


def embedding_parameters(model: nn.Module) -> int:
    """How many of the parameters are embeddings of tokens, positions and types, with the class token of a ViT.

    These are what is left out of the parameters N where a training step is said to cost 6 N FLOPs a token. A head that
    is tied to the token embedding goes with it.

    >>> import curta
    >>> with curta.device("meta"):
    ...     model = build(preset("gpt2"))
    >>> embedding_parameters(model) == 50257 * 768 + 1024 * 768
    True
    """
    found = {id(one.weight): one.weight for one in model.modules() if isinstance(one, nn.Embedding)}
    if isinstance(model, ViT):
        found |= {id(one): one for one in (model.class_token, model.position_embedding)}
    return sum(weight.numel() for weight in found.values())
