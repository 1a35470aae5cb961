"""`out=`: a result that is written where it belongs, without a copy, and what must not be written so."""

import numpy as np
import pytest

import curta
from curta.errors import AutogradError
from curta.memory.allocator import HOST

rng = np.random.default_rng(3)
A, B = rng.standard_normal((2, 8, 16)).astype("f4")

FORMS = {
    "exp": (lambda x, y, out: curta.exp(x, out=out), lambda x, y: np.exp(x.astype("f8"))),
    "add": (lambda x, y, out: curta.add(x, y, out=out), np.add),
    "sub": (lambda x, y, out: curta.sub(x, y, out=out), np.subtract),
    "mul": (lambda x, y, out: curta.mul(x, 2.0, out=out), lambda x, y: x * 2),
    "div": (lambda x, y, out: curta.div(x, y, out=out), np.divide),
    "clamp": (lambda x, y, out: curta.clamp(x, -0.5, 0.5, out=out), lambda x, y: x.clip(-0.5, 0.5)),
    "where": (lambda x, y, out: curta.where(x > 0, x, y, out=out), lambda x, y: np.where(x > 0, x, y)),
    "matmul": (lambda x, y, out: curta.matmul(x[:, :8], y, out=out), lambda x, y: x[:, :8] @ y),
    "mm": (lambda x, y, out: curta.mm(x[:, :8], y, out=out), lambda x, y: x[:, :8] @ y),
    "bmm": (lambda x, y, out: curta.bmm(x[None, :, :8], y[None], out=out[None]), lambda x, y: x[:, :8] @ y),
}


def made_by(function, *arguments):
    """How many bytes of memory the call takes at its fullest moment, beyond what there was."""
    function(*arguments)
    before = HOST.current
    HOST.reset_peak()
    function(*arguments)
    return HOST.peak - before


@pytest.mark.parametrize("name", FORMS)
@pytest.mark.parametrize("turned", [False, True], ids=["plain", "turned"])
def test_the_result_is_there(name, turned):
    function, oracle = FORMS[name]
    out = curta.full((16, 8), 7.0).t() if turned else curta.full((8, 16), 7.0)
    version, address = out._version, out.data_ptr()
    function(curta.tensor(A), curta.tensor(B), out)
    assert out.data_ptr() == address
    assert out._version == version + 1
    assert np.allclose(out.numpy(), oracle(A, B), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("name", ["exp", "add", "mul", "clamp"])
def test_no_memory_is_taken(name):
    assert made_by(FORMS[name][0], curta.tensor(A), curta.tensor(B), curta.empty(8, 16)) == 0


def test_a_sum_is_written_at_once():
    x, out = curta.tensor(A), curta.empty(8)
    assert made_by(lambda: curta.sum(x, 1, out=out)) == 0
    assert np.allclose(out.numpy(), A.sum(1), atol=1e-5)


def test_the_input_may_be_the_output_element_by_element():
    x = curta.tensor(A)
    assert made_by(lambda: curta.add(x, 1.0, out=x)) == 0
    assert np.allclose(x.numpy(), A + 2, atol=1e-6)


def test_a_product_is_not_written_over_its_operand():
    x = curta.tensor(A[:, :8].copy())
    curta.mm(x, x, out=x)
    assert np.allclose(x.numpy(), A[:, :8] @ A[:, :8], atol=1e-5)


def test_what_is_read_again_is_not_written_over():
    x = curta.tensor(A)
    curta.add(x, x[:1], out=x)
    assert np.allclose(x.numpy(), A + A[:1])


def test_neighbouring_places_of_one_memory():
    line = curta.tensor(np.arange(9, dtype="f4"))
    curta.mul(line[:8], 2.0, out=line[1:])
    assert line.tolist() == [0, 0, 2, 4, 6, 8, 10, 12, 14]


def test_arrays_that_share_memory():
    line = np.arange(9, dtype="f4")
    curta.mul(curta.from_numpy(line[:8]), 2.0, out=curta.from_numpy(line[1:]))
    assert line.tolist() == [0, 0, 2, 4, 6, 8, 10, 12, 14]


def test_other_formats_are_converted():
    out = curta.empty(8, 16, dtype=curta.float64)
    curta.add(curta.tensor(A), curta.tensor(B), out=out)
    assert np.array_equal(out.numpy(), (A + B).astype("f8"))


def test_other_shapes_still_warn():
    out = curta.empty(3)
    with pytest.warns(UserWarning, match="An output with one or more elements was resized"):
        curta.exp(curta.tensor(A), out=out)
    assert out.shape == (8, 16)


def test_gradients_are_still_refused():
    x, out = curta.tensor(A).requires_grad_(), curta.zeros(8, 16)
    with pytest.raises(AutogradError, match="don't support automatic differentiation"):
        curta.exp(x, out=out)
    assert not out.any()
    with curta.no_grad():
        curta.exp(x, out=out)
    assert np.allclose(out.numpy(), np.exp(A), rtol=1e-5)


def test_a_write_is_seen_by_who_saved_the_tensor():
    x, out = curta.tensor(A).requires_grad_(), curta.tensor(B)
    product = (x * out).sum()
    curta.exp(curta.tensor(A), out=out)
    with pytest.raises(AutogradError, match="modified by an inplace operation"):
        product.backward()


def test_numbers_beyond_int64_beside_uint64():
    out = curta.empty(2, dtype=curta.uint64)
    curta.add(curta.tensor([1, 2], dtype=curta.uint64), (1 << 63) + 5, out=out)
    assert out.tolist() == [(1 << 63) + 6, (1 << 63) + 7]


def test_a_plan_takes_what_a_run_takes():
    x, out = curta.tensor(A), curta.empty(8, 16)
    planned = curta.plan(lambda: curta.exp(x, out=out))
    with curta.account() as run:
        curta.exp(x, out=out)
    assert planned.memory.peak_bytes == run.memory.peak_bytes
    assert [line.calls for line in planned.lines] == [line.calls for line in run.lines] == [1]


def test_in_a_compiled_function_and_a_map():
    out = curta.empty(8, 16)
    curta.compile(lambda x, to: curta.exp(x, out=to))(curta.tensor(A), out)
    assert np.array_equal(out.numpy(), curta.tensor(A).exp().numpy())
    mapped = curta.vmap(lambda x, to: curta.mul(x, 2.0, out=to))
    assert np.array_equal(mapped(curta.tensor(A), out).numpy(), A * 2)
    assert np.array_equal(out.numpy(), A * 2)
