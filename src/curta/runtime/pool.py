"""The LLVM text of the thread pool.

One block of state, one job at a time. A job is a wave: kernels that do not depend on each other, its parts, each over
[0, units) cut into tasks of `grain` units; tasks are numbered through all the parts. Every thread has a share of them,
so that the next job finds in its caches what this one left there, and when its own is done it goes on with the others'.
A share's word is BIAS plus the number of its tasks not yet taken: taking one is one atomic subtraction, and a thread
that comes late only takes the word further below BIAS, which means nothing. A job ends when DONE reaches its number of
tasks, so nobody waits for a thread that took none. A worker without work spins until JOBS, their number, grows, and
after a while sleeps on a condition variable; it counts itself in SLEEPERS before it looks at JOBS for the last time,
and the poster counts JOBS before it looks at SLEEPERS, so one of the two always sees the other.
"""

from __future__ import annotations

from curta.runtime import workers
from curta.runtime.pool_state import (
    ALIVE,
    BIAS,
    CONDITION,
    DONE,
    JOB_MUTEX,
    JOBS,
    PART_BYTES,
    PARTS,
    SCRATCH,
    SCRATCH_STRIDE,
    SHARES,
    SLEEP_MUTEX,
    SLEEPERS,
    STATE_BYTES,
    TASKS,
    THREADS,
    TICKET_BYTES,
    TICKETS,
    WATCH,
    WATCH_STRIDE,
    at,
    pause,
)  # fmt: skip


def _declarations() -> str:
    return f"""
@state = global [{STATE_BYTES} x i8] zeroinitializer, align 64
declare i32 @pthread_create(ptr, ptr, ptr, ptr)
declare i32 @pthread_detach(i64)
declare i32 @pthread_sigmask(i32, ptr, ptr)
declare i32 @pthread_mutex_init(ptr, ptr)
declare i32 @pthread_mutex_lock(ptr)
declare i32 @pthread_mutex_unlock(ptr)
declare i32 @pthread_cond_init(ptr, ptr)
declare i32 @pthread_cond_wait(ptr, ptr)
declare i32 @pthread_cond_signal(ptr)
declare i32 @pthread_cond_broadcast(ptr)
declare i32 @sched_yield()
declare i32 @clock_gettime(i32, ptr)
declare i64 @llvm.smin.i64(i64, i64)
{pause()[0]}
"""


