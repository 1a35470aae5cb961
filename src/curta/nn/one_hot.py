"""Classes as rows of zeros and a one."""

from __future__ import annotations

from curta import host
from curta.dtypes import int64
from curta.errors import DTypeError, ShapeError
from curta.functions.operands import tensor as check
from curta.ops.dispatch import bind
from curta.ops.reduce import ONE_HOT
from curta.tensor import Tensor


def one_hot(tensor: Tensor, num_classes: int = -1) -> Tensor:
    """Class numbers (int64) [...] as int64 [..., num_classes] with a 1 at each class and 0 elsewhere.

    Without `num_classes` there are as many as the largest number asks for, which takes the values: not in a compiled
    function. ShapeError for a class that is negative or too large.

    >>> import curta
    >>> one_hot(curta.tensor([2, 0]))
    tensor([[0, 0, 1],
            [1, 0, 0]])
    """
    classes = check("one_hot", tensor)
    if classes.layout.dtype is not int64:
        raise DTypeError("one_hot is only applicable to index tensor of type LongTensor.")
    if num_classes == 0 or num_classes < -1:
        raise ShapeError("num_classes should be positive")
    known = host.has_values(classes)
    if classes.layout.numel == 0:
        if num_classes < 0:
            raise ShapeError("Can not infer total number of classes from empty tensor.")
    elif known or num_classes < 0:
        least, most = host.bounds(classes)
        if least < 0:
            raise ShapeError("Class values must be non-negative.")
        if num_classes < 0:
            num_classes = most + 1
        elif most >= num_classes:
            raise ShapeError("Class values must be smaller than num_classes.")
    made: Tensor = bind(ONE_HOT, (classes.unsqueeze(-1),), size=num_classes, dim=classes.layout.rank)
    return made
