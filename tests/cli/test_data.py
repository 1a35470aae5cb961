"""Text as bytes, its two parts, and windows cut out of them."""

from __future__ import annotations

import sys

import numpy as np
import pytest

from curta.data import Corpus, default_text, fixed_windows, random_windows
from curta.errors import ArgumentError


def test_the_default_text_is_english_prose():
    text = default_text().decode()
    assert text.count(" the ") > 1000
    assert default_text() == default_text()


@pytest.mark.parametrize(("length", "training", "validation"), [(100, 90, 10), (99, 90, 9), (9, 9, 0), (0, 0, 0)])
def test_the_last_tenth_is_for_validation(length, training, validation):
    text = bytes(range(length))
    corpus = Corpus.split(text)
    assert corpus.training.tobytes() + corpus.validation.tobytes() == text
    assert (len(corpus.training), len(corpus.validation)) == (training, validation)


@pytest.mark.parametrize("fraction", [0.0, 1.0, -0.1, float("nan")])
def test_a_fraction_outside_of_0_and_1_is_refused(fraction):
    with pytest.raises(ArgumentError, match="validation_fraction must be between 0 and 1"):
        Corpus.split(b"text", fraction)


def test_windows_reach_both_ends_and_targets_follow_inputs():
    tokens = np.arange(10, dtype=np.uint8)
    inputs, targets = random_windows(tokens, 500, 8, np.random.default_rng(0))
    assert inputs.dtype == targets.dtype == np.int64
    assert inputs.shape == targets.shape == (500, 8)
    assert inputs.flags.c_contiguous
    assert targets.flags.c_contiguous
    assert np.array_equal(targets, inputs + 1)
    assert set(inputs[:, 0]) == {0, 1}  # the only two places where eight bytes and one more fit into ten


def test_a_text_of_exactly_one_window_is_enough_and_one_byte_less_is_not():
    generator = np.random.default_rng(0)
    assert random_windows(np.arange(9, dtype=np.uint8), 1, 8, generator)[1].tolist() == [[1, 2, 3, 4, 5, 6, 7, 8]]
    with pytest.raises(ArgumentError, match="8 tokens are too short for a context of 8"):
        random_windows(np.arange(8, dtype=np.uint8), 1, 8, generator)


def test_fixed_windows_depend_on_the_seed_alone():
    tokens = np.arange(200, dtype=np.uint8)
    first, again, other = (fixed_windows(tokens, 2, 3, 8, seed) for seed in (1, 1, 2))
    assert all(np.array_equal(a[0], b[0]) for a, b in zip(first, again, strict=True))
    assert not np.array_equal(first[0][0], other[0][0])
    assert not np.array_equal(first[0][0], first[1][0])


def test_batches_are_those_of_the_generator_whatever_the_numpy():
    # Worked out from the definition: starts are drawn first, all at once.
    starts = np.random.default_rng(7).integers(0, 92, size=4)
    inputs, _ = random_windows(np.arange(100, dtype=np.uint8), 4, 8, np.random.default_rng(7))
    assert np.array_equal(inputs[:, 0], starts)


def test_a_python_without_its_topics(monkeypatch):
    monkeypatch.setitem(sys.modules, "pydoc_data.topics", None)
    with pytest.raises(ValueError, match="came without its documentation topics"):
        default_text()
