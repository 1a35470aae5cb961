"""Tiny models as transformers 5.24 and torch 2.13 gave them in float64, weights under the names of their checkpoints.

`recorded.json` has, for each, the fields of its configuration, the shapes of the weights by name, and what came out:
some logits, the loss, which is their mean square, and the norm of every gradient. Weights, and the tokens after them,
are NumPy's: normal numbers times 0.3, vectors 0.7 higher, in the order of the names.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import curta
from curta.models import ViTConfig, build, from_config, translate_state_dict
from curta.models.resnet import ResNet

RECORDED: dict[str, Any] = json.loads((Path(__file__).parent / "recorded.json").read_text(encoding="utf-8"))
TEXT = [name for name in RECORDED if name not in ("vit", "resnet")]


def normal(rng: np.random.Generator, shape: Any) -> Any:
    return rng.standard_normal(tuple(shape)) * 0.3 + (len(shape) == 1) * 0.7


def text_model(name: str, dtype: Any = curta.float64) -> tuple[Any, tuple[Any, ...]]:
    """The model with the recorded weights, and its inputs."""
    entry = RECORDED[name]
    rng = np.random.default_rng(0)
    weights = {each: curta.from_numpy(normal(rng, shape)) for each, shape in sorted(entry["shapes"].items())}
    config = from_config(entry["config"])
    model: Any = build(config).to(dtype)
    model.load_state_dict(translate_state_dict(config, weights))
    inputs = [rng.integers(0, 19, (2, entry["length"]))]
    if name == "bert":
        mask = np.ones_like(inputs[0])
        mask[0, -2:] = 0
        inputs += [rng.integers(0, 2, (2, entry["length"])), mask]
    return model, tuple(map(curta.from_numpy, inputs))


def loss_of(result: Any) -> Any:
    """What was differentiated, from logits or from BERT's states."""
    if isinstance(result, tuple):
        return (result[0] ** 2).mean() + result[1].mean()
    return (result**2).mean()


def check_text(name: str, model: Any, result: Any, tolerance: float) -> None:
    entry = RECORDED[name]
    logits = result[0] if isinstance(result, tuple) else result
    values = logits.detach().numpy()
    np.testing.assert_allclose(values[0, 0, :3], entry["first"], rtol=tolerance, atol=tolerance)
    np.testing.assert_allclose(values[1, -1, -3:], entry["last"], rtol=tolerance, atol=tolerance)
    if name == "bert":
        np.testing.assert_allclose(result[1].detach().numpy()[1, :3], entry["pooled"], rtol=tolerance, atol=tolerance)
    norms = {each: curta.tensor([norm]) for each, norm in entry["gradients"].items()}
    wanted = {each: norm.item() for each, norm in translate_one_row(model.config, norms).items()}
    found = {each: np.linalg.norm(one.grad.numpy()) for each, one in model.named_parameters()}
    assert found.keys() == wanted.keys()
    for each, norm in wanted.items():
        assert found[each] == pytest.approx(norm, rel=10 * tolerance, abs=1e-7), each


def translate_one_row(config: Any, numbers: dict[str, Any]) -> dict[str, Any]:
    """Vectors in place of weights: turning one over changes nothing."""
    return translate_state_dict(config, {name: one.reshape(1, 1) for name, one in numbers.items()})


@pytest.mark.parametrize("name", TEXT)
def test_text_models_are_hugging_faces(name: str) -> None:
    model, inputs = text_model(name)
    result = model(*inputs)
    loss = loss_of(result)
    loss.backward()
    # theirs makes the angles of rotary positions in float32, ours the frequencies in double precision
    assert loss.item() == pytest.approx(RECORDED[name]["loss"], rel=1e-6)
    check_text(name, model, result, 1e-5)


