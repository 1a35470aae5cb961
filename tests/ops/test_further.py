"""Element-wise functions and reductions that are written with others: values, gradients, costs, the meta device."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import scipy.special

sys.path.insert(0, str(Path(__file__).parent))
from cases import FLOATS, INTEGERS, ORDERED, POSITIVE, UNIT, WIDE, Case
from support import LAYOUTS, array, distance, exact, operand, to_numpy
from test_elementwise import _differences

import curta
from curta.autograd import gradcheck, gradgradcheck
from curta.ops import special
from curta.ops.record import Op

INF, NAN = float("inf"), float("nan")


def case(name: str, oracle: Any, op: Op, domains: Any, flops: int, calls: int, **more: Any) -> Case:
    return Case(name, getattr(curta, name), oracle, op, domains, flops=flops, transcendentals=calls, **more)


def _xlogy(x: Any, y: Any) -> Any:
    return scipy.special.xlogy(x, y)


#: as those of `cases.py`, with the FLOPs and calls of all the parts
CASES = (
    case("asinh", np.arcsinh, special.ASINH, (WIDE,), 8, 2, ulp=4),
    case("acosh", np.arccosh, special.ACOSH, ((1.1, 6.0),), 6, 2, ulp=4),
    case("atanh", np.arctanh, special.ATANH, (UNIT,), 5, 1, ulp=4),
    case("sinc", np.sinc, special.SINC, (POSITIVE,), 2, 1, ulp=2000),
    case("logit", scipy.special.logit, special.LOGIT, ((0.05, 0.95),), 2, 2, ulp=2000),
    case("hypot", np.hypot, special.HYPOT, (WIDE, WIDE), 7, 0, ulp=2),
    case("logaddexp", np.logaddexp, special.LOGADDEXP, (WIDE, WIDE), 4, 2, ulp=2000),
    case("logaddexp2", np.logaddexp2, special.LOGADDEXP2, (WIDE, WIDE), 5, 2, ulp=2000),
    case("xlogy", _xlogy, special.XLOGY, (WIDE, POSITIVE), 1, 1, ulp=2),
    case("fmax", np.fmax, special.FMAX, (WIDE, WIDE), 0, 0, ulp=0, dtypes=ORDERED),
    case("fmin", np.fmin, special.FMIN, (WIDE, WIDE), 0, 0, ulp=0, dtypes=ORDERED),
    case("heaviside", np.heaviside, special.HEAVISIDE, (WIDE, WIDE), 0, 0, ulp=0, dtypes=ORDERED, gradient=False),
    case("copysign", np.copysign, special.COPYSIGN, (WIDE, WIDE), 0, 0, ulp=0),
    case("signbit", lambda x: x < 0, special.SIGNBIT, (WIDE,), 0, 0, ulp=0, dtypes=(*ORDERED, "bool"), gradient=False),
    case("nextafter", np.nextafter, special.NEXTAFTER, (WIDE, WIDE), 0, 0, ulp=0, dtypes=("float64",), gradient=False),
    case("gcd", np.gcd, special.GCD, ((-9, 9), (-9, 9)), 1, 0, ulp=0, dtypes=INTEGERS, gradient=False),
    case("lcm", np.lcm, special.LCM, ((-9, 9), (-9, 9)), 4, 0, ulp=0, dtypes=INTEGERS, gradient=False),
)


@pytest.mark.parametrize("one", CASES, ids=lambda one: one.name)
def test_values(one: Case) -> None:
    for dtype in one.dtypes:
        for layout in LAYOUTS if dtype == one.dtypes[-1] else LAYOUTS[:1]:
            pairs = [operand(layout, place, domain, dtype) for place, domain in enumerate(one.domains)]
            with np.errstate(all="ignore"):
                wanted = np.asarray(one.oracle(*(exact(values) for values, _ in pairs)))
            found = to_numpy(one.function(*(tensor for _, tensor in pairs)))
            assert found.shape == wanted.shape
            if found.dtype.kind in "iu":
                wanted = wanted.astype(found.dtype)
            allowed = one.ulp if found.dtype.itemsize > 2 else min(one.ulp, 0.51)
            assert distance(found, wanted) <= allowed, (dtype, layout)


@pytest.mark.parametrize("one", [one for one in CASES if one.gradient], ids=lambda one: one.name)
def test_gradients(one: Case) -> None:
    shapes = ((3, 1), (4,))[: len(one.domains)]
    arrays = [
        array(shape, domain, "float64", 7 + n)
        for n, (shape, domain) in enumerate(zip(shapes, one.domains, strict=True))
    ]
    tensors = [curta.from_numpy(values.copy()).requires_grad_() for values in arrays]
    result = one.function(*tensors)
    weights = np.random.default_rng(9).uniform(0.5, 1.5, result.shape)
    found = curta.autograd.grad((result * curta.from_numpy(weights)).sum(), tensors)
    for place, gradient in enumerate(found):
        wanted = _differences(one, arrays, place, weights)
        np.testing.assert_allclose(gradient.numpy(), wanted, rtol=2e-6, atol=2e-7)
    assert gradgradcheck(one.function, tuple(tensors))


@pytest.mark.parametrize("one", CASES, ids=lambda one: one.name)
def test_meta_and_cost(one: Case) -> None:
    dtype = one.dtypes[-1] if "float32" not in one.dtypes else "float32"
    real = [operand("contiguous", place, domain, dtype)[1] for place, domain in enumerate(one.domains)]
    wanted, found = one.function(*real), one.function(*(curta.empty_like(x, device="meta") for x in real))
    assert (found.shape, found.dtype, found.device.type) == (wanted.shape, wanted.dtype, "meta")
    cost = one.op.cost(tuple(x.layout for x in real), (wanted.layout,))
    read = sum(x.layout.nbytes for x in real)
    assert cost[:4] == (one.flops * 35, one.transcendentals * 35, read, wanted.layout.nbytes)


@pytest.mark.parametrize(
    ("function", "inputs", "wanted"),
    [
        (curta.hypot, ([3.0, INF, 1e30, 0.0], [4.0, NAN, 1e30, 0.0]), [5.0, INF, 1.4142135e30, 0.0]),
        (curta.logaddexp, ([-INF, INF, NAN], [-INF, INF, 1.0]), [-INF, INF, NAN]),
        (curta.logaddexp2, ([-INF, INF, 1.0], [-INF, INF, 1.0]), [-INF, INF, 2.0]),
        (curta.xlogy, ([0.0, 0.0, 2.0], [0.0, NAN, 1.0]), [0.0, NAN, 0.0]),
        (curta.asinh, ([1e-8, -1e20, -0.0],), [1e-8, -46.7448, 0.0]),
        (curta.acosh, ([1.0, 0.5, 1e20, -3.0, -2e8, -1e20, -INF],), [0.0, NAN, 46.7448, NAN, NAN, NAN, NAN]),
        (curta.atanh, ([1.0, 2.0, -1.0],), [INF, NAN, -INF]),
        (curta.sinc, ([0.0, 0.5],), [1.0, 0.63662]),
        (curta.logit, ([0.0, 1.0, 2.0],), [-INF, INF, NAN]),
        (curta.sgn, ([-2.0, 0.0, NAN],), [-1.0, 0.0, 0.0]),
        (curta.signbit, ([-0.0, 1.0, -NAN],), [1, 0, 1]),
        (curta.copysign, ([1.0, -2.0], [-0.0, 3.0]), [-1.0, 2.0]),
        (curta.heaviside, ([-1.0, 0.0, 2.0, NAN], [0.5]), [0.0, 0.5, 1.0, 0.0]),
        (curta.fmax, ([1.0, NAN, NAN], [NAN, 2.0, NAN]), [1.0, 2.0, NAN]),
        (curta.deg2rad, ([180.0],), [np.pi]),
        (curta.rad2deg, ([np.pi],), [180.0]),
        (curta.ldexp, ([1.0, 2.0], [3.0, 4.0]), [8.0, 32.0]),
        (curta.isposinf, ([-INF, INF, 1.0],), [0, 1, 0]),
        (curta.isneginf, ([-INF, INF, 1.0],), [1, 0, 0]),
        (curta.positive, ([1.0],), [1.0]),
    ],
)
def test_special_points(function: Any, inputs: Any, wanted: Any) -> None:
    """Recorded from PyTorch 2.13."""
    found = function(*map(curta.tensor, inputs))
    np.testing.assert_allclose(found.double().numpy(), wanted, rtol=1e-5)


def test_neighbours() -> None:
    """NumPy's, from subnormal numbers to infinity."""
    values = np.array([0.0, -0.0, 1.0, -1.0, 1e-45, 1.1754944e-38, 3.4028235e38, INF, -INF, NAN], np.float32)
    first, second = np.repeat(values, len(values)), np.tile(values, len(values))
    for dtype in (np.float32, np.float64):
        a, b = first.astype(dtype), second.astype(dtype)
        found = curta.nextafter(curta.from_numpy(a), curta.from_numpy(b)).numpy()
        with np.errstate(all="ignore"):
            wanted = np.nextafter(a, b)
        np.testing.assert_array_equal(found, wanted)
        np.testing.assert_array_equal(np.signbit(found)[~np.isnan(found)], np.signbit(wanted)[~np.isnan(found)])
    assert curta.nextafter(curta.ones(2), curta.ones(2, dtype=curta.float64)).dtype is curta.float64


