"""Jacobians and Hessians: `vmap` of products with the rows, or columns, of an identity."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from curta.errors import ArgumentError, MappingError
from curta.func.gradients import Argnums, Forward, Run, chosen_arguments
from curta.func.mapping import RANDOMNESS, vmap
from curta.ops.creation import zeros_of
from curta.tensor import Tensor


def jacrev(
    func: Callable[..., Any],
    argnums: Argnums = 0,
    *,
    has_aux: bool = False,
    chunk_size: int | None = None,
) -> Callable[..., Any]:
    """The Jacobian by reverse mode, a row for each element of the output: [*output, *argument].

    In the output's containers, and inside of these in those of `argnums`. `chunk_size` rows are made at a time.

    >>> import curta
    >>> curta.func.jacrev(lambda x: x * x)(curta.tensor([1.0, 2.0]))
    tensor([[2., 0.],
            [0., 4.]])
    """
    if chunk_size is not None and chunk_size <= 0:
        raise ArgumentError(f"jacrev: `chunk_size` should be greater than 0. (got {chunk_size})")

    @functools.wraps(func)
    def jacobian(*args: Any, **kwargs: Any) -> Any:
        chosen, put = chosen_arguments("jacrev", args, argnums)
        run = Run("jacrev", func, chosen, lambda given: (put(given), kwargs), has_aux)
        made = run.like_outputs([run.like_inputs(rows_of(run, place, chunk_size)) for place in range(len(run.outputs))])
        return (made, run.aux) if has_aux else made

    return jacobian


def rows_of(run: Run, place: int, chunk_size: int | None = None) -> list[Tensor]:
    """For one output: its Jacobian by each input."""
    output = run.outputs[place]
    graph = run.graph
    zeros = [zeros_of(one.layout) for one in run.outputs]

    def row(cotangent: Tensor) -> tuple[Tensor, ...]:
        given = [cotangent if number == place else zero for number, zero in enumerate(zeros)]
        return tuple(graph.inward(graph.back(given, keep=True)))

    shape = output.layout.shape
    if not output.layout.numel:
        return [zeros_of(one.layout).new_zeros((*shape, *one.layout.shape)) for one in graph.inputs]
    found = vmap(row, chunk_size=chunk_size)(_identity(output))
    return [one.reshape((*shape, *like.layout.shape)) for one, like in zip(found, graph.inputs, strict=True)]


def _identity(like: Tensor) -> Tensor:
    """A tensor for each element of another, with a 1 at its place and zeros elsewhere."""
    from curta.functions import eye

    layout = like.layout
    made: Tensor = eye(layout.numel, dtype=layout.dtype, device=layout.device)
    return made.reshape((layout.numel, *layout.shape))


def jacfwd(
    func: Callable[..., Any], argnums: Argnums = 0, has_aux: bool = False, *, randomness: str = "error"
) -> Callable[..., Any]:
    """The Jacobian by forward mode, a column for each element of the argument; see `jacrev`.

    The function runs once, so its random numbers are the same in all columns, whatever `randomness` says.

    >>> import curta
    >>> curta.func.jacfwd(lambda x: x.sum() * x)(curta.tensor([1.0, 2.0]))
    tensor([[4., 1.],
            [2., 5.]])
    """
    if randomness not in RANDOMNESS:
        raise MappingError(f"Only allowed values for randomness are 'error', 'different', or 'same'. Got {randomness}")

    @functools.wraps(func)
    def jacobian(*args: Any, **kwargs: Any) -> Any:
        chosen, put = chosen_arguments("jacfwd", args, argnums)
        run = Run("jacfwd", func, chosen, lambda given: (put(given), kwargs), has_aux)
        columns = [columns_of(run, place) for place in range(len(run.graph.inputs))]
        by_output = [run.like_inputs(list(parts)) for parts in zip(*columns, strict=True)]
        made = run.like_outputs(by_output)
        return (made, run.aux) if has_aux else made

    return jacobian


def columns_of(run: Run, place: int) -> list[Tensor]:
    """For one input: the Jacobian of each output by it."""
    from curta.func.trees import flatten

    forward = Forward(run)
    inputs = run.graph.inputs
    zeros = [zeros_of(one.layout) for one in inputs]
    shape = inputs[place].layout.shape

    def column(tangent: Tensor) -> tuple[Tensor, ...]:
        given = [tangent if number == place else zero for number, zero in enumerate(zeros)]
        return tuple(flatten(forward.along(given, keep=True))[0])

    if not inputs[place].layout.numel:
        return [zeros_of(one.layout).new_zeros((*one.layout.shape, *shape)) for one in run.outputs]
    found = vmap(column, out_dims=-1)(_identity(inputs[place]))
    return [one.reshape((*like.layout.shape, *shape)) for one, like in zip(found, run.outputs, strict=True)]


def hessian(func: Callable[..., Any], argnums: Argnums = 0) -> Callable[..., Any]:
    """The second derivatives, by forward mode over reverse mode: [*output, *argument, *argument].

    >>> import curta
    >>> curta.func.hessian(lambda x: (x**3).sum())(curta.tensor([1.0, 2.0]))
    tensor([[ 6.,  0.],
            [ 0., 12.]])
    """
    return jacfwd(jacrev(func, argnums), argnums)
