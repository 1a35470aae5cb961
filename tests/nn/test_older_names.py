"""What PyTorch has at its top level of layers' functions, and under older names: literals of PyTorch 2.13."""

from __future__ import annotations

from typing import Any

import pytest

import curta
from curta import nn
from curta.errors import ArgumentError, ShapeError

TABLE = [[0.0, 1.0], [2.0, 3.0], [4.0, 5.0], [6.0, 7.0]]


def bags(*arguments: Any, **options: Any) -> list[Any]:
    made = curta.embedding_bag(
        curta.tensor(TABLE),
        curta.tensor([0, 1, 3]),
        curta.tensor(arguments[0], dtype=curta.int64),
        *arguments[1:],
        **options,
    )
    return [one.tolist() for one in made]


def test_embedding_bag() -> None:
    bag_of, sizes = [0, 0, 1], [2, 1]
    assert bags([0, 2]) == [[[2, 4], [6, 7]], bag_of, sizes, sizes]
    assert bags([0, 2], mode=1) == [[[1, 2], [6, 7]], bag_of, sizes, sizes]
    assert bags([0, 2], mode=2) == [[[2, 3], [6, 7]], bag_of, sizes, [[1, 1], [3, 3]]]
    assert bags([0, 2, 2], mode=2) == [[[2, 3], [0, 0], [6, 7]], [0, 0, 2], [2, 0, 1], [[1, 1], [0, 0], [3, 3]]]
    assert bags([0, 2], False, 0, False, None, False, 1) == [[[0, 1], [6, 7]], bag_of, [1, 1], [1, 1]]
    assert bags([0, 2, 3], False, 2, False, None, True)[3] == [[1, 1], [3, 3]]
    assert bags([0, 2], per_sample_weights=curta.tensor([1.0, 2.0, 3.0]))[0] == [[4, 7], [18, 21]]
    assert bags([], False, 2) == [[], [0, 0, 0], [], []]


def test_embedding_bag_of_rows_and_of_ties() -> None:
    made = curta.embedding_bag(curta.tensor(TABLE), curta.tensor([[0, 1], [3, 2]]), curta.tensor([0]), mode=2)
    assert [one.tolist() for one in made] == [[[2, 3], [6, 7]], [0, 0, 1, 1], [2, 2], [[1, 1], [3, 3]]]
    made = curta.embedding_bag(curta.zeros(4, 1), curta.tensor([3, 1, 2]), curta.tensor([0, 1]), mode=2)
    assert made[3].tolist() == [[3], [1]]
    table = curta.tensor(TABLE, requires_grad=True)
    curta.embedding_bag(table, curta.tensor([0, 1, 3]), curta.tensor([0, 2]), mode=1)[0].sum().backward()
    assert table.grad.tolist() == [[0.5, 0.5], [0.5, 0.5], [0, 0], [1, 1]]


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: bags([0, 2], mode=3), r"^`mode` must be sum, mean, or max\.$"),
        (lambda: bags([0, 2], padding_idx=4), r"^padding_idx must be within the number of embeddings, -4 through 3, b"),
    ],
)
def test_embedding_bag_refuses(call: Any, message: str) -> None:
    with pytest.raises(ShapeError, match=message):
        call()


def test_embedding_renorm_() -> None:
    table = curta.tensor(TABLE)
    assert curta.embedding_renorm_(table, curta.tensor([1, 1, 3]), 1.0, 2.0) is table
    wanted = [[0, 1], [0.5547, 0.8321], [4, 5], [0.6508, 0.7593]]
    assert curta.allclose(table, curta.tensor(wanted), atol=1e-4)


@pytest.mark.parametrize("name", ["alpha_dropout", "feature_alpha_dropout", "feature_dropout", "dropout"])
def test_dropouts(name: str) -> None:
    drop, within = getattr(curta, name), getattr(curta, name + "_")
    x = curta.ones(40, 30, 4)
    assert drop(x, 0.5, False).equal(x)
    assert not drop(x, 1.0, True).any()
    with pytest.raises((ShapeError, ArgumentError), match=r"^dropout probability has to be between 0 and 1, but got"):
        drop(x, 1.5, False)
    with pytest.raises(ShapeError, match=r"^dropout probability has to be between 0 and 1, but got -1$"):
        within(x, -1, True)
    curta.manual_seed(3)
    made = drop(x, 0.5, True)
    curta.manual_seed(3)
    assert within(x, 0.5, True) is x
    assert x.equal(made)
    found = made.unique().tolist()
    if "alpha" in name:  # the scale and shift that keep mean 0 and variance 1: 0.8865, 0.7793
        assert found == pytest.approx([-0.7791939, 1.6655989], abs=1e-5)
    else:
        assert found == [0, 2]
    whole = bool((made == made[:, :, :1]).all())
    assert whole is ("feature" in name)
    assert 0.45 < (made == found[1]).float().mean().item() < 0.55


