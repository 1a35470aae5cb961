"""What identifies the machine code of an attention kernel, and the order of the run-time numbers it reads."""

from __future__ import annotations

import enum
import hashlib
from dataclasses import dataclass
from typing import NamedTuple

from curta.compiler.code import Code, Value
from curta.compiler.expression import Expression, describe
from curta.compiler.matmul.emit import parameter, read_meta
from curta.compiler.matmul.spec import LLVM_TYPES, in_pairs
from curta.compiler.matmul.spec import Spec as ProductSpec
from curta.dtypes import DType, compute_dtype

#: part of every key; raise it when a key's text changes, so that machine code kept on disk is not taken for it
REVISION = 7


class Meta(enum.IntEnum):
    """Index of each int64 in the kernel's `meta`.

    Behind them come for each operand the bytes between its rows and between its columns; then where in the scratch
    memory each region begins; then for each batch dimension, innermost first, its size and each operand's bytes.
    """

    QUERIES = 0
    KEYS = 1
    #: columns of the queries and keys, and of the values
    WIDTH = 2
    VALUE_WIDTH = 3
    #: 1: a query sees the keys up to its own number
    CAUSAL = 4
    #: the bits of a double
    SCALE = 5
    #: queries (backward: keys) in a unit of work, and units in a batch
    UNIT_ROWS = 6
    UNITS = 7
    #: queries and keys in a block of scores
    ROW_BLOCK = 8
    KEY_BLOCK = 9
    BATCH_DIMS = 10
    #: bytes between the queries' gradients of the units of one batch
    PART = 11
    #: how many keys a causal query sees at most, its own among them
    WINDOW = 12
    OPERANDS = 13


#: where there is dropout, the generator's key in two halves and its counter follow the other inputs
NUMBERS = ("key_low", "key_high", "counter")
INPUTS = {"forward": ("query", "key", "value"), "backward": ("g", "query", "key", "value", "out", "log_sum")}
RESULTS = {"forward": ("out", "log_sum"), "backward": ("to_query", "to_key", "to_value")}
FORWARD_REGIONS = ("rows", "keys", "values", "scores", "sums", "state", "tile")
BACKWARD_REGIONS = (
    "rows", "g_rows", "keys", "values", "key_rows", "query_rows", "gradient_rows", "scores", "slopes", "slope_rows",
    "to_query", "to_key", "to_value", "deltas", "tile",
)  # fmt: skip


@dataclass(frozen=True)
class Dropout:
    """Which weights stay: where `kept` holds for the weight's number, times `factor`.

    `kept` is an expression over the element's number and three run-time numbers, `scalar` 0, 1 and 2.
    """

    kept: Expression
    factor: float

    @property
    def digest(self) -> str:
        lines, roots = describe([self.kept])
        return hashlib.sha256("\n".join([*lines, *roots, self.factor.hex()]).encode()).hexdigest()[:16]


