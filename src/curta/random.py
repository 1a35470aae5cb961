"""Random numbers from a counter (Philox4x32-10): a seed gives one stream, whatever the number of threads."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

from curta.autograd.state import STATE
from curta.device import CPU, META, Device


class Generator:
    """A stream of random numbers: a seed, and how many values were taken.

    >>> g = Generator().manual_seed(7)
    >>> g.initial_seed(), g.offset
    (7, 0)
    """

    def __init__(self, device: object = "cpu") -> None:
        from curta.device import resolve

        self.device = resolve(device)  # type: ignore[arg-type]
        self._seed = 67280421310721  # PyTorch's default seed
        self.offset = 0

    def manual_seed(self, seed: int) -> Generator:
        """Start again from `seed` (any 64-bit integer; negative ones count from the top)."""
        from curta.errors import ArgumentError

        seed = int(seed)
        if not -(1 << 63) <= seed < 1 << 64:
            raise ArgumentError(f"Overflow when unpacking long: {seed}")
        self._seed = seed & ((1 << 64) - 1)
        self.offset = 0
        return self

    def initial_seed(self) -> int:
        """The seed that the stream started from."""
        return self._seed

    def seed(self) -> int:
        """Start again from a seed that the system chooses; gives it."""
        self.manual_seed(int.from_bytes(os.urandom(8), "little"))
        return self._seed

    def take(self, count: int, device: Device = CPU) -> tuple[int, int, int]:
        """Reserve `count` counter blocks of four 32-bit numbers; the key's two halves and the first block's number.

        The meta device draws nothing: there the stream stays where it is.
        """
        if device is META:
            return 0, 0, 0
        if STATE.saver is None:
            return self._reserve(count)
        found: tuple[int, int, int] = STATE.saver.numbers(lambda: self._reserve(count))
        return found

    def _reserve(self, count: int) -> tuple[int, int, int]:
        if STATE.recorder is not None:
            before = self.offset
            STATE.recorder.undo.append(lambda: setattr(self, "offset", before))
            found: tuple[int, int, int] = STATE.recorder.numbers_from(lambda: self._advance(count))
            return found
        return self._advance(count)

    def _advance(self, count: int) -> tuple[int, int, int]:
        first = self.offset
        self.offset += count
        return self._seed & 0xFFFFFFFF, self._seed >> 32, first

    def get_state(self) -> object:
        """The state as a tensor: seed and offset."""
        import curta

        low = self._seed - (1 << 64) if self._seed >> 63 else self._seed
        return curta.tensor([low, self.offset], dtype=curta.int64, device="cpu")

    def set_state(self, new_state: object) -> Generator:
        """Go on from what `get_state` gave."""
        seed, offset = new_state.tolist()  # type: ignore[attr-defined]
        self._seed, self.offset = seed & ((1 << 64) - 1), offset
        return self


default_generator = Generator()


@contextmanager
def fork_rng(devices: object = None, enabled: bool = True, device_type: str | None = None) -> Iterator[None]:
    """Inside, numbers are drawn that leave no trace: the default generator goes on afterwards where it was.

    With `enabled` off nothing happens. Only the CPU has a generator: `devices` and `device_type` change nothing.

    >>> import curta
    >>> _ = manual_seed(1)
    >>> with fork_rng():
    ...     first = curta.rand(1)
    >>> curta.rand(1).equal(first)
    True
    """
    if STATE.recorder is not None:
        from curta.errors import UnsupportedError

        raise UnsupportedError("fork_rng() is not supported in functions that are compiled or planned: put it around")
    before = default_generator._seed, default_generator.offset
    try:
        yield
    finally:
        if enabled:
            default_generator._seed, default_generator.offset = before


def manual_seed(seed: int) -> Generator:
    """Seed the default generator.

    >>> manual_seed(0).initial_seed()
    0
    """
    return default_generator.manual_seed(seed)


def seed() -> int:
    """Seed the default generator from the system."""
    return default_generator.seed()


def initial_seed() -> int:
    """The default generator's seed."""
    return default_generator.initial_seed()


def get_rng_state() -> object:
    """The default generator's state."""
    return default_generator.get_state()


def set_rng_state(new_state: object) -> None:
    """Set the default generator's state."""
    default_generator.set_state(new_state)
