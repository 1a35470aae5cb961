"""Gradients, vector-Jacobian and Jacobian-vector products of functions, as functions."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any

from curta.autograd.modes import enable_grad
from curta.autograd.state import STATE
from curta.errors import ArgumentTypeError, AutogradError, ShapeError
from curta.func.starts import Graph, finish, start
from curta.func.trees import flatten
from curta.ops.creation import ones_of, zeros_of
from curta.tensor import Tensor

Argnums = int | tuple[int, ...]


def grad(func: Callable[..., Any], argnums: Argnums = 0, has_aux: bool = False) -> Callable[..., Any]:
    """The gradient of a function that gives a tensor without dimensions, by the arguments `argnums`.

    With `has_aux` the function gives (output, aux), and the result is (gradients, aux). Nested tuples, lists and
    dictionaries of tensors are arguments too. ShapeError for an output with dimensions.

    >>> import curta
    >>> curta.func.grad(curta.func.grad(lambda x: x**3))(curta.tensor(2.0))
    tensor(12.)
    """
    both = grad_and_value(func, argnums, has_aux)

    @functools.wraps(func)
    def gradient(*args: Any, **kwargs: Any) -> Any:
        gradients, value = both(*args, **kwargs)
        return (gradients, value[1]) if has_aux else gradients

    return gradient


def grad_and_value(func: Callable[..., Any], argnums: Argnums = 0, has_aux: bool = False) -> Callable[..., Any]:
    """As `grad`, but (gradients, output), or (gradients, (output, aux)).

    >>> import curta
    >>> curta.func.grad_and_value(lambda x: x * x)(curta.tensor(3.0))
    (tensor(6.), tensor(9.))
    """

    @functools.wraps(func)
    def both(*args: Any, **kwargs: Any) -> Any:
        chosen, put = chosen_arguments("grad", args, argnums)
        run = Run("grad", func, chosen, lambda given: (put(given), kwargs), has_aux)
        output = run.result
        if not isinstance(output, Tensor):
            raise AutogradError(f"grad_and_value(f)(*args): Expected f(*args) to return a Tensor, got {type(output)}")
        if output.layout.rank:
            raise ShapeError(
                "grad_and_value(f)(*args): Expected f(*args) to return a scalar Tensor, got tensor with "
                f"{output.layout.rank} dims. Maybe you wanted to use the vjp or jacrev APIs instead?"
            )
        (gradients,) = run.gradients([[ones_of(output.layout)]], keep=False)
        value = run.value()
        return gradients, (value, run.aux) if has_aux else value

    return both


def value_and_grad(func: Callable[..., Any], argnums: Argnums = 0, has_aux: bool = False) -> Callable[..., Any]:
    """As `grad_and_value`, the other way round: (output, gradients), or ((output, aux), gradients).

    >>> import curta
    >>> curta.func.value_and_grad(lambda x: x * x)(curta.tensor(3.0))
    (tensor(9.), tensor(6.))
    """
    both = grad_and_value(func, argnums, has_aux)

    @functools.wraps(func)
    def turned(*args: Any, **kwargs: Any) -> Any:
        return both(*args, **kwargs)[::-1]

    return turned


def vjp(func: Callable[..., Any], *primals: Any, has_aux: bool = False) -> Any:
    """(output, vjp_fn), or (output, vjp_fn, aux): `vjp_fn(cotangents)` gives one gradient for each primal.

    Cotangents have the containers and shapes of the output. `vjp_fn` may be called any number of times.

    >>> import curta
    >>> output, back = curta.func.vjp(lambda x: x * x, curta.tensor([1.0, 2.0]))
    >>> back(curta.tensor([1.0, 10.0]))
    (tensor([ 2., 40.]),)
    """
    if not primals:
        raise AutogradError("vjp(f, *primals): expected at least one primal")
    run = Run("vjp", func, primals, lambda given: (given, {}), has_aux)

    def vjp_fn(*cotangents: Any) -> Any:
        wanted = cotangents[0] if len(cotangents) == 1 else cotangents
        leaves, _ = flatten(wanted)
        check_like("vjp_fn", "cotangents", leaves, run.outputs)
        (found,) = run.gradients([leaves], keep=True)
        return found

    return (run.value(), vjp_fn, run.aux) if has_aux else (run.value(), vjp_fn)


def jvp(
    func: Callable[..., Any],
    primals: tuple[Any, ...],
    tangents: tuple[Any, ...],
    *,
    strict: bool = False,
    has_aux: bool = False,
) -> Any:
    """(output, jvp_out), or (output, jvp_out, aux): how the output changes as the primals move along the tangents.

    Found by differentiating the vector-Jacobian product, which is linear in its vector, by that vector. With `strict`
    an output that does not depend on the primals is an error.

    >>> import curta
    >>> curta.func.jvp(lambda x: x * x, (curta.tensor([1.0, 2.0]),), (curta.tensor([1.0, 10.0]),))
    (tensor([1., 4.]), tensor([ 2., 40.]))
    """
    if not isinstance(primals, tuple) or not isinstance(tangents, tuple):
        raise AutogradError(
            f"jvp(f, primals, tangents): Expected primals and tangents to be tuples, got {type(primals).__name__} and "
            f"{type(tangents).__name__}"
        )
    run = Run("jvp", func, primals, lambda given: (given, {}), has_aux)
    if strict and not all(one.requires_grad for one in run.outputs):
        raise AutogradError(
            "jvp(f, primals, tangents, strict=True): The output of f is independent of the inputs. This is not allowed "
            "with strict=True."
        )
    moved = Forward(run).along(flatten(tangents)[0], keep=False)
    return (run.value(), moved, run.aux) if has_aux else (run.value(), moved)


def linearize(func: Callable[..., Any], *primals: Any) -> tuple[Any, Callable[..., Any]]:
    """(output, jvp_fn): `jvp_fn(*tangents)` is `jvp` at these primals, without running the function again.

    >>> import curta
    >>> output, along = curta.func.linearize(lambda x: x * x, curta.tensor(3.0))
    >>> along(curta.tensor(1.0)), along(curta.tensor(2.0))
    (tensor(6.), tensor(12.))
    """
    run = Run("linearize", func, primals, lambda given: (given, {}), False)
    forward = Forward(run)
    return run.value(), lambda *tangents: forward.along(flatten(tangents)[0], keep=True)


class Run:
    """A function that ran on starts of the tensors in `chosen`, and its graph."""

    def __init__(self, name: str, func: Any, chosen: Any, arguments: Any, has_aux: bool) -> None:
        self.name = name
        enabled = STATE.grad_enabled
        leaves, self._build = flatten(chosen)
        starts = [start(name, leaf) for leaf in leaves]
        args, kwargs = arguments(self._build(starts))
        STATE.transforms += 1
        try:
            with enable_grad():
                made = func(*args, **kwargs)
        finally:
            STATE.transforms -= 1
            finish(starts)
        aux: Any = None
        if has_aux:
            if not isinstance(made, tuple) or len(made) != 2:
                raise AutogradError(
                    f"{name}: output of function f should be a tuple: (output, aux) if has_aux is True, got "
                    f"{type(made)}"
                )
            made, aux = made
        self.result = made
        self.outputs, self._build_outputs = flatten(made)
        for one in self.outputs:
            if not isinstance(one, Tensor):
                raise AutogradError(
                    f"{name}: expected f(*args) to return only tensors, got unsupported type {type(one)}"
                )
        self.graph = Graph(starts, self.outputs, enabled)
        aux_leaves, build = flatten(aux)
        self.aux = build([self.graph.released(leaf) for leaf in aux_leaves])

    def value(self) -> Any:
        """What the function gave, without the history that only the transform needed."""
        return self._build_outputs([self.graph.released(one) for one in self.outputs])

    def gradients(self, cotangents: list[list[Tensor]], *, keep: bool) -> list[Any]:
        """For each list of cotangents, the gradients in the containers of the chosen arguments."""
        found = []
        for one in cotangents:
            found.append(self._build(self.graph.inward(self.graph.back(one, keep=keep))))
        return found

    def like_outputs(self, leaves: list[Any]) -> Any:
        """Leaves in the containers of the function's result."""
        return self._build_outputs(leaves)

    def like_inputs(self, leaves: list[Any]) -> Any:
        """Leaves in the containers of the chosen arguments."""
        return self._build(leaves)


