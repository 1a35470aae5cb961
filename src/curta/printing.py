"""How a tensor is shown as text: the same characters that PyTorch prints, with `curta` for `torch` in dtypes."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any, TypeAlias

from curta.default_dtype import get_default_dtype
from curta.dtypes import DType, bool_, int64
from curta.errors import ArgumentError
from curta.lazy import LazyModule

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt
else:
    np = LazyModule("numpy")

Array: TypeAlias = "npt.NDArray[Any]"


@dataclass(frozen=True)
class PrintOptions:
    """The settings that `set_printoptions` changes."""

    precision: int = 4
    threshold: float = 1000
    edgeitems: int = 3
    linewidth: int = 80
    sci_mode: bool | None = None


_PROFILES = {
    "default": PrintOptions(),
    "short": PrintOptions(precision=2, edgeitems=2),
    "full": PrintOptions(threshold=math.inf),
}


class _Current:
    options = PrintOptions()


def get_printoptions() -> dict[str, Any]:
    """The current settings, as arguments for `set_printoptions`.

    >>> get_printoptions()["linewidth"]
    80
    """
    return asdict(_Current.options)


def set_printoptions(
    precision: int | None = None,
    threshold: float | None = None,
    edgeitems: int | None = None,
    linewidth: int | None = None,
    profile: str | None = None,
    sci_mode: bool | None = None,
) -> None:
    """Change how tensors are printed; what is not named stays, but `sci_mode` goes back to automatic, as in PyTorch.

    `precision` is in digits after the point, `threshold` the number of elements from which a summary with
    `edgeitems` at each end of a dim is printed, `linewidth` in characters, `profile` one of "default", "short", "full".
    ArgumentError for a value that cannot be one.

    >>> set_printoptions(precision=2)
    >>> format_tensor(np.float32([3.14159]), get_default_dtype())
    'tensor([3.14])'
    >>> set_printoptions(profile="default")
    """
    if profile is not None and profile not in _PROFILES:
        raise ArgumentError(f"set_printoptions: profile must be one of {sorted(_PROFILES)}, got {profile!r}")
    options = _Current.options if profile is None else _PROFILES[profile]
    given = {"precision": precision, "threshold": threshold, "edgeitems": edgeitems, "linewidth": linewidth}
    changes: dict[str, Any] = {name: value for name, value in given.items() if value is not None}
    for name, value in changes.items():
        if value < 0:
            raise ArgumentError(f"set_printoptions: {name} must not be negative, got {value}")
    _Current.options = replace(options, **changes, sci_mode=sci_mode)


@contextmanager
def printoptions(**options: Any) -> Iterator[None]:
    """`set_printoptions` for the length of a `with` block.

    >>> with printoptions(precision=1):
    ...     format_tensor(np.float32([3.14159]), get_default_dtype())
    'tensor([3.1])'
    """
    before = _Current.options
    set_printoptions(**options)
    try:
        yield
    finally:
        _Current.options = before


class _ElementFormat:
    """How every element of one tensor is written: decided once, from the elements that will be shown."""

    def __init__(self, shown: Array, is_float: bool, options: PrintOptions) -> None:
        self.is_float = is_float
        self.spec = ".0f"
        self.point = "."
        self.width = 1
        if not is_float:
            self.width = max([1, *(len(str(value)) for value in shown.reshape(-1).tolist())])
            return
        values = shown.reshape(-1).astype(np.float64)
        # Zeros, infinities and nans choose neither the style nor the width.
        values = values[np.isfinite(values) & (values != 0)]
        if values.size == 0:
            return
        magnitudes = np.abs(values)
        smallest, largest = float(magnitudes.min()), float(magnitudes.max())
        scientific = options.sci_mode
        if scientific is None:
            # A quotient that overflows is infinite: still more than 1000.
            scientific = largest / smallest > 1000.0 or largest > 1.0e8 or smallest < 1.0e-4
        if scientific:
            self.spec, self.point = f".{options.precision}e", ""
        elif not bool(np.all(values == np.ceil(values))):
            self.spec, self.point = f".{options.precision}f", ""
        self.width = max(1, max(len(format(value, self.spec)) for value in values.tolist()) + len(self.point))

    def __call__(self, value: float) -> str:
        if not self.is_float:
            return str(value).rjust(self.width)
        text = format(value, self.spec)
        if self.point and math.isfinite(value):
            text += self.point
        return text.rjust(self.width)


def _edges(array: Array, edgeitems: int) -> Array:
    """Only the elements that a summary shows; with no edge items PyTorch still looks at all of a vector."""
    if edgeitems == 0:
        return array if array.ndim <= 1 else array.reshape(-1)[:0]
    for dim, size in enumerate(array.shape):
        if size > 2 * edgeitems:
            keep = [*range(edgeitems), *range(size - edgeitems, size)]
            array = np.take(array, keep, axis=dim)
    return array


def _vector_text(array: Array, indent: int, summarize: bool, element: _ElementFormat, options: PrintOptions) -> str:
    edge = options.edgeitems
    if summarize and edge == 0:
        words = ["..."]
    elif summarize and len(array) > 2 * edge:
        head, tail = array[:edge].tolist(), array[-edge:].tolist()
        # The space is PyTorch's: the dots stand where a number's sign would.
        words = [*map(element, head), " ...", *map(element, tail)]
    else:
        words = [element(value) for value in array.tolist()]
    per_line = max(1, (options.linewidth - indent) // (element.width + 2))
    lines = [", ".join(words[first : first + per_line]) for first in range(0, len(words), per_line)]
    return "[" + (",\n" + " " * (indent + 1)).join(lines) + "]"


def _array_text(array: Array, indent: int, summarize: bool, element: _ElementFormat, options: PrintOptions) -> str:
    if array.ndim == 0:
        return element(array.item())
    if array.ndim == 1:
        return _vector_text(array, indent, summarize, element, options)
    edge, size = options.edgeitems, array.shape[0]

    def part(position: int) -> str:
        return _array_text(array[position], indent + 1, summarize, element, options)

    if summarize and size > 2 * edge:
        parts = [*map(part, range(edge)), "...", *map(part, range(size - edge, size))]
    else:
        parts = [part(position) for position in range(size)]
    return "[" + ("," + "\n" * (array.ndim - 1) + " " * (indent + 1)).join(parts) + "]"


def _with_suffixes(text: str, suffixes: Sequence[str], indent: int, linewidth: int) -> str:
    """`text` closed with its suffixes, each on a new line when the last one is full."""
    used = len(text) - text.rfind("\n") + 1
    for suffix in suffixes:
        if used + len(suffix) + 2 > linewidth:
            text += ",\n" + " " * indent + suffix
            used = indent + len(suffix)
        else:
            text += ", " + suffix
            used += len(suffix) + 2
    return text + ")"


def _gradient_suffixes(requires_grad: bool, grad_fn_name: str | None) -> list[str]:
    if grad_fn_name is not None:
        return [f"grad_fn=<{grad_fn_name}>"]
    return ["requires_grad=True"] if requires_grad else []


def format_tensor(
    array: Array,
    dtype: DType,
    *,
    requires_grad: bool = False,
    grad_fn_name: str | None = None,
    device: str = "cpu",
    prefix: str = "tensor(",
) -> str:
    """The text of a tensor whose values are `array` (bfloat16 already widened to float32) and whose dtype is `dtype`.

    >>> print(format_tensor(np.float32([[1, 2.5], [float("inf"), -3]]), get_default_dtype(), requires_grad=True))
    tensor([[ 1.0000,  2.5000],
            [    inf, -3.0000]], requires_grad=True)
    """
    options = _Current.options
    indent = len(prefix)
    suffixes = [] if device == "cpu" else [f"device='{device}'"]
    default = get_default_dtype()
    if array.size == 0:
        text = "[]"
        if array.ndim != 1:
            suffixes.append(f"size={array.shape}")
        # Without elements nothing shows the dtype, so even int64 is named.
        if dtype is not default:
            suffixes.append(f"dtype={dtype!r}")
    else:
        if options.edgeitems == 0:
            suffixes.append(f"size={array.shape}")
        if dtype not in (default, int64, bool_):
            suffixes.append(f"dtype={dtype!r}")
        summarize = array.size > options.threshold
        shown = _edges(array, options.edgeitems) if summarize else array
        element = _ElementFormat(shown, dtype.is_floating_point, options)
        text = _array_text(array, indent, summarize, element, options)
    suffixes += _gradient_suffixes(requires_grad, grad_fn_name)
    return _with_suffixes(prefix + text, suffixes, indent, options.linewidth)


def format_meta(
    shape: tuple[int, ...],
    dtype: DType,
    *,
    requires_grad: bool = False,
    grad_fn_name: str | None = None,
    device: str = "meta",
    prefix: str = "tensor(",
) -> str:
    """The text of a tensor without data.

    >>> format_meta((2, 3), int64)
    "tensor(..., device='meta', size=(2, 3), dtype=curta.int64)"
    """
    suffixes = [f"device='{device}'", f"size={shape}"]
    if dtype is not get_default_dtype():
        suffixes.append(f"dtype={dtype!r}")
    suffixes += _gradient_suffixes(requires_grad, grad_fn_name)
    return _with_suffixes(f"{prefix}...", suffixes, len(prefix), _Current.options.linewidth)
