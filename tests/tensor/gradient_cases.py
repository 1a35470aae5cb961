"""Programs over a tensor x = arange(24).view(2, 3, 4), as PyTorch runs them: their results are in recorded.json.

`python gradient_cases.py` under a Python with PyTorch records them anew.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

Case = Callable[[Any, Any], Any]

#: reading: (library, x) to a tensor
READS: dict[str, Case] = {
    "rows": lambda t, x: x[t.tensor([[0, 1], [1, 1]])],
    "columns twice": lambda t, x: x[:, t.tensor([2, 0, 2])],
    "apart": lambda t, x: x[t.tensor([[0, 1], [1, 1]]), :, t.tensor([2, 0])],
    "adjacent": lambda t, x: x[:, t.tensor([[0, 1], [1, 1]]), t.tensor([2, 0])],
    "integer beside": lambda t, x: x[0, :, t.tensor([2, 0])],
    "ellipsis": lambda t, x: x[..., t.tensor([2, 0])],
    "mask": lambda t, x: x[x.detach() > 5],
    "mask of rows": lambda t, x: x[t.tensor([False, True])],
    "mask and list": lambda t, x: x[:, t.tensor([True, False, True]), [3, 0]],
    "new dimension": lambda t, x: x[None, t.tensor([0, 0])],
    "new before list": lambda t, x: x[:, None, t.tensor([2, 0]), :],
    "mixture": lambda t, x: x[[0, -1], 1:, None, [-1, 2]],
    "true": lambda t, x: x[True],
    "gather": lambda t, x: x.gather(1, t.tensor([[[0, 1, 2, 0]], [[1, 1, 2, 2]]])),
    "take along": lambda t, x: t.take_along_dim(x, t.tensor([[[0], [3], [1]]]), 2),
    "flip": lambda t, x: x.flip(0, 2),
    "tril": lambda t, x: x.tril(-1),
    "triu": lambda t, x: x.transpose(0, 2).triu(1),
    "cat": lambda t, x: t.cat([x, x[:, :1] * 2], 1),
    "stack": lambda t, x: t.stack([x, x * 3], 2),
    "overlapping strides": lambda t, x: x.as_strided((2, 2, 3), (4, 2, 1), 1),
    "diagonal": lambda t, x: x.diagonal(0, 1, 2),
    "roll": lambda t, x: x.roll(1, 1),
    "repeat": lambda t, x: x.repeat(2, 1, 2),
    "index_select": lambda t, x: x.index_select(2, t.tensor([2, 0])),
    "integers": lambda t, x: x[1, 2],
    "slices": lambda t, x: x[:, 1:, ::2],
    "movedim": lambda t, x: x.movedim(0, 2),
    "squeeze": lambda t, x: x.unsqueeze(1).squeeze(1).flatten(1),
    "chunk": lambda t, x: x.chunk(2, 2)[1],
    "unbind": lambda t, x: x.unbind(1)[2],
    "reshape": lambda t, x: x.mT.reshape(-1),
    "expand": lambda t, x: x[:, :1].expand(2, 3, 4),
    "scatter": lambda t, x: x.scatter(2, t.tensor([[[1, 0]], [[2, 3]]]), x[:, :1, :2] * 2),
    "index_add": lambda t, x: x.index_add(1, t.tensor([0, 0]), x[:, :2] * x[:, :2], alpha=2),
    "masked_select": lambda t, x: x.masked_select(t.tensor([True, False, True, True])),
}


def assign(target: Any, index: Any, value: Any) -> None:
    target[index] = value


#: writing: (library, a, v) where a = arange(6).view(2, 3) * v and v = ones(3) wants a gradient
WRITES: dict[str, Callable[[Any, Any, Any], Any]] = {
    "row of a number": lambda t, a, v: assign(a, 0, 5.0),
    "column": lambda t, a, v: assign(a, (slice(None), 1), v[0] * 3),
    "rows": lambda t, a, v: assign(a, t.tensor([1]), v * 2),
    "mask": lambda t, a, v: assign(a, a.detach() > 2, v[1]),
    "pairs": lambda t, a, v: assign(a, (t.tensor([0, 1]), t.tensor([2, 0])), v[:2] * v[1:]),
    "add_": lambda t, a, v: a.add_(v),
    "mul_": lambda t, a, v: a.mul_(2),
    "mul_ into a row": lambda t, a, v: a[0].mul_(v),
    "through the transpose": lambda t, a, v: a.t().add_(1),
    "index_add_": lambda t, a, v: a.index_add_(0, t.tensor([0, 0]), t.stack([v, v * 2])),
    "scatter_add_": lambda t, a, v: a.scatter_add_(1, t.tensor([[0, 0], [2, 2]]), t.stack([v[:2], v[1:]])),
    "scatter_": lambda t, a, v: a.scatter_(1, t.tensor([[0], [2]]), 7.0),
    "zero_ then add_": lambda t, a, v: a.zero_().add_(v),
    "masked_fill_": lambda t, a, v: a.masked_fill_(a.detach() > 3, 0.0),
    "another row": lambda t, a, v: (a[0].mul_(2), a[1])[1],
    "two views": lambda t, a, v: (lambda one, two: (one.mul_(v), two)[1])(a[0], a[:, 0:2]),
    "index_put_": lambda t, a, v: a.index_put_((t.tensor([0, 0]),), t.stack([v, v * 3]), accumulate=True),
    "copy_": lambda t, a, v: a.copy_(v),
    "copy_ into columns": lambda t, a, v: a[:, :2].copy_(v[1:]),
    "fill_": lambda t, a, v: a[1].fill_(3),
    "div_": lambda t, a, v: a.div_(v + 1),
    "sub_ alpha": lambda t, a, v: a[0].sub_(v, alpha=2),
    "clamp_": lambda t, a, v: a.clamp_(1, 3),
}


def read(library: Any, case: Case) -> dict[str, Any]:
    """Value, gradient and second gradient of one reading program."""
    x = library.arange(24.0).reshape(2, 3, 4).requires_grad_()
    y = case(library, x)
    weights = library.arange(y.numel()).reshape(y.shape).to(y.dtype) + 1
    (y * y * weights).sum().backward()
    (first,) = library.autograd.grad((case(library, x) ** 2 * weights).sum(), x, create_graph=True)
    (second,) = library.autograd.grad((first * first).sum(), x)
    return {"value": y.tolist(), "gradient": x.grad.tolist(), "second": second.tolist()}


def write(library: Any, case: Callable[[Any, Any, Any], Any]) -> dict[str, Any]:
    """Result and gradient of one writing program."""
    v = library.ones(3, requires_grad=True)
    a = library.arange(6.0).reshape(2, 3) * v
    made = case(library, a, v)
    made = a if made is None else made
    weights = library.arange(1.0, 1 + made.numel()).reshape(made.shape)
    (made * made * weights).sum().backward()
    return {"value": made.tolist(), "base": a.tolist(), "gradient": v.grad.tolist()}


if __name__ == "__main__":
    import torch

    found = {
        "reads": {name: read(torch, case) for name, case in READS.items()},
        "writes": {name: write(torch, case) for name, case in WRITES.items()},
    }
    Path(__file__).with_name("recorded.json").write_text(json.dumps(found, indent=0).replace("\n", "") + "\n")
