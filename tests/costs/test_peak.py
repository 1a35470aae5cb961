"""The table of accelerators against datasheets, and names that are one device's and no other's."""

from __future__ import annotations

import re
from dataclasses import FrozenInstanceError
from itertools import combinations
from typing import Any

import pytest

import curta
from curta.costs.accelerators import ACCELERATORS, FORMATS, UNITS
from curta.costs.recognise import key
from curta.errors import ArgumentError, ArgumentTypeError, DeviceError, DTypeError

#: device as its driver reports it, format, FLOP/s: written down from the vendors' pages, dense, none with sparsity
DATASHEETS = [
    ("Tesla V100-SXM2-16GB", "float16", 125e12),
    ("Tesla V100-SXM2-32GB", "float32", 15.7e12),
    ("Tesla V100-PCIE-16GB", "float16", 112e12),
    ("Tesla V100-PCIE-32GB", "float64", 7e12),
    ("NVIDIA A100-SXM4-40GB", "bfloat16", 312e12),
    ("NVIDIA A100-SXM4-80GB", "tf32", 156e12),
    ("NVIDIA A100-PCIE-40GB", "float32", 19.5e12),
    ("NVIDIA A100 80GB PCIe", "int8", 624e12),
    ("NVIDIA H100 80GB HBM3", "bfloat16", 989.4e12),
    ("NVIDIA H100 80GB HBM3", "float8", 1978.9e12),
    ("NVIDIA H100 PCIe", "bfloat16", 756e12),
    ("NVIDIA H100 NVL", "bfloat16", 835.5e12),
    ("NVIDIA H200", "bfloat16", 989.5e12),
    ("NVIDIA B200", "bfloat16", 2250e12),
    ("NVIDIA GB200", "bfloat16", 2500e12),
    ("NVIDIA L4", "bfloat16", 121e12),
    ("NVIDIA L40S", "bfloat16", 362.05e12),
    ("NVIDIA GeForce RTX 4090", "bfloat16", 165.2e12),
    ("NVIDIA GeForce RTX 4090", "float32", 82.6e12),
    ("NVIDIA GeForce RTX 5090", "float16", 209.5e12),
    ("AMD Instinct MI250X", "bfloat16", 191.5e12),
    ("AMD Instinct MI250X / MI250", "float16", 191.5e12),
    ("AMD Instinct MI250X package", "bfloat16", 383e12),
    ("AMD Instinct MI300X", "bfloat16", 1307.4e12),
    ("AMD Instinct MI325X", "float8", 2614.9e12),
    ("TPU v4", "bfloat16", 275e12),
    ("TPU v5 lite", "bfloat16", 197e12),
    ("TPU v5e", "int8", 393e12),
    ("TPU v5p", "bfloat16", 459e12),
    ("TPU v6 lite", "bfloat16", 918e12),
    ("TPU v6e", "int8", 1836e12),
]  # fmt: skip

#: device, bytes a second, bytes, the capacity as printed, what the figures are for
MEMORIES = [
    ("Tesla V100-SXM2-32GB", 900e9, 32 * 10**9, "32 GB", "chip"),
    ("NVIDIA A100-SXM4-40GB", 1555e9, 40 * 10**9, "40 GB", "chip"),
    ("NVIDIA A100-SXM4-80GB", 2039e9, 80 * 10**9, "80 GB", "chip"),
    ("NVIDIA A100 80GB PCIe", 1935e9, 80 * 10**9, "80 GB", "chip"),
    ("NVIDIA H100 80GB HBM3", 3350e9, 80 * 10**9, "80 GB", "chip"),
    ("NVIDIA H100 NVL", 3900e9, 94 * 10**9, "94 GB", "chip"),
    ("NVIDIA H200", 4800e9, 141 * 10**9, "141 GB", "chip"),
    ("NVIDIA B200", 8000e9, 180 * 10**9, "180 GB", "package"),
    ("NVIDIA L4", 300e9, 24 * 10**9, "24 GB", "chip"),
    ("NVIDIA L40S", 864e9, 48 * 10**9, "48 GB", "chip"),
    ("NVIDIA GeForce RTX 4090", 1008e9, 24 * 10**9, "24 GB", "chip"),
    ("NVIDIA GeForce RTX 5090", 1792e9, 32 * 10**9, "32 GB", "chip"),
    ("AMD Instinct MI250X", 1638.4e9, 64 * 2**30, "64 GiB", "die"),
    ("AMD Instinct MI300X", 5300e9, 192 * 2**30, "192 GiB", "package"),
    ("AMD Instinct MI325X", 6000e9, 256 * 2**30, "256 GiB", "package"),
    ("TPU v4", 1200e9, 32 * 2**30, "32 GiB", "chip"),
    ("TPU v5p", 2765e9, 95 * 10**9, "95 GB", "chip"),
]


