"""Looking at a tensor in another way in place: the tensor itself gets other sizes and strides."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from curta.errors import ArgumentTypeError, AutogradError, DTypeError, ShapeError
from curta.functions.indexing import follow
from curta.functions.inplace import check_writable, fill_, previous
from curta.functions.movement import as_strided, integer, region, sizes, squeeze, t, transpose, unsqueeze
from curta.functions.operands import tensor
from curta.functions.outputs import check_rebinding, rebind
from curta.memory.changes import CHANGES
from curta.memory.layout import contiguous, strided
from curta.memory.storage import Storage, allocate
from curta.shapes import contiguous_strides, storage_extent
from curta.tensor import Tensor


def _seen(name: str, input: Tensor, view: Callable[[Tensor], Tensor]) -> Tensor:
    """`input` turned into a view of what it was, with the view's history."""
    check_writable(input)
    check_rebinding(name, input)
    made = view(previous(input))
    input.trace = made.trace
    input.grad_fn, input.output_index, input._requires_grad = made.grad_fn, made.output_index, made._requires_grad
    if input.base is None:
        input.generation += 1
    return rebind(input, made.storage, made.layout, made.offset)


def squeeze_(input: Tensor, dim: Any = None) -> Tensor:
    """`squeeze` in place."""
    return _seen("squeeze_", input, lambda old: squeeze(old, dim))


def unsqueeze_(input: Tensor, dim: int) -> Tensor:
    """`unsqueeze` in place."""
    return _seen("unsqueeze_", input, lambda old: unsqueeze(old, dim))


def transpose_(input: Tensor, dim0: int, dim1: int) -> Tensor:
    """`transpose` in place.

    >>> import curta
    >>> curta.zeros(2, 3).transpose_(0, 1).shape
    torch.Size([3, 2])
    """
    return _seen("transpose_", input, lambda old: transpose(old, dim0, dim1))


swapaxes_ = swapdims_ = transpose_


def t_(input: Tensor) -> Tensor:
    """`t` in place."""
    return _seen("t_", input, t)


def as_strided_(input: Tensor, size: Any, stride: Any, storage_offset: int | None = None) -> Tensor:
    """`as_strided` in place.

    >>> import curta
    >>> curta.as_strided_(curta.arange(4), (2,), (2,), 1)
    tensor([1, 3])
    """
    return _seen("as_strided_", input, lambda old: as_strided(old, size, stride, storage_offset))


def detach(input: Tensor) -> Tensor:
    """The same memory without a gradient history.

    >>> import curta
    >>> curta.detach(curta.ones(1, requires_grad=True))
    tensor([1.])
    """
    return tensor("detach", input).detach()


def detach_(input: Tensor) -> Tensor:
    """Forget the gradient history, in place; AutogradError for a view.

    >>> import curta
    >>> (curta.ones(1, requires_grad=True) * 2).detach_()
    tensor([2.])
    """
    if input.base is not None:
        raise AutogradError(
            "Can't detach views in-place. Use detach() instead. If you are using DistributedDataParallel (DDP) for "
            "training, and gradient_as_bucket_view is set as True, gradients are views of DDP buckets, and hence "
            "detach_() cannot be called on these gradients. To fix this error, please refer to the "
            "Optimizer.zero_grad() function in torch/optim/optimizer.py as the solution."
        )
    check_rebinding("detach_", input)
    input.grad_fn, input.output_index, input._requires_grad = None, 0, False
    input.generation += 1
    CHANGES.note()
    return input


def set_(input: Tensor, source: Any = None, storage_offset: int = 0, size: Any = None, stride: Any = None) -> Tensor:
    """Look at the memory of another tensor, or of a storage, in place; without a source at none.

    >>> import curta
    >>> x, y = curta.zeros(2), curta.ones(3)
    >>> x.set_(y).data_ptr() == y.data_ptr()
    True
    """
    check_writable(input)
    check_rebinding("set_", input)
    dtype, device = input.layout.dtype, input.layout.device
    if source is None:
        return rebind(input, allocate(0, device), contiguous((0,), dtype, device), 0)
    if isinstance(source, Tensor):
        if source.layout.dtype is not dtype:
            raise DTypeError(
                f"Could not set tensor of type {source.layout.dtype.name} to a tensor of type {dtype.name}"
            )
        if size is None:
            return rebind(input, source.storage, source.layout, source.offset)
    storage = source.storage if isinstance(source, Tensor) else source
    if not isinstance(storage, Storage):
        raise ArgumentTypeError(f"set_(): argument 'source' must be Tensor or Storage, not {type(source).__name__}")
    wanted = (storage.nbytes // dtype.itemsize,) if size is None else sizes("set_", (size,))
    steps = contiguous_strides(wanted) if stride is None else sizes("set_", (stride,), "stride")
    start = integer("set_", storage_offset, "storage_offset")
    if start < 0 or storage_extent(wanted, steps, start) * dtype.itemsize > storage.nbytes:
        raise ShapeError(
            f"setStorage: sizes {list(wanted)}, strides {list(steps)}, storage offset {start}, and itemsize "
            f"{dtype.itemsize} are out of bounds for storage of size {storage.nbytes}"
        )
    return rebind(input, storage, strided(wanted, steps, dtype, device), start)


def is_set_to(input: Tensor, other: Tensor) -> bool:
    """Whether two tensors look at the same memory in the same way."""
    return input.storage is other.storage and input.layout is other.layout and input.offset == other.offset


def fill_diagonal_(input: Tensor, fill_value: Any, wrap: bool = False) -> Tensor:
    """Set the diagonal (of all dimensions) to a number in place; with `wrap` a tall matrix has several.

    >>> import curta
    >>> curta.zeros(2, 2).fill_diagonal_(5)
    tensor([[5., 0.],
            [0., 5.]])
    """
    shape, strides = input.layout.shape, input.layout.strides
    if len(shape) < 2:
        raise ShapeError("dimensions must larger than 1")
    if len(shape) > 2 and len(set(shape)) > 1:
        raise ShapeError("all dimensions of input must be of equal length")
    height, width = shape[0], min(shape)
    for first in range(0, height if wrap and len(shape) == 2 else 1, shape[1] + 1):
        part = region(input, ((first, height - first, 1), *((0, size, 1) for size in shape[1:])))
        length = min(width, height - first)
        if length:
            fill_(as_strided(part, (length,), (sum(strides),), part.offset), fill_value)
    follow(input)
    return input
