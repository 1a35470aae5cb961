"""Waves: nothing in a wave writes what another launch of it touches, in the program or in the arena."""

from __future__ import annotations

from itertools import combinations, pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import curta
from curta import nn, optim
from curta.compiled.arrange import arrange
from curta.compiled.graph import Buffer, Ref
from curta.compiled.waves import Use, apart, uses_of, waves
from curta.memory.layout import strided
from curta.models.gpt import GPT, GPTConfig
from curta.nn import functional as F

BUFFERS = [Buffer("internal", 4000, number) for number in range(4)]
#: views of the same few matrices: rows, columns, blocks of heads, transposed
VIEWS = st.builds(
    lambda buffer, shape, strides, offset: Ref(
        buffer, strided(tuple(shape), tuple(strides[: len(shape)]), curta.float32), offset
    ),
    st.sampled_from(BUFFERS),
    st.lists(st.integers(0, 4), min_size=1, max_size=3),
    st.permutations([1, 2, 3, 4, 8, 12, 24]),
    st.integers(0, 30),
)
USES = st.builds(Use, st.lists(VIEWS, max_size=2), st.lists(VIEWS, min_size=1, max_size=2))


def elements(ref: Ref) -> set[int]:
    """The places of a view's elements in its buffer, one by one."""
    shape, strides = ref.layout.shape, ref.layout.strides
    return {ref.offset + sum(i * s for i, s in zip(index, strides, strict=True)) for index in np.ndindex(*shape)}


def independent(one: Use, other: Use) -> bool:
    def clash(some: list[Ref], others: list[Ref]) -> bool:
        return any(a.buffer is b.buffer and elements(a) & elements(b) for a in some for b in others)

    return not (clash(one.reads, other.writes) or clash(one.writes, other.reads) or clash(one.writes, other.writes))


@settings(max_examples=300, deadline=None)
@given(VIEWS, VIEWS)
def test_views_that_are_apart_share_no_element(one: Ref, other: Ref) -> None:
    if apart(one, other):
        assert not elements(one) & elements(other)


def test_heads_of_one_matrix_are_apart() -> None:
    buffer = Buffer("internal", 16 * 128 * 384 * 4)
    layout = strided((16, 4, 128, 32), (128 * 384, 32, 384, 1), curta.float32)
    thirds = [Ref(buffer, layout, offset) for offset in (0, 128, 256)]
    assert all(apart(one, other) for one, other in combinations(thirds, 2))
    assert not apart(thirds[0], Ref(buffer, layout, 127))
    assert not apart(thirds[0], thirds[0])


@settings(max_examples=200, deadline=None)
@given(st.lists(USES, max_size=12))
def test_launches_of_a_wave_are_independent(uses: list[Use]) -> None:
    uses = [Use(*([ref for ref in refs if ref.layout.numel] for refs in use)) for use in uses]
    found = waves(uses, lambda buffer: (id(buffer), 0))
    assert [number for wave in found for number in wave] == list(range(len(uses)))
    for wave in found:
        for one, other in combinations(wave, 2):
            assert independent(uses[one], uses[other])


def test_a_limit_on_waves_is_kept() -> None:
    refs = [Ref(Buffer("internal", 4), strided((1,), (1,), curta.float32)) for _ in range(7)]
    uses = [Use([], [ref]) for ref in refs]
    assert waves(uses, lambda buffer: (id(buffer), 0)) == [range(7)]
    found = waves(uses, lambda buffer: (id(buffer), 0), lambda first, last: last - first < 3)
    assert found == [range(3), range(3, 6), range(6, 7)]


def test_what_shares_bytes_of_the_arena_is_not_in_one_wave() -> None:
    one, other = (Ref(Buffer("internal", 4), strided((1,), (1,), curta.float32)) for _ in range(2))
    uses = [Use([], [one]), Use([], [other])]
    assert waves(uses, lambda buffer: (0, 64)) == [range(1), range(1, 2)]
    assert waves(uses, lambda buffer: (0, 64 if buffer is one.buffer else 128)) == [range(2)]


def check_arrangement(program: Any) -> None:
    """By bytes, from the addresses that the launches of a program are given in its arena."""
    graph = program.native.graph
    arranged = arrange(graph)
    offsets = {id(one.buffer): one.offset for one in arranged.inside}
    uses = uses_of(graph.nodes, arranged.temporaries)
    for wave in arranged.waves:
        touched: dict[Any, tuple[int, bool]] = {}
        for number in wave:
            for refs, is_write in ((uses[number].reads, False), (uses[number].writes, True)):
                for ref in refs:
                    base, home = offsets.get(id(ref.buffer)), id(ref.buffer)
                    places = np.fromiter(elements(ref), np.int64) * ref.layout.dtype.itemsize
                    for place in places:
                        key = (0, base + place) if base is not None else (home, place)
                        who, written = touched.get(key, (number, False))
                        assert who == number or not (written or is_write)
                        touched[key] = (number, written or is_write)


