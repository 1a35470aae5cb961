"""Functions of nn against values that torch 2.13 gave in float64, and gradients against finite differences."""

import numpy as np
import pytest

import curta
from curta.errors import ArgumentError, DTypeError, IndexRangeError, ShapeError, UnsupportedError
from curta.nn import functional as F

X = curta.tensor([[0.5, -1.0, 2.0], [1.5, 0.25, -0.75]], dtype=curta.float64)
T = curta.tensor([2, 0])
W = curta.tensor([0.5, 2.0, 1.0], dtype=curta.float64)
SOFT = curta.tensor([[0.2, 0.3, 0.5], [0.1, 0.8, 0.1]], dtype=curta.float64)
BINARY = curta.tensor([[0.0, 1.0, 0.5], [1.0, 0.0, 0.0]], dtype=curta.float64)
RNG = np.random.default_rng(0)


def _ramp(*shape):
    return curta.arange(float(np.prod(shape)), dtype=curta.float64).view(*shape)


RECORDED = {
    "ce": (lambda: F.cross_entropy(X, T), [0.285992]),
    "ce weight": (lambda: F.cross_entropy(X, T, W), [0.2710984]),
    "ce smooth": (lambda: F.cross_entropy(X, T, label_smoothing=0.2), [0.5526586]),
    "ce both": (lambda: F.cross_entropy(X, T, W, label_smoothing=0.2), [0.8169651]),
    "ce ignore": (lambda: F.cross_entropy(X, T, ignore_index=0), [0.2413113]),
    "ce none": (lambda: F.cross_entropy(X, T, reduction="none"), [0.2413113, 0.3306726]),
    "ce sum": (lambda: F.cross_entropy(X, T, reduction="sum"), [0.5719839]),
    "ce soft": (lambda: F.cross_entropy(X, SOFT, W, label_smoothing=0.1), [2.494495]),
    "nll": (lambda: F.nll_loss(X, T, W), [-1.833333]),
    "nll mean": (lambda: F.nll_loss(X, T), [-1.75]),
    "nll ignore": (lambda: F.nll_loss(X, T, ignore_index=0), [-2.0]),
    "nll none": (lambda: F.nll_loss(X, T, ignore_index=0, reduction="none"), [-2.0, 0.0]),
    "nll bytes": (lambda: F.nll_loss(X.t(), curta.tensor([1, 0, 1], dtype=curta.uint8)), [0.08333333]),
    "bce": (lambda: F.binary_cross_entropy_with_logits(X, BINARY), [0.8047484]),
    "mse": (lambda: F.mse_loss(X, X[[1, 0]]), [3.375]),
    "l1": (lambda: F.l1_loss(X, X[[1, 0]], reduction="sum"), [10.0]),
    "gelu": (lambda: F.gelu(X), [0.3457312, -0.1586553, 1.9545, 1.399789, 0.1496766, -0.1699705]),
    "gelu tanh": (lambda: F.gelu(X, approximate="tanh"),
                  [0.345714, -0.158808, 1.954598, 1.399572, 0.1496754, -0.1700394]),
    "silu": (lambda: F.silu(X), [0.3112297, -0.2689414, 1.761594, 1.226362, 0.1405441, -0.240616]),
    "leaky": (lambda: F.leaky_relu(X, 0.1), [0.5, -0.1, 2.0, 1.5, 0.25, -0.075]),
    "layer_norm": (lambda: F.layer_norm(X, (3,), W, W), [0.5, -0.4494816, 2.224741, 1.133746, 1.81893, -0.1769578]),
    "rms_norm": (lambda: F.rms_norm(X, (3,), W), [0.1889822, -1.511858, 1.511858, 0.7661309, 0.5107539, -0.7661309]),
    "plain_rms_norm": (lambda: F.rms_norm(X, (3,), eps=0.5),
                       [0.3333333, -0.6666667, 1.333333, 1.242118, 0.2070197, -0.621059]),
    "softmax": (lambda: F.softmax(X, 0), [0.2689414, 0.2227001, 0.9399133, 0.7310586, 0.7772999, 0.06008665]),
    "log_softmax": (lambda: F.log_softmax(X, -1),
                    [-1.741311, -3.241311, -0.2413113, -0.3306726, -1.580673, -2.580673]),
    "attention": (
        lambda: F.scaled_dot_product_attention(_ramp(2, 4, 3).sin(), _ramp(2, 4, 3).cos(), _ramp(2, 4, 3) / 10,
                                               is_causal=True),
        [0.0, 0.1, 0.2, 0.1479082, 0.2479082, 0.3479082, 0.3229414, 0.4229414, 0.5229414, 0.4258548, 0.5258548,
         0.6258548, 1.2, 1.3, 1.4, 1.345247, 1.445247, 1.545247, 1.521329, 1.621329, 1.721329, 1.619736, 1.719736,
         1.819736]),
    "conv2d": (
        lambda: F.conv2d(_ramp(1, 2, 4, 4).sin(), _ramp(4, 1, 3, 2).cos(), _ramp(4), stride=(2, 1), padding=1,
                         groups=2),
        [-0.2146762, -0.6103814, -0.702838, -0.1491086, -0.4881617, -1.540565, -1.624711, -0.7364598, 0.8288892,
         0.6480729, 0.9966506, 0.8640778, 0.852447, 0.9764757, 0.4282083, -0.4743641, -0.5169571, -0.0438378, 1.388981,
         1.23068, 1.967508, 1.586487, 1.640261, 2.024778, 2.830885, 3.441863, 3.429505, 3.007985, 1.659728, 1.803616,
         2.671246, 2.05039, 2.187102, 3.071189, 3.907349, 4.254297, 4.215692, 4.262084, 3.148122, 3.235528]),
    "max_pool2d": (lambda: F.max_pool2d(_ramp(1, 1, 4, 4).sin(), 2), [0.841471, 0.9092974, 0.9893582, 0.9906074]),
    "avg_pool2d": (lambda: F.avg_pool2d(_ramp(1, 1, 4, 4).sin(), 3, 2, 1),
                   [-0.09713953, 0.145615, -0.04785066, 0.03864625]),
}  # fmt: skip


