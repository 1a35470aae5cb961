"""Attention as one operator, with its gradients: scores are made block by block and never stored.

The costs are those of the pairs of a query and a key that it may see: masked pairs count for nothing.
"""

from __future__ import annotations

from math import prod
from typing import Any

from curta.autograd.state import STATE
from curta.compiler.attention import NUMBERS, Dropout, Sizes, plan_backward, plan_forward, query_parts
from curta.compiler.expression import Expression
from curta.compiler.schedule import Step
from curta.dtypes import bool_, compute_dtype, int64
from curta.errors import ShapeError
from curta.memory.layout import Layout, contiguous, strided
from curta.ops.attention_softmax import weights_of
from curta.ops.dispatch import bind
from curta.ops.dropout import DROPOUT, kept
from curta.ops.elementwise import COPY
from curta.ops.inference import bytes_read
from curta.ops.launches import Launches, Part
from curta.ops.matmul import multiply
from curta.ops.product import launch_step
from curta.ops.record import Cost, Generated, Gradient, Op
from curta.ops.rows import cast, total
from curta.runtime import cpu
from curta.shapes import broadcast_shapes, broadcast_strides, elementwise_strides

#: an attention over no more pairs runs on the calling thread without letting go of the interpreter
SMALL_PAIRS = 512

# operands: query[..., L, E], key[..., S, E], value[..., S, V]; the dimensions before broadcast. Behind them, where
# there is one, a mask[..., L, S]: truth values, or numbers that are added to the scores. Its sizes may be 1, but for
# the last. Where there is dropout, the generator's key in two halves and its counter come last.
#
# parameters: `scale` of the scores; `causal`, query i sees keys 0 to i; `window`, and only so many of the last of these
# unless it is 0; `p`, the chance that a weight is dropped


def _sizes(query: Layout, key: Layout, value: Layout) -> Sizes:
    if query.shape[-1] != key.shape[-1]:
        raise ShapeError(f"attention: queries and keys must be equally wide, got {query} and {key}")
    if key.shape[-2] != value.shape[-2]:
        raise ShapeError(f"attention: there must be as many keys as values, got {key} and {value}")
    batch = broadcast_shapes(query.shape[:-2], key.shape[:-2], value.shape[:-2])
    return Sizes(batch, query.shape[-2], key.shape[-2], query.shape[-1], value.shape[-1])


def _pairs(sizes: Sizes, causal: bool, window: int) -> int:
    """The pairs of a query and a key that it may see, in all batches."""
    if not causal:
        return prod(sizes.batch) * sizes.queries * sizes.keys
    # query i sees no more what query i - window saw
    passed = _below(max(0, sizes.queries - window), sizes.keys) if window else 0
    return prod(sizes.batch) * (_below(sizes.queries, sizes.keys) - passed)


def _seeing(sizes: Sizes, causal: bool, window: int) -> int:
    """The queries that see any key at all, in all batches."""
    seeing = sizes.queries if sizes.keys else 0
    if causal and window:
        seeing = min(seeing, sizes.keys + window - 1)
    return prod(sizes.batch) * seeing


def _below(queries: int, keys: int) -> int:
    """The pairs of query i and keys 0 to i."""
    both = min(queries, keys)
    return both * (both + 1) // 2 + (queries - both) * keys


def _as_it_lies(layout: Layout, shape: tuple[int, ...]) -> Layout:
    """A dense layout of this shape, its dimensions in memory in the order of another tensor's."""
    over = broadcast_strides(layout.shape[:-2], layout.strides[:-2], shape[:-2])
    strides = elementwise_strides(shape, (*over, *layout.strides[-2:]))
    return strided(shape, strides, layout.dtype, layout.device)


def _infer(query: Layout, key: Layout, value: Layout, *others: Any, **params: Any) -> tuple[Layout, Layout]:
    sizes = _sizes(query, key, value)
    out = _as_it_lies(query, (*sizes.batch, sizes.queries, sizes.value_width))
    return out, contiguous((*sizes.batch, sizes.queries), compute_dtype(query.dtype), query.device)


def _infer_backward(
    g: Layout, query: Layout, key: Layout, value: Layout, *others: Any, **params: Any
) -> tuple[Layout, Layout, Layout]:
    batch = _sizes(query, key, value).batch
    to_query, to_key, to_value = (_as_it_lies(one, (*batch, *one.shape[-2:])) for one in (query, key, value))
    return to_query, to_key, to_value


