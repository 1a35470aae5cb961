"""The colours of all pages: of middling lightness, so that they stand out from white and from black alike."""

from __future__ import annotations

from curta.memory.ledger import (
    ACTIVATIONS,
    ARENAS,
    BUFFERS,
    GRADIENTS,
    INPUTS,
    PARAMETERS,
    STATE,
    TEMPORARIES,
)

BLUE, RED, GREEN, GREY = "#3f7fb5", "#c8553d", "#5a9367", "#8a8f98"
AMBER, VIOLET, TEAL, BROWN = "#bf8415", "#9a6fb0", "#2f9c9c", "#9b6b43"

#: the parts of a step; anything else is grey
PHASES = {"forward": BLUE, "backward": RED, "optimizer": GREEN}
RECOMPUTATION = VIOLET

#: what memory is for; what belongs to a part of the step has its colour
CATEGORY_COLOURS = {
    PARAMETERS: BLUE,
    BUFFERS: TEAL,
    GRADIENTS: RED,
    STATE: GREEN,
    INPUTS: GREY,
    ACTIVATIONS: AMBER,
    TEMPORARIES: VIOLET,
    ARENAS: BROWN,
}


def phase_colour(phase: str) -> str:
    """The colour of a part of the step.

    >>> phase_colour("forward"), phase_colour("a part of its own")
    ('#3f7fb5', '#8a8f98')
    """
    return RECOMPUTATION if phase == "recomputation" else PHASES.get(phase, GREY)
