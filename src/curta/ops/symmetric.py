"""Symmetric matrices that may be indefinite: L D L^T by Bunch and Kaufman, in the form of LAPACK's sytrf and sytrs.

Golub and Van Loan, "Matrix Computations", 4th edition, 4.4: D has blocks of one or two rows, chosen so that no element
grows much. Of a block of two both pivots are minus the row, from 1, that its second row was exchanged with.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from curta import dtypes
from curta.errors import ShapeError, UnsupportedError
from curta.lazy import LazyModule
from curta.memory.layout import Layout, contiguous
from curta.ops.dispatch import bind
from curta.ops.factorization import costing
from curta.ops.inference import bytes_read
from curta.ops.record import Cost, Gradient, Host, Op

if TYPE_CHECKING:
    import numpy as np
else:
    np = LazyModule("numpy")

Array = Any
#: how much larger than its row's others a diagonal element may be to stay: it bounds the growth of two steps alike
_ENOUGH = (1 + 17**0.5) / 8


def factored(a: Array) -> tuple[Array, Array, Array]:
    """L below D in one matrix, the exchanged rows, and 0 or the number of the first block that is zero."""
    whole = np.tril(a)
    pivots = np.zeros(a.shape[:-1], np.int32)
    info = np.zeros(a.shape[:-2], np.int32)
    with np.errstate(all="ignore"):
        for place in np.ndindex(info.shape):
            info[place] = _factor(whole[place], pivots[place])
    return np.tril(whole), pivots, info


def _factor(a: Array, pivots: Array) -> int:
    """One matrix, in place; only its lower half is read and meant."""
    step, zero, count = 0, 0, len(a)
    while step < count:
        row, blocks = _chosen(a, step)
        if not blocks:
            zero = zero or step + 1
            pivots[step] = step + 1
            step += 1
            continue
        last = step + blocks - 1
        if row != last:
            _exchange(a, step, last, row)
        below = a[last + 1 :, step : last + 1]
        rest = a[last + 1 :, last + 1 :]
        if blocks == 1:
            pivots[step] = row + 1
            inverse = 1 / a[step, step]
            rest -= inverse * below * below[:, 0]
            below *= inverse
        else:
            pivots[step : last + 1] = -(row + 1)
            factors = _by_block(below, a[step, step], a[last, step], a[last, last])
            rest -= below @ factors.T
            below[...] = factors
        step = last + 1
    return zero


def _chosen(a: Array, step: int) -> tuple[int, int]:
    """Which row comes to the end of the next block, and how large that is; 0 where its column is zero."""
    own = abs(a[step, step])
    column = np.abs(a[step + 1 :, step])
    place = step + 1 + int(column.argmax()) if len(column) else step
    largest = column[place - step - 1] if len(column) else own * 0
    if max(own, largest) == 0:
        return step, 0
    if own >= _ENOUGH * largest:
        return step, 1
    across = np.abs(a[place, step:place]).max()
    if place + 1 < len(a):
        across = max(across, np.abs(a[place + 1 :, place]).max())
    if own >= _ENOUGH * largest * (largest / across):
        return step, 1
    return place, 1 if abs(a[place, place]) >= _ENOUGH * across else 2


def _exchange(a: Array, step: int, last: int, row: int) -> None:
    """Rows and columns `last` and `row` of what is left, in the lower half; columns that are done stay as they are."""
    a[row + 1 :, [last, row]] = a[row + 1 :, [row, last]]
    between = a[last + 1 : row, last].copy()
    a[last + 1 : row, last] = a[row, last + 1 : row]
    a[row, last + 1 : row] = between
    a[last, last], a[row, row] = a[row, row], a[last, last]
    if last > step:
        a[last, step], a[row, step] = a[row, step], a[last, step]


def _by_block(rows: Array, first: Any, beside: Any, second: Any) -> Array:
    """rows[n, 2] times the inverse of the block [[first, beside], [beside, second]], scaled by `beside`."""
    above, under = second / beside, first / beside
    scale = 1 / (above * under - 1) / beside
    left, right = rows[:, 0], rows[:, 1]
    return np.stack([scale * (above * left - right), scale * (under * right - left)], -1)


def solved(compact: Array, pivots: Array, b: Array) -> Array:
    """The X of A X = B from what `factored` gives of A."""
    found = b.copy()
    with np.errstate(all="ignore"):
        for place in np.ndindex(compact.shape[:-2]):
            _solve(compact[place], _blocks(pivots[place]), found[place])
    return found


def _blocks(pivots: Array) -> list[tuple[int, int, int]]:
    """The first and the last row of each block, and the row that the last one was exchanged with."""
    found, step, count = [], 0, len(pivots)
    while step < count:
        given = int(pivots[step])
        last = step + (given < 0)
        if not 1 <= abs(given) <= count or last >= count or pivots[last] != given:
            raise ShapeError(f"torch.linalg.ldl_solve: pivots are not those of a factorization: {pivots.tolist()}")
        found.append((step, last, abs(given) - 1))
        step = last + 1
    return found


def _solve(a: Array, blocks: list[tuple[int, int, int]], b: Array) -> None:
    for step, last, row in blocks:
        b[[last, row]] = b[[row, last]]
        b[last + 1 :] -= a[last + 1 :, step : last + 1] @ b[step : last + 1]
        if step == last:
            b[step] /= a[step, step]
        else:
            b[step : last + 1] = _by_block(b[step : last + 1].T, a[step, step], a[last, step], a[last, last]).T
    for step, last, row in reversed(blocks):
        b[step : last + 1] -= a[last + 1 :, step : last + 1].T @ b[last + 1 :]
        b[[last, row]] = b[[row, last]]


def _infer_factors(a: Layout) -> tuple[Layout, Layout, Layout]:
    pivots = contiguous(a.shape[:-1], dtypes.int32, a.device)
    return contiguous(a.shape, a.dtype, a.device), pivots, contiguous(a.shape[:-2], dtypes.int32, a.device)


def _no_rule(node: Any, *gradients: Any) -> Any:
    raise UnsupportedError("derivative for aten::linalg_ldl_factor_ex is not implemented")


#: of symmetric matrices, of which the lower half is read: L and D in one, pivots, and 0 or the first block that is zero
LDL_FACTOR = Op(
    "linalg_ldl_factor",
    _infer_factors,
    Host(factored),
    Gradient(_no_rule, constant_outputs=(1, 2)),
    costing(lambda M, N: N**3 // 3),
)


def _solve_rule(node: Any, g: Any) -> tuple[Any, ...]:
    """The matrix is symmetric: the gradient is a solution as well."""
    if node.needs[0]:
        raise UnsupportedError("derivative for aten::linalg_ldl_solve is not implemented")
    return None, None, bind(LDL_SOLVE, (node.input(0), node.input(1), g))


def _solve_cost(inputs: Any, outputs: Any) -> Cost:
    return Cost(2 * inputs[0].shape[-1] * outputs[0].numel, 0, bytes_read(inputs), outputs[0].nbytes)


#: the factors [N, N], their pivots, and B [N, K] with one batch: the X of A X = B
LDL_SOLVE = Op(
    "linalg_ldl_solve",
    lambda compact, pivots, b: contiguous(b.shape, b.dtype, b.device),
    Host(solved),
    Gradient(_solve_rule, inputs=(0, 1)),
    _solve_cost,
)
