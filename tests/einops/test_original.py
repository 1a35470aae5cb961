"""The package `einops` on Curta's tensors, with nothing to set up; and its results on NumPy's arrays beside ours."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from typing import Any

import numpy as np
import pytest
from families import REARRANGE, REDUCE, REPEAT, Family

import curta
from curta import einops as ours
from curta.einops.original import MODULE, Awaiting

original = pytest.importorskip("einops")

#: what only ours takes: other white space than blanks
BLANKS = [family for family in REARRANGE if "\n" not in family.pattern]


def numbers(shape: tuple[int, ...]) -> Any:
    return np.asarray(np.random.default_rng(6).permutation(int(np.prod(shape))).reshape(shape) * 0.5)


@pytest.mark.parametrize("family", [*BLANKS, *REPEAT], ids=lambda family: family.pattern)
def test_it_works_on_our_tensors(family: Family) -> None:
    name = "rearrange" if family in REARRANGE else "repeat"
    array = numbers(family.shape)
    x = curta.tensor(array, requires_grad=True)
    found = getattr(original, name)(x, family.pattern, **family.sizes)
    assert isinstance(found, curta.Tensor)
    np.testing.assert_array_equal(found.detach().numpy(), family.oracle(array))
    y = curta.tensor(array, requires_grad=True)
    (found * found).sum().backward()
    (getattr(ours, name)(y, family.pattern, **family.sizes) ** 2).sum().backward()
    assert x.grad.tolist() == y.grad.tolist()


@pytest.mark.parametrize("name", ["sum", "mean", "max", "min", "prod", "any", "all"])
@pytest.mark.parametrize("family", REDUCE, ids=lambda family: family.pattern)
def test_it_reduces_our_tensors(family: Family, name: str) -> None:
    array = numbers(family.shape)
    found = original.reduce(curta.tensor(array), family.pattern, name, **family.sizes)
    wanted = family.oracle(array, lambda x, axis: getattr(np, name)(x, axis=axis))
    np.testing.assert_allclose(found.double().numpy(), np.asarray(wanted, np.float64), rtol=1e-12)


def test_its_other_functions_work_on_our_tensors() -> None:
    a, b = (curta.tensor(numbers(shape), requires_grad=True) for shape in ((2, 3, 4), (2, 4)))
    packed, shapes = original.pack([a, b], "a * c")
    assert packed.tolist() == ours.pack([a, b], "a * c")[0].tolist()
    assert [one.tolist() for one in original.unpack(packed, shapes, "a * c")] == [a.tolist(), b.tolist()]
    assert original.parse_shape(a, "x _ z") == {"x": 2, "z": 4}
    assert original.asnumpy(a).tolist() == a.tolist()
    product = original.einsum(a, b, "batch ... c, batch c -> ... batch")
    assert product.tolist() == np.einsum("a...c,ac->...a", a.detach().numpy(), b.detach().numpy()).tolist()
    product.sum().backward()
    assert a.grad.tolist() == np.broadcast_to(b.detach().numpy()[:, None], (2, 3, 4)).tolist()
    stacked = original.rearrange([a, a], "n a b c -> a (n b) c")
    assert stacked.tolist() == np.concatenate([a.detach().numpy()] * 2, 1).tolist()
    assert original.reduce(a, "a b c -> a", lambda x, dims: x.amax(dims)).tolist() == a.amax((1, 2)).tolist()


def test_it_refuses_and_takes_what_it_does_elsewhere() -> None:
    with pytest.raises(IndexError, match="to have non-zero size"):
        original.reduce(curta.zeros(1, 0), "a b -> a", "max")
    assert original.einsum(curta.ones(1, 3), curta.ones(2, 3), "a b, a b -> a").tolist() == [3.0, 3.0]


def test_its_backend_says_the_rest() -> None:
    from einops._backends import get_backend

    backend = get_backend(curta.zeros(1))
    assert repr(backend) == "<einops backend for curta>"
    assert get_backend(curta.nn.Parameter(curta.zeros(1))) is backend
    assert backend.from_numpy(np.arange(3)).tolist() == backend.arange(0, 3).tolist() == [0, 1, 2]
    assert backend.tile(curta.tensor([1, 2]), (2,)).tolist() == [1, 2, 1, 2]
    assert backend.add_axis(curta.zeros(2, 3), 1).shape == (2, 1, 3)
    assert backend.layers() is curta.nn


@pytest.mark.parametrize("program", [
    "import einops; import curta", "import curta; import einops", "import curta; from einops import rearrange",
    "import curta, numpy, einops; einops.rearrange(numpy.zeros(2), 'a -> a 1')",
])  # fmt: skip
def test_whichever_is_imported_first(program: str) -> None:
    program += """
import gc, sys
gc.collect()
import einops
print(einops.rearrange(curta.arange(6), "(a b) -> b a", a=2).tolist())
print([type(finder).__name__ for finder in sys.meta_path if type(finder).__name__ == "Awaiting"])
module = sys.modules["einops._backends"]
print(module.__spec__.loader is module.__loader__, "exec_module" in vars(module.__loader__))
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines() == ["[[0, 3], [1, 4], [2, 5]]", "[]", "True False"]


def test_curta_does_not_import_it() -> None:
    program = "import sys, curta; print('einops' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


def test_looking_for_it_is_not_importing_it() -> None:
    finder = Awaiting()
    assert finder.find_spec("json") is None
    spec = finder.find_spec(MODULE, original.__path__)
    assert spec.origin == importlib.util.find_spec(MODULE).origin
    assert finder.find_spec(MODULE, []) is None


@pytest.mark.parametrize("family", [*BLANKS, *REPEAT], ids=lambda family: family.pattern)
def test_on_numpys_arrays_both_agree(family: Family) -> None:
    name = "rearrange" if family in REARRANGE else "repeat"
    array = numbers(family.shape)
    found = getattr(ours, name)(array, family.pattern, **family.sizes)
    np.testing.assert_array_equal(found, getattr(original, name)(array, family.pattern, **family.sizes))


@pytest.mark.parametrize("pattern", [
    "a b c", "a b c -> c -> b", "a (b c -> a b c", "a b c -> a b) c", "((a b) c) -> a b c", "... ... -> ...",
    "a b c -> a b", "a b c -> a b c d", "a b 4 -> a b 4", "a (b p) c -> a b p c", "a b -> b a", "a 1 c -> a c",
])  # fmt: skip
def test_what_it_refuses_we_refuse(pattern: str) -> None:
    with pytest.raises((RuntimeError, ValueError)):
        original.rearrange(numbers((2, 3, 4)), pattern)
    with pytest.raises(RuntimeError, match="rearrange"):
        ours.rearrange(numbers((2, 3, 4)), pattern)
