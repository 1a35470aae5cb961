"""Hugging Face's names of weights in ours."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import NamedTuple

from curta import Tensor
from curta.errors import ArgumentError, ArgumentTypeError
from curta.files.content import shown
from curta.models.bert import BERTConfig
from curta.models.gpt import GPTConfig
from curta.models.llama import LlamaConfig
from curta.models.presets import Config
from curta.models.resnet import ResNetConfig
from curta.models.vit import ViTConfig


class _Names(NamedTuple):
    """Modules by Hugging Face's names in our words, with {} for each number; None for what we do not have.

    {next[0]} is one more than the first number.
    """

    prefixes: tuple[str, ...]
    modules: dict[str, str | None]
    #: those whose weights lie transposed
    transposed: frozenset[str] = frozenset()
    #: parameters that stand beside modules
    parameters: dict[str, str | None] = {}  # noqa: RUF012 - never written to


_GPT2 = _Names(
    ("transformer.",),
    {
        "wte": "token_embedding",
        "wpe": "position_embedding",
        "h.{}.ln_1": "blocks.{}.attention_norm",
        "h.{}.attn": None,  # the causal mask
        "h.{}.attn.c_attn": "blocks.{}.attention.qkv",
        "h.{}.attn.c_proj": "blocks.{}.attention.projection",
        "h.{}.ln_2": "blocks.{}.feed_forward_norm",
        "h.{}.mlp.c_fc": "blocks.{}.feed_forward.expand",
        "h.{}.mlp.c_proj": "blocks.{}.feed_forward.projection",
        "ln_f": "final_norm",
        "lm_head": None,  # tied to wte
    },
    frozenset({"h.{}.attn.c_attn", "h.{}.attn.c_proj", "h.{}.mlp.c_fc", "h.{}.mlp.c_proj"}),
)

_LLAMA = _Names(
    ("model.",),
    {
        "embed_tokens": "token_embedding",
        "layers.{}.input_layernorm": "blocks.{}.attention_norm",
        "layers.{}.self_attn.q_proj": "blocks.{}.attention.query",
        "layers.{}.self_attn.k_proj": "blocks.{}.attention.key",
        "layers.{}.self_attn.v_proj": "blocks.{}.attention.value",
        "layers.{}.self_attn.o_proj": "blocks.{}.attention.projection",
        "layers.{}.self_attn.rotary_emb": None,  # the frequencies, which follow from the configuration
        "layers.{}.post_attention_layernorm": "blocks.{}.feed_forward_norm",
        "layers.{}.mlp.gate_proj": "blocks.{}.feed_forward.gate",
        "layers.{}.mlp.up_proj": "blocks.{}.feed_forward.expand",
        "layers.{}.mlp.down_proj": "blocks.{}.feed_forward.projection",
        "layers.{}.block_sparse_moe.gate": "blocks.{}.feed_forward.router",
        "layers.{}.block_sparse_moe.experts.{}.w1": "blocks.{}.feed_forward.experts.{}.gate",
        "layers.{}.block_sparse_moe.experts.{}.w3": "blocks.{}.feed_forward.experts.{}.expand",
        "layers.{}.block_sparse_moe.experts.{}.w2": "blocks.{}.feed_forward.experts.{}.projection",
        "norm": "final_norm",
        "lm_head": "head",
    },
)

_BERT = _Names(
    ("bert.", "roberta.", "distilbert."),
    {
        "embeddings": None,  # the numbers of the positions
        "embeddings.word_embeddings": "token_embedding",
        "embeddings.position_embeddings": "position_embedding",
        "embeddings.token_type_embeddings": "type_embedding",
        "embeddings.LayerNorm": "embedding_norm",
        "encoder.layer.{}.attention.self.query": "blocks.{}.attention.query",
        "encoder.layer.{}.attention.self.key": "blocks.{}.attention.key",
        "encoder.layer.{}.attention.self.value": "blocks.{}.attention.value",
        "encoder.layer.{}.attention.output.dense": "blocks.{}.attention.projection",
        "encoder.layer.{}.attention.output.LayerNorm": "blocks.{}.attention_norm",
        "encoder.layer.{}.intermediate.dense": "blocks.{}.feed_forward.expand",
        "encoder.layer.{}.output.dense": "blocks.{}.feed_forward.projection",
        "encoder.layer.{}.output.LayerNorm": "blocks.{}.feed_forward_norm",
        "pooler.dense": "pooler",
        # what DistilBERT calls them
        "transformer.layer.{}.attention.q_lin": "blocks.{}.attention.query",
        "transformer.layer.{}.attention.k_lin": "blocks.{}.attention.key",
        "transformer.layer.{}.attention.v_lin": "blocks.{}.attention.value",
        "transformer.layer.{}.attention.out_lin": "blocks.{}.attention.projection",
        "transformer.layer.{}.sa_layer_norm": "blocks.{}.attention_norm",
        "transformer.layer.{}.ffn.lin1": "blocks.{}.feed_forward.expand",
        "transformer.layer.{}.ffn.lin2": "blocks.{}.feed_forward.projection",
        "transformer.layer.{}.output_layer_norm": "blocks.{}.feed_forward_norm",
        # heads of the first training and of later ones, which the encoder does not have
        "cls.predictions": None,
        "cls.predictions.decoder": None,
        "cls.predictions.transform.dense": None,
        "cls.predictions.transform.LayerNorm": None,
        "cls.seq_relationship": None,
        "lm_head": None,
        "lm_head.dense": None,
        "lm_head.layer_norm": None,
        "lm_head.decoder": None,
        "vocab_transform": None,
        "vocab_layer_norm": None,
        "vocab_projector": None,
        "pre_classifier": None,
        "classifier": None,
        "classifier.dense": None,
        "classifier.out_proj": None,
        "qa_outputs": None,
    },
)

_VIT = _Names(
    ("vit.",),
    {
        "embeddings.patch_embeddings.projection": "patch_projection",
        "encoder.layer.{}.layernorm_before": "blocks.{}.attention_norm",
        "encoder.layer.{}.attention.attention.query": "blocks.{}.attention.query",
        "encoder.layer.{}.attention.attention.key": "blocks.{}.attention.key",
        "encoder.layer.{}.attention.attention.value": "blocks.{}.attention.value",
        "encoder.layer.{}.attention.output.dense": "blocks.{}.attention.projection",
        "encoder.layer.{}.layernorm_after": "blocks.{}.feed_forward_norm",
        "encoder.layer.{}.intermediate.dense": "blocks.{}.feed_forward.expand",
        "encoder.layer.{}.output.dense": "blocks.{}.feed_forward.projection",
        "layernorm": "final_norm",
        "classifier": "head",
        "pooler.dense": None,  # which the scores of classes do not pass
    },
    parameters={
        "embeddings.cls_token": "class_token",
        "embeddings.position_embeddings": "position_embedding",
        "embeddings.mask_token": None,  # of the first training
    },
)

_RESNET = _Names(
    ("resnet.",),
    {
        "embedder.embedder.convolution": "conv1",
        "embedder.embedder.normalization": "bn1",
        "encoder.stages.{}.layers.{}.layer.{}.convolution": "layer{next[0]}.{1}.conv{next[2]}",
        "encoder.stages.{}.layers.{}.layer.{}.normalization": "layer{next[0]}.{1}.bn{next[2]}",
        "encoder.stages.{}.layers.{}.shortcut.convolution": "layer{next[0]}.{1}.downsample.0",
        "encoder.stages.{}.layers.{}.shortcut.normalization": "layer{next[0]}.{1}.downsample.1",
        "classifier.{}": "fc",
    },
)

#: what the oldest checkpoints of BERT call the parameters of a normalization
_OLDER = {"gamma": "weight", "beta": "bias"}
_NUMBER = re.compile(r"(?<=\.)\d+(?=\.)")


def translate_state_dict(config: Config, state_dict: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Weights under Hugging Face's names as `load_state_dict` of a model of ours takes them; the tensors share memory.

    Names may begin with the base model's ("transformer.", "model.", "bert.", "roberta.", "distilbert.", "vit.",
    "resnet.") or not. What a model works out itself is left out: masks, frequencies, tied heads; so are the heads of an
    encoder of text, of its first training and of later ones. Raises
    `ArgumentError` for a name that means nothing here, and for two that mean the same.

    >>> import curta
    >>> from curta.models import GPTConfig
    >>> translate_state_dict(GPTConfig(), {"h.3.mlp.c_fc.weight": curta.ones(128, 512)})
    {'blocks.3.feed_forward.expand.weight': tensor([[1., ...
    """
    return translated("translate_state_dict", config, state_dict)


