"""What identifies the machine code of a matmul kernel, and the order of the run-time sizes and strides it reads."""

from __future__ import annotations

import enum
from dataclasses import dataclass

from curta.compiler.matmul.ending import Ending
from curta.compiler.matmul.tiles import round_up
from curta.dtypes import DType, bfloat16, compute_dtype
from curta.runtime.cpu import TILED

LLVM_TYPES = {
    "float16": "half", "bfloat16": "bfloat", "float32": "float", "float64": "double",
    "uint8": "i8", "int8": "i8", "int16": "i16", "int32": "i32", "int64": "i64",
    "uint16": "i16", "uint32": "i32", "uint64": "i64",
}  # fmt: skip


#: most words of K packed at once: a panel of B, so long and `tile_columns` wide, has two thirds of a 48 KB first cache
K_BLOCK = 256
#: part of every key; raise it when a key's text changes, so that machine code kept on disk is not taken for it
REVISION = 21


def in_pairs(dtype: DType, level: str) -> bool:
    """Whether the processor multiplies pairs along K at once: bfloat16, above whose level come the tiles."""
    return dtype is bfloat16 and level == "avx512bf16"


def multiplies_pairs(dtype: DType, level: str) -> bool:
    """Whether the processor can: those with tiles can as well."""
    return in_pairs(dtype, level) or (dtype is bfloat16 and level in TILED)


def in_tiles(dtype: DType, level: str) -> bool:
    """Whether the processor multiplies tiles of this format.

    >>> from curta.dtypes import float16
    >>> in_tiles(bfloat16, "amx"), in_tiles(float16, "amx"), in_tiles(float16, "amxfp16")
    (True, False, True)
    """
    return dtype.name in TILED.get(level, ())


def most_of_k(dtype: DType, level: str) -> int:
    """`K_BLOCK` for a format: of pairs as many as of single elements.

    >>> most_of_k(bfloat16, "avx512bf16"), most_of_k(bfloat16, "avx2")
    (512, 256)
    """
    return K_BLOCK * (2 if in_pairs(dtype, level) else 1)


class Meta(enum.IntEnum):
    """Index of each int64 in the kernel's `meta`; strides are in elements. After them, two for each slot of an ending,
    its strides in bytes along rows and columns; then for each batch dimension its size, the strides of A, B and C, and
    in bytes those of the ending's slots."""

    M = 0
    N = 1
    K = 2
    A_ROW = 3
    A_K = 4
    B_K = 5
    B_COLUMN = 6
    C_ROW = 7
    C_COLUMN = 8
    #: rows and columns of C in one unit of work, and how many such tiles cover C
    UNIT_ROWS = 9
    UNIT_COLUMNS = 10
    ROW_TILES = 11
    COLUMN_TILES = 12
    #: how much of K is packed at a time
    K_BLOCK = 13
    BATCHES = 14
    BATCHES_PER_UNIT = 15
    #: 1: full panels of B are read where they lie, without packing
    B_IN_PLACE = 16
    #: the kernel's operand that is A: 1 where the product is computed turned over, C^T = B^T @ A^T
    A_SLOT = 17
    BATCH_DIMS = 18
    #: the address of the function of a BLAS, where the kernel calls one
    FUNCTION = 19
    ENDING = 20


