"""Shapes against what PyTorch 2.13 gave, and against counting addresses one by one."""

from __future__ import annotations

import itertools
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from curta import shapes
from curta.errors import ArgumentError, IndexRangeError, ShapeError
from curta.shapes import Shape, Strides

# (shape, strides, new shape, strides of torch's view or None where torch raised)
VIEWS: list[tuple[Shape, Strides, Shape, Strides | None]] = [
    ((1, 1), (2, 2), (1, 1, 1), (2, 2, 2)),
    ((1, 1, 1, 6), (1, 1, 6, 1), (3, 2), (2, 1)),
    ((1, 1, 24), (48, 48, 2), (3, 4, 2), (16, 4, 2)),
    ((1, 1, 6, 1), (1, 6, 1, 6), (3, 2, 1), (2, 1, 6)),
    ((1, 12), (12, 1), (2, 1, 2, 3), (6, 6, 3, 1)),
    ((1, 12, 1), (1, 1, 12), (2, 1, 6, 1), (6, 6, 1, 12)),
    ((1, 2, 1, 6), (12, 1, 12, 2), (12, 1), None),
    ((1, 2, 3), (12, 6, 2), (1, 6), (12, 2)),
    ((1, 3, 2), (1, 1, 3), (6, 1, 1), None),
    ((1, 3, 2, 2), (24, 8, 4, 2), (1, 2, 1, 6), (24, 12, 12, 2)),
    ((1, 6, 4, 1), (24, 1, 6, 1), (8, 3), None),
    ((12, 1), (1, 1), (1, 4, 3, 1), (12, 3, 1, 1)),
    ((12, 2), (1, 12), (2, 1, 1, 12), None),
    ((12, 2), (2, 1), (24, 1, 1), (1, 1, 1)),
    ((2, 1, 1, 1), (0, 1, 1, 1), (1, 1, 2), (0, 0, 0)),
    ((2, 1, 3), (3, 6, 1), (1, 1, 1, 6), (6, 6, 6, 1)),
    ((2, 12), (24, 2), (4, 6), (12, 2)),
    ((2, 12, 1, 1, 2), (0, 2, 2, 2, 1), (2, 12, 1, 2), (0, 2, 2, 1)),
    ((2, 2, 3, 1), (1, 6, 2, 1), (2, 2, 3), (1, 6, 2)),
    ((2, 2, 6), (0, 6, 1), (2, 12, 1), (0, 1, 1)),
    ((2, 3, 4), (4, 8, 1), (8, 1, 3, 1), None),
    ((2, 6, 1), (0, 1, 1), (1, 1, 12), None),
    ((24, 1, 1), (2, 2, 2), (1, 2, 1, 12), (48, 24, 24, 2)),
    ((3, 2), (4, 2), (1, 3, 2), (12, 4, 2)),
    ((4, 6), (12, 2), (8, 3), (6, 2)),
    ((6, 1, 1, 2), (1, 12, 6, 6), (3, 1, 1, 4), None),
    ((6, 4), (8, 2), (2, 12, 1), (24, 2, 2)),
    ((), (), (1, 1), (1, 1)),
    ((1, 1), (3, 7), (), ()),
    ((0,), (1,), (3, 0), (1, 1)),
    ((2, 0), (5, 5), (2, 0), (5, 5)),
]

