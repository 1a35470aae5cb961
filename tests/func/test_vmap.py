"""`vmap`: dimensions and containers in and out, randomness, modules, compiled, accounted, without data."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import curta
from curta import func, nn
from curta.nn import functional as F


def numbers(*shape: int, seed: int = 1) -> Any:
    return curta.from_numpy(np.random.default_rng(seed).standard_normal(shape))


def close(found: Any, wanted: Any) -> None:
    np.testing.assert_allclose(found.detach().numpy(), wanted.detach().numpy(), rtol=1e-9, atol=1e-9)


def test_dimensions_in_and_out() -> None:
    x, y = numbers(4, 3), numbers(2, 4)
    close(func.vmap(lambda a, b: a.sum() * b, in_dims=(0, 1), out_dims=1)(x, y), x.sum(1) * y)
    close(func.vmap(lambda a: a.exp(), in_dims=-1, out_dims=-1)(x), x.exp())
    close(func.vmap(lambda a, b: a * b, in_dims=(0, None))(x, y[0, :3]), x * y[0, :3])
    first, second = func.vmap(lambda a: (a, {"twice": a * 2}), out_dims=(1, 0))(x)
    close(first, x.T)
    close(second["twice"], x * 2)
    nested = func.vmap(lambda d: d["a"] * d["b"][0], in_dims=({"a": 0, "b": [None]},))({"a": x, "b": [x[0]]})
    close(nested, x * x[0])
    close(func.vmap(lambda a, *, scale: a * scale)(x, scale=numbers(4)), x * numbers(4)[:, None])
    constant = curta.ones(2)
    assert func.vmap(lambda a: constant)(x).shape == (4, 2)
    assert func.vmap(lambda a: constant, out_dims=None)(x).shape == (2,)
    assert func.vmap(lambda a: (a * 2).sum())(curta.zeros(0, 3)).shape == (0,)


def test_maps_in_maps_and_chunks() -> None:
    x = numbers(4, 3)
    close(func.vmap(func.vmap(lambda a: a.sin()))(x), x.sin())
    outer = func.vmap(lambda r: func.vmap(lambda c, s: c * s.sum(), in_dims=(0, None))(r, r))(x)
    close(outer, x * x.sum(1, keepdim=True))
    for size in (1, 3, 4, 9):
        close(func.vmap(lambda a: (a * 2, a.sum()), chunk_size=size, out_dims=(1, 0))(x)[0], 2 * x.T)


def test_promotion_is_that_of_one_slice() -> None:
    rows, scalars = curta.ones(4, 3), numbers(4)
    assert func.vmap(lambda a, s: a * s)(rows, scalars).dtype is curta.float32
    assert func.vmap(lambda s: s + curta.ones(3))(scalars).dtype is curta.float32
    assert func.vmap(lambda s: s + curta.ones(3, dtype=curta.int64))(scalars).dtype is curta.float64
    assert func.vmap(lambda a, s: a.where(a > s, s))(rows, scalars).dtype is curta.float32


def test_writing_in_place() -> None:
    x = numbers(4, 3)
    given = x.clone()
    func.vmap(lambda a: a.mul_(2))(given)
    close(given, x * 2)

    def steps(a: Any) -> Any:
        made = curta.zeros_like(a)
        made[1:] = a[:-1]
        made.add_(a)
        return made + a.new_zeros(3).copy_(a)

    close(func.vmap(steps)(x), curta.stack([steps(row) for row in x]))


def test_tables_and_places_of_which_one_side_is_mapped() -> None:
    table, places = numbers(5, 3), curta.tensor([[0, -1], [2, 2], [4, 1], [3, 0]])
    close(func.vmap(lambda i: table[i])(places), table[places])
    added = func.vmap(lambda i: table.index_add(0, i, table[:2]))(places)
    close(added[0], table.index_add(0, places[0] % 5, table[:2]))
    close(func.vmap(lambda i: table[i, 1])(places[:, 0]), table[places[:, 0], 1])
    with pytest.raises(IndexError, match="index 7 is out of bounds for dimension 0 with size 5"):
        func.vmap(lambda i: table[i])(curta.tensor([1, 7]))
    scattered = func.vmap(lambda i, s: curta.zeros(5, dtype=curta.float64).scatter(0, i, s))(places % 5, numbers(4, 2))
    assert scattered.shape == (4, 5)
    weights, images = numbers(4, 2, 1, 2, 2), numbers(3, 1, 4, 4)
    close(func.vmap(lambda w: F.conv2d(images, w))(weights), curta.stack([F.conv2d(images, w) for w in weights]))


def test_random_numbers() -> None:
    x = curta.ones(8)

    def distinct(randomness: str, draw: Any) -> int:
        made = func.vmap(draw, randomness=randomness)(x).reshape(8, -1)
        return len({tuple(row) for row in made.tolist()})

    for draw in (lambda a: a * curta.rand(4), lambda a: F.dropout(curta.ones(64), 0.5)):
        assert distinct("different", draw) == 8
        assert distinct("same", draw) == 1
    both = func.vmap(lambda a: func.vmap(lambda b: curta.rand(()), randomness="different")(x), randomness="different")
    assert len(set(both(x).flatten().tolist())) == 64
    curta.manual_seed(3)
    func.vmap(lambda a: curta.rand(4), randomness="different")(x)
    assert curta.default_generator.offset == 32


# modules


def model() -> Any:
    curta.manual_seed(0)
    return nn.Sequential(nn.Linear(3, 8), nn.GELU(), nn.LayerNorm(8), nn.Linear(8, 2)).double()


def gradients_of_samples(net: Any, x: Any, y: Any) -> Any:
    def loss(parameters: Any, x: Any, y: Any) -> Any:
        return F.cross_entropy(func.functional_call(net, parameters, x), y)

    parameters = {name: one.detach() for name, one in net.named_parameters()}
    return func.vmap(func.grad(loss), in_dims=(None, 0, 0))(parameters, x, y)


def test_gradients_of_each_sample_eager_and_compiled() -> None:
    net, x, y = model(), numbers(5, 3), curta.tensor([0, 1, 1, 0, 1])
    before = func.looped()
    found = gradients_of_samples(net, x, y)
    assert func.looped() == before
    compiled = curta.compile(lambda x, y: gradients_of_samples(net, x, y))
    for again in (compiled(x, y), compiled(x, y)):
        assert [one.tolist() for one in again.values()] == [one.tolist() for one in found.values()]
    for place in range(5):
        net.zero_grad()
        F.cross_entropy(net(x[place]), y[place]).backward()
        for name, parameter in net.named_parameters():
            close(found[name][place], parameter.grad)


def test_gradients_of_parameters_through_a_map() -> None:
    net, x = model(), numbers(5, 3)
    func.vmap(lambda row: net(row).square().sum())(x).sum().backward()
    found = [one.grad.clone() for one in net.parameters()]
    net.zero_grad()
    net(x).square().sum().backward()
    for one, parameter in zip(found, net.parameters(), strict=True):
        close(one, parameter.grad)


def test_an_ensemble() -> None:
    nets = [nn.Linear(3, 2) for _ in range(4)]
    x = curta.ones(5, 3)
    parameters, buffers = func.stack_module_state(nets)
    assert all(one.is_leaf and one.requires_grad for one in parameters.values())
    assert buffers == {}
    call = lambda p, x: func.functional_call(nets[0], p, (x,))  # noqa: E731
    found = func.vmap(call, in_dims=(0, None))(parameters, x)
    np.testing.assert_allclose(found.tolist(), curta.stack([net(x) for net in nets]).tolist(), rtol=1e-6)


def test_tied_weights_are_replaced_together() -> None:
    class Tied(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.first = nn.Linear(2, 2, bias=False)
            self.second = nn.Linear(2, 2, bias=False)
            self.second.weight = self.first.weight

        def forward(self, x: Any) -> Any:
            return self.second(self.first(x))

    net, x = Tied(), curta.ones(1, 2)
    held = net.first.weight
    given = {"first.weight": curta.eye(2) * 3}
    assert func.functional_call(net, given, x).tolist() == [[9.0, 9.0]]
    alone = func.functional_call(net, given, x, tie_weights=False)
    assert alone.tolist() == F.linear(x * 3, held).tolist()
    assert net.first.weight is net.second.weight is held


def test_the_older_name_of_a_call_with_other_tensors() -> None:
    net, x = nn.Linear(2, 1), curta.tensor([1.0, 2.0])
    given = {"weight": curta.ones(1, 2), "bias": curta.ones(1)}
    with pytest.warns(FutureWarning, match="does the same"):
        found = nn.utils.stateless.functional_call(net, given, x)
    assert found.tolist() == [4.0]
    with pytest.warns(FutureWarning), pytest.raises(RuntimeError, match="Missing key"):
        nn.utils.stateless.functional_call(net, {"bias": given["bias"]}, (x,), strict=True)
    with pytest.warns(FutureWarning), pytest.raises(TypeError, match="3 is not an instance of"):
        nn.utils.stateless.functional_call(net, {"bias": 3}, (x,))
    assert net.bias.requires_grad


def test_batch_norm_in_a_map_without_running_statistics() -> None:
    net = nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4), nn.InstanceNorm1d(4, track_running_stats=True))
    assert func.replace_all_batch_norm_modules_(net) is net
    assert (net[1].running_mean, net[1].running_var, net[1].num_batches_tracked) == (None, None, None)
    assert net[2].running_mean is not None
    alone = func.replace_all_batch_norm_modules_(nn.BatchNorm1d(3))
    assert not alone.track_running_stats
    x = curta.from_numpy(np.random.default_rng(1).normal(size=(2, 5, 3)))
    found = func.vmap(alone.double())(x)
    wanted = (x - x.mean(1, keepdim=True)) / (x.var(1, correction=0, keepdim=True) + alone.eps).sqrt()
    np.testing.assert_allclose(found.detach().numpy(), wanted.numpy(), rtol=1e-9)
    assert set(alone.state_dict()) == {"weight", "bias"}


# what the books, the compiler and the meta device see


def cost_of(function: Any, *args: Any) -> Any:
    with curta.account() as book:
        function(*args)
    return book.flops, book.model_flops


def test_a_map_is_charged_as_the_same_work_in_one() -> None:
    x, matrix = curta.ones(5, 3), curta.ones(4, 3)
    assert cost_of(func.vmap(lambda row: matrix @ row), x) == (5 * 4 * 3 * 2, 5 * 4 * 3 * 2)
    assert cost_of(func.vmap(lambda row: F.softmax(row, 0)), x) == cost_of(lambda x: F.softmax(x, 1), x)
    assert curta.plan(func.vmap(lambda row: matrix @ row), x).flops == 5 * 4 * 3 * 2


def test_without_data() -> None:
    x = curta.ones(5, 3, device="meta")
    assert func.vmap(func.grad(lambda row: (row.sin() * row).sum()))(x).shape == (5, 3)
    assert func.vmap(func.hessian(lambda row: F.softmax(row, 0)[0]))(x).shape == (5, 3, 3)


def test_programs_of_hessians_and_of_random_maps_are_exact() -> None:
    x = numbers(4, 3)
    hessians = func.vmap(func.hessian(lambda row: F.softmax(row, 0)[1]))
    assert curta.compile(hessians)(x).tolist() == hessians(x).tolist()
    dropped = func.vmap(lambda row: F.dropout(row, 0.5), randomness="different")
    found = []
    for one in (dropped, curta.compile(dropped)):
        curta.manual_seed(1)
        found.append(one(x).tolist())
    assert found[0] == found[1]


def test_a_function_of_ones_own_over_slices() -> None:
    class Cube(curta.autograd.Function):
        @staticmethod
        def forward(ctx: Any, x: Any) -> Any:
            ctx.save_for_backward(x)
            return x * x * x

        @staticmethod
        def backward(ctx: Any, gradient: Any) -> Any:
            (x,) = ctx.saved_tensors
            return gradient * 3 * x * x

    x = numbers(4, 3)
    close(func.vmap(func.grad(lambda row: Cube.apply(row).sum()))(x), 3 * x * x)
    close(func.hessian(lambda row: Cube.apply(row).sum())(x[0]), curta.eye(3) * 6 * x[0])


def test_what_a_mapped_tensor_prints_and_what_is_left_of_it() -> None:
    seen: list[Any] = []
    func.vmap(lambda a: (seen.extend([a, repr(a)]), a)[1])(curta.ones(2))
    assert seen[1].startswith("BatchedTensor(lvl=")
    assert seen[1].endswith("bdim=0, value=tensor([1., 1.]))")
    assert seen[0].is_meta


def test_a_compiled_function_inside_of_a_transform() -> None:
    x = numbers(4, 3)
    cubes = curta.compile(lambda row: (row**3).sum())
    cubes(x[0])
    close(func.vmap(cubes)(x), (x**3).sum(1))
    close(func.vmap(func.grad(cubes))(x), 3 * x * x)
    close(func.hessian(cubes)(x[0]), curta.eye(3) * 6 * x[0])