# the launches


def _near(launches: Launches, layout: Layout, number: int) -> Part:
    """An operand whose columns are neighbours in memory: itself or a copy."""
    if layout.strides[-1] == 1 or layout.shape[-1] <= 1:
        return layout, ("input", number)
    copy = contiguous(layout.shape, layout.dtype, layout.device)
    place = launches.temporary(copy)
    launches.compute(_copied, [(layout, ("input", number))], [(copy, place)], {})
    return copy, place


def _copied(x: Any) -> Any:
    return bind(COPY, (x,), contiguous_format=True)


def _launched(
    plan: Any, sizes: Sizes, inputs: tuple[Any, ...], outputs: tuple[Layout, ...], params: dict[str, Any]
) -> tuple[list[Step], list[Layout]]:
    """The one kernel, behind copies of what it cannot read; before it adds up the parts of a gradient."""
    launches = Launches()
    near = [_near(launches, layout, number) for number, layout in enumerate(inputs) if isinstance(layout, Layout)]
    numbers: list[Any] = [("input", number) for number in range(len(near), len(inputs))]
    made_at: list[Any] = [("output", number) for number in range(len(outputs))]
    made = list(outputs)
    parts = query_parts(sizes) if plan is plan_backward else 1
    if parts > 1:
        made[0] = contiguous(outputs[0].shape, compute_dtype(outputs[0].dtype), outputs[0].device)
        whole = contiguous((parts, *made[0].shape), made[0].dtype, made[0].device)
        made_at[0] = launches.temporary(whole)
    layouts = [*(layout for layout, _ in near), *made]
    settings = {name: params[name] for name in ("scale", "causal", "window")} | {"dropout": _dropout(params["p"])}
    kernel = plan(sizes, layouts, **settings, level=cpu.level(), vector_bytes=cpu.vector_bytes())
    sources: list[Any] = [("input", number) for number in range(len(inputs))]
    sources += [("output", number) for number in range(len(outputs))]
    step = launch_step(kernel, sources, _pairs(sizes, False, 0) <= SMALL_PAIRS)
    launches.add(step, [*(place for _, place in near), *numbers], made_at)
    if parts > 1:
        _add_up(launches, (whole, made_at[0]), outputs[0])
    return launches.done()


def _dropout(p: float) -> Dropout | None:
    if p == 0.0:
        return None
    key_low, key_high, counter = (Expression("scalar", int64, (), place) for place in range(3))
    return Dropout(kept(key_low, key_high, counter, p), 1.0 / (1.0 - p))


def _add_up(launches: Launches, parts: Part, out: Layout) -> None:
    """The sum of the parts, rounded once."""
    target = strided((1, *out.shape), (out.numel, *out.strides), out.dtype, out.device)
    launches.compute(lambda parts: cast(total(parts, (0,)), out.dtype), [parts], [(target, ("output", 0))], {})


def _plan(inputs: tuple[Any, ...], outputs: tuple[Layout, ...], **params: Any) -> tuple[list[Step], list[Layout]]:
    return _launched(plan_forward, _sizes(*inputs[:3]), inputs, outputs, params)


def _plan_backward(
    inputs: tuple[Any, ...], outputs: tuple[Layout, ...], **params: Any
) -> tuple[list[Step], list[Layout]]:
    return _launched(plan_backward, _sizes(*inputs[1:4]), inputs, outputs, params)


# costs


def _each_pair(others: tuple[Any, ...]) -> int:
    """The FLOPs of a mask and of dropout for each pair: an addition, a product."""
    mask = next((one for one in others if isinstance(one, Layout)), None)
    return int(mask is not None and mask.dtype is not bool_) + int(len(others) >= len(NUMBERS))


