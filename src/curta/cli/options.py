"""The command line's grammar: options, their defaults, and the checks of single values."""

from __future__ import annotations

import argparse
import math
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn


class Parser(argparse.ArgumentParser):
    """An argument parser whose complaints are one line."""

    def error(self, message: str) -> NoReturn:
        """Print `message` in one line on standard error and exit with code 2."""
        self.exit(2, f"{self.prog}: error: {message}\n")


class HelpFormatter(argparse.HelpFormatter):
    """Help that ends with the default, for options that have one worth telling."""

    def _get_help_string(self, action: argparse.Action) -> str | None:
        if action.option_strings and action.default not in (None, False, argparse.SUPPRESS):
            return f"{action.help} (default: %(default)s)"
        return action.help


@dataclass(frozen=True)
class StepOptions:
    """The model, the data and the machine of a training step; the defaults are the main job's."""

    data: Path | None = None
    width: int = 128
    layers: int = 4
    heads: int = 4
    context: int = 128
    batch: int = 16
    dtype: str = "float32"
    threads: int | None = None
    overwrite: bool = False


@dataclass(frozen=True)
class TrainOptions(StepOptions):
    """What `curta train` was asked for."""

    steps: int = 500
    learning_rate: float = 2e-3
    seed: int = 1
    output: Path | None = None
    report_every: int = 25
    eager: bool = False
    report: bool = True


@dataclass(frozen=True)
class ExplainOptions(StepOptions):
    """What `curta explain` was asked for: the step of a run of `curta train`, and where the page goes."""

    output: Path = Path("explain.html")


@dataclass(frozen=True)
class SampleOptions:
    """What `curta sample` was asked for."""

    directory: Path
    prompt: str = "The "
    tokens: int = 500
    temperature: float = 0.8
    top_k: int | None = None
    seed: int = 0
    threads: int | None = None


@dataclass(frozen=True)
class DoctorOptions:
    """What `curta doctor` was asked for: the machine or products of matrices, whether to measure again, and JSON."""

    products: bool = False
    measure: bool = False
    json: bool = False


@dataclass(frozen=True)
class AccountOptions:
    """What `curta account` was asked for: a model, what it is given, and how it is trained."""

    model: str
    batch: int = 1
    context: int | None = None
    dtype: str = "float32"
    autocast: bool = False
    optimizer: str = "adamw"
    forward: bool = False
    checkpoint: bool = False
    depth: int = 3
    device: str | None = None
    json: bool = False


def positive_int(text: str) -> int:
    """A whole number of at least 1.

    >>> positive_int("12")
    12
    >>> positive_int("0")
    Traceback (most recent call last):
    argparse.ArgumentTypeError: must be a positive whole number, got '0'
    """
    try:
        value = int(text)
    except ValueError:
        value = 0
    if value < 1:
        raise argparse.ArgumentTypeError(f"must be a positive whole number, got {text!r}")
    # Sizes are 64-bit integers further down; anything near that is a slip of the finger.
    if value > 2**40:
        raise argparse.ArgumentTypeError(f"is too large, got {text!r}")
    return value


def seed_int(text: str) -> int:
    """A whole number from 0 to 2**63 - 1.

    >>> seed_int("0")
    0
    """
    try:
        value = int(text)
    except ValueError:
        value = -1
    if not 0 <= value < 2**63:
        raise argparse.ArgumentTypeError(f"must be a whole number from 0 to 2**63 - 1, got {text!r}")
    return value


