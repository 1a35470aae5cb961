"""Hugging Face's names of weights in ours: for GPT-2, the Llama family and BERT."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import NamedTuple

from curta import Tensor
from curta.errors import ArgumentError, UnsupportedError
from curta.models.bert import BERTConfig
from curta.models.gpt import GPTConfig
from curta.models.llama import LlamaConfig
from curta.models.presets import Config


class _Names(NamedTuple):
    """Modules by Hugging Face's names in our words, with {} for each number; None for what we do not have."""

    prefix: str
    modules: dict[str, str | None]
    #: those whose weights lie transposed
    transposed: frozenset[str] = frozenset()


_GPT2 = _Names(
    "transformer.",
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
    "model.",
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
    "bert.",
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
        # heads of the first training, which the encoder does not have
        "cls.predictions": None,
        "cls.predictions.decoder": None,
        "cls.predictions.transform.dense": None,
        "cls.predictions.transform.LayerNorm": None,
        "cls.seq_relationship": None,
    },
)

#: what the oldest checkpoints of BERT call the parameters of a normalization
_OLDER = {"gamma": "weight", "beta": "bias"}
_NUMBER = re.compile(r"(?<=\.)\d+(?=\.)")


def translate_state_dict(config: Config, state_dict: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Weights under Hugging Face's names as `load_state_dict` of a model of ours takes them; the tensors share memory.

    Names may begin with the base model's ("transformer.", "model.", "bert.") or not. What a model works out itself is
    left out: masks, frequencies, tied heads; so are the heads of BERT's first training. Raises `ArgumentError` for a
    name that means nothing here, `UnsupportedError` for a ViT or a residual network.

    >>> import curta
    >>> from curta.models import GPTConfig
    >>> translate_state_dict(GPTConfig(), {"h.3.mlp.c_fc.weight": curta.ones(128, 512)})
    {'blocks.3.feed_forward.expand.weight': tensor([[1., ...
    """
    names = _names_for(config)
    found: dict[str, Tensor] = {}
    for name, tensor in state_dict.items():
        path, _, last = name.removeprefix(names.prefix).rpartition(".")
        pattern = _NUMBER.sub("{}", f".{path}.")[1:-1]
        if pattern not in names.modules:
            raise ArgumentError(f"translate_state_dict: {name!r} is no weight of a {type(config).__name__[:-6]}")
        ours = names.modules[pattern]
        if ours is None or (pattern == "lm_head" and isinstance(config, LlamaConfig) and config.tied):
            continue
        place = ours.format(*_NUMBER.findall(f".{path}."))
        turned = pattern in names.transposed and last == "weight"
        found[f"{place}.{_OLDER.get(last, last)}"] = tensor.t() if turned else tensor
    return found


def _names_for(config: Config) -> _Names:
    if isinstance(config, GPTConfig):
        return _GPT2
    if isinstance(config, LlamaConfig):
        return _LLAMA
    if isinstance(config, BERTConfig):
        return _BERT
    raise UnsupportedError(f"translate_state_dict: the names of a {type(config).__name__[:-6]} are not known")
