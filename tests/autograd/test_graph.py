"""Hooks on saved tensors: what is kept is what they make, and gradients of any order go where they should."""

from __future__ import annotations

from typing import Any

import pytest

import curta
from curta.autograd import graph
from curta.errors import ArgumentError, ArgumentTypeError, AutogradError
from curta.utils.checkpoint import checkpoint


class Hooks:
    """Keeps lists in place of tensors, and counts."""

    def __init__(self) -> None:
        self.packed: list[Any] = []
        self.unpacked = 0

    def pack(self, tensor: Any) -> Any:
        assert not curta.is_grad_enabled()
        self.packed.append(tensor.tolist())
        return tensor.dtype, self.packed[-1]

    def unpack(self, kept: Any) -> Any:
        self.unpacked += 1
        return curta.tensor(kept[1], dtype=kept[0])

    def __call__(self) -> graph.saved_tensors_hooks:
        return graph.saved_tensors_hooks(self.pack, self.unpack)


def test_values_go_through_the_hooks() -> None:
    hooks, x = Hooks(), curta.tensor([2.0, 3.0], requires_grad=True)
    with hooks():
        y = (x * x).exp()
    z = y.sum()
    assert hooks.packed == [[2, 3], [2, 3], y.tolist()]
    assert hooks.unpacked == 0
    z.backward()
    assert hooks.unpacked == 3
    assert curta.allclose(x.grad, 2 * x.detach() * (x.detach() ** 2).exp())


def test_second_gradients() -> None:
    """What is unpacked has the history that it had: a leaf's, and a result's."""
    hooks, x = Hooks(), curta.tensor(2.0, dtype=curta.float64, requires_grad=True)
    with hooks():
        y = (x * x) * x
        (first,) = curta.autograd.grad(y.exp(), x, create_graph=True)
        (second,) = curta.autograd.grad(first, x)
    v = 2.0
    assert second.item() == pytest.approx((6 * v + 9 * v**4) * curta.tensor(v**3, dtype=curta.float64).exp().item())
    assert hooks.unpacked > 3


def test_what_is_packed_may_change_the_values() -> None:
    x = curta.tensor([2.0], requires_grad=True)
    with graph.saved_tensors_hooks(lambda t: t, lambda t: t * 10):
        y = x * x
    y.backward()
    assert x.grad.item() == 40


def test_a_write_afterwards_changes_nothing() -> None:
    x = curta.tensor([2.0], requires_grad=True)
    y = x * 1
    with graph.saved_tensors_hooks(lambda t: t.clone(), lambda t: t):
        z = y.exp() * y
    y.add_(1)
    z.backward()
    assert x.grad.item() == pytest.approx(3 * 7.389056, rel=1e-6)


def test_functions_and_modules() -> None:
    class Cube(curta.autograd.Function):
        @staticmethod
        def forward(ctx: Any, x: Any) -> Any:
            made = x * x * x
            ctx.save_for_backward(x, made)
            return made

        @staticmethod
        def backward(ctx: Any, g: Any) -> Any:
            x, made = ctx.saved_tensors
            return g * 3 * made / x

    hooks, x = Hooks(), curta.tensor([2.0], requires_grad=True)
    with hooks():
        y = Cube.apply(x)
    assert hooks.packed == [[2], [8]]
    y.backward()
    assert x.grad.item() == 12
    layer, inputs = curta.nn.Linear(3, 2), curta.ones(4, 3)
    layer(inputs).relu().sum().backward()
    wanted = layer.weight.grad.clone()
    layer.zero_grad()
    with Hooks()():
        loss = layer(inputs).relu().sum()
    loss.backward()
    assert layer.weight.grad.equal(wanted)


def test_with_checkpoints() -> None:
    hooks, x = Hooks(), curta.tensor([2.0], requires_grad=True)

    def part(v: Any) -> Any:
        return curta.nn.functional.dropout(v.exp().exp(), 0.0)

    with hooks():
        y = checkpoint(part, x, use_reentrant=False)
    assert hooks.packed == [[2]]
    y.backward()
    wanted = curta.tensor([2.0])
    assert curta.allclose(x.grad, wanted.exp().exp() * wanted.exp())


def test_save_on_cpu() -> None:
    x = curta.tensor([2.0], requires_grad=True)
    with graph.save_on_cpu(pin_memory=True):
        y = x * x
    y.backward()
    assert x.grad.item() == 4
    x = curta.ones(2, requires_grad=True, device="meta")
    with graph.save_on_cpu():
        y = (x * x).sum()
    y.backward()
    assert x.grad.is_meta


def test_hooks_within_hooks_and_disabled() -> None:
    outer, inner = Hooks(), Hooks()
    x = curta.tensor([2.0], requires_grad=True)
    with outer():
        with inner():
            x.exp()
        x.exp()
    assert (len(outer.packed), len(inner.packed)) == (1, 1)
    with graph.disable_saved_tensors_hooks("no hooks here"), pytest.raises(AutogradError, match=r"^no hooks here$"):
        outer().__enter__()

    @graph.disable_saved_tensors_hooks("nor here")
    def inside() -> None:
        with outer():
            pass

    with pytest.raises(AutogradError, match=r"^nor here$"):
        inside()
    with outer():
        x.exp()
    assert len(outer.packed) == 2


