"""`parse_shape` and `asnumpy`."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from curta.einops.find import framework_of
from curta.einops.parse import CACHE_SIZE, ELLIPSIS, side
from curta.einops.plan import spread_ellipsis
from curta.einops.problems import Call, Shape, counted, require_text


def parse_shape(x: Any, pattern: str) -> dict[str, int]:
    """The sizes of a tensor's axes by name, to be passed on; `_` and `...` stand for axes that are not asked for.

    >>> import curta
    >>> from curta.einops import parse_shape, rearrange
    >>> sentences = curta.zeros(4, 6, 32)
    >>> parse_shape(sentences, "sentence word _")
    {'sentence': 4, 'word': 6}
    >>> rearrange(curta.arange(24), "(s w) -> s w", **parse_shape(sentences, "s w _")).shape
    torch.Size([4, 6])
    """
    framework_of("parse_shape", x)
    require_text("parse_shape", "pattern", pattern)
    return dict(_sizes(pattern, tuple(x.shape)))


@lru_cache(maxsize=CACHE_SIZE)
def _sizes(pattern: str, shape: Shape) -> tuple[tuple[str, int], ...]:
    call = Call("parse_shape", pattern, (shape,))
    made = side(call, (0, len(pattern)), also=("_",))
    groups = spread_ellipsis(made, len(shape) - len(made.groups) + 1)
    if len(groups) != len(shape):
        few = "at least " if made.ellipsis else ""
        axes = counted(len(made.groups) - bool(made.ellipsis), "axis")
        raise call.error(f"the pattern is for {few}{axes}, the tensor has {len(shape)}")
    found = []
    for group, size in zip(groups, shape, strict=True):
        if len(group.axes) > 1:
            raise call.error("sizes of several axes do not follow from that of one dimension", group.span)
        fixed = 1 if not group.axes else group.axes[0].size
        if fixed is not None and fixed != size:
            raise call.error(f"the tensor has size {size} there", group.span)
        if fixed is None and not group.axes[0].name.startswith(("_", ELLIPSIS)):
            found.append((group.axes[0].name, size))
    return tuple(found)


def asnumpy(tensor: Any) -> Any:
    """The elements as a NumPy array, sharing memory where the framework can; without gradient history.

    >>> import curta
    >>> from curta.einops import asnumpy
    >>> asnumpy(curta.ones(2, requires_grad=True))
    array([1., 1.], dtype=float32)
    """
    return framework_of("asnumpy", tensor).to_numpy(tensor)
