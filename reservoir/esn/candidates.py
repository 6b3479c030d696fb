"""Many models that share one W, side by side as lanes.

A search over spectral radius, leak rate and scalings need not draw and run a reservoir for each of
them: in ``x <- (1-a) x + a f(r W x + s W_in u + b bias)`` the candidates differ in four numbers
each, and one pass over the non-zeros of W serves all.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from reservoir.errors import DataError
from reservoir.esn.drives import Drives, Teacher
from reservoir.esn.model import Reservoir
from reservoir.esn.records import kernel_weights, lane_weights, no_loop
from reservoir.esn.recurrence import drive_lanes, origin
from reservoir.esn.stretches import BLOCK_VALUES, STEPS_A_BLOCK
from reservoir.kernels.weights import Scales
from reservoir.series.collection import Collection
from reservoir.series.scaler import Scaler

Array = NDArray[np.floating]


@dataclass(frozen=True)
class Candidates:
    """What each of L models has of its own: factors on the matrices of one reservoir.

    Raises
    ------
    DataError
        If the arrays are not one-dimensional and of one length, or a number is not finite, or a
        leak rate is not in (0, 1].
    """

    W: Array  # (L,) on W, so on its spectral radius
    W_in: Array  # (L,) on the input weights
    bias: Array  # (L,) on the bias
    leak_rate: Array  # (L,) of all units, in place of the reservoir's

    def __post_init__(self) -> None:
        for field in fields(self):
            value = np.asarray(getattr(self, field.name), np.float64)
            if value.shape != np.shape(self.W) or value.ndim != 1:
                raise DataError(
                    f"candidates: {field.name} has the shape {value.shape}; expected a number for "
                    "each candidate"
                )
            if not np.isfinite(value).all():
                raise DataError(f"candidates: {field.name} is not finite everywhere")
        leak = np.asarray(self.leak_rate)
        if ((leak <= 0) | (leak > 1)).any():
            raise DataError("candidates: leak_rate is not in (0, 1] everywhere")

    def __len__(self) -> int:
        return len(self.W)

    def reservoir(self, base: Reservoir, index: int) -> Reservoir:
        """One candidate as a reservoir of its own."""
        dtype = base.dtype.type
        return replace(
            base,
            W=base.W * dtype(self.W[index]),
            W_in=base.W_in * dtype(self.W_in[index]),
            bias=base.bias * dtype(self.bias[index]),
            leak_rate=np.full_like(base.leak_rate, self.leak_rate[index]),
        )


@dataclass(frozen=True)
class CandidateBlock:
    """The same steps of one series as all candidates see them."""

    series: int
    start: int  # step of the first row
    inputs: NDArray[Any]  # (n, K) scaled
    states: NDArray[Any]  # (L, n, N)


def candidate_states(
    base: Reservoir,
    candidates: Candidates,
    inputs: Collection,
    scaler: Scaler,
    *,
    teacher: Teacher | None = None,
) -> Iterator[CandidateBlock]:
    """States of all candidates along all series, each from the zero state, block by block.

    Parameters
    ----------
    base
        The reservoir that the candidates scale.
    scaler
        Of the inputs.
    teacher
        For reservoirs with feedback.
    """
    dtype, lanes, units = base.dtype, len(candidates), base.units
    zero = origin(base, base.W_fb.shape[1])
    starts = [zero] * len(inputs.series)
    drives = Drives(base, inputs, scaler, teacher, None, starts)
    weights = lane_weights(kernel_weights(base))
    leak = np.array(candidates.leak_rate, dtype)
    scales = Scales(
        W=np.array(candidates.W, dtype),
        W_in=np.array(candidates.W_in, dtype),
        bias=np.array(candidates.bias, dtype),
        leak=leak,
        keep=1 - leak,
    )
    most = min(max(16, BLOCK_VALUES // max(1, lanes * units)), STEPS_A_BLOCK)
    for index, length in enumerate(inputs.lengths):
        x, y = np.tile(zero.x, (lanes, 1)), np.tile(zero.y, (lanes, 1))
        for start in range(0, length if lanes else 0, most):
            steps = min(most, length - start)
            drive = drives.of([(index, start, start + steps)])
            states = np.empty((lanes, steps, units), dtype)
            drive_lanes(
                weights,
                no_loop(dtype),
                drive,
                np.zeros(lanes, np.int64),
                np.full(lanes, steps),
                x,
                y,
                states=states.reshape(lanes * steps, units),
                to=np.arange(lanes) * steps,
                scales=scales,
            )
            yield CandidateBlock(index, start, drive.inputs, states)
