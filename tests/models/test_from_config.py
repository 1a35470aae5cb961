"""What `config.json` files of well-known models say, field by field, and what is refused in which words."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from curta.errors import ArgumentError, ArgumentTypeError, UnsupportedError
from curta.models import from_config, preset
from curta.models.rotary import LinearScaling, Llama3Scaling

GPT2 = {
    "activation_function": "gelu_new", "attn_pdrop": 0.1, "bos_token_id": 50256, "embd_pdrop": 0.1,
    "initializer_range": 0.02, "layer_norm_epsilon": 1e-05, "model_type": "gpt2", "n_ctx": 1024, "n_embd": 768,
    "n_head": 12, "n_layer": 12, "n_positions": 1024, "resid_pdrop": 0.1, "vocab_size": 50257,
}  # fmt: skip
LLAMA2 = {
    "hidden_act": "silu", "hidden_size": 4096, "initializer_range": 0.02, "intermediate_size": 11008,
    "max_position_embeddings": 4096, "model_type": "llama", "num_attention_heads": 32, "num_hidden_layers": 32,
    "num_key_value_heads": 32, "pretraining_tp": 1, "rms_norm_eps": 1e-05, "rope_scaling": None,
    "tie_word_embeddings": False, "torch_dtype": "float16", "use_cache": True, "vocab_size": 32000,
}  # fmt: skip
LLAMA3 = LLAMA2 | {
    "attention_bias": False, "intermediate_size": 14336, "max_position_embeddings": 8192, "num_key_value_heads": 8,
    "rope_theta": 500000.0, "vocab_size": 128256,
}  # fmt: skip
MISTRAL = {
    "hidden_act": "silu", "hidden_size": 4096, "intermediate_size": 14336, "max_position_embeddings": 32768,
    "model_type": "mistral", "num_attention_heads": 32, "num_hidden_layers": 32, "num_key_value_heads": 8,
    "rms_norm_eps": 1e-05, "rope_theta": 10000.0, "sliding_window": 4096, "tie_word_embeddings": False,
    "vocab_size": 32000,
}  # fmt: skip
MIXTRAL = MISTRAL | {
    "model_type": "mixtral", "num_experts_per_tok": 2, "num_local_experts": 8, "output_router_logits": False,
    "rope_theta": 1000000.0, "router_aux_loss_coef": 0.02, "sliding_window": None,
}  # fmt: skip
BERT = {
    "hidden_act": "gelu", "hidden_dropout_prob": 0.1, "hidden_size": 768, "intermediate_size": 3072,
    "layer_norm_eps": 1e-12, "max_position_embeddings": 512, "model_type": "bert", "num_attention_heads": 12,
    "num_hidden_layers": 12, "pad_token_id": 0, "position_embedding_type": "absolute", "type_vocab_size": 2,
    "vocab_size": 30522,
}  # fmt: skip
DISTILBERT = {
    "activation": "gelu", "dim": 768, "dropout": 0.1, "hidden_dim": 3072, "max_position_embeddings": 512,
    "model_type": "distilbert", "n_heads": 12, "n_layers": 6, "pad_token_id": 0, "sinusoidal_pos_embds": False,
    "vocab_size": 30522,
}  # fmt: skip
LABELS = {str(number): f"class {number}" for number in range(1000)}
VIT = {
    "hidden_act": "gelu", "hidden_size": 768, "id2label": LABELS, "image_size": 224, "intermediate_size": 3072,
    "layer_norm_eps": 1e-12, "model_type": "vit", "num_attention_heads": 12, "num_channels": 3,
    "num_hidden_layers": 12, "patch_size": 16, "qkv_bias": True,
}  # fmt: skip
RESNET = {
    "depths": [3, 4, 6, 3], "downsample_in_first_stage": False, "embedding_size": 64, "hidden_act": "relu",
    "hidden_sizes": [256, 512, 1024, 2048], "id2label": LABELS, "layer_type": "bottleneck", "model_type": "resnet",
    "num_channels": 3,
}  # fmt: skip

PUBLISHED: dict[str, dict[str, Any]] = {
    "gpt2": GPT2,
    "gpt2-xl": GPT2 | {"n_embd": 1600, "n_head": 25, "n_layer": 48},
    "llama-2-7b": LLAMA2,
    "llama-3-8b": LLAMA3,
    "llama-3-70b": LLAMA3
    | {"hidden_size": 8192, "intermediate_size": 28672, "num_attention_heads": 64, "num_hidden_layers": 80},
    "mistral-7b": MISTRAL,
    "mixtral-8x7b": MIXTRAL,
    "resnet50": RESNET,
    "bert-base": BERT,
}


@pytest.mark.parametrize("name", PUBLISHED)
def test_the_published_files_are_the_presets(name: str) -> None:
    assert from_config(PUBLISHED[name]) == preset(name)


def test_the_kin_of_bert() -> None:
    base: Any = preset("bert-base")
    roberta = {
        "model_type": "roberta", "layer_norm_eps": 1e-05, "max_position_embeddings": 514, "pad_token_id": 1,
        "type_vocab_size": 1, "vocab_size": 50265,
    }  # fmt: skip
    expected = replace(base, vocabulary=50265, context=514, types=1, norm_epsilon=1e-5, padding=1)
    for kind in ("roberta", "xlm-roberta", "camembert"):
        assert from_config(BERT | roberta | {"model_type": kind}) == expected
    assert expected.longest == 512
    assert from_config(DISTILBERT) == replace(base, layers=6, types=0, pooled=False)
    assert from_config(BERT | {"hidden_act": "relu"}) == replace(base, activation="relu")


def test_hugging_faces_vit_differs_from_torchvisions_by_an_epsilon() -> None:
    assert from_config(VIT) == replace(preset("vit-b-16"), norm_epsilon=1e-12)


def test_what_a_file_leaves_out_is_hugging_faces_default() -> None:
    few = {name: value for name, value in LLAMA2.items() if name not in ("rms_norm_eps", "num_key_value_heads")}
    assert from_config(few) == replace(preset("llama-2-7b"), norm_epsilon=1e-6)
    older = {name: value for name, value in MISTRAL.items() if name != "sliding_window"}
    assert from_config(older) == preset("mistral-7b")
    few = {name: value for name, value in MIXTRAL.items() if name not in ("rms_norm_eps", "rope_theta")}
    assert from_config(few) == preset("mixtral-8x7b")
    assert from_config({**VIT, "id2label": None, "num_labels": 7}) == replace(from_config(VIT), classes=7)


@pytest.mark.parametrize(
    ("fields", "base", "scaling"),
    [
        ({"rope_scaling": {"type": "linear", "factor": 2.0}}, 10000.0, LinearScaling(2.0)),
        ({"rope_scaling": {"rope_type": "default"}, "rope_theta": 7}, 7.0, None),
        ({"rope_parameters": {"rope_type": "default", "rope_theta": 5e5}}, 5e5, None),
        (
            {"rope_theta": 5e5, "rope_scaling": {
                "factor": 8.0, "high_freq_factor": 4.0, "low_freq_factor": 1.0,
                "original_max_position_embeddings": 8192, "rope_type": "llama3"}},
            5e5, Llama3Scaling(8.0, 1.0, 4.0, 8192),
        ),
    ],
)  # fmt: skip
def test_rotary_positions(fields: dict[str, Any], base: float, scaling: Any) -> None:
    config: Any = from_config(LLAMA2 | fields)
    assert (config.rotary_base, config.rotary_scaling) == (base, scaling)


def test_less_usual_fields_of_the_llama_family() -> None:
    more = {"head_dim": 160, "attention_bias": True, "mlp_bias": True, "tie_word_embeddings": True}
    config: Any = from_config(LLAMA2 | more)
    assert config.head_width == 160
    assert config.attention_bias
    assert config.feed_forward_bias
    assert config.tied


def without(fields: dict[str, Any], name: str) -> dict[str, Any]:
    return {key: value for key, value in fields.items() if key != name}


SCALED = {"rope_type": "llama3", "factor": 8.0, "low_freq_factor": 4.0, "high_freq_factor": 4.0,
          "original_max_position_embeddings": 8192}  # fmt: skip
REFUSED: list[tuple[Any, Any, str]] = [
    ([], ArgumentTypeError, "must be a JSON object, got list"),
    ({}, ArgumentError, "model_type is missing"),
    ({"model_type": "t5"}, UnsupportedError,
     "model_type 't5' is not supported, gpt2, llama, mistral, mixtral, bert, roberta, "
     "xlm-roberta, camembert, distilbert, vit, resnet are"),
    ({"model_type": 3}, UnsupportedError, "model_type 3 is not supported, gpt2, llama, mistral, mixtral, bert, ro"),
    (without(GPT2, "n_embd"), ArgumentError, "n_embd is missing"),
    (GPT2 | {"n_layer": 0}, ArgumentError, "n_layer must be positive, got 0"),
    (GPT2 | {"n_layer": "12"}, ArgumentTypeError, "n_layer must be a whole number, got a string"),
    (GPT2 | {"n_layer": True}, ArgumentTypeError, "n_layer must be a whole number, got true or false"),
    (GPT2 | {"n_layer": 2.0}, ArgumentTypeError, "n_layer must be a whole number, got a number"),
    (GPT2 | {"n_layer": None}, ArgumentTypeError, "n_layer must be a whole number, got null"),
    (GPT2 | {"n_layer": [1]}, ArgumentTypeError, "n_layer must be a whole number, got a list"),
    (GPT2 | {"n_layer": {}}, ArgumentTypeError, "n_layer must be a whole number, got an object"),
    (GPT2 | {"n_head": 7}, ArgumentError, "n_embd must be divisible by n_head, got 768 and 7"),
    (GPT2 | {"n_inner": 100}, UnsupportedError, "n_inner 100 is not supported, null and 3072 are"),
    (GPT2 | {"activation_function": "relu"}, UnsupportedError,
     "activation_function 'relu' is not supported, 'gelu_new' and 'gelu_pytorch_tanh' are"),
    (GPT2 | {"layer_norm_epsilon": 1e-6}, UnsupportedError, "layer_norm_epsilon 1e-06 is not supported, 1e-05 is"),
    (GPT2 | {"tie_word_embeddings": False}, UnsupportedError, "tie_word_embeddings false is not supported, true is"),
    (GPT2 | {"quantization_config": {"bits": 4}}, UnsupportedError,
     "quantization_config {...} is not supported, null is"),
    (LLAMA2 | {"hidden_size": -1}, ArgumentError, "hidden_size must be positive, got -1"),
    (LLAMA2 | {"num_attention_heads": 31}, ArgumentError,
     "hidden_size must be divisible by num_attention_heads, got 4096 and 31"),
    (LLAMA2 | {"num_key_value_heads": 5}, ArgumentError,
     "num_attention_heads must be divisible by num_key_value_heads, got 32 and 5"),
    (LLAMA2 | {"head_dim": 7}, ArgumentError, "the width of a head (head_dim) must be even, got 7"),
    (LLAMA2 | {"hidden_act": "gelu"}, UnsupportedError, "hidden_act 'gelu' is not supported, 'silu' is"),
    (LLAMA2 | {"rms_norm_eps": "small"}, ArgumentTypeError, "rms_norm_eps must be a number, got a string"),
    (LLAMA2 | {"rms_norm_eps": -1.0}, ArgumentError, "rms_norm_eps must be positive, got -1"),
    (LLAMA2 | {"rms_norm_eps": float("nan")}, ArgumentError, "rms_norm_eps must be positive, got nan"),
    (LLAMA2 | {"tie_word_embeddings": 1}, ArgumentTypeError, "tie_word_embeddings must be true or false, got a number"),
    (LLAMA2 | {"rope_scaling": "linear"}, ArgumentTypeError, "rope_scaling must be an object, got a string"),
    (LLAMA2 | {"rope_scaling": {}}, ArgumentError, "rope_scaling.type is missing"),
    (LLAMA2 | {"rope_scaling": {"rope_type": 1}}, ArgumentTypeError,
     "rope_scaling.rope_type must be a string, got a number"),
    (LLAMA2 | {"rope_scaling": {"rope_type": "yarn", "factor": 2.0}}, UnsupportedError,
     "rope_scaling.rope_type 'yarn' is not supported, default, linear and llama3 are"),
    (LLAMA2 | {"rope_scaling": {"type": "linear", "factor": 0}}, ArgumentError,
     "rope_scaling.factor must be positive, got 0"),
    (LLAMA2 | {"rope_scaling": SCALED}, ArgumentError,
     "rope_scaling.low_freq_factor must be below high_freq_factor, got 4.0 and 4.0"),
    (LLAMA2 | {"partial_rotary_factor": 0.5}, UnsupportedError,
     "partial_rotary_factor 0.5 is not supported, 1.0 and null are"),
    (without(MISTRAL, "num_key_value_heads"), ArgumentError, "num_key_value_heads is missing"),
    (MISTRAL | {"sliding_window": 0}, ArgumentError, "sliding_window must be positive, got 0"),
    (without(MIXTRAL, "num_local_experts"), ArgumentError, "num_local_experts is missing"),
    (MIXTRAL | {"num_experts_per_tok": 9}, ArgumentError,
     "num_experts_per_tok must not be above num_local_experts, got 9 and 8"),
    (BERT | {"model_type": "roberta", "pad_token_id": 511}, ArgumentError,
     "pad_token_id must be a token with room for positions behind it, got 511 with a vocab_size of 30522 and "
     "max_position_embeddings of 512"),
    (BERT | {"model_type": "roberta", "pad_token_id": -1}, ArgumentError, "pad_token_id must not be negative, got -1"),
    (BERT | {"hidden_act": "tanh"}, UnsupportedError,
     "hidden_act 'tanh' is not supported, 'gelu' and 'gelu_new' and 'gelu_pytorch_tanh' and 'relu' and 'silu' are"),
    (DISTILBERT | {"dim": 769}, ArgumentError, "dim must be divisible by n_heads, got 769 and 12"),
    (BERT | {"num_attention_heads": 7}, ArgumentError,
     "hidden_size must be divisible by num_attention_heads, got 768 and 7"),
    (BERT | {"position_embedding_type": "relative_key"}, UnsupportedError,
     "position_embedding_type 'relative_key' is not supported, 'absolute' and null are"),
    (BERT | {"is_decoder": True}, UnsupportedError, "is_decoder true is not supported, false is"),
    (VIT | {"image_size": 225}, ArgumentError, "image_size must be divisible by patch_size, got 225 and 16"),
    (without(VIT, "id2label"), ArgumentError, "id2label is missing: it says how many classes there are"),
    (VIT | {"id2label": {}}, ArgumentError, "id2label must name at least one class"),
    (VIT | {"qkv_bias": None}, ArgumentTypeError, "qkv_bias must be true or false, got null"),
    (without(RESNET, "layer_type"), ArgumentError, "layer_type is missing"),
    (RESNET | {"depths": [3, 4, 6]}, ArgumentError,
     "depths must be a list of four positive whole numbers, got [3, 4, 6]"),
    (RESNET | {"depths": 3}, ArgumentTypeError, "depths must be a list of four whole numbers, got a number"),
    (RESNET | {"hidden_sizes": [256, 512, 1024, 2049]}, UnsupportedError,
     "hidden_sizes [256, 512, 1024, 2049] is not supported: with embedding_size 64 stages are [256, 512, 1024, 2048] "
     "wide"),
    (RESNET | {"downsample_in_bottleneck": True}, UnsupportedError,
     "downsample_in_bottleneck true is not supported, false is"),
]  # fmt: skip


@pytest.mark.parametrize(("fields", "error", "message"), REFUSED, ids=[message for _, _, message in REFUSED])
def test_what_is_refused(fields: Any, error: Any, message: str) -> None:
    with pytest.raises(error) as caught:
        from_config(fields)
    assert type(caught.value) is error
    text = str(caught.value)
    assert text.startswith(f"config.json: {message}")
    assert "\n" not in text


def test_small_residual_networks_have_plain_blocks() -> None:
    plain: Any = from_config(RESNET | {"layer_type": "basic", "hidden_sizes": [64, 128, 256, 512], "depths": [2] * 4})
    assert (plain.bottleneck, plain.blocks, plain.classes) == (False, (2, 2, 2, 2), 1000)