def test_neighbours_in_bfloat16() -> None:
    """By their bits, worked out by hand: 1.0 is 0x3f80, infinity 0x7f80, the largest number 0x7f7f."""
    first = curta.tensor([1.0, 1.0, 0.0, -0.0, -1.0, 2.0, INF, NAN]).bfloat16()
    second = curta.tensor([2.0, 0.0, -1.0, 1.0, 0.0, 2.0, 0.0, 1.0]).bfloat16()
    found = curta.nextafter(first, second)
    assert found.dtype is curta.bfloat16
    bits = found.float().numpy().view(np.uint32)[:-1] >> 16
    assert [hex(one) for one in bits] == ["0x3f81", "0x3f7f", "0x8001", "0x1", "0xbf7f", "0x4000", "0x7f7f"]
    assert found[-1].isnan().item()


def test_neighbours_in_float16() -> None:
    """NumPy's, of all pairs of these and from every number to both sides."""
    values = np.array([0.0, -0.0, 1.0, -1.0, 6e-8, 2.0**-14, 65504, -65504, INF, -INF, NAN], np.float16)
    every = np.arange(1 << 16, dtype=np.uint16).view(np.float16)
    a = np.concatenate([np.repeat(values, len(values)), every, every])
    b = np.concatenate([np.tile(values, len(values)), np.full_like(every, INF), np.full_like(every, -INF)])
    found = curta.nextafter(curta.from_numpy(a), curta.from_numpy(b)).numpy()
    with np.errstate(all="ignore"):
        wanted = np.where(a == b, b, np.nextafter(a, b))  # between zeros NumPy keeps the sign, C takes the second's
    numbers = ~np.isnan(wanted)
    np.testing.assert_array_equal(found[numbers].view(np.uint16), wanted[numbers].view(np.uint16))
    assert np.isnan(found[~numbers]).all()


