"""The charts, against places worked out by hand."""

from __future__ import annotations

import itertools
import re

import pytest
from tests.report.pages import Page

from curta import Peak
from curta.costs.roofline import Point, Roofline
from curta.memory.ledger import ACTIVATIONS, CATEGORIES, PARAMETERS
from curta.ops.record import Cost
from curta.report.axes import Axis, powers_around, round_values
from curta.report.bars import Bar, bar_chart
from curta.report.colours import CATEGORY_COLOURS
from curta.report.frame import Frame
from curta.report.lines import MANY, Level, Series, line_chart
from curta.report.memory import COLUMNS, fewer, memory_chart
from curta.report.roofline import below, in_words, placed, radius, roofline_chart
from curta.report.step import Column, Step, Stretch

NO_ROOFLINE = Roofline(())


def step_with(columns: list[Column], stretches: tuple[Stretch, ...] = (), peak: int | None = None) -> Step:
    fullest = max(columns, key=lambda column: column.nbytes)
    return Step(
        flops=0, model_flops=0, hardware_flops=0, nbytes=0, calls=columns[-1].stop - 1, by_phase={}, by_module={},
        peak_bytes=fullest.nbytes if peak is None else peak, peak_by_category=fullest.totals, holders=(),
        columns=tuple(columns), stretches=stretches, roofline=NO_ROOFLINE,
    )  # fmt: skip


def totals(**kinds: int) -> dict[str, int]:
    return {kind: kinds.get(kind.replace(" ", "_"), 0) for kind in CATEGORIES}


def test_every_category_has_a_colour_of_its_own() -> None:
    assert list(CATEGORY_COLOURS) == list(CATEGORIES)
    assert len(set(CATEGORY_COLOURS.values())) == len(CATEGORIES)


@pytest.mark.parametrize("paper", [(255, 255, 255), (0x15, 0x17, 0x1B)], ids=["light", "dark"])
def test_colours_stand_out_from_the_paper(paper: tuple[int, int, int]) -> None:
    def luminance(parts: tuple[int, ...]) -> float:  # as WCAG 2 has it
        linear = [p / 255 / 12.92 if p <= 10 else ((p / 255 + 0.055) / 1.055) ** 2.4 for p in parts]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    for colour in CATEGORY_COLOURS.values():
        parts = tuple(int(colour[place : place + 2], 16) for place in (1, 3, 5))
        lights = sorted([luminance(parts), luminance(paper)])
        assert (lights[1] + 0.05) / (lights[0] + 0.05) > 3, colour


def test_marks() -> None:
    assert round_values(0, 1_000_000, 6) == [0, 200_000, 400_000, 600_000, 800_000, 1_000_000]
    assert round_values(0.0, 0.012, 5) == [0.0, 0.005, 0.01]
    assert round_values(0, 1, 6, whole=True) == [0, 1]
    assert round_values(-2, 2, 5) == [-2, -1, 0, 1, 2]
    assert Axis(0.05, 2000, by_powers=True).marks() == pytest.approx([0.1, 1, 10, 100, 1000])
    assert powers_around([7.0]).high / powers_around([7.0]).low == pytest.approx(10)


def test_a_frame() -> None:
    frame = Frame(Axis(0, 200), Axis(-1, 1), 100)
    assert [frame.left(value) for value in (0, 50, 200)] == ["0.00%", "25.00%", "100.00%"]
    assert [frame.top(value) for value in (-1, 0, 1)] == [100, 50, 0]
    assert [frame.anchor(value) for value in (1, 100, 199)] == ["start", "middle", "end"]
    chart = frame.chart("a", "A < B", "text & more", "", ("x", "y"))
    assert '<title id="a-title">A &lt; B</title><desc id="a-text">text &amp; more</desc>' in chart
    assert 'aria-labelledby="a-title a-text"' in chart


