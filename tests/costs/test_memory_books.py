"""Who holds the memory: against the allocator's own count, and against sizes worked out by hand."""

import gc
import threading
from typing import Any

import pytest
from tests.costs.models import MODELS, step_of

import curta
from curta import nn
from curta.errors import ArgumentError
from curta.memory.allocator import HOST
from curta.memory.ledger import CATEGORIES, Ledger


@pytest.mark.parametrize("model", MODELS)
def test_the_categories_are_the_allocators_count_at_every_moment(model: str, monkeypatch: pytest.MonkeyPatch) -> None:
    step, data, _ = step_of(model)
    moments = 0

    def check(ledger: Any, *_: Any) -> None:
        nonlocal moments
        moments += 1
        assert ledger.current == sum(ledger.totals.values()) == HOST.current

    note = Ledger._note
    monkeypatch.setattr(Ledger, "_note", lambda ledger, *args: (note(ledger, *args), check(ledger)))
    gc.collect()
    HOST.reset_peak()
    with curta.account(timeline=True) as books:
        checked = [check(books.ledger)]
        for _ in range(2):
            step(*data)
            checked.append(check(books.ledger))
    assert books.memory.peak_bytes == curta.memory.max_memory_allocated()
    assert books.memory.elsewhere_bytes == 0
    assert sum(books.memory.peak_by_category().values()) == books.memory.peak_bytes
    assert sum(one.nbytes for one in books.memory.at_peak()) == books.memory.peak_bytes
    assert sum(books.memory.peak_by_module().values()) == books.memory.peak_bytes
    assert sum(books.memory.by_module().values()) == books.memory.current_bytes
    found = dict.fromkeys(CATEGORIES, 0)
    for one in books.memory.at_peak():
        found[one.category] += one.nbytes
    assert found == books.memory.peak_by_category()
    assert max(change.nbytes for change in books.memory.timeline) == books.memory.peak_bytes
    assert books.memory.timeline[-1].nbytes == books.memory.current_bytes
    assert moments > 50


def test_what_each_is_for_by_hand() -> None:
    gc.collect()
    model = nn.Sequential(nn.Linear(100, 50, bias=False), nn.ReLU(), nn.BatchNorm1d(50))
    optimizer = curta.optim.AdamW(model.parameters(), lr=1e-3)
    x = curta.ones(8, 100)
    weights = 4 * (100 * 50 + 2 * 50)
    with curta.account() as start:
        pass
    others = start.memory.by_category()
    with curta.account() as books:
        y = model(x).sum()
        held = books.memory.by_category()
        y.backward()
        after = books.memory.by_category()
        optimizer.step()
        end = books.memory.by_category()
        optimizer.zero_grad()
    for kind in ("parameters", "buffers", "inputs"):
        assert held[kind] == end[kind] == others[kind]
    # the product (kept by ReLU as its result), what batch normalization keeps: its input and two statistics
    assert held["activations"] - others["activations"] == 4 * (8 * 50 + 2 * 50)
    assert after["activations"] == others["activations"]
    assert after["gradients"] - others["gradients"] == weights
    assert end["optimizer state"] - others["optimizer state"] == 2 * weights
    assert books.memory.by_category()["gradients"] == others["gradients"]
    owners = books.memory.by_module()
    assert owners["0"] == 3 * 4 * 100 * 50
    assert owners["2"] == 3 * 4 * 2 * 50 + 4 * 2 * 50 + 8  # with the running statistics and the number of batches


def test_who_is_found_that_was_there_before() -> None:
    gc.collect()
    with curta.account() as start:
        pass
    others = start.memory.by_category()
    model = nn.Linear(10, 10, bias=False)
    optimizer = curta.optim.AdamW(model.parameters(), lr=1e-3)
    model(curta.ones(1, 10)).sum().backward()
    optimizer.step()
    pending = (curta.ones(7, requires_grad=True) * 2).exp()
    compiled = curta.compile(lambda x: (x.exp() @ x).exp())
    made = compiled(curta.ones(8, 8))
    del made
    arena = compiled.program.account().arena_bytes
    gc.collect()
    with curta.account() as books:
        pass
    found = {kind: nbytes - others[kind] for kind, nbytes in books.memory.by_category().items()}
    assert found == {
        "parameters": 400 + 28, "buffers": 0, "gradients": 400, "optimizer state": 800, "inputs": 0,
        "activations": 28, "temporaries": 0, "arenas": arena,
    }  # fmt: skip
    assert pending.grad_fn is not None


def test_an_activation_that_is_let_go_is_none_any_more() -> None:
    x = curta.ones(100, requires_grad=True)
    with curta.account() as books:
        before = books.memory.by_category()["activations"]
        y = (x * 2).exp()
        assert books.memory.by_category()["activations"] == before + 400
        z = y.detach()
        del y
        gc.collect()
        assert books.memory.by_category()["activations"] == before
        assert books.memory.by_category()["temporaries"] >= z.nbytes


