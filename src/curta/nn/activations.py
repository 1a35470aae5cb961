"""The activation functions of `curta.nn.functional` but softmax; each keeps only its input for its gradient."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from curta import functions
from curta.default_dtype import get_default_dtype
from curta.errors import ArgumentError, DivisionByZeroError, ShapeError, UnsupportedDTypeError
from curta.functions import relu as _relu
from curta.functions.inplace import rewritten
from curta.functions.operands import tensor as check
from curta.ops import activation as ops
from curta.ops.dispatch import bind
from curta.shapes import normalize_dim
from curta.tensor import Tensor


def floating(name: str, x: Any) -> Any:
    """`x`; UnsupportedDTypeError for what is no tensor of floating-point numbers."""
    if not check(name, x).layout.dtype.is_floating_point:
        raise UnsupportedDTypeError(f"\"{name}\" not implemented for '{x.layout.dtype.name}'")
    return x


def _made(function: Callable[[Any], Any], x: Any, inplace: bool) -> Tensor:
    result: Tensor = rewritten(x, function) if inplace else function(x)
    return result


def _applied(name: str, op: Any, input: Any, inplace: bool = False, **settings: float) -> Tensor:
    floating(name, input)
    return _made(lambda x: bind(op, (x,), **settings), input, inplace)


def _whole(x: Any, *numbers: float) -> tuple[Any, ...]:
    """Numbers as the tensor's format holds them."""
    return numbers if x.layout.dtype.is_floating_point else tuple(int(number) for number in numbers)


def _in_floating_point(name: str, input: Any) -> Any:
    x = check(name, input)
    return x if x.layout.dtype.is_floating_point else x.to(get_default_dtype())


def relu(input: Tensor, inplace: bool = False) -> Tensor:
    """max(x, 0)."""
    return _made(_relu, check("relu", input), inplace)


def relu6(input: Tensor, inplace: bool = False) -> Tensor:
    """x between 0 and 6, these where it lies beyond."""
    return hardtanh(input, 0.0, 6.0, inplace)


def leaky_relu(input: Tensor, negative_slope: float = 0.01, inplace: bool = False) -> Tensor:
    """x where it is positive, else x * negative_slope."""
    return _applied("leaky_relu", ops.LEAKY_RELU, input, inplace, slope=float(negative_slope))


def prelu(input: Tensor, weight: Tensor) -> Tensor:
    """x where it is positive, else x * weight: one number, or one for each channel (dimension 1)."""
    x, slope = floating("prelu", input), check("prelu", weight, "weight")
    if slope.layout.dtype is not x.layout.dtype:
        raise ShapeError(
            f"prelu: Type promoting not supported. Got {x.layout.dtype.name} and {slope.layout.dtype.name}"
        )
    if slope.layout.numel == 1:
        slope = slope.reshape((1,) * x.layout.rank)
    else:
        if not x.layout.rank:
            raise ShapeError("Not allow zero-dim input tensor.")
        channels = x.layout.shape[1] if x.layout.rank > 1 else 1
        if slope.layout.rank != 1 or slope.layout.numel != channels:
            raise ShapeError(
                "Mismatch of parameter numbers and input channel size. Found parameter numbers = "
                f"{slope.layout.numel} and channel size = {channels}."
            )
        slope = slope.reshape(1, channels, *(1,) * (x.layout.rank - 2))
    result: Tensor = bind(ops.PRELU, (x, slope))
    return result


def rrelu(
    input: Tensor, lower: float = 1.0 / 8, upper: float = 1.0 / 3, training: bool = False, inplace: bool = False
) -> Tensor:
    """x where it is positive, else x * a slope: drawn for each element in training, else the middle."""
    if lower > upper:
        raise ShapeError("Lower bound should be less than or equal to the upper bound")
    x = floating("rrelu", input)
    if not training:
        return leaky_relu(x, (lower + upper) / 2, inplace)
    slopes = functions.uniform_(functions.empty_like(x.detach()), lower, upper)
    return _made(lambda old: bind(ops.PRELU, (old, slopes)), x, inplace)


def threshold(input: Tensor, threshold: float, value: float, inplace: bool = False) -> Tensor:
    """x where it lies above `threshold`, else `value`."""
    x = check("threshold", input)
    limit, other = _whole(x, threshold, value)
    return _made(lambda old: bind(ops.THRESHOLD, (old,), threshold=limit, value=other), x, inplace)


def elu(input: Tensor, alpha: float = 1.0, inplace: bool = False) -> Tensor:
    """x where it is positive, else alpha * (exp(x) - 1)."""
    return _applied("elu", ops.ELU, input, inplace, alpha=float(alpha), scale=1.0, rate=1.0)


def selu(input: Tensor, inplace: bool = False) -> Tensor:
    """elu scaled so that mean 0 and variance 1 stay as they are (Klambauer et al. 2017)."""
    return _applied(
        "selu", ops.ELU, input, inplace, alpha=1.6732632423543772848170429916717,
        scale=1.0507009873554804934193349852946, rate=1.0,
    )  # fmt: skip


def celu(input: Tensor, alpha: float = 1.0, inplace: bool = False) -> Tensor:
    """x where it is positive, else alpha * (exp(x / alpha) - 1)."""
    if alpha == 0:
        raise DivisionByZeroError("ZeroDivisionError: alpha cannot be 0 for CELU")
    return _applied("celu", ops.ELU, input, inplace, alpha=float(alpha), scale=1.0, rate=1.0 / alpha)


