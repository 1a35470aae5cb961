"""Functions that make tensors: from data, filled, counted."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from curta import dtypes, host
from curta.batching.values import alongside
from curta.default_dtype import get_default_dtype
from curta.device import META, Device, resolve
from curta.dtypes import DType, asked
from curta.errors import (
    ArgumentError,
    ArgumentTypeError,
    AutogradError,
    ShapeError,
    UnsupportedDTypeError,
    UnsupportedError,
    kind_of,
)
from curta.functions.exchange import from_dlpack
from curta.functions.movement import sizes
from curta.functions.operands import operand
from curta.functions.outputs import into, resized
from curta.lazy import LazyModule
from curta.memory import formats
from curta.memory.layout import Layout, contiguous, strided
from curta.memory.living import LEAVES
from curta.memory.storage import allocate
from curta.nested import array_of, is_foreign
from curta.ops.creation import ARANGE, EYE, FULL, LINSPACE
from curta.ops.dispatch import bind
from curta.promotion import number_for, scalar_dtype
from curta.shapes import contiguous_strides, elementwise_strides, storage_extent
from curta.tensor import Tensor

if TYPE_CHECKING:
    import numpy as np
else:
    np = LazyModule("numpy")

DeviceLike = Device | str | None


def finish(made: Tensor, requires_grad: bool) -> Tensor:
    """`made` as a leaf, wanting a gradient or not."""
    if requires_grad:
        if not made.layout.dtype.is_floating_point:
            raise AutogradError("Only Tensors of floating point and complex dtype can require gradients")
        made._requires_grad = True
        LEAVES.add(made)
    return made


def checked_options(name: str, layout: Any, pin_memory: bool) -> None:
    """Refuses what PyTorch takes and Curta has not: other layouts, pinned memory."""
    if layout is not None and str(layout) not in ("torch.strided", "curta.strided"):
        raise UnsupportedError(f"{name}(): layout={layout} is not supported: only strided tensors")
    if pin_memory:
        raise UnsupportedError(f"{name}(): pin_memory=True is not supported: there is no device to copy to")


def checked_shape(name: str, shape: tuple[Any, ...]) -> tuple[int, ...]:
    """The sizes of a new tensor; ShapeError for a negative one."""
    found = sizes(name, shape)
    if found and min(found) < 0:
        raise ShapeError(f"Trying to create tensor with negative dimension {min(found)}: {list(found)}")
    return found


# from data


def tensor(
    data: Any, *, dtype: DType | None = None, device: DeviceLike = None, requires_grad: bool = False,
    pin_memory: bool = False,
) -> Tensor:  # fmt: skip
    """A new tensor with a copy of `data`: a number, nested sequences of numbers, a tensor, any framework's array.

    >>> import curta
    >>> curta.tensor([[1, 2], [3, 4]], dtype=curta.float32)
    tensor([[1., 2.],
            [3., 4.]])
    """
    checked_options("tensor", None, pin_memory)
    dtype = asked(dtype, "tensor")
    target = resolve(device)
    if is_foreign(data):
        data = from_dlpack(data)
    if isinstance(data, Tensor):
        data = data.detach()
        made = _without_data(data.layout, dtype) if target is META else data.clone().to(dtype=dtype, device=target)
        return finish(made, requires_grad)
    values = array_of(data, dtype)
    if target is META:
        kind = dtypes.from_numpy(values.dtype)
        return finish(_without_data(contiguous(values.shape, kind), dtype), requires_grad)
    return finish(host.tensor_from(values, dtype), requires_grad)


def _without_data(like: Layout, dtype: DType | None) -> Tensor:
    """A tensor on the meta device of this layout, in format `dtype` if one is named."""
    return empty_of(strided(like.shape, elementwise_strides(like.shape, like.strides), dtype or like.dtype, META))


def as_tensor(data: Any, dtype: DType | None = None, device: DeviceLike = None) -> Tensor:
    """`data` as a tensor, sharing memory where it is a tensor or an array of the right format already.

    The array may be any framework's that speaks DLPack.
    """
    dtype = asked(dtype, "as_tensor")
    if isinstance(data, np.ndarray):
        data = from_numpy(data)
    elif is_foreign(data):
        data = from_dlpack(data)
    target = resolve(device)
    if isinstance(data, Tensor) and (target is not META or data.layout.device is META):
        return data.to(dtype=dtype, device=target)
    return tensor(data, dtype=dtype, device=target)


def _shares(made: Tensor, source: Any) -> bool:
    if isinstance(source, Tensor):
        return made.storage is source.storage
    return isinstance(source, np.ndarray) and getattr(made.storage, "owner", None) is source


#: how the buffer protocol calls bytes that may be anything
_BYTES = ("B", "b", "c")


def _buffer(obj: Any, dtype: DType | None) -> Any:
    """What speaks Python's buffer protocol as an array over its memory; anything else as it is."""
    if isinstance(obj, (Tensor, np.ndarray, np.generic)):
        return obj
    try:
        view = memoryview(obj)
    except TypeError:
        return obj
    found = np.asarray(view)
    if dtype is None or view.format not in _BYTES:
        return found
    if view.nbytes % dtype.itemsize:
        raise ArgumentError(
            f"asarray(): {view.nbytes} bytes of a {type(obj).__name__} are no whole number of elements of {dtype}, "
            f"which take {dtype.itemsize} each"
        )
    return found.reshape(-1).view(dtype.numpy)


