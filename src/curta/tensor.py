"""The tensor: a pointer into memory with a shape and strides."""

from __future__ import annotations

from typing import Any
from weakref import ref

from curta.autograd.state import STATE
from curta.memory.layout import Layout
from curta.memory.storage import MAKERS, Storage, TracedStorage
from curta.methods.arithmetic import ArithmeticMethods
from curta.methods.autograd import AutogradMethods
from curta.methods.choice import ChoiceMethods
from curta.methods.comparison import ComparisonMethods
from curta.methods.conversion import ConversionMethods
from curta.methods.creation import CreationMethods
from curta.methods.exchange import ExchangeMethods
from curta.methods.indexing import IndexingMethods
from curta.methods.inplace import InplaceMethods
from curta.methods.kinds import KindMethods
from curta.methods.linear_algebra import LinearAlgebraMethods
from curta.methods.mathematics import MathematicsMethods
from curta.methods.movement import MovementMethods
from curta.methods.named import NamedMethods
from curta.methods.properties import PropertyMethods
from curta.methods.reduction import ReductionMethods
from curta.methods.statistics import StatisticsMethods

_new: Any = object.__new__


class Tensor(
    PropertyMethods,
    ExchangeMethods,
    CreationMethods,
    MovementMethods,
    IndexingMethods,
    ArithmeticMethods,
    MathematicsMethods,
    ComparisonMethods,
    ReductionMethods,
    StatisticsMethods,
    ChoiceMethods,
    LinearAlgebraMethods,
    ConversionMethods,
    InplaceMethods,
    NamedMethods,
    KindMethods,
    AutogradMethods,
):
    """A multi-dimensional array of any rank: a storage, an offset into it, and a layout (shape, strides, format).

    Made by `curta.tensor`, `curta.zeros`, … and by operators. Views share their storage: a write through one shows in
    the other. A tensor that is being traced has a `trace` in place of a storage.

    Called itself, the class is PyTorch's older constructor: `Tensor(2, 3)` has sizes and any contents, `Tensor([1, 2])`
    these, in the default format.
    """

    storage: Storage | None = None
    layout: Layout
    offset = 0
    pointer = 0
    base: Tensor | None = None
    grad_fn: Any = None
    output_index = 0
    hooks: Any = None
    accumulator: Any = None
    trace: Any = None
    #: of a tensor that `vmap` shows one slice of: all slices, see batching/values.py
    batch: Any = None
    #: of a tensor that a transform of `curta.func` differentiates by: whether its function is running
    differentiated: bool | None = None
    #: how often autograd's history of this tensor was replaced by a write; a view that knows an older number is stale
    generation = 0
    #: the module that it is a parameter of, as accounts name it; see nn/modules/places.py
    place: Any = None
    _requires_grad = False
    _grad: Tensor | None = None

    def __new__(cls, *arguments: Any, **options: Any) -> Any:
        from curta.typed_tensors import of_class

        return of_class(cls, arguments, options)

    @staticmethod
    def _make(storage: Storage | None, layout: Layout, offset: int, trace: Any = None) -> Tensor:
        """A tensor over a storage that exists (None when tracing)."""
        out: Tensor = _new(Tensor)
        out.storage = storage
        out.layout = layout
        if storage is not None:
            out.offset = offset
            out.pointer = storage.address + offset * layout.dtype.itemsize
            if isinstance(storage, TracedStorage):
                storage.tensors.append(ref(out))
        else:
            out.trace = trace
        return out

    def detach(self) -> Tensor:
        """The same storage without a gradient history."""
        if self.batch is not None:
            return self.same(self.batch.tensor.detach())
        if MAKERS and STATE.recorder is not None and not isinstance(self.storage, TracedStorage):
            STATE.recorder.note_owner(self)  # what is recorded from here on looks at another tensor
        out = _new(Tensor)  # as `_make`, of which nothing but an address is to be worked out again
        storage = out.storage = self.storage
        out.layout = self.layout
        if storage is None:
            out.trace = self.trace
            return out
        out.offset = self.offset
        out.pointer = self.pointer
        if isinstance(storage, TracedStorage):
            storage.tensors.append(ref(out))
        return out

    def same(self, slices: Tensor | None = None) -> Tensor:
        """As `detach`, but what `vmap` maps over keeps the history that it has outside (or is `slices`)."""
        if self.batch is None:
            return self.detach()
        out = Tensor._make(self.storage, self.layout, self.offset)
        out.batch = self.batch if slices is None else self.batch._replace(tensor=slices)
        return out
