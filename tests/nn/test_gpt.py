"""A small GPT, its loss and every gradient's norm as torch 2.13 gave them in float64 for the same weights."""

import numpy as np
import pytest

import curta
from curta.models.gpt import GPT, GPTConfig
from curta.nn import functional as F
from curta.optim import AdamW

LOSS = 3.873826953397632
NORMS = {
    "token_embedding.weight": 0.371921986,
    "position_embedding.weight": 0.074031002,
    "blocks.0.attention_norm.weight": 0.092536788,
    "blocks.0.attention_norm.bias": 0.170097737,
    "blocks.0.attention.qkv.weight": 0.132159118,
    "blocks.0.attention.qkv.bias": 0.114902332,
    "blocks.0.attention.projection.weight": 0.163350618,
    "blocks.0.attention.projection.bias": 0.074098806,
    "blocks.0.feed_forward_norm.weight": 0.134650387,
    "blocks.0.feed_forward_norm.bias": 0.148685707,
    "blocks.0.feed_forward.expand.weight": 0.222330221,
    "blocks.0.feed_forward.expand.bias": 0.111049825,
    "blocks.0.feed_forward.projection.weight": 0.211032755,
    "blocks.0.feed_forward.projection.bias": 0.067203229,
    "blocks.1.attention_norm.weight": 0.082928747,
    "blocks.1.attention_norm.bias": 0.100455493,
    "blocks.1.attention.qkv.weight": 0.123277754,
    "blocks.1.attention.qkv.bias": 0.072271300,
    "blocks.1.attention.projection.weight": 0.139899207,
    "blocks.1.attention.projection.bias": 0.063714839,
    "blocks.1.feed_forward_norm.weight": 0.104303046,
    "blocks.1.feed_forward_norm.bias": 0.099793380,
    "blocks.1.feed_forward.expand.weight": 0.121676482,
    "blocks.1.feed_forward.expand.bias": 0.068838665,
    "blocks.1.feed_forward.projection.weight": 0.111625857,
    "blocks.1.feed_forward.projection.bias": 0.050109093,
    "final_norm.weight": 0.455605740,
    "final_norm.bias": 0.387414403,
}


def _model(dtype):
    model = GPT(GPTConfig(vocabulary=33, width=16, layers=2, heads=2, context=8)).to(dtype)
    rng = np.random.default_rng(0)
    with curta.no_grad():
        for parameter in model.parameters():
            parameter.copy_(curta.from_numpy(rng.standard_normal(tuple(parameter.shape)) * 0.3))
    tokens = curta.from_numpy(rng.integers(0, 33, (3, 8)))
    target = rng.integers(0, 33, (3, 8))
    target[0, :2] = -100
    return model, tokens, curta.from_numpy(target)


@pytest.mark.parametrize(("dtype", "tolerance"), [(curta.float64, 1e-7), (curta.float32, 1e-5)])
def test_loss_and_gradients_are_torchs(dtype, tolerance):
    model, tokens, target = _model(dtype)
    loss = F.cross_entropy(model(tokens).view(-1, 33), target.reshape(-1))
    loss.backward()
    assert loss.item() == pytest.approx(LOSS, rel=tolerance / 10)
    norms = {name: np.linalg.norm(parameter.grad.numpy()) for name, parameter in model.named_parameters()}
    assert norms.keys() == NORMS.keys()
    for name, norm in NORMS.items():
        assert norms[name] == pytest.approx(norm, rel=tolerance), name


def test_it_learns():
    model, tokens, target = _model(curta.float32)
    optimizer = AdamW(model.parameters(), lr=0.02)
    losses = []
    for _ in range(30):
        loss = F.cross_entropy(model(tokens).view(-1, 33), target.reshape(-1))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert losses[-1] < 0.2 * losses[0]


def test_only_bytes_can_be_generated() -> None:
    model = GPT(GPTConfig(vocabulary=300, width=8, layers=1, heads=2, context=16))
    with pytest.raises(ValueError, match="generate: needs a byte vocabulary \\(at most 256\\), got 300"):
        model.generate(b"a", 1)
