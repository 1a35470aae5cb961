"""Calls that write to an `out`: what they get, and what should then stand there, worked out by hand."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

VALUES = [[3.0, 1.0, 2.0], [6.0, 6.0, 4.0]]
PLACES = [[0, 1, 1], [1, 0, 0]]


@dataclass(frozen=True)
class OutCase:
    """`call(c, x, i, out)` writes `expected`; with several results `out` is a tuple of tensors, `expected` of lists."""

    call: Callable[[Any, Any, Any, Any], Any]
    expected: Any
    formats: tuple[str, ...] = ("float32",)


def case(call: Callable[[Any, Any, Any, Any], Any], expected: Any, *formats: str) -> OutCase:
    return OutCase(call, expected, formats or ("float32",))


PAIR = ("float32", "int64")
CASES = {
    "sum": case(lambda c, x, i, out: c.sum(x, 0, out=out), [9, 7, 6]),
    "sum in the format of out": case(lambda c, x, i, out: c.sum(x / 4, 1, out=out), [0, 3], "int64"),
    "sum as truth": case(lambda c, x, i, out: c.sum(x, 0, out=out), [True, True, True], "bool"),
    "nansum": case(lambda c, x, i, out: c.nansum(x, 1, out=out), [6, 16]),
    "mean": case(lambda c, x, i, out: c.mean(x, 1, out=out), [2, 16 / 3], "float64"),
    "nanmean": case(lambda c, x, i, out: c.nanmean(x[:1], 1, True, out=out), [[2]]),
    "prod": case(lambda c, x, i, out: c.prod(x, 1, out=out), [6, 144]),
    "amax": case(lambda c, x, i, out: c.amax(x, 1, out=out), [3, 6]),
    "amin": case(lambda c, x, i, out: c.amin(x, 0, out=out), [3, 1, 2]),
    "argmax": case(lambda c, x, i, out: c.argmax(x, 0, out=out), [1, 1, 1], "int64"),
    "argmin": case(lambda c, x, i, out: c.argmin(x, out=out), 1, "int64"),
    "all": case(lambda c, x, i, out: c.all(x > 1, 1, out=out), [False, True], "bool"),
    "any": case(lambda c, x, i, out: c.any(x < 2, 1, out=out), [1, 0], "uint8"),
    "var": case(lambda c, x, i, out: c.var(x, 1, out=out), [1, 4 / 3], "float64"),
    "std": case(lambda c, x, i, out: c.std(x[:1], 1, out=out), [1]),
    "norm": case(lambda c, x, i, out: c.norm(x[:, :2], 1, 1, out=out), [4, 12]),
    "logsumexp": case(lambda c, x, i, out: c.logsumexp(x * 0, 0, out=out), [0.6931472] * 3),
    "quantile": case(lambda c, x, i, out: c.quantile(x, 0.5, 1, out=out), [2, 6]),
    "nanquantile": case(lambda c, x, i, out: c.nanquantile(x, 0.0, 1, out=out), [1, 4]),
    "max of all": case(lambda c, x, i, out: c.max(x, out=out), 6),
    "max of two": case(lambda c, x, i, out: c.max(x, x.flip(0), out=out), [[6, 6, 4], [6, 6, 4]], "float64"),
    "max": case(lambda c, x, i, out: c.max(x, 1, out=out), ([3, 6], [0, 0]), *PAIR),
    "min": case(lambda c, x, i, out: c.min(x, 1, True, out=out), ([[1], [4]], [[1], [2]]), *PAIR),
    "aminmax": case(lambda c, x, i, out: c.aminmax(x, dim=1, out=out), ([1, 4], [3, 6]), "float32", "float32"),
    "median": case(lambda c, x, i, out: c.median(x[:1], 1, out=out), ([2], [2]), *PAIR),
    "nanmedian": case(lambda c, x, i, out: c.nanmedian(x[:1], 1, out=out), ([2], [2]), *PAIR),
    "mode": case(lambda c, x, i, out: c.mode(x[1:], 1, out=out), ([6], [1]), *PAIR),
    "kthvalue": case(lambda c, x, i, out: c.kthvalue(x, 1, out=out), ([1, 4], [1, 2]), *PAIR),
    "sort": case(lambda c, x, i, out: c.sort(x[0], out=out), ([1, 2, 3], [1, 2, 0]), *PAIR),
    "topk": case(lambda c, x, i, out: c.topk(x[0], 2, out=out), ([3, 2], [0, 2]), *PAIR),
    "cummax": case(lambda c, x, i, out: c.cummax(x[0], 0, out=out), ([3, 3, 3], [0, 0, 0]), *PAIR),
    "cummin": case(lambda c, x, i, out: c.cummin(x[0], 0, out=out), ([3, 1, 1], [0, 1, 1]), *PAIR),
    "msort": case(lambda c, x, i, out: c.msort(x, out=out), [[3, 1, 2], [6, 6, 4]]),
    "searchsorted": case(lambda c, x, i, out: c.searchsorted(x.new_tensor([2, 5]), x, out=out),
                         [[1, 0, 0], [2, 2, 1]], "int64"),
    "bucketize": case(lambda c, x, i, out: c.bucketize(x, x.new_tensor([2, 5]), right=True, out_int32=True, out=out),
                      [[1, 0, 1], [2, 2, 1]], "int32"),
    "isin": case(lambda c, x, i, out: c.isin(x[0], x.new_tensor([3, 2]), out=out), [True, False, True], "bool"),
    "histc": case(lambda c, x, i, out: c.histc(x, 2, 0, 8, out=out), [3, 3]),
    "take_along_dim": case(lambda c, x, i, out: c.take_along_dim(x, i, 0, out=out), [[3, 6, 4], [6, 1, 2]]),
    "nonzero": case(lambda c, x, i, out: c.nonzero(x > 3, out=out), [[1, 0], [1, 1], [1, 2]], "int64"),
    "masked_select": case(lambda c, x, i, out: c.masked_select(x, x > 2, out=out), [3, 6, 6, 4]),
    "scatter": case(lambda c, x, i, out: c.scatter(x, 0, i[:1], 0.5, out=out), [[0.5, 1, 2], [6, 0.5, 0.5]]),
    "scatter_add": case(lambda c, x, i, out: c.scatter_add(x, 0, i[:1], x, out=out), [[6, 1, 2], [6, 7, 6]]),
    "scatter_reduce": case(lambda c, x, i, out: c.scatter_reduce(x, 0, i[:1], x, "amin", out=out),
                           [[3, 1, 2], [6, 1, 2]]),
    "index_add": case(lambda c, x, i, out: c.index_add(x, 0, i[0, :1], x[1:], out=out), [[9, 7, 6], [6, 6, 4]]),
    "index_reduce": case(lambda c, x, i, out: c.index_reduce(x, 0, i[0, :1], x[1:], "prod", out=out),
                         [[18, 6, 8], [6, 6, 4]]),
    "softmax": case(lambda c, x, i, out: c.softmax(x[:, :1] * 0, 0, out=out), [[0.5], [0.5]]),
    "log_softmax": case(lambda c, x, i, out: c.log_softmax(x[:, :1] * 0, 0, out=out), [[-0.6931472], [-0.6931472]]),
    "mm": case(lambda c, x, i, out: c.mm(x, x.t(), out=out), [[14, 32], [32, 88]]),
    "matmul": case(lambda c, x, i, out: c.matmul(x, x[0], out=out), [14, 32]),
    "bmm": case(lambda c, x, i, out: c.bmm(x[None], x.t()[None], out=out), [[[14, 32], [32, 88]]]),
    "mv": case(lambda c, x, i, out: c.mv(x, x[0], out=out), [14, 32]),
    "dot": case(lambda c, x, i, out: c.dot(x[0], x[1], out=out), 32),
    "outer": case(lambda c, x, i, out: c.outer(x[0, :2], x[1, 1:], out=out), [[18, 12], [6, 4]], "float64"),
    "addmm": case(lambda c, x, i, out: c.addmm(x[:, :2], x, x.t(), beta=2, out=out), [[20, 34], [44, 100]]),
    "inner": case(lambda c, x, i, out: c.inner(x, x[0], out=out), [14, 32]),
    "kron": case(lambda c, x, i, out: c.kron(x[:1, :2], x[1:, 1:], out=out), [[18, 12, 6, 4]], "float64"),
}  # fmt: skip
