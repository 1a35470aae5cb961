"""`curta.compile`: a function that is recorded once for each kind of arguments, and from then on runs as a program."""

from __future__ import annotations

import functools
import gc
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from curta.autograd.state import STATE
from curta.compiled.differentiable import Backward, DifferentiableProgram, has_history
from curta.compiled.kinds import Outside, Shortcut, kind_of, rebuilder, replaced
from curta.compiled.profile import Profile
from curta.compiled.program import Program
from curta.compiled.recorder import Recorder
from curta.errors import ArgumentTypeError, CompileError
from curta.shapes import storage_extent
from curta.tensor import Tensor


class CompiledFunction:
    """What `compile` gives: call it as the function itself. `programs` are those made so far."""

    def __init__(self, function: Callable[..., Any]) -> None:
        functools.update_wrapper(self, function, updated=())
        self._function = function
        self._outside = Outside(function)
        self._programs: dict[Any, list[Program]] = {}
        #: the program that ran last, and how to recognise a call like that
        self._last: tuple[Shortcut, Program] | None = None

    @property
    def programs(self) -> list[Program]:
        """Every program made so far, in the order they were made."""
        return [program for made in self._programs.values() for program in made]

    @property
    def program(self) -> Program:
        """The only program, or the one made last; CompileError before the first call."""
        if not self._programs:
            raise CompileError("compile: there is no program before the first call")
        return self.programs[-1]

    def __get__(self, instance: Any, owner: type | None = None) -> Any:
        return self if instance is None else functools.partial(self, instance)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """The function's result; its first call with arguments of a kind records and compiles it."""
        last = self._last
        if last is not None and not kwargs and not STATE.hooked and not STATE.transforms:
            shortcut, program = last
            tensors = shortcut.tensors(args)
            if tensors is not None and program.fits():
                return program.run(tensors)
        if STATE.recorder is not None or STATE.graph is not None or STATE.levels or STATE.transforms:
            return self._function(*args, **kwargs)
        return self._run_described(args, kwargs)

    def _run_described(self, args: Any, kwargs: Any) -> Any:
        """The result of a call whose program has to be found by its description, or made."""
        tensors: list[Tensor] = []
        kind = self._kind(args, kwargs, tensors)
        shortcut = None if kwargs else Shortcut.of(args, self._outside)
        known = self._programs.setdefault(kind, [])
        for program in known:
            if program.fits():
                self._last = None if shortcut is None else (shortcut, program)
                return program.run(tensors)
        program = self._record(args, kwargs, tensors)
        try:
            result = program.run(tensors)
        except BaseException:
            program.withdraw()
            raise
        known.append(program)
        return result

    def profile(self, *args: Any, **kwargs: Any) -> Profile:
        """Run the program for these arguments once more, with all its effects, timing each operator by itself."""
        program, tensors = self._made(args, kwargs)
        if program is None:
            raise CompileError("compile: there is no program for these arguments yet: call the function first")
        return program.profile(tensors)

    def explain(self, path: str | os.PathLike[str], /, *args: Any, overwrite: bool = True, **kwargs: Any) -> None:
        """Write what the program for these arguments does as one HTML page that needs nothing else.

        Its kernels beside the least time that this machine needs for them, its memory and its threads over time, its
        graph; forward and backward one after the other where gradients flow back from the results. That takes a few
        seconds: the machine's limits are measured first. The program then runs once more, with all its effects but for
        gradients that flow back; before that the function is called if there is no program yet.

        A file that is there is overwritten, as by `open`; with `overwrite=False` it is an ArgumentError, before
        anything runs.

        >>> import curta, pathlib, tempfile
        >>> @compile
        ... def activate(x, weight):
        ...     return (x @ weight).relu()
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     activate.explain(f"{folder}/page.html", curta.ones(8, 8), curta.ones(8, 8))
        ...     print(pathlib.Path(folder, "page.html").read_text()[:15])
        <!DOCTYPE html>
        """
        from curta.compiled.explain import check_writable, explain

        target = check_writable(path, overwrite)
        program, tensors = self._made(args, kwargs)
        for _ in range(2):  # gradients that a first call leaves make a second one another kind
            if program is None:
                self(*args, **kwargs)
                program, tensors = self._made(args, kwargs)
        if program is None:
            raise CompileError("compile: every call with these arguments makes another program: there is none to show")
        name = getattr(self._function, "__name__", type(self._function).__name__)
        explain(program, tensors, target, f"{name}({', '.join(repr(tensor.layout) for tensor in tensors)})")

    def _made(self, args: Any, kwargs: Any) -> tuple[Program | None, list[Tensor]]:
        """The program that a call would run, if there is one already, and the call's tensors."""
        tensors: list[Tensor] = []
        programs = self._programs.get(self._kind(args, kwargs, tensors), ())
        return next((program for program in programs if program.fits()), None), tensors

    def _kind(self, args: Any, kwargs: Any, tensors: list[Tensor]) -> Any:
        """What a program is made for: arguments, modes, and what the function's own names stand for."""
        return kind_of(args, tensors), kind_of(kwargs, tensors) if kwargs else None, *self._outside.kind()

    def _record(self, args: Any, kwargs: Any, tensors: list[Tensor]) -> Program:
        with _without_collections():
            return self._recorded(args, kwargs, tensors)

    def _recorded(self, args: Any, kwargs: Any, tensors: list[Tensor]) -> Program:
        recorder = Recorder()
        with recorder:
            placeholders = [_placeholder(recorder, tensor) for tensor in tensors]
            again = iter(placeholders)
            result = self._function(*replaced(args, again), **replaced(kwargs, again))
            found: list[Tensor] = []
            shape = kind_of(result, found)
            backward = Backward(recorder, found) if any(map(has_history, found)) else None
        rebuild = rebuilder(shape)
        try:
            if backward is None:
                return Program(recorder, placeholders, found, rebuild)
            return DifferentiableProgram(recorder, placeholders, found, rebuild, backward)
        finally:
            recorder.forget()


@contextmanager
def _without_collections() -> Iterator[None]:
    """Without Python's cyclic garbage collector: recording makes many small objects that stay.

    Looking through all of them again and again took half of the time until the first step.
    """
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


def compile(function: Callable[..., Any]) -> Any:  # the name PyTorch gave it
    """A function of tensors, a module, or a whole training step, as one program for each kind of arguments.

    The first call with arguments of new shapes, formats or modes records what the function does, plans its memory and
    compiles it; later calls run that without Python in between. Results, parameters and optimizer state are those of
    the function itself. CompileError for what depends on a tensor's values, with the line.

    >>> import curta
    >>> @compile
    ... def twice(x):
    ...     return x + x
    >>> twice(curta.ones(2)), twice(curta.ones(2))
    (tensor([2., 2.]), tensor([2., 2.]))
    >>> len(twice.programs)
    1
    """
    if not callable(function):
        raise ArgumentTypeError(f"compile: requires a function or a module, got {type(function).__name__}")
    return CompiledFunction(function)


def _placeholder(recorder: Recorder, tensor: Tensor) -> Tensor:
    layout = tensor.layout
    nbytes = storage_extent(layout.shape, layout.strides, 0) * layout.dtype.itemsize
    made = Tensor._make(recorder.storage(recorder.buffer("argument", nbytes)), layout, 0)
    made._requires_grad = tensor._requires_grad
    return made
