"""Packages that are imported when something of theirs is first used.

Importing NumPy takes longer than importing all of Curta, and a program that prints nothing may never need it.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any


class LazyModule:
    """Stands for a package in a module's namespace; under TYPE_CHECKING the package itself stands there.

    >>> LazyModule("math").floor(2.5)
    2
    """

    def __init__(self, name: str) -> None:
        self._name = name

    def __getattr__(self, attribute: str) -> Any:
        found = getattr(import_module(self._name), attribute)
        setattr(self, attribute, found)  # next time it is found without this call
        return found

    def __repr__(self) -> str:
        return f"<lazy {self._name}>"