ERRORS: list[tuple[Callable[[], object], type[Exception], str]] = [
    (
        lambda: shapes.broadcast_shapes((2, 3), (2, 4)),
        ShapeError,
        "The size of tensor a (3) must match the size of tensor b (4) at non-singleton dimension 1",
    ),
    (
        lambda: shapes.broadcast_shapes((2, 3, 4), (3, 3, 4)),
        ShapeError,
        "The size of tensor a (2) must match the size of tensor b (3) at non-singleton dimension 0",
    ),
    (
        lambda: shapes.normalize_dim(2, 2),
        IndexRangeError,
        "Dimension out of range (expected to be in range of [-2, 1], but got 2)",
    ),
    (
        lambda: shapes.normalize_dim(1, 0),
        IndexRangeError,
        "Dimension out of range (expected to be in range of [-1, 0], but got 1)",
    ),
    (
        lambda: shapes.normalize_dim(0, 0, wrap_scalar=False),
        IndexRangeError,
        "Dimension specified as 0 but tensor has no dimensions",
    ),
    (lambda: shapes.normalize_dims((0, -2), 2), ShapeError, "dim 0 appears multiple times in the list of dims"),
    (lambda: shapes.infer_size((4, -1), 6), ShapeError, "shape '[4, -1]' is invalid for input of size 6"),
    (lambda: shapes.infer_size((0, -1), 6), ShapeError, "shape '[0, -1]' is invalid for input of size 6"),
    (lambda: shapes.infer_size((5,), 6), ShapeError, "shape '[5]' is invalid for input of size 6"),
    (lambda: shapes.infer_size((-1, -1), 6), ShapeError, "only one dimension can be inferred"),
    (lambda: shapes.infer_size((-2, 3), 6), ShapeError, "invalid shape dimension -2 at index 0 of shape [-2, 3]"),
    (
        lambda: shapes.infer_size((0, -1), 0),
        ShapeError,
        "cannot reshape tensor of 0 elements into shape [0, -1] because the unspecified dimension size -1 "
        "can be any value and is ambiguous",
    ),
    (lambda: shapes.permute((2, 3), (3, 1), (0, 0)), ShapeError, "permute(): duplicate dims are not allowed."),
    (
        lambda: shapes.permute((2, 3), (3, 1), (0, 2)),
        IndexRangeError,
        "Dimension out of range (expected to be in range of [-2, 1], but got 2)",
    ),
    (
        lambda: shapes.permute((2, 3), (3, 1), (0,)),
        ShapeError,
        "permute: number of dimensions in the tensor input does not match the length of the desired ordering of "
        "dimensions i.e. input.dim() = 2 is not equal to len(dims) = 1",
    ),
    (
        lambda: shapes.expand((2, 3), (3, 1), (3,)),
        ShapeError,
        "expand: the number of sizes provided (1) must be greater or equal to the number of dimensions in the "
        "tensor (2)",
    ),
    (
        lambda: shapes.expand((2, 3), (3, 1), (-1, 2, 3)),
        ShapeError,
        "The expanded size of the tensor (-1) isn't allowed in a leading, non-existing dimension 0",
    ),
    (
        lambda: shapes.expand((2, 3), (3, 1), (3, 2, 4)),
        ShapeError,
        "The expanded size of the tensor (4) must match the existing size (3) at non-singleton dimension 2.  "
        "Target sizes: [3, 2, 4].  Tensor sizes: [2, 3]",
    ),
    (
        lambda: shapes.expand((2, 3), (3, 1), (2, -2)),
        ShapeError,
        "The expanded size of the tensor (-2) must match the existing size (3) at non-singleton dimension 1.  "
        "Target sizes: [2, -2].  Tensor sizes: [2, 3]",
    ),
    (lambda: shapes.slice_geometry(3, None, None, 0), ArgumentError, "slice step cannot be zero"),
    (lambda: shapes.slice_geometry(3, None, None, -1), ArgumentError, "step must be greater than zero"),
    (
        lambda: shapes.broadcast_strides((2, 3), (3, 1), (3,)),
        ShapeError,
        "cannot broadcast shape [2, 3] to [3]",
    ),
    (
        lambda: shapes.broadcast_strides((2, 3), (3, 1), (2, 4)),
        ShapeError,
        "cannot broadcast shape [2, 3] to [2, 4]",
    ),
]


def addresses(shape: Shape, strides: Strides, offset: int = 0) -> list[int]:
    """Every element's place in the storage, in row-major order: the oracle of these tests."""
    indices = itertools.product(*(range(size) for size in shape))
    return [offset + sum(i * stride for i, stride in zip(index, strides, strict=True)) for index in indices]


