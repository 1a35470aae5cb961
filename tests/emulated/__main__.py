"""Runs tests in a guest whose processor has AVX-512 and AMX: `python -m tests.emulated [--level amx] [for pytest]`.

Without arguments for pytest it runs `tests/emulated/test_levels.py`.
"""

from __future__ import annotations

import argparse
import shlex
import sys
from pathlib import Path

from tests.emulated.boot import run
from tests.emulated.build import WORK


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.emulated", description=__doc__)
    parser.add_argument("--level", default="amx", help="CURTA_CPU in the guest: amx (default), avx512, avx2, portable")
    parser.add_argument("--threads", default="1", help="CURTA_NUM_THREADS in the guest (default 1)")
    parser.add_argument("--shell", action="store_true", help="run a shell's command in place of pytest")
    options, words = parser.parse_known_args()
    python = Path(sys.executable).resolve()
    command = " ".join(words)
    if not options.shell:
        chosen = shlex.join(words or ["tests/emulated/test_levels.py"])
        command = f"{python} -u -m pytest -p no:cacheprovider --color=no -v {chosen}"
    settings = f"export CURTA_CPU={options.level} CURTA_NUM_THREADS={options.threads} PYTHON={python}"
    return run(f"{settings}\n{command}", WORK / f"run-{options.level}")


if __name__ == "__main__":
    raise SystemExit(main())