def asarray(
    obj: Any, *, dtype: DType | None = None, device: DeviceLike = None, copy: bool | None = None,
    requires_grad: bool | None = None,
) -> Tensor:  # fmt: skip
    """`as_tensor`, or a copy when `copy` says so; with `copy=False` ArgumentError for what cannot share its memory.

    What is made of a tensor keeps its history, copies too, unless `requires_grad` is False. Memory with Python's buffer
    protocol is shared too: as what it says that it holds, plain bytes as a vector of `dtype`.

    >>> import curta
    >>> curta.asarray(curta.ones(1, requires_grad=True), copy=True)
    tensor([1.], grad_fn=<CopyBackward0>)
    >>> curta.asarray(bytearray(b"\\1\\0\\2\\0"), dtype=curta.int16)
    tensor([1, 2], dtype=curta.int16)
    """
    dtype = asked(dtype, "asarray")
    if is_foreign(obj):
        obj, copy = from_dlpack(obj, copy=copy), None if copy else copy
    obj = _buffer(obj, dtype)
    make = tensor if copy and not isinstance(obj, Tensor) else as_tensor
    made = make(obj, dtype=dtype, device=device)
    if copy and isinstance(obj, Tensor) and made.storage is obj.storage:
        made = made.clone()
    if copy is False and not _shares(made, obj):
        kind = type(obj).__name__
        raise ArgumentError(f"asarray(): a {kind} cannot share memory with {made.layout!r}: use copy=None")
    if requires_grad:
        return finish(made, True)
    return made.detach() if requires_grad is False and made.requires_grad else made


def from_numpy(array: Any) -> Tensor:
    """A tensor that shares an array's memory; a read-only array is copied, since a tensor can be written to.

    ArgumentTypeError for what is no array and for formats that Curta does not have, ArgumentError for negative strides
    and for another byte order.

    >>> import curta, numpy
    >>> a = numpy.zeros(2); t = curta.from_numpy(a); t[0] = 5.0; a.tolist()
    [5.0, 0.0]
    """
    made = host.share(array)
    return made if array.flags.writeable else made.clone()


# filled


