"""When something that programs rely on was last changed under their feet."""

from __future__ import annotations


class Changes:
    """`last` is another object after every change of what `curta.compile` recorded as given.

    That is: a tensor is given other memory, another layout or another wish for a gradient; a module another mode, part
    or parameter. Programs compare it at every call, and look at everything only where it is another one.
    """

    __slots__ = ("last",)

    def __init__(self) -> None:
        self.last = object()

    def note(self) -> None:
        """Something of the kind has just been changed."""
        self.last = object()


CHANGES = Changes()
