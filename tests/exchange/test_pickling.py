"""Copies and pickles: what shared memory before shares it after, strides and gradients stay, forgeries are refused."""

from __future__ import annotations

import copy
import pickle
import pickletools
from typing import Any

import numpy as np
import pytest

import curta
from curta import nn
from curta.errors import ArgumentError, ArgumentTypeError, AutogradError, NoDataError
from curta.pickling import rebuilt_storage, rebuilt_tensor


def again(thing: Any) -> Any:
    return pickle.loads(pickle.dumps(thing))


BOTH = pytest.mark.parametrize("make", [again, copy.deepcopy], ids=["pickle", "deepcopy"])


@BOTH
@pytest.mark.parametrize("dtype", ["float32", "bfloat16", "float16", "int64", "bool"])
def test_values_formats_and_strides_stay(make: Any, dtype: str) -> None:
    base = curta.tensor([[0, 1, 1], [1, 0, 1]], dtype=getattr(curta, dtype))
    for tensor in (base, base.T, base[:, 1], base[1:, ::2], base[:0], base[0, 0]):
        made = make(tensor)
        assert made.layout is tensor.layout
        assert (made.stride(), made.storage_offset()) == (tensor.stride(), tensor.storage_offset())
        assert made.tolist() == tensor.tolist()
        assert made.untyped_storage() is not tensor.untyped_storage()


@BOTH
def test_views_share_memory_afterwards(make: Any) -> None:
    base = curta.zeros(4, 3)
    whole, row, again_whole, alone = make([base, base[1], base, curta.zeros(3)])
    assert again_whole is whole
    assert row.untyped_storage() is whole.untyped_storage()
    row.fill_(5.0)
    assert whole.tolist() == [[0.0] * 3, [5.0] * 3, [0.0] * 3, [0.0] * 3]
    assert alone.tolist() == [0.0] * 3
    assert base.tolist() == [[0.0] * 3] * 4


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_every_protocol(protocol: int) -> None:
    tensor = curta.tensor([1.5, 2.5], requires_grad=True)
    made = pickle.loads(pickle.dumps(tensor, protocol))
    assert made.tolist() == [1.5, 2.5]
    assert made.requires_grad


def test_a_storage_is_written_once() -> None:
    base = curta.zeros(1000)
    assert len(pickle.dumps([base[place:] for place in range(50)])) < 4000 + 50 * 100


@BOTH
def test_attributes_and_classes_stay(make: Any) -> None:
    parameter = nn.Parameter(curta.ones(2), requires_grad=False)
    made = make(parameter)
    assert type(made) is nn.Parameter
    assert not made.requires_grad
    tensor = curta.ones(2)
    tensor.note = {"a": 1}  # type: ignore[attr-defined]
    assert make(tensor).note == {"a": 1}


def test_deepcopy_keeps_gradients_and_pickle_does_not() -> None:
    tensor = curta.ones(2, requires_grad=True)
    (tensor * 3).sum().backward()
    made = copy.deepcopy(tensor)
    assert made.grad.tolist() == [3.0, 3.0]
    assert made.grad.untyped_storage() is not tensor.grad.untyped_storage()
    assert again(tensor).grad is None


def test_a_shallow_copy_shares_memory() -> None:
    tensor = curta.zeros(2, requires_grad=True)
    made = copy.copy(tensor)
    assert made is not tensor
    assert made.requires_grad
    assert made.data_ptr() == tensor.data_ptr()


def test_a_tensor_over_an_array_keeps_nothing_of_it() -> None:
    array = np.arange(6.0).reshape(2, 3)
    made = again(curta.from_numpy(array[:, 1:]))
    array[:] = 0
    assert made.tolist() == [[1.0, 2.0], [4.0, 5.0]]


def test_attributes_and_classes_of_deep_copies_are_their_own() -> None:
    class Kind(nn.Parameter):
        pass

    tensor = curta.ones(2)
    tensor.note, tensor.twin = [1], tensor[:1]  # type: ignore[attr-defined]
    made = copy.deepcopy(tensor)
    made.note.append(2)
    assert tensor.note == [1]  # type: ignore[attr-defined]
    assert made.twin.untyped_storage() is made.untyped_storage()
    assert type(copy.deepcopy(Kind(curta.ones(2)))) is Kind


