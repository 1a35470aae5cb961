"""Transforms: inverses and slopes by finite differences; transformed distributions are those that SciPy knows."""

from __future__ import annotations

import math
import pickle
from typing import Any

import numpy as np
import pytest
import scipy.stats as stats

import curta
from curta import distributions as d
from curta.errors import ArgumentError, UnsupportedError

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
    for given, words in (
        ([3], "transforms must be a Transform or a list of Transforms"),
        (3, "transforms must be a Transform or list, but was 3"),
    ):
        with pytest.raises(ArgumentError, match=rf"^{words}$"):
            d.TransformedDistribution(d.Normal(0.0, 1.0), given)  # type: ignore[arg-type]
    with pytest.raises(ArgumentError, match=r"^base_distribution needs to have shape with size at least 1, but got "):
        d.TransformedDistribution(d.Normal(0.0, 1.0), d.SoftmaxTransform())
    with pytest.raises(
        ArgumentError, match=r"^Expected value argument \(Tensor of shape \(\)\) to be within the support"
    ):
        d.TransformedDistribution(d.Normal(0.0, 1.0), d.ExpTransform()).log_prob(curta.tensor(-1.0))
    one = curta.ones(1)
    for call, words in (
        (lambda: d.Transform()(one), "its function is not there"),
        (lambda: d.Transform().inv(one), "its inverse is not there"),
        (lambda: d.Transform().sign, "sign is not there"),
        (lambda: d.Transform().log_abs_det_jacobian(one, one), "log_abs_det_jacobian is not there"),
    ):
        with pytest.raises(UnsupportedError, match=rf"^Transform: {words}$"):
            call()
    numbers = d.IndependentTransform(d.ExpTransform(), 2)
    for refused, words in (
        (lambda: d.ExpTransform(cache_size=2), "cache_size must be 0 or 1"),
        (lambda: numbers(one), "Too few dimensions on input"),
        (lambda: numbers.inv(one), "Too few dimensions on input"),
        (lambda: d.SoftmaxTransform().forward_shape(()), "Too few dimensions on input"),
        (lambda: d.StickBreakingTransform().inverse_shape(()), "Too few dimensions on input"),
        (lambda: d.ReshapeTransform((2, 2), (4,)).forward_shape((2,)), "Too few dimensions on input"),
        (lambda: d.ReshapeTransform((4,), (3,)), "in_shape, out_shape have different numbers of elements"),
        (
            lambda: d.ReshapeTransform((4,), (2, 2)).forward_shape((3,)),
            "Shape mismatch: expected torch.Size([3]) but got torch.Size([4])",
        ),
        (
            lambda: d.ReshapeTransform((4,), (2, 2)).event_dim,
            "Please use either .domain.event_dim or .codomain.event_dim",
        ),
    ):
        with pytest.raises(ArgumentError) as caught:
            refused()
        assert str(caught.value) == words


def test_what_was_transformed_last_is_remembered() -> None:
    """Where tanh is 1 its inverse is infinite; with a cache it is what went in."""
    x = t(30.0, 0.5)
    made = d.TanhTransform(cache_size=1)
    y = made(x)
    assert made.inv(y) is x
    assert made(x) is y
    assert d.TanhTransform().inv(y)[0].item() == math.inf
    assert made.with_cache(0).inv(y)[0].item() == math.inf
    both = d.ComposeTransform([d.AffineTransform(0.0, 2.0), d.TanhTransform()], cache_size=1)
    assert both.inv(both(x)) is x
    policy = d.TransformedDistribution(d.Normal(t(40.0), 0.1), d.TanhTransform(cache_size=1))
    assert policy.log_prob(policy.rsample()).isfinite()
    assert made.inv.inv is made
    assert pickle.loads(pickle.dumps(made)) == made


def _jacobian(transform: Any, x: Any) -> float:
    """log |det| of finite differences, of as many of y's numbers as x has."""
    size, step = x.numel(), 1e-6
    rows = []
    for place in range(size):
        moved = curta.zeros(size, dtype=F64)
        moved[place] = step
        slopes = (transform(x + moved.view(x.shape)) - transform(x - moved.view(x.shape))) / (2 * step)
        rows.append(slopes.flatten()[:size].numpy())
    return float(np.linalg.slogdet(np.array(rows))[1])


