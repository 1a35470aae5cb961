"""The `curta` command's entry point: reads the arguments, runs one command, turns problems into exit codes."""

from __future__ import annotations

import os
import sys
from argparse import Namespace

from curta.cli.options import AccountOptions, DoctorOptions, ExplainOptions, SampleOptions, TrainOptions, make_parser
from curta.cli.problems import CommandError

INTERRUPTED = 130  # 128 + SIGINT: what a shell expects of a program that Ctrl-C stopped


def main(arguments: list[str] | None = None) -> int:
    """Run the command line `arguments` (by default the process's own) and return the exit code.

    0 for success, 2 for bad input (one line on standard error), 130 when stopped by Ctrl-C.

    >>> main(["train", "--data", "no such file"])
    2
    """
    parser = make_parser()
    try:
        given = parser.parse_args(arguments)
    except SystemExit as stop:  # argparse has printed its line, or the help
        return stop.code if isinstance(stop.code, int) else 2
    try:
        return _run(given, parser.format_help())
    except CommandError as problem:
        message = " ".join(str(problem).split())
        print(f"curta {given.command}: error: {message}", file=sys.stderr)
        return problem.exit_code
    except KeyboardInterrupt:
        print(f"\ncurta {given.command}: stopped by Ctrl-C; nothing was kept", file=sys.stderr)
        return INTERRUPTED
    except BrokenPipeError:
        # The reader of our output has gone (`curta sample … | head`). Nothing more may be flushed to it at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1


def _run(given: Namespace, usage: str) -> int:
    if given.version:
        from curta import __version__

        print(f"curta {__version__}")
        return 0
    options = {name: value for name, value in vars(given).items() if name not in ("command", "version")}
    # The commands are imported here, so that `curta --help` need not wait for rich and matplotlib.
    if given.command == "train":
        from curta.cli.train import train

        return train(TrainOptions(**options))
    if given.command == "sample":
        from curta.cli.sample import sample

        return sample(SampleOptions(**options))
    if given.command == "explain":
        from curta.cli.explain import explain

        return explain(ExplainOptions(**options))
    if given.command == "account":
        from curta.cli.account import account

        return account(AccountOptions(**options))
    if given.command == "doctor":
        if given.products:
            from curta.cli.products import products

            return products(DoctorOptions(**options))
        from curta.cli.doctor import doctor

        return doctor(DoctorOptions(**options))
    print(usage, end="")
    return 0
