"""The module tree against what torch 2.13 prints and says, initial weights by their moments, clipping by hand."""

import math

import numpy as np
import pytest

import curta
from curta import nn
from curta.errors import ArgumentTypeError, ShapeError


def _model():
    inner = nn.Sequential(nn.LayerNorm(4), nn.Dropout(0.1))
    return nn.Sequential(nn.Linear(3, 4), nn.ReLU(), inner, nn.Linear(4, 2, bias=False))


def test_printing_is_torchs():
    assert (
        repr(_model())
        == """Sequential(
  (0): Linear(in_features=3, out_features=4, bias=True)
  (1): ReLU()
  (2): Sequential(
    (0): LayerNorm((4,), eps=1e-05, elementwise_affine=True, bias=True)
    (1): Dropout(p=0.1, inplace=False)
  )
  (3): Linear(in_features=4, out_features=2, bias=False)
)"""
    )
    table, kernels = nn.Embedding(3, 4, padding_idx=0), nn.Conv2d(1, 2, 3, padding=1)
    assert (
        repr(nn.ModuleDict({"a": nn.GELU(), "b": nn.ModuleList([table, kernels])}))
        == """ModuleDict(
  (a): GELU(approximate='none')
  (b): ModuleList(
    (0): Embedding(3, 4, padding_idx=0)
    (1): Conv2d(1, 2, kernel_size=(3, 3), stride=(1, 1), padding=(1, 1))
  )
)"""
    )


def test_rms_norm_is_torchs():
    assert repr(nn.RMSNorm(4)) == "RMSNorm((4,), eps=None, elementwise_affine=True)"
    plain = nn.RMSNorm((2, 3), eps=1e-5, elementwise_affine=False)
    assert repr(plain) == "RMSNorm((2, 3), eps=1e-05, elementwise_affine=False)"
    assert list(plain.parameters()) == []
    # the epsilon of float32, also for half formats: 1e-4 / sqrt(1e-8 + 1.1920929e-7)
    x = curta.full((1, 2), 1e-4, dtype=curta.bfloat16)
    assert nn.RMSNorm(2, dtype=curta.bfloat16)(x).tolist() == [[0.279296875, 0.279296875]]


def test_state_dict_in_and_out():
    model = _model()
    state = model.state_dict()
    assert list(state) == ["0.weight", "0.bias", "2.0.weight", "2.0.bias", "3.weight"]
    other = _model()
    assert repr(other.load_state_dict(state)) == "<All keys matched successfully>"
    for mine, theirs in zip(model.parameters(), other.parameters(), strict=True):
        assert (mine.detach().numpy() == theirs.detach().numpy()).all()
    del state["0.bias"]
    state["x"] = curta.ones(1)
    found = model.load_state_dict(state, strict=False)
    assert repr(found) == "_IncompatibleKeys(missing_keys=['0.bias'], unexpected_keys=['x'])"
    state["3.weight"] = curta.ones(5, 4)
    with pytest.raises(ShapeError) as caught:
        model.load_state_dict(state)
    lines = str(caught.value).split("\n\t")
    assert lines[:3] == [
        "Error(s) in loading state_dict for Sequential:",
        'Missing key(s) in state_dict: "0.bias". ',
        'Unexpected key(s) in state_dict: "x". ',
    ]
    assert lines[3].startswith("size mismatch for 3.weight: copying a param with shape torch.Size([5, 4])")


def test_errors():
    with pytest.raises(AttributeError, match="'Linear' object has no attribute 'foo'"):
        _ = nn.Linear(3, 4).foo
    with pytest.raises(ArgumentTypeError, match="as parameter 'weight'"):
        nn.Linear(3, 4).weight = curta.ones(1)
    with pytest.raises(NotImplementedError, match=r'Module \[Module\] is missing the required "forward" function'):
        nn.Module()(1)
    with pytest.raises(KeyError, match=r'buffer name can\'t contain "\."'):
        nn.Module().register_buffer("a.b", None)


def test_modes_conversion_and_hooks():
    model = _model()
    assert model.num_parameters() == 3 * 4 + 4 + 4 + 4 + 4 * 2
    assert not model.eval()[2][1].training
    x = curta.ones(2, 3)
    seen = []
    handle = model[0].register_forward_hook(lambda module, inputs, result: seen.append(tuple(result.shape)))
    once = model(x)
    handle.remove()
    assert (model(x).detach().numpy() == once.detach().numpy()).all()  # no dropout in evaluation
    assert seen == [(2, 4)]
    assert {p.dtype for p in model.bfloat16().parameters()} == {curta.bfloat16}
    first = model[0].weight
    assert model.to(curta.float64)[0].weight is first
    assert first.dtype is curta.float64


