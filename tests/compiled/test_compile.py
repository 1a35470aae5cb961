"""Compiled functions do what the function itself does, to the bit, and leave alone what it leaves alone."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import curta
from curta import nn, optim
from curta.errors import CompileError
from curta.models.gpt import GPT, GPTConfig
from curta.nn import functional as F

OPTIMIZERS: dict[str, Callable[[Any], Any]] = {
    "SGD": lambda p: optim.SGD(p, lr=0.1),
    "SGD momentum": lambda p: optim.SGD(p, lr=0.1, momentum=0.9, dampening=0.5, weight_decay=0.01),
    "Adagrad": lambda p: optim.Adagrad(p, lr=0.05, lr_decay=0.1),
    "RMSprop": lambda p: optim.RMSprop(p, lr=0.01, momentum=0.5, centered=True),
    "Adam": lambda p: optim.Adam(p, lr=0.01, amsgrad=True),
    "AdamW": lambda p: optim.AdamW(p, lr=0.01),
}
RANDOM = np.random.default_rng(0)
BATCHES = [(RANDOM.normal(size=(8, 6)).astype(np.float32), RANDOM.integers(0, 4, 8)) for _ in range(5)]


def network() -> nn.Module:
    curta.manual_seed(1)
    return nn.Sequential(nn.Linear(6, 16), nn.GELU(), nn.Dropout(0.2), nn.LayerNorm(16), nn.Linear(16, 4))


def numbers(tensors: Any) -> list[Any]:
    return [None if one is None else one.detach().tolist() for one in tensors]


def both(run: Callable[[Callable[[Any], Any]], Any]) -> None:
    """`run(compile)` gives the same with `curta.compile` as with the function left as it is."""
    assert run(curta.compile) == run(lambda function: function)


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_a_whole_step(name: str) -> None:
    def run(compile: Any) -> Any:
        model = network()
        optimizer = OPTIMIZERS[name](model.parameters())

        @compile
        def step(x: Any, y: Any) -> Any:
            loss = F.cross_entropy(model(x), y)
            loss.backward()
            norm = nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
            optimizer.zero_grad()
            return {"loss": loss, "norm": norm}

        curta.manual_seed(2)
        results = [step(curta.tensor(x), curta.tensor(y)) for x, y in BATCHES]
        losses = [(one["loss"].item(), one["norm"].item()) for one in results]
        state = optimizer.state_dict()["state"]
        counts = [values.get("step") for values in state.values()]
        return (
            losses,
            numbers(model.parameters()),
            numbers(p.grad for p in model.parameters()),
            counts,
            optimizer.step_count,
        )

    both(run)


def test_a_language_model_in_every_respect() -> None:
    def run(compile: Any) -> Any:
        curta.manual_seed(0)
        model = GPT(GPTConfig(width=16, layers=2, heads=2, context=8))
        optimizer = optim.AdamW(model.parameters(), lr=0.01)
        schedule = optim.CosineWithWarmup(optimizer, warmup_steps=2, total_steps=6)

        @compile
        def step(x: Any, y: Any) -> Any:
            logits = model(x)
            loss = F.cross_entropy(logits.view(-1, 256), y.reshape(-1))
            loss.backward()
            optimizer.step()
            schedule.step()
            optimizer.zero_grad()
            return loss

        random = np.random.default_rng(1)
        tokens = [curta.tensor(random.integers(0, 256, (3, 9))) for _ in range(5)]
        losses = [step(one[:, :-1], one[:, 1:]).item() for one in tokens]
        return losses, numbers(model.parameters()), schedule.get_last_lr(), schedule.last_epoch

    both(run)


def test_groups_of_parameters_with_rates_of_their_own() -> None:
    def run(compile: Any) -> Any:
        one, two = curta.ones(2, requires_grad=True), curta.ones(2, requires_grad=True)
        optimizer = optim.Adam([{"params": [one]}, {"params": [two], "lr": 0.5}], lr=0.1)

        @compile
        def step() -> None:
            (one * two * 3).sum().backward()
            optimizer.step()
            optimizer.zero_grad()

        for number in range(4):
            step()
            if number == 1:
                optimizer.param_groups[1]["lr"] = 0.01
        return numbers([one, two])

    both(run)


def test_gradients_that_nothing_cleared_are_there_and_add_up() -> None:
    def run(compile: Any) -> Any:
        model = network()
        model.eval()
        backward = compile(lambda x, y: F.cross_entropy(model(x), y).backward())
        seen = []
        for number, (x, y) in enumerate(BATCHES):
            backward(curta.tensor(x), curta.tensor(y))
            seen.append(numbers(p.grad for p in model.parameters()))
            if number == 2:
                for parameter in model.parameters():
                    parameter.grad = None
        return seen

    both(run)


def test_a_module_takes_part_in_gradients_outside() -> None:
    def run(compile: Any) -> Any:
        model = network()
        forward = compile(model)
        optimizer = optim.SGD(model.parameters(), lr=0.1)
        seen: list[Any] = []
        curta.manual_seed(4)
        for x, _ in BATCHES:
            leaf = curta.tensor(x, requires_grad=True)
            loss = (forward(leaf * 2) ** 2).mean()
            loss.backward()
            seen += [loss.item(), leaf.grad.tolist(), numbers(p.grad for p in model.parameters())]
            optimizer.step()
            optimizer.zero_grad()
        model.eval()
        with curta.no_grad():
            seen.append(forward(curta.ones(2, 6)).tolist())
        return seen

    both(run)


def test_a_result_that_backward_needs_and_that_was_changed_is_noticed() -> None:
    for compile in (curta.compile, lambda function: function):
        exponential = compile(lambda x: x.exp())
        y = exponential(curta.ones(2, requires_grad=True))
        y.detach().mul_(2)
        with pytest.raises(RuntimeError, match="has been modified by an inplace operation"):
            y.sum().backward()


def test_schedules_of_several_parts_step_at_every_run() -> None:
    def run(compile: Any) -> Any:
        weight = curta.ones(2, requires_grad=True)
        optimizer = optim.SGD([weight], lr=1.0)
        parts = [
            optim.lr_scheduler.LinearLR(optimizer, 0.5, total_iters=2),
            optim.lr_scheduler.CosineAnnealingLR(optimizer, 4),
        ]
        schedule = optim.lr_scheduler.SequentialLR(optimizer, parts, [2])

        @compile
        def step() -> None:
            (weight * 0.1).sum().backward()
            optimizer.step()
            optimizer.zero_grad()
            schedule.step()

        rates = []
        for _ in range(5):
            step()
            rates.append(optimizer.param_groups[0]["lr"])
        return rates, weight.tolist()

    both(run)


def test_several_results_of_every_kind() -> None:
    weight = curta.tensor([[1.0, 2.0], [3.0, 4.0]], requires_grad=True)

    def function(x: Any, scale: float, extra: dict[str, Any]) -> Any:
        y = x @ weight
        return (y, [x, weight.detach(), scale]), {"sum": extra["b"].sum(), "flag": y > 2, "view": y.T[0]}

    def run(compile: Any) -> Any:
        x = curta.tensor([[1.0, -1.0]], requires_grad=True)
        (y, (same, w, scale)), rest = compile(function)(x, 2.0, {"b": curta.arange(3)})
        (y.sum() + rest["view"].sum()).backward()
        assert same is x or same.data_ptr() == x.data_ptr()
        found = [y, same, w, rest["sum"], rest["flag"], rest["view"], x.grad, weight.grad]
        weight.grad = None
        return numbers(found), scale, y.requires_grad, rest["flag"].requires_grad

    both(run)


def test_programs_are_kept_by_shape_format_mode_and_number() -> None:
    function = curta.compile(lambda x, power: x**power + 1)
    for x in (curta.ones(2), curta.ones(3), curta.ones(2, dtype=curta.float64), curta.ones(2)):
        assert function(x, 2).tolist() == [2.0] * x.numel()
    assert len(function.programs) == 3
    function(curta.ones(2), 3)
    function(curta.ones(2, requires_grad=True), 3)
    with curta.no_grad():
        function(curta.ones(2), 3)
    assert len(function.programs) == 6
    function(curta.ones(4)[1:3], 3)
    assert len(function.programs) == 6


FACTOR = 2.0


def test_what_the_function_names_outside_is_looked_at_again(monkeypatch: pytest.MonkeyPatch) -> None:
    offset = curta.ones(2)
    function = curta.compile(lambda x: x * FACTOR + offset)
    assert function(curta.ones(2)).tolist() == [3.0, 3.0]
    offset.fill_(5)
    assert function(curta.ones(2)).tolist() == [7.0, 7.0]
    assert len(function.programs) == 1
    monkeypatch.setitem(globals(), "FACTOR", 3.0)
    assert function(curta.ones(2)).tolist() == [8.0, 8.0]
    offset = curta.zeros(2)
    assert function(curta.ones(2)).tolist() == [3.0, 3.0]


def test_writes_through_views_of_arguments_and_tensors_outside() -> None:
    def run(compile: Any) -> Any:
        outside = curta.zeros(3, 4)

        def function(x: Any) -> Any:
            x.T[1].add_(10)
            outside[:, 1:3].mul_(2).add_(x[0, 0])
            y = x.clone()
            y[0] = 7
            return y

        compiled = compile(function)
        x = curta.arange(6.0).reshape(2, 3)
        seen = [compiled(x).tolist(), compiled(x).tolist(), x.tolist(), outside.tolist(), x._version, outside._version]
        return seen

    both(run)


def test_random_numbers_are_the_same_stream() -> None:
    def run(compile: Any) -> Any:
        draw = compile(lambda: (curta.rand(3), curta.randn(2), curta.randint(0, 9, (4,))))
        curta.manual_seed(3)
        first = [numbers(draw()) for _ in range(3)]
        return first, curta.rand(2).tolist()

    both(run)


def test_tensors_made_from_python_are_fresh_at_every_run() -> None:
    def function(x: Any) -> Any:
        made = curta.tensor([1.0, 2.0])
        made += x
        return made

    both(lambda compile: [f(curta.ones(2)).tolist() for f in [compile(function)] * 3])


def test_indices_of_every_origin() -> None:
    table = curta.arange(12.0).reshape(4, 3)

    def function(rows: Any) -> Any:
        first = rows.argmax().reshape(1)
        return (
            table[rows],
            table[curta.arange(2)],
            table[first],
            F.embedding(rows, table),
            table.gather(0, rows[None]),
        )

    both(lambda compile: [numbers(f(curta.tensor([0, 3, 1]))) for f in [compile(function)] * 2])


def test_an_index_outside_is_refused_before_anything_happens() -> None:
    counter = curta.zeros(1)

    @curta.compile
    def function(rows: Any) -> Any:
        counter.add_(1)
        return F.embedding(rows, curta.ones(4, 2))

    function(curta.tensor([0, 3]))
    with pytest.raises(IndexError, match="index out of range in self"):
        function(curta.tensor([0, 4]))
    assert counter.item() == 1
    computed = curta.compile(lambda rows: curta.ones(4)[rows + 1])
    assert computed(curta.tensor([2])).tolist() == [1.0]
    with pytest.raises(IndexError, match="index 9 is out of bounds for dimension 0 with size 4"):
        computed(curta.tensor([8]))
    with pytest.raises(IndexError, match="index -7 is out of bounds for dimension 0 with size 4"):
        computed(curta.tensor([-8]))


@pytest.mark.parametrize(
    "read",
    [
        lambda x: 1 if x.sum() > 0 else 2,
        lambda x: x.sum().item(),
        lambda x: x.tolist(),
        lambda x: x.numpy(),
        lambda x: curta.equal(x, x),
        lambda x: x[x > 0],
    ],
)
def test_what_depends_on_values_is_refused_with_its_line(read: Callable[[Any], Any]) -> None:
    with pytest.raises(CompileError, match=r"are read at test_compile.py:\d+, but they are known only when"):
        curta.compile(lambda x: read(x * 1))(curta.ones(2))


def test_a_function_that_fails_leaves_everything_as_it_was() -> None:
    model = network()
    optimizer = optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
    schedule = optim.lr_scheduler.CosineAnnealingLR(optimizer, 5)
    before = numbers(model.parameters())
    leaked: list[Any] = []

    @curta.compile
    def step(x: Any) -> Any:
        loss = model(x).sum()
        loss.backward()
        optimizer.step()
        schedule.step()
        leaked.append(loss)
        return loss.item()

    curta.manual_seed(7)
    state = curta.get_rng_state().tolist()
    with pytest.raises(CompileError, match=r"the values of f32\[\] are read at test_compile.py"):
        step(curta.ones(2, 6))
    assert numbers(model.parameters()) == before
    assert all(parameter.grad is None for parameter in model.parameters())
    assert curta.get_rng_state().tolist() == state
    assert optimizer.step_count == 0
    assert schedule.last_epoch == 0
    assert all("momentum_buffer" not in values for values in optimizer.state.values())
    with pytest.raises(NotImplementedError, match="Cannot copy out of meta tensor"):
        leaked[0].item()


def test_a_compiled_function_inside_another_is_part_of_it() -> None:
    inner = curta.compile(lambda x: x * 2)
    outer = curta.compile(lambda x: inner(x) + 1)
    assert outer(curta.ones(2)).tolist() == [3.0, 3.0]
    assert inner.programs == []


def test_two_threads_share_a_program() -> None:
    function = curta.compile(lambda x: (x + 1).exp().log().sum())
    function(curta.zeros(1000))
    wrong: list[float] = []

    def work(value: float) -> None:
        for _ in range(100):
            found = function(curta.full((1000,), value)).item()
            if abs(found - 1000 * (value + 1)) > 1:
                wrong.append(found)

    threads = [threading.Thread(target=work, args=(float(value),)) for value in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


def test_methods_and_decorated_functions_keep_their_names() -> None:
    class Model:
        @curta.compile
        def double(self, x: Any) -> Any:
            """Twice."""
            return x * 2

    model = Model()
    assert model.double(curta.ones(1)).item() == 2
    assert Model.double.__name__ == "double"
    assert Model.double.__doc__ == "Twice."


def test_what_outlives_a_recording_is_never_read() -> None:
    leaked: list[Any] = []

    @curta.compile
    def function(x: Any) -> Any:
        y = x * 2
        leaked.extend([y, y.T, y.reshape(-1), curta.empty(3), x, nn.Parameter(y.detach())])
        return y

    assert function(curta.ones(2, 2)).tolist() == [[2.0, 2.0], [2.0, 2.0]]
    for tensor in leaked:
        assert tensor.device.type == "meta"
        assert (tensor + 1).device.type == "meta"


def test_a_first_run_that_fails_counts_for_nothing() -> None:
    table = curta.ones(4, 2, requires_grad=True)
    optimizer = optim.Adam([table], lr=0.1)

    @curta.compile
    def step(rows: Any) -> Any:
        loss = (F.embedding(rows, table) * curta.rand(2)).sum()
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()
        return loss

    curta.manual_seed(1)
    state = curta.get_rng_state().tolist()
    with pytest.raises(IndexError, match="index out of range in self"):
        step(curta.tensor([7]))
    assert curta.get_rng_state().tolist() == state
    assert optimizer.step_count == 0
    assert step.programs == []
    step(curta.tensor([1]))
    assert optimizer.state[table]["step"] == 1


def test_what_wants_a_gradient_is_looked_at_again() -> None:
    model = nn.Linear(2, 1)
    backward = curta.compile(lambda x: model(x).sum().backward())
    backward(curta.ones(1, 2))
    model.zero_grad()
    model.weight.requires_grad_(False)
    backward(curta.ones(1, 2))
    assert model.weight.grad is None
    assert model.bias.grad.tolist() == [1.0]


def test_an_argument_collects_its_gradient() -> None:
    def run(compile: Any) -> Any:
        square = compile(lambda x: (x * x).sum().backward())
        x = curta.tensor([1.0, 2.0], requires_grad=True)
        seen = []
        for _ in range(3):
            square(x)
            seen.append(x.grad.tolist())
        return seen

    both(run)


def test_memory_that_moved_is_noticed() -> None:
    weight = curta.ones(2)
    function = curta.compile(lambda x: x * weight)
    assert function(curta.ones(2)).tolist() == [1.0, 1.0]
    weight.data = curta.full((2,), 3.0)
    assert function(curta.ones(2)).tolist() == [3.0, 3.0]


def test_refused() -> None:
    outside = curta.ones(2, requires_grad=True) * 2
    with pytest.raises(NotImplementedError, match=r"\.py:\d+ uses a tensor from outside that has a gradient"):
        curta.compile(lambda x: x * outside)(curta.ones(2))
    for rebind in (lambda x: setattr(outside, "data", x), lambda x: nn.Linear(1, 1).half()):
        with pytest.raises(CompileError, match=r"test_compile.py:\d+ gives a tensor other memory: use copy_"):
            curta.compile(rebind)(curta.ones(2))
    with pytest.raises(TypeError, match="compile: requires a function or a module, got int"):
        curta.compile(3)
    with pytest.raises(CompileError, match="there is no program before the first call"):
        _ = curta.compile(lambda: 1).program
    shared = curta.compile(lambda x, y: x.add_(y))
    x = curta.ones(4)
    shared(x[:2], curta.ones(2))
    with pytest.raises(CompileError, match="an argument that the function changes shares memory"):
        shared(x[:2], x[1:3])
    weight = curta.ones(2)
    changed = curta.compile(lambda x: weight.add_(x))
    changed(curta.ones(2))
    with pytest.raises(CompileError, match="an argument shares memory with a tensor that the function changes"):
        changed(weight)
    with pytest.raises(NotImplementedError, match="compile: tensors on the meta device are not supported"):
        curta.compile(lambda x: x + 1)(curta.ones(2, device="meta"))