def hardtanh(input: Tensor, min_val: float = -1.0, max_val: float = 1.0, inplace: bool = False) -> Tensor:
    """x between `min_val` and `max_val`, these where it lies beyond; no gradient at the ends."""
    if min_val > max_val:
        raise ArgumentError("min_val cannot be greater than max_val")
    x = check("hardtanh", input)
    low, high = _whole(x, min_val, max_val)
    return _made(lambda old: bind(ops.HARDTANH, (old,), low=low, high=high), x, inplace)


def hardswish(input: Tensor, inplace: bool = False) -> Tensor:
    """x * relu6(x + 3) / 6."""
    return _applied("hardswish", ops.HARDSWISH, input, inplace)


def hardsigmoid(input: Tensor, inplace: bool = False) -> Tensor:
    """relu6(x + 3) / 6."""
    return _applied("hardsigmoid", ops.HARDSIGMOID, input, inplace)


def silu(input: Tensor, inplace: bool = False) -> Tensor:
    """x * sigmoid(x)."""
    return _applied("silu", ops.SILU, input, inplace)


def mish(input: Tensor, inplace: bool = False) -> Tensor:
    """x * tanh(softplus(x))."""
    return _applied("mish", ops.MISH, input, inplace)


def gelu(input: Tensor, *, approximate: str = "none") -> Tensor:
    """x times the normal distribution's probability below x; `approximate="tanh"` for GPT-2's formula.

    >>> import curta
    >>> round(gelu(curta.tensor([1.0])).item(), 4)
    0.8413
    """
    if approximate not in ("none", "tanh"):
        raise ShapeError("approximate argument must be either none or tanh.")
    return _applied("gelu", ops.GELU if approximate == "none" else ops.GELU_TANH, input)


def glu(input: Tensor, dim: int = -1) -> Tensor:
    """The first half of `dim` times the sigmoid of the second half.

    >>> import curta
    >>> glu(curta.tensor([2.0, 4.0, 0.0, 0.0])).tolist()
    [1.0, 2.0]
    """
    x = floating("glu", input)
    if not x.layout.rank:
        raise ShapeError("glu does not support scalars because halving size must be even")
    place = normalize_dim(dim, x.layout.rank)
    size = x.layout.shape[place]
    if size % 2:
        raise ShapeError(f"Halving dimension must be even, but dimension {place} is size {size}")
    result: Tensor = bind(ops.GLU, functions.unbind(x.unflatten(place, (2, size // 2)), place))
    return result


def softplus(input: Tensor, beta: float = 1.0, threshold: float = 20.0) -> Tensor:
    """log(1 + exp(beta * x)) / beta; x itself where beta * x lies above `threshold`."""
    return _applied("softplus", ops.SOFTPLUS, input, beta=float(beta), threshold=float(threshold))


def logsigmoid(input: Tensor) -> Tensor:
    """log(1 / (1 + exp(-x))), exact also where that is large."""
    return _applied("logsigmoid", ops.LOG_SIGMOID, input)


def softsign(input: Tensor) -> Tensor:
    """x / (1 + |x|)."""
    return _applied("softsign", ops.SOFTSIGN, _in_floating_point("softsign", input))


def tanhshrink(input: Tensor) -> Tensor:
    """x - tanh(x)."""
    return _applied("tanhshrink", ops.TANHSHRINK, _in_floating_point("tanhshrink", input))


def softshrink(input: Tensor, lambd: float = 0.5) -> Tensor:
    """x nearer to 0 by `lambd`, and 0 where it is no farther than that."""
    if not lambd >= 0:
        raise ShapeError(f"softshrink: lambda must be at least 0, but found {lambd}")
    return _applied("softshrink", ops.SOFTSHRINK, input, distance=float(lambd))


def hardshrink(input: Tensor, lambd: float = 0.5) -> Tensor:
    """x, and 0 where it is no farther from 0 than `lambd`."""
    return _applied("hardshrink", ops.HARDSHRINK, input, distance=float(lambd))


# under the names of their in-place forms


def relu_(input: Tensor) -> Tensor:
    """`relu` in place."""
    return relu(input, True)


def leaky_relu_(input: Tensor, negative_slope: float = 0.01) -> Tensor:
    """`leaky_relu` in place."""
    return leaky_relu(input, negative_slope, True)


def rrelu_(input: Tensor, lower: float = 1.0 / 8, upper: float = 1.0 / 3, training: bool = False) -> Tensor:
    """`rrelu` in place."""
    return rrelu(input, lower, upper, training, True)


_threshold = threshold


def threshold_(input: Tensor, threshold: float, value: float) -> Tensor:
    """`threshold` in place."""
    return _threshold(input, threshold, value, True)


def elu_(input: Tensor, alpha: float = 1.0) -> Tensor:
    """`elu` in place."""
    return elu(input, alpha, True)


def selu_(input: Tensor) -> Tensor:
    """`selu` in place."""
    return selu(input, True)


def celu_(input: Tensor, alpha: float = 1.0) -> Tensor:
    """`celu` in place."""
    return celu(input, alpha, True)


def hardtanh_(input: Tensor, min_val: float = -1.0, max_val: float = 1.0) -> Tensor:
    """`hardtanh` in place."""
    return hardtanh(input, min_val, max_val, True)
