"""Hand-written kernels, and a way to run a script in a process of its own."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from curta.runtime import jit, native

LOOP = """
entry:
  {before}
  br label %head
head:
  %i = phi i64 [ %start, %entry ], [ %next, %body ]
  %more = icmp slt i64 %i, %stop
  br i1 %more, label %body, label %end
body:
  {body}
  %next = add i64 %i, 1
  br label %head
end:
  {after}
  ret void
"""
SIGNATURE = "define void @kernel(ptr %args, ptr %meta, ptr %scratch, i64 %start, i64 %stop)"

#: out[i] = x + i, with args (out: pointer to doubles, x: double)
FILL = f"""{SIGNATURE} {{
{
    LOOP.format(
        before='''%out = load ptr, ptr %args
  %x_at = getelementptr i64, ptr %args, i64 1
  %x = load double, ptr %x_at''',
        body='''%d = sitofp i64 %i to double
  %y = fadd double %d, %x
  %at = getelementptr double, ptr %out, i64 %i
  store double %y, ptr %at''',
        after="",
    )
}
}}"""

#: out[2 i] and out[2 i + 1] are the start and stop of the call that did unit i, args (out: pointer to int64)
BOUNDS = f"""{SIGNATURE} {{
{
    LOOP.format(
        before="%out = load ptr, ptr %args",
        body='''%twice = mul i64 %i, 2
  %at = getelementptr i64, ptr %out, i64 %twice
  store i64 %start, ptr %at
  %at_2 = getelementptr i64, ptr %at, i64 1
  store i64 %stop, ptr %at_2''',
        after="",
    )
}
}}"""

#: writes meta[0] numbers into the scratch, each turn over again, then out[unit] = their sum, args (out)
SCRATCH = f"""{SIGNATURE} {{
entry:
  %out = load ptr, ptr %args
  %count = load i64, ptr %meta
  br label %write
write:
  %i = phi i64 [ 0, %entry ], [ %i_next, %write ]
  %value = add i64 %i, %start
  %at = getelementptr i64, ptr %scratch, i64 %i
  store volatile i64 %value, ptr %at
  %i_next = add i64 %i, 1
  %again = icmp slt i64 %i_next, %count
  br i1 %again, label %write, label %read
read:
  %j = phi i64 [ 0, %write ], [ %j_next, %read ]
  %sum = phi i64 [ 0, %write ], [ %sum_next, %read ]
  %at_2 = getelementptr i64, ptr %scratch, i64 %j
  %value_2 = load volatile i64, ptr %at_2
  %sum_next = add i64 %sum, %value_2
  %j_next = add i64 %j, 1
  %more = icmp slt i64 %j_next, %count
  br i1 %more, label %read, label %done
done:
  %place = getelementptr i64, ptr %out, i64 %start
  store i64 %sum_next, ptr %place
  ret void
}}"""

#: out[k] = the bits of argument k for k in 1 .. meta[0] - 1, args (out, …)
ECHO = f"""{SIGNATURE} {{
entry:
  %out = load ptr, ptr %args
  %count = load i64, ptr %meta
  br label %head
head:
  %i = phi i64 [ 1, %entry ], [ %next, %body ]
  %more = icmp slt i64 %i, %count
  br i1 %more, label %body, label %end
body:
  %from = getelementptr i64, ptr %args, i64 %i
  %bits = load i64, ptr %from
  %to = getelementptr i64, ptr %out, i64 %i
  store i64 %bits, ptr %to
  %next = add i64 %i, 1
  br label %head
end:
  ret void
}}"""


@pytest.fixture(scope="session")
def kernel_texts() -> dict[str, str]:
    """The kernels above, as text."""
    return {"fill": FILL, "bounds": BOUNDS, "scratch": SCRATCH, "echo": ECHO}


@pytest.fixture(scope="session")
def kernels(kernel_texts) -> dict[str, int]:
    """Addresses of the kernels above."""
    return {name: jit.load(jit.compile(text)).address("kernel") for name, text in kernel_texts.items()}


@pytest.fixture
def threads():
    """`set_num_threads`, undone after the test."""
    before = native.get_num_threads()
    yield native.set_num_threads
    native.set_num_threads(before)


@pytest.fixture
def run_script(tmp_path) -> Callable[..., str]:
    """Run Python text in a new process with some environment; returns what it printed, fails where it failed."""

    def run(text: str, **environment: str) -> str:
        source = str(Path(native.__file__).parents[2])
        variables = os.environ | {"PYTHONPATH": source, "CURTA_CACHE_DIR": str(tmp_path / "cache")} | environment
        command = [sys.executable, "-c", text]
        done = subprocess.run(command, env=variables, capture_output=True, text=True, timeout=60, check=False)
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    return run