def test_a_user_function_keeps_activations_too() -> None:
    class Square(curta.autograd.Function):
        @staticmethod
        def forward(ctx: Any, x: Any) -> Any:
            made = x * x
            ctx.save_for_backward(made)
            return made + 1

        @staticmethod
        def backward(ctx: Any, g: Any) -> Any:
            return g * ctx.saved_tensors[0]

    x = curta.ones(100, requires_grad=True)
    with curta.account() as books:
        before = books.memory.by_category()["activations"]
        y = Square.apply(x)
        assert books.memory.by_category()["activations"] == before + 400
        y.sum().backward()
        assert books.memory.by_category()["activations"] == before


def test_the_peak_is_as_it_was_then() -> None:
    with curta.account() as books:
        start = books.memory.current_bytes
        x = curta.ones(1000)
        y = x + 1
        assert books.memory.peak_bytes == start + 8000
        del x
        z = nn.Parameter(y)
    assert books.memory.by_category()["parameters"] >= z.nbytes
    added = [one for one in books.memory.at_peak() if one.operator is not None]
    assert [(one.nbytes, one.category, one.operator) for one in added] == [
        (4000, "temporaries", "full"),
        (4000, "temporaries", "add"),
    ]
    assert books.memory.peak_by_category()["temporaries"] >= 8000


def test_memory_of_other_threads_is_elsewhere() -> None:
    made = []
    with curta.account() as books:
        thread = threading.Thread(target=lambda: made.append(curta.ones(1000)))
        thread.start()
        thread.join()
        assert books.memory.elsewhere_bytes == 4000
    assert len(made) == 1


def test_data_from_outside_are_inputs() -> None:
    with curta.account() as books:
        before = books.memory.by_category()["inputs"]
        x = curta.tensor([1.0, 2.0])
        assert books.memory.by_category()["inputs"] == before + x.nbytes


def test_nested_accounts_see_the_same() -> None:
    with curta.account() as outer:
        first = curta.ones(1000)
        with curta.account() as inner:
            second = curta.ones(500)
            assert inner.memory.current_bytes == outer.memory.current_bytes == HOST.current
        del second
        assert outer.memory.current_bytes == HOST.current
    assert inner.memory.current_bytes == outer.memory.current_bytes + 2000
    assert first is not None


def test_what_was_not_asked_for() -> None:
    with curta.account(memory=False) as books:
        curta.ones(3)
    with pytest.raises(ArgumentError, match="account: memory was not looked at: open it without memory=False"):
        _ = books.memory
    with curta.account() as books:
        curta.ones(3)
    with pytest.raises(ArgumentError, match="account: the changes of memory were not kept: open it with timeline=True"):
        _ = books.memory.timeline


def test_the_table_and_the_dictionary() -> None:
    with curta.account() as books:
        x = curta.ones(1000)
    found = books.memory.to_dict()
    assert found["peak_bytes"] == books.memory.peak_bytes >= x.nbytes
    lines = books.memory.table().splitlines()
    assert lines[0].split() == ["memory", "bytes", "at", "the", "peak"]
    assert lines[-1].split()[1] == f"{books.memory.current_bytes:,}"
    assert repr(books.memory).startswith("<Memory: ")


def test_an_account_that_is_opened_again() -> None:
    with curta.account() as books:
        x = curta.ones(1000)
    del x
    y = curta.ones(10)
    with books:
        y + 1
        assert books.memory.current_bytes == HOST.current
    assert books.by_op()["full"].bytes_written == 4000
    assert books.by_op()["add"].flops == 10


def test_the_timeline_says_how_many_operators_had_begun_and_when_a_phase_began() -> None:
    weight = curta.ones(10, requires_grad=True)
    optimizer = curta.optim.AdamW([weight], lr=1e-3)
    for _ in range(2):
        with curta.account(timeline=True) as books:
            (weight * 2).sum().backward()
            optimizer.step()  # the second time it makes nothing, and has its place all the same
            weight.grad = None
    changes = books.memory.timeline
    assert changes[0].begun == 0
    assert changes[-1].begun == books.calls
    begun = [change.begun for change in changes]
    assert begun == sorted(begun)
    phases = list(dict.fromkeys(change.phase for change in changes))
    assert phases == ["", "forward", "backward", "optimizer"]
    first = next(change for change in changes if change.phase == "optimizer")
    assert (first.operator, first.begun) == ("adam_update", books.calls)
    assert first.totals == changes[changes.index(first) - 1].totals


def test_the_timeline_of_an_account_that_is_opened_again_is_of_the_last_time() -> None:
    with curta.account(timeline=True) as books:
        x = curta.ones(1000)
    del x
    with books:
        y = curta.ones(10)
    assert [change.begun for change in books.memory.timeline] == [0, 1, 1]
    assert books.memory.timeline[-1].nbytes == books.memory.current_bytes >= y.nbytes
