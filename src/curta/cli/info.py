"""`curta info`: what Curta runs on."""

from __future__ import annotations

import platform


def describe() -> list[tuple[str, str]]:
    """The rows that `curta info` prints: a name and its value.

    >>> [name for name, _ in describe()]
    ['curta', 'python', 'processor', 'threads', 'cache', 'cached']
    """
    import curta
    from curta.runtime import cpu, disk

    return [
        ("curta", curta.__version__),
        ("python", f"{platform.python_version()} on {platform.system()} {platform.machine()}"),
        ("processor", cpu.level()),
        ("threads", str(curta.get_num_threads())),
        ("cache", str(disk.cache_directory() or "none: no directory can be written")),
        ("cached", f"{disk.cache_bytes():,} of at most {disk.cache_limit():,} bytes (CURTA_CACHE_LIMIT)"),
    ]


def info() -> int:
    """Print the rows of `describe`; returns exit code 0."""
    for name, value in describe():
        print(f"{name:<10} {value}")
    return 0
