"""How weights start: each function fills a tensor in place and gives it back."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from math import ceil, erf, prod, sqrt
from typing import TYPE_CHECKING, Any

from curta import functions, host
from curta.autograd import no_grad
from curta.dtypes import float32, float64
from curta.errors import ArgumentError, UnsupportedError
from curta.lazy import LazyModule
from curta.random import Generator
from curta.tensor import Tensor

if TYPE_CHECKING:
    import numpy as np
else:
    np = LazyModule("numpy")


def uniform_(tensor: Tensor, a: float = 0.0, b: float = 1.0) -> Tensor:
    """Uniform in [a, b)."""
    with no_grad():
        return tensor.uniform_(a, b)


def normal_(tensor: Tensor, mean: float = 0.0, std: float = 1.0) -> Tensor:
    """Normal with this mean and standard deviation."""
    with no_grad():
        return tensor.normal_(mean, std)


def constant_(tensor: Tensor, val: float) -> Tensor:
    """Every element `val`."""
    with no_grad():
        return tensor.fill_(val)


def zeros_(tensor: Tensor) -> Tensor:
    """Every element 0."""
    return constant_(tensor, 0.0)


def ones_(tensor: Tensor) -> Tensor:
    """Every element 1."""
    return constant_(tensor, 1.0)


def _fans(tensor: Tensor) -> tuple[int, int]:
    """(inputs, outputs) of one unit: channels times the kernel's places."""
    shape = tuple(tensor.shape)
    if len(shape) < 2:
        raise ArgumentError("Fan in and fan out can not be computed for tensor with fewer than 2 dimensions")
    places = prod(shape[2:])
    return shape[1] * places, shape[0] * places


def calculate_gain(nonlinearity: str, param: float | None = None) -> float:
    """The factor that keeps a signal's variance through a nonlinearity.

    >>> calculate_gain("tanh")
    1.6666666666666667
    """
    plain = {"linear": 1.0, "conv1d": 1.0, "conv2d": 1.0, "conv3d": 1.0, "sigmoid": 1.0, "tanh": 5 / 3}
    if nonlinearity in plain:
        return plain[nonlinearity]
    if nonlinearity == "relu":
        return sqrt(2.0)
    if nonlinearity == "leaky_relu":
        slope = 0.01 if param is None else param
        return sqrt(2.0 / (1 + slope**2))
    if nonlinearity == "selu":
        return 0.75
    raise ArgumentError(f"Unsupported nonlinearity {nonlinearity}")


def _fan(tensor: Tensor, mode: str) -> int:
    if mode not in ("fan_in", "fan_out"):
        raise ArgumentError(f"Mode {mode} not supported, please use one of ['fan_in', 'fan_out']")
    return _fans(tensor)[0 if mode == "fan_in" else 1]


def kaiming_uniform_(tensor: Tensor, a: float = 0.0, mode: str = "fan_in", nonlinearity: str = "leaky_relu") -> Tensor:
    """Uniform with variance gain² / fan (He et al. 2015)."""
    if 0 in tensor.shape:
        return tensor
    bound = sqrt(3.0) * calculate_gain(nonlinearity, a) / sqrt(_fan(tensor, mode))
    return uniform_(tensor, -bound, bound)


def kaiming_normal_(tensor: Tensor, a: float = 0.0, mode: str = "fan_in", nonlinearity: str = "leaky_relu") -> Tensor:
    """Normal with variance gain² / fan (He et al. 2015)."""
    if 0 in tensor.shape:
        return tensor
    return normal_(tensor, 0.0, calculate_gain(nonlinearity, a) / sqrt(_fan(tensor, mode)))


def xavier_uniform_(tensor: Tensor, gain: float = 1.0) -> Tensor:
    """Uniform with variance 2 gain² / (fan in + fan out) (Glorot and Bengio 2010)."""
    bound = gain * sqrt(6.0 / sum(_fans(tensor)))
    return uniform_(tensor, -bound, bound)


def xavier_normal_(tensor: Tensor, gain: float = 1.0) -> Tensor:
    """Normal with variance 2 gain² / (fan in + fan out) (Glorot and Bengio 2010)."""
    return normal_(tensor, 0.0, gain * sqrt(2.0 / sum(_fans(tensor))))


