"""The books against counts done by hand."""

import curta
from curta import nn
from curta.optim import SGD


def test_matmul_is_two_flops_a_multiply_add() -> None:
    B, D, K = 5, 7, 11
    with curta.account() as books:
        curta.ones(B, D) @ curta.ones(D, K)
    assert books.model_flops == books.by_op()["matmul"].flops == 2 * B * D * K
    assert books.by_op()["matmul"].bytes_written == B * K * 4


def test_linear_backward_is_twice_its_forward() -> None:
    B, D, K = 4, 6, 10
    layer, x = nn.Linear(D, K, bias=False), curta.ones(B, D, requires_grad=True)
    with curta.account() as books:
        layer(x).sum().backward()
    assert books.model_flops == 3 * 2 * B * D * K
    phases = books.by_phase()
    assert set(phases) == {"forward", "backward"}
    assert phases["backward"].flops == 2 * 2 * B * D * K


def test_element_wise_by_hand() -> None:
    x, y = curta.ones(6, 4), curta.ones(4)
    with curta.account() as books:
        (x + y).exp()
    costs = books.by_op()
    assert costs["add"][:4] == (24, 0, 24 * 4 + 4 * 4, 24 * 4)
    assert costs["exp"][:4] == (0, 24, 24 * 4, 24 * 4)
    assert books.calls == 2
    assert books.intensity == 24 / (96 + 16 + 96 + 96 + 96)


def test_views_cost_nothing() -> None:
    x = curta.ones(6, 4)
    with curta.account() as books:
        x.view(4, 6).t()[1:].unsqueeze(0)
    assert books.total == (0, 0, 0, 0, 0, 0)


def test_nested_accounts_and_the_end() -> None:
    x = curta.ones(8)
    with curta.account() as outer:
        x + x
        with curta.account() as inner:
            x * x
    x + x
    assert (outer.flops, inner.flops) == (16, 8)


def test_meta_tensors_are_charged_without_running() -> None:
    x = curta.empty(1000, 1000, device="meta")
    with curta.account() as books:
        x @ x
    assert books.model_flops == 2_000_000_000


def test_the_optimizer_is_its_own_phase() -> None:
    layer = nn.Linear(3, 2)
    optimizer = SGD(layer.parameters(), lr=0.1)
    layer(curta.ones(1, 3)).sum().backward()
    with curta.account() as books:
        optimizer.step()
    assert set(books.by_phase()) == {"optimizer"}


def test_the_table_and_the_dictionary_agree() -> None:
    with curta.account() as books:
        curta.ones(2, 3) @ curta.ones(3, 4)
    found = books.to_dict()
    assert found["model_flops"] == 48
    assert found["by_op"]["matmul"]["calls"] == 1
    assert "matmul" in books.table()
    assert books.table().splitlines()[-1].split()[0] == "total"
