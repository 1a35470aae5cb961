"""Where the words of the thread pool's state lie, and what its text is written with."""

from __future__ import annotations

from curta.runtime import cpu

#: offsets in the state, in bytes; words written by different threads are on different cache lines
JOBS, DONE, SLEEPERS = 0, 64, 128
PARTS, TASKS = 192, 200
THREADS, STARTED, STOPPING, SCRATCH, SCRATCH_STRIDE, WATCH = 256, 264, 272, 280, 288, 296
ALIVE = 320
JOB_MUTEX, SLEEP_MUTEX, CONDITION, SIGNALS = 384, 448, 512, 576
#: the words of the shares, each on a cache line of its own; threads beyond the last share it among them
TICKETS, TICKET_BYTES, SHARES = 704, 64, 256
STATE_BYTES = TICKETS + TICKET_BYTES * SHARES

#: a part: kernel, arguments, meta, units, grain, the number of its first task and of the next part's, one word unused
PART_BYTES = 64
BIAS = 1 << 40
#: where WATCH is not null, thread n notes there, n times these bytes on, when it began and when it ended its tasks
WATCH_STRIDE = 128


def at(offset: int) -> str:
    """The address of a field of the state, as a constant expression."""
    return f"getelementptr (i8, ptr @state, i64 {offset})"


def pause() -> tuple[str, str]:
    """How a spinning thread tells the processor that it spins: a declaration and a call."""
    if cpu.is_x86():
        return "declare void @llvm.x86.sse2.pause()", "call void @llvm.x86.sse2.pause()"
    return "", ""
