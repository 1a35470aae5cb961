"""The allocator and the figures about memory."""

import ctypes
import sys
import threading
from itertools import pairwise

import pytest

import curta
from curta.device import META
from curta.memory.allocator import ALIGNMENT, HOST, LARGE, HostAllocator, size_class
from curta.memory.storage import allocate, zeros_from_system
from curta.optim.update import new_state


@pytest.mark.parametrize("nbytes", [0, 1, 63, 64, 65, 511, 512, 513, 4096, 5000, 1 << 20, (1 << 21) + 1])
def test_size_classes_and_alignment(nbytes: int) -> None:
    block = size_class(nbytes)
    assert block >= max(nbytes, 1)
    assert nbytes < 513 or block <= nbytes * 9 / 8 + 64
    assert size_class(block) == block
    assert allocate(nbytes).address % ALIGNMENT == 0


def test_a_freed_block_serves_the_next_tensor_of_its_class() -> None:
    first = allocate(3000)
    address = first.address
    del first
    assert allocate(3001).address == address


def test_live_blocks_never_overlap() -> None:
    held = [allocate(nbytes) for nbytes in (100, 100, 1000, 70_000, 70_000, 100)]
    spans = sorted((one.address, one.address + one.nbytes) for one in held)
    assert all(end <= start for (_, end), (start, _) in pairwise(spans))


def test_counts_follow_tensors() -> None:
    before = curta.memory.memory_allocated()
    curta.memory.reset_peak_memory_stats()
    x = curta.zeros(1000)
    view = x.view(10, 100)
    assert curta.memory.memory_allocated() - before == 4000
    y = curta.zeros(500)
    del y
    assert curta.memory.memory_allocated() - before == 4000
    assert curta.memory.max_memory_allocated() - before >= 6000
    del x
    assert curta.memory.memory_allocated() - before == 4000
    del view
    assert curta.memory.memory_allocated() == before


def test_empty_cache_gives_blocks_back() -> None:
    x = curta.zeros(1 << 20)
    del x
    before = curta.memory.stats()
    assert before["cached_bytes"] >= 4 << 20
    curta.memory.empty_cache()
    after = curta.memory.stats()
    assert after["cached_bytes"] == 0
    assert before["reserved_bytes"] - after["reserved_bytes"] == before["cached_bytes"]


def test_unused_blocks_do_not_pile_up(monkeypatch) -> None:
    monkeypatch.setattr("curta.memory.allocator.CACHE_FLOOR", 8 << 20)
    host = HostAllocator()
    for megabytes in range(2, 30):
        host.release(host.allocate(megabytes << 20), megabytes << 20)
        assert host.reserved <= (8 + 2 * 30) << 20
    host.empty_cache()
    assert host.reserved == 0


@pytest.mark.parametrize("nbytes", [LARGE, LARGE + 1, 5_000_001])
def test_zeros_from_the_system(nbytes: int) -> None:
    """Zeros that nobody writes, counted and given back like every block; and none where a used block would serve."""
    curta.memory.empty_cache()
    before, reserved = HOST.current, HOST.reserved
    storage = zeros_from_system(nbytes)
    assert storage is not None
    assert storage.address % LARGE == 0
    assert not any(ctypes.string_at(storage.address, nbytes))
    assert HOST.current == before + nbytes
    ctypes.memset(storage.address, 255, nbytes)
    del storage
    assert HOST.current == before
    assert zeros_from_system(nbytes) is None
    curta.memory.empty_cache()
    assert HOST.reserved == reserved
    assert zeros_from_system(LARGE // 4) is None
    assert zeros_from_system(nbytes, META) is None


def test_optimizer_state_begins_with_zeros() -> None:
    """Also where a block of its size was used before, and for parameters that are not row-major."""
    for layout in ("rows", "columns"):
        used = curta.full((1100, 1000), 3.0)
        parameter = curta.ones(1100, 1000) if layout == "rows" else curta.ones(1000, 1100).T
        del used
        for _ in range(2):
            state = new_state(parameter)
            assert state.shape == parameter.shape
            assert state.abs().max().item() == 0.0
        assert new_state(parameter, 0.5).min().item() == 0.5


def test_threads_get_blocks_of_their_own() -> None:
    before = curta.memory.memory_allocated()
    problems = []

    def work(mark: int) -> None:
        for _ in range(300):
            x = curta.full((64,), float(mark))
            if x.tolist() != [float(mark)] * 64:
                problems.append(mark)

    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        threads = [threading.Thread(target=work, args=(mark,)) for mark in range(3)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    finally:
        sys.setswitchinterval(interval)
    assert not problems
    assert curta.memory.memory_allocated() == before


def test_saved_for_backward_counts_storages_once() -> None:
    x = curta.ones(10, requires_grad=True)
    y = (x * 2).exp()  # exp keeps its result; the product keeps the number and x, a leaf
    assert curta.memory.saved_for_backward(y) == 40
    assert curta.memory.saved_for_backward(y, y * x) == 40


def test_more_than_there_is() -> None:
    before = curta.memory.memory_allocated()
    with pytest.raises(MemoryError, match=r"cannot allocate \d+ bytes: \d+ bytes are in use by tensors"):
        curta.empty(1 << 53)
    assert curta.memory.memory_allocated() == before
