"""Finding and counting values under PyTorch's names: binary search, membership, histograms, distinct elements."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from curta import dtypes, host
from curta.device import META
from curta.errors import ArgumentTypeError, DTypeError, IndexRangeError, ShapeError, UnsupportedDTypeError
from curta.functions.creation import full, zeros
from curta.functions.creation import tensor as make
from curta.functions.inplace import scalar_name
from curta.functions.movement import dimension, integer
from curta.functions.operands import tensor
from curta.functions.outputs import EXACT, into
from curta.functions.sorting import ordered, picked
from curta.lazy import LazyModule
from curta.ops.counting import COUNTS
from curta.ops.dispatch import bind
from curta.ops.indexing import scatter_rows
from curta.ops.inference import promoted
from curta.ops.sampling import HISTOGRAM_PARTS
from curta.ops.sorting import SEARCH
from curta.tensor import Tensor

if TYPE_CHECKING:
    import numpy as np
else:
    np = LazyModule("numpy")


#: what is said of an `out` in another format
_PLACES = (
    "torch.searchsorted(): output tensor's dtype is wrong, it can only be Int(int32) or Long(int64) depending on "
    "whether out_int32 flag is True, but we got output tensor's dtype {given} and out_int32 flag is "
)
_COUNTS = (
    "torch.histogram: input tensor and hist tensor should have the same dtype, but got input {made_type} and hist "
    "{given_type}"
)

# binary search


def searchsorted(
    sorted_sequence: Tensor,
    input: Tensor | float,
    *,
    out_int32: bool = False,
    right: bool = False,
    side: str | None = None,
    sorter: Tensor | None = None,
    out: Tensor | None = None,
) -> Tensor:
    """Before which element of a sorted sequence each value belongs; with `right`, behind those that are equal to it.

    Of a sequence with several dimensions every row is searched for the same row of values. int64, or int32.

    >>> import curta
    >>> curta.searchsorted(curta.tensor([1, 3, 5]), curta.tensor([3, 6]))
    tensor([1, 3])
    """
    if out is not None:
        found = searchsorted(sorted_sequence, input, out_int32=out_int32, right=right, side=side, sorter=sorter)
        return into("searchsorted", out, found, exact=_PLACES + str(bool(out_int32)))
    sequence = tensor("searchsorted", sorted_sequence, "sorted_sequence")
    if side not in (None, "left", "right"):
        raise ShapeError(f"torch.searchsorted(): side can only be 'left' or 'right' but got {side}")
    if side == "left" and right:
        raise ShapeError(
            "torch.searchsorted(): side and right can't be set to opposites, got side of left while right was True"
        )
    values = _values(sequence, input)
    _check_rows(sequence, values, isinstance(input, Tensor))
    if sorter is not None:
        sequence = _sorted_by(sequence, sorter)
    return _search(sequence, values, right or side == "right", dtypes.int32 if out_int32 else dtypes.int64)


def _values(sequence: Tensor, input: Tensor | float) -> Tensor:
    return input if isinstance(input, Tensor) else make(input, device=sequence.layout.device)


def _check_rows(sequence: Tensor, values: Tensor, given: bool) -> None:
    own, wanted = sequence.layout.shape, values.layout.shape
    if not own:
        raise ShapeError("torch.searchsorted(): boundaries tensor should have positive dimension, but got 0 dimension")
    if not wanted and len(own) != 1:
        raise ShapeError(
            "torch.searchsorted(): input value can be a scalar only when boundaries tensor dimension is 1, but we got "
            f"boundaries tensor dim({len(own)}) and input value's dim(0) numel(1)"
        )
    if len(own) != 1 and (len(own) != len(wanted) or own[:-1] != wanted[:-1]):
        raise ShapeError(
            "torch.searchsorted(): boundaries tensor should be 1 dimension or the first N-1 dimensions of boundaries "
            f"tensor and input value tensor must match, but we got boundaries tensor {list(own)} and input value "
            f"tensor {list(wanted)}"
        )


def _sorted_by(sequence: Tensor, sorter: Tensor) -> Tensor:
    from curta.functions.indexing import gather

    if sorter.layout.shape != sequence.layout.shape:
        raise ShapeError(
            "torch.searchsorted(): boundary and sorter must have the same size, but got boundary tensor "
            f"{list(sequence.layout.shape)}and got sorter tensor {list(sorter.layout.shape)}"
        )
    if sorter.layout.dtype is not dtypes.int64:
        raise DTypeError(
            "torch.searchsorted(): sorter must be a tensor of long dtype but got dtype "
            f"{scalar_name(sorter.layout.dtype)}"
        )
    try:
        return gather(sequence, -1, sorter)
    except ShapeError:
        raise ShapeError("torch.searchsorted(): sorter index out of range") from None


def _search(sequence: Tensor, values: Tensor, right: bool, dtype: dtypes.DType) -> Tensor:
    kind = promoted((sequence.layout, values.layout))
    count = sequence.layout.shape[-1]
    if not count:
        return zeros(values.layout.shape, dtype=dtype, device=values.layout.device)
    operands = (sequence.detach().to(kind), values.detach().to(kind), count)
    found: Tensor = bind(SEARCH, operands, bits=count.bit_length(), right=bool(right), dtype=dtype)
    return found


def bucketize(
    input: Tensor | float,
    boundaries: Tensor,
    *,
    out_int32: bool = False,
    right: bool = False,
    out: Tensor | None = None,
) -> Tensor:
    """Between which sorted boundaries each value lies: `searchsorted(boundaries, input)`.

    >>> import curta
    >>> curta.bucketize(curta.tensor([2.0, 7.0]), curta.tensor([1.0, 5.0]))
    tensor([1, 2])
    """
    if out is not None:
        found = bucketize(input, boundaries, out_int32=out_int32, right=right)
        return into("bucketize", out, found, exact=_PLACES + str(bool(out_int32)))
    sequence = tensor("bucketize", boundaries, "boundaries")
    if sequence.layout.rank != 1:
        raise ShapeError(f"boundaries tensor must be 1 dimension, but got dim({sequence.layout.rank})")
    return _search(sequence, _values(sequence, input), right, dtypes.int32 if out_int32 else dtypes.int64)


def isin(
    elements: Tensor | float,
    test_elements: Tensor | float,
    *,
    assume_unique: bool = False,
    invert: bool = False,
    out: Tensor | None = None,
) -> Tensor:
    """Whether each element is one of the others; NaN never is.

    >>> import curta
    >>> curta.isin(curta.tensor([1, 2, 3]), curta.tensor([3, 1]))
    tensor([ True, False,  True])
    """
    if out is not None:
        return into("isin", out, isin(elements, test_elements, invert=invert), exact=EXACT)
    if not isinstance(elements, Tensor) and not isinstance(test_elements, Tensor):
        raise ArgumentTypeError(
            "isin(): one of 'elements' and 'test_elements' must be a Tensor, got "
            f"{type(elements).__name__} and {type(test_elements).__name__}"
        )
    either = elements if isinstance(elements, Tensor) else test_elements
    x, others = _values(either, elements), _values(either, test_elements)  # type: ignore[arg-type]
    for one in (x, others):
        if one.layout.dtype is dtypes.bool_:
            raise UnsupportedDTypeError("Unsupported input type encountered for isin(): Bool")
    if not others.layout.numel:
        return full(x.layout.shape, bool(invert), dtype=dtypes.bool_, device=x.layout.device)
    kind = promoted((x.layout, others.layout))
    order = ordered(others.detach().to(kind).reshape(-1), 0).values
    place = _search(order, x, False, dtypes.int64).clamp(max=order.layout.numel - 1)
    near = picked(order, 0, place.reshape(-1)).reshape(place.layout.shape)
    return near != x if invert else near == x


# counts


def histc(input: Tensor, bins: int = 100, min: float = 0, max: float = 0, *, out: Tensor | None = None) -> Tensor:
    """How many elements lie in each of so many equal parts of [min, max]; by default from the smallest to the largest.

    The last part has its upper end; elements outside count nowhere.

    >>> import curta
    >>> curta.histc(curta.tensor([1.0, 2.0, 1.0]), bins=4, min=0, max=3)
    tensor([0., 2., 1., 0.])
    """
    if out is not None:
        return into("histc", out, histc(input, bins, min, max), exact=_COUNTS)
    x = tensor("histc", input).detach()
    layout = x.layout
    if not layout.dtype.is_floating_point:
        raise UnsupportedDTypeError(f'"histogram_cpu" not implemented for {scalar_name(layout.dtype)!r}')
    bins = integer("histc", bins, "bins")
    if bins <= 0:
        raise ShapeError(f"torch.histogram(): bins must be > 0, but got {bins} for dimension 0")
    low, high = _range(x, float(min), float(max))
    if not layout.numel or layout.device is META:
        return zeros(bins, dtype=layout.dtype, device=layout.device)
    flat = x.reshape(-1)
    if dtypes.compute_dtype(layout.dtype) is layout.dtype:
        parts = bind(HISTOGRAM_PARTS, (flat, low, high, high - low, bins, bins - 1))
    else:  # half formats round after every step, as in PyTorch
        parts = ((flat - low) * bins / (high - low)).clamp(0, bins - 1).long()
        parts = parts.where((flat >= low).logical_and(flat <= high), bins)
    one = full((1, 1), 1, dtype=dtypes.compute_dtype(layout.dtype), device=layout.device)
    counts = scatter_rows(one.expand(layout.numel, 1), parts, bins + 1)
    return counts.reshape(-1).narrow(0, 0, bins).to(layout.dtype).clone()


def _range(x: Tensor, low: float, high: float) -> tuple[float, float]:
    """The range of a histogram; of a constant's, one to either side."""
    if low == high and x.layout.numel and x.layout.device is not META:
        low, high = float(x.amin().item()), float(x.amax().item())
    if not (-float("inf") < low < float("inf") and -float("inf") < high < float("inf")):
        raise ShapeError(f"torch.histc: range of [{low:g}, {high:g}] is not finite")
    if low > high:
        raise ShapeError("torch.histc: max must be larger than min")
    return (low - 1, high + 1) if low == high else (low, high)


