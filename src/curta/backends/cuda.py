"""CUDA's products: there are none, and what is set here changes nothing."""

from __future__ import annotations


class _Products:
    allow_tf32 = False
    allow_fp16_reduced_precision_reduction = True
    allow_bf16_reduced_precision_reduction = True


matmul = _Products()


def is_built() -> bool:
    """Whether there is support for CUDA.

    >>> is_built()
    False
    """
    return False
