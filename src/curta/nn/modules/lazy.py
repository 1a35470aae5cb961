"""Layers that learn from their first input how many features it has."""

from __future__ import annotations

from typing import Any, ClassVar

from curta.autograd import no_grad
from curta.autograd.state import STATE
from curta.errors import ShapeError, UnsupportedError
from curta.functions import creation
from curta.memory.changes import CHANGES
from curta.nn.modules.convolution import (
    Conv1d,
    Conv2d,
    Conv3d,
    ConvTranspose1d,
    ConvTranspose2d,
    ConvTranspose3d,
)
from curta.nn.modules.group_normalization import InstanceNorm1d, InstanceNorm2d, InstanceNorm3d
from curta.nn.modules.linear import Linear
from curta.nn.modules.normalization import BatchNorm1d, BatchNorm2d, BatchNorm3d
from curta.nn.parameter import Buffer, Parameter
from curta.tensor import Tensor


class _Uninitialized:
    """A tensor whose shape nobody knows yet."""

    _becomes: ClassVar[type]

    def materialize(self: Any, shape: Any, device: Any = None, dtype: Any = None) -> None:
        """Give it memory of a shape, which holds anything; it is an ordinary one from now on."""
        if STATE.recorder is not None:
            STATE.recorder.refuse_rebinding()
        options = {"device": self.device if device is None else device, "dtype": dtype or self.dtype}
        made = creation.empty(*shape, **options)
        self.storage, self.layout, self.offset, self.pointer = made.storage, made.layout, made.offset, made.pointer
        self.__class__ = self._becomes
        CHANGES.note()

    @property
    def shape(self) -> Any:
        """ShapeError: nobody knows it."""
        raise ShapeError(
            "Can't access the shape of an uninitialized parameter or buffer. This error usually happens in "
            "`load_state_dict` when trying to load an uninitialized parameter into an initialized one. Call `forward` "
            "to initialize the parameters before accessing their attributes."
        )

    def __repr__(self) -> str:
        return f"<{type(self).__name__}>"


class UninitializedParameter(_Uninitialized, Parameter):
    """A parameter that gets its shape later, by `materialize`; the parameter of a lazy layer.

    >>> weight = UninitializedParameter()
    >>> weight.materialize((2, 3))
    >>> type(weight).__name__, tuple(weight.shape)
    ('Parameter', (2, 3))
    """

    _becomes = Parameter

    def __new__(cls, requires_grad: bool = True, device: Any = None, dtype: Any = None) -> UninitializedParameter:
        made: Any = Parameter.__new__(cls, creation.empty(0, device=device, dtype=dtype), requires_grad)
        return made

    def __deepcopy__(self, memo: dict[int, Any]) -> UninitializedParameter:
        if id(self) not in memo:
            memo[id(self)] = type(self)(self.requires_grad, self.device, self.dtype)
        return memo[id(self)]


class UninitializedBuffer(_Uninitialized, Buffer):
    """A buffer that gets its shape later, by `materialize`."""

    _becomes = Buffer

    def __new__(cls, device: Any = None, dtype: Any = None, persistent: bool = True) -> UninitializedBuffer:
        made: Any = Buffer.__new__(cls, creation.empty(0, device=device, dtype=dtype), persistent=persistent)
        return made

    def __deepcopy__(self, memo: dict[int, Any]) -> UninitializedBuffer:
        if id(self) not in memo:
            memo[id(self)] = type(self)(self.device, self.dtype, self.persistent)
        return memo[id(self)]


