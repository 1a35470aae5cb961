"""Byte-level text for training: where it comes from, its two splits, and seeded windows cut out of it.

Everything here is NumPy on the host, so that a training run elsewhere can be given exactly the same batches.
"""

from __future__ import annotations

import importlib
import os
import zlib
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from curta.errors import ArgumentError

Tokens = npt.NDArray[np.uint8]
Batch = tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]


def default_text() -> bytes:
    """The English text of CPython's own documentation topics (about 0.5 MB, UTF-8), which comes with every Python.

    Raises `ArgumentError` on a Python that was built without them.

    >>> len(default_text()) > 100_000
    True
    """
    try:
        topics: dict[str, str] = importlib.import_module("pydoc_data.topics").topics
    except (ImportError, AttributeError):
        raise ArgumentError(
            "this Python came without its documentation topics (pydoc_data.topics); name a text file to train on"
        ) from None
    # In the order of the names' checksums: shuffled, so that the end of the text (the validation part) is not the end
    # of the alphabet, where most of the tables are, and the same whatever order a Python release lists them in.
    names = sorted(topics, key=lambda name: (zlib.crc32(name.encode()), name))
    return "\n".join(topics[name] for name in names).encode()


def read_bytes(path: str | os.PathLike[str]) -> bytes:
    """The bytes of the file `path`.

    Raises `ArgumentError`, saying why, if it is missing, a directory, unreadable or empty.

    >>> read_bytes("no such file")
    Traceback (most recent call last):
    curta.errors.ArgumentError: no such file: there is no such file
    """
    name = os.fspath(path)
    try:
        with open(path, "rb") as file:
            content = file.read()
    except FileNotFoundError:
        raise ArgumentError(f"{name}: there is no such file") from None
    except IsADirectoryError:
        raise ArgumentError(f"{name}: is a directory, not a file") from None
    except (OSError, ValueError) as error:
        reason = (getattr(error, "strerror", None) or str(error)).lower()
        raise ArgumentError(f"{name}: cannot be read ({reason})") from None
    if not content:
        raise ArgumentError(f"{name}: the file is empty")
    return content


@dataclass(frozen=True)
class Corpus:
    """A text cut once into a training part and a validation part, each a one-dimensional uint8 array.

    >>> corpus = Corpus.split(bytes(range(100)), validation_fraction=0.1)
    >>> len(corpus.training), len(corpus.validation), int(corpus.validation[0])
    (90, 10, 90)
    """

    training: Tokens
    validation: Tokens

    @classmethod
    def split(cls, text: bytes, validation_fraction: float = 0.1) -> Corpus:
        """Cut `text`: the last `validation_fraction` of its bytes are for validation.

        Raises `ArgumentError` if the fraction is not between 0 and 1.
        """
        if not 0.0 < validation_fraction < 1.0:
            raise ArgumentError(f"validation_fraction must be between 0 and 1, got {validation_fraction}")
        tokens = np.frombuffer(text, dtype=np.uint8)
        cut = len(tokens) - int(len(tokens) * validation_fraction)
        return cls(tokens[:cut], tokens[cut:])

    def require_context(self, context: int, name: str = "the text") -> None:
        """Raise `ArgumentError` unless both parts hold a window of `context` bytes and the byte that follows it.

        >>> Corpus.split(b"too short").require_context(128, "notes.txt")
        Traceback (most recent call last):
        curta.errors.ArgumentError: notes.txt: 9 bytes are too short for a context of 128: its validation part
        has 0 and needs 129
        """
        total = len(self.training) + len(self.validation)
        for part, tokens in (("validation", self.validation), ("training", self.training)):
            if len(tokens) < context + 1:
                raise ArgumentError(
                    f"{name}: {total} bytes are too short for a context of {context}: "
                    f"its {part} part has {len(tokens)} and needs {context + 1}"
                )


def random_windows(tokens: Tokens, batch: int, context: int, generator: np.random.Generator) -> Batch:
    """Cut `batch` windows at random places: inputs and, one byte later, targets; each int64 [batch, context].

    Raises `ArgumentError` if `tokens` is shorter than one window and the byte after it.

    >>> inputs, targets = random_windows(np.arange(50, dtype=np.uint8), 2, 4, np.random.default_rng(0))
    >>> inputs.shape, bool((targets == inputs + 1).all())
    ((2, 4), True)
    """
    if len(tokens) < context + 1:
        raise ArgumentError(f"random_windows: {len(tokens)} tokens are too short for a context of {context}")
    starts = generator.integers(0, len(tokens) - context, size=batch)
    windows: npt.NDArray[Any] = tokens[starts[:, None] + np.arange(context + 1)].astype(np.int64)  # [B, T + 1]
    return np.ascontiguousarray(windows[:, :-1]), np.ascontiguousarray(windows[:, 1:])


def fixed_windows(tokens: Tokens, batches: int, batch: int, context: int, seed: int) -> list[Batch]:
    """The same `batches` random batches for the same seed, to measure a loss always on the same windows.

    >>> a, b = (fixed_windows(np.arange(99, dtype=np.uint8), 3, 2, 8, seed=7) for _ in range(2))
    >>> len(a), all((x[0] == y[0]).all() for x, y in zip(a, b))
    (3, True)
    """
    generator = np.random.default_rng(seed)
    return [random_windows(tokens, batch, context, generator) for _ in range(batches)]
