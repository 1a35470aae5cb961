"""The compiled form of an operator for given layouts: what it makes, what it costs, and the launches that do it."""

from __future__ import annotations

from collections.abc import Callable
from operator import itemgetter
from typing import Any

from curta import host
from curta.compiler import schedule, transposing
from curta.compiler.fuse import fuse
from curta.compiler.graph import Graph, GraphNode, GraphNumber, GraphValue
from curta.compiler.trace import trace
from curta.device import META
from curta.errors import CompilerError, ShapeError
from curta.memory.allocator import HOST
from curta.memory.layout import Layout
from curta.memory.storage import allocate, host_storage
from curta.ops.inference import bytes_read
from curta.ops.product import ending_of, product_step
from curta.ops.record import Composition, Convolution, Cost, Generated, Host, Op, Pointwise, Product, View
from curta.runtime.jit import Code
from curta.runtime.native import Plan
from curta.shapes import has_internal_overlap
from curta.tensor import Tensor

#: found faster than the attribute of `object` at each call
_new: Any = object.__new__


class Executable:
    """One operator for one signature.

    `launches` are (plan address, places): the places index a table of the inputs' pointers (or numbers), then the
    outputs', then those of the temporaries that live only during the call, then those of `parts`.
    """

    __slots__ = (
        "_in_order", "_keep", "_made", "_only", "_runs", "_temporaries", "_unplaced", "arrangements", "codes", "cost",
        "free", "fresh", "in_place", "launches", "nbytes", "op", "operands", "outputs", "params", "parts", "several",
        "simple", "temporaries", "texts",
    )  # fmt: skip

    def __init__(
        self, op: Op, operands: tuple[Any, ...], params: dict[str, Any], outputs: tuple[Layout, ...], several: bool,
        cost: Cost,
    ) -> None:  # fmt: skip
        self.op = op
        #: what it was made for: the inputs' layouts (a number's type), and the parameters
        self.operands = operands
        self.params = params
        self.outputs = outputs
        #: whether it makes its results' memory, and does not write into tensors that exist
        self.fresh = True
        self.several = several
        self.cost = cost
        self.launches: list[tuple[int, list[int]]] = []
        #: see `Step.arrangements`; empty where each element comes from those at the same place
        self.arrangements: list[tuple[Any, ...]] = []
        #: the (operand, result) pairs of which the result may lie where the operand does, if that is of no more use
        self.in_place: set[tuple[int, int]] = set()
        #: the text of each launch's kernel
        self.texts: list[schedule.KernelText] = []
        self.temporaries: list[Layout] = []
        #: what begins inside of something in the table: its place, and how many bytes further
        self.parts: list[tuple[int, int]] = []
        #: the one launch of the common form, see `settle`; there from the first run on
        self.simple: Any = None
        self._in_order = False
        #: each launch's builtin and what takes its arguments out of the table; empty before the first run
        self._runs: list[tuple[Any, Any]] = []
        self._temporaries: list[tuple[int, list[int]]] = []
        #: plans whose kernels are not compiled yet, with those
        self._unplaced: list[tuple[Plan, Code]] = []
        #: the code of each launch, by which it is compiled or found
        self.codes: list[Code] = []
        self._made = [(layout, layout.nbytes, HOST.free_blocks(layout.nbytes)) for layout in outputs]
        self._only = outputs[0]
        self.nbytes = self._only.nbytes
        self.free = HOST.free_blocks(self.nbytes)
        self._keep: list[Any] = []

    def run(self, inputs: tuple[Any, ...], pointers: list[Any]) -> Any:
        """Make the outputs and compute them: a tensor, or a tuple of several. `pointers` has numbers as they are."""
        if self.simple is not None:
            if self.several:
                return self._run_several(pointers)
            out = _new(Tensor)
            out.layout = self._only
            out.storage = storage = host_storage(self.nbytes, self.free)
            out.pointer = address = storage.address
            self.simple(*pointers, address)
            return out
        if self._runs and not self.several:
            return self._run_all(pointers)
        return self.run_watched(inputs, pointers)

    def run_watched(self, inputs: tuple[Any, ...], pointers: list[Any]) -> Any:
        """As `run`, with every allocation where it can be seen."""
        if self.simple is not None and not self.several:
            storage = allocate(self.nbytes)
            self.simple(*pointers, storage.address)
            return Tensor._make(storage, self._only, 0)
        outputs = tuple(Tensor._make(allocate(one.nbytes, one.device), one, 0) for one in self.outputs)
        if self._only.device is not META:
            self.launch_all(pointers, outputs)
        return outputs if self.several else outputs[0]

    def _run_several(self, pointers: list[Any]) -> tuple[Tensor, ...]:
        made = []
        for layout, nbytes, free in self._made:
            out = _new(Tensor)
            out.layout = layout
            out.storage = storage = host_storage(nbytes, free)
            out.pointer = storage.address
            pointers.append(storage.address)
            made.append(out)
        self.simple(*pointers)
        return tuple(made)

    def _run_all(self, pointers: list[Any]) -> Tensor:
        """As `run`, for several launches, which have run before."""
        out = _new(Tensor)
        out.layout = self._only
        out.storage = storage = host_storage(self.nbytes, self.free)
        out.pointer = storage.address
        pointers.append(storage.address)
        held = [host_storage(nbytes, free) for nbytes, free in self._temporaries]
        self.launch_at([*pointers, *[one.address for one in held]])
        return out

    def launch_all(self, pointers: list[Any], outputs: tuple[Tensor, ...]) -> None:
        """Compute into tensors that exist."""
        table = [*pointers, *(out.pointer for out in outputs)]
        if self.temporaries:
            held = [allocate(layout.nbytes) for layout in self.temporaries]
            table += [storage.address for storage in held]
        self.launch_at(table)

    def launch_at(self, table: list[Any]) -> None:
        """Compute with the inputs, the outputs and the temporaries at these addresses."""
        if self._unplaced:
            self.place()
        if self.parts:
            table += [table[place] + distance for place, distance in self.parts]
        for run, arguments in self._runs:
            run(*arguments(table))

    def add(self, steps: list[schedule.Step], place_of: Any) -> None:
        """Append launches; `place_of(source)` finds a source's place in the table."""
        for step in steps:
            self._keep.append(step.plan)
            self._unplaced.append((step.plan, step.code))
            self.codes.append(step.code)
            self.arrangements += step.arrangements
            # with several launches, one could still read what another has written
            self.in_place = set() if self.launches else step.in_place
            self.texts.append(step.text)
            self.launches.append((step.plan.address, [place_of(source) for source in step.sources]))

    def settle(self, input_count: int) -> None:
        """Recognise the common form: one launch over all the inputs and outputs in order, nothing else."""
        in_order = list(range(input_count + len(self.outputs)))
        if len(self.launches) == 1 and self.launches[0][1] == in_order and self.outputs[0].device is not META:
            self._in_order = True

    def place(self) -> None:
        """Tell the plans that run where their kernels are; what is not compiled yet is compiled now."""
        for plan, code in self._unplaced:
            if plan.units:
                plan.place(code.address())
        if self._in_order:
            self.simple = self._keep[0].run
        self._temporaries = [(one.nbytes, HOST.free_blocks(one.nbytes)) for one in self.temporaries]
        # the last of them: another thread takes these as the sign that all of it is there
        self._runs = [(plan.run, _taker(places)) for plan, (_, places) in zip(self._keep, self.launches, strict=True)]
        self._unplaced = []


