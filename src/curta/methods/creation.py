"""Methods of a tensor that make others of its format."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from curta.methods import late

if TYPE_CHECKING:
    from curta.tensor import Tensor


class CreationMethods:
    """`new_zeros` and its relatives: like the functions, with this tensor's format and device where none is named."""

    def _options(self: Any, options: dict[str, Any]) -> dict[str, Any]:
        options["dtype"] = options.get("dtype") or self.layout.dtype
        options["device"] = options.get("device") or self.layout.device
        return options

    def _beside(self: Any, made: Tensor) -> Tensor:
        """What can be written to from this tensor: `vmap` gives it a part for each slice."""
        if self.batch is None:
            return made
        from curta.batching.values import alongside

        return alongside(made, self)

    def new_tensor(self: Any, data: Any, **options: Any) -> Tensor:
        """A new tensor with a copy of `data`."""
        return late.functions.tensor(data, **self._options(options))

    def new_zeros(self: Any, *size: Any, **options: Any) -> Tensor:
        """Zeros of a shape."""
        return self._beside(late.functions.zeros(*size, **self._options(options)))

    def new_ones(self: Any, *size: Any, **options: Any) -> Tensor:
        """Ones of a shape."""
        return self._beside(late.functions.ones(*size, **self._options(options)))

    def new_empty(self: Any, *size: Any, **options: Any) -> Tensor:
        """A tensor of a shape, contents undefined."""
        return self._beside(late.functions.empty(*size, **self._options(options)))

    def new_empty_strided(self: Any, size: Any, stride: Any, **options: Any) -> Tensor:
        """A tensor with these strides, contents undefined."""
        return self._beside(late.functions.empty_strided(size, stride, **self._options(options)))

    def new_full(self: Any, size: Any, fill_value: Any, **options: Any) -> Tensor:
        """A tensor filled with one number."""
        return self._beside(late.functions.full(size, fill_value, **self._options(options)))
