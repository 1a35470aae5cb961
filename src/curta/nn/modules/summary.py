"""A module as a table for notebooks: its layers, the shapes of what they hold, and how many parameters."""

from __future__ import annotations

from typing import TYPE_CHECKING

from curta import markup

if TYPE_CHECKING:
    from curta.nn.modules.module import Module
    from curta.tensor import Tensor

#: a notebook is no place for more rows than this
_MAXIMUM_ROWS = 500


def _shape_text(name: str, tensor: Tensor, note: str) -> str:
    sizes = " × ".join(map(str, tensor.layout.shape)) or "1"
    return f"{name} {sizes}{note}"


def _row(path: str, module: Module, seen: dict[int, str]) -> tuple[list[str], int]:
    """A layer's row, and how many parameters of its own no layer before has; `seen` says where those before are."""
    shapes, count = [], 0
    for name, parameter in module._parameters.items():
        if parameter is None:
            continue
        first = seen.setdefault(id(parameter), f"{path}.{name}" if path else name)
        if first != (f"{path}.{name}" if path else name):
            shapes.append(_shape_text(name, parameter, f" (that of {first})"))
            continue
        count += parameter.numel()
        shapes.append(_shape_text(name, parameter, "" if parameter.requires_grad else " (frozen)"))
    shapes += [_shape_text(name, buffer, " (buffer)") for name, buffer in module._buffers.items() if buffer is not None]
    extra = " ".join(module.extra_repr().split())
    kind = f"{type(module).__name__}({extra})" if extra else type(module).__name__
    return [path or "(itself)", kind, ", ".join(shapes), f"{count:,}" if count else ""], count


def html(module: Module) -> str:
    """The table that Jupyter shows for a module.

    A parameter that several layers share counts where it is first. More than 500 layers are cut off, and counted.

    >>> from curta import nn
    >>> html(nn.Linear(3, 4)).splitlines()[6]
    '<tr><td style="text-align: left">(itself)</td><td style="text-align: left">Linear(in_features=3, ...</tr>'
    """
    seen: dict[int, str] = {}
    rows, total = [], 0
    for path, layer in module.named_modules():
        row, count = _row(path, layer, seen)
        rows.append(row)
        total += count
    trained = sum(parameter.numel() for parameter in module.parameters() if parameter.requires_grad)
    left_out = len(rows) - _MAXIMUM_ROWS
    if left_out > 0:
        rows[_MAXIMUM_ROWS:] = [["…", f"{left_out:,} more layers", "", ""]]
    caption = f"{type(module).__name__}: {total:,} parameters, of which {trained:,} are trained"
    return markup.table(caption, ["layer", "module", "holds", "parameters"], rows, ["total", "", "", f"{total:,}"], 3)
