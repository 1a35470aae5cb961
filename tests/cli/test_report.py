"""`report.html`: it tells what the run's other files tell, and making it changes nothing of the run."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import load_file
from tests.report.pages import Page, check_page

import curta
from curta.cli.accounted import accounted_step
from curta.cli.options import TrainOptions
from curta.cli.report import Run, report_page
from curta.cli.trainer import Report, Trainer
from curta.costs.peak import Peak
from curta.costs.rates import Rates
from curta.data import Corpus
from curta.models.gpt import GPTConfig
from curta.report.step import Step

TINY = ["--width", "16", "--layers", "1", "--heads", "2", "--context", "16", "--batch", "4", "--report-every", "10"]
PEAK = Peak(1e11, "float32", bytes_per_second=1e10, name="a <machine>")
CONFIG = GPTConfig(width=16, layers=1, heads=2, context=16)
OPTIONS = TrainOptions(width=16, layers=1, heads=2, context=16, batch=4)
CORPUS = Corpus.split(bytes(range(256)) * 8)


def page_of(directory: Path) -> Page:
    return check_page((directory / "report.html").read_text(encoding="utf-8"))


def metrics_of(directory: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (directory / "metrics.jsonl").read_text().splitlines()]


def test_the_page_says_what_the_metrics_say(trained):
    page, metrics = page_of(trained), metrics_of(trained)
    last = metrics[-1]
    numbers = page.text("b")
    assert f"{last['validation_loss']:.4f}" in numbers
    assert f"{last['training_loss']:.4f}" in numbers
    titles = page.text("title")
    for line in metrics:
        assert f"validation, on fixed windows, step {line['step']}: {line['validation_loss']:.3f}" in titles
    assert f"MFU, step 20: {100 * last['mfu']:.1f}%" in titles
    parameters = 272 * 16 + 12 * 16**2 + 13 * 16 + 2 * 16
    assert f"parameters: {parameters:,}" in page.text("span")
    assert [head for head in page.text("h2") if head] == [
        "MFU, by convention", "Loss", "Throughput", "Memory over one step", "FLOPs and time", "Roofline",
        "How this was measured",
    ]  # fmt: skip
    assert "script" not in {tag for tag, _, _ in page.elements}


def test_the_page_says_what_an_account_says(trained):
    options = TrainOptions(width=16, layers=1, heads=2, context=16, batch=4, seed=3, eager=True)
    trainer = Trainer(options, CONFIG, CORPUS, PEAK)
    batch = curta.from_numpy(np.zeros((4, 16), dtype=np.int64))
    planned = curta.plan(trainer.update, batch, batch)
    page = page_of(trained)
    assert f"a step: {planned.flops:,}, of the model {planned.model_flops:,}" in page.text("span")
    cells = page.text("td")
    for cost in (*planned.by_phase().values(), *planned.by_module().values()):
        assert f"{cost.flops:,}" in cells
    rows = [text for text in page.text("desc") if text.startswith("At most ")]
    assert len(rows) == 1
    peak = int(re.match(r"At most ([\d,]+) bytes", rows[0])[1].replace(",", ""))
    # this model's step, and nothing else that this process of the tests holds, is not less than what it must hold:
    # weights, gradients or activations, and two moments
    assert peak >= 3 * 4 * sum(parameter.numel() for parameter in trainer.model.parameters())


def test_a_report_changes_nothing_of_the_run(run, tmp_path):
    for name, extra in (("with", []), ("without", ["--no-report"])):
        assert run("train", *TINY, "--steps", "12", "--seed", "3", "--output", name, *extra).code == 0
    assert sorted(path.name for path in (tmp_path / "without").iterdir()) == [
        "loss.png", "metrics.jsonl", "model.safetensors",
    ]  # fmt: skip
    ours, theirs = metrics_of(tmp_path / "with"), metrics_of(tmp_path / "without")
    for name in ("step", "training_loss", "validation_loss", "gradient_norm", "learning_rate"):
        assert [one[name] for one in ours] == [one[name] for one in theirs], name
    first, second = load_file(tmp_path / "with/model.safetensors"), load_file(tmp_path / "without/model.safetensors")
    assert all(np.array_equal(first[name], second[name]) for name in first)


def test_a_report_leaves_no_memory_behind():
    accounted_step(OPTIONS, CONFIG, CORPUS, {"float32": PEAK})
    before = curta.memory.memory_allocated()
    step = accounted_step(OPTIONS, CONFIG, CORPUS, {"float32": PEAK})
    assert curta.memory.memory_allocated() == before
    assert step.seconds is not None
    assert step.wall_seconds is not None
    assert 0 < step.seconds <= step.wall_seconds


def test_without_a_report_the_one_of_an_earlier_run_goes(run, tmp_path):
    assert run("train", *TINY, "--steps", "3", "--output", "out").code == 0
    assert (tmp_path / "out/report.html").exists()
    outcome = run("train", *TINY, "--steps", "3", "--output", "out", "--overwrite", "--no-report")
    assert outcome.code == 0
    assert "out has model.safetensors, metrics.jsonl and loss.png. Continue" in outcome.out
    assert not (tmp_path / "out/report.html").exists()


def test_a_report_alone_is_an_earlier_run_too(run, tmp_path):
    (tmp_path / "out").mkdir()
    (tmp_path / "out/report.html").write_text("mine")
    outcome = run("train", *TINY, "--output", "out")
    assert outcome.code == 2
    assert "out holds an earlier run (report.html): name another, or pass --overwrite" in outcome.err
    assert (tmp_path / "out/report.html").read_text() == "mine"


def test_names_are_escaped(run, tmp_path):
    name = 'a <b> & "c".txt'
    (tmp_path / name).write_bytes(bytes(range(256)) * 8)
    assert run("train", *TINY, "--data", name, "--steps", "3", "--output", "out").code == 0
    page = page_of(tmp_path / "out")
    assert page.text("h1") == [f"GPT, 1 layers × 16 wide, on {name}"]
    assert "b" not in {tag for tag, _, around in page.elements if "h1" in around}


@pytest.mark.parametrize("arguments", [["--dtype", "bfloat16"], ["--eager"]])
def test_other_runs(run, tmp_path, arguments):
    assert run("train", *TINY, "--steps", "4", "--output", "out", *arguments).code == 0
    page = page_of(tmp_path / "out")
    text = " ".join(page.text("p") + page.text("dd"))
    assert ("The run itself was compiled: " in text) == ("--eager" not in arguments)
    if "bfloat16" in arguments:
        assert "parameters in bfloat16" in text
        assert {"bfloat16", "float32"} <= set(page.text("td", look="name"))


def test_a_run_of_warm_up_steps_only(run, tmp_path):
    assert run("train", *TINY, "--steps", "2", "--output", "out").code == 0
    page = page_of(tmp_path / "out")
    assert "There are no rates: all steps were among the first, which compile and are in no rate." in page.text("p")
    assert not any("MFU" in text for text in page.text("span"))


@pytest.mark.filterwarnings("default")
def test_rates_that_cannot_be_are_told(run, monkeypatch, tmp_path):
    figures = {"flops_per_second": 1.0, "bytes_per_second": 1.0, "dtype": "float32", "name": "a <wrong> one"}
    monkeypatch.setattr("curta.costs.processor.figures", lambda dtype, remeasure: figures)
    assert run("train", *TINY, "--steps", "3", "--output", "out").code == 0
    page = page_of(tmp_path / "out")
    (note,) = page.find("p", role="note")
    assert "and cannot be above 1" in page.texts[note]
    assert "a <wrong> one: 1 FLOP/s in float32, 1 B/s; given by hand" in page.text("dd")


def test_a_step_that_does_not_fit_is_planned(run, monkeypatch, tmp_path):
    monkeypatch.setattr("curta.cli.accounted.available_bytes", lambda: 0)
    assert run("train", *TINY, "--steps", "3", "--output", "out").code == 0
    page = page_of(tmp_path / "out")
    text = " ".join(page.text("p"))
    assert "Of a first step without compilation, planned: it would not have fitted into free memory." in text
    assert "Times were not measured, so operators have no place under the roof." in text
    assert "of time" not in " ".join(page.text("text"))


def test_ctrl_c_while_the_step_is_accounted_leaves_nothing(run, tmp_path, monkeypatch):
    def interrupted(*arguments: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("curta.cli.train.accounted_step", interrupted)
    outcome = run("train", *TINY, "--output", "a/b")
    assert outcome.code == 130
    assert "curta train: stopped by Ctrl-C; nothing was kept" in outcome.err
    assert list(tmp_path.iterdir()) == []


def test_a_stopped_run_says_so(run, tmp_path, monkeypatch):
    def stop(self: Any) -> bool:
        return True

    monkeypatch.setattr("curta.cli.train.StopRequest.asked", property(stop, lambda self, value: None), raising=False)
    outcome = run("train", *TINY, "--steps", "50", "--output", "out")
    assert outcome.code == 130
    assert "kept in out: model.safetensors, metrics.jsonl, loss.png, report.html" in outcome.err
    assert page_of(tmp_path / "out").text("p")[0].startswith("Stopped after step 1 of 50, ")


@pytest.fixture(scope="module")
def step() -> Step:
    return accounted_step(OPTIONS, CONFIG, CORPUS, {"float32": PEAK})


def made_run(reports: list[Report], **changes: Any) -> Run:
    rates = Rates(3, 2, 3.0, 1.0, 1.0, 512.0, 3e9, 3e9, 4e9, 1e9, 1000, PEAK)
    values: dict[str, Any] = {
        "title": "a < b", "status": "3 steps", "facts": [("data", "<&>")], "reports": reports, "rates": rates,
        "conventions": {"executed": 0.03, "causal attention": 0.02}, "parameters": 1000, "compiled": "",
    }  # fmt: skip
    return Run(**(values | changes))


def report_at(step: int, **changes: Any) -> Report:
    values: dict[str, Any] = {
        "step": step, "training_loss": None, "validation_loss": 2.75, "learning_rate": 1e-3, "gradient_norm": None,
        "tokens_per_second": None, "flops_per_second": None, "model_flops_per_second": None, "mfu": None,
        "peak_flops_per_second": 1e11, "memory_current_bytes": 10, "memory_peak_bytes": 20, "resident_bytes": 30,
        "training_seconds": 0.0,
    }  # fmt: skip
    return Report(**(values | changes))


def test_no_report_and_one(step):
    page = check_page(report_page(made_run([]), step))
    assert "nothing was measured" in " ".join(page.text("desc"))
    page = check_page(report_page(made_run([report_at(0)]), step))
    assert "validation, on fixed windows: 2.750 at step 0" in " ".join(page.text("desc"))
    assert "2.7500" in page.text("b")


def test_the_head(step):
    page = check_page(report_page(made_run([report_at(0), report_at(1500, training_loss=2.5)]), step))
    assert page.text("h1") == ["a < b"]
    assert page.text("dd") == ["<&>"]
    pairs = dict(zip(page.text("span"), page.text("b"), strict=False))
    assert pairs["validation loss (began at 2.7500)"] == "2.7500"
    assert pairs["training loss, mean since the report before"] == "2.5000"
    assert pairs["1 s a step"] == "512 tokens/s"
    assert pairs["MFU; below half of the peak, from which on it would be good"] == "3.0%"
    assert pairs["HFU, with what is computed again"] == "3.0%"
    assert pairs["parameters: 1,000"] == "1 k"
    assert "executed: 3.0%; causal attention: 2.0%" in page.text("desc")
    assert "1,500" in page.text("text", look="faint")