@pytest.mark.parametrize("name", RECORDED)
def test_recorded_values(name):
    make, wanted = RECORDED[name]
    np.testing.assert_allclose(make().numpy().ravel(), wanted, rtol=2e-6, atol=1e-7)


def _normal(*shape):
    return RNG.standard_normal(shape)


DIFFERENTIATED = {
    "softmax": (lambda x: F.softmax(x, 0), [_normal(3, 4)]),
    "log_softmax": (lambda x: F.log_softmax(x, 1), [_normal(3, 4, 2)]),
    "layer_norm": (lambda x, w, b: F.layer_norm(x, (2, 3), w, b), [_normal(4, 2, 3), _normal(2, 3), _normal(2, 3)]),
    "plain_norm": (lambda x: F.layer_norm(x, (3,)), [_normal(4, 3)]),
    "rms_norm": (lambda x, w: F.rms_norm(x, (2, 3), w), [_normal(4, 2, 3), _normal(2, 3)]),
    "rms_norm of one row": (lambda x, w: F.rms_norm(x, (3,), w, 0.1), [_normal(3), _normal(3)]),
    "plain_rms_norm": (lambda x: F.rms_norm(x, (3,)), [_normal(4, 3)]),
    "gelu": (F.gelu, [_normal(7)]),
    "gelu tanh": (lambda x: F.gelu(x, approximate="tanh"), [_normal(7)]),
    "silu": (F.silu, [_normal(7)]),
    "leaky": (F.leaky_relu, [_normal(7)]),
    "linear": (F.linear, [_normal(2, 3, 4), _normal(5, 4), _normal(5)]),
    "linear row": (F.linear, [_normal(4), _normal(5, 4), _normal(5)]),
    "ce": (lambda x: F.cross_entropy(x, curta.tensor([1, -100, 3])), [_normal(3, 4)]),
    "ce places": (lambda x: F.cross_entropy(x, curta.tensor([[1, 3], [-100, 0]]), label_smoothing=0.1),
                  [_normal(2, 4, 2)]),
    "ce weight": (lambda x: F.cross_entropy(x, curta.tensor([2, 0]), W, label_smoothing=0.1), [_normal(2, 3)]),
    "ce soft": (F.cross_entropy, [_normal(2, 3), np.abs(_normal(2, 3))]),
    "nll": (lambda x: F.nll_loss(x, curta.tensor([1, 2])), [_normal(2, 3)]),
    "nll ignore": (lambda x: F.nll_loss(x, curta.tensor([1, -100, 3])), [_normal(3, 4)]),
    "nll weight": (lambda x: F.nll_loss(x, curta.tensor([[1, 2], [-100, 0]]), W), [_normal(2, 3, 2)]),
    "bce": (F.binary_cross_entropy_with_logits, [_normal(2, 3), np.abs(_normal(2, 3))]),
    "mse": (F.mse_loss, [_normal(2, 3), _normal(2, 3)]),
    "l1": (F.l1_loss, [_normal(2, 3), _normal(2, 3)]),
    "embedding": (lambda w: F.embedding(curta.tensor([[1, 4, 1], [0, 2, 3]]), w), [_normal(5, 3)]),
    "attention": (lambda q, k, v: F.scaled_dot_product_attention(q, k, v, is_causal=True),
                  [_normal(2, 4, 3), _normal(2, 4, 3), _normal(2, 4, 3)]),
    "grouped attention": (lambda q, k, v: F.scaled_dot_product_attention(q, k, v, enable_gqa=True),
                          [_normal(4, 3, 2), _normal(2, 3, 2), _normal(2, 3, 2)]),
    "biased attention": (F.scaled_dot_product_attention,
                         [_normal(2, 3, 2), _normal(2, 3, 2), _normal(2, 3, 2), _normal(3, 3)]),
    "conv2d": (lambda x, w, b: F.conv2d(x, w, b, stride=2, padding=1, groups=2),
               [_normal(2, 4, 4, 4), _normal(4, 2, 3, 3), _normal(4)]),
    "conv2d same": (lambda x, w: F.conv2d(x, w, padding="same", dilation=2),
                    [_normal(1, 2, 5, 5), _normal(3, 2, 3, 3)]),
    "max_pool2d": (lambda x: F.max_pool2d(x, 2, 1), [_normal(1, 2, 3, 3)]),
    "avg_pool2d": (lambda x: F.avg_pool2d(x, 2, 1, 1), [_normal(1, 2, 3, 3)]),
}  # fmt: skip