def bincount(input: Tensor, weights: Tensor | None = None, minlength: int = 0) -> Tensor:
    """How often each number from 0 to the largest occurs in a vector, or the sum of its weights there.

    >>> import curta
    >>> curta.bincount(curta.tensor([0, 1, 1, 3]))
    tensor([1, 2, 0, 1])
    """
    x = tensor("bincount", input)
    layout = x.layout
    if layout.dtype.category != 1:
        raise UnsupportedDTypeError(f'"bincount_cpu" not implemented for {scalar_name(layout.dtype)!r}')
    minlength = integer("bincount", minlength, "minlength")
    if minlength < 0:
        raise ShapeError("minlength should be >= 0")
    if layout.rank == 1 and not layout.numel:
        return zeros(minlength, dtype=dtypes.int64, device=layout.device)
    low, high = host.bounds(x) if layout.rank == 1 else (-1, 0)
    if low < 0:
        raise ShapeError("bincount only supports 1-d non-negative integral inputs.")
    host.charge("bincount", layout.nbytes)
    if weights is not None and weights.layout.shape != layout.shape:
        raise ShapeError("weights should be 1-d and have the same length as input")
    count = high + 1 if high >= minlength else minlength
    if weights is None:
        tables: Tensor = bind(COUNTS, (x.contiguous(),), count=count)
        return tables.view(-1) if tables.layout.shape[0] == 1 else tables.sum(0)
    kind = dtypes.float32 if weights.layout.dtype is dtypes.float32 else dtypes.float64
    return scatter_rows(weights.detach().to(kind).unsqueeze(1), x, count).reshape(-1)


