"""`linear_cross_entropy` against float64 NumPy, finite differences, and the two functions that it stands for."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

import curta
from curta.compiler.matmul.spec import in_tiles
from curta.errors import IndexRangeError
from curta.nn import functional as F
from curta.ops import dispatch, linear_cross_entropy
from curta.ops.linear_cross_entropy import block_rows
from curta.runtime import cpu

RNG = np.random.default_rng(0)
#: sums of hundreds of products, each rounded: what the formats can hold
CLOSE = {"float64": 1e-12, "float32": 2e-5, "bfloat16": 4e-2, "float16": 5e-3}
GRID = [
    (N, C, V)
    for N in (1, 7, 64, 300)
    for C in (1, 8, 33)
    for V in (1, 10, 257, 5000)
    if N * V < 400_000 or C == 8
]  # fmt: skip


@pytest.fixture(params=["many rows at once", "few rows at once"])
def blocks(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Both ways of cutting rows: what was compiled for the other one is forgotten."""
    if request.param == "few rows at once":
        monkeypatch.setattr(linear_cross_entropy, "SCORES_AT_ONCE", 1)
    dispatch._CALLS.clear()
    yield
    dispatch._CALLS.clear()


def oracle(x: Any, weight: Any, bias: Any, target: Any, ignore: int, smoothing: float, g: Any) -> list[Any]:
    """The losses, and the gradients of sum(g * losses), in float64."""
    scores = x @ weight.T + bias
    shifted = scores - scores.max(1, keepdims=True)
    log_p = shifted - np.log(np.exp(shifted).sum(1, keepdims=True))
    wanted = np.full_like(scores, smoothing / scores.shape[1])
    counts = target != ignore
    wanted[np.arange(len(target))[counts], target[counts]] += 1 - smoothing
    losses = np.where(counts, -(wanted * log_p).sum(1), 0)
    slopes = (np.exp(log_p) - wanted) * (g * counts)[:, None]
    return [losses, slopes @ weight, slopes.T @ x, slopes.sum(0)]


def made(values: Any, dtype: str) -> Any:
    return curta.from_numpy(np.array(values)).to(getattr(curta, dtype)).detach().requires_grad_()


def run(loss_of: Any, arrays: Any, dtype: str, g: Any) -> list[Any]:
    tensors = [made(values, dtype) for values in arrays]
    loss = loss_of(*tensors)
    loss.backward(curta.from_numpy(np.asarray(g, dtype="float64")).to(loss.dtype))
    return [loss.detach(), *(one.grad for one in tensors)]


def fused(target: Any, **more: Any) -> Any:
    return lambda x, w, b=None: F.linear_cross_entropy(x, w, curta.from_numpy(target), linear_bias=b, **more)


def apart(target: Any, **more: Any) -> Any:
    return lambda x, w, b=None: F.cross_entropy(F.linear(x, w, b), curta.from_numpy(target), **more)


def case(N: int, C: int, V: int, seed: int = 1) -> tuple[list[Any], Any]:
    random = np.random.default_rng(seed)
    arrays = [random.standard_normal((N, C)), random.standard_normal((V, C)), random.standard_normal(V)]
    target = random.integers(0, V, N)
    target[1::5] = -100
    return arrays, target


@pytest.mark.usefixtures("blocks")
@pytest.mark.parametrize(("N", "C", "V"), GRID)
def test_float64_to_the_last_digits(N: int, C: int, V: int) -> None:
    arrays, target = case(N, C, V)
    g = RNG.uniform(0.5, 1.5, N)
    found = run(fused(target, reduction="none", label_smoothing=0.1), arrays, "float64", g)
    for mine, exact in zip(found, oracle(*arrays, target, -100, 0.1, g), strict=True):
        np.testing.assert_allclose(mine.numpy(), exact, rtol=1e-11, atol=CLOSE["float64"] * max(1, N))