def _cost(inputs: tuple[Any, ...], outputs: tuple[Layout, ...], causal: bool, window: int, **params: Any) -> Cost:
    """For each pair 2E for its score and 2V for its part of the result, a scaling, a subtraction and an addition.

    And an addition for a mask of numbers, a product for dropout, and an exponential. For each query V divisions and an
    addition more, and one addition less in each sum; and a logarithm.
    """
    sizes = _sizes(*inputs[:3])
    pairs, queries = _pairs(sizes, causal, window), _seeing(sizes, causal, window)
    each = 2 * sizes.width + 2 * sizes.value_width + 3 + _each_pair(inputs[3:])
    flops = pairs * each + queries * sizes.value_width
    products = pairs * 2 * (sizes.width + sizes.value_width)
    return Cost(flops, pairs + queries, bytes_read(inputs), sum(layout.nbytes for layout in outputs), products)


def _cost_backward(
    inputs: tuple[Any, ...], outputs: tuple[Layout, ...], causal: bool, window: int, **params: Any
) -> Cost:
    """For each pair its score again (2E), the weight's gradient (2V), and what it adds to three gradients (4E + 2V).

    And five element-wise operations, an addition for a mask of numbers, two products for dropout, and an exponential;
    for each query 2V for the product of the result with its gradient.
    """
    sizes = _sizes(*inputs[1:4])
    pairs, queries = _pairs(sizes, causal, window), _seeing(sizes, causal, window)
    more = _each_pair(inputs[6:]) + int(len(inputs) >= 6 + len(NUMBERS))
    flops = pairs * (6 * sizes.width + 4 * sizes.value_width + 5 + more) + queries * 2 * sizes.value_width
    again = pairs * 2 * sizes.width
    return Cost(
        flops, pairs, bytes_read(inputs), sum(layout.nbytes for layout in outputs),
        pairs * 4 * (sizes.width + sizes.value_width), again,
    )  # fmt: skip


# gradients


def _rule(node: Any, g: Any, *_: Any) -> tuple[Any, ...]:
    """Keeps the logarithms of the sums alone, and makes the scores again."""
    query, key, value, *others = map(node.input, range(len(node.input_layouts)))
    if STATE.grad_enabled:
        return _again(g, (query, key, value), others, node.needs, node.params)
    given = (g, query, key, value, node.output(0), node.output(1), *others)
    made = bind(ATTENTION_BACKWARD, given, **node.params)
    # whoever wants the gradient of a mask takes another way, see `F.scaled_dot_product_attention`
    found = (one if needed else None for one, needed in zip(made, node.needs, strict=False))
    return (*found, *(None for _ in others))


def _again(g: Any, inputs: tuple[Any, ...], others: list[Any], needs: Any, params: dict[str, Any]) -> tuple[Any, ...]:
    """The gradients with a history, by way of all the scores."""
    from curta.autograd.engine import run_backward

    # copies: the way back is to end here, even where one of them was made from another
    query, key, value = copies = [bind(COPY, (one,), contiguous_format=True) for one in inputs]
    settings = {name: params[name] for name in ("scale", "causal", "window")}
    numbers = others[-len(NUMBERS) :] if params["p"] else []
    mask = others[: len(others) - len(numbers)]
    weights = weights_of(multiply(query, key.transpose(-2, -1)), *mask, **settings)
    if numbers:
        weights = bind(DROPOUT, (weights, *numbers), p=params["p"])
    wanted = [copy for copy, needed in zip(copies, needs, strict=False) if needed]
    made = run_backward(
        [multiply(weights, value)], [g], retain_graph=True, create_graph=True, inputs=wanted, into_grad=False
    )
    found = iter(made)
    return tuple(next(found) if needed else None for needed in needs)


def _attention(inputs: int) -> Op:
    """The operator with so many inputs; what is behind the first three gets no gradient."""
    saved = tuple(range(inputs))
    gradient = Gradient(_rule, inputs=saved, outputs=(0, 1), constant_outputs=(1,))
    return Op("attention", _infer, Generated(_plan, strided=True), gradient, _cost)


#: (query, key, value) to the result and, for each query, the logarithm of the sum of its exponentials: 0 where it sees
#: no key
ATTENTION = _attention(3)
MASKED_ATTENTION = _attention(4)
DROPPED_ATTENTION = _attention(6)
MASKED_DROPPED_ATTENTION = _attention(7)

#: (the result's gradient, query, key, value, result, logarithms, and what else the forward pass had) to the gradients
#: of query, key and value
ATTENTION_BACKWARD = Op(
    "attention_backward", _infer_backward, Generated(_plan_backward, strided=True), None, _cost_backward
)
