"""Kernels for levels above this machine's: their vectors cut in parts, their tiles and pairs in software (`tile_unit`).

What such a processor itself makes of the same kernels is `tests/emulated`'s to say.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from curta import dtypes
from curta.compiler.matmul import plan_matmul
from curta.runtime import cpu

sys.path.insert(0, str(Path(__file__).parent))
import test_attention_kernel as attention
import test_convolution_kernel as convolution
import test_matmul_ending as endings
import test_matmul_kernel as products
import tile_unit
from matmul_harness import VECTOR_BYTES, assembly, levels

ABOVE = [level for level in VECTOR_BYTES if level not in levels()]
#: of each level of tiles the format that the one below it does not multiply in tiles
TILED = [(level, name) for level, name in (("amx", "bfloat16"), ("amxfp16", "float16")) if level in ABOVE]
PAIRED = [level for level in ABOVE if level == "avx512bf16"]
#: the levels of tiles differ from those below them in these products only
UNTILED = [level for level in ABOVE if level not in cpu.TILED]


@pytest.fixture(autouse=True)
def no_faults() -> Iterator[None]:
    yield
    assert tile_unit.installed().faults == []


@pytest.mark.parametrize(("level", "name"), TILED)
@pytest.mark.parametrize("layouts", ["NNN", "NTN", "TNN", "TTN", "NNT", "SSS"])
def test_tiles(level: str, name: str, layouts: str) -> None:
    tile_unit.installed().done.clear()
    products.test_shapes(level, name, layouts)
    other = "tdpfp16ps" if name == "bfloat16" else "tdpbf16ps"
    assert tile_unit.installed().done == {*tile_unit.INSTRUCTIONS} - {other}


@pytest.mark.parametrize(("level", "name"), TILED)
def test_tiles_accumulate_and_share_out(level: str, name: str) -> None:
    for layout in "NTS":
        products.test_accumulate(level, name, layout)
    products.test_half_formats_can_be_stored_as_float32(level, name)
    products.test_results_do_not_depend_on_how_units_are_shared_out(level, name)
    products.test_empty_sums_are_zero_and_empty_results_have_no_units(level, name)
    endings.test_halves_are_summed_in_float32_and_rounded_once(level)
    products.test_infinities_and_nan_stay_in_their_rows_and_columns(level, name)


@pytest.mark.parametrize("level", [level for level, name in TILED if name == "float16"])
def test_tiles_take_subnormal_numbers_of_float16_as_they_are(level: str) -> None:
    """Intel's manual, TDPFP16PS: of its operands they count, of its sums they are zeros."""
    small, made = np.full((3, 5), 2.0**-20, np.float16), np.full((3, 4), np.nan, np.float32)
    products.run(small, np.ones((5, 4), np.float16), made, level)
    assert (made == 5 * 2.0**-20).all()


@pytest.mark.parametrize("level", PAIRED)
def test_pairs(level: str) -> None:
    for layouts in ("NNN", "NTN", "TNN", "TTN", "NNT", "SSS"):
        products.test_shapes(level, "bfloat16", layouts)
    products.test_accumulate(level, "bfloat16", "T")
    products.test_half_formats_can_be_stored_as_float32(level, "bfloat16")
    products.test_infinities_and_nan_stay_in_their_rows_and_columns(level, "bfloat16")


@pytest.mark.parametrize("level", [*(level for level, name in TILED if name == "bfloat16"), *PAIRED])
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


@pytest.mark.parametrize(
    ("level", "name", "instruction"),
    [("amx", "bfloat16", "tdpbf16ps"), ("amxfp16", "bfloat16", "tdpbf16ps"), ("amxfp16", "float16", "tdpfp16ps")],
)
def test_a_processor_with_tiles_is_given_its_instructions(level: str, name: str, instruction: str) -> None:
    """Four products a turn, and not their calls by the intrinsics' names."""
    near = [(64, 1)] * 3
    plan = plan_matmul(
        getattr(dtypes, name), (), 64, 64, 64, *near, level=level, vector_bytes=64, out_dtype=dtypes.float32
    )  # fmt: skip
    assert assembly(plan, level).count(f"\t{instruction}\t") == 4
