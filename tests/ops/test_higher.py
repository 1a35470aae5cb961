"""Special functions: values against SciPy, gradients, costs, special points, polynomials."""

from __future__ import annotations

import sys
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import scipy.special as oracle

sys.path.insert(0, str(Path(__file__).parent))
from cases import POSITIVE, UNIT, WIDE
from support import array, distance, exact, operand, to_numpy

import curta
from curta import special
from curta.autograd import gradcheck, gradgradcheck
from curta.ops import higher

INF, NAN = float("inf"), float("nan")
PROBABLE = (0.02, 0.98)

#: name: SciPy's name, the operator, domains, FLOPs and calls of all the parts, units allowed in float64
CASES: dict[str, tuple[Any, Any, Any, int, int, float]] = {
    "lgamma": (oracle.gammaln, higher.LGAMMA, (POSITIVE,), 0, 1, 60),
    "digamma": (oracle.digamma, higher.DIGAMMA, (POSITIVE,), 0, 1, 60),
    "trigamma": (lambda x: oracle.polygamma(1, x), higher.TRIGAMMA, (POSITIVE,), 0, 1, 8),
    "zeta": (oracle.zeta, higher.ZETA, ((1.2, 8.0), POSITIVE), 0, 1, 8),
    "igamma": (oracle.gammainc, higher.IGAMMA, (POSITIVE, POSITIVE), 0, 1, 60),
    "igammac": (oracle.gammaincc, higher.IGAMMAC, (POSITIVE, POSITIVE), 0, 1, 60),
    "erfinv": (oracle.erfinv, higher.ERFINV, (UNIT,), 0, 1, 4),
    "erfcx": (oracle.erfcx, higher.ERFCX, (WIDE,), 0, 1, 30),
    "ndtr": (oracle.ndtr, higher.NDTR, (WIDE,), 2, 1, 40),
    "ndtri": (oracle.ndtri, higher.NDTRI, (PROBABLE,), 0, 1, 30),
    "log_ndtr": (oracle.log_ndtr, higher.LOG_NDTR, (WIDE,), 8, 4, 20),
    "entr": (oracle.entr, higher.ENTR, (POSITIVE,), 2, 1, 4),
    "xlog1py": (oracle.xlog1py, higher.XLOG1PY, (WIDE, POSITIVE), 1, 1, 4),
    "i0": (oracle.i0, higher.I0, (WIDE,), 0, 1, 10),
    "i0e": (oracle.i0e, higher.I0E, (WIDE,), 0, 1, 10),
    "i1": (oracle.i1, higher.I1, (WIDE,), 0, 1, 12),
    "i1e": (oracle.i1e, higher.I1E, (WIDE,), 0, 1, 12),
    "bessel_j0": (oracle.j0, higher.BESSEL_J0, (WIDE,), 0, 1, 60),
    "bessel_j1": (oracle.j1, higher.BESSEL_J1, (WIDE,), 0, 1, 60),
    "bessel_y0": (oracle.y0, higher.BESSEL_Y0, (POSITIVE,), 0, 1, 100),
    "bessel_y1": (oracle.y1, higher.BESSEL_Y1, (POSITIVE,), 0, 1, 100),
    "modified_bessel_k0": (oracle.k0, higher.BESSEL_K0, (POSITIVE,), 0, 1, 12),
    "modified_bessel_k1": (oracle.k1, higher.BESSEL_K1, (POSITIVE,), 0, 1, 12),
    "scaled_modified_bessel_k0": (oracle.k0e, higher.BESSEL_K0E, (POSITIVE,), 0, 1, 12),
    "scaled_modified_bessel_k1": (oracle.k1e, higher.BESSEL_K1E, (POSITIVE,), 0, 1, 12),
    "airy_ai": (lambda x: oracle.airy(x)[0], higher.AIRY_AI, (WIDE,), 0, 1, 60),
    "spherical_bessel_j0": (lambda x: oracle.spherical_jn(0, x), higher.SPHERICAL_BESSEL_J0, (WIDE,), 17, 1, 8),
}
#: those with a gradient of the second argument alone
SECOND_ONLY = ("zeta", "igamma", "igammac")
#: those whose float32 result is one of float64 rounded once
SINGLE = {name for name, case in CASES.items() if case[3] == 0 and name != "erfinv"}


def function(name: str) -> Any:
    if name == "trigamma":
        return partial(curta.polygamma, 1)
    here = {"lgamma": "gammaln", "igamma": "gammainc", "igammac": "gammaincc"}
    return getattr(special, here.get(name, name))


