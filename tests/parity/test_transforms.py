"""Transforms of functions against an installed PyTorch: values, shapes, and who wants a gradient."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import curta

torch = pytest.importorskip("torch")
pytestmark = [pytest.mark.parity, pytest.mark.filterwarnings("ignore")]

X, Y = np.array([0.3, -1.2, 0.8]), np.array([1.1, 0.4, -0.7])
ROWS = np.random.default_rng(1).standard_normal((5, 3))
IMAGES = np.random.default_rng(2).standard_normal((2, 1, 2, 5, 5))


def plain(c: Any, x: Any) -> Any:
    return (x.sin() * x).sum()


def softened(c: Any, x: Any) -> Any:
    return c.nn.functional.softmax(c.from_numpy(ROWS) @ x, 0)


def loss(c: Any, w: Any, x: Any) -> Any:
    return softened(c, w * x)[0]


def pooled(c: Any, images: Any) -> Any:
    F = c.nn.functional
    return (F.max_pool2d(images, 2) ** 2).sum() + (F.avg_pool2d(images, 2) ** 3).sum()


#: (module, x, y, rows) to a tensor, or to nested ones
CASES: dict[str, Any] = {
    "third derivative": lambda c, x, y, rows: c.func.grad(
        lambda x: c.func.grad(lambda x: c.func.grad(lambda x: plain(c, x))(x).sum())(x).sum()
    )(x),
    "two levels": lambda c, x, y, rows: c.func.grad(
        lambda x: c.func.grad(lambda y: (x * y * y).sum())(x).sum())(x),
    "vjp": lambda c, x, y, rows: c.func.vjp(lambda x, y: (x * y, x.exp()), x, y)[1]((x, y)),
    "jvp": lambda c, x, y, rows: c.func.jvp(lambda x, y: (x * y).cumsum(0), (x, y), (y, x)),
    "jvp of jvp": lambda c, x, y, rows: c.func.jvp(
        lambda x: c.func.jvp(lambda z: z**3, (x,), (y,))[1], (x,), (y,)),
    "gradient by a tangent": lambda c, x, y, rows: c.func.grad(
        lambda v: c.func.jvp(lambda z: z**3 * v, (x,), (v,))[1].sum())(y),
    "jacfwd of jacrev": lambda c, x, y, rows: c.func.jacfwd(c.func.jacrev(lambda x: softened(c, x)))(x),
    "jacrev of jacfwd": lambda c, x, y, rows: c.func.jacrev(c.func.jacfwd(lambda x: softened(c, x)))(x),
    "hessian": lambda c, x, y, rows: c.func.hessian(lambda x: softened(c, x)[1])(x),
    "gradients of rows": lambda c, x, y, rows: c.func.vmap(c.func.grad(lambda w, x: loss(c, w, x)), (None, 0))(x, rows),
    "gradient of gradients of rows": lambda c, x, y, rows: c.func.grad(
        lambda x: c.func.vmap(c.func.grad(lambda w, x: loss(c, w, x)), (None, 0))(x, rows).sum())(x),
    "hessian through a map": lambda c, x, y, rows: c.func.hessian(
        lambda rows: c.func.vmap(lambda r: c.nn.functional.layer_norm(r, (3,))[0] ** 2)(rows).sum())(rows),
    "Jacobians of rows": lambda c, x, y, rows: c.func.vmap(c.func.jacrev(lambda x: softened(c, x)))(rows),
    "pooling": lambda c, x, y, rows: c.func.vmap(c.func.grad(lambda i: pooled(c, i)))(c.from_numpy(IMAGES)),
    "promotion": lambda c, x, y, rows: c.func.vmap(lambda r, s: r * s)(rows.float(), rows[:, 0]),
    "largest": lambda c, x, y, rows: c.func.hessian(lambda x: (x.max() * x).sum())(x),
    "older names": lambda c, x, y, rows: (
        c.autograd.functional.jacobian(lambda x, y: x * y, (x, y)),
        c.autograd.functional.hvp(lambda x: (x**3).sum(), x, y),
    ),
}  # fmt: skip


def leaves(made: Any) -> list[Any]:
    return [leaf for one in made for leaf in leaves(one)] if isinstance(made, tuple | list) else [made]


@pytest.mark.parametrize("wants", [False, True], ids=["", "of tensors that want gradients"])
@pytest.mark.parametrize("name", CASES)
def test_as_pytorch(name: str, wants: bool) -> None:
    found, wanted = (
        leaves(CASES[name](c, *(c.tensor(v, dtype=c.float64, requires_grad=wants) for v in (X, Y, ROWS))))
        for c in (curta, torch)
    )
    for one, other in zip(found, wanted, strict=True):
        assert tuple(one.shape) == tuple(other.shape)
        assert str(one.dtype).split(".")[-1] == str(other.dtype).split(".")[-1]
        assert one.requires_grad == other.requires_grad
        np.testing.assert_allclose(one.detach().numpy(), other.detach().numpy(), rtol=1e-7, atol=1e-9)
