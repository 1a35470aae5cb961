"""The rates of some steps, and how they are printed."""

from __future__ import annotations

from dataclasses import dataclass

from curta.costs import units
from curta.costs.peak import Peak

#: the MFU from which on a training step uses a machine well: what large models reach when they are tuned for it
GOOD_MFU = 0.5


@dataclass(frozen=True)
class Rates:
    """What a number of steps came to. What is not known is None; times are seconds, rates are of whole steps."""

    steps: int
    #: warm-up steps that were timed and do not count
    left_out: int
    seconds: float
    #: the median
    seconds_per_step: float | None
    mean_seconds_per_step: float | None
    tokens_per_second: float | None
    #: the model's: what MFU is of
    flops_per_second: float | None
    #: with what is computed again: what HFU is of
    hardware_flops_per_second: float | None
    #: of every operator, element-wise work too
    all_flops_per_second: float | None
    bytes_per_second: float | None
    #: the most that tensors used by the end of the last step, since it was last reset (`curta.memory.reset_peak`)
    memory_peak_bytes: int
    peak: Peak | None

    @property
    def mfu(self) -> float | None:
        """Model FLOP/s over the peak."""
        return self._share(self.flops_per_second)

    @property
    def hfu(self) -> float | None:
        """Hardware FLOP/s over the peak."""
        return self._share(self.hardware_flops_per_second)

    def _share(self, rate: float | None) -> float | None:
        return None if rate is None or self.peak is None else rate / self.peak.flops_per_second

    @property
    def bandwidth_share(self) -> float | None:
        """Bytes a second over the bandwidth of the device's memory."""
        limit = None if self.peak is None else self.peak.bytes_per_second
        return None if self.bytes_per_second is None or limit is None else self.bytes_per_second / limit


def verdict(mfu: float) -> str:
    """What an MFU means, in words.

    >>> verdict(0.62), verdict(0.31)
    ('good: half of the peak or more', 'below half of the peak, from which on it would be good')
    """
    return (
        "good: half of the peak or more"
        if mfu >= GOOD_MFU
        else "below half of the peak, from which on it would be good"
    )


def table(rates: Rates, conventions: dict[str, float]) -> str:
    """The rates as a table for a person, and below it the MFU by each convention, if there are any."""
    steps = f"{rates.steps} step{'' if rates.steps == 1 else 's'}"
    left_out = f"; the first {rates.left_out}, which warm up, left out" if rates.left_out else ""
    rows = [("measured", f"{steps} in {rates.seconds:.4g} s{left_out}"), *_rows(rates)]
    rows += [(f"MFU, {name}", f"{100 * share:.1f}%") for name, share in conventions.items()]
    width = max(len(name) for name, _ in rows)
    return "\n".join(f"{name:<{width}}  {text}" for name, text in rows)


def _rows(rates: Rates) -> list[tuple[str, str]]:
    rows = []
    if rates.seconds_per_step is not None and rates.mean_seconds_per_step is not None:
        median, mean = units.seconds(rates.seconds_per_step), units.seconds(rates.mean_seconds_per_step)
        rows.append(("a step", f"{median} (median), {mean} (mean)"))
    for name, rate, unit in (
        ("tokens", rates.tokens_per_second, "tokens/s"),
        ("model FLOPs", rates.flops_per_second, "FLOP/s"),
        ("hardware FLOPs", rates.hardware_flops_per_second, "FLOP/s"),
        ("all FLOPs", rates.all_flops_per_second, "FLOP/s"),
    ):
        if rate is not None:
            rows.append((name, units.quantity(rate, unit)))
    if rates.bytes_per_second is not None:
        share = "" if rates.bandwidth_share is None else f", {100 * rates.bandwidth_share:.1f}% of the bandwidth"
        rows.append(("bytes", units.quantity(rates.bytes_per_second, "B/s") + share))
    if rates.mfu is not None:
        rows.append(("MFU", f"{100 * rates.mfu:.1f}%, {verdict(rates.mfu)}"))
    if rates.hfu is not None:
        rows.append(("HFU", f"{100 * rates.hfu:.1f}%, with what is computed again"))
    rows.append(("memory", f"{units.quantity(rates.memory_peak_bytes, 'B')} at most in tensors"))
    rows.append(("peak", "none was given, so no MFU" if rates.peak is None else str(rates.peak)))
    return rows