@pytest.mark.usefixtures("blocks")
@pytest.mark.parametrize("dtype", ["float32", "bfloat16", "float16"])
@pytest.mark.parametrize(("N", "C", "V"), [(1, 8, 10), (7, 33, 257), (300, 8, 257), (520, 33, 10)])
def test_formats(dtype: str, N: int, C: int, V: int) -> None:
    arrays, target = case(N, C, V)
    arrays = [made(values, dtype).detach().double().numpy() for values in arrays]
    found = run(fused(target), arrays, dtype, 1.0)
    count = (target != -100).sum()
    losses, *gradients = oracle(*arrays, target, -100, 0.0, np.full(N, 1 / count))
    assert {str(one.dtype) for one in found} == {f"curta.{dtype}"}
    for mine, exact in zip(found, [losses.sum() / count, *gradients], strict=True):
        np.testing.assert_allclose(mine.double().numpy(), exact, rtol=CLOSE[dtype], atol=CLOSE[dtype])


@pytest.mark.usefixtures("blocks")
@pytest.mark.parametrize("dtype", list(CLOSE))
@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
@pytest.mark.parametrize(("N", "C", "V"), [(7, 8, 10), (300, 33, 257), (520, 8, 60)])
def test_the_same_bits_as_the_two_functions(dtype: str, reduction: str, N: int, C: int, V: int) -> None:
    arrays, target = case(N, C, V)
    more = {"reduction": reduction, "label_smoothing": 0.25}
    g = RNG.uniform(0.5, 1.5, N) if reduction == "none" else 1.0
    found, wanted = (run(way(target, **more), arrays[:2], dtype, g) for way in (fused, apart))
    # tiles go on with their sums from block to block of one product, so that of several differs in its last bits
    apart_by = 2.0**-8 if in_tiles(getattr(curta, dtype), cpu.level()) else 0.0
    for mine, other in zip(found, wanted, strict=True):
        assert mine.dtype is other.dtype
        np.testing.assert_allclose(mine.double().numpy(), other.double().numpy(), rtol=apart_by, atol=apart_by**2)


@pytest.mark.usefixtures("blocks")
def test_strides() -> None:
    arrays, target = case(300, 8, 257)
    plain = run(fused(target), arrays, "float32", 1.0)
    x, weight, bias = (np.asarray(one, dtype="float32") for one in arrays)
    places = np.repeat(target, 2)
    layouts = (lambda t: t.t().contiguous().t(), lambda t: curta.stack([t, t], 2)[..., 0], lambda t: t)
    for lay_x in layouts:
        leaves = [made(one, "float32") for one in (x, weight, bias)]
        rows = curta.from_numpy(places)[::2]
        turned = leaves[1].t().contiguous().t()
        spread = curta.stack([leaves[2], leaves[2]], 1)[:, 0]
        loss = F.linear_cross_entropy(lay_x(leaves[0]), turned, rows, linear_bias=spread)
        loss.backward()
        for mine, other in zip([loss.detach(), *(one.grad for one in leaves)], plain, strict=True):
            np.testing.assert_allclose(mine.numpy(), other.numpy(), rtol=1e-5, atol=1e-6)


def test_one_row_and_the_gradients_that_are_wanted() -> None:
    x, weight = curta.tensor([1.0, 2.0]), curta.tensor([[0.5, 0.0], [0.0, 0.5]], requires_grad=True)
    loss = F.linear_cross_entropy(x, weight, curta.tensor(1), reduction="none")
    assert tuple(loss.shape) == ()
    assert loss.item() == pytest.approx(np.log(1 + np.exp(-0.5)), rel=1e-6)
    loss.backward()
    p = 1 / (1 + np.exp(0.5))
    np.testing.assert_allclose(weight.grad.numpy(), [[p, 2 * p], [-p, -2 * p]], rtol=1e-6)
    x.requires_grad_()
    F.linear_cross_entropy(x, weight.detach(), curta.tensor(1)).backward()
    np.testing.assert_allclose(x.grad.numpy(), [p / 2, -p / 2], rtol=1e-6)


