"""A module called with other tensors in place of its own; `curta.func.functional_call` is what to use."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from curta.autograd.state import STATE
from curta.errors import ArgumentTypeError, MappingError, NoSuchAttributeError
from curta.memory.changes import CHANGES
from curta.nn.modules.module import Module
from curta.tensor import Tensor

__all__ = ["functional_call"]


def functional_call(
    module: Module,
    parameters_and_buffers: dict[str, Tensor],
    args: Any = None,
    kwargs: dict[str, Any] | None = None,
    *,
    tie_weights: bool = True,
    strict: bool = False,
) -> Any:
    """`curta.func.functional_call` under its older name, with a FutureWarning.

    >>> import curta, warnings
    >>> linear = curta.nn.Linear(2, 1)
    >>> with warnings.catch_warnings():
    ...     warnings.simplefilter("ignore")
    ...     functional_call(linear, {"weight": curta.ones(1, 2), "bias": curta.zeros(1)}, curta.tensor([1.0, 2.0]))
    tensor([3.])
    """
    warnings.warn(
        "`curta.nn.utils.stateless.functional_call` is deprecated: `curta.func.functional_call` does the same.",
        FutureWarning,
        stacklevel=2,
    )
    return called(module, parameters_and_buffers, args, kwargs, tie_weights, strict)


def called(
    module: Module, given: dict[str, Tensor], args: Any, kwargs: dict[str, Any] | None, tie_weights: bool, strict: bool
) -> Any:
    """`module(*args, **kwargs)` with tensors in place of what it has under these names; see `func.functional_call`."""
    for value in given.values():
        if not isinstance(value, Tensor):
            raise ArgumentTypeError(f"{value} is not an instance of curta.Tensor")
    if args is None:
        args = ()
    elif not isinstance(args, tuple):
        args = (args,)
    with _in_place_of(module, given, tie_weights, strict):
        return module(*args, **(kwargs or {}))


#: where a tensor of a module is kept: the table, and its name there
Place = tuple[dict[str, Any], str]


def _places(module: Module) -> dict[str, Place]:
    found: dict[str, Place] = {}
    for path, part in module.named_modules(remove_duplicate=False):
        for table in (part._parameters, part._buffers):
            for name in table:
                found[f"{path}.{name}" if path else name] = (table, name)
    return found


@contextmanager
def _in_place_of(module: Module, given: dict[str, Tensor], tie_weights: bool, strict: bool) -> Iterator[None]:
    places = _places(module)
    if strict:
        _check_names(module, given, places)
    for name in given:
        if name not in places:
            raise NoSuchAttributeError(f"functional_call: {type(module).__name__} has no parameter or buffer '{name}'")
    wanted = _tied(given, places) if tie_weights else given
    if STATE.recorder is not None:  # a program is for the module as it is without them
        for part in module.modules():
            STATE.recorder.note_module(part)
    before = [(*places[name], places[name][0][places[name][1]]) for name in wanted]
    try:
        for name, value in wanted.items():
            table, key = places[name]
            table[key] = value
        CHANGES.note()
        yield
    finally:
        for table, key, value in before:
            table[key] = value
        CHANGES.note()


def _check_names(module: Module, given: dict[str, Tensor], places: dict[str, Place]) -> None:
    here = {name for name, (table, key) in places.items() if table[key] is not None}
    unexpected, missing = sorted(set(given) - here), sorted(here - set(given))
    problems = [f"{what} key(s): {', '.join(map(repr, names))}."
                for what, names in (("Unexpected", unexpected), ("Missing", missing)) if names]  # fmt: skip
    if problems:
        raise MappingError(f"Error(s) in reparametrizing for {type(module).__name__}: {' '.join(problems)}")


def _tied(given: dict[str, Tensor], places: dict[str, Place]) -> dict[str, Tensor]:
    """With the other names of what is replaced."""
    new = {id(places[name][0][places[name][1]]): value for name, value in given.items()}
    shared = {
        name: new[id(table[key])]
        for name, (table, key) in places.items()
        if name not in given and table[key] is not None and id(table[key]) in new
    }
    return {**given, **shared}
