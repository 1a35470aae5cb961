"""A recorded function whose results gradients flow back from: one program forward, one backward."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from curta.autograd.api import grad
from curta.autograd.function import Function
from curta.autograd.modes import no_grad
from curta.autograd.node import Accumulate
from curta.autograd.state import STATE, phase
from curta.compiled import passes
from curta.compiled.graph import Buffer, Node, ProgramGraph, Ref
from curta.compiled.native import NativeProgram
from curta.compiled.profile import Profile, Timing
from curta.compiled.program import Program, ProgramAccount
from curta.compiled.recorder import Recorder
from curta.dtypes import uint8
from curta.errors import UnsupportedError
from curta.memory.layout import contiguous
from curta.memory.storage import Storage, TracedStorage
from curta.ops.creation import ones_of
from curta.tensor import Tensor


class Backward:
    """The backward pass as it was recorded behind a function: what came in, and the gradient of every leaf."""

    def __init__(self, recorder: Recorder, results: list[Tensor]) -> None:
        self.forward_nodes = tuple(recorder.nodes)
        #: which results gradients come back to
        self.places = [place for place, one in enumerate(results) if has_history(one)]
        self.leaves = [
            node.tensor for node in _nodes_behind([results[place] for place in self.places])
            if isinstance(node, Accumulate)
        ]  # fmt: skip
        self.given = [_gradient_like(recorder, results[place]) for place in self.places]
        with phase("backward"):
            found = grad([results[place] for place in self.places], self.leaves, self.given, allow_unused=True)
        self.gradients = [None if one is None else recorder.ref(one) for one in found]
        self.nodes = tuple(recorder.nodes[len(self.forward_nodes) :])


def has_history(result: Tensor) -> bool:
    """Whether gradients can still flow back from a recorded result: nothing behind it was freed by a backward pass."""
    if not isinstance(result.storage, TracedStorage) or result.grad_fn is None:
        return False
    return not any(node.freed for node in _nodes_behind([result]) if not isinstance(node, Accumulate))


def _nodes_behind(results: list[Tensor]) -> list[Any]:
    found: dict[int, Any] = {}
    stack: list[Any] = [result.grad_fn for result in results]
    while stack:
        node = stack.pop()
        if id(node) not in found:
            found[id(node)] = node
            stack += [edge[0] for edge in node.edges if edge is not None]
    return list(found.values())


def _gradient_like(recorder: Recorder, result: Tensor) -> Tensor:
    layout = contiguous(result.layout.shape, result.layout.dtype)
    return Tensor._make(recorder.storage(recorder.buffer("argument", layout.nbytes)), layout, 0)


class DifferentiableProgram(Program):
    """A function whose results have a history: a node of the dynamic graph whose backward is a program too."""

    def __init__(
        self, recorder: Recorder, arguments: list[Tensor], results: list[Tensor], rebuild: Callable[..., Any],
        backward: Backward,
    ) -> None:  # fmt: skip
        places = {id(placeholder): place for place, placeholder in enumerate(arguments)}
        #: the leaves that gradients go to: an argument by its position
        self._leaves: list[Any] = [places.get(id(leaf), leaf) for leaf in backward.leaves]
        self._live_places = backward.places
        self._given = [recorder.ref(one).buffer for one in backward.given]
        outputs = {id(ref.buffer): ref.buffer for ref in backward.gradients if ref is not None}
        kept = {id(ref.buffer) for node in backward.forward_nodes for ref in node.results}
        nodes = passes.drop_dead(ProgramGraph(backward.nodes, tuple(outputs.values()))).nodes
        read = {id(ref.buffer): ref.buffer for node in nodes for ref in node.reads()} | outputs
        #: what the forward pass leaves for the backward pass, and its name there
        saved = [buffer for buffer in read.values() if buffer.kind == "internal" and id(buffer) in kept]
        self._saved = [(there, Buffer("argument", there.nbytes, there.number)) for there in saved]
        renamed = {id(there): here for there, here in self._saved}
        self._gradients = [None if ref is None else _renamed(ref, renamed) for ref in backward.gradients]
        for ref in self._gradients:
            if ref is not None and ref.buffer.kind == "internal":
                ref.buffer.kind = "output"
        ends = {id(ref.buffer): ref.buffer for ref in self._gradients if ref and ref.buffer.kind == "output"}
        super().__init__(recorder, arguments, results, rebuild, backward.forward_nodes, saved, backward.places)
        self.backward = NativeProgram(tuple(_renamed_node(node, renamed) for node in nodes), tuple(ends.values()))
        used = {id(buffer) for buffer in self.backward.graph.buffers()}
        self._read_places = [place for place, buffer in enumerate(self._arguments) if id(buffer) in used]
        self._read_outside = [one for one in recorder.externals.values() if id(one[2]) in used]
        for _, storage, buffer in self._read_outside:
            self.backward.table.point(buffer, storage.address)

    def account(self) -> ProgramAccount:
        """What the forward and the backward program do and take together."""
        forward, native = super().account(), self.backward
        return replace(
            forward,
            cost=forward.cost + native.cost,
            unfused_cost=forward.unfused_cost + native.unfused_cost,
            launches=forward.launches + native.table.launches,
            waves=forward.waves + native.table.waves,
            arena_bytes=forward.arena_bytes + native.arena.nbytes,
            live_bytes=forward.live_bytes + native.arena.live_bytes,
            output_bytes=forward.output_bytes + sum(buffer.nbytes for buffer in native.outputs),
        )

    def parts(self) -> dict[str, NativeProgram]:
        """The forward and the backward program."""
        return {"forward": self.native, "backward": self.backward}

    def profile_parts(self, arguments: list[Tensor]) -> list[Profile]:
        """Run forward, then backward with ones for the gradients of the results; nobody's `grad` is added to."""
        timings: tuple[list[Timing], list[Timing]] = [], []
        self.native.watching, self.backward.watching = timings
        try:
            results, storages, values = self.execute(arguments)
            kept = [arguments[place] for place in self._read_places]
            saved = [_bytes_of(storages[id(there)]) for there, _ in self._saved]
            live = [results[place].layout for place in self._live_places]
            ones = [ones_of(contiguous(layout.shape, layout.dtype)) for layout in live]
            self.run_backward(kept, saved, values, ones)
        finally:
            self.native.watching = self.backward.watching = None
        return [Profile(tuple(each)) for each in timings]

    def run(self, arguments: list[Tensor]) -> Any:
        """Run the forward program; the results are connected to the leaves."""
        inputs = [arguments[leaf] if isinstance(leaf, int) else leaf for leaf in self._leaves]
        return self._rebuild(list(_Call.apply(self, arguments, *inputs)))

    def run_backward(
        self, arguments: Sequence[Tensor], saved: Sequence[Tensor], values: dict[int, Any], gradients: list[Tensor]
    ) -> list[Tensor | None]:
        """The gradients of the leaves, from those of the results; `arguments` are those that backward reads."""
        native, table = self.backward, self.backward.table
        with self._lock:
            for place, argument in zip(self._read_places, arguments, strict=True):
                table.point(self._arguments[place], argument.pointer)
            for (_, here), kept in zip(self._saved, saved, strict=True):
                table.point(here, kept.pointer)
            given = [gradient.contiguous() for gradient in gradients]
            for buffer, gradient in zip(self._given, given, strict=True):
                table.point(buffer, gradient.pointer)
            for feed in self._recorder.feeds:
                for number in feed.numbers:
                    table.put(number, values[id(number)])
            made = native.run()
        homes = {id(buffer): (one.storage, one.offset) for buffer, one in zip(self._given, given, strict=True)}
        homes |= {id(here): (kept.storage, 0) for (_, here), kept in zip(self._saved, saved, strict=True)}
        homes |= {key: (storage, 0) for key, storage in made.items()}
        found: list[Tensor | None] = []
        for ref in self._gradients:
            if ref is None:
                found.append(None)
                continue
            storage, offset = homes[id(ref.buffer)]
            found.append(Tensor._make(storage, ref.layout, offset + ref.offset))
        return found


