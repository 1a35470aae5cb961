"""What becomes of sums as soon as they are complete, panel by panel, and what is fetched for it before."""

from __future__ import annotations

from curta.compiler.code import Code, Value
from curta.compiler.matmul.emit import call, null

FIELDS = 5


def reserve_ended(code: Code) -> Value:
    return code.emit(f"alloca [{FIELDS} x i64], align 8", "ptr")


class Ended:
    def __init__(self, code: Code, table: Value) -> None:
        self.code, self.table = code, table

    def _field(self, number: int, type_name: str = "ptr") -> Value:
        return self.code.load(self.code.offset(self.table, 8 * number), type_name, align=8)

    def fetch(self, touched, row: Value, rows: Value, column: Value) -> None:
        with self.code.when(self.table.ne(null(self.code))):
            fetch, slots, meta, first = self._field(1), self._field(2), self._field(3), self._field(4, "i64")
            call(self.code, fetch, [slots, meta, touched, first + row, rows, column])

    def run(self, sums: Value, step: Value, rows: Value, column: Value, columns: Value) -> None:
        with self.code.when(self.table.ne(null(self.code))):
            ending, slots, meta, first = self._field(0), self._field(2), self._field(3), self._field(4, "i64")
            call(self.code, ending, [slots, meta, sums, step, first, rows, column, columns])
