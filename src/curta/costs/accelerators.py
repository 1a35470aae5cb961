"""What accelerators can do, as their vendors say: literal figures, each with where it is printed.

Every rate is for dense matrices. Datasheets of NVIDIA since Ampere print a rate "with sparsity" beside or instead of
the dense one: twice as much, for matrices of which half the elements are zero in a fixed pattern, which training's are
not. Where only that is printed, half of it stands here, and the note says so. `float16`, `bfloat16` and `float8` are
with float32 accumulation; `float32` is plain float32 (`tf32` is its own row, ten bits of mantissa); `float64` and,
on AMD, `float32` are those of the matrix units, which a matmul uses.

A capacity is in bytes by the unit that the vendor prints: GB is 10⁹ bytes here and GiB 2³⁰, although NVIDIA's "80 GB"
are nearer to 80 GiB.
"""

from __future__ import annotations

from dataclasses import dataclass, field

#: the formats that have a column, as `peak` takes them
FORMATS = ("float64", "float32", "tf32", "float16", "bfloat16", "float8", "int8")
#: bytes in each unit of capacity that vendors print
UNITS = {"GB": 10**9, "GiB": 2**30}


@dataclass(frozen=True, slots=True)
class Accelerator:
    """One product: its name, the names that drivers and people use, and its figures.

    `tera` is 10¹² operations a second by format, `bandwidth` is in 10⁹ bytes a second, `memory` a number and its unit.
    """

    name: str
    aliases: tuple[str, ...]
    tera: dict[str, float]
    memory: tuple[int, str]
    bandwidth: float
    source: str
    #: what the figures are for: a board with one chip, one die of several, or a whole package
    scope: str = "chip"
    notes: tuple[str, ...] = field(default=())


_VOLTA = {"float64": 7.8, "float32": 15.7, "float16": 125.0}
_VOLTA_PCIE = {"float64": 7.0, "float32": 14.0, "float16": 112.0}
_AMPERE = {"float64": 19.5, "float32": 19.5, "tf32": 156.0, "float16": 312.0, "bfloat16": 312.0, "int8": 624.0}
_CDNA2_DIE = {"float64": 47.85, "float32": 47.85, "float16": 191.5, "bfloat16": 191.5, "int8": 191.5}
_CDNA2 = {name: 2 * rate for name, rate in _CDNA2_DIE.items()}
_CDNA3 = {
    "float64": 163.4, "float32": 163.4, "tf32": 653.7, "float16": 1307.4, "bfloat16": 1307.4, "float8": 2614.9,
    "int8": 2614.9,
}  # fmt: skip

_V100_SHEET = "NVIDIA V100 datasheet, https://images.nvidia.com/content/technologies/volta/pdf/volta-v100-datasheet.pdf"
_A100_SHEET = (
    "NVIDIA A100 datasheet, https://www.nvidia.com/content/dam/en-zz/Solutions/Data-Center/a100/pdf/"
    "nvidia-a100-datasheet-us-nvidia-1758950-r4-web.pdf"
)
_H100_PAPER = "NVIDIA H100 Tensor Core GPU Architecture whitepaper, and https://www.nvidia.com/en-us/data-center/h100/"
_H100_PAGE = "NVIDIA H100 specifications, https://www.nvidia.com/en-us/data-center/h100/"
_ADA_PAPER = (
    "NVIDIA Ada GPU Architecture whitepaper 2.02, appendix A, "
    "https://images.nvidia.com/aem-dam/Solutions/geforce/ada/nvidia-ada-gpu-architecture.pdf"
)
_BLACKWELL_PAPER = (
    "NVIDIA RTX Blackwell GPU Architecture whitepaper, appendix A, "
    "https://images.nvidia.com/aem-dam/Solutions/geforce/blackwell/nvidia-rtx-blackwell-gpu-architecture.pdf"
)
_MI250X_SHEET = "AMD Instinct MI250X, https://www.amd.com/en/products/accelerators/instinct/mi200/mi250x.html"
_HALVED = "the vendor prints these rates with sparsity only: half of what it prints"
_GEFORCE = (
    "a GeForce card does float16 and float8 with float32 accumulation, which training needs, at half the rate "
    "with float16 accumulation"
)
_RATIO_64 = "float64 runs at 1/64 of the rate of float32"
_MATRIX = "float32 and float64 are those of the matrix cores"

