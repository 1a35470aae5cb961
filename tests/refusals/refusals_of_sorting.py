"""What is refused, in which words: sorting, searching, counting, running along a dimension."""

from __future__ import annotations

from refusal import Refusal

from curta.errors import (
    ArgumentTypeError,
    AutogradError,
    DTypeError,
    IndexRangeError,
    NoDataError,
    ShapeError,
    UnsupportedDTypeError,
)

REFUSALS = (
    Refusal(
        lambda c: c.sort(c.zeros(2), out=c.zeros(2)),
        ArgumentTypeError,
        "sort(): argument 'out' must be tuple of Tensors, not Tensor",
    ),
    Refusal(
        lambda c: c.sort(c.zeros(2), out=(c.zeros(2),)), ArgumentTypeError, "expected tuple of 2 elements but got 1"
    ),
    Refusal(
        lambda c: c.sort(c.zeros(2), out=(c.zeros(2), 3)),
        ArgumentTypeError,
        "sort(): argument 'out' must be Tensor, not int",
    ),
    Refusal(
        lambda c: c.sort(c.zeros(2), out=(c.zeros(2), c.zeros(2))),
        DTypeError,
        "Expected out tensor to have dtype long int, but got float instead",
    ),
    Refusal(
        lambda c: c.median(c.zeros(2), out=c.zeros(())),
        ArgumentTypeError,
        "median(): the argument 'out' needs a 'dim'",
    ),
    Refusal(
        lambda c: c.max(c.zeros(2, requires_grad=True), 0, out=(c.zeros(()), c.zeros(()).long())),
        AutogradError,
        "max(): functions with out=... arguments don't support automatic differentiation, but one of the arguments "
        "requires grad.",
    ),
    Refusal(
        lambda c: c.logsumexp(c.zeros(2), 0, out=c.zeros(()).long()),
        DTypeError,
        "logsumexp(): Expected floating point type for result tensor, but got: Long",
    ),
    Refusal(
        lambda c: c.nansum(c.zeros(2), 0, out=c.zeros(()).long()),
        UnsupportedDTypeError,
        "\"nansum_cpu\" not implemented for 'Long'",
    ),
    Refusal(
        lambda c: c.return_types.sort((1, 2, 3)),
        ArgumentTypeError,
        "curta.return_types.sort() takes a 2-sequence (3-sequence given)",
    ),
    Refusal(
        lambda c: c.sort(c.zeros(2, 3), 5),
        IndexRangeError,
        "Dimension out of range (expected to be in range of [-2, 1], but got 5)",
    ),
    Refusal(lambda c: c.topk(c.zeros(2), 3), ShapeError, "selected index k out of range"),
    Refusal(lambda c: c.topk(c.zeros(2), -1), ShapeError, "selected index k out of range"),
    Refusal(lambda c: c.topk(c.zeros(()), 2), ShapeError, "selected index k out of range"),
    Refusal(
        lambda c: c.topk(c.zeros(2, dtype=c.bool), 1), UnsupportedDTypeError, "topk does not support bool dtypes on CPU"
    ),
    Refusal(
        lambda c: c.kthvalue(c.zeros(2), 0), ShapeError, "kthvalue(): selected number k out of range for dimension 0"
    ),
    Refusal(
        lambda c: c.kthvalue(c.zeros(0, 2), 1, 0),
        IndexRangeError,
        "kthvalue(): Expected reduction dim 0 to have non-zero size.",
    ),
    Refusal(
        lambda c: c.kthvalue(c.zeros(2, dtype=c.bool), 1),
        UnsupportedDTypeError,
        "\"kthvalue_cpu\" not implemented for 'Bool'",
    ),
    Refusal(
        lambda c: c.median(c.zeros(0, 2), 0),
        IndexRangeError,
        "median(): Expected reduction dim 0 to have non-zero size.",
    ),
    Refusal(
        lambda c: c.median(c.zeros(2, dtype=c.bool)), UnsupportedDTypeError, "\"median_cpu\" not implemented for 'Bool'"
    ),
    Refusal(lambda c: c.mode(c.zeros(0)), IndexRangeError, "mode(): Expected reduction dim 0 to have non-zero size."),
    Refusal(
        lambda c: c.quantile(c.zeros(2).long(), 0.5),
        DTypeError,
        "quantile() input tensor must be either float or double dtype",
    ),
    Refusal(
        lambda c: c.quantile(c.zeros(2), c.zeros(1).double()),
        DTypeError,
        "quantile() q tensor must be same dtype as the input tensor",
    ),
    Refusal(lambda c: c.quantile(c.zeros(0), 0.5), ShapeError, "quantile() input tensor must be non-empty"),
    Refusal(
        lambda c: c.nanquantile(c.zeros(2), 1.5), ShapeError, "nanquantile() q must be in the range [0, 1] but got 1.5"
    ),
    Refusal(
        lambda c: c.quantile(c.zeros(2), c.ones(1) * 2), ShapeError, "quantile() q values must be in the range [0, 1]"
    ),
    Refusal(lambda c: c.quantile(c.zeros(2), c.zeros(1, 1)), ShapeError, "quantile() q must be a scalar or 1D tensor"),
    Refusal(
        lambda c: c.quantile(c.zeros(2), 0.5, interpolation="cubic"),
        ShapeError,
        "quantile() interpolation must be one of linear, lower, higher, midpoint or nearest, but got cubic",
    ),
    Refusal(
        lambda c: c.searchsorted(c.zeros(2), c.zeros(2), side="lef"),
        ShapeError,
        "torch.searchsorted(): side can only be 'left' or 'right' but got lef",
    ),
    Refusal(
        lambda c: c.searchsorted(c.zeros(2), c.zeros(2), side="left", right=True),
        ShapeError,
        "torch.searchsorted(): side and right can't be set to opposites, got side of left while right was True",
    ),
    Refusal(
        lambda c: c.searchsorted(c.zeros(()), c.zeros(2)),
        ShapeError,
        "torch.searchsorted(): boundaries tensor should have positive dimension, but got 0 dimension",
    ),
    Refusal(
        lambda c: c.searchsorted(c.zeros(2, 3), 1.0),
        ShapeError,
        "torch.searchsorted(): input value can be a scalar only when boundaries tensor dimension is 1, but we got "
        "boundaries tensor dim(2) and input value's dim(0) numel(1)",
    ),
    Refusal(
        lambda c: c.searchsorted(c.zeros(2, 3), c.zeros(3, 3)),
        ShapeError,
        "torch.searchsorted(): boundaries tensor should be 1 dimension or the first N-1 dimensions of boundaries tensor "
        "and input value tensor must match, but we got boundaries tensor [2, 3] and input value tensor [3, 3]",
    ),
    Refusal(
        lambda c: c.searchsorted(c.zeros(3), c.zeros(1), sorter=c.tensor([1, 2])),
        ShapeError,
        "torch.searchsorted(): boundary and sorter must have the same size, but got boundary tensor [3]and got sorter "
        "tensor [2]",
    ),
    Refusal(
        lambda c: c.searchsorted(c.zeros(2), c.zeros(1), sorter=c.zeros(2)),
        DTypeError,
        "torch.searchsorted(): sorter must be a tensor of long dtype but got dtype Float",
    ),
    Refusal(
        lambda c: c.searchsorted(c.zeros(2), c.zeros(1), sorter=c.tensor([0, 2])),
        ShapeError,
        "torch.searchsorted(): sorter index out of range",
    ),
    Refusal(
        lambda c: c.bucketize(c.zeros(2), c.zeros(2, 2)),
        ShapeError,
        "boundaries tensor must be 1 dimension, but got dim(2)",
    ),
    Refusal(
        lambda c: c.isin(1, 2),
        ArgumentTypeError,
        "isin(): one of 'elements' and 'test_elements' must be a Tensor, got int and int",
        only_curta=True,
    ),
    Refusal(
        lambda c: c.isin(c.tensor([True]), c.tensor([True])),
        UnsupportedDTypeError,
        "Unsupported input type encountered for isin(): Bool",
        only_curta=True,  # PyTorch's is a plain RuntimeError
    ),
    Refusal(
        lambda c: c.histc(c.zeros(2).long()),
        UnsupportedDTypeError,
        "\"histogram_cpu\" not implemented for 'Long'",
    ),
    Refusal(
        lambda c: c.histc(c.zeros(2), 0), ShapeError, "torch.histogram(): bins must be > 0, but got 0 for dimension 0"
    ),
    Refusal(lambda c: c.histc(c.zeros(2), 4, 3, 1), ShapeError, "torch.histc: max must be larger than min"),
    Refusal(
        lambda c: c.histc(c.tensor([1.0, float("inf")])), ShapeError, "torch.histc: range of [1, inf] is not finite"
    ),
    Refusal(lambda c: c.bincount(c.zeros(2)), UnsupportedDTypeError, "\"bincount_cpu\" not implemented for 'Float'"),
    Refusal(lambda c: c.bincount(c.tensor([1]), minlength=-1), ShapeError, "minlength should be >= 0"),
    Refusal(
        lambda c: c.bincount(c.tensor([-1])),
        ShapeError,
        "bincount only supports 1-d non-negative integral inputs.",
    ),
    Refusal(
        lambda c: c.bincount(c.zeros(2, 2).long()),
        ShapeError,
        "bincount only supports 1-d non-negative integral inputs.",
    ),
    Refusal(
        lambda c: c.bincount(c.tensor([1]), c.zeros(2)),
        ShapeError,
        "weights should be 1-d and have the same length as input",
    ),
    Refusal(
        lambda c: c.unique(c.zeros(0, 3), dim=1),
        ShapeError,
        "There are 0 sized dimensions, and they aren't selected, so unique cannot be applied",
    ),
    Refusal(
        lambda c: c.unique(c.zeros(2, device="meta")),
        NoDataError,
        "Cannot copy out of meta tensor; no data!",
        only_curta=True,
    ),
    Refusal(
        lambda c: c.logcumsumexp(c.zeros(2).long(), 0),
        UnsupportedDTypeError,
        "\"logcumsumexp_out_cpu\" not implemented for 'Long'",
    ),
    Refusal(
        lambda c: c.cumsum(c.zeros(2), 0, dtype=c.bool),
        UnsupportedDTypeError,
        "\"cumsum_out_cpu\" not implemented for 'Bool'",
    ),
    Refusal(
        lambda c: c.cumsum(c.zeros(2), 1),
        IndexRangeError,
        "Dimension out of range (expected to be in range of [-1, 0], but got 1)",
    ),
    Refusal(lambda c: c.diff(c.zeros(())), ShapeError, "diff expects input to be at least one-dimensional"),
    Refusal(
        lambda c: c.diff(c.zeros(2), prepend=c.zeros(1, 1)),
        ShapeError,
        "diff expects prepend or append to be the same dimension as input",
    ),
    Refusal(lambda c: c.diff(c.zeros(2), n=-1), ShapeError, "order must be non-negative but got -1"),
    Refusal(
        lambda c: c.trapezoid(c.zeros(2), c.zeros(2), dx=1),
        ShapeError,
        "trapezoid(): takes either the points x or their distance dx, got both",
        only_curta=True,
    ),
    Refusal(
        lambda c: c.trapezoid(c.zeros(())), IndexRangeError, "Dimension specified as -1 but tensor has no dimensions"
    ),
    Refusal(
        lambda c: c.trapezoid(c.zeros(2, dtype=c.bool)),
        DTypeError,
        "trapezoid: received a bool input for `x` or `y`, but bool is not supported",
    ),
    Refusal(
        lambda c: c.trapezoid(c.zeros(3), c.zeros(2)),
        ShapeError,
        "trapezoid: There must be one `x` value for each sample point",
    ),
    Refusal(
        lambda c: c.topk(c.zeros(2), 1.0),
        ArgumentTypeError,
        "topk(): argument 'k' must be int, not float",
        only_curta=True,  # PyTorch's says which position
    ),
    Refusal(
        lambda c: c.kthvalue(c.zeros(2), True),
        ArgumentTypeError,
        "kthvalue(): argument 'k' must be int, not bool",
        only_curta=True,  # PyTorch's says which position
    ),
    Refusal(
        lambda c: c.diff(c.zeros(2), n=1.5),
        ArgumentTypeError,
        "diff(): argument 'n' must be int, not float",
        only_curta=True,  # PyTorch's says which position
    ),
    Refusal(
        lambda c: c.sort(c.zeros(2), 0.0),
        ArgumentTypeError,
        "sort(): argument 'dim' must be int, not float",
        only_curta=True,  # PyTorch's says which position
    ),
    Refusal(
        lambda c: c.cumsum(c.zeros(2), None),
        ArgumentTypeError,
        "cumsum(): argument 'dim' must be int, not NoneType",
        only_curta=True,  # PyTorch's says which position
    ),
    Refusal(
        lambda c: c.histc(c.zeros(2), 2.5),
        ArgumentTypeError,
        "histc(): argument 'bins' must be int, not float",
        only_curta=True,  # PyTorch's says which position
    ),
    Refusal(
        lambda c: c.bincount(c.zeros(2).long(), minlength=2.0),
        ArgumentTypeError,
        "bincount(): argument 'minlength' must be int, not float",
        only_curta=True,  # PyTorch's says which position
    ),
    Refusal(
        lambda c: c.unique(c.zeros(()), dim=0), IndexRangeError, "Dimension specified as 0 but tensor has no dimensions"
    ),
    Refusal(
        lambda c: c.cumulative_trapezoid(c.zeros(0), c.zeros(1)),
        ShapeError,
        "cumulative_trapezoid: There must be one `x` value for each sample point",
    ),
)