def test_lines() -> None:
    series = [Series("one", [(0, 2.0), (10, 1.0)], "red"), Series("two", [(5, 1.5)], "blue", dashed=True)]
    text = line_chart("loss", "Loss", series, "nats", "{:.2f}".format)
    # from 1 to 2 with a twentieth of room on both sides: 0.95 to 2.05 in 240 pixels
    assert '<path class="curve" d="M0 10.9L1000 229.1" stroke="red"/>' in text
    assert text.count('class="curve"') == 1  # a single point is no curve
    assert '<circle cx="50.00%" cy="120" r="2.5" fill="blue"><title>two, step 5: 1.50</title></circle>' in text
    assert "one: from 2.00 at step 0 to 1.00 at step 10; two: 1.50 at step 5" in text
    assert '<text x="100.00%" y="219.1" text-anchor="end" class="halo strong">1.00</text>' in text
    assert Page(text).open == []


def test_lines_of_nothing_and_of_much() -> None:
    text = line_chart("loss", "Loss", [Series("one", [], "red")], "nats", str)
    assert "one: nothing was measured" in text
    assert "<circle" not in text
    points = [(step, 1.0) for step in range(MANY)]
    text = line_chart("loss", "Loss", [Series("one", points, "red")], "nats", str)
    assert text.count("<circle") == 1  # the last one
    assert "one: from 1.0 at step 0 to 1.0 at step 79" in text


def test_a_level_is_written_where_no_curve_is() -> None:
    near_left = [Series("MFU", [(0, 51.0), (10, 20.0)], "green")]
    text = line_chart("mfu", "MFU", near_left, "MFU", str, level=Level(50, "good: 50%"), from_zero=True)
    assert re.search(r'<text x="100%" y="[\d.]+" text-anchor="end" class="faint halo">good: 50%</text>', text)
    # from 0 to 51 and a twentieth: 53.55
    assert f'y1="{240 * (1 - 50 / 53.55):.1f}"' in text


def test_memory() -> None:
    columns = [
        Column(0, 1, totals(parameters=100)),
        Column(1, 3, totals(parameters=100, activations=100)),
        Column(3, 4, totals(parameters=100)),
    ]
    text = memory_chart(step_with(columns, (Stretch("forward", 0, 2), Stretch("backward", 2, 4))))
    # 200 bytes and a tenth of room in 320 pixels: 100 bytes are 145.5 of them
    parameters = f'd="M0 174.5H250H750H1000L1000 320H750H250H0Z" fill="{CATEGORY_COLOURS[PARAMETERS]}"'
    activations = f'd="M0 174.5H250V29.1H750V174.5H1000L1000 174.5H750H250H0Z" fill="{CATEGORY_COLOURS[ACTIVATIONS]}"'
    assert parameters in text
    assert activations in text
    assert text.count('class="band"') == 2
    assert "At most 200 bytes: parameters 100, activations 100" in text
    assert '<circle cx="50.00%" cy="29.1" r="4"' in text
    assert 'class="halo strong">peak: 200 B</text>' in text
    for stretch in (
        '<rect x="0.00%" y="346" width="50.00%" height="6"',
        '<rect x="50.00%" y="346" width="50.00%" height="6"',
    ):
        assert stretch in text
    assert "<title>backward: operators 3 to 4</title>" in text
    # each band has its name within it, so that colour is not all that tells them apart
    assert {"parameters", "activations"} <= set(Page(text).text("text"))
    assert Page(text).open == []


def test_of_many_columns_the_highest_are_kept() -> None:
    columns = [Column(place, place + 1, totals(inputs=place % 977)) for place in range(5000)]
    kept = fewer(columns, COLUMNS)
    assert len(kept) <= COLUMNS
    assert max(column.nbytes for column in kept) == 976
    assert (kept[0].start, kept[-1].stop) == (0, 5000)
    assert all(before.stop == after.start for before, after in itertools.pairwise(kept))
    assert fewer(columns[:7], COLUMNS) == columns[:7]


def test_memory_of_nothing() -> None:
    text = memory_chart(step_with([Column(0, 1, totals())]))
    assert "At most 0 bytes" in text
    assert Page(text).open == []


def test_bars() -> None:
    rows = [("a <module>", [Bar(0.25, "25%", "red"), Bar(0.5, "50%", "blue")]), ("none", [Bar(0.0, "0%", "red")])]
    text = bar_chart("work", "Work", rows)
    # the longest has two thirds of the width
    widths = [float(width) for width in re.findall(r'width="([\d.]+)%"', text)]
    assert widths == [33.0, 66.0, 0.0]
    assert "a &lt;module&gt;: 25%, 50%; none: 0%" in text
    assert Page(text).open == []


