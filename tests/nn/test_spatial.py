"""Functions over sequences, images and volumes against NumPy: values, gradients, meta tensors, plans, compiled."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import scipy.ndimage

sys.path.insert(0, str(Path(__file__).parent))
from spatial_cases import CASES, SpatialCase

import curta
from curta.nn import functional as F

EVERY = pytest.mark.parametrize("case", [pytest.param(case, id=case.name) for case in CASES])


def tensors(case: SpatialCase, **options: Any) -> list[Any]:
    return [curta.tensor(one.tolist(), dtype=curta.float64, **options) for one in case.arrays()]


@EVERY
def test_values_gradients_and_meta_tensors(case: SpatialCase) -> None:
    given = tensors(case, requires_grad=True)
    with curta.account() as account:
        made = case.call(F, *given)
    meta = [curta.empty(one.shape, dtype=one.dtype, device="meta", requires_grad=True) for one in given]
    with curta.account() as expected:
        shape = case.call(F, *meta)
    assert (shape.shape, shape.stride(), shape.dtype) == (made.shape, made.stride(), made.dtype)
    assert account.by_op() == expected.by_op()
    arrays = case.arrays()
    wanted = case.oracle(*arrays)
    assert made.is_contiguous()
    assert all(made.storage is not one.storage for one in given)
    np.testing.assert_allclose(made.detach().numpy(), wanted, rtol=1e-11, atol=1e-12)
    seed = np.random.default_rng(4).uniform(0.5, 1.5, made.shape)
    found = curta.autograd.grad(made, given, curta.from_numpy(seed))
    if case.ties:  # a step could change which of equal elements is the first
        return
    # the oracles' differences along one direction
    step = 1e-6
    ways = [np.random.default_rng(place).uniform(-1, 1, one.shape) for place, one in enumerate(arrays)]
    ahead, behind = (
        case.oracle(*(one + sign * step * way for one, way in zip(arrays, ways, strict=True))) for sign in (1, -1)
    )
    slope = ((ahead - behind) * seed).sum() / (2 * step)
    along = sum((one.numpy() * way).sum() for one, way in zip(found, ways, strict=True))
    assert abs(along - slope) <= 1e-6 * max(1.0, abs(slope))


TWICE = ("conv3d", "conv_transpose3d", "max_pool3d", "pad reflect 2d", "group_norm", "bicubic")


@pytest.mark.parametrize("case", [pytest.param(case, id=case.name) for case in CASES if case.name in TWICE])
def test_compiled_and_differentiated_twice(case: SpatialCase) -> None:
    def run(*x: Any) -> Any:
        x = tuple(one.detach().requires_grad_() for one in x)
        made = case.call(F, *x)
        made.backward(made.detach())
        return made, *(one.grad for one in x)

    given = [one.float() for one in tensors(case)]
    for mine, other in zip(curta.compile(run)(*given), run(*given), strict=True):
        assert (mine.detach().numpy() == other.detach().numpy()).all()
    # the slope of the squared gradients against differences of first gradients
    first = tensors(case, requires_grad=True)
    way = curta.from_numpy(np.random.default_rng(8).uniform(-1, 1, first[0].shape))
    (gradient,) = curta.autograd.grad(case.call(F, *first).sin().sum(), first[:1], create_graph=True)
    (found,) = curta.autograd.grad((gradient * way).sum(), first[:1])
    step = 1e-6

    def slope(sign: int) -> Any:
        x = [one.detach() for one in first]
        x[0] = (x[0] + sign * step * way).requires_grad_()
        return curta.autograd.grad(case.call(F, *x).sin().sum(), x[:1])[0]

    if not case.ties:
        wanted = (slope(1) - slope(-1)) / (2 * step)
        np.testing.assert_allclose(found.numpy(), wanted.numpy(), rtol=1e-5, atol=1e-6)


def test_half_formats_round_once() -> None:
    for name in ("conv3d", "conv_transpose3d", "avg_pool3d", "group_norm", "bicubic", "pad replicate 2d"):
        case = next(one for one in CASES if one.name == name)
        given = [one.bfloat16() for one in tensors(case)]
        made, exact = case.call(F, *given), case.call(F, *(one.double() for one in given)).numpy()
        assert made.dtype is curta.bfloat16
        # a transposed convolution of volumes rounds its planes before they are added up
        allowed = 2.0**-6 if name == "conv_transpose3d" else 2.0**-7
        assert (np.abs(made.double().numpy() - exact) <= allowed * np.abs(exact).max()).all(), name


# what has no batch, no elements, whole numbers


def test_without_a_batch() -> None:
    image, kernel = curta.randn(2, 4, 5, 5), curta.randn(3, 2, 2, 2, 2)
    assert (F.conv3d(image, kernel) == F.conv3d(image.unsqueeze(0), kernel)[0]).all()
    back = kernel.transpose(0, 1)
    assert (F.conv_transpose3d(image, back) == F.conv_transpose3d(image.unsqueeze(0), back)[0]).all()
    for function in (F.max_pool3d, F.avg_pool3d, F.adaptive_max_pool3d, F.adaptive_avg_pool3d):
        assert (function(image, 2) == function(image.unsqueeze(0), 2)[0]).all()
    columns = F.unfold(image[0], 2) if image.dim() == 3 else F.unfold(image[:, 0], 2)
    assert (columns == F.unfold(image[None, :, 0], 2)[0]).all()
    assert (F.fold(columns, 5, 2) == F.fold(columns.unsqueeze(0), 5, 2)[0]).all()


def test_empty_batches() -> None:
    nothing = curta.zeros(0, 2, 4, 4, requires_grad=True)
    weight = curta.ones(2, 2, 2, 2)
    made = [
        F.conv_transpose2d(nothing, weight), F.adaptive_max_pool2d(nothing, 2), F.pad(nothing, (1, 1, 0, 0), "reflect"),
        F.group_norm(nothing, 2), F.instance_norm(nothing), F.unfold(nothing, 2), F.interpolate(nothing, 2),
        F.pixel_shuffle(curta.zeros(0, 4, 2, 2), 2), F.local_response_norm(nothing, 2),
        F.grid_sample(nothing, curta.zeros(0, 3, 5, 2)), F.interpolate(nothing, 3, mode="bicubic"),
    ]  # fmt: skip
    assert [one.shape[1:].numel() for one in made] == [50, 8, 48, 32, 32, 72, 8, 16, 32, 30, 18]
    image = curta.ones(1, 2, 4, 4, requires_grad=True)
    values, places = F.adaptive_max_pool2d(image, (0, 3), return_indices=True)
    assert (values.shape, places.shape, places.dtype) == ((1, 2, 0, 3), (1, 2, 0, 3), curta.int64)
    values.sum().backward()
    assert image.grad.abs().sum().item() == 0.0


def test_whole_numbers() -> None:
    x = curta.arange(8).reshape(1, 2, 4)
    assert F.conv1d(x, curta.ones(1, 2, 2, dtype=curta.int64)).tolist() == [[[10, 14, 18]]]
    assert F.conv3d(x.reshape(1, 2, 2, 1, 2), curta.ones(1, 2, 2, 1, 2, dtype=curta.int64)).flatten().tolist() == [28]
    assert F.pad(x, (1, 0), value=7.9)[0, 0].tolist() == [7, 0, 1, 2, 3]
    assert F.pad(x > 3, (1, 1), "circular")[0].tolist() == [[False] * 6, [True] * 6]
    assert F.interpolate(x.to(curta.uint8), 2).tolist() == [[[0, 2], [4, 6]]]


# pooling: which elements


def test_places_of_the_largest_elements() -> None:
    x = np.round(np.random.default_rng(5).uniform(-2, 2, (2, 2, 4, 5, 6)))
    for made, places, windows in (
        (*F.max_pool3d(curta.from_numpy(x), 2, return_indices=True), lambda i: (slice(2 * i[0], 2 * i[0] + 2),
         slice(2 * i[1], 2 * i[1] + 2), slice(2 * i[2], 2 * i[2] + 2))),
        (*F.adaptive_max_pool3d(curta.from_numpy(x), (1, 2, 3), return_indices=True), lambda i: (slice(0, 4),
         slice(2 * i[1], 2 * i[1] + 3), slice(2 * i[2], 2 * i[2] + 2))),
    ):  # fmt: skip
        numbers = np.arange(120).reshape(4, 5, 6)
        for n, c, *where in np.ndindex(made.shape):
            window, own = x[n, c][windows(where)], numbers[windows(where)]
            assert places[n, c, *where].item() == own.flatten()[window.argmax()]  # the first of equal ones
    values, places = F.max_pool1d(curta.tensor([[1.0, 3.0, 3.0, float("nan"), 0.0, 9.0]]), 2, return_indices=True)
    assert (values.nan_to_num(-1).tolist(), places.tolist()) == ([[3.0, -1.0, 9.0]], [[1, 3, 5]])


def test_unpooling_to_a_size() -> None:
    values, places = curta.tensor([[[[5.0]]]]), curta.tensor([[[[4]]]])
    assert F.max_unpool2d(values, places, 2, output_size=(1, 1, 3, 3)).flatten().tolist() == [0, 0, 0, 0, 5, 0, 0, 0, 0]
    volume = curta.randn(1, 2, 4, 4, 4)
    made = F.max_unpool3d(*F.max_pool3d(volume, 2, return_indices=True), 2)
    assert ((made == 0) | (made == volume)).all()
    assert (made != 0).sum() == 16
    assert F.max_unpool1d(*F.max_pool1d(volume[0, 0, 0], 2, return_indices=True), 2).shape == (4, 4)


def test_fractional_pooling() -> None:
    """Starts as in PyTorch 2.13 for these samples: steps of (5 - 2) / 2, and of (7 - 3) / 3."""
    x = curta.arange(35.0).reshape(1, 1, 5, 7).requires_grad_()
    samples = curta.tensor([[[0.7, 0.2]]])
    values, places = F.fractional_max_pool2d(x, (2, 3), (3, 4), return_indices=True, _random_samples=samples)
    rows = [int((i + 0.2) * 1.5) - int(0.2 * 1.5) + 1 for i in range(2)] + [4]
    columns = [int((j + 0.7) * 4 / 3) - int(0.7 * 4 / 3) + 2 for j in range(3)] + [6]
    assert values[0, 0].tolist() == [[7.0 * row + column for column in columns] for row in rows]
    assert (places == values).all()
    values.sum().backward()
    assert x.grad.sum().item() == 12.0
    curta.manual_seed(0)
    drawn = F.fractional_max_pool3d(curta.randn(2, 3, 6, 7, 8), 2, output_ratio=(0.5, 0.5, 0.6))
    assert drawn.shape == (2, 3, 3, 3, 4)
    single, where = F.fractional_max_pool2d(curta.arange(9.0).reshape(1, 3, 3), 2, 1, return_indices=True)
    assert (single.tolist(), where.tolist()) == ([[[8.0]]], [[[8]]])


# running statistics


def test_instance_norm_keeps_running_statistics() -> None:
    x = np.random.default_rng(2).uniform(-1, 3, (3, 2, 5))
    mean, var = curta.zeros(2, dtype=curta.float64), curta.ones(2, dtype=curta.float64)
    F.instance_norm(curta.from_numpy(x), mean, var, momentum=0.25)
    np.testing.assert_allclose(mean.numpy(), 0.25 * x.mean(2).mean(0), rtol=1e-12)
    np.testing.assert_allclose(var.numpy(), 0.75 + 0.25 * x.var(2, ddof=1).mean(0), rtol=1e-12)
    made = F.instance_norm(curta.from_numpy(x), mean, var, use_input_stats=False, eps=0.0)
    wanted = (x - mean.numpy()[:, None]) / np.sqrt(var.numpy())[:, None]
    np.testing.assert_allclose(made.numpy(), wanted, rtol=1e-12)


# grids


ORDERS = {"bilinear": 1, "nearest": 0}
OUTSIDE = {
    ("zeros", False): "grid-constant", ("zeros", True): "grid-constant", ("border", False): "nearest",
    ("border", True): "nearest", ("reflection", False): "reflect", ("reflection", True): "mirror",
}  # fmt: skip


@pytest.mark.parametrize("align", [False, True])
@pytest.mark.parametrize("padding_mode", ["zeros", "border", "reflection"])
@pytest.mark.parametrize(("mode", "count"), [("bilinear", 2), ("nearest", 2), ("bilinear", 3)])
def test_grid_sample(mode: str, count: int, padding_mode: str, align: bool) -> None:
    generator = np.random.default_rng(6)
    sizes = (4, 5, 3)[:count]
    x = generator.uniform(-1, 1, (2, 2, *sizes))
    grid = generator.uniform(-1.7, 1.7, (2, 3, *(2,) * (count - 1), count))
    tensor, places = curta.from_numpy(x).requires_grad_(), curta.from_numpy(grid).requires_grad_()
    made = F.grid_sample(tensor, places, mode, padding_mode, align)
    scale = [(size - 1) / 2 if align else size / 2 for size in sizes]
    numbers = [(grid[..., count - 1 - axis] + 1) * scale[axis] - (0 if align else 0.5) for axis in range(count)]
    wanted = np.stack([
        [scipy.ndimage.map_coordinates(x[n, c], [one[n] for one in numbers], order=ORDERS[mode],
                                       mode=OUTSIDE[padding_mode, align]) for c in range(2)] for n in range(2)
    ])  # fmt: skip
    np.testing.assert_allclose(made.detach().numpy(), wanted, rtol=1e-10, atol=1e-12)
    with curta.no_grad():  # other kernels, and again others for many channels
        few = F.grid_sample(tensor, places, mode, padding_mode, align)
        many = F.grid_sample(tensor.repeat(1, 3, *(1,) * count), places, mode, padding_mode, align)
    np.testing.assert_allclose(few.numpy(), wanted, rtol=1e-10, atol=1e-12)
    np.testing.assert_allclose(many.numpy(), np.concatenate([wanted] * 3, 1), rtol=1e-10, atol=1e-12)
    if mode == "bilinear" and padding_mode == "reflection":
        assert curta.autograd.gradcheck(lambda *x: F.grid_sample(*x, mode, padding_mode, align), (tensor, places))


# PyTorch 2.13 gives these
BICUBIC = {
    ("zeros", False): [55.167261507812505, 0.1450440468749984, -0.6896333055937558],
    ("border", True): [41.41922650000011, 12.411620500000131, 92.56860825425],
    ("reflection", False): [46.880047937500066, 2.4203624999999866, 39.06465048450002],
}


@pytest.mark.parametrize(("padding_mode", "align"), BICUBIC)
def test_bicubic_grids(padding_mode: str, align: bool) -> None:
    x = curta.arange(12.0, dtype=curta.float64).reshape(1, 1, 3, 4).square().requires_grad_()
    grid = curta.tensor([[[[-0.4, 0.3], [1.2, -0.9], [0.1, 1.93]]]], dtype=curta.float64, requires_grad=True)
    made = F.grid_sample(x, grid, "bicubic", padding_mode, align)
    np.testing.assert_allclose(made.flatten().tolist(), BICUBIC[padding_mode, align], rtol=1e-12)
    for channels in (1, 8):
        plain = F.grid_sample(x.detach().expand(1, channels, 3, 4), grid.detach(), "bicubic", padding_mode, align)
        np.testing.assert_allclose(plain[0, -1].flatten().tolist(), BICUBIC[padding_mode, align], rtol=1e-12)
    assert curta.autograd.gradcheck(lambda *x: F.grid_sample(*x, "bicubic", padding_mode, align), (x, grid))


def test_the_edge_has_no_slope_and_nan_reaches_the_result_alone() -> None:
    x = curta.tensor([[[[1.0, 2.0, 4.0]]]])
    grid = curta.tensor([[[[1.0, 0.0], [float("nan"), 0.0], [0.5, 0.0]]]], requires_grad=True)
    made = F.grid_sample(x, grid, padding_mode="border", align_corners=True)
    assert made.nan_to_num(-1.0).flatten().tolist() == [4.0, -1.0, 3.0]
    (slope,) = curta.autograd.grad(made[..., ::2].sum(), grid)
    assert slope[0, 0, 0, 0].item() == 0.0
    assert slope[0, 0, 2, 0].item() == 2.0


@pytest.mark.parametrize("channels", [2, 8])
def test_what_lies_outside_is_not_read_and_compiled_grids_are_alike(channels: int) -> None:
    x = curta.full((1, channels, 2, 3), float("inf"))
    outside = curta.tensor([[[[-3.0, 0.0], [0.0, 3.0]]]])
    for mode in ("bilinear", "nearest", "bicubic"):
        assert not F.grid_sample(x, outside, mode, align_corners=False).any()
    image = curta.tensor(np.random.default_rng(8).standard_normal((1, channels, 2, 3)), dtype=curta.bfloat16)
    places = curta.tensor([[[[-0.4, 0.3], [1.2, -0.9], [0.1, 1.93]]]], dtype=curta.bfloat16)
    expected = F.grid_sample(image, places, align_corners=False)
    assert expected.dtype is curta.bfloat16
    assert curta.equal(curta.compile(lambda x, g: F.grid_sample(x, g, align_corners=False))(image, places), expected)
    mapped = curta.vmap(lambda x: F.grid_sample(x[None], places, align_corners=False)[0])(image)
    np.testing.assert_allclose(mapped.float().numpy(), expected.float().numpy(), rtol=1e-2)


def test_affine_grid() -> None:
    """The corners' middles, times the matrix, by hand; volumes by their three axes."""
    theta = curta.tensor([[[2.0, 0.0, 1.0], [0.0, 3.0, -1.0]]], requires_grad=True)
    made = F.affine_grid(theta, (1, 1, 2, 2))
    assert made.tolist() == [[[[0.0, -2.5], [2.0, -2.5]], [[0.0, 0.5], [2.0, 0.5]]]]
    made[0, 1, 0].sum().backward()
    assert theta.grad.tolist() == [[[-0.5, 0.5, 1.0], [-0.5, 0.5, 1.0]]]
    wide = F.affine_grid(theta.detach(), (1, 1, 1, 3), align_corners=True)
    assert wide.tolist() == [[[[-1.0, -1.0], [1.0, -1.0], [3.0, -1.0]]]]
    unit = curta.eye(3, 4).unsqueeze(0)
    volume = F.affine_grid(unit, (1, 1, 2, 3, 4), align_corners=True)
    assert volume[0, 1, 1].tolist()[3] == [1.0, 0.0, 1.0]
    image = curta.randn(1, 1, 3, 4)
    same = F.grid_sample(image, F.affine_grid(curta.eye(2, 3).unsqueeze(0), (1, 1, 3, 4)))
    np.testing.assert_allclose(same.numpy(), image.numpy(), rtol=1e-5, atol=1e-6)
