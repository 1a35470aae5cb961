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

import signal
import time

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
#: how long a worker looks for work before it sleeps: longer than Python takes between two operators of a training
#: step, since being woken on a shared machine can take a millisecond (a tenth of a GPT step, measured)
SPIN_NANOSECONDS = 2_000_000


def _at(offset: int) -> str:
    """The address of a field of the state, as a constant expression."""
    return f"getelementptr (i8, ptr @state, i64 {offset})"


def _pause() -> tuple[str, str]:
    """How a spinning thread tells the processor that it spins: a declaration and a call."""
    if cpu.is_x86():
        return "declare void @llvm.x86.sse2.pause()", "call void @llvm.x86.sse2.pause()"
    return "", ""


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
{_pause()[0]}
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
  %threads = load atomic i64, ptr {_at(THREADS)} monotonic, align 8
  %shares = call i64 @llvm.smin.i64(i64 %threads, i64 {SHARES})
  ret i64 %shares
}}

define internal ptr @word_of(i64 %share) {{
  %offset = mul i64 %share, {TICKET_BYTES}
  %word = getelementptr i8, ptr {_at(TICKETS)}, i64 %offset
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
  %parts = load ptr, ptr {_at(PARTS)}
  %tasks = load i64, ptr {_at(TASKS)}
  %base = load ptr, ptr {_at(SCRATCH)}
  %stride = load i64, ptr {_at(SCRATCH_STRIDE)}
  %following = add i64 %share, 1
  %bound = call i64 @share(i64 %following, i64 %tasks, i64 %shares)
  %task = sub i64 %bound, %left
  %new = icmp eq ptr %before_it, null
  %known = select i1 %new, ptr %parts, ptr %before_it
  %part = call ptr @part_of(ptr %known, i64 %task)
  %offset = mul i64 %thread, %stride
  %scratch = getelementptr i8, ptr %base, i64 %offset
  %watch = load ptr, ptr {_at(WATCH)}
  call void @note(ptr %watch, i64 %thread, i64 0)
  call void @run_one(ptr %part, i64 %task, ptr %scratch)
  call void @note(ptr %watch, i64 %thread, i64 8)
  %count_next = add i64 %count, 1
  br label %take
out:
  %did = icmp ne i64 %done_here, 0
  br i1 %did, label %report, label %end
report:
  %before = atomicrmw add ptr {_at(DONE)}, i64 %done_here acq_rel
  br label %end
end:
  ret void
}}
"""


def _worker() -> str:
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
  %jobs = load atomic i64, ptr {_at(JOBS)} seq_cst, align 8
  %yes = icmp ne i64 %jobs, %seen
  ret i1 %yes
}}

define internal ptr @worker(ptr %argument) {{
entry:
  %thread = ptrtoint ptr %argument to i64
  br label %working
working:
  %seen = load atomic i64, ptr {_at(JOBS)} seq_cst, align 8
  call void @work(i64 %thread)
  %from = call i64 @now()
  %deadline = add i64 %from, {SPIN_NANOSECONDS}
  br label %looking
looking:
  %stop_word = load atomic i64, ptr {_at(STOPPING)} acquire, align 8
  %stop = icmp ne i64 %stop_word, 0
  br i1 %stop, label %leave, label %spin
spin:
  %turn = phi i64 [ 0, %looking ], [ %turn_next, %spin_more ]
  {_pause()[1]}
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
  %locked = call i32 @pthread_mutex_lock(ptr {_at(SLEEP_MUTEX)})
  %sleepers = atomicrmw add ptr {_at(SLEEPERS)}, i64 1 seq_cst
  br label %asleep
asleep:
  %woken = call i1 @is_work(i64 %seen)
  br i1 %woken, label %rise, label %asked
asked:
  %stop_word_2 = load atomic i64, ptr {_at(STOPPING)} acquire, align 8
  %stop_2 = icmp ne i64 %stop_word_2, 0
  br i1 %stop_2, label %rise, label %wait
wait:
  %waited = call i32 @pthread_cond_wait(ptr {_at(CONDITION)}, ptr {_at(SLEEP_MUTEX)})
  br label %asleep
rise:
  %sleepers_2 = atomicrmw sub ptr {_at(SLEEPERS)}, i64 1 seq_cst
  %unlocked = call i32 @pthread_mutex_unlock(ptr {_at(SLEEP_MUTEX)})
  br label %working
leave:
  %alive = atomicrmw sub ptr {_at(ALIVE)}, i64 1 seq_cst
  ret ptr null
}}
"""


