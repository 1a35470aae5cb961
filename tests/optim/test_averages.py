"""Averaged weights and SWALR, against means by hand and the rates that PyTorch 2.13 gave."""

from __future__ import annotations

import pytest

import curta
from curta import nn
from curta.errors import ArgumentError
from curta.optim import SGD
from curta.optim.swa_utils import (
    SWALR,
    AveragedModel,
    get_ema_avg_fn,
    get_ema_multi_avg_fn,
    get_swa_avg_fn,
    get_swa_multi_avg_fn,
    update_bn,
)


def averages(averaged: AveragedModel, values: list[float]) -> list[float]:
    model = nn.Linear(2, 1)
    found = []
    for value in values:
        nn.init.constant_(model.weight, value)
        averaged.update_parameters(model)
        found.append(float(averaged.module.weight[0, 0]))
    return found


VALUES = [1.0, 2.0, 6.0, 3.0]
MEANS = [1.0, 1.5, 3.0, 3.0]
FADING = [1.0, 1.25, 2.4375, 2.578125]  # 3/4 of the one before, 1/4 of the new one


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ({}, MEANS),
        ({"avg_fn": get_swa_avg_fn()}, MEANS),
        ({"multi_avg_fn": get_swa_multi_avg_fn()}, MEANS),
        ({"avg_fn": get_ema_avg_fn(0.75)}, FADING),
        ({"multi_avg_fn": get_ema_multi_avg_fn(0.75)}, FADING),
    ],
)
def test_averages(arguments: dict[str, object], expected: list[float]) -> None:
    averaged = AveragedModel(nn.Linear(2, 1), **arguments)  # type: ignore[arg-type]
    assert averages(averaged, VALUES) == pytest.approx(expected)
    assert int(averaged.n_averaged) == 4


def test_the_model_is_copied() -> None:
    model = nn.Linear(2, 1)
    averaged = AveragedModel(model, device="cpu")
    averaged.update_parameters(model)
    with curta.no_grad():
        model.weight.add_(1.0)
    assert (averaged.module.weight - model.weight).flatten().tolist() == pytest.approx([-1.0, -1.0])
    x = curta.ones(3, 2)
    assert averaged(x).tolist() == averaged.module(x).tolist()
    assert list(averaged.state_dict()) == ["n_averaged", "module.weight", "module.bias"]


@pytest.mark.parametrize("multi", [None, get_ema_multi_avg_fn(0.5), get_swa_multi_avg_fn()])
def test_buffers_are_averaged_or_followed(multi: object) -> None:
    model = nn.BatchNorm1d(2)
    averaged = AveragedModel(model, multi_avg_fn=multi, use_buffers=True)  # type: ignore[arg-type]
    followed = AveragedModel(model)
    for value, count in ((2.0, 10), (4.0, 20)):
        model.running_mean.fill_(value)
        model.num_batches_tracked.fill_(count)
        averaged.update_parameters(model)
        followed.update_parameters(model)
    assert averaged.module.running_mean.tolist() == [3.0, 3.0]
    assert averaged.module.num_batches_tracked.item() == 15
    assert followed.module.running_mean.tolist() == [4.0, 4.0]
    assert followed.module.num_batches_tracked.item() == 20


def test_running_statistics_are_worked_out_anew() -> None:
    model = nn.Sequential(nn.BatchNorm1d(2), nn.Identity())
    model.eval()
    batches = [curta.tensor([[0.0, 1.0], [2.0, 3.0]]), curta.tensor([[4.0, 4.0], [8.0, 10.0]])]
    update_bn([batches[0], (batches[1], "label")], model, device="cpu")
    assert model[0].running_mean.tolist() == pytest.approx([3.5, 4.5])  # of 1 and 6, of 2 and 7
    assert model[0].running_var.tolist() == pytest.approx([5.0, 10.0])  # of 2 and 8, of 2 and 18
    assert model[0].momentum == 0.1
    assert not model.training
    update_bn([], nn.Linear(2, 2))


#: rates of groups with 0.1 and 0.5, from torch.optim.swa_utils.SWALR
RATES = {
    ("cos", 4, 0.05): [
        [0.1, 0.5],
        [0.0926776695297, 0.434099025767],
        [0.075, 0.275],
        [0.0573223304703, 0.115900974233],
        [0.05, 0.05],
        [0.05, 0.05],
        [0.05, 0.05],
    ],
    ("linear", 3, (0.05, 1.0)): [
        [0.1, 0.5],
        [0.0833333333333, 0.666666666667],
        [0.0666666666667, 0.833333333333],
        [0.05, 1.0],
        [0.05, 1.0],
        [0.05, 1.0],
        [0.05, 1.0],
    ],
    ("cos", 0, 0.05): [
        [0.05, 0.05],
        [0.05, 0.05],
        [0.05, 0.05],
        [0.05, 0.05],
        [0.05, 0.05],
        [0.05, 0.05],
        [0.05, 0.05],
    ],
}


@pytest.mark.parametrize("case", RATES)
def test_swalr(case: tuple[str, int, float | tuple[float, float]]) -> None:
    strategy, epochs, rate = case

    def make() -> tuple[SGD, SWALR]:
        groups = [{"params": [curta.ones(1, requires_grad=True)], "lr": each} for each in (0.1, 0.5)]
        optimizer = SGD(groups)
        return optimizer, SWALR(optimizer, rate, anneal_epochs=epochs, anneal_strategy=strategy)

    (first, schedule), (second, resumed) = make(), make()
    for step, expected in enumerate(RATES[case]):
        assert schedule.get_last_lr() == pytest.approx(expected, abs=1e-12)
        first.step()
        schedule.step()
        if step == 1:
            second.load_state_dict(first.state_dict())
            resumed.load_state_dict(schedule.state_dict())
    for expected in RATES[case][2:]:
        assert [group["lr"] for group in second.param_groups] == pytest.approx(expected, abs=1e-12)
        second.step()
        resumed.step()


def test_averages_that_cannot_be() -> None:
    optimizer = SGD([curta.ones(1, requires_grad=True)])
    message = r"Invalid decay value 1\.5 provided\. Please provide a value in \[0,1\] range\."
    for make in (get_ema_avg_fn, get_ema_multi_avg_fn):
        with pytest.raises(ArgumentError, match=message):
            make(1.5)
    with pytest.raises(ArgumentError, match="Only one of avg_fn and multi_avg_fn should be provided"):
        AveragedModel(nn.Linear(1, 1), avg_fn=get_swa_avg_fn(), multi_avg_fn=get_swa_multi_avg_fn())
    with pytest.raises(ArgumentError, match="anneal_strategy must be one of 'cos' or 'linear', instead got sine"):
        SWALR(optimizer, 0.1, anneal_strategy="sine")
    with pytest.raises(ArgumentError, match="anneal_epochs must be equal or greater than 0, got -1"):
        SWALR(optimizer, 0.1, anneal_epochs=-1)
    with pytest.raises(ArgumentError, match=r"swa_lr must have the same length as optimizer.param_groups: 2, 1"):
        SWALR(optimizer, [0.1, 0.2])
