"""`report.html`: a run of `curta train` as a page to look at."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from html import escape

import curta
from curta.cli.display import quantity
from curta.cli.examine import versions
from curta.cli.trainer import Report, Trainer
from curta.costs.rates import GOOD_MFU, Rates, verdict
from curta.costs.units import exact, seconds
from curta.report.bars import Bar, bar_chart
from curta.report.colours import BLUE, GREEN, RED
from curta.report.lines import Level, Series, line_chart, middles
from curta.report.page import document, facts, figures
from curta.report.sections import STYLE, memory_section, roofline_section, work_section
from curta.report.step import Step
from curta.runtime import machine


@dataclass(frozen=True)
class Run:
    """What the page is of; `compiled` says what the compiled step takes, and is empty where the run was eager.

    `warnings` are those that the run told of rates that cannot be.
    """

    title: str
    status: str
    facts: Sequence[tuple[str, str]]
    reports: Sequence[Report]
    rates: Rates
    conventions: Mapping[str, float]
    parameters: int
    compiled: str
    warnings: Sequence[str] = ()


def run_of(trainer: Trainer, reports: Sequence[Report], title: str, data: str, warnings: Sequence[str] = ()) -> Run:
    """A run that has ended, at its last step or before."""
    options, rates = trainer.options, trainer.meter.rates()
    done = trainer.step == options.steps
    status = f"{trainer.step:,} steps" if done else f"Stopped after step {trainer.step:,} of {options.steps:,}"
    parameters = sum(parameter.numel() for parameter in trainer.model.parameters())
    return Run(
        title=title,
        status=f"{status}, {seconds(trainer.meter.seconds)} of training, {date.today().isoformat()}",
        facts=_facts(trainer, parameters, data),
        reports=reports,
        rates=rates,
        conventions=trainer.meter.mfu_by_convention() if rates.steps else {},
        parameters=parameters,
        compiled="" if options.eager else _compiled(trainer),
        warnings=warnings,
    )


def _facts(trainer: Trainer, parameters: int, data: str) -> list[tuple[str, str]]:
    options, corpus = trainer.options, trainer.corpus
    others = ", ".join(f"{name} {number}" for name, number in versions().items() if name != "curta")
    training, validation = len(corpus.training), len(corpus.validation)
    return [
        (
            "model",
            f"GPT, {options.layers} layers × {options.width} wide, {options.heads} heads, context {options.context:,}: "
            f"{parameters:,} parameters in {options.dtype}",
        ),
        ("data", f"{data}: {training:,} bytes to train on, {validation:,} to validate"),
        (
            "recipe",
            f"AdamW, batch {options.batch:,}, {options.steps:,} steps, learning rate {options.learning_rate:g}, "
            f"seed {options.seed}, {'eager' if options.eager else 'compiled'}",
        ),
        ("machine", f"{machine.model()}, {machine.cores()} cores, {curta.get_num_threads()} threads"),
        ("peak", str(trainer.peak)),
        ("versions", f"Curta {curta.__version__}; {others}"),
    ]


def _compiled(trainer: Trainer) -> str:
    account = trainer.update.program.account()
    moved = account.cost.bytes_read + account.cost.bytes_written
    before = account.unfused_cost.bytes_read + account.unfused_cost.bytes_written
    return (
        f"The run itself was compiled: {account.launches:,} fused kernels that move {quantity(moved, 'B')} a step in "
        f"place of {quantity(before, 'B')}, in one planned arena of {quantity(account.arena_bytes, 'B')}, "
        f"{quantity(account.peak_bytes, 'B')} with parameters, optimizer state and data."
    )


def report_page(run: Run, step: Step) -> str:
    """The whole page, as HTML that loads nothing else."""
    sections = [
        f"<p>{escape(run.status)}</p>",
        figures(_figures(run, step)),
        *(f'<p role="note"><strong>Warning:</strong> {escape(text)}.</p>' for text in run.warnings),
        facts(run.facts),
        _utilisation(run),
        "<h2>Loss</h2>",
        _losses(run.reports),
        "<h2>Throughput</h2>",
        _throughput(run.reports, run.rates),
        f"<h2>Memory over one step</h2><p>{_how_memory(step)} {escape(run.compiled)}</p>",
        memory_section(step),
        f"<h2>FLOPs and time</h2><p>{_how_work(run, step)}</p>",
        work_section(step),
        f"<h2>Roofline</h2><p>{_HOW_ROOFLINE}</p>",
        roofline_section(step),
        f"<h2>How this was measured</h2>{_how(run, step)}",
    ]
    return document(run.title, "\n".join(sections), STYLE)


def _figures(run: Run, step: Step) -> list[tuple[str, str]]:
    rates, rows = run.rates, []
    if run.reports:
        first, last = run.reports[0], run.reports[-1]
        rows.append((f"{last.validation_loss:.4f}", f"validation loss (began at {first.validation_loss:.4f})"))
        if last.training_loss is not None:
            rows.append((f"{last.training_loss:.4f}", "training loss, mean since the report before"))
    if rates.seconds_per_step is not None:
        rows.append((quantity(rates.tokens_per_second, "tokens/s"), f"{seconds(rates.seconds_per_step)} a step"))
    if rates.mfu is not None:
        rows.append((f"{100 * rates.mfu:.1f}%", f"MFU; {verdict(rates.mfu)}"))
    if rates.hfu is not None:
        rows.append((f"{100 * rates.hfu:.1f}%", "HFU, with what is computed again"))
    rows += [
        (quantity(run.parameters, "").strip(), f"parameters: {run.parameters:,}"),
        (quantity(step.flops, "FLOP"), f"a step: {step.flops:,}, of the model {step.model_flops:,}"),
        (quantity(rates.memory_peak_bytes, "B"), f"of tensors at most: {rates.memory_peak_bytes:,} bytes"),
    ]
    return rows


def _utilisation(run: Run) -> str:
    if not run.conventions:
        return "<p>There is no MFU: all steps were among the first, which compile and are in no rate.</p>"
    rows = [
        (name, [Bar(share, f"{100 * share:.1f}%", GREEN if share >= GOOD_MFU else BLUE)])
        for name, share in run.conventions.items()
    ]
    return (
        "<h2>MFU, by convention</h2><p>The share of the machine's peak that the model's FLOPs came to: the same "
        "seconds and the same peak, with the FLOPs counted in each way that the literature has. <b>executed</b> is "
        f"HFU, <b>causal attention</b> is what Curta calls MFU. From {GOOD_MFU:.0%} on it is good.</p>"
        + bar_chart("mfu-by-convention", "MFU by convention", rows, (GOOD_MFU, f"good: {GOOD_MFU:.0%}"))
    )


def _losses(reports: Sequence[Report]) -> str:
    trained = [
        (middle, report.training_loss)
        for middle, report in zip(middles([report.step for report in reports]), reports[1:], strict=True)
        if report.training_loss is not None
    ]
    series = [
        Series("training, mean between reports", trained, BLUE, dashed=True),
        Series("validation, on fixed windows", [(one.step, one.validation_loss) for one in reports], RED),
    ]
    return line_chart("loss", "Loss over steps", series, "nats a byte", "{:.3f}".format, "{:g}".format)


def _throughput(reports: Sequence[Report], rates: Rates) -> str:
    tokens = [(one.step, one.tokens_per_second) for one in reports if one.tokens_per_second is not None]
    mfu = [(one.step, 100 * one.mfu) for one in reports if one.mfu is not None]
    if not tokens:
        return "<p>There are no rates: all steps were among the first, which compile and are in no rate.</p>"
    return (
        f"<p>Of the steps since the report before, without validation; the first {rates.left_out} are left out.</p>"
        '<div class="pair"><div>'
        + line_chart(
            "tokens", "Tokens a second over steps", [Series("tokens/s", tokens, BLUE)], "tokens/s",
            lambda value: quantity(value, "tokens/s"), lambda value: exact(value, "").strip(), from_zero=True,
        )
        + "</div><div>"
        + line_chart(
            "mfu", "MFU over steps", [Series("MFU", mfu, GREEN)], "MFU", "{:.1f}%".format, "{:g}%".format,
            Level(100 * GOOD_MFU, f"good: {GOOD_MFU:.0%}"), from_zero=True,
        )
        + "</div></div>"
    )  # fmt: skip


def _how_memory(step: Step) -> str:
    if step.seconds is None:
        return "Of a first step without compilation, planned: it would not have fitted into free memory."
    return "Of one step without compilation, operator by operator, with the optimizer's state in place."


def _how_work(run: Run, step: Step) -> str:
    text = (
        "What runs outside of a backward pass and of an optimizer's step, the clipping of gradients for one, counts as "
        "forward. "
    )
    if step.seconds is None or step.wall_seconds is None:
        return f"{text}Times were not measured: without compilation the step would not have fitted into free memory."
    text += f"Operators took {seconds(step.seconds)} of the {seconds(step.wall_seconds)} of the step that was timed"
    if run.compiled and run.rates.seconds_per_step is not None:
        text += f"; a compiled step took {seconds(run.rates.seconds_per_step)}"
    return text + "."


_HOW_ROOFLINE = (
    "To the left memory is the limit, to the right arithmetic. A point is one operator, of one number format, in all "
    "its calls; its area is the time it took. The nearer to the roof, the better; above the slope lie operators whose "
    "data were still in a cache, which is faster than memory."
)


def _how(run: Run, step: Step) -> str:
    rates = run.rates
    measured = f"{rates.steps:,} steps" if rates.steps else "no step"
    parts = [
        f"<p><b>The run.</b> Losses, tokens/s and MFU are of the run itself; rates are of {measured} after the first "
        f"{rates.left_out}, which compile. FLOPs are the sum of what each operator says that it costs; a multiply-add "
        "is two.</p>",
        "<p><b>One step.</b> Memory, FLOPs by module and the roofline are of one step of the same model and batch, "
        + (
            "planned before the run began; nothing of it ran, so it has no times.</p>"
            if step.seconds is None
            else "run operator by operator before the run began, on a model of its own that was thrown away; a step "
            "before it had compiled the kernels. One step is one sample: its times vary from run to run.</p>"
        ),
    ]
    if run.compiled:
        parts.append(
            "<p><b>Compiled.</b> The run's own steps are one fused program each. Their FLOPs are the same; their "
            "bytes, times and memory are not. <code>curta explain</code> writes the page of that program.</p>"
        )
    return "".join(parts)
