"""Methods of a tensor: arrays of NumPy, memory of other frameworks, copies and pickles."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from curta.device import META
from curta.errors import ArgumentError, ArgumentTypeError, AutogradError
from curta.methods import late

if TYPE_CHECKING:
    from curta.tensor import Tensor


class ExchangeMethods:
    """A tensor's memory and values outside of Curta."""

    def numpy(self: Any, *, force: bool = False) -> Any:
        """The tensor's memory as a NumPy array that shares it (bfloat16 is ml_dtypes'); with `force` detached first.

        AutogradError for a tensor that requires grad, ArgumentTypeError on the meta device.
        """
        if self._requires_grad and not force:
            raise AutogradError("Can't call numpy() on Tensor that requires grad. Use tensor.detach().numpy() instead.")
        if self.layout.device is META:
            raise ArgumentTypeError("can't convert a tensor on the meta device to numpy: it has no data")
        return late.host.array(self)

    def __array__(self: Any, dtype: Any = None, copy: bool | None = None) -> Any:
        values = self.numpy()
        if dtype is not None and values.dtype != dtype:
            if copy is False:
                raise ArgumentError(f"Unable to avoid copy while creating an array of {dtype} from {values.dtype}.")
            return values.astype(dtype)
        return values.copy() if copy else values

    #: before arrays: NumPy's operators leave `array + tensor` to the tensor
    __array_priority__ = 1000

    def __array_wrap__(self: Any, array: Any, context: Any = None, return_scalar: bool = False) -> Tensor:
        """What NumPy's functions of tensors give: tensors, truth values as uint8, as in PyTorch."""
        return late.functions.from_numpy(array.astype("uint8") if array.dtype == bool else array)

    def __dlpack__(
        self: Any, *, stream: Any = -1, max_version: tuple[int, int] | None = None, dl_device: Any = None,
        copy: bool | None = None,
    ) -> Any:  # fmt: skip
        """A capsule over the tensor's memory for another framework's `from_dlpack`; versioned from `max_version` 1.0.

        ExchangeError (a BufferError) for a tensor that requires grad, on the meta device, or for a device that is not
        the CPU.
        """
        from curta.dlpack.outward import export

        return export(self, stream, max_version, dl_device, copy)

    def __dlpack_device__(self: Any) -> tuple[Any, int]:
        """The kind and number of the tensor's device, as DLPack counts; ArgumentError on the meta device."""
        from curta.dlpack.structures import DLDeviceType

        if self.layout.device is META:
            raise ArgumentError("Unknown device type meta for Dlpack")
        return DLDeviceType["kDLCPU"], 0

    def __array_namespace__(self: Any, /, *, api_version: str | None = None) -> Any:
        """`curta.array_api`, the functions of the array API standard; ArgumentError for a version it does not have."""
        from curta import array_api

        if api_version not in (None, *array_api.VERSIONS):
            raise ArgumentError(
                f"__array_namespace__(): version {api_version!r} is not supported: {', '.join(array_api.VERSIONS)} are"
            )
        return array_api

    # copies and pickles

    def __deepcopy__(self: Any, memo: dict[int, Any]) -> Any:
        from curta import pickling

        return pickling.deep_copy(self, memo)

    def __reduce_ex__(self: Any, protocol: Any) -> Any:
        from curta import pickling

        return pickling.reduced(self)

    def __setstate__(self: Any, state: dict[str, Any]) -> None:
        from curta import pickling

        pickling.restore(self, state)
