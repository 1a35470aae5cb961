"""The launch of a matrix product, and endings: the element-wise part that a kernel does with complete sums."""

from __future__ import annotations

from typing import Any, NamedTuple

from curta.compiler import schedule
from curta.compiler.fuse import Kernel, fuse
from curta.compiler.matmul import Ending, MatmulPlan, plan_matmul
from curta.compiler.matmul.choice import current
from curta.compiler.space import strides_over
from curta.compiler.trace import trace
from curta.dtypes import compute_dtype
from curta.errors import CompilerError
from curta.memory.layout import Layout, contiguous
from curta.ops.record import Product
from curta.runtime import cpu, jit, native
from curta.shapes import broadcast_shapes, broadcast_strides


def product_step(
    name: str,
    lower: Product,
    operands: tuple[Any, ...],
    outputs: tuple[Layout, ...],
    params: dict[str, Any],
    fresh: frozenset[int],
) -> schedule.Step:
    """The launch of a product of `operands`; `fresh` are the numbers of outputs in memory that no operand shares.

    CompilerError where the ending is no element-wise loop over the sums.
    """
    a, b = lower.matrices(operands[0], operands[1])
    batch = broadcast_shapes(a.shape[:-2], b.shape[:-2])
    if lower.ending is None:
        return _step(a, b, batch, outputs[0].strides, outputs[0], None, [("output", 0)])
    sums = contiguous((*batch, a.shape[-2], b.shape[-1]), compute_dtype(a.dtype), a.device)
    home = next((number for number in sorted(fresh) if _holds(outputs[number], sums)), None)
    ended = ending_of(name, lower.ending, (sums, *operands[2:]), outputs, params, home)
    laid_out = sums if home is None else outputs[home]
    return _step(a, b, batch, laid_out.strides, sums, *ended)


class Ended(NamedTuple):
    """An ending, and where the operand of each of its slots is."""

    ending: Ending
    sources: list[Any]


def ending_of(
    name: str, body: Any, operands: tuple[Any, ...], outputs: tuple[Layout, ...], params: dict[str, Any],
    home: int | None,
) -> Ended:  # fmt: skip
    """The ending `body` over `operands`, the sums' layout and the operator's inputs behind the first two.

    `home` is the number of the output that the sums may be kept in. CompilerError where it is no element-wise loop
    over the sums.
    """
    kernel = _ending_kernel(name, body, operands, outputs, params)
    place = kernel.sources.index(("input", 0))
    sources = [_renumbered(source) for source in kernel.sources]
    sources[place] = ("output", home or 0)
    ending = Ending(
        tuple(kernel.slots), kernel.stages[0].stores, place,
        tuple(strides_over(kernel, number) for number in range(len(kernel.slots))), home is not None,
    )  # fmt: skip
    return Ended(ending, sources)


def sum_step(a: Layout, b: Layout, out: Layout, *, add: bool = False) -> schedule.Step:
    """The launch of a product of two matrices into a third one, or with `add` onto it."""
    return _step(a, b, (), out.strides, out, None, [("output", 0)], add=add)


def _holds(out: Layout, sums: Layout) -> bool:
    """Whether sums can be kept where a result will be, with no other kernel chosen than for contiguous sums."""
    near = out.shape[-1:] == (1,) or out.strides[-1:] == (1,)
    return out.dtype is sums.dtype and out.shape == sums.shape and near


def _renumbered(source: Any) -> Any:
    """The ending's inputs after its sums are the operator's after its matrices."""
    kind, what = source
    return (kind, what + 1) if kind == "input" else source


def _ending_kernel(
    name: str, body: Any, operands: tuple[Any, ...], outputs: tuple[Layout, ...], params: dict[str, Any]
) -> Kernel:
    from curta.ops.program import writing_into

    graph = trace(body, operands, params)
    kernels = fuse(writing_into(graph, outputs))
    kernel = kernels[0]
    if len(kernels) > 1 or kernel.space != operands[0].shape or kernel.axes or kernel.indexed or kernel.gather_strides:
        raise CompilerError(f"{name}: its ending is no element-wise loop over the sums")
    return kernel


def _step(
    a: Layout, b: Layout, batch: tuple[int, ...], c_strides: tuple[int, ...], out: Layout, ending: Ending | None,
    sources: list[Any], *, add: bool = False,
) -> schedule.Step:  # fmt: skip
    plan = plan_matmul(
        a.dtype, batch, a.shape[-2], b.shape[-1], a.shape[-1], _over_batch(a, batch), _over_batch(b, batch),
        c_strides, level=cpu.level(), vector_bytes=cpu.vector_bytes(), out_dtype=out.dtype, accumulate=add,
        ending=ending, blas=current(),
    )  # fmt: skip
    small = out.numel * a.shape[-1] <= 32768 and plan.units <= 1
    return launch_step(plan, [("input", 0), ("input", 1), *sources], small, ending)


def launch_step(plan: MatmulPlan, sources: list[Any], small: bool, ending: Ending | None = None) -> schedule.Step:
    """The launch of a planned kernel; the slots of an `ending` come behind its first two operands."""
    floats = 0 if ending is None else schedule.float_mask(ending.slots) << 2
    numbers = plan.units, plan.grain, plan.scratch_bytes, len(sources), floats, small
    shown = plan.key if ending is None else f"{plan.key}, and over its sums:\n{ending.program.describe()}"
    text = schedule.KernelText(shown, plan.make_ir, plan.passes, plan.requires)
    code = jit.Code(plan.key, plan.make_ir, plan.function_name, plan.passes, plan.requires)
    return schedule.Step(native.make_plan(0, plan.meta, *numbers), sources, text, code)


def _over_batch(layout: Layout, batch: tuple[int, ...]) -> tuple[int, ...]:
    """Element strides over the batch's dimensions (0 where broadcast) and the matrix's."""
    return (*broadcast_strides(layout.shape[:-2], layout.strides[:-2], batch), *layout.strides[-2:])
