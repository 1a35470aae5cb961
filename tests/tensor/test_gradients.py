"""Views, indexing and in-place writes: values, gradients and second gradients are PyTorch's."""

import json
import sys
from pathlib import Path

import pytest

import curta

sys.path.insert(0, str(Path(__file__).parent))

from gradient_cases import READS, WRITES, read, write

RECORDED = json.loads(Path(__file__).with_name("recorded.json").read_text())


@pytest.mark.parametrize("name", READS)
def test_reading(name):
    assert read(curta, READS[name]) == RECORDED["reads"][name]


@pytest.mark.parametrize("name", WRITES)
def test_writing(name):
    found, wanted = write(curta, WRITES[name]), RECORDED["writes"][name]
    for part, value in wanted.items():
        assert curta.allclose(curta.tensor(found[part]), curta.tensor(value), rtol=1e-6, atol=0), part


def test_a_changed_saved_tensor_is_reported():
    v = curta.ones(3, requires_grad=True)
    y = (v * 2).exp()
    y.add_(1)
    with pytest.raises(RuntimeError, match=r"modified by an inplace operation.*exp.*expected version 0"):
        y.sum().backward()


def test_leaves_cannot_be_written():
    v = curta.ones(3, requires_grad=True)
    with pytest.raises(
        RuntimeError, match=r"^a leaf Variable that requires grad is being used in an in-place operation"
    ):
        v.add_(1)
    with pytest.raises(
        RuntimeError, match=r"^a view of a leaf Variable that requires grad is being used in an in-place"
    ):
        v[0:1] += 1
    with curta.no_grad():
        v.add_(1)
        v[0] = 7.0
    assert v.tolist() == [7, 2, 2]
