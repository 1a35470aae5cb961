"""Sets of values: where a distribution's parameters may lie, and where its samples do."""

from __future__ import annotations

from typing import Any

from curta import functions as f
from curta.dtypes import bool_
from curta.errors import ArgumentError, UnsupportedError
from curta.number_formats import finfo
from curta.tensor import Tensor


class Constraint:
    """A set; `event_dim` is how many of a value's last dimensions make one element of it."""

    is_discrete = False
    event_dim = 0

    def check(self, value: Tensor) -> Tensor:
        """For each element whether it lies in the set."""
        raise UnsupportedError(f"{type(self).__name__}: check is not there")

    def _bounds(self) -> dict[str, Any]:
        return {name: value for name, value in vars(self).items() if name.endswith("_bound")}

    def __repr__(self) -> str:
        inside = ", ".join(f"{name}={value}" for name, value in self._bounds().items())
        return f"{type(self).__name__.lstrip('_')}({inside})"


class Dependent(Constraint):
    """A set that depends on other parameters: never checked by itself."""


class Boolean(Constraint):
    """0 and 1."""

    is_discrete = True

    def check(self, value: Tensor) -> Tensor:
        return (value == 0).logical_or(value == 1)


class Real(Constraint):
    """All numbers but NaN."""

    def check(self, value: Tensor) -> Tensor:
        return value == value


class GreaterThan(Constraint):
    """Numbers above a bound."""

    def __init__(self, lower_bound: Any) -> None:
        self.lower_bound = lower_bound

    def check(self, value: Tensor) -> Tensor:
        return value > self.lower_bound


class GreaterThanEq(GreaterThan):
    """Numbers from a bound on."""

    def check(self, value: Tensor) -> Tensor:
        return value >= self.lower_bound


class LessThan(Constraint):
    """Numbers below a bound."""

    def __init__(self, upper_bound: Any) -> None:
        self.upper_bound = upper_bound

    def check(self, value: Tensor) -> Tensor:
        return value < self.upper_bound


class Interval(Constraint):
    """Numbers between two bounds, which belong to it."""

    def __init__(self, lower_bound: Any, upper_bound: Any) -> None:
        self.lower_bound, self.upper_bound = lower_bound, upper_bound

    def check(self, value: Tensor) -> Tensor:
        return (value >= self.lower_bound).logical_and(value <= self.upper_bound)


class HalfOpenInterval(Interval):
    """Numbers from a bound on and below another."""

    def check(self, value: Tensor) -> Tensor:
        return (value >= self.lower_bound).logical_and(value < self.upper_bound)


class IntegerInterval(Interval):
    """Whole numbers between two bounds, which belong to it."""

    is_discrete = True

    def check(self, value: Tensor) -> Tensor:
        return super().check(value).logical_and(value % 1 == 0)


class IntegerGreaterThan(GreaterThan):
    """Whole numbers from a bound on."""

    is_discrete = True

    def check(self, value: Tensor) -> Tensor:
        return (value >= self.lower_bound).logical_and(value % 1 == 0)


class Simplex(Constraint):
    """Vectors of numbers that are not negative and add up to 1."""

    event_dim = 1

    def check(self, value: Tensor) -> Tensor:
        return (value >= 0).all(-1).logical_and((value.sum(-1) - 1).abs() < 1e-6)


class OneHot(Constraint):
    """Vectors of zeros with a single one."""

    is_discrete = True
    event_dim = 1

    def check(self, value: Tensor) -> Tensor:
        return ((value == 0).logical_or(value == 1)).all(-1).logical_and(value.sum(-1) == 1)


class Multinomial(Constraint):
    """Vectors of numbers that are not negative and add up to a bound at most."""

    is_discrete = True
    event_dim = 1

    def __init__(self, upper_bound: Any) -> None:
        self.upper_bound = upper_bound

    def check(self, value: Tensor) -> Tensor:
        return (value >= 0).all(-1).logical_and(value.sum(-1) <= self.upper_bound)

    def __repr__(self) -> str:
        return f"{type(self).__name__}()"


class LowerTriangular(Constraint):
    """Lower triangular matrices."""

    event_dim = 2

    def check(self, value: Tensor) -> Tensor:
        return (f.tril(value) == value).flatten(-2).all(-1)


