"""The package `einops` on Curta's tensors, without anything for its users to do.

That package finds a tensor's framework among the subclasses of a class of its own, so such a subclass must be made
after it has been imported and before it meets its first tensor. In between, nothing of Curta is ever called: it looks
at nothing but the tensor's type, in a dictionary. What remains is the moment of the import itself. If the package is
there already it is told at once; otherwise a finder waits for it among those of `sys.meta_path`, says of every other
module that it knows nothing, and leaves once it has done its work. It imports nothing by itself.
"""

from __future__ import annotations

import re
import sys
from typing import Any

from curta import functions
from curta.einops.contraction import contract
from curta.einops.tensors import Curta
from curta.tensor import Tensor

#: where the package keeps the class from which every framework's is derived
MODULE = "einops._backends"
#: classes know their subclasses only as long as somebody holds them
_HELD: list[type] = []


class Awaiting:
    """A finder that finds only the package's module, where the others find it, and sees it run."""

    def find_spec(self, name: str, path: Any = None, target: Any = None) -> Any:
        """The specification of the package's module; None for any other."""
        if name != MODULE:
            return None
        others = (finder for finder in tuple(sys.meta_path) if finder is not self)
        spec = next(filter(None, (finder.find_spec(name, path, target) for finder in others)), None)
        loader = None if spec is None else spec.loader
        if loader is None:
            return spec
        run = loader.exec_module

        def run_and_tell(module: Any) -> None:
            del loader.exec_module
            run(module)
            register(module)
            if self in sys.meta_path:
                sys.meta_path.remove(self)

        loader.exec_module = run_and_tell  # type: ignore[method-assign]
        return spec


def attend() -> None:
    """Make Curta known to the package `einops`, now or when it is imported."""
    present = sys.modules.get(MODULE)
    if present is None:
        sys.meta_path.insert(0, Awaiting())
    else:
        register(present)


def register(backends: Any) -> None:
    """Derive Curta's class from the package's own, which is how it finds it."""
    operations = Curta()

    class CurtaBackend(backends.AbstractBackend):  # type: ignore[misc]  # the base class is known only now
        """Curta's tensors, as the package asks for them."""

        framework_name = "curta"

        def is_appropriate_type(self, tensor: Any) -> bool:
            return isinstance(tensor, Tensor)

        def from_numpy(self, x: Any) -> Tensor:
            return functions.from_numpy(x)

        def to_numpy(self, x: Tensor) -> Any:
            return operations.to_numpy(x)

        def arange(self, start: int, stop: int) -> Tensor:
            return functions.arange(start, stop)

        def shape(self, x: Tensor) -> tuple[int, ...]:
            return x.layout.shape

        def transpose(self, x: Tensor, axes: Any) -> Tensor:
            return functions.permute(x, tuple(axes))

        def reduce(self, x: Tensor, operation: str, axes: Any) -> Any:
            dims = tuple(sorted(axes))
            if operation in ("max", "min"):  # which look for elements that are not there
                return getattr(functions, f"a{operation}")(x, dims)
            return operations.reduce_by_name(x, operation, dims)

        def stack_on_zeroth_dimension(self, tensors: Any) -> Any:
            return operations.stack(tensors)

        def add_axes(self, x: Tensor, n_axes: int, pos2len: dict[int, int]) -> Tensor:
            for place in sorted(pos2len):
                x = functions.unsqueeze(x, place)
            return functions.expand(x, tuple(pos2len.get(place, -1) for place in range(n_axes)))

        def add_axis(self, x: Tensor, new_position: int) -> Tensor:
            return functions.unsqueeze(x, new_position)

        def tile(self, x: Tensor, repeats: Any) -> Tensor:
            return functions.repeat(x, tuple(repeats))

        def concat(self, tensors: Any, axis: int) -> Any:
            return functions.cat(tensors, axis)

        def is_float_type(self, x: Tensor) -> bool:
            return x.layout.dtype.is_floating_point

        def layers(self) -> Any:
            from curta import nn

            return nn

        def einsum(self, pattern: str, *x: Tensor) -> Any:
            return contract(re.sub("[A-Za-z]", r" \g<0>", pattern), x, broadcast=True)

    _HELD.append(CurtaBackend)
