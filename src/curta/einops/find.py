"""Which framework a tensor belongs to."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Any

from curta.einops.frameworks import Direct, Framework, NumPy, PyTorch
from curta.einops.parse import CACHE_SIZE
from curta.einops.tensors import Curta
from curta.errors import ArgumentTypeError
from curta.tensor import Tensor

_STANDARD = Framework()
#: by type; the first look is the slow one
_FOUND: dict[type, Framework] = {Tensor: Curta()}
#: for two tensors of one type
DIRECT: dict[tuple[str, type], Direct] = {}
#: frameworks that recognise their tensors by a class of theirs: package, class
_NUMPY = NumPy()
_KNOWN = (("numpy", "ndarray", _NUMPY), ("numpy", "generic", _NUMPY), ("torch", "Tensor", PyTorch()))


def framework_of(operation: str, value: Any) -> Framework:
    """The framework of a tensor; ArgumentTypeError if it is nobody's."""
    found = _FOUND.get(type(value))
    if found is None:
        found = _FOUND[type(value)] = _recognised(operation, value)
    return found


def one_framework(operation: str, values: Sequence[Any]) -> Framework:
    """The framework of several tensors; ArgumentTypeError if they do not belong together."""
    kind = type(values[0])
    framework = _FOUND.get(kind) or framework_of(operation, values[0])
    for value in values:
        if type(value) is not kind and framework_of(operation, value) is not framework:
            kinds = " and ".join(type(one).__name__ for one in (values[0], value))
            raise ArgumentTypeError(f"{operation}(): tensors of different frameworks: {kinds}")
    return framework


def contracted(pattern: str, tensors: Sequence[Any]) -> Any:
    """The einsum of tensors of one framework; two tensors of one type may be contracted directly from then on."""
    framework = one_framework("einsum", tensors)
    result = framework.einsum(pattern, tensors)
    if len(tensors) == 2 and (direct := framework.direct(pattern, tensors)):
        if len(DIRECT) >= CACHE_SIZE:
            DIRECT.clear()
        DIRECT[pattern, type(tensors[0])] = direct
    return result


def _recognised(operation: str, value: Any) -> Framework:
    if isinstance(value, Tensor):
        return _FOUND[Tensor]
    for package, name, framework in _KNOWN:
        kind = getattr(sys.modules.get(package), name, None)
        if kind is not None and isinstance(value, kind):
            return framework
    if hasattr(value, "__array_namespace__"):
        return _STANDARD
    raise ArgumentTypeError(
        f"{operation}(): expected a tensor of Curta, NumPy or PyTorch, or an array with __array_namespace__, "
        f"not {type(value).__name__}"
    )
