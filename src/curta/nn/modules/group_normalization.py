"""Layers that normalise groups of channels, single channels, or by neighbouring ones."""

from __future__ import annotations

from typing import Any

from curta.errors import ArgumentError
from curta.functions import creation
from curta.nn import functional as F
from curta.nn import init
from curta.nn.modules.module import Module
from curta.nn.modules.normalization import ChannelStatistics
from curta.nn.parameter import Parameter
from curta.tensor import Tensor


class GroupNorm(Module):
    """Mean 0 and variance 1 for each of `num_groups` groups of channels of [N, C, ...], then weight and bias.

    >>> import curta
    >>> GroupNorm(2, 4)(curta.ones(1, 4, 3)).shape
    torch.Size([1, 4, 3])
    """

    def __init__(
        self,
        num_groups: int,
        num_channels: int,
        eps: float = 1e-5,
        affine: bool = True,
        device: Any = None,
        dtype: Any = None,
        *,
        bias: bool = True,
    ) -> None:
        super().__init__()
        if num_channels % num_groups:
            raise ArgumentError(f"num_channels ({num_channels}) must be divisible by num_groups ({num_groups})")
        self.num_groups, self.num_channels, self.eps, self.affine = num_groups, num_channels, eps, affine
        for name, wanted in (("weight", affine), ("bias", affine and bias)):
            new = Parameter(creation.empty(num_channels, device=device, dtype=dtype)) if wanted else None
            self.register_parameter(name, new)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Weight 1, bias 0."""
        if self.weight is not None:
            init.ones_(self.weight)
        if self.bias is not None:
            init.zeros_(self.bias)

    def forward(self, input: Tensor) -> Tensor:
        return F.group_norm(input, self.num_groups, self.weight, self.bias, self.eps)

    def extra_repr(self) -> str:
        return (
            f"{self.num_groups}, {self.num_channels}, eps={self.eps}, affine={self.affine}, "
            f"bias={self.bias is not None}"
        )


class _InstanceNorm(ChannelStatistics):
    """What the instance normalizations share; each says which ranks it takes, the second with a batch."""

    def __init__(
        self,
        num_features: int,
        eps: float = 1e-5,
        momentum: float = 0.1,
        affine: bool = False,
        track_running_stats: bool = False,
        device: Any = None,
        dtype: Any = None,
        *,
        bias: bool = True,
    ) -> None:
        super().__init__(num_features, eps, momentum, affine, track_running_stats, device, dtype, bias=bias)

    def forward(self, input: Tensor) -> Tensor:
        self._check_rank(input)
        batched = input.layout.rank == self._ranks[1]
        channels = input.layout.shape[1 if batched else 0]
        if channels != self.num_features and self.affine:
            raise ArgumentError(
                f"expected input's size at dim={int(batched)} to match num_features ({self.num_features}), but got: "
                f"{channels}."
            )
        given = input if batched else input.unsqueeze(0)
        use_input = self.training or not self.track_running_stats
        statistics = (self.running_mean, self.running_var)
        share = 0.0 if self.momentum is None else self.momentum
        made = F.instance_norm(given, *statistics, self.weight, self.bias, use_input, share, self.eps)
        return made if batched else made.squeeze(0)


class InstanceNorm1d(_InstanceNorm):
    """Mean 0 and variance 1 for every channel of every sample of [N, C, L] (or [C, L]), then weight and bias.

    With `track_running_stats` evaluation uses statistics that training followed with `momentum`.

    >>> import curta
    >>> InstanceNorm1d(1, eps=0.0)(curta.tensor([[[1.0, 3.0]]])).tolist()
    [[[-1.0, 1.0]]]
    """

    _ranks = (2, 3)


class InstanceNorm2d(_InstanceNorm):
    """Mean 0 and variance 1 for every channel of every sample of [N, C, H, W] (or [C, H, W]), as InstanceNorm1d.

    >>> import curta
    >>> InstanceNorm2d(3)(curta.ones(2, 3, 4, 4)).shape
    torch.Size([2, 3, 4, 4])
    """

    _ranks = (3, 4)


class InstanceNorm3d(_InstanceNorm):
    """Mean 0 and variance 1 for every channel of every sample of [N, C, D, H, W] (or [C, D, H, W]).

    >>> import curta
    >>> InstanceNorm3d(3)(curta.ones(2, 3, 2, 4, 4)).shape
    torch.Size([2, 3, 2, 4, 4])
    """

    _ranks = (4, 5)


class CrossMapLRN2d(Module):
    """Divided by (k + alpha / size * sum of the squares of neighbouring channels) ** beta, of [N, C, H, W].

    As PyTorch computes it, the first channel counts among all channels' neighbours, and windows of even size have one
    channel less; `LocalResponseNorm` takes the windows as they are meant. The gradient is that of what is computed.

    >>> import curta
    >>> CrossMapLRN2d(1, alpha=1.0, beta=1.0, k=0.0)(curta.tensor([[[[2.0]]]])).item()
    0.5
    """

    def __init__(self, size: int, alpha: float = 1e-4, beta: float = 0.75, k: float = 1) -> None:
        super().__init__()
        self.size, self.alpha, self.beta, self.k = size, alpha, beta, k

    def forward(self, input: Tensor) -> Tensor:
        if input.layout.rank != 4:
            raise ArgumentError(f"CrossMapLRN2d: Expected input to be 4D, got {input.layout.rank}D instead.")
        C, reach = input.layout.shape[1], int((self.size - 1) / 2 + 1)
        places = creation.arange(C, device=input.device)
        apart = places - places.unsqueeze(1)  # how far on the column's channel is from the row's
        near = (apart < reach).logical_and((apart > -reach).logical_or(places == 0))
        squares = (input * input).flatten(2)
        sums = near.to(input.dtype).matmul(squares).reshape(input.layout.shape)
        return input * (sums * (self.alpha / self.size) + self.k).pow(-self.beta)

    def extra_repr(self) -> str:
        return f"{self.size}, alpha={self.alpha}, beta={self.beta}, k={self.k}"


class LocalResponseNorm(Module):
    """Divided by (k + alpha * mean of the squares of `size` neighbouring channels) ** beta, of [N, C, ...].

    >>> import curta
    >>> LocalResponseNorm(2)(curta.ones(1, 4, 3)).shape
    torch.Size([1, 4, 3])
    """

    def __init__(self, size: int, alpha: float = 1e-4, beta: float = 0.75, k: float = 1.0) -> None:
        super().__init__()
        self.size, self.alpha, self.beta, self.k = size, alpha, beta, k

    def forward(self, input: Tensor) -> Tensor:
        return F.local_response_norm(input, self.size, self.alpha, self.beta, self.k)

    def extra_repr(self) -> str:
        return f"{self.size}, alpha={self.alpha}, beta={self.beta}, k={self.k}"
