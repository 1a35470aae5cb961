"""Making tensors, what they say of themselves, conversions, in-place rules; the notes' snippets."""

import copy
import pickle
import re

import numpy as np
import pytest

import curta
import curta as torch  # the notes' programs with only the import changed


def test_the_notes_code(capsys):
    x = torch.tensor(2.0, requires_grad=True)
    y = x**2
    z = 3 * y + 5
    z.backward()
    print(x.grad)
    a = torch.arange(6).reshape(2, 3)
    print(a)
    b = a.T
    print(b, b.is_contiguous())
    with pytest.raises(
        RuntimeError, match=r"^view size is not compatible with input tensor's size and stride"
    ) as error:
        b.view(6)
    for words in ("stride 1", "stride 3", ".contiguous()", ".reshape("):
        assert words in str(error.value)
    c = b.contiguous()
    print(c.is_contiguous(), c.view(6))
    assert not torch.cuda.is_available()
    assert capsys.readouterr().out == (
        "tensor(12.)\ntensor([[0, 1, 2],\n        [3, 4, 5]])\n"
        "tensor([[0, 3],\n        [1, 4],\n        [2, 5]]) False\nTrue tensor([0, 3, 1, 4, 2, 5])\n"
    )
    assert (torch.ones(2, 3) @ torch.randn(3, 4)).shape == (2, 4)


def test_formats_of_data():
    assert curta.tensor([1, 2]).dtype is curta.int64
    assert curta.tensor([1, 2.5]).dtype is curta.float32
    assert curta.tensor([True]).dtype is curta.bool
    assert curta.tensor(np.float64(1)).dtype is curta.float64
    assert curta.tensor([]).dtype is curta.float32
    assert curta.tensor([curta.tensor(1), 2]).tolist() == [1, 2]
    assert curta.tensor(1e-8, dtype=curta.float16).item() == 0
    assert curta.tensor(1e-8, dtype=curta.bfloat16).item() > 0
    assert curta.zeros(4, 8).nbytes == 128


@pytest.mark.parametrize(
    ("data", "kind", "text"),
    [
        ([[1], [2, 3]], ValueError, "expected sequence of length 1 at dim 1 (got 2)"),
        ("a", TypeError, "new(): invalid data type 'str'"),
        ([1, "a"], TypeError, "new(): invalid data type 'str'"),
        (None, RuntimeError, "Could not infer dtype of NoneType"),
        (2**63, ValueError, "Overflow when unpacking long long"),
    ],
)
def test_data_that_is_none(data, kind, text):
    with pytest.raises(kind, match=r"^" + re.escape(text)):
        curta.tensor(data)


def test_creation():
    assert curta.arange(5, 0, -2).tolist() == [5, 3, 1]
    assert curta.arange(0, 1, 0.1).tolist() == np.arange(0, 1, 0.1).astype("f4").tolist()
    assert curta.linspace(0, 1, 5).tolist() == [0, 0.25, 0.5, 0.75, 1]
    assert curta.linspace(3, 10, 5, dtype=curta.int64).tolist() == [3, 4, 6, 8, 10]
    assert curta.eye(2, 3).tolist() == [[1, 0, 0], [0, 1, 0]]
    assert curta.full((2,), True).dtype is curta.bool
    assert curta.zeros_like(curta.ones(2, 3).T).stride() == (1, 3)
    assert curta.ones(2, dtype=curta.int8).new_full((1,), 3).dtype is curta.int8
    assert curta.zeros(()).shape == ()
    assert curta.zeros(0, 3).numel() == 0
    assert curta.zeros(2, device="meta").is_meta
    with pytest.raises(RuntimeError, match=r"upper bound and lower bound inconsistent with step sign"):
        curta.arange(3, 0)
    with pytest.raises(AssertionError, match=r"^Torch not compiled with CUDA enabled"):
        curta.zeros(2, device="cuda")
    with pytest.raises(TypeError, match=r"unexpected keyword argument 'colour'"):
        curta.zeros(2, colour="red")


def test_memory_is_shared_with_numpy():
    array = np.zeros((2, 3))
    tensor = curta.from_numpy(array.T)
    tensor[0, 1] = 5.0
    assert array[1, 0] == 5
    assert tensor.stride() == (1, 3)
    tensor.numpy()[2, 0] = 7
    assert array[0, 2] == 7
    with pytest.raises(ValueError, match=r"^At least one stride in the given numpy array is negative"):
        curta.from_numpy(array[::-1])
    with pytest.raises(RuntimeError, match=re.escape("Can't call numpy() on Tensor that requires grad.")):
        curta.ones(1, requires_grad=True).numpy()


