"""Writing into tensors that exist: fills, copies and the in-place forms of operators."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from curta import shapes
from curta.autograd.node import Node
from curta.autograd.state import STATE
from curta.batching.values import alongside, kept_before
from curta.compiler.graph import GraphNumber
from curta.dtypes import DType, bool_
from curta.errors import ArgumentTypeError, AutogradError, DTypeError, ShapeError, kind_of
from curta.memory.changes import CHANGES
from curta.methods import late
from curta.ops.creation import FULL
from curta.ops.dispatch import bind_into
from curta.ops.elementwise import ADD, COPY, DIV, MUL, SUB
from curta.ops.inplace import OVERWRITE
from curta.ops.movement import AS_STRIDED
from curta.ops.record import Op
from curta.promotion import can_cast, number_for, result_type, scalar_dtype
from curta.tensor import Tensor

_SCALAR_NAMES = {
    "bool": "Bool", "uint8": "Byte", "int8": "Char", "int16": "Short", "int32": "Int", "int64": "Long",
    "float16": "Half", "bfloat16": "BFloat16", "float32": "Float", "float64": "Double",
    "uint16": "UInt16", "uint32": "UInt32", "uint64": "UInt64",
}  # fmt: skip


def scalar_name(dtype: DType) -> str:
    """The name PyTorch's messages have for a format."""
    return _SCALAR_NAMES[dtype.name]


def check_writable(target: Tensor) -> None:
    """AutogradError where autograd forbids a write: leaves that want a gradient, views of them, inference tensors."""
    if target.storage is not None and target.storage.version < 0 and not STATE.inference:
        raise AutogradError(
            "Inplace update to inference tensor outside InferenceMode is not allowed. You can make a clone to get a "
            "normal tensor before doing inplace update."
        )
    if not STATE.grad_enabled:
        return
    if target._requires_grad and target.grad_fn is None:
        raise AutogradError("a leaf Variable that requires grad is being used in an in-place operation.")
    base = target.base
    if base is not None and base._requires_grad and base.grad_fn is None:
        raise AutogradError("a view of a leaf Variable that requires grad is being used in an in-place operation.")


def check_no_overlap(target: Tensor) -> None:
    """ShapeError where several elements of `target` are one place in memory."""
    layout = target.layout
    if not layout.is_contiguous and shapes.has_internal_overlap(layout.shape, layout.strides):
        raise ShapeError(
            "unsupported operation: more than one element of the written-to tensor refers to a single memory location. "
            "Please clone() the tensor before performing the operation."
        )


def overlap(target: Tensor, source: Any) -> str:
    """How `source` shares memory with `target`: see `shapes.memory_overlap`."""
    if not isinstance(source, Tensor) or source.storage is not target.storage or source.storage is None:
        return "none"
    first, second = target.layout, source.layout
    if first is second and target.offset == source.offset:
        return "full"
    return shapes.memory_overlap(
        (first.shape, first.strides, target.offset), (second.shape, second.strides, source.offset)
    )


def _check_shape(target: Tensor, shape: shapes.Shape) -> None:
    if shape != target.layout.shape:
        raise ShapeError(
            f"output with shape {list(target.layout.shape)} doesn't match the broadcast shape {list(shape)}"
        )


def _needs_history(target: Tensor, *others: Any) -> bool:
    if not STATE.grad_enabled:
        return False
    base = target.base
    return (
        target._requires_grad
        or (base is not None and base._requires_grad)
        or any(isinstance(other, Tensor) and other._requires_grad for other in others)
    )


def store(target: Tensor, result: Tensor) -> Tensor:
    """Write `result` (of the same shape, computed apart) over `target` and let gradients follow; gives `target`."""
    check_writable(target)
    check_no_overlap(target)
    wants = _needs_history(target, result) and target.layout.dtype.is_floating_point
    if wants and result.layout.dtype is not target.layout.dtype:
        result = result.to(target.layout.dtype)
    bind_into(COPY, (result.same(),), (target,))
    if not wants:
        return target
    base = target.base
    if base is None or not (base._requires_grad or result._requires_grad):
        target.grad_fn, target.output_index = _history(result)
        target._requires_grad = result._requires_grad
        target.generation += 1
        CHANGES.note()
    else:
        _rebase(target, base, result)
    return target


def _history(result: Tensor) -> tuple[Any, int]:
    return result.grad_fn, result.output_index


