"""The LLVM text of the entries that Python calls: builtins that unpack a plan, convert its arguments and run it."""

from __future__ import annotations

MAXIMUM_ARGUMENTS = 256
#: a plan's words: kernel, meta, units, grain, scratch bytes, argument count, float mask, flags
PLAN_WORDS = 8
#: a wave's words in a table: see `_replay`
WAVE_WORDS = 4
#: the flag of a plan that is one call on the calling thread, which keeps the GIL
INLINE = 1
#: where a bytes object of CPython keeps its bytes (its size without any counts a final zero)
BYTES_DATA = bytes.__basicsize__ - 1


def _text(name: str, content: str) -> str:
    """A constant C string."""
    return f'@{name} = internal constant [{len(content) + 1} x i8] c"{content}\\00"'


def _declarations() -> str:
    return f"""
@PyExc_TypeError = external global ptr
@PyExc_ValueError = external global ptr
@_Py_NoneStruct = external global i8
{_text("wrong_count", "launch: the plan takes %zd argument(s), but got %zd")}
{_text("no_plan", "launch: the first argument must be the address of a plan, but got no arguments")}
{_text("null_plan", "launch: the address of the plan is 0")}
declare ptr @PyErr_Occurred()
declare void @PyErr_SetString(ptr, ptr)
declare ptr @PyErr_Format(ptr, ptr, ...)
declare ptr @PyLong_AsVoidPtr(ptr)
declare i64 @PyLong_AsLong(ptr)
declare double @PyFloat_AsDouble(ptr)
declare ptr @PyEval_SaveThread()
declare void @PyEval_RestoreThread(ptr)
declare void @Py_IncRef(ptr)
declare void @Py_DecRef(ptr)
declare ptr @PyTuple_New(i64)
declare i32 @PyTuple_SetItem(ptr, i64, ptr)
declare i64 @PyDict_Size(ptr)
declare i32 @PyDict_Next(ptr, ptr, ptr, ptr)
declare ptr @PyObject_Type(ptr)
declare ptr @PyLong_FromLongLong(i64)
@PyFloat_Type = external global i8
@PyDict_Type = external global i8
{_text("no_dictionary", "parameter_key: takes one dictionary")}
"""


def _entries() -> str:
    """METH_FASTCALL functions: `launch(plan_address, *args)`, and `run(*args)` of one plan."""
    return f"""
define ptr @launch(ptr %self, ptr %objects, i64 %given) {{
entry:
  %any = icmp sgt i64 %given, 0
  br i1 %any, label %read_plan, label %no_plan_given
no_plan_given:
  %type_error = load ptr, ptr @PyExc_TypeError
  call void @PyErr_SetString(ptr %type_error, ptr @no_plan)
  ret ptr null
read_plan:
  %first = load ptr, ptr %objects
  %plan = call ptr @PyLong_AsVoidPtr(ptr %first)
  %null = icmp eq ptr %plan, null
  br i1 %null, label %bad_plan, label %good_plan
bad_plan:
  %error_set = call ptr @PyErr_Occurred()
  %unset = icmp eq ptr %error_set, null
  br i1 %unset, label %null_address, label %fail
null_address:
  %value_error = load ptr, ptr @PyExc_ValueError
  call void @PyErr_SetString(ptr %value_error, ptr @null_plan)
  br label %fail
fail:
  ret ptr null
good_plan:
  %rest = getelementptr ptr, ptr %objects, i64 1
  %got = sub i64 %given, 1
  %result = call ptr @call_plan(ptr %plan, ptr %rest, i64 %got)
  ret ptr %result
}}

define ptr @run(ptr %self, ptr %objects, i64 %given) {{
  ; self is the bytes object that holds the plan
  %plan = getelementptr i8, ptr %self, i64 {BYTES_DATA}
  %result = call ptr @call_plan(ptr %plan, ptr %objects, i64 %given)
  ret ptr %result
}}

"""


