"""Switches of whole processes that PyTorch has, as far as they mean something where all is exact and repeatable."""

from __future__ import annotations

import warnings

from curta.errors import ArgumentError, ArgumentTypeError, CurtaWarning

_PRECISIONS = ("highest", "high", "medium")
_DEBUG_MODES = ("default", "warn", "error")


class _Settings:
    precision = "highest"
    debug_mode = 0
    interop_threads = 1


def get_float32_matmul_precision() -> str:
    """What `set_float32_matmul_precision` was given last: "highest" at first."""
    return _Settings.precision


def set_float32_matmul_precision(precision: str) -> None:
    """Allow products of float32 to be worked out in fewer bits ("high", "medium"); Curta makes no use of that.

    A warning, and no effect, for any other word.

    >>> set_float32_matmul_precision("high")
    >>> get_float32_matmul_precision()
    'high'
    >>> set_float32_matmul_precision("highest")
    """
    if precision not in _PRECISIONS:
        warnings.warn(
            f"{precision} is not one of 'highest', 'high', or 'medium'; the current call has no effect.",
            CurtaWarning,
            stacklevel=2,
        )
        return
    _Settings.precision = precision


# results do not depend on the number of threads, nor on chance: the modes only remember what was asked for


def use_deterministic_algorithms(mode: bool, *, warn_only: bool = False) -> None:
    """Ask for results that are the same every time, which Curta's always are.

    >>> use_deterministic_algorithms(True)
    >>> are_deterministic_algorithms_enabled()
    True
    >>> use_deterministic_algorithms(False)
    """
    _Settings.debug_mode = (1 if warn_only else 2) if mode else 0


def are_deterministic_algorithms_enabled() -> bool:
    """Whether `use_deterministic_algorithms` asked for them."""
    return _Settings.debug_mode > 0


def is_deterministic_algorithms_warn_only_enabled() -> bool:
    """Whether it asked for warnings in place of errors; Curta has neither."""
    return _Settings.debug_mode == 1


def set_deterministic_debug_mode(debug_mode: int | str) -> None:
    """0 or "default", 1 or "warn", 2 or "error", as `use_deterministic_algorithms`; ArgumentError for anything else."""
    if isinstance(debug_mode, str):
        if debug_mode not in _DEBUG_MODES:
            raise ArgumentError(
                "invalid value of debug_mode, expected one of `default`, `warn`, `error`, but got " + debug_mode
            )
        debug_mode = _DEBUG_MODES.index(debug_mode)
    if debug_mode not in (0, 1, 2):
        raise ArgumentError(f"invalid value of debug_mode, expected 0, 1, or 2, but got {debug_mode}")
    _Settings.debug_mode = debug_mode


def get_deterministic_debug_mode() -> int:
    """0, 1 or 2, see `set_deterministic_debug_mode`."""
    return _Settings.debug_mode


def set_flush_denormal(mode: bool) -> bool:
    """Ask for numbers below the smallest normal one to become 0; whether that is so now: Curta always keeps them.

    >>> set_flush_denormal(True), set_flush_denormal(False)
    (False, True)
    """
    return not mode


def get_num_interop_threads() -> int:
    """What `set_num_interop_threads` was given last: 1 at first."""
    return _Settings.interop_threads


def set_num_interop_threads(count: int) -> None:
    """Say how many operators may run side by side; Curta has the threads of `set_num_threads` only, and decides itself.

    ArgumentTypeError or ArgumentError for what is not a positive integer.
    """
    if isinstance(count, bool) or not isinstance(count, int):
        raise ArgumentTypeError(f"set_num_interop_threads expects an int, but got {type(count).__name__}")
    if count < 1:
        raise ArgumentError("set_num_interop_threads expects a positive integer")
    _Settings.interop_threads = count
