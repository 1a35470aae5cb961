"""The books: what the operators that ran did, in exact integers, and what memory they took.

Conventions, here and in every operator's `cost`:

- A multiply-add is 2 FLOPs; a product of [M, K] and [K, N] is 2*M*N*K. A convolution multiplies each filter with each
  window, the zeros around an image included.
- An addition, subtraction, multiplication or division is 1 FLOP an element; comparisons, copies, conversions and
  views are 0. A call of exp, log, tanh, … is one transcendental and no FLOP.
- Working out where an element lies is 0, and so are random bits; what is made of them (`arange`, `randn`) counts.
- An operator reads each of its inputs and writes each of its outputs once: an element that is broadcast is counted
  once, and what a fused operator (softmax, layer_norm) keeps to itself is not memory traffic. What is looked up by
  number (an embedding, `x[rows]`) is read once for each time, and the rest of the table not at all.
- What NumPy works out because the result's size depends on values (`unique`, `nonzero`, a mask as an index, the largest
  number that `bincount` looks for) counts as an operator without FLOPs would: what it reads once, what it makes once.
  Looking at arguments to check them is nothing.
- `model_flops` are those of products, convolutions and attention, forward and backward, whichever way they are
  computed: the numerator of MFU. Attention counts the pairs of a query and a key that may see each other. What is done
  a second time to save memory is left out, and counts in `hardware_flops`, the numerator of HFU.
- A phase is the part of a training step: "backward" inside a backward pass, "optimizer" inside an optimizer's step,
  "recomputation" where a checkpoint runs a part again, else "forward". Gradients that an operator makes ahead, together
  with its results, are of the backward pass; the time for both stands in the forward pass.
- A compiled program counts the FLOPs of the function itself; what fusion saves shows in the bytes alone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from threading import get_ident
from time import perf_counter
from typing import Any

from curta.autograd.state import RECOMPUTATION, STATE
from curta.costs import existing
from curta.costs.conventions import Conventions
from curta.costs.lines import Group, Line, Stated, grouped, lines_of, total
from curta.costs.memory import MemoryBooks
from curta.costs.names import ModuleNames
from curta.costs.tables import Column, html_table, text_table
from curta.default_dtype import get_default_dtype
from curta.device import CPU, Device
from curta.errors import ArgumentError
from curta.memory.allocator import HOST
from curta.memory.layout import Layout
from curta.memory.ledger import Holding, Ledger
from curta.memory.storage import MAKERS, Storage, host_storage, own_storage
from curta.ops.record import NO_COST, Cost

#: what a compiled program as a whole is called
PROGRAM = "compiled program"

#: what a table can have a row for
KEYS: dict[str, Callable[[Line], str]] = {
    "op": lambda line: line.operator,
    "phase": lambda line: line.phase,
    "dtype": lambda line: line.dtype.name,
}


class Account:
    """What ran while the account was open; see `account`. All figures are exact Python integers."""

    def __init__(self, memory: bool = True, timeline: bool = False, timing: bool = False) -> None:
        #: (operator's compiled form or program, phase, module) -> how often it ran
        self._counts: dict[tuple[Any, str, Any], int] = {}
        self._seconds: dict[tuple[Any, str, Any], float] | None = {} if timing else None
        self._started = 0.0
        #: how many functions run that say themselves what they cost
        self.muted = 0
        #: the tokens that each outermost module was given
        self._entered: dict[Any, int] = {}
        self._modules: dict[int, Any] = {}
        self.ledger: Ledger | None = self._new_ledger(timeline) if memory or timeline else None
        self._is_first = False

    def _new_ledger(self, timeline: bool) -> Ledger:
        return Ledger(STATE, timeline)

    def _found(self) -> Iterable[existing.Found]:
        return existing.with_a_purpose()

    # opening and closing

    def __enter__(self) -> Account:
        if self.ledger is not None:
            self.ledger.open(self._found())
            if STATE.recorder is None:
                self._is_first = get_ident() not in MAKERS
                MAKERS[get_ident()] = make_watched
        STATE.watch(books=(*STATE.books, self))
        return self

    def __exit__(self, *exception: object) -> None:
        STATE.watch(books=tuple(book for book in STATE.books if book is not self))
        if self.ledger is not None:
            self.ledger.close()
            if self._is_first:
                del MAKERS[get_ident()]

    # what the library tells of

    def begin(self, call: Any) -> None:
        """An operator is about to run."""
        ledger = self.ledger
        if ledger is not None:
            ledger.begin(call.op.name)
        if self._seconds is not None:
            call.place()  # compiled before the clock starts
            self._started = perf_counter()

    def charge(self, call: Any) -> None:
        """An operator has run."""
        key = (call, STATE.phase, STATE.module)
        if self._seconds is not None:
            self._seconds[key] = self._seconds.get(key, 0.0) + perf_counter() - self._started
        if not self.muted:
            counts = self._counts
            counts[key] = counts.get(key, 0) + 1
        ledger = self.ledger
        if ledger is not None:
            ledger.operator = None

    def charge_cost(self, name: str, cost: Cost, layouts: list[Layout]) -> None:
        """A function of the user's has run, or NumPy's in place of an operator: both say what they cost."""
        floating = [one.dtype for one in layouts if one.dtype.is_floating_point]
        dtype = floating[0] if floating else layouts[0].dtype if layouts else get_default_dtype()
        key = (Stated(name, cost, dtype), STATE.phase, STATE.module)
        if not self.muted:
            self._counts[key] = self._counts.get(key, 0) + 1

    def begin_program(self) -> None:
        """A compiled program is about to run."""
        if self.ledger is not None:
            self.ledger.begin(PROGRAM)
        self._started = perf_counter()

    def charge_program(self, program: Any) -> None:
        """A compiled program has run; its `lines(count)` say what that is."""
        if self.ledger is not None:
            self.ledger.operator = None
        key = (program, STATE.phase, None)
        if self._seconds is not None:
            self._seconds[key] = self._seconds.get(key, 0.0) + perf_counter() - self._started
        self._counts[key] = self._counts.get(key, 0) + 1

    def enter(self, module: Any, root: Any, tokens: int) -> None:
        """A module was called by itself, with so many tokens."""
        self._entered[root] = self._entered.get(root, 0) + tokens
        if self.ledger is not None and id(module) not in self._modules:
            self._modules[id(module)] = module
            for tensor, place in existing.owned(module, root):
                self.own(tensor.storage, place)

    def keep(self, node: Any) -> None:
        """A node of the dynamic graph was made: what it saved is kept for the backward pass until it lets go."""
        if self.ledger is not None:
            mark = self.mark(node.saved_tensors_of_forward())
            if mark is not None:
                node.keep(mark)

    def mark(self, tensors: list[Any]) -> Mark | None:
        """What keeps tensors for the backward pass holds this as long as it does."""
        ledger = self.ledger
        if ledger is None or not tensors:
            return None
        storages = [one.storage for one in tensors]
        if len(storages) > 1:
            storages = list({id(one): one for one in storages}.values())
        held = [holding for one in storages if (holding := ledger.holding(one)) is not None]
        return Mark(ledger, held) if held else None

    def own(self, storage: Storage | None, module: Any) -> None:
        """Memory that was there before is a module's."""
        holding = None if self.ledger is None else self.ledger.holding(storage)
        if holding is not None and holding.module is None:
            holding.module = module

    def assign(self, storage: Storage | None, kind: str) -> None:
        """Memory is for this from now on; see `curta.memory.ledger`."""
        if self.ledger is not None:
            self.ledger.assign(storage, kind)

    # sums

    @property
    def lines(self) -> list[Line]:
        """The account in full: a line for each operator, phase, module and number format."""
        found: list[Line] = []
        for key, count in self._counts.items():
            call, phase, module = key
            if hasattr(call, "op"):
                found += lines_of(call, phase, module, count, (self._seconds or {}).get(key))
            else:
                found += call.lines(count, phase, module)
                if self._seconds and key in self._seconds:  # as one: what is fused has no times of its own
                    found.append(Line(phase, None, PROGRAM, get_default_dtype(), 0, NO_COST, 0, self._seconds[key]))
        return found

    @property
    def total(self) -> Cost:
        """The sum of everything."""
        return total(line.cost for line in self.lines)

    @property
    def flops(self) -> int:
        """Floating-point operations; a multiply-add is 2."""
        return self.total.flops

    @property
    def model_flops(self) -> int:
        """The FLOPs of products, convolutions and attention, without what was done twice: the numerator of MFU."""
        return sum(line.cost.model_flops for line in self.lines if line.phase != RECOMPUTATION)

    @property
    def hardware_flops(self) -> int:
        """As `model_flops`, with what was done twice to save memory: the numerator of HFU."""
        return sum(line.cost.model_flops + line.cost.again_flops for line in self.lines)

    @property
    def transcendentals(self) -> int:
        """Calls of exp, log, tanh, …"""
        return self.total.transcendentals

    @property
    def bytes_read(self) -> int:
        """Bytes that operators read."""
        return self.total.bytes_read

    @property
    def bytes_written(self) -> int:
        """Bytes that operators wrote."""
        return self.total.bytes_written

    @property
    def intensity(self) -> float:
        """FLOPs per byte moved; 0 when nothing was moved."""
        whole = self.total
        moved = whole.bytes_read + whole.bytes_written
        return whole.flops / moved if moved else 0.0

    @property
    def calls(self) -> int:
        """How many operators ran."""
        return sum(line.calls for line in self.lines)

    @property
    def seconds(self) -> float:
        """The seconds in operators; ArgumentError unless the account was opened with `timing=True`."""
        if self._seconds is None:
            raise ArgumentError("account: the time was not measured: open it with curta.account(timing=True)")
        return sum(line.seconds or 0.0 for line in self.lines)

    @property
    def memory(self) -> MemoryBooks:
        """Who held how many bytes; ArgumentError if the account was opened with `memory=False`."""
        if self.ledger is None:
            raise ArgumentError("account: memory was not looked at: open it without memory=False")
        return MemoryBooks(self.ledger, self.names().name)

    # splits

    def by_op(self) -> dict[str, Cost]:
        """The sum for each operator, the one with most FLOPs first."""
        return self._by("op")

    def by_phase(self) -> dict[str, Cost]:
        """The sum for each part of a step: "forward", "backward", "optimizer", "recomputation"."""
        return self._by("phase")

    def by_dtype(self) -> dict[str, Cost]:
        """The sum for each number format that operators work in: that of their first floating-point operand."""
        return self._by("dtype")

    def by_module(self, depth: int | None = None) -> dict[str, Cost]:
        """The sum for each module by its dotted path, in the model's order; with `depth`, of so many names at most.

        A module's own sum: what its parts do is theirs, unless `depth` cuts them off. The outermost module stands under
        its class; work outside of all modules under "-".
        """
        return {name: group.cost for name, group in self._modules_grouped(depth).items()}

    def _by(self, key: str) -> dict[str, Cost]:
        return {name: group.cost for name, group in grouped(self.lines, KEYS[key]).items()}

    def _modules_grouped(self, depth: int | None) -> dict[str, Group]:
        if depth is not None and (type(depth) is not int or depth < 1):
            raise ArgumentError(f"account: depth must be a positive integer, got {depth!r}")
        lines, names = self.lines, self.names()
        found = grouped(lines, lambda line: names.name(line.module, depth))
        return {name: found[name] for name in names.in_order(depth) if name in found}

    def names(self) -> ModuleNames:
        """What the modules are called that ran."""
        places = [line.module for line in self.lines if line.module is not None]
        return ModuleNames([*self._entered, *(place.root for place in places)])

    # conventions

    def flops_by_convention(self, tokens: int | None = None) -> dict[str, int]:
        """The model FLOPs as they are counted in the literature, each named; see `Conventions`.

        `tokens` are those that went through the model; if they are not given, the elements of the first argument of
        each outermost module where that is a tensor of integers. Without tokens, N·D is left out.
        """
        return Conventions(self.lines, self._entered, tokens).all()

    # for people and programs

    def to_dict(self) -> dict[str, Any]:
        """Everything, as plain numbers, strings and dictionaries."""
        splits = {key: grouped(self.lines, KEYS[key]) for key in KEYS} | {"module": self._modules_grouped(None)}
        whole: dict[str, Any] = {
            **self.total._asdict(),
            "model_flops": self.model_flops,
            "hardware_flops": self.hardware_flops,
            "calls": self.calls,
            "intensity": self.intensity,
            "flops_by_convention": self.flops_by_convention(),
        }
        for key, groups in splits.items():
            whole[f"by_{key}"] = {name: _described(group) for name, group in groups.items()}
        if self.ledger is not None:
            whole["memory"] = self.memory.to_dict()
        return whole

    def table(self, by: str = "op", depth: int | None = None) -> str:
        """The account as text in columns, with a row for each operator, "module", "phase" or "dtype".

        `depth` is for modules, as in `by_module`. ArgumentError for another `by`.
        """
        if by != "module" and by not in KEYS:
            raise ArgumentError(f"account: by must be one of {', '.join((*KEYS, 'module'))}, got {by!r}")
        return text_table(*self._tabulated(by, depth))

    def _tabulated(self, by: str, depth: int | None) -> tuple[str, dict[str, Group], Group, list[Column]]:
        groups = self._modules_grouped(depth) if by == "module" else grouped(self.lines, KEYS[by])
        head = {"op": "operator"}.get(by, by)
        whole = Group(self.calls, self.total, None if self._seconds is None else self.seconds)
        columns: list[Column] = [
            ("calls", lambda row: f"{row.calls:,}"),
            ("FLOPs", lambda row: f"{row.cost.flops:,}"),
            ("of the model", lambda row: f"{row.cost.model_flops:,}"),
            ("transcendentals", lambda row: f"{row.cost.transcendentals:,}"),
            ("bytes read", lambda row: f"{row.cost.bytes_read:,}"),
            ("bytes written", lambda row: f"{row.cost.bytes_written:,}"),
        ]
        if self._seconds is not None:
            columns.append(("ms", lambda row: f"{1e3 * (row.seconds or 0.0):,.2f}"))
        return head, groups, whole, columns

    def __repr__(self) -> str:
        return f"<Account of {self.calls:,} operators, {self.flops:,} FLOPs>"

    def _repr_html_(self) -> str:
        caption = f"Account of {self.calls:,} operators, {self.flops:,} FLOPs"
        return html_table(caption, *self._tabulated("module", None))