def trunc_normal_(tensor: Tensor, mean: float = 0.0, std: float = 1.0, a: float = -2.0, b: float = 2.0) -> Tensor:
    """Normal with what falls outside [a, b] drawn again; UnsupportedError where nearly everything would."""
    low, high = (0.5 * (1.0 + erf((end - mean) / (std * sqrt(2.0)))) for end in (a, b))
    if high - low < 0.01:
        raise UnsupportedError(f"trunc_normal_: [{a}, {b}] holds less than a hundredth of normal({mean}, {std})")
    with no_grad():
        tensor.normal_(mean, std)
        while not tensor.is_meta:
            outside = (tensor < a).logical_or(tensor > b)
            if not outside.any().item():
                break
            tensor.copy_(functions.where(outside, functions.empty_like(tensor).normal_(mean, std), tensor))
    return tensor


def eye_(tensor: Tensor) -> Tensor:
    """The unit matrix, of two dimensions."""
    if tensor.dim() != 2:
        raise ArgumentError("Only tensors with 2 dimensions are supported")
    with no_grad():
        return tensor.copy_(functions.eye(*tensor.shape, dtype=tensor.dtype, device=tensor.device))


def dirac_(tensor: Tensor, groups: int = 1) -> Tensor:
    """A convolution's weight that gives its input back, as many channels of each group as there are filters for."""
    if tensor.dim() not in (3, 4, 5):
        raise ArgumentError("Only tensors with 3, 4, or 5 dimensions are supported")
    filters, channels, *window = tensor.shape
    if filters % groups:
        raise ArgumentError("dim 0 must be divisible by groups")
    middle = tuple(size // 2 for size in window)
    with no_grad():
        tensor.zero_()
        for group in range(groups):
            for channel in range(min(filters // groups, channels)):
                tensor[(group * (filters // groups) + channel, channel, *middle)] = 1
    return tensor


def orthogonal_(tensor: Tensor, gain: float = 1.0, generator: Generator | None = None) -> Tensor:
    """Rows (or columns, where there are fewer) at right angles and `gain` long; dimensions behind the first are merged.

    After Saxe et al. (2013), arXiv:1312.6120: the Q of a normal matrix, its signs such that R's diagonal is positive.

    >>> import curta
    >>> weight = orthogonal_(curta.empty(2, 3))
    >>> curta.allclose(weight @ weight.T, curta.eye(2), atol=1e-6)
    True
    """
    if tensor.dim() < 2:
        raise ArgumentError("Only tensors with 2 or more dimensions are supported")
    if tensor.numel() == 0:
        return tensor
    rows, columns = tensor.shape[0], tensor.numel() // tensor.shape[0]
    shape = (max(rows, columns), min(rows, columns))
    kind = tensor.dtype if tensor.dtype is float64 else float32
    with no_grad():
        normal = functions.randn(*shape, dtype=kind, device=tensor.device, generator=generator)
        q, r = np.linalg.qr(normal.numpy())
        made = host.tensor_from(q * np.where(np.diag(r) < 0, -1, 1).astype(q.dtype))
        made = made if rows == shape[0] else made.t()
        return tensor.copy_(made.reshape(tensor.shape) * gain)


def sparse_(tensor: Tensor, sparsity: float, std: float = 0.01, generator: Generator | None = None) -> Tensor:
    """Normal, with the share `sparsity` of each column's elements, chosen at random, set to zero."""
    if tensor.dim() != 2:
        raise ArgumentError("Only tensors with 2 dimensions are supported")
    rows, columns = tensor.shape
    zeros = ceil(sparsity * rows)
    with no_grad():
        tensor.normal_(0, std, generator=generator)
        for column in range(columns):
            tensor[functions.randperm(rows, generator=generator, device=tensor.device)[:zeros], column] = 0
    return tensor


# the names that these had first


def _older(name: str) -> Callable[..., Tensor]:
    now = name + "_"

    def function(*arguments: Any, **options: Any) -> Tensor:
        warnings.warn(f"`nn.init.{name}` is now deprecated in favor of `nn.init.{now}`.", FutureWarning, stacklevel=2)
        made: Tensor = globals()[now](*arguments, **options)
        return made

    function.__name__ = function.__qualname__ = name
    function.__doc__ = f"The older name of `{now}`, with a warning."
    return function


constant = _older("constant")
dirac = _older("dirac")
eye = _older("eye")
kaiming_normal = _older("kaiming_normal")
kaiming_uniform = _older("kaiming_uniform")
normal = _older("normal")
orthogonal = _older("orthogonal")
sparse = _older("sparse")
uniform = _older("uniform")
xavier_normal = _older("xavier_normal")
xavier_uniform = _older("xavier_uniform")
