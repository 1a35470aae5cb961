"""The device of new tensors: which functions follow the default one is what torch 2.13 does."""

from __future__ import annotations

import threading
from typing import Any

import numpy as np
import pytest

import curta
from curta import nn
from curta.errors import ArgumentTypeError, DeviceError, NoDataError

#: functions of a tensor on the CPU
FOLLOW: dict[str, Any] = {
    "tensor": lambda x: curta.tensor([1.0]),
    "tensor of a tensor": lambda x: curta.tensor(x),
    "as_tensor": lambda x: curta.as_tensor(x),
    "as_tensor of a list": lambda x: curta.as_tensor([1.0]),
    "as_tensor of an array": lambda x: curta.as_tensor(x.numpy()),
    "asarray": lambda x: curta.asarray(x),
    "zeros": lambda x: curta.zeros(2),
    "zeros of a format": lambda x: curta.zeros(2, dtype=curta.int64),
    "ones": lambda x: curta.ones(2),
    "full": lambda x: curta.full((2,), 1),
    "empty": lambda x: curta.empty(2),
    "empty_strided": lambda x: curta.empty_strided((2,), (1,)),
    "arange": lambda x: curta.arange(3),
    "linspace": lambda x: curta.linspace(0, 1, 3),
    "eye": lambda x: curta.eye(3),
    "rand": lambda x: curta.rand(3),
    "randn": lambda x: curta.randn(3),
    "randint": lambda x: curta.randint(3, (2,)),
    "randperm": lambda x: curta.randperm(3),
    "Parameter": lambda x: nn.Parameter(),
    "Linear": lambda x: nn.Linear(2, 3).weight,
    "BatchNorm2d": lambda x: nn.BatchNorm2d(2).num_batches_tracked,
}
STAY: dict[str, Any] = {
    "zeros_like": curta.zeros_like,
    "randn_like": curta.randn_like,
    "new_zeros": lambda x: x.new_zeros(2),
    "from_numpy": lambda x: curta.from_numpy(np.ones(2)),
    "to": lambda x: x.to(curta.float64),
    "gather": lambda x: x.reshape(1, 2).gather(1, curta.zeros(1, 1, dtype=curta.int64, device="cpu")),
    "indexing": lambda x: x[curta.tensor([1], device="cpu")],
    "get_rng_state": lambda x: curta.get_rng_state(),
    "a named one": lambda x: curta.ones(2, device="cpu"),
}


@pytest.mark.parametrize("name", FOLLOW)
def test_what_makes_tensors_follows_the_default_device(name: str) -> None:
    x = curta.ones(2)
    with curta.device("meta"):
        assert FOLLOW[name](x).device.type == "meta"
    assert FOLLOW[name](x).device.type == "cpu"


@pytest.mark.parametrize("name", STAY)
def test_what_has_a_device_already_stays_there(name: str) -> None:
    x = curta.ones(2)
    with curta.device("meta"):
        assert STAY[name](x).device.type == "cpu"


def test_gradients_stay_where_their_tensors_are() -> None:
    x = curta.ones(3, 4, requires_grad=True)
    places = curta.tensor([[0, 1], [1, 2], [3, 3]])
    with curta.device("meta"):
        part = (
            x.gather(1, places).sum() + x[curta.tensor([0, 2], device="cpu")].sum() + x.as_strided((2, 2), (1, 1)).sum()
        )
        part.backward()
        x.detach()[curta.tensor([0], device="cpu"), curta.tensor([1], device="cpu")] = 5.0
    assert x.grad is not None
    assert x.grad.tolist() == [[3.0, 4.0, 2.0, 1.0], [0.0, 1.0, 1.0, 0.0], [1.0, 1.0, 1.0, 3.0]]


def test_blocks_nest_and_end_with_an_error() -> None:
    meta = curta.device("meta")
    with meta as entered:
        with meta, curta.device("cpu"):
            assert curta.get_default_device() == curta.device("cpu")
        assert entered is curta.get_default_device() is meta
        with pytest.raises(KeyError), curta.device("cpu"):
            raise KeyError
        assert curta.ones(1).is_meta
    assert not curta.ones(1).is_meta


