"""The gamma distribution and its relatives: densities and moments are SciPy's, samples fit, and follow the shape."""

from __future__ import annotations

import itertools
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
from curta.distributions.gamma import _slopes, standard_gamma
from curta.errors import ArgumentError, AutogradError, CompileError, CostError

F64 = curta.float64


def t(*values: Any) -> Any:
    return curta.tensor(values[0] if len(values) == 1 else list(values), dtype=F64)


#: a distribution, SciPy's, and points of its support
CASES: dict[str, tuple[Callable[[], Any], Any, list[float]]] = {
    "Gamma": (lambda: d.Gamma(t(2.5), t(3.0)), stats.gamma(2.5, scale=1 / 3), [0.01, 0.8, 4.0]),
    "Gamma of a small shape": (lambda: d.Gamma(t(0.3), t(1.0)), stats.gamma(0.3), [0.01, 0.8, 4.0]),
    "Chi2": (lambda: d.Chi2(t(5.0)), stats.chi2(5.0), [0.1, 3.0, 20.0]),
    "Beta": (lambda: d.Beta(t(2.0), t(0.7)), stats.beta(2.0, 0.7), [0.1, 0.5, 0.99]),
    "StudentT": (lambda: d.StudentT(t(4.5), t(1.0), t(2.0)), stats.t(4.5, 1.0, 2.0), [-3.0, 1.0, 10.0]),
}


@pytest.mark.parametrize("name", CASES)
def test_densities_and_moments(name: str) -> None:
    make, oracle, points = CASES[name]
    made = make()
    np.testing.assert_allclose(made.log_prob(t(points)).numpy(), oracle.logpdf(points), rtol=1e-11)
    assert made.mean.item() == pytest.approx(oracle.mean(), rel=1e-12)
    assert made.variance.item() == pytest.approx(oracle.var(), rel=1e-12)
    assert made.entropy().item() == pytest.approx(float(oracle.entropy()), rel=1e-9)


@pytest.mark.parametrize("name", ["Gamma", "Gamma of a small shape", "Chi2"])
def test_shares(name: str) -> None:
    make, oracle, points = CASES[name]
    np.testing.assert_allclose(make().cdf(t(points)).numpy(), oracle.cdf(points), rtol=1e-11)


@pytest.mark.parametrize("name", CASES)
def test_samples(name: str) -> None:
    curta.manual_seed(4)
    make, oracle, _ = CASES[name]
    drawn = make().expand((2,)).sample((4000,))
    assert (tuple(drawn.shape), drawn.dtype, drawn.requires_grad) == ((4000, 2), F64, False)
    assert stats.kstest(drawn.numpy().ravel(), oracle.cdf).pvalue > 1e-3


@pytest.mark.parametrize("shape", [0.05, 0.4, 1.0, 2.5, 30.0, 400.0, 2e4, 1e6])
def test_samples_follow_the_shape(shape: float) -> None:
    """With its share P(x, a) fixed, a number moves with a as SciPy's quantile of that share does."""
    shares = np.array([1e-3, 0.2, 0.5, 0.9, 0.999])
    x = scipy.special.gammaincinv(shape, shares)
    step = 1e-5 * shape
    ends = [scipy.special.gammaincinv(shape + way * step, shares) for way in (-2, -1, 1, 2)]
    wanted = (ends[0] - 8 * ends[1] + 8 * ends[2] - ends[3]) / (12 * step)
    found = _slopes(curta.from_numpy(x), curta.full((5,), shape, dtype=F64)).numpy()
    kept = x > 1e-300
    np.testing.assert_allclose(found[kept], wanted[kept], rtol=2e-7)


@pytest.mark.parametrize("dtype", [curta.float32, curta.float64])
def test_gradients_of_samples(dtype: Any) -> None:
    """The mean's slopes are those of the mean of samples: d(a / b) = da / b - a db / b**2."""
    curta.manual_seed(5)
    shape, rate = (curta.tensor(value, dtype=dtype, requires_grad=True) for value in (2.0, 4.0))
    d.Gamma(shape, rate).rsample((20000,)).mean().backward()
    assert shape.grad.item() == pytest.approx(0.25, rel=0.03)
    assert rate.grad.item() == pytest.approx(-2 / 16, rel=0.03)
    first, second = (curta.tensor(value, dtype=dtype, requires_grad=True) for value in (2.0, 3.0))
    d.Beta(first, second).rsample((20000,)).mean().backward()
    assert first.grad.item() == pytest.approx(3 / 25, rel=0.05)
    assert second.grad.item() == pytest.approx(-2 / 25, rel=0.05)
    loc = curta.tensor(1.0, dtype=dtype, requires_grad=True)
    d.StudentT(5.0, loc, 2.0).rsample((10,)).sum().backward()
    assert loc.grad.item() == 10


def test_shapes_without_an_end() -> None:
    """What is drawn until it is accepted never ends where nothing can be: infinite, NaN and negative shapes."""
    shape = curta.tensor([math.inf, math.nan, -1.0, 1e30, 2.0], requires_grad=True)
    made = standard_gamma(shape)
    assert made[:4].tolist() == pytest.approx([math.inf, math.nan, math.nan, 1e30], nan_ok=True)
    made[3:].sum().backward()
    assert shape.grad[3].item() == pytest.approx(1)  # x = a + z sqrt(a) + ...
    assert shape.grad[4].isfinite()


def test_numbers_of_tiny_shapes_are_not_zero() -> None:
    curta.manual_seed(1)
    shape = curta.full((1000,), 1e-3, requires_grad=True)
    made = standard_gamma(shape)
    assert (made > 0).all()
    made.sum().backward()
    assert shape.grad.isfinite().all()