def _taker(places: list[int]) -> Callable[[list[Any]], tuple[Any, ...]]:
    """What takes the entries at these places."""
    if len(places) > 1:
        taker: Callable[[list[Any]], tuple[Any, ...]] = itemgetter(*places)
        return taker
    return lambda table: tuple([table[place] for place in places])


class ViewExecutable(Executable):
    """An operator that computes nothing: the same storage, looked at in another way."""

    __slots__ = ("distance",)

    def __init__(
        self, op: Op, operands: tuple[Any, ...], params: dict[str, Any], layout: Layout, distance: int
    ) -> None:
        super().__init__(op, operands, params, (layout,), False, Cost(0, 0, 0, 0))
        self.distance = distance

    def run_watched(self, inputs: tuple[Any, ...], pointers: list[Any]) -> Tensor:
        """The same: a view takes no memory."""
        return self.run(inputs, pointers)

    def run(self, inputs: tuple[Any, ...], pointers: list[Any]) -> Tensor:
        source = inputs[0]
        out = Tensor._make(source.storage, self.outputs[0], source.offset + self.distance)
        out.base = base = source if source.base is None else source.base
        if base.generation:
            out.generation = base.generation
        return out


def view_executable(op: Op, operands: tuple[Any, ...], params: dict[str, Any]) -> ViewExecutable:
    """The compiled form of a view."""
    if not isinstance(op.lower, View):
        raise CompilerError(f"{op.name}: is not a view")
    layout, distance = op.lower.geometry(*operands, **params)
    return ViewExecutable(op, operands, params, layout, distance)


