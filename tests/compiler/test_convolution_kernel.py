"""Convolution kernels against sums over taps in float64, at every level this machine has."""

from __future__ import annotations

import itertools
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
import pytest

from curta import dtypes
from curta.compiler.convolution import (
    Geometry,
    Program,
    plan_forward,
    plan_input_gradient,
    plan_weight_gradient,
    winograd,
)  # fmt: skip
from curta.compiler.convolution.geometry import most_pieces, vectors
from curta.compiler.convolution.plan import leaves_columns_empty
from curta.compiler.convolution.winograd_slopes import SLOPES_FIELDS
from curta.compiler.expression import Expression, call
from curta.compiler.loops import Slot
from curta.compiler.matmul import Ending, tiles
from curta.errors import CompilerError
from curta.memory.layout import strided
from curta.runtime import cpu

sys.path.insert(0, str(Path(__file__).parent))
from convolution_oracle import convolved, gradient_of_input, gradient_of_weight
from matmul_harness import VECTOR_BYTES, Array, levels, load, modules
from test_matmul_kernel import FLOATS, ROUNDING, numpy_dtype

#: images, groups, channels and filters of a group, size, kernel, stride, zeros before and after, dilation
GEOMETRIES = [
    Geometry(2, 1, 3, 5, (7, 9), (3, 3), (1, 1), (1, 1), (1, 1), (1, 1)),
    Geometry(1, 1, 2, 3, (20, 37), (3, 3), (1, 1), (0, 0), (0, 0), (1, 1)),
    Geometry(3, 2, 2, 3, (8, 8), (3, 3), (2, 2), (1, 1), (1, 1), (1, 1)),
    Geometry(2, 1, 4, 7, (11, 13), (5, 5), (1, 1), (2, 2), (2, 2), (1, 1)),
    Geometry(2, 1, 3, 8, (17, 16), (7, 7), (2, 2), (3, 3), (3, 3), (1, 1)),
    Geometry(1, 1, 2, 2, (9, 12), (2, 3), (3, 2), (0, 2), (1, 0), (1, 1)),
    Geometry(2, 1, 3, 4, (10, 11), (3, 3), (1, 1), (2, 2), (2, 2), (2, 2)),
    Geometry(2, 1, 3, 4, (12, 13), (3, 2), (2, 3), (1, 0), (2, 1), (3, 2)),
    Geometry(4, 6, 1, 1, (6, 6), (3, 3), (1, 1), (1, 1), (1, 1), (1, 1)),
    Geometry(2, 3, 1, 2, (6, 7), (3, 3), (2, 2), (1, 1), (1, 1), (1, 1)),
    Geometry(2, 1, 5, 6, (9, 8), (1, 1), (1, 1), (0, 0), (0, 0), (1, 1)),
    Geometry(2, 2, 5, 6, (9, 8), (1, 1), (2, 2), (0, 0), (0, 0), (1, 1)),
    Geometry(2, 1, 2, 3, (5, 4), (1, 1), (3, 3), (1, 1), (0, 1), (1, 1)),
    Geometry(3, 1, 3, 4, (8, 8), (4, 4), (4, 4), (0, 0), (0, 0), (1, 1)),
    Geometry(70, 1, 3, 4, (3, 3), (3, 3), (1, 1), (0, 0), (0, 0), (1, 1)),
    Geometry(9, 1, 40, 14, (4, 4), (3, 3), (1, 1), (1, 1), (1, 1), (1, 1)),
    Geometry(1, 1, 70, 20, (18, 18), (2, 2), (1, 1), (0, 0), (0, 0), (1, 1)),
    Geometry(3, 1, 130, 6, (7, 7), (1, 1), (1, 1), (0, 0), (0, 0), (1, 1)),
    Geometry(5, 2, 128, 7, (5, 4), (1, 1), (2, 1), (0, 0), (0, 0), (1, 1)),
    Geometry(2, 2, 5, 40, (12, 11), (1, 1), (1, 1), (0, 0), (0, 0), (1, 1)),
    Geometry(3, 1, 20, 14, (23, 24), (1, 1), (2, 2), (0, 0), (0, 0), (1, 1)),
    Geometry(2, 1, 1024, 13, (3, 3), (1, 1), (1, 1), (0, 0), (0, 0), (1, 1)),
    Geometry(1, 1, 1, 1, (1, 1), (1, 1), (1, 1), (1, 1), (1, 1), (1, 1)),
    Geometry(1, 1, 1, 1, (2, 1), (1, 1), (5, 5), (0, 0), (0, 0), (1, 1)),
]  # fmt: skip
#: and those that Winograd's products pay for
WINOGRAD = [
    Geometry(3, 1, 32, 40, (13, 11), (3, 3), (1, 1), (1, 1), (1, 1), (1, 1)),
    Geometry(40, 1, 35, 33, (4, 4), (3, 3), (1, 1), (1, 1), (1, 1), (1, 1)),
    Geometry(2, 1, 36, 100, (21, 20), (3, 3), (1, 1), (0, 2), (2, 1), (1, 1)),
    Geometry(1, 1, 32, 34, (38, 70), (3, 3), (1, 1), (0, 0), (0, 0), (1, 1)),
]
#: and those whose units make planes for themselves: of some lines, of several images, of many channels and filters
BANDS = [
    Geometry(2, 1, 5, 30, (60, 61), (3, 3), (2, 2), (1, 1), (1, 1), (1, 1)),
    Geometry(9, 2, 7, 20, (20, 21), (3, 3), (2, 2), (1, 1), (1, 1), (1, 1)),
    Geometry(1, 1, 41, 140, (40, 33), (3, 3), (2, 1), (1, 1), (1, 1), (1, 1)),
    Geometry(1, 1, 3, 130, (38, 67), (4, 3), (2, 2), (1, 1), (2, 1), (1, 2)),
    Geometry(1, 1, 2, 3, (40, 41), (5, 4), (3, 3), (3, 0), (0, 2), (2, 3)),
    Geometry(4, 1, 3, 130, (5, 5), (3, 1), (1, 1), (0, 0), (0, 0), (1, 1)),
]
GEOMETRIES += WINOGRAD + BANDS + [Geometry(1, 1, 2, 3, (20, 23), (17, 17), (2, 2), (8, 8), (8, 8), (1, 1))]