def test_feature_dropout_takes_channels() -> None:
    with pytest.raises(ShapeError, match=r"^feature_dropout: Feature dropout requires at least 2 dimensions in the in"):
        curta.feature_dropout(curta.ones(2), 0.5, True)


def test_other_functions() -> None:
    x = curta.arange(6.0).reshape(2, 3)
    assert curta.norm_except_dim(x, 2, 1).tolist() == [pytest.approx([3.0, 17**0.5, 29**0.5])]
    assert curta.norm_except_dim(x, 1, 1).tolist() == [[3, 5, 7]]
    assert curta.norm_except_dim(x, 2, -1).item() == pytest.approx(55**0.5)
    assert curta.norm_except_dim(curta.ones(2, 3, 4), 2, 1).tolist() == [[[pytest.approx(8**0.5)]] * 3]
    assert curta.bilinear(curta.ones(2, 3), curta.ones(2, 4), curta.ones(5, 3, 4), None).tolist() == [[12.0] * 5] * 2
    grid = curta.affine_grid_generator(curta.eye(2, 3).unsqueeze(0), (1, 1, 2, 2), False)
    assert grid.tolist() == [[[[-0.5, -0.5], [0.5, -0.5]], [[-0.5, 0.5], [0.5, 0.5]]]]
    values, places = curta.max_pool1d_with_indices(curta.arange(6.0).reshape(1, 1, 6), 2)
    assert (values.tolist(), places.tolist()) == ([[[1, 3, 5]]], [[[1, 3, 5]]])
    assert curta.max_pool1d_with_indices(curta.arange(6.0).reshape(1, 1, 6), 2, (1,))[1].numel() == 5
    assert [part.tolist() for part in curta.arange(3).unsafe_split_with_sizes([2, 1])] == [[0, 1], [2]]
    assert curta.vmap is curta.func.vmap


# layers

#: of the elements 0.1 to 1.2 in six channels, by the size of the window
WANTED = {
    3: [
        0.096824586, 0.187867299, 0.270135105, 0.341328055, 0.400320381, 0.44721359, 0.490098, 0.520755708, 0.549762487,
        0.56980288, 0.717052519, 0.736690998,
    ],
    4: [
        0.097590014, 0.190692529, 0.276759386, 0.353553414, 0.419590682, 0.474341661, 0.524672151, 0.562878072,
        0.598671079, 0.625, 0.774917006, 0.80178386,
    ],
}  # fmt: skip


def test_cross_map_normalization() -> None:
    x = (curta.arange(1.0, 13.0) / 10).reshape(1, 6, 1, 2)
    for size, wanted in WANTED.items():
        layer = nn.CrossMapLRN2d(size, alpha=2.0, beta=0.5, k=1.0)
        assert layer(x).flatten().tolist() == pytest.approx(wanted, rel=1e-6)
    assert repr(nn.CrossMapLRN2d(3)) == "CrossMapLRN2d(3, alpha=0.0001, beta=0.75, k=1)"
    with pytest.raises(ArgumentError, match=r"^CrossMapLRN2d: Expected input to be 4D, got 3D instead\.$"):
        nn.CrossMapLRN2d(3)(curta.ones(1, 2, 3))
    x = x.double().requires_grad_()
    assert curta.autograd.gradcheck(nn.CrossMapLRN2d(3, alpha=2.0), (x,))


def test_bases_of_recurrent_layers() -> None:
    assert issubclass(nn.LSTM, nn.RNNBase)
    assert issubclass(nn.GRUCell, nn.RNNCellBase)
    layer = nn.RNNBase("GRU", 3, 4, num_layers=2)
    assert tuple(layer.weight_ih_l1.shape) == (12, 4)
    assert repr(layer) == "RNNBase(3, 4, num_layers=2)"
    assert tuple(nn.RNNCellBase(3, 4, True, 4).weight_hh.shape) == (16, 4)
    with pytest.raises(ArgumentError, match=r"^Unrecognized RNN mode: FOO$"):
        nn.RNNBase("FOO", 3, 4)


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("uniform", (1.0, 2.0)), ("normal", (0.0, 1.0)), ("constant", (3.0,)), ("eye", ()), ("xavier_uniform", ()),
        ("xavier_normal", ()), ("kaiming_uniform", ()), ("kaiming_normal", ()), ("orthogonal", ()), ("sparse", (0.5,)),
        ("dirac", ()),
    ],
)  # fmt: skip
def test_older_starts(name: str, arguments: tuple[float, ...]) -> None:
    shape = (4, 4, 3) if name == "dirac" else (4, 4)
    curta.manual_seed(1)
    wanted = getattr(nn.init, name + "_")(curta.empty(shape), *arguments)
    curta.manual_seed(1)
    told = rf"^`nn\.init\.{name}` is now deprecated in favor of `nn\.init\.{name}_`\.$"
    with pytest.warns(FutureWarning, match=told) as caught:
        made = getattr(nn.init, name)(curta.empty(shape), *arguments)
    assert made.equal(wanted)
    assert caught[0].filename == __file__