@pytest.mark.parametrize(
    ("transform", "x"),
    [
        (d.StickBreakingTransform(), [0.3, -1.0, 0.7]),
        (d.AffineTransform(t(1.0, 2.0), t(-1.0, 3.0), event_dim=1), [0.3, -1.0]),
        (d.IndependentTransform(d.SoftplusTransform(), 1), [0.3, -1.0]),
        (d.ComposeTransform([d.ExpTransform(), d.AffineTransform(0.0, 2.0, event_dim=1)]), [0.3, -1.0]),
        (d.ReshapeTransform((4,), (2, 2)), [0.3, -1.0, 0.0, 2.0]),
        (d.ComposeTransform([d.AffineTransform(0.0, 2.0), d.StickBreakingTransform()]), [0.3, -1.0]),
    ],
)
def test_transforms_of_vectors(transform: Any, x: Any) -> None:
    x = t(x)
    y = transform(x)
    np.testing.assert_allclose(transform.inv(y).numpy(), x.numpy(), rtol=1e-9, atol=1e-12)
    found = transform.log_abs_det_jacobian(x, y)
    assert (found.shape, found.item()) == ((), pytest.approx(_jacobian(transform, x), abs=1e-6))
    assert transform.inv.log_abs_det_jacobian(y, x).item() == pytest.approx(-found.item())
    assert (transform.forward_shape(x.shape), transform.inverse_shape(y.shape)) == (y.shape, x.shape)
    assert transform.codomain.check(y)
    assert transform.bijective


def test_transforms_that_lose_something() -> None:
    x = t([[0.3, -1.0], [0.5, 2.0]])
    assert d.SoftmaxTransform()(x).sum(-1).tolist() == pytest.approx([1.0, 1.0])
    assert d.AbsTransform()(x).tolist() == [[0.3, 1.0], [0.5, 2.0]]
    lower = d.LowerCholeskyTransform()(x)
    assert d.constraints.lower_cholesky.check(lower)
    np.testing.assert_allclose(d.LowerCholeskyTransform().inv(lower).numpy(), [[0.3, 0.0], [0.5, 2.0]], atol=1e-14)
    whole = d.PositiveDefiniteTransform()(x)
    assert d.constraints.positive_definite.check(whole)
    np.testing.assert_allclose(d.PositiveDefiniteTransform().inv(whole).numpy(), [[0.3, 0.0], [0.5, 2.0]], atol=1e-14)
    assert d.PowerTransform(t(2.0)) == d.PowerTransform(t(2.0)) != d.PowerTransform(t(3.0))
    assert d.identity_transform(x) is x
    assert not d.SoftmaxTransform().bijective


def test_shapes_that_transforms_change() -> None:
    base = d.Normal(curta.zeros(4, 3), 1.0)
    made = d.TransformedDistribution(base, d.StickBreakingTransform())
    assert (made.batch_shape, made.event_shape, repr(made.support)) == ((4,), (4,), "Simplex()")
    assert isinstance(made.base_dist, d.Independent)
    grown = made.expand((5, 4))
    assert (grown.batch_shape, grown.sample((2,)).shape) == ((5, 4), (2, 5, 4, 4))
    assert grown.log_prob(grown.sample()).shape == (5, 4)
    moved = d.TransformedDistribution(d.Normal(curta.zeros(1), 1.0), d.AffineTransform(curta.zeros(2), 1.0, 1))
    assert (moved.batch_shape, moved.event_shape) == ((), (2,))


def test_unchecked_shares_outside_of_the_support() -> None:
    made = d.TransformedDistribution(d.Uniform(0.0, 1.0, validate_args=False), d.ExpTransform(), validate_args=False)
    assert made.cdf(curta.tensor(5.0)).item() == 1.0
    assert d.LogNormal(0.0, 1.0).cdf(curta.tensor(0.0)).item() == 0.0