def values(rng: np.random.Generator, shape: tuple[int, ...], name: str, *, apart: bool = False) -> Array:
    """Random values; `apart` in another order in memory, with gaps."""
    if not apart:
        return rng.standard_normal(shape).astype(numpy_dtype(name))
    return rng.standard_normal((*shape[::-1], 2)).astype(numpy_dtype(name))[..., 0].transpose()


def shapes(geometry: Geometry) -> tuple[tuple[int, ...], tuple[int, ...], tuple[int, ...]]:
    """The shapes of the image, the weight and the result."""
    images, groups, channels, filters, size, kernel, *_ = geometry
    return (
        (images, groups * channels, *size), (groups * filters, channels, *kernel),
        (images, groups * filters, *geometry.counts),
    )  # fmt: skip


def three(x: Any, weight: Any, g: Any) -> list[tuple[Any, ...]]:
    """Each product of a convolution with its operands and its result."""
    return [(plan_forward, x, weight, g), (plan_input_gradient, g, weight, x), (plan_weight_gradient, x, g, weight)]


def layout_of(array: Array) -> Any:
    return strided(array.shape, tuple(s // array.itemsize for s in array.strides), dtypes.from_numpy(array.dtype))


def run(
    plan: Any, geometry: Geometry, first: Array, second: Array, out: Array, level: str, cuts: int = 1,
    ended: Sequence[Any] = (), words: Mapping[Any, int] = MappingProxyType({}),
) -> Program:  # fmt: skip
    """All launches of a convolution, each in `cuts` separate calls, done last to first.

    `ended` are an ending and its operands, `words` those of them that are not among the others.
    """
    layouts = [layout_of(array) for array in (first, second, out)]
    program: Program = plan(geometry, *layouts, Program(level, VECTOR_BYTES[level]), *ended)
    # NaN in every byte of what nobody has written, and around
    rooms = [np.full(layout.nbytes + 256, 0xFF, np.uint8) for layout in program.temporaries]
    places = {
        ("input", 0): first.ctypes.data, ("input", 1): second.ctypes.data, ("output", 0): out.ctypes.data,
        **{("partial", n): room.ctypes.data + 128 + -room.ctypes.data % 64 for n, room in enumerate(rooms)}, **words,
    }  # fmt: skip
    for launch in program.launches:
        arguments = np.array([places[source] for source in launch.sources], np.int64)
        kernel, meta = load(launch.plan, level), np.array(launch.plan.meta, np.int64)
        edges = sorted({launch.plan.units * number // cuts for number in range(cuts + 1)})
        for start, stop in reversed(list(itertools.pairwise(edges))):
            scratch = np.full(launch.plan.scratch_bytes + 192, 0xFF, np.uint8)
            address = scratch.ctypes.data + -scratch.ctypes.data % 64
            kernel(arguments.ctypes.data, meta.ctypes.data, address, start, stop)
            end = address - scratch.ctypes.data + launch.plan.scratch_bytes
            assert (scratch[end:] == 0xFF).all(), "the kernel wrote behind its scratch"
    for room, layout in zip(rooms, program.temporaries, strict=True):
        start = 128 + -room.ctypes.data % 64
        assert (room[:start] == 0xFF).all(), "the kernel wrote before a temporary"
        assert (room[start + layout.nbytes :] == 0xFF).all(), "the kernel wrote behind a temporary"
    return program


def check(found: Array, expected: Array, size: Array, steps: int, name: str) -> None:
    """Every element within the bound on rounding: `steps` in the sums' format and one rounding of the result."""
    summing = ROUNDING["float64" if name == "float64" else "float32"]
    bound = 2 * (steps + 2) * summing * size + ROUNDING[name] * np.abs(expected) + 1e-40
    assert (np.abs(found.astype(np.float64) - expected) <= bound).all()


def wide(*arrays: Array) -> list[Array]:
    return [array.astype(np.float64) for array in arrays]


@pytest.mark.parametrize("level", levels())
@pytest.mark.parametrize("name", FLOATS)
@pytest.mark.parametrize("apart", [False, True])
@pytest.mark.parametrize("geometry", GEOMETRIES, ids=lambda geometry: "-".join(str(n) for n in geometry))
def test_values_and_both_gradients(level: str, name: str, apart: bool, geometry: Geometry) -> None:
    rng = np.random.default_rng(1)
    x, weight, g = (values(rng, shape, name, apart=apart) for shape in shapes(geometry))
    out, dx, dw = (np.full(array.shape, np.nan, x.dtype) for array in (g, x, weight))
    run(plan_forward, geometry, x, weight, out, level)
    run(plan_input_gradient, geometry, g, weight, dx, level)
    run(plan_weight_gradient, geometry, x, g, dw, level)
    exact, positive = wide(x, weight, g), [np.abs(array) for array in wide(x, weight, g)]
    K = geometry.channels * geometry.taps
    check(out, *(convolved(geometry, a, b) for a, b, _ in (exact, positive)), K, name)
    check(
        dx,
        *(gradient_of_input(geometry, c, b) for _, b, c in (exact, positive)),
        geometry.filters * geometry.taps,
        name,
    )
    check(dw, *(gradient_of_weight(geometry, a, c) for a, _, c in (exact, positive)), g[:, 0].size, name)


SCALE = 0.375


def ending(arrays: list[Array], name: str, *, home: bool) -> Ending:
    """max(sums + bias, 0) * SCALE + residual over arrays of the result's shape: sums, bias, residual and result."""
    wide = dtypes.float64 if name == "float64" else dtypes.float32
    kinds = [wide, *(dtypes.from_numpy(each.dtype) for each in arrays[1:])]
    slots = [Slot(kind, role) for kind, role in zip(kinds, ("input", "input", "input", "output"), strict=True)]
    sums, bias, residual = (Expression("input", wide, (), number) for number in range(3))
    made = call("maximum", sums + bias, Expression("constant", wide, (), 0.0)) * Expression("scalar", wide, (), 4)
    strides = [*(each.strides for each in arrays), (0, 0, 0, 0)]
    return Ending((*slots, Slot(dtypes.float64, "scalar")), ((3, made + residual),), 0, tuple(strides), home)


@pytest.mark.parametrize("level", levels())
@pytest.mark.parametrize("name", ["float32", "float64", "bfloat16"])
@pytest.mark.parametrize("form", ["in place", "staged", "line by line"])
@pytest.mark.parametrize("geometry", GEOMETRIES, ids=lambda geometry: "-".join(str(n) for n in geometry))
def test_endings(level: str, name: str, form: str, geometry: Geometry) -> None:
    rng = np.random.default_rng(3)
    (_, _, shape), line_by_line = shapes(geometry), form == "line by line"
    x, weight = (values(rng, each, name) for each in shapes(geometry)[:2])
    bias = np.broadcast_to(values(rng, (shape[1], 1, 1), name), shape)
    residual = values(rng, shape, name, apart=line_by_line)
    if line_by_line:
        bias = np.broadcast_to(values(rng, shape[3:], name), shape)
    home = form == "in place" and name != "bfloat16"  # the sums are wider
    out, cut = (np.full(shape, np.nan, x.dtype) for _ in range(2))
    sums = np.zeros(shape, "float64" if name == "float64" else "float32")
    sources = [("output", 1), ("input", 2), ("input", 3), ("output", 1), ("input", 4)]
    for target, cuts in ((out, 1), (cut, 3)):
        ended = ending([sums, bias, residual, target], name, home=home), sources
        number = int(np.array([SCALE]).view(np.int64)[0])
        addresses = {("input", 2): bias, ("input", 3): residual, ("output", 1): target}
        words = {source: array.ctypes.data for source, array in addresses.items()} | {("input", 4): number}
        dtype, program = dtypes.from_numpy(x.dtype), Program(level, VECTOR_BYTES[level])
        together = leaves_columns_empty(geometry, geometry.channels, dtype, program)
        if line_by_line and geometry.is_pointwise and not together and 1 not in geometry.counts:
            with pytest.raises(CompilerError, match="what follows it does not lie as the pixels of an image"):
                run(plan_forward, geometry, x, weight, sums, level, cuts, ended, words)
            return
        program = run(plan_forward, geometry, x, weight, sums, level, cuts, ended, words)
        assert program.launches[-1].ending is not None
    exact, positive = wide(x, weight, bias, residual), [np.abs(one) for one in wide(x, weight, bias, residual)]
    wanted = np.maximum(convolved(geometry, *exact[:2]) + exact[2], 0) * SCALE + exact[3]
    size = convolved(geometry, *positive[:2]) + positive[2] + positive[3]
    check(out, wanted, size, geometry.channels * geometry.taps + 4, name)
    assert out.tobytes() == cut.tobytes()


@pytest.mark.parametrize("level", levels())
@pytest.mark.parametrize("along", ["columns", "channels"])
@pytest.mark.parametrize("geometry", GEOMETRIES, ids=lambda geometry: "-".join(str(n) for n in geometry))
def test_endings_of_the_gradient_of_an_image(level: str, along: str, geometry: Geometry) -> None:
    rng = np.random.default_rng(4)
    shape, *rest = shapes(geometry)
    weight, g = (values(rng, each, "float32") for each in rest)
    biases = values(rng, shape[3:] if along == "columns" else (shape[1], 1, 1), "float32")
    bias = np.broadcast_to(biases, shape)
    residual, out = values(rng, shape, "float32"), np.full(shape, np.nan, np.float32)
    sources = [("output", 0), ("input", 2), ("input", 3), ("output", 0), ("input", 4)]
    ended = ending([out, bias, residual, out], "float32", home=True), sources
    number = int(np.array([SCALE]).view(np.int64)[0])
    words = {("input", 2): bias.ctypes.data, ("input", 3): residual.ctypes.data, ("input", 4): number}
    if geometry.stride != (1, 1):
        with pytest.raises(CompilerError, match="nothing can follow its sums where the stride is not 1"):
            run(plan_input_gradient, geometry, g, weight, out, level, 1, ended, words)
        return
    run(plan_input_gradient, geometry, g, weight, out, level, 1, ended, words)
    exact, positive = wide(g, weight, bias, residual), [np.abs(one) for one in wide(g, weight, bias, residual)]
    wanted = np.maximum(gradient_of_input(geometry, *exact[:2]) + exact[2], 0) * SCALE + exact[3]
    size = gradient_of_input(geometry, *positive[:2]) + positive[2] + positive[3]
    check(out, wanted, size, geometry.filters * geometry.taps + 4, "float32")


@pytest.mark.parametrize("level", levels())
@pytest.mark.parametrize("geometry", WINOGRAD, ids=lambda geometry: "-".join(str(n) for n in geometry))
def test_winograds_products_however_tiles_are_cut(
    level: str, geometry: Geometry, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Results are the same bit by bit, from few tiles at a time to all, and with few filters in a unit."""
    rng = np.random.default_rng(6)
    x, weight, g = (values(rng, shape, "float32") for shape in shapes(geometry))
    made, units = [], set()
    for share, threads in ((0.6, 1), (0.001, 1), (100.0, 1), (100.0, 64)):
        monkeypatch.setattr(winograd, "SHARE", share)
        monkeypatch.setattr(cpu, "processors", lambda threads=threads: threads)
        out, dx, dw = (np.full(array.shape, np.nan, np.float32) for array in (g, x, weight))
        forward = run(plan_forward, geometry, x, weight, out, level)
        run(plan_input_gradient, geometry, g, weight, dx, level)
        run(plan_weight_gradient, geometry, x, g, dw, level)
        assert "winograd" in forward.launches[-1].plan.key
        units.add(forward.launches[-1].plan.units)
        made.append((out, dx, dw))
    assert len(units) > 1
    for out, dx, dw in made[1:]:
        assert out.tobytes() == made[0][0].tobytes()
        assert dx.tobytes() == made[0][1].tobytes()
        np.testing.assert_allclose(dw, made[0][2], atol=1e-3)
    assert made[2][2].tobytes() == made[3][2].tobytes()  # not by threads


@pytest.mark.parametrize("size", [4, 7, 14, 32, 56])
def test_a_weights_gradient_is_summed_over_many_tiles_at_a_time(size: int) -> None:
    """Whatever images have: each sum is read and written once for all of these tiles."""
    geometry = Geometry(32, 1, 64, 64, (size, size), (3, 3), (1, 1), (1, 1), (1, 1), (1, 1))
    x, weight, g = (layout_of(np.zeros(shape, np.float32)) for shape in shapes(geometry))
    plan = plan_weight_gradient(geometry, x, g, weight, Program("avx2", 32)).launches[-2].plan
    at_once, lines, tiles = (plan.meta[SLOPES_FIELDS.index(name)] for name in ("images_each", "lines_each", "tiles"))
    assert at_once * lines * tiles >= 100


def test_rows_that_displace_each_other_are_packed() -> None:
    for channels, order in ((1024, "k_packed"), (1000, "k")):
        geometry = Geometry(4, 1, channels, 64, (7, 7), (1, 1), (1, 1), (0, 0), (0, 0), (1, 1))
        layouts = [layout_of(np.zeros(shape, np.float32)) for shape in shapes(geometry)]
        plan = plan_forward(geometry, *layouts, Program("avx512", 64)).launches[-1].plan
        assert f"_a{order}_" in plan.key


@pytest.mark.parametrize("geometry", BANDS, ids=lambda geometry: "-".join(str(n) for n in geometry))
def test_units_make_planes_of_the_lines_they_read(geometry: Geometry) -> None:
    """No launch before the sums, and no temporary, but in a weight's gradient for the gradients of results; the grid
    above has their values."""
    x, weight, g = (layout_of(np.zeros(shape, np.float32)) for shape in shapes(geometry))
    program = plan_forward(geometry, x, weight, g, Program("avx512", 64))
    (launch,) = program.launches
    assert "_band" in launch.plan.key
    assert not program.temporaries
    program = plan_weight_gradient(geometry, x, g, weight, Program("avx512", 64))
    launch = program.launches[-1]
    # 36 channels and taps are cut by filters: several units would make the same planes
    assert ("_band" in launch.plan.key) is (geometry.channels * geometry.taps != 36)
    assert len(program.temporaries) == (2 if geometry.channels * geometry.taps == 36 else 1)


@pytest.mark.parametrize("name", ["float32", "float64"])
def test_no_sum_is_cut_by_the_number_of_processors(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Tiles are, and so whether units make their planes."""
    geometry = Geometry(1, 1, 41, 300, (29, 31), (3, 3), (2, 2), (1, 1), (1, 1), (1, 1))
    rng, found, keys = np.random.default_rng(9), [], set()
    x, weight, g = (rng.standard_normal(shape).astype(name) for shape in shapes(geometry))
    choose = tiles.choose_tiles.__wrapped__
    monkeypatch.setattr("curta.compiler.convolution.columns.choose_tiles", choose)
    monkeypatch.setattr("curta.compiler.convolution.plan.choose_tiles", choose)
    for counts in ((1,), (1, 2), (1, 2, 4, 8, 16, 32, 64)):
        monkeypatch.setattr(tiles, "_thread_counts", lambda found=counts: found)
        outs = [np.full_like(out, np.nan) for out in (g, x, weight)]
        for (plan, first, second, _), out in zip(three(x, weight, g), outs, strict=True):
            program = run(plan, geometry, first, second, out, levels()[-1])
            keys.add((plan, "_band" in program.launches[-1].plan.key))
        found.append([out.tobytes() for out in outs])
    assert found[0] == found[1] == found[2]
    assert {(plan_forward, True), (plan_forward, False)} <= keys


def test_few_filters_have_a_lower_kernel() -> None:
    for filters, low in ((4, True), (5, False)):
        geometry = Geometry(1, 1, 16, filters, (20, 20), (3, 3), (2, 2), (1, 1), (1, 1), (1, 1))
        layouts = [layout_of(np.zeros(shape, np.float32)) for shape in shapes(geometry)]
        plan = plan_forward(geometry, *layouts, Program("avx512", 64)).launches[-1].plan
        assert ("_low_" in plan.key) is low


def test_where_planes_of_all_images_are_made_beforehand() -> None:
    """Where a window has more taps than a block of K, where several units would make the same ones, and where few
    filters read windows that need no packing."""
    many_taps = Geometry(1, 1, 2, 3, (20, 23), (17, 17), (2, 2), (8, 8), (8, 8), (1, 1))
    several_units = Geometry(4, 1, 512, 512, (14, 14), (3, 3), (2, 2), (1, 1), (1, 1), (1, 1))
    few_filters = Geometry(4, 1, 16, 16, (64, 64), (3, 3), (2, 2), (1, 1), (1, 1), (1, 1))
    for geometry, in_place in ((many_taps, False), (several_units, False), (few_filters, True)):
        layouts = [layout_of(np.zeros(shape, np.float32)) for shape in shapes(geometry)]
        planes, sums = plan_forward(geometry, *layouts, Program("avx512", 64)).launches
        assert planes.plan.key.startswith("planes")
        assert "_band" not in sums.plan.key
        assert ("_in_place" in sums.plan.key) is in_place
    layouts = [layout_of(np.zeros(shape, np.float32)) for shape in shapes(few_filters._replace(filters=128))]
    (packed,) = plan_forward(few_filters._replace(filters=128), *layouts, Program("avx512", 64)).launches
    assert "_band" in packed.plan.key


@pytest.mark.parametrize("level", levels())
@pytest.mark.parametrize("name", ["float32", "bfloat16"])
@pytest.mark.parametrize("geometry", WINOGRAD, ids=lambda geometry: "-".join(str(n) for n in geometry))
def test_what_is_not_finite_stays_where_the_definition_has_it(
    level: str, name: str, geometry: Geometry, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Winograd's differences of infinities are NaN, and those of the largest numbers infinite: neither shows."""
    rng = np.random.default_rng(7)
    # so small that the largest numbers, times these, are sums that are far from infinite
    x, weight, g = ((0.01 * values(rng, shape, name)).astype(numpy_dtype(name)) for shape in shapes(geometry))
    for array in (x, g):
        rows = array.reshape(-1, array.shape[-1])
        rows[rng.choice(len(rows), 4, replace=False), 1] = [np.inf, np.nan, -np.inf, 3e38]
        huge = rng.choice(len(rows), 1)
        rows[huge, :4] = [3e38, 3e38, -3e38, -3e38]
    weight.reshape(-1)[rng.choice(weight.size, 2, replace=False)] = [np.inf, np.nan]
    found = []
    for pays in (winograd.pays, lambda geometry, dtype: False):
        monkeypatch.setattr("curta.compiler.convolution.plan.pays", pays)
        made = [np.zeros(array.shape, x.dtype) for array in (g, x, weight)]
        run(plan_forward, geometry, x, weight, made[0], level)
        run(plan_input_gradient, geometry, g, weight, made[1], level)
        run(plan_weight_gradient, geometry, x, g, made[2], level)
        found.append(wide(*made))
    for ours, plain in zip(*found, strict=True):
        odd = ~np.isfinite(plain)
        assert 0 < odd.sum()
        np.testing.assert_array_equal(np.isfinite(ours), ~odd)
        np.testing.assert_array_equal(ours[odd], plain[odd])


@pytest.mark.parametrize("level", levels())
def test_nothing_but_nan(level: str) -> None:
    """The sums by definition end where all of them are NaN."""
    geometry = WINOGRAD[0]
    x, weight, g = (np.full(shape, np.nan, np.float32) for shape in shapes(geometry))
    weight[...] = 1.0
    out, dx, dw = (np.zeros(array.shape, np.float32) for array in (g, x, weight))
    run(plan_forward, geometry, x, weight, out, level)
    run(plan_input_gradient, geometry, g, weight, dx, level)
    run(plan_weight_gradient, geometry, x, g, dw, level)
    assert all(np.isnan(made).all() for made in (out, dx, dw))


def test_where_winograds_products_pay() -> None:
    """By sizes and by what is saved: 36 multiplications by definition, 16 for each tile of 2 x 2."""
    like = WINOGRAD[0]
    assert winograd.pays(like, dtypes.float32)
    assert winograd.pays(like, dtypes.bfloat16)  # its sums are float32
    assert not winograd.pays(like, dtypes.float64)
    for change in (
        {"channels": 31}, {"filters": 31}, {"groups": 2}, {"stride": (2, 1)}, {"dilation": (1, 2)}, {"kernel": (3, 2)},
        {"before": (3, 0)}, {"after": (0, 3)}, {"size": (5, 5)}, {"size": (1, 200)},
    ):  # fmt: skip
        assert not winograd.pays(like._replace(**change), dtypes.float32), change


@pytest.mark.parametrize("level", levels())
@pytest.mark.parametrize("images", [0, 2])
@pytest.mark.parametrize("channels", [0, 2])
def test_empty_sums_are_zero_and_empty_results_have_no_units(level: str, images: int, channels: int) -> None:
    for kernel, stride in (((3, 3), (1, 1)), ((3, 3), (2, 2)), ((1, 1), (1, 1)), ((1, 1), (2, 2))):
        geometry = Geometry(images, 1, channels, 3, (6, 6), kernel, stride, (0, 0), (0, 0), (1, 1))
        x, weight, g = (np.ones(shape, np.float32) for shape in shapes(geometry))
        out, dx, dw = (np.full(array.shape, np.nan, np.float32) for array in (g, x, weight))
        run(plan_forward, geometry, x, weight, out, level)
        run(plan_input_gradient, geometry, g, weight, dx, level)
        run(plan_weight_gradient, geometry, x, g, dw, level)
        np.testing.assert_array_equal(out, convolved(geometry, x, weight))
        np.testing.assert_array_equal(dx, gradient_of_input(geometry, g, weight))
        np.testing.assert_array_equal(dw, gradient_of_weight(geometry, x, g))


@pytest.mark.parametrize("level", levels())
@pytest.mark.parametrize("name", ["float32", "bfloat16"])
def test_results_do_not_depend_on_how_units_are_shared_out(level: str, name: str) -> None:
    rng = np.random.default_rng(2)
    for size, stride in (((24, 24), (1, 1)), ((24, 24), (2, 2)), ((6, 6), (1, 1))):
        geometry = Geometry(3, 2, 24, 36, size, (3, 3), stride, (1, 1), (1, 1), (1, 1))
        x, weight, g = (values(rng, shape, name) for shape in shapes(geometry))
        for plan, *operands, like in three(x, weight, g):
            whole, cut = np.zeros_like(like), np.ones_like(like)
            run(plan, geometry, *operands, whole, level)
            run(plan, geometry, *operands, cut, level, cuts=5)
            assert whole.tobytes() == cut.tobytes()


@pytest.mark.parametrize("level", ["portable", "avx2", "avx512", "amx", "amxfp16"])
@pytest.mark.parametrize("name", FLOATS)
def test_the_text_is_sound_at_every_level(level: str, name: str) -> None:
    """Also at those that this machine cannot run."""
    for geometry in (*GEOMETRIES[:4], WINOGRAD[0]):
        layouts = [layout_of(np.zeros(shape, numpy_dtype(name))) for shape in shapes(geometry)]
        for plan, *operands in three(*layouts):
            for launch in plan(geometry, *operands, Program(level, VECTOR_BYTES[level])).launches:
                modules(launch.plan)


def test_code_is_shared_by_pattern_not_by_size() -> None:
    for sizes in (
        ((3, 8, (32, 32)), (64, 30, (32, 16)), (128, 5, (64, 64))), ((32, 64, (32, 32)), (100, 36, (20, 24))),
    ):  # fmt: skip
        keys = set()
        for channels, filters, size in sizes:
            geometry = Geometry(2, 1, channels, filters, size, (3, 3), (1, 1), (1, 1), (1, 1), (1, 1))
            layouts = [layout_of(np.zeros(shape, np.float32)) for shape in shapes(geometry)]
            program = plan_forward(geometry, *layouts, Program("avx2", 32))
            keys.add(frozenset(launch.plan.key for launch in program.launches))
        assert len(keys) == 1


@pytest.mark.parametrize("lanes", [4, 8, 16])
def test_the_most_pieces_are_counted_without_the_vectors(lanes: int) -> None:
    for length, runs in itertools.product(range(1, 40), (1, 2, 3, 7, 50)):
        found = vectors([100 * run for run in range(runs)], length, lanes)
        assert most_pieces(length, runs, lanes) == max(map(len, found)), (length, runs)


def test_vectors_of_pixels_are_cut_where_lines_end() -> None:
    # lines of 3 pixels, 5 apart, in vectors of 4: 0 1 2 5 | 6 7 10 11 | 12
    assert vectors([0, 5, 10], 3, 4) == [[(0, 0), (3, 2)], [(0, 6), (2, 8)], [(0, 12)]]
    # lines without gaps are one
    assert vectors([0, 3, 6], 3, 4) == [[(0, 0)], [(0, 4)], [(0, 8)]]
