"""The types of results with names, such as `curta.return_types.max`: tuples whose parts are attributes too."""

from __future__ import annotations

from collections.abc import Iterable
from operator import itemgetter
from typing import TYPE_CHECKING, Any, ClassVar

from curta.errors import ArgumentTypeError

if TYPE_CHECKING:
    from curta.tensor import Tensor

    _Parts = tuple[Tensor, ...]
else:
    _Parts = tuple

_ORDER = ("values", "indices")

#: what the results of each function are called; with `out` its type is named `..._out`
NAMES: dict[str, tuple[str, ...]] = {
    "aminmax": ("min", "max"),
    "cummax": _ORDER,
    "cummin": _ORDER,
    "frexp": ("mantissa", "exponent"),
    "geqrf": ("a", "tau"),
    "histogram": ("hist", "bin_edges"),
    "histogramdd": ("hist", "bin_edges"),
    "kthvalue": _ORDER,
    "linalg_cholesky_ex": ("L", "info"),
    "linalg_eigh": ("eigenvalues", "eigenvectors"),
    "linalg_inv_ex": ("inverse", "info"),
    "linalg_ldl_factor": ("LD", "pivots"),
    "linalg_ldl_factor_ex": ("LD", "pivots", "info"),
    "linalg_lstsq": ("solution", "residuals", "rank", "singular_values"),
    "linalg_lu": ("P", "L", "U"),
    "linalg_lu_factor": ("LU", "pivots"),
    "linalg_lu_factor_ex": ("LU", "pivots", "info"),
    "linalg_qr": ("Q", "R"),
    "linalg_slogdet": ("sign", "logabsdet"),
    "linalg_solve_ex": ("result", "info"),
    "linalg_svd": ("U", "S", "Vh"),
    "lu_unpack": ("P", "L", "U"),
    "max": _ORDER,
    "median": _ORDER,
    "min": _ORDER,
    "mode": _ORDER,
    "nanmedian": _ORDER,
    "qr": ("Q", "R"),
    "slogdet": ("sign", "logabsdet"),
    "sort": _ORDER,
    "svd": ("U", "S", "V"),
    "topk": _ORDER,
    "triangular_solve": ("solution", "cloned_coefficient"),
}


class Named(_Parts):
    """A tuple of so many tensors, each under its name as well; made of a sequence, ArgumentTypeError of any other."""

    __slots__ = ()
    __match_args__: ClassVar[tuple[str, ...]] = ()

    def __new__(cls, parts: Iterable[Any]) -> Named:
        made = super().__new__(cls, parts)
        wanted = len(cls.__match_args__)
        if len(made) != wanted:
            raise ArgumentTypeError(
                f"curta.return_types.{cls.__name__}() takes a {wanted}-sequence ({len(made)}-sequence given)"
            )
        return made

    def __repr__(self) -> str:
        lines = [f"{name}={part!r}" for name, part in zip(self.__match_args__, self, strict=True)]
        return f"curta.return_types.{type(self).__name__}(\n" + ",\n".join(lines) + ")"

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (tuple(self),)

    if TYPE_CHECKING:

        def __getattr__(self, name: str) -> Tensor: ...


def _type(name: str, parts: tuple[str, ...]) -> type[Named]:
    own: dict[str, Any] = {part: property(itemgetter(place)) for place, part in enumerate(parts)}
    own |= {"__slots__": (), "__match_args__": parts, "__module__": __name__}
    return type(name, (Named,), {**own, "__doc__": f"What the function returns: {', '.join(parts)}."})


if TYPE_CHECKING:

    def __getattr__(name: str) -> type[Named]: ...


TYPES = {name + ending: _type(name + ending, parts) for name, parts in NAMES.items() for ending in ("", "_out")}
globals().update(TYPES)


def named(name: str, parts: Iterable[Any], out: Any = None) -> Named:
    """Parts as what a function returns, or returns for an `out`.

    >>> named("sort", (1, 0)).indices
    0
    """
    return TYPES[name if out is None else name + "_out"](parts)


def rebuilt(like: Any, parts: Iterable[Any]) -> Any:
    """Parts in a tuple of the kind of another, which may be one with names.

    >>> rebuilt(named("sort", (1, 0)), (3, 4)).values
    3
    """
    return type(like)(*parts) if hasattr(like, "_fields") else type(like)(parts)