def test_a_neighbour_in_place() -> None:
    x = curta.tensor([1.0])
    assert x.nextafter_(curta.tensor([0.0])).item() == 1 - 2.0**-24


def test_gradient_of_a_neighbour() -> None:
    """Recorded from PyTorch 2.13: of the number that it steps from, where it does."""
    x, y = (curta.tensor(values, requires_grad=True) for values in ([1.0, 2.0, 3.0], [5.0, 2.0, -1.0]))
    found = curta.autograd.grad(curta.nextafter(x, y), (x, y), curta.tensor([1.0, 2.0, 3.0]))
    assert [one.tolist() for one in found] == [[1.0, 0.0, 3.0], [0.0, 0.0, 0.0]]


def test_division_of_halves_rounds_the_quotient_first() -> None:
    """Recorded from PyTorch 2.13: the quotients are 12.9949 and 5.9871."""
    x, y = curta.tensor([10.0, -7.25]).bfloat16(), curta.tensor([0.76953125, 1.2109375]).bfloat16()
    assert curta.div(x, y, rounding_mode="trunc").tolist() == [13.0, -6.0]


def test_numbers_and_other_forms() -> None:
    """Recorded from PyTorch 2.13."""
    x = curta.tensor([2.0, 3.0])
    np.testing.assert_allclose(curta.xlogy(2, x).numpy(), [1.3862944, 2.1972246], rtol=1e-6)
    np.testing.assert_allclose(x.xlogy(2).numpy(), [1.3862944, 2.0794415], rtol=1e-6)
    assert curta.xlogy(curta.tensor([1, 2]), curta.tensor([2, 3])).dtype is curta.float32
    assert x.copysign(-0.0).tolist() == [-2.0, -3.0]
    assert curta.copysign(curta.tensor([1, 2]), curta.tensor([-1, 1])).tolist() == [-1.0, 2.0]
    np.testing.assert_allclose(curta.tensor([0.0, 2.0]).logit(0.1).numpy(), [-2.1972246, 2.1972246], rtol=1e-5)
    assert curta.asinh(curta.tensor([0])).dtype is curta.float32
    assert curta.float_power(2, curta.tensor([2, 3])).tolist() == [4.0, 8.0]
    assert x.float_power(2).dtype is curta.float64
    assert curta.ldexp(curta.tensor([1, 2]), curta.tensor([3, 4])).tolist() == [8.0, 32.0]
    assert curta.ldexp(x.half(), curta.tensor([3, 4])).dtype is curta.float16
    assert curta.ldexp(curta.tensor([1e-30, 1e30]), curta.tensor([130, -400])).tolist() == [1361129472.0, 0.0]
    far = curta.ldexp(curta.tensor([1e-300, 1e300, 5e-324], dtype=curta.float64), curta.tensor([2000, -2000, 2097]))
    assert far.tolist() == [1e-300 * 2.0**1000 * 2.0**1000, 1e300 * 2.0**-1000 * 2.0**-1000, 2.0**1023]
    assert curta.gcd(curta.tensor([12], dtype=curta.uint8), curta.tensor([18], dtype=curta.int8)).dtype is curta.int16
    assert curta.gcd(curta.tensor([7540113804746346429]), curta.tensor([4660046610375530309])).item() == 1
    assert curta.clamp_min(x, 2.5).tolist() == [2.5, 3.0]
    assert curta.clamp_max(x, curta.tensor(2.0)).tolist() == [2.0, 2.0]
    assert curta.rsub(x, 2, alpha=3).tolist() == [-4.0, -7.0]
    assert curta.isneginf(curta.tensor([1])).tolist() == [False]
    assert x.copysign_(curta.tensor([-1.0, 1.0])).tolist() == [-2.0, 3.0]


