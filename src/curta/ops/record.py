"""The record of one operator: everything Curta knows of it, in one place."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

from curta.errors import ArgumentTypeError
from curta.memory.layout import Layout

if TYPE_CHECKING:
    from curta.autograd.node import Node
    from curta.compiler.expression import Expression

#: what stands for a Python number among an operator's inputs: its type, `bool`, `int` or `float`
Operand = Layout | type
Infer = Callable[..., "Layout | tuple[Layout, ...]"]


class Cost(NamedTuple):
    """What an operator does, in exact integers: floating-point operations, transcendental calls, bytes.

    A multiply-add is 2 FLOPs; comparisons, copies and views are 0; reading an element that is broadcast counts once.
    Of the FLOPs, `model_flops` are those of the products that a model is made of, and `again_flops` those of products
    that a gradient makes a second time in place of keeping their results.
    """

    flops: int
    transcendentals: int
    bytes_read: int
    bytes_written: int
    model_flops: int = 0
    again_flops: int = 0

    def __add__(self, other: object) -> Cost:
        if not isinstance(other, Cost):
            return NotImplemented
        return Cost(*(mine + theirs for mine, theirs in zip(self, other, strict=True)))


NO_COST = Cost(0, 0, 0, 0)


@dataclass(frozen=True, slots=True)
class Pointwise:
    """Lowering of an operator whose result element depends on the input elements at the same place; inputs broadcast.

    - `element(*expressions, **params)` gives one element, or a tuple of them for several results.
    - `operands`: the format each operand is converted to first: "promoted" (of all the inputs), "result" (the first
      result's), "raw" (its own), "exact" (for Python numbers: float64, int64); one word for all operands, or one for
      each.
    - `indexed`: the element depends on its logical index (`index`, `FLAT_INDEX`), which forbids merging dimensions.
    - `gathered(layout, shape, **params)`: the operands at the positions `gathers` are read at computed places; gives
      such a one's strides over the result's dimensions and the axes it is indexed along. `element` then gets a function
      of the coordinates in its place.
    """

    element: Callable[..., Expression | tuple[Expression, ...]]
    operands: str | tuple[str, ...] = "promoted"
    indexed: bool = False
    gathered: Callable[..., tuple[tuple[int, ...], tuple[int, ...]]] | None = None
    gathers: tuple[int, ...] = (0,)


@dataclass(frozen=True, slots=True)
class Reduce:
    """Lowering of a reduction of the first input over the parameter `dims` (a sorted tuple, already non-negative).

    `reduction` names a record in compiler/reductions.py; `keepdim` is a parameter of every reduction.
    """

    reduction: str


@dataclass(frozen=True, slots=True)
class View:
    """Lowering of an operator that only looks at the same storage in another way.

    `geometry(layout, **params)` gives the view's layout and how many elements further its first one lies.
    """

    geometry: Callable[..., tuple[Layout, int]]


@dataclass(frozen=True, slots=True)
class Composition:
    """Lowering of an operator that is written with other operators and compiled into fused kernels.

    `body(*tensors, **params)` is plain Python over tensors: element-wise operators, and reductions with
    `keepdim=True`. Its cost is found from the operators in it, which read the inputs whole, unless `own_cost` says that
    the record's `cost` knows better.

    `still` says of an operator that writes in place, and whose second input is a gradient: where that is 0, what it
    writes stays as it is, to the bit.
    """

    body: Callable[..., Any]
    own_cost: bool = False
    still: bool = False


@dataclass(frozen=True, slots=True)
class Product:
    """Lowering of a product of matrices, and of what is done with its sums before they reach memory.

    - `matrices(first, second)` gives the layouts of [..., M, K] and [..., K, N] as which the first two inputs are read.
    - `ending(sums, *others, **params)` is plain Python over tensors, element-wise operators on the sums and the
      operator's other inputs (which broadcast to the sums); None where the sums are the result.
    """

    matrices: Callable[[Layout, Layout], tuple[Layout, Layout]]
    ending: Callable[..., Any] | None = None


@dataclass(frozen=True, slots=True)
class Generated:
    """Lowering that writes its own kernels.

    `plan(inputs, outputs, **params)` gives the steps to launch; or these and the layouts of the temporaries between
    them, which are their sources ("partial", n). A source that begins inside of a tensor has its distance in bytes
    behind: ("input", 0, 4096). `strided` says that results may have any strides.
    """

    plan: Callable[..., Any]
    strided: bool = False


@dataclass(frozen=True, slots=True)
class Convolution:
    """Lowering of a convolution, and of what is done with its sums before they reach memory.

    - `sums(x, weight, **params)` gives their layout, that of the first two inputs' convolution.
    - `plan(inputs, outputs, ended, **params)` gives the steps and the layouts of the temporaries, as for `Generated`;
      `ended` is the ending with its operands, None where the sums are the result.
    - `ending`: as a product's.
    """

    sums: Callable[..., Layout]
    plan: Callable[..., Any]
    ending: Callable[..., Any] | None = None


@dataclass(frozen=True, slots=True)
class Host:
    """Lowering of an operator that NumPy works out, in LAPACK; no compiled program has one.

    `compute(*arrays, **params)` gives an array, or a tuple of several; leading dimensions are a batch.
    """

    compute: Callable[..., Any]


Lowering = Pointwise | Reduce | View | Composition | Product | Convolution | Generated | Host


@dataclass(frozen=True, slots=True)
class Gradient:
    """How to differentiate: `rule(node, *output_gradients)` gives one gradient (or None) for each input.

    Only what is named here is kept from the forward pass: positions of `inputs`, positions of `outputs`; the rule
    finds them as `node.input(i)`, `node.output(i)`, and `node.input_layouts`, `node.params`, `node.needs` always.
    A gradient may still have the broadcast shape: the engine sums it down to the input's and casts it.
    """

    rule: Callable[..., Any]
    inputs: tuple[int, ...] = ()
    outputs: tuple[int, ...] = ()
    #: outputs that have no gradient (saved statistics, indices)
    constant_outputs: tuple[int, ...] = field(default=())


#: for operators whose result does not depend smoothly on any input: comparisons, indices, random numbers
NO_GRADIENT = None


@dataclass(frozen=True, slots=True, eq=False)
class Op:
    """One operator. Five fields are required: an operator without a cost or a gradient rule cannot be written.

    - `infer(*operands, **params)`: the layout of each result, from layouts (for a Python number: its type) alone;
      raises the error that a person sees.
    - `lower`: how it is computed.
    - `vjp`: how it is differentiated; `NO_GRADIENT` says so aloud.
    - `cost(inputs, outputs, **params)`: exact integers from layouts.
    - `ahead`: of an operator that makes gradients together with its results: the part of its cost that is the backward
      pass's, wherever it runs.
    """

    name: str
    infer: Infer
    lower: Lowering
    vjp: Gradient | None
    cost: Callable[..., Cost]
    ahead: Callable[..., Cost] | None = None

    def __post_init__(self) -> None:
        if not callable(self.cost):
            raise ArgumentTypeError(
                f"{self.name}: an operator needs a cost: a function of (inputs, outputs, **params), layouts all, that "
                f"returns a Cost of exact integers; got {type(self.cost).__name__}"
            )

    def __repr__(self) -> str:
        return f"Op({self.name})"


if TYPE_CHECKING:
    RuleNode = Node