def test_shared_parameters_count_once():
    model = _model()
    model.again = model[3]
    assert len(list(model.parameters())) == 5
    assert len(list(model.state_dict())) == 6


@pytest.mark.parametrize(
    ("fill", "deviation", "bound"),
    [
        (lambda w: nn.init.normal_(w, 0.5, 0.2), 0.2, math.inf),
        (lambda w: nn.init.uniform_(w, -1, 2), 3 / math.sqrt(12), 2),
        (lambda w: nn.init.kaiming_uniform_(w, a=math.sqrt(5)), 1 / math.sqrt(3 * 300), 1 / math.sqrt(300)),
        (lambda w: nn.init.kaiming_normal_(w, nonlinearity="relu"), math.sqrt(2 / 300), math.inf),
        (lambda w: nn.init.xavier_uniform_(w), math.sqrt(2 / 500), math.sqrt(6 / 500)),
        (lambda w: nn.init.xavier_normal_(w), math.sqrt(2 / 500), math.inf),
        # the deviation of a normal distribution cut at two deviations
        (lambda w: nn.init.trunc_normal_(w, std=0.02, a=-0.04, b=0.04), 0.02 * 0.8796, 0.04),
    ],
)
def test_initial_weights(fill, deviation, bound):
    curta.manual_seed(1)
    values = fill(curta.empty(200, 300)).numpy()
    assert abs(values.std() / deviation - 1) < 0.02  # 60 000 values: a deviation of 0.003
    assert np.abs(values).max() <= bound


def _with_gradients():
    first, second = nn.Parameter(curta.ones(2)), nn.Parameter(curta.ones(3))
    first.grad, second.grad = curta.tensor([3.0, 4.0]), curta.tensor([0.0, -12.0, 0.0])
    return first, second


def test_clipping_the_norm():
    first, second = _with_gradients()
    assert nn.utils.clip_grad_norm_([first, second], 6.5).item() == 13.0  # of (3, 4, 12)
    np.testing.assert_allclose(first.grad.numpy(), [1.5, 2.0], rtol=1e-6)
    np.testing.assert_allclose(second.grad.numpy(), [0.0, -6.0, 0.0], rtol=1e-6)
    assert nn.utils.clip_grad_norm_([first, second], 100.0, norm_type=math.inf).item() == pytest.approx(6.0)


@pytest.mark.parametrize(
    ("order", "wanted"),
    [(1.0, 9), (2.0, 5), (3.0, 81 ** (1 / 3)), (0.5, 33.970562), (math.inf, 4), (-math.inf, 1), (0.0, 2)],
)
def test_norms_of_several_tensors(order, wanted):
    """The norm of the norms, of (1, -2, 2) and (4): of order 0, as in PyTorch, how many of them are not zero."""
    parts = [curta.tensor([1.0, -2.0, 2.0]), curta.tensor([4.0])]
    assert nn.utils.get_total_norm(parts, order).item() == pytest.approx(wanted, rel=1e-6)
    assert nn.utils.get_total_norm([], order).item() == 0


def test_the_older_name_of_clipping():
    first, second = _with_gradients()
    told = r"^`clip_grad_norm` is now deprecated in favor of `clip_grad_norm_`\.$"
    with pytest.warns(FutureWarning, match=told) as caught:
        assert nn.utils.clip_grad_norm([first, second], 6.5).item() == 13.0
    assert caught[0].filename == __file__
    assert first.grad.tolist() == pytest.approx([1.5, 2.0])


def test_clipping_values_and_vectors():
    first, second = _with_gradients()
    nn.utils.clip_grad_value_([first, second], 0.25)
    assert first.grad.tolist() == [0.25, 0.25]
    assert second.grad.tolist() == [0.0, -0.25, 0.0]
    nn.utils.vector_to_parameters(curta.arange(5.0), [first, second])
    assert nn.utils.parameters_to_vector([first, second]).tolist() == [0.0, 1.0, 2.0, 3.0, 4.0]


def test_embedding_padding_gets_no_gradient():
    table = nn.Embedding(4, 3, padding_idx=1)
    assert table.weight[1].abs().sum().item() == 0.0
    table(curta.tensor([0, 1, 1, 2])).sum().backward()
    assert table.weight.grad.sum(1).tolist() == [3.0, 0.0, 3.0, 0.0]
