"""Large heads in compiled programs: the bits of eager mode, and never all of the scores."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import curta
from curta.compiled import passes
from curta.models.gpt import GPT, GPTConfig
from curta.nn import functional as F
from curta.ops import linear_cross_entropy
from curta.optim import AdamW
from curta.runtime import cpu

N, C, V = 600, 16, 20_008
SCORES = 4 * N * V


def tensors(dtype: str = "float32", *, bias: bool = False) -> list[Any]:
    random = np.random.default_rng(3)
    shapes = ((N, C), (V, C), (V,))[: 2 + bias]
    made = [curta.from_numpy(random.standard_normal(shape)).to(getattr(curta, dtype)).detach() for shape in shapes]
    target = random.integers(0, V, N)
    target[::7] = -100
    return [*(one.requires_grad_() for one in made), curta.from_numpy(target)]


def fused(*given: Any, **more: Any) -> Any:
    x, weight, *bias, target = given
    return F.linear_cross_entropy(x, weight, target, linear_bias=bias[0] if bias else None, **more)


def apart(*given: Any, **more: Any) -> Any:
    x, weight, *bias, target = given
    return F.cross_entropy(F.linear(x, weight, *bias), target, **more)


def step_of(loss_of: Any, **more: Any) -> Any:
    def step(*given: Any) -> list[Any]:
        loss = loss_of(*given, **more)
        if loss.layout.rank:
            loss = (loss * loss.layout.numel).sum()
        return [loss.detach(), *curta.autograd.grad(loss, [one for one in given if one.requires_grad])]

    return step


def names(program: Any) -> list[str]:
    return [node.call.op.name for node in program.graph.nodes]


def same_bits(found: Any, wanted: Any) -> None:
    for mine, other in zip(found, wanted, strict=True):
        assert mine.dtype is other.dtype
        np.testing.assert_array_equal(mine.double().numpy(), other.double().numpy())


@pytest.mark.parametrize("dtype", ["float32", "float64", "bfloat16", "float16"])
@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
@pytest.mark.parametrize("way", [fused, apart])
def test_the_bits_of_eager_mode(way: Any, reduction: str, dtype: str) -> None:
    given = tensors(dtype)
    step = step_of(way, reduction=reduction, label_smoothing=0.1)
    compiled = curta.compile(step)
    same_bits(compiled(*given), step(*given))
    assert names(compiled.program).count("linear_cross_entropy_both") == 1
    assert not {"linear", "matmul", "linear_cross_entropy"} & set(names(compiled.program))


@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
def test_a_bias(dtype: str) -> None:
    """Its gradient sums in another order, so that a program of two functions stays what it is."""
    given = tensors(dtype, bias=True)
    compiled = curta.compile(step_of(fused))
    same_bits(compiled(*given), step_of(fused)(*given))
    assert "linear_cross_entropy" not in names(compiled.program)
    two = curta.compile(step_of(apart))
    same_bits(two(*given), step_of(apart)(*given))
    assert "linear_cross_entropy_both" not in names(two.program)
    given[2].requires_grad_(False)
    frozen = curta.compile(step_of(apart))
    same_bits(frozen(*given), step_of(apart)(*given))
    assert "linear_cross_entropy_both" in names(frozen.program)


@pytest.mark.parametrize("wanted", [0, 1])
def test_one_gradient(wanted: int) -> None:
    given = tensors()
    given[1 - wanted].requires_grad_(False)
    compiled = curta.compile(step_of(apart))
    same_bits(compiled(*given), step_of(apart)(*given))
    (node,) = [node for node in compiled.program.graph.nodes if len(node.parts) == 4]
    assert node.params["wanted"] == (wanted == 0, wanted == 1)


@pytest.mark.parametrize("way", [fused, apart])
def test_a_loss_alone(way: Any) -> None:
    given = [one.detach() for one in tensors()]
    compiled = curta.compile(way)
    same_bits([compiled(*given)], [way(*given)])
    assert "linear_cross_entropy" in names(compiled.program)
    assert compiled.program.account().arena_bytes < SCORES / 2


@pytest.mark.parametrize("way", [fused, apart])
def test_memory_by_hand(way: Any) -> None:
    """600 rows go in blocks of 208: the sums of a product over 600 rows are cut into three."""
    given = tensors()
    compiled = curta.compile(step_of(way))
    compiled(*given)
    account = compiled.program.account()
    rows, line = 208, 64
    losses = 38 * line  # 600 numbers
    assert account.arena_bytes == 4 * rows * V + losses + 2 * line  # the count of classes, and its reciprocal
    assert account.output_bytes == 4 * (1 + N * C + V * C)
    # three products; of each score less the largest, two sums, and its gradient in four; of each row a few
    assert account.flops == 3 * 2 * N * C * V + 7 * N * V + 4 * N


#: rows at a time of 600: even blocks of at most 256, or of 512 where products take pairs
HALVES_AT_ONCE = 304 if cpu.level() == "avx512bf16" else 208


@pytest.mark.parametrize(("width", "arena"), [(16, 2 * HALVES_AT_ONCE + 4 * 16), (512, 2 * 600)])
def test_memory_of_halves(width: int, arena: int) -> None:
    """Sums of several blocks are float32 until the last; where these take more than all the scores, all are made."""
    random = np.random.default_rng(3)
    x, weight = (curta.from_numpy(random.standard_normal((rows, width))).bfloat16().detach() for rows in (N, V))
    given = [x.requires_grad_(), weight.requires_grad_(), tensors()[-1]]
    compiled = curta.compile(step_of(fused))
    compiled(*given)
    assert V * arena <= compiled.program.account().arena_bytes < V * arena + 4096


def test_costs_and_phases_are_those_of_the_function() -> None:
    given = tensors()
    compiled = curta.compile(step_of(apart))
    with curta.account() as books:
        compiled(*given)
    with curta.account() as eager:
        step_of(apart)(*given)
    assert books.model_flops == eager.model_flops == 3 * 2 * N * C * V
    assert {name: cost.flops for name, cost in books.by_op().items()} == {
        name: cost.flops for name, cost in eager.by_op().items() if name in books.by_op()
    }
    assert books.flops == compiled.program.account().flops
    assert set(books.by_phase()) == {"forward", "backward"}


@pytest.mark.parametrize(
    "loss_of",
    [
        pytest.param(lambda s, t: F.cross_entropy(s, t) + s.sum(), id="used again"),
        pytest.param(lambda s, t: F.cross_entropy(s * 2, t), id="changed"),
        pytest.param(lambda s, t: F.cross_entropy(s, t, weight=curta.ones(V)), id="weighted"),
        pytest.param(lambda s, t: F.cross_entropy(s, t) + F.cross_entropy(s, (t + 1).clamp(0, V - 1)), id="twice"),
        pytest.param(lambda s, t: F.cross_entropy(s, t, reduction="none").square().sum(), id="after the losses"),
    ],
)  # fmt: skip
def test_other_uses_of_the_scores_keep_them(loss_of: Any) -> None:
    step = step_of(lambda x, w, t: loss_of(F.linear(x, w), t))
    given = tensors()
    compiled = curta.compile(step)
    same_bits(compiled(*given), step(*given))
    assert "linear_cross_entropy_both" not in names(compiled.program)


def test_scores_that_are_returned() -> None:
    def step(x: Any, w: Any, t: Any) -> Any:
        scores = F.linear(x, w)
        loss = F.cross_entropy(scores, t)
        return scores.detach(), loss.detach(), *curta.autograd.grad(loss, [x, w])

    given = tensors()
    same_bits(curta.compile(step)(*given), step(*given))


def test_losses_that_the_gradient_needs() -> None:
    """The backward pass cannot take the forward pass's place: the scores are made twice."""
    step = step_of(lambda *given: fused(*given, reduction="none").square().sum())
    given = tensors()
    compiled = curta.compile(step)
    same_bits(compiled(*given), step(*given))
    found = names(compiled.program)
    assert found.count("linear_cross_entropy") == found.count("linear_cross_entropy_backward") == 1


