"""Tables as text and for notebooks: names to the left, figures to the right, a line of totals."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from curta import markup

Column = tuple[str, Callable[[Any], str]]


def _lines(head: str, rows: Mapping[str, Any], whole: Any, columns: list[Column]) -> list[tuple[str, ...]]:
    lines = [(head, *(title for title, _ in columns))]
    return lines + [(name, *(show(row) for _, show in columns)) for name, row in (*rows.items(), ("total", whole))]


def text_table(head: str, rows: Mapping[str, Any], whole: Any, columns: list[Column]) -> str:
    """Rows by name, and the total of all of them, in columns that are as wide as they must be.

    >>> print(text_table("letter", {"a": 1, "b": 20}, 21, [("count", str)]))
    letter  count
    a           1
    b          20
    total      21
    """
    lines = _lines(head, rows, whole, columns)
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    return "\n".join(
        "  ".join([name.ljust(widths[0]), *(text.rjust(width) for text, width in zip(texts, widths[1:], strict=True))])
        for name, *texts in lines
    )


def html_table(caption: str, head: str, rows: Mapping[str, Any], whole: Any, columns: list[Column]) -> str:
    """What `text_table` says, as HTML.

    >>> html_table("letters", "letter", {"<": 1}, 1, [("count", str)]).splitlines()[6]
    '<tr><td style="text-align: left">&lt;</td><td style="text-align: right">1</td></tr>'
    """
    first, *middle, last = _lines(head, rows, whole, columns)
    return markup.table(caption, first, middle, last, 1)
