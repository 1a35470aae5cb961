"""Losses against values and slopes that torch 2.13 gave in float64, finite differences, all alignments."""

from __future__ import annotations

import itertools
import math
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parent))
from loss_cases import LOSSES, P, Q, X, Y, tensors

import curta
from curta import nn
from curta.nn import functional as F

#: the mean, and the sum of each gradient's absolute values
RECORDED = (
    (1.267781419, [1.788973173, 1.788973173]),
    (0.8944865863, [1.0, 1.0]),
    (0.673866315, [0.7770831138, 0.7770831138]),
    (0.8944865863, [1.0, 1.0]),
    (0.4281221634, [0.4885415569, 0.4885415569]),
    (0.6931021489, [1.388741854, 1.088766716]),
    (56.25, [562500002200.0]),
    (0.9966851776, [1.998330643, 1.29004014]),
    (213.2104336, [0.7381435317, 213.25]),
    (1.545666214, [0.6915764246, 1.449980092]),
    (0.1088014235, [1.0]),
    (-0.08416096637, [1.0]),
    (1.393289153, [1.215835452]),
    (0.2599955284, [0.6688554386, 1.321336088]),
    (0.2599955284, [0.6688554386, 0.9384922358]),
    (2.88782929, [1.618765547, 1.269066806]),
    (0.9938837646, [0.8519576193, 0.772648571]),
    (2.689587913, [2.906528513, 2.906528513, 9.239604162]),
    (633883.8016, [894486.5863, 894486.5863, 633890209400.0]),
    (0.5789376881, [0.95]),
    (0.6487858993, [0.4457742514]),
    (0.5293498579, [0.7, 0.7]),
    (0.08720413612, [0.368524053, 0.4780363355]),
    (0.7269401281, [1.250194112, 1.212152481, 1.076471246]),
    (0.5410379686, [1.388098245, 1.400591556, 1.44236281]),
    (1.550027825, [2.258929817, 2.014154262, 1.902103126]),
    (0.6709852786, [2.078712712]),
    (0.2380548162, [0.8]),
    (0.2354515047, [1.2]),
    (0.7027981432, [1.3]),
    (1.76051141, [2.8]),
    (1.051352559, [0.3899150631, 0.9399068485]),
)

NAMES = [f"{one[0]} {number}" for number, one in enumerate(LOSSES)]
CASES = [pytest.param(*one, *recorded, id=name) for one, recorded, name in zip(LOSSES, RECORDED, NAMES, strict=True)]
#: their slopes jump or are endless somewhere, or PyTorch's are not those of the function
ROUGH = {"BCELoss 6", "BCEWithLogitsLoss 8", "GaussianNLLLoss 18"}


def layer_of(name: str, options: dict[str, Any]) -> Any:
    given = {key: curta.from_numpy(one) if isinstance(one, np.ndarray) else one for key, one in options.items()}
    return getattr(nn, name)(**given)


@pytest.mark.parametrize(("name", "arrays", "options", "value", "slopes"), CASES)
def test_recorded(name: str, arrays: Any, options: dict[str, Any], value: float, slopes: list[float]) -> None:
    layer, inputs = layer_of(name, options), tensors(curta, arrays)
    loss = layer(*inputs)
    loss.backward()
    np.testing.assert_allclose(loss.item(), value, rtol=1e-8)
    found = [one.grad.abs().sum().item() for one in inputs if one.requires_grad]
    np.testing.assert_allclose(found, slopes, rtol=1e-7, atol=1e-12)
    apart = layer_of(name, {**options, "reduction": "none"})(*tensors(curta, arrays)).detach()
    total = layer_of(name, {**options, "reduction": "sum"})(*tensors(curta, arrays)).item()
    np.testing.assert_allclose(total, apart.numpy().sum(), rtol=1e-12)


SMOOTH = {one[0]: pytest.param(*one, id=name) for one, name in zip(LOSSES, NAMES, strict=True) if name not in ROUGH}


@pytest.mark.parametrize(("name", "arrays", "options"), SMOOTH.values())
def test_gradients_by_finite_differences(name: str, arrays: Any, options: dict[str, Any]) -> None:
    layer, inputs = layer_of(name, options), tensors(curta, arrays)
    assert curta.autograd.gradcheck(lambda *given: layer(*given), tuple(inputs))


@pytest.mark.parametrize("number", [5, 7, 9, 13, 15, 17, 19, 20, 22, 31])
def test_second_gradients(number: int) -> None:
    name, arrays, options = LOSSES[number]
    layer, inputs = layer_of(name, options), tensors(curta, tuple(one[:2] for one in arrays))
    assert curta.autograd.gradgradcheck(lambda *given: layer(*given), tuple(inputs))