@pytest.mark.usefixtures("blocks")
def test_no_rows_no_columns_and_nothing_that_counts() -> None:
    x, weight, bias = (made(np.ones(shape), "float32") for shape in ((0, 4), (5, 4), (5,)))
    none = curta.zeros(0, dtype=curta.int64)
    loss = F.linear_cross_entropy(x, weight, none, linear_bias=bias)
    loss.backward()
    assert np.isnan(loss.item())
    assert (tuple(x.grad.shape), weight.grad.abs().max().item(), bias.grad.abs().max().item()) == ((0, 4), 0, 0)
    flat = F.linear_cross_entropy(
        curta.zeros(2, 0), curta.zeros(4, 0), curta.tensor([0, 3]), linear_bias=curta.zeros(4)
    )
    assert flat.item() == pytest.approx(np.log(4), rel=1e-6)
    x = made(np.ones((3, 4)), "float32")
    ignored = F.linear_cross_entropy(x, weight, curta.full((3,), 7, dtype=curta.int64), ignore_index=7)
    ignored.backward()
    assert np.isnan(ignored.item())
    assert x.grad.abs().max().item() == 0


def test_extreme_scores_and_nan() -> None:
    x, weight = curta.tensor([[1e4]], requires_grad=True), curta.tensor([[1.0], [-1.0]])
    loss = F.linear_cross_entropy(x, weight, curta.tensor([0]))
    loss.backward()
    assert (loss.item(), x.grad.item()) == (0.0, 0.0)
    assert F.linear_cross_entropy(x, weight, curta.tensor([1])).item() == 2e4
    rows = curta.tensor([[float("nan")], [1.0]])
    losses = F.linear_cross_entropy(rows, weight, curta.tensor([0, 0]), reduction="none").tolist()
    assert np.isnan(losses[0])
    assert losses[1] == pytest.approx(np.log(1 + np.exp(-2)), rel=1e-5)


def test_gradients_by_finite_differences_and_again() -> None:
    arrays, target = case(4, 3, 5)
    tensors = tuple(made(values, "float64") for values in arrays)
    assert curta.autograd.gradcheck(fused(target), tensors)
    assert curta.autograd.gradgradcheck(fused(target), tensors)
    assert curta.autograd.gradgradcheck(fused(target, reduction="none"), tensors[:2])


def test_a_weight_that_made_the_rows_too() -> None:
    """As an embedding whose weight is the projection's as well: each way gets its own gradient."""
    arrays, target = case(4, 3, 5)
    found = []
    for way in (fused, apart):
        weight = made(arrays[1], "float64")
        loss = way(target)(weight[:4] * 2, weight)
        (first,) = curta.autograd.grad(loss, [weight], create_graph=True)
        first.square().sum().backward()
        found.append((first.detach().numpy(), weight.grad.numpy()))
    np.testing.assert_allclose(found[0], found[1], rtol=1e-12)


@pytest.mark.parametrize("biased", [False, True])
@pytest.mark.parametrize("create_graph", [False, True])
def test_one_gradient_at_a_time(biased: bool, create_graph: bool) -> None:
    arrays, target = case(4, 3, 5)
    for place in range(2 + biased):
        found = []
        for way in (fused, apart):
            tensors = [made(values, "float64") for values in arrays[: 2 + biased]]
            (one,) = curta.autograd.grad(way(target)(*tensors), [tensors[place]], create_graph=create_graph)
            found.append(one.detach().numpy())
        np.testing.assert_allclose(*found, rtol=1e-12)


