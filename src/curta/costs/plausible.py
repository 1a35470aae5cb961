"""What is likely to be wrong where a measured rate is above what the device can do."""

from __future__ import annotations

from collections.abc import Iterator

from curta.costs import units
from curta.costs.peak import Peak
from curta.costs.rates import Rates
from curta.errors import ImplausibleRateWarning

__all__ = ["ImplausibleRateWarning", "complaints"]

#: how many times the peak a rate must be for the clock to be suspected first
_CLOCK = 4.0


def complaints(rates: Rates) -> Iterator[tuple[str, str]]:
    """Each rate that cannot be: its kind ("MFU", "HFU", "bandwidth"), and a sentence that names likely causes."""
    if rates.peak is None:
        return
    for kind, share in (("MFU", rates.mfu), ("HFU", rates.hfu)):
        if share is not None and share > 1:
            causes = _causes(rates.peak, share)
            yield kind, f"{kind} is {share:.3g}, and cannot be above 1. Likely: {'; or '.join(causes)}"
            return  # the other one would say the same again
    share = rates.bandwidth_share
    if share is not None and share > 1:
        yield (
            "bandwidth",
            f"bytes move at {share:.3g} times the bandwidth of {rates.peak.name}. Likely: they stay in its caches, "
            "since books count what operators read and write, from wherever it comes; or the clock stopped before the "
            "work was done; or the books are of more than one step; or the bandwidth is another device's",
        )


def _causes(peak: Peak, share: float) -> list[str]:
    """What makes a share of the peak too high, the likeliest first."""
    clock = "the clock stopped before the work was done (wait for the device at the end of a step)"
    work = "the FLOPs are not those of one step (of several, or a multiply-add counted as more than 2)"
    dtype = (
        f"the products ran in another format than the peak's ({peak.dtype or 'which was not said'}): "
        "half formats are faster than float32, and tf32 is not float32"
    )
    sparsity = "the work was done with sparsity, or counted with it, while the peak is of dense matrices"
    other = (
        f"the peak is not this device's ({peak.name}, {units.exact(peak.flops_per_second, 'FLOP/s')}; {peak.source})"
    )
    causes = [dtype, work, clock, sparsity, other]
    if share >= _CLOCK:
        causes = [clock, work, dtype, sparsity, other]
    if peak.scope == "machine":
        measured = "the peak was measured while the processor was slower or busy (curta doctor --measure)"
        causes.insert(0, measured)
    return causes
