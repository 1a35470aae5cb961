"""The books against counts done by hand."""

from typing import Any

import numpy as np
import pytest

import curta
from curta import nn
from curta.errors import ArgumentError, ArgumentTypeError, CostError
from curta.nn import functional as F
from curta.ops.record import Op, View
from curta.optim import SGD


def test_matmul_is_two_flops_a_multiply_add() -> None:
    B, D, K = 5, 7, 11
    with curta.account() as books:
        curta.ones(B, D) @ curta.ones(D, K)
    assert books.model_flops == books.by_op()["matmul"].flops == 2 * B * D * K
    assert books.by_op()["matmul"].bytes_written == B * K * 4


def test_linear_backward_is_twice_its_forward() -> None:
    B, D, K = 4, 6, 10
    layer, x = nn.Linear(D, K, bias=False), curta.ones(B, D, requires_grad=True)
    with curta.account() as books:
        layer(x).sum().backward()
    assert books.model_flops == 3 * 2 * B * D * K
    phases = books.by_phase()
    assert set(phases) == {"forward", "backward"}
    assert phases["backward"].flops == 2 * 2 * B * D * K


def test_element_wise_by_hand() -> None:
    x, y = curta.ones(6, 4), curta.ones(4)
    with curta.account() as books:
        (x + y).exp()
    costs = books.by_op()
    assert costs["add"][:4] == (24, 0, 24 * 4 + 4 * 4, 24 * 4)
    assert costs["exp"][:4] == (0, 24, 24 * 4, 24 * 4)
    assert books.calls == 2
    assert books.intensity == 24 / (96 + 16 + 96 + 96 + 96)


def test_views_cost_nothing() -> None:
    x = curta.ones(6, 4)
    with curta.account() as books:
        x.view(4, 6).t()[1:].unsqueeze(0)
    assert books.total == (0, 0, 0, 0, 0, 0)


def test_nested_accounts_and_the_end() -> None:
    x = curta.ones(8)
    with curta.account() as outer:
        x + x
        with curta.account() as inner:
            x * x
    x + x
    assert (outer.flops, inner.flops) == (16, 8)


def test_views_of_a_base_that_came_to_want_a_gradient_have_it_too() -> None:
    x, base = curta.ones(4, requires_grad=True), curta.zeros(4)
    view = base[:2]
    base.add_(x)
    with curta.account():
        (view * 3).sum().backward()
    assert x.grad is not None
    assert x.grad.tolist() == [3, 3, 0, 0]


def test_meta_tensors_are_charged_without_running() -> None:
    x = curta.empty(1000, 1000, device="meta")
    with curta.account() as books:
        x @ x
    assert books.model_flops == 2_000_000_000


def test_the_optimizer_is_its_own_phase() -> None:
    layer = nn.Linear(3, 2)
    optimizer = SGD(layer.parameters(), lr=0.1)
    layer(curta.ones(1, 3)).sum().backward()
    with curta.account() as books:
        optimizer.step()
    assert set(books.by_phase()) == {"optimizer"}


def test_the_table_and_the_dictionary_agree() -> None:
    with curta.account() as books:
        curta.ones(2, 3) @ curta.ones(3, 4)
    found = books.to_dict()
    assert found["model_flops"] == 48
    assert found["by_op"]["matmul"]["calls"] == 1
    assert "matmul" in books.table()
    assert books.table().splitlines()[-1].split()[0] == "total"


