"""Small pieces that every matmul kernel is written with: several functions in one module, bounds, masks, addresses."""

from __future__ import annotations

import re
from collections.abc import Sequence

from curta.compiler.code import FLOAT_BITS, Code, Value, function
from curta.runtime import jit

#: the kernel ABI: operand slots, sizes and strides, this thread's scratch memory, the units to do
KERNEL_SIGNATURE = "ptr noalias %args, ptr noalias %meta, ptr noalias %scratch, i64 %start, i64 %stop"

#: the loops are already as they should be: vectorising and unrolling them again costs compile time and gains nothing
_LOOP_HINTS = """!0 = distinct !{!0, !1, !2}
!1 = !{!"llvm.loop.unroll.disable"}
!2 = !{!"llvm.loop.vectorize.enable", i1 false}
"""
_BACK_EDGE = re.compile(r"^  br label %head\d+$")


class Module:
    """The text of one LLVM module made of several functions; what they call and it has not is declared once."""

    def __init__(self, vector_bytes: int) -> None:
        self.attributes = f'nounwind "prefer-vector-width"="{vector_bytes * 8}"'
        self._functions: list[str] = []
        self._names: list[str] = []
        self._declarations: dict[str, str] = {}

    def add(self, name: str, code: Code, parameters: str, *, private: bool = True) -> None:
        """Close `code` with a return and add it as a function; a private one is seen in this module only."""
        code.effect("ret void")
        self._declarations |= code.declarations
        code.declarations = {}
        # kept apart, because a copy of a micro-kernel at each of its calls costs compile time and gains nothing
        attributes = f"noinline {self.attributes}" if private else self.attributes
        code.lines = [_BACK_EDGE.sub(r"\g<0>, !llvm.loop !0", line) for line in code.lines]
        self._functions.append(function(code, name, parameters, attributes, "internal void" if private else "void"))
        self._names.append(name)

    def text(self) -> str:
        outside = [line for name, line in self._declarations.items() if name not in self._names]
        return "\n".join([*sorted(outside), *self._functions, _LOOP_HINTS])


def parameter(code: Code, name: str, type_name: str = "i64") -> Value:
    """The function's parameter `name` as a value."""
    return Value(code, f"%{name}", type_name)


def prefetch(code: Code, pointer: Value, *, to_write: bool = False) -> None:
    """Have a cache line fetched, into the second cache: in the first it would displace what is being worked on.

    Where it is fetched to be written to, it comes into the first one.
    """
    name = "llvm.prefetch.p0"
    code.declarations[name] = f"declare void @{name}(ptr, i32, i32, i32)"
    code.effect(f"call void @{name}(ptr {pointer.ref}, i32 {int(to_write)}, i32 {3 if to_write else 2}, i32 1)")


def signature(**parameters: str) -> str:
    """The text of a parameter list.

    >>> signature(source="ptr", count="i64")
    'ptr %source, i64 %count'
    """
    return ", ".join(f"{type_name} %{name}" for name, type_name in parameters.items())


def read_meta(code: Code, item: int | Value) -> Value:
    """One of the kernel's run-time numbers, by its index (`Meta`)."""
    index: Value | int = item if isinstance(item, Value) else int(item)
    return code.load(code.offset(parameter(code, "meta", "ptr"), index, "i64"), "i64", align=8)


def call(code: Code, called: str | jit.Code | Value, operands: Sequence[Value | int]) -> None:
    """Call a function of the same module, one that the module requires, or one by its address.

    Python integers are passed as i64.
    """
    values = [item if isinstance(item, Value) else code.constant(item, "i64") for item in operands]
    if isinstance(called, Value):
        code.effect(f"call void {called.ref}({', '.join(f'{value.full_type} {value.ref}' for value in values)})")
    else:
        code.call_void(called if isinstance(called, str) else called.name, values)


def address_of(code: Code, function: jit.Code, parameters: str) -> Value:
    """The address of a function that the module requires, whose parameters are these."""
    code.declarations[function.name] = f"declare void @{function.name}({parameters})"
    return Value(code, f"@{function.name}", "ptr")


def null(code: Code) -> Value:
    """The address of nothing."""
    return Value(code, "null", "ptr")


def smaller(left: Value, right: Value | int) -> Value:
    """The smaller of two signed integers."""
    return left.lt(right).select(left, right)


