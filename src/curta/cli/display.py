"""How a training run is shown: a live table in a terminal, one plain line per report anywhere else."""

from __future__ import annotations

import sys
from types import TracebackType
from typing import Protocol

from rich.console import Console, Group
from rich.live import Live
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from rich.table import Table
from rich.text import Text

from curta.cli.trainer import Report
from curta.costs import units

SHOWN_ROWS = 24  # what a common terminal holds; older reports are in metrics.jsonl


def quantity(value: float | None, unit: str) -> str:
    """`value` with three significant digits and a decimal prefix.

    >>> quantity(61.34e9, "FLOP/s"), quantity(812.0, "tokens/s"), quantity(None, "FLOP/s")
    ('61.3 GFLOP/s', '812 tokens/s', '-')
    """
    return "-" if value is None else units.quantity(value, unit)


def mebibytes(count: int) -> str:
    """`count` bytes in MiB, or in GiB from 10 GiB on.

    >>> mebibytes(82 * 2**20)
    '82.0 MiB'
    """
    return f"{count / 2**30:.2f} GiB" if count >= 10 * 2**30 else f"{count / 2**20:.1f} MiB"


def _number(value: float | None, digits: int) -> str:
    return "-" if value is None else f"{value:.{digits}f}"


def plain_line(report: Report, steps: int) -> str:
    """One report as one line."""
    parts = [
        f"step {report.step:>{len(str(steps))}}/{steps}",
        f"loss {_number(report.training_loss, 4)}",
        f"validation {report.validation_loss:.4f}",
        f"lr {report.learning_rate:.2e}",
        quantity(report.tokens_per_second, "tokens/s"),
        quantity(report.model_flops_per_second, "FLOP/s"),
        f"MFU {_percent(report.mfu)}",
        f"memory {mebibytes(report.memory_peak_bytes)} peak, {mebibytes(report.resident_bytes)} resident",
        f"{report.training_seconds:.1f} s",
    ]
    return "  ".join(parts)


def _percent(fraction: float | None) -> str:
    return "-" if fraction is None else f"{100 * fraction:.1f}%"


def printable(text: str) -> str:
    """`text` with control characters (a model may write any byte) replaced, lines and tabs kept.

    >>> printable("a\\x1b[2Jb")
    'a\ufffd[2Jb'
    """
    return "".join(c if c.isprintable() or c in "\n\t" else "\ufffd" for c in text)


class Display(Protocol):
    """What a training run tells of itself; a context manager around the training loop."""

    def __enter__(self) -> Display:
        """Begin to show."""

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Leave the last state on the screen."""

    def line(self, text: str = "") -> None:
        """Show one line of text."""

    def status(self, text: str) -> None:
        """Show what is being done, where that is of use."""

    def step(self, step: int, loss: float) -> None:
        """One update is done."""

    def report(self, report: Report) -> None:
        """One report is due."""


class PlainDisplay:
    """Plain lines on standard output, each written at once, for files and pipes."""

    def __init__(self, steps: int) -> None:
        self.steps = steps

    def __enter__(self) -> PlainDisplay:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        pass

    def line(self, text: str = "") -> None:
        """Print `text`, with control characters and what the output's encoding lacks replaced."""
        text = printable(text)
        encoding = sys.stdout.encoding or "utf-8"
        print(text.encode(encoding, "replace").decode(encoding), flush=True)

    def status(self, text: str) -> None:
        """Nothing: a log has no use for it."""

    def step(self, step: int, loss: float) -> None:
        """Nothing: a log has one line per report."""

    def report(self, report: Report) -> None:
        """Print the report in one line."""
        self.line(plain_line(report, self.steps))


class LiveDisplay:
    """A table of reports that grows while the run goes on, above a progress bar."""

    COLUMNS = ("step", "loss", "validation", "lr", "tokens/s", "FLOP/s", "MFU", "memory (peak)", "resident")

    def __init__(self, steps: int, console: Console) -> None:
        self.console = console
        self.steps = steps
        self.rows: list[tuple[str, ...]] = []
        # Narrower than the terminal: at its edge the ^C that a terminal echoes would wrap and leave a stray line.
        self.progress = Progress(
            TextColumn("[bold]training"),
            BarColumn(bar_width=32),
            MofNCompleteColumn(),
            TextColumn("loss {task.fields[loss]}"),
            TimeElapsedColumn(),
            TextColumn("left"),
            TimeRemainingColumn(),
            console=console,
        )
        self.task = self.progress.add_task("training", total=steps, loss="-")
        self.live = Live(console=console, refresh_per_second=4, get_renderable=self._render, transient=False)

    def _render(self) -> Group:
        table = Table(box=None, header_style="bold", pad_edge=False, expand=False)
        for name in self.COLUMNS:
            table.add_column(name, justify="right", no_wrap=True)
        rows = max(3, min(SHOWN_ROWS, self.console.size.height - 6))
        for row in self.rows[-rows:]:
            table.add_row(*row)
        return Group(table, self.progress)

    def __enter__(self) -> LiveDisplay:
        self.live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.live.stop()

    def line(self, text: str = "") -> None:
        """Print `text` above the live part."""
        self.console.print(Text(text), soft_wrap=True)

    def status(self, text: str) -> None:
        """Print what is being done, dimmed."""
        self.console.print(Text(text, style="dim"), soft_wrap=True)

    def step(self, step: int, loss: float) -> None:
        """Move the bar."""
        self.progress.update(self.task, completed=step, loss=f"{loss:.3f}")

    def report(self, report: Report) -> None:
        """Add a row to the table."""
        self.rows.append(
            (
                str(report.step),
                _number(report.training_loss, 4),
                f"{report.validation_loss:.4f}",
                f"{report.learning_rate:.2e}",
                quantity(report.tokens_per_second, "").strip(),
                quantity(report.model_flops_per_second, ""),
                _percent(report.mfu),
                mebibytes(report.memory_peak_bytes),
                mebibytes(report.resident_bytes),
            )
        )


def make_display(steps: int) -> Display:
    """A live table if standard output is a terminal that can redraw, else plain lines."""
    console = Console(highlight=False, markup=False)
    if console.is_terminal and not console.is_dumb_terminal:
        return LiveDisplay(steps, console)
    return PlainDisplay(steps)
