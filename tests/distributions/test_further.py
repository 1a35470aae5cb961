"""Distributions made of others: densities, moments and entropies are SciPy's or integrals, samples fit them."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import scipy.integrate
import scipy.special
import scipy.stats as stats

import curta
from curta import distributions as d
from curta.distributions.relaxed import ExpRelaxedCategorical, LogitRelaxedBernoulli
from curta.errors import ArgumentError, UnsupportedError

F64 = curta.float64


def t(*values: Any) -> Any:
    return curta.tensor(values[0] if len(values) == 1 else list(values), dtype=F64)


class _Kumaraswamy(stats.rv_continuous):
    def _pdf(self, x: Any) -> Any:
        return 2.0 * 3.0 * x * (1 - x**2.0) ** 2.0

    def _cdf(self, x: Any) -> Any:
        return 1 - (1 - x**2.0) ** 3.0


#: a distribution, SciPy's, and points of its support
KINDS: dict[str, tuple[Callable[[], Any], Any, list[float]]] = {
    "FisherSnedecor": (lambda: d.FisherSnedecor(t(5.0), t(9.0)), stats.f(5.0, 9.0), [0.1, 1.0, 4.0]),
    "Gumbel": (lambda: d.Gumbel(t(0.3), t(2.0)), stats.gumbel_r(0.3, 2.0), [-3.0, 0.1, 5.0]),
    "GeneralizedPareto": (
        lambda: d.GeneralizedPareto(t(1.0), t(2.0), t(0.2)), stats.genpareto(0.2, 1.0, 2.0), [1.0, 2.0, 9.0],
    ),
    "GeneralizedPareto with an end": (
        lambda: d.GeneralizedPareto(t(1.0), t(2.0), t(-0.5)), stats.genpareto(-0.5, 1.0, 2.0), [1.0, 2.0, 4.9],
    ),
    "GeneralizedPareto not bent": (lambda: d.GeneralizedPareto(t(1.0), t(2.0), 0), stats.expon(1.0, 2.0), [1.0, 9.0]),
    "HalfCauchy": (lambda: d.HalfCauchy(t(2.0)), stats.halfcauchy(scale=2.0), [0.0, 0.1, 5.0]),
    "HalfNormal": (lambda: d.HalfNormal(t(2.0)), stats.halfnorm(scale=2.0), [0.0, 0.1, 5.0]),
    "InverseGamma": (lambda: d.InverseGamma(t(3.0), t(2.0)), stats.invgamma(3.0, scale=2.0), [0.1, 1.0, 5.0]),
    "Kumaraswamy": (lambda: d.Kumaraswamy(t(2.0), t(3.0)), _Kumaraswamy(a=0.0, b=1.0)(), [0.1, 0.5, 0.9]),
    "Pareto": (lambda: d.Pareto(t(2.0), t(3.0)), stats.pareto(3.0, scale=2.0), [2.0, 2.5, 9.0]),
    "Weibull": (lambda: d.Weibull(t(2.0), t(1.5)), stats.weibull_min(1.5, scale=2.0), [0.1, 1.0, 5.0]),
}  # fmt: skip


@pytest.mark.parametrize("name", KINDS)
def test_densities_moments_and_samples(name: str) -> None:
    make, oracle, points = KINDS[name]
    made = make()
    np.testing.assert_allclose(made.log_prob(t(points)).numpy(), oracle.logpdf(points), rtol=1e-10, atol=1e-14)
    if name != "HalfCauchy":
        assert made.mean.item() == pytest.approx(oracle.mean(), rel=1e-7)
        assert made.variance.item() == pytest.approx(oracle.var(), rel=1e-7)
        assert made.stddev.item() == pytest.approx(oracle.std(), rel=1e-7)
    if name != "FisherSnedecor":
        assert made.entropy().item() == pytest.approx(float(oracle.entropy()), rel=1e-7)
    curta.manual_seed(3)
    drawn = made.expand((2,)).rsample((3000,))
    assert (tuple(drawn.shape), drawn.dtype) == ((3000, 2), F64)
    assert stats.kstest(drawn.numpy().ravel(), oracle.cdf).pvalue > 1e-3
    mode = made.mode.item()
    beside = [mode - 1e-3, mode + 1e-3, *points]
    assert max(oracle.pdf(beside)) <= oracle.pdf(mode) * (1 + 1e-12)


@pytest.mark.parametrize("name", [name for name in KINDS if name not in ("FisherSnedecor", "InverseGamma")])
def test_shares(name: str) -> None:
    make, oracle, points = KINDS[name]
    np.testing.assert_allclose(make().cdf(t(points)).numpy(), oracle.cdf(points), rtol=1e-9, atol=1e-14)
    np.testing.assert_allclose(make().icdf(t(0.1, 0.5, 0.9)).numpy(), oracle.ppf([0.1, 0.5, 0.9]), rtol=1e-8)


def test_edges() -> None:
    assert d.Pareto(1.0, t(0.5, 1.5, 2.5)).mean.tolist() == pytest.approx([math.inf, 3.0, 5 / 3])
    assert d.Pareto(1.0, t(1.5, 2.5)).variance.tolist() == pytest.approx([math.inf, 2.5 / (1.5**2 * 0.5)])
    assert d.InverseGamma(t(0.5, 1.5), 1.0).mean.tolist() == pytest.approx([math.inf, 2.0])
    assert d.InverseGamma(t(1.5, 2.5), 1.0).variance.tolist() == pytest.approx([math.inf, 1 / (1.5**2 * 0.5)])
    assert d.HalfCauchy(t(1.0)).mean.item() == d.HalfCauchy(t(1.0)).variance.item() == math.inf
    for made in (d.FisherSnedecor(2.0, 2.0), d.Kumaraswamy(0.5, 1.0)):
        assert math.isnan(made.mode.item())
    assert math.isnan(d.GeneralizedPareto(0.0, 1.0, 1.0).mean.item())
    assert math.isnan(d.GeneralizedPareto(0.0, 1.0, 0.5).variance.item())
    assert d.GeneralizedPareto(0.0, 2.0, curta.tensor([-0.5, 0.5])).support.upper_bound.tolist() == [4.0, math.inf]
    assert math.isnan(d.FisherSnedecor(2.0, 2.0).mean.item())
    assert math.isnan(d.FisherSnedecor(2.0, 4.0).variance.item())
    assert d.HalfNormal(1.0, validate_args=False).log_prob(curta.tensor(-1.0)).item() == -math.inf
    assert repr(d.Pareto(t(2.0), t(1.0)).support) == "GreaterThanEq(lower_bound=2.0)"
    assert repr(d.LogNormal(0.0, 1.0)) == "LogNormal()"


@pytest.mark.parametrize("probs", [0.01, 0.3, 0.4995, 0.5, 0.5005, 0.8])
def test_continuous_bernoulli(probs: float) -> None:
    made = d.ContinuousBernoulli(t(probs))
    # exp(l x) for x in [0, 1], l the logits, scaled: an exponential that ends
    logit = math.log(probs / (1 - probs))
    scale = logit / math.expm1(logit) if logit else 1.0
    moments = [scipy.integrate.quad(lambda x, k=k: scale * x**k * math.exp(logit * x), 0, 1)[0] for k in (0, 1, 2)]
    assert moments[0] == pytest.approx(1)
    points = [0.0, 0.3, 0.9, 1.0]
    wanted = [math.log(scale) + logit * x for x in points]
    np.testing.assert_allclose(made.log_prob(t(points)).numpy(), wanted, atol=1e-9)
    assert made.mean.item() == pytest.approx(moments[1], abs=1e-9)
    assert made.variance.item() == pytest.approx(moments[2] - moments[1] ** 2, abs=1e-9)
    assert made.entropy().item() == pytest.approx(-math.log(scale) - logit * moments[1], abs=1e-8)
    shares = [math.expm1(logit * x) / math.expm1(logit) if logit else x for x in points]
    np.testing.assert_allclose(made.cdf(t(points)).numpy(), shares, atol=3e-4)  # between the limits that of 1/2
    np.testing.assert_allclose(made.icdf(made.cdf(t(points))).numpy(), points, atol=1e-12)
    of_logits = d.ContinuousBernoulli(logits=t(logit))
    np.testing.assert_allclose(of_logits.log_prob(t(points)).numpy(), wanted, atol=1e-9)
    curta.manual_seed(1)
    drawn = made.expand((2,)).rsample((4000,))
    assert drawn.mean().item() == pytest.approx(moments[1], abs=4 * made.stddev.item() / math.sqrt(8000))


@pytest.mark.parametrize("concentration", [1e-7, 0.3, 2.0, 300.0])
def test_von_mises(concentration: float) -> None:
    made, oracle = d.VonMises(t(0.5), t(concentration)), stats.vonmises(concentration, loc=0.5)
    points = [-3.0, 0.2, 0.5, 3.0]
    np.testing.assert_allclose(made.log_prob(t(points)).numpy(), oracle.logpdf(points), rtol=1e-9)
    ratio = scipy.special.i1e(concentration) / scipy.special.i0e(concentration)
    assert made.variance.item() == pytest.approx(1 - ratio, rel=1e-9)
    assert made.mean.item() == made.mode.item() == 0.5
    curta.manual_seed(1)
    drawn = made.expand((2,)).sample((4000,))
    assert (drawn.shape, drawn.dtype) == ((4000, 2), F64)
    assert (drawn.abs() <= math.pi).all()
    around = (drawn.flatten().numpy() - 0.5 + math.pi) % (2 * math.pi) - math.pi
    assert stats.kstest(around, stats.vonmises(concentration).cdf).pvalue > 1e-3
    with curta.device("meta"):
        assert d.VonMises(curta.zeros(3), 1.0).sample((2,)).shape == (2, 3)
    odd = d.VonMises(0.0, t(math.inf, math.nan, -1.0), validate_args=False).sample()
    assert odd.tolist() == pytest.approx([0.0, math.nan, math.nan], nan_ok=True)


def test_negative_binomial() -> None:
    made, oracle = d.NegativeBinomial(t(4.0), t(0.3)), stats.nbinom(4, 0.7)
    points = [0, 1, 7]
    np.testing.assert_allclose(made.log_prob(t(points)).numpy(), oracle.logpmf(points), rtol=1e-11)
    assert (made.mean.item(), made.variance.item()) == pytest.approx((oracle.mean(), oracle.var()), rel=1e-12)
    assert made.mode.item() == max(range(20), key=oracle.pmf)
    assert d.NegativeBinomial(t(0.0), t(0.3)).log_prob(t(0.0)).item() == 0
    of_logits = d.NegativeBinomial(t(4.0), logits=made.logits)
    np.testing.assert_allclose(of_logits.log_prob(t(points)).numpy(), oracle.logpmf(points), rtol=1e-11)
    curta.manual_seed(1)
    drawn = made.expand((2,)).sample((4000,)).numpy()
    assert drawn.mean() == pytest.approx(oracle.mean(), abs=4 * oracle.std() / math.sqrt(8000))
    with pytest.raises(ArgumentError, match=r"HalfOpenInterval\(lower_bound=0.0, upper_bound=1.0\)"):
        d.NegativeBinomial(1.0, 1.0)


def test_multinomial() -> None:
    shares = [0.2, 0.3, 0.5]
    made, oracle = d.Multinomial(6, t(shares)), stats.multinomial(6, shares)
    points = [[1, 2, 3], [6, 0, 0], [0, 3, 3]]
    np.testing.assert_allclose(made.log_prob(t(points)).numpy(), oracle.logpmf(points), rtol=1e-11)
    np.testing.assert_allclose(made.mean.numpy(), [1.2, 1.8, 3.0], rtol=1e-12)
    np.testing.assert_allclose(made.variance.numpy(), [0.96, 1.26, 1.5], rtol=1e-12)
    assert made.entropy().item() == pytest.approx(float(oracle.entropy()), rel=1e-10)
    assert d.Multinomial(2, logits=t(-math.inf, 0.0)).log_prob(t(0.0, 2.0)).item() == 0
    curta.manual_seed(1)
    drawn = made.expand((2,)).sample((3000,))
    assert drawn.shape == (3000, 2, 3)
    assert (drawn.sum(-1) == 6).all()
    np.testing.assert_allclose(drawn.mean((0, 1)).numpy(), [1.2, 1.8, 3.0], atol=4 * 1.3 / math.sqrt(6000))
    with pytest.raises(UnsupportedError, match=r"^inhomogeneous total_count is not supported$"):
        d.Multinomial(t(1.0, 2.0), t(shares))  # type: ignore[arg-type]
    with pytest.raises(ArgumentError, match=r"within the support \(Multinomial\(\)\)"):
        made.log_prob(t(4.0, 4.0, 0.0))


def test_mixtures() -> None:
    made = d.MixtureSameFamily(d.Categorical(t(1.0, 3.0)), d.Normal(t(-1.0, 2.0), t(0.5, 1.0)))
    points = [-1.5, 0.0, 3.0]
    both = [stats.norm(-1.0, 0.5), stats.norm(2.0, 1.0)]
    density = 0.25 * both[0].pdf(points) + 0.75 * both[1].pdf(points)
    np.testing.assert_allclose(made.log_prob(t(points)).exp().numpy(), density, rtol=1e-12)
    share = 0.25 * both[0].cdf(points) + 0.75 * both[1].cdf(points)
    np.testing.assert_allclose(made.cdf(t(points)).numpy(), share, rtol=1e-12)
    mean = -0.25 + 1.5
    assert made.mean.item() == pytest.approx(mean)
    assert made.variance.item() == pytest.approx(0.25 * (0.25 + 1) + 0.75 * (1 + 4) - mean**2)
    curta.manual_seed(2)
    drawn = made.expand((3,)).sample((2000,))
    assert drawn.shape == (2000, 3)
    cdf = lambda x: 0.25 * both[0].cdf(x) + 0.75 * both[1].cdf(x)  # noqa: E731
    assert stats.kstest(drawn.numpy().ravel(), cdf).pvalue > 1e-3
    assert repr(made).startswith("MixtureSameFamily(\n  Categorical(probs: torch.Size([2])")
    assert repr(made.support) == "MixtureSameFamilyConstraint(Real())"


def test_mixtures_of_vectors_and_of_batches() -> None:
    points = d.Independent(d.Normal(curta.zeros(4, 2, 3), 1.0), 1)
    made = d.MixtureSameFamily(d.Categorical(curta.ones(2)), points)  # one choice for a batch of four
    assert (made.batch_shape, made.event_shape, made.sample((5,)).shape) == ((4,), (3,), (5, 4, 3))
    wanted = 3 * stats.norm.logpdf(0.5)
    assert made.log_prob(curta.full((4, 3), 0.5)).tolist() == pytest.approx([wanted] * 4, rel=1e-6)
    assert (made.mean.shape, made.variance.shape) == ((4, 3), (4, 3))


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (
            lambda: d.MixtureSameFamily(d.Normal(0.0, 1.0), d.Normal(curta.zeros(1), 1.0)),  # type: ignore[arg-type]
            "The Mixture distribution needs to be an instance of torch.distributions.Categorical",
        ),
        (
            lambda: d.MixtureSameFamily(d.Categorical(curta.ones(2)), 3),  # type: ignore[arg-type]
            "The Component distribution needs to be an instance of torch.distributions.Distribution",
        ),
        (
            lambda: d.MixtureSameFamily(d.Categorical(curta.ones(3, 2)), d.Normal(curta.zeros(4, 2), 1.0)),
            "`mixture_distribution.batch_shape` (torch.Size([3])) is not compatible with "
            "`component_distribution.batch_shape`(torch.Size([4]))",
        ),
        (
            lambda: d.MixtureSameFamily(d.Categorical(curta.ones(2)), d.Normal(curta.zeros(3), 1.0)),
            "`mixture_distribution component` (2) does not equal `component_distribution.batch_shape[-1]` (3)",
        ),
        (
            lambda: d.constraints.MixtureSameFamilyConstraint(d.constraints.simplex).check(curta.tensor(1.0)),
            "Expected value.dim() >= 1 but got 0",
        ),
        (
            lambda: d.constraints.independent(d.constraints.real, 1).check(curta.tensor(1.0)),
            "Expected value.dim() >= 1 but got 0",
        ),
    ],
)
def test_refused(call: Any, message: str) -> None:
    with pytest.raises(ArgumentError) as caught:
        call()
    assert str(caught.value) == message


def test_relaxed_choices() -> None:
    """Densities add up to 1, and a share of samples above the middle is the probability."""
    warm, probs = t(0.7), t(0.3)
    relaxed = d.RelaxedBernoulli(warm, probs)
    area, _ = scipy.integrate.quad(lambda x: math.exp(relaxed.log_prob(t(x)).item()), 0, 1)
    assert area == pytest.approx(1, abs=1e-6)
    logits = LogitRelaxedBernoulli(warm, probs)
    area, _ = scipy.integrate.quad(lambda x: math.exp(logits.log_prob(t(x)).item()), -40, 40)
    assert area == pytest.approx(1, abs=1e-6)
    curta.manual_seed(1)
    drawn = relaxed.expand((2,)).rsample((4000,))
    assert (drawn > 0.5).to(F64).mean().item() == pytest.approx(0.3, abs=4 * math.sqrt(0.21 / 8000))
    several = d.RelaxedOneHotCategorical(warm, t(0.2, 0.8))
    area, _ = scipy.integrate.quad(lambda x: math.exp(several.log_prob(t(x, 1 - x)).item()), 0, 1)
    assert area == pytest.approx(1, abs=1e-6)
    drawn = several.expand((2,)).rsample((4000,))
    assert (tuple(drawn.shape), several.temperature.item()) == ((4000, 2, 2), 0.7)
    assert (drawn[..., 0] > 0.5).to(F64).mean().item() == pytest.approx(0.2, abs=4 * math.sqrt(0.16 / 8000))
    assert ExpRelaxedCategorical(warm, t(1.0, 1.0)).param_shape == (2,)


def test_gradients_straight_through() -> None:
    probs = curta.tensor([0.2, 0.8], requires_grad=True)
    made = d.OneHotCategoricalStraightThrough(probs)
    drawn = made.rsample((5,))
    assert set(drawn.detach().flatten().tolist()) <= {0.0, 1.0}
    (drawn * curta.tensor([1.0, 3.0])).sum().backward()
    # d/dp of 5 * (1 * p0 + 3 * p1) / (p0 + p1)
    assert probs.grad.tolist() == pytest.approx([5 * (1 - 2.6), 5 * (3 - 2.6)])


def test_logistic_normal() -> None:
    made = d.LogisticNormal(t(0.3, -0.2), t(1.0, 0.5))
    assert (made.batch_shape, made.event_shape) == ((), (3,))
    curta.manual_seed(1)
    drawn = made.sample((4,))
    assert drawn.sum(-1).tolist() == pytest.approx([1] * 4)

    def density(y: float, x: float) -> float:
        return math.exp(made.log_prob(t(x, y, 1 - x - y)).item())

    area, _ = scipy.integrate.dblquad(density, 1e-6, 1 - 2e-6, 1e-7, lambda x: 1 - x - 1e-7, epsabs=1e-3, epsrel=1e-3)
    assert area == pytest.approx(1, abs=3e-3)
    assert d.LogisticNormal(0.0, 1.0).event_shape == (2,)


@pytest.mark.parametrize(
    ("name", "inside", "outside"),
    [
        ("lower_triangular", [[1.0, 0.0], [2.0, -1.0]], [[1.0, 1.0], [0.0, 1.0]]),
        ("corr_cholesky", [[1.0, 0.0], [0.6, 0.8]], [[1.0, 0.0], [0.6, 0.7]]),
        ("square", [[1.0, 0.0], [0.6, 0.8]], [[1.0, 0.0]]),
        ("symmetric", [[1.0, 0.5], [0.5, 0.8]], [[1.0, 0.5], [0.4, 0.8]]),
        ("positive_semidefinite", [[1.0, 1.0], [1.0, 1.0]], [[1.0, 2.0], [2.0, 1.0]]),
        ("positive_definite", [[1.0, 0.5], [0.5, 1.0]], [[1.0, 2.0], [2.0, 1.0]]),
    ],
)
def test_sets_of_matrices(name: str, inside: Any, outside: Any) -> None:
    found = getattr(d.constraints, name)
    assert found.check(t([inside, inside])).tolist() == [True, True]
    assert found.check(t([outside, outside])).tolist() == [False, False]
    assert found.event_dim == 2
    if name in ("symmetric", "positive_semidefinite", "positive_definite"):
        assert found.check(curta.zeros(1, 2, 3)).tolist() == [False]


#: distributions, and the ends of what each has
SIDES: dict[str, tuple[Callable[[], Any], float, float]] = {
    "Beta": (lambda: d.Beta(t(2.0), t(3.0)), 0, 1),
    "Exponential": (lambda: d.Exponential(t(1.5)), 0, 60),
    "Gamma": (lambda: d.Gamma(t(2.5), t(2.0)), 0, 60),
    "Gumbel": (lambda: d.Gumbel(t(0.3), t(0.8)), -30, 60),
    "HalfNormal": (lambda: d.HalfNormal(t(0.8)), 0, 30),
    "Laplace": (lambda: d.Laplace(t(0.3), t(0.8)), -60, 60),
    "Normal": (lambda: d.Normal(t(0.3), t(0.8)), -30, 30),
    "Pareto": (lambda: d.Pareto(t(0.7), t(40.0)), 0.7, 30),
    "Uniform": (lambda: d.Uniform(t(0.75), t(0.95)), 0.75, 0.95),
}
OTHERS: dict[str, Callable[[], Any]] = {
    "Beta": lambda: d.Beta(t(1.5), t(2.0)),
    "Exponential": lambda: d.Exponential(t(0.5)),
    "Gamma": lambda: d.Gamma(t(1.5), t(0.7)),
    "Gumbel": lambda: d.Gumbel(t(-0.2), t(1.3)),
    "HalfNormal": lambda: d.HalfNormal(t(1.4)),
    "Laplace": lambda: d.Laplace(t(-0.2), t(1.3)),
    "Normal": lambda: d.Normal(t(-0.2), t(1.3)),
    "Pareto": lambda: d.Pareto(t(0.5), t(2.0)),
    "Uniform": lambda: d.Uniform(t(-0.5), t(1.5)),
}
FINITE = {
    "Beta": ("Exponential", "Gamma", "Normal", "Uniform"),
    "Exponential": ("Gamma", "Gumbel", "Normal"),
    "Gamma": ("Exponential", "Gumbel", "Normal"),
    "Gumbel": ("Gumbel", "Normal"),
    "HalfNormal": ("HalfNormal",),
    "Laplace": ("Normal",),
    "Normal": ("Gumbel", "Laplace"),
    "Pareto": ("Exponential", "Gamma", "Normal", "Pareto"),
    "Uniform": ("Beta", "Exponential", "Gamma", "Gumbel", "Normal", "Pareto"),
}


@pytest.mark.parametrize(("first", "second"), [(p, q) for p, several in FINITE.items() for q in several])
def test_divergences_between_kinds(first: str, second: str) -> None:
    make, low, high = SIDES[first]
    p, q = make(), OTHERS[second]()
    x = np.clip(low + (high - low) * np.linspace(0, 1, 400_001) ** 3, low + 1e-12, high - 1e-12)
    logs = p.log_prob(t(x)).numpy()
    wanted = scipy.integrate.trapezoid(np.exp(logs) * (logs - q.log_prob(t(x)).numpy()), x)
    assert d.kl_divergence(p, q).item() == pytest.approx(wanted, abs=2e-4)


def test_divergences_without_an_end() -> None:
    for first, seconds in {
        "Beta": ("Pareto",), "Exponential": ("Beta", "Pareto", "Uniform"), "Gamma": ("Beta", "Pareto", "Uniform"),
        "Gumbel": ("Beta", "Exponential", "Gamma", "Pareto", "Uniform"), "Pareto": ("Beta", "Uniform"),
        "Laplace": ("Beta", "Exponential", "Gamma", "Pareto", "Uniform"),
        "Normal": ("Beta", "Exponential", "Gamma", "Pareto", "Uniform"),
    }.items():  # fmt: skip
        for second in seconds:
            assert d.kl_divergence(SIDES[first][0](), OTHERS[second]()).item() == math.inf
    wide = d.Uniform(t(-1.0, 0.2), t(0.5, 3.0))
    assert d.kl_divergence(wide, d.Exponential(t(1.0))).isinf().tolist() == [True, False]
    assert d.kl_divergence(wide, d.Gamma(t(1.5), t(1.0))).isinf().tolist() == [True, False]
    assert d.kl_divergence(wide, d.Beta(t(1.5), t(1.0))).isinf().tolist() == [True, True]
    assert d.kl_divergence(wide, d.Pareto(t(0.1), t(1.0))).isinf().tolist() == [True, False]
    assert d.kl_divergence(d.Beta(t(2.0), t(3.0)), d.Uniform(t(0.1), t(2.0))).item() == math.inf
    assert d.kl_divergence(d.Pareto(t(0.5), t(2.0)), d.Pareto(t(0.7), t(2.0))).item() == math.inf
    assert d.kl_divergence(d.Pareto(t(0.5), t(0.9)), d.Exponential(t(2.0))).item() == math.inf
    for second in (d.Bernoulli(t(0.3)), d.Binomial(3, t(0.3))):
        assert d.kl_divergence(d.Poisson(t(2.0)), second).item() == math.inf


def test_divergences_of_what_is_transformed() -> None:
    same = d.kl_divergence(d.Normal(t(0.3), t(1.0)), d.Normal(t(0.0), t(2.0))).item()
    assert d.kl_divergence(d.LogNormal(t(0.3), t(1.0)), d.LogNormal(t(0.0), t(2.0))).item() == same
    p, q = d.Bernoulli(t(0.3)), d.Poisson(t(0.8))
    shares = (0.7, 0.3)
    wanted = sum(share * (math.log(share) - stats.poisson(0.8).logpmf(k)) for k, share in enumerate(shares))
    assert d.kl_divergence(p, q).item() == pytest.approx(wanted)
