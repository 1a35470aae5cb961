"""Orthogonal polynomials under PyTorch's names, by their recurrences.

`n` is a number or a tensor of them; of a tensor each element is its own degree. Below 0 the result is 0. Gradients
follow from the recurrence.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from curta.default_dtype import get_default_dtype
from curta.errors import UnsupportedError
from curta.functions.choice import where
from curta.functions.creation import full_like, zeros_like
from curta.functions.operands import Operand
from curta.functions.outputs import into
from curta.functions.special import pair
from curta.ops.inference import promoted
from curta.tensor import Tensor

#: the polynomial of degree k + 1, of (x, k, that of degree k, that of degree k - 1)
Step = Callable[[Any, int, Any, Any], Any]


def _chebyshev(x: Any, k: int, now: Any, before: Any) -> Any:
    return 2 * x * now - before


def _hermite(x: Any, k: int, now: Any, before: Any) -> Any:
    return 2 * x * now - 2 * k * before


def _probabilists(x: Any, k: int, now: Any, before: Any) -> Any:
    return x * now - k * before


def _laguerre(x: Any, k: int, now: Any, before: Any) -> Any:
    return ((2 * k + 1 - x) * now - k * before) / (k + 1)


def _legendre(x: Any, k: int, now: Any, before: Any) -> Any:
    return ((2 * k + 1) * x * now - k * before) / (k + 1)


def _polynomial(
    name: str, input: Operand, n: Operand, out: Any, step: Step, line: tuple[int, int], shifted: bool = False
) -> Tensor:
    """By recurrence from 1 and the line of (slope, value at 0)."""
    if out is not None:
        return into(name, out, _polynomial(name, input, n, None, step, line, shifted))
    x, degrees = pair(name, input, n)
    kind = promoted((x.layout, degrees.layout))
    kind = kind if kind.is_floating_point else get_default_dtype()
    x = x.to(kind)
    if isinstance(n, Tensor) and n.layout.device.type == "meta":
        raise UnsupportedError(f"{name}(): a tensor of degrees is not supported on the meta device")
    chosen = degrees.trunc() if isinstance(n, Tensor) else None
    highest = int(n) if not isinstance(n, Tensor) else int(n.max().item()) if n.numel() else -1
    if shifted:
        x = 2 * x - 1
    before, now = full_like(x, 1), line[0] * x + line[1]
    found = zeros_like(x) if chosen is None else (x + chosen) * 0
    for degree in range(highest + 1):
        if degree > 1:
            before, now = now, step(x, degree - 1, now, before)
        current = now if degree else before
        found = current if chosen is None else where(chosen == degree, current, found)
    return found


def chebyshev_polynomial_t(input: Operand, n: Operand, *, out: Tensor | None = None) -> Tensor:
    """Chebyshev's polynomial of the first kind of degree `n`.

    >>> import curta
    >>> curta.special.chebyshev_polynomial_t(curta.tensor([0.5, 2.0]), 3)
    tensor([-1., 26.])
    """
    return _polynomial("chebyshev_polynomial_t", input, n, out, _chebyshev, (1, 0))


def chebyshev_polynomial_u(input: Operand, n: Operand, *, out: Tensor | None = None) -> Tensor:
    """Chebyshev's polynomial of the second kind of degree `n`.

    >>> import curta
    >>> curta.special.chebyshev_polynomial_u(curta.tensor([0.5, 2.0]), 3)
    tensor([-1., 56.])
    """
    return _polynomial("chebyshev_polynomial_u", input, n, out, _chebyshev, (2, 0))


def chebyshev_polynomial_v(input: Operand, n: Operand, *, out: Tensor | None = None) -> Tensor:
    """Chebyshev's polynomial of the third kind of degree `n`.

    >>> import curta
    >>> curta.special.chebyshev_polynomial_v(curta.tensor([0.5, 2.0]), 3)
    tensor([-1., 41.])
    """
    return _polynomial("chebyshev_polynomial_v", input, n, out, _chebyshev, (2, -1))


def chebyshev_polynomial_w(input: Operand, n: Operand, *, out: Tensor | None = None) -> Tensor:
    """Chebyshev's polynomial of the fourth kind of degree `n`.

    >>> import curta
    >>> curta.special.chebyshev_polynomial_w(curta.tensor([0.5, 2.0]), 3)
    tensor([-1., 71.])
    """
    return _polynomial("chebyshev_polynomial_w", input, n, out, _chebyshev, (2, 1))


def shifted_chebyshev_polynomial_t(input: Operand, n: Operand, *, out: Tensor | None = None) -> Tensor:
    """Chebyshev's polynomial of the first kind of degree `n`, of 2x - 1.

    >>> import curta
    >>> curta.special.shifted_chebyshev_polynomial_t(curta.tensor([0.5, 2.0]), 3)
    tensor([-0., 99.])
    """
    return _polynomial("shifted_chebyshev_polynomial_t", input, n, out, _chebyshev, (1, 0), shifted=True)


def shifted_chebyshev_polynomial_u(input: Operand, n: Operand, *, out: Tensor | None = None) -> Tensor:
    """Chebyshev's polynomial of the second kind of degree `n`, of 2x - 1.

    >>> import curta
    >>> curta.special.shifted_chebyshev_polynomial_u(curta.tensor([0.5, 2.0]), 3)
    tensor([ -0., 204.])
    """
    return _polynomial("shifted_chebyshev_polynomial_u", input, n, out, _chebyshev, (2, 0), shifted=True)


def shifted_chebyshev_polynomial_v(input: Operand, n: Operand, *, out: Tensor | None = None) -> Tensor:
    """Chebyshev's polynomial of the third kind of degree `n`, of 2x - 1.

    >>> import curta
    >>> curta.special.shifted_chebyshev_polynomial_v(curta.tensor([0.5, 2.0]), 3)
    tensor([  1., 169.])
    """
    return _polynomial("shifted_chebyshev_polynomial_v", input, n, out, _chebyshev, (2, -1), shifted=True)


def shifted_chebyshev_polynomial_w(input: Operand, n: Operand, *, out: Tensor | None = None) -> Tensor:
    """Chebyshev's polynomial of the fourth kind of degree `n`, of 2x - 1.

    >>> import curta
    >>> curta.special.shifted_chebyshev_polynomial_w(curta.tensor([0.5, 2.0]), 3)
    tensor([ -1., 239.])
    """
    return _polynomial("shifted_chebyshev_polynomial_w", input, n, out, _chebyshev, (2, 1), shifted=True)


def hermite_polynomial_h(input: Operand, n: Operand, *, out: Tensor | None = None) -> Tensor:
    """Hermite's polynomial of degree `n`, as physicists write it.

    >>> import curta
    >>> curta.special.hermite_polynomial_h(curta.tensor([0.5, 2.0]), 3)
    tensor([-5., 40.])
    """
    return _polynomial("hermite_polynomial_h", input, n, out, _hermite, (2, 0))


def hermite_polynomial_he(input: Operand, n: Operand, *, out: Tensor | None = None) -> Tensor:
    """Hermite's polynomial of degree `n`, as probabilists write it.

    >>> import curta
    >>> curta.special.hermite_polynomial_he(curta.tensor([0.5, 2.0]), 3)
    tensor([-1.3750,  2.0000])
    """
    return _polynomial("hermite_polynomial_he", input, n, out, _probabilists, (1, 0))


def laguerre_polynomial_l(input: Operand, n: Operand, *, out: Tensor | None = None) -> Tensor:
    """Laguerre's polynomial of degree `n`.

    >>> import curta
    >>> curta.special.laguerre_polynomial_l(curta.tensor([0.5, 2.0]), 3)
    tensor([-0.1458, -0.3333])
    """
    return _polynomial("laguerre_polynomial_l", input, n, out, _laguerre, (-1, 1))


def legendre_polynomial_p(input: Operand, n: Operand, *, out: Tensor | None = None) -> Tensor:
    """Legendre's polynomial of degree `n`.

    >>> import curta
    >>> curta.special.legendre_polynomial_p(curta.tensor([0.5, 2.0]), 3)
    tensor([-0.4375, 17.0000])
    """
    return _polynomial("legendre_polynomial_p", input, n, out, _legendre, (1, 0))
