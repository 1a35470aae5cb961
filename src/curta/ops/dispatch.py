"""`bind`: the one door through which every operator runs.

It infers the results' layouts, charges the books, runs the operator (or adds it to the graph being traced, or on the
meta device does nothing), and remembers it for autograd. What it works out is kept by operator, layouts and
parameters, so that a repeated call costs a dictionary look-up and a launch.
"""

from __future__ import annotations

from typing import Any, Literal

from curta.autograd.node import Node, note_node
from curta.autograd.state import STATE
from curta.compiler.graph import GraphValue, LiveNumber
from curta.default_dtype import ON_CHANGE
from curta.device import CPU, META
from curta.dtypes import uint64
from curta.errors import DeviceError, NoDataError
from curta.memory.layout import Layout, on_processor
from curta.ops.program import Executable, ViewExecutable, executable, view_executable
from curta.ops.record import Composition, Host, Op, Pointwise, View
from curta.promotion import as_int64
from curta.runtime import native
from curta.runtime.native import launcher
from curta.shapes import has_internal_overlap
from curta.tensor import Tensor

_CALLS: dict[Any, Executable] = {}
_LIMIT = 50_000
#: what `bind_out` knows
_DIRECT: dict[Any, Executable | Literal[False]] = {}
ON_CHANGE += [_CALLS.clear, _DIRECT.clear]  # results of integers and Python floats depend on the default format


def bind(op: Op, inputs: tuple[Any, ...], **params: Any) -> Any:
    """Run `op` on tensors and Python numbers; a tensor, or a tuple of them where the operator has several results.

    `params` must be hashable.
    """
    books: tuple[Any, ...] = ()
    if STATE.hooked:
        if STATE.levels and (level := _level_of(inputs)):
            from curta.batching.bind import bind_mapped

            return bind_mapped(level, op, inputs, params)
        if STATE.graph is not None:
            return _trace(op, inputs, params)
        if STATE.recorder is not None:
            return _record(op, inputs, params)
        books = STATE.books
    key: list[Any] = [op]
    pointers: list[Any] = []
    needs_grad = False
    for value in inputs:
        if isinstance(value, Tensor):
            key.append(value.layout)
            pointers.append(value.pointer)
            if value._requires_grad or (value.base is not None and value.requires_grad):
                needs_grad = True
        else:
            key.append(type(value))
            pointers.append(value)
    if params:
        key += native.parameter_key(params)
    signature = tuple(key)
    call = _CALLS.get(signature)
    if call is None:
        call = _prepare(op, inputs, params, signature)
    try:
        result = _accounted(books, call, inputs, pointers) if books else call.run(inputs, pointers)
    except OverflowError as error:
        result = bind(op, _as_int64(inputs, error), **params)
    if needs_grad and STATE.grad_enabled and op.vjp is not None:
        remember(op, inputs, result if call.several else (result,), params)
    return result


def _as_int64(inputs: tuple[Any, ...], error: OverflowError) -> tuple[Any, ...]:
    """What did not fit into int64 beside a tensor of uint64, as the int64 of the same bits; else raises `error`."""
    fits = [type(value) is not int or -(1 << 63) <= value < 1 << 63 for value in inputs]
    unsigned = any(isinstance(value, Tensor) and value.layout.dtype is uint64 for value in inputs)
    if not unsigned or all(fits) or any(type(value) is int and not 0 <= value < 1 << 64 for value in inputs):
        raise error
    return tuple(value if fit else as_int64(value) for value, fit in zip(inputs, fits, strict=True))


def _level_of(inputs: tuple[Any, ...]) -> int:
    from curta.batching.values import level_of

    return level_of(inputs)


def _accounted(books: tuple[Any, ...], call: Executable, inputs: tuple[Any, ...], pointers: list[Any]) -> Any:
    """Run an operator between the two entries of the open accounts."""
    for book in books:
        book.begin(call)
    result = call.run_watched(inputs, pointers)
    for book in books:
        book.charge(call)
    return result


def _record(op: Op, inputs: tuple[Any, ...], params: dict[str, Any]) -> Any:
    """`bind` while a program is recorded: the operator is compiled as ever, but only written down."""
    call = prepared(op, inputs, params)
    viewed = type(call) is ViewExecutable
    if viewed:
        result: Any = call.run(inputs, [])
        STATE.recorder.note_view(call)
    else:
        result = STATE.recorder.add(call, inputs, params)
    if STATE.grad_enabled and op.vjp is not None and any(_wants_grad(value) for value in inputs):
        remember(op, inputs, result if call.several else (result,), params)
    return result