def full(
    size: Any, fill_value: Any, *, out: Any = None, dtype: DType | None = None, layout: Any = None,
    device: DeviceLike = None, pin_memory: bool = False, requires_grad: bool = False, names: Any = None,
) -> Tensor:  # fmt: skip
    """A tensor filled with one number, in the number's own format unless `dtype` names another.

    >>> import curta
    >>> curta.full((2,), 7)
    tensor([7, 7])
    """
    checked_options("full", layout, pin_memory)
    if names is not None:
        raise UnsupportedError("full(): the argument 'names' is not supported")
    if isinstance(fill_value, Tensor):
        fill_value = fill_value.item()
    if type(fill_value) not in (bool, int, float) and isinstance(fill_value, np.generic):
        fill_value = operand("full", fill_value, "fill_value")
    dtype = asked(dtype, "full")
    kind = dtype or scalar_dtype(fill_value)
    shape = checked_shape("full", (size,))
    if out is not None:
        return written(out, shape, dtype, fill_value)
    made = bind(FULL, (number_for(fill_value, kind),), shape=shape, dtype=kind, device=resolve(device))
    return finish(made, requires_grad)


def written(out: Tensor, shape: tuple[int, ...], dtype: DType | None, value: float) -> Tensor:
    """`out` filled with a number, after a check that it has the shape and format asked for."""
    if dtype is not None and dtype is not out.layout.dtype:
        raise ShapeError(f"dtype {dtype} does not match dtype of out parameter ({out.layout.dtype})")
    return resized("resize_", out, shape).fill_(value)


def _filled(name: str, size: Any, value: int, options: dict[str, Any]) -> Tensor:
    if not options:
        kind, shape = get_default_dtype(), checked_shape(name, size if isinstance(size, tuple) else (size,))
        return bind(FULL, (float(value),), shape=shape, dtype=kind, device=resolve(None))
    size = options.pop("size", None) if not size and "size" in options else size
    out, dtype = options.pop("out", None), asked(options.pop("dtype", None), name)
    layout, device = options.pop("layout", None), options.pop("device", None)
    pin_memory, requires_grad = options.pop("pin_memory", False), options.pop("requires_grad", False)
    if options.pop("names", None) is not None:
        raise UnsupportedError(f"{name}(): the argument 'names' is not supported")
    if options:
        raise ArgumentTypeError(f"{name}() got an unexpected keyword argument '{next(iter(options))}'")
    checked_options(name, layout, pin_memory)
    shape = checked_shape(name, size if isinstance(size, tuple) else (size,))
    if out is not None:
        return written(out, shape, dtype, value)
    kind = dtype or get_default_dtype()
    return finish(
        bind(FULL, (number_for(value, kind),), shape=shape, dtype=kind, device=resolve(device)), requires_grad
    )


def zeros(*size: Any, **options: Any) -> Tensor:
    """Zeros, in the default floating-point format. Options: out, dtype, layout, device, requires_grad.

    >>> import curta
    >>> curta.zeros(2, 2)
    tensor([[0., 0.],
            [0., 0.]])
    """
    return _filled("zeros", size, 0, options)


def ones(*size: Any, **options: Any) -> Tensor:
    """Ones, in the default floating-point format. Options: out, dtype, layout, device, requires_grad."""
    return _filled("ones", size, 1, options)


def empty(
    *size: Any, out: Any = None, dtype: DType | None = None, layout: Any = None, device: DeviceLike = None,
    requires_grad: bool = False, pin_memory: bool = False, memory_format: Any = None,
) -> Tensor:  # fmt: skip
    """A tensor whose contents are whatever the memory held."""
    checked_options("empty", layout, pin_memory)
    shape = checked_shape("empty", size)
    if out is not None:
        return resized("resize_", out, shape)
    strides = ordered_strides("empty", shape, memory_format)
    kind = asked(dtype, "empty") or get_default_dtype()
    return finish(empty_of(strided(shape, strides, kind, resolve(device))), requires_grad)


def empty_of(layout: Layout) -> Tensor:
    """A tensor of this very layout, contents undefined."""
    extent = layout.numel
    return Tensor._make(allocate(extent * layout.dtype.itemsize, layout.device), layout, 0)


