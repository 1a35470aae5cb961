"""Models from files that transformers 5.24 wrote, beside the outputs that it gave in float32.

Weights are random and tiny: GPT-2, Mistral, Mixtral, ViT, two residual networks, RoBERTa with the head of its first
training, which has no pooler, and DistilBERT with one of classes as safetensors, Llama in bfloat16 in three parts, BERT
as a pickle of PyTorch's.
"""

from __future__ import annotations

import gc
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import curta
from curta.errors import ArgumentError, ArgumentTypeError, CurtaError, FileFormatError
from curta.models import BERT, GPT, ViT, from_config, from_pretrained

ROOT = Path(__file__).parent / "pretrained"
OUTPUTS: dict[str, Any] = json.loads((ROOT / "outputs.json").read_text(encoding="utf-8"))


def config_of(name: str) -> dict[str, Any]:
    fields: dict[str, Any] = json.loads((ROOT / name / "config.json").read_text(encoding="utf-8"))
    return fields


def result_of(name: str, model: Any) -> Any:
    if name == "vit" or "resnet" in name:
        side = 8 if name == "vit" else 24
        return model((curta.arange(2 * 3 * side * side).view(2, 3, side, side) % 7 - 3).float() / 3)
    result = model(curta.arange(14).view(2, 7) * 5 % 19)
    return result[0] if isinstance(result, tuple) else result


def check_outputs(name: str, model: Any, tolerance: float = 1e-4) -> None:
    with curta.no_grad():
        result = result_of(name, model)
    assert list(result.shape) == OUTPUTS[name]["shape"]
    values = result if result.ndim == 2 else result[:, -2:, :4]
    np.testing.assert_allclose(values.flatten().numpy(), OUTPUTS[name]["values"], rtol=tolerance, atol=tolerance)


@pytest.mark.parametrize("name", OUTPUTS)
def test_models_are_what_was_saved(name: str) -> None:
    model = from_pretrained(ROOT / name, dtype=curta.float32)
    assert not model.training
    assert all(one.requires_grad and not one.is_meta for one in model.parameters())
    assert {one.dtype for one in model.parameters()} == {curta.float32}
    check_outputs(name, model)


def clean() -> int:
    """The bytes that tensors hold, none of them garbage, from where the peak now counts."""
    gc.collect()
    curta.memory.reset_peak_memory_stats()
    return curta.memory.memory_allocated()


@pytest.mark.parametrize("name", [name for name in OUTPUTS if name != "llama"])
def test_weights_take_no_memory_of_their_own(name: str) -> None:
    before = clean()
    model = from_pretrained(ROOT / name)
    assert curta.memory.max_memory_allocated() == curta.memory.memory_allocated() == before
    assert model.nbytes > 10_000


def test_formats_stay_as_they_are_and_conversion_takes_one_copy() -> None:
    before = clean()
    model = from_pretrained(ROOT / "llama")
    assert curta.memory.max_memory_allocated() == before
    assert {one.dtype for one in model.parameters()} == {curta.bfloat16}
    with curta.account() as books:
        wide = from_pretrained(ROOT / "llama", dtype=curta.float32)
    assert books.memory.peak_bytes - before == curta.memory.max_memory_allocated() - before == wide.nbytes
    assert wide.nbytes == 2 * model.nbytes
    narrow = from_pretrained(ROOT / "resnet", dtype=curta.bfloat16)
    assert {str(one.dtype) for one in narrow.state_dict().values()} == {"curta.bfloat16", "curta.int64"}


def test_training_goes_on_from_them_and_leaves_the_files(tmp_path: Path) -> None:
    shutil.copytree(ROOT / "gpt2", tmp_path / "gpt2")
    before = (tmp_path / "gpt2" / "model.safetensors").read_bytes()
    model = from_pretrained(tmp_path / "gpt2")
    optimizer = curta.optim.AdamW(model.parameters(), lr=1e-2)
    losses = []
    for _ in range(3):
        loss = result_of("gpt2", model).square().mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert losses[2] < losses[0]
    assert (tmp_path / "gpt2" / "model.safetensors").read_bytes() == before
    check_outputs("gpt2", from_pretrained(tmp_path / "gpt2"))


