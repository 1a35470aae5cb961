"""Tables as text: names to the left, figures to the right, a line of totals."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

Column = tuple[str, Callable[[Any], str]]


def text_table(head: str, rows: Mapping[str, Any], whole: Any, columns: list[Column]) -> str:
    """Rows by name, and the total of all of them, in columns that are as wide as they must be.

    >>> print(text_table("letter", {"a": 1, "b": 20}, 21, [("count", str)]))
    letter  count
    a           1
    b          20
    total      21
    """
    lines = [(head, *(title for title, _ in columns))]
    lines += [(name, *(show(row) for _, show in columns)) for name, row in (*rows.items(), ("total", whole))]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    return "\n".join(
        "  ".join([name.ljust(widths[0]), *(text.rjust(width) for text, width in zip(texts, widths[1:], strict=True))])
        for name, *texts in lines
    )
