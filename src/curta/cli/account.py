"""`curta account`: what a model takes, in parameters, FLOPs and bytes, before anything runs."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import curta
from curta import Tensor, nn
from curta.amp import MasterWeights
from curta.cli.options import AccountOptions
from curta.cli.problems import CommandError, bad_input
from curta.costs.planner import Plan
from curta.costs.tables import Column, text_table
from curta.costs.units import quantity, seconds
from curta.errors import CurtaError, DTypeError
from curta.models import PRESETS, build, embedding_parameters, example_inputs, from_config
from curta.nn import functional as F

OPTIMIZERS: dict[str, Callable[[list[Tensor]], Any]] = {
    "sgd": lambda parameters: curta.optim.SGD(parameters, lr=0.1),
    "momentum": lambda parameters: curta.optim.SGD(parameters, lr=0.1, momentum=0.9),
    "adagrad": lambda parameters: curta.optim.Adagrad(parameters),
    "rmsprop": lambda parameters: curta.optim.RMSprop(parameters),
    "adam": lambda parameters: curta.optim.Adam(parameters),
    "adamw": lambda parameters: curta.optim.AdamW(parameters),
}


def account(options: AccountOptions) -> int:
    """Print the account of one step of a model and return exit code 0; raises `CommandError` for bad input."""
    config, source = read_model(options.model)
    with bad_input():
        found = Estimate(config, options)
        roof = found.roofline(options.device) if options.device is not None else None
    if options.json:
        print(json.dumps(found.to_dict(source, roof), indent=2))
        return 0
    print("\n\n".join(found.texts(source, roof)))
    return 0


def read_model(name: str) -> tuple[Any, str]:
    """The configuration that a preset's name or a `config.json` stands for, and where it is from."""
    if name in PRESETS:
        return PRESETS[name].config, PRESETS[name].source
    path = Path(name)
    if not path.exists():
        raise CommandError(f"{name!r} is neither a file nor a model of {', '.join(PRESETS)}")
    try:
        fields = json.loads((path / "config.json" if path.is_dir() else path).read_text(encoding="utf-8"))
    except OSError as error:
        raise CommandError(f"cannot read {name}: {error.strerror}") from None
    except (ValueError, RecursionError) as error:
        raise CommandError(f"{name} is not JSON: {error}") from None
    try:
        return from_config(fields), name
    except CurtaError as error:
        raise CommandError(f"{name}: {error}") from None


@dataclass
class Row:
    """What a module is and does, or several that are alike: `names` are theirs."""

    names: set[str] = field(default_factory=set)
    parameters: int = 0
    nbytes: int = 0
    flops: int = 0
    model_flops: int = 0
    peak_bytes: int = 0

    def __add__(self, other: Row) -> Row:
        return Row(
            self.names | other.names,
            self.parameters + other.parameters,
            self.nbytes + other.nbytes,
            self.flops + other.flops,
            self.model_flops + other.model_flops,
            self.peak_bytes + other.peak_bytes,
        )


