"""Functions that make random tensors; `generator` names a stream, the default one otherwise."""

from __future__ import annotations

from math import prod
from typing import TYPE_CHECKING, Any

from curta import host
from curta.autograd.state import STATE
from curta.batching import randomness
from curta.default_dtype import get_default_dtype
from curta.device import Device, resolve
from curta.dtypes import DType, asked, compute_dtype, int64
from curta.errors import ArgumentTypeError, DistributionError, ShapeError, UnsupportedDTypeError
from curta.functions.creation import _into, checked_options, checked_shape, finish, like_layout
from curta.functions.inplace import store
from curta.functions.movement import sizes
from curta.lazy import LazyModule
from curta.ops.dispatch import bind
from curta.ops.random import BERNOULLI, INTEGERS, NORMAL, RANDOM_BITS, UNIFORM
from curta.ops.record import Op
from curta.ops.sorting import SHUFFLE
from curta.random import Generator, default_generator
from curta.shapes import broadcast_shapes
from curta.tensor import Tensor

if TYPE_CHECKING:
    import numpy as np
else:
    np = LazyModule("numpy")

DeviceLike = Device | str | None


def draw(
    op: Op, numbers: tuple[float, ...], shape: tuple[int, ...], dtype: DType, device: Device, generator: Any
) -> Tensor:
    """A tensor of random numbers; the generator moves on by the number of values, if they are really drawn."""
    stream: Generator = default_generator if generator is None else generator
    if STATE.levels:
        shape = (*randomness.sizes(), *shape)
    made: Tensor = bind(op, (*stream.take(prod(shape), device), *numbers), shape=shape, dtype=dtype, device=device)
    return randomness.seen_by_slices(made) if STATE.levels else made


def _continuous(name: str, dtype: DType) -> None:
    if not dtype.is_floating_point:
        raise UnsupportedDTypeError(f'"{name}" not implemented for {dtype.name!r}')


def _made(
    name: str, op: Op, numbers: tuple[float, ...], size: tuple[Any, ...], default: DType | None, *,
    generator: Any = None, out: Any = None, dtype: DType | None = None, layout: Any = None, device: DeviceLike = None,
    requires_grad: bool = False, pin_memory: bool = False,
) -> Tensor:  # fmt: skip
    checked_options(name, layout, pin_memory)
    kind = asked(dtype, name) or default or get_default_dtype()
    if op is not INTEGERS:
        _continuous(name, kind)
    made = draw(op, numbers, checked_shape(name, size), kind, resolve(device), generator)
    return finish(_into(out, made), requires_grad)


def rand(*size: Any, **options: Any) -> Tensor:
    """Numbers in [0, 1). Options: generator, out, dtype, layout, device, requires_grad."""
    if not size and "size" in options:
        size = (options.pop("size"),)
    return _made("rand", UNIFORM, (0.0, 1.0), size, None, **options)


def randn(*size: Any, **options: Any) -> Tensor:
    """Numbers from the normal distribution of mean 0 and variance 1. Options as `rand`'s."""
    if not size and "size" in options:
        size = (options.pop("size"),)
    return _made("randn", NORMAL, (0.0, 1.0), size, None, **options)


def randint(low: int, high: Any = None, size: Any = None, **options: Any) -> Tensor:
    """Whole numbers from `low` (0 if left out) up to but not including `high`.

    >>> import curta
    >>> curta.randint(1, (3,))
    tensor([0, 0, 0])
    """
    if size is None:
        low, high, size = (0, low, high) if not isinstance(high, int) else (0, low, (high,))
    if high <= low:
        raise ShapeError(f"random_ expects 'from' to be less than 'to', but got from={low} >= to={high}")
    return _made("randint", INTEGERS, (int(low), int(high) - int(low)), (size,), int64, **options)


def randperm(
    n: int, *, generator: Any = None, out: Any = None, dtype: DType | None = None, layout: Any = None,
    device: DeviceLike = None, requires_grad: bool = False, pin_memory: bool = False,
) -> Tensor:  # fmt: skip
    """The numbers 0 to n - 1 in random order."""
    checked_options("randperm", layout, pin_memory)
    count = sizes("randperm", (n,), "n")[0]
    if count < 0:
        raise ShapeError(f"n must be non-negative, got {count}")
    numbers = draw(RANDOM_BITS, (), (count,), int64, resolve(device), generator)
    order = bind(SHUFFLE, (numbers,))
    return finish(_into(out, order.to(dtype=dtype or int64)), requires_grad)


def rand_like(input: Tensor, **options: Any) -> Tensor:
    """`rand` with the shape and format of `input`."""
    generator = options.pop("generator", None)
    layout, requires_grad = like_layout("rand_like", input, options)
    return finish(draw(UNIFORM, (0.0, 1.0), layout.shape, layout.dtype, layout.device, generator), requires_grad)


def randn_like(input: Tensor, **options: Any) -> Tensor:
    """`randn` with the shape and format of `input`."""
    generator = options.pop("generator", None)
    layout, requires_grad = like_layout("randn_like", input, options)
    return finish(draw(NORMAL, (0.0, 1.0), layout.shape, layout.dtype, layout.device, generator), requires_grad)