@st.composite
def layouts(draw: st.DrawFn) -> tuple[Shape, Strides]:
    """A permuted contiguous tensor, perhaps with dims expanded or steps widened."""
    sizes = tuple(draw(st.lists(st.integers(1, 4), max_size=4)))
    strides = shapes.contiguous_strides(sizes)
    order = draw(st.permutations(range(len(sizes))))
    widen = draw(st.sampled_from([1, 1, 2]))
    zeroed = draw(st.sets(st.integers(0, 3), max_size=1))
    return (
        tuple(sizes[dim] for dim in order),
        tuple(0 if dim in zeroed else strides[dim] * widen for dim in order),
    )


@pytest.mark.parametrize(("shape", "strides", "new_shape", "expected"), VIEWS)
def test_view_strides_are_pytorchs(shape: Shape, strides: Strides, new_shape: Shape, expected: Strides | None) -> None:
    assert shapes.view_strides(shape, strides, new_shape) == expected


@pytest.mark.parametrize(("call", "error", "message"), ERRORS)
def test_errors_read_like_pytorchs(call: Callable[[], object], error: type[Exception], message: str) -> None:
    with pytest.raises(error) as caught:
        call()
    assert str(caught.value) == message


@given(layouts(), st.lists(st.sampled_from([1, 2, 3, 4, 6]), max_size=3))
@settings(max_examples=150, deadline=None)
def test_view_shows_the_same_elements(layout: tuple[Shape, Strides], sizes: list[int]) -> None:
    shape, strides = layout
    count = shapes.element_count(shape)
    known = shapes.element_count(sizes)
    if count % known:
        return
    new_shape = (*sizes, count // known)
    result = shapes.view_strides(shape, strides, new_shape)
    if result is not None:
        assert addresses(new_shape, result) == addresses(shape, strides)
    else:
        assert not shapes.is_contiguous(shape, strides)


@given(layouts())
@settings(max_examples=150, deadline=None)
def test_layout_facts_agree_with_counting(layout: tuple[Shape, Strides]) -> None:
    shape, strides = layout
    places = addresses(shape, strides)
    assert shapes.is_contiguous(shape, strides) == (places == list(range(len(places))))
    assert shapes.is_dense(shape, strides) == (sorted(places) == list(range(len(places))))
    # expanded dims are the only way these layouts repeat an element
    assert shapes.has_internal_overlap(shape, strides) == (len(set(places)) < len(places))
    assert shapes.storage_extent(shape, strides, 5) == max(places) + 6


@given(layouts(), st.booleans())
@settings(max_examples=150, deadline=None)
def test_coalesce_visits_the_same_elements(layout: tuple[Shape, Strides], reorder: bool) -> None:
    shape, strides = layout
    second = shapes.contiguous_strides(shape)
    sizes, (first_steps, second_steps) = shapes.coalesce(shape, strides, second, reorder=reorder)
    before = list(zip(addresses(shape, strides), addresses(shape, second), strict=True))
    after = list(zip(addresses(sizes, first_steps), addresses(sizes, second_steps), strict=True))
    assert sorted(before) == sorted(after)
    if not reorder:
        assert before == after
    assert 1 not in sizes


@given(layouts(), layouts(), st.integers(0, 12))
@settings(max_examples=200, deadline=None)
def test_memory_overlap_never_promises_too_much(
    first: tuple[Shape, Strides], second: tuple[Shape, Strides], offset: int
) -> None:
    verdict = shapes.memory_overlap((*first, 0), (*second, offset))
    left, right = addresses(*first), addresses(*second, offset)
    if verdict == "none":
        assert not set(left) & set(right)
    elif verdict == "full":
        assert left == right
    elif verdict == "partial":
        assert set(left) & set(right)


@pytest.mark.parametrize(
    ("first", "second", "expected"),
    [
        # PyTorch refuses `x[1:].add_(x[:-1])`, and computes the others in place
        (((9,), (1,), 1), ((9,), (1,), 0), "partial"),
        (((5,), (1,), 0), ((5,), (1,), 5), "none"),
        (((10,), (1,), 0), ((10,), (1,), 0), "full"),
        (((5,), (2,), 0), ((5,), (1,), 0), "maybe"),
        (((5,), (2,), 0), ((5,), (2,), 1), "none"),
        (((5,), (2,), 0), ((5,), (2,), 0), "full"),
        # a square matrix and its transpose: the same block, another order
        (((3, 3), (3, 1), 0), ((3, 3), (1, 3), 0), "partial"),
        # the same elements as another shape
        (((1, 6), (6, 1), 0), ((6, 1), (1, 1), 0), "full"),
        (((0,), (1,), 0), ((4,), (1,), 0), "none"),
        (((2, 2), (0, 1), 0), ((2, 2), (0, 1), 0), "maybe"),
        (((), (), 3), ((), (), 3), "full"),
        (((), (), 3), ((), (), 4), "none"),
    ],
)
def test_memory_overlap(first: tuple[Shape, Strides, int], second: tuple[Shape, Strides, int], expected: str) -> None:
    assert shapes.memory_overlap(first, second) == expected
    assert shapes.memory_overlap(second, first) == expected


@pytest.mark.parametrize(
    ("inputs", "expected"),
    [
        (((2, 3), (3,)), (2, 3)),
        (((), ()), ()),
        (((5, 1, 4), (3, 1), (1,)), (5, 3, 4)),
        (((0, 3), (1, 3)), (0, 3)),
        (((1,), (0,)), (0,)),
        ((), ()),
    ],
)
def test_broadcast_shapes(inputs: tuple[Shape, ...], expected: Shape) -> None:
    assert shapes.broadcast_shapes(*inputs) == expected


def test_broadcast_strides_repeat_by_standing_still() -> None:
    assert shapes.broadcast_strides((3,), (2,), (4, 3)) == (0, 2)
    assert shapes.broadcast_strides((), (), (4, 3)) == (0, 0)
    assert shapes.broadcast_strides((1, 3), (9, 1), (1, 3)) == (9, 1)


@pytest.mark.parametrize(
    ("sizes", "strides", "expected"),
    [
        # the layouts PyTorch 2.13 gave to `a + b`, as the order of the iteration: outermost first, ones dropped
        ((3, 1, 4), ((0, 4, 1), (1, 1, 3)), (4, 3)),
        ((4, 3, 4), ((0, 1, 3), (1, 4, 0)), (3, 4, 4)),
        ((2, 3, 2), ((0, 2, 1), (1, 0, 2)), (2, 3, 2)),
        ((2, 3), ((1, 2), (1, 2)), (6,)),
    ],
)
def test_reordering_is_tensor_iterators(sizes: Shape, strides: tuple[Strides, ...], expected: Shape) -> None:
    assert shapes.coalesce(sizes, *strides, reorder=True)[0] == expected


def test_expand_and_permute() -> None:
    assert shapes.expand((1, 3), (3, 1), (0, 3)) == ((0, 3), (0, 1))
    assert shapes.expand((), (), (2, 2)) == ((2, 2), (0, 0))
    assert shapes.expand((2, 1), (1, 1), (-1, 1)) == ((2, 1), (1, 1))
    assert shapes.permute((2, 3, 4), (12, 4, 1), (-1, 0, 1)) == ((4, 2, 3), (1, 12, 4))


@given(st.integers(0, 8), st.integers(-10, 10), st.integers(-10, 10), st.integers(1, 4))
@settings(max_examples=100, deadline=None)
def test_slices_are_pythons(size: int, start: int, stop: int, step: int) -> None:
    first, count, by = shapes.slice_geometry(size, start, stop, step)
    assert [first + by * i for i in range(count)] == list(range(size))[start:stop:step]


def test_contiguous_strides_with_nothing_in_it() -> None:
    assert shapes.contiguous_strides(()) == ()
    assert shapes.contiguous_strides((3, 0, 2)) == (2, 2, 1)
    assert shapes.is_contiguous((3, 0), (7, 7))
    assert shapes.coalesce((1, 1), (5, 7)) == ((), ((),))
