"""Random numbers: Philox's published vectors, the stream of a seed, distributions."""

import math
from collections import Counter

import numpy as np
import pytest

import curta
from curta.compiler.expression import constant
from curta.compiler.shuffle import BITS, PARTNER_BITS, WHOLE, bucket_bits
from curta.dtypes import int64
from curta.memory.layout import contiguous
from curta.ops.dispatch import bind
from curta.ops.inference import each
from curta.ops.random import philox
from curta.ops.record import NO_GRADIENT, Op, Pointwise
from curta.ops.sorting import SHUFFLE

# counter, key and result of philox4x32-10, from the Random123 library's kat_vectors
KNOWN = [
    ((0, 0, 0, 0), (0, 0), (0x6627E8D5, 0xE169C58D, 0xBC57AC4C, 0x9B00DBD8)),
    ((0xFFFFFFFF,) * 4, (0xFFFFFFFF,) * 2, (0x408F276D, 0x41C83B0E, 0xA20BC7C6, 0x6D5451FD)),
    (
        (0x243F6A88, 0x85A308D3, 0x13198A2E, 0x03707344),
        (0xA4093822, 0x299F31D0),
        (0xD16CFE09, 0x94FDCCEB, 0x5001E420, 0x24126EA1),
    ),
]


@pytest.mark.parametrize(("counter", "key", "wanted"), KNOWN)
def test_philox(counter, key, wanted):
    def element(nothing, *, word):
        return philox(tuple(constant(c, int64) for c in counter), tuple(constant(k, int64) for k in key))[word]

    op = Op("philox", lambda _, word: contiguous((), int64), Pointwise(element, "raw"), NO_GRADIENT, each(0))
    assert tuple(bind(op, (0,), word=word).item() for word in range(4)) == wanted


def test_a_seed_is_a_stream():
    curta.manual_seed(3)
    first = curta.rand(5).tolist() + curta.rand(3).tolist()
    curta.manual_seed(3)
    assert curta.rand(8).tolist() == first
    state = curta.get_rng_state()
    after = curta.randn(4).tolist()
    curta.set_rng_state(state)
    assert curta.randn(4).tolist() == after
    one, two = curta.Generator().manual_seed(9), curta.Generator().manual_seed(9)
    assert curta.rand(2, generator=one).tolist() == curta.rand(2, generator=two).tolist()
    assert one.initial_seed() == 9
    assert curta.manual_seed(-1).initial_seed() == 2**64 - 1


def test_threads_do_not_matter():
    before = curta.get_num_threads()
    results = []
    for count in (1, 2, 3):
        curta.set_num_threads(count)
        curta.manual_seed(0)
        results.append(curta.randn(100_003).numpy().tobytes())
    curta.set_num_threads(before)
    assert results[0] == results[1] == results[2]


@pytest.mark.parametrize("dtype", [curta.float64, curta.float32, curta.float16, curta.bfloat16])
def test_distributions(dtype):
    curta.manual_seed(1)
    count = 200_000
    u = curta.rand(count, dtype=dtype).double()
    assert 0 <= u.min().item()
    assert u.max().item() < 1
    assert abs(u.mean().item() - 0.5) < 5 * math.sqrt(1 / 12 / count) + 0.003
    n = curta.randn(count, dtype=dtype).double()
    assert abs(n.mean().item()) < 5 / math.sqrt(count) + 1e-3
    assert abs((n * n).mean().item() - 1) < 5 * math.sqrt(2 / count) + 1e-3
    assert abs(n.abs().max().item()) < 9


def test_whole_numbers():
    curta.manual_seed(2)
    x = curta.randint(-3, 4, (10_000,))
    assert sorted(set(x.tolist())) == [-3, -2, -1, 0, 1, 2, 3]
    assert sorted(curta.randperm(100).tolist()) == list(range(100))
    assert abs(curta.bernoulli(curta.full((10_000,), 0.3)).mean().item() - 0.3) < 0.03
    with pytest.raises(RuntimeError, match="random_ expects 'from' to be less than 'to', but got from=3 >= to=3"):
        curta.randint(3, 3, (2,))


@pytest.mark.parametrize("count", [1, 500, WHOLE, WHOLE + 1, 200_001])
def test_randperm_deals_and_exchanges(count):
    """Rao's and Sandelius' shuffle, worked out in Python."""
    numbers = curta.randint(1 << BITS, (count,))
    drawn, bits = numbers.tolist(), bucket_bits(count)
    buckets = [[] for _ in range(1 << bits)]
    for place, number in enumerate(drawn):
        buckets[number >> (BITS - bits)].append(place)
    order = [place for bucket in buckets for place in bucket]
    end = count
    for bucket in reversed(buckets):
        start = end - len(bucket)
        for last in reversed(range(start + 1, end)):
            number = drawn[last] & ((1 << PARTNER_BITS) - 1)
            other = start + (number * (last + 1 - start) >> PARTNER_BITS)
            order[last], order[other] = order[other], order[last]
        end = start
    threads = curta.get_num_threads()
    try:
        for some in (1, 3):
            curta.set_num_threads(some)
            assert bind(SHUFFLE, (numbers,)).tolist() == order
    finally:
        curta.set_num_threads(threads)


def test_randperm_of_many_is_even():
    """Whether an element comes to the lower half, and whether two neighbours stay in order: each in half of the cases.

    Of 300 000 that are 150 000 with a standard deviation of 274 for places; fewer for neighbours.
    """
    curta.manual_seed(5)
    order = curta.randperm(300_000)
    assert (order.sort().values == curta.arange(300_000)).all()
    for below in (order[:150_000] < 150_000, order[1:] > order[:-1], order[::2] < 150_000):
        share = below.double().mean().item()
        assert abs(share - 0.5) < 5 * 0.5 / math.sqrt(len(below))
    correlation = np.corrcoef(order.numpy(), np.arange(300_000))[0, 1]
    assert abs(correlation) < 5 / math.sqrt(300_000)


def test_randperm_has_every_order():
    curta.manual_seed(3)
    counts = Counter(tuple(curta.randperm(3).tolist()) for _ in range(1200))
    assert len(counts) == 6
    assert min(counts.values()) > 150


def test_in_place():
    x = curta.empty(2, 100_000).T
    x.normal_(2, 3)
    assert abs(x.mean().item() - 2) < 0.05
    assert abs(x.std().item() - 3) < 0.05
    x.uniform_(-1, 1)
    assert -1 <= x.min().item()
    assert x.max().item() < 1