def test_memory_that_is_only_planned_or_recorded_is_not_read() -> None:
    def through(x: Any) -> Any:
        return again((x * 2).untyped_storage())

    with pytest.raises(NoDataError, match="cannot pickle memory that a function being compiled or planned has only"):
        curta.plan(through, curta.ones(3))
    with pytest.raises(NoDataError, match="cannot pickle memory that a function being compiled or planned has only"):
        curta.compile(through)(curta.ones(3))
    plan = curta.plan(lambda x: again(x * 2), curta.ones(3, device="meta"))
    assert plan.flops == 3


@BOTH
def test_meta_tensors(make: Any) -> None:
    made = make(curta.empty(1 << 20, 1 << 20, device="meta", requires_grad=True))
    assert made.device.type == "meta"
    assert made.shape == (1 << 20, 1 << 20)
    assert made.requires_grad
    assert len(pickle.dumps(curta.empty(1 << 20, 1 << 20, device="meta"))) < 1000


@BOTH
def test_modules_and_optimizers_go_on_as_before(make: Any) -> None:
    curta.manual_seed(1)
    x = curta.randn(4, 3)
    model = nn.Sequential(nn.Linear(3, 3), nn.BatchNorm1d(3), nn.Linear(3, 3))
    model[2].weight = model[0].weight
    optimizer = curta.optim.AdamW(model.parameters(), lr=0.1)

    def steps(model: Any, optimizer: Any) -> Any:
        for _ in range(2):
            optimizer.zero_grad()
            model(x).square().sum().backward()
            optimizer.step()
        return model(x).tolist()

    steps(model, optimizer)
    twin, its_optimizer = make((model, optimizer))
    assert twin[2].weight is twin[0].weight
    assert its_optimizer.param_groups[0]["params"][0] is twin[0].weight
    assert steps(twin, its_optimizer) == steps(model, optimizer)


@BOTH
def test_generators_formats_devices_and_shapes(make: Any) -> None:
    generator = curta.Generator().manual_seed(5)
    curta.rand(3, generator=generator)
    twin = make(generator)
    assert curta.rand(3, generator=twin).tolist() == curta.rand(3, generator=generator).tolist()
    assert make(curta.bfloat16) is curta.bfloat16
    assert make(curta.device("meta")) is curta.device("meta")
    size = make(curta.Size((2, 3)))
    assert (type(size), size) == (curta.Size, (2, 3))


def test_memory_comes_and_goes_with_copies() -> None:
    before = curta.memory.memory_allocated()
    made = [again(curta.ones(1000)), copy.deepcopy(curta.ones(1000)[:10])]
    assert curta.memory.memory_allocated() == before + 8000
    del made
    assert curta.memory.memory_allocated() == before


# old and forged pickles


#: written by the first version, of tensor([1., 2.], requires_grad=True)
OLD = (
    b"\x80\x02ccurta.host\nrebuilt\nq\x00(cnumpy._core.multiarray\n_reconstruct\nq\x01cnumpy\nndarray\nq\x02K\x00"
    b"\x85q\x03c_codecs\nencode\nq\x04X\x01\x00\x00\x00bq\x05X\x06\x00\x00\x00latin1q\x06\x86q\x07Rq\x08\x87q\tRq"
    b"\n(K\x01K\x02\x85q\x0bcnumpy\ndtype\nq\x0cX\x02\x00\x00\x00f4q\r\x89\x88\x87q\x0eRq\x0f(K\x03X\x01\x00\x00\x00<"
    b"q\x10NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tq\x11b\x89h\x04X\t\x00\x00\x00\x00\x00\xc2\x80?\x00\x00\x00@q\x12"
    b"h\x06\x86q\x13Rq\x14tq\x15bccurta.dtypes\nby_name\nq\x16X\x07\x00\x00\x00float32q\x17\x85q\x18Rq\x19\x88"
    b"ccurta.tensor\nTensor\nq\x1atq\x1bRq\x1c."
)