def prepared(
    op: Op, inputs: tuple[Any, ...], params: dict[str, Any], into: tuple[Layout, ...] | None = None
) -> Executable:
    """The compiled form of an operator on these inputs; `into` are the layouts of tensors that it writes to."""
    signature = _signature(op, inputs, params) if into is None else (*_signature(op, inputs, params), "into", *into)
    call = _CALLS.get(signature)
    return _prepare(op, inputs, params, signature, into) if call is None else call


def _signature(op: Op, inputs: tuple[Any, ...], params: dict[str, Any]) -> tuple[Any, ...]:
    return (op, *map(described, inputs), *native.parameter_key(params))


def bind_into(op: Op, inputs: tuple[Any, ...], outputs: tuple[Tensor, ...], **params: Any) -> None:
    """Run `op` and write its results into existing tensors, converting to their formats; counts as an in-place change.

    Autograd is the caller's business.
    """
    books: tuple[Any, ...] = ()
    if STATE.hooked:
        if STATE.levels and (level := _level_of((*inputs, *outputs))):
            from curta.batching.bind import bind_mapped_into

            bind_mapped_into(level, op, inputs, outputs, params)
            return
        if STATE.graph is not None:
            raise DeviceError(f"{op.name}: in-place writes cannot be traced here")
        if STATE.recorder is not None:
            recorded = prepared(op, inputs, params, tuple(out.layout for out in outputs))
            STATE.recorder.add_into(recorded, inputs, outputs, params)
            _count_write(outputs)
            return
        books = STATE.books
    key: list[Any] = [op, "into"]
    pointers: list[Any] = []
    for value in inputs:
        if isinstance(value, Tensor):
            key.append(value.layout)
            pointers.append(value.pointer)
        else:
            key.append(type(value))
            pointers.append(value)
    for out in outputs:
        key.append(out.layout)
    if params:
        key += native.parameter_key(params)
    signature = tuple(key)
    call = _CALLS.get(signature)
    if call is None:
        call = _prepare(op, inputs, params, signature, tuple(out.layout for out in outputs))
    for book in books:
        book.begin(call)
    try:
        if call.simple is not None:
            call.simple(*pointers, *(out.pointer for out in outputs))
        elif call.outputs[0].device is not META:
            call.launch_all(pointers, outputs)
    except OverflowError as error:
        bind_into(op, _as_int64(inputs, error), outputs, **params)
        return
    for book in books:
        book.charge(call)
    _count_write(outputs)


def bind_out(op: Op, inputs: tuple[Any, ...], out: Any, **params: Any) -> bool:
    """Run `op` with its one result in a caller's `out`, if that is what the result would be; else False, nothing done.

    It takes the result's shape, format and device, memory that no input lies in (but where each element is read before
    it is written), one kernel, and nobody who wants a gradient or forbids a write.
    """
    hooked = STATE.hooked
    if hooked and (STATE.levels or STATE.graph is not None or not getattr(STATE.recorder, "eager", True)):
        return False
    if not isinstance(out, Tensor) or out.storage is None or out.storage.version < 0:
        return False
    key: list[Any] = [op, "out", out.layout]
    pointers: list[Any] = []
    wants_grad = out._requires_grad or (out.base is not None and out.requires_grad)
    for value in inputs:
        if isinstance(value, Tensor):
            key.append(value.layout)
            pointers.append(value.pointer)
            if value._requires_grad or (value.base is not None and value.requires_grad):
                wants_grad = True
        elif type(value) in (float, int, bool):
            key.append(type(value))
            pointers.append(value)
        else:
            return False
    if wants_grad and STATE.grad_enabled:
        return False
    if params:
        key += native.parameter_key(params)
    signature = tuple(key)
    call = _DIRECT.get(signature)
    if call is None:
        if len(_DIRECT) >= _LIMIT:
            _DIRECT.clear()
        call = _DIRECT[signature] = _direct(op, inputs, out.layout, params)
    if call is False or not _apart(call, inputs, out):
        return False
    if hooked or call.simple is None:
        bind_into(op, inputs, (out,), **params)
        return True
    try:
        call.simple(*pointers, out.pointer)
    except OverflowError as error:
        bind_into(op, _as_int64(inputs, error), (out,), **params)
        return True
    out.storage.version += 1
    return True


