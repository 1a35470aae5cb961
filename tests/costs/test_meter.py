"""The meter under a clock that is known: rates worked out by hand, and warnings of what cannot be."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import pytest

import curta
from curta.costs.rates import verdict
from curta.errors import ArgumentError, ArgumentTypeError, CurtaWarning, ImplausibleRateWarning


class Clock:
    """Seconds that pass only when a step says so."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


class Books:
    """What `Meter` reads of an account."""

    model_flops, hardware_flops, flops = 600, 800, 1000
    bytes_read, bytes_written = 300, 100

    def flops_by_convention(self) -> dict[str, int]:
        return {"executed": 600, "full attention": 700, "6ND": 540}


def steps(meter: curta.Meter, clock: Clock, *seconds: float, **work: Any) -> None:
    for one in seconds:
        with meter.step(**work):
            clock.now += one


def made(clock: Clock, **options: Any) -> curta.Meter:
    return curta.Meter(clock=clock, **({"warm_up": 0, "peak": curta.Peak(1000.0, "float32")} | options))


def test_rates_by_hand() -> None:
    clock = Clock()
    meter = curta.Meter(flops=600, tokens=50, peak=1000.0, hardware_flops=800, clock=clock)
    steps(meter, clock, 60.0, 30.0, 1.0, 2.0, 3.0)
    # the first two are left out: 3 steps in 6 seconds
    assert meter.tokens_per_second == 25.0
    assert meter.flops_per_second == 300.0
    assert meter.mfu == 0.3
    assert meter.hfu == 0.4
    assert meter.seconds_per_step == 2.0
    assert len(meter) == 5
    assert meter.seconds == 96.0
    rates = meter.rates()
    assert (rates.steps, rates.left_out, rates.seconds) == (3, 2, 6.0)
    assert (rates.seconds_per_step, rates.mean_seconds_per_step) == (2.0, 2.0)


def test_the_median_is_not_the_mean() -> None:
    clock = Clock()
    meter = made(clock, flops=10)
    steps(meter, clock, 1.0, 1.0, 2.0, 12.0)
    rates = meter.rates()
    assert (rates.seconds_per_step, rates.mean_seconds_per_step) == (1.5, 4.0)
    assert meter.flops_per_second == 2.5  # work over time, not a mean of rates


def test_rates_from_a_step_on_leave_the_warm_up_out() -> None:
    clock = Clock()
    meter = made(clock, flops=100, warm_up=2)
    steps(meter, clock, 50.0, 50.0, 1.0, 3.0)
    assert (meter.rates(first=1).steps, meter.rates(first=1).left_out) == (2, 1)
    assert meter.rates(first=3).flops_per_second == pytest.approx(100 / 3)
    assert (meter.rates(first=3).steps, meter.rates(first=3).left_out) == (1, 0)
    assert meter.rates(first=4).flops_per_second is None


def test_before_a_measured_step_nothing_is_known() -> None:
    clock = Clock()
    meter = made(clock, flops=1, tokens=1, warm_up=2)
    steps(meter, clock, 1.0)
    for name in ("tokens_per_second", "flops_per_second", "seconds_per_step", "mfu", "hfu"):
        assert getattr(meter, name) is None
    assert "0 steps in 0 s; the first 1, which warm up, left out" in str(meter)
    assert repr(meter) == "<Meter of 1 steps, the first 1 left out>"


def test_books_say_what_a_step_does() -> None:
    clock = Clock()
    meter = made(clock, books=Books(), tokens=8)
    steps(meter, clock, 2.0)
    rates = meter.rates()
    assert (rates.flops_per_second, rates.hardware_flops_per_second, rates.all_flops_per_second) == (300, 400, 500)
    assert (rates.bytes_per_second, rates.tokens_per_second) == (200.0, 4.0)
    assert (rates.mfu, rates.hfu) == (0.3, 0.4)


def test_an_account_of_the_step_is_read_at_its_end() -> None:
    clock = Clock()
    meter = made(clock, peak=curta.Peak(1e6))
    a, b = curta.ones(2, 3), curta.ones(3, 4)
    for _ in range(2):
        with curta.account() as books, meter.step(books=books):
            a @ b
            clock.now += 1.0
    assert meter.flops_per_second == 2 * 2 * 3 * 4
    assert meter.mfu == 48e-6


def test_a_step_may_do_other_work_than_the_rest() -> None:
    clock = Clock()
    meter = made(clock, flops=100, tokens=10)
    steps(meter, clock, 1.0)
    steps(meter, clock, 1.0, flops=300, tokens=30)
    assert (meter.flops_per_second, meter.tokens_per_second) == (200.0, 20.0)


