"""Parts: functions that many kernels call, each compiled once, in a module of its own."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from curta.compiler.matmul.emit import Module
from curta.compiler.matmul.spec import REVISION, Spec
from curta.runtime import jit


def part(
    kind: str, words: Sequence[str], spec: Spec, add: Callable[[Module, Spec, str], None], *,
    requires: tuple[jit.Code, ...] = (), passes: bool = False,
) -> jit.Code:  # fmt: skip
    """The function that `add(module, spec, name)` writes, of which `words` say all that it takes from `spec`.

    But for the processor's level and vectors, which every part depends on. It may call what it `requires`.
    """
    name = "_".join((kind, *words, spec.level, str(spec.vector_bytes), f"r{REVISION}"))

    def write() -> str:
        module = Module(spec.vector_bytes)
        add(module, spec, name)
        return module.text()

    return jit.Code(name, write, name, passes, requires)
