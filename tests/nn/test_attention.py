"""Attention as one operator: against float64 NumPy, its gradients, its account, and what it keeps."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parent.parent / "compiler"))
from attention_harness import gradients, oracle

import curta
from curta.errors import ArgumentError, ShapeError
from curta.memory.allocator import HOST
from curta.nn import functional as F
from curta.nn.attention import dot_product as attention

RNG = np.random.default_rng(0)


def normal(*shape: int) -> Any:
    return RNG.standard_normal(shape)


def leaves(*arrays: Any) -> list[Any]:
    return [curta.from_numpy(np.array(one)).requires_grad_() for one in arrays]


@pytest.mark.parametrize("causal", [False, True])
def test_batches_broadcast(causal: bool) -> None:
    arrays = normal(2, 1, 5, 4), normal(3, 6, 4), normal(1, 1, 6, 2)
    q, k, v = leaves(*arrays)
    out = F.scaled_dot_product_attention(q, k, v, is_causal=causal)
    assert tuple(out.shape) == (2, 3, 5, 2)
    settings = {"scale": 0.5, "causal": causal}
    np.testing.assert_allclose(out.detach().numpy(), oracle(*arrays, **settings)[1], rtol=1e-12, atol=1e-13)
    g = normal(2, 3, 5, 2)
    out.backward(curta.from_numpy(g))
    whole = [np.broadcast_to(one, (2, 3, *one.shape[-2:])) for one in arrays]
    for found, wanted, one in zip((q, k, v), gradients(g, *whole, **settings), arrays, strict=True):
        while wanted.ndim > one.ndim:
            wanted = wanted.sum(0)
        for dim, size in enumerate(one.shape):
            if size == 1 and wanted.shape[dim] != 1:
                wanted = wanted.sum(dim, keepdims=True)
        np.testing.assert_allclose(found.grad.numpy(), wanted, rtol=1e-11, atol=1e-12)


@pytest.mark.parametrize("shared", [1, 2, 4])
def test_heads_that_share_keys_are_not_copied(shared: int) -> None:
    arrays = normal(2, 4, 7, 3), normal(2, shared, 6, 3), normal(2, shared, 6, 5)
    q, k, v = leaves(*arrays)
    with curta.account() as books:
        out = F.scaled_dot_product_attention(q, k, v, is_causal=True, enable_gqa=True)
    assert {name for name, cost in books.by_op().items() if cost.bytes_written} == {"attention"}
    repeated = [np.repeat(one, 4 // shared, 1) for one in arrays[1:]]
    settings = {"scale": 3**-0.5, "causal": True}
    np.testing.assert_allclose(out.detach().numpy(), oracle(arrays[0], *repeated, **settings)[1], rtol=1e-12)
    g = normal(2, 4, 7, 5)
    out.backward(curta.from_numpy(g))
    to_q, to_k, to_v = gradients(g, arrays[0], *repeated, **settings)
    np.testing.assert_allclose(q.grad.numpy(), to_q, rtol=1e-11, atol=1e-12)
    for found, wanted in ((k, to_k), (v, to_v)):
        summed = wanted.reshape(2, shared, 4 // shared, *wanted.shape[2:]).sum(2)
        np.testing.assert_allclose(found.grad.numpy(), summed, rtol=1e-11, atol=1e-12)


@pytest.mark.parametrize("kind", ["bool", "add"])
@pytest.mark.parametrize(
    "shape", [(6,), (1,), (5, 6), (5, 1), (1, 6), (4, 5, 6), (1, 5, 6), (2, 4, 1, 6), (2, 1, 5, 1)]
)
@pytest.mark.parametrize("grouped", [False, True])
def test_masks_of_every_shape(kind: str, shape: tuple[int, ...], grouped: bool) -> None:
    heads = 2 if grouped else 4
    arrays = normal(2, 4, 5, 3), normal(2, heads, 6, 3), normal(2, heads, 6, 2)
    numbers = normal(*shape)
    mask = numbers > -0.5 if kind == "bool" else numbers
    q, k, v = leaves(*arrays)
    with curta.account() as books:
        out = F.scaled_dot_product_attention(q, k, v, curta.from_numpy(mask), enable_gqa=grouped)
    assert "attention" in books.by_op()
    whole = [arrays[0], *(np.repeat(one, 4 // heads, 1) for one in arrays[1:])]
    settings = {"scale": 3**-0.5, "causal": False, "mask": mask}
    np.testing.assert_allclose(out.detach().numpy(), oracle(*whole, **settings)[1], rtol=1e-12, atol=1e-13)
    g = normal(2, 4, 5, 2)
    out.backward(curta.from_numpy(g))
    for found, wanted in zip((q, k, v), gradients(g, *whole, **settings), strict=True):
        if wanted.shape[1] != found.shape[1]:
            wanted = wanted.reshape(2, heads, 4 // heads, *wanted.shape[2:]).sum(2)
        np.testing.assert_allclose(found.grad.numpy(), wanted, rtol=1e-11, atol=1e-12)


@pytest.mark.parametrize("dtype", ["float32", "float64", "bfloat16"])
@pytest.mark.parametrize(
    "more",
    [{}, {"is_causal": True}, {"is_causal": True, "window": 9}, {"attn_mask": "bool"}, {"enable_gqa": True}],
    ids=str,
)
def test_dropout_is_that_of_the_probabilities(
    dtype: str, more: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same numbers as over all scores, where the operator of dropout takes its stream in their order."""
    heads = 2 if more.get("enable_gqa") else 4
    arrays = normal(2, 4, 37, 8), normal(2, heads, 300, 8), normal(2, heads, 300, 5)
    options = dict(more)
    if "attn_mask" in more:
        options["attn_mask"] = curta.from_numpy(normal(37, 300) > -1)
    g = curta.from_numpy(normal(2, 4, 37, 5)).to(getattr(curta, dtype))
    results = []
    for widest in (256, 0):
        monkeypatch.setattr(attention, "WIDEST", widest)
        curta.manual_seed(11)
        inputs = [one.detach().to(getattr(curta, dtype)).requires_grad_() for one in leaves(*arrays)]
        with curta.account() as books:
            out = F.scaled_dot_product_attention(*inputs, dropout_p=0.3, **options)
        assert ("attention" in books.by_op()) == (widest > 0)
        out.backward(g)
        results.append([out.detach(), *(one.grad for one in inputs)])
        assert curta.get_rng_state().tolist()[1] == 2 * 4 * 37 * 300
    close = {"float32": 1e-5, "float64": 1e-12, "bfloat16": 5e-2}[dtype]
    for mine, theirs in zip(*results, strict=True):
        ours, wanted = mine.double().numpy(), theirs.double().numpy()
        np.testing.assert_allclose(ours, wanted, rtol=close, atol=close * np.abs(wanted).max())