def test_a_size_is_a_tuple_of_integers():
    size, more = curta.Size([2, 3]), (2, 3)
    for made in (size * 2, 2 * size, size + more, more + size, size[:1] + size[1:] + size):
        assert (type(made), made) == (curta.Size, (2, 3, 2, 3))
    assert curta.Size([curta.tensor(2), np.int64(3), True]) == (2, 3, 1)
    assert type(curta.Size([True])[0]) is int
    assert curta.Size() == ()
    assert (np.ones(2) + size).tolist() == [3.0, 4.0]
    assert (size * np.ones(2)).tolist() == (np.ones(2) * size).tolist() == [2.0, 3.0]
    for mixed in (lambda: [1] + size, lambda: size + [1], lambda: size * 2.5):  # noqa: RUF005 - that it is refused
        with pytest.raises(TypeError):
            mixed()
    for given, place, kind in (([1, 2.5], 1, "float"), ("ab", 0, "str"), ([None], 0, "NoneType")):
        message = f"torch.Size() takes an iterable of 'int' (item {place} is '{kind}')"
        with pytest.raises(TypeError, match=re.escape(message)):
            curta.Size(given)


def test_plus_is_for_numbers():
    assert (+curta.tensor([-1])).tolist() == [-1]
    with pytest.raises(RuntimeError, match=re.escape("The `+` operator, on a bool tensor is not supported.")):
        +curta.tensor([True])


def test_properties():
    x = curta.zeros(4, 6)[1:, ::2]
    assert x.shape == (3, 3)
    assert repr(x.shape) == "torch.Size([3, 3])"
    assert x.size(-1) == 3
    assert x.stride() == (6, 2)
    assert x.storage_offset() == 6
    assert x.data_ptr() % 4 == 0
    assert (x.ndim, x.numel(), x.element_size(), x.itemsize, x.nbytes) == (2, 9, 4, 4, 36)
    assert x.untyped_storage().nbytes == 96
    assert not x.is_contiguous()
    assert len(x) == 3
    assert [row.tolist() for row in x] == [[0, 0, 0]] * 3
    assert hash(x) == id(x)
    assert 0.0 in x
    assert 1.0 not in x


def test_numbers():
    assert curta.tensor(3).item() == 3
    assert float(curta.tensor([2.5])) == 2.5
    assert int(curta.tensor(7.9)) == 7
    assert [10, 20][curta.tensor(1)] == 20
    with pytest.raises(RuntimeError, match=r"Boolean value of Tensor with more than one value is ambiguous"):
        bool(curta.zeros(2))
    with pytest.raises(RuntimeError, match=r"a Tensor with 2 elements cannot be converted to Scalar"):
        curta.zeros(2).item()
    with pytest.raises(TypeError, match=r"len\(\) of a 0-d tensor"):
        len(curta.tensor(1))


def test_copies():
    x = curta.randn(2, 3, requires_grad=True)
    for made in (copy.deepcopy(x), pickle.loads(pickle.dumps(x))):
        assert made.tolist() == x.tolist()
        assert made.requires_grad
        assert made.data_ptr() != x.data_ptr()
    half = curta.ones(2, dtype=curta.bfloat16)
    assert pickle.loads(pickle.dumps(half)).dtype is curta.bfloat16


@pytest.mark.parametrize(
    ("write", "text"),
    [
        (lambda e: curta.zeros(3, dtype=curta.int64).add_(1.5), "result type Float can't be cast to the desired output "
         "type Long"),
        (lambda e: curta.zeros(1, 3).add_(curta.zeros(2, 3)), "output with shape [1, 3] doesn't match the broadcast "
         "shape [2, 3]"),
        (lambda e: e[:2].add_(e[1:]), "unsupported operation: some elements of the input tensor and the written-to"),
        (lambda e: e[:1].expand(3).add_(1), "unsupported operation: more than one element of the written-to tensor"),
        (lambda e: e.fill_(e), "fill_ only supports 0-dimension value tensor but got tensor with 1 dimensions."),
    ],
)  # fmt: skip
def test_in_place_rules(write, text):
    with pytest.raises(RuntimeError, match=r"^" + re.escape(text)):
        write(curta.zeros(3))


def test_in_place_counts_versions_and_keeps_the_tensor():
    x = curta.zeros(3)
    y = x
    y += 1
    y *= 4
    x.sub_(1).div_(2).pow_(2)
    assert y is x
    assert x.tolist() == [2.25] * 3
    assert x._version == 5
    i = curta.arange(3)
    i += 1
    i //= 2
    assert i.dtype is curta.int64
    assert i.tolist() == [0, 1, 1]