def test_work_that_one_step_lacks_has_no_rate() -> None:
    clock = Clock()
    meter = made(clock)
    steps(meter, clock, 1.0, flops=100)
    steps(meter, clock, 1.0)
    assert meter.flops_per_second is None


def test_a_step_that_raises_does_not_count() -> None:
    clock = Clock()
    meter = made(clock, flops=1)
    with pytest.raises(KeyError), meter.step():
        raise KeyError("the model's own")
    assert len(meter) == 0
    steps(meter, clock, 1.0)
    assert len(meter) == 1


def test_without_a_peak_there_is_no_mfu() -> None:
    clock = Clock()
    meter = made(clock, peak=None, flops=100)
    steps(meter, clock, 1.0)
    assert (meter.flops_per_second, meter.mfu, meter.hfu) == (100.0, None, None)
    assert "none was given, so no MFU" in str(meter)


def test_conventions_side_by_side() -> None:
    clock = Clock()
    meter = made(clock, books=Books())
    steps(meter, clock, 1.0, 3.0)
    # 2 steps in 4 seconds of a peak of 1000: 4000 possible
    assert meter.mfu_by_convention() == {"executed": 0.3, "full attention": 0.35, "6ND": 0.27}
    lines = str(meter).splitlines()
    assert [line for line in lines if line.startswith("MFU, ")] == [
        "MFU, executed        30.0%",
        "MFU, full attention  35.0%",
        "MFU, 6ND             27.0%",
    ]


def test_the_table_by_hand() -> None:
    clock = Clock()
    peak = curta.Peak(1000.0, "float32", 4000.0, name="mine")
    meter = curta.Meter(books=Books(), tokens=8, peak=peak, warm_up=1, clock=clock)
    steps(meter, clock, 9.0, 1.0, 1.0, 1.0)
    text = str(meter)
    lines = dict(line.split("  ", 1) for line in text.splitlines())
    found = {name: value.strip() for name, value in lines.items()}
    del found["memory"]
    assert found == {
        "measured": "3 steps in 3 s; the first 1, which warm up, left out",
        "a step": "1 s (median), 1 s (mean)",
        "tokens": "8 tokens/s",
        "model FLOPs": "600 FLOP/s",
        "hardware FLOPs": "800 FLOP/s",
        "all FLOPs": "1 kFLOP/s",
        "bytes": "400 B/s, 10.0% of the bandwidth",
        "MFU": "60.0%, good: half of the peak or more",
        "HFU": "80.0%, with what is computed again",
        "peak": "mine: 1 kFLOP/s in float32, 4 kB/s; given by hand",
        "MFU, executed": "60.0%",
        "MFU, full attention": "70.0%",
        "MFU, 6ND": "54.0%",
    }


@pytest.mark.parametrize(("mfu", "good"), [(0.49, False), (0.5, True), (0.7, True)])
def test_half_of_the_peak_is_good(mfu: float, good: bool) -> None:
    assert verdict(mfu).startswith("good") is good


def test_memory_is_what_tensors_used_at_most() -> None:
    clock = Clock()
    meter = made(clock)
    curta.memory.reset_peak()
    with meter.step():
        held = curta.ones(1 << 18)
        clock.now += 1.0
    assert meter.rates().memory_peak_bytes >= held.numel() * 4
    assert meter.rates().memory_peak_bytes == curta.memory.stats()["peak_bytes"]


def warning_of(act: Callable[[], object]) -> str:
    with pytest.warns(ImplausibleRateWarning) as caught:
        act()
    assert len(caught) == 1
    assert issubclass(ImplausibleRateWarning, CurtaWarning)
    return str(caught[0].message)


DTYPE = (
    "the products ran in another format than the peak's (float32): half formats are faster than float32, and tf32 is "
    "not float32"
)
CLOCK = "the clock stopped before the work was done (wait for the device at the end of a step)"


def test_an_mfu_above_one_is_warned_of_once() -> None:
    clock = Clock()
    meter = made(clock, flops=1500)
    steps(meter, clock, 1.0)
    text = warning_of(lambda: meter.mfu)
    assert text == (
        f"MFU is 1.5, and cannot be above 1. Likely: {DTYPE}; or the FLOPs are not those of one step (of several, or a "
        f"multiply-add counted as more than 2); or {CLOCK}; or the work was done with sparsity, or counted with it, "
        "while the peak is of dense matrices; or the peak is not this device's (a device given by hand, 1 kFLOP/s; "
        "given by hand)"
    )
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert meter.mfu == 1.5