@pytest.mark.parametrize("reduction", ["mean", "sum"])
def test_gradients_made_at_once_serve_more_than_one_backward_pass(reduction: str) -> None:
    """Handed out as they are where the loss's gradient is 1, made again where it is not or where they were changed."""
    arrays, target = case(300, 3, 5)
    found = []
    for way in (fused, apart):
        tensors = [made(values, "float32") for values in arrays]
        loss = way(target, reduction=reduction)(*tensors)
        first = curta.autograd.grad(loss, tensors, retain_graph=True)
        kept = [one.clone() for one in first]
        for one in first:
            one.mul_(3)
        loss.backward(retain_graph=True)
        loss.backward(curta.tensor(0.5), retain_graph=True)
        loss.backward()
        found.append([*kept, *(one.grad for one in tensors)])
    for mine, other in zip(*found, strict=True):
        np.testing.assert_allclose(mine.numpy(), other.numpy(), rtol=1e-5, atol=1e-6)


def test_a_step_makes_the_scores_once() -> None:
    arrays, target = case(300, 3, 5)
    for reduction, names in (
        ("mean", {"linear_cross_entropy_both"}),
        ("none", {"linear_cross_entropy", "linear_cross_entropy_backward"}),
    ):
        tensors = [made(values, "float32") for values in arrays]
        with curta.account() as books:
            fused(target, reduction=reduction)(*tensors).sum().backward()
        assert {name for name in books.by_op() if name.startswith("linear")} == names
        with curta.account() as books, curta.no_grad():
            fused(target, reduction=reduction)(*tensors)
        assert {name for name in books.by_op() if name.startswith("linear")} == {"linear_cross_entropy"}


def test_whole_blocks_of_a_product_over_rows() -> None:
    assert [block_rows(N, 50257, curta.float32) for N in (0, 1, 256, 257, 512, 520, 4096)] == [
        16,
        16,
        256,
        144,
        256,
        176,
        256,
    ]
    assert [block_rows(4096, V, curta.float32) for V in (100, 1000, 4000, 8192, 10000)] == [4096, 4096, 1024, 512, 256]


def test_cost_by_hand() -> None:
    N, C, V = 600, 8, 10_000
    x, weight = (made(np.ones(shape), "float32") for shape in ((N, C), (V, C)))
    target = curta.zeros(N, dtype=curta.int64)
    with curta.account() as books:
        loss = F.linear_cross_entropy(x, weight, target, reduction="none")
    cost = books.by_op()["linear_cross_entropy"]
    # of each score less the largest and two sums; of each row the largest again, and the difference of two sums
    forward = 2 * N * C * V + 3 * N * V + N
    assert cost == (forward, N * V + N, 4 * (N * C + V * C) + 8 * N, 4 * N, 2 * N * C * V, 0)
    with curta.account() as books:
        loss.sum().backward()
    cost = books.by_op()["linear_cross_entropy_backward"]
    # the scores once more; their gradients in four operations, and two products
    flops = forward + 2 * 2 * N * C * V + 4 * N * V + N
    moved = (4 * (N + N * C + V * C) + 8 * N, 4 * (N + N * C + V * C))
    assert cost == (flops, 2 * N * V + N, *moved, 4 * N * C * V, 2 * N * C * V)


def test_eager_memory_is_that_of_some_rows() -> None:
    N, C, V = 1024, 4, 20_000
    x, weight = (made(np.ones(shape), "float32") for shape in ((N, C), (V, C)))
    target = curta.zeros(N, dtype=curta.int64)
    F.linear_cross_entropy(x, weight, target).backward()
    x.grad = weight.grad = None
    curta.memory.reset_peak_memory_stats()
    before = curta.memory.memory_allocated()
    F.linear_cross_entropy(x, weight, target).backward()
    taken = curta.memory.max_memory_allocated() - before
    assert block_rows(N, V, curta.float32) * V * 4 < taken < N * V * 4 / 3


