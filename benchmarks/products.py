"""Products, convolutions and losses by themselves: the operators in which nearly all the FLOPs of a model are.

Each case has a shape as a variant, so that one process measures all of them.
"""

from __future__ import annotations

import importlib
import itertools
from collections.abc import Callable
from typing import Any

Work = Callable[[], object]
Build = Callable[[Any], dict[str, Work]]

SQUARES = (64, 256, 1024, 2048, 4096)
#: rows, width and outputs of a linear layer: a GPT's feed-forward layer, and two last projections
LAYERS = ((2048, 384, 1536), (2048, 384, 8192), (512, 768, 50257))
#: what one token of a decoder is multiplied with
VECTORS = ((768, 3072), (4096, 4096), (768, 50257))
#: rows of a batch of decoders, or of a small network
FEW_ROWS = (4, 16, 64)
#: of ResNet-50 for 224×224 images, four at a time: channels, size of the image, filters, size of the window, stride
RESNET_50 = (
    (3, 224, 64, 7, 2), (64, 56, 64, 1, 1), (64, 56, 64, 3, 1), (64, 56, 256, 1, 1), (256, 56, 128, 1, 1),
    (128, 56, 128, 3, 2), (128, 28, 512, 1, 1), (256, 56, 512, 1, 2), (512, 28, 256, 1, 1), (256, 28, 256, 3, 2),
    (256, 14, 1024, 1, 1), (512, 14, 512, 3, 2), (512, 7, 2048, 1, 1), (2048, 7, 512, 1, 1), (512, 7, 512, 3, 1),
)  # fmt: skip


def _numbers(framework: Any, dtype: str, *shape: int) -> Any:
    """The same numbers in every framework, small enough for every format."""
    import numpy as np

    made = np.random.default_rng(0).standard_normal(shape, dtype=np.float32)
    if framework is np:
        return made.astype(dtype)
    return framework.from_numpy(made).to(getattr(framework, dtype)).detach()


def _without_history(framework: Any, work: Work) -> Work:
    if framework.__name__ == "numpy":
        return work

    def run() -> None:
        with framework.no_grad():
            work()

    return run


def products(dtype: str, squares: tuple[int, ...] = SQUARES) -> Build:
    """Squares; linear layers (weights [N, K]) forward and their two gradients; one row times a matrix [N, K]."""

    def build(framework: Any) -> dict[str, Work]:
        found: dict[str, Work] = {}
        for size in squares:
            found[f"{size} square"] = _multiply(framework, dtype, (size, size), (size, size), False)
        for M, K, N in LAYERS:
            name = f"{M}×{K}×{N}"
            found[f"{name}, weights N×K"] = _multiply(framework, dtype, (M, K), (N, K), True)
            found[f"{name}, inputs' gradient"] = _multiply(framework, dtype, (M, N), (N, K), False)
            found[f"{name}, weights' gradient"] = _weights_gradient(framework, dtype, (M, N), (M, K))
        return {**found, **vectors(dtype)(framework)}

    return build


def vectors(dtype: str) -> Build:
    """One row times a matrix, weights [N, K]."""

    def build(framework: Any) -> dict[str, Work]:
        return {
            f"1×{K}×{N}, weights N×K": _multiply(framework, dtype, (1, K), (N, K), True) for K, N in VECTORS
        }  # fmt: skip

    return build


def few_rows(dtype: str) -> Build:
    """A few rows times a matrix, weights [N, K], and [K, N]."""

    def build(framework: Any) -> dict[str, Work]:
        found = {}
        for (K, N), rows in itertools.product(VECTORS[:2], FEW_ROWS):
            name = f"{rows}×{K}×{N}, weights"
            found[f"{name} N×K"] = _multiply(framework, dtype, (rows, K), (N, K), True)
            found[f"{name} K×N"] = _multiply(framework, dtype, (rows, K), (K, N), False)
        return found

    return build


def _multiply(framework: Any, dtype: str, left: tuple[int, int], right: tuple[int, int], turned: bool) -> Work:
    made: list[Any] = []

    def work() -> None:
        if not made:  # the operands of one variant at a time
            made.extend((_numbers(framework, dtype, *left), _numbers(framework, dtype, *right)))
        first, second = made
        first @ (second.T if turned else second)

    return _without_history(framework, work)


