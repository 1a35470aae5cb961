"""Attention of several heads as a layer."""

from __future__ import annotations

from typing import Any

from curta.errors import ArgumentError, ShapeError
from curta.functions import creation
from curta.nn import init
from curta.nn.modules.linear import Linear
from curta.nn.modules.module import Module
from curta.nn.multi_head import Options, Projections, attend
from curta.nn.parameter import Parameter
from curta.tensor import Tensor


class NonDynamicallyQuantizableLinear(Linear):
    """A linear map under the name that PyTorch prints for it here."""


class MultiheadAttention(Module):
    """Each of `num_heads` heads attends with its share of the projected query, key and value; a projection joins them.

    Inputs are query [L, B, E], key [S, B, kdim], value [S, B, vdim], with `batch_first` [B, L, E] and so on, or without
    B. Gives the result, like the query, and the weights [B, L, S] averaged over heads (`average_attn_weights=False`:
    [B, heads, L, S]), or None without `need_weights`: then scores are never stored. In `attn_mask` [L, S] or
    [B * heads, L, S] and `key_padding_mask` [B, S] True is left out; numbers are added to the scores. A query that sees
    nothing gives zeros. `is_causal` says that `attn_mask` is causal.

    >>> import curta
    >>> x = curta.zeros(5, 2, 8)
    >>> out, weights = MultiheadAttention(8, 4)(x, x, x)
    >>> tuple(out.shape), tuple(weights.shape)
    ((5, 2, 8), (2, 5, 5))
    """

    def __init__(
        self, embed_dim: int, num_heads: int, dropout: float = 0.0, bias: bool = True, add_bias_kv: bool = False,
        add_zero_attn: bool = False, kdim: int | None = None, vdim: int | None = None, batch_first: bool = False,
        device: Any = None, dtype: Any = None,
    ) -> None:  # fmt: skip
        if embed_dim <= 0 or num_heads <= 0:
            raise ArgumentError(
                f"embed_dim and num_heads must be greater than 0, got embed_dim={embed_dim} and "
                f"num_heads={num_heads} instead"
            )
        super().__init__()
        self.embed_dim, self.num_heads, self.dropout, self.batch_first = embed_dim, num_heads, dropout, batch_first
        self.kdim = embed_dim if kdim is None else kdim
        self.vdim = embed_dim if vdim is None else vdim
        self.head_dim, self.add_zero_attn = embed_dim // num_heads, add_zero_attn
        if self.head_dim * num_heads != embed_dim:
            raise ArgumentError(f"embed_dim must be divisible by num_heads, got {embed_dim} and {num_heads}")
        packed = self.kdim == self.vdim == embed_dim
        shapes = {
            "q_proj_weight": None if packed else (embed_dim, embed_dim),
            "k_proj_weight": None if packed else (embed_dim, self.kdim),
            "v_proj_weight": None if packed else (embed_dim, self.vdim),
            "in_proj_weight": (3 * embed_dim, embed_dim) if packed else None,
            "in_proj_bias": (3 * embed_dim,) if bias else None,
            "bias_k": (1, 1, embed_dim) if add_bias_kv else None,
            "bias_v": (1, 1, embed_dim) if add_bias_kv else None,
        }
        for name, shape in shapes.items():
            made = None if shape is None else Parameter(creation.empty(*shape, device=device, dtype=dtype))
            self.register_parameter(name, made)
        self.out_proj = NonDynamicallyQuantizableLinear(embed_dim, embed_dim, bias, device, dtype)
        self._reset_parameters()

    def _reset_parameters(self) -> None:
        for name, parameter in self._parameters.items():
            if parameter is None:
                continue
            if name == "in_proj_bias":
                init.zeros_(parameter)
            elif name.startswith("bias"):
                init.xavier_normal_(parameter)
            else:
                init.xavier_uniform_(parameter)
        if self.out_proj.bias is not None:
            init.zeros_(self.out_proj.bias)

    def forward(
        self, query: Tensor, key: Tensor, value: Tensor, key_padding_mask: Tensor | None = None,
        need_weights: bool = True, attn_mask: Tensor | None = None, average_attn_weights: bool = True,
        is_causal: bool = False,
    ) -> tuple[Tensor, Tensor | None]:  # fmt: skip
        if query.layout.rank and query.layout.shape[-1] != self.embed_dim:
            raise ShapeError(f"was expecting embedding dimension of {self.embed_dim}, but got {query.layout.shape[-1]}")
        own = self._parameters
        weights = Projections(
            own["in_proj_weight"], (own["q_proj_weight"], own["k_proj_weight"], own["v_proj_weight"]),
            own["in_proj_bias"], own["bias_k"], own["bias_v"], self.out_proj.weight, self.out_proj.bias,
        )  # fmt: skip
        p = self.dropout if self.training else 0.0
        options = Options(
            self.num_heads, p, self.add_zero_attn, need_weights, average_attn_weights, is_causal, self.batch_first
        )
        return attend(query, key, value, key_padding_mask, attn_mask, weights, options)
