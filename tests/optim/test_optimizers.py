"""Optimizers against PyTorch 2.13, step for step, on a quadratic whose gradient is worked out in Python floats."""

from __future__ import annotations

import contextlib
from typing import Any

import numpy as np
import pytest

import curta
from curta import optim
from curta.optim.adam import adam_update
from curta.optim.sgd import sgd_update

CURVATURE, TARGET, START = (1.0, 10.0, 0.1), (0.5, -1.0, 2.0), (1.0, 2.0, -3.0)
RECORDED_STEPS = (1, 2, 3, 20)

# optimizer, arguments, and the parameter that torch.optim left in float64 after 1, 2, 3 and 20 steps
# fmt: off
TRAJECTORIES: list[tuple[str, dict[str, Any], list[list[float]]]] = [
    ("SGD", {"lr": 0.05}, [
        [0.975, 0.4999999999999999, -2.975],
        [0.9512499999999999, -0.25000000000000017, -2.950125],
        [0.9286874999999999, -0.6250000000000001, -2.925374375],
        [0.679242961204271, -0.9999971389770509, -2.523052401373089],
    ]),
    ("SGD", {"lr": 0.05, "weight_decay": 0.1}, [
        [0.97, 0.48999999999999994, -2.96],
        [0.94165, -0.2574500000000001, -2.9204],
        [0.91485925, -0.62743775, -2.881196],
        [0.6304976683405237, -0.9900966775734104, -2.2716277503889235],
    ]),
    ("SGD", {"lr": 0.02, "momentum": 0.9}, [
        [0.99, 1.4, -2.99],
        [0.9712, 0.3799999999999999, -2.97102],
        [0.9448559999999999, -0.8140000000000001, -2.94399596],
        [0.36466433091960493, -2.047757849775804, -1.8633749643868],
    ]),
    ("SGD", {"lr": 0.02, "momentum": 0.9, "dampening": 0.3, "weight_decay": 0.1}, [
        [0.988, 1.396, -2.984],
        [0.9689848, 0.5150055999999998, -2.9584448],
        [0.94394875408, -0.4907111518400002, -2.92436147456],
        [0.3700136764181741, -1.0616815397610742, -1.7235047075176595],
    ]),
    ("SGD", {"lr": 0.02, "momentum": 0.9, "nesterov": True}, [
        [0.981, 0.86, -2.981],
        [0.954622, -0.33279999999999993, -2.9539722],
        [0.922264164, -1.325056, -2.91978788564],
        [0.39264627921427814, -1.1184923610307282, -1.8045365891885783],
    ]),
    ("SGD", {"lr": 0.02, "momentum": 0.5, "nesterov": True, "weight_decay": 0.2, "maximize": True}, [
        [1.009, 2.8880000000000003, -2.997],
        [1.0197159999999998, 4.185072000000001, -2.993509],
        [1.0314751839999998, 5.980995168000001, -2.989779973],
        [1.3128994419767912, 1169.1857263432987, -2.9246979123373413],
    ]),
    ("SGD", {"lr": 0.01, "maximize": True}, [
        [1.005, 2.3, -3.005],
        [1.01005, 2.63, -3.010005],
        [1.0151504999999998, 2.993, -3.015015005],
        [1.110095019973983, 19.182499847976807, -3.1009557243027146],
    ]),
    ("Adagrad", {}, [
        [0.990000000002, 1.9900000000000333, -2.990000000002],
        [0.9830007141793886, 1.9829407468131255, -2.9829360138761576],
        [0.9773218482521456, 1.9771827785723308, -2.9771718205023974],
        [0.9263762715932238, 1.9244218069675527, -2.9242714110964205],
    ]),
    ("Adagrad", {"lr": 0.5, "lr_decay": 0.1, "weight_decay": 0.1, "initial_accumulator_value": 0.2, "eps": 1e-06}, [
        [0.5991086728449333, 1.5000548296948246, -2.563564695717972],
        [0.5046280546474206, 1.2091907538783424, -2.284533263055451],
        [0.47470126573112637, 1.0041835253934661, -2.0793486475551615],
        [0.4545535253928164, -0.019661282812980994, -0.9506159716786613],
    ]),
    ("Adagrad", {"lr": 0.1, "maximize": True}, [
        [1.09999999998, 2.0999999999996666, -3.09999999998],
        [1.1768221279288522, 2.171860214176155, -3.1714072838843226],
        [1.2423115249668109, 2.23109746737272, -3.230054702252709],
        [1.9071045817807124, 2.7940689886422954, -3.7808669813806333],
    ]),
    ("RMSprop", {}, [
        [0.900000019999996, 1.9000000003333333, -2.9000000199999962],
        [0.837339191914019, 1.8303174474534787, -2.829827969013374],
        [0.7904332423841129, 1.7738885669734645, -2.7727489899838904],
        [0.5359014696341662, 1.267553514535107, -2.250552539518763],
    ]),
    ("RMSprop", {"lr": 0.05, "alpha": 0.9, "momentum": 0.8}, [
        [0.8418861269915804, 1.8418861171582477, -2.8418861269915805],
        [0.6229442182620661, 1.6036734862054094, -2.602449040400104],
        [0.413576780239259, 1.3239820434764071, -2.3188739585508573],
        [0.5357404274280297, -1.264574235578596, 1.6147498339391033],
    ]),
    ("RMSprop", {"lr": 0.05, "alpha": 0.9, "centered": True, "weight_decay": 0.1}, [
        [0.8333333425925921, 1.833333333517292, -2.8333333402777776],
        [0.7299507067713434, 1.709409862070148, -2.708486947689518],
        [0.6546040408810013, 1.6021390661236639, -2.599835976558],
        [0.45456728099443444, 0.09269673467192759, -0.9438147937358757],
    ]),
    ("RMSprop", {"lr": 0.05, "alpha": 0.9, "centered": True, "momentum": 0.5, "eps": 0.0001}, [
        [0.8334443704197202, 1.8333351851646091, -2.8334443704197203],
        [0.6496545636009753, 1.626068142609744, -2.6248475339703368],
        [0.5106434771359446, 1.4173961426216946, -2.412429372441622],
        [0.49997732660693844, -0.7103100818601031, 0.48597010122026235],
    ]),
    ("RMSprop", {"lr": 0.05, "maximize": True}, [
        [1.4999999000000197, 2.499999998333333, -3.4999999000000197],
        [1.947661332074246, 2.8804347800387142, -3.8708097713209106],
        [2.344273521997475, 3.2037766188120806, -4.182108262616345],
        [6.290698241101684, 6.5236257156460296, -7.318445392092236],
    ]),
    ("Adam", {}, [
        [0.99900000002, 1.9990000000003334, -2.99900000002],
        [0.9980000527245317, 1.998000008704564, -2.9980000052586573],
        [0.9970001932451759, 1.9970000318974794, -2.9970000191834827],
        [0.9800485031901979, 1.980007929346488, -2.9800047507007683],
    ]),
    ("Adam", {"lr": 0.1, "betas": (0.8, 0.95), "weight_decay": 0.1}, [
        [0.9000000016666666, 1.9000000000331125, -2.90000000125],
        [0.8013680271414355, 1.8001598554012388, -2.800116229458358],
        [0.7055052795074236, 1.700591923953237, -2.700428801494249],
        [0.5075491590160603, 0.15998434822341343, -1.1079954198241386],
    ]),
    ("Adam", {"lr": 0.3, "betas": (0.3, 0.5), "amsgrad": True}, [
        [0.7000000059999998, 1.7000000001, -2.700000006],
        [0.5021566051528343, 1.403674429047737, -2.4020523785799623],
        [0.4409674556923166, 1.1140026832131213, -2.106816890075632],
        [0.4999997066649194, -0.8075040826534478, 0.8505635652516036],
    ]),
    ("Adam", {"lr": 0.1, "decoupled_weight_decay": True, "weight_decay": 0.1, "maximize": True}, [
        [1.0899999980000001, 2.0799999999666667, -3.0699999979999997],
        [1.1791898416365503, 2.1592599321296015, -3.1393338173413676],
        [1.26768429406306, 2.2378245520216105, -3.2080295953459923],
        [2.7406837236664923, 3.4996793096989958, -4.300189920491646],
    ]),
    ("AdamW", {}, [
        [0.99899000002, 1.9989800000003335, -2.9989700000200004],
        [0.9979800633569746, 1.9979600190789553, -2.997940015715388],
        [0.9969702254976509, 1.9969400631363252, -2.9969100506576263],
        [0.9798509133698088, 1.9796100255227114, -2.979406849874574],
    ]),
    ("AdamW", {"lr": 0.1, "betas": (0.9, 0.95), "eps": 1e-06, "weight_decay": 0.3}, [
        [0.8700001999996, 1.8400000033333332, -2.8100001999996],
        [0.745406445549977, 1.6849115150029002, -2.6257714461156576],
        [0.6280103116767284, 1.5346659753242498, -2.4471886957214544],
        [0.5613187769352304, -0.3221434561419716, -0.17006939869757648],
    ]),
    ("AdamW", {"lr": 0.3, "betas": (0.3, 0.5), "weight_decay": 0.1, "amsgrad": True}, [
        [0.6700000059999998, 1.6400000001, -2.610000006],
        [0.4690146104690255, 1.295371317591961, -2.2344551594559374],
        [0.4178191740762265, 0.9734682862133635, -1.8737912066748859],
        [0.48292688303627856, -0.7257188275954342, 0.9161065614686722],
    ]),
    ("AdamW", {"lr": 0.1, "maximize": True}, [
        [1.098999998, 2.0979999999666665, -3.096999998],
        [1.1979654419226824, 2.1959728569953962, -3.193948460886733],
        [1.2970067875486753, 2.293963120967925, -3.2908745509445128],
        [3.0700089054042823, 3.995796769657592, -4.95848294675052],
    ]),
]
# fmt: on


