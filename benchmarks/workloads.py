"""The work that is timed: each case once in PyTorch and once in Curta, the same text wherever the two agree.

Run as a program it measures one case in one framework, in this process alone, and prints seconds as JSON:

    python -m benchmarks.workloads curta softmax --repeats 20
    python -m benchmarks.workloads curta limits
"""

from __future__ import annotations

import argparse
import importlib
import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from typing import Any

from benchmarks.operators import CASES as OPERATORS
from benchmarks.products import CASES as PRODUCTS
from benchmarks.steps import CASES as STEPS
from benchmarks.updates import CASES as UPDATES

THREADS = 2
#: a variant is run no more often once it has taken so long, if it was run at least twice
ENOUGH_SECONDS, LEAST_REPEATS = 10.0, 2
#: what takes microseconds is timed for so long: the first runs are those of an interpreter that has not settled
LEAST_SECONDS = 0.01
Work = Callable[[], object]


def _input(framework: Any, *shape: int) -> Any:
    """The same numbers in both frameworks: float32 from NumPy's generator."""
    import numpy as np

    return framework.from_numpy(np.random.default_rng(0).standard_normal(shape, dtype=np.float32))


def _functional(framework: Any) -> Any:
    return importlib.import_module(f"{framework.__name__}.nn.functional")


def _both_ways(framework: Any, tensors: list[Any], function: Callable[..., Any]) -> dict[str, Work]:
    """The forward pass alone, and forward with backward to all `tensors` from a gradient of ones."""
    for tensor in tensors:
        tensor.requires_grad_()
    ones = framework.ones_like(function(*tensors).detach())

    def forward() -> None:
        with framework.no_grad():
            function(*tensors)

    def forward_backward() -> None:
        function(*tensors).backward(ones)
        for tensor in tensors:
            tensor.grad = None

    return {"forward": forward, "forward+backward": forward_backward}


def gelu(framework: Any) -> dict[str, Work]:
    F = _functional(framework)
    return _both_ways(framework, [_input(framework, 1_000_000)], lambda x: F.gelu(x, approximate="tanh"))


def softmax(framework: Any) -> dict[str, Work]:
    F = _functional(framework)
    return _both_ways(framework, [_input(framework, 2048, 1024)], lambda x: F.softmax(x, dim=-1))


def layer_norm(framework: Any) -> dict[str, Work]:
    F = _functional(framework)
    tensors = [_input(framework, 2048, 768), _input(framework, 768), _input(framework, 768)]
    return _both_ways(framework, tensors, lambda x, weight, bias: F.layer_norm(x, (768,), weight, bias))


def cross_entropy(framework: Any) -> dict[str, Work]:
    import numpy as np

    F = _functional(framework)
    targets = framework.from_numpy(np.random.default_rng(1).integers(0, 8192, 2048))
    return _both_ways(framework, [_input(framework, 2048, 8192)], lambda x: F.cross_entropy(x, targets))


def add(framework: Any) -> dict[str, Work]:
    return _both_ways(framework, [_input(framework, 1_000_000), _input(framework, 1_000_000)], lambda x, y: x + y)


def sum_axis(framework: Any) -> dict[str, Work]:
    return _both_ways(framework, [_input(framework, 2048, 2048)], lambda x: x.sum(0))


def sum_all(framework: Any) -> dict[str, Work]:
    return _both_ways(framework, [_input(framework, 2048, 2048)], lambda x: x.sum())


def matmul(framework: Any) -> dict[str, Work]:
    return _both_ways(framework, [_input(framework, 1024, 1024), _input(framework, 1024, 1024)], lambda a, b: a @ b)


def attention(B: int, heads: int, T: int, width: int, dtype: str = "float32") -> Callable[[Any], dict[str, Work]]:
    """Causal attention, heads between the rows in memory as a projection leaves them."""

    def build(framework: Any) -> dict[str, Work]:
        F, kind = _functional(framework), getattr(framework, dtype)
        tensors = [_input(framework, B, T, heads, width).to(kind).transpose(1, 2).detach() for _ in range(3)]
        return _both_ways(framework, tensors, lambda q, k, v: F.scaled_dot_product_attention(q, k, v, is_causal=True))

    return build


def adamw(framework: Any) -> dict[str, Work]:
    parameters = []
    for _ in range(16):
        parameter = _input(framework, 1024, 1024).requires_grad_()
        parameter.grad = _input(framework, 1024, 1024)
        parameters.append(parameter)
    options = {"fused": True} if framework.__name__ == "torch" else {}
    optimizer = importlib.import_module(f"{framework.__name__}.optim").AdamW(parameters, lr=1e-3, **options)
    return {"step": optimizer.step}


def tiny_add(framework: Any) -> dict[str, Work]:
    """A thousand additions of four elements."""
    x, y = _input(framework, 4), _input(framework, 4)

    def thousand() -> None:
        for _ in range(1000):
            x + y

    return {"1000 calls": thousand}


