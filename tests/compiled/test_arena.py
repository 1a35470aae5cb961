"""The arena: buffers that are alive together never overlap, and the whole is as small as the live set asks."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import curta
from curta.compiled import native
from curta.compiled.memory import ALIGNMENT, Lifetime, live_bytes, plan
from curta.errors import CompileError
from curta.memory.allocator import OutOfMemoryError

LIFETIMES = st.lists(
    st.tuples(st.integers(0, 5000), st.integers(0, 30), st.integers(0, 30)).map(
        lambda t: Lifetime(t[0], min(t[1:]), max(t[1:]))
    ),
    max_size=40,
)


@given(LIFETIMES)
def test_what_is_alive_together_lies_apart(lifetimes: list[Lifetime]) -> None:
    arena = plan(lifetimes)
    for n, one in enumerate(lifetimes):
        start, end = arena.offsets[n], arena.offsets[n] + one.nbytes
        assert start % ALIGNMENT == 0
        assert end <= arena.nbytes
        for m, other in enumerate(lifetimes[:n]):
            if one.first <= other.last and other.first <= one.last:
                assert end <= arena.offsets[m] or arena.offsets[m] + other.nbytes <= start or not one.nbytes


@given(LIFETIMES)
def test_the_lower_bound_is_the_fullest_step(lifetimes: list[Lifetime]) -> None:
    rounded = [(-(-one.nbytes // ALIGNMENT) * ALIGNMENT, one) for one in lifetimes]
    fullest = max((sum(n for n, one in rounded if one.first <= step <= one.last) for step in range(31)), default=0)
    assert live_bytes(lifetimes) == fullest
    assert plan(lifetimes).nbytes >= fullest


def test_a_chain_takes_two_buffers() -> None:
    chain = [Lifetime(1000, step, step + 1) for step in range(50)]
    assert plan(chain).nbytes == plan(chain).live_bytes == 2 * 1024


class Training:
    """A compiled step of two products, and what it changes."""

    def __init__(self, dtype: Any = None) -> None:
        self.model = curta.nn.Sequential(curta.nn.Linear(8, 16), curta.nn.Tanh(), curta.nn.Linear(16, 8))
        self.optimizer = curta.optim.AdamW(self.model.parameters(), lr=0.1)
        self.dtype = dtype
        self.step = curta.compile(self._step)
        self.x = curta.randn(32, 8)

    def _step(self, x: Any) -> Any:
        with curta.autocast("cpu", dtype=self.dtype, enabled=self.dtype is not None):
            loss = (self.model(x) * curta.rand(32, 8)).sum()
        loss.backward()
        self.optimizer.step()
        self.optimizer.zero_grad()
        return loss

    def state(self) -> list[Any]:
        moments = [value for kept in self.optimizer.state.values() for value in kept.values()]
        return [*(one.tolist() for one in self.model.parameters()), *map(str, moments), curta.get_rng_state().tolist()]


@pytest.mark.parametrize(
    ("dtype", "advice"),
    [
        (None, "a smaller batch takes less, and so does bfloat16 (curta.autocast)"),
        (curta.bfloat16, "a smaller batch takes less"),
    ],
)
def test_an_arena_that_does_not_fit_is_refused_before_anything_runs(monkeypatch, dtype, advice) -> None:
    training = Training(dtype)
    before = training.state()
    monkeypatch.setattr(native, "available_bytes", lambda: 100)
    monkeypatch.setattr(native.NativeProgram, "run", lambda self: pytest.fail("it runs"))
    with pytest.raises(CompileError) as refusal:
        training.step(training.x)
    assert training.state() == before
    assert training.step.programs == []
    monkeypatch.undo()
    training.step(training.x)
    needed = training.step.program.account().arena_bytes
    assert needed > 100
    assert str(refusal.value) == f"compile: the program needs an arena of {needed:,} bytes, and 100 are free: {advice}"


def test_forward_and_backward_must_fit_together(monkeypatch) -> None:
    turn = curta.randn(20, 20)
    x = curta.randn(20, 20, requires_grad=True)
    function = curta.compile(lambda x: x @ turn @ turn @ turn)
    function(x)
    parts = [part.arena.nbytes for part in function.program.parts().values()]
    assert min(parts) > 0
    again = curta.compile(lambda x: x @ turn @ turn @ turn)
    monkeypatch.setattr(native, "available_bytes", lambda: sum(parts) - 1)
    with pytest.raises(CompileError, match=f"an arena of {sum(parts):,} bytes, and {sum(parts) - 1:,} are free"):
        again(x)
    monkeypatch.setattr(native, "available_bytes", lambda: sum(parts))
    again(x).sum().backward()


def test_freed_blocks_are_given_back_before_an_arena_is_refused(monkeypatch) -> None:
    readings = iter([10, 1 << 30])
    emptied = []
    monkeypatch.setattr(native, "available_bytes", lambda: next(readings))
    monkeypatch.setattr(native.HOST, "empty_cache", lambda: emptied.append(1))
    curta.compile(lambda x: x.exp() @ x)(curta.ones(9, 9))
    assert emptied == [1]


def test_an_arena_that_the_system_does_not_give_is_refused_in_the_same_words(monkeypatch) -> None:
    def refuse(nbytes: int) -> None:
        raise OutOfMemoryError("no more")

    monkeypatch.setattr(native, "available_bytes", lambda: None)  # a system that does not say
    monkeypatch.setattr(native, "allocate", refuse)
    with pytest.raises(CompileError, match=r"needs an arena of 384 bytes, which the system does not give: a smaller b"):
        curta.compile(lambda x: x.exp() @ x)(curta.ones(9, 9))


def test_what_is_really_there_refuses_four_petabytes() -> None:
    with pytest.raises(CompileError, match=r"the program needs an arena of [\d,]+ bytes, and [\d,]+ are free"):
        curta.compile(lambda x: (x.expand(1 << 26, 1 << 26) + 1).sum())(curta.ones(1))
