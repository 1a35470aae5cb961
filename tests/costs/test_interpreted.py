"""What every operator costs, against an interpreter that works through it; see `interpreter`."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache, partial
from typing import Any

import numpy as np
from tests.costs.interpreter import ARITHMETIC, BEYOND, FIRST_FORM, FREE, TRANSCENDENTAL, interpreted
from tests.ops.image_cases import IMAGE_CASES, ImageCase, params_of
from tests.ops.programs import named_programs, with_gradients

import curta
from curta import nn
from curta.autograd.state import STATE
from curta.compiler.instructions import TABLE as INSTRUCTIONS
from curta.einops import rearrange
from curta.errors import PlanError
from curta.nn import functional as F
from curta.ops import convolution, counting, indexing, inplace, joining, loss, resampling
from curta.ops.dispatch import bind
from curta.ops.record import Cost, Host, Op
from curta.ops.table import TABLE

#: operators that are not met, and why
NEVER_BY_THEMSELVES = {
    inplace.OVERWRITE: "a place in the dynamic graph: the write itself is a copy",
    joining.CAT: "copies its parts; in a composition it is other operators",
    joining.SPLIT: "a view for each part",
    joining.UNBIND: "a view for each part",
}


def make(values: Any) -> Any:
    return curta.from_numpy(np.array(values, order="K"))


def ones(*shape: int, dtype: Any = None) -> Any:
    return curta.ones(*shape, dtype=dtype)


def attend(
    batch: tuple[int, ...], queries: int, keys: int, width: int, value_width: int, dtype: Any = None, **more: Any
) -> Any:
    shapes = (*batch, queries, width), (*batch[-1:], keys, width), (*batch[-1:], keys, value_width)
    return with_gradients(
        lambda *x: F.scaled_dot_product_attention(*x, **more), *(ones(*one, dtype=dtype) for one in shapes)
    )


def attentions() -> None:
    """More queries than keys and fewer, windows, masks of both kinds, dropout, batches that broadcast."""
    for queries, keys in ((3, 5), (7, 3), (1, 1), (2, 0)):
        attend((2, 3), queries, keys, 4, 5)
        attend((2,), queries, keys, 3, 2, curta.bfloat16)
        if keys:
            attend((2,), queries, keys, 4, 2, is_causal=True)
            attend((2,), queries, keys, 4, 2, is_causal=True, window=2)
        for mask in (ones(queries, keys, dtype=curta.bool), ones(queries, keys)):
            attend((2,), queries, keys, 4, 2, attn_mask=mask)
            attend((2,), queries, keys, 4, 2, attn_mask=mask, dropout_p=0.5)
    attend((4,), 3, 3, 2, 2, is_causal=True, dropout_p=0.5)


def products() -> None:
    matrices = ((3, 4), (4, 5)), ((2, 3, 4), (4, 5)), ((2, 1, 3, 4), (3, 4, 2)), ((3, 0), (0, 2)), ((4,), (4,))
    for left, right in matrices:
        with_gradients(curta.matmul, ones(*left), ones(*right))
    for dtype in (curta.int32, curta.float64):
        ones(3, 4, dtype=dtype) @ ones(4, 2, dtype=dtype)
    ones(4).expand(3, 4) @ ones(4, 2)


def images() -> None:
    """Windows with gaps, windows that overlap, holes in windows, rows that no window covers."""
    x = ones(2, 4, 6, 7)
    for kernel, *sizes in ((2, 3, 0, 1), (3, 1, 1, 1), (2, 1, 0, 2), (2, 2, 1, 3), (1, 2, 0, 1)):
        where = dict(zip(("stride", "padding", "dilation"), sizes, strict=True))
        with_gradients(partial(F.max_pool2d, kernel_size=kernel, **where), x)
        with_gradients(partial(F.conv2d, **where, groups=2), x, ones(6, 2, kernel, kernel))
        with_gradients(partial(F.avg_pool2d, kernel_size=kernel, stride=where["stride"]), x)
    with_gradients(lambda x: F.adaptive_avg_pool2d(x, (3, 4)), ones(1, 2, 5, 7))
    with_gradients(partial(F.conv_transpose2d, stride=2, padding=1, groups=2), ones(1, 4, 3, 4), ones(4, 3, 3, 2))
    with_gradients(partial(F.unfold, kernel_size=2, dilation=2, padding=1, stride=3), x)
    for stride, size in ((1, 5), (2, 6), (3, 8)):  # windows side by side, overlapping, with gaps
        columns = ((size + 2 - 2) // stride + 1) ** 2
        with_gradients(partial(F.fold, output_size=size, kernel_size=2, padding=1, stride=stride), ones(1, 8, columns))
    with_gradients(partial(F.interpolate, size=(5, 9), mode="bicubic"), x)
    with_gradients(lambda x: F.group_norm(x, 2, ones(4), ones(4)), x)
    with_gradients(lambda x: F.group_norm(x, 2), x)
    places = ones(1, 2, 3, 2) / 4
    for channels, mode in ((2, "bilinear"), (6, "nearest"), (6, "bilinear"), (6, "bicubic")):
        F.grid_sample(ones(1, channels, 4, 5), places, mode, align_corners=False)
    with_gradients(partial(curta.cross, dim=1), ones(2, 3, 4), ones(1, 3, 4))
    curta.median(ones(3, 4), 1), curta.nanmedian(ones(3, 4), 1)
    curta.histc(ones(5), bins=4)
    curta.multinomial(ones(2, 3), 2)
    bind(convolution.WINDOWS, (ones(1, 2, 5, 5),), kernel=(2, 2), stride=(1, 1), dilation=(1, 1))


def _resampled(taps: Any, x: Any) -> Any:
    return bind(resampling.resampling(len(taps[0])), (x, *taps), dim=1, ragged=False)


def lookups() -> None:
    """Few rows of a large table, and as many indices as there may be."""
    rows = make(np.array([1, 0, 1]))
    with_gradients(lambda x: x[rows], ones(50, 4))
    with_gradients(lambda x: x[:, rows], ones(3, 50, 2))
    with_gradients(lambda x: F.embedding(rows.expand(2, 3), x), ones(50, 4))
    ones(50, 4).gather(0, rows[:, None].expand(3, 4))
    for count in range(1, 17):
        curta.ones((2,) * 16)[(rows,) * count]
    ones(5, 3).index_add_(0, rows, ones(3, 3))
    bind(indexing.ROW_TOTALS, (ones(3, 3), rows), count=5)
    bind(counting.COUNTS, (rows,), count=2)
    ones(3, 5).index_add_(1, rows, ones(3, 3))
    F.one_hot(rows, 4)
    for count in range(1, resampling.MOST_TERMS + 1):
        taps = make(np.zeros((count, 6), np.int64)), ones(count, 6), make(np.zeros((2, 4), np.int64)), ones(2, 4)
        with_gradients(partial(_resampled, taps), ones(2, 4, 3))


def views() -> None:
    """Elements that are in memory once and in the shape often; and what looks at them in another order."""
    wide = ones(4, 1).expand(4, 6)
    with_gradients(lambda x: F.softmax(x, 1), wide)
    with_gradients(lambda x: F.layer_norm(x, (6,), ones(1).expand(6), ones(6)), wide)
    F.gelu(wide)
    with_gradients(lambda x: rearrange(x, "a (b c) -> c a b", c=2), ones(3, 4))
    overlapping = ones(6).as_strided((4, 3), (1, 1))
    overlapping * ones(3)
    overlapping.sum(1)
    overlapping @ ones(3, 2)
    F.softmax(overlapping, 1)
    F.gelu(ones(9).as_strided((2, 2, 2), (4, 2, 2)))


def made_of_numbers() -> None:
    for dtype in (curta.float16, curta.float32, curta.float64):
        curta.rand(3, dtype=dtype), curta.randn(3, dtype=dtype), curta.linspace(0, 1, 3, dtype=dtype)
        curta.arange(0, 3, dtype=dtype), curta.eye(3, dtype=dtype), curta.full((3,), 2, dtype=dtype)
        with_gradients(lambda x: F.dropout(x, 0.5), ones(3, dtype=dtype))
    with_gradients(lambda x: x.floor() + x.sign(), ones(3))


def activations() -> None:
    for name in ("elu", "softplus", "mish", "logsigmoid", "hardtanh", "hardswish", "hardsigmoid", "softsign",
                 "tanhshrink", "softshrink", "hardshrink", "glu"):  # fmt: skip
        with_gradients(getattr(F, name), ones(4, 6))
    with_gradients(lambda x: F.threshold(x, 1.5, 2.0), ones(4, 6))
    with_gradients(F.prelu, ones(2, 3, 4), ones(3))


def losses() -> None:
    x, y = ones(4, 6), ones(4, 6)
    for name in ("smooth_l1_loss", "huber_loss", "binary_cross_entropy", "kl_div", "hinge_embedding_loss",
                 "soft_margin_loss", "cosine_similarity"):  # fmt: skip
        with_gradients(getattr(F, name), x, y)
    with_gradients(partial(F.poisson_nll_loss, full=True), x, y)
    with_gradients(partial(F.kl_div, log_target=True), x, y)
    with_gradients(F.gaussian_nll_loss, x, y, ones(4, 6))
    with_gradients(F.margin_ranking_loss, x, y, ones(4, 6))
    with_gradients(lambda x, w: F.binary_cross_entropy_with_logits(x, y, pos_weight=w), x, ones(6))
    classes = make(np.array([1, 5, -100, 0]))
    with_gradients(lambda x: bind(loss.MEAN_LIKELIHOOD, (x, classes), dim=1, ignore=-100), x)
    with_gradients(lambda x: bind(loss.MEAN_OF_CLASSES, (x, classes), classes=6, ignore=-100), ones(4))
    with_gradients(lambda x: F.ctc_loss(x, make([[1, 2], [2, 0]]), (4, 3), (2, 1)), ones(4, 2, 3))


def recurrent() -> None:
    with_gradients(lambda x: nn.LSTM(3, 4, 2, bidirectional=True, proj_size=2)(x)[0], ones(3, 2, 3))
    with_gradients(lambda x: nn.GRU(3, 4)(x)[0], ones(3, 2, 3))
    with_gradients(lambda x: nn.RNN(3, 4, bias=False)(x)[0], ones(3, 2, 3))


def of_image_case(case: ImageCase) -> Callable[[], Any]:
    tensors = [ones(*shape) if place not in case.places else make(case.places[place](shape)) for place, shape in
               enumerate(case.shapes)]  # fmt: skip
    return lambda: bind(case.op, (*tensors, *case.numbers), **params_of(case))


def programs() -> dict[str, Callable[[], Any]]:
    """Everything that is run, by name; `tests.ops.programs` among it."""
    found: dict[str, Callable[[], Any]] = {
        one.__name__: one
        for one in (attentions, products, images, lookups, views, made_of_numbers, activations, losses, recurrent)
    }
    found |= {f"case of {case.name}": of_image_case(case) for case in IMAGE_CASES}
    given = named_programs(("contiguous", "transposed", "broadcast"), every_dtype=True)
    return found | {name: lambda program=program: program(make, 4, 6) for name, program in given.items()}


@cache
def executed() -> dict[Any, str]:
    """Every operator's compiled form that the programs use, and the program that used it first."""
    found: dict[Any, str] = {}
    needs_values = []

    def run_all() -> None:
        (books,) = STATE.books
        for name, program in programs().items():
            try:
                program()
            except PlanError:
                needs_values.append(name)
            # what NumPy did has no operator
            met = [call for call, _, _ in books._counts if hasattr(call, "op")]
            found.update((call, name) for call in met if call not in found)

    curta.plan(run_all)
    for name in needs_values:
        with curta.account(memory=False) as books:
            programs()[name]()
        found.update((call, name) for call, _, _ in books._counts if call not in found and hasattr(call, "op"))
    return found


@cache
def worked_through() -> dict[Any, tuple[Cost, set[Op]]]:
    """What each of these does, and the operators that it is made of."""
    return {call: interpreted(call) for call in executed()}


def test_every_operator_costs_what_its_loops_do() -> None:
    wrong = []
    for call, program in executed().items():
        cost = worked_through()[call][0]
        if cost != call.cost:
            wrong.append(f"{call.op.name}{call.operands} {call.params} in {program}: {call.cost}, but does {cost}")
    assert wrong == []


def test_every_operator_is_met() -> None:
    met = set().union(*(parts for _, parts in worked_through().values()))
    # what LAPACK does has no loops to look at: tests/linalg has its costs
    expected = [op for op in TABLE if op in NEVER_BY_THEMSELVES or isinstance(op.lower, Host)]
    assert [op for op in TABLE if op not in met] == expected


def test_every_instruction_has_one_price() -> None:
    kinds = (ARITHMETIC, TRANSCENDENTAL, FREE)
    assert sorted(name for kind in kinds for name in kind) == sorted(INSTRUCTIONS)
    assert {*BEYOND, *FIRST_FORM} <= {op.name for op in TABLE}
