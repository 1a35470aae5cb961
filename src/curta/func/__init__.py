"""Functions made of functions: gradients, Jacobians, and maps over slices, in any order."""

from curta.func.gradients import grad, grad_and_value, jvp, linearize, vjp
from curta.func.jacobians import hessian, jacfwd, jacrev
from curta.func.mapping import looped, vmap

__all__ = [
    "grad",
    "grad_and_value",
    "hessian",
    "jacfwd",
    "jacrev",
    "jvp",
    "linearize",
    "looped",
    "vjp",
    "vmap",
]
