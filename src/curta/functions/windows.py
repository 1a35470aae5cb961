"""Windows that a stretch of a signal is multiplied with, PyTorch's older names: periodic unless told otherwise."""

from __future__ import annotations

from collections.abc import Sequence
from math import pi
from typing import Any

from curta.default_dtype import get_default_dtype
from curta.device import Device, resolve
from curta.dtypes import DType, asked
from curta.errors import ArgumentTypeError, DTypeError, ShapeError
from curta.functions.bessel import i0
from curta.functions.creation import checked_options, empty, finish, full, linspace, ones
from curta.tensor import Tensor

DeviceLike = Device | str | None


def hann_window(
    window_length: int, periodic: bool = True, *, dtype: DType | None = None, layout: Any = None,
    device: DeviceLike = None, requires_grad: bool = False, pin_memory: bool = False,
) -> Tensor:  # fmt: skip
    """A raised cosine from 0 to 1 and back.

    >>> import curta
    >>> curta.hann_window(4)
    tensor([0.0000, 0.5000, 1.0000, 0.5000])
    """
    kind = _checked("hann_window", window_length, dtype, layout, pin_memory)
    return finish(cosines(window_length, (0.5, 0.5), not periodic, kind, device), requires_grad)


def hamming_window(
    window_length: int, periodic: bool = True, alpha: float = 0.54, beta: float = 0.46, *, dtype: DType | None = None,
    layout: Any = None, device: DeviceLike = None, requires_grad: bool = False, pin_memory: bool = False,
) -> Tensor:  # fmt: skip
    """alpha - beta * cos: a cosine that does not quite start at 0.

    >>> import curta
    >>> curta.hamming_window(4)
    tensor([0.0800, 0.5400, 1.0000, 0.5400])
    """
    kind = _checked("hamming_window", window_length, dtype, layout, pin_memory)
    return finish(cosines(window_length, (alpha, beta), not periodic, kind, device), requires_grad)


def blackman_window(
    window_length: int, periodic: bool = True, *, dtype: DType | None = None, layout: Any = None,
    device: DeviceLike = None, requires_grad: bool = False, pin_memory: bool = False,
) -> Tensor:  # fmt: skip
    """Blackman's sum of two cosines.

    >>> import curta
    >>> curta.blackman_window(3, periodic=False)[1]
    tensor(1.0000)
    """
    kind = _checked("blackman_window", window_length, dtype, layout, pin_memory)
    return finish(cosines(window_length, (0.42, 0.5, 0.08), not periodic, kind, device), requires_grad)


def bartlett_window(
    window_length: int, periodic: bool = True, *, dtype: DType | None = None, layout: Any = None,
    device: DeviceLike = None, requires_grad: bool = False, pin_memory: bool = False,
) -> Tensor:  # fmt: skip
    """A triangle from 0 to 1 and back.

    >>> import curta
    >>> curta.bartlett_window(4)
    tensor([0.0000, 0.5000, 1.0000, 0.5000])
    """
    kind = _checked("bartlett_window", window_length, dtype, layout, pin_memory)
    return finish(triangle(window_length, not periodic, kind, device), requires_grad)


def kaiser_window(
    window_length: int, periodic: bool = True, beta: float = 12.0, *, dtype: DType | None = None, layout: Any = None,
    device: DeviceLike = None, requires_grad: bool = False, pin_memory: bool = False,
) -> Tensor:  # fmt: skip
    """Kaiser's window of the Bessel function `i0`: the larger `beta`, the narrower.

    >>> import curta
    >>> curta.kaiser_window(4, beta=2.0)
    tensor([0.4387, 0.8348, 1.0000, 0.8348])
    """
    kind = _checked("kaiser_window", window_length, dtype, layout, pin_memory)
    return finish(bessel_window(window_length, float(beta), not periodic, kind, device), requires_grad)


def _checked(name: str, length: Any, dtype: DType | None, layout: Any, pin_memory: bool) -> DType:
    """The format of a window, after the checks that PyTorch makes."""
    checked_options(name, layout, pin_memory)
    if isinstance(length, bool) or not hasattr(length, "__index__"):
        raise ArgumentTypeError(
            f"{name}(): argument 'window_length' (position 1) must be int, not {type(length).__name__}"
        )
    kind = asked(dtype, name) or get_default_dtype()
    if not kind.is_floating_point:
        raise DTypeError(f"{name} expects floating point dtypes, got: {kind.name}")
    if length < 0:
        raise ShapeError(f"{name} requires non-negative window_length, got window_length={length}")
    return kind


# what both families of names are made of: `whole` says that the last number belongs to the window


def cosines(length: int, weights: Sequence[float], whole: bool, dtype: DType, device: DeviceLike) -> Tensor:
    """The sum of cosines of so many turns, with their weights and with alternating signs."""
    if length < 2:
        return _short(length, dtype, device)
    step = 2 * pi / (length - 1 if whole else length)
    angle = linspace(0, (length - 1) * step, length, dtype=dtype, device=device)
    made = full((length,), float(weights[0]), dtype=dtype, device=device)
    for turns, weight in enumerate(weights[1:], 1):
        made = made + (angle * turns).cos() * (-float(weight) if turns % 2 else float(weight))
    return made


def triangle(length: int, whole: bool, dtype: DType, device: DeviceLike) -> Tensor:
    if length < 2:
        return _short(length, dtype, device)
    return 1 - _across(length, whole, dtype, device).abs()


def bessel_window(length: int, beta: float, whole: bool, dtype: DType, device: DeviceLike) -> Tensor:
    if length < 2:
        return _short(length, dtype, device)
    place = _across(length, whole, dtype, device)
    height = (1 - place * place).clamp(min=0).sqrt() * beta
    return i0(height) / i0(full((), beta, dtype=dtype, device=device))


def _across(length: int, whole: bool, dtype: DType, device: DeviceLike) -> Tensor:
    """Places from -1 to 1, or one step short of that."""
    step = 2 / (length - 1 if whole else length)
    return linspace(-1, -1 + (length - 1) * step, length, dtype=dtype, device=device)


def _short(length: int, dtype: DType, device: DeviceLike) -> Tensor:
    """A window of one number is 1."""
    make = ones if length else empty
    return make(length, dtype=dtype, device=resolve(device))
