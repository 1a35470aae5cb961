"""Assertions for tests of programs that compute with tensors, as in `torch.testing`."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from curta import dtypes
from curta.dtypes import DType
from curta.errors import ArgumentError, ArgumentTypeError, MismatchError
from curta.functions import comparison, creation
from curta.lazy import LazyModule
from curta.tensor import Tensor

if TYPE_CHECKING:
    import numpy as np
else:
    np = LazyModule("numpy")

Message = str | Callable[[str], str] | None

#: the relative and the absolute distance that are allowed by default; those of other formats are 0
_TOLERANCES = {
    dtypes.float16: (1e-3, 1e-5),
    dtypes.bfloat16: (1.6e-2, 1e-5),
    dtypes.float32: (1.3e-6, 1e-5),
    dtypes.float64: (1e-7, 1e-7),
}


class _Options:
    """How two things are compared."""

    def __init__(self, **options: Any) -> None:
        self.rtol: float | None = options["rtol"]
        self.atol: float | None = options["atol"]
        self.equal_nan: bool = options["equal_nan"]
        #: the attributes that must be the same
        self.attributes: list[str] = options["attributes"]
        self.check_dtype: bool = options["check_dtype"]
        self.allow_subclasses: bool = options["allow_subclasses"]
        self.msg: Message = options["msg"]

    def tolerances(self, *kinds: DType | None) -> tuple[float, float]:
        """Those asked for, or the larger ones of the formats."""
        if self.rtol is not None and self.atol is not None:
            return self.rtol, self.atol
        known = [_TOLERANCES.get(kind, (0.0, 0.0)) if kind is not None else (0.0, 0.0) for kind in kinds]
        return max(relative for relative, _ in known), max(absolute for _, absolute in known)

    def fail(self, told: str, path: tuple[Any, ...]) -> None:
        """Raise the error, with the place in a container, or in the caller's words."""
        if path:
            told += f"\n\nThe failure occurred for item {''.join(f'[{key!r}]' for key in path)}"
        if self.msg is not None:
            told = self.msg if isinstance(self.msg, str) else self.msg(told)
        raise MismatchError(told)


def assert_close(
    actual: Any, expected: Any, *, allow_subclasses: bool = True, rtol: float | None = None, atol: float | None = None,
    equal_nan: bool = False, check_device: bool = True, check_dtype: bool = True, check_layout: bool = True,
    check_stride: bool = False, msg: Message = None,
) -> None:  # fmt: skip
    """MismatchError (an AssertionError) unless |actual - expected| <= atol + rtol * |expected| everywhere.

    For tensors, arrays, numbers, and lists and mappings of them. Without `rtol` and `atol` the tolerances are those of
    the formats (of float32 1.3e-6 and 1e-5; integers must be equal); formats, types of numbers, devices and, with
    `check_stride`, strides must be the same. `msg` takes the place of the message, or makes another of it.

    >>> import curta
    >>> assert_close(curta.tensor([1.0, 2.0]), curta.tensor([1.0, 2.5]))
    Traceback (most recent call last):
    curta.errors.MismatchError: Tensor-likes are not close!
    <BLANKLINE>
    Mismatched elements: 1 / 2 (50.0%)
    Greatest absolute difference: 0.5 at index (1,) (up to 1e-05 allowed)
    Greatest relative difference: 0.20000000298023224 at index (1,) (up to 1.3e-06 allowed)
    """
    if (rtol is None) != (atol is None):
        word = "rtol" if rtol is None else "atol"
        raise ArgumentError(f"Both 'rtol' and 'atol' must be either specified or omitted, but got no {word}.")
    checked = {"device": check_device, "dtype": check_dtype, "stride()": check_stride}
    options = _Options(
        rtol=rtol, atol=atol, equal_nan=equal_nan, allow_subclasses=allow_subclasses, check_dtype=check_dtype, msg=msg,
        attributes=[name for name, wanted in checked.items() if wanted],
    )  # fmt: skip
    _compare(actual, expected, options, ())


def _is_sequence(value: Any) -> bool:
    return isinstance(value, Sequence) and not isinstance(value, (str, bytes))


def _is_number(value: Any) -> bool:
    return isinstance(value, (bool, int, float, complex, np.number, np.bool_))


def _compare(actual: Any, expected: Any, options: _Options, path: tuple[Any, ...]) -> None:
    pair = (actual, expected)
    if all(isinstance(one, Mapping) for one in pair):
        _compare_mappings(actual, expected, options, path)
    elif all(map(_is_sequence, pair)):
        if len(actual) != len(expected):
            options.fail(f"The length of the sequences mismatch: {len(actual)} != {len(expected)}", path)
        for place, (one, other) in enumerate(zip(actual, expected, strict=True)):
            _compare(one, other, options, (*path, place))
    elif any(one is None for one in pair):
        if actual is not expected:
            options.fail(f"None mismatch: {actual} is not {expected}", path)
    elif all(map(_is_number, pair)):
        _compare_numbers(actual, expected, options, path)
    elif all(isinstance(one, (Tensor, np.ndarray)) for one in pair) and (
        options.allow_subclasses or type(actual) is type(expected)
    ):
        _compare_tensors(_as_tensor(actual), _as_tensor(expected), options, path)
    else:
        raise ArgumentTypeError(
            f"No comparison pair was able to handle inputs of type {type(actual)} and {type(expected)}."
        )


