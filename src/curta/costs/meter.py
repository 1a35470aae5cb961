"""`curta.Meter`: times steps of known work, and says what share of the machine they used."""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any

from curta.costs import plausible
from curta.costs.peak import Peak
from curta.costs.rates import Rates, table
from curta.errors import ArgumentError, ArgumentTypeError
from curta.memory import stats


@dataclass(frozen=True, slots=True)
class Work:
    """What one step does. What was not said is None.

    `flops` are the model's, the numerator of MFU; `hardware_flops` those with what is computed again, the numerator of
    HFU; `all_flops` those of every operator; `nbytes` are read and written.
    """

    flops: float | None = None
    tokens: float | None = None
    hardware_flops: float | None = None
    all_flops: float | None = None
    nbytes: float | None = None
    conventions: dict[str, int] = field(default_factory=dict)


class Meter:
    """Times steps, and gives tokens/s, FLOP/s, MFU and HFU of them; printed, it is a table.

    `flops` are the model FLOPs of one step (forward and backward, nothing recomputed), `hardware_flops` the same with
    what is computed again, `tokens` its tokens; `books` has any of `model_flops`, `hardware_flops`, `flops`,
    `bytes_read`, `bytes_written` and `flops_by_convention()`, as `curta.account` and a program's account do, for one
    step. All may be given with each step instead. `peak` is a `curta.Peak`, or FLOP/s. The first `warm_up` steps, which
    compile and fill caches, are timed and left out. `clock` gives seconds, and is read at both ends of a step.

    MFU (Chowdhery et al., PaLM, 2022, appendix B) is model FLOPs over seconds and the peak; HFU the same with hardware
    FLOPs. Where either is above 1, or bytes move faster than the peak's bandwidth, an `ImplausibleRateWarning` says
    what is likely to be wrong. ArgumentError for work that is negative, ArgumentTypeError for what is no number.

    >>> ticks = iter(range(100))
    >>> meter = Meter(flops=30e9, tokens=512, peak=Peak(100e9, "float32"), warm_up=1, clock=lambda: next(ticks))
    >>> for _ in range(3):
    ...     with meter.step():
    ...         pass
    >>> meter.tokens_per_second, meter.mfu
    (512.0, 0.3)
    """

    def __init__(
        self,
        flops: float | None = None,
        tokens: float | None = None,
        peak: Peak | float | None = None,
        *,
        hardware_flops: float | None = None,
        books: Any = None,
        warm_up: int = 2,
        clock: Callable[[], float] = time.perf_counter,
    ) -> None:
        if isinstance(warm_up, bool) or not isinstance(warm_up, int):
            raise ArgumentTypeError(f"Meter: warm_up must be an int, got {type(warm_up).__name__}")
        if warm_up < 0:
            raise ArgumentError(f"Meter: warm_up must not be negative, got {warm_up}")
        self.peak = peak if peak is None or isinstance(peak, Peak) else Peak(peak)
        self.warm_up = warm_up
        self._work = _work(Work(), flops, tokens, hardware_flops, books)
        self._clock = clock
        self._steps: list[tuple[float, Work]] = []
        self._memory = 0
        self._running = False
        self._warned: set[str] = set()

    @contextmanager
    def step(
        self,
        *,
        flops: float | None = None,
        tokens: float | None = None,
        hardware_flops: float | None = None,
        books: Any = None,
    ) -> Iterator[Meter]:
        """Time what is inside as one step; what is given here is this step's work in place of the meter's.

        `books` are read at the end, so an account that was opened for the step will do. A step that raises is not
        counted. ArgumentError for a step inside a step, and for one that takes no time.
        """
        if self._running:
            raise ArgumentError("Meter.step: the step before has not ended")
        self._running = True
        start = self._clock()
        try:
            yield self
            seconds = self._clock() - start
        finally:
            self._running = False
        self.add(seconds, flops=flops, tokens=tokens, hardware_flops=hardware_flops, books=books)

    def add(
        self,
        seconds: float,
        *,
        flops: float | None = None,
        tokens: float | None = None,
        hardware_flops: float | None = None,
        books: Any = None,
    ) -> None:
        """Count a step that was timed elsewhere; ArgumentError unless it took time.

        >>> meter = Meter(flops=8e9, warm_up=0)
        >>> meter.add(0.5)
        >>> meter.flops_per_second
        16000000000.0
        """
        if not seconds > 0 or seconds == float("inf"):
            raise ArgumentError(f"Meter: a step must take time, and the clock says {seconds} seconds")
        work = _work(self._work, flops, tokens, hardware_flops, books)
        if self._steps and self._steps[-1][1] == work:
            work = self._steps[-1][1]  # one object for a million equal steps
        self._steps.append((float(seconds), work))
        self._memory = max(self._memory, stats()["peak_bytes"])

    def __len__(self) -> int:
        """The number of steps, those left out included."""
        return len(self._steps)

    @property
    def seconds(self) -> float:
        """The seconds of all steps together, those left out included."""
        return sum(seconds for seconds, _ in self._steps)

    def rates(self, first: int = 0) -> Rates:
        """The rates of the steps from number `first` (0, the very first) on, without the warm-up steps among them."""
        steps = self._steps[max(first, self.warm_up) :]
        seconds = [time_taken for time_taken, _ in steps]
        works = [work for _, work in steps]
        found = Rates(
            steps=len(steps),
            left_out=max(0, min(self.warm_up, len(self._steps)) - first),
            seconds=sum(seconds),
            seconds_per_step=_median(seconds) if seconds else None,
            mean_seconds_per_step=sum(seconds) / len(seconds) if seconds else None,
            tokens_per_second=_rate(seconds, [work.tokens for work in works]),
            flops_per_second=_rate(seconds, [work.flops for work in works]),
            hardware_flops_per_second=_rate(seconds, [work.hardware_flops for work in works]),
            all_flops_per_second=_rate(seconds, [work.all_flops for work in works]),
            bytes_per_second=_rate(seconds, [work.nbytes for work in works]),
            memory_peak_bytes=self._memory,
            peak=self.peak,
        )
        for kind, text in plausible.complaints(found):
            if kind not in self._warned:
                self._warned.add(kind)
                warnings.warn(text, plausible.ImplausibleRateWarning, stacklevel=2)
        return found

    @property
    def tokens_per_second(self) -> float | None:
        """Tokens a second; None before a measured step, and where no tokens were given."""
        return self.rates().tokens_per_second

    @property
    def flops_per_second(self) -> float | None:
        """Model FLOP/s achieved; None before a measured step, and where no FLOPs were given."""
        return self.rates().flops_per_second

    @property
    def seconds_per_step(self) -> float | None:
        """The median of the steps' seconds; None before a measured step. `rates()` has the mean too."""
        return self.rates().seconds_per_step

    @property
    def mfu(self) -> float | None:
        """Model FLOPs utilisation: model FLOP/s over the peak; None where one of them is not known."""
        return self.rates().mfu

    @property
    def hfu(self) -> float | None:
        """Hardware FLOPs utilisation: FLOP/s with what is computed again, over the peak; None where not known."""
        return self.rates().hfu

    def mfu_by_convention(self) -> dict[str, float]:
        """The MFU that each way of counting a step's FLOPs comes to, side by side: the same seconds, the same peak.

        ArgumentError without a peak, before a measured step, and where a step's books do not count by convention.
        """
        steps = self._steps[self.warm_up :]
        if self.peak is None:
            raise ArgumentError("Meter.mfu_by_convention: the meter was given no peak")
        if not steps:
            raise ArgumentError(f"Meter.mfu_by_convention: no step after the {self.warm_up} that are left out")
        names = steps[0][1].conventions
        if not names or any(set(work.conventions) != set(names) for _, work in steps):
            raise ArgumentError("Meter.mfu_by_convention: needs books with flops_by_convention() for each step")
        possible = sum(seconds for seconds, _ in steps) * self.peak.flops_per_second
        return {name: sum(work.conventions[name] for _, work in steps) / possible for name in names}

    def __str__(self) -> str:
        conventions = {}
        steps = self._steps[self.warm_up :]
        if self.peak is not None and steps and all(work.conventions for _, work in steps):
            conventions = self.mfu_by_convention()
        return table(self.rates(), conventions)

    def __repr__(self) -> str:
        return f"<Meter of {len(self)} steps, the first {min(self.warm_up, len(self))} left out>"


