"""How operators run on all slices at once: a rule for each family of lowerings, and for operators that name dimensions.

What has no rule runs slice by slice, and the results are stacked: the last resort, which `LOOPED` counts.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any

from curta.batching import gathers, images, views
from curta.batching.calls import Call, lengthened
from curta.batching.compositions import run_composition
from curta.batching.randomness import different
from curta.dtypes import bool_
from curta.errors import CompilerError, MappingError
from curta.memory.layout import Layout, contiguous
from curta.methods import late
from curta.ops import (
    attention,
    attention_softmax,
    convolution,
    dropout,
    embedding,
    indexing,
    joining,
    loss,
    matmul,
    movement,
    padding,
    pooling,
    rearrange,
    reduce,
    resampling,
    rows,
    scan,
    selection,
    sorting,
    turning,
)
from curta.ops.creation import ones_of
from curta.ops.dispatch import bind, described
from curta.ops.inference import promoted
from curta.ops.record import Composition, Host, Op, Pointwise, Reduce
from curta.tensor import Tensor

Rule = Callable[[Call], Any]

#: operators that ran slice by slice, and how often
LOOPED: Counter[str] = Counter()


def run(call: Call) -> Any:
    """The results of all slices, one behind the other along the first dimension of each."""
    op = call.op
    rule = RULES.get(op)
    if rule is None:
        if isinstance(op.lower, Composition):
            return _composed(call)
        op.infer(*map(described, call.inputs), **call.params)  # errors speak of one slice
        rule = _of_family(op)
    return rule(call)


def _of_family(op: Op) -> Rule:
    lower = op.lower
    if isinstance(lower, Reduce):
        return _reduction
    if isinstance(lower, Host):
        return _stacked
    if isinstance(lower, Pointwise) and not lower.indexed and lower.gathered is None:
        return _pointwise
    return looped


def _stacked(call: Call) -> Any:
    """All slices as a batch."""
    return bind(call.op, call.every(), **call.params)


def looped(call: Call) -> Any:
    """Slice by slice."""
    if not call.size:
        raise MappingError(f"vmap: {call.op.name} runs slice by slice, and there is none")
    LOOPED[call.op.name] += 1
    made = [
        bind(call.op, tuple(value.select(0, number) if mapped else value
                            for value, mapped in zip(call.values, call.mapped, strict=True)), **call.params)
        for number in range(call.size)
    ]  # fmt: skip
    if isinstance(made[0], tuple):
        return tuple(late.functions.stack(parts) for parts in zip(*made, strict=True))
    return late.functions.stack(made)


def _dropout(call: Call) -> Any:
    """Other numbers for each slice, or one mask for all: `vmap` was asked which."""
    if different():
        return bind(call.op, call.values, **call.params)
    x, *numbers = call.inputs
    mask = bind(
        call.op, (ones_of(contiguous(x.layout.shape, x.layout.dtype, x.layout.device)), *numbers), **call.params
    )
    return call.values[0] * mask


def _composed(call: Call) -> Any:
    try:
        return run_composition(call)
    except (CompilerError, MappingError):
        return looped(call)


# element-wise operators and reductions


def _pointwise(call: Call) -> Any:
    return bind(call.op, _converted(call, call.aligned()), **call.params)


def _converted(call: Call, values: tuple[Any, ...]) -> tuple[Any, ...]:
    """Slices without dimensions count for less in promotion: converted here, since all of them have a dimension."""
    lower = call.op.lower
    operands = tuple(map(described, call.inputs))
    layouts = [one for one in operands if isinstance(one, Layout)]
    if min(one.rank for one in layouts) or len({one.dtype for one in layouts}) == 1 or not isinstance(lower, Pointwise):
        return values
    if lower.operands == "promoted":
        dtype = promoted(operands)
    else:  # those that are not converted to the result's format are no numbers of it: conditions
        dtype = call.op.infer(*operands, **call.params).dtype  # type: ignore[union-attr]
    kept = (bool_, dtype)
    return tuple(one.to(dtype) if isinstance(one, Tensor) and one.layout.dtype not in kept else one for one in values)


def _reduction(call: Call) -> Any:
    dims = tuple(dim + 1 for dim in call.params["dims"])
    return bind(call.op, call.values, **{**call.params, "dims": dims})


def _spread(call: Call) -> Any:
    shape = call.params["shape"]
    return bind(call.op, call.aligned(len(shape)), shape=(call.size, *shape))


def further(name: str, by_all: bool = False, contiguous: bool = False) -> Rule:
    """The parameter `name` counts dimensions from the first: one more. All inputs with all slices, if the operator
    does not broadcast (`by_all`), as row-major tensors if it asks for such."""

    def rule(call: Call) -> Any:
        values = call.every() if by_all else call.aligned()
        if contiguous:
            values = tuple(one.contiguous() if isinstance(one, Tensor) else one for one in values)
        return bind(call.op, values, **{**call.params, name: call.params[name] + 1})

    return rule


# products


def _matmul(call: Call) -> Any:
    return bind(call.op, call.aligned(), **call.params)


def _linear(call: Call) -> Any:
    """With one weight for all slices as it is; else a product of matrices."""
    if not call.mapped[0] and not call.mapped[1]:
        return bind(matmul.PROJECTION, call.values[:2]) + call.aligned(call.rank(0))[2]
    if not call.mapped[1]:
        x, weight, *bias = call.aligned(call.rank(0))
        return bind(call.op, (x, weight, *bias), **call.params)
    x, weight, *bias = call.aligned(call.rank(0))
    product = matmul.multiply(x, weight.transpose(-2, -1))
    return product + bias[0] if bias else product


# attention


def _attention(call: Call) -> Any:
    ranks = [call.rank(place) for place in range(3)]
    if len(set(ranks)) > 1 or (call.params["p"] and not different()):
        return looped(call)
    # a mask lines up with the last dimensions of the scores
    return bind(call.op, (*call.every()[:3], *_lined_up(call, 3, ranks[0])), **call.params)


def _attention_backward(call: Call) -> Any:
    """The output's gradient, the three operands, the output and the logarithms of sums stand before the others."""
    ranks = [call.rank(place) for place in range(1, 4)]
    if len(set(ranks)) > 1 or (call.params["p"] and not different()):
        return looped(call)
    return bind(call.op, (*call.every()[:6], *_lined_up(call, 6, ranks[0])), **call.params)


