"""What is refused, in which words: windows of signals."""

from __future__ import annotations

from refusal import Refusal

from curta.errors import ArgumentError, ArgumentTypeError, DTypeError, ShapeError, UnsupportedError

REFUSALS = (
    Refusal(
        lambda c: c.hann_window(-1),
        ShapeError,
        "hann_window requires non-negative window_length, got window_length=-1",
    ),
    Refusal(
        lambda c: c.kaiser_window(2.0),
        ArgumentTypeError,
        "kaiser_window(): argument 'window_length' (position 1) must be int, not float",
    ),
    Refusal(
        lambda c: c.hamming_window(2, dtype=c.int64),
        DTypeError,
        "hamming_window expects floating point dtypes, got: int64",
        only_curta=True,  # PyTorch prints its TensorOptions
    ),
    Refusal(
        lambda c: c.blackman_window(2, layout="sparse"),
        UnsupportedError,
        "blackman_window(): layout=sparse is not supported: only strided tensors",
        only_curta=True,
    ),
    Refusal(
        lambda c: c.signal.windows.bartlett(3, layout="sparse"),
        ArgumentError,
        "bartlett is implemented for strided tensors only, got: sparse",
        only_curta=True,
    ),
    Refusal(
        lambda c: c.signal.windows.hann(-1),
        ArgumentError,
        "general_cosine requires non-negative window length, got M=-1",
    ),
    Refusal(
        lambda c: c.signal.windows.bartlett(3, dtype=c.float16),
        ArgumentError,
        "bartlett expects float32 or float64 dtypes, got: curta.float16",
        only_curta=True,  # PyTorch's says torch.float16
    ),
    Refusal(lambda c: c.signal.windows.general_cosine(3, a=[]), ArgumentError, "Coefficients cannot be empty"),
    Refusal(
        lambda c: c.signal.windows.general_cosine(3, a=0.5),
        ArgumentTypeError,
        "general_cosine: the coefficients must be a list or tuple, got float",
        only_curta=True,
    ),
    Refusal(
        lambda c: c.signal.windows.exponential(3, tau=0),
        ArgumentError,
        "Tau must be positive, got: 0 instead.",
    ),
    Refusal(
        lambda c: c.signal.windows.exponential(3, center=1),
        ArgumentError,
        "Center must be None for symmetric windows",
    ),
    Refusal(
        lambda c: c.signal.windows.gaussian(3, std=-1),
        ArgumentError,
        "Standard deviation must be positive, got: -1 instead.",
    ),
    Refusal(
        lambda c: c.signal.windows.kaiser(3, beta=-1), ArgumentError, "beta must be non-negative, got: -1 instead."
    ),
)
