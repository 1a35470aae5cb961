"""Methods of a tensor: parts of it, read and written."""

from __future__ import annotations

from typing import Any

from curta.methods import late


class IndexingMethods:
    """`tensor[...]` and its relatives."""

    def __getitem__(self: Any, index: Any) -> Any:
        return late.functions.get_item(self, index)

    def __setitem__(self: Any, index: Any, value: Any) -> None:
        late.functions.set_item(self, index, value)
