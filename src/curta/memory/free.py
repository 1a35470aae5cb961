"""How much memory the system can still give: what the machine has left, and what this process's groups are allowed."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

#: where Linux shows what it knows of processes and of control groups
PROC, GROUPS = Path("/proc"), Path("/sys/fs/cgroup")
#: for each version of control groups the folder of memory, the limit, the use, and what of the use can be given up
_VERSIONS = {
    2: ("", "memory.max", "memory.current", "inactive_file"),
    1: ("memory", "memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file"),
}


def available_bytes() -> int | None:
    """The bytes that the system can still give this process; None where it does not say.

    >>> available_bytes() is None or available_bytes() > 0
    True
    """
    found = [_number(line) * 1024 for line in _lines(PROC / "meminfo") if line.startswith("MemAvailable:")]
    return min((*found, *_left_in_groups()), default=None)


def _left_in_groups() -> Iterator[int]:
    """What is left of the limit of each control group that this process is in, and of those around it."""
    for line in _lines(PROC / "self/cgroup"):
        _, controllers, path = line.split(":", 2)
        if controllers and "memory" not in controllers.split(","):
            continue
        folder, limit, use, unneeded = _VERSIONS[1 if controllers else 2]
        group = GROUPS / folder / path.strip("/")
        for place in (group, *group.parents):
            yield from _left(place, limit, use, unneeded)
            if place == GROUPS:
                break


def _left(group: Path, limit: str, use: str, unneeded: str) -> Iterator[int]:
    """What is left in one group, if it has a limit; files that were only read once make room when it is needed."""
    allowed, used = _lines(group / limit), _lines(group / use)
    if allowed and used and allowed[0] != "max":
        kept = [_number(line) for line in _lines(group / "memory.stat") if line.startswith(f"{unneeded} ")]
        yield max(0, int(allowed[0]) - int(used[0]) + sum(kept))


def _number(line: str) -> int:
    return int(line.split()[1])


def _lines(path: Path) -> list[str]:
    try:
        return path.read_text(encoding="ascii").splitlines()
    except OSError:  # another system, or another way of mounting
        return []
