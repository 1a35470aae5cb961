"""Promotion against tables that PyTorch 2.13 printed."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from curta import dtypes
from curta.default_dtype import get_default_dtype, set_default_dtype
from curta.dtypes import DType
from curta.errors import ArgumentTypeError, DTypeError
from curta.promotion import can_cast, promote_types, result_type, scalar_dtype

CODES = dict(
    zip(["b1", "u1", "i1", "i2", "i4", "i8", "f2", "bf", "f4", "f8", "u2", "u4", "u8"], dtypes.ALL, strict=True)
)
#: those that PyTorch promotes in every mix
OLDER = dtypes.ALL[:10]

# torch.promote_types(row, column), rows and columns in the order of OLDER
PROMOTE_TYPES = """
b1 u1 i1 i2 i4 i8 f2 bf f4 f8
u1 u1 i2 i2 i4 i8 f2 bf f4 f8
i1 i2 i1 i2 i4 i8 f2 bf f4 f8
i2 i2 i2 i2 i4 i8 f2 bf f4 f8
i4 i4 i4 i4 i4 i8 f2 bf f4 f8
i8 i8 i8 i8 i8 i8 f2 bf f4 f8
f2 f2 f2 f2 f2 f2 f2 f4 f4 f8
bf bf bf bf bf bf f4 bf f4 f8
f4 f4 f4 f4 f4 f4 f4 f4 f4 f8
f8 f8 f8 f8 f8 f8 f8 f8 f8 f8
"""
# torch.result_type(tensor with dims of the row's dtype, zero-dim tensor of the column's dtype)
DIMS_AND_ZERO_DIM = """
b1 u1 i1 i2 i4 i8 f2 bf f4 f8
u1 u1 u1 u1 u1 u1 f2 bf f4 f8
i1 i1 i1 i1 i1 i1 f2 bf f4 f8
i2 i2 i2 i2 i2 i2 f2 bf f4 f8
i4 i4 i4 i4 i4 i4 f2 bf f4 f8
i8 i8 i8 i8 i8 i8 f2 bf f4 f8
f2 f2 f2 f2 f2 f2 f2 f2 f2 f2
bf bf bf bf bf bf bf bf bf bf
f4 f4 f4 f4 f4 f4 f4 f4 f4 f4
f8 f8 f8 f8 f8 f8 f8 f8 f8 f8
"""
# torch.result_type(tensor of the row's dtype, True / 1 / 1.0): the same for tensors with dims and without
TENSOR_AND_NUMBER = """
b1 i8 f4
u1 u1 f4
i1 i1 f4
i2 i2 f4
i4 i4 f4
i8 i8 f4
f2 f2 f2
bf bf bf
f4 f4 f4
f8 f8 f8
"""
# torch.can_cast(row, column)
CAN_CAST = "1111111111 " + "0111111111 " * 5 + "0000001111 " * 4


@pytest.fixture
def restore_default() -> Iterator[None]:
    yield
    set_default_dtype(dtypes.float32)


def rows(table: str) -> list[list[DType]]:
    return [[CODES[code] for code in line.split()] for line in table.strip().splitlines()]


def test_promote_types_is_pytorchs_table() -> None:
    for first, line in zip(OLDER, rows(PROMOTE_TYPES), strict=True):
        assert [promote_types(first, second) for second in OLDER] == line


def test_zero_dim_tensors_only_decide_with_a_higher_category() -> None:
    for first, line in zip(OLDER, rows(DIMS_AND_ZERO_DIM), strict=True):
        for second, expected in zip(OLDER, line, strict=True):
            assert result_type((first, 2), (second, 0)) is expected
            assert result_type((second, 0), (first, 1)) is expected


@pytest.mark.parametrize("rank", [0, 3])
def test_python_numbers_only_decide_with_a_higher_category(rank: int) -> None:
    for dtype, line in zip(OLDER, rows(TENSOR_AND_NUMBER), strict=True):
        assert [result_type((dtype, rank), (scalar_dtype(number), None)) for number in (True, 1, 1.0)] == line


def test_tensors_of_one_class_promote_among_themselves() -> None:
    assert result_type((dtypes.float16, 1), (dtypes.bfloat16, 2)) is dtypes.float32
    assert result_type((dtypes.float16, 0), (dtypes.bfloat16, 0)) is dtypes.float32
    assert result_type((dtypes.int64, None), (dtypes.bool_, None)) is dtypes.int64
    # three classes: torch.result_type of int8[2] with an f16 scalar tensor and a Python float is f16
    assert result_type((dtypes.int8, 1), (dtypes.float16, 0), (dtypes.float32, None)) is dtypes.float16


def test_can_cast_is_pytorchs_table() -> None:
    for source, line in zip(OLDER, CAN_CAST.split(), strict=True):
        assert "".join(str(int(can_cast(source, target))) for target in OLDER) == line


@pytest.mark.usefixtures("restore_default")
def test_default_dtype_is_what_python_floats_get() -> None:
    set_default_dtype(dtypes.float64)
    assert get_default_dtype() is dtypes.float64
    assert scalar_dtype(1.5) is dtypes.float64
    assert result_type((dtypes.int32, 1), (scalar_dtype(1.5), None)) is dtypes.float64


def test_errors() -> None:
    with pytest.raises(ArgumentTypeError, match="complex"):
        scalar_dtype(1j)  # type: ignore[arg-type]
    with pytest.raises(ArgumentTypeError, match="got str"):
        scalar_dtype("1")  # type: ignore[arg-type]
    with pytest.raises(ArgumentTypeError, match="only floating-point types are supported as the default type"):
        set_default_dtype(dtypes.int32)
    with pytest.raises(ArgumentTypeError, match="invalid dtype object"):
        set_default_dtype("float32")  # type: ignore[arg-type]
    with pytest.raises(ArgumentTypeError, match="at least one operand"):
        result_type()


# numpy.promote_types(row, column): the array API standard's table, which has nothing (--) for uint64 and signed formats
UNSIGNED = """
u2 u2 i4 i4 i4 i8 f2 bf f4 f8 u2 u4 u8
u4 u4 i8 i8 i8 i8 f2 bf f4 f8 u4 u4 u8
u8 u8 -- -- -- -- f2 bf f4 f8 u8 u8 u8
"""


def test_unsigned_formats_promote_as_the_standard_says_and_to_floating_point_as_pytorch() -> None:
    for first, line in zip(dtypes.ALL[10:], UNSIGNED.strip().splitlines(), strict=True):
        for second, code in zip(dtypes.ALL, line.split(), strict=True):
            for pair in ((first, second), (second, first)):
                if code == "--":
                    with pytest.raises(DTypeError, match=f"no format holds the values of both {pair[0].name} and"):
                        promote_types(*pair)
                else:
                    assert promote_types(*pair) is CODES[code]
            if first is not second:
                assert result_type((first, 1), (second, 0)) is (CODES[code] if second.category == 2 else first)
