"""Where results go that a caller has a tensor for: `out=`, and tensors that are given other sizes."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any

from curta import shapes
from curta.autograd.state import STATE
from curta.dtypes import DType
from curta.errors import ArgumentTypeError, AutogradError, DTypeError, MappingError, ShapeError, UnsupportedError
from curta.functions.inplace import check_cast, check_no_overlap, copy_, overlap, scalar_name
from curta.functions.movement import sizes
from curta.memory.changes import CHANGES
from curta.memory.formats import channel_order
from curta.memory.layout import Layout, contiguous
from curta.memory.storage import Storage, TracedStorage, allocate
from curta.return_types import Named, named
from curta.tensor import Tensor


def check_rebinding(name: str, input: Tensor) -> None:
    """An error where a tensor cannot look at other memory, or at its own in another way.

    A compiled function does so only with what it made itself: the caller's tensors are not its own.
    """
    if input.batch is not None:
        raise MappingError(f"vmap: {name} of a mapped tensor is not supported: use the form without an underscore")
    if STATE.recorder is not None:
        storage = input.storage
        made_here = isinstance(storage, TracedStorage) and getattr(storage.buffer, "kind", "internal") == "internal"
        if not made_here:
            STATE.recorder.refuse_rebinding()


def rebind(input: Tensor, storage: Storage | None, layout: Layout, offset: int) -> Tensor:
    """Let a tensor look at other memory, and give it; counts as a write, which nodes that saved the tensor must see."""
    before = input.storage
    if storage is not None and storage.version >= 0:
        storage.version = max(storage.version, 0 if before is None else before.version) + 1
    input.storage, input.layout, input.offset = storage, layout, offset
    if storage is not None:
        input.pointer = storage.address + offset * layout.dtype.itemsize
    CHANGES.note()
    return input


def resized(name: str, input: Tensor, shape: shapes.Shape) -> Tensor:
    """A tensor with another shape, in row-major order from where it begins; its memory grows where it must."""
    if input.layout.shape == shape:
        return input
    check_rebinding(name, input)
    if input._requires_grad:
        raise AutogradError("cannot resize variables that require grad")
    dtype, device, storage = input.layout.dtype, input.layout.device, input.storage
    if storage is None:
        raise UnsupportedError(f"{name}(): a tensor that is being traced cannot be resized")
    layout = contiguous(shape, dtype, device)
    needed = (input.offset + layout.numel) * dtype.itemsize if layout.numel else 0
    if needed > storage.nbytes:
        grown = allocate(needed, device)
        held = contiguous((storage.nbytes // dtype.itemsize,), dtype, device)
        if held.numel:
            copy_(Tensor._make(grown, held, 0), Tensor._make(storage, held, 0))
        storage = grown
    return rebind(input, storage, layout, input.offset)


def resize_(input: Tensor, *shape: Any, memory_format: Any = None) -> Tensor:
    """Give a tensor another shape in place, from where it begins in its memory; new elements are undefined.

    Where that is too small it moves to a memory of its own, and no longer shares what other tensors look at.

    >>> import curta
    >>> curta.arange(4).resize_(2, 1).tolist()
    [[0], [1]]
    """
    wanted = sizes("resize_", shape)
    if channel_order("resize_", memory_format, len(wanted)) is not None:
        raise UnsupportedError(f"resize_(): memory_format={memory_format} is not supported")
    if any(size < 0 for size in wanted):
        raise ShapeError(f"Trying to create tensor with negative dimension {min(wanted)}: {list(wanted)}")
    return resized("resize_", input, wanted)


def resize_as_(input: Tensor, the_template: Tensor, *, memory_format: Any = None) -> Tensor:
    """`resize_` to the shape of another tensor."""
    return resize_(input, the_template.layout.shape, memory_format=memory_format)


def _check_apart(out: Tensor, inputs: tuple[Tensor, ...]) -> None:
    """An error for an `out` that shares memory with an operand, or with itself."""
    check_no_overlap(out)
    if any(overlap(out, one) in ("partial", "full") for one in inputs):
        raise ShapeError(
            "unsupported operation: some elements of the input tensor and the written-to tensor refer to a single "
            "memory location. Please clone() the tensor before performing the operation."
        )


#: what is said of an `out` in another format than the result's, if nothing else
EXACT = "Expected out tensor to have dtype {made_type}, but got {given_type} instead"
_OTHER_SCALAR = "{name}: Expected out tensor to have scalar type {made} but got scalar type {given}"
#: what PyTorch calls the formats there: by the names of C++
C_TYPES = {
    "bool": "bool", "uint8": "unsigned char", "uint16": "unsigned short", "uint32": "unsigned int",
    "uint64": "unsigned long", "int8": "signed char", "int16": "short int", "int32": "int", "int64": "long int",
    "float16": "c10::Half", "bfloat16": "c10::BFloat16", "float32": "float", "float64": "double",
}  # fmt: skip


def check_format(name: str, made: DType, out: Any, words: str = EXACT) -> None:
    """DTypeError, in PyTorch's `words` of the function, for an `out` in another format than the result's."""
    if isinstance(out, Tensor) and out.layout.dtype is not made:
        given = out.layout.dtype
        raise DTypeError(
            words.format(
                name=name,
                made=scalar_name(made),
                given=scalar_name(given),
                made_type=C_TYPES[made.name],
                given_type=C_TYPES[given.name],
            )
        )


def into_all(
    name: str,
    out: Any,
    made: Sequence[Tensor],
    words: Sequence[str] = (EXACT, EXACT),
    inputs: tuple[Tensor, ...] = (),
) -> Named:
    """Results written to as many tensors of a caller, in the named type of the function; see `into`."""
    if not isinstance(out, (tuple, list)):
        raise ArgumentTypeError(f"{name}(): argument 'out' must be tuple of Tensors, not {type(out).__name__}")
    if len(out) != len(made):
        raise ArgumentTypeError(f"expected tuple of {len(made)} elements but got {len(out)}")
    for one, target, said in zip(made, out, words, strict=True):
        check_format(name, one.layout.dtype, target, said)
    return named(name, [into(name, to, one, inputs=inputs) for one, to in zip(made, out, strict=True)], out)


def into(name: str, out: Any, made: Tensor, exact: bool | str = False, inputs: tuple[Tensor, ...] = ()) -> Tensor:
    """`made` written to the `out` of a caller, which takes its shape; `exact` asks for its format, in these words."""
    if not isinstance(out, Tensor):
        raise ArgumentTypeError(f"{name}(): argument 'out' must be Tensor, not {type(out).__name__}")
    if STATE.grad_enabled and (out._requires_grad or made._requires_grad):
        raise AutogradError(
            f"{name}(): functions with out=... arguments don't support automatic differentiation, but one of the "
            "arguments requires grad."
        )
    if exact:
        check_format(name, made.layout.dtype, out, exact if isinstance(exact, str) else _OTHER_SCALAR)
    check_cast(made.layout.dtype, out.layout.dtype)
    _check_apart(out, inputs)
    if out.layout.shape != made.layout.shape:
        if out.layout.numel:
            warnings.warn(
                "An output with one or more elements was resized since it had shape "
                f"{list(out.layout.shape)}, which does not match the required output shape "
                f"{list(made.layout.shape)}. This behavior is deprecated, and in a future PyTorch release outputs will "
                "not be resized unless they have zero elements.",
                stacklevel=4,
            )
        resized("resize_", out, made.layout.shape)
    _check_apart(out, inputs)
    return copy_(out, made)