def gradient_at(values: list[float]) -> list[float]:
    return [c * (value - target) for c, value, target in zip(CURVATURE, values, TARGET, strict=True)]


def trajectory(name: str, arguments: dict[str, Any], dtype: Any) -> list[list[float]]:
    parameter = curta.tensor(START, dtype=dtype, requires_grad=True)
    optimizer = getattr(optim, name)([parameter], **arguments)
    rows = []
    for step in range(1, RECORDED_STEPS[-1] + 1):
        parameter.grad = curta.tensor(gradient_at(parameter.tolist()), dtype=dtype)
        optimizer.step()
        if step in RECORDED_STEPS:
            rows.append(parameter.tolist())
    return rows


@pytest.mark.parametrize(("name", "arguments", "expected"), TRAJECTORIES)
def test_float64_trajectories_are_pytorchs(name: str, arguments: dict[str, Any], expected: list[list[float]]) -> None:
    for row, wanted in zip(trajectory(name, arguments, curta.float64), expected, strict=True):
        assert row == pytest.approx(wanted, rel=1e-12, abs=1e-13)


@pytest.mark.parametrize(("name", "arguments", "expected"), TRAJECTORIES)
def test_float32_trajectories_stay_close(name: str, arguments: dict[str, Any], expected: list[list[float]]) -> None:
    for row, wanted in zip(trajectory(name, arguments, curta.float32), expected, strict=True):
        assert row == pytest.approx(wanted, rel=2e-5, abs=2e-6)


