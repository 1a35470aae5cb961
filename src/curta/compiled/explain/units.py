"""Numbers as people read them."""

from __future__ import annotations


def seconds(value: float) -> str:
    """A time in milliseconds or microseconds.

    >>> seconds(0.0123), seconds(0.0000456)
    ('12.3 ms', '45.6 µs')
    """
    return f"{value * 1e3:.3g} ms" if value >= 0.9995e-3 else f"{value * 1e6:.3g} µs"


def quantity(value: float, unit: str) -> str:
    """A number with one of the prefixes k, M, G, T.

    >>> quantity(2_500_000, "B"), quantity(12, "FLOP")
    ('2.5 MB', '12 FLOP')
    """
    for limit, prefix in ((1e12, "T"), (1e9, "G"), (1e6, "M"), (1e3, "k")):
        if value >= limit * 0.9995:
            return f"{value / limit:.3g} {prefix}{unit}"
    return f"{value:.3g} {unit}"
