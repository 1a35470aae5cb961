"""A unit of AMX tiles in software: kernels run where the processor has none, calls in place of the instructions.

After Intel's Architecture Instruction Set Extensions Programming Reference, chapter on AMX: palette 1, eight tiles.
"""

from __future__ import annotations

import ctypes
import re
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
}
_NAMED = re.compile(rf"@llvm\.x86\.({'|'.join(INSTRUCTIONS)})\b")


def with_calls(text: str) -> str:
    """LLVM text that calls this unit in place of the processor's."""
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
        rows, depth, _ = (self._rows[self._there(tile)] for tile in (sums, right, left))
        columns = self._row_bytes[sums] // 4
        shapes_agree = self._rows[left] == rows and self._row_bytes[left] == 4 * depth
        if len({sums, left, right}) < 3 or not shapes_agree or self._row_bytes[right] != 4 * columns:
            self.faults.append("tdpbf16ps of tiles that do not fit")
        a, b = (_wide(self._tiles[tile]) for tile in (left, right))
        total = self._tiles[sums].view(np.float32)
        with np.errstate(all="ignore"):
            even, odd = np.zeros((rows, columns), np.float32), np.zeros((rows, columns), np.float32)
            for k in range(depth):
                # a product of two bfloat16 is exact in float64, and its sum with a float32 all but exact
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