def _lined_up(call: Call, first: int, rank: int) -> list[Any]:
    return [
        lengthened(value, rank + 1 - value.layout.rank) if isinstance(value, Tensor) else value
        for value in call.every()[first:]
    ]


# taking apart and joining


def _cat(call: Call) -> Any:
    return late.functions.cat(call.every(), call.params["dim"] + 1)


RULES: dict[Op, Rule] = {
    dropout.DROPOUT: _dropout,
    rows.SPREAD: _spread,
    matmul.MATMUL: _matmul,
    matmul.LINEAR: _linear,
    matmul.PROJECTION: _linear,
    joining.CAT: _cat,
    joining.BEFORE: further("dim"),
    indexing.TRIL: further("rank"),
    indexing.TRIU: further("rank"),
    attention_softmax.BELOW_DIAGONAL: further("rank"),
    attention_softmax.CAUSAL: further("rank"),
    loss.PICK: further("dim"),
    turning.FLIP: _reduction,
    reduce.IS_AT: further("dim"),
    reduce.ONE_HOT: further("dim"),
    scan.RECURRENCE: further("dim", by_all=True, contiguous=True),
    scan.CUMSUM: further("dim", by_all=True, contiguous=True),
    scan.CUMPROD: further("dim", by_all=True, contiguous=True),
    scan.CUMMAX: further("dim", by_all=True, contiguous=True),
    scan.CUMMIN: further("dim", by_all=True, contiguous=True),
    scan.LOGCUMSUMEXP: further("dim", by_all=True, contiguous=True),
    sorting.SORT: further("dim", by_all=True, contiguous=True),
    selection.SMALLEST: further("dim", by_all=True, contiguous=True),
    selection.RANKED: further("dim", by_all=True, contiguous=True),
    sorting.SEARCH: gathers.search,
    attention.ATTENTION: _attention,
    attention.MASKED_ATTENTION: _attention,
    attention.DROPPED_ATTENTION: _attention,
    attention.MASKED_DROPPED_ATTENTION: _attention,
    attention.ATTENTION_BACKWARD: _attention_backward,
    movement.PERMUTE: views.permute,
    movement.EXPAND: views.expand,
    movement.VIEW: views.view,
    movement.REGION: views.region,
    movement.AS_STRIDED: views.as_strided,
    rearrange.REARRANGE: views.rearrange,
    movement.EMBED: gathers.embed,
    embedding.EMBEDDING: gathers.embedding,
    **dict.fromkeys(indexing.TAKES, gathers.take),
    **dict.fromkeys(resampling.RESAMPLINGS, gathers.resampled),
    indexing.SCATTER: gathers.scatter,
    indexing.SCATTER_LINES: gathers.scatter_lines,
    loss.NEGATIVE_LIKELIHOOD: gathers.rows,
    loss.WEIGHTED_NEGATIVE_LIKELIHOOD: gathers.rows,
    loss.CLASS_WEIGHT: gathers.rows,
    convolution.WINDOWS: images.merged,
    convolution.FOLD: images.merged,
    convolution.CONV_TRANSPOSE2D: images.convolution_to_input,
    convolution.CONV2D: images.convolution,
    convolution.CONV2D_WITH_BIAS: images.convolution,
    convolution.CONV2D_BACKWARD_INPUT: images.convolution_to_input,
    convolution.CONV2D_BACKWARD_WEIGHT: images.convolution_to_weight,
    padding.OWN_PADDING: images.padded,
    padding.OWN_PADDING_BACKWARD: images.padded,
    pooling.AVG_POOL: images.averaged,
    pooling.WINDOW_SUM: images.merged,
    pooling.MAX_POOL: images.merged,
    pooling.MAX_POOL_BACKWARD: images.merged,
}
