"""Recurrent networks against an installed PyTorch, with its weights: values, last states and gradients."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import curta

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.parity

OPTIONS: tuple[tuple[str, dict[str, Any]], ...] = (
    ("RNN", {"num_layers": 2, "bidirectional": True}),
    ("RNN", {"nonlinearity": "relu", "batch_first": True}),
    ("LSTM", {"num_layers": 2, "bidirectional": True, "proj_size": 2}),
    ("LSTM", {"bias": False}),
    ("GRU", {"num_layers": 2, "bidirectional": True, "batch_first": True}),
    ("GRU", {"bias": False}),
)


def run(framework: Any, layer: Any, arrays: list[Any], packed: list[int] | None) -> list[Any]:
    x, *states = [framework.from_numpy(one.copy()).requires_grad_() for one in arrays]
    rnn, first, given = framework.nn.utils.rnn, layer.batch_first, x
    if packed is not None:
        given = rnn.pack_padded_sequence(x, packed, batch_first=first, enforce_sorted=False)
    out, ends = layer(given, tuple(states) if len(states) > 1 else states[0])
    if packed is not None:
        out, _ = rnn.pad_packed_sequence(out, batch_first=first, padding_value=2.0, total_length=6)
    ends = ends if isinstance(ends, tuple) else (ends,)
    ((out * out).sum() + sum(end.sin().sum() for end in ends)).backward()
    return [
        out.detach(),
        *(end.detach() for end in ends),
        x.grad,
        *(one.grad for one in (*layer.parameters(), *states)),
    ]


@pytest.mark.parametrize("packed", [None, [5, 3, 1], [3, 5, 1]], ids=str)
@pytest.mark.parametrize(("kind", "options"), OPTIONS, ids=str)
def test_values_and_gradients(kind: str, options: dict[str, Any], packed: list[int] | None) -> None:
    ours = getattr(curta.nn, kind)(3, 4, dtype=curta.float64, **options)
    theirs = getattr(torch.nn, kind)(3, 4, dtype=torch.float64, **options)
    assert repr(ours) == repr(theirs)
    theirs.load_state_dict({name: torch.from_numpy(one.numpy().copy()) for name, one in ours.state_dict().items()})
    random = np.random.default_rng(0)
    count = options.get("num_layers", 1) * (2 if options.get("bidirectional") else 1)
    shapes = [(3, 5, 3) if options.get("batch_first") else (5, 3, 3), (count, 3, options.get("proj_size", 4))]
    shapes += [(count, 3, 4)] if kind == "LSTM" else []
    arrays = [random.standard_normal(shape) for shape in shapes]
    for mine, other in zip(run(curta, ours, arrays, packed), run(torch, theirs, arrays, packed), strict=True):
        np.testing.assert_allclose(mine.numpy(), other.numpy(), rtol=1e-10, atol=1e-12)