def empty_strided(
    size: Any, stride: Any, *, dtype: DType | None = None, layout: Any = None, device: DeviceLike = None,
    requires_grad: bool = False, pin_memory: bool = False,
) -> Tensor:  # fmt: skip
    """A tensor with these strides (in elements), contents undefined."""
    checked_options("empty_strided", layout, pin_memory)
    shape, steps = checked_shape("empty_strided", (size,)), sizes("empty_strided", (stride,), "stride")
    made = strided(shape, steps, asked(dtype, "empty_strided") or get_default_dtype(), resolve(device))
    storage = allocate(storage_extent(shape, steps) * made.dtype.itemsize, made.device)
    return finish(Tensor._make(storage, made, 0), requires_grad)


# like another


def ordered_strides(name: str, shape: tuple[int, ...], memory_format: Any) -> tuple[int, ...]:
    """The strides of a tensor of this shape in a memory format; ShapeError where its rank has none."""
    order = formats.channel_order(name, memory_format, len(shape))
    if order is None:
        return contiguous_strides(shape)
    steps = contiguous_strides(tuple(shape[dim] for dim in order))
    return tuple(steps[place] for place in formats.inverse(order))


def like_layout(name: str, input: Any, options: dict[str, Any]) -> tuple[Layout, bool]:
    """The layout that `zeros_like` and its relatives make, and whether it wants a gradient."""
    if not isinstance(input, Tensor):
        raise ArgumentTypeError(f"{name}(): argument 'input' (position 1) must be Tensor, not {kind_of(input)}")
    dtype, device = asked(options.pop("dtype", None), name), options.pop("device", None)
    requires_grad, memory_format = options.pop("requires_grad", False), options.pop("memory_format", None)
    checked_options(name, options.pop("layout", None), options.pop("pin_memory", False))
    if options:
        raise ArgumentTypeError(f"{name}() got an unexpected keyword argument '{next(iter(options))}'")
    source = input.layout
    target = source.device if device is None else resolve(device)
    strides = elementwise_strides(source.shape, source.strides)
    if memory_format is not None and memory_format is not formats.preserve_format:
        strides = ordered_strides(name, source.shape, memory_format)
    return strided(source.shape, strides, dtype or source.dtype, target), requires_grad


def _filled_like(name: str, input: Tensor, number: Any, options: dict[str, Any]) -> Tensor:
    layout, requires_grad = like_layout(name, input, options)
    made = empty_of(layout)
    made.fill_(number)
    return finish(made if input.batch is None else alongside(made, input), requires_grad)


def full_like(input: Tensor, fill_value: Any, **options: Any) -> Tensor:
    """A tensor like `input` (shape, format, order in memory) filled with one number."""
    return _filled_like("full_like", input, fill_value, options)


def zeros_like(input: Tensor, **options: Any) -> Tensor:
    """Zeros like `input`."""
    return _filled_like("zeros_like", input, 0, options)


def ones_like(input: Tensor, **options: Any) -> Tensor:
    """Ones like `input`."""
    return _filled_like("ones_like", input, 1, options)


def empty_like(input: Tensor, **options: Any) -> Tensor:
    """A tensor like `input`, contents undefined."""
    layout, requires_grad = like_layout("empty_like", input, options)
    made = empty_of(layout)
    return finish(made if input.batch is None else alongside(made, input), requires_grad)


# counted


def _plain(name: str, value: Any) -> int | float:
    if isinstance(value, Tensor):
        value = value.item()
    if isinstance(value, (np.integer, np.floating)):
        value = value.item()
    if not isinstance(value, (int, float)):
        raise ArgumentTypeError(f"{name}(): argument must be Number, not {type(value).__name__}")
    return value


