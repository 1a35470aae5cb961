"""`einsum` against NumPy's, on Curta's tensors and NumPy's arrays."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import pytest

import curta
from curta.einops import einsum
from curta.errors import DTypeError, EinopsError


class Case(NamedTuple):
    pattern: str
    shapes: tuple[tuple[int, ...], ...]
    #: the same with letters, as NumPy takes it
    letters: str


CASES = (
    Case("a b, b c -> a c", ((2, 3), (3, 4)), "ab,bc->ac"),
    Case("a b, b c -> c a", ((2, 3), (3, 4)), "ab,bc->ca"),
    Case("a b, c b -> a c", ((2, 3), (4, 3)), "ab,cb->ac"),
    Case("batch time width, width out -> batch time out", ((2, 3, 4), (4, 5)), "btc,cd->btd"),
    Case("o i, b t i -> b t o", ((5, 4), (2, 3, 4)), "oi,bti->bto"),
    Case("b h i d, b h j d -> b h i j", ((2, 3, 4, 5), (2, 3, 6, 5)), "bhid,bhjd->bhij"),
    Case("b i h d, b j h d -> b h i j", ((2, 4, 3, 5), (2, 6, 3, 5)), "bihd,bjhd->bhij"),
    Case("b i h d, b j h d -> i b j h", ((2, 4, 3, 5), (2, 6, 3, 5)), "bihd,bjhd->ibjh"),
    Case("b h w, h w c -> b c", ((2, 3, 4), (3, 4, 5)), "bhw,hwc->bc"),
    Case("b h w, w h c -> c b", ((2, 3, 4), (4, 3, 5)), "bhw,whc->cb"),
    Case("a, b -> a b", ((2,), (3,)), "a,b->ab"),
    Case("a, b -> b a", ((2,), (3,)), "a,b->ba"),
    Case("a, a -> a", ((3,), (3,)), "a,a->a"),
    Case("a, a -> ", ((3,), (3,)), "a,a->"),
    Case("a b, a b -> a", ((2, 3), (2, 3)), "ab,ab->a"),
    Case("a b, a c -> a b c", ((2, 3), (2, 4)), "ab,ac->abc"),
    Case("a b, b -> a", ((2, 3), (3,)), "ab,b->a"),
    Case("a b, c -> b", ((2, 3), (4,)), "ab,c->b"),
    Case("a b c -> c a", ((2, 3, 4),), "abc->ca"),
    Case("a b c -> ", ((2, 3, 4),), "abc->"),
    Case("a b -> b a", ((2, 3),), "ab->ba"),
    Case("i i ->", ((3, 3),), "ii->"),
    Case("i i -> i", ((3, 3),), "ii->i"),
    Case("i j i -> j i", ((3, 2, 3),), "iji->ji"),
    Case("i i i -> i", ((3, 3, 3),), "iii->i"),
    Case("i i, i j -> j", ((3, 3), (3, 2)), "ii,ij->j"),
    Case("a b c, d c b, e a d -> c e", ((2, 3, 4), (5, 4, 3), (6, 2, 5)), "abc,dcb,ead->ce"),
    Case("a b, b c, c d, d e -> a e", ((2, 3), (3, 4), (4, 5), (5, 6)), "ab,bc,cd,de->ae"),
    Case("a, b, c -> c a b", ((2,), (3,), (4,)), "a,b,c->cab"),
    Case("... a, a b -> ... b", ((2, 3, 4), (4, 5)), "...a,ab->...b"),
    Case("a ..., a ... -> ...", ((2, 3, 4), (2, 4)), "a...,a...->..."),
    Case("... a, ... a -> ... a", ((3, 1, 2), (4, 2)), "...a,...a->...a"),
    Case("... a b, ... b c -> ... a c", ((5, 1, 2, 3), (4, 3, 2)), "...ab,...bc->...ac"),
    Case("... a -> a ...", ((2, 3, 4),), "...a->a..."),
    Case("..., ... -> ...", ((), (2, 3)), "...,...->..."),
    Case("_ a, a -> _", ((2, 3), (3,)), "ba,a->b"),
    Case(", a -> a", ((), (3,)), ",a->a"),
    Case("a b, b c -> a c", ((0, 3), (3, 4)), "ab,bc->ac"),
    Case("a b, b c -> a c", ((2, 0), (0, 4)), "ab,bc->ac"),
    Case("a b, b c -> c", ((2, 0), (0, 4)), "ab,bc->c"),
)


def named(case: Case) -> str:
    return case.pattern + (" of nothing" if any(0 in shape for shape in case.shapes) else "")


def arrays(case: Case) -> list[Any]:
    random = np.random.default_rng(5)
    return [random.standard_normal(shape) for shape in case.shapes]


@pytest.mark.parametrize("case", CASES, ids=named)
def test_values(case: Case) -> None:
    given = arrays(case)
    wanted = np.einsum(case.letters, *given)
    plain = [curta.tensor(one) for one in given]
    turned = [one.permute(*range(one.dim())[::-1]).contiguous().permute(*range(one.dim())[::-1]) for one in plain]
    for tensors in (plain, turned):
        found = einsum(*tensors, case.pattern)
        assert tuple(found.shape) == wanted.shape
        np.testing.assert_allclose(found.numpy(), wanted, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("case", CASES, ids=named)
def test_numpys_own(case: Case) -> None:
    given = arrays(case)
    found = einsum(*given, case.pattern)
    assert isinstance(found, np.ndarray | np.generic)
    np.testing.assert_array_equal(found, np.einsum(case.letters, *given))


@pytest.mark.parametrize("case", [case for case in CASES if "of nothing" not in named(case)], ids=named)
def test_gradients(case: Case) -> None:
    tensors = tuple(curta.tensor(one, requires_grad=True) for one in arrays(case))
    assert curta.autograd.gradcheck(lambda *given: einsum(*given, case.pattern), tensors)


@pytest.mark.parametrize("case", CASES[:24:3], ids=named)
def test_second_gradients(case: Case) -> None:
    tensors = tuple(curta.tensor(one, requires_grad=True) for one in arrays(case))

    def function(*given: Any) -> Any:
        return einsum(*given, case.pattern) ** 2

    assert curta.autograd.gradgradcheck(function, tensors)


def test_the_gradient_of_a_diagonal_of_a_part() -> None:
    whole = curta.ones(3, 4, 3, requires_grad=True)
    einsum(whole[:, 1], "i i -> i").sum().backward()
    assert whole.grad[:, 1].tolist() == np.eye(3).tolist()
    assert whole.grad.sum().item() == 3


def test_an_axis_of_the_dots_that_the_result_lacks_is_summed() -> None:
    array = np.arange(24.0).reshape(2, 3, 4)
    assert einsum(curta.tensor(array), "... a -> a").tolist() == array.sum((0, 1)).tolist()
    assert einsum(array, "... a -> a").tolist() == array.sum((0, 1)).tolist()


@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float32", "float64", "int8", "int32", "int64", "uint8"])
def test_every_format_stays(dtype: str) -> None:
    kind = getattr(curta, dtype)
    given = [np.arange(6).reshape(2, 3) % 3, np.arange(12).reshape(3, 4) % 3]
    for pattern, letters in (
        ("a b, b c -> c a", "ab,bc->ca"),
        ("a b, b c -> a b c", "ab,bc->abc"),
        ("a b, b c -> ", "ab,bc->"),
    ):
        found = einsum(*(curta.tensor(one).to(kind) for one in given), pattern)
        assert found.dtype is kind
        np.testing.assert_array_equal(found.double().numpy(), np.einsum(letters, *given))


def test_sums_of_one_tensor_are_sums() -> None:
    """As PyTorch: of small integers in int64, where 200 + 100 does not wrap around; products keep their format."""
    x = curta.tensor([200, 100], dtype=curta.uint8)
    assert (einsum(x, "a ->").dtype, curta.einsum("i->", x).item()) == (curta.int64, 300)
    sides = curta.ones(2, 3, dtype=curta.uint8), curta.ones(3, dtype=curta.uint8)
    for pattern in ("ik,j->ij", "ik,j->ji", "ik,j->", "ij,k->i"):
        assert curta.einsum(pattern, *sides).dtype is curta.int64
    assert curta.einsum("ik,j->ij", x[:, None], sides[1]).dtype is curta.einsum("ij,j->i", *sides).dtype is curta.uint8
    assert curta.einsum("ij,kj,l->i", sides[0], sides[0], x).tolist() == [1800, 1800]
    assert curta.einsum("i->i", x).dtype is curta.einsum("i,i->", x, x).dtype is curta.uint8


def test_formats_do_not_mix_in_a_product() -> None:
    with pytest.raises(DTypeError, match="expected m1 and m2 to have the same dtype"):
        einsum(curta.ones(2, 3), curta.ones(3, dtype=curta.float64), "a b, b -> a")


def test_under_autocast_products_are_in_half() -> None:
    with curta.autocast("cpu", dtype=curta.bfloat16):
        assert einsum(curta.ones(2, 3), curta.ones(3, 4), "a b, b c -> a c").dtype is curta.bfloat16


def test_the_cheapest_pair_goes_first() -> None:
    a, b, c = curta.ones(50, 50), curta.ones(50, 50), curta.ones(50)
    with curta.account() as books:
        einsum(a, b, c, "i j, j k, k -> i")
    assert books.flops == 2 * 2 * 50 * 50


@pytest.mark.parametrize("shape", [(4, 2), (1, 2), (3,), (3, 2, 2)])
def test_numpys_arrays_are_refused_in_the_same_words_after_a_call_that_fits(shape: tuple[int, ...]) -> None:
    pattern, x = "a b, b c -> a c", np.ones((2, 3))
    for _ in range(2):
        assert einsum(x, np.ones((3, 2)), pattern).tolist() == [[3.0, 3.0], [3.0, 3.0]]
    with pytest.raises(EinopsError) as expected:
        einsum(curta.tensor(x), curta.ones(shape), pattern)
    with pytest.raises(EinopsError) as found:
        einsum(x, np.ones(shape), pattern)
    assert str(found.value) == str(expected.value)


def test_sizes_of_1_fit_any_other_in_the_einsum_by_letters() -> None:
    rng = np.random.default_rng(3)
    for equation, shapes in (
        ("abc,abc->a", ((1, 3, 4), (2, 3, 4))), ("ab,bc->ac", ((2, 1), (3, 4))), ("ab,bc->ac", ((2, 3), (1, 4))),
        ("aa,a->a", ((1, 1), (3,))), ("aa,a->a", ((3, 3), (1,))), ("ab,ab->ab", ((1, 3), (2, 1))),
        ("ab,bc,cd->ad", ((2, 1), (3, 1), (4, 5))), ("ab,ab->", ((1, 3), (0, 1))),
    ):  # fmt: skip
        arrays = [rng.standard_normal(shape) for shape in shapes]
        tensors = [curta.tensor(array, requires_grad=True) for array in arrays]
        made = curta.einsum(equation, *tensors)
        np.testing.assert_allclose(made.detach().numpy(), np.einsum(equation, *arrays), rtol=1e-12)
        made.sum().backward()
        assert [one.grad.shape for one in tensors] == [one.shape for one in tensors]
    with pytest.raises(EinopsError, match="axis 'a' has size 1 and size 3"):
        curta.einsum("aa->a", curta.ones(1, 3))
    with pytest.raises(EinopsError, match="axis 'a' has size 1 and size 2"):
        einsum(curta.ones(1, 3), curta.ones(2, 3), "a b, a b -> a")