def test_groups_have_their_own_hyperparameters() -> None:
    first, second = (curta.tensor([1.0], requires_grad=True) for _ in range(2))
    optimizer = optim.SGD([{"params": [first]}, {"params": second, "lr": 0.5}], lr=0.25)
    first.grad, second.grad = curta.tensor([1.0]), curta.tensor([1.0])
    optimizer.step()
    assert (first.tolist(), second.tolist()) == ([0.75], [0.5])


def test_parameters_without_a_gradient_stay() -> None:
    first, second = (curta.tensor([1.0], requires_grad=True) for _ in range(2))
    optimizer = optim.Adam([first, second])
    second.grad = curta.tensor([1.0])
    optimizer.step()
    assert first.tolist() == [1.0]
    assert second.tolist() != [1.0]
    assert list(optimizer.state_dict()["state"]) == [1]


def test_the_update_is_in_place_and_leaves_the_gradient() -> None:
    parameter = curta.tensor([1.0, 2.0], requires_grad=True)
    view = parameter.detach()
    parameter.grad = curta.tensor([4.0, 8.0])
    optim.SGD([parameter], lr=0.125, momentum=0.9, weight_decay=0.5).step()
    # 1 - (4 + 0.5 * 1) / 8 and 2 - (8 + 0.5 * 2) / 8
    assert view.tolist() == [0.4375, 0.875]
    assert parameter.grad.tolist() == [4.0, 8.0]
    assert parameter.requires_grad
    assert parameter.is_leaf


