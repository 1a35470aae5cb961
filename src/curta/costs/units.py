"""Numbers as people read them."""

from __future__ import annotations


def seconds(value: float) -> str:
    """A time in seconds, milliseconds or microseconds.

    >>> seconds(2.5), seconds(0.0123), seconds(0.0000456)
    ('2.5 s', '12.3 ms', '45.6 µs')
    """
    if value >= 0.9995:
        return f"{value:.3g} s"
    return f"{value * 1e3:.3g} ms" if value >= 0.9995e-3 else f"{value * 1e6:.3g} µs"


def quantity(value: float, unit: str) -> str:
    """A number with three significant digits and a decimal prefix.

    >>> quantity(2_500_000, "B"), quantity(12, "FLOP")
    ('2.50 MB', '12.0 FLOP')
    """
    for factor, prefix in ((1e15, "P"), (1e12, "T"), (1e9, "G"), (1e6, "M"), (1e3, "k")):
        if abs(value) >= 0.9995 * factor:
            return f"{_three_digits(value / factor)} {prefix}{unit}"
    return f"{_three_digits(value)} {unit}"


def exact(value: float, unit: str) -> str:
    """A number with as many of five significant digits as it needs, and a decimal prefix: for what was printed so.

    >>> exact(989.4e12, "FLOP/s"), exact(2_039e9, "B/s")
    ('989.4 TFLOP/s', '2.039 TB/s')
    """
    for factor, prefix in ((1e15, "P"), (1e12, "T"), (1e9, "G"), (1e6, "M"), (1e3, "k")):
        if abs(value) >= factor:
            return f"{value / factor:.5g} {prefix}{unit}"
    return f"{value:.5g} {unit}"


def _three_digits(value: float) -> str:
    return f"{value:.{2 if value < 9.995 else 1 if value < 99.95 else 0}f}".removesuffix(".00")