def _call_plan() -> str:
    """Checking and converting the arguments of a plan, on the stack; then `_run_plan`."""
    return f"""
define internal ptr @call_plan(ptr %plan, ptr %objects, i64 %got) alwaysinline {{
entry:
  %slots = alloca [{MAXIMUM_ARGUMENTS} x i64], align 64
  %count_at = getelementptr i64, ptr %plan, i64 5
  %count = load i64, ptr %count_at
  %right = icmp eq i64 %got, %count
  br i1 %right, label %read_mask, label %bad_count
bad_count:
  %type_error_2 = load ptr, ptr @PyExc_TypeError
  %formatted = call ptr (ptr, ptr, ...) @PyErr_Format(ptr %type_error_2, ptr @wrong_count, i64 %count, i64 %got)
  br label %fail
read_mask:
  %mask_at = getelementptr i64, ptr %plan, i64 6
  %mask_all = load i64, ptr %mask_at
  br label %convert
convert:
  %index = phi i64 [ 0, %read_mask ], [ %index_next, %store ]
  %mask = phi i64 [ %mask_all, %read_mask ], [ %mask_next, %store ]
  %index_next = add i64 %index, 1
  %mask_next = lshr i64 %mask, 1
  %todo = icmp slt i64 %index, %count
  br i1 %todo, label %argument, label %run
argument:
  %object_at = getelementptr ptr, ptr %objects, i64 %index
  %object = load ptr, ptr %object_at
  %is_float = trunc i64 %mask to i1
  br i1 %is_float, label %as_float, label %as_integer
as_float:
  %double = call double @PyFloat_AsDouble(ptr %object)
  %double_bits = bitcast double %double to i64
  %float_suspect = fcmp oeq double %double, -1.0
  br i1 %float_suspect, label %suspect, label %store
as_integer:
  %integer = call i64 @PyLong_AsLong(ptr %object)
  %integer_suspect = icmp eq i64 %integer, -1
  br i1 %integer_suspect, label %suspect, label %store
suspect:
  %suspect_bits = phi i64 [ %double_bits, %as_float ], [ %integer, %as_integer ]
  %raised = call ptr @PyErr_Occurred()
  %innocent = icmp eq ptr %raised, null
  br i1 %innocent, label %store, label %fail
store:
  %bits = phi i64 [ %double_bits, %as_float ], [ %integer, %as_integer ], [ %suspect_bits, %suspect ]
  %slot = getelementptr i64, ptr %slots, i64 %index
  store i64 %bits, ptr %slot
  br label %convert
"""


def _run_plan() -> str:
    """The end of `call_plan`: the kernel itself, inline with the GIL or by `parallel_for` without."""
    return """
run:
  %kernel = load ptr, ptr %plan
  %meta_at = getelementptr i64, ptr %plan, i64 1
  %meta = load ptr, ptr %meta_at
  %units_at = getelementptr i64, ptr %plan, i64 2
  %units = load i64, ptr %units_at
  %grain_at = getelementptr i64, ptr %plan, i64 3
  %grain = load i64, ptr %grain_at
  %scratch_at = getelementptr i64, ptr %plan, i64 4
  %scratch_bytes = load i64, ptr %scratch_at
  %flags_at = getelementptr i64, ptr %plan, i64 7
  %flags = load i64, ptr %flags_at
  %inline = trunc i64 %flags to i1
  %no_scratch = icmp eq i64 %scratch_bytes, 0
  %simple = and i1 %inline, %no_scratch
  br i1 %simple, label %inline_run, label %pool_run
inline_run:
  %some = icmp sgt i64 %units, 0
  br i1 %some, label %inline_call, label %end
inline_call:
  call void %kernel(ptr %slots, ptr %meta, ptr null, i64 0, i64 %units)
  br label %end
pool_run:
  ; a flagged plan with scratch is one task too, under the job mutex
  %one_grain = select i1 %inline, i64 %units, i64 %grain
  br i1 %inline, label %held, label %released
held:
  call void @parallel_for(ptr %kernel, ptr %slots, ptr %meta, i64 %units, i64 %one_grain, i64 %scratch_bytes)
  br label %end
released:
  %thread_state = call ptr @PyEval_SaveThread()
  call void @parallel_for(ptr %kernel, ptr %slots, ptr %meta, i64 %units, i64 %one_grain, i64 %scratch_bytes)
  call void @PyEval_RestoreThread(ptr %thread_state)
  br label %end
end:
  call void @Py_IncRef(ptr @_Py_NoneStruct)
  ret ptr @_Py_NoneStruct
fail:
  ret ptr null
}
"""