def test_places_phases_and_formats() -> None:
    curta.manual_seed(0)
    model = nn.Sequential(nn.Linear(8, 16), nn.ReLU(), nn.Sequential(nn.Linear(16, 4)))
    optimizer = SGD(model.parameters(), lr=0.1)
    x = curta.randn(5, 8)
    with curta.account() as books:
        with curta.autocast("cpu"):
            loss = model(x).square().sum()
        loss.backward()
        optimizer.step()
    modules = books.by_module()
    assert list(modules) == ["0", "1", "2.0", "-"]
    assert modules["0"].model_flops == 2 * 2 * 5 * 8 * 16  # x wants no gradient
    assert modules["2.0"].model_flops == 3 * 2 * 5 * 16 * 4
    assert list(books.by_module(1)) == ["0", "1", "2", "-"]
    assert books.by_dtype()["bfloat16"].model_flops == books.model_flops
    assert books.by_phase()["optimizer"].flops == 2 * model.num_parameters()
    for split in (books.by_op(), modules, books.by_module(1), books.by_phase(), books.by_dtype()):
        assert sum(cost.flops for cost in split.values()) == books.flops
        assert sum(cost.bytes_read for cost in split.values()) == books.bytes_read


def test_two_models_of_a_kind_are_told_apart() -> None:
    one, two = nn.Sequential(nn.Linear(3, 4)), nn.Sequential(nn.Linear(3, 5))
    with curta.account() as books:
        one(curta.ones(2, 3))
        two(curta.ones(2, 3))
    assert {name: cost.model_flops for name, cost in books.by_module().items() if name != "-"} == {
        "Sequential.0": 2 * 2 * 3 * 4,
        "Sequential#2.0": 2 * 2 * 3 * 5,
    }


def test_a_module_that_is_no_part_is_called_by_itself() -> None:
    class Outer(nn.Module):
        def forward(self, x: Any) -> Any:
            return hidden[0](x) + x

    hidden = (nn.Linear(3, 3),)
    with curta.account() as books:
        Outer()(curta.ones(2, 3))
    assert books.by_module()["Linear"].model_flops == 36
    assert books.by_module()["Outer"].flops == 6


class Flat(nn.Module):
    """Looks tokens up, mixes them, and projects."""

    def __init__(self) -> None:
        super().__init__()
        self.table = nn.Embedding(50, 8)
        self.head = nn.Linear(8, 50, bias=False)

    def forward(self, tokens: Any) -> Any:
        x = self.table(tokens)[:, None]  # [B, 1, T, 8]
        return self.head(F.scaled_dot_product_attention(x, x, x, is_causal=True))


def test_conventions() -> None:
    B, T, V, C = 2, 6, 50, 8
    model, tokens = Flat(), curta.zeros(B, T, dtype=curta.int64)
    with curta.account() as books:
        model(tokens).sum().backward()
    found = books.flops_by_convention()
    head, pairs, square = 2 * B * T * C * V, B * T * (T + 1) // 2, B * T * T
    assert found == {
        "executed": 3 * head + pairs * (3 * 4 * C + 2 * C),  # backward makes the scores again
        "causal attention": 3 * head + 3 * 4 * C * pairs,
        "full attention": 3 * head + 3 * 4 * C * square,
        "6·N·D, all parameters": 6 * 2 * V * C * B * T,
        "6·N·D, without embeddings": 6 * V * C * B * T,
    }
    assert books.model_flops == found["causal attention"]
    assert books.hardware_flops == found["executed"]
    assert books.flops_by_convention(tokens=1)["6·N·D, all parameters"] == 6 * 2 * V * C
    with curta.no_grad(), curta.account() as books:
        model(tokens)
    assert books.flops_by_convention()["2·N·D, all parameters"] == 2 * 2 * V * C * B * T
    with curta.account() as books:
        nn.Linear(3, 4)(curta.ones(2, 3))
    assert set(books.flops_by_convention()) == {"executed", "causal attention", "full attention"}
    with pytest.raises(ArgumentError, match="flops_by_convention: tokens must be a number of tokens, got -1"):
        books.flops_by_convention(tokens=-1)


def test_a_function_without_a_cost_is_its_operators() -> None:
    class Square(curta.autograd.Function):
        @staticmethod
        def forward(ctx: Any, x: Any) -> Any:
            ctx.save_for_backward(x)
            return x * x

        @staticmethod
        def backward(ctx: Any, g: Any) -> Any:
            return g * ctx.saved_tensors[0] * 2

    x = curta.ones(10, requires_grad=True)
    with curta.account() as books:
        Square.apply(x).sum().backward()
    assert books.by_op()["mul"][:2] == (30, 0)


