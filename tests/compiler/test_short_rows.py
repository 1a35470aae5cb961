"""Rows too short for a vector: taken down the columns, reduced many at once, and what is left of a row in pieces."""

from __future__ import annotations

from typing import Any

import ml_dtypes
import numpy as np
import pytest

import curta
from curta.compiler.space import Space, across_lines

#: one of each width, and those that are special in memory
FORMATS = ("float32", "float16", "bfloat16", "int8", "int64", "bool")
#: rows on their own and many, blocks that are not filled, several dimensions before
SHAPES = ((700, 1), (1537, 3), (3, 519, 4), (2, 3, 16, 2), (33, 7), (21, 31), (600, 20))


def numbers(shape: tuple[int, ...], name: str, seed: int) -> Any:
    """Whole numbers, whose sums every format but the bytes holds exactly."""
    values = np.random.default_rng(seed).integers(-8, 9, shape)
    return values > 0 if name == "bool" else values.astype(ml_dtypes.bfloat16 if name == "bfloat16" else name)


def layouts(shape: tuple[int, ...], name: str) -> list[tuple[Any, Any]]:
    """Arrays and tensors of them: row-major, a part of wider rows, every second element, transposed."""
    wide = numbers((*shape[:-1], 2 * shape[-1] + 3), name, 1)
    last = numbers((shape[-1], *shape[:-1]), name, 2)
    turned = (*range(1, len(shape)), 0)
    x, y = curta.from_numpy(wide), curta.from_numpy(last)
    size = shape[-1]
    return [
        (wide[..., :size].copy(), x[..., :size].contiguous()), (wide[..., 2 : 2 + size], x[..., 2 : 2 + size]),
        (wide[..., : 2 * size : 2], x[..., : 2 * size : 2]), (last.transpose(turned), y.permute(turned)),
    ]  # fmt: skip


def wide(values: Any) -> Any:
    """As numbers that NumPy can compare: NumPy has no bfloat16 of its own."""
    return np.asarray(values.detach().numpy() if isinstance(values, curta.Tensor) else values).astype(np.float64)


def rounded(values: Any, name: str) -> Any:
    """As the format holds them, where it is a half one."""
    return wide(values.astype(ml_dtypes.bfloat16 if name == "bfloat16" else name)) if "float16" in name else values


@pytest.mark.parametrize("name", FORMATS)
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_elements(shape: tuple[int, ...], name: str) -> None:
    for a, x in layouts(shape, name):
        for b, y in layouts(shape, name)[::3]:
            assert np.array_equal(wide(x > y), wide(a).__gt__(wide(b)))
            found, wanted = (x & y, a & b) if name == "bool" else (x * y, wide(a) * wide(b))
            assert np.array_equal(wide(found), wide(wanted))


@pytest.mark.parametrize("name", FORMATS)
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_written_in_place(shape: tuple[int, ...], name: str) -> None:
    """Nothing is written twice, and nothing beside the rows."""
    for a, x in layouts(shape, name):
        base = x if x._base is None else x._base
        before, wanted = wide(base).copy(), wide(a)
        touched = curta.zeros(base.numel(), dtype=curta.bool).as_strided(base.shape, base.stride())
        touched.as_strided(x.shape, x.stride(), x.storage_offset()).fill_(True)
        x += x
        assert np.array_equal(wide(x), wide(a | a) if name == "bool" else 2 * wanted)
        assert np.array_equal(wide(base)[~touched.numpy()], before[~touched.numpy()])


@pytest.mark.parametrize("name", FORMATS)
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_reductions(shape: tuple[int, ...], name: str) -> None:
    for a, x in layouts(shape, name):
        values = wide(a)
        for dim in range(len(shape)):
            assert np.array_equal(wide(x.sum(dim)), rounded(values.sum(dim), name))
            assert np.array_equal(wide(x.amax(dim)), values.max(dim))
            assert np.array_equal(wide(x.any(dim)), (values != 0).any(dim))
            if name != "bool":
                places = wide(x.argmin(dim)).astype(np.int64)
                assert np.array_equal(places, values.argmin(dim))
                assert np.array_equal(wide(x.cummax(dim)[0]), np.maximum.accumulate(values, dim))
            assert np.array_equal(wide(x.cumsum(dim)), rounded(values.cumsum(dim), name))


@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_several_passes_over_a_row(shape: tuple[int, ...]) -> None:
    for a, x in layouts(shape, "float32"):
        found, values = curta.softmax(x, -1), wide(a)
        weights = np.exp(values - values.max(-1, keepdims=True))
        assert np.allclose(wide(found), weights / weights.sum(-1, keepdims=True), rtol=1e-6, atol=1e-12)


