"""Elements chosen by their number in row-major order, or by a mask: read and written."""

from __future__ import annotations

from curta import dtypes, shapes
from curta.device import META
from curta.errors import DTypeError, IndexRangeError, ShapeError
from curta.functions.choice import where
from curta.functions.cumulative import cumsum
from curta.functions.indexing import gathered, in_range
from curta.functions.inplace import previous, scalar_name, store
from curta.functions.operands import tensor
from curta.functions.outputs import into
from curta.functions.scattering import write_at
from curta.tensor import Tensor


def _numbers(name: str, input: Tensor, index: Tensor) -> Tensor:
    """The numbers of elements, counted from 0, as a vector."""
    if index.layout.dtype is not dtypes.int64:
        raise DTypeError(f"{name}(): Expected a long tensor for index, but got {scalar_name(index.layout.dtype)}")
    count = input.layout.numel
    return in_range(
        index.reshape(-1), count, 0,
        lambda text: IndexRangeError(
            f"out of range: tried to access {text.split(' is ')[0]} on a tensor of {count} elements."
        ),
    )  # fmt: skip


def take(input: Tensor, index: Tensor, *, out: Tensor | None = None) -> Tensor:
    """The elements whose numbers in row-major order `index` holds, in its shape; negative ones count from the end.

    >>> import curta
    >>> curta.take(curta.tensor([[1, 2], [3, 4]]), curta.tensor([0, -1]))
    tensor([1, 4])
    """
    if out is not None:
        return into("take", out, take(input, index), exact=True, inputs=(input, index))
    if tensor("take", input).layout.numel == 0 and index.layout.numel:
        raise IndexRangeError("take(): tried to take from an empty tensor")
    chosen = _numbers("take", input, index)
    return gathered(input.reshape(-1), {0: chosen}).reshape(index.layout.shape)


def put_(input: Tensor, index: Tensor, source: Tensor, accumulate: bool = False) -> Tensor:
    """Write `source` over the elements whose numbers in row-major order `index` holds, or add it to them."""
    if index.layout.numel != source.layout.numel:
        raise IndexRangeError(
            "put_(): Expected source and index to have the same number of elements, but got source.numel() = "
            f"{source.layout.numel}, index.numel() = {index.layout.numel}"
        )
    own, given = input.layout.dtype, source.layout.dtype
    if own is not given:
        raise DTypeError(
            "put_(): self and source expected to have the same dtype, but got self.dtype = "
            f"{scalar_name(own)} and source.dtype = {scalar_name(given)}"
        )
    if not input.layout.numel and index.layout.numel:
        raise IndexRangeError("put_(): Tried to put elements into an empty tensor")
    chosen = _numbers("put_", input, index)
    fresh = previous(input).reshape(-1).clone()
    write_at(fresh, {0: chosen}, source.reshape(-1), accumulate)
    return store(input, fresh.reshape(input.layout.shape))


def put(input: Tensor, index: Tensor, source: Tensor, accumulate: bool = False) -> Tensor:
    """A copy of `input` with `source` over the elements whose numbers `index` holds, or added to them.

    >>> import curta
    >>> curta.put(curta.zeros(2, 2), curta.tensor([0, -1]), curta.tensor([1.0, 2.0]))
    tensor([[1., 0.],
            [0., 2.]])
    """
    return put_(tensor("put", input).clone(), index, source, accumulate)


def masked_scatter(input: Tensor, mask: Tensor, source: Tensor) -> Tensor:
    """A copy of `input` whose elements where `mask` holds are those of `source`, in order; both broadcast.

    >>> import curta
    >>> curta.masked_scatter(curta.zeros(3), curta.tensor([True, False, True]), curta.tensor([1.0, 2.0]))
    tensor([1., 0., 2.])
    """
    own, given = tensor("masked_scatter", input).layout.dtype, source.layout.dtype
    if own is not given:
        raise DTypeError(
            f"masked_scatter: expected self and source to have same dtypes but got{scalar_name(own)} and "
            f"{scalar_name(given)}"
        )
    if mask.layout.dtype is not dtypes.bool_:
        raise ShapeError(
            f"masked_scatter_ only supports boolean masks, but got mask with dtype {scalar_name(mask.layout.dtype)}"
        )
    shape = shapes.broadcast_shapes(input.layout.shape, mask.layout.shape)
    held = mask.expand(shape).reshape(-1)
    row = input.expand(shape).reshape(-1)
    places = cumsum(held.long(), 0) - 1
    available = source.layout.numel
    if not available:
        if input.layout.device is not META and held.any():
            raise ShapeError("Number of elements of source < number of ones in mask")
        return input.expand(shape).clone()
    few = ShapeError("Number of elements of source < number of ones in mask")
    chosen = in_range(where(held, places, 0), available, 0, lambda _: few)
    return where(held, gathered(source.reshape(-1), {0: chosen}), row).reshape(shape)