def training_step(model: Any, optimizer: Any, loss_of: Any) -> Any:
    def step(*inputs: Any) -> Any:
        loss = loss_of(model, *inputs)
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()
        return loss

    return step


def small_gpt() -> Any:
    curta.manual_seed(0)
    model = GPT(GPTConfig(16, 8, 2, 2, 4))
    optimizer = optim.AdamW(model.parameters(), lr=1e-2)
    return training_step(
        model, optimizer, lambda model, x, y: F.cross_entropy(model(x).view(-1, 16), y.view(-1))
    ), model  # fmt: skip


def test_a_training_step_is_few_waves_and_its_updates_are_one() -> None:
    step, model = small_gpt()
    compiled = curta.compile(step)
    x = curta.tensor(np.arange(8).reshape(2, 4) % 16)
    compiled(x, x)
    account = compiled.program.account()
    assert account.waves < 0.6 * account.launches
    check_arrangement(compiled.program)
    arranged = arrange(compiled.program.native.graph)
    nodes = compiled.program.native.graph.nodes
    of_node = [place for place, node in enumerate(nodes) for _ in node.call.launches]
    updates = [number for number, place in enumerate(of_node) if "adam_update" in nodes[place].call.op.name]
    assert len(updates) == len(list(model.parameters()))
    fullest = max(sum(number in wave for number in updates) for wave in arranged.waves)
    assert fullest > len(updates) // 2


@pytest.mark.parametrize("count", [1, 2, 3])
def test_training_is_the_same_on_any_number_of_threads(count: int) -> None:
    before = curta.get_num_threads()
    x = curta.tensor(np.arange(8).reshape(2, 4) % 16)
    step, model = small_gpt()
    expected = [step(x, x).item() for _ in range(4)]
    weights = [p.tolist() for p in model.parameters()]
    try:
        curta.set_num_threads(count)
        step, model = small_gpt()
        compiled = curta.compile(step)
        assert [compiled(x, x).item() for _ in range(4)] == expected
        assert [p.tolist() for p in model.parameters()] == weights
    finally:
        curta.set_num_threads(before)


def test_independent_products_are_one_wave() -> None:
    matrices = [curta.randn(20, 20) for _ in range(6)]
    compiled = curta.compile(lambda x: [x @ one for one in matrices])
    compiled(curta.randn(20, 20))
    account = compiled.program.account()
    assert (account.launches, account.waves) == (6, 1)


def test_a_chain_has_no_waves_of_several() -> None:
    def function(x: Any) -> Any:
        for _ in range(5):
            x = x @ x
        return x

    compiled = curta.compile(function)
    compiled(curta.randn(20, 20))
    account = compiled.program.account()
    assert (account.launches, account.waves) == (5, 5)


def test_parts_of_one_result_are_written_side_by_side() -> None:
    compiled = curta.compile(lambda a, b, c: curta.cat([a, b, c], 1))
    inputs = [curta.randn(20, 20) for _ in range(3)]
    assert compiled(*inputs).tolist() == curta.cat(inputs, 1).tolist()
    account = compiled.program.account()
    assert (account.launches, account.waves) == (3, 1)


def test_a_profile_still_goes_operator_by_operator() -> None:
    matrices = [curta.randn(64, 64) for _ in range(4)]
    compiled = curta.compile(lambda x: [(x @ one).exp() for one in matrices])
    x = curta.randn(64, 64)
    compiled(x)
    timings = compiled.profile(x).timings
    assert [timing.node for timing in timings] == list(compiled.program.graph.nodes)
    for one, other in pairwise(timings):
        assert one.spans[0].stop <= other.spans[0].start
        assert all(one.spans[0].start <= span.start and span.stop <= one.spans[0].stop for span in one.spans)


def test_programs_without_launches() -> None:
    compiled = curta.compile(lambda x: x.T)
    assert compiled(curta.ones(2, 3)).shape == (3, 2)
    assert compiled.program.account().waves == compiled.program.account().launches == 0
    assert curta.compile(nn.Linear(3, 3))(curta.ones(0, 3)).shape == (0, 3)