class Estimate:
    """One step of a model on the meta device, and its account."""

    def __init__(self, config: Any, options: AccountOptions) -> None:
        self.options = options
        self.dtype = getattr(curta, options.dtype)
        with curta.device("meta"):
            self.model = build(config)
            self.inputs = example_inputs(config, options.batch, options.context)
        self.kind = type(self.model).__name__
        if not options.autocast:
            self.model.to(self.dtype)
            self.inputs = tuple(one.to(self.dtype) if one.dtype.is_floating_point else one for one in self.inputs)
        if options.checkpoint:
            checkpoint_blocks(self.model)
        step = self._step()
        if not (options.forward or options.optimizer == "none"):
            step()  # on the meta device that costs nothing, and then there is the optimizer's state
        self.books: Plan = curta.plan(step)

    def _step(self) -> Callable[[], Any]:
        model, options = self.model, self.options
        if options.forward:
            model.eval()
            return curta.no_grad()(self._forward)
        if options.optimizer == "none":
            return lambda: self._loss(self._forward()).backward()
        masters = MasterWeights(model.parameters())
        optimizer = OPTIMIZERS[options.optimizer](masters.copies)

        def step() -> None:
            self._loss(self._forward()).backward()
            masters.gather_gradients()
            optimizer.step()
            masters.scatter_weights()
            masters.zero_grad()

        return step

    def _forward(self) -> Any:
        with curta.autocast("cpu", dtype=self.dtype if self.options.autocast else None, enabled=self.options.autocast):
            return self.model(*self.inputs)

    def _loss(self, made: Any) -> Tensor:
        """The cross entropy of scores; of an encoder, which has none, the sum of what it gives."""
        if isinstance(made, tuple):
            total: Tensor = made[0].float().sum() + made[1].float().sum()
            return total
        labels = curta.zeros(made.shape[:-1].numel(), dtype=curta.int64, device="meta")
        return F.cross_entropy(made.float().view(-1, made.shape[-1]), labels)

    # what it comes to

    def roofline(self, device: str) -> Any:
        """The time that a device needs at best."""
        try:
            return curta.roofline(self.books, device)
        except (CurtaError, DTypeError) as error:
            raise CommandError(f"--device: {error}") from None

    def rows(self, depth: int) -> dict[str, Row]:
        """By module down to a depth, modules in a list together: `blocks.*`."""
        found: dict[str, Row] = {}
        peak, costs = self.books.memory.peak_by_module(depth), self.books.by_module(depth)
        sizes = parameters_by_module(self.model, self.kind, depth)
        for name in dict.fromkeys((*costs, *sizes, *peak)):
            cost, (count, nbytes) = costs.get(name), sizes.get(name, (0, 0))
            row = Row({name}, count, nbytes, peak_bytes=peak.get(name, 0))
            if cost is not None:
                row.flops, row.model_flops = cost.flops, cost.model_flops
            key = re.sub(r"(?<![^.])\d+(?![^.])", "*", name)
            found[key] = found.get(key, Row()) + row
        return {(f"{key} × {len(row.names)}" if len(row.names) > 1 else key): row for key, row in found.items()}

    def texts(self, source: str, roof: Any) -> list[str]:
        """The paragraphs that are printed."""
        return [self._head(source), self._conventions(), self._modules(), self._memory(), *self._device(roof)]

    def _head(self, source: str) -> str:
        count, options = self.model.num_parameters(), self.options
        embedded = embedding_parameters(self.model)
        lines = [f"{self.kind}, {count:,} parameters, {embedded:,} of them in embeddings: {source}"]
        size = " × ".join(f"{size:,}" for size in self.inputs[0].shape)
        what = "forward pass" if options.forward else "training step"
        details = [options.dtype + (" products, float32 weights" if options.autocast else "")]
        details += [] if options.forward else [f"optimizer {options.optimizer}"]
        details += ["every block checkpointed"] if options.checkpoint else []
        lines.append(f"one {what} of [{size}] {self.inputs[0].dtype.name}: {', '.join(details)}")
        return "\n".join(lines)

    def _conventions(self) -> str:
        rows = self.books.flops_by_convention() | {"every operator": self.books.flops}
        width = max(map(len, rows))
        lines = [f"{name:<{width}}  {flops:>28,}  {quantity(flops, 'FLOP'):>10}" for name, flops in rows.items()]
        return "\n".join(["FLOPs", *lines])

    def _modules(self) -> str:
        rows = self.rows(self.options.depth)
        whole = sum(rows.values(), Row())
        products = max(whole.model_flops, 1)
        columns: list[Column] = [
            ("parameters", lambda row: f"{row.parameters:,}"),
            ("bytes", lambda row: f"{row.nbytes:,}"),
            ("FLOPs of products", lambda row: f"{row.model_flops:,}"),
            ("share", lambda row: f"{100 * row.model_flops / products:.1f} %"),
            ("other FLOPs", lambda row: f"{row.flops - row.model_flops:,}"),
            ("bytes at the peak", lambda row: f"{row.peak_bytes:,}"),
        ]
        return text_table("module", rows, whole, columns)

    def _memory(self) -> str:
        memory = self.books.memory
        peak = {kind: nbytes for kind, nbytes in memory.peak_by_category().items() if nbytes}
        columns: list[Column] = [("bytes at the peak", "{:,}".format), ("", lambda nbytes: quantity(nbytes, "B"))]
        return text_table("memory", peak, memory.peak_bytes, columns)

    def _device(self, roof: Any) -> list[str]:
        if roof is None:
            return []
        peak = roof.points[0].peak
        bound = sum(point.best_seconds for point in roof.points if point.bound == "memory") / roof.best_seconds
        text = (
            f"on {peak.name}, operator by operator, at best {seconds(roof.best_seconds)}, {100 * bound:.0f} % of it "
            "bound by memory"
        )
        if peak.memory_bytes is None:
            return [text]
        holds = "hold" if peak.memory_bytes >= self.books.memory.peak_bytes else "do not hold"
        return [f"{text}; its {peak.memory} {holds} the peak"]

    def to_dict(self, source: str, roof: Any) -> dict[str, Any]:
        """The same, and more, as plain numbers and dictionaries."""
        return {
            "model": self.kind,
            "source": source,
            "parameters": self.model.num_parameters(),
            "embedding_parameters": embedding_parameters(self.model),
            "parameter_bytes": self.model.nbytes,
            "input": list(self.inputs[0].shape),
            "dtype": self.options.dtype,
            "optimizer": None if self.options.forward else self.options.optimizer,
            **self.books.to_dict(),
            "roofline": None if roof is None else roof.to_dict(),
        }


def parameters_by_module(model: nn.Module, kind: str, depth: int) -> dict[str, tuple[int, int]]:
    """How many parameters, and bytes, are whose: a shared one is its first owner's.

    >>> parameters_by_module(nn.Sequential(nn.Linear(2, 3), nn.ReLU()), "Sequential", 1)
    {'0': (9, 36)}
    """
    found: dict[str, tuple[int, int]] = {}
    for name, parameter in model.named_parameters():
        path = ".".join(name.split(".")[:-1][:depth]) or kind
        count, nbytes = found.get(path, (0, 0))
        found[path] = count + parameter.numel(), nbytes + parameter.nbytes
    return found


def checkpoint_blocks(model: nn.Module) -> None:
    """Make each block of a model a checkpoint; CommandError for one that has no blocks."""
    blocks = [block for part in model.modules() for block in getattr(part, "blocks", ())]
    if not blocks:
        raise CommandError(f"--checkpoint: a {type(model).__name__} has no blocks")
    for block in blocks:
        block.forward = _checkpointed(block.forward)


def _checkpointed(forward: Callable[..., Any]) -> Callable[..., Any]:
    return lambda *args: curta.utils.checkpoint(forward, *args)
