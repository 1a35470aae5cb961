"""Parameters and FLOPs of well-known models, as published and as worked out by hand."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import pytest

import curta
from curta import nn
from curta.models import (
    PRESETS,
    BERTConfig,
    GPTConfig,
    ResNetConfig,
    ViTConfig,
    build,
    embedding_parameters,
    example_inputs,
    preset,
)

#: all parameters, and those of embeddings
PARAMETERS = {
    "gpt2": (124_439_808, (50257 + 1024) * 768),
    "gpt2-xl": (1_557_611_200, (50257 + 1024) * 1600),
    "llama-2-7b": (6_738_415_616, 32000 * 4096),
    "llama-3-8b": (8_030_261_248, 128256 * 4096),
    "llama-3-70b": (70_553_706_496, 128256 * 8192),
    "mistral-7b": (7_241_732_096, 32000 * 4096),
    "mixtral-8x7b": (46_702_792_704, 32000 * 4096),
    "resnet50": (25_557_032, 0),
    "vit-b-16": (86_567_656, (14 * 14 + 1 + 1) * 768),
    "bert-base": (109_482_240, (30522 + 512 + 2) * 768),
}


def run(name: str, batch: int, context: int | None = None) -> Any:
    """The account of a forward pass on the meta device."""
    config = preset(name)
    with curta.device("meta"):
        model = build(config).eval()
        inputs = example_inputs(config, batch, context)
    with curta.account() as books:
        model(*inputs)
    return books


def test_every_preset_has_its_numbers() -> None:
    assert PARAMETERS.keys() == PRESETS.keys()
    assert all(entry.source.startswith("https://") for entry in PRESETS.values())


@pytest.mark.parametrize("name", PRESETS)
def test_parameters(name: str) -> None:
    with curta.device("meta"):
        model = build(preset(name))
    assert (model.num_parameters(), embedding_parameters(model)) == PARAMETERS[name]
    assert all(parameter.is_meta for parameter in model.parameters())


@pytest.mark.parametrize("name", PRESETS)
def test_forward_and_backward_on_the_meta_device(name: str) -> None:
    config = preset(name)
    with curta.device("meta"):
        model = build(config)
        inputs = example_inputs(config, 2, None if name in ("resnet50", "vit-b-16") else 48)
        with curta.autocast("cpu", dtype=curta.bfloat16):
            made = model(*inputs)
        result = made[1] if isinstance(made, tuple) else made
        result.float().sum().backward()
    expected = {"resnet50": (2, 1000), "vit-b-16": (2, 1000), "bert-base": (2, 768)}
    assert result.shape == expected.get(name, (2, 48, getattr(config, "vocabulary", 0)))
    for each, parameter in model.named_parameters():
        assert parameter.grad is not None, each
        assert parameter.grad.layout.shape == parameter.layout.shape, each


def test_flops_of_gpt2() -> None:
    T, C, layers, V = 1024, 768, 12, 50257
    projections = layers * 2 * T * 12 * C * C + 2 * T * C * V
    assert projections + layers * 4 * T * T * C == 291_648_307_200  # as published: every token attends to every other
    seen = T * (T + 1) // 2
    products = projections + layers * 4 * seen * C
    books = run("gpt2", 1, T)
    assert books.model_flops == products == 272_339_828_736
    assert books.flops_by_convention() == {
        "executed": products,
        "causal attention": products,
        "full attention": 291_648_307_200,
        "2·N·D, all parameters": 2 * 124_439_808 * T,
        "2·N·D, without embeddings": 2 * (124_439_808 - (V + T) * C) * T,
    }


def test_flops_of_llama_2() -> None:
    T, C, layers = 512, 4096, 32
    weights = 6_738_415_616 - 32000 * C - (2 * layers + 1) * C  # all but the embedding and the normalizations
    seen = T * (T + 1) // 2
    assert run("llama-2-7b", 1, T).model_flops == 2 * T * weights + layers * 4 * seen * C


def test_flops_of_mistral_end_at_its_window() -> None:
    T, C, layers, window = 6144, 4096, 32, 4096
    weights = 7_241_732_096 - 32000 * C - (2 * layers + 1) * C
    seen = window * (window + 1) // 2 + (T - window) * window
    assert run("mistral-7b", 1, T).model_flops == 2 * T * weights + layers * 4 * seen * C


def test_flops_of_mixtral_are_those_of_two_experts_a_token() -> None:
    B, T, C, layers = 3, 37, 4096, 32
    expert = 3 * C * 14336
    weights = 46_702_792_704 - 32000 * C - (2 * layers + 1) * C - layers * 6 * expert  # 2 of 8 experts
    assert weights == 12_748_587_008
    seen = B * T * (T + 1) // 2
    assert run("mixtral-8x7b", B, T).model_flops == 2 * B * T * weights + layers * 4 * seen * C


def test_flops_of_resnet50() -> None:
    books = run("resnet50", 1)
    # torchvision's 4.09 G multiply-adds count the zeros around the images, and so does the account
    assert books.model_flops == 2 * 4_089_184_256
    assert books.by_op()["conv2d"].flops == 2 * (4_089_184_256 - 2048 * 1000)


def test_flops_of_vit() -> None:
    T, C, layers = 197, 768, 12
    products = 2 * 196 * C * C + layers * (2 * T * 12 * C * C + 4 * T * T * C) + 2 * C * 1000
    assert products == 35_127_656_448  # 17.56 G multiply-adds
    assert run("vit-b-16", 1).model_flops == products


def test_flops_of_bert() -> None:
    B, T, C, layers = 2, 512, 768, 12
    products = B * layers * (2 * T * 12 * C * C + 4 * T * T * C) + B * 2 * C * C
    assert run("bert-base", B, T).model_flops == products


def test_llama_3_70b_takes_no_memory() -> None:
    program = """
