"""Weights as a direction and a length, or divided by their largest singular value."""

from __future__ import annotations

from typing import Any

from curta import functions
from curta.autograd import no_grad
from curta.errors import ArgumentError, NoSuchAttributeError, ShapeError
from curta.nn import functional as F
from curta.nn.modules.convolution import ConvTranspose1d, ConvTranspose2d, ConvTranspose3d
from curta.nn.modules.module import Module
from curta.nn.parameter import Parameter
from curta.tensor import Tensor


def length_but(weight: Any, dim: int | None) -> Any:
    """The Euclidean norm over all dimensions but one, which keep size 1; of everything where that is None."""
    if dim is None:
        return functions.norm(weight)
    place = dim % weight.layout.rank
    others = [axis for axis in range(weight.layout.rank) if axis != place]
    return functions.norm(weight, 2, others, True) if others else weight.abs()


def lengthened(direction: Any, length: Any, dim: int | None) -> Any:
    """A weight of this direction and length."""
    return direction * (length / length_but(direction, dim))


def usual_dim(module: Module, dim: int | None) -> int:
    """The dimension of what a layer gives out."""
    if dim is not None:
        return dim
    return 1 if isinstance(module, ConvTranspose1d | ConvTranspose2d | ConvTranspose3d) else 0


def as_matrix(weight: Any, dim: int) -> Any:
    """A weight with one row for each place along `dim`."""
    return weight.movedim(dim, 0).flatten(1) if weight.layout.rank > 1 else weight.reshape(-1, 1)


def iterate(matrix: Any, u: Any, v: Any, times: int, eps: float) -> None:
    """The power method, in place: u, and from it v, come nearer to the largest singular value's vectors."""
    with no_grad():
        for _ in range(times):
            u.copy_(F.normalize(matrix @ v, dim=0, eps=eps))
            v.copy_(F.normalize(matrix.T @ u, dim=0, eps=eps))


def starting_vectors(matrix: Any, eps: float) -> tuple[Any, Any]:
    """Unit vectors of any direction for the power method."""
    with no_grad():
        return tuple(  # type: ignore[return-value]
            F.normalize(functions.randn(size, dtype=matrix.dtype, device=matrix.device), dim=0, eps=eps)
            for size in matrix.shape
        )


def check_iterations(times: int) -> None:
    """ArgumentError for no iterations."""
    if times <= 0:
        raise ArgumentError(f"Expected n_power_iterations to be positive, but got n_power_iterations={times}")


# as hooks before each call


class _BeforeCalls:
    """A weight of a module that is worked out before each call, from tensors of other names."""

    def __init__(self, name: str) -> None:
        self.name = name

    def compute(self, module: Any) -> Tensor:
        """The weight as it is now."""
        raise NotImplementedError

    def __call__(self, module: Any, inputs: Any) -> None:
        object.__setattr__(module, self.name, self.compute(module))


class _WeightNorm(_BeforeCalls):
    def __init__(self, name: str, dim: int | None) -> None:
        super().__init__(name)
        self.dim = dim

    def compute(self, module: Any) -> Tensor:
        made: Tensor = lengthened(getattr(module, f"{self.name}_v"), getattr(module, f"{self.name}_g"), self.dim)
        return made


class _SpectralNorm(_BeforeCalls):
    def __init__(self, name: str, times: int, dim: int, eps: float) -> None:
        super().__init__(name)
        self.times = times
        self.dim = dim
        self.eps = eps

    def compute(self, module: Any) -> Tensor:
        weight, u, v = (getattr(module, f"{self.name}_{part}") for part in ("orig", "u", "v"))
        matrix = as_matrix(weight, self.dim)
        if module.training:
            iterate(matrix.T, v, u, self.times, self.eps)  # v first, as PyTorch's older form does
        made: Tensor = weight / (u.clone() @ (matrix @ v.clone()))
        return made


