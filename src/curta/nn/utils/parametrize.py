"""Parameters that are functions of others: what a module reads as its weight is worked out anew each time."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from curta.autograd import no_grad
from curta.errors import ArgumentError, ShapeError
from curta.nn.modules.container import ModuleDict, ModuleList
from curta.nn.modules.module import Module
from curta.nn.parameter import Parameter
from curta.tensor import Tensor

#: results that are kept while `cached` is open, by (module, name); None if it is not
_KEPT: list[dict[tuple[int, str], Tensor]] = []


@contextmanager
def cached() -> Iterator[None]:
    """Inside, each parametrized tensor is worked out once and then kept.

    >>> import curta
    >>> layer = curta.nn.utils.parametrizations.weight_norm(curta.nn.Linear(2, 2))
    >>> with cached():
    ...     layer.weight is layer.weight
    True
    """
    _KEPT.append({})
    try:
        yield
    finally:
        _KEPT.pop()


class ParametrizationList(ModuleList):
    """The functions of one tensor, and what they begin with: `original`, or `original0`, `original1`, ..."""

    def __init__(self, modules: Sequence[Module], original: Tensor, unsafe: bool = False) -> None:
        super().__init__(modules)
        self.unsafe = unsafe
        new: Any = original
        with no_grad():
            for module in reversed(list(modules)):
                if hasattr(module, "right_inverse"):
                    new = module.right_inverse(new)
        self.is_tensor = isinstance(new, Tensor)
        self.ntensors = 1 if self.is_tensor else len(new)
        trained = isinstance(original, Parameter)
        for name, value in self._named_parts(new):
            if trained:
                self.register_parameter(name, _as_parameter(value, original))
            else:
                self.register_buffer(name, value)

    def _named_parts(self, values: Any) -> list[tuple[str, Any]]:
        if self.is_tensor:
            return [("original", values)]
        return [(f"original{place}", value) for place, value in enumerate(values)]

    def right_inverse(self, value: Tensor) -> None:
        """Change what the functions begin with so that they give `value`."""
        with no_grad():
            new: Any = value
            for module in reversed(list(self)):
                if not hasattr(module, "right_inverse"):
                    raise ShapeError(
                        f"parametrization {type(module).__name__} does not implement right_inverse: its tensor cannot "
                        "be assigned"
                    )
                new = module.right_inverse(new)
            for name, part in self._named_parts(new):
                getattr(self, name).copy_(part)

    def forward(self) -> Tensor:
        originals = [self.original] if self.is_tensor else [
            getattr(self, f"original{place}") for place in range(self.ntensors)
        ]  # fmt: skip
        modules = list(self)
        made: Tensor = modules[0](*originals)
        for module in modules[1:]:
            made = module(made)
        return made


def _as_parameter(value: Tensor, original: Tensor) -> Parameter:
    return value if isinstance(value, Parameter) else Parameter(value.detach(), original.requires_grad)


def _read(module: Any, name: str) -> Tensor:
    functions = module.parametrizations[name]
    if not _KEPT:
        found: Tensor = functions()
        return found
    kept = _KEPT[-1]
    key = (id(module), name)
    if key not in kept:
        kept[key] = functions()
    return kept[key]


def _with_property(module: Module, name: str) -> None:
    """Give the module a class of its own whose attribute `name` is worked out."""
    kind: Any = type(module)
    if not is_parametrized(module):
        kind = type(f"Parametrized{kind.__name__}", (kind,), {"parametrized_from": kind, "__doc__": kind.__doc__})
        object.__setattr__(module, "__class__", kind)
        module.parametrizations = ModuleDict()
    worked_out = property(
        lambda self: _read(self, name), lambda self, value: self.parametrizations[name].right_inverse(value)
    )
    setattr(kind, name, worked_out)


def register_parametrization(
    module: Module, tensor_name: str, parametrization: Module, *, unsafe: bool = False
) -> Module:
    """Let `module.tensor_name` be `parametrization(original)`; several are applied one after the other.

    A `right_inverse` of the parametrization says which original gives the tensor as it is now. Unless `unsafe`, shape
    and dtype must stay.

    >>> import curta
    >>> class Even(curta.nn.Module):
    ...     def forward(self, x):
    ...         return (x + x.T) / 2
    >>> layer = register_parametrization(curta.nn.Linear(3, 3), "weight", Even())
    >>> bool((layer.weight == layer.weight.T).all()), list(dict(layer.named_parameters()))
    (True, ['bias', 'parametrizations.weight.original'])
    """
    if is_parametrized(module, tensor_name):
        functions: Any = module.parametrizations[tensor_name]
        before = getattr(module, tensor_name)
        if not unsafe:
            _check_same(before, parametrization(before), parametrization)
        functions.append(parametrization)
        functions.unsafe = functions.unsafe or unsafe
        return module
    if tensor_name not in module._parameters and tensor_name not in module._buffers:
        raise ArgumentError(
            f"Module '{type(module).__name__}' does not have a parameter, a buffer, or a parametrized element with "
            f"name '{tensor_name}'"
        )
    original = getattr(module, tensor_name)
    functions = ParametrizationList([parametrization], original, unsafe)
    if not unsafe:
        _check_same(original, functions(), parametrization)
    delattr(module, tensor_name)
    _with_property(module, tensor_name)
    module.parametrizations[tensor_name] = functions
    return module


def _check_same(before: Tensor, after: Any, parametrization: Module) -> None:
    name = type(parametrization).__name__
    if not isinstance(after, Tensor):
        raise ArgumentError(f"A parametrization must return a tensor. {name} gave {type(after).__name__}")
    for word, one, other in (("dtype", before.dtype, after.dtype), ("shape", before.shape, after.shape)):
        if one != other:
            raise ArgumentError(
                f"Registering a parametrization may not change the {word} of the tensor, unless `unsafe` flag is "
                f"enabled. {name} made {other} of {one}"
            )


def is_parametrized(module: Module, tensor_name: str | None = None) -> bool:
    """Whether the module has parametrized tensors, or this one."""
    functions = module._modules.get("parametrizations")
    if not isinstance(functions, ModuleDict):
        return False
    return bool(len(functions)) if tensor_name is None else tensor_name in functions


def remove_parametrizations(module: Module, tensor_name: str, leave_parametrized: bool = True) -> Module:
    """Make a plain tensor again of what is worked out, or with `leave_parametrized=False` of the original."""
    if not is_parametrized(module, tensor_name):
        raise ArgumentError(f"Module {type(module).__name__} does not have a parametrization on {tensor_name}")
    functions: Any = module.parametrizations[tensor_name]
    first = functions.original if functions.is_tensor else functions.original0
    if leave_parametrized:
        with no_grad():
            made = getattr(module, tensor_name).detach().clone()
        value = Parameter(made, first.requires_grad) if isinstance(first, Parameter) else made
    elif functions.is_tensor:
        value = first
    else:
        raise ArgumentError(
            "Cannot leave unparametrized (`leave_parametrized=False`) a tensor that is parametrized in terms of a "
            "sequence of tensors."
        )
    delattr(type(module), tensor_name)
    del module.parametrizations[tensor_name]
    if not len(module.parametrizations):
        kind: Any = type(module)
        delattr(module, "parametrizations")
        object.__setattr__(module, "__class__", kind.parametrized_from)
    if isinstance(value, Parameter):
        module.register_parameter(tensor_name, value)
    else:
        module.register_buffer(tensor_name, value)
    return module


def type_before_parametrizations(module: Module) -> type:
    """The class that the module had before anything of it was parametrized."""
    kind: Any = type(module)
    return kind.parametrized_from if is_parametrized(module) else kind
