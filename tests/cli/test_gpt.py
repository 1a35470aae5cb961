"""The GPT that `curta train` trains, and drawing text from it."""

from __future__ import annotations

import math

import numpy as np
import pytest

import curta
from curta.amp import MasterWeights
from curta.errors import ArgumentError, ArgumentTypeError
from curta.models import GPT, GPTConfig
from curta.models.gpt import choose

SMALL = GPTConfig(vocabulary=11, width=8, layers=2, heads=2, context=6)


def small_model(seed: int = 0) -> GPT:
    curta.manual_seed(seed)
    return GPT(SMALL)


@pytest.mark.parametrize(
    ("sizes", "error", "message"),
    [
        ({"width": 10, "heads": 4}, ArgumentError, "width must be divisible by heads, got a width of 10 and 4 heads"),
        ({"layers": 0}, ArgumentError, "layers must be positive, got 0"),
        ({"context": -1}, ArgumentError, "context must be positive, got -1"),
        ({"width": 8.0}, ArgumentTypeError, "width must be an int, got float"),
        ({"heads": True}, ArgumentTypeError, "heads must be an int, got bool"),
    ],
)
def test_a_configuration_that_cannot_be_is_refused(sizes, error, message):
    with pytest.raises(error, match=message):
        GPTConfig(**sizes)


def test_the_default_has_as_many_parameters_as_counted_by_hand():
    C, T = 128, 128
    by_hand = 256 * C + T * C + 4 * (12 * C * C + 13 * C) + 2 * C
    assert sum(parameter.numel() for parameter in GPT(GPTConfig()).parameters()) == by_hand == 842_496


def test_initial_weights_are_gpt_2s():
    curta.manual_seed(0)
    model = GPT(GPTConfig(width=64, layers=8, heads=4))
    for name, parameter in model.named_parameters():
        values = parameter.detach().numpy()
        if name.endswith("norm.weight"):
            assert (values == 1.0).all(), name
        elif name.endswith("bias"):
            assert (values == 0.0).all(), name
        else:
            expected = 0.02 / math.sqrt(16) if name.endswith("projection.weight") else 0.02
            assert values.std() == pytest.approx(expected, rel=0.05), name
            assert abs(values.mean()) < 5 * expected / math.sqrt(values.size), name


def numpy_gpt(weights: dict[str, np.ndarray], tokens: np.ndarray, config: GPTConfig) -> np.ndarray:
    """The same model in float64 NumPy, one sequence [T] to logits [T, vocabulary]."""

    def linear(x, name):
        return x @ weights[f"{name}.weight"].T + weights[f"{name}.bias"]

    def norm(x, name):
        centred = x - x.mean(-1, keepdims=True)
        scaled = centred / np.sqrt((centred**2).mean(-1, keepdims=True) + 1e-5)
        return scaled * weights[f"{name}.weight"] + weights[f"{name}.bias"]

    T, C = len(tokens), config.width
    x = weights["token_embedding.weight"][tokens] + weights["position_embedding.weight"][:T]
    future = np.triu(np.full((T, T), -np.inf), 1)
    for layer in range(config.layers):
        block = f"blocks.{layer}"
        qkv = linear(norm(x, f"{block}.attention_norm"), f"{block}.attention.qkv")
        heads = []
        for head in range(config.heads):
            size = C // config.heads
            query, key, value = (qkv[:, part * C + head * size :][:, :size] for part in range(3))
            scores = query @ key.T / math.sqrt(size) + future
            scores = np.exp(scores - scores.max(-1, keepdims=True))
            heads.append(scores / scores.sum(-1, keepdims=True) @ value)
        x = x + linear(np.concatenate(heads, -1), f"{block}.attention.projection")
        hidden = linear(norm(x, f"{block}.feed_forward_norm"), f"{block}.feed_forward.expand")
        hidden = 0.5 * hidden * (1 + np.tanh(math.sqrt(2 / math.pi) * (hidden + 0.044715 * hidden**3)))
        x = x + linear(hidden, f"{block}.feed_forward.projection")
    return norm(x, "final_norm") @ weights["token_embedding.weight"].T


def test_logits_agree_with_the_definition_in_float64():
    model = small_model()
    with curta.no_grad():
        for parameter in model.parameters():  # all of them other than their special initial values
            parameter.add_(curta.randn(*parameter.shape) * 0.3)
        weights = {name: p.detach().numpy().astype(np.float64) for name, p in model.named_parameters()}
        tokens = np.array([[1, 5, 0, 10, 3, 3], [2, 2, 9, 4, 0, 7]])
        logits = model(curta.from_numpy(tokens)).numpy()
    for row in range(2):
        expected = numpy_gpt(weights, tokens[row], SMALL)
        assert np.abs(logits[row] - expected).max() < 2e-5 * max(1.0, np.abs(expected).max())


