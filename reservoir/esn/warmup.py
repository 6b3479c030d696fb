"""Compiling every kernel before it is needed: each specialization run on a tiny problem."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any

import numpy as np

from reservoir.esn.build import DTYPES, Recipe, build
from reservoir.esn.forgetting import gaps
from reservoir.esn.leave_one_out import leave_one_out
from reservoir.esn.moment_sums import MomentSums
from reservoir.esn.records import kernel_weights, lane_weights, no_loop
from reservoir.esn.recurrence import Drive, drive_lanes, drive_series, origin
from reservoir.kernels.lanes import run_lanes
from reservoir.kernels.series import run_series
from reservoir.kernels.weights import Scales

# A topology for each form of W that the kernels know.
FORMS = {"sparse": "random", "dense": "orthogonal", "permutation": "cycle"}
DRIVES = {"series": run_series, "lanes": run_lanes, "candidates": run_lanes}


@dataclass(frozen=True)
class Specialization:
    """One compilation of a kernel."""

    form: str  # of FORMS
    dtype: str  # of DTYPES
    drive: str  # of DRIVES

    def __str__(self) -> str:
        return f"{self.form}, {self.dtype}, {self.drive}"


SPECIALIZATIONS = tuple(
    Specialization(form, dtype, drive) for drive in DRIVES for dtype in DTYPES for form in FORMS
)


@dataclass(frozen=True)
class Warmed:
    """How long it took, and whether the code was in the cache already (or in memory)."""

    seconds: float
    cached: bool


def warm(specialization: Specialization) -> Warmed:
    """Run a kernel on two steps of a reservoir of eight units."""
    topology, dtype = FORMS[specialization.form], np.dtype(specialization.dtype)
    recipe = Recipe(units=8, topology=topology, dtype=specialization.dtype)
    reservoir = build(recipe, 1, 1, np.random.default_rng(0))
    weights, loop, start = kernel_weights(reservoir), no_loop(dtype), origin(reservoir, 1)
    drive = Drive(np.zeros((2, 1), dtype), np.empty((0, 1), dtype), np.empty((0, 8), dtype))
    kernel: Any = DRIVES[specialization.drive]
    before = sum(kernel.stats.cache_misses.values())
    began = time.perf_counter()
    if specialization.drive == "series":
        drive_series(weights, loop, drive, start)
        sums = MomentSums(8, 1)
        sums.push((np.zeros((2, 8), dtype),), np.zeros((2, 1)))
        part = sums.total()
        if part is not None:
            leave_one_out(part.spectrum(), np.ones(1), [(np.zeros((2, 8)), np.zeros((2, 1)))])
    else:
        rows, x, y = np.arange(2), np.stack([start.x] * 2), np.stack([start.y] * 2)
        ones = np.ones(2, dtype)
        scales = Scales(*[ones] * 5) if specialization.drive == "candidates" else None
        lanes = lane_weights(weights)
        drive_lanes(lanes, loop, drive, rows, np.ones(2, np.int64), x, y, scales=scales)
        gaps(x, x)
    missed = sum(kernel.stats.cache_misses.values()) - before
    return Warmed(time.perf_counter() - began, missed == 0)