@pytest.mark.parametrize("name", CASES)
def test_values(name: str) -> None:
    wanted_of, _, domains, _, _, double = CASES[name]
    for dtype, allowed in (("float32", 0.51 if name in SINGLE else 12), ("float64", double), ("bfloat16", 0.51)):
        if dtype == "bfloat16" and name not in ("lgamma", "entr"):
            continue
        layout = "contiguous" if dtype != "float64" else "transposed"
        pairs = [operand(layout, place, domain, dtype) for place, domain in enumerate(domains)]
        wanted = np.asarray(wanted_of(*(exact(values) for values, _ in pairs)))
        found = to_numpy(function(name)(*(tensor for _, tensor in pairs)))
        assert distance(found, wanted) <= allowed, dtype


@pytest.mark.parametrize("name", CASES)
def test_gradients(name: str) -> None:
    domains = CASES[name][2]
    tensors = [curta.from_numpy(array((4,), domain, "float64", 7 + place)) for place, domain in enumerate(domains)]
    for tensor in tensors if name not in SECOND_ONLY else tensors[1:]:
        tensor.requires_grad_()
    assert gradcheck(function(name), tuple(tensors))
    assert gradgradcheck(function(name), tuple(tensors))


@pytest.mark.parametrize("name", CASES)
def test_meta_and_cost(name: str) -> None:
    _, op, domains, flops, calls, _ = CASES[name]
    real = [operand("contiguous", place, domain, "float32")[1] for place, domain in enumerate(domains)]
    found = function(name)(*(curta.empty_like(x, device="meta") for x in real))
    assert (found.shape, found.dtype, found.device.type) == (real[0].shape, curta.float32, "meta")
    cost = op.cost(tuple(x.layout for x in real), (found.layout,))
    assert cost[:4] == (flops * 35, calls * 35, sum(x.layout.nbytes for x in real), found.layout.nbytes)


POINTS = [0.0, -0.0, 1.0, -1.0, INF, -INF, NAN]


@pytest.mark.parametrize(
    ("name", "wanted"),
    [
        ("bessel_j0", [1.0, 1.0, 0.7651976865579665, 0.7651976865579665, NAN, NAN, NAN]),
        ("bessel_j1", [0.0, -0.0, 0.44005058574493355, -0.44005058574493355, NAN, NAN, NAN]),
        ("bessel_y0", [-INF, -INF, 0.08825696421567697, NAN, NAN, NAN, NAN]),
        ("bessel_y1", [-INF, -INF, -0.7812128213002888, NAN, NAN, NAN, NAN]),
        # PyTorch has NaN at the infinities
        ("i0", [1.0, 1.0, 1.2660658777520082, 1.2660658777520082, INF, INF, NAN]),
        ("i1", [0.0, -0.0, 0.5651591039924851, -0.5651591039924851, INF, -INF, NAN]),
        ("modified_bessel_k0", [INF, INF, 0.4210244382407082, NAN, 0.0, NAN, NAN]),
        ("modified_bessel_k1", [INF, INF, 0.6019072301972346, NAN, 0.0, NAN, NAN]),
        ("scaled_modified_bessel_k0", [INF, INF, 1.1444630798068944, NAN, 0.0, NAN, NAN]),
        ("scaled_modified_bessel_k1", [INF, INF, 1.636153486263258, NAN, 0.0, NAN, NAN]),
        ("i0e", [1.0, 1.0, 0.46575960759364043, 0.46575960759364043, 0.0, 0.0, NAN]),
        ("i1e", [0.0, -0.0, 0.2079104153497085, -0.2079104153497085, 0.0, -0.0, NAN]),
        ("erfcx", [1.0, 1.0, 0.427583576155807, 5.008980080762283, 0.0, INF, NAN]),
        ("ndtri", [-INF, -INF, INF, NAN, NAN, NAN, NAN]),
        ("ndtr", [0.5, 0.5, 0.841344746068543, 0.15865525393145702, 1.0, 0.0, NAN]),
        (
            "log_ndtr",
            [-0.6931471805599453, -0.6931471805599453, -0.17275377902344985, -1.841021645009264, 0.0, -INF, NAN],
        ),
        ("entr", [0.0, 0.0, 0.0, -INF, -INF, -INF, NAN]),
        ("digamma", [-INF, INF, -0.5772156649015328, NAN, INF, NAN, NAN]),
        ("trigamma", [INF, INF, 1.6449340668482266, INF, 0.0, INF, NAN]),  # PyTorch has 6.6e32 at -1
        ("lgamma", [INF, INF, 0.0, INF, INF, INF, NAN]),
        ("erfinv", [0.0, -0.0, INF, -INF, NAN, NAN, NAN]),
        ("airy_ai", [0.355028053887817, 0.355028053887817, 0.135292416312881, 0.535560883292352, NAN, NAN, NAN]),
        ("spherical_bessel_j0", [1.0, 1.0, 0.8414709848078965, 0.8414709848078965, 0.0, 0.0, NAN]),
    ],
)
def test_special_points(name: str, wanted: list[float]) -> None:
    """Recorded from PyTorch 2.13."""
    found = function(name)(curta.tensor(POINTS, dtype=curta.float64)).numpy()
    np.testing.assert_allclose(found, wanted, rtol=2e-14)
    assert function(name)(curta.tensor([2])).dtype is curta.float32


