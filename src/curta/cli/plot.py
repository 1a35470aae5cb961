"""The loss curves of a run as a picture."""

from __future__ import annotations

import io
import itertools
from collections.abc import Sequence
from typing import Any

import numpy as np

from curta.cli.trainer import Report


def _to_bits(nats: Any) -> Any:
    return np.asarray(nats) / np.log(2.0)


def _to_nats(bits: Any) -> Any:
    return np.asarray(bits) * np.log(2.0)


def _training_points(reports: Sequence[Report]) -> list[tuple[float, float]]:
    """Each report's mean training loss, at the middle of the steps that it is the mean of."""
    points = []
    for before, report in itertools.pairwise(reports):
        if report.training_loss is not None:
            points.append(((before.step + 1 + report.step) / 2, report.training_loss))
    return points


def loss_plot(reports: Sequence[Report], title: str, subtitle: str) -> bytes:
    """A PNG of training and validation loss by step, in nats a byte (left) and bits a byte (right)."""
    # The object interface: pyplot would look for a display and keep global state.
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    ink, grid, training_colour, validation_colour = "#22252b", "#e4e6ea", "#7d9fc7", "#c2452d"
    figure = Figure(figsize=(8, 4.8), dpi=150, layout="constrained", facecolor="white")
    axes = figure.add_subplot()
    trained = _training_points(reports)
    axes.plot(
        [step for step, _ in trained],
        [loss for _, loss in trained],
        color=training_colour,
        linewidth=1.8,
        label="training",
    )
    steps, losses = [report.step for report in reports], [report.validation_loss for report in reports]
    axes.plot(steps, losses, color=validation_colour, linewidth=2.2, marker="o", markersize=3.2, label="validation")
    axes.annotate(
        f"{losses[-1]:.3f}", (steps[-1], losses[-1]), textcoords="offset points", xytext=(0, 9), ha="right",
        color=validation_colour, fontweight="bold",
    )  # fmt: skip
    axes.set_xlabel("step", color=ink)
    axes.set_ylabel("loss (nats a byte)", color=ink)
    axes.margins(x=0.02, y=0.08)
    axes.grid(color=grid, linewidth=0.8)
    axes.set_axisbelow(True)
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
    for side in ("left", "bottom"):
        axes.spines[side].set_color("#9aa0a8")
    axes.tick_params(colors=ink, labelsize=9)
    bits = axes.secondary_yaxis("right", functions=(_to_bits, _to_nats))
    bits.set_ylabel("bits a byte", color=ink)
    bits.tick_params(colors=ink, labelsize=9)
    bits.spines["right"].set_visible(False)
    axes.legend(frameon=False, loc="upper right", fontsize=9)
    figure.suptitle(title, x=0.02, ha="left", fontsize=13, fontweight="bold", color=ink)
    axes.set_title(subtitle, loc="left", fontsize=9, color="#5c626b")
    picture = io.BytesIO()
    FigureCanvasAgg(figure)
    figure.savefig(picture, format="png")
    return picture.getvalue()
