"""The function library on inputs of a million elements: each operator once, forward, and some with their gradients.

An operator is the expression that is timed: `t` is the framework, `F` its nn.functional, and the other names are the
operands below.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import Any

Work = Callable[[], object]

ROWS, COLUMNS = 1000, 1024

UNARY = (
    "abs", "acos", "acosh", "asin", "asinh", "atan", "atanh", "ceil", "cos", "cosh", "deg2rad", "digamma", "erf",
    "erfc", "erfinv", "exp", "exp2", "expm1", "floor", "frac", "i0", "isfinite", "isinf", "isnan", "lgamma", "log",
    "log10", "log1p", "log2", "logical_not", "logit", "nan_to_num", "neg", "reciprocal", "round", "rsqrt", "sigmoid",
    "sign", "signbit", "sin", "sinc", "sinh", "sqrt", "square", "tan", "tanh", "trunc",
)  # fmt: skip
#: on numbers between 0 and 1, where all of these are defined; acosh on those behind 1
_ARGUMENT = {"acosh": "above"}

BINARY = (
    "add", "atan2", "copysign", "div", "eq", "floor_divide", "fmax", "fmin", "fmod", "ge", "gt", "heaviside", "hypot",
    "isclose", "le", "logaddexp", "logaddexp2", "lt", "maximum", "minimum", "mul", "ne", "nextafter", "pow",
    "remainder", "sub", "xlogy",
)  # fmt: skip

ACTIVATIONS = (
    "celu", "elu", "gelu", "hardshrink", "hardsigmoid", "hardswish", "hardtanh", "leaky_relu", "logsigmoid", "mish",
    "relu", "relu6", "selu", "silu", "softplus", "softshrink", "softsign", "tanhshrink",
)  # fmt: skip

REDUCTIONS = (
    "all", "amax", "amin", "any", "argmax", "argmin", "count_nonzero", "logsumexp", "mean", "nanmean", "nansum", "prod",
    "std", "sum", "var",
)  # fmt: skip

OTHERS = (
    # with scalars, and several operands
    "x + 1", "x * 2", "x ** 2", "x ** 3", "x ** 0.5", "x > 0", "x.clamp(-1, 1)", "t.lerp(x, y, 0.3)",
    "t.addcmul(x, y, p)", "t.addcdiv(x, y, p)", "t.where(mask, x, y)", "x.masked_fill(mask, 0.0)", "x + row",
    "x * column", "t.polygamma(1, p)",
    # integers
    "n + m", "n * m", "n // m", "n % m", "n & m", "n ^ m", "n << 2", "~n", "n == m", "n.float()", "x.long()",
    "t.gcd(n, m)", "x.bfloat16()", "x.double()", "x.half()",
    # over one dimension
    "t.norm(x)", "t.norm(x, dim=1)", "t.linalg.vector_norm(x, 1, dim=0)", "x.max(dim=1)", "x.min(dim=0)", "x.max()",
    "t.aminmax(x)", "t.var_mean(x, dim=1)", "t.cumsum(x, 1)", "t.cumsum(x, 0)", "t.cumprod(x, 1)", "t.cummax(x, 1)",
    "t.cummin(x, 0)", "t.logcumsumexp(x, 1)", "t.diff(x)", "t.trapezoid(x)", "n.sum()", "n.sum(dim=1)", "n.max()",
    # in order
    "t.sort(x)", "t.sort(flat)", "t.argsort(x)", "t.topk(x, 10)", "t.topk(flat, 1000)", "t.kthvalue(x, 100)",
    "t.median(x)", "t.median(x, dim=1)", "t.mode(n, dim=1)", "t.quantile(x, 0.3)", "t.quantile(x, 0.3, dim=1)",
    "t.unique(n)", "t.searchsorted(ordered, x)", "t.bucketize(x, ordered)", "t.bincount(many)", "t.histc(x, 100)",
    "t.msort(x)",
    # by index
    "t.gather(x, 1, places)", "x.scatter(1, places, y)", "x.scatter_add(1, places, y)", "t.index_select(x, 0, rows)",
    "t.index_select(x, 1, rows)", "x.index_add(0, rows, y)", "x[rows]", "x[:, rows]", "x[mask]",
    "t.masked_select(x, mask)",
    "t.take(x, many)", "t.take_along_dim(x, places, 1)", "t.nonzero(mask)", "F.embedding(rows, x)",
    "F.one_hot(rows, 1000)", "x.index_fill(0, rows, 0.0)", "x.masked_scatter(mask, y)", "x[10:-10, ::2].contiguous()",
    # shapes
    "t.cat([x, y])", "t.cat([x, y], 1)", "t.stack([x, y], 1)", "x.T.contiguous()", "x.clone()", "x.repeat(2, 1)",
    "x.tile(1, 2)", "x.repeat_interleave(2, 0)", "x.repeat_interleave(2, 1)", "t.roll(x, 100, 1)", "t.roll(x, 3, 0)",
    "t.flip(x, (0,))", "t.flip(x, (1,))", "t.rot90(x)", "t.tril(x)", "t.triu(x)", "F.pad(x, (1, 1, 1, 1))",
    "F.pad(images, (1, 1, 1, 1), mode='reflect')", "x.unfold(1, 4, 4).contiguous()", "t.kron(x[:32, :32], y[:32, :32])",
    "t.outer(x[0], y[1])", "t.meshgrid(x[0], y[1], indexing='ij')[0].contiguous()", "x.diagonal().contiguous()",
    # made
    "t.zeros(1000, 1024)", "t.ones(1000, 1024)", "t.full((1000, 1024), 3.0)", "t.arange(1024000)", "t.eye(1000)",
    "t.linspace(0, 1, 1024000)", "t.rand(1000, 1024)", "t.randn(1000, 1024)", "t.randint(0, 100, (1000, 1024))",
    "t.randperm(1024000)", "t.bernoulli(u)",
    # layers
    "F.softmax(x, -1)", "F.softmax(x, 0)", "F.log_softmax(x, -1)", "F.layer_norm(x, (1024,))", "F.rms_norm(x, (1024,))",
    "F.normalize(x)", "F.dropout(x, 0.1)", "F.batch_norm(images, mean, variance)",
    "F.batch_norm(images, None, None, training=True)", "F.group_norm(images, 4)", "F.instance_norm(images)",
    "F.max_pool2d(images, 2)", "F.avg_pool2d(images, 2)", "F.adaptive_avg_pool2d(images, 1)", "F.glu(x)",
    "F.max_pool2d(images, 3, 1, 1)", "F.interpolate(images, scale_factor=2)", "F.pixel_shuffle(images, 2)",
    "F.interpolate(images, scale_factor=2, mode='bilinear')", "F.unfold(images, 3)", "F.cosine_similarity(x, y)",
    # losses
    "F.mse_loss(x, y)", "F.l1_loss(x, y)", "F.smooth_l1_loss(x, y)", "F.huber_loss(x, y)", "F.cross_entropy(x, rows)",
    "F.binary_cross_entropy(u, v)", "F.binary_cross_entropy_with_logits(x, v)", "F.kl_div(x, v)", "F.nll_loss(x, rows)",
    "F.soft_margin_loss(x, y)", "F.gaussian_nll_loss(x, y, p)", "F.poisson_nll_loss(x, p)",
)  # fmt: skip

#: also with the gradient of their sum
DIFFERENTIATED = (
    "t.exp(w)", "t.tanh(w)", "F.gelu(w)", "F.silu(w)", "w * y", "w / p", "w.sum(dim=1)", "w.mean()", "t.var(w, dim=1)",
    "w.amax(dim=1)", "t.logsumexp(w, 1)", "F.softmax(w, -1)", "F.log_softmax(w, -1)", "F.layer_norm(w, (1024,))",
    "F.rms_norm(w, (1024,))", "t.cumsum(w, 1)", "t.cumprod(w, 1)", "t.gather(w, 1, places)", "w[rows]", "t.cat([w, y])",
    "t.sort(w)[0]", "t.topk(w, 10)[0]", "F.embedding(rows, w)", "F.cross_entropy(w, rows)", "F.mse_loss(w, y)",
    "t.norm(w)", "w.T.contiguous()", "F.dropout(w, 0.1)", "F.pad(w, (1, 1))", "t.where(mask, w, y)", "w.clamp(-1, 1)",
    "t.maximum(w, y)", "w ** 2", "t.sqrt(w.abs())", "w[10:-10, ::2]", "t.max(w, 1)[0]", "w.prod(dim=1)",
)  # fmt: skip


def _operands(framework: Any) -> dict[str, Any]:
    import numpy as np

    random = np.random.default_rng(0)
    shape = (ROWS, COLUMNS)

    def tensor(values: Any) -> Any:
        return framework.from_numpy(values)

    def normal() -> Any:
        return random.standard_normal(shape, dtype=np.float32)

    x = normal()
    uniform = random.random(shape, dtype=np.float32) * 0.98 + 0.01
    found = {
        "x": x, "flat": x.reshape(-1).copy(), "y": normal(), "w": normal(), "u": uniform, "v": uniform[::-1].copy(),
        "p": uniform + 0.5, "above": uniform + 1, "mask": x > 0.5, "row": x[0].copy(), "column": x[:, :1].copy(),
        "n": random.integers(0, 1000, shape), "m": random.integers(1, 50, shape),
        "places": random.integers(0, COLUMNS, shape), "rows": random.integers(0, ROWS, ROWS),
        "many": random.integers(0, 5000, ROWS * COLUMNS), "ordered": np.sort(x[0]),
        "images": x.reshape(16, 16, 50, 80).copy(), "mean": np.zeros(16, np.float32),
        "variance": np.ones(16, np.float32),
    }  # fmt: skip
    made = {name: tensor(np.ascontiguousarray(values)) for name, values in found.items()}
    made["w"].requires_grad_()
    return made


def operators(framework: Any) -> dict[str, Work]:
    """Every operator; a variant is its expression."""
    names = {
        "t": framework,
        "F": importlib.import_module(f"{framework.__name__}.nn.functional"),
        **_operands(framework),
    }
    expressions = [
        *(f"t.{name}({_ARGUMENT.get(name, 'u')})" for name in UNARY),
        *(f"t.{name}(x, p)" for name in BINARY),
        *(f"F.{name}(x)" for name in ACTIVATIONS),
        *(f"t.{name}(x{dim})" for name in REDUCTIONS for dim in ("", ", 1", ", 0")),
        *OTHERS,
    ]
    cannot = {"t.logsumexp(x)"}  # has no form over everything
    found = {text: _forward(framework, text, names) for text in expressions if text not in cannot}
    return found | {f"{text} and its gradient": _both(text, names) for text in DIFFERENTIATED}


def _forward(framework: Any, text: str, names: dict[str, Any]) -> Work:
    function: Work = eval(f"lambda: {text}", names)

    def work() -> None:
        with framework.no_grad():
            function()

    return work


def _both(text: str, names: dict[str, Any]) -> Work:
    function: Callable[[], Any] = eval(f"lambda: {text}", names)

    def work() -> None:
        function().sum().backward()
        names["w"].grad = None

    return work


CASES: dict[str, tuple[str, Callable[[Any], dict[str, Work]]]] = {
    "operators": ("1,024,000 elements", operators),
}