@pytest.mark.parametrize("change", ["weight", "rows"])
def test_what_changes_between(change: str) -> None:
    """The weight or the rows change after the scores were made, before their gradients are."""

    def step(x: Any, w: Any, t: Any) -> Any:
        rows, weight = x * 1, w * 1
        loss = F.cross_entropy(F.linear(rows.detach(), weight.detach()), t)
        (weight if change == "weight" else rows).mul_(2)
        again = F.cross_entropy(F.linear(rows, weight), t)
        return loss, again.detach(), *curta.autograd.grad(again, [x, w])

    given = tensors()
    same_bits(curta.compile(step)(*given), step(*given))


def test_training_a_tied_model_takes_less_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    """The projection's weight is the embedding's: its gradient has two parts, and an update follows."""
    random = np.random.default_rng(5)
    tokens = [curta.from_numpy(random.integers(0, 21_000, (2, 300))) for _ in range(2)]

    def train(compiled: bool) -> Any:
        curta.manual_seed(0)
        model = GPT(GPTConfig(vocabulary=21_000, width=16, layers=1, heads=2, context=300))
        optimizer = AdamW(model.parameters(), lr=1e-2)

        def step(x: Any, y: Any) -> Any:
            loss = F.cross_entropy(model(x).view(-1, 21_000), y.view(-1))
            loss.backward()
            optimizer.step()
            optimizer.zero_grad()
            return loss

        function = curta.compile(step) if compiled else step
        losses = [function(*tokens).detach() for _ in range(2)]
        return [*losses, *(one.detach() for one in model.parameters())], function

    wanted, _ = train(compiled=False)
    found, function = train(compiled=True)
    same_bits(found, wanted)
    few = function.program.account()
    monkeypatch.setattr(passes, "hold_few_scores", lambda graph: graph)
    found, function = train(compiled=True)
    same_bits(found, wanted)
    whole = function.program.account()
    assert few.arena_bytes < 0.6 * whole.arena_bytes
    assert (few.cost.flops, few.cost.transcendentals) == (whole.cost.flops, whole.cost.transcendentals)