def test_logits_have_the_slope_of_the_sigmoid_at_0() -> None:
    x = curta.zeros(1, requires_grad=True)
    F.binary_cross_entropy_with_logits(x, curta.tensor([0.2])).backward()
    assert x.grad.item() == pytest.approx(0.3)


def test_batchmean_and_the_forms_of_var() -> None:
    x, y = curta.from_numpy(np.log(P)), curta.from_numpy(Q)
    wanted = (Q * (np.log(Q) - np.log(P))).sum() / 4
    assert F.kl_div(x, y, reduction="batchmean").item() == pytest.approx(wanted, rel=1e-12)
    assert F.kl_div(x, curta.zeros(4, 5, dtype=curta.float64)).item() == 0.0
    a, b = curta.from_numpy(X), curta.from_numpy(Y)
    one = F.gaussian_nll_loss(a, b, 0.5).item()
    assert one == pytest.approx(F.gaussian_nll_loss(a, b, curta.full((4, 1), 0.5, dtype=curta.float64)).item())
    assert one == pytest.approx((math.log(0.5) + (X - Y) ** 2 / 0.5).mean() / 2)


def test_distances_by_numpy() -> None:
    a, b = curta.from_numpy(X), curta.from_numpy(Y)
    cosines = (X * Y).sum(1) / np.linalg.norm(X, axis=1) / np.linalg.norm(Y, axis=1)
    np.testing.assert_allclose(nn.CosineSimilarity()(a, b).numpy(), cosines, rtol=1e-12)
    np.testing.assert_allclose(F.cosine_similarity(a, b[:1], -1).numpy()[0], cosines[0], rtol=1e-12)
    np.testing.assert_allclose(
        nn.PairwiseDistance(1.0, keepdim=True)(a, b).numpy(), np.abs(X - Y + 1e-6).sum(1, keepdims=True), rtol=1e-12
    )
    np.testing.assert_allclose(F.normalize(a, dim=0).numpy(), X / np.linalg.norm(X, axis=0), rtol=1e-12)
    nothing = curta.zeros(2, 3, dtype=curta.float64, requires_grad=True)
    F.cosine_similarity(nothing, nothing + 1).sum().backward()
    assert nothing.grad.isfinite().all().item()
    inputs = tensors(curta, (X[:2], Y[:2]))
    for function in (F.cosine_similarity, F.pairwise_distance):
        assert curta.autograd.gradcheck(function, tuple(inputs))
        assert curta.autograd.gradgradcheck(function, tuple(inputs))


def all_alignments(scores: Any, labels: list[int]) -> float:
    """Minus the logarithm of the sum over every path that reads as the labels, blank 0."""
    T, C = scores.shape
    found = 0.0
    for path in itertools.product(range(C), repeat=T):
        read = [one for one, before in zip(path, (None, *path), strict=False) if one != before and one != 0]
        if read == labels:
            found += math.exp(sum(scores[step, one] for step, one in enumerate(path)))
    return -math.log(found) if found else math.inf


def test_ctc_is_the_sum_over_all_alignments() -> None:
    random = np.random.default_rng(1)
    raw = random.standard_normal((5, 3, 3))
    scores = raw - np.log(np.exp(raw).sum(-1, keepdims=True))
    targets, times, lengths = [[1, 1], [2, 1], [2, 9]], (5, 4, 3), (2, 2, 1)
    wanted = [
        all_alignments(scores[:t, n], targets[n][:s]) for n, (t, s) in enumerate(zip(times, lengths, strict=True))
    ]
    given = curta.from_numpy(scores)
    for form in (curta.tensor(targets), curta.tensor([1, 1, 2, 1, 2])):
        found = F.ctc_loss(given, form, times, lengths, reduction="none")
        np.testing.assert_allclose(found.numpy(), wanted, rtol=1e-11)
    mean = nn.CTCLoss()(given, curta.tensor(targets), curta.tensor(times), curta.tensor(lengths))
    assert mean.item() == pytest.approx(np.mean(np.array(wanted) / lengths), rel=1e-11)
    alone = F.ctc_loss(given[:, 1], curta.tensor([2, 1]), 4, 2, reduction="none")
    assert alone.item() == pytest.approx(wanted[1], rel=1e-11)
    moved = F.ctc_loss(given.roll(1, 2), curta.tensor([[2, 0]]).expand(3, 2), (4,) * 3, (2,) * 3, 1, "none")
    assert moved[1].item() == pytest.approx(all_alignments(scores[:4, 1], [1, 2]), rel=1e-11)


