"""The parts that models are made of, by hand or in NumPy, and what they refuse."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

import curta
from curta.models import (
    BERT,
    BERTConfig,
    GPTConfig,
    Llama,
    LlamaConfig,
    ResNetConfig,
    ViT,
    ViTConfig,
    translate_state_dict,
)
from curta.models.feed_forward import Experts
from curta.models.rotary import LinearScaling, Llama3Scaling, frequencies, rotated, rotations

SIZES: dict[str, Any] = {
    "vocabulary": 11, "width": 8, "layers": 1, "heads": 2, "key_value_heads": 1, "head_width": 4,
    "feed_forward_width": 12,
}  # fmt: skip


def random(*shape: int, seed: int = 0) -> Any:
    return np.random.default_rng(seed).standard_normal(shape)


# rotary positions


def test_pairs_are_turned_as_complex_numbers() -> None:
    x = random(2, 5, 3, 6)
    by = frequencies(6, 100.0)
    assert by == pytest.approx([1.0, 100 ** (-1 / 3), 100 ** (-2 / 3)])
    found = rotated(curta.from_numpy(x), rotations(5, by, curta.device("cpu"))).numpy()
    turned = (x[..., :3] + 1j * x[..., 3:]) * np.exp(1j * np.outer(np.arange(5), by))[:, None, :]
    np.testing.assert_allclose(found, np.concatenate([turned.real, turned.imag], -1), atol=1e-6)


def test_scaled_frequencies() -> None:
    assert frequencies(4, 100.0, LinearScaling(4.0)) == [0.25, 0.025]
    scaling = Llama3Scaling(8.0, low=1.0, high=4.0, context=100)
    # a wave of 40 positions fits 2.5 times into the context: half way between slow and fast
    assert scaling(2 * math.pi / 40) == pytest.approx(2 * math.pi / 40 * (0.5 + 0.5 / 8))
    assert scaling(2 * math.pi / 24) == 2 * math.pi / 24
    assert scaling(2 * math.pi / 101) == pytest.approx(2 * math.pi / 101 / 8)


def test_heads_are_turned_in_their_own_format() -> None:
    turns = rotations(3, frequencies(4, 100.0), curta.device("cpu"))
    assert rotated(curta.ones(1, 3, 2, 4, dtype=curta.bfloat16), turns).dtype == curta.bfloat16


# experts


def swiglu(x: Any, expert: Any) -> Any:
    gate, expand, back = (one.weight.detach().numpy() for one in (expert.gate, expert.expand, expert.projection))
    inner = x @ gate.T
    return (inner / (1 + np.exp(-inner)) * (x @ expand.T)) @ back.T


def test_experts_are_chosen_and_weighted() -> None:
    curta.manual_seed(3)
    layer = Experts(width=4, hidden=6, experts=5, chosen=2).double()
    x = random(2, 7, 4)
    scores = x @ layer.router.weight.detach().numpy().T
    best = np.argsort(-scores, axis=-1)[..., :2]
    expected = np.zeros_like(x)
    for place in np.ndindex(2, 7):
        shares = np.exp(scores[place][best[place]])
        for number, share in zip(best[place], shares / shares.sum(), strict=True):
            expected[place] += share * swiglu(x[place], layer.experts[int(number)])
    np.testing.assert_allclose(layer(curta.from_numpy(x)).detach().numpy(), expected, atol=1e-6)


def _gradients(layer: Any, x: Any, run: Any) -> list[Any]:
    inputs = curta.from_numpy(x).float().requires_grad_()
    layer.zero_grad()
    run(inputs)
    return [inputs.grad.numpy(), *(one.grad.numpy() for one in layer.parameters())]


def test_a_compiled_mixture_gives_the_same() -> None:
    curta.manual_seed(4)
    layer = Experts(width=4, hidden=6, experts=4, chosen=2)
    x = random(3, 5, 4)

    def step(inputs: Any) -> Any:
        made = layer(inputs)
        (made * made).sum().backward()
        return made.detach()

    eager, compiled = _gradients(layer, x, step), _gradients(layer, x, curta.compile(step))
    for one, other in zip(eager, compiled, strict=True):
        np.testing.assert_allclose(one, other, atol=1e-6)


def test_gradients_of_a_mixture_by_central_differences() -> None:
    curta.manual_seed(5)
    layer = Experts(width=3, hidden=4, experts=3, chosen=2).double()
    x = curta.from_numpy(random(1, 4, 3)).requires_grad_()
    weights = curta.from_numpy(random(1, 4, 3, seed=1))
    (layer(x) * weights).sum().backward()
    # the router's probabilities are float32, as is the step: rows are far enough from choosing other experts
    for tensor in (x, layer.router.weight):
        values, slopes = tensor.detach(), tensor.grad.numpy()
        for place in np.ndindex(*slopes.shape):
            ends = []
            for sign in (1, -1):
                values[place] += sign * 1e-3
                ends.append((layer(x) * weights).sum().item())
                values[place] -= sign * 1e-3
            assert slopes[place] == pytest.approx((ends[0] - ends[1]) / 2e-3, abs=2e-4)


def test_every_token_goes_to_as_many_experts_even_where_all_are_alike() -> None:
    layer = Experts(width=2, hidden=2, experts=3, chosen=2)
    chosen = layer._likeliest(curta.tensor([[0.4, 0.2, 0.4], [1 / 3] * 3, [0.0, 0.0, 1.0]]))
    assert chosen.tolist() == [[True, False, True], [True, True, False], [True, False, True]]


def test_on_the_meta_device_experts_share_the_tokens() -> None:
    with curta.device("meta"):
        layer = Experts(width=2, hidden=2, experts=3, chosen=2)
        counts = [layer._places(curta.empty(7, 3, dtype=curta.bool), number).shape[0] for number in range(3)]
        assert counts == [5, 5, 4]
        few = layer(curta.ones(1, 1, 2))
    few.sum().backward()
    assert few.shape == (1, 1, 2)
    assert all(one.grad is not None for one in layer.parameters())


def test_experts_without_tokens_have_gradients_of_zero() -> None:
    layer = Experts(width=2, hidden=2, experts=3, chosen=1)
    layer(curta.ones(1, 1, 2)).sum().backward()
    idle = [expert for expert in layer.experts if not expert.gate.weight.grad.abs().sum().item()]
    assert len(idle) == 2


# names of weights


def test_names_of_checkpoints() -> None:
    tied = LlamaConfig(**SIZES, tied=True)
    weights = {
        "model.embed_tokens.weight": curta.ones(1),
        "layers.10.self_attn.q_proj.bias": curta.ones(2),
        "layers.0.self_attn.rotary_emb.inv_freq": curta.ones(3),
        "model.layers.3.block_sparse_moe.experts.12.w2.weight": curta.ones(4),
        "lm_head.weight": curta.ones(5),
    }
    ours = ["token_embedding.weight", "blocks.10.attention.query.bias",
            "blocks.3.feed_forward.experts.12.projection.weight"]  # fmt: skip
    assert list(translate_state_dict(tied, weights)) == ours
    assert list(translate_state_dict(LlamaConfig(**SIZES), weights)) == [*ours, "head.weight"]


def test_weights_of_gpt2_are_turned_over_and_share_memory() -> None:
    weight = curta.from_numpy(random(3, 9))
    names = {"h.0.attn.c_attn.weight": weight, "h.0.attn.bias": weight, "lm_head.weight": weight, "wpe.weight": weight}
    found = translate_state_dict(GPTConfig(), names)
    assert list(found) == ["blocks.0.attention.qkv.weight", "position_embedding.weight"]
    assert found["blocks.0.attention.qkv.weight"].tolist() == weight.T.tolist()
    assert found["blocks.0.attention.qkv.weight"].data_ptr() == weight.data_ptr()


def test_older_names_of_bert() -> None:
    names = [
        "bert.embeddings.LayerNorm.gamma", "bert.encoder.layer.1.output.LayerNorm.beta", "bert.embeddings.position_ids",
        "cls.predictions.bias", "cls.predictions.transform.LayerNorm.gamma", "cls.seq_relationship.weight",
    ]  # fmt: skip
    found = translate_state_dict(BERTConfig(), {name: curta.ones(1) for name in names})
    assert list(found) == ["embedding_norm.weight", "blocks.1.feed_forward_norm.bias"]


# the Llama family


def test_a_tied_head_is_the_embedding() -> None:
    model = Llama(LlamaConfig(**SIZES, tied=True))
    assert model.head is None
    assert model(curta.zeros(1, 3, dtype=curta.int64)).shape == (1, 3, 11)


def test_biases_start_at_zero() -> None:
    model = Llama(LlamaConfig(**SIZES, attention_bias=True, feed_forward_bias=True))
    biases = [one for name, one in model.named_parameters() if name.endswith("bias")]
    assert len(biases) == 7
    assert not any(one.abs().max().item() for one in biases)


REFUSED: list[tuple[Any, Any, str]] = [
    (lambda: LlamaConfig(**SIZES | {"width": 2.0}), TypeError, "width must be an int, got float"),
    (lambda: LlamaConfig(**SIZES | {"heads": 0}), ValueError, "heads must be positive, got 0"),
    (lambda: LlamaConfig(**SIZES, window=0), ValueError, "window must be positive, got 0"),
    (lambda: LlamaConfig(**SIZES | {"key_value_heads": 3}), ValueError,
     "heads must be divisible by key_value_heads, got 2 and 3"),
    (lambda: LlamaConfig(**SIZES | {"head_width": 3}), ValueError,
     "head_width must be even, since rotary positions turn pairs, got 3"),
    (lambda: LlamaConfig(**SIZES, experts=2, experts_per_token=3), ValueError,
     "experts_per_token must be one of 1 to experts, got 3 of 2"),
    (lambda: LlamaConfig(**SIZES, experts=2), ValueError,
     "experts_per_token must be one of 1 to experts, got None of 2"),
    (lambda: LlamaConfig(**SIZES, experts=2, experts_per_token=1, feed_forward_bias=True), ValueError,
     "feed_forward_bias: experts have no bias"),
    (lambda: LinearScaling(0.0), ValueError, "LinearScaling: factor must be positive, got 0.0"),
    (lambda: Llama3Scaling(8.0, 0.0, 4.0, 1), ValueError, "Llama3Scaling: all numbers must be positive, got Llama3S"),
    (lambda: Llama3Scaling(8.0, 4.0, 4.0, 1), ValueError, "Llama3Scaling: low must be below high, got 4.0 and 4.0"),
    (lambda: BERTConfig(width=770), ValueError, "width must be divisible by heads, got a width of 770 and 12 heads"),
    (lambda: BERTConfig(activation="tanh"), ValueError,
     "activation must be one of gelu, gelu_new, gelu_pytorch_tanh, relu, silu, got 'tanh'"),
    (lambda: BERTConfig(padding=511), ValueError,
     "padding must be a token with room for positions behind it, got 511 with a vocabulary of 30522 and a context of "
     "512"),
    (lambda: BERTConfig(types=True), TypeError, "types must be an int, got bool"),
    (lambda: ViTConfig(image=225), ValueError, "image must be divisible by patch, got 225 and 16"),
    (lambda: ResNetConfig(classes=0), ValueError, "classes must be positive, got 0"),
    (lambda: ResNetConfig(blocks=(1, 1)), ValueError, r"ResNet: blocks must be four positive numbers, got \(1, 1\)"),
    (lambda: BERT(BERTConfig(vocabulary=5, width=4, layers=1, heads=1, context=2))(curta.zeros(1, 3).long()),
     ValueError, "BERT: the context holds 2 tokens, got 3"),
    (lambda: ViT(ViTConfig(image=4, patch=2, width=4, layers=1, heads=1))(curta.zeros(2, 3, 4, 5)), RuntimeError,
     r"ViT: expected images \[B, 3, 4, 4\], got \[2, 3, 4, 5\]"),
    (lambda: translate_state_dict(GPTConfig(), {"h.0.mlp.c_gate.weight": curta.ones(1)}), ValueError,
     "translate_state_dict: 'h.0.mlp.c_gate.weight' is no weight of a GPT"),
]  # fmt: skip


@pytest.mark.parametrize(("call", "error", "message"), REFUSED, ids=[message for _, _, message in REFUSED])
def test_what_is_refused(call: Any, error: Any, message: str) -> None:
    with pytest.raises(error, match=message):
        call()