def test_dirichlet() -> None:
    values = [2.0, 0.5, 3.0]
    made, oracle = d.Dirichlet(t(values)), stats.dirichlet(values)
    assert (made.batch_shape, made.event_shape) == ((), (3,))
    point = np.array([0.2, 0.3, 0.5])
    assert made.log_prob(curta.from_numpy(point)).item() == pytest.approx(oracle.logpdf(point), rel=1e-12)
    np.testing.assert_allclose(made.mean.numpy(), oracle.mean(), rtol=1e-12)
    np.testing.assert_allclose(made.variance.numpy(), oracle.var(), rtol=1e-12)
    assert made.entropy().item() == pytest.approx(float(oracle.entropy()), rel=1e-10)
    np.testing.assert_allclose(made.mode.numpy(), [1 / 3, 0, 2 / 3], rtol=1e-12)
    assert d.Dirichlet(t(0.5, 0.5)).mode.tolist() == [1, 0]
    curta.manual_seed(2)
    drawn = made.expand((2,)).sample((4000,))
    assert drawn.shape == (4000, 2, 3)
    assert curta.allclose(drawn.sum(-1), curta.ones(4000, 2, dtype=F64))
    # a share is of a beta distribution
    assert stats.kstest(drawn[..., 0].numpy().ravel(), stats.beta(2.0, 3.5).cdf).pvalue > 1e-3


def test_edges_of_moments() -> None:
    assert d.Gamma(0.5, 1.0).mode.item() == 0
    assert d.Gamma(3.0, 2.0).mode.item() == 1
    assert d.Beta(2.0, 3.0).mode.item() == pytest.approx(1 / 3)
    made = d.StudentT(curta.tensor([0.5, 1.5, 4.0]))
    np.testing.assert_array_equal(made.mean.numpy(), [np.nan, 0, 0])
    np.testing.assert_array_equal(made.variance.numpy(), [np.nan, np.inf, 2])
    assert d.Chi2(3.0).df.item() == 3
    assert d.Beta(2.0, 3.0).expand((4,)).rsample((2,)).shape == (2, 4)
    assert [repr(one) for one in (d.Gamma(1.0, 2.0), d.Beta(1.0, 1.0), d.Chi2(1.0), d.Dirichlet(curta.ones(3)))] == [
        "Gamma(concentration: 1.0, rate: 2.0)", "Beta()", "Chi2()", "Dirichlet(concentration: torch.Size([3]))",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("first", "second", "ends"),
    [
        (lambda: d.Gamma(t(2.5), t(3.0)), lambda: d.Gamma(t(1.5), t(2.0)), [0.0, 1.0, math.inf]),
        (lambda: d.Beta(t(2.0), t(1.7)), lambda: d.Beta(t(3.0), t(1.2)), [0.0, 0.5, 1.0]),
        (lambda: d.Chi2(t(3.0)), lambda: d.Chi2(t(4.0)), [0.0, 1.0, math.inf]),
    ],
)
def test_divergences(first: Any, second: Any, ends: list[float]) -> None:
    p, q = first(), second()

    def integrand(x: float) -> float:
        ours = p.log_prob(t(x))
        return (ours.exp() * (ours - q.log_prob(t(x)))).item()  # type: ignore[no-any-return]

    wanted = sum(scipy.integrate.quad(integrand, *pair, limit=100)[0] for pair in itertools.pairwise(ends))
    assert d.kl_divergence(p, q).item() == pytest.approx(wanted, rel=1e-6)
    assert d.kl_divergence(p, first()).item() == pytest.approx(0, abs=1e-12)
    same = [d.Dirichlet(t(2.0, 1.7)), d.Dirichlet(t(3.0, 1.2))]
    both = d.Beta(t(2.0), t(1.7)), d.Beta(t(3.0), t(1.2))
    assert d.kl_divergence(*same).item() == pytest.approx(d.kl_divergence(*both).item(), rel=1e-12)


def test_refused() -> None:
    with pytest.raises(ArgumentError, match=r"^`concentration` parameter must be at least one-dimensional\.$"):
        d.Dirichlet(curta.tensor(1.0))
    with pytest.raises(
        ArgumentError, match=r"^Expected parameter concentration \(Tensor of shape \(\)\) of distributi"
    ):
        d.Gamma(-1.0, 1.0)
    with pytest.raises(
        CompileError, match=r"^compile: the values of f32\[2\] are read at .* but they are known only when"
    ):
        curta.compile(lambda a: d.Gamma(a, 1.0, validate_args=False).sample())(curta.ones(2))
    shape = curta.ones(2, requires_grad=True)
    with pytest.raises(
        AutogradError, match=r"^trying to differentiate twice a function that was marked with @once_dif"
    ):
        curta.autograd.grad((standard_gamma(shape) ** 2).sum(), shape, create_graph=True)
    with curta.account():
        made = d.Gamma(shape, 1.0).rsample().sum()
        with pytest.raises(CostError, match=r"^account: _FollowingBackward takes values out of Curta"):
            made.backward()
    assert d.Gamma(curta.ones(3, device="meta"), curta.ones(3, device="meta")).rsample((2,)).shape == (2, 3)
    with pytest.raises(ArgumentError, match=r"^Expected parameter df \(Tensor of shape \(\)\) of distribution Chi2"):
        d.Chi2(0.0)


def test_the_density_has_the_dtype_of_the_rate() -> None:
    assert d.Gamma(2.0, 3.0).log_prob(t(1.0)).dtype is curta.float32
    assert d.Gamma(t(2.0), t(3.0)).log_prob(curta.tensor(1.0)).dtype is F64
