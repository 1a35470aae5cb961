"""The LLVM text of the thread pool's workers: their life, how they are started and stopped, what Python sets."""

from __future__ import annotations

import signal
import time

from curta.runtime.pool_state import (
    ALIVE,
    BIAS,
    CONDITION,
    JOB_MUTEX,
    JOBS,
    SCRATCH,
    SCRATCH_STRIDE,
    SHARES,
    SIGNALS,
    SLEEP_MUTEX,
    SLEEPERS,
    STARTED,
    STOPPING,
    THREADS,
    WATCH,
    at,
    pause,
)  # fmt: skip

#: how long a worker looks for work before it sleeps: longer than Python takes between two operators of a training
#: step, since being woken on a shared machine can take a millisecond (a tenth of a GPT step, measured)
SPIN_NANOSECONDS = 2_000_000


def worker() -> str:
    """A worker's life: work, spin, sleep, until it is told to stop."""
    return f"""
define internal i64 @now() {{
  %spec = alloca [2 x i64], align 16
  %status = call i32 @clock_gettime(i32 {int(getattr(time, "CLOCK_MONOTONIC", 1))}, ptr %spec)
  %seconds = load i64, ptr %spec
  %rest = getelementptr i8, ptr %spec, i64 8
  %nanoseconds = load i64, ptr %rest
  %whole = mul i64 %seconds, 1000000000
  %sum = add i64 %whole, %nanoseconds
  ret i64 %sum
}}

define internal i1 @is_work(i64 %seen) {{
  %jobs = load atomic i64, ptr {at(JOBS)} seq_cst, align 8
  %yes = icmp ne i64 %jobs, %seen
  ret i1 %yes
}}

define internal ptr @worker(ptr %argument) {{
entry:
  %thread = ptrtoint ptr %argument to i64
  br label %working
working:
  %seen = load atomic i64, ptr {at(JOBS)} seq_cst, align 8
  call void @work(i64 %thread)
  %from = call i64 @now()
  %deadline = add i64 %from, {SPIN_NANOSECONDS}
  br label %looking
looking:
  %stop_word = load atomic i64, ptr {at(STOPPING)} acquire, align 8
  %stop = icmp ne i64 %stop_word, 0
  br i1 %stop, label %leave, label %spin
spin:
  %turn = phi i64 [ 0, %looking ], [ %turn_next, %spin_more ]
  {pause()[1]}
  %found = call i1 @is_work(i64 %seen)
  br i1 %found, label %working, label %spin_more
spin_more:
  %turn_next = add i64 %turn, 1
  %again = icmp slt i64 %turn_next, 16
  br i1 %again, label %spin, label %clock
clock:
  %time = call i64 @now()
  %early = icmp slt i64 %time, %deadline
  br i1 %early, label %looking, label %to_bed
to_bed:
  %locked = call i32 @pthread_mutex_lock(ptr {at(SLEEP_MUTEX)})
  %sleepers = atomicrmw add ptr {at(SLEEPERS)}, i64 1 seq_cst
  br label %asleep
asleep:
  %woken = call i1 @is_work(i64 %seen)
  br i1 %woken, label %rise, label %asked
asked:
  %stop_word_2 = load atomic i64, ptr {at(STOPPING)} acquire, align 8
  %stop_2 = icmp ne i64 %stop_word_2, 0
  br i1 %stop_2, label %rise, label %wait
wait:
  %waited = call i32 @pthread_cond_wait(ptr {at(CONDITION)}, ptr {at(SLEEP_MUTEX)})
  br label %asleep
rise:
  %sleepers_2 = atomicrmw sub ptr {at(SLEEPERS)}, i64 1 seq_cst
  %unlocked = call i32 @pthread_mutex_unlock(ptr {at(SLEEP_MUTEX)})
  br label %working
leave:
  %alive = atomicrmw sub ptr {at(ALIVE)}, i64 1 seq_cst
  ret ptr null
}}
"""


