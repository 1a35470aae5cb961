"""What a wrong call is told, whole: the message, the place in the pattern, the shape and the sizes."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from wrong_calls import AXES, PATTERNS, SIZES, Refusal

import curta
from curta import nn
from curta.einops import asnumpy, einsum, pack, parse_shape, rearrange, reduce, repeat, unpack
from curta.errors import ArgumentTypeError, CurtaError, EinopsError, UnsupportedError

X = curta.zeros(2, 3, 4)

EINSUM = (
    Refusal(lambda x: einsum(x, x, "a b c, a b c"), """\
einsum: the pattern has no '->'
    a b c, a b c
                ^"""),
    Refusal(lambda x: einsum(x, x, "a b c, a b d -> q"), """\
einsum: axis 'q' of the result is in none of the tensors
    a b c, a b d -> q
                    ^"""),
    Refusal(lambda x: einsum(x, "a b c -> a a"), """\
einsum: axis 'a' stands twice in the result
    a b c -> a a
             ^ ^"""),
    Refusal(lambda x: einsum(x, x, "a b c, a ... ... -> a"), """\
einsum: '...' stands twice in tensor 1
    a b c, a ... ... -> a
             ^^^ ^^^"""),
    Refusal(lambda x: einsum(x, "a (b c) -> a"), """\
einsum: einsum knows names and '...' only: use rearrange for the rest
    a (b c) -> a
      ^^^^^"""),
    Refusal(lambda x: einsum(x, "a 1 c -> a"), """\
einsum: einsum knows names and '...' only: use rearrange for the rest
    a 1 c -> a
      ^"""),
    Refusal(lambda x: einsum(x, "a b c, a b c -> a"), """\
einsum: the pattern is for 2 tensors, 1 passed
    a b c, a b c -> a
    shape [2, 3, 4]"""),
    Refusal(lambda x: einsum(x, x, "a b c, a b -> a"), """\
einsum: the pattern is for 2 axes, tensor 1 has 3
    a b c, a b -> a
           ^^^
    shapes [2, 3, 4], [2, 3, 4]"""),
    Refusal(lambda x: einsum(x, "a b c d ... -> a"), """\
einsum: the pattern is for at least 4 axes, tensor 0 has 3
    a b c d ... -> a
    ^^^^^^^^^^^
    shape [2, 3, 4]"""),
    Refusal(lambda x: einsum(x, x, "a b c, b c a -> a"), """\
einsum: axis 'b' has size 3 and size 2
    a b c, b c a -> a
      ^    ^
    shapes [2, 3, 4], [2, 3, 4]"""),
    Refusal(lambda x: einsum(x, x, "a ..., ... b -> a b"), """\
einsum: '...' has size 3 and size 2
    a ..., ... b -> a b
      ^^^  ^^^
    shapes [2, 3, 4], [2, 3, 4]"""),
    Refusal(lambda x: einsum(np.zeros((1,) * 32), np.zeros((1,) * 32),
                             f"{' '.join(f'a{i}' for i in range(32))}, {' '.join(f'b{i}' for i in range(32))} -> a0"),
            "einsum: more than 52 axes\n"
            f"    {' '.join(f'a{i}' for i in range(32))}, {' '.join(f'b{i}' for i in range(32))} -> a0\n"
            f"    shapes {[1] * 32}, {[1] * 32}"),
    Refusal(lambda x: einsum(x), "einsum(): the last argument must be the pattern", ArgumentTypeError),
    Refusal(lambda x: einsum(), "einsum(): the last argument must be the pattern", ArgumentTypeError),
    Refusal(lambda x: einsum("a -> a"), "einsum(): at least one tensor must come before the pattern",
            ArgumentTypeError),
    Refusal(lambda x: einsum(x, x.numpy(), "a b c, a b c -> a"),
            "einsum(): tensors of different frameworks: Tensor and ndarray", ArgumentTypeError),
)  # fmt: skip

PACKING = (
    Refusal(lambda x: pack([x], "a b c"), """\
