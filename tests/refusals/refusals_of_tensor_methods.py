"""What is refused, in which words: A tensor's own properties and what Python asks of it."""

from __future__ import annotations

import copy

from refusal import Refusal, grad_to_itself

from curta.errors import ArgumentError, ArgumentTypeError, AutogradError, DTypeError, NoDataError, UnsupportedError

REFUSALS = (
    Refusal(lambda c: list(c.tensor(1.0)), ArgumentTypeError, "iteration over a 0-d tensor"),
    Refusal(
        lambda c: "text" in c.zeros(2),
        DTypeError,
        "Tensor.__contains__ only supports Tensor or scalar, but you passed in a <class 'str'>.",
    ),
    Refusal(lambda c: bool(c.zeros(0)), DTypeError, "Boolean value of Tensor with no values is ambiguous"),
    Refusal(lambda c: bool(c.zeros(2)), DTypeError, "Boolean value of Tensor with more than one value is ambiguous"),
    Refusal(lambda c: float(c.zeros(2)), ArgumentError, "only one element tensors can be converted to Python scalars"),
    Refusal(lambda c: int(c.zeros(0)), ArgumentError, "only one element tensors can be converted to Python scalars"),
    Refusal(lambda c: c.zeros(2).item(), DTypeError, "a Tensor with 2 elements cannot be converted to Scalar"),
    Refusal(
        lambda c: [1, 2][c.tensor(1.0)],
        ArgumentTypeError,
        "only integer tensors of a single element can be converted to an index",
    ),
    Refusal(
        lambda c: [1, 2][c.zeros(2, dtype=c.int64)],
        ArgumentTypeError,
        "only integer tensors of a single element can be converted to an index",
    ),
    Refusal(
        lambda c: c.zeros(2, requires_grad=True).numpy(),
        AutogradError,
        "Can't call numpy() on Tensor that requires grad. Use tensor.detach().numpy() instead.",
    ),
    Refusal(
        lambda c: c.zeros(2, device="meta").numpy(),
        ArgumentTypeError,
        "can't convert a tensor on the meta device to numpy: it has no data",
    ),
    Refusal(lambda c: c.zeros(2, device="meta").tolist(), NoDataError, "Cannot copy out of meta tensor; no data!"),
    Refusal(
        lambda c: c.zeros(2, device="meta").item(), DTypeError, "a Tensor with 2 elements cannot be converted to Scalar"
    ),
    Refusal(
        lambda c: setattr(c.zeros(2), "data", c.zeros(2, dtype=c.float64)),
        DTypeError,
        "attempting to assign a tensor of f64[2] to the data of f32[2]: the formats differ",
        only_curta=True,
    ),
    Refusal(
        lambda c: c.zeros(2).is_contiguous(memory_format="channels_last"),
        UnsupportedError,
        "is_contiguous(): the argument 'memory_format' is not supported",
        only_curta=True,
    ),
    Refusal(
        lambda c: copy.deepcopy(c.zeros(2, requires_grad=True) * 2),
        AutogradError,
        "Only Tensors created explicitly by the user (graph leaves) support the deepcopy protocol.",
    ),
    Refusal(lambda c: len(c.tensor(1.0)), ArgumentTypeError, "len() of a 0-d tensor"),
    Refusal(
        lambda c: setattr(c.zeros(2), "grad", 1.0),
        ArgumentTypeError,
        "assigned grad expected to be a Tensor or None but got grad of type float",
    ),
    Refusal(lambda c: grad_to_itself(c), AutogradError, "can't assign Variable as its own grad"),
    Refusal(
        lambda c: setattr(c.zeros(2), "grad", c.zeros(2, dtype=c.float64)),
        AutogradError,
        "attempting to assign a gradient with dtype 'float64' to a tensor with dtype 'float32'. The gradient must match the tensor's dtype",
    ),
    Refusal(
        lambda c: setattr(c.zeros(2), "grad", c.zeros(2, device="meta")),
        AutogradError,
        "attempting to assign a gradient with device type 'meta' to a tensor with device type 'cpu'. Please ensure that the gradient and the tensor are on the same device",
    ),
    Refusal(
        lambda c: setattr(c.zeros(2), "grad", c.zeros(3)),
        AutogradError,
        "attempting to assign a gradient of size '[3]' to a tensor of size '[2]'. Please ensure that the gradient and the tensor are the same size",
    ),
    Refusal(
        lambda c: c.zeros(2).retain_grad(), AutogradError, "can't retain_grad on Tensor that has requires_grad=False"
    ),
    Refusal(
        lambda c: c.zeros(2).register_hook(print),
        AutogradError,
        "cannot register a hook on a tensor that doesn't require gradient",
    ),
    Refusal(
        lambda c: c.zeros(2).register_post_accumulate_grad_hook(print),
        AutogradError,
        "cannot register a hook on a tensor that doesn't require gradient",
    ),
    Refusal(
        lambda c: (c.zeros(2, requires_grad=True) * 2).register_post_accumulate_grad_hook(print),
        AutogradError,
        "post accumulate grad hooks cannot be registered on non-leaf tensors",
    ),
    Refusal(
        lambda c: c.zeros(2, dtype=c.int64).requires_grad_(),
        AutogradError,
        "only Tensors of floating point dtype can require gradients",
    ),
    Refusal(
        lambda c: setattr(c.zeros(2, requires_grad=True) * 2, "requires_grad", False),
        AutogradError,
        "you can only change requires_grad flags of leaf variables. If you want to use a computed variable in a subgraph that doesn't require differentiation use var_no_grad = var.detach().",
    ),
)
