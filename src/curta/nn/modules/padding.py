"""Layers that pad."""

from __future__ import annotations

from collections.abc import Sequence
from operator import index

from curta.errors import ArgumentError
from curta.nn import functional as F
from curta.nn.modules.module import Module
from curta.tensor import Tensor

Sides = int | Sequence[int]


class _Pad(Module):
    """What the layers share: `padding` is one number, or (before, behind) of the last axis, and so on."""

    _axes: int
    _mode: str

    def __init__(self, padding: Sides) -> None:
        super().__init__()
        alone = hasattr(padding, "__index__")
        self.padding = (index(padding),) * (2 * self._axes) if alone else tuple(padding)  # type: ignore[arg-type]

    def forward(self, input: Tensor) -> Tensor:
        if self._mode == "circular" and input.layout.rank not in (self._axes + 1, self._axes + 2):
            raise ArgumentError(
                f"expected {self._axes + 1}D or {self._axes + 2}D input (got {input.layout.rank}D input)"
            )
        return F.pad(input, self.padding, self._mode)

    def extra_repr(self) -> str:
        return f"{self.padding}"


class _ConstantPad(_Pad):
    _mode = "constant"

    def __init__(self, padding: Sides, value: float) -> None:
        super().__init__(padding)
        self.value = value

    def forward(self, input: Tensor) -> Tensor:
        return F.pad(input, self.padding, "constant", self.value)

    def extra_repr(self) -> str:
        return f"padding={self.padding}, value={self.value}"


class _ZeroPad(_Pad):
    _mode = "constant"


class ConstantPad1d(_ConstantPad):
    """`value` around [..., W].

    >>> import curta
    >>> ConstantPad1d(1, 7.0)(curta.tensor([[1.0, 2.0]])).flatten().tolist()
    [7.0, 1.0, 2.0, 7.0]
    """

    _axes = 1


class ConstantPad2d(_ConstantPad):
    """`value` around [..., H, W].

    >>> import curta
    >>> ConstantPad2d((1, 1, 0, 0), 7.0)(curta.tensor([[[1.0, 2.0]]])).flatten().tolist()
    [7.0, 1.0, 2.0, 7.0]
    """

    _axes = 2


class ConstantPad3d(_ConstantPad):
    """`value` around [..., D, H, W].

    >>> import curta
    >>> ConstantPad3d((1, 1, 0, 0, 0, 0), 7.0)(curta.tensor([[[[1.0, 2.0]]]])).flatten().tolist()
    [7.0, 1.0, 2.0, 7.0]
    """

    _axes = 3


class ZeroPad1d(_ZeroPad):
    """Zeros around [..., W].

    >>> import curta
    >>> ZeroPad1d(1)(curta.tensor([[1.0, 2.0]])).flatten().tolist()
    [0.0, 1.0, 2.0, 0.0]
    """

    _axes = 1


class ZeroPad2d(_ZeroPad):
    """Zeros around [..., H, W].

    >>> import curta
    >>> ZeroPad2d((1, 1, 0, 0))(curta.tensor([[[1.0, 2.0]]])).flatten().tolist()
    [0.0, 1.0, 2.0, 0.0]
    """

    _axes = 2


class ZeroPad3d(_ZeroPad):
    """Zeros around [..., D, H, W].

    >>> import curta
    >>> ZeroPad3d((1, 1, 0, 0, 0, 0))(curta.tensor([[[[1.0, 2.0]]]])).flatten().tolist()
    [0.0, 1.0, 2.0, 0.0]
    """

    _axes = 3


class ReflectionPad1d(_Pad):
    """What is mirrored at the outermost elements around [..., W].

    >>> import curta
    >>> ReflectionPad1d(1)(curta.tensor([[1.0, 2.0]])).flatten().tolist()
    [2.0, 1.0, 2.0, 1.0]
    """

    _axes = 1
    _mode = "reflect"


class ReflectionPad2d(_Pad):
    """What is mirrored at the outermost elements around [..., H, W].

    >>> import curta
    >>> ReflectionPad2d((1, 1, 0, 0))(curta.tensor([[[1.0, 2.0]]])).flatten().tolist()
    [2.0, 1.0, 2.0, 1.0]
    """

    _axes = 2
    _mode = "reflect"


class ReflectionPad3d(_Pad):
    """What is mirrored at the outermost elements around [..., D, H, W].

    >>> import curta
    >>> ReflectionPad3d((1, 1, 0, 0, 0, 0))(curta.tensor([[[[1.0, 2.0]]]])).flatten().tolist()
    [2.0, 1.0, 2.0, 1.0]
    """

    _axes = 3
    _mode = "reflect"


class ReplicationPad1d(_Pad):
    """The outermost elements repeated around [..., W].

    >>> import curta
    >>> ReplicationPad1d(1)(curta.tensor([[1.0, 2.0]])).flatten().tolist()
    [1.0, 1.0, 2.0, 2.0]
    """

    _axes = 1
    _mode = "replicate"


class ReplicationPad2d(_Pad):
    """The outermost elements repeated around [..., H, W].

    >>> import curta
    >>> ReplicationPad2d((1, 1, 0, 0))(curta.tensor([[[1.0, 2.0]]])).flatten().tolist()
    [1.0, 1.0, 2.0, 2.0]
    """

    _axes = 2
    _mode = "replicate"


class ReplicationPad3d(_Pad):
    """The outermost elements repeated around [..., D, H, W].

    >>> import curta
    >>> ReplicationPad3d((1, 1, 0, 0, 0, 0))(curta.tensor([[[[1.0, 2.0]]]])).flatten().tolist()
    [1.0, 1.0, 2.0, 2.0]
    """

    _axes = 3
    _mode = "replicate"


class CircularPad1d(_Pad):
    """What lies at the other end around [..., W].

    >>> import curta
    >>> CircularPad1d(1)(curta.tensor([[1.0, 2.0]])).flatten().tolist()
    [2.0, 1.0, 2.0, 1.0]
    """

    _axes = 1
    _mode = "circular"


class CircularPad2d(_Pad):
    """What lies at the other end around [..., H, W].

    >>> import curta
    >>> CircularPad2d((1, 1, 0, 0))(curta.tensor([[[1.0, 2.0]]])).flatten().tolist()
    [2.0, 1.0, 2.0, 1.0]
    """

    _axes = 2
    _mode = "circular"


class CircularPad3d(_Pad):
    """What lies at the other end around [..., D, H, W].

    >>> import curta
    >>> CircularPad3d((1, 1, 0, 0, 0, 0))(curta.tensor([[[[1.0, 2.0]]]])).flatten().tolist()
    [2.0, 1.0, 2.0, 1.0]
    """

    _axes = 3
    _mode = "circular"