@dataclass(frozen=True)
class Spec:
    """All that the text of a kernel depends on: formats, which strides are 1, and the processor's level.

    `a_order` is "k", "row" or "any": the direction in which A's elements are neighbours; `b_order` is "column", "k"
    or "any"; `c_order` is "column" or "any". Where A needs no packing because its transpose is packed row by row,
    `a_order` is "turned"; where its rows are not to be read where they lie, though neighbours along K, "k_packed".
    """

    family: str
    dtype: DType
    out_dtype: DType
    a_order: str
    b_order: str
    c_order: str
    accumulate: bool
    level: str
    vector_bytes: int
    ending: Ending | None = None
    #: the last batches' products are added up, by the unit that makes the tile
    summed: bool = False
    #: there are no more rows than a third of a tile
    low: bool = False

    @property
    def key(self) -> str:
        ending = "" if self.ending is None else self.ending.digest + ("i" if self.ending.in_place else "")
        into = "sum" if self.summed else "add" if self.accumulate else "set"
        parts = [
            self.family, self.dtype.short, self.out_dtype.short, f"a{self.a_order}", f"b{self.b_order}",
            f"c{self.c_order}", into, f"e{ending}", *(("low",) if self.low else ()), self.level, str(self.vector_bytes),
            f"r{REVISION}",
        ]  # fmt: skip
        return "matmul_" + "_".join(parts)

    @property
    def c_slot(self) -> int:
        """The kernel's operand that is C: behind A and B come the slots of the ending, where there is one."""
        return 2 if self.ending is None else 2 + self.ending.sums

    @property
    def ending_slots(self) -> int:
        return 0 if self.ending is None else len(self.ending.slots)

    @property
    def batch_table(self) -> int:
        """Where in `meta` the batch dimensions are."""
        return int(Meta.ENDING) + 2 * self.ending_slots

    @property
    def compute(self) -> DType:
        return compute_dtype(self.dtype)

    @property
    def type(self) -> str:
        """LLVM's name of the format that the sums are kept in."""
        return LLVM_TYPES[self.compute.name]

    @property
    def depth(self) -> int:
        """Elements along K in a packed word, multiplied at once: two of bfloat16 in the families of pairs."""
        return 2 if self.family.endswith("pairs") else 1

    @property
    def word(self) -> str:
        """LLVM's name of what is packed: the sums' format, or the bits of a pair."""
        return self.type if self.depth == 1 else "i32"

    @property
    def packed(self) -> str:
        """The short name of what is packed."""
        return self.compute.short if self.depth == 1 else f"{self.dtype.short}x{self.depth}"

    @property
    def lanes(self) -> int:
        return self.vector_bytes // self.compute.itemsize

    @property
    def staged(self) -> bool:
        """C's block is summed in scratch and copied out at the end, because C's format or strides are not the sums'."""
        in_place = self.ending is None or self.ending.in_place
        return self.out_dtype is not self.compute or self.c_order != "column" or not in_place

    @property
    def a_in_place(self) -> bool:
        """Rows of A are read where they lie: their elements are neighbours, and what would be packed."""
        return self.a_order == "k" and (self.dtype is self.compute or self.depth > 1)

    @property
    def b_in_place_possible(self) -> bool:
        """Panels of B can be read where they lie: its columns are neighbours in the sums' own format."""
        return self.b_order == "column" and self.dtype is self.compute

    @property
    def fused(self) -> bool:
        """The processor multiplies and adds in one instruction."""
        return self.level != "portable"

    @property
    def masked(self) -> bool:
        """The processor stores chosen lanes of a vector."""
        return self.level != "portable"

    @property
    def tile_rows(self) -> int:
        """Rows of C that the micro-kernel keeps in registers: rows x 2 sums, 2 vectors of B and one of A."""
        return {64: 12, 32: 6, 16: 4}[self.vector_bytes]

    @property
    def rest_rows(self) -> int:
        """Rows of the micro-kernel for what is left of a block: as few as make sums enough to wait for none; or a third
        of a tile where there are no more, which is just enough in vectors of 64 bytes."""
        return max(1, self.tile_rows * (1 if self.low else 2) // 3)

    @property
    def spared_rows(self) -> int:
        """Where at most so many rows are left behind whole tiles, they and the last tile are done by two lower ones."""
        return 0 if self.a_order == "row" else max(0, 2 * self.rest_rows - self.tile_rows)

    def computed_rows(self, rows: int) -> int:
        """Rows that the micro-kernels compute for so many.

        >>> from curta.dtypes import float32
        >>> spec = Spec("block", float32, float32, "k", "k", "column", False, "avx2", 32)
        >>> [spec.computed_rows(rows) for rows in (60, 64, 65, 68, 2)]
        [60, 64, 66, 68, 4]
        """
        before = (rows - 1) // self.a_block_rows * self.a_block_rows if rows else 0
        left = rows - before
        rest = left % self.tile_rows
        if rest == 0 or rest > self.rest_rows:
            return before + round_up(left, self.tile_rows)
        if rest <= self.spared_rows and left > self.tile_rows:
            return rows - rest - self.tile_rows + 2 * self.rest_rows
        return rows - rest + self.rest_rows

    @property
    def tile_columns(self) -> int:
        """Columns of C that the micro-kernel keeps in registers: two vectors."""
        return 2 * self.lanes

    def computed_columns(self, columns: int) -> int:
        """Columns that the micro-kernels compute for so many: what is left may be one vector.

        >>> from curta.dtypes import float32
        >>> spec = Spec("block", float32, float32, "k", "k", "column", False, "avx2", 32)
        >>> [spec.computed_columns(columns) for columns in (48, 49, 57)]
        [48, 56, 64]
        """
        return -(-columns // self.lanes) * self.lanes

    @property
    def few_vectors(self) -> int:
        """Vectors of columns in the kernel for few of them, which is named after these and its rows: "few1x24"."""
        return self._few[0]

    @property
    def few_rows(self) -> int:
        """Rows of A at a time there."""
        return self._few[1]

    @property
    def _few(self) -> tuple[int, int]:
        vectors, rows = self.family.removeprefix("few").removesuffix("pairs").split("x")
        return int(vectors), int(rows)

    @property
    def rows_at_once(self) -> int:
        """Rows of A in the kernels that hold rows ready, which are named after these: "dots4", "stream2"."""
        return int("".join(filter(str.isdigit, self.family)))

    @property
    def k_block(self) -> int:
        """Most of K packed at a time."""
        return K_BLOCK * self.depth

    def in_one_block(self, K: int) -> bool:
        """Whether all of K is packed at once."""
        return self.k_block >= K

    @property
    def a_row_step(self) -> int:
        """Words between rows of A packed row by row: a cache line more than a block, so that rows do not collide."""
        return K_BLOCK + 64 // self.compute.itemsize

    @property
    def a_block_rows(self) -> int:
        """Rows of A at a time, about 100 KB: they are read again for every panel of B, from the second cache."""
        return (8 if self.compute.itemsize == 4 else 4) * self.tile_rows

    @property
    def a_bytes(self) -> int:
        """Scratch for a packed block of A."""
        return 0 if self.a_in_place else self.a_block_rows * self.a_row_step * self.compute.itemsize
