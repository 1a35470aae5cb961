"""A plan against the run that it is of: every figure the same, and nothing changed by it."""

import gc
import resource
import subprocess
import sys
from typing import Any

import pytest
from tests.costs.models import MODELS, step_of

import curta
from curta import nn
from curta.errors import ArgumentTypeError, IndexRangeError, PlanError
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
        [(one.category, one.nbytes, one.operator, one.phase, one.begun) for one in account.ledger.events]
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
import curta
from curta import nn
from curta.nn import functional as F
with_meta = lambda *shape: nn.Parameter(curta.empty(*shape, device="meta"))
weights = [with_meta(8192, 8192) for _ in range(60)]
optimizer = curta.optim.AdamW(weights, lr=1e-3)
x = curta.empty(512, 8192, device="meta")
def step():
    y = x
    for weight in weights:
        y = F.gelu(F.linear(y, weight))
    y.sum().backward()
    optimizer.step()
books = curta.plan(step)
print(books.memory.peak_bytes // 2**30, books.model_flops)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    gigabytes, flops = done.stdout.split()
    assert int(gigabytes) == 60 * 4 * 8192 * 8192 * 4 // 2**30  # weights, gradients and moments
    assert int(flops) == 60 * 6 * 512 * 8192 * 8192 - 2 * 512 * 8192 * 8192  # the first x wants no gradient
    assert resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss < 500 * 1024
