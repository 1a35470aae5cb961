"""Copies and pickles of tensors: tensors that share a storage share one afterwards too, and lie in it as they did."""

from __future__ import annotations

from copy import deepcopy
from ctypes import memmove, string_at
from typing import TYPE_CHECKING, Any

from curta import dtypes, host
from curta.autograd.state import STATE
from curta.device import META, Device
from curta.dtypes import DType
from curta.errors import ArgumentError, ArgumentTypeError, AutogradError, NoDataError
from curta.memory.layout import Shape, contiguous, strided
from curta.memory.ledger import INPUTS
from curta.memory.living import LEAVES
from curta.memory.storage import Storage, TracedStorage, allocate, own_storage
from curta.shapes import storage_extent
from curta.tensor import Tensor

if TYPE_CHECKING:
    import numpy.typing as npt

#: what a tensor's `__dict__` holds of its own; anything else belongs to a subclass or a caller
_OWN = frozenset(
    ("storage", "layout", "offset", "pointer", "base", "grad_fn", "output_index", "hooks", "accumulator", "trace",
     "_requires_grad", "_grad", "generation", "place")
)  # fmt: skip
_MAXIMUM_RANK = 64


def _attributes(tensor: Tensor) -> dict[str, Any]:
    return {name: value for name, value in tensor.__dict__.items() if name not in _OWN}


def restore(tensor: Tensor, state: dict[str, Any]) -> None:
    """Give a tensor attributes of its caller's; what it is made of no pickle can change."""
    for name, value in state.items():
        if name in _OWN:
            raise ArgumentError(f"a tensor cannot be unpickled with {name!r} among its attributes")
        setattr(tensor, name, value)


def deep_copy(tensor: Tensor, memo: dict[int, Any]) -> Tensor:
    """What `copy.deepcopy` gives."""
    if tensor.grad_fn is not None:
        raise AutogradError("Only Tensors created explicitly by the user (graph leaves) support the deepcopy protocol.")
    found: Tensor | None = memo.get(id(tensor))
    if found is not None:
        return found
    storage = tensor.storage
    copied: Storage | None = memo.get(id(storage))
    if copied is None and storage is not None:
        copied = memo[id(storage)] = _whole(tensor, storage).clone().storage
    made = Tensor._make(copied, tensor.layout, tensor.offset, tensor.trace)
    memo[id(tensor)] = made
    made.__class__ = tensor.__class__
    made._requires_grad = tensor._requires_grad
    if tensor._grad is not None:
        made._grad = deep_copy(tensor._grad, memo)
    LEAVES.add(made)
    made.__dict__.update(deepcopy(_attributes(tensor), memo))
    return made


def _whole(tensor: Tensor, storage: Storage) -> Tensor:
    """All of a storage as one row: of the tensor's own format where it fills it, else of bytes."""
    layout = tensor.layout
    dtype = layout.dtype if storage.nbytes == layout.nbytes else dtypes.uint8
    return Tensor._make(storage, contiguous((storage.nbytes // dtype.itemsize,), dtype, layout.device), 0)


def reduced(tensor: Tensor) -> tuple[Any, ...]:
    """What `pickle` and `copy.copy` keep of a tensor: its storage, once however many share it, and where it lies in it.

    A tensor with a history is one without afterwards, a leaf that wants a gradient, as PyTorch does.
    """
    layout = tensor.layout
    if layout.device is not META:
        host.readable(tensor)
    parts = (
        tensor.storage, tensor.offset, layout.shape, layout.strides, layout.dtype, tensor._requires_grad, type(tensor),
    )  # fmt: skip
    attributes = _attributes(tensor)
    return (rebuilt_tensor, parts, attributes) if attributes else (rebuilt_tensor, parts)


def reduced_storage(storage: Storage) -> tuple[Any, ...]:
    """What `pickle` writes of a storage: its bytes, or on the meta device how many; NoDataError where it has none."""
    if storage.device is META:
        return rebuilt_storage, (storage.nbytes, META)
    if isinstance(storage, TracedStorage):
        raise NoDataError("cannot pickle memory that a function being compiled or planned has only when it runs")
    return rebuilt_storage, (string_at(storage.address, storage.nbytes),)


def rebuilt_storage(content: bytes | int, device: Device | None = None) -> Storage:
    """A storage from its pickled parts."""
    if isinstance(content, int) and content >= 0 and device is META:
        return own_storage(content, META)
    if not isinstance(content, bytes):
        raise ArgumentTypeError(f"a storage cannot be unpickled from {type(content).__name__} on {device}")
    made = allocate(len(content))
    for book in STATE.books:
        book.assign(made, INPUTS)
    memmove(made.address, content, len(content))
    return made


def _whole_numbers(values: Any) -> bool:
    return isinstance(values, tuple) and all(type(value) is int and value >= 0 for value in values)


def rebuilt_tensor(
    storage: Any, offset: Any, shape: Any, strides: Any, dtype: Any, requires_grad: Any, kind: Any
) -> Tensor:
    """A tensor from its pickled parts; an error for parts that do not fit together, whoever wrote them."""
    if not isinstance(storage, Storage) or not isinstance(dtype, DType):
        raise ArgumentTypeError(
            f"a tensor cannot be unpickled from a {type(storage).__name__} with format {dtype!r}: the pickle is damaged"
        )
    if not isinstance(kind, type) or not issubclass(kind, Tensor):
        raise ArgumentTypeError(f"a tensor cannot be unpickled as {kind!r}")
    if not _whole_numbers((offset,)) or not _whole_numbers(shape) or not _whole_numbers(strides):
        raise ArgumentError(f"a tensor cannot be unpickled with shape {shape}, strides {strides}, offset {offset}")
    _check_extent(storage, offset, shape, strides, dtype)
    if requires_grad and not dtype.is_floating_point:
        raise AutogradError("only Tensors of floating point dtype can require gradients")
    made = Tensor._make(storage, strided(shape, strides, dtype, storage.device), offset)
    made.__class__ = kind
    made._requires_grad = bool(requires_grad)
    if requires_grad:
        LEAVES.add(made)
    return made


def _check_extent(storage: Storage, offset: int, shape: Shape, strides: Shape, dtype: DType) -> None:
    """ArgumentError for a tensor that would look outside of its storage."""
    fits = len(shape) == len(strides) <= _MAXIMUM_RANK
    if not fits or storage_extent(shape, strides, offset) * dtype.itemsize > storage.nbytes:
        raise ArgumentError(
            f"a tensor of shape {shape}, strides {strides} and offset {offset} does not fit into {storage.nbytes} bytes"
        )


def rebuilt_from_array(values: npt.NDArray[Any], dtype: DType, requires_grad: bool, kind: type[Tensor]) -> Tensor:
    """A tensor from what the first versions pickled: an array of its values."""
    found = host.tensor_from(values.view(dtype.numpy) if dtype is dtypes.bfloat16 else values, dtype)
    return rebuilt_tensor(found.storage, 0, found.layout.shape, found.layout.strides, dtype, requires_grad, kind)