def _rebase(view: Tensor, base: Tensor, result: Tensor) -> None:
    """PyTorch's CopySlices: the base gets a node that lets gradients past the region, and takes the region's to the
    result; the view's own history starts again from the base."""
    layout = view.layout
    params = {"size": layout.shape, "stride": layout.strides, "distance": view.offset - base.offset}
    rule = OVERWRITE.vjp
    old = base.same()
    old.grad_fn, old.output_index, old._requires_grad = base.grad_fn, base.output_index, base._requires_grad
    node = Node(OVERWRITE, (old, result), (base.same(),), params, rule)
    base.grad_fn, base.output_index, base._requires_grad = node, 0, True
    base.generation += 1
    CHANGES.note()
    refresh(view)


def refresh(view: Tensor) -> None:
    """Give a view of a base that was written to since a history from the base as it is now."""
    base = view.base
    if base is None:
        return
    view.generation = base.generation
    layout = view.layout
    params = {"size": layout.shape, "stride": layout.strides, "distance": view.offset - base.offset}
    view.grad_fn = Node(AS_STRIDED, (base,), (view.same(),), params, AS_STRIDED.vjp)
    view.output_index = 0
    view._requires_grad = True


# copies and fills


def copy_(input: Tensor, src: Any, non_blocking: bool = False) -> Tensor:
    """Copy `src` (broadcast, converted) into the tensor."""
    if isinstance(src, (bool, int, float)):
        return fill_(input, src)
    if not isinstance(src, Tensor):
        raise ArgumentTypeError(f"copy_(): argument 'src' (position 1) must be Tensor, not {kind_of(src)}")
    source = src
    if src.layout.shape != input.layout.shape:
        source = _expanded(src, input)
    if _needs_history(input, source) or overlap(input, source) in ("partial", "maybe"):
        check_writable(input)
        return store(input, source.clone() if source.storage is input.storage or source is src else source)
    check_writable(input)
    check_no_overlap(input)
    bind_into(COPY, (source,), (input,))
    return input


def _expanded(src: Tensor, target: Tensor) -> Tensor:
    lead = src.layout.rank - target.layout.rank
    if lead > 0 and all(size == 1 for size in src.layout.shape[:lead]):
        src = src.reshape(src.layout.shape[lead:])
    _check_shape_of_copy(src, target)
    return src.expand(target.layout.shape)


def _check_shape_of_copy(src: Tensor, target: Tensor) -> None:
    if shapes.broadcast_shapes(target.layout.shape, src.layout.shape) != target.layout.shape:
        raise ShapeError(
            f"output with shape {list(target.layout.shape)} doesn't match the broadcast shape "
            f"{list(shapes.broadcast_shapes(target.layout.shape, src.layout.shape))}"
        )


def fill_(input: Tensor, value: Any) -> Tensor:
    """Set every element to one number."""
    if isinstance(value, Tensor):
        if value.layout.rank:
            raise ShapeError(
                f"fill_ only supports 0-dimension value tensor but got tensor with {value.layout.rank} dimensions."
            )
        if value._requires_grad:
            return copy_(input, value)
        value = value.item()
    layout = input.layout
    if _needs_history(input):
        fresh = late.functions.full(layout.shape, value, dtype=layout.dtype, device=layout.device)
        if input._requires_grad and input.base is None:  # it wants a gradient still, which is 0
            check_writable(input)
            everywhere = late.functions.full((), True, dtype=bool_, device=layout.device)
            fresh = late.functions.where(everywhere, fresh, previous(input))
        return store(input, fresh)
    check_writable(input)
    check_no_overlap(input)
    bind_into(
        FULL, (number_for(value, layout.dtype),), (input,), shape=layout.shape, dtype=layout.dtype, device=layout.device
    )
    return input


def fill(input: Tensor, value: Any) -> Tensor:
    """A copy of a tensor's form with every element set to one number.

    >>> import curta
    >>> curta.fill(curta.zeros(2), 3)
    tensor([3., 3.])
    """
    return fill_(alongside(input, value), value)


def zero_(input: Tensor) -> Tensor:
    """Set every element to 0."""
    return fill_(input, 0)


# arithmetic


