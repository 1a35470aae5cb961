"""What is wrong with a pattern, in words, with the place in the pattern and what it was applied to."""

from __future__ import annotations

import re
from typing import Any, NamedTuple

from curta.errors import ArgumentTypeError, EinopsError

#: where something stands in a pattern: its first character and the one after its last
Span = tuple[int, int]
Shape = tuple[int, ...]
#: the sizes that were given, by axis
Sizes = tuple[tuple[str, int], ...]


class Call(NamedTuple):
    """A call as messages describe it: the operation, its pattern, the shapes of the tensors, the sizes given."""

    operation: str
    pattern: str
    shapes: tuple[Shape, ...] = ()
    sizes: Sizes = ()

    def error(self, message: str, *spans: Span) -> EinopsError:
        """The error to raise: the message, the pattern with carets under `spans`, the shapes and sizes.

        >>> print(Call("rearrange", "a b -> b q", ((2, 3),)).error("what is 'q'?", (9, 10)))
        rearrange: what is 'q'?
            a b -> b q
                     ^
            shape [2, 3]
        """
        lines = [f"{self.operation}: {message}", "    " + re.sub(r"\s", " ", self.pattern).rstrip()]
        if spans:
            marks = [" "] * max(stop for _, stop in spans)
            for start, stop in spans:
                marks[start:stop] = "^" * (stop - start)
            lines.append("    " + "".join(marks))
        about = []
        if self.shapes:
            about.append(("shape " if len(self.shapes) == 1 else "shapes ") + ", ".join(map(listed, self.shapes)))
        if self.sizes:
            about.append(", ".join(f"{name}={size}" for name, size in self.sizes))
        if about:
            lines.append("    " + "; ".join(about))
        return EinopsError("\n".join(lines))


def require_text(operation: str, place: str, value: Any) -> None:
    """ArgumentTypeError for what is no text."""
    if not isinstance(value, str):
        raise ArgumentTypeError(f"{operation}(): argument '{place}' must be str, not {type(value).__name__}")


def listed(shape: Shape) -> str:
    """A shape as messages show it.

    >>> listed((2, 3))
    '[2, 3]'
    """
    return str(list(shape))


def counted(count: int, thing: str) -> str:
    """A number of things in words.

    >>> counted(1, "axis"), counted(3, "axis"), counted(2, "tensor")
    ('1 axis', '3 axes', '2 tensors')
    """
    plural = "axes" if thing == "axis" else f"{thing}s"
    return f"{count} {thing if count == 1 else plural}"
