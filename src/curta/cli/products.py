"""`curta doctor --products`: Curta's own products of matrices beside the BLAS's, and which are chosen by that."""

from __future__ import annotations

import json
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.text import Text

from curta.cli.options import DoctorOptions
from curta.cli.problems import bad_input
from curta.compiler.matmul import choice
from curta.compiler.matmul.blas import Shape
from curta.compiler.matmul.choice import Table, Timing
from curta.costs.products import ORDERS, ROWS, SIZES, measure_products
from curta.runtime import blas

#: how the operands lie in memory, row after row
_LIE = {"k": "M×K", "row": "K×M"}, {"column": "K×N", "k": "N×K"}


def products(options: DoctorOptions) -> int:
    """Print the table, measured and kept where none is kept or `--measure` asks for it, and return exit code 0.

    Raises `CommandError` where NumPy has no BLAS that Curta can call.
    """
    with bad_input():
        blas.setting()
        blas.usable()
    table = None if options.measure else choice.kept()
    found = _measured() if table is None else table
    is_kept = table is not None or choice.keep(found)
    if options.json:
        print(json.dumps(_plain(found, is_kept), indent=2))
        return 0
    output = Console(highlight=False, markup=False)
    for line in lines(found, is_kept):
        output.print(line, soft_wrap=True)
    return 0


def _measured() -> Table:
    console = Console(stderr=True, highlight=False)
    columns = TextColumn("measuring products"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn()
    with Progress(*columns, console=console, transient=True) as progress:
        task = progress.add_task("products", total=None)
        return measure_products(lambda done, count: progress.update(task, completed=done, total=count))


def lines(table: Table, is_kept: bool) -> list[Text]:
    """What is printed: the time of Curta's own kernel by that of the BLAS, by how the operands lie and by sizes."""
    timings = {one.shape: one for one in table.timings}
    chosen = sum(one.faster for one in table.timings)
    where = "" if is_kept else "; there is no cache to keep it in, so CURTA_BLAS=auto cannot find it"
    found = [
        Text(f"BLAS      {table.library}"),
        Text(f"measured  on {table.day} with {table.threads} threads{where}"),
        Text(
            f"setting   CURTA_BLAS={blas.setting()}; auto calls the BLAS where a ratio has a star: from {choice.MARGIN}"
        ),
        Text(f"chosen    at {chosen} of these {len(table.timings)} products; at others as at the nearest one"),
        Text("A ratio is the time of Curta's own kernel by that of the BLAS, for M×K times K×N."),
    ]
    for dtype in ("float32", "float64"):
        for a_order, b_order in ORDERS:
            rows = [
                (M, K, [timings.get(Shape(dtype, a_order, b_order, M, N, K)) for N in SIZES])
                for M in ROWS
                for K in SIZES
            ]
            found += [Text(), Text(f"{dtype}, A lies as {_LIE[0][a_order]}, B as {_LIE[1][b_order]}", "bold")]
            found.append(Text(f"{'M':>6}{'K':>6}" + "".join(f"{f'N={N}':>9}" for N in SIZES)))
            found += [_row(M, K, cells) for M, K, cells in rows if any(cells)]
    return found


def _row(M: int, K: int, cells: list[Timing | None]) -> Text:
    line = Text(f"{M:>6}{K:>6}")
    for one in cells:
        text = "-" if one is None else f"{one.ratio:.2f}"
        line.append(f"{text:>8}" + ("*" if one is not None and one.faster else " "))
    line.rstrip()
    return line


def _plain(table: Table, is_kept: bool) -> dict[str, Any]:
    return {
        "library": table.library,
        "day": table.day,
        "threads": table.threads,
        "kept": is_kept,
        "margin": choice.MARGIN,
        "products": [
            {**one.shape._asdict(), "curta_seconds": one.own, "blas_seconds": one.blas, "blas": one.faster}
            for one in table.timings
        ],
    }
