"""Modules as functions of their parameters and buffers."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from curta.errors import ArgumentError, MappingError, UnsupportedError
from curta.nn.modules.module import Module
from curta.nn.modules.normalization import _BatchNorm
from curta.nn.utils.stateless import called
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
    return called(module, _merged(parameter_and_buffer_dicts), args, kwargs, tie_weights, strict)


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
    return found


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


def replace_all_batch_norm_modules_(root: Module) -> Module:
    """Let every batch normalization below `root` use each batch's own statistics alone, in place; gives `root`.

    Running statistics, which a map over slices could not write to, are gone.

    >>> import curta
    >>> net = curta.func.replace_all_batch_norm_modules_(curta.nn.Sequential(curta.nn.BatchNorm1d(3)))
    >>> net[0].track_running_stats, net[0].running_mean
    (False, None)
    """
    for part in root.modules():
        if isinstance(part, _BatchNorm) and part.track_running_stats:
            part.running_mean = part.running_var = part.num_batches_tracked = None
            part.track_running_stats = False
    return root


def functionalize(func: Callable[..., Any], *, remove: str = "mutations") -> Callable[..., Any]:
    """Not supported: transforms take functions that write in place as they are."""
    raise UnsupportedError(
        "functionalize is not supported: Curta's transforms and curta.compile take functions that write in place as "
        "they are"
    )
