"""The table of operators is complete, and every operator in it is tested by name."""

from __future__ import annotations

import importlib
import pkgutil
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))
from cases import CASES

import curta.ops
from curta.ops.record import Op
from curta.ops.table import TABLE

TESTS = Path(__file__).parent.parent
FAMILIES = ("choice", "comparison", "division", "elementwise", "mathematics")


def constants(module_name: str) -> dict[str, Op]:
    module = importlib.import_module(f"curta.ops.{module_name}")
    return {name: value for name, value in vars(module).items() if isinstance(value, Op) and name.isupper()}


MODULES = [info.name for info in pkgutil.iter_modules(curta.ops.__path__)]


@pytest.mark.parametrize("module", MODULES)
def test_every_operator_is_in_the_table(module: str) -> None:
    known = {id(op) for op in TABLE}
    missing = [name for name, op in constants(module).items() if not name.startswith("_") and id(op) not in known]
    assert missing == []


def test_each_once() -> None:
    assert len({id(op) for op in TABLE}) == len(TABLE)


@pytest.mark.parametrize("module", FAMILIES)
def test_every_elementwise_operator_has_a_case(module: str) -> None:
    covered = {id(case.op) for case in CASES}
    defined = {n: op for n, op in constants(module).items() if not n.startswith("_") and n != "ZERO_OF"}
    assert [name for name, op in defined.items() if id(op) not in covered] == []


def test_every_field_is_filled() -> None:
    for op in TABLE:
        assert callable(op.infer), op
        assert callable(op.cost), op