def test_step_returns_the_closures_loss_and_runs_it_with_gradients_on() -> None:
    parameter = curta.tensor([3.0], requires_grad=True)
    optimizer = optim.SGD([parameter], lr=0.5)

    def closure() -> Any:
        optimizer.zero_grad()
        loss = (parameter * parameter).sum()
        loss.backward()
        return loss

    assert optimizer.step(closure).item() == 9.0
    assert parameter.tolist() == [0.0]  # 3 - 0.5 * 6
    assert optimizer.step() is None


def test_zero_grad() -> None:
    parameter = curta.tensor([1.0], requires_grad=True)
    optimizer = optim.SGD([parameter])
    parameter.grad = curta.tensor([2.0])
    optimizer.zero_grad(set_to_none=False)
    assert parameter.grad.tolist() == [0.0]
    optimizer.zero_grad()
    assert parameter.grad is None


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("SGD", {"momentum": 0.9}),
        ("Adagrad", {"lr": 0.1}),
        ("RMSprop", {"momentum": 0.5, "centered": True}),
        ("Adam", {"amsgrad": True}),
        ("AdamW", {}),
        ("Adamax", {}),
        ("NAdam", {}),
        ("RAdam", {}),
        ("Adadelta", {}),
        ("Rprop", {"lr": 0.1}),
        ("ASGD", {"t0": 2}),
        ("Adafactor", {}),
    ],
)
def test_training_goes_on_from_a_state_dict(name: str, arguments: dict[str, Any]) -> None:
    def advance(parameter: Any, optimizer: optim.Optimizer, steps: int) -> None:
        for _ in range(steps):
            parameter.grad = curta.tensor(gradient_at(parameter.tolist()))
            optimizer.step()

    first = curta.tensor(START, requires_grad=True)
    optimizer = getattr(optim, name)([first], **arguments)
    advance(first, optimizer, 3)
    second = curta.tensor(first.tolist(), requires_grad=True)
    resumed = getattr(optim, name)([second], lr=123.0)
    resumed.load_state_dict(optimizer.state_dict())
    advance(second, resumed, 4)
    assert first.tolist() != second.tolist()  # the state was copied: the first optimizer did not move
    advance(first, optimizer, 4)
    assert first.tolist() == second.tolist()


def test_state_dict_has_pytorchs_layout() -> None:
    parameter = curta.tensor([1.0], requires_grad=True)
    optimizer = optim.Adam([parameter])
    assert optimizer.state_dict() == {
        "state": {},
        "param_groups": [
            {
                "lr": 0.001, "betas": (0.9, 0.999), "eps": 1e-08, "weight_decay": 0, "amsgrad": False,
                "maximize": False, "foreach": None, "capturable": False, "differentiable": False, "fused": None,
                "decoupled_weight_decay": False, "params": [0],
            }
        ],
    }  # fmt: skip
    parameter.grad = curta.tensor([2.0])
    optimizer.step()
    state = optimizer.state_dict()["state"][0]
    assert list(state) == ["exp_avg", "exp_avg_sq", "step"]
    assert state["step"] == 1
    assert state["exp_avg"].tolist() == pytest.approx([0.2])
    assert state["exp_avg_sq"].tolist() == pytest.approx([0.004])


