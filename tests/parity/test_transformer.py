"""Attention of several heads and transformers against an installed PyTorch, with its weights."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import curta

torch = pytest.importorskip("torch")
pytestmark = [pytest.mark.parity, pytest.mark.filterwarnings("ignore")]

E, HEADS, L, S, B = 6, 2, 3, 4, 2
RANDOM = np.random.default_rng(0)
BOOL = np.array([[False, True, False, True], [False, False, False, True], [True, False, False, False]])
PADDED = np.array([[False, False, False, True], [False, True, False, False]])
ATTENTION: tuple[tuple[dict[str, Any], dict[str, Any]], ...] = (
    ({}, {}),
    ({}, {"need_weights": False}),
    ({"batch_first": True, "bias": False}, {"average_attn_weights": False}),
    ({"kdim": 5, "vdim": 7}, {"key_padding_mask": PADDED}),
    ({"kdim": 5, "vdim": 7, "bias": False}, {"attn_mask": BOOL, "need_weights": False}),
    ({"add_bias_kv": True, "add_zero_attn": True}, {"key_padding_mask": PADDED, "attn_mask": BOOL}),
    ({"add_bias_kv": True, "batch_first": True}, {"attn_mask": RANDOM.standard_normal((B * HEADS, L, S))}),
    ({"add_zero_attn": True}, {"attn_mask": np.where(BOOL, -np.inf, 0.0), "key_padding_mask": PADDED}),
    ({}, {"attn_mask": BOOL, "key_padding_mask": PADDED, "need_weights": False}),
)


def pair(ours: Any, theirs: Any) -> None:
    """PyTorch's layer with the weights of Curta's."""
    assert repr(ours) == repr(theirs)
    state = {name: torch.from_numpy(one.numpy().copy()) for name, one in ours.state_dict().items()}
    assert list(state) == list(theirs.state_dict())
    theirs.load_state_dict(state)


def same(found: list[Any], wanted: list[Any]) -> None:
    for mine, other in zip(found, wanted, strict=True):
        assert (mine is None) == (other is None)
        if mine is not None:
            np.testing.assert_allclose(mine.numpy(), other.numpy(), rtol=1e-9, atol=1e-12)


def gradients(layer: Any, loss: Any, inputs: list[Any]) -> list[Any]:
    loss.backward()
    return [one.grad for one in (*inputs, *layer.parameters())]


@pytest.mark.parametrize("unbatched", [False, True])
@pytest.mark.parametrize("itself", [0, 1, 2], ids=["apart", "memory", "itself"])
@pytest.mark.parametrize(("made", "called"), ATTENTION, ids=str)
def test_attention(made: dict[str, Any], called: dict[str, Any], itself: int, unbatched: bool) -> None:
    if itself and "kdim" in made:
        return
    ours = curta.nn.MultiheadAttention(E, HEADS, dtype=curta.float64, **made)
    theirs = torch.nn.MultiheadAttention(E, HEADS, dtype=torch.float64, **made)
    pair(ours, theirs)
    first = made.get("batch_first", False)
    steps = S if itself == 2 else L
    shapes = ((B, steps, E), (B, S, made.get("kdim", E)), (B, S, made.get("vdim", E)))
    arrays = [RANDOM.standard_normal(shape).swapaxes(0, 0 if first else 1).copy() for shape in shapes]
    if unbatched:
        arrays = [one.take(0, 0 if first else 1) for one in arrays]
    found = []
    for framework, layer in ((curta, ours), (torch, theirs)):
        inputs = [framework.from_numpy(one.copy()).requires_grad_() for one in arrays[: 3 - itself]]
        given = {0: inputs, 1: [inputs[0], inputs[-1], inputs[-1]], 2: inputs * 3}[itself]
        options = dict(called)
        for name in ("attn_mask", "key_padding_mask"):
            if name in options:
                mask = options[name]
                if name == "attn_mask" and itself == 2:
                    mask = np.concatenate([mask, mask[..., :1, ::-1]], -2)
                if unbatched:
                    mask = mask[0] if name == "key_padding_mask" else mask[:HEADS] if mask.ndim == 3 else mask
                options[name] = framework.from_numpy(mask.copy())
        out, weights = layer(*given, **options)
        loss = (out * out).sum() + (0 if weights is None else weights.sin().sum())
        shown = None if weights is None else weights.detach()
        found.append([out.detach(), shown, *gradients(layer, loss, inputs)])
    same(*found)


@pytest.mark.parametrize(
    "options",
    [{}, {"norm_first": True, "batch_first": True, "activation": "gelu"}, {"bias": False}],
    ids=str,
)
@pytest.mark.parametrize("causal", [False, True])
def test_transformer(options: dict[str, Any], causal: bool) -> None:
    sizes = (E, HEADS, 2, 2, 8, 0.0)
    ours = curta.nn.Transformer(*sizes, dtype=curta.float64, **options)
    theirs = torch.nn.Transformer(*sizes, dtype=torch.float64, **options)
    pair(ours, theirs)
    first = options.get("batch_first", False)
    arrays = [RANDOM.standard_normal((B, n, E) if first else (n, B, E)) for n in (S, L)]
    found = []
    for framework, layer in ((curta, ours), (torch, theirs)):
        inputs = [framework.from_numpy(one.copy()).requires_grad_() for one in arrays]
        masks: dict[str, Any] = {"src_key_padding_mask": framework.from_numpy(PADDED)}
        masks["memory_key_padding_mask"] = masks["src_key_padding_mask"]
        if causal:
            mask = framework.nn.Transformer.generate_square_subsequent_mask(L, dtype=framework.float64)
            masks |= {"tgt_mask": mask, "tgt_is_causal": True}
        out = layer(*inputs, **masks)
        found.append([out.detach(), *gradients(layer, (out * out * out).sum(), inputs)])
    same(*found)