def test_compiled() -> None:
    model = from_pretrained(ROOT / "gpt2")
    check_outputs("gpt2", curta.compile(model))


def test_configurations_and_weights_by_themselves(tmp_path: Path) -> None:
    fields = config_of("gpt2")
    path = ROOT / "gpt2" / "model.safetensors"
    for source in (fields, from_config(fields), ROOT / "gpt2"):
        for weights in (path, ROOT / "gpt2", curta.load_file(path)):
            model = from_pretrained(source, weights)
            assert isinstance(model, GPT)
    check_outputs("gpt2", model)
    bare = {name.removeprefix("transformer."): weight for name, weight in curta.load_file(path).items()}
    check_outputs("gpt2", from_pretrained(fields, bare))
    curta.save(bare, tmp_path / "weights.pth")
    check_outputs("gpt2", from_pretrained(fields, tmp_path / "weights.pth"))


def test_pickles_in_parts(tmp_path: Path) -> None:
    weights = curta.load(ROOT / "bert" / "pytorch_model.bin")
    half = dict(list(weights.items())[::2])
    parts = {"a.bin": half, "b.bin": {name: one for name, one in weights.items() if name not in half}}
    for file, part in parts.items():
        curta.save(part, tmp_path / file)
    places = {name: file for file, part in parts.items() for name in part}
    (tmp_path / "pytorch_model.bin.index.json").write_text(json.dumps({"weight_map": places}), encoding="utf-8")
    shutil.copy(ROOT / "bert" / "config.json", tmp_path)
    model = from_pretrained(tmp_path)
    assert isinstance(model, BERT)
    check_outputs("bert", model)


def test_safetensors_come_before_pickles(tmp_path: Path) -> None:
    shutil.copytree(ROOT / "vit", tmp_path / "vit")
    (tmp_path / "vit" / "pytorch_model.bin").write_bytes(b"nothing")
    assert isinstance(from_pretrained(tmp_path / "vit"), ViT)


def test_encoders_with_heads_and_without_a_pooler() -> None:
    fields, weights = config_of("bert"), curta.load(ROOT / "bert" / "pytorch_model.bin")
    for head in ("classifier", "qa_outputs", "cls.predictions"):
        more = {f"{head}.weight": curta.ones(2, 16), f"{head}.bias": curta.ones(2)}
        check_outputs("bert", from_pretrained(fields, weights | more))
    bare = {name: one for name, one in weights.items() if "pooler" not in name}
    model: Any = from_pretrained(fields, bare)
    check_outputs("bert", model)
    assert not model.config.pooled
    assert result_of("bert", model) is not None
    assert model(curta.zeros(1, 3, dtype=curta.int64))[1] is None
    half = {name: one for name, one in weights.items() if "pooler.dense.bias" not in name}
    with pytest.raises(ArgumentError, match=r"pooler\.bias is missing"):
        from_pretrained(fields, half)


def test_padding_has_no_position_in_a_roberta() -> None:
    model: Any = from_pretrained(ROOT / "roberta")
    assert model.config.longest == 10
    text, padded = curta.tensor([[5, 7, 9]]), curta.tensor([[1, 5, 7, 9, 1]])
    mask = curta.tensor([[0, 1, 1, 1, 0]])
    with curta.no_grad():
        expected, found = model(text)[0], model(padded, mask=mask)[0][:, 1:4]
    np.testing.assert_allclose(found.numpy(), expected.numpy(), rtol=1e-5, atol=1e-5)
    assert model(curta.zeros(1, 10, dtype=curta.int64))[0].shape == (1, 10, 16)
    with pytest.raises(ArgumentError, match="BERT: the context holds 10 tokens, got 11"):
        model(curta.zeros(1, 11, dtype=curta.int64))
    with pytest.raises(ArgumentError, match="BERT: this model has no types of segments"):
        from_pretrained(ROOT / "distilbert")(text, curta.zeros_like(text))