def test_ctc_gradients_and_impossible_targets() -> None:
    x = curta.from_numpy(np.random.default_rng(2).standard_normal((3, 2, 3))).requires_grad_()
    labels = curta.tensor([[1, 2], [2, 0]])
    assert curta.autograd.gradcheck(lambda x: F.ctc_loss(F.log_softmax(x, -1), labels, (3, 2), (2, 1)), (x,))
    assert curta.autograd.gradgradcheck(lambda x: F.ctc_loss(F.log_softmax(x, -1), labels, (3, 2), (2, 1)), (x,))
    twice = curta.tensor([[1, 1], [1, 0]])  # two equal labels need a blank between them
    assert F.ctc_loss(F.log_softmax(x, -1), twice, (2, 2), (2, 1), reduction="none").tolist()[0] == math.inf
    loss = F.ctc_loss(F.log_softmax(x, -1), twice, (2, 2), (2, 0), reduction="none", zero_infinity=True)
    loss.sum().backward()
    assert loss.tolist()[0] == 0.0
    assert x.grad[:, 0].abs().sum().item() == 0.0
    assert x.grad.isfinite().all().item()


def test_compiled_and_planned() -> None:
    a, b, p, q = (curta.from_numpy(one).float().requires_grad_() for one in (X, Y, P, Q))
    signs, labels, scores = curta.from_numpy(np.sign(X)).float(), curta.tensor([[1, 2]] * 2), curta.randn(6, 2, 4)
    classes, ranks = curta.tensor([1, 0, 4, 2]), curta.tensor([[0, -1, 0, 0, 0]] * 4)

    def step(a: Any, b: Any, p: Any, q: Any) -> Any:
        losses = [
            F.smooth_l1_loss(a, b), F.huber_loss(a, b), F.binary_cross_entropy(p, q), F.kl_div(p, q),
            F.poisson_nll_loss(a, q, full=True), F.gaussian_nll_loss(a, b, p), F.hinge_embedding_loss(a, signs),
            F.soft_margin_loss(a, signs), F.margin_ranking_loss(a, b, signs), F.triplet_margin_loss(a, b, p),
            F.cosine_embedding_loss(a, b, signs[:, 0]), F.multi_margin_loss(a, classes),
            F.multilabel_margin_loss(a, ranks), F.multilabel_soft_margin_loss(a, q),
            F.binary_cross_entropy_with_logits(a, q, pos_weight=p),
            F.ctc_loss(scores * a[0, 0], labels, (6, 5), (2, 1)), F.cosine_similarity(a, b).sum(), F.normalize(a).sum(),
        ]  # fmt: skip
        total = curta.stack(losses).sum()
        total.backward()
        return total

    planned = curta.plan(step, a, b, p, q)
    with curta.account() as books:
        wanted = step(a, b, p, q)
    for figure in ("flops", "transcendentals", "bytes_read", "bytes_written", "calls"):
        assert getattr(planned, figure) == getattr(books, figure), figure
    gradients = [one.grad for one in (a, b, p, q)]
    for one in (a, b, p, q):
        one.grad = None
    assert curta.compile(step)(a, b, p, q).item() == pytest.approx(wanted.item(), rel=1e-6)
    for one, gradient in zip((a, b, p, q), gradients, strict=True):
        np.testing.assert_allclose(one.grad.numpy(), gradient.numpy(), rtol=1e-4, atol=1e-5)


def test_empty_and_half() -> None:
    nothing = curta.zeros(0, 3)
    assert F.smooth_l1_loss(nothing, nothing, reduction="none").numel() == 0
    assert F.huber_loss(nothing, nothing, reduction="sum").item() == 0.0
    x, y = curta.from_numpy(X).bfloat16(), curta.from_numpy(Y).bfloat16()
    for function in (F.smooth_l1_loss, F.soft_margin_loss, F.cosine_similarity):
        made = function(x, y)
        assert made.dtype is curta.bfloat16
        np.testing.assert_allclose(
            made.double().numpy(), function(x.double(), y.double()).numpy(), rtol=2e-2, atol=4e-3
        )


@pytest.mark.parametrize("function", [F.mse_loss, F.l1_loss, F.smooth_l1_loss, F.huber_loss, F.soft_margin_loss])
def test_targets_that_broadcast_have_gradients(function: Any) -> None:
    a, b = tensors(curta, (X, Y[0].copy()))
    assert curta.autograd.gradcheck(function, (a, b))
    weight = tensors(curta, (Q[0].copy(),))[0]
    assert curta.autograd.gradcheck(
        lambda a, weight: F.binary_cross_entropy_with_logits(a, curta.from_numpy(P), pos_weight=weight), (a, weight)
    )