ACCELERATORS = (
    Accelerator(
        "NVIDIA V100 SXM2 16GB", ("V100-SXM2-16GB", "V100 16GB SXM2"), _VOLTA, (16, "GB"), 900.0, _V100_SHEET
    ),
    Accelerator(
        "NVIDIA V100 SXM2 32GB", ("V100-SXM2-32GB", "V100 32GB SXM2"), _VOLTA, (32, "GB"), 900.0, _V100_SHEET
    ),
    Accelerator(
        "NVIDIA V100 PCIe 16GB", ("V100-PCIE-16GB", "V100 16GB PCIe"), _VOLTA_PCIE, (16, "GB"), 900.0, _V100_SHEET
    ),
    Accelerator(
        "NVIDIA V100 PCIe 32GB", ("V100-PCIE-32GB", "V100 32GB PCIe"), _VOLTA_PCIE, (32, "GB"), 900.0, _V100_SHEET
    ),
    Accelerator(
        "NVIDIA A100 SXM 40GB", ("A100-SXM4-40GB", "A100-SXM-40GB", "A100 40GB SXM"), _AMPERE, (40, "GB"), 1555.0,
        _A100_SHEET,
    ),
    Accelerator(
        "NVIDIA A100 SXM 80GB", ("A100-SXM4-80GB", "A100-SXM-80GB", "A100 80GB SXM"), _AMPERE, (80, "GB"), 2039.0,
        _A100_SHEET,
    ),
    Accelerator(
        "NVIDIA A100 PCIe 40GB", ("A100-PCIE-40GB", "A100 40GB PCIe"), _AMPERE, (40, "GB"), 1555.0, _A100_SHEET
    ),
    Accelerator(
        "NVIDIA A100 PCIe 80GB", ("A100-PCIE-80GB", "A100 80GB PCIe"), _AMPERE, (80, "GB"), 1935.0, _A100_SHEET
    ),
    Accelerator(
        "NVIDIA H100 SXM",
        ("H100 80GB HBM3", "H100 SXM", "H100 SXM5", "H100 SXM5 80GB", "H100 SXM 80GB"),
        {
            "float64": 66.9, "float32": 66.9, "tf32": 494.7, "float16": 989.4, "bfloat16": 989.4, "float8": 1978.9,
            "int8": 1978.9,
        },
        (80, "GB"), 3350.0, _H100_PAPER,
        notes=("the product page prints the rates with sparsity only (1979 for bfloat16): the whitepaper has both",),
    ),
    Accelerator(
        "NVIDIA H100 PCIe",
        ("H100 PCIe", "H100 80GB HBM2e", "H100 PCIe 80GB"),
        {
            "float64": 51.2, "float32": 51.2, "tf32": 378.0, "float16": 756.0, "bfloat16": 756.0, "float8": 1513.0,
            "int8": 1513.0,
        },
        (80, "GB"), 2000.0, _H100_PAPER,
        notes=("the product page prints the rates with sparsity only (1513 for bfloat16): the whitepaper has both",),
    ),
    Accelerator(
        "NVIDIA H100 NVL",
        ("H100 NVL",),
        {
            "float64": 60.0, "float32": 60.0, "tf32": 417.5, "float16": 835.5, "bfloat16": 835.5, "float8": 1670.5,
            "int8": 1670.5,
        },
        (94, "GB"), 3900.0, _H100_PAGE,
        notes=(_HALVED, "one of the two cards of a pair"),
    ),
    Accelerator(
        "NVIDIA H200 SXM",
        ("H200", "H200 SXM", "H200 SXM 141GB", "H200 141GB HBM3e"),
        {
            "float64": 67.0, "float32": 67.0, "tf32": 494.5, "float16": 989.5, "bfloat16": 989.5, "float8": 1979.0,
            "int8": 1979.0,
        },
        (141, "GB"), 4800.0, "NVIDIA H200 specifications, https://www.nvidia.com/en-us/data-center/h200/",
        notes=(_HALVED,),
    ),
    Accelerator(
        "NVIDIA B200",
        ("B200", "B200 SXM", "B200 SXM 180GB"),
        {
            "float64": 37.0, "float32": 75.0, "tf32": 1125.0, "float16": 2250.0, "bfloat16": 2250.0, "float8": 4500.0,
            "int8": 4500.0,
        },
        (180, "GB"), 8000.0,
        "NVIDIA HGX B200 and DGX B200 specifications divided by their eight GPUs, "
        "https://www.nvidia.com/en-us/data-center/hgx/",
        "package",
        (_HALVED, "one package of two dies, at 1000 W in an HGX board"),
    ),
    Accelerator(
        "NVIDIA GB200",
        ("GB200", "GB200 186GB"),
        {
            "float64": 40.0, "float32": 80.0, "tf32": 1250.0, "float16": 2500.0, "bfloat16": 2500.0, "float8": 5000.0,
            "int8": 5000.0,
        },
        (186, "GB"), 8000.0,
        "NVIDIA GB200 NVL72 specifications, the superchip's divided by its two GPUs, "
        "https://www.nvidia.com/en-us/data-center/gb200-nvl72/",
        "package",
        (_HALVED, "one GPU (a package of two dies) of the two of a superchip, as the driver shows it"),
    ),
    Accelerator(
        "NVIDIA L4",
        ("L4", "L4 24GB"),
        {"float32": 30.3, "tf32": 60.0, "float16": 121.0, "bfloat16": 121.0, "float8": 242.5, "int8": 242.5},
        (24, "GB"), 300.0, "NVIDIA L4 specifications, https://www.nvidia.com/en-us/data-center/l4/",
        notes=(_HALVED,),
    ),
    Accelerator(
        "NVIDIA L40S",
        ("L40S", "L40S 48GB"),
        {"float32": 91.6, "tf32": 183.0, "float16": 362.05, "bfloat16": 362.05, "float8": 733.0, "int8": 733.0},
        (48, "GB"), 864.0, "NVIDIA L40S datasheet, https://www.nvidia.com/en-us/data-center/l40s/",
        notes=("the datasheet prints 362.05 | 733 for float16 without and with sparsity; half of 733 is 366.5",),
    ),
    Accelerator(
        "NVIDIA GeForce RTX 4090",
        ("RTX 4090", "RTX 4090 24GB"),
        {
            "float64": 1.29, "float32": 82.6, "tf32": 82.6, "float16": 165.2, "bfloat16": 165.2, "float8": 330.3,
            "int8": 660.6,
        },
        (24, "GB"), 1008.0, _ADA_PAPER,
        notes=(_GEFORCE + " (330.3 and 660.6)", _RATIO_64),
    ),
    Accelerator(
        "NVIDIA GeForce RTX 5090",
        ("RTX 5090", "RTX 5090 32GB"),
        {
            "float64": 1.64, "float32": 104.8, "tf32": 104.8, "float16": 209.5, "bfloat16": 209.5, "float8": 419.0,
            "int8": 838.0,
        },
        (32, "GB"), 1792.0, _BLACKWELL_PAPER,
        notes=(_GEFORCE + " (419 and 838)", _RATIO_64),
    ),
    Accelerator(
        "AMD Instinct MI250X (package)",
        ("MI250X package", "MI250X OAM"),
        _CDNA2, (128, "GiB"), 3276.8, _MI250X_SHEET, "package",
        (_MATRIX, "both dies together: a driver shows each of them as a device of its own"),
    ),
    Accelerator(
        "AMD Instinct MI250X (one GCD)",
        ("MI250X", "MI250X / MI250", "MI250X GCD", "MI250X one GCD"),
        _CDNA2_DIE, (64, "GiB"), 1638.4, _MI250X_SHEET, "die",
        (
            _MATRIX,
            "half of the package: a driver shows each die (GCD) as a device",
            "the driver's name is the same for an MI250, whose die does 181.0 in bfloat16: pass a peak of your own",
        ),
    ),
    Accelerator(
        "AMD Instinct MI300X",
        ("MI300X", "MI300X OAM", "MI300X VF"),
        _CDNA3, (192, "GiB"), 5300.0,
        "AMD Instinct MI300X, https://www.amd.com/en/products/accelerators/instinct/mi300/mi300x.html",
        "package",
        (_MATRIX, "all eight compute dies as one device (SPX), the default"),
    ),
    Accelerator(
        "AMD Instinct MI325X",
        ("MI325X", "MI325X OAM", "MI325X VF"),
        _CDNA3, (256, "GiB"), 6000.0,
        "AMD Instinct MI325X, https://www.amd.com/en/products/accelerators/instinct/mi300/mi325x.html",
        "package",
        (_MATRIX, "all eight compute dies as one device (SPX), the default"),
    ),
    Accelerator(
        "Google TPU v4",
        ("TPU v4",),
        {"bfloat16": 275.0, "int8": 275.0},
        (32, "GiB"), 1200.0, "Cloud TPU v4, https://cloud.google.com/tpu/docs/v4",
        notes=("a chip of two TensorCores",),
    ),
    Accelerator(
        "Google TPU v5e",
        ("TPU v5e", "TPU v5 lite", "TPU v5litepod"),
        {"bfloat16": 197.0, "int8": 393.0},
        (16, "GB"), 819.0, "Cloud TPU v5e, https://cloud.google.com/tpu/docs/v5e",
    ),
    Accelerator(
        "Google TPU v5p",
        ("TPU v5p", "TPU v5"),
        {"bfloat16": 459.0, "int8": 918.0},
        (95, "GB"), 2765.0, "Cloud TPU v5p, https://cloud.google.com/tpu/docs/v5p",
        notes=("a chip of two TensorCores",),
    ),
    Accelerator(
        "Google TPU v6e",
        ("TPU v6e", "TPU v6 lite", "Trillium"),
        {"bfloat16": 918.0, "int8": 1836.0},
        (32, "GB"), 1638.0, "Cloud TPU v6e, https://cloud.google.com/tpu/docs/v6e",
    ),
)  # fmt: skip
