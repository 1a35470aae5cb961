"""Wrong calls of `rearrange`, `reduce` and `repeat`, each with all that is said about it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from curta.einops import rearrange, reduce, repeat
from curta.errors import EinopsError


class Refusal(NamedTuple):
    call: Callable[[Any], Any]
    message: str
    error: type[Exception] = EinopsError


PATTERNS = (
    Refusal(lambda x: rearrange(x, "a b c"), """\
rearrange: the pattern has no '->'
    a b c
         ^"""),
    Refusal(lambda x: rearrange(x, "a b c -> c -> b"), """\
rearrange: the pattern has more than one '->'
    a b c -> c -> b
          ^^   ^^"""),
    Refusal(lambda x: rearrange(x, "a (b c -> a b c"), """\
rearrange: this '(' is never closed
    a (b c -> a b c
      ^"""),
    Refusal(lambda x: rearrange(x, "a b c -> a b) c"), """\
rearrange: this ')' has no '('
    a b c -> a b) c
                ^"""),
    Refusal(lambda x: rearrange(x, "a b c -> ((a b) c)"), """\
rearrange: parentheses cannot be inside parentheses
    a b c -> ((a b) c)
              ^"""),
    Refusal(lambda x: rearrange(x, "... a ... -> a ..."), """\
rearrange: '...' stands twice on the left side
    ... a ... -> a ...
    ^^^   ^^^"""),
    Refusal(lambda x: rearrange(x, "a ... -> a (...) ..."), """\
rearrange: '...' stands twice on the right side
    a ... -> a (...) ...
                ^^^  ^^^"""),
    Refusal(lambda x: rearrange(x, "(a ...) b -> a ... b"), """\
rearrange: on the left side '...' cannot be inside parentheses
    (a ...) b -> a ... b
       ^^^"""),
    Refusal(lambda x: rearrange(x, "a b .. -> a"), """\
rearrange: dots stand only as '...'
    a b .. -> a
        ^"""),
    Refusal(lambda x: rearrange(x, "a b, c -> a"), """\
rearrange: ',' has no meaning here
    a b, c -> a
       ^"""),
    Refusal(lambda x: rearrange(x, "a 2b c -> a"), """\
rearrange: '2b' is neither a name nor a number
    a 2b c -> a
      ^^"""),
    Refusal(lambda x: rearrange(x, "a b_ c -> a"), """\
rearrange: the name 'b_' begins or ends with an underscore
    a b_ c -> a
      ^^"""),
    Refusal(lambda x: repeat(x, "a b c -> a b c 0"), """\
repeat: an axis without a name has a size of at least 1
    a b c -> a b c 0
                   ^"""),
    Refusal(lambda x: rearrange(x, "a b a -> a b"), """\
rearrange: axis 'a' stands twice on the left side
    a b a -> a b
    ^   ^"""),
    Refusal(lambda x: rearrange(x, "a b\n c -> c (b\tb) a"), """\
rearrange: axis 'b' stands twice on the right side
    a b  c -> c (b b) a
                 ^ ^"""),
)  # fmt: skip

AXES = (
    Refusal(lambda x: rearrange(x, "a b 4 -> a b 4"), """\
rearrange: a number other than 1 needs a name, since every axis stands on both sides
    a b 4 -> a b 4
        ^"""),
    Refusal(lambda x: rearrange(x, "a b c -> a b"), """\
rearrange: axis 'c' is missing on the right side; `reduce` lets axes go
    a b c -> a b
        ^"""),
    Refusal(lambda x: rearrange(x, "a ... -> a"), """\
rearrange: '...' is missing on the right side; `reduce` lets axes go
    a ... -> a
      ^^^"""),
    Refusal(lambda x: rearrange(x, "a b c -> a b c d"), """\
rearrange: axis 'd' is missing on the left side; `repeat` lets axes come
    a b c -> a b c d
                   ^"""),
    Refusal(lambda x: rearrange(x, "a b c -> a b c ..."), """\
rearrange: '...' is missing on the left side
    a b c -> a b c ...
                   ^^^"""),
    Refusal(lambda x: reduce(x, "a b c -> (a q)", "sum"), """\
reduce: axis 'q' is missing on the left side; `repeat` lets axes come
    a b c -> (a q)
                ^"""),
    Refusal(lambda x: reduce(x, "a b c -> a 2", "sum"), """\
reduce: axis '2' is missing on the left side; `repeat` lets axes come
    a b c -> a 2
               ^"""),
    Refusal(lambda x: repeat(x, "a b c -> a b 2"), """\
repeat: axis 'c' is missing on the right side; `reduce` lets axes go
    a b c -> a b 2
        ^"""),
    Refusal(lambda x: repeat(x, "a b 4 -> a b 4"), """\
repeat: axis '4' is missing on the right side; `reduce` lets axes go
    a b 4 -> a b 4
        ^"""),
    Refusal(lambda x: repeat(x, "a ... -> a 2"), """\
repeat: '...' is missing on the right side; `reduce` lets axes go
    a ... -> a 2
      ^^^"""),
    Refusal(lambda x: reduce(x, "a b c -> a", "average"), """\