def test_far_away() -> None:
    """Negative arguments, tails and large numbers, against SciPy."""
    for name, points in (
        ("lgamma", [-0.5, -30.25, -1e-20, 1e-300, 1e30, 1e300]),
        ("digamma", [-0.5, -30.25, 1e-20, 1e30]),
        ("ndtri", [1e-300, 1e-40, 1e-5, 1 - 1e-12]),
        ("erfinv", [1 - 1e-15, -1 + 1e-9, 1e-300]),
        ("erfcx", [-20.0, -30.0, 1e10, 1e305]),
        ("log_ndtr", [-1e10, -40.0, 9.0]),
        ("bessel_j0", [1e4, -700.5]),
        ("bessel_y1", [1e-300, 1e4]),
        ("i0", [700.0, -20.0]),
        ("modified_bessel_k1", [700.0, 1e-300]),
        ("airy_ai", [1.5, 30.0, -4.5, -30.25, -90.5]),
    ):
        x = np.array(points)
        np.testing.assert_allclose(function(name)(curta.from_numpy(x)).numpy(), CASES[name][0](x), rtol=1e-12)
    assert special.i0(curta.tensor([711.0], dtype=curta.float64)).item() < INF


def test_polygamma_and_zeta() -> None:
    """Recorded from PyTorch 2.13; below 0 from sums by mpmath."""
    x = np.array([0.25, 1.5, 3.0, 40.0])
    for n in (0, 1, 2, 5):
        found = curta.polygamma(n, curta.from_numpy(x)).numpy()
        np.testing.assert_allclose(found, oracle.polygamma(n, x), rtol=1e-13)
    low = curta.tensor([-1.5, -0.5, 0.0, INF, -INF])
    assert curta.polygamma(1, low).tolist() == pytest.approx([9.3792475, 8.9348022, INF, 0.0, INF])
    assert curta.polygamma(2, low[:2]).tolist() == pytest.approx([-0.23620404, -0.82879663], rel=1e-6)
    assert curta.polygamma(3, low[:2]).tolist() == pytest.approx([194.59428, 193.40911], rel=1e-6)
    assert low[:1].polygamma(1).item() == low[:1].clone().polygamma_(1).item()
    s, q = curta.tensor([1.0, 0.5, 2, 2, 2.5, 2, 3]), curta.tensor([1.0, 1.0, 0, -1, -1.5, -1.5, -1.25])
    assert special.zeta(s, q).tolist() == pytest.approx([INF, NAN, INF, INF, NAN, 9.3792475, -61.860683], nan_ok=True)
    far = special.zeta(curta.tensor(5.0, dtype=curta.float64), -30.2).item()
    assert far == pytest.approx(-3122.3130677077497, rel=1e-13)
    assert special.zeta(3, curta.tensor([2])).tolist() == pytest.approx([0.20205690])
    y = curta.tensor([0.7, 2.5], dtype=curta.float64, requires_grad=True)
    assert gradcheck(lambda y: curta.polygamma(2, y), (y,))


def test_mvlgamma() -> None:
    x = np.array([2.5, 7.0])
    wanted = [oracle.multigammaln(value, 3) for value in x]
    np.testing.assert_allclose(curta.mvlgamma(curta.from_numpy(x), 3).numpy(), wanted, rtol=1e-14)
    assert curta.tensor([1.5]).mvlgamma(1).item() == pytest.approx(-0.12078224)


