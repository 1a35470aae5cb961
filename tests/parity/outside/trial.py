"""One operator with all its samples: forward values, gradients and errors, all or nothing."""

from __future__ import annotations

import signal
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import torch
from tests.parity.outside.comparison import DifferenceError, compare, flat, nearer
from tests.parity.outside.conversion import Pairs, back, converted, described, widened
from tests.parity.outside.operators import (
    DROPPING,
    PROJECTED,
    RANDOM,
    TIES,
    UP_TO_A_BASIS,
    chosen,
    counterpart,
    full_name,
)

import curta

DTYPES = (
    torch.float32, torch.float64, torch.int64, torch.bool, torch.bfloat16, torch.float16, torch.uint8,
)  # fmt: skip
#: with gradients
DIFFERENTIATED = (torch.float32, torch.float64)
HALVES = (torch.float16, torch.bfloat16)
SECONDS = 30


class _TooSlowError(Exception):
    """A sample took longer than any should."""


@contextmanager
def _limited() -> Iterator[None]:
    def stop(*_: Any) -> None:
        raise _TooSlowError(f"took more than {SECONDS} s")

    before = signal.signal(signal.SIGALRM, stop)
    signal.alarm(SECONDS)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


class Trial:
    """What came of one operator: how many samples were tried, and a line for each that failed."""

    def __init__(self, operator: Any, limit: int | None) -> None:
        self.name = full_name(operator)
        self.tried = 0
        self.faults: list[str] = []
        self._operator = operator
        self._limit = limit
        self._values = self.name not in RANDOM
        function = counterpart(operator)
        if function is None:
            self.faults.append("missing")
            return
        self._function: Callable[..., Any] = function
        for dtype in DTYPES:
            if dtype in operator.supported_dtypes("cpu"):
                self._try_values(dtype)
        if operator.error_inputs_func is not None:
            self._try_errors()

    def _try_values(self, dtype: torch.dtype) -> None:
        operator = self._operator
        differentiated = (
            dtype in DIFFERENTIATED
            and operator.supports_autograd
            and dtype in operator.supported_backward_dtypes("cpu")
        )
        torch.manual_seed(0)
        samples = list(operator.sample_inputs("cpu", dtype, requires_grad=differentiated))[: self._limit]
        for sample in samples:
            leaves: Pairs = []
            arguments = converted((sample.input, *sample.args), leaves)
            options = converted(sample.kwargs, leaves)
            try:
                theirs = operator.op(sample.input, *sample.args, **sample.kwargs)
            except Exception:  # a sample that this build of PyTorch has no kernel for
                continue
            self.tried += 1
            try:
                with _limited():
                    mine = self._function(*arguments, **options)
                    self._compare(sample, mine, theirs, leaves if differentiated else [])
            except DifferenceError as error:
                if dtype not in HALVES or not self._nearer(sample, mine, theirs):
                    self._fault(dtype, str(error), sample)
            except Exception as error:
                self._fault(dtype, f"raised {type(error).__name__}: {' '.join(str(error).split())[:160]}", sample)

    def _fault(self, dtype: torch.dtype | None, what: str, sample: Any) -> None:
        where = "" if dtype is None else f"{str(dtype).removeprefix('torch.')} "
        self.faults.append(f"{where}{what} | {described(sample)}"[:360])

    def _compare(self, sample: Any, mine: Any, theirs: Any, leaves: Pairs) -> None:
        parts, expected = flat(mine), flat(theirs)
        if len(parts) != len(expected):
            raise DifferenceError(f"{len(parts)} results for {len(expected)}")
        free = self.name.startswith(UP_TO_A_BASIS)
        if self.name in TIES:
            parts, expected = _picked(self.name, sample, parts), _picked(self.name, sample, expected)
        if self._drops(sample):
            for part, wanted in zip(parts, expected, strict=True):
                compare(part, wanted, False)
            return
        for part, wanted in zip(parts, expected, strict=True):
            compare(part, wanted, self._values and not free)
        if free or leaves:
            shown, wanted = flat(sample.output_process_fn_grad(mine)), flat(sample.output_process_fn_grad(theirs))
            if not free:
                shown, wanted = parts, expected
            elif self._values:
                for part, one in zip(shown, wanted, strict=True):
                    compare(part, one, True)
            if self._values and not self._projected:
                self._compare_gradients(shown, wanted, leaves)
            elif self._values:
                self._compare_projected(sample, leaves)

    @property
    def _projected(self) -> bool:
        """Whether the operator has its gradient only where its argument is the result of another function."""
        return self.name in PROJECTED

    def _compare_projected(self, sample: Any, leaves: Pairs) -> None:
        """The gradients through the function that PyTorch's own check puts before the operator."""
        wrapped, known = self._operator.gradcheck_wrapper, {id(leaf): mine for leaf, mine in leaves}
        mine = wrapped(self._function, known[id(sample.input)], *converted(sample.args), **converted(sample.kwargs))
        theirs = wrapped(self._operator.op, sample.input, *sample.args, **sample.kwargs)
        self._compare_gradients(flat(mine), flat(theirs), leaves)

    def _nearer(self, sample: Any, mine: Any, theirs: Any) -> bool:
        """Whether no element in a half format is farther from float64's than PyTorch's own."""
        try:
            exact = self._operator.op(*widened((sample.input, *sample.args)), **widened(sample.kwargs))
            parts = zip(flat(mine), flat(theirs), flat(exact), strict=True)
            return all(nearer(back(one), other, true) for one, other, true in parts)
        except Exception:  # other results, or no such operator in float64
            return False

    def _drops(self, sample: Any) -> bool:
        """Whether a sample's values are random, since it drops some of them."""
        place = DROPPING.get(self.name)
        if isinstance(place, int):
            return bool(sample.args[place] > 0 and sample.kwargs.get("training", True))
        return place is not None and bool(sample.kwargs.get(place, 0) > 0)

    def _compare_gradients(self, mine: list[Any], theirs: list[Any], leaves: Pairs) -> None:
        pairs = [
            (part, wanted)
            for part, wanted in zip(mine, theirs, strict=True)
            if isinstance(wanted, torch.Tensor) and wanted.requires_grad
        ]
        if not pairs or not leaves:
            return
        if not all(part.requires_grad for part, _ in pairs):
            raise DifferenceError("the result needs no gradient")
        cotangents = [torch.randn_like(wanted) for _, wanted in pairs]
        try:
            expected = torch.autograd.grad(
                [wanted for _, wanted in pairs], [leaf for leaf, _ in leaves], cotangents, allow_unused=True
            )
        except Exception:  # no second-order formula and the like: nothing to compare with
            return
        found = curta.autograd.grad(
            [part for part, _ in pairs], [leaf for _, leaf in leaves], converted(cotangents), allow_unused=True
        )
        for gradient, wanted in zip(found, expected, strict=True):
            if wanted is not None and gradient is None and wanted.count_nonzero():
                raise DifferenceError("gradient: None")
            if wanted is not None and gradient is not None:
                compare(gradient, wanted, True, "gradient")

    def _try_errors(self) -> None:
        for error_input in self._operator.error_inputs("cpu"):
            sample = error_input.sample_input
            try:
                arguments, options = converted((sample.input, *sample.args)), converted(sample.kwargs)
            except Exception:  # another device, a sparse tensor
                continue
            try:
                self._operator.op(sample.input, *sample.args, **sample.kwargs)
                continue  # raised only by another build
            except Exception:
                self.tried += 1
            expected = error_input.error_type
            try:
                with _limited():
                    self._function(*arguments, **options)
            except expected:
                continue
            except Exception as error:
                self._fault(None, f"raised {type(error).__name__} ({str(error)[:80]}) for {expected.__name__}", sample)
            else:
                self._fault(None, f"no {expected.__name__}: {str(error_input.error_regex)[:80]}", sample)


def _picked(name: str, sample: Any, parts: list[Any]) -> list[Any]:
    """The results with the elements that the indices pick in the place of the indices."""
    given = sample.input
    if given.dim() == 0 or not given.numel() or len(parts) + (name == "argsort") < 2:
        return parts
    place = TIES[name]
    dim = sample.kwargs.get("dim", sample.args[place] if len(sample.args) > place else -1)
    indices = parts[-1] if isinstance(parts[-1], torch.Tensor) else back(parts[-1])
    if indices.dim() < given.dim():
        indices = indices.unsqueeze(dim)
    picked = given.detach().take_along_dim(indices, dim)
    return [*parts[:-1], picked if isinstance(parts[-1], torch.Tensor) else converted(picked)]


def tried(task: tuple[str, int | None]) -> tuple[str, int, list[str]]:
    """An operator's name, how many of its samples were tried, and what failed; at most so many of each format."""
    warnings.simplefilter("ignore")
    name, limit = task
    (operator,) = [one for one in chosen([name]) if full_name(one) == name]
    try:
        trial = Trial(operator, limit)
    except Exception as error:
        return name, 0, [f"the table itself: {type(error).__name__}: {error}"]
    return name, trial.tried, trial.faults
