"""Backward passes against values worked out by hand and messages recorded from PyTorch 2.13."""

import threading

import pytest

import curta
from curta.errors import AutogradError


def leaf(*values: float) -> curta.Tensor:
    return curta.tensor(list(values), requires_grad=True)


def test_gradients_of_a_product_and_a_sum() -> None:
    x, y = leaf(1.0, 2.0, 3.0), leaf(4.0, 5.0, 6.0)
    (x * y + x).sum().backward()
    assert x.grad.tolist() == [5.0, 6.0, 7.0]
    assert y.grad.tolist() == [1.0, 2.0, 3.0]


def test_a_leaf_with_several_consumers_is_visited_once() -> None:
    x, seen = leaf(2.0), []
    x.register_hook(lambda gradient: seen.append(gradient.tolist()))
    y = x * 3
    (y * x + x).sum().backward()  # 3x^2 + x
    assert seen == [[13.0]]
    assert x.grad.tolist() == [13.0]


def test_grad_accumulates_over_backward_passes() -> None:
    x = leaf(1.0, 2.0)
    for _ in range(3):
        (x * x).sum().backward()
    assert x.grad.tolist() == [6.0, 12.0]


def test_two_leaves_never_share_a_gradient() -> None:
    x, y = leaf(1.0), leaf(2.0)
    (x + y).backward(weights := curta.tensor([5.0]))
    assert len({x.grad.data_ptr(), y.grad.data_ptr(), weights.data_ptr()}) == 3
    x.grad.zero_()
    assert (y.grad.tolist(), weights.tolist()) == ([5.0], [5.0])


def test_a_gradient_that_a_hook_kept_is_not_overwritten() -> None:
    x, kept = leaf(1.0), []
    x.register_hook(kept.append)
    (x * 2).exp().sum().backward()
    before = kept[0].tolist()
    (x * 2).exp().sum().backward()
    assert kept[0].tolist() == before


def test_gradients_have_the_leafs_strides() -> None:
    base = curta.zeros(3, 2)
    x = base.t().detach().requires_grad_()
    (x * curta.ones(2, 3)).sum().backward()
    assert x.grad.stride() == (1, 2)


def test_broadcast_operands_get_summed_gradients() -> None:
    x, y = curta.ones(2, 3, requires_grad=True), curta.ones(3, requires_grad=True)
    z = curta.ones(2, 1, requires_grad=True)
    (x * y * z).sum().backward()
    assert y.grad.tolist() == [2.0, 2.0, 2.0]
    assert z.grad.tolist() == [[3.0], [3.0]]


def test_third_derivative() -> None:
    x = curta.tensor(2.0, requires_grad=True)
    value = x * x * x * x
    expected = [32.0, 48.0, 48.0]  # 4x^3, 12x^2, 24x
    for wanted in expected:
        (value,) = curta.autograd.grad(value, x, create_graph=True)
        assert value.item() == wanted


def test_grad_of_something_inside_and_unused() -> None:
    x, unused = leaf(3.0), leaf(1.0)
    y = x * 2
    z = (y * y).sum()
    assert curta.autograd.grad(z, [y, x], retain_graph=True)[0].tolist() == [12.0]
    assert curta.autograd.grad(z, [x, unused], retain_graph=True, allow_unused=True)[1] is None
    zeros = curta.autograd.grad(z, [x, unused], retain_graph=True, materialize_grads=True)[1]
    assert zeros.tolist() == [0.0]
    assert x.grad is None
    with pytest.raises(AutogradError, match=r"appears to not have been used in the graph. Set allow_unused=True"):
        curta.autograd.grad(z, [x, unused])


def test_backward_towards_inputs_only() -> None:
    x, y = leaf(1.0), leaf(2.0)
    (x * y).sum().backward(inputs=[x])
    assert (x.grad.tolist(), y.grad) == ([2.0], None)


def test_graph_is_freed_unless_retained() -> None:
    x = leaf(1.0)
    z = (x * x).sum()
    z.backward(retain_graph=True)
    z.backward()
    assert x.grad.tolist() == [4.0]
    with pytest.raises(AutogradError, match="Trying to backward through the graph a second time"):
        z.backward()