pack: the pattern has no '*'
    a b c"""),
    Refusal(lambda x: pack([x], "a * *"), """\
pack: axis '*' stands twice
    a * *
      ^ ^"""),
    Refusal(lambda x: pack([x], "a * a"), """\
pack: axis 'a' stands twice
    a * a
    ^   ^"""),
    Refusal(lambda x: pack([x], "a (b *)"), """\
pack: the pattern consists of names and one '*'
    a (b *)
      ^^^^^"""),
    Refusal(lambda x: pack([x], "a * 1"), """\
pack: the pattern consists of names and one '*'
    a * 1
        ^"""),
    Refusal(lambda x: pack([x], "... *"), """\
pack: the pattern consists of names and one '*'
    ... *
    ^^^"""),
    Refusal(lambda x: pack([x, x[0, 0]], "a * b"), """\
pack: tensor 1 has 1 axis, the pattern at least 2
    a * b
    shapes [2, 3, 4], [4]"""),
    Refusal(lambda x: pack([x, x[0]], "a * b"), """\
pack: axis 'a' has size 2 in tensor 0 and 3 in tensor 1
    a * b
    ^
    shapes [2, 3, 4], [3, 4]"""),
    Refusal(lambda x: pack([x, x[:, :, 0]], "a * b"), """\
pack: axis 'b' has size 4 in tensor 0 and 3 in tensor 1
    a * b
        ^
    shapes [2, 3, 4], [2, 3]"""),
    Refusal(lambda x: pack([], "*"), "pack(): expected a list of at least one tensor", ArgumentTypeError),
    Refusal(lambda x: pack(x, "*"), "pack(): expected a list of at least one tensor", ArgumentTypeError),
    Refusal(lambda x: unpack(x, [(3,)], "a *"), """\
unpack: the pattern is for 2 axes, the tensor has 3
    a *
    shape [2, 3, 4]"""),
    Refusal(lambda x: unpack(x, [(1,), ()], "a * b"), """\
unpack: [1], [] hold 2 elements, the axis has 3
    a * b
      ^
    shape [2, 3, 4]"""),
    Refusal(lambda x: unpack(x, [(2, -1), ()], "a b *"), """\
unpack: of 4 elements 3 are left for [2, -1] in [2, -1], []
    a b *
        ^
    shape [2, 3, 4]"""),
    Refusal(lambda x: unpack(x, [(-1,), (7,)], "a b *"), """\
unpack: of 4 elements -3 are left for [-1] in [-1], [7]
    a b *
        ^
    shape [2, 3, 4]"""),
    Refusal(lambda x: unpack(x, [(-1, -1)], "a b *"), """\
unpack: sizes must not be negative but for one -1, in [-1, -1]
    a b *
        ^
    shape [2, 3, 4]"""),
    Refusal(lambda x: unpack(x, [(-2,)], "a b *"), """\
unpack: sizes must not be negative but for one -1, in [-2]
    a b *
        ^
    shape [2, 3, 4]"""),
    Refusal(lambda x: unpack(x, 4, "a b *"), "unpack(): the packed shapes must be a list of shapes", ArgumentTypeError),
    Refusal(lambda x: unpack(x, [(2.0, 2)], "a b *"), "unpack(): the packed shapes must be a list of shapes",
            ArgumentTypeError),
)  # fmt: skip

OTHERS = (
    Refusal(lambda x: parse_shape(x, "a b"), """\
parse_shape: the pattern is for 2 axes, the tensor has 3
    a b
    shape [2, 3, 4]"""),
    Refusal(lambda x: parse_shape(x, "a b ... c d"), """\
parse_shape: the pattern is for at least 4 axes, the tensor has 3
    a b ... c d
    shape [2, 3, 4]"""),
    Refusal(lambda x: parse_shape(x, "a 1 c"), """\
