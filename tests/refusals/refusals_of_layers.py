"""What is refused, in which words: tables, bags, bilinear maps, dropout of channels, and the dispatcher's names."""

from __future__ import annotations

from refusal import F, Refusal

from curta.errors import ArgumentError, DTypeError, IndexRangeError, ShapeError, UnsupportedError

REFUSALS = (
    Refusal(
        lambda c: F(c).embedding_bag(
            c.tensor([0]), c.zeros(3, 2), c.tensor([0]), mode="sum", per_sample_weights=c.zeros(2)
        ),
        ArgumentError,
        "embedding_bag: If per_sample_weights ([2]) is not None, then it must have the same shape as the input ([1])",
    ),
    Refusal(
        lambda c: F(c).embedding_bag(c.tensor([0]), c.zeros(3), c.tensor([0])),
        ArgumentError,
        "weight has to be a 2D Tensor, but got Tensor of dimension 1",
    ),
    Refusal(
        lambda c: F(c).embedding_bag(c.tensor([[0]]), c.zeros(3, 2), c.tensor([0])),
        ArgumentError,
        "if input is 2D, then offsets has to be None, as input is treated as a mini-batch of fixed length sequences; got offsets [1]",
    ),
    Refusal(
        lambda c: F(c).embedding_bag(c.tensor([0]), c.zeros(3, 2)),
        ArgumentError,
        "offsets has to be a 1D Tensor but got None",
    ),
    Refusal(
        lambda c: F(c).embedding_bag(c.tensor(0), c.zeros(3, 2)),
        ArgumentError,
        "input has to be 1D or 2D Tensor, but got Tensor of dimension 0",
    ),
    Refusal(
        lambda c: F(c).embedding_bag(c.tensor([[0]]), c.zeros(3, 2), mode="least"),
        ArgumentError,
        "mode has to be one of sum, mean or max, got 'least'",
    ),
    Refusal(
        lambda c: F(c).embedding_bag(c.tensor([[0]]), c.zeros(3, 2), mode="max", scale_grad_by_freq=True),
        ArgumentError,
        "max mode does not support scaling the gradient by the frequency",
    ),
    Refusal(
        lambda c: F(c).embedding_bag(c.tensor([[0]]), c.zeros(3, 2), mode="max", sparse=True),
        ArgumentError,
        "max mode does not support sparse weights",
    ),
    Refusal(
        lambda c: F(c).embedding_bag(c.tensor([[0]]), c.zeros(3, 2), mode="mean", per_sample_weights=c.zeros(1, 1)),
        UnsupportedError,
        "embedding_bag: per_sample_weights was not None. per_sample_weights is only supported for mode='sum' (got mode='mean')",
    ),
    Refusal(
        lambda c: F(c).embedding_bag(c.tensor([0]), c.zeros(3, 2), c.tensor([0.0])),
        DTypeError,
        "Expected tensor for argument #1 'offsets' to have one of the following scalar types: Long, Int; but got curta.float32 instead (while checking arguments for embedding_bag)",
    ),
    Refusal(
        lambda c: F(c).embedding_bag(c.tensor([0]), c.zeros(3, 2), c.zeros(0, dtype=c.int64), include_last_offset=True),
        ShapeError,
        "include_last_offset: number of offset should be at least 1",
        only_curta=True,
    ),
    Refusal(
        lambda c: F(c).embedding_bag(c.tensor([0, 1]), c.zeros(3, 2), c.tensor([1])),
        ShapeError,
        "offsets[0] has to be 0, i.e., the first sequence in the mini-batch has to start from position 0. However, got 1",
    ),
    Refusal(
        lambda c: F(c).embedding_bag(c.tensor([0, 1]), c.zeros(3, 2), c.tensor([0, 3])),
        ShapeError,
        "offsets[-1] can not be greater than input's length(2) but got offsets[-1] of 3",
    ),
    Refusal(
        lambda c: F(c).embedding(c.tensor([0]), c.zeros(3, 2), padding_idx=3),
        ArgumentError,
        "Padding_idx must be within num_embeddings, got 3 and 3",
        only_curta=True,
    ),
    Refusal(
        lambda c: c.nn.Embedding(3, 2, sparse=True),
        UnsupportedError,
        "Embedding: the argument 'sparse' is not supported: without it a compiled step with SGD or Adagrad updates only the "
        "rows that were looked up",
        only_curta=True,
    ),
    Refusal(
        lambda c: c.nn.EmbeddingBag(3, 2, sparse=True),
        UnsupportedError,
        "EmbeddingBag: the argument 'sparse' is not supported: without it a compiled step with SGD or Adagrad updates only the "
        "rows that were looked up",
        only_curta=True,
    ),
    Refusal(lambda c: c.nn.Bilinear(0, 2, 2), ArgumentError, "in1_features must be > 0, but got 0"),
    Refusal(
        lambda c: F(c).bilinear(c.zeros(2, 3), c.zeros(3, 3), c.zeros(1, 3, 3)),
        ShapeError,
        "bilinear(): input batch dimensions do not match: got [2, 3] and [3, 3]",
    ),
    Refusal(
        lambda c: F(c).bilinear(c.zeros(2, 3), c.zeros(2, 3), c.zeros(3, 3)),
        ShapeError,
        "bilinear(): weight must be [N, K, M], got f32[3,3]",
        only_curta=True,
    ),
    Refusal(
        lambda c: F(c).bilinear(c.zeros(2, 3), c.zeros(2, 3), c.zeros(1, 2, 3)),
        ShapeError,
        "bilinear(): input1 size does not match weight size: got 3 but expected 2",
    ),
    Refusal(
        lambda c: F(c).bilinear(c.zeros(2, 3), c.zeros(2, 3), c.zeros(1, 3, 3), c.zeros(2)),
        ShapeError,
        "bilinear(): bias size does not match weight size: got [2] but expected 1",
    ),
    Refusal(
        lambda c: F(c).bilinear(c.zeros(2, 3), c.zeros(2, 3), c.zeros(1, 3, 3, dtype=c.float64)),
        DTypeError,
        "bilinear(): inputs and weight must have one dtype, got float32, float32 and float64",
    ),
    Refusal(
        lambda c: F(c).dropout1d(c.zeros(3)),
        ShapeError,
        "dropout1d: Expected 2D or 3D input, but received a 1D input. Note that dropout1d exists to provide channel-wise dropout on inputs with 1 spatial dimension, a channel dimension, and an optional batch dimension (i.e. 2D or 3D inputs).",
    ),
    Refusal(
        lambda c: F(c).feature_alpha_dropout(c.zeros(3), training=True),
        ShapeError,
        "feature_alpha_dropout: Feature dropout requires at least 2 dimensions in the input, got f32[3]",
    ),
    Refusal(
        lambda c: c.grid_sampler(c.zeros(1, 1, 2, 2), c.zeros(1, 1, 1, 2), 3, 0, False),
        ArgumentError,
        "grid_sampler(): interpolation_mode must be 0, 1 or 2, got 3",
        only_curta=True,
    ),
    Refusal(
        lambda c: c.grid_sampler_2d(c.zeros(1, 1, 2), c.zeros(1, 1, 1, 2), 0, 0, False),
        ShapeError,
        "grid_sampler_2d(): expected 4D input, got [1, 1, 2]",
        only_curta=True,
    ),
    Refusal(
        lambda c: c._upsample_bilinear2d_aa(c.zeros(1, 1, 2, 2), None, False),
        ShapeError,
        "_upsample_bilinear2d_aa: Must specify exactly one of output_size and scale_factors",
        only_curta=True,
    ),
    Refusal(
        lambda c: c.max_pool2d_with_indices_backward(
            c.zeros(1, 1, 3, 1), c.zeros(1, 1, 2, 2), 2, 2, 0, 1, False, c.zeros(1, 1, 1, 1, dtype=c.int64)
        ),
        ShapeError,
        "max_pool2d_with_indices_backward: Expected grad_output and indices of shape [1, 1, 1, 1], got [1, 1, 3, 1] and [1, 1, 1, 1]",
        only_curta=True,
    ),
    Refusal(
        lambda c: c.nn.AdaptiveLogSoftmaxWithLoss(4, 5, []),
        ArgumentError,
        "cutoffs should be a sequence of length larger than 0",
    ),
    Refusal(
        lambda c: c.nn.AdaptiveLogSoftmaxWithLoss(4, 5, [3, 2]),
        ArgumentError,
        "cutoffs should be a sequence of unique, positive integers sorted in an increasing order, where each value is between 1 and n_classes-1, got [3, 2] for 5 classes",
    ),
    Refusal(
        lambda c: c.nn.AdaptiveLogSoftmaxWithLoss(4, 5, [2])(c.zeros(2, 4), c.zeros(2, 1, dtype=c.int64)),
        ShapeError,
        "0D or 1D target tensor expected, multi-target not supported, got i64[2,1]",
    ),
    Refusal(
        lambda c: c.nn.AdaptiveLogSoftmaxWithLoss(4, 5, [2])(c.zeros(4), c.tensor([0])),
        ShapeError,
        "1D target tensor expects 2D input tensor, got input with size [4]",
    ),
    Refusal(
        lambda c: c.nn.AdaptiveLogSoftmaxWithLoss(4, 5, [2])(c.zeros(2, 4), c.tensor([0])),
        ShapeError,
        "Input and target should have the same size in the batch dimension, got 2 and 1",
    ),
    Refusal(
        lambda c: c.nn.AdaptiveLogSoftmaxWithLoss(4, 5, [2])(c.zeros(2, 4), c.tensor([0, 5])),
        IndexRangeError,
        "Target values should be in [0, 4], but values in range [0, 5] were found.",
        only_curta=True,
    ),
    Refusal(
        lambda c: c.nn.LinearCrossEntropyLoss(3, 4, weight=c.ones(3)),
        ShapeError,
        "expected weight shape to be (4,), got (3,)",
    ),
    Refusal(
        lambda c: c.nn.LinearCrossEntropyLoss(3, 4, label_smoothing=2.0),
        ShapeError,
        "expected label_smoothing to be in range [0, 1], got 2.0",
    ),
    Refusal(
        lambda c: c.nn.grad.conv1d_input((1, 1, 9), c.zeros(1, 1, 2), c.zeros(1, 1, 2)),
        ShapeError,
        "conv1d_input: an input of [1, 1, 9] does not give [1, 1, 2]",
        only_curta=True,
    ),
)
