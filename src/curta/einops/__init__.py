"""Axes by name: `rearrange`, `reduce`, `repeat`, `einsum`, `pack` and their relatives, as in the package `einops`.

A pattern is parsed (`parse`, `formula`), checked against the operation (`rules`), planned for a shape (`plan`) and
applied by a framework (`frameworks`; Curta's own in `tensors` and `contraction`). Each step is kept, so that a repeated
call looks up what to run. The layers are `curta.nn.Rearrange`, `Reduce` and `EinMix`.
"""

from curta.einops import original
from curta.einops.asking import asnumpy, parse_shape
from curta.einops.operations import einsum, rearrange, reduce, repeat
from curta.einops.packing import pack, unpack

original.attend()

__all__ = ["asnumpy", "einsum", "pack", "parse_shape", "rearrange", "reduce", "repeat", "unpack"]
