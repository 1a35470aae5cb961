"""The books: what the operators that ran did, in exact integers.

Conventions, here and in every operator's `cost`:

- A multiply-add is 2 FLOPs; a product of [M, K] and [K, N] is 2*M*N*K.
- An addition, subtraction, multiplication or division is 1 FLOP an element; comparisons, copies, conversions and
  views are 0. A call of exp, log, tanh, … is one transcendental and no FLOP.
- An operator reads each of its inputs and writes each of its outputs once: an element that is broadcast is counted
  once, and what a fused operator (softmax, layer_norm) keeps to itself is not memory traffic.
- `model_flops` are those of the products that a model is made of: those `is_model_operator` names, forward
  and backward, whichever way they are computed. It is the numerator of MFU; element-wise work is in `flops` only.
- A phase is the part of a training step: "backward" inside a backward pass, "optimizer" inside an optimizer's step,
  else "forward".
"""

from __future__ import annotations

from typing import Any

from curta.autograd.state import STATE
from curta.ops.record import NO_COST, Cost

#: the operators whose work is a model's own, whatever family their record is in
MODEL_FAMILIES = ("matmul", "linear", "addmm", "bmm", "conv", "attention", "scaled_dot_product")


def is_model_operator(name: str) -> bool:
    """Whether the operator `name` counts for model FLOPs: products, convolutions and attention, and their gradients.

    >>> is_model_operator("matmul"), is_model_operator("conv2d_backward_weight"), is_model_operator("add")
    (True, True, False)
    """
    return name.startswith(MODEL_FAMILIES)


class Account:
    """What ran while the account was open; see `account`. All figures are exact Python integers."""

    def __init__(self) -> None:
        #: (phase, operator's name) -> [calls, cost]
        self._lines: dict[tuple[str, str], list[Any]] = {}

    def charge(self, op: Any, call: Any) -> None:
        """Write down one call of an operator; `call.cost` is what it does."""
        self.add(op.name, call.cost)

    def add(self, name: str, cost: Cost) -> None:
        """Write down work under a name, in the present phase."""
        line = self._lines.get((STATE.phase, name))
        if line is None:
            self._lines[STATE.phase, name] = [1, cost]
        else:
            line[0] += 1
            line[1] = line[1] + cost

    def __enter__(self) -> Account:
        STATE.watch(books=(*STATE.books, self))
        return self

    def __exit__(self, *exception: object) -> None:
        books = list(STATE.books)
        for place in range(len(books) - 1, -1, -1):
            if books[place] is self:
                del books[place]
                break
        STATE.watch(books=tuple(books))

    @property
    def total(self) -> Cost:
        """The sum of everything."""
        return _sum(cost for _, cost in self._lines.values())

    @property
    def flops(self) -> int:
        """Floating-point operations; a multiply-add is 2."""
        return self.total.flops

    @property
    def model_flops(self) -> int:
        """The FLOPs of products, convolutions and attention alone: the numerator of MFU."""
        return sum(cost.flops for (_, name), (_, cost) in self._lines.items() if is_model_operator(name))

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
        total = self.total
        moved = total.bytes_read + total.bytes_written
        return total.flops / moved if moved else 0.0

    @property
    def calls(self) -> int:
        """How many operators ran."""
        return sum(count for count, _ in self._lines.values())

    def _calls_by_op(self) -> dict[str, int]:
        calls: dict[str, int] = {}
        for (_, name), (count, _) in self._lines.items():
            calls[name] = calls.get(name, 0) + count
        return calls

    def by_op(self) -> dict[str, Cost]:
        """The sum for each operator, the one with most FLOPs first."""
        found: dict[str, Cost] = {}
        for (_, name), (_, cost) in self._lines.items():
            found[name] = found.get(name, NO_COST) + cost
        return dict(sorted(found.items(), key=lambda item: (-item[1].flops, -sum(item[1]), item[0])))

    def by_phase(self) -> dict[str, Cost]:
        """The sum for each part of a step: "forward", "backward", "optimizer"."""
        found: dict[str, Cost] = {}
        for (phase, _), (_, cost) in self._lines.items():
            found[phase] = found.get(phase, NO_COST) + cost
        return found

    def to_dict(self) -> dict[str, Any]:
        """Everything, as plain numbers, strings and dictionaries."""
        calls = self._calls_by_op()
        return {
            **self.total._asdict(),
            "model_flops": self.model_flops,
            "calls": self.calls,
            "intensity": self.intensity,
            "by_op": {name: {"calls": calls[name], **cost._asdict()} for name, cost in self.by_op().items()},
            "by_phase": {name: cost._asdict() for name, cost in self.by_phase().items()},
        }

    def table(self) -> str:
        """The account by operator, as text in columns."""
        calls = self._calls_by_op()
        rows: list[tuple[str, ...]] = [("operator", "calls", "FLOPs", "transcendentals", "bytes read", "bytes written")]
        rows += [(name, f"{calls[name]:,}", *(f"{part:,}" for part in cost)) for name, cost in self.by_op().items()]
        rows.append(("total", f"{self.calls:,}", *(f"{part:,}" for part in self.total)))
        widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
        return "\n".join(
            "  ".join([row[0].ljust(widths[0]), *(text.rjust(w) for text, w in zip(row[1:], widths[1:], strict=True))])
            for row in rows
        )

    def __repr__(self) -> str:
        return f"<Account of {self.calls:,} operators, {self.flops:,} FLOPs>"


def _sum(costs: Any) -> Cost:
    total = NO_COST
    for cost in costs:
        total = total + cost
    return total


def account() -> Account:
    """Keep the books of this thread's operators while the `with` block runs; accounts may be nested.

    >>> import curta
    >>> with curta.account() as books:
    ...     product = curta.ones(2, 3) @ curta.ones(3, 4)
    >>> books.model_flops
    48
    """
    return Account()
