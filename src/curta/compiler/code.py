"""Writing LLVM's text: a function being built, and the values in it.

Every value has an LLVM scalar type and a number of lanes. The same emission code makes scalar code (1 lane) and
vector code (as many lanes as the processor likes): vectorising is a choice of the caller, never a hope.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from curta.errors import CompilerError

FLOAT_BITS = {"half": 16, "bfloat": 16, "float": 32, "double": 64}
INTEGER_BITS = {"i1": 1, "i8": 8, "i16": 16, "i32": 32, "i64": 64}
#: the suffix that LLVM's overloaded intrinsics use for each scalar type
SUFFIX = {"half": "f16", "bfloat": "bf16", "float": "f32", "double": "f64", "ptr": "p0"} | {
    name: name for name in INTEGER_BITS
}
Number = int | float


def literal(type_name: str, value: Number) -> str:
    """`value` as LLVM writes it for a scalar type: integers in decimal, floats by their bits.

    >>> literal("float", 0.1), literal("i32", 7), literal("i1", True)
    ('0x3FB99999A0000000', '7', 'true')
    """
    if type_name == "i1":
        return "true" if value else "false"
    if type_name in INTEGER_BITS:
        return str(int(value))
    if type_name == "float":
        try:
            rounded = struct.unpack("<f", struct.pack("<f", value))[0]
        except OverflowError:
            rounded = float("inf") if value > 0 else float("-inf")
        return f"0x{struct.unpack('<Q', struct.pack('<d', rounded))[0]:016X}"
    if type_name == "double":
        return f"0x{struct.unpack('<Q', struct.pack('<d', float(value)))[0]:016X}"
    raise CompilerError(f"literal: no literals of type {type_name}")


class Value:
    """One SSA value: LLVM text that names it, its scalar type, and its number of lanes.

    Operators emit code into the function that the value belongs to. Python numbers become constants of the other
    operand's type; a 1-lane operand is spread over the lanes of the other.

    A product that is added to something, or that something is taken from, is a multiply-add: of two products the left
    one. That is said here and not left to LLVM, which would choose by what else the function does with the products.
    """

    __slots__ = ("code", "factors", "lanes", "ref", "type")

    def __init__(
        self, code: Code, ref: str, type: str, lanes: int = 1, factors: tuple[Value, Value] | None = None
    ) -> None:
        self.code = code
        self.ref = ref
        self.type = type
        self.lanes = lanes
        #: what this is the product of, where a sum may take it as one
        self.factors = factors

    @property
    def full_type(self) -> str:
        """The LLVM type, lanes included."""
        return vector_type(self.type, self.lanes)

    @property
    def is_float(self) -> bool:
        return self.type in FLOAT_BITS

    def _binary(self, float_op: str | None, integer_op: str | None, other: Value | Number, swap: bool = False) -> Value:
        left, right = self.code.unify(self, other)
        if swap:
            left, right = right, left
        op = float_op if left.is_float else integer_op
        if op is None:
            raise CompilerError(f"no such operation on {left.type}: {float_op or integer_op}")
        return self.code.emit(f"{op} {left.full_type} {left.ref}, {right.ref}", left.type, left.lanes)

    def __add__(self, other: Value | Number) -> Value:
        if self.factors is not None:
            return multiply_add(*self.factors, other)
        if isinstance(other, Value) and other.factors is not None:
            return multiply_add(*other.factors, self)
        return self._binary("fadd", "add", other)

    def __radd__(self, other: Number) -> Value:
        return self + other

    def __sub__(self, other: Value | Number) -> Value:
        if self.factors is not None:
            return multiply_add(*self.factors, -other)
        if isinstance(other, Value) and other.factors is not None:
            left, right = other.factors
            return multiply_add(-left, right, self)
        return self._binary("fsub", "sub", other)

    def __rsub__(self, other: Number) -> Value:
        if self.factors is not None:
            left, right = self.factors
            return multiply_add(-left, right, other)
        return self._binary("fsub", "sub", other, swap=True)

    def __mul__(self, other: Value | Number) -> Value:
        product = self._binary("fmul", "mul", other)
        if self.type in ("float", "double"):
            product.factors = (self, other if isinstance(other, Value) else self.code.constant(other, self.type))
        return product

    def __rmul__(self, other: Number) -> Value:
        return self * other

    def apart(self) -> Value:
        """The same value, that no sum takes as a product."""
        return Value(self.code, self.ref, self.type, self.lanes)

    def __truediv__(self, other: Value | Number) -> Value:
        return self._binary("fdiv", None, other)

    def __rtruediv__(self, other: Number) -> Value:
        return self._binary("fdiv", None, other, swap=True)

    def __and__(self, other: Value | Number) -> Value:
        return self._binary(None, "and", other)

    def __or__(self, other: Value | Number) -> Value:
        return self._binary(None, "or", other)

    def __xor__(self, other: Value | Number) -> Value:
        return self._binary(None, "xor", other)

    def __lshift__(self, other: Value | Number) -> Value:
        return self._binary(None, "shl", other)

    def __rshift__(self, other: Value | Number) -> Value:
        """Arithmetic shift right (keeps the sign); `logical_shift_right` fills with zeros."""
        return self._binary(None, "ashr", other)

    def logical_shift_right(self, other: Value | Number) -> Value:
        return self._binary(None, "lshr", other)

    def signed_divide(self, other: Value | Number) -> Value:
        return self._binary(None, "sdiv", other)

    def unsigned_divide(self, other: Value | Number) -> Value:
        return self._binary(None, "udiv", other)

    def signed_remainder(self, other: Value | Number) -> Value:
        return self._binary(None, "srem", other)

    def unsigned_remainder(self, other: Value | Number) -> Value:
        return self._binary(None, "urem", other)

    def __neg__(self) -> Value:
        if self.is_float:
            return self.code.emit(f"fneg {self.full_type} {self.ref}", self.type, self.lanes)
        return self.code.constant(0, self.type) - self

    def __invert__(self) -> Value:
        """Every bit turned over: logical not for i1."""
        return self ^ (1 if self.type == "i1" else -1)

    def _compare(self, float_predicate: str, integer_predicate: str, other: Value | Number) -> Value:
        left, right = self.code.unify(self, other)
        op = f"fcmp {float_predicate}" if left.is_float else f"icmp {integer_predicate}"
        return self.code.emit(f"{op} {left.full_type} {left.ref}, {right.ref}", "i1", left.lanes)

    def lt(self, other: Value | Number, signed: bool = True) -> Value:
        """Less than; False where either is NaN."""
        return self._compare("olt", "slt" if signed else "ult", other)

    def le(self, other: Value | Number, signed: bool = True) -> Value:
        return self._compare("ole", "sle" if signed else "ule", other)

    def gt(self, other: Value | Number, signed: bool = True) -> Value:
        return self._compare("ogt", "sgt" if signed else "ugt", other)

    def ge(self, other: Value | Number, signed: bool = True) -> Value:
        return self._compare("oge", "sge" if signed else "uge", other)

    def eq(self, other: Value | Number) -> Value:
        return self._compare("oeq", "eq", other)

    def ne(self, other: Value | Number) -> Value:
        """Not equal; True where either is NaN."""
        return self._compare("une", "ne", other)

    def is_nan(self) -> Value:
        return self._compare("uno", "ne", self)

    def select(self, if_true: Value | Number, if_false: Value | Number) -> Value:
        """`self` (i1) chooses lane by lane between two values; at least one of them is a Value."""
        code = self.code
        if isinstance(if_true, Value):
            yes, no = code.unify(if_true, if_false)
        elif isinstance(if_false, Value):
            no, yes = code.unify(if_false, if_true)
        else:
            raise CompilerError("select: at least one choice must be a Value")
        lanes = max(self.lanes, yes.lanes)
        condition, yes, no = code.spread(self, lanes), code.spread(yes, lanes), code.spread(no, lanes)
        return code.emit(
            f"select {condition.full_type} {condition.ref}, {yes.full_type} {yes.ref}, {no.full_type} {no.ref}",
            yes.type,
            lanes,
        )

    def convert(self, instruction: str, type_name: str) -> Value:
        """One of LLVM's conversions by name: `fptosi`, `sitofp`, `zext`, `bitcast`, `fpext`, …"""
        target = vector_type(type_name, self.lanes)
        return self.code.emit(f"{instruction} {self.full_type} {self.ref} to {target}", type_name, self.lanes)

    def bitcast(self, type_name: str) -> Value:
        return self.convert("bitcast", type_name)

    def intrinsic(self, name: str, *others: Value | Number) -> Value:
        """`llvm.<name>` overloaded on this type alone (`fma`, `rint`, `fabs`, `sqrt`, `copysign`, `ctlz`, …)."""
        operands: list[Value] = [self]
        for other in others:
            operands[0], unified = self.code.unify(operands[0], other)
            operands.append(unified)
        lanes = max(operand.lanes for operand in operands)
        operands = [self.code.spread(operand, lanes) for operand in operands]
        suffix = f"v{lanes}{SUFFIX[self.type]}" if lanes > 1 else SUFFIX[self.type]
        return self.code.call(f"llvm.{name}.{suffix}", self.type, lanes, operands)

    def fma(self, multiplier: Value | Number, addend: Value | Number) -> Value:
        """self * multiplier + addend, rounded once."""
        return self.intrinsic("fma", multiplier, addend)