@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_any_number_of_threads_gives_the_same_bits(shape: tuple[int, ...]) -> None:
    values = np.random.default_rng(5).standard_normal((*shape[:-1], 2 * shape[-1])).astype(np.float32)
    x = curta.from_numpy(values)[..., ::2]
    threads, found = curta.get_num_threads(), []
    try:
        for some in (1, 3):
            curta.set_num_threads(some)
            found.append([(x * x + 1).numpy(), x.sum(-1).numpy(), x.sum(0).numpy(), x.cumsum(-1).numpy()])
    finally:
        curta.set_num_threads(threads)
    assert all(a.tobytes() == b.tobytes() for a, b in zip(*found, strict=True))


def test_many_rows_are_shared_out() -> None:
    """Tasks begin and end anywhere among the rows of several outer dimensions, and inside of blocks of short ones."""
    random = np.random.default_rng(6)
    a, b = random.integers(-9, 9, (40, 50)).astype(np.float32), random.integers(-9, 9, (30, 21)).astype(np.float32)
    c = random.integers(-9, 9, (7, 2500, 4)).astype(np.float32)
    d, e = (
        random.integers(-9, 9, (7, 3, 2500)).astype(np.float32),
        random.integers(-9, 9, (90, 11, 70)).astype(np.int32),
    )
    threads = curta.get_num_threads()
    try:
        for some in (1, 2, 3, 5):
            curta.set_num_threads(some)
            x, y, z, v, w = map(curta.from_numpy, (a, b, c, d, e))
            assert np.array_equal(curta.kron(x, y).numpy(), np.kron(a, b))
            assert np.array_equal((z[..., :3] - v.transpose(1, 2)).numpy(), c[..., :3] - d.transpose(0, 2, 1))
            assert np.array_equal((v.transpose(1, 2) - z[..., 1:]).numpy(), d.transpose(0, 2, 1) - c[..., 1:])
            assert np.array_equal(w[:, :, ::3].sum((0, 2)).numpy(), e[:, :, ::3].sum((0, 2)))
            assert np.array_equal(w.permute(2, 0, 1).amax((0, 2)).numpy(), e.transpose(2, 0, 1).max((0, 2)))
            assert np.array_equal(z.cummin(2)[0].numpy(), np.minimum.accumulate(c, 2))
    finally:
        curta.set_num_threads(threads)


#: rows a power of two apart, longer than a cache has lines for, and other dimensions before and behind
CROWDED = (((1024, 300), (1, 0)), ((3, 1024, 250), (2, 0, 1)), ((1024, 5, 300), (2, 1, 0)), ((2, 512, 270), (0, 2, 1)))


@pytest.mark.parametrize("name", ["float32", "bfloat16", "int64", "bool"])
@pytest.mark.parametrize(("shape", "order"), CROWDED, ids=str)
def test_lines_of_a_cache_across_rows(shape: tuple[int, ...], order: tuple[int, ...], name: str) -> None:
    """Elements whose neighbours in memory are in the next row are gone through in narrow blocks of rows."""
    whole = numbers((*shape[:-1], 1024), name, 3)
    a = whole[..., : shape[-1]].transpose(order)
    x = curta.from_numpy(whole)[..., : shape[-1]].permute(order)
    b = numbers(a.shape, name, 4)
    y = curta.from_numpy(b)
    assert np.array_equal(wide(x > y), wide(a) > wide(b))
    assert np.array_equal(wide(curta.where(y > 0, x, y)), np.where(wide(b) > 0, wide(a), wide(b)))
    assert np.array_equal(wide(x.tril(2)), np.tril(wide(a), 2))
    held = y.clone()
    held.copy_(x.logical_not() if name == "bool" else -x)
    assert np.array_equal(wide(held), ~a if name == "bool" else -wide(a))
    x.copy_(y)
    assert np.array_equal(wide(x), wide(b))


def test_blocks_across_lines_are_taken_where_they_are_needed() -> None:
    def turns(step: int, count: int, movable: bool = True) -> tuple[int, tuple[int, ...]]:
        """Of x[20, 30, count] + y: y's neighbours are along the first dimension."""
        rows, beside = [(120 * count, 4 * count), (4, 80)], [4, step]
        found = across_lines(Space((20, 30), (), count, rows, [(), ()], beside), [0, 1], movable)
        return found.turns, found.outer

    assert turns(4096, 1000) == (20, (30, 20))
    assert turns(4096, 1000, movable=False) == (1, (20, 30))
    assert turns(4096, 10) == (1, (20, 30))  # its lines fit
    assert turns(4096 + 64, 1000) == (1, (20, 30))  # and so do those that lie anywhere
    assert turns(4, 100_000) == (1, (20, 30))
