"""Models with the weights that others have trained, from files as Hugging Face lays them out."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

import curta
from curta import Tensor
from curta.dtypes import DType
from curta.errors import ArgumentError, ArgumentTypeError, FileFormatError
from curta.files.content import shown
from curta.files.safetensors import Path, load_file
from curta.models.bert import BERTConfig
from curta.models.checkpoints import translated
from curta.models.hugging_face import from_config
from curta.models.presets import Config, Model, build

SINGLE, SHARDED = "model.safetensors", "model.safetensors.index.json"
OLDER, OLDER_SHARDED = "pytorch_model.bin", "pytorch_model.bin.index.json"
#: in the order in which they are looked for
_FILES = (SINGLE, SHARDED, OLDER, OLDER_SHARDED)
_CONFIG = "config.json"
#: a count that checkpoints from before PyTorch 0.4 do not have
_NEWER = ".num_batches_tracked"
_NAMED = 3


def from_pretrained(
    source: Path | Config | Mapping[str, Any],
    weights: Path | Mapping[str, Tensor] | None = None,
    dtype: DType | None = None,
) -> Model:
    """A model with its weights, in evaluation mode: of a directory with a `config.json` and the weights' files.

    These are `model.safetensors`, `pytorch_model.bin`, or the parts that `model.safetensors.index.json` or
    `pytorch_model.bin.index.json` name. `source` may also be a configuration, or what `json.load` gives of a
    `config.json`; `weights` are then, or in place of the directory's, those of another directory, of a file, or tensors
    by Hugging Face's names.

    The weights are in the files' formats unless `dtype`, a floating-point one, is given. The model is built without
    memory and looks into the mapped files, which take memory only where they are written to; where `dtype` is another,
    each weight is converted by itself. A pickle runs nothing: see `curta.load`. Heads that were trained on an encoder of
    text are left out; where its pooler is not in the file, the model has none.

    Raises `ArgumentError`, naming them, for weights that are missing, unknown or of another shape, and what
    `from_config`, `curta.load_file` and `curta.load` raise.

    >>> from curta.models import GPT, GPTConfig
    >>> config = GPTConfig(vocabulary=9, width=8, layers=1, heads=2, context=4)
    >>> from_pretrained(config, {"wte.weight": curta.ones(9, 8), "wpe.weight": curta.ones(3, 8)})
    Traceback (most recent call last):
    curta.errors.ArgumentError: the weights do not fit this GPT: blocks.0.attention_norm.weight, ... 11 more are missing; position_embedding.weight is [3, 8], not [4, 8]
    """  # noqa: E501
    if dtype is not None and not (isinstance(dtype, DType) and dtype.is_floating_point):
        raise ArgumentTypeError(f"from_pretrained: dtype must be a floating-point dtype, got {dtype}")
    is_path = isinstance(source, (str, os.PathLike))
    if weights is None and not is_path:
        raise ArgumentTypeError("from_pretrained: a configuration has no weights: give them as well")
    config = _config(source)
    where, given = _read(source if weights is None else weights)
    found = translated(where, config, given)
    del given
    if isinstance(config, BERTConfig) and not any(name.startswith("pooler.") for name in found):
        config = replace(config, pooled=False)
    if _parts(config) > len(found):  # before anything is built: a wrong configuration could ask for any size
        raise ArgumentError(f"{where}: has {len(found)} weights, too few for the layers of the configuration")
    with curta.device("meta"):
        model = build(config)
    _check(where, model, found)
    for name, buffer in model.state_dict().items():
        if name not in found:
            found[name] = curta.zeros(*buffer.shape, dtype=buffer.dtype, device="cpu")
    if dtype is not None:
        for name in found:
            found[name] = found[name].to(dtype) if found[name].is_floating_point() else found[name]
    model.load_state_dict(found, assign=True)
    return model.eval()


def _config(source: Any) -> Config:
    if isinstance(source, (str, os.PathLike)):
        return from_config(_json(os.path.join(source, _CONFIG)))
    return from_config(source) if isinstance(source, Mapping) else source


def _parts(config: Any) -> int:
    """How many layers there are, experts and blocks each counted."""
    return sum(config.blocks) if hasattr(config, "blocks") else config.layers * (getattr(config, "experts", None) or 1)


def _json(path: str) -> Any:
    with open(path, "rb") as file:
        text = file.read()
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise FileFormatError(f"{path}: is not valid JSON ({shown(str(error))})") from None


# reading


def _read(weights: Any) -> tuple[str, dict[str, Tensor]]:
    """What messages call the weights, and these by the names of their files."""
    if isinstance(weights, Mapping):
        return "the weights", _checked("the weights", weights)
    if not isinstance(weights, (str, os.PathLike)):
        raise ArgumentTypeError(f"from_pretrained: expected a path or tensors by name, got {type(weights).__name__}")
    path = os.fspath(weights)
    if os.path.isdir(path):
        there = [name for name in _FILES if os.path.exists(os.path.join(path, name))]
        if not there:
            raise ArgumentError(f"{path}: holds none of {', '.join(_FILES)}")
        path = os.path.join(path, there[0])
    return path, _sharded(path) if path.endswith(".json") else _file(path)


def _file(path: str) -> dict[str, Tensor]:
    return load_file(path) if path.endswith(".safetensors") else _checked(path, curta.load(path, map_location="cpu"))


def _checked(where: str, weights: Any) -> dict[str, Tensor]:
    if not isinstance(weights, Mapping):
        raise ArgumentTypeError(f"{where}: must be tensors by name, got {type(weights).__name__}")
    for name, tensor in weights.items():
        if not isinstance(name, str) or not isinstance(tensor, Tensor):
            raise ArgumentTypeError(f"{where}: must be tensors by name, got {shown(name)}: {type(tensor).__name__}")
    return {name: tensor.detach() for name, tensor in weights.items()}


def _sharded(path: str) -> dict[str, Tensor]:
    """The tensors of all the files that an index names, each from the file that it says."""
    index = _json(path)
    places = index.get("weight_map") if isinstance(index, dict) else None
    if not isinstance(places, dict):
        raise FileFormatError(f"{path}: has no weight_map")
    names: dict[str, set[str]] = {}
    for name, file in places.items():
        if not isinstance(file, str) or os.path.basename(file) != file or file in ("", ".", "..") or "\0" in file:
            raise FileFormatError(f"{path}: {shown(file)} is no name of a file beside it")
        names.setdefault(file, set()).add(name)
    found: dict[str, Tensor] = {}
    for file, wanted in names.items():
        tensors = _file(os.path.join(os.path.dirname(path), file))
        if tensors.keys() != wanted:
            wrong = sorted(tensors.keys() ^ wanted)
            raise FileFormatError(f"{path}: does not agree with {shown(file)} on {_some(map(shown, wrong))}")
        found |= tensors
    return found


# holding against the model


def _check(where: str, model: Model, found: Mapping[str, Tensor]) -> None:
    expected = model.state_dict(keep_vars=True)
    problems = []
    missing = [name for name in expected if name not in found and not name.endswith(_NEWER)]
    unknown = [shown(name) for name in found if name not in expected]
    both = [(name, expected[name], found[name]) for name in expected if name in found]
    for names, what in ((missing, "missing"), (unknown, "unknown")):
        if names:
            problems.append(f"{_some(names)} {'is' if len(names) == 1 else 'are'} {what}")
    problems += [f"{n} is {list(b.shape)}, not {list(a.shape)}" for n, a, b in both if a.shape != b.shape][:_NAMED]
    problems += [
        f"{n} is {b.dtype.name}" for n, a, b in both if a.is_floating_point() != b.is_floating_point()
    ][:_NAMED]  # fmt: skip
    if problems:
        verb = "do" if where == "the weights" else "does"
        raise ArgumentError(f"{where} {verb} not fit this {type(model).__name__}: {'; '.join(problems)}")


def _some(names: Iterable[str]) -> str:
    """The first names, and how many more there are."""
    listed = list(names)
    more = len(listed) - _NAMED
    return ", ".join(listed[:_NAMED]) + (f" and {more} more" if more > 0 else "")