def flops(device: str, dtype: Any = "bfloat16") -> float:
    return curta.peak(device, dtype).flops_per_second


@pytest.mark.parametrize(("device", "dtype", "expected"), DATASHEETS)
def test_figures_are_the_datasheets(device: str, dtype: str, expected: float) -> None:
    assert flops(device, dtype) == expected
    assert flops(device.upper(), dtype) == flops(device.lower(), dtype) == expected


@pytest.mark.parametrize(("device", "rate", "nbytes", "printed", "scope"), MEMORIES)
def test_memories_are_the_datasheets(device: str, rate: float, nbytes: int, printed: str, scope: str) -> None:
    found = curta.peak(device, next(name for name in ("bfloat16", "float16") if name in tera_of(device)))
    assert (found.bytes_per_second, found.memory_bytes, found.memory, found.scope) == (rate, nbytes, printed, scope)


def tera_of(device: str) -> dict[str, float]:
    names = {key(name): one.tera for one in ACCELERATORS for name in (one.name, *one.aliases)}
    return names[key(device)]


def test_an_l40s_and_an_rtx_4090_are_no_a100() -> None:
    a100 = flops("NVIDIA A100-SXM4-80GB")
    assert flops("NVIDIA L40S") != a100
    assert flops("NVIDIA GeForce RTX 4090") < 0.6 * a100


def test_relations_that_the_hardware_has() -> None:
    for name in ("NVIDIA A100-SXM4-80GB", "NVIDIA H100 80GB HBM3", "NVIDIA B200", "NVIDIA GB200",
                 "NVIDIA GeForce RTX 4090"):  # fmt: skip
        assert flops(name, "bfloat16") == 2 * flops(name, "tf32")
    for one in ACCELERATORS:
        tera = one.tera
        if "tf32" in tera:
            assert tera["bfloat16"] == tera["float16"] == pytest.approx(2 * tera["tf32"], rel=0.02), one.name
        if "float8" in tera:
            assert tera["float8"] == pytest.approx(2 * tera["bfloat16"], rel=0.02), one.name
    assert flops("MI250X package") == 2 * flops("AMD Instinct MI250X")


def test_the_rates_with_sparsity_are_nowhere() -> None:
    # what datasheets print with sparsity in bfloat16, in 10¹²
    sparse = {"NVIDIA A100 SXM 80GB": 624, "NVIDIA H100 SXM": 1979, "NVIDIA H100 PCIe": 1513, "NVIDIA H100 NVL": 1671,
              "NVIDIA H200 SXM": 1979, "NVIDIA B200": 4500, "NVIDIA GB200": 5000, "NVIDIA L4": 242,
              "NVIDIA L40S": 733, "NVIDIA GeForce RTX 4090": 330.4, "NVIDIA GeForce RTX 5090": 419}  # fmt: skip
    for name, printed in sparse.items():
        assert flops(name) == pytest.approx(printed * 1e12 / 2, rel=0.02), name


