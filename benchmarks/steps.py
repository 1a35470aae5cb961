"""Whole training steps, eager and compiled: the same model, data and optimizer in PyTorch and in Curta."""

from __future__ import annotations

import contextlib
import importlib
from collections.abc import Callable
from typing import Any

Work = Callable[[], object]
Build = Callable[[Any], dict[str, Work]]


def _optimizer(framework: Any, model: Any) -> Any:
    """AdamW, fused."""
    optim = importlib.import_module(f"{framework.__name__}.optim")
    return optim.AdamW(model.parameters(), lr=1e-3, **({"fused": True} if framework.__name__ == "torch" else {}))


def _precision(framework: Any, half: bool) -> Any:
    return framework.autocast("cpu", dtype=framework.bfloat16) if half else contextlib.nullcontext()


def _variants(
    framework: Any, model: Any, inputs: Any, loss_of: Callable[[Any], Any], half: bool, optimizer: Any = None
) -> dict[str, Work]:
    """A step as it is written, and compiled: PyTorch compiles the model, Curta the whole step."""
    optimizer = optimizer or _optimizer(framework, model)

    def step_with(forward: Any) -> Work:
        def step() -> None:
            with _precision(framework, half):
                loss = loss_of(forward(inputs))
            loss.backward()
            optimizer.step()
            optimizer.zero_grad()

        return step

    compiled = (
        step_with(framework.compile(model)) if framework.__name__ == "torch" else framework.compile(step_with(model))
    )
    return {"eager": step_with(model), "compiled": compiled}


def gpt(layers: int, width: int, heads: int, context: int, vocabulary: int, batch: int, half: bool = False) -> Build:
    """A step of a GPT on random tokens with AdamW."""

    def build(framework: Any) -> dict[str, Work]:
        import numpy as np

        F = importlib.import_module(f"{framework.__name__}.nn.functional")
        if framework.__name__ == "torch":
            model = importlib.import_module("benchmarks.reference_gpt_torch").ReferenceGPT(
                width, layers, heads, context, vocabulary
            )
        else:
            from curta.models.gpt import GPT, GPTConfig

            model = GPT(GPTConfig(vocabulary, width, layers, heads, context))
        tokens = np.random.default_rng(2).integers(0, vocabulary, (batch, context + 1))
        inputs = framework.from_numpy(np.ascontiguousarray(tokens[:, :-1]))
        targets = framework.from_numpy(np.ascontiguousarray(tokens[:, 1:])).view(-1)
        return _variants(
            framework, model, inputs, lambda logits: F.cross_entropy(logits.view(-1, vocabulary), targets), half
        )

    return build


def mlp(framework: Any) -> dict[str, Work]:
    """A step of a perceptron 784-512-512-10 on a batch of 64."""
    import numpy as np

    nn = importlib.import_module(f"{framework.__name__}.nn")
    model = nn.Sequential(nn.Linear(784, 512), nn.ReLU(), nn.Linear(512, 512), nn.ReLU(), nn.Linear(512, 10))
    random = np.random.default_rng(3)
    inputs = framework.from_numpy(random.standard_normal((64, 784), dtype=np.float32))
    targets = framework.from_numpy(random.integers(0, 10, 64))
    return _variants(framework, model, inputs, lambda scores: nn.functional.cross_entropy(scores, targets), False)


def resnet18(framework: Any) -> dict[str, Work]:
    """A step of ResNet-18 with its stem for small images, 10 classes, on a batch of 32 images of 32 x 32."""
    import numpy as np

    if framework.__name__ == "torch":
        reference = importlib.import_module("benchmarks.reference_resnet_torch")
        model = reference.ReferenceResNet(num_classes=10, small_images=True)
    else:
        model = importlib.import_module("curta.models").resnet18(10, small_images=True)
    random = np.random.default_rng(4)
    inputs = framework.from_numpy(random.standard_normal((32, 3, 32, 32), dtype=np.float32))
    targets = framework.from_numpy(random.integers(0, 10, 32))
    cross_entropy = importlib.import_module(f"{framework.__name__}.nn.functional").cross_entropy
    return _variants(framework, model, inputs, lambda scores: cross_entropy(scores, targets), False)


def table(framework: Any) -> dict[str, Work]:
    """A step of a table of 50257 rows of 256 and a classifier of their mean on 16 texts of 128 tokens, with SGD.

    Of PyTorch's sparse gradients, which its compiler does not take, the eager step stands beside Curta's compiled one.
    """
    import numpy as np

    nn, optim = (importlib.import_module(f"{framework.__name__}.{name}") for name in ("nn", "optim"))
    random = np.random.default_rng(5)
    inputs = framework.from_numpy(random.integers(0, 50257, (16, 128)))
    targets = framework.from_numpy(random.integers(0, 10, 16))

    def variants(sparse: bool) -> dict[str, Work]:
        model = nn.Sequential(nn.Embedding(50257, 256, sparse=sparse), nn.Linear(256, 10))
        optimizer = optim.SGD(model.parameters(), lr=0.1)
        loss_of = nn.functional.cross_entropy
        return _variants(framework, model, inputs, lambda made: loss_of(made.mean(1), targets), False, optimizer)

    found = variants(sparse=False)
    beside = variants(sparse=True)["eager"] if framework.__name__ == "torch" else found["compiled"]
    return {**found, "PyTorch's sparse=True, compiled": beside}


CASES: dict[str, tuple[str, Build]] = {
    "step_mlp": ("step, MLP 784-512-512-10, batch 64", mlp),
    "step_gpt": ("step, GPT 4×128, context 128, batch 16", gpt(4, 128, 4, 128, 256, 16)),
    "step_gpt_half": ("the same, bfloat16 autocast", gpt(4, 128, 4, 128, 256, 16, True)),
    "step_gpt_384": ("step, GPT 6×384, context 256, vocabulary 8192, batch 8", gpt(6, 384, 6, 256, 8192, 8)),
    "step_gpt_384_half": ("the same, bfloat16 autocast", gpt(6, 384, 6, 256, 8192, 8, True)),
    "step_resnet18": ("step, ResNet-18 for 32×32 images, batch 32", resnet18),
    "step_table": ("step, embedding 50257×256 and a classifier, 16×128 tokens, SGD", table),
    "step_gpt2": ("step, GPT-2 124M, context 512, batch 1", gpt(12, 768, 12, 512, 50257, 1)),
    "step_gpt2_half": ("the same, bfloat16 autocast", gpt(12, 768, 12, 512, 50257, 1, True)),
}
