"""Functions made of functions: gradients, Jacobians, and maps over slices, in any order."""

from curta.func.gradients import grad, grad_and_value, jvp, linearize, value_and_grad, vjp
from curta.func.jacobians import hessian, jacfwd, jacrev
from curta.func.mapping import looped, vmap
from curta.func.modules import functional_call, functionalize, replace_all_batch_norm_modules_, stack_module_state

__all__ = [
    "functional_call",
    "functionalize",
    "grad",
    "grad_and_value",
    "hessian",
    "jacfwd",
    "jacrev",
    "jvp",
    "linearize",
    "looped",
    "replace_all_batch_norm_modules_",
    "stack_module_state",
    "value_and_grad",
    "vjp",
    "vmap",
]