def start_and_stop() -> str:
    """Starting the workers (signals blocked: they belong to Python's threads) and stopping them; job mutex held."""
    block, restore = int(signal.SIG_BLOCK), int(signal.SIG_SETMASK)
    return f"""
define internal void @start_workers() {{
entry:
  %started = load i64, ptr {at(STARTED)}
  %already = icmp ne i64 %started, 0
  br i1 %already, label %end, label %begin
begin:
  %old = alloca [128 x i8], align 16
  %identity = alloca i64, align 8
  store i64 1, ptr {at(STARTED)}
  %threads = load i64, ptr {at(THREADS)}
  %blocked = call i32 @pthread_sigmask(i32 {block}, ptr {at(SIGNALS)}, ptr %old)
  br label %more
more:
  %thread = phi i64 [ 1, %begin ], [ %next, %made ], [ %next, %failed ]
  %next = add i64 %thread, 1
  %wanted = icmp slt i64 %thread, %threads
  br i1 %wanted, label %make, label %restore
make:
  %alive = atomicrmw add ptr {at(ALIVE)}, i64 1 seq_cst
  %argument = inttoptr i64 %thread to ptr
  %status = call i32 @pthread_create(ptr %identity, ptr null, ptr @worker, ptr %argument)
  %good = icmp eq i32 %status, 0
  br i1 %good, label %made, label %failed
made:
  %handle = load i64, ptr %identity
  %detached = call i32 @pthread_detach(i64 %handle)
  br label %more
failed:
  %fewer = atomicrmw sub ptr {at(ALIVE)}, i64 1 seq_cst
  br label %more
restore:
  %restored = call i32 @pthread_sigmask(i32 {restore}, ptr %old, ptr null)
  br label %end
end:
  ret void
}}

define internal void @stop_workers() {{
entry:
  store atomic i64 1, ptr {at(STOPPING)} seq_cst, align 8
  %locked = call i32 @pthread_mutex_lock(ptr {at(SLEEP_MUTEX)})
  %all = call i32 @pthread_cond_broadcast(ptr {at(CONDITION)})
  %unlocked = call i32 @pthread_mutex_unlock(ptr {at(SLEEP_MUTEX)})
  br label %check
check:
  %alive = load atomic i64, ptr {at(ALIVE)} seq_cst, align 8
  %some = icmp sgt i64 %alive, 0
  br i1 %some, label %yield, label %end
yield:
  %yielded = call i32 @sched_yield()
  br label %check
end:
  store atomic i64 0, ptr {at(STOPPING)} seq_cst, align 8
  store i64 0, ptr {at(STARTED)}
  ret void
}}
"""


def controls() -> str:
    """What Python calls, without the GIL, to set the pool up and to change it."""
    return f"""
define void @initialise(i64 %threads) {{
entry:
  br label %word
word:
  %share = phi i64 [ 0, %entry ], [ %next, %word ]
  %at = call ptr @word_of(i64 %share)
  store i64 {BIAS}, ptr %at
  %next = add i64 %share, 1
  %more = icmp slt i64 %next, {SHARES}
  br i1 %more, label %word, label %rest
rest:
  %a = call i32 @pthread_mutex_init(ptr {at(JOB_MUTEX)}, ptr null)
  %b = call i32 @pthread_mutex_init(ptr {at(SLEEP_MUTEX)}, ptr null)
  %c = call i32 @pthread_cond_init(ptr {at(CONDITION)}, ptr null)
  store i64 0, ptr {at(JOBS)}
  store i64 0, ptr {at(SLEEPERS)}
  store i64 0, ptr {at(ALIVE)}
  store i64 0, ptr {at(STARTED)}
  store i64 0, ptr {at(STOPPING)}
  store ptr null, ptr {at(WATCH)}
  store i64 %threads, ptr {at(THREADS)}
  ret void
}}

define void @set_watch(ptr %watch) {{
  %locked = call i32 @pthread_mutex_lock(ptr {at(JOB_MUTEX)})
  store ptr %watch, ptr {at(WATCH)}
  %unlocked = call i32 @pthread_mutex_unlock(ptr {at(JOB_MUTEX)})
  ret void
}}

define void @set_threads(i64 %threads) {{
  %locked = call i32 @pthread_mutex_lock(ptr {at(JOB_MUTEX)})
  call void @stop_workers()
  ; what is watched has room for as many threads as there were
  store ptr null, ptr {at(WATCH)}
  store i64 %threads, ptr {at(THREADS)}
  %unlocked = call i32 @pthread_mutex_unlock(ptr {at(JOB_MUTEX)})
  ret void
}}

define void @set_scratch(ptr %base, i64 %stride) {{
  %locked = call i32 @pthread_mutex_lock(ptr {at(JOB_MUTEX)})
  store ptr %base, ptr {at(SCRATCH)}
  store i64 %stride, ptr {at(SCRATCH_STRIDE)}
  %unlocked = call i32 @pthread_mutex_unlock(ptr {at(JOB_MUTEX)})
  ret void
}}
"""