def test_the_clock_and_the_units_give_the_same_figures() -> None:
    # multiprocessors × FLOPs a cycle of each × boost clock, from the whitepapers
    assert flops("NVIDIA A100-SXM4-80GB") == pytest.approx(108 * 2048 * 1.41e9, rel=0.001)
    assert flops("NVIDIA H100 80GB HBM3") == pytest.approx(132 * 4096 * 1.83e9, rel=0.001)
    assert flops("Tesla V100-SXM2-32GB", "float16") == pytest.approx(80 * 1024 * 1.53e9, rel=0.01)
    assert flops("NVIDIA GeForce RTX 4090") == pytest.approx(128 * 512 * 2.52e9, rel=0.001)
    assert flops("NVIDIA GeForce RTX 5090") == pytest.approx(170 * 512 * 2.407e9, rel=0.001)
    assert flops("AMD Instinct MI250X") == pytest.approx(110 * 1024 * 1.7e9, rel=0.001)
    assert flops("AMD Instinct MI300X") == pytest.approx(304 * 2048 * 2.1e9, rel=0.001)


def test_every_entry_is_whole() -> None:
    names = [key(name) for one in ACCELERATORS for name in (one.name, *one.aliases)]
    assert "" not in names
    for one, other in combinations(ACCELERATORS, 2):
        shared = {key(n) for n in (one.name, *one.aliases)} & {key(n) for n in (other.name, *other.aliases)}
        assert not shared, (one.name, other.name)
    for one in ACCELERATORS:
        assert set(one.tera) <= set(FORMATS)
        assert all(0 < rate < 10_000 for rate in one.tera.values())
        assert one.memory[1] in UNITS
        assert one.scope in ("chip", "die", "package")
        assert re.search(r"https://\S+", one.source), one.name


@pytest.mark.parametrize(
    ("device", "near"),
    [
        ("NVIDIA GeForce RTX 4090 Laptop GPU", "NVIDIA GeForce RTX 4090, NVIDIA GeForce RTX 5090"),
        ("NVIDIA GeForce RTX 4090 D", "NVIDIA GeForce RTX 4090, NVIDIA GeForce RTX 5090"),
        ("NVIDIA L40", "NVIDIA L4, NVIDIA L40S"),
        ("NVIDIA A100", "NVIDIA A100 SXM 40GB, NVIDIA A100 SXM 80GB, NVIDIA A100 PCIe 40GB, NVIDIA A100 PCIe 80GB"),
        ("NVIDIA A100X", "NVIDIA A100 SXM 40GB, NVIDIA A100 SXM 80GB, NVIDIA A100 PCIe 40GB, NVIDIA A100 PCIe 80GB"),
        ("NVIDIA A100-SXM4-80GB MIG 1g.10gb",
         "NVIDIA A100 SXM 40GB, NVIDIA A100 SXM 80GB, NVIDIA A100 PCIe 40GB, NVIDIA A100 PCIe 80GB"),
        ("NVIDIA H20", "NVIDIA H200 SXM, NVIDIA B200, NVIDIA GB200"),
    ],
)  # fmt: skip
def test_a_name_like_another_is_refused(device: str, near: str) -> None:
    with pytest.raises(DeviceError) as caught:
        curta.peak(device, "bfloat16")
    assert str(caught.value) == (
        f"peak: there are no figures of {device!r}; near it are {near}. If you know what it does, say so: "
        "curta.Peak(flops_per_second, dtype, bytes_per_second)"
    )


@pytest.mark.parametrize(
    "device", ["NVIDIA H800", "NVIDIA A800-SXM4-80GB", "NVIDIA A10", "Tesla V100S-PCIE-32GB", "NVIDIA GH200 480GB",
               "NVIDIA H200 NVL", "AMD Instinct MI300A", "AMD Instinct MI250", "TPU v2", "TPU v3", "TPU7x", "cuda", ""],
)  # fmt: skip
def test_other_devices_are_nobody_elses(device: str) -> None:
    with pytest.raises(DeviceError, match="there are no figures of"):
        curta.peak(device, "bfloat16")