def test_the_weights_gradient_is_not_held_where_it_would_take_more() -> None:
    """A wide model and few rows: an update that joins the product needs no memory for the gradient."""
    random = np.random.default_rng(5)
    x = curta.from_numpy(random.standard_normal((300, 512), dtype=np.float32))
    weight = curta.from_numpy(random.standard_normal((9_000, 512), dtype=np.float32)).requires_grad_()
    target = curta.from_numpy(random.integers(0, 9_000, 300))
    optimizer = AdamW([weight])

    def step(x: Any, target: Any) -> Any:
        loss = F.cross_entropy(F.linear(x, weight), target)
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()
        return loss

    compiled = curta.compile(step)
    compiled(x, target)
    assert "linear_cross_entropy_both" not in names(compiled.program)
    assert compiled.program.account().arena_bytes < weight.nbytes


def test_threads_change_nothing() -> None:
    given = tensors()
    compiled = curta.compile(step_of(apart))
    before = curta.get_num_threads()
    try:
        found = []
        for count in (1, 2, 3):
            curta.set_num_threads(count)
            found.append([compiled(*given), step_of(fused)(*given)])
    finally:
        curta.set_num_threads(before)
    for other in found[1:]:
        for mine, one in zip(found[0], other, strict=True):
            same_bits(mine, one)


def test_rows_that_end_in_one_stay_together() -> None:
    """A single row goes through another kernel, which rounds otherwise."""
    rows = 19 * 256 + 1
    assert rows % linear_cross_entropy.block_rows(rows, 20_000, curta.float32) == 1
    x, weight = curta.ones(rows, 4), curta.ones(20_000, 4)
    compiled = curta.compile(apart)
    compiled(x, weight, curta.zeros(rows, dtype=curta.int64))
    assert "linear" in names(compiled.program)
