"""Curta's products beside those of the BLAS that NumPy brings: the one it could call without a new dependency.

Fresh processes of each take turns, over the shapes of `benchmarks.products`; a row is the median of the processes'
medians. Written beside this file as BLAS.md.

    python -m benchmarks.blas
    python -m benchmarks.blas --rounds 1 --repeats 5
"""

from __future__ import annotations

import argparse
import statistics
from pathlib import Path

from benchmarks.processes import machine, measured_on, run_module

HERE = Path(__file__).resolve().parent
CASE = "products"


def measured(rounds: int, repeats: int) -> dict[str, dict[str, float]]:
    """The seconds of each product, by framework."""
    samples: dict[str, dict[str, list[float]]] = {}
    for _ in range(rounds):
        for name in ("numpy", "curta"):
            for variant, figures in run_module("benchmarks.workloads", name, CASE, "--repeats", str(repeats)).items():
                samples.setdefault(variant, {}).setdefault(name, []).append(figures["seconds"])
    return {
        variant: {name: statistics.median(seconds) for name, seconds in found.items()}
        for variant, found in samples.items()
    }


def as_markdown(found: dict[str, dict[str, float]], command: str) -> str:
    """The results as a page."""
    lines = [
        "# Products beside NumPy's BLAS", "", measured_on(machine()), "",
        f"Made by `{command}`: fresh processes taking turns; the median of their medians. Float32. A ratio above 1: "
        "Curta is faster.", "",
        "| product | NumPy | Curta | NumPy / Curta |", "|---|---:|---:|---:|",
    ]  # fmt: skip
    for variant, seconds in found.items():
        ratio = seconds["numpy"] / seconds["curta"]
        lines.append(f"| {variant} | {1e3 * seconds['numpy']:.3f} ms | {1e3 * seconds['curta']:.3f} ms | {ratio:.2f} |")
    return "\n".join(lines) + "\n"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3, help="processes of each")
    parser.add_argument("--repeats", type=int, default=15, help="timed runs in each process")
    parser.add_argument("--output", type=Path, default=HERE, help="the folder for BLAS.md")
    arguments = parser.parse_args()
    command = f"python -m benchmarks.blas --rounds {arguments.rounds} --repeats {arguments.repeats}"
    page = as_markdown(measured(arguments.rounds, arguments.repeats), command)
    print(page)
    arguments.output.mkdir(parents=True, exist_ok=True)
    (arguments.output / "BLAS.md").write_text(page)


if __name__ == "__main__":
    main()
