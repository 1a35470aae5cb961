"""What is refused, in which words: samples of distributions."""

from __future__ import annotations

from refusal import Refusal

from curta.errors import (
    ArgumentError,
    ArgumentTypeError,
    DistributionError,
    DTypeError,
    ShapeError,
    UnsupportedDTypeError,
)

REFUSALS = (
    Refusal(
        lambda c: c.poisson(c.tensor([-1.0])),
        DistributionError,
        "invalid Poisson rate, expected rate to be non-negative",
    ),
    Refusal(
        lambda c: c.poisson(c.tensor([1.0, float("nan")])),
        DistributionError,
        "invalid Poisson rate, expected rate to be non-negative",
    ),
    Refusal(lambda c: c.poisson(c.tensor([1])), UnsupportedDTypeError, "\"poisson_cpu\" not implemented for 'Long'"),
    Refusal(
        lambda c: c.binomial(c.tensor([1]), c.tensor([0.5])),
        ArgumentError,
        "binomial only supports floating-point dtypes for count, got: Long",
    ),
    Refusal(
        lambda c: c.binomial(c.ones(1), c.ones(1, dtype=c.float64)),
        DTypeError,
        "Found dtype Double but expected Float",
    ),
    Refusal(
        lambda c: c.ones(2).bernoulli_(1.5), DistributionError, "bernoulli_ expects p to be in [0, 1], but got p=1.5"
    ),
    Refusal(
        lambda c: c.bernoulli(c.full((2,), 1.5)),
        DistributionError,
        "Expected p_in >= 0 && p_in <= 1 to be true, but got false.",
    ),
    Refusal(
        lambda c: c.bernoulli(c.ones(2), 1.5),
        DistributionError,
        "bernoulli expects p to be in [0, 1], but got p=1.5",
        only_curta=True,
    ),
    Refusal(
        lambda c: c.multinomial(c.ones(3, dtype=c.int64), 1),
        DistributionError,
        "multinomial only supports floating-point dtypes for input, got: Long",
    ),
    Refusal(lambda c: c.multinomial(c.ones(2, 2, 2), 1), DistributionError, "prob_dist must be 1 or 2 dim"),
    Refusal(lambda c: c.multinomial(c.ones(2), 0), DistributionError, "cannot sample n_sample <= 0 samples"),
    Refusal(
        lambda c: c.multinomial(c.ones(2), 3),
        DistributionError,
        "cannot sample n_sample > prob_dist.size(-1) samples without replacement",
    ),
    Refusal(
        lambda c: c.multinomial(c.ones(1).expand((1 << 24) + 1), 1),
        DistributionError,
        "number of categories cannot exceed 2^24",
    ),
    Refusal(
        lambda c: c.multinomial(c.tensor([1.0, -1.0]), 1),
        DistributionError,
        "probability tensor contains either `inf`, `nan` or element < 0",
    ),
    Refusal(
        lambda c: c.multinomial(c.zeros(2), 1),
        DistributionError,
        "invalid multinomial distribution (sum of probabilities <= 0)",
    ),
    Refusal(
        lambda c: c.ones(2).exponential_(-1.0),
        DistributionError,
        "exponential_ expects lambda > 0.0, but found lambda=-1.0",
        only_curta=True,
    ),
    Refusal(
        lambda c: c.ones(2).geometric_(1.0),
        DistributionError,
        "geometric_ expects p to be in (0, 1), but got p=1.0",
        only_curta=True,
    ),
    Refusal(
        lambda c: c.ones(2, dtype=c.bool).geometric_(0.5),
        DistributionError,
        "\"geometric_\" not implemented for 'Bool'",
        only_curta=True,
    ),
    Refusal(
        lambda c: c.ones(2).cauchy_(0.0, -1.0),
        DistributionError,
        "cauchy_ expects sigma > 0.0, but found sigma=-1.0",
        only_curta=True,
    ),
    Refusal(
        lambda c: c.ones(2).log_normal_(0.0, -1.0),
        DistributionError,
        "log_normal_ expects std > 0.0, but found std=-1.0",
        only_curta=True,
    ),
    Refusal(
        lambda c: c.ones(2, dtype=c.int32).exponential_(),
        DistributionError,
        "Exponential distribution is a continuous probability distribution. dtype must be a floating point but you "
        "specified Int (exponential_)",
        only_curta=True,
    ),
    Refusal(
        lambda c: c.ones(2).random_(3, 3),
        DistributionError,
        "random_ expects 'from' to be less than 'to', but got from=3 >= to=3",
    ),
    Refusal(
        lambda c: c.ones(2, dtype=c.uint8).random_(-1, 3),
        DistributionError,
        "from is out of bounds for uint8",
        only_curta=True,
    ),
    Refusal(
        lambda c: c.ones(2, dtype=c.uint8).random_(0, 300),
        DistributionError,
        "to - 1 is out of bounds for uint8",
        only_curta=True,
    ),
    Refusal(
        lambda c: c.multinomial(c.ones(2), 1, out=c.zeros(1)),
        DistributionError,
        "multinomial expects Long tensor out, got: Float",
    ),
    Refusal(lambda c: c.normal(0.0, -1.0, (2,)), ShapeError, "normal expects std >= 0.0, but found std -1"),
    Refusal(lambda c: c.normal(c.zeros(3), -1.0), ShapeError, "normal expects std >= 0.0, but found std -1"),
    Refusal(
        lambda c: c.normal(c.zeros(3), c.tensor([1.0, -1.0, 0.0])),
        ShapeError,
        "normal expects all elements of std >= 0.0",
    ),
    Refusal(
        lambda c: c.normal(c.zeros(3), 1.0, (3,)),
        ArgumentTypeError,
        "normal(): with tensors takes no size",
        only_curta=True,
    ),
    Refusal(
        lambda c: c.normal(c.zeros(3), 1.0, dtype=c.float64),
        ArgumentTypeError,
        "normal(): with tensors takes no dtype",
        only_curta=True,
    ),
    Refusal(
        lambda c: c.ones(2).random_(0.5),
        ArgumentTypeError,
        "random_() takes two whole numbers at most, got (0.5,)",
        only_curta=True,
    ),
)
