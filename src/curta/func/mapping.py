"""`vmap`: a function of one slice becomes one of many, each operator running once over all of them."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from curta.batching.rules import LOOPED
from curta.batching.values import Level, entered, innermost, unwrapped
from curta.errors import ArgumentError, MappingError
from curta.func.trees import flatten, spread
from curta.shapes import normalize_dim
from curta.tensor import Tensor

RANDOMNESS = ("error", "different", "same")


def vmap(
    func: Callable[..., Any],
    in_dims: Any = 0,
    out_dims: Any = 0,
    randomness: str = "error",
    *,
    chunk_size: int | None = None,
) -> Callable[..., Any]:
    """`func` over slices of its arguments: along `in_dims` (None: the same for each), stacked along `out_dims`.

    `in_dims` and `out_dims` may have the containers of the arguments and results, or stand for all below.
    `randomness`: random numbers are an "error", "different" for each slice or the "same"; `chunk_size` slices run at a
    time. No operator runs slice by slice but those that `curta.func.looped()` names. ArgumentError for dimensions
    that do not fit, MappingError for Python that looks at values.

    >>> import curta
    >>> rows = curta.tensor([[1.0, 2.0], [3.0, 4.0]])
    >>> curta.func.vmap(lambda row: row / row.sum())(rows).shape
    torch.Size([2, 2])
    """
    if randomness not in RANDOMNESS:
        raise MappingError(f"Only allowed values for randomness are 'error', 'different', or 'same'. Got {randomness}")
    if chunk_size is not None and chunk_size <= 0:
        raise ArgumentError(f"vmap: chunk_size should be None or greater than 0. (got {chunk_size})")

    @functools.wraps(func)
    def over_slices(*args: Any, **kwargs: Any) -> Any:
        leaves, build = flatten(args)
        dims = _in_dims(_name(func), in_dims, args, leaves)
        names, build_names = flatten(kwargs)
        dims += [0 if isinstance(one, Tensor) else None for one in names]
        leaves += names
        size = _size(leaves, dims)
        count = len(leaves) - len(names)

        def run(parts: list[Any], level_size: int) -> tuple[list[Any], Any]:
            with entered(level_size, randomness) as level:
                own = [_entering(level, one, dim) for one, dim in zip(parts, dims, strict=True)]
                result = func(*build(own[:count]), **build_names(own[count:]))
                return _leaving(_name(func), level, result, out_dims)

        if chunk_size is None or chunk_size >= size:
            found, again = run(leaves, size)
            return again(found)
        return _in_chunks(run, leaves, dims, size, chunk_size, out_dims)

    return over_slices


def _name(func: Any) -> str:
    return getattr(func, "__name__", repr(func))


def looped() -> dict[str, int]:
    """The operators that `vmap` ran slice by slice since the process began, and how often.

    >>> looped().get("sum", 0)
    0
    """
    return dict(LOOPED)


# arguments


def _in_dims(name: str, in_dims: Any, args: tuple[Any, ...], leaves: list[Any]) -> list[int | None]:
    where = f"vmap({name}, in_dims={in_dims}, ...)(<inputs>)"
    if type(in_dims) is list:
        in_dims = tuple(in_dims)
    if not isinstance(in_dims, int | tuple) or isinstance(in_dims, bool):
        raise ArgumentError(
            f"{where}: expected `in_dims` to be int or a (potentially nested) tuple matching the structure of inputs, "
            f"got: {type(in_dims)}."
        )
    if not args or not leaves:
        raise ArgumentError(f"{where}: got no inputs. Maybe you forgot to add inputs, or you are trying to vmap over a "
                            "function with no inputs. The latter is unsupported.")  # fmt: skip
    found = spread(in_dims, args)
    if found is None:
        raise ArgumentError(f"{where}: in_dims is not compatible with the structure of `inputs`: {len(args)} arguments")
    return [_in_dim(where, dim, leaf) for dim, leaf in zip(found, leaves, strict=True)]


def _in_dim(where: str, dim: Any, leaf: Any) -> int | None:
    if dim is None:
        return None
    if type(dim) is not int:
        raise ArgumentError(f"{where}: Got in_dim={dim} for an input but in_dim must be either an integer dimension or "
                            "None.")  # fmt: skip
    if not isinstance(leaf, Tensor):
        raise ArgumentError(f"{where}: Got in_dim={dim} for an input but the input is of type {type(leaf)}. We cannot "
                            "vmap over non-Tensor arguments, please use None as the respective in_dim")  # fmt: skip
    rank = leaf.layout.rank
    if not -rank <= dim < rank:
        raise ArgumentError(f"{where}: Got in_dim={dim} for some input, but that input is a Tensor of dimensionality "
                            f"{rank} so expected in_dim to satisfy -{rank} <= in_dim < {rank}.")  # fmt: skip
    return dim % rank


def _size(leaves: list[Any], dims: list[int | None]) -> int:
    sizes = [one.layout.shape[dim] for one, dim in zip(leaves, dims, strict=True) if dim is not None]
    if not sizes:
        raise ArgumentError("vmap: at least one input has to be mapped over: an in_dim that is not None, of a tensor")
    if len(set(sizes)) > 1:
        raise ArgumentError(
            f"vmap: Expected all tensors to have the same size in the mapped dimension, got sizes {sizes} for the "
            "mapped dimension"
        )
    return int(sizes[0])


def _entering(level: Level, value: Any, dim: int | None) -> Any:
    if dim is None:
        return value
    return level.wrap(value if dim == 0 else value.movedim(dim, 0), mapped=True)


# results


def _leaving(name: str, level: Level, result: Any, out_dims: Any) -> tuple[list[Any], Any]:
    leaves, build = flatten(result)
    dims = spread(out_dims, result)
    if dims is None:
        raise ArgumentError(f"vmap({name}, ..., out_dims={out_dims})(<inputs>): out_dims is not compatible with the "
                            f"structure of `outputs`: {len(leaves)} results")  # fmt: skip
    return [_out(name, level, one, dim) for one, dim in zip(leaves, dims, strict=True)], build


def _out(name: str, level: Level, value: Any, dim: Any) -> Any:
    if not isinstance(value, Tensor):
        raise ArgumentError(f"vmap({name}, ...): `{name}` must only return Tensors, got type {type(value)}.")
    if dim is None:
        batch = innermost(value).batch
        if batch.mapped:
            raise ArgumentError(f"vmap({name}, ...): `{name}` can not return a BatchedTensor when out_dim is None")
        return batch.tensor
    if type(dim) is not int:
        raise ArgumentError(f"vmap({name}, ...): `out_dims` must be an int, None or containers of these, got {dim!r}")
    found = unwrapped(level, value)
    place = normalize_dim(dim, found.layout.rank)
    return found if place == 0 else found.movedim(0, place)


def _in_chunks(run: Any, leaves: list[Any], dims: list[int | None], size: int, chunk: int, out_dims: Any) -> Any:
    """So many slices at a time, and the results side by side."""
    parts: list[list[Any]] = []
    again: Any = None
    for start in range(0, size, chunk):
        length = min(chunk, size - start)
        now = [one if dim is None else one.narrow(dim, start, length) for one, dim in zip(leaves, dims, strict=True)]
        found, again = run(now, length)
        parts.append(found)
    from curta.functions import cat

    wanted = spread(out_dims, again(list(range(len(parts[0]))))) or []
    joined = [
        one[0] if dim is None else cat(one, dim) for one, dim in zip(zip(*parts, strict=True), wanted, strict=True)
    ]
    return again(joined)
