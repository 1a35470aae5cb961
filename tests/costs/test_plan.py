"""A plan against the run that it is of: every figure the same, and nothing changed by it."""

import gc
import subprocess
import sys
from itertools import starmap
from typing import Any

import pytest
from tests.costs.models import MODELS, step_of

import curta
from curta import nn
from curta.errors import ArgumentTypeError, IndexRangeError, PlanError
from curta.memory.free import available_bytes
from curta.memory.ledger import Event
from curta.nn import functional as F

FIGURES = ("flops", "model_flops", "hardware_flops", "transcendentals", "bytes_read", "bytes_written", "calls")


def same(planned: Any, books: Any) -> None:
    """Every figure of two accounts, and every moment of their memory."""
    for figure in FIGURES:
        assert getattr(planned, figure) == getattr(books, figure), figure
    for split in ("by_op", "by_phase", "by_module", "by_dtype"):
        assert getattr(planned, split)() == getattr(books, split)(), split
    assert planned.memory.peak_bytes == books.memory.peak_bytes
    assert planned.memory.peak_by_category() == books.memory.peak_by_category()
    events = [
        [
            (one.category, one.nbytes, one.operator, one.phase, one.begun)
            for one in starmap(Event, account.ledger.events)
        ]
        for account in (planned, books)
    ]
    assert events[0][: len(events[1])] == events[1][: len(events[0])]


@pytest.mark.parametrize("half", [False, True], ids=["float32", "bfloat16"])
@pytest.mark.parametrize("optimizer", ["sgd", "adamw"])
@pytest.mark.parametrize("model", MODELS)
def test_a_plan_is_the_run(model: str, optimizer: str, half: bool) -> None:
    step, data, _ = step_of(model, optimizer, half)
    for _ in range(2):  # without optimizer state, and with it
        gc.collect()
        planned = curta.plan(step, *data)
        with curta.account(timeline=True) as books:
            step(*data)
        same(planned, books)


@pytest.mark.parametrize("model", MODELS)
def test_gradients_that_a_step_clears_first_go_in_the_plan_too(model: str) -> None:
    step, data, _ = step_of(model, clear_first=True)
    step(*data)
    gc.collect()
    planned = curta.plan(step, *data)
    with curta.account(timeline=True) as books:
        step(*data)
    same(planned, books)


@pytest.mark.parametrize("model", MODELS)
def test_a_plan_changes_nothing(model: str) -> None:
    step, data, made = step_of(model)
    again, _, other = step_of(model)
    curta.manual_seed(3)
    for number in range(3):
        if number:
            curta.plan(step, *data)
        state = curta.random.default_generator.offset
        curta.plan(step, *data)
        assert curta.random.default_generator.offset == state
        step(*data)
    curta.manual_seed(3)
    for _ in range(3):
        again(*data)
    for mine, its in zip(made.state_dict().values(), other.state_dict().values(), strict=True):
        assert mine.tolist() == its.tolist()
    assert all(parameter.grad is None for parameter in made.parameters())


def test_gradients_are_put_back() -> None:
    weight = curta.ones(3, requires_grad=True)
    (weight * 2).sum().backward()
    before = weight.grad

    def function() -> Any:
        weight.grad = None
        (weight * 3).sum().backward()
        return weight.grad

    planned = curta.plan(function)
    assert weight.grad is before
    assert planned.result.is_meta
    assert tuple(planned.result.shape) == (3,)


def test_a_gradient_that_somebody_else_holds_stays() -> None:
    weight = curta.ones(1000, requires_grad=True)
    weight.sum().backward()
    held = weight.grad

    def function() -> None:
        weight.grad = None
        curta.ones(1000)

    gc.collect()
    planned = curta.plan(function)
    with curta.account() as books:
        function()
    assert held is not None
    assert planned.memory.peak_bytes == books.memory.peak_bytes == planned.ledger.first_totals["inputs"] + sum(
        planned.ledger.first_totals[kind] for kind in planned.ledger.first_totals if kind != "inputs"
    ) + 4000  # fmt: skip


def test_versions_are_put_back() -> None:
    x = curta.ones(3, requires_grad=True)
    y = x * 2
    z = y.exp()
    curta.plan(lambda: y.detach().add_(1))
    z.sum().backward()  # what it saved counts as unchanged
    assert x.grad is not None