def test_pickles_of_the_first_versions_are_read() -> None:
    from curta import host

    made = pickle.loads(OLD)
    assert (made.tolist(), made.dtype, made.requires_grad) == ([1.0, 2.0], curta.float32, True)
    assert host.rebuilt(np.array([1.0, 2.0], "f4"), curta.float32, True, nn.Parameter).requires_grad
    halves = host.rebuilt(np.array([0x3F80, 0x4000], "u2"), curta.bfloat16, False, curta.Tensor)
    assert halves.tolist() == [1.0, 2.0]
    with pytest.raises(AttributeError, match=r"module 'curta.host' has no attribute 'nothing'"):
        _ = host.nothing


GOOD = {
    "storage": rebuilt_storage(bytes(24)), "offset": 0, "shape": (2, 3), "strides": (3, 1), "dtype": curta.float32,
    "requires_grad": False, "kind": curta.Tensor,
}  # fmt: skip
BAD: list[tuple[dict[str, Any], type[Exception], str]] = [
    ({"offset": 1}, ArgumentError, r"a tensor of shape \(2, 3\), strides \(3, 1\) and offset 1 does not fit into 24"),
    ({"shape": (1 << 40, 3)}, ArgumentError, "does not fit into 24 bytes"),
    ({"strides": (1 << 62, 1)}, ArgumentError, "does not fit into 24 bytes"),
    ({"dtype": curta.float64}, ArgumentError, "does not fit into 24 bytes"),
    ({"strides": (3,)}, ArgumentError, "does not fit into 24 bytes"),
    ({"shape": (1,) * 65, "strides": (1,) * 65}, ArgumentError, "does not fit into 24 bytes"),
    ({"offset": -1}, ArgumentError, r"cannot be unpickled with shape \(2, 3\), strides \(3, 1\), offset -1"),
    ({"strides": (-3, 1)}, ArgumentError, "cannot be unpickled with shape"),
    ({"shape": [2, 3]}, ArgumentError, "cannot be unpickled with shape"),
    ({"shape": (2.0, 3)}, ArgumentError, "cannot be unpickled with shape"),
    ({"storage": 5}, ArgumentTypeError, "cannot be unpickled from a int with format curta.float32: the pickle is dam"),
    ({"dtype": "f4"}, ArgumentTypeError, "Storage with format 'f4'"),
    ({"kind": dict}, ArgumentTypeError, "cannot be unpickled as <class 'dict'>"),
    ({"dtype": curta.int32, "requires_grad": True}, AutogradError, "only Tensors of floating point dtype can require"),
]


@pytest.mark.parametrize(("change", "error", "message"), BAD)
def test_forged_tensors_are_refused(change: dict[str, Any], error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        rebuilt_tensor(**{**GOOD, **change})


def test_forged_storages_and_attributes_are_refused() -> None:
    for parts in (("text",), (-1, curta.device("meta")), (8, curta.device("cpu")), (8,), (None, None)):
        with pytest.raises(ArgumentTypeError, match="a storage cannot be unpickled from"):
            rebuilt_storage(*parts)
    with pytest.raises(ArgumentError, match="a tensor cannot be unpickled with 'pointer' among its attributes"):
        curta.ones(2).__setstate__({"pointer": 8})


def test_damaged_pickles_raise_and_do_not_crash() -> None:
    good = pickle.dumps([curta.arange(6.0).reshape(2, 3)[:, 1:]])
    assert "curta.pickling" in {value for _, value, _ in pickletools.genops(good)}
    for place in range(0, len(good), 3):
        for byte in (0, 1, 0x4B, 255):
            damaged = good[:place] + bytes([byte]) + good[place + 1 :]
            try:
                found = pickle.loads(damaged)
                str(found)
            except Exception:
                continue


@pytest.mark.parametrize("make", [again, copy.copy], ids=["pickle", "copy"])
def test_a_tensor_with_a_history_becomes_a_leaf(make: Any) -> None:
    made = make(curta.tensor([1.5, 2.5], requires_grad=True) * 2)
    assert made.tolist() == [3.0, 5.0]
    assert made.requires_grad
    assert made.is_leaf


def test_a_shallow_copy_of_a_tensor_with_a_history_shares_memory() -> None:
    tensor = curta.ones(2, requires_grad=True) * 2
    assert copy.copy(tensor).data_ptr() == tensor.data_ptr()
