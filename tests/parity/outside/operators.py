"""Which operators of PyTorch's table count, and what in Curta stands for each."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from torch.testing._internal.common_methods_invocations import op_db

import curta

#: what is left out: complex numbers, Fourier transforms, sparse and quantised tensors, and what only other devices have
LEFT_OUT = (
    "cdouble", "cfloat", "chalf", "complex", "fft.", "hash_tensor", "istft", "jiterator", "linalg.eig",
    "linalg.eigvals", "nn.functional.silu.complex", "polar", "sparse.", "stft", "to_sparse", "torch.",
    "view_as_complex", "view_as_real",
)  # fmt: skip
#: names that begin as one that is left out
KEPT = ("linalg.eigh", "linalg.eigvalsh")

#: whose numbers are random, or whatever was in memory: only shape and format are compared
RANDOM = (
    "bernoulli", "cauchy", "empty", "empty_like", "empty_permuted", "empty_strided", "exponential", "geometric",
    "log_normal", "multinomial", "new_empty", "new_empty_strided", "nn.functional.alpha_dropout",
    "nn.functional.dropout", "nn.functional.dropout2d", "nn.functional.dropout3d",
    "nn.functional.feature_alpha_dropout.with_train", "nn.functional.fractional_max_pool2d",
    "nn.functional.fractional_max_pool3d", "nn.functional.rrelu", "normal", "normal.in_place", "normal.number_mean",
    "pca_lowrank", "rand_like", "randint", "randint_like", "randn", "randn_like", "resize_", "resize_as_",
    "svd_lowrank", "uniform",
)  # fmt: skip

#: where the chance of dropout stands in the arguments behind the first: samples with one are random as well
DROPPING = {"nn.functional.multi_head_attention_forward": 9, "nn.functional.scaled_dot_product_attention": "dropout_p"}

#: whose gradient PyTorch has for arguments that its own check makes first: ctc_loss's for results of log_softmax alone
PROJECTED = ("nn.functional.ctc_loss",)

#: whose indices among equal elements PyTorch leaves open, and where `dim` stands among the arguments
TIES = {"argsort": 0, "kthvalue": 1, "median": 0, "mode": 0, "nanmedian": 0, "sort": 0, "topk": 1}

#: decompositions are determined up to signs and bases: gradients are taken through what the table makes of them
UP_TO_A_BASIS = ("geqrf", "linalg.", "lu", "ormqr", "pca_lowrank", "qr", "svd")


def full_name(operator: Any) -> str:
    """The name of an operator with its variant."""
    return operator.name + (f".{operator.variant_test_name}" if operator.variant_test_name else "")


def chosen(names: list[str]) -> list[Any]:
    """The operators that count; only those of these names, if there are any."""
    found = [one for one in op_db if not full_name(one).startswith(LEFT_OUT) or full_name(one).startswith(KEPT)]
    return [one for one in found if not names or one.name in names or full_name(one) in names]


def named(name: str) -> Any:
    """What Curta has under a dotted name; None if nothing."""
    home: Any = curta
    for part in name.split("."):
        home = getattr(home, part, None)
    return home


def _backward_of_pooling(
    x: Any, kernel_size: Any, stride: Any = (), padding: Any = 0, dilation: Any = 1, ceil_mode: bool = False,
    return_indices: bool = False,
) -> Any:  # fmt: skip
    """As PyTorch's table does it: pooled, and back with ones."""
    options = (kernel_size, stride, padding, dilation, ceil_mode)
    values, places = curta.nn.functional.max_pool2d_with_indices(x, *options)
    return curta.max_pool2d_with_indices_backward(curta.ones_like(values), x, *options, places)


def _reflected(name: str) -> Callable[..., Any]:
    """Python's operators, which are not asked for anything but tensors."""

    def run(first: Any, *arguments: Any) -> Any:
        if not isinstance(first, curta.Tensor):
            raise TypeError(f"{name} requires a tensor, got {type(first).__name__}")
        found = getattr(curta.Tensor, name)(first, *arguments)
        if found is NotImplemented:
            raise TypeError(f"{name} is not implemented for {type(arguments[0]).__name__}")
        return found

    return run


def _of_product(function: Callable[..., Any]) -> Callable[..., Any]:
    return lambda a, b, **options: function(a @ b.mT, **options)


#: where PyTorch's table wraps its function: the arguments are in another order, or only a part of what it does is asked
ADAPTED: dict[str, Callable[..., Any]] = {
    "_segment_reduce.lengths": curta.segment_reduce,
    "_segment_reduce.offsets": curta.segment_reduce,
    "einsum": lambda operands, equation: curta.einsum(equation, operands),
    "linalg.lstsq.grad_oriented": lambda a, b, driver: curta.linalg.lstsq(a, b, driver=driver)[:2],
    "linalg.pinv.singular": _of_product(curta.linalg.pinv),
    "max_pool2d_with_indices_backward": _backward_of_pooling,
    "nn.functional.embedding": lambda weight, rows, **options: curta.nn.functional.embedding(rows, weight, **options),
    "nn.functional.embedding_bag": lambda weight, rows, *arguments, **options: curta.nn.functional.embedding_bag(
        rows, weight, *arguments, **options
    ),
    "pca_lowrank": _of_product(curta.pca_lowrank),
    "special.polygamma.special_polygamma_n_0": lambda x, n, **options: curta.special.polygamma(n, x, **options),
    "svd_lowrank": _of_product(curta.svd_lowrank),
    "where": lambda first, condition, second: curta.where(condition, first, second),
    "zero_": lambda x: x.clone().zero_(),
} | {
    f"polygamma.polygamma_n_{n}": lambda x, n, **options: curta.polygamma(n, x, **options) for n in range(5)
}  # fmt: skip


def _method(name: str) -> Callable[..., Any]:
    return lambda tensor, *arguments, **options: getattr(tensor, name)(*arguments, **options)


def counterpart(operator: Any) -> Callable[..., Any] | None:
    """Curta's function or method for an operator; None if there is none."""
    written = getattr(operator.op, "__module__", "") == "torch.testing._internal.common_methods_invocations"
    if operator.name.startswith("__"):
        return _reflected(operator.name)
    if operator.name in ("H", "T", "mH", "mT"):
        plain: Callable[..., Any] = operator.op
        return plain
    if full_name(operator) in ADAPTED:
        return ADAPTED[full_name(operator)]
    found = named(operator.name)
    in_place = f"{operator.name}_"
    if (found is None or operator.variant_test_name == "in_place") and hasattr(curta.Tensor, in_place):
        return _method(in_place)
    if callable(found) and not isinstance(found, type):
        function: Callable[..., Any] = found
        return function
    if hasattr(curta.Tensor, operator.name):
        return _method(operator.name)
    return operator.op if written else None
