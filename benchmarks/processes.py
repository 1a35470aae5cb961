"""Measurements in processes of their own, and what they were made on."""

from __future__ import annotations

import json
import os
import platform
import subprocess
import sys
from collections.abc import Mapping
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from benchmarks.workloads import THREADS


def run_module(name: str, *arguments: str, environment: Mapping[str, str] | None = None) -> dict[str, Any]:
    """What a module prints last, as JSON, in a fresh process. Raises RuntimeError with what it printed."""
    threads = {"OMP_NUM_THREADS": str(THREADS), "CURTA_NUM_THREADS": str(THREADS)}
    done = subprocess.run(
        [sys.executable, "-m", name, *arguments], capture_output=True, text=True, check=False,
        env={**os.environ, **threads, **(environment or {})}, cwd=Path(__file__).resolve().parent.parent,
    )  # fmt: skip
    if done.returncode:
        raise RuntimeError(done.stderr.strip().splitlines()[-1] if done.stderr.strip() else "no message")
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def machine() -> dict[str, Any]:
    """What the figures were measured on."""
    processor = platform.processor() or platform.machine()
    information = Path("/proc/cpuinfo")
    if information.exists():
        for line in information.read_text().splitlines():
            if line.startswith("model name"):
                processor = line.partition(":")[2].strip()
                break
    versions = {}
    for package in ("torch", "curta", "numpy", "llvmlite"):
        try:
            versions[package] = version(package)
        except PackageNotFoundError:
            versions[package] = "from source"
    return {
        "processor": processor,
        "cores": os.cpu_count(),
        "threads": THREADS,
        "system": platform.system(),
        "python": platform.python_version(),
        "versions": versions,
        "time": datetime.now(UTC).isoformat(timespec="seconds"),
    }


def measured_on(about: dict[str, Any]) -> str:
    """A line that says what `machine` found."""
    versions = ", ".join(f"{name} {number}" for name, number in about["versions"].items())
    return (
        f"{about['processor']}, {about['cores']} cores, {about['threads']} threads each; {about['system']}, Python "
        f"{about['python']}; {versions}; {about['time']}."
    )