class _Lazy:
    """What lazy layers share: they become an ordinary layer, `cls_to_become`, at their first call."""

    cls_to_become: ClassVar[Any]
    #: the name of the number that is learnt, and the dimension of the input that has it
    _learnt: ClassVar[tuple[str, int]]

    def __init__(self: Any, *args: Any, device: Any = None, dtype: Any = None, **kwargs: Any) -> None:
        self.cls_to_become.__init__(self, 0, *args, device="meta", dtype=dtype, **kwargs)
        given = (args, {**kwargs, "dtype": dtype})
        object.__setattr__(self, "_given", given)
        for name, value in self._parameters.items():
            if value is not None:
                self._parameters[name] = UninitializedParameter(device=device, dtype=dtype)
        for name, value in self._buffers.items():
            if value is not None:
                counts = not value.dtype.is_floating_point
                fresh = creation.zeros((), dtype=value.dtype, device=device)
                self._buffers[name] = fresh if counts else UninitializedBuffer(device=device, dtype=dtype)
        before = self.register_forward_pre_hook(_initialize, with_kwargs=True)
        loading = self.register_load_state_dict_pre_hook(_materialize)
        object.__setattr__(self, "_waiting", (before, loading))

    def has_uninitialized_params(self: Any) -> bool:
        """Whether there is a tensor whose shape is not known yet."""
        tensors = [*self._parameters.values(), *self._buffers.values()]
        return any(isinstance(one, _Uninitialized) for one in tensors)

    def initialize_parameters(self: Any, input: Tensor, *rest: Any, **named: Any) -> None:
        """Learn the number of features of an input, and draw the parameters."""
        name, dim = self._learnt
        if -input.layout.rank > dim or dim >= input.layout.rank:
            raise ShapeError(f"{type(self).__name__}: expected more dimensions, got {input.layout}")
        count = input.layout.shape[dim]
        waiting = self.has_uninitialized_params()
        setattr(self, name, count)
        if not waiting:
            return
        args, kwargs = self._given
        usual = self.cls_to_become(count, *args, **{**kwargs, "device": "meta"})
        with no_grad():
            for table in ("_parameters", "_buffers"):
                for key, value in getattr(usual, table).items():
                    own = getattr(self, table)[key]
                    if isinstance(own, _Uninitialized):
                        own.materialize(value.layout.shape)
            self.reset_parameters()


def _initialize(module: Any, args: Any, kwargs: Any) -> None:
    if STATE.recorder is not None and module.has_uninitialized_params():
        raise UnsupportedError(
            f"{type(module).__name__}: a layer that waits for its first input cannot be compiled or planned: "
            "call it once before"
        )
    module.initialize_parameters(*args, **kwargs)
    for handle in module._waiting:
        handle.remove()
    object.__delattr__(module, "_waiting")
    object.__delattr__(module, "_given")
    object.__setattr__(module, "__class__", module.cls_to_become)
    CHANGES.note()


def _materialize(module: Any, state: Any, prefix: str, *rest: Any) -> None:
    """Before a state dict is loaded: the shapes are those that it has."""
    for table in (module._parameters, module._buffers):
        for name, value in table.items():
            given = state.get(prefix + name)
            if (
                isinstance(value, _Uninitialized)
                and isinstance(given, Tensor)
                and not isinstance(given, _Uninitialized)
            ):
                value.materialize(given.layout.shape)


class LazyLinear(_Lazy, Linear):
    """`Linear` whose `in_features` is the last size of its first input.

    >>> import curta
    >>> layer = LazyLinear(3)
    >>> layer(curta.ones(2, 5)).shape, layer
    (torch.Size([2, 3]), Linear(in_features=5, out_features=3, bias=True))
    """

    cls_to_become = Linear
    _learnt = ("in_features", -1)

    def __init__(self, out_features: int, bias: bool = True, device: Any = None, dtype: Any = None) -> None:
        super().__init__(out_features, bias, device=device, dtype=dtype)


class _LazyConvolution(_Lazy):
    """What they share: the channels lie in front of as many axes as the kernel has."""

    def __init__(
        self, out_channels: int, kernel_size: Any, stride: Any = 1, padding: Any = 0, dilation: Any = 1,
        groups: int = 1, bias: bool = True, padding_mode: str = "zeros", device: Any = None, dtype: Any = None,
    ) -> None:  # fmt: skip
        super().__init__(
            out_channels, kernel_size, stride, padding, dilation, groups, bias, padding_mode,
            device=device, dtype=dtype,
        )  # fmt: skip


class LazyConv1d(_LazyConvolution, Conv1d):
    """`Conv1d` whose `in_channels` are those of its first input."""

    cls_to_become = Conv1d
    _learnt = ("in_channels", -2)