@pytest.mark.parametrize("compiled", [False, True])
def test_classes_are_looked_at(compiled: bool) -> None:
    def loss(x: Any, w: Any, t: Any) -> Any:
        return F.linear_cross_entropy(x, w, t, ignore_index=-1)

    function = curta.compile(loss) if compiled else loss
    x, weight = curta.ones(3, 2), curta.ones(4, 2)
    assert function(x, weight, curta.tensor([0, -1, 3])).item() == pytest.approx(np.log(4), rel=1e-6)
    for wrong in (4, -2):
        with pytest.raises(IndexRangeError, match=rf"Target {wrong} is out of bounds\. \(linear_cross_entropy: 4 clas"):
            function(x, weight, curta.tensor([0, wrong, 3]))
    inside = curta.compile(lambda x, w, t: F.linear_cross_entropy(x, w, t * 2))
    with pytest.raises(IndexRangeError, match="Target 4 is out of bounds"):
        inside(x, weight, curta.tensor([0, 1, 2]))


def test_autocast() -> None:
    arrays, target = case(40, 8, 30)
    results = []
    for way in (fused, apart):
        with curta.autocast("cpu", dtype=curta.bfloat16):
            results.append(run(way(target), arrays[:2], "float32", 1.0))
    for mine, other in zip(*results, strict=True):
        assert mine.dtype is other.dtype is curta.float32
        np.testing.assert_array_equal(mine.numpy(), other.numpy())


def test_no_numbers_on_the_meta_device() -> None:
    x, weight = curta.empty(8, 4, device="meta"), curta.empty(10, 4, device="meta")
    target = curta.empty(8, dtype=curta.int64, device="meta")
    assert tuple(F.linear_cross_entropy(x, weight, target, reduction="none").shape) == (8,)


def phases_of(step: Any) -> dict[str, int]:
    with curta.account(memory=False) as books:
        step()
    return {name: cost.model_flops for name, cost in books.by_phase().items() if cost.flops}


@pytest.mark.parametrize("how", ["eager", "compiled"])
def test_gradients_made_ahead_are_the_backward_pass_in_the_books(how: str) -> None:
    x, weight, target = made(RNG.random((6, 4)), "float32"), made(RNG.random((9, 4)), "float32"), curta.arange(6)
    product = 2 * 6 * 9 * 4

    def step() -> None:
        F.linear_cross_entropy(x, weight, target).backward()

    run = step if how == "eager" else curta.compile(step)
    run()
    assert phases_of(run) == {"forward": product, "backward": 2 * product}
    with curta.account(memory=False) as books:
        run()
    both = {line.phase: line for line in books.lines if line.operator == "linear_cross_entropy_both"}
    assert sum(line.calls for line in both.values()) == 1
    # 1 + 4 for each class of a row in the backward pass; what is read and written is no more than the operator's
    assert both["backward"].cost.flops == 2 * product + 6 * (1 + 4 * 9)
    if how == "eager":
        read, written = (sum(line.cost[place] for line in both.values()) for place in (2, 3))
        assert read == 4 * (1 + 6 * 4 + 9 * 4) + 8 * 6  # of the expected gradient one element, which all rows share
        assert written == 4 * (6 + 6 * 4 + 9 * 4)
        assert both["forward"].cost.bytes_written == 4 * 6


def test_what_another_gradient_makes_again_is_no_work_of_the_model() -> None:
    x, weight, target = made(RNG.random((6, 4)), "float32"), made(RNG.random((9, 4)), "float32"), curta.arange(6)
    product = 2 * 6 * 9 * 4

    def step() -> None:
        (F.linear_cross_entropy(x, weight, target) * 3).backward()

    with curta.account(memory=False) as books:
        step()
    assert books.model_flops == 3 * product
    assert books.hardware_flops == 6 * product
    assert phases_of(step)["recomputation"] == 2 * product
    with curta.account(memory=False) as books:
        loss = F.linear_cross_entropy(x, weight, target)
        curta.autograd.grad(loss, [x], create_graph=True)
    assert (books.model_flops, books.hardware_flops) == (3 * product, 5 * product)