def multiply_add(left: Value, right: Value | Number, addend: Value | Number) -> Value:
    """left * right + addend: rounded once where the processor has fma, else twice."""
    return left.intrinsic("fmuladd", right, addend)


def vector_type(type_name: str, lanes: int) -> str:
    """LLVM's name for `lanes` lanes of a scalar type; one lane is the scalar itself."""
    return type_name if lanes == 1 else f"<{lanes} x {type_name}>"


class Code:
    """The body of one LLVM function under construction: its lines, fresh names, and what it declares."""

    def __init__(self, features: str = "") -> None:
        #: LLVM's feature string: what instructions of the processor's own the emitted code may name
        self.features = features
        self.lines: list[str] = []
        self.declarations: dict[str, str] = {}
        self.block = "entry"
        self._counter = 0

    def fresh(self, stem: str = "") -> str:
        self._counter += 1
        return f"{stem}{self._counter}" if stem else f"v{self._counter}"

    def emit(self, text: str, type_name: str, lanes: int = 1) -> Value:
        """Append `%new = text` and return the new value."""
        ref = f"%{self.fresh()}"
        self.lines.append(f"  {ref} = {text}")
        return Value(self, ref, type_name, lanes)

    def effect(self, text: str) -> None:
        """Append an instruction without a result: store, branch, call of a void function."""
        self.lines.append(f"  {text}")

    def constant(self, value: Number, type_name: str, lanes: int = 1) -> Value:
        text = literal(type_name, value)
        return Value(self, text if lanes == 1 else f"splat ({type_name} {text})", type_name, lanes)

    def unify(self, left: Value, right: Value | Number) -> tuple[Value, Value]:
        """Both of one type and one number of lanes; numbers become constants of `left`'s type."""
        if not isinstance(right, Value):
            right = self.constant(right, left.type, left.lanes)
        if left.type != right.type:
            raise CompilerError(f"operands must have one type, got {left.type} and {right.type}")
        lanes = max(left.lanes, right.lanes)
        return self.spread(left, lanes), self.spread(right, lanes)

    def spread(self, value: Value, lanes: int) -> Value:
        """A scalar repeated over `lanes` lanes; a vector of that many lanes as it is."""
        if value.lanes == lanes:
            return value
        if value.lanes != 1:
            raise CompilerError(f"cannot spread {value.lanes} lanes over {lanes}")
        if not value.ref.startswith("%"):
            return Value(self, f"splat ({value.type} {value.ref})", value.type, lanes)
        wide = vector_type(value.type, lanes)
        first = self.emit(f"insertelement {wide} poison, {value.type} {value.ref}, i32 0", value.type, lanes)
        all_lanes = self.emit(
            f"shufflevector {wide} {first.ref}, {wide} poison, <{lanes} x i32> zeroinitializer", value.type, lanes
        )
        all_lanes.factors = value.factors
        return all_lanes

    def iota(self, type_name: str, lanes: int) -> Value:
        """0, 1, 2, … over the lanes, of an integer type."""
        if lanes == 1:
            return self.constant(0, type_name)
        items = ", ".join(f"{type_name} {lane}" for lane in range(lanes))
        return Value(self, f"<{items}>", type_name, lanes)

    def call(self, name: str, type_name: str, lanes: int, operands: Sequence[Value]) -> Value:
        """Call a function by name, declaring it; `type_name` "void" is not for here (see `effect`)."""
        result = vector_type(type_name, lanes)
        self.declarations[name] = f"declare {result} @{name}({', '.join(o.full_type for o in operands)})"
        arguments = ", ".join(f"{o.full_type} {o.ref}" for o in operands)
        return self.emit(f"call {result} @{name}({arguments})", type_name, lanes)

    def call_void(self, name: str, operands: Sequence[Value]) -> None:
        """Call a function that returns nothing, declaring it."""
        self.declarations[name] = f"declare void @{name}({', '.join(o.full_type for o in operands)})"
        self.effect(f"call void @{name}({', '.join(f'{o.full_type} {o.ref}' for o in operands)})")

    def offset(self, pointer: Value, count: Value | Number, element: str = "i8") -> Value:
        """`pointer` moved by `count` elements of type `element`."""
        index = count if isinstance(count, Value) else self.constant(count, "i64")
        lanes = max(pointer.lanes, index.lanes)
        return self.emit(
            f"getelementptr {element}, {pointer.full_type} {pointer.ref}, {index.full_type} {index.ref}", "ptr", lanes
        )

    def load(self, pointer: Value, type_name: str, lanes: int = 1, align: int = 1) -> Value:
        """Load `lanes` neighbouring elements."""
        return self.emit(f"load {vector_type(type_name, lanes)}, ptr {pointer.ref}, align {align}", type_name, lanes)

    def store(self, value: Value, pointer: Value, align: int = 1) -> None:
        self.effect(f"store {value.full_type} {value.ref}, ptr {pointer.ref}, align {align}")

    def start_block(self, name: str) -> None:
        """Begin the basic block `name`; the one before must have ended with a branch."""
        self.lines.append(f"{name}:")
        self.block = name

    def jump(self, name: str) -> None:
        self.effect(f"br label %{name}")

    def branch(self, condition: Value, if_true: str, if_false: str) -> None:
        self.effect(f"br i1 {condition.ref}, label %{if_true}, label %{if_false}")

    @contextmanager
    def loop(
        self, start: Value | int, stop: Value | int, step: Value | int = 1, carried: Sequence[Value] = ()
    ) -> Iterator[Loop]:
        """A counted loop `for i in range(start, stop, step)` with values carried from turn to turn.

        Inside, `loop.index` and `loop.carried` are this turn's values; set `loop.carried_out` to the next turn's.
        After it, `loop.results` are the last ones. The loop may run zero times.
        """
        first, last, by = (v if isinstance(v, Value) else self.constant(v, "i64") for v in (start, stop, step))
        loop = Loop(self, first, carried)
        head, body, done = (self.fresh(stem) for stem in ("head", "body", "done"))
        before = self.block
        self.jump(head)
        self.start_block(head)
        phis_at = len(self.lines)
        self.branch(loop.index.lt(last), body, done)
        self.start_block(body)
        yield loop
        following = loop.index + by
        back = self.block
        self.jump(head)
        self.lines[phis_at:phis_at] = [
            f"  {phi.ref} = phi {phi.full_type} [ {enter.ref}, %{before} ], [ {again.ref}, %{back} ]"
            for phi, enter, again in zip(
                [loop.index, *loop.carried], [first, *carried], [following, *loop.carried_out], strict=True
            )
        ]
        self.start_block(done)

    @contextmanager
    def turn(self, start: Value, stop: Value, carried: Sequence[Value] = ()) -> Iterator[Loop]:
        """A `loop` that takes no more than one turn: LLVM looks for nothing to do to it that a loop would need."""
        loop = Loop(self, start, carried)
        loop.index = start
        loop.carried, loop.carried_out = list(carried), list(carried)
        yes, after = self.fresh("then"), self.fresh("after")
        before = self.block
        self.branch(start.lt(stop), yes, after)
        self.start_block(yes)
        yield loop
        back = self.block
        self.jump(after)
        self.start_block(after)
        loop.carried = [
            self.emit(f"phi {a.full_type} [ {a.ref}, %{before} ], [ {b.ref}, %{back} ]", a.type, a.lanes)
            for a, b in zip(carried, loop.carried_out, strict=True)
        ]

    @contextmanager
    def repeat(self, carried: Sequence[Value]) -> Iterator[Loop]:
        """A loop that runs once, and as long as `loop.again` (one lane) holds at its end; else as `loop`."""
        first = self.constant(0, "i64")
        loop = Loop(self, first, carried)
        body, done = self.fresh("body"), self.fresh("done")
        before = self.block
        self.jump(body)
        self.start_block(body)
        phis_at = len(self.lines)
        yield loop
        following = loop.index + 1
        back = self.block
        self.branch(loop.again, body, done)
        self.lines[phis_at:phis_at] = [
            f"  {phi.ref} = phi {phi.full_type} [ {enter.ref}, %{before} ], [ {again.ref}, %{back} ]"
            for phi, enter, again in zip(
                [loop.index, *loop.carried], [first, *carried], [following, *loop.carried_out], strict=True
            )
        ]
        self.start_block(done)
        loop.carried = loop.carried_out

    def any_lane(self, mask: Value) -> Value:
        """Whether any lane is true."""
        return mask if mask.lanes == 1 else self.call(f"llvm.vector.reduce.or.v{mask.lanes}i1", "i1", 1, [mask])

    def unless_any(self, mask: Value, usual: Sequence[Value], rare: Callable[[], Sequence[Value]]) -> list[Value]:
        """The `usual` values, but what `rare` makes where any lane of `mask` is true; one branch skips that."""
        before, slow, after = self.block, self.fresh("rare"), self.fresh("joined")
        self.branch(self.any_lane(mask), slow, after)
        self.start_block(slow)
        others = rare()
        last = self.block
        self.jump(after)
        self.start_block(after)
        return [
            self.emit(f"phi {a.full_type} [ {a.ref}, %{before} ], [ {b.ref}, %{last} ]", a.type, a.lanes)
            for a, b in zip(usual, others, strict=True)
        ]

    @contextmanager
    def when(self, condition: Value) -> Iterator[None]:
        """Code that runs only where `condition` (one lane) holds, for its effects."""
        yes, after = self.fresh("then"), self.fresh("after")
        self.branch(condition, yes, after)
        self.start_block(yes)
        yield
        self.jump(after)
        self.start_block(after)


