"""Several launches put together into one operator: products and fused compositions over parts of its operands."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from curta.compiler import transposing
from curta.compiler.fuse import fuse
from curta.compiler.schedule import Step
from curta.compiler.trace import trace
from curta.memory.layout import Layout

#: where a tensor is: ("input", n), ("output", n) or ("partial", n), and how many bytes further it begins
Place = tuple[Any, ...]
#: a tensor: its layout and where it is
Part = tuple[Layout, Place]


class Launches:
    """Steps in order, and the layouts of the temporaries between them."""

    def __init__(self) -> None:
        self._steps: list[Step] = []
        self._temporaries: list[Layout] = []
        self._between: dict[Any, Place] = {}

    def done(self) -> tuple[list[Step], list[Layout]]:
        """As the plan of a `Generated` lowering gives them."""
        return self._steps, self._temporaries

    def temporary(self, layout: Layout) -> Place:
        """Room for a tensor."""
        self._temporaries.append(layout)
        return "partial", len(self._temporaries) - 1

    def add(self, step: Step, inputs: list[Place], outputs: list[Place]) -> None:
        """Append a step; its inputs and outputs by number are at these places."""
        known = {"input": inputs, "output": outputs}
        self._steps.append(replace(step, sources=[known[kind][number] for kind, number in step.sources]))

    def compute(
        self, body: Callable[..., Any], inputs: list[Part], outputs: list[Part], params: dict[str, Any],
        over: tuple[int, int] | None = None,
    ) -> Place:  # fmt: skip
        """Append the kernels of a composition's `body`; gives the place of its last result.

        `over` are the numbers of an input and of a result that is to lie where that does: elsewhere if it cannot.
        """
        from curta.ops.program import writing_into

        traced = trace(body, tuple(layout for layout, _ in inputs), params)
        kernels = fuse(writing_into(traced, tuple(layout for layout, _ in outputs)))
        built = [transposing.build_steps(kernel) for kernel in kernels]
        places = [place for _, place in outputs]
        if over is not None and not (len(built) == 1 and all(over in step.in_place for step in built[0][0])):
            places[over[1]] = self._room(outputs[over[1]][0], 0)
        values: dict[int, Place] = {}
        for steps, partials in built:
            here = [self._room(layout, 1 + number) for number, layout in enumerate(partials)]
            known = {"input": [place for _, place in inputs], "output": places, "partial": here}
            for step in steps:
                sources = []
                for kind, what in step.sources:
                    if kind == "value" and id(what) not in values:
                        values[id(what)] = self._room(what.layout, -1 - len(values))
                    sources.append(values[id(what)] if kind == "value" else known[kind][what])
                self._steps.append(replace(step, sources=sources))
        return places[-1]

    def _room(self, layout: Layout, number: int) -> Place:
        """A temporary of one composition; the next one may use it again."""
        key = layout, number
        if key not in self._between:
            self._between[key] = self.temporary(layout)
        return self._between[key]