def _compare_mappings(actual: Any, expected: Any, options: _Options, path: tuple[Any, ...]) -> None:
    if set(actual) != set(expected):
        missing, additional = sorted(set(expected) - set(actual)), sorted(set(actual) - set(expected))
        options.fail(
            "The keys of the mappings do not match:\n"
            f"Missing keys in the actual mapping: {missing}\nAdditional keys in the actual mapping: {additional}",
            path,
        )
    for key in actual:
        _compare(actual[key], expected[key], options, (*path, key))


def _format_of(number: Any) -> DType | None:
    return dtypes.float64 if isinstance(number, (float, complex, np.inexact)) else None


def _kind_of(number: Any) -> type:
    """Python's type of numbers of a kind; those of NumPy are the same."""
    kinds: dict[type, Any] = {
        bool: (bool, np.bool_), int: (int, np.integer), float: (float, np.floating), complex: (complex, np.number),
    }  # fmt: skip
    return next(kind for kind, several in kinds.items() if isinstance(number, several))


def _compare_numbers(actual: Any, expected: Any, options: _Options, path: tuple[Any, ...]) -> None:
    one, other = _kind_of(actual), _kind_of(expected)
    if one is bool and other is bool:
        if actual != expected:
            options.fail(f"Booleans mismatch: {actual} is not {expected}", path)
        return
    if options.check_dtype and one is not other:
        options.fail(f"The (d)types do not match: {type(actual)} != {type(expected)}.", path)
    rtol, atol = options.tolerances(_format_of(actual), _format_of(expected))
    both_nan = actual != actual and expected != expected
    apart, near = abs(actual - expected), actual == expected
    if near or (both_nan and options.equal_nan) or apart <= atol + rtol * abs(expected) < float("inf"):
        return
    options.fail(_scalars(actual, expected, rtol, atol), path)


def _scalars(actual: Any, expected: Any, rtol: float, atol: float) -> str:
    """The message for two numbers, with how far they are apart and how far they may be."""
    exact = atol == 0 == rtol
    difference = abs(actual - expected)
    share = difference / abs(expected) if expected else float("inf")
    lines = [f"Scalars are not {'equal' if exact else 'close'}!", "", f"Expected {expected} but got {actual}."]
    for word, apart, allowed in (("Absolute", difference, atol), ("Relative", share, rtol)):
        lines.append(_difference(f"{word} difference: {apart}", allowed, exact))
    return "\n".join(lines)


def _difference(told: str, allowed: float, exact: bool) -> str:
    return told if exact else f"{told} (up to {allowed} allowed)"


def _as_tensor(value: Any) -> Tensor:
    return value if isinstance(value, Tensor) else creation.from_numpy(value)


def _attribute(x: Tensor, name: str) -> Any:
    return x.stride() if name == "stride()" else getattr(x, name)


def _compare_tensors(actual: Tensor, expected: Tensor, options: _Options, path: tuple[Any, ...]) -> None:
    for name in ("shape", *options.attributes):
        one, other = _attribute(actual, name), _attribute(expected, name)
        if one != other:
            options.fail(f"The values for attribute '{name}' do not match: {one} != {other}.", path)
    if actual.is_meta or expected.is_meta:
        return
    actual, expected = actual.detach(), expected.detach()
    rtol, atol = options.tolerances(actual.dtype, expected.dtype)
    given = None if actual.dim() else (actual.item(), expected.item())
    if actual.dtype is not expected.dtype:
        kind = (actual.new_zeros(()) + expected.new_zeros(())).dtype
        actual, expected = actual.to(kind), expected.to(kind)
    if not actual.dtype.is_floating_point:
        actual, expected = actual.to(dtypes.int64), expected.to(dtypes.int64)
    near = comparison.isclose(actual, expected, rtol=rtol, atol=atol, equal_nan=options.equal_nan)
    if bool(near.all()):
        return
    if given is not None:
        options.fail(_scalars(*given, rtol=rtol, atol=atol), path)
    options.fail(_told(actual.reshape(-1), expected.reshape(-1), near, rtol, atol), path)


def _told(actual: Tensor, expected: Tensor, near: Tensor, rtol: float, atol: float) -> str:
    flat, count = near.reshape(-1), near.numel()
    wrong, exact = count - int(flat.sum().item()), rtol == 0 == atol
    apart = (actual - expected).abs().masked_fill(flat, 0)
    shares = (apart / expected.abs()).masked_fill(flat, 0)
    lines = [f"Mismatched elements: {wrong} / {count} ({wrong / count:.1%})"]
    for word, values, allowed in (("absolute", apart, atol), ("relative", shares, rtol)):
        most, place = values.max(0)
        index = tuple(int(part) for part in np.unravel_index(int(place.item()), tuple(near.shape)))
        lines.append(_difference(f"Greatest {word} difference: {most.item()} at index {index}", allowed, exact))
    return f"Tensor-likes are not {'equal' if exact else 'close'}!\n\n" + "\n".join(lines)
