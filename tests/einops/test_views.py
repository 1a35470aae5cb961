"""Nothing is copied where nothing must be, and a reduction is one kernel: read from the account."""

from __future__ import annotations

from typing import Any

import pytest
from families import REARRANGE, REPEAT, Family

import curta
from curta.einops import einsum, pack, rearrange, reduce, repeat, unpack


def moved(books: Any) -> int:
    return int(books.bytes_read + books.bytes_written)


def filled(family: Family) -> bool:
    return all(family.shape)


@pytest.mark.parametrize("family", [*filter(filled, REARRANGE), *filter(filled, REPEAT)], ids=lambda one: one.pattern)
def test_a_view_where_one_is_enough(family: Family) -> None:
    x = curta.zeros(family.shape)
    operation = rearrange if family in REARRANGE else repeat
    with curta.account() as books:
        found = operation(x, family.pattern, **family.sizes)
    shares = found.untyped_storage() is x.untyped_storage()
    assert shares is family.view
    assert (moved(books) == 0) is (family.view or 0 in found.shape)
    assert books.calls <= (1 if family.view else 3)
    if not family.view:
        assert books.bytes_written == found.nbytes
        assert found.is_contiguous()


def test_merging_what_a_view_tore_apart_needs_no_copy() -> None:
    x = curta.zeros(2, 3, 4, 5).permute(0, 2, 3, 1)
    with curta.account() as books:
        found = rearrange(x, "b h w c -> b (h w) c")
    assert moved(books) == 0
    assert found.stride() == (60, 1, 20)


def test_nothing_to_do_gives_the_tensor_itself() -> None:
    x = curta.zeros(2, 3)
    assert rearrange(x, "a b -> a b") is x
    assert repeat(x, "a b -> a b") is x
    assert reduce(x, "a b -> a b", "sum") is x
    assert einsum(x, "a b -> a b") is x


def test_a_write_through_the_result_shows() -> None:
    x = curta.zeros(2, 6)
    rearrange(x, "a (b c) -> c b a", b=2)[0] = 1
    assert x.tolist() == [[1, 0, 0, 1, 0, 0]] * 2


@pytest.mark.parametrize("name", ["sum", "mean", "max", "min", "prod", "any", "all"])
@pytest.mark.parametrize("pattern", ["b c h w -> w b", "b c (h 2) w -> (w b) 1 h", "b c h w -> c", "b c h w -> "])
def test_a_reduction_is_one_kernel(pattern: str, name: str) -> None:
    x = curta.ones(2, 3, 4, 5)
    with curta.account() as books:
        found = reduce(x, pattern, name)
    working = {operator: cost for operator, cost in books.by_op().items() if any(cost)}
    assert list(working) == [{"max": "max", "min": "min"}.get(name, name).replace("max", "amax").replace("min", "amin")]
    assert books.bytes_read == x.nbytes
    assert books.bytes_written == found.nbytes
    assert found.is_contiguous()


def test_a_rearrangement_is_one_step_of_the_graph() -> None:
    x = curta.zeros(2, 6, requires_grad=True)
    found = rearrange(x, "a (b c) -> c b a", b=2)
    assert found.grad_fn.name() == "RearrangeBackward0"
    assert [function.name() for function, _ in found.grad_fn.next_functions] == ["AccumulateGrad"]


def test_parts_of_a_pack_are_views() -> None:
    packed = curta.zeros(2, 20, 3)
    with curta.account() as books:
        parts = unpack(packed, [(4,), (), (3, 5)], "a * b")
    assert moved(books) == 0
    assert all(part.untyped_storage() is packed.untyped_storage() for part in parts)


def test_a_pack_of_one_is_a_view() -> None:
    x = curta.zeros(2, 4, 5)
    packed, shapes = pack([x], "a *")
    assert packed.untyped_storage() is x.untyped_storage()
    assert (packed.shape, shapes) == ((2, 20), [(4, 5)])


def test_einsum_of_what_lies_in_order_is_one_product() -> None:
    x, weight = curta.ones(2, 3, 4), curta.ones(5, 4)
    with curta.account() as books:
        found = einsum(x, weight, "b t c, d c -> b t d")
    assert {name: cost.flops for name, cost in books.by_op().items() if any(cost)} == {"matmul": 2 * 2 * 3 * 4 * 5}
    assert books.bytes_written == found.nbytes
    assert found.is_contiguous()


def test_attentions_products_are_batches_of_views() -> None:
    q, k = (curta.ones(2, 7, 3, 4) for _ in range(2))
    with curta.account() as books:
        found = einsum(q, k, "b i h d, b j h d -> b h i j")
    assert [name for name, cost in books.by_op().items() if any(cost)] == ["matmul"]
    assert found.is_contiguous()
