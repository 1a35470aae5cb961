"""Whether two results are the same, and in what they differ."""

from __future__ import annotations

from typing import Any

import torch
from tests.parity.outside.conversion import back

import curta

#: relative and absolute; other formats must agree exactly
TOLERANCES = {
    torch.float64: (1e-7, 1e-7),
    torch.float32: (2e-4, 2e-4),
    torch.float16: (4e-3, 4e-3),
    torch.bfloat16: (3e-2, 3e-2),
}


class DifferenceError(Exception):
    """Two results differ, in what the message says."""


def flat(result: Any) -> list[Any]:
    """The parts of a result in order."""
    if isinstance(result, dict):
        result = list(result.values())
    if isinstance(result, (list, tuple)):
        return [part for one in result for part in flat(one)]
    return [result]


def compare(mine: Any, theirs: Any, values: bool, what: str = "value") -> None:
    """DifferenceError unless shape, format and (if asked) values agree."""
    if isinstance(theirs, torch.Tensor):
        _compare_tensors(mine, theirs, values, what)
    elif isinstance(theirs, (bool, int, float)):
        equal = mine == theirs or (mine != mine and theirs != theirs)
        if type(mine) is not type(theirs) or (values and not equal):
            raise DifferenceError(f"{what}: {mine!r} for {theirs!r}")


def _compare_tensors(mine: Any, theirs: torch.Tensor, values: bool, what: str) -> None:
    if not isinstance(mine, curta.Tensor):
        raise DifferenceError(f"{what}: {type(mine).__name__} for a tensor")
    if tuple(mine.shape) != tuple(theirs.shape):
        raise DifferenceError(f"{what}: shape {tuple(mine.shape)} for {tuple(theirs.shape)}")
    if mine.dtype.name != str(theirs.dtype).removeprefix("torch."):
        raise DifferenceError(f"{what}: {mine.dtype.name} for {theirs.dtype}")
    if values:
        rtol, atol = TOLERANCES.get(theirs.dtype, (0, 0))
        plain = theirs.detach().resolve_conj().resolve_neg()
        try:
            torch.testing.assert_close(back(mine), plain, rtol=rtol, atol=atol, equal_nan=True)
        except AssertionError as error:
            raise DifferenceError(f"{what}: {' '.join(str(error).split())[:160]}") from None


def nearer(mine: torch.Tensor, theirs: torch.Tensor, exact: torch.Tensor) -> bool:
    """Whether no element is farther from the exact one than PyTorch's is, or than the tolerance."""
    if mine.shape != theirs.shape or mine.dtype is not theirs.dtype or not theirs.is_floating_point():
        return False
    rtol, atol = TOLERANCES[theirs.dtype]
    true = exact.detach().double()
    error, other = (mine.double() - true).abs(), (theirs.detach().double() - true).abs()
    room = torch.maximum(other.nan_to_num(nan=torch.inf, posinf=torch.inf), atol + rtol * true.abs())
    return bool(((error <= room) | (mine.double() == true) | (mine.isnan() & true.isnan())).all())