@pytest.mark.parametrize("name", DIFFERENTIATED)
def test_gradients_by_central_differences(name):
    function, values = DIFFERENTIATED[name]
    inputs = [curta.from_numpy(value.copy()).requires_grad_() for value in values]
    result = function(*inputs)
    weight = RNG.standard_normal(tuple(result.shape))
    result.backward(curta.from_numpy(np.asarray(weight)))
    for place, value in enumerate(values):
        slope = np.zeros_like(value)
        for where in np.ndindex(*value.shape):
            ends = []
            for step in (1e-6, -1e-6):
                moved = [each.copy() for each in values]
                moved[place][where] += step
                ends.append((function(*map(curta.from_numpy, moved)).numpy() * weight).sum())
            slope[where] = (ends[0] - ends[1]) / 2e-6
        np.testing.assert_allclose(inputs[place].grad.numpy(), slope, atol=2e-8)


@pytest.mark.parametrize(
    "name", ["softmax", "layer_norm", "rms_norm", "plain_rms_norm", "gelu", "ce", "attention", "linear", "mse"]
)
def test_a_gradient_can_be_differentiated_again(name):
    function, values = DIFFERENTIATED[name]
    weight = RNG.standard_normal(tuple(function(*map(curta.from_numpy, values)).shape))
    directions = [RNG.standard_normal(value.shape) for value in values]

    def slope_along(moved, create_graph=False):
        inputs = [curta.from_numpy(value.copy()).requires_grad_() for value in moved]
        result = (function(*inputs) * curta.from_numpy(np.asarray(weight))).sum()
        gradients = curta.autograd.grad(result, inputs, create_graph=create_graph)
        pairs = zip(gradients, directions, strict=True)
        return inputs, sum((g * curta.from_numpy(d)).sum() for g, d in pairs)

    inputs, along = slope_along(values, create_graph=True)
    second = curta.autograd.grad(along, inputs, materialize_grads=True)
    for place, (value, found) in enumerate(zip(values, second, strict=True)):
        where = (0,) * value.ndim
        ends = []
        for step in (1e-6, -1e-6):
            moved = [each.copy() for each in values]
            moved[place][where] += step
            ends.append(slope_along(moved)[1].item())
        assert abs(found.numpy()[where] - (ends[0] - ends[1]) / 2e-6) < 1e-7