def test_the_meta_device_stands_for_the_processor() -> None:
    def build(device: str) -> Any:
        layers = [nn.Linear(64, 256), nn.GELU(), nn.LayerNorm(256), nn.Linear(256, 64)]
        for layer in layers:
            for name, parameter in list(layer.named_parameters()):
                setattr(layer, name, nn.Parameter(curta.empty(parameter.shape, device=device)))
        model = nn.Sequential(*layers)
        x = curta.ones(32, 64, device=device)

        def step() -> None:
            F.mse_loss(model(x), x).backward()

        return step, sum(p.nbytes for p in model.parameters()) + x.nbytes

    gc.collect()
    step, there = build("meta")
    planned = curta.plan(step)
    gc.collect()
    real, _ = build("cpu")
    gc.collect()
    books = curta.plan(real)
    assert (planned.flops, planned.bytes_written) == (books.flops, books.bytes_written)
    before = sum(books.ledger.first_totals.values())
    assert planned.memory.peak_bytes - there == books.memory.peak_bytes - before


def test_a_function_that_builds_on_the_meta_device_itself() -> None:
    def function() -> Any:
        return curta.ones(100, 100, device="meta") @ curta.ones(100, 100, device="meta")

    planned = curta.plan(function)
    assert planned.memory.peak_by_category()["temporaries"] == 3 * 40_000
    assert planned.calls == 3


def test_what_is_read_is_refused_with_its_line() -> None:
    x = curta.ones(3)
    with pytest.raises(PlanError, match=r"plan: the values of f32\[\] are read at test_plan.py:\d+, but noth"):
        curta.plan(lambda: x.sum().item())
    assert curta.plan(lambda: x[0].item() + x.sum()).calls > 0  # what was there before has values
    with pytest.raises(PlanError, match=r"plan: test_plan.py:\d+ gives a tensor other memory: do it before"):
        curta.plan(lambda: setattr(x, "data", curta.ones(3)))
    assert x.tolist() == [1.0, 1.0, 1.0]


def test_bad_input() -> None:
    with pytest.raises(ArgumentTypeError, match="plan: requires a function or a module, got int"):
        curta.plan(3)
    table, wrong = curta.ones(3, 2), curta.tensor([5])
    with pytest.raises(IndexRangeError, match="index out of range in self"):
        curta.plan(lambda: F.embedding(wrong, table))
    with pytest.raises(IndexRangeError, match="Target 5 is out of bounds"):
        curta.plan(lambda: F.cross_entropy(table[:1], wrong))
    assert curta.plan(lambda: F.cross_entropy(table[:1], curta.tensor([-100]))).calls > 0


def test_results_keep_their_shape() -> None:
    planned = curta.plan(lambda x: {"a": (x, [x + 1]), "b": 3}, curta.ones(2))
    assert planned.result["b"] == 3
    assert planned.result["a"][1][0].is_meta


def test_a_large_model_is_planned_in_little_memory() -> None:
    code = """
import time
import curta
from curta.models import build, example_inputs, preset
from curta.nn import functional as F
start = time.perf_counter()
config = preset("gpt2-xl")
with curta.device("meta"):
    model, (tokens,) = build(config), example_inputs(config, 1, 1024)
optimizer = curta.optim.AdamW(model.parameters(), lr=1e-3)
def step():
    F.cross_entropy(model(tokens).view(-1, config.vocabulary), tokens.view(-1)).backward()
    optimizer.step()
books = curta.plan(step)
peak = books.memory.peak_by_category()
print(peak["parameters"], peak["gradients"], peak["optimizer state"], books.model_flops)
# not ru_maxrss: that is at least what the starting process had
most = int(next(line for line in open("/proc/self/status") if line.startswith("VmHWM")).split()[1])
print(most, time.perf_counter() - start)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    figures, used = done.stdout.splitlines()
    parameters, T, C, layers = 1_557_611_200, 1024, 1600, 48
    products = layers * 2 * T * 12 * C * C + 2 * T * C * 50257 + layers * 4 * C * (T * (T + 1) // 2)
    assert [int(word) for word in figures.split()] == [4 * parameters, 4 * parameters, 8 * parameters, 3 * products]
    kilobytes, seconds = used.split()
    assert int(kilobytes) < 500_000
    assert float(seconds) < 60  # a few, on a machine that does nothing else


@pytest.mark.skipif((available_bytes() or 1 << 40) < 4 << 30, reason="needs 4 GiB of free memory")
def test_the_systems_own_count() -> None:
    code = """
import curta
from curta import nn
from curta.cli.trainer import resident_bytes
small = nn.Linear(64, 64)
small(curta.ones(8, 64)).sum().backward()
del small
before, held = resident_bytes(), curta.memory.memory_allocated()
model = nn.Sequential(*[nn.Linear(8192, 8192) for _ in range(4)])
x = curta.ones(8, 8192)
def step():
    model(x).sum().backward()
books = curta.plan(step)
step()
most = int(next(line for line in open("/proc/self/status") if line.startswith("VmHWM")).split()[1]) * 1024
print(books.memory.peak_bytes - held, most - before, model.nbytes)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    planned, grown, nbytes = map(int, done.stdout.split())
    assert nbytes > 1_000_000_000
    assert planned > 2 * nbytes
    assert grown == pytest.approx(planned, rel=0.05)
