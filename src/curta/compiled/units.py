"""Units of a program that is being fused: operators that become one kernel, and what may be moved past what."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from curta.compiled.graph import Buffer, Node, Ref
from curta.memory.layout import Layout
from curta.ops.record import Composition, Convolution, Pointwise, Product, Reduce

#: a tensor of the program, whoever refers to it
Key = tuple[int, Layout, int]


def key_of(ref: Ref) -> Key:
    """The same for every `Ref` to the same elements in the same order."""
    return id(ref.buffer), ref.layout, ref.offset


@dataclass(slots=True, eq=False)
class Unit:
    """Operators, in order, that run as one; the values that only they read never reach memory.

    `copied` are the identities of nodes that another unit has as well: what they make is for this unit alone.
    """

    nodes: list[Node]
    copied: frozenset[int] = frozenset()
    inside: dict[Key, Ref] = field(init=False)
    made: dict[Key, Ref] = field(init=False)
    reads: dict[Key, Ref] = field(init=False)
    read_buffers: set[int] = field(init=False)
    written: set[int] = field(init=False)

    def __post_init__(self) -> None:
        self.inside, self.made, self.reads = {}, {}, {}
        for node in self.nodes:
            for ref in node.reads():
                if key_of(ref) not in self.inside:
                    self.reads[key_of(ref)] = ref
            here = {key_of(ref): ref for ref in node.results}
            self.inside |= here
            if id(node) not in self.copied:
                self.made |= here
        self.read_buffers = {key[0] for key in self.reads}
        self.written = {key[0] for key in self.made}

    def joined(self, later: Unit) -> Unit:
        """Both as one."""
        nodes = list({id(node): node for node in (*self.nodes, *later.nodes)}.values())
        own = {id(node) for unit in (self, later) for node in unit.nodes if id(node) not in unit.copied}
        return Unit(nodes, (self.copied | later.copied) - own)

    def with_copy(self, other: Unit) -> Unit:
        """With the operators of `other` worked out here again."""
        nodes = list({id(node): node for node in (*other.nodes, *self.nodes)}.values())
        return Unit(nodes, self.copied | {id(node) for node in other.nodes})

    def conflicts(self, other: Unit) -> bool:
        """Whether the order of the two matters."""
        return bool(
            self.written & other.written or self.written & other.read_buffers or self.read_buffers & other.written
        )

    @property
    def product(self) -> Node | None:
        """The product of matrices or the convolution in it, if there is one."""
        return next((node for node in self.nodes if isinstance(node.call.op.lower, (Product, Convolution))), None)

    @property
    def fusible(self) -> bool:
        """Whether one kernel can hold it: loops over elements and reductions, or a product and loops over elements."""
        product = self.product
        if product is None:
            return all(isinstance(node.call.op.lower, (Pointwise, Reduce, Composition)) for node in self.nodes)
        if any(key_of(ref) in self.inside or id(ref.buffer) in self.written for ref in product.operands[:2]):
            return False
        return not any(
            node.call.arrangements or not isinstance(node.call.op.lower, (Pointwise, Composition))
            for node in self.nodes
            if node is not product
        )

    @property
    def is_copyable(self) -> bool:
        """Whether working it out again where it is read costs no more than reading it: a tensor made wider."""
        if len(self.nodes) != 1 or self.nodes[0].call.op.name != "cast":
            return False
        (source,) = self.nodes[0].operands
        return bool(source.layout.dtype.itemsize <= self.nodes[0].results[0].layout.dtype.itemsize)


def may_join(first: Unit, second: Unit, writers: dict[int, int]) -> bool:
    """Whether `second`, which reads what `first` makes, finds all of it as values and changes nothing under its feet.

    What is handed over must have one writer; memory that both touch may be changed only in the place where it is read.
    """
    for key in second.reads:
        if key[0] in first.written and (key not in first.made or writers[key[0]] != 1):
            return False
    if first.written & second.written:
        return False
    for key in first.made:  # what is already there may be looked at in other ways too
        if key in second.reads and first.made[key].buffer.kind in ("argument", "external"):
            return False
    changed = (first.written | second.written) & (first.read_buffers | (second.read_buffers - first.written))
    if not changed:
        return True
    made = {**first.made, **second.made}
    read = {**first.reads, **second.reads}
    in_place = all(key in made for key in read if key[0] in changed)
    return in_place and not any(node.call.arrangements for node in (*first.nodes, *second.nodes))


def writers_of(nodes: tuple[Node, ...]) -> dict[int, int]:
    """How many operators write each buffer, by its identity."""
    found: dict[int, int] = {}
    for node in nodes:
        for identity in {id(ref.buffer) for ref in node.results}:
            found[identity] = found.get(identity, 0) + 1
    return found


class Order:
    """The units in the order in which they will run, and who reads each buffer."""

    def __init__(self, outputs: tuple[Buffer, ...]) -> None:
        self.units: list[Unit] = []
        self.readers: dict[int, set[int]] = {}
        self._makers: dict[Key, list[Unit]] = {}
        self._outputs = {id(buffer) for buffer in outputs}

    def __iter__(self) -> Iterator[Unit]:
        return iter(self.units)

    def insert(self, place: int, unit: Unit) -> None:
        """Put a unit before the one that is at `place` now."""
        self.units.insert(place, unit)
        for identity in unit.read_buffers:
            self.readers.setdefault(identity, set()).add(id(unit))
        for key in unit.made:
            self._makers.setdefault(key, []).append(unit)

    def remove(self, place: int) -> Unit:
        """Take the unit at `place` out."""
        unit = self.units.pop(place)
        for identity in unit.read_buffers:
            self.readers[identity].discard(id(unit))
        for key in unit.made:
            self._makers[key].remove(unit)
        return unit

    def results_of(self, unit: Unit, without: tuple[Unit, ...] = ()) -> list[Ref]:
        """What others than the units `without` read of it, or what lives on: these reach memory."""
        ignored = {id(unit), *map(id, without)}
        return [
            ref
            for ref in unit.made.values()
            if ref.buffer.kind != "internal"
            or id(ref.buffer) in self._outputs
            or self.readers.get(id(ref.buffer), set()) - ignored
        ]

    def producer(self, place: int, key: Key) -> int | None:
        """The place of the last unit before `place` that makes this value."""
        places = [self.units.index(unit) for unit in self._makers.get(key, ())]
        return max((at for at in places if at < place), default=None)

    def place_for(self, first: int, second: int) -> int | None:
        """Where two units can run together, the first's place or the second's; None where something forbids both."""
        if second == first + 1:
            return first
        written: set[int] = set()
        read: set[int] = set()
        for one in self.units[first + 1 : second]:
            written |= one.written
            read |= one.read_buffers
        for place, unit in ((first, self.units[second]), (second - 1, self.units[first])):  # the first is gone by then
            if (
                written.isdisjoint(unit.written)
                and written.isdisjoint(unit.read_buffers)
                and read.isdisjoint(unit.written)
            ):
                return place
        return None


class Arguments(NamedTuple):
    """What a fused kernel takes: a product's matrices, other tensors, then numbers.

    `places` says where each of the other tensors is among them, `numbers` where each number is, by its node's identity
    and its place among the node's operands.
    """

    operands: list[Any]
    places: dict[Key, int]
    numbers: dict[tuple[int, int], int]


def arguments_of(unit: Unit) -> Arguments:
    """The arguments of a unit's kernel."""
    product = unit.product
    found = Arguments([] if product is None else list(product.operands[:2]), {}, {})
    given = [
        (node, place, operand)
        for node in unit.nodes
        for place, operand in enumerate(node.operands)
        if node is not product or place >= 2
    ]
    for _, _, operand in given:
        if isinstance(operand, Ref) and key_of(operand) in unit.reads and key_of(operand) not in found.places:
            found.places[key_of(operand)] = len(found.operands)
            found.operands.append(operand)
    for node, place, operand in given:
        if not isinstance(operand, Ref):
            found.numbers[id(node), place] = len(found.operands)
            found.operands.append(operand)
    return found


class Users:
    """Who makes and who reads the buffers of a program."""

    def __init__(self, nodes: Sequence[Node], outputs: tuple[Buffer, ...]) -> None:
        self._writers = writers_of(tuple(nodes))
        self._made = {id(ref.buffer): node for node in nodes for ref in node.results}
        self._outputs = {id(buffer) for buffer in outputs}
        self._readers: dict[int, list[Node]] = {}
        for node in nodes:
            for ref in node.reads():
                self._readers.setdefault(id(ref.buffer), []).append(node)

    def maker(self, ref: Ref) -> Node | None:
        """The one node that writes what lies in the arena."""
        inside = ref.buffer.kind == "internal" and id(ref.buffer) not in self._outputs
        return self._made.get(id(ref.buffer)) if inside and self._writers.get(id(ref.buffer)) == 1 else None

    def readers(self, ref: Ref) -> list[Node]:
        """The nodes that read any of a buffer, once for each operand."""
        return self._readers.get(id(ref.buffer), [])
