"""Printing against what PyTorch 2.13 printed, character by character; only `torch.` in dtypes became `curta.`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from curta import dtypes, printing
from curta.errors import ArgumentError

INF, NAN = float("inf"), float("nan")

# (values, dtype, options of set_printoptions, "" / "leaf" that requires grad / name of grad_fn, the text)
# fmt: off
CASES: list[tuple[Any, str, dict[str, Any], str, str]] = [
    ([1.0, 2.0, 3.0], "float32", {}, "", "tensor([1., 2., 3.])"),
    ([1.5, -2.25], "float32", {}, "", "tensor([ 1.5000, -2.2500])"),
    (3.14159265, "float32", {}, "", "tensor(3.1416)"),
    (7.0, "float32", {}, "", "tensor(7.)"),
    (-0.0, "float32", {}, "", "tensor(-0.)"),
    (0.0, "float32", {}, "", "tensor(0.)"),
    (1e-5, "float32", {}, "", "tensor(1.0000e-05)"),
    (123456789.0, "float32", {}, "", "tensor(1.2346e+08)"),
    (NAN, "float32", {}, "", "tensor(nan)"),
    (-INF, "float32", {}, "", "tensor(-inf)"),
    (5, "int64", {}, "", "tensor(5)"),
    (True, "bool", {}, "", "tensor(True)"),
    ([True, False], "bool", {}, "", "tensor([ True, False])"),
    ([1, -20, 300], "int64", {}, "", "tensor([  1, -20, 300])"),
    ([[1, 2], [3, 400]], "int32", {}, "", """tensor([[  1,   2],
        [  3, 400]], dtype=curta.int32)"""),
    ([0, 255], "uint8", {}, "", "tensor([  0, 255], dtype=curta.uint8)"),
    ([-128, 127], "int8", {}, "", "tensor([-128,  127], dtype=curta.int8)"),
    ([1], "int16", {}, "", "tensor([1], dtype=curta.int16)"),
    (np.arange(30), "int64", {}, "",
     """tensor([ 0,  1,  2,  3,  4,  5,  6,  7,  8,  9, 10, 11, 12, 13, 14, 15, 16, 17,
        18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29])"""),
    (np.arange(1001), "int64", {}, "", "tensor([   0,    1,    2,  ...,  998,  999, 1000])"),
    (np.arange(10), "int64", {"threshold": 10}, "", "tensor([0, 1, 2, 3, 4, 5, 6, 7, 8, 9])"),
    (np.arange(11), "int64", {"threshold": 10}, "", "tensor([ 0,  1,  2,  ...,  8,  9, 10])"),
    (np.arange(24).reshape(2, 3, 4), "float32", {}, "", """tensor([[[ 0.,  1.,  2.,  3.],
         [ 4.,  5.,  6.,  7.],
         [ 8.,  9., 10., 11.]],

        [[12., 13., 14., 15.],
         [16., 17., 18., 19.],
         [20., 21., 22., 23.]]])"""),
    (np.arange(24).reshape(2, 3, 4) / 7, "float32", {}, "", """tensor([[[0.0000, 0.1429, 0.2857, 0.4286],
         [0.5714, 0.7143, 0.8571, 1.0000],
         [1.1429, 1.2857, 1.4286, 1.5714]],

        [[1.7143, 1.8571, 2.0000, 2.1429],
         [2.2857, 2.4286, 2.5714, 2.7143],
         [2.8571, 3.0000, 3.1429, 3.2857]]])"""),
    (np.arange(16).reshape(2, 2, 2, 2), "int64", {}, "", """tensor([[[[ 0,  1],
          [ 2,  3]],

         [[ 4,  5],
          [ 6,  7]]],


        [[[ 8,  9],
          [10, 11]],

         [[12, 13],
          [14, 15]]]])"""),
    (np.arange(10000).reshape(100, 100), "float32", {}, "",
     """tensor([[0.0000e+00, 1.0000e+00, 2.0000e+00,  ..., 9.7000e+01, 9.8000e+01,
         9.9000e+01],
        [1.0000e+02, 1.0100e+02, 1.0200e+02,  ..., 1.9700e+02, 1.9800e+02,
         1.9900e+02],
        [2.0000e+02, 2.0100e+02, 2.0200e+02,  ..., 2.9700e+02, 2.9800e+02,
         2.9900e+02],
        ...,
        [9.7000e+03, 9.7010e+03, 9.7020e+03,  ..., 9.7970e+03, 9.7980e+03,
         9.7990e+03],
        [9.8000e+03, 9.8010e+03, 9.8020e+03,  ..., 9.8970e+03, 9.8980e+03,
         9.8990e+03],
        [9.9000e+03, 9.9010e+03, 9.9020e+03,  ..., 9.9970e+03, 9.9980e+03,
         9.9990e+03]])"""),
    (np.arange(10000).reshape(100, 100) / 3, "float32", {}, "",
     """tensor([[0.0000e+00, 3.3333e-01, 6.6667e-01,  ..., 3.2333e+01, 3.2667e+01,
         3.3000e+01],
        [3.3333e+01, 3.3667e+01, 3.4000e+01,  ..., 6.5667e+01, 6.6000e+01,
         6.6333e+01],
        [6.6667e+01, 6.7000e+01, 6.7333e+01,  ..., 9.9000e+01, 9.9333e+01,
         9.9667e+01],
        ...,
        [3.2333e+03, 3.2337e+03, 3.2340e+03,  ..., 3.2657e+03, 3.2660e+03,
         3.2663e+03],
        [3.2667e+03, 3.2670e+03, 3.2673e+03,  ..., 3.2990e+03, 3.2993e+03,
         3.2997e+03],
        [3.3000e+03, 3.3003e+03, 3.3007e+03,  ..., 3.3323e+03, 3.3327e+03,
         3.3330e+03]])"""),
    (np.arange(12000).reshape(10, 20, 60) / 8, "float32", {}, "",
     """tensor([[[0.0000e+00, 1.2500e-01, 2.5000e-01,  ..., 7.1250e+00,
          7.2500e+00, 7.3750e+00],
         [7.5000e+00, 7.6250e+00, 7.7500e+00,  ..., 1.4625e+01,
          1.4750e+01, 1.4875e+01],
         [1.5000e+01, 1.5125e+01, 1.5250e+01,  ..., 2.2125e+01,
          2.2250e+01, 2.2375e+01],
         ...,
         [1.2750e+02, 1.2762e+02, 1.2775e+02,  ..., 1.3462e+02,
          1.3475e+02, 1.3488e+02],
         [1.3500e+02, 1.3512e+02, 1.3525e+02,  ..., 1.4212e+02,
          1.4225e+02, 1.4238e+02],
         [1.4250e+02, 1.4262e+02, 1.4275e+02,  ..., 1.4962e+02,
          1.4975e+02, 1.4988e+02]],

        [[1.5000e+02, 1.5012e+02, 1.5025e+02,  ..., 1.5712e+02,
          1.5725e+02, 1.5738e+02],
         [1.5750e+02, 1.5762e+02, 1.5775e+02,  ..., 1.6462e+02,
          1.6475e+02, 1.6488e+02],
         [1.6500e+02, 1.6512e+02, 1.6525e+02,  ..., 1.7212e+02,
          1.7225e+02, 1.7238e+02],
         ...,
         [2.7750e+02, 2.7762e+02, 2.7775e+02,  ..., 2.8462e+02,
          2.8475e+02, 2.8488e+02],
         [2.8500e+02, 2.8512e+02, 2.8525e+02,  ..., 2.9212e+02,
          2.9225e+02, 2.9238e+02],
         [2.9250e+02, 2.9262e+02, 2.9275e+02,  ..., 2.9962e+02,
          2.9975e+02, 2.9988e+02]],

        [[3.0000e+02, 3.0012e+02, 3.0025e+02,  ..., 3.0712e+02,
          3.0725e+02, 3.0738e+02],
         [3.0750e+02, 3.0762e+02, 3.0775e+02,  ..., 3.1462e+02,
          3.1475e+02, 3.1488e+02],
         [3.1500e+02, 3.1512e+02, 3.1525e+02,  ..., 3.2212e+02,
          3.2225e+02, 3.2238e+02],
         ...,
         [4.2750e+02, 4.2762e+02, 4.2775e+02,  ..., 4.3462e+02,
          4.3475e+02, 4.3488e+02],
         [4.3500e+02, 4.3512e+02, 4.3525e+02,  ..., 4.4212e+02,
          4.4225e+02, 4.4238e+02],
         [4.4250e+02, 4.4262e+02, 4.4275e+02,  ..., 4.4962e+02,
          4.4975e+02, 4.4988e+02]],

        ...,

        [[1.0500e+03, 1.0501e+03, 1.0502e+03,  ..., 1.0571e+03,
          1.0572e+03, 1.0574e+03],
         [1.0575e+03, 1.0576e+03, 1.0578e+03,  ..., 1.0646e+03,
          1.0648e+03, 1.0649e+03],
         [1.0650e+03, 1.0651e+03, 1.0652e+03,  ..., 1.0721e+03,
          1.0722e+03, 1.0724e+03],
         ...,
         [1.1775e+03, 1.1776e+03, 1.1778e+03,  ..., 1.1846e+03,
          1.1848e+03, 1.1849e+03],
         [1.1850e+03, 1.1851e+03, 1.1852e+03,  ..., 1.1921e+03,
          1.1922e+03, 1.1924e+03],
         [1.1925e+03, 1.1926e+03, 1.1928e+03,  ..., 1.1996e+03,
          1.1998e+03, 1.1999e+03]],

        [[1.2000e+03, 1.2001e+03, 1.2002e+03,  ..., 1.2071e+03,
          1.2072e+03, 1.2074e+03],
         [1.2075e+03, 1.2076e+03, 1.2078e+03,  ..., 1.2146e+03,
          1.2148e+03, 1.2149e+03],
         [1.2150e+03, 1.2151e+03, 1.2152e+03,  ..., 1.2221e+03,
          1.2222e+03, 1.2224e+03],
         ...,
         [1.3275e+03, 1.3276e+03, 1.3278e+03,  ..., 1.3346e+03,
          1.3348e+03, 1.3349e+03],
         [1.3350e+03, 1.3351e+03, 1.3352e+03,  ..., 1.3421e+03,
          1.3422e+03, 1.3424e+03],
         [1.3425e+03, 1.3426e+03, 1.3428e+03,  ..., 1.3496e+03,
          1.3498e+03, 1.3499e+03]],

        [[1.3500e+03, 1.3501e+03, 1.3502e+03,  ..., 1.3571e+03,
          1.3572e+03, 1.3574e+03],
         [1.3575e+03, 1.3576e+03, 1.3578e+03,  ..., 1.3646e+03,
          1.3648e+03, 1.3649e+03],
         [1.3650e+03, 1.3651e+03, 1.3652e+03,  ..., 1.3721e+03,
          1.3722e+03, 1.3724e+03],
         ...,
         [1.4775e+03, 1.4776e+03, 1.4778e+03,  ..., 1.4846e+03,
          1.4848e+03, 1.4849e+03],
         [1.4850e+03, 1.4851e+03, 1.4852e+03,  ..., 1.4921e+03,
          1.4922e+03, 1.4924e+03],
         [1.4925e+03, 1.4926e+03, 1.4928e+03,  ..., 1.4996e+03,
          1.4998e+03, 1.4999e+03]]])"""),
    (np.arange(4000).reshape(2, 2000), "float32", {}, "",
     """tensor([[0.0000e+00, 1.0000e+00, 2.0000e+00,  ..., 1.9970e+03, 1.9980e+03,
         1.9990e+03],
        [2.0000e+03, 2.0010e+03, 2.0020e+03,  ..., 3.9970e+03, 3.9980e+03,
         3.9990e+03]])"""),
    (np.arange(4000).reshape(2000, 2), "int64", {}, "", """tensor([[   0,    1],
        [   2,    3],
        [   4,    5],
        ...,
        [3994, 3995],
        [3996, 3997],
        [3998, 3999]])"""),
    ([1e-3, 1.0, 1.0], "float32", {}, "", "tensor([0.0010, 1.0000, 1.0000])"),
    ([1e-3, 1.5], "float32", {}, "", "tensor([1.0000e-03, 1.5000e+00])"),
    ([0.001, 1.01], "float32", {}, "", "tensor([1.0000e-03, 1.0100e+00])"),
    ([1e8, 1.0], "float32", {}, "", "tensor([1.0000e+08, 1.0000e+00])"),
    ([1e8, 1e8], "float32", {}, "", "tensor([100000000., 100000000.])"),
    ([1.5e8, 1e8], "float32", {}, "", "tensor([1.5000e+08, 1.0000e+08])"),
    ([1e-4, 5e-4], "float32", {}, "", "tensor([1.0000e-04, 5.0000e-04])"),
    ([1e-4, 5e-4], "float64", {}, "", "tensor([0.0001, 0.0005], dtype=curta.float64)"),
    ([0.25, 1000.0], "float32", {}, "", "tensor([2.5000e-01, 1.0000e+03])"),
    ([1.0, 1000.0], "float32", {}, "", "tensor([   1., 1000.])"),
    ([1.0, 1001.0], "float32", {}, "", "tensor([1.0000e+00, 1.0010e+03])"),
    ([1e-45, 1.0], "float32", {}, "", "tensor([1.4013e-45, 1.0000e+00])"),
    ([1e300, 1e-300], "float64", {}, "", "tensor([1.0000e+300, 1.0000e-300], dtype=curta.float64)"),
    ([INF, 1.0], "float32", {}, "", "tensor([inf, 1.])"),
    ([NAN, 1.25], "float32", {}, "", "tensor([   nan, 1.2500])"),
    ([-INF, NAN, 0.0], "float32", {}, "", "tensor([-inf, nan, 0.])"),
    ([INF, 1e9], "float32", {}, "", "tensor([       inf, 1.0000e+09])"),
    ([0.0, 0.0], "float32", {}, "", "tensor([0., 0.])"),
    ([-0.0, 1.5], "float32", {}, "", "tensor([-0.0000, 1.5000])"),
    ([NAN, -1e-7, 0.0], "float32", {}, "", "tensor([        nan, -1.0000e-07,  0.0000e+00])"),
    ([], "float32", {}, "", "tensor([])"),
    ([], "int64", {}, "", "tensor([], dtype=curta.int64)"),
    ([], "bool", {}, "", "tensor([], dtype=curta.bool)"),
    (np.zeros((0, 3)), "float32", {}, "", "tensor([], size=(0, 3))"),
    (np.zeros((2, 0)), "float16", {}, "", "tensor([], size=(2, 0), dtype=curta.float16)"),
    (np.zeros((2, 0, 4)), "int64", {}, "", "tensor([], size=(2, 0, 4), dtype=curta.int64)"),
    ([], "float32", {}, "leaf", "tensor([], requires_grad=True)"),
    ([1.5, 2.5], "float64", {}, "", "tensor([1.5000, 2.5000], dtype=curta.float64)"),
    ([1.0, 65504.0], "float16", {}, "", "tensor([1.0000e+00, 6.5504e+04], dtype=curta.float16)"),
    ([3.14159, 1.0], "bfloat16", {}, "", "tensor([3.1406, 1.0000], dtype=curta.bfloat16)"),
    (0.1, "bfloat16", {}, "", "tensor(0.1001, dtype=curta.bfloat16)"),
    (0.1, "float16", {}, "", "tensor(0.1000, dtype=curta.float16)"),
    ([0.1] * 9, "float64", {}, "", """tensor([0.1000, 0.1000, 0.1000, 0.1000, 0.1000, 0.1000, 0.1000, 0.1000, 0.1000],
       dtype=curta.float64)"""),
    ([1.0, 2.0], "float32", {}, "leaf", "tensor([1., 2.], requires_grad=True)"),
    ([1.5], "float64", {}, "leaf", "tensor([1.5000], dtype=curta.float64, requires_grad=True)"),
    (np.arange(12).reshape(3, 4) / 7, "float32", {}, "leaf", """tensor([[0.0000, 0.1429, 0.2857, 0.4286],
        [0.5714, 0.7143, 0.8571, 1.0000],
        [1.1429, 1.2857, 1.4286, 1.5714]], requires_grad=True)"""),
    (np.arange(12) / 7, "float32", {}, "leaf",
     """tensor([0.0000, 0.1429, 0.2857, 0.4286, 0.5714, 0.7143, 0.8571, 1.0000, 1.1429,
        1.2857, 1.4286, 1.5714], requires_grad=True)"""),
    (np.arange(8) / 7, "float32", {}, "leaf",
     """tensor([0.0000, 0.1429, 0.2857, 0.4286, 0.5714, 0.7143, 0.8571, 1.0000],
       requires_grad=True)"""),
    (np.arange(8) / 7, "float32", {}, "MulBackward0",
     """tensor([0.0000, 0.1429, 0.2857, 0.4286, 0.5714, 0.7143, 0.8571, 1.0000],
       grad_fn=<MulBackward0>)"""),
    (0.5, "float32", {}, "MulBackward0", "tensor(0.5000, grad_fn=<MulBackward0>)"),
    (np.arange(7) / 7, "float64", {}, "MulBackward0",
     """tensor([0.0000, 0.1429, 0.2857, 0.4286, 0.5714, 0.7143, 0.8571],
       dtype=curta.float64, grad_fn=<MulBackward0>)"""),
    (np.arange(6).reshape(2, 3) / 7, "bfloat16", {}, "MulBackward0", """tensor([[0.0000, 0.1426, 0.2852],
        [0.4277, 0.5703, 0.7148]], dtype=curta.bfloat16,
       grad_fn=<MulBackward0>)"""),
    ([3.14159, 2.71828], "float32", {"precision": 8}, "", "tensor([3.14159012, 2.71828008])"),
    ([3.14159, 2.71828], "float32", {"precision": 0}, "", "tensor([3, 3])"),
    ([1.0, 20.0], "float32", {"sci_mode": True}, "", "tensor([1.0000e+00, 2.0000e+01])"),
    ([1e-7, 1.5], "float32", {"sci_mode": False}, "", "tensor([0.0000, 1.5000])"),
    ([1.23456e-7, 1.5], "float32", {"profile": "short"}, "", "tensor([1.23e-07, 1.50e+00])"),
    (np.arange(1002).reshape(2, 501), "int64", {"profile": "short"}, "", """tensor([[   0,    1,  ...,  499,  500],
        [ 501,  502,  ..., 1000, 1001]])"""),
    (np.arange(20), "int64", {"threshold": 5, "edgeitems": 1}, "", "tensor([ 0,  ..., 19])"),
    (np.arange(36).reshape(6, 6), "int64", {"threshold": 5, "edgeitems": 2}, "", """tensor([[ 0,  1,  ...,  4,  5],
        [ 6,  7,  ..., 10, 11],
        ...,
        [24, 25,  ..., 28, 29],
        [30, 31,  ..., 34, 35]])"""),
    (np.arange(36).reshape(6, 6) / 3, "float32", {"threshold": 5, "edgeitems": 0}, "", "tensor([...], size=(6, 6))"),
    (np.arange(10) / 3, "float32", {"linewidth": 20}, "", """tensor([0.0000,
        0.3333,
        0.6667,
        1.0000,
        1.3333,
        1.6667,
        2.0000,
        2.3333,
        2.6667,
        3.0000])"""),
    (np.arange(4) / 3, "float64", {"linewidth": 30}, "", """tensor([0.0000, 0.3333,
        0.6667, 1.0000],
       dtype=curta.float64)"""),
]
# fmt: on


@pytest.fixture(autouse=True)
def default_options() -> Iterator[None]:
    printing.set_printoptions(profile="default")
    yield
    printing.set_printoptions(profile="default")


@pytest.mark.parametrize(("values", "dtype_name", "options", "gradient", "expected"), CASES)
def test_text_is_pytorchs(values: Any, dtype_name: str, options: dict[str, Any], gradient: str, expected: str) -> None:
    dtype = dtypes.by_name(dtype_name)
    array = np.array(values, dtype=np.float64 if dtype.is_floating_point else dtype.numpy).astype(dtype.numpy)
    if dtype is dtypes.bfloat16:
        array = array.astype(np.float32)
    printing.set_printoptions(**options)
    text = printing.format_tensor(
        array,
        dtype,
        requires_grad=bool(gradient),
        grad_fn_name=None if gradient in ("", "leaf") else gradient,
    )
    assert text == expected


def test_meta_tensors_show_their_shape() -> None:
    assert printing.format_meta((2, 3), dtypes.float32) == "tensor(..., device='meta', size=(2, 3))"
    assert (
        printing.format_meta((2,), dtypes.float64, requires_grad=True)
        == "tensor(..., device='meta', size=(2,), dtype=curta.float64, requires_grad=True)"
    )


def test_a_device_other_than_the_default_is_named() -> None:
    text = printing.format_tensor(np.array([1, 2], np.float32), dtypes.float32, device="cuda:0")
    assert text == "tensor([1., 2.], device='cuda:0')"


def test_the_full_profile_shows_every_element() -> None:
    printing.set_printoptions(profile="full")
    text = printing.format_tensor(np.arange(1100), dtypes.int64)
    assert "..." not in text
    assert text.count(",") == 1099


def test_options_are_restored_and_partly_changed() -> None:
    before = printing.get_printoptions()
    with printing.printoptions(precision=2, sci_mode=True):
        assert printing.format_tensor(np.array([1], np.float32), dtypes.float32) == "tensor([1.00e+00])"
        # as in PyTorch, sci_mode goes back to automatic with every call that does not name it
        printing.set_printoptions(linewidth=100)
        assert printing.get_printoptions() == {**before, "precision": 2, "linewidth": 100}
    assert printing.get_printoptions() == before


def test_options_that_cannot_be_are_refused() -> None:
    with pytest.raises(ArgumentError, match="profile must be one of"):
        printing.set_printoptions(profile="long")
    with pytest.raises(ArgumentError, match="precision must not be negative"):
        printing.set_printoptions(precision=-1)
