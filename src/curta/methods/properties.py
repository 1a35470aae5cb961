"""What a tensor is: its sizes, where it lies, how Python sees it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from curta.autograd.state import STATE
from curta.device import META
from curta.errors import ArgumentError, ArgumentTypeError, AutogradError, DTypeError, ShapeError
from curta.memory.changes import CHANGES
from curta.memory.layout import Layout
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
        return Size(self.layout.shape)

    def size(self, dim: int | None = None) -> Any:
        """The shape, or the size of one dimension."""
        shape = self.layout.shape
        return Size(shape) if dim is None else shape[normalize_dim(dim, len(shape), wrap_scalar=False)]

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
            from curta.errors import UnsupportedError

            raise UnsupportedError("is_contiguous(): the argument 'memory_format' is not supported")
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

        if not isinstance(element, (Tensor, bool, int, float)):
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
        from curta import host

        found: bool | int | float = host.number(self)
        return found

    def tolist(self: Any) -> Any:
        """The elements as nested lists; a number for a 0-d tensor."""
        from curta import dtypes, host

        values = host.array(self)
        return (values.astype("f4") if self.layout.dtype is dtypes.bfloat16 else values).tolist()

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
        if not self.layout.rank and spec:
            return format(self.item(), spec)
        return object.__format__(self, spec) if spec else str(self)

    def __repr__(self: Any) -> str:
        from curta import printing
        from curta.device import META

        name = self.grad_fn.name() if self.grad_fn is not None else None
        wants = self._requires_grad
        layout = self.layout
        if self.storage is None:
            return f"tensor(<traced>, size={tuple(layout.shape)}, dtype={layout.dtype!r})"
        if layout.device is META:
            return printing.format_meta(layout.shape, layout.dtype, requires_grad=wants, grad_fn_name=name)
        from curta import dtypes, host

        values = host.array(self)
        if layout.dtype is dtypes.bfloat16:
            values = values.astype("f4")
        return printing.format_tensor(values, layout.dtype, requires_grad=wants, grad_fn_name=name)

    # arrays

    def numpy(self: Any, *, force: bool = False) -> Any:
        """The tensor's memory as a NumPy array that shares it; with `force` detached first."""
        from curta import dtypes, host

        if self._requires_grad and not force:
            raise AutogradError("Can't call numpy() on Tensor that requires grad. Use tensor.detach().numpy() instead.")
        if self.layout.device is META:
            raise ArgumentTypeError("can't convert a tensor on the meta device to numpy: it has no data")
        if self.layout.dtype is dtypes.bfloat16:
            raise ArgumentTypeError("Got unsupported ScalarType BFloat16")
        return host.array(self)

    def __array__(self: Any, dtype: Any = None, copy: bool | None = None) -> Any:
        values = self.numpy()
        if dtype is not None and values.dtype != dtype:
            return values.astype(dtype)
        return values.copy() if copy else values

    __array_priority__ = 1000

    def __dlpack__(
        self: Any, *, stream: Any = -1, max_version: tuple[int, int] | None = None, dl_device: Any = None,
        copy: bool | None = None,
    ) -> Any:  # fmt: skip
        """A capsule over the tensor's memory for another framework's `from_dlpack`; versioned from `max_version` 1.0.

        ExchangeError (a BufferError) for a tensor that requires grad, on the meta device, or for a device that is not
        the CPU.
        """
        from curta.dlpack.outward import export

        return export(self, stream, max_version, dl_device, copy)

    def __dlpack_device__(self) -> tuple[Any, int]:
        """The kind and number of the tensor's device, as DLPack counts; ArgumentError on the meta device."""
        from curta.dlpack.structures import DLDeviceType

        if self.layout.device is META:
            raise ArgumentError("Unknown device type meta for Dlpack")
        return DLDeviceType["kDLCPU"], 0

    # copies and pickles

    def __deepcopy__(self: Any, memo: dict[int, Any]) -> Any:
        if self.grad_fn is not None:
            raise AutogradError(
                "Only Tensors created explicitly by the user (graph leaves) support the deepcopy protocol."
            )
        if id(self) in memo:
            return memo[id(self)]
        made = self.detach().clone()
        made.__class__ = self.__class__
        made._requires_grad = self._requires_grad
        if self._grad is not None:
            made._grad = self._grad.detach().clone()
        for name, value in self.__dict__.items():
            if name not in TENSOR_STATE:
                made.__dict__[name] = value
        memo[id(self)] = made
        return made

    def __reduce_ex__(self: Any, protocol: Any) -> Any:
        from curta import host

        if self.grad_fn is not None:
            raise AutogradError("cannot pickle a tensor that is not a leaf: call detach() first")
        values = host.array(self.detach())
        return host.rebuilt, (values.view("u2") if self.dtype.name == "bfloat16" else values, self.layout.dtype,
                              self._requires_grad, type(self))  # fmt: skip


#: what a tensor's `__dict__` holds of its own; anything else belongs to a subclass or a caller
TENSOR_STATE = frozenset(
    ("storage", "layout", "offset", "pointer", "base", "grad_fn", "output_index", "hooks", "accumulator", "trace",
     "_requires_grad", "_grad", "generation")
)  # fmt: skip
