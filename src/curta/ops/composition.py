"""Records of operators that are plain Python over other operators, and gradients worked out from that Python."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from curta.autograd.state import STATE
from curta.compiler.expression import lift
from curta.memory.layout import Layout, contiguous
from curta.ops.record import NO_COST, NO_GRADIENT, Composition, Cost, Gradient, Op, Pointwise

if TYPE_CHECKING:
    from curta.autograd.node import Node

Body = Callable[..., Any]


def composition(name: str, body: Body, vjp: Gradient | None, still: bool = False) -> Op:
    """The record of an operator written with other operators: its layouts and its cost come from tracing `body`.

    `vjp` is a rule, `NO_GRADIENT`, or `derivative(body)`; `still` is what `Composition` says.
    """

    def infer(*operands: Any, **params: Any) -> Layout | tuple[Layout, ...]:
        layouts = tuple(value.layout for value in _traced(body, operands, params).outputs)
        return layouts if len(layouts) > 1 else layouts[0]

    def cost(inputs: tuple[Any, ...], outputs: tuple[Layout, ...], **params: Any) -> Cost:
        from curta.ops.program import _cost

        return _cost(record, _traced(body, inputs, params), inputs, params, outputs)

    record = Op(name, infer, Composition(body, still=still), vjp, cost)
    return record


def _traced(body: Body, operands: tuple[Any, ...], params: dict[str, Any]) -> Any:
    from curta.compiler.trace import trace

    return trace(body, operands, params)


def derived(name: str, body: Body) -> Op:
    """A composition whose backward pass is worked out from `body` and compiled into fused kernels of its own.

    It keeps its inputs and computes what lies between again; it can be differentiated any number of times.
    """
    return composition(name, body, derivative(name, body))


def derivative(name: str, body: Body, count: int | None = None, level: int = 0) -> Gradient:
    """The gradient rule of a composition's `body`, found by tracing it together with its backward pass.

    `count` is how many inputs the body has (found from its signature), `level` how many derivatives it is already.
    """
    inputs = _count_inputs(body) if count is None else count
    mark = f"wanted_{level}"  # a derivative passes on the parameters of all the levels below it
    backward: dict[int, Op] = {}

    def rule(node: Node, *gradients: Any) -> tuple[Any, ...]:
        from curta.ops.dispatch import bind

        operator = backward.get(len(gradients))
        if operator is None:
            operator = backward[len(gradients)] = _backward(name, body, inputs, len(gradients), level)
        wanted = tuple(place for place in range(inputs) if node.needs[place])
        saved = tuple(node.input(place) for place in range(inputs))
        made = bind(operator, (*saved, *gradients), **{**node.params, mark: wanted})
        found = dict(zip(wanted, made if isinstance(made, tuple) else (made,), strict=True))
        return tuple(found.get(place) for place in range(inputs))

    return Gradient(rule, inputs=tuple(range(inputs)))


def _count_inputs(body: Body) -> int:
    kind = inspect.Parameter.POSITIONAL_OR_KEYWORD
    parameters = inspect.signature(body).parameters.values()
    return sum(1 for each in parameters if each.kind is kind and each.default is inspect.Parameter.empty)


def _backward(name: str, body: Body, inputs: int, outputs: int, level: int) -> Op:
    """The operator that computes a body's gradients; made at the first use, since it has a derivative of its own."""
    mark = f"wanted_{level}"

    def backward_body(*operands: Any, **params: Any) -> Any:
        wanted = params.pop(mark)
        return _differentiate(body, operands[:inputs], operands[inputs:], wanted, params)

    longer = f"{name}_backward"
    return composition(longer, backward_body, derivative(longer, backward_body, inputs + outputs, level + 1))


def _differentiate(
    body: Body, operands: tuple[Any, ...], gradients: tuple[Any, ...], wanted: tuple[int, ...], params: dict[str, Any]
) -> Any:
    """Inside a trace: `body` forward, then backward to the wanted operands."""
    from curta.autograd.engine import run_backward
    from curta.ops.dispatch import bind
    from curta.ops.elementwise import COPY

    enabled = STATE.grad_enabled
    leaves = list(operands)
    for place in wanted:
        # inside a further derivative the new start must stay connected to what is differentiated there
        connected = enabled and operands[place]._requires_grad
        leaves[place] = (
            bind(COPY, (operands[place],), contiguous_format=True) if connected else operands[place].detach()
        )
        leaves[place]._requires_grad = True
    STATE.grad_enabled = True
    try:
        result = body(*leaves, **params)
    finally:
        STATE.grad_enabled = enabled
    results = result if isinstance(result, tuple) else (result,)
    pairs = [(out, g) for out, g in zip(results, gradients, strict=True) if out._requires_grad]
    # what an inner derivative walked over, an outer one walks over again
    made = run_backward(
        [out for out, _ in pairs], [g for _, g in pairs], retain_graph=True, create_graph=enabled,
        inputs=[leaves[place] for place in wanted], into_grad=False,
    )  # fmt: skip
    # an output that is an input unchanged is copied: a graph computes its outputs
    answers = tuple(
        bind(ZERO_OF, (operands[place],)) if gradient is None else bind(COPY, (gradient,), contiguous_format=True)
        for place, gradient in zip(wanted, made, strict=True)
    )
    return answers if len(answers) > 1 else answers[0]


def _like(x: Layout) -> Layout:
    return contiguous(x.shape, x.dtype, x.device)


#: a gradient that nothing flows into; of x the shape alone is looked at
ZERO_OF = Op(
    "zero_of",
    _like,
    Pointwise(lambda x: lift(0, x.dtype), "raw"),
    NO_GRADIENT,
    lambda inputs, outputs: Cost(0, 0, 0, outputs[0].nbytes),
)

#: what a value would be after a way through memory: rounded to its format, and merged with nothing that follows
STORED = Op(
    "stored",
    lambda x, dtype: x,
    Pointwise(lambda x, dtype: x.rounded(dtype).apart(), "raw"),
    NO_GRADIENT,
    lambda inputs, outputs, dtype: NO_COST,
)
