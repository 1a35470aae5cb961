"""The base of every optimizer: parameter groups, state, and saving both."""

from __future__ import annotations

import warnings
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from itertools import chain
from numbers import Real
from typing import Any, Self

from curta.autograd import enable_grad, no_grad
from curta.autograd.state import STATE
from curta.errors import ArgumentError, ArgumentTypeError, UnsupportedError
from curta.memory.living import OPTIMIZERS
from curta.optim.hooks import OptimizerHooks, hooked
from curta.optim.hooks import register_optimizer_step_post_hook as register_optimizer_step_post_hook
from curta.optim.hooks import register_optimizer_step_pre_hook as register_optimizer_step_pre_hook
from curta.optim.recorded import RecordedUpdates
from curta.optim.update import UpdatePlan, apply_to_all, apply_update, new_state
from curta.tensor import Tensor

Group = dict[str, Any]
State = dict[str, Any]
Parameters = Iterable[Tensor] | Iterable[Group] | Iterable[tuple[str, Tensor]]

# The hyperparameters whose names PyTorch spells out in its messages.
_MESSAGE_NAMES = {"lr": "learning rate", "eps": "epsilon value"}

# How PyTorch carries an update out, not what it computes: a loaded checkpoint does not change these.
_IMPLEMENTATION_CHOICES = ("foreach", "fused", "capturable", "differentiable")