def _start_and_stop() -> str:
    """Starting the workers (signals blocked: they belong to Python's threads) and stopping them; job mutex held."""
    block, restore = int(signal.SIG_BLOCK), int(signal.SIG_SETMASK)
    return f"""
define internal void @start_workers() {{
entry:
  %started = load i64, ptr {_at(STARTED)}
  %already = icmp ne i64 %started, 0
  br i1 %already, label %end, label %begin
begin:
  %old = alloca [128 x i8], align 16
  %identity = alloca i64, align 8
  store i64 1, ptr {_at(STARTED)}
  %threads = load i64, ptr {_at(THREADS)}
  %blocked = call i32 @pthread_sigmask(i32 {block}, ptr {_at(SIGNALS)}, ptr %old)
  br label %more
more:
  %thread = phi i64 [ 1, %begin ], [ %next, %made ], [ %next, %failed ]
  %next = add i64 %thread, 1
  %wanted = icmp slt i64 %thread, %threads
  br i1 %wanted, label %make, label %restore
make:
  %alive = atomicrmw add ptr {_at(ALIVE)}, i64 1 seq_cst
  %argument = inttoptr i64 %thread to ptr
  %status = call i32 @pthread_create(ptr %identity, ptr null, ptr @worker, ptr %argument)
  %good = icmp eq i32 %status, 0
  br i1 %good, label %made, label %failed
made:
  %handle = load i64, ptr %identity
  %detached = call i32 @pthread_detach(i64 %handle)
  br label %more
failed:
  %fewer = atomicrmw sub ptr {_at(ALIVE)}, i64 1 seq_cst
  br label %more
restore:
  %restored = call i32 @pthread_sigmask(i32 {restore}, ptr %old, ptr null)
  br label %end
end:
  ret void
}}

define internal void @stop_workers() {{
entry:
  store atomic i64 1, ptr {_at(STOPPING)} seq_cst, align 8
  %locked = call i32 @pthread_mutex_lock(ptr {_at(SLEEP_MUTEX)})
  %all = call i32 @pthread_cond_broadcast(ptr {_at(CONDITION)})
  %unlocked = call i32 @pthread_mutex_unlock(ptr {_at(SLEEP_MUTEX)})
  br label %check
check:
  %alive = load atomic i64, ptr {_at(ALIVE)} seq_cst, align 8
  %some = icmp sgt i64 %alive, 0
  br i1 %some, label %yield, label %end
yield:
  %yielded = call i32 @sched_yield()
  br label %check
end:
  store atomic i64 0, ptr {_at(STOPPING)} seq_cst, align 8
  store i64 0, ptr {_at(STARTED)}
  ret void
}}
"""


def _controls() -> str:
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
  %a = call i32 @pthread_mutex_init(ptr {_at(JOB_MUTEX)}, ptr null)
  %b = call i32 @pthread_mutex_init(ptr {_at(SLEEP_MUTEX)}, ptr null)
  %c = call i32 @pthread_cond_init(ptr {_at(CONDITION)}, ptr null)
  store i64 0, ptr {_at(JOBS)}
  store i64 0, ptr {_at(SLEEPERS)}
  store i64 0, ptr {_at(ALIVE)}
  store i64 0, ptr {_at(STARTED)}
  store i64 0, ptr {_at(STOPPING)}
  store ptr null, ptr {_at(WATCH)}
  store i64 %threads, ptr {_at(THREADS)}
  ret void
}}

define void @set_watch(ptr %watch) {{
  %locked = call i32 @pthread_mutex_lock(ptr {_at(JOB_MUTEX)})
  store ptr %watch, ptr {_at(WATCH)}
  %unlocked = call i32 @pthread_mutex_unlock(ptr {_at(JOB_MUTEX)})
  ret void
}}

