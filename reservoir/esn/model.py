"""The record of an echo state network: plain arrays and settings, no behaviour.

Everything that a prediction needs is in here, so that a checkpoint can write it field by field
and nothing has to be remade from a seed.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from reservoir.series.scaler import Scaler

__all__ = ["ACTIVATIONS", "ESN", "Position", "Readout", "Reservoir", "RidgePath", "Scaler"]

ACTIVATIONS = ("tanh", "logistic", "relu", "identity")


@dataclass(frozen=True)
class Reservoir:
    """The fixed recurrence ``x <- (1-a) x + a f(W x + W_in u + b + W_fb y)``.

    All arrays share one dtype, float64 or float32.
    """

    W: sparse.csr_array | NDArray[np.floating]  # (N, N)
    W_in: NDArray[np.floating]  # (N, K)
    W_fb: NDArray[np.floating]  # (N, M), or (N, 0) without feedback
    bias: NDArray[np.floating]  # (N,)
    leak_rate: NDArray[np.floating]  # (N,) the a of each unit, in (0, 1]
    activation: str  # one of ACTIVATIONS

    @property
    def units(self) -> int:
        return int(self.W_in.shape[0])

    @property
    def dtype(self) -> np.dtype[np.floating]:
        return self.W_in.dtype


@dataclass(frozen=True)
class Readout:
    """Scaled outputs ``y = features @ weights + intercept``.

    The features of a step are the N states, followed by the K scaled inputs if the model has
    direct input-to-readout connections.
    """

    weights: NDArray[np.float64]  # (F, M), F = N or N + K
    intercept: NDArray[np.float64]  # (M,)


@dataclass(frozen=True)
class RidgePath:
    """How the ridge was chosen: the error of each candidate and the choice per target."""

    criterion: str  # "fixed", "blocks", "gcv" or "loo"
    candidates: NDArray[np.float64]  # (L,) absolute values, ascending
    errors: NDArray[np.float64]  # (L, M) mean squared error, scaled targets; NaN if "fixed"
    chosen: NDArray[np.float64]  # (M,)
    condition: float  # condition number of the regularised normal equations
    scored: int  # steps that entered the fit


@dataclass(frozen=True)
class Position:
    """Where a driven network stands: enough to go on from there."""

    x: NDArray[np.floating]  # (N,) state
    u: NDArray[np.floating]  # (K,) last scaled input
    y: NDArray[np.floating]  # (M,) last scaled output, or target if that was forced


@dataclass(frozen=True)
class ESN:
    """A fitted echo state network.

    ``continues[m]`` is the input column whose next value output m predicts, or -1. A closed loop
    feeds such outputs back as inputs; with ``W_fb`` all outputs are fed back through it as well.
    """

    reservoir: Reservoir
    input_scaler: Scaler
    target_scaler: Scaler
    readout: Readout
    ridge_path: RidgePath
    continues: NDArray[np.int64]  # (M,)
    washout: int | str  # steps at the start of each series that are not scored, or "auto"
    horizon: int  # steps between an input row and the target row that it predicts
    input_names: tuple[str, ...]  # (K,)
    target_names: tuple[str, ...]  # (M,)
    end: Position  # the end of the last training series
