"""Losses with what they are called with: for the ordinary tests against recorded values, and for parity."""

from __future__ import annotations

from typing import Any

import numpy as np

R = np.random.default_rng(0)
X, Y, Z = (R.standard_normal((4, 5)) for _ in range(3))
P, Q = R.uniform(0.05, 0.95, (4, 5)), R.uniform(0.05, 0.95, (4, 5))
# what is stored in float32 wants no gradient
SIGNS, CLASSES = np.sign(R.standard_normal((4, 5))).astype(np.float32), R.integers(0, 5, 4)
LABELS = np.array([[3, 0, -1, 1, 2], [1, 1, 4, -1, -1], [-1, 0, 0, 0, 0], [0, 1, 2, 3, 4]])
EDGE = np.array([1.0, 0.0, 1.0, 0.25], np.float32)
W = R.uniform(0.5, 2, 5)
LOSSES: tuple[tuple[str, tuple[Any, ...], dict[str, Any]], ...] = (
    ("MSELoss", (X, Y), {}), ("L1Loss", (X, Y), {}),
    ("SmoothL1Loss", (X, Y), {"beta": 0.5}), ("SmoothL1Loss", (X, Y), {"beta": 0.0}),
    ("HuberLoss", (X, Y), {"delta": 0.7}),
    ("BCELoss", (P, Q), {}), ("BCELoss", (np.array([0.0, 1.0, 1.0, 0.0]), EDGE), {}),
    ("BCELoss", (P, Q), {"weight": W}),
    ("BCEWithLogitsLoss", (np.array([0.0, 50.0, -800.0, 3.0]), np.array([0.2, 0.0, 1.0, 0.3])), {}),
    ("BCEWithLogitsLoss", (X, Q), {"pos_weight": W, "weight": W[::-1].copy()}),
    ("NLLLoss", (X, CLASSES), {"weight": W, "ignore_index": 1}),
    ("NLLLoss", (R.standard_normal((2, 5, 3, 2)), R.integers(0, 5, (2, 3, 2))), {}),
    ("CrossEntropyLoss", (X, CLASSES), {"weight": W, "label_smoothing": 0.1}),
    ("KLDivLoss", (np.log(P), Q), {}), ("KLDivLoss", (np.log(P), np.log(Q)), {"log_target": True}),
    ("PoissonNLLLoss", (X, Q * 4), {"full": True}), ("PoissonNLLLoss", (P, Q), {"log_input": False}),
    ("GaussianNLLLoss", (X, Y, P), {"full": True}), ("GaussianNLLLoss", (X, Y, P[:, 0].copy() * 1e-6), {}),
    ("HingeEmbeddingLoss", (X, SIGNS), {"margin": 0.6}), ("SoftMarginLoss", (X, SIGNS), {}),
    ("MarginRankingLoss", (X, Y, SIGNS), {"margin": 0.3}),
    ("CosineEmbeddingLoss", (X, Y, SIGNS[:, 0].copy()), {"margin": 0.1}),
    ("TripletMarginLoss", (X, Y, Z), {"p": 3.0, "swap": True}), ("TripletMarginLoss", (X, Y, Z), {}),
    ("TripletMarginWithDistanceLoss", (X, Y, Z), {"swap": True, "margin": 2.0}),
    ("MultiMarginLoss", (X, CLASSES), {"p": 2, "weight": W}), ("MultiMarginLoss", (X, CLASSES), {"margin": 0.4}),
    ("MultiMarginLoss", (X[0].copy(), np.array(2)), {}),
    ("MultiLabelMarginLoss", (X, LABELS), {}), ("MultiLabelMarginLoss", (X[1].copy(), LABELS[1].copy()), {}),
    ("MultiLabelSoftMarginLoss", (X, Q), {"weight": W}),
)  # fmt: skip


def tensors(framework: Any, arrays: tuple[Any, ...]) -> list[Any]:
    made = [framework.tensor(one.tolist(), dtype=framework.int64 if one.dtype.kind == "i" else framework.float64)
            for one in arrays]  # fmt: skip
    return [one.requires_grad_() if array.dtype == np.float64 else one for one, array in zip(made, arrays, strict=True)]
