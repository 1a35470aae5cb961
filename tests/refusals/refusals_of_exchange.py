"""What is refused, in which words: memory shared with other frameworks."""

from __future__ import annotations

from refusal import Refusal

from curta.errors import ArgumentError, ArgumentTypeError, DTypeError, ExchangeError

_USED = (
    "from_dlpack received an invalid capsule. Note that DLTensor capsules can be consumed only once, so you might have "
    "already constructed a tensor from it once."
)


def twice(capsule: object, c: object) -> None:
    c.from_dlpack(capsule)  # type: ignore[attr-defined]
    c.from_dlpack(capsule)  # type: ignore[attr-defined]


REFUSALS = (
    Refusal(
        lambda c: c.zeros(2, requires_grad=True).__dlpack__(),
        ExchangeError,
        "Can't export tensors that require gradient, use tensor.detach()",
    ),
    Refusal(
        lambda c: c.nn.Parameter(c.zeros(2)).__dlpack__(),
        ExchangeError,
        "Can't export tensors that require gradient, use tensor.detach()",
    ),
    Refusal(lambda c: c.zeros(2, device="meta").__dlpack__(), ExchangeError, "Cannot pack tensors on meta"),
    Refusal(
        lambda c: c.utils.dlpack.to_dlpack(c.zeros(2, device="meta")), ExchangeError, "Cannot pack tensors on meta"
    ),
    Refusal(
        lambda c: c.zeros(2, device="meta").__dlpack_device__(), ArgumentError, "Unknown device type meta for Dlpack"
    ),
    Refusal(lambda c: c.from_dlpack(c.zeros(2), device="meta"), ExchangeError, "Cannot pack tensors on meta"),
    Refusal(lambda c: c.zeros(2).__dlpack__(stream="1"), ArgumentTypeError, "stream must be ``int`` or ``none``"),
    Refusal(lambda c: c.zeros(2).__dlpack__(stream=1), ArgumentError, "stream should be None on cpu.", only_curta=True),
    Refusal(
        lambda c: c.zeros(2).__dlpack__(dl_device=(2, 0)),
        ExchangeError,
        "__dlpack__: cannot export to device (2, 0): only to the CPU's (1, 0)",
        only_curta=True,
    ),
    Refusal(lambda c: c.from_dlpack(3), DTypeError, _USED),
    Refusal(lambda c: twice(c.utils.dlpack.to_dlpack(c.zeros(2)), c), DTypeError, _USED),
    Refusal(
        lambda c: c.utils.dlpack.to_dlpack(3),
        ArgumentTypeError,
        "to_dlpack(): argument 'input' (position 1) must be Tensor, not int",
    ),
)
