"""What the operations ask of a framework, and how NumPy, PyTorch and those of the array API standard do it.

None of them is imported here: who passes a tensor has imported its framework.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from functools import lru_cache
from math import prod
from typing import Any, NamedTuple

from curta.einops.formula import letters, plain_letters
from curta.einops.parse import CACHE_SIZE
from curta.einops.problems import Call, Shape, Sizes, listed
from curta.einops.reductions import Reduction, planned
from curta.errors import DTypeError, UnsupportedError
from curta.lazy import LazyModule

numpy: Any = LazyModule("numpy")


class Framework:
    """Arrays of the Python array API standard: JAX, CuPy and others."""

    #: what its einsum raises for shapes that do not fit (but for sizes of 1); None where that is not known
    refusal: type[Exception] | None = None

    def transform(self, operation: str, reduction: Reduction | None, pattern: str, x: Any, sizes: Sizes) -> Any:
        """`x` rearranged, reduced or repeated."""
        name = None if callable(reduction) else reduction
        split, order, reduced, spread, merged = _steps(operation, name, pattern, x.shape, sizes)
        if split is not None:
            x = self.reshape(x, split)
        if order is not None:
            x = self.permute(x, order)
        if reduced:
            if callable(reduction):
                x = self._by_function(Call(operation, pattern, (), sizes), x, reduction, reduced)
            else:
                x = self.reduce(x, reduction, reduced)
        if spread is not None:
            x = self.spread(x, spread)
        return x if merged is None else self.reshape(x, merged)

    def _by_function(self, call: Call, x: Any, reduction: Callable[..., Any], dims: Shape) -> Any:
        """What a function makes of the tensor and the dimensions, which it may keep with size 1."""
        kept = tuple(size for dim, size in enumerate(x.shape) if dim not in dims)
        made = reduction(x, dims)
        if tuple(made.shape) == kept:
            return made
        if prod(made.shape) != prod(kept):
            raise call.error(f"the function gave shape {listed(made.shape)}, where {listed(kept)} should be left")
        return self.reshape(made, kept)

    def reduce(self, x: Any, reduction: Any, dims: Shape) -> Any:
        """One of the reductions by name."""
        if reduction == "mean" and self.is_whole(x):
            raise DTypeError(f"reduce: the mean of whole numbers ({x.dtype}) is not defined: convert the tensor first")
        return self.reduce_by_name(x, reduction, dims)

    def reduce_by_name(self, x: Any, name: str, dims: Shape) -> Any:
        """The reduction `name` over `dims`."""
        return getattr(self.names(x), name)(x, axis=dims)

    def names(self, x: Any) -> Any:
        """The namespace with the functions of the standard."""
        return x.__array_namespace__()

    def is_whole(self, x: Any) -> bool:
        """Whether the elements are integers or truth values."""
        return bool(self.names(x).isdtype(x.dtype, ("integral", "bool")))

    def reshape(self, x: Any, shape: Shape) -> Any:
        """The same elements as another shape."""
        return self.names(x).reshape(x, shape)

    def permute(self, x: Any, order: Shape) -> Any:
        """The dimensions in another order."""
        return self.names(x).permute_dims(x, order)

    def spread(self, x: Any, shape: Shape) -> Any:
        """Dimensions of size 1 repeated."""
        return self.names(x).broadcast_to(x, shape)

    def part(self, x: Any, dim: int, start: int, stop: int) -> Any:
        """From `start` to `stop` along one dimension."""
        return x[(*(slice(None),) * dim, slice(start, stop))]

    def stack(self, tensors: Sequence[Any]) -> Any:
        """Tensors of one shape along a new first dimension."""
        return self.names(tensors[0]).stack(tensors)

    def concatenate(self, tensors: Sequence[Any], dim: int) -> Any:
        """Tensors one behind the other along `dim`."""
        return self.names(tensors[0]).concat(tensors, axis=dim)

    def einsum(self, pattern: str, tensors: Sequence[Any]) -> Any:
        """The framework's own einsum, with letters for axes."""
        x = tensors[0]
        try:
            own = self.names(x).einsum
        except AttributeError:
            raise UnsupportedError(
                f"einsum: {type(x).__module__}.{type(x).__name__} has no einsum of its own"
            ) from None
        return own(letters(pattern, tuple([each.shape for each in tensors])), *tensors)

    def direct(self, pattern: str, tensors: Sequence[Any]) -> Direct | None:
        """How to contract such tensors again without a look at their sizes, if there is a way."""
        if self.refusal is None or (text := plain_letters(pattern)) is None:
            return None
        return Direct(self.names(tensors[0]).einsum, text, self.refusal)

    def to_numpy(self, x: Any) -> Any:
        """The elements as a NumPy array."""
        return numpy.asarray(x)


