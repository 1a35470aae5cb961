"""What hooks on modules hear, told by Curta and by PyTorch alike."""

from __future__ import annotations

from typing import Any


def numbers(values: Any) -> Any:
    """Tensors as lists."""
    if isinstance(values, (tuple, list)):
        return [numbers(one) for one in values]
    if isinstance(values, dict):
        return {name: numbers(one) for name, one in values.items()}
    return values.tolist() if hasattr(values, "tolist") else values


def scaling(c: Any, factor: float) -> Any:
    class Scale(c.nn.Module):  # type: ignore[misc]
        def forward(self, x: Any, extra: float = 0.0) -> Any:
            if extra < 0:
                raise ValueError("below 0")
            return x * factor + extra

    return Scale()


def around_calls(c: Any) -> list[Any]:
    told: list[Any] = []
    model, x = scaling(c, 3.0), c.tensor([1.0, 2.0])
    model.register_forward_pre_hook(lambda m, a: told.append(("before", numbers(a))))
    first = model.register_forward_pre_hook(lambda m, a: (a[0] + 1,), prepend=True)
    model.register_forward_pre_hook(lambda m, a, k: (a, {**k, "extra": k.get("extra", 0.0) + 10}), with_kwargs=True)
    model.register_forward_hook(lambda m, a, r: told.append(("after", numbers(a), numbers(r))))
    model.register_forward_hook(lambda m, a, k, r: told.append(numbers([a, k, r])), with_kwargs=True, prepend=True)
    doubled = model.register_forward_hook(lambda m, a, r: r * 2)
    told += [numbers(model(x)), numbers(model(x, extra=1.0))]
    first.remove(), doubled.remove()
    always = model.register_forward_hook(lambda m, a, r: told.append(("always", numbers(r))), always_call=True)
    told.append(numbers(model(x)))
    try:
        model(x, extra=-11.0)
    except ValueError as error:
        told.append(str(error))
    with always:
        pass
    told.append(numbers(model(x)))
    return told


def around_gradients(c: Any) -> list[Any]:
    told: list[Any] = []
    model, x = scaling(c, 3.0), c.tensor([1.0, 2.0], requires_grad=True)
    model.register_full_backward_hook(lambda m, i, o: told.append(("gradients", numbers(i), numbers(o))))
    model.register_full_backward_pre_hook(lambda m, o: told.append(("outward", numbers(o))))
    changed = model.register_full_backward_pre_hook(lambda m, o: (o[0] * 10,))
    (model(x) * x).sum().backward()
    told.append(numbers(x.grad))
    changed.remove()
    model.register_full_backward_hook(lambda m, i, o: (i[0] + 100,), prepend=True)
    x.grad = None
    model(x).sum().backward()
    told.append(numbers(x.grad))
    linear = c.nn.Linear(2, 1, bias=False)
    linear.register_full_backward_hook(lambda m, i, o: told.append(numbers([i, o])))
    linear(c.tensor([[1.0, 2.0]])).sum().backward()  # no gradient of what goes in
    return [*told, numbers(linear.weight.grad)]


def around_states(c: Any) -> list[Any]:
    told: list[Any] = []
    model = c.nn.Sequential(c.nn.Linear(1, 1, bias=False), c.nn.BatchNorm1d(1, affine=False))
    inner = model[0]
    inner.register_state_dict_pre_hook(lambda m, prefix, keep: told.append((prefix, keep)))
    inner.register_state_dict_post_hook(
        lambda m, state, prefix, _: state.update({prefix + "new": state.pop(prefix + "weight")})
    )
    told.append(list(model.state_dict()))
    inner.register_load_state_dict_pre_hook(
        lambda m, state, prefix, _, strict, missing, unexpected, errors: state.update(
            {prefix + "weight": state.pop(prefix + "old")}
        )
    )

    def forgive(m: Any, keys: Any) -> None:
        told.append([sorted(keys.missing_keys), sorted(keys.unexpected_keys)])
        keys.missing_keys.clear()

    model.register_load_state_dict_post_hook(forgive)
    given = {"0.old": c.tensor([[5.0]]), "1.running_mean": c.tensor([2.0])}
    model.load_state_dict(given)
    told += [sorted(given), numbers(inner.weight.detach()), numbers(model[1].running_mean)]
    return told


def of_all_modules(c: Any) -> list[Any]:
    hooks, told = c.nn.modules.module, []
    model, x = c.nn.Sequential(scaling(c, 2.0), scaling(c, 5.0)), c.tensor([1.0], requires_grad=True)
    handles = [
        hooks.register_module_forward_pre_hook(lambda m, a: told.append((type(m).__name__, numbers(a)))),
        hooks.register_module_forward_hook(lambda m, a, r: told.append(numbers(r))),
        hooks.register_module_full_backward_pre_hook(lambda m, o: told.append(numbers(o))),
        hooks.register_module_full_backward_hook(lambda m, i, o: told.append(numbers([i, o]))),
        hooks.register_module_module_registration_hook(lambda m, name, one: told.append(("module", name))),
        hooks.register_module_parameter_registration_hook(lambda m, name, one: told.append(("parameter", name))),
        hooks.register_module_buffer_registration_hook(lambda m, name, one: told.append(("buffer", name))),
    ]
    try:
        model(x).backward()
        model.more = c.nn.Linear(1, 1)
        model.register_buffer("kept", c.zeros(1))
    finally:
        for handle in handles:
            handle.remove()
    model[0](x).backward()
    return told


STORIES = (around_calls, around_gradients, around_states, of_all_modules)