# distinct elements: how many there are is known only to somebody who reads them


def unique(
    input: Tensor,
    sorted: bool = True,
    return_inverse: bool = False,
    return_counts: bool = False,
    dim: int | None = None,
) -> Any:
    """The distinct elements in order, or the distinct slices along `dim`; every NaN is distinct.

    With `return_inverse` also which of them each element is, with `return_counts` how often each occurs. Needs the
    values: refused on the meta device and in compiled functions.

    >>> import curta
    >>> curta.unique(curta.tensor([3, 1, 3]), return_counts=True)
    (tensor([1, 3]), tensor([1, 2]))
    """
    x = tensor("unique", input)
    place = _slices("unique", x, dim)
    if place is None and (found := _counted(x, return_inverse, return_counts)) is not None:
        return found
    rows = _as_rows(x, place)
    if place is None and not return_inverse and not return_counts:
        values = np.sort(rows[:, 0])  # without the places: several times faster
        first = np.ones(len(values), bool)
        np.not_equal(values[1:], values[:-1], out=first[1:])
        made = host.tensor_from(values[first], x.layout.dtype)
        host.charge("unique", x.layout.nbytes, made)
        return made
    order = np.argsort(rows[:, 0], kind="stable") if rows.shape[1] == 1 else _row_order(rows)
    first, number = _runs(rows[order])
    inverse = np.empty_like(number)
    inverse[order] = number
    return _distinct("unique", x, place, order[first], inverse, return_inverse, return_counts)


