"""What tables call the modules that work was done in."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

#: work outside of all modules
OUTSIDE = "-"


class ModuleNames:
    """Names of places (see nn/modules/places.py) among the outermost modules `roots`.

    A place is called by its dotted path, behind the outermost module's name where there are several of those; the
    outermost itself by its class, with a number where there are several of one class.
    """

    def __init__(self, roots: Iterable[Any]) -> None:
        self._roots = list(dict.fromkeys(roots))
        self._owners: dict[Any, str] = {}
        counts: dict[str, int] = {}
        for root in self._roots:
            if root.owner not in self._owners:  # one that has changed meanwhile is the same module
                counts[root.kind] = number = counts.get(root.kind, 0) + 1
                self._owners[root.owner] = root.kind if number == 1 else f"{root.kind}#{number}"
        self._known: dict[tuple[int, int | None], str] = {}

    def name(self, place: Any, depth: int | None = None) -> str:
        """What a place is called, its path cut after `depth` names."""
        if place is None:
            return OUTSIDE
        key = (id(place), depth)
        if key not in self._known:
            self._known[key] = self._named(place, depth)
        return self._known[key]

    def _named(self, place: Any, depth: int | None) -> str:
        owner = self._owners.get(place.root.owner, place.root.kind)
        path = ".".join(place.path.split(".")[:depth]) if place.path else ""
        if not path:
            return str(owner)
        return path if len(self._owners) == 1 else f"{owner}.{path}"

    def in_order(self, depth: int | None = None) -> list[str]:
        """All names, in the order of the models, work outside of them last."""
        places = [place for root in self._roots for place in root.places.values()]
        return [*dict.fromkeys(self.name(place, depth) for place in places), OUTSIDE]