def test_the_default_can_be_set_and_is_the_threads_own() -> None:
    curta.set_default_device("meta")
    try:
        found: list[Any] = []
        other = threading.Thread(target=lambda: found.append(curta.ones(1).device))
        other.start()
        other.join()
        assert (curta.ones(1).device.type, found[0].type) == ("meta", "cpu")
    finally:
        curta.set_default_device(None)
    assert curta.ones(1).device.type == "cpu"


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: curta.set_default_device("gpu"), DeviceError, "Expected one of cpu, cuda, meta device type at start"),
        (lambda: curta.set_default_device(3.5), ArgumentTypeError, "device: requires a string or a device, got float"),
        (lambda: curta.device("cuda").__enter__(), AssertionError, "Torch not compiled with CUDA enabled"),
        (lambda: curta.ones((), device="meta") + curta.ones(2), DeviceError, "Expected all tensors to be on the same"),
        (lambda: curta.ones(2).copy_(curta.ones(2, device="meta")), NoDataError, "Cannot copy out of meta tensor; no"),
        (lambda: curta.ones(2).copy_(curta.ones((), device="meta")), NoDataError, "Cannot copy out of meta tensor; no"),
    ],
)  # fmt: skip
def test_what_is_refused(call: Any, error: Any, message: str) -> None:
    with pytest.raises(error, match=message):
        call()
    assert curta.get_default_device().type == "cpu"


def test_a_number_in_memory_goes_with_a_tensor_that_has_none() -> None:
    assert (curta.ones(2, device="meta") * curta.tensor(2.0)).is_meta


META: dict[str, Any] = {
    "flip": lambda x: x.flip(0),
    "roll": lambda x: x.roll(1),
    "a list": lambda x: x[[0, 1]],
    "an index in memory": lambda x: x[curta.tensor([[0, 1]])],
    "index_select": lambda x: x.index_select(1, curta.tensor([0, 0])),
    "an entry": lambda x: x[curta.tensor(1), [1, 2]],
    "index_put": lambda x: x.index_put((curta.tensor([0, 2]),), x[:2]),
    "writing a part": lambda x: _written(x.clone(), slice(0, 2)),
    "writing by a list": lambda x: _written(x.T.clone(), [0, 1]),
    "unbinding an overlap": lambda x: x.expand(2, 4, 6).unbind(0)[1],
}


def _written(x: Any, index: Any) -> Any:
    x[index] = 3.0
    return x


@pytest.mark.parametrize("name", META)
def test_indices_in_memory_go_with_tensors_on_the_meta_device(name: str) -> None:
    real = curta.randn(4, 6, requires_grad=True)
    x = curta.randn(4, 6, device="meta", requires_grad=True)
    made = META[name](x)
    assert made.is_meta
    assert made.shape == META[name](real).shape
    made.sum().backward()
    assert x.grad is not None
    assert x.grad.is_meta
    assert x.grad.shape == (4, 6)


def test_random_streams_stand_still_on_the_meta_device() -> None:
    before = curta.default_generator.offset
    with curta.device("meta"):
        x = curta.randn(3, 4)
        nn.init.trunc_normal_(x)
        nn.init.kaiming_uniform_(x)
        nn.functional.dropout(x)
        nn.functional.scaled_dot_product_attention(x, x, x, dropout_p=0.5)
        curta.randperm(3)
        curta.bernoulli(x)
        nn.Linear(3, 4)
    assert curta.default_generator.offset == before


def test_copies_keep_format_and_order_without_data() -> None:
    x = curta.ones(2, 3, dtype=curta.int32).T
    copied = curta.tensor(x, device="meta")
    assert (copied.shape, copied.stride(), copied.dtype) == ((3, 2), (1, 3), curta.int32)
    assert curta.tensor([[1, 2]], dtype=curta.bfloat16, device="meta").dtype == curta.bfloat16
    assert curta.tensor([1, 2], device="meta").dtype == curta.int64


def test_a_compiled_function_sees_the_default_device() -> None:
    double = curta.compile(lambda x: x * 2 + curta.zeros(1))
    x = curta.ones(2)
    assert double(x).tolist() == [2.0, 2.0]
    with curta.device("meta"), pytest.raises(NotImplementedError, match="compile: tensors on the meta device are not"):
        double(x)
    assert double(x).tolist() == [2.0, 2.0]
