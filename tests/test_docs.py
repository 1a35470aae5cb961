"""The documentation's code runs, and prints what it says it prints.

Every ```python block of README.md, CONTRIBUTING.md and docs/ is run; the blocks of one page share no names, so that
each can be copied by itself, unless a block begins with "# continues". A ```text block right after a ```python block
is its output ("..." stands for anything). A ```python block that names packages behind that word needs them: it runs in
a process of its own, with SCIPY_ARRAY_API=1, or is skipped where one is missing. In ```console blocks the cheap
commands are run and compared likewise.
"""

from __future__ import annotations

import contextlib
import doctest
import gc
import importlib.util
import io
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import pytest

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md"))]
FENCE = re.compile(r"^(?P<fence>`{3,})(?P<language>[^\n`]*)\n(?P<body>.*?)^(?P=fence)[ ]*$", re.MULTILINE | re.DOTALL)
CHEAP = {
    ("account", "gpt2", "--batch", "8", "--context", "512"),
    ("doctor",),
    ("--version",),
    ("--help",),
    ("train", "--help"),
    ("sample", "--help"),
}
FLAGS = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE


class Block(NamedTuple):
    page: Path
    line: int
    language: str
    body: str
    output: str | None  # of the ```text block right after it
    before: str  # what the blocks that it continues have run


def blocks_of(page: Path) -> list[Block]:
    text = page.read_text(encoding="utf-8")
    found = list(FENCE.finditer(text))
    blocks: list[Block] = []
    running = ""
    for index, match in enumerate(found):
        language, body = match["language"].strip(), match["body"]
        following = found[index + 1] if index + 1 < len(found) else None
        output = None
        if following and following["language"].strip() == "text" and not text[match.end() : following.start()].strip():
            output = following["body"]
        line = text.count("\n", 0, match.start()) + 2
        if language == "python":
            running = running if body.startswith("# continues") else ""
            blocks.append(Block(page, line, language, body, output, running))
            running += body
        elif language == "console" or language.startswith("python "):
            blocks.append(Block(page, line, language, body, output, ""))
    return blocks


BLOCKS = [block for page in PAGES for block in blocks_of(page)]


def name_of(block: Block) -> str:
    return f"{block.page.relative_to(ROOT)}:{block.line}"


def needed(block: Block) -> list[str]:
    """The packages that a block needs beyond Curta's own."""
    return block.language.split()[1:]


def compare(expected: str, got: str, where: str) -> None:
    checker = doctest.OutputChecker()
    if not checker.check_output(expected, got, FLAGS):
        raise AssertionError(
            where + "\n" + checker.output_difference(doctest.Example("", expected), got, doctest.REPORT_NDIFF)
        )


@pytest.mark.parametrize("block", [b for b in BLOCKS if b.language == "python"], ids=name_of)
def test_python(block, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    gc.collect()  # some blocks look at memory: what other tests left is not to go meanwhile
    if ">>>" in block.body:
        test = doctest.DocTestParser().get_doctest(block.body, {}, name_of(block), str(block.page), block.line)
        complaints: list[str] = []
        assert doctest.DocTestRunner(optionflags=FLAGS).run(test, out=complaints.append).failed == 0, complaints
        return
    namespace: dict[str, object] = {"__name__": "__main__"}
    with contextlib.redirect_stdout(io.StringIO()):
        exec(compile(block.before, str(block.page), "exec"), namespace)
    # Blank lines put the body on its own lines of the page, so that a traceback names them.
    code = compile("\n" * (block.line - 1) + block.body, str(block.page), "exec")
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        exec(code, namespace)
    if block.output is not None:
        compare(block.output, printed.getvalue(), name_of(block))


@pytest.mark.parametrize("block", [b for b in BLOCKS if b.language.startswith("python ")], ids=name_of)
def test_python_with_other_packages(block):
    for package in needed(block):
        if importlib.util.find_spec(package) is None:
            pytest.skip(f"{package} is not installed")
    environment = {**os.environ, "SCIPY_ARRAY_API": "1"}
    result = subprocess.run([sys.executable, "-c", block.body], env=environment, capture_output=True, text=True)
    assert result.returncode == 0, result.stderr
    compare(block.output, result.stdout, name_of(block))


@pytest.mark.parametrize("block", [b for b in BLOCKS if b.language == "console"], ids=name_of)
def test_console(block, tmp_path):
    for part in re.split(r"^\$ ", block.body, flags=re.MULTILINE)[1:]:
        command, _, expected = part.partition("\n")
        program, *arguments = shlex.split(command, comments=True)
        if program == "curta" and tuple(arguments) in CHEAP:
            result = subprocess.run(
                [sys.executable, "-m", "curta", *arguments], cwd=tmp_path, capture_output=True, text=True, check=True
            )
            if expected.strip():
                compare(expected, result.stdout, f"{name_of(block)}: {command}")


def test_links_to_files_lead_somewhere():
    for page in PAGES:
        for target in re.findall(r"\]\((?!https?:|#|mailto:)([^)#]+)", page.read_text(encoding="utf-8")):
            assert (page.parent / target).exists(), f"{page.name} links to {target}"


def test_there_is_something_to_run():
    assert sum(block.language == "python" for block in BLOCKS) >= 3
