"""Weights that are orthogonal whenever they are read: three maps from any matrix to an orthogonal one."""

from __future__ import annotations

from typing import Any

from curta import functions
from curta.autograd import no_grad
from curta.errors import ArgumentError, UnsupportedError
from curta.functions.factoring import geqrf, householder_product, qr_factors
from curta.functions.solving import solve
from curta.nn.modules.module import Module
from curta.nn.utils.parametrize import register_parametrization
from curta.number_formats import finfo
from curta.tensor import Tensor

_MAPS = ("matrix_exp", "cayley", "householder")


class _Orthogonal(Module):
    base: Tensor | None

    def __init__(self, weight: Tensor, orthogonal_map: str, trivialized: bool) -> None:
        super().__init__()
        self.shape = weight.shape
        self.orthogonal_map = orthogonal_map
        self.trivialized = trivialized
        if trivialized:
            self.register_buffer("base", None)

    def forward(self, weight: Tensor) -> Tensor:
        wide = weight.shape[-2] < weight.shape[-1]
        tall = weight.mT if wide else weight
        made = _reflected(tall) if self.orthogonal_map == "householder" else _turned(tall, self.orthogonal_map)
        if self.trivialized:
            made = self.base @ made
        return made.mT if wide else made

    def right_inverse(self, value: Tensor) -> Tensor:
        """What gives the orthogonal matrix nearest in its columns to `value`; it becomes the base, if there is one."""
        if value.shape != self.shape:
            raise ArgumentError(
                f"Expected a matrix or batch of matrices of shape {self.shape}. Got a tensor of shape {value.shape}."
            )
        with no_grad():
            return self._based(value) if self.trivialized else self._reflectors(value)

    def _reflectors(self, value: Tensor) -> Tensor:
        if self.orthogonal_map != "householder":
            raise UnsupportedError(
                "It is not possible to assign to the matrix exponential or the Cayley parametrizations when "
                "use_trivialization=False."
            )
        wide = value.shape[-2] < value.shape[-1]
        made, tau = geqrf(value.mT if wide else value)
        signs = made.diagonal(dim1=-2, dim2=-1).sign()
        signs = signs * (1 - 2 * (tau == 0).to(signs.dtype))  # no reflection there: the identity as it is
        made = functions.diagonal_scatter(made, signs, 0, -2, -1)
        return made.mT if wide else made

    def _based(self, value: Tensor) -> Tensor:
        rows, columns = value.shape[-2:]
        tall = value.mT if rows < columns else value
        size, count = tall.shape[-2:]
        if size != count:
            rest = functions.randn(*tall.shape[:-1], size - count, dtype=value.dtype, device=value.device)
            self.base = _nearby(functions.cat([tall, rest], -1))
        else:
            self.base = tall.clone() if _is_orthogonal(tall) else _nearby(tall)
        # of reflections it is minus one that gives the identity
        ones = functions.ones(*value.shape[:-2], min(rows, columns), dtype=value.dtype, device=value.device)
        return functions.diagonal_scatter(functions.zeros_like(value), -ones, 0, -2, -1)


def _turned(tall: Tensor, orthogonal_map: str) -> Tensor:
    """The exponential, or Cayley's transform, of the antisymmetric matrix below a diagonal."""
    size, count = tall.shape[-2:]
    below = tall.tril()
    if size != count:
        below = functions.cat([below, below.new_zeros(*below.shape[:-1], size - count)], -1)
    turn = below - below.mT
    if orthogonal_map == "matrix_exp":
        made: Tensor = functions.matrix_exp(turn)
    else:
        unit = functions.eye(size, dtype=turn.dtype, device=turn.device)
        made = solve(unit - turn / 2, unit + turn / 2)
    return made.narrow(-1, 0, count)


def _reflected(tall: Tensor) -> Tensor:
    """The product of the reflections below a diagonal, whose signs say which columns are turned round."""
    below = tall.tril(-1)
    made = householder_product(below, 2.0 / (1.0 + (below * below).sum(-2)))
    signs = tall.detach().diagonal(dim1=-2, dim2=-1).int().unsqueeze(-2)
    return made * signs


def _nearby(x: Tensor) -> Tensor:
    """The orthogonal factor whose triangular one has no negative number on its diagonal."""
    made, upper = qr_factors(x)
    return made * upper.diagonal(dim1=-2, dim2=-1).sign().unsqueeze(-2)


def _is_orthogonal(x: Tensor) -> bool:
    count = x.shape[-1]
    unit = functions.eye(count, dtype=x.dtype, device=x.device)
    return bool(((x.mT @ x - unit).abs() <= 10 * count * finfo(x.dtype).eps).all())


def orthogonal(
    module: Any, name: str = "weight", orthogonal_map: str | None = None, *, use_trivialization: bool = True
) -> Any:
    """Keep a weight's columns (rows, where there are fewer) orthogonal and of length 1.

    `orthogonal_map` is "matrix_exp" (of square ones), "cayley" or "householder" (of others). With `use_trivialization`
    the map starts from the weight's own nearest orthogonal matrix, the buffer `base` (Lezcano-Casado 2019).

    >>> import curta
    >>> weight = orthogonal(curta.nn.Linear(3, 2)).weight
    >>> curta.allclose(weight @ weight.T, curta.eye(2), atol=1e-6)
    True
    """
    weight = getattr(module, name, None)
    if not isinstance(weight, Tensor):
        raise ArgumentError(f"Module '{module}' has no parameter or buffer with name '{name}'")
    if weight.layout.rank < 2:
        raise ArgumentError(f"Expected a matrix or batch of matrices. Got a tensor of {weight.layout.rank} dimensions.")
    chosen = orthogonal_map or ("matrix_exp" if weight.shape[-2] == weight.shape[-1] else "householder")
    if chosen not in _MAPS:
        raise ArgumentError(
            f'orthogonal_map has to be one of "matrix_exp", "cayley", "householder". Got: {orthogonal_map}'
        )
    return register_parametrization(module, name, _Orthogonal(weight, chosen, use_trivialization), unsafe=True)