def test_older_residual_networks_lack_a_count() -> None:
    weights = curta.load_file(ROOT / "resnet" / "model.safetensors")
    without = {name: one for name, one in weights.items() if "tracked" not in name}
    model = from_pretrained(config_of("resnet"), without)
    assert model.bn1.num_batches_tracked.item() == 0
    check_outputs("resnet", model)
    assert from_pretrained(config_of("resnet"), weights).bn1.num_batches_tracked.item() == 7


def changed(**more: Any) -> dict[str, Any]:
    """GPT-2's weights with others; None takes one away."""
    found: dict[str, Any] = {**curta.load_file(ROOT / "gpt2" / "model.safetensors"), **more}
    return {name: one for name, one in found.items() if one is not None}


GPT2 = config_of("gpt2")
FIT = "the weights do not fit this GPT: "
MISFITS: list[tuple[Callable[[], Any], type[CurtaError], str]] = [
    (lambda: from_pretrained(GPT2, changed(**{"transformer.wte.weight": None})), ArgumentError,
     f"{FIT}token_embedding.weight is missing"),
    (lambda: from_pretrained(GPT2, {f"h.{n}.ln_1.weight": curta.ones(16) for n in range(2)}), ArgumentError,
     f"{FIT}token_embedding.weight, position_embedding.weight, blocks.0.attention_norm.bias and 23 more are missing"),
    (lambda: from_pretrained(GPT2, changed(**{"h.2.ln_1.weight": curta.ones(16), "h.2.ln_1.bias": curta.ones(16)})),
     ArgumentError,
     f"{FIT}'blocks.2.attention_norm.weight', 'blocks.2.attention_norm.bias' are unknown"),
    (lambda: from_pretrained(GPT2, changed(**{"transformer.wte.weight": curta.ones(18, 16)})), ArgumentError,
     f"{FIT}token_embedding.weight is [18, 16], not [19, 16]"),
    (lambda: from_pretrained(GPT2, changed(**{"transformer.h.0.attn.c_attn.weight": curta.ones(16)})), ArgumentError,
     f"{FIT}blocks.0.attention.qkv.weight is [16], not [48, 16]"),
    (lambda: from_pretrained(GPT2, changed(**{"transformer.ln_f.bias": curta.ones(16).int()})), ArgumentError,
     f"{FIT}final_norm.bias is int32"),
    (lambda: from_pretrained(GPT2, changed(**{"transformer.h.0.what": curta.ones(1)})), ArgumentError,
     "the weights: 'transformer.h.0.what' is no weight of a GPT"),
    (lambda: from_pretrained(GPT2, changed(**{"wte.weight": curta.ones(1)})), ArgumentError,
     "the weights: 'wte.weight' is there a second time, under another name"),
    (lambda: from_pretrained(GPT2 | {"n_layer": 10**12}, changed()), ArgumentError,
     "the weights: has 28 weights, too few for the layers of the configuration"),
    (lambda: from_pretrained(GPT2, changed(x=1)), ArgumentTypeError,
     "the weights: must be tensors by name, got 'x': int"),
    (lambda: from_pretrained(GPT2), ArgumentTypeError,
     "from_pretrained: a configuration has no weights: give them as well"),
    (lambda: from_pretrained(GPT2, 3), ArgumentTypeError,  # type: ignore[arg-type]
     "from_pretrained: expected a path or tensors by name, got int"),
    (lambda: from_pretrained(3, {}), ArgumentTypeError,  # type: ignore[arg-type]
     "expected the configuration of a model, got int"),
    (lambda: from_pretrained(GPT2, {}, curta.int64), ArgumentTypeError,
     "from_pretrained: dtype must be a floating-point dtype, got curta.int64"),
    (lambda: from_pretrained(GPT2, {}, "float32"), ArgumentTypeError,  # type: ignore[arg-type]
     "from_pretrained: dtype must be a floating-point dtype, got float32"),
]  # fmt: skip


