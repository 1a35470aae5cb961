"""`curta.einsum`: sums of products by single letters, as `torch.einsum` writes them."""

from __future__ import annotations

from collections.abc import Sequence
from string import ascii_letters
from typing import Any

from curta.einops.contraction import contract
from curta.errors import ArgumentError, ArgumentTypeError, DTypeError, ShapeError
from curta.functions.operands import tensor
from curta.tensor import Tensor

#: by the numbers that lists of dimensions may have in place of letters
_LETTERS = ascii_letters[26:] + ascii_letters[:26]


def einsum(*args: Any) -> Tensor:
    """A sum of products: the equation, then the tensors; or each tensor with the list of its dimensions' numbers.

    Without `->` the result has the letters that stand once, in alphabetic order. '...' broadcasts, as do sizes of 1;
    a letter twice in a tensor is its diagonal. It is matrix products, the cheapest pair of tensors first.
    ArgumentError, ArgumentTypeError, ShapeError, DTypeError or EinopsError where equation and tensors do not fit.

    >>> import curta
    >>> curta.einsum("ij,jk", curta.ones(2, 3), curta.ones(3, 4)).shape
    torch.Size([2, 4])
    >>> curta.einsum(curta.tensor([[1, 2], [3, 4]]), [0, 0], [])
    tensor(5)
    """
    if len(args) < 2:
        raise ArgumentError(
            "einsum(): must specify the equation string and at least one operand, or at least one operand and its "
            "subscripts list"
        )
    if isinstance(args[0], Tensor):
        equation, operands = _of_lists(args)
    else:
        equation, operands = args[0], list(args[1:])
        if len(operands) == 1 and isinstance(operands[0], (list, tuple)):
            operands = list(operands[0])
    if not isinstance(equation, str):
        raise ArgumentTypeError(
            f"einsum(): argument 'equation' (position 1) must be str, not {type(equation).__name__}"
        )
    tensors = [tensor("einsum", one, "operands") for one in operands]
    for one in tensors[1:]:
        if one.layout.dtype is not tensors[0].layout.dtype:
            raise DTypeError(f"einsum(): operands must have the same dtype, got {tensors[0].layout} and {one.layout}")
    result: Tensor = contract(_named(equation, len(tensors)), tensors, broadcast=True)
    return result


def _of_lists(args: Sequence[Any]) -> tuple[str, list[Any]]:
    """The equation and the operands of `einsum(a, [0, 1], b, [1, 2], [0, 2])`."""
    *pairs, result = args if len(args) % 2 else (*args, None)
    equation = ",".join(_letters(dims) for dims in pairs[1::2])
    return (equation if result is None else f"{equation}->{_letters(result)}"), pairs[::2]


def _letters(dims: Any) -> str:
    if not isinstance(dims, (list, tuple)):
        raise ArgumentTypeError(f"einsum(): a list of dimensions must follow each operand, not {type(dims).__name__}")
    for dim in dims:
        if dim is not Ellipsis and not (isinstance(dim, int) and 0 <= dim < 52):
            raise ArgumentError("einsum(): subscript in subscript list is not within the valid range [0, 52)")
    return "".join("..." if dim is Ellipsis else _LETTERS[dim] for dim in dims)


def _named(equation: str, count: int) -> str:
    """The equation as a pattern of einops: its letters apart, and the result's written out."""
    left, arrow, right = equation.replace(" ", "").partition("->")
    terms = left.split(",")
    if len(terms) != count:
        more = "fewer" if count < len(terms) else "more"
        raise ShapeError(f"einsum(): {more} operands were provided than specified in the equation")
    if not arrow:
        once = sorted(letter for letter in set(left) if letter.isalpha() and left.count(letter) == 1)
        right = ("..." if "..." in left else "") + "".join(once)
    return f"{', '.join(map(_apart, terms))} -> {_apart(right)}"


def _apart(term: str) -> str:
    """`ab...c` as `a b ... c`."""
    start, dots, rest = term.partition("...")
    for letter in start + rest:
        if letter not in ascii_letters:
            raise ShapeError(f"einsum(): invalid subscript given: {letter!r}, subscripts must be in [a-zA-Z]")
    return " ".join([*start, *([dots] if dots else []), *rest])
