"""Scaling a loss so that the gradients of half-precision training do not round to zero."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from curta.autograd.modes import no_grad
from curta.autograd.state import STATE
from curta.device import Device, resolve
from curta.dtypes import float16, float32
from curta.errors import ArgumentError, ArgumentTypeError, OrderError, UnsupportedError
from curta.functions.creation import full
from curta.optim.optimizer import Optimizer
from curta.optim.update import Stage, run_wave
from curta.tensor import Tensor

#: the largest float32
_LARGEST = float.fromhex("0x1.fffffep127")

_READY, _UNSCALED, _STEPPED = "ready", "unscaled", "stepped"


class GradScaler:
    """Multiplies losses by a scale, divides gradients by it, and leaves out the steps whose gradients overflow.

    Each overflow multiplies the scale by `backoff_factor`, each `growth_interval` steps without one by
    `growth_factor`. `scale` and a backward pass may be inside of a compiled function, and follow the scale; what
    decides by values (`unscale_`, `step`, `update`) raises UnsupportedError there. `device` is "cpu".

    >>> import curta
    >>> weight = curta.nn.Parameter(curta.tensor([1.0]))
    >>> optimizer, scaler = curta.optim.SGD([weight], lr=2.0**20), GradScaler(init_scale=2.0**14)
    >>> loss = (weight.half() * 2.0**-20 * 2.0**-5).sum()  # its gradient, 2**-25, is 0 as a float16
    >>> scaler.scale(loss).backward()
    >>> scaler.step(optimizer); scaler.update()
    >>> weight.tolist()
    [0.96875]
    """

    def __init__(
        self,
        device: Device | str = "cpu",
        init_scale: float = 2.0**16,
        growth_factor: float = 2.0,
        backoff_factor: float = 0.5,
        growth_interval: int = 2000,
        enabled: bool = True,
    ) -> None:
        self._enabled = enabled
        if not enabled:
            return
        if growth_factor <= 1.0:
            raise ArgumentError("The growth factor must be > 1.0.")
        if backoff_factor >= 1.0:
            raise ArgumentError("The backoff factor must be < 1.0.")
        self._growth_factor = growth_factor
        self._backoff_factor = backoff_factor
        self._growth_interval = growth_interval
        self._growth_tracker = 0
        self._scale = full((), float(init_scale), dtype=float32, device=resolve(device))
        self._forget()

    def _forget(self) -> None:
        #: by optimizer: whether its gradients are as they were, unscaled, or used; and whether one was not finite
        self._stages: dict[int, str] = {}
        self._overflows: dict[int, bool] = {}

    def scale(self, outputs: Any) -> Any:
        """A loss times the scale, or each one of an iterable of losses (a list and a tuple stay what they are)."""
        if not self._enabled:
            return outputs
        if isinstance(outputs, Tensor):
            return outputs * self._scale
        if isinstance(outputs, list | tuple):
            return type(outputs)(map(self.scale, outputs))
        if isinstance(outputs, Iterable):
            return map(self.scale, outputs)
        raise ArgumentError("outputs must be a Tensor or an iterable of Tensors")

    def unscale_(self, optimizer: Optimizer) -> None:
        """Divide the gradients of an optimizer's parameters by the scale: before they are clipped, say.

        OrderError a second time since the last `update`. ArgumentError for float16 gradients: the small ones would be
        lost again.
        """
        if not self._enabled:
            return
        self._outside("unscale_")
        now = self._stages.get(id(optimizer), _READY)
        if now == _UNSCALED:
            raise OrderError("unscale_() has already been called on this optimizer since the last update().")
        if now == _STEPPED:
            raise OrderError("unscale_() is being called after step().")
        found = [one for group in optimizer.param_groups for one in group["params"] if one.grad is not None]
        if any(one.grad.dtype is float16 for one in found):
            raise ArgumentError("Attempting to unscale FP16 gradients.")
        if found:
            gradients, places = [(one.grad,) for one in found], [one.place for one in found]
            (finite,) = run_wave([Stage(_finite, gradients)], places)
            inverse = 1.0 / self.get_scale()
            run_wave([Stage(_times, gradients, (inverse,), written=(0,))], places)
            self._overflows[id(optimizer)] = not all(one.item() for one in finite)
        self._stages[id(optimizer)] = _UNSCALED

    def step(self, optimizer: Optimizer, *args: Any, **kwargs: Any) -> Any:
        """`optimizer.step`, with gradients divided by the scale; None and no step where one of them is not finite.

        OrderError a second time since the last `update`, and where no parameter has a gradient.
        """
        if not self._enabled:
            return optimizer.step(*args, **kwargs)
        self._outside("step")
        if "closure" in kwargs or args:
            raise UnsupportedError("Closure use is not currently supported if GradScaler is enabled.")
        now = self._stages.get(id(optimizer), _READY)
        if now == _STEPPED:
            raise OrderError("step() has already been called since the last update().")
        if now == _READY:
            self.unscale_(optimizer)
        if id(optimizer) not in self._overflows:
            raise OrderError("No inf checks were recorded for this optimizer.")
        self._stages[id(optimizer)] = _STEPPED
        return None if self._overflows[id(optimizer)] else optimizer.step(**kwargs)

    def update(self, new_scale: float | Tensor | None = None) -> None:
        """Change the scale by what the steps since the last `update` found, or set it to `new_scale`."""
        if not self._enabled:
            return
        self._outside("update")
        if new_scale is not None:
            self._set(_as_number(new_scale))
        elif not self._overflows:
            raise OrderError("No inf checks were recorded prior to update.")
        elif any(self._overflows.values()):
            self._set(self.get_scale() * self._backoff_factor)
            self._growth_tracker = 0
        else:
            self._growth_tracker += 1
            if self._growth_tracker == self._growth_interval:
                larger = self.get_scale() * self._growth_factor
                if larger <= _LARGEST:
                    self._set(larger)
                self._growth_tracker = 0
        self._forget()

    def _set(self, scale: float) -> None:
        with no_grad():
            self._scale.fill_(scale)

    def _outside(self, name: str) -> None:
        if STATE.recorder is not None:
            raise UnsupportedError(
                f"GradScaler.{name} decides by the values of gradients: call it outside of the compiled function, "
                "which may hold scale() and backward()"
            )

    def get_scale(self) -> float:
        """The scale, 1.0 where scaling is disabled."""
        return float(self._scale.item()) if self._enabled else 1.0

    def get_growth_factor(self) -> float:
        """What the scale is multiplied by after `growth_interval` steps without an overflow."""
        return self._growth_factor

    def set_growth_factor(self, new_factor: float) -> None:
        """Change what `get_growth_factor` gives."""
        self._growth_factor = new_factor

    def get_backoff_factor(self) -> float:
        """What the scale is multiplied by after an overflow."""
        return self._backoff_factor

    def set_backoff_factor(self, new_factor: float) -> None:
        """Change what `get_backoff_factor` gives."""
        self._backoff_factor = new_factor

    def get_growth_interval(self) -> int:
        """After how many steps without an overflow the scale grows."""
        return self._growth_interval

    def set_growth_interval(self, new_interval: int) -> None:
        """Change what `get_growth_interval` gives."""
        self._growth_interval = new_interval

    def is_enabled(self) -> bool:
        """Whether losses are scaled at all."""
        return self._enabled

    def state_dict(self) -> dict[str, Any]:
        """The scale and what moves it, under PyTorch's names; empty where scaling is disabled."""
        if not self._enabled:
            return {}
        return {
            "scale": self.get_scale(),
            "growth_factor": self._growth_factor,
            "backoff_factor": self._backoff_factor,
            "growth_interval": self._growth_interval,
            "_growth_tracker": self._growth_tracker,
        }

    def load_state_dict(self, state_dict: Mapping[str, Any]) -> None:
        """Go on from a `state_dict`; OrderError for that of a disabled scaler."""
        if not self._enabled:
            return
        if not state_dict:
            raise OrderError(
                "The source state dict is empty, possibly because it was saved from a disabled instance of GradScaler."
            )
        self._set(float(state_dict["scale"]))
        self._growth_factor = state_dict["growth_factor"]
        self._backoff_factor = state_dict["backoff_factor"]
        self._growth_interval = state_dict["growth_interval"]
        self._growth_tracker = int(state_dict["_growth_tracker"])

    def __getstate__(self) -> dict[str, Any]:
        if self._enabled and self._stages:
            raise OrderError(
                "A GradScaler instance may only be pickled at the beginning of an iteration, or at the end after "
                "scaler.update()."
            )
        return self.__dict__


def _finite(gradient: Tensor) -> Tensor:
    return gradient.isfinite().all()


def _times(gradient: Tensor, number: float) -> Tensor:
    return gradient * number


def _as_number(scale: float | Tensor) -> float:
    if isinstance(scale, Tensor) and (scale.numel() != 1 or scale.requires_grad):
        raise ArgumentError("new_scale should be a number or a tensor of one element with requires_grad=False.")
    if not isinstance(scale, Tensor | float | int):
        raise ArgumentTypeError(f"new_scale should be a number or a tensor of one element, got {type(scale).__name__}")
    return float(scale)
