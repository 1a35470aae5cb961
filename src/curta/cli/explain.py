"""`curta explain`: a training step as a page: its kernels beside the machine's limits, its memory, its threads."""

from __future__ import annotations

from dataclasses import asdict

import numpy as np
from rich.console import Console

import curta
from curta.cli.options import ExplainOptions, TrainOptions
from curta.cli.problems import bad_input
from curta.cli.train import read_text
from curta.cli.trainer import Trainer, tensors
from curta.compiled.explain import check_writable, measured, page
from curta.costs.units import quantity, seconds
from curta.data import Corpus, random_windows
from curta.models.gpt import GPTConfig

#: runs before the one that is shown: the first compiles, the others bring caches and clock to where they stay
WARM_UPS = 5


def explain(options: ExplainOptions) -> int:
    """Write the page that `options` ask for and return exit code 0.

    Raises `CommandError` for bad input, before anything is written.
    """
    training = TrainOptions(**asdict(options))
    with bad_input():
        config = GPTConfig(width=options.width, layers=options.layers, heads=options.heads, context=options.context)
        name, text = read_text(training)
        corpus = Corpus.split(text)
        corpus.require_context(options.context, name)
        check_writable(options.output, options.overwrite, "--overwrite")
    if options.threads is not None:
        curta.set_num_threads(options.threads)
    console = Console(stderr=True, highlight=False)
    with console.status("") as status:
        machine = measured({curta.float32, getattr(curta, options.dtype)}, status.update)
        trainer = Trainer(training, config, corpus, curta.Peak(max(machine.flops_per_second.values())))
        status.update("compiling the step …")
        for number in range(WARM_UPS):
            trainer.train_step()
            status.update(f"running the step, {number + 1} of {WARM_UPS} …")
        batch = random_windows(corpus.training, options.batch, config.context, np.random.default_rng(0))
        profile = trainer.update.profile(*tensors(batch))
    title = (
        f"Training step: GPT, {options.layers} layers × {options.width} wide, context {options.context}, batch "
        f"{options.batch}, {options.dtype}"
    )
    program = trainer.update.program
    options.output.write_text(page(program, [profile], machine, title), encoding="utf-8")
    account = program.account()
    print(
        f"{len(program.graph.nodes)} kernels in {seconds(profile.seconds)}: "
        f"{quantity(account.flops / profile.seconds, 'FLOP/s')}, arena {quantity(account.arena_bytes, 'B')}, "
        f"tensor memory in all {quantity(account.peak_bytes, 'B')}"
    )
    print(f"{options.output} shows them: open it in a browser")
    return 0