parse_shape: the tensor has size 3 there
    a 1 c
      ^
    shape [2, 3, 4]"""),
    Refusal(lambda x: parse_shape(x, "a b 5"), """\
parse_shape: the tensor has size 4 there
    a b 5
        ^
    shape [2, 3, 4]"""),
    Refusal(lambda x: parse_shape(x, "a b (c d)"), """\
parse_shape: sizes of several axes do not follow from that of one dimension
    a b (c d)
        ^^^^^
    shape [2, 3, 4]"""),
    Refusal(lambda x: parse_shape(x, "a b a"), """\
parse_shape: axis 'a' stands twice
    a b a
    ^   ^
    shape [2, 3, 4]"""),
    Refusal(lambda x: parse_shape(x, "a -> b"), """\
parse_shape: '->' has no meaning here
    a -> b
      ^^
    shape [2, 3, 4]"""),
    Refusal(lambda x: rearrange(3.0, "-> 1"),
            "rearrange(): expected a tensor of Curta, NumPy or PyTorch, or an array with __array_namespace__, "
            "not float", ArgumentTypeError),
    Refusal(lambda x: asnumpy([1]),
            "asnumpy(): expected a tensor of Curta, NumPy or PyTorch, or an array with __array_namespace__, "
            "not list", ArgumentTypeError),
    Refusal(lambda x: rearrange([], "a -> a"), "rearrange(): the list of tensors is empty", ArgumentTypeError),
    Refusal(lambda x: rearrange([x, x.numpy()], "n a b c -> n a b c"),
            "rearrange(): tensors of different frameworks: Tensor and ndarray", ArgumentTypeError),
    Refusal(lambda x: rearrange(x, 3), "rearrange(): argument 'pattern' must be str, not int", ArgumentTypeError),
    Refusal(lambda x: reduce(x, "a b c -> a", 3),
            "reduce(): argument 'reduction' must be a name or a function, not int", ArgumentTypeError),
    Refusal(lambda x: repeat(x, "a b c -> a b c d", d=2.0), "repeat(): argument 'd' must be int, not float",
            ArgumentTypeError),
    Refusal(lambda x: pack([x], 3), "pack(): argument 'pattern' must be str, not int", ArgumentTypeError),
    Refusal(lambda x: unpack(x, [()], None), "unpack(): argument 'pattern' must be str, not NoneType",
            ArgumentTypeError),
    Refusal(lambda x: parse_shape(x, 3), "parse_shape(): argument 'pattern' must be str, not int", ArgumentTypeError),
)  # fmt: skip

LAYERS = (
    Refusal(lambda x: nn.Rearrange("a b -> a"), """\
rearrange: axis 'b' is missing on the right side; `reduce` lets axes go
    a b -> a
      ^"""),
    Refusal(lambda x: nn.Rearrange("a b -> b a", c=3), """\
rearrange: a size is given for 'c', which is no axis of the pattern
    a b -> b a
    c=3"""),
    Refusal(lambda x: nn.Reduce("a b -> a", "typical"), """\
reduce: 'typical' is no reduction: there are 'sum', 'mean', 'max', 'min', 'prod', 'any', 'all', and functions \
f(tensor, dimensions)
    a b -> a"""),
    Refusal(lambda x: nn.Rearrange(3), "rearrange(): argument 'pattern' must be str, not int", ArgumentTypeError),
    Refusal(lambda x: nn.EinMix(3, "a"), "EinMix(): argument 'pattern' must be str, not int", ArgumentTypeError),
    Refusal(lambda x: nn.EinMix("a -> b", 3), "EinMix(): argument 'weight_shape' must be str, not int",
            ArgumentTypeError),
    Refusal(lambda x: nn.EinMix("a -> b", "a b", 3, a=2, b=3), "EinMix(): argument 'bias_shape' must be str, not int",
            ArgumentTypeError),
    Refusal(lambda x: nn.EinMix("a b 2 -> a c", "b c", b=2, c=3), """\
