"""CUDA's products and attention: there are none, and what is set here changes nothing."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager


class _Products:
    """Takes no other attributes than those that PyTorch has."""

    __slots__ = (
        "allow_bf16_reduced_precision_reduction", "allow_fp16_accumulation", "allow_fp16_reduced_precision_reduction",
        "allow_tf32",
    )  # fmt: skip

    def __init__(self) -> None:
        self.allow_tf32 = self.allow_fp16_accumulation = False
        self.allow_fp16_reduced_precision_reduction = self.allow_bf16_reduced_precision_reduction = True


matmul = _Products()

#: which of PyTorch's ways of computing attention are allowed
_ATTENTION = {"flash": True, "math": True, "mem_efficient": True, "cudnn": True}


def is_built() -> bool:
    """Whether there is support for CUDA.

    >>> is_built()
    False
    """
    return False


def is_flash_attention_available() -> bool:
    """Whether CUDA's flash attention can be used.

    >>> is_flash_attention_available()
    False
    """
    return False


def flash_sdp_enabled() -> bool:
    """Whether flash attention is allowed."""
    return _ATTENTION["flash"]


def enable_flash_sdp(enabled: bool) -> None:
    """Allow flash attention, or not.

    >>> enable_flash_sdp(False)
    >>> flash_sdp_enabled()
    False
    >>> enable_flash_sdp(True)
    """
    _ATTENTION["flash"] = enabled


def math_sdp_enabled() -> bool:
    """Whether attention by plain products is allowed."""
    return _ATTENTION["math"]


def enable_math_sdp(enabled: bool) -> None:
    """Allow attention by plain products, or not."""
    _ATTENTION["math"] = enabled


def mem_efficient_sdp_enabled() -> bool:
    """Whether attention that saves memory is allowed."""
    return _ATTENTION["mem_efficient"]


def enable_mem_efficient_sdp(enabled: bool) -> None:
    """Allow attention that saves memory, or not."""
    _ATTENTION["mem_efficient"] = enabled


def cudnn_sdp_enabled() -> bool:
    """Whether cuDNN's attention is allowed."""
    return _ATTENTION["cudnn"]


def enable_cudnn_sdp(enabled: bool) -> None:
    """Allow cuDNN's attention, or not."""
    _ATTENTION["cudnn"] = enabled


@contextmanager
def sdp_kernel(
    enable_flash: bool = True, enable_math: bool = True, enable_mem_efficient: bool = True, enable_cudnn: bool = True
) -> Iterator[None]:
    """What is allowed until the end of `with`.

    >>> with sdp_kernel(enable_math=False):
    ...     math_sdp_enabled()
    False
    """
    before = dict(_ATTENTION)
    _ATTENTION.update(flash=enable_flash, math=enable_math, mem_efficient=enable_mem_efficient, cudnn=enable_cudnn)
    try:
        yield
    finally:
        _ATTENTION.update(before)
