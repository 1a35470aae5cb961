"""Messages between processes, and the ways in which they cannot be sent."""

from __future__ import annotations

import os
import resource
from collections.abc import Iterator

import numpy as np
import pytest

import curta
from curta.errors import DataError, UnsupportedError
from curta.memory.allocator import OutOfMemoryError
from curta.utils.data import DataLoader, channel
from curta.utils.data.channel import Block, Channel, pack


@pytest.fixture
def ends() -> Iterator[tuple[Channel, Channel]]:
    one, other = (Channel(end) for end in Channel.pair())
    yield one, other
    one.close()
    other.close()


def test_small_messages_need_no_file(ends: tuple[Channel, Channel]) -> None:
    assert pack([1, "two"]).descriptor == -1
    ends[0].send([1, "two"])
    ends[0].send(None)
    assert ends[1].ready(1)
    assert ends[1].receive() == [1, "two"]
    assert ends[1].receive() is None
    assert not ends[1].ready(0)


@pytest.mark.parametrize("size", [0, 1, 63, 64, 65, 5000])
def test_arrays_of_any_size(ends: tuple[Channel, Channel], size: int) -> None:
    arrays = [np.arange(size, dtype=np.uint8), np.arange(3), np.arange(size, dtype=np.uint8)]
    ends[0].send(arrays)
    for got, sent in zip(ends[1].receive(), arrays, strict=True):
        assert got.tolist() == sent.tolist()


def test_files_are_written_in_pieces(ends: tuple[Channel, Channel], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(channel, "_PIECE", 7)
    ends[0].send(curta.arange(100))
    assert ends[1].receive().tolist() == list(range(100))


def test_the_other_end_is_gone(ends: tuple[Channel, Channel]) -> None:
    ends[1].send(5)
    ends[0].close()
    with pytest.raises(EOFError):
        ends[1].receive()
    with pytest.raises(EOFError):
        ends[1].send(curta.ones(3))


def test_what_cannot_be_packed_leaves_nothing(ends: tuple[Channel, Channel], monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*arguments: object) -> int:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "pwrite", full)
    with pytest.raises(OSError, match="No space left"):
        ends[0].send(curta.ones(3))


def test_no_descriptor_left_to_receive_with(ends: tuple[Channel, Channel]) -> None:
    ends[0].send(curta.ones(3))
    limits = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (3, limits[1]))
    try:
        with pytest.raises(DataError) as caught:
            ends[1].receive()
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, limits)
    assert str(caught.value) == "too many open files: a batch's memory could not be received; see `ulimit -n`"


def test_what_cannot_be_mapped() -> None:
    with pytest.raises(OutOfMemoryError) as caught:
        Block(-1, 4096)
    assert str(caught.value) == "cannot map a batch of 4096 bytes: Bad file descriptor"


def test_systems_without_unnamed_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(os, "memfd_create")
    with pytest.raises(UnsupportedError) as caught:
        iter(DataLoader(range(3), num_workers=1))
    assert str(caught.value) == "DataLoader: workers need Linux's memfd_create: use num_workers=0"