def test_gradients_at_ties_and_at_zero() -> None:
    """Recorded from PyTorch 2.13."""
    for function, wanted in ((curta.fmax, (1.0, 0.0)), (curta.fmin, (1.0, 0.0)), (curta.copysign, (1.0, 0.0))):
        a, b = (curta.tensor(2.0, requires_grad=True) for _ in range(2))
        function(a, b).backward()
        assert (a.grad.item(), b.grad.item()) == wanted
    for function in (curta.sinc, lambda x: x.copysign(-1), lambda x: curta.xlogy(x, curta.tensor(0.0))):
        x = curta.tensor(0.0, requires_grad=True)
        function(x).backward()
        assert x.grad.item() == 0.0


def test_no_gradient_of_xlogy_where_none_comes_in() -> None:
    """0 * log(0) is 0 in the backward pass too. Recorded from PyTorch 2.13."""
    for function, y in ((curta.xlogy, 0.0), (curta.special.xlog1py, -1.0)):
        x = curta.tensor([1.0, 2.0], requires_grad=True)
        (slopes,) = curta.autograd.grad(function(x, curta.tensor(y)), x, curta.tensor([0.0, 1.0]))
        assert slopes.tolist() == [0.0, -INF]


def test_gradient_of_logit_outside_of_its_domain() -> None:
    """Recorded from PyTorch 2.13."""
    x = curta.tensor([0.0, -0.0, 1.0, -1.0, 3.0, 0.5], requires_grad=True)
    x.logit().sum().backward()
    np.testing.assert_array_equal(x.grad.numpy(), [INF, INF, INF, NAN, NAN, 4.0])


@pytest.mark.parametrize("p", [1, 1.5, 2, 3, INF])
def test_a_distance_of_nothing_has_a_gradient_of_nothing(p: float) -> None:
    """As PyTorch's subgradient."""
    x = curta.tensor([1.0, 2.0], requires_grad=True)
    curta.dist(x, x.detach(), p).backward()
    assert x.grad.tolist() == [0.0, 0.0]


def test_compiled() -> None:
    def program(x: Any, y: Any) -> Any:
        return curta.hypot(x, y), curta.logaddexp(x, y), x.asinh(), curta.gcd(x.long(), y.long()), x.nansum(0)

    x, y = (curta.from_numpy(array((3, 5), WIDE, "float32", seed)) for seed in (1, 2))
    for found, wanted in zip(curta.compile(program)(x, y), program(x, y), strict=True):
        assert found.tolist() == wanted.tolist()


# reductions


