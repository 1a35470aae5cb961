"""Hooks on modules: what they hear, as PyTorch's hooks do, and how they go with programs and accounts."""

from __future__ import annotations

import copy
import sys
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parent))
from hook_stories import STORIES, scaling

import curta
from curta import nn
from curta.errors import AutogradError, CurtaWarning, ShapeError, UnsupportedError

#: recorded from PyTorch 2.13
TOLD: dict[str, list[Any]] = {
    "around_calls": [
        ('before', [[2.0, 3.0]]),
        [[[2.0, 3.0]], {'extra': 10.0}, [16.0, 19.0]],
        ('after', [[2.0, 3.0]], [16.0, 19.0]),
        ('before', [[2.0, 3.0]]),
        [[[2.0, 3.0]], {'extra': 11.0}, [17.0, 20.0]],
        ('after', [[2.0, 3.0]], [17.0, 20.0]),
        [32.0, 38.0],
        [34.0, 40.0],
        ('before', [[1.0, 2.0]]),
        [[[1.0, 2.0]], {'extra': 10.0}, [13.0, 16.0]],
        ('after', [[1.0, 2.0]], [13.0, 16.0]),
        ('always', [13.0, 16.0]),
        [13.0, 16.0],
        ('before', [[1.0, 2.0]]),
        ('always', None),
        'below 0',
        ('before', [[1.0, 2.0]]),
        [[[1.0, 2.0]], {'extra': 10.0}, [13.0, 16.0]],
        ('after', [[1.0, 2.0]], [13.0, 16.0]),
        [13.0, 16.0],
    ],
    "around_gradients": [
        ('outward', [[1.0, 2.0]]),
        ('gradients', [[30.0, 60.0]], [[10.0, 20.0]]),
        [33.0, 66.0],
        ('outward', [[1.0, 1.0]]),
        ('gradients', [[103.0, 103.0]], [[1.0, 1.0]]),
        [103.0, 103.0],
        [[None], [[[1.0]]]],
        [[1.0, 2.0]],
    ],
    "around_states": [
        ('0.', False),
        ['0.new', '1.running_mean', '1.running_var', '1.num_batches_tracked'],
        [['1.running_var'], []],
        ['0.old', '1.running_mean'],
        [[5.0]],
        [2.0],
    ],
    "of_all_modules": [
        ('Sequential', [[1.0]]),
        ('Scale', [[1.0]]),
        [2.0],
        ('Scale', [[2.0]]),
        [10.0],
        [10.0],
        [[1.0]],
        [[1.0]],
        [[[5.0]], [[1.0]]],
        [[5.0]],
        [[[10.0]], [[5.0]]],
        [[[10.0]], [[1.0]]],
        ('parameter', 'weight'),
        ('parameter', 'bias'),
        ('module', 'more'),
        ('buffer', 'kept'),
    ],
}  # fmt: skip


@pytest.mark.parametrize("story", STORIES)
def test_what_hooks_hear(story: Any) -> None:
    assert story(curta) == TOLD[story.__name__]


def test_hooks_in_programs_and_accounts() -> None:
    model = scaling(curta, 3.0)
    model.register_forward_hook(lambda module, inputs, result: result + 1)
    model.register_full_backward_hook(lambda module, inward, outward: (inward[0] * 2,))
    x = curta.ones(4, requires_grad=True)
    with curta.account() as account:
        model(x).sum().backward()
    assert x.grad.tolist() == [6.0] * 4
    assert account.flops == 3 * 4 + 3 + 2 * 4  # x * 3 + 0 + 1 and the sum; times 2, times 3
    program = curta.compile(lambda given: model(given).sum())
    y = curta.ones(4, requires_grad=True)
    program(y).backward()
    assert y.grad.tolist() == [6.0] * 4
    assert copy.deepcopy(model)(x).tolist() == model(x).tolist()


def test_a_hook_that_fails_while_something_else_did() -> None:
    model = scaling(curta, 3.0)

    def fails(*given: Any) -> None:
        raise KeyError("hook")

    model.register_forward_hook(fails, always_call=True)
    silenced = pytest.warns(CurtaWarning, match="silenced as another error was raised in forward: 'hook'")
    with silenced, pytest.raises(ValueError, match="below 0"):
        model(curta.ones(1), extra=-1.0)