def test_nothing_is_near_a_name_from_elsewhere() -> None:
    with pytest.raises(DeviceError, match=r"there are no figures of 'zebra'; nothing is near it\. If you know"):
        curta.peak("zebra", curta.float32)


def test_formats() -> None:
    assert flops("NVIDIA L4", curta.bfloat16) == flops("NVIDIA L4", "bfloat16")
    with pytest.raises(DTypeError) as caught:
        curta.peak("Tesla V100-SXM2-16GB", curta.bfloat16)
    assert str(caught.value) == (
        "peak: NVIDIA V100 SXM2 16GB has no figure in bfloat16; it has float64, float32, float16"
    )
    with pytest.raises(DTypeError) as caught:
        curta.peak("TPU v4", curta.float32)
    assert str(caught.value) == "peak: Google TPU v4 has no figure in float32; it has bfloat16, int8"
    with pytest.raises(DTypeError) as caught:
        curta.peak("NVIDIA B200", "float4")
    assert str(caught.value) == (
        "peak: there are figures in float64, float32, tf32, float16, bfloat16, float8, int8, not in 'float4'"
    )
    with pytest.raises(ArgumentTypeError, match=r"^peak: dtype must be one of Curta's or a name, got int$"):
        curta.peak("NVIDIA B200", 16)  # type: ignore[arg-type]


def test_what_is_no_name() -> None:
    with pytest.raises(ArgumentTypeError, match=r"^peak: device must be a name or a device, got int$"):
        curta.peak(100, "bfloat16")  # type: ignore[arg-type]
    with pytest.raises(ArgumentError) as caught:
        curta.peak("NVIDIA L4", "bfloat16", remeasure=True)
    assert str(caught.value) == "peak: only 'cpu' can be measured again; NVIDIA L4's figures are its vendor's"


def test_halved_figures_say_so() -> None:
    for name in ("NVIDIA H100 NVL", "NVIDIA H200", "NVIDIA B200", "NVIDIA GB200", "NVIDIA L4"):
        assert "with sparsity only: half of what it prints" in str(curta.peak(name, "bfloat16"))
    assert "at half the rate with float16 accumulation" in str(curta.peak("NVIDIA GeForce RTX 4090", "float16"))


def test_a_peak_prints_what_it_is() -> None:
    assert str(curta.peak("NVIDIA A100-SXM4-40GB", "bfloat16")).startswith(
        "NVIDIA A100 SXM 40GB (chip): 312 TFLOP/s in bfloat16, 1.555 TB/s, 40 GB; NVIDIA A100 datasheet, https://"
    )
    assert str(curta.Peak(2e12)) == "a device given by hand: 2 TFLOP/s; given by hand"


def test_a_peak_by_hand() -> None:
    mine = curta.Peak(100e12, curta.bfloat16, 1e12, name="mine")
    assert (mine.dtype, mine.memory_bytes, mine.theoretical_flops_per_second) == ("bfloat16", None, None)
    with pytest.raises(FrozenInstanceError):
        mine.flops_per_second = 1.0  # type: ignore[misc]


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        (("fast",), ArgumentTypeError, "Peak: flops_per_second must be a number, got str"),
        ((True,), ArgumentTypeError, "Peak: flops_per_second must be a number, got bool"),
        ((None,), ArgumentTypeError, "Peak: flops_per_second must be a number, got NoneType"),
        ((0,), ArgumentError, "Peak: flops_per_second must be positive and finite, got 0"),
        ((float("nan"),), ArgumentError, "Peak: flops_per_second must be positive and finite, got nan"),
        ((1e12, "float32", -1.0), ArgumentError, "Peak: bytes_per_second must be positive and finite, got -1.0"),
    ],
)
def test_a_peak_that_cannot_be(arguments: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error) as caught:
        curta.Peak(*arguments)
    assert type(caught.value) is error
    assert str(caught.value) == message