# each text begins as torch 2.13's
@pytest.mark.parametrize(
    ("make", "error", "text"),
    [
        (lambda o: F.linear(o(2, 3), o(4, 5), o(4)), ShapeError,
         "mat1 and mat2 shapes cannot be multiplied (2x3 and 5x4)"),
        (lambda o: F.cross_entropy(o(2, 3), curta.tensor([0, 3])), IndexRangeError, "Target 3 is out of bounds."),
        (lambda o: F.cross_entropy(o(2, 3), curta.tensor([0, 1, 2])), ArgumentError,
         "Expected input batch_size (2) to match target batch_size (3)."),
        (lambda o: F.embedding(curta.tensor([3]), o(3, 2)), IndexRangeError, "index out of range in self"),
        (lambda o: F.embedding(curta.tensor([-1]), o(3, 2)), IndexRangeError, "index out of range in self"),
        (lambda o: F.embedding(o(2), o(3, 2)), DTypeError,
         "Expected tensor for argument #1 'indices' to have one of the following scalar types: Long, Int; but got"),
        (lambda o: F.layer_norm(o(2, 3), (4,)), ShapeError,
         "Given normalized_shape=[4], expected input with shape [*, 4], but got input of size[2, 3]"),
        (lambda o: F.conv2d(o(1, 3, 4, 4), o(2, 2, 3, 3)), ShapeError,
         "Given groups=1, weight of size [2, 2, 3, 3], expected input[1, 3, 4, 4] to have 2 channels, but got"),
        (lambda o: F.dropout(o(2), 1.5), ArgumentError, "dropout probability has to be between 0 and 1, but got 1.5"),
        (lambda o: F.gelu(o(2), approximate="x"), ShapeError, "approximate argument must be either none or tanh."),
        (lambda o: F.cross_entropy(o(2, 3), T, reduction="x"), ArgumentError, "x is not a valid value for reduction"),
        (lambda o: F.embedding(T, o(3, 2, requires_grad=True), sparse=True), UnsupportedError,
         "embedding(): the argument 'sparse' is not supported where the weight wants a gradient"),
    ],
)  # fmt: skip
def test_errors(make, error, text):
    with pytest.raises(error) as caught:
        make(curta.ones)
    assert str(caught.value).startswith(text)


def test_attention_masks():
    q = curta.from_numpy(_normal(2, 3, 4))
    lower = curta.tensor([[True, False, False], [True, True, False], [True, True, True]])
    causal = F.scaled_dot_product_attention(q, q, q, is_causal=True).numpy()
    np.testing.assert_allclose(F.scaled_dot_product_attention(q, q, q, lower).numpy(), causal, rtol=1e-14)
    nothing = F.scaled_dot_product_attention(q, q, q, curta.zeros(3, 3, dtype=curta.bool))
    assert nothing.abs().max().item() == 0.0  # a row that sees nothing gives zeros, as torch's does


def test_dropout_is_one_stream_and_remembers_its_mask():
    x = curta.ones(10_000, requires_grad=True)
    curta.manual_seed(3)
    y = F.dropout(x, 0.25)
    kept = y.detach().numpy() != 0
    assert abs(kept.mean() - 0.75) < 0.02  # more than 4 deviations
    np.testing.assert_allclose(y.detach().numpy()[kept], 1 / 0.75, rtol=1e-6)
    y.sum().backward()
    assert (x.grad.numpy() == y.detach().numpy()).all()
    assert (F.dropout(x, 0.25).detach().numpy() != y.detach().numpy()).any()
    curta.manual_seed(3)
    assert (F.dropout(x, 0.25).detach().numpy() == y.detach().numpy()).all()
    assert F.dropout(x, 0.25, training=False) is x


def test_softmax_of_large_and_infinite_scores():
    made = F.softmax(curta.tensor([1e4, 1e4, -float("inf")]), 0)
    assert made.tolist() == [0.5, 0.5, 0.0]
    assert F.cross_entropy(curta.tensor([[1e4, -1e4]]), curta.tensor([0])).item() == 0.0


@pytest.mark.parametrize("dtype", [curta.bfloat16, curta.float16])
def test_half_formats_compute_in_float32(dtype):
    x = curta.from_numpy(_normal(5, 300)).to(dtype)
    exact = x.to(curta.float64)
    step = 2.0**-8 if dtype is curta.bfloat16 else 2.0**-11
    for function in (lambda v: F.softmax(v, 1), lambda v: F.layer_norm(v, (300,)), F.gelu, F.silu):
        made, wanted = function(x), function(exact).numpy()
        assert made.dtype is dtype
        error = np.abs(made.to(curta.float64).numpy() - wanted)
        assert (error <= np.abs(wanted) * step * 1.01 + 1e-6).all()
