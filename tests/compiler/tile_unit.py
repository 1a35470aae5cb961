"""A unit of AMX tiles in software: kernels run where the processor has none, calls in place of the instructions.

After Intel's Architecture Instruction Set Extensions Programming Reference, chapter on AMX: palette 1, eight tiles. And
AVX512-BF16's products of pairs, by a function in LLVM's language in place of the instruction (ibid., VDPBF16PS).
"""

from __future__ import annotations

import ctypes
import re
from collections.abc import Callable
from functools import cache
from typing import Any

import llvmlite.binding as llvm
import numpy as np

Array = np.ndarray[Any, Any]
#: the intrinsics that kernels may name, with the types of their operands
INSTRUCTIONS = {
    "ldtilecfg": (ctypes.c_void_p,),
    "tilerelease": (),
    "tilezero": (ctypes.c_uint8,),
    "tileloadd64": (ctypes.c_uint8, ctypes.c_void_p, ctypes.c_int64),
    "tilestored64": (ctypes.c_uint8, ctypes.c_void_p, ctypes.c_int64),
    "tdpbf16ps": (ctypes.c_uint8,) * 3,
    "tdpfp16ps": (ctypes.c_uint8,) * 3,
}
_NAMED = re.compile(rf"@llvm\.x86\.({'|'.join(INSTRUCTIONS)})\b")


#: before + left[1] right[1], rounded, + left[0] right[0], subnormal numbers as zeros everywhere
_PAIRS = """
define internal <16 x float> @flushed(<16 x float> %value) #9 {
  %size = call <16 x float> @llvm.fabs.v16f32(<16 x float> %value)
  %least = bitcast <16 x i32> splat (i32 8388608) to <16 x float>
  %tiny = fcmp olt <16 x float> %size, %least
  %flushed = select <16 x i1> %tiny, <16 x float> zeroinitializer, <16 x float> %value
  ret <16 x float> %flushed
}
define internal <16 x float> @product_of_one(<16 x float> %before, <16 x i32> %left, <16 x i32> %right) #9 {
  %a = bitcast <16 x i32> %left to <16 x float>
  %b = bitcast <16 x i32> %right to <16 x float>
  %x = call <16 x float> @flushed(<16 x float> %a)
  %y = call <16 x float> @flushed(<16 x float> %b)
  %sum = call <16 x float> @llvm.fma.v16f32(<16 x float> %x, <16 x float> %y, <16 x float> %before)
  %made = call <16 x float> @flushed(<16 x float> %sum)
  ret <16 x float> %made
}
define internal <16 x float> @products_of_pairs(<16 x float> %before, <16 x i32> %a, <16 x i32> %b) #9 {
  %a1 = and <16 x i32> %a, splat (i32 -65536)
  %b1 = and <16 x i32> %b, splat (i32 -65536)
  %a0 = shl <16 x i32> %a, splat (i32 16)
  %b0 = shl <16 x i32> %b, splat (i32 16)
  %start = call <16 x float> @flushed(<16 x float> %before)
  %one = call <16 x float> @product_of_one(<16 x float> %start, <16 x i32> %a1, <16 x i32> %b1)
  %both = call <16 x float> @product_of_one(<16 x float> %one, <16 x i32> %a0, <16 x i32> %b0)
  ret <16 x float> %both
}
attributes #9 = { "prefer-vector-width"="512" }
declare <16 x float> @llvm.fabs.v16f32(<16 x float>)
declare <16 x float> @llvm.fma.v16f32(<16 x float>, <16 x float>, <16 x float>)
"""
_PAIRED = "@llvm.x86.avx512bf16.dpbf16ps.512"
#: rounded to nearest even, NaN stays one, subnormal numbers as zeros
_ROUND = """
define internal <16 x bfloat> @rounded_pairs(<16 x float> %value) #9 {
  %size = call <16 x float> @llvm.fabs.v16f32(<16 x float> %value)
  %least = bitcast <16 x i32> splat (i32 8388608) to <16 x float>
  %tiny = fcmp olt <16 x float> %size, %least
  %all = bitcast <16 x float> %value to <16 x i32>
  %upper = lshr <16 x i32> %all, splat (i32 16)
  %odd = and <16 x i32> %upper, splat (i32 1)
  %more = add <16 x i32> %all, splat (i32 32767)
  %sum = add <16 x i32> %more, %odd
  %near = lshr <16 x i32> %sum, splat (i32 16)
  %sign = and <16 x i32> %upper, splat (i32 32768)
  %quiet = or <16 x i32> %upper, splat (i32 64)
  %nan = fcmp uno <16 x float> %value, %value
  %number = select <16 x i1> %tiny, <16 x i32> %sign, <16 x i32> %near
  %made = select <16 x i1> %nan, <16 x i32> %quiet, <16 x i32> %number
  %bits = trunc <16 x i32> %made to <16 x i16>
  %result = bitcast <16 x i16> %bits to <16 x bfloat>
  ret <16 x bfloat> %result
}
attributes #9 = { "prefer-vector-width"="512" }
declare <16 x float> @llvm.fabs.v16f32(<16 x float>)
"""
_ROUNDED = "@llvm.x86.avx512bf16.cvtneps2bf16.512"