class Optimizer(OptimizerHooks):
    """Base class: holds the parameters in groups, each with its own hyperparameters, and a state per parameter.

    `params` is an iterable of tensors, of (name, tensor) pairs, or of dicts with "params" and the hyperparameters that
    differ from `defaults`. A subclass defines `plan` or `update(parameter, gradient, state, group)`, or overrides
    `step`.
    """

    #: the entries of a parameter's state that are Python numbers here, and tensors in a checkpoint of PyTorch's
    number_names: tuple[str, ...] = ("step",)

    def __new__(cls, *args: Any, **kwargs: Any) -> Self:
        made = super().__new__(cls)
        OPTIMIZERS.add(made)
        return made

    def __init__(self, params: Parameters, defaults: Group) -> None:
        if isinstance(params, Tensor):
            raise ArgumentTypeError(
                "params argument given to the optimizer should be an iterable of Tensors or dicts, but got a Tensor"
            )
        self.defaults = defaults
        self.state: defaultdict[Any, State] = defaultdict(dict)
        self.param_groups: list[Group] = []
        #: the number of calls of `step`; learning-rate schedules check their order with it
        self.step_count = 0
        given = list(params)
        if not given:
            raise ArgumentError("optimizer got an empty parameter list")
        groups = given if isinstance(given[0], dict) else [{"params": given}]
        for group in groups:
            self.add_param_group(group)  # type: ignore[arg-type]

    def __repr__(self) -> str:
        lines = [f"{type(self).__name__} ("]
        for index, group in enumerate(self.param_groups):
            lines.append(f"Parameter Group {index}")
            lines += [f"    {name}: {group[name]}" for name in sorted(group) if name != "params"]
        return "\n".join([*lines, ")"])

    def add_param_group(self, param_group: Group) -> None:
        """Let the optimizer also update `param_group["params"]`, with the defaults for what the group leaves out."""
        if not isinstance(param_group, dict):
            raise ArgumentTypeError(f"param_group must be a dict, but got {type(param_group)}")
        if "params" not in param_group:
            raise ArgumentError("param_group must have the key 'params'")
        group = dict(param_group)
        group["params"], names = _parameters_and_names(group["params"])
        if names:
            group["param_names"] = names
        for name, default in self.defaults.items():
            group.setdefault(name, default)
        _refuse_unsupported(group)
        parameters = group["params"]
        if len({id(parameter) for parameter in parameters}) != len(parameters):
            warnings.warn("optimizer contains a parameter group with duplicate parameters", stacklevel=3)
        known = {id(parameter) for other in self.param_groups for parameter in other["params"]}
        if any(id(parameter) in known for parameter in parameters):
            raise ArgumentError("some parameters appear in more than one parameter group")
        if any(("param_names" in other) != bool(names) for other in self.param_groups):
            raise ArgumentError("all optimizer param groups should be with/without names")
        self.param_groups.append(group)

    @property
    def nbytes(self) -> int:
        """Bytes of the state tensors that there are so far.

        >>> import curta
        >>> weight = curta.ones(10, requires_grad=True)
        >>> optimizer = curta.optim.AdamW([weight])
        >>> weight.sum().backward(); optimizer.step(); optimizer.nbytes
        80
        """
        values = [value for state in self.state.values() for value in state.values() if isinstance(value, Tensor)]
        return sum(value.layout.nbytes for value in values)

    def zero_grad(self, set_to_none: bool = True) -> None:
        """Forget every parameter's gradient, or fill it with zeros when `set_to_none` is False."""
        for group in self.param_groups:
            for parameter in group["params"]:
                if parameter.grad is None:
                    continue
                if set_to_none:
                    parameter.grad = None
                    continue
                if parameter.grad.requires_grad:
                    parameter.grad = parameter.grad.detach()
                with no_grad():
                    parameter.grad.zero_()

    @hooked
    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """Update every parameter that has a gradient; `closure` recomputes the loss first, and its loss is returned."""
        loss = None
        if closure is not None:
            with enable_grad():
                loss = closure()
        if STATE.recorder is None:
            self._count_step()
        else:
            STATE.recorder.effect(self._count_step, lambda: setattr(self, "step_count", self.step_count - 1))
        # whoever watches sees one parameter after the other
        alike = not STATE.hooked and type(self).update is Optimizer.update
        for group in self.param_groups:
            if alike:
                self._update_group(group)
                continue
            for parameter in group["params"]:
                gradient = parameter.grad
                if gradient is not None:
                    self.update(parameter, gradient.detach(), self.state[parameter], group)
        return loss

    def _update_group(self, group: Group) -> None:
        """Change every parameter that has a gradient; those that are alike share a plan, all share a launch."""
        found: dict[Any, tuple[UpdatePlan, list[list[Tensor]]]] = {}
        states, number_names = self.state, self.number_names
        for parameter in group["params"]:
            gradient = parameter.grad
            if gradient is None:
                continue
            state = states[parameter]
            key = (parameter.layout, *map(state.get, number_names))
            entry = found.get(key)
            if entry is None:
                entry = found[key] = self.plan(state, group, parameter), []
            plan, members = entry
            tensors = [parameter, gradient]
            for name in plan.names:
                held = state.get(name)
                tensors.append(self._new_state(name, plan, state, parameter) if held is None else held)
            members.append(tensors)
            state.update(plan.counts)
        apply_to_all(found.values())

    def _count_step(self) -> None:
        self.step_count += 1

    def plan(self, state: State, group: Group, parameter: Tensor) -> UpdatePlan:
        """What the next update of a parameter with this state is; looks only, changes nothing.

        It depends on the numbers of the state, the group and the parameter's layout, and on nothing else.
        """
        raise UnsupportedError(f"{type(self).__name__} defines neither `plan`, `update` nor `step`")

    def update(self, parameter: Tensor, gradient: Tensor, state: State, group: Group) -> None:
        """Change one parameter and its state in place."""
        plan = self.plan(state, group, parameter)
        if STATE.recorder is not None:
            STATE.recorder.update(self, parameter, gradient, plan, group)
            return
        self.carry_out(plan, parameter, gradient, state)

    def carry_out(self, plan: UpdatePlan, parameter: Tensor, gradient: Tensor, state: State) -> None:
        """Do what a plan says."""
        tensors = self.state_tensors(plan, state, parameter)
        state.update(plan.counts)
        apply_update(plan.function, (parameter, gradient, *tensors), plan.scalars, plan.flags, plan.still)

    def state_tensors(self, plan: UpdatePlan, state: State, parameter: Tensor) -> list[Tensor]:
        """The tensors of a parameter's state that a plan names; those that are not there yet are made."""
        for name in plan.names:
            if state.get(name) is None:
                self._new_state(name, plan, state, parameter)
        return [state[name] for name in plan.names]

    def _new_state(self, name: str, plan: UpdatePlan, state: State, parameter: Tensor) -> Tensor:
        state[name] = made = new_state(parameter, plan.starts.get(name, 0.0), self.state_shape(name, parameter))
        return made

    def state_shape(self, name: str, parameter: Tensor) -> tuple[int, ...]:
        """The shape of the state tensor `name` of a parameter: its own."""
        return parameter.layout.shape

    def recorded_updates(self, recorder: Any) -> RecordedUpdates:
        """What a program that is being recorded notes of this optimizer's updates."""
        return RecordedUpdates(self, recorder)

    def state_dict(self) -> State:
        """Everything that training goes on from, with parameters replaced by their position: PyTorch's layout.

        The tensors are the optimizer's own, not copies.
        """
        for hook in self._those("before_save"):
            hook(self)
        positions: dict[int, int] = {}
        groups = []
        for group in self.param_groups:
            for parameter in group["params"]:
                positions.setdefault(id(parameter), len(positions))
            packed = {name: value for name, value in group.items() if name != "params"}
            packed["params"] = [positions[id(parameter)] for parameter in group["params"]]
            groups.append(packed)
        state = {
            positions[id(key)] if isinstance(key, Tensor) else key: dict(values) for key, values in self.state.items()
        }
        found: State = self._changed("after_save", {"state": state, "param_groups": groups})
        return found

    def load_state_dict(self, state_dict: Mapping[str, Any]) -> None:
        """Go on from a `state_dict` of the same optimizer over parameters of the same shapes, in the same order.

        State tensors are copied, with the parameter's dtype and device. ArgumentError when the groups do not match.
        """
        state_dict = self._changed("before_load", dict(state_dict))
        saved_groups = state_dict["param_groups"]
        if len(saved_groups) != len(self.param_groups):
            raise ArgumentError("loaded state dict has a different number of parameter groups")
        pairs = list(zip(self.param_groups, saved_groups, strict=True))
        if any(len(group["params"]) != len(saved["params"]) for group, saved in pairs):
            raise ArgumentError(
                "loaded state dict contains a parameter group that doesn't match the size of optimizer's group"
            )
        by_position = dict(
            zip(
                chain.from_iterable(saved["params"] for saved in saved_groups),
                chain.from_iterable(group["params"] for group in self.param_groups),
                strict=True,
            )
        )
        state: defaultdict[Any, State] = defaultdict(dict)
        for position, values in state_dict["state"].items():
            parameter = by_position.get(position)
            if parameter is None:
                state[position] = values
            else:
                state[parameter] = {name: self.loaded_entry(name, value, parameter) for name, value in values.items()}
        self.state = state
        self.param_groups = [self._merged(group, saved) for group, saved in pairs]
        for hook in self._those("after_load"):
            hook(self)

    def loaded_entry(self, name: str, value: Any, parameter: Tensor) -> Any:
        """One entry of a saved state, made ready for `parameter`."""
        if name in self.number_names:
            # PyTorch saves the number of steps, and others, as tensors
            return int(value) if name == "step" else float(value)
        if not isinstance(value, Tensor):
            return value
        shape = self.state_shape(name, parameter)
        if tuple(value.shape) != tuple(shape):
            of = f"its parameter {tuple(shape)}" if shape == parameter.layout.shape else f"it must be {tuple(shape)}"
            raise ArgumentError(f"loaded state {name!r} has shape {tuple(value.shape)}, {of}")
        # A copy, because the update writes into its state: two optimizers must not share it.
        return value.detach().to(device=parameter.device, dtype=parameter.dtype).clone()

    def _merged(self, group: Group, saved: Group) -> Group:
        kept = {name: group[name] for name in (*_IMPLEMENTATION_CHOICES, "params", "param_names") if name in group}
        unused = {"params", "param_names"} if "param_names" not in group else {"params"}
        loaded = {name: value for name, value in saved.items() if name not in unused}
        return {**self.defaults, **loaded, **kept}


