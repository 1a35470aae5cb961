"""What functions do with their arguments before an operator sees them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias

from curta import dtypes
from curta.autograd.state import STATE
from curta.compiler.graph import GraphNumber
from curta.errors import ArgumentTypeError, UnsupportedError, kind_of
from curta.lazy import LazyModule
from curta.methods import late
from curta.tensor import Tensor

if TYPE_CHECKING:
    import numpy as np
else:
    np = LazyModule("numpy")

Number: TypeAlias = bool | int | float
Operand: TypeAlias = Tensor | bool | int | float

_HALVES = (dtypes.float16, dtypes.bfloat16)
_PLAIN = (Tensor, float, int, bool, GraphNumber)


def operand(name: str, value: Any, place: str = "other") -> Any:
    """`value` as `bind` takes it: a tensor or a plain Python number; ArgumentTypeError for anything else."""
    if type(value) in _PLAIN or isinstance(value, Tensor):
        return value
    if isinstance(value, bool | np.bool_):
        return bool(value)
    if isinstance(value, int | np.integer):
        return int(value)
    if isinstance(value, float | np.floating) or late.is_bfloat16(value):
        return float(value)
    raise ArgumentTypeError(f"{name}(): argument '{place}' must be Tensor or Number, not {kind_of(value)}")


def tensor(name: str, value: Any, place: str = "input", position: int = 1) -> Tensor:
    """`value` if it is a tensor, else an ArgumentTypeError as PyTorch's."""
    if isinstance(value, Tensor):
        return value
    raise ArgumentTypeError(f"{name}(): argument '{place}' (position {position}) must be Tensor, not {kind_of(value)}")


def of_a_tensor(name: str, left: Any, right: Any, place: str = "other") -> tuple[Any, Any]:
    """Two operands of which at least one is a tensor, which the other may be a number for; else ArgumentTypeError."""
    if not isinstance(left, Tensor) and not isinstance(right, Tensor):
        tensor(name, left)
    return operand(name, left, "input"), operand(name, right, place)


def not_in_place(name: str, inplace: bool) -> None:
    """UnsupportedError where a function is asked to write its result into its argument."""
    if inplace:
        raise UnsupportedError(f"{name}(): the argument 'inplace' is not supported")


def lowered(*tensors: Any) -> Any:
    """Operands of a product: under `autocast` float32 tensors in its half format."""
    half = STATE.autocast
    if half is None:
        return tensors
    return tuple(
        each.to(half) if each is not None and each.layout.dtype in (dtypes.float32, *_HALVES) else each
        for each in tensors
    )


def raised(*tensors: Any) -> Any:
    """Operands of a loss: under `autocast` halves in float32."""
    if STATE.autocast is None:
        return tensors
    return tuple(
        each.to(dtypes.float32) if each is not None and each.layout.dtype in _HALVES else each for each in tensors
    )


def of_one_rank(*tensors: Any) -> tuple[Any, ...]:
    """Tensors with sizes of 1 in front: inside of a composition gradients of what broadcasts keep its rank."""
    rank = max(one.layout.rank for one in tensors)
    return tuple(
        one if one.layout.rank == rank else one.reshape((1,) * (rank - one.layout.rank) + one.layout.shape)
        for one in tensors
    )


def refuse(name: str, **options: Any) -> None:
    """UnsupportedError for the first option that is not None: arguments of PyTorch that Curta does not have."""
    for option, value in options.items():
        if value is not None:
            raise UnsupportedError(f"{name}(): the argument '{option}' is not supported")