def _replay() -> str:
    """`replay(table_address)`: the waves of a table one after the other, without the GIL.

    The table is a count, and for each wave the address of its parts, its number of tasks, the bytes of scratch that a
    thread needs, and whether it is run by the calling thread alone.
    """
    return f"""
define ptr @replay(ptr %self, ptr %objects, i64 %given) {{
entry:
  %right = icmp eq i64 %given, 1
  br i1 %right, label %read, label %bad_count
bad_count:
  %type_error = load ptr, ptr @PyExc_TypeError
  %formatted = call ptr (ptr, ptr, ...) @PyErr_Format(ptr %type_error, ptr @wrong_count, i64 1, i64 %given)
  ret ptr null
read:
  %first = load ptr, ptr %objects
  %table = call ptr @PyLong_AsVoidPtr(ptr %first)
  %null = icmp eq ptr %table, null
  br i1 %null, label %bad_table, label %start
bad_table:
  %error_set = call ptr @PyErr_Occurred()
  %unset = icmp eq ptr %error_set, null
  br i1 %unset, label %null_address, label %fail
null_address:
  %value_error = load ptr, ptr @PyExc_ValueError
  call void @PyErr_SetString(ptr %value_error, ptr @null_plan)
  br label %fail
fail:
  ret ptr null
start:
  %count = load i64, ptr %table
  %waves = getelementptr i64, ptr %table, i64 1
  %thread_state = call ptr @PyEval_SaveThread()
  br label %next
next:
  %index = phi i64 [ 0, %start ], [ %index_next, %step ]
  %todo = icmp slt i64 %index, %count
  br i1 %todo, label %step, label %end
step:
  %place = mul i64 %index, {WAVE_WORDS}
  %parts_at = getelementptr i64, ptr %waves, i64 %place
  %parts = load ptr, ptr %parts_at
  %tasks_at = getelementptr i64, ptr %parts_at, i64 1
  %tasks = load i64, ptr %tasks_at
  %scratch_at = getelementptr i64, ptr %parts_at, i64 2
  %scratch_bytes = load i64, ptr %scratch_at
  %alone_at = getelementptr i64, ptr %parts_at, i64 3
  %alone_word = load i64, ptr %alone_at
  %alone = trunc i64 %alone_word to i1
  call void @run_wave(ptr %parts, i64 %tasks, i64 %scratch_bytes, i1 %alone)
  %index_next = add i64 %index, 1
  br label %next
end:
  call void @PyEval_RestoreThread(ptr %thread_state)
  call void @Py_IncRef(ptr @_Py_NoneStruct)
  ret ptr @_Py_NoneStruct
}}
"""


def _key_entry() -> str:
    """`parameter_key(dictionary)`: its names, its values' types and its values, of a float the bits."""
    return """
define ptr @parameter_key(ptr %self, ptr %objects, i64 %given) {
entry:
  %at = alloca i64
  %name_at = alloca ptr
  %value_at = alloca ptr
  store i64 0, ptr %at
  %right = icmp eq i64 %given, 1
  br i1 %right, label %look, label %wrong
look:
  %dictionary = load ptr, ptr %objects
  %kind = call ptr @PyObject_Type(ptr %dictionary)
  call void @Py_DecRef(ptr %kind)
  %is_dictionary = icmp eq ptr %kind, @PyDict_Type
  br i1 %is_dictionary, label %make, label %wrong
wrong:
  %type_error = load ptr, ptr @PyExc_TypeError
  call void @PyErr_SetString(ptr %type_error, ptr @no_dictionary)
  br label %fail
fail:
  ret ptr null
make:
  %size = call i64 @PyDict_Size(ptr %dictionary)
  %twice = mul i64 %size, 2
  %length = mul i64 %size, 3
  %made = call ptr @PyTuple_New(i64 %length)
  %no_memory = icmp eq ptr %made, null
  br i1 %no_memory, label %fail, label %next
next:
  %index = phi i64 [ 0, %make ], [ %index_next, %put ]
  %found = call i32 @PyDict_Next(ptr %dictionary, ptr %at, ptr %name_at, ptr %value_at)
  %ended = icmp eq i32 %found, 0
  br i1 %ended, label %done, label %one
one:
  %name = load ptr, ptr %name_at
  %value = load ptr, ptr %value_at
  %type = call ptr @PyObject_Type(ptr %value)
  %is_float = icmp eq ptr %type, @PyFloat_Type
  br i1 %is_float, label %as_bits, label %as_it_is
as_bits:
  %double = call double @PyFloat_AsDouble(ptr %value)
  %bits = bitcast double %double to i64
  %number = call ptr @PyLong_FromLongLong(i64 %bits)
  %no_number = icmp eq ptr %number, null
  br i1 %no_number, label %drop, label %put
drop:
  call void @Py_DecRef(ptr %type)
  call void @Py_DecRef(ptr %made)
  br label %fail
as_it_is:
  call void @Py_IncRef(ptr %value)
  br label %put
put:
  %last = phi ptr [ %number, %as_bits ], [ %value, %as_it_is ]
  call void @Py_IncRef(ptr %name)
  %type_place = add i64 %index, %size
  %value_place = add i64 %index, %twice
  %set_name = call i32 @PyTuple_SetItem(ptr %made, i64 %index, ptr %name)
  %set_type = call i32 @PyTuple_SetItem(ptr %made, i64 %type_place, ptr %type)
  %set_value = call i32 @PyTuple_SetItem(ptr %made, i64 %value_place, ptr %last)
  %index_next = add i64 %index, 1
  br label %next
done:
  ret ptr %made
}
"""


def ir_text() -> str:
    """`launch`, `run`, `replay` and `parameter_key`, for the module that has `parallel_for` in it."""
    return "\n".join((_declarations(), _entries(), _call_plan(), _run_plan(), _replay(), _key_entry()))