def translated(where: str, config: Config, state_dict: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """What `translate_state_dict` gives; messages begin with `where`."""
    names = _names_for(config)
    found: dict[str, Tensor] = {}
    for name, tensor in state_dict.items():
        prefix = next((one for one in names.prefixes if name.startswith(one)), "")
        path, _, last = name.removeprefix(prefix).rpartition(".")
        pattern = _NUMBER.sub("{}", f".{path}.")[1:-1]
        whole = f"{pattern}.{last}"
        if whole not in names.parameters and pattern not in names.modules:
            raise ArgumentError(f"{where}: {shown(name)} is no weight of a {type(config).__name__[:-6]}")
        if whole in names.parameters:
            place = names.parameters[whole]
        else:
            module = names.modules[pattern]
            place = None if module is None else f"{module}.{_OLDER.get(last, last)}"
        if place is None or (pattern == "lm_head" and isinstance(config, LlamaConfig) and config.tied):
            continue
        numbers = [int(number) for number in _NUMBER.findall(f".{path}.")]
        ours = place.format(*numbers, next=[number + 1 for number in numbers])
        if ours in found:
            raise ArgumentError(f"{where}: {shown(name)} is there a second time, under another name")
        found[ours] = tensor.t() if pattern in names.transposed and last == "weight" and tensor.ndim == 2 else tensor
    return found


def _names_for(config: Config) -> _Names:
    for kind, names in _BY_CONFIG.items():
        if isinstance(config, kind):
            return names
    raise ArgumentTypeError(f"expected the configuration of a model, got {type(config).__name__}")


_BY_CONFIG: dict[type, _Names] = {
    GPTConfig: _GPT2, LlamaConfig: _LLAMA, BERTConfig: _BERT, ViTConfig: _VIT, ResNetConfig: _RESNET,
}  # fmt: skip
