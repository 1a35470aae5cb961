"""`curta account`: its figures against ones worked out by hand, and what it says of bad input."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

import curta
from curta.cli.account import parameters_by_module
from curta.cli.main import main

TINY = {
    "model_type": "llama", "vocab_size": 50, "hidden_size": 8, "intermediate_size": 24, "num_hidden_layers": 3,
    "num_attention_heads": 2, "num_key_value_heads": 1, "max_position_embeddings": 16, "rms_norm_eps": 1e-5,
}  # fmt: skip


@pytest.fixture
def config(tmp_path: Path) -> Path:
    """A small model's config.json."""
    path = tmp_path / "config.json"
    path.write_text(json.dumps(TINY))
    return path


def printed(capsys: pytest.CaptureFixture[str], *arguments: Any) -> str:
    """What the command prints."""
    assert main(["account", *map(str, arguments)]) == 0
    return capsys.readouterr().out


def test_gpt2(capsys: pytest.CaptureFixture[str]) -> None:
    found = json.loads(printed(capsys, "gpt2", "--batch", 1, "--context", 1024, "--forward", "--json"))
    assert found["parameters"] == 124_439_808
    assert found["parameter_bytes"] == 4 * 124_439_808
    assert found["embedding_parameters"] == (50257 + 1024) * 768
    assert found["flops_by_convention"]["full attention"] == 291_648_307_200
    assert found["model_flops"] == 272_339_828_736
    assert found["input"] == [1, 1024]
    assert found["optimizer"] is None
    assert found["memory"]["peak_by_category"]["parameters"] == 4 * 124_439_808
    assert found["memory"]["peak_by_category"]["activations"] == 0  # nothing is kept without gradients


def test_a_training_step(capsys: pytest.CaptureFixture[str], config: Path) -> None:
    found = json.loads(printed(capsys, config, "--batch", 4, "--json"))
    weights = found["parameters"] - 50 * 8
    norms = (2 * 3 + 1) * 8
    pairs, width = 4 * 16 * 17 // 2, 8
    assert found["model_flops"] == 6 * (weights - norms) * 4 * 16 + 3 * 3 * 4 * width * pairs
    assert found["by_phase"]["optimizer"]["calls"] > 0
    peak = found["memory"]["peak_by_category"]
    assert peak["parameters"] == 4 * found["parameters"]
    assert peak["optimizer state"] == 8 * found["parameters"]  # as from the second step on


@pytest.mark.parametrize(
    ("optimizer", "state"),
    [("none", 0), ("sgd", 0), ("momentum", 1), ("adagrad", 1), ("rmsprop", 1), ("adam", 2), ("adamw", 2)],
)
def test_optimizers(capsys: pytest.CaptureFixture[str], config: Path, optimizer: str, state: int) -> None:
    found = json.loads(printed(capsys, config, "--optimizer", optimizer, "--json"))
    assert found["memory"]["by_category"]["optimizer state"] == 4 * state * found["parameters"]


def test_number_formats(capsys: pytest.CaptureFixture[str], config: Path) -> None:
    found = json.loads(printed(capsys, config, "--dtype", "bfloat16", "--json"))
    assert found["parameter_bytes"] == 2 * found["parameters"]
    by_category = found["memory"]["by_category"]
    assert by_category["parameters"] == (2 + 4) * found["parameters"]  # with float32 masters
    assert found["by_dtype"]["bfloat16"]["model_flops"] == found["model_flops"]
    mixed = json.loads(printed(capsys, config, "--dtype", "bfloat16", "--autocast", "--json"))
    assert mixed["memory"]["by_category"]["parameters"] == 4 * found["parameters"]
    assert mixed["by_dtype"]["bfloat16"]["model_flops"] == mixed["model_flops"] == found["model_flops"]


def test_checkpoints(capsys: pytest.CaptureFixture[str], config: Path) -> None:
    plain = json.loads(printed(capsys, config, "--batch", 64, "--json"))
    found = json.loads(printed(capsys, config, "--batch", 64, "--checkpoint", "--json"))
    assert found["model_flops"] == plain["model_flops"]
    assert found["hardware_flops"] > plain["hardware_flops"]
    assert found["memory"]["peak_bytes"] < 0.7 * plain["memory"]["peak_bytes"]