def test_dropout_of_everything_and_its_refusal() -> None:
    q, k, v = leaves(normal(3, 4), normal(3, 4), normal(3, 4))
    assert F.scaled_dot_product_attention(q, k, v, dropout_p=1.0).abs().max().item() == 0.0
    with pytest.raises(ArgumentError) as caught:
        F.scaled_dot_product_attention(q, k, v, dropout_p=1.5)
    assert str(caught.value) == "dropout probability has to be between 0 and 1, but got 1.5"


@pytest.mark.parametrize("window", [1, 3, 100])
@pytest.mark.parametrize("widest", [256, 0])
def test_windows(window: int, widest: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(attention, "WIDEST", widest)
    arrays = normal(2, 9, 4), normal(2, 7, 4), normal(2, 7, 3)
    q, k, v = leaves(*arrays)
    out = F.scaled_dot_product_attention(q, k, v, is_causal=True, window=window)
    settings = {"scale": 0.5, "causal": True, "window": window}
    np.testing.assert_allclose(out.detach().numpy(), oracle(*arrays, **settings)[1], rtol=1e-12, atol=1e-13)
    g = normal(2, 9, 3)
    out.backward(curta.from_numpy(g))
    for found, wanted in zip((q, k, v), gradients(g, *arrays, **settings), strict=True):
        np.testing.assert_allclose(found.grad.numpy(), wanted, rtol=1e-11, atol=1e-12)


@pytest.mark.parametrize("more", [{"window": 0, "is_causal": True}, {"window": 2}])
def test_refused_windows(more: dict[str, Any]) -> None:
    x = curta.ones(3, 4)
    with pytest.raises(ArgumentError) as caught:
        F.scaled_dot_product_attention(x, x, x, **more)
    wanted = "scaled_dot_product_attention: a window requires is_causal=True and at least one key, got "
    assert str(caught.value) == f"{wanted}{more['window']}"


def test_a_mask_that_wants_its_gradient_gets_it() -> None:
    q, k, v, mask = leaves(normal(2, 3, 4), normal(2, 3, 4), normal(2, 3, 4), normal(3, 3))
    out = F.scaled_dot_product_attention(q, k, v, mask)
    (slope,) = curta.autograd.grad(out.sum(), mask)
    moved = mask.detach().numpy().copy()
    moved[1, 2] += 1e-6
    step = F.scaled_dot_product_attention(q, k, v, curta.from_numpy(moved)).sum() - out.sum()
    assert slope[1, 2].item() == pytest.approx(step.item() / 1e-6, rel=1e-4)


@pytest.mark.parametrize("kind", ["bool", "add", "none", "window", "dropout"])
def test_gradients_of_gradients(kind: str) -> None:
    """By central differences of the gradient along a direction."""
    arrays = normal(2, 3, 4), normal(2, 5, 4), normal(2, 5, 3)
    numbers = normal(3, 5)
    mask = {"bool": numbers > -0.5, "add": numbers}.get(kind)
    given: dict[str, Any] = {} if mask is None else {"attn_mask": curta.from_numpy(mask)}
    given |= {"window": {"is_causal": True, "window": 2}, "dropout": {"dropout_p": 0.4}}.get(kind, {})
    directions = [normal(*one.shape) for one in arrays]

    def along(moved: Any) -> tuple[list[Any], Any]:
        inputs = leaves(*moved)
        curta.manual_seed(4)
        found = curta.autograd.grad(
            F.scaled_dot_product_attention(*inputs, **given).square().sum(), inputs, create_graph=True
        )
        return inputs, sum((one * curta.from_numpy(way)).sum() for one, way in zip(found, directions, strict=True))

    inputs, slope = along(arrays)
    for place, found in enumerate(curta.autograd.grad(slope, inputs)):
        ends = []
        for step in (1e-6, -1e-6):
            moved = [one.copy() for one in arrays]
            moved[place][1, 2, 1] += step
            ends.append(along(moved)[1].item())
        assert found[1, 2, 1].item() == pytest.approx((ends[0] - ends[1]) / 2e-6, abs=1e-6)


def test_the_result_lies_as_the_queries_do() -> None:
    """Heads between the rows: what follows needs no copy."""
    q, k, v = (curta.from_numpy(normal(2, 5, 3, 4)).transpose(1, 2) for _ in range(3))
    out = F.scaled_dot_product_attention(q, k, v)
    assert out.transpose(1, 2).is_contiguous()
    assert F.scaled_dot_product_attention(*(one.contiguous() for one in (q, k, v))).is_contiguous()


def test_only_wanted_gradients_are_given() -> None:
    q, k, v = leaves(normal(3, 4), normal(3, 4), normal(3, 4))
    k = k.detach()
    F.scaled_dot_product_attention(q, k, v).sum().backward()
    assert q.grad is not None
    assert v.grad is not None
    assert k.grad is None


def test_account_by_hand() -> None:
    """Two batches, 3 queries, 4 keys, width 5, values 6 wide; causal: 1 + 2 + 3 pairs."""
    q, k, v = leaves(*(one.astype("float32") for one in (normal(2, 3, 5), normal(2, 4, 5), normal(2, 4, 6))))
    for causal, pairs in ((False, 24), (True, 12)):
        with curta.account() as books:
            out = F.scaled_dot_product_attention(q, k, v, is_causal=causal)
        cost = books.by_op()["attention"]
        assert cost.flops == pairs * (10 + 12 + 3) + 6 * 6
        assert cost.transcendentals == pairs + 6
        assert cost.bytes_read == 4 * (30 + 40 + 48)
        assert cost.bytes_written == 4 * (36 + 6)
        with curta.account() as books:
            out.backward(curta.ones_like(out))
        cost = books.by_op()["attention_backward"]
        assert cost.flops == pairs * (30 + 24 + 5) + 6 * 12
        assert cost.transcendentals == pairs
        assert cost.bytes_read == 4 * (36 + 30 + 40 + 48 + 36 + 6)
        assert cost.bytes_written == 4 * (30 + 40 + 48)
    mask = curta.zeros(3, 4)
    with curta.account() as books:
        F.scaled_dot_product_attention(q, k, v, mask)
    assert books.by_op()["attention"].flops == 24 * 26 + 36
    with curta.account() as books:
        F.scaled_dot_product_attention(q, k, v, mask == 0)
    assert books.by_op()["attention"].flops == 24 * 25 + 36
    with curta.account() as books:
        out = F.scaled_dot_product_attention(q, k, v, mask, dropout_p=0.5)
    assert books.by_op()["attention"].flops == 24 * 27 + 36
    with curta.account() as books:
        out.backward(curta.ones_like(out))
    assert books.by_op()["attention_backward"].flops == 24 * (59 + 3) + 72
    with curta.account() as books:
        F.scaled_dot_product_attention(q, k, v, is_causal=True, window=2)
    assert books.by_op()["attention"].flops == 10 * 25 + 36  # 1 + 2 + 2 pairs each
    with curta.account() as books:
        F.scaled_dot_product_attention(q, k[:, :2], v[:, :2], is_causal=True)
    assert books.by_op()["attention"].flops == 10 * 25 + 36  # the third query sees both keys: 1 + 2 + 2 pairs each


def test_one_number_for_each_query_is_kept() -> None:
    q, k, v = leaves(*(one.astype("float32") for one in (normal(2, 300, 8), normal(2, 300, 8), normal(2, 300, 8))))
    before = HOST.current
    out = F.scaled_dot_product_attention(q, k, v)
    assert HOST.current - before == out.nbytes + 2 * 300 * 4


@pytest.mark.parametrize(
    ("key", "value", "text"),
    [
        ((3, 5), (3, 4), "attention: queries and keys must be equally wide, got f32[2,4] and f32[3,5]"),
        ((3, 4), (2, 4), "attention: there must be as many keys as values, got f32[3,4] and f32[2,4]"),
    ],
)
def test_refusals(key: tuple[int, ...], value: tuple[int, ...], text: str) -> None:
    with pytest.raises(ShapeError) as caught:
        F.scaled_dot_product_attention(curta.zeros(2, 4), curta.zeros(*key), curta.zeros(*value))
    assert str(caught.value) == text


def test_compiled_gradients_are_written_where_they_are_wanted() -> None:
    """Queries, keys and values of one projection: their gradients fill its gradient without a copy."""
    weight = curta.nn.Parameter(curta.from_numpy(normal(48, 16).astype("float32")))
    x = curta.from_numpy(normal(2, 9, 16).astype("float32"))

    def step(x: Any) -> Any:
        q, k, v = F.linear(x, weight).view(2, 9, 3, 2, 8).permute(2, 0, 3, 1, 4).unbind(0)
        mixed = F.scaled_dot_product_attention(q, k, v, is_causal=True)
        loss = mixed.transpose(1, 2).reshape(2, 9, 16).square().sum()
        weight.grad = None
        loss.backward()
        return loss

    wanted = step(x)
    slopes = weight.grad.numpy().copy()
    compiled = curta.compile(step)
    assert compiled(x).item() == pytest.approx(wanted.item(), rel=1e-6)
    np.testing.assert_allclose(weight.grad.numpy(), slopes, rtol=1e-4, atol=1e-5)
    names = [node.call.op.name for node in compiled.program.graph.nodes]
    assert "attention_backward" in names
    assert "copy" not in names


def test_compiled_dropout_goes_on_in_the_same_stream() -> None:
    arrays = normal(2, 40, 8), normal(2, 40, 8), normal(2, 40, 8)

    def step(q: Any, k: Any, v: Any) -> list[Any]:
        out = F.scaled_dot_product_attention(q, k, v, dropout_p=0.2, is_causal=True, window=11)
        return [out.detach(), *curta.autograd.grad(out.square().sum(), (q, k, v))]

    found = []
    for function in (step, curta.compile(step)):
        curta.manual_seed(3)
        found.append([[one.numpy() for one in function(*leaves(*arrays))] for _ in range(3)])
    for mine, theirs in zip(*found, strict=True):
        assert [one.tobytes() for one in mine] == [one.tobytes() for one in theirs]
    assert found[0][0][0].tobytes() != found[0][1][0].tobytes()
