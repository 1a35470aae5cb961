"""What is refused, in which words: transforms of functions, maps over slices, modules as functions."""

from __future__ import annotations

from typing import Any

from refusal import Refusal, double

from curta.errors import (
    ArgumentError,
    ArgumentTypeError,
    AutogradError,
    IndexRangeError,
    MappingError,
    NoSuchAttributeError,
    ShapeError,
    UnsupportedError,
)


def pair(c: Any) -> Any:
    return c.tensor([1.0, 2.0])


def same(x: Any) -> Any:
    return x


def escaped(c: Any) -> Any:
    kept: list[Any] = []
    c.func.vmap(lambda x: (kept.append(x), x)[1])(pair(c))
    c.func.vmap(lambda x: x + kept[0])(pair(c))


def sorted_by_slices(x: Any) -> Any:
    """By an operator without a rule."""
    from curta.batching.calls import Call
    from curta.batching.rules import looped
    from curta.batching.values import active
    from curta.ops.elementwise import NEG

    return looped(Call(NEG, (x,), {}, active(x.batch.level).size))


def checkpointed(c: Any, x: Any) -> Any:
    from curta.utils import checkpoint

    return checkpoint(same, x)


REFUSALS = (
    Refusal(
        lambda c: c.func.grad(lambda x: x)(pair(c)),
        ShapeError,
        "grad_and_value(f)(*args): Expected f(*args) to return a scalar Tensor, got tensor with 1 dims. Maybe"
        " you wanted to use the vjp or jacrev APIs instead?",
        only_curta=True,
    ),
    Refusal(
        lambda c: c.func.grad(lambda x: 3.0)(pair(c)),
        AutogradError,
        "grad: expected f(*args) to return only tensors, got unsupported type <class 'float'>",
    ),
    Refusal(
        lambda c: c.func.grad(lambda x: (x.sum(),))(pair(c)),
        AutogradError,
        "grad_and_value(f)(*args): Expected f(*args) to return a Tensor, got <class 'tuple'>",
    ),
    Refusal(
        lambda c: c.func.grad(lambda x: x.sum())(c.tensor([1, 2])),
        AutogradError,
        "grad: only Tensors of floating point dtype can require gradients, got int64",
    ),
    Refusal(
        lambda c: c.func.grad(lambda x: x.sum())(3.0),
        ArgumentError,
        "grad: Thing passed to transform API must be Tensor, got <class 'float'>",
    ),
    Refusal(
        lambda c: c.func.grad(lambda x: x.sum(), argnums=2)(pair(c)),
        AutogradError,
        "grad: Got argnum=2, but only 1 positional inputs",
    ),
    Refusal(
        lambda c: c.func.grad(lambda x: x.sum(), argnums=())(pair(c)),
        AutogradError,
        "grad: argnums must be non-empty",
    ),
    Refusal(
        lambda c: c.func.grad(lambda x: x.sum(), argnums=(0, 0))(pair(c)),
        AutogradError,
        "grad: argnums elements must be unique, got (0, 0)",
    ),
    Refusal(
        lambda c: c.func.grad(lambda x: x.sum(), argnums=(0.5,))(pair(c)),
        AutogradError,
        "grad: argnums must be int or Tuple[int, ...], got: <class 'float'>",
    ),
    Refusal(
        lambda c: c.func.grad(lambda x: x.sum(), has_aux=True)(pair(c)),
        AutogradError,
        "grad: output of function f should be a tuple: (output, aux) if has_aux is True, got <class "
        "'curta.tensor.Tensor'>",
    ),
    Refusal(
        lambda c: c.func.vjp(lambda: 3),
        AutogradError,
        "vjp(f, *primals): expected at least one primal",
    ),
    Refusal(
        lambda c: c.func.vjp(lambda x: 3, pair(c)),
        AutogradError,
        "vjp: expected f(*args) to return only tensors, got unsupported type <class 'int'>",
    ),
    Refusal(
        lambda c: c.func.vjp(lambda x: x * 2, pair(c))[1](c.ones(3)),
        AutogradError,
        "vjp_fn: expected cotangents of f32[2], got f32[3]",
    ),
    Refusal(
        lambda c: c.func.vjp(lambda x: (x, x), pair(c))[1](pair(c)),
        AutogradError,
        "vjp_fn: expected 2 cotangents, got 1",
    ),
    Refusal(
        lambda c: c.func.vjp(lambda x: x, pair(c))[1](2.0),
        ArgumentTypeError,
        "vjp_fn: expected cotangents to be tensors, got float",
    ),
    Refusal(
        lambda c: c.func.jvp(lambda x: x, pair(c), pair(c)),
        AutogradError,
        "jvp(f, primals, tangents): Expected primals and tangents to be tuples, got Tensor and Tensor",
    ),
    Refusal(
        lambda c: c.func.jvp(lambda x: x, (pair(c),), (c.ones(3),)),
        AutogradError,
        "jvp: expected tangents of f32[2], got f32[3]",
    ),
    Refusal(
        lambda c: c.func.jvp(lambda x: c.ones(2), (pair(c),), (pair(c),), strict=True),
        AutogradError,
        "jvp(f, primals, tangents, strict=True): The output of f is independent of the inputs. This is not "
        "allowed with strict=True.",
    ),
    Refusal(
        lambda c: c.func.jacrev(lambda x: x, chunk_size=0),
        ArgumentError,
        "jacrev: `chunk_size` should be greater than 0. (got 0)",
    ),
    Refusal(
        lambda c: c.func.jacfwd(lambda x: x, randomness="some")(pair(c)),
        MappingError,
        "Only allowed values for randomness are 'error', 'different', or 'same'. Got some",
    ),
    Refusal(
        lambda c: c.func.vmap(same, randomness="some")(pair(c)),
        MappingError,
        "Only allowed values for randomness are 'error', 'different', or 'same'. Got some",
    ),
    Refusal(
        lambda c: c.func.vmap(same, chunk_size=0)(pair(c)),
        ArgumentError,
        "vmap: chunk_size should be None or greater than 0. (got 0)",
    ),
    Refusal(
        lambda c: c.func.vmap(same)(),
        ArgumentError,
        "vmap(same, in_dims=0, ...)(<inputs>): got no inputs. Maybe you forgot to add inputs, or you are "
        "trying to vmap over a function with no inputs. The latter is unsupported.",
    ),
    Refusal(
        lambda c: c.func.vmap(same, in_dims="a")(pair(c)),
        ArgumentError,
        "vmap(same, in_dims=a, ...)(<inputs>): expected `in_dims` to be int or a (potentially nested) tuple "
        "matching the structure of inputs, got: <class 'str'>.",
    ),
    Refusal(
        lambda c: c.func.vmap(same, in_dims=(0, 0))(pair(c)),
        ArgumentError,
        "vmap(same, in_dims=(0, 0), ...)(<inputs>): in_dims is not compatible with the structure of `inputs`:"
        " 1 arguments",
    ),
    Refusal(
        lambda c: c.func.vmap(same, in_dims=(1.5,))(pair(c)),
        ArgumentError,
        "vmap(same, in_dims=(1.5,), ...)(<inputs>): Got in_dim=1.5 for an input but in_dim must be either an "
        "integer dimension or None.",
    ),
    Refusal(
        lambda c: c.func.vmap(same)(3),
        ArgumentError,
        "vmap(same, in_dims=0, ...)(<inputs>): Got in_dim=0 for an input but the input is of type <class "
        "'int'>. We cannot vmap over non-Tensor arguments, please use None as the respective in_dim",
    ),
    Refusal(
        lambda c: c.func.vmap(same, in_dims=1)(pair(c)),
        ArgumentError,
        "vmap(same, in_dims=1, ...)(<inputs>): Got in_dim=1 for some input, but that input is a Tensor of "
        "dimensionality 1 so expected in_dim to satisfy -1 <= in_dim < 1.",
    ),
    Refusal(
        lambda c: c.func.vmap(same, in_dims=(None,))(pair(c)),
        ArgumentError,
        "vmap: at least one input has to be mapped over: an in_dim that is not None, of a tensor",
    ),
    Refusal(
        lambda c: c.func.vmap(same, in_dims=0)((pair(c), c.ones(3))),
        ArgumentError,
        "vmap: Expected all tensors to have the same size in the mapped dimension, got sizes [2, 3] for the "
        "mapped dimension",
    ),
    Refusal(
        lambda c: c.func.vmap(lambda x: 3)(pair(c)),
        ArgumentError,
        "vmap(<lambda>, ...): `<lambda>` must only return Tensors, got type <class 'int'>.",
    ),
    Refusal(
        lambda c: c.func.vmap(same, out_dims=None)(pair(c)),
        ArgumentError,
        "vmap(same, ...): `same` can not return a BatchedTensor when out_dim is None",
    ),
    Refusal(
        lambda c: c.func.vmap(same, out_dims="a")(pair(c)),
        ArgumentError,
        "vmap(same, ...): `out_dims` must be an int, None or containers of these, got 'a'",
    ),
    Refusal(
        lambda c: c.func.vmap(same, out_dims=2)(pair(c)),
        IndexRangeError,
        "Dimension out of range (expected to be in range of [-1, 0], but got 2)",
    ),
    Refusal(
        lambda c: c.func.vmap(same, out_dims=(0, 0))(pair(c)),
        ArgumentError,
        "vmap(same, ..., out_dims=(0, 0))(<inputs>): out_dims is not compatible with the structure of "
        "`outputs`: 1 results",
    ),
    Refusal(
        lambda c: c.func.vmap(lambda x: x.item())(pair(c)),
        MappingError,
        "vmap: the values of a mapped tensor are not known to Python: .item(), numpy(), a mask as an index "
        "and control flow that depends on data are not supported; try curta.where",
    ),
    Refusal(
        lambda c: c.func.vmap(lambda x: x * c.rand(()))(pair(c)),
        MappingError,
        "vmap: called random operation while in randomness error mode. Please either use the 'same' or "
        "'different' randomness flags on vmap or perform the randomness operation out of vmap",
    ),
    Refusal(
        lambda c: c.func.vmap(lambda x: c.zeros(()).add_(x))(pair(c)),
        MappingError,
        "vmap: add in place is not possible: the tensor that is written to is the same for every slice, and "
        "what is written is not; map over it too, or use the form that gives a new tensor",
    ),
    Refusal(
        lambda c: c.func.vmap(lambda x: x.backward())(pair(c)),
        AutogradError,
        "backward() called inside a functorch transform. This is not supported, please use curta.func.grad or"
        " curta.func.vjp instead or call backward() outside of functorch transforms.",
    ),
    Refusal(
        lambda c: escaped(c),
        MappingError,
        "vmap: a tensor of a mapped function is used after vmap has ended; return it from the function",
        only_curta=True,
    ),
    Refusal(
        lambda c: c.func.vmap(sorted_by_slices)(c.zeros(0, 3)),
        MappingError,
        "vmap: neg runs slice by slice, and there is none",
        only_curta=True,
    ),
    Refusal(
        lambda c: c.func.grad(lambda x: c.func.vmap(double(c).apply)(x).sum())(pair(c)),
        UnsupportedError,
        "Double: inside vmap a Function has gradients only where they are taken inside too: put "
        "curta.func.grad into the mapped function, or call the Function outside",
    ),
    Refusal(
        lambda c: c.func.grad(lambda x: c.func.vmap(lambda y: checkpointed(c, y))(x).sum())(pair(c)),
        UnsupportedError,
        "checkpoint: inside vmap a checkpoint needs its gradients taken inside too: put curta.func.grad into "
        "the mapped function, or the checkpoint around vmap",
        only_curta=True,
    ),
    Refusal(
        lambda c: c.func.functional_call(c.nn.Linear(2, 1), 3, (pair(c),)),
        ArgumentError,
        "Expected parameter_and_buffer_dicts to be a dict, or a list/tuple of dicts, but got <class 'int'>",
    ),
    Refusal(
        lambda c: c.func.functional_call(c.nn.Linear(2, 1), [{"bias": c.ones(1)}, {"bias": c.ones(1)}], (pair(c),)),
        ArgumentError,
        "['bias'] appeared in multiple dictionaries; behavior of functional call is ambiguous",
    ),
    Refusal(
        lambda c: c.func.functional_call(c.nn.Linear(2, 1), {"weight": 3}, (pair(c),)),
        ArgumentTypeError,
        "3 is not an instance of curta.Tensor",
    ),
    Refusal(
        lambda c: c.func.functional_call(c.nn.Linear(2, 1), {"weigth": c.ones(1, 2)}, (pair(c),)),
        NoSuchAttributeError,
        "functional_call: Linear has no parameter or buffer 'weigth'",
        only_curta=True,
    ),
    Refusal(
        lambda c: c.func.functional_call(
            c.nn.Linear(2, 1), {"weight": c.ones(1, 2), "more": c.ones(1)}, pair(c), strict=True
        ),
        MappingError,
        "Error(s) in reparametrizing for Linear: Unexpected key(s): 'more'. Missing key(s): 'bias'.",
    ),
    Refusal(
        lambda c: c.func.stack_module_state([]),
        MappingError,
        "stack_module_state: Expected at least one model, got 0.",
    ),
    Refusal(
        lambda c: c.func.stack_module_state([c.nn.Linear(2, 1), c.nn.ReLU()]),
        MappingError,
        "stack_module_state: Expected all models to be of the same class.",
    ),
    Refusal(
        lambda c: c.func.stack_module_state([c.nn.ReLU(), c.nn.ReLU().eval()]),
        MappingError,
        "stack_module_state: Expected all models to have the same training/eval mode.",
    ),
    Refusal(
        lambda c: c.func.stack_module_state([c.nn.Linear(2, 1), c.nn.Linear(2, 1).requires_grad_(False)]),
        MappingError,
        "Expected weight from each model to have the same .requires_grad",
    ),
    Refusal(
        lambda c: c.func.functionalize(same),
        UnsupportedError,
        "functionalize is not supported: Curta's transforms and curta.compile take functions that write in "
        "place as they are",
        only_curta=True,
    ),
    Refusal(
        lambda c: c.autograd.functional.jacobian(same, (3,)),
        ArgumentTypeError,
        "The inputs given to jacobian must be either a Tensor or a tuple of Tensors but the value at index 0 "
        "has type <class 'int'>.",
    ),
    Refusal(
        lambda c: c.autograd.functional.jacobian(lambda x: 3, pair(c)),
        ArgumentTypeError,
        "The outputs of the user-provided function given to jacobian must be either a Tensor or a tuple of "
        "Tensors but the given outputs of the user-provided function has type <class 'int'>.",
    ),
    Refusal(
        lambda c: c.autograd.functional.jacobian(same, pair(c), strategy="other"),
        ArgumentError,
        'Expected strategy to be either "forward-mode" or "reverse-mode", got \'other\'',
        only_curta=True,
    ),
    Refusal(
        lambda c: c.autograd.functional.jacobian(same, pair(c), strategy="forward-mode"),
        UnsupportedError,
        "jacobian: forward mode is only implemented for `vectorize=True`",
    ),
    Refusal(
        lambda c: c.autograd.functional.jacobian(same, pair(c), strict=True, strategy="forward-mode"),
        UnsupportedError,
        'jacobian: strict=True and `strategy="forward-mode"` are not supported together',
    ),
    Refusal(
        lambda c: c.autograd.functional.jacobian(lambda x: c.ones(2), pair(c), strict=True),
        AutogradError,
        "Output 0 of the user-provided function does not require gradients. The outputs must be computed in a"
        " differentiable manner from the input when running in strict mode.",
    ),
    Refusal(
        lambda c: c.autograd.functional.jacobian(lambda x, y: x, (pair(c), pair(c)), strict=True),
        AutogradError,
        "Output 0 of the user-provided function is independent of input 1. This is not allowed in strict mode.",
    ),
    Refusal(
        lambda c: c.autograd.functional.hessian(same, pair(c)),
        AutogradError,
        "The Tensor returned by the function given to hessian should contain a single element",
    ),
    Refusal(
        lambda c: c.autograd.functional.vjp(same, pair(c)),
        AutogradError,
        "The vector v can only be None if the user-provided function returns a single Tensor with a single element.",
    ),
    Refusal(
        lambda c: c.autograd.functional.vjp(same, pair(c), c.ones(3)),
        AutogradError,
        "v has invalid size: should be curta.Size([2]) but got curta.Size([3]).",
    ),
    Refusal(
        lambda c: c.autograd.functional.vjp(same, pair(c), (pair(c), pair(c))),
        AutogradError,
        "v is a tuple of invalid length: should be 1 but got 2.",
    ),
    Refusal(
        lambda c: c.autograd.functional.vjp(same, pair(c), (3,)),
        ArgumentTypeError,
        "v must be either a Tensor or a tuple of Tensors but has type <class 'int'>.",
    ),
)
