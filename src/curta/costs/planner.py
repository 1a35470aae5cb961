"""`curta.plan`: the account of a function that is not run."""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterable
from sys import getrefcount
from typing import Any

from curta import host
from curta.autograd.state import STATE
from curta.costs import existing
from curta.costs.account import Account
from curta.device import CPU, META, Device
from curta.errors import ArgumentTypeError, PlanError
from curta.memory.layout import Layout, on_processor, strided
from curta.memory.ledger import INPUTS, Ledger, PlanLedger
from curta.memory.storage import MetaStorage, PlannedStorage, Storage
from curta.ops.program import Executable, executable
from curta.ops.rehearsal import Rehearsal, user_line
from curta.tensor import Tensor

#: references to a gradient, and to its storage, that nobody holds but its tensor: here `held`, a leaf and a call
_ALONE = 4
_STORAGE_ALONE = 2


class Plan(Account):
    """The account of a function that was only planned; `result` has what it gives, as tensors of the meta device."""

    def __init__(self, meta: bool) -> None:
        self._meta = meta
        super().__init__(timeline=True)
        self.result: Any = None

    def _new_ledger(self, timeline: bool) -> Ledger:
        return PlanLedger(STATE, self._meta)

    def _found(self) -> Iterable[existing.Found]:
        return existing.with_meta() if self._meta else existing.with_a_purpose()

    def __repr__(self) -> str:
        return f"<Plan of {self.calls:,} operators, {self.flops:,} FLOPs, {self.memory.peak_bytes:,} bytes at most>"


class Planner(Rehearsal):
    """Carries no operator out: works out what each makes, and lets memory come and go as it would.

    Tensors on the meta device stand for ones on the processor: an operator takes the temporaries that it would take
    there.
    """

    eager = True

    def __init__(self, books: Plan) -> None:
        super().__init__()
        self._books = books
        self._versions: dict[int, tuple[Storage, int]] = {}
        self._states: set[int] = set()
        self._temporaries: dict[Executable, list[Layout]] = {}
        #: whether any operator made something on the meta device
        self.met_meta = False

    def __exit__(self, *exception: object) -> None:
        super().__exit__(*exception)
        self.take_back()
        for storage, version in self._versions.values():
            storage.version = version
        self.forget()

    # memory

    def make_storage(self, nbytes: int, device: Device = CPU) -> Storage:
        """Memory that is only counted."""
        made = PlannedStorage(nbytes, device)
        ledger = self._books.ledger
        if ledger is not None:
            ledger.born(made)
        self.note_storage(made)
        return made

    # operators

    def add(self, call: Executable, inputs: tuple[Any, ...], params: dict[str, Any]) -> Any:
        """The results of one operator, without values."""
        self._begin(call)
        made = tuple(Tensor._make(self.make_storage(one.nbytes, one.device), one, 0) for one in call.outputs)
        self._run(call)
        return made if call.several else made[0]

    def note_view(self, call: Executable) -> None:
        """A view is made as ever, and takes no memory."""
        for book in STATE.books:
            book.begin(call)
            book.charge(call)

    def add_into(
        self, call: Executable, inputs: tuple[Any, ...], outputs: tuple[Tensor, ...], params: dict[str, Any]
    ) -> None:
        """One operator that writes into tensors that exist: those stay as they are."""
        for out in outputs:
            storage = out.storage
            if storage is not None and not isinstance(storage, PlannedStorage):
                self._versions.setdefault(id(storage), (storage, storage.version))
        self._begin(call)
        self._run(call)

    def _begin(self, call: Executable) -> None:
        self.met_meta = self.met_meta or call.outputs[0].device is META
        for book in STATE.books:
            book.begin(call)

    def _run(self, call: Executable) -> None:
        """Take what an operator needs while it runs, and let go of it."""
        held = [self.make_storage(one.nbytes, call.outputs[0].device) for one in self._temporaries_of(call)]
        del held
        for book in STATE.books:
            book.charge(call)

    def _temporaries_of(self, call: Executable) -> list[Layout]:
        if call.outputs[0].device is not META:
            return call.temporaries
        found = self._temporaries.get(call)
        if found is None:
            into = None if call.fresh else tuple(map(_here, call.outputs))
            params = {name: CPU if value is META else value for name, value in call.params.items()}
            found = executable(call.op, tuple(map(_here, call.operands)), params, into).temporaries
            self._temporaries[call] = found
        return found

    # what Python does

    def note_leaf(self, tensor: Tensor) -> None:
        """The function looks at or changes this tensor's `grad`: a stand-in may go before the plan ends."""
        known, held = id(tensor) in self.leaves, tensor._grad
        super().note_leaf(tensor)
        if known or held is None or id(tensor) not in self.leaves or held.storage is None:
            return
        if getrefcount(held) > _ALONE or getrefcount(held.storage) > _STORAGE_ALONE:
            return  # somebody else would keep it
        stand_in = PlannedStorage(held.storage.nbytes, held.layout.device)
        self.note_storage(stand_in)
        for book in STATE.books:
            if book.ledger is not None:
                book.ledger.transfer(held.storage, stand_in)
        tensor._grad = Tensor._make(stand_in, held.layout, held.offset)

    def refuse_value(self, tensor: Tensor) -> None:
        """PlanError for a tensor that only a run would give values."""
        if not host.has_values(tensor):
            raise PlanError(
                f"plan: the values of {tensor.layout!r} are read at {user_line()}, but nothing is run: "
                "return the tensor, and leave out what reads it"
            )

    def refuse_rebinding(self) -> None:
        """PlanError: a tensor that is given other memory could not be put back."""
        raise PlanError(f"plan: {user_line()} gives a tensor other memory: do it before")

    def constant(self, make: Callable[[], Tensor]) -> Tensor:
        """A tensor made from Python's numbers, which has these values."""
        made: Tensor = self.paused(make)
        layout = made.layout
        counted = Tensor._make(self.make_storage(layout.nbytes), layout, 0)
        for book in STATE.books:
            book.assign(counted.storage, INPUTS)
        return counted

    def numbers_from(self, again: Callable[[], Any]) -> Any:
        """The numbers as they are now."""
        return self.paused(again)

    def effect(self, again: Callable[[], Any], restore: Callable[[], Any]) -> None:
        """Do what Python does, to be taken back."""
        self.undo.append(restore)
        self.paused(again)

    def update(self, optimizer: Any, parameter: Tensor, gradient: Tensor, plan: Any, group: Any) -> None:
        """Plan an optimizer's update of one parameter; its state is put back."""
        state = optimizer.state[parameter]
        if id(state) not in self._states:
            self._states.add(id(state))
            before = dict(state)

            def restore() -> None:
                state.clear()
                state.update(before)
                if not before:
                    optimizer.state.pop(parameter, None)

            self.undo.append(restore)
        optimizer.carry_out(plan, parameter, gradient, state)

    def indices(
        self, index: Tensor, low: int, high: int, error: Callable[[int], Exception], ignore: int | None = None
    ) -> Tensor:
        """`index`, after a check of its values where it has any."""
        if host.has_values(index):
            values = host.array(index)
            wrong = values[((values < low) | (values >= high)) & (values != (low if ignore is None else ignore))]
            if wrong.size:
                raise error(int(wrong.flat[0]))
        return index

    def note_owner(self, tensor: Tensor) -> Tensor:
        """Nothing is kept."""
        return tensor if tensor.base is None else tensor.base

    def note_module(self, module: Any) -> None:
        """Nothing is kept."""

    def enter(self, module: Any, root: Any, tokens: int) -> None:
        """The open accounts hear of it by themselves."""


