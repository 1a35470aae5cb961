"""`curta train`: trains a small GPT on real text and keeps the books while it does."""

from __future__ import annotations

import json
import shlex
import signal
import sys
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from types import FrameType
from typing import Any

import curta
from curta.cli import output
from curta.cli.accounted import accounted_step
from curta.cli.checkpoint import pack
from curta.cli.display import Display, make_display, mebibytes, quantity
from curta.cli.options import TrainOptions
from curta.cli.output import RunDirectory
from curta.cli.plot import loss_plot
from curta.cli.problems import bad_input
from curta.cli.report import report_page, run_of
from curta.cli.trainer import Report, Trainer
from curta.costs import processor
from curta.costs.peak import Peak
from curta.costs.rates import verdict
from curta.data import Corpus, default_text, read_bytes
from curta.errors import ImplausibleRateWarning
from curta.models.gpt import GPTConfig
from curta.report.step import Step

SAMPLE_PROMPT = "The "
SAMPLE_BYTES = 300
INTERRUPTED = 130


class StopRequest:
    """Whether Ctrl-C was pressed: the first one ends the run after its step, the second one ends it at once."""

    def __init__(self) -> None:
        self.asked = False

    def _on_signal(self, number: int, frame: FrameType | None) -> None:
        if self.asked:
            raise KeyboardInterrupt
        self.asked = True

    @contextmanager
    def listening(self) -> Iterator[None]:
        """Take Ctrl-C over from Python inside the block."""
        if threading.current_thread() is not threading.main_thread():
            yield  # Python lets no other thread change what a signal does
            return
        before = signal.signal(signal.SIGINT, self._on_signal)
        try:
            yield
        finally:
            signal.signal(signal.SIGINT, before)


def train(options: TrainOptions) -> int:
    """Train as `options` say and return the exit code: 0, or 130 if Ctrl-C ended it early.

    Raises `CommandError` for bad input, before anything is written.
    """
    with bad_input():
        config = GPTConfig(width=options.width, layers=options.layers, heads=options.heads, context=options.context)
        name, text = read_text(options)
        corpus = Corpus.split(text)
        corpus.require_context(options.context, name)
    display = make_display(options.steps)
    wanted = options.output or output.default_directory()
    with RunDirectory(wanted, options.overwrite) as directory, _rates_that_cannot_be(display) as told:
        if options.threads is not None:
            curta.set_num_threads(options.threads)
        display.line(
            f"data     {name}: {len(text):,} bytes, "
            f"{len(corpus.training):,} to train on and {len(corpus.validation):,} to validate"
        )
        peak = _peak(options.dtype, display)
        step = _account(options, config, corpus, peak, display) if options.report else None
        curta.memory.reset_peak()  # what came before is not the run's
        trainer = Trainer(options, config, corpus, peak)
        _introduce(display, options, trainer, peak, directory)
        return _run(trainer, display, directory, name, step, told)


def _peak(dtype: str, display: Display) -> Peak:
    """The machine's peak in a format, and a word of it where it is measured first."""
    if processor.kept(f"matmul in {dtype}") is None:
        display.status(f"measuring the machine's matmul peak in {dtype} …")
    return curta.peak("cpu", dtype)


def _account(options: TrainOptions, config: GPTConfig, corpus: Corpus, peak: Peak, display: Display) -> Step:
    """One step for the report, and what the machine can do in each of its formats."""
    # losses, norms and the optimizer work in float32 whatever the model's format
    peaks = {options.dtype: peak, "float32": peak if options.dtype == "float32" else _peak("float32", display)}
    display.status("accounting for one step, operator by operator …")
    return accounted_step(options, config, corpus, peaks)


@contextmanager
def _rates_that_cannot_be(display: Display) -> Iterator[list[str]]:
    """Inside, the meter's warnings are lines of the run's own, which Python's would tear apart; gives them as told."""
    told: list[str] = []
    with warnings.catch_warnings():
        others = warnings.showwarning

        def show(message: Warning | str, category: type[Warning], *place: Any, **more: Any) -> None:
            if issubclass(category, ImplausibleRateWarning):
                display.line(f"warning  {message}")
                told.append(str(message))
            else:
                others(message, category, *place, **more)

        warnings.showwarning = show
        yield told


def read_text(options: TrainOptions) -> tuple[str, bytes]:
    """The name and the bytes of what is trained on; raises the errors of `read_bytes`."""
    if options.data is None:
        return "CPython's documentation topics", default_text()
    return str(options.data), read_bytes(options.data)