def larger(left: Value, right: Value | int) -> Value:
    """The larger of two signed integers."""
    return left.gt(right).select(left, right)


def blocks(count: Value, size: Value | int) -> Value:
    """How many blocks of `size` cover `count`."""
    return (count + size - 1).unsigned_divide(size)


def lane_mask(code: Code, count: Value, lanes: int) -> Value:
    """True in the first `count` lanes (all of them where `count` is larger)."""
    bounded = larger(smaller(count, lanes), 0)
    narrow = code.emit(f"trunc i64 {bounded.ref} to i32", "i32")
    return code.iota("i32", lanes).lt(code.spread(narrow, lanes))


def masked_load(code: Code, pointer: Value, mask: Value, type_name: str) -> Value:
    """Lanes where `mask` is true from memory, zeros elsewhere; the others' memory is not touched."""
    zeros = code.constant(0, type_name, mask.lanes)
    vector = f"<{mask.lanes} x {type_name}>"
    name = f"llvm.masked.load.v{mask.lanes}{_suffix(type_name)}.p0"
    code.declarations[name] = f"declare {vector} @{name}(ptr, i32, <{mask.lanes} x i1>, {vector})"
    arguments = f"ptr {pointer.ref}, i32 1, {mask.full_type} {mask.ref}, {vector} {zeros.ref}"
    return code.emit(f"call {vector} @{name}({arguments})", type_name, mask.lanes)


def masked_store(code: Code, value: Value, pointer: Value, mask: Value) -> None:
    """Store the lanes where `mask` is true."""
    name = f"llvm.masked.store.v{value.lanes}{_suffix(value.type)}.p0"
    code.declarations[name] = f"declare void @{name}({value.full_type}, ptr, i32, {mask.full_type})"
    arguments = f"{value.full_type} {value.ref}, ptr {pointer.ref}, i32 1, {mask.full_type} {mask.ref}"
    code.effect(f"call void @{name}({arguments})")


def _suffix(type_name: str) -> str:
    return {"float": "f32", "double": "f64"}.get(type_name, type_name)


def transpose(code: Code, rows: Sequence[Value]) -> list[Value]:
    """A square of vectors turned over its diagonal: lane i of result j is lane j of row i."""
    size = len(rows)
    values = list(rows)
    step = size // 2
    while step:
        # swap the two off-diagonal blocks of every 2*step square
        low = [lane if not lane & step else lane - step + size for lane in range(size)]
        high = [lane + step if not lane & step else lane + size for lane in range(size)]
        for index in range(size):
            if not index & step:
                first, second = values[index], values[index + step]
                values[index] = _fenced(shuffle(code, first, second, low))
                values[index + step] = _fenced(shuffle(code, first, second, high))
        step //= 2
    return values


def _fenced(value: Value) -> Value:
    """The same lanes, of which LLVM does not know what they were made of.

    It would look for better instructions in what several steps of a transposition do together: for twice the time that
    all the rest takes, and finds none.
    """
    code, bits = value.code, (FLOAT_BITS.get(value.type) or int(value.type[1:])) * value.lanes
    as_float = code.emit(f"bitcast {value.full_type} {value.ref} to <{bits // 32} x float>", "float", bits // 32)
    fenced = code.call(f"llvm.arithmetic.fence.v{bits // 32}f32", "float", bits // 32, [as_float])
    return code.emit(f"bitcast {fenced.full_type} {fenced.ref} to {value.full_type}", value.type, value.lanes)


def in_words(code: Code, first: Value, second: Value) -> Value:
    """The i16 of two vectors side by side: words of i32, the first one's in the lower half."""
    lanes = first.lanes
    both = shuffle(code, first, second, [lane // 2 + lanes * (lane % 2) for lane in range(2 * lanes)])
    return code.emit(f"bitcast {both.full_type} {both.ref} to <{lanes} x i32>", "i32", lanes)


def shuffle(code: Code, first: Value, second: Value, lanes: Sequence[int]) -> Value:
    """Lanes picked from two vectors, the second one's numbered after the first one's."""
    picks = ", ".join(f"i32 {lane}" for lane in lanes)
    return code.emit(
        f"shufflevector {first.full_type} {first.ref}, {second.full_type} {second.ref}, <{len(lanes)} x i32> <{picks}>",
        first.type,
        len(lanes),
    )
