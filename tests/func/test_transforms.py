"""Gradients, products and Jacobians of functions: by hand, by finite differences, and inside of one another."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import curta
from curta import func
from curta.autograd import functional
from curta.nn import functional as F

X = np.array([0.3, -1.2, 0.8])
A = np.array([[0.5, -1.0, 2.0], [1.5, 0.25, -0.5]])


def tensor(values: Any) -> Any:
    return curta.tensor(values, dtype=curta.float64)


def close(found: Any, wanted: Any, tolerance: float = 1e-9) -> None:
    np.testing.assert_allclose(found.detach().numpy(), wanted, rtol=tolerance, atol=tolerance)


def central(function: Callable[[Any], Any], at: Any, step: float = 1e-5) -> Any:
    """The Jacobian [*output, *input] by central differences."""
    columns = []
    for place in np.ndindex(at.shape):
        sides = []
        for sign in (1, -1):
            moved = at.copy()
            moved[place] += sign * step
            sides.append(function(tensor(moved)).detach().numpy())
        columns.append((sides[0] - sides[1]) / (2 * step))
    return np.stack(columns, -1).reshape(*columns[0].shape, *at.shape)


def softened(x: Any) -> Any:
    return F.softmax(tensor(A) @ x, 0)


# gradients


def test_gradients_of_gradients_by_hand() -> None:
    quartic = lambda x: x**4  # noqa: E731
    at = curta.tensor(2.0)
    for order, wanted in enumerate((16.0, 32.0, 48.0, 48.0, 24.0)):
        made = quartic
        for _ in range(order):
            made = func.grad(made)
        assert made(at).item() == wanted


def test_each_transform_has_a_graph_of_its_own() -> None:
    one = curta.tensor(1.0)
    # d/dx [x * d/dy (x + y)] = 1, where mixed-up levels give 2
    assert func.grad(lambda x: x * func.grad(lambda y: x + y)(one))(one).item() == 1
    assert func.grad(lambda x: func.grad(lambda y: x * y * y)(x))(curta.tensor(3.0)).item() == 12  # d/dx 2 x^2
    assert func.jvp(lambda x: func.jvp(lambda y: x * y, (one,), (one,))[1], (one,), (one,))[1].item() == 1


def test_argnums_containers_and_aux() -> None:
    x, y = tensor(X), tensor(X[::-1].copy())
    both = func.grad(lambda x, y: (x * y * y).sum(), argnums=(0, -1))(x, y)
    close(both[0], X[::-1] ** 2)
    close(both[1], 2 * X * X[::-1])
    made, aux = func.grad(lambda p: ((p["a"] * p["b"][0]).sum(), [p["a"] * 2]), has_aux=True)({"a": x, "b": (y,)})
    close(made["a"], X[::-1])
    close(made["b"][0], X)
    close(aux[0], 2 * X)
    assert not aux[0].requires_grad
    gradient, value = func.grad_and_value(lambda x: (x * x).sum())(x)
    again = func.value_and_grad(lambda x: (x * x).sum())(x)
    close(gradient, 2 * X)
    assert value.item() == again[0].item() == pytest.approx(float((X * X).sum()))
    close(func.grad(lambda x, y: x.sum(), argnums=1)(x, y), np.zeros(3))


def test_results_have_the_history_that_somebody_outside_wants_and_no_more() -> None:
    x, weight = tensor(X), tensor(X + 1).requires_grad_()
    assert not func.grad(lambda x: (x**3).sum())(x).requires_grad
    assert not func.jvp(lambda x: x**3, (x,), (x,))[1].requires_grad
    gradient = func.grad(lambda x: (x * x * weight).sum())(x)
    close(curta.autograd.grad(gradient.sum(), weight)[0], 2 * X)
    inside = func.grad(lambda x: (x**3).sum())(weight)
    close(curta.autograd.grad(inside.sum(), weight)[0], 6 * (X + 1))
    with curta.no_grad():
        plain = func.grad(lambda x: (x**3).sum())(weight)
        assert not plain.requires_grad
        close(plain, 3 * (X + 1) ** 2)
    assert weight.grad is None


def test_no_grad_and_detach_inside_are_respected() -> None:
    def constant_square(x: Any) -> Any:
        with curta.no_grad():
            square = x * x
        return (square * x).sum()

    close(func.grad(constant_square)(tensor(X)), X * X)
    close(func.grad(lambda x: (x.detach() * x).sum())(tensor(X)), X)
    rows = tensor(np.stack([X, 2 * X]))
    found = func.grad(lambda rows: func.vmap(lambda x: (x.detach() * x).sum())(rows).sum())(rows)
    close(found, np.stack([X, 2 * X]))


def test_products_with_jacobians() -> None:
    x = tensor(X)
    jacobian = central(softened, X)
    output, back = func.vjp(softened, x)
    close(output, softened(x).numpy())
    for cotangent in ([1.0, 2.0], [-3.0, 0.5]):
        (found,) = back(tensor(cotangent))
        close(found, np.array(cotangent) @ jacobian, 1e-7)
    output, moved = func.jvp(softened, (x,), (tensor(X[::-1].copy()),))
    close(moved, jacobian @ X[::-1], 1e-7)
    _, along = func.linearize(softened, x)
    for tangent in (X, X[::-1].copy()):
        close(along(tensor(tangent)), jacobian @ tangent, 1e-7)
    _, back, aux = func.vjp(lambda x: ({"a": x * 2}, x), x, has_aux=True)
    close(back({"a": x})[0], 2 * X)
    close(aux, X)
    _, moved, aux = func.jvp(lambda x: ((x * x, x.sum()), x), (x,), (x,), has_aux=True)
    close(moved[0], 2 * X * X)
    assert moved[1].item() == pytest.approx(float(X.sum()))


@pytest.mark.parametrize("second", [func.jacrev, func.jacfwd])
@pytest.mark.parametrize("first", [func.jacrev, func.jacfwd])
def test_jacobians_of_jacobians(first: Any, second: Any) -> None:
    x = tensor(X)
    close(first(softened)(x), central(softened, X), 1e-7)
    close(second(first(softened))(x), central(first(softened), X), 1e-7)


HESSIANS: dict[str, Callable[[Any], Any]] = {
    "product and softmax": lambda x: softened(x)[1],
    "layer norm": lambda x: (F.layer_norm(x, (3,)) ** 3).sum(),
    "gelu": lambda x: (F.gelu(x) * F.log_softmax(x, 0)).sum(),
    "rows by number": lambda x: (x[curta.tensor([2, 0, 0])] ** 3).sum(),
    "slices": lambda x: (x[1:] * x[:-1] ** 2).sum(),
    "written in place": lambda x: written(x),
    "sorted": lambda x: (x.sort().values * x).prod(),
    "running product": lambda x: x.cumprod(0).sum(),
}


def written(x: Any) -> Any:
    copy = x.clone()
    copy[0] = x[1] * x[2]
    copy.mul_(x)
    return (copy * copy).sum()


@pytest.mark.parametrize("name", HESSIANS)
def test_hessians_alone_and_over_slices(name: str) -> None:
    function = HESSIANS[name]
    wanted = [central(func.grad(function), at) for at in (X, X[::-1].copy())]
    close(func.hessian(function)(tensor(X)), wanted[0], 1e-6)
    rows = tensor(np.stack([X, X[::-1]]))
    close(func.vmap(func.hessian(function))(rows), np.stack(wanted), 1e-6)
    inside = func.grad(lambda rows: func.vmap(func.grad(function))(rows).sum())(rows)
    close(inside, np.stack([one.sum(0) for one in wanted]), 1e-6)


def test_jacobians_keep_containers_and_take_rows_by_chunks() -> None:
    x, y = tensor(X), tensor(X + 2)
    both = func.jacrev(lambda x, y: {"s": x * y, "t": (x.sum(),)}, argnums=(0, 1))
    for made in (both(x, y), func.jacfwd(lambda x, y: {"s": x * y, "t": (x.sum(),)}, argnums=(0, 1))(x, y)):
        close(made["s"][0], np.diag(X + 2))
        close(made["s"][1], np.diag(X))
        close(made["t"][0][0], np.ones(3))
        close(made["t"][0][1], np.zeros(3))
    close(func.jacrev(softened, chunk_size=1)(x), central(softened, X), 1e-7)
    made, aux = func.jacrev(lambda x: (x * x, x), has_aux=True)(x)
    close(made, np.diag(2 * X))
    close(aux, X)
    assert func.jacrev(lambda x: x * 2)(curta.zeros(0)).shape == func.jacfwd(lambda x: x * 2)(curta.zeros(0)).shape


# autograd.functional, and gradients of several outputs at once


def test_the_older_names_give_the_same() -> None:
    x, v = tensor(X), tensor(X + 1)
    cubes = lambda x: (x**3).sum()  # noqa: E731
    close(functional.jacobian(softened, x), central(softened, X), 1e-7)
    close(functional.jacobian(softened, x, vectorize=True, strategy="forward-mode"), central(softened, X), 1e-7)
    close(functional.hessian(cubes, x), np.diag(6 * X))
    close(functional.vjp(cubes, x)[1], 3 * X**2)
    close(functional.jvp(lambda x: x**3, x, v)[1], 3 * X**2 * (X + 1))
    for product in (functional.hvp, functional.vhp):
        value, found = product(cubes, x, v)
        assert value.item() == pytest.approx(float((X**3).sum()))
        close(found, 6 * X * (X + 1))
    two = functional.hessian(lambda x, y: (x * y * y).sum(), (x, v))
    close(two[0][0], np.zeros((3, 3)))
    close(two[1][0], np.diag(2 * (X + 1)))
    wanted = tensor(X).requires_grad_()
    made = functional.jacobian(lambda x: x**2, wanted, create_graph=True)
    close(curta.autograd.grad(made.sum(), wanted)[0], np.full(3, 2.0))
    assert not functional.jacobian(lambda x: x**2, wanted).requires_grad
    close(functional.jacobian(lambda x: x**2, x, strict=True), np.diag(2 * X))


def test_gradients_in_batches() -> None:
    x, unused = tensor(X).requires_grad_(), tensor(X).requires_grad_()
    rows = tensor(np.array([[1.0, 0.0, 0.0], [0.0, 2.0, 3.0]]))
    found = curta.autograd.grad(x**2, (x, unused), rows, is_grads_batched=True, allow_unused=True)
    close(found[0], rows.numpy() * 2 * X)
    assert found[1] is None
