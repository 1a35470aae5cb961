"""What bounds an operator, by hand."""

import pytest

import curta
from curta import Peak
from curta.errors import ArgumentError, ArgumentTypeError


def test_by_hand() -> None:
    with curta.account(timing=True) as books:
        x = curta.ones(64, 64)
        for _ in range(2):
            x @ x
        x.to(curta.bfloat16) @ x.to(curta.bfloat16)
        (curta.arange(100) + 1).view(10, 10)
    peaks = {
        "float32": Peak(1e9, "float32", bytes_per_second=1e6),
        "bfloat16": Peak(8e9, "bfloat16", bytes_per_second=1e6),
    }
    found = curta.roofline(books, peaks)
    points = {(point.operator, point.dtype): point for point in found.points}
    product = points["matmul", "float32"]
    assert (product.calls, product.cost.flops) == (2, 2 * 2 * 64**3)
    assert product.arithmetic_seconds == 2 * 2 * 64**3 / 1e9
    assert product.memory_seconds == 2 * 3 * 4 * 64**2 / 1e6
    assert product.bound == "memory"
    assert product.best_seconds == product.memory_seconds
    assert product.intensity == 2 * 64**3 / (3 * 4 * 64**2)
    assert product.seconds is not None
    assert product.seconds > 0
    assert product.share == product.best_seconds / product.seconds
    assert points["matmul", "bfloat16"].arithmetic_seconds == 2 * 64**3 / 8e9
    assert points["add", "int64"].arithmetic_seconds == 0.0
    assert points["add", "int64"].memory_seconds == 2 * 800 / 1e6
    assert ("view", "int64") not in points
    assert found.best_seconds == sum(point.best_seconds for point in found.points)
    assert [point.best_seconds for point in found.points] == sorted(
        (point.best_seconds for point in found.points), reverse=True
    )
    lines = str(found).splitlines()
    assert lines[1].startswith("matmul float32")
    assert "memory" in lines[1]
    assert lines[-1].split()[0] == "total"
    assert found.to_dict()["points"][0]["bound"] == "memory"


def test_without_times() -> None:
    with curta.account() as books:
        curta.ones(4) + 1
    found = curta.roofline(books, Peak(1e9, bytes_per_second=1e9))
    assert found.seconds is None
    assert found.points[0].share is None
    assert "took" not in str(found)
    with curta.account() as books:
        pass
    assert curta.roofline(books, Peak(1e9, bytes_per_second=1e9)).best_seconds == 0


def test_a_device_by_name() -> None:
    x = curta.empty(4096, 4096, device="meta", dtype=curta.bfloat16)
    books = curta.plan(lambda x: x @ x, x)
    (point,) = curta.roofline(books, "NVIDIA H100 80GB HBM3").points
    assert point.best_seconds == 2 * 4096**3 / 989.4e12
    assert point.bound == "arithmetic"
    with curta.account() as books:
        curta.ones(3) + 1
    assert curta.roofline(books).points  # this processor, measured


def test_bad_input() -> None:
    with curta.account() as books:
        curta.ones(3) + 1
    with pytest.raises(ArgumentTypeError, match="roofline: device must be a name, a Peak or Peaks, got int"):
        curta.roofline(books, 3)
    with pytest.raises(ArgumentError, match="roofline: there is a peak in bfloat16, and operators in float32: give"):
        curta.roofline(books, Peak(1e9, "bfloat16", bytes_per_second=1e9))
    with pytest.raises(ArgumentError, match="roofline: there are operators in float32, and no Peak for that"):
        curta.roofline(books, {})
    with pytest.raises(ArgumentError, match="roofline: the peak of a device given by hand has no bytes_per_second"):
        curta.roofline(books, Peak(1e9))