class Loop:
    """A loop being built: see `Code.loop`."""

    def __init__(self, code: Code, first: Value, carried: Sequence[Value]) -> None:
        self.index = Value(code, f"%{code.fresh('index')}", "i64")
        self.carried = [Value(code, f"%{code.fresh('carry')}", value.type, value.lanes) for value in carried]
        self.carried_out: list[Value] = list(self.carried)
        #: for `Code.repeat`: whether there is another turn
        self.again = code.constant(0, "i1")

    @property
    def results(self) -> list[Value]:
        """The carried values after the loop: the phis dominate everything behind it."""
        return self.carried


def coordinates(number: Value, sizes: Sequence[Value]) -> list[Value]:
    """The index along each dimension, from the row-major number."""
    places = []
    for size in reversed(sizes[1:]):
        quotient = number.unsigned_divide(size)
        places.append(number - quotient * size)
        number = quotient
    return [*([number] if sizes else []), *reversed(places)]


def following(places: Sequence[Value], sizes: Sequence[Value]) -> list[Value]:
    """The index behind this one along each dimension, in row-major order: without a division, which takes as long as
    the work on a short row. The first dimension does not end."""
    if not places:
        return []
    found: list[Value] = []
    carry: Value | int = 1
    for place, size in zip(reversed(places[1:]), reversed(sizes[1:]), strict=True):
        moved = place + carry
        full = moved.ge(size)
        found.append(full.select(0, moved))
        carry = full.convert("zext", "i64")
    return [places[0] + carry, *reversed(found)]


def function(code: Code, name: str, signature: str, attributes: str = "", result: str = "void") -> str:
    """The text of a whole function around `code`'s body, its declarations first."""
    head = "\n".join(sorted(code.declarations.values()))
    body = "\n".join(code.lines)
    return f"{head}\n\ndefine {result} @{name}({signature}) {attributes} {{\nentry:\n{body}\n}}\n"
