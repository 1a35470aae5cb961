"""Matrix products against NumPy in float64, their errors as PyTorch words them, their gradients and costs."""

import math

import numpy as np
import pytest

import curta
from curta.errors import DTypeError, ShapeError
from curta.nn import functional as F
from curta.ops.matmul import LINEAR, MATMUL, PROJECTION

RNG = np.random.default_rng(0)
SHAPES = [
    ((3,), (3,)), ((2, 3), (3,)), ((3,), (3, 4)), ((2, 3), (3, 4)), ((5, 2, 3), (3, 4)), ((5, 2, 3), (5, 3, 4)),
    ((2, 1, 2, 3), (5, 3, 4)), ((5, 2, 3), (3,)), ((3,), (5, 3, 4)), ((2, 0), (0, 4)), ((0, 3), (3, 4)),
    ((70, 130), (130, 65)),
]  # fmt: skip


@pytest.mark.parametrize(("left", "right"), SHAPES)
@pytest.mark.parametrize(("dtype", "tolerance"), [(np.float32, 2e-6), (np.float64, 1e-14)])
def test_every_rank(left, right, dtype, tolerance):
    a, b = RNG.standard_normal(left).astype(dtype), RNG.standard_normal(right).astype(dtype)
    wanted = np.matmul(a.astype(np.float64), b.astype(np.float64))
    bound = tolerance * (np.matmul(np.abs(a), np.abs(b)).max(initial=0) + 1)
    made = curta.from_numpy(a) @ curta.from_numpy(b)
    assert made.numpy().shape == wanted.shape
    assert np.abs(made.numpy() - wanted).max(initial=0) <= bound


def test_transposed_and_strided_operands():
    a, b = RNG.standard_normal((6, 8)), RNG.standard_normal((10, 8))
    wanted = a[::2, 1:].T @ b[:3, ::2][:, :4]
    made = curta.from_numpy(a)[::2, 1:].T @ curta.from_numpy(b)[:3, ::2][:, :4]
    np.testing.assert_allclose(made.numpy(), wanted, rtol=1e-13)


@pytest.mark.parametrize("dtype", [curta.bfloat16, curta.float16])
def test_half_formats_sum_in_float32(dtype):
    a, b = (curta.from_numpy(RNG.standard_normal(s)).to(dtype) for s in ((40, 300), (300, 50)))
    wanted = a.to(curta.float64).numpy() @ b.to(curta.float64).numpy()
    made = (a @ b).to(curta.float64).numpy()
    step = 2.0**-8 if dtype is curta.bfloat16 else 2.0**-11  # half the distance between neighbours at 1
    assert (np.abs(made - wanted) <= np.abs(wanted) * step + 1e-3).all()


def test_integers():
    a, b = RNG.integers(-9, 9, (4, 5)), RNG.integers(-9, 9, (5, 6))
    assert (curta.from_numpy(a) @ curta.from_numpy(b)).tolist() == (a @ b).tolist()


# each text below begins as torch 2.13 says it
@pytest.mark.parametrize(
    ("make", "error", "text"),
    [
        (lambda o: o(2, 3) @ o(4, 5), ShapeError, "mat1 and mat2 shapes cannot be multiplied (2x3 and 4x5)"),
        (lambda o: o(2, 3) @ o(3, 5).to(curta.float64), DTypeError,
         "expected m1 and m2 to have the same dtype, but got: float != double"),
        (lambda o: o(3) @ o(4), ShapeError,
         "inconsistent tensor size, expected tensor [3] and src [4] to have the same number of elements, but got 3 and "
         "4 elements respectively"),
        (lambda o: o(2, 3) @ o(4), ShapeError, "size mismatch, got input (2), mat (2x3), vec (4)"),
        (lambda o: o(3) @ o(4, 2), ShapeError, "mat1 and mat2 shapes cannot be multiplied (1x3 and 4x2)"),
        (lambda o: curta.tensor(1.0) @ o(2), ShapeError,
         "both arguments to matmul need to be at least 1D, but they are 0D and 1D"),
        (lambda o: curta.mm(o(2), o(2, 2)), ShapeError, "self must be a matrix"),
        (lambda o: curta.bmm(o(2, 3, 4), o(2, 3, 4)), ShapeError,
         "Expected size for first two dimensions of batch2 tensor to be: [2, 4] but got: [2, 3]."),
        (lambda o: curta.mv(o(2, 3), o(4)), ShapeError, "size mismatch, got input (2), mat (2x3), vec (4)"),
        (lambda o: o(5, 2, 3) @ o(4, 3, 2), ShapeError,
         "The size of tensor a (5) must match the size of tensor b (4) at non-singleton dimension 0"),
    ],
)  # fmt: skip
def test_errors(make, error, text):
    with pytest.raises(error) as caught:
        make(curta.ones)
    assert str(caught.value).startswith(text)


