"""Group normalization: x is [N, groups, channels of a group, elements], weight and bias [1, groups, channels, 1].

`count`, the elements of a group, comes as a run-time number, so that a kernel serves every size.
"""

from __future__ import annotations

from typing import Any

from curta.ops.composition import derived
from curta.ops.rows import cast, total, wide


def _normalized(x: Any, count: Any, eps: float) -> Any:
    x = wide(x)
    centred = x - total(x, (2, 3)) / count
    var = total(centred * centred, (2, 3)) / count
    return centred * (var + eps).rsqrt()


def _group_norm_body(x: Any, weight: Any, bias: Any, count: Any, *, eps: float) -> Any:
    return cast(_normalized(x, count, eps) * wide(weight) + wide(bias), x.layout.dtype)


def _plain_body(x: Any, count: Any, *, eps: float) -> Any:
    return cast(_normalized(x, count, eps), x.layout.dtype)


GROUP_NORM = derived("group_norm", _group_norm_body)
PLAIN_GROUP_NORM = derived("plain_group_norm", _plain_body)
