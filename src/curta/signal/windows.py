"""The windows of `torch.signal.windows`: `M` numbers, symmetric unless `sym=False`; float32 or float64."""

from __future__ import annotations

from collections.abc import Iterable
from math import pi
from typing import Any

from curta.default_dtype import get_default_dtype
from curta.device import Device
from curta.dtypes import DType, asked, float32, float64
from curta.errors import ArgumentError, ArgumentTypeError
from curta.functions.creation import empty, finish, linspace
from curta.functions.windows import bessel_window, cosines, triangle
from curta.tensor import Tensor

__all__ = [
    "bartlett",
    "blackman",
    "cosine",
    "exponential",
    "gaussian",
    "general_cosine",
    "general_hamming",
    "hamming",
    "hann",
    "kaiser",
    "nuttall",
]

DeviceLike = Device | str | None


def _checked(name: str, length: int, dtype: DType | None, layout: Any) -> DType:
    kind = asked(dtype, name) or get_default_dtype()
    if length < 0:
        raise ArgumentError(f"{name} requires non-negative window length, got M={length}")
    if layout is not None and str(layout) not in ("torch.strided", "curta.strided"):
        raise ArgumentError(f"{name} is implemented for strided tensors only, got: {layout}")
    if kind not in (float32, float64):
        raise ArgumentError(f"{name} expects float32 or float64 dtypes, got: {kind!r}")
    return kind


def _even(start: float, step: float, length: int, dtype: DType, device: DeviceLike) -> Tensor:
    """So many numbers from `start` on."""
    if not length:
        return empty(0, dtype=dtype, device=device)
    return linspace(start, start + (length - 1) * step, length, dtype=dtype, device=device)


def bartlett(
    M: int, *, sym: bool = True, dtype: DType | None = None, layout: Any = None, device: DeviceLike = None,
    requires_grad: bool = False,
) -> Tensor:  # fmt: skip
    """A triangle from 0 to 1 and back.

    >>> import curta
    >>> curta.signal.windows.bartlett(5)
    tensor([0.0000, 0.5000, 1.0000, 0.5000, 0.0000])
    """
    kind = _checked("bartlett", M, dtype, layout)
    return finish(triangle(M, sym, kind, device), requires_grad)


def general_cosine(
    M: int, *, a: Iterable[float], sym: bool = True, dtype: DType | None = None, layout: Any = None,
    device: DeviceLike = None, requires_grad: bool = False,
) -> Tensor:  # fmt: skip
    """The sum of cosines of 0, 1, 2, … turns with weights `a` and alternating signs.

    >>> import curta
    >>> curta.signal.windows.general_cosine(3, a=[0.5, 0.5])
    tensor([0., 1., 0.])
    """
    kind = _checked("general_cosine", M, dtype, layout)
    if not isinstance(a, Iterable):
        raise ArgumentTypeError(f"general_cosine: the coefficients must be a list or tuple, got {type(a).__name__}")
    weights = tuple(a)
    if not weights:
        raise ArgumentError("Coefficients cannot be empty")
    return finish(cosines(M, weights, sym, kind, device), requires_grad)


def general_hamming(
    M: int, *, alpha: float = 0.54, sym: bool = True, dtype: DType | None = None, layout: Any = None,
    device: DeviceLike = None, requires_grad: bool = False,
) -> Tensor:  # fmt: skip
    """alpha - (1 - alpha) * cos.

    >>> import curta
    >>> curta.signal.windows.general_hamming(3, alpha=0.75)
    tensor([0.5000, 1.0000, 0.5000])
    """
    return general_cosine(
        M, a=(alpha, 1 - alpha), sym=sym, dtype=dtype, layout=layout, device=device, requires_grad=requires_grad
    )


def blackman(
    M: int, *, sym: bool = True, dtype: DType | None = None, layout: Any = None, device: DeviceLike = None,
    requires_grad: bool = False,
) -> Tensor:  # fmt: skip
    """Blackman's sum of two cosines.

    >>> import curta
    >>> curta.signal.windows.blackman(3)[1]
    tensor(1.0000)
    """
    kind = _checked("blackman", M, dtype, layout)
    return finish(cosines(M, (0.42, 0.5, 0.08), sym, kind, device), requires_grad)


def hamming(
    M: int, *, sym: bool = True, dtype: DType | None = None, layout: Any = None, device: DeviceLike = None,
    requires_grad: bool = False,
) -> Tensor:  # fmt: skip
    """0.54 - 0.46 * cos.

    >>> import curta
    >>> curta.signal.windows.hamming(3)
    tensor([0.0800, 1.0000, 0.0800])
    """
    return general_hamming(M, sym=sym, dtype=dtype, layout=layout, device=device, requires_grad=requires_grad)


