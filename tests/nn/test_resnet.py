"""Small residual networks: loss, gradients and running statistics as torch 2.13 gave them in float64."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import curta
from curta.models import ResNet, resnet18
from curta.nn import functional as F

#: by `small_images`: the loss, some gradients' norms, some running statistics' sums, the loss of evaluation
RECORDED: dict[bool, tuple[float, dict[str, float], dict[str, float], float]] = {
    True: (
        1.8706980967340812,
        {
            "conv1.weight": 0.835816026,
            "bn1.weight": 0.239018623,
            "layer1.1.conv2.weight": 0.377310216,
            "layer2.0.downsample.0.weight": 0.61976492,
            "layer2.0.downsample.1.bias": 0.061779413,
            "layer4.0.conv1.weight": 0.511157873,
            "fc.weight": 5.299646971,
            "fc.bias": 0.587390486,
        },
        {"bn1.running_mean": 0.001181872, "bn1.running_var": 4.503340991, "layer4.0.bn2.running_var": 59.722759996},
        27.572614598040218,
    ),
    False: (
        4.896776733792607,
        {
            "conv1.weight": 46.012710027,
            "bn1.weight": 9.663450439,
            "layer1.1.conv2.weight": 21.2659035,
            "layer2.0.downsample.0.weight": 23.385501595,
            "layer2.0.downsample.1.bias": 6.179396746,
            "layer4.0.conv1.weight": 2.256545911,
            "fc.weight": 6.665706537,
            "fc.bias": 0.675956316,
        },
        {"bn1.running_mean": -0.024173982, "bn1.running_var": 8.150048678, "layer4.0.bn2.running_var": 33.812493918},
        30.593248648277918,
    ),
}


def network(small_images: bool, dtype: Any) -> tuple[ResNet, Any, Any]:
    """A network with weights from NumPy's generator, three images and their classes."""
    model = ResNet((2, 1, 1, 1), num_classes=5, width=4, small_images=small_images).to(dtype)
    rng = np.random.default_rng(0)
    with curta.no_grad():
        for _, parameter in sorted(model.named_parameters()):
            values = rng.standard_normal(tuple(parameter.shape)) * 0.3 + (parameter.ndim == 1) * 0.7
            parameter.copy_(curta.from_numpy(values))
    return model, curta.from_numpy(rng.standard_normal((3, 3, 24, 20))).to(dtype), curta.tensor([0, 4, 2])


@pytest.mark.parametrize("small_images", [True, False])
def test_it_trains_as_torchs(small_images):
    expected, norms, statistics, evaluated = RECORDED[small_images]
    model, images, classes = network(small_images, curta.float64)
    loss = F.cross_entropy(model(images), classes)
    loss.backward()
    assert loss.item() == pytest.approx(expected, rel=1e-9)
    parameters, buffers = dict(model.named_parameters()), dict(model.named_buffers())
    for name, norm in norms.items():
        assert float(np.linalg.norm(parameters[name].grad.numpy())) == pytest.approx(norm, rel=1e-6), name
    for name, total in statistics.items():
        assert buffers[name].sum().item() == pytest.approx(total, abs=1e-8), name
    model.eval()
    assert F.cross_entropy(model(images), classes).item() == pytest.approx(evaluated, rel=1e-8)


@pytest.mark.parametrize("small_images", [True, False])
def test_a_compiled_step_is_the_eager_one_to_the_bit(small_images):
    def trained(compiled: bool) -> list[bytes]:
        model, images, classes = network(small_images, curta.float32)
        optimizer = curta.optim.SGD(model.parameters(), lr=1e-3, momentum=0.9)

        def step(images: Any, classes: Any) -> Any:
            loss = F.cross_entropy(model(images), classes)
            loss.backward()
            optimizer.step()
            optimizer.zero_grad()
            return loss

        run = curta.compile(step) if compiled else step
        losses = [run(images, classes).detach().numpy().tobytes() for _ in range(3)]
        model.eval()
        predict = curta.compile(model) if compiled else model
        with curta.no_grad():
            return [*losses, predict(images).numpy().tobytes(), *(b.numpy().tobytes() for b in model.buffers())]

    assert trained(True) == trained(False)


def test_names_and_sizes_are_those_of_torchvision():
    model = resnet18(10, small_images=True)
    assert model.num_parameters() == 11_173_962
    names = [name for name, _ in model.named_parameters()]
    assert names[:3] == ["conv1.weight", "bn1.weight", "bn1.bias"]
    assert "layer3.1.bn2.bias" in names
    assert "layer1.0.downsample.0.weight" not in names
    assert model.layer4[0].downsample[0].weight.shape == (512, 256, 1, 1)


@pytest.mark.parametrize("blocks", [(2, 2, 2), (1, 1, 0, 1)])
def test_what_it_refuses(blocks):
    with pytest.raises(ValueError, match=r"ResNet: blocks must be four positive numbers, got \("):
        ResNet(blocks)