class _Call(Function):
    """One run of a differentiable program."""

    @staticmethod
    def forward(ctx: Any, program: DifferentiableProgram, arguments: list[Tensor], *inputs: Tensor) -> Any:
        results, storages, values = program.execute(arguments)
        ctx.program, ctx.values = program, values
        saved = [_bytes_of(storages[id(there)]) for there, _ in program._saved]
        outside = [tensor for tensor, _, _ in program._read_outside]
        # all of it by save_for_backward: it notices what is changed since, and is let go of after the backward pass
        ctx.save_for_backward(*[arguments[place] for place in program._read_places], *saved, *outside)
        live = set(program._live_places)
        ctx.mark_non_differentiable(*[one for place, one in enumerate(results) if place not in live])
        return tuple(results)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> Any:
        program: DifferentiableProgram = ctx.program
        kept, first, count = ctx.saved_tensors, len(program._read_places), len(program._saved)
        wanted = [gradients[place] for place in program._live_places]
        with no_grad():
            found = program.run_backward(kept[:first], kept[first : first + count], ctx.values, wanted)
        sources = [one for one in (*kept, *wanted) if one.requires_grad] if STATE.grad_enabled else []
        if sources:  # what is made has a history that no program has
            found = [None if one is None else _Once.apply(one, *sources) for one in found]
        return None, None, *found


class _Once(Function):
    """A gradient that a program made: as it is, but it cannot be differentiated again."""

    @staticmethod
    def forward(ctx: Any, gradient: Tensor, *sources: Tensor) -> Tensor:
        return gradient.detach()

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> Any:
        raise UnsupportedError(
            "compile: a compiled function's gradient cannot be differentiated again: compile the function that takes "
            "the second one"
        )


def _bytes_of(storage: Storage) -> Tensor:
    return Tensor._make(storage, contiguous((storage.nbytes,), uint8), 0)


def _renamed(ref: Ref, names: dict[int, Buffer]) -> Ref:
    buffer = names.get(id(ref.buffer))
    return ref if buffer is None else replace(ref, buffer=buffer)


def _renamed_node(node: Node, names: dict[int, Buffer]) -> Node:
    operands = tuple(_renamed(operand, names) if isinstance(operand, Ref) else operand for operand in node.operands)
    return replace(node, operands=operands, results=tuple(_renamed(ref, names) for ref in node.results))
