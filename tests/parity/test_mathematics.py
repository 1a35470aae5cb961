"""Order, search, counts, running results and further functions, against an installed PyTorch; `make parity`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import curta

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.parity

NAN = float("nan")
#: each with c the module curta or torch, and x of [3, 5] with equal numbers in it
PROGRAMS: dict[str, Callable[[Any, Any], Any]] = {
    "sort": lambda c, x: c.sort(x, dim=0, stable=True),
    "sort descending": lambda c, x: c.sort(x, dim=-1, descending=True, stable=True),
    "topk": lambda c, x: c.topk(x, 2, 0).values,
    "kthvalue": lambda c, x: c.kthvalue(x, 3).values,
    "median": lambda c, x: c.median(x, 1).values,
    "median of all": lambda c, x: c.median(x),
    "nanmedian": lambda c, x: c.nanmedian(x, 0).values,
    "quantile": lambda c, x: c.quantile(x, c.tensor([0.1, 0.6], dtype=c.float64), 1, keepdim=True),
    "nanquantile": lambda c, x: c.nanquantile(x, 0.35, 0, interpolation="midpoint"),
    "mode": lambda c, x: c.mode(x, 1),
    "unique": lambda c, x: c.unique(x, return_inverse=True, return_counts=True),
    "unique rows": lambda c, x: c.unique(x, dim=1, return_inverse=True, return_counts=True),
    "unique_consecutive": lambda c, x: c.unique_consecutive(x, True, True),
    "searchsorted": lambda c, x: c.searchsorted(c.sort(x, 1).values, x, right=True),
    "bucketize": lambda c, x: c.bucketize(x, c.tensor([-1.0, 0.0, 2.0])),
    "isin": lambda c, x: c.isin(x, c.tensor([1.0, -2.0])),
    "histc": lambda c, x: c.histc(x, 5),
    "cumsum": lambda c, x: c.cumsum(x, 0),
    "cumprod": lambda c, x: c.cumprod(x, 1),
    "cummax": lambda c, x: c.cummax(x, 1),
    "cummin": lambda c, x: c.cummin(x, 0),
    "logcumsumexp": lambda c, x: c.logcumsumexp(x, 1),
    "diff": lambda c, x: c.diff(x, 2),
    "trapezoid": lambda c, x: c.trapezoid(x, dx=0.5, dim=0),
    "cumulative_trapezoid": lambda c, x: c.cumulative_trapezoid(x, x),
    "asinh": lambda c, x: c.asinh(x),
    "lgamma": lambda c, x: c.lgamma(x),
    "digamma": lambda c, x: c.digamma(x.detach()),  # PyTorch's gradient is good to 1e-9 alone
    "polygamma": lambda c, x: c.polygamma(2, x.abs() + 0.5),
    "mvlgamma": lambda c, x: c.mvlgamma(x.abs() + 2, 3),
    "erfinv": lambda c, x: c.erfinv(x / 9),
    "igamma": lambda c, x: c.igamma(x.detach().abs() + 0.5, x.abs() + 1),
    "igammac": lambda c, x: c.special.gammaincc(x.detach().abs() + 0.5, x.abs() + 1),
    "airy_ai": lambda c, x: c.special.airy_ai(x.detach()),
    "zeta": lambda c, x: c.special.zeta(2.5, x.abs() + 0.5),
    "ndtri": lambda c, x: c.special.ndtri(x.sigmoid()),
    "log_ndtr": lambda c, x: c.special.log_ndtr(x),
    "erfcx": lambda c, x: c.special.erfcx(x),
    "entr": lambda c, x: c.special.entr(x),
    "xlog1py": lambda c, x: c.special.xlog1py(x, x.abs()),
    "i0": lambda c, x: c.i0(x),
    "i0e": lambda c, x: c.special.i0e(x),
    "i1": lambda c, x: c.special.i1(x),
    "i1e": lambda c, x: c.special.i1e(x),
    "acosh": lambda c, x: c.acosh(x.abs() + 1.5),
    "atanh": lambda c, x: c.atanh(x / 4),
    "sinc": lambda c, x: c.sinc(x / 2),
    "logit": lambda c, x: c.logit(x / 8 + 0.5),
    "hypot": lambda c, x: c.hypot(x, x + 1.5),
    "logaddexp": lambda c, x: c.logaddexp(x, -x),
    "logaddexp2": lambda c, x: c.logaddexp2(x, 1 - x),
    "xlogy": lambda c, x: c.xlogy(x, x.abs() + 1),
    "fmax": lambda c, x: c.fmax(x, -x),
    "fmin": lambda c, x: c.fmin(x, x.abs()),
    "copysign": lambda c, x: c.copysign(x + 0.5, -x),
    "nextafter": lambda c, x: c.nextafter(x, -x + 1),
    "sgn": lambda c, x: c.sgn(x),
    "signbit": lambda c, x: c.signbit(x),
    "heaviside": lambda c, x: c.heaviside(x, x),
    "deg2rad": lambda c, x: c.deg2rad(x),
    "rad2deg": lambda c, x: c.rad2deg(x),
    "ldexp": lambda c, x: c.ldexp(x, x),
    "float_power": lambda c, x: c.float_power(x, 2),
    "gcd": lambda c, x: c.gcd(x.long(), 2 * x.long() + 4),
    "lcm": lambda c, x: c.lcm(x.long(), x.long() + 1),
    "clamp_min": lambda c, x: c.clamp_min(x, 1),
    "clamp_max": lambda c, x: c.clamp_max(x, -x),
    "rsub": lambda c, x: c.rsub(x, 2),
    "nansum": lambda c, x: c.nansum(x, 0),
    "nanmean": lambda c, x: c.nanmean(x),
    "aminmax": lambda c, x: c.aminmax(x, dim=1),
    "var_mean": lambda c, x: c.var_mean(x, 0),
    "std_mean": lambda c, x: c.std_mean(x + x * x, 1),
    "dist": lambda c, x: c.dist(x, x * x + 1, 3),
}
#: PyTorch has no gradient of these, or one that depends on which of equal elements it takes
UNDIFFERENTIABLE = (
    "unique", "unique rows", "unique_consecutive", "kthvalue", "median", "nanmedian", "topk", "heaviside", "nextafter",
    "sgn",
)  # fmt: skip


@pytest.mark.parametrize("name", PROGRAMS)
def test_values_and_gradients(name: str) -> None:
    values = np.random.default_rng(6).integers(-3, 4, (3, 5)).astype(np.float64)
    pairs = []
    for c in (curta, torch):
        x = c.from_numpy(values.copy()).requires_grad_()
        made = PROGRAMS[name](c, x)
        made = made if isinstance(made, tuple) else (made,)
        smooth = [one for one in made if one.requires_grad]
        smooth = [] if name in UNDIFFERENTIABLE else smooth
        slopes = c.autograd.grad(sum((one**2).sum() for one in smooth), [x]) if smooth else ()
        pairs.append([*made, *slopes])
    for ours, theirs in zip(*pairs, strict=True):
        assert str(ours.dtype).removeprefix("curta.") == str(theirs.dtype).removeprefix("torch.")
        np.testing.assert_allclose(ours.detach().numpy(), theirs.detach().numpy(), rtol=1e-12)
