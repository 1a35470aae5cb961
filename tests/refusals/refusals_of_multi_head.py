"""What is refused, in which words: attention of several heads, transformers. PyTorch mostly asserts here."""

from __future__ import annotations

from typing import Any

from refusal import F, Refusal

from curta.errors import ArgumentError, DTypeError, ShapeError


def attend(c: Any, q: tuple[int, ...], k: tuple[int, ...], v: tuple[int, ...], **masks: Any) -> Any:
    return c.nn.MultiheadAttention(4, 2)(c.zeros(*q), c.zeros(*k), c.zeros(*v), **masks)


def itself(c: Any, **masks: Any) -> Any:
    return attend(c, *((3, 2, 4),) * 3, **masks)


def function(c: Any, *weights: Any, **more: Any) -> Any:
    x, w = c.zeros(3, 2, 4), c.zeros(4, 4)
    return F(c).multi_head_attention_forward(x, x, x, 4, 2, *weights, None, None, None, False, 0.0, w, None, **more)


REFUSALS = (
    Refusal(
        lambda c: c.nn.MultiheadAttention(4, 0),
        ArgumentError,
        "embed_dim and num_heads must be greater than 0, got embed_dim=4 and num_heads=0 instead",
    ),
    Refusal(
        lambda c: c.nn.MultiheadAttention(4, 3),
        ArgumentError,
        "embed_dim must be divisible by num_heads, got 4 and 3",
        only_curta=True,
    ),
    Refusal(
        lambda c: attend(c, (3,), (3, 2, 4), (3, 2, 4)),
        ShapeError,
        "was expecting embedding dimension of 4, but got 3",
        only_curta=True,
    ),
    Refusal(
        lambda c: F(c).multi_head_attention_forward(
            *(c.zeros(3, 2, 5),) * 3, 4, 2, c.zeros(12, 4), None, None, None, False, 0.0, c.zeros(4, 4), None
        ),
        ShapeError,
        "was expecting embedding dimension of 4, but got 5",
        only_curta=True,
    ),
    Refusal(
        lambda c: attend(c, (4,), (3, 2, 4), (3, 2, 4)),
        ShapeError,
        "query should be unbatched 2D or batched 3D tensor but received 1-D query tensor",
        only_curta=True,
    ),
    Refusal(
        lambda c: attend(c, (3, 2, 4), (3, 4), (3, 2, 4)),
        ShapeError,
        "For batched (3-D) `query`, expected `key` and `value` to be 3-D but found 2-D and 3-D tensors respectively",
        only_curta=True,
    ),
    Refusal(
        lambda c: attend(c, (3, 2, 4), (3, 2, 4), (2, 2, 4)),
        ShapeError,
        "key shape torch.Size([3, 2, 4]) does not match value shape torch.Size([2, 2, 4])",
        only_curta=True,
    ),
    Refusal(
        lambda c: itself(c, attn_mask=c.zeros(3, 4)),
        ShapeError,
        "The shape of the 2D attn_mask is torch.Size([3, 4]), but should be (3, 3).",
    ),
    Refusal(
        lambda c: itself(c, attn_mask=c.zeros(3, 3, 3)),
        ShapeError,
        "The shape of the 3D attn_mask is torch.Size([3, 3, 3]), but should be (4, 3, 3).",
    ),
    Refusal(
        lambda c: itself(c, attn_mask=c.zeros(3)),
        ShapeError,
        "For batched (3-D) `query`, expected `attn_mask` to be `None`, 2-D or 3-D but found 1-D tensor instead",
        only_curta=True,
    ),
    Refusal(
        lambda c: itself(c, key_padding_mask=c.zeros(2)),
        ShapeError,
        "For batched (3-D) `query`, expected `key_padding_mask` to be `None` or 2-D but found 1-D tensor instead",
        only_curta=True,
    ),
    Refusal(
        lambda c: itself(c, key_padding_mask=c.zeros(2, 4)),
        ShapeError,
        "Expected key_padded_mask.shape[1] to be 3, but got 4",
        only_curta=True,
    ),
    Refusal(
        lambda c: itself(c, attn_mask=c.zeros(3, 3, dtype=c.int64)),
        DTypeError,
        "only bool and floating types of attn_mask are supported",
        only_curta=True,
    ),
    Refusal(
        lambda c: itself(c, is_causal=True),
        ShapeError,
        "Need attn_mask if specifying the is_causal hint. You may use the Transformer module method "
        "`generate_square_subsequent_mask` to create this mask.",
    ),
    Refusal(
        lambda c: function(c, None),
        ArgumentError,
        "use_separate_proj_weight is False but in_proj_weight is None",
        only_curta=True,
    ),
    Refusal(
        lambda c: function(c, None, use_separate_proj_weight=True),
        ArgumentError,
        "use_separate_proj_weight is True but q_proj_weight is None",
        only_curta=True,
    ),
    Refusal(
        lambda c: function(c, c.zeros(12, 4), static_k=c.zeros(4, 3, 3)),
        ShapeError,
        "expecting static_k of [4, 'S', 2], but got [4, 3, 3]",
        only_curta=True,
    ),
    Refusal(
        lambda c: c.nn.TransformerEncoderLayer(4, 2, activation="x"),
        ShapeError,
        "activation should be relu/gelu, not x",
    ),
    Refusal(
        lambda c: c.nn.Transformer(4, 2, 1, 1, 8)(c.zeros(3, 2, 4), c.zeros(3, 3, 4)),
        ShapeError,
        "the batch number of src and tgt must be equal",
    ),
    Refusal(
        lambda c: c.nn.Transformer(4, 2, 1, 1, 8)(c.zeros(3, 2, 5), c.zeros(3, 2, 5)),
        ShapeError,
        "the feature number of src and tgt must be equal to d_model",
    ),
)
