"""What is refused, in which words: losses, distances and their layers."""

from __future__ import annotations

from typing import Any

from refusal import F, Refusal

from curta.errors import ArgumentError, DTypeError, IndexRangeError, ShapeError, UnsupportedError


def ctc(c: Any, targets: list[Any], times: list[int], lengths: list[int], **options: Any) -> Any:
    scores = c.zeros(5, 2, 4)
    return F(c).ctc_loss(scores, c.tensor(targets), c.tensor(times), c.tensor(lengths), **options)


REFUSALS = (
    Refusal(
        lambda c: F(c).smooth_l1_loss(c.zeros(2), c.zeros(2), beta=-1.0),
        ShapeError,
        "smooth_l1_loss does not support negative values for beta.",
    ),
    Refusal(
        lambda c: F(c).huber_loss(c.zeros(2), c.zeros(2), delta=0.0),
        ShapeError,
        "huber_loss does not support non-positive values for delta.",
    ),
    Refusal(
        lambda c: F(c).huber_loss(c.zeros(2), c.zeros(2), weight=c.zeros(2)),
        UnsupportedError,
        "huber_loss(): the argument 'weight' is not supported",
        only_curta=True,
    ),
    Refusal(
        lambda c: c.nn.SmoothL1Loss(size_average=True)(c.zeros(2), c.zeros(2)),
        UnsupportedError,
        "smooth_l1_loss(): the argument 'size_average' is not supported; use 'reduction'",
        only_curta=True,
    ),
    Refusal(
        lambda c: F(c).binary_cross_entropy(c.zeros(2), c.zeros(3)),
        ArgumentError,
        "Using a target size (torch.Size([3])) that is different to the input size (torch.Size([2])) is deprecated. "
        "Please ensure they have the same size.",
    ),
    Refusal(
        lambda c: F(c).binary_cross_entropy(c.full((2,), 1.5), c.zeros(2)),
        ShapeError,
        "all elements of input should be between 0 and 1",
    ),
    Refusal(
        lambda c: F(c).kl_div(c.zeros(2), c.zeros(2), reduction="x"),
        ArgumentError,
        "x is not a valid value for reduction",
    ),
    Refusal(
        lambda c: F(c).gaussian_nll_loss(c.zeros(2), c.zeros(2), c.full((2,), -1.0)),
        ArgumentError,
        "var has negative entry/entries",
    ),
    Refusal(
        lambda c: F(c).gaussian_nll_loss(c.zeros(2, 3), c.zeros(2, 3), c.zeros(3)),
        ArgumentError,
        "var is of incorrect size",
    ),
    Refusal(
        lambda c: F(c).margin_ranking_loss(c.zeros(2), c.zeros(2, 1), c.zeros(2)),
        ShapeError,
        "margin_ranking_loss : All input tensors should have same dimension but got sizes: input1: torch.Size([2]), "
        "input2: torch.Size([2, 1]), target: torch.Size([2]) ",
    ),
    Refusal(
        lambda c: F(c).cosine_embedding_loss(c.zeros(2, 3), c.zeros(2, 3), c.zeros(2, 1)),
        ShapeError,
        "0D or 1D target tensor expected, multi-target not supported",
    ),
    Refusal(
        lambda c: F(c).cosine_embedding_loss(c.zeros(2, 3, 4), c.zeros(2, 3, 4), c.zeros(2)),
        ShapeError,
        "cosine_embedding_loss: inputs of 3 dimensions do not go with a target of 1",
    ),
    Refusal(
        lambda c: F(c).triplet_margin_loss(c.zeros(2, 3), c.zeros(2, 3), c.zeros(3)),
        ShapeError,
        "The anchor, positive, and negative tensors are expected to have the same number of dimensions, but got: anchor "
        "2D, positive 2D, and negative 1D inputs",
    ),
    Refusal(
        lambda c: F(c).triplet_margin_loss(*(c.zeros(2, 3),) * 3, margin=-1),
        ArgumentError,
        "margin must be greater than 0, got -1",
    ),
    Refusal(
        lambda c: c.nn.TripletMarginWithDistanceLoss(margin=0),
        ArgumentError,
        "TripletMarginWithDistanceLoss: expected margin to be greater than 0, got 0",
    ),
    Refusal(
        lambda c: F(c).multi_margin_loss(c.zeros(2, 3), c.tensor([0, 1]), p=3),
        ArgumentError,
        "only p == 1 and p == 2 supported",
    ),
    Refusal(
        lambda c: F(c).multi_margin_loss(c.zeros(2, 3), c.tensor([0, 1, 2])),
        ShapeError,
        "multi_margin_loss: target tensor should be 1-D with size equal to the number of input samples (batch size). "
        "Expected target size [2], but got [3]. Input has shape [2, 3].",
    ),
    Refusal(
        lambda c: F(c).multi_margin_loss(c.zeros(2, 0), c.tensor([0, 1])),
        ShapeError,
        "Expected non-empty vector or matrix with optional 0-dim batch size, but got: [2, 0]",
    ),
    Refusal(
        lambda c: F(c).multi_margin_loss(c.zeros(2, 3), c.tensor([0.0, 1.0])),
        DTypeError,
        "multi_margin_loss: expected target of type int64 but found float32",
    ),
    Refusal(
        lambda c: F(c).multi_margin_loss(c.zeros(2, 3), c.tensor([0, 1]), weight=c.zeros(1, 3)),
        ArgumentError,
        "multi_margin_loss: weight must be one-dimensional, got [1, 3]",
    ),
    Refusal(
        lambda c: F(c).multi_margin_loss(c.zeros(2, 3), c.tensor([0, 1]), weight=c.zeros(2)),
        ShapeError,
        "inconsistent weight size, expected 3 but got [2]",
    ),
    Refusal(
        lambda c: F(c).multi_margin_loss(c.zeros(2, 3), c.tensor([0, 3])),
        IndexRangeError,
        "Target 3 is out of bounds. (multi_margin_loss: 3 classes)",
        only_curta=True,
    ),
    Refusal(
        lambda c: F(c).multilabel_margin_loss(c.zeros(2, 3), c.tensor([[0, 1], [1, 2]])),
        ShapeError,
        "inconsistent target size: [2, 2] for input of size: [2, 3]",
    ),
    Refusal(
        lambda c: F(c).cosine_similarity(c.tensor([1, 2]), c.tensor([1, 2]), dim=0),
        DTypeError,
        "expected common dtype to be floating point, yet common dtype is int64",
    ),
    Refusal(lambda c: ctc(c, [[1, 2]] * 2, [5, 5], [2, 2], blank=4), ShapeError, "blank must be in label range"),
    Refusal(lambda c: ctc(c, [[1, 2]] * 2, [5], [2, 2]), ShapeError, "input_lengths must be of size batch_size"),
    Refusal(
        lambda c: ctc(c, [[1, 2]] * 2, [5, -1], [2, 2]),
        ShapeError,
        "ctc_loss: input_lengths must not be negative, got -1",
    ),
    Refusal(
        lambda c: ctc(c, [[1, 2]] * 2, [6, 5], [2, 2]),
        ShapeError,
        "Expected input_lengths to have value at most 5, but got value 6",
    ),
    Refusal(
        lambda c: ctc(c, [[1, 2]] * 2, [5, 5], [2, 3]),
        ShapeError,
        "Expected tensor to have size at least 3 at dimension 1, but got size 2 for argument #2 'targets'",
    ),
    Refusal(
        lambda c: ctc(c, [1, 2, 2], [5, 5], [2, 2]),
        ShapeError,
        "Expected tensor to have size 4 at dimension 0, but got size 3 for argument #2 'targets'",
    ),
)
