"""Sequences of different lengths in one tensor: padded to one length, or packed step by step without the padding."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import accumulate
from typing import Any, NamedTuple

from curta import functions
from curta.errors import ArgumentError, ShapeError
from curta.tensor import Tensor

_UNSORTED = (
    "`lengths` array must be sorted in decreasing order when `enforce_sorted` is True. You can pass "
    "`enforce_sorted=False` to pack_padded_sequence and/or pack_sequence to sidestep this requirement."
)


class _Fields(NamedTuple):
    data: Tensor
    batch_sizes: Tensor
    sorted_indices: Tensor | None = None
    unsorted_indices: Tensor | None = None


class PackedSequence(_Fields):
    """The rows of several sequences step by step, the longest first; `batch_sizes` says how many are at each step.

    Made by `pack_padded_sequence` and `pack_sequence`. Inside of a compiled function only one that was packed there
    can be used: how many rows belong to each step must be known while the function is recorded.
    """

    #: `batch_sizes` and `unsorted_indices` as integers
    sizes: tuple[int, ...]
    order: list[int]

    def __new__(
        cls, data: Tensor, batch_sizes: Tensor, sorted_indices: Tensor | None = None,
        unsorted_indices: Tensor | None = None,
    ) -> PackedSequence:  # fmt: skip
        if unsorted_indices is None and sorted_indices is not None:
            unsorted_indices = invert_permutation(sorted_indices)
        return super().__new__(cls, data, batch_sizes, sorted_indices, unsorted_indices)

    def rows(self) -> tuple[int, ...]:
        """How many sequences there are at each step."""
        if "sizes" not in self.__dict__:
            self.sizes = tuple(self.batch_sizes.tolist())
        return self.sizes

    def places(self) -> list[int]:
        """Where each sequence stands among the sorted ones."""
        if "order" not in self.__dict__:
            back = self.unsorted_indices
            self.order = list(range(self.rows()[0])) if back is None else list(back.tolist())
        return self.order

    def with_data(self, data: Tensor) -> PackedSequence:
        """The same sequences with other rows."""
        made = PackedSequence(data, *self[1:])
        made.__dict__.update(self.__dict__)
        return made

    def to(self, *args: Any, **kwargs: Any) -> PackedSequence:
        """With the rows in another format or on another device."""
        return self.with_data(self.data.to(*args, **kwargs))

    def float(self) -> PackedSequence:
        """With the rows in float32."""
        return self.with_data(self.data.float())

    def double(self) -> PackedSequence:
        """With the rows in float64."""
        return self.with_data(self.data.double())


def invert_permutation(permutation: Tensor | None) -> Tensor | None:
    """The permutation that undoes one.

    >>> import curta
    >>> invert_permutation(curta.tensor([2, 0, 1])).tolist()
    [1, 2, 0]
    """
    if permutation is None:
        return None
    return functions.empty_like(permutation).index_copy_(
        0, permutation, functions.arange(permutation.layout.numel, device=permutation.device)
    )


def _lengths(lengths: Any) -> list[int]:
    given = lengths.tolist() if isinstance(lengths, Tensor) else list(lengths)
    return [int(one) for one in given]


def pack_padded_sequence(
    input: Tensor, lengths: Tensor | Sequence[int], batch_first: bool = False, enforce_sorted: bool = True
) -> PackedSequence:
    """The first `lengths[b]` steps of each sequence b of input [T, B, ...], or [B, T, ...] with `batch_first`.

    >>> import curta
    >>> packed = pack_padded_sequence(curta.tensor([[1, 2, 3], [4, 0, 0]]), [3, 1], batch_first=True)
    >>> packed.data.tolist(), packed.batch_sizes.tolist()
    ([1, 4, 2, 3], [2, 1, 1])
    """
    known = _lengths(lengths)
    steps, batch = input.layout.shape[:2][:: -1 if batch_first else 1]
    if len(known) != batch:
        raise ShapeError(
            f"Expected `len(lengths)` to be equal to batch_size, but got {len(known)} (batch_size={batch})"
        )
    if min(known, default=0) <= 0:
        raise ShapeError(
            "Length of all samples has to be greater than 0, but found an element in 'lengths' that is <= 0"
        )
    order = sorted(range(batch), key=lambda place: -known[place])
    if enforce_sorted and order != list(range(batch)):
        raise ShapeError(_UNSORTED)
    if max(known) > steps:
        raise ShapeError(f"pack_padded_sequence: a sequence of {max(known)} steps in an input of {steps}")
    sizes = _sizes(known)
    strides = (1, steps) if batch_first else (batch, 1)
    places = [step * strides[0] + place * strides[1] for step, size in enumerate(sizes) for place in order[:size]]
    data = input.flatten(0, 1).index_select(0, functions.tensor(places, device=input.device))
    found = None if enforce_sorted else functions.tensor(order, device=input.device)
    back = None if enforce_sorted else functions.tensor(_inverse(order), device=input.device)
    made = PackedSequence(data, functions.tensor(sizes, device="cpu"), found, back)
    made.sizes, made.order = sizes, _inverse(order)
    return made


def _inverse(order: list[int]) -> list[int]:
    return sorted(range(len(order)), key=order.__getitem__)


def _sizes(lengths: list[int]) -> tuple[int, ...]:
    """How many sequences there are at each step."""
    return tuple(sum(length > step for length in lengths) for step in range(max(lengths)))


def _lengths_of(sizes: tuple[int, ...]) -> list[int]:
    """How long each sequence is, the longest first."""
    return [sum(size > place for size in sizes) for place in range(sizes[0])]


def pad_packed_sequence(
    sequence: PackedSequence, batch_first: bool = False, padding_value: float = 0.0, total_length: int | None = None
) -> tuple[Tensor, Tensor]:
    """The sequences in their old order, padded to [T, B, ...] (or [B, T, ...]), and their lengths.

    >>> import curta
    >>> padded, lengths = pad_packed_sequence(pack_sequence([curta.ones(2), curta.ones(1)]), batch_first=True)
    >>> padded.tolist(), lengths.tolist()
    ([[1.0, 1.0], [1.0, 0.0]], [2, 1])
    """
    sizes = sequence.rows()
    steps = len(sizes) if total_length is None else total_length
    if steps < len(sizes):
        raise ArgumentError(
            "Expected total_length to be at least the length of the longest sequence in input, but got "
            f"total_length={total_length} and max sequence length being {len(sizes)}"
        )
    data, batch = sequence.data, sizes[0]
    starts = [0, *accumulate(sizes)]
    lengths = _lengths_of(sizes)
    order = sequence.places()
    # one row of padding behind all the others
    nothing = functions.full(
        (1, *data.layout.shape[1:]), padding_value, dtype=data.layout.dtype, device=data.layout.device
    )
    width = data.layout.shape[0]
    grid = [[starts[t] + b if t < lengths[b] else width for t in range(steps)] for b in order]
    shape = (batch, steps) if batch_first else (steps, batch)
    places = grid if batch_first else list(map(list, zip(*grid, strict=True)))
    rows = functions.tensor([place for line in places for place in line], device=data.device)
    padded = functions.cat([data, nothing]).index_select(0, rows).unflatten(0, shape)
    return padded, functions.tensor([lengths[place] for place in order], device="cpu")


def pad_sequence(
    sequences: Tensor | Iterable[Tensor], batch_first: bool = False, padding_value: float = 0.0,
    padding_side: str = "right",
) -> Tensor:  # fmt: skip
    """Tensors [length, ...] of different lengths as one [T, B, ...], or [B, T, ...] with `batch_first`.

    >>> import curta
    >>> pad_sequence([curta.ones(2), curta.ones(1)], batch_first=True, padding_side="left").tolist()
    [[1.0, 1.0], [0.0, 1.0]]
    """
    if padding_side not in ("left", "right"):
        raise ShapeError(f"Expected padding_side to be one of left or right, but got {padding_side}.")
    if not isinstance(sequences, Iterable):
        raise ShapeError(f"pad_sequence: Expected iterable for input sequences, but got arg of type: {type(sequences)}")
    given = list(functions.unbind(sequences, 0) if isinstance(sequences, Tensor) else sequences)
    if not given:
        raise ShapeError("received an empty list of sequences")
    steps = max(one.layout.shape[0] for one in given)
    padded = []
    for one in given:
        missing = steps - one.layout.shape[0]
        if missing:
            shape = (missing, *one.layout.shape[1:])
            nothing = functions.full(shape, padding_value, dtype=one.layout.dtype, device=one.layout.device)
            one = functions.cat([one, nothing] if padding_side == "right" else [nothing, one])
        padded.append(one)
    return functions.stack(padded, 0 if batch_first else 1)


def unpad_sequence(
    padded_sequences: Tensor, lengths: Tensor | Sequence[int], batch_first: bool = False
) -> list[Tensor]:
    """The first `lengths[b]` steps of each sequence b of [T, B, ...], or [B, T, ...] with `batch_first`."""
    parts = functions.unbind(padded_sequences, 0 if batch_first else 1)
    return [part[:length] for part, length in zip(parts, _lengths(lengths), strict=True)]


def pack_sequence(sequences: Sequence[Tensor], enforce_sorted: bool = True) -> PackedSequence:
    """Tensors [length, ...] of different lengths, packed."""
    lengths = [one.layout.shape[0] for one in sequences]
    return pack_padded_sequence(pad_sequence(sequences), lengths, enforce_sorted=enforce_sorted)


def unpack_sequence(packed_sequences: PackedSequence) -> list[Tensor]:
    """The tensors that were packed."""
    padded, lengths = pad_packed_sequence(packed_sequences, batch_first=True)
    return unpad_sequence(padded, lengths, batch_first=True)
