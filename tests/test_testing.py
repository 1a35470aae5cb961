"""`testing.assert_close`: what is close, and the messages of PyTorch 2.13 where it is not."""

from __future__ import annotations

from collections import OrderedDict
from typing import Any

import numpy as np
import pytest

import curta
from curta.errors import ArgumentError, ArgumentTypeError, MismatchError
from curta.testing import assert_close

NAN = float("nan")
ONES, ZEROS = curta.ones(2), curta.zeros(2)
APART = (
    "Tensor-likes are not close!\n\nMismatched elements: 2 / 2 (100.0%)\nGreatest absolute difference: 1.0 at index "
    "(0,) (up to 1e-05 allowed)\nGreatest relative difference: inf at index (0,) (up to 1.3e-06 allowed)"
)


@pytest.mark.parametrize(
    ("actual", "expected", "options"),
    [
        (curta.tensor([1.0]), curta.tensor([1.0 + 1e-6]), {}),
        (curta.tensor(NAN), curta.tensor(NAN), {"equal_nan": True}),
        (NAN, NAN, {"equal_nan": True}),
        (float("inf"), float("inf"), {}),
        (ONES, ONES.double(), {"check_dtype": False}),
        (curta.ones(2, 2), curta.ones(2, 2).T, {}),
        (np.ones(2, np.float32), ONES, {}),
        ({"a": [1, (2.0, None)]}, {"a": [1, (2.0, None)]}, {}),
        (ONES, ONES + 0.5, {"rtol": 0.0, "atol": 0.5}),
        (ONES.long(), ONES.int(), {"check_dtype": False}),
        (ONES.to("meta"), ONES.to("meta"), {}),
        (curta.empty(0), curta.empty(0), {}),
        (curta.nn.Parameter(ONES), ONES, {}),
        (1, 1.0, {"check_dtype": False}),
        (True, 1, {"check_dtype": False}),
        (np.float32(1.0), 1.0, {}),
        (1 + 2j, 1 + 2j, {}),
        ([None, True], [None, True], {}),
        ({"a": 1}, OrderedDict(a=1), {"allow_subclasses": False}),
    ],
)
def test_close(actual: Any, expected: Any, options: dict[str, Any]) -> None:
    assert_close(actual, expected, **options)


@pytest.mark.parametrize(
    ("actual", "expected", "options", "message"),
    [
        (ONES, ZEROS, {}, APART),
        (ONES, curta.ones(3), {}, "The values for attribute 'shape' do not match: torch.Size([2]) != torch.Size([3])."),
        (
            ONES, ONES.double(), {},
            "The values for attribute 'dtype' do not match: curta.float32 != curta.float64.",
        ),
        (ONES.to("meta"), ONES, {}, "The values for attribute 'device' do not match: meta != cpu."),
        (
            curta.ones(2, 2), curta.ones(2, 2).T, {"check_stride": True},
            "The values for attribute 'stride()' do not match: (2, 1) != (1, 2).",
        ),
        (
            curta.tensor([[1.0, 2.0, 3.0]]), curta.tensor([[1.0, 2.5, 3.0]]), {},
            "Tensor-likes are not close!\n\nMismatched elements: 1 / 3 (33.3%)\nGreatest absolute difference: 0.5 at "
            "index (0, 1) (up to 1e-05 allowed)\nGreatest relative difference: 0.20000000298023224 at index (0, 1) (up "
            "to 1.3e-06 allowed)",
        ),
        (
            ONES.long(), ZEROS.long(), {},
            "Tensor-likes are not equal!\n\nMismatched elements: 2 / 2 (100.0%)\nGreatest absolute difference: 1 at "
            "index (0,)\nGreatest relative difference: inf at index (0,)",
        ),
        (
            curta.tensor(NAN), curta.tensor(NAN), {},
            "Scalars are not close!\n\nExpected nan but got nan.\nAbsolute difference: nan (up to 1e-05 allowed)\n"
            "Relative difference: nan (up to 1.3e-06 allowed)",
        ),
        (
            1.0, 1.1, {},
            "Scalars are not close!\n\nExpected 1.1 but got 1.0.\nAbsolute difference: 0.10000000000000009 (up to "
            "1e-07 allowed)\nRelative difference: 0.09090909090909098 (up to 1e-07 allowed)",
        ),
        (
            [1, 2], [1, 3], {},
            "Scalars are not equal!\n\nExpected 3 but got 2.\nAbsolute difference: 1\nRelative difference: "
            "0.3333333333333333\n\nThe failure occurred for item [1]",
        ),
        (1, 1.0, {}, "The (d)types do not match: <class 'int'> != <class 'float'>."),
        (True, 1, {}, "The (d)types do not match: <class 'bool'> != <class 'int'>."),
        (True, False, {}, "Booleans mismatch: True is not False"),
        (None, 1, {}, "None mismatch: None is not 1"),
        (
            1 + 2j, 1 + 3j, {},
            "Scalars are not close!\n\nExpected (1+3j) but got (1+2j).\nAbsolute difference: 1.0 (up to 1e-07 "
            "allowed)\nRelative difference: 0.31622776601683794 (up to 1e-07 allowed)",
        ),
        (
            curta.tensor(True), curta.tensor(False), {},
            "Scalars are not equal!\n\nExpected False but got True.\nAbsolute difference: 1\nRelative difference: inf",
        ),
        (
            curta.tensor(1.0), curta.tensor(1.01), {},
            "Scalars are not close!\n\nExpected 1.0099999904632568 but got 1.0.\nAbsolute difference: "
            "0.009999990463256836 (up to 1e-05 allowed)\nRelative difference: 0.009900980750178165 (up to 1.3e-06 "
            "allowed)",
        ),
        ([1], [1, 2], {}, "The length of the sequences mismatch: 1 != 2"),
        ({"a": [ONES]}, {"a": [ZEROS]}, {}, APART + "\n\nThe failure occurred for item ['a'][0]"),
        (
            {"a": 1}, {"b": 1}, {},
            "The keys of the mappings do not match:\nMissing keys in the actual mapping: ['b']\nAdditional keys in the "
            "actual mapping: ['a']",
        ),
        (ONES, ZEROS, {"msg": "hey"}, "hey"),
        (ONES, ZEROS, {"msg": lambda told: "X: " + told}, "X: " + APART),
    ],
)  # fmt: skip
def test_apart(actual: Any, expected: Any, options: dict[str, Any], message: str) -> None:
    with pytest.raises(AssertionError) as caught:
        assert_close(actual, expected, **options)
    assert type(caught.value) is MismatchError
    assert str(caught.value) == message


def test_refused() -> None:
    for word, other in (("rtol", "atol"), ("atol", "rtol")):
        with pytest.raises(
            ArgumentError,
            match=rf"^Both 'rtol' and 'atol' must be either specified or omitted, but got no {other}\.$",
        ):
            assert_close(1, 1, **{word: 0.1})
    with pytest.raises(
        ArgumentTypeError, match=r"^No comparison pair was able to handle inputs of type <class 'str'> a"
    ):
        assert_close("a", "b")
    with pytest.raises(ArgumentTypeError, match=r"^No comparison pair was able to handle inputs of type <class 'curta"):
        assert_close(curta.nn.Parameter(ONES), ONES, allow_subclasses=False)
