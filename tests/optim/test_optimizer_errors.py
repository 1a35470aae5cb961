"""What optimizers refuse, in PyTorch 2.13's words."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

import curta
from curta import optim
from curta.errors import ArgumentError, ArgumentTypeError, UnsupportedError


def weight() -> Any:
    return curta.tensor([1.0, 2.0], requires_grad=True)


NEWER = ("Adamax", "NAdam", "RAdam", "Adadelta", "Rprop", "ASGD")


@pytest.mark.parametrize(
    ("name", "arguments", "message"),
    [
        ("SGD", {"lr": -1}, "Invalid learning rate: -1"),
        ("SGD", {"lr": float("nan")}, "Invalid learning rate: nan"),
        ("SGD", {"momentum": -1}, "Invalid momentum value: -1"),
        ("SGD", {"weight_decay": -1}, "Invalid weight_decay value: -1"),
        ("SGD", {"nesterov": True}, "Nesterov momentum requires a momentum and zero dampening"),
        (
            "SGD",
            {"nesterov": True, "momentum": 0.9, "dampening": 0.1},
            "Nesterov momentum requires a momentum and zero dampening",
        ),
        ("Adagrad", {"lr": -1}, "Invalid learning rate: -1"),
        ("Adagrad", {"lr_decay": -1}, "Invalid lr_decay value: -1"),
        ("Adagrad", {"weight_decay": -1}, "Invalid weight_decay value: -1"),
        ("Adagrad", {"initial_accumulator_value": -1}, "Invalid initial_accumulator_value value: -1"),
        ("Adagrad", {"eps": -1}, "Invalid epsilon value: -1"),
        ("RMSprop", {"lr": -1}, "Invalid learning rate: -1"),
        ("RMSprop", {"eps": -1}, "Invalid epsilon value: -1"),
        ("RMSprop", {"momentum": -1}, "Invalid momentum value: -1"),
        ("RMSprop", {"weight_decay": -1}, "Invalid weight_decay value: -1"),
        ("RMSprop", {"alpha": -1}, "Invalid alpha value: -1"),
        ("Adam", {"lr": -1}, "Invalid learning rate: -1"),
        ("Adam", {"eps": -1}, "Invalid epsilon value: -1"),
        ("Adam", {"betas": (1, 0.9)}, "Invalid beta parameter at index 0: 1"),
        ("Adam", {"betas": (0.9, 1.0)}, "Invalid beta parameter at index 1: 1.0"),
        ("Adam", {"weight_decay": -1}, "Invalid weight_decay value: -1"),
        ("AdamW", {"lr": -1}, "Invalid learning rate: -1"),
        *((name, {"lr": -1}, "Invalid learning rate: -1") for name in NEWER),
        *((name, {"eps": -1}, "Invalid epsilon value: -1") for name in ("Adamax", "NAdam", "RAdam", "Adadelta")),
        *((name, {"betas": (1, 0.9)}, "Invalid beta parameter at index 0: 1") for name in ("Adamax", "NAdam", "RAdam")),
        ("ASGD", {"weight_decay": -1}, "Invalid weight_decay value: -1"),
        ("NAdam", {"momentum_decay": -1}, "Invalid momentum_decay value: -1"),
        ("Adadelta", {"rho": -1}, "Invalid rho value: -1"),
        ("Adadelta", {"rho": 2}, "Invalid rho value: 2"),
        ("Rprop", {"etas": (1.5, 1.2)}, "Invalid eta values: 1.5, 1.2"),
        ("Rprop", {"etas": (0.5, 0.9)}, "Invalid eta values: 0.5, 0.9"),
        ("Adafactor", {"lr": -1}, "Learning rate should be >= 0 but is: -1"),
        ("Adafactor", {"weight_decay": -1}, "weight_decay should be >= 0 but is: -1"),
        ("Adafactor", {"beta2_decay": 1}, "beta2_decay should be <= 0 but is: 1"),
        ("Adafactor", {"eps": (-1, 0.001)}, "epsilon1 should be >= 0 but is: -1"),
        ("Adafactor", {"eps": (None, -1)}, "epsilon2 should be >= 0 but is: -1"),
        ("Adafactor", {"d": 0.5}, "Clipping threshold d should be >= 1 but is: 0.5"),
    ],
)
def test_hyperparameters_out_of_range(name: str, arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(ArgumentError) as caught:
        getattr(optim, name)([weight()], **arguments)
    assert str(caught.value) == message


@pytest.mark.parametrize(
    ("name", "argument"),
    [
        *(
            (name, argument)
            for name in ("SGD", "Adagrad", "RMSprop", "Adam", "AdamW", *NEWER)
            for argument in ("foreach", "differentiable")
        ),
        *((name, "capturable") for name in ("RMSprop", "Adam", "AdamW", *NEWER)),
        ("Adafactor", "foreach"),
    ],
)
def test_unsupported_arguments_are_named(name: str, argument: str) -> None:
    with pytest.raises(UnsupportedError, match=f"{argument}=True is not supported"):
        getattr(optim, name)([weight()], **{argument: True})
    getattr(optim, name)([weight()], **{argument: False})


def test_fused_is_accepted() -> None:
    assert optim.AdamW([weight()], fused=True).param_groups[0]["fused"] is True


def test_a_tensor_is_not_a_learning_rate() -> None:
    with pytest.raises(UnsupportedError, match="lr as a Tensor"):
        optim.SGD([weight()], lr=curta.tensor(0.1))  # type: ignore[arg-type]
    with pytest.raises(ArgumentTypeError, match="lr must be a number, got str"):
        optim.SGD([weight()], lr="fast")  # type: ignore[arg-type]


def test_tensors_are_not_hyperparameters() -> None:
    with pytest.raises(UnsupportedError, match="betas as Tensors are not supported: give Python numbers"):
        optim.Adam([weight()], betas=(0.9, curta.tensor(0.9)))  # type: ignore[arg-type]
    with pytest.raises(UnsupportedError, match="Learning rate as a Tensor is not supported: give a Python number"):
        optim.Adafactor([weight()], lr=curta.tensor(0.1))  # type: ignore[arg-type]


def muon(**arguments: Any) -> optim.Muon:
    matrix = curta.ones(2, 3, requires_grad=True)
    matrix.grad = curta.ones(2, 3)
    return optim.Muon([matrix], **arguments)


MUON_ERRORS: list[tuple[Callable[[], object], str]] = [
    (lambda: muon(lr=-1), "Learning rate should be >= 0 but is: -1"),
    (lambda: muon(momentum=-1), "momentum should be >= 0 but is: -1"),
    (lambda: muon(weight_decay=-1), "weight decay should be >= 0 but is: -1"),
    (lambda: muon(adjust_lr_fn="x"), "Adjust learning rate function x is not supported"),
    (lambda: muon(ns_steps=100).step(), "Number of steps must be less than 100 for computational efficiency"),
    (lambda: muon(ns_coefficients=(1, 2)).step(), "Coefficients must be a tuple of exactly 3 values"),
    (
        lambda: optim.Muon([weight()]),
        "Muon only supports 2D parameters whereas we found a parameter with size: torch.Size([2])",
    ),
]


@pytest.mark.parametrize(("call", "message"), MUON_ERRORS)
def test_what_muon_refuses(call: Callable[[], object], message: str) -> None:
    with pytest.raises(ArgumentError) as caught:
        call()
    assert str(caught.value) == message


def test_what_lbfgs_refuses() -> None:
    optimizer = optim.LBFGS([weight()], line_search_fn="bisection")
    with pytest.raises(ArgumentTypeError, match="missing 1 required positional argument: 'closure'"):
        optimizer.step()
    with pytest.raises(ArgumentError, match="only 'strong_wolfe' is supported"):
        optimizer.step(lambda: curta.tensor(1.0))
    with pytest.raises(ArgumentError, match=r"LBFGS doesn't support per-parameter options \(parameter groups\)"):
        optim.LBFGS([{"params": [weight()]}, {"params": [weight()]}])


PARAMETER_ERRORS: list[tuple[Callable[[Any], object], type[Exception], str]] = [
    (lambda p: optim.SGD([]), ArgumentError, "optimizer got an empty parameter list"),
    (
        optim.SGD,
        ArgumentTypeError,
        "params argument given to the optimizer should be an iterable of Tensors or dicts, but got a Tensor",
    ),
    (
        lambda p: optim.SGD([3]),  # type: ignore[list-item]
        ArgumentTypeError,
        "optimizer can only optimize Tensors, but one of the params is int",
    ),
    (lambda p: optim.SGD([p * 2]), ArgumentError, "can't optimize a non-leaf Tensor"),
    (
        lambda p: optim.SGD([{"params": [p]}, {"params": [p]}]),
        ArgumentError,
        "some parameters appear in more than one parameter group",
    ),
    (
        lambda p: optim.SGD([{"params": {p}}]),
        ArgumentTypeError,
        "optimizer parameters need to be organized in ordered collections, but the ordering of tensors in sets "
        "will change between runs. Please use a list instead.",
    ),
    (lambda p: optim.SGD([{"lr": 1}]), ArgumentError, "param_group must have the key 'params'"),
    (
        lambda p: optim.SGD([("a", p), weight()]),
        ArgumentError,
        "all optimizer params should be with/without names. Some param names are missing",
    ),
    (
        lambda p: optim.SGD([{"params": [("a", p)]}, {"params": [weight()]}]),
        ArgumentError,
        "all optimizer param groups should be with/without names",
    ),
    (
        lambda p: optim.SGD([p]).add_param_group([p]),  # type: ignore[arg-type]
        ArgumentTypeError,
        "param_group must be a dict, but got <class 'list'>",
    ),
    (
        lambda p: optim.SGD([p]).load_state_dict({"param_groups": [], "state": {}}),
        ArgumentError,
        "loaded state dict has a different number of parameter groups",
    ),
    (
        lambda p: optim.SGD([p]).load_state_dict({"param_groups": [{"params": [0, 1]}], "state": {}}),
        ArgumentError,
        "loaded state dict contains a parameter group that doesn't match the size of optimizer's group",
    ),
    (
        lambda p: optim.SGD([p]).load_state_dict(
            {"param_groups": [{"params": [0]}], "state": {0: {"momentum_buffer": curta.tensor([1.0])}}}
        ),
        ArgumentError,
        "loaded state 'momentum_buffer' has shape (1,), its parameter (2,)",
    ),
    (
        lambda p: optim.Adafactor([curta.ones(2, 3, requires_grad=True)]).load_state_dict(
            {"param_groups": [{"params": [0]}], "state": {0: {"row_var": curta.ones(2, 3)}}}
        ),
        ArgumentError,
        "loaded state 'row_var' has shape (2, 3), it must be (2, 1)",
    ),
]


@pytest.mark.parametrize(("call", "error", "message"), PARAMETER_ERRORS)
def test_parameters_that_cannot_be_optimized(
    call: Callable[[Any], object], error: type[Exception], message: str
) -> None:
    with pytest.raises(error) as caught:
        call(weight())
    assert str(caught.value) == message


def test_a_repeated_parameter_is_warned_of() -> None:
    parameter = weight()
    with pytest.warns(UserWarning, match="duplicate parameters"):
        optim.SGD([parameter, parameter])


def test_an_optimizer_without_an_update_says_so() -> None:
    class Nothing(optim.Optimizer):
        pass

    parameter = weight()
    parameter.grad = curta.tensor([1.0, 1.0])
    with pytest.raises(NotImplementedError, match="Nothing defines neither"):
        Nothing([parameter], {}).step()