def _run_one() -> str:
    """`part_of` finds a task's part, from an earlier one on, and `run_one` does the task; `work` takes tasks of the
    present job until there are none, of the thread's own share first.

    A thread that took a task keeps the job from ending, so all that it takes before it reports are of that job; within
    a share their numbers grow. `share` is the first task of one. `note` writes the time for a thread that is watched:
    the first one at its beginning, any at its end.
    """
    return f"""
define internal ptr @part_of(ptr %known, i64 %task) {{
entry:
  br label %look
look:
  %part = phi ptr [ %known, %entry ], [ %next, %look ]
  %end_at = getelementptr i8, ptr %part, i64 48
  %end = load i64, ptr %end_at
  %next = getelementptr i8, ptr %part, i64 {PART_BYTES}
  %inside = icmp slt i64 %task, %end
  br i1 %inside, label %found, label %look
found:
  ret ptr %part
}}

define internal void @run_one(ptr %part, i64 %task, ptr %scratch) {{
  %kernel = load ptr, ptr %part
  %args_at = getelementptr i8, ptr %part, i64 8
  %args = load ptr, ptr %args_at
  %meta_at = getelementptr i8, ptr %part, i64 16
  %meta = load ptr, ptr %meta_at
  %units_at = getelementptr i8, ptr %part, i64 24
  %units = load i64, ptr %units_at
  %grain_at = getelementptr i8, ptr %part, i64 32
  %grain = load i64, ptr %grain_at
  %first_at = getelementptr i8, ptr %part, i64 40
  %first = load i64, ptr %first_at
  %own = sub i64 %task, %first
  %start = mul i64 %own, %grain
  %end = add i64 %start, %grain
  %stop = call i64 @llvm.smin.i64(i64 %end, i64 %units)
  call void %kernel(ptr %args, ptr %meta, ptr %scratch, i64 %start, i64 %stop)
  ret void
}}

define internal void @note(ptr %watch, i64 %thread, i64 %end) {{
entry:
  %off = icmp eq ptr %watch, null
  br i1 %off, label %done, label %look
look:
  %lane = mul i64 %thread, {WATCH_STRIDE}
  %offset = add i64 %lane, %end
  %at = getelementptr i8, ptr %watch, i64 %offset
  %known = load i64, ptr %at
  %is_set = icmp ne i64 %known, 0
  %is_begin = icmp eq i64 %end, 0
  %keep = and i1 %is_set, %is_begin
  br i1 %keep, label %done, label %write
write:
  %time = call i64 @now()
  store i64 %time, ptr %at
  br label %done
done:
  ret void
}}

define internal i64 @shares() {{
  %threads = load atomic i64, ptr {at(THREADS)} monotonic, align 8
  %shares = call i64 @llvm.smin.i64(i64 %threads, i64 {SHARES})
  ret i64 %shares
}}

define internal ptr @word_of(i64 %share) {{
  %offset = mul i64 %share, {TICKET_BYTES}
  %word = getelementptr i8, ptr {at(TICKETS)}, i64 %offset
  ret ptr %word
}}

define internal i64 @share(i64 %number, i64 %tasks, i64 %shares) {{
  %product = mul i64 %number, %tasks
  %first = udiv i64 %product, %shares
  ret i64 %first
}}

define internal void @work(i64 %thread) {{
entry:
  %shares = call i64 @shares()
  br label %turn
turn:
  %step = phi i64 [ 0, %entry ], [ %step_next, %exhausted ]
  %done_before = phi i64 [ 0, %entry ], [ %done_here, %exhausted ]
  %place = add i64 %thread, %step
  %share = urem i64 %place, %shares
  %word = call ptr @word_of(i64 %share)
  %peeked = load atomic i64, ptr %word monotonic, align 8
  %some = icmp sgt i64 %peeked, {BIAS}
  br i1 %some, label %take, label %exhausted
take:
  %count = phi i64 [ %done_before, %turn ], [ %count_next, %claimed ]
  %before_it = phi ptr [ null, %turn ], [ %part, %claimed ]
  %ticket = atomicrmw sub ptr %word, i64 1 acq_rel
  %left = sub i64 %ticket, {BIAS}
  %any = icmp sgt i64 %left, 0
  br i1 %any, label %claimed, label %exhausted
exhausted:
  %done_here = phi i64 [ %done_before, %turn ], [ %count, %take ]
  %step_next = add i64 %step, 1
  %further = icmp slt i64 %step_next, %shares
  br i1 %further, label %turn, label %out
claimed:
  %parts = load ptr, ptr {at(PARTS)}
  %tasks = load i64, ptr {at(TASKS)}
  %base = load ptr, ptr {at(SCRATCH)}
  %stride = load i64, ptr {at(SCRATCH_STRIDE)}
  %following = add i64 %share, 1
  %bound = call i64 @share(i64 %following, i64 %tasks, i64 %shares)
  %task = sub i64 %bound, %left
  %new = icmp eq ptr %before_it, null
  %known = select i1 %new, ptr %parts, ptr %before_it
  %part = call ptr @part_of(ptr %known, i64 %task)
  %offset = mul i64 %thread, %stride
  %scratch = getelementptr i8, ptr %base, i64 %offset
  %watch = load ptr, ptr {at(WATCH)}
  call void @note(ptr %watch, i64 %thread, i64 0)
  call void @run_one(ptr %part, i64 %task, ptr %scratch)
  call void @note(ptr %watch, i64 %thread, i64 8)
  %count_next = add i64 %count, 1
  br label %take
out:
  %did = icmp ne i64 %done_here, 0
  br i1 %did, label %report, label %end
report:
  %before = atomicrmw add ptr {at(DONE)}, i64 %done_here acq_rel
  br label %end
end:
  ret void
}}
"""


def _run_job() -> str:
    """Posting a job, helping with it and waiting for its end; the job mutex is held and the workers are started."""
    return f"""
define internal void @wake(i64 %tasks, i64 %sleepers) {{
entry:
  %alive = load atomic i64, ptr {at(ALIVE)} monotonic, align 8
  %awake = sub i64 %alive, %sleepers
  %others = sub i64 %tasks, 1
  %lacking = sub i64 %others, %awake
  %count = call i64 @llvm.smin.i64(i64 %lacking, i64 %sleepers)
  %any = icmp sgt i64 %count, 0
  br i1 %any, label %begin, label %end
begin:
  ; after this a worker that had looked at the ticket too early is inside its wait
  %locked = call i32 @pthread_mutex_lock(ptr {at(SLEEP_MUTEX)})
  %unlocked = call i32 @pthread_mutex_unlock(ptr {at(SLEEP_MUTEX)})
  br label %one
one:
  %turn = phi i64 [ 0, %begin ], [ %next, %one ]
  %sent = call i32 @pthread_cond_signal(ptr {at(CONDITION)})
  %next = add i64 %turn, 1
  %more = icmp slt i64 %next, %count
  br i1 %more, label %one, label %end
end:
  ret void
}}

define internal void @run_job(ptr %parts, i64 %tasks) {{
entry:
  store ptr %parts, ptr {at(PARTS)}
  store i64 %tasks, ptr {at(TASKS)}
  store atomic i64 0, ptr {at(DONE)} monotonic, align 8
  %shares = call i64 @shares()
  br label %deal
deal:
  %share = phi i64 [ 0, %entry ], [ %following, %dealt ]
  %first = phi i64 [ 0, %entry ], [ %bound, %dealt ]
  %following = add i64 %share, 1
  %bound = call i64 @share(i64 %following, i64 %tasks, i64 %shares)
  %count = sub i64 %bound, %first
  %none = icmp eq i64 %count, 0
  br i1 %none, label %dealt, label %write
write:
  %full = add i64 %count, {BIAS}
  %word = call ptr @word_of(i64 %share)
  store atomic i64 %full, ptr %word release, align 8
  br label %dealt
dealt:
  %more = icmp slt i64 %following, %shares
  br i1 %more, label %deal, label %posted
posted:
  %old = atomicrmw add ptr {at(JOBS)}, i64 1 seq_cst
  %sleepers = load atomic i64, ptr {at(SLEEPERS)} seq_cst, align 8
  %quiet = icmp eq i64 %sleepers, 0
  br i1 %quiet, label %help, label %call
call:
  call void @wake(i64 %tasks, i64 %sleepers)
  br label %help
help:
  call void @work(i64 0)
  br label %waiting
waiting:
  %turn = phi i64 [ 0, %help ], [ %next, %pause ], [ 0, %yield ]
  %done = load atomic i64, ptr {at(DONE)} acquire, align 8
  %finished = icmp eq i64 %done, %tasks
  br i1 %finished, label %end, label %not_yet
not_yet:
  %next = add i64 %turn, 1
  %patient = icmp slt i64 %next, 512
  br i1 %patient, label %pause, label %yield
pause:
  {pause()[1]}
  br label %waiting
yield:
  %yielded = call i32 @sched_yield()
  br label %waiting
end:
  ret void
}}
"""