def test_the_text(capsys: pytest.CaptureFixture[str], config: Path) -> None:
    text = printed(capsys, config, "--batch", 2, "--depth", 2, "--device", "NVIDIA A100-SXM4-80GB")
    lines = text.splitlines()
    assert lines[0].startswith("Llama, ")
    assert lines[1] == "one training step of [2 × 16] int64: float32, optimizer adamw"
    assert any(line.startswith("6·N·D, without embeddings") for line in lines)
    rows = {line.split("  ")[0]: line.split() for line in lines}
    assert rows["blocks.* × 3"][3] == f"{3 * (8 * 8 * 2 + 2 * 8 * 4 + 3 * 8 * 24 + 2 * 8):,}"
    assert "optimizer state" in text
    assert lines[-1].startswith("on NVIDIA A100 SXM 80GB, operator by operator, at best ")
    assert lines[-1].endswith("; its 80 GB hold the peak")
    text = printed(capsys, "resnet50", "--forward", "--depth", 1)
    assert "one forward pass of [1 × 3 × 224 × 224] float32: float32" in text
    assert "on " not in text.splitlines()[-1]
    text = printed(capsys, config, "--checkpoint", "--autocast", "--dtype", "bfloat16")
    assert "bfloat16 products, float32 weights, optimizer adamw, every block checkpointed" in text


@pytest.mark.parametrize("name", ["bert-base", "vit-b-16", "mixtral-8x7b"])
def test_other_models(capsys: pytest.CaptureFixture[str], name: str) -> None:
    context = () if "vit" in name else ("--context", 16)
    assert "share" in printed(capsys, name, "--dtype", "bfloat16", "--autocast", *context)


def test_a_directory_with_a_configuration(capsys: pytest.CaptureFixture[str], config: Path) -> None:
    assert printed(capsys, config.parent) == printed(capsys, config).replace(str(config), str(config.parent))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["gpt5"], "'gpt5' is neither a file nor a model of gpt2, gpt2-xl, llama-2-7b, llama-3-8b, llama-3-70b"),
        (["gpt2", "--batch", "-3"], "argument --batch: must be a positive whole number, got '-3'"),
        (["gpt2", "--context", "2000"], "example_inputs: the context holds 1024 tokens, got 2000"),
        (["resnet50", "--context", "3"], "example_inputs: images have no context, got 3"),
        (["resnet50", "--checkpoint"], "--checkpoint: a ResNet has no blocks"),
        (["gpt2", "--device", "NVIDIA A7000"], "--device: peak: there are no figures of 'NVIDIA A7000'"),
        (["gpt2", "--dtype", "int8"], "argument --dtype: invalid choice: 'int8'"),
        (["gpt2", "--dtype", "float16", "--device", "TPU v4"], "--device: peak: Google TPU v4 has no figure in"),
    ],
)
def test_bad_input(capsys: pytest.CaptureFixture[str], arguments: list[str], message: str) -> None:
    assert main(["account", *arguments]) == 2
    error = capsys.readouterr().err
    assert message in error
    assert len(error.strip().splitlines()) == 1


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "is not JSON: Expecting property name"),
        ("[]", "config.json: must be a JSON object, got list"),
        (json.dumps(TINY | {"hidden_size": -8}), "hidden_size must be positive, got -8"),
        (json.dumps({key: value for key, value in TINY.items() if key != "vocab_size"}), "vocab_size is missing"),
        (json.dumps(TINY | {"model_type": "rwkv"}), "model_type 'rwkv' is not supported"),
    ],
)
def test_bad_configurations(capsys: pytest.CaptureFixture[str], tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "model.json"
    path.write_text(text)
    assert main(["account", str(path)]) == 2
    error = capsys.readouterr().err
    assert message in error
    assert str(path) in error
    assert len(error.strip().splitlines()) == 1


def test_a_file_that_cannot_be_read(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    assert main(["account", str(tmp_path)]) == 2
    assert f"cannot read {tmp_path}: No such file or directory" in capsys.readouterr().err


def test_a_shared_parameter_is_its_first_owners() -> None:
    one, two = curta.nn.Linear(2, 3, bias=False), curta.nn.Linear(2, 3, bias=False)
    two.weight = one.weight
    assert parameters_by_module(curta.nn.Sequential(one, two), "Sequential", 1) == {"0": (6, 24)}
