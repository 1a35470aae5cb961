"""`curta explain` writes one page, or says in one line why not."""

from __future__ import annotations

from functools import partial

import pytest

from curta.compiled.explain import machine
from curta.costs.measure import copy_peak, matmul_peak

SMALL = ["--width", "16", "--layers", "1", "--heads", "2", "--context", "16", "--batch", "4"]


@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
def test_explain(run, tmp_path, dtype):
    outcome = run("explain", *SMALL, "--dtype", dtype, "--output", "page.html", "--threads", "1")
    assert outcome.code == 0
    assert "kernels in " in outcome.out
    assert "page.html shows them" in outcome.out
    text = (tmp_path / "page.html").read_text(encoding="utf-8")
    assert f"1 layers × 16 wide, context 16, batch 4, {dtype}" in text
    assert "adam_update" in text


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["--output", "there.html"], "there.html exists: name another file, or pass --overwrite"),
        (["--output", "folder"], "folder is a directory: name a file"),
        (["--output", "nowhere/page.html"], "nowhere/page.html: cannot be written (No such file or directory)"),
        (["--width", "100", "--heads", "3"], "width must be divisible by heads, got a width of 100 and 3 heads"),
        (["--data", "missing.txt"], "curta explain: error: missing.txt: there is no such file"),
    ],
)
def test_explain_refuses(run, tmp_path, monkeypatch, arguments, expected):
    # the page that is refused, and then written, is not about the machine: `test_explain` measures it in full
    monkeypatch.setattr(machine, "matmul_peak", partial(matmul_peak, sizes=(64,), seconds=0.01))
    monkeypatch.setattr(machine, "copy_peak", lambda nbytes, seconds: copy_peak(nbytes, 0.01))
    (tmp_path / "there.html").write_text("mine")
    (tmp_path / "folder").mkdir()
    outcome = run("explain", *SMALL, *arguments)
    assert outcome.code == 2
    assert expected in outcome.err
    assert outcome.err.count("\n") == 1
    assert (tmp_path / "there.html").read_text() == "mine"
    assert run("explain", *SMALL, "--output", "there.html", "--overwrite").code == 0