def _finite(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        return math.nan
    return value if math.isfinite(value) else math.nan


def positive_float(text: str) -> float:
    """A finite number above 0.

    >>> positive_float("3e-4")
    0.0003
    """
    value = _finite(text)
    if not value > 0.0:
        raise argparse.ArgumentTypeError(f"must be a positive number, got {text!r}")
    return value


def temperature_float(text: str) -> float:
    """A finite number of 0 or more.

    >>> temperature_float("0")
    0.0
    """
    value = _finite(text)
    if not value >= 0.0:
        raise argparse.ArgumentTypeError(f"must be zero or a positive number, got {text!r}")
    return value


def _add_model(parser: Parser, default: StepOptions) -> None:
    model = parser.add_argument_group("model")
    for name, text in (
        ("width", "size of a position's vector; the heads must divide it"),
        ("layers", "number of transformer layers"),
        ("heads", "number of attention heads"),
        ("context", "number of bytes that the model sees at once"),
    ):
        model.add_argument(f"--{name}", type=positive_int, default=getattr(default, name), metavar="N", help=text)
    model.add_argument(
        "--dtype",
        choices=("float32", "bfloat16"),
        default=default.dtype,
        help="of weights and activations; for bfloat16 the optimizer keeps float32 masters",
    )


def _add_train(commands: argparse._SubParsersAction[Parser]) -> None:
    default = TrainOptions()
    parser = commands.add_parser(
        "train",
        help="train a small GPT on text and show its books",
        description="Train a small byte-level GPT, showing loss, tokens/s, FLOP/s, MFU and memory while it runs. "
        "Without options: CPython's documentation topics, in about two minutes on two cores.",
        epilog="Ctrl-C stops after the current step and keeps what is complete.",
        formatter_class=HelpFormatter,
    )
    data = parser.add_argument_group("data and results")
    data.add_argument(
        "--data",
        type=Path,
        metavar="FILE",
        help="train on the bytes of this file; by default CPython's documentation topics",
    )
    data.add_argument("--output", type=Path, metavar="DIR", help="where the results go; by default runs/DATE-TIME")
    data.add_argument("--overwrite", action="store_true", help="replace the results of an earlier run in DIR")
    _add_model(parser, default)
    recipe = parser.add_argument_group("recipe")
    recipe.add_argument("--batch", type=positive_int, default=default.batch, metavar="N", help="windows a step")
    recipe.add_argument("--steps", type=positive_int, default=default.steps, metavar="N", help="number of updates")
    recipe.add_argument(
        "--learning-rate", type=positive_float, default=default.learning_rate, metavar="X", help="highest of the cosine"
    )
    recipe.add_argument("--seed", type=seed_int, default=default.seed, metavar="N", help="of weights and batches")
    run = parser.add_argument_group("run")
    run.add_argument("--threads", type=positive_int, metavar="N", help="native threads; by default all cores")
    run.add_argument(
        "--report-every", type=positive_int, default=default.report_every, metavar="N", help="steps between reports"
    )
    run.add_argument("--eager", action="store_true", help="run operator by operator, without compiling the step")
    run.add_argument(
        "--no-report",
        dest="report",
        action="store_false",
        help="write no report.html, and do without the accounted step that comes before the run",
    )


def _add_explain(commands: argparse._SubParsersAction[Parser]) -> None:
    default = ExplainOptions()
    parser = commands.add_parser(
        "explain",
        help="show what a training step does, kernel by kernel, as a web page",
        description="Compile the training step of `curta train`, time every kernel of it beside what the machine can "
        "do, and write that as one HTML file: the graph with what was fused, the memory over time, and the threads.",
        formatter_class=HelpFormatter,
    )
    parser.add_argument("--output", type=Path, default=default.output, metavar="FILE", help="the page to write")
    parser.add_argument("--overwrite", action="store_true", help="replace FILE if it exists")
    parser.add_argument(
        "--data", type=Path, metavar="FILE", help="train on the bytes of this file; by default CPython's documentation"
    )
    _add_model(parser, default)
    parser.add_argument("--batch", type=positive_int, default=default.batch, metavar="N", help="windows a step")
    parser.add_argument("--threads", type=positive_int, metavar="N", help="native threads; by default all cores")


def _add_sample(commands: argparse._SubParsersAction[Parser]) -> None:
    default = SampleOptions(Path())
    parser = commands.add_parser(
        "sample",
        help="continue a text with a trained model",
        description="Continue a text with the weights that `curta train` has written.",
        formatter_class=HelpFormatter,
    )
    parser.add_argument("directory", type=Path, metavar="DIR", help="a run's output directory")
    parser.add_argument("--prompt", default=default.prompt, metavar="TEXT", help="the text to continue")
    parser.add_argument("--tokens", type=positive_int, default=default.tokens, metavar="N", help="bytes to write")
    parser.add_argument(
        "--temperature",
        type=temperature_float,
        default=default.temperature,
        metavar="X",
        help="0 always takes the likeliest byte",
    )
    parser.add_argument("--top-k", type=positive_int, metavar="K", help="draw from the K likeliest bytes only")
    parser.add_argument("--seed", type=seed_int, default=default.seed, metavar="N", help="of the draws")
    parser.add_argument("--threads", type=positive_int, metavar="N", help="native threads; by default all cores")


def _add_doctor(commands: argparse._SubParsersAction[Parser]) -> None:
    parser = commands.add_parser(
        "doctor",
        help="say what the machine can do, what Curta runs on, and what is wrong with that",
        description="Print the processor, its measured peaks, memory, versions and the cache, and what is wrong with "
        "any of it. Peaks are measured once, on a machine that does nothing else, and kept in the cache.",
        formatter_class=HelpFormatter,
    )
    parser.add_argument(
        "--products",
        action="store_true",
        help="print Curta's own products of matrices beside the BLAS's instead: the table that CURTA_BLAS=auto goes by",
    )
    parser.add_argument("--measure", action="store_true", help="measure the peaks, or the products, again")
    parser.add_argument("--json", action="store_true", help="print JSON, in bytes, FLOP/s and shares from 0 to 1")


def _add_account(commands: argparse._SubParsersAction[Parser]) -> None:
    default = AccountOptions("")
    parser = commands.add_parser(
        "account",
        help="say what a model takes, in parameters, FLOPs and bytes, before anything runs",
        description="Print the parameters of a model, and the FLOPs and the memory of one training step, by module, by "
        "category and by every convention that is in use. Nothing is run or allocated, whatever the size.",
        epilog="Models by name: gpt2, gpt2-xl, llama-2-7b, llama-3-8b, llama-3-70b, mistral-7b, mixtral-8x7b, "
        "resnet50, vit-b-16, bert-base.",
        formatter_class=HelpFormatter,
    )
    parser.add_argument("model", metavar="MODEL", help="a name, or the path of a Hugging Face config.json")
    parser.add_argument("--batch", type=positive_int, default=default.batch, metavar="N", help="sequences or images")
    parser.add_argument("--context", type=positive_int, metavar="N", help="tokens of each; by default what it holds")
    parser.add_argument(
        "--dtype",
        choices=("float32", "bfloat16", "float16"),
        default=default.dtype,
        help="of weights and activations; for half formats the optimizer keeps float32 masters",
    )
    parser.add_argument("--autocast", action="store_true", help="products in DTYPE, weights and the rest in float32")
    parser.add_argument(
        "--optimizer",
        choices=("none", "sgd", "momentum", "adagrad", "rmsprop", "adam", "adamw"),
        default=default.optimizer,
        help="none: gradients alone",
    )
    parser.add_argument("--forward", action="store_true", help="the forward pass alone, without gradients")
    parser.add_argument("--checkpoint", action="store_true", help="make each block again in the backward pass")
    parser.add_argument("--depth", type=positive_int, default=default.depth, metavar="N", help="of modules' names")
    parser.add_argument("--device", metavar="NAME", help='the least time on this device, for example "NVIDIA H200"')
    parser.add_argument("--json", action="store_true", help="print JSON")


def make_parser() -> Parser:
    """The parser of the whole command line.

    >>> make_parser().parse_args(["train", "--width", "64"]).width
    64
    """
    parser = Parser(prog="curta", description="Deep learning in pure Python that keeps the books.")
    parser.add_argument("--version", action="store_true", help="print the version and exit")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", title="commands")
    _add_train(commands)
    _add_sample(commands)
    _add_explain(commands)
    _add_account(commands)
    _add_doctor(commands)
    return parser
