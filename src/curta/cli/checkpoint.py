"""A trained GPT as one safetensors file: float32 weights, and its configuration in the metadata."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import safetensors
import safetensors.numpy

import curta
from curta.cli.output import WEIGHTS
from curta.cli.problems import CommandError
from curta.errors import ArgumentError, ArgumentTypeError
from curta.models.gpt import GPT, GPTConfig

Arrays = dict[str, npt.NDArray[np.float32]]

FORMAT = "curta.gpt.1"


def pack(arrays: Arrays, config: GPTConfig, training: dict[str, Any]) -> bytes:
    """The bytes of a checkpoint; `training` says how the weights came about and is not needed to load them.

    >>> len(pack({"weight": np.ones(4, np.float32)}, GPTConfig(), {})) > 16
    True
    """
    metadata = {"format": FORMAT, "config": json.dumps(asdict(config)), "training": json.dumps(training)}
    return safetensors.numpy.save(arrays, metadata=metadata)


def load(directory: Path) -> GPT:
    """The model whose weights are in `directory` (or in the file it names).

    Raises `CommandError`, saying which file and what is wrong with it, if there is none, it is corrupt, it is not
    from `curta train`, or its weights do not match its configuration.
    """
    path = directory / WEIGHTS if directory.is_dir() else directory
    if not path.exists():
        where = f"{directory}: holds no {WEIGHTS}" if directory.is_dir() else f"{directory}: there is no such directory"
        raise CommandError(f"{where}; `curta train --output {directory}` would write one")
    try:
        with safetensors.safe_open(path, framework="numpy") as file:
            config = _config(path, file.metadata() or {})
            _check_sizes(path, config, {name: tuple(file.get_slice(name).get_shape()) for name in file.keys()})  # noqa: SIM118 - a file, not a dict
            arrays = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except (safetensors.SafetensorError, OSError) as error:
        raise CommandError(f"{path}: is not a readable safetensors file ({error})") from None
    return _model(path, config, arrays)


def _config(path: Path, metadata: dict[str, str]) -> GPTConfig:
    if metadata.get("format") != FORMAT:
        raise CommandError(f"{path}: was not written by this version of `curta train` (no {FORMAT!r} in its metadata)")
    try:
        return GPTConfig(**json.loads(metadata["config"]))
    except (KeyError, TypeError, ValueError, ArgumentError, ArgumentTypeError) as error:
        raise CommandError(f"{path}: its configuration cannot be used ({error})") from None


def _check_sizes(path: Path, config: GPTConfig, shapes: dict[str, tuple[int, ...]]) -> None:
    """Hold the configuration against the file before a model is built: a wrong one could ask for any size."""
    layers = {name.split(".")[1] for name in shapes if name.startswith("blocks.")}
    expected: dict[str, tuple[int, ...]] = {
        "token_embedding.weight": (config.vocabulary, config.width),
        "position_embedding.weight": (config.context, config.width),
    }
    for name, shape in expected.items():
        if shapes.get(name) != shape:
            found = "missing" if name not in shapes else f"of shape {list(shapes[name])}"
            raise CommandError(f"{path}: does not match its configuration: {name} is {found}, not {list(shape)}")
    if len(layers) != config.layers:
        raise CommandError(
            f"{path}: does not match its configuration: it has {len(layers)} layers, not {config.layers}"
        )


def _model(path: Path, config: GPTConfig, arrays: Arrays) -> GPT:
    model = GPT(config)
    expected = {name: tuple(parameter.shape) for name, parameter in model.named_parameters()}
    for name in sorted(expected.keys() | arrays.keys()):
        if name not in arrays or name not in expected:
            what = "is missing" if name not in arrays else "is not part of the model"
            raise CommandError(f"{path}: does not match its configuration: {name} {what}")
        array = arrays[name]
        if array.shape != expected[name] or array.dtype != np.float32:
            raise CommandError(
                f"{path}: does not match its configuration: {name} is {array.dtype}{list(array.shape)}, "
                f"not float32{list(expected[name])}"
            )
    model.load_state_dict({name: curta.from_numpy(np.array(array)) for name, array in arrays.items()})
    return model
