"""AdamW: Adam whose weight decay shrinks the parameter itself instead of entering its gradient."""

from __future__ import annotations

from curta.optim.adam import Adam
from curta.optim.optimizer import Parameters


class AdamW(Adam):
    """AdamW (Loshchilov and Hutter 2017); arguments and trajectory are PyTorch's.

    `fused` is accepted and changes nothing: the update is always one fused kernel. `foreach`, `capturable` and
    `differentiable` raise UnsupportedError when true.

    >>> import curta
    >>> weight = curta.tensor([1.0, -2.0], requires_grad=True)
    >>> optimizer = AdamW([weight], lr=0.5, weight_decay=0.1)
    >>> (weight * weight).sum().backward()
    >>> optimizer.step()
    >>> [round(value, 6) for value in weight.tolist()]
    [0.45, -1.4]
    """

    def __init__(
        self,
        params: Parameters,
        lr: float = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 1e-2,
        amsgrad: bool = False,
        *,
        maximize: bool = False,
        foreach: bool | None = None,
        capturable: bool = False,
        differentiable: bool = False,
        fused: bool | None = None,
    ) -> None:
        super().__init__(
            params,
            lr,
            betas,
            eps,
            weight_decay,
            amsgrad,
            foreach=foreach,
            maximize=maximize,
            capturable=capturable,
            differentiable=differentiable,
            fused=fused,
            decoupled_weight_decay=True,
        )