class Direct(NamedTuple):
    """A framework's einsum and its text for a pattern. It refuses sizes that do not fit, but for sizes of 1."""

    einsum: Any
    text: str
    refusal: type[Exception]


class _Steps(NamedTuple):
    """A plan with None for what leaves a tensor as it is."""

    split: Shape | None
    order: Shape | None
    reduced: Shape
    spread: Shape | None
    merged: Shape | None


@lru_cache(maxsize=CACHE_SIZE)
def _steps(operation: str, reduction: str | None, pattern: str, shape: Shape, sizes: Sizes) -> _Steps:
    made = planned(operation, reduction, pattern, shape, sizes)
    reached = made.spread
    if reached is None:
        order = made.order or range(len(made.split))
        reached = tuple(made.split[dim] for place, dim in enumerate(order) if place not in made.reduced)
    return _Steps(
        None if made.split == shape else made.split,
        made.order,
        made.reduced,
        made.spread,
        None if made.merged == reached else made.merged,
    )


class NumPy(Framework):
    """NumPy's arrays, whose methods cost a fraction of its functions."""

    refusal = ValueError

    def names(self, x: Any) -> Any:
        return numpy

    def reduce_by_name(self, x: Any, name: str, dims: Shape) -> Any:
        return getattr(x, name)(axis=dims)

    def is_whole(self, x: Any) -> bool:
        return x.dtype.kind in "iub"

    def reshape(self, x: Any, shape: Shape) -> Any:
        return x.reshape(shape)

    def permute(self, x: Any, order: Shape) -> Any:
        return x.transpose(order)

    def spread(self, x: Any, shape: Shape) -> Any:
        return numpy.broadcast_to(x, shape).copy()  # what NumPy broadcasts cannot be written to

    def to_numpy(self, x: Any) -> Any:
        return x


class PyTorch(Framework):
    """PyTorch's tensors, which have the standard's functions under other names."""

    refusal = RuntimeError

    def names(self, x: Any) -> Any:
        return sys.modules["torch"]

    def reduce_by_name(self, x: Any, name: str, dims: Shape) -> Any:
        if name in ("sum", "mean"):
            return getattr(x, name)(dim=dims)
        if name in ("max", "min"):
            return getattr(x, f"a{name}")(dim=dims)
        for dim in reversed(dims):
            x = getattr(x, name)(dim=dim)
        return x

    def is_whole(self, x: Any) -> bool:
        return not (x.is_floating_point() or x.is_complex())

    # sizes one by one: PyTorch takes a third longer to read a tuple

    def reshape(self, x: Any, shape: Shape) -> Any:
        return x.reshape(*shape) if shape else x.reshape(shape)

    def permute(self, x: Any, order: Shape) -> Any:
        return x.permute(*order)

    def spread(self, x: Any, shape: Shape) -> Any:
        return x.expand(*shape)

    def concatenate(self, tensors: Sequence[Any], dim: int) -> Any:
        return self.names(tensors[0]).cat(tensors, dim)

    def to_numpy(self, x: Any) -> Any:
        return x.detach().cpu().numpy()
