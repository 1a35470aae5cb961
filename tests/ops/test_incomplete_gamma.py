"""The incomplete gamma functions: every region against mpmath's numbers, special points, formats, where results go."""

from __future__ import annotations

import sys
from itertools import product
from pathlib import Path

import numpy as np
import pytest
from scipy import special as oracle

sys.path.insert(0, str(Path(__file__).parent.parent / "compiler"))
from mathlib_harness import kernel, ulp_errors

import curta

INF, NAN = float("inf"), float("nan")
#: a, x, P, Q: from their series and continued fraction by mpmath with 60 digits
EXACT = (
    (1e-10, 0.001, 0.99999999936684606378, 6.3315393622138767721e-10),
    (1e-10, 5.0, 0.99999999999988517044, 1.1482955915436804441e-13),
    (0.01, 0.56, 0.99504032630852382746, 0.0049596736914761725374),
    (0.3, 0.2, 0.65750672426972173705, 0.34249327573027826295),
    (0.5, 1.05, 0.85270086137732394936, 0.14729913862267605064),
    (1.2, 1.0, 0.54695308533581080382, 0.45304691466418919618),
    (0.9, 1e-300, 1.0397541343476204818e-270, 1.0),
    (5.0, 0.5, 0.00017211562995584077811, 0.99982788437004415922),
    (5.0, 40.0, 0.99999999999949795357, 5.0204643188291333513e-13),
    (9.99, 9.99, 0.54209134920626756648, 0.45790865079373243352),
    (12.0, 700.0, 1.0, 4.9619704587412200501e-281),
    (30.0, 31.0, 0.59534782096561087714, 0.40465217903438912286),
    (49.9, 45.0, 0.25138033514269195938, 0.74861966485730804062),
    (50.0, 60.0, 0.91559331890630817038, 0.084406681093691829623),
    (80.0, 20.0, 4.6171994563209053536e-24, 1.0),
    (100.0, 100.0, 0.51329879827914866486, 0.48670120172085133514),
    (1000.0, 900.0, 0.00054990226571178292301, 0.99945009773428821708),
    (1000.0, 1200.0, 0.99999999871183939137, 1.2881606086281432952e-9),
    (2000.0, 1200.0, 1.2178498607455126364e-98, 1.0),
    (100000.0, 100100.0, 0.62444513070440549542, 0.37555486929559450458),
    (1000000.0, 996000.0, 0.000031007118211082967394, 0.99996899288178891703),
)


