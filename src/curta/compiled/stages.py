"""The stages of a program after its graph, as text: each different kernel once, under the operators that launch it."""

from __future__ import annotations

from collections.abc import Callable

from curta.compiled.graph import ProgramGraph
from curta.compiler.schedule import KernelText
from curta.runtime import jit


def kernels(graph: ProgramGraph) -> list[tuple[KernelText, dict[str, int]]]:
    """Every different kernel in the order of first launch, and how often each operator launches it."""
    found: dict[str, tuple[KernelText, dict[str, int]]] = {}
    for node in graph.nodes:
        for text in node.call.texts:
            _, users = found.setdefault(text.loops, (text, {}))
            users[node.call.op.name] = users.get(node.call.op.name, 0) + 1
    return list(found.values())


def loops(graph: ProgramGraph) -> str:
    """The loop programs: slots, stages, and one line a value; what is written by hand is named."""
    return _listed(graph, "#", lambda text: text.loops)


def llvm(graph: ProgramGraph) -> str:
    """LLVM's text, as it is handed to LLVM, and that of the functions that several kernels call."""
    return _listed(graph, ";", _write) + _shared(graph, ";", _write)


def asm(graph: ProgramGraph) -> str:
    """The processor's instructions, those of the functions that several kernels call too."""
    return _listed(graph, "#", _assemble) + _shared(graph, "#", _assemble)


def _write(text: KernelText | jit.Code) -> str:
    return text.write()


def _assemble(text: KernelText | jit.Code) -> str:
    return jit.assembly(text.write(), passes=text.passes)


def _listed(graph: ProgramGraph, mark: str, show: Callable[[KernelText], str]) -> str:
    all_of_them = kernels(graph)
    parts = []
    for number, (text, users) in enumerate(all_of_them, 1):
        named = ", ".join(name if count == 1 else f"{name} ({count} times)" for name, count in users.items())
        parts.append(f"{mark} kernel {number} of {len(all_of_them)}: {named}\n{show(text).strip()}\n")
    return "\n".join(parts)


def _shared(graph: ProgramGraph, mark: str, show: Callable[[jit.Code], str]) -> str:
    """What the kernels require of other modules."""
    required = jit.with_required(code for text, _ in kernels(graph) for code in text.requires)
    return "".join(f"\n{mark} called by kernels: {code.name}\n{show(code).strip()}\n" for code in required.values())
