"""`curta train` and `curta sample` from end to end, on a tiny model."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from safetensors import safe_open
from safetensors.numpy import load_file

from curta.cli.main import main

TINY = ["--width", "16", "--layers", "1", "--heads", "2", "--context", "16", "--batch", "4", "--report-every", "10"]

FILES = ["loss.png", "metrics.jsonl", "model.safetensors", "report.html"]
METRICS = {
    "step", "training_loss", "validation_loss", "learning_rate", "gradient_norm", "tokens_per_second",
    "flops_per_second", "model_flops_per_second", "mfu", "peak_flops_per_second", "memory_current_bytes",
    "memory_peak_bytes", "resident_bytes", "training_seconds",
}  # fmt: skip


def metrics_of(directory: Path) -> list[dict[str, float]]:
    return [json.loads(line) for line in (directory / "metrics.jsonl").read_text().splitlines()]


def test_the_directory_holds_the_results_and_nothing_else(trained):
    assert sorted(path.name for path in trained.iterdir()) == FILES


def test_metrics_have_a_line_for_each_report(trained):
    metrics = metrics_of(trained)
    assert [line["step"] for line in metrics] == [0, 10, 20]
    assert all(set(line) == METRICS for line in metrics)
    first, last = metrics[0], metrics[-1]
    assert last["validation_loss"] < first["validation_loss"]
    # Untrained, each byte costs about as much as a guess among 256.
    assert first["validation_loss"] == pytest.approx(np.log(256), abs=0.4)
    assert last["mfu"] == pytest.approx(last["model_flops_per_second"] / last["peak_flops_per_second"])
    assert 0 < last["model_flops_per_second"] <= last["flops_per_second"]
    assert 0 < last["memory_current_bytes"] <= last["memory_peak_bytes"]
    assert last["resident_bytes"] > 10_000_000


def test_model_flops_agree_with_a_count_by_hand(trained):
    last = metrics_of(trained)[-1]
    flops_a_token = last["model_flops_per_second"] / last["tokens_per_second"]
    # Multiply-adds of the matrices, forward (2) and backward (4): 12 C² a layer and 256 C for the logits. Attention,
    # norms and the rest come on top: more than nothing, less than as much again for so small a model and context.
    C, T = 16, 16
    matrices = 6 * (12 * C * C + 256 * C)
    attention = 3 * 4 * T * C
    assert matrices <= flops_a_token <= 2 * (matrices + attention)


def test_the_plot_is_a_whole_png(trained):
    content = (trained / "loss.png").read_bytes()
    assert content.startswith(b"\x89PNG\r\n\x1a\n")
    assert content.endswith(b"IEND\xaeB`\x82")


def test_the_weights_are_float32_with_their_configuration(trained):
    arrays = load_file(trained / "model.safetensors")
    assert {array.dtype for array in arrays.values()} == {np.dtype(np.float32)}
    # By hand: 256 C + 16 C embeddings, 12 C² + 13 C in the layer, 2 C in the last norm.
    assert sum(array.size for array in arrays.values()) == 272 * 16 + 12 * 16**2 + 13 * 16 + 2 * 16
    with safe_open(trained / "model.safetensors", framework="numpy") as file:
        metadata = file.metadata()
    assert json.loads(metadata["config"]) == {"vocabulary": 256, "width": 16, "layers": 1, "heads": 2, "context": 16}
    assert json.loads(metadata["training"])["steps_done"] == 20


def test_plain_output_has_one_line_per_report(run, tmp_path):
    outcome = run("train", *TINY, "--steps", "20", "--output", "out")
    assert outcome.code == 0
    assert outcome.err == ""
    lines = [line for line in outcome.out.splitlines() if line.startswith("step")]
    assert len(lines) == 3
    assert re.fullmatch(
        r"step 20/20  loss \d\.\d{4}  validation \d\.\d{4}  lr \d\.\d\de-\d\d  [\d.]+ k?tokens/s  [\d.]+ [MGT]FLOP/s  "
        r"MFU [\d.]+%  memory [\d.]+ MiB peak, [\d.]+ MiB resident  [\d.]+ s",
        lines[-1],
    )
    assert "\x1b" not in outcome.out
    assert "matmul peak" in outcome.out
    assert "A sample, from 'The ' on:" in outcome.out
    assert "curta sample out --prompt 'The '" in outcome.out


def test_the_same_seed_gives_the_same_run_whatever_the_threads(run, tmp_path, trained):
    assert run("train", *TINY, "--steps", "20", "--seed", "3", "--threads", "1", "--output", "one").code == 0
    again, before = load_file(tmp_path / "one" / "model.safetensors"), load_file(trained / "model.safetensors")
    assert all(np.array_equal(again[name], before[name]) for name in before)


def test_an_eager_run_gives_the_same_numbers(run, tmp_path):
    for name, extra in (("compiled", []), ("eager", ["--eager"])):
        assert run("train", *TINY, "--steps", "12", "--seed", "3", "--output", name, *extra).code == 0
    compiled, eager = metrics_of(tmp_path / "compiled"), metrics_of(tmp_path / "eager")
    for name in ("training_loss", "validation_loss", "gradient_norm"):
        assert [one[name] for one in compiled] == [one[name] for one in eager]


def test_another_seed_gives_another_run(run, tmp_path, trained):
    assert run("train", *TINY, "--steps", "20", "--seed", "4", "--output", "other").code == 0
    assert metrics_of(tmp_path / "other")[-1]["training_loss"] != metrics_of(trained)[-1]["training_loss"]


def test_bfloat16_follows_float32_closely(run, tmp_path, trained):
    assert run("train", *TINY, "--steps", "20", "--seed", "3", "--dtype", "bfloat16", "--output", "half").code == 0
    half, whole = metrics_of(tmp_path / "half"), metrics_of(trained)
    for ours, theirs in zip(half, whole, strict=True):
        assert ours["validation_loss"] == pytest.approx(theirs["validation_loss"], abs=0.03)
    arrays = load_file(tmp_path / "half" / "model.safetensors")
    assert {array.dtype for array in arrays.values()} == {np.dtype(np.float32)}


def test_a_file_is_trained_on_as_bytes(run, tmp_path):
    (tmp_path / "bytes.bin").write_bytes(bytes(range(256)) * 4)
    outcome = run("train", *TINY, "--data", "bytes.bin", "--steps", "3", "--output", "out")
    assert outcome.code == 0
    assert "bytes.bin: 1,024 bytes, 922 to train on and 102 to validate" in outcome.out
    assert [line["step"] for line in metrics_of(tmp_path / "out")] == [0, 3]


def test_overwrite_replaces_an_earlier_run(run, tmp_path):
    for _ in range(2):
        outcome = run("train", *TINY, "--steps", "2", "--output", "out", "--overwrite")
        assert outcome.code == 0
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == FILES


def test_by_default_each_run_has_a_directory_of_its_own(run, tmp_path):
    for _ in range(2):
        assert run("train", *TINY, "--steps", "1").code == 0
    assert len(list((tmp_path / "runs").iterdir())) == 2


def test_sample_continues_the_prompt(run, trained):
    arguments = ["sample", str(trained), "--prompt", "The", "--tokens", "40", "--seed", "5", "--temperature", "0"]
    first, second = run(*arguments), run(*arguments)
    assert first.code == 0
    assert first.out.startswith("The")
    # At least the prompt and one character for four bytes (UTF-8's longest), and a line's end.
    assert 3 + 10 + 1 <= len(first.out) <= 3 + 40 + 1
    assert first == second


def test_sample_reads_the_file_itself_too(run, trained):
    by_file = run("sample", str(trained / "model.safetensors"), "--tokens", "10")
    assert by_file == run("sample", str(trained), "--tokens", "10")
    assert by_file.code == 0


def test_sample_takes_an_empty_prompt_and_any_character(run, trained):
    assert run("sample", str(trained), "--prompt", "", "--tokens", "5").code == 0
    assert run("sample", str(trained), "--prompt", "naïve 🧮", "--tokens", "5").out.startswith("naïve 🧮")


def start(arguments: list[str], directory: Path) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "curta", *arguments],
        cwd=directory,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=os.environ | {"PYTHONUNBUFFERED": "1"},
    )


def test_ctrl_c_keeps_what_is_complete(tmp_path, trained):
    # `trained` has filled the kernel cache, so that this run's first steps come soon.
    process = start(["train", *TINY, "--steps", "1000000", "--output", "out"], tmp_path)
    assert process.stdout is not None
    for line in process.stdout:
        if re.match(r"step +10/", line):
            break
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 130
    told = re.search(r"stopped by Ctrl-C after step (\d+) of 1000000; kept in out: ", errors)
    assert told
    assert errors.count("\n") == 1
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == FILES
    assert metrics_of(tmp_path / "out")[-1]["step"] == int(told[1])
    assert main(["sample", str(tmp_path / "out"), "--tokens", "3"]) == 0


def test_ctrl_c_before_the_first_step_leaves_nothing(run, tmp_path, monkeypatch):
    def interrupted(*arguments):
        raise KeyboardInterrupt

    monkeypatch.setattr("curta.costs.processor.figures", interrupted)
    outcome = run("train", *TINY, "--output", "a/b")
    assert outcome.code == 130
    assert "curta train: stopped by Ctrl-C; nothing was kept" in outcome.err
    assert list(tmp_path.iterdir()) == []


@pytest.mark.filterwarnings("default")
def test_an_mfu_that_cannot_be_is_a_line_of_the_run(run, monkeypatch):
    figures = {
        "flops_per_second": 1.0, "bytes_per_second": 1.0, "dtype": "float32", "name": "a wrong one",
        "notes": ("a note",),
    }  # fmt: skip
    monkeypatch.setattr("curta.costs.processor.figures", lambda dtype, remeasure: figures)
    outcome = run("train", *TINY, "--steps", "3", "--output", "out")
    assert outcome.code == 0
    assert outcome.err == ""
    lines = outcome.out.splitlines()
    assert [line[:16] for line in lines if line.startswith("warning")] == ["warning  MFU is "]
    assert "machine  matmul peak 1 FLOP/s in float32 (100% MFU), given by hand" in lines
    assert "         a note" in lines
    assert any("good: half of the peak or more" in line for line in lines)


def test_a_run_of_warm_up_steps_only_has_no_rates(run, tmp_path):
    outcome = run("train", *TINY, "--steps", "2", "--output", "out")
    assert outcome.code == 0
    assert "of training, - after the first 2 steps; memory peak" in outcome.out
    last = metrics_of(tmp_path / "out")[-1]
    assert (last["mfu"], last["tokens_per_second"], last["flops_per_second"]) == (None, None, None)
    assert last["training_seconds"] > 0


def test_help_is_quick(tmp_path):
    begin = time.perf_counter()
    process = start(["--help"], tmp_path)
    out, _ = process.communicate(timeout=60)
    assert process.returncode == 0
    assert all(command in out for command in ("train", "sample", "doctor"))
    # Loading rich or matplotlib would be most of a second; generous, because the tests share the machine.
    assert time.perf_counter() - begin < 5.0


def test_help_loads_neither_rich_nor_matplotlib(tmp_path):
    program = (
        "import sys; from curta.cli.main import main; main(['--help']); "
        "print([m for m in ('rich', 'matplotlib') if m in sys.modules])"
    )
    out = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True).stdout
    assert out.splitlines()[-1] == "[]"


def test_a_reader_that_leaves_early_is_no_error(tmp_path, trained):
    process = start(["sample", str(trained), "--tokens", "2000"], tmp_path)
    assert process.stdout is not None
    assert process.stdout.read(5)
    process.stdout.close()
    assert process.stderr is not None
    assert process.stderr.read() == ""
    process.stderr.close()
    assert process.wait(timeout=120) == 1


def test_version(run):
    import curta

    assert run("--version").out == f"curta {curta.__version__}\n"


def test_no_command_prints_the_help(run):
    outcome = run()
    assert outcome.code == 0
    assert outcome.out.startswith("usage: curta")


def test_the_version_is_that_of_the_project():
    import tomllib

    import curta

    project = Path(__file__).parents[2] / "pyproject.toml"
    assert tomllib.loads(project.read_text())["project"]["version"] == curta.__version__
