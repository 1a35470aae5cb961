"""`curta doctor`: the machine, what it can do, what Curta runs on, and what is wrong with that."""

from __future__ import annotations

import json
from typing import Any

from rich.console import Console
from rich.text import Text

from curta.cli.display import mebibytes
from curta.cli.examine import LIBRARIES, examine
from curta.cli.options import DoctorOptions
from curta.cli.problems import bad_input
from curta.costs.units import quantity


def doctor(options: DoctorOptions) -> int:
    """Print what is found out, for a person or as JSON, and return exit code 0, whatever is found.

    Raises `CommandError` for an environment variable of Curta's that is wrong.
    """
    console = Console(stderr=True, highlight=False)
    with console.status("") as status, bad_input():
        found = examine(options.measure, status.update)
    if options.json:
        print(json.dumps(found, indent=2))
        return 0
    output = Console(highlight=False, markup=False)
    for name, text in rows(found):
        style = "yellow" if name == "problem" else "bold"
        output.print(Text.assemble((f"{name:<10}", style), " ", text), soft_wrap=True)
    return 0


def binary(count: int) -> str:
    """`count` bytes in KiB below one MiB, else in MiB or GiB.

    >>> binary(32768), binary(32 << 20)
    ('32 KiB', '32.0 MiB')
    """
    return f"{count >> 10} KiB" if count < 1 << 20 else mebibytes(count)


def rows(found: dict[str, Any]) -> list[tuple[str, str]]:
    """The lines that are printed: a name and what is found of it."""
    versions, cache = found["versions"], found["cache"]
    libraries = ", ".join(f"{name} {versions[name]}" for name in (*LIBRARIES, "llvm"))
    kept = f"{binary(cache['nbytes'])} of at most {binary(cache['limit'])} (CURTA_CACHE_LIMIT)"
    return [
        ("curta", versions["curta"]),
        ("python", f"{versions['python']} on {versions['system']}"),
        ("libraries", libraries),
        *_machine_rows(found["processor"], found["memory"]),
        *((name, _peak_text(peak)) for name, peak in found["peaks"].items()),
        ("bandwidth", f"{quantity(found['bandwidth']['bytes_per_second'], 'B/s')} read and written, "
                      f"{_measured(found['bandwidth'])}"),
        ("products", _products_text(found["products"])),
        ("cache", cache["directory"] or "none"),
        ("cached", kept),
        *(("problem", text) for text in found["problems"] or ()),
        *([] if found["problems"] else [("problems", "none")]),
    ]  # fmt: skip


def _machine_rows(facts: dict[str, Any], memory: dict[str, Any]) -> list[tuple[str, str]]:
    caches = [f"L{one['level']} {one['kind']} {binary(one['nbytes'])}" for one in facts["caches"]]
    total, left = ("unknown" if memory[name] is None else mebibytes(memory[name]) for name in ("total", "available"))
    return [
        ("processor", facts["model"]),
        ("cores", f"{facts['cores']} ({facts['allowed_processors']} processors)"),
        ("threads", str(facts["threads"])),
        ("level", f"{facts['level']}, vectors of {facts['vector_bytes']} bytes; "
                  f"found: {' '.join(facts['instruction_sets'])}"),
        ("clock", f"{facts['clock_hertz'] / 1e9:.2f} GHz, counted"),
        ("caches", ", ".join(caches) or "the system does not say"),
        ("memory", f"{total}, {left} free"),
    ]  # fmt: skip


def _products_text(facts: dict[str, Any]) -> str:
    ways = {
        "0": "Curta's own kernels",
        "1": "by the BLAS, wherever it can",
        "auto": "by whichever was measured to be faster",
    }
    day = f"measured on {facts['measured']}" if facts["measured"] else "not measured here"
    library = facts["library"] or "none that Curta could call"
    return f"{ways[facts['setting']]} (CURTA_BLAS={facts['setting']}); NumPy's BLAS: {library}, {day}"


def _peak_text(peak: dict[str, Any]) -> str:
    limit = peak["theoretical_flops_per_second"]
    if limit is None:
        share = "what the instructions allow is not known"
    else:
        share = f"{100 * peak['share']:.0f}% of the {quantity(limit, 'FLOP/s')} that clock and instructions allow"
    return f"{quantity(peak['flops_per_second'], 'FLOP/s')}, {share}, {_measured(peak)}"


def _measured(rate: dict[str, Any]) -> str:
    return f"measured on {rate['day']}: {rate['of']}"
