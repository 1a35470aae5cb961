"""Weights that are normalized whenever they are read."""

from __future__ import annotations

from typing import Any

from curta.errors import ArgumentError, NoSuchAttributeError
from curta.nn import functional as F
from curta.nn.modules.module import Module
from curta.nn.utils.norms import (
    as_matrix,
    check_iterations,
    iterate,
    length_but,
    lengthened,
    starting_vectors,
    usual_dim,
)
from curta.nn.utils.orthogonal import orthogonal as orthogonal
from curta.nn.utils.parametrize import register_parametrization
from curta.tensor import Tensor


class _WeightNorm(Module):
    def __init__(self, dim: int | None) -> None:
        super().__init__()
        self.dim = dim

    def forward(self, length: Tensor, direction: Tensor) -> Tensor:
        made: Tensor = lengthened(direction, length, self.dim)
        return made

    def right_inverse(self, weight: Tensor) -> tuple[Tensor, Tensor]:
        """Length and direction of a weight."""
        return length_but(weight, self.dim), weight


class _SpectralNorm(Module):
    def __init__(self, weight: Tensor, times: int, dim: int, eps: float) -> None:
        super().__init__()
        self.times = times
        self.dim = dim % weight.layout.rank
        self.eps = eps
        if weight.layout.rank > 1:
            matrix = as_matrix(weight.detach(), self.dim)
            u, v = starting_vectors(matrix, eps)
            self.register_buffer("_u", u)
            self.register_buffer("_v", v)
            iterate(matrix, u, v, 15, eps)

    def forward(self, weight: Tensor) -> Tensor:
        if weight.layout.rank == 1:
            return F.normalize(weight, dim=0, eps=self.eps)
        matrix, u, v = as_matrix(weight, self.dim), self._u, self._v
        if self.training:
            iterate(matrix, u, v, self.times, self.eps)
        made: Tensor = weight / (u.clone() @ (matrix @ v.clone()))
        return made

    def right_inverse(self, value: Tensor) -> Tensor:
        """The weight itself: nobody can know its singular value of before."""
        return value


def weight_norm(module: Any, name: str = "weight", dim: int | None = 0) -> Any:
    """Let a weight be a length, `original0`, times a direction, `original1` (Salimans & Kingma 2016).

    The length is that over all dimensions but `dim`, or over all for None. State dicts with `weight_g` and `weight_v`
    load too.

    >>> import curta
    >>> list(weight_norm(curta.nn.Linear(2, 3, bias=False)).state_dict())
    ['parametrizations.weight.original0', 'parametrizations.weight.original1']
    """
    register_parametrization(module, name, _WeightNorm(None if dim == -1 else dim), unsafe=True)

    def renamed(module: Any, state: Any, prefix: str, *rest: Any) -> None:
        old = [f"{prefix}{name}_g", f"{prefix}{name}_v"]
        if all(key in state for key in old):
            for place, key in enumerate(old):
                state[f"{prefix}parametrizations.{name}.original{place}"] = state.pop(key)

    module.register_load_state_dict_pre_hook(renamed)
    return module


def spectral_norm(
    module: Any, name: str = "weight", n_power_iterations: int = 1, eps: float = 1e-12, dim: int | None = None
) -> Any:
    """Divide a weight by its largest singular value whenever it is read (Miyato et al. 2018).

    That is estimated by the power method, by `n_power_iterations` steps at each reading in training. A vector is
    divided by its length.

    >>> import curta
    >>> layer = spectral_norm(curta.nn.Linear(2, 2), n_power_iterations=50)
    >>> list(layer.state_dict())[1:]
    ['parametrizations.weight.original', 'parametrizations.weight.0._u', 'parametrizations.weight.0._v']
    """
    weight = getattr(module, name, None)
    if not isinstance(weight, Tensor):
        raise NoSuchAttributeError(f"Module '{type(module).__name__}' has no parameter or buffer with name '{name}'")
    check_iterations(n_power_iterations)
    if not weight.layout.rank:
        raise ArgumentError(f"spectral_norm: '{name}' has no dimensions")
    made = _SpectralNorm(weight, n_power_iterations, usual_dim(module, dim), eps)
    return register_parametrization(module, name, made)