class HostExecutable(Executable):
    """An operator that NumPy works out."""

    __slots__ = ("compute",)

    def __init__(
        self, op: Op, operands: tuple[Any, ...], params: dict[str, Any], outputs: tuple[Layout, ...], several: bool
    ) -> None:
        super().__init__(op, operands, params, outputs, several, op.cost(operands, outputs, **params))
        self.compute = op.lower.compute  # type: ignore[union-attr]

    def run(self, inputs: tuple[Any, ...], pointers: list[Any]) -> Any:
        return self.run_watched(inputs, pointers)

    def launch_all(self, pointers: list[Any], outputs: tuple[Tensor, ...]) -> None:
        raise CompilerError(f"{self.op.name}: cannot write into tensors that exist")

    def run_watched(self, inputs: tuple[Any, ...], pointers: list[Any]) -> Any:
        outputs = tuple(Tensor._make(allocate(one.nbytes, one.device), one, 0) for one in self.outputs)
        if self._only.device is not META:
            found = self.compute(*map(host.array, inputs), **self.params)
            for out, values in zip(outputs, found if self.several else (found,), strict=True):
                host.array(out)[...] = values
        return outputs if self.several else outputs[0]


def executable(
    op: Op,
    operands: tuple[Any, ...],
    params: dict[str, Any],
    into: tuple[Layout, ...] | None = None,
    whole: bool = False,
    fresh: frozenset[int] | None = None,
) -> Executable:
    """The compiled form of `op`; `into` are the layouts of tensors that exist already, to be written to.

    `fresh` are the numbers of the results in memory that no operand shares: all of them, or none with `into`, if it is
    not given. CompilerError where it is to be one kernel as a `whole`, and is not.
    """
    if isinstance(op.lower, Generated | Product | Convolution):
        return _generated(op, op.lower, operands, params, into, fresh)
    if isinstance(op.lower, Host):
        made = op.infer(*operands, **params)
        return HostExecutable(
            op, operands, params, made if isinstance(made, tuple) else (made,), isinstance(made, tuple)
        )
    graph = _graph_of(op, operands, params)
    inferred = tuple(value.layout for value in graph.outputs)
    several = len(inferred) > 1
    cost = _cost(op, graph, operands, params, into or inferred)
    if into is not None:
        for value, layout in zip(graph.outputs, into, strict=True):
            if value.layout.shape != layout.shape:
                raise CompilerError(f"{op.name}: writes {value.layout}, cannot write into {layout}")
            if has_internal_overlap(layout.shape, layout.strides):
                raise ShapeError(
                    "unsupported operation: more than one element of the written-to tensor refers to a single memory "
                    "location. Please clone() the tensor before performing the operation."
                )
        graph = writing_into(graph, into)
    call = Executable(op, operands, params, into or inferred, several, cost)
    call.fresh = into is None
    if call.outputs[0].device is META:
        return call
    values: dict[int, int] = {}
    first = len(operands) + len(call.outputs)
    kernels = fuse(graph)
    if whole and len(kernels) > 1:
        raise CompilerError(f"{op.name}: takes {len(kernels)} kernels")
    for kernel in kernels:
        steps, partials = transposing.build_steps(kernel)
        partial_places = [_temporary(call, first, layout) for layout in partials]

        def place_of(source: Any, partial_places: list[int] = partial_places) -> int:
            kind, what = source
            if kind == "input":
                return int(what)
            if kind == "output":
                return len(operands) + int(what)
            if kind == "partial":
                return partial_places[what]
            if id(what) not in values:
                values[id(what)] = _temporary(call, first, what.layout)
            return values[id(what)]

        call.add(steps, place_of)
    call.settle(len(operands))
    return call


def _temporary(call: Executable, first: int, layout: Layout) -> int:
    call.temporaries.append(layout)
    return first + len(call.temporaries) - 1


def _graph_of(op: Op, operands: tuple[Any, ...], params: dict[str, Any]) -> Graph:
    if isinstance(op.lower, Composition):
        return trace(op.lower.body, operands, params)
    graph = Graph()
    for position, operand in enumerate(operands):
        graph.inputs.append(
            GraphValue(operand, position=position) if isinstance(operand, Layout) else GraphNumber(operand, position)
        )
    graph.outputs = graph.apply(op, tuple(graph.inputs), params).outputs
    return graph


def writing_into(graph: Graph, into: tuple[Layout, ...]) -> Graph:
    """The same graph with its outputs converted to the layouts of tensors that exist."""
    from curta.ops.elementwise import CAST

    outputs = []
    for value, layout in zip(graph.outputs, into, strict=True):
        # a copy where only strides differ: the value itself may have other readers, in a buffer of its own
        if value.layout is not layout:
            value = graph.apply(CAST, (value,), {"dtype": layout.dtype}).outputs[0]
            value.layout = layout
        outputs.append(value)
    graph.outputs = outputs
    return graph