@pytest.mark.parametrize(("call", "error", "message"), MISFITS, ids=[one[2][-60:] for one in MISFITS])
def test_weights_that_do_not_fit_are_named_in_one_line(call: Any, error: type[CurtaError], message: str) -> None:
    with pytest.raises(error) as caught:
        call()
    assert type(caught.value) is error
    assert str(caught.value) == message


def directory(path: Path, files: dict[str, Any]) -> Path:
    for name, content in files.items():
        text = content if isinstance(content, str) else json.dumps(content)
        (path / name).write_text(text, encoding="utf-8")
    return path


INDEX = "model.safetensors.index.json"
BROKEN: list[tuple[dict[str, Any], type[CurtaError], str]] = [
    ({}, ArgumentError,
     "PLACE: holds none of model.safetensors, model.safetensors.index.json, pytorch_model.bin, "
     "pytorch_model.bin.index.json"),
    ({"config.json": "{"}, FileFormatError, "PLACE/config.json: is not valid JSON ('Expecting property name"),
    ({"config.json": "[" * 100_000}, FileFormatError, "PLACE/config.json: is not valid JSON ('maximum recursion"),
    ({"config.json": []}, ArgumentTypeError, "config.json: must be a JSON object, got list"),
    ({"model.safetensors": "x"}, FileFormatError,
     "PLACE/model.safetensors: is no safetensors file: it has only 1 bytes"),
    ({"pytorch_model.bin": "x"}, FileFormatError, "PLACE/pytorch_model.bin: is no zip archive, or was cut short"),
    ({INDEX: []}, FileFormatError, f"PLACE/{INDEX}: has no weight_map"),
    ({INDEX: {"weight_map": {"a": "../b"}}}, FileFormatError, f"PLACE/{INDEX}: '../b' is no name of a file beside it"),
    ({INDEX: {"weight_map": {"a": "/b"}}}, FileFormatError, f"PLACE/{INDEX}: '/b' is no name of a file beside it"),
    ({INDEX: {"weight_map": {"a": ".."}}}, FileFormatError, f"PLACE/{INDEX}: '..' is no name of a file beside it"),
    ({INDEX: {"weight_map": {"a": 1}}}, FileFormatError, f"PLACE/{INDEX}: 1 is no name of a file beside it"),
    ({INDEX: {"weight_map": {"a": {}}}}, FileFormatError, f"PLACE/{INDEX}: a dict is no name of a file beside it"),
]  # fmt: skip


@pytest.mark.parametrize(("files", "error", "message"), BROKEN, ids=[one[2][-50:] for one in BROKEN])
def test_directories_that_are_no_models(
    tmp_path: Path, files: dict[str, Any], error: type[CurtaError], message: str
) -> None:
    with pytest.raises(error) as caught:
        from_pretrained(directory(tmp_path, {"config.json": GPT2, **files}))
    assert str(caught.value).startswith(message.replace("PLACE", str(tmp_path)))
    assert "\n" not in str(caught.value)


def test_parts_that_hold_something_else(tmp_path: Path) -> None:
    curta.save_file({"a": curta.ones(1), "b": curta.ones(1)}, tmp_path / "one.safetensors")
    places = {"a": "one.safetensors", "c": "one.safetensors"}
    directory(tmp_path, {"config.json": GPT2, INDEX: {"weight_map": places}})
    with pytest.raises(FileFormatError, match=r"index\.json: does not agree with 'one\.safetensors' on 'b', 'c'"):
        from_pretrained(tmp_path)


def test_a_pickle_of_something_else(tmp_path: Path) -> None:
    directory(tmp_path, {"config.json": GPT2})
    curta.save([1], tmp_path / "pytorch_model.bin")
    with pytest.raises(ArgumentTypeError, match=r"pytorch_model\.bin: must be tensors by name, got list"):
        from_pretrained(tmp_path)
    with pytest.raises(FileNotFoundError):
        from_pretrained(tmp_path / "none")