def _median(seconds: list[float]) -> float:
    """The middle one, or the mean of the two in the middle."""
    ordered, middle = sorted(seconds), len(seconds) // 2
    return ordered[middle] if len(seconds) % 2 else (ordered[middle - 1] + ordered[middle]) / 2


def _rate(seconds: list[float], amounts: list[float | None]) -> float | None:
    """What is done a second; None where no step was timed, or the work of one of them is not known."""
    known = [amount for amount in amounts if amount is not None]
    return sum(known) / sum(seconds) if seconds and len(known) == len(amounts) else None


def _work(before: Work, flops: float | None, tokens: float | None, hardware_flops: float | None, books: Any) -> Work:
    """`before`, with what else is given in place of its own; a number given by itself goes before the books'."""
    if books is not None:
        read, written = getattr(books, "bytes_read", None), getattr(books, "bytes_written", None)
        by_convention = getattr(books, "flops_by_convention", None)
        before = Work(
            flops=getattr(books, "model_flops", None),
            tokens=before.tokens,
            hardware_flops=getattr(books, "hardware_flops", None),
            all_flops=getattr(books, "flops", None),
            nbytes=None if read is None or written is None else read + written,
            conventions=dict(by_convention()) if callable(by_convention) else {},
        )
    return replace(
        before,
        flops=_amount("flops", flops, before.flops),
        tokens=_amount("tokens", tokens, before.tokens),
        hardware_flops=_amount("hardware_flops", hardware_flops, before.hardware_flops),
    )


def _amount(name: str, value: float | None, otherwise: float | None) -> float | None:
    if value is None:
        return otherwise
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ArgumentTypeError(f"Meter: {name} must be a number, got {type(value).__name__}")
    if not 0 <= value < float("inf"):
        raise ArgumentError(f"Meter: {name} must not be negative or infinite, got {value}")
    return value