SHIFTED = ("shifted_chebyshev_polynomial_t", "shifted_chebyshev_polynomial_u")
POLYNOMIALS: dict[str, list[float]] = {
    "chebyshev_polynomial_t": [0.0, 1.0, 0.3, -0.82, -0.792, 0.388828],
    "chebyshev_polynomial_u": [0.0, 1.0, 0.6, -0.64, -0.984, 0.099089],
    "chebyshev_polynomial_v": [0.0, 1.0, -0.4, -1.24, -0.344, 1.064885],
    "chebyshev_polynomial_w": [0.0, 1.0, 1.6, -0.04, -1.624, -0.866707],
    "shifted_chebyshev_polynomial_t": [0.0, 1.0, -0.4, -0.68, 0.944, 0.53293],
    "shifted_chebyshev_polynomial_u": [0.0, 1.0, -0.8, -0.36, 1.088, 0.902224],
    "shifted_chebyshev_polynomial_v": [0.0, 1.0, -1.8, 0.44, 1.448, 1.82546],
    "shifted_chebyshev_polynomial_w": [0.0, 1.0, 0.2, -1.16, 0.728, -0.021012],
    "hermite_polynomial_h": [0.0, 1.0, 0.6, -1.64, -3.384, 7010.287658],
    "hermite_polynomial_he": [0.0, 1.0, 0.3, -0.91, -0.873, 250.390686],
    "laguerre_polynomial_l": [0.0, 1.0, 0.7, 0.445, 0.2305, -0.417943],
    "legendre_polynomial_p": [0.0, 1.0, 0.3, -0.365, -0.3825, 0.0637],
}


@pytest.mark.parametrize("name", POLYNOMIALS)
def test_polynomials(name: str) -> None:
    """At 0.3, of degrees -1, 0, 1, 2, 3 and 9: recorded from PyTorch 2.13."""
    polynomial, degrees = getattr(special, name), [-1, 0, 1, 2, 3, 9]
    x = curta.tensor([0.3], dtype=curta.float64)
    assert [polynomial(x, n).item() for n in degrees] == pytest.approx(POLYNOMIALS[name], abs=1e-6)
    together = polynomial(x, curta.tensor([*degrees[:5], 9.7]))
    assert together.tolist() == pytest.approx(POLYNOMIALS[name], abs=1e-6)
    assert together.dtype is curta.float64
    assert polynomial(curta.tensor([0]), 3).dtype is curta.float32
    assert gradcheck(lambda x: polynomial(x, 4), (x.requires_grad_(),))


def test_gradients_at_the_edge() -> None:
    """Recorded from PyTorch 2.13; log_ndtr's at -40, where PyTorch is off, from mpmath."""
    for name, points, wanted in (
        ("entr", [-1.0, 0.0, NAN, 0.5], [NAN, INF, NAN, -0.30685282]),
        ("log_ndtr", [-40.0, -1.0, 3.0, 40.0], [40.024969, 1.5251349, 0.0044378396, 0.0]),
        ("i0", [0.0, 1.0], [0.0, 0.56515908]),
        ("i1", [0.0, 1.0], [0.5, 0.70090687]),
        ("i1e", [0.0, -1.0], [0.5, 0.049938798]),
        ("i0e", [0.0, -1.0], [0.0, 0.25784922]),
        ("erfinv", [1.0, 0.0], [INF, 0.88622695]),
        ("ndtri", [0.0, 0.5], [INF, 2.5066283]),
    ):
        x = curta.tensor(points, requires_grad=True)
        function(name)(x).sum().backward()
        assert x.grad.tolist() == pytest.approx(wanted, rel=1e-5, nan_ok=True), name


@pytest.mark.parametrize(
    ("call", "error", "text"),
    [
        (lambda x: curta.polygamma(-1, x), ValueError, "does not support negative n, got -1"),
        (lambda x: curta.polygamma(1.5, x), TypeError, "argument 'n' .* must be int, not float"),
        (lambda x: curta.mvlgamma(x, 0), ValueError, "greater than or equal to 1, got 0"),
        (lambda x: special.bessel_j0(1.0), TypeError, "bessel_j0.* must be Tensor, not float"),
        (lambda x: special.zeta(2, 2), TypeError, "zeta.* must be Tensor, not int"),
        (lambda x: special.zeta(x.requires_grad_(), 2.0).backward(), NotImplementedError, "zeta: the derivative"),
        (
            lambda x: special.legendre_polynomial_p(*[curta.empty(1, device="meta")] * 2),
            NotImplementedError,
            "meta device",
        ),
    ],
)
def test_errors(call: Any, error: type[Exception], text: str) -> None:
    with pytest.raises(error, match=text):
        call(curta.tensor([1.5]))


def test_compiled_and_in_place() -> None:
    x = curta.tensor([0.25, 0.5, 0.75])

    def both(x: Any) -> Any:
        return x.lgamma() + special.bessel_j1(x), special.hermite_polynomial_h(x, 3), special.log_ndtr(x)

    for found, wanted in zip(curta.compile(both)(x), both(x), strict=True):
        assert found.tolist() == wanted.tolist()
    for name in ("lgamma_", "digamma_", "erfinv_", "i0_"):
        y = x.clone()
        assert getattr(y, name)() is y
        assert y.tolist() == getattr(curta, name[:-1])(x).tolist()
    assert set(special.__all__) <= set(dir(special))