def randint_like(input: Tensor, low: int, high: int | None = None, **options: Any) -> Tensor:
    """`randint` with the shape and format of `input`."""
    first, last = (0, low) if high is None else (low, high)
    layout, requires_grad = like_layout("randint_like", input, options)
    return finish(draw(INTEGERS, (first, last - first), layout.shape, layout.dtype, layout.device, None), requires_grad)


def bernoulli_mask(layout: Any, probability: float, generator: Any = None) -> Tensor:
    """Ones with the given probability, else zeros, in the layout's shape and format."""
    return draw(BERNOULLI, (float(probability),), layout.shape, layout.dtype, layout.device, generator)


def bernoulli(input: Tensor, p: float | None = None, *, generator: Any = None, out: Any = None) -> Tensor:
    """1 with the probability that `input` holds at each place (or `p`), else 0."""
    if p is not None:
        return _into(out, bernoulli_mask(input.layout, _probability("bernoulli", p), generator))
    _continuous("bernoulli", input.layout.dtype)
    if host.has_values(input) and not bool(((input >= 0) & (input <= 1)).all()):
        raise DistributionError("Expected p_in >= 0 && p_in <= 1 to be true, but got false.")
    uniform = draw(UNIFORM, (0.0, 1.0), input.layout.shape, input.layout.dtype, input.layout.device, generator)
    return _into(out, (uniform < input.detach()).to(input.layout.dtype))


def normal(
    mean: Any = 0.0, std: Any = 1.0, size: Any = None, *, generator: Any = None, out: Any = None, **options: Any
) -> Tensor:
    """Numbers from a normal distribution; mean and deviation are numbers, or tensors that broadcast.

    Of tensors the numbers have the format of the first, and no gradient; those take no `size` and no other options.

    >>> import curta
    >>> curta.normal(curta.tensor([3.0, 4.0]), 0.0)
    tensor([3., 4.])
    """
    if isinstance(mean, Tensor) or isinstance(std, Tensor):
        if size is not None or options:
            raise ArgumentTypeError(
                f"normal(): with tensors takes no {'size' if size is not None else next(iter(options))}"
            )
        return _into(out, _around(mean, std, generator))
    if std < 0:
        raise ShapeError(f"normal expects std >= 0.0, but found std {std:g}")
    return _made("normal", NORMAL, (float(mean), float(std)), (size,), None, generator=generator, out=out, **options)


def _around(mean: Any, std: Any, generator: Any) -> Tensor:
    """Numbers of which each has a mean or a deviation of its own."""
    parts = [value.detach().layout for value in (mean, std) if isinstance(value, Tensor)]
    kind, device = parts[0].dtype, parts[0].device
    _continuous("normal_kernel_cpu", kind)
    if not isinstance(std, Tensor):
        if std < 0:
            raise ShapeError(f"normal expects std >= 0.0, but found std {std:g}")
    elif STATE.recorder is None and host.has_values(std) and bool((std < 0).any()):
        raise ShapeError("normal expects all elements of std >= 0.0")
    wide = compute_dtype(kind)
    unit = draw(NORMAL, (0.0, 1.0), broadcast_shapes(*(part.shape for part in parts)), wide, device, generator)
    spread, middle = (value.detach().to(wide) if isinstance(value, Tensor) else value for value in (std, mean))
    made: Tensor = (unit * spread + middle).to(kind)
    return made


# in place


def normal_(input: Tensor, mean: float = 0.0, std: float = 1.0, *, generator: Any = None) -> Tensor:
    """Fill with numbers from a normal distribution."""
    _continuous("normal_", input.layout.dtype)
    if std < 0:
        raise ShapeError(f"normal expects std >= 0.0, but found std {std}")
    layout = input.layout
    return store(input, draw(NORMAL, (float(mean), float(std)), layout.shape, layout.dtype, layout.device, generator))


def uniform_(input: Tensor, a: float = 0.0, b: float = 1.0, *, generator: Any = None) -> Tensor:
    """Fill with numbers in [a, b)."""
    _continuous("uniform_", input.layout.dtype)
    if a > b:
        raise ShapeError(f"uniform_ expects to return a [from, to) range, but found from={a} > to={b}")
    layout = input.layout
    return store(input, draw(UNIFORM, (float(a), float(b)), layout.shape, layout.dtype, layout.device, generator))


def bernoulli_(input: Tensor, p: Any = 0.5, *, generator: Any = None) -> Tensor:
    """Fill with 1 with probability `p` (a number, or a tensor that broadcasts to `input`), else 0."""
    if isinstance(p, Tensor):
        made = bernoulli(p.expand(input.layout.shape), generator=generator)
        return store(input, made.to(input.layout.dtype))
    return store(input, bernoulli_mask(input.layout, _probability("bernoulli_", p), generator))


def _probability(name: str, p: float) -> float:
    if not 0 <= p <= 1:
        raise DistributionError(f"{name} expects p to be in [0, 1], but got p={p}")
    return float(p)
