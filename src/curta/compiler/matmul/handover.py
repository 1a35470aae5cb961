"""What complete sums are handed over to, a panel of columns at a time, while they are in the first cache."""

from __future__ import annotations

import enum

from curta.compiler.code import Code, Value
from curta.compiler.matmul.emit import address_of, call, null, parameter
from curta.compiler.matmul.finish import ENDING, FETCH, LINE_BYTES, fetch_slots, finish_panel
from curta.compiler.matmul.spec import K_BLOCK, Spec
from curta.runtime import jit


class Field(enum.IntEnum):
    """Index of each word of the table by which a kernel says where its sums go."""

    #: the address of the function that they go through, and of the one that finds what it will read, or null
    FINISH = 0
    FETCH = 1
    #: the slots of the tile's corner, and the kernel's run-time numbers
    SLOTS = 2
    META = 3
    #: the row in the tile with which the block begins that is being made
    ROW = 4
    #: C's address at the tile's corner, which stands for slots where no ending has any
    C = 5


def handover_parts(spec: Spec) -> tuple[jit.Code, ...]:
    """What a kernel requires for the sums it makes: nothing where they are made in C, and no ending follows."""
    if spec.ending is not None:
        return finish_panel(spec), fetch_slots(spec)
    return (finish_panel(spec),) if spec.staged else ()


def reserve_handover(code: Code, spec: Spec) -> Value:
    """The table for a kernel of `spec`, but for its slots; null where the sums stay as they are."""
    if not handover_parts(spec):
        return null(code)
    table = code.emit(f"alloca [{len(Field)} x i64], align 8", "ptr")
    words = {
        Field.FINISH: address_of(code, finish_panel(spec), ENDING),
        Field.FETCH: null(code) if spec.ending is None else address_of(code, fetch_slots(spec), FETCH),
        Field.META: parameter(code, "meta", "ptr"),
    }
    for field, word in words.items():
        code.store(word, code.offset(table, int(field), "i64"), align=8)
    return table


def place_handover(code: Code, table: Value, c: Value, slots: Value | None) -> None:
    """Say which tile a kernel makes: C at its corner, or the slots of its ending there."""
    if table.ref != null(code).ref:
        own = code.offset(table, int(Field.C), "i64")
        code.store(c, own, align=8)
        code.store(own if slots is None else slots, code.offset(table, int(Field.SLOTS), "i64"), align=8)


class Handover:
    """In the function that makes the panels of a block: what its parameter, such a table or null, asks for."""

    def __init__(self, code: Code, table: Value) -> None:
        self._code, self._table = code, table
        #: what the micro-kernels fetch, a line with every turn: at first all of them the same
        self.fetched = code.emit(f"alloca [{K_BLOCK} x i64], align 64", "ptr")
        nothing = code.spread(self.fetched.convert("ptrtoint", "i64"), LINE_BYTES // 8)
        with code.loop(0, K_BLOCK, nothing.lanes) as turn:
            code.store(nothing, code.offset(self.fetched, turn.index, "i64"))

    def fetch(self, row: Value, rows: Value, column: Value) -> None:
        """Find what will be read for the rows from `row` on of a micro-kernel that is about to begin."""
        with self._code.when(self._table.ne(null(self._code))):
            fetch, slots, meta, first = self._words(Field.FETCH)
            with self._code.when(fetch.ne(null(self._code))):
                call(self._code, fetch, [slots, meta, first + row, rows, column, self.fetched])

    def finish(self, sums: Value, sums_step: Value, rows: Value, column: Value, columns: Value) -> None:
        """Hand over a panel of the block."""
        with self._code.when(self._table.ne(null(self._code))):
            finish, slots, meta, first = self._words(Field.FINISH)
            call(self._code, finish, [slots, meta, sums, sums_step, first, rows, column, columns])

    def _words(self, function: Field) -> list[Value]:
        fields = function, Field.SLOTS, Field.META, Field.ROW
        return [
            self._code.load(self._code.offset(self._table, int(field), "i64"), kind, align=8)
            for field, kind in zip(fields, ("ptr", "ptr", "ptr", "i64"), strict=True)
        ]