def arange(
    start: Any, end: Any = None, step: Any = 1, *, out: Any = None, dtype: DType | None = None, layout: Any = None,
    device: DeviceLike = None, requires_grad: bool = False, pin_memory: bool = False,
) -> Tensor:  # fmt: skip
    """`start`, `start + step`, … before `end`: int64 for integers, else the default floating-point format.

    >>> import curta
    >>> curta.arange(1, 4), curta.arange(0, 1, 0.25)
    (tensor([1, 2, 3]), tensor([0.0000, 0.2500, 0.5000, 0.7500]))
    """
    checked_options("arange", layout, pin_memory)
    if end is None:
        start, end = 0, start
    first, last, by = (_plain("arange", value) for value in (start, end, step))
    whole = all(isinstance(value, int) for value in (first, last, by))
    kind = asked(dtype, "arange") or (dtypes.int64 if whole else get_default_dtype())
    kind = kind if out is None else out.layout.dtype
    if kind is dtypes.bool_:
        raise UnsupportedDTypeError("\"arange\" not implemented for 'bool'")
    if by == 0:
        raise ShapeError("step must be nonzero")
    if not math.isfinite(first) or not math.isfinite(last):
        raise ShapeError(f"unsupported range: {float(first):g} -> {float(last):g}")
    if (by > 0) != (last >= first) and first != last:
        raise ShapeError("upper bound and lower bound inconsistent with step sign")
    length = (last - first) / by
    if not kind.is_floating_point:
        first, last, by = int(first), int(last), int(by)
    if kind is dtypes.int64 and by == 0:
        raise ArgumentError("step must be nonzero")
    # PyTorch counts before it drops the fractions, but for int64
    count = max(0, -((first - last) // by) if whole or kind is dtypes.int64 else math.ceil(length))
    numbers = (number_for(first, kind), number_for(by, kind))
    made: Tensor = bind(ARANGE, numbers, shape=(count,), dtype=kind, device=resolve(device))
    return _into(out, finish(made, requires_grad))


def _into(out: Tensor | None, made: Tensor) -> Tensor:
    return made if out is None else into("out", out, made)


def end_point(name: str, value: Any, kind: DType) -> int | float:
    """The number that `linspace` starts or ends with: for whole formats one of the format's own."""
    if isinstance(value, Tensor) and value.layout.rank:
        raise ShapeError(
            f"{name} only supports 0-dimensional start and end tensors, but got start with {value.layout.rank} "
            "dimension(s)."
        )
    number = _plain(name, value)
    if kind.is_floating_point:
        return number
    return int(number) if kind.is_signed else int(number) % (1 << 8 * kind.itemsize)


def linspace(
    start: Any, end: Any, steps: int, *, out: Any = None, dtype: DType | None = None, layout: Any = None,
    device: DeviceLike = None, requires_grad: bool = False, pin_memory: bool = False,
) -> Tensor:  # fmt: skip
    """`steps` numbers from `start` to `end`, both included.

    >>> import curta
    >>> curta.linspace(0, 1, 3)
    tensor([0.0000, 0.5000, 1.0000])
    """
    checked_options("linspace", layout, pin_memory)
    count = sizes("linspace", (steps,), "steps")[0]
    if count < 0:
        raise ShapeError("number of steps must be non-negative")
    kind = asked(dtype, "linspace") or (get_default_dtype() if out is None else out.layout.dtype)
    first, last = float(end_point("linspace", start, kind)), float(end_point("linspace", end, kind))
    by = (last - first) / (count - 1) if count > 1 else 0.0
    made: Tensor = bind(LINSPACE, (first, last if count > 1 else first, by, count), shape=(count,), dtype=kind,
                        device=resolve(device))  # fmt: skip
    return _into(out, finish(made, requires_grad))


def eye(
    n: int, m: int | None = None, *, out: Any = None, dtype: DType | None = None, layout: Any = None,
    device: DeviceLike = None, requires_grad: bool = False, pin_memory: bool = False,
) -> Tensor:  # fmt: skip
    """Ones on the diagonal of an n x m matrix, zeros elsewhere."""
    checked_options("eye", layout, pin_memory)
    shape = sizes("eye", (n, n if m is None else m), "n")
    for word, size in zip("nm", shape, strict=True):
        if size < 0:
            raise ShapeError(f"{word} must be greater or equal to 0, got {size}")
    kind = asked(dtype, "eye") or get_default_dtype()
    made: Tensor = bind(EYE, (number_for(1, kind),), shape=shape, dtype=kind, device=resolve(device))
    return _into(out, finish(made, requires_grad))