def _attach(module: Any, hook: _BeforeCalls) -> None:
    for name, other in _hooks_of(module):
        if type(other) is type(hook) and other.name == hook.name:
            raise ShapeError(f"Cannot register two {type(hook).__name__[1:]} hooks on the same parameter {name}")
    weight = getattr(module, hook.name)
    del module._parameters[hook.name]
    _split(module, hook, weight)
    object.__setattr__(module, hook.name, hook.compute(module).detach())
    module.register_forward_pre_hook(hook)


def _split(module: Any, hook: Any, weight: Any) -> None:
    name = hook.name
    if isinstance(hook, _WeightNorm):
        module.register_parameter(f"{name}_g", Parameter(length_but(weight.detach(), hook.dim)))
        module.register_parameter(f"{name}_v", Parameter(weight.detach()))
        return
    module.register_parameter(f"{name}_orig", weight)
    u, v = starting_vectors(as_matrix(weight.detach(), hook.dim), hook.eps)
    module.register_buffer(f"{name}_u", u)
    module.register_buffer(f"{name}_v", v)


def _hooks_of(module: Any) -> list[tuple[str, _BeforeCalls]]:
    table = module._call_hooks
    hooks = () if table is None else (hook.call for hook in table.before.values())
    return [(hook.name, hook) for hook in hooks if isinstance(hook, _BeforeCalls)]


def _detach(module: Any, kind: Any, name: str, word: str) -> Any:
    table = module._call_hooks
    for key, hook in () if table is None else tuple(table.before.items()):
        found: Any = hook.call
        if type(found) is kind and found.name == name:
            with no_grad():
                weight = found.compute(module)
            del table.before[key]
            delattr(module, name)
            for part in ("_g", "_v", "_orig", "_u"):
                if hasattr(module, name + part):
                    delattr(module, name + part)
            module.register_parameter(name, Parameter(weight.detach()))
            return module
    raise ArgumentError(f"{word} of '{name}' not found in {module}")


def weight_norm(module: Any, name: str = "weight", dim: int | None = 0) -> Any:
    """Let a weight be its length `name_g` times its direction `name_v`, worked out before each call.

    The length is that over all dimensions but `dim`, or over all for None (Salimans & Kingma 2016). PyTorch recommends
    `parametrizations.weight_norm` in its place.

    >>> import curta
    >>> sorted(weight_norm(curta.nn.Linear(2, 3)).state_dict())
    ['bias', 'weight_g', 'weight_v']
    """
    _check_has(module, name)
    _attach(module, _WeightNorm(name, None if dim == -1 else dim))
    return module


def remove_weight_norm(module: Any, name: str = "weight") -> Any:
    """Make a plain parameter again of a weight under `weight_norm`."""
    return _detach(module, _WeightNorm, name, "weight_norm")


def spectral_norm(
    module: Any, name: str = "weight", n_power_iterations: int = 1, eps: float = 1e-12, dim: int | None = None
) -> Any:
    """Divide a weight by its largest singular value before each call (Miyato et al. 2018).

    That is estimated by the power method, whose vectors are the buffers `name_u` and `name_v`; in training they come
    nearer by `n_power_iterations` steps at each call. PyTorch recommends `parametrizations.spectral_norm` in its place.
    """
    check_iterations(n_power_iterations)
    _check_has(module, name)
    _attach(module, _SpectralNorm(name, n_power_iterations, usual_dim(module, dim), eps))
    return module


def remove_spectral_norm(module: Any, name: str = "weight") -> Any:
    """Make a plain parameter again of a weight under `spectral_norm`."""
    return _detach(module, _SpectralNorm, name, "spectral_norm")


def _check_has(module: Any, name: str) -> None:
    if getattr(module, name, None) is None or (name not in module._parameters and not _hooks_of(module)):
        raise NoSuchAttributeError(f"'{type(module).__name__}' object has no parameter '{name}'")