def with_calls(text: str) -> str:
    """LLVM text that calls this unit in place of the processor's."""
    for name, own, definition in ((_PAIRED, "@products_of_pairs", _PAIRS), (_ROUNDED, "@rounded_pairs", _ROUND)):
        if name in text:
            declared = re.compile(rf"^declare .*{re.escape(name)}\(.*$", re.MULTILINE)
            text = declared.sub(lambda _, put=definition: put, text).replace(name, own)
    # vectors of the format have no place of their own where there are no instructions for them
    text = text.replace("<32 x bfloat>", "<16 x i32>")
    return _NAMED.sub(r"@tile_unit_\1", text)


class TileUnit:
    """The tiles, and what a processor would have refused to do (`faults`)."""

    def __init__(self) -> None:
        self.faults: list[str] = []
        self.done: set[str] = set()
        self._rows, self._row_bytes = [0] * 8, [0] * 8
        self._tiles = np.zeros((8, 16, 64), np.uint8)

    def ldtilecfg(self, address: int) -> None:
        settings = np.frombuffer((ctypes.c_uint8 * 64).from_address(address), np.uint8)
        row_bytes, rows = settings[16:32].view(np.uint16), settings[48:56]
        reserved = settings[2:16].any() or settings[32:48].any() or settings[56:].any()
        if settings[0] != 1 or reserved or (row_bytes > 64).any() or (rows > 16).any():
            self.faults.append("ldtilecfg of bad settings")
        self._rows, self._row_bytes = rows.tolist(), row_bytes.tolist()
        self._tiles[:] = 0

    def tilerelease(self) -> None:
        self._rows, self._row_bytes = [0] * 8, [0] * 8

    def tilezero(self, tile: int) -> None:
        self._tiles[self._there(tile)] = 0

    def tileloadd64(self, tile: int, address: int, step: int) -> None:
        self.tilezero(tile)
        for row in range(self._rows[tile]):
            memory = (ctypes.c_uint8 * self._row_bytes[tile]).from_address(address + row * step)
            self._tiles[tile, row, : len(memory)] = np.frombuffer(memory, np.uint8)

    def tilestored64(self, tile: int, address: int, step: int) -> None:
        for row in range(self._rows[self._there(tile)]):
            ctypes.memmove(address + row * step, self._tiles[tile, row].ctypes.data, self._row_bytes[tile])

    def tdpbf16ps(self, sums: int, left: int, right: int) -> None:
        """sums[m, n] += left[m, 2k] right[k, 2n] + left[m, 2k + 1] right[k, 2n + 1], subnormal numbers as zeros."""
        self._add_products(sums, left, right, _wide)

    def tdpfp16ps(self, sums: int, left: int, right: int) -> None:
        """The same of float16, whose subnormal numbers count as what they are."""
        self._add_products(sums, left, right, lambda tile: tile.view(np.float16).astype(np.float64))

    def _add_products(self, sums: int, left: int, right: int, wide: Callable[[Array], Array]) -> None:
        rows, depth, _ = (self._rows[self._there(tile)] for tile in (sums, right, left))
        columns = self._row_bytes[sums] // 4
        shapes_agree = self._rows[left] == rows and self._row_bytes[left] == 4 * depth
        if len({sums, left, right}) < 3 or not shapes_agree or self._row_bytes[right] != 4 * columns:
            self.faults.append("products of tiles that do not fit")
        a, b = (wide(self._tiles[tile]) for tile in (left, right))
        total = self._tiles[sums].view(np.float32)
        with np.errstate(all="ignore"):
            even, odd = np.zeros((rows, columns), np.float32), np.zeros((rows, columns), np.float32)
            for k in range(depth):
                # a product of two halves is exact in float64, and its sum with a float32 all but exact
                even = _flushed((even + a[:rows, 2 * k, None] * b[k, None, : 2 * columns : 2]).astype(np.float32))
                odd = _flushed((odd + a[:rows, 2 * k + 1, None] * b[k, None, 1 : 2 * columns : 2]).astype(np.float32))
            made = _flushed(_flushed(total[:rows, :columns]) + _flushed(even + odd))
        total[:] = 0
        total[:rows, :columns] = made

    def _there(self, tile: int) -> int:
        if not self._rows[tile]:
            self.faults.append(f"tile {tile} is not there")
        return tile


def _wide(tile: Array) -> Array:
    """A tile's bfloat16 numbers in float64."""
    return _flushed((tile.view(np.uint16).astype(np.uint32) << 16).view(np.float32)).astype(np.float64)


def _flushed(values: Array) -> Array:
    return np.where(np.abs(values) < np.finfo(np.float32).smallest_normal, np.float32(0), values)


@cache
def installed() -> TileUnit:
    """The unit that LLVM's code finds by name; kernels run on one thread."""
    unit = TileUnit()
    for name, types in INSTRUCTIONS.items():
        _install(unit, name, types)
    return unit


_kept: list[Any] = []


def _install(unit: TileUnit, name: str, types: tuple[Any, ...]) -> None:
    def called(*operands: int) -> None:
        unit.done.add(name)
        getattr(unit, name)(*operands)

    function = ctypes.CFUNCTYPE(None, *types)(called)
    _kept.append(function)
    llvm.add_symbol(f"tile_unit_{name}", ctypes.cast(function, ctypes.c_void_p).value)