import curta
from curta.models import build, example_inputs, preset
config = preset("llama-3-70b")
with curta.device("meta"):
    model = build(config)
    (tokens,) = example_inputs(config, batch=4)
    model(tokens).sum().backward()
assert all(parameter.grad is not None for parameter in model.parameters())
# not ru_maxrss: that is at least what the starting process had
print(int(next(line for line in open("/proc/self/status") if line.startswith("VmHWM")).split()[1]))
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=120)
    assert int(done.stdout) < 500_000  # kilobytes


def test_example_inputs_are_the_same_numbers_each_time() -> None:
    (tokens,) = example_inputs(GPTConfig(vocabulary=5), batch=2, context=4)
    assert tokens.tolist() == [[0, 1, 2, 3], [4, 0, 1, 2]]
    (images,) = example_inputs(ViTConfig(image=32), batch=2)
    assert images.shape == (2, 3, 32, 32)
    assert (images.min().item(), images.max().item()) == (-1.0, 1.0)
    assert example_inputs(ResNetConfig())[0].shape == (1, 3, 224, 224)
    assert example_inputs(BERTConfig())[0].shape == (1, 512)
    assert example_inputs(BERTConfig(context=514, padding=1))[0].shape == (1, 512)


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: preset("gpt5"), ValueError, "unknown preset 'gpt5', there are gpt2, gpt2-xl, llama-2-7b, llama-3-8b,"),
        (lambda: build("gpt2"), TypeError, "build: expected the configuration of a model, got str"),
        (lambda: example_inputs(GPTConfig(), 0), ValueError, "example_inputs: batch must be positive, got 0"),
        (lambda: example_inputs(GPTConfig(), 1, -2), ValueError, "example_inputs: context must be positive, got -2"),
        (lambda: example_inputs(GPTConfig(), 1, 129), ValueError, "example_inputs: the context holds 128 tokens, got"),
        (lambda: example_inputs(ViTConfig(), 1, 5), ValueError, "example_inputs: images have no context, got 5"),
    ],
)  # fmt: skip
def test_what_is_refused(call: Any, error: Any, message: str) -> None:
    with pytest.raises(error, match=message):
        call()


def test_any_modules_embeddings_are_counted_once() -> None:
    table = nn.Embedding(5, 3)
    assert embedding_parameters(nn.Sequential(table, table, nn.Linear(3, 3))) == 15
