"""Winograd's transforms of tiles and weights, in registers, and what the kernels that make them share.

Lavin and Gray 2015, F(2x2, 3x3): with a tile d of 4 x 4 pixels and a weight g of 3 x 3 the 2 x 2 results are
A'[(G g G') * (B' d B)]A. Part number 4 i + j of a tensor is element (i, j) of all its transformed tiles, or weights.

Differences of infinities, or of numbers near to them, are no numbers: a result that is not finite is made once more, by
definition.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from curta.compiler.code import Code, Value
from curta.compiler.matmul.emit import parameter
from curta.dtypes import float32

#: a change of the kernels' texts changes their keys
REVISION = 5
#: pixels of a result's tile along either axis, of an image's tile, and taps of a weight
RESULTS, TILE, TAPS = 2, 4, 3
PARTS, PER_WEIGHT = TILE * TILE, TAPS * TAPS
SIZE = float32.itemsize

Vectors = Sequence[Value]


def of_image(d: Vectors) -> Vectors:
    """One column of a tile of an image: B' d."""
    return d[0] - d[2], d[1] + d[2], d[2] - d[1], d[1] - d[3]


def of_weight(g: Vectors) -> Vectors:
    """One column of a weight: G g."""
    outer, inner = (g[0] + g[2]) * 0.5, g[1] * 0.5
    return g[0], outer + inner, outer - inner, g[2]


def of_gradient(g: Vectors) -> Vectors:
    """One column of a tile of a result's gradient: A g."""
    return g[0], g[0] + g[1], g[0] - g[1], -g[1]


def to_weight(u: Vectors) -> Vectors:
    """One column of the parts of a weight's gradient: G' u."""
    total, rest = (u[1] + u[2]) * 0.5, (u[1] - u[2]) * 0.5
    return u[0] + total, rest, total + u[3]


def both_ways(step: Callable[[Vectors], Vectors], square: Sequence[Vectors]) -> list[Vectors]:
    """`step` of all columns, then of all rows."""
    columns = [step(column) for column in zip(*square, strict=True)]
    return [step(row) for row in zip(*columns, strict=True)]


def in_planes(row: Value, area: Value, i: int, j: int) -> Value:
    """Where pixel (i, j) of a tile lies, seen from pixel (0, 0), in planes of every second pixel: elements."""
    return area * (i % 2 * 2 + j % 2) + row * (i // 2) + j // 2


def not_finite(values: Vectors) -> Value:
    """In which lanes one of the values is infinite or NaN."""
    total = values[0] * 0.0
    for value in values[1:]:
        total = total + value * 0.0
    return total.is_nan()


def fields(code: Code, names: tuple[str, ...]) -> dict[str, Value]:
    """The int64s that `meta` begins with."""
    meta = parameter(code, "meta", "ptr")
    return {name: code.load(code.offset(meta, 8 * place), "i64", align=8) for place, name in enumerate(names)}


def operands(code: Code, count: int) -> list[Value]:
    """The addresses that a kernel is given."""
    arguments = parameter(code, "args", "ptr")
    return [code.load(code.offset(arguments, 8 * place), "ptr", align=8) for place in range(count)]
