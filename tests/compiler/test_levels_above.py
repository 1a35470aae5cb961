"""Kernels for levels above this machine's: their vectors cut in parts, their tiles and pairs in software (`tile_unit`).

What such a processor itself makes of the same kernels is `tests/emulated`'s to say.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))
import test_attention_kernel as attention
import test_convolution_kernel as convolution
import test_matmul_ending as endings
import test_matmul_kernel as products
import tile_unit
from matmul_harness import VECTOR_BYTES, levels

ABOVE = [level for level in VECTOR_BYTES if level not in levels()]
TILED = [level for level in ABOVE if level == "amx"]
PAIRED = [level for level in ABOVE if level == "avx512bf16"]
#: the level of tiles differs from the one below it in products of bfloat16 only
UNTILED = [level for level in ABOVE if level != "amx"]


@pytest.fixture(autouse=True)
def no_faults() -> Iterator[None]:
    yield
    assert tile_unit.installed().faults == []


@pytest.mark.parametrize("level", TILED)
@pytest.mark.parametrize("layouts", ["NNN", "NTN", "TNN", "TTN", "NNT", "SSS"])
def test_tiles(level: str, layouts: str) -> None:
    tile_unit.installed().done.clear()
    products.test_shapes(level, "bfloat16", layouts)
    assert tile_unit.installed().done == set(tile_unit.INSTRUCTIONS)


@pytest.mark.parametrize("level", TILED)
def test_tiles_accumulate_and_share_out(level: str) -> None:
    for layout in "NTS":
        products.test_accumulate(level, "bfloat16", layout)
    products.test_half_formats_can_be_stored_as_float32(level, "bfloat16")
    products.test_results_do_not_depend_on_how_units_are_shared_out(level, "bfloat16")
    products.test_empty_sums_are_zero_and_empty_results_have_no_units(level, "bfloat16")
    endings.test_halves_are_summed_in_float32_and_rounded_once(level)
    products.test_infinities_and_nan_stay_in_their_rows_and_columns(level, "bfloat16")


@pytest.mark.parametrize("level", PAIRED)
def test_pairs(level: str) -> None:
    for layouts in ("NNN", "NTN", "TNN", "TTN", "NNT", "SSS"):
        products.test_shapes(level, "bfloat16", layouts)
    products.test_accumulate(level, "bfloat16", "T")
    products.test_half_formats_can_be_stored_as_float32(level, "bfloat16")
    products.test_infinities_and_nan_stay_in_their_rows_and_columns(level, "bfloat16")


@pytest.mark.parametrize("level", [*TILED, *PAIRED])
def test_subnormal_numbers_are_taken_as_zeros(level: str) -> None:
    products.test_units_of_bfloat16_take_subnormal_numbers_as_zeros(level)


@pytest.mark.parametrize("level", UNTILED)
@pytest.mark.parametrize("name", ["float32", "float64", "float16"])
def test_wide_vectors(level: str, name: str) -> None:
    for layouts in ("NNN", "NTN", "SSS"):
        products.test_shapes(level, name, layouts)
    products.test_accumulate(level, name, "N")


@pytest.mark.parametrize("level", UNTILED)
@pytest.mark.parametrize("name", ["float32", "bfloat16"])
def test_convolutions_and_attention_in_wide_vectors(level: str, name: str) -> None:
    for geometry in convolution.GEOMETRIES[::4]:
        convolution.test_values_and_both_gradients(level, name, False, geometry)
    attention.test_values(level, name, causal=True)
    attention.test_gradients(level, name, causal=False)