def test_refused() -> None:
    x = curta.tensor([2.0], requires_grad=True)
    with graph.saved_tensors_hooks(lambda t: t, lambda t: 3):
        y = x * x
    with pytest.raises(
        ArgumentTypeError,
        match=r"^Output of saved tensor unpack_hook expected to be a Tensor but got result of type int$",
    ):
        y.backward()
    with curta.inference_mode():
        z = curta.ones(1)
    with pytest.raises(AutogradError, match=r"^increment_version: tensors made in inference mode do not count their"):
        graph.increment_version([z])


def test_increment_version() -> None:
    x = curta.tensor([2.0], requires_grad=True)
    y = x * 1
    z = y * y
    graph.increment_version((y, x.detach()))
    with pytest.raises(AutogradError, match=r"^one of the variables needed for gradient computation has been modified"):
        z.backward()


# where gradients go


def two_ways() -> tuple[Any, ...]:
    x, w = curta.ones(2, requires_grad=True), curta.ones(2, requires_grad=True)
    y = x * 2
    return x, y, y.exp(), w


def as_lists(gradients: Any) -> list[Any]:
    return [None if one is None else one.tolist() for one in gradients]


def test_hooks_on_several_gradients() -> None:
    """All that a pass comes by, and only these: of those that it does not there is None."""
    x, y, z, w = two_ways()
    log: list[Any] = []
    handle = graph.register_multi_grad_hook((x, y, w), lambda gradients: log.append(as_lists(gradients)))
    e2 = [pytest.approx(7.389056, rel=1e-6)] * 2
    twice = [pytest.approx(14.778112, rel=1e-6)] * 2
    z.sum().backward(retain_graph=True)
    assert log == [[twice, e2, None]]
    (z.sum() + w.sum()).backward(retain_graph=True)
    assert log[1:] == [[twice, e2, [1, 1]]]
    curta.autograd.grad(z.sum(), y, retain_graph=True)
    assert log[2:] == [[None, e2, None]]
    handle.remove()
    z.sum().backward(retain_graph=True)
    assert len(log) == 3
    with graph.register_multi_grad_hook((x, y), lambda gradient: log.append(gradient.tolist()), mode="any"):
        z.sum().backward(retain_graph=True)
        z.sum().backward(retain_graph=True)
    z.sum().backward()
    assert log[3:] == [e2, e2]
    with pytest.raises(ArgumentError, match=r"^Expects mode to be one of \('all', 'any'\) but got foo$"):
        graph.register_multi_grad_hook((x,), print, mode="foo")


def test_hooks_on_several_results_of_one_operator() -> None:
    x, log = curta.ones(2, 2, requires_grad=True), []
    first, second = x.unbind(0)
    graph.register_multi_grad_hook((first, second), lambda gradients: log.append(as_lists(gradients)))
    (first * 3).sum().backward(retain_graph=True)
    (first * 3 + second).sum().backward()
    assert log == [[[3, 3], None], [[3, 3], [1, 1]]]


def test_gradient_edges() -> None:
    x, y, z, _ = two_ways()
    edge = graph.get_gradient_edge(z)
    assert (edge.node, edge.output_nr) == (z.grad_fn, 0)
    (found,) = curta.autograd.grad(edge, x, grad_outputs=curta.ones(2), retain_graph=True)
    (wanted,) = curta.autograd.grad(z.sum(), x, retain_graph=True)
    assert found.equal(wanted)
    for tensor in (x, y):
        (found,) = curta.autograd.grad(z.sum(), [graph.get_gradient_edge(tensor)], retain_graph=True)
        (wanted,) = curta.autograd.grad(z.sum(), tensor, retain_graph=True)
        assert found.equal(wanted)
    curta.autograd.backward([edge], [curta.ones(2)])
    assert x.grad.tolist() == [pytest.approx(14.778112, rel=1e-6)] * 2
    with pytest.raises(AutogradError, match=r"^It is not possible to get the gradient edge for a Tensor that does not"):
        graph.get_gradient_edge(curta.ones(2))


def test_hooks_see_leaves_and_histories() -> None:
    """As in PyTorch: programs leave parameters where they are, which they know by their class."""
    weight, seen = curta.nn.Parameter(curta.ones(2)), []
    with graph.saved_tensors_hooks(lambda kept: (seen.append(kept), kept)[1], lambda kept: kept):
        y = weight * 2
        z = (weight * y).sum()
    assert [one is weight for one in seen] == [True, True, False]
    assert (seen[2].requires_grad, seen[2].grad_fn is y.grad_fn) == (True, True)
    z.backward()
    assert weight.grad.tolist() == [4.0, 4.0]


def test_what_pack_may_not_do() -> None:
    x = curta.ones(2, requires_grad=True)
    for value in (x, x * 2):
        with (
            graph.saved_tensors_hooks(lambda kept: kept.mul_(2), lambda kept: kept),
            pytest.raises(AutogradError, match=r"^A saved tensor pack hook is modifying its input in place\. Tensors "),
        ):
            value * value


def test_hooks_cannot_be_forbidden_inside_of_hooks() -> None:
    with graph.save_on_cpu(), pytest.raises(AutogradError, match=r"^too late$"):  # noqa: SIM117
        with graph.disable_saved_tensors_hooks("too late"):
            pass
    with graph.disable_saved_tensors_hooks("no hooks here"):
        pass
