"""The arena: buffers that are alive together never overlap, and the whole is as small as the live set asks."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from curta.compiled.memory import ALIGNMENT, Lifetime, live_bytes, plan

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
