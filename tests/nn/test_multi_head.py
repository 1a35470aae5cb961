"""Attention of several heads and transformers against NumPy in float64, one head at a time."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

import curta
from curta import nn
from curta.nn import functional as F

E, HEADS, L, S, B = 6, 2, 3, 4, 2
RNG = np.random.default_rng(3)
SEEN = np.array([[0, 1, 0, 1], [0, 0, 0, 1], [1, 0, 0, 0]], bool)
PADDED = np.array([[0, 0, 0, 1], [0, 1, 0, 0]], bool)


def softmax(x: Any) -> Any:
    e = np.exp(x - x.max(-1, keepdims=True))
    return e / e.sum(-1, keepdims=True)


def oracle(layer: Any, inputs: list[Any], bias: Any) -> tuple[Any, Any]:
    """One sequence: query [L, E], key and value [S, ...]; `bias` [heads, L, S] is added to the scores."""
    own = {name: value.detach().numpy() for name, value in layer.named_parameters()}
    if "in_proj_weight" in own:
        weights = np.split(own["in_proj_weight"], 3)
    else:
        weights = [own[f"{name}_proj_weight"] for name in "qkv"]
    biases = np.split(own.get("in_proj_bias", np.zeros(3 * E)), 3)
    q, k, v = (x @ w.T + b for x, w, b in zip(inputs, weights, biases, strict=True))
    if "bias_k" in own:
        k, v = np.vstack([k, own["bias_k"][0]]), np.vstack([v, own["bias_v"][0]])
    if layer.add_zero_attn:
        k, v = np.vstack([k, np.zeros(E)]), np.vstack([v, np.zeros(E)])
    results, shown, D = [], [], E // HEADS
    for head in range(HEADS):
        part = slice(head * D, (head + 1) * D)
        scores = q[:, part] @ k[:, part].T / math.sqrt(D)
        scores[:, : bias.shape[-1]] += bias[head]
        shown.append(softmax(scores))
        results.append(shown[-1] @ v[:, part])
    return np.hstack(results) @ own["out_proj.weight"].T + own.get("out_proj.bias", 0), np.array(shown)


CASES: tuple[tuple[dict[str, Any], dict[str, Any]], ...] = (
    ({}, {}),
    ({"bias": False}, {"attn_mask": SEEN}),
    ({"kdim": 5, "vdim": 7}, {"key_padding_mask": PADDED}),
    ({"add_bias_kv": True, "add_zero_attn": True}, {"attn_mask": SEEN, "key_padding_mask": PADDED}),
    ({"kdim": 5}, {"attn_mask": RNG.standard_normal((B * HEADS, L, S)), "key_padding_mask": PADDED}),
)


def started(**options: Any) -> Any:
    layer = nn.MultiheadAttention(E, HEADS, dtype=curta.float64, **options)
    for parameter in layer.parameters():
        nn.init.normal_(parameter, 0.0, 0.5)
    return layer


@pytest.mark.parametrize(("made", "called"), CASES, ids=str)
def test_values_and_weights(made: dict[str, Any], called: dict[str, Any]) -> None:
    layer = started(**made)
    shapes = ((L, B, E), (S, B, made.get("kdim", E)), (S, B, made.get("vdim", E)))
    inputs = [RNG.standard_normal(shape) for shape in shapes]
    masks = {name: curta.from_numpy(mask) for name, mask in called.items()}
    tensors = list(map(curta.from_numpy, inputs))
    out, weights = layer(*tensors, **masks, average_attn_weights=False)
    plain, nothing = layer(*tensors, **masks, need_weights=False)
    assert nothing is None
    mask = called.get("attn_mask", np.zeros((L, S), bool))
    for b in range(B):
        bias = np.zeros((HEADS, L, S)) + np.where(called.get("key_padding_mask", np.zeros((B, S), bool))[b], -1e30, 0)
        bias += mask.reshape(B, HEADS, L, S)[b] if mask.ndim == 3 else np.where(mask, -1e30, 0)
        wanted, shown = oracle(layer, [one[:, b] for one in inputs], bias)
        np.testing.assert_allclose(out[:, b].detach().numpy(), wanted, rtol=1e-10, atol=1e-12)
        np.testing.assert_allclose(plain[:, b].detach().numpy(), wanted, rtol=1e-10, atol=1e-12)
        np.testing.assert_allclose(weights[b].detach().numpy(), shown, rtol=1e-10, atol=1e-12)
    averaged = layer(*tensors, **masks)[1]
    np.testing.assert_allclose(averaged.detach().numpy(), weights.detach().numpy().mean(1), rtol=1e-12)


def test_forms_of_the_same_call() -> None:
    """Without a batch, with the batch first, one input for all three, as a function."""
    layer = started()
    x = curta.from_numpy(RNG.standard_normal((S, B, E)))
    wanted = layer(x, x, x)[0].detach().numpy()
    layer.batch_first = True
    turned = x.transpose(0, 1)
    np.testing.assert_allclose(layer(turned, turned, turned)[0].transpose(0, 1).detach().numpy(), wanted, rtol=1e-12)
    alone, weights = layer(x[:, 1], x[:, 1], x[:, 1])
    np.testing.assert_allclose(alone.detach().numpy(), wanted[:, 1], rtol=1e-12)
    assert tuple(weights.shape) == (S, S)
    three = layer(turned, turned.clone(), turned.clone())[0].transpose(0, 1)
    np.testing.assert_allclose(three.detach().numpy(), wanted, rtol=1e-12)
    made = F.multi_head_attention_forward(
        x, x, x, E, HEADS, None, layer.in_proj_bias, None, None, False, 0.0, layer.out_proj.weight, layer.out_proj.bias,
        use_separate_proj_weight=True, q_proj_weight=layer.in_proj_weight[:E],
        k_proj_weight=layer.in_proj_weight[E : 2 * E], v_proj_weight=layer.in_proj_weight[2 * E :],
    )[0]  # fmt: skip
    np.testing.assert_allclose(made.detach().numpy(), wanted, rtol=1e-12)
    keys = F.linear(x, layer.in_proj_weight[E : 2 * E], layer.in_proj_bias[E : 2 * E])
    heads = keys.reshape(S, B * HEADS, E // HEADS).transpose(0, 1)
    made = F.multi_head_attention_forward(
        x, x, x, E, HEADS, layer.in_proj_weight, layer.in_proj_bias, None, None, False, 0.0, layer.out_proj.weight,
        layer.out_proj.bias, static_k=heads,
    )[0]  # fmt: skip
    np.testing.assert_allclose(made.detach().numpy(), wanted, rtol=1e-12)


def test_one_input_is_one_product() -> None:
    layer, x = nn.MultiheadAttention(E, HEADS, device="meta"), curta.zeros(S, B, E, device="meta")
    with curta.account() as books, curta.no_grad():
        layer(x, x, x, need_weights=False)
    assert books.by_op()["linear"].flops == S * B * (2 * E * 3 * E + 3 * E + 2 * E * E + E)
    assert books.model_flops == S * B * (2 * E * 3 * E + 2 * E * E) + 4 * B * S * S * E
    # the projection of query, key and value, attention, the projection out; no copies
    assert {name for name, cost in books.by_op().items() if cost.bytes_written} == {"linear", "attention"}


def test_a_causal_hint_counts_only_what_is_seen_and_changes_nothing() -> None:
    layer = nn.TransformerEncoderLayer(E, HEADS, 8, 0.0, dtype=curta.float64)
    x = curta.from_numpy(RNG.standard_normal((S, B, E)))
    mask = nn.Transformer.generate_square_subsequent_mask(S, dtype=curta.float64)
    np.testing.assert_allclose(
        layer(x, mask, is_causal=True).detach().numpy(), layer(x, mask).detach().numpy(), rtol=1e-11
    )


def test_first_and_second_gradients() -> None:
    layer = started(add_bias_kv=True)
    x = curta.from_numpy(RNG.standard_normal((2, 1, E))).requires_grad_()
    for need in (True, False):
        assert curta.autograd.gradcheck(lambda x, need=need: layer(x, x, x, need_weights=need)[0], (x,))
    assert curta.autograd.gradgradcheck(lambda x: layer(x, x, x, need_weights=False)[0], (x,))


@pytest.mark.parametrize("norm_first", [False, True])
def test_a_layer_of_the_encoder_by_hand(norm_first: bool) -> None:
    layer = nn.TransformerEncoderLayer(E, HEADS, 8, 0.0, "gelu", norm_first=norm_first, dtype=curta.float64)
    x = curta.from_numpy(RNG.standard_normal((S, B, E)))

    def attention(y: Any) -> Any:
        return layer.self_attn(y, y, y)[0]

    def feed_forward(y: Any) -> Any:
        return layer.linear2(F.gelu(layer.linear1(y)))

    if norm_first:
        y = x + attention(layer.norm1(x))
        wanted = y + feed_forward(layer.norm2(y))
    else:
        y = layer.norm1(x + attention(x))
        wanted = layer.norm2(y + feed_forward(y))
    np.testing.assert_allclose(layer(x).detach().numpy(), wanted.detach().numpy(), rtol=1e-12)


def test_compiled_and_planned() -> None:
    curta.manual_seed(0)
    model = nn.Transformer(E, HEADS, 1, 1, 8, batch_first=True)
    source, target = curta.randn(B, S, E), curta.randn(B, L, E)
    mask, padding = nn.Transformer.generate_square_subsequent_mask(L), curta.from_numpy(PADDED)

    def step(source: Any, target: Any) -> Any:
        model.zero_grad()
        out = model(source, target, tgt_mask=mask, src_key_padding_mask=padding, tgt_is_causal=True)
        (out * out * out).sum().backward()
        return out, [one.grad for one in model.parameters()]

    planned = curta.plan(step, source, target)
    curta.manual_seed(1)
    with curta.account() as books:
        wanted, gradients = step(source, target)
    for figure in ("flops", "model_flops", "transcendentals", "bytes_read", "bytes_written", "calls"):
        assert getattr(planned, figure) == getattr(books, figure), figure
    gradients = [one.clone() for one in gradients]
    curta.manual_seed(1)
    found, compiled = curta.compile(step)(source, target)
    assert found.tolist() == wanted.tolist()
    for one, other in zip(compiled, gradients, strict=True):
        np.testing.assert_allclose(one.numpy(), other.numpy(), rtol=2e-5, atol=2e-6)


def test_parameters_are_named_started_and_printed_as_pytorch_does() -> None:
    layer = nn.MultiheadAttention(64, 4, add_bias_kv=True)
    assert list(layer.state_dict()) == [
        "in_proj_weight", "in_proj_bias", "bias_k", "bias_v", "out_proj.weight", "out_proj.bias",
    ]  # fmt: skip
    bound = math.sqrt(6 / (64 * 3 + 64))
    largest = layer.in_proj_weight.abs().max().item()
    assert 0.9 * bound < largest <= bound
    assert layer.in_proj_bias.abs().sum().item() == layer.out_proj.bias.abs().sum().item() == 0.0
    assert list(nn.MultiheadAttention(4, 2, kdim=3, bias=False).state_dict()) == [
        "q_proj_weight", "k_proj_weight", "v_proj_weight", "out_proj.weight",
    ]  # fmt: skip
    printed = repr(nn.TransformerEncoder(nn.TransformerEncoderLayer(4, 2, 8), 2))
    assert printed.startswith("TransformerEncoder(\n  (layers): ModuleList(\n    (0-1): 2 x TransformerEncoderLayer(\n")
    assert "(out_proj): NonDynamicallyQuantizableLinear(in_features=4, out_features=4, bias=True)" in printed
    assert "_".join(dict(nn.Transformer(4, 2, 1, 1, 8).named_parameters())).count("decoder.layers.0.norm3.weight") == 1
    custom = nn.Identity()
    assert nn.Transformer(4, 2, custom_encoder=custom, num_decoder_layers=1).encoder is custom


def test_empty_batches() -> None:
    x = curta.zeros(S, 0, E)
    assert tuple(nn.MultiheadAttention(E, HEADS)(x, x, x)[0].shape) == (S, 0, E)
