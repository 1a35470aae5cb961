"""Tables as HTML, for notebooks."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape


def _row(cells: Sequence[str], texts: int, tag: str) -> str:
    sides = ["left" if place < texts else "right" for place in range(len(cells))]
    return "<tr>" + "".join(
        f'<{tag} style="text-align: {side}">{escape(cell)}</{tag}>' for cell, side in zip(cells, sides, strict=True)
    ) + "</tr>"  # fmt: skip


def table(caption: str, head: Sequence[str], rows: Iterable[Sequence[str]], total: Sequence[str], texts: int) -> str:
    """Rows of text as an HTML table, everything in them escaped; the first `texts` columns to the left, figures right.

    >>> print(table("a < b", ["name", "count"], [["x", "1"]], ["total", "1"], 1))
    <table>
    <caption>a &lt; b</caption>
    <thead>
    <tr><th style="text-align: left">name</th><th style="text-align: right">count</th></tr>
    </thead>
    <tbody>
    <tr><td style="text-align: left">x</td><td style="text-align: right">1</td></tr>
    </tbody>
    <tfoot>
    <tr><th style="text-align: left">total</th><th style="text-align: right">1</th></tr>
    </tfoot>
    </table>
    """
    lines = [_row(row, texts, "td") for row in rows]
    parts = [
        "<table>", f"<caption>{escape(caption)}</caption>", "<thead>", _row(head, texts, "th"), "</thead>", "<tbody>",
        *lines, "</tbody>", "<tfoot>", _row(total, texts, "th"), "</tfoot>", "</table>",
    ]  # fmt: skip
    return "\n".join(parts)
