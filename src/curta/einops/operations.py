"""`rearrange`, `reduce`, `repeat` and `einsum`."""

from __future__ import annotations

from typing import Any

from curta.einops.find import DIRECT, contracted, framework_of, one_framework
from curta.einops.problems import Call, listed, require_text
from curta.einops.reductions import NAMES, Reduction, check_reduction
from curta.errors import ArgumentTypeError
from curta.functions.movement import integer


def rearrange(tensor: Any, pattern: str, **axes_lengths: int) -> Any:
    """The tensor's axes in another order, split and merged: `"b (h p) -> (b h) p"`.

    A permutation or a split is a view of the same memory; merging axes copies only where they do not follow each other
    in memory. A list of tensors counts as one with a new first axis. Sizes that do not follow from the shape are passed
    by name. The result is of the tensor's own kind: of Curta, NumPy, PyTorch, or an array of the array API standard.
    EinopsError where pattern, shape and sizes do not fit.

    >>> import curta
    >>> from curta.einops import rearrange
    >>> tokens = curta.zeros(8, 16, 96)
    >>> rearrange(tokens, "batch time width -> width batch time").shape
    torch.Size([96, 8, 16])
    >>> rearrange(tokens, "b (t n) (h d) -> b h t (n d)", n=2, h=6).shape
    torch.Size([8, 6, 8, 32])
    """
    return _transform("rearrange", None, tensor, pattern, axes_lengths)


def reduce(tensor: Any, pattern: str, reduction: Reduction, **axes_lengths: int) -> Any:
    """The axes that are on the left side only, reduced: `"b c (h 2) (w 2) -> b c h w"` with "max" pools.

    `reduction` is "sum", "mean", "max", "min", "prod", "any" or "all", or a function of a tensor and a tuple of
    dimensions. On Curta's tensors it is one kernel, whatever order the axes have. Otherwise as `rearrange`; DTypeError
    for the mean of whole numbers.

    >>> import curta
    >>> from curta.einops import reduce
    >>> reduce(curta.arange(8), "(a 2) -> a", "max")
    tensor([1, 3, 5, 7])
    >>> reduce(curta.ones(2, 3, 4), "b h w -> w b", "sum").shape
    torch.Size([4, 2])
    """
    if reduction not in NAMES and not callable(reduction):
        check_reduction(pattern, reduction)
    return _transform("reduce", reduction, tensor, pattern, axes_lengths)


def repeat(tensor: Any, pattern: str, **axes_lengths: int) -> Any:
    """The tensor repeated along axes that are on the right side only: `"h w -> h w c"` with c=3, `"h -> (h 2)"`.

    On Curta's tensors new axes that are not merged with others take no memory: they are a view, as `expand` gives.
    Otherwise as `rearrange`.

    >>> import curta
    >>> from curta.einops import repeat
    >>> repeat(curta.tensor([1, 2]), "a -> (a 2)"), repeat(curta.tensor([1, 2]), "a -> (n a)", n=2)
    (tensor([1, 1, 2, 2]), tensor([1, 2, 1, 2]))
    """
    return _transform("repeat", None, tensor, pattern, axes_lengths)


def einsum(*tensors_and_pattern: Any) -> Any:
    """A sum of products over named axes: the tensors, then the pattern.

    Axes that the result does not have are summed; one that stands twice in a tensor is its diagonal; '...' broadcasts.
    On Curta's tensors it is matrix products, the cheapest pair of tensors first; other frameworks' own einsum does it
    for theirs. EinopsError where pattern and shapes do not fit.

    >>> import curta
    >>> from curta.einops import einsum
    >>> einsum(curta.ones(2, 3), curta.ones(3, 4), "a b, b c -> a c").shape
    torch.Size([2, 4])
    >>> einsum(curta.tensor([[1, 2], [3, 4]]), "i i ->")
    tensor(5)
    """
    if len(tensors_and_pattern) == 3 and isinstance(tensors_and_pattern[2], str):
        first, second, pattern = tensors_and_pattern
        kind = type(first)
        direct = DIRECT.get((pattern, kind))
        if direct is not None and type(second) is kind and 1 not in first.shape and 1 not in second.shape:
            own, text, refusal = direct
            try:
                return own(text, first, second)
            except refusal:
                pass  # what follows says why in the pattern's own words
    if not tensors_and_pattern or not isinstance(tensors_and_pattern[-1], str):
        raise ArgumentTypeError("einsum(): the last argument must be the pattern")
    tensors, pattern = tensors_and_pattern[:-1], tensors_and_pattern[-1]
    if not tensors:
        raise ArgumentTypeError("einsum(): at least one tensor must come before the pattern")
    return contracted(pattern, tensors)


def _transform(
    operation: str, reduction: Reduction | None, tensor: Any, pattern: str, axes_lengths: dict[str, int]
) -> Any:
    if type(tensor) is list or type(tensor) is tuple:
        tensor = _stacked(operation, tensor, pattern)
    framework = framework_of(operation, tensor)
    for size in axes_lengths.values():
        if type(size) is not int:
            axes_lengths = {name: integer(operation, given, name) for name, given in axes_lengths.items()}
            break
    if not isinstance(pattern, str):
        require_text(operation, "pattern", pattern)
    return framework.transform(operation, reduction, pattern, tensor, tuple(axes_lengths.items()))


def _stacked(operation: str, tensors: Any, pattern: str) -> Any:
    """A list of tensors as one, with a first axis for the list."""
    if not tensors:
        raise ArgumentTypeError(f"{operation}(): the list of tensors is empty")
    framework = one_framework(operation, tensors)
    shapes = [tuple(one.shape) for one in tensors]
    if any(shape != shapes[0] for shape in shapes):
        different = next(shape for shape in shapes if shape != shapes[0])
        raise Call(operation, pattern).error(
            f"the tensors of a list must have one shape, these have {listed(shapes[0])} and {listed(different)}"
        )
    return framework.stack(tensors)