@dataclass(frozen=True)
class Spec:
    """All that the text of a kernel depends on.

    `family` is "forward" or "backward"; `near` says that neighbouring columns of every result are neighbours in memory.
    `mask` is "none", "add" (to the scaled scores) or "bool" (true where a key counts): an input behind the others.
    `parts` says that the queries' gradients are sums that are still to be added up over the units of a batch, and
    `window` that a causal query does not see all keys before it.
    """

    family: str
    dtype: DType
    near: bool
    mask: str
    parts: bool
    window: bool
    dropout: Dropout | None
    level: str
    vector_bytes: int

    @property
    def key(self) -> str:
        near = "near" if self.near else "apart"
        kind = f"{self.family}_{self.dtype.short}_{near}_{self.mask}{'_parts' if self.parts else ''}"
        kind += ("_window" if self.window else "") + ("" if self.dropout is None else f"_{self.dropout.digest}")
        return f"attention_{kind}_{self.level}_{self.vector_bytes}_r{REVISION}"

    @property
    def operands(self) -> tuple[str, ...]:
        mask = () if self.mask == "none" else ("mask",)
        return (*INPUTS[self.family], *mask, *RESULTS[self.family])

    @property
    def slots(self) -> tuple[str, ...]:
        """What the kernel is given: the operands, and numbers."""
        inputs = self.operands[: -len(RESULTS[self.family])]
        return (*inputs, *(() if self.dropout is None else NUMBERS), *RESULTS[self.family])

    @property
    def regions(self) -> tuple[str, ...]:
        return FORWARD_REGIONS if self.family == "forward" else BACKWARD_REGIONS

    @property
    def compute(self) -> DType:
        return compute_dtype(self.dtype)

    @property
    def type(self) -> str:
        """LLVM's name of the format that the sums are kept in."""
        return LLVM_TYPES[self.compute.name]

    @property
    def size(self) -> int:
        """Bytes of a sum."""
        return self.compute.itemsize

    @property
    def lanes(self) -> int:
        return self.vector_bytes // self.size

    @property
    def paired(self) -> bool:
        """Products take pairs of bfloat16: blocks of scores become such pairs."""
        return in_pairs(self.dtype, self.level)

    @property
    def line(self) -> int:
        """Bytes between rows of a block of scores: those of a packed A, since the block becomes one."""
        return self.product().a_row_step * self.size

    def product(self, a_order: str = "k", b_order: str = "column") -> ProductSpec:
        """The parts of a matmul for operands in these orders; C is in the sums' format, its columns near."""
        family, c_order = "pairs" if self.paired else "attention", "column" if self.near else "any"
        return ProductSpec(
            family, self.dtype, self.compute, a_order, b_order, c_order, False, self.level, self.vector_bytes
        )


def row_step(code: Code, spec: Spec, operand: str) -> Value:
    """Bytes between the rows of an operand."""
    return read_meta(code, int(Meta.OPERANDS) + 2 * spec.operands.index(operand))


def column_step(code: Code, spec: Spec, operand: str) -> Value:
    """Bytes between the columns of an operand."""
    return read_meta(code, int(Meta.OPERANDS) + 2 * spec.operands.index(operand) + 1)


def region(code: Code, spec: Spec, name: str) -> Value:
    """A region of this thread's scratch memory."""
    place = int(Meta.OPERANDS) + 2 * len(spec.operands) + spec.regions.index(name)
    return code.offset(parameter(code, "scratch", "ptr"), read_meta(code, place))


def scale(code: Code, spec: Spec) -> Value:
    """What the scores are multiplied by."""
    wide = read_meta(code, Meta.SCALE).bitcast("double")
    return wide if spec.type == "double" else wide.convert("fptrunc", spec.type)


class Batch(NamedTuple):
    """A batch's number, and the address of every operand in it."""

    number: Value
    at: dict[str, Value]


def find_batch(code: Code, spec: Spec, number: Value) -> Batch:
    """Batch number `number`."""
    count = len(spec.operands)
    table = int(Meta.OPERANDS) + 2 * count + len(spec.regions)
    args = parameter(code, "args", "ptr")
    slots = [spec.slots.index(name) for name in spec.operands]
    starts = [code.load(code.offset(args, slot, "i64"), "ptr", align=8) for slot in slots]
    with code.loop(0, read_meta(code, Meta.BATCH_DIMS), carried=[number, *starts]) as dim:
        rest, *pointers = dim.carried
        entry = dim.index * (1 + count) + table
        size = read_meta(code, entry)
        quotient = rest.unsigned_divide(size)
        digit = rest - quotient * size
        moved = [
            code.offset(pointer, digit * read_meta(code, entry + slot)) for slot, pointer in enumerate(pointers, 1)
        ]
        dim.carried_out = [quotient, *moved]
    return Batch(number, dict(zip(spec.operands, dim.results[1:], strict=True)))