@pytest.mark.parametrize(
    ("action", "message"),
    [
        (lambda: leaf(1.0, 2.0).backward(), "grad can be implicitly created only for scalar outputs"),
        (lambda: curta.ones(1).sum().backward(), "element 0 of tensors does not require grad and does not have a"),
        (lambda: leaf(1.0).backward(curta.ones(2)), r"Mismatch in shape: grad_output\[0\] has a shape of"),
        (lambda: curta.autograd.grad(leaf(1.0).sum(), curta.ones(1)), "One of the differentiated Tensors does not"),
        (lambda: curta.autograd.grad(leaf(1.0).sum(), []), r"`inputs` argument to `grad\(\)` cannot be empty"),
        (lambda: leaf(1.0).sum().backward(inputs=[]), r"`inputs` argument to `backward\(\)` cannot be empty"),
        (lambda: curta.ones(1, dtype=curta.int64).requires_grad_(), "only Tensors of floating point dtype can require"),
        (lambda: setattr(leaf(1.0) * 2, "requires_grad", False), "you can only change requires_grad flags of leaf"),
        (lambda: curta.ones(1).register_hook(print), "cannot register a hook on a tensor that doesn't require"),
        (lambda: setattr(leaf(1.0), "grad", curta.ones(2)), "attempting to assign a gradient of size"),
    ],
)
def test_misuse(action, message) -> None:
    with pytest.raises(AutogradError, match=message):
        action()


def test_saved_tensor_changed_in_place() -> None:
    x = leaf(1.0, 2.0)
    y = x.exp()
    with curta.no_grad():
        y.add_(1)
    with pytest.raises(AutogradError, match=r"modified by an inplace operation.*exp.*at version 1; expected version 0"):
        y.sum().backward()


def test_hooks_run_in_order_and_replace_gradients() -> None:
    x, log = curta.tensor(1.0, requires_grad=True), []
    x.register_post_accumulate_grad_hook(lambda leaf: log.append(("after", leaf.grad.item())))
    x.register_hook(lambda gradient: log.append(("first", gradient.item())) or gradient * 2)
    handle = x.register_hook(lambda gradient: log.append(("second", gradient.item())))
    (x * 3).backward()
    assert log == [("first", 3.0), ("second", 6.0), ("after", 6.0)]
    handle.remove()
    (x * 3).backward()
    assert [name for name, _ in log[3:]] == ["first", "after"]


def test_retained_gradient_is_the_one_after_hooks() -> None:
    x = leaf(1.0, 1.0)
    y = x * 2
    y.retain_grad()
    y.register_hook(lambda gradient: gradient * 10)
    y.sum().backward()
    assert (y.grad.tolist(), x.grad.tolist()) == ([10.0, 10.0], [20.0, 20.0])


def test_hook_that_changes_the_size() -> None:
    x = leaf(1.0, 1.0)
    (y := x * 1).register_hook(lambda gradient: curta.ones(3))
    with pytest.raises(AutogradError, match="hook '<lambda>' has changed the size of value"):
        y.sum().backward()


def test_ten_thousand_nodes_deep() -> None:
    x = leaf(1.0)
    y = x
    for _ in range(10_000):
        y = y * 1.0
    (found,) = curta.autograd.grad(y.sum(), x, retain_graph=True)
    y.sum().backward()
    assert (found.tolist(), x.grad.tolist()) == ([1.0], [1.0])
    del y


def test_a_graph_goes_away_without_the_garbage_collector() -> None:
    import gc
    import weakref

    gc.disable()
    try:
        x = leaf(1.0)
        y = (x * 2).exp()
        gone = weakref.ref(y)
        y.retain_grad()
        y.sum().backward()
        del y
        assert gone() is None
        gone = weakref.ref(x)
        del x
        assert gone() is None
    finally:
        gc.enable()


def test_graph_made_by_two_threads() -> None:
    x = leaf(1.0)
    parts = []

    def chain() -> None:
        y = x
        for _ in range(200):
            y = y * 1.0
        parts.append(y)

    threads = [threading.Thread(target=chain) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    (parts[0] * parts[1] * parts[2] * parts[3]).sum().backward()
    assert x.grad.tolist() == [4.0]


def test_what_was_saved_is_refused_once_it_is_freed() -> None:
    x = leaf(1.0)
    y = x.exp() * x
    y.sum().backward()
    product, exponential = y.grad_fn, y.grad_fn.next_functions[0][0]
    with pytest.raises(AutogradError, match="Trying to backward through the graph a second time"):
        product.input(0)
    with pytest.raises(AutogradError, match="Trying to backward through the graph a second time"):
        exponential.output(0)
