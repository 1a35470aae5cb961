"""Distributions against an installed PyTorch's: densities, moments, entropies, divergences, shapes; `make parity`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import curta

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.parity

#: each with c the module curta or torch, d its distributions and p parameters [3, 4] in (0, 1)
MADE: dict[str, Callable[[Any, Any, Any], Any]] = {
    "Normal": lambda c, d, p: d.Normal(p, 1 + p),
    "LogNormal": lambda c, d, p: d.LogNormal(p, 1 + p),
    "Laplace": lambda c, d, p: d.Laplace(p, 1 + p),
    "Cauchy": lambda c, d, p: d.Cauchy(p, 1 + p),
    "Uniform": lambda c, d, p: d.Uniform(p - 1, 1 + p),
    "Exponential": lambda c, d, p: d.Exponential(p),
    "Gamma": lambda c, d, p: d.Gamma(1 + p, p),
    "Chi2": lambda c, d, p: d.Chi2(3 * p),
    "Beta": lambda c, d, p: d.Beta(1 + p, 2 * p),
    "StudentT": lambda c, d, p: d.StudentT(4 * p, p, 1 + p),
    "Dirichlet": lambda c, d, p: d.Dirichlet(2 * p),
    "Bernoulli": lambda c, d, p: d.Bernoulli(p),
    "Bernoulli of logits": lambda c, d, p: d.Bernoulli(logits=p - 0.5),
    "Geometric": lambda c, d, p: d.Geometric(p),
    "Binomial": lambda c, d, p: d.Binomial(5, p),
    "Poisson": lambda c, d, p: d.Poisson(5 * p),
    "Categorical": lambda c, d, p: d.Categorical(p),
    "Categorical of logits": lambda c, d, p: d.Categorical(logits=p),
    "OneHotCategorical": lambda c, d, p: d.OneHotCategorical(p),
    "Independent": lambda c, d, p: d.Independent(d.Normal(p, 1 + p), 1),
    "MultivariateNormal": lambda c, d, p: d.MultivariateNormal(p, c.eye(4, dtype=c.float64) + 0.1),
    "ContinuousBernoulli": lambda c, d, p: d.ContinuousBernoulli(p),
    "FisherSnedecor": lambda c, d, p: d.FisherSnedecor(5 * p, 9 * p),
    "Gumbel": lambda c, d, p: d.Gumbel(p, 1 + p),
    "HalfCauchy": lambda c, d, p: d.HalfCauchy(p),
    "HalfNormal": lambda c, d, p: d.HalfNormal(p),
    "InverseGamma": lambda c, d, p: d.InverseGamma(3 * p, p),
    "LogisticNormal": lambda c, d, p: d.LogisticNormal(p, 1 + p),
    "MixtureSameFamily": lambda c, d, p: d.MixtureSameFamily(d.Categorical(p), d.Normal(p, 1 + p)),
    "Multinomial": lambda c, d, p: d.Multinomial(5, p),
    "NegativeBinomial": lambda c, d, p: d.NegativeBinomial(5 * p, p),
    "OneHotCategoricalStraightThrough": lambda c, d, p: d.OneHotCategoricalStraightThrough(p),
    "Pareto": lambda c, d, p: d.Pareto(p, 3 * p),
    "RelaxedBernoulli": lambda c, d, p: d.RelaxedBernoulli(p.detach()[0, 0], p),
    "RelaxedOneHotCategorical": lambda c, d, p: d.RelaxedOneHotCategorical(p.detach()[0, 0], p),
    "Weibull": lambda c, d, p: d.Weibull(p, 1 + p),
    "MultivariateNormal of a precision": lambda c, d, p: d.MultivariateNormal(
        p, precision_matrix=c.eye(4, dtype=c.float64) + 0.1
    ),
}


def answers(c: Any, name: str, values: Any, value: Any) -> dict[str, Any]:
    d = c.distributions
    p = c.from_numpy(values.copy()).requires_grad_()
    made, other = MADE[name](c, d, p), MADE[name](c, d, p.detach() * 0.8 + 0.1)
    found: dict[str, Any] = {
        "repr": repr(made), "support": repr(made.support), "shapes": (tuple(made.batch_shape), tuple(made.event_shape)),
        "has_rsample": made.has_rsample, "sampled": tuple(made.sample((2,)).shape),
    }  # fmt: skip
    for part in ("mean", "mode", "variance", "stddev"):
        found[part] = asked(lambda part=part: getattr(made, part))
    found["log_prob"] = made.log_prob(c.from_numpy(value))
    found["slopes"] = c.autograd.grad(found["log_prob"].sum(), p, retain_graph=True)[0]
    # PyTorch works out the lgamma of a count in float32
    found["entropy"] = asked(made.entropy) if name != "Multinomial" else None
    # PyTorch falls back to the families' natural parameters
    found["divergence"] = asked(lambda: d.kl_divergence(made, other)) if name != "ContinuousBernoulli" else None
    return found


def asked(question: Callable[[], Any]) -> Any:
    """An answer, or that there is none."""
    try:
        return question()
    except NotImplementedError:
        return "not there"


@pytest.mark.parametrize("name", MADE)
def test_answers(name: str) -> None:
    values = np.random.default_rng(2).uniform(0.2, 0.8, (3, 4))
    value = MADE[name](torch, torch.distributions, torch.from_numpy(values)).sample((2,)).numpy()
    ours, theirs = answers(curta, name, values, value), answers(torch, name, values, value)
    assert ours.keys() == theirs.keys()
    for part, wanted in theirs.items():
        if part == "support" and "tensor" in wanted:
            wanted, ours[part] = (text.partition("grad_fn")[0] for text in (wanted, ours[part]))
            ours[part] = ours[part].replace("curta.float64", "torch.float64")
        if isinstance(wanted, torch.Tensor):
            np.testing.assert_allclose(
                ours[part].detach().numpy(), wanted.detach().numpy(), rtol=1e-9, atol=1e-12, err_msg=part
            )
        else:
            assert ours[part] == wanted, part


@pytest.mark.parametrize("name", ["ExpTransform", "SigmoidTransform", "TanhTransform", "affine"])
def test_transformed(name: str) -> None:
    values = np.random.default_rng(2).uniform(0.2, 0.8, (3, 4))
    pairs = []
    for c in (curta, torch):
        d = c.distributions
        p = c.from_numpy(values.copy()).requires_grad_()
        last = d.AffineTransform(1.0, p) if name == "affine" else getattr(d, name)()
        made = d.TransformedDistribution(d.Normal(p, 1 + p), [d.AffineTransform(p.detach(), -2.0), last])
        logs = made.log_prob(c.from_numpy(values))
        slopes = c.autograd.grad(logs.sum(), p)[0]
        pairs.append((repr(made.support), made.has_rsample, logs.detach().numpy(), slopes.numpy()))
    ours, theirs = pairs
    assert ours[:2] == theirs[:2]
    for one, other in zip(ours[2:], theirs[2:], strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-9)
