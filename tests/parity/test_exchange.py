"""Memory shared with PyTorch and JAX by DLPack: both ways, in every format, and let go when nobody needs it."""

from __future__ import annotations

import gc
from typing import Any

import pytest

import curta
from curta import dtypes

pytestmark = pytest.mark.parity


@pytest.mark.parametrize("dtype", dtypes.ALL, ids=lambda dtype: dtype.name)
def test_pytorch_and_curta_share_memory_both_ways(dtype: Any) -> None:
    torch = pytest.importorskip("torch")
    for take in (torch.from_dlpack, lambda tensor: torch.from_dlpack(curta.to_dlpack(tensor))):
        ours = curta.tensor([[0, 1, 1], [1, 0, 1]], dtype=dtype).T
        theirs = take(ours)
        assert theirs.dtype is getattr(torch, dtype.name)
        assert (theirs.data_ptr(), theirs.stride()) == (ours.data_ptr(), ours.stride())
        theirs[0, 0] = 1
        assert ours.tolist() == [[1, 1], [1, 0], [1, 1]]
    for give in (lambda tensor: tensor, torch.utils.dlpack.to_dlpack):
        theirs = torch.tensor([[0, 1, 1], [1, 0, 1]], dtype=getattr(torch, dtype.name))[:, 1:]
        ours = curta.from_dlpack(give(theirs))
        assert ours.dtype is dtype
        assert (ours.data_ptr(), ours.stride()) == (theirs.data_ptr(), theirs.stride())
        ours[1, 0] = 1
        assert theirs.tolist() == [[1, 1], [1, 1]]


@pytest.mark.parametrize("dtype", dtypes.ALL, ids=lambda dtype: dtype.name)
def test_tensors_are_made_of_pytorchs_and_jaxs(dtype: Any) -> None:
    torch, numpy = pytest.importorskip("torch"), pytest.importorskip("jax.numpy")
    theirs = torch.tensor([0, 1, 1], dtype=getattr(torch, dtype.name))
    # JAX has no formats of 64 bits unless it is told to
    for array in (theirs,) if dtype.itemsize == 8 else (theirs, numpy.asarray([0, 1, 1], dtype.numpy)):
        for make in (curta.tensor, curta.as_tensor, curta.asarray):
            made = make(array)
            assert (made.dtype, made.tolist()) == (dtype, [0, 1, 1])
        assert curta.tensor([array[1], array[0]]).dtype is dtype
        assert curta.tensor([array, array]).tolist() == [[0, 1, 1]] * 2
    assert curta.tensor(theirs).data_ptr() != theirs.data_ptr()
    assert curta.as_tensor(theirs).data_ptr() == curta.asarray(theirs).data_ptr() == theirs.data_ptr()
    with pytest.raises(BufferError, match="detach"):
        curta.tensor(torch.ones(2, requires_grad=True))


@pytest.mark.parametrize("shape", [(), (0,), (2, 0, 3)])
def test_pytorchs_tensors_of_one_element_and_of_none(shape: tuple[int, ...]) -> None:
    torch = pytest.importorskip("torch")
    assert torch.from_dlpack(curta.ones(shape)).tolist() == curta.ones(shape).tolist()
    assert curta.from_dlpack(torch.ones(shape)).tolist() == curta.ones(shape).tolist()


def test_pytorch_gives_back_what_it_took() -> None:
    torch = pytest.importorskip("torch")
    tensor = curta.ones(1000)
    before = curta.memory.memory_allocated()
    for _ in range(1000):
        curta.from_dlpack(torch.from_dlpack(curta.ones(1000)))
        torch.from_dlpack(curta.from_dlpack(torch.ones(10)))
        torch.utils.dlpack.from_dlpack(tensor)
    gc.collect()
    assert curta.memory.memory_allocated() == before


def test_pytorchs_gradient_goes_back_to_curta() -> None:
    torch = pytest.importorskip("torch")
    weight = torch.from_dlpack(curta.tensor([1.0, 2.0])).requires_grad_()
    (weight**2).sum().backward()
    assert curta.from_dlpack(weight.grad).tolist() == [2.0, 4.0]


@pytest.mark.parametrize("dtype", dtypes.ALL, ids=lambda dtype: dtype.name)
def test_jax_and_curta_share_memory_both_ways(dtype: Any) -> None:
    jax = pytest.importorskip("jax")
    jax.config.update("jax_enable_x64", True)
    ours = curta.tensor([[0, 1, 1], [1, 0, 1]], dtype=dtype)
    theirs = jax.numpy.from_dlpack(ours)
    assert theirs.dtype == dtype.name
    assert theirs.unsafe_buffer_pointer() == ours.data_ptr()
    assert theirs.tolist() == ours.tolist()
    made = jax.numpy.asarray([[0, 1, 1], [1, 0, 1]], dtype=dtype.name)
    back = curta.from_dlpack(made)
    assert back.dtype is dtype
    assert back.data_ptr() == made.unsafe_buffer_pointer()
    assert back.tolist() == [[0, 1, 1], [1, 0, 1]]


def test_jax_gives_back_what_it_took() -> None:
    jax = pytest.importorskip("jax")
    before = curta.memory.memory_allocated()
    for _ in range(100):
        curta.from_dlpack(jax.numpy.from_dlpack(curta.ones(1000)))
    del _
    gc.collect()
    assert curta.memory.memory_allocated() == before
