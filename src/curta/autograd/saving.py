"""Whether any node of a dynamic graph has something saved, without a list of them."""

from __future__ import annotations

from sys import getrefcount

#: every node that saved something holds the one object in here until it lets go: its references are their number
TOKEN = (object(),)


def anything_saved() -> bool:
    """Whether a node that is alive has saved something for its backward pass.

    >>> import curta
    >>> x = curta.ones(3, requires_grad=True)
    >>> y = x.exp()
    >>> anything_saved()
    True
    """
    return _references() > _NOBODY


def _references() -> int:
    return getrefcount(TOKEN[0])


# while no node holds the object: interpreters differ
_NOBODY = _references()