def _run_wave() -> str:
    """Running all tasks of a wave, by the pool where that helps; the GIL is not held.

    `parallel_for` is a wave of one kernel; generated programs call it too. A kernel that it runs with scratch must not
    call it again: the scratch belongs to the job, which holds the mutex.
    """
    return f"""
define void @run_wave(ptr %parts, i64 %tasks, i64 %scratch_bytes, i1 %alone) {{
entry:
  %some = icmp sgt i64 %tasks, 0
  br i1 %some, label %look, label %end
look:
  %threads = load atomic i64, ptr {at(THREADS)} monotonic, align 8
  %one_task = icmp eq i64 %tasks, 1
  %one_thread = icmp eq i64 %threads, 1
  %nobody = or i1 %one_task, %one_thread
  %serial = or i1 %nobody, %alone
  %no_scratch = icmp eq i64 %scratch_bytes, 0
  %free = and i1 %serial, %no_scratch
  br i1 %free, label %here, label %lock
lock:
  %locked = call i32 @pthread_mutex_lock(ptr {at(JOB_MUTEX)})
  br i1 %serial, label %here, label %shared
shared:
  call void @start_workers()
  call void @run_job(ptr %parts, i64 %tasks)
  br label %unlock
here:
  %scratch = load ptr, ptr {at(SCRATCH)}
  br label %each
each:
  %task = phi i64 [ 0, %here ], [ %next, %each ]
  %known = phi ptr [ %parts, %here ], [ %part, %each ]
  %part = call ptr @part_of(ptr %known, i64 %task)
  call void @run_one(ptr %part, i64 %task, ptr %scratch)
  %next = add i64 %task, 1
  %more = icmp slt i64 %next, %tasks
  br i1 %more, label %each, label %ran
ran:
  br i1 %free, label %end, label %unlock
unlock:
  %unlocked = call i32 @pthread_mutex_unlock(ptr {at(JOB_MUTEX)})
  br label %end
end:
  ret void
}}

define void @parallel_for(ptr %kernel, ptr %args, ptr %meta, i64 %units, i64 %grain, i64 %scratch_bytes) {{
entry:
  %part = alloca [{PART_BYTES} x i8], align 64
  %some = icmp sgt i64 %units, 0
  br i1 %some, label %run, label %end
run:
  %up = add i64 %units, %grain
  %last = sub i64 %up, 1
  %tasks = sdiv i64 %last, %grain
  store ptr %kernel, ptr %part
  %args_at = getelementptr i8, ptr %part, i64 8
  store ptr %args, ptr %args_at
  %meta_at = getelementptr i8, ptr %part, i64 16
  store ptr %meta, ptr %meta_at
  %units_at = getelementptr i8, ptr %part, i64 24
  store i64 %units, ptr %units_at
  %grain_at = getelementptr i8, ptr %part, i64 32
  store i64 %grain, ptr %grain_at
  %first_at = getelementptr i8, ptr %part, i64 40
  store i64 0, ptr %first_at
  %end_at = getelementptr i8, ptr %part, i64 48
  store i64 %tasks, ptr %end_at
  call void @run_wave(ptr %part, i64 %tasks, i64 %scratch_bytes, i1 false)
  br label %end
end:
  ret void
}}
"""


def ir_text() -> str:
    """The pool: `run_wave`, `parallel_for`, `initialise`, `set_threads`, `set_scratch`, `set_watch` and `state`."""
    parts = (_declarations, _run_one, workers.worker, workers.start_and_stop, workers.controls, _run_job, _run_wave)
    return "\n".join(part() for part in parts)
