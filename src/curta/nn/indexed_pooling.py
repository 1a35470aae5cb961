"""Pooling that always gives the elements' numbers as well, for `curta.nn.functional`."""

from __future__ import annotations

from typing import Any

from curta.nn.adaptive_pooling import Sizes, adaptive_max_pool1d, adaptive_max_pool2d, adaptive_max_pool3d
from curta.nn.fractional_pooling import Ratio, fractional_max_pool2d, fractional_max_pool3d
from curta.nn.pooling import max_pool1d, max_pool2d, max_pool3d
from curta.nn.windows import Numbers
from curta.tensor import Tensor


def max_pool1d_with_indices(
    input: Tensor, kernel_size: Numbers, stride: Numbers | None = None, padding: Numbers = 0, dilation: Numbers = 1,
    ceil_mode: bool = False, return_indices: bool = False,
) -> Any:  # fmt: skip
    """`max_pool1d` with `return_indices`, whatever is asked for.

    >>> import curta
    >>> [one.tolist() for one in max_pool1d_with_indices(curta.tensor([[1.0, 3.0, 2.0, 5.0]]), 2)]
    [[[3.0, 5.0]], [[1, 3]]]
    """
    return max_pool1d(input, kernel_size, stride, padding, dilation, ceil_mode, True)


def max_pool2d_with_indices(
    input: Tensor, kernel_size: Numbers, stride: Numbers | None = None, padding: Numbers = 0, dilation: Numbers = 1,
    ceil_mode: bool = False, return_indices: bool = False,
) -> Any:  # fmt: skip
    """`max_pool2d` with `return_indices`, whatever is asked for."""
    return max_pool2d(input, kernel_size, stride, padding, dilation, ceil_mode, True)


def max_pool3d_with_indices(
    input: Tensor, kernel_size: Numbers, stride: Numbers | None = None, padding: Numbers = 0, dilation: Numbers = 1,
    ceil_mode: bool = False, return_indices: bool = False,
) -> Any:  # fmt: skip
    """`max_pool3d` with `return_indices`, whatever is asked for."""
    return max_pool3d(input, kernel_size, stride, padding, dilation, ceil_mode, True)


def adaptive_max_pool1d_with_indices(input: Tensor, output_size: Sizes, return_indices: bool = False) -> Any:
    """`adaptive_max_pool1d` with `return_indices`, whatever is asked for."""
    return adaptive_max_pool1d(input, output_size, True)


def adaptive_max_pool2d_with_indices(input: Tensor, output_size: Sizes, return_indices: bool = False) -> Any:
    """`adaptive_max_pool2d` with `return_indices`, whatever is asked for."""
    return adaptive_max_pool2d(input, output_size, True)


def adaptive_max_pool3d_with_indices(input: Tensor, output_size: Sizes, return_indices: bool = False) -> Any:
    """`adaptive_max_pool3d` with `return_indices`, whatever is asked for."""
    return adaptive_max_pool3d(input, output_size, True)


def fractional_max_pool2d_with_indices(
    input: Tensor, kernel_size: Numbers, output_size: Numbers | None = None, output_ratio: Ratio | None = None,
    return_indices: bool = False, _random_samples: Tensor | None = None,
) -> Any:  # fmt: skip
    """`fractional_max_pool2d` with `return_indices`, whatever is asked for."""
    return fractional_max_pool2d(input, kernel_size, output_size, output_ratio, True, _random_samples)


def fractional_max_pool3d_with_indices(
    input: Tensor, kernel_size: Numbers, output_size: Numbers | None = None, output_ratio: Ratio | None = None,
    return_indices: bool = False, _random_samples: Tensor | None = None,
) -> Any:  # fmt: skip
    """`fractional_max_pool3d` with `return_indices`, whatever is asked for."""
    return fractional_max_pool3d(input, kernel_size, output_size, output_ratio, True, _random_samples)