def test_far_above_one_the_clock_is_suspected_first() -> None:
    clock = Clock()
    meter = made(clock, flops=9000)
    steps(meter, clock, 1.0)
    assert warning_of(lambda: str(meter)).startswith(f"MFU is 9, and cannot be above 1. Likely: {CLOCK}; or ")


def test_a_measured_peak_may_be_too_low() -> None:
    clock = Clock()
    meter = made(clock, flops=1100, peak=curta.Peak(1000.0, "float32", scope="machine"))
    steps(meter, clock, 1.0)
    assert "Likely: the peak was measured while the processor was slower or busy (curta doctor --measure); or" in (
        warning_of(lambda: meter.rates())
    )


def test_an_hfu_above_one_is_warned_of() -> None:
    clock = Clock()
    meter = made(clock, flops=900, hardware_flops=1200)
    steps(meter, clock, 1.0)
    assert warning_of(lambda: meter.hfu).startswith("HFU is 1.2, and cannot be above 1. Likely: ")


def test_bytes_faster_than_memory_are_warned_of() -> None:
    clock = Clock()
    meter = made(clock, books=Books(), peak=curta.Peak(1e6, "float32", 200.0, name="mine"))
    steps(meter, clock, 1.0)
    assert warning_of(lambda: meter.rates()) == (
        "bytes move at 2 times the bandwidth of mine. Likely: they stay in its caches, since books count what "
        "operators read and write, from wherever it comes; or the clock stopped before the work was done; or the "
        "books are of more than one step; or the bandwidth is another device's"
    )


def test_at_the_limits_there_is_no_warning() -> None:
    clock = Clock()
    meter = made(clock, books=Books(), peak=curta.Peak(800.0, "float32", 400.0))
    steps(meter, clock, 1.0)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert meter.hfu == 1.0


def stopped(clock: Clock) -> None:
    steps(made(clock), clock, 0.0)


def nested(clock: Clock) -> None:
    meter = made(clock)
    with meter.step(), meter.step():
        pass


@pytest.mark.parametrize(
    ("act", "error", "message"),
    [
        (stopped, ArgumentError, "Meter: a step must take time, and the clock says 0.0 seconds"),
        (lambda clock: made(clock).add(-1), ArgumentError,
         "Meter: a step must take time, and the clock says -1 seconds"),
        (lambda clock: made(clock).add(float("nan")), ArgumentError,
         "Meter: a step must take time, and the clock says nan seconds"),
        (nested, ArgumentError, "Meter.step: the step before has not ended"),
        (lambda clock: made(clock, warm_up=-1), ArgumentError, "Meter: warm_up must not be negative, got -1"),
        (lambda clock: made(clock, warm_up=1.5), ArgumentTypeError, "Meter: warm_up must be an int, got float"),
        (lambda clock: made(clock, flops="many"), ArgumentTypeError, "Meter: flops must be a number, got str"),
        (lambda clock: made(clock, tokens=-1), ArgumentError, "Meter: tokens must not be negative or infinite, got -1"),
        (lambda clock: made(clock, hardware_flops=float("nan")), ArgumentError,
         "Meter: hardware_flops must not be negative or infinite, got nan"),
        (lambda clock: made(clock, peak=-1.0), ArgumentError,
         "Peak: flops_per_second must be positive and finite, got -1.0"),
        (lambda clock: made(clock, peak=None).mfu_by_convention(), ArgumentError,
         "Meter.mfu_by_convention: the meter was given no peak"),
        (lambda clock: made(clock, warm_up=2).mfu_by_convention(), ArgumentError,
         "Meter.mfu_by_convention: no step after the 2 that are left out"),
    ],
)  # fmt: skip
def test_refused(act: Callable[[Clock], object], error: type[Exception], message: str) -> None:
    with pytest.raises(error) as caught:
        act(Clock())
    assert type(caught.value) is error
    assert str(caught.value) == message


def test_conventions_need_books_that_count_by_them() -> None:
    clock = Clock()
    meter = made(clock, flops=1)
    steps(meter, clock, 1.0)
    with pytest.raises(ArgumentError) as caught:
        meter.mfu_by_convention()
    assert str(caught.value) == "Meter.mfu_by_convention: needs books with flops_by_convention() for each step"


def test_equal_steps_take_no_memory_each() -> None:
    clock = Clock()
    meter = made(clock, books=Books())
    steps(meter, clock, 1.0, 1.0, books=Books())
    assert meter._steps[0][1] is meter._steps[1][1]
