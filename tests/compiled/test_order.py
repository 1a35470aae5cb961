"""The order that takes the least memory: dependencies are kept, and the fullest step is no fuller than before."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

import curta
from curta import nn, optim
from curta.compiled.graph import Buffer, Node, ProgramGraph, Ref
from curta.compiled.order import least_memory
from curta.memory.layout import contiguous
from curta.nn import functional as F

CALL: Any = SimpleNamespace(temporaries=[], in_place=set(), op=SimpleNamespace(name="some"))


def node(reads: list[Buffer], writes: list[Buffer]) -> Node:
    def refs(buffers: list[Buffer]) -> tuple[Ref, ...]:
        return tuple(Ref(one, contiguous((one.nbytes,), curta.uint8)) for one in buffers)

    return Node(CALL, refs(reads), refs(writes), {}, "", "")


def peak(nodes: tuple[Node, ...]) -> int:
    """The bytes of the fullest step, in cache lines, by looking at every step."""
    uses: dict[Buffer, list[int]] = {}
    for step, one in enumerate(nodes):
        for ref in (*one.reads(), *one.results):
            uses.setdefault(ref.buffer, []).append(step)
    sizes = [
        sum(-(-b.nbytes // 64) * 64 for b, steps in uses.items() if b.kind == "internal" and steps[0] <= s <= steps[-1])
        for s in range(len(nodes))
    ]
    return max(sizes, default=0)


def must_wait(later: Node, earlier: Node) -> bool:
    def touches(refs: Any, others: Any) -> bool:
        return bool({ref.buffer for ref in refs} & {ref.buffer for ref in others})

    return (
        touches(later.reads(), earlier.results)
        or touches(later.results, earlier.reads())
        or touches(later.results, earlier.results)
    )


PROGRAMS = st.lists(
    st.tuples(st.lists(st.integers(0, 30), max_size=3), st.lists(st.integers(0, 30), min_size=1, max_size=2)),
    max_size=30,
)


@settings(max_examples=300, deadline=None)
@given(PROGRAMS, st.lists(st.integers(0, 500), min_size=31, max_size=31))
def test_whatever_the_program(program: list[tuple[list[int], list[int]]], sizes: list[int]) -> None:
    buffers = [Buffer("internal" if n % 4 else "external", size) for n, size in enumerate(sizes)]
    written: set[int] = {0, 4, 8}
    nodes = []
    for reads, writes in program:
        nodes.append(node([buffers[n] for n in reads if n in written], [buffers[n] for n in writes]))
        written.update(writes)
    graph = ProgramGraph(tuple(nodes))
    found = least_memory(graph).nodes
    assert sorted(map(id, found)) == sorted(map(id, nodes))
    place = {id(one): number for number, one in enumerate(found)}
    for number, later in enumerate(nodes):
        for earlier in nodes[:number]:
            if must_wait(later, earlier):
                assert place[id(earlier)] < place[id(later)]
    assert peak(found) <= peak(graph.nodes)
    assert least_memory(graph).nodes == found
    if peak(found) == peak(graph.nodes):
        assert found == graph.nodes  # nothing is moved for nothing


def test_an_update_runs_before_the_next_gradient_is_made():
    weights = [Buffer("external", 1000) for _ in range(3)]
    gradients = [Buffer("internal", 1000) for _ in range(3)]
    makes = [node([], [gradient]) for gradient in gradients]
    updates = [node([w, g], [w]) for w, g in zip(weights, gradients, strict=True)]
    found = least_memory(ProgramGraph((*makes, *updates))).nodes
    assert peak((*makes, *updates)) == 3 * 1024
    assert peak(found) == 1024
    assert found == (makes[0], updates[0], makes[1], updates[1], makes[2], updates[2])


def test_results_that_are_made_early_and_read_late_are_made_late():
    matrices = [curta.randn(64, 64) for _ in range(5)]

    def function(x: Any) -> Any:
        products = [x @ one for one in matrices]
        return [product.sum(-1) for product in products]

    compiled = curta.compile(function)
    x = curta.randn(64, 64)
    for one, other in zip(compiled(x), function(x), strict=True):
        assert one.tolist() == other.tolist()
    assert compiled.program.account().live_bytes == 64 * 64 * 4


def test_a_training_step_never_has_a_gradient_of_a_weight_in_memory():
    def trained(compiled: bool) -> tuple[Any, Any]:
        curta.manual_seed(0)
        model = nn.Sequential(*[part for _ in range(4) for part in (nn.Linear(256, 256), nn.ReLU())])
        optimizer = optim.AdamW(model.parameters(), lr=1e-2)
        x = curta.tensor(np.random.default_rng(1).standard_normal((4, 256), dtype=np.float32))

        def step() -> Any:
            loss = F.mse_loss(model(x), x)
            loss.backward()
            optimizer.step()
            optimizer.zero_grad()
            return loss

        run = curta.compile(step) if compiled else step
        losses = [run().item() for _ in range(3)]
        return losses, run.program.account() if compiled else None

    losses, account = trained(True)
    assert losses == trained(False)[0]
    one_gradient = 256 * 256 * 4
    assert account.live_bytes < one_gradient / 8
    assert account.arena_bytes <= 1.1 * account.live_bytes
