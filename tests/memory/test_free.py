"""How much memory is free: the least of what the machine has left and what control groups allow."""

from __future__ import annotations

from pathlib import Path

import pytest

from curta.memory import free

MEMINFO = "MemTotal:       16000 kB\nMemFree:         1000 kB\nMemAvailable:    9000 kB\n"


@pytest.fixture
def system(monkeypatch, tmp_path):
    """Writes the files that Linux would show, and reads them."""
    monkeypatch.setattr(free, "PROC", tmp_path / "proc")
    monkeypatch.setattr(free, "GROUPS", tmp_path / "groups")

    def reading(files: dict[str, str]) -> int | None:
        for name, text in files.items():
            path: Path = tmp_path / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        return free.available_bytes()

    return reading


def test_the_machine_alone(system):
    assert system({"proc/meminfo": MEMINFO}) == 9000 * 1024


def test_a_system_that_does_not_say(system):
    assert system({}) is None
    assert system({"proc/meminfo": "MemTotal:       16000 kB\n"}) is None


def test_the_limit_of_a_group(system):
    files = {
        "proc/meminfo": MEMINFO,
        "proc/self/cgroup": "0::/outer/inner\n",
        "groups/outer/inner/memory.max": "5000000\n",
        "groups/outer/inner/memory.current": "3000000\n",
    }
    assert system(files) == 2_000_000
    files["groups/outer/inner/memory.stat"] = "anon 2000000\ninactive_file 500000\nactive_file 70000\n"
    assert system(files) == 2_500_000
    files["groups/outer/memory.max"] = "4000000\n"  # the group around it has less
    files["groups/outer/memory.current"] = "3900000\n"
    assert system(files) == 100_000
    files["groups/outer/memory.current"] = "4100000\n"
    assert system(files) == 0


def test_groups_without_a_limit(system):
    files = {
        "proc/meminfo": MEMINFO,
        "proc/self/cgroup": "0::/\n",
        "groups/memory.max": "max\n",
        "groups/memory.current": "3000000\n",
    }
    assert system(files) == 9000 * 1024


def test_groups_of_the_first_version(system):
    """In a container the path is that of the machine around it; its own limit is at the root that it sees."""
    files = {
        "proc/meminfo": MEMINFO,
        "proc/self/cgroup": "9:name=systemd:/\n8:pids:/\n4:hugetlb,memory:/docker/abc:d\n0::/\n",
        "groups/memory/memory.limit_in_bytes": "6000000\n",
        "groups/memory/memory.usage_in_bytes": "5000000\n",
        "groups/memory/memory.stat": "inactive_file 9\ntotal_inactive_file 20000\n",
    }
    assert system(files) == 1_020_000
    files["groups/memory/memory.limit_in_bytes"] = f"{(1 << 63) - 4096}\n"  # how it says that there is none
    assert system(files) == 9000 * 1024
