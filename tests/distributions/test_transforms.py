"""Transforms: inverses and slopes by finite differences; transformed distributions are those that SciPy knows."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
import scipy.stats as stats

import curta
from curta import distributions as d
from curta.errors import ArgumentError, ArgumentTypeError, UnsupportedError

F64 = curta.float64


def t(*values: Any) -> Any:
    return curta.tensor(values[0] if len(values) == 1 else list(values), dtype=F64)


POINTS = [-2.0, -0.3, 0.0, 1.7]
TRANSFORMS = {
    "exp": d.ExpTransform(),
    "sigmoid": d.SigmoidTransform(),
    "tanh": d.TanhTransform(),
    "affine": d.AffineTransform(1.5, -2.0),
    "affine of tensors": d.AffineTransform(t(0.0, 1.0, 2.0, 3.0), t(1.0, -2.0, 3.0, 4.0)),
    "several": d.ComposeTransform([d.AffineTransform(0.5, 2.0), d.TanhTransform(), d.ExpTransform()]),
    "none": d.ComposeTransform([]),
    "an inverse": d.ExpTransform().inv,
}


@pytest.mark.parametrize("name", TRANSFORMS)
def test_inverses_and_slopes(name: str) -> None:
    transform, step = TRANSFORMS[name], 1e-6
    x = t(POINTS).abs() + 0.1 if name == "an inverse" else t(POINTS)
    y = transform(x)
    np.testing.assert_allclose(transform.inv(y).numpy(), x.numpy(), rtol=1e-10, atol=1e-12)
    slopes = (transform(x + step) - transform(x - step)) / (2 * step)
    logs = transform.log_abs_det_jacobian(x, y)
    np.testing.assert_allclose(logs.numpy(), slopes.abs().log().numpy(), rtol=1e-6, atol=1e-8)
    np.testing.assert_allclose(transform.inv.log_abs_det_jacobian(y, x).numpy(), -logs.numpy(), rtol=1e-9, atol=1e-12)
    assert ((slopes.sign() - transform.sign) == 0).all()
    assert transform.inv.inv == transform
    assert transform.codomain.check(y).all()


def test_far_from_zero_nothing_rounds_away() -> None:
    x = t(50.0, -50.0)
    logs = d.TanhTransform().log_abs_det_jacobian(x, x.tanh())
    assert logs.tolist() == pytest.approx([2 * math.log(2) - 100] * 2)  # log of 4 exp(-2 |x|)
    found = d.SigmoidTransform()(t(1000.0, -1000.0))
    assert ((found > 0) & (found < 1)).all()


@pytest.mark.parametrize(
    ("make", "oracle", "points"),
    [
        (lambda: (d.Normal(t(0.3), 0.5), d.ExpTransform()), stats.lognorm(0.5, scale=math.exp(0.3)), [0.1, 1.0, 4.0]),
        (
            lambda: (d.Exponential(t(1.0)), [d.AffineTransform(2.0, 3.0)]), stats.expon(2.0, 3.0), [2.5, 4.0],
        ),
        (lambda: (d.Uniform(t(0.0), t(1.0)), d.SigmoidTransform().inv), stats.logistic(), [-3.0, 0.0, 2.0]),
        (lambda: (d.Normal(t(0.0), t(1.0)), d.AffineTransform(1.0, -2.0)), stats.norm(1.0, 2.0), [-3.0, 0.5]),
    ],
)  # fmt: skip
def test_transformed(make: Any, oracle: Any, points: list[float]) -> None:
    made = d.TransformedDistribution(*make())
    np.testing.assert_allclose(made.log_prob(t(points)).numpy(), oracle.logpdf(points), rtol=1e-9)
    np.testing.assert_allclose(made.cdf(t(points)).numpy(), oracle.cdf(points), rtol=1e-9)
    np.testing.assert_allclose(made.icdf(t(0.1, 0.6)).numpy(), oracle.ppf([0.1, 0.6]), rtol=1e-9)
    curta.manual_seed(1)
    drawn = made.expand((2,)).sample((3000,))
    assert drawn.shape == (3000, 2)
    assert stats.kstest(drawn.numpy().ravel(), oracle.cdf).pvalue > 1e-3


def test_a_policy_squashed_by_tanh() -> None:
    """As agents use it: the density of what was drawn, with gradients of the parameters."""
    loc = curta.zeros(4, 3, dtype=F64, requires_grad=True)
    base = d.Independent(d.Normal(loc, 0.5), 1)
    made = d.TransformedDistribution(base, [d.TanhTransform()])
    assert (made.batch_shape, made.event_shape, made.has_rsample) == ((4,), (3,), True)
    action = made.rsample()
    logs = made.log_prob(action)
    assert logs.shape == (4,)
    before = action.detach().atanh()
    wanted = stats.norm.logpdf(before.numpy(), 0, 0.5) - np.log1p(-(action.detach().numpy() ** 2))
    np.testing.assert_allclose(logs.detach().numpy(), wanted.sum(-1), rtol=1e-9)
    logs.sum().backward()
    assert loc.grad.isfinite().all()
    assert repr(made.support) == "IndependentConstraint(Interval(lower_bound=-1.0, upper_bound=1.0), 1)"


def test_shapes_names_and_equality() -> None:
    made = d.TransformedDistribution(d.Normal(0.0, 1.0), d.AffineTransform(curta.zeros(3), 2.0))
    assert made.batch_shape == (3,)
    assert made.sample((2,)).shape == (2, 3)
    assert d.TransformedDistribution(d.Normal(0.0, 1.0), []).log_prob(curta.tensor(0.0)).item() == pytest.approx(
        stats.norm.logpdf(0), rel=1e-6
    )
    assert repr(TRANSFORMS["exp"]) == "ExpTransform()"
    assert repr(d.ComposeTransform([d.ExpTransform()])) == "ComposeTransform(\n    ExpTransform()\n)"
    assert repr(d.ExpTransform().inv) == "_InverseTransform(ExpTransform())"
    assert d.AffineTransform(1.0, 2.0) == d.AffineTransform(1.0, 2.0)
    assert d.AffineTransform(1.0, 2.0) != d.AffineTransform(1.0, 3.0)
    assert d.ExpTransform().inv == d.ExpTransform().inv
    assert len({d.ExpTransform(), d.ExpTransform(), d.TanhTransform()}) == 2


def test_refused() -> None:
    with pytest.raises(
        ArgumentTypeError, match=r"^transforms must be a Transform or a list of Transforms, but was \[3\]"
    ):
        d.TransformedDistribution(d.Normal(0.0, 1.0), [3])  # type: ignore[list-item]
    with pytest.raises(
        ArgumentError, match=r"^Expected value argument \(Tensor of shape \(\)\) to be within the support"
    ):
        d.TransformedDistribution(d.Normal(0.0, 1.0), d.ExpTransform()).log_prob(curta.tensor(-1.0))
    one = curta.ones(1)
    for call, words in (
        (lambda: d.Transform()(one), "its function is not there"),
        (lambda: d.Transform().inv(one), "its inverse is not there"),
        (lambda: d.Transform().log_abs_det_jacobian(one, one), "log_abs_det_jacobian is not there"),
    ):
        with pytest.raises(UnsupportedError, match=rf"^Transform: {words}$"):
            call()
