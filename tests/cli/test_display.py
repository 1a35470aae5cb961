"""What a run shows: numbers with their units, plain lines, and the live table."""

from __future__ import annotations

import io
import itertools

import pytest
from rich.console import Console

from curta.cli.display import LiveDisplay, PlainDisplay, make_display, mebibytes, plain_line, quantity
from curta.cli.plot import loss_plot
from curta.cli.trainer import Report, learning_rate_at


def report(step: int, **changes: object) -> Report:
    values: dict[str, object] = {
        "step": step, "training_loss": 2.5, "validation_loss": 2.75, "learning_rate": 1e-3, "gradient_norm": 0.5,
        "tokens_per_second": 29_000.0, "flops_per_second": 152e9, "model_flops_per_second": 150e9, "mfu": 0.468,
        "peak_flops_per_second": 320e9, "memory_current_bytes": 10 * 2**20, "memory_peak_bytes": 82 * 2**20,
        "resident_bytes": 310 * 2**20, "training_seconds": 12.34,
    }  # fmt: skip
    return Report(**(values | changes))


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (0.0, "0 F"), (7.0, "7 F"), (999.4, "999 F"), (999.9, "1 kF"), (1234.0, "1.23 kF"), (12_345.0, "12.3 kF"),
        (999_900.0, "1 MF"), (61.34e9, "61.3 GF"), (2.341e12, "2.34 TF"), (1e15, "1 PF"), (None, "-"),
    ],
)  # fmt: skip
def test_quantities_have_three_digits_and_a_prefix(value, shown):
    assert quantity(value, "F") == shown


def test_bytes_are_in_binary_units():
    assert mebibytes(1_048_576) == "1.0 MiB"
    assert mebibytes(12 * 2**30) == "12.00 GiB"


def test_a_plain_line_has_everything():
    assert plain_line(report(50), 800) == (
        "step  50/800  loss 2.5000  validation 2.7500  lr 1.00e-03  29.0 ktokens/s  150 GFLOP/s  MFU 46.8%  "
        "memory 82.0 MiB peak, 310.0 MiB resident  12.3 s"
    )


def test_before_the_first_step_there_are_no_rates():
    empty = report(
        0, training_loss=None, tokens_per_second=None, flops_per_second=None, model_flops_per_second=None, mfu=None
    )
    assert "loss -  validation 2.7500" in plain_line(empty, 800)
    assert "MFU -" in plain_line(empty, 800)


@pytest.mark.parametrize("width", [60, 80, 120, 200])
def test_the_live_table_shows_reports_and_the_bar(width):
    stream = io.StringIO()
    console = Console(file=stream, force_terminal=True, width=width, height=30, highlight=False)
    with LiveDisplay(800, console) as display:
        display.line("data [bold] is not markup")
        display.report(report(50))
        display.step(50, 2.5)
    shown = stream.getvalue()
    assert "data [bold] is not markup" in shown
    if width >= 100:
        assert all(text in shown for text in ("29.0 k", "150 G", "46.8%", "82.0 MiB", "50/800"))


def test_without_a_terminal_output_is_plain(capsys):
    assert isinstance(make_display(10), PlainDisplay)


def test_the_learning_rate_warms_up_and_follows_a_cosine():
    rates = [learning_rate_at(step, 800, 2e-3) for step in range(800)]
    assert rates[0] == pytest.approx(2e-3 / 80)
    assert max(rates) == rates[79] == rates[80] == 2e-3
    assert rates[-1] == pytest.approx(2e-4)
    # Half way down the cosine, (2e-3 + 2e-4) / 2.
    assert (rates[439] + rates[440]) / 2 == pytest.approx(1.1e-3)
    assert all(later <= earlier for earlier, later in itertools.pairwise(rates[80:]))
    assert learning_rate_at(0, 1, 1.0) == 1.0


def test_a_plot_of_a_single_report_is_drawn_too():
    assert loss_plot([report(0, training_loss=None)], "title", "subtitle").startswith(b"\x89PNG")