class LazyConv2d(_LazyConvolution, Conv2d):
    """`Conv2d` whose `in_channels` are those of its first input."""

    cls_to_become = Conv2d
    _learnt = ("in_channels", -3)


class LazyConv3d(_LazyConvolution, Conv3d):
    """`Conv3d` whose `in_channels` are those of its first input."""

    cls_to_become = Conv3d
    _learnt = ("in_channels", -4)


class _LazyTransposed(_Lazy):
    """What they share: the channels lie in front of as many axes as the kernel has."""

    def __init__(
        self, out_channels: int, kernel_size: Any, stride: Any = 1, padding: Any = 0, output_padding: Any = 0,
        groups: int = 1, bias: bool = True, dilation: Any = 1, padding_mode: str = "zeros", device: Any = None,
        dtype: Any = None,
    ) -> None:  # fmt: skip
        super().__init__(
            out_channels, kernel_size, stride, padding, output_padding, groups, bias, dilation, padding_mode,
            device=device, dtype=dtype,
        )  # fmt: skip


class LazyConvTranspose1d(_LazyTransposed, ConvTranspose1d):
    """`ConvTranspose1d` whose `in_channels` are those of its first input."""

    cls_to_become = ConvTranspose1d
    _learnt = ("in_channels", -2)


class LazyConvTranspose2d(_LazyTransposed, ConvTranspose2d):
    """`ConvTranspose2d` whose `in_channels` are those of its first input."""

    cls_to_become = ConvTranspose2d
    _learnt = ("in_channels", -3)


class LazyConvTranspose3d(_LazyTransposed, ConvTranspose3d):
    """`ConvTranspose3d` whose `in_channels` are those of its first input."""

    cls_to_become = ConvTranspose3d
    _learnt = ("in_channels", -4)


class _LazyBatchNorm(_Lazy):
    """What they share: the channels are the second dimension."""

    def __init__(
        self, eps: float = 1e-5, momentum: float | None = 0.1, affine: bool = True, track_running_stats: bool = True,
        device: Any = None, dtype: Any = None,
    ) -> None:  # fmt: skip
        super().__init__(eps, momentum, affine, track_running_stats, device=device, dtype=dtype)


class LazyBatchNorm1d(_LazyBatchNorm, BatchNorm1d):
    """`BatchNorm1d` whose `num_features` are the channels of its first input."""

    cls_to_become = BatchNorm1d
    _learnt = ("num_features", 1)


class LazyBatchNorm2d(_LazyBatchNorm, BatchNorm2d):
    """`BatchNorm2d` whose `num_features` are the channels of its first input."""

    cls_to_become = BatchNorm2d
    _learnt = ("num_features", 1)


class LazyBatchNorm3d(_LazyBatchNorm, BatchNorm3d):
    """`BatchNorm3d` whose `num_features` are the channels of its first input."""

    cls_to_become = BatchNorm3d
    _learnt = ("num_features", 1)


class _LazyInstanceNorm(_Lazy):
    """What they share: the channels are the dimension in front of the axes."""

    def __init__(
        self, eps: float = 1e-5, momentum: float = 0.1, affine: bool = True, track_running_stats: bool = True,
        device: Any = None, dtype: Any = None,
    ) -> None:  # fmt: skip
        super().__init__(eps, momentum, affine, track_running_stats, device=device, dtype=dtype)


class LazyInstanceNorm1d(_LazyInstanceNorm, InstanceNorm1d):
    """`InstanceNorm1d` whose `num_features` are the channels of its first input."""

    cls_to_become = InstanceNorm1d
    _learnt = ("num_features", -2)


class LazyInstanceNorm2d(_LazyInstanceNorm, InstanceNorm2d):
    """`InstanceNorm2d` whose `num_features` are the channels of its first input."""

    cls_to_become = InstanceNorm2d
    _learnt = ("num_features", -3)


class LazyInstanceNorm3d(_LazyInstanceNorm, InstanceNorm3d):
    """`InstanceNorm3d` whose `num_features` are the channels of its first input."""

    cls_to_become = InstanceNorm3d
    _learnt = ("num_features", -4)
