"""Methods of a tensor: parts of it, read and written."""

from __future__ import annotations

from typing import Any

from curta.methods import late
from curta.methods.movement import forward


class IndexingMethods:
    """`tensor[...]` and its relatives."""

    def __getitem__(self: Any, index: Any) -> Any:
        return late.functions.get_item(self, index)

    def __setitem__(self: Any, index: Any, value: Any) -> None:
        late.functions.set_item(self, index, value)


forward(
    IndexingMethods,
    "index_select", "gather", "take_along_dim", "masked_select", "nonzero", "index_put", "index_put_", "index_add",
    "index_add_", "index_copy_", "index_fill_", "scatter", "scatter_", "scatter_add", "scatter_add_",
)  # fmt: skip
