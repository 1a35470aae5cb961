"""Functions made of functions: gradients, Jacobians, and maps over slices, in any order."""

from curta.func.mapping import looped, vmap

__all__ = ["looped", "vmap"]
