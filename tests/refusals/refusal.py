"""One refused call with its error and its words, and the longer programs that such calls need."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Refusal:
    """`call(c)`, with c the module curta or torch, raises `error` with exactly `message`.

    `only_curta` marks what PyTorch takes, or refuses with an AssertionError: Curta's own limits.
    """

    call: Callable[[Any], Any]
    error: type[Exception]
    message: str
    only_curta: bool = False


def F(c: Any) -> Any:
    return c.nn.functional


def loss(c: Any) -> Any:
    return c.zeros(2, requires_grad=True).sum()


def endless() -> list[Any]:
    found: list[Any] = []
    found.append(found)
    return found


def overlapping(c: Any) -> Any:
    return c.zeros(2, requires_grad=True).expand(2, 2)


def grad_to_itself(c: Any) -> None:
    x = c.zeros(2)
    x.grad = x


def wrong_gradient(c: Any, gradient: Any) -> Any:
    class Returns(c.autograd.Function):
        @staticmethod
        def forward(ctx: Any, x: Any) -> Any:
            return x * 2

        @staticmethod
        def backward(ctx: Any, g: Any) -> Any:
            return gradient

    Returns.apply(c.zeros(2, requires_grad=True)).sum().backward()


def double(c: Any) -> Any:
    class Double(c.autograd.Function):
        @staticmethod
        def forward(ctx: Any, x: Any, scale: Any = 2) -> Any:
            ctx.save_for_backward(x)
            return x * 2

        @staticmethod
        @c.autograd.function.once_differentiable
        def backward(ctx: Any, g: Any) -> Any:
            return ctx.saved_tensors[0] * 0 + g * 2

    return Double


def context_of(c: Any) -> Any:
    return double(c).apply(c.zeros(2, requires_grad=True)).grad_fn


def forward_only(c: Any) -> Any:
    class ForwardOnly(c.autograd.Function):
        @staticmethod
        def forward(ctx: Any, x: Any) -> Any:
            return x * 2

    return ForwardOnly


def twice_through_once(c: Any) -> Any:
    x = c.zeros(2, requires_grad=True)
    (gradient,) = c.autograd.grad(double(c).apply(x).sum() * x.sum(), x, create_graph=True)
    gradient.sum().backward()


def saved_after_freeing(c: Any) -> Any:
    y = double(c).apply(c.zeros(2, requires_grad=True))
    y.sum().backward()
    y.grad_fn.saved_tensors


def save_text(c: Any) -> Any:
    class SavesText(c.autograd.Function):
        @staticmethod
        def forward(ctx: Any, x: Any) -> Any:
            ctx.save_for_backward("text")
            return x * 2

    SavesText.apply(c.zeros(2, requires_grad=True))


def backward_twice(c: Any) -> Any:
    y = c.zeros(2, requires_grad=True).exp().sum()
    y.backward()
    y.backward()


def changed_since(c: Any) -> Any:
    x = c.zeros(2, requires_grad=True)
    y = x * 1
    z = (y * y).sum()
    y.add_(1)
    z.backward()


def hook_returning(c: Any, value: Any) -> Any:
    x = c.zeros(2, requires_grad=True)
    x.register_hook(lambda gradient: value)
    x.sum().backward()


def gradcheck(c: Any, f: Any, **options: Any) -> Any:
    return c.autograd.gradcheck(f, (c.zeros(2, dtype=c.float64, requires_grad=True),), **options)


def irregular(c: Any) -> Any:
    noise = iter(range(100))

    class Irregular(c.autograd.Function):
        @staticmethod
        def forward(ctx: Any, x: Any) -> Any:
            return x * 2

        @staticmethod
        def backward(ctx: Any, g: Any) -> Any:
            return g * 2 + next(noise) * 1e-9

    return Irregular.apply


def wrong_rule(c: Any) -> Any:
    class Wrong(c.autograd.Function):
        @staticmethod
        def forward(ctx: Any, x: Any) -> Any:
            return x * 2

        @staticmethod
        def backward(ctx: Any, g: Any) -> Any:
            return g * 3

    return Wrong


def before_init(c: Any, made: Any) -> Any:
    class Early(c.nn.Module):
        def __init__(self) -> None:
            self.part = made()
            super().__init__()

    Early()


def schedule_without_rate(c: Any) -> Any:
    c.optim.lr_scheduler.LRScheduler(c.optim.SGD([c.zeros(1, requires_grad=True)], lr=0.1))