def _cost(op: Op, graph: Graph, operands: tuple[Any, ...], params: dict[str, Any], outputs: tuple[Layout, ...]) -> Cost:
    """A composition does its parts' arithmetic, but reads its inputs and writes its outputs only once.

    What no result needs is not done: most of the forward pass in a backward one. Of an input that is looked up at
    computed places, these are read, as by the operator that looks them up.
    """
    if not isinstance(op.lower, Composition) or op.lower.own_cost:
        return op.cost(operands, outputs, **params)
    nodes, read, looked_up = _needed(graph)
    parts = list(map(_part_cost, nodes))
    return Cost(
        sum(part.flops for part in parts),
        sum(part.transcendentals for part in parts),
        bytes_read(operands[place] for place in read) + looked_up,
        sum(layout.nbytes for layout in outputs),
        sum(part.model_flops for part in parts),
        sum(part.again_flops for part in parts),
    )


def _needed(graph: Graph) -> tuple[list[GraphNode], list[int], int]:
    """The operators that a graph's results need, the positions of the inputs that these read whole, and the bytes
    that they look up in others."""
    from curta.ops.composition import ZERO_OF

    nodes: dict[int, GraphNode] = {}
    read: set[int] = set()
    looked_up = 0
    waiting = list(graph.outputs)
    while waiting:
        value = waiting.pop()
        node = value.node
        if node is None:
            read.add(value.position)
        elif id(node) not in nodes:
            nodes[id(node)] = node
            if node.op is ZERO_OF:  # which takes a shape alone
                continue
            tables = _looked_up_in(node)
            others = [one for one in node.operands if isinstance(one, GraphValue) and one not in tables]
            if tables:
                looked_up += _part_cost(node).bytes_read - bytes_read(one.layout for one in others)
            waiting += others
    return list(nodes.values()), sorted(read), looked_up


def _looked_up_in(node: GraphNode) -> list[GraphValue]:
    """The inputs of the graph in which an operator looks at computed places alone."""
    lower = node.op.lower
    if not isinstance(lower, Pointwise) or lower.gathered is None:
        return []
    return [one for one in (node.operands[place] for place in lower.gathers) if one.node is None]


def _part_cost(node: GraphNode) -> Cost:
    """What an operator does by itself."""
    given = [one.layout if isinstance(one, GraphValue) else getattr(one, "type", type(one)) for one in node.operands]
    return node.op.cost(tuple(given), tuple(made.layout for made in node.outputs), **node.params)


def _generated(
    op: Op, lower: Generated | Product | Convolution, operands: tuple[Any, ...], params: dict[str, Any],
    into: tuple[Layout, ...] | None, fresh: frozenset[int] | None,
) -> Executable:  # fmt: skip
    inferred = op.infer(*operands, **params)
    several = isinstance(inferred, tuple)
    outputs = into or (inferred if isinstance(inferred, tuple) else (inferred,))
    call = Executable(op, operands, params, outputs, several, op.cost(operands, outputs, **params))
    call.fresh = into is None
    if outputs[0].device is not META:
        fresh = frozenset(range(len(outputs)) if into is None else ()) if fresh is None else fresh
        if isinstance(lower, Product):
            made: Any = [product_step(op.name, lower, operands, outputs, params, fresh)]
        elif isinstance(lower, Convolution):
            made = _convolution_steps(op.name, lower, operands, outputs, params, fresh)
        else:
            made = lower.plan(operands, outputs, **params)
        steps, call.temporaries = made if isinstance(made, tuple) else (made, [])
        call.add(steps, _Places(call, len(operands)))
        call.settle(len(operands))
    return call


def _convolution_steps(
    name: str, lower: Convolution, operands: tuple[Any, ...], outputs: tuple[Layout, ...], params: dict[str, Any],
    fresh: frozenset[int],
) -> Any:  # fmt: skip
    if lower.ending is None:
        return lower.plan(operands, outputs, None, **params)
    sums = lower.sums(operands[0], operands[1], **params)
    home = next((number for number in sorted(fresh) if outputs[number] is sums), None)
    ended = ending_of(name, lower.ending, (sums, *operands[2:]), outputs, params, home)
    return lower.plan(operands, outputs, ended, **params)


class _Places:
    """Finds the place in the table of a source of a generated step; a third number says how many bytes further."""

    def __init__(self, call: Executable, operands: int) -> None:
        self._parts = call.parts
        outputs = len(call.outputs)
        self._firsts = {"input": 0, "output": operands, "partial": operands + outputs}
        self._count = operands + outputs + len(call.temporaries)

    def __call__(self, source: Any) -> int:
        place = self._firsts[source[0]] + int(source[1])
        distance = source[2] if len(source) > 2 else 0
        if not distance:
            return place
        part = (place, distance)
        if part not in self._parts:
            self._parts.append(part)
        return self._count + self._parts.index(part)
