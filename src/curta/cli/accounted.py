"""One step of a run, accounted operator by operator before the run, on a model of its own."""

from __future__ import annotations

import gc
import time
from dataclasses import replace

import curta
from curta.cli.options import TrainOptions
from curta.cli.trainer import Trainer, tensors
from curta.costs.peak import Peak
from curta.costs.planner import Plan
from curta.data import Corpus, random_windows
from curta.memory.free import available_bytes
from curta.memory.ledger import STATE
from curta.models.gpt import GPTConfig
from curta.report.step import Step, step_of


def accounted_step(options: TrainOptions, config: GPTConfig, corpus: Corpus, peaks: dict[str, Peak]) -> Step:
    """What a step of the run does without compilation, once its optimizer has its state.

    `peaks` are the machine's by format. Nothing is left of it but the figures, and a run that begins afterwards is as
    it would have been. A step that would not fit into free memory is only planned: there are no times of it, and its
    memory is that of a first step, which makes the optimizer's state as it ends.
    """
    try:
        return _accounted(options, config, corpus, peaks)
    finally:
        gc.collect()  # a trainer and its functions hold each other
        curta.memory.empty_cache()


def _accounted(options: TrainOptions, config: GPTConfig, corpus: Corpus, peaks: dict[str, Peak]) -> Step:
    trainer = Trainer(replace(options, eager=True), config, corpus, peaks[options.dtype])
    batch = tensors(random_windows(corpus.training, options.batch, config.context, trainer.batches))
    planned = curta.plan(trainer.update, *batch)
    if not _fits(planned):
        return step_of(planned, peaks)
    trainer.update(*batch)  # compiles the kernels, and makes the optimizer's state
    gc.collect()
    with curta.account(timeline=True, timing=True) as books:
        before = time.perf_counter()
        trainer.update(*batch)
        wall_seconds = time.perf_counter() - before
    return step_of(books, peaks, wall_seconds)


def _fits(planned: Plan) -> bool:
    """Whether a second step, which has its optimizer's state from the start, would find the memory that it takes."""
    free = available_bytes()
    more = planned.memory.peak_bytes + planned.memory.by_category()[STATE] - curta.memory.memory_allocated()
    return free is None or more <= free
