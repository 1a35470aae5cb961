"""Methods of a tensor that say of what kind it is, by names that PyTorch has for kinds which Curta has not."""

from __future__ import annotations

from builtins import type as class_of
from typing import TYPE_CHECKING, Any

from curta.errors import ArgumentTypeError, DeviceError, UnsupportedError
from curta.methods import late

if TYPE_CHECKING:
    from curta.tensor import Tensor

#: properties that are always False
NEVER = (
    "is_ipu",
    "is_maia",
    "is_mkldnn",
    "is_mps",
    "is_mtia",
    "is_nested",
    "is_quantized",
    "is_sparse_csr",
    "is_vulkan",
    "is_xla",
    "is_xpu",
)


class KindMethods:
    """Types by name, and what is there only once: dense tensors of this process, in memory that may be paged."""

    def type(self: Any, dtype: Any = None, non_blocking: bool = False, **options: Any) -> Any:
        """The name of the tensor's type (torch.FloatTensor); or the tensor in a format, given itself, by class or name.

        >>> import curta
        >>> curta.ones(1).type("torch.LongTensor").type()
        'torch.LongTensor'
        """
        from curta.typed_tensors import as_type, type_name

        if options:
            raise ArgumentTypeError(f"type() got an unexpected keyword argument '{next(iter(options))}'")
        return type_name(self) if dtype is None else as_type(self, dtype, non_blocking)

    def new(self: Any, *arguments: Any, **options: Any) -> Tensor:
        """A tensor of the same format: of sizes, with any contents, or of a sequence of numbers.

        >>> import curta
        >>> curta.ones(1).new([1, 2])
        tensor([1., 2.])
        """
        from curta.typed_tensors import made

        options.setdefault("device", self.device)
        return made(self.dtype, arguments, options)

    def apply_(self: Any, callable: Any) -> Tensor:
        """Put what a Python function makes of each element in its place."""
        return late.functions.apply_(self, callable)

    def map_(self: Any, other: Any, callable: Any) -> Tensor:
        """Put what a Python function makes of each element and that of another tensor in its place."""
        return late.functions.map_(self, other, callable)

    def map2_(self: Any, x: Any, y: Any, callable: Any) -> Tensor:
        """As `map_`, with two other tensors."""
        return late.functions.map2_(self, x, y, callable)

    def as_subclass(self: Any, cls: Any) -> Any:
        """The same memory and history as an object of a class that inherits from `Tensor`."""
        from curta.tensor import Tensor

        if not isinstance(cls, class_of) or not issubclass(cls, Tensor):
            raise ArgumentTypeError(
                "Creating a Tensor subclass from a class that does not inherit from Tensor is not possible. Make sure "
                "your class inherits from Tensor."
            )
        made = self.view_as(self)
        made.__class__ = cls
        return made

    def to_dense(self: Any, dtype: Any = None, *, masked_grad: bool | None = None) -> Tensor:
        """The tensor, which is dense, in a format if one is named."""
        return self if dtype is None else late.functions.to(self, dtype)

    def dim_order(self: Any, ambiguity_check: bool = False) -> tuple[int, ...]:
        """The dimensions from the farthest apart in memory to the nearest; of equal ones in their own order.

        >>> import curta
        >>> curta.ones(2, 3).T.dim_order()
        (1, 0)
        """
        if ambiguity_check:
            raise UnsupportedError("dim_order(): the argument 'ambiguity_check' is not supported")
        strides = self.layout.strides
        return tuple(sorted(range(len(strides)), key=lambda dim: -strides[dim]))

    @property
    def output_nr(self: Any) -> int:
        """Which of the results of its node the tensor is."""
        return self.output_index

    @property
    def name(self) -> None:
        """Always None: PyTorch keeps no names either."""
        return None

    def is_distributed(self) -> bool:
        """Always False."""
        return False

    def is_shared(self) -> bool:
        """Whether other processes see the memory: never, but for what workers of a `DataLoader` hand over."""
        return False

    def is_pinned(self) -> bool:
        """Whether the memory cannot be paged out: never."""
        return False

    def pin_memory(self) -> Tensor:
        """DeviceError: there is no device to copy to faster."""
        raise DeviceError("Cannot access accelerator device when none is available.")

    def __delitem__(self, index: Any) -> None:
        raise ArgumentTypeError("Tensor does not support deleting items")


def _never(name: str) -> Any:
    def found(self: Any) -> bool:
        return False

    found.__name__ = found.__qualname__ = name
    found.__doc__ = "Always False."
    return property(found)


for _name in NEVER:
    setattr(KindMethods, _name, _never(_name))
