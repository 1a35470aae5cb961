"""Every operator, forward and backward, as programs over tensors: for tests that run one twice and compare the bits."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np

sys.path.insert(0, str(Path(__file__).parent))
from cases import CASES, REDUCTIONS, Case, Reduction
from counting_programs import COUNTING
from support import array
from surroundings import Make

import curta
from curta.nn import functional as F
from curta.ops import linear_cross_entropy
from curta.ops.attention_softmax import CAUSAL
from curta.ops.composition import composition
from curta.ops.dispatch import bind
from curta.ops.record import NO_GRADIENT
from curta.optim import AdamW

#: (make, rows, columns) to the results
Program = Callable[[Make, int, int], Any]


def numbers(*shape: int, seed: int = 1, dtype: str = "float32", domain: tuple[float, float] = (-2.0, 2.0)) -> Any:
    return array(shape, domain, dtype, seed)


def with_gradients(function: Callable[..., Any], *tensors: Any) -> list[Any]:
    """A function's result and the gradients of the floating-point tensors among its arguments."""
    wanted = [one for one in tensors if one.dtype.is_floating_point]
    for one in wanted:
        one.requires_grad_()
    result = function(*tensors)
    if not result.requires_grad:
        return [result]
    seed = curta.from_numpy(array(tuple(result.shape), (0.5, 1.5), "float64", 77)).to(result.dtype)
    return [result, *curta.autograd.grad(result, wanted, seed, allow_unused=True)]


def of_case(case: Case, layout: str, dtype: str, make: Make, rows: int, columns: int) -> list[Any]:
    """An element-wise operator over operands of one layout."""
    operands = []
    for place, domain in enumerate(case.domains):
        if layout == "broadcast":
            shape = ((rows, 1), (columns,), (1, columns))[place % 3]
        else:
            shape = {"transposed": (columns, rows), "step": (rows, 2 * columns)}.get(layout, (rows, columns))
        values = array(shape, domain, dtype, 10 * place + 1)
        operands.append(make(values.T if layout == "transposed" else values[:, ::2] if layout == "step" else values))
    return with_gradients(case.function, *operands) if case.gradient else [case.function(*operands)]


def of_reduction(case: Reduction, dims: Any, dtype: str, make: Make, rows: int, columns: int) -> list[Any]:
    """A reduction over some dimensions of a matrix, in memory by rows and by columns."""
    values = numbers(rows, columns, dtype=dtype, domain=(0.25, 3.0))
    results = []
    for one in (values, np.asfortranarray(values)):
        tensor = make(one)
        function = lambda x: case.function(x, dims, False)  # noqa: E731
        results += with_gradients(function, tensor) if case.gradient else [function(tensor)]
    return results


# what has no record of its own in cases.py


def _attention(dtype: str = "float32", width: int = 16, turned: bool = False, **more: Any) -> Program:
    def run(make: Make, rows: int, columns: int) -> Any:
        # many batches, so that there are many tasks
        given = [numbers(8, 3, rows, width, seed=seed, dtype=dtype) for seed in (1, 2, 3)]
        q, k, v = (make(np.asfortranarray(one) if turned else one) for one in given)
        given = {name: make(form(rows)) for name, form in more.items() if callable(form)}
        plain = {name: value for name, value in more.items() if not callable(value)}
        curta.manual_seed(7)
        return with_gradients(lambda *x: F.scaled_dot_product_attention(*x, **given, **plain), q, k, v)

    return run


def _second(x: Any) -> Any:
    return curta.special.bessel_y0(x) + curta.special.bessel_y1(x)


def _falling(x: Any) -> Any:
    x, special = x.abs() + 1, curta.special
    plain = special.modified_bessel_k0(x) + special.modified_bessel_k1(x)
    return plain + special.scaled_modified_bessel_k0(x) + special.scaled_modified_bessel_k1(x)


def _both_extremes(x: Any) -> Any:
    low, high = curta.aminmax(x, dim=1)
    return high * 2 - low + curta.aminmax(x).min


def _unary(function: Callable[[Any], Any]) -> Program:
    return lambda make, rows, columns: with_gradients(function, make(numbers(rows, columns)))


def _labels(make: Make, rows: int, columns: int) -> Any:
    return make(np.random.default_rng(8).integers(0, columns, rows))


