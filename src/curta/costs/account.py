"""The books: what the operators of a piece of program do, counted while it runs."""

from __future__ import annotations

from collections import Counter
from typing import Any

from curta.autograd.state import STATE
from curta.ops.record import NO_COST, Cost, Op

#: the operators that MFU means in the literature: products of matrices (convolution and attention are made of them)
MODEL_OPERATORS = frozenset({"matmul", "linear"})


class Account:
    """What ran while the account was open, in exact integers.

    A multiply-add is 2 FLOPs, a view 0, a comparison or copy 0 FLOPs and its bytes; exp, log and the like are
    transcendental calls, not FLOPs. A fused operator reads its inputs once and writes its outputs once.

    >>> import curta
    >>> with Account() as books:
    ...     y = curta.ones(4, 8) @ curta.ones(8, 16)
    >>> books.flops
    1024
    """

    def __init__(self) -> None:
        self._costs: dict[str, Cost] = {}
        self._calls: Counter[str] = Counter()

    def __enter__(self) -> Account:
        STATE.watch(books=(*STATE.books, self))
        return self

    def __exit__(self, *exception: object) -> None:
        STATE.watch(books=tuple(book for book in STATE.books if book is not self))

    def charge(self, op: Op, call: Any) -> None:
        """Enter one call of an operator; `call.cost` says what it does."""
        self._costs[op.name] = self._costs.get(op.name, NO_COST) + call.cost
        self._calls[op.name] += 1

    @property
    def total(self) -> Cost:
        """Everything together."""
        result = NO_COST
        for cost in self._costs.values():
            result = result + cost
        return result

    @property
    def flops(self) -> int:
        """Floating-point operations."""
        return self.total.flops

    @property
    def model_flops(self) -> int:
        """FLOPs of matrix products alone: what model FLOPs utilisation counts."""
        return sum(cost.flops for name, cost in self._costs.items() if name in MODEL_OPERATORS)

    @property
    def transcendentals(self) -> int:
        """Calls of exp, log, sin, …"""
        return self.total.transcendentals

    @property
    def bytes_read(self) -> int:
        """Bytes read from tensors."""
        return self.total.bytes_read

    @property
    def bytes_written(self) -> int:
        """Bytes written to tensors."""
        return self.total.bytes_written

    @property
    def intensity(self) -> float:
        """FLOPs for each byte moved; 0 when nothing moved."""
        moved = self.bytes_read + self.bytes_written
        return self.flops / moved if moved else 0.0

    def by_op(self) -> dict[str, Cost]:
        """The cost of each operator, the most FLOPs first."""
        return dict(sorted(self._costs.items(), key=lambda item: (-item[1].flops, -item[1].bytes_read, item[0])))

    def to_dict(self) -> dict[str, Any]:
        """All of it, ready for JSON."""
        return {
            "flops": self.flops,
            "model_flops": self.model_flops,
            "transcendentals": self.transcendentals,
            "bytes_read": self.bytes_read,
            "bytes_written": self.bytes_written,
            "by_op": {name: {"calls": self._calls[name], **cost._asdict()} for name, cost in self.by_op().items()},
        }

    def table(self) -> str:
        """A line for each operator, for a person to read."""
        lines = [f"{'operator':28}{'calls':>8}{'FLOPs':>18}{'bytes read':>16}{'bytes written':>16}"]
        for name, cost in self.by_op().items():
            lines.append(
                f"{name:28}{self._calls[name]:>8,}{cost.flops:>18,}{cost.bytes_read:>16,}{cost.bytes_written:>16,}"
            )
        return "\n".join(lines)


def account() -> Account:
    """`with curta.account() as books:` counts everything that runs inside."""
    return Account()
