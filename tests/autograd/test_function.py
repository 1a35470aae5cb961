"""`autograd.Function` and `gradcheck`; messages recorded from PyTorch 2.13."""

import pytest

import curta
import curta.nn.functional as F
from curta.autograd import Function, gradcheck, gradgradcheck
from curta.autograd.gradcheck import GradcheckError
from curta.errors import AutogradError, UnsupportedError


class Double(Function):
    @staticmethod
    def forward(ctx, x):
        return x * 2

    @staticmethod
    def backward(ctx, gradient):
        return gradient * 2


class Square(Function):
    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return x * x

    @staticmethod
    def backward(ctx, gradient):
        (x,) = ctx.saved_tensors
        return gradient * 2 * x


class Exponential(Function):
    @staticmethod
    def forward(x):
        return x.exp()

    @staticmethod
    def setup_context(ctx, inputs, output):
        ctx.save_for_backward(output)

    @staticmethod
    def backward(ctx, gradient):
        return gradient * ctx.saved_tensors[0]


def double_leaf(*values: float) -> curta.Tensor:
    return curta.tensor(list(values), dtype=curta.float64, requires_grad=True)


@pytest.mark.parametrize("function", [Double, Square, Exponential])
def test_first_and_second_derivatives(function) -> None:
    x = double_leaf(0.5, -1.5)
    assert gradcheck(function.apply, (x,))
    assert gradgradcheck(function.apply, (x,))


def test_saved_tensors_are_freed_and_watched() -> None:
    x = double_leaf(3.0)
    y = Square.apply(x)
    y.sum().backward()
    assert x.grad.tolist() == [6.0]
    with pytest.raises(AutogradError, match="backward through the graph a second time"):
        y.sum().backward()
    x = double_leaf(3.0)
    y = Square.apply(x)
    with curta.no_grad():
        x.add_(1)
    with pytest.raises(AutogradError, match="modified by an inplace operation"):
        y.sum().backward()


def test_non_differentiable_output_and_unused_gradients() -> None:
    received = []

    class Two(Function):
        @staticmethod
        def forward(ctx, x, flag):
            assert ctx.needs_input_grad == (True, False)
            index = x * 0
            ctx.mark_non_differentiable(index)
            ctx.set_materialize_grads(flag)
            return x * 1, index, x * 3

        @staticmethod
        def backward(ctx, first, second, third):
            received.append((first is None, second is None, third is None))
            return third * 3, None

    for flag in (True, False):
        x = double_leaf(1.0)
        _, index, third = Two.apply(x, flag)
        assert not index.requires_grad
        third.sum().backward()
        assert x.grad.tolist() == [3.0]
    assert received == [(False, False, False), (True, True, False)]


def test_an_input_handed_through_keeps_its_own_history() -> None:
    class Same(Function):
        @staticmethod
        def forward(ctx, x):
            return x

        @staticmethod
        def backward(ctx, gradient):
            return gradient * 7

    x = double_leaf(1.0)
    y = Same.apply(x)
    assert y is not x
    assert x.is_leaf
    y.sum().backward()
    assert x.grad.tolist() == [7.0]


def test_wrong_results_of_backward() -> None:
    def applied(result):
        made = type("Wrong", (Double,), {"backward": staticmethod(lambda ctx, gradient: result(gradient))})
        made.apply(double_leaf(1.0, 2.0)).sum().backward()

    with pytest.raises(AutogradError, match=r"function WrongBackward returned an incorrect number of gradients \(exp"):
        applied(lambda gradient: (gradient, gradient))
    with pytest.raises(AutogradError, match=r"WrongBackward returned an invalid gradient at index 0 - got \[5\] but"):
        applied(lambda gradient: curta.ones(5))
    with pytest.raises(AutogradError, match=r"expected Variable or None \(got int\)"):
        applied(lambda gradient: 3)


def test_what_is_not_supported_says_so() -> None:
    class Dirty(Double):
        @staticmethod
        def forward(ctx, x):
            ctx.mark_dirty(x)
            return x

    with pytest.raises(UnsupportedError, match="mark_dirty"):
        Dirty.apply(double_leaf(1.0))
    with pytest.raises(UnsupportedError, match="You must implement the forward function"):
        Function.apply(double_leaf(1.0))


def test_gradcheck_finds_a_wrong_gradient() -> None:
    class Wrong(Double):
        @staticmethod
        def backward(ctx, gradient):
            return gradient * 3

    with pytest.raises(GradcheckError, match="Jacobian mismatch for output 0 with respect to input 0"):
        gradcheck(Wrong.apply, (double_leaf(1.0, 2.0),))
    assert not gradcheck(Wrong.apply, (double_leaf(1.0),), raise_exception=False)
    with pytest.raises(ValueError, match="expects at least one input tensor to require gradient"):
        gradcheck(Wrong.apply, (curta.ones(1),))


@pytest.mark.parametrize(
    "function",
    [
        lambda x, y: x * y + x / y - x,
        lambda x, y: (x * y).exp().sum(0),
        lambda x, y: x.tanh() @ y.t(),
        lambda x, y: (x - x.mean(1, keepdim=True)) * y.sigmoid(),
        lambda x, y: (x * x + 1.0).log().amax(1) + y.sum(),
        lambda x, y: (x * 1).mul_(x).add_(y).exp_(),
        lambda x, y: F.layer_norm(F.gelu(x), (3,), y[0], y[1]),
        lambda x, y: x.var(1) + y.std(1) + x.prod(1) + y.logsumexp(1),
        lambda x, y: F.softmax(F.silu(x), 1) * F.log_softmax(y, 0),
        lambda x, y: F.scaled_dot_product_attention(*[x.view(1, 1, 2, 3)] * 2, y.view(1, 1, 2, 3), is_causal=True),
    ],
)
def test_operators_against_finite_differences(function) -> None:
    x = curta.tensor([[0.3, -1.2, 0.8], [1.5, 0.1, -0.4]], dtype=curta.float64, requires_grad=True)
    y = curta.tensor([[1.1, 0.7, -0.9], [0.6, -1.3, 2.0]], dtype=curta.float64, requires_grad=True)
    assert gradcheck(function, (x, y))
    assert gradgradcheck(function, (x, y))