define void @set_threads(i64 %threads) {{
  %locked = call i32 @pthread_mutex_lock(ptr {_at(JOB_MUTEX)})
  call void @stop_workers()
  ; what is watched has room for as many threads as there were
  store ptr null, ptr {_at(WATCH)}
  store i64 %threads, ptr {_at(THREADS)}
  %unlocked = call i32 @pthread_mutex_unlock(ptr {_at(JOB_MUTEX)})
  ret void
}}

define void @set_scratch(ptr %base, i64 %stride) {{
  %locked = call i32 @pthread_mutex_lock(ptr {_at(JOB_MUTEX)})
  store ptr %base, ptr {_at(SCRATCH)}
  store i64 %stride, ptr {_at(SCRATCH_STRIDE)}
  %unlocked = call i32 @pthread_mutex_unlock(ptr {_at(JOB_MUTEX)})
  ret void
}}
"""


def _run_job() -> str:
    """Posting a job, helping with it and waiting for its end; the job mutex is held and the workers are started."""
    return f"""
define internal void @wake(i64 %tasks, i64 %sleepers) {{
entry:
  %alive = load atomic i64, ptr {_at(ALIVE)} monotonic, align 8
  %awake = sub i64 %alive, %sleepers
  %others = sub i64 %tasks, 1
  %lacking = sub i64 %others, %awake
  %count = call i64 @llvm.smin.i64(i64 %lacking, i64 %sleepers)
  %any = icmp sgt i64 %count, 0
  br i1 %any, label %begin, label %end
begin:
  ; after this a worker that had looked at the ticket too early is inside its wait
  %locked = call i32 @pthread_mutex_lock(ptr {_at(SLEEP_MUTEX)})
  %unlocked = call i32 @pthread_mutex_unlock(ptr {_at(SLEEP_MUTEX)})
  br label %one
one:
  %turn = phi i64 [ 0, %begin ], [ %next, %one ]
  %sent = call i32 @pthread_cond_signal(ptr {_at(CONDITION)})
  %next = add i64 %turn, 1
  %more = icmp slt i64 %next, %count
  br i1 %more, label %one, label %end
end:
  ret void
}}

define internal void @run_job(ptr %parts, i64 %tasks) {{
entry:
  store ptr %parts, ptr {_at(PARTS)}
  store i64 %tasks, ptr {_at(TASKS)}
  store atomic i64 0, ptr {_at(DONE)} monotonic, align 8
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
  %old = atomicrmw add ptr {_at(JOBS)}, i64 1 seq_cst
  %sleepers = load atomic i64, ptr {_at(SLEEPERS)} seq_cst, align 8
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
  %done = load atomic i64, ptr {_at(DONE)} acquire, align 8
  %finished = icmp eq i64 %done, %tasks
  br i1 %finished, label %end, label %not_yet
not_yet:
  %next = add i64 %turn, 1
  %patient = icmp slt i64 %next, 512
  br i1 %patient, label %pause, label %yield
pause:
  {_pause()[1]}
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
  %threads = load atomic i64, ptr {_at(THREADS)} monotonic, align 8
  %one_task = icmp eq i64 %tasks, 1
  %one_thread = icmp eq i64 %threads, 1
  %nobody = or i1 %one_task, %one_thread
  %serial = or i1 %nobody, %alone
  %no_scratch = icmp eq i64 %scratch_bytes, 0
  %free = and i1 %serial, %no_scratch
  br i1 %free, label %here, label %lock
lock:
  %locked = call i32 @pthread_mutex_lock(ptr {_at(JOB_MUTEX)})
  br i1 %serial, label %here, label %shared
shared:
  call void @start_workers()
  call void @run_job(ptr %parts, i64 %tasks)
  br label %unlock
here:
  %scratch = load ptr, ptr {_at(SCRATCH)}
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
  %unlocked = call i32 @pthread_mutex_unlock(ptr {_at(JOB_MUTEX)})
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
    parts = (_declarations, _run_one, _worker, _start_and_stop, _controls, _run_job, _run_wave)
    return "\n".join(part() for part in parts)
