"""What the processor can do."""

from __future__ import annotations

from curta.runtime import cpu

_NAMES = {"portable": "DEFAULT", "avx2": "AVX2"}


def get_cpu_capability() -> str:
    """PyTorch's word for the instructions that kernels are compiled for: DEFAULT, AVX2 or AVX512.

    >>> get_cpu_capability() in ("DEFAULT", "AVX2", "AVX512")
    True
    """
    return _NAMES.get(cpu.level(), "AVX512")