def _parameters_and_names(params: Any) -> tuple[list[Tensor], list[str]]:
    """A group's parameters as a list, checked, and their names when they came as (name, tensor) pairs."""
    if isinstance(params, Tensor):
        params = [params]
    elif isinstance(params, set):
        raise ArgumentTypeError(
            "optimizer parameters need to be organized in ordered collections, but the ordering of tensors in sets "
            "will change between runs. Please use a list instead."
        )
    given = list(params)
    pairs = [entry for entry in given if isinstance(entry, tuple)]
    if pairs and len(pairs) != len(given):
        raise ArgumentError("all optimizer params should be with/without names. Some param names are missing")
    parameters = [entry[1] for entry in pairs] or given
    for parameter in parameters:
        if not isinstance(parameter, Tensor):
            raise ArgumentTypeError(
                f"optimizer can only optimize Tensors, but one of the params is {type(parameter).__name__}"
            )
        if not parameter.is_leaf:
            raise ArgumentError("can't optimize a non-leaf Tensor")
    return parameters, [entry[0] for entry in pairs]


def _refuse_unsupported(group: Group) -> None:
    for name in ("foreach", "capturable", "differentiable"):
        if group.get(name):
            raise UnsupportedError(f"{name}={group[name]!r} is not supported: Curta's optimizers always update fused")


def check_at_least(what: str, value: float, least: float = 0) -> None:
    """Raise ArgumentError, in the words of PyTorch's newer optimizers, for a hyperparameter below `least`."""
    if isinstance(value, Tensor):
        raise UnsupportedError(f"{what} as a Tensor is not supported: give a Python number")
    if not value >= least:
        raise ArgumentError(f"{what} should be >= {least} but is: {value}")


def check_betas(betas: tuple[float, float]) -> None:
    """Raise ArgumentError, in PyTorch's words, for a decay that is not in [0, 1)."""
    for index, beta in enumerate(betas):
        if isinstance(beta, Tensor):
            raise UnsupportedError("betas as Tensors are not supported: give Python numbers")
        if not 0.0 <= beta < 1.0:
            raise ArgumentError(f"Invalid beta parameter at index {index}: {beta}")


def check_at_least_zero(**values: float) -> None:
    """Raise ArgumentError, in PyTorch's words, for a hyperparameter below 0 or nan, UnsupportedError for a tensor.

    `check_at_least_zero(lr=-1)` raises "Invalid learning rate: -1".
    """
    for name, value in values.items():
        if isinstance(value, Tensor):
            raise UnsupportedError(f"{name} as a Tensor is not supported: give a Python number")
        if not isinstance(value, Real):
            raise ArgumentTypeError(f"{name} must be a number, got {type(value).__name__}")
        if not value >= 0.0:
            raise ArgumentError(f"Invalid {_MESSAGE_NAMES.get(name, f'{name} value')}: {value}")
