"""The base of all layers: a tree of modules with parameters and buffers."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple, Self

from curta.autograd.state import STATE
from curta.dtypes import DType, asked
from curta.errors import (
    ArgumentError,
    ArgumentTypeError,
    NameTakenError,
    NoSuchAttributeError,
    UnsupportedError,
)
from curta.memory.changes import CHANGES
from curta.memory.living import MODULES
from curta.nn.modules import hooks, states
from curta.nn.modules.hooks import (  # noqa: F401 (PyTorch has them in this file)
    register_module_buffer_registration_hook,
    register_module_forward_hook,
    register_module_forward_pre_hook,
    register_module_full_backward_hook,
    register_module_full_backward_pre_hook,
    register_module_module_registration_hook,
    register_module_parameter_registration_hook,
)
from curta.nn.modules.places import enter
from curta.nn.parameter import Buffer, Parameter
from curta.tensor import Tensor


class IncompatibleKeys(NamedTuple):
    """What `load_state_dict` did not find, and what it did not know."""

    missing_keys: list[str]
    unexpected_keys: list[str]

    def __repr__(self) -> str:
        if not self.missing_keys and not self.unexpected_keys:
            return "<All keys matched successfully>"
        return f"_IncompatibleKeys(missing_keys={self.missing_keys}, unexpected_keys={self.unexpected_keys})"


class Module(hooks.HookMethods):
    """Base of every layer. Parameters, buffers and submodules assigned as attributes are found by name.

    >>> from curta import nn
    >>> sum(p.numel() for p in nn.Linear(3, 4).parameters())
    16
    """

    #: names of the state that older checkpoints do not have: they stay as they are where a checkpoint lacks them
    _newer_state: frozenset[str] = frozenset()

    training: bool
    _parameters: dict[str, Parameter | None]
    _buffers: dict[str, Tensor | None]
    _modules: dict[str, Module | None]

    def __new__(cls, *args: Any, **kwargs: Any) -> Self:
        made = super().__new__(cls)
        MODULES.add(made)
        return made

    def __init__(self) -> None:
        for name, value in (
            ("training", True), ("_parameters", {}), ("_buffers", {}), ("_modules", {}), ("_transient", set()),
            ("_call_hooks", None), ("_state_hooks", hooks.state_hooks()),
        ):  # fmt: skip
            object.__setattr__(self, name, value)

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        """What the module computes; every module defines its own."""
        raise UnsupportedError(f'Module [{type(self).__name__}] is missing the required "forward" function')

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        if STATE.hooked:
            if STATE.recorder is not None:
                STATE.recorder.note_module(self)
            before = STATE.module, STATE.places
            enter(self, args)
            try:
                return self._call(args, kwargs)
            finally:
                STATE.module, STATE.places = before
        return self._call(args, kwargs)

    def _call(self, args: Any, kwargs: Any) -> Any:
        if self._call_hooks is None and not hooks.EVERYWHERE:
            return self.forward(*args, **kwargs)
        return hooks.call(self, args, kwargs)

    # attributes

    def __setattr__(self, name: str, value: Any) -> None:
        CHANGES.note()
        if "_parameters" not in self.__dict__:
            if isinstance(value, Parameter | Module):
                kind = "parameters" if isinstance(value, Parameter) else "module"
                raise NoSuchAttributeError(f"cannot assign {kind} before Module.__init__() call")
            object.__setattr__(self, name, value)
        elif isinstance(value, Parameter):
            self._forget(name, self._parameters)
            self.register_parameter(name, value)
        elif isinstance(value, Module):
            value = hooks.registered("module", self, name, value)
            self._forget(name, self._modules)
            self._modules[name] = value
        elif name in self._parameters and (value is None or isinstance(value, Tensor)):
            if value is not None:
                raise ArgumentTypeError(
                    f"cannot assign '{type(value).__name__}' as parameter '{name}' "
                    "(curta.nn.Parameter or None expected)"
                )
            self._parameters[name] = None
        elif isinstance(value, Buffer) and name not in self._parameters:
            self._forget(name, self._buffers)
            self.register_buffer(name, value, value.persistent)
        elif name in self._buffers and (value is None or isinstance(value, Tensor)):
            self._buffers[name] = value
        elif name in self._modules and value is None:
            self._modules[name] = None
        else:
            object.__setattr__(self, name, value)

    def __getattr__(self, name: str) -> Any:
        for table in ("_parameters", "_buffers", "_modules"):
            found = self.__dict__.get(table, {})
            if name in found:
                return found[name]
        raise NoSuchAttributeError(f"'{type(self).__name__}' object has no attribute '{name}'")

    def __delattr__(self, name: str) -> None:
        if not self._forget(name):
            object.__delattr__(self, name)

    def _forget(self, name: str, but: dict[str, Any] | None = None) -> bool:
        """Take a name out of everything but the table in which it keeps its place."""
        CHANGES.note()
        found = False
        tables: tuple[dict[str, Any], ...] = (self._parameters, self._buffers, self._modules)
        for table in tables:
            if table is not but and name in table:
                del table[name]
                found = True
        self._transient.discard(name)
        if name in self.__dict__:
            del self.__dict__[name]
            found = True
        return found

    def register_parameter(self, name: str, param: Parameter | None) -> None:
        """Add a parameter under `name`; None keeps the name for later."""
        self._check_name("parameter", name, self._parameters)
        if param is not None and not isinstance(param, Parameter):
            raise ArgumentTypeError(
                f"cannot assign '{type(param).__name__}' object to parameter '{name}' "
                "(curta.nn.Parameter or None required)"
            )
        param = param if param is None else hooks.registered("parameter", self, name, param)
        self._forget(name, self._parameters)
        self._parameters[name] = param

    def register_buffer(self, name: str, tensor: Tensor | None, persistent: bool = True) -> None:
        """Add a tensor that is saved with the module (if `persistent`) but not trained."""
        self._check_name("buffer", name, self._buffers)
        if tensor is not None and not isinstance(tensor, Tensor):
            raise ArgumentTypeError(
                f"cannot assign '{type(tensor).__name__}' object to buffer '{name}' (Tensor or None required)"
            )
        tensor = tensor if tensor is None else hooks.registered("buffer", self, name, tensor)
        self._forget(name, self._buffers)
        self._buffers[name] = tensor
        if not persistent:
            self._transient.add(name)

    def register_module(self, name: str, module: Module | None) -> None:
        """Add a submodule under `name`."""
        self.add_module(name, module)

    def add_module(self, name: str, module: Module | None) -> None:
        """Add a submodule under `name`."""
        if module is not None and not isinstance(module, Module):
            raise ArgumentTypeError(f"{type(module).__name__} is not a Module subclass")
        self._check_name("module", name, self._modules)
        module = module if module is None else hooks.registered("module", self, name, module)
        self._forget(name, self._modules)
        self._modules[name] = module

    def _check_name(self, kind: str, name: str, known: Mapping[str, Any]) -> None:
        if not isinstance(name, str):
            raise ArgumentTypeError(f"{kind} name should be a string. Got {type(name).__name__}")
        if "." in name or name == "":
            raise NameTakenError(f'{kind} name can\'t contain "." or be empty, got {name!r}')
        if name not in known and hasattr(self, name):
            raise NameTakenError(f"attribute '{name}' already exists")

    # the tree

    def named_modules(self, prefix: str = "", remove_duplicate: bool = True) -> Iterator[tuple[str, Module]]:
        """This module and all below it with their dotted names, each once."""
        seen: set[int] = set()
        stack: list[tuple[str, Module]] = [(prefix, self)]
        while stack:
            name, module = stack.pop()
            if remove_duplicate and id(module) in seen:
                continue
            seen.add(id(module))
            yield name, module
            below = [(f"{name}.{key}" if name else key, m) for key, m in module._modules.items() if m is not None]
            stack += reversed(below)

    def modules(self) -> Iterator[Module]:
        """This module and all below it."""
        return (module for _, module in self.named_modules())

    def named_children(self) -> Iterator[tuple[str, Module]]:
        """The modules directly below, each once."""
        seen: set[int] = set()
        for name, module in self._modules.items():
            if module is not None and id(module) not in seen:
                seen.add(id(module))
                yield name, module

    def children(self) -> Iterator[Module]:
        """The modules directly below."""
        return (module for _, module in self.named_children())

    def _named(self, table: str, prefix: str, recurse: bool, remove_duplicate: bool) -> Iterator[tuple[str, Any]]:
        seen: set[int] = set()
        for path, module in self.named_modules(prefix) if recurse else iter([(prefix, self)]):
            for name, value in getattr(module, table).items():
                if value is None or (remove_duplicate and id(value) in seen):
                    continue
                seen.add(id(value))
                yield f"{path}.{name}" if path else name, value

    def named_parameters(
        self, prefix: str = "", recurse: bool = True, remove_duplicate: bool = True
    ) -> Iterator[tuple[str, Parameter]]:
        """All parameters with their dotted names; a shared one only once."""
        return self._named("_parameters", prefix, recurse, remove_duplicate)

    def parameters(self, recurse: bool = True) -> Iterator[Parameter]:
        """All parameters."""
        return (parameter for _, parameter in self.named_parameters(recurse=recurse))

    def named_buffers(
        self, prefix: str = "", recurse: bool = True, remove_duplicate: bool = True
    ) -> Iterator[tuple[str, Tensor]]:
        """All buffers with their dotted names."""
        return self._named("_buffers", prefix, recurse, remove_duplicate)

    def buffers(self, recurse: bool = True) -> Iterator[Tensor]:
        """All buffers."""
        return (buffer for _, buffer in self.named_buffers(recurse=recurse))

    def get_submodule(self, target: str) -> Module:
        """The module at a dotted path."""
        found: Any = self
        for part in target.split(".") if target else ():
            if part not in found._modules:
                raise NoSuchAttributeError(f"{type(found).__name__} has no attribute `{part}`")
            found = found._modules[part]
        return found

    def get_parameter(self, target: str) -> Parameter:
        """The parameter at a dotted path."""
        found: Parameter = self._at(target, "_parameters", "an nn.Parameter")
        return found

    def get_buffer(self, target: str) -> Tensor:
        """The buffer at a dotted path."""
        found: Tensor = self._at(target, "_buffers", "a buffer")
        return found

    def _at(self, target: str, table: str, kind: str) -> Any:
        path, _, name = target.rpartition(".")
        owner = self.get_submodule(path)
        if not hasattr(owner, name):
            raise NoSuchAttributeError(f"{type(owner).__name__} has no attribute `{name}`")
        if name not in getattr(owner, table):
            raise NoSuchAttributeError(f"`{name}` is not {kind}")
        return getattr(owner, table)[name]

    def set_submodule(self, target: str, module: Module, strict: bool = False) -> None:
        """Put a module at a dotted path; with `strict` only where there is one already."""
        path, _, name = target.rpartition(".")
        if not name:
            raise ArgumentError(f"Cannot set the submodule without a target name, got {target!r}")
        if not isinstance(module, Module):
            raise ArgumentError(f"`module` is not an nn.Module, found {type(module).__name__}")
        owner = self.get_submodule(path)
        if strict and name not in owner._modules:
            raise NoSuchAttributeError(f"{type(owner).__name__} has no attribute `{name}`")
        if name in owner._modules:
            setattr(owner, name, module)
        else:
            owner.add_module(name, module)

    def num_parameters(self) -> int:
        """How many numbers the parameters hold, shared ones counted once.

        >>> from curta import nn
        >>> nn.Linear(3, 4).num_parameters()
        16
        """
        return sum(parameter.layout.numel for parameter in self.parameters())

    @property
    def nbytes(self) -> int:
        """Bytes of all parameters and buffers."""
        tensors = [*self.parameters(), *self.buffers()]
        return sum(tensor.layout.nbytes for tensor in tensors)

    # state

    def apply(self, fn: Callable[[Module], Any]) -> Self:
        """Call `fn` on every module below and then on this one."""
        for module in self.children():
            module.apply(fn)
        fn(self)
        return self

    def train(self, mode: bool = True) -> Self:
        """Set training mode here and below."""
        if not isinstance(mode, bool):
            raise ArgumentError("training mode is expected to be boolean")
        for module in self.modules():
            object.__setattr__(module, "training", mode)
        CHANGES.note()
        return self

    def eval(self) -> Self:
        """Set evaluation mode here and below."""
        return self.train(False)

    def requires_grad_(self, requires_grad: bool = True) -> Self:
        """Whether the parameters want gradients."""
        for parameter in self.parameters():
            parameter.requires_grad_(requires_grad)
        return self

    def zero_grad(self, set_to_none: bool = True) -> None:
        """Forget the parameters' gradients, or fill them with zeros."""
        for parameter in self.parameters():
            if set_to_none:
                parameter.grad = None
            elif parameter.grad is not None:
                parameter.grad.zero_()

    def _convert(self, change: Callable[[Tensor], Tensor], recurse: bool = True) -> Self:
        done: set[int] = set()
        for module in self.modules() if recurse else (self,):
            for parameter in module._parameters.values():
                if parameter is not None and id(parameter) not in done:
                    done.add(id(parameter))
                    gradient = parameter._grad
                    _replace(parameter, change(parameter.detach()))
                    parameter._grad = None if gradient is None else change(gradient)
            for name, buffer in module._buffers.items():
                if buffer is not None:
                    module._buffers[name] = change(buffer)
        CHANGES.note()
        return self

    def to(self, *args: Any, **kwargs: Any) -> Self:
        """Parameters and buffers on another device or in another floating format, in place.

        Raises `ArgumentTypeError` for a format that is not of floating point.
        """
        dtype = asked(kwargs.get("dtype") or next((one for one in args if isinstance(one, (DType, type))), None), "to")
        if dtype is not None and not dtype.is_floating_point:
            raise ArgumentTypeError(f"nn.Module.to only accepts floating point dtypes, but got desired dtype={dtype}")
        return self._convert(lambda t: t.to(*args, **kwargs) if t.layout.dtype.is_floating_point else t)

    def float(self) -> Self:
        """Floating-point parameters and buffers in float32."""
        return self._convert(lambda t: t.float() if t.layout.dtype.is_floating_point else t)

    def double(self) -> Self:
        """Floating-point parameters and buffers in float64."""
        return self._convert(lambda t: t.double() if t.layout.dtype.is_floating_point else t)

    def half(self) -> Self:
        """Floating-point parameters and buffers in float16."""
        return self._convert(lambda t: t.half() if t.layout.dtype.is_floating_point else t)

    def bfloat16(self) -> Self:
        """Floating-point parameters and buffers in bfloat16."""
        return self._convert(lambda t: t.bfloat16() if t.layout.dtype.is_floating_point else t)

    def type(self, dst_type: Any) -> Self:
        """All parameters and buffers in the format `dst_type`."""
        return self._convert(lambda t: t.to(dst_type))

    def to_empty(self, *, device: Any, recurse: bool = True) -> Self:
        """Parameters and buffers in new memory on a device, which holds anything."""
        return self._convert(lambda t: t.new_empty(t.layout.shape, device=device), recurse)

    def cuda(self, device: Any = None) -> Self:
        """Parameters and buffers on a CUDA device; raises what PyTorch raises where there is none."""
        return self._convert(lambda t: t.cuda(device))

    def cpu(self) -> Self:
        """Parameters and buffers in host memory."""
        return self._convert(lambda t: t.cpu())

    def state_dict(self, *, destination: Any = None, prefix: str = "", keep_vars: bool = False) -> dict[str, Tensor]:
        """Every parameter and persistent buffer by dotted name, sharing memory with the module."""
        found: dict[str, Any] = OrderedDict() if destination is None else destination
        states.save(self, found, prefix, keep_vars)
        return found

    def _save_to_state_dict(self, destination: dict[str, Any], prefix: str, keep_vars: bool) -> None:
        """Put this module's own state into a state dict, not that of those below; layers may have their own way."""
        saved = [(n, t) for n, t in self._buffers.items() if n not in self._transient]
        for name, tensor in [*self._parameters.items(), *saved]:
            if tensor is not None:
                destination[prefix + name] = tensor if keep_vars else tensor.detach()

    def get_extra_state(self) -> Any:
        """What a layer saves besides tensors, under "_extra_state": layers that have something define both methods."""
        raise UnsupportedError(f"{type(self).__name__}: get_extra_state() is not defined")

    def set_extra_state(self, state: Any) -> None:
        """Take over what `get_extra_state` gave."""
        raise UnsupportedError(f"{type(self).__name__}: set_extra_state() is not defined")

    def load_state_dict(
        self, state_dict: Mapping[str, Any], strict: bool = True, assign: bool = False
    ) -> IncompatibleKeys:
        """Copy tensors into the parameters and buffers of the same names, in the format that these have.

        With `assign`, the module takes over the tensors themselves, as they are: formats, strides and memory; this is
        how a model that was built on the meta device gets its weights without a copy. Optimizers know the parameters
        of before.

        ShapeError lists all that does not fit, and then nothing has changed: values that are no tensors, shapes, and,
        when `strict`, missing and unknown names, which are the result otherwise.
        """
        if not isinstance(state_dict, Mapping):
            raise ArgumentTypeError(f"Expected state_dict to be dict-like, got {type(state_dict)}.")
        found = IncompatibleKeys([], [])
        states.load(self, state_dict, strict, assign, found)
        return found

    # printing

    def extra_repr(self) -> str:
        """What stands between a module's brackets when it is printed."""
        return ""

    def __repr__(self) -> str:
        extra = self.extra_repr()
        lines = extra.split("\n") if extra else []
        children = []
        for name, module in self._modules.items():
            text = repr(module).split("\n")
            children.append(f"({name}): " + "\n".join([text[0], *("  " + line for line in text[1:])]))
        lines += children
        if not lines:
            return f"{type(self).__name__}()"
        if len(lines) == 1 and not children:
            return f"{type(self).__name__}({lines[0]})"
        return f"{type(self).__name__}(\n  " + "\n  ".join(lines) + "\n)"

    def _repr_html_(self) -> str:
        from curta.nn.modules import summary

        return summary.html(self)


def _replace(parameter: Parameter, changed: Tensor) -> None:
    """Let a parameter be another tensor's memory, keeping its identity."""
    if STATE.recorder is not None:
        STATE.recorder.refuse_rebinding()
    parameter.storage, parameter.layout = changed.storage, changed.layout
    parameter.offset, parameter.pointer = changed.offset, changed.pointer
