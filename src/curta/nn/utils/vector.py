"""All parameters as one vector, and back."""

from __future__ import annotations

from collections.abc import Iterable

from curta import functions
from curta.autograd import no_grad
from curta.errors import ArgumentTypeError, ShapeError
from curta.tensor import Tensor


def parameters_to_vector(parameters: Iterable[Tensor]) -> Tensor:
    """Every element of the parameters, one after the other."""
    return functions.cat([parameter.reshape(-1) for parameter in parameters])


def vector_to_parameters(vec: Tensor, parameters: Iterable[Tensor]) -> None:
    """Copy a vector's elements into the parameters, in order."""
    if not isinstance(vec, Tensor):
        raise ArgumentTypeError(f"expected Tensor, but got: {type(vec).__name__}")
    chosen, start = list(parameters), 0
    count = sum(parameter.layout.numel for parameter in chosen)
    if vec.layout.numel != count:
        raise ShapeError(f"vector_to_parameters: the parameters hold {count} elements, the vector {vec.layout.numel}")
    with no_grad():
        for parameter in chosen:
            size = parameter.layout.numel
            parameter.copy_(vec[start : start + size].reshape(parameter.layout.shape))
            start += size
