"""Windows of signals, against SciPy's."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import scipy.signal.windows as oracle

import curta
from curta.signal import windows

#: ours by name, their options, and SciPy's arguments
WINDOWS: dict[str, tuple[dict[str, Any], tuple[Any, ...]]] = {
    "bartlett": ({}, ()),
    "blackman": ({}, ()),
    "cosine": ({}, ()),
    "exponential": ({"tau": 2.5}, (None, 2.5)),
    "gaussian": ({"std": 1.5}, (1.5,)),
    "general_cosine": ({"a": [0.4, 0.35, 0.25]}, ([0.4, 0.35, 0.25],)),
    "general_hamming": ({"alpha": 0.6}, (0.6,)),
    "hamming": ({}, ()),
    "hann": ({}, ()),
    "kaiser": ({"beta": 3.0}, (3.0,)),
    "nuttall": ({}, ()),
}


@pytest.mark.parametrize("name", WINDOWS)
@pytest.mark.parametrize("sym", [True, False])
def test_values(name: str, sym: bool) -> None:
    options, arguments = WINDOWS[name]
    for length in (0, 1, 2, 7, 8):
        found = getattr(windows, name)(length, **options, sym=sym, dtype=curta.float64)
        wanted = getattr(oracle, name)(length, *arguments, sym=sym)
        np.testing.assert_allclose(found.numpy(), wanted, rtol=1e-12, atol=1e-15)
    made = getattr(windows, name)(5, **options, sym=sym, device="meta", requires_grad=True)
    assert (made.shape, made.dtype, made.device.type, made.requires_grad) == ((5,), curta.float32, "meta", True)


@pytest.mark.parametrize(
    ("function", "name", "arguments"),
    [
        (curta.hann_window, "hann", ()),
        (curta.blackman_window, "blackman", ()),
        (curta.bartlett_window, "bartlett", ()),
        (curta.hamming_window, "hamming", ()),
        (lambda *given, **options: curta.kaiser_window(*given, beta=4.0, **options), "kaiser", (4.0,)),
    ],
)
def test_older_names_are_periodic(function: Any, name: str, arguments: tuple[Any, ...]) -> None:
    for periodic in (True, False):
        wanted = getattr(oracle, name)(6, *arguments, sym=not periodic)
        np.testing.assert_allclose(function(6, periodic, dtype=curta.float64).numpy(), wanted, rtol=1e-12, atol=1e-15)
        half = function(6, periodic, dtype=curta.float16)
        np.testing.assert_allclose(half.numpy(), wanted, rtol=2e-3, atol=2e-3)
    assert function(6).dtype is curta.float32


def test_hamming_with_weights_of_ones_own() -> None:
    """Recorded from PyTorch 2.13."""
    found = curta.hamming_window(5, True, 0.5, 0.3).numpy()
    np.testing.assert_allclose(found, [0.2, 0.4073, 0.7427, 0.7427, 0.4073], atol=1e-4)


def test_a_center_of_its_own() -> None:
    found = windows.exponential(5, center=1, tau=0.5, sym=False, dtype=curta.float64).numpy()
    np.testing.assert_allclose(found, np.exp(-np.abs(np.arange(5) - 1) * 2), rtol=1e-14)
