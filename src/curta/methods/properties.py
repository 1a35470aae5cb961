"""What a tensor is: its sizes, where it lies, how Python sees it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from curta.autograd.state import STATE
from curta.device import META
from curta.dtypes import bfloat16
from curta.errors import ArgumentError, ArgumentTypeError, DTypeError, ShapeError
from curta.memory.changes import CHANGES
from curta.memory.layout import Layout
from curta.methods import late
from curta.shapes import normalize_dim
from curta.size import Size

if TYPE_CHECKING:
    from curta.device import Device
    from curta.dtypes import DType
    from curta.memory.storage import Storage
    from curta.tensor import Tensor


class PropertyMethods:
    """Sizes, strides, format, device, storage; numbers, arrays and text."""

    if TYPE_CHECKING:
        layout: Layout
        storage: Storage | None
        offset: int
        pointer: int
        base: Tensor | None
        grad_fn: Any
        trace: Any
        _requires_grad: bool

    @property
    def shape(self) -> Size:
        """The size of every dimension."""
        return tuple.__new__(Size, self.layout.shape)  # without the checks

    def size(self, dim: int | None = None) -> Any:
        """The shape, or the size of one dimension."""
        shape = self.layout.shape
        return tuple.__new__(Size, shape) if dim is None else shape[normalize_dim(dim, len(shape), wrap_scalar=False)]

    def stride(self, dim: int | None = None) -> Any:
        """How many elements apart neighbours are, along every dimension or one."""
        strides = self.layout.strides
        return strides if dim is None else strides[normalize_dim(dim, len(strides), wrap_scalar=False)]

    @property
    def ndim(self) -> int:
        """The number of dimensions."""
        return self.layout.rank

    def dim(self) -> int:
        """The number of dimensions."""
        return self.layout.rank

    ndimension = dim

    def numel(self) -> int:
        """The number of elements."""
        return self.layout.numel

    nelement = numel

    @property
    def dtype(self) -> DType:
        """The format of the elements."""
        return self.layout.dtype

    @property
    def device(self) -> Device:
        """Where the memory is."""
        return self.layout.device

    @property
    def is_cuda(self) -> bool:
        """Whether the memory is on a CUDA device."""
        return self.layout.device.type == "cuda"

    @property
    def is_cpu(self) -> bool:
        """Whether the memory is the host's."""
        return self.layout.device.type == "cpu"

    @property
    def is_meta(self) -> bool:
        """Whether there is no memory, only a shape."""
        return self.layout.device.type == "meta"

    @property
    def itemsize(self) -> int:
        """Bytes of one element."""
        return self.layout.dtype.itemsize

    def element_size(self) -> int:
        """Bytes of one element."""
        return self.layout.dtype.itemsize

    @property
    def nbytes(self) -> int:
        """Bytes of all elements."""
        return self.layout.nbytes

    def storage_offset(self) -> int:
        """The place of the first element in the storage, in elements."""
        return self.offset

    def data_ptr(self) -> int:
        """The address of the first element; 0 for a tensor without elements."""
        return self.pointer if self.layout.numel else 0

    def untyped_storage(self) -> Storage:
        """The block of bytes that the tensor looks into."""
        if self.storage is None:
            raise ShapeError("untyped_storage: a tensor that is being traced has no memory")
        return self.storage

    def is_contiguous(self, memory_format: Any = None) -> bool:
        """Whether the elements lie in row-major order without gaps."""
        if memory_format is not None:
            from curta.memory.formats import channel_order
            from curta.ops.movement import permuted

            try:
                order = channel_order("is_contiguous", memory_format, self.layout.rank)
            except ShapeError:
                return False
            if order is not None:
                return permuted(self.layout, order)[0].is_contiguous
        return self.layout.is_contiguous

    def is_floating_point(self) -> bool:
        """Whether the format is a floating-point one."""
        return self.layout.dtype.is_floating_point

    def is_complex(self) -> bool:
        """Always False."""
        return False

    def is_signed(self) -> bool:
        """Whether the format has negative numbers."""
        return self.layout.dtype.is_signed

    @property
    def is_sparse(self) -> bool:
        """Always False."""
        return False

    @property
    def _version(self) -> int:
        """How often the storage was written to in place."""
        return 0 if self.storage is None else self.storage.version

    @property
    def _base(self) -> Tensor | None:
        """The tensor this one is a view of."""
        return self.base

    def _is_view(self) -> bool:
        return self.base is not None

    @property
    def data(self: Any) -> Tensor:
        """The same storage without a gradient history."""
        return self.detach()

    @data.setter
    def data(self: Any, value: Any) -> None:
        if STATE.recorder is not None:
            STATE.recorder.refuse_rebinding()
        if value.layout.dtype is not self.layout.dtype:
            raise DTypeError(
                f"attempting to assign a tensor of {value.layout} to the data of {self.layout}: the formats differ"
            )
        self.storage, self.layout = value.storage, value.layout
        self.offset, self.pointer = value.offset, value.pointer
        CHANGES.note()

    # as Python sees it

    def __len__(self) -> int:
        if not self.layout.rank:
            raise ArgumentTypeError("len() of a 0-d tensor")
        return self.layout.shape[0]

    def __iter__(self: Any) -> Any:
        if not self.layout.rank:
            raise ArgumentTypeError("iteration over a 0-d tensor")
        return iter(self.unbind(0))

    def __reversed__(self: Any) -> Any:
        return self.flip(0) if self.layout.rank else self

    def __contains__(self: Any, element: Any) -> bool:
        from curta.tensor import Tensor

        if not isinstance(element, Tensor) and not late.takes(element):
            raise DTypeError(
                f"Tensor.__contains__ only supports Tensor or scalar, but you passed in a {type(element)}."
            )
        return bool((self == element).any().item())

    def __hash__(self) -> int:
        return id(self)

    def item(self: Any) -> bool | int | float:
        """The only element as a Python number."""
        if self.layout.numel != 1:
            raise DTypeError(f"a Tensor with {self.layout.numel} elements cannot be converted to Scalar")
        found: bool | int | float = late.host.number(self)
        return found

    def tolist(self: Any) -> Any:
        """The elements as nested lists; a number for a 0-d tensor."""
        values = late.host.array(self)
        return (values.astype("f4") if self.layout.dtype is bfloat16 else values).tolist()

    def __bool__(self) -> bool:
        count = self.layout.numel
        if count == 1:
            return bool(self.item())
        if count == 0:
            raise DTypeError("Boolean value of Tensor with no values is ambiguous")
        raise DTypeError("Boolean value of Tensor with more than one value is ambiguous")

    def __float__(self) -> float:
        return float(self._scalar())

    def __int__(self) -> int:
        return int(self._scalar())

    def _scalar(self: Any) -> Any:
        if self.layout.numel != 1:
            raise ArgumentError("only one element tensors can be converted to Python scalars")
        return self.item()

    def __index__(self) -> int:
        if self.layout.dtype.is_floating_point or self.layout.numel != 1:
            raise ArgumentTypeError("only integer tensors of a single element can be converted to an index")
        return int(self.item())

    def __complex__(self) -> complex:
        return complex(self.item())

    def __format__(self: Any, spec: str) -> str:
        from curta.tensor import Tensor

        if not self.layout.rank and self.layout.device is not META and type(self) is Tensor:
            return format(self.item(), spec)
        return object.__format__(self, spec)

    def __repr__(self: Any) -> str:
        from curta import printing
        from curta.device import META

        name = self.grad_fn.name() if self.grad_fn is not None else None
        wants = self._requires_grad
        layout = self.layout
        if self.storage is None:
            return f"tensor(<traced>, size={tuple(layout.shape)}, dtype={layout.dtype!r})"
        if self.batch is not None and layout.device is not META:
            level, value, mapped = self.batch
            return f"BatchedTensor(lvl={level}, bdim={0 if mapped else None}, value={value!r})"
        if layout.device is META:
            return printing.format_meta(layout.shape, layout.dtype, requires_grad=wants, grad_fn_name=name)
        from curta import dtypes, host

        values = host.array(self)
        if layout.dtype is dtypes.bfloat16:
            values = values.astype("f4")
        return printing.format_tensor(values, layout.dtype, requires_grad=wants, grad_fn_name=name)