def test_no_position_sees_a_later_one():
    model = small_model()
    with curta.no_grad():
        whole = model(curta.tensor([[1, 2, 3, 4, 5, 6]])).numpy()
        changed = model(curta.tensor([[1, 2, 3, 9, 9, 9]])).numpy()
    assert np.allclose(whole[:, :3], changed[:, :3], atol=1e-6)
    assert not np.allclose(whole[:, 3:], changed[:, 3:], atol=1e-6)


def test_more_tokens_than_the_context_are_refused():
    with pytest.raises(ArgumentError, match="the context holds 6 tokens, got 7"):
        small_model()(curta.zeros(1, 7, dtype=curta.int64))


def test_generate_goes_on_past_the_context_and_repeats_with_the_seed():
    model = small_model()
    told: list[int] = []
    text = model.generate(bytes([1, 2]), 20, seed=4, on_token=told.append)
    assert text[:2] == bytes([1, 2])
    assert text[2:] == bytes(told)
    assert len(text) == 22
    assert model.generate(bytes([1, 2]), 20, seed=4) == text
    assert model.generate(bytes([1, 2]), 20, seed=5) != text
    assert len(model.generate(b"", 3)) == 3


def test_drawing_follows_the_probabilities():
    logits = np.log(np.array([0.5, 0.25, 0.125, 0.125], dtype=np.float32))
    generator = np.random.default_rng(0)
    counts = np.bincount([choose(logits, 1.0, None, generator) for _ in range(8000)], minlength=4) / 8000
    # Five standard deviations of a share of one half in 8000 draws are 0.028.
    assert np.abs(counts - [0.5, 0.25, 0.125, 0.125]).max() < 0.028
    cold = [choose(logits, 0.5, None, generator) for _ in range(8000)]
    assert np.bincount(cold)[0] / 8000 == pytest.approx(0.25 / (0.25 + 0.0625 + 2 / 64), abs=0.028)


def test_top_k_draws_only_from_the_likeliest():
    logits = np.array([0.0, 3.0, 1.0, 3.0], dtype=np.float32)
    generator = np.random.default_rng(0)
    assert {choose(logits, 1.0, 2, generator) for _ in range(200)} == {1, 3}
    assert {choose(logits, 5.0, 99, generator) for _ in range(400)} == {0, 1, 2, 3}


@pytest.mark.parametrize("temperature", [0.0, 1e-300])
def test_a_temperature_near_zero_takes_the_likeliest(temperature):
    assert choose(np.array([0.0, 1.0, 3.0], dtype=np.float32), temperature, None, np.random.default_rng(0)) == 2


@pytest.mark.parametrize(
    ("temperature", "top_k", "message"),
    [
        (-1.0, None, "temperature must be zero or positive, got -1.0"),
        (float("nan"), None, "temperature must be zero or positive, got nan"),
        (1.0, 0, "top_k must be at least 1, got 0"),
    ],
)
def test_draws_that_cannot_be_are_refused(temperature, top_k, message):
    with pytest.raises(ArgumentError, match=message):
        choose(np.zeros(4, np.float32), temperature, top_k, np.random.default_rng(0))


def test_master_weights_of_float32_are_the_weights_themselves():
    parameters = list(small_model().parameters())
    assert all(copy is parameter for copy, parameter in zip(MasterWeights(parameters).copies, parameters, strict=True))


def test_master_weights_keep_what_bfloat16_would_round_away():
    weight = curta.nn.Parameter(curta.tensor([1.0, 256.0], dtype=curta.bfloat16))
    masters = MasterWeights([weight])
    with curta.no_grad():
        masters.copies[0].add_(curta.tensor([2.0**-9, 0.75]))
    masters.scatter_weights()
    # bfloat16 has 8 significant bits: next to 1 its step is 2**-7, next to 256 it is 2; ties go to even.
    assert weight.tolist() == [1.0, 256.0]
    assert masters.copies[0].tolist() == [1.0 + 2.0**-9, 256.75]
    with curta.no_grad():
        masters.copies[0].add_(curta.tensor([2.0**-8, 0.75]))
    masters.scatter_weights()
    assert weight.tolist() == [1.0078125, 258.0]


def test_master_weights_move_gradients_over():
    weight = curta.nn.Parameter(curta.ones(3, dtype=curta.bfloat16))
    unused = curta.nn.Parameter(curta.ones(3, dtype=curta.bfloat16))
    masters = MasterWeights([weight, unused])
    (weight.float() * curta.tensor([1.0, 2.0, 4.0])).sum().backward()
    masters.gather_gradients()
    assert weight.grad is None
    assert masters.copies[0].grad.tolist() == [1.0, 2.0, 4.0]
    assert masters.copies[0].grad.dtype is curta.float32
    assert masters.copies[1].grad is None
    masters.zero_grad()
    assert masters.copies[0].grad is None


def test_master_weights_refuse_what_they_cannot_hold():
    with pytest.raises(ArgumentError, match="got no parameters"):
        MasterWeights([])
    with pytest.raises(ArgumentError, match="must be floating point"):
        MasterWeights([curta.zeros(2, dtype=curta.int64)])
