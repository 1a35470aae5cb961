"""Bessel functions and Airy's under PyTorch's names."""

from __future__ import annotations

from curta.functions.special import one
from curta.ops import higher as ops
from curta.tensor import Tensor


def airy_ai(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """Airy's function Ai, the solution of y'' = x y that vanishes for large x; NaN at the infinities.

    >>> import curta
    >>> curta.special.airy_ai(curta.tensor([0.0, 1.0]))
    tensor([0.3550, 0.1353])
    """
    return one("airy_ai", ops.AIRY_AI, input, out)


def i0(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """The modified Bessel function of the first kind of order 0.

    >>> import curta
    >>> curta.i0(curta.tensor([0.0, 1.0]))
    tensor([1.0000, 1.2661])
    """
    return one("i0", ops.I0, input, out)


def i0e(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """`i0` times exp(-|x|).

    >>> import curta
    >>> curta.special.i0e(curta.tensor([0.0, 1.0]))
    tensor([1.0000, 0.4658])
    """
    return one("i0e", ops.I0E, input, out)


def i1(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """The modified Bessel function of the first kind of order 1.

    >>> import curta
    >>> curta.special.i1(curta.tensor([0.0, 1.0]))
    tensor([0.0000, 0.5652])
    """
    return one("i1", ops.I1, input, out)


def i1e(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """`i1` times exp(-|x|).

    >>> import curta
    >>> curta.special.i1e(curta.tensor([0.0, 1.0]))
    tensor([0.0000, 0.2079])
    """
    return one("i1e", ops.I1E, input, out)


def bessel_j0(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """The Bessel function of the first kind of order 0.

    >>> import curta
    >>> curta.special.bessel_j0(curta.tensor([0.0, 1.0]))
    tensor([1.0000, 0.7652])
    """
    return one("bessel_j0", ops.BESSEL_J0, input, out)


def bessel_j1(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """The Bessel function of the first kind of order 1.

    >>> import curta
    >>> curta.special.bessel_j1(curta.tensor([0.0, 1.0]))
    tensor([0.0000, 0.4401])
    """
    return one("bessel_j1", ops.BESSEL_J1, input, out)


def bessel_y0(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """The Bessel function of the second kind of order 0; NaN below 0.

    >>> import curta
    >>> curta.special.bessel_y0(curta.tensor([1.0, 2.0]))
    tensor([0.0883, 0.5104])
    """
    return one("bessel_y0", ops.BESSEL_Y0, input, out)


def bessel_y1(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """The Bessel function of the second kind of order 1; NaN below 0.

    >>> import curta
    >>> curta.special.bessel_y1(curta.tensor([1.0, 2.0]))
    tensor([-0.7812, -0.1070])
    """
    return one("bessel_y1", ops.BESSEL_Y1, input, out)


def modified_bessel_k0(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """The modified Bessel function of the second kind of order 0; NaN below 0.

    >>> import curta
    >>> curta.special.modified_bessel_k0(curta.tensor([1.0, 2.0]))
    tensor([0.4210, 0.1139])
    """
    return one("modified_bessel_k0", ops.BESSEL_K0, input, out)


def modified_bessel_k1(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """The modified Bessel function of the second kind of order 1; NaN below 0.

    >>> import curta
    >>> curta.special.modified_bessel_k1(curta.tensor([1.0, 2.0]))
    tensor([0.6019, 0.1399])
    """
    return one("modified_bessel_k1", ops.BESSEL_K1, input, out)


def scaled_modified_bessel_k0(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """`modified_bessel_k0` times exp(x).

    >>> import curta
    >>> curta.special.scaled_modified_bessel_k0(curta.tensor([1.0, 2.0]))
    tensor([1.1445, 0.8416])
    """
    return one("scaled_modified_bessel_k0", ops.BESSEL_K0E, input, out)


def scaled_modified_bessel_k1(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """`modified_bessel_k1` times exp(x).

    >>> import curta
    >>> curta.special.scaled_modified_bessel_k1(curta.tensor([1.0, 2.0]))
    tensor([1.6362, 1.0335])
    """
    return one("scaled_modified_bessel_k1", ops.BESSEL_K1E, input, out)


def spherical_bessel_j0(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """sin(x) / x, which is 1 at 0.

    >>> import curta
    >>> curta.special.spherical_bessel_j0(curta.tensor([0.0, 1.0]))
    tensor([1.0000, 0.8415])
    """
    return one("spherical_bessel_j0", ops.SPHERICAL_BESSEL_J0, input, out)