def _direct(op: Op, inputs: tuple[Any, ...], out: Layout, params: dict[str, Any]) -> Executable | Literal[False]:
    """The compiled form of an operator that writes into a tensor of this layout; False where it is not one kernel."""
    operands = tuple(map(described, inputs))
    if isinstance(op.lower, View | Host) or not any(isinstance(one, Layout) for one in operands):
        return False
    _check_devices(op, operands)
    made = op.infer(*operands, **params)
    if isinstance(made, tuple) or (made.shape, made.dtype, made.device) != (out.shape, out.dtype, out.device):
        return False
    # sums over other strides might be cut in another way
    if made is not out and (type(op.lower) is not Pointwise or has_internal_overlap(out.shape, out.strides)):
        return False
    call = there = prepared(op, inputs, params, (out,))
    if out.device is META:  # what is there goes the way that it would go in memory
        here = tuple(on_processor(one) if isinstance(one, Layout) else one for one in operands)
        there = executable(op, here, params, (on_processor(out),))
    return call if len(there.launches) == 1 else False


def _apart(call: Executable, inputs: tuple[Any, ...], out: Tensor) -> bool:
    """Whether no input lies in the memory of `out`, or only in the same places of it, where the kernel bears that."""
    storage: Any = out.storage
    begin, end = storage.address, storage.address + storage.nbytes
    for number, value in enumerate(inputs):
        if not isinstance(value, Tensor):
            continue
        other = value.storage
        if other is storage:
            same = value.layout is out.layout and value.offset == out.offset
            if not same or (number, 0) not in call.in_place:
                return False
        elif other is None or (begin < other.address + other.nbytes and other.address < end and other.address):
            return False
    return True


def _count_write(outputs: tuple[Tensor, ...]) -> None:
    for out in outputs:
        if out.storage is not None and out.storage.version >= 0:  # an inference tensor stays one
            out.storage.version += 1


def remember(op: Op, inputs: tuple[Any, ...], outputs: tuple[Tensor, ...], params: dict[str, Any]) -> None:
    """Make the node of the dynamic graph that leads back from `outputs` to `inputs`."""
    rule = op.vjp
    if rule is None:
        return
    node = Node(op, inputs, outputs, params, rule)
    if STATE.hooked:
        note_node(node)
    for place, output in enumerate(outputs):
        if place not in rule.constant_outputs and output.layout.dtype.is_floating_point:
            output.grad_fn = node
            output.output_index = place
            output._requires_grad = True


def described(value: Any) -> Any:
    """An input as `infer` sees it: a tensor's layout, a number's type."""
    if isinstance(value, Tensor):
        return value.layout
    return value.type if isinstance(value, LiveNumber) else type(value)


def _prepare(
    op: Op, inputs: tuple[Any, ...], params: dict[str, Any], signature: Any, into: tuple[Layout, ...] | None = None
) -> Executable:
    operands = tuple(map(described, inputs))
    _check_devices(op, operands)
    if into is not None and into[0].device is not META:
        _check_data(operands)
    launcher()  # the runtime is made before the first plan
    view = isinstance(op.lower, View)
    call = view_executable(op, operands, params) if view else executable(op, operands, params, into)
    if len(_CALLS) >= _LIMIT:
        _CALLS.clear()
    _CALLS[signature] = call
    return call


def _check_devices(op: Op, described: tuple[Any, ...]) -> None:
    # a number in the host's memory goes with anything; one on the meta device has no value to give
    devices = {str(d.device) for d in described if isinstance(d, Layout) and (d.rank > 0 or d.device is not CPU)}
    if len(devices) > 1:
        first, second, *_ = sorted(devices)
        raise DeviceError(
            f"Expected all tensors to be on the same device, but found at least two devices, {first} and {second}! "
            f"({op.name})"
        )


def _check_data(operands: tuple[Any, ...]) -> None:
    if any(isinstance(one, Layout) and one.device is META for one in operands):
        raise NoDataError("Cannot copy out of meta tensor; no data!")


# tracing


def _trace(op: Op, inputs: tuple[Any, ...], params: dict[str, Any]) -> Any:
    graph = STATE.graph
    if isinstance(op.lower, Composition):
        return op.lower.body(*inputs, **params)
    operands = tuple(_operand(value) for value in inputs)
    node = graph.apply(op, operands, params)
    outputs = tuple(traced(value) for value in node.outputs)
    if STATE.grad_enabled and op.vjp is not None and any(_wants_grad(value) for value in inputs):
        remember(op, inputs, outputs, params)
    return outputs if len(outputs) > 1 else outputs[0]


def _wants_grad(value: Any) -> bool:
    return isinstance(value, Tensor) and value.requires_grad


def _operand(value: Any) -> Any:
    return value.trace if isinstance(value, Tensor) else value


def traced(value: GraphValue) -> Tensor:
    """A tensor without data that stands for a value of the graph."""
    return Tensor._make(None, value.layout, 0, value)


__all__ = ["bind", "bind_into", "bind_out", "remember", "traced"]
