"""Configurations from Hugging Face's `config.json`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from curta.errors import ArgumentError, ArgumentTypeError, UnsupportedError
from curta.models.bert import BERTConfig
from curta.models.encoder import ACTIVATIONS
from curta.models.fields import Fields
from curta.models.gpt import GPTConfig
from curta.models.llama import LlamaConfig
from curta.models.presets import Config
from curta.models.resnet import EXPANSION, ResNetConfig
from curta.models.rotary import LinearScaling, Llama3Scaling, RotaryScaling
from curta.models.vit import ViTConfig


def from_config(fields: Mapping[str, Any]) -> Config:
    """The configuration that a Hugging Face `config.json` describes; `fields` is what `json.load` gives.

    `model_type` is one of gpt2, llama, mistral, mixtral, bert, roberta, xlm-roberta, camembert, distilbert, vit and
    resnet. What changes what a model computes is
    read or refused; how it is trained (dropout, initialisation, padding), stored and generated from is not looked at.

    Raises `ArgumentError` for a field that is missing, out of range or does not fit another, `ArgumentTypeError` for
    one of another type, `UnsupportedError` for one that asks for what Curta's models do not have. All name the field.

    >>> from_config({"model_type": "gpt2", "vocab_size": 100, "n_embd": 32, "n_layer": 2, "n_head": 4})
    Traceback (most recent call last):
    curta.errors.ArgumentError: config.json: n_positions is missing
    """
    if not isinstance(fields, Mapping):
        raise ArgumentTypeError(f"config.json: must be a JSON object, got {type(fields).__name__}")
    if "model_type" not in fields:
        raise ArgumentError("config.json: model_type is missing")
    kind = fields["model_type"]
    read = _READERS.get(kind) if isinstance(kind, str) else None
    if read is None:
        raise UnsupportedError(f"config.json: model_type {kind!r} is not supported, {', '.join(_READERS)} are")
    given = Fields(fields)
    given.only("quantization_config", None)
    return read(given)


def _gpt2(given: Fields) -> GPTConfig:
    given.only("activation_function", "gelu_new", "gelu_pytorch_tanh")
    given.only("layer_norm_epsilon", 1e-5)
    for name in ("scale_attn_weights", "tie_word_embeddings"):
        given.only(name, True)
    for name in ("scale_attn_by_inverse_layer_idx", "add_cross_attention"):
        given.only(name, False)
    width, heads = given.size("n_embd"), given.size("n_head")
    given.check_divides("n_embd", "n_head")
    given.only("n_inner", None, 4 * width)
    return GPTConfig(given.size("vocab_size"), width, given.size("n_layer"), heads, given.size("n_positions"))


def _llama(given: Fields, epsilon: float = 1e-6, base: float = 10000.0, **more: Any) -> LlamaConfig:
    """What the family has in common: `epsilon` and `base` hold where the file names none, `more` only some have."""
    given.only("hidden_act", "silu")
    given.only("partial_rotary_factor", 1.0, None)
    heads = given.size("num_attention_heads")
    shared = more.pop("key_value_heads", None) or given.size("num_key_value_heads", heads)
    head_width = given.optional_size("head_dim")
    if head_width is None:
        given.check_divides("hidden_size", "num_attention_heads")
        head_width = given.size("hidden_size") // heads
    if heads % shared:
        given.check_divides("num_attention_heads", "num_key_value_heads")
    if head_width % 2:
        raise ArgumentError(f"config.json: the width of a head (head_dim) must be even, got {head_width}")
    base, scaling = _rotary(given, base)
    return LlamaConfig(
        vocabulary=given.size("vocab_size"), width=given.size("hidden_size"), layers=given.size("num_hidden_layers"),
        heads=heads, key_value_heads=shared, head_width=head_width,
        feed_forward_width=given.size("intermediate_size"), context=given.size("max_position_embeddings"),
        norm_epsilon=given.number("rms_norm_eps", epsilon), rotary_base=base, rotary_scaling=scaling,
        tied=given.flag("tie_word_embeddings", False), **more,
    )  # fmt: skip


def _plain_llama(given: Fields) -> LlamaConfig:
    return _llama(
        given, attention_bias=given.flag("attention_bias", False), feed_forward_bias=given.flag("mlp_bias", False)
    )


def _mistral(given: Fields) -> LlamaConfig:
    window = given.optional_size("sliding_window", 4096)
    return _llama(given, key_value_heads=given.size("num_key_value_heads"), window=window)


def _mixtral(given: Fields) -> LlamaConfig:
    experts, chosen = given.size("num_local_experts"), given.size("num_experts_per_tok")
    if chosen > experts:
        raise ArgumentError(
            f"config.json: num_experts_per_tok must not be above num_local_experts, got {chosen} and {experts}"
        )
    window, shared = given.optional_size("sliding_window"), given.size("num_key_value_heads")
    return _llama(
        given, epsilon=1e-5, base=1e6, key_value_heads=shared, window=window, experts=experts, experts_per_token=chosen
    )


def _rotary(given: Fields, default: float) -> tuple[float, RotaryScaling | None]:
    """The base and the scaling, in `rope_theta` and `rope_scaling` or, in newer files, both in `rope_parameters`."""
    newer = given.inner("rope_parameters")
    inner = given.inner("rope_scaling") if newer is None else newer
    base = (given if newer is None else newer).number("rope_theta", default)
    if inner is None:
        return base, None
    place = "rope_type" if inner.has("rope_type") else "type"
    kind = inner.text(place)
    if kind == "default":
        return base, None
    if kind == "linear":
        return base, LinearScaling(inner.number("factor"))
    if kind != "llama3":
        raise UnsupportedError(f"{inner.name(place)} {kind!r} is not supported, default, linear and llama3 are")
    low, high = inner.number("low_freq_factor"), inner.number("high_freq_factor")
    if low >= high:
        raise ArgumentError(f"{inner.name('low_freq_factor')} must be below high_freq_factor, got {low} and {high}")
    return base, Llama3Scaling(inner.number("factor"), low, high, inner.size("original_max_position_embeddings"))


def _bert(given: Fields, padding: int | None = None) -> BERTConfig:
    given.only("hidden_act", *ACTIVATIONS)
    given.only("position_embedding_type", "absolute", None)
    for name in ("is_decoder", "add_cross_attention"):
        given.only(name, False)
    given.check_divides("hidden_size", "num_attention_heads")
    return BERTConfig(
        vocabulary=given.size("vocab_size"), width=given.size("hidden_size"), layers=given.size("num_hidden_layers"),
        heads=given.size("num_attention_heads"), feed_forward_width=given.size("intermediate_size"),
        context=given.size("max_position_embeddings"), types=given.size("type_vocab_size"),
        norm_epsilon=given.number("layer_norm_eps", 1e-12), activation=given.text("hidden_act", "gelu"),
        padding=padding,
    )  # fmt: skip


def _roberta(given: Fields) -> BERTConfig:
    padding = given.token("pad_token_id", 1)
    if padding >= given.size("vocab_size") or padding + 1 >= given.size("max_position_embeddings"):
        raise ArgumentError(
            f"{given.name('pad_token_id')} must be a token with room for positions behind it, got {padding} with a "
            f"vocab_size of {given.size('vocab_size')} and max_position_embeddings of "
            f"{given.size('max_position_embeddings')}"
        )
    return _bert(given, padding)


def _distilbert(given: Fields) -> BERTConfig:
    given.only("activation", *ACTIVATIONS)
    given.check_divides("dim", "n_heads")
    return BERTConfig(
        vocabulary=given.size("vocab_size"), width=given.size("dim"), layers=given.size("n_layers"),
        heads=given.size("n_heads"), feed_forward_width=given.size("hidden_dim"),
        context=given.size("max_position_embeddings"), types=0, pooled=False,
        activation=given.text("activation", "gelu"),
    )  # fmt: skip


def _vit(given: Fields) -> ViTConfig:
    given.only("hidden_act", "gelu")
    given.check_divides("hidden_size", "num_attention_heads")
    given.check_divides("image_size", "patch_size")
    return ViTConfig(
        image=given.size("image_size"), patch=given.size("patch_size"), channels=given.size("num_channels"),
        width=given.size("hidden_size"), layers=given.size("num_hidden_layers"),
        heads=given.size("num_attention_heads"), feed_forward_width=given.size("intermediate_size"),
        classes=given.classes(), norm_epsilon=given.number("layer_norm_eps", 1e-12),
        attention_bias=given.flag("qkv_bias", True),
    )  # fmt: skip


def _resnet(given: Fields) -> ResNetConfig:
    given.only("hidden_act", "relu")
    given.only("num_channels", 3)
    for name in ("downsample_in_first_stage", "downsample_in_bottleneck"):
        given.only(name, False)
    given.only("layer_type", "basic", "bottleneck")
    bottleneck, width = given.text("layer_type") == "bottleneck", given.size("embedding_size")
    depths, widths = given.four_sizes("depths"), given.four_sizes("hidden_sizes")
    expected = tuple((width * EXPANSION if bottleneck else width) << stage for stage in range(4))
    if widths != expected:
        raise UnsupportedError(
            f"config.json: hidden_sizes {list(widths)} is not supported: with embedding_size {width} stages are "
            f"{list(expected)} wide"
        )
    return ResNetConfig(blocks=depths, classes=given.classes(), width=width, bottleneck=bottleneck)


_READERS: dict[str, Callable[[Fields], Config]] = {
    "gpt2": _gpt2,
    "llama": _plain_llama,
    "mistral": _mistral,
    "mixtral": _mixtral,
    "bert": _bert,
    "roberta": _roberta,
    "xlm-roberta": _roberta,
    "camembert": _roberta,
    "distilbert": _distilbert,
    "vit": _vit,
    "resnet": _resnet,
}
