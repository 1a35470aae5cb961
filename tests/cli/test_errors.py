"""Bad input gets one clear line on standard error, exit code 2, and leaves nothing behind."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file


def only_line(outcome, expected: str) -> None:
    assert outcome.code == 2
    assert outcome.out == ""
    assert outcome.err.count("\n") == 1
    assert outcome.err.endswith("\n")
    assert expected in outcome.err


def everything_in(directory: Path) -> list[str]:
    return sorted(str(path.relative_to(directory)) for path in directory.rglob("*"))


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["--data", "missing.txt"], "curta train: error: missing.txt: there is no such file"),
        (["--data", "empty.txt"], "curta train: error: empty.txt: the file is empty"),
        (["--data", "folder"], "curta train: error: folder: is a directory, not a file"),
        (["--data", "plain.txt/inside"], "plain.txt/inside: cannot be read (not a directory)"),
        (
            ["--data", "plain.txt", "--context", "64"],
            "plain.txt: 100 bytes are too short for a context of 64: its validation part has 10 and needs 65",
        ),
        (["--width", "100", "--heads", "3"], "width must be divisible by heads, got a width of 100 and 3 heads"),
        (["--width", "0"], "argument --width: must be a positive whole number, got '0'"),
        (["--layers", "-2"], "argument --layers: must be a positive whole number, got '-2'"),
        (["--heads", "2.5"], "argument --heads: must be a positive whole number, got '2.5'"),
        (["--context", "many"], "argument --context: must be a positive whole number, got 'many'"),
        (["--batch", "0"], "argument --batch: must be a positive whole number, got '0'"),
        (["--steps", "0"], "argument --steps: must be a positive whole number, got '0'"),
        (["--steps", "99999999999999999"], "argument --steps: is too large"),
        (["--threads", "0"], "argument --threads: must be a positive whole number, got '0'"),
        (["--report-every", "0"], "argument --report-every: must be a positive whole number, got '0'"),
        (["--learning-rate", "0"], "argument --learning-rate: must be a positive number, got '0'"),
        (["--learning-rate=-1e-3"], "argument --learning-rate: must be a positive number, got '-1e-3'"),
        (["--learning-rate", "nan"], "argument --learning-rate: must be a positive number, got 'nan'"),
        (["--learning-rate", "inf"], "argument --learning-rate: must be a positive number, got 'inf'"),
        (["--seed", "-1"], "argument --seed: must be a whole number from 0 to 2**63 - 1, got '-1'"),
        (["--dtype", "float8"], "argument --dtype: invalid choice: 'float8'"),
        (["--output", "plain.txt"], "plain.txt: cannot be written to"),
        (["--output", "plain.txt/run"], "plain.txt/run: cannot be written to"),
        (["--wdith", "3"], "unrecognized arguments: --wdith 3"),
        (["--data", "nul\0byte"], "cannot be read"),
    ],
)
def test_train_refuses(run, tmp_path, arguments, expected):
    (tmp_path / "empty.txt").touch()
    (tmp_path / "folder").mkdir()
    (tmp_path / "plain.txt").write_bytes(b"x" * 100)
    before = everything_in(tmp_path)
    only_line(run("train", *arguments), expected)
    assert everything_in(tmp_path) == before


def test_a_directory_that_refuses_files_is_found_out_before_training(run, tmp_path, monkeypatch):
    # As root, whom permissions do not stop, only the system call itself can say no.
    def refuse(*arguments, **options):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("curta.cli.output.tempfile.TemporaryFile", refuse)
    only_line(run("train", "--output", "a/b"), "a/b: cannot be written to (permission denied)")
    assert everything_in(tmp_path) == []


def test_an_earlier_run_is_not_overwritten_unasked(run, tmp_path):
    (tmp_path / "old").mkdir()
    (tmp_path / "old" / "model.safetensors").write_bytes(b"precious")
    outcome = run("train", "--output", "old")
    only_line(outcome, "old holds an earlier run (model.safetensors): name another, or pass --overwrite")
    assert (tmp_path / "old" / "model.safetensors").read_bytes() == b"precious"


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["nowhere"], "nowhere: there is no such directory"),
        (["empty"], "empty: holds no model.safetensors"),
        (["empty", "--tokens", "0"], "argument --tokens: must be a positive whole number, got '0'"),
        (["empty", "--temperature", "-1"], "argument --temperature: must be zero or a positive number, got '-1'"),
        (["empty", "--top-k", "0"], "argument --top-k: must be a positive whole number, got '0'"),
        ([], "the following arguments are required: DIR"),
    ],
)
def test_sample_refuses(run, tmp_path, arguments, expected):
    (tmp_path / "empty").mkdir()
    only_line(run("sample", *arguments), expected)


@pytest.mark.parametrize("keep", [0, 4, 100, -1])
def test_sample_refuses_a_cut_off_file(run, tmp_path, trained, keep):
    whole = (trained / "model.safetensors").read_bytes()
    (tmp_path / "model.safetensors").write_bytes(whole[:keep])
    only_line(run("sample", "."), "model.safetensors: is not a readable safetensors file")


def rewritten(trained: Path, tmp_path: Path, change, metadata_change=None) -> None:
    from safetensors import safe_open

    with safe_open(trained / "model.safetensors", framework="numpy") as file:
        metadata = dict(file.metadata())
    arrays = load_file(trained / "model.safetensors")
    change(arrays)
    if metadata_change:
        metadata_change(metadata)
    save_file(arrays, tmp_path / "model.safetensors", metadata=metadata)


def with_config(text: str):
    return lambda metadata: metadata.update(config=text)


CONFIG = '{"vocabulary": 256, "width": %s, "layers": %s, "heads": 2, "context": 16}'


@pytest.mark.parametrize(
    ("change", "metadata_change", "expected"),
    [
        (lambda a: a.pop("final_norm.bias"), None, "final_norm.bias is missing"),
        (lambda a: a.update(extra=np.ones(2, np.float32)), None, "extra is not part of the model"),
        (
            lambda a: a.update({"final_norm.bias": np.ones(3, np.float32)}),
            None,
            "final_norm.bias is float32[3], not float32[16]",
        ),
        (
            lambda a: a.update({"final_norm.bias": np.ones(16, np.float64)}),
            None,
            "final_norm.bias is float64[16], not float32[16]",
        ),
        (lambda a: None, with_config(CONFIG % (32, 1)), "token_embedding.weight is of shape [256, 16], not [256, 32]"),
        (lambda a: None, with_config(CONFIG % (10**12, 1)), "does not match its configuration"),
        (lambda a: None, with_config(CONFIG % (16, 2)), "it has 1 layers, not 2"),
        (lambda a: None, with_config(CONFIG % (-16, 1)), "width must be positive, got -16"),
        (lambda a: None, with_config(CONFIG % ('"16"', 1)), "width must be an int, got str"),
        (lambda a: None, with_config("{"), "its configuration cannot be used"),
        (lambda a: None, with_config("[]"), "its configuration cannot be used"),
        (lambda a: None, lambda metadata: metadata.clear(), "was not written by this version of `curta train`"),
    ],
)
def test_sample_refuses_weights_that_do_not_match(run, tmp_path, trained, change, metadata_change, expected):
    rewritten(trained, tmp_path, change, metadata_change)
    only_line(run("sample", "."), expected)


def test_a_loss_that_is_no_number_ends_the_run_and_leaves_nothing(run, tmp_path, monkeypatch):
    from curta.cli.trainer import Trainer

    step = Trainer.train_step

    def poisoned(self):
        if self.step == 2:
            import curta

            with curta.no_grad():
                self.model.final_norm.weight.fill_(float("nan"))
        return step(self)

    monkeypatch.setattr(Trainer, "train_step", poisoned)
    arguments = ["--width", "16", "--layers", "1", "--heads", "2", "--context", "16", "--batch", "4"]
    outcome = run("train", *arguments, "--steps", "5", "--output", "out")
    assert outcome.code == 1
    assert "the loss became nan at step 3: try a lower --learning-rate than 0.002" in outcome.err
    assert outcome.err.count("\n") == 1
    assert everything_in(tmp_path) == []


def test_a_full_disk_is_told_in_one_line(run, tmp_path, trained, monkeypatch):
    from curta.cli.output import RunDirectory
    from curta.cli.problems import CommandError

    def full(descriptor):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("curta.cli.output.os.fsync", full)
    with (
        pytest.raises(CommandError, match=r"loss\.png: cannot be written \(no space left on device\)"),
        RunDirectory(tmp_path / "out") as directory,
    ):
        directory.write("loss.png", b"picture")
    assert everything_in(tmp_path) == []
    shutil.copytree(trained, tmp_path / "copy")  # the fixture's own files are whole
