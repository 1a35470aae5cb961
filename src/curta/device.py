"""Where a tensor's memory is: `cpu` here, `meta` for shapes without data, `cuda` when a runtime for it exists."""

from __future__ import annotations

import threading

from curta.errors import ArgumentTypeError, CurtaError, DeviceError, kind_of

KNOWN_TYPES = ("cpu", "cuda", "meta")


class CudaAssertionError(CurtaError, AssertionError):
    """Asked for CUDA where there is none; PyTorch raises an AssertionError here."""


class Device:
    """A device by type and index; equal devices are one object, so that comparing and hashing them is free.

    As a context manager it is where new tensors are made, in this thread, if nobody names a device: inside of
    `with curta.device("meta"):` a model of any size takes no memory. Raises `DeviceError` for an unknown type.

    >>> import curta
    >>> Device("cuda:1").index, str(Device("cpu")), Device("cpu") is Device("cpu")
    (1, 'cpu', True)
    >>> with Device("meta"):
    ...     layer = curta.nn.Linear(1_000_000, 1_000_000)
    >>> layer.weight.device, curta.zeros(1).device
    (device(type='meta'), device(type='cpu'))
    """

    __slots__ = ("index", "type")

    type: str
    index: int | None

    def __new__(cls, type: str | Device, index: int | None = None) -> Device:
        if isinstance(type, Device):
            return type
        if not isinstance(type, str):
            raise ArgumentTypeError(f"device: requires a string or a device, got {kind_of(type)}")
        name, colon, number = type.partition(":")
        if colon and (not number.isdigit() or index is not None):
            raise DeviceError(f"Invalid device string: '{type}'")
        if name not in KNOWN_TYPES:
            raise DeviceError(f"Expected one of {', '.join(KNOWN_TYPES)} device type at start of device string: {name}")
        fresh = super().__new__(cls)
        fresh.type = name
        fresh.index = int(number) if colon else index
        return _DEVICES.setdefault((name, fresh.index), fresh)

    def __enter__(self) -> Device:
        wanted = resolve(self)
        _DEFAULT.before.append(_DEFAULT.device)
        _DEFAULT.device = wanted
        return self

    def __exit__(self, *exception: object) -> None:
        _DEFAULT.device = _DEFAULT.before.pop()

    def __reduce__(self) -> tuple[object, tuple[object, ...]]:
        return Device, (self.type, self.index)

    def __repr__(self) -> str:
        return (
            f"device(type='{self.type}')" if self.index is None else f"device(type='{self.type}', index={self.index})"
        )

    def __str__(self) -> str:
        return self.type if self.index is None else f"{self.type}:{self.index}"


_DEVICES: dict[tuple[str, int | None], Device] = {}
CPU = Device("cpu")
META = Device("meta")


class _Default(threading.local):
    """Where this thread makes tensors if nobody names a device."""

    def __init__(self) -> None:
        self.device: Device = CPU
        #: what it was outside of each open `with` block
        self.before: list[Device] = []


_DEFAULT = _Default()


def get_default_device() -> Device:
    """Where this thread makes new tensors if nobody names a device.

    >>> get_default_device()
    device(type='cpu')
    """
    return _DEFAULT.device


def set_default_device(device: str | Device | None) -> None:
    """Make this thread's new tensors on `device` from now on; None is the CPU.

    Tensors made from others (`zeros_like`, `new_ones`, `from_numpy`) stay where these are. Raises `DeviceError` for an
    unknown device.

    >>> set_default_device("meta")
    >>> get_default_device()
    device(type='meta')
    >>> set_default_device(None)
    """
    _DEFAULT.device = CPU if device is None else resolve(device)


def resolve(device: str | Device | None) -> Device:
    """The one object for `device`, the default one for None; raises what PyTorch raises where there is no such device.

    >>> resolve(None) is CPU
    True
    """
    if device is None:
        return _DEFAULT.device
    if device is CPU:
        return CPU
    wanted = Device(device)
    if wanted.type == "cpu":
        return CPU
    if wanted.type == "meta":
        return META
    raise CudaAssertionError("Torch not compiled with CUDA enabled: Curta has no CUDA runtime yet; use device='cpu'")
