"""Operators that count, draw and look up places, without gradients, as programs; see programs.py."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).parent))
from support import array
from surroundings import Make

import curta
from curta.nn import functional as F
from curta.ops.dispatch import bind
from curta.ops.indexing import ROW_TOTALS


def _matrix(make: Make, rows: int, columns: int, **more: Any) -> Any:
    return make(array((rows, columns), more.get("domain", (-2.0, 2.0)), "float32", more.get("seed", 1)))


def bincount(make: Make, rows: int, columns: int) -> Any:
    return make(np.random.default_rng(2).integers(0, 20, rows * columns)).bincount()


def row_totals(make: Make, rows: int, columns: int) -> Any:
    places = make(np.random.default_rng(3).integers(0, rows, rows))
    return bind(ROW_TOTALS, (_matrix(make, rows, columns), places), count=rows)


def histc(make: Make, rows: int, columns: int) -> Any:
    return _matrix(make, rows, columns).histc(9, -1.5, 1.5)


def cross(make: Make, rows: int, columns: int) -> Any:
    return _matrix(make, rows * columns, 3).cross(_matrix(make, rows * columns, 3, seed=4), 1)


def multinomial(make: Make, rows: int, columns: int) -> Any:
    curta.manual_seed(5)
    return _matrix(make, rows, columns, domain=(0.1, 1.0)).multinomial(3)


def _grids(channels: int) -> Any:
    def run(make: Make, rows: int, columns: int) -> Any:
        image = make(array((2, channels, rows // 3 + 4, columns // 3 + 4), (-2.0, 2.0), "float32", 6))
        places = make(array((2, rows, columns, 2), (-1.2, 1.2), "float32", 7))
        modes = ("bilinear", "nearest", "bicubic")
        return [F.grid_sample(image, places, mode, align_corners=False) for mode in modes]

    return run


COUNTING = {
    "bincount": bincount,
    "row_totals": row_totals,
    "histc": histc,
    "cross without a gradient": cross,
    "multinomial": multinomial,
    "grid_sample of few channels": _grids(2),
    "grid_sample of many channels": _grids(7),
}