def hann(
    M: int, *, sym: bool = True, dtype: DType | None = None, layout: Any = None, device: DeviceLike = None,
    requires_grad: bool = False,
) -> Tensor:  # fmt: skip
    """A raised cosine from 0 to 1 and back.

    >>> import curta
    >>> curta.signal.windows.hann(4, sym=False)
    tensor([0.0000, 0.5000, 1.0000, 0.5000])
    """
    return general_hamming(
        M, alpha=0.5, sym=sym, dtype=dtype, layout=layout, device=device, requires_grad=requires_grad
    )


def nuttall(
    M: int, *, sym: bool = True, dtype: DType | None = None, layout: Any = None, device: DeviceLike = None,
    requires_grad: bool = False,
) -> Tensor:  # fmt: skip
    """Nuttall's sum of three cosines, with the smallest side lobes of that kind.

    >>> import curta
    >>> curta.signal.windows.nuttall(3)
    tensor([3.6280e-04, 1.0000e+00, 3.6280e-04])
    """
    weights = (0.3635819, 0.4891775, 0.1365995, 0.0106411)
    return general_cosine(M, a=weights, sym=sym, dtype=dtype, layout=layout, device=device, requires_grad=requires_grad)


def cosine(
    M: int, *, sym: bool = True, dtype: DType | None = None, layout: Any = None, device: DeviceLike = None,
    requires_grad: bool = False,
) -> Tensor:  # fmt: skip
    """Half a turn of a sine.

    >>> import curta
    >>> curta.signal.windows.cosine(3)
    tensor([0.5000, 1.0000, 0.5000])
    """
    kind = _checked("cosine", M, dtype, layout)
    step = pi / (M + 1 if not sym and M > 1 else max(M, 1))
    return finish(_even(0.5 * step, step, M, kind, device).sin(), requires_grad)


def exponential(
    M: int, *, center: float | None = None, tau: float = 1.0, sym: bool = True, dtype: DType | None = None,
    layout: Any = None, device: DeviceLike = None, requires_grad: bool = False,
) -> Tensor:  # fmt: skip
    """exp(-|place - center| / tau); a `center` of its own only with `sym=False`.

    >>> import curta
    >>> curta.signal.windows.exponential(3)
    tensor([0.3679, 1.0000, 0.3679])
    """
    kind = _checked("exponential", M, dtype, layout)
    if tau <= 0:
        raise ArgumentError(f"Tau must be positive, got: {tau} instead.")
    if sym and center is not None:
        raise ArgumentError("Center must be None for symmetric windows")
    middle = (M if not sym and M > 1 else M - 1) / 2 if center is None else center
    return finish((-_even(-middle / tau, 1 / tau, M, kind, device).abs()).exp(), requires_grad)


def gaussian(
    M: int, *, std: float = 1.0, sym: bool = True, dtype: DType | None = None, layout: Any = None,
    device: DeviceLike = None, requires_grad: bool = False,
) -> Tensor:  # fmt: skip
    """The normal distribution's bell of deviation `std` numbers, 1 in the middle.

    >>> import curta
    >>> curta.signal.windows.gaussian(3)
    tensor([0.6065, 1.0000, 0.6065])
    """
    kind = _checked("gaussian", M, dtype, layout)
    if std <= 0:
        raise ArgumentError(f"Standard deviation must be positive, got: {std} instead.")
    step = 1 / (std * 2**0.5)
    place = _even(-(M if not sym and M > 1 else M - 1) / 2 * step, step, M, kind, device)
    return finish((-(place * place)).exp(), requires_grad)


def kaiser(
    M: int, *, beta: float = 12.0, sym: bool = True, dtype: DType | None = None, layout: Any = None,
    device: DeviceLike = None, requires_grad: bool = False,
) -> Tensor:  # fmt: skip
    """Kaiser's window of the Bessel function `i0`: the larger `beta`, the narrower.

    >>> import curta
    >>> curta.signal.windows.kaiser(3, beta=2.0)
    tensor([0.4387, 1.0000, 0.4387])
    """
    kind = _checked("kaiser", M, dtype, layout)
    if beta < 0:
        raise ArgumentError(f"beta must be non-negative, got: {beta} instead.")
    return finish(bessel_window(M, float(beta), sym, kind, device), requires_grad)
