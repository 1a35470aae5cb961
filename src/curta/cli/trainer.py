"""The training loop of `curta train`: what is computed at each step, and what is measured."""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

import curta
from curta import Tensor
from curta.amp import MasterWeights
from curta.cli.options import TrainOptions
from curta.cli.problems import CommandError
from curta.costs.peak import Peak
from curta.data import Corpus, fixed_windows, random_windows
from curta.data.text import Batch
from curta.models.gpt import GPT, GPTConfig
from curta.nn import functional as F

VALIDATION_BATCHES = 8
WEIGHT_DECAY = 0.1
BETAS = (0.9, 0.95)
CLIP_NORM = 1.0
FINAL_FRACTION = 0.1  # of the learning rate, at the end of the cosine


def learning_rate_at(step: int, steps: int, highest: float) -> float:
    """The learning rate of update `step` (from 0): a linear warm-up over a tenth of `steps` (100 at most), then a
    cosine down to a tenth of `highest`.

    >>> [round(learning_rate_at(step, 100, 1.0), 3) for step in (0, 9, 10, 54, 99)]
    [0.1, 1.0, 1.0, 0.558, 0.1]
    """
    warm_up = min(100, max(1, steps // 10))
    if step < warm_up:
        return highest * (step + 1) / warm_up
    progress = (step - warm_up) / max(1, steps - 1 - warm_up)
    return highest * (FINAL_FRACTION + (1.0 - FINAL_FRACTION) * 0.5 * (1.0 + math.cos(math.pi * progress)))


def decay_groups(parameters: Iterable[Tensor]) -> list[dict[str, object]]:
    """Parameter groups for AdamW: matrices and embeddings decay, biases and norms do not."""
    parameters = list(parameters)
    return [
        {"params": [p for p in parameters if p.ndim >= 2], "weight_decay": WEIGHT_DECAY},
        {"params": [p for p in parameters if p.ndim < 2], "weight_decay": 0.0},
    ]


def tensors(batch: Batch) -> tuple[Tensor, Tensor]:
    """A batch's inputs and targets as tensors over the same memory."""
    inputs, targets = batch
    return curta.from_numpy(inputs), curta.from_numpy(targets)


def resident_bytes() -> int:
    """The bytes of physical memory that this process holds.

    >>> resident_bytes() > 1_000_000
    True
    """
    try:
        with open("/proc/self/statm", encoding="ascii") as file:
            return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except OSError:  # no /proc (macOS): the highest value so far is the nearest there is
        import resource
        import sys

        highest = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        return highest if sys.platform == "darwin" else highest * 1024


@dataclass(frozen=True)
class Report:
    """The state of a run after `step` updates. Rates are over the steps since the last report, without validation.

    Losses are in nats a byte, times in seconds, `mfu` is model FLOP/s over the measured matmul peak in the same dtype.
    The first steps of a run, which compile, have no part in the rates; where there are no others, those are None.
    """

    step: int
    training_loss: float | None
    validation_loss: float
    learning_rate: float
    gradient_norm: float | None
    tokens_per_second: float | None
    flops_per_second: float | None
    model_flops_per_second: float | None
    mfu: float | None
    peak_flops_per_second: float
    memory_current_bytes: int
    memory_peak_bytes: int
    resident_bytes: int
    training_seconds: float


class Trainer:
    """One training run of a GPT on `corpus`; `peak` is the machine's matmul rate that MFU is against."""

    def __init__(self, options: TrainOptions, config: GPTConfig, corpus: Corpus, peak: Peak) -> None:
        curta.manual_seed(options.seed)
        self.options, self.corpus, self.peak = options, corpus, peak
        # No bandwidth: small models live in the caches, and move their bytes faster than memory could.
        self.meter = curta.Meter(tokens=options.batch * config.context, peak=replace(peak, bytes_per_second=None))
        self.model = GPT(config)
        if options.dtype != "float32":
            self.model.to(getattr(curta, options.dtype))
        self.masters = MasterWeights(self.model.parameters())
        self.optimizer = curta.optim.AdamW(decay_groups(self.masters.copies), lr=options.learning_rate, betas=BETAS)
        self.batches = np.random.default_rng(options.seed)
        self.validation = fixed_windows(
            corpus.validation, VALIDATION_BATCHES, options.batch, config.context, options.seed
        )
        compile = (lambda function: function) if options.eager else curta.compile
        #: one update, and the loss alone: native programs unless the run is eager
        self.update, self.evaluate = compile(self._update), compile(self._loss)
        self.step = 0
        self.gradient_norm: float | None = None
        self.losses: list[float] = []
        self._reported = 0  # the step of the last report

    def _loss(self, inputs: Tensor, targets: Tensor) -> Tensor:
        logits = self.model(inputs)
        # In float32 whatever the model's dtype: a bfloat16 loss has three significant digits.
        return F.cross_entropy(logits.float().view(-1, logits.shape[-1]), targets.view(-1))

    def _update(self, inputs: Tensor, targets: Tensor) -> tuple[Tensor, Tensor]:
        """One update; gives the loss and the norm of the gradients."""
        loss = self._loss(inputs, targets)
        loss.backward()
        self.masters.gather_gradients()
        norm = curta.nn.utils.clip_grad_norm_(self.masters.copies, CLIP_NORM)
        self.optimizer.step()
        self.masters.scatter_weights()
        self.masters.zero_grad()
        return loss.detach(), norm

    def train_step(self) -> float:
        """Do one update and return its loss; raises `CommandError` (exit code 1) if that is no longer a number."""
        books = curta.account(memory=False)
        with self.meter.step(books=books):
            rate = learning_rate_at(self.step, self.options.steps, self.options.learning_rate)
            for group in self.optimizer.param_groups:
                group["lr"] = rate
            batch = random_windows(self.corpus.training, self.options.batch, self.model.config.context, self.batches)
            with books:
                loss, norm = self.update(*tensors(batch))
            value, self.gradient_norm = float(loss.item()), float(norm.item())
        self.step += 1
        self.losses.append(value)
        if not math.isfinite(value):
            raise CommandError(
                f"the loss became {value} at step {self.step}: try a lower --learning-rate "
                f"than {self.options.learning_rate:g}",
                exit_code=1,
            )
        return value

    def validation_loss(self) -> float:
        """The mean loss on the run's fixed validation windows."""
        with curta.no_grad():
            return sum(float(self.evaluate(*tensors(batch)).item()) for batch in self.validation) / len(self.validation)

    def report(self) -> Report:
        """Measure the validation loss and sum up the steps since the last report."""
        rates = self.meter.rates(first=self._reported)
        memory = curta.memory.stats()
        report = Report(
            step=self.step,
            training_loss=sum(self.losses) / len(self.losses) if self.losses else None,
            validation_loss=self.validation_loss(),
            learning_rate=learning_rate_at(max(self.step - 1, 0), self.options.steps, self.options.learning_rate),
            gradient_norm=self.gradient_norm,
            tokens_per_second=rates.tokens_per_second,
            flops_per_second=rates.all_flops_per_second,
            model_flops_per_second=rates.flops_per_second,
            mfu=rates.mfu,
            peak_flops_per_second=self.peak.flops_per_second,
            memory_current_bytes=memory["current_bytes"],
            memory_peak_bytes=memory["peak_bytes"],
            resident_bytes=resident_bytes(),
            training_seconds=self.meter.seconds,
        )
        self._reported = self.step
        self.losses = []
        return report

    def run(self, on_step: Callable[[int, float], None], on_report: Callable[[Report], None]) -> None:
        """Train to the last step; `on_step` may raise `StopIteration` to end after the step it is told of."""
        on_report(self.report())
        while self.step < self.options.steps:
            value = self.train_step()
            try:
                on_step(self.step, value)
            except StopIteration:
                break
            if self.step % self.options.report_every == 0 or self.step == self.options.steps:
                on_report(self.report())
        if self._reported != self.step:
            on_report(self.report())

    def weights(self) -> dict[str, npt.NDArray[np.float32]]:
        """The float32 weights by name: the masters of a half-precision model."""
        names = [name for name, _ in self.model.named_parameters()]
        copies = self.masters.copies
        return {name: np.array(copy.detach().numpy()) for name, copy in zip(names, copies, strict=True)}
