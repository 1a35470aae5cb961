"""`curta.peak`: how many FLOP/s a device can do at most, which MFU is a share of."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from curta.costs import accelerators, processor, recognise, units
from curta.device import Device
from curta.dtypes import DType
from curta.errors import ArgumentError, ArgumentTypeError, DTypeError


@dataclass(frozen=True)
class Peak:
    """What a device can do at most: the denominator of MFU, and of the share of bandwidth.

    `flops_per_second` is of a matmul of dense matrices in `dtype`, never the rate "with sparsity". Only it is
    required, so that a device Curta does not know can be given by hand. ArgumentTypeError for what is no number,
    ArgumentError for one that is not positive and finite.

    >>> Peak(125e12, "bfloat16", name="my card").flops_per_second
    125000000000000.0
    """

    flops_per_second: float
    #: the format of the matrices; "" where it was not said
    dtype: DType | str = ""
    #: of the device's memory, bytes a second, read and written together
    bytes_per_second: float | None = None
    memory_bytes: int | None = None
    #: the device's official name
    name: str = "a device given by hand"
    #: what the figures are for: "chip", "die", "package", or a "machine"
    scope: str = ""
    #: the capacity as the vendor prints it, "80 GB" or "32 GiB"
    memory: str = ""
    #: where the figures are printed, or how they were measured
    source: str = "given by hand"
    notes: tuple[str, ...] = ()
    #: for a processor whose figure is measured, what its clock and its instructions allow; None where not known
    theoretical_flops_per_second: float | None = None

    def __post_init__(self) -> None:
        for name in ("flops_per_second", "bytes_per_second"):
            value = getattr(self, name)
            if value is None and name != "flops_per_second":
                continue
            if isinstance(value, bool) or not isinstance(value, int | float):
                raise ArgumentTypeError(f"Peak: {name} must be a number, got {type(value).__name__}")
            if not (math.isfinite(value) and value > 0):
                raise ArgumentError(f"Peak: {name} must be positive and finite, got {value}")
        if isinstance(self.dtype, DType):
            object.__setattr__(self, "dtype", self.dtype.name)

    def __str__(self) -> str:
        parts = [units.exact(self.flops_per_second, "FLOP/s") + (f" in {self.dtype}" if self.dtype else "")]
        if self.bytes_per_second is not None:
            parts.append(units.exact(self.bytes_per_second, "B/s"))
        if self.memory:
            parts.append(self.memory)
        text = f"{self.name}{f' ({self.scope})' if self.scope else ''}: {', '.join(parts)}; {self.source}"
        return "; ".join((text, *self.notes))


def peak(device: str | Device, dtype: DType | str, *, remeasure: bool = False) -> Peak:
    """The most that a device can do: FLOP/s of a dense matmul in `dtype`, bandwidth, memory, and where that is from.

    `device` is the name of an accelerator as its driver reports it ("NVIDIA A100-SXM4-80GB") or as people write it
    ("A100 SXM 80GB"), in any case; or "cpu" for this processor, as it runs Curta's matmul now. `dtype` is one of
    Curta's, or "tf32" or "float8". Accelerators' figures are their vendors' (`curta.costs.accelerators`); this
    processor's are measured once, in about a second, and kept in the cache directory for this processor, level, number
    of threads and version of Curta. `remeasure` measures again.

    DeviceError for a device without figures, which names those with a name like it; never another chip's figures.
    DTypeError for a format that there is no figure in; never another format's. ArgumentError to remeasure what is
    not measured, ArgumentTypeError for what is no name.

    >>> found = peak("NVIDIA A100-SXM4-80GB", "bfloat16")
    >>> found.name, found.flops_per_second, found.bytes_per_second, found.memory
    ('NVIDIA A100 SXM 80GB', 312000000000000.0, 2039000000000.0, '80 GB')
    """
    if not isinstance(device, str | Device):
        raise ArgumentTypeError(f"peak: device must be a name or a device, got {type(device).__name__}")
    wanted, name = _format(dtype), str(device)
    if name.strip().lower().split(":")[0] == "cpu":
        return Peak(**processor.figures(wanted, remeasure))
    found = recognise.accelerator(name)
    if remeasure:
        raise ArgumentError(f"peak: only 'cpu' can be measured again; {found.name}'s figures are its vendor's")
    return Peak(**_figures(found, wanted))


def _format(dtype: Any) -> str:
    """The name of a format."""
    name = dtype.name if isinstance(dtype, DType) else dtype
    if not isinstance(name, str):
        raise ArgumentTypeError(f"peak: dtype must be one of Curta's or a name, got {type(dtype).__name__}")
    if name not in accelerators.FORMATS:
        raise DTypeError(f"peak: there are figures in {', '.join(accelerators.FORMATS)}, not in {name!r}")
    return name


def _figures(found: accelerators.Accelerator, dtype: str) -> dict[str, Any]:
    if dtype not in found.tera:
        raise DTypeError(f"peak: {found.name} has no figure in {dtype}; it has {', '.join(found.tera)}")
    number, unit = found.memory
    return {
        "flops_per_second": round(found.tera[dtype] * 1e6) * 1e6,  # exactly what 10¹² times the decimal number is
        "dtype": dtype,
        "bytes_per_second": round(found.bandwidth * 1e3) * 1e6,
        "memory_bytes": number * accelerators.UNITS[unit],
        "name": found.name,
        "scope": found.scope,
        "memory": f"{number} {unit}",
        "source": found.source,
        "notes": found.notes,
    }
