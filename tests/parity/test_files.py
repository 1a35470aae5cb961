"""Files between Curta and an installed PyTorch, both ways."""

from __future__ import annotations

from collections import OrderedDict
from pathlib import Path
from typing import Any

import pytest

import curta

torch = pytest.importorskip("torch")
safetensors_torch = pytest.importorskip("safetensors.torch")
pytestmark = pytest.mark.parity

DTYPES = ["bool", "uint8", "int8", "int16", "int32", "int64", "float16", "bfloat16", "float32", "float64"]


def contents(c: Any) -> dict[Any, Any]:
    """The same program in both."""
    base = c.arange(12.0).view(3, 4)
    kinds = {name: c.tensor([0, 1, 1], dtype=getattr(c, name)) for name in DTYPES}
    layer = c.nn.BatchNorm1d(2)
    parameter = c.nn.Parameter(c.ones(2, dtype=c.bfloat16), requires_grad=False)
    return {
        "kinds": kinds, "base": base, "views": [base.t(), base[1:, ::2], base[:1].expand(3, 4), c.zeros(0, 2)],
        "state": layer.state_dict(), "p": parameter, "again": parameter, "grad": c.ones(1, requires_grad=True),
        "plain": OrderedDict(a=[None, True, -1, 2**40, -(2**70), 2.5, "ü", b"\xff", (1, (2,)), {1, 2}]),
        "more": (base.shape, c.bfloat16, c.device("cpu")), ("key", 1): {},
    }  # fmt: skip


def same(mine: Any, theirs: Any) -> None:
    if isinstance(mine, curta.Tensor):
        assert isinstance(theirs, torch.Tensor)
        assert (tuple(mine.shape), mine.stride()) == (tuple(theirs.shape), theirs.stride())
        assert repr(mine.dtype)[6:] == repr(theirs.dtype)[6:]
        assert mine.requires_grad == theirs.requires_grad
        assert isinstance(mine, curta.nn.Parameter) == isinstance(theirs, torch.nn.Parameter)
        assert mine.tolist() == theirs.tolist()
    elif isinstance(mine, dict):
        assert (type(mine), list(mine)) == (type(theirs), list(theirs))
        for name in mine:
            same(mine[name], theirs[name])
    elif isinstance(mine, (list, tuple)):
        assert len(mine) == len(theirs)
        for one, other in zip(mine, theirs, strict=True):
            same(one, other)
    else:
        assert repr(mine).removeprefix("curta.") == repr(theirs).removeprefix("torch.")


@pytest.mark.parametrize("mmap", [False, True])
def test_pytorch_loads_what_curta_saves(tmp_path: Path, mmap: bool) -> None:
    curta.save(contents(curta), tmp_path / "a.pt")
    found = torch.load(tmp_path / "a.pt", weights_only=True, mmap=mmap)
    same(contents(curta), found)
    assert found["again"] is found["p"]
    assert found["views"][0].untyped_storage().data_ptr() == found["base"].untyped_storage().data_ptr()


@pytest.mark.parametrize("protocol", [2, 3, 4, 5])
def test_curta_loads_what_pytorch_saves(tmp_path: Path, protocol: int) -> None:
    torch.save(contents(torch), tmp_path / "a.pt", pickle_protocol=protocol)
    found = curta.load(tmp_path / "a.pt")
    same(found, contents(torch))
    assert found["again"] is found["p"]
    assert found["views"][0].untyped_storage() is found["base"].untyped_storage()


def test_pytorchs_older_format_is_refused(tmp_path: Path) -> None:
    torch.save(torch.ones(1), tmp_path / "a.pt", _use_new_zipfile_serialization=False)
    with pytest.raises(NotImplementedError, match="is in the format of PyTorch before"):
        curta.load(tmp_path / "a.pt")


def test_safetensors_both_ways(tmp_path: Path) -> None:
    theirs = {name: torch.tensor([[0, 1], [1, 0]], dtype=getattr(torch, name)) for name in DTYPES}
    safetensors_torch.save_file(theirs, tmp_path / "a", metadata={"format": "pt"})
    mine = curta.load_file(tmp_path / "a")
    same(mine, {name: theirs[name] for name in mine})
    curta.save_file(mine, tmp_path / "b", metadata={"format": "pt"})
    back = safetensors_torch.load_file(tmp_path / "b")
    same(mine, {name: back[name] for name in mine})
