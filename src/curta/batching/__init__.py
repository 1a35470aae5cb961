"""Tensors with an axis that functions do not see: what `curta.func.vmap` maps over, and how operators run on them."""