reduce: 'average' is no reduction: there are 'sum', 'mean', 'max', 'min', 'prod', 'any', 'all', and functions \
f(tensor, dimensions)
    a b c -> a"""),
)  # fmt: skip

SIZES = (
    Refusal(lambda x: rearrange(x, "a b -> b a"), """\
rearrange: the pattern is for 2 axes, the tensor has 3
    a b -> b a
    ^^^
    shape [2, 3, 4]"""),
    Refusal(lambda x: rearrange(x[0, 0, 0], "a -> a"), """\
rearrange: the pattern is for 1 axis, the tensor has 0
    a -> a
    ^
    shape []"""),
    Refusal(lambda x: rearrange(x, "a b ... c d -> a b c d ..."), """\
rearrange: the pattern is for at least 4 axes, the tensor has 3
    a b ... c d -> a b c d ...
    ^^^^^^^^^^^
    shape [2, 3, 4]"""),
    Refusal(lambda x: reduce(x, " -> ", "sum"), """\
reduce: the pattern is for 0 axes, the tensor has 3
     ->
    ^
    shape [2, 3, 4]"""),
    Refusal(lambda x: rearrange(x, "a (b p) c -> (a p) b c", p=2), """\
rearrange: an axis of size 3 cannot be divided by 2 to give 'b'
    a (b p) c -> (a p) b c
      ^^^^^
    shape [2, 3, 4]; p=2"""),
    Refusal(lambda x: reduce(x, "a (b 2) c -> a b c", "max"), """\
reduce: an axis of size 3 cannot be divided by 2 to give 'b'
    a (b 2) c -> a b c
      ^^^^^
    shape [2, 3, 4]"""),
    Refusal(lambda x: rearrange(x, "a (b p) c -> (a p) b c", p=0), """\
rearrange: an axis of size 3 cannot be divided by 0 to give 'b'
    a (b p) c -> (a p) b c
      ^^^^^
    shape [2, 3, 4]; p=0"""),
    Refusal(lambda x: rearrange(x[:, :0], "a (b p) c -> (a p) b c", p=0), """\
rearrange: the size of 'b' does not follow, as any size times 0 is 0
    a (b p) c -> (a p) b c
       ^
    shape [2, 0, 4]; p=0"""),
    Refusal(lambda x: rearrange(x, "a b (c d) -> a b c d"), """\
rearrange: the sizes of 'c' and 'd' do not follow from a size of 4 alone: pass all but one
    a b (c d) -> a b c d
         ^ ^
    shape [2, 3, 4]"""),
    Refusal(lambda x: rearrange(x, "a b (c d) -> a b c d", c=2, d=3), """\
rearrange: '(c d)' is 2 x 3 = 6, the tensor has 4 there
    a b (c d) -> a b c d
        ^^^^^
    shape [2, 3, 4]; c=2, d=3"""),
    Refusal(lambda x: rearrange(x, "a b c -> c b a", b=5), """\
rearrange: axis 'b' has size 3, where 5 is given
    a b c -> c b a
      ^
    shape [2, 3, 4]; b=5"""),
    Refusal(lambda x: reduce(x, "a 2 c -> a", "sum"), """\
reduce: axis '2' has size 3, where 2 is given
    a 2 c -> a
      ^
    shape [2, 3, 4]"""),
    Refusal(lambda x: rearrange(x, "a 1 c -> a c"), """\
rearrange: '1' stands for an axis of size 1, the tensor has 3 there
    a 1 c -> a c
      ^
    shape [2, 3, 4]"""),
    Refusal(lambda x: rearrange(x, "a () c -> a c"), """\
rearrange: '()' stands for an axis of size 1, the tensor has 3 there
    a () c -> a c
      ^^
    shape [2, 3, 4]"""),
    Refusal(lambda x: repeat(x, "a b c -> a b (c d)"), """\
repeat: the size of the new axis 'd' is not given: pass it by name
    a b c -> a b (c d)
                    ^
    shape [2, 3, 4]"""),
    Refusal(lambda x: rearrange(x, "a b c -> c b a", q=5), """\
rearrange: a size is given for 'q', which is no axis of the pattern
    a b c -> c b a
    shape [2, 3, 4]; q=5"""),
    Refusal(lambda x: repeat(x, "a b c -> a b c d", d=-1), """\
repeat: the size given for 'd' is negative
    a b c -> a b c d
    shape [2, 3, 4]; d=-1"""),
    Refusal(lambda x: reduce(x, "a b c -> a", lambda t, dims: t), """\
reduce: the function gave shape [2, 3, 4], where [2] should be left
    a b c -> a"""),
    Refusal(lambda x: reduce(x[:, :0], "a b c -> a", "max"), """\
reduce: there is no max of 0 elements
    a b c -> a
      ^
    shape [2, 0, 4]"""),
    Refusal(lambda x: rearrange([x, x[0]], "n a b c -> a b c n"), """\
rearrange: the tensors of a list must have one shape, these have [2, 3, 4] and [3, 4]
    n a b c -> a b c n"""),
)  # fmt: skip