EinMix: a number other than 1 needs a name
    a b 2 -> a c
        ^
    b=2, c=3"""),
    Refusal(lambda x: nn.EinMix("a b -> a d", "b c", b=2, c=3), """\
EinMix: axis 'd' of the result is neither in the input nor in the weight
    a b -> a d
             ^
    b=2, c=3"""),
    Refusal(lambda x: nn.EinMix("... b -> c", "b c", b=2, c=3), """\
EinMix: '...' is missing on the right side
    ... b -> c
    ^^^
    b=2, c=3"""),
    Refusal(lambda x: nn.EinMix("b -> ... c", "b c", b=2, c=3), """\
EinMix: '...' is missing on the left side
    b -> ... c
         ^^^
    b=2, c=3"""),
    Refusal(lambda x: nn.EinMix("a b -> a c", "(b c)", b=2, c=3), """\
EinMix: a parameter's shape consists of names
    (b c)
    ^^^^^
    b=2, c=3"""),
    Refusal(lambda x: nn.EinMix("a b -> a c", "b c ...", b=2, c=3), """\
EinMix: a parameter's shape consists of names
    b c ...
        ^^^
    b=2, c=3"""),
    Refusal(lambda x: nn.EinMix("a b -> a c", "b c", b=2), """\
EinMix: the size of axis 'c' is not given: pass it by name
    b c
      ^
    b=2"""),
    Refusal(lambda x: nn.EinMix("a b -> a c", "b c", b=2, c=3, d=4), """\
EinMix: a size is given for 'd', which is no axis of the pattern
    a b -> a c
    b=2, c=3, d=4"""),
    Refusal(lambda x: nn.EinMix("a b -> a c", "b c d", b=2, c=3, d=4), """\
EinMix: axis 'd' of the weight is neither in the input nor in the result
    b c d
        ^
    b=2, c=3, d=4"""),
    Refusal(lambda x: nn.EinMix("a b -> a c", "b c", "b", b=2, c=3), """\
EinMix: axis 'b' of the bias is not in the result
    b
    ^
    b=2, c=3"""),
    Refusal(lambda x: nn.EinMix("a b -> a c", "b c", "c a", b=2, c=3), """\
EinMix: the size of axis 'a' is not given: pass it by name
    c a
      ^
    b=2, c=3"""),
    Refusal(lambda x: nn.EinMix("... b -> c ...", "b c", "c", b=2, c=3), """\
EinMix: axis 'c' of the bias stands before '...' in the result
    c
    ^
    b=2, c=3"""),
)  # fmt: skip


@pytest.mark.parametrize("refusal", [*PATTERNS, *AXES, *SIZES, *EINSUM, *PACKING, *OTHERS, *LAYERS])
def test_refused(refusal: Refusal) -> None:
    with pytest.raises(CurtaError) as caught:
        refusal.call(X)
    assert type(caught.value) is refusal.error
    assert str(caught.value) == refusal.message


@pytest.mark.parametrize("refusal", [*PATTERNS, *AXES, *SIZES[:-1]])
def test_numpy_arrays_are_refused_in_the_same_words(refusal: Refusal) -> None:
    with pytest.raises(EinopsError) as caught:
        refusal.call(X.numpy())
    assert str(caught.value) == refusal.message


def test_the_error_is_what_users_of_the_original_and_of_pytorch_catch() -> None:
    assert issubclass(EinopsError, RuntimeError)
    assert issubclass(EinopsError, ValueError)


def test_a_framework_without_einsum_says_so() -> None:
    class Namespace:
        pass

    class Array:
        shape = (2,)

        def __array_namespace__(self) -> Any:
            return Namespace()

    with pytest.raises(UnsupportedError) as caught:
        einsum(Array(), "a -> ")
    assert str(caught.value) == f"einsum: {__name__}.Array has no einsum of its own"