def _introduce(display: Display, options: TrainOptions, trainer: Trainer, peak: Peak, directory: RunDirectory) -> None:
    parameters = sum(parameter.numel() for parameter in trainer.model.parameters())
    display.line(
        f"model    {options.layers} layers × {options.width} wide, {options.heads} heads, "
        f"context {options.context}: {parameters:,} parameters in {options.dtype}"
    )
    display.line(
        f"recipe   AdamW, batch {options.batch}, {options.steps} steps, "
        f"learning rate {options.learning_rate:g}, seed {options.seed}"
    )
    display.line(
        f"machine  matmul peak {quantity(peak.flops_per_second, 'FLOP/s')} in {options.dtype} (100% MFU), {peak.source}"
    )
    for note in peak.notes:
        display.line(f"         {note}")
    display.line(f"output   {directory.path}")
    display.line()


def _run(
    trainer: Trainer, display: Display, directory: RunDirectory, data_name: str, step: Step | None, told: list[str]
) -> int:
    reports: list[Report] = []
    stop = StopRequest()

    def on_report(report: Report) -> None:
        reports.append(report)
        directory.add_metrics(json.dumps(asdict(report)))
        display.report(report)

    def on_step(step: int, loss: float) -> None:
        display.step(step, loss)
        if stop.asked:
            raise StopIteration

    with stop.listening():
        with display:
            trainer.run(on_step, on_report)
        # From here on Ctrl-C no longer ends anything early: what is left takes seconds, and is what the run was for.
        kept = _keep(trainer, directory, reports, data_name, step, told)
        if stop.asked and trainer.step < trainer.options.steps:
            _say_stopped(trainer, directory, kept)
            return INTERRUPTED
        _conclude(display, trainer, directory, reports, kept)
    return 0


def _keep(
    trainer: Trainer, directory: RunDirectory, reports: list[Report], data_name: str, step: Step | None, told: list[str]
) -> list[str]:
    """Write the weights, the plot, the metrics and the report, each in one piece; gives their names."""
    options, last = trainer.options, reports[-1]
    training: dict[str, Any] = asdict(options) | {
        "data": data_name,
        "output": str(directory.path),
        "steps_done": trainer.step,
        "validation_loss": last.validation_loss,
        "curta": curta.__version__,
    }
    directory.write(output.WEIGHTS, pack(trainer.weights(), trainer.model.config, training))
    title = f"GPT, {options.layers} layers × {options.width} wide, on {data_name}"
    subtitle = (
        f"{options.dtype}, batch {options.batch} × {options.context} bytes, "
        f"learning rate {options.learning_rate:g}, seed {options.seed}"
    )
    directory.write(output.PLOT, loss_plot(reports, title, subtitle))
    directory.finish_metrics()
    kept = [output.WEIGHTS, output.METRICS, output.PLOT]
    if step is None:
        directory.remove(output.REPORT)  # of an earlier run, which this one has replaced
        return kept
    page = report_page(run_of(trainer, reports, title, data_name, told), step)
    directory.write(output.REPORT, page.encode())
    return [*kept, output.REPORT]


def _say_stopped(trainer: Trainer, directory: RunDirectory, kept: list[str]) -> None:
    print(
        f"curta train: stopped by Ctrl-C after step {trainer.step} of {trainer.options.steps}; kept in "
        f"{directory.path}: {', '.join(kept)}",
        file=sys.stderr,
    )


def _conclude(
    display: Display, trainer: Trainer, directory: RunDirectory, reports: list[Report], kept: list[str]
) -> None:
    first, last = reports[0], reports[-1]
    seconds, rates = trainer.meter.seconds, trainer.meter.rates()
    tokens = trainer.step * trainer.options.batch * trainer.options.context
    display.line()
    display.line(f"validation loss {last.validation_loss:.4f} nats a byte (it began at {first.validation_loss:.4f})")
    display.line(
        f"{tokens:,} tokens in {seconds:.1f} s of training, {quantity(rates.tokens_per_second, 'tokens/s')} after the "
        f"first {rates.left_out} steps; memory peak {mebibytes(last.memory_peak_bytes)}, "
        f"process {mebibytes(last.resident_bytes)}"
    )
    if rates.mfu is not None:
        display.line(
            f"{quantity(rates.flops_per_second, 'FLOP/s')} of the measured matmul peak of "
            f"{quantity(trainer.peak.flops_per_second, 'FLOP/s')}: MFU {100 * rates.mfu:.1f}%, {verdict(rates.mfu)} "
            f"(with the optimizer {quantity(rates.all_flops_per_second, 'FLOP/s')})"
        )
    display.line()
    display.line(f"A sample, from {SAMPLE_PROMPT!r} on:")
    text = trainer.model.generate(SAMPLE_PROMPT.encode(), SAMPLE_BYTES, seed=trainer.options.seed)
    for row in text.decode("utf-8", "replace").splitlines():
        display.line(f"  {row}")
    display.line()
    display.line(f"{directory.path} has {', '.join(kept[:-1])} and {kept[-1]}. Continue from them:")
    display.line(f"  curta sample {shlex.quote(str(directory.path))} --prompt {shlex.quote('The ')}")
