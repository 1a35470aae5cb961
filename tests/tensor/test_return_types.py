"""Results with names: PyTorch's names and printed form, one type for each function; copies, pickles, containers."""

from __future__ import annotations

import copy
import pickle
from typing import Any

import pytest

import curta
from curta import return_types
from curta.func import vmap

X = [[2.0, 1.0], [1.0, 3.0]]

#: what gives each type, and the names that PyTorch's documentation lists
RESULTS: dict[str, tuple[Any, tuple[str, ...]]] = {
    "aminmax": (lambda x: curta.aminmax(x), ("min", "max")),
    "cummax": (lambda x: x.cummax(0), ("values", "indices")),
    "cummin": (lambda x: curta.cummin(x, 0), ("values", "indices")),
    "frexp": (lambda x: curta.frexp(x), ("mantissa", "exponent")),
    "geqrf": (lambda x: curta.geqrf(x), ("a", "tau")),
    "histogram": (lambda x: x.histogram(2), ("hist", "bin_edges")),
    "histogramdd": (lambda x: curta.histogramdd(x, 2), ("hist", "bin_edges")),
    "kthvalue": (lambda x: x.kthvalue(1), ("values", "indices")),
    "linalg_cholesky_ex": (curta.linalg.cholesky_ex, ("L", "info")),
    "linalg_eigh": (curta.linalg.eigh, ("eigenvalues", "eigenvectors")),
    "linalg_inv_ex": (curta.linalg.inv_ex, ("inverse", "info")),
    "linalg_ldl_factor": (curta.linalg.ldl_factor, ("LD", "pivots")),
    "linalg_ldl_factor_ex": (curta.linalg.ldl_factor_ex, ("LD", "pivots", "info")),
    "linalg_lstsq": (lambda x: curta.linalg.lstsq(x, x), ("solution", "residuals", "rank", "singular_values")),
    "linalg_lu": (curta.linalg.lu, ("P", "L", "U")),
    "linalg_lu_factor": (curta.linalg.lu_factor, ("LU", "pivots")),
    "linalg_lu_factor_ex": (curta.linalg.lu_factor_ex, ("LU", "pivots", "info")),
    "linalg_qr": (curta.linalg.qr, ("Q", "R")),
    "linalg_slogdet": (curta.linalg.slogdet, ("sign", "logabsdet")),
    "linalg_solve_ex": (lambda x: curta.linalg.solve_ex(x, x), ("result", "info")),
    "linalg_svd": (curta.linalg.svd, ("U", "S", "Vh")),
    "lu_unpack": (lambda x: curta.lu_unpack(*curta.linalg.lu_factor(x)), ("P", "L", "U")),
    "max": (lambda x: x.max(1), ("values", "indices")),
    "median": (lambda x: x.median(1), ("values", "indices")),
    "min": (lambda x: curta.min(x, 1), ("values", "indices")),
    "mode": (lambda x: x.mode(), ("values", "indices")),
    "nanmedian": (lambda x: curta.nanmedian(x, 1), ("values", "indices")),
    "qr": (lambda x: x.qr(), ("Q", "R")),
    "slogdet": (lambda x: x.slogdet(), ("sign", "logabsdet")),
    "sort": (lambda x: x.sort(), ("values", "indices")),
    "svd": (curta.svd, ("U", "S", "V")),
    "topk": (lambda x: x.topk(1), ("values", "indices")),
    "triangular_solve": (lambda x: curta.triangular_solve(x, x), ("solution", "cloned_coefficient")),
}


def test_every_type_is_of_a_function() -> None:
    assert set(RESULTS) == set(return_types.NAMES)


@pytest.mark.parametrize("name", RESULTS)
def test_names_and_printed_form(name: str) -> None:
    call, names = RESULTS[name]
    made = call(curta.tensor(X))
    assert type(made) is getattr(return_types, name)
    assert made.__match_args__ == names
    lines = [f"{each}={getattr(made, each)!r}" for each in names]
    assert repr(made) == f"curta.return_types.{name}(\n" + ",\n".join(lines) + ")"
    assert all(getattr(made, each) is part for each, part in zip(names, made, strict=True))


def test_printed_as_by_pytorch() -> None:
    text = "curta.return_types.max(\nvalues=tensor([2., 3.]),\nindices=tensor([0, 1]))"
    assert str(curta.tensor(X).max(1)) == text


def test_at_no_dimension() -> None:
    x = curta.tensor(5.0)
    for name in ("sort", "max", "min", "median", "mode", "cummax"):
        made = getattr(x, name)(0)
        assert type(made) is getattr(return_types, name)
        assert made.values.item() == 5
        assert made.indices.item() == 0


def test_pickle_and_copy() -> None:
    made = curta.tensor(X).sort()
    for again in (pickle.loads(pickle.dumps(made)), copy.copy(made), copy.deepcopy(made)):
        assert type(again) is type(made)
        assert again.indices.tolist() == [[1, 0], [0, 1]]


def test_matched_and_not_written() -> None:
    match curta.tensor(X).max(1):
        case return_types.max(values, indices):
            assert (values.tolist(), indices.tolist()) == ([2, 3], [0, 1])
    with pytest.raises(AttributeError):
        curta.tensor(X).max(1).values = 1  # type: ignore[misc]


def test_out_of_transforms_and_compiled_functions() -> None:
    x = curta.tensor(X)
    assert type(vmap(lambda row: row.sort())(x)) is return_types.TYPES["sort"]
    made = curta.compile(lambda x: (x * 2).max(1))(x)
    assert type(made) is return_types.TYPES["max"]
    assert made.values.tolist() == [4, 6]


def test_through_hooks_of_modules() -> None:
    class Sorts(curta.nn.Module):
        def forward(self, x: Any) -> Any:
            return x.sort()

    module, seen = Sorts(), []
    module.register_full_backward_hook(lambda module, inward, outward: seen.append(outward))
    made = module(curta.tensor(X, requires_grad=True))
    made.values.sum().backward()
    assert type(made) is return_types.TYPES["sort"]
    assert len(seen) == 1