class LowerCholesky(LowerTriangular):
    """Lower triangular matrices with a positive diagonal."""

    def check(self, value: Tensor) -> Tensor:
        return super().check(value).logical_and((value.diagonal(dim1=-2, dim2=-1) > 0).all(-1))


class CorrCholesky(LowerCholesky):
    """Lower triangular matrices with a positive diagonal whose rows have the length 1."""

    def check(self, value: Tensor) -> Tensor:
        allowed = finfo(value.dtype).eps * value.shape[-1] * 10
        rows = ((value**2).sum(-1).sqrt() - 1).abs() <= allowed
        return super().check(value).logical_and(rows.all(-1))


class Square(Constraint):
    """Square matrices."""

    event_dim = 2

    def check(self, value: Tensor) -> Tensor:
        square = value.shape[-2] == value.shape[-1]
        return f.full(tuple(value.shape)[:-2], square, dtype=bool_, device=value.device)


class Symmetric(Square):
    """Symmetric matrices."""

    def check(self, value: Tensor) -> Tensor:
        if value.shape[-2] != value.shape[-1]:
            return super().check(value)
        return f.isclose(value, value.mT, atol=1e-6).flatten(-2).all(-1)


class PositiveSemidefinite(Symmetric):
    """Symmetric matrices without negative eigenvalues."""

    def check(self, value: Tensor) -> Tensor:
        from curta import linalg

        symmetric = super().check(value)
        if not bool(symmetric.all()):
            return symmetric
        return (linalg.eigvalsh(value) >= 0).all(-1)


class PositiveDefinite(Symmetric):
    """Symmetric matrices that are positive definite."""

    def check(self, value: Tensor) -> Tensor:
        from curta import linalg

        symmetric = super().check(value)
        if value.shape[-2] != value.shape[-1]:
            return symmetric
        return symmetric.logical_and(linalg.cholesky_ex(value).info == 0)


class IndependentConstraint(Constraint):
    """Blocks of elements of a set: all in it, over so many dimensions more."""

    def __init__(self, base_constraint: Constraint, reinterpreted_batch_ndims: int) -> None:
        self.base_constraint, self.reinterpreted_batch_ndims = base_constraint, reinterpreted_batch_ndims
        self.is_discrete = base_constraint.is_discrete
        self.event_dim = base_constraint.event_dim + reinterpreted_batch_ndims

    def check(self, value: Tensor) -> Tensor:
        found = self.base_constraint.check(value)
        if found.dim() < self.reinterpreted_batch_ndims:
            raise ArgumentError(f"Expected value.dim() >= {self.event_dim} but got {value.dim()}")
        return found.flatten(found.dim() - self.reinterpreted_batch_ndims).all(-1)

    def __repr__(self) -> str:
        return f"IndependentConstraint({self.base_constraint!r}, {self.reinterpreted_batch_ndims})"


class MixtureSameFamilyConstraint(Constraint):
    """What the components of a mixture allow, of values that stand for all components."""

    def __init__(self, base_constraint: Constraint) -> None:
        self.base_constraint = base_constraint
        self.is_discrete, self.event_dim = base_constraint.is_discrete, base_constraint.event_dim

    def check(self, value: Tensor) -> Tensor:
        if value.dim() < self.event_dim:
            raise ArgumentError(f"Expected value.dim() >= {self.event_dim} but got {value.dim()}")
        found = self.base_constraint.check(value.unsqueeze(-1 - self.event_dim))
        return found.flatten(value.dim() - self.event_dim).all(-1)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.base_constraint!r})"


dependent = Dependent()
boolean = Boolean()
one_hot = OneHot()
nonnegative_integer = IntegerGreaterThan(0)
positive_integer = IntegerGreaterThan(1)
integer_interval = IntegerInterval
real = Real()
real_vector = IndependentConstraint(real, 1)
positive = GreaterThan(0.0)
nonnegative = GreaterThanEq(0.0)
greater_than = GreaterThan
greater_than_eq = GreaterThanEq
less_than = LessThan
unit_interval = Interval(0.0, 1.0)
interval = Interval
half_open_interval = HalfOpenInterval
multinomial = Multinomial
simplex = Simplex()
lower_triangular = LowerTriangular()
corr_cholesky = CorrCholesky()
square = Square()
symmetric = Symmetric()
positive_semidefinite = PositiveSemidefinite()
lower_cholesky = LowerCholesky()
positive_definite = PositiveDefinite()
independent = IndependentConstraint