def test_a_function_that_leaves_curta_must_say_what_it_costs() -> None:
    class Hidden(curta.autograd.Function):
        @staticmethod
        def forward(ctx: Any, x: Any) -> Any:
            return curta.from_numpy(np.sin(x.detach().numpy()))

        @staticmethod
        def backward(ctx: Any, g: Any) -> Any:
            return curta.from_numpy(g.numpy() * 2)

    class Stated(Hidden):
        cost = staticmethod(lambda inputs, outputs: curta.Cost(0, inputs[0].numel, inputs[0].nbytes, outputs[0].nbytes))
        backward_cost = staticmethod(lambda gradients, results: curta.Cost(results[0].numel, 0, 40, 40))

    x = curta.ones(10, requires_grad=True)
    assert Hidden.apply(x).shape == (10,)
    with curta.account(), pytest.raises(CostError, match=r"account: Hidden takes values out of Curta, .* cost.inputs"):
        Hidden.apply(x)
    with curta.account() as books:
        y = Stated.apply(x)
        y.backward(curta.ones(10))
    assert books.by_op()["Stated"] == (0, 10, 40, 40, 0, 0)
    assert books.by_op()["StatedBackward"] == (10, 0, 40, 40, 0, 0)
    assert books.by_phase()["backward"].flops == 10
    Stated.cost = staticmethod(lambda inputs, outputs: 3)
    with (
        curta.account(),
        pytest.raises(CostError, match=r"account: the cost of Stated must be a curta.Cost of integers, got 3"),
    ):
        Stated.apply(x)


def test_an_operator_needs_a_cost() -> None:
    with pytest.raises(ArgumentTypeError, match=r"twice: an operator needs a cost: a function of .* got NoneType"):
        Op("twice", lambda x: x, View(lambda x: (x, 0)), None, None)  # type: ignore[arg-type]


def test_time_is_measured_if_asked_for() -> None:
    x = curta.ones(200, 200)
    with curta.account(timing=True) as books:
        for _ in range(3):
            x @ x
    (line,) = books.lines
    assert line.calls == 3
    assert 0 < books.seconds == line.seconds < 1
    assert books.table().splitlines()[0].split()[-1] == "ms"
    assert books.to_dict()["by_op"]["matmul"]["seconds"] == books.seconds
    with curta.account() as books:
        x @ x
    with pytest.raises(ArgumentError, match=r"account: the time was not measured: open it with curta.account\(timing="):
        _ = books.seconds


def test_tables() -> None:
    model = nn.Sequential(nn.Linear(3, 4), nn.ReLU())
    with curta.account() as books:
        model(curta.ones(2, 3))
    assert books.table("module").splitlines()[1].split()[:3] == ["0", "1", "56"]
    assert [line.split()[0] for line in books.table("phase").splitlines()] == ["phase", "forward", "total"]
    assert [line.split()[0] for line in books.table(by="dtype").splitlines()] == ["dtype", "float32", "total"]
    with pytest.raises(ArgumentError, match="account: by must be one of op, phase, dtype, module, got 'model'"):
        books.table("model")
    with pytest.raises(ArgumentError, match="account: depth must be a positive integer, got 0"):
        books.by_module(0)


def test_a_compiled_program_has_one_time() -> None:
    double = curta.compile(lambda x: (x * 2).exp())
    x = curta.ones(1000)
    double(x)
    with curta.account(timing=True) as books:
        double(x)
    seconds = {line.operator: line.seconds for line in books.lines}
    assert seconds["mul"] is None
    assert books.seconds == seconds["compiled program"] > 0
    assert books.by_op()["mul"].flops == 1000


def test_tokens_add_up_over_calls() -> None:
    model, tokens = Flat(), curta.zeros(2, 6, dtype=curta.int64)
    with curta.account() as books, curta.no_grad():
        for _ in range(3):
            model(tokens)
    assert books.flops_by_convention()["2·N·D, all parameters"] == 2 * model.num_parameters() * 36