class Forward:
    """The vector-Jacobian product of a run at a vector of zeros: linear, so its derivative by the vector is the
    Jacobian itself."""

    def __init__(self, run: Run) -> None:
        self._run = run
        with enable_grad():
            self._vectors = [start(run.name, zeros_of(one.layout)) for one in run.outputs]
            finish(self._vectors)
            self._products = run.graph.back(self._vectors, keep=True, remember=True)

    def along(self, tangents: Sequence[Any], *, keep: bool) -> Any:
        """The outputs' change, in their containers."""
        run = self._run
        check_like(run.name, "tangents", tangents, run.graph.inputs)
        pairs = [
            (product, tangent)
            for product, tangent in zip(self._products, tangents, strict=True)
            if product is not None and product.requires_grad
        ]
        graph = Graph(self._vectors, [product for product, _ in pairs], run.graph.enabled)
        given = [tangent for _, tangent in pairs]
        remembered = graph.remembers(given) or run.graph.linked or run.graph.outer
        found = graph.back(given, keep=keep or run.graph.linked, remember=remembered)
        return run.like_outputs(graph.inward(found))


def check_like(name: str, what: str, given: Sequence[Any], wanted: Sequence[Tensor]) -> None:
    """AutogradError for other numbers or shapes than `wanted`, ArgumentTypeError for what is no tensor."""
    if len(given) != len(wanted):
        raise AutogradError(f"{name}: expected {len(wanted)} {what}, got {len(given)}")
    for one, other in zip(given, wanted, strict=True):
        if not isinstance(one, Tensor):
            raise ArgumentTypeError(f"{name}: expected {what} to be tensors, got {type(one).__name__}")
        if one.layout.shape != other.layout.shape:
            raise AutogradError(f"{name}: expected {what} of {other.layout}, got {one.layout}")


def chosen_arguments(name: str, args: tuple[Any, ...], argnums: Argnums) -> tuple[Any, Callable[[Any], Any]]:
    """The arguments that `argnums` names, and what puts others in their place."""
    several = isinstance(argnums, tuple)
    numbers = argnums if isinstance(argnums, tuple) else (argnums,)
    if not numbers:
        raise AutogradError(f"{name}: argnums must be non-empty")
    for number in numbers:
        if type(number) is not int:
            raise AutogradError(f"{name}: argnums must be int or Tuple[int, ...], got: {type(number)}")
        if not -len(args) <= number < len(args):
            raise AutogradError(f"{name}: Got argnum={number}, but only {len(args)} positional inputs")
    places = [number % len(args) for number in numbers]
    if len(set(places)) < len(places):
        raise AutogradError(f"{name}: argnums elements must be unique, got {argnums}")

    def put(given: Any) -> tuple[Any, ...]:
        own = list(args)
        for place, value in zip(places, given if several else (given,), strict=True):
            own[place] = value
        return tuple(own)

    chosen = tuple(args[place] for place in places)
    return (chosen if several else chosen[0]), put