class Mark:
    """Held by a node of the dynamic graph as long as what it saved: its end is the end of that."""

    __slots__ = ("held", "ledger")

    def __init__(self, ledger: Ledger, held: list[Holding]) -> None:
        self.ledger = ledger
        self.held = held
        ledger.save(held, 1)

    def __del__(self) -> None:
        self.ledger.save(self.held, -1)


def make_watched(nbytes: int, device: Device) -> Storage:
    """Fresh storage that every open account hears of."""
    if device is not CPU:
        return own_storage(nbytes, device)
    storage = host_storage(nbytes, HOST.free_blocks(nbytes))
    for book in STATE.books:
        if book.ledger is not None:
            book.ledger.born(storage)
    return storage


def _described(group: Group) -> dict[str, Any]:
    found = {"calls": group.calls, **group.cost._asdict()}
    return found if group.seconds is None else {**found, "seconds": group.seconds}


def account(memory: bool = True, timeline: bool = False, timing: bool = False) -> Account:
    """Keep the books of this thread's operators while the `with` block runs; accounts may be nested.

    Memory is looked at too, which costs a little more: `memory=False` does without. `timeline` keeps every change of
    memory, `timing` the time of each operator.

    >>> import curta
    >>> with curta.account() as books:
    ...     product = curta.ones(2, 3) @ curta.ones(3, 4)
    >>> books.model_flops, books.memory.current_bytes >= product.nbytes
    (48, True)
    """
    return Account(memory, timeline, timing)