def refused(attach: Any, run: Any) -> str:
    model = scaling(curta, 3.0)
    attach(model)
    with pytest.raises((ShapeError, AutogradError)) as caught:
        run(model, curta.ones(2, requires_grad=True))
    return str(caught.value)


def test_what_hooks_may_not_give() -> None:
    def backward(model: Any, x: Any) -> None:
        model(x).sum().backward()

    def without_gradient(model: Any, x: Any) -> None:
        (model(x.detach()) + x).sum().backward()

    message = refused(lambda m: m.register_forward_pre_hook(lambda m, a, k: a, with_kwargs=True), backward)
    assert message.startswith(
        "forward pre-hook must return None or a tuple of (new_args, new_kwargs), but got (tensor("
    )
    message = refused(lambda m: m.register_full_backward_hook(lambda m, i, o: (None, None)), backward)
    assert message == "Backward hook returned an invalid number of grad_input, got 2, but expected 1"
    message = refused(lambda m: m.register_full_backward_pre_hook(lambda m, o: ()), backward)
    assert message == "Backward pre hook returned an invalid number of grad_output, got 0, but expected 1"
    message = refused(lambda m: m.register_state_dict_post_hook(lambda *a: 1), lambda m, x: m.state_dict())
    assert message == "state_dict post-hook must return None, got int: change what it is given"
    message = refused(lambda m: m.register_load_state_dict_post_hook(lambda *a: 1), lambda m, x: m.load_state_dict({}))
    assert message == "load_state_dict post-hook must return None, got int: change what it is given"


def test_an_input_that_does_not_go_through_the_result() -> None:
    class Leaks(nn.Module):
        def forward(self, x: Any) -> Any:
            self.aside = x * 2
            return x.detach() * 3

    model, x = Leaks(), curta.ones(2, requires_grad=True)
    model.register_full_backward_hook(lambda module, inward, outward: None)
    model(x)
    with pytest.raises(AutogradError, match="called before the grad_output one"):
        model.aside.sum().backward()


def test_no_gradient_for_inputs_without_one() -> None:
    model = nn.Linear(2, 1)
    model.register_full_backward_hook(lambda module, inward, outward: (curta.ones(1, 2),))
    with pytest.raises(AutogradError, match="no input requires gradient should always return None"):
        model(curta.ones(1, 2)).sum().backward()


class Counted(nn.Module):
    """Saves a number besides its tensors."""

    def __init__(self) -> None:
        super().__init__()
        self.steps = 0

    def get_extra_state(self) -> int:
        return self.steps

    def set_extra_state(self, state: int) -> None:
        self.steps = state


def test_extra_state() -> None:
    model = nn.Sequential(Counted())
    model[0].steps = 3
    state: Any = model.state_dict()
    assert state == {"0._extra_state": 3}
    other = nn.Sequential(Counted())
    other.load_state_dict(state)
    assert other[0].steps == 3
    assert other.load_state_dict({}, strict=False).missing_keys == ["0._extra_state"]
    for refuses in (lambda: nn.Module().get_extra_state(), lambda: nn.Module().set_extra_state(1)):
        with pytest.raises(UnsupportedError, match=r"Module: [gs]et_extra_state\(\) is not defined"):
            refuses()


def test_parts_by_dotted_names() -> None:
    model = nn.Sequential(nn.Sequential(nn.Linear(2, 3)), nn.BatchNorm1d(3))
    assert model.get_parameter("0.0.weight") is model[0][0].weight
    assert model.get_buffer("1.running_mean") is model[1].running_mean
    model.set_submodule("0.0", nn.Linear(2, 3, bias=False), strict=True)
    assert model[0][0].bias is None
    model.set_submodule("0.more", nn.ReLU())
    assert isinstance(model[0].more, nn.ReLU)
    assert model.type(curta.float64)[0][0].weight.dtype is curta.float64
    assert model.to_empty(device="meta")[0][0].weight.is_meta
