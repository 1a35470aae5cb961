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


def checkpoint_sequential(
    functions: Any, segments: int, input: Any, use_reentrant: bool = False, *, preserve_rng_state: bool = True
) -> Any:
    """A `Sequential` or a list of functions, one after the other, in `segments` checkpoints; the last part is none.

    >>> import curta
    >>> model = curta.nn.Sequential(*(curta.nn.Linear(3, 3) for _ in range(4)))
    >>> checkpoint_sequential(model, 2, curta.ones(1, 3)).shape
    torch.Size([1, 3])
    """
    chain = list(functions.children()) if hasattr(functions, "children") else list(functions)
    length = len(chain) // segments

    def run(part: list[Callable[..., Any]]) -> Callable[..., Any]:
        def inside(value: Any) -> Any:
            for function in part:
                value = function(value)
            return value

        return inside

    for start in range(0, length * (segments - 1), length) if length else ():
        part = run(chain[start : start + length])
        input = checkpoint(part, input, use_reentrant=use_reentrant, preserve_rng_state=preserve_rng_state)
    return run(chain[length * (segments - 1) :])(input)


# the module's name is the function's too: `curta.utils.checkpoint.checkpoint` is found either way
checkpoint.checkpoint = checkpoint  # type: ignore[attr-defined]
checkpoint.checkpoint_sequential = checkpoint_sequential  # type: ignore[attr-defined]