def unique_consecutive(
    input: Tensor, return_inverse: bool = False, return_counts: bool = False, dim: int | None = None
) -> Any:
    """The elements without those equal to the one before, see `unique`.

    >>> import curta
    >>> curta.unique_consecutive(curta.tensor([1, 1, 2, 1]))
    tensor([1, 2, 1])
    """
    x = tensor("unique_consecutive", input)
    place = _slices("unique", x, dim)
    first, number = _runs(_as_rows(x, place))
    return _distinct("unique_consecutive", x, place, first, number, return_inverse, return_counts)


def _counted(x: Tensor, wants_inverse: bool, wants_counts: bool) -> Any:
    """`unique` of whole numbers that are no further apart than there are of them, by counting each; None of others."""
    if x.layout.dtype.is_floating_point or x.layout.dtype is dtypes.bool_ or not x.layout.numel:
        return None
    values = host.array(x).reshape(-1)
    low = values.min()
    if int(values.max()) - int(low) >= len(values):
        return None
    places = np.subtract(values, low, dtype=np.int64, casting="unsafe")
    counts = np.bincount(places)
    there = np.flatnonzero(counts)
    made = [host.tensor_from(low + there.astype(values.dtype))]
    if wants_inverse:
        numbers = np.cumsum(counts > 0) - 1
        made.append(host.tensor_from(numbers[places].reshape(x.layout.shape)))
    if wants_counts:
        made.append(host.tensor_from(counts[there]))
    host.charge("unique", x.layout.nbytes, *made)
    return tuple(made) if len(made) > 1 else made[0]


def _slices(name: str, x: Tensor, dim: int | None) -> int | None:
    if dim is None:
        return None
    if not x.layout.rank:
        raise IndexRangeError(f"Dimension specified as {dim} but tensor has no dimensions")
    place = dimension(name, dim, x.layout.rank)
    if x.layout.shape[place] and not x.layout.numel:
        raise ShapeError(f"There are 0 sized dimensions, and they aren't selected, so {name} cannot be applied")
    return place


def _as_rows(x: Tensor, dim: int | None) -> Any:
    """A row of numbers for each element, or for each slice along `dim`."""
    values = host.array(x.detach())
    if values.dtype.itemsize == 2 and x.layout.dtype.is_floating_point:
        values = values.astype(np.float32)
    if dim is None:
        return values.reshape(-1, 1)
    count = values.shape[dim]
    return np.moveaxis(values, dim, 0).reshape(count, values.size // count if count else 1)


def _row_order(rows: Any) -> Any:
    return np.lexsort(rows.T[::-1])


def _runs(rows: Any) -> tuple[Any, Any]:
    """Where each run of equal rows begins, and the number of the run that every row belongs to."""
    starts = np.ones(len(rows), bool)
    starts[1:] = (rows[1:] != rows[:-1]).any(1)
    return np.flatnonzero(starts), np.cumsum(starts) - 1


def _distinct(
    name: str, x: Tensor, dim: int | None, first: Any, inverse: Any, wants_inverse: bool, wants_counts: bool
) -> Any:
    from curta.functions.indexing import index_select

    wanted = [first]
    if wants_inverse:
        wanted.append(inverse.reshape(x.layout.shape) if dim is None else inverse)
    if wants_counts:
        wanted.append(np.bincount(inverse, minlength=len(first)))
    places, *others = [host.tensor_from(values.astype(np.int64)) for values in wanted]
    host.charge(name, x.layout.nbytes, places, *others)
    flat = x.detach().reshape(-1) if dim is None else x.detach()
    values = index_select(flat, dim or 0, places)
    return (values, *others) if others else values