def _fast(op: Op, input: Tensor, other: Any) -> bool:
    """Write `input op other` over `input` in one pass, where nothing stands in the way."""
    if _needs_history(input, other):
        return False
    layout = input.layout
    if isinstance(other, Tensor):
        if other.layout is not layout:
            if not other.layout.shape or other.layout.shape == layout.shape:
                pass
            elif shapes.broadcast_shapes(layout.shape, other.layout.shape) != layout.shape:
                return False
        if other.storage is input.storage and overlap(input, other) not in ("none", "full"):
            return False
    elif type(other) not in (int, float, bool, GraphNumber):
        return False
    check_no_overlap(input)
    bind_into(op, (input, other), (input,))
    return True


def _check_cast(input: Tensor, other: Any, divides: bool = False) -> None:
    """DTypeError where the result cannot be stored in the tensor's own format."""
    dtype = input.layout.dtype
    if isinstance(other, Tensor):
        kind = result_type((dtype, input.layout.rank), (other.layout.dtype, other.layout.rank))
    elif isinstance(other, (bool, int, float)):
        kind = result_type((dtype, input.layout.rank), (scalar_dtype(other), None))
    else:
        return
    if divides and not kind.is_floating_point:
        from curta.default_dtype import get_default_dtype

        kind = get_default_dtype()
    check_cast(kind, dtype)


def check_cast(source: DType, target: DType) -> None:
    """DTypeError where a result of `source` may not be stored as `target`."""
    if not can_cast(source, target):
        raise DTypeError(
            f"result type {scalar_name(source)} can't be cast to the desired output type {scalar_name(target)}"
        )


def apply_(input: Tensor, result: Tensor) -> Tensor:
    """Store what the out-of-place form of an operator gave, after the checks that its in-place form makes."""
    check_cast(result.layout.dtype, input.layout.dtype)
    _check_shape(input, result.layout.shape)
    return store(input, result)


def _binary(name: str, op: Op, input: Tensor, other: Any, **options: Any) -> Tensor:
    _check_cast(input, other, divides=op is DIV and not options)
    check_writable(input)
    if not options and _fast(op, input, other):
        return input
    if overlap(input, other) == "partial":
        raise ShapeError(
            "unsupported operation: some elements of the input tensor and the written-to tensor refer to a single "
            "memory location. Please clone() the tensor before performing the operation."
        )
    old = previous(input)
    return apply_(input, _preserved(getattr(late.functions, name)(old, other, **options), old))


def previous(input: Tensor, contents: Tensor | None = None) -> Tensor:
    """The tensor as it is before a write: what the operator's node saves and leads back from.

    `contents` takes the place of the tensor's own memory.
    """
    old = kept_before(input) if contents is None else contents
    if input._requires_grad:
        from curta.autograd.node import edge_of

        edge = edge_of(input)
        old._requires_grad = True
        old.grad_fn, old.output_index = (None, 0) if edge is None else edge
    return old


def _preserved(result: Tensor, old: Tensor) -> Tensor:
    """`result`, whose node keeps a copy of `old` if it saved that: the write would change it (as PyTorch)."""
    if result.grad_fn is not None:
        result.grad_fn.replace_input(old, lambda: previous(old, late.functions.clone(old.same())))
    return result


def add_(input: Tensor, other: Any, *, alpha: Any = 1) -> Tensor:
    """Add `alpha * other` in place."""
    return _binary("add", ADD, input, other, **({} if alpha == 1 else {"alpha": alpha}))


def sub_(input: Tensor, other: Any, *, alpha: Any = 1) -> Tensor:
    """Subtract `alpha * other` in place."""
    return _binary("sub", SUB, input, other, **({} if alpha == 1 else {"alpha": alpha}))


def mul_(input: Tensor, other: Any) -> Tensor:
    """Multiply in place."""
    return _binary("mul", MUL, input, other)


def div_(input: Tensor, other: Any, *, rounding_mode: str | None = None) -> Tensor:
    """Divide in place."""
    return _binary("div", DIV, input, other, **({} if rounding_mode is None else {"rounding_mode": rounding_mode}))


def rewritten(input: Tensor, compute: Callable[[Tensor], Tensor]) -> Tensor:
    """The in-place form of a function of one tensor."""
    check_writable(input)
    old = previous(input)
    return apply_(input, _preserved(compute(old), old))


def in_place(name: str, input: Tensor, *arguments: Any, **options: Any) -> Tensor:
    """The in-place form of function `name`."""
    return rewritten(input, lambda old: getattr(late.functions, name)(old, *arguments, **options))
