"""Where in a model the work is: the dotted path of the module that runs, as accounts name it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

from curta.autograd.state import STATE
from curta.memory.changes import CHANGES
from curta.tensor import Tensor

if TYPE_CHECKING:
    from curta.nn.modules.module import Module


class Root:
    """A module that was called by itself, not by another: its kind, its size, and the places of all its parts."""

    def __init__(self, module: Module) -> None:
        self.kind = type(module).__name__
        #: which module it is, whatever became of its parts meanwhile
        self.owner = (self.kind, id(module))
        self.changes = CHANGES.last
        #: by the identity of each module within
        self.places = {id(one): Place(self, path) for path, one in module.named_modules()}
        self.parameters = module.num_parameters()
        self.embedded = _embedded(module)
        for path, parameter in module.named_parameters():
            parameter.place = self.places[id(module.get_submodule(path.rpartition(".")[0]))]


class Place:
    """A module within the outermost one: `path` is dotted, as `named_modules` has it."""

    __slots__ = ("path", "root")

    def __init__(self, root: Root, path: str) -> None:
        self.root = root
        self.path = path

    def __repr__(self) -> str:
        return f"<{self.path or self.root.kind}>"


_ROOTS: WeakKeyDictionary[Module, Root] = WeakKeyDictionary()


def _embedded(module: Module) -> int:
    """The parameters that are only looked up in: those of embeddings, tied or not."""
    from curta.nn.modules.embedding import Embedding

    weights = {id(one.weight): one.weight.numel() for one in module.modules() if isinstance(one, Embedding)}
    return sum(weights.values())


def _root_of(module: Module) -> Root:
    known = _ROOTS.get(module)
    if known is None or known.changes is not CHANGES.last:
        known = _ROOTS[module] = Root(module)
    return known


def enter(module: Module, args: tuple[Any, ...]) -> None:
    """What runs from now on is the work of `module`; whoever calls this puts `STATE` back when it is done."""
    places = STATE.places
    place = None if places is None else places.get(id(module))
    if place is None:
        root = _root_of(module)
        STATE.places, place = root.places, root.places[id(module)]
        tokens = _tokens(args)
        for book in STATE.books if STATE.recorder is None else (STATE.recorder, *STATE.books):
            book.enter(module, root, tokens)
    STATE.module = place


def _tokens(args: tuple[Any, ...]) -> int:
    """The tokens that a call is given: the elements of its first tensor, if those are integers."""
    first = next((one for one in args if isinstance(one, Tensor)), None)
    integers = first is not None and not first.layout.dtype.is_floating_point
    return first.layout.numel if first is not None and integers else 0
