"""What PyTorch has for complex numbers, of the real ones that there are here, and questions about tensors."""

from __future__ import annotations

from math import pi
from typing import Any

from curta.dtypes import DType, bool_
from curta.errors import ArgumentTypeError, DTypeError, ShapeError
from curta.functions.choice import where
from curta.functions.creation import ones_like
from curta.functions.movement import t
from curta.functions.operands import tensor
from curta.functions.outputs import into
from curta.functions.special import floating
from curta.memory.storage import Storage
from curta.promotion import result_type as promoted
from curta.promotion import scalar_dtype
from curta.tensor import Tensor


def real(input: Tensor) -> Tensor:
    """The real part: of real numbers the tensor itself.

    >>> import curta
    >>> curta.real(curta.tensor([1.0]))
    tensor([1.])
    """
    return tensor("real", input)


def imag(input: Tensor) -> Tensor:
    """The imaginary part; DTypeError for real numbers, as in PyTorch, and there are no others here."""
    tensor("imag", input)
    raise DTypeError("imag is not implemented for tensors with non-complex dtypes.")


def conj(input: Tensor) -> Tensor:
    """The complex conjugates: of real numbers the tensor itself."""
    return tensor("conj", input)


def conj_physical(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """The complex conjugates in memory: of real numbers the tensor itself."""
    x = tensor("conj_physical", input)
    return x if out is None else into("conj_physical", out, x)


def conj_physical_(input: Tensor) -> Tensor:
    """`conj_physical` in place."""
    return tensor("conj_physical_", input)


def resolve_conj(input: Tensor) -> Tensor:
    """The tensor itself: none is conjugated only when it is read."""
    return tensor("resolve_conj", input)


def resolve_neg(input: Tensor) -> Tensor:
    """The tensor itself: none is negated only when it is read."""
    return tensor("resolve_neg", input)


def angle(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """0 for positive numbers and pi for negative ones; NaN stays.

    >>> import curta
    >>> curta.angle(curta.tensor([2.0, -2.0]))
    tensor([0.0000, 3.1416])
    """
    if out is not None:
        return into("angle", out, angle(input))
    x = floating(tensor("angle", input))
    return where(x.isnan(), x, (x < 0).to(x.layout.dtype) * pi)


def isreal(input: Tensor) -> Tensor:
    """Whether elements are real numbers: all of them.

    >>> import curta
    >>> curta.isreal(curta.tensor([2.0]))
    tensor([True])
    """
    return ones_like(tensor("isreal", input), dtype=bool_)


def conjugate_transpose(input: Tensor) -> Tensor:
    """`input.H`: the transpose of a matrix; ShapeError for what is none."""
    rank = input.layout.rank
    if rank not in (0, 2):
        raise ShapeError(
            f"tensor.H is only supported on matrices (2-D tensors). Got {rank}-D tensor. For batches of matrices, "
            "consider using tensor.mH"
        )
    return t(input)


def is_complex(input: Tensor) -> bool:
    """Whether the format is a complex one: never."""
    return tensor("is_complex", input).is_complex()


def is_conj(input: Tensor) -> bool:
    """Whether the tensor is conjugated only when it is read: never."""
    tensor("is_conj", input)
    return False


def is_neg(input: Tensor) -> bool:
    """Whether the tensor is negated only when it is read: never."""
    tensor("is_neg", input)
    return False


def is_floating_point(input: Tensor) -> bool:
    """Whether the format is a floating-point one.

    >>> import curta
    >>> curta.is_floating_point(curta.zeros(1))
    True
    """
    return tensor("is_floating_point", input).is_floating_point()


def is_signed(input: Tensor) -> bool:
    """Whether the format has negative numbers."""
    return tensor("is_signed", input).is_signed()


def is_inference(input: Tensor) -> bool:
    """Whether the tensor was made in inference mode."""
    return tensor("is_inference", input).is_inference()


def is_tensor(obj: Any) -> bool:
    """Whether this is a tensor."""
    return isinstance(obj, Tensor)


def is_storage(obj: Any) -> bool:
    """Whether this is a storage, a block of bytes that tensors look into."""
    return isinstance(obj, Storage)


def is_nonzero(input: Tensor) -> bool:
    """Whether the only element is not zero; DTypeError for none or several.

    >>> import curta
    >>> curta.is_nonzero(curta.tensor([0.0]))
    False
    """
    return bool(tensor("is_nonzero", input))


def is_same_size(input: Tensor, other: Tensor) -> bool:
    """Whether two tensors have the same shape."""
    return tensor("is_same_size", input).layout.shape == tensor("is_same_size", other, "other").layout.shape


def numel(input: Tensor) -> int:
    """The number of elements.

    >>> import curta
    >>> curta.numel(curta.zeros(2, 3))
    6
    """
    return tensor("numel", input).layout.numel


def get_device(input: Tensor) -> int:
    """The number of the device that holds the tensor: -1 for the host's memory."""
    tensor("get_device", input)
    return -1


def result_type(tensor1: Any, tensor2: Any) -> Any:
    """The format in which two operands, tensors or numbers, are computed with.

    >>> import curta
    >>> curta.result_type(curta.tensor([1, 2]), 1.5)
    curta.float32
    """
    kinds: list[tuple[DType, int | None]] = []
    for one in (tensor1, tensor2):
        if isinstance(one, Tensor):
            kinds.append((one.layout.dtype, one.layout.rank))
        elif isinstance(one, bool | int | float):
            kinds.append((scalar_dtype(one), None))
        else:
            raise ArgumentTypeError(f"result_type(): expected Tensor or Number, not {type(one).__name__}")
    return promoted(*kinds)
