"""Modules as functions of their parameters and buffers."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from curta.autograd.state import STATE
from curta.errors import ArgumentError, ArgumentTypeError, MappingError, NoSuchAttributeError, UnsupportedError
from curta.memory.changes import CHANGES
from curta.nn.modules.module import Module
from curta.tensor import Tensor


def functional_call(
    module: Module,
    parameter_and_buffer_dicts: Mapping[str, Tensor] | Sequence[Mapping[str, Tensor]],
    args: Any = None,
    kwargs: dict[str, Any] | None = None,
    *,
    tie_weights: bool = True,
    strict: bool = False,
) -> Any:
    """`module(*args, **kwargs)` with other tensors in place of the named parameters and buffers.

    What is not named stays; a parameter that the module has under several names is replaced under all of them, unless
    `tie_weights` is off. `args` that is no tuple is one argument. With `strict` all have to be named, and no others.

    >>> import curta
    >>> linear = curta.nn.Linear(2, 1)
    >>> given = {"weight": curta.ones(1, 2), "bias": curta.zeros(1)}
    >>> curta.func.functional_call(linear, given, curta.tensor([1.0, 2.0]))
    tensor([3.])
    """
    given = _merged(parameter_and_buffer_dicts)
    if args is None:
        args = ()
    elif not isinstance(args, tuple):
        args = (args,)
    with _in_place_of(module, given, tie_weights, strict):
        return module(*args, **(kwargs or {}))


def _merged(given: Any) -> dict[str, Tensor]:
    if isinstance(given, Mapping):
        given = (given,)
    if not isinstance(given, Sequence) or not all(isinstance(one, Mapping) for one in given):
        raise ArgumentError(
            f"Expected parameter_and_buffer_dicts to be a dict, or a list/tuple of dicts, but got {type(given)}"
        )
    found: dict[str, Tensor] = {}
    for one in given:
        twice = sorted(set(one) & set(found))
        if twice:
            raise ArgumentError(f"{twice} appeared in multiple dictionaries; behavior of functional call is ambiguous")
        found.update(one)
    for value in found.values():
        if not isinstance(value, Tensor):
            raise ArgumentTypeError(f"{value} is not an instance of curta.Tensor")
    return found


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


def stack_module_state(models: Sequence[Module]) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
    """(parameters, buffers) of several modules of one class, each stacked along a new first dimension.

    The results are leaves, for `vmap` over `functional_call`: parameters want gradients where the modules' do.

    >>> import curta
    >>> parameters, buffers = curta.func.stack_module_state([curta.nn.Linear(2, 3) for _ in range(4)])
    >>> parameters["weight"].shape, buffers
    (torch.Size([4, 3, 2]), {})
    """
    if not len(models):
        raise MappingError("stack_module_state: Expected at least one model, got 0.")
    if len({one.training for one in models}) > 1:
        raise MappingError("stack_module_state: Expected all models to have the same training/eval mode.")
    if len({type(one) for one in models}) > 1:
        raise MappingError("stack_module_state: Expected all models to be of the same class.")
    parameters = _stacked([dict(one.named_parameters()) for one in models])
    return parameters, _stacked([dict(one.named_buffers()) for one in models])


def _stacked(states: list[dict[str, Any]]) -> dict[str, Tensor]:
    from curta.functions import stack

    made = {}
    for name in states[0]:
        parts = [state[name] for state in states]
        wants = [one.requires_grad for one in parts]
        if len(set(wants)) > 1:
            raise MappingError(f"Expected {name} from each model to have the same .requires_grad")
        made[name] = stack([one.detach() for one in parts]).requires_grad_(wants[0])
    return made


def functionalize(func: Callable[..., Any], *, remove: str = "mutations") -> Callable[..., Any]:
    """Not supported: transforms take functions that write in place as they are."""
    raise UnsupportedError(
        "functionalize is not supported: Curta's transforms and curta.compile take functions that write in place as "
        "they are"
    )