def _here(operand: Any) -> Any:
    """A layout on the processor."""
    return on_processor(operand) if isinstance(operand, Layout) else operand


def _without_history(value: Any) -> Any:
    """The same with tensors of the meta device in place of what was planned: the graph behind them goes."""
    if isinstance(value, Tensor):
        layout = strided(value.layout.shape, value.layout.strides, value.layout.dtype, META)
        return Tensor._make(MetaStorage(layout.nbytes, META), layout, 0)
    if type(value) in (tuple, list):
        return type(value)(map(_without_history, value))
    if type(value) is dict:
        return {key: _without_history(one) for key, one in value.items()}
    return value


def _is_meta(value: Any) -> bool:
    return isinstance(value, Tensor) and value.layout.device is META


def _tensors(value: Any) -> list[Tensor]:
    """The tensors in arguments: in tuples, lists and dictionaries, and those of modules."""
    if isinstance(value, Tensor):
        return [value]
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, (tuple, list)):
        return [tensor for one in value for tensor in _tensors(one)]
    parameters = getattr(value, "parameters", None)
    return list(parameters()) if callable(parameters) else []


def plan(function: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Plan:
    """The account of `function(*args, **kwargs)` without running it: the same FLOPs, bytes and memory, exactly.

    Nothing is computed or allocated, and everything is as before afterwards: gradients, optimizer state, random
    numbers, schedules. The memory is that of the process if it ran the function now. Where arguments, or a module that
    is called, are on the meta device, that stands for the processor, and the memory is that of meta tensors alone.
    PlanError where the function reads values.

    >>> import curta
    >>> x = curta.empty(1000, 1000, device="meta")
    >>> books = plan(lambda x: (x @ x).exp(), x)
    >>> books.model_flops, books.memory.peak_bytes - x.nbytes
    (2000000000, 8000000)
    """
    if not callable(function):
        raise ArgumentTypeError(f"plan: requires a function or a module, got {type(function).__name__}")
    gc.collect()  # memory that nobody can reach is not to count
    meta = any(map(_is_meta, _tensors(_reachable(function, args, kwargs))))
    books, met = _planned(function, args, kwargs, meta)
    if met is not meta and books.calls:
        books, _ = _planned(function, args, kwargs, met)
    return books


def _planned(function: Callable[..., Any], args: Any, kwargs: Any, meta: bool) -> tuple[Plan, bool]:
    """The account, and whether anything in it was on the meta device."""
    books = Plan(meta)
    planner = Planner(books)
    with planner, books:
        result = function(*args, **kwargs)
    books.result = _without_history(result)
    return books, planner.met_meta


def _reachable(function: Any, args: Any, kwargs: Any) -> tuple[Any, ...]:
    """What a function can get at: arguments, what it is bound to, and the values of the names that it uses."""
    inner = getattr(function, "__wrapped__", function)
    cells = [cell.cell_contents for cell in getattr(inner, "__closure__", None) or ()]
    names = getattr(getattr(inner, "__code__", None), "co_names", ())
    outside = getattr(inner, "__globals__", {})
    return (inner, getattr(inner, "__self__", None), args, kwargs, *cells, *(outside.get(name) for name in names))