@pytest.mark.parametrize("name", TEXT)
def test_compiled_text_models_are_hugging_faces(name: str) -> None:
    model, inputs = text_model(name, curta.float32)

    def step(*inputs: Any) -> Any:
        result = model(*inputs)
        loss_of(result).backward()
        return tuple(one.detach() for one in result) if isinstance(result, tuple) else (result.detach(),)

    def bits(results: Any) -> list[bytes]:
        return [one.numpy().tobytes() for one in (*results, *(one.grad for one in model.parameters()))]

    eager = bits(step(*inputs))
    model.zero_grad()
    results = curta.compile(step)(*inputs)
    if name != "mixtral":  # which lets all experts do all positions
        assert bits(results) == eager
    check_text(name, model, results if name == "bert" else results[0], 1e-4)


@pytest.mark.parametrize("name", TEXT)
def test_text_models_in_bfloat16(name: str) -> None:
    model, inputs = text_model(name, curta.float32)
    with curta.autocast("cpu", dtype=curta.bfloat16):
        mixed = loss_of(model(*inputs))
    mixed.backward()
    assert mixed.item() == pytest.approx(RECORDED[name]["loss"], rel=0.1)
    assert all(one.grad is not None and one.grad.dtype == curta.float32 for one in model.parameters())
    half = loss_of(model.bfloat16()(*inputs))
    assert half.dtype == curta.bfloat16
    assert half.item() == pytest.approx(RECORDED[name]["loss"], rel=0.15)


def image_model(name: str, dtype: Any = curta.float64) -> tuple[Any, Any]:
    """The model with the recorded weights, under our names, and two or three images."""
    if name == "vit":
        sizes = {"width": 16, "layers": 2, "heads": 4, "feed_forward_width": 24, "classes": 5}
        model, shape = build(ViTConfig(image=8, patch=4, norm_epsilon=1e-12, **sizes)), (2, 3, 8, 8)
    else:
        model, shape = ResNet((2, 1, 1, 1), num_classes=5, width=4, bottleneck=True), (3, 3, 24, 20)
    model.double()
    rng = np.random.default_rng(0)
    with curta.no_grad():
        for _, parameter in sorted(model.named_parameters()):
            parameter.copy_(curta.from_numpy(normal(rng, parameter.shape)))
    return model.to(dtype), curta.from_numpy(rng.standard_normal(shape)).to(dtype)


@pytest.mark.parametrize("name", ["vit", "resnet"])
def test_image_models_are_hugging_faces(name: str) -> None:
    entry = RECORDED[name]
    model, images = image_model(name)
    scores = model(images)
    loss = (scores**2).mean()
    loss.backward()
    np.testing.assert_allclose(scores.detach().numpy(), entry["scores"], rtol=1e-7)
    assert loss.item() == pytest.approx(entry["loss"], rel=1e-7)
    found = {each: np.linalg.norm(one.grad.numpy()) for each, one in model.named_parameters()}
    assert found == pytest.approx(entry["gradients"], rel=1e-6, abs=1e-9)


def test_a_bottleneck_network_is_hugging_faces_in_evaluation() -> None:
    model, images = image_model("resnet")
    np.testing.assert_allclose(model.eval()(images).detach().numpy(), RECORDED["resnet"]["evaluated"], rtol=1e-7)


@pytest.mark.parametrize("name", ["vit", "resnet"])
def test_image_models_compiled_and_in_bfloat16(name: str) -> None:
    model, images = image_model(name, curta.float32)
    compiled = curta.compile(model)(images)
    np.testing.assert_allclose(compiled.detach().numpy(), RECORDED[name]["scores"], rtol=1e-3, atol=1e-3)
    with curta.autocast("cpu", dtype=curta.bfloat16):
        mixed = model(images)
    mixed.float().sum().backward()
    spread = float(np.abs(RECORDED[name]["scores"]).max())
    np.testing.assert_allclose(mixed.detach().float().numpy(), RECORDED[name]["scores"], atol=0.1 * spread)
    assert all(one.grad is not None for one in model.parameters())