def both(a: np.ndarray, x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    tensors = curta.from_numpy(a), curta.from_numpy(x)
    return curta.igamma(*tensors).numpy(), curta.igammac(*tensors).numpy()


def test_every_region() -> None:
    a, x, lower, upper = np.array(EXACT).T
    for found, wanted in zip(both(a, x), (lower, upper), strict=True):
        np.testing.assert_allclose(found, wanted, rtol=1e-13)


def test_against_scipy() -> None:
    """Near a, where the tails begin, and all over; SciPy itself is off by 1e-12 in the tails."""
    generator = np.random.default_rng(2)
    a = 10 ** generator.uniform(-3, 4, 2000)
    x = np.abs(np.concatenate([a[:1000] + generator.normal(0, 2, 1000) * np.sqrt(a[:1000]), a[1000:] * 3]))
    for found, wanted in zip(both(a, x), (oracle.gammainc(a, x), oracle.gammaincc(a, x)), strict=True):
        np.testing.assert_allclose(found, wanted, rtol=3e-11, atol=1e-300)


@pytest.mark.parametrize("name", ["igamma", "igammac"])
def test_float_is_rounded_once(name: str) -> None:
    generator = np.random.default_rng(3)
    a, x = (10 ** generator.uniform(-3, 2.5, 1500).astype(np.float32) for _ in range(2))
    wanted = {"igamma": oracle.gammainc, "igammac": oracle.gammaincc}[name](a.astype(float), x.astype(float))
    errors = ulp_errors(kernel(name, "float", 16)(a, x), wanted)
    assert errors.max() <= 0.51


@pytest.mark.parametrize("name", ["igamma", "igammac", "airy_ai", "airy_slope"])
def test_every_width_gives_the_same_bits(name: str) -> None:
    generator = np.random.default_rng(4)
    a, x = (10 ** generator.uniform(-3, 2.5, 200) for _ in range(2))
    assert np.array_equal(kernel(name, "double", 8)(a, x), kernel(name, "double", 1)(a, x))


def test_special_points() -> None:
    """SciPy's, which are PyTorch's but for NaN, that PyTorch lets through as 0 or 1 at some of them."""
    a, x = np.array(list(product([0.0, -0.0, 1.0, -1.0, INF, -INF, NAN], repeat=2))).T
    for found, wanted in zip(both(a, x), (oracle.gammainc(a, x), oracle.gammaincc(a, x)), strict=True):
        np.testing.assert_allclose(found, wanted, rtol=1e-15)


def test_gradients_at_the_edge() -> None:
    """Recorded from PyTorch 2.13: of x alone."""
    for a, wanted in ((0.5, [INF, 0.2075537, 0.0]), (1.0, [NAN, 0.3678794, NAN]), (2.0, [0.0, 0.3678794, NAN])):
        x = curta.tensor([0.0, 1.0, INF], requires_grad=True)
        curta.igamma(curta.tensor(a), x).sum().backward()
        assert x.grad.tolist() == pytest.approx(wanted, nan_ok=True)
        y = curta.tensor([1.0], requires_grad=True)
        curta.igammac(curta.tensor(a), y).sum().backward()
        assert y.grad.tolist() == pytest.approx([-wanted[1]])


def test_formats_shapes_and_places() -> None:
    one, two = curta.tensor([1.0, 2.0]), curta.tensor([[0.5], [3.0]], dtype=curta.float64)
    found = curta.igamma(one, two)
    assert (found.dtype, found.shape) == (curta.float64, (2, 2))
    assert curta.igamma(one.half(), one.half()).tolist() == pytest.approx([0.6321206, 0.5939942], rel=2**-11)
    assert curta.igammac(one.half(), one.bfloat16()).dtype is curta.float32
    assert curta.igamma(curta.empty(0, 3), curta.empty(1, 3)).shape == (0, 3)
    assert one.clone().igamma_(one).tolist() == one.igamma(one).tolist()
    assert one.clone().igammac_(one.double()).tolist() == one.igammac(one).tolist()
    out = curta.empty(0, dtype=curta.float64)
    assert curta.igammac(one, one, out=out) is out
    assert out.tolist() == curta.igammac(one, one).tolist()
    assert curta.special.gammainc is curta.igamma


def test_of_each_function_where_its_result_goes() -> None:
    x, special = curta.tensor([1.5, 2.5]), curta.special
    for call in (
        lambda out: curta.polygamma(1, x, out=out),
        lambda out: curta.polygamma(0, x, out=out),
        lambda out: curta.mvlgamma(x, 2, out=out),
        lambda out: special.multigammaln(x, 3, out=out),
        lambda out: special.zeta(x, 2.0, out=out),
        lambda out: special.airy_ai(x, out=out),
        lambda out: special.hermite_polynomial_h(x, 2, out=out),
        lambda out: special.shifted_chebyshev_polynomial_w(x, curta.tensor([1, 3]), out=out),
        lambda out: curta.threshold(x, 2.0, 0.5, out=out),
        lambda out: curta.nn.functional.normalize(x, dim=0, out=out),
    ):
        made = call(None)
        assert made.tolist() != x.tolist()
        for out in (curta.empty(0), curta.empty(2, dtype=curta.float64), curta.zeros(2, dtype=curta.float16)):
            assert call(out) is out
            assert out.tolist() == pytest.approx(made.tolist(), rel=1e-3 if out.dtype is curta.float16 else 0)
        with pytest.raises(RuntimeError, match="result type Float can't be cast to the desired output type Long"):
            call(curta.zeros(2, dtype=curta.int64))
