"""The loss curves of a run as a picture."""

from __future__ import annotations

import io
import math
from collections.abc import Sequence

from curta.cli.trainer import Report


def loss_plot(reports: Sequence[Report], title: str, subtitle: str) -> bytes:
    """A PNG of training and validation loss by step, in nats a byte (left) and bits a byte (right)."""
    # The object interface: pyplot would look for a display and keep global state.
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    ink, grid, training_colour, validation_colour = "#22252b", "#e4e6ea", "#7d9fc7", "#c2452d"
    figure = Figure(figsize=(8, 4.8), dpi=150, layout="constrained", facecolor="white")
    axes = figure.add_subplot()
    trained = [(report.step, report.training_loss) for report in reports if report.training_loss is not None]
    axes.plot(
        [step for step, _ in trained],
        [loss for _, loss in trained],
        color=training_colour,
        linewidth=1.8,
        label="training (mean since the last report)",
    )
    steps, losses = [report.step for report in reports], [report.validation_loss for report in reports]
    axes.plot(
        steps, losses, color=validation_colour, linewidth=2.2, marker="o", markersize=3.2, label="validation"
    )
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
    bits = axes.secondary_yaxis("right", functions=(lambda nats: nats / math.log(2), lambda bits: bits * math.log(2)))
    bits.set_ylabel("bits a byte", color=ink)
    bits.tick_params(colors=ink, labelsize=9)
    bits.spines["right"].set_visible(False)
    axes.legend(frameon=False, loc="upper right", fontsize=9)
    figure.suptitle(title, x=0.02, ha="left", fontsize=13, fontweight="bold", color=ink)
    axes.set_title(subtitle, loc="left", fontsize=9, color="#5c626b")
    picture = io.BytesIO()
    FigureCanvasAgg(figure).print_png(picture)
    return picture.getvalue()
