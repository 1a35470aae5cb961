"""Python's float, int and bool where a format is asked for, as PyTorch takes them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

import curta
from curta.errors import ArgumentTypeError

KINDS = {float: curta.float64, int: curta.int64, bool: curta.bool}
X = curta.tensor([[0.0, 2.5], [1.0, 0.0]])

MAKERS: dict[str, Callable[[Any], Any]] = {
    "zeros": lambda dtype: curta.zeros(2, dtype=dtype),
    "ones": lambda dtype: curta.ones(2, dtype=dtype),
    "full": lambda dtype: curta.full((2,), 1.5, dtype=dtype),
    "empty": lambda dtype: curta.empty(2, dtype=dtype),
    "empty_strided": lambda dtype: curta.empty_strided((2,), (1,), dtype=dtype),
    "eye": lambda dtype: curta.eye(2, dtype=dtype),
    "tensor": lambda dtype: curta.tensor([0, 2], dtype=dtype),
    "as_tensor": lambda dtype: curta.as_tensor([0, 2], dtype=dtype),
    "asarray": lambda dtype: curta.asarray([0, 2], dtype=dtype),
    "zeros_like": lambda dtype: curta.zeros_like(X, dtype=dtype),
    "new_ones": lambda dtype: X.new_ones(2, dtype=dtype),
    "to": lambda dtype: X.to(dtype),
    "to by name": lambda dtype: X.to(dtype=dtype),
    "scalar_tensor": lambda dtype: curta.scalar_tensor(1, dtype=dtype),
    "sum": lambda dtype: X.sum(dtype=dtype),
    "prod": lambda dtype: X.prod(dtype=dtype),
}
NUMBERS: dict[str, Callable[[Any], Any]] = {
    "arange": lambda dtype: curta.arange(3, dtype=dtype),
    "linspace": lambda dtype: curta.linspace(0, 2, 3, dtype=dtype),
    "logspace": lambda dtype: curta.logspace(0, 1, 2, dtype=dtype),
    "randint": lambda dtype: curta.randint(3, (2,), dtype=dtype),
    "randperm": lambda dtype: curta.randperm(3, dtype=dtype),
    "cumsum": lambda dtype: X.cumsum(0, dtype=dtype),
    "nansum": lambda dtype: X.nansum(dtype=dtype),
}
REALS: dict[str, Callable[[Any], Any]] = {
    "rand": lambda dtype: curta.rand(2, dtype=dtype),
    "hann_window": lambda dtype: curta.hann_window(3, dtype=dtype),
    "signal": lambda dtype: curta.signal.windows.hann(3, dtype=dtype),
    "mean": lambda dtype: X.mean(dtype=dtype),
    "norm": lambda dtype: curta.norm(X, dtype=dtype),
    "softmax": lambda dtype: X.softmax(0, dtype=dtype),
    "log_softmax": lambda dtype: curta.nn.functional.log_softmax(X, 0, dtype=dtype),
    "layer": lambda dtype: curta.nn.Linear(2, 2, dtype=dtype).weight,
    "module": lambda dtype: curta.nn.Linear(2, 2).to(dtype).weight,
}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", MAKERS | NUMBERS | REALS)
def test_a_type_of_python_is_a_format(name: str, kind: type) -> None:
    if (name in NUMBERS and kind is bool) or (name in REALS and kind is not float):
        return
    assert (MAKERS | NUMBERS | REALS)[name](kind).dtype is KINDS[kind]


@pytest.mark.parametrize("name", MAKERS | NUMBERS | REALS)
def test_anything_else_is_refused_in_words(name: str) -> None:
    with pytest.raises(ArgumentTypeError, match=r"argument 'dtype' must be curta\.dtype, not type"):
        (MAKERS | NUMBERS | REALS)[name](str)
    with pytest.raises(ArgumentTypeError, match="Curta has no complex dtypes"):
        (MAKERS | NUMBERS | REALS)[name](complex)


def test_limits_and_promotion() -> None:
    assert curta.finfo(float).dtype == "float64"  # type: ignore[arg-type]
    assert curta.iinfo(int).max == 2**63 - 1  # type: ignore[arg-type]
    assert curta.promote_types(curta.float32, int) is curta.float32
    assert curta.promote_types(float, curta.float32) is curta.float64
    assert curta.tril_indices(2, 2, dtype=int).dtype is curta.int64


def test_modules_have_floating_formats() -> None:
    for arguments in ((int,), (curta.int64,), ("cpu", curta.bool)):
        with pytest.raises(ArgumentTypeError, match=r"nn\.Module\.to only accepts floating point dtypes, but got"):
            curta.nn.Linear(2, 2).to(*arguments)
    with pytest.raises(ArgumentTypeError, match=r"desired dtype=curta\.int8"):
        curta.nn.Linear(2, 2).to(dtype=curta.int8)
