"""Every optimizer's rule in float64 NumPy, written from its paper and PyTorch's documentation, not from Curta."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import product
from typing import Any

import numpy as np

Array = Any
#: the state of one parameter, the gradient, the parameter, the number of the step from 1, the arguments
Rule = Callable[[dict[str, Any], Array, Array, int, dict[str, Any]], Array]


def combinations(**choices: Any) -> Iterator[dict[str, Any]]:
    """Every way to choose one value for each argument."""
    for values in product(*choices.values()):
        yield dict(zip(choices, values, strict=True))


def sgd(state: dict[str, Any], g: Array, p: Array, t: int, a: dict[str, Any]) -> Array:
    if a["momentum"]:
        b = g.copy() if t == 1 else a["momentum"] * state["b"] + (1 - a.get("dampening", 0)) * g
        state["b"] = b
        g = g + a["momentum"] * b if a.get("nesterov") else b
    return p - a["lr"] * g


def adagrad(state: dict[str, Any], g: Array, p: Array, t: int, a: dict[str, Any]) -> Array:
    total = state.get("sum", np.full_like(p, a["initial_accumulator_value"])) + g**2
    state["sum"] = total
    return p - a["lr"] / (1 + (t - 1) * a["lr_decay"]) * g / (np.sqrt(total) + a["eps"])


def rmsprop(state: dict[str, Any], g: Array, p: Array, t: int, a: dict[str, Any]) -> Array:
    state["v"] = a["alpha"] * state.get("v", 0) + (1 - a["alpha"]) * g**2
    spread = state["v"]
    if a["centered"]:
        state["m"] = a["alpha"] * state.get("m", 0) + (1 - a["alpha"]) * g
        spread = spread - state["m"] ** 2
    move = g / (np.sqrt(spread) + a["eps"])
    state["b"] = a["momentum"] * state.get("b", 0) + move
    return p - a["lr"] * state["b"]


def moments(state: dict[str, Any], g: Array, a: dict[str, Any]) -> tuple[Array, Array]:
    b1, b2 = a["betas"]
    state["m"] = b1 * state.get("m", 0) + (1 - b1) * g
    state["v"] = b2 * state.get("v", 0) + (1 - b2) * g**2
    return state["m"], state["v"]


def adam(state: dict[str, Any], g: Array, p: Array, t: int, a: dict[str, Any]) -> Array:
    (b1, b2), (m, v) = a["betas"], moments(state, g, a)
    if a["amsgrad"]:
        v = state["largest"] = np.maximum(state.get("largest", 0), v)
    return p - a["lr"] * (m / (1 - b1**t)) / (np.sqrt(v / (1 - b2**t)) + a["eps"])


def adamax(state: dict[str, Any], g: Array, p: Array, t: int, a: dict[str, Any]) -> Array:
    b1, b2 = a["betas"]
    state["m"] = b1 * state.get("m", 0) + (1 - b1) * g
    state["u"] = np.maximum(b2 * state.get("u", 0), np.abs(g) + a["eps"])
    return p - a["lr"] / (1 - b1**t) * state["m"] / state["u"]


def nadam(state: dict[str, Any], g: Array, p: Array, t: int, a: dict[str, Any]) -> Array:
    (b1, b2), (m, v) = a["betas"], moments(state, g, a)
    now, following = (b1 * (1 - 0.5 * 0.96 ** (s * a["momentum_decay"])) for s in (t, t + 1))
    state["product"] = state.get("product", 1.0) * now
    ahead = following * m / (1 - state["product"] * following) + (1 - now) * g / (1 - state["product"])
    return p - a["lr"] * ahead / (np.sqrt(v / (1 - b2**t)) + a["eps"])


def radam(state: dict[str, Any], g: Array, p: Array, t: int, a: dict[str, Any]) -> Array:
    (b1, b2), (m, v) = a["betas"], moments(state, g, a)
    limit = 2 / (1 - b2) - 1
    length = limit - 2 * t * b2**t / (1 - b2**t)
    move = m / (1 - b1**t)
    if length > 5:
        r = np.sqrt((length - 4) * (length - 2) * limit / ((limit - 4) * (limit - 2) * length))
        move = move * r * np.sqrt(1 - b2**t) / (np.sqrt(v) + a["eps"])
    return p - a["lr"] * move


def adadelta(state: dict[str, Any], g: Array, p: Array, t: int, a: dict[str, Any]) -> Array:
    rho, eps = a["rho"], a["eps"]
    state["v"] = rho * state.get("v", 0) + (1 - rho) * g**2
    move = np.sqrt((state.get("d", 0) + eps) / (state["v"] + eps)) * g
    state["d"] = rho * state.get("d", 0) + (1 - rho) * move**2
    return p - a["lr"] * move


def rprop(state: dict[str, Any], g: Array, p: Array, t: int, a: dict[str, Any]) -> Array:
    sizes, before = state.get("sizes", np.full_like(p, a["lr"])), state.get("g", np.zeros_like(p))
    agree = np.sign(g * before)
    sizes = np.where(agree > 0, sizes * a["etas"][1], np.where(agree < 0, sizes * a["etas"][0], sizes))
    sizes = state["sizes"] = np.clip(sizes, *a["step_sizes"])
    g = state["g"] = np.where(agree < 0, 0, g)
    return p - np.sign(g) * sizes


def asgd(state: dict[str, Any], g: Array, p: Array, t: int, a: dict[str, Any]) -> Array:
    eta, mu = state.get("eta", a["lr"]), state.get("mu", 1.0)
    p = p * (1 - a["lambd"] * eta) - eta * g
    state["average"] = state.get("average", 0) + mu * (p - state.get("average", 0))
    state["eta"] = a["lr"] / (1 + a["lambd"] * a["lr"] * t) ** a["alpha"]
    state["mu"] = 1 / max(1, t - a["t0"])
    return p


def adafactor(state: dict[str, Any], g: Array, p: Array, t: int, a: dict[str, Any]) -> Array:
    eps1, eps2 = a["eps"]
    eps1 = np.finfo(np.float64).eps if eps1 is None else eps1
    weight = t ** a["beta2_decay"]
    size = max(eps2, np.sqrt(np.mean(state["before decay"] ** 2))) * min(a["lr"], 1 / np.sqrt(t))

    def average(name: str, value: Array) -> Array:
        state[name] = state.get(name, 0) + weight * (value - state.get(name, 0))
        return state[name]

    if g.ndim > 1:
        rows, columns = average("r", (g**2).mean(-1, keepdims=True)), average("c", (g**2).mean(-2, keepdims=True))
        v = rows @ columns / np.maximum(rows.mean(-2, keepdims=True), eps1)
    else:
        v = average("v", g**2)
    move = g / np.sqrt(np.maximum(v, eps1**2))
    return p - size * move / max(1, np.sqrt(np.mean(move**2)) / a["d"])


#: optimizer -> its rule, and whether its weight decay shrinks the parameter, given the arguments
RULES: dict[str, tuple[Rule, Callable[[dict[str, Any]], bool]]] = {
    "SGD": (sgd, lambda a: False),
    "Adagrad": (adagrad, lambda a: False),
    "RMSprop": (rmsprop, lambda a: False),
    "Adam": (adam, lambda a: a.get("decoupled_weight_decay", False)),
    "AdamW": (adam, lambda a: True),
    "Adamax": (adamax, lambda a: False),
    "NAdam": (nadam, lambda a: a.get("decoupled_weight_decay", False)),
    "RAdam": (radam, lambda a: a.get("decoupled_weight_decay", False)),
    "Adadelta": (adadelta, lambda a: False),
    "Rprop": (rprop, lambda a: False),
    "ASGD": (asgd, lambda a: False),
    "Adafactor": (adafactor, lambda a: True),
}

BOTH = (False, True)
DECAY = {"weight_decay": (0, 0.1), "maximize": BOTH}
BETAS = {"betas": ((0.8, 0.95),), "eps": (1e-3,)}
#: every combination of the arguments that choose between formulas; the others have values that show
ARGUMENTS: dict[str, list[dict[str, Any]]] = {
    "SGD": [
        *combinations(lr=(0.02,), momentum=(0, 0.9), dampening=(0, 0.3), **DECAY),
        *combinations(lr=(0.02,), momentum=(0.9,), nesterov=(True,), **DECAY),
    ],
    "Adagrad": [*combinations(lr=(0.3,), lr_decay=(0, 0.1), initial_accumulator_value=(0, 0.2), eps=(1e-4,), **DECAY)],
    "RMSprop": [
        *combinations(lr=(0.05,), alpha=(0.9,), eps=(1e-2,), momentum=(0, 0.8), centered=BOTH, **DECAY),
    ],
    "Adam": [*combinations(lr=(0.1,), amsgrad=BOTH, decoupled_weight_decay=BOTH, **BETAS, **DECAY)],
    "AdamW": [*combinations(lr=(0.1,), amsgrad=BOTH, **BETAS, **DECAY)],
    "Adamax": [*combinations(lr=(0.1,), **BETAS, **DECAY)],
    "NAdam": [*combinations(lr=(0.1,), momentum_decay=(0.2,), decoupled_weight_decay=BOTH, **BETAS, **DECAY)],
    "RAdam": [*combinations(lr=(0.1,), decoupled_weight_decay=BOTH, **BETAS, **DECAY)],
    "Adadelta": [*combinations(lr=(2.0,), rho=(0.8,), eps=(1e-3,), **DECAY)],
    "Rprop": [*combinations(lr=(0.1,), etas=((0.4, 1.3),), step_sizes=((0.01, 0.5),), maximize=BOTH)],
    "ASGD": [*combinations(lr=(0.05,), lambd=(0.3,), alpha=(0.6,), t0=(1e6, 8.0), **DECAY)],
    "Adafactor": [*combinations(lr=(0.3,), beta2_decay=(-0.6,), eps=((None, 0.2), (0.3, 5.0)), d=(1.5,), **DECAY)],
}


def run(name: str, arguments: dict[str, Any], start: Array, gradient_at: Callable[[Array], Array], steps: int) -> Any:
    """The parameter after each step."""
    rule, decoupled = RULES[name]
    state: dict[str, Any] = {}
    p = np.array(start, dtype=np.float64)
    found = []
    for t in range(1, steps + 1):
        g = -gradient_at(p) if arguments.get("maximize") else gradient_at(p)
        state["before decay"] = p
        decay = arguments.get("weight_decay", 0)
        if decay and decoupled(arguments):
            p = p * (1 - arguments["lr"] * decay)
        elif decay:
            g = g + decay * p
        p = rule(state, g, p, t, arguments)
        found.append(p)
    return np.array(found)