def test_a_step_count_saved_as_a_tensor_is_taken() -> None:
    parameter = curta.tensor([1.0], requires_grad=True)
    optimizer = optim.Adam([parameter])
    moments = {"exp_avg": curta.tensor([0.2]), "exp_avg_sq": curta.tensor([0.004], dtype=curta.float64)}
    state = {0: {"step": curta.tensor(7.0), **moments}}
    optimizer.load_state_dict({"state": state, "param_groups": optimizer.state_dict()["param_groups"]})
    loaded = optimizer.state_dict()["state"][0]
    assert loaded["step"] == 7
    assert loaded["exp_avg_sq"].dtype is curta.float32


def test_loading_keeps_how_the_update_is_carried_out() -> None:
    parameter = curta.tensor([1.0], requires_grad=True)
    saved = optim.AdamW([parameter], lr=0.5).state_dict()
    saved["param_groups"][0]["foreach"] = True  # as a checkpoint from PyTorch may have it
    del saved["param_groups"][0]["amsgrad"]  # as an older checkpoint lacks it
    optimizer = optim.AdamW([parameter])
    optimizer.load_state_dict(saved)
    group = optimizer.param_groups[0]
    assert (group["lr"], group["foreach"], group["amsgrad"]) == (0.5, None, False)
    assert group["params"] == [parameter]


def test_names_are_kept() -> None:
    parameter = curta.tensor([1.0], requires_grad=True)
    assert optim.SGD([("weight", parameter)]).state_dict()["param_groups"][0]["param_names"] == ["weight"]


def test_repr_is_pytorchs() -> None:
    assert repr(optim.SGD([curta.tensor([1.0], requires_grad=True)], lr=0.001)) == (
        "SGD (\nParameter Group 0\n    dampening: 0\n    differentiable: False\n    foreach: None\n    fused: None\n"
        "    lr: 0.001\n    maximize: False\n    momentum: 0\n    nesterov: False\n    weight_decay: 0\n)"
    )


def test_updates_are_plain_functions() -> None:
    parameter, gradient = curta.tensor([1.0]), curta.tensor([2.0])
    (result,) = sgd_update(parameter, gradient, 0.25, 0.0, decay=False, maximize=False)
    assert (result.tolist(), parameter.tolist()) == ([0.5], [1.0])
    zeros = curta.tensor([0.0])
    # in the first step Adam moves by step_size * first_weight * g / (root(second_weight) * g)
    new, first, second = adam_update(
        parameter, gradient, zeros, zeros, 0.25, 0.5, 0.75, 0.25, 0.0, 0.0,
        coupled=False, decoupled=False, maximize=False,
    )  # fmt: skip
    assert (new.tolist(), first.tolist(), second.tolist()) == ([0.75], [1.0], [1.0])


@pytest.mark.parametrize("watched", [False, True])
def test_a_group_is_updated_as_each_parameter_by_itself(watched: bool) -> None:
    generator = np.random.default_rng(0)
    values, gradients = ([generator.standard_normal((n, 3)) for n in (4, 4, 2, 5)] for _ in range(2))

    def trained(members: list[int]) -> list[list[float]]:
        parameters = [curta.nn.Parameter(curta.tensor(values[member])) for member in members]
        optimizer = optim.NAdam(parameters, lr=0.1)
        for step in range(3):
            for member, parameter in zip(members, parameters, strict=True):
                # the second one joins later, so that its counts are others
                parameter.grad = curta.tensor(gradients[member]) if step or member != 1 else None
            with curta.account() if watched else contextlib.nullcontext():
                optimizer.step()
        assert [parameter._version for parameter in parameters] == [2 if member == 1 else 3 for member in members]
        return [parameter.tolist() for parameter in parameters]

    assert trained([0, 1, 2, 3]) == [trained([member])[0] for member in range(4)]
