"""Layers that normalise."""

from __future__ import annotations

from collections.abc import Sequence
from operator import index
from typing import Any

from curta.dtypes import int64
from curta.errors import ArgumentError
from curta.functions import creation
from curta.nn import functional as F
from curta.nn import init
from curta.nn.modules.module import Module
from curta.nn.parameter import Parameter
from curta.tensor import Tensor


class LayerNorm(Module):
    """Mean 0 and variance 1 over the last dimensions (`normalized_shape`), then weight and bias.

    >>> import curta
    >>> LayerNorm(4)(curta.arange(4.0)).shape
    torch.Size([4])
    """

    def __init__(
        self,
        normalized_shape: int | Sequence[int],
        eps: float = 1e-5,
        elementwise_affine: bool = True,
        bias: bool = True,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__()
        shape = (index(normalized_shape),) if hasattr(normalized_shape, "__index__") else tuple(normalized_shape)
        self.normalized_shape = shape
        self.eps = eps
        self.elementwise_affine = elementwise_affine
        for name, wanted in (("weight", elementwise_affine), ("bias", elementwise_affine and bias)):
            new = Parameter(creation.empty(*shape, device=device, dtype=dtype)) if wanted else None
            self.register_parameter(name, new)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Weight 1, bias 0."""
        if self.weight is not None:
            init.ones_(self.weight)
        if self.bias is not None:
            init.zeros_(self.bias)

    def forward(self, input: Tensor) -> Tensor:
        return F.layer_norm(input, self.normalized_shape, self.weight, self.bias, self.eps)

    def extra_repr(self) -> str:
        affine = f"elementwise_affine={self.elementwise_affine}, bias={self.bias is not None}"
        return f"{self.normalized_shape}, eps={self.eps}, {affine}"


class RMSNorm(Module):
    """Divided by the root of the mean square over the last dimensions (`normalized_shape`), then times weight.

    `eps` is added to the mean square; None is the epsilon of the format that is computed in.

    >>> import curta
    >>> RMSNorm(4, eps=0.0)(curta.tensor([1.0, -1.0, 1.0, 1.0]).mul(8)).tolist()
    [1.0, -1.0, 1.0, 1.0]
    """

    def __init__(
        self,
        normalized_shape: int | Sequence[int],
        eps: float | None = None,
        elementwise_affine: bool = True,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__()
        shape = (index(normalized_shape),) if hasattr(normalized_shape, "__index__") else tuple(normalized_shape)
        self.normalized_shape = shape
        self.eps = eps
        self.elementwise_affine = elementwise_affine
        new = Parameter(creation.empty(*shape, device=device, dtype=dtype)) if elementwise_affine else None
        self.register_parameter("weight", new)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Weight 1."""
        if self.weight is not None:
            init.ones_(self.weight)

    def forward(self, input: Tensor) -> Tensor:
        return F.rms_norm(input, self.normalized_shape, self.weight, self.eps)

    def extra_repr(self) -> str:
        return f"{self.normalized_shape}, eps={self.eps}, elementwise_affine={self.elementwise_affine}"


class ChannelStatistics(Module):
    """What batch and instance normalizations share; each says which ranks it takes."""

    _ranks: tuple[int, ...]
    _newer_state = frozenset({"num_batches_tracked"})
    num_batches_tracked: Tensor | None

    def __init__(
        self,
        num_features: int,
        eps: float = 1e-5,
        momentum: float | None = 0.1,
        affine: bool = True,
        track_running_stats: bool = True,
        device: Any = None,
        dtype: Any = None,
        *,
        bias: bool = True,
    ) -> None:
        super().__init__()
        self.num_features = num_features
        self.eps = eps
        self.momentum = momentum
        self.affine = affine
        self.track_running_stats = track_running_stats
        where = {"device": device, "dtype": dtype}
        for name, wanted in (("weight", affine), ("bias", affine and bias)):
            self.register_parameter(name, Parameter(creation.empty(num_features, **where)) if wanted else None)
        for name in ("running_mean", "running_var"):
            self.register_buffer(name, creation.empty(num_features, **where) if track_running_stats else None)
        count = creation.zeros((), dtype=int64, device=device) if track_running_stats else None
        self.register_buffer("num_batches_tracked", count)
        self.reset_parameters()

    def reset_running_stats(self) -> None:
        """Mean 0, variance 1, no batches seen."""
        if self.num_batches_tracked is not None:
            self.running_mean.zero_()
            self.running_var.fill_(1)
            self.num_batches_tracked.zero_()

    def reset_parameters(self) -> None:
        """Weight 1, bias 0, and the running statistics as at the start."""
        self.reset_running_stats()
        if self.weight is not None:
            init.ones_(self.weight)
        if self.bias is not None:
            init.zeros_(self.bias)

    def _check_rank(self, input: Tensor) -> None:
        rank = input.layout.rank
        if rank not in self._ranks:
            raise ArgumentError(f"expected {' or '.join(f'{r}D' for r in self._ranks)} input (got {rank}D input)")

    def extra_repr(self) -> str:
        return (
            f"{self.num_features}, eps={self.eps}, momentum={self.momentum}, affine={self.affine}, "
            f"bias={self.bias is not None}, track_running_stats={self.track_running_stats}"
        )


class _BatchNorm(ChannelStatistics):
    def forward(self, input: Tensor) -> Tensor:
        self._check_rank(input)
        momentum: Any = 0.0 if self.momentum is None else self.momentum
        counts = self.num_batches_tracked
        if self.training and counts is not None:
            counts.add_(1)
            if self.momentum is None:  # the mean of all batches so far
                momentum = 1.0 / counts
        mean, var = self.running_mean, self.running_var
        if self.training and not self.track_running_stats:
            mean = var = None
        training = self.training or (mean is None and var is None)
        return F.batch_norm(input, mean, var, self.weight, self.bias, training, momentum, self.eps)


class BatchNorm1d(_BatchNorm):
    """Mean 0 and variance 1 for every channel of [N, C] or [N, C, L], then weight and bias.

    In training over the batch, whose statistics the running ones follow with `momentum` (None: as the mean of all
    batches so far); in evaluation by the running ones.

    >>> import curta
    >>> BatchNorm1d(1, eps=0.0)(curta.tensor([[1.0], [3.0]])).tolist()
    [[-1.0], [1.0]]
    """

    _ranks = (2, 3)


class BatchNorm2d(_BatchNorm):
    """Mean 0 and variance 1 for every channel of [N, C, H, W], as BatchNorm1d.

    >>> import curta
    >>> BatchNorm2d(3)(curta.ones(2, 3, 4, 4)).shape
    torch.Size([2, 3, 4, 4])
    """

    _ranks = (4,)


class BatchNorm3d(_BatchNorm):
    """Mean 0 and variance 1 for every channel of [N, C, D, H, W], as BatchNorm1d.

    >>> import curta
    >>> BatchNorm3d(3)(curta.ones(2, 3, 4, 4, 4)).shape
    torch.Size([2, 3, 4, 4, 4])
    """

    _ranks = (5,)


class SyncBatchNorm(_BatchNorm):
    """Batch normalization over all processes of a group; here there is one: `BatchNorm1d` for any rank from 2 on.

    >>> import curta
    >>> SyncBatchNorm(3)(curta.ones(2, 3, 4)).shape
    torch.Size([2, 3, 4])
    """

    def __init__(
        self,
        num_features: int,
        eps: float = 1e-5,
        momentum: float | None = 0.1,
        affine: bool = True,
        track_running_stats: bool = True,
        process_group: Any = None,
        device: Any = None,
        dtype: Any = None,
        *,
        bias: bool = True,
    ) -> None:
        super().__init__(num_features, eps, momentum, affine, track_running_stats, device, dtype, bias=bias)
        self.process_group = process_group

    def _check_rank(self, input: Tensor) -> None:
        if input.layout.rank < 2:
            raise ArgumentError(f"expected at least 2D input (got {input.layout.rank}D input)")
        if not input.layout.shape[1]:
            raise ArgumentError("SyncBatchNorm number of input channels should be non-zero")

    @classmethod
    def convert_sync_batchnorm(cls, module: Module, process_group: Any = None) -> Module:
        """A module whose batch normalizations, itself or those inside of it, are of this kind, with their own tensors.

        >>> import curta
        >>> net = curta.nn.Sequential(curta.nn.BatchNorm1d(2))
        >>> type(SyncBatchNorm.convert_sync_batchnorm(net)[0]).__name__
        'SyncBatchNorm'
        """
        made = module
        if isinstance(module, _BatchNorm):
            made = cls(
                module.num_features, module.eps, module.momentum, module.affine, module.track_running_stats,
                process_group, bias=module.bias is not None,
            )  # fmt: skip
            for name in ("weight", "bias", "running_mean", "running_var", "num_batches_tracked"):
                setattr(made, name, getattr(module, name))
            made.training = module.training
        for name, child in module.named_children():
            made.add_module(name, cls.convert_sync_batchnorm(child, process_group))
        return made