@pytest.mark.parametrize("dtype", ["float32", "float64", "bfloat16", "int32"])
@pytest.mark.parametrize("dim", [None, 0, -1])
def test_sums_without_nan(dtype: str, dim: int | None) -> None:
    values = array((3, 4, 5), (0.5, 2.0), dtype, 3)
    if dtype in FLOATS:
        values[0, 1, 2] = values[2, 0, 0] = NAN
    x = curta.from_numpy(values)
    for keepdim in (False, True):
        wanted = np.nansum(exact(values), axis=dim, keepdims=keepdim)
        found = x.nansum(dim, keepdim)
        assert (found.shape, found.dtype) == (wanted.shape, x.sum().dtype)
        assert distance(to_numpy(found), wanted) <= 8
        if dtype in FLOATS:
            assert distance(to_numpy(x.nanmean(dim, keepdim)), np.nanmean(exact(values), dim, keepdims=keepdim)) <= 8


def test_nan_alone() -> None:
    x = curta.tensor([[1.0, NAN], [NAN, NAN]])
    assert x.nansum(1).tolist() == [1.0, 0.0]
    np.testing.assert_array_equal(x.nanmean(1).numpy(), [1.0, NAN])
    assert x.nansum(dtype=curta.float64).dtype is curta.float64
    x.requires_grad_()
    x.nansum().backward()
    assert x.grad.tolist() == [[1.0, 0.0], [0.0, 0.0]]


def test_pairs() -> None:
    values = array((3, 4), WIDE, "float64", 4)
    x = curta.from_numpy(values)
    for dim in (None, 0, 1):
        for correction in (0, 1):
            spread, middle = curta.var_mean(x, dim, correction=correction)
            np.testing.assert_allclose(spread.numpy(), values.var(dim, ddof=correction), rtol=1e-12)
            np.testing.assert_allclose(middle.numpy(), values.mean(dim), rtol=1e-12)
    spread, middle = curta.std_mean(x, 1, keepdim=True)
    np.testing.assert_allclose(spread.numpy(), values.std(1, ddof=1, keepdims=True), rtol=1e-12)
    assert middle.shape == (3, 1)
    assert curta.var_mean(x, False)[0].item() == pytest.approx(values.var())
    low, high = x.aminmax(dim=0, keepdim=True)
    assert (low.tolist(), high.tolist()) == ([values.min(0).tolist()], [values.max(0).tolist()])
    assert curta.aminmax(curta.tensor(3.0), dim=0).max.item() == 3.0
    assert curta.isnan(curta.aminmax(curta.tensor([1.0, NAN])).min).item()
    assert curta.dist(x, x + 1, 3).item() == pytest.approx(12 ** (1 / 3))


@pytest.mark.parametrize(
    "function",
    [lambda x: x.nansum(0) ** 2, lambda x: x.nanmean() ** 2, lambda x: curta.dist(x, x * x), lambda x: x.aminmax().max],
)
def test_gradients_of_reductions(function: Any) -> None:
    x = curta.from_numpy(array((2, 3), WIDE, "float64", 8)).requires_grad_()
    assert gradcheck(function, (x,))
    assert gradgradcheck(function, (x,))


@pytest.mark.parametrize("function", [curta.div, curta.atan2, curta.remainder, lambda a, b: curta.lerp(a, b, 0.3)])
def test_second_gradients_of_operands_of_different_ranks(function: Any) -> None:
    """Each is summed down to its own shape within the kernel of the first gradient."""
    a, b = (array(shape, POSITIVE, "float64", len(shape)) for shape in ((3, 1), (4,)))
    tensors = tuple(curta.from_numpy(values).requires_grad_() for values in (a, b))
    assert gradgradcheck(function, tensors)

    def slopes(a: Any, b: Any) -> Any:
        leaves = [a.detach().requires_grad_(), b.detach().requires_grad_()]
        first = curta.autograd.grad((function(*leaves) ** 2).sum(), leaves, create_graph=True)
        return [one.detach() for one in first + curta.autograd.grad(sum((one**2).sum() for one in first), leaves)]

    for found, wanted in zip(curta.compile(slopes)(*tensors), slopes(*tensors), strict=True):
        assert found.tolist() == wanted.tolist()


def test_norm_of_order_0_has_a_gradient_of_zeros() -> None:
    x = curta.tensor([[3.0, 0.0, -1.0]], requires_grad=True)
    (found,) = curta.autograd.grad(x.norm(0, 1).sum(), x)
    assert (x.norm(0, 1).tolist(), found.tolist()) == ([2.0], [[0.0, 0.0, 0.0]])
    assert curta.norm(curta.tensor([100.0, 50.0]).half(), 4).item() == 101.5  # its fourth power is not of float16