def _classes(function: Callable[..., Any], weighted: bool = False, **more: Any) -> Program:
    def run(make: Make, rows: int, columns: int) -> Any:
        labels = _labels(make, rows, columns)
        given = {"weight": make(numbers(columns, seed=5, domain=(0.5, 2.0)))} if weighted else {}
        return with_gradients(lambda x: function(x, labels, **given, **more), make(numbers(rows, columns)))

    return run


def _pair(function: Callable[[Any, Any], Any], domain: tuple[float, float] = (-2.0, 2.0)) -> Program:
    return lambda make, rows, columns: with_gradients(
        function, make(numbers(rows, columns)), make(numbers(rows, columns, seed=2, domain=domain))
    )


def _picked(function: Callable[[Any, Any], Any]) -> Program:
    """A function of a matrix and of row numbers, some of them twice."""
    return lambda make, rows, columns: with_gradients(
        lambda x: function(x, make(np.random.default_rng(4).integers(0, rows, rows))), make(numbers(rows, columns))
    )


def _spatial(function: Callable[..., Any], *weights: tuple[int, ...]) -> Program:
    def run(make: Make, rows: int, columns: int) -> Any:
        image = numbers(3, 3, rows // 4 + 5, columns // 4 + 5)
        return with_gradients(function, make(image), *(make(numbers(*one, seed=3)) for one in weights))

    return run


def _product(batch: tuple[int, ...] = (), dtype: str = "float32", transposed: bool = False) -> Program:
    def run(make: Make, rows: int, columns: int) -> Any:
        left, right = numbers(*batch, rows, columns, dtype=dtype), numbers(*batch, columns, 37, seed=2, dtype=dtype)
        if transposed:
            left, right = numbers(columns, rows, dtype=dtype).T, numbers(37, columns, seed=2, dtype=dtype).T
        return with_gradients(curta.matmul, make(left), make(right))

    return run


def _layer_norm(make: Make, rows: int, columns: int) -> Any:
    x, weight, bias = make(numbers(rows, columns)), make(numbers(columns, seed=2)), make(numbers(columns, seed=3))
    return with_gradients(lambda x, w, b: F.layer_norm(x, (columns,), w, b), x, weight, bias)


def _rms_norm(make: Make, rows: int, columns: int) -> Any:
    x, weight = make(numbers(rows, columns)), make(numbers(columns, seed=2))
    return with_gradients(lambda x, w: F.rms_norm(x, (columns,), w), x, weight)


def _batch_norm(training: bool, dtype: str = "float32", image: bool = True) -> Program:
    def run(make: Make, rows: int, columns: int) -> Any:
        x = numbers(4, rows // 16 + 2, 3, columns, dtype=dtype) if image else numbers(rows, columns, dtype=dtype)
        C = x.shape[1]
        mean, var = make(numbers(C, seed=4)), make(numbers(C, seed=5, domain=(0.5, 2.0)))
        results = with_gradients(
            lambda x, w, b: F.batch_norm(x, mean.detach(), var.detach(), w, b, training),
            make(x), make(numbers(C, seed=2)), make(numbers(C, seed=3)),
        )  # fmt: skip
        return [*results, mean, var]

    return run


def _batch_norm_of_constants(make: Make, rows: int, columns: int) -> Any:
    """Gradients of the parameters alone; and statistics that are given, without parameters."""
    x = make(numbers(4, rows // 16 + 2, 3, columns))
    C = x.shape[1]
    factors = make(numbers(C, seed=2)), make(numbers(C, seed=3))
    mean, var = make(numbers(C, seed=4)), make(numbers(C, seed=5, domain=(0.5, 2.0)))
    results = with_gradients(lambda w, b: F.batch_norm(x, None, None, w, b, training=True), *factors)
    return [*results, *with_gradients(lambda x: F.batch_norm(x, mean.detach(), var.detach()), x)]


def _linear(make: Make, rows: int, columns: int) -> Any:
    return with_gradients(
        F.linear, make(numbers(rows, columns)), make(numbers(37, columns, seed=2)), make(numbers(37, seed=3))
    )


def _projection(make: Make, rows: int, columns: int) -> Any:
    return with_gradients(F.linear, make(numbers(rows, columns)), make(numbers(37, columns, seed=2)))


def _linear_cross_entropy(at_once: int, dtype: str = "float32", biased: bool = True, **more: Any) -> Program:
    """With so many scores made at once, which is looked at when an operator is first compiled."""

    def run(make: Make, rows: int, columns: int) -> Any:
        labels = make(np.random.default_rng(8).integers(0, 137, rows))
        given = [numbers(rows, columns, dtype=dtype), numbers(137, columns, seed=2, dtype=dtype)]
        given += [numbers(137, seed=3, dtype=dtype)] * biased

        def loss(x: Any, weight: Any, bias: Any = None) -> Any:
            return F.linear_cross_entropy(x, weight, labels, linear_bias=bias, ignore_index=5, **more)

        with mock.patch.object(linear_cross_entropy, "SCORES_AT_ONCE", at_once):
            return with_gradients(loss, *map(make, given))

    return run


def _made(make: Make, rows: int, columns: int) -> Any:
    return [
        curta.full((rows, columns), 3.5), curta.arange(rows * columns), curta.linspace(0, 1, rows * columns),
        curta.eye(rows, columns), curta.zeros(rows, columns), curta.ones(columns, rows).T,
    ]  # fmt: skip


def _random(make: Make, rows: int, columns: int) -> Any:
    curta.manual_seed(5)
    return [
        curta.rand(rows, columns), curta.randn(rows, columns), curta.randint(0, 9, (rows, columns)),
        curta.bernoulli(make(numbers(rows, columns, domain=(0.0, 1.0)))), curta.randperm(rows * columns),
        *with_gradients(lambda x: F.dropout(x, 0.3), make(numbers(rows, columns))),
    ]  # fmt: skip


def _written(make: Make, rows: int, columns: int) -> Any:
    """In-place writes to whole tensors, rows and columns, followed backward."""

    def body(x: Any, y: Any) -> Any:
        z = x * 1
        z.add_(y)
        z[1:3].mul_(2)
        z[:, 2] = y[:, 1]
        z[:, :2].copy_(y[:, 1:3])
        z.t()[0].fill_(4)
        return z

    return with_gradients(body, make(numbers(rows, columns)), make(numbers(rows, columns, seed=2)))


def _drawn_and_scattered_in_place(make: Make, rows: int, columns: int) -> Any:
    curta.manual_seed(6)
    x = make(numbers(rows, columns))
    places = make(np.random.default_rng(4).integers(0, columns, (rows, columns)))
    return [
        x.clone().bernoulli_(0.3), x.clone().scatter_add_(1, places, x), x.clone().scatter_(1, places[:, :1], x),
        x.clone().index_add_(0, places[:, 0] % rows, x),
    ]  # fmt: skip


#: joining inside a traced function is lowered in another way than outside
_JOINED = composition("joined", lambda x, y: curta.cat([x, y], 1) * 2, NO_GRADIENT)


def _updated(make: Make, rows: int, columns: int) -> Any:
    weight = make(numbers(rows, columns)).requires_grad_()
    optimizer = AdamW([weight])
    for _ in range(2):
        optimizer.zero_grad()
        (weight * weight).sum().backward()
        optimizer.step()
    return weight


def _ctc(make: Make, rows: int, columns: int) -> Any:
    targets = make(np.resize([1, 2, 3, 3], (rows, 2)))
    scores = make(numbers(4, rows, columns))
    return with_gradients(lambda x: F.ctc_loss(F.log_softmax(x, 2), targets, (4,) * rows, (2,) * rows), scores)


def _recurrent(kind: str) -> Program:
    def run(make: Make, rows: int, columns: int) -> Any:
        curta.manual_seed(3)
        network = getattr(curta.nn, kind)(columns, 5)
        return with_gradients(lambda x, *weights: network(x)[0], make(numbers(3, rows, columns)), *network.parameters())

    return run


def _mask(rows: int) -> Any:
    return np.tril(np.ones((rows, rows), bool))


OTHERS: dict[str, Program] = {
    "softmax rows": _unary(lambda x: F.softmax(x, 1)),
    "softmax columns": _unary(lambda x: F.softmax(x, 0)),
    "softmax in bfloat16": _unary(lambda x: F.softmax(x.bfloat16(), 1)),
    "log_softmax rows": _unary(lambda x: F.log_softmax(x, 1)),
    "log_softmax columns": _unary(lambda x: F.log_softmax(x, 0)),
    "layer_norm": _layer_norm,
    "layer_norm without weights": _unary(lambda x: F.layer_norm(x, (x.shape[1],))),
    "rms_norm": _rms_norm,
    "rms_norm without weights": _unary(lambda x: F.rms_norm(x, (x.shape[1],))),
    "batch_norm": _batch_norm(training=True),
    "batch_norm in bfloat16": _batch_norm(training=True, dtype="bfloat16"),
    "batch_norm of rows": _batch_norm(training=True, image=False),
    "batch_norm with given statistics": _batch_norm(training=False),
    "batch_norm of constants": _batch_norm_of_constants,
    "batch_norm without weights": _unary(
        lambda x: F.batch_norm(x.unsqueeze(2).expand(*x.shape, 5), None, None, training=True)
    ),
    "gelu": _unary(F.gelu),
    "gelu tanh": _unary(lambda x: F.gelu(x, approximate="tanh")),
    "silu": _unary(F.silu),
    "leaky_relu": _unary(F.leaky_relu),
    "exponential activations": _unary(lambda x: F.elu(x, 0.7) + F.softplus(x, 2, 1) + F.mish(x) + F.logsigmoid(x)),
    "hard activations": _unary(lambda x: F.hardtanh(x) + F.hardswish(x) + F.hardsigmoid(x) + F.threshold(x, 0.1, 2)),
    "shrinking activations": _unary(lambda x: F.softsign(x) + F.tanhshrink(x) + F.softshrink(x) + F.hardshrink(x)),
    "prelu": lambda make, rows, columns: with_gradients(
        F.prelu, make(numbers(rows, columns)), make(numbers(columns, seed=2))
    ),
    "glu": _unary(lambda x: F.glu(curta.cat([x, x * 2], 1), 1)),
    "smooth losses": _pair(lambda x, y: F.smooth_l1_loss(x, y, beta=0.5) + F.huber_loss(x, y, delta=0.7)),
    "losses of probabilities": _pair(
        lambda x, y: F.binary_cross_entropy(x.sigmoid(), y) + F.kl_div(x, y), domain=(0.1, 0.9)
    ),
    "losses of counts": _pair(lambda x, y: F.poisson_nll_loss(x, y, full=True), domain=(0.0, 4.0)),
    "weighted binary cross entropy": _pair(
        lambda x, y: F.binary_cross_entropy_with_logits(x, y, pos_weight=y.detach()[0] + 1), domain=(0.0, 1.0)
    ),
    "losses of margins": _pair(
        lambda x, y: F.hinge_embedding_loss(x, y.sign()) + F.soft_margin_loss(x, y.sign())
        + F.margin_ranking_loss(x, y, x.detach().sign(), margin=0.3)
    ),
    "gaussian_nll_loss": _pair(lambda x, y: F.gaussian_nll_loss(x, y, x * x + 0.1)),
    "cosine_similarity": _pair(lambda x, y: F.cosine_similarity(x, y, 1)),
    "ctc_loss": _ctc,
    "lstm": _recurrent("LSTM"),
    "gru": _recurrent("GRU"),
    "cross_entropy": _classes(F.cross_entropy),
    "cross_entropy weighted": _classes(F.cross_entropy, weighted=True, reduction="sum"),
    "cross_entropy smoothed": _classes(F.cross_entropy, label_smoothing=0.1),
    "cross_entropy of probabilities": _pair(lambda x, y: F.cross_entropy(x, F.softmax(y, 1))),
    "nll_loss": _classes(lambda x, labels, **more: F.nll_loss(F.log_softmax(x, 1), labels, **more), weighted=True),
    "nll_loss of rows": _classes(lambda x, labels: F.nll_loss(F.log_softmax(x, 1), labels, ignore_index=1)),
    "nll_loss of places": _classes(lambda x, labels: F.nll_loss(x[:, :, None], labels[:, None])),
    "mse_loss": _pair(F.mse_loss),
    "l1_loss": _pair(F.l1_loss),
    "binary cross entropy": _pair(F.binary_cross_entropy_with_logits, domain=(0.0, 1.0)),
    "one_hot": lambda make, rows, columns: F.one_hot(_labels(make, rows, columns), columns),
    "interpolated far": _spatial(lambda x: F.interpolate(x, (20 * x.shape[2], 3), mode="bilinear")),
    "embedding": _picked(lambda x, rows: F.embedding(rows, x)),
    "attention": _attention(),
    "attention causal": _attention(is_causal=True),
    "attention of wide heads, masked": _attention(width=300, attn_mask=_mask),
    "attention of wide heads, biased": _attention(width=300, attn_mask=lambda rows: numbers(rows, rows, seed=9)),
    "attention with dropout": _attention(dropout_p=0.25),
    "attention with dropout, masked": _attention(dropout_p=0.25, attn_mask=_mask),
    "attention of a window": _attention(is_causal=True, window=40),
    "attention in bfloat16": _attention("bfloat16"),
    "attention of columns": _attention(turned=True),
    "attention of wide heads": _attention(width=300),
    "attention masked": _attention(attn_mask=_mask),
    "attention biased": _attention(attn_mask=lambda rows: numbers(rows, rows, seed=9)),
    "conv2d": _spatial(lambda x, w, b: F.conv2d(x, w, b, padding=1), (4, 3, 3, 3), (4,)),
    "conv2d without bias": _spatial(lambda x, w: F.conv2d(x, w, stride=2, padding=1, groups=3), (6, 1, 3, 3)),
    "conv2d pointwise": _spatial(lambda x, w, b: F.conv2d(x, w, b), (4, 3, 1, 1), (4,)),
    "max_pool2d": _spatial(lambda x: F.max_pool2d(x, 2)),
    "max_pool2d padded": _spatial(lambda x: F.max_pool2d(x, 3, 2, 1)),
    "avg_pool2d": _spatial(lambda x: F.avg_pool2d(x, 3, stride=2)),
    "avg_pool2d padded": _spatial(lambda x: F.avg_pool2d(x, 3, 2, 1, count_include_pad=False)),
    "adaptive_avg_pool2d": _spatial(lambda x: F.adaptive_avg_pool2d(x, 3)),
    "adaptive_max_pool2d": _spatial(lambda x: F.adaptive_max_pool2d(x, 3)),
    "conv1d": _spatial(lambda x, w: F.conv1d(x.flatten(2), w, padding=1), (4, 3, 3)),
    "conv3d": _spatial(lambda x, w: F.conv3d(x.unsqueeze(0), w, padding=1), (2, 3, 3, 2, 2)),
    "conv_transpose2d": _spatial(lambda x, w, b: F.conv_transpose2d(x, w, b, 2, 1), (3, 2, 3, 3), (2,)),
    "fold": _spatial(lambda x: F.fold(F.unfold(x, 3, padding=1), x.shape[2:], 3, padding=1)),
    "group_norm": _spatial(lambda x, w, b: F.group_norm(x, 3, w, b), (3,), (3,)),
    "group_norm without weights": _spatial(lambda x: F.group_norm(x, 1)),
    "interpolate": _spatial(lambda x: F.interpolate(x, scale_factor=1.5, mode="bilinear")),
    "grid_sample": _spatial(lambda x: F.grid_sample(x, x[:, :2].transpose(1, 3) / 2)),
    "pad": _spatial(lambda x: F.pad(x, (1, 2, 2, 0), "reflect") + F.pad(x, (1, 2, 2, 0), value=3.0)),
    "matmul": _product(),
    "matmul in batches": _product((3,)),
    "matmul transposed": _product(transposed=True),
    "matmul in float64": _product(dtype="float64"),
    "matmul in bfloat16": _product(dtype="bfloat16"),
    "linear": _linear,
    "projection": _projection,
    "linear_cross_entropy": _linear_cross_entropy(1 << 22),
    "linear_cross_entropy by rows": _linear_cross_entropy(1, biased=False, label_smoothing=0.1),
    "linear_cross_entropy of each row": _linear_cross_entropy(1, biased=False, reduction="none"),
    "linear_cross_entropy by rows in bfloat16": _linear_cross_entropy(1, "bfloat16", reduction="none"),
    "cat": _pair(lambda x, y: curta.cat([x, y[:, 1:]], 1)),
    "stack": _pair(lambda x, y: curta.stack([x, y, x], 1)),
    "rows by number": _picked(lambda x, rows: x[rows]),
    "columns by number": _picked(lambda x, rows: x.T[:, rows]),
    "index_select": _picked(lambda x, rows: x.index_select(0, rows)),
    "gather": _picked(lambda x, rows: x.gather(0, rows.unsqueeze(1).expand(*x.shape))),
    "scatter": _picked(lambda x, rows: (x * 0).scatter(0, curta.arange(len(rows)).unsqueeze(1).expand(*x.shape), x)),
    "scatter_add": _picked(lambda x, rows: x.scatter_add(0, rows.unsqueeze(1).expand(*x.shape), x * x)),
    "index_add": _picked(lambda x, rows: x.index_add(0, rows, x * x, alpha=2)),
    "scatter_reduce": _picked(
        lambda x, rows: x.scatter_reduce(0, rows.unsqueeze(1).expand(*x.shape), x * x, "prod", include_self=False)
    ),
    "index_reduce": _picked(lambda x, rows: x.index_reduce(0, rows, x * x, "amax")),
    "segment_reduce": _picked(lambda x, rows: curta.segment_reduce(x, "max", lengths=rows, unsafe=True)),
    "put, adding": _picked(lambda x, rows: x.put(rows, x[:, 0], accumulate=True)),
    "masked_scatter": _unary(lambda x: x.masked_scatter(x.detach() > 0, x * 2)),
    "repeat_interleave": _picked(lambda x, rows: x.repeat_interleave(rows % 3, 0)),
    "unfold": _unary(lambda x: x.unfold(1, 3, 1) * 2),
    "diag_embed": _unary(lambda x: x.diag_embed(1)),
    "masked_select": _unary(lambda x: x.masked_select(x.detach() > 0)),
    "tril": _unary(lambda x: x.tril(-1)),
    "triu": _unary(lambda x: x.T.triu(1)),
    "flip": _unary(lambda x: x.flip(0, 1)),
    "roll": _unary(lambda x: x.roll(3, 1)),
    "repeat": _unary(lambda x: x.repeat(2, 2)),
    "expand": _unary(lambda x: x.unsqueeze(0).expand(3, *x.shape) * 2),
    "as_strided": _unary(lambda x: x.as_strided((x.shape[0] - 1, x.shape[1]), (x.shape[1], 1), 1)),
    "max along rows": _unary(lambda x: x.max(1).values),
    "min along columns": _unary(lambda x: x.min(0).values),
    "isclose": _pair(lambda x, y: curta.isclose(x, y, rtol=0.5)),
    "diagonal": _unary(lambda x: x.diagonal()),
    "sort along rows": _unary(lambda x: x.sort(1).values * 2),
    "sort along columns": _unary(lambda x: x.bfloat16().sort(0, descending=True).values * 2),
    "median": _unary(lambda x: x.median()),
    "topk": _unary(lambda x: x.flatten().repeat(4).topk(3).values * 2),
    "topk of many": _unary(lambda x: x.flatten().repeat(20).topk(40).values),
    "mode": _unary(lambda x: x.round().mode(1).values),
    "quantile": _unary(lambda x: x.quantile(0.3, 0)),
    "searchsorted": _pair(lambda x, y: curta.searchsorted(x.detach().sort(1).values, y)),
    "cumsum along rows": _unary(lambda x: x.cumsum(1)),
    "cumsum along columns": _unary(lambda x: x.cumsum(0)),
    "cumprod": _unary(lambda x: x.bfloat16().cumprod(0)),
    "cummax": _unary(lambda x: x.cummax(0).values),
    "cummin": _unary(lambda x: x.cummin(1).values),
    "logcumsumexp": _unary(lambda x: x.logcumsumexp(1)),
    "inverse hyperbolic": _unary(lambda x: x.asinh() + (x / 9).atanh() + (x.abs() + 2).acosh()),
    "sinc and logit": _unary(lambda x: x.sinc() + x.sigmoid().logit()),
    "logarithms of sums": _pair(lambda x, y: curta.logaddexp(x, y) + curta.logaddexp2(x, y) + curta.hypot(x, y)),
    "xlogy": _pair(lambda x, y: curta.xlogy(x, y.abs() + 1)),
    "gamma": _unary(lambda x: x.lgamma() + x.digamma().atan() + (x.abs() + 1).polygamma(2)),
    "zeta": _unary(lambda x: curta.special.zeta(x.abs().detach() + 2, x.abs() + 1)),
    "gamma, cut": _pair(lambda x, y: curta.igamma(x.detach().abs(), y.abs()) - curta.igammac(y.detach().exp(), y)),
    "airy": _unary(curta.special.airy_ai),
    "error functions": _unary(lambda x: (x / 9).erfinv() + curta.special.erfcx(x) + curta.special.ndtri(x.sigmoid())),
    "normal distribution": _unary(lambda x: curta.special.ndtr(x) + curta.special.log_ndtr(x)),
    "entropies": _pair(lambda x, y: curta.special.entr(x.abs() + 1) + curta.special.xlog1py(x, y.abs())),
    "bessel, first kind": _unary(lambda x: curta.special.bessel_j0(x) + curta.special.bessel_j1(x)),
    "bessel, second kind": _unary(lambda x: _second(x.abs() + 1)),
    "bessel, growing": _unary(lambda x: x.i0() + curta.special.i1(x) + curta.special.i0e(x) + curta.special.i1e(x)),
    "bessel, falling": _unary(_falling),
    "bessel, spherical": _unary(curta.special.spherical_bessel_j0),
    "both extremes": _unary(_both_extremes),
    "extremes past nan": _pair(lambda x, y: curta.fmax(x, y) - curta.fmin(x, y * 2)),
    "signs": _pair(lambda x, y: curta.copysign(x, y) * curta.signbit(x) + curta.heaviside(x, y)),
    "neighbours": _pair(lambda x, y: curta.nextafter(x, y) * 3),
    "norm of order 0": _unary(lambda x: x.norm(0, 1)),
    "divisors": _pair(lambda x, y: curta.gcd((8 * x).long(), y.long()) + curta.lcm(x.long(), y.long())),
    "nansum": _unary(lambda x: x.nansum(0)),
    "made": _made,
    "random": _random,
    "written in place": _written,
    "drawn and scattered in place": _drawn_and_scattered_in_place,
    "joined in a composition": lambda make, rows, columns: bind(
        _JOINED, (make(numbers(rows, columns)), make(numbers(rows, columns, seed=2)))
    ),
    "causal": _unary(lambda x: bind(CAUSAL, (x,), rank=2, window=0).clamp(min=-3)),
    "optimizer": _updated,
}  # fmt: skip


def small_dtypes(dtypes: tuple[str, ...]) -> list[str]:
    """One format of each width class is enough to find a wrong mask: float32, a half format, an integer, bool."""
    return [name for name in dtypes if name in ("float32", "bfloat16", "int8", "bool")] or [dtypes[0]]


def named_programs(layouts: tuple[str, ...], every_dtype: bool) -> dict[str, Program]:
    """All programs by name: element-wise operators in the given layouts, reductions, and `OTHERS`."""
    found: dict[str, Program] = {}
    for case in CASES:
        kinds = small_dtypes(case.dtypes) if every_dtype else [_usual(case.dtypes)]
        for dtype in kinds:
            for layout in layouts:
                found[f"{case.name}-{dtype}-{layout}"] = (
                    lambda make, rows, columns, case=case, layout=layout, dtype=dtype:
                    of_case(case, layout, dtype, make, rows, columns)
                )  # fmt: skip
    for one in REDUCTIONS:
        for dtype in small_dtypes(one.dtypes) if every_dtype else [_usual(one.dtypes)]:
            for dims in (None, 0, 1):
                found[f"{one.name}-{dtype}-over {dims}"] = (
                    lambda make, rows, columns, one=one, dims=dims, dtype=dtype:
                    of_reduction(one, dims, dtype, make, rows, columns)
                )  # fmt: skip
    return found | OTHERS | COUNTING


def _usual(dtypes: tuple[str, ...]) -> str:
    return "float32" if "float32" in dtypes else dtypes[0]


__all__ = ["OTHERS", "named_programs"]