def _weights_gradient(framework: Any, dtype: str, slopes: tuple[int, int], inputs: tuple[int, int]) -> Work:
    made: list[Any] = []

    def work() -> None:
        if not made:
            made.extend((_numbers(framework, dtype, *slopes), _numbers(framework, dtype, *inputs)))
        first, second = made
        first.T @ second

    return _without_history(framework, work)


def convolutions(framework: Any) -> dict[str, Work]:
    """The layers of ResNet-50, four images at a time, and a layer of 16 images; forward."""
    found = {
        "16×64×56×56, 64 filters 3×3": _convolve(framework, 16, 64, 56, 64, 3, 1, False),
        "the same, forward+backward": _convolve(framework, 16, 64, 56, 64, 3, 1, True),
    }
    return found | _layers(framework, gradients=False)


def convolutions_both(framework: Any) -> dict[str, Work]:
    """The layers of ResNet-50, four images at a time, forward and backward."""
    return _layers(framework, gradients=True)


def _layers(framework: Any, *, gradients: bool) -> dict[str, Work]:
    return {
        f"4×{channels}×{size}×{size}, {filters} filters {window}×{window}, stride {stride}": _convolve(
            framework, 4, channels, size, filters, window, stride, gradients
        )
        for channels, size, filters, window, stride in RESNET_50
    }


def _convolve(
    framework: Any, images: int, channels: int, size: int, filters: int, window: int, stride: int, gradients: bool
) -> Work:
    F = importlib.import_module(f"{framework.__name__}.nn.functional")
    x = _numbers(framework, "float32", images, channels, size, size).requires_grad_(gradients)
    weight = _numbers(framework, "float32", filters, channels, window, window).requires_grad_(gradients)
    slopes = _numbers(framework, "float32", images, filters, -(-size // stride), -(-size // stride))

    def work() -> None:
        out = F.conv2d(x, weight, stride=stride, padding=window // 2)
        if gradients:
            out.backward(slopes)
            x.grad = weight.grad = None

    return work if gradients else _without_history(framework, work)


def vocabulary_losses(framework: Any) -> dict[str, Work]:
    """Cross-entropy of 2048 rows over 50,257 classes from their scores, and with the projection that makes these."""
    import numpy as np

    F = importlib.import_module(f"{framework.__name__}.nn.functional")
    targets = framework.from_numpy(np.random.default_rng(1).integers(0, 50257, 2048))
    scores = _numbers(framework, "float32", 2048, 50257).requires_grad_()
    x = _numbers(framework, "float32", 2048, 384).requires_grad_()
    weight = (_numbers(framework, "float32", 50257, 384) * 0.02).detach().requires_grad_()

    def from_scores() -> None:
        F.cross_entropy(scores, targets).backward()
        scores.grad = None

    def together(loss_of: Callable[[], Any]) -> Work:
        def work() -> None:
            loss_of().backward()
            x.grad = weight.grad = None

        return work

    return {
        "from scores, forward": _without_history(framework, lambda: F.cross_entropy(scores, targets)),
        "from scores, forward+backward": from_scores,
        "of linear from 384, forward+backward": together(lambda: F.cross_entropy(F.linear(x, weight), targets)),
        "linear_cross_entropy from 384, both": together(lambda: F.linear_cross_entropy(x, weight, targets)),
    }


CASES: dict[str, tuple[str, Build]] = {
    "products": ("product", products("float32")),
    "products_float16": ("product, float16", products("float16", SQUARES[:3])),
    "products_bfloat16": ("product, bfloat16", products("bfloat16")),
    "vectors_float16": ("product, float16", vectors("float16")),
    "few_rows": ("product of few rows", few_rows("float32")),
    "few_rows_float16": ("product of few rows, float16", few_rows("float16")),
    "few_rows_bfloat16": ("product of few rows, bfloat16", few_rows("bfloat16")),
    "convolutions": ("convolution", convolutions),
    "convolutions_both": ("convolution, forward+backward", convolutions_both),
    "vocabulary": ("cross-entropy, 2048×50257", vocabulary_losses),
}