def gpt_step(framework: Any) -> dict[str, Work]:
    """One update of the default model of `curta train`: forward, backward, clipping and AdamW on [16, 128] tokens."""
    import numpy as np

    F = _functional(framework)
    optim = importlib.import_module(f"{framework.__name__}.optim")
    if framework.__name__ == "torch":
        reference = importlib.import_module("benchmarks.reference_gpt_torch")
        model = reference.ReferenceGPT(128, 4, 4, 128)
        options = {"fused": True}
    else:
        gpt = importlib.import_module("curta.models.gpt")
        model = gpt.GPT(gpt.GPTConfig())
        options = {}
    optimizer = optim.AdamW(model.parameters(), lr=1e-3, **options)
    tokens = np.random.default_rng(2).integers(0, 256, (16, 129))
    inputs = framework.from_numpy(np.ascontiguousarray(tokens[:, :-1]))
    targets = framework.from_numpy(np.ascontiguousarray(tokens[:, 1:])).view(-1)

    def step() -> None:
        loss = F.cross_entropy(model(inputs).view(-1, 256), targets)
        loss.backward()
        importlib.import_module(f"{framework.__name__}.nn").utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        optimizer.zero_grad()

    return {"step": step}


CASES: dict[str, tuple[str, Callable[[Any], dict[str, Work]]]] = {
    "tiny_add": ("add, 4 elements, 1000 calls", tiny_add),
    "add": ("add, 1M", add),
    "gelu": ("gelu (tanh), 1M", gelu),
    "softmax": ("softmax, 2048 x 1024", softmax),
    "layer_norm": ("layer_norm, 2048 x 768", layer_norm),
    "cross_entropy": ("cross_entropy, 2048 x 8192", cross_entropy),
    "sum_axis": ("sum over axis 0, 2048 x 2048", sum_axis),
    "sum_all": ("sum over all, 2048 x 2048", sum_all),
    "matmul": ("matmul, 1024 x 1024 x 1024", matmul),
    "attention": ("causal attention, 4×12×1024×64", attention(4, 12, 1024, 64)),
    "attention_half": ("the same, bfloat16", attention(4, 12, 1024, 64, "bfloat16")),
    "attention_short": ("causal attention, 16×4×128×32", attention(16, 4, 128, 32)),
    "adamw": ("AdamW, 16M parameters", adamw),
    "gpt_step": ("GPT step (curta train's default)", gpt_step),
    **PRODUCTS,
    **OPERATORS,
    **STEPS,
    **UPDATES,
}


def import_seconds(name: str) -> float:
    """How long a fresh interpreter takes to import a framework, beyond starting; its bytecode is there already."""
    program = f"import time; t = time.perf_counter(); import {name}; print(time.perf_counter() - t)"
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONDONTWRITEBYTECODE"}
    command = [sys.executable, "-c", program]
    runs = [subprocess.run(command, capture_output=True, text=True, check=True, env=environment) for _ in range(2)]
    return float(runs[-1].stdout)


def _books(work: Work) -> dict[str, int]:
    """What Curta's own account says that one run of the work does."""
    import curta

    with curta.account() as books:
        work()
    return {"flops": books.flops, "bytes": books.bytes_read + books.bytes_written}


def limits() -> dict[str, float]:
    """The machine's limits now: FLOP/s of Curta's best float32 matmul, bytes/s of copying 256 MB (read and written)."""
    import curta
    from curta.costs.measure import matmul_peak

    curta.set_num_threads(THREADS)
    source, target = curta.zeros(32 << 20), curta.zeros(32 << 20)
    seconds = _median(lambda: target.copy_(source), 10)
    return {"flops_per_second": matmul_peak().flops_per_second, "bytes_per_second": 2 * source.nbytes / seconds}


def _median(work: Work, repeats: int) -> float:
    start = time.perf_counter()
    work()
    if time.perf_counter() - start < ENOUGH_SECONDS / 2:
        work()
    seconds: list[float] = []
    total = 0.0
    while len(seconds) < LEAST_REPEATS or (
        total < ENOUGH_SECONDS and (len(seconds) < repeats or total < LEAST_SECONDS)
    ):
        start = time.perf_counter()
        work()
        seconds.append(time.perf_counter() - start)
        total += seconds[-1]
    return statistics.median(seconds)


def measure(name: str, case: str, repeats: int) -> dict[str, dict[str, float]]:
    """Median seconds of each variant of a case, after warming up; for Curta also its FLOPs and bytes."""
    if case == "import":
        return {"import": {"seconds": import_seconds(name)}}
    framework = importlib.import_module(name)
    if name != "numpy":  # its BLAS reads OMP_NUM_THREADS
        framework.set_num_threads(THREADS)
    found: dict[str, dict[str, float]] = {}
    for variant, work in CASES[case][1](framework).items():
        found[variant] = {"seconds": _median(work, repeats)}
        if name == "curta":
            found[variant] |= _books(work)
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("framework", choices=["torch", "curta", "numpy"])
    parser.add_argument("case", choices=[*CASES, "import", "limits"])
    parser.add_argument("--repeats", type=int, default=20)
    arguments = parser.parse_args()
    os.environ.setdefault("OMP_NUM_THREADS", str(THREADS))
    found = limits() if arguments.case == "limits" else measure(arguments.framework, arguments.case, arguments.repeats)
    print(json.dumps(found))


if __name__ == "__main__":
    main()
