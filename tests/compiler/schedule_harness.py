"""From a function over tensors to its loop programs and plans, without running anything."""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from typing import Any, NamedTuple

from curta.compiler.fuse import fuse
from curta.compiler.loops import LoopProgram
from curta.compiler.schedule import Step, build_steps
from curta.compiler.trace import trace
from curta.memory.layout import Layout
from curta.ops.dispatch import bind
from curta.ops.elementwise import DIV, SUB
from curta.ops.mathematics import EXP
from curta.ops.reduce import AMAX, SUM
from curta.runtime.native import launcher


class Cut(NamedTuple):
    """How a plan's work is cut."""

    units: int
    grain: int
    scratch: int
    inline: bool


def steps(body: Callable[..., Any], *layouts: Layout) -> list[Step]:
    """The launches that compute `body` of tensors with these layouts."""
    launcher()  # the runtime is made before the first plan
    return [step for kernel in fuse(trace(body, layouts, {})) for step in build_steps(kernel)[0]]


def programs(body: Callable[..., Any], *layouts: Layout) -> list[LoopProgram]:
    """The loop programs of those launches."""
    return [step.program for step in steps(body, *layouts) if step.program is not None]


def cuts(body: Callable[..., Any], *layouts: Layout) -> list[Cut]:
    """Units, grain, scratch and inline flag of each launch, as they stand in the plan's eight words."""
    found = []
    for step in steps(body, *layouts):
        words = list((ctypes.c_int64 * 8).from_address(step.plan.address))
        found.append(Cut(words[2], words[3], words[4], bool(words[7] & 1)))
    return found


def softmax(x: Any) -> Any:
    """Over the last dimension of a matrix."""
    e = bind(EXP, (bind(SUB, (x, bind(AMAX, (x,), dims=(1,), keepdim=True))),))
    return bind(DIV, (e, bind(SUM, (e,), dims=(1,), keepdim=True)))
