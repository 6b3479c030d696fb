"""Sequences of many lengths as packed rows: which rows a step has, and where they begin."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from reservoir.kernels.compile import inlined


class Steps(NamedTuple):
    """A stretch of steps of sequences sorted by falling length.

    The rows of a step, one for each sequence that still runs, are neighbours, and so are the rows
    of neighbouring steps. An array of states has ``lanes`` rows more, in front: the states before
    the first step.
    """

    first: NDArray[np.int64]  # (T,) the first row of each step
    count: NDArray[np.int64]  # type: ignore[assignment]  # (T,) its rows; falls
    lanes: int  # rows of the step before the first one


@inlined
def before(steps: Any, t: int) -> Any:
    """The first row, in an array of states, of the states that step t starts from."""
    return steps.lanes + steps.first[t - 1] if t > 0 else 0


@inlined
def set_rows(rows: Any, first: int, count: int, row: Any) -> None:
    """Copy one row into several."""
    for r in range(first, first + count):
        for i in range(row.size):
            rows[r, i] = row[i]