def test_addmm_outer_and_methods():
    c, a, b = (RNG.standard_normal(s) for s in ((4,), (3, 2), (2, 4)))
    made = curta.addmm(curta.from_numpy(c), curta.from_numpy(a), curta.from_numpy(b), beta=0.5, alpha=2)
    np.testing.assert_allclose(made.numpy(), 0.5 * c + 2 * (a @ b), rtol=1e-14)
    np.testing.assert_allclose(curta.outer(curta.from_numpy(c), curta.from_numpy(c)).numpy(), np.outer(c, c))


def test_cost_is_two_flops_a_product():
    a, b = curta.empty(3, 7, 5, device="meta"), curta.empty(5, 11, device="meta")
    made = a @ b
    assert made.device.type == "meta"
    assert MATMUL.cost((a.layout, b.layout), (made.layout,)).flops == 2 * 3 * 7 * 5 * 11
    weight, bias = curta.empty(11, 5, device="meta"), curta.empty(11, device="meta")
    operands = (a.layout, weight.layout, bias.layout)
    assert LINEAR.cost(operands, (made.layout,)).flops == 2 * 3 * 7 * 5 * 11 + 3 * 7 * 11
    assert PROJECTION.cost(operands[:2], (made.layout,)).flops == 2 * 3 * 7 * 5 * 11


@pytest.mark.parametrize("turned", [False, True])
def test_a_projections_gradients_lie_as_the_weight_does(turned):
    x, w = RNG.standard_normal((3, 7, 5)), RNG.standard_normal((11, 5))
    g = RNG.standard_normal((3, 7, 11))
    inputs = curta.from_numpy(x.copy()).requires_grad_()
    weight = curta.from_numpy(np.asfortranarray(w) if turned else w.copy()).requires_grad_()
    made = curta.nn.functional.linear(inputs, weight)
    np.testing.assert_allclose(made.detach().numpy(), x @ w.T, rtol=1e-13)
    to_x, to_weight = curta.autograd.grad(made, (inputs, weight), curta.from_numpy(g))
    np.testing.assert_allclose(to_x.numpy(), g @ w, rtol=1e-13)
    np.testing.assert_allclose(to_weight.numpy(), g.reshape(-1, 11).T @ x.reshape(-1, 5), rtol=1e-13)
    assert to_weight.is_contiguous()


@pytest.mark.parametrize(("left", "right"), SHAPES[:9])
def test_gradients_are_the_transposed_products(left, right):
    a, b = RNG.standard_normal(left), RNG.standard_normal(right)
    g = RNG.standard_normal(np.matmul(a, b).shape)
    x, y = curta.from_numpy(a.copy()).requires_grad_(), curta.from_numpy(b.copy()).requires_grad_()
    (x @ y).backward(curta.from_numpy(np.asarray(g)))
    for value, other, tensor, first in ((a, b, x, True), (b, a, y, False)):
        for place in np.ndindex(*value.shape):  # the product is linear in each operand: its slope is exact
            unit = np.zeros_like(value)
            unit[place] = 1.0
            slope = np.matmul(unit, other) if first else np.matmul(other, unit)
            assert abs((slope * g).sum() - tensor.grad.numpy()[place]) < 1e-12


def test_one_large_sum_for_a_shared_weight():
    """[B, T, K] @ [K, N] runs as one product of B*T rows."""
    from curta.compiler.matmul import plan_matmul
    from curta.dtypes import float32

    plan = plan_matmul(
        float32, (4,), 8, 16, 32, (256, 32, 1), (0, 16, 1), (128, 16, 1), level="portable", vector_bytes=16
    )
    assert plan.meta[0] == 32


@pytest.mark.parametrize(
    ("rows", "features", "outputs"), [((2, 3), 0, 4), ((2, 3), 4, 0), ((0, 3), 2, 4), ((2,), 0, 0)]
)
@pytest.mark.parametrize("with_bias", [False, True])
def test_gradients_of_a_linear_layer_without_elements(rows, features, outputs, with_bias):
    x, weight = curta.ones(*rows, features, requires_grad=True), curta.ones(outputs, features, requires_grad=True)
    bias = curta.ones(outputs, requires_grad=True) if with_bias else None
    F.linear(x, weight, bias).sum().backward()
    assert x.grad.tolist() == (outputs * curta.ones(*rows, features)).tolist()
    count = math.prod(rows)
    assert weight.grad.tolist() == (count * curta.ones(outputs, features)).tolist()
    if bias is not None:
        assert bias.grad.tolist() == [float(count)] * outputs
