"""What is refused, in which words: nn's modules, initialisation, utilities; schedules."""

from __future__ import annotations

from refusal import Refusal, before_init, schedule_without_rate

from curta.errors import (
    ArgumentError,
    ArgumentTypeError,
    AutogradError,
    DTypeError,
    IndexRangeError,
    NameTakenError,
    NoSuchAttributeError,
    ShapeError,
    UnsupportedError,
)

REFUSALS = (
    Refusal(lambda c: c.nn.init.eye_(c.zeros(2)), ArgumentError, "Only tensors with 2 dimensions are supported"),
    Refusal(
        lambda c: c.nn.init.sparse_(c.zeros(2), 0.5), ArgumentError, "Only tensors with 2 dimensions are supported"
    ),
    Refusal(
        lambda c: c.nn.init.dirac_(c.zeros(2)), ArgumentError, "Only tensors with 3, 4, or 5 dimensions are supported"
    ),
    Refusal(lambda c: c.nn.init.dirac_(c.zeros(3, 2, 1), 2), ArgumentError, "dim 0 must be divisible by groups"),
    Refusal(
        lambda c: c.nn.init.orthogonal_(c.zeros(2)),
        ArgumentError,
        "Only tensors with 2 or more dimensions are supported",
    ),
    Refusal(
        lambda c: c.nn.functional.one_hot(c.zeros(2)),
        DTypeError,
        "one_hot is only applicable to index tensor of type LongTensor.",
        only_curta=True,
    ),
    Refusal(
        lambda c: c.nn.functional.one_hot(c.tensor([1]), 0),
        ShapeError,
        "num_classes should be positive",
        only_curta=True,
    ),
    Refusal(
        lambda c: c.nn.functional.one_hot(c.zeros(0, dtype=c.int64)),
        ShapeError,
        "Can not infer total number of classes from empty tensor.",
    ),
    Refusal(lambda c: c.nn.functional.one_hot(c.tensor([-1])), ShapeError, "Class values must be non-negative."),
    Refusal(
        lambda c: c.nn.functional.one_hot(c.tensor([3]), 3),
        ShapeError,
        "Class values must be smaller than num_classes.",
    ),
    Refusal(lambda c: c.nn.init.calculate_gain("step"), ArgumentError, "Unsupported nonlinearity step"),
    Refusal(
        lambda c: c.nn.init.xavier_uniform_(c.zeros(2)),
        ArgumentError,
        "Fan in and fan out can not be computed for tensor with fewer than 2 dimensions",
    ),
    Refusal(
        lambda c: c.nn.init.kaiming_uniform_(c.zeros(2, 2), mode="fan_sideways"),
        ArgumentError,
        "Mode fan_sideways not supported, please use one of ['fan_in', 'fan_out']",
    ),
    Refusal(
        lambda c: c.nn.init.trunc_normal_(c.zeros(2), a=8.0, b=9.0),
        UnsupportedError,
        "trunc_normal_: [8.0, 9.0] holds less than a hundredth of normal(0.0, 1.0)",
        only_curta=True,
    ),
    Refusal(lambda c: c.nn.Dropout(1.5), ArgumentError, "dropout probability has to be between 0 and 1, but got 1.5"),
    Refusal(lambda c: c.nn.Sequential(c.nn.ReLU())[1], IndexRangeError, "index 1 is out of range"),
    Refusal(
        lambda c: c.nn.Conv2d(1, 1, 1, padding_mode="mirror"),
        ArgumentError,
        "padding_mode must be one of ('zeros', 'reflect', 'replicate', 'circular'), but got padding_mode='mirror'",
    ),
    Refusal(lambda c: c.nn.Conv2d(1, 1, 1, groups=0), ArgumentError, "groups must be a positive integer"),
    Refusal(lambda c: c.nn.Conv2d(3, 2, 1, groups=2), ArgumentError, "in_channels must be divisible by groups"),
    Refusal(lambda c: c.nn.Conv2d(2, 3, 1, groups=2), ArgumentError, "out_channels must be divisible by groups"),
    Refusal(
        lambda c: c.nn.Embedding(4, 2, padding_idx=4),
        ArgumentError,
        "padding_idx must be within num_embeddings, got 4 and 4",
        only_curta=True,
    ),
    Refusal(
        lambda c: c.nn.Embedding(4, 2, padding_idx=-5),
        ArgumentError,
        "padding_idx must be within num_embeddings, got -5 and 4",
        only_curta=True,
    ),
    Refusal(
        lambda c: c.nn.Embedding(4, 2, _weight=c.zeros(2, 2)),
        ShapeError,
        "Shape of weight does not match num_embeddings and embedding_dim",
        only_curta=True,
    ),
    Refusal(
        lambda c: c.nn.Embedding(4, 2, sparse=True),
        UnsupportedError,
        "Embedding: the argument 'sparse' is not supported: without it a compiled step with SGD or Adagrad updates only the "
        "rows that were looked up",
        only_curta=True,
    ),
    Refusal(
        lambda c: c.nn.Module().register_parameter("w", c.zeros(2)),
        ArgumentTypeError,
        "cannot assign 'Tensor' object to parameter 'w' (curta.nn.Parameter or None required)",
    ),
    Refusal(
        lambda c: c.nn.Module().register_buffer("w", 1.0),
        ArgumentTypeError,
        "cannot assign 'float' object to buffer 'w' (Tensor or None required)",
    ),
    Refusal(lambda c: c.nn.Module().add_module("part", 1.0), ArgumentTypeError, "float is not a Module subclass"),
    Refusal(
        lambda c: c.nn.Module().register_parameter(1, None),
        ArgumentTypeError,
        "parameter name should be a string. Got int",
    ),
    Refusal(
        lambda c: c.nn.Module().register_parameter("a.b", None),
        NameTakenError,
        "parameter name can't contain \".\" or be empty, got 'a.b'",
    ),
    Refusal(
        lambda c: c.nn.Module().register_parameter("", None),
        NameTakenError,
        "parameter name can't contain \".\" or be empty, got ''",
    ),
    Refusal(
        lambda c: c.nn.Module().register_buffer("training", None), NameTakenError, "attribute 'training' already exists"
    ),
    Refusal(lambda c: c.nn.Module().train("yes"), ArgumentError, "training mode is expected to be boolean"),
    Refusal(
        lambda c: c.nn.Linear(2, 1, bias=False).load_state_dict({"weight": [1.0, 2.0]}),
        ShapeError,
        "Error(s) in loading state_dict for Linear:\n\tWhile copying the parameter named \"weight\", expected torch.Tensor or Tensor-like object from checkpoint but received <class 'list'>",
    ),
    Refusal(
        lambda c: c.nn.Linear(1, 1, bias=False).load_state_dict({"weight": c.ones(1, 1).int()}, assign=True),
        ShapeError,
        "Error(s) in loading state_dict for Linear:\n\tWhile copying the parameter named \"weight\", whose dimensions in the model are torch.Size([1, 1]) and whose dimensions in the checkpoint are torch.Size([1, 1]), an exception occurred : ('Only Tensors of floating point and complex dtype can require gradients',).",
    ),
    Refusal(
        lambda c: c.nn.Sequential(c.nn.Linear(2, 1)).load_state_dict({"0.weight": c.ones(2, 1), "0": 1, "x": 2}),
        ShapeError,
        'Error(s) in loading state_dict for Sequential:\n\tMissing key(s) in state_dict: "0.bias". \n\tUnexpected key(s) in state_dict: "0", "x". \n\tsize mismatch for 0.weight: copying a param with shape torch.Size([2, 1]) from checkpoint, the shape in current model is torch.Size([1, 2]).',
    ),
    Refusal(
        lambda c: c.nn.Linear(1, 1).load_state_dict([]),
        ArgumentTypeError,
        "Expected state_dict to be dict-like, got <class 'list'>.",
    ),
    Refusal(
        lambda c: c.nn.Linear(1, 1).load_state_dict({}),
        ShapeError,
        'Error(s) in loading state_dict for Linear:\n\tMissing key(s) in state_dict: "weight", "bias". ',
    ),
    Refusal(
        lambda c: c.nn.Linear(1, 1).get_submodule("inner"), NoSuchAttributeError, "Linear has no attribute `inner`"
    ),
    Refusal(lambda c: c.nn.Linear(1, 1).missing, NoSuchAttributeError, "'Linear' object has no attribute 'missing'"),
    Refusal(
        lambda c: before_init(c, lambda: c.nn.Parameter(c.zeros(2))),
        NoSuchAttributeError,
        "cannot assign parameters before Module.__init__() call",
    ),
    Refusal(
        lambda c: before_init(c, c.nn.ReLU), NoSuchAttributeError, "cannot assign module before Module.__init__() call"
    ),
    Refusal(
        lambda c: c.nn.Parameter(c.zeros(2, dtype=c.int64)),
        AutogradError,
        "Only Tensors of floating point and complex dtype can require gradients",
    ),
    Refusal(lambda c: c.nn.Module()(1), UnsupportedError, 'Module [Module] is missing the required "forward" function'),
    Refusal(
        lambda c: c.nn.utils.clip_grad_norm_([], 1.0, foreach=True),
        UnsupportedError,
        "clip_grad_norm_: the argument 'foreach' is not supported",
        only_curta=True,
    ),
    Refusal(
        lambda c: c.nn.utils.get_total_norm([c.tensor([float("inf")])], error_if_nonfinite=True),
        ShapeError,
        "The total norm of order 2.0 for gradients from `parameters` is non-finite, so it cannot be clipped. To disable this error and scale the gradients by the non-finite norm anyway, set `error_if_nonfinite=False`",
    ),
    Refusal(
        lambda c: c.nn.utils.vector_to_parameters([1.0], [c.zeros(1)]),
        ArgumentTypeError,
        "expected Tensor, but got: list",
    ),
    Refusal(
        lambda c: c.nn.utils.vector_to_parameters(c.zeros(2), [c.zeros(1)]),
        ShapeError,
        "vector_to_parameters: the parameters hold 1 elements, the vector 2",
        only_curta=True,
    ),
    Refusal(
        lambda c: schedule_without_rate(c), UnsupportedError, "LRScheduler does not define get_lr", only_curta=True
    ),
    Refusal(
        lambda c: c.nn.Sequential(c.nn.ReLU()).get_parameter("0.weight"),
        NoSuchAttributeError,
        "ReLU has no attribute `weight`",
    ),
    Refusal(lambda c: c.nn.Linear(1, 1).get_buffer("weight"), NoSuchAttributeError, "`weight` is not a buffer"),
    Refusal(
        lambda c: c.nn.BatchNorm1d(1).get_parameter("running_mean"),
        NoSuchAttributeError,
        "`running_mean` is not an nn.Parameter",
    ),
    Refusal(
        lambda c: c.nn.Sequential().set_submodule("", c.nn.ReLU()),
        ArgumentError,
        "Cannot set the submodule without a target name, got ''",
    ),
    Refusal(
        lambda c: c.nn.Sequential().set_submodule("0", 3),
        ArgumentError,
        "`module` is not an nn.Module, found int",
        only_curta=True,
    ),
    Refusal(
        lambda c: c.nn.Sequential().set_submodule("0", c.nn.ReLU(), strict=True),
        NoSuchAttributeError,
        "Sequential has no attribute `0`",
    ),
)
