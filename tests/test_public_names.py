"""`curta.__all__` is the one list of what is public: nothing is missing, and every function has one home."""

from __future__ import annotations

import pkgutil
from types import ModuleType

import curta
from curta import functions


def test_all_has_no_name_twice() -> None:
    assert len(set(curta.__all__)) == len(curta.__all__)


def test_all_is_what_the_namespace_holds_but_for_submodules() -> None:
    submodules = {module.name for module in pkgutil.iter_modules(curta.__path__)}
    there = {name for name in vars(curta) if not name.startswith("__")}
    assert there - set(curta.__all__) <= submodules
    assert set(curta.__all__) - {"__version__"} <= there


def test_a_public_function_is_the_one_of_its_family() -> None:
    for name in curta.__all__:
        if not isinstance(getattr(functions, name, curta), ModuleType):
            assert getattr(curta, name) is getattr(functions, name), name


def test_a_function_that_is_not_public_changes_its_argument_or_serves_a_method() -> None:
    here = {name for name, value in vars(functions).items() if not isinstance(value, ModuleType) and name[:2] != "__"}
    hidden = {name for name in here - set(curta.__all__) if not name.endswith("_")}
    methods = {
        "contiguous",
        "expand",
        "expand_as",
        "is_set_to",
        "repeat",
        "reshape_as",
        "sum_to_size",
        "to",
        "unfold",
        "view",
        "view_as",
    }
    assert hidden - methods == {
        "cast", "conjugate_transpose", "get_item", "in_place", "matrix_transpose", "reversed_dims", "set_item",
    }  # fmt: skip
    assert all(hasattr(curta.Tensor, name) for name in methods)


def test_every_public_function_says_what_it_does() -> None:
    silent = [name for name in curta.__all__ if callable(getattr(curta, name)) and not getattr(curta, name).__doc__]
    assert silent == []