def test_bars_with_a_level_are_of_a_whole() -> None:
    text = bar_chart("mfu", "MFU", [("one", [Bar(0.25, "25%", "red")])], (0.5, "good"))
    assert re.findall(r'width="([\d.]+)%"', text) == ["66.00", "16.50"]
    assert '<line x1="33.00%"' in text
    beyond = bar_chart("mfu", "MFU", [("one", [Bar(2.0, "200%", "red")])], (0.5, "good"))
    assert re.findall(r'width="([\d.]+)%"', beyond) == ["33.00", "66.00"]
    assert bar_chart("mfu", "MFU", []).startswith('<svg class="bars" height="0"')


PEAK = Peak(1e9, "float32", bytes_per_second=1e8, name="a machine")


def point_of(operator: str, flops: int, nbytes: int, seconds: float | None, dtype: str = "float32") -> Point:
    cost = Cost(flops, 0, nbytes, 0)
    floating = dtype != "int64"
    return Point(operator, dtype, 3, cost, PEAK, flops / 1e9 if floating else 0.0, nbytes / 1e8, seconds)


def test_the_roofline() -> None:
    product = point_of("matmul", 100_000_000, 1_000_000, 0.16)  # 100 FLOP/byte at 625 MFLOP/s, of 1 GFLOP/s
    total = point_of("a<b", 1_000_000, 4_000_000, 0.09)  # 0.25 FLOP/byte at 11.1 MFLOP/s, of 25
    counted = point_of("sum", 1000, 1000, 0.001, "int64")
    found = Roofline((product, total, counted))
    assert placed(found) == [product, total]
    assert radius(product, 0.251) == pytest.approx(34 * (0.16 / 0.251) ** 0.5, abs=0.05)
    text = roofline_chart(found)
    # from 0.25 / 2 to 200 FLOP/byte, by powers of ten
    page = Page(text)
    circles = [attributes for name, attributes, _ in page.elements if name == "circle" and "%" in attributes["cx"]]
    across = Axis(0.125, 200, by_powers=True)
    assert [one["cx"] for one in circles] == [f"{100 * across.share(value):.2f}%" for value in (100, 0.25)]
    # up from half of the lowest rate to twice the roof, in 400 pixels
    up = Axis(1_000_000 / 0.09 / 2, 2e9, by_powers=True)
    assert [float(one["cy"]) for one in circles] == [
        pytest.approx(400 * (1 - up.share(rate)), abs=0.06) for rate in (625e6, 1_000_000 / 0.09)
    ]
    assert "a&lt;b in float32" in text
    assert "float32 1 GFLOP/s" in page.text("text", look="halo")
    assert "memory 100 MB/s" in page.text("text", look="halo")
    assert in_words(product) == (
        "matmul in float32\n3 calls in 160 ms\n100 MFLOP, 1 MB moved: 100 FLOP/byte\n625 MFLOP/s, 62% of the roof, "
        "bound by arithmetic"
    )
    assert page.open == []


def test_what_takes_no_time_lies_on_the_lower_edge() -> None:
    product, scalar = point_of("matmul", 10**8, 10**6, 0.2), point_of("sqrt", 1, 8, 1e-5)
    found = Roofline((product, scalar))
    assert below(found) == [scalar]
    assert re.search(r'cy="400" r="3" [^>]*><title>sqrt', roofline_chart(found))


def test_a_roofline_without_times_has_no_chart() -> None:
    assert roofline_chart(Roofline((point_of("matmul", 10**8, 10**6, None),))) == ""
    assert roofline_chart(NO_ROOFLINE) == ""


def test_names_of_points_do_not_overlap() -> None:
    points = [point_of(f"operator_{number}", 10**6 + number, 10**6, 0.01) for number in range(30)]
    page = Page(roofline_chart(Roofline(tuple(points))))
    names = [text for text in page.text("text", look="halo") + page.text("text", look="halo roomy") if "_" in text]
    assert 0 < len(names) < 30  # all lie in one place
