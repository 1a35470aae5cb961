"""What is refused, in which words: nn.functional."""

from __future__ import annotations

from refusal import F, Refusal

from curta.errors import (
    ArgumentError,
    ArgumentTypeError,
    DTypeError,
    IndexRangeError,
    ShapeError,
    UnsupportedDTypeError,
    UnsupportedError,
)

REFUSALS = (
    Refusal(
        lambda c: F(c).linear(c.zeros(2), c.zeros(2, 2, 2)),
        ShapeError,
        "linear: weight must be a matrix or a vector, got f32[2,2,2]",
    ),
    Refusal(
        lambda c: F(c).linear(c.zeros(2, 2), c.zeros(2, 2), c.zeros(2, dtype=c.float64)),
        DTypeError,
        "self and mat2 must have the same dtype, but got float64 and float32",
    ),
    Refusal(
        lambda c: F(c).gelu(c.zeros(2, dtype=c.int64)), UnsupportedDTypeError, "\"gelu\" not implemented for 'int64'"
    ),
    Refusal(
        lambda c: F(c).layer_norm(c.zeros(2, dtype=c.int64), (2,)),
        UnsupportedDTypeError,
        "\"layer_norm\" not implemented for 'int64'",
    ),
    Refusal(
        lambda c: F(c).softmax(c.zeros(2, 2)),
        UnsupportedError,
        "softmax(): an implicit 'dim' is not supported: name it",
        only_curta=True,
    ),
    Refusal(
        lambda c: F(c).log_softmax(c.zeros(2, 2)),
        UnsupportedError,
        "log_softmax(): an implicit 'dim' is not supported: name it",
        only_curta=True,
    ),
    Refusal(lambda c: F(c).embedding(c.zeros(2, dtype=c.int64), c.zeros(2)), ShapeError, "'weight' must be 2-D"),
    Refusal(
        lambda c: F(c).scaled_dot_product_attention(c.zeros(2), c.zeros(2), c.zeros(2)),
        ShapeError,
        "Both q, k and v must have at least 2 dimensions, got 1, 1 and 1",
    ),
    Refusal(
        lambda c: F(c).scaled_dot_product_attention(c.zeros(2, 2), c.zeros(2, 2, dtype=c.float64), c.zeros(2, 2)),
        DTypeError,
        "Expected query, key, and value to have the same dtype, but got query.dtype: float32 key.dtype: float64 and value.dtype: float32 instead.",
    ),
    Refusal(
        lambda c: F(c).scaled_dot_product_attention(
            c.zeros(2, 2), c.zeros(2, 2), c.zeros(2, 2), attn_mask=c.zeros(2, 2), is_causal=True
        ),
        ShapeError,
        "Explicit attn_mask should not be set when is_causal=True",
    ),
    Refusal(
        lambda c: F(c).scaled_dot_product_attention(
            c.zeros(3, 2, 2), c.zeros(2, 2, 2), c.zeros(2, 2, 2), enable_gqa=True
        ),
        ShapeError,
        "Number of heads in key and value must divide the number of heads in query, got 2 and 3",
    ),
    Refusal(
        lambda c: F(c).scaled_dot_product_attention(
            c.zeros(1, 3, 2, 2), c.zeros(1, 2, 2, 2), c.zeros(1, 2, 2, 2), enable_gqa=True
        ),
        ShapeError,
        "Number of heads in key and value must divide the number of heads in query, got 2 and 3",
    ),
    Refusal(
        lambda c: F(c).scaled_dot_product_attention(
            c.zeros(2, 2), c.zeros(2, 2), c.zeros(2, 2), attn_mask=c.zeros(2, 2, dtype=c.int64)
        ),
        DTypeError,
        "Expected attn_mask dtype to be bool or to match query dtype, but got attn_mask.dtype: int64 and query.dtype: float32 instead.",
    ),
    Refusal(
        lambda c: F(c).rms_norm(c.zeros(2, dtype=c.int64), (2,)),
        UnsupportedDTypeError,
        "\"rms_norm\" not implemented for 'int64'",
    ),
    Refusal(
        lambda c: F(c).rms_norm(c.zeros(2, 3), (3,), c.zeros(2)),
        ShapeError,
        "Expected weight to be of same shape as normalized_shape, but got weight of shape [2] and normalized_shape = [3]",
    ),
    Refusal(
        lambda c: F(c).rms_norm(c.zeros(2, 3), (2,)),
        ShapeError,
        "Given normalized_shape=[2], expected input with shape [*2], but got input of size[2, 3]",
    ),
    Refusal(
        lambda c: F(c).rms_norm(c.zeros(2, 3), ()),
        ShapeError,
        "Expected normalized_shape to be at least 1-dimensional, i.e., containing at least one element, but got normalized_shape = []",
    ),
    Refusal(
        lambda c: F(c).layer_norm(c.zeros(2, 3), (3,), c.zeros(2)),
        ShapeError,
        "Expected weight to be of same shape as normalized_shape, but got weight of shape [2] and normalized_shape = [3]",
    ),
    Refusal(
        lambda c: F(c).layer_norm(c.zeros(2, 3), (3,), c.zeros(3), c.zeros(2)),
        ShapeError,
        "Expected bias to be of same shape as normalized_shape, but got bias of shape [2] and normalized_shape = [3]",
    ),
    Refusal(
        lambda c: F(c).layer_norm(c.zeros(2, 3), (2,)),
        ShapeError,
        "Given normalized_shape=[2], expected input with shape [*, 2], but got input of size[2, 3]",
    ),
    Refusal(
        lambda c: F(c).batch_norm(c.zeros(1, 3), None, None, training=True),
        ArgumentError,
        "Expected more than 1 value per channel when training, got input size torch.Size([1, 3])",
    ),
    Refusal(
        lambda c: F(c).batch_norm(c.zeros(2, 3), None, None),
        ShapeError,
        "running_mean must be defined in evaluation mode",
    ),
    Refusal(
        lambda c: F(c).batch_norm(c.zeros(2, 3), c.zeros(3), None),
        ShapeError,
        "running_var must be defined in evaluation mode",
    ),
    Refusal(
        lambda c: F(c).batch_norm(c.zeros(2, 3), c.zeros(3), None, training=True),
        ArgumentError,
        "running_mean and running_var must either both be None or neither be None",
    ),
    Refusal(
        lambda c: F(c).batch_norm(c.zeros(2, 3), c.zeros(4), c.zeros(4)),
        ShapeError,
        "running_mean should contain 3 elements not 4",
    ),
    Refusal(
        lambda c: F(c).batch_norm(c.zeros(2, 3), c.zeros(3), c.zeros(4)),
        ShapeError,
        "running_var should contain 3 elements not 4",
    ),
    Refusal(
        lambda c: F(c).batch_norm(c.zeros(2, 3), c.zeros(3), c.zeros(3), c.zeros(4)),
        ShapeError,
        "weight should contain 3 elements not 4",
    ),
    Refusal(
        lambda c: F(c).batch_norm(c.zeros(2, 3), c.zeros(3), c.zeros(3), c.zeros(3), c.zeros(4)),
        ShapeError,
        "bias should contain 3 elements not 4",
    ),
    Refusal(
        lambda c: F(c).batch_norm(c.zeros(3), c.zeros(3), c.zeros(3)),
        ShapeError,
        "batch_norm: expected input of at least 2 dimensions [N, C, ...], got f32[3]",
    ),
    Refusal(
        lambda c: F(c).batch_norm(c.zeros(2, 3, dtype=c.int64), None, None, training=True),
        UnsupportedDTypeError,
        "\"batch_norm\" not implemented for 'int64'",
    ),
    Refusal(
        lambda c: F(c).batch_norm(c.zeros(2, 3), c.zeros(3, dtype=c.float64), c.zeros(3, dtype=c.float64)),
        DTypeError,
        "mixed dtype (CPU): expect parameter to have scalar type of Float",
    ),
    Refusal(
        lambda c: F(c).batch_norm(c.zeros(2, 3, dtype=c.float64), c.zeros(3), c.zeros(3)),
        DTypeError,
        "mixed dtype (CPU): all inputs must share same datatype.",
    ),
    Refusal(
        lambda c: c.nn.BatchNorm1d(3)(c.zeros(2, 3, 4, 4)),
        ArgumentError,
        "expected 2D or 3D input (got 4D input)",
    ),
    Refusal(
        lambda c: c.nn.BatchNorm2d(3)(c.zeros(2, 3, 4)),
        ArgumentError,
        "expected 4D input (got 3D input)",
    ),
    Refusal(
        lambda c: F(c).dropout(c.zeros(2), 1.5),
        ArgumentError,
        "dropout probability has to be between 0 and 1, but got 1.5",
    ),
    Refusal(
        lambda c: F(c).cross_entropy(c.tensor(1.0), c.tensor(0)),
        ShapeError,
        "cross_entropy: Expected scores of at least 1 dimension, got f32[]",
    ),
    Refusal(
        lambda c: F(c).cross_entropy(c.zeros(2, 3), c.zeros(3, dtype=c.int64)),
        ArgumentError,
        "Expected input batch_size (2) to match target batch_size (3).",
    ),
    Refusal(
        lambda c: F(c).cross_entropy(c.zeros(2, 3), c.zeros(2, 2, dtype=c.int64)),
        ShapeError,
        "Expected target size [2], got [2, 2]",
    ),
    Refusal(
        lambda c: F(c).cross_entropy(c.zeros(2, 3, 4), c.zeros(2, 5, dtype=c.int64)),
        ShapeError,
        "Expected target size [2, 4], got [2, 5]",
    ),
    Refusal(
        lambda c: F(c).cross_entropy(c.zeros(2, 3), c.zeros(2, dtype=c.int32)),
        DTypeError,
        "cross_entropy: expected target dtype to be int64 or uint8, but got int32",
    ),
    Refusal(
        lambda c: F(c).cross_entropy(c.zeros(2, 3), c.zeros(2, dtype=c.int64), weight=c.zeros(2)),
        ShapeError,
        "weight tensor should be defined either for all 3 classes or no classes but got weight tensor of shape: [2]",
    ),
    Refusal(
        lambda c: F(c).cross_entropy(c.zeros(2, 3), c.zeros(2, dtype=c.int64), weight=c.zeros(3, dtype=c.float64)),
        DTypeError,
        "expected scalar type float32 but found float64",
    ),
    Refusal(
        lambda c: F(c).cross_entropy(c.zeros(2, 3), c.zeros(2, dtype=c.int64), label_smoothing=1.5),
        ShapeError,
        "label_smoothing must be between 0.0 and 1.0. Got: 1.5",
    ),
    Refusal(
        lambda c: F(c).cross_entropy(c.zeros(2, 3, dtype=c.int64), c.zeros(2, dtype=c.int64)),
        UnsupportedDTypeError,
        "\"log_softmax\" not implemented for 'int64'",
    ),
    Refusal(
        lambda c: F(c).cross_entropy(c.zeros(2, 3), c.tensor([0, 3])),
        IndexRangeError,
        "Target 3 is out of bounds. (cross_entropy: 3 classes)",
    ),
    Refusal(
        lambda c: F(c).linear_cross_entropy(c.zeros(2, 2, 3), c.zeros(4, 3), c.tensor([0, 3])),
        ShapeError,
        "expected input with dimensionality 1 or 2, got 3",
    ),
    Refusal(
        lambda c: F(c).linear_cross_entropy(c.zeros(2, 3), c.zeros(4, 2), c.tensor([0, 3])),
        ShapeError,
        "expected equal input and linear_weight last dimensions (in_features), got 3 and 2, respectively",
    ),
    Refusal(
        lambda c: F(c).linear_cross_entropy(c.zeros(2, 3), c.zeros(3), c.tensor([0, 3])),
        ShapeError,
        "expected linear_weight with dimensionality at least 2, got 1",
    ),
    Refusal(
        lambda c: F(c).linear_cross_entropy(c.zeros(3), c.zeros(4, 2, 3), c.tensor([0])),
        ShapeError,
        "K-dimensional loss defined by linear_weight shape (4, 2, 3) requires batched input, (N, 3), got unbatched input "
        "with shape (3,)",
    ),
    Refusal(
        lambda c: F(c).linear_cross_entropy(c.zeros(2, 3), c.zeros(4, 3), c.zeros(2, 4), ignore_index=1),
        ShapeError,
        "ignore_index cannot be specified when target contains probabilities",
    ),
    Refusal(
        lambda c: F(c).linear_cross_entropy(c.zeros(2, 3), c.zeros(4, 3), c.tensor([0, 3]), options=4),
        ArgumentTypeError,
        "linear_cross_entropy(): argument 'options' must be LinearCrossEntropyOptions, not int",
        only_curta=True,
    ),
    Refusal(
        lambda c: c.nn.LinearCrossEntropyOptions(acc_policy="rough"),
        ArgumentError,
        "invalid acc_policy: 'rough'",
    ),
    Refusal(
        lambda c: c.nn.LinearCrossEntropyOptions(chunking_method="aspect_ratio:0"),
        ArgumentError,
        "invalid chunking_method: 'aspect_ratio:0'",
    ),
    Refusal(
        lambda c: c.nn.LinearCrossEntropyOptions(batch_chunk_size=0),
        ArgumentError,
        "batch_chunk_size must be positive int or None, got 0",
    ),
    Refusal(
        lambda c: c.nn.LinearCrossEntropyOptions(acc_dtype=c.int64),
        ArgumentError,
        "acc_dtype must be None or a floating-point dtype, got curta.int64",
    ),
    Refusal(
        lambda c: F(c).linear_cross_entropy(c.zeros(2, 3), c.zeros(4, 3), c.tensor([0, 3]), linear_bias=c.zeros(3)),
        ShapeError,
        "expected linear_bias shape (4,), got (3,)",
    ),
    Refusal(
        lambda c: F(c).linear_cross_entropy(c.zeros(2, 3), c.zeros(4, 3), c.tensor([0, 3, 1])),
        ArgumentError,
        "Expected input batch_size (2) to match target batch_size (3).",
    ),
    Refusal(
        lambda c: F(c).linear_cross_entropy(c.zeros(2, 3), c.zeros(4, 3), c.tensor([0, 4])),
        IndexRangeError,
        "Target 4 is out of bounds. (linear_cross_entropy: 4 classes)",
    ),
    Refusal(
        lambda c: F(c).linear_cross_entropy(c.zeros(2, 3), c.zeros(4, 3), c.tensor([0.5, 1.5])),
        DTypeError,
        "linear_cross_entropy: expected target dtype to be int64 or uint8, but got float32",
    ),
    Refusal(
        lambda c: F(c).linear_cross_entropy(c.zeros(2, 3), c.zeros(4, 3), c.tensor([0, 3]), label_smoothing=1.5),
        ShapeError,
        "label_smoothing must be between 0.0 and 1.0. Got: 1.5",
    ),
    Refusal(
        lambda c: F(c).linear_cross_entropy(c.zeros(2, 3), c.zeros(4, 3), c.tensor([0, 3]), reduction="product"),
        ArgumentError,
        "product is not a valid value for reduction",
    ),
    Refusal(
        lambda c: F(c).linear_cross_entropy(
            c.zeros(2, 3, dtype=c.int64), c.zeros(4, 3, dtype=c.int64), c.tensor([0, 3])
        ),
        UnsupportedDTypeError,
        "\"log_softmax\" not implemented for 'int64'",
    ),
    Refusal(
        lambda c: F(c).linear_cross_entropy(c.zeros(2, 3), c.zeros(4, 3, dtype=c.float64), c.tensor([0, 3])),
        DTypeError,
        "expected m1 and m2 to have the same dtype, but got: float != double (matmul: f32[2,3] @ f64[3,4])",
    ),
    Refusal(
        lambda c: F(c).nll_loss(c.zeros(2, 3), c.zeros(2, dtype=c.int64), reduction="product"),
        ArgumentError,
        "product is not a valid value for reduction",
    ),
    Refusal(
        lambda c: F(c).mse_loss(c.zeros(2), c.zeros(2), weight=c.ones(2)),
        UnsupportedError,
        "mse_loss(): the argument 'weight' is not supported",
        only_curta=True,
    ),
    Refusal(
        lambda c: F(c).l1_loss(c.zeros(2), c.zeros(2), weight=c.ones(2)),
        UnsupportedError,
        "l1_loss(): the argument 'weight' is not supported",
        only_curta=True,
    ),
    Refusal(
        lambda c: F(c).mse_loss(c.zeros(2), c.zeros(2), size_average=True),
        UnsupportedError,
        "mse_loss(): the argument 'size_average' is not supported; use 'reduction'",
        only_curta=True,
    ),
    Refusal(
        lambda c: F(c).binary_cross_entropy_with_logits(c.zeros(2), c.zeros(3)),
        ArgumentError,
        "Target size ([3]) must be the same as input size ([2])",
    ),
    Refusal(
        lambda c: F(c).conv2d(c.zeros(1, 1, 4, 4), c.zeros(1, 1, 2, 2), stride=(1, 1, 1)),
        ShapeError,
        "expected stride to be a single integer or a list of 2 values, got [1, 1, 1]",
    ),
    Refusal(
        lambda c: F(c).conv2d(c.zeros(1, 1, 4, 4), c.zeros(1, 1, 2, 2), padding="some"),
        ShapeError,
        "Invalid padding string 'some', should be one of 'valid', 'same'",
    ),
    Refusal(
        lambda c: F(c).conv2d(c.zeros(1, 1, 4, 4), c.zeros(1, 1, 2, 2), padding=-1),
        ShapeError,
        "negative padding is not supported",
    ),
    Refusal(
        lambda c: F(c).conv2d(c.zeros(1, 1, 4, 4), c.zeros(1, 1, 2, 2), stride=0),
        ShapeError,
        "non-positive stride is not supported",
    ),
    Refusal(
        lambda c: F(c).conv2d(c.zeros(1, 1, 4, 4), c.zeros(1, 1, 2, 2), dilation=0),
        ShapeError,
        "dilation should be greater than zero",
    ),
    Refusal(
        lambda c: F(c).conv2d(c.zeros(4, 4), c.zeros(1, 1, 2, 2)),
        ShapeError,
        "Expected 3D (unbatched) or 4D (batched) input to conv2d, but got input of size: [4, 4]",
    ),
    Refusal(
        lambda c: F(c).conv2d(c.zeros(1, 1, 4, 4), c.zeros(1, 2, 2)),
        ShapeError,
        "expected 4-dimensional weight, but got weight of size [1, 2, 2]",
    ),
    Refusal(
        lambda c: F(c).conv2d(c.zeros(1, 1, 4, 4), c.zeros(1, 1, 2, 2, dtype=c.float64)),
        DTypeError,
        "Input type (float32) and weight type (float64) should be the same",
    ),
    Refusal(
        lambda c: F(c).conv2d(c.zeros(1, 1, 4, 4), c.zeros(1, 1, 2, 2), c.zeros(1, dtype=c.float64)),
        DTypeError,
        "Input type (float32) and bias type (float64) should be the same",
    ),
    Refusal(
        lambda c: F(c).conv2d(c.zeros(1, 2, 4, 4), c.zeros(3, 1, 2, 2), groups=2),
        ShapeError,
        "Given groups=2, expected weight to be divisible by 2 at dimension 0, but got weight of size [3, 1, 2, 2] instead",
    ),
    Refusal(
        lambda c: F(c).conv2d(c.zeros(1, 3, 4, 4), c.zeros(2, 1, 2, 2)),
        ShapeError,
        "Given groups=1, weight of size [2, 1, 2, 2], expected input[1, 3, 4, 4] to have 1 channels, but got 3 channels instead",
    ),
    Refusal(
        lambda c: F(c).conv2d(c.zeros(1, 1, 4, 4), c.zeros(1, 1, 2, 2), groups=0),
        ShapeError,
        "non-positive groups is not supported",
    ),
    Refusal(
        lambda c: F(c).conv2d(c.zeros(1, 2, 4, 4), c.zeros(1, 1, 2, 2), groups=2),
        ShapeError,
        "Given groups=2, expected weight to be at least 2 at dimension 0, but got weight of size [1, 1, 2, 2] instead",
    ),
    Refusal(
        lambda c: F(c).conv2d(c.zeros(1, 1, 4, 4), c.zeros(1, 1, 2, 0)),
        ShapeError,
        "kernel size should be greater than zero, but got kernel_height: 2 kernel_width: 0",
    ),
    Refusal(
        lambda c: F(c).conv2d(c.zeros(1, 1, 0, 4), c.zeros(1, 1, 2, 2), padding=1),
        ShapeError,
        "Only zero batch or zero channel inputs are supported, but got input shape: [1, 1, 0, 4]",
    ),
    Refusal(
        lambda c: F(c).conv2d(c.zeros(1, 1, 4, 4), c.zeros(1, 1, 2, 2), c.zeros(2)),
        ShapeError,
        "Given weight of size [1, 1, 2, 2], expected bias to be 1-dimensional with 1 elements, but got bias of size [2] instead",
    ),
    Refusal(
        lambda c: F(c).conv2d(c.zeros(1, 1, 1, 4), c.zeros(1, 1, 2, 2)),
        ShapeError,
        "Calculated padded input size per channel: (1 x 4). Kernel size: (2 x 2). Kernel size can't be greater than actual input size",
    ),
    Refusal(
        lambda c: F(c).conv2d(c.zeros(1, 1, 4, 4), c.zeros(1, 1, 2, 2), stride=2, padding="same"),
        ShapeError,
        "padding='same' is not supported for strided convolutions",
    ),
)
