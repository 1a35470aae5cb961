"""What is refused, in which words: backward passes, hooks, custom functions, gradcheck."""

from __future__ import annotations

from refusal import (
    Refusal,
    backward_twice,
    changed_since,
    context_of,
    double,
    forward_only,
    gradcheck,
    hook_returning,
    irregular,
    loss,
    overlapping,
    save_text,
    saved_after_freeing,
    twice_through_once,
    wrong_gradient,
    wrong_rule,
)

from curta.autograd.gradcheck import GradcheckError
from curta.errors import ArgumentError, ArgumentTypeError, AutogradError, UnsupportedError

REFUSALS = (
    Refusal(
        lambda c: c.autograd.backward([loss(c)], [3.0]),
        ArgumentTypeError,
        "gradients can be either Tensors or None, but got float",
    ),
    Refusal(
        lambda c: c.autograd.Function.setup_context(None, (), None),
        UnsupportedError,
        "setup_context is not implemented.",
    ),
    Refusal(
        lambda c: overlapping(c).as_strided((2,), (1,)).sum().backward(),
        AutogradError,
        "as_strided: cannot differentiate a view of an input with overlaps, f32[2,2]",
        only_curta=True,
    ),
    Refusal(lambda c: c.autograd.backward([loss(c), loss(c)], [None]), AutogradError, "got 2 tensors and 1 gradients"),
    Refusal(
        lambda c: c.autograd.backward(loss(c), grad_variables=c.ones(())),
        UnsupportedError,
        "backward: grad_variables is not supported; use grad_tensors",
        only_curta=True,
    ),
    Refusal(
        lambda c: c.autograd.grad(loss(c), c.zeros(2), is_grads_batched=True),
        AutogradError,
        "grad can be implicitly created only for scalar outputs",
        only_curta=True,
    ),
    Refusal(
        lambda c: c.autograd.grad(loss(c), c.zeros(2), only_inputs=False),
        UnsupportedError,
        "grad: only_inputs=False is not supported",
        only_curta=True,
    ),
    Refusal(
        lambda c: c.autograd.grad(loss(c), c.zeros(2, requires_grad=True), allow_unused=False, materialize_grads=True),
        ArgumentError,
        "Expected allow_unused to be True or not passed when materialize_grads=True",
    ),
    Refusal(
        lambda c: c.autograd.grad(loss(c), c.zeros(2, requires_grad=True)),
        AutogradError,
        "The differentiated Tensor at index 0 appears to not have been used in the graph. Set allow_unused=True if this is the desired behavior.",
    ),
    Refusal(
        lambda c: c.autograd.grad(loss(c), c.zeros(2)),
        AutogradError,
        "One of the differentiated Tensors does not require grad",
    ),
    Refusal(
        lambda c: c.autograd.backward(loss(c), 1.0),
        ArgumentTypeError,
        "expected a tensor or a sequence of tensors, got float",
    ),
    Refusal(
        lambda c: c.autograd.backward(c.zeros(())),
        AutogradError,
        "element 0 of tensors does not require grad and does not have a grad_fn",
    ),
    Refusal(
        lambda c: c.autograd.backward(c.zeros(2, requires_grad=True) * 2),
        AutogradError,
        "grad can be implicitly created only for scalar outputs",
    ),
    Refusal(lambda c: wrong_gradient(c, "text"), AutogradError, "expected Variable or None (got str)"),
    Refusal(
        lambda c: wrong_gradient(c, c.zeros(3)),
        AutogradError,
        "Function ReturnsBackward returned an invalid gradient at index 0 - got [3] but expected shape compatible with [2]",
    ),
    Refusal(
        lambda c: context_of(c).save_for_forward(c.zeros(2)),
        UnsupportedError,
        "Function: ctx.save_for_forward is not supported (no forward-mode differentiation)",
        only_curta=True,
    ),
    Refusal(
        lambda c: double(c)(),
        ArgumentTypeError,
        "Double should not be instantiated. Methods on autograd functions are all static, so you should invoke them on the class itself.",
        only_curta=True,
    ),
    Refusal(
        lambda c: forward_only(c).apply(c.zeros(2, requires_grad=True)).sum().backward(),
        UnsupportedError,
        "You must implement either the backward or vjp method for your custom autograd.Function to use it with backward mode AD.",
    ),
    Refusal(
        lambda c: twice_through_once(c),
        AutogradError,
        "trying to differentiate twice a function that was marked with @once_differentiable",
    ),
    Refusal(
        lambda c: saved_after_freeing(c),
        AutogradError,
        "Trying to backward through the graph a second time (or directly access saved tensors after they have already been freed). Saved intermediate values of the graph are freed when you call .backward() or autograd.grad(). Specify retain_graph=True if you need to backward through the graph a second time or if you need to access saved tensors after calling backward.",
    ),
    Refusal(
        lambda c: double(c).apply(c.zeros(2), scale=c.zeros(2, requires_grad=True)),
        UnsupportedError,
        "Double: tensors that require grad must be positional arguments",
        only_curta=True,
    ),
    Refusal(
        lambda c: save_text(c),
        ArgumentTypeError,
        "save_for_backward can only save variables, but argument 0 is of type str",
    ),
    Refusal(
        lambda c: backward_twice(c),
        AutogradError,
        "Trying to backward through the graph a second time (or directly access saved tensors after they have already been freed). Saved intermediate values of the graph are freed when you call .backward() or autograd.grad(). Specify retain_graph=True if you need to backward through the graph a second time or if you need to access saved tensors after calling backward.",
    ),
    Refusal(
        lambda c: changed_since(c),
        AutogradError,
        "one of the variables needed for gradient computation has been modified by an inplace operation: f32[2], which is output 0 of AddBackward0, saved as input 1 of mul, is at version 1; expected version 0 instead.",
    ),
    Refusal(lambda c: hook_returning(c, "text"), ArgumentTypeError, "expected Variable, but hook returned 'str'"),
    Refusal(
        lambda c: hook_returning(c, c.zeros(2, dtype=c.float64)),
        AutogradError,
        "hook '<lambda>' has changed the type of value (was f32[2] got f64[2])",
    ),
    Refusal(lambda c: hook_returning(c, c.zeros(3)), AutogradError, "hook '<lambda>' has changed the size of value"),
    Refusal(
        lambda c: gradcheck(c, c.sin, check_backward_ad=False),
        UnsupportedError,
        "gradcheck: check_backward_ad=False is not supported",
        only_curta=True,
    ),
    Refusal(
        lambda c: gradcheck(c, c.sin, check_forward_ad=True),
        UnsupportedError,
        "gradcheck: check_forward_ad=True is not supported",
        only_curta=True,
    ),
    Refusal(
        lambda c: gradcheck(c, lambda x: x.detach() * 2),
        GradcheckError,
        "output 0 does not require grad, but depends on input 0",
    ),
    Refusal(
        lambda c: gradcheck(c, irregular(c)),
        GradcheckError,
        "Backward is not reentrant, i.e., running backward with same input and grad_output multiple times gives different values (output 0, input 0; the tolerance is 0.0)",
    ),
    Refusal(
        lambda c: gradcheck(c, wrong_rule(c).apply),
        GradcheckError,
        "Jacobian mismatch for output 0 with respect to input 0,\nnumerical:[[2. 0.]\n [0. 2.]]\nanalytical:[[3. 0.]\n [0. 3.]]\n",
    ),
)
