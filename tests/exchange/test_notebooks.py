"""What Jupyter shows of modules and accounts: read back with an HTML parser."""

from __future__ import annotations

from html.parser import HTMLParser
from typing import Any

import pytest

import curta
from curta import nn


class Cells(HTMLParser):
    """The text of every cell, row by row, and whether tags were opened and closed in order."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: set[str] = set()
        self.rows: list[list[str]] = []
        self.caption = ""
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: Any) -> None:
        self.tags.add(tag)
        self.open.append(tag)
        if tag == "tr":
            self.rows.append([])
        if tag in ("td", "th"):
            self.rows[-1].append("")

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open[-1:] == ["caption"]:
            self.caption += data
        if self.open and self.open[-1] in ("td", "th"):
            self.rows[-1][-1] += data


def read(thing: Any) -> Cells:
    cells = Cells(thing._repr_html_())
    assert not cells.open
    assert cells.tags == {"table", "caption", "thead", "tbody", "tfoot", "tr", "td", "th"}
    return cells


class Tied(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Linear(3, 3)
        self.norm = nn.BatchNorm1d(3)
        self.last = nn.Linear(3, 3, bias=False)
        self.last.weight = self.first.weight
        self.scale = nn.Parameter(curta.tensor(2.0), requires_grad=False)

    def forward(self, x: Any) -> Any:
        return self.last(self.norm(self.first(x))) * self.scale


def test_a_module_is_a_table_of_its_layers() -> None:
    cells = read(Tied())
    assert cells.caption == "Tied: 19 parameters, of which 18 are trained"
    assert cells.rows[0] == ["layer", "module", "holds", "parameters"]
    assert cells.rows[1] == ["(itself)", "Tied", "scale 1 (frozen)", "1"]
    assert cells.rows[2] == [
        "first", "Linear(in_features=3, out_features=3, bias=True)", "weight 3 × 3, bias 3", "12",
    ]  # fmt: skip
    assert cells.rows[3][0] == "norm"
    assert cells.rows[3][2].startswith("weight 3, bias 3, running_mean 3 (buffer), running_var 3 (buffer)")
    assert cells.rows[3][3] == "6"
    assert cells.rows[4][2:] == ["weight 3 × 3 (that of first.weight)", ""]
    assert cells.rows[5] == ["total", "", "", "19"]


def test_names_that_look_like_tags_are_escaped() -> None:
    class Sneaky(nn.Module):
        def extra_repr(self) -> str:
            return "<script>alert('&')</script>\n  more"

    model = nn.Module()
    model.add_module("<b>bold</b>", Sneaky())
    cells = read(model)
    assert cells.rows[2][:2] == ["<b>bold</b>", "Sneaky(<script>alert('&')</script> more)"]
    assert "<script" not in model._repr_html_()


@pytest.mark.parametrize("count", [499, 500, 700])
def test_many_layers_are_cut_off_and_counted(count: int) -> None:
    cells = read(nn.Sequential(*(nn.Identity() for _ in range(count))))
    assert len(cells.rows) == min(count + 1, 501) + 2  # and the head and the total
    if count >= 500:
        assert cells.rows[-2][:2] == ["…", f"{count + 1 - 500} more layers"]


def test_models_without_memory_are_shown_too() -> None:
    with curta.device("meta"):
        cells = read(nn.Linear(1 << 20, 1 << 20, bias=False))
    assert cells.rows[-1][-1] == f"{1 << 40:,}"


def test_an_account_is_its_table_by_module() -> None:
    model = Tied()
    with curta.account() as account:
        model(curta.ones(2, 3))
    cells = read(account)
    assert cells.caption == f"Account of {account.calls:,} operators, {account.flops:,} FLOPs"
    assert [row[0] for row in cells.rows] == ["module", *account.by_module(), "total"]
    assert [row[2] for row in cells.rows[1:-1]] == [f"{cost.flops:,}" for cost in account.by_module().values()]
    text = account.table("module").splitlines()
    assert [" ".join(row).split() for row in cells.rows] == [line.split() for line in text]
