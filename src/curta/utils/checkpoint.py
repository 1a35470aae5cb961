"""Activation checkpointing: memory for time."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from curta.autograd.recompute import Region
from curta.autograd.state import STATE
from curta.batching.values import wanted_outside
from curta.errors import ArgumentTypeError, UnsupportedError
from curta.tensor import Tensor


def checkpoint(
    function: Callable[..., Any],
    /,
    *args: Any,
    use_reentrant: bool = False,
    preserve_rng_state: bool = True,
    **kwargs: Any,
) -> Any:
    """`function(*args, **kwargs)`, which keeps its arguments for the backward pass, and makes the rest again there.

    The gradients are the same, to the bit; random numbers are drawn once unless `preserve_rng_state` is off. Accounts
    charge what is done again to the phase "recomputation": it counts in `hardware_flops`, not in `model_flops`. Parts
    may lie in one another. UnsupportedError for `use_reentrant=True`; AutogradError, in the backward pass, where the
    function does something else the second time.

    >>> import curta
    >>> x = curta.ones(3, requires_grad=True)
    >>> y = checkpoint(lambda x: (x * 2).exp().sum(), x)
    >>> curta.memory.saved_for_backward(y)
    0
    >>> y.backward()
    >>> x.grad
    tensor([14.7781, 14.7781, 14.7781])
    """
    if not callable(function):
        raise ArgumentTypeError(f"checkpoint: requires a function or a module, got {type(function).__name__}")
    if use_reentrant:
        raise UnsupportedError("checkpoint: use_reentrant=True is not supported: leave it out")
    if any(isinstance(one, Tensor) and wanted_outside(one) for one in (*args, *kwargs.values())):
        raise UnsupportedError(
            "checkpoint: inside vmap a checkpoint needs its gradients taken inside too: put curta.func.grad into the "
            "mapped function, or the checkpoint around vmap"
        )
    if not STATE.grad_enabled:
        return function(*args, **kwargs)
    names = tuple(kwargs)
    count = len(args)

    def run(*values: Any) -> Any:
        return function(*values[:count], **dict(zip(names, values[count:], strict=True)))

    given = (*args, *kwargs.values())
    return Region(run, given, preserve_rng_state).run(*given)
