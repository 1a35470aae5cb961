"""Distributions: densities, moments and entropies are SciPy's, samples fit them, divergences are integrals."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import scipy.integrate
import scipy.stats as stats

import curta
from curta import distributions as d
from curta.errors import ArgumentError, ArgumentTypeError, UnsupportedError

F64 = curta.float64


def t(*values: Any) -> Any:
    return curta.tensor(values[0] if len(values) == 1 else list(values), dtype=F64)


#: a distribution, SciPy's, and points of its support
CONTINUOUS: dict[str, tuple[Callable[[], Any], Any, list[float]]] = {
    "Normal": (lambda: d.Normal(t(1.5), t(2.0)), stats.norm(1.5, 2.0), [-3.0, 0.2, 5.0]),
    "LogNormal": (lambda: d.LogNormal(t(0.3), t(0.5)), stats.lognorm(0.5, scale=math.exp(0.3)), [0.1, 1.0, 4.0]),
    "Laplace": (lambda: d.Laplace(t(1.0), t(0.7)), stats.laplace(1.0, 0.7), [-2.0, 1.1, 3.0]),
    "Cauchy": (lambda: d.Cauchy(t(1.0), t(0.7)), stats.cauchy(1.0, 0.7), [-2.0, 1.1, 30.0]),
    "Uniform": (lambda: d.Uniform(t(-1.0), t(3.0)), stats.uniform(-1.0, 4.0), [-0.5, 2.9]),
    "Exponential": (lambda: d.Exponential(t(2.5)), stats.expon(scale=0.4), [0.0, 0.1, 3.0]),
}
DISCRETE: dict[str, tuple[Callable[[], Any], Any, list[float]]] = {
    "Bernoulli": (lambda: d.Bernoulli(t(0.3)), stats.bernoulli(0.3), [0, 1]),
    "Bernoulli of logits": (lambda: d.Bernoulli(logits=t(-2.0)), stats.bernoulli(1 / (1 + math.exp(2))), [0, 1]),
    "Geometric": (lambda: d.Geometric(t(0.3)), stats.geom(0.3, loc=-1), [0, 1, 7]),
    "Binomial": (lambda: d.Binomial(12, t(0.3)), stats.binom(12, 0.3), [0, 3, 12]),
    "Binomial of logits": (lambda: d.Binomial(12, logits=t(0.0)), stats.binom(12, 0.5), [0, 3, 12]),
    "Poisson": (lambda: d.Poisson(t(3.5)), stats.poisson(3.5), [0, 3, 12]),
}
BOTH = {**CONTINUOUS, **DISCRETE}


@pytest.mark.parametrize("name", BOTH)
def test_densities_and_moments(name: str) -> None:
    make, oracle, points = BOTH[name]
    made = make()
    logs = oracle.logpdf(points) if name in CONTINUOUS else oracle.logpmf(points)
    np.testing.assert_allclose(made.log_prob(t(points)).numpy(), logs, rtol=1e-12)
    if name != "Cauchy":
        assert made.mean.item() == pytest.approx(oracle.mean(), rel=1e-12)
        assert made.variance.item() == pytest.approx(oracle.var(), rel=1e-12)
        assert made.stddev.item() == pytest.approx(oracle.std(), rel=1e-12)
    if name != "Poisson":
        assert made.entropy().item() == pytest.approx(float(oracle.entropy()), rel=1e-9)
        assert made.perplexity().item() == pytest.approx(math.exp(oracle.entropy()), rel=1e-9)


@pytest.mark.parametrize("name", CONTINUOUS)
def test_shares(name: str) -> None:
    make, oracle, points = CONTINUOUS[name]
    np.testing.assert_allclose(make().cdf(t(points)).numpy(), oracle.cdf(points), rtol=1e-11, atol=1e-15)
    np.testing.assert_allclose(make().icdf(t(0.1, 0.5, 0.9)).numpy(), oracle.ppf([0.1, 0.5, 0.9]), rtol=1e-11)


@pytest.mark.parametrize("name", BOTH)
def test_samples(name: str) -> None:
    curta.manual_seed(4)
    make, oracle, _ = BOTH[name]
    drawn = make().expand((2,)).sample((4000,))
    assert (tuple(drawn.shape), drawn.dtype) == ((4000, 2), F64)
    assert not drawn.requires_grad
    values = drawn.numpy().ravel()
    if name in CONTINUOUS:
        assert stats.kstest(values, oracle.cdf).pvalue > 1e-3
    else:
        cells = [k for k in range(20) if oracle.pmf(k) * len(values) > 5]
        found = np.array([(values == k).sum() for k in cells] + [0.0])
        wanted = np.array([oracle.pmf(k) * len(values) for k in cells] + [0.0])
        found[-1], wanted[-1] = len(values) - found.sum(), len(values) - wanted.sum()
        if wanted[-1] < 5:
            found, wanted = found[:-1], wanted[:-1] * found[:-1].sum() / wanted[:-1].sum()
        assert stats.chisquare(found, wanted).pvalue > 1e-3


@pytest.mark.parametrize("name", ["Normal", "LogNormal", "Laplace", "Cauchy", "Uniform", "Exponential"])
def test_samples_follow_the_parameters(name: str) -> None:
    """Moving the parameters moves a sample as finite differences say."""
    kind, start = getattr(d, name), ([0.4] if name == "Exponential" else [0.4, 1.3])
    places = t(start).requires_grad_()
    assert kind.has_rsample

    def drawn(parameters: Any) -> Any:
        curta.manual_seed(1)
        return kind(*parameters.unbind(0)).rsample((5,)).sum()

    (slope,) = curta.autograd.grad(drawn(places), places)
    step = 1e-6
    for place in range(len(start)):
        moved = [curta.tensor(start, dtype=F64) for _ in range(2)]
        moved[0][place] += step
        moved[1][place] -= step
        difference = (drawn(moved[0]) - drawn(moved[1])).item() / (2 * step)
        assert slope[place].item() == pytest.approx(difference, rel=1e-5)


def test_gradients_of_densities() -> None:
    x = t(0.3, 1.2).requires_grad_()
    for make in (lambda p: d.Normal(p, 1.0 + p), lambda p: d.Laplace(p, 2.0), lambda p: d.Exponential(p)):
        assert curta.autograd.gradcheck(lambda p, make=make: make(p).log_prob(t(0.7)), (x,))
    assert curta.autograd.gradcheck(lambda p: d.Bernoulli(logits=p).log_prob(t(1.0)), (x,))
    assert curta.autograd.gradcheck(lambda p: d.Categorical(logits=p).log_prob(curta.tensor(1)), (x,))
    assert curta.autograd.gradcheck(lambda p: d.Categorical(probs=p).entropy(), (x,))


# of one among several


def test_categorical() -> None:
    made = d.Categorical(t([1.0, 3.0], [2.0, 2.0]))
    assert made.probs.tolist() == [[0.25, 0.75], [0.5, 0.5]]
    assert made.log_prob(curta.tensor([1, 0])).exp().tolist() == pytest.approx([0.75, 0.5])
    assert made.log_prob(curta.tensor([[1], [0]])).shape == (2, 2)
    assert made.entropy().tolist() == pytest.approx([stats.entropy([0.25, 0.75]), math.log(2)])
    assert made.mode.tolist() == [1, 0]
    assert made.mean.isnan().all()
    assert made.enumerate_support().tolist() == [[0, 0], [1, 1]]
    assert made.enumerate_support(expand=False).tolist() == [[0], [1]]
    by_logits = d.Categorical(logits=t(1.0, 2.0))
    assert by_logits.logits.exp().sum().item() == pytest.approx(1)
    assert by_logits.probs.tolist() == pytest.approx([1 / (1 + math.e), math.e / (1 + math.e)])
    curta.manual_seed(2)
    drawn = made.sample((8000,))
    assert (tuple(drawn.shape), drawn.dtype) == ((8000, 2), curta.int64)
    shares = drawn.double().mean(0)
    assert shares.tolist() == pytest.approx([0.75, 0.5], abs=0.02)  # its deviation is 0.0056
    assert made.expand((3, 2)).sample().shape == (3, 2)
    nothing = d.Categorical(t(0.0, 1.0))
    assert nothing.entropy().item() == pytest.approx(0, abs=1e-12)


def test_one_hot() -> None:
    made = d.OneHotCategorical(t(0.2, 0.8))
    assert (made.batch_shape, made.event_shape) == ((), (2,))
    assert made.log_prob(t(0.0, 1.0)).exp().item() == pytest.approx(0.8)
    assert made.mode.tolist() == [0, 1]
    assert made.variance.tolist() == pytest.approx([0.16, 0.16])
    assert made.enumerate_support().tolist() == [[1, 0], [0, 1]]
    assert made.entropy().item() == pytest.approx(stats.entropy([0.2, 0.8]))
    drawn = made.expand((3,)).sample((50,))
    assert drawn.shape == (50, 3, 2)
    assert (drawn.sum(-1) == 1).all()


def test_values_of_binary_distributions() -> None:
    assert d.Bernoulli(0.5).enumerate_support().tolist() == [0, 1]
    assert d.Bernoulli(curta.tensor([0.2, 0.5])).mode.tolist() == [0, pytest.approx(math.nan, nan_ok=True)]
    assert d.Bernoulli(curta.tensor([0.2, 0.5])).enumerate_support().shape == (2, 2)
    assert d.Binomial(2, 0.5).enumerate_support().tolist() == [0, 1, 2]
    assert d.Bernoulli(0.25).logits.item() == pytest.approx(math.log(1 / 3), rel=1e-6)
    with pytest.raises(UnsupportedError, match=r"^Inhomogeneous total count not supported by `enumerate_support`\.$"):
        d.Binomial(curta.tensor([1.0, 2.0]), 0.5).enumerate_support()


# of vectors

COVARIANCE = [[2.0, 0.5, 0.1], [0.5, 1.0, -0.3], [0.1, -0.3, 0.7]]
MEAN = [0.5, -1.0, 2.0]


@pytest.mark.parametrize("form", ["covariance_matrix", "precision_matrix", "scale_tril"])
def test_multivariate_normal(form: str) -> None:
    matrices = {
        "covariance_matrix": np.array(COVARIANCE), "precision_matrix": np.linalg.inv(COVARIANCE),
        "scale_tril": np.linalg.cholesky(COVARIANCE),
    }  # fmt: skip
    made = d.MultivariateNormal(t(MEAN), **{form: curta.from_numpy(matrices[form])})
    oracle = stats.multivariate_normal(MEAN, COVARIANCE)
    points = np.array([[0.0, 0.0, 0.0], [1.0, -2.0, 3.0]])
    np.testing.assert_allclose(made.log_prob(curta.from_numpy(points)).numpy(), oracle.logpdf(points), rtol=1e-10)
    assert made.entropy().item() == pytest.approx(oracle.entropy(), rel=1e-10)
    for name, wanted in matrices.items():
        np.testing.assert_allclose(getattr(made, name).numpy(), wanted, rtol=1e-10, atol=1e-12)
    np.testing.assert_allclose(made.variance.numpy(), np.diag(COVARIANCE), rtol=1e-10)
    curta.manual_seed(3)
    drawn = made.sample((20000,)).numpy()
    np.testing.assert_allclose(drawn.mean(0), MEAN, atol=0.05)
    np.testing.assert_allclose(np.cov(drawn.T), COVARIANCE, atol=0.06)
    assert made.expand((2,)).rsample((4,)).shape == (4, 2, 3)


def test_several_means_of_one_covariance() -> None:
    loc = curta.zeros(5, 2, dtype=F64).requires_grad_()
    made = d.MultivariateNormal(loc, curta.eye(2, dtype=F64))
    assert (made.batch_shape, made.event_shape) == ((5,), (2,))
    made.rsample().sum().backward()
    assert loc.grad.eq(1).all()


def test_independent() -> None:
    base = d.Normal(curta.zeros(4, 3, dtype=F64), 1.0)
    made = d.Independent(base, 1)
    assert (made.batch_shape, made.event_shape) == ((4,), (3,))
    x = curta.ones(4, 3, dtype=F64)
    assert made.log_prob(x).tolist() == pytest.approx([3 * stats.norm.logpdf(1.0)] * 4)
    assert made.entropy().tolist() == pytest.approx([3 * stats.norm.entropy()] * 4)
    assert made.rsample((2,)).shape == made.sample((2,)).shape == (2, 4, 3)
    assert made.mean.shape == made.variance.shape == made.mode.shape == (4, 3)
    assert made.has_rsample
    assert made.expand((2, 4)).sample().shape == (2, 4, 3)
    assert repr(made.support) == "IndependentConstraint(Real(), 1)"
    assert d.Independent(base, 0).log_prob(x).shape == (4, 3)
    assert made.support.check(x).shape == (4,)


# divergences


@pytest.mark.parametrize(
    ("p", "q"),
    [
        ("Normal", lambda: d.Normal(t(0.0), t(1.0))),
        ("LogNormal", lambda: d.LogNormal(t(0.0), t(1.0))),
        ("Laplace", lambda: d.Laplace(t(0.0), t(1.0))),
        ("Cauchy", lambda: d.Cauchy(t(0.0), t(1.0))),
        ("Uniform", lambda: d.Uniform(t(-2.0), t(4.0))),
        ("Exponential", lambda: d.Exponential(t(1.0))),
        ("Bernoulli", lambda: d.Bernoulli(t(0.6))),
        ("Geometric", lambda: d.Geometric(t(0.5))),
        ("Binomial", lambda: d.Binomial(12, t(0.6))),
        ("Poisson", lambda: d.Poisson(t(2.0))),
    ],
)
def test_divergences(p: str, q: Any) -> None:
    make, oracle, _ = BOTH[p]
    first, second = make(), q()

    def integrand(x: float) -> float:
        x = t(x)
        ours = first.log_prob(x)
        return (ours.exp() * (ours - second.log_prob(x))).item()  # type: ignore[no-any-return]

    if p in DISCRETE:
        wanted = sum(integrand(float(k)) for k in range(int(oracle.ppf(1 - 1e-14)) + 1) if oracle.pmf(k) > 0)
    else:
        ends = oracle.ppf([1e-9, 0.5, 1 - 1e-9]) if p != "Cauchy" else np.array([-np.inf, 1.0, np.inf])
        ends[1] = 0.3 if p == "Normal" else ends[1]
        wanted = sum(scipy.integrate.quad(integrand, low, high, limit=100)[0] for low, high in itertools.pairwise(ends))
    assert d.kl_divergence(first, second).item() == pytest.approx(wanted, rel=1e-5)
    assert d.kl_divergence(first, make()).item() == pytest.approx(0, abs=1e-12)


def test_divergences_of_several() -> None:
    first, second = t(0.2, 0.3, 0.5), t(0.4, 0.4, 0.2)
    wanted = stats.entropy(first.numpy(), second.numpy())
    for kind in (d.Categorical, d.OneHotCategorical):
        assert d.kl_divergence(kind(first), kind(second)).item() == pytest.approx(wanted)
    assert d.kl_divergence(d.Categorical(t(0.0, 1.0)), d.Categorical(t(0.5, 0.5))).item() == pytest.approx(math.log(2))
    assert d.kl_divergence(d.Categorical(t(0.5, 0.5)), d.Categorical(t(0.0, 1.0))).item() == math.inf
    assert d.kl_divergence(d.Uniform(0.0, 1.0), d.Uniform(0.5, 1.0)).item() == math.inf
    assert d.kl_divergence(d.Binomial(3, 0.5), d.Binomial(2, 0.5)).item() == math.inf
    p = d.MultivariateNormal(t(0.0, 1.0), t([[2.0, 0.0], [0.0, 0.5]]))
    q = d.MultivariateNormal(t(1.0, 1.0), t([[1.0, 0.0], [0.0, 1.0]]))
    apart = [d.kl_divergence(d.Normal(m, v**0.5), d.Normal(n, 1.0)) for m, v, n in ((0.0, 2.0, 1.0), (1.0, 0.5, 1.0))]
    assert d.kl_divergence(p, q).item() == pytest.approx(sum(one.item() for one in apart), rel=1e-6)
    base = d.Normal(curta.zeros(3), 1.0), d.Normal(curta.ones(3), 1.0)
    assert d.kl_divergence(*(d.Independent(one, 1) for one in base)).item() == pytest.approx(1.5)


# what is refused: PyTorch's words


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (
            lambda: d.Normal(0.0, -1.0),
            "Expected parameter scale (Tensor of shape ()) of distribution Normal(loc: 0.0, scale: -1.0) to satisfy "
            "the constraint GreaterThan(lower_bound=0.0), but found invalid values:\n-1.0",
        ),
        (
            lambda: d.Normal(curta.zeros(2), curta.tensor([1.0, -1.0])),
            "Expected parameter scale (Tensor of shape (2,)) of distribution Normal(loc: torch.Size([2]), scale: "
            "torch.Size([2])) to satisfy the constraint GreaterThan(lower_bound=0.0), but found invalid values:\n"
            "tensor([ 1., -1.])",
        ),
        (
            lambda: d.Uniform(1.0, 0.0),
            "Expected parameter low (Tensor of shape ()) of distribution Uniform(low: 1.0, high: 0.0) to satisfy the "
            "constraint LessThan(upper_bound=0.0), but found invalid values:\n1.0",
        ),
        (
            lambda: d.Bernoulli(1.5),
            "Expected parameter probs (Tensor of shape ()) of distribution Bernoulli(probs: 1.5) to satisfy the "
            "constraint Interval(lower_bound=0.0, upper_bound=1.0), but found invalid values:\n1.5",
        ),
        (lambda: d.Bernoulli(), "Either `probs` or `logits` must be specified, but not both."),
        (lambda: d.Categorical(t(1.0), t(1.0)), "Either `probs` or `logits` must be specified, but not both."),
        (lambda: d.Categorical(curta.tensor(1.0)), "`probs` parameter must be at least one-dimensional."),
        (
            lambda: d.MultivariateNormal(curta.zeros(2), -curta.eye(2)),
            "Expected parameter covariance_matrix (Tensor of shape (2, 2)) of distribution MultivariateNormal(loc: "
            "torch.Size([2]), covariance_matrix: torch.Size([2, 2])) to satisfy the constraint PositiveDefinite(), but "
            "found invalid values:\ntensor([[-1., -0.],\n        [-0., -1.]])",
        ),
        (
            lambda: d.MultivariateNormal(curta.zeros(2)),
            "Exactly one of covariance_matrix or precision_matrix or scale_tril may be specified.",
        ),
        (lambda: d.MultivariateNormal(curta.tensor(0.0), curta.eye(2)), "loc must be at least one-dimensional."),
        (
            lambda: d.MultivariateNormal(curta.zeros(2), curta.ones(2)),
            "covariance_matrix must be at least two-dimensional, with optional leading batch dimensions",
        ),
        (
            lambda: d.MultivariateNormal(curta.zeros(2), scale_tril=curta.ones(2, 2)),
            "Expected parameter scale_tril (Tensor of shape (2, 2)) of distribution MultivariateNormal(loc: "
            "torch.Size([2]), scale_tril: torch.Size([2, 2])) to satisfy the constraint LowerCholesky(), but found "
            "invalid values:\ntensor([[1., 1.],\n        [1., 1.]])",
        ),
        (
            lambda: d.Independent(d.Normal(0.0, 1.0), 1),
            "Expected reinterpreted_batch_ndims <= len(base_distribution.batch_shape), actual 1 vs 0",
        ),
        (
            lambda: d.Normal("a", 1.0),
            "Input arguments must all be instances of Number, torch.Tensor or objects implementing "
            "__torch_function__.",
        ),
        (
            lambda: d.Geometric(0.0),
            "Expected parameter probs (Tensor of shape ()) of distribution Geometric(probs: 0.0) to be positive but "
            "found invalid values:\ntensor([0.])",
        ),
        (lambda: d.Normal(0.0, 1.0).log_prob(3), "The value argument to log_prob must be a Tensor"),
        (
            lambda: d.Normal(curta.zeros(3), 1.0).log_prob(curta.zeros(2)),
            "Value is not broadcastable with batch_shape+event_shape: torch.Size([2]) vs torch.Size([3]).",
        ),
        (
            lambda: d.MultivariateNormal(curta.zeros(2), curta.eye(2)).log_prob(curta.zeros(3)),
            "The right-most size of value must match event_shape: torch.Size([3]) vs torch.Size([2]).",
        ),
        (
            lambda: d.Categorical(curta.ones(3)).log_prob(curta.tensor(3)),
            "Expected value argument (Tensor of shape ()) to be within the support (IntegerInterval(lower_bound=0, "
            "upper_bound=2)) of the distribution Categorical(probs: torch.Size([3])), but found invalid values:\n3",
        ),
        (
            lambda: d.Poisson(1.0).log_prob(curta.tensor(2.5)),
            "Expected value argument (Tensor of shape ()) to be within the support (IntegerGreaterThan(lower_bound=0)) "
            "of the distribution Poisson(rate: 1.0), but found invalid values:\n2.5",
        ),
        (
            lambda: d.OneHotCategorical(curta.ones(3)).log_prob(curta.tensor([1.0, 1.0, 0.0])),
            "Expected value argument (Tensor of shape (3,)) to be within the support (OneHot()) of the distribution "
            "OneHotCategorical(), but found invalid values:\ntensor([1., 1., 0.])",
        ),
        (
            lambda: d.Distribution.set_default_validate_args(3),
            "set_default_validate_args: expected True or False, got 3",
        ),
        (
            lambda: d.kl_divergence(
                d.MultivariateNormal(curta.zeros(2), curta.eye(2)), d.MultivariateNormal(curta.zeros(3), curta.eye(3))
            ),
            "KL-divergence between two Multivariate Normals with different event shapes cannot be computed",
        ),
    ],
)  # fmt: skip
def test_refused(call: Any, message: str) -> None:
    with pytest.raises(ArgumentError) as caught:
        call()
    assert str(caught.value) == message


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: d.Bernoulli(0.5).rsample(), "Bernoulli: rsample is not there: samples have no gradients"),
        (lambda: d.Poisson(0.5).entropy(), "Poisson: entropy is not there"),
        (lambda: d.Poisson(0.5).icdf(t(0.5)), "Poisson: icdf is not there"),
        (lambda: d.Poisson(0.5).cdf(t(0.5)), "Poisson: cdf is not there"),
        (lambda: d.Poisson(0.5).enumerate_support(), "Poisson: enumerate_support is not there"),
        (lambda: d.Distribution().log_prob(t(0.5)), "Distribution: log_prob is not there"),
        (lambda: d.Distribution().mean, "Distribution: mean is not there"),
        (lambda: d.constraints.Constraint().check(t(0.5)), "Constraint: check is not there"),
        (
            lambda: d.kl_divergence(d.Normal(0.0, 1.0), d.Poisson(1.0)),
            "No KL(p || q) is implemented for p type Normal and q type Poisson",
        ),
        (
            lambda: d.kl_divergence(
                d.Independent(d.Normal(curta.zeros(2, 2), 1.0), 1), d.Independent(d.Normal(curta.zeros(2, 2), 1.0), 2)
            ),
            "kl_divergence: both Independent must take as many dimensions together",
        ),
        (
            lambda: d.kl_divergence(d.Binomial(3, 0.5), d.Binomial(5, 0.5)),
            "KL between Binomials where q.total_count > p.total_count is not implemented",
        ),
        (
            lambda: d.kl_divergence(
                d.TransformedDistribution(d.Normal(0.0, 1.0), d.TanhTransform()), d.LogNormal(0.0, 1.0)
            ),
            "kl_divergence: both distributions must be transformed in the same way",
        ),
        (
            lambda: d.Binomial(curta.tensor([1.0, 2.0]), 0.5).entropy(),
            "Inhomogeneous total count not supported by `entropy`.",
        ),
        (
            lambda: d.Binomial(curta.tensor([1.0, 2.0]), 0.5).enumerate_support(),
            "Inhomogeneous total count not supported by `enumerate_support`.",
        ),
        (
            lambda: d.Independent(d.Bernoulli(curta.ones(2) / 2), 1).enumerate_support(),
            "Enumeration over cartesian product is not implemented",
        ),
    ],
)
def test_what_is_not_there(call: Any, message: str) -> None:
    with pytest.raises(UnsupportedError) as caught:
        call()
    assert str(caught.value) == message


def test_unchecked_and_where_there_are_no_values() -> None:
    assert d.Uniform(0.0, 1.0, validate_args=False).log_prob(curta.tensor(2.0)).item() == -math.inf
    d.Distribution.set_default_validate_args(False)
    try:
        d.Normal(0.0, -1.0)
    finally:
        d.Distribution.set_default_validate_args(True)
    with curta.device("meta"):
        made = d.Normal(curta.zeros(3), curta.ones(3))
        assert made.log_prob(made.rsample((2,))).shape == (2, 3)
    x = curta.tensor([0.5, 1.0])
    density = curta.compile(lambda loc, value: d.Normal(loc, 1.0).log_prob(value).sum())
    assert density(x, x).item() == pytest.approx(2 * stats.norm.logpdf(0), rel=1e-6)
    counted = curta.compile(lambda probs, value: d.Geometric(probs).log_prob(value).sum())
    assert counted(curta.tensor([0.5]), curta.tensor([1.0])).item() == pytest.approx(math.log(0.25), rel=1e-6)
    mapped = curta.vmap(lambda loc: d.Normal(loc, 1.0).log_prob(curta.tensor(0.5)))(x)
    assert mapped.tolist() == pytest.approx(stats.norm.logpdf([0.0, 0.5]).tolist(), rel=1e-6)


def test_printed_form_and_shapes() -> None:
    assert repr(d.Normal(curta.zeros(3), 1.0)) == "Normal(loc: torch.Size([3]), scale: torch.Size([3]))"
    assert repr(d.Binomial(3, 0.5)) == "Binomial(total_count: 3.0, probs: 0.5)"
    assert repr(d.Binomial(3, 0.5).support) == "IntegerInterval(lower_bound=0, upper_bound=3.0)"
    made = d.Normal(curta.zeros(3, 1), curta.ones(2))
    assert (made.batch_shape, made.event_shape) == ((3, 2), ())
    assert made.expand((5, 3, 2)).sample((4,)).shape == (4, 5, 3, 2)
    assert d.Binomial(3, curta.ones(2) / 2).param_shape == d.Bernoulli(curta.ones(2) / 2).param_shape == (2,)
    assert repr(d.Uniform(0.0, 1.0).arg_constraints["low"]) == "LessThan(upper_bound=1.0)"


def test_what_is_no_class_of_distributions() -> None:
    with pytest.raises(ArgumentTypeError) as caught:
        d.register_kl(int, d.Normal)
    assert str(caught.value) == "Expected type_p and type_q to be Distribution subclasses but got <class 'int'>"


def test_gradients_where_formulas_have_a_kink() -> None:
    """log_prob of logits l has the slope k - n / (1 + exp(-l)), at l = 0 too; what is certain has none of log1p."""
    logits = curta.tensor(0.0, dtype=F64, requires_grad=True)
    d.Binomial(4, logits=logits).log_prob(t(1.0)).backward()
    assert logits.grad.item() == pytest.approx(1 - 4 / 2)
    probs = curta.tensor([0.5, 1.0], dtype=F64, requires_grad=True)
    d.Geometric(probs).log_prob(t(0.0)).sum().backward()
    assert probs.grad.tolist() == [2.0, 1.0]  # 1 / p
    probs = curta.tensor([0.0, 0.3, 1.0], dtype=F64, requires_grad=True)
    d.kl_divergence(d.Bernoulli(probs), d.Bernoulli(probs.detach())).sum().backward()
    assert probs.grad.tolist() == pytest.approx([0.0, 0.0, 0.0], abs=1e-15)


def test_a_covariance_is_kept_as_given() -> None:
    given = t([[2.0, 0.1], [0.1, 3.0]])
    made = d.MultivariateNormal(t(0.0, 0.0), given)
    assert made.covariance_matrix.tolist() == given.tolist()
    assert d.MultivariateNormal(t(0.0, 0.0), precision_matrix=given).precision_matrix.tolist() == given.tolist()
    assert made.scale_tril.shape == made.expand((3,)).scale_tril.shape[1:] == (2, 2)


def test_one_dimension_taken_alone_can_be_counted() -> None:
    made = d.Independent(d.Bernoulli(curta.ones(2) / 2), 0)
    assert (made.has_enumerate_support, made.enumerate_support().shape) == (True, (2, 2))
    assert not d.Independent(d.Bernoulli(curta.ones(2) / 2), 1).has_enumerate_support


def test_parameters_of_one_shape_are_kept_themselves() -> None:
    loc, scale = curta.zeros(3, requires_grad=True), curta.ones(())
    made = d.Normal(loc, scale)
    assert made.loc is loc
    assert made.scale.shape == (3,)
