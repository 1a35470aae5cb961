"""Tensors by the names of their formats, as PyTorch's first versions had them: `FloatTensor(2, 3)`, `x.type()`."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any

from curta import dtypes
from curta.default_dtype import get_default_dtype, set_default_dtype
from curta.device import META
from curta.dtypes import DType
from curta.errors import ArgumentError, ArgumentTypeError, CurtaWarning
from curta.functions import creation
from curta.functions.inplace import scalar_name
from curta.lazy import LazyModule
from curta.size import Size
from curta.tensor import Tensor

if TYPE_CHECKING:
    import numpy as np
else:
    np = LazyModule("numpy")


def made(dtype: DType, arguments: tuple[Any, ...], options: dict[str, Any]) -> Tensor:
    """What `FloatTensor(...)` gives: nothing, sizes, a sequence of numbers, or another tensor's memory."""
    device = options.pop("device", None)
    if not arguments and "size" in options:
        arguments = (Size(options.pop("size")),)
    arguments = arguments or tuple(options.pop(name) for name in ("data", "other") if name in options)
    if options or (len(arguments) > 1 and not _are_sizes(arguments)):
        given = [type(one).__name__ for one in arguments] + [f"{key}={type(options[key]).__name__}" for key in options]
        raise ArgumentTypeError(
            f"new() received an invalid combination of arguments - got ({', '.join(given)}); it takes sizes, or one "
            "sequence or tensor, and a device"
        )
    if not arguments:
        return creation.empty(0, dtype=dtype, device=device)
    first = arguments[0]
    if isinstance(first, Size) or _are_sizes(arguments):
        return creation.empty(*arguments, dtype=dtype, device=device)
    if isinstance(first, Tensor):
        if first.dtype is not dtype:
            raise ArgumentTypeError(f"expected {scalar_name(dtype)} (got {scalar_name(first.dtype)})")
        return first.detach() if device is None else first.detach().to(device)
    if isinstance(first, str):
        raise ArgumentTypeError("new(): invalid data type 'str'")
    if not isinstance(first, (list, tuple, range, np.ndarray)):
        raise ArgumentTypeError(f"new(): data must be a sequence (got {type(first).__name__})")
    return creation.tensor(first, dtype=dtype, device=device)


def _are_sizes(arguments: tuple[Any, ...]) -> bool:
    return all(isinstance(one, (int, np.integer)) and not isinstance(one, bool) for one in arguments)


def of_class(kind: type[Tensor], arguments: tuple[Any, ...], options: dict[str, Any]) -> Tensor:
    """What calling `Tensor` or a class of somebody's own that is one gives."""
    dtype = arguments[0].dtype if arguments and isinstance(arguments[0], Tensor) else get_default_dtype()
    found = made(dtype, arguments, options)
    found.__class__ = kind
    return found


class TensorType(type):
    """The type of such classes: calling one makes a `Tensor`, and tensors of its format are its instances."""

    dtype: DType
    is_cuda = False

    def __call__(cls, *arguments: Any, **options: Any) -> Tensor:
        return made(cls.dtype, arguments, options)

    def __instancecheck__(cls, instance: object) -> bool:
        return isinstance(instance, Tensor) and instance.dtype is cls.dtype and instance.device is not META


def _named(dtype: DType) -> TensorType:
    name = f"{scalar_name(dtype)}Tensor"
    told = f"Tensors of format {dtype.name}: `{name}(2, 3)` has any contents, `{name}([1, 2])` these."
    return TensorType(name, (), {"dtype": dtype, "__doc__": told, "__module__": "curta"})


BFloat16Tensor = _named(dtypes.bfloat16)
BoolTensor = _named(dtypes.bool_)
ByteTensor = _named(dtypes.uint8)
CharTensor = _named(dtypes.int8)
DoubleTensor = _named(dtypes.float64)
FloatTensor = _named(dtypes.float32)
HalfTensor = _named(dtypes.float16)
IntTensor = _named(dtypes.int32)
LongTensor = _named(dtypes.int64)
ShortTensor = _named(dtypes.int16)

_NAMED = {f"{scalar_name(dtype)}Tensor": dtype for dtype in dtypes.ALL}


def type_name(tensor: Tensor) -> str:
    """`torch.FloatTensor` and the like: PyTorch's words, which programs compare with."""
    return f"torch.{'meta.' if tensor.is_meta else ''}{scalar_name(tensor.dtype)}Tensor"


def as_type(tensor: Tensor, kind: Any, non_blocking: bool) -> Tensor:
    """A tensor in the format that a dtype, one of these classes, or its name says."""
    if isinstance(kind, DType):
        return tensor.to(kind, non_blocking=non_blocking)
    if isinstance(kind, type):
        if isinstance(kind, TensorType) or issubclass(kind, Tensor):
            return tensor.to(kind.dtype if isinstance(kind, TensorType) else get_default_dtype())
        raise ArgumentError(f"invalid type: '{kind.__name__}'")
    if not isinstance(kind, str):
        raise ArgumentTypeError("dtype must be a type, str, or dtype object")
    package, _, rest = kind.partition(".")
    device, _, name = rest.rpartition(".")
    dtype = get_default_dtype() if name == "Tensor" else _NAMED.get(name)
    if package not in ("torch", "curta") or dtype is None or device not in ("", "cuda"):
        raise ArgumentError(f"invalid type: '{kind}'")
    return tensor.to(dtype) if not device else tensor.to(dtype=dtype, device=device)


def set_default_tensor_type(t: TensorType | str) -> None:
    """Make the format of a class, or of its name, the default one; warns that `set_default_dtype` is to be used.

    >>> import curta, warnings
    >>> warnings.simplefilter("ignore")
    >>> curta.set_default_tensor_type(curta.FloatTensor)
    """
    warnings.warn(
        "set_default_tensor_type() is deprecated as of PyTorch 2.1, please use set_default_dtype() and "
        "set_default_device() as alternatives.",
        CurtaWarning,
        stacklevel=2,
    )
    dtype = _NAMED.get(t.rpartition(".")[2]) if isinstance(t, str) else getattr(t, "dtype", None)
    if isinstance(t, DType) or not isinstance(dtype, DType):
        raise ArgumentTypeError("invalid type object: only floating-point types are supported as the default type")
    set_default_dtype(dtype)


def typename(obj: Any) -> str:
    """The name of an object's type, with its module; of a tensor that of its format.

    >>> import curta
    >>> curta.typename(curta.ones(1)), curta.typename(3)
    ('torch.FloatTensor', 'int')
    """
    if isinstance(obj, Tensor):
        return type_name(obj)
    name = getattr(obj, "__qualname__", None) or getattr(obj, "__name__", None)
    module = getattr(obj, "__module__", None) if name else type(obj).__module__
    name = name or type(obj).__qualname__
    return name if module in (None, "builtins", "__builtin__") else f"{module}.{name}"
