"""What others call to give memory back, as machine code: they may do so without the GIL, or after Python has ended.

A function of ctypes would be no use here: it takes the GIL before it can find out that there is no interpreter left.
"""

from __future__ import annotations

import ctypes
import sys
from collections.abc import Callable
from typing import Any, NamedTuple

from curta.dlpack.structures import Managed, ManagedVersioned
from curta.runtime import jit

_RELEASE = """
declare i32 @Py_IsInitialized()
declare i32 @PyGILState_Ensure()
declare void @PyGILState_Release(i32)
declare void @Py_DecRef(ptr)
declare i32 @PyCapsule_IsValid(ptr, ptr)
declare ptr @PyCapsule_GetPointer(ptr, ptr)

define internal void @release(ptr %held) {
  %alive = call i32 @Py_IsInitialized()
  %ended = icmp eq i32 %alive, 0
  br i1 %ended, label %done, label %drop
drop:
  %state = call i32 @PyGILState_Ensure()
  call void @Py_DecRef(ptr %held)
  call void @PyGILState_Release(i32 %state)
  br label %done
done:
  ret void
}
"""


def _kind_text(name: str, held_at: int) -> str:
    """A structure's deleter, and the destructor of its capsule: that of one which nobody has consumed."""
    return f"""
@{name} = internal constant [{len(name) + 1} x i8] c"{name}\\00"

define void @delete_{name}(ptr %managed) {{
  %held_at = getelementptr i8, ptr %managed, i64 {held_at}
  %held = load ptr, ptr %held_at
  call void @release(ptr %held)
  ret void
}}

define void @destroy_{name}(ptr %capsule) {{
  %unused = call i32 @PyCapsule_IsValid(ptr %capsule, ptr @{name})
  %used = icmp eq i32 %unused, 0
  br i1 %used, label %done, label %delete
delete:
  %managed = call ptr @PyCapsule_GetPointer(ptr %capsule, ptr @{name})
  call void @delete_{name}(ptr %managed)
  br label %done
done:
  ret void
}}
"""


def _text() -> str:
    kinds = (("dltensor", Managed), ("dltensor_versioned", ManagedVersioned))
    return _RELEASE + "".join(_kind_text(name, kind.held.offset) for name, kind in kinds)


def address(name: str) -> int:
    """Where one of the functions above is."""
    return jit.cached_module(f"dlpack for {sys.implementation.cache_tag}", _text).address(name)


class Capsules(NamedTuple):
    """What CPython offers for capsules."""

    new: Callable[[int, int, int], Any]
    is_valid: Callable[[Any, int], int]
    pointer: Callable[[Any, int], int]
    rename: Callable[[Any, int], int]
    keep: Callable[[Any], None]
    let_go: Callable[[Any], None]


def _capsules() -> Capsules:
    def function(name: str, result: Any, *arguments: Any) -> Any:
        found = ctypes.pythonapi[name]
        found.restype, found.argtypes = result, arguments
        return found

    text, thing = ctypes.c_void_p, ctypes.py_object
    return Capsules(
        function("PyCapsule_New", thing, ctypes.c_void_p, text, ctypes.c_void_p),
        function("PyCapsule_IsValid", ctypes.c_int, thing, text),
        function("PyCapsule_GetPointer", ctypes.c_void_p, thing, text),
        function("PyCapsule_SetName", ctypes.c_int, thing, text),
        function("Py_IncRef", None, thing),
        function("Py_DecRef", None, thing),
    )


CAPSULES = _capsules()


def _lasting(text: bytes) -> int:
    """The address of a C string that stays: capsules keep no copy of their name and may outlive every module."""
    buffer = ctypes.create_string_buffer(text)
    CAPSULES.keep(buffer)
    return ctypes.addressof(buffer)


NAMES = {name: _lasting(name) for name in (b"dltensor", b"dltensor_versioned")}
USED = {name: _lasting(b"used_" + name) for name in NAMES}
